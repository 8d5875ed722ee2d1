//! What Graph's refusals mean.

use std::time::Duration;

use serde_json::Value;

use crate::http::{HttpError, Method, Request, Response};

use super::super::{ErrorKind, TargetError};

/// What a request is for, in messages.
fn words(request: &Request) -> String {
    let mut parts = request.path.split('?').next().unwrap_or_default().trim_start_matches('/').split('/');
    let first = parts.next().unwrap_or_default();
    let last = parts.rfind(|part| matches!(*part, "members" | "manager" | "bulkUpload"));
    let things = match (first, last) {
        (_, Some("manager")) => "a manager",
        ("groups", Some(_)) => "members of a group",
        ("teams", _) => "members of a team",
        ("groups", None) => "groups",
        ("$batch", _) => "several users",
        ("auditLogs", _) => "the provisioning logs",
        (_, Some("bulkUpload")) => "the provisioning service",
        _ => "users",
    };
    let verb = match request.method {
        Method::Get => "read",
        Method::Post | Method::Put | Method::Patch => "write",
        Method::Delete => "remove",
    };
    format!("failed to {verb} {things}")
}

/// Whether a request changes something, so that a lost answer leaves it open.
fn makes(request: &Request) -> bool {
    request.method != Method::Get
}

/// A request without an answer.
pub(super) fn unanswered(error: &HttpError, request: &Request) -> TargetError {
    let kind = ErrorKind::unanswered(error, makes(request));
    TargetError::new(kind, format!("{}: {error}", words(request)))
}

/// An answer that is not what Graph is known to send. What a write did stays unknown.
pub(super) fn unexpected(why: &str, request: &Request, status: u16) -> TargetError {
    let kind = if makes(request) { ErrorKind::Unsettled } else { ErrorKind::Unexpected };
    TargetError::new(kind, format!("{}: {why}", words(request))).with_status(status)
}

/// The body of an answer that succeeded; null when there is none.
pub(super) fn accepted(response: &Response, request: &Request) -> Result<Value, TargetError> {
    if !response.is_success() {
        let body = response.json_or_none().unwrap_or_default();
        let mut error = refused(response.status, &body, request);
        if let Some(id) = response.header("request-id").filter(|id| is_code(id)) {
            error.message.push_str(&format!(" (request {id})"));
        }
        return Err(error);
    }
    if response.body.is_empty() && matches!(response.status, 202 | 204) {
        return Ok(Value::Null);
    }
    if let Some(why) = response.not_done().filter(|_| makes(request)) {
        return Err(unexpected(why, request, response.status));
    }
    response.json().map_err(|why| unexpected(&why.to_string(), request, response.status))
}

/// What a status and an error body mean.
pub(super) fn refused(status: u16, body: &Value, request: &Request) -> TargetError {
    let error = &body["error"];
    let code = error["code"].as_str().filter(|code| is_code(code)).unwrap_or_default();
    let (kind, hint) = match status {
        401 => (ErrorKind::SignIn, "the sign-in was refused; check `tenant`, `client_id` and `client_secret`"),
        403 => (ErrorKind::Rights, right(request)),
        410 => (ErrorKind::Unavailable, "the list of changes expired while it was read"),
        404 => (ErrorKind::NotFound, "it is not there"),
        400 | 409 if is_there_already(error) => (ErrorKind::Exists, "it is there already"),
        400 | 409 => (ErrorKind::Refused, "Graph does not take it"),
        429 | 503 => (ErrorKind::Busy, "Graph is busy, and was after waiting, too"),
        500.. if makes(request) => (ErrorKind::Unsettled, "Graph broke down over it"),
        500.. => (ErrorKind::Unavailable, "Graph is not available"),
        _ => (ErrorKind::Unexpected, "is `base_url` right?"),
    };
    let code = if code.is_empty() { String::new() } else { format!(" {code}") };
    TargetError::new(kind, format!("{}: {status}{code}: {hint}", words(request))).with_status(status)
}

/// A part of a batch that Graph wants to have sent again later than a run waits.
pub(super) fn too_long(asked: Duration, patience: Duration, request: &Request) -> TargetError {
    let (asked, patience) = (asked.as_secs(), patience.as_secs());
    let why = format!("Graph is busy and asks to wait {asked} s; a run waits {patience} s at most, so run again then");
    TargetError::new(ErrorKind::Busy, format!("{}: {why}", words(request)))
}

