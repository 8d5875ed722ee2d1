//! Whether a run brought a target in line: done means that everybody is.

use std::collections::BTreeSet;

use crate::code::Code;
use crate::employee::{EmployeeId, Employees, Lifecycle, Standing};
use crate::plan::{Change, Op, Outcome, Overview, Protection, Skip, TargetPlan, TargetStatus};
use crate::state::InLine;

use super::read_back::NotStored;

/// Skips that the file or the service asks for: nobody is out of line because of them.
fn is_by_design(reason: Code) -> bool {
    let protected = [Protection::Agent, Protection::KeyOwner, Protection::Declared, Protection::Foreign];
    protected.iter().any(|protection| protection.code() == reason)
        // Outside of what the target wants to know of at all.
        || matches!(reason, Code::Pending | Code::LeftBeforeImport | Code::TerminatedInPreviousTaxYear)
}

/// Skips that the file asks to count as failures, or that a mistake causes.
pub(super) fn failing_skips(plan: &TargetPlan) -> impl Iterator<Item = &Skip> {
    let fails = |reason| {
        reason == Code::KeyNearlyEqual
            || matches!(
                reason,
                Code::AccountNotDelivered
                    | Code::FieldInvalid
                    | Code::FieldEmpty
                    | Code::FilterInvalid
                    | Code::InSeveralTargets
            )
    };
    plan.skipped.iter().filter(move |skip| fails(skip.reason))
}

/// Those who were skipped where everybody was who could have been worked on; nobody where anybody was not.
pub(super) fn all_skipped(plan: &TargetPlan) -> Vec<&Skip> {
    if plan.status != TargetStatus::Ready || plan.in_sync > 0 || !plan.changes.is_empty() || plan.checklist.is_some() {
        return Vec::new();
    }
    plan.skipped.iter().filter(|skip| !is_by_design(skip.reason)).collect()
}

/// Whether nobody can be worked on because of what the source delivers.
pub(super) fn is_of_the_source(skips: &[&Skip]) -> bool {
    !skips.is_empty() && skips.iter().all(|skip| skip.reason == Code::LifecycleHidden)
}

/// Those who left, or are delivered no more, and whose account cannot be read: nobody knows whether it is in use.
pub(super) fn unseen_leavers<'p>(plan: &'p TargetPlan, employees: &Employees, standings: &[Standing]) -> Vec<&'p Skip> {
    let stayed: BTreeSet<EmployeeId> = employees
        .list
        .iter()
        .zip(standings)
        .filter(|(_, standing)| standing.lifecycle != Lifecycle::Left)
        .map(|(employee, _)| employee.id)
        .collect();
    let unread = |skip: &&Skip| skip.reason == Protection::Unreadable.code() && !stayed.contains(&skip.employee);
    plan.skipped.iter().filter(unread).collect()
}

/// Those of whom a field is left as it is because its value does not fit, unless somebody has accepted that.
pub(super) fn done_in_part(plan: &TargetPlan, accepted: impl Fn(EmployeeId, Code) -> bool) -> BTreeSet<EmployeeId> {
    let invalid = plan.notices.iter().filter(|notice| notice.code == Code::FieldInvalid && notice.field.is_some());
    let people = invalid.filter_map(|notice| notice.employee);
    people.filter(|id| !accepted(*id, Code::FieldInvalid) && !accepted(*id, Code::FieldsLeftAlone)).collect()
}

