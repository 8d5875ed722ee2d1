//! Requests as values, one client that sends them, and the rules of repeating and pacing as pure functions.
//!
//! Who sends: `personio/` and the `mod.rs` of each target. Everything they send is first a [`Request`],
//! built by a pure function and tested without a server.

mod auth;
mod client;
mod clock;
mod exchange;
mod interrupt;
mod multipart;
mod pace;
mod redact;
mod retry;
mod slow;
mod tally;
#[cfg(test)]
pub(crate) mod testing;
mod transport;

pub use auth::{Auth, FixedAuth, TokenAuth};
pub use client::{Client, ClientSettings, Reader};
pub use clock::{Clock, RealClock};
pub use exchange::{Exchange, is_pressure, record, under_pressure};
pub use interrupt::{Interrupted, interrupt, pause};
pub use multipart::{File, Part, PartContent};
pub use pace::{Limit, Pacer};
pub use redact::Redactor;
pub use retry::{Attempt, Decision, RetrySettings, Tried, decide};
pub use slow::awaited;
pub use tally::{Requests, Tally};

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request as a value: what would be sent, without the address of the server and without credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: Method,
    /// Path below the base address, beginning with `/`, already percent-encoded. An absolute address
    /// (a `next` link) is accepted when it has the scheme, host and port of the base address.
    pub path: String,
    /// Query pairs, in order; encoded when sent.
    pub query: Vec<(String, String)>,
    /// Headers beside those of the client.
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
    /// Whether repeating it is harmless although its method says otherwise (a search sent as POST), or
    /// harmful although its method says it is not.
    pub repeat: Repeat,
    /// Which of the service's limits it counts against; requests of one class share a pace.
    pub class: &'static str,
}

/// Whether a request may be sent again when it is not known whether it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Repeat {
    /// By method: GET, PUT and DELETE yes, POST and PATCH no.
    #[default]
    ByMethod,
    Harmless,
    Never,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// JSON with its content type (`application/json` or `application/scim+json`).
    Json { content_type: &'static str, text: String },
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// `multipart/form-data`, the parts in order.
    Multipart(Vec<Part>),
}

