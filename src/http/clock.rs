use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::interrupt::{Interrupted, pause};

/// Time as a client needs it, so that tests can wait without waiting.
pub trait Clock: Send + Sync {
    /// The time since some fixed moment; never goes back.
    fn now(&self) -> Duration;
    /// Waits, unless the process is asked to stop.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] when it is; the wait is over then.
    fn sleep(&self, wait: Duration) -> Result<(), Interrupted>;
    /// The moment, as this machine knows it; for services that name one.
    fn moment(&self) -> DateTime<Utc>;
}

/// The machine's own time.
#[derive(Clone, Copy, Debug)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    /// Counts from now on.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is handed in")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, wait: Duration) -> Result<(), Interrupted> {
        pause(wait)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that is handed in")]
    fn moment(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
