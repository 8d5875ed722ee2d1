//! What rails hold, as it was last shown, and what people said to it.
//!
//! A change is told from another by its fingerprint alone: ids, codes and names of fields are kept beside it for
//! people to read, and no value.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::plan::Op;

use super::history::who;
use super::records::{self, RunId, Who};
use super::sql::{self, Cell, Database, Row};
use super::{Fingerprint, State, StateError};

/// A change that a rail holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldChange {
    /// For whom; `None` for a named thing that accounts refer to.
    pub employee: Option<EmployeeId>,
    /// To which account; `None` when it is yet to be made.
    pub account: Option<AccountId>,
    pub op: Op,
    /// The grounds of the change, as a stable code.
    pub reason: Option<Box<str>>,
    /// The names of the fields.
    pub fields: Vec<Box<str>>,
    /// The code of the hold.
    pub code: Box<str>,
    /// Why it is held, in words.
    pub detail: Box<str>,
    /// Of the change with all its values.
    pub fingerprint: Fingerprint,
}

/// A change that was shown as held, with the number that people call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its number; the same as long as the change is, and never that of another one.
    pub number: i64,
    pub target: Box<str>,
    pub change: HeldChange,
    /// When it was first shown.
    pub since: DateTime<Utc>,
}

/// What was last shown of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub at: DateTime<Utc>,
    pub to: Who,
    /// What was held then, by number.
    pub held: Vec<Held>,
}

/// What somebody says to held changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval<'a> {
    pub at: DateTime<Utc>,
    pub by: &'a Who,
    pub reason: Option<&'a str>,
    /// When it ends, used or not.
    pub expires_at: DateTime<Utc>,
}

/// That somebody released one held change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub id: i64,
    pub target: Box<str>,
    /// For whom the change is.
    pub employee: Option<EmployeeId>,
    pub op: Op,
    /// The grounds of the change, as a stable code.
    pub reason: Option<Box<str>>,
    /// The names of the fields.
    pub fields: Vec<Box<str>>,
    /// The code of the hold that it was shown with.
    pub code: Box<str>,
    /// Of exactly the change that is released.
    pub fingerprint: Fingerprint,
    pub at: DateTime<Utc>,
    pub by: Who,
    pub why: Option<Box<str>>,
    /// When it ends, used or not.
    pub expires_at: DateTime<Utc>,
    /// The run that used it, and when.
    pub used: Option<(RunId, DateTime<Utc>)>,
}

impl State {
    /// Keeps what is held in a target, in place of what was kept before: of everybody, or of some employees. What stays
    /// the same keeps its number.
    pub fn show(
        &self,
        target: &str,
        of: Option<&BTreeSet<EmployeeId>>,
        changes: &[HeldChange],
        at: DateTime<Utc>,
        to: &Who,
    ) -> Result<(), StateError> {
        self.write(|database| {
            if of.is_none() {
                database.execute(
                    "INSERT INTO shown (target, at, by_user, by_host) VALUES (?, ?, ?, ?)
                     ON CONFLICT (target) DO UPDATE SET at = excluded.at, by_user = excluded.by_user,
                        by_host = excluded.by_host",
                    &[target.into(), at.into(), (&to.user).into(), (&to.host).into()],
                )?;
            }
            let known = held(database, Some(target))?;
            for one in &known {
                let concerned = of.is_none_or(|of| one.change.employee.is_some_and(|employee| of.contains(&employee)));
                if concerned && !changes.iter().any(|change| change.fingerprint == one.change.fingerprint) {
                    database.execute("DELETE FROM held WHERE id = ?", &[one.number.into()])?;
                }
            }
            for change in changes {
                keep(database, target, change, at)?;
            }
            Ok(())
        })
    }

