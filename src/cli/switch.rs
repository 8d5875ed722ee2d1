//! `pause`, `resume`, `disconnect` and `forget`.

use clap::Args;

use crate::config::set_paused;
use crate::employee::Sought;
use crate::sync::{Memory, PrepareOptions};

use super::signals::{Signals, approve};
use super::{Failure, Process, Reason, Reasons, SandboxChoice, finding, plan, replacing, workflows};

/// Leave a target, or one of its workflows, alone until it is resumed; edits `paused` in the file, keeping its comments
#[derive(Debug, Args)]
pub(super) struct PauseArguments {
    /// The target, or TARGET/WORKFLOW for one workflow while its target goes on
    target: String,
}

/// Take a paused target or workflow up again; shows what the next sync will do
#[derive(Debug, Args)]
pub(super) struct ResumeArguments {
    /// The target, or TARGET/WORKFLOW
    target: String,
    /// Do not show the plan
    #[arg(long)]
    no_plan: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

/// Forget the links and the history of a target; never touches the target itself
///
/// Reconnecting is running it again: everybody is found by the match fields.
#[derive(Debug, Args)]
pub(super) struct DisconnectArguments {
    /// The target, as the file names or named it
    target: String,
    /// Do not ask, which is done on a terminal only
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

/// Erase one person from the state: links, history and all mentions; never touches a target
#[derive(Debug, Args)]
pub(super) struct ForgetArguments {
    /// Personio's id of the employee, which contacts nobody; or their e-mail address or name, which Personio is asked for
    employee: Sought,
    /// Do not ask, which is done on a terminal only
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

pub(super) fn pause(process: &Process, arguments: &PauseArguments) -> Result<Reasons, Failure> {
    if arguments.target.contains('/') {
        return workflows::pause(process, &arguments.target, true);
    }
    edit(process, &arguments.target, true)?;
    process
        .say(&format!("{} is paused; `personio-sync resume {}` takes it up again", arguments.target, arguments.target));
    Ok(Reasons::default())
}

pub(super) fn resume(process: &Process, arguments: &ResumeArguments) -> Result<Reasons, Failure> {
    let target = match arguments.target.split_once('/') {
        Some((target, _)) => {
            workflows::pause(process, &arguments.target, false)?;
            target
        }
        None => {
            edit(process, &arguments.target, false)?;
            process.say(&format!("{} is no longer paused", arguments.target));
            &arguments.target
        }
    };
    if arguments.no_plan {
        return Ok(Reasons::default());
    }
    process.say("the next sync will do this:");
    let targets = [target.to_owned()];
    let session = process.open(&arguments.sandbox, &targets)?;
    let options = PrepareOptions::new(session.today, &targets);
    plan::preview(process, &session, &options, plan::Wanted::default())
}

/// Writes `paused` into the file, replacing it in one step.
fn edit(process: &Process, target: &str, paused: bool) -> Result<(), Failure> {
    let session = process.open_offline()?;
    let settings = &session.settings;
    if !settings.targets.iter().any(|known| &*known.plan.name == target) {
        let known = crate::words::known(target, settings.targets.iter().map(|known| &*known.plan.name));
        return Err(Failure::new(Reason::Usage, format!("there is no target `{target}`; {known}")));
    }
    let text = set_paused(&settings.file.text, target, paused)
        .map_err(|error| Failure::new(Reason::Usage, error.to_string()))?;
    replacing::replace(&settings.file.path, &text)
}

pub(super) fn disconnect(process: &Process, arguments: &DisconnectArguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    ask(process, arguments.yes, &format!("Forget the links and the history of {}?", arguments.target))?;
    memory.state.disconnect(&arguments.target)?;
    process.say(&format!("links and history of {} are forgotten; the target itself was not touched", arguments.target));
    Ok(Reasons::default())
}

pub(super) fn forget(process: &Process, arguments: &ForgetArguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let employee = finding::employee_of_history(process, &session, &arguments.sandbox, &arguments.employee)?;
    ask(process, arguments.yes, &format!("Erase employee {employee} from the state?"))?;
    memory.state.forget_employee(employee)?;
    process.say(&format!("employee {employee} is erased from the state; accounts in the targets were not touched"));
    Ok(Reasons::default())
}

/// Asks whoever sits at a terminal before something is forgotten for good. What runs without one said so already.
fn ask(process: &Process, yes: bool, question: &str) -> Result<(), Failure> {
    if yes || !process.terminal.input {
        return Ok(());
    }
    approve(process, &Signals::listen()?, question, "nothing is forgotten")
}
