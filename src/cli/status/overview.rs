//! What the overview shows, out of the history.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeZone as _, Utc};

use crate::output::grouped::alike;
use crate::output::overview::{Counts, Open, OpenEntry, OpenKind, Overview, Period, Tile, Total};
use crate::state::{Held, Job, JobFilter, JobStatus, PeriodTasks, Run, RunTarget, StepOutcome, Todo};
use crate::sync::Memory;
use crate::words::{in_few, in_short};
use crate::zone::Zone;

use super::super::approve::{answer, is_in_the_file, what};
use super::super::report::{collect, row, todo_row};
use super::super::session::Session;
use super::super::{Failure, Process};

/// How far back days and runs are shown, the day of the page included.
const DAYS: u64 = 30;
const MONTHS: u32 = 12;

/// The most that the page has room for, whatever the history holds. A row is less than a kilobyte.
const OPEN: usize = 300;
const RUNS: u32 = 100;
const JOBS: u32 = 1_000;

/// Everything that the page shows beside the targets themselves.
pub(super) fn overview(
    process: &Process,
    session: &Session,
    memory: &Memory,
    targets: Vec<Tile>,
    remarks: Vec<String>,
) -> Result<Overview, Failure> {
    let zone = session.settings.timezone;
    let first_day = session.today - Days::new(DAYS - 1);
    let since = midnight(zone, first_day);
    let history = History::read(memory, zone, session.today)?;
    let runs = memory.state.eventful_runs(since, RUNS)?;
    let other_runs = memory.state.count_runs(since)?.saturating_sub(runs.len() as u64);
    Ok(Overview {
        made: session.local(process.now),
        targets,
        remarks,
        open: open(process, session, memory)?,
        days: history.days(first_day),
        months: history.months(session.today),
        by_target: history.by_target(first_day),
        by_workflow: by_workflow(&memory.state.workflow_steps(since)?),
        runs: with_jobs(process, session, memory, runs)?,
        other_runs,
    })
}

fn midnight(zone: Zone, day: NaiveDate) -> DateTime<Utc> {
    // A day whose midnight is skipped begins later.
    let begins = zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest();
    begins.map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |begins| begins.with_timezone(&Utc))
}

/// What is counted by day, as far back as the page goes.
struct History {
    zone: Zone,
    outcomes: Vec<RunTarget>,
    tasks: Vec<PeriodTasks>,
}

impl History {
    fn read(memory: &Memory, zone: Zone, today: NaiveDate) -> Result<Self, Failure> {
        let first = today.with_day(1).unwrap_or(today) - Months::new(MONTHS - 1);
        let outcomes = memory.state.outcomes(midnight(zone, first))?;
        Ok(Self { zone, outcomes, tasks: memory.state.tasks_since(&first.format("%Y-%m").to_string())? })
    }

    fn counts(
        &self,
        has_day: impl Fn(NaiveDate) -> bool,
        has_period: impl Fn(&str) -> bool,
        target: Option<&str>,
    ) -> Counts {
        let is_it = |name: &str| target.is_none_or(|target| target == name);
        let mut counts = Counts::default();
        for one in self.outcomes.iter().filter(|one| is_it(&one.target)) {
            if has_day(self.zone.minute(one.finished_at).day()) {
                let jobs = |status: JobStatus| one.jobs.get(status.as_str()).copied().unwrap_or_default();
                counts.failed += jobs(JobStatus::Failed);
                counts.held += jobs(JobStatus::Held);
                counts.succeeded += jobs(JobStatus::Succeeded);
            }
        }
        let tasks = self.tasks.iter().filter(|one| is_it(&one.target) && has_period(&one.period));
        counts.tasks = tasks.map(|one| one.tasks).sum();
        counts
    }

    fn days(&self, first: NaiveDate) -> Vec<Period> {
        let day = |day: NaiveDate| {
            let spelled = day.to_string();
            let counts = self.counts(|one| one == day, |period| period == spelled, None);
            Period { label: day.format("%-d %b").to_string(), counts }
        };
        first.iter_days().take(DAYS as usize).map(day).collect()
    }

