//! A plan with the open targets to carry it out on, and what it is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::config::{Settings, TargetSettings};
use crate::employee::{Employee, EmployeeId, Employees, Standing};
use crate::field::{AccountId, FieldValue, Schema};
use crate::http::{Requests, Tally};
use crate::personio::SourceError;
use crate::plan::{Confirmed, KnownSince, Overview, PersonLabel, Plan, Seen, WorkflowMemory};
use crate::state::{Fingerprint, HeldChange, OpenIntent, Overwritten, SourceMemory};
use crate::targets::conversations::contacts::Contact;
use crate::targets::{Target, TargetError};

use super::decisions::{Decisions, Released};
use super::source::SourceSeen;

/// What a run is asked to look at.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// The day of the run, in the file's time zone.
    pub today: NaiveDate,
    /// Only these targets; all when empty.
    pub targets: Vec<Box<str>>,
    /// Only this employee; works on paused targets too.
    pub only: Option<EmployeeId>,
    /// The number of held removals that the operator releases.
    pub accepted_removals: Option<u64>,
    /// Whether the operator accepts that the filters changed.
    pub accept_filter_change: bool,
    /// The workflow that somebody starts by hand for `only`.
    pub start: Option<Box<str>>,
    /// Whether the operator accepts that far fewer people are delivered than before.
    pub accept_source: bool,
    /// Whether the operator accepts that custom attributes changed their type or lost options.
    pub accept_attributes: bool,
    /// Whether it is enough to read who changed.
    pub changes: bool,
}

impl PrepareOptions {
    /// Everybody in these targets (all when empty), with nothing accepted.
    pub fn new<S: AsRef<str>>(today: NaiveDate, targets: &[S]) -> Self {
        Self {
            today,
            targets: targets.iter().map(|name| name.as_ref().into()).collect(),
            only: None,
            accepted_removals: None,
            accept_filter_change: false,
            start: None,
            accept_source: false,
            accept_attributes: false,
            changes: false,
        }
    }
}

/// What is remembered of each target; the plan takes it as one more argument.
pub trait Remembered: Sync {
    /// What is remembered of the source.
    fn source(&self) -> anyhow::Result<SourceMemory>;

    /// What is remembered of a target.
    fn target(&self, target: &TargetSettings) -> anyhow::Result<TargetMemory<'_>>;

    /// What a run of a target goes by that reads changes alone, or why it has to read everything.
    fn since_complete(
        &self,
        settings: &Settings,
        target: &TargetSettings,
    ) -> anyhow::Result<Result<SinceComplete<'_>, String>>;
}

/// What is remembered of the last run of a target that read everything, and since.
pub struct SinceComplete<'a> {
    /// When it began.
    pub began: DateTime<Utc>,
    /// How many accounts in use were those of an employee.
    pub linked: u64,
    /// When the next one is due.
    pub full_due: DateTime<Utc>,
    /// The records of employees as they were when they were last looked at.
    pub looked_at: BTreeMap<EmployeeId, Fingerprint>,
    /// Makes the keyed hash of a record.
    pub record: Box<dyn Fn(&Employee) -> Fingerprint + 'a>,
}

/// What is remembered of one target.
#[derive(Default)]
pub struct TargetMemory<'a> {
    pub links: BTreeMap<EmployeeId, AccountId>,
    /// Whether a run against this target has ever come to its end.
    pub ran_before: bool,
    /// Whether a run of all of it has ever left nobody to make.
    pub all_made: bool,
    /// Whether the filters differ from those of the last run.
    pub filters_changed: bool,
    /// Removals in the last 24 hours, under whatever name of the target.
    pub removed_lately: u64,
    /// Whose fields were overwritten in the last 24 hours.
    pub overwritten: Overwritten,
    /// How often each account is among the removals of the last 24 hours.
    pub removals: BTreeMap<AccountId, u64>,
    /// Accounts that were taken out of use and not brought back since, as far as that is remembered.
    pub removed: BTreeSet<AccountId>,
    /// Whether a field of an employee was written with this value several times without staying.
    pub gave_up: Option<GaveUp<'a>>,
    /// Writes of earlier runs whose outcome is not known.
    pub open: Vec<OpenIntent>,
    /// Whose records people have imported, as they confirmed.
    pub delivered: BTreeSet<EmployeeId>,
    /// Fields that the service was found not to store.
    pub unstored: BTreeSet<Box<str>>,
    /// What is remembered of workflows, by their names.
    pub workflows: BTreeMap<Box<str>, WorkflowMemory>,
    /// The keyed hash of some values.
    pub fingerprint: Option<MakeFingerprint<'a>>,
    /// What people said is done, where they keep the target in line; `None` when they never did.
    pub confirmed: Option<Confirmed>,
    /// What people were shown as held, and what they said to it.
    pub decisions: Decisions<'a>,
    /// When people were last known to be as they should, where workflows ask for it.
    pub known: KnownSince,
}

