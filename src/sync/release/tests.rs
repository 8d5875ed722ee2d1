use chrono::TimeDelta;

use chrono::{DateTime, Utc};

use super::*;
use crate::code::Code;
use crate::field::{FieldIndex, FieldValue};
use crate::plan::FieldChange;
use crate::state::{State, Who};

const MONDAY: &str = "2026-11-23T08:00:00Z";

/// A plan in which these people leave and a rail holds it.
fn removals(employees: &[u64], code: Code) -> TargetPlan {
    let mut plan = TargetPlan::empty("desk", "freshservice");
    plan.changes = employees.iter().map(|id| change(Op::Deactivate, *id, Some(Code::Left), Some(code), &[])).collect();
    plan
}

fn change(op: Op, employee: u64, reason: Option<Code>, hold: Option<Code>, fields: &[(u16, &str)]) -> Change {
    Change {
        account: Some(AccountId::from(format!("a{employee}"))),
        reason,
        fields: fields
            .iter()
            .map(|(index, after)| FieldChange {
                index: FieldIndex(*index),
                field: format!("field_{index}").into(),
                before: FieldValue::text("before"),
                after: FieldValue::text(after),
            })
            .collect(),
        hold: hold.map(|code| Hold { code, detail: format!("{code} holds it") }),
        ..Change::new(op, Some(EmployeeId(employee)))
    }
}

/// What is remembered by a state of its own.
struct Past {
    state: State,
    shown: Option<Shown>,
    approvals: Vec<Approval>,
}

impl Past {
    fn new() -> Self {
        Self { state: State::temporary().unwrap(), shown: None, approvals: Vec::new() }
    }

    fn print(&self, change: &Change) -> Fingerprint {
        let parts = change.parts();
        self.state.hasher().fingerprint("change", parts.iter().map(String::as_str))
    }

    fn decisions(&self) -> Decisions<'_> {
        Decisions {
            shown: self.shown.clone(),
            approvals: self.approvals.clone(),
            approved: self.approvals.iter().map(|approval| (approval.code.clone(), approval.at)).collect(),
            now: MONDAY.parse().unwrap(),
            fingerprint: Some(Box::new(|change| self.print(change))),
        }
    }

    fn show(&mut self, plan: &TargetPlan) {
        let held = held_by(plan, &self.decisions());
        let at = MONDAY.parse().unwrap();
        let held = held.into_iter().zip(1..);
        let held = held.map(|(change, number)| Held { number, target: "desk".into(), change, since: at }).collect();
        self.shown = Some(Shown { at, to: Who::default(), held });
    }

    fn approve(&mut self, change: &Change, for_days: i64) {
        let at: DateTime<Utc> = MONDAY.parse().unwrap();
        self.approvals.push(Approval {
            id: self.approvals.len() as i64 + 1,
            target: "desk".into(),
            employee: change.employee,
            op: change.op,
            reason: change.reason.map(Into::into),
            fields: Vec::new(),
            code: Code::MaxDeactivate.into(),
            fingerprint: self.print(change),
            at,
            by: Who { user: "ada".into(), host: "host-a".into() },
            why: Some("seen with HR".into()),
            expires_at: at + TimeDelta::days(for_days),
            used: None,
        });
    }
}

fn held(plan: &TargetPlan) -> Vec<u64> {
    plan.changes.iter().filter(|change| change.hold.is_some()).filter_map(|change| Some(change.employee?.0)).collect()
}

fn notices(plan: &TargetPlan) -> Vec<(Code, Option<u64>)> {
    plan.notices.iter().map(|notice| (notice.code, notice.employee.map(|employee| employee.0))).collect()
}

#[test]
fn exactly_what_was_approved_passes() {
    let mut past = Past::new();
    let mut plan = removals(&[1, 2, 3], Code::MaxDeactivate);
    past.approve(&plan.changes[1], 7);
    let (released, shown) = release(&mut plan, &past.decisions(), None);
    assert_eq!(held(&plan), [1, 3], "also where two would be within the limit");
    assert_eq!(shown.len(), 3, "what is released was held all the same");
    assert_eq!(released.iter().map(|one| one.approval).collect::<Vec<_>>(), [Some(1)]);
    assert_eq!(released[0].change.hold.as_ref().unwrap().code, Code::MaxDeactivate);
    assert_eq!(notices(&plan), [(Code::Approved, Some(2))]);
    assert!(plan.notices[0].message.contains("ada on host-a: seen with HR"), "{}", plan.notices[0].message);
}

