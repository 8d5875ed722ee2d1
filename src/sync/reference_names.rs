//! The names that reference fields may take, read from the target once planning asks for them.

use std::sync::OnceLock;

use crate::field::FieldIndex;
use crate::plan::{ReferenceNames, References};
use crate::targets::{ReadAccounts, TargetError};

/// Reads each list of names when it is first asked for, and never again.
pub(super) struct NamesOnDemand<'a> {
    reader: &'a dyn ReadAccounts,
    /// By field.
    known: Vec<OnceLock<Option<ReferenceNames>>>,
    failed: OnceLock<TargetError>,
}

impl<'a> NamesOnDemand<'a> {
    pub(super) fn new(reader: &'a dyn ReadAccounts, fields: usize) -> Self {
        Self { reader, known: (0..fields).map(|_| OnceLock::new()).collect(), failed: OnceLock::new() }
    }

    /// Why a list could not be read, if one could not: what was planned without it is not to be trusted.
    pub(super) fn failure(self) -> Option<TargetError> {
        self.failed.into_inner()
    }
}

impl References for NamesOnDemand<'_> {
    fn names(&self, field: FieldIndex) -> Option<&ReferenceNames> {
        let known = self.known.get(field.get())?.get_or_init(|| {
            self.reader.references(field).unwrap_or_else(|error| {
                let _ = self.failed.set(error);
                None
            })
        });
        known.as_ref()
    }
}
