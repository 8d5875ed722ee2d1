//! A `[targets.NAME]` section of type `slack`.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::field::FieldSpec;
use crate::http::{Client, ClientSettings, FixedAuth};
use crate::plan::Policy;
use crate::section::shape::{self, Address, Entries, Pace};
use crate::section::{Secret, Table};

use super::super::membership::{Group, Membership, memberships};
use super::super::{Connection, FieldLookup, Offers, SandboxAddresses, Target, TargetType};
use super::fields::{self, CHANNELS, GROUPS};
use super::scim::Accounts;
use super::{Slack, requests};

/// A `slack` section.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Section {
    /// `acme` for acme.slack.com; a token of another workspace is refused. Left out: any
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<Box<str>>,
    /// `T0123ABCD`: the workspace that is meant with a token of a whole organisation. Left out: that of `workspace`, or
    /// the only one that the app is in
    #[serde(default, deserialize_with = "team_id")]
    team_id: Option<Box<str>>,
    /// User token of an administrator
    token: Secret,
    /// A token with the scope `admin`, to make, deactivate and reactivate accounts. Left out: these are reported
    scim_token: Option<Secret>,
    /// User groups, by name; who belongs is a rule
    #[serde(default)]
    groups: Entries<Group>,
    /// Channels, by name; who belongs is a rule
    #[serde(default)]
    channels: Entries<Group>,
    /// Keep to what Slack allows of each method, or wait only when Slack says so
    #[serde(default)]
    pace: Pace,
    /// Another address of the Web API
    #[serde(default = "base_url")]
    base_url: Address,
    /// Another address of the SCIM interface
    #[serde(default = "scim_url")]
    scim_url: Address,
    #[serde(skip)]
    memberships: Vec<Membership>,
}

fn base_url() -> Address {
    Address::usual("https://slack.com/api")
}

fn scim_url() -> Address {
    Address::usual("https://api.slack.com/scim/v2")
}

/// The name before `.slack.com`.
fn workspace_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let name = name.trim().trim_start_matches("https://").trim_end_matches('/');
    let name = name.trim_end_matches(".slack.com").to_lowercase();
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    if is_name { Ok(Some(name.into())) } else { Err(D::Error::custom("must be the NAME of NAME.slack.com")) }
}

/// Ids of workspaces begin with T (<https://docs.slack.dev/reference/methods/team.info>).
fn team_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let id = text.trim();
    let is_id = id.strip_prefix('T').is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    });
    let why = "must be the id of a workspace, such as T0123ABCD; its name belongs in `workspace`";
    if is_id { Ok(Some(id.into())) } else { Err(D::Error::custom(why)) }
}

/// Reads the keys of type `slack`; `None` after problems, which the table keeps.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let mut section: Section = table.read()?;
    section.memberships = memberships(GROUPS, &section.groups);
    section.memberships.extend(memberships(CHANNELS, &section.channels));
    Some(Box::new(section))
}

/// The keys of type `slack`, for editors and the reference.
pub fn schema(generator: &mut SchemaGenerator) -> serde_json::Value {
    shape::definition::<Section>(generator)
}

impl TargetType for Section {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn field(&self, name: &str) -> FieldLookup {
        fields::lookup(name)
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        fields::known_fields()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["email"]
    }

    fn policy(&self) -> Policy {
        Policy { makes_groups: &[GROUPS], is_directory: true, has_channels: true, ..Policy::default() }
    }

    fn identity(&self) -> String {
        let host = self.base_url.split_once("://").map_or(&*self.base_url, |(_, host)| host);
        match self.workspace.as_ref().or(self.team_id.as_ref()) {
            Some(workspace) => format!("slack:{host}:{workspace}"),
            None => format!("slack:{host}"),
        }
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let names = |name: &str| connection.fields[..connection.mapped].iter().any(|field| &*field.name == name);
        if names("real_name") && (names("first_name") || names("last_name")) {
            anyhow::bail!("`real_name` writes the first and the last name; map it or them, not both");
        }
        let mut client = ClientSettings::new(&*self.base_url);
        client.says_busy = requests::says_busy;
        client.says_refused = requests::says_refused;
        let paced = self.pace == Pace::Documented;
        if paced {
            client.limits = requests::limits();
            client.retry.busy_wait = Some(requests::BUSY_WAIT);
        }
        let auth = FixedAuth::new(vec![("authorization", format!("Bearer {}", self.token.expose()))]);
        let client = Client::new(client, Box::new(auth))?;
        let accounts = match &self.scim_token {
            None => None,
            Some(token) => Some(Accounts::open(&connection.name, &self.scim_url, token, paced)?),
        };
        Ok(Box::new(Slack::new(client, accounts, self.workspace.clone(), self.team_id.clone(), connection)))
    }

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
        let root = format!("{}/slack/{}", sandbox.base_url, sandbox.target);
        self.base_url = Address::usual(format!("{root}/api"));
        self.scim_url = Address::usual(format!("{root}/scim/v2"));
        self.token = sandbox.secret.clone();
        if let Some(token) = &mut self.scim_token {
            *token = sandbox.secret.clone();
        }
        (self.workspace, self.team_id) = (None, None);
        self.pace = Pace::None;
    }

    fn offers(&self) -> Offers<'_> {
        Offers { memberships: &self.memberships, ..Offers::default() }
    }
}
