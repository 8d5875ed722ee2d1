//! Keeps a company's other systems in line with its employee data in Personio.
//!
//! Data flows one way: settings → employees → scope → desired fields → existing accounts → correlate →
//! diff → plan → guard → ask → write → outcome → report.

pub mod cli;
pub mod code;
pub mod config;
mod destination;
pub mod documents;
pub mod employee;
pub mod exit;
pub mod field;
pub mod http;
pub mod key_tables;
pub mod mail;
pub mod notify;
pub mod output;
pub mod personio;
pub mod plan;
pub mod progress;
#[cfg(test)]
mod reference;
pub mod rules;
pub mod sandbox;
pub mod schedule;
pub mod section;
pub mod simulation;
pub mod state;
pub mod sync;
pub mod targets;
pub mod words;
pub mod zone;
