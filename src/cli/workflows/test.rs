//! What a workflow would do for one employee.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use crate::code::Code;
use crate::employee::{EmployeeId, Sought};
use crate::output::mask::Mask;
use crate::output::visible::{short, visible};
use crate::output::{Answer, Bars, Shown};
use crate::plan::{
    Change, Reason as Verdict, StepSettings, TargetPlan, WorkflowInput, WorkflowSettings, WorkflowStep, verdict,
};
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
    let tested = Tested::new(&session, &prepared, &workflow, state, employee, &reasons, process.mask());
    let shown = Shown::default().block(tested.in_words());
    process.answer(&Answer::new("workflow_test", tested, shown));
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

/// What would happen for one employee, the same for people and for programs.
#[derive(Serialize)]
struct Tested {
    target: String,
    workflow: String,
    state: &'static str,
    trigger: String,
    today: String,
    employee: String,
    lifecycle: &'static str,
    hire_date: Option<String>,
    last_day: Option<String>,
    /// What decides, each by itself.
    reasons: Vec<ReasonOut>,
    /// Empty where nothing would be sent.
    steps: Vec<StepOut>,
    skipped: Vec<String>,
    notes: Vec<String>,
    /// What all of it comes to.
    conclusion: String,
}

#[derive(Serialize)]
struct ReasonOut {
    name: &'static str,
    found: String,
}

#[derive(Serialize)]
struct StepOut {
    step: usize,
    action: &'static str,
    /// Whether it would be sent.
    sent: bool,
    fields: Vec<FieldOut>,
    held: Option<String>,
    #[serde(skip)]
    conditions: String,
}

#[derive(Serialize)]
struct FieldOut {
    field: String,
    /// `null` where it stays empty.
    value: Option<String>,
}

impl Tested {
    fn new(
        session: &Session,
        prepared: &Prepared<'_>,
        name: &str,
        state: &'static str,
        employee: EmployeeId,
        reasons: &[Verdict],
        mask: &Mask,
    ) -> Self {
        let (target, plan) = (&prepared.targets[0], &prepared.plan.targets[0]);
        let workflow =
            target.settings.plan.workflows.iter().find(|one| *one.name == *name).expect("it was found before");
        let position =
            prepared.employees.list.binary_search_by_key(&employee, |one| one.id).expect("prepared for them");
        let standing = &prepared.standings[position];
        let hire = prepared.employees.attributes.column("hire_date");
        let hire = hire.and_then(|column| prepared.employees.list[position].value(column).as_date());
        let day = |day: Option<NaiveDate>| day.map(|day| mask.text(&day.to_string()).into_owned());
        let words = |words: &str| mask.days(words).into_owned();
        let steps = steps(plan, workflow, mask);
        let is_meant = |code: Code, whom: Option<EmployeeId>| code == Code::WorkflowForm || whom == Some(employee);
        Self {
            target: plan.name.to_string(),
            workflow: workflow.name.to_string(),
            state,
            trigger: trigger(workflow),
            today: session.today.to_string(),
            employee: employee.to_string(),
            lifecycle: standing.lifecycle.as_str(),
            hire_date: day(hire),
            last_day: day(standing.last_day),
            reasons: reasons.iter().map(|(name, found)| ReasonOut { name, found: words(found) }).collect(),
            skipped: (plan.skipped.iter().filter(|skip| skip.employee == employee))
                .map(|skip| words(&skip.detail))
                .collect(),
            notes: (plan.notices.iter().filter(|notice| is_meant(notice.code, notice.employee)))
                .map(|notice| words(&notice.message))
                .collect(),
            conclusion: conclusion(!steps.is_empty(), state, reasons),
            steps,
        }
    }

