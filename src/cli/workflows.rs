//! `workflows`: list, show, test, start and stop.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::config::{StepSettings, StepSource, TargetSettings, Trigger, WorkflowSettings, set_active};
use crate::employee::EmployeeId;
use crate::output::{Bars, Format, json};
use crate::plan::Change;
use crate::rules::{Facts, Truth};
use crate::sync::{PrepareOptions, Prepared};
use crate::targets::TargetError;

use super::memory::{Memory, workflow_memory};
use super::session::Session;
use super::{Failure, Reason, Reasons, SandboxChoice, World};

/// List the workflows, or show, test, start and stop one
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
    /// Show what would happen for one employee, also while it is stopped; nothing is sent
    Test {
        #[command(flatten)]
        named: Named,
        /// Personio's id of the employee
        #[arg(long, value_name = "ID")]
        employee: EmployeeId,
        #[command(flatten)]
        sandbox: SandboxChoice,
    },
    /// Let it run from the next sync on; edits `active` in the file, keeping its comments
    Start(Named),
    /// Stop it; edits `active` in the file, keeping its comments
    Stop(Named),
}

#[derive(Clone, Debug, Args)]
struct Named {
    /// Its name, or TARGET/NAME where several targets have one of that name
    #[arg(value_name = "NAME")]
    workflow: String,
}

pub(super) fn run(world: &World, arguments: &Arguments) -> Result<Reasons, Failure> {
    match &arguments.command {
        None | Some(Command::List) => list(world, &arguments.sandbox),
        Some(Command::Show(named)) => show(world, named),
        Some(Command::Test { named, employee, sandbox }) => test(world, sandbox, named, *employee),
        Some(Command::Start(named)) => switch(world, named, true),
        Some(Command::Stop(named)) => switch(world, named, false),
    }
}

#[derive(Serialize)]
struct Listed {
    target: String,
    workflow: String,
    on: &'static str,
    active: bool,
    steps: usize,
    /// Employees for whom a step was carried out.
    succeeded: usize,
    /// Steps whose answer was lost; the next run looks.
    open: usize,
    last_done: Option<String>,
}

fn list(world: &World, sandbox: &SandboxChoice) -> Result<Reasons, Failure> {
    let session = world.open_history(sandbox)?;
    let memory = Memory::for_reading(&session, world.now)?;
    let mut listed = Vec::new();
    for target in &session.settings.targets {
        for workflow in &target.workflows {
            let steps = workflow_memory(&memory.state, &target.name, &workflow.name)?.steps;
            let last = memory.last_done(&target.name, &workflow.name)?;
            let mut employees: Vec<EmployeeId> =
                steps.iter().filter(|step| step.done).map(|step| step.employee).collect();
            employees.sort_unstable();
            employees.dedup();
            listed.push(Listed {
                target: target.name.to_string(),
                workflow: workflow.name.to_string(),
                on: workflow.on.as_str(),
                active: workflow.active,
                steps: workflow.steps.len(),
                succeeded: employees.len(),
                open: steps.iter().filter(|step| !step.done).count(),
                last_done: last.map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string()),
            });
        }
    }
    if world.global.format == Format::Json {
        world.print(&json::render_value(
            &serde_json::json!({"schema": json::SCHEMA, "kind": "workflows", "workflows": listed}),
        ));
        return Ok(Reasons::default());
    }
    if listed.is_empty() {
        world.say("the file has no workflows; add [targets.NAME.workflows.onboarding] to a freshservice target");
    }
    for one in listed {
        world.print(&format!(
            "{}/{}: {}, on {}, {} steps; done for {}, last {}{}\n",
            one.target,
            one.workflow,
            if one.active { "active" } else { "stopped" },
            one.on,
            one.steps,
            crate::output::employees(one.succeeded),
            one.last_done.as_deref().unwrap_or("never"),
            if one.open > 0 { format!("; {} with an unknown outcome", one.open) } else { String::new() },
        ));
    }
    Ok(Reasons::default())
}

