//! From the forms in which Personio spells values to our values.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;

use super::wire::{AttributeType, Object, Raw};
use crate::employee::{CostCenterShare, EmployeeId, Named, Part, PresetKind, Supervisor, Value};

/// What came in place of a value that could be read; never the value itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    NoValue,
    Bool,
    Number,
    LongNumber,
    Text,
    Garbled,
    Object,
    List,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoValue => "something without a value",
            Self::Bool => "true or false",
            Self::Number => "a number of an unexpected kind",
            Self::LongNumber => "a whole number of more digits than can be kept",
            Self::Text => "a text of an unexpected form",
            Self::Garbled => "a text with half a character in it",
            Self::Object => "an object with unexpected parts",
            Self::List => "a list with unexpected parts",
        })
    }
}

impl Unreadable {
    fn at(raw: &Raw<'_>) -> Self {
        match raw {
            Raw::Null => Self::NoValue,
            Raw::Bool(_) => Self::Bool,
            Raw::Decimal(number) if is_rounded(*number) => Self::LongNumber,
            Raw::Integer(_) | Raw::Decimal(_) => Self::Number,
            Raw::Text(_) => Self::Text,
            Raw::Garbled => Self::Garbled,
            Raw::Object(_) => Self::Object,
            Raw::List(_) => Self::List,
        }
    }
}

/// The value of an attribute: presets by what they are known to hold, custom ones by their `type`.
///
/// Null, blank text and an empty list are all spellings of "no value", for every kind.
pub(super) fn convert(preset: Option<PresetKind>, kind: AttributeType, raw: Raw<'_>) -> Result<Value, Unreadable> {
    match &raw {
        Raw::Null => return Ok(Value::Empty),
        Raw::Text(text) if text.trim().is_empty() => return Ok(Value::Empty),
        Raw::List(items) if items.is_empty() => return Ok(Value::Empty),
        _ => {}
    }
    let value = match (preset, kind) {
        (Some(PresetKind::Text | PresetKind::Timestamp), _) => text(&raw),
        (Some(PresetKind::Number), _) | (None, AttributeType::Integer | AttributeType::Decimal) => number(&raw),
        (Some(PresetKind::Date), _) | (None, AttributeType::Date) => date(&raw),
        (Some(PresetKind::Named), _) => named(&raw),
        (Some(PresetKind::Supervisor), _) => supervisor(&raw),
        (Some(PresetKind::CostCenters), _) => cost_centers(&raw),
        (Some(PresetKind::List), _) | (None, AttributeType::Tags) => list(&raw),
        (None, AttributeType::Standard | AttributeType::Multiline | AttributeType::Link | AttributeType::List) => {
            match &raw {
                Raw::Bool(yes) => Some(Value::Bool(*yes)),
                Raw::Object(_) => named(&raw),
                Raw::List(_) => list(&raw),
                _ => text(&raw),
            }
        }
        (None, AttributeType::Unknown) => match &raw {
            Raw::Bool(yes) => Some(Value::Bool(*yes)),
            Raw::Object(_) => named(&raw),
            Raw::List(_) => list(&raw),
            Raw::Integer(_) | Raw::Decimal(_) => number(&raw),
            // Without a type, only the midnight tells a day from a text.
            Raw::Text(spelt) if spelt.get(10..).is_some_and(|rest| rest.starts_with("T00:00:00")) => {
                date(&raw).or_else(|| text(&raw))
            }
            _ => text(&raw),
        },
    };
    value.ok_or_else(|| Unreadable::at(&raw))
}

fn text(raw: &Raw<'_>) -> Option<Value> {
    match raw {
        Raw::Text(text) => Some(Value::text(text)),
        Raw::Integer(number) => Some(Value::Text(number.to_string().into())),
        Raw::Decimal(number) if !is_rounded(*number) => Some(Value::Text(number.to_string().into())),
        _ => None,
    }
}

/// Up to here, every whole number is exact as a fraction, too.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Whether digits of a whole number may be lost: two people would share one number.
fn is_rounded(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() >= EXACT
}

/// Whole numbers become integers however they are spelt: `40`, `"40"`, `40.0`.
fn number(raw: &Raw<'_>) -> Option<Value> {
    let number = match raw {
        Raw::Integer(number) => return Some(Value::Integer(*number)),
        Raw::Decimal(number) => *number,
        Raw::Text(text) => {
            let text = text.trim();
            if let Ok(number) = text.parse() {
                return Some(Value::Integer(number));
            }
            // Words such as "inf" and "nan" are numbers to Rust, and "1e5" is no spelling of Personio's.
            if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+')) {
                return None;
            }
            text.parse().ok()?
        }
        _ => return None,
    };
    if !number.is_finite() || is_rounded(number) {
        None
    } else if number.fract() == 0.0 {
        Some(Value::Integer(number as i64))
    } else {
        Some(Value::Decimal(number))
    }
}

