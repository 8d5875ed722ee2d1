//! What a refusal means. Its text may name people, so that only what we know ourselves is repeated.

use serde_json::Value;

use crate::http::{HttpError, Response};
use crate::targets::{ErrorKind, TargetError};

use super::path::get;
use super::wire::plain_text;

/// What was asked for, which decides what an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    /// An account was to be made.
    Create,
    /// An account was to be changed.
    Change,
}

/// The words of `scimType` (RFC 7644, section 3.12; RFC 9865) and what each means.
const TYPES: &[(&str, &str)] = &[
    ("invalidFilter", "it does not take the filter"),
    ("tooMany", "the answer would be too long; try a smaller `page_size`"),
    ("uniqueness", "another account has one of these values already"),
    ("mutability", "a field may not be changed"),
    ("invalidSyntax", "it cannot read the request"),
    ("invalidPath", "it does not know the path of a field; try another `patch_style`"),
    ("noTarget", "there is nothing at the path of a field"),
    ("invalidValue", "it does not take the value of a field"),
    ("invalidVers", "it does not serve this version of SCIM; is `base_url` right?"),
    ("sensitive", "it does not take personal data in addresses; try `filter = false`"),
    ("invalidCursor", "it does not know the cursor"),
    ("expiredCursor", "the cursor has expired"),
    ("invalidCount", "it does not take the number of accounts to return; try another `page_size`"),
];

/// The word in `scimType`, when the body is an error that has one. SCIM 1.1 has a list of errors instead.
pub(crate) fn scim_type(response: &Response) -> Option<String> {
    let body = response.json_or_none()?;
    let body = match &body {
        Value::Array(items) => items.first()?,
        other => other,
    };
    let object = body.as_object()?;
    if let Some(word) = get(object, "scimType").and_then(Value::as_str) {
        return Some(word.to_owned());
    }
    let first = get(object, "Errors")?.as_array()?.first()?.as_object()?;
    get(first, "scimType")?.as_str().map(str::to_owned)
}

/// The URN of SCIM's error messages.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// An answer as what it says: some services send an error of SCIM under the status of a success.
pub(crate) fn honest(mut response: Response) -> Response {
    if let Some(status) = response.is_success().then(|| error_status(&response)).flatten() {
        response.status = status;
    }
    response
}

/// The status of an error of SCIM; that of a broken service where it has none that can be read.
fn error_status(response: &Response) -> Option<u16> {
    let body = response.json_or_none()?;
    let schemas = get(body.as_object()?, "schemas")?.as_array()?;
    schemas.iter().any(|urn| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(ERROR))).then(|| {
        let status = body.as_object().and_then(|object| get(object, "status"));
        let status = status.and_then(|status| plain_text(status)?.trim().parse().ok());
        status.filter(|status| (400..600).contains(status)).unwrap_or(500)
    })
}

/// A change whose answer has the status of a success and a body that is none. The caller looks.
pub(crate) fn not_done(name: &str, response: &Response) -> Option<TargetError> {
    let why = response.not_done()?;
    Some(TargetError::new(ErrorKind::Unsettled, format!("{name}: {why}")).with_status(response.status))
}

/// What is said when somebody else was faster.
const CHANGED: &str = "the account was changed by somebody else since it was read; run again to see what is left";

/// A user that is no longer as it was when it was read.
pub(crate) fn changed_meanwhile(name: &str) -> TargetError {
    TargetError::new(ErrorKind::Changed, format!("{name}: {CHANGED}"))
}

/// A refusal as an error. `names` are the fields that were sent; those that the answer speaks of are named.
pub(crate) fn refusal(name: &str, operation: Operation, response: &Response, names: &[&str]) -> TargetError {
    let status = response.status;
    let word = scim_type(response);
    let unique = status == 409 || word.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("uniqueness"));
    let (kind, what) = match status {
        401 => (ErrorKind::SignIn, "the sign-in was refused; is the secret still valid?".to_owned()),
        403 => (ErrorKind::Rights, "the credentials have no right to do this".into()),
        _ if unique && operation == Operation::Create => {
            (ErrorKind::Exists, "there is an account with these values already".into())
        }
        _ if unique => (ErrorKind::Refused, "another account has one of these values already".into()),
        404 | 410 => (ErrorKind::NotFound, "there is no such account, or `base_url` is not right".into()),
        412 => (ErrorKind::Changed, CHANGED.into()),
        413 => (ErrorKind::Refused, "the request is too large for the service".into()),
        429 => (ErrorKind::Busy, format!("the service was {}", response.too_busy())),
        501 | 405 => (ErrorKind::Refused, "the service cannot do this; try another `update`".into()),
        503 => (ErrorKind::Unavailable, "the service is not available".into()),
        500..=599 if operation == Operation::Read => {
            (ErrorKind::Unavailable, "the service had an error of its own".into())
        }
        500..=599 => (ErrorKind::Unsettled, "the service had an error of its own while it changed something".into()),
        300..=399 => (ErrorKind::Unexpected, "the service points to another address; is `base_url` right?".into()),
        _ => (ErrorKind::Refused, "the service refused".into()),
    };
    let mut message = format!("{name}: {what} (status {status}");
    if let Some((word, meaning)) =
        word.as_deref().and_then(|word| TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)))
    {
        message += &format!(", {word}: {meaning}");
    }
    let spoken_of = mentioned(response, names);
    if !spoken_of.is_empty() {
        message += &format!("; the answer speaks of {}", spoken_of.join(", "));
    }
    message.push(')');
    TargetError::new(kind, message).with_status(status)
}

