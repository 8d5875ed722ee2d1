//! The requests of SCIM.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::http::{Body, Method, Request};

use super::bulk::{BulkOperation, body};
use super::filter::Filter;
use super::wire::Resource;

/// SCIM's own content type.
const SCIM: &str = "application/scim+json";
/// What operations of a PATCH are wrapped in.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Ids are the service's own and may hold anything (Zoom's hold `&`).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Builds requests for one service.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    /// Path of the user resources, without a trailing slash: `/Users`.
    pub(crate) users: String,
    /// Bodies are sent as plain JSON.
    pub(crate) plain_json: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// From this position, counted from 1.
    Index(u64),
    /// After this cursor; empty for the first page.
    Cursor(String),
    All,
}

impl Requests {
    /// A discovery document: `/ServiceProviderConfig`, `/Schemas`, `/ResourceTypes`.
    pub(crate) fn discovery(path: &str) -> Request {
        accept(Request::get(path)).class("read")
    }

    pub(crate) fn page(&self, page: &Page, count: u32) -> Request {
        let request = accept(Request::get(&self.users)).class("read");
        match page {
            Page::Index(start) => request.query("startIndex", start).query("count", count),
            Page::Cursor(cursor) => request.query("cursor", cursor).query("count", count),
            Page::All => request,
        }
    }

    /// The users that a filter fits.
    pub(crate) fn search(&self, filter: &Filter) -> Request {
        accept(Request::get(&self.users)).query("filter", filter).class("read")
    }

    /// One user, with nothing but these attributes unless there are none.
    pub(crate) fn user(&self, id: &str, attributes: &[String]) -> Request {
        let request = accept(Request::get(self.path(id))).class("read");
        if attributes.is_empty() { request } else { request.query("attributes", attributes.join(",")) }
    }

    pub(crate) fn create(&self, resource: &Resource) -> Request {
        self.body(Request::new(Method::Post, &self.users), resource)
    }

    pub(crate) fn replace(&self, id: &str, resource: &Resource, version: Option<&str>) -> Request {
        if_match(self.body(Request::new(Method::Put, self.path(id)), resource), version)
    }

    pub(crate) fn patch(&self, id: &str, operations: &[Value], version: Option<&str>) -> Request {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        if_match(self.body(Request::new(Method::Patch, self.path(id)), &body), version)
    }

    /// Several of these at once.
    pub(crate) fn bulk(&self, operations: &[&BulkOperation]) -> Request {
        let mut request = accept(Request::new(Method::Post, "/Bulk")).class("write");
        request.body = Body::Json { content_type: self.content_type(), text: body(operations.iter().copied()) };
        request
    }

    fn path(&self, id: &str) -> String {
        format!("{}/{}", self.users, utf8_percent_encode(id, SEGMENT))
    }

    fn body(&self, request: Request, body: &impl serde::Serialize) -> Request {
        accept(request).json_as(self.content_type(), body).class("write")
    }

    fn content_type(&self) -> &'static str {
        if self.plain_json { "application/json" } else { SCIM }
    }
}

fn accept(request: Request) -> Request {
    request.header("accept", "application/scim+json, application/json")
}

/// Versions are sent as they came: some are weak, some are quoted oddly.
fn if_match(request: Request, version: Option<&str>) -> Request {
    match version {
        Some(version) => request.header("if-match", version),
        None => request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::scim::path::Path;

    fn requests() -> Requests {
        Requests { users: "/Users".into(), plain_json: false }
    }

    #[test]
    fn reading_names_pages_filters_and_ids() {
        let query = |request: &Request| {
            request.query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        let page = requests().page(&Page::Index(101), 100);
        assert_eq!(
            (page.method, &*page.path, query(&page)),
            (Method::Get, "/Users", "startIndex=101&count=100".into())
        );
        assert_eq!(query(&requests().page(&Page::Cursor(String::new()), 50)), "cursor=&count=50");
        assert_eq!(query(&requests().page(&Page::All, 50)), "");
        let filter = Filter::equals(Path::core("userName"), "a+b@example.com");
        assert_eq!(query(&requests().search(&filter)), r#"filter=userName eq "a+b@example.com""#);
        assert_eq!(requests().user("a&b/../c", &[]).path, "/Users/a%26b%2F..%2Fc");
        assert!(page.headers.contains(&("accept", "application/scim+json, application/json".into())));
    }

    #[test]
    fn writing_sends_scims_own_type_and_the_version_as_it_came() {
        let operation = json!({"op": "replace", "path": "active", "value": false});
        let patch = requests().patch("411", &[operation], Some("W/\"a\\\"1\""));
        assert_eq!((patch.method, &*patch.path), (Method::Patch, "/Users/411"));
        assert!(patch.headers.contains(&("if-match", "W/\"a\\\"1\"".into())));
        assert_eq!(
            patch.body,
            Body::Json {
                content_type: "application/scim+json",
                text: r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#.into()
            }
        );
        let plain = Requests { plain_json: true, ..requests() };
        let created = plain.create(&Resource::new());
        assert_eq!((created.method, &*created.path), (Method::Post, "/Users"));
        assert!(matches!(created.body, Body::Json { content_type: "application/json", .. }));
        // A lost PATCH or POST may have been carried out.
        assert!(!patch.may_repeat() && !created.may_repeat());
    }
}
