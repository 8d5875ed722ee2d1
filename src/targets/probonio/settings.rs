use chrono::NaiveDate;

use crate::code::Code;
use crate::section::{Located, Table};
use crate::targets::{Condition, quoted};

use super::month::Month;

/// What a section of the type `probonio` says beside its delivery.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ProbonioSettings {
    /// Who belongs to this Probonio account.
    pub(super) include: Vec<Condition>,
    /// Whether whoever is new is invited.
    pub(super) invite_new: bool,
    /// Whether that counts for the first import, too.
    pub(super) invite_first_import: bool,
    /// How months are written (strftime).
    pub(super) month_format: Box<str>,
    /// The words for the states of leaving.
    pub(super) words: Words,
}

/// The words for the states of leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// Benefits end with the last working month.
    pub(super) leaving_planned: Box<str>,
    /// That month is over.
    pub(super) leaving: Box<str>,
}

impl ProbonioSettings {
    pub(super) fn parse(section: &Table<'_>, default_month_format: &str) -> Option<Self> {
        let include = company(section);
        let invite_new = section.boolean("invite_new").unwrap_or(false);
        let invite_first_import = section.boolean("invite_first_import").unwrap_or(false);
        if invite_first_import && !invite_new {
            let message = format!("{} needs `invite_new = true`", section.name_of("invite_first_import"));
            section.problems().error(section.key_span("invite_first_import"), Code::WrongValue, message);
        }
        let month_format = month_format(section, default_month_format);
        let words = words(section);
        Some(Self { include: include?, invite_new, invite_first_import, month_format: month_format?, words: words? })
    }
}

/// `company = { domains = [...], names = [...], attribute = "..." }`; what is given must all hold.
///
/// Probonio's support sets the same filter on its side; without it everybody lands in every company.
fn company(section: &Table<'_>) -> Option<Vec<Condition>> {
    if !section.has("company") {
        return Some(Vec::new());
    }
    let table = section.table("company")?;
    let mut conditions = Vec::new();
    let mut fine = true;
    let mut wrong = |span: std::ops::Range<usize>, message: String| {
        table.problems().error(span, Code::WrongValue, message);
        fine = false;
    };
    for (key, subject) in [("domains", "(email | domain)"), ("names", "subcompany")] {
        if !table.has(key) {
            continue;
        }
        let texts = table.texts(key).unwrap_or_default();
        if texts.is_empty() {
            wrong(table.key_span(key), format!("{} names none, so nobody would be meant", table.name_of(key)));
        }
        for text in &texts {
            if key == "domains" && (text.value.contains('@') || !text.value.contains('.')) {
                let message =
                    format!("`{}` is not the domain of an e-mail address, such as \"example.com\"", text.value);
                wrong(text.span.clone(), message);
            }
        }
        let spelled = |text: &Located<&str>| match key {
            "domains" => quoted(&text.value.trim().to_lowercase()),
            _ => quoted(text.value),
        };
        let list: Vec<String> = texts.iter().map(spelled).collect();
        conditions.push(Condition { source: format!("{subject} in [{}]", list.join(", ")), span: table.key_span(key) });
    }
    if let Some(attribute) = table.text("attribute") {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if attribute.value.is_empty() || !attribute.value.chars().all(letter) {
            wrong(attribute.span.clone(), format!("`{}` is not the name of an attribute", attribute.value));
        }
        conditions.push(Condition { source: format!("{} | yes_no", attribute.value), span: attribute.span });
    }
    if conditions.is_empty() {
        table.missing("domains", "company = { domains = [\"example.com\"] }");
        fine = false;
    }
    table.finish();
    fine.then_some(conditions)
}

fn month_format(section: &Table<'_>, default: &str) -> Option<Box<str>> {
    let Some(text) = section.text("month_format") else {
        return if section.has("month_format") { None } else { Some(default.into()) };
    };
    let kept = [(2026, 11), (2031, 2), (1999, 1)].into_iter().all(|(year, month)| {
        let Some(day) = NaiveDate::from_ymd_opt(year, month, 1) else { return false };
        let month = Month::of(day);
        month.written(text.value).and_then(|written| Month::read(&written, text.value)) == Some(month)
    });
    if !kept {
        let message =
            format!("{} does not keep a month and its year; for example \"%m.%Y\"", section.name_of("month_format"));
        section.problems().error(text.span, Code::WrongValue, message);
        return None;
    }
    Some(text.value.into())
}

fn words(section: &Table<'_>) -> Option<Words> {
    let mut words = Words { leaving_planned: "Leaving planned".into(), leaving: "Leaving".into() };
    if !section.has("status_words") {
        return Some(words);
    }
    let table = section.table("status_words")?;
    let mut fine = true;
    for (key, word) in [("leaving_planned", &mut words.leaving_planned), ("leaving", &mut words.leaving)] {
        if let Some(text) = table.text(key) {
            *word = text.value.trim().into();
            if word.is_empty() {
                let message = format!("{} must not be blank", table.name_of(key));
                table.problems().error(text.span, Code::WrongValue, message);
                fine = false;
            }
        }
    }
    if words.leaving == words.leaving_planned {
        let message = format!("`{}` must give the two states two words", table.path());
        table.problems().error(table.span(), Code::WrongValue, message);
        fine = false;
    }
    table.finish();
    fine.then_some(words)
}
