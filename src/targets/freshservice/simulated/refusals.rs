//! The two shapes of error bodies.

use serde_json::{Value, json};

use crate::simulation::SandboxResponse;

/// What is wrong with one attribute of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    field: String,
    message: String,
    code: &'static str,
}

impl Problem {
    pub(super) fn new(field: &str, message: &str, code: &'static str) -> Self {
        Self { field: field.to_owned(), message: message.to_owned(), code }
    }
}

/// 400 with the attributes that are wrong.
pub(super) fn invalid(problems: &[Problem]) -> SandboxResponse {
    let errors: Vec<Value> = problems
        .iter()
        .map(|problem| json!({"field": problem.field, "message": problem.message, "code": problem.code}))
        .collect();
    SandboxResponse::json(400, &json!({"description": "Validation failed", "errors": errors}))
}

/// 409; names no attribute.
pub(super) fn conflict(message: &str) -> SandboxResponse {
    SandboxResponse::json(409, &json!({"errors": [{"message": message, "code": "duplicate_value"}]}))
}

/// A refusal as a whole.
pub(super) fn refused(status: u16, code: &str, message: &str) -> SandboxResponse {
    SandboxResponse::json(status, &json!({"code": code, "message": message}))
}

/// What is answered where no account of that name is: a web page.
pub(super) fn no_account() -> SandboxResponse {
    let page = "<!DOCTYPE html><html><head><title>Page not found</title></head>\
                <body><h1>There is no helpdesk here at Freshservice.com</h1></body></html>";
    SandboxResponse::html(404, page.into())
}
