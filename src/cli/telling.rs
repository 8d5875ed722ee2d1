//! What comes after a run: who is told, the sign of life, and the measures. None of it changes how the run ended.

use crate::exit::{Failure, Reason};
use crate::notify::{Heartbeat, NotifySettings};
use crate::sync::{Finished, Inputs, metrics, observed, observed_failure};

use super::Process;
use super::session::Session;

/// Tells of a run that ended, or of one that ended before it did anything.
pub(super) fn tell(
    process: &Process,
    session: &Session,
    inputs: &Inputs<'_, '_>,
    ended: Result<&Finished<'_>, &Failure>,
    is_for_all: bool,
) {
    let Some(settings) = &session.settings.notify else { return };
    let (seen, run, exit_code, reason) = match ended {
        Ok(finished) => {
            let run = finished.run.to_string();
            let first = finished.reasons.first();
            (observed(inputs, finished).map(Some), Some(run), finished.reasons.code(), first)
        }
        Err(failure) => (Ok(observed_failure(failure)), None, failure.reason.code(), Some(failure.reason)),
    };
    match seen {
        Ok(Some(seen)) => {
            for warning in inputs.memory.tell(settings, &seen, run.as_deref()) {
                process.say(&format!("warning: {warning}"));
            }
        }
        Ok(None) => {}
        Err(failure) => process.say(&format!("warning: notify: nobody was told: {}", failure.text)),
    }
    // Another run is on its way, or somebody who was there said no: there was no run.
    if matches!(reason, Some(Reason::Locked | Reason::NotApproved | Reason::Usage)) {
        return;
    }
    if is_for_all {
        beat(process, settings, exit_code == 0);
    }
    if let Some(path) = &settings.metrics {
        let written = metrics(inputs, exit_code).map_err(|failure| failure.text).and_then(|metrics| {
            metrics.write(path).map_err(|error| format!("{} cannot be written: {error}", path.display()))
        });
        if let Err(why) = written {
            process.say(&format!("warning: notify.metrics: {why}"));
        }
    }
}

/// The sign of life of a run that could not even open the state.
pub(super) fn beat_without_state(process: &Process, session: &Session) {
    if let Some(settings) = &session.settings.notify {
        beat(process, settings, false);
    }
}

fn beat(process: &Process, settings: &NotifySettings, well: bool) {
    if let Some(Err(why)) = settings.heartbeat.as_ref().map(|heartbeat: &Heartbeat| heartbeat.beat(well)) {
        process.say(&format!("warning: notify.heartbeat: {why}"));
    }
}
