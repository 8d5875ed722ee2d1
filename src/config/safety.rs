use schemars::JsonSchema;
use serde::Deserialize;

use crate::code::Code;
use crate::rules::Expression;
use crate::targets::{FieldLookup, TargetType};

use super::fields::{Fields, unknown_field};
use crate::plan::{Limit, Safety, Share};
use crate::section::shape::Count;
use crate::section::{Located, Table};

/// `[targets.NAME.safety]`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Shape {
    /// Deactivations in a run. Left out: by the number of linked people, see the table of defaults
    max_deactivate: Option<Limit>,
    /// New accounts in a run. Left out: no limit; once a run has left nobody to make, the larger of 50 and 20 % of the
    /// linked people
    max_create: Option<Limit>,
    /// Updates and reactivations in a run. Left out: no limit
    max_update: Option<Limit>,
    /// Updates that empty a field, in a run. Left out: no limit
    max_clear: Option<Limit>,
    /// The share of accounts in which one field may be overwritten within 24 hours. The default is for 20 linked people
    /// and more; below, it is that a field is emptied in all accounts that have it (3 or more)
    #[schemars(extend("default" = "50%"))]
    max_field_share: Option<Share>,
    /// The share of its employees that an `owned` group may lose in a run, from 3 members on
    #[serde(default = "max_group_share")]
    max_group_share: Share,
    /// So many changes that fail one after another, and the target is left alone for the rest of the run; one that
    /// succeeds begins the count anew
    #[serde(default = "max_failures")]
    max_failures: Count<1>,
    /// Expressions over the account's own fields; such accounts are never changed
    protect: Option<Vec<Located<String>>>,
}

fn max_group_share() -> Share {
    Safety::default().max_group_share
}

fn max_failures() -> Count<1> {
    Count(Safety::default().max_failures)
}

/// `[targets.NAME.safety]`. Adds the fields that `protect` looks at.
pub(super) fn read(target_section: &Table<'_>, target: Option<&dyn TargetType>, fields: &mut Fields) -> Safety {
    let Some(section) = target_section.table("safety") else {
        return Safety::default();
    };
    let shape: Option<Shape> = section.read();
    let safety = shape.map(|shape| Safety {
        max_deactivate: shape.max_deactivate,
        max_create: shape.max_create,
        max_update: shape.max_update,
        max_clear: shape.max_clear,
        max_field_share: shape.max_field_share,
        max_group_share: shape.max_group_share,
        max_failures: shape.max_failures.0,
        protect: (shape.protect.iter().flatten())
            .filter_map(|text| protection(&section, text, target, fields))
            .collect(),
    });
    section.finish();
    safety.unwrap_or_default()
}

/// A condition over the account's own fields.
fn protection(
    section: &Table<'_>,
    text: &Located<String>,
    target: Option<&dyn TargetType>,
    fields: &mut Fields,
) -> Option<Expression> {
    let complain = |message: String| {
        let name = section.name_of("protect");
        section.problems().error(text.span.clone(), Code::Expression, format!("{name}: {message}"));
    };
    let condition = match Expression::compile_over_fields(&text.value) {
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
