//! Targets: what they say of themselves, how they are read, and how one change at a time is carried out.
//!
//! Targets translate and never decide. Each is a folder: `wire.rs` (the vendor's JSON, to and from our
//! values), `requests.rs` (pure functions that build requests) and `mod.rs` (its settings, its schema
//! and the two traits; the only one that sends).

pub mod auth;
mod batches;
mod by_hand;
mod coalescer;
mod condition;
pub mod conversations;
pub mod declared;
mod delivery;
pub mod entra;
pub mod file;
pub mod freshservice;
mod kinds;
mod membership;
mod offers;
pub mod pento;
pub mod probonio;
#[cfg(test)]
mod sandboxed;
pub mod scim;
pub mod slack;
mod sync_log;
#[cfg(test)]
mod testing;
pub mod travelperk;
mod workflow_keys;

pub use batches::{Write, WriteBatches, Written};
pub use by_hand::{ByHand, Channel, Credential, ListedExpert, Requesters};
pub use condition::Condition;
pub use kinds::{KINDS, Kind, Parse, Simulate};
pub use membership::Membership;
pub use offers::{
    CheckSteps, ListChannels, ListFields, ListRefusals, Offers, ReadOffers, StepField, StepFields, Workflows,
};
pub use sync_log::{LogEvent, LogLine, LogOutcome};
pub use workflow_keys::{Days, Step, Workflow, WorkflowsKey};

use crate::code::Code;
use crate::progress::Progress;
use condition::{is_attribute, quoted};
use file::NamedFile;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};

use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, FieldSpec, FieldValue, Schema};
use crate::http::HttpError;
use crate::plan::{Account, FieldChange, Policy, ReferenceNames, Snapshot, WorkflowStep};
use crate::section::Secret;

/// A target's section of the file, settled: what it says before anything is contacted, and how to
/// reach it.
///
/// A new type of target is one implementation of this trait and one line in [`KINDS`].
pub trait TargetType: fmt::Debug + Send + Sync {
    /// The word in `type = "..."`.
    fn kind(&self) -> &'static str;

    /// What is known of a field by its name alone.
    fn field(&self, name: &str) -> FieldLookup;

    /// All fields known by name, for suggestions and for the fields that must be mapped.
    fn known_fields(&self) -> Vec<FieldSpec>;

    /// The match fields that apply when the file names none.
    fn default_match(&self) -> &'static [&'static str];

    /// What the type is known for, whatever the section says.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// What identifies the account behind this section (`freshservice:acme.freshservice.com`), so that two
    /// files that name the same account share one lock. Holds no secret.
    fn identity(&self) -> String;

    /// Signs in nowhere yet: prepares a target for the fields that the file names.
    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>>;

    /// Points every address and path at the sandbox and invents every secret.
    fn redirect(&mut self, sandbox: &SandboxAddresses);

    /// What it offers beside accounts with fields.
    fn offers(&self) -> Offers<'_> {
        Offers::default()
    }

    /// What `check` says of the section, a line each; holds no secret.
    fn describe(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a target type knows of a field name.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldLookup {
    Known(FieldSpec),
    /// Possible; only the service itself knows its type (a custom field). Treated as this until it is read.
    Open(FieldSpec),
    /// There is no such field.
    Unknown,
}

/// What a target needs to be opened.
#[derive(Clone, Debug)]
pub struct Connection {
    /// As the file names the target; errors begin with it.
    pub name: Box<str>,
    /// The fields of the run: those mapped, in order, then those only matched or protected by.
    pub fields: Vec<FieldSpec>,
    /// How many of `fields` are mapped; they come first.
    pub mapped: usize,
    /// The fields that accounts are matched by, in the order they are tried.
    pub match_fields: Vec<FieldIndex>,
    /// The reference fields whose missing names may be made.
    pub create_missing: Vec<FieldIndex>,
    /// The day of the run.
    pub today: NaiveDate,
}

/// Where the sandbox's simulated systems are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxAddresses {
    /// Base address of the simulated systems, without a trailing slash; each has a path of its own below it.
    pub base_url: String,
    /// The folder that stands for the working folder: file targets write below it.
    pub folder: PathBuf,
    /// The name of the target in the file; each has accounts of its own.
    pub target: Box<str>,
    /// The secret that the simulated systems accept.
    pub secret: Secret,
}

/// A target that is open for reading and writing. Planning is handed the first half only.
pub trait Target: ReadAccounts + WriteAccounts {
    /// The half that cannot change anything.
    fn reader(&self) -> &dyn ReadAccounts;
    fn writer(&self) -> &dyn WriteAccounts;
}

