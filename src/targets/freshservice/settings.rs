//! A `[targets.NAME]` section of type `freshservice`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::code::Code;
use crate::field::FieldSpec;
use crate::http::{Client, ClientSettings, FixedAuth};
use crate::section::shape::{self, Address};
use crate::section::{Secret, Table};
use crate::zone::Zones;

use super::super::{Connection, FieldLookup, Offers, SandboxAddresses, Target, TargetType, WorkflowsKey};
use super::widget::{self, Widget};
use super::{Freshservice, fields};

/// Where an account's API answers.
const SUFFIX: &str = ".freshservice.com";

/// A `freshservice` section.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Section {
    /// The API key of an agent
    api_key: Secret,
    /// Whether employees who are agents are listed and left alone, or kept in line in the fields that may be changed
    #[serde(default)]
    agents: Agents,
    /// Without a trailing slash and without `/api/v2`.
    #[serde(skip)]
    base_url: String,
    #[serde(skip)]
    widget: Option<Widget>,
    #[serde(skip, default = "compiled")]
    zones: Zones,
}

fn compiled() -> Zones {
    Zones::compiled().clone()
}

/// The keys that say where the account is: one of them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shape {
    /// The account: `acme`, or its address `acme.freshservice.com`; this or `base_url` is needed
    domain: Option<Domain>,
    /// Any other address, instead of `domain`
    base_url: Option<Address>,
}

/// The account's name.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, description = "")]
struct Domain(String);

impl TryFrom<String> for Domain {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        account(&text).map(Self).ok_or(
            "must be the account (\"acme\") or its address (\"acme.freshservice.com\"): the API does not answer at a \
             domain of your own; for any other address use `base_url`",
        )
    }
}

/// Names, titles, e-mail and phones of agents are never written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Agents {
    #[default]
    Skip,
    Update,
}

/// Reads the keys of type `freshservice`; `None` after problems, which the table keeps.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let base_url = table.read().and_then(|shape| address(shape, table));
    let section: Option<Section> = table.read();
    let widget = widget::read(table);
    let base_url = base_url?;
    let account = account(&base_url).map(Into::into);
    let widget = widget.map(|widget| Widget { account, ..widget });
    Some(Box::new(Section { base_url, widget, zones: table.zones().clone(), ..section? }))
}

/// The keys of type `freshservice`, for editors and the reference.
pub fn schema(generator: &mut SchemaGenerator) -> serde_json::Value {
    shape::joined([
        shape::definition::<Shape>(generator),
        shape::definition::<Section>(generator),
        shape::definition::<widget::Section>(generator),
        shape::definition::<WorkflowsKey>(generator),
    ])
}

/// `domain` or `base_url`, as the address that requests are sent to.
fn address(shape: Shape, table: &Table<'_>) -> Option<String> {
    match (shape.domain, shape.base_url) {
        (Some(_), Some(_)) => {
            let message = format!("{} has both `domain` and `base_url`; give one of them", table.name_of("base_url"));
            table.problems().error(table.key_span("base_url"), Code::WrongValue, message);
            None
        }
        (None, Some(url)) => Some(url.strip_suffix("/api/v2").unwrap_or(&url).trim_end_matches('/').to_owned()),
        (Some(Domain(account)), None) => Some(format!("https://{account}{SUFFIX}")),
        (None, None) => {
            if !table.has("domain") && !table.has("base_url") {
                table.missing("domain", "domain = \"acme.freshservice.com\"");
            }
            None
        }
    }
}

/// The account's name in `acme`, `acme.freshservice.com` or `https://acme.freshservice.com/`.
fn account(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let host = if text.contains("://") {
        let url = Url::parse(&text).ok().filter(|url| url.scheme() == "https")?;
        let plain = url.port().is_none() && url.username().is_empty() && url.password().is_none();
        url.host_str().filter(|_| plain)?.to_owned()
    } else {
        text.trim_end_matches('/').trim_end_matches("/api/v2").to_owned()
    };
    let account = host.strip_suffix(SUFFIX).unwrap_or(&host);
    // Without the suffix, only a bare name is an account; a scheme was given with a whole host.
    let named = host.ends_with(SUFFIX) || !text.contains("://");
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (named && !account.is_empty() && account.chars().all(label)).then(|| account.to_owned())
}

impl TargetType for Section {
    fn kind(&self) -> &'static str {
        "freshservice"
    }

    fn field(&self, name: &str) -> FieldLookup {
        fields::lookup(name, &self.zones)
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        fields::known_fields(&self.zones)
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["primary_email"]
    }

    fn identity(&self) -> String {
        let host = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, host)| host);
        format!("freshservice:{host}")
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let auth = FixedAuth::new(vec![("authorization", basic(&self.api_key))]);
        let client = Client::new(ClientSettings::new(&self.base_url), Box::new(auth))?;
        Ok(Box::new(Freshservice::new(client, connection).updating_agents(self.agents == Agents::Update)))
    }

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
        self.base_url = format!("{}/freshservice/{}", sandbox.base_url, sandbox.target);
        self.api_key = sandbox.secret.clone();
    }

    fn offers(&self) -> Offers<'_> {
        Offers { workflows: Some(super::workflows::OFFER), widget: self.widget.as_ref(), ..Offers::default() }
    }
}

