//! Freshservice's JSON, to and from our values.
//!
//! Rows are read by the kind of the field that wants the value, because only the account knows the types of
//! its custom fields. Attributes nobody asked for are not looked at.

#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use serde_json::{Map, Value, json};

use crate::field::{AccountId, FieldKind, FieldSpec, FieldValue};
use crate::http::Response;
use crate::plan::{Account, FieldChange, Protection};

use super::fields::{CUSTOM, DEPARTMENTS, LOCATION, SEES_ALL_TICKETS};
use super::names::{Book, Names, NoId};
use super::{Named, zones};

/// An object as it came.
pub(super) type Row = Map<String, Value>;

/// The rows of a list: `{"requesters": [...]}`.
///
/// # Errors
///
/// Says what came instead; never shows it.
pub(super) fn rows(response: &Response, wrapper: &str) -> Result<Vec<Row>, String> {
    let mut body: Row = response.json().map_err(|error| error.to_string())?;
    match body.remove(wrapper) {
        Some(Value::Array(rows)) => rows
            .into_iter()
            .map(|row| match row {
                Value::Object(row) => Ok(row),
                _ => Err(format!("the answer's `{wrapper}` holds something that is no object")),
            })
            .collect(),
        Some(_) => Err(format!("the answer's `{wrapper}` is no list")),
        None => Err(format!("the answer has no `{wrapper}`")),
    }
}

/// One object: `{"requester": {...}}`. Some answers use the plural for a single object, or wrap it in a list.
pub(super) fn one(response: &Response, wrappers: &[&str]) -> Result<Row, String> {
    let mut body: Row = response.json().map_err(|error| error.to_string())?;
    let found = wrappers.iter().find_map(|wrapper| body.remove(*wrapper));
    match found {
        Some(Value::Object(row)) => Ok(row),
        Some(Value::Array(mut rows)) if rows.len() == 1 => match rows.pop() {
            Some(Value::Object(row)) => Ok(row),
            _ => Err("the answer holds something that is no object".into()),
        },
        _ => Err(format!("the answer has no `{}`", wrappers.first().copied().unwrap_or_default())),
    }
}

/// The id of a row. Some answers give ids as texts.
pub(super) fn id(row: &Row) -> Result<u64, String> {
    match row.get("id") {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    }
    .ok_or_else(|| "a row has no usable `id`".into())
}

/// Id and name of a department or location.
pub(super) fn named(row: &Row) -> Result<(u64, &str), String> {
    let id = id(row)?;
    let name = row.get("name").and_then(Value::as_str).ok_or_else(|| format!("row {id} has no `name`"))?;
    Ok((id, name))
}

/// A row of `requester_fields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldRow {
    /// The key in `custom_fields`.
    pub(super) name: String,
    /// `custom_text`, `default_email`, …
    pub(super) kind: String,
    /// Whether agents must fill it.
    pub(super) required_for_agents: bool,
    /// What a dropdown offers.
    pub(super) choices: Vec<String>,
}

impl FieldRow {
    /// Reads a row. What requesters themselves may do with the field has two spellings and no meaning here.
    pub(super) fn read(row: &Row) -> Result<Self, String> {
        let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = text("name").ok_or("a requester field has no `name`")?;
        let kind = text("type").ok_or_else(|| format!("the requester field `{name}` has no `type`"))?;
        let choices = row.get("choices").and_then(Value::as_array).into_iter().flatten().filter_map(choice).collect();
        let required_for_agents = row.get("required_for_agents").and_then(Value::as_bool).unwrap_or(false);
        Ok(Self { name, kind, required_for_agents, choices })
    }

    /// Whether the account made it.
    pub(super) fn is_custom(&self) -> bool {
        self.kind.starts_with("custom_")
    }
}

/// A choice is a text, a list that begins with the text, or an object with it.
pub(super) fn choice(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.first().and_then(choice),
        Value::Object(parts) => parts.get("value").and_then(choice),
        _ => None,
    }
}

