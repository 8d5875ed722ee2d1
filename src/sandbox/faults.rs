//! How the simulated systems misbehave on demand.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::lying_list::Lie;
use super::world::system_names;
use crate::http::Method;
use crate::simulation::SandboxRequest;

/// What goes wrong, and when.
///
/// Read from text: faults separated by commas, each `[SYSTEM:][METHOD:]FAULT[=VALUE][@RATE|#NUMBER]`.
/// `freshservice:lost-answer#2` loses the answer of the second write to Freshservice;
/// `429@10%` refuses every tenth request; `personio:latency=50ms` delays them all. Without a rate or a number
/// a fault strikes now and then. The same seed and the same order of requests bring the same faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    system: Option<Box<str>>,
    method: Option<Method>,
    fault: Fault,
    when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused for being too busy, with `Retry-After` where the real system sends one.
    TooManyRequests {
        /// The seconds to wait.
        retry_after: u64,
    },
    /// 500 with an error body of the system.
    InternalError,
    /// 502 with a web page, as gateways answer.
    HtmlBadGateway,
    /// 200 with a web page, as sign-ins and proxies answer; nothing is done.
    HtmlSuccess,
    /// A write is answered as if it was carried out, and does nothing.
    NoEffect,
    /// 503 without a body.
    Unavailable,
    /// The connection is closed in the middle of the body.
    Cut,
    /// A complete answer whose body is only half of the document.
    Truncated,
    /// The request is carried out, then the connection is closed without an answer.
    LostAnswer,
    /// The token in use is no longer accepted.
    ExpireToken,
    /// Somebody is added in front while pages are read, so that others move to a later page.
    InsertWhilePaging,
    /// Somebody who was read vanishes while pages are read, so that somebody else is skipped.
    RemoveWhilePaging,
    /// Lists of people are not true.
    List(Lie),
    /// Too many sign-ins: this one is refused. The real system says nothing of how long; a value adds a `Retry-After`.
    BusySignIn {
        /// The seconds to wait.
        retry_after: Option<u64>,
    },
    /// Each list stands the other way round than the one before.
    Order,
    /// Parts of values are kept back: what a supervisor is called, the ids of departments and offices.
    HiddenParts,
    Latency(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Always,
    Rate(f64),
    Number(u64),
}

const KINDS: &[&str] = &[
    "429",
    "500",
    "html502",
    "html200",
    "no-effect",
    "503",
    "cut",
    "truncated",
    "lost-answer",
    "expire-token",
    "insert-while-paging",
    "remove-while-paging",
    "list-empty",
    "list-short",
    "list-capped",
    "busy-sign-in",
    "order",
    "hidden-parts",
    "latency",
];

impl Fault {
    /// Its word in [`Faults`].
    pub fn name(self) -> &'static str {
        match self {
            Self::TooManyRequests { .. } => "429",
            Self::InternalError => "500",
            Self::HtmlBadGateway => "html502",
            Self::HtmlSuccess => "html200",
            Self::NoEffect => "no-effect",
            Self::Unavailable => "503",
            Self::Cut => "cut",
            Self::Truncated => "truncated",
            Self::LostAnswer => "lost-answer",
            Self::ExpireToken => "expire-token",
            Self::InsertWhilePaging => "insert-while-paging",
            Self::RemoveWhilePaging => "remove-while-paging",
            Self::List(Lie::Empty) => "list-empty",
            Self::List(Lie::Short) => "list-short",
            Self::List(Lie::Capped) => "list-capped",
            Self::BusySignIn { .. } => "busy-sign-in",
            Self::Order => "order",
            Self::HiddenParts => "hidden-parts",
            Self::Latency(_) => "latency",
        }
    }

    fn parse(name: &str, value: Option<&str>) -> Result<Self, String> {
        let fault = match name {
            "429" => {
                let seconds = value.unwrap_or("1").trim_end_matches('s');
                let retry_after = seconds.parse().map_err(|_| format!("`{seconds}` is not a number of seconds"))?;
                return Ok(Self::TooManyRequests { retry_after });
            }
            "latency" => {
                let text = value.ok_or("latency needs a value: latency=50ms")?;
                let millis = text.strip_suffix("ms").and_then(|number| number.parse().ok());
                let millis = millis.ok_or_else(|| format!("`{text}` is not a time in milliseconds (50ms)"))?;
                return Ok(Self::Latency(Duration::from_millis(millis)));
            }
            "busy-sign-in" => {
                let seconds = value.map(|value| value.trim_end_matches('s').parse());
                let retry_after = seconds.transpose().map_err(|_| "busy-sign-in takes a number of seconds")?;
                return Ok(Self::BusySignIn { retry_after });
            }
            "order" => Self::Order,
            "hidden-parts" => Self::HiddenParts,
            "500" => Self::InternalError,
            "html502" => Self::HtmlBadGateway,
            "html200" => Self::HtmlSuccess,
            "no-effect" => Self::NoEffect,
            "503" => Self::Unavailable,
            "cut" => Self::Cut,
            "truncated" => Self::Truncated,
            "lost-answer" => Self::LostAnswer,
            "expire-token" => Self::ExpireToken,
            "insert-while-paging" => Self::InsertWhilePaging,
            "remove-while-paging" => Self::RemoveWhilePaging,
            "list-empty" => Self::List(Lie::Empty),
            "list-short" => Self::List(Lie::Short),
            "list-capped" => Self::List(Lie::Capped),
            other => return Err(format!("no fault is called `{other}`; there are {}", KINDS.join(", "))),
        };
        match value {
            Some(value) => Err(format!("{name} takes no value, but `{value}` is given")),
            None => Ok(fault),
        }
    }

    fn default_when(self) -> When {
        match self {
            Self::Latency(_) | Self::List(_) | Self::Order | Self::HiddenParts => When::Always,
            Self::InsertWhilePaging | Self::RemoveWhilePaging | Self::BusySignIn { .. } => When::Number(1),
            Self::ExpireToken => When::Rate(0.02),
            _ => When::Rate(0.05),
        }
    }

    /// Whether it can befall a request when the text names no method: answers of writes are lost, bodies of
    /// reads are cut, pages are those after the first.
    fn concerns(self, request: &SandboxRequest, writes: bool) -> bool {
        match self {
            Self::LostAnswer | Self::NoEffect | Self::HtmlSuccess => writes,
            Self::Cut | Self::Truncated | Self::List(_) | Self::Order | Self::HiddenParts => {
                request.method == Method::Get
            }
            Self::BusySignIn { .. } => request.method == Method::Post && request.path.contains("/auth"),
            Self::InsertWhilePaging | Self::RemoveWhilePaging => is_later_page(request),
            Self::ExpireToken => {
                request.header_value("authorization").is_some_and(|header| header.starts_with("Bearer "))
            }
            _ => true,
        }
    }
}

