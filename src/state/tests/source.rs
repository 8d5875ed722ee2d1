use std::collections::BTreeSet;

use crate::employee::EmployeeId;
use crate::state::{Absence, KnownAttribute, SourceGroup, SourceRead, State};

use super::{TestDatabase, at, employee, link, on_each_database};

on_each_database!(the_last_good_read_is_kept, absences_are_counted_from_their_first_read);

/// A good read that delivered these, of whom some were found to be gone.
fn read(state: &State, delivered: &[u64], gone: &[u64], minute: i64) {
    let people = delivered.iter().copied().map(EmployeeId).collect();
    let gone: BTreeSet<EmployeeId> = gone.iter().copied().map(EmployeeId).collect();
    state.remember_source(&SourceRead { people, ..SourceRead::default() }, &gone, at(minute)).unwrap();
}

fn the_last_good_read_is_kept(database: &TestDatabase) {
    let state = database.open();
    assert_eq!(state.source().unwrap().last, None);
    let porto = SourceGroup { attribute: "office".into(), key: "7".into(), name: "Porto".into(), people: 12 };
    let people = [1, 2, 3].map(EmployeeId).to_vec();
    let level = KnownAttribute {
        key: "dynamic_4716".into(),
        label: "Contract level".into(),
        kind: "list".into(),
        options: ["L1", "\"L2\""].map(Into::into).into(),
    };
    let good = SourceRead { people, groups: vec![porto], attributes: vec![level], newest_change: Some(at(1)) };
    state.remember_source(&good, &BTreeSet::new(), at(5)).unwrap();
    // It belongs to no target.
    state.disconnect("desk").unwrap();
    assert_eq!(database.open().source().unwrap().last, Some(good));
    // The next one takes its place, and who is erased is in none.
    read(&state, &[1, 2, 3], &[], 6);
    state.forget_employee(employee(2)).unwrap();
    let people = [1, 3].map(EmployeeId).to_vec();
    assert_eq!(state.source().unwrap().last, Some(SourceRead { people, ..SourceRead::default() }));
}

fn absences_are_counted_from_their_first_read(database: &TestDatabase) {
    let state = database.open();
    state.store_links("desk", &[link(1, "a"), link(2, "b"), link(3, "c")]).unwrap();
    let absences = |state: &State| {
        let known = state.source().unwrap().absences;
        known.into_iter().map(|(id, Absence { since, gone })| (id.0, since, gone)).collect::<Vec<_>>()
    };
    read(&state, &[1], &[], 1);
    assert_eq!(absences(&state), [(2, at(1), None), (3, at(1), None)]);
    read(&state, &[1], &[2], 2);
    read(&state, &[1], &[], 3);
    assert_eq!(absences(&state), [(2, at(1), Some(at(2))), (3, at(1), None)], "found once is enough");
    // Who is back begins anew; who was erased or has no account any more is nobody's business.
    read(&state, &[1, 2], &[], 4);
    read(&state, &[1], &[], 5);
    assert_eq!(absences(&state), [(2, at(5), None), (3, at(1), None)]);
    // Runs that are not proven see who is there as well, and tell nothing of the others.
    state.end_absences(|employee| employee.0 == 1).unwrap();
    assert_eq!(absences(&state), [(2, at(5), None), (3, at(1), None)]);
    state.end_absences(|employee| employee.0 == 2).unwrap();
    assert_eq!(absences(&state), [(3, at(1), None)]);
    read(&state, &[1], &[], 5);
    state.forget_employee(employee(3)).unwrap();
    assert_eq!(absences(&state), [(2, at(5), None)]);
    state.disconnect("desk").unwrap();
    read(&state, &[1], &[], 6);
    assert_eq!(absences(&state), []);
}
