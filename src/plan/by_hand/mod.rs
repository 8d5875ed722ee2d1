//! What people do by hand where a service has no interface: what should be, held against what was confirmed last.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::code::Code;
use crate::employee::{EmployeeId, Lifecycle, Standing};
use crate::plan::LeaverAction;
use crate::rules::{Desired, Facts, MappingSource};

use super::{Account, Change, FieldChange, Notice, Op, PlanInput, Snapshot, TargetPlan};
use crate::field::{FieldIndex, FieldKind, FieldValue};

/// What begins the id of a team, where people have their numbers.
const TEAM: &str = "team ";
/// What begins the field of a membership.
const MEMBER: &str = "teams.";
/// The field of a team's setting: no account has it.
const NO_FIELD: FieldIndex = FieldIndex(u16::MAX);

/// The settings of one team, by their names in the file.
pub type TeamSettings = BTreeMap<Box<str>, Setting>;

/// A setting of a team, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    One(Box<str>),
    /// Several, in the order of the file.
    Several(Vec<Box<str>>),
}

impl Setting {
    fn value(&self) -> FieldValue {
        match self {
            Self::One(text) => FieldValue::Text((&**text).into()),
            Self::Several(items) => FieldValue::List(items.clone().into()),
        }
    }

    fn of(value: &FieldValue) -> Option<Self> {
        match value {
            FieldValue::Text(text) => Some(Self::One((&**text).into())),
            FieldValue::List(items) => Some(Self::Several(items.to_vec())),
            _ => None,
        }
    }

    /// Whether nothing would have to be done: the order of several does not count.
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Several(one), Self::Several(other)) => {
                let set = |items: &[Box<str>]| items.iter().cloned().collect::<BTreeSet<_>>();
                set(one) == set(other)
            }
            _ => self == other,
        }
    }
}

/// What somebody said is done: numbers of employees, names of fields, and settings that the file held. No value of
/// an employee.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// By the number of an employee: the fields of yes or no that are yes.
    pub(super) people: BTreeMap<u64, BTreeSet<Box<str>>>,
    pub(super) teams: BTreeMap<Box<str>, TeamSettings>,
}

impl Confirmed {
    /// Reads what [`Confirmed::text`] wrote.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }

    /// Whether a field of yes or no is yes.
    pub fn holds(&self, employee: EmployeeId, field: &str) -> bool {
        self.people.get(&employee.0).is_some_and(|fields| fields.contains(field))
    }

    /// Everybody with a field that is yes.
    pub fn with(&self, field: &str) -> BTreeSet<EmployeeId> {
        let has = |(id, fields): (&u64, &BTreeSet<Box<str>>)| fields.contains(field).then_some(EmployeeId(*id));
        self.people.iter().filter_map(has).collect()
    }

    /// Takes a change as done.
    pub fn accept(&mut self, change: &Change) {
        if let Some(employee) = change.employee {
            let fields = self.people.entry(employee.0).or_default();
            for field in &change.fields {
                if field.after == FieldValue::Bool(true) {
                    fields.insert((&*field.field).into());
                } else {
                    fields.remove(&*field.field);
                }
            }
        } else if let Some(team) = team_of(change) {
            if change.op == Op::Deactivate {
                self.teams.remove(team);
                let member = format!("{MEMBER}{team}");
                for fields in self.people.values_mut() {
                    fields.remove(member.as_str());
                }
            } else {
                let settings = self.teams.entry(team.into()).or_default();
                for field in &change.fields {
                    match Setting::of(&field.after) {
                        Some(setting) => settings.insert((&*field.field).into(), setting),
                        None => settings.remove(&*field.field),
                    };
                }
            }
        }
        self.people.retain(|_, fields| !fields.is_empty());
    }
}

/// The team that a change is about: itself, not one of its members.
pub fn team_of(change: &Change) -> Option<&str> {
    change.account.as_ref().filter(|_| change.employee.is_none())?.0.strip_prefix(TEAM)
}

/// The team that a field stands for the membership of.
pub fn member_of(field: &str) -> Option<&str> {
    field.strip_prefix(MEMBER)
}

/// What people have to do, in words.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Checklist {
    /// What tells this list from one with other steps; `None` when it is about one employee only.
    pub code: Option<String>,
    /// In the order in which they are best done.
    pub groups: Vec<StepGroup>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepGroup {
    pub title: String,
    pub position: String,
    /// Not empty.
    pub steps: Vec<String>,
}

impl Checklist {
    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.steps.len()).sum()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

