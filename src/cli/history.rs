//! `runs`, `jobs` and `retry`: what happened, and once more for those whom it did not happen to.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::employee::{EmployeeId, Sought};
use crate::http::Requests;
use crate::output::listing::Listing;
use crate::output::visible::visible;
use crate::output::{Answer, Shown};
use crate::state::{Job, JobFilter, JobId, JobStatus, Run, RunId, StepOutcome, Todo, Who};
use crate::sync::{Memory, PrepareOptions, Todos, log_line};
use crate::words::count;
use crate::zone::LocalTime;

use super::approve::ApprovedChange;
use super::report::step_in_words;
use super::session::Session;
use super::signals::Signals;
use super::sync::synchronise;
use super::todo::{TodoOut, Tries};
use super::{Failure, Process, Reason, Reasons, SandboxChoice, finding, step_jobs};

/// List past runs
#[derive(Debug, Args)]
pub(super) struct RunsArguments {
    /// How many, the newest first
    #[arg(long, default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

/// List jobs: what became of each employee in each target in each run
#[derive(Debug, Args)]
pub(super) struct JobsArguments {
    #[command(subcommand)]
    command: Option<JobsCommand>,
    /// Only those that failed
    #[arg(long, conflicts_with = "status")]
    failed: bool,
    /// Only those with this outcome
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<JobStatus>,
    /// Only of this target
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Only of this run
    #[arg(long, value_name = "RUN")]
    run: Option<RunId>,
    /// Only of this employee: Personio's id, which contacts nobody; or e-mail address or name, which Personio is asked for
    #[arg(long, value_name = "WHO")]
    employee: Option<Sought>,
    /// The steps of this workflow, a row for each, and which run made good what failed. Its name, or TARGET/NAME where
    /// several targets have one of that name
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// How many, the newest first
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Debug, Subcommand)]
enum JobsCommand {
    /// Show one job with every step, status, error and advice
    Show {
        /// The number of the job, such as 12.3
        job: JobId,
    },
}

/// Plan failed employees afresh and apply; never repeats an old request
#[derive(Debug, Args)]
pub(super) struct RetryArguments {
    /// Numbers of jobs, such as 12.3
    #[arg(value_name = "ID", required_unless_present = "failed")]
    jobs: Vec<JobId>,
    /// All failures that no later run has made good
    #[arg(long, conflicts_with = "jobs")]
    failed: bool,
    /// Only of this target
    #[arg(long, value_name = "TARGET", requires = "failed")]
    target: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

fn status(text: &str) -> Result<JobStatus, String> {
    JobStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| format!("known: {}", JobStatus::ALL.map(JobStatus::as_str).join(", ")))
}

#[derive(Serialize)]
struct RunsDocument {
    runs: Vec<RunOut>,
}

#[derive(Serialize)]
struct RunOut {
    run: String,
    started: LocalTime,
    finished: Option<LocalTime>,
    exit_code: Option<u8>,
    command: String,
    /// `null` for runs of versions that did not keep it.
    by: Option<Who>,
    today: String,
    /// What the source was sent; `null` for runs of versions that did not keep it.
    source_requests: Option<Requests>,
    targets: Vec<RunTargetOut>,
    /// What somebody had released, and this run carried out.
    approvals: Vec<ApprovedChange>,
    /// Failures of this run that somebody accepted.
    acknowledged: Vec<AcknowledgedOut>,
}

