//! Reads tables of the file key by key, and keeps every problem with its place.
//!
//! Serde stops at the first mistake and loses positions; a file that is wrong in five places should say so
//! at once, each with line and column. So sections are read by hand through [`Table`], which also knows
//! which keys were asked for: whatever is left over at [`Table::finish`] is unknown.

use crate::code::Code;
use crate::words::known;
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SecretReader;
use crate::zone::Zones;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is contacted while there is one.
    Error,
    /// Said, and the run goes on.
    Warning,
}

/// A mistake in the file, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// A stable code: `unknown_key`, `wrong_type`, `missing_key`.
    pub code: Code,
    /// From 1; `None` when the problem is with the file as a whole.
    pub line: Option<usize>,
    /// From 1, in characters.
    pub column: Option<usize>,
    /// What is wrong, what is known, and what to try; a lower-case fragment.
    pub message: String,
}

impl Problem {
    /// In words, with its file and where it is in there, as editors and people look for it.
    pub fn in_file(&self, path: &Path) -> String {
        let gap = if self.line.is_some() { "" } else { " " };
        format!("{}:{gap}{self}", path.display())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        match self.severity {
            Severity::Error => write!(f, "error: {}", self.message),
            Severity::Warning => write!(f, "warning: {}", self.message),
        }
    }
}

/// A value with its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands, in bytes; its key when it is a table.
    pub span: Range<usize>,
}

/// Collects the problems of one file.
#[derive(Debug)]
pub struct Problems<'a> {
    text: &'a str,
    found: RefCell<Vec<(usize, Problem)>>,
}

impl<'a> Problems<'a> {
    /// For the text of a file.
    pub fn new(text: &'a str) -> Self {
        Self { text, found: RefCell::default() }
    }

    /// Adds an error at a place.
    pub fn error(&self, span: Range<usize>, code: Code, message: impl Into<String>) {
        self.add(Severity::Error, span, code, message.into());
    }

    /// Adds a warning at a place.
    pub fn warning(&self, span: Range<usize>, code: Code, message: impl Into<String>) {
        self.add(Severity::Warning, span, code, message.into());
    }

    /// Adds a problem with the file as a whole.
    pub fn whole_file(&self, severity: Severity, code: Code, message: impl Into<String>) {
        let problem = Problem { severity, code, line: None, column: None, message: message.into() };
        self.found.borrow_mut().push((0, problem));
    }

    /// What stands at a place of the file.
    pub fn text_at(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    /// Line and column, both from 1, of a place.
    pub fn place(&self, span: Range<usize>) -> (usize, usize) {
        position(self.text, span.start)
    }

    fn add(&self, severity: Severity, span: Range<usize>, code: Code, message: String) {
        // A name with a line break in it must not look like a line of its own.
        let message = message.replace('\r', "\\u{d}").replace('\n', "\\u{a}");
        let (line, column) = self.place(span.clone());
        let problem = Problem { severity, code, line: Some(line), column: Some(column), message };
        self.found.borrow_mut().push((span.start, problem));
    }

    /// All problems in the order of the file.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(start, problem)| (*start, problem.severity));
        found.dedup();
        found.into_iter().map(|(_, problem)| problem).collect()
    }

    /// Whether there is an error among them.
    pub fn any_error(&self) -> bool {
        self.found.borrow().iter().any(|(_, problem)| problem.severity == Severity::Error)
    }
}

/// Line and column, both from 1, of a byte offset.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    // Editors do not count the byte-order mark that Windows puts before the first letter.
    let in_line = before[line_start..].trim_start_matches('\u{feff}');
    (before.matches('\n').count() + 1, in_line.chars().count() + 1)
}

/// One table of the file being read. Ask for each key, then call [`Table::finish`].
#[derive(Debug)]
pub struct Table<'a> {
    /// Dotted path for messages: `targets.service-desk`.
    path: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
    asked: RefCell<Vec<String>>,
    context: Context<'a>,
}

