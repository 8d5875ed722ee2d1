//! Reads back what was written: a service may drop or rewrite what it acknowledged.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldValue, Schema};
use crate::plan::{Account, Change, FieldChange, Notice, Op, Outcome, TargetPlan, form, same};
use crate::progress::NoProgress;
use crate::targets::ReadAccounts;

/// What is said of an account that was to go out of use.
pub(super) const STILL_IN_USE: &str = "the account is still in use";

/// A field that was written, acknowledged, and holds something else.
#[derive(Clone, Debug, PartialEq)]
pub struct NotStored {
    /// Whose account.
    pub employee: EmployeeId,
    pub change: FieldChange,
}

/// How long a service has that shows a removal a little later than it acknowledges it.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The accounts that were acknowledged as taken out of use and say that they are in use all the same.
pub(super) fn still_in_use(reader: &dyn ReadAccounts, plan: &TargetPlan) -> BTreeSet<AccountId> {
    let removed = plan.changes.iter().filter(|change| change.op == Op::Deactivate);
    let removed = removed.filter(|change| change.outcome == Some(Outcome::Succeeded));
    let mut in_use: Vec<AccountId> = removed.filter_map(|change| change.account.clone()).collect();
    for look in 0..2 {
        if in_use.is_empty() {
            break;
        }
        if look > 0 {
            std::thread::sleep(A_MOMENT);
        }
        let found = read(reader, &in_use);
        in_use.retain(|id| found.get(id).is_some_and(|account| account.active && account.active_is_said));
    }
    in_use.into_iter().collect()
}

/// What came of a removal that was acknowledged and did nothing.
pub(super) fn not_removed() -> Outcome {
    Outcome::Failed { error: format!("the target took the change, and {STILL_IN_USE}"), code: Code::StillInUse }
}

/// Accounts as they are now: one by one, or all of them where that costs less. Those that cannot be read are left out.
fn read(reader: &dyn ReadAccounts, ids: &[AccountId]) -> HashMap<AccountId, Account> {
    let found: Vec<Account> = if ids.len() <= reader.lookup_limit() {
        ids.iter().filter_map(|id| reader.account(id).ok().flatten()).collect()
    } else {
        reader.accounts(&NoProgress).map(|snapshot| snapshot.accounts).unwrap_or_default()
    };
    found.into_iter().map(|account| (account.id.clone(), account)).collect()
}

/// Compares what was written with what is there now, and says in the plan's notices which fields were not stored.
///
/// What cannot be read back proves nothing; the next run looks again.
pub(super) fn read_back(reader: &dyn ReadAccounts, schema: &Schema, plan: &mut TargetPlan) -> Vec<NotStored> {
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
    let ids: Vec<AccountId> = written.iter().map(|(_, id, _)| (*id).clone()).collect();
    let found = read(reader, &ids);
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
            "{} is not stored as it was sent: {} was written and {there} is there; it is sent again a few times, and \
             left alone for a while after that",
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
        plan.notices.push(Notice { employee, ..Notice::new(Code::NotStored, message) });
    }
    let still_out = |change: &Change| {
        let account = change.account.as_ref().and_then(|id| found.get(id));
        change.op == Op::Reactivate
            && change.outcome == Some(Outcome::Succeeded)
            && account.is_some_and(|account| !account.active)
    };
    for change in plan.changes.iter_mut().filter(|change| still_out(change)) {
        let error = "the target took the change, and the account is still out of use".into();
        change.outcome = Some(Outcome::Failed { error, code: Code::StillOutOfUse });
    }
    not_stored.into_iter().map(|(lost, _)| lost).collect()
}
