//! Linked accounts that a list lacks.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::*;

/// Linked accounts that a list lacks, each with whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absent {
    /// Those of employees in scope, who would get new ones.
    pub in_scope: Vec<(EmployeeId, AccountId)>,
    /// Those of people who left, are out of scope or are no longer delivered. Many services delete such accounts
    /// some day, so that a list without them says nothing.
    pub others: Vec<(EmployeeId, AccountId)>,
}

/// Finds the linked accounts that a list lacks.
pub fn absent(input: &PlanInput<'_>, snapshot: &Snapshot) -> Absent {
    let listed: HashSet<&AccountId, RandomState> = snapshot.accounts.iter().map(|account| &account.id).collect();
    let taking_part = |employee: &EmployeeId| input.only.is_none_or(|only| only == *employee);
    let mut lacking = (input.memory.links.iter())
        .filter(|(employee, account)| taking_part(employee) && !listed.contains(account))
        .map(|(employee, account)| (*employee, account.clone()))
        .peekable();
    if lacking.peek().is_none() {
        return Absent::default();
    }
    let scopes = Builder::new(input, snapshot).scopes();
    let in_scope: BTreeSet<EmployeeId> = (input.employees.list.iter().zip(&scopes))
        .filter(|(_, scope)| **scope == Scope::In)
        .map(|(employee, _)| employee.id)
        .collect();
    let (in_scope, others) = lacking.partition(|(employee, _)| in_scope.contains(employee));
    Absent { in_scope, others }
}
