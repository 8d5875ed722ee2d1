//! `steps.N.id` in an expression of a workflow's step: what an earlier step made.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::value::Value as Jinja;

use crate::field::FieldValue;

use super::expression::{Evaluation, Expression, ExpressionError};
use super::{Facts, Tables, Variable};

/// What is known of a step's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// It made nothing, or was left out.
    Nothing,
    /// It is carried out in this run, before it is needed.
    Awaited,
    /// The id of what it made.
    Id(Box<str>),
}

impl StepResult {
    /// The id as a value, if it is known: a number where it is one.
    pub fn id(&self) -> Option<FieldValue> {
        match self {
            Self::Id(id) => Some(id.parse().map_or_else(|_| FieldValue::text(id), FieldValue::Integer)),
            Self::Nothing | Self::Awaited => None,
        }
    }
}

/// An expression with everything in it but the results of earlier steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Deferred {
    expression: Arc<Expression>,
    /// In the order of the expression's variables; undefined where a result is to go.
    known: Box<[Jinja]>,
    tables: Arc<Tables>,
}

impl Deferred {
    /// Fills in what is known of one employee.
    ///
    /// # Errors
    ///
    /// With [`Evaluation::Frozen`] when an attribute was not delivered.
    pub fn new(expression: &Arc<Expression>, facts: &Facts<'_>) -> Result<Self, Evaluation> {
        let known = expression.known(facts)?;
        Ok(Self { expression: Arc::clone(expression), known, tables: Arc::clone(facts.tables) })
    }

    /// As the file has it.
    pub fn source(&self) -> &str {
        self.expression.source()
    }

    /// The steps whose results it uses, sorted.
    pub fn steps(&self) -> impl Iterator<Item = usize> {
        self.expression.steps()
    }

    /// Its value, given the result of each step it uses. Without one it is invalid, unless it says itself what to do
    /// then (`steps.0.id | default('none')`).
    pub fn evaluate(&self, result: impl Fn(usize) -> Option<FieldValue>) -> Evaluation {
        let mut missing = None;
        let values = self.expression.variables().iter().zip(&self.known).map(|(variable, known)| match variable {
            Variable::ResultOf(step) => match result(*step) {
                Some(value) => super::expression::to_jinja(&value),
                None => {
                    missing.get_or_insert(*step);
                    Jinja::UNDEFINED
                }
            },
            _ => known.clone(),
        });
        let values = values.collect();
        match (self.expression.run(values, &self.tables), missing) {
            (None | Some(Evaluation::Invalid { .. }), Some(step)) => Evaluation::Invalid {
                why: format!("step {step} made nothing whose id could be used: its condition did not hold"),
            },
            (Some(evaluation), _) => evaluation,
            (None, None) => Evaluation::Invalid { why: "it uses something that has no value here".into() },
        }
    }
}

/// The name that stands for a result in what the engine compiles: its own grammar has no `steps.0`.
pub(super) fn name_of(step: usize) -> String {
    format!("steps_{step}_id")
}

/// Puts names for `steps.N.id` (or `steps[N].id`), and gives the steps.
///
/// # Errors
///
/// When something else than the id of a step is asked for, or `usable` says why a step's id cannot be had.
pub(super) fn rewritten(
    source: &str,
    usable: &dyn Fn(usize) -> Result<(), String>,
) -> Result<(String, BTreeSet<usize>), ExpressionError> {
    let (mut text, mut steps) = (String::with_capacity(source.len()), BTreeSet::new());
    let mut rest = source;
    let mut before = ' ';
    while let Some(letter) = rest.chars().next() {
        if letter == '\'' || letter == '"' {
            let end = end_of_text(rest, letter);
            text.push_str(&rest[..end]);
            rest = &rest[end..];
            before = letter;
            continue;
        }
        let after = rest.strip_prefix("steps").filter(|after| !after.starts_with(is_part_of_name));
        if let Some(after) = after.filter(|_| !is_part_of_name(before) && before != '.') {
            let (step, after) = position(after)?;
            usable(step).map_err(ExpressionError)?;
            text.push_str(&name_of(step));
            steps.insert(step);
            rest = after;
            before = 'd';
            continue;
        }
        text.push(letter);
        before = letter;
        rest = &rest[letter.len_utf8()..];
    }
    Ok((text, steps))
}

fn is_part_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Where a quoted text that begins here ends.
fn end_of_text(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (position, letter) in text.char_indices().skip(1) {
        match letter {
            '\\' if !escaped => escaped = true,
            _ if letter == quote && !escaped => return position + 1,
            _ => escaped = false,
        }
    }
    text.len()
}