/// What tells one set of changes from another; the same whatever day it is.
pub fn checklist_code(changes: &[Change]) -> String {
    let mut hash = Sha256::new();
    for change in changes.iter().filter(|change| change.hold.is_none()) {
        let account = change.account.as_ref().map(|account| &*account.0);
        hash.update(format!("{} {:?} {account:?}\n", change.op, change.employee.map(|id| id.0)));
        for field in &change.fields {
            hash.update(format!("{:?} {:?} {:?}\n", field.field, field.before.to_string(), field.after.to_string()));
        }
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// How an employee is found by somebody who looks for them; stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PersonLabel {
    /// The field `name` of the mapping.
    pub name: Option<Box<str>>,
    /// The field `email` of the mapping, in lower case.
    pub email: Option<Box<str>>,
    /// The field `language` of the mapping.
    pub language: Option<Box<str>>,
    pub left: bool,
}

impl PersonLabel {
    /// `Ines Example (ines@example.com, employee 1001)`
    pub fn in_full(&self, employee: EmployeeId) -> String {
        match (&self.name, &self.email) {
            (Some(name), Some(email)) => format!("{name} ({email}, employee {employee})"),
            (Some(one), None) | (None, Some(one)) => format!("{one} (employee {employee})"),
            (None, None) => format!("employee {employee}"),
        }
    }
}

/// The accounts that such a service has of itself: everybody whom Personio delivers, with what the mapping gives,
/// and with roles and memberships as they were confirmed.
pub fn snapshot(input: &PlanInput<'_>, confirmed: &Confirmed) -> Snapshot {
    let account = |position: usize| {
        let employee = &input.employees.list[position];
        let attributes = &input.employees.attributes;
        let facts = Facts::new(employee, attributes, &input.standings[position], input.today, input.tables);
        let mut fields = vec![FieldValue::Empty; input.schema.fields.len()];
        for (index, spec) in input.schema.iter().filter(|(_, spec)| spec.identity) {
            debug_assert_eq!(spec.kind, FieldKind::Text);
            fields[index.get()] = FieldValue::text(&employee.id.to_string());
        }
        for mapping in &input.settings.mapping {
            let spec = input.schema.field(mapping.index);
            fields[mapping.index.get()] = match &mapping.source {
                MappingSource::Member { .. } => FieldValue::Bool(confirmed.holds(employee.id, &spec.name)),
                _ => match mapping.desired(spec, &facts) {
                    Desired::Value(value) => value,
                    Desired::Keep(_) | Desired::Invalid(_) | Desired::Fail(..) => FieldValue::Empty,
                },
            };
        }
        Account::new(employee.id.to_string(), true, fields)
    };
    Snapshot { accounts: (0..input.employees.list.len()).map(account).collect(), ..Snapshot::default() }
}

/// What everybody is called, by what the mapping gives.
pub fn person_labels(input: &PlanInput<'_>, snapshot: &Snapshot) -> BTreeMap<EmployeeId, PersonLabel> {
    let position = |name| input.schema.index(name);
    let (name, email, language) = (position("name"), position("email"), position("language"));
    let text = |account: &Account, index: Option<FieldIndex>| {
        let text = account.field(index?).as_text()?.trim();
        (!text.is_empty()).then(|| Box::<str>::from(text))
    };
    input
        .employees
        .list
        .iter()
        .zip(&snapshot.accounts)
        .zip(input.standings)
        .map(|((employee, account), standing)| {
            let label = PersonLabel {
                name: text(account, name),
                email: text(account, email).map(|email| email.to_lowercase().into()),
                language: text(account, language),
                left: standing.lifecycle == Lifecycle::Left,
            };
            (employee.id, label)
        })
        .collect()
}

/// Completes a plan: why people are taken out, who is out of scope or no longer there, and what is to be done to
/// the teams themselves.
pub fn complete(
    plan: &mut TargetPlan,
    input: &PlanInput<'_>,
    teams: &BTreeMap<Box<str>, TeamSettings>,
    confirmed: Option<&Confirmed>,
    in_scope: &[EmployeeId],
) {
    let nothing = Confirmed::default();
    let known = confirmed.unwrap_or(&nothing);
    for change in &mut plan.changes {
        let position = change.employee.and_then(|id| input.employees.list.binary_search_by_key(&id, |one| one.id).ok());
        if let Some(position) = position
            && change.fields.iter().any(|field| field.before == FieldValue::Bool(true))
        {
            (change.reason, change.detail) = grounds(&input.standings[position]);
        }
    }
    for employee in known.people.keys().copied().map(EmployeeId) {
        if input.only.is_none_or(|only| only == employee) && in_scope.binary_search(&employee).is_err() {
            outside(plan, input, known, employee);
        }
    }
    if input.only.is_none() {
        plan.changes.extend(team_changes(teams, known));
        without_members(plan, input, known);
        if confirmed.is_none() && !plan.changes.is_empty() {
            let message =
                "nothing was confirmed yet, so all of it is listed; what is so already, `confirm` takes as done";
            plan.notices.push(Notice::new(Code::NothingConfirmed, message));
        }
    }
    plan.changes
        .sort_by(|one, other| (one.op, one.employee, &one.account).cmp(&(other.op, other.employee, &other.account)));
}

/// Why somebody is taken out who is still delivered and in scope.
fn grounds(standing: &Standing) -> (Option<Code>, Option<String>) {
    if standing.lifecycle != Lifecycle::Left {
        return (None, Some("no longer fits the rule".to_owned()));
    }
    let day = standing.last_day.map_or_else(|| "status is inactive".to_owned(), |day| format!("left on {day}"));
    (Some(Code::Left), Some(day))
}

/// Somebody with a role or a membership whom the rules do not look at.
fn outside(plan: &mut TargetPlan, input: &PlanInput<'_>, known: &Confirmed, employee: EmployeeId) {
    if plan.skipped.iter().any(|skip| skip.employee == employee) {
        return;
    }
    let delivered = input.employees.get(employee).is_some();
    let fields: Vec<FieldChange> = input
        .schema
        .iter()
        .filter(|(_, spec)| spec.kind == FieldKind::Bool && known.holds(employee, &spec.name))
        .map(|(index, spec)| FieldChange {
            index,
            field: spec.name.clone(),
            before: FieldValue::Bool(true),
            after: FieldValue::Bool(false),
        })
        .collect();
    if fields.is_empty() {
        return;
    }
    let (reason, detail) = if delivered {
        (Code::OutOfScope, "no longer matches the filters")
    } else {
        (Code::Missing, "no longer delivered by Personio")
    };
    if !delivered && (input.settings.leavers.missing != LeaverAction::Deactivate || !input.employees.is_complete()) {
        let names: Vec<&str> = fields.iter().map(|field| &*field.field).collect();
        plan.notices.push(Notice::about(
            employee,
            Code::EmployeeMissing,
            format!(
                "{detail}, and confirmed as {}; see that they are out, then `personio-sync forget {employee}`",
                names.join(", ")
            ),
        ));
        return;
    }
    plan.changes.push(Change {
        reason: Some(reason),
        detail: Some(detail.to_owned()),
        ..change(Op::Update, Some(employee), employee.to_string(), fields)
    });
}

pub(super) fn change(op: Op, employee: Option<EmployeeId>, account: String, fields: Vec<FieldChange>) -> Change {
    Change { account: Some(account.into()), fields, ..Change::new(op, employee) }
}

/// Teams to make, to change, and to archive.
pub(super) fn team_changes(teams: &BTreeMap<Box<str>, TeamSettings>, known: &Confirmed) -> Vec<Change> {
    let none = TeamSettings::new();
    let names: BTreeSet<&Box<str>> = teams.keys().chain(known.teams.keys()).collect();
    let of_team = |name: &str| {
        let id = format!("{TEAM}{name}");
        let (before, after) = (known.teams.get(name), teams.get(name));
        let op = match (before, after) {
            (_, None) => return Some(change(Op::Deactivate, None, id, Vec::new())),
            (None, Some(_)) => Op::Create,
            (Some(_), Some(_)) => Op::Update,
        };
        let fields = differences(before.unwrap_or(&none), after.unwrap_or(&none));
        (op == Op::Create || !fields.is_empty()).then(|| change(op, None, id, fields))
    };
    names.into_iter().filter_map(|name| of_team(name)).collect()
}

fn differences(before: &TeamSettings, after: &TeamSettings) -> Vec<FieldChange> {
    let names: BTreeSet<&Box<str>> = before.keys().chain(after.keys()).collect();
    let value = |setting: Option<&Setting>| setting.map(Setting::value).unwrap_or_default();
    let of_setting = |name: &str| {
        let (before, after) = (before.get(name), after.get(name));
        let same = matches!((before, after), (Some(before), Some(after)) if before.same(after));
        (!same).then(|| FieldChange { index: NO_FIELD, field: name.into(), before: value(before), after: value(after) })
    };
    names.into_iter().filter_map(|name| of_setting(name)).collect()
}

/// Says of roles and teams that would be left without anybody: most likely a department was renamed.
fn without_members(plan: &mut TargetPlan, input: &PlanInput<'_>, known: &Confirmed) {
    for (_, spec) in input.schema.iter().filter(|(_, spec)| spec.kind == FieldKind::Bool) {
        let before = known.with(&spec.name);
        let mut after = before.clone();
        for change in &plan.changes {
            let (Some(employee), Some(field)) =
                (change.employee, change.fields.iter().find(|field| field.field == spec.name))
            else {
                continue;
            };
            if field.after == FieldValue::Bool(true) {
                after.insert(employee)
            } else {
                after.remove(&employee)
            };
        }
        if !after.is_empty() {
            continue;
        }
        let loses = match before.len() {
            0 => String::new(),
            many => format!("; all {many} would be taken out"),
        };
        plan.notices.push(Notice::new(
            Code::NobodyFits,
            format!("nobody fits the rule of {}{loses}; look at the rule first", spec.name),
        ));
    }
}
