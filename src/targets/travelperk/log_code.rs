//! The codes of TravelPerk's own sync log, so that its readers find what they know in ours.

/// A code of the sync log of TravelPerk's integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogCode {
    /// As TravelPerk writes it; ours, where TravelPerk has none.
    pub code: &'static str,
    /// Whether TravelPerk's own log knows it.
    pub official: bool,
    /// What to do.
    pub remedy: &'static str,
}

const fn official(code: &'static str, remedy: &'static str) -> LogCode {
    LogCode { code, official: true, remedy }
}

const fn ours(code: &'static str, remedy: &'static str) -> LogCode {
    LogCode { code, official: false, remedy }
}

/// The code for what went wrong with an employee.
///
/// `reason` is the stable code of a skip, a notice or an error; `field` is the field it is about, if one, by
/// short name or SCIM path. `None` when the log has no word for it.
pub fn log_code(reason: &str, field: Option<&str>) -> Option<LogCode> {
    let field = field.map(super::fields::short);
    Some(match (reason, field) {
        ("hire_date_missing", _) | (_, Some("hire_date")) => official(
            "MISSING_START_DATE",
            "enter the hire date in Personio; a rescinded hire needs none, and no account is made",
        ),
        (_, Some("userName")) if is_about_the_value(reason) => {
            official("MISSING_EMAIL", "enter the work e-mail address in Personio")
        }
        (_, Some("name.givenName")) if is_about_the_value(reason) => {
            official("MISSING_FIRST_NAME", "enter the first name in Personio")
        }
        (_, Some("name.familyName")) if is_about_the_value(reason) => {
            official("MISSING_LAST_NAME", "enter the last name in Personio")
        }
        (_, Some("dateOfBirth")) => {
            official("DATE_OF_BIRTH_IS_MISSING_OR_INVALID", "correct the date of birth in Personio")
        }
        (_, Some(field)) if field.starts_with("phoneNumbers") || field.ends_with("emergencyContact.phone") => {
            official("PHONE_IS_MISSING_OR_INVALID", "write the number with a plus and the country code")
        }
        ("manager_without_account", _) => ours(
            "LINE_MANAGER_NOT_SYNCED",
            "bring the manager into scope, or give the manager an account in TravelPerk",
        ),
        ("reference_unknown", Some("costCenter")) => {
            ours("COST_CENTER_NOT_FOUND", "make the cost centre in TravelPerk, or add costCenter to create_missing")
        }
        ("reference_unknown", Some("invoiceProfiles")) => {
            ours("COMPANY_NOT_FOUND", "make the company in TravelPerk with exactly this name, or correct the name")
        }
        ("already_exists", _) => ours(
            "EMAIL_OWNED_ELSEWHERE",
            "the person may have signed up alone; only TravelPerk's support can move that account",
        ),
        ("unavailable", _) => ours("RATE_LIMITED", "run again later"),
        ("refused" | "unexpected_answer" | "right_missing", _) => {
            ours("TARGET_REJECTED", "see what TravelPerk refused, correct it and run again")
        }
        _ => return None,
    })
}

fn is_about_the_value(reason: &str) -> bool {
    ["field_empty", "field_invalid", "match_key_missing", "required_field_empty"].contains(&reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_codes_of_the_sync_log_are_found() {
        for (reason, field, code, official) in [
            ("hire_date_missing", None, "MISSING_START_DATE", true),
            ("field_empty", Some("userName"), "MISSING_EMAIL", true),
            ("match_key_missing", Some("userName"), "MISSING_EMAIL", true),
            ("field_empty", Some("name.givenName"), "MISSING_FIRST_NAME", true),
            ("field_empty", Some("name.familyName"), "MISSING_LAST_NAME", true),
            (
                "field_invalid",
                Some("urn:ietf:params:scim:schemas:extension:travelperk:2.0:User:dateOfBirth"),
                "DATE_OF_BIRTH_IS_MISSING_OR_INVALID",
                true,
            ),
            ("refused", Some(r#"phoneNumbers[type eq "work"].value"#), "PHONE_IS_MISSING_OR_INVALID", true),
            ("manager_without_account", None, "LINE_MANAGER_NOT_SYNCED", false),
            ("reference_unknown", Some("invoiceProfiles"), "COMPANY_NOT_FOUND", false),
            ("reference_unknown", Some("costCenter"), "COST_CENTER_NOT_FOUND", false),
            ("already_exists", None, "EMAIL_OWNED_ELSEWHERE", false),
            ("already_exists", Some("userName"), "EMAIL_OWNED_ELSEWHERE", false),
            ("refused", None, "TARGET_REJECTED", false),
        ] {
            let found = log_code(reason, field).unwrap();
            assert_eq!((found.code, found.official), (code, official), "{reason} {field:?}");
        }
        assert_eq!(log_code("several_accounts", None), None);
    }
}
