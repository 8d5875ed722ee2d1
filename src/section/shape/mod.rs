//! Sections of the file as structs: each setting is declared once.
//!
//! A section is a struct with `Deserialize` and `JsonSchema`; from it come the reader, `schema`, the tables of the
//! reference and the comments that `init` writes. So a new key is one field:
//!
//! ```
//! use personio_sync::section::shape::Address;
//! use personio_sync::section::{Located, Secret};
//!
//! /// A `wiki` section.
//! #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Shape {
//!     /// Token of an administrator
//!     token: Secret,
//!     /// The address of the service
//!     #[serde(default = "base_url")]
//!     base_url: Address,
//!     /// Who is an editor, as an expression
//!     #[schemars(example = &"department == 'People'")]
//!     editors: Option<Located<String>>,
//! }
//!
//! fn base_url() -> Address {
//!     Address::usual("https://wiki.example.com/api")
//! }
//! ```
//!
//! - Doc comments are what users read: of a key in the reference, above it in a file that `init` writes, and in an
//!   editor. They say what the key is for, not what the struct is in the program.
//! - A key is required unless it is an `Option` or has `#[serde(default)]`; a default is shown when its type has
//!   `Serialize`. What is missing is reported with the first `example`, so a required key has one, unless it is a
//!   secret.
//! - A required key without which the rest can be checked is an `Option` with `#[schemars(required, example = …)]`:
//!   that it is missing is reported, and the struct has all else.
//! - [`Table::read`] counts the keys of the struct as known, so several structs may share one table; what none of
//!   them knows is reported by [`Table::finish`]. In tables below, the struct alone knows.
//! - What makes a value right or wrong by itself belongs to its type, which says `must be …` by
//!   [`custom`](serde::de::Error::custom): see [`TimeSpan`], [`Address`], [`Count`]. What takes more than one key, an
//!   attribute of the file or a field of the target is checked once the struct is read, at the span of a [`Located`](super::Located).
//! - Of what is wrong the struct has the default, or is not there at all where it cannot do without. Each mistake is a
//!   problem of the file, so nothing is opened with it.
//! - An enum is a word, or a table of one key: its variant. [`Either`] has a short form, a scalar, and a long one, a
//!   table or a list.
//! - What only other keys or the target can explain (`mapping`) is [`ByHand`]: declared here, read from the table.

mod deserializer;
mod error;
mod schema;
#[cfg(test)]
mod tests;
mod values;

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use deserializer::{Reading, Section};
use error::{Error, Place, What};
use schema::Known;

use crate::code::Code;
use crate::words::known;

use super::Table;

pub use schema::{definition, generator, joined, toml_text};
pub use values::{Address, ByHand, Count, Either, Entries, Pace, TimeSpan};

/// The name by which a newtype asks for a secret, in any of its forms.
pub(super) const SECRET: &str = "$secret";
/// The name by which a tuple asks for start, end and value.
pub(super) const LOCATED: &str = "$located";
/// The name by which an enum asks for the short or the long form of a value.
pub(super) const EITHER: &str = "$either";

impl Table<'_> {
    /// Reads the keys that a struct knows. Every mistake is reported, with its place; `None` when what is left is not
    /// enough.
    pub fn read<T: DeserializeOwned + JsonSchema>(&self) -> Option<T> {
        let (left_out, tables) = (RefCell::default(), RefCell::default());
        let reading = Reading { base: self.path(), context: self.context(), left_out, tables };
        let found = loop {
            match T::deserialize(Section { reading: &reading, table: self }) {
                Ok(found) => break Some(found),
                Err(error) => {
                    if leave_out(&reading, error, &Known::of::<T>).is_none() {
                        break None;
                    }
                }
            }
        };
        // What its struct can do without; all else that is missing is told already.
        let schema = Known::of::<T>();
        for place in reading.tables.take().values() {
            let missing = missing(place, &schema);
            report_missing(&reading, place, missing.into_iter().filter(|(_, example)| example.is_some()));
        }
        found
    }
}

