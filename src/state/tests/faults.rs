use std::fs;
use std::path::Path;

use crate::plan::Op;
use crate::section::Secret;
use crate::state::{Finished, JournalWriter, Once, OnceOnly, RunEnd, Settlement, State, StateError, Who};

use super::{Fault, SENT, TestDatabase, at, employee, end_of, intent, job, link, on_each_database, start};

on_each_database!(
    a_newer_state_is_refused,
    a_database_of_something_else_is_refused,
    without_the_right_to_write_every_write_fails_and_changes_nothing,
);

fn a_newer_state_is_refused(database: &TestDatabase) {
    drop(database.open());
    database.sql("UPDATE meta SET value = '99' WHERE name = 'schema'");
    let before = database.dump();
    let error = database.try_open().unwrap_err();
    assert!(matches!(error, StateError::Newer { found: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("written by a newer personio-sync"), "{error}");
    assert_eq!(database.dump(), before);
}

fn a_database_of_something_else_is_refused(database: &TestDatabase) {
    database.sql("CREATE TABLE customers (name TEXT)");
    assert!(matches!(database.try_open(), Err(StateError::Foreign { .. })));
    database.sql("CREATE TABLE meta (name TEXT, value TEXT)");
    assert!(matches!(database.try_open(), Err(StateError::Foreign { .. })));
    database.sql("INSERT INTO meta (name, value) VALUES ('schema', 'three')");
    assert!(matches!(database.try_open(), Err(StateError::Damaged { .. })));
    database.sql("UPDATE meta SET value = '1'");
    assert!(matches!(database.try_open(), Err(StateError::Damaged { .. })), "without its key");
}

fn without_the_right_to_write_every_write_fails_and_changes_nothing(database: &TestDatabase) {
    let state = database.open();
    let run = start(&state, 0);
    let ids = state.record(run, "desk", &[], &[intent(&state, Op::Create, 1)], at(0)).unwrap();
    let finished = [Finished { id: ids[0], settlement: Settlement::Done, link: Some(link(1, "77")) }];
    let before = database.dump();
    state.break_down(Fault::ReadOnly);

    let once = OnceOnly { target: "desk".into(), employee: employee(1), once: Once::Upload("payslip:2026-11".into()) };
    let targets = [end_of(&state, "desk", &[1])];
    let jobs = [job(2, super::JobStatus::Failed)];
    let end = RunEnd {
        run,
        at: at(1),
        exit_code: 0,
        period: "2026-11",
        source_requests: SENT,
        targets: &targets,
        jobs: &jobs,
    };
    let start = crate::state::RunStart {
        at: at(1),
        command: "sync",
        as_of: at(1).date_naive(),
        tool: "0.1.0",
        by: &Who::default(),
        targets: &["desk"],
    };
    let results: Vec<(&str, Option<StateError>)> = vec![
        ("start_run", state.start_run(&start).err()),
        ("record", state.record(run, "desk", &finished, &[intent(&state, Op::Create, 2)], at(1)).err()),
        ("settle", state.settle("desk", &finished, at(1)).err()),
        ("store_links", state.store_links("desk", &[link(3, "x")]).err()),
        ("open_once", state.open_once(std::slice::from_ref(&once), at(1)).err()),
        ("close_once", state.close_once(&once, None, at(1)).err()),
        ("release_once", state.release_once(&once).err()),
        ("add_tasks", state.add_tasks("2026-11", "desk", 1).err()),
        ("confirm", state.confirm("team_plan", "desk", "{}", at(1)).err()),
        ("finish_run", state.finish_run(&end).err()),
        ("prune", state.prune(at(99)).err()),
        ("forget_employee", state.forget_employee(employee(1)).err()),
        ("disconnect", state.disconnect("desk").err()),
    ];
    for (what, error) in results {
        let denied = matches!(error, Some(StateError::Denied { .. } | StateError::Role { .. }));
        assert!(denied, "{what}: {error:?}");
    }
    assert_eq!(database.dump(), before);
    assert_eq!(state.memory("desk", at(1)).unwrap().open.len(), 1, "reading goes on");
}

#[test]
fn on_a_full_disc_what_was_acknowledged_is_there_and_nothing_else() {
    let database = TestDatabase::sqlite();
    let state = database.open();
    let run = start(&state, 0);
    let journal = JournalWriter::new(&state, run, "desk");
    state.break_down(Fault::Full);
    let mut acknowledged = Vec::new();
    let error = loop {
        let first = acknowledged.len() as u64;
        let batch: Vec<_> = (first..first + 64).map(|id| intent(&state, Op::Create, id)).collect();
        match journal.begin(&batch, at(0)) {
            Ok(ids) => {
                journal.finish(Finished { id: ids[0], settlement: Settlement::Done, link: None });
                acknowledged.extend(ids);
            }
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 1_000_000, "the disc is never full");
    };
    assert!(matches!(error, StateError::Full { .. }), "{error:?}");
    drop(state);
    let again = database.open();
    let open = || again.memory("desk", at(0)).unwrap().open.iter().map(|open| open.id).collect::<Vec<_>>();
    // The outcome of the first write of each batch came with the next one; that of the last batch was still waiting.
    let last = acknowledged.len() - 64;
    let expected: Vec<_> = (0..acknowledged.len()).filter(|index| index % 64 != 0 || *index == last).collect();
    assert_eq!(open(), expected.iter().map(|index| acknowledged[*index]).collect::<Vec<_>>());
    assert_eq!(again.memory("desk", at(0)).unwrap().recent[&Op::Create], acknowledged.len() as u64);
}

#[test]
fn outcomes_go_on_waiting_when_a_batch_fails() {
    let database = TestDatabase::sqlite();
    let state = database.open();
    let run = start(&state, 0);
    let journal = JournalWriter::new(&state, run, "desk");
    let ids = journal.begin(&[intent(&state, Op::Create, 1)], at(0)).unwrap();
    journal.finish(Finished { id: ids[0], settlement: Settlement::Done, link: Some(link(1, "77")) });
    database.sql("ALTER TABLE journal RENAME TO moved");
    journal.begin(&[intent(&state, Op::Create, 2)], at(1)).unwrap_err();
    database.sql("ALTER TABLE moved RENAME TO journal");
    journal.flush(at(2)).unwrap();
    let memory = state.memory("desk", at(2)).unwrap();
    assert_eq!((memory.links, memory.open), (vec![link(1, "77")], vec![]));
}

/// A state with more in it than fits into one page, in one file.
fn filled(database: &TestDatabase) -> Vec<u8> {
    let state = database.open();
    state.store_links("desk", &(1..=5_000).map(|id| link(id, &format!("account-{id}"))).collect::<Vec<_>>()).unwrap();
    drop(state);
    assert!(
        !Path::new(&format!("{}-wal", database.path().display())).exists(),
        "the log is merged when a state is closed"
    );
    fs::read(database.path()).unwrap()
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let database = TestDatabase::sqlite();
    let whole = filled(&database);
    let mut scribbled = whole.clone();
    let middle = whole.len() / 2 / 4096 * 4096;
    scribbled[middle..middle + 4096].fill(0x5a);
    let mut swapped = whole.clone();
    let (one, other) = (4096 * 20..4096 * 21, 4096 * 30..4096 * 31);
    swapped[one.clone()].copy_from_slice(&whole[other.clone()]);
    swapped[other].copy_from_slice(&whole[one]);
    let cases: [(&str, &[u8]); 7] = [
        ("cut in the middle", &whole[..whole.len() / 2]),
        ("cut within a page", &whole[..whole.len() / 2 + 100]),
        ("cut within the first page", &whole[..3000]),
        ("a page scribbled over", &scribbled),
        ("two pages swapped", &swapped),
        ("a text", b"<html>503 Service Unavailable</html>\n".repeat(200).leak()),
        ("a short text", b"not a database"),
    ];
    for (what, bytes) in cases {
        fs::write(database.path(), bytes).unwrap();
        let error = database.try_open().err();
        assert!(matches!(error, Some(StateError::Damaged { .. })), "{what}: {error:?}");
        assert!(error.unwrap().to_string().contains("nobody is removed meanwhile"));
        assert_eq!(fs::read(database.path()).unwrap(), bytes, "{what}: the file is left as it is");
    }
    fs::write(database.path(), whole).unwrap();
    assert_eq!(database.open().memory("desk", at(0)).unwrap().links.len(), 5_000);
}

#[test]
fn an_empty_file_is_a_new_state() {
    let database = TestDatabase::sqlite();
    fs::write(database.path(), "").unwrap();
    assert!(database.open().memory("desk", at(0)).unwrap().is_first_run());
}

#[test]
fn a_path_that_cannot_be_written_is_an_error() {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for path in [folder.path().to_owned(), folder.path().join("missing/state"), folder.path().join("file/state")] {
        let error = State::open(&path).unwrap_err();
        assert!(matches!(error, StateError::Denied { .. }), "{error:?}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[test]
#[cfg(unix)]
fn only_the_owner_may_read_the_file_and_its_log() {
    use std::os::unix::fs::PermissionsExt;
    let database = TestDatabase::sqlite();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let check = || {
        let state = database.open();
        start(&state, 0);
        for file in fs::read_dir(database.path().parent().unwrap()).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        assert_eq!(fs::read_dir(database.path().parent().unwrap()).unwrap().count(), 3, "the file, its log, its index");
    };
    check();
    fs::set_permissions(database.path(), fs::Permissions::from_mode(0o644)).unwrap();
    check();
}

#[test]
fn a_server_that_is_not_there_is_an_error_without_the_password() {
    let error = State::connect(&Secret::new("postgres://sync:hunter2@127.0.0.1:1/test?connect_timeout=2")).unwrap_err();
    assert!(matches!(error, StateError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().starts_with("the state on PostgreSQL (database test) cannot be reached"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn required_tls_is_never_left_out() {
    let Some(database) = TestDatabase::postgres("required_tls") else { return };
    let encrypted = |state: &State| {
        let query = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
        state.read(|database| crate::state::sql::first(database, query, &[], |row| row.number(0))).unwrap() == Some(1)
    };
    for mode in ["require", "verify-full"] {
        // A server with a certificate that is not trusted, or with none, is refused.
        match database.try_open_with(&format!("sslmode={mode}")) {
            Ok(state) => assert!(encrypted(&state)),
            Err(error) => assert!(matches!(error, StateError::Unavailable { .. }), "{error:?}"),
        }
    }
    assert!(!encrypted(&database.try_open_with("sslmode=disable").unwrap()));
}

#[test]
fn a_lost_connection_is_made_again_for_the_next_call() {
    let Some(database) = TestDatabase::postgres("a_lost_connection_is_made_again") else { return };
    let state = database.open_as("state_to_be_lost");
    let run = start(&state, 0);
    database.sql(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'state_to_be_lost'",
    );
    state.record(run, "desk", &[], &[intent(&state, Op::Create, 1)], at(0)).unwrap();
    assert_eq!(state.memory("desk", at(0)).unwrap().open.len(), 1);
}

/// What PostgreSQL says, by its codes, is told in terms of what somebody can do.
#[test]
fn a_role_without_rights_is_named_as_that() {
    let Some(database) = TestDatabase::postgres("a_role_without_rights") else { return };
    drop(database.open());
    let TestDatabase::Postgres { schema, .. } = &database else { panic!("a server") };
    let role = format!("{schema}_reader");
    database.sql(&format!("CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role}"));
    let refused = database.try_open_with(&format!("options=-crole%3D{role}%20-csearch_path%3D{schema}"));
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    let refused = refused.unwrap_err();
    assert!(matches!(refused, StateError::Role { .. }) && refused.is_out_of_reach(), "{refused:?}");
    assert!(refused.to_string().starts_with("the role may not use the state on PostgreSQL"), "{refused}");
}

#[test]
fn a_new_file_that_many_open_at_once_is_set_up_once() {
    for _ in 0..20 {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("new.sqlite");
        let start = std::sync::Barrier::new(6);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    start.wait();
                    State::open(&path).map(drop).unwrap();
                });
            }
        });
    }
}
