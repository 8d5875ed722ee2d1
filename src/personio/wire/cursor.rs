//! A place in a JSON text that moves on value by value.
//!
//! What is passed over is most of a page, so it is only looked at for where it ends; every value that is used is read by
//! the JSON library.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny};
use serde_json::Error;

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Cursor<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What stands between an earlier place and this one.
    pub(super) fn since(&self, start: usize) -> &'de str {
        &self.text[start..self.at]
    }

    fn rest(&self) -> &'de str {
        &self.text[self.at..]
    }

    /// Moves over a text, if it comes next as it is.
    pub(super) fn passes(&mut self, text: &str) -> bool {
        let passes = self.rest().as_bytes().starts_with(text.as_bytes());
        if passes {
            self.at += text.len();
        }
        passes
    }

    /// The first byte of what comes after blanks.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| !blank(byte)).unwrap_or(rest.len());
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), Error> {
        if self.peek() != Some(wanted) {
            return Err(Error::custom(format_args!("no `{}` where one was expected", char::from(wanted))));
        }
        self.at += 1;
        Ok(())
    }

    /// Moves to the next item of an object or a list; `false` once it is closed, and behind it.
    pub(super) fn next(&mut self, first: bool, close: u8) -> Result<bool, Error> {
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if !first {
            self.expect(b',')?;
            self.peek();
        }
        Ok(true)
    }

    /// The key of an entry; then comes its value.
    pub(super) fn key(&mut self) -> Result<Cow<'de, str>, Error> {
        let key = match self.plain_text() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.value::<String>()?),
        };
        self.expect(b':')?;
        self.peek();
        Ok(key)
    }

    /// A value, read by the JSON library.
    pub(super) fn value<T: Deserialize<'de>>(&mut self) -> Result<T, Error> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter();
        let value = values.next().unwrap_or_else(|| Err(Error::custom("no value where one was expected")))?;
        self.at += values.byte_offset();
        Ok(value)
    }

    /// Moves over a value, and gives it as it stands.
    pub(super) fn skip(&mut self) -> Result<&'de str, Error> {
        let start = self.at;
        if !self.passes("null") && self.plain_text().is_none() {
            self.value::<IgnoredAny>()?;
        }
        Ok(self.since(start))
    }

    pub(super) fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Error::custom("something after the end")),
        }
    }

    /// Moves over a text without escapes.
    fn plain_text(&mut self) -> Option<&'de str> {
        let inside = self.rest().strip_prefix('"')?;
        let end = inside.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        if inside.as_bytes()[end] != b'"' {
            return None;
        }
        self.at += end + 2;
        Some(&inside[..end])
    }
}

/// A text without escapes, from its spelling in JSON.
pub(super) fn plain(spelling: &str) -> Option<&str> {
    let text = spelling.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
}