/// The workflow of this name, and its target.
fn find<'s>(session: &'s Session, name: &str) -> Result<(&'s TargetSettings, &'s WorkflowSettings), Failure> {
    let all = || {
        let targets = session.settings.targets.iter();
        targets.flat_map(|target| target.workflows.iter().map(move |workflow| (target, workflow)))
    };
    let wanted = |(target, workflow): &(&TargetSettings, &WorkflowSettings)| match name.split_once('/') {
        Some((of, short)) => *target.name == *of && *workflow.name == *short,
        None => *workflow.name == *name,
    };
    let found: Vec<_> = all().filter(wanted).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let names: Vec<&str> = all().map(|(_, workflow)| &*workflow.name).collect();
            let hint = if names.is_empty() {
                "the file has none".to_owned()
            } else {
                crate::config::reader::known(name, names)
            };
            Err(Failure::new(Reason::Usage, format!("there is no workflow `{name}`; {hint}")))
        }
        several => {
            let names: Vec<String> =
                several.iter().map(|(target, workflow)| format!("{}/{}", target.name, workflow.name)).collect();
            Err(Failure::new(Reason::Usage, format!("several workflows are called so; say {}", names.join(" or "))))
        }
    }
}

fn show(world: &World, named: &Named) -> Result<Reasons, Failure> {
    let session = world.open_offline()?;
    let (target, workflow) = find(&session, &named.workflow)?;
    world.print(&words(target, workflow));
    Ok(Reasons::default())
}

fn words(target: &TargetSettings, workflow: &WorkflowSettings) -> String {
    let mut text = String::new();
    let state = if workflow.active { "active" } else { "stopped" };
    let _ = writeln!(text, "{} of {} ({state})", workflow.name, target.name);
    let _ = writeln!(text, "\nWhen {}", trigger(workflow));
    for condition in &workflow.when {
        let _ = writeln!(text, "  and  {}", condition.source());
    }
    for condition in &target.include {
        let _ = writeln!(text, "  and  {} (include of the target)", condition.source());
    }
    for condition in &target.exclude {
        let _ = writeln!(text, "  and not  {} (exclude of the target)", condition.source());
    }
    let _ = writeln!(text, "\nthen, once for each employee and event:");
    for (number, step) in workflow.steps.iter().enumerate() {
        let _ = writeln!(text, "  {number}. {}{}", step.action.as_str().replace('_', " "), conditions(step));
        for (name, source) in &step.fields {
            let from = match source {
                StepSource::Expression(expression) => expression.source().to_owned(),
                StepSource::Constant(value) => format!("always {value}"),
            };
            let _ = writeln!(text, "       {name} = {from}");
        }
    }
    text
}

fn conditions(step: &StepSettings) -> String {
    let only_if = step.only_if.as_ref().map(|condition| format!(", if {}", condition.source()));
    let unless = step.unless.as_ref().map(|condition| format!(", unless {}", condition.source()));
    format!("{}{}", only_if.unwrap_or_default(), unless.unwrap_or_default())
}

fn trigger(workflow: &WorkflowSettings) -> String {
    let day = |days: i64| match days {
        0 => "that day".to_owned(),
        1 => "1 day after it".to_owned(),
        -1 => "1 day before it".to_owned(),
        days if days < 0 => format!("{} days before it", -days),
        days => format!("{days} days after it"),
    };
    match workflow.on {
        Trigger::Joiner => {
            format!("somebody has a hire date, from {} until {}", day(workflow.from), day(workflow.until))
        }
        Trigger::Leaver => {
            format!("somebody has a last day, from {} until {}", day(workflow.from), day(workflow.until))
        }
        Trigger::Mover | Trigger::Updated => {
            format!("one of these changed since the last run: {}", workflow.changed.join(", "))
        }
    }
}

fn test(world: &World, sandbox: &SandboxChoice, named: &Named, employee: EmployeeId) -> Result<Reasons, Failure> {
    // Only the file says which target it is, and only that target is opened.
    let (target, workflow) = {
        let session = world.open_offline()?;
        let (target, workflow) = find(&session, &named.workflow)?;
        (target.name.to_string(), workflow.name.clone())
    };
    let (sandbox, _) = sandbox.split(&[]);
    let mut session = world.open(&sandbox, std::slice::from_ref(&target))?;
    for section in session.settings.targets.iter_mut().filter(|section| *section.name == *target) {
        for one in &mut section.workflows {
            one.active = one.name == workflow;
        }
    }
    let options = PrepareOptions { only: Some(employee), ..PrepareOptions::new(session.today, &[target.as_str()]) };
    let memory = Memory::for_reading(&session, world.now)?;
    let bars = Bars::new(world.terminal);
    let prepared = session.prepare(&memory, &options, &bars)?;
    drop(bars);
    if let Some(TargetError { message, .. }) = prepared.targets.iter().find_map(|target| target.error.as_ref()) {
        return Err(Failure::new(Reason::Unavailable, message.clone()));
    }
    world.print(&tested(&session, &prepared, &workflow, employee));
    Ok(Reasons::default())
}

