//! What people and machines see: results on standard output, progress and messages on standard error.

pub mod checklist;
pub(crate) mod grouped;
pub mod json;
pub(crate) mod listing;
pub mod markdown;
mod progress;
pub mod report;
pub mod table;
pub(crate) mod visible;

pub use progress::{Bars, Terminal, terminal_width};

use crate::code::Code;
use crate::plan::Plan;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One document for programs; see `docs/json.md` for its shape.
    Json,
    /// For a pull request or a ticket.
    Markdown,
}

/// Whether a document shows what should be done or what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Before.
    Plan,
    Report,
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

/// A plan or a report with everything around it, ready to be written in any format.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// Before or after.
    pub kind: Kind,
    /// The changes; `None` when the run failed before there was a plan.
    pub plan: Option<&'a Plan>,
    pub exit_code: u8,
    /// Why the exit status is not 0, and more.
    pub problems: &'a [Problem],
}
