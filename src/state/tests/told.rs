use std::collections::BTreeSet;

use crate::state::StoredFact;

use super::{TestDatabase, at, employee, on_each_database};

on_each_database!(each_channel_knows_what_it_was_told, who_is_forgotten_was_never_told_of);

fn told(target: &str, subject: &str) -> StoredFact {
    StoredFact { topic: "failure".into(), target: target.into(), code: "refused".into(), subject: subject.into() }
}

fn each_channel_knows_what_it_was_told(database: &TestDatabase) {
    let state = database.open();
    let (one, two, all) = (told("desk", "1"), told("desk", "2"), told("", ""));
    // Twice the same is once.
    state.tell("slack", &[one.clone(), all.clone(), one.clone()], &[], at(1)).unwrap();
    assert_eq!(database.open().told("slack").unwrap(), BTreeSet::from([one.clone(), all.clone()]));
    assert_eq!(state.told("email").unwrap(), BTreeSet::new());
    state.tell("email", std::slice::from_ref(&one), &[], at(2)).unwrap();
    state.tell("slack", &[two.clone(), all.clone()], std::slice::from_ref(&one), at(3)).unwrap();
    assert_eq!(state.told("slack").unwrap(), BTreeSet::from([two, all]));
    assert_eq!(state.told("email").unwrap(), BTreeSet::from([one]));
}

fn who_is_forgotten_was_never_told_of(database: &TestDatabase) {
    let state = database.open();
    state
        .tell("slack", &[told("desk", "1"), told("books", "1"), told("desk", "11"), told("desk", "")], &[], at(1))
        .unwrap();
    state.forget_employee(employee(1)).unwrap();
    assert_eq!(state.told("slack").unwrap(), BTreeSet::from([told("desk", ""), told("desk", "11")]));
    state.disconnect("desk").unwrap();
    assert_eq!(state.told("slack").unwrap(), BTreeSet::new());
}
