//! `sync`: plan, ask, apply.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;

use crate::output::table::TableStyle;
use crate::output::{Bars, Document, Kind, Names};
use crate::progress::RunProgress;
use crate::section::parse_duration;
use crate::sync::{DueTargets, Finished, Memory, Operator, PrepareOptions, Prepared};
use crate::words::count;

use super::selection::Selection;
use super::session::{Session, sent};
use super::signals::{Signals, approve};
use super::telling::{beat_without_state, tell};
use super::{Failure, Process, Reason, Reasons, SandboxChoice, plan, plan_file, todo};

/// Plan, ask, and apply
///
/// Asks before it writes; `--yes` answers, and is needed where nobody can be asked. A change that fails does not stop
/// the others, and running it again continues where this run ended.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Show the plan and write nothing; the same as `plan`
    #[arg(long)]
    dry_run: bool,
    /// Only the targets of which a slot of `every` is open, which have no `every`, or whose part of the file changed
    #[arg(long)]
    due: bool,
    /// Apply exactly this reviewed plan, and nothing that changed since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "employee", "changes"])]
    plan: Option<PathBuf>,
    /// With --plan: apply what still holds and leave out what changed since
    #[arg(long, requires = "plan")]
    skip_stale: bool,
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
    let (sandbox, targets) = arguments.sandbox.split(&arguments.selection.targets);
    let mut session = match arguments.is_preview() {
        true => process.open(&sandbox, &targets)?,
        false => process.open_telling(&sandbox, &targets)?,
    };
    session.rehearse();
    let mut options = arguments.selection.options(process, &session, &targets)?;
    if arguments.dry_run {
        return plan::preview(process, &session, &options, plan::Wanted::default());
    }
    let reviewed = arguments.plan.as_deref().map(|path| plan_file::read(path, &session)).transpose()?;
    let signals = Signals::listen()?;
    let opened = Memory::open(&session.settings, process.caller());
    let mut memory = opened.inspect_err(|_| beat_without_state(process, &session))?;
    if arguments.due {
        let source = session.source()?;
        let due = session.inputs(&*source, &memory).due(&options)?;
        if due.now.is_empty() {
            say_nothing_is_due(process, &session, &due);
            return Ok(Reasons::default());
        }
        options.targets = due.now.keys().cloned().collect();
        options.changes |= reads_changes(&session, &options);
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

/// A run, with its operator at this terminal.
pub(super) fn synchronise(
    process: &Process,
    session: &Session,
    memory: &Memory,
    options: &PrepareOptions,
    signals: &Signals,
    lock_timeout: Duration,
    review: impl FnOnce(&mut Prepared<'_>) -> Result<bool, Failure>,
) -> Result<Reasons, Failure> {
    let source = session.source()?;
    let operator = AtTerminal { process, signals };
    let inputs = session.inputs(&*source, memory);
    let ended = inputs.synchronise(options, &operator, lock_timeout, review);
    let finished =
        ended.inspect_err(|failure| tell(process, session, &inputs, Err(failure), options.only.is_none()))?;
    let Finished { prepared, asked, reasons, problems, .. } = &finished;
    let names = |id| prepared.full_name(id);
    let document = Document {
        kind: Kind::Report,
        plan: Some(&prepared.plan),
        exit_code: reasons.code(),
        problems,
        names: Names(Some(&names)),
        requests: Some(sent(prepared)),
    };
    process.show_with(&document, TableStyle { outcomes_only: *asked, ..process.table_style() });
    if let Some(sandbox) = &session.sandbox {
        process.remark(if sandbox.lasting {
            "This was the sandbox: nothing real was contacted."
        } else {
            "This was the sandbox: nothing real was contacted, and what it held is gone."
        });
    }
    process.say_problems(problems);
    if session.sandbox.as_ref().is_none_or(|sandbox| sandbox.lasting) {
        let targets: Vec<&str> = prepared.plan.targets.iter().map(|plan| &*plan.name).collect();
        todo::say(process, session, memory, &targets, prepared.restricted);
    }
    tell(process, session, &inputs, Ok(&finished), !prepared.restricted);
    Ok(finished.reasons)
}

/// Whoever started this process.
struct AtTerminal<'w> {
    process: &'w Process,
    signals: &'w Signals,
}

impl Operator for AtTerminal<'_> {
    fn progress(&self) -> Box<dyn RunProgress + '_> {
        Box::new(Bars::new(self.process.terminal))
    }

    fn approve(&self, prepared: &Prepared<'_>, changes: usize) -> Result<(), Failure> {
        self.process.preview_plan(prepared);
        let question = format!("Apply {}?", count(changes, "change", "changes"));
        let refusal = format!("{} not applied", count(changes, "change is", "changes are"));
        approve(self.process, self.signals, &question, &refusal)
    }

    fn stop(&self) -> &AtomicBool {
        self.signals.stop()
    }

    fn stopped_by(&self) -> Option<Reason> {
        self.signals.reason()
    }
}

/// Whether the file has everything read in longer slots than those of these targets.
fn reads_changes(session: &Session, options: &PrepareOptions) -> bool {
    let asks_for_everything = options.only.is_some()
        || options.accepted_removals.is_some()
        || options.accept_filter_change
        || options.accept_source
        || options.accept_attributes;
    let mut due = session.settings.targets.iter().filter(|target| options.targets.contains(&target.plan.name));
    !asks_for_everything && due.all(|target| target.full.is_some())
}

fn say_nothing_is_due(process: &Process, session: &Session, due: &DueTargets) {
    let zone = session.settings.timezone;
    process.say(&due.nothing(zone));
    let next = due.next.as_ref().map(|(moment, _)| zone.minute(*moment));
    let document = Document {
        kind: Kind::Report,
        plan: None,
        exit_code: 0,
        problems: &[],
        names: Names::default(),
        requests: None,
    };
    if let Some(text) = document.of_nothing_due(process.global.format, next) {
        process.print(&text);
    }
}
