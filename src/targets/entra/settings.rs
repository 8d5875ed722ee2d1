//! A `[targets.NAME]` section of type `entra`.

use std::time::Duration;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::code::Code;
use crate::field::FieldSpec;
use crate::http::{Client, ClientSettings};
use crate::plan::Policy;
use crate::section::shape::{self, Address, Entries, Pace};
use crate::section::{Secret, Table};

use super::super::auth::SignIn;
use super::super::membership::{Group, Membership, memberships};
use super::super::{Connection, FieldLookup, Offers, SandboxAddresses, Target, TargetType};
use super::fields::{self, GROUPS, TEAMS};
use super::{Create, Entra, ReadBy, requests};

/// An `entra` section.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Section {
    /// The id of the tenant, or one of its domains
    #[schemars(example = &"acme.onmicrosoft.com")]
    tenant: Tenant,
    /// The application of the app registration
    client_id: Secret,
    /// Its secret
    client_secret: Secret,
    /// How everybody is read: by the list, or by the list of changes from its beginning
    #[serde(default)]
    read: ReadBy,
    /// Groups, by name; who belongs is a rule
    #[serde(default)]
    groups: Entries<Group>,
    /// Teams, by name; who belongs is a rule
    #[serde(default)]
    teams: Entries<Group>,
    /// Keep to what Graph allows, or wait only when Graph says so
    #[serde(default)]
    pace: Pace,
    /// Another address of Microsoft Graph, for national clouds
    #[serde(default = "base_url")]
    base_url: Address,
    /// Another address to sign in at, for national clouds
    #[serde(default = "login_url")]
    login_url: Address,
    #[serde(skip)]
    create: Create,
    #[serde(skip)]
    memberships: Vec<Membership>,
}

/// The keys of an `entra` section that say how users are made. They are a struct of their own so that what is wrong
/// with them is told whatever else is missing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Creation {
    /// Whether new users are made: not at all, one by one, or by the inbound provisioning service
    #[serde(default)]
    create: Creating,
    /// The address of the inbound provisioning service, as the provisioning page of the app shows it; needed with
    /// `create = "bulk_upload"`
    provisioning_url: Option<Address>,
}

fn base_url() -> Address {
    Address::usual("https://graph.microsoft.com/v1.0")
}

fn login_url() -> Address {
    Address::usual("https://login.microsoftonline.com")
}

#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct Tenant(String);

impl TryFrom<String> for Tenant {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
        let name = name.trim();
        if name.is_empty() || !name.chars().all(fits) {
            return Err("is the tenant's id or one of its domains");
        }
        Ok(Self(name.to_lowercase()))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Creating {
    #[default]
    Never,
    Direct,
    BulkUpload,
}

/// Reads the keys of type `entra`; `None` after problems, which the table keeps.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let section: Option<Section> = table.read();
    let base_url = section.as_ref().map(|section| &*section.base_url);
    let create = create(&table.read()?, base_url, table);
    let mut section = section?;
    section.create = create?;
    section.memberships = memberships(GROUPS, &section.groups);
    section.memberships.extend(memberships(TEAMS, &section.teams));
    Some(Box::new(section))
}

/// The keys of type `entra`, for editors and the reference.
pub fn schema(generator: &mut SchemaGenerator) -> serde_json::Value {
    shape::joined([shape::definition::<Section>(generator), shape::definition::<Creation>(generator)])
}

/// With `bulk_upload`, the address of the provisioning service.
fn create(section: &Creation, base_url: Option<&str>, table: &Table<'_>) -> Option<Create> {
    let (key, given) = ("provisioning_url", table.has("provisioning_url"));
    let wrong = |why: &str| {
        table.problems().error(table.key_span(key), Code::WrongValue, format!("{} {why}", table.name_of(key)));
        None
    };
    if section.create != Creating::BulkUpload {
        let create = if section.create == Creating::Direct { Create::Direct } else { Create::Never };
        return if given { wrong("has no effect without create = \"bulk_upload\"") } else { Some(create) };
    }
    if !given {
        let example = "provisioning_url = \"https://graph.microsoft.com/v1.0/servicePrincipals/…/bulkUpload\", as the \
                       provisioning page of the app shows it";
        table.missing(key, example);
    }
    let url = section.provisioning_url.as_deref()?;
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    if base_url.is_some_and(|base| origin(base) != origin(url)) || !url.ends_with("/bulkUpload") {
        return wrong("must be on the host of `base_url` and end in /bulkUpload");
    }
    Some(Create::BulkUpload(url.to_owned()))
}

impl TargetType for Section {
    fn kind(&self) -> &'static str {
        "entra"
    }

    fn field(&self, name: &str) -> FieldLookup {
        fields::lookup(name)
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        fields::known_fields()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["employeeId", "userPrincipalName", "mail"]
    }

    fn policy(&self) -> Policy {
        Policy { is_directory: true, ..Policy::default() }
    }

    fn identity(&self) -> String {
        let position = self.base_url.split_once("://").map_or(&*self.base_url, |(_, position)| position);
        format!("entra:{position}:{}", self.tenant.0)
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let scope = format!("{}/.default", Url::parse(&self.base_url)?.origin().ascii_serialization());
        let sign_in = SignIn::OAuth {
            token_url: Address::usual(format!("{}/{}/oauth2/v2.0/token", &*self.login_url, self.tenant.0)),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            scope: Some(scope),
        };
        let mut client = ClientSettings::new(&*self.base_url);
        if self.pace == Pace::Documented {
            // An app may write three thousand times in 150 seconds, and others in the tenant write, too.
            client = client.limit(requests::WRITE, 2_000, Duration::from_secs(150));
            client = client.limit(requests::TEAMS, 1, Duration::from_secs(2));
        }
        // As background work, so that people who wait are served first.
        let auth = sign_in.auth(&[("x-ms-throttle-priority", "Low".to_owned())])?;
        let client = Client::new(client, auth)?;
        Ok(Box::new(Entra::new(client, self.base_url.to_string(), self.create.clone(), self.read, connection)))
    }

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
        let position = format!("{}/entra/{}", sandbox.base_url, sandbox.target);
        self.base_url = Address::usual(format!("{position}/v1.0"));
        self.login_url = Address::usual(format!("{position}/login"));
        if let Create::BulkUpload(url) = &mut self.create {
            *url = format!("{position}/v1.0/servicePrincipals/sandbox/synchronization/jobs/sandbox/bulkUpload");
        }
        self.client_id = Secret::new("sandbox");
        self.client_secret = sandbox.secret.clone();
        self.pace = Pace::None;
    }

    fn offers(&self) -> Offers<'_> {
        Offers { memberships: &self.memberships, ..Offers::default() }
    }
}