#[derive(Serialize)]
struct AcknowledgedOut {
    job: String,
    by: Option<Who>,
    at: Option<LocalTime>,
    until: Option<LocalTime>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct RunTargetOut {
    target: String,
    ok: bool,
    in_sync: u64,
    succeeded: u64,
    failed: u64,
    held: u64,
    skipped: u64,
    not_attempted: u64,
    tasks: u64,
    /// What it was sent.
    requests: Option<Requests>,
}

pub(super) fn runs(process: &Process, arguments: &RunsArguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let runs: Vec<RunOut> = memory
        .state
        .runs(None, arguments.limit)?
        .into_iter()
        .map(|run| run_out(process, &session, &memory, run))
        .collect::<Result<_, _>>()?;
    let shown = if runs.is_empty() {
        Shown::default().words("No run yet.\n")
    } else {
        Shown::default().rows(runs_table(&runs)).notes(runs_notes(&runs))
    };
    process.answer(&Answer::new("runs", RunsDocument { runs }, shown));
    Ok(Reasons::default())
}

fn runs_table(runs: &[RunOut]) -> Listing {
    let mut table = Listing::new([
        "Run",
        "Started",
        "By",
        "Exit",
        "Target",
        "Succeeded",
        "Failed",
        "Held",
        "Skipped",
        "In sync",
        "Requests",
        "Command",
    ]);
    let sent = |requests: Option<Requests>| requests.map(|sent| sent.total().to_string()).unwrap_or_default();
    for run in runs {
        let exit = run.exit_code.map_or_else(|| "unfinished".to_owned(), |code| code.to_string());
        let by = run.by.as_ref().map(|by| format!("{}@{}", by.user, by.host)).unwrap_or_default();
        if run.targets.is_empty() {
            table.row([&*run.run, &run.started.to_string(), &by, &exit, "", "", "", "", "", "", "", &run.command]);
        }
        for (position, target) in run.targets.iter().enumerate() {
            let once = |text: &str| if position == 0 { text.to_owned() } else { String::new() };
            table.row([
                once(&run.run),
                once(&run.started.to_string()),
                once(&by),
                once(&exit),
                target.target.clone(),
                target.succeeded.to_string(),
                target.failed.to_string(),
                target.held.to_string(),
                target.skipped.to_string(),
                target.in_sync.to_string(),
                sent(target.requests),
                once(&run.command),
            ]);
        }
    }
    table
}

fn runs_notes(runs: &[RunOut]) -> String {
    let mut notes = String::new();
    for run in runs {
        for approval in &run.approvals {
            notes.push_str(&format!("run {}: {}\n", run.run, visible(&approval.in_words())));
        }
        for one in &run.acknowledged {
            notes.push_str(&format!("run {}: job {} {}\n", run.run, one.job, visible(&accepted_in_words(one))));
        }
    }
    notes
}

fn accepted_in_words(one: &AcknowledgedOut) -> String {
    let by = one.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let until = one.until.map(|until| until.day().to_string()).unwrap_or_default();
    let why = one.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("accepted{by} until {until}{why}")
}

fn acknowledged_out(session: &Session, job: &Job) -> AcknowledgedOut {
    AcknowledgedOut {
        job: job.id.to_string(),
        by: job.acknowledged_by.as_ref().map(|(_, by)| by.clone()),
        at: job.acknowledged_by.as_ref().map(|(at, _)| session.local(*at)),
        until: job.acknowledged_until.map(|until| session.local(until)),
        reason: job.acknowledged_reason.as_ref().map(ToString::to_string),
    }
}

fn run_out(process: &Process, session: &Session, memory: &Memory, run: Run) -> Result<RunOut, Failure> {
    let jobs = |target: &crate::state::RunTarget, status: JobStatus| {
        target.jobs.get(status.as_str()).copied().unwrap_or_default()
    };
    let approvals = memory.state.used_approvals(run.id)?.into_iter();
    let acknowledged = memory.state.acknowledged(run.id)?;
    Ok(RunOut {
        approvals: approvals.map(|approval| ApprovedChange::new(process, session, approval)).collect(),
        acknowledged: acknowledged.iter().map(|job| acknowledged_out(session, job)).collect(),
        by: run.by.clone(),
        run: run.id.to_string(),
        started: session.local(run.started_at),
        finished: run.finished_at.map(|at| session.local(at)),
        exit_code: run.exit_code,
        command: run.command.to_string(),
        today: run.as_of.to_string(),
        source_requests: run.source_requests,
        targets: run
            .targets
            .iter()
            .map(|target| RunTargetOut {
                target: target.target.to_string(),
                ok: target.ok,
                in_sync: target.in_sync,
                succeeded: jobs(target, JobStatus::Succeeded),
                failed: jobs(target, JobStatus::Failed),
                held: jobs(target, JobStatus::Held),
                skipped: jobs(target, JobStatus::Skipped),
                not_attempted: jobs(target, JobStatus::NotAttempted),
                tasks: target.tasks,
                requests: target.requests,
            })
            .collect(),
    })
}

#[derive(Serialize)]
struct JobsDocument {
    jobs: Vec<JobOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    last_in_sync: Vec<LastInSync>,
}

#[derive(Serialize)]
struct LastInSync {
    target: String,
    run: String,
    at: LocalTime,
}

#[derive(Serialize)]
struct JobOut {
    job: String,
    target: String,
    employee: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    ops: Vec<&'static str>,
    fields: Vec<String>,
    status: &'static str,
    code: Option<String>,
    error: Option<String>,
    advice: Option<String>,
    /// What the target's own sync log says, where it has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    log: String,
    steps: Vec<StepOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workflows: Vec<StepOutcome>,
    acknowledged_until: Option<LocalTime>,
    acknowledged_reason: Option<String>,
    acknowledged_by: Option<Who>,
    /// What somebody released of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    approvals: Vec<ApprovedChange>,
    /// Since when and how often it fails, where no later run has made it good.
    #[serde(flatten)]
    tries: Option<Tries>,
    /// What needs a hand of the employee in the target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    todos: Vec<TodoOut>,
}

#[derive(Serialize)]
struct StepOut {
    method: String,
    path: String,
    status: Option<u16>,
}

pub(super) fn jobs(process: &Process, arguments: &JobsArguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    if let Some(JobsCommand::Show { job }) = &arguments.command {
        let found = memory.state.job(*job)?.ok_or_else(|| no_job(*job))?;
        let approvals = memory.state.used_approvals(job.run)?.into_iter().chain(memory.state.open_approvals(None)?);
        let approvals = approvals.map(|approval| ApprovedChange::new(process, &session, approval));
        let mut out = Listed::read(&session, &memory)?.job(found);
        out.approvals = approvals.filter(|approval| approval.is_of(&out.target, &out.employee)).collect();
        let words = show(&out);
        let (head, lines) = words.split_once('\n').unwrap_or((&words, ""));
        let shown = Shown::default().words(format!("{head}\n")).notes(lines);
        process.answer(&Answer::new("jobs", JobsDocument { jobs: vec![out], last_in_sync: Vec::new() }, shown));
        return Ok(Reasons::default());
    }
    session.known_target(&memory, arguments.target.as_deref())?;
    let who = |who| finding::employee_of_history(process, &session, &arguments.sandbox, who);
    let employee = arguments.employee.as_ref().map(who).transpose()?;
    let filter = JobFilter {
        status: if arguments.failed { Some(JobStatus::Failed) } else { arguments.status },
        target: arguments.target.as_deref(),
        run: arguments.run,
        employee,
        ..JobFilter::default()
    };
    if let Some(name) = &arguments.workflow {
        let asked = step_jobs::Asked { workflow: name, filter, limit: arguments.limit };
        return step_jobs::list(process, &session, &memory, &asked);
    }
    let listed = Listed::read(&session, &memory)?;
    let jobs: Vec<JobOut> =
        memory.state.jobs(&filter, arguments.limit)?.into_iter().map(|job| listed.job(job)).collect();
    let last_in_sync: Vec<LastInSync> = match employee {
        Some(employee) => memory
            .state
            .last_seen(employee)?
            .into_iter()
            .map(|seen| LastInSync {
                target: seen.target.to_string(),
                run: seen.run.to_string(),
                at: session.local(seen.at),
            })
            .collect(),
        None => Vec::new(),
    };
    let shown = if jobs.is_empty() {
        Shown::default().words("No such job.\n")
    } else {
        Shown::default().rows(jobs_table(&jobs, session.today))
    };
    let line = |seen: &LastInSync| format!("last in line with {}: {} (run {})\n", seen.target, seen.at, seen.run);
    let shown = shown.notes(last_in_sync.iter().map(line).collect::<String>());
    process.answer(&Answer::new("jobs", JobsDocument { jobs, last_in_sync }, shown));
    Ok(Reasons::default())
}

fn jobs_table(jobs: &[JobOut], today: NaiveDate) -> Listing {
    let mut table = Listing::new(["Job", "Target", "Employee", "Status", "What", "Why"]);
    for job in jobs {
        let who = job.name.as_ref().map_or_else(|| job.employee.clone(), |name| format!("{} {name}", job.employee));
        table.row([job.job.clone(), job.target.clone(), who, status_of(job, today), job.ops.join(", "), why(job)]);
    }
    table
}

fn no_job(job: JobId) -> Failure {
    Failure::new(Reason::Usage, format!("there is no job {job}; `personio-sync jobs` lists them"))
}

/// Why it ended so, how often it did, and what needs a hand.
fn why(job: &JobOut) -> String {
    let mut text = [job.code.as_deref(), job.error.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    if let Some(tries) = &job.tries {
        text.push_str(&format!(" ({})", tries.in_words()));
    }
    for todo in &job.todos {
        text.push_str(&format!("{}to do {}: {}", if text.is_empty() { "" } else { "; " }, todo.id, todo.code));
    }
    text
}

/// What is known now, beside what a job kept.
struct Listed<'s> {
    session: &'s Session,
    todos: Todos,
    /// The failures that no later run has made good.
    outstanding: BTreeSet<JobId>,
}

impl<'s> Listed<'s> {
    fn read(session: &'s Session, memory: &Memory) -> Result<Self, Failure> {
        let outstanding = memory.state.outstanding(None)?.into_iter().map(|job| job.id).collect();
        Ok(Self { session, todos: memory.todos(&session.settings)?, outstanding })
    }

