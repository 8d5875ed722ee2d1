//! What Slack's refusals mean. It answers 200 and says `"ok": false` with a code.

use serde_json::Value;

use crate::http::{HttpError, Method, Request, Response};

use super::super::{ErrorKind, TargetError};
use super::requests::{BROKE_DOWN, is_busy};

/// Codes of which the whole run can be told that the sign-in is refused.
const SIGN_IN: &[&str] = &[
    "not_authed",
    "invalid_auth",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "org_login_required",
    "two_factor_setup_required",
    "team_added_to_org",
];

/// Codes that speak of the token's rights, with what to try.
const RIGHTS: &[(&str, &str)] = &[
    ("no_permission", "the token may not do this"),
    ("not_allowed_token_type", "this needs the token of an admin user (xoxp-)"),
    ("user_is_bot", "this needs the token of an admin user (xoxp-), not of a bot"),
    ("user_is_restricted", "guests may not do this; use an admin's token"),
    ("not_admin", "profiles of others can be set with an admin's token on a paid plan only"),
    ("not_app_admin", "profiles of others can be set with an admin's token on a paid plan only"),
    ("permission_denied", "the workspace lets only some roles manage user groups"),
    ("restricted_action", "the workspace lets only some roles do this"),
    ("access_denied", "access is denied"),
    ("team_access_not_granted", "the app is not granted this workspace"),
    ("ekm_access_denied", "an administrator suspended access"),
    ("enterprise_is_restricted", "the method is not available in this organisation"),
    ("upgrade_required", "the plan does not include this"),
    ("plan_upgrade_required", "the plan does not include this"),
    ("paid_teams_only", "the plan does not include this"),
];

/// Codes that speak of one person or group, with what to try.
const REFUSED: &[(&str, &str)] = &[
    ("cannot_update_admin_user", "the token's owner does not rank above this person"),
    ("email_taken", "another member has this address, perhaps a deactivated one"),
    ("reserved_name", "the name is reserved"),
    ("too_long", "a value is too long"),
    ("invalid_profile", "a value is not one that the field takes"),
    ("profile_set_failed", "under Configure Profiles the field must name the API as its source"),
    ("partial_profile_set_failed", "under Configure Profiles the field must name the API as its source"),
    ("is_bot", "bots are not changed"),
    ("not_in_channel", "the token's owner is not in the channel; invite it first"),
    ("is_archived", "the channel is archived"),
    ("cant_invite", "this person cannot be invited to the channel"),
    ("cant_invite_self", "the token's owner cannot invite itself"),
    ("cant_kick_self", "the token's owner cannot take itself out"),
    ("cant_kick_from_general", "nobody can be taken out of the general channel"),
    ("missing_argument", "with the token of an organisation, `team_id` says which workspace is meant"),
    ("invalid_team", "`team_id` is no workspace that the token sees"),
    ("team_not_found", "the organisation has no workspace of this name, or the app is not in it"),
    ("ura_max_channels", "a guest cannot be in more channels"),
];

/// Codes that say that a user group of this name or handle is there already.
const EXISTS: &[&str] = &["name_already_exists", "handle_already_exists"];

fn method(request: &Request) -> &str {
    request.path.trim_start_matches('/')
}

fn writes(request: &Request) -> bool {
    request.method != Method::Get
}

/// Whether sending a read again at once is worth while.
pub(super) fn is_passing(error: &TargetError, request: &Request) -> bool {
    // Too many requests ([`ErrorKind::Busy`]) were waited for already.
    error.kind == ErrorKind::Unavailable && error.status == Some(200) && !writes(request)
}

/// A request without an answer.
pub(super) fn unanswered(error: &HttpError, request: &Request) -> TargetError {
    let kind = ErrorKind::unanswered(error, writes(request));
    TargetError::new(kind, format!("{}: {error}", method(request)))
}

/// An answer that is not what Slack is known to send. What a write did stays unknown.
pub(super) fn unexpected(why: &str, request: &Request, status: u16) -> TargetError {
    let kind = if writes(request) { ErrorKind::Unsettled } else { ErrorKind::Unexpected };
    TargetError::new(kind, format!("{}: {why}", method(request))).with_status(status)
}

