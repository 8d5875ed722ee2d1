//! One suite for both databases; what only one of them can show is beside it.
//!
//! PostgreSQL is tested where `TEST_DATABASE_URL` names a server, each test in a schema of its own. On CI it must.

#![expect(clippy::disallowed_methods, reason = "which machine this is decides what can be tested on it")]

mod approvals;
mod complete;
mod faults;
mod forgetting;
mod history;
mod journal;
mod limits;
mod locks;
mod memory;
#[cfg(unix)]
mod pooler;
mod source;
mod todos;
mod told;

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use postgres::NoTls;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::http::Requests;
use crate::plan::Op;
use crate::section::Secret;

use super::{
    InLine, JobStatus, Link, NewJob, Origin, RunEnd, RunId, RunStart, State, StateError, Step, StoredIntent, TargetEnd,
    Who,
};

/// Makes each function a test on SQLite and a test on PostgreSQL.
macro_rules! on_each_database {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $test() {
                super::$test(&crate::state::tests::TestDatabase::sqlite());
            })+
        }
        mod on_postgres {
            $(#[test]
            fn $test() {
                if let Some(database) = crate::state::tests::TestDatabase::postgres(concat!(module_path!(), "::", stringify!($test))) {
                    super::$test(&database);
                }
            })+
        }
    };
}
use on_each_database;

/// What may become of a state while it is in use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// There is a little more room, and then none.
    Full,
    /// The right to write is gone.
    ReadOnly,
}

/// Where a test keeps its state; gone when the test ends.
pub(super) enum TestDatabase {
    Sqlite(TempDir),
    Postgres { server: String, schema: String },
}

impl TestDatabase {
    pub(super) fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    /// `None` where there is no server to test against.
    pub(super) fn postgres(test: &str) -> Option<Self> {
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
            assert!(std::env::var_os("CI").is_none(), "TEST_DATABASE_URL is not set");
            eprintln!("skipped: TEST_DATABASE_URL is not set");
            return None;
        };
        // Names of schemas are cut at 63 bytes; the end tells tests apart, the process tells runs apart.
        let name: String = test.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect();
        let schema = format!("t{}_{}", std::process::id(), &name[name.len().saturating_sub(48)..]);
        let database = Self::Postgres { server, schema: schema.clone() };
        database.sql(&format!("CREATE SCHEMA {schema}"));
        Some(database)
    }

    pub(super) fn try_open(&self) -> Result<State, StateError> {
        match self {
            Self::Sqlite(_) => State::open(&self.path()),
            Self::Postgres { .. } => self.try_open_with("connect_timeout=10"),
        }
    }

    /// With one more parameter in the address of the server.
    pub(super) fn try_open_with(&self, parameter: &str) -> Result<State, StateError> {
        State::connect(&Secret::new(format!("{}&{parameter}", self.address().expose())))
    }

    fn address(&self) -> Secret {
        let Self::Postgres { server, schema } = self else { panic!("no server") };
        let separator = if server.contains('?') { '&' } else { '?' };
        Secret::new(format!("{server}{separator}options=-csearch_path%3D{schema}"))
    }

    /// With a name that the server shows for its connections.
    pub(super) fn open_as(&self, name: &str) -> State {
        self.try_open_with(&format!("application_name={name}")).unwrap()
    }

    /// Opens the state as the next run would.
    pub(super) fn open(&self) -> State {
        self.try_open().unwrap()
    }

    /// Makes the state of an earlier version of the tool, by the version of its tables.
    pub(super) fn make_version(&self, version: i64) {
        let mut database: Box<dyn super::sql::Database> = match self {
            Self::Sqlite(_) => Box::new(super::sqlite::Sqlite::open(&self.path()).unwrap()),
            Self::Postgres { .. } => Box::new(super::postgres::Postgres::connect(&self.address()).unwrap()),
        };
        super::schema::make_version(&mut *database, version).unwrap();
    }

    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("state.sqlite"),
            Self::Postgres { .. } => panic!("no file"),
        }
    }

    /// Runs statements behind the tool's back.
    pub(super) fn sql(&self, script: &str) {
        match self {
            Self::Sqlite(_) => rusqlite::Connection::open(self.path()).unwrap().execute_batch(script).unwrap(),
            Self::Postgres { server, schema } => {
                let mut client = postgres::Client::connect(server, NoTls).unwrap();
                client.batch_execute(&format!("SET search_path TO {schema}; {script}")).unwrap();
            }
        }
    }

    /// Everything that is stored, as text: `table|column|column` in lines.
    pub(super) fn dump(&self) -> String {
        let mut lines = Vec::new();
        match self {
            Self::Sqlite(_) => {
                let connection = rusqlite::Connection::open(self.path()).unwrap();
                let mut tables = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
                let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
                for table in tables {
                    let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
                    let columns = statement.column_count();
                    let mut rows = statement.query([]).unwrap();
                    while let Some(row) = rows.next().unwrap() {
                        let mut line = table.clone();
                        for column in 0..columns {
                            line += "|";
                            match row.get_ref(column).unwrap() {
                                ValueRef::Integer(number) => line += &number.to_string(),
                                ValueRef::Text(text) => line += std::str::from_utf8(text).unwrap(),
                                _ => {}
                            }
                        }
                        lines.push(line);
                    }
                }
            }
            Self::Postgres { server, schema } => {
                let mut client = postgres::Client::connect(server, NoTls).unwrap();
                let tables = client.query("SELECT tablename FROM pg_tables WHERE schemaname = $1", &[schema]).unwrap();
                for table in tables.iter().map(|row| row.get::<_, String>(0)) {
                    let rows =
                        client.query(&format!("SELECT CAST(t AS TEXT) FROM {schema}.{table} AS t"), &[]).unwrap();
                    lines.extend(
                        rows.iter().map(|row| format!("{table}|{}", row.get::<_, String>(0).replace(',', "|"))),
                    );
                }
            }
        }
        lines.sort();
        lines.join("\n")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Self::Postgres { server, schema } = self {
            let dropped = postgres::Client::connect(server, NoTls)
                .and_then(|mut client| client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")));
            if let Err(error) = dropped {
                eprintln!("{schema} is left behind: {error}");
            }
        }
    }
}

