//! Accounts that go from an old profile to the new one of the same person.
//!
//! Personio makes a new profile with a new number for a rehire and for a change of legal entity; the address and a
//! staff number move to it, or stand on both.

use crate::code::Code;
use crate::employee::Value;
use crate::plan::{Handover, HandoverMode, Hold};
use crate::rules::Vocabulary;

use super::*;

/// An attribute that tells one person from another, however many profiles they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifying {
    pub attribute: Box<str>,
    /// What the file calls it.
    pub name: Box<str>,
}

/// Address, staff number and birthday, by what attributes and their readable names are called. Personio has presets for
/// the first only; what the others are called in an account is told by the file.
const IDENTIFYING: [&str; 8] = [
    "email",
    "staff_number",
    "personnel_number",
    "employee_number",
    "birthday",
    "birth_date",
    "birthdate",
    "date_of_birth",
];

/// Attributes that many people share, so that they prove nothing.
const NAMES: [&str; 3] = ["first_name", "last_name", "preferred_name"];

/// The attributes that two profiles of one person share, as the file calls them.
pub fn identifying(vocabulary: &Vocabulary) -> Vec<Identifying> {
    let mut found: Vec<Identifying> = Vec::new();
    for name in IDENTIFYING {
        let attribute = vocabulary.attribute_called(name).unwrap_or(name);
        if found.iter().all(|known| *known.attribute != *attribute) {
            found.push(Identifying { attribute: attribute.into(), name: name.into() });
        }
    }
    found
}

/// A handover as it is decided, or why the account stays with its owner.
pub(super) type Decision = Result<(Handover, Option<Hold>), String>;

impl<'a> Builder<'a> {
    /// Decides about every account that an employee in scope was found by and somebody else had.
    pub(super) fn handovers(&mut self, scopes: &[Scope], correlation: &Correlation) -> BTreeMap<usize, Decision> {
        let mut decided = BTreeMap::new();
        for (position, found) in correlation.found.iter().enumerate() {
            let (Scope::In, Found::Former(account, from)) = (&scopes[position], found) else { continue };
            let decision = self.handover(position, &self.snapshot.accounts[*account], *from);
            if decision.is_ok() {
                self.going_on.insert(*account);
            }
            if matches!(decision, Ok((_, None))) {
                // Who reports to them can be told already.
                let employee = self.input.employees.list[position].id;
                self.account_of.insert(employee, *account);
                self.goes_to.insert(*account, employee);
            }
            decided.insert(position, decision);
        }
        decided
    }

    fn handover(&self, position: usize, account: &Account, from: EmployeeId) -> Decision {
        let (settings, employees) = (self.input.settings, self.input.employees);
        let employee = &employees.list[position];
        let former = employees.list.binary_search_by_key(&from, |other| other.id).ok();
        let last_day = former.and_then(|former| {
            let standing = &self.input.standings[former];
            standing.last_day.filter(|_| !standing.last_day_hidden)
        });
        let hire_date = employees.attributes.column("hire_date").and_then(|column| employee.value(column).as_date());
        let whose = match (former, last_day) {
            (None, _) => format!("employee {from}, who is no longer delivered"),
            (_, Some(day)) => format!("employee {from}, who left on {day}"),
            (_, None) => format!("employee {from}, who has left"),
        };
        let answer = format!("`personio-sync link {} {} {}` lets it through", employee.id, settings.name, account.id);
        if settings.handover == HandoverMode::Never {
            return Err(format!("account {} belongs to {whose}; {answer} (handover is never)", account.id));
        }
        if let (Some(last_day), Some(hire_date)) = (last_day, hire_date)
            && hire_date < last_day
        {
            let id = &account.id;
            return Err(format!("account {id} belongs to {whose}, which is after the hire date {hire_date}; {answer}"));
        }
        let keys = self.agreeing(position, former, account);
        let gone = self.input.memory.absences.is_gone(from);
        let doubt = match () {
            () if settings.handover == HandoverMode::Hold => Some("handover is set to hold".to_owned()),
            () if former.is_none() && !gone => Some("that is not proven to be for good".to_owned()),
            () if former.is_some() && (last_day.is_none() || hire_date.is_none()) => {
                Some("the last day of the one or the hire date of the other is not known".to_owned())
            }
            () if keys.len() < 2 => Some(match keys.first() {
                Some(key) => format!("{key} is the only key that agrees"),
                None => "no key agrees".to_owned(),
            }),
            () => None,
        };
        let hold = doubt.map(|doubt| Hold {
            code: Code::Handover,
            detail: format!(
                "account {} belongs to {whose}; {doubt}; if it is the same person, approve it, or {answer}",
                account.id
            ),
        });
        Ok((Handover { from, keys, last_day, hire_date, brings_back: !account.active }, hold))
    }

    /// The keys by which a new profile and the account of an old one are the same person's.
    fn agreeing(&self, position: usize, former: Option<usize>, account: &Account) -> Vec<Box<str>> {
        let (mut keys, mut counted): (Vec<Box<str>>, BTreeSet<&str>) = (Vec::new(), BTreeSet::new());
        for index in self.matching(position, account) {
            let sources = self.sources(index);
            let is_name = !sources.is_empty() && sources.iter().all(|source| NAMES.contains(source));
            // One attribute is one key, however many fields it fills.
            if !is_name && sources.is_disjoint(&counted) {
                keys.push((&*self.spec(index).name).into());
                counted.extend(sources);
            }
        }
        let Some(former) = former else { return keys };
        let employees = self.input.employees;
        for one in self.input.identifying {
            let Some(column) = employees.attributes.column(&one.attribute) else { continue };
            let value = |position: usize| comparable(employees.list[position].value(column));
            if !counted.contains(&*one.attribute) && value(position).is_some() && value(position) == value(former) {
                keys.push(one.name.clone());
            }
        }
        keys
    }