    fn in_words(&self) -> String {
        let Self { workflow, state, trigger, today, employee, lifecycle, .. } = self;
        let or_none = |day: &Option<String>| day.clone().unwrap_or_else(|| "none".into());
        let (hire, last) = (or_none(&self.hire_date), or_none(&self.last_day));
        let mut text = format!("{workflow} for employee {employee} on {today}\n  runs      when {trigger}\n");
        let _ = writeln!(text, "  employee  {lifecycle}, hire date {hire}, last day {last}");
        let _ = writeln!(text, "  state     {state}");
        for ReasonOut { name, found } in &self.reasons {
            let _ = writeln!(text, "  {name:<9} {}", visible(found));
        }
        self.steps.iter().for_each(|step| step.write(&mut text));
        for detail in &self.skipped {
            let _ = writeln!(text, "  skipped   {}", visible(detail));
        }
        for message in &self.notes {
            let _ = writeln!(text, "  note      {}", visible(message));
        }
        let _ = writeln!(text, "{}", self.conclusion);
        text
    }
}

impl StepOut {
    fn not_now(step: usize, settings: &StepSettings) -> Self {
        let (action, conditions) = (settings.action.as_str(), conditions(settings));
        Self { step, action, sent: false, fields: Vec::new(), held: None, conditions }
    }

    fn write(&self, text: &mut String) {
        let (step, what) = (self.step, self.action.replace('_', " "));
        if !self.sent {
            let _ = writeln!(text, "  step {step}    {what}: not now{}, or it was done before", self.conditions);
            return;
        }
        let _ = writeln!(text, "  step {step}    {what}");
        for FieldOut { field, value } in &self.fields {
            let _ = writeln!(text, "              {field} = {}", short(value.as_deref().unwrap_or("(empty)")));
        }
        if let Some(held) = &self.held {
            let _ = writeln!(text, "              held: {}", visible(held));
        }
    }
}

/// All steps of the workflow if one of them would be sent, else none.
fn steps(plan: &TargetPlan, workflow: &WorkflowSettings, mask: &Mask) -> Vec<StepOut> {
    let sent: Vec<(&Change, &WorkflowStep)> =
        plan.changes.iter().filter_map(|change| Some((change, change.request.as_deref()?))).collect();
    if sent.is_empty() {
        return Vec::new();
    }
    let step = |(number, settings): (usize, &StepSettings)| {
        let found: Vec<_> = sent.iter().filter(|(_, request)| request.step == number).collect();
        let not_now = found.is_empty().then(|| StepOut::not_now(number, settings));
        let now = found.into_iter().map(|(change, request)| StepOut {
            sent: true,
            fields: fields(change, request, mask),
            held: change.hold.as_ref().map(|hold| mask.days(&hold.detail).into_owned()),
            ..StepOut::not_now(number, settings)
        });
        now.chain(not_now).collect::<Vec<_>>()
    };
    workflow.steps.iter().enumerate().flat_map(step).collect()
}

fn fields(change: &Change, request: &WorkflowStep, mask: &Mask) -> Vec<FieldOut> {
    let field = |name: &str| {
        // Fields that stay empty are not among the changes.
        let found = change.fields.iter().find(|change| *change.field == *name);
        FieldOut { field: name.to_owned(), value: found.map(|change| mask.value(&change.after)) }
    };
    request.fields.iter().map(|(name, _)| field(name)).collect()
}

fn conclusion(sends: bool, state: &str, reasons: &[Verdict]) -> String {
    if sends {
        return match state {
            "active" => "Nothing was sent. The next sync does this.".into(),
            _ => format!("Nothing was sent, and the next sync does not do this: it is {state}."),
        };
    }
    // Of what was done before, `yes` is what keeps it from being done again.
    let against = |(name, found): &&Verdict| match *name {
        "done" => !found.starts_with("no"),
        _ => !found.starts_with("yes"),
    };
    let names: Vec<&str> = reasons.iter().filter(against).map(|(name, _)| *name).collect();
    match names.as_slice() {
        [] => "Nothing would be sent: no step is left to do.".into(),
        names => format!("Nothing would be sent, because of: {}.", names.join(", ")),
    }
}
