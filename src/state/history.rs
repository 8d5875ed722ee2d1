use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::employee::EmployeeId;
use crate::http::Requests;

use super::in_line::Standing;
use super::records::{
    self, FailedRun, Job, JobFilter, JobId, JobStatus, LastSeen, NewJob, Run, RunEnd, RunId, RunStart, RunTarget, Step,
    StepOutcome, TargetEnd, TargetRecord, Who,
};
use super::sql::{self, Cell, Database, Row};
use super::{State, StateError, in_line, ledger, limits, memory, seen};

/// Failures by target, employee and code.
type Failures = BTreeSet<(Box<str>, EmployeeId, Box<str>)>;

impl State {
    /// Begins a run. Runs that begin in the same instant get different numbers.
    pub fn start_run(&self, start: &RunStart<'_>) -> Result<RunId, StateError> {
        self.write(|database| {
            let id = sql::first(
                database,
                "INSERT INTO runs (started_at, command, as_of, tool, by_user, by_host) VALUES (?, ?, ?, ?, ?, ?)
                 RETURNING id",
                &[
                    start.at.into(),
                    start.command.into(),
                    start.as_of.to_string().into(),
                    start.tool.into(),
                    (&start.by.user).into(),
                    (&start.by.host).into(),
                ],
                |row| row.number(0),
            )?;
            for target in start.targets {
                database.execute(
                    "INSERT INTO targets (target, last_started, seen_run, seen_at, seen) VALUES (?, ?, 0, 0, '')
                     ON CONFLICT (target) DO UPDATE SET last_started = excluded.last_started",
                    &[(*target).into(), start.at.into()],
                )?;
            }
            let location = database.location().to_owned();
            id.map(RunId).ok_or(StateError::Failed { location, why: "it gave no number to the run".into() })
        })
    }

    /// Ends a run: its jobs, counters and what is known of its targets now, all or nothing.
    pub fn finish_run(&self, end: &RunEnd<'_>) -> Result<(), StateError> {
        self.write(|database| {
            finish(database, end.run, end.exit_code, end.at, end.source_requests)?;
            insert_jobs(database, end.run, end.jobs)?;
            for target in end.targets {
                finish_target(database, end, target)?;
            }
            Ok(())
        })
    }