/// A requester or agent: one table of users underlies both.
#[derive(Clone, Debug)]
pub(super) struct User {
    /// Its id; stays when a requester becomes an agent.
    pub(super) id: u64,
    /// Whether it is in use; `None` when it does not say.
    active: Option<bool>,
    /// Whether it works in Freshservice.
    pub(super) is_agent: bool,
    /// Whether it sees the tickets of all colleagues: must be said again in every PUT.
    pub(super) sees_all_tickets: bool,
    row: Row,
}

impl User {
    /// Reads a row of `/requesters`, or of `/agents`, which do not say that they are agents.
    pub(super) fn read(row: Row, from_agents: bool) -> Result<Self, String> {
        let id = id(&row)?;
        let active = row.get("active").and_then(Value::as_bool);
        let is = |key: &str| row.get(key).and_then(Value::as_bool).unwrap_or(false);
        Ok(Self { id, active, is_agent: from_agents || is("is_agent"), sees_all_tickets: is(SEES_ALL_TICKETS), row })
    }

    /// Its address, if it has one.
    pub(super) fn address(&self) -> Option<String> {
        let address = self.row.get("primary_email").or_else(|| self.row.get("email"))?.as_str()?.trim().to_lowercase();
        (!address.is_empty()).then_some(address)
    }

    /// The account with the fields of the run, and what could not be read of it. Such an account is never changed;
    /// the others are.
    pub(super) fn account(&self, schema: &[FieldSpec], names: &Names) -> (Account, Option<String>) {
        let mut problem = None;
        let fields: Vec<FieldValue> = schema
            .iter()
            .map(|spec| {
                self.field(spec, names).unwrap_or_else(|why| {
                    problem.get_or_insert(why);
                    FieldValue::Empty
                })
            })
            .collect();
        if self.active.is_none() {
            problem = Some(format!("account {} does not say whether it is `active`", self.id));
        }
        let mut account = Account::new(self.id.to_string(), self.active.unwrap_or(true), fields);
        account.protection = match (&problem, self.is_agent) {
            (_, true) => Some(Protection::Agent),
            (Some(_), false) => Some(Protection::Unreadable),
            (None, false) => None,
        };
        (account, problem)
    }

    /// The value of a field in our words; names account and field when it is of a type that the field never has.
    fn field(&self, spec: &FieldSpec, names: &Names) -> Result<FieldValue, String> {
        let unexpected = || format!("account {}: `{}` has a value of an unexpected type", self.id, spec.name);
        let value = match spec.name.strip_prefix(CUSTOM) {
            Some(custom) => match self.row.get("custom_fields") {
                None | Some(Value::Null) => &Value::Null,
                Some(Value::Object(fields)) => fields.get(custom).unwrap_or(&Value::Null),
                Some(_) => return Err(unexpected()),
            },
            // Agents call it `email`.
            None if &*spec.name == "primary_email" => {
                self.row.get("primary_email").or_else(|| self.row.get("email")).unwrap_or(&Value::Null)
            }
            None if &*spec.name == "is_agent" => return Ok(FieldValue::Bool(self.is_agent)),
            None => self.row.get(&*spec.name).unwrap_or(&Value::Null),
        };
        let named = Named::of(spec).filter(|named| names.of(*named).is_none());
        if let Some(found) = named.and_then(|named| names_of(&self.row, named)) {
            return Ok(match spec.kind {
                FieldKind::References => sorted_list(found.into_iter().map(str::to_owned)),
                _ => found.first().map_or(FieldValue::Empty, |name| FieldValue::text(name)),
            });
        }
        read(value, spec, names).ok_or_else(unexpected)
    }

    pub(super) fn row(&self) -> &Row {
        &self.row
    }
}

