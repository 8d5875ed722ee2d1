use std::sync::Arc;

/// The attributes of a run, in a fixed order. Cheap to clone.
///
/// Source of the keys: `GET /v1/company/employees/attributes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    keys: Arc<[Box<str>]>,
}

/// The place of an attribute in an employee's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column(u16);

impl Column {
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Attributes {
    /// Sorted and without repeats.
    pub fn new<S: Into<Box<str>>>(keys: impl IntoIterator<Item = S>) -> Self {
        let mut keys: Vec<Box<str>> = keys.into_iter().map(Into::into).collect();
        keys.sort_unstable();
        keys.dedup();
        Self { keys: keys.into() }
    }

    /// Where an attribute stands, if the run asks for it.
    pub fn column(&self, key: &str) -> Option<Column> {
        let index = self.keys.binary_search_by(|known| known.as_ref().cmp(key)).ok()?;
        u16::try_from(index).ok().map(Column)
    }

    /// The keys of custom attributes, sorted.
    pub fn custom(&self) -> impl Iterator<Item = &str> {
        self.keys().filter(|key| key.starts_with("dynamic_"))
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.keys.iter().map(AsRef::as_ref)
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none is asked for.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub fn key(&self, column: Column) -> &str {
        &self.keys[column.index()]
    }
}

/// What kind of value a preset attribute of Personio holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresetKind {
    /// Text, also choices such as `status`.
    Text,
    /// A number, sometimes spelt as text.
    Number,
    Date,
    /// A moment, kept as Personio spells it.
    Timestamp,
    /// An object with id and name; `NAME_id` is readable beside it.
    Named,
    /// The supervisor; `supervisor_email` and `supervisor_name` are readable beside it.
    Supervisor,
    /// The list of cost centres; `cost_center` is readable beside it.
    CostCenters,
    /// Tags or another list of texts.
    List,
}

/// The attributes that every Personio account has, with their kinds.
///
/// Custom attributes are `dynamic_<digits>`; newer accounts deliver a few further presets, which may
/// be named in `attributes` too.
pub const PRESET_ATTRIBUTES: &[(&str, PresetKind)] = &[
    ("absence_entitlement", PresetKind::List),
    ("contract_end_date", PresetKind::Date),
    ("cost_centers", PresetKind::CostCenters),
    ("created_at", PresetKind::Timestamp),
    ("department", PresetKind::Named),
    ("email", PresetKind::Text),
    ("employment_type", PresetKind::Text),
    ("first_name", PresetKind::Text),
    ("fix_salary", PresetKind::Number),
    ("fix_salary_interval", PresetKind::Text),
    ("gender", PresetKind::Text),
    ("hire_date", PresetKind::Date),
    ("holiday_calendar", PresetKind::Named),
    ("hourly_salary", PresetKind::Number),
    ("last_modified_at", PresetKind::Timestamp),
    ("last_name", PresetKind::Text),
    ("last_working_day", PresetKind::Date),
    ("office", PresetKind::Named),
    ("position", PresetKind::Text),
    ("preferred_name", PresetKind::Text),
    ("probation_period_end", PresetKind::Date),
    ("profile_picture", PresetKind::Text),
    ("status", PresetKind::Text),
    ("subcompany", PresetKind::Named),
    ("supervisor", PresetKind::Supervisor),
    ("team", PresetKind::Named),
    ("termination_date", PresetKind::Date),
    ("termination_reason", PresetKind::Text),
    ("termination_type", PresetKind::Text),
    ("vacation_day_balance", PresetKind::Number),
    ("weekly_working_hours", PresetKind::Number),
    ("work_schedule", PresetKind::Named),
];

/// The kind of a preset attribute, `None` for custom ones.
pub fn preset(key: &str) -> Option<PresetKind> {
    PRESET_ATTRIBUTES.binary_search_by(|(known, _)| (*known).cmp(key)).ok().map(|index| PRESET_ATTRIBUTES[index].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_sorted_so_that_the_search_finds_each() {
        for (key, kind) in PRESET_ATTRIBUTES {
            assert_eq!(preset(key), Some(*kind), "{key}");
        }
        assert_eq!(preset("dynamic_4711"), None);
    }

    #[test]
    fn columns_do_not_depend_on_the_order_of_the_keys() {
        let one = Attributes::new(["status", "email", "email"]);
        let two = Attributes::new(["email", "status"]);
        assert_eq!(one, two);
        assert_eq!(one.len(), 2);
        assert_eq!(one.key(one.column("status").unwrap()), "status");
        assert_eq!(one.column("office"), None);
    }
}
