//! A `[targets.NAME]` section of type `slack`.

use crate::field::FieldSpec;
use crate::http::{Client, ClientSettings, FixedAuth};
use crate::plan::Policy;
use crate::section::{Secret, Table};

use super::super::membership::{self, Membership};
use super::super::{Connection, FieldLookup, SandboxPlaces, Target, TargetType};
use super::fields::{self, CHANNELS, GROUPS};
use super::scim::Accounts;
use super::{Slack, requests};

/// The settled section.
#[derive(Clone, Debug, PartialEq)]
struct Settings {
    /// The name before `.slack.com`, if the file tells it.
    workspace: Option<Box<str>>,
    /// Its id, which a token of a whole organisation needs.
    team: Option<Box<str>>,
    token: Secret,
    /// Makes, deactivates and reactivates accounts, where the plan offers it.
    scim_token: Option<Secret>,
    base_url: String,
    scim_url: String,
    memberships: Vec<Membership>,
    /// Whether to keep to the pace that Slack asks for; the sandbox asks for none.
    paced: bool,
}

/// Reads the keys of type `slack`; `None` after problems, which the table keeps.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let workspace = table.text("workspace").map(|name| {
        let name = name.value.trim().trim_start_matches("https://").trim_end_matches('/');
        Box::from(name.trim_end_matches(".slack.com").to_lowercase())
    });
    let team = table.text("team_id").map(|id| Box::from(id.value.trim()));
    let token = table.required_secret("token");
    let scim_token = table.secret("scim_token");
    let address = |key: &str, usual: &str| if table.has(key) { table.base_url(key) } else { Some(usual.to_owned()) };
    let base_url = address("base_url", "https://slack.com/api");
    let scim_url = address("scim_url", "https://api.slack.com/scim/v2");
    let paced = membership::paced(table);
    let mut memberships = Vec::new();
    membership::read(table, GROUPS, &mut memberships);
    membership::read(table, CHANNELS, &mut memberships);
    if table.has("scim_token") && scim_token.is_none() {
        return None;
    }
    Some(Box::new(Settings {
        workspace,
        team,
        token: token?,
        scim_token,
        base_url: base_url?,
        scim_url: scim_url?,
        memberships,
        paced: paced?,
    }))
}

impl TargetType for Settings {
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
        let place = self.base_url.split_once("://").map_or(&*self.base_url, |(_, place)| place);
        match self.workspace.as_ref().or(self.team.as_ref()) {
            Some(workspace) => format!("slack:{place}:{workspace}"),
            None => format!("slack:{place}"),
        }
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let names = |name: &str| connection.fields[..connection.mapped].iter().any(|field| &*field.name == name);
        if names("real_name") && (names("first_name") || names("last_name")) {
            anyhow::bail!("`real_name` writes the first and the last name; map it or them, not both");
        }
        let mut client = ClientSettings::new(&self.base_url);
        client.says_busy = requests::says_busy;
        if self.paced {
            client.limits = requests::limits();
            client.retry.busy_wait = Some(requests::BUSY_WAIT);
        }
        let auth = FixedAuth::new(vec![("authorization", format!("Bearer {}", self.token.expose()))]);
        let client = Client::new(client, Box::new(auth))?;
        let accounts = match &self.scim_token {
            None => None,
            Some(token) => Some(Accounts::open(&connection.name, &self.scim_url, token, self.paced)?),
        };
        Ok(Box::new(Slack::new(client, accounts, self.workspace.clone(), self.team.clone(), connection)))
    }

    fn redirect(&mut self, sandbox: &SandboxPlaces) {
        let place = format!("{}/slack/{}", sandbox.base_url, sandbox.target);
        self.base_url = format!("{place}/api");
        self.scim_url = format!("{place}/scim/v2");
        self.token = sandbox.secret.clone();
        if let Some(token) = &mut self.scim_token {
            *token = sandbox.secret.clone();
        }
        (self.workspace, self.team) = (None, None);
        self.paced = false;
    }

    fn memberships(&self) -> &[Membership] {
        &self.memberships
    }
}
