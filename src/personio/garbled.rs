//! Texts that hold what is no character: half of a pair of escapes, or bytes that are no UTF-8.
//!
//! JSON lets a service send half of a surrogate pair (a text cut in the middle of an emoji is one), and no text of
//! ours can hold it. One of them must not keep a whole page from being read.

use std::borrow::Cow;

/// What stands in a repaired text in place of what could not be read: Unicode gives it to no character, for ever.
pub(super) const NO_CHARACTER: char = '\u{ffff}';

/// A JSON document with an escape of `replacement` in place of everything that is no character; borrowed when there
/// is nothing to repair.
pub(super) fn repaired(body: &[u8], replacement: char) -> Cow<'_, str> {
    let escape = format!("\\u{:04x}", u32::from(replacement));
    let text = match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            body.utf8_chunks().fold(Cow::Owned(String::with_capacity(body.len())), |mut text: Cow<'_, str>, chunk| {
                let repaired = text.to_mut();
                repaired.push_str(chunk.valid());
                if !chunk.invalid().is_empty() {
                    repaired.push_str(&escape);
                }
                text
            })
        }
    };
    let halves = halves(text.as_bytes());
    if halves.is_empty() {
        return text;
    }
    let mut repaired = String::with_capacity(text.len());
    let mut from = 0;
    for at in halves {
        repaired.push_str(&text[from..at]);
        repaired.push_str(&escape);
        from = at + ESCAPE;
    }
    repaired.push_str(&text[from..]);
    Cow::Owned(repaired)
}

/// The length of `\ud83d`.
const ESCAPE: usize = 6;

/// Where escapes stand that are half of a pair without the other half.
fn halves(text: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].iter().position(|byte| *byte == b'\\') {
        at += next;
        match (unit(&text[at..]), text.get(at + ESCAPE..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 2 * ESCAPE,
            (Some(0xd800..=0xdfff), _) => {
                found.push(at);
                at += ESCAPE;
            }
            // Also the second of two backslashes, which begins no escape.
            _ => at = (at + 2).min(text.len()),
        }
    }
    found
}

/// The number that an escape at the start of a text names.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_character_is_replaced() {
        for (json, expected) in [
            (r#""plain""#, r#""plain""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""Lead \ud83d""#, r#""Lead \uffff""#),
            (r#""\ude00 first""#, r#""\uffff first""#),
            (r#""\uD83D\uD83D\uDE00""#, r#""\uffff\uD83D\uDE00""#),
            (r#""\ud83d\u00fc""#, r#""\uffff\u00fc""#),
            (r#""\ud83d\\ude00""#, r#""\uffff\\ude00""#),
            (r#""C:\\ud83d""#, r#""C:\\ud83d""#),
            (r#""cut off \ud8"#, r#""cut off \ud8"#),
            (r#""\"#, r#""\"#),
        ] {
            assert_eq!(repaired(json.as_bytes(), NO_CHARACTER), expected, "{json}");
        }
        assert_eq!(repaired(b"\"a\xffb\xc3\"", NO_CHARACTER), r#""a\uffffb\uffff""#);
        assert_eq!(repaired(b"\"a\xff\"", '\u{fffd}'), "\"a\\ufffd\"");
    }
}