fn tested(session: &Session, prepared: &Prepared<'_>, name: &str, employee: EmployeeId) -> String {
    let (target, plan) = (&prepared.targets[0], &prepared.plan.targets[0]);
    let workflow = target.settings.workflows.iter().find(|one| *one.name == *name).expect("it was found before");
    let place = prepared.employees.list.binary_search_by_key(&employee, |one| one.id).expect("prepared for them");
    let standing = &prepared.standings[place];
    let tables = Arc::new(session.settings.vocabulary.tables().clone());
    let facts =
        Facts::new(&prepared.employees.list[place], &prepared.employees.attributes, standing, session.today, &tables);
    let mut text = format!("{} for employee {employee} on {}\n", workflow.name, session.today);
    let hire = prepared.employees.attributes.column("hire_date");
    let hire = hire.and_then(|column| prepared.employees.list[place].value(column).as_date());
    let shown = |day: Option<chrono::NaiveDate>| day.map_or_else(|| "none".to_owned(), |day| day.to_string());
    let _ = writeln!(text, "  trigger   {}", trigger(workflow));
    let _ = writeln!(
        text,
        "  employee  {}, hire date {}, last day {}",
        standing.lifecycle,
        shown(hire),
        shown(standing.last_day)
    );
    for condition in &workflow.when {
        let truth = match condition.holds(&facts) {
            Truth::Yes => "yes".to_owned(),
            Truth::No => "no".to_owned(),
            Truth::Unknown { attribute } => format!("cannot be told: `{attribute}` is not readable"),
            Truth::Invalid { why } => format!("cannot be told: {why}"),
        };
        let _ = writeln!(text, "  when      {}: {truth}", condition.source());
    }
    let requests: Vec<&Change> = plan.changes.iter().filter(|change| change.request.is_some()).collect();
    for change in &requests {
        let Some(request) = &change.request else { continue };
        let _ = writeln!(text, "  step {}    {}", request.step, request.action.as_str().replace('_', " "));
        for (field, _) in &request.fields {
            // Fields that stay empty are not among the changes.
            let shown = change.fields.iter().find(|change| change.field == *field);
            let value = shown.map_or_else(|| "(empty)".to_owned(), |change| change.after.to_string());
            let _ = writeln!(text, "              {field} = {value}");
        }
        if let Some(hold) = &change.hold {
            let _ = writeln!(text, "              held: {}", hold.detail);
        }
    }
    for skip in plan.skipped.iter().filter(|skip| skip.employee == employee) {
        let _ = writeln!(text, "  skipped   {}", skip.detail);
    }
    for notice in &plan.notices {
        if notice.code == "workflow_form" || notice.employee == Some(employee) {
            let _ = writeln!(text, "  note      {}", notice.message);
        }
    }
    let _ = match requests.len() {
        0 => writeln!(text, "Nothing would be sent: the trigger or a condition does not hold, or it was done before."),
        _ => writeln!(text, "Nothing was sent. The next sync does this if the workflow is active."),
    };
    text
}

fn switch(world: &World, named: &Named, active: bool) -> Result<Reasons, Failure> {
    let session = world.open_offline()?;
    let (target, workflow) = find(&session, &named.workflow)?;
    let file = &session.settings.file;
    let text = set_active(&file.text, &target.name, &workflow.name, active)
        .map_err(|error| Failure::new(Reason::Usage, error.to_string()))?;
    super::switch::replace(&file.path, &text)?;
    world.say(&format!(
        "{}/{} is {}",
        target.name,
        workflow.name,
        if active { "active; the next sync runs it" } else { "stopped" }
    ));
    Ok(Reasons::default())
}
