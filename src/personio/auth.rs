use std::sync::Arc;
use std::time::Duration;

use super::answer::{WHERE, error_of};
use super::requests;
use super::wire::{Envelope, Token};
use crate::http::{Client, ClientSettings, Clock, FixedAuth, HttpError, RetrySettings};
use crate::section::Secret;

/// Personio allows so many sign-ins a minute, and after too many of them none for a minute; it does not say so in a
/// `Retry-After`. Source: https://developer.personio.de/docs/getting-started-with-the-personio-api (Authentication)
const COOL_DOWN: Duration = Duration::from_secs(60);

/// A client for signing in: it waits the pause out, since giving up sooner fails a run for nothing.
pub(super) fn client(
    base_url: &str,
    names: Vec<(&'static str, String)>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Client> {
    let retry = RetrySettings { busy_wait: Some(COOL_DOWN), ..RetrySettings::default() };
    let settings = ClientSettings { retry, ..ClientSettings::new(base_url) };
    Client::with_clock(settings, Box::new(FixedAuth::new(names)), clock)
}

/// Signs in and returns the token, which stays the same for a day.
pub(super) fn sign_in(client: &Client, client_id: &Secret, client_secret: &Secret) -> Result<String, HttpError> {
    let answer = client.send(&requests::sign_in(client_id, client_secret))?;
    let refused = || {
        HttpError::SignIn(format!(
            "Personio does not accept the credential; compare `personio.client_id` and `personio.client_secret` \
             with those {WHERE}"
        ))
    };
    match answer.status {
        200..300 => {}
        400 | 401 | 403 | 404 | 422 if error_of(&answer).is_some() => return Err(refused()),
        401 | 403 => return Err(refused()),
        429 => return Err(too_many()),
        404 => return Err(no_token(client, "the sign-in was answered with HTTP 404; is `personio.base_url` right?")),
        status => return Err(no_token(client, &format!("the sign-in was answered with HTTP {status}"))),
    }
    let envelope: Envelope<Token> =
        answer.json().map_err(|why| no_token(client, &format!("the sign-in failed: {why}")))?;
    match envelope {
        Envelope { success: Some(false), .. } => Err(refused()),
        Envelope { data: Some(Token { token }), .. } if !token.trim().is_empty() => Ok(token.trim().to_owned()),
        _ => Err(no_token(client, "the sign-in was answered without a token")),
    }
}

/// The same for API v2, which tells wrong credentials with HTTP 400.
pub(super) fn sign_in_v2(client: &Client, client_id: &Secret, client_secret: &Secret) -> Result<String, HttpError> {
    #[derive(serde::Deserialize)]
    struct Granted {
        access_token: String,
    }
    let answer = client.send(&requests::sign_in_v2(client_id, client_secret))?;
    match answer.status {
        200..300 => {
            let granted: Granted =
                answer.json().map_err(|why| no_token(client, &format!("the sign-in failed: {why}")))?;
            Ok(granted.access_token.trim().to_owned())
        }
        400 | 401 | 403 => Err(HttpError::SignIn("Personio does not accept the credential for its API v2".into())),
        429 => Err(too_many()),
        status => Err(no_token(client, &format!("the sign-in was answered with HTTP {status}"))),
    }
}

/// Still busy, minutes after the pause.
fn too_many() -> HttpError {
    HttpError::Busy(
        "too many sign-ins: Personio goes on refusing them (HTTP 429), so something else keeps signing in with this \
         credential or from this address; try again later, and give each integration a credential of its own"
            .into(),
    )
}

/// What needed the token was never sent.
fn no_token(client: &Client, why: &str) -> HttpError {
    HttpError::NotSent { host: client.host(), why: why.to_owned() }
}
