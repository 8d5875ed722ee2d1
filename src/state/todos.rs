//! What needs a hand, and what fails: since when, how often, and what somebody said is done.

use std::collections::BTreeSet;

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
            let is_another = |known: &Known| {
                let Some(done_as) = &known.done_as else { return false };
                seen.iter().any(|one| one.fact == known.fact && one.fingerprint.as_str() != &**done_as)
            };
            let (gone, stays): (Vec<Known>, Vec<Known>) =
                known(database)?.into_iter().partition(|known| is_over(&known.fact) || is_another(known));
            let stays: BTreeSet<StoredFact> = stays.into_iter().map(|known| known.fact).collect();
            let (again, new): (Vec<&SeenTodo>, Vec<&SeenTodo>) = seen.iter().partition(|one| stays.contains(&one.fact));
            let gone: Vec<Cell<'_>> = gone.iter().map(|known| known.number.into()).collect();
            database.write_rows("DELETE FROM todos WHERE id IN (VALUES {rows})", "i", &gone)?;
            database.write_rows(AGAIN, ROW, &rows(&again, at))?;
            database.write_rows(NEW, ROW, &rows(&new, at))
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

/// What is known and seen again. Both databases call the columns of values so.
const AGAIN: &str = "
    UPDATE todos SET name = seen.column5, detail = seen.column6, fingerprint = seen.column7, last_seen = seen.column8,
        times = todos.times + 1
    FROM (VALUES {rows}) AS seen
    WHERE todos.topic = seen.column1 AND todos.target = seen.column2 AND todos.code = seen.column3
        AND todos.subject = seen.column4";

const NEW: &str = "
    INSERT INTO todos (topic, target, code, subject, name, detail, fingerprint, first_seen, last_seen, times)
    SELECT column1, column2, column3, column4, column5, column6, column7, column8, column8, 1
    FROM (VALUES {rows}) AS seen";

/// What stands in a column of a row.
const ROW: &str = "ttttttti";

fn rows<'s>(seen: &[&'s SeenTodo], at: DateTime<Utc>) -> Vec<Cell<'s>> {
    let row = |seen: &&'s SeenTodo| -> [Cell<'s>; 8] {
        let SeenTodo { fact: StoredFact { topic, target, code, subject }, name, detail, fingerprint } = *seen;
        [
            topic.into(),
            target.into(),
            code.into(),
            subject.into(),
            name.as_ref().into(),
            detail.into(),
            fingerprint.into(),
            at.into(),
        ]
    };
    seen.iter().flat_map(row).collect()
}

/// What tells whether a fact that is seen now is there already.
struct Known {
    number: i64,
    fact: StoredFact,
    /// The fingerprint of what somebody said is done.
    done_as: Option<Box<str>>,
}

fn known(database: &mut dyn Database) -> Result<Vec<Known>, StateError> {
    let query = "SELECT id, topic, target, code, subject, CASE WHEN done_at IS NULL THEN NULL ELSE fingerprint END
         FROM todos";
    sql::all(database, query, &[], |row| {
        Ok(Known { number: row.number(0)?, fact: fact(row, 1)?, done_as: row.optional_word(5)? })
    })
}

fn fact(row: &dyn Row, column: usize) -> Result<StoredFact, StateError> {
    Ok(StoredFact {
        topic: row.word(column)?.into(),
        target: row.word(column + 1)?.into(),
        code: row.word(column + 2)?.into(),
        subject: row.word(column + 3)?.into(),
    })
}

fn todos(database: &mut dyn Database) -> Result<Vec<Todo>, StateError> {
    let query =
        "SELECT id, topic, target, code, subject, name, detail, first_seen, last_seen, times, done_at, done_user,
            done_host
         FROM todos ORDER BY id";
    sql::all(database, query, &[], |row| {
        Ok(Todo {
            number: row.number(0)?,
            fact: fact(row, 1)?,
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
