use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, json_schema};
use toml::de::DeValue;

use crate::rules::Tables;

use crate::section::Table;

/// An entry of a lookup table, for its schema.
#[derive(JsonSchema)]
#[schemars(inline, transform = scalars)]
pub(super) struct Cell;

fn scalars(schema: &mut Schema) {
    *schema = json_schema!({ "type": ["string", "number", "boolean"] });
}

/// `[tables.NAME]`: lookup tables for expressions. Numbers and yes or no are taken as texts.
pub(super) fn read(root: &Table<'_>) -> Tables {
    let mut tables = Tables::new();
    let Some(all) = root.table("tables") else {
        return tables;
    };
    for (name, _) in all.entries() {
        let Some(table) = all.table(name.value) else {
            continue;
        };
        let mut entries: BTreeMap<Box<str>, Box<str>> = BTreeMap::new();
        for (key, value) in table.entries() {
            let text: Option<Box<str>> = match value.get_ref() {
                DeValue::String(text) => Some(text.as_ref().into()),
                DeValue::Integer(number) => {
                    i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string().into())
                }
                DeValue::Float(number) => Some(number.as_str().into()),
                DeValue::Boolean(truth) => Some(truth.to_string().into()),
                _ => None,
            };
            match text {
                Some(text) => {
                    entries.insert(key.value.into(), text);
                }
                None => table.wrong_type(key.value, value, "a text in quotes").unwrap_or_default(),
            }
        }
        tables.insert(name.value.into(), entries);
    }
    tables
}
