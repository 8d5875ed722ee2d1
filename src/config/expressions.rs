use crate::rules::{Expression, Vocabulary};

use super::reader::Table;

/// `include` and `exclude`: a list of conditions over attributes.
pub(super) fn conditions(table: &Table<'_>, key: &str, vocabulary: &Vocabulary) -> Vec<Expression> {
    let mut conditions = Vec::new();
    for text in table.texts(key).unwrap_or_default() {
        match Expression::compile(text.value, vocabulary) {
            Ok(condition) => conditions.push(condition),
            Err(error) => table.problems().error(text.span, "expression", format!("{}: {error}", table.name_of(key))),
        }
    }
    conditions
}