    fn months(&self, today: NaiveDate) -> Vec<Period> {
        let month = |back: u32| {
            let first = today.with_day(1).unwrap_or(today) - Months::new(back);
            let spelled = first.format("%Y-%m").to_string();
            let is_in = |day: NaiveDate| (day.year(), day.month()) == (first.year(), first.month());
            let counts = self.counts(is_in, |period| period.starts_with(&spelled), None);
            Period { label: first.format("%b %Y").to_string(), counts }
        };
        (0..MONTHS).rev().map(month).collect()
    }

    fn by_target(&self, first: NaiveDate) -> Vec<Total> {
        let spelled = first.to_string();
        let mut names: Vec<&str> = self.outcomes.iter().map(|one| &*one.target).collect();
        names.extend(self.tasks.iter().map(|one| &*one.target));
        names.sort_unstable();
        names.dedup();
        let total = |name: &str| {
            // A whole month of an earlier version began before.
            let counts =
                self.counts(|day| day >= first, |period| period.len() == 10 && *period >= *spelled, Some(name));
            Total { name: name.to_owned(), detail: String::new(), counts }
        };
        names.into_iter().map(total).filter(|total| total.counts != Counts::default()).collect()
    }
}

/// The steps of workflows, in the order of their names.
fn by_workflow(steps: &[(Box<str>, StepOutcome)]) -> Vec<Total> {
    let mut totals = std::collections::BTreeMap::new();
    for (target, step) in steps {
        let key = (&**target, &*step.workflow, step.step, &*step.action);
        let counts: &mut Counts = totals.entry(key).or_default();
        match step.status {
            JobStatus::Failed => counts.failed += 1,
            JobStatus::Held => counts.held += 1,
            JobStatus::Succeeded => counts.succeeded += 1,
            JobStatus::Skipped | JobStatus::NotAttempted => {}
        }
        counts.tasks += step.calls.unwrap_or_default();
    }
    let total = |((target, workflow, step, action), counts): ((&str, &str, usize, &str), Counts)| Total {
        name: format!("{workflow}, step {step}"),
        detail: format!("{} in {target}", action.replace('_', " ")),
        counts,
    };
    totals.into_iter().map(total).collect()
}

/// Runs with as many of their jobs as there is room for: all failures before anything that is held, and so on.
fn with_jobs(
    process: &Process,
    session: &Session,
    memory: &Memory,
    runs: Vec<Run>,
) -> Result<Vec<crate::output::report::RunReport>, Failure> {
    let Some(since) = runs.last().map(|oldest| oldest.started_at) else { return Ok(Vec::new()) };
    let mut jobs: Vec<Job> = Vec::new();
    for status in
        [JobStatus::Failed, JobStatus::NotAttempted, JobStatus::Held, JobStatus::Skipped, JobStatus::Succeeded]
    {
        let room = JOBS.saturating_sub(jobs.len() as u32);
        let filter = JobFilter { status: Some(status), since: Some(since), ..JobFilter::default() };
        jobs.extend(memory.state.jobs(&filter, room)?);
    }
    let of_run = |run: Run| {
        let jobs = jobs.iter().filter(|job| job.id.run == run.id).cloned().collect();
        collect(session, run, jobs, process.now)
    };
    Ok(runs.into_iter().map(of_run).collect())
}

