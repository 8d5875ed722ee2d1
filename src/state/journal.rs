use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use crate::field::AccountId;

use super::records::{self, Finished, JournalId, OpenIntent, RunId, Settlement, StoredIntent};
use super::sql::{self, Cell, Database};
use super::{Fingerprint, State, StateError, limits, memory};

/// The code of a write that the target took and carries out in its own time.
const PENDING: &str = "pending";

impl State {
    /// Records what came of earlier writes, and the intents of those about to be sent, in one transaction. When it
    /// returns, both outlive a crash; the ids are in the order of the intents.
    ///
    /// [`JournalWriter`] is the more convenient way.
    ///
    /// # Errors
    ///
    /// When the state cannot be written. Nothing may be sent then.
    pub fn record(
        &self,
        run: RunId,
        target: &str,
        finished: &[Finished],
        intents: &[StoredIntent],
        at: DateTime<Utc>,
    ) -> Result<Vec<JournalId>, StateError> {
        if finished.is_empty() && intents.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|database| {
            settle(database, target, finished, at)?;
            begin(database, run, target, intents, at)
        })
    }

    /// Records what was found out about open intents of earlier runs by looking at the target.
    pub fn settle(&self, target: &str, finished: &[Finished], at: DateTime<Utc>) -> Result<(), StateError> {
        self.write(|database| settle(database, target, finished, at))
    }
}

fn begin(
    database: &mut dyn Database,
    run: RunId,
    target: &str,
    intents: &[StoredIntent],
    at: DateTime<Utc>,
) -> Result<Vec<JournalId>, StateError> {
    // Only this process writes to the journal of this run.
    let last =
        sql::first(database, "SELECT COALESCE(MAX(position), 0) FROM journal WHERE run = ?", &[run.0.into()], |row| {
            row.number(0)
        })?
        .unwrap_or(0);
    let ids: Vec<JournalId> = (last + 1..).take(intents.len()).map(|position| JournalId { run, position }).collect();
    let mut cells: Vec<Cell<'_>> = Vec::with_capacity(intents.len() * 10);
    for (id, intent) in ids.iter().zip(intents) {
        cells.extend([
            run.0.into(),
            id.position.into(),
            target.into(),
            intent.employee.into(),
            intent.account.as_ref().into(),
            intent.op.as_str().into(),
            sql::json(&intent.fields).into(),
            (&intent.fingerprint).into(),
            "open".into(),
            at.into(),
        ]);
    }
    database.write_rows(
        "INSERT INTO journal (run, position, target, employee, account, op, fields, fingerprint, state, at)
         VALUES {rows}",
        "iitittttti",
        &cells,
    )?;
    let handed_over = intents
        .iter()
        .filter(|intent| intent.from.is_some())
        .filter_map(|intent| Some((intent.employee?, intent.account.as_ref()?)));
    for (employee, account) in handed_over {
        memory::move_link(database, target, employee, account, at)?;
    }
    limits::count(database, target, intents, at)?;
    Ok(ids)
}

fn settle(
    database: &mut dyn Database,
    target: &str,
    finished: &[Finished],
    at: DateTime<Utc>,
) -> Result<(), StateError> {
    // One outcome for each write, the last: one statement cannot write a row twice.
    let finished: std::collections::BTreeMap<JournalId, &Finished> = finished.iter().map(|one| (one.id, one)).collect();
    for id in finished.values().filter(|one| matches!(one.settlement, Settlement::Failed { .. })).map(|one| one.id) {
        // What certainly was not done does not count against the limits for a day.
        limits::take_back(database, target, id)?;
    }
    let outcomes: Vec<&Finished> = finished.values().copied().collect();
    outcomes.chunks(sql::ROWS_AT_ONCE).try_for_each(|outcomes| settle_some(database, target, outcomes, at))?;
    let failed = |one: &Finished| matches!(one.settlement, Settlement::Failed { .. });
    for link in finished.values().filter(|one| failed(one)).filter_map(|one| one.link.as_ref()) {
        memory::give_back(database, target, link)?;
    }
    let links = || finished.values().filter(|one| !failed(one)).filter_map(|one| one.link.as_ref());
    for id in finished.values().filter(|one| one.settlement == Settlement::Removed).map(|one| one.id) {
        memory::forget_removed(database, target, id)?;
    }
    memory::free_made(database, target, links())?;
    memory::upsert_links(database, target, links())
}