    /// Takes out what is held no longer, because it was carried out.
    pub fn unshow(&self, target: &str, done: &[Fingerprint]) -> Result<(), StateError> {
        if done.is_empty() {
            return Ok(());
        }
        self.write(|database| {
            for fingerprint in done {
                database.execute(
                    "DELETE FROM held WHERE target = ? AND fingerprint = ?",
                    &[target.into(), fingerprint.into()],
                )?;
            }
            Ok(())
        })
    }

    /// What was last shown of a target; `None` when nothing ever was.
    pub fn shown(&self, target: &str) -> Result<Option<Shown>, StateError> {
        self.read(|database| {
            let query = "SELECT at, by_user, by_host FROM shown WHERE target = ?";
            let found = sql::first(database, query, &[target.into()], |row| {
                Ok((row.time(0)?, who(row, 1)?.unwrap_or_default()))
            })?;
            let Some((at, to)) = found else { return Ok(None) };
            Ok(Some(Shown { at, to, held: held(database, Some(target))? }))
        })
    }

    /// What was last shown as held, in every target or one, by number.
    pub fn held(&self, target: Option<&str>) -> Result<Vec<Held>, StateError> {
        self.read(|database| held(database, target))
    }

    /// Releases held changes. An approval of the same change that was not used yet is replaced.
    ///
    /// # Errors
    ///
    /// When the state cannot be written; nothing is released then.
    pub fn approve(&self, changes: &[Held], approval: &NewApproval<'_>) -> Result<(), StateError> {
        self.write(|database| {
            for Held { target, change, .. } in changes {
                database.execute(
                    "DELETE FROM approvals WHERE target = ? AND fingerprint = ? AND used_at IS NULL",
                    &[target.into(), (&change.fingerprint).into()],
                )?;
                database.execute(
                    "INSERT INTO approvals (target, employee, op, reason, fields, code, fingerprint, at, by_user, by_host,
                        why, expires_at)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    &[
                        target.into(),
                        change.employee.into(),
                        change.op.as_str().into(),
                        change.reason.as_ref().into(),
                        sql::json(&change.fields).into(),
                        (&change.code).into(),
                        (&change.fingerprint).into(),
                        approval.at.into(),
                        (&approval.by.user).into(),
                        (&approval.by.host).into(),
                        approval.reason.into(),
                        approval.expires_at.into(),
                    ],
                )?;
            }
            Ok(())
        })
    }

    /// Approvals that no run has used, those that expired among them; in every target or one, in their order.
    pub fn open_approvals(&self, target: Option<&str>) -> Result<Vec<Approval>, StateError> {
        let condition = match target {
            Some(_) => "used_at IS NULL AND target = ?",
            None => "used_at IS NULL",
        };
        self.read(|database| approvals(database, condition, &target.map(Cell::from).into_iter().collect::<Vec<_>>()))
    }

    /// When something was last released of what a rail holds, by the code of the hold: used, expired or open.
    pub fn approved_codes(&self, target: &str) -> Result<BTreeMap<Box<str>, DateTime<Utc>>, StateError> {
        self.read(|database| {
            let query = "SELECT code, MAX(at) FROM approvals WHERE target = ? GROUP BY code";
            let found = sql::all(database, query, &[target.into()], |row| Ok((row.word(0)?.into(), row.time(1)?)))?;
            Ok(found.into_iter().collect())
        })
    }

    /// Approvals that a run used, in their order.
    pub fn used_approvals(&self, run: RunId) -> Result<Vec<Approval>, StateError> {
        self.read(|database| approvals(database, "run = ?", &[run.0.into()]))
    }

    /// Marks approvals as used by a run, before it writes: each is used once, whatever becomes of the run. Gives
    /// those that were still there to be used.
    ///
    /// # Errors
    ///
    /// When the state cannot be written. Nothing that was released may be sent then.
    pub fn take_approvals(&self, ids: &[i64], run: RunId, at: DateTime<Utc>) -> Result<Vec<i64>, StateError> {
        self.write(|database| {
            let mut taken = Vec::with_capacity(ids.len());
            for id in ids {
                let rows = database.execute(
                    "UPDATE approvals SET used_at = ?, run = ? WHERE id = ? AND used_at IS NULL AND expires_at > ?",
                    &[at.into(), run.0.into(), (*id).into(), at.into()],
                )?;
                if rows == 1 {
                    taken.push(*id);
                }
            }
            Ok(taken)
        })
    }

    /// Gives back approvals whose change was certainly not carried out.
    ///
    /// # Errors
    ///
    /// When the state cannot be written. They stay used then.
    pub fn give_back_approvals(&self, ids: &[i64]) -> Result<(), StateError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.write(|database| {
            for id in ids {
                let cells = [(*id).into()];
                database.execute("UPDATE approvals SET used_at = NULL, run = NULL WHERE id = ?", &cells)?;
            }
            Ok(())
        })
    }
}

