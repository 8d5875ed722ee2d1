use email_address::{EmailAddress, Options};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::field::{FieldIndex, FieldKind, FieldSpec, FieldValue};

use super::{Evaluation, Expression, Facts, Truth, remarks};

/// One line of a `mapping` table: what a field should hold.
#[derive(Debug, PartialEq)]
pub struct Mapping {
    pub index: FieldIndex,
    /// Where the value comes from.
    pub source: MappingSource,
    /// What an empty result does.
    pub on_empty: OnEmpty,
    /// What a result that the field cannot take does.
    pub on_invalid: OnInvalid,
    /// When it counts.
    pub when: When,
}

/// Where a mapped value comes from.
#[derive(Debug, PartialEq)]
pub enum MappingSource {
    Expression(Expression),
    /// The same value for everyone.
    Constant(FieldValue),
    /// Whether the employee belongs to a group, as a condition over attributes.
    Member {
        rule: Expression,
        /// Whether those who do not belong are taken out; people added by hand stay otherwise.
        owned: bool,
    },
}

impl MappingSource {
    /// What it looks at, unless it is the same for everyone.
    pub fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Expression(expression) | Self::Member { rule: expression, .. } => Some(expression),
            Self::Constant(_) => None,
        }
    }
}

/// What an empty result does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnEmpty {
    /// The field is emptied: Personio is the source of truth.
    #[default]
    Clear,
    /// The field stays as it is.
    Keep,
    Fail,
}

/// What a result that the field cannot take does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnInvalid {
    #[default]
    Fail,
    /// The field stays as it is, and somebody says that this is fine.
    Keep,
    /// The field stays as it is, and the employee counts as done in part.
    #[serde(skip)]
    Partly,
    Clear,
}

/// When a mapping counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum When {
    /// On create and ever after.
    #[default]
    Always,
    /// On create only.
    Create,
}

/// What a field should hold for one employee.
#[derive(Clone, Debug, PartialEq)]
pub enum Desired {
    /// This; [`FieldValue::Empty`] means that it is to be emptied.
    Value(FieldValue),
    /// Whatever it holds, with the reason in words when that is worth knowing.
    Keep(Option<String>),
    /// Whatever it holds, because what it should hold is no value for it; why, without any value.
    Invalid(String),
    /// The employee is skipped: a stable code, and why, without any value.
    Fail(Code, String),
}

/// What is worth knowing of a value that is written all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub code: Code,
    /// In words, without any value.
    pub message: String,
}

impl Mapping {
    /// What the field should hold for one employee.
    pub fn desired(&self, spec: &FieldSpec, facts: &Facts<'_>) -> Desired {
        self.desired_with_remarks(spec, facts, &mut Vec::new())
    }

    /// The same, with what is worth knowing of it.
    pub fn desired_with_remarks(&self, spec: &FieldSpec, facts: &Facts<'_>, remarks: &mut Vec<Remark>) -> Desired {
        remarks::take();
        let desired = self.resolve(spec, facts, remarks);
        let seen = remarks::take();
        if !matches!(&desired, Desired::Value(value) if !value.is_empty()) {
            return desired;
        }
        if seen.unknown_range {
            let message = format!("{}: the number could exist, and nobody knows its range", spec.name);
            remarks.push(Remark { code: Code::PhoneRangeUnknown, message });
        }
        // In other texts nobody minds; an address or a number with them reaches nobody.
        if seen.marks_left_out && matches!(spec.kind, FieldKind::Email | FieldKind::Phone) {
            let message = format!("{}: marks that nobody sees are left out; fix it in Personio", spec.name);
            remarks.push(Remark { code: Code::InvisibleMarks, message });
        }
        desired
    }

    fn resolve(&self, spec: &FieldSpec, facts: &Facts<'_>, remarks: &mut Vec<Remark>) -> Desired {
        let value = match &self.source {
            MappingSource::Constant(value) => value.clone(),
            MappingSource::Expression(expression) => match expression.evaluate(facts) {
                Evaluation::Value(value) => value,
                Evaluation::Frozen { attribute } => {
                    return Desired::Keep(Some(format!("`{attribute}` is not readable")));
                }
                Evaluation::Invalid { why } => return self.invalid(spec, &why),
            },
            MappingSource::Member { rule, owned } => return belongs(rule, *owned, spec, facts),
        };
        let converted = convert(value.clone(), spec).or_else(|why: String| -> Result<FieldValue, String> {
            let nearest =
                spec.nearest.as_ref().zip(value.as_text()).and_then(|(rule, text)| rule.find(text, facts.today()));
            let (found, words) = nearest.ok_or(why)?;
            let message = format!("{}: {words}", spec.name);
            remarks.push(Remark { code: Code::NearestChoice, message });
            Ok(FieldValue::text(found))
        });
        match converted {
            Ok(FieldValue::Empty) => match self.on_empty {
                OnEmpty::Clear => Desired::Value(FieldValue::Empty),
                OnEmpty::Keep => Desired::Keep(None),
                OnEmpty::Fail => Desired::Fail(Code::FieldEmpty, format!("{} is empty", spec.name)),
            },
            Ok(value) => Desired::Value(value),
            Err(why) => self.invalid(spec, &why),
        }
    }

