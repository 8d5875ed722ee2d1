use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::plan::Op;

use super::records::{self, JournalId, Link, Origin, Repeat, StoredTarget, TargetRecord};
use super::sql::{self, Cell, Database};
use super::{Fingerprint, State, StateError, complete, history, journal, limits};

impl State {
    /// Everything that planning a target rests on, as of one moment.
    pub fn memory(&self, target: &str, now: DateTime<Utc>) -> Result<StoredTarget, StateError> {
        self.read(|database| {
            Ok(StoredTarget {
                record: records(database, Some(target))?.pop(),
                links: links(database, target)?,
                open: journal::open_intents(database, target)?,
                recent: limits::writes_of_target(database, target, now)?,
                removals: removals(database, target, now)?,
                removed: removed(database, target)?,
                repeats: repeats(database, target)?,
                unstored: sql::all(
                    database,
                    "SELECT field FROM unstored WHERE target = ? ORDER BY field",
                    &[target.into()],
                    |row| Ok(row.word(0)?.into()),
                )?,
            })
        })
    }

    /// The links of some employees, as far as there are any.
    pub fn links_of(&self, target: &str, employees: &[EmployeeId]) -> Result<Vec<Link>, StateError> {
        self.read(|database| {
            let mut found = Vec::new();
            for employee in employees {
                let query = "SELECT employee, account, origin, created_at, verified_at FROM links
                     WHERE target = ? AND employee = ?";
                found.extend(sql::first(database, query, &[target.into(), (*employee).into()], stored_link)?);
            }
            Ok(found)
        })
    }

    /// What is known of every target that ever ran, sorted by name.
    pub fn targets(&self) -> Result<Vec<TargetRecord>, StateError> {
        self.read(|database| records(database, None))
    }

    /// Binds what is remembered of a target to the account behind it. When that is another one than before, all that
    /// was known of the old account's users is forgotten: an id that is one person's here is somebody else's there.
    pub fn bind(&self, target: &str, identity: &str) -> Result<(), StateError> {
        self.write(|database| {
            let known =
                sql::first(database, "SELECT identity FROM targets WHERE target = ?", &[target.into()], |row| {
                    row.optional_word(0)
                })?;
            if known.flatten().is_some_and(|known| *known != *identity) {
                complete::ask_for_everything(database, target)?;
                for table in ["links", "repeats", "unstored", "last_seen", "confirmed"] {
                    database.execute(&format!("DELETE FROM {table} WHERE target = ?"), &[target.into()])?;
                }
                database.execute(
                    "DELETE FROM journal WHERE target = ? AND (state IN ('open', 'unknown') OR op IN ('deactivate', 'reactivate'))",
                    &[target.into()],
                )?;
                database.execute(
                    "UPDATE targets SET scope = NULL, first_completed_at = NULL, all_made_at = NULL, last_ok = NULL, seen_run = 0,
                        seen_at = 0, seen = '', in_line = NULL, out_of_line = NULL, unmade = 0 WHERE target = ?",
                    &[target.into()],
                )?;
            }
            database.execute(
                "INSERT INTO targets (target, identity, seen_run, seen_at, seen) VALUES (?, ?, 0, 0, '')
                 ON CONFLICT (target) DO UPDATE SET identity = excluded.identity",
                &[target.into(), identity.into()],
            )?;
            Ok(())
        })
    }

    /// Stores a link that somebody has said to be right. Whoever had that account before has it no longer.
    pub fn link_by_hand(&self, target: &str, link: &Link) -> Result<(), StateError> {
        self.write(|database| {
            complete::ask_for_everything(database, target)?;
            database.execute(
                "DELETE FROM links WHERE target = ? AND (employee = ? OR account = ?)",
                &[target.into(), link.employee.into(), (&link.account).into()],
            )?;
            upsert_links(database, target, std::iter::once(link))
        })
    }

    /// Forgets whose account it is; says whether that was known.
    pub fn unlink(&self, target: &str, employee: EmployeeId) -> Result<bool, StateError> {
        let query = "DELETE FROM links WHERE target = ? AND employee = ?";
        self.write(|database| {
            complete::ask_for_everything(database, target)?;
            Ok(database.execute(query, &[target.into(), employee.into()])? > 0)
        })
    }

