//! `status`: each target at a glance.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::config::TargetSettings;
use crate::config::reader::parse_duration;
use crate::output::{Format, Problem, json};
use crate::state::TargetRecord;

use super::memory::{Memory, period};
use super::{Failure, Reason, Reasons, SandboxChoice, World};

/// Show each target: paused, last run, next due, succeeded, failed, tasks used
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// End with status 6 when a target was not brought in line for longer than this, such as 26h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_age: Option<Duration>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a length of time such as 26h or 2d".into())
}

#[derive(Serialize)]
struct StatusDocument<'a> {
    schema: u32,
    kind: &'static str,
    exit_code: u8,
    problems: &'a [Problem],
    tasks: Tasks,
    targets: Vec<Line>,
}

#[derive(Serialize)]
struct Tasks {
    period: String,
    used: u64,
    limit: Option<u64>,
}

#[derive(Serialize)]
struct Line {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    paused: bool,
    last_run: Option<String>,
    last_success: Option<String>,
    next_due: Option<String>,
    succeeded: u64,
    failed: u64,
    held: u64,
    in_sync: u64,
    tasks: u64,
}

pub(super) fn run(world: &World, arguments: &Arguments) -> Result<Reasons, Failure> {
    let session = world.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session, world.now)?;
    let records = memory.state.targets()?;
    let settings = &session.settings;
    let current = period(settings.budget.as_ref().map(|budget| budget.period), session.today);
    let tasks = memory.state.tasks(&current)?;
    let (mut reasons, mut problems) = (Reasons::default(), Vec::new());
    let moment = |at: Option<DateTime<Utc>>| {
        at.map(|at| at.with_timezone(&settings.timezone).format("%Y-%m-%d %H:%M").to_string())
    };
    let lines: Vec<Line> = settings
        .targets
        .iter()
        .map(|target| {
            let record = records.iter().find(|record| record.target == target.name);
            let last = record.and_then(|record| record.last.as_ref());
            let jobs = |status| last.and_then(|last| last.jobs.get(status)).copied().unwrap_or_default();
            if let Some(age) = arguments.max_age.filter(|_| !target.paused) {
                let oldest = world.now - TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
                if record.and_then(|record| record.last_ok).is_none_or(|at| at < oldest) {
                    reasons.add(Reason::Unavailable);
                    let message = "was not brought in line within the time that --max-age allows";
                    problems.push(Problem::new("too_old", message).target(&target.name));
                }
            }
            Line {
                name: target.name.to_string(),
                kind: target.target.kind(),
                paused: target.paused,
                last_run: moment(record.and_then(|record| record.last_finished)),
                last_success: moment(record.and_then(|record| record.last_ok)),
                next_due: record.and_then(|record| moment(next_due(target, record))),
                succeeded: jobs("succeeded"),
                failed: jobs("failed"),
                held: jobs("held"),
                in_sync: last.map(|last| last.in_sync).unwrap_or_default(),
                tasks: tasks.iter().find(|(name, _)| *name == target.name).map(|(_, tasks)| *tasks).unwrap_or_default(),
            }
        })
        .collect();
    let used = tasks.iter().map(|(_, tasks)| tasks).sum();
    let limit = settings.budget.as_ref().map(|budget| budget.tasks);
    match world.global.format {
        Format::Json => world.print(&json::render_value(&StatusDocument {
            schema: json::SCHEMA,
            kind: "status",
            exit_code: reasons.code(),
            problems: &problems,
            tasks: Tasks { period: current, used, limit },
            targets: lines,
        })),
        Format::Table | Format::Markdown => {
            world.print(&table(world, &lines));
            let of = limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
            world.print(&format!("\nTasks used in {current}: {used}{of}\n"));
        }
    }
    world.say_problems(&problems);
    Ok(reasons)
}

/// When a target is due again; `None` when the file does not say how often it runs.
pub(super) fn next_due(target: &TargetSettings, record: &TargetRecord) -> Option<DateTime<Utc>> {
    let every = TimeDelta::from_std(target.every?).ok()?;
    Some(record.last_started.map_or(DateTime::<Utc>::MIN_UTC, |last| last + every))
}

/// Whether a target is to run now. One that seems to have started later than now is: the clock was set back, and
/// nobody knows for how long it has not run.
pub(super) fn is_due(target: &TargetSettings, record: &TargetRecord, now: DateTime<Utc>) -> bool {
    let started_later = target.every.is_some() && record.last_started.is_some_and(|started| started > now);
    started_later || next_due(target, record).is_some_and(|next| next <= now)
}

fn table(world: &World, lines: &[Line]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(world.look().width.unwrap_or(140).max(60));
    table.set_header([
        "Target",
        "Type",
        "Last run",
        "Last success",
        "Next due",
        "Succeeded",
        "Failed",
        "Held",
        "In sync",
        "Tasks",
    ]);
    for line in lines {
        let paused = if line.paused { " (paused)" } else { "" };
        let or_never = |moment: &Option<String>| moment.clone().unwrap_or_else(|| "never".into());
        table.add_row([
            format!("{}{paused}", line.name),
            line.kind.to_owned(),
            or_never(&line.last_run),
            or_never(&line.last_success),
            line.next_due.clone().unwrap_or_default(),
            line.succeeded.to_string(),
            line.failed.to_string(),
            line.held.to_string(),
            line.in_sync.to_string(),
            line.tasks.to_string(),
        ]);
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LoadOptions, load};

    fn target(every: &str) -> TargetSettings {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("personio-sync.toml");
        let text = format!(
            "[personio]\nclient_id = \"a\"\nclient_secret = \"b\"\n[targets.list]\ntype = \"file\"\npath = \"list.csv\"\n\
             match = [\"Id\"]\n{every}\n[targets.list.mapping]\nId = \"employee_id\"\n"
        );
        std::fs::write(&path, text).unwrap();
        let mut settings = load(&path, &LoadOptions::new(&|_| None)).unwrap();
        settings.targets.remove(0)
    }

    #[test]
    fn a_target_is_due_when_its_time_has_passed() {
        let at = |hours: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(500_000 + hours);
        let daily = "every = \"24h\"";
        let table = [
            (daily, None, 0, true),
            (daily, Some(0), 0, false),
            (daily, Some(0), 23, false),
            (daily, Some(0), 24, true),
            (daily, Some(0), 300, true),
            // The clock was set back: an hour, a year.
            (daily, Some(0), -1, true),
            (daily, Some(0), -8760, true),
            ("", None, 0, false),
            ("", Some(0), 300, false),
            ("", Some(0), -1, false),
        ];
        for (every, started, now, expected) in table {
            let record = TargetRecord {
                target: "list".into(),
                identity: None,
                first_completed_at: None,
                last_started: started.map(at),
                last_finished: None,
                last_ok: None,
                section: None,
                scope: None,
                last: None,
            };
            assert_eq!(is_due(&target(every), &record, at(now)), expected, "{every} {started:?} {now}");
        }
    }
}
