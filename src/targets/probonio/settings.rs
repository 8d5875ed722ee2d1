use std::ops::Range;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::code::Code;
use crate::section::{Located, Table};
use crate::targets::{Condition, is_attribute, quoted};

use super::language::Language;
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
    /// The language of the headings and of all values. Left out: German in a file, English through an interface
    pub(super) language: Option<Language>,
    /// Other words for the states of leaving
    #[serde(default)]
    status_words: StatusWords,
    /// Who belongs to this account: the company as conditions.
    #[serde(skip)]
    pub(super) include: Vec<Condition>,
    /// How months are written (strftime), also where the section does not say.
    #[serde(skip)]
    pub(super) months: Box<str>,
    #[serde(skip)]
    pub(super) words: Words,
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

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
struct StatusWords {
    /// Benefits end with the last working month. Left out: "Austritt geplant" or "Leaving planned"
    #[serde(deserialize_with = "word")]
    leaving_planned: Option<Box<str>>,
    /// That month is over. Left out: "Ausgetreten" or "Leaving"
    #[serde(deserialize_with = "word")]
    leaving: Option<Box<str>>,
}

/// What the delivery says, in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) language: Language,
    pub(super) leaving_planned: Box<str>,
    pub(super) leaving: Box<str>,
}

impl Words {
    fn of(language: Language) -> Self {
        Self { language, leaving_planned: language.leaving_planned().into(), leaving: language.leaving().into() }
    }
}

impl Default for Words {
    fn default() -> Self {
        Self::of(Language::De)
    }
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let word = text.trim();
    if word.is_empty() { Err(D::Error::custom("must not be blank")) } else { Ok(Some(word.into())) }
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
    /// Reads the section; what depends on how the result gets there is [`Self::settled`] later.
    pub(super) fn parse(section: &Table<'_>) -> Option<Self> {
        let mut settings: Self = section.read()?;
        if settings.invite_first_import && !settings.invite_new {
            wrong(section, "invite_first_import", "needs `invite_new = true`");
        }
        if let Some(company) = &settings.company {
            settings.include = conditions(company, &section.table("company")?);
        }
        Some(settings)
    }

    /// With what the file does not say: months and words as the delivery has them.
    pub(super) fn settled(mut self, section: &Table<'_>, by_http: bool) -> Self {
        let (months, language) = if by_http { ("%Y-%m", Language::En) } else { ("%m.%Y", Language::De) };
        self.months = self.month_format.take().unwrap_or_else(|| months.into());
        self.words = Words::of(self.language.unwrap_or(language));
        let StatusWords { leaving_planned, leaving } = std::mem::take(&mut self.status_words);
        self.words.leaving_planned = leaving_planned.unwrap_or(self.words.leaving_planned);
        self.words.leaving = leaving.unwrap_or(self.words.leaving);
        if self.words.leaving == self.words.leaving_planned {
            wrong(section, "status_words", "must give the two states two words");
        }
        self
    }
}

fn wrong(section: &Table<'_>, key: &str, why: &str) {
    let message = format!("{} {why}", section.name_of(key));
    section.problems().error(section.key_span(key), Code::WrongValue, message);
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
