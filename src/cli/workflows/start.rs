//! Starts a workflow for one employee whose day it is no more.

use std::time::Duration;

use crate::employee::Sought;
use crate::plan::Trigger;
use crate::sync::{Memory, PrepareOptions, Prepared};

use super::super::signals::Signals;
use super::super::sync::synchronise;
use super::super::{Failure, Process, Reason, Reasons, SandboxChoice, finding};
use super::{Named, find};

/// Plans the steps of a workflow for one employee whatever the day, asks, and carries them out. What was done before for
/// the same day is not done again, and the account is left as it is.
pub(super) fn start(
    process: &Process,
    sandbox: &SandboxChoice,
    named: &Named,
    who: &Sought,
    yes: bool,
) -> Result<Reasons, Failure> {
    let (target, name) = {
        let session = process.open_offline()?;
        let (target, workflow) = find(&session, &named.workflow)?;
        let (target, name) = (target.plan.name.clone(), workflow.name.clone());
        if matches!(workflow.on, Trigger::Mover | Trigger::Updated) {
            let why =
                format!("{target}/{name} has no day: it runs when an attribute changes, and cannot be started for one");
            return Err(Failure::new(Reason::Usage, why));
        }
        if !workflow.active {
            let why = format!(
                "{target}/{name} is stopped; `personio-sync workflows start {target}/{name}` lets it run first"
            );
            return Err(Failure::new(Reason::Usage, why));
        }
        (target, name)
    };
    let (sandbox, _) = sandbox.split(&[]);
    let session = process.open(&sandbox, &[target.to_string()])?;
    let employee = finding::employee(process, &session, who)?;
    let options = PrepareOptions {
        only: Some(employee),
        start: Some(name.clone()),
        ..PrepareOptions::new(session.today, std::slice::from_ref(&target))
    };
    let signals = Signals::listen()?;
    let memory = Memory::open(&session.settings, process.caller())?;
    let only_its_steps = |prepared: &mut Prepared<'_>| {
        for plan in &mut prepared.plan.targets {
            plan.changes.retain(|change| change.request.as_ref().is_some_and(|request| request.workflow == name));
            if plan.changes.is_empty() {
                let why = format!(
                    "there is nothing to start for employee {employee}; `personio-sync workflows test {target}/{name} \
                     --employee {employee}` says why"
                );
                return Err(Failure::new(Reason::Usage, why));
            }
        }
        Ok(!yes)
    };
    synchronise(process, &session, &memory, &options, &signals, Duration::ZERO, only_its_steps)
}
