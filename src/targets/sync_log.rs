//! What a service's own sync log says of an employee, for those who know how to read that log.

use crate::plan::Op;

/// What came of one employee in a run.
#[derive(Clone, Copy, Debug)]
pub struct LogEvent<'a> {
    pub outcome: LogOutcome,
    /// What was done, or was to be done.
    pub ops: &'a [Op],
    /// How many fields it was about.
    pub fields: usize,
    /// Our code of what went wrong, or [`PARTLY`]; empty when all went well.
    pub code: &'a str,
    pub error: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOutcome {
    /// Done, all of it or, with the code [`PARTLY`], a part.
    Succeeded,
    /// Held back by a safety limit.
    Held,
    /// Left out, for a reason.
    Skipped,
    /// Refused, or its turn did not come.
    Failed,
}

/// The code of a change that was made while other fields were left as they are.
pub const PARTLY: &str = "fields_left_alone";

/// What the service's own log says.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogLine {
    /// In the log's own words; empty where it has none.
    pub text: String,
    /// What to do about it, where that is known better than for any target.
    pub remedy: Option<&'static str>,
}
