//! `sync`: plan, ask, apply.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use clap::Args;

use crate::employee::EmployeeId;
use crate::output::table::Look;
use crate::output::{Bars, Document, Format, Kind, Problem, count};
use crate::plan::{Op, Outcome, Plan, TargetStatus};
use crate::sync::{ApplyOptions, PrepareOptions, Prepared, apply};

use super::session::{Memory, failing_skips, judge};
use super::{Failure, Reason, Reasons, SandboxChoice, World, plan, plan_file};

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
    /// Apply exactly this reviewed plan, and nothing that changed since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "employee"])]
    plan: Option<PathBuf>,
    /// With --plan: apply what still holds and leave out what changed since
    #[arg(long, requires = "plan")]
    skip_stale: bool,
    /// Release held removals if they are exactly this many
    #[arg(long, value_name = "NUMBER")]
    accept_removals: Option<u64>,
    /// Accept that filters changed since the last run
    #[arg(long)]
    accept_filter_change: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

/// Writes under way at once in one target; its own pace limits them further.
const WORKERS: usize = 8;

pub(super) fn run(world: &World, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, targets) = arguments.sandbox.split(&arguments.targets);
    let session = world.open(&sandbox, &targets)?;
    let options = PrepareOptions {
        today: session.today,
        targets: targets.iter().map(|name| name.as_str().into()).collect(),
        only: arguments.employee,
        accepted_removals: arguments.accept_removals,
        accept_filter_change: arguments.accept_filter_change,
    };
    if arguments.dry_run {
        return plan::preview(world, &session, &options, None, false);
    }
    let reviewed = arguments.plan.as_deref().map(|path| plan_file::read(path, &session)).transpose()?;
    let signals = Signals::listen()?;
    let bars = Bars::new(world.terminal);
    let memory = Memory::read_only(&session)?;
    let mut prepared = session.prepare(&memory, &options, &bars)?;
    if let Some(reviewed) = &reviewed {
        reviewed.restrict(&mut prepared.plan, arguments.skip_stale)?;
    }
    let (mut reasons, mut problems) = judge(&prepared);
    let pending = pending(&prepared.plan);
    let text_output = world.global.format == Format::Table;
    let asks = pending > 0 && !arguments.yes;
    if text_output && asks {
        world.show(&Document { kind: Kind::Plan, plan: Some(&prepared.plan), exit_code: 0, problems: &[] });
    }
    if asks {
        approve(world, pending)?;
    }
    carry_out(&mut prepared, &signals, &bars, &mut reasons, &mut problems);
    drop(bars);
    if let Some(reason) = signals.reason() {
        reasons.add(reason);
        problems.push(Problem::new(
            reason.word(),
            "stopped by a signal; writes under way were finished, the rest was not attempted",
        ));
    }
    let document =
        Document { kind: Kind::Report, plan: Some(&prepared.plan), exit_code: reasons.code(), problems: &problems };
    world.show_with(&document, Look { outcomes_only: asks, ..world.look() });
    if let Some(sandbox) = session.sandbox.as_ref().filter(|_| text_output) {
        world.say(if sandbox.lasting {
            "This was the sandbox: nothing real was contacted."
        } else {
            "This was the sandbox: nothing real was contacted, and what it held is gone."
        });
    }
    world.say_problems(&problems);
    Ok(reasons)
}

/// How many changes are about to be carried out.
fn pending(plan: &Plan) -> usize {
    plan.targets.iter().flat_map(|target| &target.changes).filter(|change| change.hold.is_none()).count()
}

fn approve(world: &World, pending: usize) -> Result<(), Failure> {
    if !world.terminal.input {
        return Err(Failure::new(
            Reason::NotApproved,
            format!(
                "{} not applied: nobody can be asked here, so --yes is needed",
                count(pending, "change is", "changes are")
            ),
        ));
    }
    eprint!("\nApply {}? [y/N] ", count(pending, "change", "changes"));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match (read, answer.trim().to_lowercase().as_str()) {
        (Ok(_), "y" | "yes" | "j" | "ja") => Ok(()),
        _ => Err(Failure::new(Reason::NotApproved, "nothing was changed")),
    }
}

/// Applies every target's plan, the targets side by side.
fn carry_out(
    prepared: &mut Prepared<'_>,
    signals: &Signals,
    bars: &Bars,
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) {
    let applied: Vec<_> = std::thread::scope(|scope| {
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
                    let options = ApplyOptions {
                        stop: &signals.stop,
                        progress: &bar,
                        journal: &crate::sync::NoJournal,
                        workers: WORKERS,
                        max_failures: settings.safety.max_failures,
                        match_fields: &settings.match_fields,
                        owned: &open.owned,
                    };
                    apply(&*open.target, &open.schema, plan, &options)
                }))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
            .collect()
    });
    for (plan, applied) in prepared.plan.targets.iter().zip(applied) {
        if plan.status != TargetStatus::Ready {
            continue;
        }
        let failed =
            plan.changes.iter().filter(|change| matches!(change.outcome, Some(Outcome::Failed { .. }))).count();
        let skipped = failing_skips(plan);
        if failed + skipped > 0 {
            reasons.add(Reason::SomeFailed);
            let message = format!(
                "{} failed{}",
                count(failed, "change", "changes"),
                if skipped > 0 {
                    format!(", {} could not be planned", count(skipped, "employee", "employees"))
                } else {
                    String::new()
                }
            );
            problems.push(Problem::new(Reason::SomeFailed.word(), message).target(&plan.name));
        }
        let Some(applied) = applied else { continue };
        if applied.sign_in_refused {
            reasons.add(Reason::Refused);
            problems.push(
                Problem::new(Reason::Refused.word(), "the target refused the sign-in; it was left alone")
                    .target(&plan.name),
            );
        }
        if applied.unavailable {
            reasons.add(Reason::Unavailable);
            problems.push(
                Problem::new(Reason::Unavailable.word(), "the target could not be reached for some changes")
                    .target(&plan.name),
            );
        }
        if let Some(why) = applied.journal_failed {
            reasons.add(Reason::Internal);
            problems.push(Problem::new("state_unwritable", why).target(&plan.name));
        }
        let attempted = |op: Op| {
            plan.changes
                .iter()
                .any(|change| change.op == op && matches!(change.outcome, Some(Outcome::NotAttempted { .. })))
        };
        if [Op::Create, Op::Update, Op::Reactivate, Op::Deactivate].into_iter().any(attempted) && !signals.stopped() {
            reasons.add(Reason::SomeFailed);
        }
    }
}

/// Notices SIGINT and SIGTERM, so that a run can wind down.
struct Signals {
    stop: Arc<AtomicBool>,
    signal: Arc<AtomicI32>,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let stop = Arc::new(AtomicBool::new(false));
        let signal = Arc::new(AtomicI32::new(0));
        let mut received = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
            .map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
        let (set_stop, set_signal) = (Arc::clone(&stop), Arc::clone(&signal));
        std::thread::spawn(move || {
            for number in received.forever() {
                if set_stop.swap(true, Ordering::SeqCst) {
                    // Asked twice: whoever asks does not want to wait.
                    std::process::exit(128 + number);
                }
                set_signal.store(number, Ordering::SeqCst);
                eprintln!(
                    "stopping: writes under way are finished, the rest is left for the next run (again to stop at once)"
                );
            }
        });
        Ok(Self { stop, signal })
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn reason(&self) -> Option<Reason> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal_hook::consts::SIGTERM => Some(Reason::Terminated),
            _ => Some(Reason::Interrupted),
        }
    }
}
