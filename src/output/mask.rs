//! Pseudonyms in place of values, for logs and comments that more people read than may see them.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use regex::{Captures, Regex};
use sha2::Sha256;

use crate::field::FieldValue;

use super::{Format, Terminal};

/// When values are shown as pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Masking {
    /// In tables and Markdown where CI is set and no terminal reads them
    #[default]
    Auto,
    Always,
    Never,
}

impl Masking {
    /// `ci` is the variable that build servers set. JSON and plan files are for programs, and keep every value.
    pub fn hides(self, format: Format, terminal: Terminal, ci: Option<&str>) -> bool {
        let is_ci = ci.is_some_and(|value| !value.is_empty() && value != "false");
        match (format, self) {
            (Format::Json, _) | (_, Self::Never) => false,
            (_, Self::Always) => true,
            (_, Self::Auto) => is_ci && !terminal.output,
        }
    }
}

/// Shows values as they are, or a pseudonym for each: the same for the same value, in every run of the same file.
#[derive(Clone, Default)]
pub struct Mask {
    keyed: Option<Hmac<Sha256>>,
}

/// 30 bits: two of ten thousand values meet by chance in one of twenty pages, and a pseudonym stays readable.
const LETTERS: usize = 6;

static DAY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\d{4}-\d{2}-\d{2}\b").expect("a valid pattern"));

impl Mask {
    /// Shows everything.
    pub const SHOWN: Self = Self { keyed: None };

    /// Hides values. The secrets of the file are the key: who does not have them cannot try values until one fits.
    /// Without any the pseudonyms hold for this process alone.
    pub fn hiding<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let mut keyed = Hmac::<Sha256>::new_from_slice(b"pseudonyms").expect("HMAC takes keys of any length");
        let mut any = false;
        for secret in secrets {
            any = true;
            keyed.update(&(secret.len() as u64).to_be_bytes());
            keyed.update(secret.as_bytes());
        }
        if !any {
            keyed.update(&fastrand::u128(..).to_be_bytes());
        }
        Self { keyed: Some(keyed) }
    }

    /// Whether values are hidden.
    pub fn hides(&self) -> bool {
        self.keyed.is_some()
    }

    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(keyed) = &self.keyed else { return Cow::Borrowed(text) };
        let mut keyed = keyed.clone();
        keyed.update(text.as_bytes());
        let hash = keyed.finalize().into_bytes();
        let bits = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
        let letter =
            |position: usize| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(bits >> (5 * position)) as usize & 31]);
        Cow::Owned(format!("‹{}›", (0..LETTERS).map(letter).collect::<String>()))
    }

    /// The words of a reason, without the days in them: `left on ‹k3f9ab›`. A hire date or a last day is a value wherever
    /// it stands, and has the pseudonym that it has as the value of a field.
    pub(crate) fn days<'t>(&self, words: &'t str) -> Cow<'t, str> {
        match self.keyed {
            None => Cow::Borrowed(words),
            Some(_) => DAY.replace_all(words, |found: &Captures<'_>| self.text(&found[0]).into_owned()),
        }
    }

    /// That a field is empty says what is done to it, and nothing of anybody; ids are shown everywhere.
    pub(crate) fn value(&self, value: &FieldValue) -> String {
        match value {
            FieldValue::Empty => "(empty)".into(),
            FieldValue::Employee(_) => value.to_string(),
            FieldValue::Account(id) => self.account(&id.0).into_owned(),
            other => self.text(&other.to_string()).into_owned(),
        }
    }

    /// An account's id is shown where it is a number or a code of the service; one that may be an address or a name
    /// is a value.
    pub(crate) fn account<'t>(&self, id: &'t str) -> Cow<'t, str> {
        let is_code = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && id.bytes().any(|byte| byte.is_ascii_digit());
        if is_code { Cow::Borrowed(id) } else { self.text(id) }
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mask").field("hides", &self.hides()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(output: bool) -> Terminal {
        Terminal { input: output, output, errors: output, colour: false }
    }

    #[test]
    fn values_are_hidden_where_build_servers_keep_logs() {
        let auto = |format, output, ci| Masking::Auto.hides(format, terminal(output), ci);
        assert!(auto(Format::Table, false, Some("true")) && auto(Format::Markdown, false, Some("1")));
        assert!(!auto(Format::Table, true, Some("true")), "what a person looks at");
        assert!(!auto(Format::Json, false, Some("true")), "what a program reads");
        for ci in [None, Some(""), Some("false")] {
            assert!(!auto(Format::Table, false, ci));
        }
        assert!(Masking::Always.hides(Format::Table, terminal(true), None));
        assert!(!Masking::Always.hides(Format::Json, terminal(true), None));
        assert!(!Masking::Never.hides(Format::Table, terminal(false), Some("true")));
    }

    #[test]
    fn a_value_has_one_pseudonym_for_each_key() {
        let mask = Mask::hiding(["secret-of-the-file"]);
        let shown = mask.text("Revenue");
        assert_eq!(shown.chars().count(), LETTERS + 2);
        assert_eq!(shown, Mask::hiding(["secret-of-the-file"]).text("Revenue"));
        assert_ne!(shown, mask.text("Sales"));
        assert_ne!(shown, Mask::hiding(["another"]).text("Revenue"));
        assert_ne!(Mask::hiding([]).text("Revenue"), Mask::hiding([]).text("Revenue"), "nobody may know the key");
        assert_eq!(mask.value(&FieldValue::Empty), "(empty)");
        assert_eq!(Mask::default().text("Revenue"), "Revenue");
    }

    #[test]
    fn the_days_in_a_reason_are_values() {
        let mask = Mask::hiding(["secret-of-the-file"]);
        let day = FieldValue::Date("2026-12-14".parse().unwrap());
        assert_eq!(mask.days("left on 2026-12-14"), format!("left on {}", mask.value(&day)));
        assert_eq!(mask.days("3 of 40 in run 12"), "3 of 40 in run 12");
        assert_eq!(Mask::SHOWN.days("left on 2026-12-14"), "left on 2026-12-14");
    }

    #[test]
    fn an_account_that_may_be_an_address_is_a_value() {
        let mask = Mask::hiding(["secret-of-the-file"]);
        for id in ["77", "U0123ABC", "7d9f2c3e-1111-4a2b-8c3d-000000000001"] {
            assert_eq!(mask.account(id), id);
        }
        for id in ["ines@example.com", "Ines", "Ines Example 2", ""] {
            assert!(mask.account(id).starts_with('‹'), "{id}");
        }
    }
}
