use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};

use crate::destination;

use super::StateError;
use super::lock::LockKind;
use super::sql::{Cell, Database, EachRow, Purpose, Row};

/// How long to wait for another process that writes to the same file. Runs against different targets share one.
const BUSY: Duration = Duration::from_secs(10);

/// How long to wait before a file that is being set up by another process is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// The index of the log grows by so much at once, so a disc is full for it while there are still some pages left.
#[cfg(unix)]
const ROOM: u64 = 64 * 1024;

/// A state in one SQLite file, or in memory.
pub(super) struct Sqlite {
    connection: Connection,
    /// Its file, when it has one.
    path: Option<Box<Path>>,
    location: String,
}

impl Sqlite {
    /// Opens a file, or makes it, readable by its owner only.
    pub(super) fn open(path: &Path) -> Result<Self, StateError> {
        let location = path.display().to_string();
        let path = &destination::resolve(path).map_err(|error| StateError::from_io(&location, &error))?;
        make_private(path).map_err(|error| StateError::from_io(&location, &error))?;
        // Without CREATE: a file that vanished meanwhile must not come back with the wrong mode.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| translate(&location, &error))?;
        Self { connection, path: Some(path.clone().into()), location }.prepare()
    }

    /// A state that ends with the process.
    pub(super) fn temporary() -> Result<Self, StateError> {
        let location = "in memory".to_owned();
        let connection = Connection::open_in_memory().map_err(|error| translate(&location, &error))?;
        Self { connection, path: None, location }.prepare()
    }

    fn prepare(self) -> Result<Self, StateError> {
        let set_up = || -> rusqlite::Result<String> {
            self.connection.busy_timeout(BUSY)?;
            self.connection.set_prepared_statement_cache_capacity(64);
            // secure_delete: what `forget` erases is overwritten, not only unlinked.
            self.connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;")?;
            let health = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            // FULL: in WAL mode NORMAL loses the last commits when the power fails, and with them intents.
            self.connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
            Ok(health)
        };
        let is_busy = |error: &rusqlite::Error| {
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
        };
        let mut health = set_up();
        // Two processes that open a new file at once both want to be the one that turns the log on, and there SQLite does
        // not wait by itself, because each would wait for the other.
        for _ in 0..BUSY.as_millis() / AGAIN.as_millis() {
            if !health.as_ref().is_err_and(is_busy) {
                break;
            }
            std::thread::sleep(AGAIN);
            health = set_up();
        }
        let health = health.map_err(|error| translate(&self.location, &error))?;
        if health != "ok" {
            return Err(StateError::Damaged {
                location: self.location,
                why: health.lines().next().unwrap_or("").to_owned(),
            });
        }
        Ok(self)
    }

    fn sound<T>(&self, result: rusqlite::Result<T>) -> Result<T, StateError> {
        result.map_err(|error| translate(&self.location, &error))
    }
}

/// Makes the file before SQLite does: SQLite takes the process's umask, and gives `-wal` and `-shm` the mode of the file.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => keep_name(path),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => tighten(path),
        Err(error) => Err(error),
    }
}

/// Makes the new name in the folder outlive a power failure; the database itself only sees to the contents.
fn keep_name(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Takes the rights of others away from a file that is there. Where a file system knows no modes, or the file belongs
/// to someone else, that is their decision.
fn tighten(path: &Path) -> std::io::Result<()> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
        }
    }
    Ok(())
}

/// Whether the disc of a file has no room for another page, or no number for another file.
fn is_disc_full(location: &str) -> bool {
    #[cfg(unix)]
    {
        let folder = Path::new(location).parent().filter(|folder| !folder.as_os_str().is_empty());
        rustix::fs::statvfs(folder.unwrap_or(Path::new("."))).is_ok_and(|disc| {
            disc.f_bavail.saturating_mul(disc.f_frsize) < ROOM || (disc.f_files > 0 && disc.f_favail == 0)
        })
    }
    #[cfg(not(unix))]
    {
        let _ = location;
        false
    }
}

