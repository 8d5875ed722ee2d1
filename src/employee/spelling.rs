//! One spelling of a text.
//!
//! An umlaut is one letter or two, and a copied address brings marks that nobody sees: zero-width spaces, direction
//! marks, soft hyphens (the general category Cf). What looks the same is the same here.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Whether there is something in a text that nobody sees.
pub fn has_marks(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(is_mark)
}

/// Composed, without marks that nobody sees, without blanks around it.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || (is_nfc(text) && !has_marks(text)) {
        return Cow::Borrowed(text.trim());
    }
    let composed: String = text.chars().filter(|letter| !is_mark(*letter)).nfc().collect();
    Cow::Owned(composed.trim().to_owned())
}

/// The soft hyphen stands alone; the other marks begin with the signs of Arabic, behind all that Europe writes.
fn is_mark(letter: char) -> bool {
    letter == '\u{ad}' || (letter >= '\u{600}' && letter.general_category() == GeneralCategory::Format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_the_format_characters_of_unicode() {
        let formats = |letter: &char| letter.general_category() == GeneralCategory::Format;
        assert!(('\0'..=char::MAX).all(|letter| is_mark(letter) == formats(&letter)));
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (text, expected) in [
            (" Ines ", "Ines"),
            ("Bu\u{308}ro", "Büro"),
            ("Büro", "Büro"),
            ("\u{feff}bo@example.com\u{200b}", "bo@example.com"),
            ("cle\u{ad}o@example.com", "cleo@example.com"),
            ("\u{202a}+49 170 1234567\u{202c}", "+49 170 1234567"),
            ("\u{200b} Ines \u{200b}", "Ines"),
            ("\u{200b}", ""),
            ("東京", "東京"),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
        assert!(has_marks("a\u{200b}") && !has_marks("ü") && !has_marks("u\u{308}"));
    }
}
