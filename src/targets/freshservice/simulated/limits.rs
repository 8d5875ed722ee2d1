//! The limits per minute of an Enterprise account, which the real system counts per account.

use std::collections::HashMap;
use std::time::Duration;

use crate::http::Method;
use crate::simulation::SandboxRequest;
use crate::simulation::limit::Window;

/// The limits per minute of an Enterprise account.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    overall: Window,
    lists: HashMap<&'static str, Window>,
}

/// What the limits say to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) admitted: bool,
    pub(super) total: u64,
    pub(super) remaining: u64,
    pub(super) seconds_left: u64,
}

impl Limits {
    pub(super) fn new() -> Self {
        let minute = Duration::from_secs(60);
        let list = || Window::new(140, minute);
        Self { overall: Window::new(500, minute), lists: HashMap::from([("requesters", list()), ("agents", list())]) }
    }

    /// Every request counts against the overall limit, lists of people against one of their own, too.
    pub(super) fn count(&mut self, request: &SandboxRequest, rest: &[&str]) -> Limit {
        let within = self.overall.admit(request.at);
        let list = match (request.method, rest) {
            (Method::Get, ["requesters"]) => self.lists.get_mut("requesters"),
            (Method::Get, ["agents"]) => self.lists.get_mut("agents"),
            _ => None,
        };
        let (admitted, window) = match list {
            Some(window) => (window.admit(request.at) && within, window),
            None => (within, &mut self.overall),
        };
        Limit {
            admitted,
            total: window.limit(),
            remaining: window.remaining(),
            seconds_left: window.seconds_left(request.at),
        }
    }
}
