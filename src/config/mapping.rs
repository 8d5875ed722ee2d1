use std::borrow::Cow;
use std::ops::Range;

use chrono::NaiveDate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::code::Code;
use crate::field::{Access, FieldSpec, FieldValue};
use crate::rules::{Expression, Mapping, MappingSource, OnEmpty, OnInvalid, Vocabulary, When, convert};
use crate::targets::{FieldLookup, TargetType};

use super::fields::{Fields, unknown_field};
use crate::section::shape::ByHand;
use crate::section::{Located, Table};

/// The keys of an entry in its long form.
const ENTRY_KEYS: [&str; 5] = ["from", "value", "on_empty", "on_invalid", "when"];

/// An entry in its long form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("oneOf" = [{ "required": ["from"] }, { "required": ["value"] }]))]
#[expect(dead_code, reason = "what is `ByHand` is declared here and read from the table")]
struct Shape {
    /// An expression over attributes; this or `value` is needed
    from: Option<Located<String>>,
    /// This very value: a text, number, day, `true` or `false`, or a list of texts
    value: Option<ByHand<Constant>>,
    /// What happens when the result is empty: `clear` the field, `keep` what is there, or `fail` this employee
    #[serde(default)]
    on_empty: OnEmpty,
    /// What happens when the result does not fit the field: `fail` this employee, `keep` what is there, or `clear` the
    /// field. Left out: `keep`, and `fail` for fields that the target requires or that `match` names
    on_invalid: Option<OnInvalid>,
    /// Whether the field is written at each run, or only when the account is created
    #[serde(default)]
    when: When,
}

/// What `value` may be, for its schema.
#[derive(JsonSchema)]
#[schemars(inline, transform = constants)]
struct Constant;

fn constants(schema: &mut Schema) {
    *schema = json_schema!({ "type": ["string", "number", "boolean", "array"] });
}

/// A line of `mapping`, for its schema: an expression, the long form, or fields below a common name.
pub(super) struct Field;

impl JsonSchema for Field {
    fn schema_name() -> Cow<'static, str> {
        "field".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "expression or table",
            "description": "An expression over attributes, or a table with from or value",
            "anyOf": [
                { "type": "string" },
                generator.subschema_for::<Shape>(),
                {
                    "type": "object",
                    "description": "Fields below a common name",
                    "not": { "anyOf": [{ "required": ["from"] }, { "required": ["value"] }] },
                    "additionalProperties": generator.subschema_for::<Self>(),
                },
            ],
        })
    }
}

/// More is no mapping but an accident.
const MOST_FIELDS: usize = 1_000;

/// Reads `[targets.NAME.mapping]`. Without a target (its own settings are wrong), expressions are checked and
/// fields are not.
pub(super) fn read(
    section: &Table<'_>,
    found_by: &[&str],
    target: Option<&dyn TargetType>,
    vocabulary: &Vocabulary,
    fields: &mut Fields,
) -> Vec<Mapping> {
    let Some(table) = section.table("mapping") else {
        // Where people do it by hand, everybody is known by the number alone.
        let needed = target.is_none_or(|target| target.offers().by_hand.is_none());
        if needed && !section.has("mapping") {
            section.problems().error(
                section.span(),
                Code::MissingKey,
                format!(
                    "{} is missing; add [{}.mapping] with a line for each field, such as first_name = \"first_name\"",
                    section.name_of("mapping"),
                    section.path()
                ),
            );
        }
        return Vec::new();
    };
    let mut entries = Vec::new();
    collect(&table, "", target, &mut entries);
    if entries.len() > MOST_FIELDS {
        table.problems().error(
            table.span(),
            Code::WrongValue,
            format!("[{}] has {} fields; at most {MOST_FIELDS} are taken", table.path(), entries.len()),
        );
        return Vec::new();
    }
    if entries.is_empty() {
        table.problems().error(
            table.span(),
            Code::MissingKey,
            format!("[{}] is empty; map at least the field that accounts are found by", table.path()),
        );
        return Vec::new();
    }
    let mut mappings = Vec::new();
    for mut entry in entries {
        entry.is_match = found_by.contains(&&*entry.field);
        let spec = target.and_then(|target| known_spec(&entry, target, &table));
        if let Some(spec) = &spec
            && fields.index(&spec.name).is_some()
        {
            table.problems().error(
                entry.place.clone(),
                Code::DuplicateField,
                format!("the field `{}` is mapped twice", spec.name),
            );
            continue;
        }
        let mapping = entry.read(spec.as_ref(), vocabulary, &table);
        if let (Some(spec), Some(entry)) = (spec, mapping) {
            let index = fields.add(spec);
            mappings.push(Mapping { index, ..entry });
        } else if let Some(spec) = target.and_then(|target| entry.spec(target)) {
            // A field whose value is wrong counts as mapped, so that it is not reported as missing, too.
            fields.add(spec);
        }
    }
    if let Some(target) = target {
        required_fields(&table, target, fields);
    }
    mappings
}

