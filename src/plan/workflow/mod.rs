//! Which requests of workflows are due, and which earlier ones no longer fit.

#[cfg(test)]
mod tests;

use super::PlanSettings;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};

use crate::code::Code;
use crate::employee::{Employee, EmployeeId, Employees, Lifecycle, Standing};
use crate::plan::{StepSource, Trigger, WorkflowSettings};
use crate::rules::{Deferred, Evaluation, Expression, Facts, Scope, StepResult, Tables, Truth, scope};

use super::{Action, Change, FieldChange, Notice, Op, Skip, StepValue, WorkflowStep};
use crate::field::{AccountId, FieldIndex, FieldValue};

mod late;
mod rehearse;
mod trial;
mod verdict;

pub use late::KnownSince;
pub use rehearse::{Begun, Rehearsed, rehearse};
pub use trial::trial;
pub use verdict::{Reason, verdict};

use late::Window;

/// A new day this close to one that was requested for is the same event, moved; farther away it is another one,
/// such as a rehire.
const SAME_EVENT: TimeDelta = TimeDelta::days(60);

/// A step that was begun or done in an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepDone {
    pub employee: EmployeeId,
    /// What for, as in [`WorkflowStep::event`].
    pub event: Box<str>,
    /// Its place in the workflow.
    pub step: usize,
    /// Whether it is known to be done; otherwise nobody can tell without looking.
    pub done: bool,
    pub id: Option<Box<str>>,
}

/// What an employee's counted attributes were when they were last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenBefore {
    /// The keyed hash of their values.
    pub fingerprint: Box<str>,
    /// When that was first so; sorts, and tells one change from the next.
    pub since: Box<str>,
}

/// What is remembered of one workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkflowMemory {
    pub steps: Vec<StepDone>,
    pub seen: BTreeMap<EmployeeId, SeenBefore>,
}

/// Makes the keyed hash of some values.
pub type Fingerprints<'a> = &'a dyn Fn(&[String]) -> Box<str>;

/// Everything the requests of one target rest on.
pub struct WorkflowInput<'a> {
    /// The target's section of the file.
    pub settings: &'a PlanSettings,
    pub employees: &'a Employees,
    /// Where each employee stands today, in the order of the employees.
    pub standings: &'a [Standing],
    /// The day of the run.
    pub today: NaiveDate,
    pub tables: &'a Arc<Tables>,
    /// What is remembered, by workflow.
    pub memory: &'a BTreeMap<Box<str>, WorkflowMemory>,
    /// The keyed hash of some values; without one, changes of attributes are not seen.
    pub fingerprint: Option<Fingerprints<'a>>,
    pub owned: &'a BTreeMap<EmployeeId, AccountId>,
    /// Employees whose account must not be changed.
    pub protected: &'a BTreeSet<EmployeeId>,
    /// Employees whose account somebody else in scope has a key of: it must not be taken out of use.
    pub claimed: &'a BTreeSet<EmployeeId>,
    /// Only this employee, if given.
    pub only: Option<EmployeeId>,
    /// When people were last known to be as they should.
    pub known: &'a KnownSince,
    /// The one workflow that somebody starts by hand, whether or not it is its day.
    pub started: Option<&'a str>,
}

/// The attributes of an employee as they are now, to be remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub workflow: Box<str>,
    pub employee: EmployeeId,
    /// The keyed hash of their values.
    pub fingerprint: Box<str>,
    /// What was remembered until now.
    pub replaces: Option<Box<str>>,
    /// The event whose requests must have succeeded before this is remembered.
    pub after: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlannedWorkflows {
    /// By workflow, employee and step, in the order in which they are carried out.
    pub changes: Vec<Change>,
    /// Employees for whom a step that is due cannot be planned.
    pub skipped: Vec<Skip>,
    /// Requests that no longer fit, and what to do.
    pub notices: Vec<Notice>,
    /// To be remembered after the run.
    pub seen: Vec<Seen>,
}

impl PlannedWorkflows {
    fn extend(&mut self, more: Self) {
        let Self { changes, skipped, notices, seen } = more;
        self.changes.extend(changes);
        self.skipped.extend(skipped);
        self.notices.extend(notices);
        self.seen.extend(seen);
    }
}

