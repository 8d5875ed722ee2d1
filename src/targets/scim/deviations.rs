//! Where services depart from the standard, and what is known of some of them.

use std::time::Duration;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::section::shape::{self, Count};

use super::bulk::Limits;

/// How a service departs from the standard. The default is the standard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deviations {
    /// How accounts are changed.
    pub(crate) update: Update,
    pub(crate) put_body: PutBody,
    /// How changes are written in a PATCH.
    pub(crate) patch_style: PatchStyle,
    /// `Replace` rather than `replace`.
    pub(crate) capital_operations: bool,
    /// A PATCH for every operation.
    pub(crate) one_operation: bool,
    /// Paths such as `emails[type eq "work"].value` are taken in a PATCH.
    pub(crate) filtered_paths: bool,
    /// How the manager is written in a PATCH.
    pub(crate) manager: ManagerForm,
    /// How a field is emptied.
    pub(crate) clear: Clear,
    /// `active` is written as `"True"` and `"False"`.
    pub(crate) text_booleans: bool,
    /// Versions are used where the service says it has them.
    pub(crate) etag: bool,
    /// Single accounts may be looked up with a filter.
    pub(crate) filter: bool,
    pub(crate) paging: Paging,
    /// The most accounts to ask for at once.
    pub(crate) page_size: u32,
    /// The first item of a list is marked as primary.
    pub(crate) primary: bool,
    /// Whether several changes are sent in one request.
    pub(crate) bulk: Bulk,
    /// Whether capabilities and schemas are asked for.
    pub(crate) discovery: bool,
    /// Whether fields are checked against the service's schemas.
    pub(crate) schemas: bool,
    /// Bodies are sent as `application/json`, for services that refuse SCIM's own type.
    pub(crate) plain_json: bool,
    /// The service makes another user name of the one it is sent.
    pub(crate) rewrites_user_name: bool,
    /// Deactivated accounts are no longer listed, or cannot be brought back under the same id.
    pub(crate) deactivated_are_gone: bool,
    /// Beside `userName`, what an account cannot exist without.
    pub(crate) required: &'static [&'static str],
    /// The most requests a minute.
    pub(crate) requests_per_minute: Option<u32>,
    /// The wait after a 429 without `Retry-After`.
    pub(crate) busy_wait: Option<Duration>,
}

/// The deviations that the file may declare, on top of those of a preset.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclaredDeviations {
    /// How accounts are changed; `auto` is what the service says it can
    update: Option<Update>,
    /// What a PUT sends: everything that was read with the changes, or the changed attributes only
    put_body: Option<PutBody>,
    /// How a PATCH is written: an operation with a path for each field; one with an object; the same with keys such as
    /// `name.givenName`; or one operation for all fields of an extension
    patch_style: Option<PatchStyle>,
    /// How the manager is written in a PATCH: `{"value": ID}`, the path `manager.value`, or the bare id
    manager: Option<ManagerForm>,
    /// How a field is emptied: the operation `remove`, an empty text, null, or not at all
    clear: Option<Clear>,
    /// How lists are paged: as the service says it can, by index, by cursor, or not at all
    paging: Option<Paging>,
    /// Whether operations are written `Replace` rather than `replace`
    capital_operations: Option<bool>,
    /// Whether each operation has a PATCH of its own
    one_operation: Option<bool>,
    /// Whether paths such as `emails[type eq "work"].value` are taken in a PATCH
    filtered_paths: Option<bool>,
    /// Whether `active` is written as "True" and "False"
    text_booleans: Option<bool>,
    /// Whether versions are used where the service says it has them
    etag: Option<bool>,
    /// Whether single accounts may be looked up with a filter
    filter: Option<bool>,
    /// Whether the first item of a list is marked as primary
    primary: Option<bool>,
    /// Whether capabilities and schemas are asked for
    discovery: Option<bool>,
    /// Whether bodies are sent as `application/json`, for services that refuse SCIM's own type
    plain_json: Option<bool>,
    /// The most accounts to ask for at once
    page_size: Option<Count<1, 10_000>>,
    /// The most requests in a minute
    requests_per_minute: Option<Count<1, 100_000>>,
}

