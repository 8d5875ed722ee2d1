//! One user of an account: a requester, or an agent.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::refusals::Problem;

/// A requester or an agent; both live in one table and share their ids.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) is_agent: bool,
    pub(super) active: bool,
    pub(super) created_at: String,
    pub(super) updated_at: String,
    /// The writable attributes, each with a value or null.
    pub(super) values: Map<String, Value>,
    /// The custom fields that have a value.
    pub(super) custom_fields: Map<String, Value>,
}

/// What a user may hold, by attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Email,
    Emails,
    Bool,
    Departments,
    Location,
    User,
    TimeZone,
    TimeFormat,
    Language,
}

const WRITABLE: &[(&str, Kind)] = &[
    ("first_name", Kind::Text),
    ("last_name", Kind::Text),
    ("job_title", Kind::Text),
    ("primary_email", Kind::Email),
    ("secondary_emails", Kind::Emails),
    ("work_phone_number", Kind::Text),
    ("mobile_phone_number", Kind::Text),
    ("department_ids", Kind::Departments),
    (SEES_TICKETS, Kind::Bool),
    ("can_see_all_changes_from_associated_departments", Kind::Bool),
    ("reporting_manager_id", Kind::User),
    ("address", Kind::Text),
    ("time_zone", Kind::TimeZone),
    ("time_format", Kind::TimeFormat),
    ("language", Kind::Language),
    ("location_id", Kind::Location),
    ("background_information", Kind::Text),
    ("external_id", Kind::Text),
];

/// What the update of an agent takes; names, e-mail and phones of agents are kept elsewhere.
const WRITABLE_ON_AGENTS: &[&str] = &[
    "department_ids",
    SEES_TICKETS,
    "reporting_manager_id",
    "address",
    "time_zone",
    "time_format",
    "language",
    "location_id",
    "background_information",
];

/// Delivered, but refused when sent.
const READ_ONLY: &[&str] = &[
    "id",
    "active",
    "is_agent",
    "has_logged_in",
    "created_at",
    "updated_at",
    "department_names",
    "location_name",
    "vip_user",
    "work_schedule_id",
];

/// The attribute that every update resets unless it is sent along.
pub(super) const SEES_TICKETS: &str = "can_see_all_tickets_from_associated_departments";

const LANGUAGES: &[&str] = &[
    "ar", "ca", "zh-CN", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "hu", "id", "it", "ja-JP", "ko", "nb-NO",
    "pl", "pt-BR", "pt-PT", "ru-RU", "sk", "sl", "es", "es-LA", "sv-SE", "th", "tr", "vi", "cy-GB",
];

/// A custom field of an account.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CustomField {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) choices: Vec<String>,
}

/// What an attribute may refer to.
pub(super) struct Known<'a> {
    pub(super) account: &'a Account,
    pub(super) fields: &'a [CustomField],
}

