//! What a run that reads changes alone rests on: the last run of a target that read everything and came to its end, and
//! the records that were looked at since.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::employee::EmployeeId;

use super::sql::{self, Cell, Database};
use super::{Fingerprint, RunId, State, StateError, journal};

/// The last run of a target that read everything and came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompleteRun {
    pub run: RunId,
    /// When it began: what changed from then on it may not have seen.
    pub began: DateTime<Utc>,
    /// Of the parts of the file that it went by.
    pub file: Fingerprint,
    /// How many accounts in use were those of an employee.
    pub linked: u64,
}

impl State {
    /// The last run of a target that read everything; `None` when there was none, or somebody decided something since
    /// that needs another.
    pub fn complete_run(&self, target: &str) -> Result<Option<CompleteRun>, StateError> {
        self.read(|database| {
            let query = "SELECT run, began, file, linked FROM complete_runs WHERE target = ?";
            sql::first(database, query, &[target.into()], |row| {
                Ok(CompleteRun {
                    run: RunId(row.number(0)?),
                    began: row.time(1)?,
                    file: Fingerprint::stored(row.word(2)?),
                    linked: row.count(3)?,
                })
            })
        })
    }

    /// Whether this run or a later one began a write of which nobody knows what became, and which is not known to take its time.
    pub fn interrupted_since(&self, target: &str, run: RunId) -> Result<bool, StateError> {
        let open = self.read(|database| journal::open_intents(database, target))?;
        Ok(open.iter().any(|entry| !entry.pending && entry.id.run >= run))
    }

    pub fn note_complete_run(&self, target: &str, run: &CompleteRun) -> Result<(), StateError> {
        self.write(|database| {
            database.execute(
                "INSERT INTO complete_runs (target, run, began, file, linked) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (target) DO UPDATE SET run = excluded.run, began = excluded.began, file = excluded.file,
                    linked = excluded.linked",
                &[target.into(), run.run.0.into(), run.began.into(), (&run.file).into(), run.linked.into()],
            )?;
            Ok(())
        })
    }

    /// The records of employees as they were when they were last looked at.
    pub fn looked_at(&self, target: &str) -> Result<BTreeMap<EmployeeId, Fingerprint>, StateError> {
        self.read(|database| {
            let query = "SELECT employee, record FROM looked_at WHERE target = ?";
            let found = sql::all(database, query, &[target.into()], |row| {
                Ok((row.employee(0)?, Fingerprint::stored(row.word(1)?)))
            })?;
            Ok(found.into_iter().collect())
        })
    }

    /// Keeps records that were looked at, and forgets those that were not for so long that nobody asks for them again.
    pub fn note_looked_at(
        &self,
        target: &str,
        records: &BTreeMap<EmployeeId, Fingerprint>,
        at: DateTime<Utc>,
        worth_a_look: DateTime<Utc>,
    ) -> Result<(), StateError> {
        self.write(|database| {
            database
                .execute("DELETE FROM looked_at WHERE target = ? AND at < ?", &[target.into(), worth_a_look.into()])?;
            let cells: Vec<Cell<'_>> = records
                .iter()
                .flat_map(|(employee, record)| [target.into(), (*employee).into(), record.into(), at.into()])
                .collect();
            database.write_rows(
                "INSERT INTO looked_at (target, employee, record, at) VALUES {rows}
                 ON CONFLICT (target, employee) DO UPDATE SET record = excluded.record, at = excluded.at",
                "titi",
                &cells,
            )
        })
    }

    /// Forgets that these were looked at, or everybody: their accounts are about to be changed.
    pub fn forget_looked_at(&self, target: &str, whom: Option<&[EmployeeId]>) -> Result<(), StateError> {
        self.write(|database| {
            let Some(whom) = whom else {
                database.execute("DELETE FROM looked_at WHERE target = ?", &[target.into()])?;
                return Ok(());
            };
            for employee in whom {
                let query = "DELETE FROM looked_at WHERE target = ? AND employee = ?";
                database.execute(query, &[target.into(), (*employee).into()])?;
            }
            Ok(())
        })
    }
}

/// Something was decided that only a run that reads everything can act on.
pub(super) fn ask_for_everything(database: &mut dyn Database, target: &str) -> Result<(), StateError> {
    for table in ["complete_runs", "looked_at"] {
        database.execute(&format!("DELETE FROM {table} WHERE target = ?"), &[target.into()])?;
    }
    Ok(())
}
