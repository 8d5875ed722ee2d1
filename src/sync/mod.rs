//! Prepare and apply: what a run does.
//!
//! Preparing reads the source and every target, through views that cannot write, and gives a
//! [`Plan`](crate::plan::Plan). Applying carries one out, change by change, and gives each an outcome.

mod apply;
#[cfg(test)]
mod apply_tests;
mod batches;
mod budget;
mod carry_out;
mod due;
mod imports;
mod in_line;
mod order;
mod prepare;
mod prove;
mod read_back;
mod release;
mod requests;
mod settle;
mod source;
mod step_checks;
mod still_held;
mod writers;

pub use apply::{Applied, ApplyOptions, Begun, Intent, JobOutcome, Journal, JournalFailed, apply};
pub use budget::{Budget, BudgetFinding, budgets};
pub use due::{DueTargets, Scheduled};
pub use in_line::{all_skipped, done_in_part, failing_skips, is_of_the_source, not_in_line, unseen_leavers};
pub use prepare::{
    GaveUp, OpenTarget, PrepareError, PrepareOptions, Prepared, PreparedTarget, Remembered, TargetMemory, prepare,
};
pub use read_back::{NotStored, read_back};
pub use release::{Decisions, Released, held_by, join_parts};
pub use settle::settle;
pub use source::SourceSeen;
pub use step_checks::check_workflows;
