use email_address::EmailAddress;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::code::Code;
use crate::section::{Located, Problems, Secret};

/// How mail is sent, as the file says it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Shape {
    /// The mail server: a name, or `name:port`. With TLS from the start on port 465, else with STARTTLS; plain to this
    /// machine alone. Without a port: 587
    #[schemars(example = &"mail.example.com:587")]
    server: Located<String>,
    /// The sender
    #[schemars(example = &"personio-sync@example.com")]
    from: Located<String>,
    /// Who it goes to
    #[schemars(example = json!(["it@example.com", "hr@example.com"]))]
    to: Located<Vec<Located<String>>>,
    /// The name to sign in with, where the server asks for one
    user: Option<Located<String>>,
    /// The password that belongs to it
    password: Option<Secret>,
}

/// The same, settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    pub host: String,
    pub port: u16,
    pub from: String,
    pub to: Vec<String>,
    pub sign_in: Option<(String, Secret)>,
}

impl Shape {
    /// Checks what the section of this name says.
    pub fn settled(self, section: &str, problems: &Problems<'_>) -> Option<MailSettings> {
        let mut fine = true;
        let mut wrong = |span, code, message: String| {
            problems.error(span, code, message);
            fine = false;
        };
        let server = self.server.value.trim();
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !host.ends_with(':') => (host, port.parse().ok()),
            _ => (server, Some(587)),
        };
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() || host.contains(['/', '@', ' ']) || port.is_none() {
            let message = format!(
                "`{section}.server` must be the name of a mail server such as \"mail.example.com\", or with a port \
             \"mail.example.com:465\""
            );
            wrong(self.server.span.clone(), Code::WrongValue, message);
        }
        let mut checked = |key: &str, Located { value, span }: Located<String>| {
            if !EmailAddress::is_valid(value.trim()) {
                let message = format!("`{section}.{key}` must be an e-mail address such as \"it@example.com\"");
                wrong(span, Code::WrongValue, message);
            }
            value.trim().to_owned()
        };
        let from = checked("from", self.from);
        let Located { value: to, span: list } = self.to;
        let to: Vec<String> = to.into_iter().map(|one| checked("to", one)).collect();
        if to.is_empty() {
            wrong(list, Code::WrongValue, format!("`{section}.to` names nobody"));
        }
        let sign_in = match (self.user, self.password) {
            (Some(user), Some(password)) => Some((user.value, password)),
            (None, None) => None,
            _ => {
                let message = format!("`{section}` needs both `user` and `password`, or neither");
                wrong(self.server.span, Code::MissingKey, message);
                None
            }
        };
        let port = port.filter(|_| fine)?;
        Some(MailSettings { host: host.to_owned(), port, from, to, sign_in })
    }
}
