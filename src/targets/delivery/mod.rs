//! How the targets without an interface of their own reach their account: as a file, or through a declared
//! HTTP interface.

mod service;
mod target;

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde_json::json;

use crate::code::Code;
use crate::field::{FieldIndex, FieldSpec};
use crate::section::shape::{self, ByHand, Entries};
use crate::section::{Located, Table};
use crate::words::known;

use super::declared::{self, Declaration};
use super::file::{self, FileDefaults};
use super::{Connection, FieldLookup, SandboxAddresses, Target, TargetType};
use target::DeliveredTarget;

pub(super) use service::{Delivered, Service};

/// A field of a delivered target: its name in the file, and its column.
pub(super) type Column = (&'static str, &'static str);

/// Our name of each field and that of the delivery, in the order of the columns.
type Names = Arc<[(Box<str>, Box<str>)]>;

/// The block `delivery` of a section, with the names that the delivery uses for the fields.
#[derive(Debug)]
pub(super) struct Delivery {
    inner: Box<dyn TargetType>,
    by_file: bool,
    /// In the order of the columns: our name, theirs.
    names: Names,
    words: [&'static str; 2],
}

/// The keys of a section that is delivered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// How the result gets there: `type`, and the keys of that type
    #[schemars(example = json!({ "type": "file", "path": "exports/people.csv" }))]
    #[serde(rename = "delivery")]
    _delivery: ByHand<How>,
    /// Other names of columns, for a file: `field = "Column"`
    #[serde(default)]
    columns: Entries<String>,
}

/// The key of the block that says whose the others are.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct How {
    /// A file, or an HTTP interface
    #[schemars(example = &"file")]
    r#type: Route,
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Route {
    File,
    Http,
}

impl Delivery {
    /// Reads `delivery` and, for a file, `columns` (other names of columns) of a section. `words` are yes and no
    /// where only text can be written.
    pub(super) fn parse(
        section: &Table<'_>,
        columns: &[Column],
        defaults: FileDefaults,
        words: [&'static str; 2],
    ) -> Option<Self> {
        let keys: Keys = section.read()?;
        let table = section.table("delivery")?;
        let route = table.read().map(|How { r#type: route }| route);
        let inner = match route {
            Some(Route::File) => file::parse_with(&table, defaults),
            Some(Route::Http) => declared::parse(&table),
            None => {
                // Nobody knows the keys of a type that is not there.
                table.accept_all();
                None
            }
        };
        table.finish();
        let by_file = route == Some(Route::File);
        let names = names(section, &keys.columns, columns, by_file);
        Some(Self { inner: inner?, by_file, names, words })
    }

    /// The schema of a section that is delivered, with the keys of its type.
    pub(super) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> serde_json::Value {
        let mut schema = shape::joined([shape::definition::<Keys>(generator), shape::definition::<T>(generator)]);
        let way = |name: &str, mut keys: serde_json::Value| {
            keys["properties"]["type"] = json!({ "const": name });
            keys["additionalProperties"] = json!(false);
            keys
        };
        schema["properties"]["delivery"]["oneOf"] =
            json!([way("file", (file::KIND.keys)(generator)), way("http", (declared::KIND.keys)(generator))]);
        schema
    }

    /// Whether the delivery can carry a field.
    pub(super) fn carries(&self, name: &str) -> bool {
        self.column(name).is_some_and(|column| self.inner.field(column) != FieldLookup::Unknown)
    }

    fn column(&self, name: &str) -> Option<&str> {
        self.names.iter().find(|(ours, _)| **ours == *name).map(|(_, theirs)| &**theirs)
    }

    /// As [`TargetType::identity`].
    pub(super) fn identity(&self) -> String {
        self.inner.identity()
    }

    /// As [`TargetType::redirect`].
    pub(super) fn redirect(&mut self, sandbox: &SandboxAddresses) {
        self.inner.redirect(sandbox);
    }

    /// As [`Offers::declaration`](super::Offers::declaration).
    pub(super) fn declaration(&self) -> Option<&Declaration> {
        self.inner.offers().declaration
    }

    /// As [`TargetType::describe`].
    pub(super) fn describe(&self) -> Vec<String> {
        let how = match self.by_file {
            true => "delivered as a file",
            false => "delivered through the HTTP interface that the file declares",
        };
        let mut lines = vec![how.to_owned()];
        lines.extend(self.inner.describe());
        lines
    }

    /// As [`TargetType::open`]. Mapped fields take the order of the columns.
    pub(super) fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let mapped = connection.mapped.min(connection.fields.len());
        let rank = |name: &str| self.names.iter().position(|(ours, _)| **ours == *name).unwrap_or(usize::MAX);
        let mut order: Vec<usize> = (0..connection.fields.len()).collect();
        order[..mapped].sort_by_key(|position| rank(&connection.fields[*position].name));
        let mut inner_of = vec![FieldIndex(0); order.len()];
        for (inner, outer) in (0u16..).zip(&order) {
            inner_of[*outer] = FieldIndex(inner);
        }
        let inner_fields: Vec<FieldSpec> = order
            .iter()
            .map(|outer| {
                let name = &*connection.fields[*outer].name;
                let column = self.column(name).unwrap_or(name);
                match self.inner.field(column) {
                    FieldLookup::Known(spec) | FieldLookup::Open(spec) => Ok(spec),
                    FieldLookup::Unknown => anyhow::bail!("the delivery has no field `{column}`"),
                }
            })
            .collect::<anyhow::Result<_>>()?;
        let inner = self.inner.open(Connection {
            name: connection.name.clone(),
            fields: inner_fields.clone(),
            mapped,
            match_fields: connection.match_fields.iter().map(|index| inner_of[index.get()]).collect(),
            create_missing: Vec::new(),
            today: connection.today,
        })?;
        // A blank cell means that nobody knows; an interface may drop a "no".
        let fields = match self.by_file {
            true => connection.fields.into_iter().map(FieldSpec::tells_no).collect(),
            false => connection.fields,
        };
        Ok(Box::new(DeliveredTarget { inner, fields, inner_fields, inner_of, words: self.words }))
    }
}

/// What each field is called by the delivery: columns have names for people, JSON has ours.
fn names(section: &Table<'_>, given: &Entries<String>, columns: &[Column], by_file: bool) -> Names {
    let wrong = |span, code, message: String| section.problems().error(span, code, message);
    let mut names: Vec<(Box<str>, Box<str>)> = columns
        .iter()
        .map(|(name, heading)| ((*name).into(), if by_file { (*heading).into() } else { (*name).into() }))
        .collect();
    for (Located { value: name, span }, heading) in &given.0 {
        match names.iter_mut().find(|(ours, _)| **ours == **name) {
            Some(position) => position.1 = heading.trim().into(),
            None => {
                let known = known(name, columns.iter().map(|(name, _)| *name));
                wrong(span.clone(), Code::UnknownField, format!("there is no field `{name}`; {known}"));
            }
        }
    }
    let mut headings = BTreeSet::new();
    if !names.iter().all(|(_, heading)| !heading.is_empty() && headings.insert(heading)) {
        let message = format!("{} must give each column a name of its own", section.name_of("columns"));
        wrong(section.key_span("columns"), Code::WrongValue, message);
    }
    names.into()
}
