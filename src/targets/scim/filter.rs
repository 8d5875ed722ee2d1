//! SCIM filters (RFC 7644, section 3.4.2.2): read, written and applied to a resource.
//!
//! The same grammar stands between the brackets of an attribute path, so both are read here.

use std::fmt;

use serde_json::{Map, Value};

use super::path::Path;

/// Brackets and parentheses inside each other; deeper ones are refused rather than followed.
const MOST_NESTED: usize = 32;

/// A condition on a resource or on one item of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    Present(Path),
    /// An item of a list fulfils a condition: `emails[type eq "work"]`.
    Item(Path),
    Compare(Path, Operator, Value),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("eq", Operator::Equal),
    ("ne", Operator::NotEqual),
    ("co", Operator::Contains),
    ("sw", Operator::StartsWith),
    ("ew", Operator::EndsWith),
    ("gt", Operator::Greater),
    ("ge", Operator::GreaterOrEqual),
    ("lt", Operator::Less),
    ("le", Operator::LessOrEqual),
];

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// Says what was expected and where (in bytes), without showing the filter.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let filter = reader.any()?;
        reader.blanks();
        if reader.at < text.len() {
            return Err(reader.expected("the end of the filter"));
        }
        Ok(filter)
    }

    /// `attribute eq "value"`, with the value quoted as JSON.
    pub(crate) fn equals(path: Path, value: &str) -> Self {
        Self::Compare(path, Operator::Equal, Value::from(value))
    }

    /// Whether it holds for an object.
    pub(crate) fn matches(&self, object: &Map<String, Value>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(object)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(object)),
            Self::Not(part) => !part.matches(object),
            Self::Present(path) | Self::Item(path) => path.values(object).into_iter().any(has_value),
            Self::Compare(path, Operator::NotEqual, wanted) => {
                !path.values(object).into_iter().any(|found| compare(path, found, Operator::Equal, wanted))
            }
            Self::Compare(path, operator, wanted) => {
                path.values(object).into_iter().any(|found| compare(path, found, *operator, wanted))
            }
        }
    }

    /// The attributes that must equal something, when the filter says nothing else. Such a filter also says
    /// what an item has that does not exist yet.
    pub(crate) fn equalities(&self) -> Option<Vec<(&str, &Value)>> {
        match self {
            Self::Compare(path, Operator::Equal, value) if path.is_simple() => Some(vec![(path.attribute(), value)]),
            Self::And(parts) => {
                let parts: Option<Vec<_>> = parts.iter().map(Self::equalities).collect();
                Some(parts?.into_iter().flatten().collect())
            }
            _ => None,
        }
    }
}

fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => true,
    }
}

fn compare(path: &Path, found: &Value, operator: Operator, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => {
            if path.is_case_exact() {
                compare_texts(found, operator, wanted)
            } else {
                compare_texts(&found.to_lowercase(), operator, &wanted.to_lowercase())
            }
        }
        // Some services hold booleans as texts.
        (Value::String(text), Value::Bool(wanted)) | (Value::Bool(wanted), Value::String(text)) => {
            operator == Operator::Equal && text.eq_ignore_ascii_case(if *wanted { "true" } else { "false" })
        }
        (Value::Number(found), Value::Number(wanted)) => match (found.as_f64(), wanted.as_f64()) {
            (Some(found), Some(wanted)) => match operator {
                Operator::Equal => found.total_cmp(&wanted).is_eq(),
                Operator::Greater => found > wanted,
                Operator::GreaterOrEqual => found >= wanted,
                Operator::Less => found < wanted,
                Operator::LessOrEqual => found <= wanted,
                _ => false,
            },
            _ => false,
        },
        _ => operator == Operator::Equal && found == wanted,
    }
}

fn compare_texts(found: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Equal => found == wanted,
        Operator::NotEqual => found != wanted,
        Operator::Contains => found.contains(wanted),
        Operator::StartsWith => found.starts_with(wanted),
        Operator::EndsWith => found.ends_with(wanted),
        Operator::Greater => found > wanted,
        Operator::GreaterOrEqual => found >= wanted,
        Operator::Less => found < wanted,
        Operator::LessOrEqual => found <= wanted,
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => join(f, parts, " and ", |part| matches!(part, Self::Or(_))),
            Self::Or(parts) => join(f, parts, " or ", |_| false),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Item(path) => write!(f, "{path}"),
            // JSON's own quoting, so that no value can end the text it stands in.
            Self::Compare(path, operator, value) => write!(f, "{path} {} {value}", operator.as_str()),
        }
    }
}

fn join(
    f: &mut fmt::Formatter<'_>,
    parts: &[Filter],
    between: &str,
    brackets: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        if brackets(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}

impl Operator {
    fn as_str(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("eq", |(word, _)| word)
    }
}

/// Reads a filter from the left.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) depth: usize,
}

impl<'t> Reader<'t> {
    /// The filter between brackets; the opening one is read already, the closing one is read too.
    pub(super) fn bracketed(&mut self) -> Result<Filter, String> {
        let filter = self.any()?;
        self.blanks();
        if !self.take("]") {
            return Err(self.expected("`]`"));
        }
        Ok(filter)
    }

