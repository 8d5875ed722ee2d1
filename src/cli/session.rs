//! What every command needs: the process around it, the settled file, and the source.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::config::{LoadError, LoadOptions, MachineZones, Settings, StateLocation, find_config, load};
use crate::employee::EmployeeId;
use crate::exit::Problem;
use crate::http::Redactor;
use crate::output::mask::Mask;
use crate::output::table::TableStyle;
use crate::output::visible::visible_lines;
use crate::output::{Answer, Document, Kind, Names, RunRequests, Shown, Terminal};
use crate::personio::{Documents, Source, Sources};
use crate::plan::TargetStatus;
use crate::progress::ReadProgress;
use crate::section::{Secret, SecretMode, Severity};
use crate::sync::{Caller, Inputs, Memory, PrepareOptions, Prepared};
use crate::zone::{LocalTime, Zones};

use super::private_file;
use super::running_sandbox::RunningSandbox;
use super::who::this_process;
use super::{Failure, Global, Reason, SandboxChoice};

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
    /// Shows values or hides them, once the secrets are read that it needs.
    mask: OnceLock<Mask>,
    /// The last part of the path of the file.
    file_name: OnceLock<String>,
    people: Vec<String>,
    found: OnceLock<EmployeeId>,
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

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "what the environment says is read here and handed down")]
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::disallowed_methods, reason = "the moment is read here and handed down")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The moment it is. Tests of a program that was built for them may say another one.
fn clock() -> DateTime<Utc> {
    #[cfg(debug_assertions)]
    if let Some(moment) = environment("PERSONIO_SYNC_TEST_CLOCK") {
        return moment.parse().expect("a moment such as 2026-12-01T05:00:01Z");
    }
    now()
}

