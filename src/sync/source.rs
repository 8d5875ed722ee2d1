//! Whether the source's list is true: held against the last good read, and against what it says of single people.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};

use crate::code::Code;
use crate::employee::{Column, Employee, EmployeeId, Employees, Named, Value};
use crate::personio::{Presence, Source};
use crate::plan::{Absences, Notice};
use crate::state::{KnownAttribute, SourceGroup, SourceMemory, SourceRead};
use crate::zone::Zone;

/// From this many people on, a company or an office is watched by itself.
const WATCHED_FROM: u64 = 10;

/// So many people fewer are the ordinary coming and going of deleted profiles.
const FEW: usize = 3;

/// Attributes whose groups are watched, where the file reads them anyway; with the words of messages.
const WATCHED: [(&str, &str); 2] = [("subcompany", "company"), ("office", "office")];

/// How many people are in each company or office; and of how many that is hidden.
#[derive(Default)]
struct People<'e> {
    of: BTreeMap<&'e Named, u64>,
    hidden: u64,
}

impl<'e> People<'e> {
    fn of(employees: &'e Employees, column: Column) -> Self {
        let mut people = Self::default();
        for employee in &employees.list {
            match employee.value(column) {
                Value::Hidden => people.hidden += 1,
                Value::Named(named) => *people.of.entry(named).or_default() += 1,
                _ => {}
            }
        }
        people
    }
}

/// The larger companies and offices of a read.
fn groups(employees: &Employees) -> Vec<SourceGroup> {
    let mut groups = Vec::new();
    for (attribute, _) in WATCHED {
        let Some(column) = employees.attributes.column(attribute) else { continue };
        let mut found: BTreeMap<Box<str>, SourceGroup> = BTreeMap::new();
        for (named, people) in People::of(employees, column).of {
            let (attribute, name) = (Box::from(attribute), Box::from(&*named.name));
            let group =
                found.entry(key(named)).or_insert_with(|| SourceGroup { attribute, key: key(named), name, people: 0 });
            group.people += people;
        }
        groups.extend(found.into_values().filter(|group| group.people >= WATCHED_FROM));
    }
    groups
}

/// A company or an office may be renamed, and keeps its id.
fn key(named: &Named) -> Box<str> {
    named.id.known().map_or_else(|| (&*named.name).into(), |id| id.to_string().into())
}

/// How many people may be in each of some groups now: those who are, and those of whom it is hidden. `None` where the
/// attribute is not read.
fn members(groups: &[SourceGroup], employees: &Employees) -> Vec<Option<u64>> {
    let people = |attribute: &str| Some(People::of(employees, employees.attributes.column(attribute)?));
    let read = WATCHED.map(|(attribute, _)| (attribute, people(attribute)));
    let may_be_in = |group: &SourceGroup| {
        let (_, people) = read.iter().find(|(attribute, _)| **attribute == *group.attribute)?;
        let people = people.as_ref()?;
        let inside = people.of.iter().filter(|(named, _)| key(named) == group.key).map(|(_, people)| people);
        Some(people.hidden + inside.sum::<u64>())
    };
    groups.iter().map(may_be_in).collect()
}

/// Why a read cannot be the truth, given what the last good one held. Whoever left is still delivered, and whoever moved to
/// another office as well; what falls short is a filter, a right, or a list that is not whole.
pub(super) fn shortfall(before: &SourceRead, employees: &Employees) -> Option<String> {
    let (then, now) = (before.people.len(), employees.list.len());
    let lost = before.people.iter().filter(|id| employees.get(**id).is_none()).count() as u64;
    let mut found = Vec::new();
    if now * 10 < then * 9 && then - now >= FEW {
        found.push(format!("{then} people came in the last good run, and {now} come now"));
    }
    for (group, now) in before.groups.iter().zip(members(&before.groups, employees)) {
        let Some(now) = now.filter(|now| now * 2 < group.people) else { continue };
        // As many may be found in other offices as are missing here, and nobody be lost.
        if lost * 2 >= group.people - now {
            let word =
                WATCHED.iter().find(|(attribute, _)| **attribute == *group.attribute).map_or("group", |(_, word)| word);
            found.push(format!("of {} people of the {word} `{}` {now} come now", group.people, group.name));
        }
    }
    (!found.is_empty())
        .then(|| format!("{}; if they are really gone from Personio, run again with --accept-source", found.join("; ")))
}

/// Asks for those by id whom an earlier good read and this one lack, and says what contradicts the list.
///
/// Nobody is asked for a second time who is known to be gone.
pub(super) fn ask_for_missing(
    source: &dyn Source,
    memory: &SourceMemory,
    employees: &Employees,
    zone: Zone,
) -> (Absences, Vec<String>) {
    let mut absences = Absences::default();
    let mut doubts = Vec::new();
    let missing = memory.absences.iter().filter(|(employee, _)| employees.get(**employee).is_none());
    for (employee, absence) in missing {
        let since = absence.since.with_timezone(&zone).date_naive();
        let mut gone = absence.gone.is_some();
        // One refusal is enough to know that nobody can be asked for.
        if !gone && employees.is_complete() && doubts.is_empty() {
            match source.presence(*employee) {
                Ok(Presence::Gone) => gone = true,
                Ok(Presence::There) => doubts.push(format!(
                    "employee {employee} is not in the list of employees, and is there when asked for by id"
                )),
                Err(error) => doubts.push(format!(
                    "employee {employee} is not in the list of employees, and asking by id brings no answer: {error}"
                )),
            }
        }
        absences.insert(*employee, since, gone);
    }
    (absences, doubts)
}

