use crate::code::Code;
use crate::field::AccountId;
use std::collections::{BTreeMap, BTreeSet};

use crate::employee::clean;
use crate::rules::{Expression, Truth};

use super::Notice;
use crate::field::{FieldIndex, FieldValue, Schema};

/// An employee's record in a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    /// Whether it is in use.
    pub active: bool,
    /// Whether the target says so itself. Some leave it out of accounts that are out of use.
    pub active_is_said: bool,
    /// Why it must not be changed, if so.
    pub protection: Option<Protection>,
    /// The only fields that may be written, where not all may (a Freshservice agent). Such an account is never
    /// taken out of use nor brought back.
    pub writable: Option<Box<[FieldIndex]>>,
    fields: Box<[FieldValue]>,
}

/// Why an account is never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It works in the target with rights of its own (a Freshservice agent).
    Agent,
    /// Its key is what this tool signs in with.
    KeyOwner,
    /// The file's `protect` names it.
    Declared,
    /// The target says that another system owns it (synchronised on-premises, a bot, a guest).
    Foreign,
    /// Part of its record could not be read, so that nobody can say what a change would do.
    Unreadable,
}

impl Protection {
    /// A stable code for reports.
    pub fn code(self) -> Code {
        match self {
            Self::Agent => Code::AccountIsAgent,
            Self::KeyOwner => Code::AccountOwnsTheKey,
            Self::Declared => Code::AccountProtected,
            Self::Foreign => Code::AccountManagedElsewhere,
            Self::Unreadable => Code::AccountUnreadable,
        }
    }
}

impl Account {
    /// An account whose fields stand in the order of the target's [`Schema`](crate::field::Schema).
    pub fn new(id: impl Into<AccountId>, active: bool, fields: impl Into<Box<[FieldValue]>>) -> Self {
        Self { id: id.into(), active, active_is_said: true, protection: None, writable: None, fields: fields.into() }
    }

    pub fn field(&self, index: FieldIndex) -> &FieldValue {
        self.fields.get(index.get()).unwrap_or(&FieldValue::Empty)
    }

    /// All values, in the order of the schema.
    pub fn fields(&self) -> &[FieldValue] {
        &self.fields
    }

    /// Why it must not be changed: what the target says of it, or one of the file's own conditions.
    pub fn protected_by(&self, declared: &[Expression], schema: &Schema) -> Option<Protection> {
        let value_of = |name: &str| schema.index(name).map(|index| self.field(index));
        // A condition that cannot be evaluated protects: better an account too many than one too few.
        let protects = |condition: &Expression| condition.holds_for_fields(value_of) != Truth::No;
        self.protection.or_else(|| declared.iter().any(protects).then_some(Protection::Declared))
    }
}

/// Everything a target holds that planning needs, read before the first write.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// All accounts, in any order.
    pub accounts: Vec<Account>,
    /// Why the list of accounts is not proven to be whole, if it is not.
    pub incomplete: Option<String>,
    /// Linked accounts that the list lacks and that are not there when they are read by id either.
    pub gone: BTreeSet<AccountId>,
    /// Fields that the target turned out not to have, each with why. They are left out for everybody.
    pub unusable: BTreeMap<FieldIndex, String>,
    /// What an operator should know of the read.
    pub notices: Vec<Notice>,
    /// The groups among the fields that the target does not have, or whose members it does not let anybody set.
    pub groups: BTreeMap<FieldIndex, GroupProblem>,
}

/// Why the members of a group cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupProblem {
    /// In words: what is wrong with which group, and what to try.
    pub why: String,
    /// The name under which a plan may make it, if that is asked for and enough.
    pub make: Option<Box<str>>,
}

/// Where the names that reference fields may take come from. They are asked for only where a change needs them: a
/// target reads a list for them, and most runs change nothing that refers to anything.
pub trait References {
    /// The names that a field may take; `None` where it has no list of names.
    fn names(&self, field: FieldIndex) -> Option<&ReferenceNames>;
}

impl References for BTreeMap<FieldIndex, ReferenceNames> {
    fn names(&self, field: FieldIndex) -> Option<&ReferenceNames> {
        self.get(&field)
    }
}

/// The names that a reference field may take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferenceNames {
    /// Folded name to the target's spelling. `None` when several things share the name.
    by_folded_name: BTreeMap<String, Option<Box<str>>>,
    /// Letter case counts: the name is its own fold.
    exact: bool,
}

impl ReferenceNames {
    /// Names of which every letter counts.
    pub fn exact<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut all = Self { exact: true, ..Self::default() };
        for name in names {
            all.insert(name.as_ref());
        }
        all
    }

    /// Adds a name; a second thing of the same name makes it ambiguous.
    pub fn insert(&mut self, name: &str) {
        let name = name.trim();
        self.by_folded_name
            .entry(self.fold(name))
            .and_modify(|known| *known = None)
            .or_insert_with(|| Some(name.into()));
    }

    /// The target's spelling of a name; `Some(None)` when several things share it.
    pub fn get(&self, name: &str) -> Option<Option<&str>> {
        self.by_folded_name.get(&self.fold(name)).map(Option::as_deref)
    }

    fn fold(&self, name: &str) -> String {
        if self.exact { clean(name).into_owned() } else { fold(name) }
    }

    /// The spellings, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_folded_name.values().flatten().map(AsRef::as_ref)
    }
}

impl<S: AsRef<str>> FromIterator<S> for ReferenceNames {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut all = Self::default();
        for name in names {
            all.insert(name.as_ref());
        }
        all
    }
}

/// How names of departments, locations and cost centres are compared: in one spelling, without letter case.
fn fold(name: &str) -> String {
    clean(name).to_lowercase()
}

/// An account that a service took on to make and did not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the account was to hold in the field of [`Schema::asynchronous`].
    pub key: Box<str>,
    /// The service's own code, or other words without values.
    pub why: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_ambiguous_and_never_guessed() {
        let names: ReferenceNames = ["IT", "Sales ", "it"].into_iter().collect();
        assert_eq!(names.get("it"), Some(None));
        assert_eq!(names.get("SALES"), Some(Some("Sales")));
        assert_eq!(names.get("Data"), None);
    }

    #[test]
    fn where_every_letter_counts_another_case_is_another_name() {
        let names = ReferenceNames::exact(["Acme GmbH", "ACME GmbH", " Acme Ltd "]);
        assert_eq!(names.get("Acme GmbH"), Some(Some("Acme GmbH")));
        assert_eq!(names.get("Acme Ltd"), Some(Some("Acme Ltd")));
        assert_eq!(names.get("acme gmbh"), None);
    }
}
