//! A run from the locks to what is remembered of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::NaiveDate;
use parking_lot::Mutex;

use crate::code::Code;
use crate::config::{BudgetSettings, Settings, TargetSettings};
use crate::employee::EmployeeId;
use crate::exit::{Failure, Problem, Reason, Reasons};
use crate::notify::Observed;
use crate::personio::Source;
use crate::plan::{Change, Checklist, Notice, Outcome, Plan, TargetStatus};
use crate::progress::{ReadProgress, RunProgress};
use crate::state::{Lock, NewJob, RunEnd, RunId, TargetEnd};
use crate::targets::ErrorKind;
use crate::words::count;

use super::apply::apply;
use super::approvals::{give_back_approvals, refuse_unseen, take_approvals};
use super::budget::budgets;
use super::changes::prepare_changes;
use super::delivery::deliver;
use super::due::DueTargets;
use super::failures::{state_reason, target_reason};
use super::in_line::{done_in_part, failing_skips, in_line};
use super::job_records::jobs;
use super::journal::RunJournal;
use super::judge::judge;
use super::memory::{Memory, WholeRun, period};
use super::prepare::prepare;
use super::prepared::{PrepareOptions, Prepared};
use super::read_back::read_back;
use super::release::join_parts;
use super::settle::settle;
use super::standing::{observe_end, observed, observed_failure};
use super::writing::{Applied, ApplyOptions, JournalFailed};

/// What a run goes by: the file on a day, the source, and what is remembered.
#[derive(Clone, Copy)]
pub struct Inputs<'s, 'r> {
    pub settings: &'s Settings,
    /// The day, in the file's time zone.
    pub today: NaiveDate,
    pub source: &'r dyn Source,
    pub memory: &'r Memory,
    /// Targets that the file pauses and this run takes up all the same, because nothing of it is real.
    pub rehearsed: &'r [Box<str>],
}

/// Whoever started a run: they see how far it is, are asked, and may stop it.
pub trait Operator: Sync {
    fn progress(&self) -> Box<dyn RunProgress + '_>;

    /// Shows a plan and asks whether so many changes are to be carried out.
    ///
    /// # Errors
    ///
    /// [`Reason::NotApproved`] when they are not, or nobody can be asked.
    fn approve(&self, prepared: &Prepared<'_>, changes: usize) -> Result<(), Failure>;

    /// Set by a signal: writes under way are finished, the rest is not attempted.
    fn stop(&self) -> &AtomicBool;

    /// Which signal that was.
    fn stopped_by(&self) -> Option<Reason>;
}

/// What came of a run.
pub struct Finished<'s> {
    /// Its number in the history.
    pub run: RunId,
    pub prepared: Prepared<'s>,
    /// Whether the plan was shown before.
    pub asked: bool,
    pub reasons: Reasons,
    pub problems: Vec<Problem>,
    /// How things stand now, as far as it looked; `None` when the state could not be read.
    pub observed: Option<Observed>,
}

