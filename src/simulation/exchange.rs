use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::http::Method;

/// A request as a simulated system sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct SandboxRequest {
    pub method: Method,
    /// Path below the system's own, beginning with `/`, still percent-encoded.
    pub path: String,
    /// Query pairs, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Address of the system, without a trailing slash, for links in answers.
    pub base_url: String,
    /// Time since the sandbox was started. Tokens and limits go by it.
    pub at: Duration,
    /// The moment by the clock of the machine, for systems that date what they write.
    pub moment: DateTime<Utc>,
}

impl SandboxRequest {
    /// A request without query, headers and body.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            base_url: "http://127.0.0.1".into(),
            at: Duration::ZERO,
            moment: DateTime::UNIX_EPOCH,
        }
    }

    /// `GET path`, where the path may carry a query.
    pub fn get(path_and_query: &str) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { query, ..Self::new(Method::Get, path) }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    /// The same, so long after the start.
    pub fn at(mut self, at: Duration) -> Self {
        self.at = at;
        self
    }

    /// The first header of a name in lower case.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first query value of a name.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parts of the path between slashes.
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }

    /// The body as a JSON object.
    pub fn object(&self) -> Option<serde_json::Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// The answer of a simulated system.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SandboxResponse {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl SandboxResponse {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::json_text(status, body.to_string())
    }

    /// An answer in JSON that is text already.
    pub fn json_text(status: u16, body: String) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8".into())];
        Self { status, headers, body: body.into_bytes() }
    }

    pub fn html(status: u16, body: String) -> Self {
        let headers = vec![("content-type", "text/html; charset=utf-8".into())];
        Self { status, headers, body: body.into_bytes() }
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` when it is none.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
