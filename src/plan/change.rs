use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::code::Code;
use crate::employee::EmployeeId;

use super::{Action, Checklist, WorkflowStep};
use crate::field::{AccountId, FieldIndex, FieldValue};
use crate::words::phrase;
use crate::zone::LocalTime;

/// What is done to an account. The words are public (JSON).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Something named that accounts refer to is made: a department, a location, a cost centre.
    Reference,
    /// An account is made.
    Create,
    /// A deactivated account is brought back, and its fields are set.
    Reactivate,
    /// The account of an old profile goes to the new profile of the same person.
    Handover,
    /// Fields of an account are changed.
    Update,
    /// An account is taken out of use.
    Deactivate,
    Request,
}

impl Op {
    /// The word in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Create => "create",
            Self::Reactivate => "reactivate",
            Self::Handover => "handover",
            Self::Update => "update",
            Self::Deactivate => "deactivate",
            Self::Request => "request",
        }
    }
}

impl Op {
    /// All of them, in the order in which a plan lists them.
    pub const ALL: [Self; 7] = [
        Self::Reference,
        Self::Create,
        Self::Reactivate,
        Self::Handover,
        Self::Update,
        Self::Deactivate,
        Self::Request,
    ];
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One field's way from what is to what should be.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Which field of the target's schema.
    pub index: FieldIndex,
    pub field: Arc<str>,
    pub before: FieldValue,
    pub after: FieldValue,
}

/// Whose account goes to whom, for an [`Op::Handover`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    pub from: EmployeeId,
    /// The keys that agree: names of match fields, and of attributes that both profiles share.
    pub keys: Vec<Box<str>>,
    /// The last day of the old profile, as far as it is known.
    pub last_day: Option<NaiveDate>,
    /// The first day of the new one, as far as it is known.
    pub hire_date: Option<NaiveDate>,
    /// Whether the account is out of use and is brought back.
    pub brings_back: bool,
}

impl FieldChange {
    /// Whether a value is lost by it; filling an empty field loses nothing.
    pub fn overwrites(&self) -> bool {
        !self.before.is_empty()
    }
}

/// One intended write, and after applying also what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub op: Op,
    /// For whom; `None` for a [`Op::Reference`], and for a team that people set up by hand.
    pub employee: Option<EmployeeId>,
    /// To which account; `None` when it is yet to be made.
    pub account: Option<AccountId>,
    /// Why, as a stable code: `left`, `out_of_scope`, `missing`.
    pub reason: Option<Code>,
    /// Why, in words: `left on 2026-03-31`.
    pub detail: Option<String>,
    /// The fields, in the order of the mapping.
    pub fields: Vec<FieldChange>,
    /// Fields that hold what they should and are written again all the same, because reactivating loses them.
    pub rewrite: Vec<FieldChange>,
    /// The step of a workflow, for an [`Op::Request`].
    pub request: Option<Box<WorkflowStep>>,
    /// From whom, and why, for an [`Op::Handover`].
    pub handover: Option<Box<Handover>>,
    /// What keeps it from being carried out, if anything does.
    pub hold: Option<Hold>,
    /// What came of it; `None` in a plan.
    pub outcome: Option<Outcome>,
}

impl Change {
    /// One that changes nothing yet: for whom, and what is done.
    pub fn new(op: Op, employee: Option<EmployeeId>) -> Self {
        Self {
            op,
            employee,
            account: None,
            reason: None,
            detail: None,
            fields: Vec::new(),
            rewrite: Vec::new(),
            request: None,
            handover: None,
            hold: None,
            outcome: None,
        }
    }

    /// Everything that makes it this change and no other, for a fingerprint: what is done to whom, on what grounds, and
    /// from which values to which. What holds it, and what came of it, is no part of it.
    pub fn parts(&self) -> Vec<String> {
        // Named one by one, so that a new field does not compile until it is said whether it counts.
        let Self { op, employee, account, reason, detail, fields, rewrite: _, request, handover, hold: _, outcome: _ } =
            self;
        let value = |value: &FieldValue| serde_json::to_string(value).expect("a value is JSON");
        let mut parts = vec![
            op.as_str().to_owned(),
            employee.map(|employee| employee.to_string()).unwrap_or_default(),
            account.as_ref().map(|account| account.0.to_string()).unwrap_or_default(),
            reason.map_or("", Code::as_str).to_owned(),
            detail.clone().unwrap_or_default(),
        ];
        if let Some(request) = request {
            let WorkflowStep { workflow, step, action, employee: _, event, day, fields: _, results: _ } = &**request;
            let texts = [workflow.to_string(), step.to_string(), action.to_string(), event.to_string()];
            parts.extend(texts);
            parts.push(day.to_string());
        }
        if let Some(handover) = handover {
            let Handover { from, keys, last_day, hire_date, brings_back } = &**handover;
            parts.extend([from.to_string(), keys.join(" "), format!("{last_day:?} {hire_date:?} {brings_back}")]);
        }
        for FieldChange { index: _, field, before, after } in fields {
            parts.extend([field.to_string(), value(before), value(after)]);
        }
        parts
    }

