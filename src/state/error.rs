use std::io;

/// Why the state cannot be read or written. Names its place and what to try; holds no value and no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A newer version of this tool wrote it.
    #[error(
        "the state {location} was written by a newer personio-sync (schema {found}, this version knows up to {known}): \
         use that version"
    )]
    Newer {
        location: String,
        found: i64,
        /// The newest this version knows.
        known: i64,
    },
    /// It is torn, cut short or no database at all. It is left as it is.
    #[error(
        "the state {location} is damaged ({why}): restore a copy, or move it away; without it accounts are found again by \
         `match` and nobody is removed meanwhile"
    )]
    Damaged { location: String, why: String },
    /// A database of something else.
    #[error("{location} is a database of something else: name another path or schema in `[state]`")]
    Foreign { location: String },
    /// It may not be opened or written.
    #[error("the state {location} cannot be opened or written ({why}): check the rights of the file and of its folder")]
    Denied { location: String, why: String },
    /// The role on the server lacks a right, or the server takes no writes.
    #[error(
        "the role may not use the state {location} as it has to ({why}): let it connect to the database, make its tables \
         there and write to them, or name another role in `[state] url`"
    )]
    Role { location: String, why: String },
    /// A pooler hands each transaction to another session.
    #[error(
        "the state {location} is behind a pooler that does not keep sessions (transaction mode), where a lock locks \
         nothing: name the server itself in `[state] url`, or the pooler in session mode"
    )]
    Pooled { location: String },
    /// The lock was lost with its connection, and is in other hands.
    #[error(
        "the lock was lost with the connection to the state {location}, and another run has it or had it meanwhile: \
         nothing more is sent; run it again when that one has ended"
    )]
    LockLost { location: String },
    #[error(
        "there is no room on the disc for the state {location}: nothing is sent that is not recorded first; free some space"
    )]
    Full { location: String },
    /// Another process kept it busy for too long.
    #[error("the state {location} is kept busy by another process: try again when that has ended")]
    Busy { location: String },
    /// The server cannot be reached, or the connection was lost.
    #[error("the state {location} cannot be reached ({why})")]
    Unavailable { location: String, why: String },
    #[error("the state {location} cannot be used ({why})")]
    Failed { location: String, why: String },
}

impl StateError {
    /// Whether it may pass by itself or by what somebody does about the place, and is no mistake of this tool.
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::Full { .. }
            | Self::Role { .. }
            | Self::LockLost { .. } => true,
            Self::Newer { .. }
            | Self::Damaged { .. }
            | Self::Foreign { .. }
            | Self::Denied { .. }
            | Self::Pooled { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// The error that a file system reports, in these terms.
    pub(super) fn from_io(location: &str, error: &io::Error) -> Self {
        let location = location.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { location },
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotFound => Self::Denied { location, why: error.to_string() },
            _ => Self::Failed { location, why: error.to_string() },
        }
    }
}
