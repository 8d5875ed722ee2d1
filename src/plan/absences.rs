use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::employee::EmployeeId;

/// Employees whom proven reads of the source do not hold any more, and what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absences(BTreeMap<EmployeeId, Absence>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Absence {
    since: NaiveDate,
    gone: bool,
}

impl Absences {
    /// Somebody who was missing in an earlier proven read already. `gone` says that the source, asked for that id, knows
    /// nobody.
    pub fn insert(&mut self, employee: EmployeeId, since: NaiveDate, gone: bool) {
        self.0.insert(employee, Absence { since, gone });
    }

    /// Whether somebody is proven to be gone: missing in two proven reads in a row, and not known by id.
    pub fn is_gone(&self, employee: EmployeeId) -> bool {
        self.0.get(&employee).is_some_and(|absence| absence.gone)
    }

    /// The day of the first proven read without them, when it was an earlier one.
    pub fn since(&self, employee: EmployeeId) -> Option<NaiveDate> {
        self.0.get(&employee).map(|absence| absence.since)
    }

    /// Everybody who is proven to be gone.
    pub fn gone(&self) -> impl Iterator<Item = EmployeeId> {
        self.0.iter().filter(|(_, absence)| absence.gone).map(|(employee, _)| *employee)
    }
}
