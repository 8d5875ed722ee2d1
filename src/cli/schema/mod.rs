//! `schema`: a JSON Schema of the configuration file, for editors.
//!
//! Editors complete keys and mark misspelt ones with it. What it accepts is not the last word: `check` knows
//! fields, expressions and secrets, too.

use serde_json::{Map, Value, json};

use crate::config::{file_schema, target_schema};
use crate::section::shape::generator;
use crate::targets::{KINDS, Kind};

/// The schema: the keys that every target has, joined with those of each type.
pub fn schema() -> Value {
    let mut generator = generator();
    let mut schema = json!({"$schema": "http://json-schema.org/draft-07/schema#", "title": "personio-sync"});
    let file = file_schema(&mut generator);
    schema.as_object_mut().into_iter().for_each(|schema| schema.extend(file.as_object().cloned().unwrap_or_default()));
    let common = target_schema(&mut generator)["properties"].take();
    let mut definitions = Map::new();
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let mut cases = Vec::new();
    for Kind { name, keys, .. } in KINDS {
        let definition = format!("target-{name}");
        cases.push(json!({
            "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
            "then": {"$ref": format!("#/definitions/{definition}")},
        }));
        definitions.insert(definition, target(name, &common, &keys(&mut generator)));
    }
    let target = json!({
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": names}},
        "allOf": cases,
    });
    definitions.insert("target".into(), target);
    definitions.extend(generator.take_definitions(true));
    schema["definitions"] = Value::Object(definitions);
    schema
}

fn target(name: &str, common: &Value, own: &Value) -> Value {
    let mut properties = Map::from_iter([("type".to_owned(), json!({ "const": name }))]);
    // A type may make optional what every other one needs.
    let is_optional = |key: &Value| own["optional"].as_array().is_some_and(|keys| keys.contains(key));
    let mut required = vec![json!("mapping")];
    required.retain(|key| !is_optional(key));
    for part in [&own["properties"], common] {
        properties.extend(part.as_object().cloned().unwrap_or_default());
    }
    required.extend(own["required"].as_array().cloned().unwrap_or_default());
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use toml::de::{DeTable, DeValue};

    use super::super::init::starter;
    use super::*;
    use crate::code::Code;
    use crate::config::{LoadOptions, load};
    use crate::section::SecretMode;

    fn to_json(value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => json!(text),
            DeValue::Integer(number) => json!(i64::from_str_radix(number.as_str(), number.radix()).unwrap()),
            DeValue::Float(number) => json!(number.as_str().parse::<f64>().unwrap()),
            DeValue::Boolean(truth) => json!(truth),
            DeValue::Datetime(moment) => json!(moment.to_string()),
            DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
            DeValue::Table(table) => table_to_json(table),
        }
    }

    fn table_to_json(table: &DeTable<'_>) -> Value {
        let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), to_json(value.get_ref())));
        Value::Object(entries.collect())
    }

    /// The complaints about a file, each with its place.
    fn complaints(text: &str) -> Vec<String> {
        let document = table_to_json(DeTable::parse(text).unwrap().get_ref());
        let validator = jsonschema::validator_for(&schema()).unwrap();
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn toml_files(folder: &str) -> Vec<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
            .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
            .collect()
    }

    #[test]
    fn it_is_a_schema() {
        assert!(jsonschema::meta::is_valid(&schema()));
    }

    #[test]
    fn every_example_and_starter_file_is_accepted() {
        let mut files = toml_files("examples");
        assert!(!files.is_empty());
        files.extend(
            KINDS.iter().map(|kind| (format!("init --target {}", kind.name), starter(&[kind.name], None, None).text)),
        );
        files.push(("init".into(), starter::<&str>(&[], None, None).text));
        for (name, text) in files {
            assert_eq!(complaints(&text), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn the_way_of_a_delivery_has_the_keys_of_its_type() {
        let right = starter(&["pento"], None, None).text;
        let file = "path = \"pento.csv\"";
        for (keys, is_right) in [
            ("path = \"pento.csv\"\ndelimiter = \";\"", true),
            ("path = \"pento.csv\"\ndelimeter = \";\"", false),
            ("path = \"pento.csv\"\nbase_url = \"https://example.com\"", false),
            ("delimiter = \";\"", false),
        ] {
            let text = right.replacen(file, keys, 1);
            assert_eq!(complaints(&text).is_empty(), is_right, "{keys}: {:?}", complaints(&text));
        }
    }

    #[test]
    fn mistakes_are_marked() {
        let right = starter(&["file"], None, None).text;
        for (from, to) in [
            ("timezone =", "timezon ="),
            ("client_id ", "clientid "),
            ("[targets.staff-list]", "[targets.staff-list]\npause = true"),
            ("type  = \"file\"", "type  = \"fiel\""),
            ("path  = \"staff-list.csv\"", "path  = 7"),
            ("Since      = \"hire_date\"", "Since = { from = \"hire_date\", on_emtpy = \"keep\" }"),
            ("Since      = \"hire_date\"", "Since = { from = \"hire_date\", value = \"x\" }"),
            ("[targets.staff-list.mapping]", "safety = { max_deactivate = \"5\" }\n[targets.staff-list.mapping]"),
        ] {
            let wrong = right.replacen(from, to, 1);
            assert_ne!(wrong, right, "{from}");
            assert!(!complaints(&wrong).is_empty(), "{to}");
        }
    }

    /// What an editor proposes must not be a mistake: all keys of a section at once, whatever their values are.
    #[test]
    fn every_key_is_one_that_the_loader_knows() {
        let schema = schema();
        let keys =
            |section: &Value| -> Vec<String> { section["properties"].as_object().unwrap().keys().cloned().collect() };
        for kind in KINDS.iter().map(|kind| kind.name) {
            let own = &schema["definitions"][format!("target-{kind}")];
            let text = starter(&[kind], None, None).text;
            let given = table_to_json(DeTable::parse(&text).unwrap().get_ref());
            let target = given["targets"].as_object().unwrap().keys().next().unwrap();
            let lines = |section: &Value, given: &Value| -> String {
                let new = keys(section).into_iter().filter(|key| given.get(key).is_none());
                new.map(|key| format!("{key} = 7\n")).collect()
            };
            let mut text = text;
            for (header, section, given) in [
                (format!("[targets.{target}]"), own, &given["targets"][target]),
                ("[personio]".to_owned(), &schema["properties"]["personio"], &given["personio"]),
            ] {
                text = text.replacen(&header, &format!("{header}\n{}zzz = 7", lines(section, given)), 1);
            }
            text = format!("{}zzz = 7\n{text}", lines(&schema, &given));
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keys.toml");
            std::fs::write(&path, text).unwrap();
            let options = LoadOptions { secrets: SecretMode::Invent, ..LoadOptions::new(&|_| None) };
            let problems = load(&path, &options).unwrap_err().problems;
            let unknown = problems.into_iter().filter(|problem| problem.code == Code::UnknownKey);
            let unknown: Vec<String> = unknown.map(|problem| problem.message).collect();
            assert_eq!(unknown.len(), 3, "{kind}: {unknown:#?}");
            assert!(unknown.iter().all(|message| message.contains("zzz")), "{kind}: {unknown:#?}");
        }
    }
}