    /// Stores links; an employee's earlier link in this target is replaced, its beginning kept when the account is the same.
    pub fn store_links(&self, target: &str, links: &[Link]) -> Result<(), StateError> {
        self.write(|database| upsert_links(database, target, links.iter()))
    }
}

/// The account of an old profile goes to the new one. The old one may have got an account of its own in the same run.
pub(super) fn move_link(
    database: &mut dyn Database,
    target: &str,
    employee: EmployeeId,
    account: &AccountId,
    at: DateTime<Utc>,
) -> Result<(), StateError> {
    database.execute("DELETE FROM links WHERE target = ? AND account = ?", &[target.into(), account.into()])?;
    let link = Link { employee, account: account.clone(), origin: Origin::HandedOver, created_at: at, verified_at: at };
    upsert_links(database, target, std::iter::once(&link))
}

/// A handover that was certainly not carried out: the account is that of the old profile as before, unless that one has
/// another by now.
pub(super) fn give_back(database: &mut dyn Database, target: &str, link: &Link) -> Result<(), StateError> {
    let query = "SELECT employee FROM links WHERE target = ? AND employee = ?";
    let other = sql::first(database, query, &[target.into(), link.employee.into()], |row| row.employee(0))?;
    if other.is_some() {
        return Ok(());
    }
    database.execute("DELETE FROM links WHERE target = ? AND account = ?", &[target.into(), (&link.account).into()])?;
    upsert_links(database, target, std::iter::once(link))
}

/// The account of a removal is there no more: whoever gets one of its id next, a row of a list with the same key, say, gets
/// it from nobody.
pub(super) fn forget_removed(database: &mut dyn Database, target: &str, write: JournalId) -> Result<(), StateError> {
    let query = "DELETE FROM links WHERE target = ? AND EXISTS (SELECT 1 FROM journal WHERE run = ? AND position = ?
                 AND journal.employee = links.employee AND journal.account = links.account)";
    database.execute(query, &[target.into(), write.run.0.into(), write.position.into()])?;
    Ok(())
}

/// Whoever else had an account of this id has it no longer where one was made: a row of a list that was removed, say, and
/// came again with the key of somebody else.
pub(super) fn free_made<'a>(
    database: &mut dyn Database,
    target: &'a str,
    links: impl Iterator<Item = &'a Link>,
) -> Result<(), StateError> {
    let made = links.filter(|link| link.origin == Origin::Created);
    let made: HashMap<&str, EmployeeId> = made.map(|link| (&*link.account.0, link.employee)).collect();
    if made.is_empty() {
        return Ok(());
    }
    // One look at all links: there is no index by account, and a look for each account would take as many squared.
    let mut before = Vec::new();
    let query = "SELECT employee, account FROM links WHERE target = ?";
    database.query(query, &[target.into()], &mut |row| {
        let employee = row.employee(0)?;
        if made.get(row.word(1)?).is_some_and(|now| *now != employee) {
            before.push(employee);
        }
        Ok(())
    })?;
    for employee in before {
        let delete = "DELETE FROM links WHERE target = ? AND employee = ?";
        database.execute(delete, &[target.into(), employee.into()])?;
    }
    Ok(())
}

pub(super) fn upsert_links<'a>(
    database: &mut dyn Database,
    target: &'a str,
    links: impl Iterator<Item = &'a Link>,
) -> Result<(), StateError> {
    // The last one of each employee: one statement cannot write a row twice.
    let links: BTreeMap<EmployeeId, &Link> = links.map(|link| (link.employee, link)).collect();
    let links: Vec<&Link> = links.into_values().collect();
    links.chunks(sql::ROWS_AT_ONCE).try_for_each(|links| upsert_some_links(database, target, links))
}

