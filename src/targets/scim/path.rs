//! Attribute paths as SCIM writes them (RFC 7644, section 3.5.2): `name.givenName`,
//! `emails[type eq "work"].value`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter`.

use std::fmt;

use serde_json::{Map, Value};

use super::filter::{Filter, Reader};

/// The schema of a user's core attributes.
pub(crate) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of a user's organisational attributes.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A place in a resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    /// The extension that the attribute belongs to; `None` for core attributes.
    urn: Option<Box<str>>,
    attribute: Box<str>,
    filter: Option<Box<Filter>>,
    sub: Option<Box<str>>,
}

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let path = Self::read(&mut reader)?;
        if reader.at < text.len() {
            return Err(reader.expected("the end of the path"));
        }
        Ok(path)
    }

    pub(crate) fn core(attribute: &str) -> Self {
        Self { urn: None, attribute: attribute.into(), filter: None, sub: None }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, String> {
        let rest = &reader.text[reader.at..];
        let length = rest.find([' ', '[', ']', '(', ')', '"']).unwrap_or(rest.len());
        let head = &rest[..length];
        // A URN holds dots and colons; the attribute begins after its last colon.
        let (urn, names) = match head.rsplit_once(':') {
            Some((urn, names)) if is_urn(urn) => (Some(urn), names),
            Some(_) => return Err(reader.expected("`urn:` and the name of a schema")),
            None => (None, head),
        };
        let (attribute, sub) = match names.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub)),
            None => (names, None),
        };
        if !is_name(attribute) || sub.is_some_and(|sub| !is_name(sub)) {
            return Err(reader.expected("the name of an attribute"));
        }
        reader.at += length;
        let mut path = Self {
            urn: urn.filter(|urn| !urn.eq_ignore_ascii_case(CORE)).map(Into::into),
            attribute: attribute.into(),
            filter: None,
            sub: sub.map(Into::into),
        };
        if path.sub.is_none() && reader.take("[") {
            path.filter = Some(Box::new(reader.bracketed()?));
            if reader.take(".") {
                let rest = &reader.text[reader.at..];
                let length = rest.find([' ', ')', ']']).unwrap_or(rest.len());
                if !is_name(&rest[..length]) {
                    return Err(reader.expected("the name of a part"));
                }
                path.sub = Some(rest[..length].into());
                reader.at += length;
            }
        }
        Ok(path)
    }

    pub(crate) fn urn(&self) -> Option<&str> {
        self.urn.as_deref()
    }

    pub(crate) fn attribute(&self) -> &str {
        &self.attribute
    }

    /// Which items of a list are meant.
    pub(crate) fn filter(&self) -> Option<&Filter> {
        self.filter.as_deref()
    }

    /// The part of a complex attribute.
    pub(crate) fn sub(&self) -> Option<&str> {
        self.sub.as_deref()
    }

    /// A core attribute by its name alone.
    pub(crate) fn is_simple(&self) -> bool {
        self.urn.is_none() && self.filter.is_none() && self.sub.is_none()
    }

    /// Whether this is a core attribute of that name, in any case.
    pub(crate) fn is(&self, attribute: &str) -> bool {
        self.is_simple() && self.attribute.eq_ignore_ascii_case(attribute)
    }

    /// The whole attribute, without filter and part.
    pub(crate) fn whole(&self) -> Self {
        Self { urn: self.urn.clone(), attribute: self.attribute.clone(), filter: None, sub: None }
    }

    /// The item without its part: `emails[type eq "work"]`.
    pub(crate) fn item(&self) -> Self {
        Self { sub: None, ..self.clone() }
    }

    /// The same with another part.
    pub(crate) fn with_sub(&self, sub: &str) -> Self {
        Self { sub: Some(sub.into()), ..self.clone() }
    }

    /// Whether letter case counts when values are searched (RFC 7643, `caseExact`).
    pub(crate) fn is_case_exact(&self) -> bool {
        self.is("id") || self.is("externalId")
    }

    /// The object that holds the attribute: the resource, or the extension's object within it.
    pub(crate) fn container<'r>(&self, resource: &'r Map<String, Value>) -> Option<&'r Map<String, Value>> {
        match &self.urn {
            None => Some(resource),
            Some(urn) => get(resource, urn)?.as_object(),
        }
    }

    /// All values at this place. A list without a part stands for the values of its items, as in filters.
    pub(crate) fn values<'r>(&self, resource: &'r Map<String, Value>) -> Vec<&'r Value> {
        let Some(value) = self.container(resource).and_then(|container| get(container, &self.attribute)) else {
            return Vec::new();
        };
        let items: Vec<&Value> = match value {
            Value::Array(items) => items.iter().collect(),
            other => vec![other],
        };
        items
            .into_iter()
            .filter(|item| match (&self.filter, item) {
                (None, _) => true,
                (Some(filter), Value::Object(object)) => filter.matches(object),
                (Some(_), _) => false,
            })
            .filter_map(|item| match (item, &self.sub) {
                (Value::Object(object), Some(sub)) => get(object, sub),
                (Value::Object(object), None) if value.is_array() && self.filter.is_none() => {
                    get(object, "value").or(Some(item))
                }
                (other, None) => Some(other),
                (_, Some(_)) => None,
            })
            .collect()
    }
}