pub(super) fn is_later_page(request: &SandboxRequest) -> bool {
    let number = |name| request.query_value(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    let cursor =
        || ["cursor", "$skiptoken"].iter().any(|name| request.query_value(name).is_some_and(|at| !at.is_empty()));
    let later = number("offset") > 0 || number("page") > 1 || number("startIndex") > 1 || cursor();
    request.method == Method::Get && later
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        Ok(Self { rules: words.map(Rule::parse).collect::<Result<_, _>>()? })
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts: Vec<&str> = text.split(':').collect();
        let last = parts.pop().unwrap_or_default();
        let (mut system, mut method) = (None, None);
        for scope in parts {
            match method_of(scope) {
                Some(known) => method = Some(known),
                None if system_names().any(|known| known == scope) => system = Some(scope.into()),
                None => {
                    let systems = system_names().collect::<Vec<_>>().join(", ");
                    return Err(format!("`{scope}` is no system and no method; the systems are {systems}"));
                }
            }
        }
        let (fault, when) = match last.split_once(['@', '#']) {
            None => (last, None),
            Some((fault, number)) if last.contains('#') => {
                let number = number.parse().ok().filter(|number| *number > 0);
                (fault, Some(When::Number(number.ok_or_else(|| format!("`{text}`: after # comes 1 or more"))?)))
            }
            Some((fault, rate)) => {
                (fault, Some(When::Rate(parse_rate(rate).map_err(|why| format!("`{text}`: {why}"))?)))
            }
        };
        let (name, value) = fault.split_once('=').map_or((fault, None), |(name, value)| (name, Some(value)));
        let fault = Fault::parse(name, value)?;
        Ok(Self { system, method, fault, when: when.unwrap_or(fault.default_when()) })
    }

    fn concerns(&self, system: &str, request: &SandboxRequest, writes: bool) -> bool {
        self.system.as_deref().is_none_or(|wanted| wanted == system)
            && match self.method {
                Some(method) => method == request.method,
                None => self.fault.concerns(request, writes),
            }
    }
}

fn method_of(word: &str) -> Option<Method> {
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete]
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(word))
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    rate.ok().filter(|rate| (0.0..=1.0).contains(rate)).ok_or_else(|| format!("`{text}` is not a rate (10% or 0.1)"))
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rule) in self.rules.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if let Some(system) = &rule.system {
                write!(f, "{system}:")?;
            }
            if let Some(method) = rule.method {
                write!(f, "{}:", method.as_str().to_ascii_lowercase())?;
            }
            f.write_str(rule.fault.name())?;
            match rule.fault {
                Fault::TooManyRequests { retry_after } => write!(f, "={retry_after}s")?,
                Fault::BusySignIn { retry_after: Some(seconds) } => write!(f, "={seconds}s")?,
                Fault::Latency(time) => write!(f, "={}ms", time.as_millis())?,
                _ => {}
            }
            match rule.when {
                When::Always => {}
                When::Rate(rate) => write!(f, "@{}%", rate * 100.0)?,
                When::Number(number) => write!(f, "#{number}")?,
            }
        }
        Ok(())
    }
}

