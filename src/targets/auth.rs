//! How a target signs in whose interface is a standard's, or described in the file.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::http::{Auth, Client, ClientSettings, FixedAuth, HttpError, Repeat, Request, Response, TokenAuth};
use crate::section::Secret;
use crate::section::shape::{Address, Entries};

#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[schemars(inline)]
pub enum SignIn {
    /// Not at all: the service trusts whoever can reach it
    #[default]
    None,
    /// The same token with every request
    Bearer(Secret),
    #[serde(skip)]
    ApiKey(Secret),
    /// User name and password
    Basic {
        /// The user name
        #[schemars(example = &"sync")]
        user: String,
        /// The password
        password: Secret,
    },
    /// A header of the service's own
    Header {
        /// Its name
        #[schemars(example = &"X-Api-Key")]
        name: HeaderName,
        /// Its value
        value: Secret,
    },
    /// OAuth 2.0 client credentials
    OAuth {
        /// Where tokens are fetched
        #[schemars(example = &"https://login.example.com/oauth/token")]
        token_url: Address,
        /// The client id
        client_id: Secret,
        /// The secret
        client_secret: Secret,
        /// The scope, where the service wants one
        scope: Option<String>,
    },
}

/// Headers beside the usual ones.
pub type Headers = Entries<HeaderValue, HeaderName>;

/// In lower case. Kept for as long as the process runs, as header names of requests are; a file has few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, description = "")]
pub struct HeaderName(&'static str);

impl<'de> Deserialize<'de> for HeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(D::Error::custom("cannot be the name of a header"));
        }
        Ok(Self(Box::leak(name.to_ascii_lowercase().into_boxed_str())))
    }
}

impl HeaderName {
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
pub struct HeaderValue(String);

impl TryFrom<String> for HeaderValue {
    type Error = &'static str;

    fn try_from(value: String) -> Result<Self, Self::Error> {
        let plain = value.chars().all(|letter| (' '..='~').contains(&letter));
        if plain { Ok(Self(value)) } else { Err("must be of plain ASCII letters, on one line") }
    }
}

/// As requests have them.
pub fn as_sent(headers: &Headers) -> Vec<(&'static str, String)> {
    headers.0.iter().map(|(name, value)| (name.value.as_str(), value.0.clone())).collect()
}

impl SignIn {
    /// The same form with the sandbox's secret; tokens are fetched below the simulated system.
    pub fn redirect(&mut self, base_url: &str, secret: &Secret) {
        match self {
            Self::None => {}
            Self::Bearer(known)
            | Self::ApiKey(known)
            | Self::Basic { password: known, .. }
            | Self::Header { value: known, .. } => known.clone_from(secret),
            Self::OAuth { token_url, client_id, client_secret, .. } => {
                *client_id = Secret::new("sandbox");
                client_secret.clone_from(secret);
                *token_url = Address::usual(format!("{base_url}/oauth/token"));
            }
        }
    }

    /// What signs a client's requests, which carry the headers `beside`, too. Contacts nobody yet.
    pub fn auth(&self, beside: &[(&'static str, String)]) -> anyhow::Result<Box<dyn Auth>> {
        let mut headers = beside.to_vec();
        if let Self::OAuth { token_url, client_id, client_secret, scope } = self {
            let settings = ClientSettings { timeout: Duration::from_secs(30), ..ClientSettings::new(&**token_url) };
            let client = Client::new(settings, Box::new(FixedAuth::default()))?;
            let request = token_request(token_url, client_id, client_secret, scope.as_deref());
            let fetch = move || read_token(&client.send(&request)?);
            return Ok(Box::new(TokenAuth::new(fetch, headers)));
        }
        headers.extend(self.fixed_headers());
        Ok(Box::new(FixedAuth::new(headers)))
    }

    /// The headers of the forms that need no token of their own.
    pub fn fixed_headers(&self) -> Vec<(&'static str, String)> {
        let authorization = match self {
            Self::Bearer(token) => format!("Bearer {}", token.expose()),
            Self::ApiKey(key) => format!("ApiKey {}", key.expose()),
            Self::Basic { user, password } => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", password.expose())))
            }
            Self::Header { name, value } => return vec![(name.as_str(), value.expose().to_owned())],
            Self::None | Self::OAuth { .. } => return Vec::new(),
        };
        vec![("authorization", authorization)]
    }

    /// How it signs in, in words and without any secret.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Bearer(_) => "a bearer token",
            Self::ApiKey(_) => "an API key",
            Self::Basic { .. } => "user name and password",
            Self::Header { .. } => "a header of its own",
            Self::OAuth { .. } => "OAuth client credentials",
        }
    }
}

