//! SCIM's JSON, to and from our values.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::field::{AccountId, FieldKind, FieldSpec, FieldValue};

use super::path::{Path, get, spelling};

/// A resource as the service sent it, or as it is to be sent.
pub(crate) type Resource = Map<String, Value>;

/// A field of the run, tied to its place in a resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// As the file names it, with its type.
    pub(crate) spec: FieldSpec,
    /// Where it stands in a resource.
    pub(crate) path: Path,
    /// How its value looks in JSON.
    pub(crate) shape: Shape,
}

/// How a value looks in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As JSON's own text, number or boolean; a list as a list of texts.
    Plain,
    /// A list of objects that each have a `value`.
    Values,
    /// An object with the id of another account in `value`.
    Reference,
    /// A day with a time and a zone, as `dateTime` attributes want it.
    DateTime,
}

impl Field {
    /// A field whose shape follows from its type and path alone.
    pub(crate) fn new(spec: FieldSpec, path: Path) -> Self {
        let shape = match spec.kind {
            FieldKind::Account if path.sub().is_none() => Shape::Reference,
            FieldKind::List | FieldKind::References => Shape::Values,
            _ => Shape::Plain,
        };
        Self { spec, path, shape }
    }

    /// The field's value in a resource.
    pub(crate) fn read(&self, resource: &Resource) -> Result<FieldValue, WrongType> {
        let list = matches!(self.spec.kind, FieldKind::List | FieldKind::References);
        let values = self.path.values(resource);
        if list {
            let texts: Option<Vec<String>> =
                values.into_iter().filter(|value| !value.is_null()).map(plain_text).collect();
            return texts.map(FieldValue::list).ok_or(WrongType);
        }
        // Several items may fit a filter; the one marked as primary is meant then.
        let value = match values.as_slice() {
            [] => return Ok(FieldValue::Empty),
            [value] => value,
            [first, ..] => self.primary(resource).unwrap_or(first),
        };
        self.value(value)
    }

    fn primary<'r>(&self, resource: &'r Resource) -> Option<&'r Value> {
        let sub = self.path.sub()?;
        self.path
            .item()
            .values(resource)
            .into_iter()
            .filter_map(Value::as_object)
            .find(|item| get(item, "primary").is_some_and(|primary| boolean(primary) == Some(true)))
            .and_then(|item| get(item, sub))
    }

    fn value(&self, value: &Value) -> Result<FieldValue, WrongType> {
        if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Ok(FieldValue::Empty);
        }
        match self.spec.kind {
            FieldKind::Bool => boolean(value).map(FieldValue::Bool).ok_or(WrongType),
            FieldKind::Number => number(value).ok_or(WrongType),
            FieldKind::Date => day(value.as_str().ok_or(WrongType)?).map(FieldValue::Date).ok_or(WrongType),
            FieldKind::Email => Ok(FieldValue::text(&value.as_str().ok_or(WrongType)?.to_lowercase())),
            FieldKind::Account => {
                // Older services hold the bare id where the standard has an object.
                let id = match value {
                    Value::Object(object) => get(object, "value").cloned().unwrap_or_default(),
                    other => other.clone(),
                };
                match plain_text(&id) {
                    Some(id) if !id.trim().is_empty() => Ok(FieldValue::Account(AccountId(id.trim().into()))),
                    Some(_) => Ok(FieldValue::Empty),
                    None if id.is_null() => Ok(FieldValue::Empty),
                    None => Err(WrongType),
                }
            }
            _ => plain_text(value).map(|text| FieldValue::text(&text)).ok_or(WrongType),
        }
    }

    /// A value as JSON; `None` when it is empty.
    pub(crate) fn json(&self, value: &FieldValue) -> Option<Value> {
        Some(match value {
            FieldValue::Empty | FieldValue::Employee(_) => return None,
            FieldValue::Text(text) => Value::from(&**text),
            FieldValue::Bool(yes) => Value::from(*yes),
            FieldValue::Integer(number) => Value::from(*number),
            FieldValue::Decimal(number) => Value::from(*number),
            FieldValue::Date(day) if self.shape == Shape::DateTime => Value::from(format!("{day}T00:00:00Z")),
            FieldValue::Date(day) => Value::from(day.to_string()),
            FieldValue::List(items) if self.shape == Shape::Values => {
                items.iter().map(|item| json!({ "value": &**item })).collect()
            }
            FieldValue::List(items) => items.iter().map(|item| Value::from(&**item)).collect(),
            FieldValue::Account(id) if self.shape == Shape::Reference => json!({ "value": &*id.0 }),
            FieldValue::Account(id) => Value::from(&*id.0),
        })
    }
}

/// A value that the type of its field cannot be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongType;

/// Texts, and what is written like a text without doubt.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// A boolean, also in the texts `"True"` and `"False"` that occur in the wild.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number, also as a text.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<FieldValue> {
    match value {
        Value::Number(number) => {
            number.as_i64().map(FieldValue::Integer).or_else(|| number.as_f64().map(FieldValue::Decimal))
        }
        Value::String(text) => {
            let text = text.trim();
            text.parse().map(FieldValue::Integer).or_else(|_| text.parse().map(FieldValue::Decimal)).ok()
        }
        _ => None,
    }
}

