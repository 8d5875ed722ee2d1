//! All workflows with what came of them so far.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::employee::EmployeeId;
use crate::output::listing::Listing;
use crate::output::{Answer, Shown};
use crate::plan::WorkflowSettings;
use crate::state::{Job, JobStatus};

use crate::zone::LocalTime;

use crate::sync::{Memory, workflow_memory};

use super::super::{Failure, Process, Reasons, SandboxChoice};
use super::state;

#[derive(Serialize)]
struct Listed {
    target: String,
    workflow: String,
    on: &'static str,
    active: bool,
    /// While the target is paused nothing runs, active or not.
    paused: bool,
    /// It starts for nobody, whether or not the target is paused.
    workflow_paused: bool,
    #[serde(skip)]
    state: &'static str,
    steps: usize,
    /// Employees for whom a step was carried out, ever.
    succeeded: usize,
    /// Employees for whom a step failed when it was last tried.
    failed: usize,
    /// Steps whose answer was lost; the next run looks.
    open: usize,
    /// When a step was last carried out.
    last_done: Option<String>,
    /// The last job that a step was part of.
    last_job: Option<LastJob>,
}

#[derive(Serialize)]
struct LastJob {
    job: String,
    at: Option<LocalTime>,
    status: &'static str,
}

const WORST_FIRST: [JobStatus; 4] = [JobStatus::Failed, JobStatus::NotAttempted, JobStatus::Held, JobStatus::Succeeded];

/// What came of a workflow in one job: the worst of its steps.
fn outcome(job: &Job, workflow: &WorkflowSettings) -> Option<JobStatus> {
    let steps = || job.job.workflows.iter().filter(|step| step.workflow == workflow.name).map(|step| step.status);
    WORST_FIRST.into_iter().find(|status| steps().any(|step| step == *status))
}

#[derive(Serialize)]
struct WorkflowsDocument {
    workflows: Vec<Listed>,
}

pub(super) fn list(process: &Process, sandbox: &SandboxChoice) -> Result<Reasons, Failure> {
    let session = process.open_history(sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let mut listed = Vec::new();
    for target in &session.settings.targets {
        let jobs = if target.plan.workflows.is_empty() {
            Vec::new()
        } else {
            memory.state.workflow_jobs(&target.plan.name)?
        };
        for workflow in &target.plan.workflows {
            let steps = workflow_memory(&memory.state, &target.plan.name, &workflow.name)?.steps;
            let last_done = memory.last_done(&target.plan.name, &workflow.name)?;
            let mut done: Vec<EmployeeId> = steps.iter().filter(|step| step.done).map(|step| step.employee).collect();
            done.sort_unstable();
            done.dedup();
            let of_it = || jobs.iter().filter_map(|job| Some((job, outcome(job, workflow)?)));
            let mut newest: BTreeMap<EmployeeId, JobStatus> = BTreeMap::new();
            for (job, status) in of_it() {
                newest.entry(job.job.employee).or_insert(status);
            }
            // Of the last run, the job with the most to say.
            let last_run = of_it().next().map(|(job, _)| job.id.run);
            let of_last_run = of_it().filter(|(job, _)| Some(job.id.run) == last_run);
            let last_job = match of_last_run.min_by_key(|(_, status)| WORST_FIRST.iter().position(|one| one == status))
            {
                Some((job, status)) => Some(LastJob {
                    job: job.id.to_string(),
                    at: memory.state.run(job.id.run)?.map(|run| session.local(run.started_at)),
                    status: status.as_str(),
                }),
                None => None,
            };
            listed.push(Listed {
                target: target.plan.name.to_string(),
                workflow: workflow.name.to_string(),
                on: workflow.on.as_str(),
                active: workflow.active,
                paused: target.paused,
                workflow_paused: workflow.paused,
                state: state(target, workflow),
                steps: workflow.steps.len(),
                succeeded: done.len(),
                failed: newest.values().filter(|status| **status == JobStatus::Failed).count(),
                open: steps.iter().filter(|step| !step.done).count(),
                last_done: last_done.map(|time| time.format("%Y-%m-%d %H:%M UTC").to_string()),
                last_job,
            });
        }
    }
    let shown = shown(&listed);
    process.answer(&Answer::new("workflows", WorkflowsDocument { workflows: listed }, shown));
    Ok(Reasons::default())
}

pub(super) const NO_WORKFLOWS: &str =
    "the file has no workflows; add [targets.NAME.workflows.onboarding] to a freshservice target";

fn shown(listed: &[Listed]) -> Shown {
    if listed.is_empty() {
        return Shown::default().remark(NO_WORKFLOWS);
    }
    let mut table = Listing::new(["Workflow", "On", "State", "Steps", "Succeeded", "Failed", "Open", "Last job"]);
    for one in listed {
        let last = one.last_job.as_ref().map_or_else(
            || "never".to_owned(),
            |last| {
                let at = last.at.map(|at| at.to_string()).unwrap_or_default();
                format!("{} {at} {}", last.job, last.status.replace('_', " "))
            },
        );
        table.row([
            format!("{}/{}", one.target, one.workflow),
            one.on.to_owned(),
            one.state.to_owned(),
            one.steps.to_string(),
            one.succeeded.to_string(),
            one.failed.to_string(),
            one.open.to_string(),
            last,
        ]);
    }
    let mut shown = Shown::default().rows(table);
    if listed.iter().any(|one| one.failed > 0) {
        shown = shown.remark("`personio-sync jobs --failed` says why, `personio-sync retry --failed` tries again");
    }
    if listed.iter().any(|one| one.open > 0) {
        shown = shown.remark("open: the answer to a step was lost; the next sync looks what came of it");
    }
    shown
}
