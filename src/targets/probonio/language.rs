//! The words of a delivery: one language for headings and values alike.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::targets::delivery::Column;

use super::fields::{EMPLOYMENT_TYPE, GENDER, INVITE, LAST_MONTH, LEAVING_DATE, STATUS};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Language {
    De,
    En,
}

/// In the order of the columns. They are ours: the template that Probonio's contacts import is not public.
const GERMAN: &[Column] = &[
    ("first_name", "Vorname"),
    ("last_name", "Nachname"),
    ("email", "E-Mail"),
    (STATUS, "Status"),
    ("personnel_number", "Personalnummer"),
    (EMPLOYMENT_TYPE, "Beschäftigungsart"),
    ("employment_date", "Eintrittsdatum"),
    (LEAVING_DATE, "Austrittsdatum"),
    (LAST_MONTH, "Letzter Arbeitsmonat"),
    (GENDER, "Geschlecht"),
    ("company", "Firma"),
    ("married", "Verheiratet"),
    (INVITE, "Einladen"),
];

const ENGLISH: &[Column] = &[
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("email", "E-mail"),
    (STATUS, "Status"),
    ("personnel_number", "Personnel number"),
    (EMPLOYMENT_TYPE, "Employment type"),
    ("employment_date", "Employment date"),
    (LEAVING_DATE, "Leaving date"),
    (LAST_MONTH, "Last working month"),
    (GENDER, "Gender"),
    ("company", "Company"),
    ("married", "Married"),
    (INVITE, "Invite"),
];

/// Fields in which Personio's API has English words whatever the language of the company, with ours for them.
const PERSONIO_WORDS: &[(&str, &str, &str)] = &[
    (STATUS, "active", "Aktiv"),
    (STATUS, "onboarding", "Onboarding"),
    (STATUS, "leave", "Abwesend"),
    (STATUS, "inactive", "Inaktiv"),
    (EMPLOYMENT_TYPE, "internal", "Intern"),
    (EMPLOYMENT_TYPE, "external", "Extern"),
    (GENDER, "male", "männlich"),
    (GENDER, "female", "weiblich"),
    (GENDER, "diverse", "divers"),
    (GENDER, "undefined", "ohne Angabe"),
];

impl Language {
    /// The fields with their headings.
    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Self::De => GERMAN,
            Self::En => ENGLISH,
        }
    }

    pub(super) fn yes_and_no(self) -> [&'static str; 2] {
        match self {
            Self::De => ["ja", "nein"],
            Self::En => ["yes", "no"],
        }
    }

    pub(super) fn leaving_planned(self) -> &'static str {
        match self {
            Self::De => "Austritt geplant",
            Self::En => "Leaving planned",
        }
    }

    pub(super) fn leaving(self) -> &'static str {
        match self {
            Self::De => "Ausgetreten",
            Self::En => "Leaving",
        }
    }

    /// The word of this language for one of Personio's, where it is another one.
    pub(super) fn translated(self, field: &str, word: &str) -> Option<&'static str> {
        let same = |known: &&(&str, &str, &str)| known.0 == field && known.1.eq_ignore_ascii_case(word);
        match self {
            Self::De => PERSONIO_WORDS.iter().find(same).map(|(_, _, german)| *german),
            Self::En => None,
        }
    }

    /// The fields that may hold a word of Personio's.
    pub(super) fn fields_of_words() -> [&'static str; 3] {
        [STATUS, EMPLOYMENT_TYPE, GENDER]
    }
}