impl<T: ReadAccounts + WriteAccounts> Target for T {
    fn reader(&self) -> &dyn ReadAccounts {
        self
    }
    fn writer(&self) -> &dyn WriteAccounts {
        self
    }
}

/// How many accounts are usually looked at one by one rather than listed.
const LOOKUP_LIMIT: usize = 20;

/// The read-only view of a target.
pub trait ReadAccounts: Send + Sync {
    /// The fields of the run with their types, read from the service where only the service knows them.
    ///
    /// # Errors
    ///
    /// When the service cannot be reached, or a field that the file names does not exist there.
    fn schema(&self) -> Result<Schema, TargetError>;

    /// All accounts, deactivated ones included.
    ///
    /// # Errors
    ///
    /// When the service cannot be read. A list that may not be whole is no error but
    /// [`Snapshot::incomplete`].
    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError>;

    /// The names that a reference field may take; `None` where it has no list of names. Planning asks only where a
    /// change needs them, and a run reads each list once.
    ///
    /// # Errors
    ///
    /// When the service cannot be read.
    fn references(&self, field: FieldIndex) -> Result<Option<ReferenceNames>, TargetError> {
        let _ = field;
        Ok(None)
    }

    /// One account, read afresh; `None` when there is none of that id.
    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError>;

    /// These accounts as the list has them, with all that the list brings beside accounts, without reading the list; those
    /// that are not there are left out. `None` where only the list tells all of that.
    ///
    /// # Errors
    ///
    /// When the service cannot be read.
    fn accounts_by_id(&self, ids: &[AccountId]) -> Result<Option<Snapshot>, TargetError> {
        let _ = ids;
        Ok(None)
    }

    /// Whether one account can be read by its id alone, so that what a list lacks is not yet gone. Where an account is
    /// nothing but a line of the list, it cannot.
    fn reads_by_id(&self) -> bool {
        false
    }

    /// The accounts whose field has this value, by a search of the service's own, whatever its list holds; `None`
    /// where it has no such search, or nobody knows whether it finds who is there.
    fn look_up(&self, field: FieldIndex, value: &FieldValue) -> Result<Option<Vec<Account>>, TargetError> {
        let _ = (field, value);
        Ok(None)
    }

    /// Up to so many accounts are looked at one by one; beyond it listing them all costs less.
    fn lookup_limit(&self) -> usize {
        LOOKUP_LIMIT
    }

    /// The accounts whose field has this value, read afresh, by a look-up that sees writes at once.
    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError>;

    /// What can be read beside accounts.
    fn read_offers(&self) -> ReadOffers<'_> {
        ReadOffers::default()
    }
}

/// The half of a target that changes things, one thing at a time. Called from several threads at once.
pub trait WriteAccounts: Send + Sync {
    /// Makes a named thing that a reference field refers to.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`]. [`ErrorKind::Exists`] counts as done.
    fn create_reference(&self, field: FieldIndex, name: &str) -> Result<(), TargetError>;

    /// Makes an account. `fields` holds every mapped field that has a value.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`]. After [`ErrorKind::Exists`], [`ErrorKind::Unsettled`] and [`ErrorKind::Pending`] the caller
    /// looks the account up.
    fn create(&self, employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError>;

    /// Changes fields of an account; a field that is not named stays as it is.
    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError>;

    /// Brings an account back into use. An account that is in use already is no error.
    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError>;

    /// Takes an account out of use. One that is out of use or gone already is no error.
    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError>;

    /// The id an account has once these changes are made: another one only where ids are made of fields (a
    /// file has no others). The link that is stored after the change is to this id.
    fn id_after(&self, account: &AccountId, changes: &[FieldChange]) -> AccountId {
        let _ = changes;
        account.clone()
    }

    /// Carries out several changes at once, where the service takes them so; one at a time otherwise.
    fn batches(&self) -> Option<&dyn WriteBatches> {
        None
    }

    /// Delivers what it holds to people, where there is no service to write to.
    fn deliver(&self) -> Option<&dyn Deliver> {
        None
    }

    /// Carries out the actions of workflows, where the target has any.
    fn workflows(&self) -> Option<&dyn RunWorkflows> {
        None
    }

    /// Called once after the last write of a run, also when writes failed; a file is replaced here.
    fn finish(&self) -> Result<(), TargetError> {
        Ok(())
    }
}

/// Delivers everything it holds, and beside it what is new to whoever receives it.
pub trait Deliver: Send + Sync {
    /// Puts the records of these accounts beside the whole, and gives both as they are sent; `None` while there is
    /// nothing yet.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    fn pack(&self, changed: &BTreeSet<AccountId>) -> Result<Option<[NamedFile; 2]>, TargetError>;

