//! What was written to an account within a day, which the limits for a day count.
//!
//! It belongs to the account, not to the name that the file gives the target: a limit would begin anew with each new
//! name otherwise. And it outlasts the history, however soon that is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::employee::EmployeeId;
use crate::plan::Op;

use super::records::{self, JournalId, StoredIntent};
use super::sql::{self, Cell, Database};
use super::{State, StateError};

/// The window of the limits.
const DAY: TimeDelta = TimeDelta::hours(24);

/// Whose field was overwritten, by the field's name.
pub type Overwritten = BTreeMap<Box<str>, BTreeSet<EmployeeId>>;

impl State {
    /// Writes of the last 24 hours to an account, by [`Op`], those that are certain to have failed left out.
    pub fn written_lately(&self, identity: &str, now: DateTime<Utc>) -> Result<BTreeMap<Op, u64>, StateError> {
        self.read(|database| writes(database, identity, now))
    }

    /// Records that values of these employees are about to be overwritten in the account behind a target.
    ///
    /// # Errors
    ///
    /// When the state cannot be written. Nothing may be sent then.
    pub fn note_overwritten(
        &self,
        target: &str,
        fields: &BTreeSet<(&str, EmployeeId)>,
        at: DateTime<Utc>,
    ) -> Result<(), StateError> {
        if fields.is_empty() {
            return Ok(());
        }
        self.write(|database| {
            let identity = account_of(database, target)?;
            let cells: Vec<Cell<'_>> = fields
                .iter()
                .flat_map(|(field, employee)| {
                    [identity.as_str().into(), (*field).into(), (*employee).into(), at.into()]
                })
                .collect();
            database.write_rows(
                "INSERT INTO overwritten (identity, field, employee, at) VALUES {rows}
                 ON CONFLICT (identity, field, employee) DO UPDATE SET at = excluded.at",
                "ttii",
                &cells,
            )
        })
    }

    /// Whose values were overwritten in an account in the last 24 hours.
    pub fn overwritten_lately(&self, identity: &str, now: DateTime<Utc>) -> Result<Overwritten, StateError> {
        let query = "SELECT field, employee FROM overwritten WHERE identity = ? AND at > ?";
        let rows = self.read(|database| {
            sql::all(database, query, &[identity.into(), (now - DAY).into()], |row| {
                Ok((Box::<str>::from(row.word(0)?), row.employee(1)?))
            })
        })?;
        let mut found = Overwritten::new();
        for (field, employee) in rows {
            found.entry(field).or_default().insert(employee);
        }
        Ok(found)
    }
}

/// The account behind a target, as it was last bound; until then the target's own name stands for it.
fn account_of(database: &mut dyn Database, target: &str) -> Result<String, StateError> {
    let query = "SELECT COALESCE(identity, target) FROM targets WHERE target = ?";
    let found = sql::first(database, query, &[target.into()], |row| Ok(row.word(0)?.to_owned()))?;
    Ok(found.unwrap_or_else(|| target.to_owned()))
}

/// Counts writes that are about to be sent.
pub(super) fn count(
    database: &mut dyn Database,
    target: &str,
    intents: &[StoredIntent],
    at: DateTime<Utc>,
) -> Result<(), StateError> {
    let mut counts = BTreeMap::<&str, u64>::new();
    for intent in intents {
        *counts.entry(intent.op.as_str()).or_default() += 1;
    }
    let identity = account_of(database, target)?;
    let cells: Vec<Cell<'_>> = counts
        .iter()
        .flat_map(|(op, count)| [identity.as_str().into(), (*op).into(), at.into(), (*count).into()])
        .collect();
    database.write_rows(
        "INSERT INTO account_writes (identity, op, at, writes) VALUES {rows}
         ON CONFLICT (identity, op, at) DO UPDATE SET writes = account_writes.writes + excluded.writes",
        "ttii",
        &cells,
    )
}

/// Takes back the count of one write that was certainly not done.
pub(super) fn take_back(database: &mut dyn Database, target: &str, id: JournalId) -> Result<(), StateError> {
    let identity = account_of(database, target)?;
    database.execute(
        "UPDATE account_writes SET writes = writes - 1 WHERE identity = ? AND writes > 0 AND EXISTS (
            SELECT 1 FROM journal WHERE journal.run = ? AND journal.position = ? AND journal.state <> 'failed'
            AND journal.target = ? AND journal.op = account_writes.op AND journal.at = account_writes.at)",
        &[identity.into(), id.run.0.into(), id.position.into(), target.into()],
    )?;
    Ok(())
}

/// The same for the account that a target was last bound to.
pub(super) fn writes_of_target(
    database: &mut dyn Database,
    target: &str,
    now: DateTime<Utc>,
) -> Result<BTreeMap<Op, u64>, StateError> {
    let identity = account_of(database, target)?;
    writes(database, &identity, now)
}

/// Counts what lies less than a day back, and everything that seems to lie ahead: after the clock was set back, writes
/// of the last hour bear a later time, and they count until a day has passed by the new clock.
fn writes(database: &mut dyn Database, identity: &str, now: DateTime<Utc>) -> Result<BTreeMap<Op, u64>, StateError> {
    let query = "SELECT op, CAST(SUM(writes) AS BIGINT) FROM account_writes WHERE identity = ? AND at > ? GROUP BY op";
    let counts = sql::all(database, query, &[identity.into(), (now - DAY).into()], |row| {
        Ok((records::op(row.word(0)?).ok_or_else(|| row.unreadable(0))?, row.count(1)?))
    })?;
    Ok(counts.into_iter().collect())
}

/// Forgets what is older than the history that is kept, and never anything of the last day.
pub(super) fn prune(database: &mut dyn Database, before: DateTime<Utc>) -> Result<(), StateError> {
    for table in ["account_writes", "overwritten"] {
        database.execute(&format!("DELETE FROM {table} WHERE at < ?"), &[(before - DAY).into()])?;
    }
    Ok(())
}

/// Puts a number that is nobody's in place of an employee's, so that forgetting people makes no room for more.
pub(super) fn forget_overwritten(database: &mut dyn Database, employee: EmployeeId) -> Result<(), StateError> {
    let lowest = "SELECT COALESCE(MIN(employee), 0) FROM overwritten";
    let lowest = sql::first(database, lowest, &[], |row| row.number(0))?.unwrap_or(0);
    database.execute(
        "UPDATE overwritten SET employee = ? WHERE employee = ?",
        &[(lowest.min(0) - 1).into(), employee.into()],
    )?;
    Ok(())
}
