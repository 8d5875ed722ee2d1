//! What an evaluation has to say beside its value.
//!
//! The engine hands a filter or a test its arguments and takes its value, and nothing else; so what they notice is
//! put down here, for the thread that evaluates, and taken up right after.

use std::cell::Cell;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Remarks {
    /// A comparison by order was decided by an empty value.
    pub(super) empty_compared: bool,
    /// A phone number was taken whose range nobody knows.
    pub(super) unknown_range: bool,
    /// Marks were left out of a text that nobody sees.
    pub(super) marks_left_out: bool,
}

thread_local! {
    static SEEN: Cell<Remarks> = Cell::default();
}

/// Puts down something.
pub(super) fn note(change: impl FnOnce(&mut Remarks)) {
    let mut seen = SEEN.get();
    change(&mut seen);
    SEEN.set(seen);
}

/// What was put down since it was last asked.
pub(super) fn take() -> Remarks {
    SEEN.take()
}
