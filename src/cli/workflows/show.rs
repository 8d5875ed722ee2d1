//! One workflow in words.

use std::fmt::Write as _;

use serde::Serialize;

use crate::config::TargetSettings;
use crate::output::{Answer, Shown};
use crate::plan::{StepSettings, StepSource, Trigger, WorkflowSettings};
use crate::rules::Expression;

use super::super::{Failure, Process, Reasons};
use super::{Named, find, state};

pub(super) fn show(process: &Process, named: &Named) -> Result<Reasons, Failure> {
    let session = process.open_offline()?;
    let (target, workflow) = find(&session, &named.workflow)?;
    let document = WorkflowDocument::new(target, workflow);
    let shown = Shown::default().block(document.in_words());
    process.answer(&Answer::new("workflow", document, shown));
    Ok(Reasons::default())
}

/// A workflow as the file has it.
#[derive(Serialize)]
struct WorkflowDocument {
    target: String,
    workflow: String,
    state: &'static str,
    trigger: String,
    when: Vec<String>,
    include: Vec<String>,
    exclude: Vec<String>,
    steps: Vec<StepOut>,
}

#[derive(Serialize)]
struct StepOut {
    action: &'static str,
    #[serde(rename = "if")]
    only_if: Option<String>,
    unless: Option<String>,
    fields: Vec<FieldOut>,
    #[serde(skip)]
    conditions: String,
}

#[derive(Serialize)]
struct FieldOut {
    field: String,
    /// An expression, or `always` and a value.
    from: String,
}

impl WorkflowDocument {
    fn new(target: &TargetSettings, workflow: &WorkflowSettings) -> Self {
        let sources = |list: &[Expression]| list.iter().map(|one| one.source().to_owned()).collect();
        Self {
            target: target.plan.name.to_string(),
            workflow: workflow.name.to_string(),
            state: state(target, workflow),
            trigger: trigger(workflow),
            when: sources(&workflow.when),
            include: sources(&target.plan.include),
            exclude: sources(&target.plan.exclude),
            steps: workflow.steps.iter().map(StepOut::new).collect(),
        }
    }

    fn in_words(&self) -> String {
        let Self { target, workflow, state, trigger, when, include, exclude, steps } = self;
        let mut text = format!("{workflow} of {target} ({state})\n\nWhen {trigger}\n");
        for condition in when {
            let _ = writeln!(text, "  and  {condition}");
        }
        for condition in include {
            let _ = writeln!(text, "  and  {condition} (include of the target)");
        }
        for condition in exclude {
            let _ = writeln!(text, "  and not  {condition} (exclude of the target)");
        }
        let _ = writeln!(text, "\nthen, once for each employee and event:");
        for (number, step) in steps.iter().enumerate() {
            let _ = writeln!(text, "  {number}. {}{}", step.action.replace('_', " "), step.conditions);
            for FieldOut { field, from } in &step.fields {
                let _ = writeln!(text, "       {field} = {from}");
            }
        }
        text
    }
}

impl StepOut {
    fn new(step: &StepSettings) -> Self {
        let from = |source: &StepSource| match source {
            StepSource::Expression(expression) => expression.source().to_owned(),
            StepSource::Constant(value) => format!("always {value}"),
        };
        Self {
            action: step.action.as_str(),
            only_if: step.only_if.as_ref().map(|condition| condition.source().to_owned()),
            unless: step.unless.as_ref().map(|condition| condition.source().to_owned()),
            fields: step
                .fields
                .iter()
                .map(|(name, source)| FieldOut { field: name.to_string(), from: from(source) })
                .collect(),
            conditions: conditions(step),
        }
    }
}

pub(super) fn conditions(step: &StepSettings) -> String {
    let only_if = step.only_if.as_ref().map(|condition| format!(", if {}", condition.source()));
    let unless = step.unless.as_ref().map(|condition| format!(", unless {}", condition.source()));
    format!("{}{}", only_if.unwrap_or_default(), unless.unwrap_or_default())
}

pub(super) fn trigger(workflow: &WorkflowSettings) -> String {
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
