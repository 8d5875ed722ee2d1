use std::cell::Cell as Flag;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::employee::EmployeeId;
use crate::field::{AccountId, Capabilities, FieldIndex, FieldValue, Schema};
use crate::plan::{Account, FieldChange, Snapshot};
use crate::progress::Progress;
use crate::targets::{ErrorKind, ReadAccounts, TargetError, WriteAccounts};

use super::cell::Sheet;
use super::replace::{self, Print};
use super::rows::{Layout, RowError, Rows};

/// A file on its way to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl NamedFile {
    fn new(path: &Path, bytes: Vec<u8>) -> Self {
        Self { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes }
    }
}

/// A file that is open for reading and changing.
#[derive(Debug)]
pub struct OpenFile {
    name: Box<str>,
    path: PathBuf,
    make_folder: bool,
    layout: Layout,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the file held when the plan was made.
    seen: Option<Print>,
    /// The rows, read again before the first change: a run without changes keeps one copy only.
    rows: Option<Rows>,
}

impl OpenFile {
    pub(super) fn new(name: Box<str>, path: PathBuf, make_folder: bool, layout: Layout) -> Self {
        Self { name, path, make_folder, layout, state: Mutex::default() }
    }

    fn error(&self, kind: ErrorKind, why: impl std::fmt::Display) -> TargetError {
        TargetError::new(kind, format!("{}: `{}` {why}", self.name, self.path.display()))
    }

    fn io_error(&self, doing: &str, error: &io::Error) -> TargetError {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => ErrorKind::Rights,
            _ => ErrorKind::Unavailable,
        };
        self.error(kind, format_args!("cannot be {doing}: {error}"))
    }

    fn changed_meanwhile(&self) -> TargetError {
        self.error(
            ErrorKind::Refused,
            "was changed by something else since it was read; nothing was written, so run it again",
        )
    }

    fn row_error(&self, error: RowError) -> TargetError {
        match error {
            RowError::Exists => self.error(ErrorKind::Exists, "has a row with this key already"),
            RowError::NotFound => self.error(ErrorKind::NotFound, "has no such row"),
            RowError::Refused(why) => TargetError::new(ErrorKind::Refused, format!("{}: {why}", self.name)),
        }
    }

    fn bytes(&self) -> io::Result<Option<Vec<u8>>> {
        if self.make_folder && !replace::folder_of(&self.path).exists() {
            return Ok(None);
        }
        replace::read(&self.path)
    }

    fn load(&self) -> Result<(Sheet, Print), TargetError> {
        let bytes = self.bytes().map_err(|error| self.io_error("read", &error))?;
        let print = Print::of(bytes.as_deref());
        let sheet = match bytes {
            Some(bytes) => self.layout.format.read(&bytes).map_err(|why| self.error(ErrorKind::Unexpected, why))?,
            None => Sheet::default(),
        };
        Ok((sheet, print))
    }

    /// Writes the rows of these accounts, and no others, to a file beside this one, and gives both: this one, then that.
    /// `None` where there is no file yet.
    ///
    /// # Errors
    ///
    /// When either cannot be read or written.
    pub fn write_part(&self, part: &BTreeSet<AccountId>) -> Result<Option<[NamedFile; 2]>, TargetError> {
        let read = |bytes: &[u8]| {
            let sheet = self.layout.format.read(bytes)?;
            let rows = Rows::new(&self.layout, sheet)?;
            self.layout.format.write(&rows.page(&self.layout, |id| part.contains(id)))
        };
        let Some(whole) = self.bytes().map_err(|error| self.io_error("read", &error))? else { return Ok(None) };
        let bytes = read(&whole).map_err(|why| self.error(ErrorKind::Unexpected, why))?;
        let beside = self.path_of_part();
        let known = replace::read(&beside).map_err(|error| self.io_error("read", &error))?;
        if known.as_ref() != Some(&bytes) {
            let written = replace::replace(&beside, &bytes, || Ok(()));
            written.map_err(|error| {
                let why = format!("{}: `{}` cannot be written: {error}", self.name, beside.display());
                TargetError::new(ErrorKind::Unavailable, why)
            })?;
        }
        Ok(Some([NamedFile::new(&self.path, whole), NamedFile::new(&beside, bytes)]))
    }

    /// `people-changes.csv` beside `people.csv`.
    fn path_of_part(&self) -> PathBuf {
        let text = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, ending) = (text(self.path.file_stem()), text(self.path.extension()));
        let dot = if ending.is_empty() { "" } else { "." };
        self.path.with_file_name(format!("{stem}-changes{dot}{ending}"))
    }

    /// Does something with the rows as they are by now, this run's changes included.
    fn with_rows<T>(&self, act: impl FnOnce(&mut Rows) -> Result<T, RowError>) -> Result<T, TargetError> {
        let mut state = self.state.lock();
        let State { seen, rows } = &mut *state;
        let rows = match rows {
            Some(rows) => rows,
            None => {
                let (sheet, print) = self.load()?;
                if *seen.get_or_insert(print) != print {
                    return Err(self.changed_meanwhile());
                }
                let read = Rows::new(&self.layout, sheet).map_err(|why| self.error(ErrorKind::Unexpected, why))?;
                rows.insert(read)
            }
        };
        act(rows).map_err(|error| self.row_error(error))
    }
}

