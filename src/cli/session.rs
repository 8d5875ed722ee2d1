//! What every command needs: the process around it, the settled file, and the source.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};

use crate::code::Code;
use crate::config::{LoadError, LoadOptions, MachineZones, Settings, StatePlace, find_config, load};
use crate::http::Redactor;
use crate::output::listing::Listing;
use crate::output::table::TableStyle;
use crate::output::visible::visible_lines;
use crate::output::{Document, Format, Kind, Problem, Terminal, json, markdown};
use crate::personio::{PersonioDocuments, PersonioSource, SourceError, SourceErrorKind};
use crate::plan::{Notice, TargetPlan};
use crate::progress::ReadProgress;
use crate::section::{Secret, SecretMode, Severity};
use crate::sync::{PrepareError, PrepareOptions, Prepared, all_skipped, is_of_the_source, prepare, unseen_leavers};
use crate::targets::ErrorKind;
use crate::words::count;
use crate::zone::Zones;

use super::memory::Memory;
use super::sandbox::RunningSandbox;
use super::{Global, Reason, Reasons, SandboxChoice};

/// The process around a command.
pub struct Process {
    pub global: Global,
    pub terminal: Terminal,
    /// The moment the process started.
    pub now: DateTime<Utc>,
    /// The time zones there are, newer ones of the machine before those compiled in.
    zones: Zones,
    /// Knows the secrets of the file, once they are read.
    redactor: OnceLock<Redactor>,
}

/// Why a command ends without a result.
#[derive(Debug)]
pub struct Failure {
    pub reason: Reason,
    /// What is wrong, one entry a problem.
    pub problems: Vec<Problem>,
    /// For people; the problems' messages when empty.
    pub text: String,
}

impl Failure {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { reason, text: format!("error: {message}"), problems: vec![Problem::new(reason.word(), message)] }
    }

    /// The same, where other reasons apply as well: the first in precedence counts, and all are listed.
    pub(super) fn among(mut self, reasons: &Reasons, problems: Vec<Problem>) -> Self {
        self.reason = reasons.first().map_or(self.reason, |first| first.min(self.reason));
        self.text = problems.iter().fold(self.text, |text, problem| format!("{text}\n{}", problem.message));
        self.problems.extend(problems);
        self
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let text = error.to_string();
        let problems = error
            .problems
            .into_iter()
            .filter(|problem| problem.severity == Severity::Error)
            .map(|problem| Problem {
                code: problem.code,
                message: problem.message,
                target: None,
                line: problem.line,
                column: problem.column,
            })
            .collect();
        Self { reason: Reason::Usage, problems, text }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let reason = match error.kind {
            SourceErrorKind::SignIn | SourceErrorKind::Rights => Reason::Refused,
            SourceErrorKind::Unavailable => Reason::Unavailable,
            SourceErrorKind::TooLong | SourceErrorKind::Unexpected => Reason::SourceUnproven,
        };
        Self::new(reason, format!("failed to read Personio: {error}"))
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        let message = error.to_string();
        match error {
            PrepareError::Source(error) => error.into(),
            PrepareError::EmptySource | PrepareError::NobodyHasAnId(_) => Self::new(Reason::SourceUnproven, message),
            PrepareError::UnknownEmployee(_) => Self::new(Reason::Usage, message),
            PrepareError::State(error) => {
                let reason = error.downcast_ref().map_or(Reason::Internal, super::memory::reason);
                Self::new(reason, message)
            }
        }
    }
}

/// The moment it is. Tests of a program that was built for them may say another one.
fn clock() -> DateTime<Utc> {
    #[cfg(debug_assertions)]
    if let Ok(moment) = std::env::var("PERSONIO_SYNC_TEST_CLOCK") {
        return moment.parse().expect("a moment such as 2026-12-01T05:00:01Z");
    }
    Utc::now()
}

impl Process {
    /// The streams, clock and options of this process.
    pub fn current(global: Global) -> Self {
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let terminal = Terminal {
            input: std::io::stdin().is_terminal(),
            output: std::io::stdout().is_terminal(),
            errors: std::io::stderr().is_terminal(),
            colour,
        };
        let machine = MachineZones::find(&|name| std::env::var(name).ok());
        let zones = MachineZones::zones(machine.as_ref());
        Self { global, terminal, now: clock(), zones, redactor: OnceLock::new() }
    }

    /// Writes a result. A reader that has gone away (a pager) is no error.
    pub fn print(&self, text: &str) {
        let text = self.scrub(text);
        // Values were made visible where they were put in; this is for any that was not. JSON has values as they are.
        let text = match self.global.format {
            Format::Json => text,
            Format::Table | Format::Markdown => visible_lines(&text, self.table_style().colour).into_owned().into(),
        };
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Writes rows as the chosen format has them.
    pub(crate) fn list(&self, listing: &Listing) {
        self.print(&listing.render(self.global.format, self.table_style().width));
    }

    pub fn say(&self, message: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{}", visible_lines(&self.scrub(message), false));
    }

    /// The text without any secret of the file, should one have found its way into it.
    fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactor.get().map_or(Cow::Borrowed(text), |redactor| redactor.scrub(text))
    }

