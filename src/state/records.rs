use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::http::Requests;
use crate::plan::Op;

use super::Fingerprint;

/// Who did something: a user of a machine. Both are empty where an earlier version did not keep them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Who {
    /// The user of the operating system.
    pub user: Box<str>,
    pub host: Box<str>,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} on {}", self.user, self.host))
    }
}

/// The number of a run; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for RunId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(RunId)
    }
}

/// The number of a job: that of its run, and its place in the run. Written `12.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId {
    pub run: RunId,
    /// The place in the run, from 1.
    pub number: i64,
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.run, self.number))
    }
}

impl std::str::FromStr for JobId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts =
            text.trim().split_once('.').and_then(|(run, number)| Some((run.parse().ok()?, number.parse().ok()?)));
        let (run, number) = parts.ok_or_else(|| format!("`{text}` is not the number of a job, such as 12.3"))?;
        Ok(Self { run, number })
    }
}

/// How an employee and an account came together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This tool made the account.
    Created,
    /// The account was there and matched.
    Matched,
    /// It was that of an earlier profile of the same person.
    HandedOver,
    /// Somebody said so, with `link`.
    ByHand,
}

impl Origin {
    /// The word in the state and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Matched => "matched",
            Self::HandedOver => "handed_over",
            Self::ByHand => "by_hand",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Created, Self::Matched, Self::HandedOver, Self::ByHand]
            .into_iter()
            .find(|origin| origin.as_str() == text)
    }
}

/// Whose account it is, in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub employee: EmployeeId,
    pub account: AccountId,
    pub origin: Origin,
    pub created_at: DateTime<Utc>,
    /// When it was last found to be right.
    pub verified_at: DateTime<Utc>,
}

/// A write in the journal: its run, and its place in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId {
    pub(super) run: RunId,
    pub(super) position: i64,
}

/// After so many successful writes of one value to one field of an employee, it is left alone.
pub const WRITES_BEFORE_GIVING_UP: u64 = 3;

/// What was given up is tried again after so long: services are put right.
pub const DAYS_GIVEN_UP: i64 = 7;

/// A write that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredIntent {
    /// For whom; `None` for a named thing that accounts refer to.
    pub employee: Option<EmployeeId>,
    /// To which account; `None` when it is yet to be made.
    pub account: Option<AccountId>,
    pub op: Op,
    /// The names of the fields that are sent.
    pub fields: Vec<Box<str>>,
    /// Of the values that are sent.
    pub fingerprint: Fingerprint,
    /// Whose account it was, when it goes to another profile. The link moves with the intent: whatever becomes of
    /// the write, the account has one owner.
    pub from: Option<EmployeeId>,
}

/// A write of an earlier run whose outcome is not known. Settled by looking at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    /// Its place in the journal.
    pub id: JournalId,
    pub at: DateTime<Utc>,
    /// Whether it is known to have been sent (its answer was lost). Otherwise it may or may not have been.
    pub sent: bool,
    /// Whether the target took it and carries it out in its own time.
    pub pending: bool,
    /// What was to be written.
    pub intent: StoredIntent,
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    Done,
    /// It is done, and the account is there no more: nobody has it any longer.
    Removed,
    /// It is certain that it was not done.
    Failed {
        code: Box<str>,
    },
    /// It was sent and no answer came.
    Unknown,
    /// The target took it and carries it out in its own time.
    Pending,
}

/// A write of the journal with what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its place in the journal.
    pub id: JournalId,
    pub settlement: Settlement,
    /// The link that it made or confirmed, stored together with the outcome. Of a handover that failed, the link that it
    /// had moved and that is put back.
    pub link: Option<Link>,
}

/// A field that was written with the same value in one run after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    pub employee: EmployeeId,
    pub field: Box<str>,
    pub value: Fingerprint,
    /// How often it was written.
    pub writes: u64,
    /// When it was written first.
    pub first_at: DateTime<Utc>,
    /// When it was written last.
    pub last_at: DateTime<Utc>,
}

/// A field that was written successfully.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub employee: EmployeeId,
    pub field: Box<str>,
    pub value: Fingerprint,
    /// How often this counts: once, or often enough to be left alone when it was read back and was not stored.
    pub writes: u64,
}

