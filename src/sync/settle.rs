//! Settles what an earlier run left open, by looking at what is there now.

use crate::code::Code;
use crate::plan::{Op, Skip, TargetPlan};
use crate::state::{Finished, Link, OpenIntent, Origin, Settlement};

use super::prepared::OpenTarget;

/// What came of the open intents of earlier runs, told from a fresh plan.
///
/// A create was carried out if its employee has an account now. Any other write was carried out if the
/// fresh plan does not ask for it again. Nothing is repeated from the journal: what is still missing is in
/// the plan, made afresh. What the target carries out in its own time stays open for as long as it is awaited.
pub(super) fn settle(
    open: &[OpenIntent],
    plan: &TargetPlan,
    target: &OpenTarget,
    now: chrono::DateTime<chrono::Utc>,
) -> Vec<Finished> {
    let awaited = |entry: &OpenIntent| {
        let is_awaited = |skip: &Skip| skip.reason == Code::Pending && Some(skip.employee) == entry.intent.employee;
        entry.pending && plan.skipped.iter().any(is_awaited)
    };
    open.iter()
        .filter(|entry| !awaited(entry))
        .map(|entry| {
            let intent = &entry.intent;
            let account = intent.employee.and_then(|employee| target.overview.owned.get(&employee));
            let planned = |op: Op| {
                plan.changes.iter().filter(move |change| change.op == op && change.employee == intent.employee)
            };
            let done = match intent.op {
                Op::Create => account.is_some(),
                Op::Deactivate | Op::Reactivate => planned(intent.op).next().is_none(),
                // The link moved when it was recorded; what is left to write is the new owner's by now.
                Op::Handover => {
                    planned(Op::Handover).chain(planned(Op::Update)).chain(planned(Op::Reactivate)).next().is_none()
                }
                Op::Update | Op::Reference | Op::Request => !planned(intent.op)
                    .flat_map(|change| &change.fields)
                    .any(|field| intent.fields.iter().any(|known| **known == *field.field)),
            };
            let link = match (intent.op, intent.employee, account) {
                (Op::Create, Some(employee), Some(account)) => Some(Link {
                    employee,
                    account: account.clone(),
                    origin: Origin::Created,
                    created_at: now,
                    verified_at: now,
                }),
                _ => None,
            };
            let settlement = match done {
                true if intent.op == Op::Deactivate && target.schema.capabilities.delete => Settlement::Removed,
                true => Settlement::Done,
                false => Settlement::Failed { code: Code::NotCarriedOut.into() },
            };
            Finished { id: entry.id, settlement, link }
        })
        .collect()
}