/// The names of the departments or the location of a user, where its row says one for each id. Rows of agents have been
/// seen without; and a name that the key may not see would be missing.
pub(super) fn names_of(row: &Row, named: Named) -> Option<Vec<&str>> {
    let (ids, names) = match named {
        Named::Departments => (DEPARTMENTS, "department_names"),
        Named::Locations => (LOCATION, "location_name"),
    };
    let ids = match row.get(ids) {
        None | Some(Value::Null) => 0,
        Some(Value::Array(ids)) => ids.len(),
        Some(Value::Number(_)) if named == Named::Locations => 1,
        Some(_) => return None,
    };
    if ids == 0 {
        return Some(Vec::new());
    }
    let names = match row.get(names)? {
        Value::Array(names) => names.iter().map(Value::as_str).collect::<Option<Vec<&str>>>()?,
        Value::String(name) if named == Named::Locations => vec![name.as_str()],
        _ => return None,
    };
    (names.len() == ids && names.iter().all(|name| !name.trim().is_empty())).then_some(names)
}

/// A value by the kind of its field; `None` when it cannot be of that kind.
fn read(value: &Value, spec: &FieldSpec, names: &Names) -> Option<FieldValue> {
    let text = match value {
        // A checkbox nobody touched is `null`; it is the same as one that is not ticked.
        Value::Null if spec.kind == FieldKind::Bool => return Some(FieldValue::Bool(false)),
        Value::Null => return Some(FieldValue::Empty),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    };
    Some(match spec.kind {
        FieldKind::Text | FieldKind::Phone | FieldKind::Any => FieldValue::text(&text?),
        FieldKind::Choice if &*spec.name == "time_zone" => FieldValue::text(zones::from_freshservice(&text?)),
        FieldKind::Choice => FieldValue::text(&text?),
        FieldKind::Email => FieldValue::text(&text?.to_lowercase()),
        FieldKind::Bool => match text?.as_str() {
            "true" | "1" => FieldValue::Bool(true),
            "false" | "0" | "" => FieldValue::Bool(false),
            _ => return None,
        },
        FieldKind::Number => number(&text?),
        FieldKind::Date => {
            let text = text?;
            day(&text).map_or_else(|| FieldValue::text(&text), FieldValue::Date)
        }
        FieldKind::List => {
            let items: Vec<String> = match value {
                Value::Array(items) => {
                    items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?
                }
                // A converted agent's list has been seen as "".
                _ => vec![text?],
            };
            let fold = |item: &String| if item.contains('@') { item.to_lowercase() } else { item.clone() };
            sorted_list(items.iter().map(fold))
        }
        FieldKind::Account => match text?.as_str() {
            "" => FieldValue::Empty,
            digits => FieldValue::Account(AccountId::from(digits.parse::<u64>().ok()?.to_string())),
        },
        FieldKind::Reference => match text?.as_str() {
            "" => FieldValue::Empty,
            digits => FieldValue::text(&name_of(names.locations.as_deref(), digits.parse().ok()?)),
        },
        FieldKind::References => {
            let ids: Vec<u64> = match value {
                Value::Array(ids) => ids.iter().map(reference_id).collect::<Option<_>>()?,
                _ if text?.is_empty() => Vec::new(),
                _ => return None,
            };
            sorted_list(ids.into_iter().map(|id| name_of(names.departments.as_deref(), id).into()))
        }
    })
}

/// The items in a steady order, each once.
fn sorted_list(items: impl Iterator<Item = String>) -> FieldValue {
    let mut items: Vec<String> = items.collect();
    items.sort();
    items.dedup();
    FieldValue::list(items)
}

fn reference_id(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn name_of(book: Option<&Book>, id: u64) -> Box<str> {
    book.map_or_else(|| format!("#{id}").into(), |book| book.name(id))
}

/// A number, also when it came as a text; anything else stays text and so differs from every number.
fn number(text: &str) -> FieldValue {
    if let Ok(whole) = text.parse::<i64>() {
        return FieldValue::Integer(whole);
    }
    match text.parse::<f64>() {
        Ok(decimal) if decimal.is_finite() => FieldValue::Decimal(decimal),
        _ => FieldValue::text(text),
    }
}

/// A plain day, or the day whose midnight a timestamp is. Custom dates come back as midnight in the account's
/// time zone, told in UTC: `2026-03-30T18:30:00Z` is 31 March in India. Which zone that is, nobody says, so
/// the nearest midnight is taken. Of the zones that are a matter of taste (+13 and -11 share an hour), New
/// Zealand's summer is favoured over American Samoa.
fn day(text: &str) -> Option<NaiveDate> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(day);
    }
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    let told = moment.naive_local();
    if moment.offset().local_minus_utc() != 0 || told.time() == NaiveTime::MIN {
        return Some(told.date());
    }
    Some((told + TimeDelta::hours(13)).date())
}

