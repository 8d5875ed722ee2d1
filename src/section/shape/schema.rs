//! JSON Schemas of sections, as editors read them, and what messages take from them.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

/// The name of the definition that secrets refer to.
pub(super) const SECRET_DEFINITION: &str = "secret";

/// Makes schemas in the draft that editors of TOML know.
pub fn generator() -> SchemaGenerator {
    SchemaSettings::draft07().with_transform(Tidy).into_generator()
}

/// The schema of a section, in which references lead to the definitions of the generator. The caller takes those, and
/// puts them where the references look.
pub fn definition<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let mut schema = T::json_schema(generator);
    Tidy.transform(&mut schema);
    schema.to_value()
}

/// The schema of a table that several structs read, in their order.
pub fn joined(schemas: impl IntoIterator<Item = Value>) -> Value {
    let mut schemas = schemas.into_iter();
    let mut all = schemas.next().unwrap_or_default();
    for mut schema in schemas {
        if let (Some(all), Some(keys)) = (all["properties"].as_object_mut(), schema["properties"].as_object_mut()) {
            all.append(keys);
        }
        let required = [all["required"].take(), schema["required"].take()];
        all["required"] = required.iter().filter_map(Value::as_array).flatten().cloned().collect();
    }
    all
}

/// Takes out what the file cannot say (there is no null in it) and what no reader of a schema needs. What the words of
/// an enum mean is for the key to say.
#[derive(Clone, Debug)]
struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        schema.remove("format");
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|word| word != "null");
            if let [word] = types.as_slice() {
                let word = word.clone();
                schema.insert("type".into(), word);
            }
        }
        if let Some(Value::Array(words)) = schema.get_mut("enum") {
            words.retain(|word| !word.is_null());
        }
        if let Some(Value::Array(forms)) = schema.get("oneOf")
            && forms
                .iter()
                .all(|form| form["type"] == "string" && (form["const"].is_string() || form["enum"].is_array()))
        {
            let words = |form: &Value| form["enum"].as_array().cloned().unwrap_or_else(|| vec![form["const"].clone()]);
            let words = forms.iter().flat_map(words).collect();
            schema.remove("oneOf");
            schema.insert("type".into(), "string".into());
            schema.insert("enum".into(), words);
        }
        if let Some(Value::Array(mut forms)) = schema.remove("anyOf") {
            forms.retain(|form| form["type"] != "null");
            match forms.as_slice() {
                // The words of the key itself come before those of its type.
                [Value::Object(form)]
                    if !form.contains_key("$ref") || schema.as_object().is_some_and(Map::is_empty) =>
                {
                    for (key, value) in form {
                        if schema.get(key).is_none() {
                            schema.insert(key.clone(), value.clone());
                        }
                    }
                }
                [_] => {
                    schema.insert("allOf".into(), Value::Array(forms));
                }
                _ => {
                    schema.insert("anyOf".into(), Value::Array(forms));
                }
            }
        }
        // Draft 7 does not look beside a reference.
        if schema.get("$ref").is_some() && schema.as_object().is_some_and(|schema| schema.len() > 1) {
            let reference = schema.remove("$ref").into_iter().map(|reference| serde_json::json!({ "$ref": reference }));
            let reference = reference.collect();
            schema.insert("allOf".into(), reference);
        }
    }
}

/// The schema of one section, to look into.
pub(super) struct Known {
    root: Value,
}

impl Known {
    pub(super) fn of<T: JsonSchema>() -> Self {
        let mut generator = generator();
        let mut root = definition::<T>(&mut generator);
        let definitions = generator.take_definitions(true).into_iter();
        root["definitions"] = Value::Object(definitions.collect());
        Self { root }
    }

    /// What a place may be: each of its forms, references followed.
    fn forms_at(&self, path: &[Box<str>]) -> Vec<&Value> {
        let mut forms = self.forms_of(&self.root);
        for key in path {
            forms = forms.iter().filter_map(|form| below(form, key)).flat_map(|form| self.forms_of(form)).collect();
        }
        forms
    }

    fn forms_of<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return self.forms_of(&self.root["definitions"][name]);
        }
        let inner = ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
        let mut forms: Vec<&Value> = inner.flat_map(|form| self.forms_of(form)).collect();
        if schema.get("type").is_some() || schema.get("enum").is_some() {
            forms.push(schema);
        }
        forms
    }

    pub(super) fn is_text(&self, path: &[Box<str>]) -> bool {
        let forms = self.forms_at(path);
        !forms.is_empty() && forms.iter().all(|form| form["type"] == "string")
    }

    /// What a list or a word must be.
    pub(super) fn wanted(&self, path: &[Box<str>]) -> Option<String> {
        match self.forms_at(path).as_slice() {
            [form] if form["type"] == "array" => match self.forms_of(&form["items"]).as_slice() {
                [item] if item["type"] == "string" => Some("a list of texts in square brackets".into()),
                [item] if item["type"] == "object" => Some("a list of tables".into()),
                _ => None,
            },
            forms if !forms.is_empty() && forms.iter().all(|form| form["type"] == "object") => Some("a table".into()),
            _ => None,
        }
    }

    /// Those of the words that are keys of a table.
    pub(super) fn forms(&self, path: &[Box<str>], words: &[&'static str]) -> Vec<&'static str> {
        let forms = self.forms_at(path);
        let is_key = |word: &&&str| forms.iter().any(|form| form["properties"].get(**word).is_some());
        words.iter().filter(is_key).copied().collect()
    }

    /// The keys that a table must have, each with an example as the file has it.
    pub(super) fn required(&self, path: &[Box<str>]) -> Vec<(String, Option<String>)> {
        let mut required = Vec::new();
        for form in self.forms_at(path) {
            for key in form["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                required.push((key.to_owned(), example(key, &form["properties"][key])));
            }
        }
        required
    }
}

fn below<'s>(form: &'s Value, key: &str) -> Option<&'s Value> {
    let others = || form.get("additionalProperties").filter(|_| form["type"] == "object");
    form["properties"].get(key).or_else(others).or_else(|| form.get("items"))
}

/// What a key might be.
fn example(key: &str, schema: &Value) -> Option<String> {
    let secret = |schema: &Value| {
        schema["$ref"].as_str().is_some_and(|reference| reference.ends_with(&format!("/{SECRET_DEFINITION}")))
    };
    match schema["examples"].get(0) {
        Some(example) => Some(toml_text(example)),
        None if secret(schema) || schema["allOf"].as_array().is_some_and(|all| all.iter().any(secret)) => {
            Some(format!("{{ env = \"{}\" }}", key.to_uppercase()))
        }
        None => None,
    }
}

/// A value as the file has it, on one line.
pub fn toml_text(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let entries = table.iter().map(|(key, value)| format!("{} = {}", toml_key(key), toml_text(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

fn toml_key(key: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { Value::from(key).to_string() }
}