macro_rules! declared {
    ($($key:ident)*) => {
        impl DeclaredDeviations {
            /// Lays what is declared over what is known.
            pub(crate) fn apply(self, known: &mut Deviations) {
                $(known.$key = self.$key.unwrap_or(known.$key);)*
                known.page_size = self.page_size.map_or(known.page_size, u32::from);
                known.requests_per_minute = self.requests_per_minute.map(u32::from).or(known.requests_per_minute);
            }

            fn of(known: &Deviations) -> Self {
                Self {
                    $($key: Some(known.$key),)*
                    page_size: Some(Count(known.page_size.into())),
                    requests_per_minute: known.requests_per_minute.map(|requests| Count(requests.into())),
                }
            }
        }
    };
}

declared! {
    update put_body patch_style manager clear paging capital_operations one_operation filtered_paths text_booleans etag
    filter primary discovery plain_json
}

impl DeclaredDeviations {
    /// The keys, for editors and the reference; those that are left out are as in `known`.
    pub(crate) fn schema(generator: &mut SchemaGenerator, known: &Deviations) -> serde_json::Value {
        let mut schema = shape::definition::<Self>(generator);
        let defaults = serde_json::to_value(Self::of(known)).unwrap_or_default();
        for (key, default) in defaults.as_object().into_iter().flatten().filter(|(_, default)| !default.is_null()) {
            schema["properties"][key]["default"] = default.clone();
        }
        schema
    }
}

/// How accounts are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Update {
    /// PATCH, unless the service says that it has none.
    Auto,
    /// Only what changes.
    Patch,
    /// Read, change, PUT.
    Put,
    /// As `Put`, but PATCH for taking out of use and back.
    #[serde(skip)]
    PutAndPatchActive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum PutBody {
    /// Everything that was read, with the changes.
    Merged,
    /// The changed attributes only.
    Changes,
}

/// How changes are written in a PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum PatchStyle {
    /// An operation with a path for each field.
    Pathed,
    /// One operation without a path, its value an object.
    Object,
    /// The same, with keys such as `name.givenName`.
    Dotted,
    /// As `Pathed`, but one operation for all fields of an extension.
    ExtensionObject,
}

/// How the manager is written in a PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum ManagerForm {
    /// Path `…:manager`, value `{"value": id}`.
    Object,
    /// Path `…:manager.value`, value the id.
    Value,
    /// Path `…:manager`, value the bare id.
    Text,
}

/// How a field is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Clear {
    /// Operation `remove`.
    Remove,
    /// An empty text.
    Empty,
    /// `null`.
    Null,
    /// Not at all.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Paging {
    /// By cursor where the service prefers it, else by index.
    Auto,
    /// By index; a cursor is still followed when one comes.
    Index,
    /// By cursor alone.
    Cursor,
    /// Everything comes at once.
    None,
}

/// Whether several changes are sent in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bulk {
    /// Each alone.
    Off,
    /// Where the service says that it takes them.
    Offered,
    /// The service takes them, whatever it says.
    Declared(Limits),
}

impl Default for Deviations {
    fn default() -> Self {
        Self {
            update: Update::Auto,
            put_body: PutBody::Merged,
            patch_style: PatchStyle::Pathed,
            capital_operations: false,
            one_operation: false,
            filtered_paths: true,
            manager: ManagerForm::Object,
            clear: Clear::Remove,
            text_booleans: false,
            etag: true,
            filter: true,
            paging: Paging::Auto,
            page_size: 100,
            primary: false,
            bulk: Bulk::Off,
            discovery: true,
            schemas: true,
            plain_json: false,
            rewrites_user_name: false,
            deactivated_are_gone: false,
            required: &[],
            requests_per_minute: None,
            busy_wait: None,
        }
    }
}

/// The services whose deviations are known. What the file declares beside a preset prevails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum Preset {
    Slack,
    Github,
    GithubOrganization,
    Atlassian,
    Aws,
    Zoom,
    Google,
    Keycloak,
    Authentik,
    Terraform,
    Ping,
    #[serde(rename = "1password")]
    OnePassword,
    Attio,
    Canva,
    Launchdarkly,
    Salesforce,
    EntraGallery,
}