/// The body of a create or an update: the named fields and nothing else.
///
/// # Errors
///
/// Names the field whose value cannot be sent; never the value.
pub(super) fn body(changes: &[FieldChange], schema: &[FieldSpec], names: &Names) -> Result<Value, String> {
    let mut body = Row::new();
    let mut custom_fields = Row::new();
    for change in changes {
        let spec =
            schema.get(change.index.get()).ok_or_else(|| format!("`{}` is no field of the run", change.field))?;
        let value = write(&change.after, spec, names)?;
        match spec.name.strip_prefix(CUSTOM) {
            Some(custom) => custom_fields.insert(custom.to_owned(), value),
            None => body.insert(spec.name.to_string(), value),
        };
    }
    if !custom_fields.is_empty() {
        body.insert("custom_fields".into(), Value::Object(custom_fields));
    }
    Ok(Value::Object(body))
}

/// A value as Freshservice takes it.
fn write(value: &FieldValue, spec: &FieldSpec, names: &Names) -> Result<Value, String> {
    let text_field = matches!(spec.kind, FieldKind::Text | FieldKind::Phone | FieldKind::Choice);
    Ok(match value {
        FieldValue::Empty => match spec.kind {
            FieldKind::List | FieldKind::References => json!([]),
            FieldKind::Bool => json!(false),
            _ => Value::Null,
        },
        FieldValue::List(items) if &*spec.name == DEPARTMENTS => {
            let ids: Result<Vec<u64>, String> =
                items.iter().map(|name| reference(names.departments.as_deref(), name, &spec.name)).collect();
            json!(ids?)
        }
        FieldValue::Text(name) if &*spec.name == DEPARTMENTS => {
            json!([reference(names.departments.as_deref(), name, &spec.name)?])
        }
        FieldValue::Text(name) if &*spec.name == LOCATION => {
            json!(reference(names.locations.as_deref(), name, &spec.name)?)
        }
        FieldValue::Text(zone) if &*spec.name == "time_zone" => json!(zones::to_freshservice(zone)),
        FieldValue::Text(address) if spec.kind == FieldKind::Email => json!(str::to_lowercase(address)),
        FieldValue::Text(text) if spec.kind == FieldKind::List => json!([&**text]),
        FieldValue::Text(text) => json!(&**text),
        FieldValue::List(items) => json!(items),
        FieldValue::Integer(_) | FieldValue::Decimal(_) | FieldValue::Bool(_) if text_field => json!(value.to_string()),
        FieldValue::Bool(flag) => json!(flag),
        FieldValue::Integer(number) => json!(number),
        FieldValue::Decimal(number) => json!(number),
        FieldValue::Date(day) => json!(day.to_string()),
        FieldValue::Account(id) => {
            json!(id.0.parse::<u64>().map_err(|_| format!("`{}` names an account that has no number", spec.name))?)
        }
        FieldValue::Employee(_) => {
            return Err(format!("`{}` refers to an employee without an account here", spec.name));
        }
    })
}

fn reference(book: Option<&Book>, name: &str, field: &str) -> Result<u64, String> {
    match book.map_or(Err(NoId::Unknown), |book| book.id(name)) {
        Ok(id) => Ok(id),
        Err(NoId::Unknown) => Err(format!("`{field}` names something that Freshservice does not have")),
        Err(NoId::Ambiguous) => Err(format!("`{field}` names something that Freshservice has more than once")),
    }
}
