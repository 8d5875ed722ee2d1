//! For whom workflows would have started, had they been active for some days.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;

use crate::config::TargetSettings;
use crate::employee::{Employees, Standing};
use crate::output::listing::Listing;
use crate::output::mask::Mask;
use crate::output::{Answer, Bars, Shown};
use crate::plan::{Begun, Rehearsed, Trigger, WorkflowInput, WorkflowSettings, rehearse};
use crate::progress::ReadProgress as _;
use crate::section::parse_duration;
use crate::sync::{Memory, workflow_memory};
use crate::words::{count, employees};

use super::super::session::Session;
use super::super::{Failure, Process, Reason, Reasons, SandboxChoice};
use super::find;
use super::list::NO_WORKFLOWS;

const DAY: u64 = 24 * 60 * 60;

/// A number of days of the past.
pub(super) fn days(text: &str) -> Result<i64, String> {
    let seconds = parse_duration(text).map(|time| time.as_secs()).filter(|seconds| seconds % DAY == 0);
    let days = seconds.and_then(|seconds| i64::try_from(seconds / DAY).ok());
    days.filter(|days| (1..=366).contains(days)).ok_or_else(|| "a number of days up to a year, such as 30d".into())
}

#[derive(Serialize)]
struct RehearsalDocument {
    since: String,
    until: String,
    starts: Vec<StartOut>,
    /// Workflows of which nothing can be said, and why.
    left_out: Vec<LeftOut>,
}

#[derive(Serialize)]
struct StartOut {
    target: String,
    workflow: String,
    employee: String,
    event: String,
    /// `null` where it cannot be told.
    on: Option<String>,
    unclear: Option<String>,
    /// Whether it was really begun for this event: `yes`, `no`, or `in_doubt` where an answer was lost.
    begun: &'static str,
}

#[derive(Serialize)]
struct LeftOut {
    target: String,
    workflow: String,
    why: &'static str,
}

/// Reads the employees and the state; no target is asked, and nothing is written.
pub(super) fn rehearsal(
    process: &Process,
    sandbox: &SandboxChoice,
    name: Option<&str>,
    since: i64,
) -> Result<Reasons, Failure> {
    // What is not in the file is told before anybody is asked.
    if wanted(&process.open_offline()?, name)?.is_empty() {
        return Err(Failure::new(Reason::Usage, NO_WORKFLOWS));
    }
    let (sandbox, _) = sandbox.split(&[]);
    let session = process.open(&sandbox, &[])?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let bars = Bars::new(process.terminal);
    let people = session.source()?.employees(&session.settings.attributes, &*bars.reading("Personio"))?.employees;
    drop(bars);
    let from = session.today - TimeDelta::days(since);
    let mut document = RehearsalDocument {
        since: from.to_string(),
        until: session.today.to_string(),
        starts: Vec::new(),
        left_out: Vec::new(),
    };
    let wanted = wanted(&session, name)?;
    let all = wanted.len();
    for (target, workflow) in wanted {
        let (of, called) = (target.plan.name.to_string(), workflow.name.to_string());
        if matches!(workflow.on, Trigger::Mover | Trigger::Updated) {
            let why = "it waits for a change, and what attributes were is not kept";
            document.left_out.push(LeftOut { target: of, workflow: called, why });
            continue;
        }
        for one in rehearsed(&session, &memory, target, workflow, &people, from)? {
            document.starts.push(start_out(&of, &called, one));
        }
    }
    let shown = shown(&document, all, people.list.len(), process.mask());
    process.answer(&Answer::new("rehearsal", document, shown));
    Ok(Reasons::default())
}

/// The workflow of that name, or all of them, active or not.
fn wanted<'s>(
    session: &'s Session,
    name: Option<&str>,
) -> Result<Vec<(&'s TargetSettings, &'s WorkflowSettings)>, Failure> {
    if let Some(name) = name {
        return Ok(vec![find(session, name)?]);
    }
    let targets = session.settings.targets.iter();
    Ok(targets.flat_map(|target| target.plan.workflows.iter().map(move |workflow| (target, workflow))).collect())
}

fn rehearsed(
    session: &Session,
    memory: &Memory,
    target: &TargetSettings,
    workflow: &WorkflowSettings,
    people: &Employees,
    from: NaiveDate,
) -> Result<Vec<Rehearsed>, Failure> {
    let steps = workflow_memory(&memory.state, &target.plan.name, &workflow.name)?;
    let no_standings: &[Standing] = &[];
    let input = WorkflowInput {
        settings: &target.plan,
        employees: people,
        standings: no_standings,
        today: session.today,
        tables: &Arc::new(session.settings.vocabulary.tables().clone()),
        memory: &[(workflow.name.clone(), steps)].into(),
        fingerprint: None,
        owned: &Default::default(),
        protected: &Default::default(),
        claimed: &Default::default(),
        only: None,
        known: &Default::default(),
        started: None,
    };
    Ok(rehearse(&input, workflow, from..=session.today))
}

fn start_out(target: &str, workflow: &str, one: Rehearsed) -> StartOut {
    let Rehearsed { employee, event, starts, begun } = one;
    StartOut {
        target: target.to_owned(),
        workflow: workflow.to_owned(),
        employee: employee.to_string(),
        event: event.to_string(),
        on: starts.as_ref().ok().map(NaiveDate::to_string),
        unclear: starts.err(),
        begun: begun.as_str(),
    }
}

fn shown(document: &RehearsalDocument, all: usize, read: usize, mask: &Mask) -> Shown {
    let RehearsalDocument { since, until, starts, left_out } = document;
    let mut table = Listing::new(["Workflow", "Employee", "For", "Would have started", "Was begun"]);
    for one in starts {
        let unclear = || format!("cannot be told: {}", one.unclear.as_deref().unwrap_or_default());
        table.row([
            format!("{}/{}", one.target, one.workflow),
            one.employee.clone(),
            mask.days(&one.event).into_owned(),
            mask.days(&one.on.clone().unwrap_or_else(unclear)).into_owned(),
            one.begun.replace('_', " "),
        ]);
    }
    let mut words = match (all - left_out.len(), starts.len()) {
        (0, _) => String::new(),
        (rehearsed, 0) => {
            let which = count(rehearsed, "workflow", "workflows");
            format!("From {since} until {until}, {which} would have started for nobody.\n")
        }
        _ => "\n".to_owned(),
    };
    for LeftOut { target, workflow, why } in left_out {
        words.push_str(&format!("{target}/{workflow} is left out: {why}.\n"));
    }
    words.push_str(&format!(
        "{} as Personio has them today, {since} until {until}: who was deleted, and what attributes, dates and statuses were \
         on those days, is not known. Nothing was sent.\n",
        employees(read)
    ));
    let shown = match starts.is_empty() {
        true => Shown::default(),
        false => Shown::default().rows(table),
    };
    let shown = shown.words(words);
    let was_missed = |one: &StartOut| one.begun == Begun::No.as_str() && one.on.is_some();
    match starts.iter().any(was_missed) {
        true => shown.remark(
            "`personio-sync workflows start TARGET/NAME --employee ID` carries out what was missed, for one person and once",
        ),
        false => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn days_are_whole_and_within_a_year() {
        for (text, found) in [("30d", Some(30)), ("48h", Some(2)), ("366d", Some(366)), ("1h", None), ("0d", None)] {
            assert_eq!(days(text).ok(), found, "{text}");
        }
        for wrong in ["367d", "30", "-3d", ""] {
            assert!(days(wrong).is_err_and(|why| why.contains("30d")), "{wrong}");
        }
    }
}
