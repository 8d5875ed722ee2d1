//! `jobs --workflow`: the history of one workflow, a row for each step.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::employee::EmployeeId;
use crate::output::listing::Listing;
use crate::output::{Answer, Shown};
use crate::state::{Job, JobFilter, JobStatus, RunId, StepOutcome};
use crate::sync::Memory;
use crate::zone::LocalTime;

use super::session::Session;
use super::{Failure, Process, Reason, Reasons};

/// Which steps are asked for.
pub(super) struct Asked<'a> {
    /// `NAME` or `TARGET/NAME`.
    pub(super) workflow: &'a str,
    /// What holds for jobs holds for their steps.
    pub(super) filter: JobFilter<'a>,
    pub(super) limit: u32,
}

#[derive(Serialize)]
struct StepsDocument {
    steps: Vec<StepRow>,
}

#[derive(Serialize)]
struct StepRow {
    job: String,
    at: Option<LocalTime>,
    target: Box<str>,
    workflow: Box<str>,
    employee: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Box<str>>,
    step: usize,
    action: Box<str>,
    status: JobStatus,
    error: Option<Box<str>>,
    /// The later run that carried out what this one did not.
    made_good_by: Option<String>,
}

pub(super) fn list(
    process: &Process,
    session: &Session,
    memory: &Memory,
    asked: &Asked<'_>,
) -> Result<Reasons, Failure> {
    let history = History::read(session, memory, asked)?;
    let mut steps = Vec::new();
    let mut started: BTreeMap<RunId, Option<LocalTime>> = BTreeMap::new();
    for found in history.steps(asked).into_iter().take(asked.limit as usize) {
        let run = found.job.id.run;
        let started = match started.entry(run) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(memory.state.run(run)?.map(|run| session.local(run.started_at))),
        };
        steps.push(found.row(started));
    }
    let shown = shown(&steps);
    process.answer(&Answer::new("jobs", StepsDocument { steps }, shown));
    Ok(Reasons::default())
}

/// The jobs that steps of the workflow were part of, those of each target newest first.
struct History<'a> {
    workflow: &'a str,
    jobs: Vec<Job>,
}

impl<'a> History<'a> {
    fn read(session: &Session, memory: &Memory, asked: &Asked<'a>) -> Result<Self, Failure> {
        let (of, workflow) = match asked.workflow.split_once('/') {
            Some((target, workflow)) => (Some(target), workflow),
            None => (asked.filter.target, asked.workflow),
        };
        let sections = &session.settings.targets;
        let records = memory.state.targets()?;
        let targets: BTreeSet<&str> = sections
            .iter()
            .map(|section| &*section.plan.name)
            .chain(records.iter().map(|record| &*record.target))
            .filter(|target| of.is_none_or(|of| of == *target))
            .collect();
        let mut names: BTreeSet<Box<str>> = sections
            .iter()
            .filter(|section| targets.contains(&*section.plan.name))
            .flat_map(|section| section.plan.workflows.iter().map(|workflow| workflow.name.clone()))
            .collect();
        let mut jobs = Vec::new();
        for target in targets {
            jobs.extend(memory.state.workflow_jobs(target)?);
        }
        names.extend(jobs.iter().flat_map(|job| &job.job.workflows).map(|step| step.workflow.clone()));
        if !names.contains(workflow) {
            let known = match names.is_empty() {
                true => "neither the file nor the history has one".to_owned(),
                false => crate::words::known(workflow, names.iter().map(|name| &**name)),
            };
            return Err(Failure::new(Reason::Usage, format!("there is no workflow `{}`; {known}", asked.workflow)));
        }
        Ok(Self { workflow, jobs })
    }

    /// The steps that are asked for, those of the newest run first.
    fn steps(&self, asked: &Asked<'_>) -> Vec<Found<'_>> {
        let filter = &asked.filter;
        let mut carried_out: BTreeMap<(&str, EmployeeId, usize), RunId> = BTreeMap::new();
        let mut found = Vec::new();
        for job in &self.jobs {
            for step in job.job.workflows.iter().filter(|step| *step.workflow == *self.workflow) {
                let key = (&*job.job.target, job.job.employee, step.step);
                let made_good_by = match step.status {
                    JobStatus::Succeeded => {
                        carried_out.insert(key, job.id.run);
                        None
                    }
                    _ => carried_out.get(&key).copied().filter(|run| *run > job.id.run),
                };
                let is_wanted = filter.status.is_none_or(|status| status == step.status)
                    && filter.run.is_none_or(|run| run == job.id.run)
                    && filter.employee.is_none_or(|employee| employee == job.job.employee);
                if is_wanted {
                    found.push(Found { job, step, made_good_by });
                }
            }
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.job.id.run));
        found
    }
}

/// One step in the history.
struct Found<'a> {
    job: &'a Job,
    step: &'a StepOutcome,
    made_good_by: Option<RunId>,
}

impl Found<'_> {
    fn row(&self, at: Option<LocalTime>) -> StepRow {
        let (job, step) = (&self.job.job, self.step);
        StepRow {
            job: self.job.id.to_string(),
            at,
            target: job.target.clone(),
            workflow: step.workflow.clone(),
            employee: job.employee.to_string(),
            name: job.name.clone(),
            step: step.step,
            action: step.action.clone(),
            status: step.status,
            error: step.error.clone(),
            made_good_by: self.made_good_by.map(|run| run.to_string()),
        }
    }
}

fn shown(steps: &[StepRow]) -> Shown {
    if steps.is_empty() {
        return Shown::default().words("No such step.\n");
    }
    let mut table = Listing::new(["Job", "Run at", "Workflow", "Employee", "Step", "What", "Status", "Why"]);
    for row in steps {
        let status = row.status.as_str().replace('_', " ");
        table.row([
            row.job.clone(),
            row.at.map(|at| at.to_string()).unwrap_or_default(),
            format!("{}/{}", row.target, row.workflow),
            row.name.as_ref().map_or_else(|| row.employee.clone(), |name| format!("{} {name}", row.employee)),
            row.step.to_string(),
            row.action.replace('_', " "),
            row.made_good_by.as_ref().map_or_else(|| status.clone(), |run| format!("{status}, made good by run {run}")),
            row.error.as_deref().unwrap_or_default().to_owned(),
        ]);
    }
    let is_open = |row: &StepRow| row.status == JobStatus::Failed && row.made_good_by.is_none();
    match steps.iter().any(is_open) {
        true => Shown::default().rows(table).remark("`personio-sync retry --failed` tries again what no run made good"),
        false => Shown::default().rows(table),
    }
}
