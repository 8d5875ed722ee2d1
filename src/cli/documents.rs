//! `documents upload`: payslips and the like, from a folder to the employees they belong to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::code::Code;
use crate::config::Settings;
use crate::documents::{Directory, FolderFile, Index, Key, Pattern, Rules, TitleTemplate, assign};
use crate::employee::Attributes;
use crate::exit::Problem;
use crate::output::listing::Listing;
use crate::output::{Answer, Bars, Shown};
use crate::personio::{DocumentCategory, FILE_TYPES, LARGEST_FILE};
use crate::progress::{ReadProgress as _, RunProgress as _};
use crate::rules::Variable;
use crate::sync::Memory;
use crate::sync::uploads::{Common, Row, Status, UploadKeys, carry_out, find_category, lock_name, plan, settle};
use crate::words::count;

use super::signals::{Signals, approve};
use super::{Failure, Process, Reason, Reasons, SandboxChoice};

#[derive(Debug, Subcommand)]
pub(super) enum Documents {
    Upload(UploadArguments),
}

/// Upload the files of a folder, each to the one employee it belongs to
///
/// Shows a plan first and asks. What was uploaded once is not uploaded again, also after a run that broke off.
#[derive(Debug, Args)]
pub(super) struct UploadArguments {
    /// The folder; folders in it are not looked into
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The category in Personio, by its name
    #[arg(long)]
    category: String,
    /// How files are named: "{employee_id}_{period}.pdf"; also {email}, any attribute or alias, and {any}
    #[arg(long, value_name = "PATTERN", required_unless_present = "index", conflicts_with = "index")]
    name: Option<String>,
    /// A CSV file with the columns file and employee_id or email, instead of --name
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// What documents are called in Personio, of {file}, {stem}, {period} and {category}
    #[arg(long, value_name = "TEMPLATE", default_value = "{file}")]
    title: String,
    /// A comment for every document
    #[arg(long)]
    comment: Option<String>,
    /// The day the documents are about
    #[arg(long)]
    date: Option<NaiveDate>,
    /// Send this file although an earlier run may have stored it; only for files reported as unknown
    #[arg(long, value_name = "FILE")]
    again: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Show the plan and upload nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

pub(super) fn upload(process: &Process, arguments: &UploadArguments) -> Result<Reasons, Failure> {
    let (sandbox, _) = arguments.sandbox.split(&[]);
    let session = process.open(&sandbox, &[])?;
    let usage = |message: String| Failure::new(Reason::Usage, message);
    let title = TitleTemplate::new(&arguments.title).map_err(|error| usage(format!("--title: {error}")))?;
    let pattern = arguments
        .name
        .as_ref()
        .map(|text| Pattern::new(text, |name| resolve(&session.settings, name)))
        .transpose()
        .map_err(|error| usage(format!("--name: {error}")))?;
    let index = arguments.index.as_deref().map(read_index).transpose()?;
    let (rules, keys) = match (&pattern, &index) {
        (Some(pattern), _) => (Rules::Names(pattern), pattern.keys()),
        (None, Some(index)) => (Rules::Index(index), vec![&index.key]),
        (None, None) => return Err(usage("--name or --index is needed".into())),
    };
    let files = read_folder(process, &arguments.folder, arguments.index.as_deref())?;
    let unknown = arguments.again.iter().find(|name| !files.iter().any(|file| file.name == **name));
    if let Some(name) = unknown {
        return Err(usage(format!("--again: there is no file `{name}` in the folder")));
    }
    let signals = Signals::listen()?;
    let memory = if arguments.dry_run {
        Memory::for_reading(&session.settings, process.caller())?
    } else {
        Memory::open(&session.settings, process.caller())?
    };
    let mut pause = |wait: Duration| {
        std::thread::sleep(wait);
        !signals.stopped()
    };
    let mut locks = match arguments.dry_run {
        true => Vec::new(),
        false => {
            memory.lock_identities(&[lock_name(&session.settings.personio.base_url)], Duration::ZERO, &mut pause)?
        }
    };
    let documents = session.documents()?;
    let category = find_category(documents.categories()?, &arguments.category)?;
    let bars = Bars::new(process.terminal);
    let attributes = Attributes::new(keys.iter().filter_map(|key| match key {
        Key::EmployeeId => None,
        Key::Attribute(attribute) => Some(attribute.clone()),
    }));
    let read = session.source()?.employees(&attributes, &*bars.reading("Personio"))?;
    let directory = Directory::new(&read.employees, &keys);
    for key in &keys {
        if !directory.knows(key) {
            let message = format!(
                "nobody in Personio shows a value of `{key}`; tick it under \"Readable employee attributes\" of the \
                 credential if there are any"
            );
            return Err(Failure::new(Reason::Refused, message));
        }
    }
    if let Some(why) = read.employees.why_incomplete().filter(|_| keys.iter().any(|key| **key != Key::EmployeeId)) {
        let message = format!("Personio's answer is not proven complete, so nobody is told apart for certain: {why}");
        return Err(Failure::new(Reason::SourceUnproven, message));
    }
    let common = Common {
        folder: &arguments.folder,
        category: &category,
        title: &title,
        comment: arguments.comment.clone(),
        date: arguments.date,
        state: &memory.state,
        now: process.now,
    };
    let mut rows = plan(&common, assign(&files, rules, &directory, FILE_TYPES, LARGEST_FILE));
    let list = |employee, category| documents.of_employee(employee, category);
    settle(&common, &mut rows, &arguments.again, !arguments.dry_run, &list)?;
    if !arguments.dry_run {
        let attributes = keys.iter().filter_map(|key| match key {
            Key::EmployeeId => None,
            Key::Attribute(attribute) => Some(attribute.to_string()),
        });
        UploadKeys::remember(&memory.state, &category.name, attributes.collect(), process.now)?;
    }
    let pending = rows.iter().filter(|row| row.status == Status::Upload).count();
    let mut reasons = Reasons::default();
    let mut problems = Vec::new();
    if !arguments.dry_run && pending > 0 {
        if !arguments.yes {
            process.preview(&shown(&category, &rows));
            let question = format!("Upload {}?", count(pending, "file", "files"));
            let refusal = format!("{} not uploaded", count(pending, "file is", "files are"));
            approve(process, &signals, &question, &refusal)?;
        }
        let bar = bars.writing("documents", pending);
        let mut go_on = || {
            for lock in &mut locks {
                lock.check()?;
            }
            Ok(!signals.stopped())
        };
        let (why, error) = carry_out(&common, &*documents, &mut rows, &*bar, &mut go_on);
        reasons = why;
        problems.extend(error.map(|error| Problem::new(Code::StateUnwritable, error.to_string())));
    }
    drop(bars);
    let not_well = rows.iter().filter(|row| !row.status.is_well()).count();
    if not_well > 0 {
        reasons.add(Reason::SomeFailed);
        let message = format!("{} not uploaded", count(not_well, "file is", "files are"));
        problems.push(Problem::new(Reason::SomeFailed.word(), message));
    }
    if let Some(reason) = signals.reason() {
        reasons.add(reason);
        problems.push(Problem::new(reason.word(), "stopped by a signal; run it again to continue"));
    }
    let report = Report {
        dry_run: arguments.dry_run,
        category: Category { id: category.id, name: &category.name },
        files: &rows,
        problems: &problems,
    };
    process.answer(&Answer::new("documents", report, shown(&category, &rows)).exit_code(reasons.code()));
    process.say_problems(&problems);
    if session.sandbox.is_some() {
        process.say("This was the sandbox: nothing real was contacted.");
    }
    Ok(reasons)
}

#[derive(Serialize)]
struct Report<'a> {
    dry_run: bool,
    category: Category<'a>,
    files: &'a [Row],
    problems: &'a [Problem],
}