impl<'s> Inputs<'s, '_> {
    /// Reads everything and plans.
    ///
    /// # Errors
    ///
    /// When the source or the state cannot be read.
    pub fn prepare(&self, options: &PrepareOptions, progress: &dyn ReadProgress) -> Result<Prepared<'s>, Failure> {
        let prepare = if options.changes { prepare_changes } else { prepare };
        let mut prepared = prepare(self.settings, self.source, self.memory, options, progress)?;
        for plan in prepared.plan.targets.iter_mut().filter(|plan| self.rehearsed.contains(&plan.name)) {
            let message = format!("paused in the file: this is what `personio-sync resume {}` would bring", plan.name);
            plan.notices.insert(0, Notice::new(Code::Paused, message));
        }
        Ok(prepared)
    }

    /// The targets of which a slot is open, or whose part of the file changed since their last run.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn due(&self, options: &PrepareOptions) -> Result<DueTargets, Failure> {
        let selected = self.settings.targets.iter().filter(|target| is_selected(target, options));
        Ok(DueTargets::of(&self.memory.scheduled(selected)?, self.memory.now(), self.settings.timezone))
    }

    /// Holds what does not fit into what is left of a budget, and warns where one is nearly used up.
    pub fn check_budget(
        &self,
        plan: &mut Plan,
        reasons: &mut Reasons,
        problems: &mut Vec<Problem>,
    ) -> Result<(), Failure> {
        let used = |budget: &BudgetSettings, day| self.memory.state.tasks(&period(Some(budget.period), day));
        for budget in budgets(self.settings, self.today, used)? {
            let Some(finding) = budget.apply(plan) else { continue };
            if finding.code == Code::Budget {
                reasons.add(Reason::Held);
            }
            problems.push(Problem::new(finding.code, finding.message));
        }
        Ok(())
    }

    /// Keeps in the history that the source could not be read.
    fn keep_failure(&self, selected: &[&TargetSettings], options: &PrepareOptions, mut failure: Failure) -> Failure {
        if observed_failure(&failure).is_none() {
            return failure;
        }
        let names: Vec<&str> = selected.iter().map(|target| &*target.plan.name).collect();
        let whole = options.only.is_none() && !options.changes;
        let failed = (failure.reason, self.source.requests());
        if let Err(error) = self.memory.keep_failed_run(self.today, &names, whole, failed) {
            let message = format!("that this run failed is not kept: {}", error.text);
            failure.problems.push(Problem::new(Code::StateUnwritable, message));
        }
        failure
    }

    /// Reads, plans, asks if `review` says so, applies, and keeps what came of it.
    ///
    /// # Errors
    ///
    /// When nothing was carried out.
    pub fn synchronise(
        &self,
        options: &PrepareOptions,
        operator: &dyn Operator,
        lock_timeout: Duration,
        review: impl FnOnce(&mut Prepared<'_>) -> Result<bool, Failure>,
    ) -> Result<Finished<'s>, Failure> {
        let memory = self.memory;
        let stopped = |failure: Failure, meanwhile: &str| match operator.stopped_by() {
            Some(reason) => Failure::new(reason, format!("stopped by a signal while {meanwhile}; nothing was changed")),
            None => failure,
        };
        let selected: Vec<&TargetSettings> = (self.settings.targets.iter())
            .filter(|target| is_selected(target, options))
            .filter(|target| !target.paused || options.only.is_some())
            .collect();
        let mut pause = |wait: Duration| crate::http::pause(wait).is_ok();
        let locks = memory.lock(&selected, lock_timeout, &mut pause);
        let locks = Mutex::new(locks.map_err(|failure| stopped(failure, "waiting for another run"))?);
        let bars = operator.progress();
        let prepared = self.prepare(options, &*bars);
        let prepared = prepared.map_err(|failure| stopped(failure, "reading"));
        let mut prepared = prepared.map_err(|failure| self.keep_failure(&selected, options, failure))?;
        refuse_unseen(&prepared.plan)?;
        memory.show(&prepared, options.only)?;
        // Told from the plan as it was made: what a review takes out of it may still be open.
        let settled = prepared.plan.targets.iter().zip(&prepared.targets).map(|(plan, target)| {
            target.open.as_ref().map(|open| settle(&open.open_intents, plan, open, memory.now())).unwrap_or_default()
        });
        let settled: Vec<_> = settled.collect();
        let asks = review(&mut prepared)?;
        defer_manual_changes(&mut prepared);
        prepared.plan.targets.iter_mut().for_each(join_parts);
        let (mut reasons, mut problems) = judge(&prepared);
        self.check_budget(&mut prepared.plan, &mut reasons, &mut problems)?;
        let pending = pending(&prepared.plan);
        let asked = asks && pending > 0;
        if asked {
            let approved = operator.approve(&prepared, pending);
            approved.map_err(|failure| failure.among(&reasons, problems.clone()))?;
        }
        let names: Vec<&str> = selected.iter().map(|target| &*target.plan.name).collect();
        let run = memory.start(self.today, if prepared.is_of_changes() { &[] } else { &names })?;
        memory.forget_looked_at(&prepared)?;
        for (target, settled) in prepared.targets.iter().zip(&settled) {
            if let Some(open) = &target.open {
                memory.settle(target.settings, settled, open)?;
            }
        }
        let taken = take_approvals(&mut prepared, memory, run)?;
        let mut applied = carry_out(&mut prepared, memory, run, &locks, operator, &*bars);
        drop(bars);
        if !is_stopped(operator) {
            deliver(&mut prepared, memory, &mut applied, &mut reasons, &mut problems);
        }
        let accepted = memory.state.accepted(memory.now())?;
        assess(&prepared, &applied, &accepted, operator, &mut reasons, &mut problems);
        give_back_approvals(&prepared, memory, &taken, &mut reasons, &mut problems);
        let outcome = Carried { run, applied: &applied, accepted: &accepted };
        let observed = remember(self, &prepared, options, &outcome, &mut reasons, &mut problems);
        drop(locks);
        Ok(Finished { run, prepared, asked, reasons, problems, observed })
    }
}

