//! The attributes of a user that RFC 7643 defines, with their types.

use crate::field::{Access, FieldKind, FieldSpec};
use crate::targets::FieldLookup;
use crate::words::nearest;

use super::path::{ENTERPRISE, Path};

/// Core attributes with a single value.
const SINGLE: &[(&str, FieldKind)] = &[
    ("userName", FieldKind::Text),
    ("externalId", FieldKind::Text),
    ("displayName", FieldKind::Text),
    ("nickName", FieldKind::Text),
    ("profileUrl", FieldKind::Text),
    ("title", FieldKind::Text),
    ("userType", FieldKind::Text),
    ("preferredLanguage", FieldKind::Text),
    ("locale", FieldKind::Text),
    ("timezone", FieldKind::Text),
    ("active", FieldKind::Bool),
    ("password", FieldKind::Text),
    ("id", FieldKind::Text),
];

const NAME_PARTS: &[&str] =
    &["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"];

const VALUE_PARTS: &[&str] = &["value", "display", "type", "primary"];

const ADDRESS_PARTS: &[&str] =
    &["formatted", "streetAddress", "locality", "region", "postalCode", "country", "type", "primary"];

/// Core attributes that are lists of items, with the parts of an item.
const LISTS: &[(&str, &[&str])] = &[
    ("emails", VALUE_PARTS),
    ("phoneNumbers", VALUE_PARTS),
    ("ims", VALUE_PARTS),
    ("photos", VALUE_PARTS),
    ("addresses", ADDRESS_PARTS),
    ("entitlements", VALUE_PARTS),
    ("roles", VALUE_PARTS),
    ("x509Certificates", VALUE_PARTS),
];

const ENTERPRISE_TEXTS: &[&str] = &["employeeNumber", "costCenter", "organization", "division", "department"];

/// How close a name must be to a standard one to be a misspelling of it rather than the service's own.
const MISSPELT: f64 = 0.92;

/// What is known of a field by its name alone.
pub(crate) fn lookup(name: &str) -> FieldLookup {
    let Ok(path) = Path::parse(name) else { return FieldLookup::Unknown };
    let found = match (path.urn(), path.filter()) {
        (Some(urn), None) if urn.eq_ignore_ascii_case(ENTERPRISE) => enterprise(&path),
        (Some(_), filter) => Found::Foreign(filter.is_some()),
        (None, Some(_)) => item(&path),
        (None, None) => core(&path),
    };
    match found {
        Found::Known(kind) => FieldLookup::Known(spec(name, &path, kind)),
        // What an item without a value looks like must follow from its filter, or none could be made.
        Found::Foreign(true) if path.filter().and_then(super::filter::Filter::equalities).is_none() => {
            FieldLookup::Unknown
        }
        Found::Foreign(_) => FieldLookup::Open(FieldSpec::new(name, FieldKind::Text)),
        Found::No => FieldLookup::Unknown,
    }
}

enum Found {
    Known(FieldKind),
    /// Perhaps the service knows it; whether it is an item of a list.
    Foreign(bool),
    No,
}

fn core(path: &Path) -> Found {
    let attribute = path.attribute();
    match path.sub() {
        None => {
            if let Some((_, kind)) = SINGLE.iter().find(|(name, _)| *name == attribute) {
                return Found::Known(*kind);
            }
            match attribute {
                "groups" => return Found::Known(FieldKind::List),
                "name" | "meta" | "schemas" | "addresses" => return Found::No,
                _ => {}
            }
            if LISTS.iter().any(|(name, _)| *name == attribute) {
                return Found::Known(FieldKind::List);
            }
        }
        Some(part) => match attribute {
            "name" if NAME_PARTS.contains(&part) => return Found::Known(FieldKind::Text),
            // Which item of a list is meant must be said.
            "name" | "meta" | "groups" => return Found::No,
            _ if LISTS.iter().any(|(name, _)| *name == attribute) => return Found::No,
            _ if SINGLE.iter().any(|(name, _)| *name == attribute) => return Found::No,
            _ => {}
        },
    }
    if is_misspelt(attribute) { Found::No } else { Found::Foreign(false) }
}

fn item(path: &Path) -> Found {
    let Some((list, parts)) = LISTS.iter().find(|(name, _)| *name == path.attribute()) else {
        let standard = path.is_simple() || path.attribute() == "groups" || is_misspelt(path.attribute());
        return if standard || path.sub().is_none() { Found::No } else { Found::Foreign(true) };
    };
    if path.filter().and_then(super::filter::Filter::equalities).is_none() {
        return Found::No;
    }
    match path.sub() {
        Some("primary") => Found::Known(FieldKind::Bool),
        Some("value") if *list == "emails" => Found::Known(FieldKind::Email),
        Some("value") if *list == "phoneNumbers" => Found::Known(FieldKind::Phone),
        Some(part) if parts.contains(&part) => Found::Known(FieldKind::Text),
        _ => Found::No,
    }
}

fn enterprise(path: &Path) -> Found {
    match (path.attribute(), path.sub()) {
        ("manager", None | Some("value")) => Found::Known(FieldKind::Account),
        ("manager", Some("displayName")) => Found::Known(FieldKind::Text),
        (text, None) if ENTERPRISE_TEXTS.contains(&text) => Found::Known(FieldKind::Text),
        _ => Found::No,
    }
}

/// Whether a name is close to a standard one without being it.
fn is_misspelt(name: &str) -> bool {
    let standard = || {
        let lists = LISTS.iter().map(|(name, _)| *name);
        SINGLE.iter().map(|(name, _)| *name).chain(lists).chain(["name", "groups", "meta", "schemas"])
    };
    let folded = name.to_lowercase();
    standard().all(|known| known != name)
        && standard().any(|known| strsim::jaro_winkler(&folded, &known.to_lowercase()) > MISSPELT)
}