    /// Ends a run that found nothing to work on.
    pub fn fail_run(&self, failed: &FailedRun<'_>) -> Result<(), StateError> {
        self.write(|database| {
            finish(database, failed.run, failed.exit_code, failed.at, failed.source_requests)?;
            for target in failed.targets {
                let last = last_run_of(database, target)?;
                database.execute(
                    "INSERT INTO run_targets (run, target, finished_at, ok, whole, in_sync, succeeded, failed, held,
                        skipped, not_attempted, tasks, not_in_line, in_line, unread)
                     VALUES (?, ?, ?, 0, ?, 0, 0, 0, 0, 0, 0, 0, ?, ?, ?)",
                    &[
                        failed.run.0.into(),
                        (*target).into(),
                        failed.at.into(),
                        failed.whole.into(),
                        last.as_ref().map_or(0, |last| last.not_in_line).into(),
                        last.and_then(|last| last.in_line).into(),
                        failed.code.into(),
                    ],
                )?;
                if failed.whole {
                    let query = "UPDATE targets SET last_finished = ? WHERE target = ?";
                    database.execute(query, &[failed.at.into(), (*target).into()])?;
                }
            }
            Ok(())
        })
    }

    /// Runs, the newest first; with `before`, those older than it.
    pub fn runs(&self, before: Option<RunId>, limit: u32) -> Result<Vec<Run>, StateError> {
        let before = before.map_or(i64::MAX, |run| run.0);
        self.read(|database| {
            runs(database, "id < ? ORDER BY id DESC LIMIT ?", &[before.into(), i64::from(limit).into()])
        })
    }

    /// Runs since a moment that something came of, or that did not end well; the newest first.
    pub fn eventful_runs(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<Run>, StateError> {
        let rest = "started_at >= ? AND (exit_code IS NULL OR exit_code <> 0
                OR EXISTS (SELECT 1 FROM jobs WHERE jobs.run = runs.id))
            ORDER BY id DESC LIMIT ?";
        self.read(|database| runs(database, rest, &[since.into(), i64::from(limit).into()]))
    }

    /// How many runs there were since a moment.
    pub fn count_runs(&self, since: DateTime<Utc>) -> Result<u64, StateError> {
        let query = "SELECT COUNT(*) FROM runs WHERE started_at >= ?";
        let found = self.read(|database| sql::first(database, query, &[since.into()], |row| row.count(0)))?;
        Ok(found.unwrap_or_default())
    }

    /// What came of each target in each run since a moment, those left out that nothing came of; the oldest first.
    pub fn outcomes(&self, since: DateTime<Utc>) -> Result<Vec<RunTarget>, StateError> {
        let rest = "WHERE finished_at >= ? AND succeeded + failed + held + skipped + not_attempted > 0 ORDER BY run";
        self.read(|database| run_targets(database, rest, &[since.into()]))
    }

    /// The steps of workflows in runs since a moment, each with its target.
    pub fn workflow_steps(&self, since: DateTime<Utc>) -> Result<Vec<(Box<str>, StepOutcome)>, StateError> {
        let query = "SELECT target, workflows FROM jobs
             WHERE workflows <> '[]' AND run IN (SELECT id FROM runs WHERE started_at >= ?)";
        let found = self.read(|database| {
            sql::all(database, query, &[since.into()], |row| {
                let steps: Vec<StepOutcome> = serde_json::from_str(row.word(1)?).map_err(|_| row.unreadable(1))?;
                let target: Box<str> = row.word(0)?.into();
                Ok(steps.into_iter().map(|step| (target.clone(), step)).collect::<Vec<_>>())
            })
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    pub fn run(&self, id: RunId) -> Result<Option<Run>, StateError> {
        Ok(self.read(|database| runs(database, "id = ?", &[id.0.into()]))?.pop())
    }

    /// Jobs, those of the newest run first, within a run in the order of the run.
    pub fn jobs(&self, filter: &JobFilter<'_>, limit: u32) -> Result<Vec<Job>, StateError> {
        let mut conditions = vec!["1 = 1"];
        let mut cells: Vec<Cell<'_>> = Vec::new();
        if let Some(status) = filter.status {
            conditions.push("status = ?");
            cells.push(status.as_str().into());
        }
        if let Some(target) = filter.target {
            conditions.push("target = ?");
            cells.push(target.into());
        }
        if let Some(run) = filter.run {
            conditions.push("run = ?");
            cells.push(run.0.into());
        }
        if let Some(employee) = filter.employee {
            conditions.push("employee = ?");
            cells.push(employee.into());
        }
        if let Some(before) = filter.before {
            conditions.push("(run < ? OR (run = ? AND number > ?))");
            cells.extend([before.run.0.into(), before.run.0.into(), before.number.into()]);
        }
        if let Some(since) = filter.since {
            conditions.push("run IN (SELECT id FROM runs WHERE started_at >= ?)");
            cells.push(since.into());
        }
        cells.push(i64::from(limit).into());
        let rest = format!("WHERE {} ORDER BY run DESC, number LIMIT ?", conditions.join(" AND "));
        self.read(|database| jobs(database, &rest, &cells))
    }

    /// The jobs of a target that steps of workflows were part of, newest first.
    pub fn workflow_jobs(&self, target: &str) -> Result<Vec<Job>, StateError> {
        let rest = "WHERE target = ? AND workflows <> '[]' ORDER BY run DESC, number";
        self.read(|database| jobs(database, rest, &[target.into()]))
    }

    pub fn job(&self, id: JobId) -> Result<Option<Job>, StateError> {
        let cells = [id.run.0.into(), id.number.into()];
        Ok(self.read(|database| jobs(database, "WHERE run = ? AND number = ?", &cells))?.pop())
    }

    /// Failures that no later run has made good or replaced: what `retry --failed` takes up.
    pub fn outstanding(&self, target: Option<&str>) -> Result<Vec<Job>, StateError> {
        let mut rest = "WHERE status = 'failed' AND NOT EXISTS (
            SELECT 1 FROM jobs AS later WHERE later.target = jobs.target AND later.employee = jobs.employee
            AND (later.run > jobs.run OR (later.run = jobs.run AND later.number > jobs.number))
            AND later.status IN ('succeeded', 'failed', 'skipped'))"
            .to_owned();
        if target.is_some() {
            rest += " AND target = ?";
        }
        rest += " ORDER BY run DESC, number";
        self.read(|database| {
            let mut found = jobs(database, &rest, &target.map(Cell::from).into_iter().collect::<Vec<_>>())?;
            let mut in_line = BTreeMap::new();
            for job in &found {
                if !in_line.contains_key(&job.job.target) {
                    in_line.insert(job.job.target.clone(), Seen::read(database, &job.job.target)?);
                }
            }
            // A job that is older than the last run that found its employee in line is made good.
            found.retain(|job| in_line[&job.job.target].get(job.job.employee).is_none_or(|(run, _)| run < job.id.run));
            Ok(found)
        })
    }

    /// How many failures of a target's last run of all of it, or since, no later run has made good.
    pub fn failing(&self, record: &TargetRecord) -> Result<u64, StateError> {
        let since = record.last_whole.as_ref().map_or(RunId(0), |last| last.run);
        let failures = self.outstanding(Some(&record.target))?;
        Ok(failures.iter().filter(|job| job.id.run >= since).count() as u64)
    }

    /// Notes that somebody has seen a job, and until when it is not to be reported as new. Returns whether there is one.
    pub fn acknowledge(
        &self,
        id: JobId,
        until: DateTime<Utc>,
        reason: &str,
        at: DateTime<Utc>,
        by: &Who,
    ) -> Result<bool, StateError> {
        self.write(|database| {
            let rows = database.execute(
                "UPDATE jobs SET acknowledged_until = ?, acknowledged_reason = ?, acknowledged_at = ?,
                    acknowledged_user = ?, acknowledged_host = ? WHERE run = ? AND number = ?",
                &[
                    until.into(),
                    reason.into(),
                    at.into(),
                    (&by.user).into(),
                    (&by.host).into(),
                    id.run.0.into(),
                    id.number.into(),
                ],
            )?;
            Ok(rows == 1)
        })
    }

    /// Jobs of a run that somebody accepted, accepted still or not.
    pub fn acknowledged(&self, run: RunId) -> Result<Vec<Job>, StateError> {
        let rest = "WHERE run = ? AND acknowledged_until IS NOT NULL ORDER BY number";
        self.read(|database| jobs(database, rest, &[run.0.into()]))
    }

    /// Failures that somebody accepted and that are accepted still: target, employee and code of each.
    pub fn accepted(&self, now: DateTime<Utc>) -> Result<Failures, StateError> {
        let found = self.read(|database| jobs(database, "WHERE acknowledged_until > ?", &[now.into()]))?;
        Ok(found.into_iter().filter_map(|job| Some((job.job.target, job.job.employee, job.job.code?))).collect())
    }

    /// Whether anything is remembered of an employee.
    pub fn knows(&self, employee: EmployeeId) -> Result<bool, StateError> {
        if !self.last_seen(employee)?.is_empty() {
            return Ok(true);
        }
        let of = JobFilter { employee: Some(employee), ..JobFilter::default() };
        Ok(!self.jobs(&of, 1)?.is_empty())
    }

    /// The names of people that jobs keep, as far as the file has them kept; somebody may have had several.
    pub fn kept_names(&self) -> Result<Vec<(EmployeeId, Box<str>)>, StateError> {
        let query = "SELECT DISTINCT employee, name FROM jobs WHERE name IS NOT NULL ORDER BY employee, name";
        self.read(|database| sql::all(database, query, &[], |row| Ok((row.employee(0)?, row.word(1)?.into()))))
    }

    /// When a write for an employee was last known to be done in a target.
    pub fn last_written(&self, target: &str, employee: EmployeeId) -> Result<Option<DateTime<Utc>>, StateError> {
        let query = "SELECT MAX(settled_at) FROM journal WHERE target = ? AND employee = ? AND state = 'done'";
        self.read(|database| {
            let found = sql::first(database, query, &[target.into(), employee.into()], |row| {
                row.int(0)?.map(|_| row.time(0)).transpose()
            })?;
            Ok(found.flatten())
        })
    }

    /// When an employee was last in line with each target, sorted by target.
    pub fn last_seen(&self, employee: EmployeeId) -> Result<Vec<LastSeen>, StateError> {
        self.read(|database| {
            let mut targets =
                sql::all(database, "SELECT target FROM targets", &[], |row| Ok(Box::<str>::from(row.word(0)?)))?;
            targets.sort();
            let mut found = Vec::new();
            for target in targets {
                if let Some((run, at)) = Seen::read(database, &target)?.get(employee) {
                    found.push(LastSeen { target, run, at });
                }
            }
            Ok(found)
        })
    }

    /// When each employee was last in line with a target.
    pub fn in_line(&self, target: &str) -> Result<BTreeMap<EmployeeId, DateTime<Utc>>, StateError> {
        let seen = self.read(|database| Seen::read(database, target))?;
        let known = seen.list.iter().chain(seen.apart.keys());
        Ok(known.filter_map(|employee| Some((*employee, seen.get(*employee)?.1))).collect())
    }

    /// Forgets runs that began before a day, with their jobs; runs with open intents stay. Returns how many went.
    pub fn prune(&self, before: DateTime<Utc>) -> Result<u64, StateError> {
        self.write(|database| {
            let rows = database.execute(
                "DELETE FROM runs WHERE started_at < ? AND NOT EXISTS (
                    SELECT 1 FROM journal WHERE journal.run = runs.id AND journal.state IN ('open', 'unknown'))",
                &[before.into()],
            )?;
            // Looking for rows of a run that is gone passes over every row there is.
            let tables: &[&str] = if rows > 0 { &["jobs", "run_targets", "journal"] } else { &[] };
            for table in tables {
                let sql =
                    format!("DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = {table}.run)");
                database.execute(&sql, &[])?;
            }
            database.execute(
                // What was left out when others were approved stays held as long as that is known.
                "DELETE FROM approvals WHERE COALESCE(used_at, expires_at) < ?
                    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = approvals.run)
                    AND NOT EXISTS (
                        SELECT 1 FROM held WHERE held.target = approvals.target AND held.code = approvals.code
                            AND held.fingerprint <> approvals.fingerprint)",
                &[before.into()],
            )?;
            for sql in [
                "DELETE FROM repeats WHERE last_at < ?",
                "DELETE FROM last_seen WHERE at < ?",
                "DELETE FROM todos WHERE last_seen < ?",
            ] {
                database.execute(sql, &[before.into()])?;
            }
            limits::prune(database, before)?;
            Ok(rows)
        })
    }
}

