//! The fields of requesters: those the API is known to take, and what custom ones turn out to be.

use crate::code::Code;
use crate::field::{Access, FieldKind, FieldSpec};
use crate::plan::Notice;
use crate::words::known;
use crate::zone::Zones;

use super::super::{ErrorKind, FieldLookup, TargetError};
use super::REACHABLE;
use super::wire::FieldRow;
use super::zones;

/// Begins the name of every custom field in the file.
pub(super) const CUSTOM: &str = "custom_fields.";

/// Departments of a requester: a set of ids on the wire, of names for us.
pub(super) const DEPARTMENTS: &str = "department_ids";

/// Location of a requester: an id on the wire, a name for us.
pub(super) const LOCATION: &str = "location_id";

/// Whether a requester sees the tickets of all colleagues. A PUT that does not say `true` sets it to false.
pub(super) const SEES_ALL_TICKETS: &str = "can_see_all_tickets_from_associated_departments";

/// What the update of an agent takes beside custom fields. Names, titles, e-mail and phones of agents are kept
/// elsewhere by the vendor.
pub(super) const AGENT_FIELDS: [&str; 9] = [
    DEPARTMENTS,
    LOCATION,
    SEES_ALL_TICKETS,
    "reporting_manager_id",
    "language",
    "time_zone",
    "time_format",
    "address",
    "background_information",
];

/// Whether a field may be written on an agent.
pub(super) fn is_for_agents(name: &str) -> bool {
    name.starts_with(CUSTOM) || AGENT_FIELDS.contains(&name)
}

/// The language codes that the vendor's reference lists.
const LANGUAGES: [&str; 30] = [
    "ar", "ca", "zh-CN", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "hu", "id", "it", "ja-JP", "ko", "nb-NO",
    "pl", "pt-BR", "pt-PT", "ru-RU", "sk", "sl", "es", "es-LA", "sv-SE", "th", "tr", "vi", "cy-GB",
];

/// Every field that is known by name alone. An attribute outside this list makes the whole write fail, so
/// nothing else is ever sent.
pub(super) fn known_fields(zones: &Zones) -> Vec<FieldSpec> {
    let new = FieldSpec::new;
    let read_only = |name: &str, kind| FieldSpec::new(name, kind).access(Access::ReadOnly);
    vec![
        new("first_name", FieldKind::Text).required(),
        new("last_name", FieldKind::Text),
        new("job_title", FieldKind::Text),
        new("primary_email", FieldKind::Email),
        new("secondary_emails", FieldKind::List).ignore_case(),
        new("work_phone_number", FieldKind::Phone),
        new("mobile_phone_number", FieldKind::Phone),
        new(DEPARTMENTS, FieldKind::References).ignore_case(),
        new(SEES_ALL_TICKETS, FieldKind::Bool),
        new("reporting_manager_id", FieldKind::Account),
        new("address", FieldKind::Text),
        new("time_zone", FieldKind::Choice).choices(zones::names()).nearest(zones::nearest(zones)),
        new("time_format", FieldKind::Choice).choices(["12h", "24h"]),
        new("language", FieldKind::Choice).choices(LANGUAGES),
        new(LOCATION, FieldKind::Reference).ignore_case(),
        new("background_information", FieldKind::Text),
        new("external_id", FieldKind::Text).identity(),
        read_only("id", FieldKind::Text),
        read_only("active", FieldKind::Bool),
        read_only("is_agent", FieldKind::Bool),
        read_only("has_logged_in", FieldKind::Bool),
        read_only("vip_user", FieldKind::Bool),
        read_only("can_see_all_changes_from_associated_departments", FieldKind::Bool),
        read_only("department_names", FieldKind::List),
        read_only("location_name", FieldKind::Text),
        read_only("work_schedule_id", FieldKind::Text),
        read_only("created_at", FieldKind::Text),
        read_only("updated_at", FieldKind::Text),
    ]
}

