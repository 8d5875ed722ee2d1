//! `todo`: what needs a hand, and what fails since when.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::output::grouped::alike;
use crate::output::listing::Listing;
use crate::output::mask::Mask;
use crate::output::{Answer, Shown};
use crate::state::{Todo, Who};
use crate::sync::{Memory, Todos};
use crate::words::{count, in_few, in_short};
use crate::zone::LocalTime;

use super::session::Session;
use super::who::this_process;
use super::{Failure, Process, Reason, Reasons, SandboxChoice};

/// List what needs a hand, as the last sync of each target saw it, and what fails since when
///
/// An entry goes by itself when a run of everybody sees that it no longer holds. `todo done` takes it out before that; it
/// comes back, with a new number, when the matter changes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<TodoCommand>,
    /// Only of this target
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// Also what somebody said is done and still holds
    #[arg(long)]
    done: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Debug, Subcommand)]
enum TodoCommand {
    /// Say that something is done
    Done {
        /// The numbers that `todo` shows
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        sandbox: SandboxChoice,
    },
}

#[derive(Serialize)]
struct TodoDocument {
    todos: Vec<TodoOut>,
    failing: Vec<FailingOut>,
}

/// Something that needs a hand.
#[derive(Clone, Serialize)]
pub(super) struct TodoOut {
    pub(super) id: i64,
    /// `null` where it is about a run as a whole.
    pub(super) target: Option<String>,
    /// `null` where it is about a target.
    pub(super) employee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    pub(super) code: String,
    what: String,
    remedy: Option<&'static str>,
    first_seen: LocalTime,
    last_seen: LocalTime,
    age_days: i64,
    done: Option<DoneOut>,
}

#[derive(Clone, Serialize)]
struct DoneOut {
    by: Who,
    at: LocalTime,
}

/// Something that is tried again in each run.
#[derive(Clone, Serialize)]
pub(super) struct FailingOut {
    target: Option<String>,
    employee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    pub(super) code: String,
    remedy: Option<&'static str>,
    #[serde(flatten)]
    pub(super) tries: Tries,
}

/// Since when something fails, when it was last tried, and in how many runs.
#[derive(Clone, Serialize)]
pub(super) struct Tries {
    pub(super) first_seen: LocalTime,
    last_tried: LocalTime,
    times: u64,
}

impl Tries {
    pub(super) fn new(session: &Session, todo: &Todo) -> Self {
        Self {
            first_seen: session.local(todo.first_seen),
            last_tried: session.local(todo.last_seen),
            times: todo.times,
        }
    }

    /// `3 times since 2026-11-20, last tried 2026-11-22`
    pub(super) fn in_words(&self) -> String {
        let times = count(usize::try_from(self.times).unwrap_or(usize::MAX), "time", "times");
        format!("{times} since {}, last tried {}", self.first_seen.day(), self.last_tried.day())
    }
}

impl FailingOut {
    pub(super) fn new(session: &Session, todo: &Todo) -> Self {
        Self {
            target: named(&todo.fact.target),
            employee: named(&todo.fact.subject),
            name: todo.name.as_ref().map(ToString::to_string),
            code: todo.fact.code.to_string(),
            remedy: todo.remedy(),
            tries: Tries::new(session, todo),
        }
    }
}

impl TodoOut {
    pub(super) fn new(session: &Session, todo: &Todo) -> Self {
        let first_seen = session.local(todo.first_seen);
        Self {
            id: todo.number,
            target: named(&todo.fact.target),
            employee: named(&todo.fact.subject),
            name: todo.name.as_ref().map(ToString::to_string),
            code: todo.fact.code.to_string(),
            what: todo.what().to_owned(),
            remedy: todo.remedy(),
            first_seen,
            last_seen: session.local(todo.last_seen),
            age_days: age_days(first_seen.day(), session.today),
            done: todo.done.as_ref().map(|(at, by)| DoneOut { by: by.clone(), at: session.local(*at) }),
        }
    }