fn finish(
    database: &mut dyn Database,
    run: RunId,
    exit_code: u8,
    at: DateTime<Utc>,
    source_requests: Requests,
) -> Result<(), StateError> {
    database.execute(
        "UPDATE runs SET exit_code = ?, finished_at = CASE WHEN started_at > ? THEN started_at ELSE ? END,
            source_requests = ? WHERE id = ?",
        &[i64::from(exit_code).into(), at.into(), at.into(), to_store(source_requests).into(), run.0.into()],
    )?;
    Ok(())
}

fn insert_jobs(database: &mut dyn Database, run: RunId, jobs: &[NewJob]) -> Result<(), StateError> {
    let last =
        sql::first(database, "SELECT COALESCE(MAX(number), 0) FROM jobs WHERE run = ?", &[run.0.into()], |row| {
            row.number(0)
        })?
        .unwrap_or(0);
    let mut numbers = last + 1..;
    jobs.chunks(sql::ROWS_AT_ONCE).try_for_each(|jobs| insert_some_jobs(database, run, jobs, &mut numbers))
}

fn insert_some_jobs(
    database: &mut dyn Database,
    run: RunId,
    jobs: &[NewJob],
    numbers: &mut impl Iterator<Item = i64>,
) -> Result<(), StateError> {
    let mut cells: Vec<Cell<'_>> = Vec::with_capacity(jobs.len() * 13);
    for (job, number) in jobs.iter().zip(numbers) {
        let ops: Vec<&str> = job.ops.iter().map(|op| op.as_str()).collect();
        cells.extend([
            run.0.into(),
            number.into(),
            (&job.target).into(),
            job.employee.into(),
            job.name.as_ref().into(),
            sql::json(&ops).into(),
            sql::json(&job.fields).into(),
            job.status.as_str().into(),
            job.code.as_ref().into(),
            job.error.as_ref().into(),
            job.advice.as_ref().into(),
            steps_to_store(&job.steps).into(),
            serde_json::to_string(&job.workflows).expect("outcomes are JSON").into(),
        ]);
    }
    database.write_rows(
        "INSERT INTO jobs (run, number, target, employee, name, ops, fields, status, code, error, advice, steps,
            workflows)
         VALUES {rows}",
        "iitittttttttt",
        &cells,
    )
}

