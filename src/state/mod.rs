//! What the tool remembers between runs: links, the journal of writes, history, ledger, budgets; and the lock.
//!
//! Ids, keyed hashes, field names, outcomes, and how many people larger offices have. No value of an employee, no secret, and no name unless the file asks
//! for names. Everything is written once, over `sql::Database`, for SQLite and PostgreSQL. Times come in as
//! arguments; what happened first is told by the numbers of runs and jobs, never by a clock that may be set back.

mod approvals;
mod complete;
mod error;
mod forget;
mod hash;
mod history;
mod in_line;
mod journal;
mod ledger;
mod limits;
mod lock;
mod lock_folder;
mod memory;
mod pooler;
mod postgres;
mod records;
mod schema;
mod seen;
mod slots;
mod source;
mod sql;
mod sqlite;
#[cfg(test)]
pub(crate) mod tests;
mod todos;
mod told;

use std::fmt;
use std::path::Path;

use crate::section::Secret;

pub use approvals::{Approval, Held, HeldChange, NewApproval, Shown};
pub use complete::CompleteRun;
pub use error::StateError;
pub use hash::{Fingerprint, Hasher};
pub use journal::JournalWriter;
pub use limits::Overwritten;
pub use lock::{Holder, Lock, LockError, LockRequest};
pub use lock_folder::machine_lock_folder;
pub use records::{
    Confirmed, DAYS_GIVEN_UP, FailedRun, Finished, InLine, Job, JobFilter, JobId, JobStatus, JournalId, LastSeen,
    LedgerEntry, Link, NewJob, Once, OnceKind, OnceOnly, OpenIntent, Origin, PeriodTasks, Repeat, Run, RunEnd, RunId,
    RunStart, RunTarget, Settlement, Step, StepOutcome, StoredIntent, StoredTarget, TargetEnd, TargetRecord,
    WRITES_BEFORE_GIVING_UP, Who, Written,
};
pub use slots::FilledSlot;

use parking_lot::Mutex;
pub use source::{Absence, KnownAttribute, SourceGroup, SourceMemory, SourceRead};
use sql::{Database, Purpose};
pub use todos::{SeenTodo, Todo};
pub use told::StoredFact;

/// The memory of the tool. Shared by threads; each call is one transaction and is durable when it returns.
///
/// Every call fails with a [`StateError`] when the state cannot be read or written. The caller stops then: nothing is
/// sent whose intent is not recorded.
pub struct State {
    database: Mutex<Box<dyn Database>>,
    hasher: Hasher,
    location: Box<str>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("location", &self.location).finish_non_exhaustive()
    }
}

impl State {
    /// The state in a file of its own, made when it is not there and readable by its owner only.
    ///
    /// # Errors
    ///
    /// When the file cannot be made, read or written, is damaged (it is left as it is), or was written by a newer
    /// version of this tool.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Self::over(Box::new(sqlite::Sqlite::open(path)?))
    }

    /// The state on a PostgreSQL server that several machines share, by its address. Its tables are in the schema
    /// `personio_sync`, or where the `search_path` of the address or of the role says. A pooler between must keep
    /// sessions: locks belong to them.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached, refuses, or holds a state that a newer version of this tool wrote.
    pub fn connect(address: &Secret) -> Result<Self, StateError> {
        Self::over(Box::new(postgres::Postgres::connect(address)?))
    }

    /// A state that ends with the process and leaves nothing behind, for runs against the sandbox.
    pub fn temporary() -> Result<Self, StateError> {
        Self::over(Box::new(sqlite::Sqlite::temporary()?))
    }

    fn over(mut database: Box<dyn Database>) -> Result<Self, StateError> {
        let hasher = schema::migrate(&mut *database)?;
        let location = database.location().into();
        Ok(Self { database: Mutex::new(database), hasher, location })
    }

    /// Path or server, for messages; never a password.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Makes the fingerprints of this state.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Takes the lock on a target's account: the kernel's, for this machine and for the state's file, or the server's
    /// when the state is on one.
    ///
    /// # Errors
    ///
    /// [`LockError::Busy`] with its holder when another run has it and the time is over.
    pub fn lock(&self, request: LockRequest<'_>) -> Result<Lock, LockError> {
        // Waiting for another run must not keep other threads from the state.
        let location = self.database.lock().lock_kind()?;
        lock::acquire(location, request)
    }

    /// Does some reading that belongs together.
    fn read<T>(&self, work: impl FnOnce(&mut dyn Database) -> Result<T, StateError>) -> Result<T, StateError> {
        self.transaction(Purpose::Read, work)
    }

    /// Makes some writes last, all of them or none.
    fn write<T>(&self, work: impl FnOnce(&mut dyn Database) -> Result<T, StateError>) -> Result<T, StateError> {
        self.transaction(Purpose::Write, work)
    }

    fn transaction<T>(
        &self,
        purpose: Purpose,
        work: impl FnOnce(&mut dyn Database) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let mut database = self.database.lock();
        sql::within(&mut **database, purpose, work)
    }

    /// Lets writes fail from now on.
    #[cfg(test)]
    pub(crate) fn break_down(&self, fault: tests::Fault) {
        self.database.lock().break_down(fault);
    }
}
