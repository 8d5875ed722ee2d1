//! A `[targets.NAME]` section of type `entra`.

use std::time::Duration;

use url::Url;

use crate::field::FieldSpec;
use crate::http::{Client, ClientSettings};
use crate::plan::Policy;
use crate::section::{Secret, Table};

use super::super::membership::{self, Membership};
use super::super::scim::SignIn;
use super::super::{Connection, FieldLookup, SandboxPlaces, Target, TargetType};
use super::fields::{self, GROUPS, TEAMS};
use super::{Create, Entra, ReadBy, requests};

/// The settled section.
#[derive(Clone, Debug, PartialEq)]
struct Section {
    tenant: String,
    client_id: Secret,
    client_secret: Secret,
    /// With the version, without a trailing slash.
    base_url: String,
    login_url: String,
    create: Create,
    read: ReadBy,
    memberships: Vec<Membership>,
    /// Whether to keep to Graph's pace; the sandbox asks for none.
    paced: bool,
}

/// Reads the keys of type `entra`; `None` after problems, which the table keeps.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let tenant = table.required_text("tenant", "tenant = \"acme.onmicrosoft.com\"").and_then(|tenant| {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
        let name = tenant.value.trim();
        if name.is_empty() || !name.chars().all(fits) {
            let why = format!("{} is the tenant's id or one of its domains", table.name_of("tenant"));
            table.problems().error(tenant.span, "wrong_value", why);
            return None;
        }
        Some(name.to_lowercase())
    });
    let client_id = table.required_secret("client_id");
    let client_secret = table.required_secret("client_secret");
    let address = |key: &str, usual: &str| if table.has(key) { table.base_url(key) } else { Some(usual.to_owned()) };
    let base_url = address("base_url", "https://graph.microsoft.com/v1.0");
    let login_url = address("login_url", "https://login.microsoftonline.com");
    let create = create(table, base_url.as_deref());
    let read = match table.has("read") {
        true => table.choice("read", &[("list", ReadBy::List), ("delta", ReadBy::Delta)]),
        false => Some(ReadBy::List),
    };
    let paced = membership::paced(table);
    let mut memberships = Vec::new();
    membership::read(table, GROUPS, &mut memberships);
    membership::read(table, TEAMS, &mut memberships);
    Some(Box::new(Section {
        tenant: tenant?,
        client_id: client_id?,
        client_secret: client_secret?,
        base_url: base_url?,
        login_url: login_url?,
        create: create?,
        read: read?,
        memberships,
        paced: paced?,
    }))
}

/// `create`, and with `bulk_upload` the address of the provisioning service.
fn create(table: &Table<'_>, base_url: Option<&str>) -> Option<Create> {
    let words =
        [("never", Create::Never), ("direct", Create::Direct), ("bulk_upload", Create::BulkUpload(String::new()))];
    let named: Vec<(&str, usize)> = words.iter().enumerate().map(|(place, (word, _))| (*word, place)).collect();
    let chosen = if table.has("create") { table.choice("create", &named)? } else { 0 };
    let (_, create) = words.into_iter().nth(chosen)?;
    if !matches!(create, Create::BulkUpload(_)) {
        if table.has("provisioning_url") {
            let why = format!("{} has no effect without create = \"bulk_upload\"", table.name_of("provisioning_url"));
            table.problems().error(table.key_span("provisioning_url"), "wrong_value", why);
            return None;
        }
        return Some(create);
    }
    if !table.has("provisioning_url") {
        let example = "provisioning_url = \"https://graph.microsoft.com/v1.0/servicePrincipals/…/bulkUpload\", as the \
                       provisioning page of the app shows it";
        table.missing("provisioning_url", example);
    }
    let url = table.base_url("provisioning_url")?;
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    if base_url.is_some_and(|base| origin(base) != origin(&url)) || !url.ends_with("/bulkUpload") {
        let name = table.name_of("provisioning_url");
        let why = format!("{name} must be on the host of `base_url` and end in /bulkUpload");
        table.problems().error(table.key_span("provisioning_url"), "wrong_value", why);
        return None;
    }
    Some(Create::BulkUpload(url))
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
        let place = self.base_url.split_once("://").map_or(&*self.base_url, |(_, place)| place);
        format!("entra:{place}:{}", self.tenant)
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let scope = format!("{}/.default", Url::parse(&self.base_url)?.origin().ascii_serialization());
        let sign_in = SignIn::OAuth {
            token_url: format!("{}/{}/oauth2/v2.0/token", self.login_url, self.tenant),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            scope: Some(scope),
        };
        let mut client = ClientSettings::new(&self.base_url);
        if self.paced {
            // An app may write three thousand times in 150 seconds, and others in the tenant write, too.
            client = client.limit(requests::WRITE, 2_000, Duration::from_secs(150));
            client = client.limit(requests::TEAMS, 1, Duration::from_secs(2));
        }
        // As background work, so that people who wait are served first.
        let auth = sign_in.auth(&[("x-ms-throttle-priority".to_owned(), "Low".to_owned())])?;
        let client = Client::new(client, auth)?;
        Ok(Box::new(Entra::new(client, self.base_url.clone(), self.create.clone(), self.read, connection)))
    }

    fn redirect(&mut self, sandbox: &SandboxPlaces) {
        let place = format!("{}/entra/{}", sandbox.base_url, sandbox.target);
        self.base_url = format!("{place}/v1.0");
        self.login_url = format!("{place}/login");
        if let Create::BulkUpload(url) = &mut self.create {
            *url = format!("{}/servicePrincipals/sandbox/synchronization/jobs/sandbox/bulkUpload", self.base_url);
        }
        self.client_id = Secret::new("sandbox");
        self.client_secret = sandbox.secret.clone();
        self.paced = false;
    }

    fn memberships(&self) -> &[Membership] {
        &self.memberships
    }
}
