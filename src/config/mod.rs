//! The TOML file: read once, all its problems reported together, and turned into settled settings.
//!
//! [`load`] is the way in. It gives [`Settings`], in which nothing is left to be looked up or checked
//! without contacting anybody, or a [`LoadError`] that holds every mistake of the file with its line and
//! column:
//!
//! ```text
//! personio-sync.toml:9:12: error: there is no attribute `emial`; did you mean `email`?
//! personio-sync.toml:14:1: error: [targets.service-desk] does not know `domian`; did you mean `domain`? known: …
//! ```
//!
//! What is read where: [`Table`](crate::section::Table) reads tables key by key and knows what nobody asked for; each
//! section has a file of its own (`personio`, `state`, `budget`, `target`, and for the tables below a target `mapping`,
//! `matching`, `leavers`, `safety`). What only one type of target has in its section is read by that type, with the
//! same reader.
//!
//! This is the only part of the tool that looks at the environment, and it does so through a function that
//! is handed in. Secrets are read while the file is loaded, so that a missing one is found before anything
//! is contacted; [`SecretMode::Invent`](crate::section::SecretMode::Invent) leaves them alone.
//!
//! [`set_paused`] changes one line of the file and keeps the rest as it is.

mod budget;
mod edit;
mod expectations;
mod expressions;
mod fields;
mod leavers;
mod load;
mod lookup_tables;
mod mapping;
mod matching;
mod memberships;
mod names;
mod personio;
mod safety;
mod schedule;
mod section;
mod settings;
mod shape;
mod state;
mod syntax;
mod target;
#[cfg(test)]
mod tests;
mod timezone;
mod workflow;
mod zoneinfo;

pub use edit::{EditError, WorkflowSwitch, set_paused, switch_workflow};
pub use load::{DEFAULT_FILE, LoadError, LoadOptions, find_config, load};
pub use names::{Names, names};
pub use personio::why_no_alias;
pub use settings::{BudgetPeriod, BudgetSettings, ConfigFile, Settings, StateLocation, StateSettings, TargetSettings};
pub use shape::{file_schema, target_schema};
pub use zoneinfo::MachineZones;
