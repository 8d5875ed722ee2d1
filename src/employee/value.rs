use std::sync::Arc;

use chrono::NaiveDate;
use compact_str::CompactString;

use super::EmployeeId;

/// One attribute's value, converted from the wire once and for all.
///
/// [`Value::Hidden`] and [`Value::Empty`] are different facts: a hidden attribute was not delivered
/// (the credential may not read it) and says nothing; an empty one is known to have no value.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// Not delivered. Never a reason to change anything.
    #[default]
    Hidden,
    /// Delivered, and without a value.
    Empty,
    /// Text, trimmed; never blank. E-mail addresses keep their case here.
    Text(CompactString),
    Integer(i64),
    /// A number with a fraction.
    Decimal(f64),
    Bool(bool),
    /// A plain day, without any zone.
    Date(NaiveDate),
    /// Several texts (a tags attribute), in the order delivered; never empty.
    List(Box<[Box<str>]>),
    /// A department, office, team, subcompany or another object with an id and a name.
    Named(Arc<Named>),
    Supervisor(Arc<Supervisor>),
    /// The cost centres with their shares; never empty.
    CostCenters(Box<[CostCenterShare]>),
}

/// A part of a value, which may be kept back by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part<T> {
    /// Not delivered with the value. Never a reason to change anything.
    Hidden,
    /// Delivered, and without a value.
    Empty,
    Is(T),
}

impl<T> Part<T> {
    /// The part, where it is known and not empty.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Hidden | Self::Empty => None,
        }
    }
}

/// An object of Personio's that has an id and a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// Personio's id of the object; ids of work schedules exceed 2^53.
    pub id: Part<i64>,
    /// Its name, trimmed.
    pub name: CompactString,
}

/// What an employee's record says of the supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervisor {
    /// The supervisor's own employee id. The supervisor may be outside the result set.
    pub id: EmployeeId,
    pub email: Part<CompactString>,
    /// First and last name; hidden when one of them is.
    pub name: Part<CompactString>,
}

/// One of an employee's cost centres.
#[derive(Clone, Debug, PartialEq)]
pub struct CostCenterShare {
    /// Name, trimmed.
    pub name: Box<str>,
    /// Share in percent, 0 to 100.
    pub percentage: f64,
}

impl Value {
    /// Trimmed text, or [`Value::Empty`] when blank.
    pub fn text(text: &str) -> Self {
        match text.trim() {
            "" => Self::Empty,
            trimmed => Self::Text(trimmed.into()),
        }
    }

    /// Whether the attribute was not delivered.
    pub fn is_hidden(&self) -> bool {
        matches!(self, Self::Hidden)
    }

    /// The text, when the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The day, when the value is one.
    pub fn as_date(&self) -> Option<NaiveDate> {
        match self {
            Self::Date(date) => Some(*date),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_small() {
        assert_eq!(std::mem::size_of::<Value>(), 24);
    }

    #[test]
    fn blank_text_is_empty_and_other_text_is_trimmed() {
        assert_eq!(Value::text(" \t"), Value::Empty);
        assert_eq!(Value::text(" Ines "), Value::Text("Ines".into()));
    }
}
