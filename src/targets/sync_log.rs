//! What a service's own sync log says of an employee, for those who know how to read that log.

use crate::code::Code;
use crate::plan::Op;

/// What came of one employee in a run.
#[derive(Clone, Copy, Debug)]
pub struct LogEvent<'a> {
    pub outcome: LogOutcome,
    /// What was done, or was to be done.
    pub ops: &'a [Op],
    /// How many fields it was about.
    pub fields: usize,
    /// What went wrong, or [`Code::FieldsLeftAlone`].
    pub code: Option<Code>,
    pub error: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOutcome {
    /// Done, all of it or, with the code [`Code::FieldsLeftAlone`], a part.
    Succeeded,
    /// Held back by a safety limit.
    Held,
    /// Left out, for a reason.
    Skipped,
    /// Refused, or its turn did not come.
    Failed,
}

/// What the service's own log says.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogLine {
    /// In the log's own words; empty where it has none.
    pub text: String,
    /// What to do about it, where that is known better than for any target.
    pub remedy: Option<&'static str>,
}
