use crate::field::{FieldKind, FieldSpec};
use crate::targets::delivery::Column;

/// Our name of a field and its column in the file, in the order of the columns. The columns are ours: the template
/// that Probonio's contacts import is not public.
pub(super) const COLUMNS: &[Column] = &[
    ("first_name", "Vorname"),
    ("last_name", "Nachname"),
    ("email", "E-Mail"),
    (STATUS, "Status"),
    ("personnel_number", "Personalnummer"),
    ("employment_type", "Beschäftigungsart"),
    ("employment_date", "Eintrittsdatum"),
    (LEAVING_DATE, "Austrittsdatum"),
    (LAST_MONTH, "Letzter Arbeitsmonat"),
    ("gender", "Geschlecht"),
    ("company", "Firma"),
    ("married", "Verheiratet"),
    (INVITE, "Einladen"),
];

/// Personio's status, until a leaving date takes over.
pub(super) const STATUS: &str = "status";
/// Only its month counts.
pub(super) const LEAVING_DATE: &str = "leaving_date";
/// Benefits end with it; worked out.
pub(super) const LAST_MONTH: &str = "last_working_month";
/// Whether an invitation goes out; worked out.
pub(super) const INVITE: &str = "invite";

pub(super) fn field(name: &str) -> Option<FieldSpec> {
    let (name, _) = COLUMNS.iter().find(|(known, _)| *known == name)?;
    Some(match *name {
        "email" => FieldSpec::new(*name, FieldKind::Email).required(),
        "employment_date" | LEAVING_DATE => FieldSpec::new(*name, FieldKind::Date),
        "married" | INVITE => FieldSpec::new(*name, FieldKind::Bool),
        _ => FieldSpec::new(*name, FieldKind::Text),
    })
}
