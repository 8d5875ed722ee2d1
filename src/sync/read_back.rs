//! Reads back what was written: a service may drop or rewrite what it acknowledged.

use std::collections::{BTreeMap, HashMap};

use crate::employee::EmployeeId;
use crate::plan::{Account, AccountId, FieldChange, FieldValue, Notice, Op, Outcome, Schema, TargetPlan, form, same};
use crate::targets::{NoProgress, ReadAccounts};

/// A field that was written, acknowledged, and holds something else.
#[derive(Clone, Debug, PartialEq)]
pub struct NotStored {
    /// Whose account.
    pub employee: EmployeeId,
    /// What was written.
    pub change: FieldChange,
}

/// Compares what was written with what is there now, and says in the plan's notices which fields were not stored.
///
/// What cannot be read back proves nothing; the next run looks again.
pub fn read_back(reader: &dyn ReadAccounts, schema: &Schema, plan: &mut TargetPlan) -> Vec<NotStored> {
    let written: Vec<(EmployeeId, &AccountId, &[FieldChange])> = plan
        .changes
        .iter()
        .filter(|change| matches!(change.op, Op::Create | Op::Update | Op::Reactivate | Op::Handover))
        .filter(|change| change.outcome == Some(Outcome::Succeeded))
        .filter_map(|change| Some((change.employee?, change.account.as_ref()?, change.fields.as_slice())))
        .collect();
    if written.is_empty() {
        return Vec::new();
    }
    let found: HashMap<AccountId, Account> = if written.len() <= reader.looks_before_list() {
        written
            .iter()
            .filter_map(|(_, id, _)| reader.account(id).ok().flatten())
            .map(|account| (account.id.clone(), account))
            .collect()
    } else {
        match reader.accounts(&NoProgress) {
            Ok(snapshot) => snapshot.accounts.into_iter().map(|account| (account.id.clone(), account)).collect(),
            Err(_) => return Vec::new(),
        }
    };
    let mut not_stored = Vec::new();
    for (employee, id, fields) in written {
        let Some(account) = found.get(id) else { continue };
        for change in fields.iter().filter(|change| !matches!(change.after, FieldValue::Employee(_))) {
            if !same(account.field(change.index), &change.after, schema.field(change.index)) {
                not_stored.push((NotStored { employee, change: change.clone() }, form(account.field(change.index))));
            }
        }
    }
    let mut by_field: BTreeMap<String, Vec<EmployeeId>> = BTreeMap::new();
    for (lost, there) in &not_stored {
        let message = format!(
            "{} is not stored as it was sent: {} was written and {there} is there; it is not sent again while the value stays",
            lost.change.field,
            form(&lost.change.after)
        );
        by_field.entry(message).or_default().push(lost.employee);
    }
    for (message, employees) in by_field {
        let (employee, message) = match employees[..] {
            [only] => (Some(only), message),
            _ => (None, format!("{message} ({} employees)", employees.len())),
        };
        plan.notices.push(Notice { code: "not_stored", employee, field: None, message });
    }
    not_stored.into_iter().map(|(lost, _)| lost).collect()
}
