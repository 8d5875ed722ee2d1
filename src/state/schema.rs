//! The tables. Ids, keyed hashes, field names and outcomes; no value of an employee, no secret.

use super::hash::new_key;
use super::sql::{self, Database, Purpose};
use super::{Hasher, StateError};

/// One script for each step from a schema version to the next; the first makes everything.
///
/// `{identity}` is a number that the database counts up and never gives twice; `{clustered}` asks for rows that are
/// stored in the order of their key.
const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE links (
    target TEXT NOT NULL, employee BIGINT NOT NULL, account TEXT NOT NULL, origin TEXT NOT NULL,
    created_at BIGINT NOT NULL, verified_at BIGINT NOT NULL,
    PRIMARY KEY (target, employee)) {clustered};
CREATE TABLE runs (
    id {identity}, started_at BIGINT NOT NULL, finished_at BIGINT, exit_code BIGINT,
    command TEXT NOT NULL, as_of TEXT NOT NULL, tool TEXT NOT NULL);
CREATE TABLE run_targets (
    run BIGINT NOT NULL, target TEXT NOT NULL, finished_at BIGINT NOT NULL, ok BIGINT NOT NULL, whole BIGINT NOT NULL,
    in_sync BIGINT NOT NULL, succeeded BIGINT NOT NULL, failed BIGINT NOT NULL, held BIGINT NOT NULL,
    skipped BIGINT NOT NULL, not_attempted BIGINT NOT NULL, tasks BIGINT NOT NULL,
    PRIMARY KEY (run, target)) {clustered};
CREATE TABLE jobs (
    run BIGINT NOT NULL, number BIGINT NOT NULL, target TEXT NOT NULL, employee BIGINT NOT NULL, name TEXT,
    ops TEXT NOT NULL, fields TEXT NOT NULL, status TEXT NOT NULL, code TEXT, error TEXT, advice TEXT,
    steps TEXT NOT NULL, acknowledged_until BIGINT, acknowledged_reason TEXT,
    PRIMARY KEY (run, number)) {clustered};
CREATE INDEX jobs_of_employee ON jobs (employee, target);
CREATE INDEX jobs_failed ON jobs (target) WHERE status = 'failed';
CREATE TABLE journal (
    run BIGINT NOT NULL, position BIGINT NOT NULL, target TEXT NOT NULL, employee BIGINT, account TEXT,
    op TEXT NOT NULL, fields TEXT NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL, code TEXT,
    at BIGINT NOT NULL, settled_at BIGINT,
    PRIMARY KEY (run, position)) {clustered};
CREATE INDEX journal_open ON journal (target) WHERE state IN ('open', 'unknown');
CREATE TABLE recent_writes (
    target TEXT NOT NULL, op TEXT NOT NULL, at BIGINT NOT NULL, writes BIGINT NOT NULL,
    PRIMARY KEY (target, op, at)) {clustered};
CREATE TABLE targets (
    target TEXT NOT NULL PRIMARY KEY, identity TEXT, first_completed_at BIGINT, last_started BIGINT,
    last_finished BIGINT, last_ok BIGINT, section TEXT, scope TEXT,
    seen_run BIGINT NOT NULL, seen_at BIGINT NOT NULL, seen TEXT NOT NULL);
CREATE TABLE last_seen (
    target TEXT NOT NULL, employee BIGINT NOT NULL, run BIGINT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (target, employee)) {clustered};
CREATE TABLE repeats (
    target TEXT NOT NULL, employee BIGINT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, writes BIGINT NOT NULL,
    first_at BIGINT NOT NULL, last_at BIGINT NOT NULL,
    PRIMARY KEY (target, employee, field)) {clustered};
CREATE TABLE unstored (
    target TEXT NOT NULL, field TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (target, field)) {clustered};
CREATE TABLE ledger (
    target TEXT NOT NULL, kind TEXT NOT NULL, employee BIGINT NOT NULL, action TEXT NOT NULL, state TEXT NOT NULL,
    opened_at BIGINT NOT NULL, closed_at BIGINT, external_id TEXT,
    PRIMARY KEY (target, kind, employee, action)) {clustered};
CREATE TABLE budget (
    period TEXT NOT NULL, target TEXT NOT NULL, tasks BIGINT NOT NULL,
    PRIMARY KEY (period, target)) {clustered};