    fn any(&mut self) -> Result<Filter, String> {
        self.depth += 1;
        if self.depth > MOST_NESTED {
            return Err("too many brackets inside each other".into());
        }
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut parts = vec![self.one()?];
        while self.word("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn one(&mut self) -> Result<Filter, String> {
        self.blanks();
        let start = self.at;
        let negated = self.word("not");
        self.blanks();
        if self.take("(") {
            let inner = self.any()?;
            self.blanks();
            if !self.take(")") {
                return Err(self.expected("`)`"));
            }
            return Ok(if negated { Filter::Not(Box::new(inner)) } else { inner });
        }
        self.at = start;
        let path = Path::read(self)?;
        if self.word("pr") {
            return Ok(Filter::Present(path));
        }
        for (word, operator) in OPERATORS {
            if self.word(word) {
                return Ok(Filter::Compare(path, *operator, self.value()?));
            }
        }
        if path.filter().is_some() { Ok(Filter::Item(path)) } else { Err(self.expected("a comparison such as `eq`")) }
    }

    fn value(&mut self) -> Result<Value, String> {
        self.blanks();
        let rest = &self.text[self.at..];
        let length = if let Some(quoted) = rest.strip_prefix('"') {
            let mut escaped = false;
            let end = quoted.char_indices().find(|(_, letter)| {
                let ends = *letter == '"' && !escaped;
                escaped = *letter == '\\' && !escaped;
                ends
            });
            end.map(|(end, _)| end + 2).ok_or_else(|| self.expected("a closing quotation mark"))?
        } else {
            rest.find([' ', ')', ']']).unwrap_or(rest.len())
        };
        let literal = &rest[..length];
        // Keywords may come in any case: Entra writes `True`.
        let value = match literal.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => serde_json::from_str(literal)
                .map_err(|_| self.expected("a value: a text in quotation marks, a number, true or false"))?,
        };
        self.at += length;
        Ok(value)
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches(' ').len();
    }

    /// Takes a keyword in any case, when it stands by itself.
    fn word(&mut self, word: &str) -> bool {
        let start = self.at;
        self.blanks();
        let rest = &self.text[self.at..];
        let taken = rest.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
            && !rest[word.len()..]
                .starts_with(|letter: char| letter.is_ascii_alphanumeric() || "-_.:$".contains(letter));
        self.at = if taken { self.at + word.len() } else { start };
        taken
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let taken = self.text[self.at..].starts_with(text);
        if taken {
            self.at += text.len();
        }
        taken
    }

    pub(super) fn expected(&self, what: &str) -> String {
        format!("{what} is expected at position {}", self.at + 1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_are_read_and_written_back() {
        for (text, written) in [
            (r#"userName eq "bjensen""#, r#"userName eq "bjensen""#),
            (r#"USERNAME EQ "a" AND active eq True"#, r#"USERNAME eq "a" and active eq true"#),
            (r#"value eq"2819""#, r#"value eq "2819""#),
            ("title pr", "title pr"),
            (
                r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
                r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
            ),
            (r#"a eq 1 and (b eq 2 or c eq 3)"#, r#"a eq 1 and (b eq 2 or c eq 3)"#),
            (
                r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#,
                r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#,
            ),
            (
                r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter eq "R&D""#,
                r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter eq "R&D""#,
            ),
        ] {
            assert_eq!(Filter::parse(text).unwrap().to_string(), written);
        }
        let deep = "(".repeat(100) + "a pr";
        for wrong in ["", "userName", "userName eq", "userName eq \"a", "userName eq a", "a eq 1 b", "(a pr", &deep] {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_cannot_break_out_of_its_quotes() {
        let path = Path::parse("userName").unwrap();
        let filter = Filter::equals(path, "a\" or \"1\" eq \"1\\");
        assert_eq!(filter.to_string(), r#"userName eq "a\" or \"1\" eq \"1\\""#);
        assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter);
    }

    #[test]
    fn filters_hold_or_do_not() {
        let resource = json!({
            "userName": "BJensen@example.com", "externalId": "A1", "active": "True", "title": "",
            "emails": [{"type": "home", "value": "b@example.org"}, {"type": "work", "value": "b@example.com"}],
            "meta": {"lastModified": "2011-05-13T04:42:34Z"}
        });
        for (filter, holds) in [
            (r#"username eq "bjensen@EXAMPLE.com""#, true),
            (r#"externalId eq "a1""#, false),
            (r#"externalId eq "A1""#, true),
            ("active eq true", true),
            ("title pr", false),
            (r#"emails[type eq "work" and value ew "example.com"]"#, true),
            (r#"emails[type eq "home" and value ew "example.com"]"#, false),
            (r#"emails.value sw "b@""#, true),
            (r#"emails.type ne "work""#, false),
            (r#"nickName ne "x""#, true),
            (r#"meta.lastModified gt "2011-05-13T04:42:33Z""#, true),
            (r#"not (userName pr) or userName co "jensen""#, true),
        ] {
            let parsed = Filter::parse(filter).unwrap();
            assert_eq!(parsed.matches(resource.as_object().unwrap()), holds, "{filter}");
        }
    }
}
