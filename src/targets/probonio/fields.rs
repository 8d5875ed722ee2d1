use crate::field::{FieldKind, FieldSpec};

use super::language::Language;

/// Personio's status, until a leaving date takes over.
pub(super) const STATUS: &str = "status";
/// Internal or external.
pub(super) const EMPLOYMENT_TYPE: &str = "employment_type";
pub(super) const GENDER: &str = "gender";
/// Only its month counts.
pub(super) const LEAVING_DATE: &str = "leaving_date";
/// Benefits end with it; worked out.
pub(super) const LAST_MONTH: &str = "last_working_month";
/// Whether an invitation goes out; worked out.
pub(super) const INVITE: &str = "invite";

pub(super) fn field(name: &str) -> Option<FieldSpec> {
    let (name, _) = Language::De.columns().iter().find(|(known, _)| *known == name)?;
    Some(match *name {
        "email" => FieldSpec::new(*name, FieldKind::Email).required(),
        "employment_date" | LEAVING_DATE => FieldSpec::new(*name, FieldKind::Date),
        "married" | INVITE => FieldSpec::new(*name, FieldKind::Bool),
        _ => FieldSpec::new(*name, FieldKind::Text),
    })
}
