//! What an answer without the wanted content means.

use serde_json::Value as Json;

use super::{SourceError, SourceErrorKind};
use crate::http::{HttpError, Response, UnexpectedBody};

/// Where people look in Personio, newer and older accounts.
pub const WHERE: &str = "in Personio under Marketplace > Connected integrations > your integration \
                                (older accounts: Settings > Integrations > API credentials)";

impl SourceError {
    pub(super) fn new(kind: SourceErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<HttpError> for SourceError {
    fn from(error: HttpError) -> Self {
        let kind = match &error {
            HttpError::NotSent { .. } | HttpError::Lost { .. } | HttpError::Busy(_) | HttpError::Interrupted { .. } => {
                SourceErrorKind::Unavailable
            }
            HttpError::SignIn(_) => SourceErrorKind::SignIn,
            HttpError::ForeignLink(_) | HttpError::TooLarge { .. } => SourceErrorKind::Unexpected,
        };
        Self::new(kind, error.to_string())
    }
}

/// What a refusal means. `what` is read as in "Personio refuses to …"; `right` names the tick box.
pub(super) fn refusal(what: &str, right: &str, status: u16, error: Option<&Json>) -> SourceError {
    let said = said(error);
    // A gateway that knows no such path does not answer in Personio's form.
    let answered = error.is_some_and(Json::is_object);
    // Business errors come with HTTP 200 and tell their status in the body.
    let code = match status {
        200..=299 => error.and_then(|error| error.get("code")).and_then(Json::as_u64).unwrap_or_default(),
        _ => u64::from(status),
    };
    match code {
        401 => SourceError::new(
            SourceErrorKind::SignIn,
            format!("Personio refuses to {what}, also with a new token{said}; check the credential {WHERE}"),
        ),
        403 => SourceError::new(
            SourceErrorKind::Rights,
            format!("Personio refuses to {what}{said}; tick {right} for the credential, {WHERE}"),
        ),
        408 | 429 | 500..=599 => SourceError::new(
            SourceErrorKind::Unavailable,
            format!("Personio is not able to {what} (HTTP {code}){said}; try again later"),
        ),
        // Where the line is drawn is not documented; proxies on the way have lines of their own.
        414 | 431 => SourceError::new(
            SourceErrorKind::TooLong,
            format!(
                "the request to {what} is too long for Personio or a proxy on the way (HTTP {code}){said}, also in \
                 portions; name fewer attributes in `personio.attributes` and in the mappings"
            ),
        ),
        404 if answered => SourceError::new(
            SourceErrorKind::Unexpected,
            format!(
                "Personio says that what it was asked to {what} for is not there (HTTP {code}){said}; try again later, \
                 and ask Personio's support if it goes on"
            ),
        ),
        404 | 300..=399 => SourceError::new(
            SourceErrorKind::Unexpected,
            format!("Personio does not know how to {what} (HTTP {code}){said}; check `personio.base_url`"),
        ),
        _ => SourceError::new(SourceErrorKind::Unexpected, format!("Personio refuses to {what} (HTTP {status}){said}")),
    }
}

/// The answer is not JSON of the known form.
pub(super) fn unexpected(what: &str, why: &UnexpectedBody) -> SourceError {
    SourceError::new(SourceErrorKind::Unexpected, format!("Personio was asked to {what}: {why}"))
}

/// The error inside an answer that is not a success.
pub(super) fn error_of(answer: &Response) -> Option<Json> {
    match answer.json_or_none()? {
        Json::Object(mut body) => body.remove("error"),
        _ => None,
    }
}

/// ` (code 17)`. Personio's words are not repeated, whatever their form: they may name a person or a value.
fn said(error: Option<&Json>) -> String {
    let code = error.and_then(|error| error.get("code")).and_then(Json::as_i64);
    code.map(|code| format!(" (code {code})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_say_what_to_do_and_never_who() {
        use SourceErrorKind::*;
        // status, error in the body, kind, words
        let table: &[(u16, Json, SourceErrorKind, &[&str])] = &[
            (401, json!({"code": 401, "message": "Authorization is not provided"}), SignIn, &["token", "Marketplace"]),
            (403, json!({"code": 0, "message": "Nicht erlaubt"}), Rights, &["Employees: Read", "(code 0)"]),
            (200, json!({"code": 403, "message": "no"}), Rights, &["Employees: Read"]),
            (200, json!({"code": 401}), SignIn, &["code 401"]),
            (200, json!({"code": 0, "message": "odd"}), Unexpected, &["HTTP 200", "(code 0)"]),
            (429, Json::Null, Unavailable, &["later"]),
            (503, json!("<html>"), Unavailable, &["HTTP 503"]),
            (404, Json::Null, Unexpected, &["base_url"]),
            (404, json!("no route"), Unexpected, &["base_url"]),
            (404, json!({"code": 0, "message": "Es ist ein Problem aufgetreten"}), Unexpected, &["later", "(code 0)"]),
            (431, Json::Null, TooLong, &["`personio.attributes`", "HTTP 431"]),
            (414, json!("<html>"), TooLong, &["`personio.attributes`"]),
            (302, Json::Null, Unexpected, &["base_url"]),
            (422, json!({"message": "pay 52000\n\u{1b}[31m  ines@example.com"}), Unexpected, &["HTTP 422"]),
            (
                200,
                json!({"code": 17, "message": "the row of Ines with pay 52000 is locked"}),
                Unexpected,
                &["(code 17)"],
            ),
            (400, json!("the row of Ines with pay 52000 is locked"), Unexpected, &["HTTP 400"]),
        ];
        for (status, error, kind, words) in table {
            let refusal = refusal("list employees", "Employees: Read", *status, Some(error));
            assert_eq!(refusal.kind, *kind, "{refusal}");
            for word in *words {
                assert!(refusal.message.contains(word), "{word}: {refusal}");
            }
            let elsewhere = error.is_object() && *status == 404;
            assert!(!elsewhere || !refusal.message.contains("base_url"), "{refusal}");
            for never in ["example.com", "52000", "Ines", "erlaubt", "\u{1b}", "<html>"] {
                assert!(!refusal.message.contains(never), "{refusal}");
            }
        }
    }
}