/// Plans the requests of every active workflow of a target.
pub fn plan_workflows(input: &WorkflowInput<'_>) -> PlannedWorkflows {
    let mut planned = PlannedWorkflows::default();
    let none = WorkflowMemory::default();
    let wanted = |workflow: &&WorkflowSettings| input.started.is_none_or(|name| *name == *workflow.name);
    for workflow in input.settings.workflows.iter().filter(|workflow| workflow.active).filter(wanted) {
        let memory = input.memory.get(&workflow.name).unwrap_or(&none);
        let mut found = PlannedWorkflows::default();
        for (position, employee) in input.employees.list.iter().enumerate() {
            if input.only.is_none_or(|only| only == employee.id) {
                one(input, workflow, memory, position, &mut found);
            }
        }
        gone(input, workflow, memory, &mut found);
        if workflow.paused && input.started.is_none() {
            // What no longer fits is told all the same. Changes that are not remembered now are found afterwards.
            found = PlannedWorkflows { notices: found.notices, ..PlannedWorkflows::default() };
        }
        planned.extend(found);
    }
    planned
}

/// Something that happened to an employee, for which a workflow runs once.
struct Event {
    key: Box<str>,
    day: NaiveDate,
    words: String,
    seen: Option<Seen>,
}

fn one(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    memory: &WorkflowMemory,
    position: usize,
    planned: &mut PlannedWorkflows,
) {
    let employee = &input.employees.list[position];
    if input.standings[position].unclear.is_some() {
        // The plan for the accounts names whose standing is not known, and why.
        return;
    }
    let facts =
        Facts::new(employee, &input.employees.attributes, &input.standings[position], input.today, input.tables);
    let in_scope = matches!(scope(&input.settings.include, &input.settings.exclude, &facts), Scope::In | Scope::Left);
    let event = match workflow.on {
        Trigger::Joiner | Trigger::Leaver => day_event(input, workflow, memory, position, &mut planned.notices),
        Trigger::Mover | Trigger::Updated => change_event(input, workflow, memory, position, in_scope, planned),
    };
    let Some(mut event) = event.filter(|_| in_scope) else {
        if let (Some(day), _) = day_of(input, workflow, position)
            && in_scope
        {
            planned.notices.extend(late::missed(input, workflow, memory, &facts, day));
        }
        return;
    };
    for condition in &workflow.when {
        match condition.holds(&facts) {
            Truth::Yes => {}
            Truth::No => {
                // What was seen is seen, whether or not something followed from it.
                planned.seen.extend(event.seen.take().map(|seen| Seen { after: None, ..seen }));
                return;
            }
            unclear => return skip(planned, employee.id, workflow, &unclear, condition.source()),
        }
    }
    let before = planned.changes.len();
    let skips = planned.skipped.len();
    steps(input, workflow, memory, &event, &facts, planned);
    if let Some(seen) = event.seen {
        let waits = planned.changes.len() > before || planned.skipped.len() > skips;
        planned.seen.push(Seen { after: waits.then(|| event.key.clone()), ..seen });
    }
}

fn skip(
    planned: &mut PlannedWorkflows,
    employee: EmployeeId,
    workflow: &WorkflowSettings,
    truth: &Truth,
    condition: &str,
) {
    let why = match truth {
        Truth::Unknown { attribute } => format!("needs `{attribute}`, which is not readable"),
        Truth::Invalid { why } => why.clone(),
        Truth::Yes | Truth::No => return,
    };
    planned.skipped.push(Skip {
        employee,
        reason: Code::WorkflowUnclear,
        detail: format!("workflow {}: `{condition}` {why}", workflow.name),
    });
}

fn date(input: &WorkflowInput<'_>, employee: &Employee, key: &str) -> Option<NaiveDate> {
    employee.value(input.employees.attributes.column(key)?).as_date()
}

/// The day that sets a workflow for joiners or leavers off, and what it is.
fn day_of(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    position: usize,
) -> (Option<NaiveDate>, &'static str) {
    let standing = &input.standings[position];
    match workflow.on {
        // Someone whose last day came before they started never joins.
        Trigger::Joiner if standing.lifecycle == Lifecycle::Left => (None, "the hire date"),
        Trigger::Joiner => (date(input, &input.employees.list[position], "hire_date"), "the hire date"),
        Trigger::Leaver => (standing.last_day.filter(|_| !standing.last_day_hidden), "the last day"),
        Trigger::Mover | Trigger::Updated => (None, "a change"),
    }
}

