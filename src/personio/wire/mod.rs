//! Personio's v1 JSON, read once and without a tree in between: most of a page is labels nobody asked for.

mod answer;
mod raw;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::garbled::{NO_CHARACTER, repaired};
use super::value::{Unreadable, convert};
use crate::code::Code;
use crate::employee::{Attributes, Employee, EmployeeId, PresetKind, Shared, Value, preset};
use crate::plan::Notice;

pub use answer::CatalogueEntry;
pub(super) use answer::{Envelope, Token};
use raw::Attribute;
pub(super) use raw::{AttributeType, Object, Raw};

/// The attributes of a run, ready to be found by key.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    /// The place is the column.
    keys: Vec<(&'a str, Option<PresetKind>)>,
    /// The columns by length of the key, then by key: most keys of a record are not asked for, and their length
    /// alone tells that of many.
    by_length: Vec<usize>,
    /// What was read of other people.
    shared: RefCell<Shared<Value>>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(attributes: &'a Attributes) -> Self {
        let keys: Vec<_> = attributes.keys().map(|key| (key, preset(key))).collect();
        let mut by_length: Vec<usize> = (0..keys.len()).collect();
        by_length.sort_by_key(|column| order(keys[*column].0));
        Self { keys, by_length, shared: RefCell::default() }
    }

    fn find(&self, key: &str) -> Option<usize> {
        let wanted = order(key);
        let position = self.by_length.binary_search_by(|column| order(self.keys[*column].0).cmp(&wanted)).ok()?;
        Some(self.by_length[position])
    }
}

fn order(key: &str) -> (usize, &str) {
    (key.len(), key)
}

#[derive(Debug, Default)]
pub(super) struct Page {
    /// `false` comes with HTTP 200, too.
    pub(super) success: Option<bool>,
    /// What the service says of an error.
    pub(super) error: Option<serde_json::Value>,
    /// How many employees there are on all pages.
    pub(super) total: Option<u64>,
    /// `None` when the answer has no list at all.
    pub(super) records: Option<Records>,
}

/// The records of one page.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) employees: Vec<Employee>,
    /// Records without an id: nobody can say who that is.
    pub(super) unusable: u64,
    /// One for each value that could not be understood.
    pub(super) notices: Vec<Notice>,
}

impl Records {
    /// How far the next page's offset is.
    pub(super) fn rows(&self) -> u64 {
        self.employees.len() as u64 + self.unusable
    }
}

/// Reads `GET /v1/company/employees`. What is no character hides the value that it stands in, and stops nobody else.
pub(super) fn parse_page(body: &[u8], columns: &Columns<'_>) -> Result<Page, serde_json::Error> {
    // Checking the encoding of a page at once costs a fraction of checking each text in it.
    let read = std::str::from_utf8(body).ok().map(|text| parse_text(text, columns));
    match read {
        Some(Ok(page)) => Ok(page),
        Some(Err(error)) => match repaired(body, NO_CHARACTER) {
            Cow::Borrowed(_) => Err(error),
            Cow::Owned(text) => parse_text(&text, columns),
        },
        None => parse_text(&repaired(body, NO_CHARACTER), columns),
    }
}

fn parse_text(text: &str, columns: &Columns<'_>) -> Result<Page, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let page = PageSeed { columns }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(page)
}