    /// Whether it takes an account out of use, by whatever way.
    pub fn removes(&self) -> bool {
        self.op == Op::Deactivate
            || self.request.as_ref().is_some_and(|request| request.action == Action::DeactivateRequester)
    }
}

impl Change {
    /// How many calls it takes, about.
    pub fn calls(&self) -> u64 {
        match self.op {
            // Managers are made first, so a reference to them goes along.
            Op::Create | Op::Update | Op::Deactivate | Op::Reference => 1,
            Op::Handover if !self.handover.as_ref().is_some_and(|handover| handover.brings_back) => 1,
            // Bringing back, reading what is left, writing the rest.
            Op::Reactivate | Op::Handover => 3,
            // Looking whether it was made before, and making it.
            Op::Request => 2,
        }
    }
}

/// A safety rail that keeps a change from being carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// A stable code: `max_deactivate`, `first_run`, `source_unproven`, `filters_changed`.
    pub code: Code,
    /// Number, limit and denominator, and the name of the setting.
    pub detail: String,
}

impl Hold {
    /// What answers the hold, where the approval of single changes does not: it is no doubt about these people, but
    /// about all that was read, or about the run as a whole.
    pub fn answer(code: Code) -> Option<String> {
        matches!(code, Code::SourceUnproven | Code::TargetUnproven | Code::FirstRun | Code::Budget)
            .then(|| phrase(code.remedy()))
    }
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    /// Refused or not possible.
    Failed {
        /// For people: what the target said and what to try; no values of the employee.
        error: String,
        code: Code,
    },
    /// The target took it and carries it out in its own time; a later run sees what came of it.
    Pending {
        detail: String,
    },
    /// A safety rail holds it.
    Held,
    /// The run ended, or the target was left alone, before its turn.
    NotAttempted {
        error: String,
    },
}

impl Outcome {
    pub fn status(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Pending { .. } => "pending",
            Self::Held => "held",
            Self::NotAttempted { .. } => "not_attempted",
        }
    }

    /// What went wrong, or what is still awaited.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { error, .. } | Self::NotAttempted { error } | Self::Pending { detail: error } => Some(error),
            _ => None,
        }
    }
}

/// An employee for whom nothing is done although something might be expected, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    pub employee: EmployeeId,
    /// A stable code: `match_key_missing`, `match_key_shared`, `several_accounts`.
    pub reason: Code,
    /// The reason in words; names other employees by id, never a value.
    pub detail: String,
}

/// Something an operator should know; nothing failed because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub code: Code,
    /// Whom it is about, if one employee.
    pub employee: Option<EmployeeId>,
    /// The field of theirs that is left as it is because of it, if it says that.
    pub field: Option<Box<str>>,
    /// In words, without values.
    pub message: String,
}

impl Notice {
    /// Of the target or the run as a whole.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, employee: None, field: None, message: message.into() }
    }

    pub fn about(employee: EmployeeId, code: Code, message: impl Into<String>) -> Self {
        Self { employee: Some(employee), ..Self::new(code, message) }
    }
}

/// Whether a target takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetStatus {
    Ready,
    /// The file says `paused = true`.
    Paused,
    /// A rail holds all of it.
    Held,
    /// It could not be read, or refused the sign-in.
    Failed,
}

impl TargetStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TargetPlan {
    /// As the file names it.
    pub name: Box<str>,
    /// Its type: `freshservice`.
    pub kind: &'static str,
    pub status: TargetStatus,
    /// Why not, if it does not.
    pub reason: Option<String>,
    /// Sorted by operation, then employee.
    pub changes: Vec<Change>,
    /// Sorted by employee.
    pub skipped: Vec<Skip>,
    /// Accounts nobody owns, sorted; listed and untouched.
    pub orphans: Vec<AccountId>,
    /// What an operator should know.
    pub notices: Vec<Notice>,
    /// Employees whose account needs nothing.
    pub in_sync: usize,
    /// What carrying it out will cost.
    pub forecast: Option<Forecast>,
    /// The changes in words, where people make them by hand.
    pub checklist: Option<Checklist>,
}

