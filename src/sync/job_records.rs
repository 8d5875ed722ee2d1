//! What the history keeps of each employee in a run, with what to do about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::code::Code;
use crate::config::TargetSettings;
use crate::employee::EmployeeId;
use crate::plan::{Notice, Op, Outcome, TargetPlan};
use crate::state::{JobStatus, NewJob, Step, StepOutcome};
use crate::targets::{LogEvent, LogLine, LogOutcome};

use super::writing::Applied;

/// One job for each employee that something came of.
pub(super) fn jobs(
    plan: &TargetPlan,
    applied: Option<&Applied>,
    name_of: &dyn Fn(EmployeeId) -> Option<Box<str>>,
) -> Vec<NewJob> {
    let mut jobs: BTreeMap<EmployeeId, NewJob> = BTreeMap::new();
    for (position, change) in plan.changes.iter().enumerate() {
        let Some(employee) = change.employee else { continue };
        let (status, code, error) = match &change.outcome {
            Some(Outcome::Succeeded) => match change.reason {
                // The clause of a filter is the file's, and no value of an employee as a last day is.
                Some(Code::OutOfScope) => {
                    (JobStatus::Succeeded, Some(Code::OutOfScope), change.detail.as_deref().map(storable))
                }
                _ => (JobStatus::Succeeded, None, None),
            },
            Some(Outcome::Failed { error, code }) => (JobStatus::Failed, Some(*code), Some(error.clone())),
            Some(Outcome::Pending { detail }) => (JobStatus::Skipped, Some(Code::Pending), Some(detail.clone())),
            Some(Outcome::NotAttempted { error }) => (JobStatus::NotAttempted, None, Some(error.clone())),
            Some(Outcome::Held) | None => {
                let hold = change.hold.as_ref();
                (JobStatus::Held, hold.map(|hold| hold.code), hold.map(|hold| hold.detail.clone()))
            }
        };
        let exchanges = applied.and_then(|applied| applied.exchanges.get(&position)).map_or(&[][..], Vec::as_slice);
        let steps = exchanges.iter().map(|exchange| Step {
            method: exchange.method.as_str().into(),
            path: exchange.path.as_str().into(),
            status: exchange.status,
        });
        let job = jobs.entry(employee).or_insert_with(|| NewJob {
            target: plan.name.clone(),
            employee,
            name: name_of(employee),
            ops: Vec::new(),
            fields: Vec::new(),
            status: JobStatus::Succeeded,
            code: None,
            error: None,
            advice: None,
            steps: Vec::new(),
            workflows: Vec::new(),
        });
        job.workflows.extend(change.request.iter().map(|request| StepOutcome {
            workflow: request.workflow.clone(),
            step: request.step,
            action: request.action.as_str().into(),
            status,
            error: error.as_deref().map(Into::into),
            calls: Some(exchanges.len() as u64),
        }));
        let found = change.reason == Some(Code::AccountFound);
        job.ops.push(if found { Op::Update } else { change.op });
        job.fields.extend(change.fields.iter().map(|field| Arc::clone(&field.field)));
        job.steps.extend(steps);
        if found && job.status == JobStatus::Succeeded {
            job.code = Some(Code::AccountFound.into());
            job.error = Some("an account that was there already was taken; none was made".into());
        }
        let says_why = status == JobStatus::Succeeded && job.status == status && code.is_some();
        if worse(status, job.status) || says_why {
            job.status = status;
            job.code = code.map(Into::into);
            job.error = error.map(Into::into);
            job.advice = code.map(|code| code.remedy().into());
        }
    }
    for (employee, fields) in fields_of(plan.notices.iter()) {
        if let Some(job) = jobs.get_mut(&employee).filter(|job| job.status == JobStatus::Succeeded) {
            job.code = Some(Code::FieldsLeftAlone.into());
            job.error = Some(format!("left as they are: {}", fields.join(", ")).into());
            job.advice = Some(Code::FieldsLeftAlone.remedy().into());
        }
    }
    for code in [Code::FieldInvalid, Code::NotConverging] {
        for (employee, fields) in fields_of(plan.notices.iter().filter(|notice| notice.code == code)) {
            jobs.entry(employee).or_insert_with(|| NewJob {
                target: plan.name.clone(),
                employee,
                name: name_of(employee),
                ops: Vec::new(),
                fields: Vec::new(),
                status: JobStatus::Skipped,
                code: Some(code.into()),
                error: Some(format!("left as they are: {}", fields.join(", ")).into()),
                advice: Some(code.remedy().into()),
                steps: Vec::new(),
                workflows: Vec::new(),
            });
        }
    }
    for skip in &plan.skipped {
        jobs.entry(skip.employee).or_insert_with(|| NewJob {
            target: plan.name.clone(),
            employee: skip.employee,
            name: name_of(skip.employee),
            ops: Vec::new(),
            fields: Vec::new(),
            status: JobStatus::Skipped,
            code: Some(skip.reason.into()),
            error: Some(skip.detail.as_str().into()),
            advice: Some(skip.reason.remedy().into()),
            steps: Vec::new(),
            workflows: Vec::new(),
        });
    }
    jobs.into_values().collect()
}