    /// Where it is sent, without any secret; `None` where people fetch it from this machine.
    fn destination(&self) -> Option<String>;

    /// Sends what was packed. What arrived in part counts as not sent.
    ///
    /// # Errors
    ///
    /// When it did not arrive whole, or nobody knows.
    fn send(&self, packed: &[NamedFile; 2], now: DateTime<Utc>) -> Result<(), TargetError>;
}

/// Carries out the actions of workflows, one at a time.
pub trait RunWorkflows: Send + Sync {
    /// What was made for this request already, by its id. Only for actions that make something. `begun` is when
    /// the request was first recorded, before which nothing of it can have been sent.
    fn find_made(
        &self,
        request: &WorkflowStep,
        account: Option<&AccountId>,
        begun: DateTime<Utc>,
    ) -> Result<Option<Box<str>>, TargetError>;

    /// Carries the request out; gives the id of what was made, if something was.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`]. After [`ErrorKind::Unsettled`] the caller looks with [`RunWorkflows::find_made`].
    fn perform(&self, request: &WorkflowStep, account: Option<&AccountId>) -> Result<Option<Box<str>>, TargetError>;
}

/// What went wrong with a target, without any secret and without any value of an employee.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TargetError {
    /// What it means for the rest of the run.
    pub kind: ErrorKind,
    /// A lower-case fragment: what the service said, and where it helps, what to try.
    pub message: String,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The service's own code for it, where it has codes.
    pub said: Option<Box<str>>,
    /// The fields that the service refuses of this one, where it took everything else.
    pub fields: Vec<Box<str>>,
}

/// What an error means for the rest of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// This record was refused; others may go on.
    Refused,
    /// An account with this key exists already; the caller looks it up.
    Exists,
    /// The account is not there (any more).
    NotFound,
    /// The sign-in was refused: no further request makes sense.
    SignIn,
    /// The account was changed by somebody else since it was read, and nothing was done. The caller looks whether what
    /// is to be changed is still as it was, and tries once more.
    Changed,
    /// Signed in, but without the right to do this.
    Rights,
    /// The service did not take the request (refused connection, out of order). Nothing happened.
    Unavailable,
    /// The service had too many requests, and still had them after all the waiting. Nothing happened.
    Busy,
    /// The request may have been carried out, but no answer came. The caller looks.
    Unsettled,
    /// The service took the request and carries it out in its own time. The caller looks, and so does the next run.
    Pending,
    /// The answer is not what the service is known to send.
    Unexpected,
    /// The process was asked to stop before the request was sent. Nothing happened.
    Interrupted,
}

impl ErrorKind {
    /// What a request without an answer means; `writes` says whether it would have changed something.
    pub(crate) fn unanswered(error: &HttpError, writes: bool) -> Self {
        match error {
            HttpError::Lost { .. } | HttpError::TooLarge { .. } if writes => Self::Unsettled,
            HttpError::NotSent { .. } | HttpError::Lost { .. } | HttpError::Busy(_) => Self::Unavailable,
            HttpError::Interrupted { .. } => Self::Interrupted,
            HttpError::SignIn(_) => Self::SignIn,
            HttpError::ForeignLink(_) | HttpError::TooLarge { .. } => Self::Unexpected,
        }
    }

    /// A stable code for JSON and history.
    pub fn code(self) -> Code {
        match self {
            Self::Refused => Code::Refused,
            Self::Exists => Code::AlreadyExists,
            Self::NotFound => Code::AccountNotFound,
            Self::SignIn => Code::SignInRefused,
            Self::Changed => Code::ChangedMeanwhile,
            Self::Rights => Code::RightMissing,
            Self::Unavailable | Self::Busy => Code::Unavailable,
            Self::Unsettled => Code::OutcomeUnknown,
            Self::Pending => Code::Pending,
            Self::Unexpected => Code::UnexpectedAnswer,
            Self::Interrupted => Code::Interrupted,
        }
    }
}

impl TargetError {
    /// An error without an HTTP status.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, said: None, fields: Vec::new() }
    }

    /// The same, with the status of the answer.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}
