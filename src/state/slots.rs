use chrono::{DateTime, Utc};

use super::sql;
use super::{State, StateError};

/// A slot of the calendar that had its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledSlot {
    pub begins: DateTime<Utc>,
    /// `every` of the target at that time.
    pub every: Box<str>,
}

impl State {
    /// The slots of a target that had their run, the oldest first.
    pub fn slots(&self, target: &str) -> Result<Vec<FilledSlot>, StateError> {
        self.read(|database| {
            let query = "SELECT begins, every FROM slots WHERE target = ? ORDER BY begins";
            sql::all(database, query, &[target.into()], |row| {
                Ok(FilledSlot { begins: row.time(0)?, every: row.word(1)?.into() })
            })
        })
    }

    /// Remembers that a slot had its run, and forgets those that began before `worth_a_look`. Slots that seem to come
    /// later are forgotten as well: the clock was set back.
    pub fn fill_slot(&self, target: &str, slot: &FilledSlot, worth_a_look: DateTime<Utc>) -> Result<(), StateError> {
        self.write(|database| {
            database.execute(
                "DELETE FROM slots WHERE target = ? AND (begins < ? OR begins > ?)",
                &[target.into(), worth_a_look.into(), slot.begins.into()],
            )?;
            database.execute(
                "INSERT INTO slots (target, begins, every) VALUES (?, ?, ?)
                 ON CONFLICT (target, begins) DO UPDATE SET every = excluded.every",
                &[target.into(), slot.begins.into(), (&slot.every).into()],
            )?;
            Ok(())
        })
    }
}