fn is_selected(target: &TargetSettings, options: &PrepareOptions) -> bool {
    options.targets.is_empty() || options.targets.contains(&target.plan.name)
}

fn is_stopped(operator: &dyn Operator) -> bool {
    operator.stop().load(Ordering::SeqCst)
}

/// How many changes are about to be carried out.
fn pending(plan: &Plan) -> usize {
    plan.targets.iter().flat_map(|target| &target.changes).filter(|change| change.hold.is_none()).count()
}

/// Takes out what only people can do: it stays open until `confirm`, whoever runs a sync meanwhile.
fn defer_manual_changes(prepared: &mut Prepared<'_>) {
    for (plan, target) in prepared.plan.targets.iter_mut().zip(&prepared.targets) {
        if target.settings.target.offers().by_hand.is_none() || plan.changes.is_empty() {
            continue;
        }
        let name = &plan.name;
        let steps = plan.checklist.as_ref().map_or(plan.changes.len(), Checklist::len);
        let message = format!(
            "{} to be done by hand; `personio-sync plan {name}` lists what, `personio-sync confirm {name}` says that it \
             is done",
            count(steps, "step is", "steps are")
        );
        plan.notices.retain(|notice| notice.code != Code::NothingConfirmed);
        plan.notices.push(Notice::new(Code::ByHand, message));
        plan.changes.clear();
        plan.checklist = None;
    }
}

/// Applies every target's plan, the targets side by side.
fn carry_out(
    prepared: &mut Prepared<'_>,
    memory: &Memory,
    run: RunId,
    locks: &Mutex<Vec<Lock>>,
    operator: &dyn Operator,
    bars: &dyn RunProgress,
) -> Vec<Option<Applied>> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = prepared
            .plan
            .targets
            .iter_mut()
            .zip(&prepared.targets)
            .map(|(plan, target)| {
                let open = target.open.as_ref()?;
                let settings = target.settings;
                Some(scope.spawn(move || {
                    let total = plan.changes.iter().filter(|change| change.hold.is_none()).count();
                    let bar = bars.writing(&plan.name, total);
                    let journal = RunJournal::new(memory, run, &settings.plan.name, locks)
                        .with_approved(&open.released)
                        .deleting(open.schema.capabilities.delete);
                    let options = ApplyOptions {
                        stop: operator.stop(),
                        progress: &*bar,
                        journal: &journal,
                        workers: settings.writers,
                        max_failures: settings.plan.safety.max_failures,
                        match_fields: &settings.plan.match_fields,
                        owned: &open.overview.owned,
                        protect: &settings.plan.safety.protect,
                    };
                    let mut applied = apply(&*open.target, &open.schema, plan, &options);
                    if let Err(error) = journal.flush() {
                        applied.journal_failed.get_or_insert_with(|| JournalFailed::new(&error));
                    }
                    if !is_stopped(operator) {
                        applied.not_stored = read_back(open.target.reader(), &open.schema, plan);
                    }
                    applied
                }))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
            .collect()
    })
}

