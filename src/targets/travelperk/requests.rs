//! The requests of TravelPerk's REST interface.

use serde_json::json;

use crate::http::{Method, Request};

/// How many to ask for at once. The service returns ten when it is not asked otherwise.
pub(super) const PAGE: usize = 50;

fn rest(method: Method, path: impl Into<String>) -> Request {
    Request::new(method, path).header("api-version", "1").header("accept", "application/json")
}

/// A page of cost centres.
pub(super) fn cost_centers(offset: usize) -> Request {
    rest(Method::Get, "/cost_centers").query("offset", offset).query("limit", PAGE).class("read")
}

/// A page of invoice profiles.
pub(super) fn profiles(offset: usize) -> Request {
    rest(Method::Get, "/profiles").query("offset", offset).query("limit", PAGE).class("read")
}

pub(super) fn create_cost_center(name: &str) -> Request {
    rest(Method::Post, "/cost_centers").json(&json!({ "name": name })).class("write")
}

/// Brings an archived cost centre back. The field is read as `archived` and written as `archive`.
pub(super) fn unarchive(id: &str) -> Request {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    rest(Method::Patch, format!("/cost_centers/{id}")).json(&json!({ "archive": false })).class("write")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Body;

    #[test]
    fn requests_carry_the_version_and_ask_for_pages() {
        let body = |request: &Request| match &request.body {
            Body::Json { text, .. } => text.clone(),
            _ => String::new(),
        };
        for (request, line, sent) in [
            (cost_centers(50), "GET /cost_centers?offset=50&limit=50", ""),
            (profiles(0), "GET /profiles?offset=0&limit=50", ""),
            (create_cost_center("R&D \"x\""), "POST /cost_centers?", r#"{"name":"R&D \"x\""}"#),
            (unarchive("7"), "PATCH /cost_centers/7?", r#"{"archive":false}"#),
        ] {
            let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(format!("{} {}?{}", request.method.as_str(), request.path, query.join("&")), line);
            assert!(request.headers.contains(&("api-version", "1".into())));
            assert_eq!(body(&request), sent);
        }
        // A cost centre that may have been made is looked for, never made again blindly.
        assert!(!create_cost_center("x").may_repeat());
    }
}