/// A hire date or a last day that is near; reports one that a request was made for and that moved.
fn day_event(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    memory: &WorkflowMemory,
    position: usize,
    notices: &mut Vec<Notice>,
) -> Option<Event> {
    let employee = &input.employees.list[position];
    let standing = &input.standings[position];
    if workflow.on != Trigger::Joiner && standing.last_day_hidden {
        notices.extend(last_day_hidden(input, workflow, employee, standing));
        return None;
    }
    let (day, what) = day_of(input, workflow, position);
    let mut moved = false;
    for Requested { day: requested, id, done } in requested(memory, employee.id) {
        if Some(requested) == day {
            continue;
        }
        let recent = input.today - requested <= TimeDelta::days(workflow.until);
        if !done {
            let near = day.is_none_or(|day| (day - requested).abs() <= SAME_EVENT);
            // Whether it was made is not known, so a second one must not be.
            moved |= near;
            if near && (recent || day.is_some_and(|day| input.today <= day)) {
                notices.push(in_doubt(workflow, employee.id, requested));
            }
            continue;
        }
        let named = id.map_or_else(String::new, |id| format!(" ({id})"));
        match day {
            Some(day) if (day - requested).abs() <= SAME_EVENT => {
                moved = true;
                if recent || input.today <= day {
                    let code = if workflow.on == Trigger::Joiner { Code::HireDateMoved } else { Code::LastDayMoved };
                    let message = format!(
                        "{}: the request{named} was made for {requested}, and {what} is {day} now; change it by hand, \
                             because requests cannot be changed from outside (no second one is made)",
                        workflow.name
                    );
                    notices.push(Notice::about(employee.id, code, message));
                }
            }
            // With the attribute hidden, nothing can be said.
            None if recent && is_known_empty(input, workflow, employee, standing) => {
                let (code, words) = match workflow.on {
                    Trigger::Joiner => (Code::HireCalledOff, "does not join any more"),
                    _ => (Code::LeaverStays, "has no last day any more"),
                };
                notices.push(Notice::about(
                    employee.id,
                    code,
                    format!(
                        "{}: the request{named} was made for {requested}, and the employee {words}; cancel it by hand",
                        workflow.name
                    ),
                ));
            }
            _ => {}
        }
    }
    let day = day.filter(|_| !moved)?;
    (input.started.is_some() || Window::of(workflow, day).is_open(input.today)).then(|| Event {
        key: day.to_string().into(),
        day,
        words: format!("{} {day}", what.trim_start_matches("the ")),
        seen: None,
    })
}

/// What is said where a last day is near that may not be the one that counts.
fn last_day_hidden(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    employee: &Employee,
    standing: &Standing,
) -> Option<Notice> {
    let day = standing.last_day?;
    let near =
        day + TimeDelta::days(workflow.from) <= input.today && input.today <= day + TimeDelta::days(workflow.until);
    near.then(|| {
        let message = format!(
            "{}: nothing is started, because an attribute with the last day is not readable and {day} may not be the day \
             that counts",
            workflow.name
        );
        Notice::about(employee.id, Code::LastDayHidden, message)
    })
}

fn is_known_empty(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    employee: &Employee,
    standing: &Standing,
) -> bool {
    let hidden = |key| {
        let column = input.employees.attributes.column(key);
        column.is_none_or(|column| employee.value(column).is_hidden())
    };
    match workflow.on {
        Trigger::Joiner => standing.lifecycle == Lifecycle::Left || !hidden("hire_date"),
        _ => standing.lifecycle != Lifecycle::Left && !hidden("termination_date"),
    }
}

/// What is known of the requests for one day.
struct Requested<'a> {
    day: NaiveDate,
    /// What the first step made.
    id: Option<&'a str>,
    /// Whether a step is known to be done; otherwise an answer was lost.
    done: bool,
}

/// The days an employee's requests were made for.
fn requested(memory: &WorkflowMemory, employee: EmployeeId) -> Vec<Requested<'_>> {
    let mut days: BTreeMap<NaiveDate, Requested<'_>> = BTreeMap::new();
    for step in memory.steps.iter().filter(|step| step.employee == employee) {
        if let Ok(day) = step.event.parse() {
            let known = days.entry(day).or_insert(Requested { day, id: None, done: false });
            known.id = known.id.or(step.id.as_deref());
            known.done |= step.done;
        }
    }
    days.into_values().collect()
}

