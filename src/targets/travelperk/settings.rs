//! What the file says of a TravelPerk account.

use std::time::Duration;

use crate::code::Code;
use crate::section::{Secret, Table};
use crate::targets::SandboxPlaces;
use crate::targets::scim::{self, Clear, Deviations, SignIn};
use crate::words::known;

/// Where SCIM is served. The older `app.travelperk.com` still answers.
const SCIM_URL: &str = "https://app.perk.com/api/v2/scim";
/// Where everything else is served. The older `api.travelperk.com` still answers.
const API_URL: &str = "https://api.perk.com";

/// The details that may be left out, with the fields that carry them.
const DETAILS: &[(&str, &[&str])] =
    &[("gender", &["gender"]), ("dateOfBirth", &["dateOfBirth"]), ("manager", &["manager", "lineManagerEmail"])];

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

#[derive(Clone, Copy)]
enum Scheme {
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
    let api_key = table.required_secret("api_key");
    let scim_token = table.secret("scim_token");
    let schemes = [("ApiKey", Scheme::ApiKey), ("Bearer", Scheme::Bearer)];
    let scim_auth = table.choice("scim_auth", &schemes).unwrap_or(Scheme::ApiKey);
    let api_auth = table.choice("api_auth", &schemes).unwrap_or(Scheme::ApiKey);
    let address = |key: &str, default: &str| match table.has(key) {
        true => table.base_url(key),
        false => Some(default.to_owned()),
    };
    let (scim_url, api_url) = (address("scim_url", SCIM_URL), address("api_url", API_URL));
    details(table);
    let account = table.text("account").map(|account| account.value.trim().to_lowercase());
    let deviations = scim::declared_deviations(
        table,
        Deviations {
            // Removing a value is not known to work; an empty one is what is read back.
            clear: Clear::Empty,
            // The extension is not among the schemas that the service lists.
            schemas: false,
            // No limits are published; two clients keep to this pace.
            requests_per_minute: Some(90),
            busy_wait: Some(Duration::from_secs(60)),
            ..Deviations::default()
        },
    );
    let key_owner = scim::key_owner(table);
    let api_key = api_key?;
    let people = scim::Settings {
        base_url: scim_url?,
        sign_in: scim_auth.sign_in(scim_token.unwrap_or_else(|| api_key.clone())),
        deviations,
        preserve: Vec::new(),
        headers: Vec::new(),
        key_owner,
    };
    Some(Settings { people, api_url: api_url?, api_sign_in: api_auth.sign_in(api_key), account })
}

/// Details that the file does not choose must not be mapped.
fn details(table: &Table<'_>) {
    let Some(value) = table.raw("details") else { return };
    let names = || DETAILS.iter().map(|(name, _)| *name);
    let chosen: Vec<&str> = match value.get_ref().as_str() {
        Some("all") => return,
        Some(word) => {
            let message = format!(
                "{} does not know `{word}`; it is \"all\" or a list of {}",
                table.name_of("details"),
                known("", names())
            );
            return table.problems().error(value.span(), Code::UnknownValue, message);
        }
        None => {
            let Some(texts) = table.texts("details") else { return };
            for text in &texts {
                if !names().any(|name| name == text.value) {
                    let message = format!(
                        "{} does not know `{}`; {}",
                        table.name_of("details"),
                        text.value,
                        known(text.value, names())
                    );
                    table.problems().error(text.span.clone(), Code::UnknownValue, message);
                }
            }
            texts.iter().map(|text| text.value).collect()
        }
    };
    let Some(mapping) = table.table("mapping") else { return };
    for (field, _) in mapping.entries() {
        let short = super::fields::short(field.value);
        let detail = DETAILS.iter().find(|(_, fields)| fields.contains(&short));
        if let Some((detail, _)) = detail.filter(|(name, _)| !chosen.contains(name)) {
            let message = format!(
                "{} is mapped, and `{detail}` is not among {}; add it there, or take the line out",
                mapping.name_of(field.value),
                table.name_of("details")
            );
            mapping.problems().error(field.span, Code::DetailNotChosen, message);
        }
    }
}

impl Settings {
    /// Points every address at the sandbox, with the secret that it accepts and without a pace.
    pub(super) fn redirect(&mut self, sandbox: &SandboxPlaces) {
        let base_url = format!("{}/travelperk/{}", sandbox.base_url, sandbox.target);
        self.people.base_url = format!("{base_url}/scim");
        self.people.sign_in = SignIn::ApiKey(sandbox.secret.clone());
        self.people.deviations.requests_per_minute = None;
        self.api_url = format!("{base_url}/api");
        self.api_sign_in = SignIn::ApiKey(sandbox.secret.clone());
    }
}
