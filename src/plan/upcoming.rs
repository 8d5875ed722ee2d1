//! Who joins and who leaves in the coming days, and what a target will do about it when. Nothing is known of its accounts
//! but the links.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::employee::{Completeness, Employee, EmployeeId, Employees, Lifecycle, Standing, standing};
use crate::rules::{Facts, Scope, Tables};

use super::build::scope_in;
use super::workflow::{Begun, WorkflowInput, WorkflowMemory, rehearse};
use super::{LeaverAction, PlanSettings};

/// Somebody whose first or last day is near.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coming {
    pub day: NaiveDate,
    pub employee: EmployeeId,
    pub event: ComingEvent,
    pub acts: Vec<Act>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComingEvent {
    Joins,
    Leaves,
}

impl ComingEvent {
    /// The word in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joins => "joins",
            Self::Leaves => "leaves",
        }
    }
}

/// What will be done in a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Act {
    pub target: Box<str>,
    /// By the first run from this day on; `None` where that cannot be told.
    pub on: Option<NaiveDate>,
    pub what: What,
    /// Why it cannot be told.
    pub unclear: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Create,
    /// The employee has an account.
    Linked,
    Deactivate,
    /// The account stays as it is.
    Keep,
    Workflow(Box<str>),
}

impl What {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Linked => "linked",
            Self::Deactivate => "deactivate",
            Self::Keep => "keep",
            Self::Workflow(_) => "workflow",
        }
    }
}

/// A target, with what is remembered of it.
pub struct ComingTarget<'a> {
    pub settings: &'a PlanSettings,
    pub linked: BTreeSet<EmployeeId>,
    pub workflows: BTreeMap<Box<str>, WorkflowMemory>,
}

/// Everybody whose first or last day is among these days, by day.
pub fn upcoming(
    employees: &Employees,
    tables: &Arc<Tables>,
    targets: &[ComingTarget<'_>],
    days: &RangeInclusive<NaiveDate>,
) -> Vec<Coming> {
    let events = events(employees, days);
    let concerned: BTreeSet<EmployeeId> = events.iter().map(|(_, employee, _)| *employee).collect();
    let list: Vec<Employee> = employees.list.iter().filter(|one| concerned.contains(&one.id)).cloned().collect();
    let few = Employees::new(employees.attributes.clone(), list, Completeness::Proven)
        .contesting(employees.contested.intersection(&concerned).copied().collect());
    let watch = Watch { employees: &few, tables, days };
    let mut found: Vec<Coming> =
        events.into_iter().map(|(day, employee, event)| Coming { day, employee, event, acts: Vec::new() }).collect();
    for target in targets {
        let mut started = watch.workflows(target);
        for coming in &mut found {
            coming.acts.extend(watch.account(target, coming));
            coming.acts.extend(started.remove(&(coming.employee, coming.day)).unwrap_or_default());
        }
    }
    found.sort();
    found
}

fn events(employees: &Employees, days: &RangeInclusive<NaiveDate>) -> Vec<(NaiveDate, EmployeeId, ComingEvent)> {
    let attributes = &employees.attributes;
    let hired = |employee: &Employee| employee.value(attributes.column("hire_date")?).as_date();
    let of = |employee: &Employee| {
        let today = standing(employee, attributes, *days.start());
        let joins = hired(employee)
            .filter(|day| days.contains(day) && standing(employee, attributes, *day).lifecycle != Lifecycle::Left)
            .map(|day| (day, employee.id, ComingEvent::Joins));
        let leaves = today
            .last_day
            .filter(|day| days.contains(day) && !today.last_day_hidden && today.lifecycle != Lifecycle::Left)
            .map(|day| (day, employee.id, ComingEvent::Leaves));
        [joins, leaves].into_iter().flatten().collect::<Vec<_>>()
    };
    employees.list.iter().flat_map(of).collect()
}

/// The few people whom something concerns.
struct Watch<'a> {
    employees: &'a Employees,
    tables: &'a Arc<Tables>,
    days: &'a RangeInclusive<NaiveDate>,
}

impl Watch<'_> {
    fn scope(&self, settings: &PlanSettings, employee: &Employee, day: NaiveDate) -> Scope {
        let standing = standing(employee, &self.employees.attributes, day);
        scope_in(
            settings,
            self.employees,
            &Facts::new(employee, &self.employees.attributes, &standing, day, self.tables),
        )
    }

    /// What becomes of the account.
    fn account(&self, target: &ComingTarget<'_>, coming: &Coming) -> Option<Act> {
        let employee = self.employees.get(coming.employee)?;
        let act = |on, what| Act { target: target.settings.name.clone(), on: Some(on), what, unclear: None };
        let today = *self.days.start();
        let is_linked = target.linked.contains(&coming.employee);
        match coming.event {
            ComingEvent::Joins if is_linked => Some(act(today, What::Linked)),
            ComingEvent::Joins => {
                let mut days = self.days.start().iter_days().take_while(|day| *day <= coming.day);
                let first = days.find_map(|day| match self.scope(target.settings, employee, day) {
                    Scope::In => Some(act(day, What::Create)),
                    Scope::Unclear(_, why) => Some(Act { on: None, unclear: Some(why), ..act(day, What::Create) }),
                    Scope::Left | Scope::Out { .. } => None,
                });
                first.or_else(|| {
                    let later = coming.day.iter_days().take_while(|day| day <= self.days.end());
                    let mut later = later.filter(|day| self.scope(target.settings, employee, *day) == Scope::In);
                    later.next().map(|day| act(day, What::Create))
                })
            }
            ComingEvent::Leaves => {
                let was_meant = is_linked || self.scope(target.settings, employee, coming.day) == Scope::In;
                let leavers = target.settings.leavers;
                let after = u64::from(leavers.grace_days) + 1;
                let on = coming.day.checked_add_days(chrono::Days::new(after)).unwrap_or(NaiveDate::MAX);
                let what = match leavers.left {
                    LeaverAction::Deactivate if !target.settings.takes_leavers() => What::Deactivate,
                    _ => What::Keep,
                };
                was_meant.then(|| act(on, what))
            }
        }
    }

    /// The workflows that start, by employee and event.
    fn workflows(&self, target: &ComingTarget<'_>) -> BTreeMap<(EmployeeId, NaiveDate), Vec<Act>> {
        let no_standings: &[Standing] = &[];
        let input = WorkflowInput {
            settings: target.settings,
            employees: self.employees,
            standings: no_standings,
            today: *self.days.start(),
            tables: self.tables,
            memory: &target.workflows,
            fingerprint: None,
            owned: &BTreeMap::new(),
            protected: &BTreeSet::new(),
            claimed: &BTreeSet::new(),
            only: None,
            known: &Default::default(),
            started: None,
        };
        let mut found: BTreeMap<_, Vec<Act>> = BTreeMap::new();
        for workflow in target.settings.workflows.iter().filter(|workflow| workflow.active && !workflow.paused) {
            for one in rehearse(&input, workflow, self.days.clone()) {
                if one.begun != Begun::No {
                    continue;
                }
                found.entry((one.employee, one.event)).or_default().push(Act {
                    target: target.settings.name.clone(),
                    on: one.starts.as_ref().ok().copied(),
                    what: What::Workflow(workflow.name.clone()),
                    unclear: one.starts.err(),
                });
            }
        }
        found
    }
}
