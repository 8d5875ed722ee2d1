//! Items of a declared service, to and from our values.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde_json::Value as Json;

use crate::field::{AccountId, FieldKind, FieldValue};
use crate::http::{Response, UnexpectedBody};
use crate::plan::Account;
use crate::rules::convert;

use super::declaration::{Clear, DeclaredField, List};

/// An answer as JSON. Whole numbers beyond 64 bits, which some services use for ids, are kept as they are spelt.
pub(super) fn document(answer: &Response) -> Result<Json, UnexpectedBody> {
    serde_json::from_slice(&long_numbers_as_text(&answer.body)).map_err(|error| UnexpectedBody::new(answer, &error))
}

fn long_numbers_as_text(body: &[u8]) -> Cow<'_, [u8]> {
    let (mut text, mut copied) = (Vec::new(), 0);
    let (mut at, mut quoted) = (0, false);
    while let Some(byte) = body.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'-' | b'0'..=b'9' if !quoted => {
                let length = body[at..].iter().take_while(|byte| b"+-.eE0123456789".contains(byte)).count();
                let number = std::str::from_utf8(&body[at..at + length]).unwrap_or_default();
                let digits = number.strip_prefix('-').unwrap_or(number);
                let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                if whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    text.extend_from_slice(&body[copied..at]);
                    text.extend(format!("\"{number}\"").into_bytes());
                    copied = at + length;
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(body);
    }
    text.extend_from_slice(&body[copied..]);
    Cow::Owned(text)
}

/// A value as it is sent.
pub(super) fn to_json(value: &FieldValue, field: &DeclaredField, clear: Clear) -> Json {
    match value {
        FieldValue::Empty if clear == Clear::Text && field.spec.kind == FieldKind::List => Json::Array(Vec::new()),
        FieldValue::Empty if clear == Clear::Text => Json::from(""),
        FieldValue::Empty => Json::Null,
        FieldValue::Bool(value) => Json::from(*value),
        FieldValue::Integer(number) => Json::from(*number),
        FieldValue::Decimal(number) => Json::from(*number),
        FieldValue::List(items) => items.iter().map(|item| Json::from(&**item)).collect(),
        FieldValue::Date(day) => match &field.spec.day_format {
            Some(format) => Json::from(day.format(format).to_string()),
            None => Json::from(day.to_string()),
        },
        FieldValue::Text(_) | FieldValue::Account(_) | FieldValue::Employee(_) => Json::from(value.to_string()),
    }
}

/// A value as it was read. One that the field could not take is kept as text, so that it differs from any value
/// that should be there and is written over.
///
/// # Errors
///
/// When it is an object or a list where the file declares a single value: then the declaration is wrong, and
/// whatever was compared would be.
fn from_json(json: Option<&Json>, field: &DeclaredField) -> Result<FieldValue, String> {
    let spec = &field.spec;
    let unexpected = |what| format!("`{}` is {what} at `{}`; check `fields`", spec.name, field.at.as_str());
    let value = match json {
        None | Some(Json::Null) => return Ok(FieldValue::Empty),
        Some(Json::String(text)) => match (&spec.day_format, spec.kind) {
            // Another form than the declared one is no day: guessing would swap days and months.
            (Some(format), FieldKind::Date) => {
                let day = NaiveDate::parse_from_str(text.trim(), format).map(FieldValue::Date);
                return Ok(day.unwrap_or_else(|_| FieldValue::text(text)));
            }
            _ => FieldValue::text(text),
        },
        Some(Json::Bool(value)) => FieldValue::Bool(*value),
        Some(Json::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => FieldValue::Integer(whole),
            (None, Some(fraction)) => FieldValue::Decimal(fraction),
            _ => FieldValue::text(&number.to_string()),
        },
        Some(Json::Array(items)) if spec.kind == FieldKind::List => {
            let text = |item: &Json| match item {
                Json::String(text) => Ok(text.clone()),
                Json::Number(number) => Ok(number.to_string()),
                _ => Err(unexpected("a list of something else than texts")),
            };
            FieldValue::list(items.iter().map(text).collect::<Result<Vec<_>, _>>()?)
        }
        Some(Json::Array(_)) => return Err(unexpected("a list")),
        Some(Json::Object(_)) => return Err(unexpected("an object")),
    };
    let shown = value.to_string();
    Ok(convert(value, spec).unwrap_or_else(|_| FieldValue::text(&shown)))
}

pub(super) fn id(list: &List, item: &Json) -> Result<AccountId, String> {
    id_at(&list.id, item).ok_or_else(|| format!("an item has no id at `{}`; check `list.id`", list.id.as_str()))
}

/// An id at a place: a text that is not blank, or a whole number.
pub(crate) fn id_at(at: &super::pointer::Pointer, document: &Json) -> Option<AccountId> {
    match at.get(document)? {
        Json::String(text) if !text.trim().is_empty() => Some(AccountId::from(text.trim())),
        Json::Number(number) if number.is_i64() || number.is_u64() => Some(AccountId::from(number.to_string())),
        _ => None,
    }
}

pub(super) fn account(list: &List, fields: &[DeclaredField], item: &Json) -> Result<Account, String> {
    let active = match &list.active {
        None => true,
        Some(flag) => match flag.at.get(item) {
            Some(Json::String(text)) => flag.values.iter().any(|value| value.as_str() == Some(text.trim())),
            Some(value @ (Json::Bool(_) | Json::Number(_))) => flag.values.contains(value),
            _ => {
                let place = flag.at.as_str();
                return Err(format!("an item does not say at `{place}` whether it is in use; check `list.active`"));
            }
        },
    };
    let fields: Vec<FieldValue> =
        fields.iter().map(|field| from_json(field.at.get(item), field)).collect::<Result<_, _>>()?;
    Ok(Account::new(id(list, item)?, active, fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_64_bits_are_kept_as_they_are_spelt() {
        for (body, expected) in [
            (r#"{"id": 123456789012345678901, "n": -5}"#, r#"{"id": "123456789012345678901", "n": -5}"#),
            (r#"[18446744073709551615, 18446744073709551616]"#, r#"[18446744073709551615, "18446744073709551616"]"#),
            (r#"{"a \"1": "99999999999999999999", "b": 1.5e30}"#, r#"{"a \"1": "99999999999999999999", "b": 1.5e30}"#),
            ("-", "-"),
        ] {
            assert_eq!(String::from_utf8_lossy(&long_numbers_as_text(body.as_bytes())), expected);
        }
    }
}
