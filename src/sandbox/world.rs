use std::any::{Any, TypeId};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use super::SandboxInfo;
use super::faults::{Fault, FaultInjector, Faults};
use super::pause::Gate;
use crate::http::Method;
use crate::personio::simulated::Personio;
use crate::simulation::people::Company;
use crate::simulation::{Preparation, SandboxRequest, SandboxResponse, System};
use crate::targets::KINDS;

/// The systems by the first part of their paths, which is also their word in faults.
pub(super) fn system_names() -> impl Iterator<Item = &'static str> {
    let targets = KINDS.iter().filter(|kind| kind.simulate.is_some()).map(|kind| kind.name);
    std::iter::once(PERSONIO).chain(targets)
}

const PERSONIO: &str = "personio";

/// A system that is simulated, and its name.
#[derive(Debug)]
pub(super) struct Simulated {
    pub(super) name: &'static str,
    system: TypeId,
    pub(super) state: Mutex<Box<dyn System>>,
}

impl Simulated {
    fn new(name: &'static str, state: Box<dyn System>) -> Self {
        Self { name, system: (*state).type_id(), state: Mutex::new(state) }
    }

    /// The source, and every target of which there is a simulation.
    pub(super) fn all(company: &Company) -> Vec<Self> {
        let targets = KINDS.iter().filter_map(|kind| Some(Self::new(kind.name, kind.simulate?(company))));
        let personio = Self::new(PERSONIO, Box::new(Personio::new(company.clone())));
        std::iter::once(personio).chain(targets).collect()
    }
}

/// All simulated systems, what befalls their requests, and what they were sent.
#[derive(Debug)]
pub(super) struct World {
    pub(super) info: SandboxInfo,
    pub(super) systems: Vec<Simulated>,
    pub(super) injector: Mutex<FaultInjector>,
    pub(super) log: Mutex<Vec<LoggedRequest>>,
    /// Where writes are kept waiting.
    pub(super) gates: Mutex<Vec<Arc<Gate>>>,
}

/// An answer and how it gets to who asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) response: SandboxResponse,
    pub(super) delivery: Delivery,
    /// To wait before answering.
    pub(super) latency: Duration,
}

/// How an answer gets to who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Whole,
    /// The connection is closed in the middle of the body.
    Cut,
    /// The connection is closed without a word.
    Lost,
}

impl World {
    fn system(&self, name: &str) -> Option<&Simulated> {
        self.systems.iter().find(|system| system.name == name)
    }

    /// Looks at the system of a type or changes it.
    pub(super) fn with<S: System, T>(&self, act: impl FnOnce(&mut S) -> T) -> Option<T> {
        let found = self.systems.iter().find(|system| system.system == TypeId::of::<S>())?;
        let mut state = found.state.lock();
        let state: &mut dyn Any = &mut **state;
        state.downcast_mut().map(act)
    }

    /// Whether a request changes something in a system of that name.
    pub(super) fn writes(&self, name: &str, request: &SandboxRequest) -> bool {
        let found = self.system(name);
        found.is_some_and(|found| !request.path.starts_with("/_") && found.state.lock().writes(request))
    }

    /// The gate that a write to a system has to pass, if there is one.
    pub(super) fn gate(&self, name: &str) -> Option<Arc<Gate>> {
        self.gates.lock().iter().find(|gate| gate.concerns(name)).cloned()
    }

    pub(super) fn prepare(&self, preparation: &Preparation) {
        for system in &self.systems {
            system.state.lock().prepare(preparation);
        }
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        *self.injector.lock() = FaultInjector::new(faults, self.info.seed);
    }

