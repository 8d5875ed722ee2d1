//! What a run notes in the state before it writes, and what came of it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::http::Exchange;
use crate::plan::{Op, Outcome, WorkflowStep};
use crate::state::{
    Finished, JournalId, JournalWriter, Link, Lock, Once, OnceOnly, Origin, RunId, Settlement, State, StateError,
    StoredIntent,
};

use super::decisions::Released;
use super::memory::{Memory, link};
use super::writing::{Begun, Intent, JobOutcome, Journal};

/// The journal of one target in one run.
pub(super) struct RunJournal<'a> {
    target: &'a str,
    journal: JournalWriter<'a>,
    state: &'a State,
    now: DateTime<Utc>,
    ids: Mutex<Vec<JournalId>>,
    lock: Option<&'a Mutex<Vec<Lock>>>,
    /// Fields that somebody looked at one by one: these do not count towards the limits for a day.
    approved: BTreeSet<(Box<str>, EmployeeId)>,
    /// Whether an account that is taken out of use is there no more: a row of a list.
    deletes: bool,
    /// Links as they were before a handover moved them.
    moving: Mutex<Vec<Link>>,
}

impl<'a> RunJournal<'a> {
    /// For a target; `locks` are checked before each write, because one on a server can be lost.
    pub(super) fn new(memory: &'a Memory, run: RunId, target: &'a str, locks: &'a Mutex<Vec<Lock>>) -> Self {
        Self {
            target,
            journal: JournalWriter::new(&memory.state, run, target),
            moving: Mutex::default(),
            state: &memory.state,
            now: memory.now(),
            ids: Mutex::default(),
            lock: Some(locks),
            approved: BTreeSet::new(),
            deletes: false,
        }
    }

    /// The same, for a target that removes accounts rather than take them out of use.
    pub(super) fn deleting(self, deletes: bool) -> Self {
        Self { deletes, ..self }
    }

    /// The same, with what people released by name.
    pub(super) fn with_approved(mut self, released: &[Released]) -> Self {
        let fields = released.iter().filter(|one| one.approval.is_some()).flat_map(|one| {
            let named = one.change.fields.iter().map(|field| Box::from(&*field.field));
            named.filter_map(|field| Some((field, one.change.employee?)))
        });
        self.approved = fields.collect();
        self
    }

    /// Whose values are about to be overwritten, for the limits for a day.
    fn overwritten<'i>(&self, intents: &'i [Intent]) -> BTreeSet<(&'i str, EmployeeId)> {
        let mut found = BTreeSet::new();
        for intent in intents.iter().filter(|intent| intent.op == Op::Update) {
            let fields = intent.fields.iter().filter(|field| field.overwrites()).map(|field| &field.field);
            found.extend(fields.filter_map(|field| {
                let employee = intent.employee?;
                (!self.approved.contains(&((&**field).into(), employee))).then_some((&**field, employee))
            }));
        }
        found
    }

    /// The link that a handover moved, where nothing of it was done: it is planned again, with its evidence.
    fn to_give_back(&self, intent: &Intent, outcome: &JobOutcome) -> Option<Link> {
        let (from, account) = (intent.from?, intent.account.as_ref()?);
        if outcome.exchanges.iter().any(Exchange::may_have_written) {
            return None;
        }
        let moving = self.moving.lock();
        let known = moving.iter().find(|link| link.employee == from && link.account == *account).cloned();
        Some(known.unwrap_or_else(|| link(from, account.clone(), Origin::Matched, self.now)))
    }

    /// A step as the ledger keeps it.
    fn step(&self, request: &WorkflowStep) -> OnceOnly {
        OnceOnly {
            target: self.target.into(),
            employee: request.employee,
            once: Once::Step { workflow: request.workflow.clone(), event: request.event.clone(), step: request.step },
        }
    }

    /// Stores the outcomes that wait.
    pub(super) fn flush(&self) -> Result<(), StateError> {
        self.journal.flush(self.now)
    }
}

impl Journal for RunJournal<'_> {
    fn begin(&self, intents: &[Intent]) -> anyhow::Result<Vec<u64>> {
        self.may_send()?;
        let stored: Vec<StoredIntent> = intents
            .iter()
            .map(|intent| {
                let values: Vec<String> = intent.fields.iter().map(|field| field.after.to_string()).collect();
                StoredIntent {
                    employee: intent.employee,
                    account: intent.account.clone(),
                    op: intent.op,
                    from: intent.from,
                    fields: intent.fields.iter().map(|field| (&*field.field).into()).collect(),
                    fingerprint: self.state.hasher().fingerprint("intent", values.iter().map(String::as_str)),
                }
            })
            .collect();
        self.state.note_overwritten(self.target, &self.overwritten(intents), self.now)?;
        let from: Vec<EmployeeId> = intents.iter().filter_map(|intent| intent.from).collect();
        if !from.is_empty() {
            self.moving.lock().extend(self.state.links_of(self.target, &from)?);
        }
        let new = self.journal.begin(&stored, self.now)?;
        let mut ids = self.ids.lock();
        let first = ids.len() as u64;
        ids.extend(new);
        Ok((first..ids.len() as u64).collect())
    }

    fn may_send(&self) -> anyhow::Result<()> {
        Ok(self.lock.map_or(Ok(()), Lock::check_all)?)
    }

    fn finish(&self, number: u64, intent: &Intent, outcome: &JobOutcome) {
        let ids = self.ids.lock();
        let Some(id) = usize::try_from(number).ok().and_then(|position| ids.get(position)).copied() else {
            return;
        };
        drop(ids);
        let settlement = match &outcome.outcome {
            Outcome::Succeeded if self.deletes && intent.op == Op::Deactivate => Settlement::Removed,
            Outcome::Succeeded => Settlement::Done,
            Outcome::Pending { .. } => Settlement::Pending,
            _ if outcome.open => Settlement::Unknown,
            Outcome::Failed { code, .. } => Settlement::Failed { code: (*code).into() },
            Outcome::Held | Outcome::NotAttempted { .. } => Settlement::Failed { code: Code::NotAttempted.into() },
        };
        let link = match (&outcome.outcome, intent.employee, &outcome.account) {
            (Outcome::Succeeded, Some(employee), Some(account)) if settlement == Settlement::Done => {
                let origin = match intent.op {
                    Op::Create if !outcome.found => Origin::Created,
                    Op::Handover => Origin::HandedOver,
                    _ => Origin::Matched,
                };
                Some(link(employee, account.clone(), origin, self.now))
            }
            _ if matches!(settlement, Settlement::Failed { .. }) => self.to_give_back(intent, outcome),
            _ => None,
        };
        self.journal.finish(Finished { id, settlement, link });
    }

    fn open_once(&self, request: &WorkflowStep) -> anyhow::Result<Begun> {
        let step = self.step(request);
        if self.state.open_once(std::slice::from_ref(&step), self.now)?.first() == Some(&true) {
            return Ok(Begun { fresh: true, at: self.now });
        }
        let known = self.state.ledger(self.target, step.once.kind())?.into_iter().find(|entry| entry.what == step);
        Ok(Begun { fresh: false, at: known.map_or(self.now, |entry| entry.opened_at) })
    }

    fn close_once(&self, request: &WorkflowStep, id: Option<&str>) -> anyhow::Result<()> {
        Ok(self.state.close_once(&self.step(request), id, self.now)?)
    }

    fn release_once(&self, request: &WorkflowStep) -> anyhow::Result<()> {
        Ok(self.state.release_once(&self.step(request))?)
    }
}