impl Request {
    /// A request without query and body.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            repeat: Repeat::ByMethod,
            class: "default",
        }
    }

    /// `GET path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// The same with one more query pair.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same with its query encoded in the path, for where a request stands inside another.
    pub fn in_path(mut self) -> Self {
        let pairs: Vec<String> = self
            .query
            .drain(..)
            .map(|(name, value)| format!("{}={}", client::encoded(&name), client::encoded(&value)))
            .collect();
        if !pairs.is_empty() {
            self.path.push(if self.path.contains('?') { '&' } else { '?' });
            self.path.push_str(&pairs.join("&"));
        }
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with a JSON body.
    ///
    /// # Panics
    ///
    /// When the value cannot be JSON (a map with keys that are not texts), which is a mistake of ours.
    pub fn json(self, body: &impl Serialize) -> Self {
        self.json_as("application/json", body)
    }

    /// The same with a JSON body of another content type.
    ///
    /// # Panics
    ///
    /// As [`Request::json`].
    pub fn json_as(mut self, content_type: &'static str, body: &impl Serialize) -> Self {
        let text = serde_json::to_string(body).expect("a body that is JSON");
        self.body = Body::Json { content_type, text };
        self
    }

    pub fn form(mut self, pairs: Vec<(String, String)>) -> Self {
        self.body = Body::Form(pairs);
        self
    }

    /// The same with a form that may carry files.
    pub fn multipart(mut self, parts: Vec<Part>) -> Self {
        self.body = Body::Multipart(parts);
        self
    }

    /// The same, counted against another limit of the service.
    pub fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// The same, with another rule for repeating.
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Whether it may be sent again when it is not known whether it arrived.
    pub fn may_repeat(&self) -> bool {
        match self.repeat {
            Repeat::Harmless => true,
            Repeat::Never => false,
            Repeat::ByMethod => !matches!(self.method, Method::Post | Method::Patch),
        }
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Response {
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of a name; letter case does not count.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What a 429 says in words: how long the service asks to wait, where that is longer than a run does.
    pub fn too_busy(&self) -> String {
        let date = self.header("date").and_then(retry::parse_date);
        let asked =
            self.header("retry-after").zip(date).and_then(|(value, date)| retry::parse_retry_after(value, date));
        let asked = asked.or_else(|| self.header("retry-after")?.trim().parse().ok().map(Duration::from_secs));
        let patience = RetrySettings::default().total_wait;
        match asked {
            Some(wait) if wait > patience => format!(
                "too busy: it asks to wait {} s, and a run waits {} s at most; run again then",
                wait.as_secs(),
                patience.as_secs()
            ),
            _ => "too busy, also after waiting".into(),
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// Says what kind of body came instead (HTML, nothing, cut off) and where reading stopped; never shows it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, UnexpectedBody> {
        serde_json::from_slice(&self.body).map_err(|error| UnexpectedBody::new(self, &error))
    }

    /// Whether the body is a web page: that of a proxy or a sign-in, whatever the status.
    pub fn is_page(&self) -> bool {
        self.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
    }

    /// Why an answer to a write is no success although its status is one: its body is a web page, or says in one of
    /// the usual forms that there was an error. Services and what stands before them have been seen to do both.
    pub fn not_done(&self) -> Option<&'static str> {
        const ERROR: &str = "the status says that it worked, and the body that there was an error";
        if !self.is_success() {
            return None;
        }
        if self.is_page() {
            return Some("the status says that it worked, and the body is a web page (HTML); is the address right?");
        }
        let body = self.json_or_none()?;
        let says = |value: &serde_json::Value| match value {
            serde_json::Value::Null | serde_json::Value::Bool(false) => false,
            serde_json::Value::Bool(true) => true,
            serde_json::Value::Number(number) => number.as_f64() != Some(0.0),
            serde_json::Value::String(text) => !text.trim().is_empty(),
            serde_json::Value::Array(items) => !items.is_empty(),
            serde_json::Value::Object(members) => !members.is_empty(),
        };
        let object = body.as_object()?;
        let failed = ["error", "errors", "Errors"].iter().any(|key| object.get(*key).is_some_and(says))
            || ["success", "ok"].iter().any(|key| object.get(*key) == Some(&serde_json::Value::Bool(false)));
        failed.then_some(ERROR)
    }

    /// The body as JSON, for reading error bodies that may be anything.
    pub fn json_or_none(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A body that is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnexpectedBody(pub String);

impl UnexpectedBody {
    /// In words, without showing any of the body.
    pub fn new(response: &Response, error: &serde_json::Error) -> Self {
        let start = response.body.iter().find(|byte| !byte.is_ascii_whitespace());
        Self(match start {
            None => "the answer is empty where JSON was expected".into(),
            Some(b'<') => "the answer is a web page (HTML) where JSON was expected; is the address right?".into(),
            Some(_) if error.is_eof() => {
                format!("the answer is cut off after {} bytes", response.body.len())
            }
            Some(_) => format!(
                "the answer is not the JSON that was expected (line {}, column {})",
                error.line(),
                error.column()
            ),
        })
    }
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// It never left: refused connection, unknown host, failed TLS. Nothing happened at the service.
    #[error("cannot reach {host}: {why}")]
    NotSent { host: String, why: String },
    /// It may have been carried out, but the answer was lost on the way.
    #[error("no answer from {host}: {why}")]
    Lost { host: String, why: String },
    /// The answer is larger than any honest one.
    #[error("{host} sent more than {limit} MB in one answer (answer_too_large)")]
    TooLarge {
        host: String,
        /// In megabytes.
        limit: u64,
    },
    /// The process was asked to stop before it was sent. Nothing happened at the service.
    #[error("stopped before {host} was asked")]
    Interrupted { host: String },
    /// The sign-in that the request needed was refused.
    #[error("{0}")]
    SignIn(String),
    /// The service turned the sign-in away because it is busy, and has not looked at it.
    #[error("{0}")]
    Busy(String),
    /// A next link points to another host; following it would hand the credentials over.
    #[error("refused to follow a link to another host ({0})")]
    ForeignLink(String),
}
