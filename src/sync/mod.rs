//! A run: prepare, apply, and what is remembered.
//!
//! Preparing reads the source and every target, through views that cannot write, and gives a
//! [`Plan`](crate::plan::Plan). Applying carries one out, change by change, and gives each an outcome.

mod apply;
mod approvals;
mod attribute_lock;
mod batches;
mod budget;
mod caller;
mod carry_out;
mod changes;
mod complete;
mod confirm;
mod confirmed_rows;
mod decisions;
mod delivery;
mod due;
mod failures;
mod imports;
mod in_line;
mod job_records;
mod journal;
mod judge;
mod memory;
mod order;
mod prepare;
mod prepared;
mod prove;
mod read_back;
mod reference_names;
mod release;
mod requests;
mod reviewed;
mod run;
mod settle;
mod source;
mod standing;
mod step_checks;
mod still_held;
mod target_fields;
mod telling;
mod todos;
pub mod uploads;
mod writers;
mod writing;

pub use budget::{Budget, budgets};
pub use caller::Caller;
pub use decisions::Decisions;
pub use delivery::Delivery;
pub use due::{DueTargets, Scheduled};
pub use failures::{state_reason, target_reason};
pub use job_records::log_line;
pub use judge::judge;
pub use memory::{Memory, period, workflow_memory};
pub use prepare::prepare;
pub use prepared::{
    GaveUp, OpenTarget, PrepareError, PrepareOptions, Prepared, PreparedTarget, Remembered, SinceComplete, TargetMemory,
};
pub use reviewed::Reviewed;
pub use run::{Finished, Inputs, Operator};
pub use source::SourceSeen;
pub use standing::{metrics, observed_failure};
pub use step_checks::check_workflows;
pub use target_fields::{TargetField, TargetFields, step_form, target_fields};
pub use todos::Todos;
pub use writing::{Applied, ApplyOptions, Begun, Intent, JobOutcome, Journal, JournalFailed};
