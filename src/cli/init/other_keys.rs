//! The keys of a section that its starter leaves out, as comments.

use serde_json::Value;

use crate::section::shape::toml_text;

/// As wide as a comment gets.
const WIDTH: usize = 116;

/// A starter whose section has, below the keys that it shows, every other one: its words and what it may be. Tables
/// of keys are left to the reference.
pub(super) fn with_other_keys(text: &str, header: &str, keys: &Value, definitions: &Value) -> String {
    let Some(start) = text.find(&format!("{header}\n")).map(|start| start + header.len() + 1) else {
        return text.to_owned();
    };
    let ends = ["\n\n", "\n["].into_iter().filter_map(|end| text[start..].find(end));
    let end = ends.min().map_or(text.len(), |end| start + end + 1);
    let mut found = text[..end].to_owned();
    for (key, schema) in keys["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value(key, schema, definitions).filter(|_| !is_shown(text, key)) {
            let words = schema["description"].as_str().unwrap_or_default();
            wrap(words, &mut found);
            found.push_str(&format!("# {key} = {value}\n"));
        }
    }
    found + &text[end..]
}

fn is_shown(text: &str, key: &str) -> bool {
    let is_key = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
    text.lines().any(|line| {
        let line = line.trim_start_matches(['#', ' ']);
        is_key(line) || line.starts_with('[') && line.split(['.', ']']).any(|part| part == key)
    })
}

/// The default of a key, or something that it may be; `None` for a table.
fn value(key: &str, schema: &Value, definitions: &Value) -> Option<String> {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    let referred = reference.and_then(|reference| definitions.get(reference.rsplit('/').next()?));
    let of = |word: &str| schema.get(word).or_else(|| referred?.get(word));
    if of("title").is_some_and(|title| title == "secret") {
        return Some(format!("{{ env = \"{}\" }}", key.to_uppercase()));
    }
    let given = of("default").or_else(|| of("examples")?.get(0)).or_else(|| of("enum")?.get(0)).map(toml_text);
    given.or_else(|| match of("type")?.as_str()? {
        "string" => Some("\"...\"".into()),
        "integer" => Some(of("minimum").map_or("1".into(), ToString::to_string)),
        "boolean" => Some("false".into()),
        "array" if of("items").is_some_and(|items| items["type"] == "string") => Some("[\"...\"]".into()),
        _ => None,
    })
}

fn wrap(words: &str, text: &mut String) {
    let mut width = 0;
    for word in words.split_whitespace() {
        if width > 0 && width + word.len() >= WIDTH {
            text.push('\n');
            width = 0;
        }
        text.push_str(if width == 0 { "# " } else { " " });
        text.push_str(word);
        width += word.len() + 1;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::key_tables;
    use crate::section::shape::{TimeSpan, definition, generator};
    use crate::section::{Context, Problems, Secret, SecretMode, SecretReader, Table};

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Section {
        /// Where it is
        place: String,
        /// How long one waits
        #[schemars(example = &"3h")]
        patience: Option<TimeSpan>,
        /// What nobody else may know
        word: Option<Secret>,
    }

    /// A key is one field: whoever reads it, shows it or proposes it has it from there.
    #[test]
    fn a_key_of_a_struct_is_read_and_shows_up_wherever_keys_are_told() {
        let mut generator = generator();
        let keys = definition::<Section>(&mut generator);
        let definitions = Value::Object(generator.take_definitions(true));

        let text = "[wiki]\nplace = 'x'\npatience = '2h'\n";
        let document = toml::de::DeTable::parse(text).unwrap();
        let (problems, secrets) = (Problems::new(text), SecretReader::new(&|_| None, Path::new("."), SecretMode::Read));
        let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
        let table = Table::new("", 0..0, document.get_ref(), context).table("wiki").unwrap();
        let read: Section = table.read().unwrap();
        table.finish();
        assert!(read.patience.is_some() && read.word.is_none() && read.place == "x" && !problems.any_error());

        let schema = json!({ "properties": { "wiki": keys }, "definitions": definitions });
        assert_eq!(schema["properties"]["wiki"]["properties"]["patience"]["description"], "How long one waits");

        let page = key_tables::render("<!-- keys of wiki -->\n", &schema, "").unwrap();
        assert!(page.contains("| `patience` | duration |  | How long one waits |"), "{page}");

        let starter = with_other_keys("# A wiki.\n[wiki]\nplace = \"x\"\n\n[rest]\n", "[wiki]", &keys, &definitions);
        assert_eq!(
            starter,
            "# A wiki.\n[wiki]\nplace = \"x\"\n# How long one waits\n# patience = \"3h\"\n# What nobody else may know\n\
             # word = { env = \"WORD\" }\n\n[rest]\n"
        );
    }

    #[test]
    fn a_key_that_is_shown_in_any_form_is_not_told_twice() {
        for text in ["key = 1\n", "# key  = 1\n", "# [targets.chat.key]\n", "[targets.chat.key.one]\n"] {
            assert!(is_shown(text, "key"), "{text}");
        }
        assert!(!is_shown("keys = 1\n# the key\n", "key"));
    }
}
