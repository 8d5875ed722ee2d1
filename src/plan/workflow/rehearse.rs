//! For whom a workflow would have started on days that are past, had it been active.

use std::ops::RangeInclusive;

use crate::employee::standing;

use super::late::Window;
use super::*;

/// An event of an employee for which a workflow would have started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    pub employee: EmployeeId,
    /// The hire date or the last day.
    pub event: NaiveDate,
    /// The first of the days on which everything spoke for it; otherwise why that cannot be told.
    pub starts: Result<NaiveDate, String>,
    pub begun: Begun,
}

/// What was really done for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    No,
    Yes,
    /// An answer was lost.
    InDoubt,
}

impl Begun {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Yes => "yes",
            Self::InDoubt => "in_doubt",
        }
    }
}

/// Walks through the days with the people as they are known today. Nothing is known of what their attributes were, so
/// workflows that wait for a change start for nobody here.
pub fn rehearse(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    days: RangeInclusive<NaiveDate>,
) -> Vec<Rehearsed> {
    let (first, last) = days.into_inner();
    let mut found: BTreeMap<(EmployeeId, NaiveDate), Rehearsed> = BTreeMap::new();
    for today in first.iter_days().take_while(|day| *day <= last) {
        let standings: Vec<Standing> =
            input.employees.list.iter().map(|one| standing(one, &input.employees.attributes, today)).collect();
        let on_that_day = WorkflowInput { standings: &standings, today, ..*input };
        for position in 0..input.employees.list.len() {
            let Some(one) = on_a_day(&on_that_day, workflow, position) else { continue };
            let known = found.entry((one.employee, one.event)).or_insert_with(|| one.clone());
            if known.starts.is_err() && one.starts.is_ok() {
                *known = one;
            }
        }
    }
    found.into_values().collect()
}

/// The event for which the workflow would start today, if nothing speaks against it.
fn on_a_day(input: &WorkflowInput<'_>, workflow: &WorkflowSettings, position: usize) -> Option<Rehearsed> {
    let (employee, standing) = (&input.employees.list[position], &input.standings[position]);
    let event = day_of(input, workflow, position).0.filter(|day| Window::of(workflow, *day).is_open(input.today))?;
    let facts = Facts::new(employee, &input.employees.attributes, standing, input.today, input.tables);
    let unclear = standing.why_unclear().into_iter().map(Err);
    let in_scope = std::iter::once_with(|| match scope(&input.settings.include, &input.settings.exclude, &facts) {
        Scope::In | Scope::Left => Ok(true),
        Scope::Out { .. } => Ok(false),
        Scope::Unclear(_, why) => Err(why),
    });
    let conditions = workflow.when.iter().map(|condition| match condition.holds(&facts) {
        Truth::Yes => Ok(true),
        Truth::No => Ok(false),
        Truth::Unknown { attribute } => Err(format!("`{attribute}` is not readable")),
        Truth::Invalid { why } => Err(why),
    });
    let mut starts = Ok(input.today);
    for answer in unclear.chain(in_scope).chain(conditions) {
        match answer {
            Ok(true) => {}
            Ok(false) => return None,
            Err(why) => starts = starts.and(Err(why)),
        }
    }
    let memory = input.memory.get(&workflow.name);
    let begun = match memory.and_then(|memory| earlier(memory, employee.id, event)) {
        None => Begun::No,
        Some(Requested { done: true, .. }) => Begun::Yes,
        Some(_) => Begun::InDoubt,
    };
    Some(Rehearsed { employee: employee.id, event, starts, begun })
}