/// What is known of a field before Freshservice is asked.
pub(super) fn lookup(name: &str, zones: &Zones) -> FieldLookup {
    if let Some(custom) = name.strip_prefix(CUSTOM) {
        return if custom.trim().is_empty() {
            FieldLookup::Unknown
        } else {
            FieldLookup::Open(FieldSpec::new(name, FieldKind::Text).identity())
        };
    }
    known_fields(zones).into_iter().find(|field| &*field.name == name).map_or(FieldLookup::Unknown, FieldLookup::Known)
}

/// The fields of the run, custom ones with the types that the account gives them.
///
/// # Errors
///
/// When a custom field does not exist, with the nearest one that does.
pub(super) fn describe(named: &[FieldSpec], rows: &[FieldRow]) -> Result<Vec<FieldSpec>, TargetError> {
    let custom = || rows.iter().filter(|row| row.is_custom());
    let mut described = Vec::with_capacity(named.len());
    let mut missing = Vec::new();
    for field in named {
        let Some(name) = field.name.strip_prefix(CUSTOM) else {
            described.push(field.clone());
            continue;
        };
        match custom().find(|row| row.name == name) {
            Some(row) => described.push(custom_field(&field.name, row)),
            None => missing.push(format!(
                "there is no requester field `{name}`; {}",
                known(name, custom().map(|row| row.name.as_str()))
            )),
        }
    }
    if missing.is_empty() { Ok(described) } else { Err(TargetError::new(ErrorKind::Unexpected, missing.join("; "))) }
}

/// The names of default fields of the form that requesters are written with under another one.
const RENAMED: [(&str, &str); 4] = [
    ("email", "primary_email"),
    ("phone", "work_phone_number"),
    ("mobile", "mobile_phone_number"),
    ("description", "background_information"),
];

/// All fields of requesters: those that are known by name, required where the form says so, and the custom ones.
pub(super) fn all(mut known: Vec<FieldSpec>, rows: &[FieldRow]) -> Vec<FieldSpec> {
    for row in rows.iter().filter(|row| !row.is_custom() && row.required_for_agents) {
        let name = RENAMED.iter().find(|(form, _)| *form == row.name).map_or(&*row.name, |(_, name)| name);
        // One way to reach somebody is enough, whatever the form says.
        let required = known.iter_mut().find(|field| &*field.name == name && !REACHABLE.contains(&name));
        required.into_iter().for_each(|field| field.required = true);
    }
    let custom = rows.iter().filter(|row| row.is_custom()).map(|row| FieldSpec {
        required: row.required_for_agents,
        ..custom_field(&format!("{CUSTOM}{}", row.name), row)
    });
    known.into_iter().chain(custom).collect()
}

/// A notice for each custom field that agents must fill and the file does not name: creating a requester
/// without it may be refused.
pub(super) fn unmapped_required(named: &[FieldSpec], rows: &[FieldRow]) -> Vec<Notice> {
    rows.iter()
        .filter(|row| row.is_custom() && row.required_for_agents)
        .filter(|row| !named.iter().any(|field| field.name.strip_prefix(CUSTOM) == Some(&row.name)))
        .map(|row| {
            let message = format!(
                "Freshservice marks the requester field `{name}` as required, but it is not mapped: new requesters may be \
                 refused. Map `{CUSTOM}{name}`.",
                name = row.name
            );
            Notice::new(Code::RequiredFieldNotMapped, message)
        })
        .collect()
}