/// Noon of an invented day, so many minutes later.
fn at(minutes: i64) -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn employee(id: u64) -> EmployeeId {
    EmployeeId(id)
}

fn ada() -> Who {
    Who { user: "ada".into(), host: "host-a".into() }
}

fn start(state: &State, minutes: i64) -> RunId {
    start_for(state, minutes, &["desk"])
}

fn start_for(state: &State, minutes: i64, targets: &[&str]) -> RunId {
    let as_of = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    let by = &ada();
    state.start_run(&RunStart { at: at(minutes), command: "sync --yes", as_of, tool: "0.1.0", by, targets }).unwrap()
}

fn link(id: u64, account: &str) -> Link {
    Link {
        employee: employee(id),
        account: AccountId::from(account),
        origin: Origin::Matched,
        created_at: at(0),
        verified_at: at(0),
    }
}

fn intent(state: &State, op: Op, id: u64) -> StoredIntent {
    StoredIntent {
        employee: Some(employee(id)),
        account: (op != Op::Create).then(|| AccountId::from(format!("a{id}"))),
        op,
        fields: vec!["first_name".into(), "emails[type eq \"work\"].value".into()],
        fingerprint: state.hasher().fingerprint("intent", [id.to_string().as_str()]),
        from: None,
    }
}

fn job(id: u64, status: JobStatus) -> NewJob {
    NewJob {
        target: "desk".into(),
        employee: employee(id),
        name: None,
        ops: vec![Op::Update],
        fields: vec!["job_title".into()],
        status,
        code: None,
        error: None,
        advice: None,
        steps: vec![Step { method: "PUT".into(), path: format!("/api/v2/requesters/9{id}").into(), status: Some(200) }],
        workflows: Vec::new(),
    }
}

/// The end of a run of all of a target in which these employees needed nothing.
/// What the source was sent in the runs of these tests.
const SENT: Requests = Requests { reads: 4, looks: 1, writes: 0 };

fn end_of(state: &State, target: &str, unchanged: &[u64]) -> TargetEnd {
    TargetEnd {
        target: target.into(),
        identity: "freshservice:acme.freshservice.com".into(),
        ok: true,
        unread: None,
        in_line: Some(InLine { people: unchanged.iter().copied().map(EmployeeId).collect(), ..InLine::default() }),
        whole: true,
        all_made: true,
        in_sync: unchanged.len() as u64,
        unchanged: unchanged.iter().copied().map(EmployeeId).collect(),
        written: Vec::new(),
        unstored: Vec::new(),
        section: state.hasher().fingerprint("section", ["one"]),
        scope: Some(state.hasher().fingerprint("scope", ["one"])),
        tasks: 0,
        requests: None,
    }
}

fn finish(state: &State, run: RunId, minutes: i64, target: TargetEnd, jobs: &[NewJob]) {
    let targets = [target];
    let end = RunEnd {
        run,
        at: at(minutes),
        exit_code: 0,
        period: "2026-11",
        source_requests: SENT,
        targets: &targets,
        jobs,
    };
    state.finish_run(&end).unwrap();
}
