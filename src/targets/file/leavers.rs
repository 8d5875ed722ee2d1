//! A file of everybody, with those who left (`leavers.left = "include"`).

use crate::employee::Lifecycle;
use crate::field::{FieldKind, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, Change, EmployeeCase, EmployeeRules, Findings, Skip};
use crate::rules::Desired;

use super::settings::Inactive;

/// Whoever has left stays in the list, or comes into it, and has a mark.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MarkedLeavers {
    mark: Inactive,
}

impl MarkedLeavers {
    pub(super) fn new(mark: Inactive) -> Self {
        Self { mark }
    }
}

impl EmployeeRules for MarkedLeavers {
    fn derived_fields(&self) -> Vec<FieldSpec> {
        vec![FieldSpec::new(self.mark.column.clone(), FieldKind::Any)]
    }

    fn complete(&self, case: &EmployeeCase<'_>, desired: &mut [Desired]) -> Findings {
        let marked = FieldValue::Text((&*self.mark.value).into());
        if case.standing.lifecycle == Lifecycle::Left {
            case.set(desired, &self.mark.column, Desired::Value(marked));
        } else if *case.existing(&self.mark.column) == marked && case.wanted(desired, &self.mark.column).is_none() {
            // Whoever comes back is in the list like everybody else.
            case.set(desired, &self.mark.column, Desired::Value(FieldValue::Empty));
        }
        Findings::default()
    }

    fn review(&self, _schema: &Schema, _changes: &[Change], _accounts: &[Account]) -> Vec<Skip> {
        Vec::new()
    }
}