/// The first ten characters. Personio's dates are midnights in the account's zone: by way of UTC they would
/// become the day before.
fn date(raw: &Raw<'_>) -> Option<Value> {
    let Raw::Text(text) = raw else { return None };
    let text = text.trim();
    let (day, rest) = text.split_at_checked(10)?;
    if !(rest.is_empty() || rest.starts_with(['T', ' '])) {
        return None;
    }
    let day = day.as_bytes();
    if day[4] != b'-' || day[7] != b'-' {
        return None;
    }
    let part = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0u32, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
    };
    let year = i32::try_from(part(&day[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, part(&day[5..7])?, part(&day[8..])?).map(Value::Date)
}

/// Trimmed text of a part of an object. One that is not there, or is no text, is hidden.
fn part<'r>(raw: Option<&'r Raw<'_>>) -> Part<&'r str> {
    match raw.map(Raw::plain) {
        Some(Raw::Null) => Part::Empty,
        Some(Raw::Text(text)) => match text.trim() {
            "" => Part::Empty,
            text => Part::Is(text),
        },
        _ => Part::Hidden,
    }
}

/// The same, where the object makes no sense without it.
fn needed<'r>(raw: Option<&'r Raw<'_>>) -> Option<&'r str> {
    part(raw).known().copied()
}

fn named(raw: &Raw<'_>) -> Option<Value> {
    let Raw::Object(object) = raw else { return None };
    let id = match object.id.as_ref().map(Raw::plain) {
        None => Part::Hidden,
        Some(Raw::Null) => Part::Empty,
        Some(Raw::Integer(id)) => Part::Is(*id),
        Some(Raw::Text(text)) => Part::Is(text.trim().parse().ok()?),
        // A number with a fraction has lost digits of a long id already.
        Some(_) => return None,
    };
    Some(Value::Named(Arc::new(Named { id, name: needed(object.name.as_ref())?.into() })))
}

fn supervisor(raw: &Raw<'_>) -> Option<Value> {
    let Raw::Object(object) = raw else { return None };
    let id = EmployeeId(object.id.as_ref()?.id()?);
    let name = match (part(object.first_name.as_ref()), part(object.last_name.as_ref())) {
        // Half a name is not the name.
        (Part::Hidden, _) | (_, Part::Hidden) => Part::Hidden,
        (Part::Empty, Part::Empty) => Part::Empty,
        (Part::Is(name), Part::Empty) | (Part::Empty, Part::Is(name)) => Part::Is(name.into()),
        (Part::Is(first), Part::Is(last)) => Part::Is(format!("{first} {last}").into()),
    };
    let email = match part(object.email.as_ref()) {
        Part::Hidden => Part::Hidden,
        Part::Empty => Part::Empty,
        Part::Is(email) => Part::Is(email.into()),
    };
    Some(Value::Supervisor(Arc::new(Supervisor { id, email, name })))
}

fn cost_centers(raw: &Raw<'_>) -> Option<Value> {
    let Raw::List(items) = raw else { return None };
    let share = |object: &Object<'_>| match object.percentage.as_ref().map(Raw::plain) {
        // A share that is not told is only known when there is nobody to share with.
        None | Some(Raw::Null) if items.len() == 1 => Some(100.0),
        Some(raw) => match number(raw)? {
            Value::Integer(share) => Some(share as f64),
            Value::Decimal(share) => Some(share),
            _ => None,
        },
        None => None,
    };
    let shares = items.iter().map(|item| {
        let Raw::Object(object) = item else { return None };
        let percentage = share(object).filter(|share| (0.0..=100.0).contains(share))?;
        Some(CostCenterShare { name: needed(object.name.as_ref())?.into(), percentage })
    });
    Some(Value::CostCenters(shares.collect::<Option<_>>()?))
}

/// Tags: one text with commas, since 2026 sometimes a JSON list inside a text; lists of names are lists.
fn list(raw: &Raw<'_>) -> Option<Value> {
    let item = |raw: &Raw<'_>| match raw {
        Raw::Null => Some(String::new()),
        Raw::Text(text) => Some(text.trim().to_owned()),
        Raw::Integer(number) => Some(number.to_string()),
        Raw::Object(object) => needed(object.name.as_ref()).map(str::to_owned),
        Raw::Bool(_) | Raw::Decimal(_) | Raw::Garbled | Raw::List(_) => None,
    };
    let items: Vec<String> = match raw {
        Raw::List(items) => items.iter().map(item).collect::<Option<_>>()?,
        Raw::Text(text) => {
            let inside =
                text.trim().starts_with('[').then(|| serde_json::from_str::<Vec<Raw<'_>>>(text).ok()).flatten();
            match inside {
                Some(items) => items.iter().map(item).collect::<Option<_>>()?,
                None => text.split(',').map(|tag| tag.trim().to_owned()).collect(),
            }
        }
        _ => return None,
    };
    let items: Box<[Box<str>]> = items.into_iter().filter(|item| !item.is_empty()).map(Into::into).collect();
    Some(if items.is_empty() { Value::Empty } else { Value::List(items) })
}
