//! The forms of on- and offboarding requests and of service items: customers design them, so they are read and
//! never assumed.

use serde_json::{Map, Value, json};

use crate::field::{FieldKind, FieldSpec, FieldValue};
use crate::rules::convert;
use crate::words::known;

use super::super::wire::{self, Row};

/// What a lookup field refers to; the numbers are the API's.
const LOCATION: u64 = 1;
const REQUESTER: u64 = 2;
const AGENT: u64 = 3;
const ASSET: u64 = 4;
const ANYBODY: u64 = 5;
const DEPARTMENT: u64 = 6;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FormField {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) kind: String,
    pub(super) source: Option<u64>,
    pub(super) choices: Vec<String>,
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

    pub(super) fn is_date(&self) -> bool {
        matches!(self.kind.as_str(), "custom_date" | "custom_date_time")
    }

    /// What a value of it is, in words.
    pub(super) fn takes(&self) -> &'static str {
        let several = self.takes_several();
        match (self.source, self.kind.as_str()) {
            (Some(LOCATION), _) if several => "a list of names or ids of locations",
            (Some(LOCATION), _) => "the name or id of a location",
            (Some(REQUESTER | AGENT), _) if several => "a list of addresses or ids of users",
            (Some(REQUESTER | AGENT), _) => "the address or id of a user",
            (Some(ASSET), _) => "the id of an asset",
            (Some(ANYBODY), _) => "an e-mail address",
            (Some(DEPARTMENT), _) => "the name of a department",
            _ if several => "a list of its choices",
            (_, "custom_date" | "custom_date_time") => "a date",
            (_, "custom_dropdown") => "one of its choices",
            (_, "custom_checkbox") => "true or false",
            (_, "custom_decimal" | "custom_number") => "a number",
            _ => "text",
        }
    }

    fn takes_several(&self) -> bool {
        self.kind.contains("multi") || self.name.starts_with("msf_")
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
        let several = self.takes_several();
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
            "custom_date" | "custom_date_time" => FieldKind::Date,
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

pub(super) fn number(value: &FieldValue) -> Option<u64> {
    value.to_string().parse().ok()
}

pub(super) fn address(value: &FieldValue) -> Result<&str, String> {
    value.as_text().filter(|text| text.contains('@')).ok_or_else(|| "it is not an e-mail address".into())
}

/// A form, and how a step spells its fields.
#[derive(Clone, Debug)]
pub(in super::super) struct Form {
    pub(super) what: String,
    /// What stands before each name in the file: `custom_fields.` or nothing.
    pub(super) prefix: &'static str,
    pub(super) fields: Vec<FormField>,
}

/// A field that a step fills, by the name in the file, with its value where that is known already.
pub(super) type Given = (Box<str>, Option<FieldValue>);

impl Form {
    /// Reads the rows of a form.
    pub(super) fn read(what: &str, prefix: &'static str, rows: &[Row]) -> Result<Self, String> {
        let there = rows.iter().filter(|row| row.get("deleted").and_then(Value::as_bool) != Some(true));
        let fields = there.map(FormField::read).collect::<Result<Vec<_>, _>>()?;
        // Text between the fields comes as a field.
        let fields = fields.into_iter().filter(|field| field.kind != "custom_static_rich_text").collect();
        Ok(Self { what: what.to_owned(), prefix, fields })
    }

    pub(super) fn field(&self, name: &str) -> Option<&FormField> {
        let name = name.strip_prefix(self.prefix)?;
        self.fields.iter().find(|field| field.name == name)
    }

    /// What is sent, and what is wrong: names the fields, never shows a value.
    pub(super) fn fill(&self, given: &[Given], lookups: &dyn Lookups) -> (Map<String, Value>, Vec<String>) {
        let (mut sent, mut wrong) = (Map::new(), Vec::new());
        let spelled = |field: &FormField| format!("{}{}", self.prefix, field.name);
        for (name, value) in given {
            let Some(field) = self.field(name) else {
                let names: Vec<String> = self.fields.iter().map(spelled).collect();
                let hint = if names.is_empty() {
                    "it has no fields".to_owned()
                } else {
                    known(name, names.iter().map(String::as_str))
                };
                wrong.push(format!("{} has no field `{name}`; {hint}", self.what));
                continue;
            };
            match value {
                None => {}
                Some(value) if value.is_empty() && field.required => {
                    wrong.push(format!("`{name}` is empty, and {} requires it", self.what));
                }
                Some(value) if value.is_empty() => {}
                Some(value) => match field.write(value, lookups) {
                    Ok(written) => {
                        sent.insert(field.name.clone(), written);
                    }
                    Err(why) => wrong.push(format!("`{name}`: {why}")),
                },
            }
        }
        let is_given = |name: &str| given.iter().any(|(given, _)| **given == *name);
        let missing = self.fields.iter().filter(|field| field.required).map(spelled).filter(|name| !is_given(name));
        wrong.extend(missing.map(|name| format!("{} requires `{name}`, and the file does not fill it", self.what)));
        (sent, wrong)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) struct Known;

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

    pub(in super::super) fn form() -> Form {
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
        let rows: Vec<Row> = rows.as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect();
        Form::read("the form", "", &rows).unwrap()
    }

    pub(in super::super) fn values(more: &[(&str, FieldValue)]) -> Vec<Given> {
        let day = FieldValue::Date("2027-02-01".parse().unwrap());
        let base = [("cf_employee_name", FieldValue::text("Mira Osei")), ("cf_date_of_joining", day)];
        let kept = base.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        kept.chain(more).map(|(name, value)| ((*name).into(), Some(value.clone()))).collect()
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
            let (sent, wrong) = form().fill(&values(&[(name, value)]), &Known);
            assert_eq!((sent.get(name), wrong), (Some(&expected), Vec::new()), "{name}");
        }
        let (empty, wrong) = form().fill(&values(&[("cf_location", FieldValue::Empty)]), &Known);
        assert_eq!((empty.get("cf_location"), wrong), (None, Vec::new()));
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
        ] {
            let (_, wrong) = form().fill(&values(&[(name, value)]), &Known);
            let error = wrong.join("; ");
            assert!(error.contains(expected) && !error.contains("secret"), "{error}");
        }
        // Names can be checked before there is a value.
        let (_, missing) =
            form().fill(&[("cf_employee_name".into(), None), ("cf_date_of_joinin".into(), None)], &Known);
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing[0].contains("did you mean `cf_date_of_joining`?"), "{missing:?}");
        assert!(missing[1].contains("requires `cf_date_of_joining`"), "{missing:?}");
    }

    #[test]
    fn the_form_of_a_service_item_is_read_as_the_catalogue_gives_it() {
        // As the vendor's reference shows it: choices in pairs, text between the fields, and fields that are gone.
        let rows = json!([
            {"name": "badge_name", "field_type": "custom_text", "required": true, "deleted": false, "choices": [],
             "visible_in_portal": false, "field_options": {"displayed_to_requester": "true"}},
            {"name": "colour", "field_type": "custom_dropdown", "required": false, "choices": [["Red", "Red"], ["Blue", "e0b2"]]},
            {"name": "from", "field_type": "custom_date", "required": false, "choices": []},
            {"name": "old", "field_type": "custom_text", "required": true, "deleted": true},
            {"name": "about", "field_type": "custom_static_rich_text", "required": true}
        ]);
        let rows: Vec<Row> = rows.as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect();
        let form = Form::read("service item 2", "custom_fields.", &rows).unwrap();
        let text = FieldValue::text;
        let given = |name: &str, value: FieldValue| (Box::from(name), Some(value));
        let day = FieldValue::Date("2027-02-01".parse().unwrap());
        let (sent, wrong) = form.fill(
            &[
                given("custom_fields.badge_name", text("Mira")),
                given("custom_fields.colour", text("blue")),
                given("custom_fields.from", day),
            ],
            &Known,
        );
        assert_eq!(
            (Value::Object(sent), wrong),
            (json!({"badge_name": "Mira", "colour": "Blue", "from": "2027-02-01"}), Vec::new())
        );
        let (_, wrong) = form.fill(&[given("custom_fields.color", text("Green"))], &Known);
        assert!(
            wrong[0]
                .contains("service item 2 has no field `custom_fields.color`; did you mean `custom_fields.colour`?"),
            "{wrong:?}"
        );
        assert_eq!(wrong[1], "service item 2 requires `custom_fields.badge_name`, and the file does not fill it");
        let (_, wrong) = form
            .fill(&[given("custom_fields.badge_name", text("")), given("custom_fields.colour", text("Green"))], &Known);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }
}