    /// Ends a command that has no result: words on standard error and, as JSON, a document all the same.
    pub fn fail(&self, failure: &Failure, kind: Kind) -> ExitCode {
        self.say(&failure.text);
        if self.global.format == Format::Json {
            let document = Document { kind, plan: None, exit_code: failure.reason.code(), problems: &failure.problems };
            self.print(&json::render(&document, None));
        }
        ExitCode::from(failure.reason.code())
    }

    /// How tables look on this terminal.
    pub fn table_style(&self) -> TableStyle {
        TableStyle {
            colour: self.terminal.output && self.terminal.colour,
            width: crate::output::terminal_width(self.terminal),
            all: self.global.all,
            outcomes_only: false,
        }
    }

    /// Writes a plan or a report in the chosen format.
    pub fn show(&self, document: &Document<'_>) {
        self.show_with(document, self.table_style());
    }

    /// The same, with another look of tables.
    pub fn show_with(&self, document: &Document<'_>, style: TableStyle) {
        let text = match self.global.format {
            Format::Table => crate::output::table::render(document, style),
            Format::Json => json::render(document, None),
            Format::Markdown => markdown::render(document),
        };
        self.print(&text);
    }

    /// Loads the file, and points it at the sandbox if one is chosen.
    ///
    /// # Errors
    ///
    /// When the file has a mistake, a target is unknown, or the sandbox cannot be used.
    pub fn open(&self, sandbox: &SandboxChoice, targets: &[String]) -> Result<Session, Failure> {
        let environment = |name: &str| std::env::var(name).ok();
        let path = self.config_path();
        let secrets = if sandbox.sandbox.is_some() { SecretMode::Invent } else { SecretMode::Read };
        let options = LoadOptions { secrets, only: targets, zones: &self.zones, ..LoadOptions::new(&environment) };
        let mut settings = load(&path, &options)?;
        if sandbox.sandbox.is_none() {
            self.redactor.get_or_init(|| Redactor::new(settings.secrets.iter().map(Secret::expose)));
        }
        for warning in &settings.warnings {
            self.say(&format!("{}:{warning}", path.display()));
        }
        let known: Vec<&str> = settings.targets.iter().map(|target| &*target.plan.name).collect();
        for name in targets {
            if !known.contains(&name.as_str()) {
                let hint = crate::words::known(name, known.iter().copied());
                return Err(Failure::new(
                    Reason::Usage,
                    format!("{}: there is no target `{name}`; {hint}", path.display()),
                ));
            }
        }
        let today = self.now.with_timezone(&settings.timezone).date_naive();
        let sandbox = match &sandbox.sandbox {
            None => None,
            Some(address) => {
                let running = RunningSandbox::new(address, today, &settings)
                    .map_err(|error| Failure::new(Reason::Usage, format!("the sandbox cannot be used: {error:#}")))?;
                running.redirect(&mut settings);
                Some(running)
            }
        };
        Ok(Session { settings, today, sandbox, rehearsed: Vec::new() })
    }

    /// Loads the file for a command that contacts nobody but the state.
    pub fn open_offline(&self) -> Result<Session, Failure> {
        let environment = |name: &str| std::env::var(name).ok();
        let path = self.config_path();
        let options = |secrets| LoadOptions { secrets, zones: &self.zones, ..LoadOptions::new(&environment) };
        let mut settings = load(&path, &options(SecretMode::Invent))?;
        if matches!(settings.state.place, StatePlace::Server(_)) {
            // The address of the server is a secret as well.
            settings = load(&path, &options(SecretMode::Read))?;
        }
        let today = self.now.with_timezone(&settings.timezone).date_naive();
        Ok(Session { settings, today, sandbox: None, rehearsed: Vec::new() })
    }

    /// Loads the file for a command on the history, that of a lasting sandbox if one is chosen.
    pub fn open_history(&self, sandbox: &SandboxChoice) -> Result<Session, Failure> {
        match &sandbox.sandbox {
            Some(_) => self.open(sandbox, &[]),
            None => self.open_offline(),
        }
    }

    /// The path of the configuration file.
    pub fn config_path(&self) -> PathBuf {
        find_config(self.global.config.clone(), &|name| std::env::var(name).ok())
    }
}

/// A settled file on a day.
pub struct Session {
    /// What the file says, pointed at the sandbox if one is chosen.
    pub settings: Settings,
    /// The day, in the file's time zone.
    pub today: NaiveDate,
    /// The sandbox, while the run lasts.
    pub sandbox: Option<RunningSandbox>,
    /// Targets that the file pauses and this run takes up all the same, because nothing of it is real.
    rehearsed: Vec<Box<str>>,
}

impl Session {
    /// The source that the file names.
    pub fn source(&self) -> Result<PersonioSource, Failure> {
        PersonioSource::new(self.settings.personio.clone())
            .map_err(|error| Failure::new(Reason::Internal, format!("{error:#}")))
    }

