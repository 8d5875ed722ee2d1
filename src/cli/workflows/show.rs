//! One workflow in words.

use std::fmt::Write as _;

use crate::config::TargetSettings;
use crate::plan::{StepSettings, StepSource, Trigger, WorkflowSettings};

use super::super::{Failure, Process, Reasons};
use super::{Named, find, state};

pub(super) fn show(process: &Process, named: &Named) -> Result<Reasons, Failure> {
    let session = process.open_offline()?;
    let (target, workflow) = find(&session, &named.workflow)?;
    process.print(&words(target, workflow));
    Ok(Reasons::default())
}

fn words(target: &TargetSettings, workflow: &WorkflowSettings) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} of {} ({})", workflow.name, target.plan.name, state(target, workflow));
    let _ = writeln!(text, "\nWhen {}", trigger(workflow));
    for condition in &workflow.when {
        let _ = writeln!(text, "  and  {}", condition.source());
    }
    for condition in &target.plan.include {
        let _ = writeln!(text, "  and  {} (include of the target)", condition.source());
    }
    for condition in &target.plan.exclude {
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
