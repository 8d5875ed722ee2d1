//! What the file says of a SCIM service.

use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::section::shape::{self, Address, Count, Either};
use crate::section::{Secret, Table};
use crate::targets::auth::{Headers, SignIn, as_sent};

use super::bulk::Limits;
use super::deviations::{Bulk, DeclaredDeviations, Deviations, Preset};
use super::path::Path;

/// A `scim` section.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Section {
    /// The address of the service; `/Users` comes right after it
    #[schemars(example = &"https://wiki.example.com/scim/v2")]
    base_url: Address,
    /// How requests are signed: one of these forms, or `none` where the service wants no sign-in
    #[schemars(example = json!({ "bearer": { "env": "SCIM_TOKEN" } }))]
    auth: SignIn,
    /// Whether several changes are sent in one request to `/Bulk`, where the service offers this; a table says it in
    /// its place
    #[schemars(extend("default" = false))]
    bulk: Option<Either<bool, BulkLimits>>,
    /// A service whose deviations from the standard are known
    preset: Option<Preset>,
    /// Paths that are never touched
    #[serde(default)]
    preserve: Vec<Preserved>,
    /// Further headers of every request
    #[serde(default)]
    headers: Headers,
    /// The user name of the account that owns the credentials; never changed
    key_owner: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct BulkLimits {
    /// The most changes in a request
    max_operations: Option<Count<1>>,
    /// The most bytes of a request
    max_payload_size: Option<Count<1>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct Preserved(#[schemars(with = "String")] Path);

impl TryFrom<String> for Preserved {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Path::parse(&text).map(Self).map_err(|why| format!("has `{text}`, which is no attribute path: {why}"))
    }
}

/// A `scim` section, as_sent.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Address without a trailing slash; `/Users` comes right after it.
    pub(crate) base_url: String,
    /// How requests are signed.
    pub(crate) sign_in: SignIn,
    /// Where the service departs from the standard.
    pub(crate) deviations: Deviations,
    /// Attributes that a replacement must keep although the service returns them only when asked.
    pub(crate) preserve: Vec<Path>,
    /// Headers beside the usual ones.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// User name of the account that owns the credentials.
    pub(crate) key_owner: Option<String>,
}

/// Reads a section. `None` when something needed is missing or wrong, which is then among the problems.
pub(crate) fn read(table: &Table<'_>) -> Option<Settings> {
    let (section, declared) = (table.read::<Section>(), table.read::<DeclaredDeviations>());
    let section = section?;
    let mut deviations = section.preset.map_or_else(Deviations::default, Preset::deviations);
    declared?.apply(&mut deviations);
    deviations.bulk = match section.bulk {
        None => deviations.bulk,
        Some(Either::Short(true)) => Bulk::Offered,
        Some(Either::Short(false)) => Bulk::Off,
        Some(Either::Long(BulkLimits { max_operations, max_payload_size })) => {
            let most = |count: Option<Count<1>>| count.map(|Count(count)| count);
            Bulk::Declared(Limits { operations: most(max_operations), bytes: most(max_payload_size) })
        }
    };
    Some(Settings {
        base_url: section.base_url.to_string(),
        sign_in: section.auth,
        deviations,
        preserve: section.preserve.into_iter().map(|Preserved(path)| path).collect(),
        headers: as_sent(&section.headers),
        key_owner: key_owner(section.key_owner),
    })
}

/// The keys of type `scim`, for editors and the reference.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Value {
    let declared = DeclaredDeviations::schema(generator, &Deviations::default());
    shape::joined([shape::definition::<Section>(generator), declared])
}

/// The user name of the account that owns the credentials.
pub(crate) fn key_owner(name: Option<String>) -> Option<String> {
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

impl Settings {
    /// Points at the sandbox, with the secret that it accepts and without a pace.
    pub(crate) fn redirect(&mut self, base_url: String, secret: Secret) {
        self.base_url = base_url;
        self.deviations.requests_per_minute = None;
        self.sign_in = SignIn::Bearer(secret);
    }
}