/// The step of `.0.id` or `[0].id`, and what comes after it.
fn position(text: &str) -> Result<(usize, &str), ExpressionError> {
    let unclear = || ExpressionError("`steps` is used as in `steps.0.id`: the id of what the first step made".into());
    let inner = text.strip_prefix('.').or_else(|| text.strip_prefix('[')).ok_or_else(unclear)?;
    let end = inner.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(inner.len());
    let step: usize = inner[..end].parse().map_err(|_| unclear())?;
    let mut after = &inner[end..];
    if text.starts_with('[') {
        after = after.strip_prefix(']').ok_or_else(unclear)?;
    }
    let after = after.strip_prefix('.').ok_or_else(unclear)?;
    let end = after.find(|letter: char| !is_part_of_name(letter)).unwrap_or(after.len());
    match &after[..end] {
        "id" => Ok((step, &after[end..])),
        "" => Err(unclear()),
        other => Err(ExpressionError(format!("a step has no result `{other}`; `steps.{step}.id` is the only one"))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::employee::{Attributes, Employee, EmployeeId, Value, standing};
    use crate::rules::{Truth, Vocabulary};

    fn compile(source: &str) -> Result<Arc<Expression>, String> {
        let vocabulary = Vocabulary::new(None::<[Box<str>; 0]>, BTreeMap::new(), Tables::new());
        let usable = |step: usize| match step {
            0 | 1 => Ok(()),
            other => Err(format!("step {other} comes later")),
        };
        Expression::compile_after(source, &vocabulary, &usable).map(Arc::new).map_err(|error| error.to_string())
    }

    fn facts<T>(results: &[StepResult], work: impl FnOnce(&Facts<'_>) -> T) -> T {
        let attributes = Attributes::new(["email", "first_name", "office", "status"]);
        let values = attributes.keys().map(|key| match key {
            "first_name" => Value::text("Mira"),
            "email" => Value::Hidden,
            _ => Value::Empty,
        });
        let employee = Employee::new(EmployeeId(7), values.collect::<Vec<_>>());
        let today = "2026-11-22".parse().unwrap();
        let tables = Arc::default();
        let standing = standing(&employee, &attributes, today);
        work(&Facts::new(&employee, &attributes, &standing, today, &tables).with_results(results))
    }

    #[test]
    fn an_id_can_be_used_wherever_a_value_can() {
        let number = |step: usize| (step == 0).then_some(FieldValue::Integer(41));
        for (source, expected) in [
            ("steps.0.id", FieldValue::Integer(41)),
            ("steps[0].id", FieldValue::Integer(41)),
            ("'Request ' ~ steps.0.id ~ ' of ' ~ first_name", FieldValue::text("Request 41 of Mira")),
            ("'Request ' + steps.0.id|string", FieldValue::text("Request 41")),
            ("'steps.0.id \\' steps.9.id ' ~ steps.0.id", FieldValue::text("steps.0.id ' steps.9.id 41")),
            ("steps.0.id + 1", FieldValue::Integer(42)),
            ("steps.1.id | default('none')", FieldValue::text("none")),
            ("steps.0.id if steps.1.id is undefined else first_name", FieldValue::Integer(41)),
        ] {
            let deferred = facts(&[], |facts| Deferred::new(&compile(source).unwrap(), facts)).unwrap();
            assert_eq!(deferred.evaluate(number), Evaluation::Value(expected), "{source}");
        }
        let text = facts(&[], |facts| Deferred::new(&compile("steps.1.id").unwrap(), facts)).unwrap();
        assert_eq!(text.evaluate(|_| Some(FieldValue::text("a-1"))), Evaluation::Value(FieldValue::text("a-1")));
        assert_eq!(text.steps().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn without_a_result_there_is_no_value_and_hidden_attributes_freeze() {
        for source in ["steps.1.id", "'Request ' ~ steps.1.id", "steps.1.id + 1", "steps.1.id or 'none'"] {
            let deferred = facts(&[], |facts| Deferred::new(&compile(source).unwrap(), facts)).unwrap();
            match deferred.evaluate(|_| None) {
                Evaluation::Invalid { why } => assert!(why.contains("step 1 made nothing"), "{source}: {why}"),
                other => panic!("{source}: {other:?}"),
            }
        }
        let frozen = facts(&[], |facts| Deferred::new(&compile("email ~ steps.0.id").unwrap(), facts));
        assert_eq!(frozen, Err(Evaluation::Frozen { attribute: "email".into() }));
    }

    #[test]
    fn a_condition_asks_whether_something_was_made() {
        let results = [StepResult::Id("41".into()), StepResult::Nothing];
        for (source, expected) in [
            ("steps.0.id", Truth::Yes),
            ("steps.1.id", Truth::No),
            ("not steps.1.id and first_name == 'Mira'", Truth::Yes),
            ("steps.0.id == 41", Truth::Yes),
        ] {
            assert_eq!(facts(&results, |facts| compile(source).unwrap().holds(facts)), expected, "{source}");
        }
        assert_eq!(facts(&[StepResult::Awaited], |facts| compile("steps.0.id").unwrap().holds(facts)), Truth::Yes);
    }

    #[test]
    fn what_cannot_be_had_is_an_error_of_the_file() {
        for (source, expected) in [
            ("steps.2.id", "step 2 comes later"),
            ("'a' ~ steps.2.id", "step 2 comes later"),
            ("steps.0.ticket_id", "a step has no result `ticket_id`; `steps.0.id` is the only one"),
            ("steps.0", "`steps` is used as in `steps.0.id`"),
            ("steps.first.id", "`steps` is used as in `steps.0.id`"),
            ("steps", "`steps` is used as in `steps.0.id`"),
            ("steps[0.id", "`steps` is used as in `steps.0.id`"),
            ("steps.0.id ~ frist_name", "did you mean `first_name`?"),
            ("my_steps.0.id", "there is no attribute `my_steps`"),
        ] {
            let error = compile(source).unwrap_err();
            assert!(error.contains(expected), "{source}: {error}");
        }
        let plain = Expression::compile("steps.0.id", &Vocabulary::default()).unwrap_err().to_string();
        assert!(plain.contains("only a step of a workflow"), "{plain}");
    }
}
