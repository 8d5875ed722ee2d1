//! The forms of on- and offboarding requests: customers design them, so they are read and never assumed.

use serde_json::{Map, Value, json};

use crate::config::reader::known;
use crate::plan::{FieldKind, FieldSpec, FieldValue};
use crate::rules::convert;

use super::wire::{self, Row};

/// What a lookup field refers to; the numbers are the API's.
const LOCATION: u64 = 1;
const REQUESTER: u64 = 2;
const AGENT: u64 = 3;
const ASSET: u64 = 4;
const ANYBODY: u64 = 5;
const DEPARTMENT: u64 = 6;

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FormField {
    pub(super) name: String,
    required: bool,
    kind: String,
    source: Option<u64>,
    choices: Vec<String>,
}

/// Turns names and addresses into ids; asked only for what a value needs.
pub(super) trait Lookups {
    /// The id of a location.
    fn location(&self, name: &str) -> Result<u64, String>;
    /// A department in the account's spelling.
    fn department(&self, name: &str) -> Result<String, String>;
    /// The id of a user.
    fn user(&self, email: &str) -> Result<u64, String>;
}

impl FormField {
    /// Reads a row of a form.
    ///
    /// # Errors
    ///
    /// When it has no name.
    pub(super) fn read(row: &Row) -> Result<Self, String> {
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = text("name");
        if name.is_empty() {
            return Err("a field of the form has no `name`".into());
        }
        let source = row.get("data_source").and_then(|source| match source {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64(),
        });
        Ok(Self {
            name,
            required: row.get("required").and_then(Value::as_bool).unwrap_or(false),
            kind: text("field_type"),
            source,
            choices: row
                .get("choices")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(wire::choice)
                .collect(),
        })
    }

    fn is_date(&self) -> bool {
        self.kind == "custom_date"
    }

    /// What is sent for a value.
    fn write(&self, value: &FieldValue, lookups: &dyn Lookups) -> Result<Value, String> {
        match self.source {
            Some(LOCATION) => {
                self.each(value, &|one| number(one).map_or_else(|| lookups.location(&text(one)), Ok).map(Value::from))
            }
            Some(REQUESTER | AGENT) => {
                self.each(value, &|one| number(one).map_or_else(|| lookups.user(address(one)?), Ok).map(Value::from))
            }
            Some(ASSET) => {
                self.each(value, &|one| number(one).map(Value::from).ok_or("it is not the id of an asset".into()))
            }
            Some(ANYBODY) => address(value).map(|address| json!(address.to_lowercase())),
            Some(DEPARTMENT) => lookups.department(&text(value)).map(Value::from),
            _ => self.plain(value),
        }
    }

    /// One id, or a list where the field takes several.
    fn each(&self, value: &FieldValue, id: &dyn Fn(&FieldValue) -> Result<Value, String>) -> Result<Value, String> {
        let several = self.kind.contains("multi") || self.name.starts_with("msf_");
        match value {
            FieldValue::List(items) if several => items.iter().map(|item| id(&FieldValue::text(item))).collect(),
            FieldValue::List(_) => Err("it is several values where the field takes one".into()),
            one if several => Ok(json!([id(one)?])),
            one => id(one),
        }
    }

    fn plain(&self, value: &FieldValue) -> Result<Value, String> {
        if self.kind.contains("multi_select") || self.name.starts_with("msf_") {
            return self.each(value, &|one| self.converted(one, FieldKind::Choice));
        }
        let kind = match self.kind.as_str() {
            "custom_date" => FieldKind::Date,
            "custom_dropdown" => FieldKind::Choice,
            "custom_checkbox" => FieldKind::Bool,
            "custom_decimal" | "custom_number" => FieldKind::Number,
            _ => FieldKind::Text,
        };
        self.converted(value, kind)
    }

    fn converted(&self, value: &FieldValue, kind: FieldKind) -> Result<Value, String> {
        let mut spec = FieldSpec::new(&*self.name, kind);
        if kind == FieldKind::Choice {
            spec = spec.choices(self.choices.iter().map(String::as_str));
        }
        let value = convert(value.clone(), &spec)?;
        serde_json::to_value(&value).map_err(|error| error.to_string())
    }
}

fn text(value: &FieldValue) -> String {
    value.to_string()
}

