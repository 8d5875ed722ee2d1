use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The process was asked to stop while a request waited for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// A signal is for the process as a whole, and so is this.
static ASKED: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

/// Ends every wait of every client, now and from now on: what was not sent yet is not sent.
pub fn interrupt() {
    *ASKED.lock().unwrap_or_else(PoisonError::into_inner) = true;
    CHANGED.notify_all();
}

/// Waits, unless the process is asked to stop.
///
/// # Errors
///
/// [`Interrupted`] when it is, or was before.
pub fn pause(wait: Duration) -> Result<(), Interrupted> {
    let asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let (asked, _) = CHANGED.wait_timeout_while(asked, wait, |asked| !*asked).unwrap_or_else(PoisonError::into_inner);
    if *asked { Err(Interrupted) } else { Ok(()) }
}
