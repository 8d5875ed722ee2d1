//! How things stand after a run: what people are told of, and what is measured.

use crate::code::Code;
use crate::config::{BudgetSettings, Settings};
use crate::employee::EmployeeId;
use crate::exit::{Failure, Problem, Reason};
use crate::notify::{BudgetMetrics, Metrics, Observed, TargetMetrics, Topic};
use crate::plan::{Notice, Outcome, Share, TargetPlan, TargetStatus};
use crate::state::StateError;

use super::budget::{Budget, budgets};
use super::in_line::{all_skipped, done_in_part, failing_skips};
use super::memory::{Memory, period};
use super::run::{Finished, Inputs};

/// What a run that ended saw.
///
/// # Errors
///
/// When the state cannot be read.
pub fn observed(inputs: &Inputs<'_, '_>, finished: &Finished<'_>) -> Result<Observed, Failure> {
    let (settings, memory) = (inputs.settings, inputs.memory);
    let accepted = memory.state.accepted(memory.now())?;
    let mut observed = Observed::default();
    let prepared = &finished.prepared;
    for plan in &prepared.plan.targets {
        let is_accepted =
            |employee: EmployeeId, code: Code| accepted.contains(&(plan.name.clone(), employee, code.into()));
        of_target(&mut observed, plan, is_accepted, !prepared.restricted);
    }
    of_notices(&mut observed, "", &prepared.plan.notices);
    of_problems(&mut observed, &finished.problems);
    observed.saw(Topic::Failure, "");
    if !prepared.restricted {
        observed.saw(Topic::Todo, "");
    }
    for budget in spent(settings, memory, inputs)? {
        let BudgetSettings { tasks, warn_at: Share(warn_at), .. } = budget.settings();
        let code = match budget.used() {
            used if used >= *tasks => Code::Budget,
            used if u128::from(used) * 10_000 >= u128::from(*tasks) * u128::from(*warn_at) => Code::BudgetLow,
            _ => continue,
        };
        observed.add(Topic::Budget, "", code, budget.key());
    }
    observed.saw(Topic::Budget, "");
    let scheduled = memory.scheduled(settings.targets.iter())?;
    for (target, slots) in memory.missed_slots(&scheduled, memory.now(), settings.timezone)? {
        for slot in slots {
            observed.add(Topic::Missed, &target, Code::SlotMissed, settings.timezone.minute(slot).to_string());
        }
        observed.saw(Topic::Missed, &target);
    }
    Ok(observed)
}

/// What is to be told of a run that ended before it did anything. `None` where somebody was there and decided so, or
/// another run is on its way.
pub fn observed_failure(failure: &Failure) -> Option<Observed> {
    let mut observed = Observed::default();
    match failure.reason {
        Reason::Internal | Reason::Refused | Reason::SourceUnproven | Reason::Unavailable => {
            observed.add(Topic::Failure, "", failure.reason.word(), "");
            Some(observed)
        }
        Reason::Interrupted
        | Reason::Terminated
        | Reason::Usage
        | Reason::Locked
        | Reason::NotApproved
        | Reason::Held
        | Reason::SomeFailed
        | Reason::ChangesPending => None,
    }
}

fn of_target(observed: &mut Observed, plan: &TargetPlan, is_accepted: impl Fn(EmployeeId, Code) -> bool, whole: bool) {
    let name = &*plan.name;
    let id = |employee: Option<EmployeeId>| employee.map(|id| id.to_string()).unwrap_or_default();
    let mut all_attempted = true;
    for change in &plan.changes {
        match (&change.outcome, &change.hold) {
            (Some(Outcome::Failed { code, .. }), _)
                if change.employee.is_some_and(|employee| is_accepted(employee, *code)) => {}
            (Some(Outcome::Failed { code, .. }), _) => {
                observed.add(Topic::Failure, name, *code, id(change.employee));
            }
            (Some(Outcome::NotAttempted { .. }), _) => all_attempted = false,
            (_, Some(hold)) => observed.add(Topic::Held, name, hold.code, id(change.employee)),
            _ => {}
        }
    }
    let skips = failing_skips(plan).chain(all_skipped(plan));
    for skip in skips.filter(|skip| !is_accepted(skip.employee, skip.reason)) {
        observed.add(Topic::Failure, name, skip.reason, id(Some(skip.employee)));
    }
    for employee in done_in_part(plan, &is_accepted) {
        observed.add(Topic::Failure, name, Code::FieldInvalid, id(Some(employee)));
    }
    of_notices(observed, name, &plan.notices);
    if whole && plan.status == TargetStatus::Ready {
        observed.saw(Topic::Held, name);
        observed.saw(Topic::Todo, name);
        if all_attempted {
            observed.saw(Topic::Failure, name);
        }
    }
}

fn of_notices(observed: &mut Observed, target: &str, notices: &[Notice]) {
    for notice in notices.iter().filter(|notice| notice.code.needs_a_hand()) {
        let id = notice.employee.map(|id| id.to_string()).unwrap_or_default();
        observed.add(Topic::Todo, target, notice.code, id);
    }
}

/// What a run says of a target as a whole, or of itself.
fn of_problems(observed: &mut Observed, problems: &[Problem]) {
    for problem in problems {
        let target = problem.target.as_deref().unwrap_or_default();
        let topic = match problem.code {
            Code::SignInOrRightsRefused
            | Code::Unavailable
            | Code::InternalError
            | Code::SourceUnproven
            | Code::StateUnwritable
            | Code::EverybodySkipped
            | Code::LeaverUnreadable => Topic::Failure,
            Code::TargetUnproven => Topic::Held,
            code if code.needs_a_hand() => Topic::Todo,
            _ => continue,
        };
        observed.add(topic, target, problem.code, "");
    }
}

