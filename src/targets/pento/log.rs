//! The words of Pento's sync log, from what happened here.

use crate::plan::{Change, Op, Outcome, Skip};

/// What happened to one employee.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Something was to be changed. `kept` names fields that could not be written and stayed as they were.
    Change {
        /// With its outcome, unless it is still a plan.
        change: &'a Change,
        /// Fields of the mapping that were left as they are, by name.
        kept: &'a [Box<str>],
    },
    /// Nothing was done, for a reason.
    Skip(&'a Skip),
    /// Nothing had to be done.
    InSync {
        /// As for a change.
        kept: &'a [Box<str>],
    },
    /// The filters exclude the employee.
    OutOfScope,
}

/// The status in Pento's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStatus {
    /// All of it.
    Successful,
    /// Nothing, on purpose.
    Skipped,
    /// Nothing, because of the data or the delivery.
    Failed,
    /// A part of it.
    Incomplete,
}

impl LogStatus {
    /// Pento's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "Successful",
            Self::Skipped => "Skipped",
            Self::Failed => "Failed",
            Self::Incomplete => "Incomplete",
        }
    }
}

/// A line of the log, without any value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// How it went.
    pub status: LogStatus,
    /// Pento's explanation where it has one; our own words otherwise.
    pub explanation: String,
}

/// What Pento's log would say.
pub fn log_entry(event: Event<'_>) -> LogEntry {
    let (status, explanation) = match event {
        Event::OutOfScope => (LogStatus::Skipped, "Excluded by filters".to_owned()),
        Event::Skip(skip) if skip.reason == "terminated_in_previous_tax_year" => {
            (LogStatus::Skipped, "Terminated in previous tax year".to_owned())
        }
        Event::Skip(skip) => (LogStatus::Failed, skip.detail.clone()),
        Event::InSync { kept } => settled("No fields updated".to_owned(), kept),
        Event::Change { change, kept } => match &change.outcome {
            None | Some(Outcome::Succeeded) => settled(done(change), kept),
            Some(Outcome::Failed { error, .. }) => (LogStatus::Failed, error.clone()),
            Some(Outcome::Held) => {
                let why = change.hold.as_ref().map_or("held back by a safety limit", |hold| &hold.detail);
                (LogStatus::Skipped, why.to_owned())
            }
            Some(Outcome::NotAttempted { error }) => (LogStatus::Failed, error.clone()),
        },
    };
    LogEntry { status, explanation }
}

fn done(change: &Change) -> String {
    match (change.op, change.fields.len()) {
        (Op::Create, _) => "Employee created".to_owned(),
        (_, 0) => "No fields updated".to_owned(),
        (_, 1) => "Updated 1 field".to_owned(),
        (_, count) => format!("Updated {count} fields"),
    }
}

fn settled(explanation: String, kept: &[Box<str>]) -> (LogStatus, String) {
    match kept {
        [] => (LogStatus::Successful, explanation),
        kept => (LogStatus::Incomplete, format!("{explanation}; left as they are: {}", kept.join(", "))),
    }
}
