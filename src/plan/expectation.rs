//! What should come of one invented employee, held against the rules of a target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::employee::{Attributes, Completeness, Employee, EmployeeId, Employees, Value, standing};
use crate::field::{FieldIndex, FieldKind, FieldValue, Schema};
use crate::rules::{Desired, Facts, Scope, Tables};

use super::build::{PlanInput, PlanMemory, build, scope_in, wanted};
use super::{EmployeeRules, Identifying, PlanSettings, ReferenceNames, Snapshot, same};

/// `[[test]]`
#[derive(Clone, Debug, PartialEq)]
pub struct RuleTest {
    pub line: usize,
    pub column: usize,
    pub target: Box<str>,
    pub today: NaiveDate,
    pub employee: EmployeeId,
    /// By Personio's keys; whatever is not said is empty.
    pub values: BTreeMap<Box<str>, Value>,
    pub expect: Expected,
}

/// What should come of the employee.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    pub scope: Option<ExpectedScope>,
    pub fields: Vec<(FieldIndex, FieldValue)>,
    /// Why nothing is done for them, or a field is left alone.
    pub reason: Option<Code>,
}

/// Whether a target is meant for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ExpectedScope {
    In,
    Out,
    /// The filters hold, and the employee has left.
    Left,
}

impl ExpectedScope {
    fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Left => "left",
        }
    }
}

/// Something that came out another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `scope`, `reason`, or the name of a field.
    pub what: Box<str>,
    pub expected: String,
    pub got: String,
}

/// The rules that an employee is held against.
#[derive(Clone, Copy)]
pub struct TestedRules<'a> {
    pub settings: &'a PlanSettings,
    /// What the target's type demands of an employee as a whole.
    pub employee_rules: Option<&'a dyn EmployeeRules>,
    pub attributes: &'a Attributes,
    pub tables: &'a Arc<Tables>,
    pub identifying: &'a [Identifying],
}

impl RuleTest {
    /// Everything that comes out another way than expected, for somebody who has no account yet.
    pub fn differences(&self, rules: &TestedRules<'_>) -> Vec<Difference> {
        let schema = rules.settings.schema();
        let employees =
            Employees::new(rules.attributes.clone(), vec![self.employee(rules.attributes)], Completeness::Proven);
        let standings = [standing(&employees.list[0], rules.attributes, self.today)];
        let facts = Facts::new(&employees.list[0], rules.attributes, &standings[0], self.today, rules.tables);
        let memory = PlanMemory::default();
        let mut input = PlanInput {
            settings: rules.settings,
            rules: rules.employee_rules,
            schema: &schema,
            employees: &employees,
            standings: &standings,
            today: self.today,
            tables: rules.tables,
            identifying: rules.identifying,
            memory: &memory,
            references: &BTreeMap::new(),
            only: None,
            changed_only: false,
        };
        let desired = wanted(&input, &facts, None).desired;
        // Which names a target has only the target knows; here it has those that are asked for.
        let names = names_asked_for(&schema, &desired);
        input.references = &names;
        let scope = scope_in(rules.settings, &employees, &facts);
        let found = build(&input, Snapshot::default()).plan;
        let skip = found.skipped.first().map(|skip| (skip.reason, skip.detail.clone()));
        let notes = found.notices.iter().filter(|notice| notice.employee.is_some()).map(|notice| notice.code);
        let codes: BTreeSet<Code> = found.skipped.iter().map(|skip| skip.reason).chain(notes).collect();

        let scope = self.expect.scope.and_then(|expected| scope_differs(expected, &scope));
        let fields = self.expect.fields.iter().filter_map(|(index, expected)| {
            let spec = schema.field(*index);
            let got = match &desired[index.get()] {
                Desired::Value(value) if same(value, expected, spec) => return None,
                other => in_words(other),
            };
            Some(Difference { what: spec.name.as_ref().into(), expected: quoted(expected), got })
        });
        let fields: Vec<Difference> = fields.collect();
        scope.into_iter().chain(fields).chain(self.reason_differs(&codes, skip)).collect()
    }

    fn employee(&self, attributes: &Attributes) -> Employee {
        let value = |key| self.values.get(key).cloned().unwrap_or(Value::Empty);
        Employee::new(self.employee, attributes.keys().map(value).collect::<Vec<_>>())
    }

    /// Whoever has fields to fill must not be skipped, unless that is what is expected.
    fn reason_differs(&self, codes: &BTreeSet<Code>, skip: Option<(Code, String)>) -> Option<Difference> {
        let what = "reason".into();
        match (self.expect.reason, skip) {
            (Some(expected), _) if codes.contains(&expected) => None,
            (Some(expected), _) => {
                let listed: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
                let got = if listed.is_empty() { "nothing".to_owned() } else { listed.join(", ") };
                Some(Difference { what, expected: expected.as_str().to_owned(), got })
            }
            (None, Some((code, why))) if !self.expect.fields.is_empty() => {
                let got = format!("skipped ({}): {why}", code.as_str());
                Some(Difference { what, expected: "none".to_owned(), got })
            }
            (None, _) => None,
        }
    }
}

fn scope_differs(expected: ExpectedScope, found: &Scope) -> Option<Difference> {
    let got = match (expected, found) {
        (ExpectedScope::In, Scope::In)
        | (ExpectedScope::Out, Scope::Out { .. })
        | (ExpectedScope::Left, Scope::Left) => return None,
        (_, Scope::In) => "in".to_owned(),
        (_, Scope::Left) => "left".to_owned(),
        (_, Scope::Out { clause, .. }) => format!("out: {clause}"),
        (_, Scope::Unclear(code, why)) => format!("unclear ({}): {why}", code.as_str()),
    };
    Some(Difference { what: "scope".into(), expected: expected.as_str().to_owned(), got })
}

fn names_asked_for(schema: &Schema, desired: &[Desired]) -> BTreeMap<FieldIndex, ReferenceNames> {
    let names = |(index, _): (FieldIndex, _)| match desired.get(index.get())? {
        Desired::Value(FieldValue::Text(name)) => Some((index, ReferenceNames::exact([name]))),
        Desired::Value(FieldValue::List(names)) => Some((index, ReferenceNames::exact(names))),
        _ => None,
    };
    let refers = |kind| matches!(kind, FieldKind::Reference | FieldKind::References);
    schema.iter().filter(|(_, spec)| refers(spec.kind)).filter_map(names).collect()
}

fn quoted(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => "nothing".to_owned(),
        value => format!("`{value}`"),
    }
}

fn in_words(desired: &Desired) -> String {
    match desired {
        Desired::Value(value) => quoted(value),
        Desired::Keep(None) => "left as it is".to_owned(),
        Desired::Keep(Some(why)) | Desired::Invalid(why) => format!("left as it is: {why}"),
        Desired::Fail(code, why) => format!("skipped ({}): {why}", code.as_str()),
    }
}
