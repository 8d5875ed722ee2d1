use std::sync::Arc;

use chrono::NaiveDate;

use crate::employee::{Attributes, CostCenterShare, Employee, EmployeeId, Part, Standing, Value};

use super::{StepResult, Tables, Variable};

/// What is known of one employee on one day, for expressions.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    employee: &'a Employee,
    attributes: &'a Attributes,
    standing: &'a Standing,
    today: NaiveDate,
    pub(super) tables: &'a Arc<Tables>,
    results: &'a [StepResult],
}

/// One variable's value, borrowed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact<'a> {
    /// The attribute behind it was not delivered.
    Hidden,
    /// The attribute was delivered without this part of it.
    HiddenPart,
    Empty,
    Text(&'a str),
    Integer(i64),
    Decimal(f64),
    Bool(bool),
    Date(NaiveDate),
    List(&'a [Box<str>]),
    Names(CostCenterNames<'a>),
    Employee(EmployeeId),
}

/// The names of the cost centres.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CostCenterNames<'a>(&'a [CostCenterShare]);

impl<'a> CostCenterNames<'a> {
    pub(super) fn map<T>(self, each: impl Fn(&'a str) -> T) -> impl Iterator<Item = T> {
        self.0.iter().map(move |share| each(&share.name))
    }
}

impl<'a> IntoIterator for CostCenterNames<'a> {
    type Item = &'a str;
    type IntoIter = std::vec::IntoIter<&'a str>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|share| &*share.name).collect::<Vec<_>>().into_iter()
    }
}

impl<'a> Facts<'a> {
    /// What is known of `employee` on `today`.
    pub fn new(
        employee: &'a Employee,
        attributes: &'a Attributes,
        standing: &'a Standing,
        today: NaiveDate,
        tables: &'a Arc<Tables>,
    ) -> Self {
        Self { employee, attributes, standing, today, tables, results: &[] }
    }

    /// The same, with what the steps of the workflow made so far, by their places.
    pub fn with_results(self, results: &'a [StepResult]) -> Self {
        Self { results, ..self }
    }

    /// The same of somebody else.
    pub(super) fn of_another<'b>(&self, employee: &'b Employee, standing: &'b Standing) -> Facts<'b>
    where
        'a: 'b,
    {
        Facts { employee, standing, ..*self }
    }

    pub(super) fn attributes(&self) -> &'a Attributes {
        self.attributes
    }

    pub fn employee(&self) -> &'a Employee {
        self.employee
    }

    pub fn standing(&self) -> &'a Standing {
        self.standing
    }

    /// The day that counts.
    pub(super) fn today(&self) -> NaiveDate {
        self.today
    }

    fn attribute(&self, key: &'a str) -> &'a Value {
        self.attributes.column(key).map_or(&Value::Hidden, |column| self.employee.value(column))
    }

    pub(super) fn get<'b>(&'b self, variable: &'b Variable) -> Fact<'b> {
        match variable {
            Variable::EmployeeId => i64::try_from(self.employee.id.0).map_or(Fact::Empty, Fact::Integer),
            Variable::Lifecycle if self.standing.unclear.is_some() => Fact::HiddenPart,
            Variable::Lifecycle => Fact::Text(self.standing.lifecycle.as_str()),
            Variable::Today => Fact::Date(self.today),
            Variable::ResultOf(step) => match self.results.get(*step) {
                Some(StepResult::Id(id)) => id.parse().map_or(Fact::Text(id), Fact::Integer),
                Some(StepResult::Awaited) => Fact::Text("awaited"),
                Some(StepResult::Nothing) | None => Fact::Empty,
            },
            Variable::Attribute(key) => match self.attribute(key) {
                Value::Hidden => Fact::Hidden,
                Value::Empty => Fact::Empty,
                Value::Text(text) => Fact::Text(text),
                Value::Integer(number) => Fact::Integer(*number),
                Value::Decimal(number) => Fact::Decimal(*number),
                Value::Bool(yes) => Fact::Bool(*yes),
                Value::Date(day) => Fact::Date(*day),
                Value::List(items) => Fact::List(items),
                Value::Named(named) => Fact::Text(&named.name),
                Value::Supervisor(supervisor) => Fact::Employee(supervisor.id),
                Value::CostCenters(shares) => Fact::Names(CostCenterNames(shares)),
            },
            Variable::IdOf(key) => match self.attribute(key) {
                Value::Hidden => Fact::Hidden,
                Value::Named(named) => of_part(&named.id, |id| Fact::Integer(*id)),
                _ => Fact::Empty,
            },
            Variable::SupervisorEmail | Variable::SupervisorName => match self.attribute("supervisor") {
                Value::Hidden => Fact::Hidden,
                Value::Supervisor(supervisor) => {
                    let text =
                        if *variable == Variable::SupervisorEmail { &supervisor.email } else { &supervisor.name };
                    of_part(text, |text| Fact::Text(text))
                }
                _ => Fact::Empty,
            },
            Variable::CostCenter => match self.attribute("cost_centers") {
                Value::Hidden => Fact::Hidden,
                Value::CostCenters(shares) => largest(shares).map_or(Fact::Empty, |share| Fact::Text(&share.name)),
                _ => Fact::Empty,
            },
        }
    }
}

fn of_part<'a, T>(part: &'a Part<T>, fact: impl FnOnce(&'a T) -> Fact<'a>) -> Fact<'a> {
    match part {
        Part::Hidden => Fact::HiddenPart,
        Part::Empty => Fact::Empty,
        Part::Is(value) => fact(value),
    }
}

/// The cost centre with the largest share; of several, the first by name, so that the order delivered does not count.
fn largest(shares: &[CostCenterShare]) -> Option<&CostCenterShare> {
    shares
        .iter()
        .max_by(|one, other| one.percentage.total_cmp(&other.percentage).then_with(|| other.name.cmp(&one.name)))
}
