//! The codes of TravelPerk's own sync log, so that its readers find what they know in ours.

use crate::code::Code;
use crate::targets::{LogEvent, LogLine, LogOutcome};

use super::fields::short;

/// TravelPerk's code for what went wrong with an employee, and what to do.
///
/// The log has more codes than the six that are published; where none of these fits, only the remedy is given.
pub(super) fn line(event: &LogEvent<'_>) -> Option<LogLine> {
    if event.outcome == LogOutcome::Succeeded {
        return None;
    }
    let code = event.code?;
    // Messages name the field they are about, with or without the target before it.
    let words = event.error.split([' ', '`']).map(|word| short(word.trim_end_matches(':')));
    let (code, remedy) = words.chain([""]).find_map(|field| entry(code, field))?;
    Some(LogLine { text: code.to_owned(), remedy })
}

/// `None` as the remedy where the code's own says it.
fn entry(code: Code, field: &str) -> Option<(&'static str, Option<&'static str>)> {
    let value = [Code::FieldEmpty, Code::FieldInvalid, Code::MatchKeyMissing, Code::RequiredFieldEmpty].contains(&code);
    let (word, remedy) = match (code, field) {
        (Code::HireDateMissing, _) => return Some(("MISSING_START_DATE", None)),
        (_, "userName") if value => ("MISSING_EMAIL", "Enter the work e-mail address in Personio."),
        (_, "name.givenName") if value => ("MISSING_FIRST_NAME", "Enter the first name in Personio."),
        (_, "name.familyName") if value => ("MISSING_LAST_NAME", "Enter the last name in Personio."),
        (_, "dateOfBirth") => ("DATE_OF_BIRTH_IS_MISSING_OR_INVALID", "Correct the date of birth in Personio."),
        (_, field) if field.starts_with("phoneNumbers") || field.ends_with("emergencyContact.phone") => {
            ("PHONE_IS_MISSING_OR_INVALID", "Write the number with a plus and the country code.")
        }
        (Code::AlreadyExists, _) => {
            ("", "The person may have signed up alone; only TravelPerk's support can move that account.")
        }
        _ => return None,
    };
    Some((word, Some(remedy)))
}

#[cfg(test)]
mod tests {
    use crate::plan::Op;
    use crate::targets::LogOutcome::{Failed, Skipped, Succeeded};

    use super::*;

    #[test]
    fn the_known_codes_of_the_sync_log_are_found() {
        for (outcome, code, error, expected) in [
            (Skipped, Some(Code::HireDateMissing), "there is no hire date", Some("MISSING_START_DATE")),
            (Skipped, Some(Code::FieldEmpty), "userName is empty", Some("MISSING_EMAIL")),
            (Skipped, Some(Code::MatchKeyMissing), "userName is empty", Some("MISSING_EMAIL")),
            (Skipped, Some(Code::RequiredFieldEmpty), "name.givenName is empty", Some("MISSING_FIRST_NAME")),
            (Skipped, Some(Code::FieldEmpty), "name.familyName is empty", Some("MISSING_LAST_NAME")),
            (
                Skipped,
                Some(Code::FieldInvalid),
                "urn:ietf:params:scim:schemas:extension:travelperk:2.0:User:dateOfBirth is no day",
                Some("DATE_OF_BIRTH_IS_MISSING_OR_INVALID"),
            ),
            (Failed, Some(Code::Refused), "dateOfBirth: refused", Some("DATE_OF_BIRTH_IS_MISSING_OR_INVALID")),
            (
                Failed,
                Some(Code::Refused),
                r#"travel: `phoneNumbers[type eq "work"].value`: a phone number must begin with a plus"#,
                Some("PHONE_IS_MISSING_OR_INVALID"),
            ),
            (Failed, Some(Code::AlreadyExists), "userName: taken", Some("")),
            (Failed, Some(Code::Refused), "no", None),
            (Skipped, Some(Code::SeveralAccounts), "two accounts", None),
            (Succeeded, None, "", None),
        ] {
            let event = LogEvent { outcome, ops: &[Op::Create], fields: 1, code, error };
            assert_eq!(line(&event).map(|line| line.text).as_deref(), expected, "{code:?}: {error}");
        }
    }
}
