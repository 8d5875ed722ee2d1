//! What people said to held changes: which of them a run may carry out after all.
//!
//! The rails come first and look at everybody; only then single changes are let through. So releasing one of three
//! removals leaves two held, also where two would be within the limit.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::plan::{Change, Hold, Notice, Op, TargetPlan};
use crate::state::{Approval, Fingerprint, Held, HeldChange, Shown};
use crate::words::first_of;

use super::decisions::{Decisions, Released};
use super::still_held::hold_what_was_left;

/// Lets through what was approved, and the removals that `--accept-removals` names. Gives what was approved, and
/// all that is to be shown as held, released or not.
pub(super) fn release(
    plan: &mut TargetPlan,
    decisions: &Decisions<'_>,
    accepted: Option<u64>,
) -> (Vec<Released>, Vec<HeldChange>) {
    let Some(fingerprint) = &decisions.fingerprint else { return (Vec::new(), Vec::new()) };
    hold_what_was_left(plan, decisions);
    let prints: Vec<Fingerprint> = plan.changes.iter().map(fingerprint).collect();
    let held = held_changes(plan, &prints);
    let mut released = Vec::new();
    approved(plan, &prints, decisions, &mut released);
    if let Some(accepted) = accepted {
        accept(plan, &prints, decisions.shown.as_ref(), accepted, &mut released);
    }
    (released, held)
}

/// All that a plan holds, where nobody has said anything to it yet.
pub(super) fn held_by(plan: &TargetPlan, decisions: &Decisions<'_>) -> Vec<HeldChange> {
    let Some(fingerprint) = &decisions.fingerprint else { return Vec::new() };
    let prints: Vec<Fingerprint> = plan.changes.iter().map(fingerprint).collect();
    held_changes(plan, &prints)
}

/// What is held, as it is kept for people to look at: without any value.
fn held_changes(plan: &TargetPlan, prints: &[Fingerprint]) -> Vec<HeldChange> {
    let held = plan.changes.iter().zip(prints).filter_map(|(change, print)| {
        let hold = change.hold.as_ref()?;
        Some(HeldChange {
            employee: change.employee,
            account: change.account.clone(),
            op: change.op,
            reason: change.reason.map(Into::into),
            fields: change.fields.iter().map(|field| (&*field.field).into()).collect(),
            code: hold.code.into(),
            detail: hold.detail.as_str().into(),
            fingerprint: print.clone(),
        })
    });
    held.collect()
}

fn approved(plan: &mut TargetPlan, prints: &[Fingerprint], decisions: &Decisions<'_>, released: &mut Vec<Released>) {
    for approval in &decisions.approvals {
        let Some(position) = prints.iter().position(|print| *print == approval.fingerprint) else {
            let held = plan.changes.iter().any(|change| change.hold.is_some() && change.employee == approval.employee);
            if held && approval.employee.is_some() {
                let message = format!(
                    "the approval by {} is of another change ({}), so this one stays held; `personio-sync held` shows it",
                    approval.by,
                    what(approval)
                );
                plan.notices
                    .push(Notice { employee: approval.employee, ..Notice::new(Code::ApprovalOutdated, message) });
            }
            continue;
        };
        let change = &mut plan.changes[position];
        let planned = change.clone();
        let hold = planned.hold.as_ref();
        if approval.expires_at <= decisions.now {
            if hold.is_some() {
                let message = format!("the approval by {} expired, so this stays held; approve it again", approval.by);
                plan.notices.push(Notice { employee: change.employee, ..Notice::new(Code::ApprovalExpired, message) });
            }
            continue;
        }
        if let Some(answer) = hold.and_then(|hold| Hold::answer(hold.code)) {
            let message = format!("is approved by {}, and stays held all the same: {answer}", approval.by);
            plan.notices.push(Notice { employee: change.employee, ..Notice::new(Code::ApprovalNotEnough, message) });
            continue;
        }
        change.hold = None;
        let why = approval.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let message = format!("{}: approved by {}{why}", what(approval), approval.by);
        let said = Notice { employee: change.employee, ..Notice::new(Code::Approved, message) };
        plan.notices.push(said.clone());
        let fingerprint = approval.fingerprint.clone();
        released.push(Released { approval: Some(approval.id), said: Some(said), fingerprint, change: planned });
    }
}

fn what(approval: &Approval) -> String {
    match (&approval.reason, approval.fields.is_empty()) {
        (Some(reason), _) => format!("{} ({reason})", approval.op),
        (None, false) => format!("{} of {}", approval.op, approval.fields.join(", ")),
        (None, true) => approval.op.to_string(),
    }
}