    /// Has a system answer. `None` when there is none of that name.
    pub(super) fn exchange(&self, name: &str, request: &SandboxRequest, query: &str) -> Option<Answer> {
        let Simulated { name, state, .. } = self.system(name)?;
        let mut system = state.lock();
        // What only tests may do is neither disturbed nor noted.
        if request.path.starts_with("/_") {
            let response = system.handle(request);
            return Some(Answer { response, delivery: Delivery::Whole, latency: Duration::ZERO });
        }
        let writes = system.writes(request);
        let struck = self.injector.lock().strike(name, request, writes);
        let answer = answer(&mut **system, request, &struck);
        drop(system);
        self.log.lock().push(LoggedRequest {
            system: name,
            method: request.method.as_str(),
            path: request.path.clone(),
            query: query.to_owned(),
            status: (answer.delivery != Delivery::Lost).then_some(answer.response.status),
            fault: struck.iter().find(|fault| !matches!(fault, Fault::Latency(_))).map(|fault| fault.name()),
        });
        Some(answer)
    }
}

fn answer(system: &mut dyn System, request: &SandboxRequest, struck: &[Fault]) -> Answer {
    let (mut latency, mut delivery, mut truncated, mut refusal) = (Duration::ZERO, Delivery::Whole, false, None);
    let mut lies = Vec::new();
    for fault in struck {
        match fault {
            Fault::Latency(time) => latency += *time,
            Fault::TooManyRequests { retry_after } => refusal = Some(system.too_many_requests(*retry_after)),
            Fault::InternalError => refusal = Some(system.internal_error()),
            Fault::HtmlBadGateway => refusal = Some(bad_gateway()),
            Fault::HtmlSuccess => refusal = Some(SandboxResponse::html(200, sign_in_page())),
            Fault::NoEffect => refusal = Some(no_effect(system, request)),
            Fault::Unavailable => refusal = Some(SandboxResponse::empty(503)),
            Fault::ExpireToken => system.expire_tokens(),
            Fault::InsertWhilePaging => system.insert_while_paging(request),
            Fault::RemoveWhilePaging => system.remove_while_paging(request),
            Fault::BusySignIn { retry_after } => refusal = Some(system.busy_sign_in(*retry_after)),
            Fault::Order => system.turn_order(),
            Fault::HiddenParts => system.hide_parts(),
            Fault::Cut => delivery = Delivery::Cut,
            Fault::LostAnswer => delivery = Delivery::Lost,
            Fault::Truncated => truncated = true,
            Fault::List(lie) => lies.push(*lie),
        }
    }
    if let Some(response) = refusal {
        return Answer { response, delivery: Delivery::Whole, latency };
    }
    let mut response = system.handle(request);
    for lie in lies {
        lie.tell(system, request, &mut response);
    }
    if truncated {
        response.body.truncate(response.body.len() / 2);
    }
    Answer { response, delivery, latency }
}

/// What a write is answered with when it is taken and nothing comes of it: the resource as it was, where there is one.
fn no_effect(system: &mut dyn System, request: &SandboxRequest) -> SandboxResponse {
    match request.method {
        Method::Put | Method::Patch => {
            let read = SandboxRequest { method: Method::Get, body: Vec::new(), ..request.clone() };
            let found = system.handle(&read);
            if found.status == 200 { found } else { SandboxResponse::empty(204) }
        }
        Method::Post => SandboxResponse::json(200, &serde_json::json!({ "ok": true })),
        Method::Get | Method::Delete => SandboxResponse::empty(204),
    }
}

fn sign_in_page() -> String {
    "<!DOCTYPE html>\r\n<html><head><title>Sign in</title></head><body>Please sign in again.</body></html>\r\n".into()
}

fn bad_gateway() -> SandboxResponse {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>\
                </center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
    SandboxResponse::html(502, page.into())
}

/// One request that a simulated system was sent, and what it answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// The system, by the first part of its path.
    pub system: &'static str,
    /// Method as on the wire.
    pub method: &'static str,
    /// Path below the system's own.
    pub path: String,
    /// Query as it came, without the question mark.
    pub query: String,
    /// Status; `None` when the connection was closed instead of answered.
    pub status: Option<u16>,
    /// The fault that befell it, as [`Faults`] spells it.
    pub fault: Option<&'static str>,
}
