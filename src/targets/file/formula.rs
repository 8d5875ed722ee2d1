//! Cells that a spreadsheet would run.
//!
//! A program that opens a CSV file takes a cell that begins with one of a few characters for a formula,
//! quoted or not: it can call out, or leak its neighbours. OWASP, "CSV Injection".

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done about a text that a spreadsheet would take for a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum FormulaCells {
    #[default]
    Refuse,
    /// It is written with a single quote before it, which spreadsheets take as "this is text", and read without.
    Quote,
}

/// Whether a spreadsheet would take a text for a formula.
///
/// A plain number with a sign is none: it is evaluated to itself (`+4930123456` loses its plus in the
/// view, not in the file). A phone number with spaces or brackets is one: it is calculated or fails.
pub(super) fn is_formula(text: &str) -> bool {
    let start = text.trim_start_matches(' ');
    let Some(first) = start.chars().next() else { return false };
    match first {
        // The wide forms are taken for the plain ones by East Asian versions.
        '=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠' => true,
        '+' | '-' => !is_number(&start[1..]),
        _ => false,
    }
}

/// Digits, at most one point or comma between them.
fn is_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction)
}

/// Whether a text takes a quote before it: a formula, or one that would be taken for a quoted formula.
fn takes_quote(text: &str) -> bool {
    is_formula(text.trim_start_matches('\''))
}

/// With a quote before it, if it takes one.
pub fn quote(text: &str) -> Option<Box<str>> {
    takes_quote(text).then(|| format!("'{text}").into())
}

/// Without the quote that [`quote`] put there.
pub(super) fn unquote(text: CompactString) -> CompactString {
    match text.strip_prefix('\'') {
        Some(rest) if takes_quote(rest) => rest.into(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_told_from_numbers_and_plain_text() {
        for formula in [
            "=1+1",
            "=\"text\"",
            "@SUM(A1)",
            "+1+1",
            "-2+3",
            "+49 30 123",
            "+49 (0)30/123-4",
            "-",
            "+",
            "-.",
            "+A1",
            "-5-",
            "1-".trim_start_matches('1'),
            "\t=1",
            "\r=1",
            "\n=1",
            " =1",
            "＝1",
            "-1,2,3",
        ] {
            assert!(is_formula(formula), "{formula:?}");
        }
        for harmless in [
            "",
            " ",
            "-5",
            "+5",
            "-1.5",
            "-1,5",
            "+4930123456",
            "5-3",
            "a=1",
            "Ines",
            "'=1",
            "ines@example.com",
            "1 + 1",
        ] {
            assert!(!is_formula(harmless), "{harmless:?}");
        }
    }

    #[test]
    fn every_text_is_read_as_it_was_before_it_was_quoted() {
        for text in ["=1", "'=1", "''=1", "'Ines", "Ines", "'", "+49 30 1", "-5", "'-5", ""] {
            let written = quote(text).map_or_else(|| text.into(), CompactString::from);
            assert!(!is_formula(&written), "{text}");
            assert_eq!(&*unquote(written), text);
        }
    }
}
