//! How much an expression may make.
//!
//! A short line can ask for texts and lists of any size, for each employee. A usual file stays below a hundredth of
//! these limits.

use minijinja::value::{Rest, Value as Jinja, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, filters};

use super::filters::FilterError;

/// The most letters of a text.
pub(super) const MOST_LETTERS: usize = 100_000;
/// The most items of a list.
pub(super) const MOST_ITEMS: usize = 10_000;
/// The most steps of the engine.
const MOST_STEPS: u64 = 100_000;

type Check = fn(&[Jinja]) -> Result<(), Error>;

/// Filters that can make much of little look at what they would make first.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.set_fuel(Some(MOST_STEPS));
    let bounded: [(&'static str, Jinja, Check); 6] = [
        ("format", Jinja::from_function(filters::format), format),
        ("indent", Jinja::from_function(filters::indent), indent),
        ("replace", Jinja::from_function(filters::replace), replace),
        ("join", Jinja::from_function(filters::join), join),
        ("batch", Jinja::from_function(filters::batch), groups),
        ("slice", Jinja::from_function(filters::slice), groups),
    ];
    for (name, filter, check) in bounded {
        environment.add_filter(name, move |state: &mut State<'_, '_>, arguments: Rest<Jinja>| {
            check(&arguments)?;
            filter.call(state, &arguments)
        });
    }
}

/// In words; the numbers are ours.
pub(super) fn too_long() -> String {
    format!("it makes a text of more than {MOST_LETTERS} letters, which is the most that an expression may")
}

/// In words; the numbers are ours.
pub(super) fn too_many() -> String {
    format!("it makes a list of more than {MOST_ITEMS} items, which is the most that an expression may")
}

fn error(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, "filter").with_source(FilterError(message))
}

fn bound(letters: usize) -> Result<(), Error> {
    if letters > MOST_LETTERS { Err(error(too_long())) } else { Ok(()) }
}

fn text(arguments: &[Jinja], at: usize) -> &str {
    arguments.get(at).and_then(Jinja::as_str).unwrap_or_default()
}

fn numbers(arguments: &[Jinja]) -> impl Iterator<Item = usize> {
    arguments.iter().filter_map(Jinja::as_usize)
}

/// Widths stand in the text itself, or are arguments where it has a star.
fn format(arguments: &[Jinja]) -> Result<(), Error> {
    let pattern = text(arguments, 0);
    let written = pattern.split(|letter: char| !letter.is_ascii_digit());
    let widths = written.map(|digits| if digits.len() > 9 { usize::MAX } else { digits.parse().unwrap_or(0) });
    widths.chain(numbers(arguments).filter(|_| pattern.contains('*'))).try_for_each(bound)
}

fn indent(arguments: &[Jinja]) -> Result<(), Error> {
    let width = numbers(arguments.get(1..).unwrap_or_default()).next().unwrap_or(4);
    let text = text(arguments, 0);
    bound(text.len().saturating_add(width.saturating_mul(text.matches('\n').count() + 1)))
}

fn replace(arguments: &[Jinja]) -> Result<(), Error> {
    let (value, from, to) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    let found = if from.is_empty() { value.chars().count() + 1 } else { value.matches(from).count() };
    bound(value.len().saturating_add(found.saturating_mul(to.len())))
}

fn join(arguments: &[Jinja]) -> Result<(), Error> {
    let Some(list) = arguments.first().filter(|list| !list.is_undefined()) else { return Ok(()) };
    let Ok(items) = list.try_iter() else { return Ok(()) };
    let between = text(arguments, 1).len();
    let mut letters = 0usize;
    for item in items {
        let length = item.as_str().map_or(20, str::len);
        letters = letters.saturating_add(length).saturating_add(between);
        bound(letters)?;
    }
    Ok(())
}

/// A last group is filled up to the size of the others.
fn groups(arguments: &[Jinja]) -> Result<(), Error> {
    let count = numbers(arguments.get(1..).unwrap_or_default()).next().unwrap_or(0);
    if count > MOST_ITEMS { Err(error(too_many())) } else { Ok(()) }
}

/// Whether a result is too big to be one.
pub(super) fn check(value: &Jinja) -> Result<(), String> {
    match value.kind() {
        ValueKind::String if value.as_str().is_some_and(|text| text.len() > MOST_LETTERS) => Err(too_long()),
        ValueKind::Seq | ValueKind::Iterable if value.len().is_some_and(|items| items > MOST_ITEMS) => Err(too_many()),
        _ => Ok(()),
    }
}
