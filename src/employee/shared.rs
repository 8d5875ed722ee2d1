use std::sync::Arc;

use super::Value;

/// So many values of a column are remembered: the departments, offices and managers of a large company.
const REMEMBERED: usize = 1_024;

/// Values that were read lately, so that what many people have in common is one value in memory.
///
/// A place for each hash and no more: what does not fit takes the place of what was there.
#[derive(Debug)]
pub struct Shared<T> {
    columns: Vec<Vec<Option<T>>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { columns: Vec::new() }
    }
}

impl<T> Shared<T> {
    fn position(&mut self, column: usize, hash: u64) -> &mut Option<T> {
        if self.columns.len() <= column {
            self.columns.resize_with(column + 1, Vec::new);
        }
        let positions = &mut self.columns[column];
        if positions.is_empty() {
            positions.resize_with(REMEMBERED, || None);
        }
        &mut positions[usize::try_from(hash % REMEMBERED as u64).unwrap_or_default()]
    }
}

impl Shared<Arc<str>> {
    /// A text of a column.
    pub fn text(&mut self, column: usize, text: &str) -> Arc<str> {
        let position = self.position(column, hash(text));
        match position {
            Some(known) if **known == *text => Arc::clone(known),
            _ => Arc::clone(position.insert(text.into())),
        }
    }
}

impl Shared<Value> {
    /// The same value, in the memory of an earlier one that is equal.
    pub fn value(&mut self, column: usize, value: Value) -> Value {
        let hash = match &value {
            Value::Text(text) => hash(text),
            Value::Named(named) => hash(&named.name),
            Value::Supervisor(supervisor) => supervisor.id.0,
            _ => return value,
        };
        let position = self.position(column, hash);
        match position {
            Some(known) if *known == value => known.clone(),
            _ => position.insert(value).clone(),
        }
    }
}

/// FNV-1a: short texts, and no stranger chooses where they go to any effect.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_in_a_column_is_one_value_in_memory() {
        let mut shared = Shared::default();
        let (one, other) = (shared.text(0, "Sales"), shared.text(0, "Sales"));
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(&*shared.text(0, "IT"), "IT");
        // More than there are places: each is what it is all the same.
        for number in 0..3 * REMEMBERED {
            assert_eq!(*shared.text(1, &number.to_string()), *number.to_string());
        }
    }

    #[test]
    fn values_that_differ_in_any_part_stay_apart() {
        let mut shared = Shared::default();
        assert_eq!(shared.value(0, Value::text("IT")), Value::text("IT"));
        let manager = |email: &str| {
            let (email, name) = (super::super::Part::Is(email.into()), super::super::Part::Hidden);
            Value::Supervisor(Arc::new(super::super::Supervisor { id: crate::employee::EmployeeId(7), email, name }))
        };
        let (old, new) = (manager("old@example.com"), manager("new@example.com"));
        assert_eq!(shared.value(1, old.clone()), old);
        assert_eq!(shared.value(1, new.clone()), new);
        assert_eq!(shared.value(1, Value::Empty), Value::Empty);
    }
}
