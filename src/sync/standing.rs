//! How things stand after a run: what people are told of, and what is measured.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::code::Code;
use crate::config::{BudgetSettings, Settings};
use crate::employee::EmployeeId;
use crate::exit::{Failure, Problem, Reason};
use crate::notify::{BudgetMetrics, Metrics, Observed, TargetMetrics, Topic};
use crate::plan::{Change, Notice, Outcome, Share, TargetPlan, TargetStatus};
use crate::state::{Approval, JobStatus, StateError, TargetRecord};

use super::budget::{Budget, budgets};
use super::in_line::{all_skipped, done_in_part, failing_skips};
use super::memory::{Memory, period};
use super::prepared::{PrepareOptions, Prepared};

/// An approval that no run has used and that ends so soon is worth a word.
const ENDS_SOON: TimeDelta = TimeDelta::days(2);

/// Whom a run looked at, for what it may call over.
#[derive(Clone, Copy, Debug)]
enum Extent {
    Everybody,
    /// One employee, and all that there is to know of them.
    One(EmployeeId),
    /// Some changes of some employees.
    Part,
}

impl Extent {
    fn of(prepared: &Prepared<'_>, options: &PrepareOptions) -> Self {
        match (prepared.restricted, options.only) {
            (false, _) => Self::Everybody,
            (true, Some(only)) if options.start.is_none() => Self::One(only),
            (true, _) => Self::Part,
        }
    }
}

/// What a run saw that is about to end.
///
/// # Errors
///
/// When the state cannot be read.
pub(super) fn observed(
    settings: &Settings,
    memory: &Memory,
    prepared: &Prepared<'_>,
    options: &PrepareOptions,
    problems: &[Problem],
) -> Result<Observed, Failure> {
    let accepted = memory.state.accepted(memory.now())?;
    let approvals = memory.state.open_approvals(None)?;
    let mut observed = Observed::default();
    for plan in &prepared.plan.targets {
        let is_accepted =
            |employee: EmployeeId, code: Code| accepted.contains(&(plan.name.clone(), employee, code.into()));
        of_target(&mut observed, plan, is_accepted, Extent::of(prepared, options));
        of_approvals(&mut observed, &plan.name, &approvals, memory.now());
    }
    of_notices(&mut observed, "", &prepared.plan.notices);
    of_problems(&mut observed, problems);
    observed.saw(Topic::Failure, "");
    if !prepared.restricted {
        observed.saw(Topic::Todo, "");
    }
    let scheduled = memory.scheduled(settings.targets.iter())?;
    for (target, slots) in memory.missed_slots(&scheduled, memory.now(), settings.timezone)? {
        for slot in slots {
            observed.add(Topic::Missed, &target, Code::SlotMissed, settings.timezone.minute(slot).to_string());
        }
        observed.saw(Topic::Missed, &target);
    }
    Ok(observed)
}

