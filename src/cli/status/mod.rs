//! `status`: each target at a glance.

mod overview;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde::Serialize;

use crate::code::Code;
use crate::config::{BudgetSettings, TargetSettings};
use crate::exit::Problem;
use crate::output::listing::Listing;
use crate::output::overview::{Tile, html};
use crate::output::{Answer, Shown};
use crate::plan::Due;
use crate::section::parse_duration;
use crate::state::TargetRecord;
use crate::sync::{Budget, Memory, budgets, period};
use crate::words::count;
use crate::zone::LocalTime;

use self::overview::overview;
use super::todo::FailingOut;
use super::{Failure, Process, Reason, Reasons, SandboxChoice};

/// Show each target: paused, last run, next due, succeeded, failed, tasks used
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// End with status 6 when a target was not brought in line for longer than this, such as 26h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_age: Option<Duration>,
    /// Also write a page to open in a browser: the targets, what needs somebody, and how it went over time
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a length of time such as 26h or 2d".into())
}

#[derive(Serialize)]
struct StatusDocument<'a> {
    problems: &'a [Problem],
    tasks: Tasks,
    budgets: Vec<OwnBudget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_change: Option<LocalTime>,
    targets: Vec<Line>,
    /// What needs a hand beside what belongs to a target.
    todos: usize,
    /// What fails of runs as a whole.
    failing: Vec<FailingOut>,
}

