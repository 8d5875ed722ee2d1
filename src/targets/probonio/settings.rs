use std::ops::Range;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::code::Code;
use crate::section::{Located, Table};
use crate::targets::{Condition, is_attribute, quoted};

use super::month::Month;

/// What a section of the type `probonio` says beside its delivery.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbonioSettings {
    /// Who belongs to this account; all that is given must hold. Left out: everybody
    company: Option<Company>,
    /// Ask to invite whoever is new, once
    #[serde(default)]
    pub(super) invite_new: bool,
    /// Also on the first import
    #[serde(default)]
    pub(super) invite_first_import: bool,
    /// How months are written, such as `%m.%Y`. Left out: as the delivery writes days
    #[serde(default, deserialize_with = "month_format")]
    month_format: Option<Box<str>>,
    /// The words for the states of leaving
    #[serde(default)]
    pub(super) status_words: Words,
    /// Who belongs to this account: the company as conditions.
    #[serde(skip)]
    pub(super) include: Vec<Condition>,
    /// How months are written (strftime), also where the section does not say.
    #[serde(skip)]
    pub(super) months: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Company {
    /// Domains of e-mail addresses
    domains: Option<Vec<Located<String>>>,
    /// Names of companies (`subcompany`)
    names: Option<Vec<String>>,
    /// An attribute that says yes or no
    attribute: Option<Located<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub(super) struct Words {
    /// Benefits end with the last working month
    #[serde(deserialize_with = "word")]
    pub(super) leaving_planned: Box<str>,
    /// That month is over
    #[serde(deserialize_with = "word")]
    pub(super) leaving: Box<str>,
}

impl Default for Words {
    fn default() -> Self {
        Self { leaving_planned: "Leaving planned".into(), leaving: "Leaving".into() }
    }
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<str>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let word = text.trim();
    if word.is_empty() { Err(D::Error::custom("must not be blank")) } else { Ok(word.into()) }
}

fn month_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    let format = String::deserialize(deserializer)?;
    let kept = [(2026, 11), (2031, 2), (1999, 1)].into_iter().all(|(year, month)| {
        let Some(day) = NaiveDate::from_ymd_opt(year, month, 1) else { return false };
        let month = Month::of(day);
        month.written(&format).and_then(|written| Month::read(&written, &format)) == Some(month)
    });
    if !kept {
        return Err(D::Error::custom("does not keep a month and its year; for example \"%m.%Y\""));
    }
    Ok(Some(format.into()))
}

impl ProbonioSettings {
    pub(super) fn parse(section: &Table<'_>, default_month_format: &str) -> Option<Self> {
        let mut settings: Self = section.read()?;
        let wrong = |key: &str, why: &str| {
            let message = format!("{} {why}", section.name_of(key));
            section.problems().error(section.key_span(key), Code::WrongValue, message);
        };
        if settings.invite_first_import && !settings.invite_new {
            wrong("invite_first_import", "needs `invite_new = true`");
        }
        if settings.status_words.leaving == settings.status_words.leaving_planned {
            wrong("status_words", "must give the two states two words");
        }
        if let Some(company) = &settings.company {
            settings.include = conditions(company, &section.table("company")?);
        }
        settings.months = settings.month_format.take().unwrap_or_else(|| default_month_format.into());
        Some(settings)
    }
}

/// Probonio's support sets the same filter on its side; without it everybody lands in every company.
fn conditions(company: &Company, table: &Table<'_>) -> Vec<Condition> {
    let wrong = |span: Range<usize>, message: String| table.problems().error(span, Code::WrongValue, message);
    let one_of = |key: &str, subject: &str, texts: Vec<String>| {
        if texts.is_empty() {
            wrong(table.key_span(key), format!("{} names none, so nobody would be meant", table.name_of(key)));
        }
        Condition { source: format!("{subject} in [{}]", texts.join(", ")), span: table.key_span(key) }
    };
    let mut conditions = Vec::new();
    if let Some(domains) = &company.domains {
        for Located { value: domain, span } in domains {
            if domain.contains('@') || !domain.contains('.') {
                let message = format!("`{domain}` is not the domain of an e-mail address, such as \"example.com\"");
                wrong(span.clone(), message);
            }
        }
        let domains = domains.iter().map(|domain| quoted(&domain.value.trim().to_lowercase())).collect();
        conditions.push(one_of("domains", "(email | domain)", domains));
    }
    if let Some(names) = &company.names {
        conditions.push(one_of("names", "subcompany", names.iter().map(|name| quoted(name)).collect()));
    }
    if let Some(Located { value: name, span }) = &company.attribute {
        if !is_attribute(name) {
            wrong(span.clone(), format!("`{name}` is not the name of an attribute"));
        }
        conditions.push(Condition { source: format!("{name} | yes_no"), span: span.clone() });
    }
    if !["domains", "names", "attribute"].iter().any(|key| table.has(key)) {
        table.missing("domains", "company = { domains = [\"example.com\"] }");
    }
    conditions
}