fn upsert_some_links(database: &mut dyn Database, target: &str, links: &[&Link]) -> Result<(), StateError> {
    let cells: Vec<Cell<'_>> = links
        .iter()
        .flat_map(|link| {
            [
                target.into(),
                link.employee.into(),
                (&link.account).into(),
                link.origin.as_str().into(),
                link.created_at.into(),
                link.verified_at.into(),
            ]
        })
        .collect();
    database.write_rows(
        "INSERT INTO links (target, employee, account, origin, created_at, verified_at) VALUES {rows}
         ON CONFLICT (target, employee) DO UPDATE SET
            origin = CASE WHEN links.account = excluded.account THEN links.origin ELSE excluded.origin END,
            created_at = CASE WHEN links.account = excluded.account THEN links.created_at ELSE excluded.created_at END,
            account = excluded.account, verified_at = excluded.verified_at",
        "tittii",
        &cells,
    )
}

fn links(database: &mut dyn Database, target: &str) -> Result<Vec<Link>, StateError> {
    let query =
        "SELECT employee, account, origin, created_at, verified_at FROM links WHERE target = ? ORDER BY employee";
    sql::all(database, query, &[target.into()], stored_link)
}

fn stored_link(row: &dyn sql::Row) -> Result<Link, StateError> {
    Ok(Link {
        employee: row.employee(0)?,
        account: AccountId(row.word(1)?.into()),
        origin: Origin::parse(row.word(2)?).ok_or_else(|| row.unreadable(2))?,
        created_at: row.time(3)?,
        verified_at: row.time(4)?,
    })
}

/// The removals of a day by account: the same account taken out of use twice is one that is out of use.
fn removals(
    database: &mut dyn Database,
    target: &str,
    now: DateTime<Utc>,
) -> Result<BTreeMap<AccountId, u64>, StateError> {
    let query =
        "SELECT account, CAST(COUNT(*) AS BIGINT) FROM journal WHERE target = ? AND at > ? AND op = 'deactivate'
                 AND state <> 'failed' AND account IS NOT NULL GROUP BY account";
    let counts = sql::all(database, query, &[target.into(), (now - chrono::TimeDelta::hours(24)).into()], |row| {
        Ok((AccountId(row.word(0)?.into()), row.count(1)?))
    })?;
    Ok(counts.into_iter().collect())
}

fn removed(database: &mut dyn Database, target: &str) -> Result<BTreeSet<AccountId>, StateError> {
    let query = "SELECT account, op FROM journal WHERE target = ? AND state = 'done' AND account IS NOT NULL
                 AND op IN ('deactivate', 'reactivate', 'update', 'handover') ORDER BY run, position";
    let switched = sql::all(database, query, &[target.into()], |row| {
        let op = records::op(row.word(1)?).ok_or_else(|| row.unreadable(1))?;
        Ok((AccountId(row.word(0)?.into()), op == Op::Deactivate))
    })?;
    let last: BTreeMap<AccountId, bool> = switched.into_iter().collect();
    Ok(last.into_iter().filter_map(|(account, is_removed)| is_removed.then_some(account)).collect())
}

/// The run of all of a target before this one.
#[derive(Debug, Default)]
pub(super) struct LastWholeRun {
    pub(super) section: Option<Fingerprint>,
    pub(super) finished: Option<DateTime<Utc>>,
}

pub(super) fn last_whole_run(database: &mut dyn Database, target: &str) -> Result<LastWholeRun, StateError> {
    let query = "SELECT section, last_finished FROM targets WHERE target = ?";
    let found = sql::first(database, query, &[target.into()], |row| {
        Ok(LastWholeRun { section: row.text(0)?.map(Fingerprint::stored), finished: row.optional_time(1)? })
    })?;
    Ok(found.unwrap_or_default())
}

fn repeats(database: &mut dyn Database, target: &str) -> Result<Vec<Repeat>, StateError> {
    let query = "SELECT employee, field, value, writes, first_at, last_at FROM repeats WHERE target = ?";
    let mut repeats = sql::all(database, query, &[target.into()], |row| {
        Ok(Repeat {
            employee: row.employee(0)?,
            field: row.word(1)?.into(),
            value: Fingerprint::stored(row.word(2)?),
            writes: row.count(3)?,
            first_at: row.time(4)?,
            last_at: row.time(5)?,
        })
    })?;
    // Sorted here: a server sorts texts by the rules of its language.
    repeats.sort_by(|one, other| (one.employee, &one.field).cmp(&(other.employee, &other.field)));
    Ok(repeats)
}