/// The day of `2026-03-31`, `2026/03/31` or `2026-03-31T00:00:00Z`.
fn day(text: &str) -> Option<NaiveDate> {
    let day = text.trim().get(..10)?.replace('/', "-");
    day.parse().ok()
}

pub(crate) fn id(resource: &Resource) -> Option<String> {
    let id = plain_text(get(resource, "id")?)?;
    (!id.trim().is_empty()).then_some(id)
}

/// Whether a resource is in use. One that does not say so is.
///
/// # Errors
///
/// When `active` is neither yes nor no.
pub(crate) fn is_active(resource: &Resource) -> Result<bool, WrongType> {
    match get(resource, "active") {
        None | Some(Value::Null) => Ok(true),
        Some(value) => boolean(value).ok_or(WrongType),
    }
}

/// Whether a resource says at all that it is in use or not. Services that skip what is empty leave `false` out.
pub(crate) fn says_active(resource: &Resource) -> bool {
    get(resource, "active").is_some_and(|value| !value.is_null())
}

/// The version of a resource, as the service wrote it.
pub(crate) fn version(resource: &Resource) -> Option<String> {
    let version = get(get(resource, "meta")?.as_object()?, "version")?.as_str()?;
    (!version.is_empty()).then(|| version.to_owned())
}

/// Puts a value into a resource, keeping everything around it; `None` takes it out.
///
/// An item of a list that does not exist yet is made of what its filter says.
pub(crate) fn put(resource: &mut Resource, path: &Path, value: Option<Value>, primary: bool) {
    let container = match path.urn() {
        None => resource,
        Some(urn) => {
            let key = spelling(resource, urn);
            if value.is_none() && !resource.get(&key).is_some_and(Value::is_object) {
                return;
            }
            object(resource.entry(key).or_insert_with(|| json!({})))
        }
    };
    let key = spelling(container, path.attribute());
    match (path.filter(), path.sub()) {
        (None, None) => match value {
            Some(value) => _ = container.insert(key, value),
            None => _ = container.shift_remove(&key),
        },
        (None, Some(sub)) => match value {
            Some(value) => {
                let parent = object(container.entry(key).or_insert_with(|| json!({})));
                let sub = spelling(parent, sub);
                parent.insert(sub, value);
            }
            None => {
                if let Some(parent) = container.get_mut(&key).and_then(Value::as_object_mut) {
                    let sub = spelling(parent, sub);
                    parent.shift_remove(&sub);
                }
            }
        },
        (Some(filter), sub) => {
            let items = container.entry(key).or_insert_with(|| json!([]));
            if !items.is_array() {
                *items = json!([]);
            }
            if let Some(items) = items.as_array_mut() {
                let found = items.iter().position(|item| item.as_object().is_some_and(|item| filter.matches(item)));
                match (found, value) {
                    (Some(at), Some(value)) => set_part(&mut items[at], sub, value),
                    // An item is nothing without its value.
                    (Some(at), None) if sub.is_none_or(|sub| sub == "value") => _ = items.remove(at),
                    (Some(at), None) => {
                        if let (Some(item), Some(sub)) = (items[at].as_object_mut(), sub) {
                            let sub = spelling(item, sub);
                            item.shift_remove(&sub);
                        }
                    }
                    (None, Some(value)) => {
                        let mut item = Value::Object(new_item(path));
                        set_part(&mut item, sub, value);
                        let other_primary = items.iter().any(|item| item["primary"] == true);
                        if primary && !other_primary && item.get("primary").is_none() {
                            item["primary"] = Value::Bool(true);
                        }
                        items.push(item);
                    }
                    (None, None) => {}
                }
            }
        }
    }
}