/// What applying means for the exit status.
fn assess(
    prepared: &Prepared<'_>,
    applied: &[Option<Applied>],
    accepted: &BTreeSet<(Box<str>, EmployeeId, Box<str>)>,
    operator: &dyn Operator,
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) {
    for (plan, applied) in prepared.plan.targets.iter().zip(applied) {
        if plan.status != TargetStatus::Ready {
            continue;
        }
        let with = |wanted: fn(&Outcome) -> bool| {
            plan.changes.iter().filter(|change| change.outcome.as_ref().is_some_and(wanted)).count()
        };
        let is_accepted =
            |employee: EmployeeId, code: Code| accepted.contains(&(plan.name.clone(), employee, code.into()));
        let failed = plan
            .changes
            .iter()
            .filter(|change| match &change.outcome {
                Some(Outcome::Failed { code, .. }) => !change.employee.is_some_and(|id| is_accepted(id, *code)),
                _ => false,
            })
            .count();
        let not_attempted = with(|outcome| matches!(outcome, Outcome::NotAttempted { .. }));
        let skipped = failing_skips(plan).filter(|skip| !is_accepted(skip.employee, skip.reason)).count();
        let partly = done_in_part(plan, is_accepted).len();
        let mut parts = Vec::new();
        if failed > 0 {
            parts.push(format!("{} failed", count(failed, "change", "changes")));
        }
        if not_attempted > 0 && !is_stopped(operator) {
            parts.push(format!("{} not attempted", count(not_attempted, "change was", "changes were")));
        }
        if skipped > 0 {
            parts.push(format!("{} could not be planned", count(skipped, "employee", "employees")));
        }
        if partly > 0 {
            parts.push(format!("{} done in part: invalid values", count(partly, "employee was", "employees were")));
        }
        if !parts.is_empty() {
            reasons.add(Reason::SomeFailed);
            problems.push(Problem::new(Reason::SomeFailed.word(), parts.join(", ")).target(&plan.name));
        }
        let right_missing = ErrorKind::Rights.code();
        let lacks_right =
            |change: &Change| matches!(change.outcome, Some(Outcome::Failed { code, .. }) if code == right_missing);
        if plan.changes.iter().any(lacks_right) {
            reasons.add(Reason::Refused);
            let message = "the sign-in lacks a right that some changes need; each of them says which";
            problems.push(Problem::new(Reason::Refused.word(), message).target(&plan.name));
        }
        let Some(applied) = applied else { continue };
        let mut because = |applies: bool, reason: Reason, code, message: &str| {
            if applies {
                reasons.add(reason);
                problems.push(Problem::new(code, message).target(&plan.name));
            }
        };
        because(
            applied.sign_in_refused,
            Reason::Refused,
            Reason::Refused.word(),
            "the target refused the sign-in; it was left alone",
        );
        because(
            applied.unavailable,
            Reason::Unavailable,
            Reason::Unavailable.word(),
            "the target could not be reached for some changes",
        );
        if let Some(JournalFailed { why, out_of_reach }) = &applied.journal_failed {
            let reason = if *out_of_reach { Reason::Unavailable } else { Reason::Internal };
            because(true, reason, Code::StateUnwritable, why);
        }
    }
    if let Some(reason) = operator.stopped_by() {
        reasons.add(reason);
        let message = "stopped by a signal; writes under way were finished, the rest was not attempted";
        problems.push(Problem::new(reason.word(), message));
    }
}

/// What came of a run.
struct Carried<'a> {
    run: RunId,
    /// In the order of the targets.
    applied: &'a [Option<Applied>],
    /// The failures that somebody accepted: target, employee and code.
    accepted: &'a BTreeSet<(Box<str>, EmployeeId, Box<str>)>,
}

/// Keeps the run, its jobs and what is known of the targets now.
fn remember(
    inputs: &Inputs<'_, '_>,
    prepared: &Prepared<'_>,
    options: &PrepareOptions,
    carried: &Carried<'_>,
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) -> Option<Observed> {
    let Inputs { settings, memory, today, .. } = *inputs;
    let (targets, jobs) = target_ends(inputs, prepared, carried, reasons, problems);
    let kept = match &prepared.source_seen {
        Some(seen) => memory.remember_source(seen),
        None => memory.state.end_absences(|employee| prepared.employees.get(employee).is_some()),
    };
    if let Err(error) = kept {
        reasons.add(Reason::Internal);
        problems.push(Problem::new(Code::StateUnwritable, format!("what Personio delivered is not kept: {error}")));
    }
    // Before the run has an end: a run that is killed in between would be one that needs nobody's hand.
    let observed = keep_standing(inputs, prepared, options, reasons, problems);
    let known = problems.len();
    let day = today.to_string();
    let end = RunEnd {
        run: carried.run,
        at: memory.now(),
        exit_code: reasons.code(),
        period: &day,
        source_requests: prepared.source_requests,
        targets: &targets,
        jobs: &jobs,
    };
    if let Err(error) = memory.finish(end, settings.state.keep) {
        reasons.add(state_reason(&error));
        problems.push(Problem::new(Code::StateUnwritable, format!("the history of this run is not kept: {error}")));
    }
    if let Err(error) = memory.note_complete(settings, prepared, carried.run, carried.applied) {
        reasons.add(state_reason(&error));
        let message = format!("that everybody, or who changed, was looked at is not kept: {error}");
        problems.push(Problem::new(Code::StateUnwritable, message));
    }
    let mut observed = observed?;
    observe_end(&mut observed, settings, memory, today, &problems[known..])
        .inspect_err(|failure| {
            reasons.add(failure.reason);
            let message = format!("how much of a budget is used is not known: {}", failure.text);
            problems.push(Problem::new(Code::StateUnwritable, message));
        })
        .ok()?;
    Some(observed)
}

