//! The types of targets that a file may name.

use crate::section::Table;

use super::TargetType;

/// Reads what one type of target has in its section beside the keys every target has.
///
/// `None` when something needed is missing or wrong, which is then among the problems. Ask for every key
/// before returning: a key that was not asked for is reported as unknown.
pub type Parse = fn(&Table<'_>) -> Option<Box<dyn TargetType>>;

/// Every type with its reader. Adding a target is a line here.
#[rustfmt::skip]
pub const TYPES: &[(&str, Parse)] = &[
    ("conversations", super::conversations::parse),
    ("entra", super::entra::parse),
    ("file", super::file::parse),
    ("freshservice", super::freshservice::parse),
    ("http", super::declared::parse),
    ("pento", super::pento::parse),
    ("probonio", super::probonio::parse),
    ("scim", super::scim::parse),
    ("slack", super::slack::parse),
    ("travelperk", super::travelperk::parse),
];