/// What is known of a target as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRecord {
    /// As the file names it.
    pub target: Box<str>,
    /// The account behind it at the last run; another one now means that the links are not of this account.
    pub identity: Option<Box<str>>,
    /// When a run of all of it first ended well; `None` until then.
    pub first_completed_at: Option<DateTime<Utc>>,
    /// When a run of all of it first left nobody to make; `None` until then.
    pub all_made_at: Option<DateTime<Utc>>,
    /// When a run of all of it last began.
    pub last_started: Option<DateTime<Utc>>,
    /// When a run of all of it last ended.
    pub last_finished: Option<DateTime<Utc>>,
    /// When a run of all of it last ended with everybody in line.
    pub last_ok: Option<DateTime<Utc>>,
    /// Of its section of the file at its last run.
    pub section: Option<Fingerprint>,
    /// Of its filters, as they were last accepted.
    pub scope: Option<Fingerprint>,
    /// What came of its last run, of all of it or not.
    pub last: Option<RunTarget>,
    /// What came of the last run of all of it that could read it.
    pub last_whole: Option<RunTarget>,
}

impl TargetRecord {
    /// What came of its last run of all of it; of its last run where there was none.
    pub fn last_of_all(&self) -> Option<&RunTarget> {
        self.last_whole.as_ref().or(self.last.as_ref())
    }

    /// How many are in line. Versions before kept how many needed nothing.
    pub fn in_line(&self) -> u64 {
        let known = self.last.as_ref().and_then(|last| last.in_line);
        known.or_else(|| Some(self.last_of_all()?.in_sync)).unwrap_or_default()
    }

    /// Why its last run could read nothing; `None` when it could.
    pub fn unread(&self) -> Option<&str> {
        self.last.as_ref()?.unread.as_deref()
    }

    /// How many are out of line.
    pub fn not_in_line(&self) -> u64 {
        self.last.as_ref().map(|last| last.not_in_line).unwrap_or_default()
    }
}

/// What is remembered of one target before it is planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTarget {
    /// As a whole; `None` when there was no run yet.
    pub record: Option<TargetRecord>,
    /// Sorted by employee.
    pub links: Vec<Link>,
    /// In the order in which they were recorded.
    pub open: Vec<OpenIntent>,
    /// Writes of the last 24 hours to the account that it was last bound to, by [`Op`], those that are certain to have
    /// failed left out. The limits for a day count these.
    pub recent: BTreeMap<Op, u64>,
    /// How often each account was taken out of use in the last 24 hours, as far as the limits count it.
    pub removals: BTreeMap<AccountId, u64>,
    /// Accounts that were taken out of use and not brought back since, as far as the journal reaches.
    pub removed: BTreeSet<AccountId>,
    /// Sorted by employee and field.
    pub repeats: Vec<Repeat>,
    /// Fields that the service takes and does not store, sorted.
    pub unstored: Vec<Box<str>>,
}

impl StoredTarget {
    /// Whether no run of all of the target ever ended well.
    pub fn is_first_run(&self) -> bool {
        self.record.as_ref().is_none_or(|record| record.first_completed_at.is_none())
    }

    /// The filters, as they were last accepted.
    pub fn scope(&self) -> Option<&Fingerprint> {
        self.record.as_ref()?.scope.as_ref()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStart<'a> {
    pub at: DateTime<Utc>,
    /// What was asked for, without secrets: `sync service-desk --yes`.
    pub command: &'a str,
    /// The day it works for.
    pub as_of: NaiveDate,
    /// The version of this tool.
    pub tool: &'a str,
    pub by: &'a Who,
    /// The targets it will run in full; empty when it is for single employees.
    pub targets: &'a [&'a str],
}

/// What came of an employee in one target in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    Succeeded,
    /// Something was refused or not possible.
    Failed,
    /// A safety rail holds it.
    Held,
    /// Nothing was done although something might be expected.
    Skipped,
    /// The run ended before its turn.
    NotAttempted,
}

impl JobStatus {
    pub const ALL: [Self; 5] = [Self::Succeeded, Self::Failed, Self::Held, Self::Skipped, Self::NotAttempted];

    /// The word in tables, JSON and filters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Skipped => "skipped",
            Self::NotAttempted => "not_attempted",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// One request that was made for an employee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `PUT`.
    pub method: Box<str>,
    /// Without its query; a part that holds an e-mail address is stored as `…`.
    pub path: Box<str>,
    /// The answer's status; `None` when no answer came.
    pub status: Option<u16>,
}

/// What came of one step of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// The workflow, as the file names it.
    pub workflow: Box<str>,
    /// The step's place in it, from 0.
    pub step: usize,
    pub action: Box<str>,
    pub status: JobStatus,
    /// Why it was not done, without any value of an employee; versions before kept it for the job alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<str>>,
    /// Calls that it took; `None` where that was not kept.
    #[serde(default)]
    pub calls: Option<u64>,
}

