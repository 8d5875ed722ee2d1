//! Tables of the file's keys for the reference in `docs/`, made from the JSON Schema of the file.
//!
//! A page has a line `<!-- keys of SECTION -->` where a table belongs. `SECTION` is `the file`, a place in the file
//! (`personio`, `targets.NAME.leavers`) or in a target of one type (`slack`, `slack.groups.NAME`, `pento.delivery.sftp`). Tables within a
//! section follow it, unless they have a line of their own on the page. `<!-- keys of travelperk but scim -->`
//! leaves out what both types have, and `<!-- keys of scim and travelperk -->` has only that.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::section::shape::toml_text;

/// A page with its tables. `to_docs` is the way from the page to the folder `docs/`: nothing, or `../`.
///
/// # Errors
///
/// When it asks for a section that the schema does not have, or a key has no description.
pub fn render(page: &str, schema: &Value, to_docs: &str) -> Result<String, String> {
    let placed: BTreeSet<&str> = page.lines().filter_map(placeholder).map(|keys| keys.section).collect();
    let tables = Tables { schema, to_docs, placed };
    let mut text = String::with_capacity(page.len() * 2);
    for line in page.lines() {
        match placeholder(line) {
            Some(keys) => text.push_str(&tables.of(&keys)?),
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Ok(text)
}

/// What a line asks for.
struct Keys<'a> {
    section: &'a str,
    /// Another section, and whether the keys that both have are meant, or the others.
    beside: Option<(&'a str, bool)>,
}

fn placeholder(line: &str) -> Option<Keys<'_>> {
    let section = line.trim().strip_prefix("<!-- keys of ")?.strip_suffix(" -->")?;
    let beside = |word: &str, shared| section.split_once(word).map(|(section, other)| (section, Some((other, shared))));
    let (section, beside) = beside(" but ", false).or_else(|| beside(" and ", true)).unwrap_or((section, None));
    Some(Keys { section, beside })
}

/// The rows of a table of the file, and its place.
type Rows = (String, Vec<[String; 4]>);

struct Tables<'a> {
    schema: &'a Value,
    to_docs: &'a str,
    placed: BTreeSet<&'a str>,
}