/// The request that was made for an event, or for the same one before it moved.
fn earlier(memory: &WorkflowMemory, employee: EmployeeId, day: NaiveDate) -> Option<Requested<'_>> {
    requested(memory, employee).into_iter().find(|one| (one.day - day).abs() <= SAME_EVENT)
}

/// A request whose answer was lost, for a day that is not the day any more.
fn in_doubt(workflow: &WorkflowSettings, employee: EmployeeId, requested: NaiveDate) -> Notice {
    let name = &workflow.name;
    Notice::about(
        employee,
        Code::RequestInDoubt,
        format!(
            "{name}: the answer to a request for {requested} was lost, and the day is another one now; look whether it was \
             made and say so with `personio-sync workflows settle {name} --employee {employee}` (--made ID or --not-made); \
             no second one is made until then"
        ),
    )
}

/// New hires whom Personio no longer delivers at all.
fn gone(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    memory: &WorkflowMemory,
    planned: &mut PlannedWorkflows,
) {
    if workflow.on != Trigger::Joiner || !input.employees.is_complete() {
        return;
    }
    let employees: BTreeSet<EmployeeId> = memory.steps.iter().map(|step| step.employee).collect();
    for employee in employees {
        if input.employees.get(employee).is_some() || input.only.is_some_and(|only| only != employee) {
            continue;
        }
        for Requested { day, id, done } in requested(memory, employee) {
            if day < input.today {
                continue;
            }
            if !done {
                planned.notices.push(in_doubt(workflow, employee, day));
                continue;
            }
            let named = id.map_or_else(String::new, |id| format!(" ({id})"));
            let message = format!(
                "{}: the request{named} was made for {day}, and Personio no longer delivers the employee; cancel it by hand",
                workflow.name
            );
            planned.notices.push(Notice::about(employee, Code::HireCalledOff, message));
        }
    }
}

/// An attribute that differs from what is remembered. Nothing follows from the first sight of somebody.
fn change_event(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    memory: &WorkflowMemory,
    position: usize,
    in_scope: bool,
    planned: &mut PlannedWorkflows,
) -> Option<Event> {
    let employee = &input.employees.list[position];
    if !in_scope || input.standings[position].lifecycle == Lifecycle::Left {
        return None;
    }
    let fingerprint = fingerprint_of(input, workflow, position)?;
    let seen = |replaces: Option<Box<str>>| Seen {
        workflow: workflow.name.clone(),
        employee: employee.id,
        fingerprint: fingerprint.clone(),
        replaces,
        after: None,
    };
    match memory.seen.get(&employee.id) {
        None => {
            planned.seen.push(seen(None));
            None
        }
        Some(known) if combined(&known.fingerprint) == combined(&fingerprint) => {
            // An earlier version kept the values together only.
            if known.fingerprint != fingerprint {
                planned.seen.push(seen(Some(known.fingerprint.clone())));
            }
            None
        }
        Some(known) => Some(Event {
            key: format!("{} {}", known.since, fingerprint.get(..8).unwrap_or(&fingerprint)).into(),
            day: input.today,
            words: "changed attributes".into(),
            seen: Some(seen(Some(known.fingerprint.clone()))),
        }),
    }
}

/// The keyed hash of the values that count, and that of each attribute beside its key; nothing when one is hidden.
fn fingerprint_of(input: &WorkflowInput<'_>, workflow: &WorkflowSettings, position: usize) -> Option<Box<str>> {
    let (employee, hash) = (&input.employees.list[position], input.fingerprint?);
    let mut values = Vec::with_capacity(workflow.changed.len());
    for key in &workflow.changed {
        let value = employee.value(input.employees.attributes.column(key)?);
        if value.is_hidden() {
            return None;
        }
        values.push(format!("{value:?}"));
    }
    let mut text = hash(&values).into_string();
    for (key, value) in workflow.changed.iter().zip(values) {
        let hash = hash(&[value]);
        text = format!("{text}|{key}:{}", hash.get(..16).unwrap_or(&hash));
    }
    Some(text.into())
}

/// The part of a fingerprint that is of all values together.
fn combined(fingerprint: &str) -> &str {
    fingerprint.split('|').next().unwrap_or_default()
}