    /// The match fields in which an account holds an employee's own key.
    fn matching(&self, position: usize, account: &Account) -> Vec<FieldIndex> {
        let facts = self.facts(position);
        let agrees = |index: &FieldIndex| {
            let spec = self.spec(*index);
            match self.match_key(*index, spec, &facts) {
                MatchKey::Is(own) => key(account.field(*index), spec).is_some_and(|carried| *carried == *own),
                MatchKey::Empty | MatchKey::Hidden(_) => false,
            }
        };
        self.input.settings.match_fields.iter().copied().filter(agrees).collect()
    }

    /// The attributes that fill a field.
    fn sources(&self, index: FieldIndex) -> BTreeSet<&'a str> {
        let expression = self.mapping(index).and_then(|mapping| mapping.source.expression());
        let variables = expression.map(|expression| expression.variables()).unwrap_or_default();
        variables.iter().filter_map(|variable| variable.attribute()).collect()
    }

    /// Plans for an old profile whose account goes to the new one, in a target that keeps leavers. Of profiles with one
    /// key only the latest has an account; with keys of its own an old one is like any other leaver.
    pub(super) fn left_behind(&mut self, position: usize, account: usize, new: EmployeeId, correlation: &Correlation) {
        let employee = self.input.employees.list[position].id;
        // A key that stands in an account is free once that is written, and not before.
        let facts = self.facts(position);
        let is_hidden =
            |index: &FieldIndex| matches!(self.match_key(*index, self.spec(*index), &facts), MatchKey::Hidden(_));
        let has_own_keys = !self.input.settings.match_fields.iter().any(is_hidden)
            && !correlation.succeeded.contains_key(&position)
            && self.snapshot.accounts.iter().all(|account| self.matching(position, account).is_empty());
        if has_own_keys {
            return self.create(position, None);
        }
        let id = &self.snapshot.accounts[account].id;
        self.skip(employee, Code::AccountTaken, format!("has left, and account {id} goes to employee {new}"));
    }

    /// Why the account of somebody who has left keeps its keys: by them it is known to be another one's by now, and
    /// whether it goes to them is not decided.
    pub(super) fn keys_are_claimed(
        &self,
        position: usize,
        account: usize,
        fields: &[FieldChange],
        correlation: &Correlation,
    ) -> Option<String> {
        let settings = self.input.settings;
        let has_left = self.input.standings[position].lifecycle == Lifecycle::Left;
        if !has_left || settings.handover == HandoverMode::Never {
            return None;
        }
        let key = fields.iter().find(|field| settings.match_fields.contains(&field.index))?;
        let (claiming, field) = correlation.claimed.get(&account)?;
        let (other, name) = (self.input.employees.list[*claiming].id, &self.spec(*field).name);
        let id = &self.snapshot.accounts[account].id;
        Some(format!("has left; {} of account {id} stays, because employee {other} has the same {name}", key.field))
    }

    /// Plans a handover that is decided: the account is brought in line with the new profile.
    pub(super) fn hand_over(
        &mut self,
        position: usize,
        account: &'a Account,
        (handover, hold): &(Handover, Option<Hold>),
    ) {
        let employee = self.input.employees.list[position].id;
        let Some((_, fields, rewrite)) = self.brought_in_line(position, account) else { return };
        let whose = match handover.last_day {
            Some(day) => format!("employee {} left on {day}", handover.from),
            None => format!("employee {} is there no more", handover.from),
        };
        let verb = if handover.keys.len() == 1 { "agrees" } else { "agree" };
        let back = if handover.brings_back { "; back in use" } else { "" };
        self.plan.changes.push(Change {
            op: Op::Handover,
            employee: Some(employee),
            account: Some(account.id.clone()),
            reason: None,
            detail: Some(format!("{whose}; {} {verb}{back}", handover.keys.join(" and "))),
            fields,
            rewrite,
            request: None,
            handover: Some(Box::new(handover.clone())),
            hold: hold.clone(),
            outcome: None,
        });
    }

    /// Whose account each is once the plan is carried out.
    pub(super) fn owners_after(&self, correlation: &Correlation) -> Vec<Option<usize>> {
        let mut owners = correlation.owners.clone();
        for change in self.plan.changes.iter().filter(|change| change.op == Op::Handover && change.hold.is_none()) {
            let account = change.account.as_ref().and_then(|id| self.position_of(id));
            let list = &self.input.employees.list;
            let position = change.employee.and_then(|id| list.binary_search_by_key(&id, |other| other.id).ok());
            if let (Some(account), Some(position)) = (account, position) {
                owners[account] = Some(position);
            }
        }
        owners
    }

    /// The owners of accounts that somebody else in scope has a key of.
    pub(super) fn claimed(&self, correlation: &Correlation) -> BTreeMap<EmployeeId, Claim> {
        let list = &self.input.employees.list;
        let claim = |(account, (claiming, field)): (&usize, &(usize, FieldIndex))| {
            let owner = correlation.owners[*account]?;
            let shared = !self.matching(owner, &self.snapshot.accounts[*account]).is_empty();
            let claim = Claim { by: list[*claiming].id, field: (&*self.spec(*field).name).into(), shared };
            Some((list[owner].id, claim))
        };
        correlation.claimed.iter().filter_map(claim).collect()
    }
}

/// A value in the form in which two of them are compared; `None` when there is none.
fn comparable(value: &Value) -> Option<String> {
    let text = match value {
        Value::Text(text) => text.trim().to_lowercase(),
        Value::Integer(number) => number.to_string(),
        Value::Date(day) => day.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
