use crate::code::Code;
use crate::employee::{PresetKind, preset};
use crate::section::Table;
use crate::targets::{Condition, quoted};

use super::fields::REQUIRED;

/// What a section of the type `pento` says beside its delivery.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PentoSettings {
    /// Whether holiday pay counts for the pension on termination; `None` when it varies and the file is silent.
    pub(super) include_holiday_pay_in_pension: Option<bool>,
    /// The letters of NI categories that are accepted.
    pub(super) ni_categories: String,
    /// Whether short account numbers are filled up with zeros.
    pub(super) pad_account_numbers: bool,
    /// Whether post codes must be British.
    pub(super) uk_post_codes: bool,
    /// Required fields that somebody fills in Pento itself.
    pub(super) set_in_pento: Vec<&'static str>,
    /// Who is excluded, as Pento's own exclusion filters say it.
    pub(super) exclude: Vec<Condition>,
}

/// The letters in use outside shipping (NIM01430, NIM01540).
const NI_CATEGORIES: &str = "ABCDEFHIJKLMNSVXZ";

impl PentoSettings {
    pub(super) fn parse(section: &Table<'_>) -> Option<Self> {
        let include_holiday_pay_in_pension = section.boolean("include_holiday_pay_in_pension");
        let ni_categories = ni_categories(section);
        let pad_account_numbers = section.boolean("pad_account_numbers").unwrap_or(false);
        let uk_post_codes = section.choice("post_codes", &[("uk", true), ("any", false)]).unwrap_or(true);
        let set_in_pento = set_in_pento(section);
        let exclude = filters(section);
        Some(Self {
            include_holiday_pay_in_pension,
            ni_categories: ni_categories?,
            pad_account_numbers,
            uk_post_codes,
            set_in_pento: set_in_pento?,
            exclude: exclude?,
        })
    }
}

fn ni_categories(section: &Table<'_>) -> Option<String> {
    let Some(text) = section.text("ni_categories") else {
        return if section.has("ni_categories") { None } else { Some(NI_CATEGORIES.into()) };
    };
    if text.value.is_empty() || !text.value.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let name = section.name_of("ni_categories");
        let message = format!("{name} must be capital letters without anything between, such as \"{NI_CATEGORIES}\"");
        section.problems().error(text.span, Code::WrongValue, message);
        return None;
    }
    Some(text.value.to_owned())
}

fn set_in_pento(section: &Table<'_>) -> Option<Vec<&'static str>> {
    let Some(names) = section.texts("set_in_pento") else {
        return if section.has("set_in_pento") { None } else { Some(Vec::new()) };
    };
    let mut found = Vec::new();
    for name in &names {
        match REQUIRED.iter().find(|(known, _)| *known == name.value) {
            Some((known, _)) => found.push(*known),
            None => {
                let known = crate::words::known(name.value, REQUIRED.iter().map(|(known, _)| *known));
                let message = format!("`{}` is not among the fields that Pento requires; {known}", name.value);
                section.problems().error(name.span.clone(), Code::UnknownField, message);
            }
        }
    }
    (found.len() == names.len()).then_some(found)
}

/// `filters = [{ field = "office", is = "Berlin" }, { field = "country", is_not = "UK" }]`
///
/// Pento joins filters with "is" by "or". With two filters of "is not" everybody would be excluded by one or
/// the other, and Pento then ignores all of them; so a second one is refused here.
fn filters(section: &Table<'_>) -> Option<Vec<Condition>> {
    let Some(value) = section.raw("filters") else { return Some(Vec::new()) };
    let example = "a list such as [{ field = \"office\", is = \"Berlin\" }]";
    let Some(items) = value.get_ref().as_array() else { return section.wrong_type("filters", value, example) };
    let mut conditions = Vec::new();
    let mut fine = true;
    let mut negated = false;
    for item in items {
        let Some(entries) = item.get_ref().as_table() else { return section.wrong_type("filters", item, example) };
        let path = format!("{}.filters", section.path());
        let table = Table::new(path, item.span(), entries, section.context());
        let field = table.required_text("field", "field = \"office\"");
        let (is, is_not) = (table.text("is"), table.text("is_not"));
        let problem = |span, message: String| section.problems().error(span, Code::WrongValue, message);
        let condition = match (&field, is, is_not) {
            (Some(field), Some(value), None) => Some((field, "==", value)),
            (Some(field), None, Some(value)) => {
                if negated {
                    let message = "a second `is_not` would exclude everybody, and Pento ignores all filters then; \
                                   keep one, or say it with `include`";
                    problem(value.span.clone(), message.into());
                    fine = false;
                }
                negated = true;
                Some((field, "!=", value))
            }
            (Some(_), Some(_), Some(_)) | (Some(_), None, None) => {
                problem(item.span(), "a filter needs exactly one of `is` and `is_not`".into());
                None
            }
            (None, ..) => None,
        };
        table.finish();
        let Some((field, operator, wanted)) = condition else {
            fine = false;
            continue;
        };
        if matches!(preset(field.value), Some(PresetKind::List | PresetKind::CostCenters)) {
            problem(field.span.clone(), format!("`{}` holds several values; Pento cannot filter by it", field.value));
            fine = false;
        }
        let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if field.value.is_empty() || !field.value.chars().all(letter) {
            problem(field.span.clone(), format!("`{}` is not the name of an attribute", field.value));
            fine = false;
        }
        let source = format!("{} {operator} {}", field.value, quoted(wanted.value));
        conditions.push(Condition { source, span: field.span.clone() });
    }
    fine.then_some(conditions)
}