/// One line of the mapping, not yet looked into.
struct Entry<'a> {
    /// The field, with dots for nesting.
    field: String,
    place: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
    /// The table it stands in, and its key there, for messages and for reading it.
    key: &'a str,
    parent: Range<usize>,
    parent_path: String,
    parent_entries: &'a DeTable<'a>,
    /// What an invalid value does where the entry does not say.
    default_on_invalid: Option<OnInvalid>,
    /// Whether accounts are found by it.
    is_match: bool,
}

/// Lists the entries. A table may be the long form of an entry, or hold fields of its name:
/// `custom_fields.size = "..."` without quotes is a table to TOML.
fn collect<'a>(table: &Table<'a>, prefix: &str, target: Option<&dyn TargetType>, entries: &mut Vec<Entry<'a>>) {
    for (key, value) in table.entries() {
        let field = format!("{prefix}{}", key.value);
        let nested = value.get_ref().as_table().filter(|inner| !is_entry(&field, inner, value, table, target));
        match nested.and_then(|_| table.table(key.value)) {
            Some(inner) => collect(&inner, &format!("{field}."), target, entries),
            None => entries.push(Entry {
                field,
                place: key.span,
                value,
                key: key.value,
                parent: table.span(),
                parent_path: table.path().to_owned(),
                parent_entries: table.content(),
                default_on_invalid: target.and_then(|target| target.policy().on_invalid),
                is_match: false,
            }),
        }
    }
}

/// Whether a table is the long form of an entry, rather than fields below a common name.
fn is_entry(
    field: &str,
    inner: &DeTable<'_>,
    value: &Spanned<DeValue<'_>>,
    table: &Table<'_>,
    target: Option<&dyn TargetType>,
) -> bool {
    let keys = || inner.iter().map(|(key, _)| key.get_ref().as_ref());
    let entry_keys = keys().any(|key| ENTRY_KEYS.contains(&key));
    let inline = table.problems().text_at(value.span()).starts_with('{');
    let Some(target) = target else {
        return inline || entry_keys;
    };
    if target.field(field) != FieldLookup::Unknown {
        return inline || entry_keys;
    }
    let any_below = keys().any(|key| target.field(&format!("{field}.{key}")) != FieldLookup::Unknown);
    !any_below && keys().any(|key| key == "from" || key == "value")
}

impl<'a> Entry<'a> {
    fn spec(&self, target: &dyn TargetType) -> Option<FieldSpec> {
        match target.field(&self.field) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => Some(spec),
            FieldLookup::Unknown => None,
        }
    }

    /// What an invalid value does where the entry does not say: who lacks what the account cannot do without, or is
    /// found by, is skipped; one bad value more or less is no reason to leave everything else undone.
    fn on_invalid(&self, spec: Option<&FieldSpec>) -> OnInvalid {
        self.default_on_invalid.unwrap_or(match self.is_match || spec.is_some_and(|spec| spec.required) {
            true => OnInvalid::Fail,
            false => OnInvalid::Partly,
        })
    }

    /// The entry with an index that is yet to be set.
    fn read(&self, spec: Option<&FieldSpec>, vocabulary: &Vocabulary, table: &Table<'a>) -> Option<Mapping> {
        let parent = Table::new(&*self.parent_path, self.parent.clone(), self.parent_entries, table.context());
        let mut mapping = Mapping {
            index: crate::field::FieldIndex(0),
            source: MappingSource::Constant(FieldValue::Empty),
            on_empty: OnEmpty::default(),
            on_invalid: self.on_invalid(spec),
            when: When::default(),
        };
        match self.value.get_ref() {
            DeValue::String(text) => {
                mapping.source = expression(text, self.value.span(), &parent.name_of(self.key), vocabulary, table)?;
                Some(mapping)
            }
            DeValue::Table(_) => {
                let entry = parent.table(self.key)?;
                let shape: Option<Shape> = entry.read();
                let source = source(&entry, shape.as_ref(), spec, vocabulary);
                entry.finish();
                let shape = shape?;
                mapping.source = source?;
                mapping.on_empty = shape.on_empty;
                mapping.on_invalid = shape.on_invalid.unwrap_or(mapping.on_invalid);
                mapping.when = shape.when;
                Some(mapping)
            }
            _ => {
                let written = table.problems().text_at(self.value.span());
                let constant = if written.len() > 40 || written.contains('\n') { "..." } else { written };
                parent.wrong_type(
                    self.key,
                    self.value,
                    &format!(
                        "an expression in quotes, or a table such as {{ from = \"email\" }} or {{ value = {constant} }}"
                    ),
                )
            }
        }
    }
}

