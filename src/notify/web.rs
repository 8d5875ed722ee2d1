//! To an address: a webhook, or a service that waits for a sign of life.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::http::{Client, ClientSettings, FixedAuth, Request, RetrySettings};
use crate::section::{Secret, check_url};

/// How long a service may keep silent, and how long it may ask to wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts a document.
///
/// # Errors
///
/// What went wrong on the way, or what the service answered; never the address, which is a secret.
pub(super) fn post(address: &Secret, document: &Value) -> Result<(), String> {
    send(address, |path| Request::new(crate::http::Method::Post, path).json(document))
}

/// Calls an address.
///
/// # Errors
///
/// As [`post`].
pub(super) fn call(address: &Secret) -> Result<(), String> {
    send(address, Request::get)
}

fn send(address: &Secret, request: impl FnOnce(String) -> Request) -> Result<(), String> {
    let address = check_url(address.expose()).map_err(|_| "the address does not begin with https://")?;
    let url = Url::parse(&address).map_err(|_| "the address cannot be read")?;
    let retry = RetrySettings {
        attempts: 2,
        connect_attempts: 1,
        total_wait: PATIENCE,
        total_unanswered: Duration::ZERO,
        ..RetrySettings::default()
    };
    let settings = ClientSettings {
        timeout: PATIENCE,
        largest_answer: 1 << 20,
        retry,
        learn_limits: false,
        ..ClientSettings::new(url.origin().ascii_serialization())
    };
    let client = Client::new(settings, Box::new(FixedAuth::default())).map_err(|error| format!("{error:#}"))?;
    let answer = client.send(&request(url.as_str().to_owned())).map_err(|error| error.to_string())?;
    match answer.is_success() {
        true => Ok(()),
        false => Err(format!("{} answered with status {}{}", client.host(), answer.status, word(&answer.body))),
    }
}

/// What Slack and others say beside the status, such as `no_service`; nothing else of a body is shown.
fn word(body: &[u8]) -> String {
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
    match std::str::from_utf8(body) {
        Ok(text) if (1..=40).contains(&text.len()) && text.bytes().all(|byte| is_word(&byte)) => format!(" ({text})"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_of_an_answer_is_shown() {
        assert_eq!(word(b"no_service"), " (no_service)");
        for body in ["", "<html>", "Ines Example", "{\"error\": 1}", &"a".repeat(41)] {
            assert_eq!(word(body.as_bytes()), "", "{body}");
        }
    }
}
