//! What needs a hand, and what fails: since when, how often, and what somebody said is done.

use chrono::{DateTime, Utc};

use super::history::who;
use super::records::Who;
use super::sql::{self, Cell, Database, Row};
use super::{Fingerprint, State, StateError, StoredFact};

/// A fact that stays in the list until a run sees that it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Todo {
    /// What people call it by: never that of another one.
    pub number: i64,
    pub fact: StoredFact,
    /// What the employee is called, where the file lets names be kept.
    pub name: Option<Box<str>>,
    /// What runs say of it, without values; may be empty.
    pub detail: Box<str>,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    /// How many runs saw it.
    pub times: u64,
    /// When somebody said that it is done, and who. A fact that changes is a new one.
    pub done: Option<(DateTime<Utc>, Who)>,
}

/// The same as a run has just seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenTodo {
    pub fact: StoredFact,
    pub name: Option<Box<str>>,
    pub detail: Box<str>,
    /// Of all that is said of it, its values included.
    pub fingerprint: Fingerprint,
}

impl State {
    /// Keeps what a run saw, and takes out what it saw to be over. What was marked as done and is another matter now is
    /// there again, with a new number.
    pub fn keep_todos(
        &self,
        seen: &[SeenTodo],
        is_over: impl Fn(&StoredFact) -> bool,
        at: DateTime<Utc>,
    ) -> Result<(), StateError> {
        self.write(|database| {
            for known in todos(database)? {
                if is_over(&known.fact) {
                    database.execute("DELETE FROM todos WHERE id = ?", &[known.number.into()])?;
                }
            }
            seen.iter().try_for_each(|one| keep(database, one, at))
        })
    }

    /// All of it, what is done but still so included, by number.
    pub fn todos(&self) -> Result<Vec<Todo>, StateError> {
        self.read(todos)
    }

    /// Marks as done what has these numbers.
    pub fn mark_done(&self, numbers: &[i64], at: DateTime<Utc>, by: &Who) -> Result<(), StateError> {
        self.write(|database| {
            for number in numbers {
                database.execute(
                    "UPDATE todos SET done_at = ?, done_user = ?, done_host = ? WHERE id = ? AND done_at IS NULL",
                    &[at.into(), (&by.user).into(), (&by.host).into(), (*number).into()],
                )?;
            }
            Ok(())
        })
    }
}

fn keep(database: &mut dyn Database, seen: &SeenTodo, at: DateTime<Utc>) -> Result<(), StateError> {
    let SeenTodo { fact: StoredFact { topic, target, code, subject }, name, detail, fingerprint } = seen;
    let fact: [Cell<'_>; 4] = [topic.into(), target.into(), code.into(), subject.into()];
    let it = "topic = ? AND target = ? AND code = ? AND subject = ?";
    let done_before = format!("DELETE FROM todos WHERE {it} AND done_at IS NOT NULL AND fingerprint <> ?");
    database.execute(&done_before, &[&fact[..], &[fingerprint.into()]].concat())?;
    let said: [Cell<'_>; 4] = [name.as_ref().into(), detail.into(), fingerprint.into(), at.into()];
    let again =
        format!("UPDATE todos SET name = ?, detail = ?, fingerprint = ?, last_seen = ?, times = times + 1 WHERE {it}");
    if database.execute(&again, &[&said[..], &fact[..]].concat())? == 0 {
        database.execute(
            "INSERT INTO todos (topic, target, code, subject, name, detail, fingerprint, last_seen, first_seen, times)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            &[&fact[..], &said[..], &[at.into()]].concat(),
        )?;
    }
    Ok(())
}

fn todos(database: &mut dyn Database) -> Result<Vec<Todo>, StateError> {
    let query =
        "SELECT id, topic, target, code, subject, name, detail, first_seen, last_seen, times, done_at, done_user,
            done_host
         FROM todos ORDER BY id";
    sql::all(database, query, &[], |row| {
        Ok(Todo {
            number: row.number(0)?,
            fact: StoredFact {
                topic: row.word(1)?.into(),
                target: row.word(2)?.into(),
                code: row.word(3)?.into(),
                subject: row.word(4)?.into(),
            },
            name: row.optional_word(5)?,
            detail: row.word(6)?.into(),
            first_seen: row.time(7)?,
            last_seen: row.time(8)?,
            times: row.count(9)?,
            done: done(row, 10)?,
        })
    })
}

fn done(row: &dyn Row, column: usize) -> Result<Option<(DateTime<Utc>, Who)>, StateError> {
    Ok(row.optional_time(column)?.zip(who(row, column + 1)?))
}

/// Erases what is about an employee.
pub(super) fn forget(database: &mut dyn Database, employee: &str) -> Result<(), StateError> {
    database.execute("DELETE FROM todos WHERE subject = ?", &[employee.into()])?;
    Ok(())
}
