//! Signals, and questions that wait for an answer.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::{Failure, Process, Reason};

/// Notices SIGINT and SIGTERM, so that a run can wind down.
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    signal: Arc<AtomicI32>,
    /// Somebody is being asked, and nothing is written meanwhile.
    asking: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let stop = Arc::new(AtomicBool::new(false));
        let signal = Arc::new(AtomicI32::new(0));
        let mut received = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
            .map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
        let asking = Arc::new(AtomicBool::new(false));
        let (set_stop, set_signal, is_asking) = (Arc::clone(&stop), Arc::clone(&signal), Arc::clone(&asking));
        std::thread::spawn(move || {
            for number in received.forever() {
                if set_stop.swap(true, Ordering::SeqCst) || is_asking.load(Ordering::SeqCst) {
                    // Asked twice, or while nothing is under way: there is nothing to wait for.
                    eprintln!();
                    std::process::exit(128 + number);
                }
                set_signal.store(number, Ordering::SeqCst);
                crate::http::interrupt();
                eprintln!(
                    "stopping: writes under way are finished, the rest is left for the next run (again to stop at once)"
                );
            }
        });
        Ok(Self { stop, signal, asking })
    }

    pub(super) fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            signal_hook::consts::SIGTERM => Some(Reason::Terminated),
            _ => Some(Reason::Interrupted),
        }
    }
}

/// Asks on the terminal; anything but yes ends the command.
///
/// # Errors
///
/// [`Reason::NotApproved`] when the answer is not yes, or nobody can be asked.
pub(super) fn approve(process: &Process, signals: &Signals, question: &str, refusal: &str) -> Result<(), Failure> {
    if !process.terminal.input {
        let why = format!("{refusal}: nobody can be asked here, so --yes is needed");
        return Err(Failure::new(Reason::NotApproved, why));
    }
    eprint!("\n{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    signals.asking.store(true, Ordering::SeqCst);
    let read = std::io::stdin().lock().read_line(&mut answer);
    signals.asking.store(false, Ordering::SeqCst);
    match (read, answer.trim().to_lowercase().as_str()) {
        (Ok(_), "y" | "yes" | "j" | "ja") => Ok(()),
        _ => Err(Failure::new(Reason::NotApproved, "nothing was changed")),
    }
}