/// Steps as JSON. Some services name an account by its e-mail address in the path (Graph's `/users/ines@example.com`).
fn steps_to_store(steps: &[Step]) -> String {
    let steps: Vec<Step> = steps
        .iter()
        .map(|step| {
            let path = step.path.split(['?', '#']).next().unwrap_or_default();
            let parts: Vec<&str> = path
                .split('/')
                .map(|part| if part.contains('@') || part.to_ascii_lowercase().contains("%40") { "…" } else { part })
                .collect();
            Step { path: parts.join("/").into(), ..step.clone() }
        })
        .collect();
    serde_json::to_string(&steps).expect("steps are JSON")
}

fn finish_target(database: &mut dyn Database, end: &RunEnd<'_>, target: &TargetEnd) -> Result<(), StateError> {
    let name = &*target.target;
    let of_target = || end.jobs.iter().filter(|job| *job.target == *name);
    database.execute(
        "INSERT INTO targets (target, seen_run, seen_at, seen) VALUES (?, 0, 0, '') ON CONFLICT DO NOTHING",
        &[name.into()],
    )?;
    let Standing { in_line, not_in_line, is_success } = in_line::note(database, target)?;
    let count = |status| of_target().filter(|job| job.status == status).count() as u64;
    database.execute(
        "INSERT INTO run_targets (run, target, finished_at, ok, whole, in_sync, succeeded, failed, held, skipped,
            not_attempted, tasks, not_in_line, requests, in_line, unread)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            end.run.0.into(),
            name.into(),
            end.at.into(),
            target.ok.into(),
            target.whole.into(),
            target.in_sync.into(),
            count(JobStatus::Succeeded).into(),
            count(JobStatus::Failed).into(),
            count(JobStatus::Held).into(),
            count(JobStatus::Skipped).into(),
            count(JobStatus::NotAttempted).into(),
            target.tasks.into(),
            not_in_line.into(),
            target.requests.map(to_store).into(),
            in_line.map_or(Cell::Null, Cell::from),
            target.unread.as_deref().into(),
        ],
    )?;
    database.execute(
        "UPDATE targets SET identity = COALESCE(identity, ?), scope = COALESCE(?, scope) WHERE target = ?",
        &[(&target.identity).into(), target.scope.as_ref().into(), name.into()],
    )?;
    let before = memory::last_whole_run(database, name)?;
    if target.whole {
        if before.section.is_some_and(|section| section != target.section) {
            // What did not settle with the section as it was may well settle now.
            database.execute("DELETE FROM repeats WHERE target = ?", &[name.into()])?;
        }
        database.execute(
            "UPDATE targets SET section = ?, last_finished = ? WHERE target = ?",
            &[(&target.section).into(), end.at.into(), name.into()],
        )?;
        if target.ok && target.all_made {
            database.execute(
                "UPDATE targets SET all_made_at = COALESCE(all_made_at, ?) WHERE target = ?",
                &[end.at.into(), name.into()],
            )?;
        }
        if target.ok {
            database.execute(
                "UPDATE targets SET first_completed_at = COALESCE(first_completed_at, ?) WHERE target = ?",
                &[end.at.into(), name.into()],
            )?;
        }
    }
    if is_success {
        database.execute("UPDATE targets SET last_ok = ? WHERE target = ?", &[end.at.into(), name.into()])?;
    }
    let succeeded = of_target().filter(|job| job.status == JobStatus::Succeeded).map(|job| job.employee);
    note_seen(database, end, target, target.unchanged.iter().copied().chain(succeeded).collect())?;
    memory::note_written(database, name, &target.written, &target.unchanged, before.finished, end.at)?;
    note_unstored(database, end, target)?;
    ledger::add_tasks(database, end.period, name, target.tasks)
}

