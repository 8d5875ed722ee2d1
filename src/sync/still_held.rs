//! What nobody approved when others of its kind were approved: it stays held, also where it is within a limit by itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::code::Code;
use crate::plan::{Change, Hold, Op, TargetPlan};
use crate::state::{Fingerprint, Held};

use super::decisions::Decisions;

/// The codes of holds that look at how many there are. Somebody who approves some of these says something of the rest,
/// too; what other rails hold is answered by the next run, or held by it again.
const OF_A_NUMBER: [Code; 8] = [
    Code::MaxDeactivate,
    Code::MaxCreate,
    Code::MaxUpdate,
    Code::MaxClear,
    Code::MaxFieldShare,
    Code::MaxGroupShare,
    Code::GroupEmptied,
    Code::AccountsGone,
];

/// Holds what was shown as held with others of which some were approved since, unless a rail holds it anyway.
pub(super) fn hold_what_was_left(plan: &mut TargetPlan, decisions: &Decisions<'_>) {
    let (Some(shown), Some(fingerprint)) = (&decisions.shown, &decisions.fingerprint) else { return };
    for held in &shown.held {
        let Some(code) = left_out(held, &decisions.approved) else { continue };
        let Some(position) = position_of(plan, held, fingerprint) else { continue };
        let detail = format!(
            "others that were held with it ({code}) were approved, and this was not; if it is right, approve it as well"
        );
        plan.changes[position].hold = Some(Hold { code, detail });
    }
}

/// The code of a hold of which others were approved after this one was shown.
fn left_out(held: &Held, approved: &BTreeMap<Box<str>, DateTime<Utc>>) -> Option<Code> {
    let code = OF_A_NUMBER.into_iter().find(|code| code.as_str() == &*held.change.code)?;
    approved.get(code.as_str()).is_some_and(|at| *at >= held.since).then_some(code)
}

/// Where a plan has exactly what was shown, and would carry it out. Of an update a rail may have held some fields, and
/// nothing sets these apart when no rail holds them: then they are split off.
fn position_of(plan: &mut TargetPlan, held: &Held, fingerprint: &dyn Fn(&Change) -> Fingerprint) -> Option<usize> {
    let is_it = |change: &Change| fingerprint(change) == held.change.fingerprint;
    let may_be = |change: &Change| {
        change.hold.is_none() && (change.op, change.employee) == (held.change.op, held.change.employee)
    };
    let is_held = |field: &str| held.change.fields.iter().any(|name| **name == *field);
    for position in 0..plan.changes.len() {
        let change = &plan.changes[position];
        if !may_be(change) {
            continue;
        }
        if is_it(change) {
            return Some(position);
        }
        let (part, rest): (Vec<_>, Vec<_>) = change.fields.iter().cloned().partition(|field| is_held(&field.field));
        let part = Change { fields: part, ..change.clone() };
        if change.op == Op::Update && !part.fields.is_empty() && is_it(&part) {
            plan.changes[position].fields = rest;
            plan.changes.insert(position + 1, part);
            return Some(position + 1);
        }
    }
    None
}
