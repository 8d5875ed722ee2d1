use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::field::AccountId;
use crate::plan::Op;
use crate::state::{Held, HeldChange, NewApproval, RunId, State};

use super::{TestDatabase, ada, at, employee, on_each_database, start};

on_each_database!(
    what_stays_held_keeps_its_number,
    one_employee_is_shown_without_the_others,
    an_approval_is_used_once,
    an_approval_ends,
    a_second_approval_takes_the_place_of_the_first,
    an_approval_goes_with_its_run,
    who_ran_and_who_accepted_is_kept,
    runs_of_earlier_versions_name_nobody,
);

fn change(state: &State, id: u64, value: &str) -> HeldChange {
    HeldChange {
        employee: Some(employee(id)),
        account: Some(AccountId::from(format!("a{id}"))),
        op: Op::Deactivate,
        reason: Some("left".into()),
        fields: Vec::new(),
        code: "max_deactivate".into(),
        detail: "3 deactivations are held".into(),
        fingerprint: state.hasher().fingerprint("change", [id.to_string().as_str(), value]),
    }
}

fn show(state: &State, minutes: i64, changes: &[HeldChange]) -> Vec<Held> {
    state.show("desk", None, changes, at(minutes), &ada()).unwrap();
    state.shown("desk").unwrap().expect("just shown").held
}

fn approve(state: &State, held: &[Held], minutes: i64, expires_at: DateTime<Utc>) {
    let approval = NewApproval { at: at(minutes), by: &ada(), reason: Some("seen with HR"), expires_at };
    state.approve(held, &approval).unwrap();
}

fn next_week() -> DateTime<Utc> {
    at(0) + TimeDelta::days(7)
}

fn numbers(held: &[Held]) -> Vec<(i64, u64)> {
    held.iter().map(|held| (held.number, held.change.employee.unwrap().0)).collect()
}

fn what_stays_held_keeps_its_number(database: &TestDatabase) {
    let state = database.open();
    assert!(state.shown("desk").unwrap().is_none(), "nobody has looked yet");
    let [one, two, three] = [1, 2, 3].map(|id| change(&state, id, "left"));
    let first = show(&state, 0, &[one.clone(), two.clone()]);
    let second = show(&database.open(), 5, &[two.clone(), three.clone()]);
    assert_eq!(second[0], first[1], "its number, and since when");
    assert!(second[1].number > first[1].number, "a number is never given twice");
    // Another reason or value is another change.
    let third = show(&state, 6, &[change(&state, 2, "other"), three]);
    assert_eq!(third[0], second[1]);
    assert!(third[1].number > second[1].number);
    let shown = state.shown("desk").unwrap().unwrap();
    assert_eq!((shown.at, shown.to), (at(6), ada()));
    assert_eq!(show(&state, 7, &[]), []);
    assert!(state.shown("desk").unwrap().is_some(), "that nothing is held was shown");
    assert!(state.shown("books").unwrap().is_none());
}

fn one_employee_is_shown_without_the_others(database: &TestDatabase) {
    let state = database.open();
    let [one, two] = [1, 2].map(|id| change(&state, id, "left"));
    let first = show(&state, 0, &[one, two]);
    state.show("desk", Some(&BTreeSet::from([employee(1)])), &[], at(1), &ada()).unwrap();
    let shown = state.shown("desk").unwrap().unwrap();
    assert_eq!((shown.at, shown.held), (at(0), vec![first[1].clone()]));
    state.unshow("desk", &[first[1].change.fingerprint.clone()]).unwrap();
    assert_eq!(state.held(None).unwrap(), []);
}

