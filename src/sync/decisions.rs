//! What people were shown as held, and what they said to it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::plan::{Change, Notice};
use crate::state::{Approval, Fingerprint, Shown};

/// Makes the fingerprint of a change.
pub(super) type OfChange<'a> = Box<dyn Fn(&Change) -> Fingerprint + Send + Sync + 'a>;

/// What people were shown of a target, and what they said to it.
#[derive(Default)]
pub struct Decisions<'a> {
    /// What was last shown as held.
    pub shown: Option<Shown>,
    /// What was released and not carried out yet, expired or not.
    pub approvals: Vec<Approval>,
    /// When something was last released of what a rail holds, by the code of the hold; carried out or not.
    pub approved: BTreeMap<Box<str>, DateTime<Utc>>,
    /// The moment of the run.
    pub now: DateTime<Utc>,
    /// Tells changes apart; without it nothing is released.
    pub fingerprint: Option<OfChange<'a>>,
}

/// A change that is let through although a rail may hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Released {
    /// The approval; `None` when it is let through by the number of removals.
    pub approval: Option<i64>,
    /// What the plan says of the approval.
    pub said: Option<Notice>,
    pub fingerprint: Fingerprint,
    /// The change as it was planned; its hold is `None` when it would have passed without an approval.
    pub change: Change,
}

impl Released {
    /// Whether a change of the plan is the released one, alone or with other fields of the same account.
    pub fn is_part_of(&self, other: &Change) -> bool {
        let step = |change: &Change| change.request.as_ref().map(|request| (request.workflow.clone(), request.step));
        let own = &self.change;
        (own.op, own.employee) == (other.op, other.employee)
            && (own.account.is_none() || own.account == other.account)
            && step(own) == step(other)
            && own.fields.iter().all(|field| other.fields.iter().any(|one| one.index == field.index))
    }
}