/// Who is in line after a run, and whom it left out of line: whose change failed, is held, was stopped or did not get its
/// turn, who was done in part, who could not be worked on although they should have been, and whose fields hold something
/// else than what was written.
/// `accepted` says which failures somebody has accepted.
pub(super) fn in_line(
    plan: &TargetPlan,
    overview: Option<&Overview>,
    not_stored: &[NotStored],
    employees: &Employees,
    standings: &[Standing],
    accepted: impl Fn(EmployeeId, Code) -> bool,
) -> InLine {
    let is_accepted = |employee: Option<EmployeeId>, code: Code| employee.is_some_and(|id| accepted(id, code));
    let open = plan.changes.iter().filter(|change| match &change.outcome {
        Some(Outcome::Succeeded | Outcome::Pending { .. }) => false,
        Some(Outcome::Failed { code, .. }) => !is_accepted(change.employee, *code),
        Some(Outcome::Held | Outcome::NotAttempted { .. }) | None => true,
    });
    // What belongs to nobody alone, a department that was not made, counts as one each.
    let (of_people, of_nobody): (Vec<_>, Vec<_>) = open.partition(|change| change.employee.is_some());
    let skips = failing_skips(plan).chain(all_skipped(plan)).chain(unseen_leavers(plan, employees, standings));
    let skipped = skips.filter(|skip| !accepted(skip.employee, skip.reason)).map(|skip| skip.employee);
    let out: BTreeSet<EmployeeId> = of_people
        .into_iter()
        .filter_map(|change| change.employee)
        .chain(skipped)
        .chain(done_in_part(plan, &accepted))
        .chain(not_stored.iter().map(|lost| lost.employee))
        .collect();
    let (done, undone): (Vec<&Change>, Vec<&Change>) =
        plan.changes.iter().partition(|change| change.outcome == Some(Outcome::Succeeded));
    let undone: BTreeSet<EmployeeId> = undone.into_iter().filter_map(|change| change.employee).collect();
    let done_for = |ops: &[Op]| {
        let people = done.iter().filter(|change| ops.contains(&change.op)).filter_map(|change| change.employee);
        people.filter(|employee| !undone.contains(employee)).collect::<BTreeSet<_>>()
    };
    let removed = done_for(&[Op::Deactivate]);
    let needed_nothing = overview.into_iter().flat_map(|overview| overview.in_sync.iter().copied());
    let people = needed_nothing.chain(done_for(&[Op::Create, Op::Update, Op::Reactivate, Op::Handover]));
    InLine {
        people: people.filter(|employee| !out.contains(employee) && !removed.contains(employee)).collect(),
        out,
        removed,
        unmade: of_nobody.len() as u64,
        made: done.iter().filter(|change| change.employee.is_none()).count() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::{Attributes, Completeness};
    use crate::plan::Notice;

    fn skip(employee: u64, reason: Code) -> Skip {
        Skip { employee: EmployeeId(employee), reason, detail: String::new() }
    }

    fn plan(skipped: &[Skip]) -> TargetPlan {
        TargetPlan { skipped: skipped.to_vec(), ..TargetPlan::empty("wiki", "scim") }
    }

    fn nobody_delivered() -> Employees {
        Employees::new(Attributes::new(Vec::<&str>::new()), Vec::new(), Completeness::Proven)
    }

    fn not_in_line(plan: &TargetPlan, employees: &Employees, accepted: impl Fn(EmployeeId, Code) -> bool) -> u64 {
        in_line(plan, None, &[], employees, &[], accepted).not_in_line()
    }

    fn change(employee: u64, outcome: Outcome) -> Change {
        Change { outcome: Some(outcome), ..Change::new(Op::Update, Some(EmployeeId(employee))) }
    }

    #[test]
    fn nobody_at_all_is_no_success_unless_that_is_by_design() {
        let nobody = |reasons: &[Code]| {
            let skips: Vec<Skip> = (1..).zip(reasons).map(|(id, reason)| skip(id, *reason)).collect();
            all_skipped(&plan(&skips)).len()
        };
        assert_eq!(nobody(&[Code::AccountUnreadable, Code::AccountTaken]), 2);
        assert_eq!(
            nobody(&[Code::AccountIsAgent, Code::AccountProtected, Code::AccountOwnsTheKey, Code::LeftBeforeImport]),
            0
        );
        assert_eq!(nobody(&[Code::AccountIsAgent, Code::MatchKeyShared]), 1);
        let somebody = TargetPlan { in_sync: 1, ..plan(&[skip(1, Code::AccountTaken)]) };
        assert!(all_skipped(&somebody).is_empty());
        let hidden = [skip(1, Code::LifecycleHidden), skip(2, Code::LifecycleHidden)];
        assert!(is_of_the_source(&hidden.iter().collect::<Vec<_>>()) && !is_of_the_source(&[]));
    }

    #[test]
    fn a_leaver_whose_account_cannot_be_read_is_not_passed_over() {
        let employees = nobody_delivered();
        let plan = TargetPlan { in_sync: 5, ..plan(&[skip(1, Code::AccountUnreadable), skip(2, Code::AccountTaken)]) };
        // Neither is delivered any more.
        let unseen = unseen_leavers(&plan, &employees, &[]);
        assert_eq!(unseen.iter().map(|skip| skip.employee.0).collect::<Vec<_>>(), [1]);
        assert_eq!(not_in_line(&plan, &employees, |_, _| false), 1);
    }

    #[test]
    fn people_count_once_whatever_they_are_short_of() {
        let employees = nobody_delivered();
        let failed = || Outcome::Failed { error: String::new(), code: Code::Refused };
        let mut plan = plan(&[skip(4, Code::FieldInvalid)]);
        plan.changes = vec![
            change(1, Outcome::Succeeded),
            change(2, failed()),
            change(2, failed()),
            change(3, Outcome::Held),
            change(5, Outcome::NotAttempted { error: String::new() }),
            change(6, Outcome::Pending { detail: String::new() }),
            Change { employee: None, ..change(0, failed()) },
        ];
        assert_eq!(not_in_line(&plan, &employees, |_, _| false), 5);
        assert_eq!(not_in_line(&plan, &employees, |id, code| id.0 == 2 && code == Code::Refused), 4);
    }

    #[test]
    fn whose_value_does_not_fit_is_not_in_line_until_that_is_accepted() {
        let employees = nobody_delivered();
        let notice = |code, employee, field: Option<&str>| Notice {
            code,
            employee: Some(EmployeeId(employee)),
            field: field.map(Into::into),
            message: String::new(),
        };
        let plan = TargetPlan {
            in_sync: 3,
            changes: vec![change(1, Outcome::Succeeded)],
            notices: vec![
                notice(Code::FieldInvalid, 1, Some("phone")),
                notice(Code::FieldInvalid, 1, Some("title")),
                notice(Code::FieldInvalid, 2, Some("phone")),
                notice(Code::AccountFound, 3, None),
            ],
            ..plan(&[])
        };
        assert_eq!(not_in_line(&plan, &employees, |_, _| false), 2);
        for code in [Code::FieldInvalid, Code::FieldsLeftAlone] {
            let accepted = |id: EmployeeId, said: Code| id.0 == 2 && said == code;
            assert_eq!(not_in_line(&plan, &employees, accepted), 1, "{code}");
            assert_eq!(done_in_part(&plan, accepted), BTreeSet::from([EmployeeId(1)]));
        }
    }

    #[test]
    fn who_was_made_is_in_line_and_who_was_removed_is_nowhere() {
        let mut plan = plan(&[]);
        let with_op = |op, employee, outcome| Change { op, ..change(employee, outcome) };
        plan.changes = vec![
            with_op(Op::Create, 1, Outcome::Succeeded),
            with_op(Op::Update, 2, Outcome::Succeeded),
            with_op(Op::Request, 2, Outcome::Held),
            with_op(Op::Deactivate, 3, Outcome::Succeeded),
            with_op(Op::Create, 4, Outcome::Pending { detail: String::new() }),
            Change { employee: None, ..with_op(Op::Reference, 0, Outcome::Succeeded) },
        ];
        let overview = Overview { in_sync: vec![EmployeeId(5), EmployeeId(3)], ..Overview::default() };
        let found = in_line(&plan, Some(&overview), &[], &nobody_delivered(), &[], |_, _| false);
        let expected = InLine {
            people: [1, 5].map(EmployeeId).into(),
            out: [EmployeeId(2)].into(),
            removed: [EmployeeId(3)].into(),
            unmade: 0,
            made: 1,
        };
        assert_eq!(found, expected);
    }
}
