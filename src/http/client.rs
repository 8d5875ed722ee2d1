use std::fmt;
use std::time::Duration;

use super::{Body, Exchange, HttpError, Method, Request, Response, exchange};

/// How a client signs its requests.
pub trait Auth: Send + Sync {
    /// The headers that carry the credentials; may fetch a token first.
    ///
    /// # Errors
    ///
    /// [`HttpError::SignIn`] when the credentials are refused.
    fn headers(&self) -> Result<Vec<(&'static str, String)>, HttpError>;

    /// Called once per request after a 401. Returns whether another try with new headers makes sense.
    fn renew(&self) -> Result<bool, HttpError> {
        Ok(false)
    }
}

/// What a client needs to know of a service.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Base address without a trailing slash.
    pub base_url: String,
    /// How long one request may take.
    pub timeout: Duration,
}

/// Sends requests to one service.
pub struct Client {
    settings: ClientSettings,
    auth: Box<dyn Auth>,
    http: reqwest::blocking::Client,
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
    /// When TLS cannot be set up.
    pub fn new(settings: ClientSettings, auth: Box<dyn Auth>) -> anyhow::Result<Self> {
        let http = reqwest::blocking::Client::builder().timeout(settings.timeout).build()?;
        Ok(Self { settings, auth, http })
    }

    /// Sends a request and returns its answer, whatever the status.
    ///
    /// # Errors
    ///
    /// When there is no answer, or the sign-in is refused.
    pub fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let url = format!("{}{}", self.settings.base_url, request.path);
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.http.request(method, url).query(&request.query);
        for (name, value) in self.auth.headers()?.iter().chain(&request.headers) {
            builder = builder.header(*name, value);
        }
        builder = match &request.body {
            Body::Empty => builder,
            Body::Json { content_type, text } => builder.header("content-type", *content_type).body(text.clone()),
            Body::Form(pairs) => builder.form(pairs),
        };
        let lost =
            |error: reqwest::Error| HttpError::Lost { host: self.settings.base_url.clone(), why: error.to_string() };
        let answer = builder.send().map_err(lost)?;
        let status = answer.status().as_u16();
        exchange::note(Exchange { method: request.method, path: request.path.clone(), status: Some(status) });
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        Ok(Response { status, headers, body: answer.bytes().map_err(lost)?.to_vec() })
    }
}