fn an_approval_is_used_once(database: &TestDatabase) {
    let state = database.open();
    let held = show(&state, 0, &[1, 2].map(|id| change(&state, id, "left")));
    approve(&state, &held, 1, next_week());
    let open = state.open_approvals(Some("desk")).unwrap();
    assert_eq!(open.len(), 2);
    assert_eq!((open[0].by.clone(), open[0].why.as_deref()), (ada(), Some("seen with HR")));
    assert_eq!(open[0].fingerprint, held[0].change.fingerprint);
    assert_eq!(state.open_approvals(Some("books")).unwrap(), []);

    let ids: Vec<i64> = open.iter().map(|approval| approval.id).collect();
    let run = start(&state, 2);
    assert_eq!(state.take_approvals(&ids, run, at(2)).unwrap(), ids);
    let next = start(&state, 3);
    assert_eq!(database.open().take_approvals(&ids, next, at(3)).unwrap(), Vec::<i64>::new(), "used is used");
    assert_eq!(state.open_approvals(None).unwrap(), []);
    assert_eq!(state.used_approvals(run).unwrap()[0].used, Some((run, at(2))));

    // What was certainly not carried out is released still.
    state.give_back_approvals(&ids[..1]).unwrap();
    assert_eq!(state.open_approvals(None).unwrap().len(), 1);
    assert_eq!(state.used_approvals(run).unwrap().len(), 1);
}

fn an_approval_ends(database: &TestDatabase) {
    let state = database.open();
    let held = show(&state, 0, &[change(&state, 1, "left")]);
    approve(&state, &held, 0, at(10));
    let id = state.open_approvals(None).unwrap()[0].id;
    let run = start(&state, 10);
    assert_eq!(state.take_approvals(&[id], run, at(10)).unwrap(), Vec::<i64>::new());
    assert_eq!(state.open_approvals(None).unwrap().len(), 1, "it can be told that it expired");
    assert_eq!(state.take_approvals(&[id], run, at(9)).unwrap(), [id]);
}

fn a_second_approval_takes_the_place_of_the_first(database: &TestDatabase) {
    let state = database.open();
    let held = show(&state, 0, &[change(&state, 1, "left")]);
    approve(&state, &held, 0, at(10));
    approve(&state, &held, 5, next_week());
    let open = state.open_approvals(None).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].at, open[0].expires_at), (at(5), next_week()));
}

fn an_approval_goes_with_its_run(database: &TestDatabase) {
    let state = database.open();
    let held = show(&state, 0, &[1, 2].map(|id| change(&state, id, "left")));
    approve(&state, &held, 0, next_week());
    let open = state.open_approvals(None).unwrap();
    let run = start(&state, 1);
    state.take_approvals(&[open[0].id], run, at(1)).unwrap();
    state.prune(at(0)).unwrap();
    assert_eq!(state.used_approvals(run).unwrap().len(), 1);
    state.prune(at(2)).unwrap();
    assert_eq!(state.used_approvals(run).unwrap().len(), 1, "another one was left out, and is still held");
    show(&state, 2, &[]);
    state.prune(at(2)).unwrap();
    assert_eq!(state.used_approvals(run).unwrap(), []);
    assert_eq!(state.open_approvals(None).unwrap().len(), 1, "it can be used for a week");
    state.prune(next_week() + TimeDelta::minutes(1)).unwrap();
    assert_eq!(state.open_approvals(None).unwrap(), []);
}

fn who_ran_and_who_accepted_is_kept(database: &TestDatabase) {
    use crate::state::{JobId, JobStatus};
    let state = database.open();
    let run = start(&state, 0);
    super::finish(&state, run, 1, super::end_of(&state, "desk", &[]), &[super::job(1, JobStatus::Failed)]);
    assert_eq!(state.run(run).unwrap().unwrap().by, Some(ada()));
    assert_eq!(state.acknowledged(run).unwrap(), []);
    state.acknowledge(JobId { run, number: 1 }, at(60), "waits", at(2), &ada()).unwrap();
    assert_eq!(state.acknowledged(run).unwrap()[0].acknowledged_by, Some((at(2), ada())));
}

fn runs_of_earlier_versions_name_nobody(database: &TestDatabase) {
    database.make_version(2);
    database.sql("INSERT INTO runs (started_at, command, as_of, tool) VALUES (0, 'sync', '2026-11-22', '0.1.0')");
    let state = database.open();
    let run = state.runs(None, 1).unwrap().pop().unwrap();
    assert_eq!((run.id, run.by), (RunId(1), None));
    let held = show(&state, 0, &[change(&state, 1, "left")]);
    assert_eq!(numbers(&held), [(1, 1)]);
}