/// Releases exactly that many removals, if they are the people last shown.
fn accept(
    plan: &mut TargetPlan,
    prints: &[Fingerprint],
    shown: Option<&Shown>,
    accepted: u64,
    released: &mut Vec<Released>,
) {
    let is_held = |change: &Change| change.hold.as_ref().is_some_and(|hold| hold.code == Code::MaxDeactivate);
    let now: BTreeMap<&Fingerprint, Option<EmployeeId>> = plan
        .changes
        .iter()
        .zip(prints)
        .filter(|(change, _)| is_held(change))
        .map(|(change, print)| (print, change.employee))
        .collect();
    if now.is_empty() {
        return;
    }
    let was_removal =
        |held: &&Held| held.change.op == Op::Deactivate || &*held.change.code == Code::MaxDeactivate.as_str();
    let before: BTreeMap<&Fingerprint, Option<EmployeeId>> = shown
        .into_iter()
        .flat_map(|shown| &shown.held)
        .filter(was_removal)
        .map(|held| (&held.change.fingerprint, held.change.employee))
        .collect();
    let name = plan.name.clone();
    if before.is_empty() {
        let message = format!(
            "--accept-removals {accepted} is refused: nobody was shown who these are ({}); look at `personio-sync plan \
             {name}` first",
            people(now.values())
        );
        plan.notices.push(Notice::new(Code::RemovalsNotShown, message));
        return;
    }
    if now.len() as u64 == accepted && now.keys().eq(before.keys()) {
        for (change, print) in plan.changes.iter_mut().zip(prints).filter(|(change, _)| is_held(change)) {
            let (fingerprint, planned) = (print.clone(), change.clone());
            released.push(Released { approval: None, said: None, fingerprint, change: planned });
            change.hold = None;
        }
        return;
    }
    if let Some(message) = difference(&before, &now) {
        let message = format!(
            "--accept-removals {accepted} releases nobody, because these are not the people last shown: {message}"
        );
        plan.notices.push(Notice::new(Code::RemovalsChanged, message));
    }
}

/// Who came in, who dropped out, and who is to be removed on other grounds than before.
fn difference(
    before: &BTreeMap<&Fingerprint, Option<EmployeeId>>,
    now: &BTreeMap<&Fingerprint, Option<EmployeeId>>,
) -> Option<String> {
    let only_in = |one: &BTreeMap<&Fingerprint, Option<EmployeeId>>, other: &BTreeMap<&Fingerprint, _>| {
        let rest = one.iter().filter(|(print, _)| !other.contains_key(*print));
        rest.filter_map(|(_, employee)| *employee).collect::<BTreeSet<EmployeeId>>()
    };
    let (came, went) = (only_in(now, before), only_in(before, now));
    let parts = [
        (came.difference(&went).copied().collect::<Vec<_>>(), "came in"),
        (went.difference(&came).copied().collect(), "dropped out"),
        (came.intersection(&went).copied().collect(), "changed"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(who, _)| !who.is_empty())
        .map(|(who, what)| format!("{} {what}", people(who.into_iter().map(Some).collect::<Vec<_>>().iter())))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn people<'e>(who: impl Iterator<Item = &'e Option<EmployeeId>>) -> String {
    let sorted: BTreeSet<EmployeeId> = who.filter_map(|employee| *employee).collect();
    let noun = if sorted.len() == 1 { "employee" } else { "employees" };
    format!("{noun} {}", first_of(&sorted))
}

/// Puts what was held and is released back to the rest of the same update: two writes to one account at once would
/// undo each other where a service replaces the whole account.
pub(super) fn join_parts(plan: &mut TargetPlan) {
    let mut positions: BTreeMap<(EmployeeId, AccountId), usize> = BTreeMap::new();
    let mut joined: Vec<Change> = Vec::with_capacity(plan.changes.len());
    for change in std::mem::take(&mut plan.changes) {
        let key = match (change.op, &change.hold, change.employee, &change.account) {
            (Op::Update, None, Some(employee), Some(account)) => (employee, account.clone()),
            _ => {
                joined.push(change);
                continue;
            }
        };
        match positions.get(&key) {
            Some(position) => {
                let fields = &mut joined[*position].fields;
                fields.extend(change.fields);
                fields.sort_by_key(|field| field.index);
            }
            None => {
                positions.insert(key, joined.len());
                joined.push(change);
            }
        }
    }
    plan.changes = joined;
}
