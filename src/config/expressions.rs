use crate::code::Code;
use crate::rules::{Expression, Vocabulary};
use crate::targets::Condition;

use crate::section::{Located, Table};

/// `include` and `exclude`: a list of conditions over attributes.
pub(super) fn conditions(
    table: &Table<'_>,
    key: &str,
    texts: Option<&[Located<String>]>,
    vocabulary: &Vocabulary,
) -> Vec<Expression> {
    let compile = |text: &Located<String>| match Expression::compile(&text.value, vocabulary) {
        Ok(condition) => Some(condition),
        Err(error) => {
            let message = format!("{}: {error}", table.name_of(key));
            table.problems().error(text.span.clone(), Code::Expression, message);
            None
        }
    };
    texts.unwrap_or_default().iter().filter_map(compile).collect()
}

/// Conditions that a target type makes of its own settings.
pub(super) fn of_the_type(table: &Table<'_>, conditions: &[Condition], vocabulary: &Vocabulary) -> Vec<Expression> {
    let compile = |condition: &Condition| match Expression::compile(&condition.source, vocabulary) {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            table.problems().error(condition.span.clone(), Code::Expression, error.to_string());
            None
        }
    };
    conditions.iter().filter_map(compile).collect()
}
