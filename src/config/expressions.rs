use crate::rules::{Expression, Vocabulary};
use crate::targets::Condition;

use crate::section::Table;

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

/// Conditions that a target type makes of its own settings.
pub(super) fn of_the_type(table: &Table<'_>, conditions: &[Condition], vocabulary: &Vocabulary) -> Vec<Expression> {
    let compile = |condition: &Condition| match Expression::compile(&condition.source, vocabulary) {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            table.problems().error(condition.span.clone(), "expression", error.to_string());
            None
        }
    };
    conditions.iter().filter_map(compile).collect()
}