/// The employees of one page, for measuring how long that takes; a run reads pages through the source.
pub fn read_page(body: &[u8], attributes: &Attributes) -> Result<Vec<Employee>, serde_json::Error> {
    let records = parse_page(body, &Columns::new(attributes))?.records;
    Ok(records.map(|records| records.employees).unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum PageKey {
    Success,
    Error,
    Metadata,
    Data,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Metadata {
    Known { total_elements: u64 },
    Unknown(IgnoredAny),
}

struct PageSeed<'a> {
    columns: &'a Columns<'a>,
}

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer with `success` and `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        while let Some(key) = map.next_key()? {
            match key {
                PageKey::Success => page.success = map.next_value::<Option<bool>>()?,
                PageKey::Error => page.error = Some(map.next_value()?),
                PageKey::Metadata => {
                    if let Metadata::Known { total_elements } = map.next_value()? {
                        page.total = Some(total_elements);
                    }
                }
                PageKey::Data => page.records = map.next_value_seed(DataSeed { columns: self.columns })?,
                PageKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

/// The methods of a visitor that has no use for what came, except for maps.
macro_rules! anything_but_a_map_is {
    ($otherwise:expr) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($otherwise)
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($otherwise)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($otherwise)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($otherwise)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($otherwise)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($otherwise)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok($otherwise)
        }
    };
}

use anything_but_a_map_is;

struct DataSeed<'a> {
    columns: &'a Columns<'a>,
}

impl<'de> DeserializeSeed<'de> for DataSeed<'_> {
    type Value = Option<Records>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_> {
    type Value = Option<Records>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of employees")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut records = Records::default();
        let mut unreadable = Vec::new();
        while let Some(employee) =
            list.next_element_seed(RecordSeed { columns: self.columns, unreadable: &mut unreadable })?
        {
            let Some(employee) = employee else {
                records.unusable += 1;
                unreadable.clear();
                continue;
            };
            records.notices.extend(unreadable.drain(..).map(|(index, unreadable)| {
                let message = format!(
                    "Personio delivers attribute `{}` of employee {} as {unreadable}, which cannot be read; it counts as hidden",
                    self.columns.keys[index].0, employee.id
                );
                Notice::about(employee.id, Code::UnexpectedValue, message)
            }));
            records.employees.push(employee);
        }
        Ok(Some(records))
    }
}

/// Reads one record; `None` when it has no usable id.
struct RecordSeed<'a> {
    columns: &'a Columns<'a>,
    unreadable: &'a mut Vec<(usize, Unreadable)>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum RecordKey {
    Attributes,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = Option<Employee>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = Option<Employee>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an employee")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut employee = None;
        while let Some(key) = map.next_key()? {
            match key {
                RecordKey::Attributes => {
                    employee = map
                        .next_value_seed(AttributesSeed { columns: self.columns, unreadable: &mut *self.unreadable })?;
                }
                RecordKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(employee)
    }

    anything_but_a_map_is!(None);
}

struct AttributesSeed<'a> {
    columns: &'a Columns<'a>,
    unreadable: &'a mut Vec<(usize, Unreadable)>,
}

impl<'de> DeserializeSeed<'de> for AttributesSeed<'_> {
    type Value = Option<Employee>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AttributesSeed<'_> {
    type Value = Option<Employee>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the attributes of an employee")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut id = None;
        let mut values = vec![Value::Hidden; self.columns.keys.len()];
        while let Some(AttributeKey { is_id, column }) = map.next_key_seed(KeySeed { columns: self.columns })? {
            if !is_id && column.is_none() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let attribute: Attribute<'de> = map.next_value()?;
            if is_id {
                id = attribute.value.as_ref().and_then(|raw| raw.id()).map(EmployeeId);
            }
            let Some(column) = column else { continue };
            let value = match attribute.value {
                Some(raw) => convert(self.columns.keys[column].1, attribute.kind, raw),
                None => Err(Unreadable::NoValue),
            };
            values[column] = match value {
                Ok(value) => self.columns.shared.borrow_mut().value(column, value),
                Err(unreadable) => {
                    self.unreadable.push((column, unreadable));
                    Value::Hidden
                }
            };
        }
        Ok(id.map(|id| Employee::new(id, values)))
    }

    anything_but_a_map_is!(None);
}

/// Finds the column of a key without keeping the key.
struct KeySeed<'a> {
    columns: &'a Columns<'a>,
}

struct AttributeKey {
    is_id: bool,
    column: Option<usize>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = AttributeKey;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<AttributeKey, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = AttributeKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key of an attribute")
    }

    fn visit_str<E>(self, key: &str) -> Result<AttributeKey, E> {
        Ok(AttributeKey { is_id: key == "id", column: self.columns.find(key) })
    }
}