/// Reports a mistake, and leaves out what it is in. `None` when that is all of the section.
fn leave_out(reading: &Reading<'_>, error: Error, schema: &dyn Fn() -> Known) -> Option<()> {
    let Error { what, place } = error;
    let mut place = place?;
    if !reading.left_out.borrow().contains(&place.path) {
        report(reading, what, &place, &schema());
    }
    // What cannot be read without a part that is wrong goes with it.
    while !place.path.is_empty() {
        if reading.left_out.borrow_mut().insert(place.path.clone()) {
            return Some(());
        }
        place.path.pop();
    }
    None
}

/// `a`, `b` and `c`, each in marks.
fn listed(keys: &[&str]) -> Option<String> {
    let (last, first) = keys.split_last()?;
    let first = first.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    Some(if first.is_empty() { format!("`{last}`") } else { format!("{first} and `{last}`") })
}

fn for_example(line: String) -> String {
    format!("; for example `{line}`")
}

fn report(reading: &Reading<'_>, what: What, place: &Place, schema: &Known) {
    let say = |code, message: String| reading.context.problems.error(place.span.clone(), code, message);
    let of_list = || reading.name(&place.path[..place.path.len() - usize::from(place.in_list)]);
    let name = || if place.found == "a table" { reading.name(&place.path) } else { of_list() };
    match what {
        What::Type(_) if place.in_list && schema.is_text(&place.path) => {
            say(Code::WrongType, format!("`{}` must hold texts in quotes only, not {}", of_list(), place.found));
        }
        What::Type(wanted) => {
            let wanted = schema.wanted(&place.path, place.found).unwrap_or(wanted);
            say(Code::WrongType, format!("`{}` must be {wanted}, not {}", name(), place.found));
        }
        What::Value(why) => say(Code::WrongValue, format!("`{}` {why}", name())),
        What::Word(word, words) => {
            // It may be the token itself, where a table with the token belongs.
            let is_secret = schema.holds_secret(&place.path);
            let (word, shown) = if is_secret { ("", "this word".to_owned()) } else { (&*word, format!("`{word}`")) };
            let forms = schema.forms(&place.path, words);
            let plain: Vec<&str> = words.iter().copied().filter(|one| !forms.contains(one)).collect();
            let tables = listed(&forms).map(|forms| format!("a table with one of {forms}"));
            let hint = match tables {
                None => known(word, plain),
                Some(tables) if plain.is_empty() => format!("it is {tables}"),
                Some(tables) => format!("{}, or {tables}", known(word, plain)),
            };
            say(Code::UnknownValue, format!("`{}` does not know {shown}; {hint}", name()));
        }
        What::Incomplete => {}
        What::Form(words) => match listed(&schema.forms(&place.path, words)) {
            Some(forms) => {
                let example = schema.example(&place.path).map_or_else(String::new, for_example);
                say(Code::WrongValue, format!("`{}` needs exactly one of {forms}{example}", name()));
            }
            None => say(Code::WrongType, format!("`{}` must be a text in quotes, not a table", name())),
        },
        What::Missing(key) => {
            let mut missing = missing(place, schema);
            if schema.required(&place.path).is_empty() {
                missing.push((key.to_owned(), None));
            }
            report_missing(reading, place, missing);
            reading.tables.borrow_mut().remove(&place.path);
        }
    }
}

/// The keys that a table must have and has not, each with an example.
fn missing(place: &Place, schema: &Known) -> Vec<(String, Option<String>)> {
    let mut missing = schema.required(&place.path);
    missing.retain(|(key, _)| !place.keys.iter().any(|there| **there == **key));
    missing
}

fn report_missing(reading: &Reading<'_>, place: &Place, missing: impl IntoIterator<Item = (String, Option<String>)>) {
    for (key, example) in missing {
        let path: Vec<Box<str>> = place.path.iter().cloned().chain([key.as_str().into()]).collect();
        let example = example.map_or_else(String::new, for_example);
        let message = format!("`{}` is missing{example}", reading.name(&path));
        reading.context.problems.error(place.span.clone(), Code::MissingKey, message);
    }
}