impl Tables<'_> {
    fn of(&self, asked: &Keys<'_>) -> Result<String, String> {
        let section = asked.section;
        let mut keys = self.section(section)?;
        if let Some((other, shared)) = asked.beside {
            let other = self.section(other)?;
            let own = keys["properties"].as_object_mut().into_iter();
            own.for_each(|own| own.retain(|key, value| (other["properties"].get(key) == Some(value)) == shared));
        }
        let mut all = Vec::new();
        self.collect(section, String::new(), &keys, &mut all)?;
        let mut text = String::new();
        while !all.is_empty() {
            let (place, rows) = all.remove(0);
            let mut places = vec![place];
            all.retain(|(place, others)| {
                let same = *others == rows;
                if same {
                    places.push(place.clone());
                }
                !same
            });
            if !places[0].is_empty() {
                text.push_str(&format!("\nIn `{}`:\n\n", places.join("` and `")));
            }
            text.push_str("| key | takes | default | meaning |\n|---|---|---|---|\n");
            for [key, takes, default, meaning] in rows {
                text.push_str(&format!("| `{key}` | {takes} | {default} | {meaning} |\n"));
            }
        }
        Ok(text)
    }

    /// The rows of a table and of those within it. `within` is its place in `section`.
    fn collect(&self, section: &str, within: String, keys: &Value, all: &mut Vec<Rows>) -> Result<(), String> {
        let place = |key: &str| if within.is_empty() { key.to_owned() } else { format!("{within}.{key}") };
        let (mut rows, mut inner) = (Vec::new(), Vec::new());
        for (key, value) in keys["properties"].as_object().into_iter().flatten() {
            let needed = keys["required"].as_array().is_some_and(|keys| keys.iter().any(|name| name == key));
            let default = match self.inherited(value, "default") {
                _ if needed => "needed".to_owned(),
                Some(value) if !value.is_null() => format!("`{}`", toml_text(value)),
                _ => String::new(),
            };
            let meaning = self.meaning(value).ok_or_else(|| format!("`{}` in {section} has no words", place(key)))?;
            let row = [key.clone(), self.takes(value), default, meaning];
            rows.push(row.map(|cell| cell.replace('|', "\\|")));
            inner.extend(self.table_within(value).map(|(suffix, table)| (format!("{}{suffix}", place(key)), table)));
        }
        if rows.is_empty() {
            return Err(format!("there are no keys in {section}"));
        }
        all.push((within, rows));
        for (within, table) in inner {
            let full = if section == "the file" { within.clone() } else { format!("{section}.{within}") };
            if !self.placed.contains(&*full) {
                self.collect(section, within, table, all)?;
            }
        }
        Ok(())
    }

    /// What a section is in the schema.
    fn section(&self, path: &str) -> Result<Value, String> {
        let unknown = || format!("the schema has no section `{path}`");
        if path == "the file" {
            let mut keys = self.schema.clone();
            // Every target is a section of its own.
            keys["properties"]["targets"] = keys["properties"]["targets"]["description"]
                .as_str()
                .map(|words| serde_json::json!({"type": "object", "additionalProperties": {"type": "object"}, "description": words}))
                .ok_or_else(unknown)?;
            return Ok(keys);
        }
        let (mut keys, rest) = match path.strip_prefix("targets.NAME") {
            Some(rest) => (self.common(), rest.trim_start_matches('.')),
            None => {
                let (first, rest) = path.split_once('.').unwrap_or((path, ""));
                let keys = match self.schema["properties"].get(first) {
                    Some(keys) => keys.clone(),
                    None => self.own(first).ok_or_else(unknown)?,
                };
                (keys, rest)
            }
        };
        for part in rest.split('.').filter(|part| !part.is_empty()) {
            let found = self.resolved(&keys);
            let way = || found["oneOf"].as_array()?.iter().find(|way| way["properties"]["type"]["const"] == *part);
            let next = match found["properties"].get(part).or_else(way) {
                Some(next) => next,
                None if part.chars().all(char::is_uppercase) => &found["additionalProperties"],
                None => return Err(unknown()),
            };
            keys = next.clone();
            // Which of several ways it is, the page says.
            if keys["properties"]["type"].get("const").is_some() {
                keys["properties"].as_object_mut().map(|keys| keys.remove("type"));
            }
        }
        self.table(&keys).cloned().ok_or_else(unknown)
    }

    /// The types of targets, each with its keys.
    fn types(&self) -> impl Iterator<Item = (&str, &Value)> {
        let target = self.resolved(&self.schema["properties"]["targets"]["additionalProperties"]);
        target["allOf"].as_array().into_iter().flatten().filter_map(|case| {
            Some((case["if"]["properties"]["type"]["const"].as_str()?, self.resolved(&case["then"])))
        })
    }

    /// The keys that every type of target has.
    fn common(&self) -> Value {
        let mut types = self.types();
        let mut common = types.next().map(|(_, keys)| keys.clone()).unwrap_or_default();
        for (_, other) in types {
            if let Some(keys) = common["properties"].as_object_mut() {
                keys.retain(|key, _| other["properties"].get(key).is_some());
            }
            if let Some(required) = common["required"].as_array_mut() {
                required.retain(|key| other["required"].as_array().is_some_and(|keys| keys.contains(key)));
            }
        }
        common["properties"]["type"] = serde_json::json!({"type": "string", "description": "The type of target"});
        common["required"].as_array_mut().into_iter().for_each(|required| required.insert(0, "type".into()));
        common
    }

    /// The keys that one type has beside those.
    fn own(&self, kind: &str) -> Option<Value> {
        let (_, keys) = self.types().find(|(name, _)| *name == kind)?;
        let (mut keys, common) = (keys.clone(), self.common());
        keys["properties"].as_object_mut()?.retain(|key, _| common["properties"].get(key).is_none());
        Some(keys)
    }

    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        // A reference that stands beside a description may be wrapped.
        let wrapped = value["allOf"].as_array().filter(|parts| parts.len() == 1).map_or(value, |parts| &parts[0]);
        match wrapped["$ref"].as_str().and_then(|reference| self.schema.pointer(reference.trim_start_matches('#'))) {
            Some(found) => self.resolved(found),
            None => value,
        }
    }

    /// What a key says itself, or else what it refers to.
    fn inherited<'v>(&'v self, value: &'v Value, word: &str) -> Option<&'v Value> {
        value.get(word).or_else(|| self.resolved(value).get(word))
    }

    /// The forms that a value may have.
    fn forms<'v>(&'v self, value: &'v Value) -> Vec<&'v Value> {
        let value = self.resolved(value);
        // Beside `properties`, the words say which of them belong together.
        let words = if value.get("properties").is_some() { &[][..] } else { &["anyOf", "oneOf"][..] };
        let several = words.iter().find_map(|word| value[*word].as_array());
        match several {
            Some(forms) => forms.iter().flat_map(|form| self.forms(form)).collect(),
            None => vec![value],
        }
    }

    /// The table that a value may be, or that each item of it is.
    fn table<'v>(&'v self, value: &'v Value) -> Option<&'v Value> {
        self.forms(value).into_iter().find_map(|form| match form.get("items") {
            Some(items) => self.table(items),
            None => form.get("properties").map(|_| form),
        })
    }

    /// A table within a section that the reference shows, with what is added to the name of its key.
    fn table_within<'v>(&'v self, value: &'v Value) -> Option<(&'static str, &'v Value)> {
        if self.title(value).is_some() {
            return None;
        }
        let named =
            self.forms(value).into_iter().map(|form| &form["additionalProperties"]).find(|named| named.is_object());
        match named {
            Some(named) => (self.title(named).is_none()).then(|| self.table(named))?.map(|table| (".NAME", table)),
            None => self.table(value).map(|table| ("", table)),
        }
    }

    /// The name of a kind of values, such as a secret, that is explained once.
    fn title<'v>(&'v self, value: &'v Value) -> Option<&'v str> {
        self.resolved(value)["title"].as_str()
    }

    fn takes(&self, value: &Value) -> String {
        if let Some(title) = self.title(value) {
            let home = match title {
                "secret" => "secrets",
                "expression or table" => "mapping",
                _ => return title.to_owned(),
            };
            return format!("[{title}]({}configuration.md#{home})", self.to_docs);
        }
        let mut found: Vec<String> = Vec::new();
        for form in self.forms(value) {
            let choices = form["enum"].as_array().map_or(&[][..], |all| all).iter().chain(form.get("const"));
            let truth = [Value::Bool(true), Value::Bool(false)];
            let choices = choices.chain(truth.iter().filter(|_| form["type"] == "boolean"));
            let choices: Vec<String> = choices.map(|choice| format!("`{}`", toml_text(choice))).collect();
            let kinds = match &form["type"] {
                Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                kind => Vec::from_iter(kind.as_str()),
            };
            let kinds = if choices.is_empty() { kinds } else { Vec::new() };
            let words = kinds.into_iter().filter(|kind| *kind != "null").map(|kind| self.kind(kind, form));
            for words in choices.into_iter().chain(words) {
                if !found.contains(&words) {
                    found.push(words);
                }
            }
        }
        match found.split_last() {
            None => "any value".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }

    fn kind(&self, kind: &str, form: &Value) -> String {
        let several = |value: &Value| match &*self.takes(value) {
            one @ ("text" | "number" | "table") => format!("{one}s"),
            other => other.to_owned(),
        };
        match kind {
            "string" => "text".into(),
            "integer" => "number".into(),
            "array" if form.get("items").is_some() => format!("list of {}", several(&form["items"])),
            "array" => "list".into(),
            "object" if form["additionalProperties"].is_object() => {
                format!("table of {}", several(&form["additionalProperties"]))
            }
            "object" => "table".into(),
            other => other.into(),
        }
    }

    /// What a key means, and after it what each choice does where the schema says so.
    fn meaning(&self, value: &Value) -> Option<String> {
        let words = self.inherited(value, "description")?.as_str()?;
        let mut meaning = words.split_whitespace().collect::<Vec<_>>().join(" ");
        for form in self.resolved(value)["oneOf"].as_array().into_iter().flatten() {
            if let (Some(choice), Some(words)) = (form.get("const"), form["description"].as_str()) {
                meaning = format!("{}; `{}`: {words}", meaning.trim_end_matches('.'), toml_text(choice));
            }
        }
        Some(meaning.trim_end_matches('.').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "properties": {
                "zone": {"type": "string", "description": "Whose midnight\ncounts.", "default": "UTC"},
                "key": {"$ref": "#/definitions/secret", "description": "The key"},
                "targets": {
                    "description": "The targets",
                    "additionalProperties": {"allOf": [
                        {"if": {"properties": {"type": {"const": "chat"}}}, "then": {"$ref": "#/definitions/chat"}},
                        {"if": {"properties": {"type": {"const": "desk"}}}, "then": {"$ref": "#/definitions/desk"}},
                    ]},
                },
            },
            "required": ["key"],
            "definitions": {
                "secret": {"title": "secret", "anyOf": [{"type": "string"}, {"properties": {"env": {"type": "string"}}}]},
                "members": {"type": "object", "required": ["who"], "properties": {
                    "who": {"type": "string", "description": "A | B"},
                }},
                "chat": {"required": ["type"], "properties": {
                    "type": {"const": "chat"},
                    "paused": {"type": "boolean", "description": "Left alone", "default": false},
                    "pace": {"enum": ["fast", "slow"], "description": "The pace"},
                    "groups": {"type": "object", "additionalProperties": {"$ref": "#/definitions/members"}, "description": "Groups"},
                    "channels": {"type": "object", "additionalProperties": {"$ref": "#/definitions/members"}, "description": "Channels"},
                }},
                "desk": {"required": ["type"], "properties": {
                    "type": {"const": "desk"},
                    "paused": {"type": "boolean", "description": "Left alone", "default": false},
                    "pace": {"enum": ["fast", "slow"], "description": "The pace"},
                    "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "The limit"},
                    "lines": {"type": "array", "items": {"type": "object", "properties": {
                        "text": {"description": "Anything"},
                    }}, "description": "Lines"},
                }},
            },
        })
    }

    fn rendered(page: &str) -> String {
        render(page, &schema(), "../").unwrap()
    }

    const HEAD: &str = "| key | takes | default | meaning |\n|---|---|---|---|\n";

    #[test]
    fn a_table_has_what_the_schema_says() {
        let expected = format!(
            "# File\n{HEAD}\
             | `zone` | text | `\"UTC\"` | Whose midnight counts |\n\
             | `key` | [secret](../configuration.md#secrets) | needed | The key |\n\
             | `targets` | table of tables |  | The targets |\n"
        );
        assert_eq!(rendered("# File\n<!-- keys of the file -->\n"), expected);
    }

    #[test]
    fn what_every_type_has_is_told_from_what_one_has() {
        let expected = format!(
            "{HEAD}| `type` | text | needed | The type of target |\n\
             | `paused` | `true` or `false` | `false` | Left alone |\n"
        );
        // `pace` is in both here, and a key of every type like any other.
        let rows = rendered("<!-- keys of targets.NAME -->");
        assert!(rows.starts_with(&expected), "{rows}");
        assert!(!rendered("<!-- keys of desk -->").contains("paused"));
    }

    #[test]
    fn tables_within_follow_once_or_stand_where_the_page_puts_them() {
        let members = format!("{HEAD}| `who` | text | needed | A \\| B |\n");
        let chat = rendered("<!-- keys of chat -->");
        assert!(chat.ends_with(&format!("\nIn `groups.NAME` and `channels.NAME`:\n\n{members}")), "{chat}");
        let placed = rendered("<!-- keys of chat -->\nGroups:\n<!-- keys of chat.groups.NAME -->");
        assert!(placed.contains("\nIn `channels.NAME`:\n"), "{placed}");
        assert!(placed.ends_with(&format!("Groups:\n{members}")), "{placed}");
        let desk = rendered("<!-- keys of desk -->");
        assert!(
            desk.contains("| `limit` | number |  | The limit |\n| `lines` | list of tables |  | Lines |\n"),
            "{desk}"
        );
        assert!(desk.ends_with(&format!("\nIn `lines`:\n\n{HEAD}| `text` | any value |  | Anything |\n")), "{desk}");
    }

    #[test]
    fn what_another_type_has_in_the_same_way_is_left_out() {
        let mut schema = schema();
        schema["definitions"]["chat"]["properties"]["limit"] =
            schema["definitions"]["desk"]["properties"]["limit"].clone();
        // A third type without it, so that it is not one of every target.
        let targets = &mut schema["properties"]["targets"]["additionalProperties"]["allOf"];
        let mail = json!({"if": {"properties": {"type": {"const": "mail"}}}, "then": {"properties": {"type": {}}}});
        targets.as_array_mut().unwrap().push(mail);
        let page = render("<!-- keys of chat but desk -->", &schema, "").unwrap();
        assert!(page.contains("`groups`") && !page.contains("`limit`"), "{page}");
        let page = render("<!-- keys of chat and desk -->", &schema, "").unwrap();
        assert!(!page.contains("`groups`") && page.contains("`limit`"), "{page}");
    }

    #[test]
    fn choices_may_have_words_of_their_own() {
        let mut schema = schema();
        schema["properties"]["zone"] = json!({"description": "Zone", "oneOf": [
            {"const": "a", "description": "the first"}, {"const": "b", "description": "the second"},
        ]});
        let page = render("<!-- keys of the file -->", &schema, "").unwrap();
        assert!(page.contains("| `\"a\"` or `\"b\"` |  | Zone; `\"a\"`: the first; `\"b\"`: the second |"), "{page}");
    }

    #[test]
    fn a_section_that_is_not_there_and_a_key_without_words_are_errors() {
        assert!(render("<!-- keys of chta -->", &schema(), "").unwrap_err().contains("no section `chta`"));
        let mut schema = schema();
        schema["properties"]["zone"] = json!({});
        assert!(
            render("<!-- keys of the file -->", &schema, "").unwrap_err().contains("`zone` in the file has no words")
        );
    }
}
