//! Why a workflow runs for an employee today, or does not: each reason by itself.

use super::late::Window;
use super::*;

/// One reason: its name, and what is found, beginning with `yes` or `no`.
pub type Reason = (&'static str, String);

/// What decides about one workflow and one employee, in the order in which it is looked at.
pub fn verdict(input: &WorkflowInput<'_>, workflow: &WorkflowSettings, employee: EmployeeId) -> Vec<Reason> {
    let Ok(position) = input.employees.list.binary_search_by_key(&employee, |one| one.id) else { return Vec::new() };
    let none = WorkflowMemory::default();
    let memory = input.memory.get(&workflow.name).unwrap_or(&none);
    let one = &input.employees.list[position];
    let facts = Facts::new(one, &input.employees.attributes, &input.standings[position], input.today, input.tables);
    let mut reasons = match workflow.on {
        Trigger::Joiner | Trigger::Leaver => of_a_day(input, workflow, memory, position),
        Trigger::Mover | Trigger::Updated => vec![of_a_change(input, workflow, memory, position)],
    };
    reasons.push(("scope", in_scope(input, &facts)));
    let holds = |condition: &Expression| match condition.holds(&facts) {
        Truth::Yes => format!("yes: {}", condition.source()),
        Truth::No => format!("no: {}", condition.source()),
        Truth::Unknown { attribute } => {
            format!("cannot be told: {}: `{attribute}` is not readable", condition.source())
        }
        Truth::Invalid { why } => format!("cannot be told: {}: {why}", condition.source()),
    };
    reasons.extend(workflow.when.iter().map(|condition| ("when", holds(condition))));
    reasons
}

fn in_scope(input: &WorkflowInput<'_>, facts: &Facts<'_>) -> String {
    match scope(&input.settings.include, &input.settings.exclude, facts) {
        Scope::In => "yes".to_owned(),
        Scope::Left => "yes: has left, and is meant by the filters".to_owned(),
        Scope::Out { clause, .. } => format!("no: {clause}"),
        Scope::Unclear(_, why) => format!("cannot be told: {why}"),
    }
}

fn of_a_day(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    memory: &WorkflowMemory,
    position: usize,
) -> Vec<Reason> {
    let employee = &input.employees.list[position];
    let (day, what) = day_of(input, workflow, position);
    let Some(day) = day else {
        let why = match workflow.on {
            Trigger::Joiner if input.standings[position].lifecycle == Lifecycle::Left => "has left",
            _ if is_known_empty(input, workflow, employee, &input.standings[position]) => "none is set",
            _ => "it is not readable, or none is set",
        };
        return vec![("trigger", format!("no: {what}: {why}"))];
    };
    let Window { from, until, .. } = Window::of(workflow, day);
    let window = match input.today {
        today if today < from => format!("no: it opens on {from}, until {until}"),
        today if today > until => format!("no: it was open from {from} until {until}"),
        _ => format!("yes: open from {from} until {until}"),
    };
    let done = match earlier(memory, employee.id, day) {
        None => "no".to_owned(),
        Some(Requested { day, done: false, .. }) => format!("cannot be told: the answer for {day} was lost"),
        Some(Requested { day, id, .. }) => {
            format!("yes: for {day}{}", id.map_or_else(String::new, |id| format!(" ({id})")))
        }
    };
    vec![("trigger", format!("yes: {what} is {day}")), ("window", window), ("done", done)]
}

/// What of an employee's attributes differs from what is remembered.
fn of_a_change(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    memory: &WorkflowMemory,
    position: usize,
) -> Reason {
    let all = workflow.changed.join(", ");
    let found = match (fingerprint_of(input, workflow, position), memory.seen.get(&input.employees.list[position].id)) {
        (None, _) => format!("cannot be told: one of {all} is not readable"),
        (Some(_), None) => format!("no: the first sight of {all}; the next sync remembers it"),
        (Some(now), Some(known)) if combined(&known.fingerprint) == combined(&now) => {
            format!("no: {all}: as remembered since {}", known.since.get(..10).unwrap_or(&known.since))
        }
        (Some(now), Some(known)) => {
            let parts: BTreeSet<&str> = known.fingerprint.split('|').skip(1).collect();
            let names = |changed: bool| -> Vec<&str> {
                let other = now.split('|').skip(1).filter(|part| parts.contains(part) != changed);
                other.filter_map(|part| Some(part.split_once(':')?.0)).collect()
            };
            match (parts.is_empty(), names(true), names(false)) {
                // Remembered by a version that kept them together.
                (true, ..) => format!("yes: one of {all} changed"),
                (_, changed, same) if same.is_empty() => format!("yes: {} changed", changed.join(", ")),
                (_, changed, same) => format!("yes: {} changed; as before: {}", changed.join(", "), same.join(", ")),
            }
        }
    };
    ("trigger", found)
}
