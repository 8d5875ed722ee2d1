//! `upcoming`: who joins and who leaves in the coming days, and what will be done about it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use clap::Args;
use serde::Serialize;

use crate::config::TargetSettings;
use crate::employee::Employees;
use crate::output::calendar::{CalendarDay, calendar};
use crate::output::listing::Listing;
use crate::output::visible::short;
use crate::output::{Answer, Bars, Shown};
use crate::plan::{Act, Coming, ComingTarget, What, upcoming};
use crate::progress::ReadProgress as _;
use crate::sync::{Memory, workflow_memory};
use crate::targets::file::quote;
use crate::words::count;

use super::session::Session;
use super::{Failure, Process, Reason, Reasons, SandboxChoice, private_file};

/// List who joins and who leaves in the coming days, and which targets and workflows will act when
///
/// Personio and the state are read, and no target: whose account is there is told by the links of earlier runs. An
/// account is made, or taken out of use, by the first run from its day on.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How many days to look ahead, up to a year
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=366))]
    days: u64,
    /// Also write a table for spreadsheets, a line for each thing that will be done
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Also write a calendar file with an all-day entry for each first and last day
    #[arg(long, value_name = "FILE")]
    ics: Option<PathBuf>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Serialize)]
struct UpcomingDocument {
    from: String,
    until: String,
    people: Vec<PersonOut>,
}

#[derive(Serialize)]
struct PersonOut {
    day: String,
    employee: String,
    event: &'static str,
    acts: Vec<ActOut>,
}

#[derive(Serialize)]
struct ActOut {
    target: Box<str>,
    act: &'static str,
    workflow: Option<Box<str>>,
    on: Option<String>,
    unclear: Option<String>,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, targets) = arguments.sandbox.split(&arguments.targets);
    let mut session = process.open(&sandbox, &targets)?;
    session.rehearse();
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let bars = Bars::new(process.terminal);
    let people = session.source()?.employees(&session.settings.attributes, &*bars.reading("Personio"))?.employees;
    drop(bars);
    let until = session.today.checked_add_days(Days::new(arguments.days)).unwrap_or(NaiveDate::MAX);
    let selected = session.settings.targets.iter();
    let selected =
        selected.filter(|target| targets.is_empty() || targets.iter().any(|name| **name == *target.plan.name));
    let watched = selected.map(|target| watched(&memory, target)).collect::<Result<Vec<_>, Failure>>()?;
    let tables = Arc::new(session.settings.vocabulary.tables().clone());
    let coming = upcoming(&people, &tables, &watched, &(session.today..=until));

    let named = Named { process, people: &people };
    if let Some(path) = &arguments.csv {
        write(process, path, &named.csv(&coming)?)?;
    }
    if let Some(path) = &arguments.ics {
        write(process, path, calendar(coming.iter().map(|one| named.entry(one)), process.now).as_bytes())?;
    }
    let shown = named.shown(&session, &coming, until);
    let people = coming.into_iter().map(person_out).collect();
    let document = UpcomingDocument { from: session.today.to_string(), until: until.to_string(), people };
    process.answer(&Answer::new("upcoming", document, shown));
    Ok(Reasons::default())
}

/// A target, with what the state has of it.
fn watched<'t>(memory: &Memory, target: &'t TargetSettings) -> Result<ComingTarget<'t>, Failure> {
    let name = &*target.plan.name;
    let linked: BTreeSet<_> = memory.links(name)?.into_iter().map(|link| link.employee).collect();
    let mut workflows = BTreeMap::new();
    for workflow in &target.plan.workflows {
        workflows.insert(workflow.name.clone(), workflow_memory(&memory.state, name, &workflow.name)?);
    }
    Ok(ComingTarget { settings: &target.plan, linked, workflows })
}

fn write(process: &Process, path: &Path, content: &[u8]) -> Result<(), Failure> {
    private_file::replace(path, content)
        .map_err(|error| Failure::new(Reason::Usage, format!("{} cannot be written: {error}", path.display())))?;
    process.say(&format!("wrote {}", path.display()));
    Ok(())
}

