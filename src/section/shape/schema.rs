//! JSON Schemas of sections, as editors read them, and what messages take from them.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

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
        if let Some(choice) = schema.get("oneOf").and_then(Value::as_array).and_then(|forms| Choice::of(forms)) {
            schema.remove("oneOf");
            for (key, value) in choice.schema() {
                schema.insert(key, value);
            }
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
        if let Some(schema) = schema.as_object_mut() {
            set_apart(schema);
        }
    }
}

/// Draft 7 does not look beside a reference.
fn set_apart(schema: &mut Map<String, Value>) {
    if schema.len() > 1
        && let Some(reference) = schema.remove("$ref")
    {
        schema.insert("allOf".into(), json!([{ "$ref": reference }]));
    }
}

/// What an enum may be: one of a few words, or a table of one key.
struct Choice {
    words: Vec<Value>,
    keys: Map<String, Value>,
}

impl Choice {
    fn of(forms: &[Value]) -> Option<Self> {
        let (mut words, mut keys) = (Vec::new(), Map::new());
        for form in forms {
            let only =
                form["properties"].as_object().filter(|keys| keys.len() == 1).and_then(|keys| keys.iter().next());
            match only {
                Some((key, value)) if form["required"][0] == **key => {
                    let mut value = value.as_object()?.clone();
                    value.extend(form.get("description").map(|words| ("description".into(), words.clone())));
                    set_apart(&mut value);
                    keys.insert(key.clone(), value.into());
                }
                None if form["type"] == "string" => match (form["enum"].as_array(), form.get("const")) {
                    (Some(some), _) => words.extend(some.iter().cloned()),
                    (None, word) => words.push(word?.clone()),
                },
                _ => return None,
            }
        }
        Some(Self { words, keys })
    }

    fn schema(self) -> Map<String, Value> {
        let words = json!({ "type": "string", "enum": self.words });
        let only_one = json!({
            "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
            "properties": self.keys,
        });
        let schema = match (self.words.is_empty(), self.keys.is_empty()) {
            (_, true) => words,
            (true, false) => only_one,
            (false, false) => json!({ "anyOf": [words, only_one] }),
        };
        schema.as_object().cloned().unwrap_or_default()
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

    /// Whether a table that may stand there has a place for a secret.
    pub(super) fn holds_secret(&self, path: &[Box<str>]) -> bool {
        let reference = format!("/definitions/{SECRET_DEFINITION}");
        self.forms_at(path).iter().any(|form| form.to_string().contains(&reference))
    }

    pub(super) fn is_text(&self, path: &[Box<str>]) -> bool {
        let forms = self.forms_at(path);
        !forms.is_empty() && forms.iter().all(|form| form["type"] == "string")
    }

    /// What must stand at a place in place of what was found, where serde cannot tell as much.
    pub(super) fn wanted(&self, path: &[Box<str>], found: &str) -> Option<String> {
        let forms = self.forms_at(path);
        // A text of one kind says itself what it wants: a share.
        if let [form] = forms.as_slice()
            && form["type"] == "string"
        {
            return None;
        }
        let mut wanted = Vec::new();
        for form in forms {
            let words: &[&str] = match form["type"].as_str() {
                Some("array") => match self.forms_of(&form["items"]).as_slice() {
                    [item] if item["type"] == "string" => &["a list of texts in square brackets"],
                    [item] if item["type"] == "object" => &["a list of tables"],
                    _ => return None,
                },
                Some("object") if found != "a table" => &["a table"],
                Some("string") if found != "a text" => &["a text in quotes"],
                Some("boolean") => &["true", "false"],
                Some("object" | "string") => &[],
                _ => return None,
            };
            wanted.extend(words.iter().filter(|words| !wanted.contains(*words)).copied().collect::<Vec<_>>());
        }
        match wanted.split_last()? {
            (last, []) => Some((*last).to_owned()),
            (last, others) => Some(format!("{} or {last}", others.join(", "))),
        }
    }

    /// A line that might stand at a place.
    pub(super) fn example(&self, path: &[Box<str>]) -> Option<String> {
        let (key, above) = path.split_last()?;
        self.forms_at(above).into_iter().find_map(|form| example(key, &form["properties"][&**key]))
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

/// A line that a key might have.
fn example(key: &str, schema: &Value) -> Option<String> {
    let secret = |schema: &Value| {
        schema["$ref"].as_str().is_some_and(|reference| reference.ends_with(&format!("/{SECRET_DEFINITION}")))
    };
    match schema["examples"].get(0) {
        Some(example) => Some(format!("{key} = {}", toml_text(example))),
        None if secret(schema) || schema["allOf"].as_array().is_some_and(|all| all.iter().any(secret)) => {
            Some(format!("{key} = {{ env = \"{}\" }}", key.to_uppercase()))
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