/// What carrying a plan out will cost, told from the number of changes and the known limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Forecast {
    /// Calls to the target, about.
    pub calls: u64,
    /// Minutes at the pace the target allows, rounded up; `None` when its limit is not known.
    pub minutes: Option<u64>,
}

impl Forecast {
    /// For the changes that are not held.
    pub fn of(changes: &[Change], calls_per_minute: Option<u32>) -> Self {
        let calls = changes.iter().filter(|change| change.hold.is_none()).map(Change::calls).sum();
        Self { calls, minutes: calls_per_minute.map(|pace| u64::div_ceil(calls, u64::from(pace.max(1)))) }
    }
}

/// How many of each, for one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize)]
pub struct Summary {
    /// Accounts to make.
    pub create: usize,
    /// Accounts that were to be made and turned out to be there already.
    pub found: usize,
    /// Accounts to change.
    pub update: usize,
    /// Accounts to bring back.
    pub reactivate: usize,
    /// Accounts that go to the new profile of the same person.
    pub handover: usize,
    /// Accounts to take out of use.
    pub deactivate: usize,
    /// Accounts that need nothing.
    pub in_sync: usize,
    /// Employees for whom nothing is done, with a reason each.
    pub skipped: usize,
    /// Changes that a rail holds.
    pub held: usize,
    pub failed: usize,
}

impl TargetPlan {
    /// A plan without any change.
    pub fn empty(name: impl Into<Box<str>>, kind: &'static str) -> Self {
        Self {
            name: name.into(),
            kind,
            status: TargetStatus::Ready,
            reason: None,
            changes: Vec::new(),
            skipped: Vec::new(),
            orphans: Vec::new(),
            notices: Vec::new(),
            in_sync: 0,
            forecast: None,
            checklist: None,
        }
    }

    /// Counts. Held changes count under `held` only, so that the rest adds up to what will be done.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { in_sync: self.in_sync, skipped: self.skipped.len(), ..Summary::default() };
        for change in &self.changes {
            if matches!(change.outcome, Some(Outcome::Failed { .. })) {
                summary.failed += 1;
            }
            if change.hold.is_some() {
                summary.held += 1;
                continue;
            }
            match change.op {
                Op::Create if change.reason == Some(Code::AccountFound) => summary.found += 1,
                Op::Create => summary.create += 1,
                Op::Update => summary.update += 1,
                Op::Reactivate => summary.reactivate += 1,
                Op::Handover => summary.handover += 1,
                Op::Deactivate => summary.deactivate += 1,
                Op::Reference | Op::Request => {}
            }
        }
        summary
    }

    /// Whether there is nothing to do, held changes included.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What was read from the source.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SourceSummary {
    /// How many employees were delivered.
    pub employees: usize,
    /// Whether the read is proven complete.
    pub complete: bool,
    /// Why not, if it is not.
    pub why_incomplete: Option<String>,
    /// When anybody was changed last, in the file's time zone; `None` where the file does not read `last_modified_at`.
    pub newest_change: Option<LocalTime>,
    /// That nobody was read but those who changed; `None` where everybody was.
    pub changes: Option<ChangesRead>,
}

/// A read of those who changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesRead {
    /// Since when, in the file's time zone.
    pub since: LocalTime,
    /// How many of them had not been looked at as they are now.
    pub looked_at: usize,
    /// When everybody is read again, in the file's time zone.
    pub full_due: Option<LocalTime>,
}

impl SourceSummary {
    /// That only changes were read, in words; `None` where everybody was read.
    pub fn changes_in_words(&self, today: NaiveDate) -> Option<String> {
        let ChangesRead { since, looked_at, full_due } = self.changes.as_ref()?;
        let full = full_due.as_ref().map(|moment| format!("; everything is read again from {moment} on"));
        Some(format!(
            "only changes: {} since {since} on {today}, {looked_at} of them not looked at before{}",
            crate::words::employees(self.employees),
            full.unwrap_or_default()
        ))
    }
}

/// Everything that should change, in every target.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The day it was made for, in the file's time zone.
    pub today: NaiveDate,
    pub source: SourceSummary,
    /// In the order of the file.
    pub targets: Vec<TargetPlan>,
    /// What an operator should know that belongs to no target.
    pub notices: Vec<Notice>,
}

impl Plan {
    /// Whether there is nothing to do anywhere.
    pub fn is_empty(&self) -> bool {
        self.targets.iter().all(TargetPlan::is_empty)
    }
}
