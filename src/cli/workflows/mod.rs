//! `workflows`: list, show, fields, test, rehearse, start, stop and settle.

mod fields;
mod list;
mod rehearse;
mod settle;
mod show;
mod start;
mod test;

use clap::{Args, Subcommand};

use crate::config::{TargetSettings, WorkflowSwitch, switch_workflow};
use crate::employee::Sought;
use crate::plan::WorkflowSettings;

use super::session::Session;
use super::{Failure, Process, Reason, Reasons, SandboxChoice};

/// List the workflows, or show, test, rehearse, start, stop and settle them
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List them with what came of them so far (the same as no command)
    List,
    /// Say in words what sets it off, its conditions and its steps
    Show(Named),
    /// List the fields that a step can fill, as the account's own form has them today
    Fields(fields::Arguments),
    /// Show what would happen for one employee, also while it is stopped; nothing is sent
    Test {
        #[command(flatten)]
        named: Named,
        /// The employee: Personio's id, e-mail address, or name or a part of it
        #[arg(long, value_name = "WHO")]
        employee: Sought,
        #[command(flatten)]
        sandbox: SandboxChoice,
    },
    /// Let it run from the next sync on; edits `active` in the file, keeping its comments. With --employee: run it now for
    /// one employee, whatever the day
    Start {
        #[command(flatten)]
        named: Named,
        /// An employee whose hire date or last day became known too late, by Personio's id, e-mail address, or name or a part of
        /// it; the file stays as it is
        #[arg(long, value_name = "WHO")]
        employee: Option<Sought>,
        /// Do not ask
        #[arg(long, short, requires = "employee")]
        yes: bool,
        #[command(flatten)]
        sandbox: SandboxChoice,
    },
    /// Stop it; edits `active` in the file, keeping its comments
    Stop(Named),
    /// Say for whom they would have started, had they been active since then; reads the employees and the state, and no target
    Rehearse {
        /// The name of one, or TARGET/NAME; all without
        #[arg(value_name = "NAME")]
        workflow: Option<String>,
        /// How far back, such as 30d; with the employees as Personio has them today, as nobody keeps what they were
        #[arg(long, value_name = "DAYS", default_value = "30d", value_parser = rehearse::days)]
        since: i64,
        #[command(flatten)]
        sandbox: SandboxChoice,
    },
    /// Say what came of a step whose answer was lost, where the tool cannot find out by looking
    Settle(settle::Arguments),
}

#[derive(Clone, Debug, Args)]
struct Named {
    /// Its name, or TARGET/NAME where several targets have one of that name
    #[arg(value_name = "WORKFLOW")]
    workflow: String,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    match &arguments.command {
        None | Some(Command::List) => list::list(process, &arguments.sandbox),
        Some(Command::Fields(arguments)) => fields::list(process, arguments),
        Some(Command::Show(named)) => show::show(process, named),
        Some(Command::Test { named, employee, sandbox }) => test::test(process, sandbox, named, employee),
        Some(Command::Start { named, employee: Some(employee), yes, sandbox }) => {
            start::start(process, sandbox, named, employee, *yes)
        }
        Some(Command::Start { named, .. }) => set(process, &named.workflow, WorkflowSwitch::Active, true),
        Some(Command::Stop(named)) => set(process, &named.workflow, WorkflowSwitch::Active, false),
        Some(Command::Rehearse { workflow, since, sandbox }) => {
            rehearse::rehearsal(process, sandbox, workflow.as_deref(), *since)
        }
        Some(Command::Settle(arguments)) => settle::settle(process, arguments),
    }
}

/// The workflow of this name, and its target.
fn find<'s>(session: &'s Session, name: &str) -> Result<(&'s TargetSettings, &'s WorkflowSettings), Failure> {
    let all = || {
        let targets = session.settings.targets.iter();
        targets.flat_map(|target| target.plan.workflows.iter().map(move |workflow| (target, workflow)))
    };
    let wanted = |(target, workflow): &(&TargetSettings, &WorkflowSettings)| match name.split_once('/') {
        Some((of, short)) => *target.plan.name == *of && *workflow.name == *short,
        None => *workflow.name == *name,
    };
    let short = name.rsplit_once('/').map_or(name, |(_, short)| short);
    let found: Vec<_> = all().filter(wanted).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let names: Vec<&str> = all().map(|(_, workflow)| &*workflow.name).collect();
            let hint =
                if names.is_empty() { "the file has none".to_owned() } else { crate::words::known(short, names) };
            Err(Failure::new(Reason::Usage, format!("there is no workflow `{name}`; {hint}")))
        }
        several => {
            let names: Vec<String> =
                several.iter().map(|(target, workflow)| format!("{}/{}", target.plan.name, workflow.name)).collect();
            Err(Failure::new(Reason::Usage, format!("several workflows are called so; say {}", names.join(" or "))))
        }
    }
}

/// Whether it runs, in words.
fn state(target: &TargetSettings, workflow: &WorkflowSettings) -> &'static str {
    match (workflow.active, workflow.paused, target.paused) {
        (true, false, false) => "active",
        (true, false, true) => "active, target paused",
        (true, true, _) => "paused",
        (false, ..) => "stopped",
    }
}

/// Edits a switch of a workflow in the file, and says whether it runs now.
fn set(process: &Process, name: &str, switch: WorkflowSwitch, on: bool) -> Result<Reasons, Failure> {
    let session = process.open_offline()?;
    let (target, workflow) = find(&session, name)?;
    let file = &session.settings.file;
    let text = switch_workflow(&file.text, &target.plan.name, &workflow.name, switch, on)
        .map_err(|error| Failure::new(Reason::Usage, error.to_string()))?;
    super::replacing::replace(&file.path, &text)?;
    let (active, paused) = match switch {
        WorkflowSwitch::Active => (on, workflow.paused),
        WorkflowSwitch::Paused => (workflow.active, on),
    };
    process.say(&standing(&target.plan.name, &workflow.name, active, paused, target.paused));
    Ok(Reasons::default())
}

/// Whether a workflow runs, and what lets it run.
fn standing(target: &str, workflow: &str, active: bool, paused: bool, target_paused: bool) -> String {
    let name = format!("{target}/{workflow}");
    match (active, paused, target_paused) {
        (true, false, false) => format!("{name} is active; the next sync runs it"),
        (true, false, true) => {
            format!("{name} is active, but the target is paused: it runs after `personio-sync resume {target}`")
        }
        (true, true, _) => {
            format!("{name} is paused and starts for nobody; `personio-sync resume {name}` takes it up again")
        }
        (false, false, _) => format!("{name} is stopped; `personio-sync workflows start {name}` lets it run"),
        (false, true, _) => format!("{name} is stopped, and paused beside"),
    }
}

/// `pause` and `resume` of one workflow, `TARGET/NAME`.
pub(super) fn pause(process: &Process, name: &str, paused: bool) -> Result<Reasons, Failure> {
    set(process, name, WorkflowSwitch::Paused, paused)
}