fn number(value: &FieldValue) -> Option<u64> {
    value.to_string().parse().ok()
}

fn address(value: &FieldValue) -> Result<&str, String> {
    value.as_text().filter(|text| text.contains('@')).ok_or_else(|| "it is not an e-mail address".into())
}

/// What is wrong with the names of fields that a file fills.
pub(super) fn problems(form: &[FormField], filled: &[&str]) -> Vec<String> {
    let unknown = filled
        .iter()
        .filter(|name| **name != INITIATOR && !form.iter().any(|field| field.name == **name))
        .map(|name| format!("the form has no field `{name}`; {}", known(name, form.iter().map(|field| &*field.name))));
    let missing = form
        .iter()
        .filter(|field| field.required && !filled.contains(&&*field.name))
        .map(|field| format!("the form requires `{}`, and the file does not fill it", field.name));
    unknown.chain(missing).collect()
}

/// The one field that is none of the form's: on whose behalf the request is made.
const INITIATOR: &str = "initiator_id";

/// The body of a request.
///
/// # Errors
///
/// Names the fields and what is wrong with their values; never shows them.
pub(super) fn body(
    form: &[FormField],
    values: &[(Box<str>, FieldValue)],
    lookups: &dyn Lookups,
) -> Result<Value, String> {
    let filled: Vec<&str> = values.iter().map(|(name, _)| &**name).collect();
    let mut wrong = problems(form, &filled);
    let mut fields = Map::new();
    let mut body = json!({});
    for (name, value) in values {
        let field = form.iter().find(|field| *field.name == **name);
        let written = match field {
            Some(field) if value.is_empty() => {
                if field.required {
                    wrong.push(format!("`{name}` is empty, and the form requires it"));
                }
                continue;
            }
            Some(field) => field.write(value, lookups),
            None if **name == *INITIATOR && !value.is_empty() => {
                let id = number(value).map_or_else(|| address(value).and_then(|email| lookups.user(email)), Ok);
                match id {
                    Ok(id) => body[INITIATOR] = json!(id),
                    Err(why) => wrong.push(format!("`{name}`: {why}")),
                }
                continue;
            }
            None => continue,
        };
        match written {
            Ok(written) => {
                fields.insert(name.to_string(), written);
            }
            Err(why) => wrong.push(format!("`{name}`: {why}")),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.join("; "));
    }
    body["fields"] = Value::Object(fields);
    Ok(body)
}

/// How a request is told from those of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Fields that must be the same, as they were sent.
    same: Vec<(String, Value)>,
    /// The days that must be the same.
    days: Vec<(String, Value)>,
}

impl Key {
    /// The field that holds the employee's id if one does, else the e-mail address, else every text; and the days,
    /// because who comes back gets a request of their own.
    pub(super) fn of(form: &[FormField], body: &Value, employee: u64) -> Option<Self> {
        let sent = body["fields"].as_object()?;
        let field = |name: &str| form.iter().find(|field| field.name == name);
        let is_plain = |name: &str| {
            // Lookups come back as ids, but for texts that are looked up.
            field(name).is_some_and(|field| !field.is_date() && (field.source.is_none() || field.kind == "custom_text"))
        };
        let days = sent.iter().filter(|(name, _)| field(name).is_some_and(FormField::is_date));
        let texts = || sent.iter().filter(|(name, value)| is_plain(name) && value.is_string());
        let is_id = |value: &Value| value.as_str().is_some_and(|text| text == employee.to_string());
        let is_address = |name: &str, value: &Value| {
            value.as_str().is_some_and(|text| text.contains('@')) && !name.contains("manager")
        };
        let same: Vec<(String, Value)> = match texts().find(|(_, value)| is_id(value)) {
            Some((name, value)) => vec![(name.clone(), value.clone())],
            None => match texts().find(|(name, value)| is_address(name, value)) {
                Some((name, value)) => vec![(name.clone(), value.clone())],
                None => texts().map(|(name, value)| (name.clone(), value.clone())).collect(),
            },
        };
        let days = days.map(|(name, value)| (name.clone(), value.clone())).collect();
        (!same.is_empty()).then_some(Self { same, days })
    }

