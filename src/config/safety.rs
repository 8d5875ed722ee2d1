use crate::rules::Expression;
use crate::targets::{FieldLookup, TargetType};

use super::fields::{Fields, unknown_field};
use super::share;
use crate::plan::Safety;
use crate::section::{Located, Table};

/// `[targets.NAME.safety]`. Adds the fields that `protect` looks at.
pub(super) fn read(target_section: &Table<'_>, target: Option<&dyn TargetType>, fields: &mut Fields) -> Safety {
    let mut safety = Safety::default();
    let Some(section) = target_section.table("safety") else {
        return safety;
    };
    for (key, limit) in [
        ("max_deactivate", &mut safety.max_deactivate),
        ("max_create", &mut safety.max_create),
        ("max_update", &mut safety.max_update),
        ("max_clear", &mut safety.max_clear),
    ] {
        *limit = share::limit(&section, key);
    }
    safety.max_field_share = share::share(&section, "max_field_share");
    safety.max_group_share = share::share(&section, "max_group_share").unwrap_or(safety.max_group_share);
    safety.max_failures = share::at_least_one(&section, "max_failures").unwrap_or(safety.max_failures);
    for text in section.texts("protect").unwrap_or_default() {
        safety.protect.extend(protection(&section, &text, target, fields));
    }
    section.finish();
    safety
}

/// A condition over the account's own fields.
fn protection(
    section: &Table<'_>,
    text: &Located<&str>,
    target: Option<&dyn TargetType>,
    fields: &mut Fields,
) -> Option<Expression> {
    let complain = |message: String| {
        let name = section.name_of("protect");
        section.problems().error(text.span.clone(), "expression", format!("{name}: {message}"));
    };
    let condition = match Expression::compile_over_fields(text.value) {
        Ok(condition) => condition,
        Err(error) => {
            complain(error.to_string());
            return None;
        }
    };
    let target = target?;
    let mut fine = true;
    if condition.names().next().is_none() {
        complain("it looks at no field, so it protects everyone or nobody".into());
        fine = false;
    }
    for name in condition.names() {
        match target.field(name) {
            // The condition finds the value by the name that it uses, so that name must be the field's own.
            FieldLookup::Known(spec) | FieldLookup::Open(spec) if &*spec.name == name => {
                fields.add(spec);
            }
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => {
                complain(format!(
                    "`{name}` is short for `{}`, which conditions cannot name; use another field",
                    spec.name
                ));
                fine = false;
            }
            FieldLookup::Unknown => {
                complain(unknown_field(target, name));
                fine = false;
            }
        }
    }
    fine.then_some(condition)
}