impl User {
    pub(super) fn new(id: u64, is_agent: bool, now: String) -> Self {
        let mut values = Map::new();
        for (name, kind) in WRITABLE {
            let value = match kind {
                Kind::Emails | Kind::Departments => json!([]),
                Kind::Bool => json!(false),
                Kind::TimeZone => json!("Berlin"),
                Kind::TimeFormat => json!("24h"),
                Kind::Language => json!("en"),
                _ => Value::Null,
            };
            values.insert((*name).to_owned(), value);
        }
        Self { id, is_agent, active: true, created_at: now.clone(), updated_at: now, values, custom_fields: Map::new() }
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.values.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// All addresses, in lower case.
    pub(super) fn addresses(&self) -> Vec<String> {
        let secondary = self.values["secondary_emails"].as_array().into_iter().flatten();
        let all = secondary.chain([&self.values["primary_email"]]).filter_map(Value::as_str);
        all.map(str::to_lowercase).filter(|address| !address.is_empty()).collect()
    }

    /// Takes over what a request says, or says everything that is wrong with it and changes nothing.
    pub(super) fn apply(&mut self, body: &Map<String, Value>, known: &Known<'_>) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut changed = self.clone();
        for (name, value) in body {
            if name == "custom_fields" {
                changed.apply_custom_fields(value, known.fields, &mut problems);
                continue;
            }
            let kind = WRITABLE.iter().find(|(writable, _)| writable == name).map(|(_, kind)| *kind);
            let kind = kind.filter(|_| !self.is_agent || WRITABLE_ON_AGENTS.contains(&name.as_str()));
            match kind {
                None if READ_ONLY.contains(&name.as_str()) => {
                    problems.push(Problem::new(name, "this attribute is read-only", "readonly_field"));
                }
                None => problems.push(Problem::new(name, "Unexpected/invalid field in request", "invalid_field")),
                Some(kind) => match kind.check(value, known) {
                    Ok(value) => {
                        changed.values.insert(name.clone(), value);
                    }
                    Err((message, code)) => problems.push(Problem::new(name, &message, code)),
                },
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        *self = changed;
        Ok(())
    }

    /// Custom fields that are not named keep their values.
    fn apply_custom_fields(&mut self, value: &Value, fields: &[CustomField], problems: &mut Vec<Problem>) {
        let Some(values) = value.as_object() else {
            problems.push(Problem::new("custom_fields", "It should be a/an JSON object", "datatype_mismatch"));
            return;
        };
        for (name, value) in values {
            let entry = format!("custom_fields.{name}");
            match fields.iter().find(|field| field.name == *name) {
                None => problems.push(Problem::new(&entry, "Unexpected/invalid field in request", "invalid_field")),
                Some(field) => match field.check(value) {
                    Ok(()) => {
                        self.custom_fields.insert(name.clone(), value.clone());
                    }
                    Err((message, code)) => problems.push(Problem::new(&entry, &message, code)),
                },
            }
        }
    }
}

type Complaint = (String, &'static str);

fn mismatch(wanted: &str) -> Complaint {
    (format!("It should be a/an {wanted}"), "datatype_mismatch")
}

fn invalid(message: &str) -> Complaint {
    (message.to_owned(), "invalid_value")
}

impl Kind {
    /// The value as it is kept.
    fn check(self, value: &Value, known: &Known<'_>) -> Result<Value, Complaint> {
        match (self, value) {
            (Self::Emails | Self::Departments, Value::Null) => Ok(json!([])),
            (Self::Bool, Value::Null) => Ok(json!(false)),
            (_, Value::Null) => Ok(Value::Null),
            (Self::Text, Value::String(_)) | (Self::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Self::Email, Value::String(text)) => address(text).map(Value::String),
            (Self::Emails, Value::Array(list)) => {
                let addresses = list.iter().map(|item| address(item.as_str().unwrap_or_default()));
                addresses.map(|text| text.map(Value::String)).collect()
            }
            (Self::TimeFormat, Value::String(text)) => match text.as_str() {
                "12h" | "24h" => Ok(value.clone()),
                _ => Err(invalid("It should be one of these values: '12h,24h'")),
            },
            (Self::Language, Value::String(text)) if LANGUAGES.contains(&text.as_str()) => Ok(value.clone()),
            (Self::Language, Value::String(_)) => {
                Err(invalid(&format!("It should be one of these values: '{}'", LANGUAGES.join(","))))
            }
            // Zones are named as Rails names them; an IANA name is the usual mistake.
            (Self::TimeZone, Value::String(text)) if !text.contains('/') => Ok(value.clone()),
            (Self::TimeZone, Value::String(_)) => Err(invalid("It should be one of the listed time zones")),
            (Self::Departments, Value::Array(list)) => {
                let ids: Option<Vec<u64>> = list.iter().map(Value::as_u64).collect();
                let ids = ids.ok_or_else(|| mismatch("Array of Positive Integers"))?;
                if !ids.iter().all(|id| known.account.knows_department(*id)) {
                    return Err(invalid("must be a list of known departments"));
                }
                let mut seen = HashSet::new();
                Ok(ids.into_iter().filter(|id| seen.insert(*id)).collect())
            }
            (Self::Location, Value::Number(number))
                if number.as_u64().is_some_and(|id| known.account.knows_location(id)) =>
            {
                Ok(value.clone())
            }
            (Self::User, Value::Number(number)) if number.as_u64().is_some_and(|id| known.account.knows_user(id)) => {
                Ok(value.clone())
            }
            (Self::Location, Value::Number(_)) => Err(invalid("There is no location matching the given location_id")),
            (Self::User, Value::Number(_)) => Err(invalid("There is no user matching the given reporting_manager_id")),
            (Self::Bool, _) => Err(mismatch("Boolean")),
            (Self::Emails | Self::Departments, _) => Err(mismatch("Array")),
            (Self::Location | Self::User, _) => Err(mismatch("Positive Integer")),
            _ => Err(mismatch("String")),
        }
    }
}

fn address(text: &str) -> Result<String, Complaint> {
    let valid = text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace) && !domain.contains('@')
    });
    if valid { Ok(text.to_lowercase()) } else { Err(invalid("It should be a valid email address")) }
}

impl CustomField {
    fn check(&self, value: &Value) -> Result<(), Complaint> {
        match (self.kind, value) {
            (_, Value::Null) | ("custom_text", Value::String(_)) | ("custom_checkbox", Value::Bool(_)) => Ok(()),
            ("custom_number", Value::Number(number)) if number.is_i64() => Ok(()),
            ("custom_date", Value::String(text)) if text.parse::<NaiveDate>().is_ok() => Ok(()),
            ("custom_date", Value::String(_)) => Err(invalid("It should be a valid date in the ISO8601 format")),
            ("custom_dropdown", Value::String(text)) if self.choices.is_empty() || self.choices.contains(text) => {
                Ok(())
            }
            ("custom_dropdown", Value::String(_)) => {
                Err(invalid(&format!("It should be one of these values: '{}'", self.choices.join(","))))
            }
            ("custom_checkbox", _) => Err(mismatch("Boolean")),
            ("custom_number", _) => Err(mismatch("Integer")),
            _ => Err(mismatch("String")),
        }
    }
}
