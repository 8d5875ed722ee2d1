use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// A JSON pointer (RFC 6901) such as `/data/email`; the empty one is the whole document.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, description = "")]
pub struct Pointer(#[schemars(with = "String")] Box<str>);

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Pointer> for String {
    fn from(Pointer(text): Pointer) -> Self {
        text.into()
    }
}

impl Pointer {
    /// Checks the form.
    ///
    /// # Errors
    ///
    /// When it is neither empty nor begins with a slash, or `~` stands before anything but 0 and 1.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!("must be a JSON pointer; write `/{text}`, with a slash before each name"));
        }
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('~') {
            if !after.starts_with(['0', '1']) {
                return Err("must be a JSON pointer; write `~0` for a tilde within a name".into());
            }
            rest = after;
        }
        Ok(Self(text.into()))
    }

    /// To a member of the document of this very name.
    pub fn member(name: &str) -> Self {
        Self(format!("/{}", name.replace('~', "~0").replace('/', "~1")).into())
    }

    /// As the file has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it points to; null counts as nothing.
    pub fn get<'j>(&self, document: &'j Json) -> Option<&'j Json> {
        document.pointer(&self.0).filter(|found| !found.is_null())
    }

    /// The first list on the way, when it leads through one: `/phones` for `/phones/0/number`.
    pub fn list(&self) -> Option<Self> {
        let mut end = 0;
        for token in self.0.split('/').skip(1) {
            if token.parse::<usize>().is_ok() {
                return Some(Self(self.0[..end].into()));
            }
            end += token.len() + 1;
        }
        None
    }

    /// Puts a value where it points to, making what is missing on the way: lists for `0`, objects for all else.
    pub fn put(&self, document: &mut Json, value: Json) {
        let mut place = document;
        for token in self.0.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let index = token.parse::<usize>().ok();
            if index == Some(0) && place.is_null() {
                *place = Json::Array(Vec::new());
            } else if !(place.is_object() || index.is_some() && place.is_array()) {
                *place = Json::Object(Map::new());
            }
            place = match (place, index) {
                (Json::Array(items), Some(index)) => {
                    if index >= items.len() {
                        items.push(Json::Null);
                    }
                    let last = items.len() - 1;
                    &mut items[index.min(last)]
                }
                (other, _) => &mut other[token],
            };
        }
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_put_is_found_again() {
        let mut document = json!({"job": {"title": "Lead", "none": null}});
        for (pointer, value) in
            [("/email", "e"), ("/job/team", "t"), ("/phones/0/number", "n"), ("/a~1b", "s"), ("/job/none", "x")]
        {
            let pointer = Pointer::parse(pointer).unwrap();
            assert_eq!(pointer.get(&document), None, "{pointer:?}");
            pointer.put(&mut document, json!(value));
            assert_eq!(pointer.get(&document), Some(&json!(value)));
        }
        assert_eq!(
            document,
            json!({"job": {"title": "Lead", "none": "x", "team": "t"}, "email": "e", "phones": [{"number": "n"}], "a/b": "s"})
        );
    }

    #[test]
    fn the_list_on_the_way_is_found() {
        for (pointer, list) in [
            ("/phones/0/number", Some("/phones")),
            ("/job/teams/1", Some("/job/teams")),
            ("/0/name", Some("")),
            ("/job/title", None),
            ("", None),
        ] {
            let found = Pointer::parse(pointer).unwrap().list();
            assert_eq!(found.as_ref().map(Pointer::as_str), list, "{pointer}");
        }
    }

    #[test]
    fn the_form_is_checked() {
        assert_eq!(
            Pointer::parse("data").unwrap_err(),
            "must be a JSON pointer; write `/data`, with a slash before each name"
        );
        assert!(Pointer::parse("/a~b").is_err());
        assert_eq!(Pointer::parse("").unwrap().get(&json!([1])), Some(&json!([1])));
        assert_eq!(Pointer::member("a/b"), Pointer::parse("/a~1b").unwrap());
    }
}