/// What a request needs the application to be permitted.
fn right(request: &Request) -> &'static str {
    let path = request.path.split('?').next().unwrap_or_default().trim_start_matches('/');
    match (path.split('/').next().unwrap_or_default(), request.method) {
        ("groups", Method::Get) => "the app needs GroupMember.Read.All, consented to by an administrator",
        ("groups", _) => "the app needs GroupMember.ReadWrite.All, consented to by an administrator",
        ("teams", _) => "the app needs TeamMember.ReadWrite.All, consented to by an administrator",
        ("auditLogs", _) => "the app needs AuditLog.Read.All, consented to by an administrator",
        ("users", Method::Get) => {
            "the app needs User.Read.All, and User-LifeCycleInfo.Read.All where employeeLeaveDateTime is mapped"
        }
        ("users", _) => {
            "the app needs User.ReadWrite.All, and for employeeLeaveDateTime User-LifeCycleInfo.ReadWrite.All; phones and \
             sign-in of administrators need a role beside that"
        }
        _ if path.ends_with("/bulkUpload") => {
            "the app needs SynchronizationData-User.Upload, consented to by an administrator"
        }
        _ => "the app lacks a permission, or an administrator has not consented to it",
    }
}

/// Graph tells duplicates, and members who are members already, by its words only.
fn is_there_already(error: &Value) -> bool {
    let message = error["message"].as_str().unwrap_or_default().to_lowercase();
    let object_conflict =
        error["details"].as_array().is_some_and(|details| details.iter().any(|one| one["code"] == "ObjectConflict"));
    object_conflict
        || message.contains("already exist")
        || message.contains("same value for property")
        || message.contains("conflicting object")
}

/// `Request_BadRequest`, or the id of a request: no value of a person looks like it.
pub(super) fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 80
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::requests;
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        let headers = vec![("request-id".into(), "5f2c-77".into())];
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn statuses_and_codes() {
        let (read, write) = (requests::user("u1", "id", false), requests::update_user("u1", &json!({})));
        let body = |code: &str, message: &str| json!({"error": {"code": code, "message": message}}).to_string();
        for (status, text, request, kind) in [
            (401, body("InvalidAuthenticationToken", "x"), &read, ErrorKind::SignIn),
            (403, body("Authorization_RequestDenied", "x"), &write, ErrorKind::Rights),
            (404, body("Request_ResourceNotFound", "x"), &read, ErrorKind::NotFound),
            (400, body("Request_BadRequest", "Invalid value"), &write, ErrorKind::Refused),
            (
                400,
                body(
                    "Request_BadRequest",
                    "Another object with the same value for property userPrincipalName already exists.",
                ),
                &write,
                ErrorKind::Exists,
            ),
            (429, body("TooManyRequests", "x"), &write, ErrorKind::Busy),
            (503, String::new(), &read, ErrorKind::Busy),
            (502, "<html>".into(), &write, ErrorKind::Unsettled),
            (302, String::new(), &read, ErrorKind::Unexpected),
        ] {
            assert_eq!(accepted(&answer(status, &text), request).unwrap_err().kind, kind, "{status} {text}");
        }
        assert_eq!(accepted(&answer(204, ""), &write), Ok(Value::Null));
        assert_eq!(accepted(&answer(200, "{\"val"), &read).unwrap_err().kind, ErrorKind::Unexpected);
        assert_eq!(accepted(&answer(200, ""), &read).unwrap_err().kind, ErrorKind::Unexpected);
        for no_success in ["<html>", r#"{"error":{"code":"Request_BadRequest","message":"x"}}"#] {
            assert_eq!(accepted(&answer(200, no_success), &write).unwrap_err().kind, ErrorKind::Unsettled);
        }
    }

    #[test]
    fn messages_name_the_request_and_no_value() {
        let request = requests::update_user("u1", &json!({}));
        let body =
            json!({"error": {"code": "Request_BadRequest", "message": "Mira Osei is no department"}}).to_string();
        let message = accepted(&answer(400, &body), &request).unwrap_err().message;
        assert_eq!(message, "failed to write users: 400 Request_BadRequest: Graph does not take it (request 5f2c-77)");
    }
}