/// What came of one employee in one target in one run. Employees that needed nothing have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    pub target: Box<str>,
    pub employee: EmployeeId,
    /// Their name, only when the file says `keep_names = true`.
    pub name: Option<Box<str>>,
    /// What was to be done, in order.
    pub ops: Vec<Op>,
    /// The names of the fields it was about.
    pub fields: Vec<Arc<str>>,
    pub status: JobStatus,
    /// A stable code of the error, hold or skip.
    pub code: Option<Box<str>>,
    /// The same in words, without any value of an employee.
    pub error: Option<Box<str>>,
    pub advice: Option<Box<str>>,
    /// Every request, in order.
    pub steps: Vec<Step>,
    /// The steps of workflows among it, in order.
    pub workflows: Vec<StepOutcome>,
}

/// A job as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub job: NewJob,
    /// Until when somebody has seen to it that it is not reported as new.
    pub acknowledged_until: Option<DateTime<Utc>>,
    pub acknowledged_reason: Option<Box<str>>,
    /// When somebody did, and who; `None` before that was kept.
    pub acknowledged_by: Option<(DateTime<Utc>, Who)>,
}

/// Which jobs to list; `None` is any.
#[derive(Clone, Debug, Default)]
pub struct JobFilter<'a> {
    pub status: Option<JobStatus>,
    pub target: Option<&'a str>,
    pub run: Option<RunId>,
    pub employee: Option<EmployeeId>,
    /// Older than this one: the last of the page before.
    pub before: Option<JobId>,
    /// Of runs that began then or later.
    pub since: Option<DateTime<Utc>>,
}

/// What came of one target in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTarget {
    pub run: RunId,
    pub target: Box<str>,
    pub finished_at: DateTime<Utc>,
    /// Whether it could be read and worked through.
    pub ok: bool,
    /// The code of why nothing of it could be read, or of Personio.
    pub unread: Option<Box<str>>,
    /// How many were in line when it had ended; `None` where that was not kept.
    pub in_line: Option<u64>,
    /// How many were out of line then.
    pub not_in_line: u64,
    /// Whether everybody was looked at, not only some employees.
    pub whole: bool,
    pub in_sync: u64,
    pub jobs: BTreeMap<&'static str, u64>,
    /// Calls made to the target.
    pub tasks: u64,
    /// What it was sent; `None` where that was not kept.
    pub requests: Option<Requests>,
}

/// Calls made to a target in a day, or in a longer period of which earlier versions kept no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodTasks {
    pub period: Box<str>,
    pub target: Box<str>,
    pub tasks: u64,
}

/// A run as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub started_at: DateTime<Utc>,
    /// When it ended, never before it began; `None` when it runs still, or was killed.
    pub finished_at: Option<DateTime<Utc>>,
    pub exit_code: Option<u8>,
    pub command: Box<str>,
    /// The day it worked for.
    pub as_of: NaiveDate,
    /// The version of this tool.
    pub tool: Box<str>,
    /// Who ran it; `None` before that was kept.
    pub by: Option<Who>,
    /// What the source was sent; `None` where that was not kept.
    pub source_requests: Option<Requests>,
    /// Sorted by target.
    pub targets: Vec<RunTarget>,
}

/// Who is in line with a target, as far as a run looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InLine {
    /// Whose account is as it should be.
    pub people: BTreeSet<EmployeeId>,
    /// Whose account should be, and is not.
    pub out: BTreeSet<EmployeeId>,
    /// Whose account was taken out of use.
    pub removed: BTreeSet<EmployeeId>,
    /// Named things that belong to nobody alone and could not be made: a department.
    pub unmade: u64,
    /// Those that were made.
    pub made: u64,
}

impl InLine {
    /// How many are out of line; with any, a run is no success.
    pub fn not_in_line(&self) -> u64 {
        self.out.len() as u64 + self.unmade
    }
}

/// How a run ended for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetEnd {
    /// As the file names it.
    pub target: Box<str>,
    /// The account behind it.
    pub identity: Box<str>,
    /// Whether it could be read and worked through.
    pub ok: bool,
    /// The code of why nothing of it could be read, or of Personio.
    pub unread: Option<Box<str>>,
    /// Who is in line now and who is not, as far as it looked; `None` when it could not read the target.
    pub in_line: Option<InLine>,
    /// Whether everybody was looked at, not only some employees.
    pub whole: bool,
    /// Whether nobody is left to make.
    pub all_made: bool,
    /// Employees whose account needed nothing, also those with a field that was left alone.
    pub in_sync: u64,
    /// Employees that were looked at and needed nothing at all; not those with a field that was left alone or held.
    pub unchanged: Vec<EmployeeId>,
    /// Fields of updates that succeeded; counted to find those that never settle.
    pub written: Vec<Written>,
    /// Fields that the service was found not to store; after a whole run these replace what was known.
    pub unstored: Vec<Box<str>>,
    /// Of its section of the file.
    pub section: Fingerprint,
    /// Of its filters, when removals that rest on them may be made from now on; `None` keeps what was accepted before.
    pub scope: Option<Fingerprint>,
    /// Calls made to the target.
    pub tasks: u64,
    /// What it was sent; `None` where that was not kept.
    pub requests: Option<Requests>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd<'a> {
    pub run: RunId,
    pub at: DateTime<Utc>,
    pub exit_code: u8,
    /// The day that its calls count for: `2026-11-22`.
    pub period: &'a str,
    /// What the source was sent.
    pub source_requests: Requests,
    /// The targets it worked on.
    pub targets: &'a [TargetEnd],
    /// Everybody that something came of.
    pub jobs: &'a [NewJob],
}