fn spent<'s>(settings: &'s Settings, memory: &Memory, inputs: &Inputs<'_, '_>) -> Result<Vec<Budget<'s>>, StateError> {
    budgets(settings, inputs.today, |budget, day| memory.state.tasks(&period(Some(budget.period), day)))
}

/// What is measured once a run has ended with this status.
///
/// # Errors
///
/// When the state cannot be read.
pub fn metrics(inputs: &Inputs<'_, '_>, exit_code: u8) -> Result<Metrics, Failure> {
    let (settings, memory) = (inputs.settings, inputs.memory);
    let records = memory.state.targets()?;
    let scheduled = memory.scheduled(settings.targets.iter())?;
    let missed = memory.missed_slots(&scheduled, memory.now(), settings.timezone)?;
    let targets = settings.targets.iter().map(|target| {
        let record = records.iter().find(|record| record.target == target.plan.name);
        let last = record.and_then(|record| record.last.as_ref());
        TargetMetrics {
            name: target.plan.name.to_string(),
            paused: target.paused,
            last_run: record.and_then(|record| record.last_finished),
            last_success: record.and_then(|record| record.last_ok),
            in_sync: last.map(|last| last.in_sync).unwrap_or_default(),
            not_in_line: last.map(|last| last.not_in_line).unwrap_or_default(),
            jobs: last
                .map(|last| last.jobs.iter().map(|(status, jobs)| (*status, *jobs)).collect())
                .unwrap_or_default(),
            missed_slots: missed.get(&target.plan.name).map_or(0, |slots| slots.len() as u64),
        }
    });
    let budgets = spent(settings, memory, inputs)?;
    let budget =
        |one: &Budget<'_>| BudgetMetrics { key: one.key().to_owned(), used: one.used(), limit: one.settings().tasks };
    Ok(Metrics {
        at: memory.now(),
        exit_code,
        targets: targets.collect(),
        budgets: budgets.iter().map(budget).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Change, Hold, Op, Skip};

    fn change(employee: u64, outcome: Outcome) -> Change {
        Change { outcome: Some(outcome), ..Change::new(Op::Update, Some(EmployeeId(employee))) }
    }

    fn failed(code: Code) -> Outcome {
        Outcome::Failed { error: "no".into(), code }
    }

    fn lines(observed: &Observed) -> Vec<String> {
        let line = |fact: &crate::notify::Fact| format!("{} {} {}", fact.topic.as_str(), fact.code, fact.subject);
        observed.facts.iter().map(line).collect()
    }

    fn plan(changes: Vec<Change>) -> TargetPlan {
        TargetPlan { changes, ..TargetPlan::empty("desk", "freshservice") }
    }

    #[test]
    fn a_target_has_its_failures_holds_and_what_needs_a_hand() {
        let mut held = change(3, Outcome::Held);
        held.hold = Some(Hold { code: Code::MaxDeactivate, detail: String::new() });
        let mut plan = plan(vec![change(1, failed(Code::Refused)), change(2, Outcome::Succeeded), held]);
        plan.in_sync = 1;
        plan.skipped = vec![
            Skip { employee: EmployeeId(4), reason: Code::KeyNearlyEqual, detail: String::new() },
            Skip { employee: EmployeeId(5), reason: Code::AccountIsAgent, detail: String::new() },
        ];
        let notice = |code| Notice::about(EmployeeId(6), code, String::new());
        plan.notices = vec![notice(Code::HireDateMoved), notice(Code::FieldKept)];
        let mut observed = Observed::default();
        of_target(&mut observed, &plan, |employee, _| employee.0 == 9, true);
        assert_eq!(
            lines(&observed),
            ["failure key_nearly_equal 4", "failure refused 1", "held max_deactivate 3", "todo hire_date_moved 6",]
        );
        assert!(observed.seen.contains(&(Topic::Failure, "desk".into())));
        // What somebody accepted is no failure.
        let mut observed = Observed::default();
        of_target(&mut observed, &plan, |_, code| code == Code::Refused, true);
        assert!(!lines(&observed).contains(&"failure refused 1".to_owned()));
    }

    #[test]
    fn nothing_counts_as_over_that_was_not_looked_at() {
        let not_attempted = Outcome::NotAttempted { error: String::new() };
        let unread = TargetPlan { status: TargetStatus::Failed, ..plan(Vec::new()) };
        for (name, plan, whole, expected) in [
            ("all of it", plan(Vec::new()), true, &[Topic::Failure, Topic::Held, Topic::Todo][..]),
            ("stopped on the way", plan(vec![change(1, not_attempted)]), true, &[Topic::Held, Topic::Todo]),
            ("for one person", plan(vec![change(1, Outcome::Succeeded)]), false, &[]),
            ("could not be read", unread, true, &[]),
        ] {
            let mut observed = Observed::default();
            of_target(&mut observed, &plan, |_, _| false, whole);
            let seen: Vec<Topic> = observed.seen.iter().map(|(topic, _)| *topic).collect();
            assert_eq!(seen, expected, "{name}");
        }
    }

    #[test]
    fn a_run_that_somebody_stopped_is_no_news() {
        for (reason, expected) in [
            (Reason::Unavailable, vec!["failure unavailable "]),
            (Reason::Refused, vec!["failure sign_in_or_rights_refused "]),
            (Reason::Locked, vec![]),
            (Reason::NotApproved, vec![]),
            (Reason::Usage, vec![]),
        ] {
            let found = observed_failure(&Failure::new(reason, "no"));
            assert_eq!(found.as_ref().map(lines).unwrap_or_default(), expected, "{reason:?}");
        }
    }
}