    fn job(&self, found: Job) -> JobOut {
        let is_about = |todo: &&Todo| todo.is_about(&found.job.target, found.job.employee);
        let failing = self.todos.failing.iter().filter(|_| self.outstanding.contains(&found.id));
        let same_code = |todo: &&Todo| Some(&todo.fact.code) == found.job.code.as_ref();
        let tries = failing.filter(is_about).find(same_code).map(|todo| Tries::new(self.session, todo));
        let todos = self.todos.open.iter().filter(is_about).map(|todo| TodoOut::new(self.session, todo)).collect();
        JobOut { tries, todos, ..job_out(self.session, found) }
    }
}

fn job_out(session: &Session, found: Job) -> JobOut {
    let Job { id, job, acknowledged_until, acknowledged_reason, acknowledged_by } = found;
    let log = log_line(&session.settings.targets, &job);
    JobOut {
        job: id.to_string(),
        target: job.target.into(),
        employee: job.employee.to_string(),
        name: job.name.map(Into::into),
        ops: job.ops.iter().map(|op| op.as_str()).collect(),
        fields: job.fields.into_iter().map(|field| field.to_string()).collect(),
        status: job.status.as_str(),
        code: job.code.map(Into::into),
        error: job.error.map(Into::into),
        advice: log.remedy.map(Into::into).or(job.advice.map(Into::into)),
        log: log.text,
        steps: job
            .steps
            .into_iter()
            .map(|step| StepOut { method: step.method.into(), path: step.path.into(), status: step.status })
            .collect(),
        workflows: job.workflows,
        acknowledged_until: acknowledged_until.map(|until| session.local(until)),
        acknowledged_reason: acknowledged_reason.map(Into::into),
        acknowledged_by: acknowledged_by.map(|(_, by)| by),
        approvals: Vec::new(),
        tries: None,
        todos: Vec::new(),
    }
}

/// The outcome in words, and until when it is accepted.
fn status_of(job: &JobOut, today: NaiveDate) -> String {
    let status = job.status.replace('_', " ");
    match job.acknowledged_until.map(LocalTime::day).filter(|until| *until >= today) {
        Some(until) => format!("{status} (accepted until {until})"),
        None => status,
    }
}

fn show(job: &JobOut) -> String {
    let mut text =
        format!("Job {}: employee {} in {}: {}\n", job.job, job.employee, job.target, job.status.replace('_', " "));
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {label:<8} {}\n", visible(value)));
        }
    };
    line("what", &job.ops.join(", "));
    line("fields", &job.fields.join(", "));
    line("code", job.code.as_deref().unwrap_or_default());
    line("error", job.error.as_deref().unwrap_or_default());
    line("failed", &job.tries.as_ref().map(Tries::in_words).unwrap_or_default());
    line("advice", job.advice.as_deref().unwrap_or_default());
    line("log", &job.log);
    line("accepted", &job.acknowledged_until.as_ref().map(|until| format!("until {until}")).unwrap_or_default());
    line("by", &job.acknowledged_by.as_ref().map(ToString::to_string).unwrap_or_default());
    line("because", job.acknowledged_reason.as_deref().unwrap_or_default());
    for approval in &job.approvals {
        line("approval", &format!("{}{}", approval.in_words(), approval.still_open()));
    }
    for todo in &job.todos {
        line("to do", &todo.in_words());
    }
    for step in &job.workflows {
        line("workflow", &step_in_words(step));
    }
    for step in &job.steps {
        let status = step.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        line("step", &format!("{} {} → {status}", step.method, step.path));
    }
    text
}

