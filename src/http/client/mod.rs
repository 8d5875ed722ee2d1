#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use url::Url;

use super::retry::{self, Attempt, Decision, Tried};
use super::slow::Waiting;
use super::{
    Auth, Body, Clock, Exchange, HttpError, Limit, Method, Pacer, RealClock, Request, Response, RetrySettings, Tally,
    exchange, multipart, transport,
};

/// Everything but the letters, digits and marks that RFC 3986 leaves as they are: some services do not
/// read `+` as a blank.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name or a value of a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// One request is signed anew so often at most. Several readers may use up a token before one of them gets its turn;
/// and some services answer 401 to whoever lacks a right.
const RENEWALS: u32 = 10;

/// So many bytes of room are made for a body at most before any of it came, whatever its length is said to be.
const LARGEST_ANNOUNCED: usize = 4 << 20;

/// What a client needs to know of a service.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Base address without a trailing slash.
    pub base_url: String,
    /// How long one request may take.
    pub timeout: Duration,
    /// The most bytes of an answer, unpacked. The largest honest one, a page of employees, has a few megabytes.
    pub largest_answer: u64,
    /// When a request is sent again.
    pub retry: RetrySettings,
    /// What the service is known to allow.
    pub limits: Vec<Limit>,
    /// Whether to keep to the budget that the service reports in `x-ratelimit-total` and `-remaining`.
    pub learn_limits: bool,
    /// Whether an answer with another status says in its body what a 429 says: too many requests, nothing was done.
    pub says_busy: fn(&Response) -> bool,
    /// Whether an answer with the status of a success says in its body that it was refused, and nothing was done.
    pub says_refused: fn(&Response) -> bool,
}

impl ClientSettings {
    /// The usual patience, and no limits but those that the service reports.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            timeout: Duration::from_secs(55),
            largest_answer: 256 << 20,
            retry: RetrySettings::default(),
            limits: Vec::new(),
            learn_limits: true,
            says_busy: |_| false,
            says_refused: |_| false,
        }
    }

    pub fn limit(mut self, class: &'static str, requests: u32, per: Duration) -> Self {
        self.limits.push(Limit { class, requests, per });
        self
    }
}

/// Sends requests to one service: signs them, keeps to its pace, repeats what may be repeated.
///
/// Several threads may share one. Where redirects lead is an answer, not a way to follow.
pub struct Client {
    settings: ClientSettings,
    base: Url,
    auth: Box<dyn Auth>,
    pool: reqwest::blocking::Client,
    pacer: Mutex<Pacer>,
    clock: Arc<dyn Clock>,
    tally: Option<Arc<Tally>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for one service.
    ///
    /// # Errors
    ///
    /// When the base address cannot be read, or TLS cannot be set up.
    pub fn new(settings: ClientSettings, auth: Box<dyn Auth>) -> anyhow::Result<Self> {
        Self::with_clock(settings, auth, Arc::new(RealClock::new()))
    }

    /// A client that waits by another clock.
    pub fn with_clock(settings: ClientSettings, auth: Box<dyn Auth>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let base = Url::parse(&settings.base_url)?;
        let pool = transport::pool(&base)?;
        let pacer = Mutex::new(Pacer::new(settings.limits.clone(), settings.learn_limits));
        Ok(Self { settings, base, auth, pool, pacer, clock, tally: Tally::current() })
    }

