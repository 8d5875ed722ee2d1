use std::any::Any;
use std::fmt;

use serde_json::Value;

use super::{Preparation, SandboxRequest, SandboxResponse};
use crate::http::Method;

/// A simulated system: a state machine that answers requests.
pub trait System: Any + fmt::Debug + Send {
    fn title(&self) -> &'static str;

    /// Answers a request. The path is the one below the system's own.
    fn handle(&mut self, request: &SandboxRequest) -> SandboxResponse;

    /// Offers what a user's file expects.
    fn prepare(&mut self, preparation: &Preparation);

    /// Whether a request changes something; answers of such requests can be lost.
    fn writes(&self, request: &SandboxRequest) -> bool {
        request.method != Method::Get
    }

    /// The refusal of a system that is too busy; `retry_after` in seconds.
    fn too_many_requests(&self, retry_after: u64) -> SandboxResponse {
        SandboxResponse::empty(429).with_header("retry-after", retry_after.to_string())
    }

    /// The answer of a system that broke down.
    fn internal_error(&self) -> SandboxResponse {
        SandboxResponse::empty(500)
    }

    /// Stops accepting the tokens given out so far.
    fn expire_tokens(&mut self) {}

    /// Adds somebody in front while the list of this request is read.
    fn insert_while_paging(&mut self, _request: &SandboxRequest) {}

    /// Takes somebody away who was read already.
    fn remove_while_paging(&mut self, _request: &SandboxRequest) {}

    /// The refusal of one sign-in too many; `retry_after` in seconds, where it is to be said.
    fn busy_sign_in(&self, retry_after: Option<u64>) -> SandboxResponse {
        let refusal = SandboxResponse::empty(429);
        match retry_after {
            Some(seconds) => refusal.with_header("retry-after", seconds.to_string()),
            None => refusal,
        }
    }

    /// The key of an answer at which its list of people stands, if it is such a list.
    fn people_at(&self, _request: &SandboxRequest, _answer: &Value) -> Option<String> {
        None
    }

    /// Turns the order of its lists round, from the answer to this request on.
    fn turn_order(&mut self) {}

    /// Keeps back parts of values in the answer to this request.
    fn hide_parts(&mut self) {}

    /// What is in it, for the page: a caption, and the names with their counts.
    fn counts(&self) -> Vec<(String, usize)>;

    /// A few rows for the page.
    fn rows(&self) -> Vec<Vec<String>>;
}
