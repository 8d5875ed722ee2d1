//! The fields of a TravelPerk user.

use crate::plan::{FieldKind, FieldSpec};
use crate::targets::FieldLookup;
use crate::targets::scim::{self, ENTERPRISE, Path};

/// TravelPerk's own extension; the change of name to Perk left it as it was.
pub(super) const TRAVELPERK: &str = "urn:ietf:params:scim:schemas:extension:travelperk:2.0:User";

/// The short names of extension attributes.
const SHORT: &[(&str, &str)] = &[
    ("costCenter", ENTERPRISE),
    ("manager", ENTERPRISE),
    ("gender", TRAVELPERK),
    ("dateOfBirth", TRAVELPERK),
    ("travelPolicy", TRAVELPERK),
    ("invoiceProfiles", TRAVELPERK),
    ("lineManagerEmail", TRAVELPERK),
];

/// What TravelPerk documents of the core schema, in the forms that mappings need.
const CORE: &[&str] = &[
    "userName",
    "externalId",
    "name.givenName",
    "name.familyName",
    "name.middleName",
    "name.honorificPrefix",
    "title",
    "preferredLanguage",
    "locale",
    r#"phoneNumbers[type eq "work"].value"#,
];

/// The place of a field, given by a short name or a SCIM path.
pub(super) fn path(name: &str) -> Option<Path> {
    match SHORT.iter().find(|(short, _)| *short == name) {
        Some((short, urn)) => Path::parse(&format!("{urn}:{short}")).ok(),
        None => Path::parse(name).ok(),
    }
}

/// The short name of a field, however the file names it; its path when it has none.
pub(super) fn short(name: &str) -> &str {
    let found = SHORT.iter().find(|(short, urn)| {
        name.get(..urn.len()).is_some_and(|start| start.eq_ignore_ascii_case(urn))
            && name[urn.len()..] == format!(":{short}")
    });
    found.map_or(name, |(short, _)| short)
}

/// What is known of a field by its name alone.
pub(super) fn lookup(name: &str) -> FieldLookup {
    let Some(path) = path(name) else { return FieldLookup::Unknown };
    let known = |kind| FieldLookup::Known(FieldSpec::new(name, kind));
    match (path.urn(), path.attribute(), path.sub()) {
        (Some(urn), "costCenter", None) if urn.eq_ignore_ascii_case(ENTERPRISE) => known(FieldKind::Reference),
        (Some(urn), attribute, sub) if urn.eq_ignore_ascii_case(TRAVELPERK) && path.filter().is_none() => {
            match (attribute, sub) {
                ("gender", None) => FieldLookup::Known(FieldSpec::new(name, FieldKind::Choice).choices(["M", "F"])),
                ("dateOfBirth", None) => known(FieldKind::Date),
                ("travelPolicy" | "uniqueId", None) | ("emergencyContact", Some("name")) => known(FieldKind::Text),
                ("invoiceProfiles", None) => known(FieldKind::References),
                ("lineManagerEmail", None) => known(FieldKind::Email),
                ("emergencyContact", Some("phone")) => known(FieldKind::Phone),
                // Approvers and travel documents are read by nobody and written by TravelPerk alone.
                _ => FieldLookup::Unknown,
            }
        }
        _ => match (scim::lookup(name_in_scim(name, &path).as_ref()), name) {
            (FieldLookup::Known(spec), "userName") => FieldLookup::Known(FieldSpec { kind: FieldKind::Email, ..spec }),
            (FieldLookup::Known(spec), "name.givenName" | "name.familyName") => FieldLookup::Known(spec.required()),
            (FieldLookup::Known(spec), _) => FieldLookup::Known(FieldSpec { name: name.into(), ..spec }),
            (other, _) => other,
        },
    }
}

fn name_in_scim<'n>(name: &'n str, path: &Path) -> std::borrow::Cow<'n, str> {
    if SHORT.iter().any(|(short, _)| *short == name) { path.to_string().into() } else { name.into() }
}

/// All fields that TravelPerk documents.
pub(super) fn known() -> Vec<FieldSpec> {
    let names = CORE.iter().copied().chain(SHORT.iter().map(|(short, _)| *short));
    names
        .filter_map(|name| match lookup(name) {
            FieldLookup::Known(spec) => Some(spec),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_and_paths_are_the_same_fields() {
        for (short, urn, kind) in [
            ("costCenter", ENTERPRISE, FieldKind::Reference),
            ("manager", ENTERPRISE, FieldKind::Account),
            ("gender", TRAVELPERK, FieldKind::Choice),
            ("dateOfBirth", TRAVELPERK, FieldKind::Date),
            ("travelPolicy", TRAVELPERK, FieldKind::Text),
            ("invoiceProfiles", TRAVELPERK, FieldKind::References),
            ("lineManagerEmail", TRAVELPERK, FieldKind::Email),
        ] {
            let long = format!("{urn}:{short}");
            for name in [short, &long] {
                let FieldLookup::Known(spec) = lookup(name) else { panic!("{name}") };
                assert_eq!((&*spec.name, spec.kind), (name, kind));
                assert_eq!(path(name).unwrap().to_string(), long);
                assert_eq!(super::short(name), short);
            }
        }
        let required: Vec<_> = known().into_iter().filter(|spec| spec.required).map(|spec| spec.name).collect();
        assert_eq!(required, ["userName".into(), "name.givenName".into(), "name.familyName".into()] as [Box<str>; 3]);
        let FieldLookup::Known(user_name) = lookup("userName") else { panic!() };
        assert_eq!(user_name.kind, FieldKind::Email);
        for name in ["costCentre", "active.x", "urn:ietf:params:scim:schemas:extension:travelperk:2.0:User:approvers"] {
            assert!(!matches!(lookup(name), FieldLookup::Known(_)), "{name}");
        }
    }
}
