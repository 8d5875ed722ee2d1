//! When two values of a field are the same.

use crate::employee::clean;

use crate::field::{Compare, FieldKind, FieldSpec, FieldValue};

/// Whether a field already holds what it should, by the rules of its kind.
pub fn same(existing: &FieldValue, desired: &FieldValue, spec: &FieldSpec) -> bool {
    if existing.is_empty() || desired.is_empty() {
        // A service may store "no" as nothing.
        let unset = |value: &FieldValue| matches!(value, FieldValue::Empty | FieldValue::Bool(false));
        return if spec.kind == FieldKind::Bool && !spec.tells_no {
            unset(existing) && unset(desired)
        } else {
            existing.is_empty() && desired.is_empty()
        };
    }
    match spec.kind {
        FieldKind::Email => fold(existing) == fold(desired),
        FieldKind::Phone => digits(existing) == digits(desired),
        FieldKind::Reference => fold(existing) == fold(desired),
        FieldKind::References => set(existing, true) == set(desired, true),
        FieldKind::List => {
            set(existing, spec.compare == Compare::IgnoreCase) == set(desired, spec.compare == Compare::IgnoreCase)
        }
        FieldKind::Number => match (number(existing), number(desired)) {
            (Some(one), Some(other)) => one == other,
            _ => existing == desired,
        },
        FieldKind::Any => spec.written(existing) == spec.written(desired),
        FieldKind::Text | FieldKind::Choice if spec.compare == Compare::IgnoreCase => fold(existing) == fold(desired),
        _ => existing == desired,
    }
}

fn fold(value: &FieldValue) -> String {
    clean(&value.to_string()).to_lowercase()
}

/// Digits, and a leading plus; services reformat phone numbers.
fn digits(value: &FieldValue) -> String {
    let text = value.to_string();
    let plus = text.trim_start().starts_with('+');
    let digits = text.chars().filter(char::is_ascii_digit);
    if plus { std::iter::once('+').chain(digits).collect() } else { digits.collect() }
}

fn set(value: &FieldValue, folded: bool) -> Vec<String> {
    let form = |item: &str| if folded { clean(item).to_lowercase() } else { clean(item).into_owned() };
    let mut items: Vec<String> = match value {
        FieldValue::List(items) => items.iter().map(|item| form(item)).collect(),
        other => vec![form(&other.to_string())],
    };
    items.sort_unstable();
    items.dedup();
    items
}

fn number(value: &FieldValue) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "a service that stores decimals cannot hold more either")]
        FieldValue::Integer(whole) => Some(*whole as f64),
        FieldValue::Decimal(number) => Some(*number),
        FieldValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_depends_on_the_kind() {
        use FieldKind::*;
        let text = FieldValue::text;
        let list = |items: &[&str]| FieldValue::list(items);
        let table = [
            (Text, text("IT"), text("it"), false),
            (Text, text("IT"), text("IT"), true),
            (Text, FieldValue::Empty, FieldValue::Empty, true),
            (Text, FieldValue::Empty, text("x"), false),
            (Email, text("A@example.com"), text("a@Example.com"), true),
            (Phone, text("+49 30 / 1234"), text("+49301234"), true),
            (Phone, text("+49301234"), text("49301234"), false),
            (Bool, FieldValue::Empty, FieldValue::Bool(false), true),
            (Bool, FieldValue::Empty, FieldValue::Bool(true), false),
            (Number, FieldValue::Integer(40), FieldValue::Decimal(40.0), true),
            (Number, text("40"), FieldValue::Integer(40), true),
            (List, list(&["b", "a"]), list(&["a", "b", "a"]), true),
            (List, list(&["A"]), list(&["a"]), false),
            (References, list(&["Sales", "it"]), list(&["IT", "sales"]), true),
            (Reference, text("Berlin"), text("berlin "), true),
            (Any, text("7"), FieldValue::Integer(7), true),
            (Any, FieldValue::Decimal(7.0), FieldValue::Integer(7), true),
            (Any, text("07"), FieldValue::Integer(7), false),
            (Any, text("a, b"), list(&["a", "b"]), true),
            (Any, FieldValue::Empty, FieldValue::Bool(false), false),
        ];
        for (kind, existing, desired, expected) in table {
            let spec = FieldSpec::new("field", kind);
            assert_eq!(same(&existing, &desired, &spec), expected, "{kind:?} {existing:?} {desired:?}");
        }
        let day = FieldValue::Date(chrono::NaiveDate::from_ymd_opt(2026, 2, 1).unwrap());
        let column = FieldSpec::new("Start", Any).day_format("%d.%m.%Y");
        assert!(same(&text("01.02.2026"), &day, &column));
        assert!(same(&text("01.02.2026"), &text("2026-02-01"), &column));
        assert!(same(&text("01.02.2026"), &text("01.02.2026"), &column));
        assert!(!same(&text("02.01.2026"), &day, &column));
        assert!(same(&text("IT"), &text("it"), &FieldSpec::new("field", Text).ignore_case()));
        let told = FieldSpec::new("field", Bool).tells_no();
        assert!(!same(&FieldValue::Empty, &FieldValue::Bool(false), &told));
        assert!(!same(&FieldValue::Bool(false), &FieldValue::Empty, &told));
    }
}
