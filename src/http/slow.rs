use std::collections::BTreeMap;
use std::time::Instant;

use parking_lot::Mutex;

/// The requests of the process whose answer is still to come: where from, and since when.
static OPEN: Mutex<BTreeMap<u64, (String, Instant)>> = Mutex::new(BTreeMap::new());

/// One of them, until it is dropped.
pub(super) struct Waiting(u64);

impl Waiting {
    #[expect(clippy::disallowed_methods, reason = "how long people wait, by the clock on their wall")]
    pub(super) fn for_answer_of(host: String) -> Self {
        let mut open = OPEN.lock();
        let number = open.last_key_value().map_or(0, |(last, _)| last + 1);
        open.insert(number, (host, Instant::now()));
        Self(number)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        OPEN.lock().remove(&self.0);
    }
}

/// Who has been asked and has not answered yet: the host of each, and since when the oldest request waits.
pub fn awaited() -> BTreeMap<String, Instant> {
    let mut hosts = BTreeMap::new();
    for (host, since) in OPEN.lock().values() {
        hosts.entry(host.clone()).and_modify(|oldest: &mut Instant| *oldest = (*oldest).min(*since)).or_insert(*since);
    }
    hosts
}
