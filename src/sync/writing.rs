//! What is under way while a plan is carried out: its steps, what came of them, and what stops the rest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, Schema};
use crate::http::{Exchange, record};
use crate::plan::{Change, FieldChange, Op, Outcome, WorkflowStep};
use crate::progress::Progress;
use crate::rules::Expression;
use crate::state::StateError;
use crate::targets::{ErrorKind, Target, TargetError, Written};

use super::read_back::NotStored;
use super::writers::Writers;

/// How a plan is carried out.
pub struct ApplyOptions<'a> {
    /// Set by a signal: writes under way are finished, the rest is not attempted.
    pub stop: &'a AtomicBool,
    /// Told of each finished change.
    pub progress: &'a dyn Progress,
    /// Where each intended write is recorded before it is sent.
    pub journal: &'a dyn Journal,
    /// The most changes under way at once; fewer while the target cannot keep up, and its own pace limits them further.
    pub workers: usize,
    /// Failures in a row after which the target is left alone.
    pub max_failures: u64,
    /// The fields an account can be found by, in order.
    pub match_fields: &'a [FieldIndex],
    /// Accounts that belong to an employee already.
    pub owned: &'a BTreeMap<EmployeeId, AccountId>,
    /// The file's own conditions for accounts that are never changed.
    pub protect: &'a [Expression],
}

/// One intended write, as the journal keeps it: names of fields, never values.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub op: Op,
    pub employee: Option<EmployeeId>,
    /// To which account, when there is one already.
    pub account: Option<AccountId>,
    /// The fields with their intended values; a journal keeps the names and a keyed hash.
    pub fields: Vec<FieldChange>,
    /// Whose account it was, when it goes to another profile: the journal moves the link.
    pub from: Option<EmployeeId>,
}

/// What came of a write, with what was sent for it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobOutcome {
    /// The account, once known.
    pub account: Option<AccountId>,
    pub outcome: Outcome,
    /// Every request sent for it.
    pub exchanges: Vec<Exchange>,
    /// Whether what is in the target now is unknown, so that the next run has to look.
    pub open: bool,
    /// Whether the account was there before the create that came upon it.
    pub found: bool,
}

/// Keeps what is about to be written, and what came of it.
pub trait Journal: Sync {
    /// Records writes before any of them is sent; returns a number for each.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded. Then nothing is sent.
    fn begin(&self, intents: &[Intent]) -> anyhow::Result<Vec<u64>>;

    /// Whether anything may still be sent: a lock on a server can be lost. Asked right before each write.
    fn may_send(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Records what came of a write. May be kept back until the next [`Journal::begin`].
    fn finish(&self, number: u64, intent: &Intent, outcome: &JobOutcome);

    /// Records that a step of a workflow is about to be carried out; says whether it was begun before, so that it
    /// has to be looked for.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded. Then nothing is sent.
    fn open_once(&self, request: &WorkflowStep) -> anyhow::Result<Begun> {
        let _ = request;
        Ok(Begun { fresh: true, at: DateTime::UNIX_EPOCH })
    }

    /// Records that it is done, with the id of what it made.
    fn close_once(&self, request: &WorkflowStep, id: Option<&str>) -> anyhow::Result<()> {
        let _ = (request, id);
        Ok(())
    }

    /// Records that it was certainly not done.
    fn release_once(&self, request: &WorkflowStep) -> anyhow::Result<()> {
        let _ = request;
        Ok(())
    }
}

/// That a step of a workflow is about to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Whether that is recorded for the first time.
    pub fresh: bool,
    /// When it was first recorded.
    pub at: DateTime<Utc>,
}

/// What applying brought beside the outcomes.
#[derive(Debug, Default)]
pub struct Applied {
    /// Requests sent on behalf of employees.
    pub tasks: u64,
    /// What was sent for each change, by its place in the plan.
    pub exchanges: BTreeMap<usize, Vec<Exchange>>,
    /// Accounts that were made or adopted.
    pub made: BTreeMap<EmployeeId, AccountId>,
    /// Fields that were written and hold something else when read back.
    pub not_stored: Vec<NotStored>,
    /// Fields that the target refused of somebody while it took everything else.
    pub refused: Vec<(EmployeeId, FieldChange)>,
    /// Whether the target refused the sign-in.
    pub sign_in_refused: bool,
    /// Whether the target could not be reached any more.
    pub unavailable: bool,
    /// Whether the state could not be written, or the lock was lost, which stops everything.
    pub journal_failed: Option<JournalFailed>,
    /// Whether what the target holds did not reach the people who import it.
    pub undelivered: bool,
}

impl Applied {
    /// Whether the target was worked through to its end.
    pub(super) fn is_complete(&self) -> bool {
        self.journal_failed.is_none() && !self.sign_in_refused && !self.undelivered
    }
}

