//! One way to speak to two databases, so that each query is written once.
//!
//! The common dialect: `?` for parameters, every column BIGINT or TEXT, times as milliseconds since 1970 (UTC),
//! lists as JSON. Both databases know `ON CONFLICT … DO UPDATE`, `RETURNING`, `UPDATE … FROM` and partial indexes.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::employee::EmployeeId;
use crate::field::AccountId;

use super::lock::LockKind;
use super::{Fingerprint, StateError};

/// So many rows are made ready to be written at a time.
pub(super) const ROWS_AT_ONCE: usize = 1_024;

/// A parameter of a query.
#[derive(Clone, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
}

/// A row of an answer.
pub(super) trait Row {
    /// The number in a column; `None` for NULL.
    fn int(&self, column: usize) -> Result<Option<i64>, StateError>;
    /// The text in a column; `None` for NULL.
    fn text(&self, column: usize) -> Result<Option<&str>, StateError>;
    /// The error for a row that does not hold what this tool writes.
    fn unreadable(&self, column: usize) -> StateError;

    fn number(&self, column: usize) -> Result<i64, StateError> {
        self.int(column)?.ok_or_else(|| self.unreadable(column))
    }

    fn count(&self, column: usize) -> Result<u64, StateError> {
        Ok(u64::try_from(self.number(column)?).unwrap_or(0))
    }

    fn word(&self, column: usize) -> Result<&str, StateError> {
        self.text(column)?.ok_or_else(|| self.unreadable(column))
    }

    fn optional_word(&self, column: usize) -> Result<Option<Box<str>>, StateError> {
        Ok(self.text(column)?.map(Box::from))
    }

    fn optional_time(&self, column: usize) -> Result<Option<DateTime<Utc>>, StateError> {
        let Some(millis) = self.int(column)? else { return Ok(None) };
        DateTime::from_timestamp_millis(millis).map(Some).ok_or_else(|| self.unreadable(column))
    }

    fn time(&self, column: usize) -> Result<DateTime<Utc>, StateError> {
        self.optional_time(column)?.ok_or_else(|| self.unreadable(column))
    }

    fn employee(&self, column: usize) -> Result<EmployeeId, StateError> {
        Ok(EmployeeId(self.number(column)?.cast_unsigned()))
    }

    fn words(&self, column: usize) -> Result<Vec<Box<str>>, StateError> {
        serde_json::from_str(self.word(column)?).map_err(|_| self.unreadable(column))
    }
}

/// What is done with each row of an answer.
pub(super) type EachRow<'a> = &'a mut dyn FnMut(&dyn Row) -> Result<(), StateError>;

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Several reads that belong together.
    Read,
    /// Writes that are all made or none; durable when it ends.
    Write,
    /// Writes to the tables themselves; others that would do the same wait.
    Migrate,
}

/// A connection to a database. Used by one thread at a time.
pub(super) trait Database: Send {
    /// Path or server, for messages; no password.
    fn location(&self) -> &str;
    /// Replaces the words in braces of [`super::schema`] by this database's spelling.
    fn spell(&self, script: &str) -> String;
    /// Whether a table of this name exists.
    fn has_table(&mut self, name: &str) -> Result<bool, StateError>;
    /// Whether there is any table at all.
    fn is_empty(&mut self) -> Result<bool, StateError>;
    /// Runs several statements without parameters.
    fn script(&mut self, script: &str) -> Result<(), StateError>;
    /// Runs a statement; the number of rows it touched.
    fn execute(&mut self, sql: &str, cells: &[Cell<'_>]) -> Result<u64, StateError>;
    fn query(&mut self, sql: &str, cells: &[Cell<'_>], each: EachRow<'_>) -> Result<(), StateError>;
    /// Runs a statement for many rows: `{rows}` in it stands for `(…), (…)`. `kinds` has a letter for each
    /// column: `i` for a number, `t` for a text. No two rows may have the same key.
    fn write_rows(&mut self, sql: &str, kinds: &str, cells: &[Cell<'_>]) -> Result<(), StateError>;
    /// Begins a transaction; connects again first when the connection was lost.
    fn begin(&mut self, purpose: Purpose) -> Result<(), StateError>;
    fn commit(&mut self) -> Result<(), StateError>;
    /// Leaves no trace of it; does nothing when there is none.
    fn rollback(&mut self);
    /// Called after rows were erased for good: nothing of them may linger outside the tables.
    fn scrub(&mut self) -> Result<(), StateError>;
    /// Where its locks are: on a server, on a connection of their own.
    fn lock_kind(&mut self) -> Result<LockKind, StateError>;
    /// Lets writes fail from now on.
    #[cfg(test)]
    fn break_down(&mut self, fault: super::tests::Fault);
}

/// Does something in a transaction.
pub(super) fn within<T>(
    database: &mut dyn Database,
    purpose: Purpose,
    work: impl FnOnce(&mut dyn Database) -> Result<T, StateError>,
) -> Result<T, StateError> {
    database.begin(purpose)?;
    let result = work(database).and_then(|value| database.commit().map(|()| value));
    if result.is_err() {
        database.rollback();
    }
    result
}

/// The first row of an answer, if there is one.
pub(super) fn first<T>(
    database: &mut dyn Database,
    sql: &str,
    cells: &[Cell<'_>],
    mut read: impl FnMut(&dyn Row) -> Result<T, StateError>,
) -> Result<Option<T>, StateError> {
    let mut found = None;
    database.query(sql, cells, &mut |row| {
        if found.is_none() {
            found = Some(read(row)?);
        }
        Ok(())
    })?;
    Ok(found)
}

/// All rows of an answer.
pub(super) fn all<T>(
    database: &mut dyn Database,
    sql: &str,
    cells: &[Cell<'_>],
    mut read: impl FnMut(&dyn Row) -> Result<T, StateError>,
) -> Result<Vec<T>, StateError> {
    let mut found = Vec::new();
    database.query(sql, cells, &mut |row| {
        found.push(read(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// A list of words, as it is stored.
pub(super) fn json(words: &[impl AsRef<str>]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    serde_json::to_string(&words).expect("a list of words is JSON")
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Cell<'_> {
    fn from(count: u64) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Cell<'_> {
    fn from(yes: bool) -> Self {
        Self::Int(i64::from(yes))
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a Box<str>> for Cell<'a> {
    fn from(text: &'a Box<str>) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<EmployeeId> for Cell<'_> {
    fn from(id: EmployeeId) -> Self {
        Self::Int(id.0.cast_signed())
    }
}

impl From<DateTime<Utc>> for Cell<'_> {
    fn from(time: DateTime<Utc>) -> Self {
        Self::Int(time.timestamp_millis())
    }
}

impl<'a> From<&'a AccountId> for Cell<'a> {
    fn from(id: &'a AccountId) -> Self {
        Self::Text(Cow::Borrowed(&id.0))
    }
}

impl<'a> From<&'a Fingerprint> for Cell<'a> {
    fn from(fingerprint: &'a Fingerprint) -> Self {
        Self::Text(Cow::Borrowed(fingerprint.as_str()))
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