    /// The documents of the source that the file names.
    pub(super) fn documents(&self) -> Result<PersonioDocuments, Failure> {
        PersonioDocuments::new(self.settings.personio.clone())
            .map_err(|error| Failure::new(Reason::Internal, format!("{error:#}")))
    }
}

impl Session {
    pub(super) fn prepare(
        &self,
        memory: &Memory,
        options: &PrepareOptions,
        progress: &dyn ReadProgress,
    ) -> Result<Prepared<'_>, Failure> {
        let mut prepared = prepare(&self.settings, &self.source()?, memory, options, progress)?;
        for plan in prepared.plan.targets.iter_mut().filter(|plan| self.rehearses(&plan.name)) {
            let message = format!("paused in the file: this is what `personio-sync resume {}` would bring", plan.name);
            plan.notices.insert(0, Notice { code: Code::Paused, employee: None, field: None, message });
        }
        Ok(prepared)
    }

    /// Whether a target is paused in the file and taken up all the same.
    pub(super) fn rehearses(&self, target: &str) -> bool {
        self.rehearsed.iter().any(|name| **name == *target)
    }

    /// Takes up paused targets in the sandbox: a file is tried there before anything is switched on.
    pub(super) fn rehearse(&mut self) {
        if self.sandbox.is_none() {
            return;
        }
        for target in self.settings.targets.iter_mut().filter(|target| target.paused) {
            target.paused = false;
            self.rehearsed.push(target.plan.name.clone());
        }
    }
}

impl Process {
    /// Says on standard error why a run does not end with 0.
    pub fn say_problems(&self, problems: &[Problem]) {
        for problem in problems {
            match &problem.target {
                Some(target) => self.say(&format!("{target}: {}", problem.message)),
                None => self.say(&problem.message),
            }
        }
    }
}

/// What a plan means for the exit status, before anything is applied.
pub(super) fn judge(prepared: &Prepared<'_>) -> (Reasons, Vec<Problem>) {
    let (mut reasons, mut problems) = (Reasons::default(), Vec::new());
    let plan = &prepared.plan;
    if !plan.source.complete {
        reasons.add(Reason::SourceUnproven);
        let why = plan.source.why_incomplete.as_deref().unwrap_or("the reason is not known");
        problems.push(Problem::new(
            Reason::SourceUnproven.word(),
            format!("Personio's answer is not proven complete, so nobody is removed: {why}"),
        ));
    }
    for (target_plan, target) in plan.targets.iter().zip(&prepared.targets) {
        if let Some(error) = &target.error {
            let reason = match error.kind {
                ErrorKind::SignIn | ErrorKind::Rights => Reason::Refused,
                _ => Reason::Unavailable,
            };
            reasons.add(reason);
            problems.push(Problem::new(reason.word(), error.message.clone()).target(&target_plan.name));
        }
        let lacking = target.open.as_ref().map_or(0, |open| open.lacking);
        if lacking > 0 {
            reasons.add(Reason::Held);
            let message = format!(
                "its list of accounts is not true: it lacks {}, so nobody is removed, and nobody made who was not looked \
                 up first",
                count(lacking, "account that is in use", "accounts that are in use")
            );
            problems.push(Problem::new(Code::TargetUnproven, message).target(&target_plan.name));
        }
        judge_skips(prepared, target_plan, &mut reasons, &mut problems);
        let held = target_plan.summary().held;
        if held > 0 {
            reasons.add(Reason::Held);
            let message = format!("{} held by a safety rail", count(held, "change is", "changes are"));
            problems.push(Problem::new(Reason::Held.word(), message).target(&target_plan.name));
        }
    }
    (reasons, problems)
}

/// A run that could work on nobody is no success, nor is one that could not look at the account of somebody who left.
fn judge_skips(prepared: &Prepared<'_>, plan: &TargetPlan, reasons: &mut Reasons, problems: &mut Vec<Problem>) {
    let skipped = all_skipped(plan);
    if !skipped.is_empty() {
        let reason = if is_of_the_source(&skipped) { Reason::SourceUnproven } else { Reason::SomeFailed };
        reasons.add(reason);
        let mut codes: Vec<&str> = skipped.iter().map(|skip| skip.reason.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        let message = format!("everybody was skipped, so nothing is in line ({})", codes.join(", "));
        problems.push(Problem::new(Code::EverybodySkipped, message).target(&plan.name));
    }
    let unseen = unseen_leavers(plan, &prepared.employees, &prepared.standings);
    if !unseen.is_empty() {
        reasons.add(Reason::SomeFailed);
        let ids: Vec<String> = unseen.iter().map(|skip| skip.employee.to_string()).collect();
        let message = format!(
            "the accounts of employees who left cannot be read, so nobody knows whether they are in use: {}",
            ids.join(", ")
        );
        problems.push(Problem::new(Code::LeaverUnreadable, message).target(&plan.name));
    }
}