/// What every table of one file shares.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where problems go.
    pub problems: &'a Problems<'a>,
    /// How secrets are read.
    pub secrets: &'a SecretReader<'a>,
    /// The time zones there are.
    pub zones: &'a Zones,
}

impl<'a> Table<'a> {
    /// A table at a place; `path` is empty for the file itself.
    pub fn new(path: impl Into<String>, span: Range<usize>, entries: &'a DeTable<'a>, context: Context<'a>) -> Self {
        Self { path: path.into(), span, entries, asked: RefCell::default(), context }
    }

    /// Where the table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Dotted path, for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The time zones there are.
    pub fn zones(&self) -> &'a Zones {
        self.context.zones
    }

    /// Where problems go.
    pub fn problems(&self) -> &'a Problems<'a> {
        self.context.problems
    }

    /// What every table of the file shares.
    pub fn context(&self) -> Context<'a> {
        self.context
    }

    /// Whether a key is present; counts as asking for it.
    pub fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    /// The value of a key as TOML, with its place; counts as asking for it.
    pub fn raw(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.asked.borrow().iter().any(|asked| asked == key) {
            self.asked.borrow_mut().push(key.to_owned());
        }
        self.entries.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    /// Where a key stands; the whole table when it is missing.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        self.entries
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)
            .map_or(self.span(), |(name, _)| name.span())
    }

    /// Counts as asking for every key, when nobody can tell which keys there may be.
    pub fn accept_all(&self) {
        let keys = self.entries.iter().map(|(name, _)| name.get_ref().to_string());
        self.asked.borrow_mut().extend(keys);
    }

    /// What stands in the table, without asking for any of it.
    pub fn content(&self) -> &'a DeTable<'a> {
        self.entries
    }

    /// All entries in the order of the file; counts as asking for each.
    pub fn entries(&self) -> Vec<(Located<&'a str>, &'a Spanned<DeValue<'a>>)> {
        self.entries
            .iter()
            .map(|(name, value)| {
                self.asked.borrow_mut().push(name.get_ref().to_string());
                (Located { value: name.get_ref().as_ref(), span: name.span() }, value)
            })
            .collect()
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<Located<&'a str>> {
        let value = self.raw(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Located { value: text, span: value.span() }),
            None => self.wrong_type(key, value, "a text in quotes"),
        }
    }

    /// A list of texts.
    pub fn texts(&self, key: &str) -> Option<Vec<Located<&'a str>>> {
        let value = self.raw(key)?;
        let Some(items) = value.get_ref().as_array() else {
            return self.wrong_type(key, value, "a list of texts in square brackets");
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Located { value: text, span: item.span() }),
                None => {
                    let name = self.name_of(key);
                    let found = describe(item.get_ref());
                    let message = format!("{name} must hold texts in quotes only, not {found}");
                    self.problems().error(item.span(), Code::WrongType, message);
                    return None;
                }
            }
        }
        Some(texts)
    }

    /// A table below this one.
    pub fn table(&self, key: &str) -> Option<Table<'a>> {
        let value = self.raw(key)?;
        match value.get_ref().as_table() {
            Some(entries) => {
                let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
                Some(Table::new(path, self.key_span(key), entries, self.context))
            }
            None => self.wrong_type(key, value, "a table"),
        }
    }

    /// Reports a key that must be there.
    pub fn missing(&self, key: &str, example: &str) {
        self.problems().error(
            self.span(),
            Code::MissingKey,
            format!("{} is missing; for example `{example}`", self.name_of(key)),
        );
    }

    /// Reports every key nobody asked for, each with the nearest known name.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (name, _) in self.entries {
            let key = name.get_ref().as_ref();
            if asked.iter().any(|known| known == key) {
                continue;
            }
            let place = if self.path.is_empty() { "the file".to_owned() } else { format!("[{}]", self.path) };
            self.problems().error(
                name.span(),
                Code::UnknownKey,
                format!("{place} does not know `{key}`; {}", known(key, asked.iter().map(String::as_str))),
            );
        }
    }

    /// `targets.service-desk.domain`
    pub fn name_of(&self, key: &str) -> String {
        if self.path.is_empty() { format!("`{key}`") } else { format!("`{}.{key}`", self.path) }
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type<T>(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) -> Option<T> {
        self.problems().error(
            value.span(),
            Code::WrongType,
            format!("{} must be {wanted}, not {}", self.name_of(key), describe(value.get_ref())),
        );
        None
    }
}