CREATE TABLE confirmed (
    kind TEXT NOT NULL, target TEXT NOT NULL, content TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (kind, target)) {clustered};
CREATE TABLE lock_holders (
    identity TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL);
",
    "
ALTER TABLE jobs ADD COLUMN workflows TEXT NOT NULL DEFAULT '[]';
",
    "
CREATE TABLE slots (
    target TEXT NOT NULL, begins BIGINT NOT NULL, every TEXT NOT NULL,
    PRIMARY KEY (target, begins)) {clustered};
",
    "
ALTER TABLE runs ADD COLUMN by_user TEXT;
ALTER TABLE runs ADD COLUMN by_host TEXT;
ALTER TABLE jobs ADD COLUMN acknowledged_user TEXT;
ALTER TABLE jobs ADD COLUMN acknowledged_host TEXT;
ALTER TABLE jobs ADD COLUMN acknowledged_at BIGINT;
CREATE TABLE shown (
    target TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, by_user TEXT NOT NULL, by_host TEXT NOT NULL);
CREATE TABLE held (
    id {identity}, target TEXT NOT NULL, employee BIGINT, account TEXT, op TEXT NOT NULL, reason TEXT,
    fields TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, fingerprint TEXT NOT NULL, at BIGINT NOT NULL);
CREATE UNIQUE INDEX held_change ON held (target, fingerprint);
CREATE TABLE approvals (
    id {identity}, target TEXT NOT NULL, employee BIGINT, op TEXT NOT NULL, reason TEXT, fields TEXT NOT NULL,
    code TEXT NOT NULL, fingerprint TEXT NOT NULL, at BIGINT NOT NULL, by_user TEXT NOT NULL, by_host TEXT NOT NULL,
    why TEXT, expires_at BIGINT NOT NULL, used_at BIGINT, run BIGINT);
CREATE INDEX approvals_open ON approvals (target) WHERE used_at IS NULL;
CREATE INDEX approvals_of_run ON approvals (run);
",
    "
CREATE TABLE account_writes (
    identity TEXT NOT NULL, op TEXT NOT NULL, at BIGINT NOT NULL, writes BIGINT NOT NULL,
    PRIMARY KEY (identity, op, at)) {clustered};
INSERT INTO account_writes (identity, op, at, writes)
    SELECT COALESCE(targets.identity, recent_writes.target), recent_writes.op, recent_writes.at,
        CAST(SUM(recent_writes.writes) AS BIGINT)
    FROM recent_writes LEFT JOIN targets ON targets.target = recent_writes.target
    GROUP BY COALESCE(targets.identity, recent_writes.target), recent_writes.op, recent_writes.at;
DROP TABLE recent_writes;
CREATE TABLE overwritten (
    identity TEXT NOT NULL, field TEXT NOT NULL, employee BIGINT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (identity, field, employee)) {clustered};
",
    "
ALTER TABLE targets ADD COLUMN all_made_at BIGINT;
",
    "
ALTER TABLE run_targets ADD COLUMN not_in_line BIGINT NOT NULL DEFAULT 0;
",
    "
CREATE TABLE source_groups (
    attribute TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, people BIGINT NOT NULL,
    PRIMARY KEY (attribute, key)) {clustered};
CREATE TABLE source_reads (at BIGINT NOT NULL PRIMARY KEY, people TEXT NOT NULL, newest_change BIGINT);
CREATE TABLE absences (employee BIGINT NOT NULL PRIMARY KEY, since BIGINT NOT NULL, gone BIGINT);
",
    "
ALTER TABLE runs ADD COLUMN source_requests TEXT;
ALTER TABLE run_targets ADD COLUMN requests TEXT;
",
    "
CREATE TABLE told (
    channel TEXT NOT NULL, topic TEXT NOT NULL, target TEXT NOT NULL, code TEXT NOT NULL, subject TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (channel, topic, target, code, subject)) {clustered};
",
    "
CREATE TABLE complete_runs (
    target TEXT NOT NULL PRIMARY KEY, run BIGINT NOT NULL, began BIGINT NOT NULL, file TEXT NOT NULL,
    linked BIGINT NOT NULL);
CREATE TABLE looked_at (
    target TEXT NOT NULL, employee BIGINT NOT NULL, record TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (target, employee)) {clustered};