    fn invalid(&self, spec: &FieldSpec, why: &str) -> Desired {
        let why = format!("{}: {why}", spec.name);
        match self.on_invalid {
            OnInvalid::Fail => Desired::Fail(Code::FieldInvalid, why),
            OnInvalid::Keep => Desired::Keep(Some(why)),
            OnInvalid::Partly => Desired::Invalid(why),
            OnInvalid::Clear => Desired::Value(FieldValue::Empty),
        }
    }
}

/// Membership by rule. What cannot be told changes nothing: neither does it take anybody in, nor out.
fn belongs(rule: &Expression, owned: bool, spec: &FieldSpec, facts: &Facts<'_>) -> Desired {
    match rule.holds(facts) {
        Truth::Yes => Desired::Value(FieldValue::Bool(true)),
        Truth::No if owned => Desired::Value(FieldValue::Bool(false)),
        Truth::No => Desired::Keep(None),
        Truth::Unknown { attribute } => Desired::Keep(Some(format!("`{attribute}` is not readable"))),
        Truth::Invalid { why } => Desired::Keep(Some(format!("{}: {why}", spec.name))),
    }
}

/// A value in the type of a field.
pub fn convert(value: FieldValue, spec: &FieldSpec) -> Result<FieldValue, String> {
    if value.is_empty() {
        return Ok(FieldValue::Empty);
    }
    let value = match value {
        FieldValue::Employee(id) if spec.kind != FieldKind::Account => FieldValue::text(&id.to_string()),
        other => other,
    };
    let converted = match spec.kind {
        FieldKind::Any => value,
        FieldKind::Text => FieldValue::text(&value.to_string()),
        FieldKind::Email => {
            let address = value.to_string().trim().to_lowercase();
            if !is_address(&address) {
                return Err("it is not an e-mail address".into());
            }
            FieldValue::text(&address)
        }
        FieldKind::Phone => {
            let number = value.to_string();
            if !number.contains(|letter: char| letter.is_ascii_digit()) {
                return Err("it is not a phone number".into());
            }
            FieldValue::text(&number)
        }
        FieldKind::Bool => match &value {
            FieldValue::Bool(_) => value,
            other => match other.to_string().trim().to_lowercase().as_str() {
                "true" | "yes" | "ja" | "1" => FieldValue::Bool(true),
                "false" | "no" | "nein" | "0" => FieldValue::Bool(false),
                _ => return Err("it is neither yes nor no".into()),
            },
        },
        FieldKind::Number => match &value {
            FieldValue::Integer(_) | FieldValue::Decimal(_) => value,
            other => number(other.to_string().trim())?,
        },
        FieldKind::Date => match &value {
            FieldValue::Date(_) => value,
            FieldValue::Text(text) => text
                .get(..10)
                .and_then(|day| day.parse().ok())
                .map(FieldValue::Date)
                .ok_or("it is not a date in the form YYYY-MM-DD")?,
            _ => return Err("it is not a date".into()),
        },
        FieldKind::Choice => choice(&value.to_string(), spec)?,
        FieldKind::List | FieldKind::References => match value {
            FieldValue::List(_) => value,
            other => FieldValue::list([other.to_string()]),
        },
        FieldKind::Reference => match value {
            FieldValue::List(items) if items.len() == 1 => FieldValue::text(&items[0]),
            FieldValue::List(_) => return Err("it is several names where the field takes one".into()),
            other => FieldValue::text(&other.to_string()),
        },
        FieldKind::Account => match &value {
            FieldValue::Employee(_) => value,
            other => other
                .to_string()
                .parse()
                .map(FieldValue::Employee)
                .map_err(|_| "it is not the id of an employee, as `supervisor` gives".to_owned())?,
        },
    };
    if let (Some(most), Some(text)) = (spec.max_length, converted.as_text())
        && text.chars().count() > most as usize
    {
        return Err(format!("it is longer than the {most} characters that the field takes"));
    }
    match (&spec.validator, converted.as_text()) {
        (Some(validator), Some(text)) => validator.canonical(text).map(|text| FieldValue::text(&text)),
        _ => Ok(converted),
    }
}

/// An address and nothing around it: no name, no `mailto:`, no dot that ended the sentence it was copied from.
fn is_address(text: &str) -> bool {
    let plain = Options::default().without_display_text().without_domain_literal();
    !text.contains(char::is_whitespace) && EmailAddress::parse_with_options(text, plain).is_ok()
}

fn number(text: &str) -> Result<FieldValue, String> {
    if let Ok(whole) = text.parse() {
        return Ok(FieldValue::Integer(whole));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(FieldValue::Decimal(number)),
        _ => Err("it is not a number".into()),
    }
}

/// One of the allowed values, in the target's spelling.
fn choice(text: &str, spec: &FieldSpec) -> Result<FieldValue, String> {
    let text = text.trim();
    if spec.choices.is_empty() || spec.choices.iter().any(|choice| &**choice == text) {
        return Ok(FieldValue::text(text));
    }
    let folded = text.to_lowercase();
    let mut alike = spec.choices.iter().filter(|choice| choice.to_lowercase() == folded);
    match (alike.next(), alike.next()) {
        (Some(choice), None) => Ok(FieldValue::Text((&**choice).into())),
        _ => Err(format!("it is none of the values that the field takes: {}", listed(&spec.choices))),
    }
}