/// The newest change of anybody, where the file reads `last_modified_at`: the only hint at how old the list is.
pub(super) fn newest_change(employees: &Employees) -> Option<DateTime<Utc>> {
    let column = employees.attributes.column("last_modified_at")?;
    let moment = |employee: &Employee| {
        let text = employee.value(column).as_text()?;
        DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc())
    };
    employees.list.iter().filter_map(moment).max()
}

/// A note where nothing seems to have been changed for more than two working days: the list may lag behind Personio.
pub(super) fn staleness(newest: DateTime<Utc>, zone: Zone, today: NaiveDate) -> Option<Notice> {
    const WORKING_DAYS: usize = 2;
    let day = newest.with_timezone(&zone).date_naive();
    let works = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let after = day.iter_days().skip(1).take_while(|next| *next < today);
    (after.filter(works).count() >= WORKING_DAYS).then(|| {
        let message = format!(
            "the newest change that Personio's list holds is of {day}; if people were edited since, the list lags behind, \
             and what it says is of that day"
        );
        Notice::new(Code::SourceOld, message)
    })
}

/// What a good read of everybody leaves to be remembered.
#[derive(Clone, Debug)]
pub struct SourceSeen {
    pub read: SourceRead,
    /// Whom Personio said not to know.
    pub gone: BTreeSet<EmployeeId>,
}

impl SourceSeen {
    /// Of a read, unless it is not proven.
    pub(super) fn of(employees: &Employees, absences: &Absences, attributes: Vec<KnownAttribute>) -> Option<Self> {
        employees
            .is_complete()
            .then(|| Self { read: SourceRead { attributes, ..held(employees) }, gone: absences.gone().collect() })
    }
}

/// What a read held, for the next one to be held against.
fn held(employees: &Employees) -> SourceRead {
    SourceRead {
        people: employees.list.iter().map(|employee| employee.id).collect(),
        groups: groups(employees),
        attributes: Vec::new(),
        newest_change: newest_change(employees),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::employee::{Attributes, Completeness, Part};

    /// People with ids from a range in an office each.
    fn company(offices: &[(&str, std::ops::Range<u64>)]) -> Employees {
        let attributes = Attributes::new(["office"]);
        let office = |name: &str| match name {
            "?" => Value::Hidden,
            name => Value::Named(Arc::new(Named { id: Part::Hidden, name: name.into() })),
        };
        let list = offices
            .iter()
            .flat_map(|(name, ids)| ids.clone().map(|id| Employee::new(EmployeeId(id), vec![office(name)])))
            .collect();
        Employees::new(attributes, list, Completeness::Proven)
    }

    #[test]
    fn a_read_is_held_against_the_last_good_one() {
        // before, now, words
        type Offices<'a> = &'a [(&'a str, std::ops::Range<u64>)];
        let table: &[(Offices<'_>, Offices<'_>, &[&str])] = &[
            (&[("Lyon", 1..11), ("Porto", 11..21)], &[("Lyon", 1..11), ("Porto", 11..21)], &[]),
            (
                &[("Lyon", 1..11), ("Porto", 11..21)],
                &[("Lyon", 1..11)],
                &["20 people", "10 come now", "of 10 people of the office `Porto` 0 come now", "--accept-source"],
            ),
            // Nine tenths are still there, and an office is not.
            (&[("Lyon", 1..891), ("Porto", 891..901)], &[("Lyon", 1..891)], &["`Porto`"]),
            (&[("Lyon", 1..891), ("Porto", 891..901)], &[("Lyon", 1..891), ("Porto", 891..896)], &[]),
            (&[("Lyon", 1..891), ("Porto", 891..900)], &[("Lyon", 1..891)], &[]),
            // Whoever moves is still there, whatever the attribute says or hides.
            (&[("Lyon", 1..11), ("Porto", 11..21)], &[("Lyon", 1..21)], &[]),
            (&[("Lyon", 1..11), ("Porto", 11..21)], &[("?", 1..21)], &[]),
            // A few fewer, and slowly.
            (&[("Lyon", 1..6)], &[("Lyon", 1..4)], &[]),
            (&[("Lyon", 1..10)], &[("Lyon", 1..7)], &["9 people", "6 come now"]),
            (&[("Lyon", 1..31)], &[("Lyon", 1..28)], &[]),
            (&[("Lyon", 1..30)], &[("Lyon", 1..27)], &["29 people"]),
        ];
        for (before, now, words) in table {
            let found = shortfall(&held(&company(before)), &company(now));
            assert_eq!(found.is_some(), !words.is_empty(), "{before:?} {now:?}: {found:?}");
            for word in *words {
                assert!(found.as_ref().unwrap().contains(word), "{word}: {found:?}");
            }
        }
    }

    #[test]
    fn a_list_is_old_after_two_working_days_without_a_change() {
        for (newest, today, old) in [
            ("2026-11-26T16:02:00Z", "2026-11-27", false),
            // Thursday to Monday: one working day lies between.
            ("2026-11-26T16:02:00Z", "2026-11-30", false),
            ("2026-11-26T16:02:00Z", "2026-12-01", true),
            ("2026-11-24T16:02:00Z", "2026-11-26", false),
            ("2026-11-24T16:02:00Z", "2026-11-27", true),
            // Already the next day in Berlin.
            ("2026-11-24T23:30:00Z", "2026-11-27", false),
        ] {
            let newest: DateTime<Utc> = newest.parse().unwrap();
            let found = staleness(newest, crate::zone::testing::zone("Europe/Berlin"), today.parse().unwrap());
            assert_eq!(found.is_some(), old, "{newest} {today}");
        }
    }
}