fn person_out(Coming { day, employee, event, acts }: Coming) -> PersonOut {
    let act = |act: Act| ActOut {
        act: act.what.as_str(),
        target: act.target,
        workflow: match act.what {
            What::Workflow(name) => Some(name),
            _ => None,
        },
        on: act.on.map(|day| day.to_string()),
        unclear: act.unclear,
    };
    PersonOut {
        day: day.to_string(),
        employee: employee.to_string(),
        event: event.as_str(),
        acts: acts.into_iter().map(act).collect(),
    }
}

/// People, called as everywhere: by number, and by name where names are shown.
struct Named<'a> {
    process: &'a Process,
    people: &'a Employees,
}

impl Named<'_> {
    fn name(&self, coming: &Coming) -> Option<String> {
        let name = self.people.full_name(coming.employee)?;
        Some(self.process.mask().text(&name).into_owned())
    }

    fn person(&self, coming: &Coming) -> String {
        match self.name(coming) {
            Some(name) => format!("{} {}", coming.employee, short(&name)),
            None => coming.employee.to_string(),
        }
    }

    fn shown(&self, session: &Session, coming: &[Coming], until: NaiveDate) -> Shown {
        if coming.is_empty() {
            let words = format!("From {} until {until}, nobody joins and nobody leaves.\n", session.today);
            return Shown::default().words(words);
        }
        let mut rows = Listing::new(["Day", "Employee", "What", "Then"]);
        for one in coming {
            let acts: Vec<String> = one.acts.iter().map(in_words).collect();
            let acts = if acts.is_empty() { "nothing".to_owned() } else { acts.join("; ") };
            rows.row([one.day.to_string(), self.person(one), one.event.as_str().to_owned(), acts]);
        }
        let people = count(coming.len(), "first or last day", "first and last days");
        Shown::default().rows(rows).notes(format!("{people} from {} until {until}\n", session.today))
    }

    fn entry(&self, coming: &Coming) -> CalendarDay {
        let acts: Vec<String> = coming.acts.iter().map(in_words).collect();
        CalendarDay {
            uid: format!("{}-{}@personio-sync", coming.event.as_str(), coming.employee),
            day: coming.day,
            summary: format!("{} {}", self.person(coming), coming.event.as_str()),
            description: acts.join("\n"),
        }
    }

    fn csv(&self, coming: &[Coming]) -> Result<Vec<u8>, Failure> {
        let failed = |error: String| Failure::new(Reason::Internal, error);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = ["day", "event", "employee", "name", "target", "act", "workflow", "on"];
        writer.write_record(header).map_err(|error| failed(error.to_string()))?;
        for one in coming {
            let acts: Vec<Option<&Act>> =
                if one.acts.is_empty() { vec![None] } else { one.acts.iter().map(Some).collect() };
            for act in acts {
                let workflow = act.and_then(|act| match &act.what {
                    What::Workflow(name) => Some(&**name),
                    _ => None,
                });
                let on = act.and_then(|act| act.on).map(|day| day.to_string());
                let record = [
                    one.day.to_string(),
                    one.event.as_str().to_owned(),
                    one.employee.to_string(),
                    harmless(self.name(one).unwrap_or_default()),
                    act.map(|act| act.target.to_string()).unwrap_or_default(),
                    act.map(|act| act.what.as_str().to_owned()).unwrap_or_default(),
                    workflow.unwrap_or_default().to_owned(),
                    on.unwrap_or_default(),
                ];
                writer.write_record(record).map_err(|error| failed(error.to_string()))?;
            }
        }
        writer.into_inner().map_err(|error| failed(error.to_string()))
    }
}

/// A name that no spreadsheet takes for a formula.
fn harmless(name: String) -> String {
    quote(&name).map_or(name, Into::into)
}

/// `desk: new account, from 2026-12-01`
fn in_words(act: &Act) -> String {
    let target = &act.target;
    let when = match (&act.on, &act.unclear) {
        (Some(day), _) => format!("from {day}"),
        (None, why) => format!("cannot be told: {}", why.as_deref().unwrap_or_default()),
    };
    match &act.what {
        What::Create => format!("{target}: new account, {when}"),
        What::Linked => format!("{target}: has an account"),
        What::Deactivate => format!("{target}: out of use, {when}"),
        What::Keep => format!("{target}: account stays"),
        What::Workflow(name) => format!("{target}/{name}: {when}"),
    }
}
