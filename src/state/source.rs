//! What the last good read of the source held, and who has been missing from it since when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::employee::EmployeeId;

use super::sql::{self, Cell, Database};
use super::{State, StateError, seen};

/// A company or an office of a certain size. Who belongs to it is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceGroup {
    /// The attribute that they share.
    pub attribute: Box<str>,
    /// Personio's id of the company or office, or its name where it has none.
    pub key: Box<str>,
    /// Its name, for messages.
    pub name: Box<str>,
    pub people: u64,
}

/// A custom attribute as Personio described it. No value of an employee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAttribute {
    pub key: Box<str>,
    /// The name that people see.
    pub label: Box<str>,
    /// Personio's word for its type.
    pub kind: Box<str>,
    /// What a choice may be.
    pub options: BTreeSet<Box<str>>,
}

/// What a good read of the source held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRead {
    /// Everybody, sorted.
    pub people: Vec<EmployeeId>,
    /// The larger companies and offices.
    pub groups: Vec<SourceGroup>,
    /// The custom attributes that the file reads, sorted by key.
    pub attributes: Vec<KnownAttribute>,
    /// The newest change of anybody, where the file reads that.
    pub newest_change: Option<DateTime<Utc>>,
}

/// Somebody with an account whom good reads do not hold any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The first of those reads, in a row up to now.
    pub since: DateTime<Utc>,
    /// When Personio said that there is nobody with this id.
    pub gone: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMemory {
    /// The last good read; `None` before the first.
    pub last: Option<SourceRead>,
    pub absences: BTreeMap<EmployeeId, Absence>,
}

impl State {
    pub fn source(&self) -> Result<SourceMemory, StateError> {
        self.read(|database| {
            let absences = sql::all(database, "SELECT employee, since, gone FROM absences", &[], |row| {
                Ok((row.employee(0)?, Absence { since: row.time(1)?, gone: row.optional_time(2)? }))
            })?;
            let mut last = sql::first(database, "SELECT people, newest_change FROM source_reads", &[], |row| {
                let people = seen::decode(row.word(0)?).unwrap_or_default();
                Ok(SourceRead { people, newest_change: row.optional_time(1)?, ..SourceRead::default() })
            })?;
            if let Some(last) = &mut last {
                let groups = "SELECT attribute, key, name, people FROM source_groups ORDER BY attribute, key";
                last.groups = sql::all(database, groups, &[], |row| {
                    Ok(SourceGroup {
                        attribute: row.word(0)?.into(),
                        key: row.word(1)?.into(),
                        name: row.word(2)?.into(),
                        people: row.count(3)?,
                    })
                })?;
                last.attributes = known_attributes(database)?;
            }
            Ok(SourceMemory { last, absences: absences.into_iter().collect() })
        })
    }

    /// Keeps a good read, and who with an account was not in it. Of those in `gone`, Personio said that nobody has that
    /// id.
    pub fn remember_source(
        &self,
        read: &SourceRead,
        gone: &BTreeSet<EmployeeId>,
        at: DateTime<Utc>,
    ) -> Result<(), StateError> {
        self.write(|database| {
            database.execute("DELETE FROM source_groups", &[])?;
            let cells: Vec<Cell<'_>> = read
                .groups
                .iter()
                .flat_map(|group| {
                    [(&group.attribute).into(), (&group.key).into(), (&group.name).into(), group.people.into()]
                })
                .collect();
            database.write_rows(
                "INSERT INTO source_groups (attribute, key, name, people) VALUES {rows}",
                "ttti",
                &cells,
            )?;
            write_attributes(database, &read.attributes)?;
            database.execute("DELETE FROM source_reads", &[])?;
            database.execute(
                "INSERT INTO source_reads (at, people, newest_change) VALUES (?, ?, ?)",
                &[at.into(), seen::encode(&read.people).into(), read.newest_change.into()],
            )?;
            note_absences(database, &read.people, gone, at)
        })
    }
}

