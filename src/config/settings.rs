use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{Datelike, Months, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::employee::Attributes;
use crate::notify::NotifySettings;
use crate::personio::SourceSettings;
use crate::plan::{PlanSettings, RuleTest, Schedule, Share};
use crate::rules::Vocabulary;
use crate::section::{Problem, Secret, SecretSources};
use crate::targets::TargetType;
use crate::zone::Zone;

/// Everything a file says, checked and settled.
#[derive(Debug)]
pub struct Settings {
    /// Where the file is and what stands in it.
    pub file: ConfigFile,
    /// Whose midnight counts.
    pub timezone: Zone,
    /// The source.
    pub personio: SourceSettings,
    /// What is requested of every employee, and nothing else.
    pub attributes: Attributes,
    /// The names expressions may use, with the lookup tables.
    pub vocabulary: Vocabulary,
    /// Where the memory is.
    pub state: StateSettings,
    /// How many calls may be made, if that is limited.
    pub budget: Option<BudgetSettings>,
    /// Who is told what.
    pub notify: Option<NotifySettings>,
    /// In the order of the file.
    pub targets: Vec<TargetSettings>,
    /// What the file says should come of invented employees.
    pub tests: Vec<RuleTest>,
    /// What is doubtful but no error.
    pub warnings: Vec<Problem>,
    /// Every secret of the file, so that output can be scrubbed of them.
    pub secrets: Vec<Secret>,
    /// Where they come from, which is known when none was read as well.
    pub secret_sources: SecretSources,
}

impl Settings {
    pub fn has_target(&self, name: &str) -> bool {
        self.targets.iter().any(|target| *target.plan.name == *name)
    }
}

/// The configuration file itself.
#[derive(Clone)]
pub struct ConfigFile {
    /// As given.
    pub path: PathBuf,
    /// Relative paths in the file start here. Absolute.
    pub folder: PathBuf,
    /// Its text.
    pub text: String,
}

/// Without the text, which may hold secrets.
impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile").field("path", &self.path).field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// `[state]`
#[derive(Clone, Debug)]
pub struct StateSettings {
    /// Where it is kept.
    pub location: StateLocation,
    /// How long runs and jobs are kept.
    pub keep: Duration,
    /// Whether names may be kept beside ids.
    pub keep_names: bool,
}

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateLocation {
    /// An SQLite file, made absolute.
    File(PathBuf),
    /// A PostgreSQL server that several runners share.
    Server(Secret),
}

/// `[budget]`, and `[targets.NAME.budget]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Calls a period.
    pub tasks: u64,
    /// How long a period is.
    pub period: BudgetPeriod,
    /// Share in percent from which on a warning is given.
    pub warn_at: Share,
    /// The targets that it is for; all without a budget of their own where the file names none.
    pub targets: Option<Vec<Box<str>>>,
}

/// The period of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum BudgetPeriod {
    /// A calendar day.
    Day,
    /// A calendar month.
    #[default]
    Month,
    /// A calendar year.
    Year,
}

impl BudgetPeriod {
    /// The first day of the period that a day is in, and the first one of the next.
    pub fn around(self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        let first = match self {
            Self::Day => Some(day),
            Self::Month => day.with_day(1),
            Self::Year => day.with_day(1).and_then(|day| day.with_month(1)),
        };
        let first = first.unwrap_or(day);
        let next = match self {
            Self::Day => first.succ_opt(),
            Self::Month => first.checked_add_months(Months::new(1)),
            Self::Year => first.checked_add_months(Months::new(12)),
        };
        (first, next.unwrap_or(NaiveDate::MAX))
    }
}

/// `[targets.NAME]`
#[derive(Debug)]
pub struct TargetSettings {
    /// What its plan goes by.
    pub plan: PlanSettings,
    /// What its type reads of the section.
    pub target: Box<dyn TargetType>,
    /// How many calls may be made to it.
    pub budget: Option<BudgetSettings>,
    /// When `sync --due` runs it; each time where the file does not say.
    pub every: Option<Schedule>,
    /// How often everything is read where runs between read changes alone, if the file says so.
    pub full: Option<Schedule>,
    /// The most changes under way at once.
    pub writers: usize,
    /// Whether it is left alone.
    pub paused: bool,
    /// Targets of one group must not share an employee.
    pub group: Option<Box<str>>,
    /// Text of the section without `paused`, to see whether it changed.
    pub section: String,
}

impl TargetSettings {
    /// How often everything is read where runs between read changes alone.
    pub fn full(&self) -> Schedule {
        self.full.unwrap_or(Schedule::DAILY)
    }
}
