//! The overview as one page: each target at a glance, what needs somebody, how it went over time, and the runs with what
//! became of each employee. Made from what `status`, `runs`, `jobs`, `held` and `todo` answer.

mod chart;

use minijinja::context;
use minijinja::value::Value;

use super::page::page;
use super::report::{LOG, RunReport, job_rows};
use crate::words::count;
use crate::zone::LocalTime;

/// Everything on the page.
#[derive(Clone, Debug)]
pub(crate) struct Overview {
    pub(crate) made: LocalTime,
    pub(crate) targets: Vec<Tile>,
    /// What `status` says below its table, a line each.
    pub(crate) remarks: Vec<String>,
    /// What needs somebody, in the order in which it is shown.
    pub(crate) open: Open,
    pub(crate) days: Vec<Period>,
    pub(crate) months: Vec<Period>,
    /// Of the days that are shown.
    pub(crate) by_target: Vec<Total>,
    pub(crate) by_workflow: Vec<Total>,
    /// The newest first, each with those of its jobs that the page has room for.
    pub(crate) runs: Vec<RunReport>,
    /// How many runs of those days are not among them.
    pub(crate) other_runs: u64,
}

/// A target at a glance, as `status` has it.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) paused: bool,
    pub(crate) last_run: Option<LocalTime>,
    pub(crate) last_success: Option<LocalTime>,
    /// A moment, or `now`.
    pub(crate) next_due: String,
    pub(crate) failed: u64,
    pub(crate) held: u64,
    /// The code of why the last run could read nothing of it.
    pub(crate) unread: Option<String>,
    pub(crate) in_sync: u64,
    /// How many the last run left out of line.
    pub(crate) not_in_line: u64,
    pub(crate) todos: u64,
    pub(crate) tasks: u64,
}

/// What needs somebody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Open {
    pub(crate) failures: usize,
    pub(crate) todos: usize,
    pub(crate) held: usize,
    /// Entries for which the page has no room.
    pub(crate) left_out: usize,
    /// Failures before what is held before to-dos; those that are alike are one.
    pub(crate) entries: Vec<OpenEntry>,
}

#[derive(Clone, Debug)]
pub(crate) struct OpenEntry {
    pub(crate) kind: OpenKind,
    /// What commands call it by.
    pub(crate) id: String,
    pub(crate) target: String,
    /// With the name, where the state may keep names.
    pub(crate) employee: String,
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) advice: String,
    /// The day it was first seen.
    pub(crate) since: Option<LocalTime>,
    pub(crate) age_days: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenKind {
    Failed,
    Todo,
    Held,
}

impl OpenKind {
    fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Todo => "to do",
            Self::Held => "held",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            other => other.word(),
        }
    }
}

/// How many jobs ended how, and the calls they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) failed: u64,
    pub(crate) held: u64,
    pub(crate) succeeded: u64,
    pub(crate) tasks: u64,
}

/// A day or a month.
#[derive(Clone, Debug, Default)]
pub(crate) struct Period {
    pub(crate) label: String,
    pub(crate) counts: Counts,
}

/// What came of a target, or of a step of a workflow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Total {
    pub(crate) name: String,
    pub(crate) detail: String,
    pub(crate) counts: Counts,
}

/// The page: one file that asks nobody for anything.
pub(crate) fn html(overview: &Overview) -> String {
    let Overview { made, targets, remarks, open, days, months, by_target, by_workflow, runs, other_runs } = overview;
    let values = context! {
        title => "personio-sync overview",
        headline => headline(targets, open),
        made => made.to_string(),
        tiles => targets.iter().map(tile).collect::<Vec<_>>(),
        remarks,
        target_names => targets.iter().map(|target| target.name.clone()).collect::<Vec<_>>(),
        open => open.entries.iter().map(open_row).collect::<Vec<_>>(),
        more_open => more_open(open),
        charts => [
            chart::over_time("By day", days, 7),
            chart::over_time("By month", months, 3),
        ],
        days => days.len(),
        by_target => chart::totals(by_target),
        by_workflow => chart::totals(by_workflow),
        runs => runs.iter().map(run).collect::<Vec<_>>(),
        other_runs => other_runs,
        log_title => LOG,
    };
    page(include_str!("page.html"), values)
}

