//! Values that were converted lately, by how they were spelt: departments, offices and managers are those of many people,
//! and are one value in memory then.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::raw::AttributeType;
use crate::employee::Value;

/// So many are remembered: the departments, offices and managers of a large company.
const REMEMBERED: usize = 1_024;

/// A place for each hash and no more: what does not fit takes the place of what was there.
#[derive(Debug, Default)]
pub(super) struct Converted {
    entries: Vec<Option<(Box<str>, AttributeType, Value)>>,
}

impl Converted {
    /// What a value was converted to, or is now.
    pub(super) fn get<E>(
        &mut self,
        spelling: &str,
        kind: AttributeType,
        convert: impl FnOnce() -> Result<Value, E>,
    ) -> Result<Value, E> {
        if self.entries.is_empty() {
            self.entries.resize_with(REMEMBERED, || None);
        }
        let hash = FixedState::default().hash_one(spelling);
        let entry = &mut self.entries[usize::try_from(hash % REMEMBERED as u64).unwrap_or_default()];
        match entry {
            Some((known, of, value)) if **known == *spelling && *of == kind => Ok(value.clone()),
            _ => {
                let value = convert()?;
                *entry = Some((spelling.into(), kind, value.clone()));
                Ok(value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use super::*;
    use crate::employee::{Named, Part};

    #[test]
    fn what_is_spelt_alike_is_one_value_in_memory() {
        let mut converted = Converted::default();
        let mut named = |name: &str| {
            let value = || Value::Named(Arc::new(Named { id: Part::Hidden, name: name.into() }));
            match converted.get(name, AttributeType::Standard, || Ok::<_, Infallible>(value())) {
                Ok(Value::Named(named)) => named,
                other => panic!("{other:?}"),
            }
        };
        assert!(Arc::ptr_eq(&named("Sales"), &named("Sales")));
        // More than there are places: each is what it is all the same.
        for number in 0..3 * REMEMBERED {
            assert_eq!(*named(&number.to_string()).name, *number.to_string());
        }
    }
}
