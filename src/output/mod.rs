//! What people and machines see: results on standard output, progress and messages on standard error.

pub(crate) mod answer;
pub(crate) mod calendar;
pub mod checklist;
pub(crate) mod grouped;
pub mod json;
pub(crate) mod listing;
pub mod markdown;
pub mod mask;
pub(crate) mod overview;
mod page;
mod plan_file;
mod progress;
pub mod report;
pub mod table;
pub(crate) mod visible;

pub(crate) use answer::{Answer, Shown};
pub(crate) use page::page;
pub(crate) use plan_file::Origin;
pub use progress::{Bars, Terminal, terminal_width};

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::employee::EmployeeId;
use crate::exit::Problem;
use crate::http::Requests;
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
    /// For tables and Markdown; JSON has ids.
    pub names: Names<'a>,
    /// For JSON: what was sent to whom.
    pub requests: Option<RunRequests>,
}

/// What a run sent to the source and to each target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunRequests {
    pub source: Requests,
    /// By the target's name; those that took part.
    pub targets: BTreeMap<Box<str>, Requests>,
}

/// What employees are called, as far as whoever shows the document knows.
#[derive(Clone, Copy, Default)]
pub struct Names<'a>(pub Option<&'a dyn Fn(EmployeeId) -> Option<Box<str>>>);

impl Names<'_> {
    fn of(self, employee: EmployeeId) -> Option<Box<str>> {
        self.0.and_then(|name_of| name_of(employee))
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Names").field(&self.0.is_some()).finish()
    }
}
