//! What the file says of a TravelPerk account.

use std::time::Duration;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::section::shape::{self, Address, Either};
use crate::section::{Secret, Table};
use crate::targets::SandboxAddresses;
use crate::targets::auth::SignIn;
use crate::targets::scim::{self, Clear, DeclaredDeviations, Deviations};

/// A `travelperk` section.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Section {
    /// The API key
    api_key: Secret,
    /// Another secret for SCIM. Left out: the key
    scim_token: Option<Secret>,
    /// Another address of SCIM
    #[serde(default = "scim_url")]
    scim_url: Address,
    /// Another address of the API
    #[serde(default = "api_url")]
    api_url: Address,
    /// How requests to SCIM are signed
    #[serde(default)]
    scim_auth: Scheme,
    /// How requests to the API are signed
    #[serde(default)]
    api_auth: Scheme,
    /// The user name of the account that made the key; never changed
    key_owner: Option<String>,
    /// A name for this account, where several share one host
    account: Option<String>,
}

/// A struct of its own, so that what is wrong with the mapping is told whatever else is missing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Details {
    /// Which personal details may be written; a field of another one cannot be mapped
    #[schemars(extend("default" = "all"))]
    details: Option<Either<All, Vec<Detail>>>,
}

/// The older `app.travelperk.com` still answers.
fn scim_url() -> Address {
    Address::usual("https://app.perk.com/api/v2/scim")
}

/// The older `api.travelperk.com` still answers.
fn api_url() -> Address {
    Address::usual("https://api.perk.com")
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
enum All {
    All,
}

/// The details that may be left out.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
enum Detail {
    Gender,
    DateOfBirth,
    Manager,
}

impl Detail {
    /// The one that a field carries, with its name.
    fn of(field: &str) -> Option<(Self, &'static str)> {
        match field {
            "gender" => Some((Self::Gender, "gender")),
            "dateOfBirth" => Some((Self::DateOfBirth, "dateOfBirth")),
            "manager" | "lineManagerEmail" => Some((Self::Manager, "manager")),
            _ => None,
        }
    }
}

/// A `travelperk` section, settled.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Users.
    pub(super) people: scim::Settings,
    /// Address of everything else, without a trailing slash.
    pub(super) api_url: String,
    /// How requests to it are signed.
    pub(super) api_sign_in: SignIn,
    /// Which of several accounts on one host this is.
    pub(super) account: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
enum Scheme {
    #[default]
    ApiKey,
    Bearer,
}

impl Scheme {
    fn sign_in(self, secret: Secret) -> SignIn {
        match self {
            Self::ApiKey => SignIn::ApiKey(secret),
            Self::Bearer => SignIn::Bearer(secret),
        }
    }
}

/// Reads a section. `None` when something needed is missing or wrong, which is then among the problems.
pub(super) fn read(table: &Table<'_>) -> Option<Settings> {
    let (section, declared) = (table.read::<Section>(), table.read::<DeclaredDeviations>());
    if let Some(Details { details: Some(Either::Long(chosen)) }) = table.read() {
        check_mapping(table, &chosen);
    }
    let (section, mut deviations) = (section?, usual());
    declared?.apply(&mut deviations);
    let scim_token = section.scim_token.unwrap_or_else(|| section.api_key.clone());
    let people = scim::Settings {
        base_url: section.scim_url.to_string(),
        sign_in: section.scim_auth.sign_in(scim_token),
        deviations,
        preserve: Vec::new(),
        headers: Vec::new(),
        key_owner: scim::key_owner(section.key_owner),
    };
    Some(Settings {
        people,
        api_url: section.api_url.to_string(),
        api_sign_in: section.api_auth.sign_in(section.api_key),
        account: section.account.map(|account| account.trim().to_lowercase()),
    })
}

/// The keys of type `travelperk`, for editors and the reference.
pub(super) fn schema(generator: &mut SchemaGenerator) -> serde_json::Value {
    let declared = DeclaredDeviations::schema(generator, &usual());
    shape::joined([shape::definition::<Section>(generator), shape::definition::<Details>(generator), declared])
}

/// What is known of TravelPerk.
fn usual() -> Deviations {
    Deviations {
        // Removing a value is not known to work; an empty one is what is read back.
        clear: Clear::Empty,
        // The extension is not among the schemas that the service lists.
        schemas: false,
        // No limits are published; two clients keep to this pace.
        requests_per_minute: Some(90),
        busy_wait: Some(Duration::from_secs(60)),
        ..Deviations::default()
    }
}

/// Details that the file does not choose must not be mapped.
fn check_mapping(table: &Table<'_>, chosen: &[Detail]) {
    let Some(mapping) = table.table("mapping") else { return };
    for (field, _) in mapping.entries() {
        let detail = Detail::of(super::fields::short(field.value));
        if let Some((_, name)) = detail.filter(|(detail, _)| !chosen.contains(detail)) {
            let message = format!(
                "{} is mapped, and `{name}` is not among {}; add it there, or take the line out",
                mapping.name_of(field.value),
                table.name_of("details")
            );
            mapping.problems().error(field.span, Code::DetailNotChosen, message);
        }
    }
}

impl Settings {
    /// Points every address at the sandbox, with the secret that it accepts and without a pace.
    pub(super) fn redirect(&mut self, sandbox: &SandboxAddresses) {
        let base_url = format!("{}/travelperk/{}", sandbox.base_url, sandbox.target);
        self.people.base_url = format!("{base_url}/scim");
        self.people.sign_in = SignIn::ApiKey(sandbox.secret.clone());
        self.people.deviations.requests_per_minute = None;
        self.api_url = format!("{base_url}/api");
        self.api_sign_in = SignIn::ApiKey(sandbox.secret.clone());
    }
}