fn keep(database: &mut dyn Database, target: &str, change: &HeldChange, at: DateTime<Utc>) -> Result<(), StateError> {
    let rows = database.execute(
        "UPDATE held SET code = ?, detail = ? WHERE target = ? AND fingerprint = ?",
        &[(&change.code).into(), (&change.detail).into(), target.into(), (&change.fingerprint).into()],
    )?;
    if rows > 0 {
        return Ok(());
    }
    database.execute(
        "INSERT INTO held (target, employee, account, op, reason, fields, code, detail, fingerprint, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            target.into(),
            change.employee.into(),
            change.account.as_ref().into(),
            change.op.as_str().into(),
            change.reason.as_ref().into(),
            sql::json(&change.fields).into(),
            (&change.code).into(),
            (&change.detail).into(),
            (&change.fingerprint).into(),
            at.into(),
        ],
    )?;
    Ok(())
}

fn op(row: &dyn Row, column: usize) -> Result<Op, StateError> {
    records::op(row.word(column)?).ok_or_else(|| row.unreadable(column))
}

fn employee(row: &dyn Row, column: usize) -> Result<Option<EmployeeId>, StateError> {
    row.int(column)?.map(|_| row.employee(column)).transpose()
}

fn held(database: &mut dyn Database, target: Option<&str>) -> Result<Vec<Held>, StateError> {
    let condition = if target.is_some() { "WHERE target = ?" } else { "" };
    let query = format!(
        "SELECT id, target, employee, account, op, reason, fields, code, detail, fingerprint, at FROM held {condition}
         ORDER BY id"
    );
    sql::all(database, &query, &target.map(Cell::from).into_iter().collect::<Vec<_>>(), |row| {
        let change = HeldChange {
            employee: employee(row, 2)?,
            account: row.optional_word(3)?.map(AccountId::from),
            op: op(row, 4)?,
            reason: row.optional_word(5)?,
            fields: row.words(6)?,
            code: row.word(7)?.into(),
            detail: row.word(8)?.into(),
            fingerprint: Fingerprint::stored(row.word(9)?),
        };
        Ok(Held { number: row.number(0)?, target: row.word(1)?.into(), change, since: row.time(10)? })
    })
}

fn approvals(database: &mut dyn Database, condition: &str, cells: &[Cell<'_>]) -> Result<Vec<Approval>, StateError> {
    let query = format!(
        "SELECT id, target, employee, op, reason, fields, code, fingerprint, at, by_user, by_host, why, expires_at, run,
            used_at FROM approvals WHERE {condition} ORDER BY id"
    );
    sql::all(database, &query, cells, |row| {
        Ok(Approval {
            id: row.number(0)?,
            target: row.word(1)?.into(),
            employee: employee(row, 2)?,
            op: op(row, 3)?,
            reason: row.optional_word(4)?,
            fields: row.words(5)?,
            code: row.word(6)?.into(),
            fingerprint: Fingerprint::stored(row.word(7)?),
            at: row.time(8)?,
            by: who(row, 9)?.unwrap_or_default(),
            why: row.optional_word(11)?,
            expires_at: row.time(12)?,
            used: row.int(13)?.map(RunId).zip(row.optional_time(14)?),
        })
    })
}
