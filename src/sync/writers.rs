//! How many changes are under way at once: fewer after a service could not keep up, more again once it does.

use parking_lot::{Condvar, Mutex};

/// So many changes in a row go well before one more is under way at once. A service that takes one at a time is asked
/// for two of them now and then, and that must stay rare.
const WELL_IN_A_ROW: usize = 10;

/// Gives out turns to write.
pub(super) struct Writers {
    most: usize,
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    allowed: usize,
    under_way: usize,
    /// How many turns were given out.
    begun: u64,
    well_in_a_row: usize,
}

/// A change that is under way until this is dropped.
pub(super) struct Turn<'a> {
    writers: &'a Writers,
    number: u64,
    found_nobody: bool,
}

impl Writers {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let state = State { allowed: most, under_way: 0, begun: 0, well_in_a_row: 0 };
        Self { most, state: Mutex::new(state), freed: Condvar::new() }
    }

    /// Waits until one more change may be under way.
    pub(super) fn turn(&self) -> Turn<'_> {
        let crowded = |state: &mut State| state.under_way >= state.allowed;
        let mut state = self.state.lock();
        self.freed.wait_while(&mut state, crowded);
        state.under_way += 1;
        state.begun += 1;
        Turn { writers: self, number: state.begun, found_nobody: state.under_way == 1 }
    }
}

impl Turn<'_> {
    /// Whether no other change was under way at any moment since this one began.
    pub(super) fn is_alone(&self) -> bool {
        self.found_nobody && self.writers.state.lock().begun == self.number
    }

    /// Ends it, and learns from whether the service kept up.
    pub(super) fn end(self, kept_up: bool) {
        let mut state = self.writers.state.lock();
        if kept_up {
            state.well_in_a_row += 1;
            if state.well_in_a_row >= WELL_IN_A_ROW {
                state.well_in_a_row = 0;
                state.allowed = self.writers.most.min(state.allowed + 1);
            }
        } else {
            state.well_in_a_row = 0;
            state.allowed = (state.allowed / 2).max(1);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.writers.state.lock().under_way -= 1;
        self.writers.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(writers: &Writers) -> usize {
        writers.state.lock().allowed
    }

    #[test]
    fn half_as_many_after_trouble_and_one_more_after_a_while_without() {
        let writers = Writers::new(8);
        let seen = [false, false, false, false].map(|kept_up| {
            writers.turn().end(kept_up);
            allowed(&writers)
        });
        assert_eq!(seen, [4, 2, 1, 1]);
        let well = |times: usize| {
            (0..times).for_each(|_| writers.turn().end(true));
            allowed(&writers)
        };
        assert_eq!([well(9), well(1), well(9), well(1), well(200)], [1, 2, 2, 3, 8]);
        assert_eq!(allowed(&Writers::new(0)), 1, "nobody waits for ever");
    }

    #[test]
    fn alone_means_from_beginning_to_end() {
        let writers = Writers::new(2);
        let first = writers.turn();
        assert!(first.is_alone());
        let second = writers.turn();
        assert!(!first.is_alone() && !second.is_alone());
        drop(first);
        assert!(!second.is_alone(), "somebody was there when it began");
        drop(second);
        let third = writers.turn();
        drop(third);
        assert!(writers.turn().is_alone());
    }
}
