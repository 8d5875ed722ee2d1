use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Datelike, Months, NaiveDate};
use chrono_tz::Tz;

use crate::employee::Attributes;
use crate::plan::{Action, FieldIndex, FieldSpec, FieldValue, Schedule};
use crate::rules::{Expression, Mapping, Vocabulary};
use crate::targets::TargetType;

use super::{Problem, Secret};

/// Everything a file says, checked and settled.
#[derive(Debug)]
pub struct Settings {
    /// Where the file is and what stands in it.
    pub file: ConfigFile,
    /// Whose midnight counts.
    pub timezone: Tz,
    /// The source.
    pub personio: PersonioSettings,
    /// What is requested of every employee, and nothing else.
    pub attributes: Attributes,
    /// The names expressions may use, with the lookup tables.
    pub vocabulary: Vocabulary,
    /// Where the memory is.
    pub state: StateSettings,
    /// How many calls may be made, if that is limited.
    pub budget: Option<BudgetSettings>,
    /// In the order of the file.
    pub targets: Vec<TargetSettings>,
    /// What is doubtful but no error.
    pub warnings: Vec<Problem>,
    /// Every secret of the file, so that output can be scrubbed of them.
    pub secrets: Vec<Secret>,
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

/// `[personio]`
#[derive(Clone, Debug)]
pub struct PersonioSettings {
    /// Client id of the API credentials.
    pub client_id: Secret,
    /// Client secret of the API credentials.
    pub client_secret: Secret,
    /// `X-Personio-Partner-ID`
    pub partner_id: Option<String>,
    /// `X-Personio-App-ID`
    pub app_id: String,
    /// Which API is read.
    pub api: Api,
    /// Without a trailing slash.
    pub base_url: String,
    /// Most requests a minute; Personio allows 300.
    pub requests_per_minute: u32,
    /// Most requests a second; Personio allows 15.
    pub requests_per_second: u32,
}

/// A version of Personio's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// One paged read with everything inline.
    V1,
    /// Persons and their employments.
    V2,
}

/// `[state]`
#[derive(Clone, Debug)]
pub struct StateSettings {
    /// Where it is kept.
    pub place: StatePlace,
    /// How long runs and jobs are kept.
    pub keep: Duration,
    /// Whether names may be kept beside ids.
    pub keep_names: bool,
}

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatePlace {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetPeriod {
    /// A calendar day.
    Day,
    /// A calendar month.
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

/// A share of a whole, in hundredths of a percent, so that comparing is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(pub u32);

/// A limit: a number, or a share of those that are linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many.
    Count(u64),
    /// Such a share.
    Share(Share),
}

/// `[targets.NAME]`
#[derive(Debug)]
pub struct TargetSettings {
    /// As the file names it.
    pub name: Box<str>,
    /// What its type reads of the section.
    pub target: Box<dyn TargetType>,
    /// The fields of the run: those mapped, in the file's order, then those only matched or protected by.
    pub fields: Vec<FieldSpec>,
    /// How many of `fields` are written: those mapped, then those that the type works out itself.
    pub written: usize,
    /// Fields to find an account by, in order. Not empty.
    pub match_fields: Vec<FieldIndex>,
    /// All must hold.
    pub include: Vec<Expression>,
    /// Any one excludes.
    pub exclude: Vec<Expression>,
    /// In the file's order; the index of each field is its place here.
    pub mapping: Vec<Mapping>,
    /// Reference fields whose missing names may be made.
    pub create_missing: Vec<FieldIndex>,
    /// What is done about accounts of people who left or are no longer meant.
    pub leavers: Leavers,
    /// What happens to the account of somebody who comes back with a new profile.
    pub handover: HandoverMode,
    /// How many calls may be made to it.
    pub budget: Option<BudgetSettings>,
    /// Limits.
    pub safety: Safety,
    /// When `sync --due` runs it; each time where the file does not say.
    pub every: Option<Schedule>,
    /// The most changes under way at once.
    pub writers: usize,
    /// Whether it is left alone.
    pub paused: bool,
    /// Targets of one group must not share an employee.
    pub group: Option<Box<str>>,
    /// In the order of the file.
    pub workflows: Vec<WorkflowSettings>,
    /// Text of the section without `paused`, to see whether it changed.
    pub section: String,
}

/// `[targets.NAME.leavers]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leavers {
    /// The last day has passed, or the status is inactive.
    pub left: LeaverAction,
    /// Still employed, and no longer matches the filters.
    pub out_of_scope: LeaverAction,
    /// No longer delivered by Personio at all.
    pub missing: LeaverAction,
    /// Days to wait after the last day.
    pub grace_days: u32,
}