fn token_request(token_url: &str, client_id: &Secret, client_secret: &Secret, scope: Option<&str>) -> Request {
    let mut form = vec![
        ("grant_type".to_owned(), "client_credentials".to_owned()),
        ("client_id".to_owned(), client_id.expose().to_owned()),
        ("client_secret".to_owned(), client_secret.expose().to_owned()),
    ];
    form.extend(scope.map(|scope| ("scope".to_owned(), scope.to_owned())));
    // A token more or less does no harm.
    let request = Request::new(crate::http::Method::Post, token_url).form(form).repeat(Repeat::Harmless);
    request.header("accept", "application/json").class("token")
}

fn read_token(answer: &Response) -> Result<String, HttpError> {
    match answer.status {
        200..300 => {
            let body = answer.json_or_none().unwrap_or_default();
            let token = body["access_token"].as_str().filter(|token| !token.trim().is_empty());
            token.map(str::to_owned).ok_or_else(|| {
                HttpError::SignIn("the address for tokens gave no access token; is `token_url` right?".into())
            })
        }
        status @ (429 | 500..) => {
            Err(HttpError::NotSent { host: "the address for tokens".into(), why: format!("it answered {status}") })
        }
        status => Err(HttpError::SignIn(format!(
            "the address for tokens refused the client credentials (status {status}); check `client_id`, \
             `client_secret` and `scope`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::{Answer, Script};

    #[test]
    fn every_form_signs_requests_and_keeps_its_secret() {
        let secret = Secret::new("s3cret");
        let basic = SignIn::Basic { user: "sync".into(), password: secret.clone() };
        let header = SignIn::Header { name: HeaderName("x-api-key"), value: secret.clone() };
        for (sign_in, header) in [
            (SignIn::Bearer(secret.clone()), Some(("authorization", "Bearer s3cret"))),
            (SignIn::ApiKey(secret.clone()), Some(("authorization", "ApiKey s3cret"))),
            (basic, Some(("authorization", "Basic c3luYzpzM2NyZXQ="))),
            (header, Some(("x-api-key", "s3cret"))),
            (SignIn::None, None),
        ] {
            let headers = sign_in.auth(&[("x-tenant", "acme".to_owned())]).unwrap().headers().unwrap();
            let wanted = [("x-tenant", "acme")].into_iter().chain(header);
            assert_eq!(headers, wanted.map(|(name, value)| (name, value.to_owned())).collect::<Vec<_>>());
            assert!(!format!("{sign_in:?} {}", sign_in.describe()).contains("s3cret"));
        }
    }

    #[test]
    fn client_credentials_are_exchanged_for_a_token_and_anew_when_it_is_refused() {
        let script = Script::answers([
            Answer::json(200, r#"{"access_token":"one","expires_in":3600}"#),
            Answer::json(200, r#"{"access_token":"two"}"#),
            Answer::json(401, r#"{"error":"invalid_client"}"#),
        ]);
        let sign_in = SignIn::OAuth {
            token_url: Address::usual(format!("{}/oauth/token?tenant=a", script.base_url())),
            client_id: Secret::new("id"),
            client_secret: Secret::new("s3cret"),
            scope: Some("scim".into()),
        };
        let auth = sign_in.auth(&[]).unwrap();
        let first = auth.headers().unwrap();
        assert_eq!(first, [("authorization", "Bearer one".to_owned())]);
        assert_eq!(auth.renew(&first), Ok(true));
        let second = auth.headers().unwrap();
        assert_eq!(second[0].1, "Bearer two");
        auth.answered(&second, true);
        let Err(HttpError::SignIn(why)) = auth.renew(&second) else { panic!() };
        assert!(why.starts_with("the address for tokens refused the client credentials (status 401)"), "{why}");
        let asked = script.asked();
        assert_eq!((asked[0].line(), asked[0].param("tenant")), ("POST /oauth/token".into(), Some("a")));
        assert_eq!(asked[0].body, b"grant_type=client_credentials&client_id=id&client_secret=s3cret&scope=scim");
    }

    #[test]
    fn what_the_address_for_tokens_may_answer() {
        let answer = |status, body: &str| Response { status, headers: Vec::new(), body: body.into() };
        assert_eq!(read_token(&answer(200, r#"{"access_token":"t","token_type":"bearer"}"#)), Ok("t".into()));
        for (status, body) in [(200, "{}"), (200, "<html>"), (200, r#"{"access_token":""}"#), (401, ""), (400, "{}")] {
            assert!(matches!(read_token(&answer(status, body)), Err(HttpError::SignIn(_))), "{status} {body}");
        }
        assert!(matches!(read_token(&answer(503, "")), Err(HttpError::NotSent { .. })));
    }
}
