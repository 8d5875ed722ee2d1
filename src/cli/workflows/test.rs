//! What a workflow would do for one employee.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::code::Code;
use crate::employee::{EmployeeId, Sought};
use crate::output::Bars;
use crate::output::mask::Mask;
use crate::output::visible::{short, visible};
use crate::plan::{Change, Reason as Verdict, WorkflowInput, verdict};
use crate::sync::{Memory, PrepareOptions, Prepared, Remembered as _};
use crate::targets::TargetError;

use super::super::session::Session;
use super::super::{Failure, Process, Reason, Reasons, SandboxChoice, finding};
use super::show::{conditions, trigger};
use super::{Named, find, state};

pub(super) fn test(
    process: &Process,
    sandbox: &SandboxChoice,
    named: &Named,
    who: &Sought,
) -> Result<Reasons, Failure> {
    // Only the file says which target it is, and only that target is opened.
    let (target, workflow, state) = {
        let session = process.open_offline()?;
        let (target, workflow) = find(&session, &named.workflow)?;
        (target.plan.name.to_string(), workflow.name.clone(), state(target, workflow))
    };
    let (sandbox, _) = sandbox.split(&[]);
    let mut session = process.open(&sandbox, std::slice::from_ref(&target))?;
    for section in session.settings.targets.iter_mut().filter(|section| *section.plan.name == *target) {
        for one in &mut section.plan.workflows {
            one.active = one.name == workflow;
            one.paused = false;
        }
    }
    let employee = finding::employee(process, &session, who)?;
    let options = PrepareOptions { only: Some(employee), ..PrepareOptions::new(session.today, &[target.as_str()]) };
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let bars = Bars::new(process.terminal);
    let prepared = session.prepare(&memory, &options, &bars)?;
    drop(bars);
    if let Some(TargetError { message, .. }) = prepared.targets.iter().find_map(|target| target.error.as_ref()) {
        return Err(Failure::new(Reason::Unavailable, message.clone()));
    }
    let reasons = reasons(&session, &memory, &prepared, &workflow, employee)?;
    process.print(&tested(&session, &prepared, &workflow, state, employee, &reasons, process.mask()));
    Ok(Reasons::default())
}

/// What decides, each by itself.
fn reasons(
    session: &Session,
    memory: &Memory,
    prepared: &Prepared<'_>,
    name: &str,
    employee: EmployeeId,
) -> Result<Vec<Verdict>, Failure> {
    let settings = prepared.targets[0].settings;
    let workflow = settings.plan.workflows.iter().find(|one| *one.name == *name).expect("it was found before");
    let mut remembered =
        memory.target(settings).map_err(|error| Failure::new(Reason::Internal, format!("{error:#}")))?;
    let known = std::mem::take(&mut remembered.known);
    Ok(verdict(
        &WorkflowInput {
            settings: &settings.plan,
            employees: &prepared.employees,
            standings: &prepared.standings,
            today: session.today,
            tables: &Arc::new(session.settings.vocabulary.tables().clone()),
            memory: &remembered.workflows,
            fingerprint: remembered.fingerprint.as_ref().map(|make| &**make as _),
            owned: &Default::default(),
            protected: &Default::default(),
            claimed: &Default::default(),
            only: Some(employee),
            known: &known,
            started: None,
        },
        workflow,
        employee,
    ))
}

fn tested(
    session: &Session,
    prepared: &Prepared<'_>,
    name: &str,
    state: &str,
    employee: EmployeeId,
    reasons: &[Verdict],
    mask: &Mask,
) -> String {
    let (target, plan) = (&prepared.targets[0], &prepared.plan.targets[0]);
    let workflow = target.settings.plan.workflows.iter().find(|one| *one.name == *name).expect("it was found before");
    let position = prepared.employees.list.binary_search_by_key(&employee, |one| one.id).expect("prepared for them");
    let standing = &prepared.standings[position];
    let mut text = format!("{} for employee {employee} on {}\n", workflow.name, session.today);
    let hire = prepared.employees.attributes.column("hire_date");
    let hire = hire.and_then(|column| prepared.employees.list[position].value(column).as_date());
    let shown = |day: Option<chrono::NaiveDate>| {
        day.map_or_else(|| "none".into(), |day| mask.text(&day.to_string()).into_owned())
    };
    let _ = writeln!(text, "  runs      when {}", trigger(workflow));
    let _ = writeln!(
        text,
        "  employee  {}, hire date {}, last day {}",
        standing.lifecycle,
        shown(hire),
        shown(standing.last_day)
    );
    let _ = writeln!(text, "  state     {state}");
    for (name, found) in reasons {
        let _ = writeln!(text, "  {name:<9} {}", visible(&mask.days(found)));
    }
    let requests: Vec<&Change> = plan.changes.iter().filter(|change| change.request.is_some()).collect();
    let mut next = 0;
    let mut left_out = |text: &mut String, until: usize| {
        for number in std::mem::replace(&mut next, until + 1)..until {
            let step = &workflow.steps[number];
            let what = step.action.as_str().replace('_', " ");
            let _ = writeln!(text, "  step {number}    {what}: not now{}, or it was done before", conditions(step));
        }
    };
    for change in &requests {
        let Some(request) = &change.request else { continue };
        left_out(&mut text, request.step);
        let _ = writeln!(text, "  step {}    {}", request.step, request.action.as_str().replace('_', " "));
        for (field, _) in &request.fields {
            // Fields that stay empty are not among the changes.
            let shown = change.fields.iter().find(|change| *change.field == **field);
            let value = shown.map_or_else(|| "(empty)".to_owned(), |change| mask.value(&change.after));
            let _ = writeln!(text, "              {field} = {}", short(&value));
        }
        if let Some(hold) = &change.hold {
            let _ = writeln!(text, "              held: {}", visible(&mask.days(&hold.detail)));
        }
    }
    if !requests.is_empty() {
        left_out(&mut text, workflow.steps.len());
    }
    for skip in plan.skipped.iter().filter(|skip| skip.employee == employee) {
        let _ = writeln!(text, "  skipped   {}", visible(&mask.days(&skip.detail)));
    }
    for notice in &plan.notices {
        if notice.code == Code::WorkflowForm || notice.employee == Some(employee) {
            let _ = writeln!(text, "  note      {}", visible(&mask.days(&notice.message)));
        }
    }
    let _ = match requests.len() {
        0 => {
            // Of what was done before, `yes` is what keeps it from being done again.
            let against = |(name, found): &&Verdict| match *name {
                "done" => !found.starts_with("no"),
                _ => !found.starts_with("yes"),
            };
            let names: Vec<&str> = reasons.iter().filter(against).map(|(name, _)| *name).collect();
            match names.as_slice() {
                [] => writeln!(text, "Nothing would be sent: no step is left to do."),
                names => writeln!(text, "Nothing would be sent, because of: {}.", names.join(", ")),
            }
        }
        _ if state == "active" => writeln!(text, "Nothing was sent. The next sync does this."),
        _ => writeln!(text, "Nothing was sent, and the next sync does not do this: it is {state}."),
    };
    text
}
