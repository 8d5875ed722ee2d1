//! What comes after a run: who is told, the sign of life, and the measures. None of it changes how the run ended.

use crate::exit::{Failure, Reason};
use crate::notify::{Heartbeat, NotifySettings, Observed};
use crate::sync::{Finished, Inputs, metrics, observed_failure};

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
    let (seen, run, exit_code, reason) = match ended {
        Ok(finished) => {
            let (run, first) = (finished.run.to_string(), finished.reasons.first());
            (finished.observed.clone(), Some(run), finished.reasons.code(), first)
        }
        Err(failure) => (keep_failure(process, inputs, failure), None, failure.reason.code(), Some(failure.reason)),
    };
    let Some(settings) = &session.settings.notify else { return };
    let untold = seen.map(|seen| inputs.memory.tell(settings, &seen, run.as_deref())).unwrap_or_default();
    untold.iter().for_each(|warning| process.say(&format!("warning: {warning}")));
    // Another run is on its way, or somebody who was there said no: there was no run.
    if matches!(reason, Some(Reason::Locked | Reason::NotApproved | Reason::Usage)) {
        return;
    }
    if is_for_all {
        beat(process, settings, exit_code == 0);
    }
    if let Some(path) = &settings.metrics {
        let written = metrics(&session.settings, inputs.memory, session.today, exit_code)
            .map_err(|failure| failure.text)
            .and_then(|metrics| {
                metrics.write(path).map_err(|error| format!("{} cannot be written: {error}", path.display()))
            });
        if let Err(why) = written {
            process.say(&format!("warning: notify.metrics: {why}"));
        }
    }
}

/// Keeps that a run ended before it did anything: since when, and how often.
fn keep_failure(process: &Process, inputs: &Inputs<'_, '_>, failure: &Failure) -> Option<Observed> {
    let seen = observed_failure(failure)?;
    if let Err(error) = inputs.memory.keep_todos(&seen, &|_| None) {
        process.say(&format!("warning: since when this fails is not kept: {error}"));
    }
    Some(seen)
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
