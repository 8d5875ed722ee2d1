//! `sync`: plan, ask, apply.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use parking_lot::Mutex;

use crate::code::Code;
use crate::config::{BudgetSettings, TargetSettings};
use crate::employee::EmployeeId;
use crate::output::table::TableStyle;
use crate::output::{Bars, Document, Format, Kind, Problem, json};
use crate::plan::{Change, Checklist, Notice, Outcome, Plan, TargetStatus};
use crate::section::parse_duration;
use crate::state::{Lock, RunId, TargetEnd};
use crate::sync::{
    Applied, ApplyOptions, DueTargets, JournalFailed, PrepareOptions, Prepared, apply, budgets, done_in_part,
    failing_skips, join_parts, not_in_line, read_back,
};
use crate::targets::ErrorKind;
use crate::words::count;

use super::decisions::{refuse_unseen, settle_approvals, take_approvals};
use super::job_records::jobs;
use super::memory::{Memory, WholeRun, period, reason};
use super::run_journal::RunJournal;
use super::session::{Session, judge};
use super::{Failure, Process, Reason, Reasons, SandboxChoice, plan, plan_file};

/// Plan, ask, and apply
///
/// Asks before it writes; `--yes` answers, and is needed where nobody can be asked. A change that fails does not stop
/// the others, and running it again continues where this run ended.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Show the plan and write nothing; the same as `plan`
    #[arg(long)]
    dry_run: bool,
    /// Only this employee (Personio's id); also on paused targets
    #[arg(long, value_name = "ID")]
    employee: Option<EmployeeId>,
    /// Only the targets of which a slot of `every` is open, which have no `every`, or whose part of the file changed
    #[arg(long)]
    due: bool,
    /// Apply exactly this reviewed plan, and nothing that changed since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "employee"])]
    plan: Option<PathBuf>,
    /// With --plan: apply what still holds and leave out what changed since
    #[arg(long, requires = "plan")]
    skip_stale: bool,
    /// Release held removals if they are exactly this many, and still the people last shown
    #[arg(long, value_name = "NUMBER")]
    accept_removals: Option<u64>,
    /// Accept that filters changed since the last run
    #[arg(long)]
    accept_filter_change: bool,
    /// Accept that Personio delivers far fewer people than in the last good run
    #[arg(long)]
    accept_source: bool,
    /// How long to wait for another run on the same target, such as 30s or 5m [default: not at all]
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0s", hide_default_value = true)]
    lock_timeout: Duration,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

impl Arguments {
    /// Whether only the plan is asked for.
    pub(super) fn is_preview(&self) -> bool {
        self.dry_run
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a length of time such as 30s, 5m or 1h".into())
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, targets) = arguments.sandbox.split(&arguments.targets);
    let mut session = process.open(&sandbox, &targets)?;
    session.rehearse();
    let mut options = PrepareOptions {
        only: arguments.employee,
        accepted_removals: arguments.accept_removals,
        accept_filter_change: arguments.accept_filter_change,
        accept_source: arguments.accept_source,
        ..PrepareOptions::new(session.today, &targets)
    };
    if arguments.dry_run {
        return plan::preview(process, &session, &options, plan::Wanted::default());
    }
    let reviewed = arguments.plan.as_deref().map(|path| plan_file::read(path, &session)).transpose()?;
    let signals = Signals::listen()?;
    let mut memory = Memory::open(&session, process.now)?;
    if arguments.due {
        let due = due(&memory, &session, &options, process.now)?;
        if due.now.is_empty() {
            say_nothing_is_due(process, &session, &due);
            return Ok(Reasons::default());
        }
        options.targets = due.now.keys().cloned().collect();
        // A run for one person is no run of the target.
        if options.only.is_none() {
            memory.run_for(&due, &session.settings);
        }
    }
    synchronise(process, &session, &memory, &options, &signals, arguments.lock_timeout, |prepared| {
        if let Some(reviewed) = &reviewed {
            reviewed.restrict(prepared, arguments.skip_stale)?;
            prepared.restricted = true;
        }
        Ok(!arguments.yes)
    })
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
        plan.notices.push(Notice { code: Code::ByHand, employee: None, field: None, message });
        plan.changes.clear();
        plan.checklist = None;
    }
}

