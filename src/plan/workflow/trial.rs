//! What the steps of a workflow would send, whether or not it is their day.

use super::*;

/// The steps of a workflow for a few employees: those in scope for whom its conditions hold, the latest first,
/// whatever the day and whatever was done before. For holding them against a service's forms.
pub fn trial(input: &WorkflowInput<'_>, workflow: &WorkflowSettings, employees: usize) -> Vec<WorkflowStep> {
    let day = |position: usize| {
        let (employee, standing) = (&input.employees.list[position], &input.standings[position]);
        match workflow.on {
            Trigger::Joiner => date(input, employee, "hire_date"),
            Trigger::Leaver => standing.last_day,
            Trigger::Mover | Trigger::Updated => Some(input.today),
        }
    };
    let mut positions: Vec<(NaiveDate, usize)> =
        (0..input.employees.list.len()).filter_map(|position| Some((day(position)?, position))).collect();
    positions.sort_by_key(|(day, position)| (std::cmp::Reverse(*day), *position));
    let mut planned = PlannedWorkflows::default();
    let none = WorkflowMemory::default();
    let mut tried = 0;
    for (day, position) in positions {
        if tried == employees {
            break;
        }
        let (employee, standing) = (&input.employees.list[position], &input.standings[position]);
        let facts = Facts::new(employee, &input.employees.attributes, standing, input.today, input.tables);
        let is_meant = scope(&input.settings.include, &input.settings.exclude, &facts) == Scope::In
            && standing.unclear.is_none()
            && workflow.when.iter().all(|condition| condition.holds(&facts) == Truth::Yes);
        if !is_meant {
            continue;
        }
        let before = planned.changes.len();
        let event = Event { key: day.to_string().into(), day, words: String::new(), seen: None };
        steps(input, workflow, &none, &event, &facts, &mut planned);
        tried += usize::from(planned.changes.len() > before);
    }
    planned.changes.into_iter().filter_map(|change| change.request).map(|request| *request).collect()
}