fn headline(targets: &[Tile], open: &Open) -> String {
    let of_target = |target: &Tile| if target.paused { 0 } else { target.not_in_line };
    let not_in_line = targets.iter().map(of_target).sum::<u64>();
    let not_in_line = usize::try_from(not_in_line).unwrap_or(usize::MAX);
    let parts = [
        (open.failures, count(open.failures, "failure", "failures")),
        (not_in_line, format!("{not_in_line} not in line")),
        (open.held, count(open.held, "held change", "held changes")),
        (open.todos, count(open.todos, "thing to do", "things to do")),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words).collect();
    if !parts.is_empty() {
        return format!("{}.", parts.join(", "));
    }
    match targets.iter().all(|target| matches!(target.state(), State::InLine | State::Paused)) {
        true => "Nothing needs a hand.".to_owned(),
        false => "Not every target is in line.".to_owned(),
    }
}

/// How a target stands, from the numbers of its last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Paused,
    NoRunYet,
    /// The last run could read nothing of it.
    NotRead,
    NotInLine,
    /// The last run could not read it, or did not come to its end.
    NotWorkedThrough,
    InLine,
}

impl Tile {
    fn state(&self) -> State {
        let naive = |moment: Option<LocalTime>| moment.map(LocalTime::naive);
        match (self.paused, naive(self.last_run)) {
            (true, _) => State::Paused,
            (false, None) => State::NoRunYet,
            _ if self.unread.is_some() => State::NotRead,
            _ if self.not_in_line > 0 => State::NotInLine,
            (false, last_run) if naive(self.last_success) < last_run => State::NotWorkedThrough,
            _ => State::InLine,
        }
    }
}

fn tile(line: &Tile) -> Value {
    let (class, state) = match line.state() {
        State::Paused => ("off", "paused".to_owned()),
        State::NoRunYet => ("off", "no run yet".to_owned()),
        State::NotRead => ("failed", format!("not read: {}", line.unread.as_deref().unwrap_or_default())),
        State::NotInLine => ("failed", format!("{} not in line", line.not_in_line)),
        State::NotWorkedThrough => ("failed", "not worked through by its last run".to_owned()),
        State::InLine => ("succeeded", "everybody in line".to_owned()),
    };
    let moment = |moment: Option<LocalTime>, else_: &str| moment.map_or_else(|| else_.into(), |at| at.to_string());
    context! {
        name => &line.name,
        kind => line.kind,
        class => if class == "succeeded" && line.held > 0 { "held" } else { class },
        state,
        numbers => [("in sync", line.in_sync), ("failed", line.failed), ("held", line.held), ("to do", line.todos)],
        times => [
            ("Last run", moment(line.last_run, "never")),
            ("Last success", moment(line.last_success, "never")),
            ("Next due", line.next_due.clone()),
            ("Tasks", line.tasks.to_string()),
        ],
    }
}

fn open_row(entry: &OpenEntry) -> Value {
    let OpenEntry { kind, id, target, employee, what, why, advice, since, age_days } = entry;
    let age = match age_days {
        ..=0 => "today".to_owned(),
        days => count(usize::try_from(*days).unwrap_or(usize::MAX), "day", "days"),
    };
    let since = since.map(|since| since.day().to_string()).unwrap_or_default();
    context! { outcome => kind.word(), class => kind.class(), id, target, employee, what, why, advice, since, age }
}

/// What stands below the list where it is not whole.
fn more_open(open: &Open) -> String {
    match open.left_out {
        0 => String::new(),
        more => {
            format!("and {} more: personio-sync jobs --failed, todo and held have all", count(more, "entry", "entries"))
        }
    }
}

fn run(run: &RunReport) -> Value {
    let jobs: u64 = run.targets.iter().map(|target| target.jobs()).sum();
    let left_out = usize::try_from(jobs).unwrap_or(usize::MAX).saturating_sub(run.rows.len());
    let targets: Vec<Value> = (run.targets.iter())
        .map(|target| {
            let counts = target.by_outcome().into_iter().filter(|(_, _, number)| *number > 0);
            let counts: Vec<Value> = counts.map(|(word, class, number)| context! { word, class, number }).collect();
            context! { name => &target.name, ok => target.ok, in_sync => target.in_sync, tasks => target.tasks, counts }
        })
        .collect();
    context! {
        number => &run.run,
        started => run.started.to_string(),
        by => run.by.as_deref().unwrap_or_default(),
        status => run.exit_code.map_or_else(|| "unfinished".to_owned(), |code| code.to_string()),
        is_well => run.exit_code == Some(0),
        command => &run.command,
        targets,
        jobs,
        left_out,
        rows => job_rows(&run.rows),
    }
}