fn note_unstored(database: &mut dyn Database, end: &RunEnd<'_>, target: &TargetEnd) -> Result<(), StateError> {
    if target.whole && target.ok {
        database.execute("DELETE FROM unstored WHERE target = ?", &[(&target.target).into()])?;
    }
    let fields: BTreeSet<&Box<str>> = target.unstored.iter().collect();
    let cells: Vec<Cell<'_>> =
        fields.into_iter().flat_map(|field| [(&target.target).into(), field.into(), end.at.into()]).collect();
    database.write_rows("INSERT INTO unstored (target, field, at) VALUES {rows} ON CONFLICT DO NOTHING", "tti", &cells)
}

/// Remembers who is in line with a target now.
fn note_seen(
    database: &mut dyn Database,
    end: &RunEnd<'_>,
    target: &TargetEnd,
    in_line: BTreeSet<EmployeeId>,
) -> Result<(), StateError> {
    // Nobody at all: the target could not be read. That says nothing about anybody.
    if in_line.is_empty() {
        return Ok(());
    }
    if !target.whole {
        return keep_apart(database, &target.target, in_line.into_iter(), end.run, end.at);
    }
    let before = Seen::read(database, &target.target)?;
    let gone = before.list.iter().copied().filter(|employee| !in_line.contains(employee));
    keep_apart(database, &target.target, gone, before.run, before.at)?;
    let list: Vec<EmployeeId> = in_line.into_iter().collect();
    database.execute(
        "UPDATE targets SET seen_run = ?, seen_at = ?, seen = ? WHERE target = ?",
        &[end.run.0.into(), end.at.into(), seen::encode(&list).into(), (&target.target).into()],
    )?;
    Ok(())
}