/// `from` or `value`, exactly one of them.
fn source(
    entry: &Table<'_>,
    shape: Option<&Shape>,
    spec: Option<&FieldSpec>,
    vocabulary: &Vocabulary,
) -> Option<MappingSource> {
    match (entry.has("from"), entry.raw("value")) {
        (true, None) => {
            let from = shape?.from.as_ref()?;
            expression(&from.value, from.span.clone(), &entry.name_of("from"), vocabulary, entry)
        }
        (false, Some(value)) => {
            let found = constant(value.get_ref());
            let Some(found) = found else {
                return entry.wrong_type("value", value, "a text, a number, a date, true or false, or a list of texts");
            };
            match spec.map_or_else(|| Ok(found.clone()), |spec| convert(found.clone(), spec)) {
                Ok(FieldValue::Empty) if spec.is_some_and(|spec| spec.required) => {
                    entry.problems().error(
                        value.span(),
                        Code::WrongValue,
                        format!("{} is empty, and no account can be without this field", entry.name_of("value")),
                    );
                    None
                }
                Ok(value) => Some(MappingSource::Constant(value)),
                Err(why) => {
                    let name = entry.name_of("value");
                    entry.problems().error(
                        value.span(),
                        Code::WrongValue,
                        format!("{name} does not fit the field: {why}"),
                    );
                    None
                }
            }
        }
        _ => {
            entry.problems().error(
                entry.span(),
                Code::MissingKey,
                format!("[{}] needs exactly one of `from` (an expression) and `value` (a constant)", entry.path()),
            );
            None
        }
    }
}

/// A constant of the file; `None` for a table.
pub(super) fn constant(value: &DeValue<'_>) -> Option<FieldValue> {
    Some(match value {
        DeValue::String(text) => FieldValue::text(text),
        DeValue::Integer(number) => FieldValue::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()?),
        DeValue::Float(number) => {
            FieldValue::Decimal(number.as_str().parse().ok().filter(|number: &f64| number.is_finite())?)
        }
        DeValue::Boolean(truth) => FieldValue::Bool(*truth),
        DeValue::Datetime(moment) => {
            let day = moment.date.filter(|_| moment.time.is_none())?;
            FieldValue::Date(NaiveDate::from_ymd_opt(day.year.into(), day.month.into(), day.day.into())?)
        }
        DeValue::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| scalar(item.get_ref())).collect();
            FieldValue::list(texts?)
        }
        DeValue::Table(_) => return None,
    })
}

/// One item of a list.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Array(_) | DeValue::Table(_) => None,
        other => constant(other).map(|value| value.to_string()),
    }
}

fn expression(
    text: &str,
    place: Range<usize>,
    name: &str,
    vocabulary: &Vocabulary,
    table: &Table<'_>,
) -> Option<MappingSource> {
    match Expression::compile(text, vocabulary) {
        Ok(expression) => {
            if expression.has_if_without_else() {
                let message = format!(
                    "{name} has an `if` without `else`: whoever the condition does not hold for has no valid value; \
                     write `else ''` to empty the field"
                );
                table.problems().warning(place, Code::IfWithoutElse, message);
            }
            Some(MappingSource::Expression(expression))
        }
        Err(error) => {
            let bare =
                !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || "_- ".contains(letter));
            let unknown = error.0.starts_with("there is no attribute") && !error.0.contains("did you mean")
                || error.0.starts_with("not an expression");
            let hint = if bare && unknown {
                format!(" (for this very text write {{ value = \"{text}\" }})")
            } else {
                String::new()
            };
            table.problems().error(place, Code::Expression, format!("{name}: {error}{hint}"));
            None
        }
    }
}

/// The field of an entry, when it may be written.
fn known_spec(entry: &Entry<'_>, target: &dyn TargetType, table: &Table<'_>) -> Option<FieldSpec> {
    let Some(spec) = entry.spec(target) else {
        table.problems().error(entry.place.clone(), Code::UnknownField, unknown_field(target, &entry.field));
        return None;
    };
    if spec.access == Access::ReadOnly {
        table.problems().error(
            entry.place.clone(),
            Code::ReadOnlyField,
            format!("`{}` can be read and not written; take the line out", spec.name),
        );
    }
    Some(spec)
}

fn required_fields(table: &Table<'_>, target: &dyn TargetType, fields: &Fields) {
    let missing: Vec<String> = target
        .known_fields()
        .iter()
        .filter(|field| field.required && fields.index(&field.name).is_none())
        .map(|field| format!("`{}`", field.name))
        .collect();
    if let Some((last, first)) = missing.split_last() {
        let (names, are) = match first {
            [] => (last.clone(), "is"),
            _ => (format!("{} and {last}", first.join(", ")), "are"),
        };
        table.problems().error(
            table.span(),
            Code::RequiredField,
            format!("[{}] must map {names}, which {are} required for every `{}` account", table.path(), target.kind()),
        );
    }
}