/// A value by its name in any case: attribute names are not case-sensitive.
pub(crate) fn get<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The spelling under which an object holds a name; the name itself when it does not.
pub(crate) fn spelling(object: &Map<String, Value>, name: &str) -> String {
    object.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned())
}

fn is_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) && text.len() > 4
}

fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_')
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        if let Some(sub) = &self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let enterprise = Some(ENTERPRISE);
        for (text, urn, attribute, filter, sub) in [
            ("userName", None, "userName", None, None),
            ("name.givenName", None, "name", None, Some("givenName")),
            (r#"emails[type eq "work"].value"#, None, "emails", Some(r#"type eq "work""#), Some("value")),
            (r#"addresses[type eq "work"]"#, None, "addresses", Some(r#"type eq "work""#), None),
            (
                r#"emails[type eq "work" and value ew "example.com"]"#,
                None,
                "emails",
                Some(r#"type eq "work" and value ew "example.com""#),
                None,
            ),
            (r#"members[value eq"2819"]"#, None, "members", Some(r#"value eq "2819""#), None),
            (r#"emails[type eq "a]b.c"].value"#, None, "emails", Some(r#"type eq "a]b.c""#), Some("value")),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
                enterprise,
                "costCenter",
                None,
                None,
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                enterprise,
                "manager",
                None,
                Some("value"),
            ),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", None, "userName", None, None),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName", None, "name", None, Some("givenName")),
            ("x-y_z", None, "x-y_z", None, None),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref",
                enterprise,
                "manager",
                None,
                Some("$ref"),
            ),
        ] {
            let path = Path::parse(text).unwrap();
            assert_eq!(path.urn(), urn, "{text}");
            assert_eq!(path.attribute(), attribute, "{text}");
            assert_eq!(path.filter().map(ToString::to_string).as_deref(), filter, "{text}");
            assert_eq!(path.sub(), sub, "{text}");
            assert_eq!(Path::parse(&path.to_string()).unwrap(), path, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for wrong in [
            "",
            " ",
            ".",
            "name.",
            ".name",
            "1st",
            "a b",
            "emails[",
            "emails[]",
            "emails[type eq \"work\"",
            "emails[type]",
            "emails[type eq \"work\"].",
            "emails[type eq \"work\"]value",
            "emails.value[type eq \"work\"]",
            "a:b",
            "urn:",
            "urn:x:",
            "name.given.name",
            "userName eq \"x\"",
            "emails[type eq 'work'].value",
        ] {
            assert!(Path::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_found_whatever_the_case_of_names() {
        let resource = json!({
            "USERNAME": "b",
            "emails": [{"value": "w@example.com", "type": "Work"}, {"value": "h@example.com", "type": "home"}],
            "URN:ietf:params:scim:schemas:extension:Enterprise:2.0:User": {"costcenter": "4130"}
        });
        let resource = resource.as_object().unwrap();
        for (path, values) in [
            ("userName", vec!["b"]),
            (r#"emails[type eq "work"].value"#, vec!["w@example.com"]),
            ("emails", vec!["w@example.com", "h@example.com"]),
            ("emails.type", vec!["Work", "home"]),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter", vec!["4130"]),
            ("userName.value", vec![]),
            ("title", vec![]),
        ] {
            let found: Vec<&str> =
                Path::parse(path).unwrap().values(resource).into_iter().filter_map(Value::as_str).collect();
            assert_eq!(found, values, "{path}");
        }
    }
}
