use serde_json::json;

use crate::config::Secret;
use crate::employee::Attributes;
use crate::http::{Method, Repeat, Request};

/// The requests whose pace Personio counts together: reading employees.
pub(super) const READ_EMPLOYEES: &str = "employees";

/// The most employees per page since January 2025; the service may cap it further.
pub(super) const PAGE_LIMIT: u64 = 100;

/// The sign-in. Credentials in the query are no longer accepted.
pub(super) fn sign_in(client_id: &Secret, client_secret: &Secret) -> Request {
    Request::new(Method::Post, "/v1/auth")
        .json(&json!({"client_id": client_id.expose(), "client_secret": client_secret.expose()}))
        .repeat(Repeat::Harmless)
        .class("auth")
}

/// One page of employees. Nothing but the attributes of the run is asked for.
pub(super) fn employees(attributes: &Attributes, offset: u64, limit: u64) -> Request {
    let mut request = Request::get("/v1/company/employees")
        .query("limit", limit.clamp(1, PAGE_LIMIT))
        .query("offset", offset)
        .class(READ_EMPLOYEES);
    for key in attributes.keys() {
        request = request.query("attributes[]", key);
    }
    if attributes.is_empty() {
        // Without any, the service would deliver everything.
        request = request.query("attributes[]", "id");
    }
    request
}

/// The attributes that the credential may read.
pub(super) fn catalogue() -> Request {
    Request::get("/v1/company/employees/attributes").class("catalogue")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Body;

    #[test]
    fn credentials_travel_in_the_body() {
        let request = sign_in(&Secret::new("id"), &Secret::new("word"));
        assert_eq!((request.method, &*request.path), (Method::Post, "/v1/auth"));
        assert_eq!(request.query, []);
        let text = r#"{"client_id":"id","client_secret":"word"}"#.to_owned();
        assert_eq!(request.body, Body::Json { content_type: "application/json", text });
        assert!(request.may_repeat());
    }

    #[test]
    fn a_page_asks_for_the_attributes_of_the_run_only() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let request = employees(&Attributes::new(["status", "email"]), 200, 100);
        assert_eq!((request.method, &*request.path), (Method::Get, "/v1/company/employees"));
        assert_eq!(
            request.query,
            pairs(&[("limit", "100"), ("offset", "200"), ("attributes[]", "email"), ("attributes[]", "status")])
        );
        let request = employees(&Attributes::new([""; 0]), 0, 500);
        assert_eq!(request.query, pairs(&[("limit", "100"), ("offset", "0"), ("attributes[]", "id")]));
    }
}
