//! How text that others wrote may be shown: names, titles, labels and what services call things.
//!
//! A terminal obeys control characters (<https://en.wikipedia.org/wiki/ANSI_escape_code>, C1 as well as C0), a line feed
//! forges a line, and marks of direction turn the order of what is read (<https://trojansource.codes>). They are shown
//! as `\u{1b}`, on the screen as in files for people. JSON keeps every value as it is.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use crate::words::count;

/// How many letters of a value tables show. JSON has all of it.
pub(crate) const LONGEST: usize = 400;

/// How many letters two long values that begin alike show before they differ.
const BEFORE_A_DIFFERENCE: usize = 20;

/// The text on one line, with everything that cannot be seen as `\u{…}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    escape(text, is_unseen)
}

/// The same for text of several lines that this tool laid out; `colour` leaves the sequences of a coloured table.
pub(crate) fn visible_lines(text: &str, colour: bool) -> Cow<'_, str> {
    escape(text, |letter| match letter {
        '\n' | '\t' => false,
        '\u{1b}' => !colour,
        other => is_unseen(other),
    })
}

/// The text on one line, cut when it is longer than a table can show.
pub(crate) fn short(text: &str) -> Cow<'_, str> {
    cut(text, LONGEST)
}

/// The text on one line, and no more than so many letters of it.
pub(crate) fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => visible(text),
        Some((end, _)) => {
            let letters = count(text.chars().count(), "letter", "letters");
            Cow::Owned(format!("{}… ({letters})", visible(&text[..end])))
        }
    }
}

/// Two values side by side; of long ones the part in which they differ.
pub(crate) fn short_pair(before: &str, after: &str) -> (String, String) {
    let alike = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
    let is_long = |text: &str| text.char_indices().nth(LONGEST).is_some();
    let skipped = alike.saturating_sub(BEFORE_A_DIFFERENCE);
    if alike < LONGEST / 2 || !(is_long(before) || is_long(after)) {
        return (short(before).into_owned(), short(after).into_owned());
    }
    let rest = |text: &str| {
        let from = text.char_indices().nth(skipped).map_or(text.len(), |(from, _)| from);
        format!("…{}", short(&text[from..]))
    };
    (rest(before), rest(after))
}

/// Controls (C0, delete, C1), separators of lines and paragraphs, and format characters such as marks of direction.
fn is_unseen(letter: char) -> bool {
    // The first test is for speed: nearly all text has nothing of the kind.
    !(' '..='~').contains(&letter)
        && (letter.is_control()
            || matches!(
                letter.general_category(),
                GeneralCategory::Format | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
            ))
}

fn escape(text: &str, unseen: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&unseen) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if unseen(letter) {
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelt_out() {
        for (text, shown) in [
            ("Zoë Müller-Łukasz 山田 🙂", "Zoë Müller-Łukasz 山田 🙂"),
            ("\u{1b}[31mRed\u{7}", "\\u{1b}[31mRed\\u{7}"),
            ("New\nLine\r\tend", "New\\u{a}Line\\u{d}\\u{9}end"),
            ("\u{9b}31m\u{85}\u{7f}", "\\u{9b}31m\\u{85}\\u{7f}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{202e}live\u{2066}\u{200b}\u{ad}\u{feff}", "\\u{202e}live\\u{2066}\\u{200b}\\u{ad}\\u{feff}"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_lines("a\tb\n\u{1b}[1mc\u{202e}", false), "a\tb\n\\u{1b}[1mc\\u{202e}");
        assert_eq!(visible_lines("\u{1b}[1mc\u{202e}", true), "\u{1b}[1mc\\u{202e}");
    }

    #[test]
    fn a_long_value_is_cut_and_its_length_is_said() {
        let long = "ü".repeat(300_000);
        assert_eq!(short(&long), format!("{}… (300,000 letters)", "ü".repeat(LONGEST)));
        assert_eq!(short(&long[..2 * LONGEST]), long[..2 * LONGEST]);
        assert_eq!(cut("abc\n", 3), "abc… (4 letters)");
    }

    #[test]
    fn two_long_values_show_where_they_differ() {
        let long = "x".repeat(5000);
        let (before, after) = short_pair(&format!("{long}one"), &format!("{long}two"));
        assert_eq!((&*before, &*after), ("…xxxxxxxxxxxxxxxxxxxxone", "…xxxxxxxxxxxxxxxxxxxxtwo"));
        assert_eq!(short_pair("one", "two"), ("one".into(), "two".into()));
        let (before, after) = short_pair(&format!("a{long}"), &format!("b{long}"));
        assert!(before.starts_with('a') && after.starts_with('b') && before.len() < 500, "{before}");
    }
}
