//! Several changes in one request, where a service takes them so.

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::plan::FieldChange;

use super::TargetError;

/// One change, as it is handed to a batch. Means what the method of the same name of
/// [`WriteAccounts`](super::WriteAccounts) means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Write<'a> {
    /// Makes an account.
    Create {
        employee: EmployeeId,
        /// Every mapped field that has a value.
        fields: &'a [FieldChange],
    },
    /// Changes fields of an account.
    Update {
        account: &'a AccountId,
        /// The fields; one that is not named stays as it is.
        changes: &'a [FieldChange],
    },
    /// Brings an account back into use. Fields that change with it follow by themselves.
    Reactivate { account: &'a AccountId },
    /// Takes an account out of use.
    Deactivate { account: &'a AccountId },
}

/// What came of one change of a batch: for a create the id of the account, where the answer says it.
pub type Written = Result<Option<AccountId>, TargetError>;

/// Carries out several changes at once. Changes of one batch do not depend on each other.
///
/// All of them are in the journal before [`WriteBatches::write`] is called, and each is settled by what it gives:
/// after [`ErrorKind::Exists`](super::ErrorKind::Exists) and
/// [`ErrorKind::Unsettled`](super::ErrorKind::Unsettled) the caller looks, as after a change sent alone.
pub trait WriteBatches: Send + Sync {
    /// The most changes in one batch. Below two, each goes alone; may become less while a run goes on.
    fn most(&self) -> usize;

    /// Whether a change may be part of a batch. Others go alone.
    fn takes(&self, write: &Write<'_>) -> bool;

    /// Carries out as many as fit, beginning with the first, and says what came of each, in their order.
    ///
    /// Fewer results than changes mean that the rest was not sent: it comes again in the next batch. No result at all
    /// means that these changes cannot go together: each is sent alone.
    fn write(&self, writes: &[Write<'_>]) -> Vec<Written>;
}