/// Long lists (time zones) are cut: the message stands on one line.
fn listed(choices: &[Box<str>]) -> String {
    const MOST: usize = 12;
    match choices.get(..MOST) {
        Some(first) if choices.len() > MOST => format!("{}, … ({} in all)", first.join(", "), choices.len()),
        _ => choices.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::EmployeeId;

    #[test]
    fn a_long_list_of_choices_is_cut() {
        let spec = FieldSpec::new("zone", FieldKind::Choice).choices((1..=13).map(|number| format!("z{number}")));
        let message = choice("xx", &spec).unwrap_err();
        assert!(message.ends_with("z11, z12, … (13 in all)"), "{message}");
    }

    #[test]
    fn values_take_the_type_of_the_field() {
        use FieldKind::*;
        let day = FieldValue::Date("2026-03-31".parse().unwrap());
        let text = FieldValue::text;
        let table: Vec<(FieldKind, FieldValue, Result<FieldValue, &str>)> = vec![
            (Text, FieldValue::Integer(7), Ok(text("7"))),
            (Text, day.clone(), Ok(text("2026-03-31"))),
            (Text, FieldValue::list(["a", "b"]), Ok(text("a, b"))),
            (Text, FieldValue::Bool(true), Ok(text("true"))),
            (Text, FieldValue::Employee(EmployeeId(9002)), Ok(text("9002"))),
            (Any, FieldValue::Integer(7), Ok(FieldValue::Integer(7))),
            (Any, day.clone(), Ok(day.clone())),
            (Any, FieldValue::Employee(EmployeeId(9002)), Ok(text("9002"))),
            (Email, text(" Ines@Example.COM "), Ok(text("ines@example.com"))),
            (Email, text("ines"), Err("it is not an e-mail address")),
            (Email, text("a@b@c"), Err("it is not an e-mail address")),
            (Email, text("mailto:ines@example.com"), Err("it is not an e-mail address")),
            (Email, text("ines@example.com."), Err("it is not an e-mail address")),
            (Email, text("Ines <ines@example.com>"), Err("it is not an e-mail address")),
            (Email, text("<ines@example.com>"), Err("it is not an e-mail address")),
            (Email, text("ines@exam ple.com"), Err("it is not an e-mail address")),
            (Email, text("jörg.o'neil+x@bücher.example"), Ok(text("jörg.o'neil+x@bücher.example"))),
            (Phone, text("none"), Err("it is not a phone number")),
            (Bool, text("Ja"), Ok(FieldValue::Bool(true))),
            (Bool, FieldValue::Integer(0), Ok(FieldValue::Bool(false))),
            (Bool, text("maybe"), Err("it is neither yes nor no")),
            (Number, text("37.5"), Ok(FieldValue::Decimal(37.5))),
            (Number, text("40"), Ok(FieldValue::Integer(40))),
            (Number, text("inf"), Err("it is not a number")),
            (Date, text("2026-03-31T00:00:00+02:00"), Ok(day.clone())),
            (Date, text("31.03.2026"), Err("it is not a date in the form YYYY-MM-DD")),
            (Date, FieldValue::Bool(true), Err("it is not a date")),
            (List, text("a"), Ok(FieldValue::list(["a"]))),
            (Reference, FieldValue::list(["a", "b"]), Err("it is several names where the field takes one")),
            (Account, FieldValue::Integer(9002), Ok(FieldValue::Employee(EmployeeId(9002)))),
            (Account, text("lead@example.com"), Err("it is not the id of an employee, as `supervisor` gives")),
            (Choice, text("DE"), Ok(text("de"))),
            (Choice, text("xx"), Err("it is none of the values that the field takes: de, en")),
        ];
        for (kind, value, expected) in table {
            let spec = FieldSpec::new("field", kind).choices(["de", "en"]);
            assert_eq!(convert(value.clone(), &spec), expected.map_err(str::to_owned), "{kind:?} {value:?}");
        }
    }

    #[test]
    fn a_validator_has_the_last_word_and_chooses_the_spelling() {
        let spec = FieldSpec::new("field", FieldKind::Text)
            .validator(|text| if text.len() == 2 { Ok(text.to_uppercase()) } else { Err("it is not two letters") });
        assert_eq!(convert(FieldValue::text(" de "), &spec), Ok(FieldValue::text("DE")));
        assert_eq!(convert(FieldValue::text("deu"), &spec), Err("it is not two letters".into()));
        assert_eq!(convert(FieldValue::Empty, &spec), Ok(FieldValue::Empty));
    }

    #[test]
    fn length_counts_characters() {
        let spec = FieldSpec::new("field", FieldKind::Text).max_length(3);
        assert!(convert(FieldValue::text("äöü"), &spec).is_ok());
        assert!(convert(FieldValue::text("äöüß"), &spec).is_err());
    }
}