/// What each target's turn brought, and a job for everybody that something came of.
fn target_ends(
    inputs: &Inputs<'_, '_>,
    prepared: &Prepared<'_>,
    carried: &Carried<'_>,
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) -> (Vec<TargetEnd>, Vec<NewJob>) {
    let Carried { applied, accepted, .. } = *carried;
    let Inputs { settings, memory, .. } = *inputs;
    let keep_names = settings.state.keep_names;
    let name_of = |employee| keep_names.then(|| prepared.full_name(employee)).flatten();
    let saw = WholeRun {
        whole: !prepared.restricted,
        source_complete: prepared.plan.source.complete || prepared.is_of_changes(),
        filters_accepted: prepared.filters_accepted,
    };
    let (mut ends, mut all_jobs) = (Vec::new(), Vec::new());
    for ((plan, target), applied) in prepared.plan.targets.iter().zip(&prepared.targets).zip(applied) {
        if plan.status == TargetStatus::Paused {
            continue;
        }
        let is_accepted =
            |employee: EmployeeId, code: Code| accepted.contains(&(plan.name.clone(), employee, code.into()));
        let end = memory.target_end(target.settings, plan, target.open.as_ref(), applied.as_ref(), saw);
        let not_stored = applied.as_ref().map(|applied| applied.not_stored.as_slice()).unwrap_or_default();
        let overview = target.open.as_ref().map(|open| &open.overview);
        let in_line = (plan.status == TargetStatus::Ready)
            .then(|| in_line(plan, overview, not_stored, &prepared.employees, &prepared.standings, is_accepted));
        let unread = target.error.as_ref().map(|error| target_reason(error).word().into());
        ends.push(TargetEnd { unread, in_line, requests: Some(target.tally.requests()), ..end });
        all_jobs.extend(jobs(plan, applied.as_ref(), &name_of));
        if let Err(error) = memory.fill_slot(target.settings, plan, applied.as_ref()) {
            reasons.add(Reason::Internal);
            problems.push(Problem::new(
                Code::StateUnwritable,
                format!("that this was a run by the clock is not kept: {error}"),
            ));
        }
        if let Some(open) = &target.open
            && let Err(error) = memory.remember_seen(plan, &open.seen)
        {
            reasons.add(state_reason(&error));
            problems.push(Problem::new(Code::StateUnwritable, format!("what workflows watch is not kept: {error}")));
        }
    }
    (ends, all_jobs)
}

/// Keeps what needs a hand and what fails now.
fn keep_standing(
    inputs: &Inputs<'_, '_>,
    prepared: &Prepared<'_>,
    options: &PrepareOptions,
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) -> Option<Observed> {
    let keep_names = inputs.settings.state.keep_names;
    let name_of = |employee| keep_names.then(|| prepared.full_name(employee)).flatten();
    let seen = observed(inputs.settings, inputs.memory, prepared, options, problems);
    let kept = seen.and_then(|seen| Ok(inputs.memory.keep_todos(&seen, &name_of).map(|()| seen)?));
    kept.inspect_err(|failure| {
        reasons.add(failure.reason);
        problems.push(Problem::new(Code::StateUnwritable, format!("what needs a hand is not kept: {}", failure.text)));
    })
    .ok()
}