/// The answer's body when it says `"ok": true`.
pub(super) fn accepted(response: &Response, request: &Request) -> Result<Value, TargetError> {
    let name = method(request);
    let error = |kind, why: String| Err(TargetError::new(kind, format!("{name}: {why}")).with_status(response.status));
    match response.status {
        200 => {}
        429 => return error(ErrorKind::Busy, format!("Slack is {}", response.too_busy())),
        401 => return error(ErrorKind::SignIn, "Slack refused the token".into()),
        403 => return error(ErrorKind::Rights, "Slack refused access (status 403)".into()),
        status @ 500.. if writes(request) => {
            return error(ErrorKind::Unsettled, format!("Slack broke down over it (status {status})"));
        }
        status @ 500.. => return error(ErrorKind::Unavailable, format!("Slack is not available (status {status})")),
        status => return error(ErrorKind::Unexpected, format!("status {status}; is `base_url` right?")),
    }
    let body: Value = response.json().map_err(|why| unexpected(&why.to_string(), request, response.status))?;
    match body.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(body),
        Some(false) => Err(refused(&body, request).with_status(response.status)),
        None => Err(unexpected("the answer does not say whether it is `ok`", request, response.status)),
    }
}

/// What the code of an answer means.
fn refused(body: &Value, request: &Request) -> TargetError {
    let name = method(request);
    let code = body.get("error").and_then(Value::as_str).filter(|code| is_code(code)).unwrap_or("an unknown error");
    let hint = |list: &[(&str, &'static str)]| list.iter().find(|(known, _)| *known == code).map(|(_, hint)| *hint);
    let (kind, hint) = if SIGN_IN.contains(&code) {
        (ErrorKind::SignIn, Some("Slack refused the token; make a new one and put it where `token` says".to_owned()))
    } else if code == "missing_scope" {
        let needed = body.get("needed").and_then(Value::as_str).filter(|needed| is_code(needed));
        let scope = needed.map_or_else(|| "a scope".to_owned(), |needed| format!("the scope `{needed}`"));
        (ErrorKind::Rights, Some(format!("the token lacks {scope}; add it to the app and install the app again")))
    } else if let Some(hint) = hint(RIGHTS) {
        (ErrorKind::Rights, Some(hint.to_owned()))
    } else if let Some(hint) = hint(REFUSED) {
        (ErrorKind::Refused, Some(hint.to_owned()))
    } else if matches!(code, "user_not_found" | "users_not_found" | "user_not_visible") {
        (ErrorKind::NotFound, None)
    } else if EXISTS.contains(&code) {
        (ErrorKind::Exists, Some("the name or the handle is in use, perhaps by a channel or a person".to_owned()))
    } else if is_busy(Some(code)) {
        (ErrorKind::Busy, Some("Slack is busy, and was after waiting, too".to_owned()))
    } else if code == "service_unavailable" {
        (ErrorKind::Unavailable, None)
    } else if BROKE_DOWN.contains(&code) {
        (if writes(request) { ErrorKind::Unsettled } else { ErrorKind::Unavailable }, None)
    } else {
        (ErrorKind::Refused, None)
    };
    let hint = hint.map_or_else(String::new, |hint| format!(" ({hint})"));
    TargetError { said: Some(code.into()), ..TargetError::new(kind, format!("{name}: Slack says {code}{hint}")) }
}

/// `missing_scope`, `users:read.email,groups:read`: what a code may look like, and no value of a person does.
fn is_code(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_:.,".contains(letter);
    !text.is_empty() && text.len() <= 120 && text.chars().all(plain)
}

/// The code of a refusal, for those that count as done.
pub(super) fn says(error: &TargetError, code: &str) -> bool {
    error.said.as_deref() == Some(code)
}

#[cfg(test)]
mod tests {
    use super::super::requests;
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn codes_inside_a_success_are_errors() {
        let (read, write) = (requests::list_users(None, ""), requests::invite("C1", "U1"));
        for (body, request, kind) in [
            (r#"{"ok":false,"error":"invalid_auth"}"#, &read, ErrorKind::SignIn),
            (r#"{"ok":false,"error":"token_expired"}"#, &write, ErrorKind::SignIn),
            (r#"{"ok":false,"error":"not_admin"}"#, &write, ErrorKind::Rights),
            (r#"{"ok":false,"error":"users_not_found"}"#, &read, ErrorKind::NotFound),
            (r#"{"ok":false,"error":"cannot_update_admin_user"}"#, &write, ErrorKind::Refused),
            (r#"{"ok":false,"error":"something_new"}"#, &write, ErrorKind::Refused),
            (r#"{"ok":false,"error":"ratelimited"}"#, &write, ErrorKind::Busy),
            (r#"{"ok":false,"error":"handle_already_exists"}"#, &write, ErrorKind::Exists),
            (r#"{"ok":false,"error":"internal_error"}"#, &read, ErrorKind::Unavailable),
            (r#"{"ok":false,"error":"internal_error"}"#, &write, ErrorKind::Unsettled),
            (r#"{"ok":false}"#, &read, ErrorKind::Refused),
            (r#"{"members":[]}"#, &read, ErrorKind::Unexpected),
            (r#"{"channel":{}}"#, &write, ErrorKind::Unsettled),
            (r#"{"ok":true,"memb"#, &read, ErrorKind::Unexpected),
            ("<html>please wait</html>", &read, ErrorKind::Unexpected),
            ("<html>please wait</html>", &write, ErrorKind::Unsettled),
        ] {
            let error = accepted(&answer(200, body), request).unwrap_err();
            assert_eq!(error.kind, kind, "{body} {}", error.message);
        }
        assert!(accepted(&answer(200, r#"{"ok":true}"#), &read).is_ok());
    }

    #[test]
    fn a_read_that_broke_down_is_worth_another_and_one_too_many_was_waited_for_already() {
        let (read, write) = (requests::list_users(None, ""), requests::invite("C1", "U1"));
        let passing = |code: &str, request: &Request| {
            let body = format!(r#"{{"ok":false,"error":"{code}"}}"#);
            is_passing(&accepted(&answer(200, &body), request).unwrap_err(), request)
        };
        assert!(passing("internal_error", &read) && passing("service_unavailable", &read));
        assert!(
            !passing("ratelimited", &read) && !passing("invalid_auth", &read) && !passing("internal_error", &write)
        );
        // Its kind decides, whatever the words are.
        let busy = |kind| TargetError::new(kind, "users.list: ratelimited").with_status(200);
        assert!(is_passing(&busy(ErrorKind::Unavailable), &read) && !is_passing(&busy(ErrorKind::Busy), &read));
    }

    #[test]
    fn statuses_without_a_code() {
        let (read, write) = (requests::list_users(None, ""), requests::invite("C1", "U1"));
        for (status, of_read, of_write) in [
            (401, ErrorKind::SignIn, ErrorKind::SignIn),
            (403, ErrorKind::Rights, ErrorKind::Rights),
            (404, ErrorKind::Unexpected, ErrorKind::Unexpected),
            (429, ErrorKind::Busy, ErrorKind::Busy),
            (502, ErrorKind::Unavailable, ErrorKind::Unsettled),
        ] {
            assert_eq!(accepted(&answer(status, "<html>"), &read).unwrap_err().kind, of_read, "{status}");
            assert_eq!(accepted(&answer(status, "<html>"), &write).unwrap_err().kind, of_write, "{status}");
        }
    }

    #[test]
    fn a_missing_scope_is_named_and_values_are_not_shown() {
        let body = r#"{"ok":false,"error":"missing_scope","needed":"users:read.email","provided":"identify"}"#;
        let error = accepted(&answer(200, body), &requests::list_users(None, "")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Rights);
        assert!(error.message.contains("`users:read.email`"), "{}", error.message);
        let body = r#"{"ok":false,"error":"Mira Osei <mira@example.com> is odd"}"#;
        assert!(!accepted(&answer(200, body), &requests::list_users(None, "")).unwrap_err().message.contains("ira"));
    }

    #[test]
    fn lost_writes_are_unsettled() {
        let lost = HttpError::Lost { host: "slack.com".into(), why: "timed out".into() };
        assert_eq!(unanswered(&lost, &requests::invite("C1", "U1")).kind, ErrorKind::Unsettled);
        assert_eq!(unanswered(&lost, &requests::list_groups(None)).kind, ErrorKind::Unavailable);
        let error = accepted(&answer(200, r#"{"ok":false,"error":"already_in_channel"}"#), &requests::invite("C", "U"));
        assert!(says(&error.unwrap_err(), "already_in_channel"));
    }
}
