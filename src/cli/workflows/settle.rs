//! Says what came of steps whose answer was lost.

use clap::Args;

use crate::employee::Sought;
use crate::sync::{Memory, workflow_memory};
use crate::words::count;

use super::super::{Failure, Process, Reason, Reasons, SandboxChoice, finding};
use super::{Named, find};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// The employee: Personio's id, which contacts nobody; or e-mail address or name, which Personio is asked for
    #[arg(long, value_name = "WHO")]
    employee: Sought,
    #[command(flatten)]
    outcome: Found,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Found {
    /// It was made, and this is its id in the service
    #[arg(long, value_name = "ID")]
    made: Option<String>,
    /// It was not made; the next sync makes it
    #[arg(long)]
    not_made: bool,
}

pub(super) fn settle(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let (target, workflow) = find(&session, &arguments.named.workflow)?;
    let employee = finding::employee_of_history(process, &session, &arguments.sandbox, &arguments.employee)?;
    let memory = Memory::open(&session.settings, process.caller())?;
    // One run for one account at a time: a sync may be looking for the very same thing.
    let locks = memory.lock(&[target], std::time::Duration::ZERO, &mut |_| false)?;
    let steps = workflow_memory(&memory.state, &target.plan.name, &workflow.name)?.steps;
    let mut open = steps.iter().filter(|step| !step.done && step.employee == employee);
    let Some(step) = open.next() else {
        let message = format!("no step of {} is open for employee {employee}", workflow.name);
        return Err(Failure::new(Reason::Usage, message));
    };
    let more = open.count();
    memory.settle_step(&target.plan.name, &workflow.name, step, arguments.outcome.made.as_deref())?;
    drop(locks);
    let (number, event) = (step.step, &step.event);
    process.say(&match &arguments.outcome.made {
        Some(id) => format!("step {number} of {} for {event} is done: it made {id}", workflow.name),
        None => format!("step {number} of {} for {event} was not made; the next sync may make it", workflow.name),
    });
    if more > 0 {
        process.say(&format!("{} still open; run it again for the next", count(more, "step is", "steps are")));
    }
    Ok(Reasons::default())
}