/// Gives employees a row of their own, unless there is a newer one.
fn keep_apart(
    database: &mut dyn Database,
    target: &str,
    employees: impl Iterator<Item = EmployeeId>,
    run: RunId,
    at: DateTime<Utc>,
) -> Result<(), StateError> {
    let cells: Vec<Cell<'_>> =
        employees.flat_map(|employee| [target.into(), employee.into(), run.0.into(), at.into()]).collect();
    database.write_rows(
        "INSERT INTO last_seen (target, employee, run, at) VALUES {rows}
         ON CONFLICT (target, employee) DO UPDATE SET run = excluded.run, at = excluded.at
         WHERE last_seen.run < excluded.run",
        "tiii",
        &cells,
    )
}

/// Who was last in line with a target, and when.
pub(super) struct Seen {
    /// In the run of `run`, at `at`; sorted.
    pub(super) list: Vec<EmployeeId>,
    run: RunId,
    at: DateTime<Utc>,
    apart: BTreeMap<EmployeeId, (RunId, DateTime<Utc>)>,
}

impl Seen {
    pub(super) fn read(database: &mut dyn Database, target: &str) -> Result<Self, StateError> {
        let query = "SELECT seen, seen_run, seen_at FROM targets WHERE target = ?";
        let found = sql::first(database, query, &[target.into()], |row| {
            let list = seen::decode(row.word(0)?).ok_or_else(|| row.unreadable(0))?;
            Ok((list, RunId(row.number(1)?), row.time(2)?))
        })?;
        let (list, run, at) = found.unwrap_or((Vec::new(), RunId(0), DateTime::UNIX_EPOCH));
        let query = "SELECT employee, run, at FROM last_seen WHERE target = ?";
        let apart = sql::all(database, query, &[target.into()], |row| {
            Ok((row.employee(0)?, (RunId(row.number(1)?), row.time(2)?)))
        })?;
        Ok(Self { list, run, at, apart: apart.into_iter().collect() })
    }

    fn get(&self, employee: EmployeeId) -> Option<(RunId, DateTime<Utc>)> {
        let listed = self.list.binary_search(&employee).ok().map(|_| (self.run, self.at));
        listed.max(self.apart.get(&employee).copied())
    }
}