#[test]
fn the_code_of_the_hold_does_not_count_but_a_doubt_about_the_read_does() {
    for code in [
        Code::MaxCreate,
        Code::MaxFieldShare,
        Code::GroupEmptied,
        Code::FiltersChanged,
        Code::Handover,
        Code::MaxGroupShare,
    ] {
        let (mut past, mut plan) = (Past::new(), removals(&[1], code));
        past.approve(&plan.changes[0], 7);
        release(&mut plan, &past.decisions(), None);
        assert_eq!(held(&plan), [0_u64; 0], "{code}");
    }
    for code in [Code::SourceUnproven, Code::TargetUnproven, Code::FirstRun, Code::Budget] {
        let (mut past, mut plan) = (Past::new(), removals(&[1], code));
        past.approve(&plan.changes[0], 7);
        let (released, _) = release(&mut plan, &past.decisions(), None);
        assert_eq!((held(&plan), released.len()), (vec![1], 0), "{code}");
        assert_eq!(notices(&plan), [(Code::ApprovalNotEnough, Some(1))], "{code}");
    }
}

#[test]
fn what_was_left_out_when_others_were_approved_stays_held() {
    let mut past = Past::new();
    let mut plan = removals(&[1, 2, 3], Code::MaxDeactivate);
    past.show(&plan);
    past.approve(&plan.changes[0], 7);
    release(&mut plan, &past.decisions(), None);
    assert_eq!(held(&plan), [2, 3]);

    // Within the limit by themselves: no rail holds them in the next run, nor somebody who came in since.
    let mut plan = removals(&[2, 3, 4], Code::MaxDeactivate);
    plan.changes.iter_mut().for_each(|change| change.hold = None);
    let next = plan.clone();
    release(&mut plan, &past.decisions(), None);
    assert_eq!(held(&plan), [2, 3]);
    assert_eq!(plan.changes[0].hold.as_ref().unwrap().code, Code::MaxDeactivate);
    // On other grounds it is another change, and whoever approves it after all releases it.
    let mut plan = next.clone();
    plan.changes[0].reason = Some(Code::Missing);
    past.approve(&next.changes[1], 7);
    release(&mut plan, &past.decisions(), None);
    assert_eq!(held(&plan), [] as [u64; 0]);

    // Nobody said anything: what is within the limit now may go.
    past.approvals.clear();
    let mut plan = next;
    release(&mut plan, &past.decisions(), None);
    assert_eq!(held(&plan), [] as [u64; 0]);
}

