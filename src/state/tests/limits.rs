use chrono::TimeDelta;

use crate::plan::Op;
use crate::state::State;

use super::{TestDatabase, at, employee, intent, on_each_database, start_for};

on_each_database!(
    the_count_belongs_to_the_account,
    the_last_day_outlasts_any_history,
    an_employee_is_overwritten_once_a_day_and_field,
    a_forgotten_employee_still_counts,
    counts_of_earlier_versions_go_to_their_accounts,
);

const ACCOUNT: &str = "freshservice:acme.freshservice.com";

fn deactivate(state: &State, target: &str, minutes: i64, ids: &[u64]) {
    let run = start_for(state, minutes, &[target]);
    let intents: Vec<_> = ids.iter().map(|id| intent(state, Op::Deactivate, *id)).collect();
    state.record(run, target, &[], &intents, at(minutes)).unwrap();
}

fn removals(state: &State, identity: &str, minutes: i64) -> u64 {
    state.written_lately(identity, at(minutes)).unwrap().get(&Op::Deactivate).copied().unwrap_or(0)
}

fn the_count_belongs_to_the_account(database: &TestDatabase) {
    let state = database.open();
    for (minutes, target) in [(0, "desk"), (1, "handbook")] {
        state.bind(target, ACCOUNT).unwrap();
        deactivate(&state, target, minutes, &[1, 2]);
    }
    state.bind("books", "scim:books.example.com").unwrap();
    deactivate(&state, "books", 2, &[3]);
    let state = database.open();
    assert_eq!((removals(&state, ACCOUNT, 3), removals(&state, "scim:books.example.com", 3)), (4, 1));
    assert_eq!(state.memory("desk", at(3)).unwrap().recent[&Op::Deactivate], 4);
    state.disconnect("desk").unwrap();
    assert_eq!(removals(&state, ACCOUNT, 3), 4);
    // The name is given to another account: what was written to the first one stays with that.
    state.bind("handbook", "scim:books.example.com").unwrap();
    assert_eq!(removals(&state, ACCOUNT, 3), 4);
    assert_eq!(state.memory("handbook", at(3)).unwrap().recent[&Op::Deactivate], 1);
}

fn the_last_day_outlasts_any_history(database: &TestDatabase) {
    let state = database.open();
    state.bind("desk", ACCOUNT).unwrap();
    deactivate(&state, "desk", 0, &[1]);
    let fields = [("job_title", employee(1))].into();
    state.note_overwritten("desk", &fields, at(0)).unwrap();
    let almost = 24 * 60 - 1;
    state.prune(at(almost)).unwrap();
    assert_eq!(removals(&state, ACCOUNT, almost), 1);
    assert_eq!(state.overwritten_lately(ACCOUNT, at(almost)).unwrap().len(), 1);
    state.prune(at(0) + TimeDelta::days(2)).unwrap();
    assert!(!database.dump().contains("account_writes|"), "nor is it kept for ever");
}

fn an_employee_is_overwritten_once_a_day_and_field(database: &TestDatabase) {
    let state = database.open();
    state.bind("desk", ACCOUNT).unwrap();
    let note = |minutes, id| {
        let fields = [("job_title", employee(id)), ("address", employee(id))].into();
        state.note_overwritten("desk", &fields, at(minutes)).unwrap();
    };
    note(0, 1);
    note(10, 1);
    note(20, 2);
    let found = |minutes| {
        let found = database.open().overwritten_lately(ACCOUNT, at(minutes)).unwrap();
        found.into_iter().map(|(field, people)| (field.to_string(), people.len())).collect::<Vec<_>>()
    };
    assert_eq!(found(21), [("address".to_owned(), 2), ("job_title".to_owned(), 2)]);
    assert_eq!(found(24 * 60 + 15), [("address".to_owned(), 1), ("job_title".to_owned(), 1)]);
    assert!(state.overwritten_lately("scim:books.example.com", at(21)).unwrap().is_empty());
}

fn a_forgotten_employee_still_counts(database: &TestDatabase) {
    let state = database.open();
    state.bind("desk", ACCOUNT).unwrap();
    let fields = [7, 8, 9].map(|id| ("job_title", employee(id))).into();
    state.note_overwritten("desk", &fields, at(0)).unwrap();
    state.forget_employee(employee(7)).unwrap();
    state.forget_employee(employee(8)).unwrap();
    let found = state.overwritten_lately(ACCOUNT, at(1)).unwrap();
    assert_eq!(found["job_title"].len(), 3);
    assert!(found["job_title"].contains(&employee(9)) && !found["job_title"].contains(&employee(7)));
}

fn counts_of_earlier_versions_go_to_their_accounts(database: &TestDatabase) {
    database.make_version(2);
    let now = at(0).timestamp_millis();
    database.sql(&format!(
        "INSERT INTO targets (target, identity, seen_run, seen_at, seen) VALUES ('desk', '{ACCOUNT}', 0, 0, '');
         INSERT INTO targets (target, identity, seen_run, seen_at, seen) VALUES ('again', '{ACCOUNT}', 0, 0, '');
         INSERT INTO recent_writes (target, op, at, writes) VALUES ('desk', 'deactivate', {now}, 3);
         INSERT INTO recent_writes (target, op, at, writes) VALUES ('again', 'deactivate', {now}, 2)"
    ));
    let state = database.open();
    assert_eq!(removals(&state, ACCOUNT, 1), 5);
}
