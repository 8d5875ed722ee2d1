//! Employees as Personio delivers them, and what can be said of one on a given day.
//!
//! Everything here is pure: values in, values out.

mod attributes;
mod lifecycle;
mod sought;
mod spelling;
mod value;

pub use attributes::{Attributes, Column, PRESET_ATTRIBUTES, PresetKind, preset};
pub use lifecycle::{Disagreement, Lifecycle, Standing, standing};
pub use sought::{Fitting, NotRead, Sought};
pub use spelling::{clean, has_marks};
pub use value::{CostCenterShare, Named, Part, Supervisor, Value};

use std::collections::BTreeSet;
use std::fmt;

/// The number Personio gives an employee; never reused, the same in API v1 and v2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmployeeId(pub u64);

impl fmt::Display for EmployeeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for EmployeeId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(EmployeeId)
    }
}

/// One employee: an id and a value for each attribute of the run, in the order of [`Attributes`].
#[derive(Clone, Debug, PartialEq)]
pub struct Employee {
    pub id: EmployeeId,
    values: Box<[Value]>,
}

impl Employee {
    /// An employee whose values stand in the order of the attributes of the run.
    ///
    /// An attribute that was not delivered is [`Value::Hidden`].
    pub fn new(id: EmployeeId, values: impl Into<Box<[Value]>>) -> Self {
        Self { id, values: values.into() }
    }

    /// Takes over what stands in some columns of another read of the same person.
    pub fn take_from(&mut self, mut other: Self, columns: &[Column]) {
        for column in columns.iter().map(|column| column.index()) {
            if let (Some(value), Some(taken)) = (self.values.get_mut(column), other.values.get_mut(column)) {
                std::mem::swap(value, taken);
            }
        }
    }

    /// As if an attribute had not been delivered.
    pub fn hide(&mut self, column: Column) {
        if let Some(value) = self.values.get_mut(column.index()) {
            *value = Value::Hidden;
        }
    }

    pub fn value(&self, column: Column) -> &Value {
        self.values.get(column.index()).unwrap_or(&Value::Hidden)
    }
}

/// All employees of one read, sorted by id, with the proof that nobody is missing.
#[derive(Clone, Debug)]
pub struct Employees {
    /// Which attributes were asked for; the columns of every employee.
    pub attributes: Attributes,
    /// Sorted by id, each id once.
    pub list: Vec<Employee>,
    /// Whether the read is proven complete.
    pub completeness: Completeness,
    /// Ids with which several records came that contradict each other: nothing is known of them but that they are there.
    pub contested: BTreeSet<EmployeeId>,
}

/// Whether a read of the source is proven to hold everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// The total that the source reported equals the number of distinct ids read.
    Proven,
    /// It does not, even after a second look; no removal may rest on this read.
    Unproven {
        /// What did not add up, in words without personal data.
        why: String,
    },
}

impl Employees {
    /// Sorts the list by id, so that the order of pages does not show.
    pub fn new(attributes: Attributes, mut list: Vec<Employee>, completeness: Completeness) -> Self {
        list.sort_by_key(|employee| employee.id);
        Self { attributes, list, completeness, contested: BTreeSet::new() }
    }

    /// The same, where nobody can tell which of several records is that of some employees.
    pub fn contesting(mut self, contested: BTreeSet<EmployeeId>) -> Self {
        for employee in self.list.iter_mut().filter(|employee| contested.contains(&employee.id)) {
            *employee = Employee::new(employee.id, []);
        }
        self.contested = contested;
        self
    }

    /// The employee with this id, if the read delivered them.
    pub fn get(&self, id: EmployeeId) -> Option<&Employee> {
        self.list.binary_search_by_key(&id, |employee| employee.id).ok().map(|index| &self.list[index])
    }

    /// What somebody is called, as far as the read delivers it.
    pub fn full_name(&self, id: EmployeeId) -> Option<Box<str>> {
        let record = self.get(id)?;
        let part = |key| self.attributes.column(key).and_then(|column| record.value(column).as_text());
        let name: Vec<&str> = [part("first_name"), part("last_name")].into_iter().flatten().collect();
        (!name.is_empty()).then(|| name.join(" ").into())
    }

    /// As if nobody's value of an attribute had been delivered.
    pub fn hide(&mut self, column: Column) {
        self.list.iter_mut().for_each(|employee| employee.hide(column));
    }

    /// Takes the proof away; what was found before stays said.
    pub fn doubt(&mut self, why: String) {
        let why = match self.why_incomplete() {
            Some(before) => format!("{before}; {why}"),
            None => why,
        };
        self.completeness = Completeness::Unproven { why };
    }

    /// Why the read is not proven complete, if it is not.
    pub fn why_incomplete(&self) -> Option<&str> {
        match &self.completeness {
            Completeness::Proven => None,
            Completeness::Unproven { why } => Some(why),
        }
    }

    /// Whether the read is proven complete.
    pub fn is_complete(&self) -> bool {
        self.completeness == Completeness::Proven
    }
}
