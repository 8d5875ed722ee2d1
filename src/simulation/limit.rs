//! How simulated services count requests.

use std::time::Duration;

/// Admits so many requests per stretch of time, as simple services count them.
#[derive(Clone, Debug)]
pub struct Window {
    limit: u64,
    length: Duration,
    begun: Duration,
    used: u64,
}

impl Window {
    pub fn new(limit: u64, length: Duration) -> Self {
        Self { limit, length, begun: Duration::ZERO, used: 0 }
    }

    /// Counts a request, also one that is refused, and says whether it is within the limit.
    pub fn admit(&mut self, at: Duration) -> bool {
        if at >= self.begun + self.length {
            self.begun = at;
            self.used = 0;
        }
        self.used += 1;
        self.used <= self.limit
    }

    /// How many more are admitted.
    pub fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Whole seconds until counting begins anew, at least one.
    pub fn seconds_left(&self, at: Duration) -> u64 {
        (self.begun + self.length).saturating_sub(at).as_secs().max(1)
    }
}