/// Why nothing more may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalFailed {
    pub why: String,
    /// Whether the state is out of reach, and nothing is wrong with it or with this tool.
    pub out_of_reach: bool,
}

impl JournalFailed {
    /// For trouble with the state.
    pub fn new(error: &StateError) -> Self {
        Self { why: error.to_string(), out_of_reach: error.is_out_of_reach() }
    }
}

/// The fields that were refused while everything else of the change was taken.
fn refused_alone(error: &TargetError, intent: &Intent) -> Vec<(EmployeeId, FieldChange)> {
    let refused = intent.fields.iter().filter(|field| error.fields.iter().any(|named| **named == *field.field));
    let refused: Vec<_> = refused.filter_map(|field| Some((intent.employee?, field.clone()))).collect();
    if refused.len() == error.fields.len() { refused } else { Vec::new() }
}

pub(super) struct Run<'a> {
    pub(super) target: &'a dyn Target,
    pub(super) schema: &'a Schema,
    pub(super) options: &'a ApplyOptions<'a>,
    pub(super) writers: Writers,
    pub(super) made: Mutex<HashMap<EmployeeId, AccountId>>,
    /// The account that was made last, with what it was made of.
    pub(super) newest: Mutex<Option<(AccountId, Vec<FieldChange>)>>,
    /// Whose account was found behind a refused create.
    pub(super) found: Mutex<BTreeSet<EmployeeId>>,
    /// References to accounts made on the way that were sent along with their change.
    pub(super) linked: Mutex<BTreeSet<(usize, FieldIndex)>>,
    pub(super) tasks: AtomicU64,
    pub(super) failures_in_a_row: AtomicU64,
    /// Why nothing further is attempted.
    pub(super) halt: Mutex<Option<String>>,
    pub(super) applied: Mutex<Applied>,
    /// Outcomes that count only once the target has finished.
    pub(super) waiting: Mutex<Vec<(u64, Intent, JobOutcome)>>,
}

/// One write to be sent: the change it belongs to, and its fields.
pub(super) struct Step {
    pub(super) position: usize,
    pub(super) intent: Intent,
    pub(super) rewrite: Vec<FieldChange>,
    /// Whether the account is out of use and is brought back.
    pub(super) brings_back: bool,
}

impl Step {
    /// A change, or a part of it that can be written by now.
    pub(super) fn of(position: usize, change: &Change, fields: Vec<FieldChange>) -> Self {
        let handover = change.handover.as_ref();
        Self {
            position,
            intent: Intent {
                op: change.op,
                employee: change.employee,
                account: change.account.clone(),
                fields,
                from: handover.map(|handover| handover.from),
            },
            rewrite: change.rewrite.clone(),
            brings_back: handover.map_or(change.op == Op::Reactivate, |handover| handover.brings_back),
        }
    }

    /// An update of some fields before or after the change itself.
    pub(super) fn update_of(position: usize, change: &Change, fields: Vec<FieldChange>) -> Self {
        let (employee, account) = (change.employee, change.account.clone());
        let intent = Intent { op: Op::Update, employee, account, fields, from: None };
        Self { position, intent, rewrite: Vec::new(), brings_back: false }
    }
}

/// What a batch brought for one change.
pub(super) struct Sent {
    pub(super) written: Written,
    /// Whether a failure of it is one more of the target's; the whole batch may have met with the same one.
    pub(super) counts: bool,
    /// The requests of the whole batch.
    pub(super) exchanges: Vec<Exchange>,
}

