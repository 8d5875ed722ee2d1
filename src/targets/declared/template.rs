//! Paths and bodies of requests with places to fill in.
//!
//! A body is written as TOML. In its texts `{account}`, `{employee}` and `{field:NAME}` are filled in; a text that is
//! nothing but `{field:NAME}` becomes the value with its own JSON type and is left out when that field is not
//! sent. A text that is nothing but `{fields}` becomes an object of all fields sent, and `{item}` the account as
//! it was read, with the fields put in (for services that only know how to replace). `{{` and `}}` stand for braces.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value as Json};

use crate::code::Code;
use crate::section::{Located, Problems};
use crate::words::known;

/// What RFC 3986 leaves as it is within one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A body with places to fill in.
#[derive(Clone, Debug, PartialEq)]
pub enum Template {
    Literal(Json),
    Text(Text),
    /// One field with its own type.
    Field(Box<str>),
    Fields,
    /// The account as it was read, with what is sent put in.
    Item,
    Object(Vec<(Box<str>, Template)>),
    List(Vec<Template>),
}

/// What the file says of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    Scalar(Json),
    List(Vec<Located<Written>>),
    Table(Vec<(String, Located<Written>)>),
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Written, E> {
                Ok(Written::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Written, E> {
                Ok(Written::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Written, E> {
                Ok(Written::Scalar(value.into()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Written, E> {
                let number = Number::from_f64(value).ok_or_else(|| E::custom("cannot be sent as JSON"))?;
                Ok(Written::Scalar(Json::Number(number)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Written, E> {
                Ok(Written::Scalar(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Written, A::Error> {
                let mut found = Vec::new();
                while let Some(item) = items.next_element()? {
                    found.push(item);
                }
                Ok(Written::List(found))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Written, A::Error> {
                let mut found = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    found.push(entry);
                }
                Ok(Written::Table(found))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl JsonSchema for Written {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "body".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

/// Text with places to fill in.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(String),
    Account,
    Employee,
    Field(Box<str>),
    Fields,
    Item,
}

/// Which places may be used, and which fields there are.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<'a> {
    /// `{account}`
    pub account: bool,
    /// `{employee}`
    pub employee: bool,
    /// `{field:NAME}` and `{fields}`
    pub fields: bool,
    /// `{item}`
    pub item: bool,
    /// The fields that are declared; `None` when any name may be used.
    pub names: Option<&'a [&'a str]>,
}

pub trait Fill {
    /// For `{account}`.
    fn account(&self) -> &str;
    /// For `{employee}`.
    fn employee(&self) -> String;
    /// For `{field:NAME}`; `None` when the field is not sent.
    fn field(&self, name: &str) -> Option<Json>;
    /// For `{field:NAME}` within a list, which services replace as a whole: what the account holds now.
    fn kept(&self, _name: &str) -> Option<Json> {
        None
    }
    /// For `{fields}`.
    fn fields(&self) -> Json;
    /// For `{item}`.
    fn item(&self) -> Json;
}

impl Text {
    pub fn parse(text: &str, allowed: Allowed<'_>) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if let Some(doubled) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = doubled;
                continue;
            }
            if brace == "}" {
                return Err(format!("`{text}` closes a brace that is not open; write `}}}}` for a brace itself"));
            }
            let (place, further) = after.split_once('}').ok_or_else(|| {
                format!("`{text}` opens a brace and does not close it; write `{{{{` for a brace itself")
            })?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::parse(place, allowed)?);
            rest = further;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        let whole = parts.len() == 1;
        match parts.iter().find(|part| matches!(part, Part::Fields | Part::Item)) {
            Some(_) if !whole => Err(format!("`{text}`: `{{fields}}` and `{{item}}` stand alone, without other text")),
            _ => Ok(Self(parts)),
        }
    }

    /// Filled in, as text.
    pub fn render(&self, fill: &impl Fill) -> String {
        self.0.iter().map(|part| part.render(fill)).collect()
    }

    /// Filled in, as part of a path: what is filled in is percent-encoded.
    pub fn render_path(&self, fill: &impl Fill) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.clone(),
                place => utf8_percent_encode(&place.render(fill), SEGMENT).to_string(),
            })
            .collect()
    }

    /// With its places named but not filled in, for messages: `/people/{account}`.
    pub fn outline(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.clone(),
                Part::Account => "{account}".into(),
                Part::Employee => "{employee}".into(),
                Part::Field(name) => format!("{{field:{name}}}"),
                Part::Fields => "{fields}".into(),
                Part::Item => "{item}".into(),
            })
            .collect()
    }

    /// Whether `{account}` is among the places.
    pub fn names_account(&self) -> bool {
        self.0.contains(&Part::Account)
    }

    /// The account in a path that this text made, when it is one; any other place matches anything.
    pub fn account_in(&self, path: &str) -> Option<Option<String>> {
        fn walk(parts: &[Part], path: &str) -> Option<Option<String>> {
            match parts {
                [] => path.is_empty().then_some(None),
                [Part::Literal(text), rest @ ..] => walk(rest, path.strip_prefix(text.as_str())?),
                [place, rest @ ..] => {
                    let end = path.find('/').unwrap_or(path.len());
                    (1..=end).filter(|at| path.is_char_boundary(*at)).rev().find_map(|at| {
                        let inner = walk(rest, &path[at..])?;
                        let value = percent_encoding::percent_decode_str(&path[..at]).decode_utf8_lossy().into_owned();
                        Some(if *place == Part::Account { Some(value) } else { inner })
                    })
                }
            }
        }
        walk(&self.0, path)
    }
}

impl Part {
    fn parse(place: &str, allowed: Allowed<'_>) -> Result<Self, String> {
        if let Some(name) = place.strip_prefix("field:").filter(|_| allowed.fields) {
            let name = name.trim();
            return match allowed.names {
                Some(names) if !names.contains(&name) => {
                    Err(format!("there is no field `{name}`; {}", known(name, names.iter().copied())))
                }
                _ => Ok(Self::Field(name.into())),
            };
        }
        match place {
            "account" if allowed.account => Ok(Self::Account),
            "employee" if allowed.employee => Ok(Self::Employee),
            "fields" if allowed.fields => Ok(Self::Fields),
            "item" if allowed.item => Ok(Self::Item),
            _ => {
                let places: Vec<&str> = [
                    ("{account}", allowed.account),
                    ("{employee}", allowed.employee),
                    ("{fields}", allowed.fields),
                    ("{field:NAME}", allowed.fields),
                    ("{item}", allowed.item),
                ]
                .into_iter()
                .filter_map(|(place, allowed)| allowed.then_some(place))
                .collect();
                Err(match places.as_slice() {
                    [] => format!("`{{{place}}}` cannot be filled in here; nothing can"),
                    places => format!("`{{{place}}}` cannot be filled in here; known: {}", places.join(", ")),
                })
            }
        }
    }

    fn render(&self, fill: &impl Fill) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Account => fill.account().to_owned(),
            Self::Employee => fill.employee(),
            Self::Field(name) => fill.field(name).map_or_else(String::new, |value| plain(&value)),
            Self::Fields => fill.fields().to_string(),
            Self::Item => fill.item().to_string(),
        }
    }
}

/// A JSON value as text without quotes; null is blank.
fn plain(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Template {
    /// Reads a body of the file; mistakes are added to the problems.
    pub fn parse(body: &Located<Written>, allowed: Allowed<'_>, problems: &Problems<'_>) -> Option<Self> {
        Some(match &body.value {
            Written::Scalar(Json::String(text)) => match Text::parse(text, allowed) {
                Ok(parsed) => match parsed.0.as_slice() {
                    [Part::Fields] => Self::Fields,
                    [Part::Item] => Self::Item,
                    [Part::Field(name)] => Self::Field(name.clone()),
                    [] => Self::Literal(Json::from("")),
                    [Part::Literal(text)] => Self::Literal(Json::from(text.as_str())),
                    _ => Self::Text(parsed),
                },
                Err(why) => {
                    problems.error(body.span.clone(), Code::WrongValue, why);
                    return None;
                }
            },
            Written::Scalar(scalar) => Self::Literal(scalar.clone()),
            Written::List(items) => {
                let items: Vec<_> = items.iter().map(|item| Self::parse(item, allowed, problems)).collect();
                Self::List(items.into_iter().collect::<Option<_>>()?)
            }
            Written::Table(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| Some((key.as_str().into(), Self::parse(value, allowed, problems)?)))
                    .collect();
                Self::Object(entries.into_iter().collect::<Option<_>>()?)
            }
        })
    }

    /// Filled in; `None` when it stands for a field that is not sent.
    pub fn render(&self, fill: &impl Fill) -> Option<Json> {
        self.render_within(fill, false)
    }

    fn render_within(&self, fill: &impl Fill, list: bool) -> Option<Json> {
        Some(match self {
            Self::Literal(json) => json.clone(),
            Self::Text(text) => Json::from(text.render(fill)),
            Self::Field(name) => return fill.field(name).or_else(|| list.then(|| fill.kept(name))?),
            Self::Fields => fill.fields(),
            Self::Item => fill.item(),
            Self::Object(entries) => Json::Object(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some((key.to_string(), value.render_within(fill, list)?)))
                    .collect(),
            ),
            Self::List(items) => items.iter().filter_map(|item| item.render_within(fill, true)).collect(),
        })
    }

    /// Whether `{item}` stands in it.
    pub fn needs_item(&self) -> bool {
        match self {
            Self::Item => true,
            Self::Object(entries) => entries.iter().any(|(_, value)| value.needs_item()),
            Self::List(items) => items.iter().any(Self::needs_item),
            _ => false,
        }
    }

    /// Whether a field stands in a list, which services replace as a whole.
    pub fn lists_fields(&self) -> bool {
        match self {
            Self::Object(entries) => entries.iter().any(|(_, value)| value.lists_fields()),
            Self::List(items) => items.iter().any(Self::sends_fields),
            _ => false,
        }
    }

    /// Whether the account stands in it, by its id or as a whole.
    pub fn names_account(&self) -> bool {
        match self {
            Self::Item => true,
            Self::Text(text) => text.names_account(),
            Self::Object(entries) => entries.iter().any(|(_, value)| value.names_account()),
            Self::List(items) => items.iter().any(Self::names_account),
            Self::Literal(_) | Self::Field(_) | Self::Fields => false,
        }
    }

    /// Whether any field stands in it.
    pub fn sends_fields(&self) -> bool {
        match self {
            Self::Item | Self::Fields | Self::Field(_) => true,
            Self::Text(text) => text.0.iter().any(|part| matches!(part, Part::Field(_))),
            Self::Object(entries) => entries.iter().any(|(_, value)| value.sends_fields()),
            Self::List(items) => items.iter().any(Self::sends_fields),
            Self::Literal(_) => false,
        }
    }

    /// Reads a body that this template made: hands over each `{fields}` or `{item}` object, and each `{field:NAME}`.
    pub fn read(&self, body: &Json, found: &mut impl FnMut(Read<'_>)) {
        match self {
            Self::Fields | Self::Item => {
                if let Some(object) = body.as_object() {
                    found(Read::Object(object));
                }
            }
            Self::Field(name) => found(Read::Field(name, body)),
            Self::Text(text) => {
                if let Some(Some(account)) = body.as_str().and_then(|body| text.account_in(body)) {
                    found(Read::Account(account));
                }
                // A field between fixed texts can be cut out; two fields in one text cannot be told apart.
                if let (Some((name, before, after)), Some(body)) = (text.single_field(), body.as_str())
                    && let Some(inner) = body.strip_prefix(before).and_then(|body| body.strip_suffix(after))
                {
                    found(Read::Field(name, &Json::from(inner)));
                }
            }
            Self::Object(entries) => {
                for (key, value) in entries {
                    if let Some(inner) = body.get(&**key) {
                        value.read(inner, found);
                    }
                }
            }
            Self::List(items) => {
                for (item, inner) in items.iter().zip(body.as_array().into_iter().flatten()) {
                    item.read(inner, found);
                }
            }
            Self::Literal(_) => {}
        }
    }
}

impl Text {
    fn single_field(&self) -> Option<(&str, &str, &str)> {
        match self.0.as_slice() {
            [Part::Field(name)] => Some((name, "", "")),
            [Part::Literal(before), Part::Field(name)] => Some((name, before, "")),
            [Part::Field(name), Part::Literal(after)] => Some((name, "", after)),
            [Part::Literal(before), Part::Field(name), Part::Literal(after)] => Some((name, before, after)),
            _ => None,
        }
    }
}

/// What was found in a body by [`Template::read`].
#[derive(Debug)]
pub enum Read<'a> {
    Account(String),
    /// Fields where `fields` says they are.
    Object(&'a Map<String, Json>),
    Field(&'a str, &'a Json),
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::section::{Context, SecretMode, SecretReader, Table};
    use serde_json::json;

    struct Sample;

    impl Fill for Sample {
        fn account(&self) -> &str {
            "a/7 ü"
        }
        fn employee(&self) -> String {
            "1001".into()
        }
        fn field(&self, name: &str) -> Option<Json> {
            match name {
                "email" => Some(json!("ines@example.com")),
                "hours" => Some(json!(38.5)),
                "gone" => Some(Json::Null),
                _ => None,
            }
        }
        fn fields(&self) -> Json {
            json!({"email": "ines@example.com"})
        }
        fn item(&self) -> Json {
            json!({"id": 7, "email": "ines@example.com"})
        }
    }

    const ALL: Allowed<'_> = Allowed { account: true, employee: true, fields: true, item: true, names: None };

    fn body(toml: &str) -> Template {
        #[derive(Deserialize, JsonSchema)]
        struct Section {
            body: Located<Written>,
        }
        let text = format!("body = {toml}");
        let problems = Problems::new(&text);
        let secrets = SecretReader::new(&|_| None, Path::new("."), SecretMode::Invent);
        let document = toml::de::DeTable::parse(&text).unwrap();
        let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
        let section: Section = Table::new("", 0..0, document.get_ref(), context).read().unwrap();
        let found = Template::parse(&section.body, ALL, &problems);
        assert_eq!(problems.into_sorted(), []);
        found.unwrap()
    }

    #[test]
    fn bodies_are_filled_in() {
        for (toml, expected) in [
            ("'{fields}'", json!({"email": "ines@example.com"})),
            ("{ data = '{item}' }", json!({"data": {"id": 7, "email": "ines@example.com"}})),
            ("{ mail = '{field:email}', team = '{field:team}' }", json!({"mail": "ines@example.com"})),
            ("{ hours = '{field:hours}', text = '{field:hours}h' }", json!({"hours": 38.5, "text": "38.5h"})),
            ("{ gone = '{field:gone}' }", json!({"gone": null})),
            ("{ ref = 'p-{employee}', of = '{account}' }", json!({"ref": "p-1001", "of": "a/7 ü"})),
            ("['{field:team}', '{field:email}', 1, true, 0.5]", json!(["ines@example.com", 1, true, 0.5])),
            ("'a {{b}} c'", json!("a {b} c")),
            ("''", json!("")),
            ("{ since = 2026-02-28 }", json!({"since": "2026-02-28"})),
        ] {
            assert_eq!(body(toml).render(&Sample), Some(expected), "{toml}");
        }
    }

    #[test]
    fn a_body_is_read_back_the_way_it_was_made() {
        let template = body("{ data = '{fields}', more = ['x', { hours = '{field:hours}h' }], kind = 'person' }");
        let mut found = Vec::new();
        template.read(&template.render(&Sample).unwrap(), &mut |read| match read {
            Read::Object(object) => found.push(json!(object)),
            Read::Field(name, value) => found.push(json!([name, value])),
            Read::Account(account) => found.push(json!(account)),
        });
        assert_eq!(found, [json!({"email": "ines@example.com"}), json!(["hours", "38.5"])]);
    }

    #[test]
    fn what_is_filled_into_a_path_cannot_leave_its_segment() {
        let path = Text::parse("/people/{account}/x", ALL).unwrap();
        assert_eq!(path.render_path(&Sample), "/people/a%2F7%20%C3%BC/x");
        assert_eq!(path.account_in("/people/a%2F7%20%C3%BC/x"), Some(Some("a/7 ü".into())));
        assert_eq!(path.account_in("/people/7"), None);
        assert_eq!(path.outline(), "/people/{account}/x");
        assert_eq!(Text::parse("/people", ALL).unwrap().account_in("/people"), Some(None));
    }

    #[test]
    fn mistakes_say_what_can_be_filled_in() {
        let names: &[&str] = &["email"];
        let few = Allowed { account: false, employee: true, fields: true, item: false, names: Some(names) };
        for (text, message) in [
            ("{acount}", "`{acount}` cannot be filled in here; known: {employee}, {fields}, {field:NAME}"),
            ("{account}", "`{account}` cannot be filled in here; known: {employee}, {fields}, {field:NAME}"),
            ("{field:emial}", "there is no field `emial`; did you mean `email`? known: `email`"),
            ("a {fields}", "`a {fields}`: `{fields}` and `{item}` stand alone, without other text"),
            ("{employee", "`{employee` opens a brace and does not close it; write `{{` for a brace itself"),
            ("employee}", "`employee}` closes a brace that is not open; write `}}` for a brace itself"),
        ] {
            assert_eq!(Text::parse(text, few), Err(message.into()));
        }
    }
}
