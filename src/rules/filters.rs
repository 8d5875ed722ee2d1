//! The filters beside those of the expression language.

use std::sync::{Arc, LazyLock};

use chrono::{Datelike, Days, NaiveDate};
use minijinja::value::{Object, Value as Jinja};
use minijinja::{Environment, Error, ErrorKind, State};
use regex::Regex;

use crate::employee::clean;

use super::{Tables, remarks};

/// Where the lookup tables are in an evaluation; no identifier, so no expression can name it.
pub(super) const TABLES: &str = "tables of the file";

/// Whether phone numbers must be of a known range, in an evaluation.
pub(super) const KNOWN_PHONES: &str = "phones of the file";

/// Names for suggestions: ours, and those of the language that a mapping is likely to use.
pub(super) const NAMES: &[&str] = &[
    "add_days",
    "capitalize",
    "date",
    "default",
    "domain",
    "e164",
    "first",
    "int",
    "join",
    "last",
    "length",
    "locale",
    "lookup",
    "lower",
    "month_end",
    "replace",
    "round",
    "sort",
    "split",
    "title",
    "trim",
    "truthy",
    "unique",
    "upper",
    "yes_no",
];

/// What a filter says is wrong; never quotes a value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct FilterError(pub(super) String);

pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("lookup", lookup);
    environment.add_filter("domain", domain);
    environment.add_filter("date", date);
    environment.add_filter("add_days", add_days);
    environment.add_filter("month_end", month_end);
    environment.add_filter("truthy", truthy);
    environment.add_filter("yes_no", yes_no);
    environment.add_filter("e164", e164);
    environment.add_filter("locale", locale);
}

fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, "filter").with_source(FilterError(message.into()))
}

#[derive(Debug)]
struct TablesObject(Arc<Tables>);

impl Object for TablesObject {}

pub(super) fn tables_value(tables: Arc<Tables>) -> Jinja {
    Jinja::from_object(TablesObject(tables))
}

fn lookup(state: &State<'_, '_>, value: &Jinja, table: &str) -> Result<Jinja, Error> {
    let key = text_of(value);
    if key.is_empty() {
        return Ok(Jinja::from(""));
    }
    let tables = state.lookup(TABLES);
    let tables = tables.as_ref().and_then(|tables| tables.downcast_object_ref::<TablesObject>());
    let entries = tables
        .and_then(|tables| tables.0.get(table))
        .ok_or_else(|| error(format!("there is no lookup table `{table}`")))?;
    let found = entries.get(key.as_str()).or_else(|| {
        let folded = key.to_lowercase();
        entries.iter().find(|(known, _)| clean(known).to_lowercase() == folded).map(|(_, value)| value)
    });
    found
        .map(|value| Jinja::from(&**value))
        .ok_or_else(|| error(format!("the lookup table `{table}` has no entry for this value")))
}

fn domain(email: &Jinja) -> String {
    text_of(email).rsplit_once('@').map_or_else(String::new, |(_, domain)| domain.to_lowercase())
}

/// Whether every day can be written so.
pub(super) fn is_date_format(format: &str) -> bool {
    let mut written = String::new();
    std::fmt::Write::write_fmt(&mut written, format_args!("{}", NaiveDate::default().format(format))).is_ok()
}

fn date(day: &Jinja, format: &str) -> Result<String, Error> {
    let Some(day) = parse_day(day)? else {
        return Ok(String::new());
    };
    let mut written = String::new();
    std::fmt::Write::write_fmt(&mut written, format_args!("{}", day.format(format)))
        .map_err(|_| error("the format of `date` is not one; for example '%d.%m.%Y'"))?;
    Ok(written)
}

fn add_days(day: &Jinja, days: i64) -> Result<String, Error> {
    let Some(day) = parse_day(day)? else {
        return Ok(String::new());
    };
    let distance = Days::new(days.unsigned_abs());
    let moved = if days < 0 { day.checked_sub_days(distance) } else { day.checked_add_days(distance) };
    moved.map(|day| day.to_string()).ok_or_else(|| error("the date is out of range"))
}

fn month_end(day: &Jinja) -> Result<String, Error> {
    let Some(day) = parse_day(day)? else {
        return Ok(String::new());
    };
    let (year, month) = if day.month() == 12 { (day.year() + 1, 1) } else { (day.year(), day.month() + 1) };
    NaiveDate::from_ymd_opt(year, month, 1)
        .and_then(|first| first.pred_opt())
        .map(|day| day.to_string())
        .ok_or_else(|| error("the date is out of range"))
}

/// As `truthy`, but a word that is neither is an error, so that it is reported instead of taken for no.
fn yes_no(value: &Jinja) -> Result<bool, Error> {
    match text_of(value).to_lowercase().as_str() {
        "yes" | "true" | "ja" => Ok(true),
        "no" | "false" | "nein" | "" => Ok(false),
        _ => Err(error("it is neither yes, true or ja nor no, false or nein")),
    }
}

fn truthy(value: &Jinja) -> bool {
    matches!(text_of(value).to_lowercase().as_str(), "yes" | "true" | "ja" | "1")
}

