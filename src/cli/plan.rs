//! `plan`: what would change, and nothing else.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;

use crate::code::Code;
use crate::config::TargetSettings;
use crate::output;
use crate::output::{Bars, Document, Kind, Names};
use crate::plan::Plan;
use crate::sync::{Memory, PrepareOptions, Prepared, judge};

use super::selection::Selection;
use super::session::{Session, sent};
use super::{Failure, Process, Reason, Reasons, SandboxChoice, plan_file, private_file};

/// Show what `sync` would change; write nothing
///
/// The plan is made afresh from Personio and every target. With `--out` it can be reviewed and applied later, exactly
/// as it is, by `sync --plan`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Write the plan to a file for `sync --plan`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Plan for another day, to see what a date will bring
    #[arg(long, value_name = "DATE", conflicts_with = "changes")]
    as_of: Option<NaiveDate>,
    /// Write what is to be done by hand as a checklist in Markdown (`-`: standard output, instead of the plan)
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// End with status 10 when changes are pending
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, targets) = arguments.sandbox.split(&arguments.selection.targets);
    let mut session = process.open(&sandbox, &targets)?;
    session.rehearse();
    if arguments.out.is_some() && arguments.as_of.is_some_and(|day| day != session.today) {
        return Err(Failure::new(
            Reason::Usage,
            "a plan for another day (--as-of) cannot be applied, so --out makes no sense",
        ));
    }
    if let Some(day) = arguments.as_of {
        session.today = day;
    }
    let options = arguments.selection.options(process, &session, &targets)?;
    let wanted = Wanted {
        out: arguments.out.as_deref(),
        checklist: arguments.markdown.as_deref(),
        detailed_exitcode: arguments.detailed_exitcode,
    };
    preview(process, &session, &options, wanted)
}

/// What a preview leaves behind beside what it shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted<'a> {
    /// The plan, for `sync --plan`.
    pub(super) out: Option<&'a Path>,
    /// What is to be done by hand; `-` takes the place of the plan on standard output.
    pub(super) checklist: Option<&'a Path>,
    /// Whether pending changes show in the exit status.
    pub(super) detailed_exitcode: bool,
}

/// Plans and shows the plan.
pub(super) fn preview(
    process: &Process,
    session: &Session,
    options: &PrepareOptions,
    Wanted { out, checklist, detailed_exitcode }: Wanted<'_>,
) -> Result<Reasons, Failure> {
    let by_hand = |target: &TargetSettings| {
        target.target.offers().by_hand.is_some()
            && (options.targets.is_empty() || options.targets.contains(&target.plan.name))
    };
    if checklist.is_some() && !session.settings.targets.iter().any(by_hand) {
        let why = "--markdown writes what is to be done by hand, and none of these targets is done by hand; \
                   --format markdown writes the whole plan";
        return Err(Failure::new(Reason::Usage, why));
    }
    let bars = Bars::new(process.terminal);
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let mut prepared = session.prepare(&memory, options, &bars)?;
    drop(bars);
    note_shown(process, session, &memory, options, &prepared);
    let (mut reasons, mut problems) = judge(&prepared);
    if detailed_exitcode && !is_settled(&prepared.plan) {
        reasons.add(Reason::ChangesPending);
    }
    if let Some(path) = out {
        plan_file::write(path, session, &prepared, reasons.code(), &problems)?;
    }
    // A reviewed plan goes by what is left when it is applied.
    let source = session.source()?;
    session.inputs(&*source, &memory).check_budget(&mut prepared.plan, &mut reasons, &mut problems)?;
    let names = |id| prepared.full_name(id);
    let document = Document {
        kind: Kind::Plan,
        plan: Some(&prepared.plan),
        exit_code: reasons.code(),
        problems: &problems,
        names: Names(Some(&names)),
        requests: Some(sent(&prepared)),
    };
    match checklist {
        Some(path) if path == Path::new("-") => process.print(&output::checklist::markdown(&prepared.plan)),
        Some(path) => {
            let text = output::checklist::markdown(&prepared.plan);
            private_file::replace(path, text.as_bytes()).map_err(|error| {
                Failure::new(Reason::Usage, format!("{} cannot be written: {error}", path.display()))
            })?;
            process.show(&document);
            process.say(&format!("wrote {}", path.display()));
        }
        None => process.show(&document),
    }
    process.say_problems(&problems);
    if let Some(path) = out {
        process.say(&format!(
            "The plan is in {}; apply it with `personio-sync sync --plan {}{}`.",
            path.display(),
            path.display(),
            accepting(options)
        ));
    }
    Ok(reasons)
}

/// What was accepted for a plan, as it is accepted again where the plan is applied: a file says nothing of who may do so.
fn accepting(options: &PrepareOptions) -> String {
    let mut flags = String::new();
    if let Some(number) = options.accepted_removals {
        flags.push_str(&format!(" --accept-removals {number}"));
    }
    if options.accept_filter_change {
        flags.push_str(" --accept-filter-change");
    }
    if options.accept_source {
        flags.push_str(" --accept-source");
    }
    if options.accept_attributes {
        flags.push_str(" --accept-attributes");
    }
    flags
}

/// Keeps what the plan shows as held, so that it can be approved. A plan for another day shows what is not held yet.
fn note_shown(
    process: &Process,
    session: &Session,
    memory: &Memory,
    options: &PrepareOptions,
    prepared: &Prepared<'_>,
) {
    if options.today != process.now.with_timezone(&session.settings.timezone).date_naive() {
        return;
    }
    let held = prepared.targets.iter().filter_map(|target| target.open.as_ref()).any(|open| !open.held.is_empty());
    let kept = match memory.is_kept() {
        true => memory.show(prepared, options.only).map_err(Failure::from),
        // A state is made where there is something to keep, and not for a look alone.
        false if held => Memory::open(&session.settings, process.caller())
            .and_then(|made| Ok(made.show_anew(prepared, options.only)?)),
        false => Ok(()),
    };
    if let Err(failure) = kept {
        process.say(&format!("note: what is held cannot be kept for `approve`: {}", failure.text));
    }
}

/// Whether nothing is pending: held changes count as pending, and so does a field that was given up, as it is tried again.
fn is_settled(plan: &Plan) -> bool {
    let mut notices = plan.targets.iter().flat_map(|target| &target.notices);
    plan.is_empty() && !notices.any(|notice| notice.code == Code::NotConverging)
}