#[derive(Serialize)]
struct OwnBudget {
    key: String,
    period: String,
    used: u64,
    limit: u64,
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
    /// Workflows that are paused apart from the target.
    paused_workflows: Vec<String>,
    last_run: Option<LocalTime>,
    /// The code of why the last run could read nothing of it, or of Personio; the numbers are of the run before.
    unread: Option<String>,
    last_success: Option<LocalTime>,
    /// `null` where each run is one of it.
    next_due: Option<LocalTime>,
    /// The slot that `next_due` names has begun, and had no run yet.
    #[serde(skip)]
    is_due: bool,
    /// Slots of `every` that had no run, the oldest first.
    missed_slots: Vec<LocalTime>,
    succeeded: u64,
    /// How many failures no later run has made good.
    failed: u64,
    held: u64,
    /// How many people are in line.
    in_sync: u64,
    /// How many are out of line.
    not_in_line: u64,
    /// How many things need a hand.
    todos: usize,
    /// What fails, in the order in which it was first seen.
    failing: Vec<FailingOut>,
    tasks: u64,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let records = memory.state.targets()?;
    let settings = &session.settings;
    let current = period(settings.budget.as_ref().map(|budget| budget.period), session.today);
    let tasks = memory.state.tasks(&current)?;
    let (mut reasons, mut problems) = (Reasons::default(), Vec::new());
    let local = |at: DateTime<Utc>| settings.timezone.minute(at);
    let moment = |at: Option<DateTime<Utc>>| at.map(local);
    let scheduled = memory.scheduled(settings.targets.iter())?;
    let todos = memory.todos(settings)?;
    let open = |name: &str| todos.open.iter().filter(|todo| *todo.fact.target == *name).count();
    let failing = |name: &str| {
        let of_target = todos.failing.iter().filter(|todo| *todo.fact.target == *name);
        of_target.map(|todo| FailingOut::new(&session, todo)).collect::<Vec<_>>()
    };
    let all_held = memory.state.held(None)?;
    let held = |name: &str| all_held.iter().filter(|held| *held.target == *name).count() as u64;
    let mut missed = memory.missed_slots(&scheduled, process.now, settings.timezone)?;
    let lines: Vec<Line> = scheduled
        .iter()
        .map(|scheduled| {
            let target = scheduled.target;
            let record = records.iter().find(|record| record.target == target.plan.name);
            let last = record.and_then(TargetRecord::last_of_all);
            let not_in_line = record.map(TargetRecord::not_in_line).unwrap_or_default();
            let jobs = |status| last.and_then(|last| last.jobs.get(status)).copied().unwrap_or_default();
            if let Some(age) = arguments.max_age.filter(|_| !target.paused) {
                let oldest = process.now - TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
                if record.and_then(|record| record.last_ok).is_none_or(|at| at < oldest) {
                    reasons.add(Reason::Unavailable);
                    let left_out = if not_in_line > 0 { format!(": {not_in_line} not in line") } else { String::new() };
                    let message = format!("was not brought in line within the time that --max-age allows{left_out}");
                    problems.push(Problem::new(Code::TooOld, message).target(&target.plan.name));
                }
            }
            let due = scheduled.due(process.now, settings.timezone);
            Ok(Line {
                name: target.plan.name.to_string(),
                kind: target.target.kind(),
                paused: target.paused,
                paused_workflows: paused_workflows(target),
                last_run: moment(record.and_then(|record| record.last_finished)),
                unread: record.and_then(TargetRecord::unread).map(str::to_owned),
                last_success: moment(record.and_then(|record| record.last_ok)),
                next_due: due.map(|due| match due {
                    Due::Now(slot) => local(slot),
                    Due::Later(next) => local(next),
                }),
                is_due: matches!(due, Some(Due::Now(_))),
                missed_slots: missed.remove(&target.plan.name).unwrap_or_default().into_iter().map(local).collect(),
                succeeded: jobs("succeeded"),
                failed: record.map(|record| memory.state.failing(record)).transpose()?.unwrap_or_default(),
                held: held(&target.plan.name),
                in_sync: record.map(TargetRecord::in_line).unwrap_or_default(),
                not_in_line,
                todos: open(&target.plan.name),
                failing: failing(&target.plan.name),
                tasks: tasks
                    .iter()
                    .find(|(name, _)| *name == target.plan.name)
                    .map(|(_, tasks)| *tasks)
                    .unwrap_or_default(),
            })
        })
        .collect::<Result<_, Failure>>()?;
    let newest_change = moment(memory.state.source()?.last.and_then(|last| last.newest_change));
    let spent = |budget: &BudgetSettings, day| memory.state.tasks(&period(Some(budget.period), day));
    let budgets = budgets(settings, session.today, spent)?;
    let general = budgets.iter().find(|_| settings.budget.is_some());
    let used = general.map_or_else(|| tasks.iter().map(|(_, tasks)| tasks).sum(), Budget::used);
    let own: Vec<OwnBudget> = (budgets.iter().skip(usize::from(settings.budget.is_some())))
        .map(|budget| OwnBudget {
            key: budget.key().to_owned(),
            period: period(Some(budget.settings().period), session.today),
            used: budget.used(),
            limit: budget.settings().tasks,
        })
        .collect();
    let limit = settings.budget.as_ref().map(|budget| budget.tasks);
    let tasks = Tasks { period: current, used, limit };
    let document = StatusDocument {
        problems: &problems,
        tasks,
        newest_change,
        budgets: own,
        targets: lines,
        todos: open(""),
        failing: failing(""),
    };
    let page = match arguments.html {
        Some(_) => html(&overview(process, &session, &memory, document.tiles(), document.remarks())?),
        None => String::new(),
    };
    let shown = Shown::default().rows(table(&document.targets)).words(document.in_words());
    process.answer(&Answer::new("status", document, shown).exit_code(reasons.code()));
    process.say_problems(&problems);
    if let Some(path) = &arguments.html {
        process.write_file(path, page.as_bytes())?;
    }
    Ok(reasons)
}

impl Line {
    fn next_due_in_words(&self) -> String {
        match (self.next_due, self.is_due, self.paused) {
            (None, ..) => "each run".to_owned(),
            (Some(_), true, true) => "once resumed".to_owned(),
            (Some(_), true, false) => "now".to_owned(),
            (Some(next), false, _) => next.to_string(),
        }
    }
}

