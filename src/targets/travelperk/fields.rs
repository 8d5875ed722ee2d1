//! The fields of a TravelPerk user.

use crate::field::{Access, FieldKind, FieldSpec};
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

/// The company of a person is the invoice profile that their trips are billed to.
const COMPANY: &str = "company";

/// What is known of a field by its name alone. A plain word that is none of TravelPerk's attributes is a mistake:
/// as a free path it would be written to everybody and kept by nobody.
pub(super) fn lookup(name: &str) -> FieldLookup {
    let name = if name == COMPANY { "invoiceProfiles" } else { name };
    let Some(path) = path(name) else { return FieldLookup::Unknown };
    let known = |kind| FieldLookup::Known(FieldSpec::new(name, kind));
    match (path.urn(), path.attribute(), path.sub()) {
        (Some(urn), "costCenter", None) if urn.eq_ignore_ascii_case(ENTERPRISE) => known(FieldKind::Reference),
        (Some(urn), attribute, sub) if urn.eq_ignore_ascii_case(TRAVELPERK) && path.filter().is_none() => {
            match (attribute, sub) {
                ("gender", None) => FieldLookup::Known(FieldSpec::new(name, FieldKind::Choice).choices(["M", "F"])),
                ("dateOfBirth", None) => known(FieldKind::Date),
                ("travelPolicy" | "uniqueId", None) | ("emergencyContact", Some("name")) => known(FieldKind::Text),
                // There is no interface to make companies or their profiles.
                ("invoiceProfiles", None) => {
                    FieldLookup::Known(FieldSpec::new(name, FieldKind::References).made_by_hand())
                }
                ("lineManagerEmail", None) => known(FieldKind::Email),
                ("emergencyContact", Some("phone")) => {
                    FieldLookup::Known(FieldSpec::new(name, FieldKind::Phone).validator(phone))
                }
                // Approvers and travel documents are read by nobody and written by TravelPerk alone.
                _ => FieldLookup::Unknown,
            }
        }
        _ => match (scim::lookup(name_in_scim(name, &path).as_ref()), name) {
            (FieldLookup::Known(spec), "userName") => FieldLookup::Known(FieldSpec { kind: FieldKind::Email, ..spec }),
            (FieldLookup::Known(spec), "name.givenName" | "name.familyName") => FieldLookup::Known(spec.required()),
            (FieldLookup::Known(spec), "preferredLanguage" | "locale") => {
                FieldLookup::Known(spec.ignore_case().validator(language))
            }
            (FieldLookup::Known(spec), _) => {
                let spec = FieldSpec { name: name.into(), ..spec };
                FieldLookup::Known(if spec.kind == FieldKind::Phone { spec.validator(phone) } else { spec })
            }
            (FieldLookup::Open(_), _) if path.urn().is_none() && path.filter().is_none() => FieldLookup::Unknown,
            (other, _) => other,
        },
    }
}

/// TravelPerk refuses numbers without a country code.
fn phone(text: &str) -> Result<String, &'static str> {
    if text.starts_with('+') && text.chars().filter(char::is_ascii_digit).count() > 5 {
        Ok(text.to_owned())
    } else {
        Err("a phone number must begin with a plus and the country code (try `| e164('DE')`)")
    }
}