/// Basic authentication with the key as user; the password is not looked at.
fn basic(api_key: &Secret) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:X", api_key.expose())))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use toml::de::DeTable;

    use super::*;
    use crate::field::{FieldIndex, FieldValue};
    use crate::http::testing::{Answer, Script};
    use crate::section::{Context, Problems, SecretMode, SecretReader};

    const KEY: &str = "api_key = { env = \"KEY\" }";

    /// The identity, or the problems.
    fn load(text: &str) -> Result<Box<dyn TargetType>, Vec<String>> {
        let problems = Problems::new(text);
        let secrets =
            SecretReader::new(&|name| (name == "KEY").then(|| "k3y".into()), Path::new("."), SecretMode::Read);
        let parsed = DeTable::parse(text).expect("TOML");
        let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
        let table = Table::new("targets.desk", parsed.span(), parsed.get_ref(), context);
        let found = parse(&table);
        table.finish();
        let problems: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
        if problems.is_empty() { Ok(found.expect("settings")) } else { Err(problems) }
    }

    #[test]
    fn the_account_may_be_written_in_several_ways() {
        for domain in [
            "acme",
            "acme.freshservice.com",
            "ACME.freshservice.com/",
            "https://acme.freshservice.com/",
            "https://acme.freshservice.com/api/v2",
            "https://acme.freshservice.com/a/dashboard/default",
        ] {
            let found = load(&format!("domain = {domain:?}\n{KEY}")).expect(domain);
            assert_eq!(found.identity(), "freshservice:acme.freshservice.com", "{domain}");
        }
    }

    #[test]
    fn other_hosts_are_refused() {
        for domain in [
            "help.example.com",
            "https://help.example.com",
            "https://acme",
            "http://acme.freshservice.com",
            "https://acme.freshservice.com.example.org",
            "https://user@acme.freshservice.com",
            "https://acme.freshservice.com:8443",
            ".freshservice.com",
            "a.b.freshservice.com",
            "",
        ] {
            let problems = load(&format!("domain = {domain:?}\n{KEY}")).expect_err(domain);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains("base_url") && problems[0].contains("domain of your own"), "{problems:?}");
        }
    }

    #[test]
    fn a_base_address_may_end_in_the_path_of_the_api() {
        for (base_url, identity) in [
            ("https://proxy.example.com/fs/api/v2/", "freshservice:proxy.example.com/fs"),
            ("http://127.0.0.1:7070", "freshservice:127.0.0.1:7070"),
        ] {
            assert_eq!(load(&format!("base_url = {base_url:?}\n{KEY}")).expect("settings").identity(), identity);
        }
        assert!(load(&format!("base_url = \"http://example.com\"\n{KEY}")).is_err());
    }

    #[test]
    fn all_problems_are_told_at_once() {
        assert_eq!(
            load("agents = \"convert\"").expect_err("three problems").len(),
            3,
            "no address, no key, an unknown word"
        );
        let both = load(&format!("domain = \"acme\"\nbase_url = \"https://example.com\"\n{KEY}")).expect_err("both");
        assert!(both[0].starts_with("2:1: error") && both[0].contains("both"), "{both:?}");
        for agents in ["skip", "update"] {
            assert!(load(&format!("domain = \"acme\"\nagents = {agents:?}\n{KEY}")).is_ok(), "{agents}");
        }
    }

    #[test]
    fn the_key_is_the_user_and_never_prints() {
        let people = r#"{"requesters":[{"id":7,"active":true,"primary_email":"mira+it@example.com"}]}"#;
        let service = Script::answers([Answer::json(200, people)]);
        let settings = load(&format!("base_url = \"{}/api/v2\"\n{KEY}", service.base_url())).expect("settings");
        assert!(!format!("{settings:?}").contains("k3y"));
        let FieldLookup::Known(email) = settings.field("primary_email") else { panic!("a known field") };
        let connection = Connection {
            name: "desk".into(),
            fields: vec![email],
            mapped: 1,
            match_fields: vec![FieldIndex(0)],
            create_missing: Vec::new(),
            today: chrono::NaiveDate::default(),
        };
        let target = settings.open(connection).expect("a target");
        let found = target.reader().find(FieldIndex(0), &FieldValue::text("mira+it@example.com")).expect("an answer");
        assert_eq!(found.len(), 1);
        let asked = &service.asked()[0];
        assert_eq!(asked.line(), "GET /api/v2/requesters");
        assert_eq!(asked.header("authorization"), Some("Basic azN5Olg="));
        assert_eq!(asked.param("email"), Some("mira+it@example.com"), "the plus arrives as one");
    }

    #[test]
    fn the_sandbox_takes_the_place_of_address_and_key() {
        let mut settings = load(&format!("domain = \"acme\"\n{KEY}")).expect("settings");
        settings.redirect(&SandboxAddresses {
            base_url: "http://127.0.0.1:7070".into(),
            folder: PathBuf::new(),
            target: "desk".into(),
            secret: Secret::new("invented"),
        });
        assert_eq!(settings.identity(), "freshservice:127.0.0.1:7070/freshservice/desk");
        assert!(!format!("{settings:?}").contains("acme"));
    }
}
