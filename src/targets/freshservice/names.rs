//! Departments and locations by name and id.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Named;
use crate::plan::ReferenceNames;

/// All departments, or all locations, of an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    names: HashMap<u64, Box<str>>,
    ids: BTreeMap<String, Vec<u64>>,
}

/// Why a name stands for no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoId {
    Unknown,
    /// Several things have it; which is meant is not guessed.
    Ambiguous,
}

impl Book {
    /// Adds a thing; one that is known already is not added again. Returns whether it is new.
    pub(super) fn insert(&mut self, id: u64, name: &str) -> bool {
        let name = name.trim();
        let new = self.names.insert(id, name.into()).is_none();
        if new {
            self.ids.entry(name.to_lowercase()).or_default().push(id);
        }
        new
    }

    /// The name of an id. An id without a name (no right to see it) stays visible as `#701`, so that it differs
    /// from every name.
    pub(super) fn name(&self, id: u64) -> Box<str> {
        self.names.get(&id).cloned().unwrap_or_else(|| format!("#{id}").into())
    }

    /// The id of a name; letter case does not count.
    pub(super) fn id(&self, name: &str) -> Result<u64, NoId> {
        match self.ids.get(&name.trim().to_lowercase()).map(Vec::as_slice) {
            Some([id]) => Ok(*id),
            Some([]) | None => Err(NoId::Unknown),
            Some(_) => Err(NoId::Ambiguous),
        }
    }

    /// The names for planning, shared ones marked as such.
    pub(super) fn reference_names(&self) -> ReferenceNames {
        let mut ids: Vec<&u64> = self.names.keys().collect();
        ids.sort_unstable();
        ids.into_iter().map(|id| &self.names[id]).collect()
    }
}

/// Departments and locations, each as far as the run needs them.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// `None` when not read.
    pub(super) departments: Option<Arc<Book>>,
    /// `None` when not read.
    pub(super) locations: Option<Arc<Book>>,
}

impl Names {
    pub(super) fn of(&self, named: Named) -> Option<&Arc<Book>> {
        match named {
            Named::Departments => self.departments.as_ref(),
            Named::Locations => self.locations.as_ref(),
        }
    }

    pub(super) fn of_mut(&mut self, named: Named) -> &mut Option<Arc<Book>> {
        match named {
            Named::Departments => &mut self.departments,
            Named::Locations => &mut self.locations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_ids_without_letter_case_and_never_guess() {
        let mut book = Book::default();
        book.insert(701, " IT ");
        book.insert(702, "Sales");
        book.insert(703, "it");
        book.insert(702, "Sales");
        assert_eq!(book.id("sales"), Ok(702));
        assert_eq!(book.id("IT"), Err(NoId::Ambiguous));
        assert_eq!(book.id("Legal"), Err(NoId::Unknown));
        assert_eq!(&*book.name(701), "IT");
        assert_eq!(&*book.name(999), "#999");
        assert_eq!(book.reference_names().get("it"), Some(None));
        assert_eq!(book.reference_names().get("SALES"), Some(Some("Sales")));
    }
}