impl Run<'_> {
    fn was_found(&self, op: Op, employee: Option<EmployeeId>) -> bool {
        let found = self.found.lock();
        op == Op::Create && employee.is_some_and(|employee| found.contains(&employee))
    }

    /// Keeps what came of a write, at once, or when the target has finished and removals were looked at.
    pub(super) fn note(&self, number: u64, intent: &Intent, outcome: &JobOutcome) {
        let is_removal = intent.op == Op::Deactivate && outcome.outcome == Outcome::Succeeded;
        if self.schema.capabilities.lasts_at_finish || is_removal {
            // What is kept of an outcome goes by whom it is about; the values are in the plan.
            let Intent { op, employee, account, fields: _, from } = intent;
            let about =
                Intent { op: *op, employee: *employee, account: account.clone(), fields: Vec::new(), from: *from };
            self.waiting.lock().push((number, about, outcome.clone()));
        } else {
            self.options.journal.finish(number, intent, outcome);
        }
    }

    pub(super) fn halted(&self) -> Option<String> {
        if self.options.stop.load(Ordering::SeqCst) {
            return Some("the run was stopped".into());
        }
        self.halt.lock().clone()
    }

    /// Why nothing is sent, asked right before it would be. What lasts at the end only is asked about there.
    pub(super) fn may_not_send(&self) -> Option<String> {
        if self.schema.capabilities.lasts_at_finish { self.halted() } else { self.why_not() }
    }

    pub(super) fn why_not(&self) -> Option<String> {
        self.halted().or_else(|| Some(self.journal_failed(&self.options.journal.may_send().err()?)))
    }

    fn stop_with(&self, why: String) {
        self.halt.lock().get_or_insert(why);
    }

    /// Sends what one step needs, unless the target is left alone by now. What a batch sent of it already goes on
    /// from there.
    pub(super) fn step(&self, step: &Step, sent: Option<Sent>) -> JobOutcome {
        if sent.is_none()
            && let Some(why) = self.may_not_send()
        {
            let outcome = Outcome::NotAttempted { error: why };
            return JobOutcome { account: None, outcome, exchanges: Vec::new(), open: false, found: false };
        }
        let counts = sent.as_ref().is_none_or(|sent| sent.counts);
        let (written, exchanges) = sent.map(|sent| (sent.written, sent.exchanges)).unzip();
        let (result, own) = record(|| self.in_turn(step, written));
        self.count_tasks(own.len());
        let mut exchanges = exchanges.unwrap_or_default();
        exchanges.extend(own);
        match result {
            Ok(account) => {
                self.failures_in_a_row.store(0, Ordering::Relaxed);
                let found = self.was_found(step.intent.op, step.intent.employee);
                JobOutcome { account, outcome: Outcome::Succeeded, exchanges, open: false, found }
            }
            Err(error) if error.kind == ErrorKind::Pending => {
                let outcome = Outcome::Pending { detail: error.message };
                JobOutcome { account: None, outcome, exchanges, open: true, found: false }
            }
            // What was dropped while it waited is as if its turn had not come; what went out before is looked for.
            Err(error) if error.kind == ErrorKind::Interrupted && !exchanges.iter().any(Exchange::may_have_written) => {
                JobOutcome {
                    account: None,
                    outcome: Outcome::NotAttempted { error: error.message },
                    exchanges,
                    open: false,
                    found: false,
                }
            }
            Err(error) => {
                let refused = refused_alone(&error, &step.intent);
                if !refused.is_empty() {
                    self.note_success();
                    self.applied.lock().refused.extend(refused);
                } else if counts {
                    self.note_failure(&error);
                } else {
                    self.note_kind(error.kind);
                }
                let open = matches!(error.kind, ErrorKind::Unsettled | ErrorKind::Interrupted);
                let outcome = Outcome::Failed { code: error.kind.code(), error: error.message };
                JobOutcome { account: None, outcome, exchanges, open, found: false }
            }
        }
    }

    pub(super) fn note_success(&self) {
        self.failures_in_a_row.store(0, Ordering::Relaxed);
    }

    pub(super) fn count_tasks(&self, tasks: usize) {
        self.tasks.fetch_add(tasks as u64, Ordering::Relaxed);
    }

    /// The account that was made for an employee in this run.
    pub(super) fn made_for(&self, employee: EmployeeId) -> Option<AccountId> {
        self.made.lock().get(&employee).cloned()
    }

    pub(super) fn keep_exchanges(&self, position: usize, exchanges: Vec<Exchange>) {
        if !exchanges.is_empty() {
            self.applied.lock().exchanges.entry(position).or_default().extend(exchanges);
        }
    }

    /// The state cannot be written: nothing further is sent.
    pub(super) fn journal_failed(&self, error: &anyhow::Error) -> String {
        let why = format!("the state cannot be written, so nothing is sent: {error:#}");
        let out_of_reach = error.downcast_ref().is_some_and(StateError::is_out_of_reach);
        self.applied.lock().journal_failed = Some(JournalFailed { why: why.clone(), out_of_reach });
        self.stop_with(why.clone());
        why
    }

    pub(super) fn note_failure(&self, error: &TargetError) {
        let in_a_row = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        self.note_kind(error.kind);
        if in_a_row >= self.options.max_failures {
            let refused = crate::words::count(usize::try_from(in_a_row).unwrap_or(usize::MAX), "change", "changes");
            self.stop_with(format!("the target refused {refused} in a row (max_failures)"));
        }
    }

    pub(super) fn note_kind(&self, kind: ErrorKind) {
        match kind {
            ErrorKind::SignIn => {
                self.applied.lock().sign_in_refused = true;
                self.stop_with("the target refused the sign-in".into());
            }
            ErrorKind::Unavailable | ErrorKind::Busy => {
                self.applied.lock().unavailable = true;
            }
            _ => {}
        }
    }
}