/// Makes the keyed hash of some values.
pub(super) type MakeFingerprint<'a> = Box<dyn Fn(&[String]) -> Box<str> + Send + Sync + 'a>;

/// Whether a field of an employee was written with this value several times without staying.
pub type GaveUp<'a> = Box<dyn Fn(EmployeeId, &str, &FieldValue) -> bool + Send + Sync + 'a>;

/// A plan, and the open targets to carry it out on.
pub struct Prepared<'s> {
    pub plan: Plan,
    /// In the order of the plan's targets.
    pub targets: Vec<PreparedTarget<'s>>,
    /// The source, for whoever explains one employee.
    pub employees: Employees,
    /// Where each employee stands, in the order of the employees.
    pub standings: Vec<Standing>,
    /// Whether the plan was cut down to some employees or some reviewed changes.
    pub restricted: bool,
    /// Whether the operator accepted that filters changed, for everybody.
    pub filters_accepted: bool,
    /// What a good read of everybody leaves to be remembered.
    pub source_seen: Option<SourceSeen>,
    /// What the source was sent.
    pub source_requests: Requests,
    /// Who is known to have changed, where that was asked.
    pub changed: BTreeSet<EmployeeId>,
}

impl Prepared<'_> {
    /// Whether nobody was read but those who changed.
    pub fn is_of_changes(&self) -> bool {
        self.plan.source.changes.is_some()
    }
}

/// One target of a prepared run.
pub struct PreparedTarget<'s> {
    /// Its section of the file.
    pub settings: &'s TargetSettings,
    /// Open, with its fields; `None` when it is paused or could not be read.
    pub open: Option<OpenTarget>,
    /// Why it could not be read.
    pub error: Option<TargetError>,
    /// Counts what it is sent.
    pub tally: Arc<Tally>,
}

/// A target that was read.
pub struct OpenTarget {
    pub target: Box<dyn Target>,
    /// Its fields, as the service has them.
    pub schema: Schema,
    /// Whose accounts are whose, and who needs nothing.
    pub overview: Overview,
    /// Writes of earlier runs whose outcome is not known.
    pub open_intents: Vec<OpenIntent>,
    /// Attributes that workflows watch, to be remembered after the run.
    pub seen: Vec<Seen>,
    /// Its accounts, where another target imports them.
    pub contacts: Vec<Contact>,
    /// Whether all of its accounts are proven to be read.
    pub complete: bool,
    /// How many linked accounts in use its list lacks.
    pub lacking: usize,
    /// How people are called, where other people have to find them.
    pub labels: BTreeMap<EmployeeId, PersonLabel>,
    /// What people said is done.
    pub confirmed: Confirmed,
    /// What rails hold, what is released of it included.
    pub held: Vec<HeldChange>,
    /// What somebody approved, and this plan asks for.
    pub released: Vec<Released>,
}

/// Why there is no plan at all.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The source could not be read.
    #[error("failed to read Personio: {0}")]
    Source(SourceError),
    /// The source delivered nobody, which looks like everybody left.
    #[error(
        "Personio delivered no employee at all; nothing is planned, because this looks like everybody left \
         (does the credential have the right Employees: Read?)"
    )]
    EmptySource,
    /// Records came, and none says whose it is.
    #[error(
        "none of the {0} records that Personio delivered has an id, so nobody can tell whose they are; nothing is planned \
         (this is no answer that Personio is known to give: does something stand between, at `personio.base_url`?)"
    )]
    NobodyHasAnId(u64),
    /// The employee asked for is not among those delivered.
    #[error("Personio delivers no employee {0}; an e-mail address or a name is taken as well")]
    UnknownEmployee(EmployeeId),
    /// The state could not be read.
    #[error("failed to read the state: {0:#}")]
    State(anyhow::Error),
}

impl Prepared<'_> {
    /// What somebody is called, as far as the source delivers it.
    pub fn full_name(&self, employee: EmployeeId) -> Option<Box<str>> {
        self.employees.full_name(employee)
    }
}
