//! The program itself, as its users run it, against the simulated systems.
//!
//! One test binary with a module for each thing that is shown, so that the program is linked once.

#![expect(clippy::disallowed_methods, reason = "the program under test goes by the clock of this machine")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

#[path = "../browser/mod.rs"]
mod browser;
mod changes;
mod commands;
mod completion;
mod conformance;
mod conversations;
mod delivery;
mod exit_codes;
mod faults;
mod fields;
mod finding;
mod json;
mod logs;
mod notify;
mod output;
mod overview;
mod people;
mod requests;
mod rule_diff;
mod rule_tests;
mod safety;
mod scene;
mod schedule;
mod scim;
mod servers;
mod todo;
mod upcoming;
