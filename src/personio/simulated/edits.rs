//! Who was edited when, for `updated_since`.

use std::collections::{BTreeMap, HashSet};

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use super::Personio;
use crate::simulation::SandboxRequest;
use crate::simulation::people::Person;

/// The edits of people who were edited since the company was there.
pub(super) type Edits = BTreeMap<u64, Vec<Edit>>;

#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// On the clock of the service, in UTC.
    at: NaiveDateTime,
    /// `None` is all of them.
    attributes: Option<HashSet<String>>,
}

/// A day or a second, without a zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since(NaiveDateTime);

impl Since {
    /// Reads what a request asks for; nothing but days and seconds is documented.
    pub(super) fn read(text: &str) -> Option<Self> {
        let moment = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok();
        moment.or_else(|| Some(noon(text.parse().ok()?) - TimeDelta::hours(12))).map(Self)
    }
}

fn noon(day: NaiveDate) -> NaiveDateTime {
    day.and_hms_opt(12, 0, 0).unwrap_or_default()
}

impl Personio {
    /// What the clock of the service says. It began at noon.
    fn now(&self) -> NaiveDateTime {
        noon(self.company.today) + TimeDelta::from_std(self.at).unwrap_or_default()
    }

    pub(super) fn note_edit(&mut self, before: &Person, attributes: impl Iterator<Item = String>) {
        let at = self.now();
        let unedited = || vec![Edit { at: noon(before.last_modified), attributes: None }];
        let edits = self.edits.entry(before.id).or_insert_with(unedited);
        edits.push(Edit { at, attributes: Some(attributes.collect()) });
    }

    pub(super) fn note_hire(&mut self, id: u64) {
        let at = self.now();
        self.edits.insert(id, vec![Edit { at, attributes: None }]);
    }

    /// The attributes whose edits count: those that are asked for and granted; `None` is all of them.
    pub(super) fn watched(&self, request: &SandboxRequest, projection: &[usize]) -> Option<HashSet<String>> {
        let asked = request.query.iter().any(|(name, _)| name.starts_with("attributes["));
        let keys = || projection.iter().map(|index| self.catalogue[*index].key.to_string()).collect();
        (asked || !self.options.hidden_attributes.is_empty()).then(keys)
    }

    /// Whether an answer to `updated_since` holds somebody.
    pub(super) fn is_updated(&self, person: &Person, since: Since, watched: Option<&HashSet<String>>) -> bool {
        let known = self.now() - TimeDelta::minutes(self.options.late_minutes);
        let since = since.0 - TimeDelta::hours(self.options.zone_hours);
        let counts = |edit: &Edit| match (&edit.attributes, watched) {
            (Some(edited), Some(watched)) => !edited.is_disjoint(watched),
            _ => true,
        };
        match self.edits.get(&person.id) {
            Some(edits) => edits.iter().any(|edit| since <= edit.at && edit.at <= known && counts(edit)),
            None => since <= noon(person.last_modified),
        }
    }
}
