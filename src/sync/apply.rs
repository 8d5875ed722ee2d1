use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, FieldKind, FieldValue, Schema};
use crate::http::{Exchange, record};
use crate::plan::{Change, FieldChange, Op, Outcome, Request, TargetPlan};
use crate::progress::Progress;
use crate::rules::Expression;
use crate::state::StateError;
use crate::targets::{ErrorKind, Target, TargetError};

use super::NotStored;
use super::batches::Sent;
use super::order::dependency_order;
use super::read_back::{not_removed, still_in_use};
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
    fn open_once(&self, request: &Request) -> anyhow::Result<Begun> {
        let _ = request;
        Ok(Begun { fresh: true, at: DateTime::UNIX_EPOCH })
    }

    /// Records that it is done, with the id of what it made.
    fn close_once(&self, request: &Request, id: Option<&str>) -> anyhow::Result<()> {
        let _ = (request, id);
        Ok(())
    }

    /// Records that it was certainly not done.
    fn release_once(&self, request: &Request) -> anyhow::Result<()> {
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

/// How many intents are recorded at a time, before the first of them is sent.
const RECORDED: usize = 128;

/// How many times accounts are made for others to refer to: managers, their managers, and so on. No company is
/// deeper; what a chain beyond it refers to is set afterwards.
const REFERENCE_LEVELS: usize = 16;

/// Carries out a plan for one target and gives every change its outcome.
///
/// Order: missing references, then creates, reactivations and updates, managers first, then references that could
/// not go along, then the steps of workflows, then deactivations. A change that fails does not stop the others.
pub fn apply(target: &dyn Target, schema: &Schema, plan: &mut TargetPlan, options: &ApplyOptions<'_>) -> Applied {
    let run = Run {
        target,
        schema,
        options,
        writers: Writers::new(options.workers),
        made: Mutex::default(),
        newest: Mutex::default(),
        found: Mutex::default(),
        linked: Mutex::default(),
        tasks: AtomicU64::new(0),
        failures_in_a_row: AtomicU64::new(0),
        halt: Mutex::new(None),
        applied: Mutex::default(),
        waiting: Mutex::default(),
    };
    for change in plan.changes.iter_mut().filter(|change| change.hold.is_some()) {
        change.outcome = Some(Outcome::Held);
    }
    run.phase(plan, |change| (change.op == Op::Reference).then(|| change.fields.clone()));
    run.in_dependency_order(plan);
    run.late_references(plan);
    // Before deactivations: an offboarding request is for somebody who is still in use.
    run.requests(plan);
    run.phase(plan, |change| (change.op == Op::Deactivate).then(Vec::new));
    run.finish(plan)
}

/// The fields that were refused while everything else of the change was taken.
fn refused_alone(error: &TargetError, intent: &Intent) -> Vec<(EmployeeId, FieldChange)> {
    let refused = intent.fields.iter().filter(|field| error.fields.contains(&field.field));
    let refused: Vec<_> = refused.filter_map(|field| Some((intent.employee?, field.clone()))).collect();
    if refused.len() == error.fields.len() { refused } else { Vec::new() }
}

/// Whether a field refers to an account that is made in this run.
fn awaits_account(field: &FieldChange) -> bool {
    matches!(field.after, FieldValue::Employee(_))
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
    linked: Mutex<BTreeSet<(usize, FieldIndex)>>,
    tasks: AtomicU64,
    failures_in_a_row: AtomicU64,
    /// Why nothing further is attempted.
    halt: Mutex<Option<String>>,
    applied: Mutex<Applied>,
    /// Outcomes that count only once the target has finished.
    waiting: Mutex<Vec<(u64, Intent, JobOutcome)>>,
}

/// One write to be sent: the change it belongs to, and its fields.
pub(super) struct Step {
    pub(super) place: usize,
    pub(super) intent: Intent,
    pub(super) rewrite: Vec<FieldChange>,
    /// Whether the account is out of use and is brought back.
    pub(super) brings_back: bool,
}

impl Step {
    /// A change, or a part of it that can be written by now.
    fn of(place: usize, change: &Change, fields: Vec<FieldChange>) -> Self {
        let handover = change.handover.as_ref();
        Self {
            place,
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
    fn update_of(place: usize, change: &Change, fields: Vec<FieldChange>) -> Self {
        let (employee, account) = (change.employee, change.account.clone());
        let intent = Intent { op: Op::Update, employee, account, fields, from: None };
        Self { place, intent, rewrite: Vec::new(), brings_back: false }
    }
}

impl Run<'_> {
    /// Carries out the changes that `fields` picks, several at once.
    fn phase(&self, plan: &mut TargetPlan, fields: impl Fn(&Change) -> Option<Vec<FieldChange>>) {
        let steps: Vec<Step> = plan
            .changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.outcome.is_none())
            .filter_map(|(place, change)| Some((place, change, fields(change)?)))
            .map(|(place, change, fields)| Step::of(place, change, fields))
            .collect();
        self.steps(plan, &steps);
    }

    /// Creates, reactivations and updates, in an order in which nobody takes a value that another account still has.
    fn in_dependency_order(&self, plan: &mut TargetPlan) {
        let order = dependency_order(&plan.changes, self.schema, self.options.match_fields);
        for (number, level) in order.levels.iter().enumerate() {
            let parked: Vec<Step> = order
                .parked
                .iter()
                .filter(|(before, ..)| *before == number)
                .map(|(_, place, field)| {
                    let change = &plan.changes[*place];
                    let fields = change
                        .fields
                        .iter()
                        .filter(|one| one.index == *field)
                        .map(|one| FieldChange { after: self.placeholder(change, one), ..one.clone() })
                        .collect();
                    Step::update_of(*place, change, fields)
                })
                .collect();
            self.steps(plan, &parked);
            for step in &parked {
                // Only a first half: its outcome counts when the change itself has one.
                let change = &mut plan.changes[step.place];
                if change.outcome == Some(Outcome::Succeeded) {
                    change.outcome = None;
                }
            }
            let unsettled = level.iter().copied().filter(|place| plan.changes[*place].outcome.is_none());
            self.referenced_first(plan, unsettled.collect());
        }
    }

    /// What an account holds for the moment in between. Addresses and sign-in names are often required: mail to
    /// `.invalid` reaches nobody (RFC 2606), and the account's own id keeps the value unique.
    fn placeholder(&self, change: &Change, field: &FieldChange) -> FieldValue {
        let spec = self.schema.field(field.index);
        let is_address = spec.kind == FieldKind::Email || field.before.as_text().is_some_and(|text| text.contains('@'));
        match &change.account {
            Some(account) if is_address || spec.required => {
                let local: String = account.0.chars().filter(char::is_ascii_alphanumeric).collect();
                let own = field.before.as_text().and_then(|text| text.split_once('@')).map(|(_, domain)| domain);
                let domain = match own.filter(|_| spec.own_domain) {
                    Some(own) => format!("@{own}"),
                    None if is_address => "@example.invalid".to_owned(),
                    None => String::new(),
                };
                FieldValue::text(&format!("moving-{local}{domain}"))
            }
            _ => FieldValue::Empty,
        }
    }

    /// Managers first: a reference to an account that is there already saves a second write for each report.
    fn referenced_first(&self, plan: &mut TargetPlan, mut open: Vec<usize>) {
        for level in 1.. {
            let (mut ready, later): (Vec<usize>, Vec<usize>) =
                open.into_iter().partition(|place| self.refers_to_made(&plan.changes[*place]));
            open = later;
            if ready.is_empty() || level == REFERENCE_LEVELS {
                // Managers in a circle, and those whose manager's account could not be made.
                ready.append(&mut open);
            }
            let steps: Vec<Step> = ready.into_iter().map(|place| self.step_of(place, &plan.changes[place])).collect();
            self.steps(plan, &steps);
            if open.is_empty() {
                return;
            }
        }
    }

    fn refers_to_made(&self, change: &Change) -> bool {
        let made = self.made.lock();
        change.fields.iter().all(|field| match field.after {
            FieldValue::Employee(employee) => made.contains_key(&employee),
            _ => true,
        })
    }

    /// A change with the fields that can be written by now.
    fn step_of(&self, place: usize, change: &Change) -> Step {
        let made = self.made.lock();
        let mut linked = self.linked.lock();
        let fields = change
            .fields
            .iter()
            .filter_map(|field| match field.after {
                FieldValue::Employee(employee) => {
                    let after = FieldValue::Account(made.get(&employee)?.clone());
                    linked.insert((place, field.index));
                    Some(FieldChange { after, ..field.clone() })
                }
                _ => Some(field.clone()),
            })
            .collect();
        Step::of(place, change, fields)
    }

    /// Sets fields that refer to accounts made in this run, managers above all.
    fn late_references(&self, plan: &mut TargetPlan) {
        let (mut steps, mut incomplete, mut awaiting) = (Vec::new(), Vec::new(), Vec::new());
        let is_pending = |change: &&Change| matches!(change.outcome, Some(Outcome::Pending { .. }));
        let pending: BTreeSet<EmployeeId> =
            plan.changes.iter().filter(is_pending).filter_map(|change| change.employee).collect();
        let linked = std::mem::take(&mut *self.linked.lock());
        for (place, change) in plan.changes.iter().enumerate() {
            if change.outcome != Some(Outcome::Succeeded) {
                continue;
            }
            let (mut fields, mut without) = (Vec::new(), None);
            let late = |field: &&FieldChange| awaits_account(field) && !linked.contains(&(place, field.index));
            for field in change.fields.iter().filter(late) {
                let FieldValue::Employee(employee) = field.after else { continue };
                match self.made.lock().get(&employee) {
                    Some(account) => {
                        fields.push(FieldChange { after: FieldValue::Account(account.clone()), ..field.clone() });
                    }
                    None if pending.contains(&employee) => {
                        let detail =
                            format!("{} is not set yet: the account of employee {employee} is being made", field.field);
                        awaiting.push((place, detail));
                    }
                    None => without = Some((field.field.clone(), employee)),
                }
            }
            if let Some((field, employee)) = without {
                incomplete
                    .push((place, format!("{field} is not set: the account of employee {employee} was not made")));
            }
            // An account that was found may have its manager already.
            if change.reason == Some(Code::AccountFound)
                && !fields.is_empty()
                && let Some(Ok(Some(found))) = change.account.as_ref().map(|account| self.target.account(account))
            {
                fields = self.differing(&found, &fields);
            }
            if !fields.is_empty() {
                steps.push(Step::update_of(place, change, fields));
            }
        }
        self.steps(plan, &steps);
        for step in &steps {
            // The account itself was written, which "not attempted" would deny.
            if let Some(Outcome::NotAttempted { error }) = &plan.changes[step.place].outcome {
                let fields: Vec<&str> = step.intent.fields.iter().map(|field| &*field.field).collect();
                incomplete.push((step.place, format!("{} is not set: {error}", fields.join(" and "))));
            }
        }
        for (place, detail) in awaiting {
            if plan.changes[place].outcome == Some(Outcome::Succeeded) {
                plan.changes[place].outcome = Some(Outcome::Pending { detail });
            }
        }
        for (place, error) in incomplete {
            plan.changes[place].outcome = Some(Outcome::Failed { error, code: Code::ReferenceNotMade });
        }
    }

    fn steps(&self, plan: &mut TargetPlan, steps: &[Step]) {
        for batch in steps.chunks(RECORDED) {
            let intents: Vec<Intent> = batch.iter().map(|step| step.intent.clone()).collect();
            let numbers = if self.halted().is_some() { Ok(Vec::new()) } else { self.options.journal.begin(&intents) };
            let numbers = numbers.unwrap_or_else(|error| {
                self.journal_failed(&error);
                Vec::new()
            });
            let outcomes: Vec<Mutex<Option<JobOutcome>>> = batch.iter().map(|_| Mutex::new(None)).collect();
            let done = |place: usize, outcome: JobOutcome| {
                if let Some(number) = numbers.get(place) {
                    self.note(*number, &batch[place].intent, &outcome);
                }
                *outcomes[place].lock() = Some(outcome);
                self.options.progress.advance(1);
            };
            let alone = self.together(batch, done);
            self.each(&alone, |place| done(*place, self.step(&batch[*place], None)));
            let mut applied = self.applied.lock();
            for (step, outcome) in batch.iter().zip(outcomes) {
                let outcome = outcome.into_inner().expect("every step has an outcome");
                let change = &mut plan.changes[step.place];
                if !outcome.exchanges.is_empty() {
                    applied.exchanges.entry(step.place).or_default().extend(outcome.exchanges);
                }
                if let (Outcome::Succeeded, Some(account)) = (&outcome.outcome, outcome.account) {
                    change.account = Some(account);
                    if outcome.found {
                        change.reason = Some(Code::AccountFound);
                    }
                }
                change.outcome = Some(outcome.outcome);
            }
        }
    }

    fn was_found(&self, op: Op, employee: Option<EmployeeId>) -> bool {
        let found = self.found.lock();
        op == Op::Create && employee.is_some_and(|employee| found.contains(&employee))
    }

    /// Keeps what came of a write, at once, or when the target has finished and removals were looked at.
    fn note(&self, number: u64, intent: &Intent, outcome: &JobOutcome) {
        let is_removal = intent.op == Op::Deactivate && outcome.outcome == Outcome::Succeeded;
        if self.schema.capabilities.lasts_at_finish || is_removal {
            let kept = (number, intent.clone(), outcome.clone());
            self.waiting.lock().push(kept);
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

    fn why_not(&self) -> Option<String> {
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

    pub(super) fn keep_exchanges(&self, place: usize, exchanges: Vec<Exchange>) {
        if !exchanges.is_empty() {
            self.applied.lock().exchanges.entry(place).or_default().extend(exchanges);
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

    fn finish(self, plan: &mut TargetPlan) -> Applied {
        // Half of a file would look like the whole of it: the old one stays.
        let left_out = if self.schema.capabilities.lasts_at_finish { self.why_not() } else { None };
        let mut applied = self.applied.into_inner();
        let finished = if left_out.is_some() { Ok(()) } else { self.target.writer().finish() };
        let undone = |outcome: &mut Outcome| {
            if let (Some(error), Outcome::Succeeded) = (&left_out, &*outcome) {
                *outcome = Outcome::NotAttempted { error: error.clone() };
            }
        };
        let in_use = if finished.is_ok() && left_out.is_none() && !self.options.stop.load(Ordering::SeqCst) {
            still_in_use(self.target.reader(), plan)
        } else {
            BTreeSet::new()
        };
        let still_there = |op: Op, outcome: &Outcome, account: Option<&AccountId>| {
            let done = op == Op::Deactivate && *outcome == Outcome::Succeeded;
            done && account.is_some_and(|account| in_use.contains(account))
        };
        for change in &mut plan.changes {
            if change.outcome.as_ref().is_some_and(|outcome| still_there(change.op, outcome, change.account.as_ref())) {
                change.outcome = Some(not_removed());
            }
        }
        for (number, intent, mut outcome) in self.waiting.into_inner() {
            undone(&mut outcome.outcome);
            if let (Err(error), Outcome::Succeeded) = (&finished, &outcome.outcome) {
                outcome.outcome = Outcome::Failed { error: error.message.clone(), code: error.kind.code() };
            }
            if still_there(intent.op, &outcome.outcome, outcome.account.as_ref()) {
                outcome.outcome = not_removed();
            }
            self.options.journal.finish(number, &intent, &outcome);
        }
        if let Err(error) = finished {
            for change in plan.changes.iter_mut().filter(|change| change.outcome == Some(Outcome::Succeeded)) {
                change.outcome = Some(Outcome::Failed { error: error.message.clone(), code: error.kind.code() });
            }
            applied.unavailable |= error.kind == ErrorKind::Unavailable;
        } else if left_out.is_some() {
            plan.changes.iter_mut().filter_map(|change| change.outcome.as_mut()).for_each(undone);
        } else {
            applied.made = self.made.into_inner().into_iter().collect();
        }
        applied.tasks = self.tasks.into_inner();
        for change in plan.changes.iter_mut().filter(|change| change.outcome.is_none()) {
            change.outcome = Some(Outcome::NotAttempted { error: "its turn did not come".into() });
        }
        applied
    }
}
