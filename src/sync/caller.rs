use chrono::{DateTime, Utc};

use crate::state::Who;

/// The process that a run is in, for the state, which neither reads a clock nor asks whose process this is.
#[derive(Clone, Debug)]
pub struct Caller {
    pub who: Who,
    pub pid: u32,
    /// What it was started with, without anything of employees.
    pub command: String,
    /// The moment that counts for all that it does.
    pub now: DateTime<Utc>,
    /// For how long it took in the end.
    pub clock: fn() -> DateTime<Utc>,
}