fn spec(name: &str, path: &Path, kind: FieldKind) -> FieldSpec {
    let spec = FieldSpec::new(name, kind);
    if path.urn().is_some() {
        return if path.sub() == Some("displayName") { spec.access(Access::ReadOnly) } else { spec };
    }
    match path.attribute() {
        "userName" => spec.required().ignore_case(),
        "externalId" => spec.identity(),
        "preferredLanguage" | "locale" => spec.ignore_case(),
        // Never returned, so that it can be set once and never compared.
        "password" => spec.access(Access::CreateOnly),
        // Follows from the lifecycle: deactivating and reactivating are changes of their own.
        "active" | "id" | "groups" => spec.access(Access::ReadOnly),
        _ => spec,
    }
}

/// The standard's attributes in the forms that mappings usually need.
pub(crate) fn known() -> Vec<FieldSpec> {
    let mut names: Vec<String> = SINGLE.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.extend(NAME_PARTS.iter().map(|part| format!("name.{part}")));
    names.push(r#"emails[type eq "work"].value"#.into());
    names.push(r#"phoneNumbers[type eq "work"].value"#.into());
    names.push(r#"phoneNumbers[type eq "mobile"].value"#.into());
    names.extend(ADDRESS_PARTS[..6].iter().map(|part| format!(r#"addresses[type eq "work"].{part}"#)));
    names.extend(["roles", "entitlements"].map(str::to_owned));
    names.extend(ENTERPRISE_TEXTS.iter().map(|text| format!("{ENTERPRISE}:{text}")));
    names.push(format!("{ENTERPRISE}:manager"));
    names
        .iter()
        .filter_map(|name| match lookup(name) {
            FieldLookup::Known(spec) => Some(spec),
            _ => None,
        })
        .collect()
}

/// `; did you mean …?` for a name that a service does not know.
pub(crate) fn suggestion<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    nearest(name, &known).map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::spec_text;

    #[test]
    fn standard_attributes_have_their_types() {
        use FieldKind::*;
        let enterprise = |name: &str| format!("{ENTERPRISE}:{name}");
        for (name, kind) in [
            ("userName".to_owned(), Text),
            ("name.givenName".into(), Text),
            (r#"emails[type eq "work"].value"#.into(), Email),
            ("emails[primary eq true].value".into(), Email),
            (r#"emails[type eq "work" and primary eq true].value"#.into(), Email),
            (r#"phoneNumbers[type eq "mobile"].value"#.into(), Phone),
            (r#"addresses[type eq "work"].streetAddress"#.into(), Text),
            ("roles".into(), List),
            (enterprise("costCenter"), Text),
            (enterprise("manager"), Account),
            (enterprise("manager.value"), Account),
        ] {
            let FieldLookup::Known(spec) = lookup(&name) else { panic!("{name}") };
            assert_eq!((spec.kind, &*spec.name), (kind, name.as_str()));
        }
        for (name, access) in [
            ("id", Access::ReadOnly),
            ("groups", Access::ReadOnly),
            ("active", Access::ReadOnly),
            ("password", Access::CreateOnly),
            ("title", Access::ReadWrite),
        ] {
            let FieldLookup::Known(spec) = lookup(name) else { panic!("{name}") };
            assert_eq!(spec.access, access, "{name}");
        }
        let FieldLookup::Known(external) = lookup("externalId") else { panic!() };
        assert!(external.identity);
    }

    #[test]
    fn misspelt_and_unusable_names_are_not_taken_for_the_services_own() {
        for name in [
            "username",
            "displyName",
            "email",
            "name",
            "name.firstName",
            "emails.value",
            "emails[type eq \"work\"].mail",
            "emails[type eq \"work\"]",
            "emails[value co \"x\"].value",
            "meta.version",
            "title.x",
            "",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCentre",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref",
        ] {
            assert_eq!(lookup(name), FieldLookup::Unknown, "{name}");
        }
        for name in ["organization", "department", "urn:example:extension:2.0:User:shoeSize", "badge.number"] {
            assert!(matches!(lookup(name), FieldLookup::Open(_)), "{name}");
        }
    }

    #[test]
    fn every_known_field_is_one_of_the_standards_schema() {
        let (Some(user), Some(enterprise)) = (
            spec_text("scim/rfc-samples/rfc7643-8.7.1-schema-user.json"),
            spec_text("scim/rfc-samples/rfc7643-8.7.1-schema-enterprise_user.json"),
        ) else {
            return;
        };
        let schemas: Vec<serde_json::Value> =
            [user, enterprise].iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        for spec in known() {
            let path = Path::parse(&spec.name).unwrap();
            // Common to all resources, not part of a schema (RFC 7643, section 3.1).
            if ["id", "externalId"].contains(&path.attribute()) {
                continue;
            }
            let schema = &schemas[usize::from(path.urn().is_some())];
            let attributes = schema["attributes"].as_array().unwrap();
            let attribute = attributes.iter().find(|attribute| attribute["name"] == path.attribute());
            let attribute = attribute.unwrap_or_else(|| panic!("{}", spec.name));
            assert_eq!(attribute["multiValued"] == true, path.filter().is_some() || spec.kind == FieldKind::List);
            if let Some(sub) = path.sub() {
                let parts = attribute["subAttributes"].as_array().unwrap();
                assert!(parts.iter().any(|part| part["name"] == sub), "{}", spec.name);
            }
        }
    }
}