/// What the target's own sync log says of a job; nothing where it has no such log.
pub fn log_line(targets: &[TargetSettings], job: &NewJob) -> LogLine {
    let outcome = match job.status {
        JobStatus::Succeeded => LogOutcome::Succeeded,
        JobStatus::Held => LogOutcome::Held,
        JobStatus::Skipped => LogOutcome::Skipped,
        JobStatus::Failed | JobStatus::NotAttempted => LogOutcome::Failed,
    };
    let event = LogEvent {
        outcome,
        ops: &job.ops,
        fields: job.fields.len(),
        code: job.code.as_deref().and_then(|code| code.parse().ok()),
        error: job.error.as_deref().unwrap_or_default(),
    };
    let target = targets.iter().find(|target| target.plan.name == job.target);
    let log = target.and_then(|target| target.target.offers().sync_log);
    log.and_then(|line| line(&event)).unwrap_or_default()
}

/// The fields of each employee that notices say are left as they are.
fn fields_of<'p>(notices: impl Iterator<Item = &'p Notice>) -> BTreeMap<EmployeeId, Vec<&'p str>> {
    let mut found: BTreeMap<EmployeeId, Vec<&str>> = BTreeMap::new();
    for notice in notices {
        if let (Some(employee), Some(field)) = (notice.employee, &notice.field) {
            found.entry(employee).or_default().push(field);
        }
    }
    found
}

/// The text without any address.
fn storable(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn worse(one: JobStatus, other: JobStatus) -> bool {
    let rank = |status| match status {
        JobStatus::Succeeded => 0,
        JobStatus::Skipped => 1,
        JobStatus::Held => 2,
        JobStatus::NotAttempted => 3,
        JobStatus::Failed => 4,
    };
    rank(one) > rank(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Change, Notice, Op};

    #[test]
    fn a_field_left_alone_is_told_by_the_notice_and_not_by_its_words() {
        for (field, message, code) in [
            (Some("title"), "the service has no such title", Some(Code::FieldsLeftAlone)),
            (None, "title is left as it is: said by somebody else", None),
        ] {
            let mut plan = TargetPlan::empty("wiki", "scim");
            plan.changes
                .push(Change { outcome: Some(Outcome::Succeeded), ..Change::new(Op::Update, Some(EmployeeId(7))) });
            plan.notices.push(Notice {
                code: Code::FieldKept,
                employee: Some(EmployeeId(7)),
                field: field.map(Into::into),
                message: message.into(),
            });
            assert_eq!(jobs(&plan, None, &|_| None)[0].code.as_deref(), code.map(Code::as_str), "{message}");
        }
    }
}
