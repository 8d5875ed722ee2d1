//! What the history keeps of each employee in a run, with what to do about it.

use std::collections::BTreeMap;

use crate::config::TargetSettings;
use crate::employee::EmployeeId;
use crate::plan::{ACCOUNT_FOUND, FIELD_INVALID, NOT_CONVERGING, Notice, Op, Outcome, PENDING, TargetPlan};
use crate::state::{JobStatus, NewJob, Step, StepOutcome};
use crate::sync::Applied;
use crate::targets::{LogEvent, LogLine, LogOutcome, PARTLY};

/// Why an account was taken out of use: a filter says no.
const OUT_OF_SCOPE: &str = "out_of_scope";

/// One job for each employee that something came of.
pub(super) fn jobs(
    plan: &TargetPlan,
    applied: Option<&Applied>,
    name_of: &dyn Fn(EmployeeId) -> Option<Box<str>>,
) -> Vec<NewJob> {
    let mut jobs: BTreeMap<EmployeeId, NewJob> = BTreeMap::new();
    for (place, change) in plan.changes.iter().enumerate() {
        let Some(employee) = change.employee else { continue };
        let (status, code, error) = match &change.outcome {
            Some(Outcome::Succeeded) => match change.reason {
                // The clause of a filter is the file's, and no value of an employee as a last day is.
                Some(OUT_OF_SCOPE) => {
                    (JobStatus::Succeeded, Some(OUT_OF_SCOPE), change.detail.as_deref().map(storable))
                }
                _ => (JobStatus::Succeeded, None, None),
            },
            Some(Outcome::Failed { error, code }) => (JobStatus::Failed, Some(*code), Some(error.clone())),
            Some(Outcome::Pending { detail }) => (JobStatus::Skipped, Some(PENDING), Some(detail.clone())),
            Some(Outcome::NotAttempted { error }) => (JobStatus::NotAttempted, None, Some(error.clone())),
            Some(Outcome::Held) | None => {
                let hold = change.hold.as_ref();
                (JobStatus::Held, hold.map(|hold| hold.code), hold.map(|hold| hold.detail.clone()))
            }
        };
        let steps =
            applied.and_then(|applied| applied.exchanges.get(&place)).into_iter().flatten().map(|exchange| Step {
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
        }));
        let found = change.reason == Some(ACCOUNT_FOUND);
        job.ops.push(if found { Op::Update } else { change.op });
        job.fields.extend(change.fields.iter().map(|field| field.field.clone()));
        job.steps.extend(steps);
        if found && job.status == JobStatus::Succeeded {
            job.code = Some(ACCOUNT_FOUND.into());
            job.error = Some("an account that was there already was taken; none was made".into());
        }
        let says_why = status == JobStatus::Succeeded && job.status == status && code.is_some();
        if worse(status, job.status) || says_why {
            job.status = status;
            job.code = code.map(Into::into);
            job.error = error.map(Into::into);
            job.advice = code.and_then(advice).map(Into::into);
        }
    }
    for (employee, fields) in fields_of(plan.notices.iter()) {
        if let Some(job) = jobs.get_mut(&employee).filter(|job| job.status == JobStatus::Succeeded) {
            job.code = Some(PARTLY.into());
            job.error = Some(format!("left as they are: {}", fields.join(", ")).into());
            job.advice = advice(PARTLY).map(Into::into);
        }
    }
    for code in [FIELD_INVALID, NOT_CONVERGING] {
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
                advice: advice(code).map(Into::into),
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
            advice: advice(skip.reason).map(Into::into),
            steps: Vec::new(),
            workflows: Vec::new(),
        });
    }
    jobs.into_values().collect()
}

/// What the target's own sync log says of a job; nothing where it has no such log.
pub(super) fn log_line(targets: &[TargetSettings], job: &NewJob) -> LogLine {
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
        code: job.code.as_deref().unwrap_or_default(),
        error: job.error.as_deref().unwrap_or_default(),
    };
    let target = targets.iter().find(|target| target.plan.name == job.target);
    target.and_then(|target| target.target.log_line(&event)).unwrap_or_default()
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

/// What to do about a code, in a sentence.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        PARTLY => "`personio-sync explain` with the employee's number says why each of the fields was left alone.",
        "refused" => "Look at what the target says of the field, fix it in Personio or in the mapping, then retry.",
        "already_exists" => "Another account has the same key; merge or rename it in the target, then retry.",
        "account_not_found" => "The account is gone; the next run plans afresh.",
        "sign_in_refused" => "Check the target's key: it may have been revoked, or its owner may be gone.",
        "right_missing" => "Give the key's owner the right that the message names, then retry.",
        "unavailable" => "The target could not be reached; retry when it is back.",
        "changed_meanwhile" => "Somebody else changed the same field during the run; the next run plans afresh.",
        PENDING => "The target makes the account in its own time; the next run looks again.",
        "outcome_unknown" => "The answer was lost; the next run looks before it writes.",
        "unexpected_answer" => "Check the target's address; if it is right, retry later.",
        "still_in_use" => {
            "The target acknowledged it and did nothing; take the account out of use there by hand, and ask why."
        }
        "still_out_of_use" => {
            "The target acknowledged it and did nothing; bring the account back there by hand, and ask why."
        }
        "reference_not_made" => "The manager's account is missing; it is linked by the run after it exists.",
        "max_deactivate" => {
            "Check the list; if it is right, `approve` it, or run sync with --accept-removals and the number."
        }
        "first_run" => "The first run removes nobody; run again once its links look right.",
        "source_unproven" => "Run again; if it stays, look at the note about Personio's answer.",
        "filters_changed" => "Check who is affected, then run sync with --accept-filter-change.",
        "match_key_missing" => "Fill the field in Personio that the match needs.",
        "match_key_shared" => {
            "Two people share the key; change it for one of them in Personio, or use `personio-sync link`."
        }
        "several_accounts" => "Merge the accounts in the target, or say which one counts with `personio-sync link`.",
        "account_taken" => "The account belongs to somebody else; `personio-sync explain` shows whose it is and why.",
        "account_claimed" => "Somebody else has a key of the account; look at both with `personio-sync explain`.",
        "handover" => {
            "Look whether both profiles are the same person's; if they are, use `personio-sync link` as the reason says."
        }
        "field_invalid" => "Fix the value in Personio, or say in the mapping what an invalid value does (on_invalid).",
        NOT_CONVERGING => {
            "The target does not keep the value, or refuses it of this person; enter it there, or leave the field out."
        }
        "field_empty" | "required_field_empty" => "Fill the value in Personio.",
        "in_several_targets" => "Change the filters so that each employee is in one target of the group.",
        "account_is_agent" => "Agents are changed by hand in the target.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Change, Notice, Op};

    #[test]
    fn a_field_left_alone_is_told_by_the_notice_and_not_by_its_words() {
        for (field, message, code) in [
            (Some("title"), "the service has no such title", Some(PARTLY)),
            (None, "title is left as it is: said by somebody else", None),
        ] {
            let mut plan = TargetPlan::empty("wiki", "scim");
            plan.changes
                .push(Change { outcome: Some(Outcome::Succeeded), ..Change::new(Op::Update, Some(EmployeeId(7))) });
            plan.notices.push(Notice {
                code: "field_kept",
                employee: Some(EmployeeId(7)),
                field: field.map(Into::into),
                message: message.into(),
            });
            assert_eq!(jobs(&plan, None, &|_| None)[0].code.as_deref(), code, "{message}");
        }
    }
}
