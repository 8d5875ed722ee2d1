//! The words of Pento's sync log, from what happened here.

use crate::code::Code;
use crate::plan::Op;
use crate::targets::{LogEvent, LogLine, LogOutcome};

/// Pento's word for how it went, and its explanation where it has one; our own otherwise.
pub(super) fn line(event: &LogEvent<'_>) -> LogLine {
    let (word, explanation) = match event.outcome {
        LogOutcome::Succeeded if event.code == Some(Code::FieldsLeftAlone) => {
            ("Incomplete", format!("{}; {}", done(event), event.error))
        }
        LogOutcome::Succeeded => ("Successful", done(event)),
        LogOutcome::Skipped if event.code == Some(Code::TerminatedInPreviousTaxYear) => {
            ("Skipped", "Terminated in previous tax year".to_owned())
        }
        LogOutcome::Held => ("Skipped", event.error.to_owned()),
        LogOutcome::Skipped | LogOutcome::Failed => ("Failed", event.error.to_owned()),
    };
    LogLine { text: format!("{word}: {explanation}"), remedy: None }
}

fn done(event: &LogEvent<'_>) -> String {
    match event.fields {
        _ if event.ops.contains(&Op::Create) => "Employee created".to_owned(),
        1 => "Updated 1 field".to_owned(),
        count => format!("Updated {count} fields"),
    }
}
