use super::answer::{WHERE, error_of};
use super::requests;
use super::wire::{Envelope, Token};
use crate::config::Secret;
use crate::http::{Client, HttpError};

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
        status => Err(no_token(client, &format!("the sign-in was answered with HTTP {status}"))),
    }
}

/// What needed the token was never sent.
fn no_token(client: &Client, why: &str) -> HttpError {
    HttpError::NotSent { host: client.host(), why: why.to_owned() }
}