/// Adds what is only known once a run has ended: what it used, and what went wrong in ending it.
///
/// # Errors
///
/// When the state cannot be read.
pub(super) fn observe_end(
    observed: &mut Observed,
    settings: &Settings,
    memory: &Memory,
    today: NaiveDate,
    problems: &[Problem],
) -> Result<(), Failure> {
    of_problems(observed, problems);
    for budget in spent(settings, memory, today)? {
        let BudgetSettings { tasks, warn_at: Share(warn_at), .. } = budget.settings();
        let code = match budget.used() {
            used if used >= *tasks => Code::Budget,
            used if u128::from(used) * 10_000 >= u128::from(*tasks) * u128::from(*warn_at) => Code::BudgetLow,
            _ => continue,
        };
        observed.add(Topic::Budget, "", code, budget.key());
    }
    observed.saw(Topic::Budget, "");
    Ok(())
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

fn of_target(
    observed: &mut Observed,
    plan: &TargetPlan,
    is_accepted: impl Fn(EmployeeId, Code) -> bool,
    extent: Extent,
) {
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
            (_, Some(hold)) => {
                observed.add_saying(Topic::Held, name, hold.code, id(change.employee), &hold.detail);
            }
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
    if plan.status != TargetStatus::Ready {
        return;
    }
    let topics = [Some(Topic::Held), Some(Topic::Todo), all_attempted.then_some(Topic::Failure)];
    match extent {
        Extent::Everybody => topics.into_iter().flatten().for_each(|topic| observed.saw(topic, name)),
        Extent::One(only) => {
            topics.into_iter().flatten().for_each(|topic| observed.saw_alone(topic, name, only.to_string()));
        }
        Extent::Part => {
            for employee in succeeded(plan) {
                observed.saw_alone(Topic::Failure, name, employee.to_string());
            }
        }
    }
}

/// Those of whom everything was done that a run set out to do.
fn succeeded(plan: &TargetPlan) -> BTreeSet<EmployeeId> {
    let (done, undone): (Vec<&Change>, Vec<&Change>) =
        plan.changes.iter().partition(|change| change.outcome == Some(Outcome::Succeeded));
    let undone: BTreeSet<EmployeeId> = undone.into_iter().filter_map(|change| change.employee).collect();
    done.into_iter().filter_map(|change| change.employee).filter(|employee| !undone.contains(employee)).collect()
}

/// Approvals that no run has used yet and that end soon.
fn of_approvals(observed: &mut Observed, target: &str, approvals: &[Approval], now: DateTime<Utc>) {
    let ends_soon = |approval: &&Approval| now < approval.expires_at && approval.expires_at - now <= ENDS_SOON;
    for approval in approvals.iter().filter(|approval| *approval.target == *target).filter(ends_soon) {
        let id = approval.employee.map(|id| id.to_string()).unwrap_or_default();
        let said = format!("{} approved by {} was not carried out yet", approval.op, approval.by);
        observed.add_saying(Topic::Todo, target, Code::ApprovalExpiring, id, &said);
    }
}

fn of_notices(observed: &mut Observed, target: &str, notices: &[Notice]) {
    for notice in notices.iter().filter(|notice| notice.code.needs_a_hand()) {
        let id = notice.employee.map(|id| id.to_string()).unwrap_or_default();
        observed.add_saying(Topic::Todo, target, notice.code, id, &notice.message);
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
            Code::TargetUnproven | Code::AttributeChanged => Topic::Held,
            code if code.needs_a_hand() => Topic::Todo,
            _ => continue,
        };
        observed.add_saying(topic, target, problem.code, "", &problem.message);
    }
}

fn spent<'s>(settings: &'s Settings, memory: &Memory, today: NaiveDate) -> Result<Vec<Budget<'s>>, StateError> {
    budgets(settings, today, |budget, day| memory.state.tasks(&period(Some(budget.period), day)))
}