fn settle_some(
    database: &mut dyn Database,
    target: &str,
    outcomes: &[&Finished],
    at: DateTime<Utc>,
) -> Result<(), StateError> {
    let pending: Box<str> = PENDING.into();
    let cells: Vec<Cell<'_>> = outcomes
        .iter()
        .flat_map(|one| {
            let (state, code) = match &one.settlement {
                Settlement::Done | Settlement::Removed => ("done", None),
                Settlement::Failed { code } => ("failed", Some(code)),
                Settlement::Unknown => ("unknown", None),
                Settlement::Pending => ("unknown", Some(&pending)),
            };
            let account = one.link.as_ref().map(|link| &link.account);
            [
                one.id.run.0.into(),
                one.id.position.into(),
                state.into(),
                code.into(),
                account.into(),
                at.into(),
                target.into(),
            ]
        })
        .collect();
    database.write_rows(
        "UPDATE journal SET state = v.column3, code = v.column4, account = COALESCE(v.column5, journal.account),
            settled_at = v.column6
         FROM (VALUES {rows}) AS v
         WHERE journal.run = v.column1 AND journal.position = v.column2 AND journal.target = v.column7",
        "iitttit",
        &cells,
    )
}

pub(super) fn open_intents(database: &mut dyn Database, target: &str) -> Result<Vec<OpenIntent>, StateError> {
    let query = "SELECT run, position, at, state, employee, account, op, fields, fingerprint, code FROM journal
                 WHERE target = ? AND state IN ('open', 'unknown') ORDER BY run, position";
    sql::all(database, query, &[target.into()], |row| {
        Ok(OpenIntent {
            id: JournalId { run: RunId(row.number(0)?), position: row.number(1)? },
            at: row.time(2)?,
            sent: row.word(3)? == "unknown",
            pending: row.optional_word(9)?.is_some_and(|code| *code == *PENDING),
            intent: StoredIntent {
                employee: row.int(4)?.map(|_| row.employee(4)).transpose()?,
                account: row.optional_word(5)?.map(AccountId::from),
                op: records::op(row.word(6)?).ok_or_else(|| row.unreadable(6))?,
                fields: row.words(7)?,
                fingerprint: Fingerprint::stored(row.word(8)?),
                from: None,
            },
        })
    })
}

/// The journal of one target in one run. Threads that write share it.
///
/// Outcomes wait for the next batch of intents and are stored with it: one wait for the disc then serves a whole
/// batch. An outcome that is lost in a crash only means that the next run looks.
#[derive(Debug)]
pub struct JournalWriter<'a> {
    state: &'a State,
    run: RunId,
    target: &'a str,
    waiting: Mutex<Vec<Finished>>,
}

impl<'a> JournalWriter<'a> {
    /// The journal of a target in a run.
    pub fn new(state: &'a State, run: RunId, target: &'a str) -> Self {
        Self { state, run, target, waiting: Mutex::default() }
    }

    /// Records the intents of writes about to be sent, and the outcomes that wait.
    ///
    /// # Errors
    ///
    /// When the state cannot be written. None of these writes may be sent then; the outcomes go on waiting.
    pub fn begin(&self, intents: &[StoredIntent], at: DateTime<Utc>) -> Result<Vec<JournalId>, StateError> {
        let finished = std::mem::take(&mut *self.waiting.lock());
        let recorded = self.state.record(self.run, self.target, &finished, intents, at);
        if recorded.is_err() {
            // Before those that came meanwhile: of two outcomes of one write the later one counts.
            self.waiting.lock().splice(..0, finished);
        }
        recorded
    }

    /// Notes what came of a write; stored with the next batch or by [`JournalWriter::flush`].
    pub fn finish(&self, finished: Finished) {
        self.waiting.lock().push(finished);
    }

    /// Stores the outcomes that wait.
    pub fn flush(&self, at: DateTime<Utc>) -> Result<(), StateError> {
        self.begin(&[], at).map(|_| ())
    }
}