    /// The view of this client that can only read.
    pub fn reader(&self) -> Reader<'_> {
        Reader(self)
    }

    /// Host of the service, and port where it is not the usual one; for messages.
    pub fn host(&self) -> String {
        host_of(&self.base)
    }

    /// How long a Retry-After asks to wait that stands where only the caller can read it: in the part of an answer.
    pub fn asked_wait(&self, retry_after: &str) -> Option<Duration> {
        retry::parse_retry_after(retry_after, self.clock.moment())
    }

    /// Keeps still before the next request of a class, because the service asked for it where only the caller can read
    /// it: in the part of an answer.
    pub fn hold(&self, class: &'static str, wait: Duration) {
        let until = self.clock.now() + wait;
        self.pacer.lock().hold(class, until);
    }

    /// Sends a request and returns its answer, whatever the status.
    ///
    /// A 429 (or what [`ClientSettings::says_busy`] takes for one), and a 5xx where repeating is harmless, are answers
    /// only once the attempts are used up.
    ///
    /// # Errors
    ///
    /// When there is no answer, or the sign-in is refused. [`HttpError::Lost`] for a request that may have
    /// been carried out.
    pub fn send(&self, request: &Request) -> Result<Response, HttpError> {
        self.send_reusing(request, Vec::new())
    }

    fn send_reusing(&self, request: &Request, mut memory: Vec<u8>) -> Result<Response, HttpError> {
        let url = self.address(request)?;
        let result = self.exchange(request, &url, &mut memory);
        let status = match &result {
            Ok(answer) => Some(answer.status),
            Err(HttpError::Lost { .. } | HttpError::TooLarge { .. }) => None,
            Err(_) => return result,
        };
        // As the service documents it, wherever the file says that the service is.
        let path = url.path().strip_prefix(self.base.path().trim_end_matches('/')).unwrap_or(url.path());
        let refused = result.as_ref().is_ok_and(self.settings.says_refused);
        exchange::note(Exchange { method: request.method, path: path.to_owned(), status, refused });
        result
    }

    fn exchange(&self, request: &Request, url: &Url, memory: &mut Vec<u8>) -> Result<Response, HttpError> {
        let mut tried = Tried::default();
        let mut renewals = 0;
        loop {
            let (now, wait) = {
                let mut pacer = self.pacer.lock();
                let now = self.clock.now();
                (now, pacer.book(request.class, now))
            };
            if !wait.is_zero() && self.clock.sleep(wait).is_err() {
                self.pacer.lock().record(request.class, now + wait, self.clock.now(), None);
                return Err(HttpError::Interrupted { host: host_of(url) });
            }
            let signature = self.auth.headers()?;
            if let Some(tally) = &self.tally {
                tally.add(request);
            }
            let begun = self.clock.now();
            let result = self.attempt(request, url, &signature, memory);
            self.pacer.lock().record(request.class, now + wait, self.clock.now(), result.as_ref().ok());
            if !matches!(&result, Ok(answer) if answer.status == 401) {
                self.auth.answered(&signature, result.is_ok());
            }
            let attempt = match &result {
                Ok(answer) if answer.status == 401 => {
                    renewals += 1;
                    if renewals <= RENEWALS {
                        if self.auth.renew(&signature)? {
                            continue;
                        }
                    } else {
                        self.auth.answered(&signature, false);
                    }
                    return result;
                }
                Ok(answer) => Attempt::Answered {
                    status: if (self.settings.says_busy)(answer) { 429 } else { answer.status },
                    retry_after: answer.header("retry-after"),
                    date: answer.header("date").and_then(retry::parse_date),
                    ours: self.clock.moment(),
                },
                Err(HttpError::NotSent { .. }) => Attempt::NotSent,
                Err(HttpError::Lost { .. }) => Attempt::Lost,
                Err(_) => return result,
            };
            if let Attempt::Answered { status, .. } = attempt {
                exchange::note_status(status);
            }
            tried.times += 1;
            if attempt == Attempt::Lost {
                tried.unanswered += self.clock.now() - begun;
            }
            match retry::decide(&self.settings.retry, tried, request.may_repeat(), attempt, fastrand::f64()) {
                Decision::Done => return result,
                Decision::Wait(wait) => {
                    tried.waited += wait;
                    if matches!(attempt, Attempt::Answered { status: 429, .. }) {
                        // Everyone who shares the limit keeps still, this request included.
                        self.pacer.lock().hold(request.class, self.clock.now() + wait);
                    } else if self.clock.sleep(wait).is_err() {
                        return match attempt {
                            Attempt::NotSent => Err(HttpError::Interrupted { host: host_of(url) }),
                            // It may have been carried out, and this is what is known of it.
                            _ => result,
                        };
                    }
                }
            }
        }
    }

    fn attempt(
        &self,
        request: &Request,
        url: &Url,
        signature: &[(&'static str, String)],
        memory: &mut Vec<u8>,
    ) -> Result<Response, HttpError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.pool.request(method, url.clone()).timeout(self.settings.timeout);
        for (name, value) in signature.iter().chain(&request.headers) {
            let mut value = HeaderValue::from_str(value).map_err(|_| HttpError::NotSent {
                host: host_of(url),
                why: format!("the header {name} holds characters that no header can; check the credentials"),
            })?;
            value.set_sensitive(true);
            builder = builder.header(*name, value);
        }
        builder = match &request.body {
            Body::Empty => builder,
            Body::Json { content_type, text } => builder.header("content-type", *content_type).body(text.clone()),
            Body::Form(pairs) => builder.form(pairs),
            Body::Multipart(parts) => builder.multipart(multipart::form(parts)),
        };
        let failed = |error: &reqwest::Error| {
            let (host, why) = (host_of(url), transport::explain(error, self.settings.timeout));
            if error.is_connect() || error.is_builder() {
                HttpError::NotSent { host, why }
            } else {
                HttpError::Lost { host, why }
            }
        };
        let _waiting = Waiting::for_answer_of(host_of(url));
        let mut answer = builder.send().map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        // An answer has begun, so that whatever goes wrong from here on, the request has arrived.
        let announced = usize::try_from(answer.content_length().unwrap_or_default()).unwrap_or(usize::MAX);
        let mut body = std::mem::take(memory);
        body.clear();
        body.reserve(announced.min(LARGEST_ANNOUNCED));
        // What arrives small may be large once it is unpacked.
        let largest = self.settings.largest_answer;
        let read = answer.by_ref().take(largest + 1).read_to_end(&mut body);
        if let Err(error) = read {
            let why = match error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
                Some(error) => transport::explain(error, self.settings.timeout),
                None => "the answer was cut off".into(),
            };
            return Err(HttpError::Lost { host: host_of(url), why });
        }
        if body.len() as u64 > largest {
            return Err(HttpError::TooLarge { host: host_of(url), limit: largest >> 20 });
        }
        Ok(Response { status, headers, body })
    }

    /// The full address of a request. Credentials go to the service they belong to and to nobody else.
    fn address(&self, request: &Request) -> Result<Url, HttpError> {
        let unreadable = || HttpError::ForeignLink("an address that cannot be read".into());
        let mut url = if request.path.starts_with('/') {
            Url::parse(&format!("{}{}", self.settings.base_url.trim_end_matches('/'), request.path))
        } else {
            Url::parse(&request.path)
        }
        .map_err(|_| unreadable())?;
        if url.origin() != self.base.origin() || !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::ForeignLink(host_of(&url)));
        }
        url.set_fragment(None);
        if !request.query.is_empty() {
            let mut query = url.query().unwrap_or_default().to_owned();
            for (name, value) in &request.query {
                if !query.is_empty() {
                    query.push('&');
                }
                query.extend(utf8_percent_encode(name, QUERY));
                query.push('=');
                query.extend(utf8_percent_encode(value, QUERY));
            }
            url.set_query(Some(&query));
        }
        Ok(url)
    }
}

/// A client that cannot write: it sends GET, and searches that are marked as harmless. For planning.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a Client);

impl Reader<'_> {
    /// As [`Client::send`].
    ///
    /// # Errors
    ///
    /// As [`Client::send`]; and [`HttpError::NotSent`] for a request that might write.
    pub fn send(&self, request: &Request) -> Result<Response, HttpError> {
        self.send_reusing(request, Vec::new())
    }

    /// The same, into the memory of an answer that is done with: pages are large, alike, and many.
    pub fn send_reusing(&self, request: &Request, memory: Vec<u8>) -> Result<Response, HttpError> {
        let harmless = match request.repeat {
            super::Repeat::Harmless => true,
            super::Repeat::ByMethod | super::Repeat::Never => request.method == Method::Get,
        };
        if !harmless {
            let path = request.path.split('?').next().unwrap_or_default();
            return Err(HttpError::NotSent {
                host: host_of(&self.0.base),
                why: format!("{} {path} might write, and planning never does", request.method.as_str()),
            });
        }
        self.0.send_reusing(request, memory)
    }
}

/// Host, and port where it is not the usual one.
fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "an address without a host".to_owned(),
    }
}