#[test]
fn fields_that_were_left_out_are_set_apart_again() {
    let mut past = Past::new();
    let mut shown = TargetPlan::empty("desk", "freshservice");
    let of_a_field = |employee| change(Op::Update, employee, None, Some(Code::MaxFieldShare), &[(1, "x")]);
    shown.changes = vec![of_a_field(1), of_a_field(2)];
    past.show(&shown);
    past.approve(&shown.changes[0], 7);
    past.approvals[0].code = Code::MaxFieldShare.into();

    let mut plan = TargetPlan::empty("desk", "freshservice");
    plan.changes = vec![change(Op::Update, 2, None, None, &[(0, "other"), (1, "x")])];
    release(&mut plan, &past.decisions(), None);
    let fields = |change: &Change| change.fields.iter().map(|field| field.index.0).collect::<Vec<_>>();
    assert_eq!(plan.changes.iter().map(fields).collect::<Vec<_>>(), [[0], [1]]);
    assert_eq!(plan.changes.iter().map(|change| change.hold.is_some()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn another_change_of_the_same_person_stays_held_and_is_said() {
    let mut past = Past::new();
    past.approve(&change(Op::Update, 1, None, None, &[(0, "Lead")]), 7);
    for other in [
        change(Op::Update, 1, None, Some(Code::MaxUpdate), &[(0, "Head")]),
        change(Op::Update, 1, None, Some(Code::MaxUpdate), &[(0, "Lead"), (1, "Berlin")]),
        change(Op::Deactivate, 1, Some(Code::Left), Some(Code::MaxDeactivate), &[]),
        Change { account: Some("a2".into()), ..change(Op::Update, 1, None, Some(Code::MaxUpdate), &[(0, "Lead")]) },
    ] {
        let mut plan = TargetPlan::empty("desk", "freshservice");
        plan.changes = vec![other];
        release(&mut plan, &past.decisions(), None);
        assert_eq!((held(&plan), notices(&plan)), (vec![1], vec![(Code::ApprovalOutdated, Some(1))]));
    }
    let mut plan = removals(&[2], Code::MaxDeactivate);
    release(&mut plan, &past.decisions(), None);
    assert_eq!(notices(&plan), [], "somebody else");
}

#[test]
fn other_grounds_are_another_change() {
    let mut past = Past::new();
    past.approve(&change(Op::Deactivate, 1, Some(Code::Left), None, &[]), 7);
    let mut plan = TargetPlan::empty("desk", "freshservice");
    plan.changes = vec![change(Op::Deactivate, 1, Some(Code::OutOfScope), Some(Code::MaxDeactivate), &[])];
    release(&mut plan, &past.decisions(), None);
    assert_eq!(held(&plan), [1]);
}

#[test]
fn an_approval_that_expired_releases_nobody() {
    for (days, expected) in [(1, vec![]), (0, vec![1]), (-1, vec![1])] {
        let (mut past, mut plan) = (Past::new(), removals(&[1], Code::MaxDeactivate));
        past.approve(&plan.changes[0], days);
        release(&mut plan, &past.decisions(), None);
        assert_eq!(held(&plan), expected, "{days}");
        let code = if expected.is_empty() { Code::Approved } else { Code::ApprovalExpired };
        assert_eq!(notices(&plan), [(code, Some(1))], "{days}");
    }
}

#[test]
fn what_was_approved_and_is_not_held_is_used_as_well() {
    let (mut past, mut plan) = (Past::new(), removals(&[1], Code::MaxDeactivate));
    past.approve(&plan.changes[0], 7);
    plan.changes[0].hold = None;
    let (released, shown) = release(&mut plan, &past.decisions(), None);
    assert_eq!((released.len(), shown.len()), (1, 0));
}

#[test]
fn a_number_releases_the_people_last_shown_and_nobody_else() {
    let mut past = Past::new();
    past.show(&removals(&[1, 2, 3], Code::MaxDeactivate));
    // Planned, the number, who is still held, what is said.
    type Row = (&'static [u64], u64, &'static [u64], Option<&'static str>);
    let table: [Row; 6] = [
        (&[1, 2, 3], 3, &[], None),
        (&[1, 2, 3], 2, &[1, 2, 3], None),
        (&[1, 2, 6], 3, &[1, 2, 6], Some("employee 6 came in, employee 3 dropped out")),
        (&[1, 2], 2, &[1, 2], Some("employee 3 dropped out")),
        (&[1, 2, 3, 4, 5], 5, &[1, 2, 3, 4, 5], Some("employees 4, 5 came in")),
        (&[], 3, &[], None),
    ];
    for (now, accepted, expected, told) in table {
        let mut plan = removals(now, Code::MaxDeactivate);
        let (released, shown) = release(&mut plan, &past.decisions(), Some(accepted));
        assert_eq!(held(&plan), expected, "{now:?}");
        assert_eq!(released.len(), now.len() - expected.len());
        assert_eq!(shown.len(), now.len());
        match told {
            None => assert_eq!(plan.notices, []),
            Some(told) => {
                assert_eq!(plan.notices[0].code, Code::RemovalsChanged);
                assert!(plan.notices[0].message.ends_with(told), "{}", plan.notices[0].message);
            }
        }
    }
    // The same people on other grounds are not what was shown.
    let mut plan = removals(&[1, 2, 3], Code::MaxDeactivate);
    plan.changes[0].reason = Some(Code::OutOfScope);
    release(&mut plan, &past.decisions(), Some(3));
    assert!(plan.notices[0].message.ends_with("employee 1 changed"), "{}", plan.notices[0].message);
}

#[test]
fn a_number_without_anybody_shown_is_refused() {
    let mut past = Past::new();
    for shown in [false, true] {
        if shown {
            past.show(&removals(&[], Code::MaxDeactivate));
        }
        let mut plan = removals(&[1, 2], Code::MaxDeactivate);
        release(&mut plan, &past.decisions(), Some(2));
        assert_eq!((held(&plan), notices(&plan)), (vec![1, 2], vec![(Code::RemovalsNotShown, None)]), "{shown}");
    }
    // What it does not answer is not its business.
    let mut plan = removals(&[1, 2], Code::FiltersChanged);
    release(&mut plan, &Past::new().decisions(), Some(2));
    assert_eq!(notices(&plan), []);
}

#[test]
fn what_is_released_goes_out_with_the_rest_of_the_account() {
    let mut plan = TargetPlan::empty("desk", "freshservice");
    plan.changes = vec![
        change(Op::Update, 1, None, None, &[(1, "b")]),
        change(Op::Update, 1, None, None, &[(0, "a")]),
        change(Op::Update, 1, None, Some(Code::MaxClear), &[(2, "c")]),
        change(Op::Update, 2, None, None, &[(0, "a")]),
        change(Op::Deactivate, 2, Some(Code::Left), None, &[]),
    ];
    let one = Released {
        said: None,
        approval: Some(1),
        fingerprint: Past::new().print(&plan.changes[1]),
        change: plan.changes[1].clone(),
    };
    join_parts(&mut plan);
    let shown: Vec<_> = plan
        .changes
        .iter()
        .map(|change| (change.op, change.fields.iter().map(|field| field.index.0).collect::<Vec<_>>()))
        .collect();
    let expected = [(Op::Update, vec![0, 1]), (Op::Update, vec![2]), (Op::Update, vec![0]), (Op::Deactivate, vec![])];
    assert_eq!(shown, expected);
    let positions: Vec<usize> = (0..4).filter(|position| one.is_part_of(&plan.changes[*position])).collect();
    assert_eq!(positions, [0], "neither what is still held of the account nor another account");
}
