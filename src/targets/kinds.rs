//! The types of targets: whatever knows them all reads them here.

use schemars::SchemaGenerator;
use serde_json::Value;

use crate::section::Table;
use crate::simulation::System;
use crate::simulation::people::Company;

use super::TargetType;

/// Every type, in the order in which they are offered.
pub const KINDS: &[Kind] = &[
    super::freshservice::KIND,
    super::travelperk::KIND,
    super::scim::KIND,
    super::slack::KIND,
    super::entra::KIND,
    super::conversations::KIND,
    super::pento::KIND,
    super::probonio::KIND,
    super::declared::KIND,
    super::file::KIND,
];

/// A type of target, as the file, `init`, `schema` and the sandbox know it.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The word in `type = "..."`, and in the sandbox the first part of the path.
    pub name: &'static str,
    pub parse: Parse,
    /// The section that `init` writes. It runs in the sandbox as it is.
    pub starter: &'static str,
    /// The keys of the section, for editors and the reference.
    pub keys: fn(&mut SchemaGenerator) -> Value,
    /// What stands for the service in the sandbox, where there is something to simulate.
    pub simulate: Option<Simulate>,
}

/// Makes what stands for a service, for the people of a company.
pub type Simulate = fn(&Company) -> Box<dyn System>;

/// Reads what one type of target has in its section beside the keys every target has.
///
/// `None` when something needed is missing or wrong, which is then among the problems. Ask for every key
/// before returning: a key that was not asked for is reported as unknown.
pub type Parse = fn(&Table<'_>) -> Option<Box<dyn TargetType>>;

impl Kind {
    /// A type that is nothing but a reader.
    pub const fn unlisted(name: &'static str, parse: Parse) -> Self {
        Self { name, parse, starter: "", keys: |_| Value::Null, simulate: None }
    }
}