impl ReadAccounts for OpenFile {
    fn schema(&self) -> Result<Schema, TargetError> {
        let capabilities =
            Capabilities { delete: !self.layout.marks_leavers(), lasts_at_finish: true, ..Capabilities::default() };
        Ok(Schema { fields: self.layout.fields.clone(), capabilities, ..Schema::default() })
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        let mut state = self.state.lock();
        if let Some(rows) = state.rows.as_ref().filter(|rows| rows.changed()) {
            return Ok(Snapshot { accounts: rows.accounts(&self.layout), ..Snapshot::default() });
        }
        let (sheet, print) = self.load()?;
        let total = sheet.rows.len() as u64;
        progress.expect(total);
        let snapshot = self.layout.snapshot(sheet).map_err(|why| self.error(ErrorKind::Unexpected, why))?;
        progress.advance(total);
        *state = State { seen: Some(print), rows: None };
        Ok(snapshot)
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        self.with_rows(|rows| Ok(rows.account(&self.layout, id)))
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        self.with_rows(|rows| Ok(rows.find(&self.layout, field, value)))
    }
}

impl WriteAccounts for OpenFile {
    fn create_reference(&self, _field: FieldIndex, _name: &str) -> Result<(), TargetError> {
        Err(TargetError::new(ErrorKind::Refused, format!("{}: a file has nothing that fields refer to", self.name)))
    }

    fn create(&self, employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        self.with_rows(|rows| rows.create(&self.layout, employee, fields))
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        self.with_rows(|rows| rows.update(&self.layout, account, changes))
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.with_rows(|rows| rows.reactivate(&self.layout, account))
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.with_rows(|rows| rows.deactivate(&self.layout, account))
    }

    fn id_after(&self, account: &AccountId, changes: &[FieldChange]) -> AccountId {
        let after = self.with_rows(|rows| Ok(rows.id_after(&self.layout, account, changes)));
        after.unwrap_or_else(|_| account.clone())
    }

    fn finish(&self) -> Result<(), TargetError> {
        let mut state = self.state.lock();
        let Some(rows) = state.rows.as_ref().filter(|rows| rows.changed()) else { return Ok(()) };
        let bytes = self
            .layout
            .format
            .write(&rows.page(&self.layout, |_| true))
            .map_err(|why| self.error(ErrorKind::Refused, why))?;
        if self.make_folder {
            fs::create_dir_all(replace::folder_of(&self.path)).map_err(|error| self.io_error("written", &error))?;
        }
        let seen = state.seen;
        let changed = Flag::new(false);
        let last_look = || {
            changed.set(Some(Print::of(self.bytes()?.as_deref())) != seen);
            if changed.get() { Err(io::Error::other("the file changed")) } else { Ok(()) }
        };
        replace::replace(&self.path, &bytes, last_look).map_err(|error| match changed.get() {
            true => self.changed_meanwhile(),
            false => self.io_error("written", &error),
        })?;
        *state = State { seen: Some(Print::of(Some(&bytes))), rows: None };
        Ok(())
    }
}
