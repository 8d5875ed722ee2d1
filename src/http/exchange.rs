use std::cell::{Cell, RefCell};

use super::Method;

/// One request that was sent and what came of it, for the history: no query, no body, no header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub method: Method,
    /// Path below the base address, without its query.
    pub path: String,
    /// Status; `None` when no answer came.
    pub status: Option<u16>,
    /// Whether the service said in other ways than by the status that nothing was done.
    pub refused: bool,
}

impl Exchange {
    /// Whether something may have changed at the service: it is no GET, and the service has not refused it.
    pub fn may_have_written(&self) -> bool {
        let refused = self.refused || self.status.is_some_and(|status| (400..500).contains(&status));
        self.method != Method::Get && !refused
    }
}

thread_local! {
    static RECORD: RefCell<Option<Vec<Exchange>>> = const { RefCell::new(None) };
    static PRESSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs something and returns what was sent meanwhile on this thread.
///
/// Repeats after a 429 are the same request and count once.
pub fn record<T>(run: impl FnOnce() -> T) -> (T, Vec<Exchange>) {
    let outer = RECORD.with(|record| record.replace(Some(Vec::new())));
    let result = run();
    let exchanges = RECORD.with(|record| record.replace(outer)).unwrap_or_default();
    (result, exchanges)
}

/// Whether a status says that the service had more to do than it could bear: too many requests (429), out of order for
/// a moment (503), and 500, with which small services answer when their database is locked by another writer.
pub fn is_pressure(status: u16) -> bool {
    matches!(status, 429 | 500 | 503)
}

/// Runs something and says whether any answer to this thread was one of [`is_pressure`] meanwhile, repeats included.
pub fn under_pressure<T>(run: impl FnOnce() -> T) -> (T, bool) {
    let outer = PRESSED.replace(false);
    let result = run();
    let pressed = PRESSED.replace(outer);
    PRESSED.set(outer || pressed);
    (result, pressed)
}

/// Notes the status of an answer, also of one after which the request is repeated.
pub(super) fn note_status(status: u16) {
    if is_pressure(status) {
        PRESSED.set(true);
    }
}

/// Notes an exchange for whoever records.
pub(super) fn note(exchange: Exchange) {
    RECORD.with(|record| {
        if let Some(exchanges) = record.borrow_mut().as_mut() {
            exchanges.push(exchange);
        }
    });
}