",
    "
CREATE TABLE todos (
    id {identity}, topic TEXT NOT NULL, target TEXT NOT NULL, code TEXT NOT NULL, subject TEXT NOT NULL,
    name TEXT, detail TEXT NOT NULL, fingerprint TEXT NOT NULL, first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL,
    times BIGINT NOT NULL, done_at BIGINT, done_user TEXT, done_host TEXT);
CREATE UNIQUE INDEX todos_of_fact ON todos (topic, target, code, subject);
",
    "
CREATE TABLE source_attributes (
    key TEXT NOT NULL PRIMARY KEY, label TEXT NOT NULL, kind TEXT NOT NULL, options TEXT NOT NULL);
",
    "
ALTER TABLE run_targets ADD COLUMN in_line BIGINT;
ALTER TABLE targets ADD COLUMN in_line TEXT;
ALTER TABLE targets ADD COLUMN out_of_line TEXT;
ALTER TABLE targets ADD COLUMN unmade BIGINT NOT NULL DEFAULT 0;
",
    "
ALTER TABLE run_targets ADD COLUMN unread TEXT;
",
];

/// The schema version that this version of the tool reads and writes.
const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Brings the tables up to date and returns the hasher with the state's own key.
///
/// # Errors
///
/// When the state is newer than this tool, or belongs to something else, or cannot be written.
pub(super) fn migrate(database: &mut dyn Database) -> Result<Hasher, StateError> {
    // First a look that needs no right to write. As of one moment: another process may be making the tables.
    let key = match sql::within(database, Purpose::Read, found)? {
        (KNOWN, Some(key)) => key,
        _ => sql::within(database, Purpose::Migrate, |database| upgrade(database, KNOWN))?,
    };
    Ok(Hasher::new(key.as_bytes()))
}

/// The schema version and key that are there.
fn found(database: &mut dyn Database) -> Result<(i64, Option<String>), StateError> {
    let location = database.location().to_owned();
    if !database.has_table("meta")? {
        return if database.is_empty()? { Ok((0, None)) } else { Err(StateError::Foreign { location }) };
    }
    let value = "SELECT value FROM meta WHERE name = ?";
    let version = sql::first(database, value, &["schema".into()], |row| Ok(row.word(0)?.parse::<i64>().ok()))?;
    let version = match version {
        Some(Some(version)) => version,
        Some(None) => return Err(StateError::Damaged { location, why: "its schema version is no number".into() }),
        None => return Err(StateError::Foreign { location }),
    };
    if version > KNOWN {
        return Err(StateError::Newer { location, found: version, known: KNOWN });
    }
    let key = sql::first(database, value, &["hash_key".into()], |row| Ok(row.word(0)?.to_owned()))?;
    match key {
        Some(key) => Ok((version, Some(key))),
        None => Err(StateError::Damaged { location, why: "its hash key is gone".into() }),
    }
}

/// Makes the tables as an earlier version of this tool left them.
#[cfg(test)]
pub(super) fn make_version(database: &mut dyn Database, version: i64) -> Result<(), StateError> {
    sql::within(database, Purpose::Migrate, |database| upgrade(database, version)).map(|_| ())
}

/// Runs the missing migrations. Looks again first: another process may just have done it.
fn upgrade(database: &mut dyn Database, wanted: i64) -> Result<String, StateError> {
    let (version, key) = found(database)?;
    let key = match key {
        Some(key) => key,
        None => {
            let location = database.location().to_owned();
            let key =
                new_key().map_err(|_| StateError::Failed { location, why: "no random numbers for its key".into() })?;
            database.script("CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)")?;
            let insert = "INSERT INTO meta (name, value) VALUES (?, ?)";
            database.execute(insert, &["hash_key".into(), key.as_str().into()])?;
            database.execute(insert, &["schema".into(), "0".into()])?;
            key
        }
    };
    let location = |version: i64| usize::try_from(version).unwrap_or(0);
    for migration in &MIGRATIONS[location(version)..location(wanted)] {
        let script = database.spell(migration);
        database.script(&script)?;
    }
    database.execute("UPDATE meta SET value = ? WHERE name = 'schema'", &[wanted.to_string().into()])?;
    Ok(key)
}