/// What needs somebody: failures, to-dos, and what is held.
fn open(process: &Process, session: &Session, memory: &Memory) -> Result<Open, Failure> {
    let todos = memory.todos(&session.settings)?;
    let is_accepted = |job: &Job| job.acknowledged_until.is_some_and(|until| until > process.now);
    let is_in_the_file = |target: &str| is_in_the_file(session, target);
    let mut jobs = memory.state.outstanding(None)?;
    jobs.retain(|job| !is_accepted(job) && is_in_the_file(&job.job.target));
    let mut held = memory.state.held(None)?;
    held.retain(|one| is_in_the_file(&one.target));
    let of_targets = todos.failing.iter().filter(|todo| todo.employee().is_none());
    let mut entries: Vec<OpenEntry> = of_targets.map(|todo| of_todo(session, OpenKind::Failed, todo)).collect();
    let failures = entries.len() + jobs.len();
    let changes_held = held.len();
    let folded = held.len() - held.chunk_by(is_alike).count();
    let room = |entries: &[OpenEntry]| OPEN.saturating_sub(entries.len());
    let left = room(&entries);
    entries.extend(jobs.into_iter().take(left).map(|job| failure(process, session, &todos.failing, job)));
    let left = room(&entries);
    entries.extend(held.chunk_by(is_alike).take(left).map(|alike| of_held(session, alike)));
    let left = room(&entries);
    let to_do = alike(&todos.open, |todo| (todo.fact.target.clone(), todo.fact.code.clone(), todo.what().to_owned()));
    entries.extend(to_do.iter().take(left).map(|alike| of_todos(session, alike)));
    let left_out = (failures + to_do.len() + changes_held - folded).saturating_sub(entries.len());
    Ok(Open { failures, todos: todos.open.len(), held: changes_held, left_out, entries })
}

fn age(session: &Session, since: DateTime<Utc>) -> i64 {
    (session.today - session.local(since).day()).num_days()
}

fn failure(process: &Process, session: &Session, failing: &[Todo], job: Job) -> OpenEntry {
    let (target, employee) = (job.job.target.clone(), job.job.employee);
    let since = failing.iter().find(|todo| todo.is_about(&target, employee)).map(|todo| todo.first_seen);
    let row = row(session, job, process.now);
    OpenEntry {
        kind: OpenKind::Failed,
        employee: row.who(),
        what: row.what_and_steps(),
        why: row.why(),
        id: row.job,
        target: row.target,
        advice: row.advice,
        since: since.map(|since| session.local(since)),
        age_days: since.map(|since| age(session, since)).unwrap_or_default(),
    }
}

fn of_todo(session: &Session, kind: OpenKind, todo: &Todo) -> OpenEntry {
    let row = todo_row(session, todo);
    OpenEntry {
        kind,
        id: row.id.to_string(),
        employee: row.who(),
        target: row.target,
        what: row.code,
        why: row.what,
        advice: row.advice,
        since: Some(row.since),
        age_days: age(session, todo.first_seen),
    }
}

/// What is to be done alike for several employees is one entry, as old as the oldest.
fn of_todos(session: &Session, alike: &[&Todo]) -> OpenEntry {
    let [first, _, ..] = alike else { return of_todo(session, OpenKind::Todo, alike[0]) };
    let oldest = alike.iter().min_by_key(|todo| todo.first_seen).unwrap_or(first);
    let ids: Vec<String> = alike.iter().map(|todo| todo.number.to_string()).collect();
    let employees: Vec<String> = alike.iter().map(|todo| todo.fact.subject.to_string()).collect();
    OpenEntry { id: in_few(&ids), employee: in_short(&employees), ..of_todo(session, OpenKind::Todo, oldest) }
}

/// What is held alike in a target is one entry.
fn of_held(session: &Session, alike: &[Held]) -> OpenEntry {
    let Held { number, target, change, since } = &alike[0];
    let release = || match alike {
        [_] => format!("If it is right: personio-sync approve {number}"),
        _ => format!("If they are right: personio-sync held --target {target} lists them, and approve releases them"),
    };
    let employees: Vec<String> = alike.iter().filter_map(|one| one.change.employee).map(|id| id.to_string()).collect();
    OpenEntry {
        kind: OpenKind::Held,
        id: number.to_string(),
        target: target.to_string(),
        employee: in_short(&employees),
        what: what(change.op.as_str(), change.reason.as_deref(), &change.fields),
        why: format!("{}: {}", change.code, change.detail),
        advice: answer(&change.code).unwrap_or_else(release),
        since: Some(session.local(*since)),
        age_days: age(session, *since),
    }
}

fn is_alike(one: &Held, other: &Held) -> bool {
    let of = |held: &Held| (held.target.clone(), held.change.op, held.change.code.clone(), held.change.detail.clone());
    of(one) == of(other) && one.change.fields == other.change.fields && one.change.reason == other.change.reason
}