impl Preset {
    /// Each rests on the service's documentation or on clients that work with it.
    pub(crate) fn deviations(self) -> Deviations {
        let standard = Deviations::default();
        match self {
            // Organisation-wide limits: creating and updating 180 a minute each, shared by all apps.
            Self::Slack => {
                Deviations { rewrites_user_name: true, primary: true, requests_per_minute: Some(150), ..standard }
            }
            // Enterprise Managed Users. Lists include suspended people.
            Self::Github => standard,
            // Deactivating removes the identity and its id.
            Self::GithubOrganization => Deviations { filtered_paths: false, deactivated_are_gone: true, ..standard },
            // One `eq` at a time; unnamed attributes are cleared by PUT; deactivated people answer 404.
            Self::Atlassian => Deviations { deactivated_are_gone: true, ..standard },
            // IAM Identity Center: one value per list, which must be primary; `userName` and `active` in operations
            // of their own; at most fifty a page.
            Self::Aws => Deviations {
                update: Update::Patch,
                one_operation: true,
                primary: true,
                page_size: 50,
                paging: Paging::Index,
                required: &["displayName", "name.givenName", "name.familyName"],
                ..standard
            },
            // PUT is partial, PATCH only for taking out of use and back; `externalId eq` searches Zoom's own id.
            Self::Zoom => Deviations { update: Update::PutAndPatchActive, put_body: PutBody::Changes, ..standard },
            // Google Cloud Identity answers PUT with a web page and 404.
            Self::Google => Deviations { update: Update::Patch, ..standard },
            // Keycloak's own SCIM answers a filter on an attribute that it does not map with nothing at all.
            Self::Keycloak => Deviations { filter: false, paging: Paging::Index, ..standard },
            // PATCH is answered with 405.
            Self::Authentik => Deviations { update: Update::Put, ..standard },
            // Pages of at most two hundred; filters on `userName` and `externalId` only.
            Self::Terraform => Deviations { page_size: 200, ..standard },
            // Once set, a value cannot be taken away, only replaced.
            Self::Ping => Deviations { clear: Clear::Never, ..standard },
            // What departs from the standard here is nothing that this tool does: deleting, inviting, or groups.
            Self::OnePassword | Self::Attio | Self::Canva | Self::Launchdarkly | Self::Salesforce => standard,
            // Built for Entra's older behaviour: capitalised operations, bare manager ids, booleans as text.
            Self::EntraGallery => Deviations {
                update: Update::Patch,
                capital_operations: true,
                manager: ManagerForm::Text,
                text_booleans: true,
                ..standard
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_say_what_is_known_of_each_service() {
        let standard = Deviations::default();
        assert_eq!(Preset::Github.deviations(), standard);
        assert!(Preset::Slack.deviations().rewrites_user_name);
        assert!(!Preset::GithubOrganization.deviations().filtered_paths);
        assert!(Preset::GithubOrganization.deviations().deactivated_are_gone);
        assert!(Preset::Atlassian.deviations().deactivated_are_gone);
        let aws = Preset::Aws.deviations();
        assert!(aws.one_operation && aws.primary && aws.page_size == 50);
        assert_eq!(aws.required, ["displayName", "name.givenName", "name.familyName"]);
        let zoom = Preset::Zoom.deviations();
        assert_eq!((zoom.update, zoom.put_body), (Update::PutAndPatchActive, PutBody::Changes));
        assert_eq!(Preset::Google.deviations().update, Update::Patch);
        assert!(!Preset::Keycloak.deviations().filter);
        assert_eq!(Preset::Authentik.deviations().update, Update::Put);
        assert_eq!(Preset::Terraform.deviations().page_size, 200);
        assert_eq!(Preset::Ping.deviations().clear, Clear::Never);
        let entra = Preset::EntraGallery.deviations();
        assert!(entra.capital_operations && entra.text_booleans && entra.manager == ManagerForm::Text);
    }

    #[test]
    fn what_is_declared_prevails_over_a_preset_and_the_reference_shows_what_it_is_laid_over() {
        let declared = r#"{ "update": "put", "primary": false, "page_size": 20 }"#;
        let declared: DeclaredDeviations = serde_json::from_str(declared).unwrap();
        let mut aws = Preset::Aws.deviations();
        declared.apply(&mut aws);
        assert_eq!((aws.update, aws.primary, aws.page_size, aws.one_operation), (Update::Put, false, 20, true));
        let schema = DeclaredDeviations::schema(&mut shape::generator(), &Preset::Aws.deviations());
        let default = |key: &str| schema["properties"][key].get("default").cloned();
        assert_eq!(default("page_size"), Some(50.into()));
        assert_eq!((default("clear"), default("requests_per_minute")), (Some("remove".into()), None));
        assert!(!schema.to_string().contains("put_and_patch_active"), "{schema}");
    }
}
