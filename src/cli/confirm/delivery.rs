//! The file of changes of a target was imported.

use std::time::Duration;

use serde::Serialize;

use crate::config::TargetSettings;
use crate::exit::{Failure, Reason, Reasons};
use crate::output::{Answer, Shown};
use crate::sync::{Delivery, Memory};
use crate::words::count;

use super::super::Process;
use super::super::session::Session;
use super::super::signals::{Signals, approve};
use super::Arguments;

#[derive(Serialize)]
struct Confirmed<'a> {
    target: &'a str,
    /// What told the changes from any others.
    checklist: &'a str,
    /// Whose rows were new or changed.
    employees: Vec<String>,
}

pub(super) fn run(
    process: &Process,
    session: &Session,
    settings: &TargetSettings,
    arguments: &Arguments,
) -> Result<Reasons, Failure> {
    let name = &*settings.plan.name;
    if arguments.experts || arguments.employee.is_some() || !arguments.team.is_empty() {
        let why = format!("a delivery of {name} is confirmed as a whole, without --team, --experts and --employee");
        return Err(Failure::new(Reason::Usage, why));
    }
    let signals = Signals::listen()?;
    let memory = Memory::open(&session.settings, process.caller())?;
    let _lock = memory.lock(&[settings], Duration::ZERO, &mut |_| true)?;
    let (delivery, target) = Delivery::look(&memory, settings, session.today)?;
    if delivery.changed() == 0 {
        let why =
            format!("there is nothing to confirm: nothing of {name} is new or changed since it was confirmed last");
        return Err(Failure::new(Reason::NotApproved, why));
    }
    let rows = count(delivery.changed(), "row", "rows");
    if arguments.checklist.as_deref().is_some_and(|code| code != delivery.code()) {
        let why = format!(
            "the changes of {name} are no longer those of {}: a sync since then found others; nothing was stored. Import \
             the file of changes as it is now, and confirm --checklist {}",
            arguments.checklist.as_deref().unwrap_or_default(),
            delivery.code()
        );
        return Err(Failure::new(Reason::NotApproved, why));
    }
    if !arguments.yes {
        let question = format!("Say that the changes of {name} ({rows}, {}) are imported?", delivery.code());
        approve(process, &signals, &question, &format!("{rows} of {name} not confirmed"))?;
    }
    delivery.confirm(&memory, settings, &*target)?;
    let employees = delivery.employees().map(|employee| employee.to_string()).collect();
    let confirmed = Confirmed { target: name, checklist: delivery.code(), employees };
    let said = format!("{name}: {rows} confirmed; the file of changes begins anew");
    process.answer(&Answer::new("confirm", confirmed, Shown::default().remark(said)));
    Ok(Reasons::default())
}