/// The end of a run that found nothing to work on: Personio could not be read.
#[derive(Clone, Copy, Debug)]
pub struct FailedRun<'a> {
    pub run: RunId,
    pub at: DateTime<Utc>,
    pub exit_code: u8,
    pub code: &'a str,
    /// What the source was sent.
    pub source_requests: Requests,
    /// The targets it would have worked on.
    pub targets: &'a [&'a str],
    /// Whether it was for everybody.
    pub whole: bool,
}

/// When an employee was last found, or brought, in line with a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSeen {
    pub target: Box<str>,
    pub run: RunId,
    pub at: DateTime<Utc>,
}

/// Something that is done once and never again: a workflow's request, an invitation, an upload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnceOnly {
    pub target: Box<str>,
    pub employee: EmployeeId,
    pub once: Once,
}

/// What is done once, without values of the employee.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Once {
    /// A step of a workflow, for what set the workflow off: `onboarding:2026-12-01`.
    Step { workflow: Box<str>, event: Box<str>, step: usize },
    /// What a workflow has seen of the attributes that it watches.
    Seen { workflow: Box<str>, fingerprint: Box<str> },
    /// A document, by what tells it apart from others.
    Upload(Box<str>),
}

/// All of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceKind<'a> {
    /// The steps of a workflow.
    Steps(&'a str),
    /// What a workflow has seen.
    Seen(&'a str),
    Uploads,
}

impl OnceKind<'_> {
    /// As the table has it.
    pub(super) fn word(self) -> String {
        match self {
            Self::Steps(workflow) => format!("workflow {workflow}"),
            Self::Seen(workflow) => format!("seen {workflow}"),
            Self::Uploads => "upload".into(),
        }
    }

    /// One of this sort behind its text in the table; `None` for what no version writes.
    pub(super) fn read(self, action: &str) -> Option<Once> {
        Some(match self {
            Self::Steps(workflow) => {
                let (event, step) = action.rsplit_once('/')?;
                Once::Step { workflow: workflow.into(), event: event.into(), step: step.parse().ok()? }
            }
            Self::Seen(workflow) => Once::Seen { workflow: workflow.into(), fingerprint: action.into() },
            Self::Uploads => Once::Upload(action.into()),
        })
    }
}

impl Once {
    pub fn kind(&self) -> OnceKind<'_> {
        match self {
            Self::Step { workflow, .. } => OnceKind::Steps(workflow),
            Self::Seen { workflow, .. } => OnceKind::Seen(workflow),
            Self::Upload(_) => OnceKind::Uploads,
        }
    }

    /// As the table has it.
    pub(super) fn action(&self) -> String {
        match self {
            Self::Step { event, step, .. } => format!("{event}/{step}"),
            Self::Seen { fingerprint, .. } => fingerprint.to_string(),
            Self::Upload(what) => what.to_string(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    pub what: OnceOnly,
    /// When it was about to be sent.
    pub opened_at: DateTime<Utc>,
    /// When it was known to be done; `None` while that is not known.
    pub closed_at: Option<DateTime<Utc>>,
    /// The service's number for it.
    pub external_id: Option<Box<str>>,
}

/// Something that a person has confirmed, as the caller wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Ids and hashes only.
    pub content: Box<str>,
    pub at: DateTime<Utc>,
}

/// The operation behind its public word.
pub(super) fn op(word: &str) -> Option<Op> {
    Op::ALL.into_iter().find(|op| op.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_numbers_read_back_as_they_are_written() {
        let id = JobId { run: RunId(12), number: 3 };
        assert_eq!(id.to_string(), "12.3");
        assert_eq!("12.3".parse(), Ok(id));
        for wrong in ["12", "12.", ".3", "a.b", ""] {
            assert!(wrong.parse::<JobId>().is_err(), "{wrong}");
        }
    }
}
