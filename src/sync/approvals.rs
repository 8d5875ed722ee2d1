//! What the state knows of held changes: what was shown, what was approved, and what a run made of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::config::TargetSettings;
use crate::employee::EmployeeId;
use crate::exit::{Failure, Problem, Reason, Reasons};
use crate::plan::{Change, Notice, Outcome, Plan, TargetPlan};
use crate::state::{Fingerprint, HeldChange, RunId, StateError};

use super::decisions::{Decisions, Released};
use super::memory::Memory;
use super::prepared::{Prepared, PreparedTarget};
use super::release::held_by;

impl Memory {
    /// What people were shown of a target and what they said to it.
    pub(super) fn decisions(&self, target: &TargetSettings) -> Result<Decisions<'_>, StateError> {
        // An approval is of a change to this account, whatever the file calls it.
        let identity = target.target.identity();
        let fingerprint = move |change: &Change| {
            let parts = change.parts();
            let parts = std::iter::once(identity.as_str()).chain(parts.iter().map(String::as_str));
            self.state.hasher().fingerprint("change", parts)
        };
        Ok(Decisions {
            shown: self.state.shown(&target.plan.name)?,
            approvals: self.state.open_approvals(Some(&target.plan.name))?,
            approved: self.state.approved_codes(&target.plan.name)?,
            now: self.now(),
            fingerprint: Some(Box::new(fingerprint)),
        })
    }

    /// Keeps what a plan shows as held.
    pub fn show(&self, prepared: &Prepared<'_>, only: Option<EmployeeId>) -> Result<(), StateError> {
        for (plan, target) in prepared.plan.targets.iter().zip(&prepared.targets) {
            let Some(open) = &target.open else { continue };
            let planned = |held: &&HeldChange| {
                let same = |change: &Change| (change.op, change.employee) == (held.op, held.employee);
                plan.changes.iter().any(same)
            };
            let held: Vec<HeldChange> = open.held.iter().filter(planned).cloned().collect();
            let owners = || open.overview.owned.keys().copied().collect::<BTreeSet<EmployeeId>>();
            let of = match only {
                Some(only) => Some(BTreeSet::from([only])),
                None => prepared.is_of_changes().then(owners),
            };
            self.state.show(&plan.name, of.as_ref(), &held, self.now(), self.who())?;
        }
        Ok(())
    }

    /// The same in a state that was not there when the plan was made: it has a key of its own.
    pub fn show_anew(&self, prepared: &Prepared<'_>, only: Option<EmployeeId>) -> Result<(), StateError> {
        for (plan, target) in prepared.plan.targets.iter().zip(&prepared.targets) {
            if target.open.is_some() {
                let held = held_by(plan, &self.decisions(target.settings)?);
                let of = only.map(|only| BTreeSet::from([only]));
                self.state.show(&plan.name, of.as_ref(), &held, self.now(), self.who())?;
            }
        }
        Ok(())
    }

    /// Marks the approvals of a target as used, before anything is written, and gives their numbers. What can no longer be released, because
    /// another run used it meanwhile or its time is over, is held again.
    ///
    /// # Errors
    ///
    /// When the state cannot be written; nothing may be sent then.
    pub(super) fn take_approvals(
        &self,
        plan: &mut TargetPlan,
        target: &PreparedTarget<'_>,
        run: RunId,
    ) -> Result<Vec<i64>, StateError> {
        let Some(open) = &target.open else { return Ok(Vec::new()) };
        let about_to_be = |released: &&Released| {
            plan.changes.iter().any(|change| change.hold.is_none() && released.is_part_of(change))
        };
        let wanted: BTreeMap<i64, &Released> = open
            .released
            .iter()
            .filter(about_to_be)
            .filter_map(|released| Some((released.approval?, released)))
            .collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = wanted.keys().copied().collect();
        let taken = self.state.take_approvals(&ids, run, self.now())?;
        for (_, lost) in wanted.iter().filter(|(id, _)| !taken.contains(id)) {
            for change in plan.changes.iter_mut().filter(|change| lost.is_part_of(change)) {
                change.hold.clone_from(&lost.change.hold);
            }
        }
        Ok(taken)
    }

    /// Gives back the approvals of what was certainly not carried out, and takes what was from what is shown as held.
    pub(super) fn give_back_approvals(
        &self,
        plan: &TargetPlan,
        target: &PreparedTarget<'_>,
        taken: &[i64],
    ) -> Result<(), StateError> {
        let Some(open) = &target.open else { return Ok(()) };
        let (done, undone): (Vec<&Released>, Vec<&Released>) = open
            .released
            .iter()
            .partition(|released| plan.changes.iter().any(|change| released.is_part_of(change) && may_be_done(change)));
        let back: Vec<i64> =
            undone.iter().filter_map(|released| released.approval).filter(|id| taken.contains(id)).collect();
        self.state.give_back_approvals(&back)?;
        let done: Vec<Fingerprint> = done.iter().map(|released| released.fingerprint.clone()).collect();
        self.state.unshow(&plan.name, &done)
    }
}

/// Refuses a number of removals of people whom nobody was shown: it says nothing about who they are.
///
/// # Errors
///
/// [`Reason::NotApproved`], with who they are.
pub(super) fn refuse_unseen(plan: &Plan) -> Result<(), Failure> {
    let unseen = |notice: &&Notice| notice.code == Code::RemovalsNotShown;
    let why: Vec<String> = plan
        .targets
        .iter()
        .flat_map(|target| {
            target.notices.iter().filter(unseen).map(move |one| format!("{}: {}", target.name, one.message))
        })
        .collect();
    match &why[..] {
        [] => Ok(()),
        why => Err(Failure::new(Reason::NotApproved, format!("{}; nothing was changed", why.join("; ")))),
    }
}

/// Marks the approvals that a run uses, in the order of the targets.
///
/// # Errors
///
/// When the state cannot be written; nothing may be sent then.
pub(super) fn take_approvals(
    prepared: &mut Prepared<'_>,
    memory: &Memory,
    run: RunId,
) -> Result<Vec<Vec<i64>>, Failure> {
    let Prepared { plan, targets, .. } = prepared;
    let taken = plan.targets.iter_mut().zip(targets.iter());
    Ok(taken.map(|(plan, target)| memory.take_approvals(plan, target, run)).collect::<Result<_, _>>()?)
}

/// Gives back what a run did not use after all.
pub(super) fn give_back_approvals(
    prepared: &Prepared<'_>,
    memory: &Memory,
    taken: &[Vec<i64>],
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) {
    for ((plan, target), taken) in prepared.plan.targets.iter().zip(&prepared.targets).zip(taken) {
        if let Err(error) = memory.give_back_approvals(plan, target, taken) {
            reasons.add(Reason::Internal);
            problems
                .push(Problem::new(Code::StateUnwritable, format!("what became of approvals is not kept: {error}")));
        }
    }
}

/// Whether a change was carried out, or may have been.
fn may_be_done(change: &Change) -> bool {
    match &change.outcome {
        Some(Outcome::Succeeded | Outcome::Pending { .. }) => true,
        Some(Outcome::Failed { code, .. }) => *code == crate::targets::ErrorKind::Unsettled.code(),
        Some(Outcome::Held | Outcome::NotAttempted { .. }) | None => false,
    }
}