fn steps(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    memory: &WorkflowMemory,
    event: &Event,
    facts: &Facts<'_>,
    planned: &mut PlannedWorkflows,
) {
    let employee = facts.employee().id;
    let before = |step: usize| {
        let mut past = memory.steps.iter();
        past.find(|past| past.employee == employee && past.event == event.key && past.step == step)
    };
    let made: Vec<Option<Box<str>>> =
        (0..workflow.steps.len()).map(|step| before(step).and_then(|past| past.id.clone())).collect();
    // What each step so far made, or will have made when the next one is carried out.
    let mut results: Vec<StepResult> = Vec::with_capacity(workflow.steps.len());
    for (number, step) in workflow.steps.iter().enumerate() {
        if before(number).is_some_and(|past| past.done) {
            results.push(made[number].clone().map_or(StepResult::Nothing, StepResult::Id));
            continue;
        }
        let facts = facts.with_results(&results);
        let conditions = [(&step.only_if, Truth::Yes), (&step.unless, Truth::No)];
        let mut wanted = true;
        for (condition, needed) in conditions.iter().filter_map(|(one, needed)| Some((one.as_ref()?, needed))) {
            match condition.holds(&facts) {
                truth if truth == *needed => {}
                Truth::Yes | Truth::No => wanted = false,
                unclear => return skip(planned, employee, workflow, &unclear, condition.source()),
            }
        }
        if !wanted {
            results.push(StepResult::Nothing);
            continue;
        }
        if step.action == Action::DeactivateRequester && input.claimed.contains(&employee) {
            let detail =
                format!("workflow {}: somebody else has a key of the account and works with it", workflow.name);
            planned.skipped.push(Skip { employee, reason: Code::AccountClaimed, detail });
            return;
        }
        if step.action.changes_account() && input.protected.contains(&employee) {
            let detail = format!("workflow {}: the account is never changed", workflow.name);
            planned.skipped.push(Skip { employee, reason: Code::AccountProtected, detail });
            return;
        }
        let mut fields = Vec::with_capacity(step.fields.len());
        for (name, source) in &step.fields {
            let value = match source {
                StepSource::Constant(value) => StepValue::Value(value.clone()),
                StepSource::Expression(expression) => match value(expression, &facts, &results) {
                    Ok(value) => value,
                    Err(unclear) => return skip(planned, employee, workflow, &unclear, expression.source()),
                },
            };
            fields.push((name.clone(), value));
        }
        let request = WorkflowStep {
            workflow: workflow.name.clone(),
            step: number,
            action: step.action,
            employee,
            event: event.key.clone(),
            day: event.day,
            fields,
            results: made.clone(),
        };
        let shown = |(name, value): &(Box<str>, StepValue)| FieldChange {
            index: FieldIndex(u16::MAX),
            field: (&**name).into(),
            before: FieldValue::Empty,
            after: value.preview(&results),
        };
        planned.changes.push(Change {
            account: input.owned.get(&employee).cloned(),
            reason: Some(step.action.code()),
            detail: Some(format!("workflow {}, {}", workflow.name, event.words)),
            fields: request.fields.iter().map(shown).filter(|field| !field.after.is_empty()).collect(),
            request: Some(Box::new(request)),
            ..Change::new(Op::Request, Some(employee))
        });
        results.push(if step.action.makes() { StepResult::Awaited } else { StepResult::Nothing });
    }
}

/// What a field is filled with; put off where a result is needed that is not there yet.
fn value(expression: &Arc<Expression>, facts: &Facts<'_>, results: &[StepResult]) -> Result<StepValue, Truth> {
    let given = |evaluation: Evaluation| match evaluation {
        Evaluation::Value(FieldValue::Employee(id)) => Ok(StepValue::Value(FieldValue::text(&id.to_string()))),
        Evaluation::Value(value) => Ok(StepValue::Value(value)),
        Evaluation::Frozen { attribute } => Err(Truth::Unknown { attribute }),
        Evaluation::Invalid { why } => Err(Truth::Invalid { why }),
    };
    if expression.steps().next().is_none() {
        return given(expression.evaluate(facts));
    }
    let deferred = match Deferred::new(expression, facts) {
        Ok(deferred) => deferred,
        Err(frozen) => return given(frozen),
    };
    // Ids are numbers: what cannot be worked out with one now cannot be worked out later either.
    let found = given(deferred.evaluate(|step| match results.get(step)? {
        StepResult::Awaited => Some(FieldValue::Integer(1)),
        known => known.id(),
    }))?;
    let waits = deferred.steps().any(|step| results.get(step) == Some(&StepResult::Awaited));
    Ok(if waits { StepValue::Deferred(deferred) } else { found })
}
