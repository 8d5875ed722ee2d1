//! Exit statuses: public, and never re-used for something else.

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::code::Code;

/// Why a run ends with another status than 0. In the order of precedence: if several apply, the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// 130: stopped by SIGINT after winding down.
    Interrupted,
    /// 143: stopped by SIGTERM after winding down.
    Terminated,
    /// 1: a mistake of ours.
    Internal,
    /// 2: usage or configuration; nothing was contacted.
    Usage,
    /// 7: sign-in or rights refused.
    Refused,
    /// 11: another run holds the lock.
    Locked,
    /// 5: the source is not trusted; no removals were made.
    SourceUnproven,
    /// 8: the plan is refused, or the approval is missing.
    NotApproved,
    /// 6: the source, a target or the state is unavailable.
    Unavailable,
    /// 4: a safety rail holds something; the rest is done.
    Held,
    /// 3: finished, some people failed.
    SomeFailed,
    /// 10: changes are pending (`plan --detailed-exitcode` only).
    ChangesPending,
}

impl Reason {
    pub fn code(self) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Refused => 7,
            Self::Locked => 11,
            Self::SourceUnproven => 5,
            Self::NotApproved => 8,
            Self::Unavailable => 6,
            Self::Held => 4,
            Self::SomeFailed => 3,
            Self::ChangesPending => 10,
        }
    }

    /// The stable code in `problems`.
    pub fn word(self) -> Code {
        match self {
            Self::Interrupted => Code::Interrupted,
            Self::Terminated => Code::Terminated,
            Self::Internal => Code::InternalError,
            Self::Usage => Code::Usage,
            Self::Refused => Code::SignInOrRightsRefused,
            Self::Locked => Code::Locked,
            Self::SourceUnproven => Code::SourceUnproven,
            Self::NotApproved => Code::NotApproved,
            Self::Unavailable => Code::Unavailable,
            Self::Held => Code::Held,
            Self::SomeFailed => Code::SomeFailed,
            Self::ChangesPending => Code::ChangesPending,
        }
    }
}

/// All reasons that apply to a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons(BTreeSet<Reason>);

impl Reasons {
    pub fn add(&mut self, reason: Reason) {
        self.0.insert(reason);
    }

    /// The first in precedence.
    pub fn first(&self) -> Option<Reason> {
        self.0.first().copied()
    }

    /// The status: that of the first reason in precedence, or 0.
    pub fn code(&self) -> u8 {
        self.0.first().map_or(0, |reason| reason.code())
    }

    /// The same for the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        Self(BTreeSet::from([reason]))
    }
}

/// A reason for an exit status, or another thing the whole run has to say.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub code: Code,
    pub message: String,
    /// The target it is about, if one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Box<str>>,
    /// Line in the configuration file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in the configuration file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl Problem {
    /// About the run as a whole.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), target: None, line: None, column: None }
    }

    /// The same, about one target.
    pub fn target(mut self, name: &str) -> Self {
        self.target = Some(name.into());
        self
    }
}

/// Why a command ends without a result.
#[derive(Debug)]
pub struct Failure {
    pub reason: Reason,
    /// What is wrong, one entry a problem.
    pub problems: Vec<Problem>,
    /// For people; the problems' messages when empty.
    pub text: String,
}

impl Failure {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { reason, text: format!("error: {message}"), problems: vec![Problem::new(reason.word(), message)] }
    }

    /// The same, where other reasons apply as well: the first in precedence counts, and all are listed.
    pub fn among(mut self, reasons: &Reasons, problems: Vec<Problem>) -> Self {
        self.reason = reasons.first().map_or(self.reason, |first| first.min(self.reason));
        self.text = problems.iter().fold(self.text, |text, problem| format!("{text}\n{}", problem.message));
        self.problems.extend(problems);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_as_documented() {
        use Reason::*;
        let order = [
            Interrupted,
            Terminated,
            Internal,
            Usage,
            Refused,
            Locked,
            SourceUnproven,
            NotApproved,
            Unavailable,
            Held,
            SomeFailed,
            ChangesPending,
        ];
        assert_eq!(order.map(Reason::code), [130, 143, 1, 2, 7, 11, 5, 8, 6, 4, 3, 10]);
        let mut reasons = Reasons::default();
        assert_eq!(reasons.code(), 0);
        for reason in order.into_iter().rev() {
            reasons.add(reason);
            assert_eq!(reasons.code(), reason.code());
        }
    }
}
