//! What each channel was told of, so that nothing is told twice.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::sql::{self, Cell, Database};
use super::{State, StateError};

/// A fact as the state keeps it: that a run saw something which is so. Codes and ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredFact {
    pub topic: Box<str>,
    /// Empty where it is about a run as a whole.
    pub target: Box<str>,
    pub code: Box<str>,
    /// The id of an employee, or what else it is about; may be empty.
    pub subject: Box<str>,
}

impl State {
    /// What a channel was told of.
    pub fn told(&self, channel: &str) -> Result<BTreeSet<StoredFact>, StateError> {
        self.read(|database| {
            let query = "SELECT topic, target, code, subject FROM told WHERE channel = ?";
            let all = sql::all(database, query, &[channel.into()], |row| {
                Ok(StoredFact {
                    topic: row.word(0)?.into(),
                    target: row.word(1)?.into(),
                    code: row.word(2)?.into(),
                    subject: row.word(3)?.into(),
                })
            })?;
            Ok(all.into_iter().collect())
        })
    }

    /// Keeps what a channel was just told of, and forgets what is over.
    pub fn tell(
        &self,
        channel: &str,
        begun: &[StoredFact],
        over: &[StoredFact],
        at: DateTime<Utc>,
    ) -> Result<(), StateError> {
        self.write(|database| {
            for told in over {
                database.execute(
                    "DELETE FROM told WHERE channel = ? AND topic = ? AND target = ? AND code = ? AND subject = ?",
                    &[
                        channel.into(),
                        (&told.topic).into(),
                        (&told.target).into(),
                        (&told.code).into(),
                        (&told.subject).into(),
                    ],
                )?;
            }
            let row = |told: &StoredFact| -> [Cell<'static>; 6] {
                let word = |text: &str| Cell::from(text.to_owned());
                [word(channel), word(&told.topic), word(&told.target), word(&told.code), word(&told.subject), at.into()]
            };
            let cells: Vec<Cell<'_>> = begun.iter().collect::<BTreeSet<_>>().into_iter().flat_map(row).collect();
            database.write_rows(
                "INSERT INTO told (channel, topic, target, code, subject, at) VALUES {rows} ON CONFLICT DO NOTHING",
                "ttttti",
                &cells,
            )
        })
    }
}

/// Erases an employee from what was told.
pub(super) fn forget(database: &mut dyn Database, employee: &str) -> Result<(), StateError> {
    database.execute("DELETE FROM told WHERE subject = ?", &[employee.into()])?;
    Ok(())
}
