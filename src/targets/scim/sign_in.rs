//! How requests to a SCIM service are signed.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::Url;

use crate::http::{Auth, Client, ClientSettings, FixedAuth, HttpError, Method, Request, TokenAuth};
use crate::section::Secret;

#[derive(Clone, Debug)]
pub(crate) enum SignIn {
    /// `Authorization: Bearer …`
    Bearer(Secret),
    /// `Authorization: ApiKey …`
    ApiKey(Secret),
    Basic {
        user: String,
        password: Secret,
    },
    /// A header of the service's own.
    Header {
        name: String,
        value: Secret,
    },
    /// Client credentials that are exchanged for a token.
    OAuth {
        token_url: String,
        client_id: Secret,
        client_secret: Secret,
        /// Scope, where the service wants one.
        scope: Option<String>,
    },
}

impl SignIn {
    /// What signs a client's requests, which carry the headers `beside`, too.
    pub(crate) fn auth(&self, beside: &[(String, String)]) -> anyhow::Result<Box<dyn Auth>> {
        let mut headers: Vec<(&'static str, String)> =
            beside.iter().map(|(name, value)| (lasting(name), value.clone())).collect();
        let authorization = match self {
            Self::Bearer(token) => format!("Bearer {}", token.expose()),
            Self::ApiKey(key) => format!("ApiKey {}", key.expose()),
            Self::Basic { user, password } => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", password.expose())))
            }
            Self::Header { name, value } => {
                headers.push((lasting(name), value.expose().to_owned()));
                return Ok(Box::new(FixedAuth::new(headers)));
            }
            Self::OAuth { token_url, client_id, client_secret, scope } => {
                let fetch = token_fetch(token_url, client_id.clone(), client_secret.clone(), scope.clone())?;
                return Ok(Box::new(TokenAuth::new(fetch, headers)));
            }
        };
        headers.push(("authorization", authorization));
        Ok(Box::new(FixedAuth::new(headers)))
    }
}

/// Names of headers live as long as the program. There are as many as the file names.
fn lasting(name: &str) -> &'static str {
    Box::leak(name.to_ascii_lowercase().into_boxed_str())
}

fn token_fetch(
    token_url: &str,
    client_id: Secret,
    client_secret: Secret,
    scope: Option<String>,
) -> anyhow::Result<impl Fn() -> Result<String, HttpError> + Send + Sync + use<>> {
    let url = Url::parse(token_url)?;
    let base_url = url.origin().ascii_serialization();
    let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    let settings = ClientSettings { timeout: Duration::from_secs(30), ..ClientSettings::new(base_url) };
    let client = Client::new(settings, Box::new(FixedAuth::default()))?;
    Ok(move || {
        let mut form = vec![
            ("grant_type".to_owned(), "client_credentials".to_owned()),
            ("client_id".to_owned(), client_id.expose().to_owned()),
            ("client_secret".to_owned(), client_secret.expose().to_owned()),
        ];
        form.extend(scope.iter().map(|scope| ("scope".to_owned(), scope.clone())));
        // Asking for a token twice does no harm.
        let request = Request::new(Method::Post, &path)
            .header("accept", "application/json")
            .form(form)
            .repeat(crate::http::Repeat::Harmless)
            .class("token");
        let response = client.send(&request)?;
        if !response.is_success() {
            return Err(HttpError::SignIn(format!(
                "the token address refused the client credentials (status {})",
                response.status
            )));
        }
        let token = response.json_or_none().and_then(|body| body["access_token"].as_str().map(str::to_owned));
        token.filter(|token| !token.is_empty()).ok_or_else(|| {
            HttpError::SignIn("the token address answered without an access token; is `token_url` right?".into())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::{Answer, Script};

    #[test]
    fn every_form_signs_requests() {
        let secret = Secret::new("s3cret");
        let beside = [("X-Tenant".to_owned(), "acme".to_owned())];
        for (sign_in, header) in [
            (SignIn::Bearer(secret.clone()), ("authorization", "Bearer s3cret")),
            (SignIn::ApiKey(secret.clone()), ("authorization", "ApiKey s3cret")),
            (
                SignIn::Basic { user: "sync".into(), password: secret.clone() },
                ("authorization", "Basic c3luYzpzM2NyZXQ="),
            ),
            (SignIn::Header { name: "X-Api-Key".into(), value: secret.clone() }, ("x-api-key", "s3cret")),
        ] {
            let headers = sign_in.auth(&beside).unwrap().headers().unwrap();
            assert_eq!(headers, [("x-tenant", "acme".to_owned()), (header.0, header.1.to_owned())]);
            assert!(!format!("{sign_in:?}").contains("s3cret"));
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
            token_url: format!("{}/oauth/token?tenant=a", script.base_url()),
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
        auth.settled(&second, true);
        let Err(HttpError::SignIn(why)) = auth.renew(&second) else { panic!() };
        assert_eq!(why, "the token address refused the client credentials (status 401)");
        let asked = script.asked();
        assert_eq!((asked[0].line(), asked[0].param("tenant")), ("POST /oauth/token".into(), Some("a")));
        assert_eq!(asked[0].body, b"grant_type=client_credentials&client_id=id&client_secret=s3cret&scope=scim");
    }
}
