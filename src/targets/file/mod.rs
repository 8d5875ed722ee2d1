//! A file as a target: CSV, JSON or XLSX.
//!
//! The rows of the file are the accounts, the mapped fields its columns, in the order of the mapping.
//! Nothing is written until the last change of a run is in: then the file is replaced in one step, so
//! that a reader sees the old file or the new one, and never half of either.

mod cell;
mod delimited;
mod formula;
mod json;
mod leavers;
mod open;
mod replace;
mod rows;
mod settings;
#[cfg(test)]
mod tests;
mod workbook;

pub use formula::quote;
pub use open::{NamedFile, OpenFile};
pub use settings::{FileDefaults, FileTarget, parse, path, schema, schema_without_path};

pub const KIND: super::Kind =
    super::Kind { name: "file", parse, starter: include_str!("starter.toml"), keys: schema, simulate: None };