/// How a value is called in a message.
pub(super) fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(number) if number.as_str().starts_with('-') => "a negative number",
        DeValue::Integer(number) if i64::from_str_radix(number.as_str(), number.radix()).is_err() => {
            "a number beyond all bounds"
        }
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(true) => "`true`",
        DeValue::Boolean(false) => "`false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(items) if items.is_empty() => "an empty list",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// `30s`, `15m`, `24h`, `7d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let number: u64 = text[..text.len() - unit.len_utf8()].trim().parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// Accepts `https` anywhere and `http` for loopback only; returns the address without a trailing slash.
///
/// # Errors
///
/// When it is no such address; what is wrong, to be put after its name.
pub fn check_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text.trim()).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => "must begin with https://".to_owned(),
        other => format!("is not an address: {other}"),
    })?;
    let host = url.host_str().ok_or("has no host")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password; secrets have keys of their own".into());
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(text.trim().trim_end_matches('/').to_owned()),
        "http" if loopback => Ok(text.trim().trim_end_matches('/').to_owned()),
        "http" => {
            Err(format!("must begin with https://; plain http is accepted for loopback only, and `{host}` is not"))
        }
        other => Err(format!("must begin with https://, not {other}://")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        assert_eq!(check_url("http://127.0.0.1:7070/").as_deref(), Ok("http://127.0.0.1:7070"));
        assert_eq!(check_url("http://[::1]:7070").as_deref(), Ok("http://[::1]:7070"));
        assert_eq!(check_url("http://localhost").as_deref(), Ok("http://localhost"));
        assert_eq!(check_url("https://api.personio.de").as_deref(), Ok("https://api.personio.de"));
        for foreign in
            ["http://api.personio.de", "http://127.0.0.1.example.com", "ftp://example.com", "api.personio.de", ""]
        {
            assert!(check_url(foreign).is_err(), "{foreign}");
        }
        assert!(check_url("https://user:word@example.com").is_err());
    }

    #[test]
    fn lengths_of_time() {
        assert_eq!(parse_duration("24h"), Some(Duration::from_secs(86_400)));
        assert_eq!(parse_duration("90d"), Some(Duration::from_secs(90 * 86_400)));
        for wrong in ["", "24", "h", "-1h", "1w", "1.5h", "99999999999999999999d"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn places_count_lines_and_characters_from_one() {
        assert_eq!(position("a\nüx = 1", 4), (2, 2));
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("\u{feff}x = 1", 3), (1, 1));
    }

    #[test]
    fn a_line_break_in_a_name_makes_no_line() {
        let problems = Problems::new("");
        problems.error(0..0, Code::UnknownKey, "the file does not know `x\nF:1:1: error: y`");
        assert_eq!(problems.into_sorted()[0].message, "the file does not know `x\\u{a}F:1:1: error: y`");
    }

    #[test]
    fn what_stands_there_is_told_from_what_should() {
        let table = DeTable::parse("many = 99999999999999999999\nnone = []\nsome = [1]").unwrap();
        let words: Vec<_> = table.get_ref().iter().map(|(_, value)| describe(value.get_ref())).collect();
        assert_eq!(words, ["a number beyond all bounds", "an empty list", "a list"]);
    }
}
