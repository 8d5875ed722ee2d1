//! What the rules of a target would make of the same employees if they were others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;

use crate::employee::{EmployeeId, Employees, Standing};
use crate::field::{FieldValue, Schema};
use crate::rules::{Desired, Facts, Scope, Tables};

use super::build::{PlanInput, PlanMemory, scope_in, wanted};
use super::{EmployeeRules, PlanSettings};

/// The rules of one file, with the employees as that file reads them.
pub struct Rules<'a> {
    pub settings: &'a PlanSettings,
    /// What the target's type demands of an employee as a whole.
    pub employee_rules: Option<&'a dyn EmployeeRules>,
    pub employees: &'a Employees,
    /// In the order of the employees.
    pub standings: &'a [Standing],
    pub tables: &'a Arc<Tables>,
    pub today: NaiveDate,
}

/// What comes out another way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleDiff {
    /// Whom the target is meant for by the new rules alone.
    pub enter: Vec<EmployeeId>,
    /// Whom it is no longer meant for, each with why.
    pub leave: Vec<(EmployeeId, String)>,
    /// What fields of those who stay should hold.
    pub fields: Vec<FieldDiff>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FieldDiff {
    pub employee: EmployeeId,
    pub field: Arc<str>,
    pub before: FieldGoal,
    pub after: FieldGoal,
}

/// What a field should come to.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldGoal {
    /// The file does not fill it.
    NotMapped,
    Value(FieldValue),
    /// It is left as it is.
    Kept,
    /// The employee is skipped, or the field is left as it is, because of its value; why, without the value.
    Refused(String),
}

impl FieldGoal {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotMapped => "not_mapped",
            Self::Value(_) => "value",
            Self::Kept => "kept",
            Self::Refused(_) => "refused",
        }
    }
}

impl From<Desired> for FieldGoal {
    fn from(desired: Desired) -> Self {
        match desired {
            Desired::Value(value) => Self::Value(value),
            Desired::Keep(_) => Self::Kept,
            Desired::Invalid(why) | Desired::Fail(_, why) => Self::Refused(why),
        }
    }
}

/// Holds the rules of two files against each other; a target that only one of them has is meant for nobody in the other.
pub fn rule_diff(old: Option<&Rules<'_>>, new: Option<&Rules<'_>>) -> RuleDiff {
    let mut found = RuleDiff::default();
    let (Some(any), old_schema, new_schema) = (old.or(new), old.map(Rules::schema), new.map(Rules::schema)) else {
        return found;
    };
    for (position, employee) in any.employees.list.iter().enumerate() {
        let scope = |rules: Option<&Rules<'_>>| rules.map(|rules| rules.scope(position));
        match (scope(old), scope(new)) {
            (Some(Scope::In), Some(Scope::In)) => {
                let goals = |rules: Option<&Rules<'_>>, schema: &Option<Schema>| {
                    rules.zip(schema.as_ref()).map(|(rules, schema)| rules.goals(position, schema)).unwrap_or_default()
                };
                found.fields.extend(differing(employee.id, &goals(old, &old_schema), &goals(new, &new_schema)));
            }
            (Some(Scope::In), other) => found.leave.push((employee.id, why_not(other))),
            (_, Some(Scope::In)) => found.enter.push(employee.id),
            _ => {}
        }
    }
    found
}

type Goals = BTreeMap<Arc<str>, FieldGoal>;

fn differing(employee: EmployeeId, old: &Goals, new: &Goals) -> Vec<FieldDiff> {
    let fields: BTreeSet<&Arc<str>> = old.keys().chain(new.keys()).collect();
    let goal = |goals: &Goals, field: &Arc<str>| goals.get(field).cloned().unwrap_or(FieldGoal::NotMapped);
    fields
        .into_iter()
        .map(|field| FieldDiff { employee, field: field.clone(), before: goal(old, field), after: goal(new, field) })
        .filter(|diff| diff.before != diff.after)
        .collect()
}

fn why_not(scope: Option<Scope>) -> String {
    match scope {
        None => "the target is not in the new file".to_owned(),
        Some(Scope::Out { clause, .. }) => clause.into(),
        Some(Scope::Left) => "has left".to_owned(),
        Some(Scope::Unclear(_, why)) => why,
        Some(Scope::In) => String::new(),
    }
}

impl Rules<'_> {
    fn schema(&self) -> Schema {
        self.settings.schema()
    }

    fn facts(&self, position: usize) -> Facts<'_> {
        let employees = self.employees;
        Facts::new(&employees.list[position], &employees.attributes, &self.standings[position], self.today, self.tables)
    }

    fn scope(&self, position: usize) -> Scope {
        scope_in(self.settings, self.employees, &self.facts(position))
    }

    fn goals(&self, position: usize, schema: &Schema) -> Goals {
        let input = PlanInput {
            settings: self.settings,
            rules: self.employee_rules,
            schema,
            employees: self.employees,
            standings: self.standings,
            today: self.today,
            tables: self.tables,
            identifying: &[],
            memory: &PlanMemory::default(),
            references: &BTreeMap::new(),
            only: None,
            changed_only: false,
        };
        let desired = wanted(&input, &self.facts(position), None).desired;
        schema.fields.iter().map(|spec| spec.name.clone()).zip(desired.into_iter().map(FieldGoal::from)).collect()
    }
}
