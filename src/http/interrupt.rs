use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The process was asked to stop while a request waited for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// A signal is for the process as a whole, and so is this.
static ASKED: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

/// Ends every wait of every client, now and from now on: what was not sent yet is not sent.
pub fn interrupt() {
    *ASKED.lock() = true;
    CHANGED.notify_all();
}

/// Waits, unless the process is asked to stop.
///
/// # Errors
///
/// [`Interrupted`] when it is, or was before.
pub fn pause(wait: Duration) -> Result<(), Interrupted> {
    let mut asked = ASKED.lock();
    CHANGED.wait_while_for(&mut asked, |asked| !*asked, wait);
    if *asked { Err(Interrupted) } else { Ok(()) }
}