/// A word of the command line with an id in place of what somebody was called by: `Ada`, or `--employee=Ada`.
fn without_person(word: String, people: &[String], id: &str) -> String {
    let called = people.iter().find_map(|person| word.strip_suffix(&**person));
    match called {
        Some(before) if before.is_empty() || before.ends_with('=') => format!("{before}{id}"),
        _ => word,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Process {
    /// The streams, clock and options of this process.
    pub fn current(global: Global) -> Self {
        let colour = environment("NO_COLOR").is_none_or(|value| value.is_empty());
        let terminal = Terminal {
            input: std::io::stdin().is_terminal(),
            output: std::io::stdout().is_terminal(),
            errors: std::io::stderr().is_terminal(),
            colour,
        };
        let machine = MachineZones::find(&environment);
        let zones = MachineZones::zones(machine.as_ref());
        Self {
            global,
            terminal,
            now: clock(),
            zones,
            redactor: OnceLock::new(),
            mask: OnceLock::new(),
            file_name: OnceLock::new(),
            people: Vec::new(),
            found: OnceLock::new(),
        }
    }

    /// Writes a result. A reader that has gone away (a pager) is no error.
    pub fn print(&self, text: &str) {
        let text = self.scrub(text);
        // Values were made visible where they were put in; this is for any that was not. JSON has values as they are.
        let text = match self.global.format.is_for_people() {
            true => visible_lines(&text, self.table_style().colour).into_owned().into(),
            false => text,
        };
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Writes the answer of a command as the chosen format has it.
    pub(super) fn answer<T: Serialize>(&self, answer: &Answer<T>) {
        self.print(&answer.render(self.global.format, self.table_style()));
        answer.remarks(self.global.format).for_each(|remark| self.say(remark));
    }

    /// Shows people what they are about to be asked about.
    pub(super) fn preview(&self, shown: &Shown) {
        self.print(&shown.render(self.global.format, self.table_style()));
    }

    /// Writes a file that somebody asked for, and says so.
    pub(super) fn write_file(&self, path: &Path, content: &[u8]) -> Result<(), Failure> {
        private_file::replace(path, content)
            .map(|()| self.say(&format!("wrote {}", path.display())))
            .map_err(|error| Failure::new(Reason::Usage, format!("{} cannot be written: {error}", path.display())))
    }

    pub fn say(&self, message: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{}", visible_lines(&self.scrub(message), false));
    }

    /// Says something to whoever looks on.
    pub(super) fn remark(&self, message: &str) {
        if self.global.format.is_for_people() {
            self.say(message);
        }
    }

    /// The text without any secret of the file, should one have found its way into it.
    fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactor.get().map_or(Cow::Borrowed(text), |redactor| redactor.scrub(text))
    }

    /// Ends a command that has no result: words on standard error and, as JSON, a document all the same.
    pub fn fail(&self, failure: &Failure, kind: Kind) -> ExitCode {
        self.say(&failure.text);
        let document = Document {
            kind,
            plan: None,
            exit_code: failure.reason.code(),
            problems: &failure.problems,
            names: Names::default(),
            requests: None,
        };
        if let Some(text) = document.of_nothing(self.global.format) {
            self.print(&text);
        }
        ExitCode::from(failure.reason.code())
    }

    fn set_mask<'s>(&self, secrets: impl IntoIterator<Item = &'s str>) {
        let hides = self.global.mask.hides(self.global.format, self.terminal, environment("CI").as_deref());
        self.mask.get_or_init(|| if hides { Mask::hiding(secrets) } else { Mask::SHOWN });
    }

    pub(super) fn mask(&self) -> &Mask {
        // Before there was a file there is no key, and nobody's value to be shown.
        self.set_mask([]);
        self.mask.get().expect("it was set")
    }

    /// How tables look on this terminal.
    pub fn table_style(&self) -> TableStyle<'_> {
        TableStyle {
            mask: self.mask(),
            file: self.file_name.get_or_init(|| file_name(&self.config_path())),
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
    pub fn show_with(&self, document: &Document<'_>, style: TableStyle<'_>) {
        self.print(&document.render(self.global.format, style));
    }

    /// Shows the plan that somebody is about to be asked about.
    pub(super) fn preview_plan(&self, prepared: &Prepared<'_>) {
        let names = |id| prepared.full_name(id);
        let document = Document {
            kind: Kind::Plan,
            plan: Some(&prepared.plan),
            exit_code: 0,
            problems: &[],
            names: Names(Some(&names)),
            requests: None,
        };
        if let Some(text) = document.before_asking(self.global.format, self.table_style()) {
            self.print(&text);
        }
    }

    /// Says on standard error why a run does not end with 0.
    pub fn say_problems(&self, problems: &[Problem]) {
        for problem in problems {
            match &problem.target {
                Some(target) => self.say(&format!("{target}: {}", problem.message)),
                None => self.say(&problem.message),
            }
        }
    }

    /// What people were called by on the command line, other than ids.
    pub(super) fn calling(mut self, people: Vec<String>) -> Self {
        self.people = people;
        self
    }

    /// Whom that turned out to mean.
    pub(super) fn found(&self, employee: EmployeeId) {
        let _ = self.found.set(employee);
    }

    /// What the process was started with, for the state: whoever is meant, by id alone.
    fn command_line(&self) -> String {
        let found = self.found.get().map_or_else(|| "…".to_owned(), ToString::to_string);
        let words = std::env::args().skip(1).map(|word| without_person(word, &self.people, &found));
        words.filter(|word| !word.contains('@')).collect::<Vec<_>>().join(" ")
    }

    /// This process, for the state.
    pub(super) fn caller(&self) -> Caller {
        Caller { who: this_process(), pid: std::process::id(), command: self.command_line(), now: self.now, clock: now }
    }

    /// Loads the file, and points it at the sandbox if one is chosen.
    ///
    /// # Errors
    ///
    /// When the file has a mistake, a target is unknown, or the sandbox cannot be used.
    pub fn open(&self, sandbox: &SandboxChoice, targets: &[String]) -> Result<Session, Failure> {
        self.open_and(&self.config_path(), false, sandbox, targets)
    }

    /// The same for a command that may tell people of something, as `[notify]` says.
    ///
    /// # Errors
    ///
    /// As [`Process::open`].
    pub fn open_telling(&self, sandbox: &SandboxChoice, targets: &[String]) -> Result<Session, Failure> {
        self.open_and(&self.config_path(), true, sandbox, targets)
    }

    /// The same for a file that is not the one of `--config`.
    pub(super) fn open_file(&self, path: &Path, sandbox: &SandboxChoice) -> Result<Session, Failure> {
        self.open_and(path, false, sandbox, &[])
    }

    /// What another file says. With it nobody is contacted, so that its secrets are left alone.
    pub(super) fn read_rules(&self, path: &Path) -> Result<Settings, Failure> {
        let (secrets, zones) = (SecretMode::Invent, &self.zones);
        let options = LoadOptions { secrets, tells: false, zones, ..LoadOptions::new(&environment) };
        Ok(load(path, &options)?)
    }

    fn open_and(
        &self,
        path: &Path,
        tells: bool,
        sandbox: &SandboxChoice,
        targets: &[String],
    ) -> Result<Session, Failure> {
        let secrets = if sandbox.sandbox.is_some() { SecretMode::Invent } else { SecretMode::Read };
        let options =
            LoadOptions { secrets, only: targets, tells, zones: &self.zones, ..LoadOptions::new(&environment) };
        let mut settings = load(path, &options)?;
        if sandbox.sandbox.is_none() {
            self.redactor.get_or_init(|| Redactor::new(settings.secrets.iter().map(Secret::expose)));
        }
        self.set_mask(settings.secrets.iter().map(Secret::expose));
        for warning in &settings.warnings {
            self.say(&warning.in_file(path));
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
                // Nothing real is contacted, whatever the file says.
                settings.notify = None;
                Some(running)
            }
        };
        Ok(Session { settings, today, sandbox, rehearsed: Vec::new() })
    }

    /// Loads the file for a command that contacts nobody but the state.
    pub fn open_offline(&self) -> Result<Session, Failure> {
        let path = self.config_path();
        let options =
            |secrets| LoadOptions { secrets, tells: false, zones: &self.zones, ..LoadOptions::new(&environment) };
        let mut settings = load(&path, &options(SecretMode::Invent))?;
        if matches!(settings.state.location, StateLocation::Server(_)) {
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
        find_config(self.global.config.clone(), &environment)
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

/// What a run has sent so far.
pub(super) fn sent(prepared: &Prepared<'_>) -> RunRequests {
    let targets = prepared.plan.targets.iter().zip(&prepared.targets);
    let taking_part = targets.filter(|(plan, _)| plan.status != TargetStatus::Paused);
    RunRequests {
        source: prepared.source_requests,
        targets: taking_part.map(|(plan, target)| (plan.name.clone(), target.tally.requests())).collect(),
    }
}

impl Session {
    /// The source that the file names.
    pub(super) fn source(&self) -> Result<Box<dyn Source>, Failure> {
        Sources(&self.settings.personio)
            .employees()
            .map_err(|error| Failure::new(Reason::Internal, format!("{error:#}")))
    }

    /// The documents of the source that the file names.
    pub(super) fn documents(&self) -> Result<Box<dyn Documents>, Failure> {
        Sources(&self.settings.personio)
            .documents()
            .map_err(|error| Failure::new(Reason::Internal, format!("{error:#}")))
    }

    /// What a run goes by.
    pub(super) fn inputs<'s, 'r>(&'s self, source: &'r dyn Source, memory: &'r Memory) -> Inputs<'s, 'r>
    where
        's: 'r,
    {
        let Self { settings, today, rehearsed, .. } = self;
        Inputs { settings, today: *today, source, memory, rehearsed }
    }

    /// Reads everything and plans.
    pub(super) fn prepare(
        &self,
        memory: &Memory,
        options: &PrepareOptions,
        progress: &dyn ReadProgress,
    ) -> Result<Prepared<'_>, Failure> {
        let source = self.source()?;
        self.inputs(&*source, memory).prepare(options, progress)
    }

    /// Refuses the name of a target that neither the file nor the history has.
    pub(super) fn known_target(&self, memory: &Memory, name: Option<&str>) -> Result<(), Failure> {
        let Some(name) = name else { return Ok(()) };
        let records = memory.state.targets()?;
        let in_the_file = self.settings.targets.iter().map(|target| &*target.plan.name);
        let names: Vec<&str> = in_the_file.chain(records.iter().map(|record| &*record.target)).collect();
        if names.contains(&name) {
            return Ok(());
        }
        let message = format!("there is no target `{name}`; {}", crate::words::known(name, names));
        Err(Failure::new(Reason::Usage, message))
    }

    /// A moment as the history shows it.
    pub(super) fn local(&self, at: DateTime<Utc>) -> LocalTime {
        self.settings.timezone.second(at)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_kept_without_names() {
        let people = ["Ada Lovelace".to_owned(), "ada".to_owned()];
        for (word, kept) in [
            ("Ada Lovelace", "7"),
            ("--employee=Ada Lovelace", "--employee=7"),
            ("ada", "7"),
            ("granada", "granada"),
            ("--employee", "--employee"),
        ] {
            assert_eq!(without_person(word.to_owned(), &people, "7"), kept);
        }
    }
}