impl StatusDocument<'_> {
    /// What stands below the table.
    fn in_words(&self) -> String {
        let Tasks { period, used, limit } = &self.tasks;
        let of = limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
        let mut text: String = self.targets.iter().filter_map(without_a_run).collect();
        let failing = self.targets.iter().map(|line| (&*line.name, &line.failing));
        text.extend(failing.chain([("the run as a whole", &self.failing)]).filter_map(still_failing));
        let todos = self.todos + self.targets.iter().map(|line| line.todos).sum::<usize>();
        if todos > 0 {
            let need = count(todos, "thing needs", "things need");
            text.push_str(&format!("\n{need} a hand: `personio-sync todo` lists them\n"));
        }
        for line in self.targets.iter().filter(|line| !line.paused_workflows.is_empty()) {
            text.push_str(&format!("\nPaused workflows of {}: {}\n", line.name, line.paused_workflows.join(", ")));
        }
        text.push_str(&format!("\nTasks used in {period}: {used}{of}\n"));
        if let Some(newest) = self.newest_change {
            text.push_str(&format!("Newest change seen in Personio: {newest}\n"));
        }
        for OwnBudget { key, period, used, limit } in &self.budgets {
            text.push_str(&format!("Tasks used in {period}: {used} of {limit} ({key})\n"));
        }
        text
    }
}

impl StatusDocument<'_> {
    fn tiles(&self) -> Vec<Tile> {
        let tile = |line: &Line| Tile {
            name: line.name.clone(),
            kind: line.kind,
            paused: line.paused,
            last_run: line.last_run,
            unread: line.unread.clone(),
            last_success: line.last_success,
            next_due: line.next_due_in_words(),
            failed: line.failed,
            held: line.held,
            in_sync: line.in_sync,
            not_in_line: line.not_in_line,
            todos: line.todos as u64,
            tasks: line.tasks,
        };
        self.targets.iter().map(tile).collect()
    }

    /// What stands below the table, a line each.
    fn remarks(&self) -> Vec<String> {
        self.in_words().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

/// Since when something fails, in words.
fn still_failing((name, failing): (&str, &Vec<FailingOut>)) -> Option<String> {
    let first = failing.iter().min_by_key(|one| one.tries.first_seen.naive())?;
    let fail = count(failing.len(), "failure", "failures");
    Some(format!("\n{name}: {fail}; the oldest, {}, {}\n", first.code, first.tries.in_words()))
}

fn paused_workflows(target: &TargetSettings) -> Vec<String> {
    let paused = target.plan.workflows.iter().filter(|workflow| workflow.active && workflow.paused);
    paused.map(|workflow| workflow.name.to_string()).collect()
}

/// Slots of `every` that had no run, in words.
fn without_a_run(line: &Line) -> Option<String> {
    let slots = &line.missed_slots;
    let (first, last) = (slots.first()?, slots.last()?);
    let which = if slots.len() > 5 {
        format!("from {first} until {last}")
    } else {
        slots.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    Some(format!("\n{} had no run in {}: {which}\n", line.name, count(slots.len(), "slot", "slots")))
}

fn table(lines: &[Line]) -> Listing {
    let mut table = Listing::new([
        "Target",
        "Type",
        "Last run",
        "Last success",
        "Next due",
        "Succeeded",
        "Failed",
        "Held",
        "In sync",
        "Not in line",
        "To do",
        "Tasks",
    ]);
    for line in lines {
        let paused = if line.paused { " (paused)" } else { "" };
        let unread = line.unread.as_ref().map_or_else(String::new, |why| format!(" (not read: {why})"));
        // What was known before says little of a target that nobody can read.
        let known = |number: u64| line.unread.as_ref().map_or_else(|| number.to_string(), |_| "?".to_owned());
        let or_never =
            |moment: Option<LocalTime>| moment.map_or_else(|| "never".to_owned(), |moment| moment.to_string());
        table.row([
            format!("{}{paused}{unread}", line.name),
            line.kind.to_owned(),
            or_never(line.last_run),
            or_never(line.last_success),
            line.next_due_in_words(),
            known(line.succeeded),
            known(line.failed),
            known(line.held),
            known(line.in_sync),
            known(line.not_in_line),
            line.todos.to_string(),
            line.tasks.to_string(),
        ]);
    }
    table
}