fn run_targets(database: &mut dyn Database, rest: &str, cells: &[Cell<'_>]) -> Result<Vec<RunTarget>, StateError> {
    let query = format!(
        "SELECT run, target, finished_at, ok, whole, in_sync, succeeded, failed, held, skipped, not_attempted, tasks,
            not_in_line, requests, in_line, unread
         FROM run_targets {rest}"
    );
    sql::all(database, &query, cells, |row| {
        let mut jobs = BTreeMap::new();
        for (column, status) in (6..).zip(JobStatus::ALL) {
            jobs.insert(status.as_str(), row.count(column)?);
        }
        Ok(RunTarget {
            run: RunId(row.number(0)?),
            target: row.word(1)?.into(),
            finished_at: row.time(2)?,
            ok: row.number(3)? != 0,
            unread: row.optional_word(15)?,
            in_line: row.int(14)?.map(|_| row.count(14)).transpose()?,
            not_in_line: row.count(12)?,
            whole: row.number(4)? != 0,
            in_sync: row.count(5)?,
            jobs,
            tasks: row.count(11)?,
            requests: stored_requests(row, 13)?,
        })
    })
}

/// What came of the last run of a target.
pub(super) fn last_run_of(database: &mut dyn Database, target: &str) -> Result<Option<RunTarget>, StateError> {
    Ok(run_targets(database, "WHERE target = ? ORDER BY run DESC LIMIT 1", &[target.into()])?.pop())
}

/// What came of the last run of all of a target that could read it.
pub(super) fn last_whole_run_of(database: &mut dyn Database, target: &str) -> Result<Option<RunTarget>, StateError> {
    let rest = "WHERE target = ? AND whole = 1 AND unread IS NULL ORDER BY run DESC LIMIT 1";
    Ok(run_targets(database, rest, &[target.into()])?.pop())
}

fn runs(database: &mut dyn Database, rest: &str, cells: &[Cell<'_>]) -> Result<Vec<Run>, StateError> {
    let query = format!(
        "SELECT id, started_at, finished_at, exit_code, command, as_of, tool, by_user, by_host, source_requests
         FROM runs WHERE {rest}"
    );
    let mut runs = sql::all(database, &query, cells, |row| {
        Ok(Run {
            id: RunId(row.number(0)?),
            started_at: row.time(1)?,
            finished_at: row.optional_time(2)?,
            exit_code: row.int(3)?.and_then(|code| u8::try_from(code).ok()),
            command: row.word(4)?.into(),
            as_of: row.word(5)?.parse().map_err(|_| row.unreadable(5))?,
            tool: row.word(6)?.into(),
            by: who(row, 7)?,
            source_requests: stored_requests(row, 9)?,
            targets: Vec::new(),
        })
    })?;
    for run in &mut runs {
        run.targets = run_targets(database, "WHERE run = ?", &[run.id.0.into()])?;
        run.targets.sort_by(|one, other| one.target.cmp(&other.target));
    }
    Ok(runs)
}

fn to_store(requests: Requests) -> String {
    serde_json::to_string(&requests).expect("counts are JSON")
}

/// What was sent; `None` where that was not kept.
fn stored_requests(row: &dyn Row, column: usize) -> Result<Option<Requests>, StateError> {
    let stored = row.optional_word(column)?;
    stored.map(|text| serde_json::from_str(&text).map_err(|_| row.unreadable(column))).transpose()
}

/// A user and, in the next column, a machine; `None` where nobody was kept.
pub(super) fn who(row: &dyn Row, column: usize) -> Result<Option<Who>, StateError> {
    let (user, host) = (row.optional_word(column)?, row.optional_word(column + 1)?);
    Ok(user.zip(host).map(|(user, host)| Who { user, host }))
}

fn jobs(database: &mut dyn Database, rest: &str, cells: &[Cell<'_>]) -> Result<Vec<Job>, StateError> {
    let query = format!(
        "SELECT run, number, target, employee, name, ops, fields, status, code, error, advice, steps,
            acknowledged_until, acknowledged_reason, workflows, acknowledged_at, acknowledged_user, acknowledged_host
         FROM jobs {rest}"
    );
    sql::all(database, &query, cells, |row| {
        let ops = row.words(5)?.iter().map(|word| records::op(word)).collect::<Option<Vec<_>>>();
        Ok(Job {
            id: JobId { run: RunId(row.number(0)?), number: row.number(1)? },
            job: NewJob {
                target: row.word(2)?.into(),
                employee: row.employee(3)?,
                name: row.optional_word(4)?,
                ops: ops.ok_or_else(|| row.unreadable(5))?,
                fields: row.words(6)?.into_iter().map(Into::into).collect(),
                status: JobStatus::parse(row.word(7)?).ok_or_else(|| row.unreadable(7))?,
                code: row.optional_word(8)?,
                error: row.optional_word(9)?,
                advice: row.optional_word(10)?,
                steps: serde_json::from_str(row.word(11)?).map_err(|_| row.unreadable(11))?,
                workflows: serde_json::from_str(row.word(14)?).map_err(|_| row.unreadable(14))?,
            },
            acknowledged_until: row.optional_time(12)?,
            acknowledged_reason: row.optional_word(13)?,
            acknowledged_by: row.optional_time(15)?.zip(who(row, 16)?),
        })
    })
}