    /// Whether a row of the list is this request. Cancelled ones do not count.
    pub(super) fn fits(&self, row: &Row) -> bool {
        const CANCELLED: u64 = 2;
        if row.get("status").and_then(Value::as_u64) == Some(CANCELLED) {
            return false;
        }
        let Some(fields) = row.get("fields").and_then(Value::as_object) else { return false };
        let there = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
        let sent = |value: &Value| value.as_str().unwrap_or_default().trim().to_lowercase();
        self.same.iter().all(|(name, value)| there(name) == sent(value))
            && self
                .days
                .iter()
                .all(|(name, value)| day(&there(name)).is_some_and(|day_there| Some(day_there) == day(&sent(value))))
    }
}

/// Days are sent as 2027-02-01 and come back as 01-02-2027.
fn day(text: &str) -> Option<chrono::NaiveDate> {
    let text = text.get(..10)?;
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .or_else(|_| chrono::NaiveDate::parse_from_str(text, "%d-%m-%Y"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Lookups for Known {
        fn location(&self, name: &str) -> Result<u64, String> {
            if name == "Leipzig" { Ok(31) } else { Err("there is no such location".into()) }
        }
        fn department(&self, name: &str) -> Result<String, String> {
            if name.eq_ignore_ascii_case("logistics") {
                Ok("Logistics".into())
            } else {
                Err("there is no such department".into())
            }
        }
        fn user(&self, email: &str) -> Result<u64, String> {
            if email == "lead@example.com" { Ok(880_002) } else { Err("nobody has this address".into()) }
        }
    }

    fn form() -> Vec<FormField> {
        let rows = json!([
            {"name": "cf_employee_name", "field_type": "custom_text", "required": true},
            {"name": "cf_personio_id", "field_type": "custom_text", "required": false},
            {"name": "cf_email", "field_type": "custom_text", "data_source": 5},
            {"name": "cf_date_of_joining", "field_type": "custom_date", "required": true},
            {"name": "cf_location", "field_type": "custom_lookup_bigint", "data_source": "1"},
            {"name": "cf_department", "field_type": "custom_lookup_bigint", "data_source": 6},
            {"name": "cf_buddy", "field_type": "custom_lookup_bigint", "data_source": 2},
            {"name": "cf_equipment", "field_type": "custom_dropdown", "choices": ["Laptop", {"value": "Desktop"}]},
            {"name": "msf_sites", "field_type": "custom_multi_lookup", "data_source": 1},
            {"name": "msf_tools", "field_type": "custom_multi_select_dropdown", "choices": ["VPN", "Wiki"]},
            {"name": "cf_remote", "field_type": "custom_checkbox"},
            {"name": "cf_hours", "field_type": "custom_decimal"},
            {"name": "actor_2", "field_type": "custom_lookup_bigint", "data_source": 5, "default": true}
        ]);
        rows.as_array().unwrap().iter().map(|row| FormField::read(row.as_object().unwrap()).unwrap()).collect()
    }

    fn values(more: &[(&str, FieldValue)]) -> Vec<(Box<str>, FieldValue)> {
        let day = FieldValue::Date("2027-02-01".parse().unwrap());
        let base = [("cf_employee_name", FieldValue::text("Mira Osei")), ("cf_date_of_joining", day)];
        let kept = base.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        kept.chain(more).map(|(name, value)| ((*name).into(), value.clone())).collect()
    }

    #[test]
    fn every_kind_of_field_is_sent_as_the_api_wants_it() {
        let text = FieldValue::text;
        for (name, value, expected) in [
            ("cf_date_of_joining", text("2027-02-01"), json!("2027-02-01")),
            ("cf_location", text("Leipzig"), json!(31)),
            ("cf_location", FieldValue::Integer(77), json!(77)),
            ("cf_department", text("logistics"), json!("Logistics")),
            ("cf_buddy", text("lead@example.com"), json!(880_002)),
            ("cf_buddy", FieldValue::Integer(5), json!(5)),
            ("cf_email", text("Mira@example.com"), json!("mira@example.com")),
            ("actor_2", text("lead@example.com"), json!("lead@example.com")),
            ("cf_equipment", text("laptop"), json!("Laptop")),
            ("msf_sites", FieldValue::list(["Leipzig", "9"]), json!([31, 9])),
            ("msf_sites", text("Leipzig"), json!([31])),
            ("msf_tools", FieldValue::list(["vpn", "Wiki"]), json!(["VPN", "Wiki"])),
            ("cf_remote", text("yes"), json!(true)),
            ("cf_hours", text("37.5"), json!(37.5)),
            ("cf_personio_id", FieldValue::Integer(4711), json!("4711")),
        ] {
            let body = body(&form(), &values(&[(name, value)]), &Known).expect(name);
            assert_eq!(body["fields"][name], expected, "{name}");
        }
        let on_behalf = body(&form(), &values(&[("initiator_id", text("lead@example.com"))]), &Known).unwrap();
        assert_eq!((&on_behalf["initiator_id"], on_behalf["fields"].get("initiator_id")), (&json!(880_002), None));
        let empty = body(&form(), &values(&[("cf_location", FieldValue::Empty)]), &Known).unwrap();
        assert_eq!(empty["fields"].get("cf_location"), None);
    }

    #[test]
    fn what_the_form_cannot_take_is_told_without_the_value() {
        let text = FieldValue::text;
        for (name, value, expected) in [
            ("cf_employee_name", FieldValue::Empty, "`cf_employee_name` is empty, and the form requires it"),
            ("cf_date_of_joining", text("secret"), "`cf_date_of_joining`: it is not a date"),
            ("cf_location", text("secret"), "`cf_location`: there is no such location"),
            ("cf_location", FieldValue::list(["a", "b"]), "several values"),
            ("cf_department", text("secret"), "`cf_department`: there is no such department"),
            ("actor_2", text("secret"), "`actor_2`: it is not an e-mail address"),
            ("cf_equipment", text("secret"), "`cf_equipment`: it is none of the values"),
            ("cf_shoe", text("secret"), "the form has no field `cf_shoe`"),
            ("initiator_id", text("secret@example.com"), "`initiator_id`: nobody has this address"),
        ] {
            let error = body(&form(), &values(&[(name, value)]), &Known).expect_err(name);
            assert!(error.contains(expected) && !error.contains("secret"), "{error}");
        }
        let missing = problems(&form(), &["cf_employee_name", "cf_date_of_joinin"]);
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing[0].contains("did you mean `cf_date_of_joining`?"), "{missing:?}");
        assert!(missing[1].contains("requires `cf_date_of_joining`"), "{missing:?}");
    }

    #[test]
    fn a_request_is_recognised_by_id_then_address_then_name_and_always_by_day() {
        let row = |status: u64, fields: Value| {
            json!({"id": 41, "status": status, "fields": fields}).as_object().unwrap().clone()
        };
        let whole = json!({"cf_employee_name": "Mira Osei", "cf_personio_id": "4711", "cf_email": "mira@example.com", "cf_date_of_joining": "01-02-2027"});
        let key = |more: &[(&str, FieldValue)]| {
            let body = body(&form(), &values(more), &Known).unwrap();
            Key::of(&form(), &body, 4711).unwrap()
        };
        let text = FieldValue::text;
        let with = |name: &str, value: Value| {
            let mut fields = whole.clone();
            fields[name] = value;
            row(3, fields)
        };
        let by_id = key(&[("cf_personio_id", text("4711")), ("cf_email", text("new@example.com"))]);
        assert!(by_id.fits(&row(3, whole.clone())) && by_id.fits(&with("cf_employee_name", json!("M. Osei"))));
        assert!(
            !by_id.fits(&with("cf_personio_id", json!("4712"))) && !by_id.fits(&with("cf_personio_id", Value::Null))
        );
        let by_mail = key(&[("cf_email", text("Mira@example.com"))]);
        assert!(by_mail.fits(&with("cf_employee_name", json!("M. Osei"))));
        assert!(!by_mail.fits(&with("cf_email", json!("other@example.com"))));
        let by_name = key(&[]);
        assert!(by_name.fits(&row(1, whole.clone())) && !by_name.fits(&with("cf_employee_name", json!("M. Osei"))));
        for key in [by_id, by_mail, by_name] {
            assert!(!key.fits(&with("cf_date_of_joining", json!("02-01-2027"))), "another day is another request");
            assert!(!key.fits(&row(2, whole.clone())), "a cancelled one does not count");
        }
    }
}
