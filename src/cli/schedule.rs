//! `schedule`: files for schedulers.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::config::{LoadOptions, Settings, StateLocation, load};
use crate::exit::Problem;
use crate::output::listing::Listing;
use crate::output::{Answer, Shown};
use crate::schedule::{File, Job, Pace, Scheduler, Slots, nights};
use crate::section::SecretMode;

use super::private_file;
use super::session::environment;
use super::{Failure, Process, Reason, Reasons};

/// Write ready files for a scheduler: what calls `sync --due` often enough, and the alarm beside it
///
/// They call at minutes of the hour, in UTC where the scheduler can, so that nothing depends on how it takes zones, steps
/// and the nights in which clocks change; the slots of `every` decide what is due. The alarm is `status --max-age`.
/// Nothing is contacted and no secret is read: the files have the names of what `{ env = "NAME" }` names. Their first
/// lines say how to install them.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The scheduler
    #[arg(value_name = "KIND")]
    scheduler: Scheduler,
    /// Write the files into this folder [default: to standard output]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Replace files that are there and differ; personio-sync.env, which you fill in, is always kept
    #[arg(long, requires = "out")]
    replace: bool,
    /// The program as the job calls it [default: this one; in an image: personio-sync]
    #[arg(long, value_name = "PROGRAM")]
    command: Option<String>,
    /// For cron and systemd: the user the job runs as
    #[arg(long, value_name = "USER", default_value = "personio-sync")]
    user: String,
    /// For github, gitlab and kubernetes: the image to run in, made from packaging/Dockerfile
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
}

#[derive(Serialize)]
struct ScheduleDocument {
    problems: Vec<Problem>,
    scheduler: &'static str,
    /// How often, in words.
    calls: String,
    max_age: String,
    notes: Vec<String>,
    files: Vec<FileOut>,
}

