use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::records::{Confirmed, LedgerEntry, OnceKind, OnceOnly, PeriodTasks};
use super::sql::{self, Cell, Database};
use super::{State, StateError};

impl State {
    /// Records that something is about to be done that must never be done twice. Only those for which `true` comes
    /// back may be sent; the others were begun before, by this run or another.
    ///
    /// # Errors
    ///
    /// When the state cannot be written. Nothing may be sent then.
    pub fn open_once(&self, what: &[OnceOnly], at: DateTime<Utc>) -> Result<Vec<bool>, StateError> {
        self.write(|database| {
            let mut fresh = Vec::with_capacity(what.len());
            for one in what {
                let rows = database.execute(
                    "INSERT INTO ledger (target, kind, employee, action, state, opened_at)
                     VALUES (?, ?, ?, ?, 'open', ?) ON CONFLICT DO NOTHING",
                    &[
                        (&one.target).into(),
                        one.once.kind().word().as_str().into(),
                        one.employee.into(),
                        one.once.action().as_str().into(),
                        at.into(),
                    ],
                )?;
                fresh.push(rows == 1);
            }
            Ok(fresh)
        })
    }

    /// Records that it is done.
    pub fn close_once(&self, what: &OnceOnly, external_id: Option<&str>, at: DateTime<Utc>) -> Result<(), StateError> {
        self.write(|database| {
            database.execute(
                "UPDATE ledger SET state = 'done', closed_at = ?, external_id = ?
                 WHERE target = ? AND kind = ? AND employee = ? AND action = ?",
                &[
                    at.into(),
                    external_id.into(),
                    (&what.target).into(),
                    what.once.kind().word().as_str().into(),
                    what.employee.into(),
                    what.once.action().as_str().into(),
                ],
            )?;
            Ok(())
        })
    }

    /// Records that it certainly was not done, so that it may be tried again. What is done stays done.
    pub fn release_once(&self, what: &OnceOnly) -> Result<(), StateError> {
        self.write(|database| {
            database.execute(
                "DELETE FROM ledger WHERE target = ? AND kind = ? AND employee = ? AND action = ? AND state = 'open'",
                &[
                    (&what.target).into(),
                    what.once.kind().word().as_str().into(),
                    what.employee.into(),
                    what.once.action().as_str().into(),
                ],
            )?;
            Ok(())
        })
    }

    /// Everything of one sort that was begun or done in a target, sorted.
    pub fn ledger(&self, target: &str, kind: OnceKind<'_>) -> Result<Vec<LedgerEntry>, StateError> {
        let query =
            "SELECT employee, action, opened_at, closed_at, external_id FROM ledger WHERE target = ? AND kind = ?";
        let word = kind.word();
        let entries: Vec<Option<LedgerEntry>> = self.read(|database| {
            sql::all(database, query, &[target.into(), word.as_str().into()], |row| {
                let Some(once) = kind.read(row.word(1)?) else { return Ok(None) };
                Ok(Some(LedgerEntry {
                    what: OnceOnly { target: target.into(), employee: row.employee(0)?, once },
                    opened_at: row.time(2)?,
                    closed_at: row.optional_time(3)?,
                    external_id: row.optional_word(4)?,
                }))
            })
        })?;
        let mut entries: Vec<LedgerEntry> = entries.into_iter().flatten().collect();
        entries.sort_by(|one, other| one.what.cmp(&other.what));
        Ok(entries)
    }

    /// Counts calls made to a target.
    #[cfg(test)]
    pub(super) fn add_tasks(&self, period: &str, target: &str, tasks: u64) -> Result<(), StateError> {
        self.write(|database| add_tasks(database, period, target, tasks))
    }

    /// The calls made to each target in a period, a day or the beginning of one (`2026-11`), sorted by target. Earlier
    /// versions counted by the period of the budget.
    pub fn tasks(&self, period: &str) -> Result<Vec<(Box<str>, u64)>, StateError> {
        let query = "SELECT target, tasks FROM budget WHERE period LIKE ?";
        let within = format!("{period}%");
        let rows: Vec<(Box<str>, u64)> = self.read(|database| {
            sql::all(database, query, &[within.as_str().into()], |row| Ok((row.word(0)?.into(), row.count(1)?)))
        })?;
        let mut tasks: BTreeMap<Box<str>, u64> = BTreeMap::new();
        for (target, calls) in rows {
            *tasks.entry(target).or_default() += calls;
        }
        Ok(tasks.into_iter().collect())
    }

    /// The calls made to each target on each day from one on (`2026-11-01`), or in each period of which earlier versions
    /// kept no more (`2026-11`); sorted by period.
    pub fn tasks_since(&self, period: &str) -> Result<Vec<PeriodTasks>, StateError> {
        let query = "SELECT period, target, tasks FROM budget WHERE period >= ?";
        let mut found: Vec<PeriodTasks> = self.read(|database| {
            sql::all(database, query, &[period.into()], |row| {
                Ok(PeriodTasks { period: row.word(0)?.into(), target: row.word(1)?.into(), tasks: row.count(2)? })
            })
        })?;
        found.sort_by(|one, other| (&one.period, &one.target).cmp(&(&other.period, &other.target)));
        Ok(found)
    }

    /// Remembers what a person confirmed: ids, hashes and settings of the file, no values of employees.
    pub fn confirm(&self, kind: &str, target: &str, content: &str, at: DateTime<Utc>) -> Result<(), StateError> {
        self.write(|database| {
            database.execute(
                "INSERT INTO confirmed (kind, target, content, at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (kind, target) DO UPDATE SET content = excluded.content, at = excluded.at",
                &[kind.into(), target.into(), content.into(), at.into()],
            )?;
            Ok(())
        })
    }

    /// What a person confirmed last.
    pub fn confirmed(&self, kind: &str, target: &str) -> Result<Option<Confirmed>, StateError> {
        let query = "SELECT content, at FROM confirmed WHERE kind = ? AND target = ?";
        self.read(|database| {
            sql::first(database, query, &[kind.into(), target.into()], |row| {
                Ok(Confirmed { content: row.word(0)?.into(), at: row.time(1)? })
            })
        })
    }
}

pub(super) fn add_tasks(database: &mut dyn Database, period: &str, target: &str, tasks: u64) -> Result<(), StateError> {
    let cells: [Cell<'_>; 3] = [period.into(), target.into(), tasks.into()];
    database.execute(
        "INSERT INTO budget (period, target, tasks) VALUES (?, ?, ?)
         ON CONFLICT (period, target) DO UPDATE SET tasks = budget.tasks + excluded.tasks",
        &cells,
    )?;
    Ok(())
}