    /// `3: desk, employee 1001: the request was made for … (hire_date_moved, 2 days)`
    pub(super) fn in_words(&self) -> String {
        let whom = self.employee.as_ref().map(|employee| format!("employee {employee}"));
        let about = [self.target.clone(), whom].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let colon = if about.is_empty() { "" } else { ": " };
        format!("{}: {about}{colon}{} ({}, {})", self.id, self.what, self.code, self.age())
    }

    fn age(&self) -> String {
        match self.age_days {
            ..=0 => "today".to_owned(),
            days => count(usize::try_from(days).unwrap_or(usize::MAX), "day", "days"),
        }
    }
}

fn named(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn age_days(since: NaiveDate, today: NaiveDate) -> i64 {
    (today - since).num_days().max(0)
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    match &arguments.command {
        Some(TodoCommand::Done { ids, sandbox }) => done(process, ids, sandbox),
        None => list(process, arguments),
    }
}

fn list(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    session.known_target(&memory, arguments.target.as_deref())?;
    let mut all = memory.todos(&session.settings)?;
    if let Some(target) = &arguments.target {
        all.keep_target(target);
    }
    let done: &[Todo] = if arguments.done { &all.done } else { &[] };
    let todos = all.open.iter().chain(done).map(|todo| TodoOut::new(&session, todo)).collect();
    let failing = all.failing.iter().map(|todo| FailingOut::new(&session, todo)).collect();
    let document = TodoDocument { todos, failing };
    let shown = document.shown(process.table_style().all, process.mask());
    process.answer(&Answer::new("todo", document, shown));
    Ok(Reasons::default())
}

impl TodoDocument {
    fn shown(&self, all: bool, mask: &Mask) -> Shown {
        let todos = || todo_table(&self.todos, all, mask);
        let failing =
            || Shown::default().words("Fails, and is tried again in each run:\n\n").rows(self.failing_table(all, mask));
        match (self.failing.is_empty(), self.todos.is_empty()) {
            (true, true) => Shown::default().words("Nothing needs a hand, as far as the last runs have seen.\n"),
            (true, false) => Shown::default().rows(todos()),
            (false, true) => failing(),
            (false, false) => failing().words("\nNeeds a hand:\n\n").rows(todos()),
        }
    }

    fn failing_table(&self, all: bool, mask: &Mask) -> Listing {
        let mut table = Listing::new(["Target", "Employee", "Code", "First seen", "Last tried", "Times", "What to do"]);
        let said = |one: &FailingOut| {
            let Tries { first_seen, last_tried, times } = &one.tries;
            let itself = if all { one.employee.clone() } else { None };
            (itself, one.target.clone(), one.code.clone(), (first_seen.to_string(), last_tried.to_string(), *times))
        };
        for alike in alike(&self.failing, said) {
            let one = alike[0];
            table.row([
                one.target.clone().unwrap_or_default(),
                whom_of(&alike, |one| (one.employee.as_deref(), one.name.as_deref()), mask),
                one.code.clone(),
                one.tries.first_seen.to_string(),
                one.tries.last_tried.to_string(),
                one.tries.times.to_string(),
                one.remedy.unwrap_or_default().to_owned(),
            ]);
        }
        table
    }
}

fn todo_table(todos: &[TodoOut], all: bool, mask: &Mask) -> Listing {
    let mut table = Listing::new(["Id", "Target", "Employee", "Age", "What", "What to do"]);
    let age = |todo: &TodoOut| match &todo.done {
        Some(done) => format!("done {} by {}", done.at.day(), done.by),
        None => todo.age(),
    };
    let said = |todo: &TodoOut| {
        let itself = all.then_some(todo.id);
        (itself, todo.target.clone(), todo.code.clone(), todo.what.clone(), age(todo))
    };
    for alike in alike(todos, said) {
        let todo = alike[0];
        let ids: Vec<String> = alike.iter().map(|todo| todo.id.to_string()).collect();
        table.row([
            in_few(&ids),
            todo.target.clone().unwrap_or_default(),
            whom_of(&alike, |todo| (todo.employee.as_deref(), todo.name.as_deref()), mask),
            age(todo),
            format!("{}: {}", todo.code, todo.what),
            todo.remedy.unwrap_or_default().to_owned(),
        ]);
    }
    table
}

/// One person with their name, where it may be shown; of several the ids.
fn whom_of<'t, T>(alike: &[&'t T], who: impl Fn(&'t T) -> (Option<&'t str>, Option<&'t str>), mask: &Mask) -> String {
    if let [one] = alike {
        let (employee, name) = who(one);
        let name = name.map(|name| mask.text(name));
        return [employee, name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    }
    let employees: Vec<String> = alike.iter().filter_map(|one| who(one).0.map(str::to_owned)).collect();
    in_short(&employees)
}

fn done(process: &Process, ids: &[String], sandbox: &SandboxChoice) -> Result<Reasons, Failure> {
    let session = process.open_history(sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let todos = memory.todos(&session.settings)?;
    let numbers = open_numbers(ids, &todos).map_err(|why| Failure::new(Reason::Usage, why))?;
    memory.state.mark_done(&numbers, process.now, &this_process())?;
    let now = memory.todos(&session.settings)?.done;
    let marked = now.iter().filter(|todo| numbers.contains(&todo.number));
    let marked: Vec<TodoOut> = marked.map(|todo| TodoOut::new(&session, todo)).collect();
    let lines: String = marked.iter().map(|todo| format!("done: {}\n", todo.in_words())).collect();
    let shown = Shown::default().notes(lines).remark("it comes back, with a new number, when the matter changes");
    process.answer(&Answer::new("todo", TodoDocument { todos: marked, failing: Vec::new() }, shown));
    Ok(Reasons::default())
}

/// The numbers of what is open, or all that is wrong with them.
fn open_numbers(ids: &[String], todos: &Todos) -> Result<Vec<i64>, String> {
    let (mut numbers, mut wrong) = (Vec::new(), Vec::new());
    for id in ids {
        match open_number(id, todos) {
            Ok(number) => numbers.push(number),
            Err(why) => wrong.push(why),
        }
    }
    match (wrong.is_empty(), numbers.is_empty()) {
        (true, _) => Ok(numbers),
        (false, true) => Err(wrong.join("\n")),
        (false, false) => Err(format!("{}\nnothing was marked as done", wrong.join("\n"))),
    }
}

fn open_number(id: &str, todos: &Todos) -> Result<i64, String> {
    let number: i64 = id
        .trim()
        .trim_start_matches('#')
        .parse()
        .map_err(|_| format!("`{id}` is no number; write the one that `personio-sync todo` shows"))?;
    let has = |list: &[Todo]| list.iter().any(|todo| todo.number == number);
    match () {
        () if has(&todos.open) => Ok(number),
        () if has(&todos.done) => Err(format!("{number} is done already; `personio-sync todo --done` shows it")),
        () => Err(format!("nothing that needs a hand has the number {number}; `personio-sync todo` lists what has")),
    }
}

/// So many are named after a sync; of more, the rest is counted.
const NAMED_AFTER_A_SYNC: usize = 5;

/// Says what needs a hand after a sync of these targets. A run for changes alone speaks of what is new.
pub(super) fn say(process: &Process, session: &Session, memory: &Memory, targets: &[&str], only_new: bool) {
    let todos = match memory.todos(&session.settings) {
        Ok(todos) => todos.open,
        Err(error) => return process.say(&format!("warning: what needs a hand cannot be read: {error}")),
    };
    let concerns = |todo: &&Todo| {
        (todo.fact.target.is_empty() || targets.contains(&&*todo.fact.target))
            && (!only_new || todo.first_seen == memory.now())
    };
    let todos: Vec<TodoOut> = todos.iter().filter(concerns).map(|todo| TodoOut::new(session, todo)).collect();
    if todos.is_empty() {
        return;
    }
    process.say(&format!("{} a hand:", count(todos.len(), "thing needs", "things need")));
    for todo in todos.iter().take(NAMED_AFTER_A_SYNC) {
        process.say(&format!("  {}", todo.in_words()));
    }
    match todos.len().saturating_sub(NAMED_AFTER_A_SYNC) {
        0 => process.say("`personio-sync todo done ID` says that one is done"),
        more => process.say(&format!("and {more} more: `personio-sync todo` lists them all")),
    }
}