#[derive(Serialize)]
struct Category<'a> {
    id: u64,
    name: &'a str,
}

/// What a name in a pattern stands for.
fn resolve(settings: &Settings, name: &str) -> Result<Key, String> {
    match settings.vocabulary.resolve(name).map_err(|error| error.to_string())? {
        Variable::EmployeeId => Ok(Key::EmployeeId),
        Variable::Attribute(key) => Ok(Key::Attribute(key)),
        _ => Err(format!("`{name}` does not say whose a file is")),
    }
}

fn read_index(path: &Path) -> Result<Index, Failure> {
    let fail = |why: String| Failure::new(Reason::Usage, format!("--index {}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
    Index::read(&bytes).map_err(|error| fail(error.to_string()))
}

/// The files directly in a folder; hidden ones and the index itself are none.
fn read_folder(process: &Process, folder: &Path, index: Option<&Path>) -> Result<Vec<FolderFile>, Failure> {
    let fail =
        |error: std::io::Error| Failure::new(Reason::Usage, format!("{} cannot be read: {error}", folder.display()));
    let index = index.and_then(|path| path.canonicalize().ok());
    let (mut files, mut folders) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || (index.is_some() && entry.path().canonicalize().ok() == index) {
            continue;
        }
        match std::fs::metadata(entry.path()) {
            Ok(found) if found.is_dir() => folders += 1,
            Ok(found) => files.push(FolderFile { name, size: found.len() }),
            Err(error) => return Err(fail(error)),
        }
    }
    if folders > 0 {
        process.say(&format!("{} in it left alone", count(folders, "folder is", "folders are")));
    }
    Ok(files)
}

fn shown(category: &DocumentCategory, rows: &[Row]) -> Shown {
    let mut table = Listing::new(["File", "Employee", "Title", "Status", "Why"]).ruled();
    for row in rows {
        let employee = row.employee_id.map(|id| id.to_string()).unwrap_or_default();
        table.row([&*row.file, &employee, &row.title, row.status.words(), &row.detail]);
    }
    let all = [
        Status::Upload,
        Status::Uploaded,
        Status::AlreadyUploaded,
        Status::LeftOut,
        Status::Failed,
        Status::Unknown,
        Status::NotAttempted,
    ];
    let counts: Vec<String> = all
        .into_iter()
        .map(|status| (status, rows.iter().filter(|row| row.status == status).count()))
        .filter(|(_, number)| *number > 0)
        .map(|(status, number)| format!("{number} {}", status.words()))
        .collect();
    let counts = if counts.is_empty() { "no files".to_owned() } else { counts.join(", ") };
    Shown::default().rows(table).words(format!("\nCategory {}: {counts}.\n", category.name))
}
