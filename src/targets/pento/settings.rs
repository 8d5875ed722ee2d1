use std::ops::Range;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::code::Code;
use crate::employee::{PresetKind, preset};
use crate::section::{Located, Problems, Table};
use crate::targets::{Condition, is_attribute, quoted};

use super::fields::REQUIRED;

/// What a section of the type `pento` says beside its delivery.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PentoSettings {
    /// As Pento's own filters. Any one that excludes is enough; of those that include, all must hold
    #[serde(default)]
    filters: Vec<Located<Filter>>,
    /// Whether holiday pay counts for the pension on termination. Left out: it is left open
    pub(super) include_holiday_pay_in_pension: Option<bool>,
    /// The letters that are accepted, by default those in use outside shipping
    #[serde(default = "ni_categories", deserialize_with = "capital_letters")]
    pub(super) ni_categories: String,
    /// Whether short account numbers are filled up with zeros
    #[serde(default)]
    pub(super) pad_account_numbers: bool,
    /// Which post codes are valid
    #[serde(default)]
    pub(super) post_codes: PostCodes,
    /// Required fields that somebody fills in Pento itself
    #[serde(default)]
    pub(super) set_in_pento: Vec<Located<String>>,
    /// Who is meant: the filters that include, as conditions.
    #[serde(skip)]
    pub(super) include: Vec<Condition>,
    /// Who is excluded: the other filters as conditions.
    #[serde(skip)]
    pub(super) exclude: Vec<Condition>,
}

/// `{ field = "office", is = "Berlin" }`
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Filter {
    /// An attribute
    #[schemars(example = &"office")]
    field: Located<String>,
    /// Excludes whoever has this value
    is: Option<String>,
    /// Excludes whoever has another value; only one filter may have it
    is_not: Option<Located<String>>,
    /// Includes only whoever has one of these values
    #[schemars(example = serde_json::json!(["London", "Leeds"]))]
    include: Option<Located<Vec<String>>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum PostCodes {
    #[default]
    Uk,
    Any,
}

/// The letters in use outside shipping (NIM01430, NIM01540).
fn ni_categories() -> String {
    "ABCDEFHIJKLMNSVXZ".into()
}

fn capital_letters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let letters = String::deserialize(deserializer)?;
    if letters.is_empty() || !letters.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let usual = ni_categories();
        let why = format!("must be capital letters without anything between, such as \"{usual}\"");
        return Err(D::Error::custom(why));
    }
    Ok(letters)
}

impl PentoSettings {
    pub(super) fn parse(section: &Table<'_>) -> Option<Self> {
        let mut settings: Self = section.read()?;
        (settings.include, settings.exclude) = conditions(&settings.filters, section.problems());
        for Located { value: name, span } in &settings.set_in_pento {
            let required = || REQUIRED.iter().map(|(known, _)| *known);
            if !required().any(|known| known == name) {
                let known = crate::words::known(name, required());
                let message = format!("`{name}` is not among the fields that Pento requires; {known}");
                section.problems().error(span.clone(), Code::UnknownField, message);
            }
        }
        Some(settings)
    }
}

/// Pento joins filters with "is" by "or". With two filters of "is not" everybody would be excluded by one or
/// the other, and Pento then ignores all of them; so a second one is refused here. How its including filters combine is
/// not documented; that all must hold lets in nobody whom one of them keeps out.
fn conditions(filters: &[Located<Filter>], problems: &Problems<'_>) -> (Vec<Condition>, Vec<Condition>) {
    let wrong = |span: &Range<usize>, message: String| problems.error(span.clone(), Code::WrongValue, message);
    let mut negated = false;
    let (mut included, mut excluded) = (Vec::new(), Vec::new());
    for Located { value: filter, span } in filters {
        let name = &*filter.field.value;
        let (conditions, source) = match (&filter.is, &filter.is_not, &filter.include) {
            (Some(value), None, None) => (&mut excluded, format!("{name} == {}", quoted(value))),
            (None, Some(Located { value, span }), None) => {
                if negated {
                    let message = "a second `is_not` would exclude everybody, and Pento ignores all filters then; \
                                   keep one, or say it with `include`";
                    wrong(span, message.into());
                }
                negated = true;
                (&mut excluded, format!("{name} != {}", quoted(value)))
            }
            (None, None, Some(Located { value, span })) => {
                if value.is_empty() {
                    wrong(span, "the filter includes no value, so nobody would be meant".into());
                }
                let values: Vec<String> = value.iter().map(|value| quoted(value)).collect();
                (&mut included, format!("{name} in [{}]", values.join(", ")))
            }
            _ => {
                wrong(span, "a filter needs exactly one of `is`, `is_not` and `include`".into());
                continue;
            }
        };
        check_attribute(&filter.field, problems);
        conditions.push(Condition { source, span: filter.field.span.clone() });
    }
    (included, excluded)
}

/// What Pento can filter by.
fn check_attribute(Located { value: name, span }: &Located<String>, problems: &Problems<'_>) {
    let wrong = |message: String| problems.error(span.clone(), Code::WrongValue, message);
    if matches!(preset(name), Some(PresetKind::List | PresetKind::CostCenters)) {
        wrong(format!("`{name}` holds several values; Pento cannot filter by it"));
    }
    if !is_attribute(name) {
        wrong(format!("`{name}` is not the name of an attribute"));
    }
}