/// Which of our own field names the answer's text holds.
fn mentioned(response: &Response, names: &[&str]) -> Vec<String> {
    let text = String::from_utf8_lossy(&response.body).to_lowercase();
    let word = |text: &str, name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let inside = |letter: char| letter.is_alphanumeric();
            !text[..at].ends_with(inside) && !text[at + name.len()..].starts_with(inside)
        })
    };
    names
        .iter()
        .filter(|name| {
            let short = name.rsplit([':', '.']).next().unwrap_or(name).to_lowercase();
            // `value` and `type` stand in every error; a filtered item is known by its list.
            let short = match name.split_once('[') {
                Some((list, _)) => list.rsplit(':').next().unwrap_or(list).to_lowercase(),
                None => short,
            };
            word(&text, &short)
        })
        .map(|name| format!("`{name}`"))
        .collect()
}

/// A missing answer as an error.
pub(crate) fn no_answer(name: &str, operation: Operation, error: &HttpError) -> TargetError {
    let kind = ErrorKind::unanswered(error, operation != Operation::Read);
    TargetError::new(kind, format!("{name}: {error}"))
}

/// An answer that is not what the standard promises.
pub(crate) fn unexpected(name: &str, what: impl std::fmt::Display) -> TargetError {
    TargetError::new(ErrorKind::Unexpected, format!("{name}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::spec_text;

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.into() }
    }

    #[test]
    fn refusals_in_every_dress_mean_the_same() {
        let unique =
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"uniqueness","status":"409"}"#;
        for (asked, status, body, kind) in [
            (Operation::Create, 409, unique, ErrorKind::Exists),
            (Operation::Create, 409, r#"{"detail":"ines@example.com exists"}"#, ErrorKind::Exists),
            (Operation::Create, 409, "User exists with same username", ErrorKind::Exists),
            (Operation::Create, 409, "<html>conflict</html>", ErrorKind::Exists),
            (Operation::Create, 409, "", ErrorKind::Exists),
            (Operation::Create, 400, r#"{"scimType":"Uniqueness","status":400}"#, ErrorKind::Exists),
            (Operation::Create, 400, r#"[{"scimType":"uniqueness"}]"#, ErrorKind::Exists),
            (Operation::Create, 400, r#"{"Errors":[{"scimType":"uniqueness","code":"400"}]}"#, ErrorKind::Exists),
            (Operation::Change, 409, unique, ErrorKind::Refused),
            (Operation::Change, 412, "", ErrorKind::Changed),
            (Operation::Change, 400, r#"{"scimType":"mutability"}"#, ErrorKind::Refused),
            (Operation::Read, 401, "", ErrorKind::SignIn),
            (Operation::Read, 403, "{}", ErrorKind::Rights),
            (Operation::Change, 404, "<html>", ErrorKind::NotFound),
            (Operation::Read, 500, "", ErrorKind::Unavailable),
            (Operation::Create, 500, "", ErrorKind::Unsettled),
            (Operation::Create, 502, "<html>bad gateway</html>", ErrorKind::Unsettled),
            (Operation::Create, 503, "", ErrorKind::Unavailable),
            (Operation::Change, 429, "", ErrorKind::Busy),
            (Operation::Change, 501, "", ErrorKind::Refused),
            (Operation::Read, 302, "", ErrorKind::Unexpected),
        ] {
            let error = refusal("wiki", asked, &answer(status, body), &[]);
            assert_eq!((error.kind, error.status), (kind, Some(status)), "{asked:?} {status} {body}");
        }
    }

    #[test]
    fn what_the_service_says_is_not_repeated_but_our_own_names_are() {
        let body = r#"{"scimType":"invalidValue","detail":"costCenter 'R&D' of ines@example.com does not exist"}"#;
        let names = [
            "userName",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
            "emails[type eq \"work\"].value",
        ];
        let error = refusal("wiki", Operation::Change, &answer(400, body), &names);
        assert_eq!(
            error.message,
            "wiki: the service refused (status 400, invalidValue: it does not take the value of a field; the answer \
             speaks of `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter`)"
        );
    }

    #[test]
    fn the_standards_errors_are_read() {
        for (file, word) in [
            ("rfc7644-3.12-error-bad_request.json", Some("mutability")),
            ("rfc7644-3.12-error-not_found.json", None),
            ("rfc7644-3.7.3-error-invalid_syntax.json", Some("invalidSyntax")),
            ("rfc7644-3.7.4-error-payload_too_large.json", None),
        ] {
            let Some(text) = spec_text(&format!("scim/rfc-samples/{file}")) else { return };
            let status = serde_json::from_str::<Value>(&text).unwrap()["status"].as_str().unwrap().parse().unwrap();
            let response = answer(status, &text);
            assert_eq!(scim_type(&response).as_deref(), word);
            let error = refusal("wiki", Operation::Change, &response, &[]);
            assert!(!error.message.contains("2819c223"), "{}", error.message);
        }
    }
}
