//! What `plan` and `sync` are asked to look at.

use clap::Args;

use crate::employee::Sought;
use crate::sync::PrepareOptions;

use super::session::Session;
use super::{Failure, Process, finding};

/// What a run is about, and what it may do.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Only these targets
    #[arg(value_name = "TARGET")]
    pub(super) targets: Vec<String>,
    /// Only this employee: Personio's id, e-mail address, or name or a part of it; also on paused targets
    #[arg(long, value_name = "WHO")]
    employee: Option<Sought>,
    /// Read who changed since the last run that read everything, and their accounts; everything where that is due
    #[arg(long, conflicts_with_all = ["employee", "accept_removals", "accept_filter_change", "accept_source", "accept_attributes"])]
    changes: bool,
    /// Release held removals if they are exactly this many, and still the people last shown
    #[arg(long, value_name = "NUMBER")]
    accept_removals: Option<u64>,
    /// Accept that filters changed since the last run
    #[arg(long)]
    accept_filter_change: bool,
    /// Accept that Personio delivers far fewer people than in the last good run
    #[arg(long)]
    accept_source: bool,
    /// Accept that custom attributes changed their type or lost options since the last good run
    #[arg(long)]
    accept_attributes: bool,
}

impl Selection {
    /// With the targets that are left once an address of a sandbox is told from them.
    pub(super) fn options(
        &self,
        process: &Process,
        session: &Session,
        targets: &[String],
    ) -> Result<PrepareOptions, Failure> {
        let only = self.employee.as_ref().map(|who| finding::employee(process, session, who)).transpose()?;
        Ok(PrepareOptions {
            only,
            accepted_removals: self.accept_removals,
            accept_filter_change: self.accept_filter_change,
            accept_source: self.accept_source,
            accept_attributes: self.accept_attributes,
            changes: self.changes,
            ..PrepareOptions::new(session.today, targets)
        })
    }
}