impl Default for Leavers {
    fn default() -> Self {
        Self {
            left: LeaverAction::Deactivate,
            out_of_scope: LeaverAction::Keep,
            missing: LeaverAction::Keep,
            grace_days: 0,
        }
    }
}

/// `[targets.NAME.workflows.NAME]`
#[derive(Debug)]
pub struct WorkflowSettings {
    /// As the file names it.
    pub name: Box<str>,
    /// What sets it off.
    pub on: Trigger,
    /// All must hold.
    pub when: Vec<Expression>,
    /// For movers and updates: the attributes that count, by Personio's keys, sorted.
    pub changed: Vec<Box<str>>,
    /// For joiners and leavers: the first day that counts, in days after the event.
    pub from: i64,
    /// For joiners and leavers: the last day that counts, in days after the event.
    pub until: i64,
    /// Whether it runs.
    pub active: bool,
    /// In order; not empty.
    pub steps: Vec<StepSettings>,
}

/// What sets a workflow off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The hire date is near.
    Joiner,
    /// An attribute changed.
    Mover,
    /// The last day is near.
    Leaver,
    /// An attribute changed; the same as a mover, for those who read the file.
    Updated,
}

impl Trigger {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joiner => "joiner",
            Self::Mover => "mover",
            Self::Leaver => "leaver",
            Self::Updated => "updated",
        }
    }
}

/// One step of a workflow.
#[derive(Debug)]
pub struct StepSettings {
    /// What is done.
    pub action: Action,
    /// It must hold, if there is one.
    pub only_if: Option<Expression>,
    /// It must not hold, if there is one.
    pub unless: Option<Expression>,
    /// What is sent, by the service's names, in the order of the file.
    pub fields: Vec<(Box<str>, StepSource)>,
}

impl StepSettings {
    /// The fields with the values that are the same for everyone.
    pub fn known_fields(&self) -> Vec<(Box<str>, Option<FieldValue>)> {
        let value = |source: &StepSource| match source {
            StepSource::Constant(value) => Some(value.clone()),
            StepSource::Expression(_) => None,
        };
        self.fields.iter().map(|(name, source)| (name.clone(), value(source))).collect()
    }
}

/// Where a value of a step comes from.
#[derive(Debug, PartialEq)]
pub enum StepSource {
    /// An expression over attributes and the results of earlier steps.
    Expression(Arc<Expression>),
    /// The same for everyone.
    Constant(FieldValue),
}

impl WorkflowSettings {
    /// Every expression of it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let of_steps = self.steps.iter().flat_map(|step| {
            let fields = step.fields.iter().filter_map(|(_, source)| match source {
                StepSource::Expression(expression) => Some(&**expression),
                StepSource::Constant(_) => None,
            });
            step.only_if.iter().chain(&step.unless).chain(fields)
        });
        self.when.iter().chain(of_steps)
    }
}

impl TargetSettings {
    /// Whether whoever left is kept in line like everybody else.
    pub fn takes_leavers(&self) -> bool {
        self.target.takes_everyone() || self.leavers.left == LeaverAction::Include
    }

    /// Whether any filter says who is meant.
    pub fn is_filtered(&self) -> bool {
        !self.include.is_empty() || !self.exclude.is_empty()
    }
}

/// What is done about an account that is no longer meant to be in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaverAction {
    /// Nothing.
    Keep,
    /// It is taken out of use.
    Deactivate,
    /// It is kept in line like that of everybody else, and made where there is none (`left` of a file).
    Include,
}

/// What happens to an account that belongs to somebody who has left or is gone, when the employee whom `match` finds it
/// for has a profile of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandoverMode {
    /// It goes to them where two keys agree, and waits for somebody to say so where one does.
    #[default]
    Auto,
    /// It always waits for somebody to say so.
    Hold,
    /// It stays with its owner: a new start is a new record.
    Never,
}

/// `[targets.NAME.safety]`: limits per class; `None` means the default for removals, and no limit for the rest.
#[derive(Debug)]
pub struct Safety {
    /// Deactivations in a run.
    pub max_deactivate: Option<Limit>,
    /// Creates in a run.
    pub max_create: Option<Limit>,
    /// Updates in a run.
    pub max_update: Option<Limit>,
    /// Fields emptied in a run.
    pub max_clear: Option<Limit>,
    /// Share of the accounts in which one field may change in a run.
    pub max_field_share: Option<Share>,
    /// Share of its members that a group may lose in a run.
    pub max_group_share: Share,
    /// Failures after which a target is left alone for the rest of the run.
    pub max_failures: u64,
    /// Over the account's own fields; an account for which one holds is never changed.
    pub protect: Vec<Expression>,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            max_deactivate: None,
            max_create: None,
            max_update: None,
            max_clear: None,
            max_field_share: None,
            max_group_share: Share(5_000),
            max_failures: 20,
            protect: Vec::new(),
        }
    }
}
