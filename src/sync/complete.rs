//! What the state says to a run that asks for changes alone: since when, and what was looked at already.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::code::Code;
use crate::config::{Settings, TargetSettings};
use crate::employee::{Employee, EmployeeId};
use crate::plan::{Change, Due, Op, Outcome, TargetPlan, TargetStatus};
use crate::state::{CompleteRun, Fingerprint, RunId, StateError};

use super::memory::{Memory, section_fingerprint};
use super::prepared::{Prepared, PreparedTarget, SinceComplete};
use super::writing::Applied;

/// For how long a record that was looked at is remembered: longer than Personio is asked for its change.
const WORTH_A_LOOK: TimeDelta = TimeDelta::days(4);

impl Memory {
    /// Whether a run of a target may ask for changes alone, or why it has to read everything.
    pub(super) fn look_since_complete(
        &self,
        settings: &Settings,
        target: &TargetSettings,
    ) -> Result<Result<SinceComplete<'_>, String>, StateError> {
        let name = &target.plan.name;
        let Some(complete) = self.state.complete_run(name)? else {
            let why = format!(
                "no run of {name} has read everything and come to its end, or somebody decided about its accounts since"
            );
            return Ok(Err(why));
        };
        if complete.file != self.file_fingerprint(settings, target) {
            return Ok(Err(format!("what the file says of {name} is not what the last such run went by")));
        }
        if complete.began > self.now() {
            return Ok(Err(format!("the clock says that {name} was last read in full in the future")));
        }
        let full = target.full();
        let full_due = match full.due(Some(full.slot(complete.began, self.zone())), self.now(), self.zone()) {
            Due::Now(_) => {
                let began = self.zone().minute(complete.began);
                return Ok(Err(format!("{name} was last read in full on {began}, and `full` makes it due again")));
            }
            Due::Later(moment) => moment,
        };
        if self.state.interrupted_since(name, complete.run)? {
            return Ok(Err(format!("it is not known what became of a write of an earlier run of {name}")));
        }
        let approvals = self.state.open_approvals(Some(name))?;
        if approvals.iter().any(|approval| approval.at >= complete.began && approval.expires_at > self.now()) {
            return Ok(Err(format!("changes of {name} were approved")));
        }
        Ok(Ok(SinceComplete {
            began: complete.began,
            linked: complete.linked,
            full_due,
            looked_at: self.state.looked_at(name)?,
            record: Box::new(|employee| self.record(employee)),
        }))
    }

    /// Of all that an employee's record holds.
    fn record(&self, employee: &Employee) -> Fingerprint {
        self.state.hasher().fingerprint("record", [format!("{employee:?}").as_str()])
    }

    /// Of all that a target's plan goes by beside what is read.
    fn file_fingerprint(&self, settings: &Settings, target: &TargetSettings) -> Fingerprint {
        let attributes: Vec<&str> = settings.attributes.keys().collect();
        let (section, zone) = (section_fingerprint(&self.state, target), format!("{:?}", settings.timezone));
        let parts = [
            section.as_str(),
            &attributes.join(" "),
            &zone,
            &settings.personio.base_url,
            &target.target.identity(),
            env!("CARGO_PKG_VERSION"),
        ];
        self.state.hasher().fingerprint("file", parts)
    }

    /// Before the first write: what is written to now is not as it was looked at.
    pub(super) fn forget_looked_at(&self, prepared: &Prepared<'_>) -> Result<(), StateError> {
        for (plan, target) in prepared.plan.targets.iter().zip(&prepared.targets) {
            let Some(open) = &target.open else { continue };
            let owners: Vec<EmployeeId> = open.overview.owned.keys().copied().collect();
            let whom = prepared.is_of_changes().then_some(&owners[..]);
            self.state.forget_looked_at(&plan.name, whom)?;
        }
        Ok(())
    }

    /// Keeps who was looked at, and which targets were read and worked through as a whole.
    pub(super) fn note_complete(
        &self,
        settings: &Settings,
        prepared: &Prepared<'_>,
        run: RunId,
        applied: &[Option<Applied>],
    ) -> Result<(), StateError> {
        for ((plan, target), applied) in prepared.plan.targets.iter().zip(&prepared.targets).zip(applied) {
            let by_hand = target.settings.target.offers().by_hand.is_some();
            let works = |applied: &Applied| applied.journal_failed.is_none() && !applied.sign_in_refused;
            if plan.status != TargetStatus::Ready || by_hand || !applied.as_ref().is_none_or(works) {
                continue;
            }
            let looked_at: BTreeMap<EmployeeId, Fingerprint> = prepared
                .changed
                .iter()
                .filter(|employee| is_dealt_with(prepared, plan, target, applied.as_ref(), **employee))
                .filter_map(|employee| Some((*employee, self.record(prepared.employees.get(*employee)?))))
                .collect();
            self.state.note_looked_at(&plan.name, &looked_at, self.now(), self.now() - WORTH_A_LOOK)?;
            let Some(open) = &target.open else { continue };
            let whole = !prepared.restricted && prepared.plan.source.complete && open.complete;
            if whole && !plan.changes.iter().any(is_to_be_tried_again) {
                let run = CompleteRun {
                    run,
                    began: self.now(),
                    file: self.file_fingerprint(settings, target.settings),
                    linked: open.overview.linked as u64,
                };
                self.state.note_complete_run(&plan.name, &run)?;
            }
        }
        Ok(())
    }
}

/// Whether the next run is expected to do better.
fn is_to_be_tried_again(change: &Change) -> bool {
    match &change.outcome {
        Some(Outcome::NotAttempted { .. }) => true,
        Some(Outcome::Failed { code, .. }) => {
            matches!(code, Code::Unavailable | Code::OutcomeUnknown | Code::Interrupted | Code::SignInRefused)
        }
        _ => false,
    }
}

/// Whether nothing is left to look at as long as the employee's record stays the same. What only a run that reads
/// everything decides about was decided by one, whatever came of it: the next of those looks again.
fn is_dealt_with(
    prepared: &Prepared<'_>,
    plan: &TargetPlan,
    target: &PreparedTarget<'_>,
    applied: Option<&Applied>,
    employee: EmployeeId,
) -> bool {
    let changes: Vec<&Change> = plan.changes.iter().filter(|change| change.employee == Some(employee)).collect();
    if changes.iter().any(|change| is_to_be_tried_again(change)) {
        return false;
    }
    let is_owner = target.open.as_ref().is_some_and(|open| open.overview.owned.contains_key(&employee));
    let only_updated = changes.iter().all(|change| matches!(change.op, Op::Update | Op::Reactivate));
    let could_be_done_by_changes = is_owner && only_updated;
    if !(prepared.is_of_changes() || could_be_done_by_changes) {
        return true;
    }
    changes.iter().all(|change| change.outcome == Some(Outcome::Succeeded))
        && plan.skipped.iter().all(|skip| skip.employee != employee)
        && applied.is_none_or(|applied| applied.not_stored.iter().all(|lost| lost.employee != employee))
}
