//! `report` and `acknowledge`: a past run for a file, and failures that are right to leave out.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone as _, Utc};
use clap::Args;
use serde::Serialize;

use crate::output::report::{Row, RunReport, TargetLine, TodoRow, html, junit, markdown, workbook};
use crate::output::{Answer, Shown};
use crate::state::{Job, JobFilter, JobId, JobStatus, Run, RunId, StepOutcome, Todo};
use crate::sync::{Memory, log_line};

use super::approve::ApprovedChange;
use super::session::Session;
use super::who::this_process;
use super::{Failure, Process, Reason, Reasons, SandboxChoice};

/// Write the report of a run as a workbook, a page, Markdown or JUnit; without a file, on standard output as Markdown or, with --format json, as JSON
#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// The number of the run [default: the last one]
    run: Option<RunId>,
    /// A page to open in a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A workbook: a summary, and one row for each employee
    #[arg(long, value_name = "FILE")]
    xlsx: Option<PathBuf>,
    /// Markdown for a ticket or a pull request
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// JUnit XML for a pipeline
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

/// Accept a failure that is right to leave for a while: it does not count as failed until then
#[derive(Debug, Args)]
pub(super) struct AcknowledgeArguments {
    /// The number of the job, such as 12.3
    job: JobId,
    /// Why; kept in the history, so leave personal data out
    #[arg(long)]
    reason: String,
    /// The last day on which it is accepted
    #[arg(long, value_name = "DATE")]
    until: NaiveDate,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Serialize)]
struct ReportDocument {
    report: RunReport,
}

/// Enough for every employee of a company in one run.
const ALL: u32 = u32::MAX >> 1;

pub(super) fn report(process: &Process, arguments: &ReportArguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let run = match arguments.run {
        Some(id) => memory.state.run(id)?,
        None => memory.state.runs(None, 1)?.pop(),
    };
    let Some(run) = run else {
        let which = arguments.run.map_or_else(|| "no run yet".to_owned(), |id| format!("there is no run {id}"));
        return Err(Failure::new(Reason::Usage, format!("{which}; `personio-sync runs` lists them")));
    };
    let jobs = memory.state.jobs(&JobFilter { run: Some(run.id), ..JobFilter::default() }, ALL)?;
    let approvals = memory.state.used_approvals(run.id)?.into_iter();
    let approvals = approvals.map(|approval| ApprovedChange::new(process, &session, approval).in_words()).collect();
    let todos = todos(&session, &memory, &run)?;
    let report = RunReport { approvals, todos, ..collect(&session, run, jobs, process.now) };
    let internal = |error: anyhow::Error| Failure::new(Reason::Internal, format!("{error:#}"));
    if let Some(path) = &arguments.xlsx {
        process.write_file(path, &workbook(&report).map_err(internal)?)?;
    }
    if let Some(path) = &arguments.html {
        process.write_file(path, html(&report).as_bytes())?;
    }
    if let Some(path) = &arguments.markdown {
        process.write_file(path, markdown(&report).as_bytes())?;
    }
    if let Some(path) = &arguments.junit {
        process.write_file(path, junit(&report).map_err(internal)?.as_bytes())?;
    }
    let files = [&arguments.xlsx, &arguments.html, &arguments.markdown, &arguments.junit];
    let shown = match files.iter().all(|file| file.is_none()) {
        true => Shown::default().words(markdown(&report)),
        false => Shown::default(),
    };
    process.answer(&Answer::new("run_report", ReportDocument { report }, shown));
    Ok(Reasons::default())
}

/// What a run saw that needs a hand and is still open.
fn todos(session: &Session, memory: &Memory, run: &Run) -> Result<Vec<TodoRow>, Failure> {
    let ended = run.finished_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
    let seen = |todo: &&Todo| todo.first_seen <= ended && run.started_at <= todo.last_seen;
    Ok(memory.todos(&session.settings)?.open.iter().filter(seen).map(|todo| todo_row(session, todo)).collect())
}

/// Something that needs a hand, as reports and pages show it.
pub(super) fn todo_row(session: &Session, todo: &Todo) -> TodoRow {
    TodoRow {
        id: todo.number,
        target: todo.fact.target.to_string(),
        employee: todo.fact.subject.to_string(),
        name: todo.name.as_ref().map(ToString::to_string),
        since: session.local(todo.first_seen),
        code: todo.fact.code.to_string(),
        what: todo.what().to_owned(),
        advice: todo.remedy().unwrap_or_default().to_owned(),
    }
}