/// The part behind a number that every reader takes for an extension, which E.164 does not have. Other words for it
/// (`App. 12`, `DW 12`) are read as letters of a keypad, and what comes out is the valid number of somebody else.
static EXTENSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(;ext=|[\s,]*(ext(ension|n)?|xtn|x|#)[\s.:]*)\d{1,9}\s*$").expect("a valid pattern")
});

/// The release of libphonenumber that the phone numbers' crate was made from; its own version carries it.
pub const PHONE_DATA: &str = "9.0.33";

/// Ranges are added every few weeks, and those that this version knows grow old: a number of the right length is taken.
fn e164(state: &State<'_, '_>, number: &Jinja, country: &str) -> Result<String, Error> {
    let text = text_of(number);
    if text.is_empty() {
        return Ok(text);
    }
    let country = country
        .to_uppercase()
        .parse::<phonenumber::country::Id>()
        .map_err(|_| error("`e164` needs a country of two letters, such as 'DE'"))?;
    let parsed = phonenumber::parse(Some(country), &text).map_err(|_| error("it is not a phone number"))?;
    let bare = EXTENSION.replace(text.strip_prefix("tel:").unwrap_or(&text), "");
    if bare.contains(char::is_alphabetic) {
        return Err(error(
            "there are words in the phone number, which would be dialled as digits; `ext. 12` is understood",
        ));
    }
    if !parsed.is_valid() {
        if state.lookup(KNOWN_PHONES).is_some_and(|known: Jinja| known.is_true()) {
            return Err(error("it is not of a range of its country that is known (`phones = \"known\"`)"));
        }
        if !is_possible(&parsed) {
            return Err(error("it is not a phone number that could exist in its country"));
        }
        remarks::note(|seen| seen.unknown_range = true);
    }
    Ok(parsed.format().mode(phonenumber::Mode::E164).to_string())
}

/// Whether numbers of this length are given out where its country code is used.
fn is_possible(number: &phonenumber::PhoneNumber) -> bool {
    let length = u16::try_from(number.national().to_string().len()).unwrap_or(u16::MAX);
    let regions = phonenumber::metadata::DATABASE.by_code(&number.country().code()).unwrap_or_default();
    // Lengths stand with the kinds of numbers; the general description has none.
    regions.iter().map(|region| region.descriptors()).any(|all| {
        let kinds = [all.fixed_line(), all.mobile(), all.voip(), all.uan(), all.toll_free(), all.personal_number()];
        kinds.into_iter().flatten().any(|kind| kind.possible_length().contains(&length))
    })
}

/// The languages that Personio speaks: its own code, the locale of the country most of its speakers there are
/// from, and what the language is called in English, German and itself.
const LANGUAGES: [(&str, &str, [&str; 3]); 8] = [
    ("en", "en-US", ["english", "englisch", "english"]),
    ("de", "de-DE", ["german", "deutsch", "deutsch"]),
    ("es", "es-ES", ["spanish", "spanisch", "español"]),
    ("fr", "fr-FR", ["french", "französisch", "français"]),
    ("nl", "nl-NL", ["dutch", "niederländisch", "nederlands"]),
    ("it", "it-IT", ["italian", "italienisch", "italiano"]),
    ("sv", "sv-SE", ["swedish", "schwedisch", "svenska"]),
    ("fi", "fi-FI", ["finnish", "finnisch", "suomi"]),
];

/// A language as directories spell it: `German` and `de` are `de-DE`, `de_at` is `de-AT`.
fn locale(language: &Jinja) -> Result<String, Error> {
    let text = text_of(language).to_lowercase();
    let letters = |part: &str, lengths: &[usize]| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let known = LANGUAGES.iter().find(|(code, _, names)| *code == text || names.contains(&&*text));
    match (known, text.split_once(['-', '_'])) {
        _ if text.is_empty() => Ok(text),
        (Some((_, locale, _)), _) => Ok((*locale).to_owned()),
        (None, Some((language, country))) if letters(language, &[2, 3]) && letters(country, &[2]) => {
            Ok(format!("{language}-{}", country.to_uppercase()))
        }
        _ => Err(error("it is no language that `locale` knows; use a code such as de or de-AT, or `lookup`")),
    }
}

/// A day in ISO form, or the day of a timestamp; `None` when empty.
fn parse_day(value: &Jinja) -> Result<Option<NaiveDate>, Error> {
    let text = text_of(value);
    if text.is_empty() {
        return Ok(None);
    }
    text.get(..10)
        .and_then(|day| day.parse().ok())
        .map(Some)
        .ok_or_else(|| error("it is not a date in the form YYYY-MM-DD"))
}

fn text_of(value: &Jinja) -> String {
    match value.as_str() {
        Some(text) => text.trim().to_owned(),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_phone_data_is_that_of_the_crate() {
        let lock = include_str!("../../Cargo.lock");
        let version = lock.split("name = \"phonenumber\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
        assert_eq!(version.and_then(|version| version.split_once('+')).map(|(_, data)| data), Some(super::PHONE_DATA));
    }
}