/// What is measured once a run has ended with this status.
///
/// # Errors
///
/// When the state cannot be read.
pub fn metrics(settings: &Settings, memory: &Memory, today: NaiveDate, exit_code: u8) -> Result<Metrics, Failure> {
    let records = memory.state.targets()?;
    let scheduled = memory.scheduled(settings.targets.iter())?;
    let missed = memory.missed_slots(&scheduled, memory.now(), settings.timezone)?;
    let targets = settings.targets.iter().map(|target| {
        let record = records.iter().find(|record| record.target == target.plan.name);
        let last = record.and_then(TargetRecord::last_of_all);
        let mut jobs: BTreeMap<_, _> = last.map(|last| last.jobs.clone()).unwrap_or_default();
        if let Some(record) = record {
            jobs.insert(JobStatus::Failed.as_str(), memory.state.failing(record)?);
        }
        Ok(TargetMetrics {
            name: target.plan.name.to_string(),
            paused: target.paused,
            last_run: record.and_then(|record| record.last_finished),
            last_success: record.and_then(|record| record.last_ok),
            in_sync: record.map(TargetRecord::in_line).unwrap_or_default(),
            not_in_line: record.map(TargetRecord::not_in_line).unwrap_or_default(),
            jobs: jobs.into_iter().collect(),
            missed_slots: missed.get(&target.plan.name).map_or(0, |slots| slots.len() as u64),
        })
    });
    let budgets = spent(settings, memory, today)?;
    let budget =
        |one: &Budget<'_>| BudgetMetrics { key: one.key().to_owned(), used: one.used(), limit: one.settings().tasks };
    Ok(Metrics {
        at: memory.now(),
        exit_code,
        targets: targets.collect::<Result<_, StateError>>()?,
        budgets: budgets.iter().map(budget).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Hold, Op, Skip};
    use crate::state::{State, Who};

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
        of_target(&mut observed, &plan, |employee, _| employee.0 == 9, Extent::Everybody);
        assert_eq!(
            lines(&observed),
            ["failure key_nearly_equal 4", "failure refused 1", "held max_deactivate 3", "todo hire_date_moved 6",]
        );
        assert!(observed.seen.contains(&(Topic::Failure, "desk".into())));
        // What somebody accepted is no failure.
        let mut observed = Observed::default();
        of_target(&mut observed, &plan, |_, code| code == Code::Refused, Extent::Everybody);
        assert!(!lines(&observed).contains(&"failure refused 1".to_owned()));
    }

    #[test]
    fn nothing_counts_as_over_that_was_not_looked_at() {
        let done = || change(1, Outcome::Succeeded);
        let not_attempted = || change(1, Outcome::NotAttempted { error: String::new() });
        let unread = TargetPlan { status: TargetStatus::Failed, ..plan(Vec::new()) };
        for (name, plan, extent, expected) in [
            ("all of it", plan(Vec::new()), Extent::Everybody, &["failure", "held", "todo"][..]),
            ("stopped on the way", plan(vec![not_attempted()]), Extent::Everybody, &["held", "todo"]),
            ("for one person", plan(vec![done()]), Extent::One(EmployeeId(1)), &["failure 1", "held 1", "todo 1"]),
            ("for some changes", plan(vec![done(), change(2, failed(Code::Refused))]), Extent::Part, &["failure 1"]),
            ("done in part", plan(vec![done(), not_attempted()]), Extent::Part, &[]),
            ("could not be read", unread, Extent::Everybody, &[]),
        ] {
            let mut observed = Observed::default();
            of_target(&mut observed, &plan, |_, _| false, extent);
            let whole = observed.seen.iter().map(|(topic, _)| topic.as_str().to_owned());
            let alone = observed.seen_alone.iter().map(|(topic, _, whom)| format!("{} {whom}", topic.as_str()));
            assert_eq!(whole.chain(alone).collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn an_approval_is_worth_a_word_before_it_ends() {
        let now: DateTime<Utc> = "2026-11-28T06:00:00Z".parse().unwrap();
        for (target, hours, expected) in
            [("desk", 47, &["todo approval_expiring 7"][..]), ("desk", 49, &[]), ("desk", 0, &[]), ("wiki", 47, &[])]
        {
            let approval = Approval {
                id: 1,
                target: target.into(),
                employee: Some(EmployeeId(7)),
                op: Op::Deactivate,
                reason: None,
                fields: Vec::new(),
                code: "max_deactivate".into(),
                fingerprint: State::temporary().unwrap().hasher().fingerprint("change", ["x"]),
                at: now,
                by: Who { user: "ada".into(), host: "host-a".into() },
                why: None,
                expires_at: now + TimeDelta::hours(hours),
                used: None,
            };
            let mut observed = Observed::default();
            of_approvals(&mut observed, "desk", &[approval], now);
            assert_eq!(lines(&observed), expected, "{target} {hours}");
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
