use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::plan::Op;
use crate::state::{Finished, Holder, Lock, LockError, LockRequest, Settlement, State, StateError};

use super::{TestDatabase, at, intent, on_each_database, start};

on_each_database!(
    the_second_run_sees_who_holds_the_lock,
    different_accounts_do_not_meet,
    waiting_ends_with_the_time,
    waiting_ends_with_the_lock,
    waiting_ends_when_the_caller_gives_up,
    waiting_keeps_nobody_from_the_state,
);

/// Tests on one server share its locks: an account for each test.
pub(super) struct Account {
    folder: TempDir,
    identity: String,
}

impl Account {
    pub(super) fn new(name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let identity = format!("freshservice:{name}-{}.example.com", folder.path().display());
        Self { folder, identity }
    }

    fn lock_with(
        &self,
        state: &State,
        pid: u32,
        seconds: u64,
        pause: &mut dyn FnMut(Duration) -> bool,
    ) -> Result<Lock, LockError> {
        // The folder is made when it is not there.
        let folder = self.folder.path().join("run");
        let request = LockRequest {
            folder: &folder,
            identity: &self.identity,
            holder: &holder(pid),
            timeout: Duration::from_secs(seconds),
            pause,
        };
        state.lock(request)
    }

    pub(super) fn lock(&self, state: &State, pid: u32) -> Result<Lock, LockError> {
        self.lock_with(state, pid, 0, &mut |_| panic!("asked to wait"))
    }

    fn file(&self) -> PathBuf {
        fs::read_dir(self.folder.path().join("run")).unwrap().next().unwrap().unwrap().path()
    }
}

fn holder(pid: u32) -> Holder {
    Holder { pid, host: "runner-1".into(), command: "sync --yes".into(), since: at(0) }
}

#[track_caller]
pub(super) fn assert_busy(result: Result<Lock, LockError>, pid: u32) {
    match result {
        Err(LockError::Busy { holder: found, .. }) => assert_eq!(found, Some(holder(pid))),
        other => panic!("{other:?}"),
    }
}

fn the_second_run_sees_who_holds_the_lock(database: &TestDatabase) {
    let account = Account::new("seen");
    let (one, other) = (database.open(), database.open());
    let mut lock = account.lock(&one, 1).unwrap();
    lock.check().unwrap();
    assert_busy(account.lock(&other, 2), 1);
    let message = account.lock(&other, 2).unwrap_err().to_string();
    let expected = format!(
        "another run works on {} (process 1 on runner-1, `sync --yes`, since 2026-11-22 12:00:00 UTC)",
        account.identity
    );
    assert_eq!(message, expected);
    drop(lock);
    let lock = account.lock(&other, 2).unwrap();
    assert_busy(account.lock(&one, 3), 2);
    drop(lock);
}

fn different_accounts_do_not_meet(database: &TestDatabase) {
    let (account, another) = (Account::new("one"), Account::new("two"));
    let state = database.open();
    let first = account.lock(&state, 1).unwrap();
    let second = another.lock(&state, 2).unwrap();
    assert_busy(account.lock(&state, 3), 1);
    drop((first, second));
}

fn waiting_ends_with_the_time(database: &TestDatabase) {
    let account = Account::new("time");
    let state = database.open();
    let held = account.lock(&state, 1).unwrap();
    let mut waited = Duration::ZERO;
    let result = account.lock_with(&state, 2, 3, &mut |pause| {
        waited += pause;
        true
    });
    assert_busy(result, 1);
    assert_eq!(waited, Duration::from_secs(3));
    drop(held);
}

fn waiting_ends_with_the_lock(database: &TestDatabase) {
    let account = Account::new("freed");
    let (one, other) = (database.open(), database.open());
    let mut held = Some(account.lock(&one, 1).unwrap());
    let mut pauses = 0;
    let lock = account.lock_with(&other, 2, 60, &mut |_| {
        pauses += 1;
        if pauses == 3 {
            held = None;
        }
        true
    });
    drop(lock.unwrap());
    assert_eq!(pauses, 3);
}

fn waiting_ends_when_the_caller_gives_up(database: &TestDatabase) {
    let account = Account::new("signal");
    let state = database.open();
    let held = account.lock(&state, 1).unwrap();
    let mut pauses = 0;
    let result = account.lock_with(&state, 2, 60, &mut |_| {
        pauses += 1;
        pauses < 2
    });
    assert_busy(result, 1);
    assert_eq!(pauses, 2);
    drop(held);
}

fn waiting_keeps_nobody_from_the_state(database: &TestDatabase) {
    let account = Account::new("meanwhile");
    let state = database.open();
    let held = account.lock(&state, 1).unwrap();
    let result = account.lock_with(&state, 2, 60, &mut |_| {
        assert!(state.memory("desk", at(0)).unwrap().is_first_run());
        false
    });
    assert_busy(result, 1);
    drop(held);
}

