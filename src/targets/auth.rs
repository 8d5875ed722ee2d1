//! How a target whose interface is described in the file signs in: the four forms of `auth`.

use serde::Deserialize;

use crate::code::Code;
use crate::http::{Auth, Client, ClientSettings, FixedAuth, HttpError, Request, Response, TokenAuth};
use crate::section::{Secret, Table};

/// `auth = { bearer = SECRET }`, `{ basic = { user, password } }`, `{ header = { name, value } }`,
/// `{ oauth = { token_url, client_id, client_secret, scope } }` (client credentials) or `"none"`.
#[derive(Clone, Debug, PartialEq)]
pub enum AuthSettings {
    /// Not at all: the service trusts whoever can reach it.
    None,
    /// The same token on every request, as `Authorization: Bearer`.
    Bearer(Secret),
    Basic {
        user: String,
        password: Secret,
    },
    /// A header of the service's own.
    Header {
        /// Name, in lower case.
        name: &'static str,
        value: Secret,
    },
    /// OAuth 2.0 client credentials: a token is fetched, kept, and fetched anew once it is refused.
    OAuth {
        token_url: String,
        client_id: String,
        client_secret: Secret,
        /// Scope, where the service wants one.
        scope: Option<String>,
    },
}

const FORMS: [&str; 4] = ["bearer", "basic", "header", "oauth"];

impl AuthSettings {
    /// Reads the key `auth` of a target's section. `None` when it is missing or wrong, which is then among the
    /// problems.
    pub fn parse(section: &Table<'_>) -> Option<Self> {
        if !section.has("auth") {
            section.missing("auth", "auth = { bearer = { env = \"TOKEN\" } }");
            return None;
        }
        Self::given(section)
    }

    /// The same where a service may want no sign-in.
    pub fn parse_optional(section: &Table<'_>) -> Option<Self> {
        if section.has("auth") { Self::given(section) } else { Some(Self::None) }
    }

    fn given(section: &Table<'_>) -> Option<Self> {
        if section.raw("auth").is_some_and(|value| value.get_ref().is_str()) {
            return section.choice("auth", &[("none", ())]).map(|()| Self::None);
        }
        let table = section.table("auth")?;
        let found = Self::form(&table);
        let given = FORMS.iter().filter(|form| table.has(form)).count();
        if given != 1 {
            let message = format!("`{}` needs exactly one of `bearer`, `basic`, `header` and `oauth`", table.path());
            table.problems().error(table.span(), Code::WrongValue, message);
        }
        table.finish();
        found.filter(|_| given == 1)
    }

    fn form(table: &Table<'_>) -> Option<Self> {
        if table.has("bearer") {
            return table.secret("bearer").map(Self::Bearer);
        }
        if table.has("basic") {
            let basic = table.table("basic")?;
            let (user, password) = (basic.required_text("user", "user = \"sync\""), basic.required_secret("password"));
            basic.finish();
            return Some(Self::Basic { user: user?.value.to_owned(), password: password? });
        }
        if table.has("header") {
            let header = table.table("header")?;
            let name =
                header.required_text("name", "name = \"X-Api-Key\"").and_then(|name| header_name(&header, &name));
            let value = header.required_secret("value");
            header.finish();
            return Some(Self::Header { name: name?, value: value? });
        }
        if !table.has("oauth") {
            return None;
        }
        let oauth = table.table("oauth")?;
        if !oauth.has("token_url") {
            oauth.missing("token_url", "token_url = \"https://login.example.com/oauth/token\"");
        }
        let token_url = oauth.base_url("token_url");
        let client_id = oauth.required_text("client_id", "client_id = \"personio-sync\"");
        let client_secret = oauth.required_secret("client_secret");
        let scope = oauth.text("scope").map(|scope| scope.value.to_owned());
        oauth.finish();
        let client_id = client_id?.value.to_owned();
        Some(Self::OAuth { token_url: token_url?, client_id, client_secret: client_secret?, scope })
    }

    /// The same form with the sandbox's secret; tokens are fetched below the simulated system.
    pub fn redirect(&mut self, base_url: &str, secret: &Secret) {
        match self {
            Self::None => {}
            Self::Bearer(known) | Self::Basic { password: known, .. } | Self::Header { value: known, .. } => {
                known.clone_from(secret);
            }
            Self::OAuth { token_url, client_secret, .. } => {
                client_secret.clone_from(secret);
                *token_url = format!("{}/oauth/token", base_url.trim_end_matches('/'));
            }
        }
    }