pub(super) fn retry(process: &Process, arguments: &RetryArguments) -> Result<Reasons, Failure> {
    let history = process.open_history(&arguments.sandbox)?;
    let wanted: BTreeSet<(Box<str>, EmployeeId)> = {
        let memory = Memory::for_reading(&history.settings, process.caller())?;
        if arguments.failed {
            history.known_target(&memory, arguments.target.as_deref())?;
            let jobs = memory.state.outstanding(arguments.target.as_deref())?;
            jobs.into_iter().map(|job| (job.job.target, job.job.employee)).collect()
        } else {
            let mut wanted = BTreeSet::new();
            for id in &arguments.jobs {
                let job = memory.state.job(*id)?.ok_or_else(|| no_job(*id))?.job;
                wanted.insert((job.target, job.employee));
            }
            wanted
        }
    };
    drop(history);
    if wanted.is_empty() {
        process.say("nothing to retry");
        return Ok(Reasons::default());
    }
    let targets: BTreeSet<&str> = wanted.iter().map(|(target, _)| &**target).collect();
    let names: Vec<String> = targets.iter().map(|name| (*name).to_owned()).collect();
    let session = process.open_telling(&arguments.sandbox, &names)?;
    let memory = Memory::open(&session.settings, process.caller())?;
    let signals = Signals::listen()?;
    let options = PrepareOptions::new(session.today, &names);
    process.say(&format!("retrying {}", count(wanted.len(), "employee", "employees")));
    synchronise(process, &session, &memory, &options, &signals, Duration::ZERO, |prepared| {
        for target in &mut prepared.plan.targets {
            let is_wanted = |employee: Option<EmployeeId>| {
                employee.is_some_and(|employee| wanted.contains(&(target.name.clone(), employee)))
            };
            let needs: BTreeSet<(crate::field::FieldIndex, String)> = target
                .changes
                .iter()
                .filter(|change| is_wanted(change.employee))
                .flat_map(|change| &change.fields)
                .map(|field| (field.index, field.after.to_string()))
                .collect();
            // What these employees refer to is made as well; a list names several at once.
            target.changes.retain(|change| {
                is_wanted(change.employee)
                    || change.employee.is_none()
                        && change.fields.iter().any(|made| {
                            let name = made.after.to_string();
                            needs
                                .iter()
                                .any(|(index, value)| *index == made.index && value.split(", ").any(|one| one == name))
                        })
            });
            target.skipped.retain(|skip| wanted.contains(&(target.name.clone(), skip.employee)));
            target.notices.retain(|notice| is_wanted(notice.employee));
        }
        prepared.restricted = true;
        Ok(!arguments.yes)
    })
}
