//! Steps that change one requester: fields, groups, being in use at all.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use crate::field::{AccountId, FieldIndex, FieldKind, FieldSpec, FieldValue};
use crate::http::Method;
use crate::plan::{Action, FieldChange, WorkflowStep};
use crate::rules::convert;

use super::super::errors::Operation;
use super::super::{Freshservice, Group, Named, Reads, Transport, fields, number, requests, says_sees_all_tickets};
use super::form::{Given, Lookups as _};
use super::{Directory, look_through, refuse, values};
use crate::targets::{FieldLookup, ReadAccounts as _, TargetError, WriteAccounts as _};
use crate::zone::Zones;

impl<C: Reads> Freshservice<C> {
    /// The fields of a step, with the types that the account gives custom ones.
    fn specs_of(&self, names: &[&str]) -> Result<Vec<FieldSpec>, TargetError> {
        let specs: Vec<FieldSpec> = names
            .iter()
            .map(|name| match fields::lookup(name, Zones::compiled()) {
                FieldLookup::Known(spec) | FieldLookup::Open(spec) => Ok(spec),
                FieldLookup::Unknown => Err(refuse(format!("there is no field `{name}`"))),
            })
            .collect::<Result<_, _>>()?;
        let rows = self.field_rows(&specs)?;
        fields::describe(&specs, &rows)
    }

    /// A value as its field takes it.
    fn converted(
        &self,
        value: FieldValue,
        spec: &FieldSpec,
        directory: &Directory<'_, C>,
    ) -> Result<FieldValue, String> {
        if spec.kind == FieldKind::Account && !value.is_empty() {
            let text = value.to_string();
            let id = text.parse::<u64>().map_or_else(|_| directory.user(&text), Ok)?;
            return Ok(FieldValue::Account(id.to_string().into()));
        }
        convert(value, spec)
    }
}

impl<C: Transport> Freshservice<C> {
    pub(super) fn update_requester(&self, request: &WorkflowStep, account: &AccountId) -> Result<(), TargetError> {
        let values = values(request)?;
        let names: Vec<&str> = values.iter().map(|(name, _)| &**name).collect();
        let specs = self.specs_of(&names)?;
        let directory = Directory::new(self);
        let changes: Result<Vec<FieldChange>, String> = values
            .into_iter()
            .zip(&specs)
            .enumerate()
            .map(|(named, ((name, value), spec))| {
                let after = self.converted(value, spec, &directory).map_err(|why| format!("`{name}`: {why}"))?;
                let index = FieldIndex(u16::try_from(named).expect("no step has so many fields"));
                Ok(FieldChange { index, field: name.into(), before: FieldValue::Empty, after })
            })
            .collect();
        let changes = directory.or_failed(changes)?;
        let body = self.body_of(&changes, &specs)?;
        self.put(account, body, says_sees_all_tickets(&changes))
    }
}

impl<C: Reads> Freshservice<C> {
    /// What is wrong with the fields of an update.
    pub(super) fn update_problems(&self, given: Vec<Given>) -> Result<Vec<String>, TargetError> {
        let names: Vec<&str> = given.iter().map(|(name, _)| &**name).collect();
        let specs = self.specs_of(&names)?;
        let directory = Directory::new(self);
        let mut wrong = Vec::new();
        for ((name, value), spec) in given.iter().zip(&specs) {
            let Some(value) = value.clone().filter(|value| !value.is_empty()) else { continue };
            let found = match (Named::of(spec), value) {
                (Some(named), FieldValue::List(items)) => {
                    items.iter().try_for_each(|item| directory.id(named, "thing", item).map(drop))
                }
                (Some(named), value) => directory.id(named, "thing", &value.to_string()).map(drop),
                (None, value) => self.converted(value, spec, &directory).map(drop),
            };
            wrong.extend(found.err().map(|why| format!("`{name}`: {why}")));
        }
        directory.checked(wrong)
    }
}

impl<C: Transport> Freshservice<C> {
    /// Somebody who is out of use or gone already stays so.
    pub(super) fn deactivate_requester(&self, account: &AccountId) -> Result<(), TargetError> {
        if self.account(account)?.is_some_and(|account| account.active) {
            self.deactivate(account)?;
        }
        Ok(())
    }
}

impl<C: Transport> Freshservice<C> {
    pub(super) fn change_member(&self, request: &WorkflowStep, account: &AccountId) -> Result<(), TargetError> {
        let member = number(account)?;
        let name = values(request)?.into_iter().find(|(name, _)| &**name == "group").map(|(_, value)| value);
        let group = self.group(&name.unwrap_or_default().to_string())?;
        let joins = request.action == Action::AddToRequesterGroup;
        let method = if joins { Method::Post } else { Method::Delete };
        match self.send(&requests::member(method, group, member), Operation::ChangeMembers) {
            // Who is no member need not be removed.
            Err(error) if !joins && error.status == Some(404) => Ok(()),
            other => other.map(drop),
        }
    }
}

impl<C: Reads> Freshservice<C> {
    /// What is wrong with the group of a step.
    pub(super) fn group_problems(&self, given: &[Given]) -> Result<Vec<String>, TargetError> {
        let name = given.iter().find(|(name, _)| &**name == "group").and_then(|(_, value)| value.as_ref());
        match name.map(|name| self.group(&name.to_string())) {
            Some(Err(error)) if error.kind == crate::targets::ErrorKind::Refused => Ok(vec![error.message]),
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Ok(Vec::new()),
        }
    }

    /// All groups of requesters, read once.
    pub(super) fn groups(&self) -> Result<Arc<Vec<Group>>, TargetError> {
        let mut known = self.groups.lock();
        if let Some(groups) = &*known {
            return Ok(Arc::clone(groups));
        }
        let (mut groups, mut ids) = (Vec::new(), HashSet::new());
        self.pages(Operation::ListGroups, "requester_groups", requests::list_groups, |rows| {
            look_through(&rows, &mut ids, |id, row| {
                let name = row.get("name").and_then(Value::as_str).unwrap_or_default().into();
                let manual = row.get("type").and_then(Value::as_str) != Some("rule_based");
                groups.push(Group { id, name, manual });
            })
        })?;
        Ok(Arc::clone(known.insert(Arc::new(groups))))
    }

    /// The id of a group that can be changed.
    fn group(&self, name: &str) -> Result<u64, TargetError> {
        if name.trim().is_empty() {
            return Err(refuse("`group` is empty"));
        }
        let groups = self.groups()?;
        let wanted = |group: &&Group| group.name.trim().to_lowercase() == name.trim().to_lowercase();
        let found: Vec<(u64, bool)> = groups.iter().filter(wanted).map(|group| (group.id, group.manual)).collect();
        match found.as_slice() {
            [(id, true)] => Ok(*id),
            [(_, false)] => Err(refuse(format!(
                "the members of the group `{name}` follow a rule; only manual groups can be changed"
            ))),
            [] => Err(refuse(format!("Freshservice has no requester group `{name}`"))),
            _ => Err(refuse(format!("Freshservice has several requester groups `{name}`"))),
        }
    }
}
