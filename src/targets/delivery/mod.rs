//! How the targets without an interface of their own reach their account: as a file, which people fetch or which is sent
//! by SFTP or e-mail, or through a declared HTTP interface.

mod carrier;
mod service;
mod sftp;
mod target;
#[cfg(test)]
mod tests;

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
use super::file::{self, FileDefaults, FileTarget};
use super::{Connection, FieldLookup, SandboxAddresses, Target, TargetType};
use crate::mail;
use carrier::{Carrier, Parcels};
use sftp::Sftp;
use target::DeliveredTarget;

pub(super) use service::{Delivered, Service};

/// A field of a delivered target: its name in the file, and its column.
pub(super) type Column = (&'static str, &'static str);

/// Our name of each field and that of the delivery, in the order of the columns.
type Names = Arc<[(Box<str>, Box<str>)]>;

/// The block `delivery` of a section, with the names that the delivery uses for the fields.
#[derive(Debug)]
pub(super) struct Delivery {
    way: Way,
    /// In the order of the columns: our name, theirs.
    names: Names,
    words: [&'static str; 2],
}

#[derive(Debug)]
enum Way {
    File {
        file: FileTarget,
        /// `None` where people fetch the file from this machine.
        carrier: Option<Arc<Carrier>>,
    },
    Http(Box<dyn TargetType>),
}

impl Way {
    fn target(&self) -> &dyn TargetType {
        match self {
            Self::File { file, .. } => file,
            Self::Http(declared) => &**declared,
        }
    }

    fn is_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }
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
    /// A file, a file that is sent by SFTP or e-mail, or an HTTP interface
    #[schemars(example = &"file")]
    r#type: Route,
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Route {
    File,
    Sftp,
    Email,
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
        let way = match route {
            Some(Route::File) => {
                FileTarget::parse(&table, file::path(&table), defaults).map(|file| Way::File { file, carrier: None })
            }
            Some(Route::Sftp) => {
                let sftp = Sftp::parse(&table);
                let path = sftp.as_ref().map(Sftp::copy);
                let file = FileTarget::parse(&table, path, defaults);
                sftp.zip(file).map(|(sftp, file)| Way::File { file, carrier: Some(Arc::new(Carrier::Sftp(sftp))) })
            }
            Some(Route::Email) => {
                let path = file::path(&table);
                let shape: Option<mail::Shape> = table.read();
                let settings = shape.and_then(|shape| shape.settled(table.path(), table.problems()));
                let file = FileTarget::parse(&table, path, defaults);
                settings.zip(file).map(|(mail, file)| Way::File { file, carrier: Some(Arc::new(Carrier::Mail(mail))) })
            }
            Some(Route::Http) => declared::parse(&table).map(Way::Http),
            None => {
                // Nobody knows the keys of a type that is not there.
                table.accept_all();
                None
            }
        };
        table.finish();
        let names = names(section, &keys.columns, columns, route != Some(Route::Http));
        Some(Self { way: way?, names, words })
    }

    /// The schema of a section that is delivered, with the keys of its type.
    pub(super) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> serde_json::Value {
        let mut schema = shape::joined([shape::definition::<Keys>(generator), shape::definition::<T>(generator)]);
        let way = |name: &str, mut keys: serde_json::Value| {
            keys["properties"]["type"] = json!({ "const": name });
            keys["additionalProperties"] = json!(false);
            keys
        };
        schema["properties"]["delivery"]["oneOf"] = json!([
            way("file", file::schema(generator)),
            way("sftp", shape::joined([sftp::schema(generator), file::schema_without_path(generator)])),
            way("email", shape::joined([shape::definition::<mail::Shape>(generator), file::schema(generator)])),
            way("http", (declared::KIND.keys)(generator)),
        ]);
        schema
    }

    /// Whether the delivery can carry a field.
    pub(super) fn carries(&self, name: &str) -> bool {
        self.column(name).is_some_and(|column| self.way.target().field(column) != FieldLookup::Unknown)
    }

    fn column(&self, name: &str) -> Option<&str> {
        self.names.iter().find(|(ours, _)| **ours == *name).map(|(_, theirs)| &**theirs)
    }

    /// As [`TargetType::identity`].
    pub(super) fn identity(&self) -> String {
        self.way.target().identity()
    }

    /// As [`TargetType::redirect`].
    pub(super) fn redirect(&mut self, sandbox: &SandboxAddresses) {
        match &mut self.way {
            Way::File { file, carrier } => {
                file.redirect(sandbox);
                // From the sandbox nothing is sent to anybody.
                *carrier = None;
            }
            Way::Http(declared) => declared.redirect(sandbox),
        }
    }

    /// As [`Offers::declaration`](super::Offers::declaration).
    pub(super) fn declaration(&self) -> Option<&Declaration> {
        match &self.way {
            Way::File { .. } => None,
            Way::Http(declared) => declared.offers().declaration,
        }
    }

    /// As [`TargetType::describe`].
    pub(super) fn describe(&self) -> Vec<String> {
        let how = match &self.way {
            Way::File { carrier: None, .. } => "delivered as a file".to_owned(),
            Way::File { carrier: Some(carrier), .. } => format!("delivered as a file {}", carrier.describe()),
            Way::Http(_) => "delivered through the HTTP interface that the file declares".to_owned(),
        };
        let mut lines = vec![how];
        lines.extend(self.way.target().describe());
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
                match self.way.target().field(column) {
                    FieldLookup::Known(spec) | FieldLookup::Open(spec) => Ok(spec),
                    FieldLookup::Unknown => anyhow::bail!("the delivery has no field `{column}`"),
                }
            })
            .collect::<anyhow::Result<_>>()?;
        let connection_inside = Connection {
            name: connection.name.clone(),
            fields: inner_fields.clone(),
            mapped,
            match_fields: connection.match_fields.iter().map(|index| inner_of[index.get()]).collect(),
            create_missing: Vec::new(),
            today: connection.today,
        };
        let (inner, parcels): (Arc<dyn Target>, _) = match &self.way {
            Way::File { file, carrier } => {
                let file = Arc::new(file.open_file(&connection_inside));
                (file.clone(), Some(Parcels { file, carrier: carrier.clone() }))
            }
            Way::Http(declared) => (declared.open(connection_inside)?.into(), None),
        };
        // A blank cell means that nobody knows; an interface may drop a "no".
        let fields = match self.way.is_file() {
            true => connection.fields.into_iter().map(FieldSpec::tells_no).collect(),
            false => connection.fields,
        };
        Ok(Box::new(DeliveredTarget { inner, parcels, fields, inner_fields, inner_of, words: self.words }))
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