/// Counts requests and says which faults befall each.
#[derive(Debug)]
pub(super) struct FaultInjector {
    faults: Faults,
    seed: u64,
    counts: Vec<u64>,
}

impl FaultInjector {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        let counts = vec![0; faults.rules.len()];
        Self { faults, seed, counts }
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The faults of this request. `writes` says whether it changes something in the system.
    pub(super) fn strike(&mut self, system: &str, request: &SandboxRequest, writes: bool) -> Vec<Fault> {
        let mut struck = Vec::new();
        for (index, rule) in self.faults.rules.iter().enumerate() {
            if !rule.concerns(system, request, writes) {
                continue;
            }
            self.counts[index] += 1;
            let count = self.counts[index];
            let strikes = match rule.when {
                When::Always => true,
                When::Number(number) => count == number,
                When::Rate(rate) => {
                    let salt = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    let mut random = fastrand::Rng::with_seed(self.seed.wrapping_add(salt).wrapping_add(count << 20));
                    random.f64() < rate
                }
            };
            if strikes {
                struck.push(rule.fault);
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(faults: &str, system: &str, request: &SandboxRequest, times: usize) -> Vec<usize> {
        let mut injector = FaultInjector::new(faults.parse().unwrap(), 7);
        let writes = request.method != Method::Get;
        (1..=times).filter(|_| !injector.strike(system, request, writes).is_empty()).collect()
    }

    #[test]
    fn a_numbered_fault_strikes_once_and_only_what_it_concerns() {
        let read = SandboxRequest::get("/v1/company/employees?offset=0");
        let later = SandboxRequest::get("/v1/company/employees?offset=50");
        let write = SandboxRequest::new(Method::Post, "/api/v2/requesters");
        let sign_in = SandboxRequest::new(Method::Post, "/v1/auth");
        for (faults, request, expected) in [
            ("html502#3", &read, vec![3]),
            ("freshservice:html502#3", &read, vec![]),
            ("personio:html502#3", &read, vec![3]),
            ("lost-answer#2", &read, vec![]),
            ("lost-answer#2", &write, vec![2]),
            ("get:lost-answer#2", &read, vec![2]),
            ("put:500#1", &write, vec![]),
            ("personio:post:500#1", &write, vec![1]),
            ("cut#1", &write, vec![]),
            ("cut#1", &read, vec![1]),
            ("insert-while-paging", &read, vec![]),
            ("insert-while-paging", &later, vec![1]),
            ("latency=5ms", &read, vec![1, 2, 3, 4]),
            ("busy-sign-in", &sign_in, vec![1]),
            ("busy-sign-in", &write, vec![]),
            ("order", &later, vec![1, 2, 3, 4]),
            ("hidden-parts", &write, vec![]),
            ("", &read, vec![]),
        ] {
            assert_eq!(strikes(faults, "personio", request, 4), expected, "{faults}");
        }
    }

    #[test]
    fn a_rate_is_kept_and_is_the_same_for_the_same_seed() {
        let read = SandboxRequest::get("/v1/company/employees");
        let struck = strikes("429@10%", "personio", &read, 2000);
        assert!((150..250).contains(&struck.len()), "{}", struck.len());
        assert_eq!(struck, strikes("429@0.1", "personio", &read, 2000));
        assert_eq!(strikes("429@100%", "personio", &read, 3), [1, 2, 3]);
        assert_eq!(strikes("429@0", "personio", &read, 50), [0; 0]);
    }

    #[test]
    fn text_is_read_and_shown_again() {
        let text = "429=2s@10%, freshservice:post:lost-answer#2, personio:latency=50ms, insert-while-paging#1, \
                    personio:busy-sign-in=1s#1, busy-sign-in#2, personio:order, hidden-parts";
        let faults: Faults = text.parse().unwrap();
        assert_eq!(faults.to_string(), text);
        assert_eq!(faults.to_string().parse::<Faults>().unwrap(), faults);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, message) in [
            ("htlm502", "no fault is called `htlm502`"),
            ("freshservce:cut", "`freshservce` is no system and no method; the systems are personio, freshservice,"),
            ("latency", "latency needs a value"),
            ("latency=fast", "`fast` is not a time"),
            ("cut=1", "cut takes no value"),
            ("cut@200%", "`200%` is not a rate"),
            ("cut#0", "after # comes 1 or more"),
            ("429=soon", "`soon` is not a number of seconds"),
        ] {
            let error = text.parse::<Faults>().unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