/// Which languages there are, TravelPerk alone knows; a name of a language is none of them.
fn language(text: &str) -> Result<String, &'static str> {
    let tag = text.replace('_', "-");
    let mut parts = tag.split('-');
    let is_tag = |part: &str, most: usize| {
        (2..=most).contains(&part.len()) && part.chars().all(|letter| letter.is_ascii_alphanumeric())
    };
    if parts.next().is_some_and(|part| is_tag(part, 3)) && parts.all(|part| is_tag(part, 8)) {
        Ok(tag)
    } else {
        Err("it is no code of a language, such as `en` or `en-gb`")
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

/// All fields of a user: those that TravelPerk documents, and what it says of itself beside them.
pub(super) fn all(known: Vec<FieldSpec>, described: &[FieldSpec]) -> Vec<FieldSpec> {
    let mut fields = known;
    for spec in described {
        let name = short(&spec.name);
        match fields.iter_mut().find(|field| &*field.name == name) {
            Some(field) => field.required |= spec.required,
            None => match lookup(name) {
                FieldLookup::Known(found) if found.access == Access::ReadWrite => {
                    fields.push(FieldSpec { required: spec.required, access: spec.access, ..found });
                }
                FieldLookup::Known(found) => fields.push(FieldSpec { required: spec.required, ..found }),
                _ => {}
            },
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldValue;

    #[test]
    fn what_travelperk_refuses_is_known_before_it_is_sent() {
        let read = |name: &str, text: &str| {
            let FieldLookup::Known(spec) = lookup(name) else { panic!("{name}") };
            crate::rules::convert(FieldValue::text(text), &spec).map(|value| value.to_string())
        };
        let contact = format!("{TRAVELPERK}:emergencyContact.phone");
        for name in [r#"phoneNumbers[type eq "work"].value"#, &contact] {
            assert_eq!(read(name, "+34 600 000 000"), Ok("+34 600 000 000".into()));
            for wrong in ["0600 000000", "+34", "0034600000000"] {
                let why = read(name, wrong).unwrap_err();
                assert!(why.starts_with("a phone number must begin with a plus") && !why.contains(wrong), "{why}");
            }
        }
        for name in ["preferredLanguage", "locale"] {
            for (text, code) in [("en", "en"), ("en-gb", "en-gb"), ("de_DE", "de-DE"), ("zh-Hant-TW", "zh-Hant-TW")] {
                assert_eq!(read(name, text), Ok(code.into()));
            }
            for wrong in ["german", "Deutsch", "e", "en gb", "en-"] {
                assert!(read(name, wrong).is_err(), "{name} {wrong}");
            }
        }
        assert_eq!(read("gender", "f"), Ok("F".into()));
        assert!(read("gender", "female").unwrap_err().ends_with("M, F"));
        assert_eq!(read("dateOfBirth", "1991-04-30T00:00:00+01:00"), Ok("1991-04-30".into()));
        assert!(read("dateOfBirth", "04/30/1991").is_err());
        let FieldLookup::Known(profiles) = lookup("invoiceProfiles") else { panic!() };
        let FieldLookup::Known(center) = lookup("costCenter") else { panic!() };
        assert!(center.can_be_made && !profiles.can_be_made);
    }

    #[test]
    fn all_fields_are_those_documented_and_those_described() {
        let described = |name: &str| FieldSpec::new(name, FieldKind::Text).required();
        let unique = format!("{TRAVELPERK}:uniqueId");
        let live = [described(&format!("{TRAVELPERK}:gender")), described(&unique), described("shoeSize")];
        let fields = all(known(), &live);
        let gender = fields.iter().find(|field| &*field.name == "gender").unwrap();
        assert!(gender.required && gender.kind == FieldKind::Choice);
        let more: Vec<&str> = fields[known().len()..].iter().map(|field| &*field.name).collect();
        assert_eq!(more, [unique.as_str()], "a plain word that TravelPerk does not document is kept by nobody");
    }

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
        assert_eq!(
            required.iter().map(|name| &**name).collect::<Vec<_>>(),
            ["userName", "name.givenName", "name.familyName"]
        );
        let FieldLookup::Known(user_name) = lookup("userName") else { panic!() };
        assert_eq!(user_name.kind, FieldKind::Email);
        let FieldLookup::Known(company) = lookup("company") else { panic!() };
        assert_eq!((&*company.name, company.kind), ("invoiceProfiles", FieldKind::References));
        for name in ["department", "office", "team.name"] {
            assert_eq!(lookup(name), FieldLookup::Unknown, "{name}");
        }
        for name in ["costCentre", "active.x", "urn:ietf:params:scim:schemas:extension:travelperk:2.0:User:approvers"] {
            assert!(!matches!(lookup(name), FieldLookup::Known(_)), "{name}");
        }
    }
}