impl State {
    /// Ends the absence of everybody who was delivered, by whatever run: one that is not proven, or for one person, tells
    /// nothing of those whom it lacks, and has seen the others.
    pub fn end_absences(&self, is_delivered: impl Fn(EmployeeId) -> bool) -> Result<(), StateError> {
        let back: Vec<EmployeeId> = self.read(absent)?.into_iter().filter(|employee| is_delivered(*employee)).collect();
        if back.is_empty() {
            return Ok(());
        }
        self.write(|database| back.iter().try_for_each(|employee| end_absence(database, *employee)))
    }
}

fn known_attributes(database: &mut dyn Database) -> Result<Vec<KnownAttribute>, StateError> {
    let query = "SELECT key, label, kind, options FROM source_attributes ORDER BY key";
    sql::all(database, query, &[], |row| {
        Ok(KnownAttribute {
            key: row.word(0)?.into(),
            label: row.word(1)?.into(),
            kind: row.word(2)?.into(),
            options: serde_json::from_str(row.word(3)?).unwrap_or_default(),
        })
    })
}

fn write_attributes(database: &mut dyn Database, attributes: &[KnownAttribute]) -> Result<(), StateError> {
    database.execute("DELETE FROM source_attributes", &[])?;
    let options: Vec<String> =
        attributes.iter().map(|known| sql::json(&known.options.iter().collect::<Vec<_>>())).collect();
    let cells: Vec<Cell<'_>> = attributes
        .iter()
        .zip(&options)
        .flat_map(|(known, options)| {
            [(&known.key).into(), (&known.label).into(), (&known.kind).into(), options.as_str().into()]
        })
        .collect();
    let insert = "INSERT INTO source_attributes (key, label, kind, options) VALUES {rows}";
    database.write_rows(insert, "tttt", &cells)
}

fn absent(database: &mut dyn Database) -> Result<Vec<EmployeeId>, StateError> {
    sql::all(database, "SELECT employee FROM absences", &[], |row| row.employee(0))
}

fn end_absence(database: &mut dyn Database, employee: EmployeeId) -> Result<(), StateError> {
    database.execute("DELETE FROM absences WHERE employee = ?", &[employee.into()])?;
    Ok(())
}

/// Somebody who is back is forgotten, so that the next absence begins anew.
fn note_absences(
    database: &mut dyn Database,
    delivered: &[EmployeeId],
    gone: &BTreeSet<EmployeeId>,
    at: DateTime<Utc>,
) -> Result<(), StateError> {
    let linked = sql::all(database, "SELECT DISTINCT employee FROM links", &[], |row| row.employee(0))?;
    let missing: BTreeSet<EmployeeId> =
        linked.into_iter().filter(|employee| delivered.binary_search(employee).is_err()).collect();
    for employee in absent(database)?.into_iter().filter(|employee| !missing.contains(employee)) {
        end_absence(database, employee)?;
    }
    let cells: Vec<Cell<'_>> = missing
        .iter()
        .flat_map(|employee| {
            let gone = gone.contains(employee).then_some(at);
            [(*employee).into(), at.into(), gone.into()]
        })
        .collect();
    database.write_rows(
        "INSERT INTO absences (employee, since, gone) VALUES {rows}
         ON CONFLICT (employee) DO UPDATE SET gone = COALESCE(absences.gone, excluded.gone)",
        "iii",
        &cells,
    )
}

/// Takes an employee out of what the last good read held.
pub(super) fn forget(database: &mut dyn Database, employee: EmployeeId) -> Result<(), StateError> {
    end_absence(database, employee)?;
    let people = sql::first(database, "SELECT people FROM source_reads", &[], |row| Ok(seen::decode(row.word(0)?)))?;
    if let Some(mut people) = people.flatten()
        && let Ok(location) = people.binary_search(&employee)
    {
        people.remove(location);
        database.execute("UPDATE source_reads SET people = ?", &[seen::encode(&people).into()])?;
    }
    Ok(())
}
