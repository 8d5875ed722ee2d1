use std::collections::BTreeMap;

use crate::employee::EmployeeId;
use crate::state::{CompleteRun, Fingerprint, RunId, State};

use super::{TestDatabase, at, employee, link, on_each_database};

on_each_database!(
    the_last_complete_run_is_kept_until_somebody_decides_something,
    records_are_kept_for_as_long_as_they_may_come_again,
);

fn complete(state: &State, minute: i64) -> CompleteRun {
    let run = CompleteRun {
        run: RunId(minute),
        began: at(minute),
        file: state.hasher().fingerprint("file", ["a"]),
        linked: 7,
    };
    state.note_complete_run("desk", &run).unwrap();
    run
}

fn the_last_complete_run_is_kept_until_somebody_decides_something(database: &TestDatabase) {
    let state = database.open();
    assert_eq!(state.complete_run("desk").unwrap(), None);
    complete(&state, 1);
    let run = complete(&state, 2);
    assert_eq!(database.open().complete_run("desk").unwrap(), Some(run));
    assert_eq!(state.complete_run("travel").unwrap(), None);
    state.bind("desk", "first").unwrap();
    assert!(state.complete_run("desk").unwrap().is_some());
    let decisions: [(&str, &dyn Fn()); 4] = [
        ("link", &|| state.link_by_hand("desk", &link(1, "a")).unwrap()),
        ("unlink", &|| _ = state.unlink("desk", employee(1)).unwrap()),
        ("another account", &|| state.bind("desk", "second").unwrap()),
        ("disconnect", &|| state.disconnect("desk").unwrap()),
    ];
    for (what, decide) in decisions {
        complete(&state, 3);
        decide();
        assert_eq!(state.complete_run("desk").unwrap(), None, "{what}");
    }
}

fn records_are_kept_for_as_long_as_they_may_come_again(database: &TestDatabase) {
    let state = database.open();
    let record = |text: &str| state.hasher().fingerprint("record", [text]);
    let note = |minute: i64, records: &[(u64, &str)]| {
        let records = records.iter().map(|(id, text)| (EmployeeId(*id), record(text))).collect();
        state.note_looked_at("desk", &records, at(minute), at(minute - 10)).unwrap();
    };
    let known = |expected: &[(u64, &str)]| {
        let expected: BTreeMap<EmployeeId, Fingerprint> =
            expected.iter().map(|(id, text)| (EmployeeId(*id), record(text))).collect();
        assert_eq!(database.open().looked_at("desk").unwrap(), expected);
    };
    note(1, &[(1, "a"), (2, "b")]);
    note(5, &[(2, "c"), (3, "d")]);
    known(&[(1, "a"), (2, "c"), (3, "d")]);
    note(12, &[(4, "e")]);
    known(&[(2, "c"), (3, "d"), (4, "e")]);
    state.forget_looked_at("desk", Some(&[employee(2)])).unwrap();
    state.forget_employee(employee(3)).unwrap();
    known(&[(4, "e")]);
    state.forget_looked_at("travel", None).unwrap();
    known(&[(4, "e")]);
    state.forget_looked_at("desk", None).unwrap();
    known(&[]);
}
