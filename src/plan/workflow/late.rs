//! Events whose days were over before anybody could know of them.

use crate::code::Code;

use super::*;

/// When the target and its people were last known to be as they should; empty before the first run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownSince {
    /// The first run of all of the target that ended well.
    pub first_run: Option<NaiveDate>,
    /// When each employee was last found, or brought, in line.
    pub in_line: BTreeMap<EmployeeId, NaiveDate>,
    /// When this tool made their account; today for those it is about to make.
    pub made: BTreeMap<EmployeeId, NaiveDate>,
}

/// Between which days the workflow of an event counts.
pub(super) struct Window {
    pub(super) from: NaiveDate,
    pub(super) until: NaiveDate,
}

impl Window {
    pub(super) fn of(workflow: &WorkflowSettings, day: NaiveDate) -> Self {
        Self { from: day + TimeDelta::days(workflow.from), until: day + TimeDelta::days(workflow.until) }
    }

    pub(super) fn is_open(&self, today: NaiveDate) -> bool {
        self.from <= today && today <= self.until
    }

    /// Whether the event became known after its days were over, and not so long ago that nobody cares.
    fn was_missed(&self, on: Trigger, employee: EmployeeId, known: &KnownSince, today: NaiveDate) -> bool {
        let shown_since = match on {
            // Whoever was in line after those days had not left by then, as far as anybody knew; whoever was in line only
            // before them was not looked at meanwhile.
            Trigger::Leaver => known.in_line.get(&employee).filter(|day| **day > self.until || **day < self.from),
            _ => known.made.get(&employee).filter(|made| **made > self.until && known.first_run < Some(**made)),
        };
        let recent = |day: &NaiveDate| today - self.until.max(*day) <= SAME_EVENT;
        self.until < today && known.first_run.is_some() && shown_since.is_some_and(recent)
    }
}

/// An event that came too late for its workflow, with the command that starts it all the same.
pub(super) fn missed(
    input: &WorkflowInput<'_>,
    workflow: &WorkflowSettings,
    memory: &WorkflowMemory,
    facts: &Facts<'_>,
    day: NaiveDate,
) -> Option<Notice> {
    let employee = facts.employee().id;
    let window = Window::of(workflow, day);
    // Whose account somebody works with under a new profile has not really left.
    let goes_on = workflow.on == Trigger::Leaver && input.claimed.contains(&employee);
    let begun = earlier(memory, employee, day).is_some();
    if begun
        || goes_on
        || !window.was_missed(workflow.on, employee, input.known, input.today)
        || !workflow.when.iter().all(|condition| condition.holds(facts) == Truth::Yes)
    {
        return None;
    }
    let (name, target) = (&workflow.name, &input.settings.name);
    let what = if workflow.on == Trigger::Joiner { "the hire date" } else { "the last day" };
    Some(Notice::about(
        employee,
        Code::EventMissed,
        format!(
            "{name}: {what} {day} became known after the days of the workflow ({} to {}), so nothing was sent (event_missed); \
             `personio-sync workflows start {target}/{name} --employee {employee}` does it now",
            window.from, window.until
        ),
    ))
}
