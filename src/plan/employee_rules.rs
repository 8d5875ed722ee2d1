//! What a target demands of each employee beyond one field at a time. Pure.

use std::fmt;

use chrono::NaiveDate;

use crate::code::Code;
use crate::employee::{EmployeeId, Standing};
use crate::field::{FieldIndex, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, Change, Notice, Skip};
use crate::rules::{Desired, convert};

/// Rules of a target that look at an employee as a whole: who may get an account, which fields follow from
/// others, what is worth saying.
pub trait EmployeeRules: fmt::Debug + Send + Sync {
    /// Fields whose values the rules work out. They belong to the run whether the file maps them or not; those
    /// that it does not map stand after the mapped ones and are written like them.
    fn derived_fields(&self) -> Vec<FieldSpec>;

    /// Completes what one employee's account should hold.
    ///
    /// `desired` stands in the order of the schema: first what the mapping gives, then [`Desired::Keep`]
    /// for each derived field that is not mapped.
    fn complete(&self, case: &EmployeeCase<'_>, desired: &mut [Desired]) -> Findings;

    /// Looks at all creates and updates together; for each employee returned, nothing is done.
    fn review(&self, schema: &Schema, changes: &[Change], accounts: &[Account]) -> Vec<Skip>;
}

/// One employee, as the rules see them.
#[derive(Clone, Copy, Debug)]
pub struct EmployeeCase<'a> {
    pub employee: EmployeeId,
    pub standing: &'a Standing,
    /// Personio delivers hire dates, and this one is empty: a hire that was called off, or one not finished.
    pub without_hire_date: bool,
    /// The day of the run, in the file's time zone.
    pub today: NaiveDate,
    /// The fields of the run.
    pub schema: &'a Schema,
    /// Their account, if they have one.
    pub account: Option<&'a Account>,
    /// Whether the state remembers an account of theirs, also one that is gone.
    pub linked: bool,
    /// Whether the state remembers nobody in this target.
    pub first_import: bool,
    /// Whether people confirmed that they imported this one's record.
    pub delivered: bool,
}

impl EmployeeCase<'_> {
    /// What a field of the account holds now; empty without an account, or when the run does not have the field.
    pub fn existing(&self, name: &str) -> &FieldValue {
        match (self.account, self.schema.index(name)) {
            (Some(account), Some(index)) => account.field(index),
            _ => &FieldValue::Empty,
        }
    }

    /// What a field is wanted to hold; `None` when it is left as it is or is not part of the run.
    pub fn wanted<'d>(&self, desired: &'d [Desired], name: &str) -> Option<&'d FieldValue> {
        match desired.get(self.schema.index(name)?.get())? {
            Desired::Value(value) => Some(value),
            Desired::Keep(_) | Desired::Invalid(_) | Desired::Fail(..) => None,
        }
    }

    /// What a field will hold after the run, as far as it is a value that the field takes.
    pub fn outcome(&self, desired: &[Desired], name: &str) -> FieldValue {
        let value = self.wanted(desired, name).unwrap_or_else(|| self.existing(name)).clone();
        match self.schema.index(name) {
            Some(index) => convert(value, self.schema.field(index)).unwrap_or_default(),
            None => FieldValue::Empty,
        }
    }

    /// Says what a field should hold, if it is part of the run.
    pub fn set(&self, desired: &mut [Desired], name: &str, value: Desired) {
        if let Some(position) = self.schema.index(name).and_then(|index| desired.get_mut(index.get())) {
            *position = value;
        }
    }

    /// A skip of this employee.
    pub fn skip(&self, reason: Code, detail: impl Into<String>) -> Findings {
        let skip = Skip { employee: self.employee, reason, detail: detail.into() };
        Findings { skip: Some(skip), notices: Vec::new() }
    }

    /// A notice about this employee.
    pub fn notice(&self, code: Code, message: impl Into<String>) -> Notice {
        Notice::about(self.employee, code, message)
    }
}

/// What the rules have to say of one employee.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Findings {
    /// Nothing is done for them, and why.
    pub skip: Option<Skip>,
    pub notices: Vec<Notice>,
}

/// Who would share a value with somebody else, although no two accounts may: each employee whose create or
/// update gives the field a value that another account has, or that another change gives, too.
pub fn shared_values(index: FieldIndex, changes: &[Change], accounts: &[Account]) -> Vec<EmployeeId> {
    let fold = |value: &FieldValue| value.to_string().to_lowercase();
    let given = |change: &Change| {
        let field = change.fields.iter().find(|field| field.index == index)?;
        (!field.after.is_empty()).then(|| fold(&field.after))
    };
    let mut owners: std::collections::HashMap<String, Vec<Owner<'_>>> = std::collections::HashMap::new();
    for account in accounts.iter().filter(|account| !account.field(index).is_empty()) {
        owners.entry(fold(account.field(index))).or_default().push(Owner::Account(&account.id));
    }
    for change in changes {
        if let (Some(value), Some(employee)) = (given(change), change.employee) {
            owners.entry(value).or_default().push(Owner::Change(employee));
        }
    }
    changes
        .iter()
        .filter_map(|change| {
            let (value, employee) = (given(change)?, change.employee?);
            let shared = owners[&value].iter().any(|owner| match owner {
                Owner::Account(account) => change.account.as_ref() != Some(*account),
                Owner::Change(other) => *other != employee,
            });
            shared.then_some(employee)
        })
        .collect()
}

enum Owner<'a> {
    Account(&'a crate::field::AccountId),
    Change(EmployeeId),
}
