use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::{Method, Repeat, Request};

/// How many requests were sent to one service, repeats included: each of them counts against its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Those that only read, until the accounts were listed; signing in is among them.
    pub reads: u64,
    /// Those that only read, from then on: single accounts, names that a change refers to, what was written.
    pub looks: u64,
    /// Those that may have changed something.
    pub writes: u64,
}

impl Requests {
    /// All of them.
    pub fn total(self) -> u64 {
        self.reads + self.looks + self.writes
    }
}

/// Counts what is sent to one service.
#[derive(Debug, Default)]
pub struct Tally {
    reads: AtomicU64,
    looks: AtomicU64,
    writes: AtomicU64,
    listed: AtomicBool,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Tally>>> = const { RefCell::new(None) };
}

impl Tally {
    /// Opens a service: every client that is made on the way counts here, the one that signs in as well.
    pub fn of<T>(self: &Arc<Self>, open: impl FnOnce() -> T) -> T {
        let outer = CURRENT.replace(Some(Arc::clone(self)));
        let opened = open();
        CURRENT.set(outer);
        opened
    }

    /// The one that clients made on this thread count in.
    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Option::clone)
    }

    /// The accounts are listed; what is read from now on are looks.
    pub fn listed(&self) {
        self.listed.store(true, Ordering::Relaxed);
    }

    pub(super) fn add(&self, request: &Request) {
        let harmless = request.repeat == Repeat::Harmless || request.method == Method::Get;
        let counter = match (harmless, self.listed.load(Ordering::Relaxed)) {
            (false, _) => &self.writes,
            (true, false) => &self.reads,
            (true, true) => &self.looks,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// What was sent so far.
    pub fn requests(&self) -> Requests {
        let sent = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests { reads: sent(&self.reads), looks: sent(&self.looks), writes: sent(&self.writes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_is_told_from_looks_and_writes() {
        let tally = Arc::new(Tally::default());
        let inner = tally.of(Tally::current).expect("the one that is open");
        assert!(Tally::current().is_none(), "nothing is open any more");
        inner.add(&Request::get("/people"));
        inner.add(&Request::new(Method::Post, "/search").repeat(Repeat::Harmless));
        inner.add(&Request::new(Method::Post, "/people"));
        tally.listed();
        inner.add(&Request::get("/people/1"));
        inner.add(&Request::new(Method::Put, "/people/1"));
        assert_eq!(tally.requests(), Requests { reads: 2, looks: 1, writes: 2 });
        assert_eq!(tally.requests().total(), 5);
    }
}
