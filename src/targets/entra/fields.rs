//! The properties of a Graph user that can be kept in line.

use crate::field::{FieldKind, FieldSpec};

use super::super::FieldLookup;
use super::super::membership::group;

/// The section and the fields of groups.
pub(super) const GROUPS: &str = "groups";
/// The section and the fields of teams.
pub(super) const TEAMS: &str = "teams";
/// What begins the parts of the one property that is an object.
pub(super) const ORGANISATION: &str = "employeeOrgData.";
/// The user that a user reports to; no property but a reference of its own.
pub(super) const MANAGER: &str = "manager";

/// All fields. Lengths are those that Graph documents.
pub(super) fn known_fields() -> Vec<FieldSpec> {
    use FieldKind::*;
    let field = |name: &str, kind| FieldSpec::new(name, kind);
    let text = |name: &str, most| FieldSpec::new(name, Text).max_length(most);
    vec![
        text("employeeId", 16),
        field("userPrincipalName", Email).own_domain(),
        field("mail", Email),
        text("displayName", 256),
        text("givenName", 64),
        text("surname", 64),
        text("jobTitle", 128),
        text("department", 64),
        text("companyName", 64),
        text("officeLocation", 128),
        field("employeeType", Text),
        field("employeeHireDate", Date),
        field("employeeLeaveDateTime", Date),
        field("employeeOrgData.division", Text),
        field("employeeOrgData.costCenter", Text),
        field("mobilePhone", Phone),
        field("businessPhones", Phone),
        text("usageLocation", 2),
        field("preferredLanguage", Text),
        field("streetAddress", Text),
        field("city", Text),
        field("state", Text),
        field("postalCode", Text),
        field("country", Text),
        field("mailNickname", Text),
        field(MANAGER, Account),
    ]
}

/// What is known of a field by its name alone.
pub(super) fn lookup(name: &str) -> FieldLookup {
    known_fields().into_iter().find(|spec| &*spec.name == name).map_or(FieldLookup::Unknown, FieldLookup::Known)
}

/// Whether a field stands for membership of a group or a team, and of which.
pub(super) fn membership(name: &str) -> Option<(&str, &str)> {
    group(name).filter(|(section, _)| matches!(*section, GROUPS | TEAMS))
}

/// The properties to ask for: always named, because answers leave out most of them otherwise.
pub(super) fn selection(fields: &[FieldSpec]) -> String {
    let mut names = vec!["id", "accountEnabled", "userType", "onPremisesSyncEnabled"];
    for field in fields {
        let name = match &*field.name {
            MANAGER => continue,
            name if name.starts_with(ORGANISATION) => "employeeOrgData",
            name if membership(name).is_some() => continue,
            name => name,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::spec_text;

    #[test]
    fn fields_are_those_of_the_official_metadata() {
        let Some(text) = spec_text("microsoft-graph/graph-v1-types-subset.json") else { return };
        let spec: serde_json::Value = serde_json::from_str(&text).unwrap();
        for field in known_fields().iter().filter(|field| &*field.name != MANAGER) {
            let (kind, name) = match field.name.strip_prefix(ORGANISATION) {
                Some(part) => ("employeeOrgData", part),
                None => ("user", &*field.name),
            };
            let found = &spec["types"][kind]["properties"][name];
            let date = found == "Edm.DateTimeOffset";
            assert!(found.is_string(), "{name}");
            assert_eq!(date, field.kind == FieldKind::Date, "{name} is {found}");
        }
    }

    #[test]
    fn only_what_the_run_needs_is_asked_for() {
        let named = ["department", "employeeOrgData.division", "employeeOrgData.costCenter", "manager", "groups.it"];
        let fields: Vec<FieldSpec> = named.iter().map(|name| FieldSpec::new(*name, FieldKind::Text)).collect();
        assert_eq!(selection(&fields), "id,accountEnabled,userType,onPremisesSyncEnabled,department,employeeOrgData");
        assert_eq!(lookup("groups.it"), FieldLookup::Unknown, "given by rule only");
    }
}
