//! What people confirmed of a delivery, as the state keeps it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::employee::EmployeeId;
use crate::state::{State, StateError};

/// The kind of confirmation in the state.
const CONFIRMED: &str = "delivered";

/// The rows of a delivery that people confirmed, each as a keyed hash.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ConfirmedRows {
    // A key of this name is where one person can be forgotten.
    pub(super) people: BTreeMap<u64, Box<str>>,
}

impl ConfirmedRows {
    /// What was confirmed last.
    pub(super) fn of(state: &State, target: &str) -> anyhow::Result<Self> {
        let Some(stored) = state.confirmed(CONFIRMED, target)? else { return Ok(Self::default()) };
        let hint = || format!("what was confirmed of {target} is not what this version writes; was it a newer one?");
        serde_json::from_str(&stored.content).with_context(hint)
    }

    pub(super) fn store(&self, state: &State, target: &str, at: DateTime<Utc>) -> Result<(), StateError> {
        let rows = serde_json::to_string(self).expect("numbers and hashes are JSON");
        state.confirm(CONFIRMED, target, &rows, at)
    }

    pub(super) fn employees(&self) -> BTreeSet<EmployeeId> {
        self.people.keys().copied().map(EmployeeId).collect()
    }
}
