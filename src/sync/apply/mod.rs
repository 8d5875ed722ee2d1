#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldKind, FieldValue, Schema};
use crate::plan::{Change, FieldChange, Op, Outcome, TargetPlan};
use crate::targets::{ErrorKind, Target};

use super::order::dependency_order;
use super::read_back::{not_removed, still_in_use};
use super::writers::Writers;
use super::writing::{Applied, ApplyOptions, Intent, JobOutcome, Run, Step};

/// How many intents are recorded at a time, before the first of them is sent.
const RECORDED: usize = 128;

/// The same where nothing lasts before the end, and a crash in between leaves nothing to look for.
const RECORDED_BEFORE_THE_END: usize = 2_048;

/// How many times accounts are made for others to refer to: managers, their managers, and so on. No company is
/// deeper; what a chain beyond it refers to is set afterwards.
const REFERENCE_LEVELS: usize = 16;

/// Carries out a plan for one target and gives every change its outcome.
///
/// Order: missing references, then creates, reactivations and updates, managers first, then references that could
/// not go along, then the steps of workflows, then deactivations. A change that fails does not stop the others.
pub(super) fn apply(
    target: &dyn Target,
    schema: &Schema,
    plan: &mut TargetPlan,
    options: &ApplyOptions<'_>,
) -> Applied {
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

/// Whether a field refers to an account that is made in this run.
fn awaits_account(field: &FieldChange) -> bool {
    matches!(field.after, FieldValue::Employee(_))
}

impl Run<'_> {
    /// Carries out the changes that `fields` picks, several at once.
    fn phase(&self, plan: &mut TargetPlan, fields: impl Fn(&Change) -> Option<Vec<FieldChange>>) {
        let concerned = |change: &Change| change.outcome.is_none() && fields(change).is_some();
        let positions =
            plan.changes.iter().enumerate().filter(|(_, change)| concerned(change)).map(|(position, _)| position);
        let positions: Vec<usize> = positions.collect();
        self.step_by_step(plan, &positions, |position, change| {
            Step::of(position, change, fields(change).unwrap_or_default())
        });
    }

    /// Carries out changes, and has of no more of them at a time the steps than are recorded together.
    fn step_by_step(&self, plan: &mut TargetPlan, positions: &[usize], step: impl Fn(usize, &Change) -> Step) {
        for portion in positions.chunks(self.recorded()) {
            let steps: Vec<Step> = portion.iter().map(|position| step(*position, &plan.changes[*position])).collect();
            self.steps(plan, &steps);
        }
    }

    fn recorded(&self) -> usize {
        if self.schema.capabilities.lasts_at_finish { RECORDED_BEFORE_THE_END } else { RECORDED }
    }

    /// Creates, reactivations and updates, in an order in which nobody takes a value that another account still has.
    fn in_dependency_order(&self, plan: &mut TargetPlan) {
        let order = dependency_order(&plan.changes, self.schema, self.options.match_fields);
        for (number, level) in order.levels.iter().enumerate() {
            let parked: Vec<Step> = order
                .parked
                .iter()
                .filter(|(before, ..)| *before == number)
                .map(|(_, position, field)| {
                    let change = &plan.changes[*position];
                    let fields = change
                        .fields
                        .iter()
                        .filter(|one| one.index == *field)
                        .map(|one| FieldChange { after: self.placeholder(change, one), ..one.clone() })
                        .collect();
                    Step::update_of(*position, change, fields)
                })
                .collect();
            self.steps(plan, &parked);
            for step in &parked {
                // Only a first half: its outcome counts when the change itself has one.
                let change = &mut plan.changes[step.position];
                if change.outcome == Some(Outcome::Succeeded) {
                    change.outcome = None;
                }
            }
            let unsettled = level.iter().copied().filter(|position| plan.changes[*position].outcome.is_none());
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
                open.into_iter().partition(|position| self.refers_to_made(&plan.changes[*position]));
            open = later;
            if ready.is_empty() || level == REFERENCE_LEVELS {
                // Managers in a circle, and those whose manager's account could not be made.
                ready.append(&mut open);
            }
            self.step_by_step(plan, &ready, |position, change| self.step_of(position, change));
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
    fn step_of(&self, position: usize, change: &Change) -> Step {
        let made = self.made.lock();
        let mut linked = self.linked.lock();
        let fields = change
            .fields
            .iter()
            .filter_map(|field| match field.after {
                FieldValue::Employee(employee) => {
                    let after = FieldValue::Account(made.get(&employee)?.clone());
                    linked.insert((position, field.index));
                    Some(FieldChange { after, ..field.clone() })
                }
                _ => Some(field.clone()),
            })
            .collect();
        Step::of(position, change, fields)
    }

    /// Sets fields that refer to accounts made in this run, managers above all.
    fn late_references(&self, plan: &mut TargetPlan) {
        let (mut steps, mut incomplete, mut awaiting) = (Vec::new(), Vec::new(), Vec::new());
        let is_pending = |change: &&Change| matches!(change.outcome, Some(Outcome::Pending { .. }));
        let pending: BTreeSet<EmployeeId> =
            plan.changes.iter().filter(is_pending).filter_map(|change| change.employee).collect();
        let linked = std::mem::take(&mut *self.linked.lock());
        for (position, change) in plan.changes.iter().enumerate() {
            if change.outcome != Some(Outcome::Succeeded) {
                continue;
            }
            let (mut fields, mut without) = (Vec::new(), None);
            let late = |field: &&FieldChange| awaits_account(field) && !linked.contains(&(position, field.index));
            for field in change.fields.iter().filter(late) {
                let FieldValue::Employee(employee) = field.after else { continue };
                match self.made.lock().get(&employee) {
                    Some(account) => {
                        fields.push(FieldChange { after: FieldValue::Account(account.clone()), ..field.clone() });
                    }
                    None if pending.contains(&employee) => {
                        let detail =
                            format!("{} is not set yet: the account of employee {employee} is being made", field.field);
                        awaiting.push((position, detail));
                    }
                    None => without = Some((field.field.clone(), employee)),
                }
            }
            if let Some((field, employee)) = without {
                incomplete
                    .push((position, format!("{field} is not set: the account of employee {employee} was not made")));
            }
            // An account that was found may have its manager already.
            if change.reason == Some(Code::AccountFound)
                && !fields.is_empty()
                && let Some(Ok(Some(found))) = change.account.as_ref().map(|account| self.target.account(account))
            {
                fields = self.differing(&found, &fields);
            }
            if !fields.is_empty() {
                steps.push(Step::update_of(position, change, fields));
            }
        }
        self.steps(plan, &steps);
        for step in &steps {
            // The account itself was written, which "not attempted" would deny.
            if let Some(Outcome::NotAttempted { error }) = &plan.changes[step.position].outcome {
                let fields: Vec<&str> = step.intent.fields.iter().map(|field| &*field.field).collect();
                incomplete.push((step.position, format!("{} is not set: {error}", fields.join(" and "))));
            }
        }
        for (position, detail) in awaiting {
            if plan.changes[position].outcome == Some(Outcome::Succeeded) {
                plan.changes[position].outcome = Some(Outcome::Pending { detail });
            }
        }
        for (position, error) in incomplete {
            plan.changes[position].outcome = Some(Outcome::Failed { error, code: Code::ReferenceNotMade });
        }
    }

    fn steps(&self, plan: &mut TargetPlan, steps: &[Step]) {
        for batch in steps.chunks(self.recorded()) {
            let intents: Vec<Intent> = batch.iter().map(|step| step.intent.clone()).collect();
            let numbers = if self.halted().is_some() { Ok(Vec::new()) } else { self.options.journal.begin(&intents) };
            let numbers = numbers.unwrap_or_else(|error| {
                self.journal_failed(&error);
                Vec::new()
            });
            let outcomes: Vec<Mutex<Option<JobOutcome>>> = batch.iter().map(|_| Mutex::new(None)).collect();
            let done = |position: usize, outcome: JobOutcome| {
                if let Some(number) = numbers.get(position) {
                    self.note(*number, &batch[position].intent, &outcome);
                }
                *outcomes[position].lock() = Some(outcome);
                self.options.progress.advance(1);
            };
            let alone = self.together(batch, done);
            self.each(&alone, |position| done(*position, self.step(&batch[*position], None)));
            let mut applied = self.applied.lock();
            for (step, outcome) in batch.iter().zip(outcomes) {
                let outcome = outcome.into_inner().expect("every step has an outcome");
                let change = &mut plan.changes[step.position];
                if !outcome.exchanges.is_empty() {
                    applied.exchanges.entry(step.position).or_default().extend(outcome.exchanges);
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
