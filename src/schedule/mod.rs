//! Files for schedulers, which call `sync --due` often enough; what is due, the slots of `every` decide.
//!
//! Schedulers disagree about 02:30 on two nights a year, about zones and about steps, so nothing here depends on any of
//! these: calls are at minutes of each hour, in UTC where the scheduler can. With them comes the alarm,
//! `status --max-age`. What a file needs from the environment is named, never filled in.

mod job;
mod nights;
mod pace;
mod quoting;
mod rendering;
#[cfg(test)]
mod tests;

pub use job::{Job, Scheduler};
pub use nights::{Night, nights};
pub use pace::{Pace, Slots};

use minijinja::{Value, context};

use rendering::render;

/// A file for a scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, in a folder where the scheduler asks for one.
    pub name: String,
    pub text: String,
    /// Whether its owner writes secrets into it: nobody else may read it then, and it is never replaced.
    pub is_filled_in: bool,
}

impl File {
    fn new(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), text, is_filled_in: false }
    }
}

/// The folder of the image in `packaging/`, and of a Debian package.
const FOLDER: &str = "/var/lib/personio-sync";
/// Who a container of that image runs as.
const USER_ID: u32 = 65_532;
const WINDOWS_FOLDER: &str = r"C:\ProgramData\personio-sync";
const WINDOWS_PROGRAM: &str = r"C:\Program Files\personio-sync\personio-sync.exe";
/// In the past, so that calls begin at once; the seconds of the day are those of the pace.
const WINDOWS_START: &str = "2026-01-01T";

impl Job {
    /// What the scheduler needs, ready to be put where its first lines say.
    ///
    /// # Errors
    ///
    /// When the scheduler could not do it; what to change.
    pub fn files(&self, scheduler: Scheduler) -> Result<Vec<File>, String> {
        self.refusal(scheduler)?;
        Ok(match scheduler {
            Scheduler::Cron => self.cron()?,
            Scheduler::Systemd => self.systemd(),
            Scheduler::Github => self.github(),
            Scheduler::Gitlab => self.gitlab(),
            Scheduler::Kubernetes => self.kubernetes(),
            Scheduler::Windows => self.windows(),
        })
    }

    fn cron(&self) -> Result<Vec<File>, String> {
        let quietly =
            |command: Vec<String>| render("quietly", context! { command, ..self.names() }).trim_end().to_owned();
        let (program, age) = (self.program_here(), self.pace.max_age());
        let sync = quietly(sync(program, &self.config));
        let alarm = quietly(alarm(program, &age, &self.config));
        if sync.len().max(alarm.len()) > LONGEST_COMMAND_OF_CRON {
            return Err(format!(
                "cron takes commands of {LONGEST_COMMAND_OF_CRON} letters; use shorter paths, or `schedule systemd`"
            ));
        }
        let values = context! {
            rhythm => self.pace.words(), cron => self.pace.cron(), alarm_cron => self.pace.alarm().cron(), sync, alarm,
            ..self.names()
        };
        Ok([File::new("personio-sync", render("cron", values))]
            .into_iter()
            .chain(self.variables_to_fill_in())
            .collect())
    }

    fn systemd(&self) -> Vec<File> {
        let (program, age) = (self.program_here(), self.pace.max_age());
        let values = context! {
            sync => sync(program, &self.config), alarm => alarm(program, &age, &self.config),
            rhythm => self.pace.words(), max_age => age,
            calendar => self.pace.calendar(), alarm_calendar => self.pace.alarm().calendar(),
            ..self.names()
        };
        let units = [
            ("personio-sync.service", "systemd.service"),
            ("personio-sync.timer", "systemd.timer"),
            ("personio-sync-alarm.service", "systemd-alarm.service"),
            ("personio-sync-alarm.timer", "systemd-alarm.timer"),
        ];
        let units = units.map(|(name, template)| File::new(name, render(template, values.clone())));
        units.into_iter().chain(self.variables_to_fill_in()).collect()
    }

    fn github(&self) -> Vec<File> {
        let text = render("github.yml", self.pipeline(self.pace.for_github()));
        vec![File::new(".github/workflows/personio-sync.yml", text)]
    }

    fn gitlab(&self) -> Vec<File> {
        vec![File::new("personio-sync.gitlab-ci.yml", render("gitlab.yml", self.pipeline(self.pace)))]
    }

    fn pipeline(&self, pace: Pace) -> Value {
        let program = self.program_there();
        let config = self.in_repository.as_deref().unwrap_or_default();
        context! {
            rhythm => pace.words(), cron => pace.cron(),
            sync => sync(program, config), alarm => alarm(program, &pace.max_age(), config),
            ..self.names()
        }
    }

    fn kubernetes(&self) -> Vec<File> {
        let program = self.program_there();
        let config = format!("{FOLDER}/{}", self.config_name());
        let job = |name: &str, cron: String, command: Vec<String>| context! { name, cron, command };
        let jobs = vec![
            job("personio-sync", self.pace.cron(), sync(program, &config)),
            job("personio-sync-alarm", self.pace.alarm().cron(), alarm(program, &self.pace.max_age(), &config)),
        ];
        let values = context! {
            rhythm => self.pace.words(), folder => FOLDER, user_id => USER_ID, config, config_name => self.config_name(),
            keeps_state => self.state.is_some(), jobs,
            ..self.names()
        };
        vec![File::new("personio-sync.yml", render("kubernetes.yml", values))]
    }

    fn windows(&self) -> Vec<File> {
        let program = (self.program.as_deref()).or_else(|| on_windows(&self.this_program)).unwrap_or(WINDOWS_PROGRAM);
        let folder = on_windows(&self.folder).unwrap_or(WINDOWS_FOLDER);
        let config = format!(r"{folder}\{}", self.config_name());
        let age = self.pace.max_age();
        let task = |task: &str, description: &str, (interval, time): (String, String), command: Vec<String>| {
            // Moments with `Z` are the same in summer and winter.
            let values = context! {
                task, description, interval, start => format!("{WINDOWS_START}{time}Z"),
                program, arguments => command[1..].to_vec(), folder,
            };
            File::new(&format!("{task}.xml"), render("windows.xml", values))
        };
        vec![
            task("personio-sync", "Syncs what is due", self.pace.interval(), sync(program, &config)),
            task(
                "personio-sync-alarm",
                "Ends with 6 when a target was not brought in line for too long",
                self.pace.alarm().interval(),
                alarm(program, &age, &config),
            ),
        ]
    }

    /// What more than one kind of files names.
    fn names(&self) -> Value {
        context! {
            folder => &*self.folder, user => &*self.user, image => self.image.as_deref(),
            variables => self.variables.clone(), variables_file => self.variables_file(),
        }
    }

    fn variables_to_fill_in(&self) -> Option<File> {
        let text = render("variables.env", self.names());
        let file = File { is_filled_in: true, ..File::new("personio-sync.env", text) };
        (!self.variables.is_empty()).then_some(file)
    }
}

/// `MAX_COMMAND` of Debian's cron.
const LONGEST_COMMAND_OF_CRON: usize = 999;

fn sync(program: &str, config: &str) -> Vec<String> {
    words(&[program, "sync", "--due", "--yes", "--config", config])
}

fn alarm(program: &str, max_age: &str, config: &str) -> Vec<String> {
    words(&[program, "status", "--max-age", max_age, "--config", config])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A path of Windows: `C:\…`.
fn on_windows(path: &str) -> Option<&str> {
    matches!(path.as_bytes(), [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic()).then_some(path)
}