/// A custom field as the account declares it.
fn custom_field(name: &str, row: &FieldRow) -> FieldSpec {
    let kind = match row.kind.as_str() {
        "custom_checkbox" => FieldKind::Bool,
        "custom_date" => FieldKind::Date,
        "custom_number" | "custom_decimal" => FieldKind::Number,
        "custom_dropdown" => FieldKind::Choice,
        "custom_phone_number" => FieldKind::Phone,
        _ => FieldKind::Text,
    };
    let mut field = FieldSpec::new(name, kind).choices(row.choices.iter().map(String::as_str));
    field.identity = matches!(kind, FieldKind::Text | FieldKind::Number);
    field
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(rows: serde_json::Value) -> Vec<FieldRow> {
        rows.as_array()
            .expect("a list")
            .iter()
            .map(|row| FieldRow::read(row.as_object().expect("an object")).expect("a field"))
            .collect()
    }

    fn row(name: &str, kind: &str) -> serde_json::Value {
        json!({"id": 1, "name": name, "type": kind})
    }

    #[test]
    fn names_are_known_open_or_unknown() {
        let kind_of = |name| match lookup(name, Zones::compiled()) {
            FieldLookup::Known(field) => Some((field.kind, field.access)),
            _ => None,
        };
        assert_eq!(kind_of("primary_email"), Some((FieldKind::Email, Access::ReadWrite)));
        assert_eq!(kind_of("department_names"), Some((FieldKind::List, Access::ReadOnly)));
        assert!(matches!(lookup("custom_fields.cost_center", Zones::compiled()), FieldLookup::Open(_)));
        for unknown in ["email", "custom_fields.", "custom_fields", "roles", "department"] {
            assert_eq!(lookup(unknown, Zones::compiled()), FieldLookup::Unknown, "{unknown}");
        }
    }

    #[test]
    fn custom_fields_take_their_type_from_the_account() {
        for (wire, kind) in [
            ("custom_text", FieldKind::Text),
            ("custom_paragraph", FieldKind::Text),
            ("custom_url", FieldKind::Text),
            ("custom_checkbox", FieldKind::Bool),
            ("custom_date", FieldKind::Date),
            ("custom_number", FieldKind::Number),
            ("custom_decimal", FieldKind::Number),
            ("custom_dropdown", FieldKind::Choice),
            ("custom_phone_number", FieldKind::Phone),
        ] {
            let named = [FieldSpec::new("custom_fields.it", FieldKind::Text)];
            let described = describe(&named, &rows(json!([row("it", wire)]))).expect("a known field");
            assert_eq!(described[0].kind, kind, "{wire}");
            assert_eq!(&*described[0].name, "custom_fields.it");
        }
    }

    #[test]
    fn all_fields_are_those_known_by_name_and_those_of_the_form() {
        let required = |name: &str, kind: &str| json!({"name": name, "type": kind, "required_for_agents": true});
        let rows = rows(json!([
            required("email", "default_email"),
            required("description", "default_description"),
            {"name": "badge", "type": "custom_dropdown", "choices": ["A", "B"]},
            required("floor", "custom_number"),
        ]));
        let fields = all(known_fields(Zones::compiled()), &rows);
        let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| &*field.name).collect();
        assert_eq!(required, ["first_name", "background_information", "custom_fields.floor"]);
        let badge = fields.iter().find(|field| &*field.name == "custom_fields.badge").expect("a custom field");
        assert_eq!((badge.kind, &*badge.choices), (FieldKind::Choice, &["A".into(), "B".into()][..]));
    }

    #[test]
    fn an_unknown_custom_field_is_an_error_that_names_the_nearest() {
        let named =
            [FieldSpec::new("custom_fields.cost_centre", FieldKind::Text), FieldSpec::new("address", FieldKind::Text)];
        let rows = rows(json!([row("cost_center", "custom_text"), row("email", "default_email")]));
        let error = describe(&named, &rows).expect_err("no such field");
        assert_eq!(
            error.message,
            "there is no requester field `cost_centre`; did you mean `cost_center`? known: `cost_center`"
        );
    }

    #[test]
    fn required_custom_fields_that_are_not_mapped_are_said() {
        let rows = rows(json!([
            {"name": "badge", "type": "custom_text", "required_for_agents": true, "customers_can_edit": false},
            {"name": "desk", "type": "custom_text", "required_for_agents": true, "requesters_can_edit": true},
            {"name": "email", "type": "default_email", "required_for_agents": true},
        ]));
        let notices = unmapped_required(&[FieldSpec::new("custom_fields.desk", FieldKind::Text)], &rows);
        assert_eq!(notices.len(), 1);
        assert!(notices[0].message.contains("`custom_fields.badge`"), "{}", notices[0].message);
    }
}