#[test]
fn a_killed_holder_leaves_only_its_name() {
    let account = Account::new("killed");
    let state = State::temporary().unwrap();
    drop(account.lock(&state, 1).unwrap());
    // What the kernel does for a process that is killed: its description of the file goes, its text stays.
    let other = File::options().read(true).write(true).open(account.file()).unwrap();
    other.try_lock().unwrap();
    let text = r#"{"pid":7,"host":"runner-1","command":"sync --yes","since":"2026-11-22T12:00:00+00:00","more":1}"#;
    fs::write(account.file(), text).unwrap();
    assert_busy(account.lock(&state, 2), 7);
    drop(other);
    // Not at once: a test beside this one may be starting a program, which shares all open files for a moment.
    let lock = account.lock_with(&state, 2, 36_000, &mut |_| {
        std::thread::yield_now();
        true
    });
    let lock = lock.unwrap();
    assert_busy(account.lock(&state, 3), 2);
    drop(lock);
    // Nothing is told of a run that has ended, nor guessed from a text that says nothing.
    assert_eq!(fs::read_to_string(account.file()).unwrap(), "");
    let other = File::options().read(true).write(true).open(account.file()).unwrap();
    other.try_lock().unwrap();
    match account.lock(&state, 2) {
        Err(LockError::Busy { holder: None, identity }) => assert_eq!(identity, account.identity),
        other => panic!("{other:?}"),
    }
}

/// A program that this one starts must not keep the lock when this one is killed.
#[test]
#[cfg(target_os = "linux")]
fn a_program_that_is_started_meanwhile_does_not_get_the_lock() {
    let account = Account::new("child");
    let lock = account.lock(&State::temporary().unwrap(), 1).unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // An echo: by now it is the other program that runs.
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let open: Vec<PathBuf> = fs::read_dir(format!("/proc/{}/fd", child.id()))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .collect();
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(!open.is_empty());
    assert!(!open.contains(&account.file().canonicalize().unwrap()), "{open:?}");
    drop(lock);
}

#[test]
#[cfg(unix)]
fn a_lock_is_private_and_follows_no_link() {
    use std::os::unix::fs::PermissionsExt;
    let account = Account::new("link");
    let state = State::temporary().unwrap();
    drop(account.lock(&state, 1).unwrap());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = account.file();
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert!(!file.display().to_string().contains("freshservice"));
    let victim = account.folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&victim, &file).unwrap();
    assert!(matches!(account.lock(&state, 1), Err(LockError::File { .. })));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