fn records(database: &mut dyn Database, target: Option<&str>) -> Result<Vec<TargetRecord>, StateError> {
    let mut query =
        "SELECT target, identity, first_completed_at, last_started, last_finished, last_ok, section, scope, \
         all_made_at FROM targets"
            .to_owned();
    if target.is_some() {
        query += " WHERE target = ?";
    }
    let mut records = sql::all(database, &query, &target.map(Cell::from).into_iter().collect::<Vec<_>>(), |row| {
        Ok(TargetRecord {
            target: row.word(0)?.into(),
            identity: row.optional_word(1)?,
            first_completed_at: row.optional_time(2)?,
            last_started: row.optional_time(3)?,
            last_finished: row.optional_time(4)?,
            last_ok: row.optional_time(5)?,
            section: row.text(6)?.map(Fingerprint::stored),
            scope: row.text(7)?.map(Fingerprint::stored),
            all_made_at: row.optional_time(8)?,
            last: None,
            last_whole: None,
        })
    })?;
    records.sort_by(|one, other| one.target.cmp(&other.target));
    for record in &mut records {
        record.last = history::last_run_of(database, &record.target)?;
        record.last_whole = history::last_whole_run_of(database, &record.target)?;
    }
    Ok(records)
}

/// Counts fields that were written, and forgets those that settled: whoever needed nothing in this run, and other
/// fields of those who were written to. One run of rest is not enough: two fields that take each other's value away are
/// written by turns, each in every second run.
pub(super) fn note_written(
    database: &mut dyn Database,
    target: &str,
    written: &[records::Written],
    unchanged: &[EmployeeId],
    before: Option<DateTime<Utc>>,
    at: DateTime<Utc>,
) -> Result<(), StateError> {
    let known = repeats(database, target)?;
    let rested = |repeat: &Repeat| before.is_some_and(|before| repeat.last_at < before);
    let unchanged: BTreeSet<EmployeeId> = unchanged.iter().copied().collect();
    let fields: BTreeMap<(EmployeeId, &str), &records::Written> =
        written.iter().map(|written| ((written.employee, &*written.field), written)).collect();
    let employees: BTreeSet<EmployeeId> = written.iter().map(|written| written.employee).collect();
    let settled = known.iter().filter(|repeat| rested(repeat)).filter(|repeat| {
        unchanged.contains(&repeat.employee)
            // A field that is left alone is not written either, and has not settled all the same.
            || (repeat.writes < records::WRITES_BEFORE_GIVING_UP
                && employees.contains(&repeat.employee)
                && !fields.contains_key(&(repeat.employee, &*repeat.field)))
    });
    for repeat in settled {
        database.execute(
            "DELETE FROM repeats WHERE target = ? AND employee = ? AND field = ?",
            &[target.into(), repeat.employee.into(), (&repeat.field).into()],
        )?;
    }
    let cells: Vec<Cell<'_>> = fields
        .iter()
        .flat_map(|((employee, field), written)| {
            let (value, writes) = ((&written.value).into(), written.writes.into());
            [target.into(), (*employee).into(), (*field).into(), value, writes, at.into(), at.into()]
        })
        .collect();
    database.write_rows(
        "INSERT INTO repeats (target, employee, field, value, writes, first_at, last_at) VALUES {rows}
         ON CONFLICT (target, employee, field) DO UPDATE SET
            writes = CASE WHEN repeats.value = excluded.value THEN repeats.writes + excluded.writes
                ELSE excluded.writes END,
            first_at = CASE WHEN repeats.value = excluded.value THEN repeats.first_at ELSE excluded.first_at END,
            value = excluded.value, last_at = excluded.last_at",
        "tittiii",
        &cells,
    )
}
