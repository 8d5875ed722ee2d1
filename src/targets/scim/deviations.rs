//! Where services depart from the standard, and what is known of some of them.

use std::time::Duration;

use super::bulk::Limits;

/// How a service departs from the standard. The default is the standard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deviations {
    /// How accounts are changed.
    pub(crate) update: Update,
    pub(crate) replace: Replace,
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

/// How accounts are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// PATCH, unless the service says that it has none.
    Auto,
    Patch,
    /// Read, change, PUT.
    Put,
    /// As `Put`, but PATCH for taking out of use and back.
    PutAndPatchActive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replace {
    /// Everything that was read, with the changes.
    Merged,
    /// The changed attributes only.
    Changes,
}

/// How changes are written in a PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ManagerForm {
    /// Path `…:manager`, value `{"value": id}`.
    Object,
    /// Path `…:manager.value`, value the id.
    Value,
    /// Path `…:manager`, value the bare id.
    Text,
}

/// How a field is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clear {
    /// Operation `remove`.
    Remove,
    /// An empty text.
    Empty,
    /// `null`.
    Null,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// By cursor where the service prefers it, else by index.
    Auto,
    /// By index; a cursor is still followed when one comes.
    Index,
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
            replace: Replace::Merged,
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

/// The deviations of one service.
type Preset = fn() -> Deviations;

/// The services whose deviations are known. Each line rests on the service's documentation or on clients
/// that work with it; what the file declares beside a preset prevails.
pub(crate) const PRESETS: &[(&str, Preset)] = &[
    // Organisation-wide limits: creating and updating 180 a minute each, shared by all apps.
    ("slack", || Deviations {
        rewrites_user_name: true,
        primary: true,
        requests_per_minute: Some(150),
        ..Deviations::default()
    }),
    // Enterprise Managed Users. Lists include suspended people.
    ("github", Deviations::default),
    // Deactivating removes the identity and its id.
    ("github-organization", || Deviations {
        filtered_paths: false,
        deactivated_are_gone: true,
        ..Deviations::default()
    }),
    // One `eq` at a time; unnamed attributes are cleared by PUT; deactivated people answer 404.
    ("atlassian", || Deviations { deactivated_are_gone: true, ..Deviations::default() }),
    // IAM Identity Center: one value per list, which must be primary; `userName` and `active` in operations
    // of their own; at most fifty a page.
    ("aws", || Deviations {
        update: Update::Patch,
        one_operation: true,
        primary: true,
        page_size: 50,
        paging: Paging::Index,
        required: &["displayName", "name.givenName", "name.familyName"],
        ..Deviations::default()
    }),
    // PUT is partial, PATCH only for taking out of use and back; `externalId eq` searches Zoom's own id.
    ("zoom", || Deviations { update: Update::PutAndPatchActive, replace: Replace::Changes, ..Deviations::default() }),
    // Google Cloud Identity answers PUT with a web page and 404.
    ("google", || Deviations { update: Update::Patch, ..Deviations::default() }),
    // Keycloak's own SCIM answers a filter on an attribute that it does not map with nothing at all.
    ("keycloak", || Deviations { filter: false, paging: Paging::Index, ..Deviations::default() }),
    // PATCH is answered with 405.
    ("authentik", || Deviations { update: Update::Put, ..Deviations::default() }),
    // Pages of at most two hundred; filters on `userName` and `externalId` only.
    ("terraform", || Deviations { page_size: 200, ..Deviations::default() }),
    // Once set, a value cannot be taken away, only replaced.
    ("ping", || Deviations { clear: Clear::Never, ..Deviations::default() }),
    // What departs from the standard here is nothing that this tool does: deleting, inviting, or groups.
    ("1password", Deviations::default),
    ("attio", Deviations::default),
    ("canva", Deviations::default),
    ("launchdarkly", Deviations::default),
    ("salesforce", Deviations::default),
    // Built for Entra's older behaviour: capitalised operations, bare manager ids, booleans as text.
    ("entra-gallery", || Deviations {
        update: Update::Patch,
        capital_operations: true,
        manager: ManagerForm::Text,
        text_booleans: true,
        ..Deviations::default()
    }),
];

/// The deviations of a service that is known by name.
pub(crate) fn preset(name: &str) -> Option<Deviations> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, deviations)| deviations())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_say_what_is_known_of_each_service() {
        let preset = |name| preset(name).unwrap_or_else(|| panic!("{name}"));
        let standard = Deviations::default();
        assert_eq!(preset("github"), standard);
        assert!(preset("slack").rewrites_user_name);
        assert!(!preset("github-organization").filtered_paths);
        assert!(preset("github-organization").deactivated_are_gone && preset("atlassian").deactivated_are_gone);
        let aws = preset("aws");
        assert!(aws.one_operation && aws.primary && aws.page_size == 50);
        assert_eq!(aws.required, ["displayName", "name.givenName", "name.familyName"]);
        assert_eq!((preset("zoom").update, preset("zoom").replace), (Update::PutAndPatchActive, Replace::Changes));
        assert_eq!(preset("google").update, Update::Patch);
        assert!(!preset("keycloak").filter);
        assert_eq!(preset("authentik").update, Update::Put);
        assert_eq!(preset("terraform").page_size, 200);
        assert_eq!(preset("ping").clear, Clear::Never);
        let entra = preset("entra-gallery");
        assert!(entra.capital_operations && entra.text_booleans && entra.manager == ManagerForm::Text);
        // Removing accounts for good is never part of a preset: there is no setting for it.
        assert_eq!(PRESETS.len(), 17);
    }

    #[test]
    fn every_preset_is_documented() {
        let schema = include_str!("schema.json");
        for (name, _) in PRESETS {
            assert!(schema.contains(&format!("\"{name}\"")), "{name} is missing in the schema");
        }
    }
}