/// A run with some of its jobs or all.
pub(super) fn collect(session: &Session, run: Run, jobs: Vec<Job>, now: DateTime<Utc>) -> RunReport {
    let local = |at: DateTime<Utc>| session.local(at);
    let mut rows: Vec<Row> = jobs.into_iter().map(|job| row(session, job, now)).collect();
    rows.sort_by_key(|row| (row.target.clone(), row.employee.parse::<u64>().unwrap_or(u64::MAX)));
    let of =
        |line: &crate::state::RunTarget, status: JobStatus| line.jobs.get(status.as_str()).copied().unwrap_or_default();
    RunReport {
        run: run.id.to_string(),
        started: local(run.started_at),
        finished: run.finished_at.map(local),
        exit_code: run.exit_code,
        command: run.command.to_string(),
        by: run.by.as_ref().map(ToString::to_string),
        approvals: Vec::new(),
        todos: Vec::new(),
        targets: run
            .targets
            .iter()
            .map(|line| TargetLine {
                name: line.target.to_string(),
                ok: line.ok,
                succeeded: of(line, JobStatus::Succeeded),
                failed: of(line, JobStatus::Failed),
                held: of(line, JobStatus::Held),
                skipped: of(line, JobStatus::Skipped),
                not_attempted: of(line, JobStatus::NotAttempted),
                in_sync: line.in_sync,
                tasks: line.tasks,
            })
            .collect(),
        rows,
    }
}

/// A job as reports and pages show it.
pub(super) fn row(session: &Session, found: Job, now: DateTime<Utc>) -> Row {
    let Job { id, job, acknowledged_until, acknowledged_by, .. } = found;
    let log = log_line(&session.settings.targets, &job);
    Row {
        job: id.to_string(),
        employee: job.employee.to_string(),
        name: job.name.as_ref().map(ToString::to_string),
        outcome: job.status.as_str(),
        what: job.ops.iter().map(|op| op.as_str()).collect::<Vec<_>>().join(", "),
        fields: job.fields.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "),
        workflows: job.workflows.iter().map(step_in_words).collect(),
        code: job.code.as_deref().unwrap_or_default().to_owned(),
        log: log.text,
        error: job.error.as_deref().unwrap_or_default().to_owned(),
        advice: log.remedy.or(job.advice.as_deref()).unwrap_or_default().to_owned(),
        accepted_until: acknowledged_until.filter(|until| *until > now).map(|until| session.local(until)),
        accepted_by: acknowledged_by.map(|(_, by)| by.to_string()),
        target: job.target.into(),
    }
}

/// `welcome, step 0: service request: succeeded`
pub(super) fn step_in_words(step: &StepOutcome) -> String {
    let (what, status) = (step.action.replace('_', " "), step.status.as_str().replace('_', " "));
    format!("{}, step {}: {what}: {status}", step.workflow, step.step)
}

pub(super) fn acknowledge(process: &Process, arguments: &AcknowledgeArguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    if arguments.until < session.today {
        return Err(Failure::new(
            Reason::Usage,
            format!("{} has passed; --until takes a day to come", arguments.until),
        ));
    }
    let midnight = arguments.until.succ_opt().and_then(|next| next.and_hms_opt(0, 0, 0));
    let until = midnight
        .and_then(|midnight| session.settings.timezone.from_local_datetime(&midnight).earliest())
        // The last second of the day, so that it reads as that day wherever it is shown.
        .map_or(DateTime::<Utc>::MAX_UTC, |until| until.with_timezone(&Utc) - TimeDelta::seconds(1));
    if !memory.state.acknowledge(arguments.job, until, &arguments.reason, process.now, &this_process())? {
        return Err(Failure::new(
            Reason::Usage,
            format!("there is no job {}; `personio-sync jobs --failed` lists those that failed", arguments.job),
        ));
    }
    process.say(&format!(
        "job {} is accepted until {}: the same failure of this employee does not count as failed until then",
        arguments.job, arguments.until
    ));
    Ok(Reasons::default())
}
