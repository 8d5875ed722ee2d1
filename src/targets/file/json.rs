use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::field::FieldValue;

use super::cell::{Cell, Page, Sheet};

/// An object with its keys in their order. What stands behind a key stays as it is spelt.
struct Record(Vec<(Box<str>, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Record(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Reads an array of objects; the columns are all keys in the order they first appear.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet, String> {
    // Windows shells put a mark before what they write; JSON has no place for it (RFC 8259, 8.1).
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err("is empty where an array was expected; remove it if a new one should be written".into());
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Err("is an object; a list of objects is expected".into());
    }
    let records: Vec<Record> = serde_json::from_slice(bytes).map_err(|error| {
        let what = if error.is_eof() { "is cut off" } else { "is not an array of objects" };
        format!("{what} (line {}, column {})", error.line(), error.column())
    })?;
    let mut sheet = Sheet::default();
    for (number, Record(entries)) in records.into_iter().enumerate() {
        let mut row = Vec::with_capacity(sheet.header.len());
        for (position, (key, value)) in entries.into_iter().enumerate() {
            // Objects of one file mostly have the same keys in the same order.
            let at = match sheet.header.get(position) {
                Some(name) if *name == key => position,
                _ => sheet.header.iter().position(|name| *name == key).unwrap_or_else(|| {
                    sheet.header.push(key);
                    sheet.header.len() - 1
                }),
            };
            if row.len() <= at {
                row.resize(at + 1, Cell::Empty);
            }
            if !matches!(row[at], Cell::Empty) {
                return Err(format!("names a key twice in entry {}", number + 1));
            }
            row[at] = Cell::Json(value);
        }
        sheet.rows.push(row);
    }
    Ok(sheet)
}

/// An array of objects, one key to a line, so that two versions can be compared line by line.
pub(super) fn write(page: &Page<'_>) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(&Records(page)).expect("values that are JSON");
    bytes.push(b'\n');
    bytes
}

struct Records<'a>(&'a Page<'a>);
struct Object<'a>(&'a Page<'a>, &'a [Cell]);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.rows.len()))?;
        for row in &self.0.rows {
            list.serialize_element(&Object(self.0, row))?;
        }
        list.end()
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (column, cell) in self.0.cells(self.1) {
            match cell {
                Cell::Empty if !column.always => {}
                Cell::Empty => object.serialize_entry(column.name, &())?,
                Cell::Value(value) => object.serialize_entry(column.name, value)?,
                Cell::Json(raw) => object.serialize_entry(column.name, raw)?,
                // Numbers of a workbook do not get here.
                Cell::Number(number) => object.serialize_entry(column.name, &number.shown)?,
            }
        }
        object.end()
    }
}

/// A value that JSON can hold: it has no word for infinity and the like.
pub(super) fn representable(value: &FieldValue) -> FieldValue {
    match value {
        FieldValue::Decimal(number) if !number.is_finite() => FieldValue::text(&number.to_string()),
        other => other.clone(),
    }
}

/// What a value means. A list of plain values is a list; anything deeper is its JSON as text.
pub(super) fn value(raw: &RawValue) -> FieldValue {
    match serde_json::from_str(raw.get()) {
        Ok(serde_json::Value::Array(items)) if !items.iter().any(|item| item.is_array() || item.is_object()) => {
            FieldValue::list(items.into_iter().map(|item| plain(item, raw).to_string()))
        }
        Ok(value) => plain(value, raw),
        Err(_) => FieldValue::text(raw.get()),
    }
}

fn plain(value: serde_json::Value, raw: &RawValue) -> FieldValue {
    match value {
        serde_json::Value::Null => FieldValue::Empty,
        serde_json::Value::Bool(value) => FieldValue::Bool(value),
        serde_json::Value::String(text) => FieldValue::text(&text),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), _, _) => FieldValue::Integer(whole),
            (None, Some(whole), _) => FieldValue::text(&whole.to_string()),
            (None, None, Some(number)) => FieldValue::Decimal(number),
            (None, None, None) => FieldValue::text(&number.to_string()),
        },
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => FieldValue::text(raw.get()),
    }
}
