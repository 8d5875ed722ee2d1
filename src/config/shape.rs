//! The file as a whole.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{budget, expectations, lookup_tables, personio, state, target};
use crate::notify;
use crate::section::Located;
use crate::section::shape::{ByHand, Entries, definition, joined};

/// The keys of the file.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is `ByHand` is declared here and read from the table")]
pub(super) struct Shape {
    /// Whose midnight counts when a day has passed: an IANA name such as Europe/Berlin
    #[schemars(extend("default" = "UTC"))]
    pub(super) timezone: Option<Located<String>>,
    /// Which phone numbers `e164` takes: all that could exist, also of ranges that this version does not know, or `known`
    /// ones only
    #[serde(default)]
    pub(super) phones: Phones,
    /// Where the employees come from
    #[schemars(required)]
    personio: Option<ByHand<Personio>>,
    /// Lookup tables for expressions: `gender | lookup('gender')` looks in `[tables.gender]`
    tables: Option<ByHand<Entries<Entries<lookup_tables::Cell>>>>,
    /// The memory between runs
    state: Option<ByHand<state::Shape>>,
    /// How many calls may be made in a period, for targets that charge by the call
    budget: Option<ByHand<Budget>>,
    /// Who is told what, a sign of life, and a file for Prometheus
    notify: Option<ByHand<notify::Shape>>,
    /// The systems that are kept in line; the names are yours
    targets: Option<ByHand<Targets>>,
    /// Invented employees and what should come of them: `check` tries each
    test: Option<ByHand<Vec<expectations::Shape>>>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Phones {
    #[default]
    Possible,
    Known,
}

/// The schema of a table that several structs read.
macro_rules! several {
    ($name:ident = $($shape:ty),+) => {
        struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let schema = joined([$(definition::<$shape>(generator)),+]);
                schema.as_object().cloned().unwrap_or_default().into()
            }
        }
    };
}

several!(Personio = personio::Shape, personio::Names);
several!(Budget = budget::Shape, budget::Covered);

/// What stands below `targets`: each is of a type, whose keys the definition `target` knows.
struct Targets;

impl JsonSchema for Targets {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "targets".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9_-]+$" },
            "additionalProperties": { "$ref": "#/definitions/target" },
        })
    }
}

/// The keys of the file, without those of the targets.
pub fn file_schema(generator: &mut SchemaGenerator) -> Value {
    let mut schema = definition::<Shape>(generator);
    schema["description"] = json!("Configuration of personio-sync");
    schema
}

/// The keys that every target has.
pub fn target_schema(generator: &mut SchemaGenerator) -> Value {
    definition::<target::Shape>(generator)
}