/// Reads, plans, asks if `review` says so, applies, and keeps what came of it.
pub(super) fn synchronise(
    process: &Process,
    session: &Session,
    memory: &Memory,
    options: &PrepareOptions,
    signals: &Signals,
    lock_timeout: Duration,
    review: impl FnOnce(&mut Prepared<'_>) -> Result<bool, Failure>,
) -> Result<Reasons, Failure> {
    let selected: Vec<&TargetSettings> = session
        .settings
        .targets
        .iter()
        .filter(|target| options.targets.is_empty() || options.targets.contains(&target.plan.name))
        .filter(|target| !target.paused || options.only.is_some())
        .collect();
    let mut pause = |wait: Duration| crate::http::pause(wait).is_ok();
    let locks = memory.lock(&selected, lock_timeout, &mut pause).map_err(|failure| match signals.reason() {
        Some(reason) => Failure::new(reason, "stopped by a signal while waiting for another run; nothing was changed"),
        None => failure,
    })?;
    let locks = Mutex::new(locks);
    let bars = Bars::new(process.terminal);
    let mut prepared = session.prepare(memory, options, &bars).map_err(|failure| match signals.reason() {
        Some(reason) => Failure::new(reason, "stopped by a signal while reading; nothing was changed"),
        None => failure,
    })?;
    refuse_unseen(&prepared.plan)?;
    memory.show(&prepared, options.only)?;
    let asks = review(&mut prepared)?;
    defer_manual_changes(&mut prepared);
    prepared.plan.targets.iter_mut().for_each(join_parts);
    let (mut reasons, mut problems) = judge(&prepared);
    check_budget(session, memory, &mut prepared.plan, &mut reasons, &mut problems)?;
    let pending = pending(&prepared.plan);
    let asks = asks && pending > 0;
    let text_output = process.global.format == Format::Table;
    if asks {
        if text_output {
            process.show(&Document { kind: Kind::Plan, plan: Some(&prepared.plan), exit_code: 0, problems: &[] });
        }
        let question = format!("Apply {}?", count(pending, "change", "changes"));
        let refusal = format!("{} not applied", count(pending, "change is", "changes are"));
        approve(process, signals, &question, &refusal).map_err(|failure| failure.among(&reasons, problems.clone()))?;
    }
    let names: Vec<&str> = selected.iter().map(|target| &*target.plan.name).collect();
    let run = memory.start(session.today, &names)?;
    for (plan, target) in prepared.plan.targets.iter().zip(&prepared.targets) {
        if let Some(open) = &target.open {
            memory.settle(target.settings, plan, open)?;
        }
    }
    let taken = take_approvals(&mut prepared, memory, run)?;
    let applied = carry_out(&mut prepared, memory, run, &locks, signals, &bars);
    drop(bars);
    let accepted = memory.state.accepted(process.now)?;
    assess(&prepared, &applied, &accepted, signals, &mut reasons, &mut problems);
    settle_approvals(&prepared, memory, &taken, &mut reasons, &mut problems);
    let outcome = Carried { run, applied: &applied, accepted: &accepted };
    remember(session, memory, &prepared, &outcome, &mut reasons, &mut problems);
    drop(locks);
    let document =
        Document { kind: Kind::Report, plan: Some(&prepared.plan), exit_code: reasons.code(), problems: &problems };
    process.show_with(&document, TableStyle { outcomes_only: asks, ..process.table_style() });
    if let Some(sandbox) = session.sandbox.as_ref().filter(|_| text_output) {
        process.say(if sandbox.lasting {
            "This was the sandbox: nothing real was contacted."
        } else {
            "This was the sandbox: nothing real was contacted, and what it held is gone."
        });
    }
    process.say_problems(&problems);
    Ok(reasons)
}

/// The targets of which a slot is open, or whose part of the file changed since their last run.
fn due(
    memory: &Memory,
    session: &Session,
    options: &PrepareOptions,
    now: DateTime<Utc>,
) -> Result<DueTargets, Failure> {
    let targets = session.settings.targets.iter();
    let selected = targets.filter(|target| options.targets.is_empty() || options.targets.contains(&target.plan.name));
    Ok(DueTargets::of(&memory.scheduled(selected)?, now, session.settings.timezone))
}

fn say_nothing_is_due(process: &Process, session: &Session, due: &DueTargets) {
    let zone = session.settings.timezone;
    process.say(&due.nothing(zone));
    if process.global.format == Format::Json {
        let next = due.next.as_ref().map(|(moment, _)| *moment);
        let next = next.map(|moment| zone.minute(moment));
        let document = Document { kind: Kind::Report, plan: None, exit_code: 0, problems: &[] };
        process.print(&json::render_nothing_due(&document, next));
    }
}

/// Holds what does not fit into what is left of a budget, and warns where one is nearly used up.
pub(super) fn check_budget(
    session: &Session,
    memory: &Memory,
    plan: &mut Plan,
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) -> Result<(), Failure> {
    let used = |budget: &BudgetSettings, day| memory.state.tasks(&period(Some(budget.period), day));
    for budget in budgets(&session.settings, session.today, used)? {
        let Some(finding) = budget.apply(plan) else { continue };
        if finding.code == Code::Budget {
            reasons.add(Reason::Held);
        }
        problems.push(Problem::new(finding.code, finding.message));
    }
    Ok(())
}

/// How many changes are about to be carried out.
fn pending(plan: &Plan) -> usize {
    plan.targets.iter().flat_map(|target| &target.changes).filter(|change| change.hold.is_none()).count()
}

/// Asks on the terminal; anything but yes ends the command.
///
/// # Errors
///
/// [`Reason::NotApproved`] when the answer is not yes, or nobody can be asked.
pub(super) fn approve(process: &Process, signals: &Signals, question: &str, refusal: &str) -> Result<(), Failure> {
    if !process.terminal.input {
        let why = format!("{refusal}: nobody can be asked here, so --yes is needed");
        return Err(Failure::new(Reason::NotApproved, why));
    }
    eprint!("\n{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    signals.asking.store(true, Ordering::SeqCst);
    let read = std::io::stdin().lock().read_line(&mut answer);
    signals.asking.store(false, Ordering::SeqCst);
    match (read, answer.trim().to_lowercase().as_str()) {
        (Ok(_), "y" | "yes" | "j" | "ja") => Ok(()),
        _ => Err(Failure::new(Reason::NotApproved, "nothing was changed")),
    }
}

/// Applies every target's plan, the targets side by side.
fn carry_out(
    prepared: &mut Prepared<'_>,
    memory: &Memory,
    run: RunId,
    locks: &Mutex<Vec<Lock>>,
    signals: &Signals,
    bars: &Bars,
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
                        stop: &signals.stop,
                        progress: &bar,
                        journal: &journal,
                        workers: settings.writers,
                        max_failures: settings.plan.safety.max_failures,
                        match_fields: &settings.plan.match_fields,
                        owned: &open.owned,
                        protect: &settings.plan.safety.protect,
                    };
                    let mut applied = apply(&*open.target, &open.schema, plan, &options);
                    if let Err(error) = journal.flush() {
                        applied.journal_failed.get_or_insert_with(|| JournalFailed::new(&error));
                    }
                    if !signals.stopped() {
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
    signals: &Signals,
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
        if not_attempted > 0 && !signals.stopped() {
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
    if let Some(reason) = signals.reason() {
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
    session: &Session,
    memory: &Memory,
    prepared: &Prepared<'_>,
    carried: &Carried<'_>,
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) {
    let Carried { run, applied, accepted } = *carried;
    let settings = &session.settings;
    let keep_names = settings.state.keep_names;
    let name_of = |employee| keep_names.then(|| full_name(prepared, employee)).flatten();
    let saw = WholeRun {
        whole: !prepared.restricted,
        source_complete: prepared.plan.source.complete,
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
        let not_in_line = not_in_line(plan, not_stored, &prepared.employees, &prepared.standings, is_accepted);
        ends.push(TargetEnd { not_in_line, ..end });
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
            reasons.add(reason(&error));
            problems.push(Problem::new(Code::StateUnwritable, format!("what workflows watch is not kept: {error}")));
        }
    }
    let kept = match &prepared.source_seen {
        Some(seen) => memory.remember_source(seen),
        None => memory.state.end_absences(|employee| prepared.employees.get(employee).is_some()),
    };
    if let Err(error) = kept {
        reasons.add(Reason::Internal);
        problems.push(Problem::new(Code::StateUnwritable, format!("what Personio delivered is not kept: {error}")));
    }
    let day = session.today.to_string();
    if let Err(error) = memory.finish(run, reasons.code(), &day, &ends, &all_jobs, settings.state.keep) {
        reasons.add(reason(&error));
        problems.push(Problem::new(Code::StateUnwritable, format!("the history of this run is not kept: {error}")));
    }
}

pub(super) fn full_name(prepared: &Prepared<'_>, employee: EmployeeId) -> Option<Box<str>> {
    let attributes = &prepared.employees.attributes;
    let record = prepared.employees.get(employee)?;
    let part = |key| attributes.column(key).and_then(|column| record.value(column).as_text());
    let name: Vec<&str> = [part("first_name"), part("last_name")].into_iter().flatten().collect();
    (!name.is_empty()).then(|| name.join(" ").into())
}

/// Notices SIGINT and SIGTERM, so that a run can wind down.
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    signal: Arc<AtomicI32>,
    /// Somebody is being asked, and nothing is written meanwhile.
    asking: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let stop = Arc::new(AtomicBool::new(false));
        let signal = Arc::new(AtomicI32::new(0));
        let mut received = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
            .map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
        let asking = Arc::new(AtomicBool::new(false));
        let (set_stop, set_signal, is_asking) = (Arc::clone(&stop), Arc::clone(&signal), Arc::clone(&asking));
        std::thread::spawn(move || {
            for number in received.forever() {
                if set_stop.swap(true, Ordering::SeqCst) || is_asking.load(Ordering::SeqCst) {
                    // Asked twice, or while nothing is under way: there is nothing to wait for.
                    eprintln!();
                    std::process::exit(128 + number);
                }
                set_signal.store(number, Ordering::SeqCst);
                crate::http::interrupt();
                eprintln!(
                    "stopping: writes under way are finished, the rest is left for the next run (again to stop at once)"
                );
            }
        });
        Ok(Self { stop, signal, asking })
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal_hook::consts::SIGTERM => Some(Reason::Terminated),
            _ => Some(Reason::Interrupted),
        }
    }
}
