use std::fmt;
use std::ops::Range;

use serde::de::{Expected, Unexpected};

/// What is wrong with a value, as serde tells it; the words are made once its place and its schema are known.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) what: What,
    pub(super) place: Option<Box<Place>>,
}

/// Where the value stands.
#[derive(Debug)]
pub(super) struct Place {
    /// Keys and places in lists, from the table that is read on.
    pub(super) path: Vec<Box<str>>,
    pub(super) span: Range<usize>,
    /// What stands there: `a text`.
    pub(super) found: &'static str,
    /// The keys of a table.
    pub(super) keys: Vec<Box<str>>,
    /// Whether it is one of a list.
    pub(super) in_list: bool,
}

#[derive(Debug)]
pub(super) enum What {
    /// It must be something of another type.
    Type(String),
    /// It must be something else, said so that it fits behind the name.
    Value(String),
    /// It is none of the words that are known.
    Word(String, &'static [&'static str]),
    /// It must have exactly one of these keys.
    Form(&'static [&'static str]),
    /// It is a list of which something is wrong, which is said already.
    Incomplete,
    /// It needs a key.
    Missing(&'static str),
}

impl Error {
    pub(super) fn wrong_type(wanted: impl fmt::Display) -> Self {
        What::Type(wanted.to_string()).into()
    }

    /// Gives it a place, unless it has one from further down.
    pub(super) fn at(mut self, place: impl FnOnce() -> Place) -> Self {
        self.place.get_or_insert_with(|| Box::new(place()));
        self
    }
}

impl From<What> for Error {
    fn from(what: What) -> Self {
        Self { what, place: None }
    }
}

impl std::error::Error for Error {}

/// For whoever debugs: the words for users need the place.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.what, f)
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        What::Value(message.to_string()).into()
    }

    fn invalid_type(_found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::wrong_type(wanted)
    }

    fn invalid_value(_found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        What::Value(format!("must be {wanted}")).into()
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        What::Word(word.to_owned(), known).into()
    }

    fn missing_field(key: &'static str) -> Self {
        What::Missing(key).into()
    }
}