#[cfg(unix)]
fn a_folder_in_other_hands_is_refused_by_its_path() {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    type Change = fn(&std::path::Path);
    let others: [(&str, Change); 5] = [
        ("a file", |run| fs::write(run, "a file").unwrap()),
        ("a link", |run| symlink("elsewhere", run).unwrap()),
        ("open to a group", |run| fs::set_permissions(run, fs::Permissions::from_mode(0o770)).unwrap()),
        ("open to everybody", |run| fs::set_permissions(run, fs::Permissions::from_mode(0o1777)).unwrap()),
        ("somebody else's", |run| {
            // Only an administrator can give a folder away.
            if chown(run, Some(4711), None).is_err() {
                fs::set_permissions(run, fs::Permissions::from_mode(0o777)).unwrap();
            }
        }),
    ];
    for (number, (what, prepare)) in others.into_iter().enumerate() {
        let account = Account::new("folder");
        let run = account.folder.path().join("run");
        if number > 1 {
            fs::create_dir(&run).unwrap();
        } else {
            fs::create_dir(account.folder.path().join("elsewhere")).unwrap();
        }
        prepare(&run);
        match account.lock(&State::temporary().unwrap(), 1) {
            Err(LockError::Folder { location, .. }) => assert_eq!(location, run.display().to_string(), "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// Another machine, container or user that shares the file does not share the folder of this machine.
#[test]
fn a_state_in_a_file_has_a_lock_beside_it() {
    let database = TestDatabase::sqlite();
    let (account, elsewhere) = (Account::new("beside"), TempDir::new().unwrap());
    let held = account.lock(&database.open(), 1).unwrap();
    let folder = elsewhere.path().join("run");
    let lock = |state: State| {
        state.lock(LockRequest {
            folder: &folder,
            identity: &account.identity,
            holder: &holder(2),
            timeout: Duration::ZERO,
            pause: &mut |_| false,
        })
    };
    assert_busy(lock(database.open()), 1);
    #[cfg(unix)]
    {
        let link = elsewhere.path().join("another-name.sqlite");
        std::os::unix::fs::symlink(database.path(), &link).unwrap();
        assert_busy(lock(State::open(&link).unwrap()), 1);
    }
    assert!(lock(TestDatabase::sqlite().open()).is_ok(), "another state, elsewhere");
    drop(held);
    assert!(lock(database.open()).is_ok());
    assert!(database.path().with_extension("sqlite.locks").is_dir());
}

/// What cleans up old files may take the file away while a run holds it: who comes next makes it anew.
#[test]
#[cfg(unix)]
fn a_file_that_was_removed_is_no_lock() {
    let account = Account::new("removed");
    let state = State::temporary().unwrap();
    drop(account.lock(&state, 1).unwrap());
    let stale = File::options().read(true).write(true).open(account.file()).unwrap();
    stale.try_lock().unwrap();
    let file = account.file();
    let mut pauses = 0;
    let lock = account.lock_with(&state, 2, 60, &mut |_| {
        pauses += 1;
        if pauses == 1 {
            fs::remove_file(&file).unwrap();
            stale.unlock().unwrap();
        }
        true
    });
    let lock = lock.unwrap();
    assert_busy(account.lock(&state, 3), 2);
    drop(lock);
}

/// Ends the connections of a state that was opened with this name.
fn end_connections(database: &TestDatabase, name: &str) {
    database.sql(&format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '{name}'"
    ));
}

#[test]
fn a_lock_that_was_lost_is_taken_again_if_nobody_had_it() {
    let Some(database) = TestDatabase::postgres("a_lock_that_was_lost_is_taken_again") else { return };
    let account = Account::new("again");
    let mut lock = account.lock(&database.open_as("lock_to_be_taken_again"), 1).unwrap();
    for _ in 0..3 {
        end_connections(&database, "lock_to_be_taken_again");
        lock.check().unwrap();
        assert_busy(account.lock(&database.open(), 2), 1);
    }
    // A look that began later than the question serves it.
    let asked = std::time::Instant::now();
    lock.check().unwrap();
    end_connections(&database, "lock_to_be_taken_again");
    lock.check_since(asked).unwrap();
    drop(lock);
    drop(account.lock_with(&database.open(), 2, 60, &mut |_| true).unwrap());
}

#[test]
fn a_lock_that_another_run_took_is_lost_for_good() {
    let Some(database) = TestDatabase::postgres("a_lock_that_another_run_took") else { return };
    let account = Account::new("lost");
    let mut lock = account.lock(&database.open_as("lock_holder_to_be_lost"), 1).unwrap();
    lock.check().unwrap();
    end_connections(&database, "lock_holder_to_be_lost");
    let state = database.open();
    let again = account.lock_with(&state, 2, 60, &mut |_| true).unwrap();
    assert!(matches!(lock.check(), Err(StateError::LockLost { .. })));
    assert_busy(account.lock(&state, 3), 2);
    // Also when that one has ended: what the first planned is old by now.
    drop(again);
    assert!(matches!(lock.check(), Err(StateError::LockLost { .. })));
    let third = account.lock(&state, 3).unwrap();
    drop(lock);
    assert_busy(account.lock(&state, 4), 3);
    drop(third);
}

/// What a run was sending when it lost the lock may still arrive.
#[test]
fn who_comes_next_waits_out_what_is_under_way() {
    let Some(database) = TestDatabase::postgres("who_comes_next_waits_out") else { return };
    let account = Account::new("under way");
    let state = database.open();
    let first = account.lock(&database.open_as("lock_of_a_run_under_way"), 1).unwrap();
    let run = start(&state, 0);
    let ids = state.record(run, "desk", &[], &[intent(&state, Op::Create, 1)], at(0)).unwrap();
    end_connections(&database, "lock_of_a_run_under_way");
    std::mem::forget(first);
    // It ends when the outcome is recorded.
    let mut pauses = 0;
    let second = account.lock_with(&state, 2, 0, &mut |_| {
        pauses += 1;
        if pauses == 5 {
            let finished = Finished { id: ids[0], settlement: Settlement::Done, link: None };
            state.settle("desk", &[finished], at(0)).unwrap();
        }
        true
    });
    drop(second.unwrap());
    assert_eq!(pauses, 5);

    // A minute after the last sign of life no request is under way any more; a caller may give up before.
    state.record(run, "desk", &[], &[intent(&state, Op::Create, 2)], at(0)).unwrap();
    std::mem::forget(account.lock(&database.open_as("lock_of_a_run_killed"), 1).unwrap());
    end_connections(&database, "lock_of_a_run_killed");
    database.sql(&format!(
        "UPDATE lock_holders SET holder = jsonb_set(holder::jsonb, '{{seen}}',
         to_jsonb((holder::jsonb ->> 'seen')::bigint - 57000)) WHERE identity = '{}'",
        account.identity
    ));
    let mut waited = Duration::ZERO;
    let third = account.lock_with(&state, 3, 0, &mut |pause| {
        waited += pause;
        true
    });
    assert!(waited > Duration::ZERO && waited <= Duration::from_secs(3), "{waited:?}");
    drop(third.unwrap());
}