    /// Signs the requests of a client. Contacts nobody yet.
    pub fn signer(&self) -> anyhow::Result<Box<dyn Auth>> {
        Ok(match self {
            Self::OAuth { token_url, client_id, client_secret, scope } => {
                let client = Client::new(ClientSettings::new(token_url.clone()), Box::new(FixedAuth::default()))?;
                let request = token_request(token_url, client_id, client_secret, scope.as_deref());
                let fetch = move || read_token(&client.send(&request)?);
                Box::new(TokenAuth::new(fetch, Vec::new()))
            }
            fixed => Box::new(FixedAuth::new(fixed.fixed_headers())),
        })
    }

    /// The headers of the forms that need no token of their own.
    pub fn fixed_headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Bearer(token) => vec![("authorization", format!("Bearer {}", token.expose()))],
            Self::Basic { user, password } => {
                use base64::Engine as _;
                let pair = format!("{user}:{}", password.expose());
                vec![("authorization", format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))]
            }
            Self::Header { name, value } => vec![(name, value.expose().to_owned())],
            Self::None | Self::OAuth { .. } => Vec::new(),
        }
    }

    /// How it signs in, in words and without any secret.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Bearer(_) => "a bearer token",
            Self::Basic { .. } => "user name and password",
            Self::Header { .. } => "a header of its own",
            Self::OAuth { .. } => "OAuth client credentials",
        }
    }
}

/// A header name of the file, in lower case. Kept for as long as the process runs, as header names of requests
/// are; a file has few.
pub fn header_name(table: &Table<'_>, name: &crate::section::Located<&str>) -> Option<&'static str> {
    let lower = name.value.to_ascii_lowercase();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if lower.is_empty() || !lower.bytes().all(token) {
        let message = format!("`{}` cannot be the name of a header", name.value);
        table.problems().error(name.span.clone(), Code::WrongValue, message);
        return None;
    }
    Some(Box::leak(lower.into_boxed_str()))
}

fn token_request(token_url: &str, client_id: &str, client_secret: &Secret, scope: Option<&str>) -> Request {
    let mut form = vec![
        ("grant_type".to_owned(), "client_credentials".to_owned()),
        ("client_id".to_owned(), client_id.to_owned()),
        ("client_secret".to_owned(), client_secret.expose().to_owned()),
    ];
    form.extend(scope.map(|scope| ("scope".to_owned(), scope.to_owned())));
    // A token more or less does no harm.
    Request::new(crate::http::Method::Post, token_url).form(form).repeat(crate::http::Repeat::Harmless)
}

fn read_token(answer: &Response) -> Result<String, HttpError> {
    #[derive(Deserialize)]
    struct Token {
        access_token: String,
    }
    match answer.status {
        200..300 => match answer.json::<Token>() {
            Ok(token) if !token.access_token.trim().is_empty() => Ok(token.access_token),
            Ok(_) => Err(HttpError::SignIn("the address for tokens gave an empty token".into())),
            Err(unexpected) => Err(HttpError::SignIn(format!("the address for tokens gave no token: {unexpected}"))),
        },
        status @ (429 | 500..) => {
            Err(HttpError::NotSent { host: "the address for tokens".into(), why: format!("it answered {status}") })
        }
        status => Err(HttpError::SignIn(format!(
            "the sign-in was refused ({status}); check `client_id`, `client_secret` and `scope`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Body;

    #[test]
    fn secrets_go_into_headers_and_never_into_words() {
        let secret = Secret::new("hunter2");
        for (auth, header) in [
            (AuthSettings::Bearer(secret.clone()), ("authorization", "Bearer hunter2")),
            (
                AuthSettings::Basic { user: "sync".into(), password: secret.clone() },
                ("authorization", "Basic c3luYzpodW50ZXIy"),
            ),
            (AuthSettings::Header { name: "x-api-key", value: secret.clone() }, ("x-api-key", "hunter2")),
        ] {
            assert_eq!(auth.signer().unwrap().headers().unwrap(), vec![(header.0, header.1.to_owned())]);
            assert!(!format!("{auth:?} {}", auth.describe()).contains("hunter2"));
        }
    }

    #[test]
    fn a_token_is_asked_for_with_client_credentials() {
        let request = token_request("https://login.example.com/t", "id", &Secret::new("word"), Some("people"));
        let Body::Form(form) = request.body else { panic!("a form") };
        let form: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(form, ["grant_type=client_credentials", "client_id=id", "client_secret=word", "scope=people"]);
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