fn translate(location: &str, error: &rusqlite::Error) -> StateError {
    let location = location.to_owned();
    let why = error.to_string();
    match error.sqlite_error_code() {
        // SQLite says so only of the file itself; where its log or index cannot grow, it says that writing failed.
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if is_disc_full(&location) => {
            StateError::Full { location }
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StateError::Damaged { location, why },
        Some(ErrorCode::DiskFull) => StateError::Full { location },
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            StateError::Denied { location, why }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StateError::Busy { location },
        _ => StateError::Failed { location, why },
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

struct SqliteRow<'a> {
    row: &'a rusqlite::Row<'a>,
    location: &'a str,
}

impl Row for SqliteRow<'_> {
    fn int(&self, column: usize) -> Result<Option<i64>, StateError> {
        self.row
            .get_ref(column)
            .ok()
            .and_then(|value| value.as_i64_or_null().ok())
            .ok_or_else(|| self.unreadable(column))
    }

    fn text(&self, column: usize) -> Result<Option<&str>, StateError> {
        self.row
            .get_ref(column)
            .ok()
            .and_then(|value| value.as_str_or_null().ok())
            .ok_or_else(|| self.unreadable(column))
    }

    fn unreadable(&self, column: usize) -> StateError {
        StateError::Damaged {
            location: self.location.to_owned(),
            why: format!("column {column} holds something unexpected"),
        }
    }
}

impl Database for Sqlite {
    fn location(&self) -> &str {
        &self.location
    }

    fn spell(&self, script: &str) -> String {
        // AUTOINCREMENT: the number of a run that was deleted is never given again.
        script.replace("{identity}", "INTEGER PRIMARY KEY AUTOINCREMENT").replace("{clustered}", "WITHOUT ROWID")
    }

    fn has_table(&mut self, name: &str) -> Result<bool, StateError> {
        let query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?";
        let tables = self.connection.query_row(query, [name], |row| row.get::<_, i64>(0));
        Ok(self.sound(tables)? > 0)
    }

    fn is_empty(&mut self) -> Result<bool, StateError> {
        let tables = self.connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0));
        Ok(self.sound(tables)? == 0)
    }

    fn script(&mut self, script: &str) -> Result<(), StateError> {
        self.sound(self.connection.execute_batch(script))
    }

    fn execute(&mut self, sql: &str, cells: &[Cell<'_>]) -> Result<u64, StateError> {
        let done =
            self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params_from_iter(cells)));
        self.sound(done).map(|rows| rows as u64)
    }

    fn query(&mut self, sql: &str, cells: &[Cell<'_>], each: EachRow<'_>) -> Result<(), StateError> {
        let mut statement = self.sound(self.connection.prepare_cached(sql))?;
        let mut rows = self.sound(statement.query(params_from_iter(cells)))?;
        while let Some(row) = self.sound(rows.next())? {
            each(&SqliteRow { row, location: &self.location })?;
        }
        Ok(())
    }

    fn write_rows(&mut self, sql: &str, kinds: &str, cells: &[Cell<'_>]) -> Result<(), StateError> {
        // One row at a time through one prepared statement is the fastest way in.
        let sql = sql.replace("{rows}", &format!("({})", vec!["?"; kinds.len()].join(", ")));
        let mut statement = self.sound(self.connection.prepare_cached(&sql))?;
        for row in cells.chunks(kinds.len()) {
            self.sound(statement.execute(params_from_iter(row)))?;
        }
        Ok(())
    }

    fn begin(&mut self, purpose: Purpose) -> Result<(), StateError> {
        self.rollback();
        // IMMEDIATE: a transaction that begins by reading and then writes fails at once when another one wrote meanwhile.
        self.script(match purpose {
            Purpose::Read => "BEGIN",
            Purpose::Write | Purpose::Migrate => "BEGIN IMMEDIATE",
        })
    }

    fn commit(&mut self) -> Result<(), StateError> {
        self.script("COMMIT")
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn scrub(&mut self) -> Result<(), StateError> {
        // The log still holds the pages as they were before.
        let wal = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        match self.sound(wal)? {
            0 => Ok(()),
            _ => Err(StateError::Busy { location: self.location.clone() }),
        }
    }

    fn lock_kind(&mut self) -> Result<LockKind, StateError> {
        let Some(path) = &self.path else { return Ok(LockKind::Nowhere) };
        // Links were followed: two names of one file have one lock.
        let mut folder = path.as_os_str().to_owned();
        folder.push(".locks");
        Ok(LockKind::Beside { folder: std::path::PathBuf::from(folder).into(), state: path.clone() })
    }

    #[cfg(test)]
    fn break_down(&mut self, fault: super::tests::Fault) {
        let pragma = match fault {
            super::tests::Fault::ReadOnly => "PRAGMA query_only = ON".to_owned(),
            super::tests::Fault::Full => {
                let pages = self.connection.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0));
                format!("PRAGMA max_page_count = {}", pages.expect("a page count") + 20)
            }
        };
        self.connection.execute_batch(&pragma).expect("a pragma");
    }
}