#[derive(Serialize)]
struct FileOut {
    name: String,
    text: String,
    /// `null` without a folder to write to.
    written: Option<&'static str>,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let usage = |message: String| Failure::new(Reason::Usage, message);
    let options = LoadOptions { secrets: SecretMode::Invent, ..LoadOptions::new(&environment) };
    let settings = load(&process.config_path(), &options)?;
    if settings.targets.is_empty() {
        return Err(usage("the file names no target, so there is nothing to call for".to_owned()));
    }
    let scheduler = arguments.scheduler;
    let job = job(&settings, arguments).map_err(usage)?;
    let files = job.files(scheduler).map_err(usage)?;
    let notes = notes(&settings, &job, scheduler, process);
    let written = match &arguments.out {
        Some(folder) => write(folder, &files, arguments.replace).map_err(usage)?.into_iter().map(Some).collect(),
        None => vec![None; files.len()],
    };
    let shown = notes.iter().fold(shown(&files, &written), |shown, note| shown.remark(format!("note: {note}")));
    let out = |(file, written): (File, Option<&'static str>)| FileOut { name: file.name, text: file.text, written };
    let document = ScheduleDocument {
        problems: Vec::new(),
        scheduler: scheduler.as_str(),
        calls: job.pace.words(),
        max_age: job.pace.max_age(),
        notes,
        files: files.into_iter().zip(written).map(out).collect(),
    };
    process.answer(&Answer::new("schedule", document, shown));
    Ok(Reasons::default())
}

fn job(settings: &Settings, arguments: &Arguments) -> Result<Job, String> {
    let text =
        |path: &Path| path.to_str().map(str::to_owned).ok_or_else(|| format!("{} is no path in UTF-8", path.display()));
    let name = settings.file.path.file_name().unwrap_or_default();
    let config = settings.file.folder.join(name);
    let here = std::env::current_dir().map_err(|error| format!("the working folder is not there: {error}"))?;
    let program = std::env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
    let state = match &settings.state.location {
        StateLocation::File(path) => Some(text(path)?),
        StateLocation::Server(_) => None,
    };
    let config_text = text(&config)?;
    Ok(Job {
        program: arguments.command.clone(),
        this_program: text(&program)?,
        folder: text(&settings.file.folder)?,
        in_repository: config.strip_prefix(&here).ok().map(text).transpose()?,
        user: arguments.user.clone(),
        image: arguments.image.clone(),
        state,
        variables: settings.secret_sources.variables.iter().cloned().collect(),
        pace: Pace::of(&slots(settings), &config_text),
        config: config_text,
    })
}

fn slots(settings: &Settings) -> Vec<Slots> {
    settings.targets.iter().map(|target| Slots { every: target.every, full: target.full }).collect()
}

/// What whoever installs the files should know.
fn notes(settings: &Settings, job: &Job, scheduler: Scheduler, process: &Process) -> Vec<String> {
    let mut notes = Vec::new();
    if job.pace.is_daily() {
        notes.push(
            "no target has `every`, so there is one call a day, and it runs all of them; add every = \"1h\" to a target \
             for more"
                .to_owned(),
        );
    }
    let github = job.pace.for_github();
    if scheduler == Scheduler::Github && slots(settings).iter().any(|slots| github.is_too_slow_for(slots)) {
        notes.push("GitHub starts a workflow every five minutes at most, so shorter slots have no run".to_owned());
    }
    if scheduler.checks_out() && job.state.is_some() {
        notes.push(
            "the state is a file, which is lost after each run: nobody is ever removed, and `status --max-age` always \
             alarms; use `state.url`"
                .to_owned(),
        );
    }
    notes.extend(unreadable_secrets(settings, scheduler));
    notes.extend(changed_clocks(settings, process));
    notes
}

/// Secrets that the job will not find where the file says they are.
fn unreadable_secrets(settings: &Settings, scheduler: Scheduler) -> Option<String> {
    let sources = &settings.secret_sources;
    let elsewhere: Vec<&str> = sources.files.iter().chain(&sources.programs).map(String::as_str).collect();
    match scheduler {
        _ if scheduler.runs_an_image() && !elsewhere.is_empty() => Some(format!(
            "secrets come from {}, which is not in the image; name them with {{ env = \"NAME\" }}",
            elsewhere.join(", ")
        )),
        Scheduler::Windows if !sources.variables.is_empty() => {
            let variables: Vec<&str> = sources.variables.iter().map(String::as_str).collect();
            Some(format!(
                "a task has the variables of the machine, which every user of it may read ({}); name a file with \
                 {{ file = \"PATH\" }} that only administrators and LocalService may read",
                variables.join(", ")
            ))
        }
        _ => None,
    }
}

/// The nights of the year ahead in which a slot begins at a time that is not there, or is there twice.
fn changed_clocks(settings: &Settings, process: &Process) -> Vec<String> {
    let zone = settings.timezone;
    let today = process.now.with_timezone(&zone).date_naive();
    let of_target = |target: &crate::config::TargetSettings| {
        let at = target.every.and_then(|every| every.at())?;
        let nights: Vec<String> = nights(at, zone, today).into_iter().map(|night| night.words()).collect();
        let name = &target.plan.name;
        (!nights.is_empty()).then(|| format!("{name}: {} in {zone}: {}", at.format("%H:%M"), nights.join("; ")))
    };
    settings.targets.iter().filter_map(of_target).collect()
}

fn shown(files: &[File], written: &[Option<&'static str>]) -> Shown {
    if written.iter().any(Option::is_some) {
        let mut listing = Listing::new(["File", "Outcome"]);
        for (file, written) in files.iter().zip(written) {
            listing.row([&*file.name, written.unwrap_or_default()]);
        }
        return Shown::default().rows(listing);
    }
    let headed = files.len() > 1;
    let plain = files.iter().map(|file| match headed {
        true => format!("==> {} <==\n{}", file.name, file.text),
        false => file.text.clone(),
    });
    let fenced = files.iter().map(|file| format!("`{}`\n\n```text\n{}```\n", file.name, file.text));
    let table = Shown::default().words(plain.collect::<Vec<_>>().join("\n"));
    Shown::default().either(table, fenced.collect::<Vec<_>>().join("\n"))
}

/// Writes all files, or none where one is there that somebody else may have written.
fn write(folder: &Path, files: &[File], replace: bool) -> Result<Vec<&'static str>, String> {
    let fates = files.iter().map(|file| fate(&folder.join(&file.name), file, replace));
    let fates = fates.collect::<Result<Vec<&'static str>, String>>()?;
    for (file, _) in files.iter().zip(&fates).filter(|(_, fate)| **fate != KEPT) {
        let path = folder.join(&file.name);
        put(&path, file).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    Ok(fates)
}

const KEPT: &str = "kept as it was";

/// What becomes of a file.
fn fate(path: &Path, file: &File, replace: bool) -> Result<&'static str, String> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok("written"),
        Err(error) => Err(format!("{} cannot be replaced: {error}", path.display())),
        Ok(there) if file.is_filled_in || there == file.text.as_bytes() => Ok(KEPT),
        Ok(_) if replace => Ok("replaced"),
        Ok(_) => Err(format!(
            "{} is there already and differs; nothing was written. Choose another folder, or add --replace",
            path.display()
        )),
    }
}

fn put(path: &Path, file: &File) -> std::io::Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    match file.is_filled_in {
        true => private_file::create(path, file.text.as_bytes()),
        false => std::fs::write(crate::destination::resolve(path)?, &file.text),
    }
}