/// What an item has that a filter describes.
fn new_item(path: &Path) -> Resource {
    path.filter()
        .and_then(super::filter::Filter::equalities)
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

fn set_part(item: &mut Value, sub: Option<&str>, value: Value) {
    match sub {
        None => *item = value,
        Some(sub) => {
            let item = object(item);
            let sub = spelling(item, sub);
            item.insert(sub, value);
        }
    }
}

/// The object that a value is; anything else is replaced by an empty one.
fn object(value: &mut Value) -> &mut Resource {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made an object just now")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::spec_text;
    use crate::targets::FieldLookup;

    fn field(name: &str) -> Field {
        match super::super::fields::lookup(name) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => Field::new(spec, Path::parse(name).unwrap()),
            FieldLookup::Unknown => panic!("{name}"),
        }
    }

    fn resource(value: Value) -> Resource {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_enterprise_user_of_the_standard_is_read() {
        let Some(text) = spec_text("scim/rfc-samples/rfc7643-8.3-enterprise_user.json") else { return };
        let user: Resource = serde_json::from_str(&text).unwrap();
        for (name, value) in [
            ("userName", FieldValue::text("bjensen@example.com")),
            ("externalId", FieldValue::text("701984")),
            ("name.givenName", FieldValue::text("Barbara")),
            (r#"emails[type eq "home"].value"#, FieldValue::text("babs@jensen.org")),
            ("emails[primary eq true].value", FieldValue::text("bjensen@example.com")),
            (r#"addresses[type eq "work"].locality"#, FieldValue::text("Hollywood")),
            (r#"phoneNumbers[type eq "fax"].value"#, FieldValue::Empty),
            ("active", FieldValue::Bool(true)),
            ("ims", FieldValue::list(["someaimhandle"])),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter", FieldValue::text("4130")),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
                FieldValue::Account("26118915-6090-4610-87e4-49d8ca9f808d".into()),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                FieldValue::Account("26118915-6090-4610-87e4-49d8ca9f808d".into()),
            ),
        ] {
            assert_eq!(field(name).read(&user), Ok(value), "{name}");
        }
        assert_eq!(id(&user).as_deref(), Some("2819c223-7f76-453a-919d-413861904646"));
        assert_eq!(version(&user).as_deref(), Some(r#"W\/"3694e05e9dff591""#));
    }

    #[test]
    fn what_comes_in_other_forms_is_read_and_nonsense_is_not() {
        let number = Field::new(FieldSpec::new("level", FieldKind::Number), Path::core("level"));
        let born = Field::new(FieldSpec::new("born", FieldKind::Date), Path::core("born"));
        let manager = field("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager");
        let enterprise = |manager: Value| json!({ super::super::path::ENTERPRISE: { "manager": manager } });
        for (field, json, expected) in [
            (&field("active"), json!({"active": "False"}), Ok(FieldValue::Bool(false))),
            (&field("active"), json!({"active": "perhaps"}), Err(WrongType)),
            (&field("title"), json!({"title": " Lead "}), Ok(FieldValue::text("Lead"))),
            (&field("title"), json!({"title": null}), Ok(FieldValue::Empty)),
            (&field("title"), json!({"title": "  "}), Ok(FieldValue::Empty)),
            (&field("title"), json!({"title": 7}), Ok(FieldValue::text("7"))),
            (&field("title"), json!({"title": {"a": 1}}), Err(WrongType)),
            (&field("roles"), json!({"roles": ["a", "b"]}), Ok(FieldValue::list(["a", "b"]))),
            (&field("roles"), json!({"roles": []}), Ok(FieldValue::Empty)),
            (&number, json!({"level": "7"}), Ok(FieldValue::Integer(7))),
            (&number, json!({"level": 7.5}), Ok(FieldValue::Decimal(7.5))),
            (&born, json!({"born": "1991/04/30"}), Ok(FieldValue::Date("1991-04-30".parse().unwrap()))),
            (&born, json!({"born": "1991-04-30T00:00:00Z"}), Ok(FieldValue::Date("1991-04-30".parse().unwrap()))),
            (&born, json!({"born": "30.04.1991"}), Err(WrongType)),
            (&manager, enterprise(json!("412")), Ok(FieldValue::Account("412".into()))),
            (&manager, enterprise(json!({"value": 412})), Ok(FieldValue::Account("412".into()))),
            (&manager, enterprise(json!({"value": ""})), Ok(FieldValue::Empty)),
            (&manager, enterprise(json!({"displayName": "x"})), Ok(FieldValue::Empty)),
        ] {
            assert_eq!(field.read(&resource(json.clone())), expected, "{json}");
        }
    }

    #[test]
    fn of_several_fitting_items_the_primary_one_is_meant() {
        let user = resource(json!({"emails": [
            {"type": "work", "value": "old@example.com"}, {"type": "work", "value": "new@example.com", "primary": true}
        ]}));
        assert_eq!(field(r#"emails[type eq "work"].value"#).read(&user), Ok(FieldValue::text("new@example.com")));
    }

    #[test]
    fn putting_keeps_everything_around() {
        let mut user = resource(json!({
            "nickName": "B", "name": {"givenName": "Babs", "middleName": "J"},
            "emails": [{"type": "home", "value": "h@example.com"}, {"type": "work", "value": "w@example.com", "display": "W"}]
        }));
        for (path, value) in [
            ("name.givenName", Some(json!("Barbara"))),
            (r#"emails[type eq "work"].value"#, Some(json!("new@example.com"))),
            (r#"emails[type eq "home"].value"#, None),
            (r#"phoneNumbers[type eq "work"].value"#, Some(json!("+44 20 7946 0000"))),
            ("NICKNAME", Some(json!("Bee"))),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter", Some(json!("R&D"))),
            ("urn:example:2.0:User:size", None),
        ] {
            put(&mut user, &Path::parse(path).unwrap(), value, true);
        }
        assert_eq!(
            Value::Object(user),
            json!({
                "nickName": "Bee", "name": {"givenName": "Barbara", "middleName": "J"},
                "emails": [{"type": "work", "value": "new@example.com", "display": "W"}],
                "phoneNumbers": [{"type": "work", "value": "+44 20 7946 0000", "primary": true}],
                super::super::path::ENTERPRISE: {"costCenter": "R&D"}
            })
        );
    }
}
