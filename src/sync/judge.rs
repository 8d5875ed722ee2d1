//! What a run means for the exit status.

use crate::code::Code;
use crate::exit::{Problem, Reason, Reasons};
use crate::plan::TargetPlan;
use crate::words::count;

use super::failures::target_reason;
use super::in_line::{all_skipped, is_of_the_source, unseen_leavers};
use super::prepared::Prepared;

/// What a plan means for the exit status, before anything is applied.
pub fn judge(prepared: &Prepared<'_>) -> (Reasons, Vec<Problem>) {
    let (mut reasons, mut problems) = (Reasons::default(), Vec::new());
    let plan = &prepared.plan;
    if !plan.source.complete && !prepared.is_of_changes() {
        reasons.add(Reason::SourceUnproven);
        let why = plan.source.why_incomplete.as_deref().unwrap_or("the reason is not known");
        problems.push(Problem::new(
            Reason::SourceUnproven.word(),
            format!("Personio's answer is not proven complete, so nobody is removed: {why}"),
        ));
    }
    for notice in plan.notices.iter().filter(|notice| notice.code == Code::AttributeChanged) {
        reasons.add(Reason::Held);
        problems.push(Problem::new(notice.code, notice.message.clone()));
    }
    for (target_plan, target) in plan.targets.iter().zip(&prepared.targets) {
        if let Some(error) = &target.error {
            let reason = target_reason(error);
            reasons.add(reason);
            problems.push(Problem::new(reason.word(), error.message.clone()).target(&target_plan.name));
        }
        let lacking = target.open.as_ref().map_or(0, |open| open.lacking);
        if lacking > 0 {
            reasons.add(Reason::Held);
            let message = format!(
                "its list of accounts is not true: it lacks {}, so nobody is removed, and nobody made who was not looked \
                 up first",
                count(lacking, "account that is in use", "accounts that are in use")
            );
            problems.push(Problem::new(Code::TargetUnproven, message).target(&target_plan.name));
        }
        judge_skips(prepared, target_plan, &mut reasons, &mut problems);
        let held = target_plan.summary().held;
        if held > 0 {
            reasons.add(Reason::Held);
            let message = format!("{} held by a safety rail", count(held, "change is", "changes are"));
            problems.push(Problem::new(Reason::Held.word(), message).target(&target_plan.name));
        }
    }
    (reasons, problems)
}

/// A run that could work on nobody is no success, nor is one that could not look at the account of somebody who left.
fn judge_skips(prepared: &Prepared<'_>, plan: &TargetPlan, reasons: &mut Reasons, problems: &mut Vec<Problem>) {
    // Of those who changed it is no wonder when everybody is skipped.
    let skipped = if prepared.is_of_changes() { Vec::new() } else { all_skipped(plan) };
    if !skipped.is_empty() {
        let reason = if is_of_the_source(&skipped) { Reason::SourceUnproven } else { Reason::SomeFailed };
        reasons.add(reason);
        let mut codes: Vec<&str> = skipped.iter().map(|skip| skip.reason.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        let message = format!("everybody was skipped, so nothing is in line ({})", codes.join(", "));
        problems.push(Problem::new(Code::EverybodySkipped, message).target(&plan.name));
    }
    let unseen = unseen_leavers(plan, &prepared.employees, &prepared.standings);
    if !unseen.is_empty() {
        reasons.add(Reason::SomeFailed);
        let ids: Vec<String> = unseen.iter().map(|skip| skip.employee.to_string()).collect();
        let message = format!(
            "the accounts of employees who left cannot be read, so nobody knows whether they are in use: {}",
            ids.join(", ")
        );
        problems.push(Problem::new(Code::LeaverUnreadable, message).target(&plan.name));
    }
}
