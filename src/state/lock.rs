use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fmt, io};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hash::hex;
use super::postgres::PATIENCE;
use super::{StateError, lock_folder};

/// How often a lock that is held is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// The run that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// What it was started with.
    pub command: String,
    /// When it took the lock.
    #[serde(with = "rfc3339")]
    pub since: DateTime<Utc>,
}

mod rfc3339 {
    use super::{DateTime, Utc};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&time.to_rfc3339())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, command, since } = self;
        write!(f, "process {pid} on {host}, `{command}`, since {}", since.format("%Y-%m-%d %H:%M:%S UTC"))
    }
}

/// Asks for the lock on one account of a target.
pub struct LockRequest<'a> {
    /// A folder that all runs of this user on this machine share, and nobody else may write to; made when it is not
    /// there. Not used where the state is shared by a server.
    pub folder: &'a Path,
    /// What identifies the target's account: `freshservice:acme.freshservice.com`.
    pub identity: &'a str,
    /// Who asks; shown to others while the lock is held.
    pub holder: &'a Holder,
    /// How long to wait for another run; zero asks once.
    pub timeout: Duration,
    /// Waits that long; returns false to give up (a signal).
    pub pause: &'a mut dyn FnMut(Duration) -> bool,
}

impl fmt::Debug for LockRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockRequest").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another run works on {identity}{}", .holder.as_ref().map(|holder| format!(" ({holder})")).unwrap_or_default())]
    Busy {
        /// The target's account.
        identity: String,
        /// Who, when it can be told.
        holder: Option<Holder>,
    },
    /// The folder for locks is in other hands.
    #[error("the folder for locks {location} {why}")]
    Folder {
        location: String,
        /// Whose it is, and what to do.
        why: String,
    },
    /// The file that is the lock, or its folder, cannot be used.
    #[error("the lock file {location} cannot be used ({why})")]
    File { location: String, why: String },
    /// The server that holds the state failed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl LockError {
    pub(super) fn file(location: &Path, error: &io::Error) -> Self {
        Self::File { location: location.display().to_string(), why: error.to_string() }
    }
}

/// A lock that is held. Dropping it, and the end of the process however it comes, releases it.
#[must_use]
pub struct Lock(Kind);

enum Kind {
    /// The kernel's locks on open files: that of the machine, and that beside the state.
    Files { _held: Vec<HeldFile> },
    /// A server's lock on a connection.
    Advisory(Advisory),
}

/// An open file that is locked.
struct HeldFile(File);

impl Drop for HeldFile {
    fn drop(&mut self) {
        // The file stays: to delete it would let two runs hold a lock each, on files of the same name.
        let _ = self.0.set_len(0);
        // Said aloud: a program that is just being started shares the open file for a moment longer.
        let _ = self.0.unlock();
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a server is waited for, and how old a look is, whatever moment the run goes by"
)]
fn now() -> Instant {
    Instant::now()
}

impl Lock {
    /// Whether the lock is still held: one on a server is lost with its connection. It is taken again then, if nobody
    /// had it meanwhile.
    ///
    /// # Errors
    ///
    /// When it is lost, or the server cannot be reached; nothing more may be sent then.
    pub fn check(&mut self) -> Result<(), StateError> {
        self.check_since(now())
    }

    /// The same of several locks, for several who ask at once: a look that began after the question serves all of them.
    pub fn check_all(locks: &Mutex<Vec<Self>>) -> Result<(), StateError> {
        let asked = now();
        locks.lock().iter_mut().try_for_each(|lock| lock.check_since(asked))
    }

    pub(super) fn check_since(&mut self, asked: Instant) -> Result<(), StateError> {
        match &mut self.0 {
            Kind::Files { .. } => Ok(()),
            Kind::Advisory(advisory) if advisory.checked.is_some_and(|checked| checked >= asked) => Ok(()),
            Kind::Advisory(advisory) => advisory.check(),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        match &mut self.0 {
            Kind::Files { .. } => {}
            Kind::Advisory(advisory) if advisory.lost => {}
            Kind::Advisory(Advisory { session, identity, key, .. }) => session.release(identity, *key),
        }
    }
}

/// Tries until the lock is there, the time is over or the caller gives up.
fn keep_trying(
    timeout: Duration,
    pause: &mut dyn FnMut(Duration) -> bool,
    mut attempt: impl FnMut() -> Result<bool, LockError>,
) -> Result<bool, LockError> {
    // Counted by the pauses, not by a clock, which may be set back meanwhile.
    let mut left = timeout;
    loop {
        if attempt()? {
            return Ok(true);
        }
        let step = left.min(PAUSE);
        if step.is_zero() || !pause(step) {
            return Ok(false);
        }
        left -= step;
    }
}

/// Where the locks of a state are.
pub(super) enum LockKind {
    Server(Box<dyn AdvisorySession>),
    /// In a folder beside its file: whoever uses the file meets there, from whichever machine, container or user.
    Beside {
        folder: Box<Path>,
        state: Box<Path>,
    },
    /// Nobody else can use it.
    Nowhere,
}

/// Takes the lock on a server where the state is on one, and the kernel's otherwise.
pub(super) fn acquire(location: LockKind, request: LockRequest<'_>) -> Result<Lock, LockError> {
    let LockRequest { folder, identity, holder, timeout, pause } = request;
    let beside = match &location {
        LockKind::Server(_) => None,
        LockKind::Beside { folder, state } => Some((&**folder, Some(&**state))),
        LockKind::Nowhere => None,
    };
    if let LockKind::Server(session) = location {
        return acquire_advisory(session, LockRequest { folder, identity, holder, timeout, pause });
    }
    // First that of the machine, for everybody: two files of settings with a state each may name the same account.
    let folders = [Some((folder, None)), beside];
    let mut held = Vec::new();
    for (folder, state) in folders.into_iter().flatten() {
        lock_folder::prepare(folder, state)?;
        held.push(acquire_file(folder, identity, holder, timeout, pause)?);
    }
    Ok(Lock(Kind::Files { _held: held }))
}

/// Takes the kernel's lock on a file named after the identity.
fn acquire_file(
    folder: &Path,
    identity: &str,
    holder: &Holder,
    timeout: Duration,
    pause: &mut dyn FnMut(Duration) -> bool,
) -> Result<HeldFile, LockError> {
    let path = folder.join(format!("{}.lock", &hex(&Sha256::digest(identity.as_bytes()))[..32]));
    let broken = |error: io::Error| LockError::file(&path, &error);
    let mut file = open(&path).map_err(broken)?;
    lock_folder::give_to_owner_of(folder, &file);
    let held = keep_trying(timeout, pause, || match file.try_lock() {
        // What cleans up old files may have removed it meanwhile, and another run made it anew.
        Ok(()) if !lock_folder::is_still(&path, &file).map_err(broken)? => {
            file = open(&path).map_err(broken)?;
            Ok(false)
        }
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(broken(error)),
    })?;
    if !held {
        let mut text = String::new();
        let _ = file.read_to_string(&mut text);
        return Err(LockError::Busy { identity: identity.to_owned(), holder: serde_json::from_str(&text).ok() });
    }
    let mut held = HeldFile(file);
    let text = serde_json::to_vec(holder).expect("a holder is JSON");
    // A run that crashed left its name behind.
    let file = &mut held.0;
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&text));
    written.map_err(broken)?;
    Ok(held)
}

/// The standard library opens files so that programs started by this one do not inherit them.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A link or a pipe laid there while the folder was open to others must not lead anywhere.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

/// A connection that can hold locks.
pub(super) trait AdvisorySession: Send {
    /// The server, for messages.
    fn location(&self) -> &str;
    /// After the connection was lost, and all its locks with it.
    fn connect_again(&mut self) -> Result<(), StateError>;
    fn try_lock(&mut self, key: i64) -> Result<bool, StateError>;
    fn unlock(&mut self, key: i64);
    /// Who holds the lock, or held it and did not release it; and how long ago it gave a sign of life.
    fn holder(&mut self, identity: &str) -> Result<Option<(String, Duration)>, StateError>;
    fn set_holder(&mut self, identity: &str, holder: &str) -> Result<(), StateError>;
    /// Whether a run that began then has not ended, and has writes whose outcome is not recorded.
    fn has_open_intents(&mut self, since: i64) -> Result<bool, StateError>;
    fn check(&mut self) -> Result<(), StateError>;
    fn sign_of_life(&mut self, identity: &str) -> Result<(), StateError>;
    fn release(&mut self, identity: &str, key: i64);
}

/// How often a run says that it lives while it writes.
const SIGNS_OF_LIFE: Duration = Duration::from_secs(5);

/// How long a request may be under way after its run lost the lock: as long as one may take.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// A lock on a server that is held, or was.
struct Advisory {
    session: Box<dyn AdvisorySession>,
    identity: Box<str>,
    key: i64,
    holder: Holder,
    /// When the last look began that found it held.
    checked: Option<Instant>,
    said: Instant,
    /// It is in other hands; what they wrote must not be taken away.
    lost: bool,
}

impl Advisory {
    fn check(&mut self) -> Result<(), StateError> {
        let began = now();
        let says = began.duration_since(self.said) >= SIGNS_OF_LIFE;
        let held = match says {
            true => self.session.sign_of_life(&self.identity),
            false => self.session.check(),
        };
        match held {
            Ok(()) => {}
            Err(_) if self.lost => return Err(self.is_lost()),
            Err(StateError::Unavailable { .. }) => self.take_again()?,
            Err(error) => return Err(error),
        }
        if self.lost {
            return Err(self.is_lost());
        }
        if says {
            self.said = began;
        }
        self.checked = Some(began);
        Ok(())
    }

    fn is_lost(&self) -> StateError {
        StateError::LockLost { location: self.session.location().to_owned() }
    }

    /// Takes the lock on a new connection, if nobody had it meanwhile: what this run planned would be old otherwise.
    fn take_again(&mut self) -> Result<(), StateError> {
        let began = now();
        loop {
            let again = self.session.connect_again().and_then(|()| self.regain());
            match again {
                Ok(true) => return Ok(()),
                // The server may not know yet that the old connection is gone.
                Ok(false) | Err(StateError::Unavailable { .. }) if began.elapsed() < PATIENCE => {
                    std::thread::sleep(PAUSE);
                }
                Ok(false) => {
                    self.lost = true;
                    return Err(self.is_lost());
                }
                Err(error) => {
                    self.lost = matches!(error, StateError::LockLost { .. });
                    return Err(error);
                }
            }
        }
    }

    /// Whether the lock is held again; an error when somebody else had it.
    fn regain(&mut self) -> Result<bool, StateError> {
        self.assert_ours()?;
        if !self.session.try_lock(self.key)? {
            return Ok(false);
        }
        // Once more, now that nobody else can take it.
        let ours = self.assert_ours();
        if ours.is_err() {
            self.session.unlock(self.key);
        }
        ours.map(|()| true)
    }

    fn assert_ours(&mut self) -> Result<(), StateError> {
        let found = self.session.holder(&self.identity)?;
        let found = found.and_then(|(text, _)| serde_json::from_str::<Holder>(&text).ok());
        if found.as_ref() == Some(&self.holder) { Ok(()) } else { Err(self.is_lost()) }
    }
}

/// Takes a server's lock, by a number made from the identity.
fn acquire_advisory(mut session: Box<dyn AdvisorySession>, request: LockRequest<'_>) -> Result<Lock, LockError> {
    let LockRequest { identity, holder, timeout, pause, .. } = request;
    let digest = Sha256::digest(format!("personio-sync:{identity}").as_bytes());
    let key = i64::from_be_bytes(digest[..8].try_into().expect("a digest has more than eight bytes"));
    let busy = |holder: Option<Holder>| Err(LockError::Busy { identity: identity.to_owned(), holder });
    if !keep_trying(timeout, pause, || Ok(session.try_lock(key)?))? {
        return busy(session.holder(identity)?.and_then(|(text, _)| serde_json::from_str(&text).ok()));
    }
    let before = session.holder(identity)?;
    let named = session.set_holder(identity, &serde_json::to_string(holder).expect("a holder is JSON"));
    let said = now();
    let mut advisory =
        Advisory { session, identity: identity.into(), key, holder: holder.clone(), checked: None, said, lost: false };
    let before = named.and_then(|()| match before {
        Some((text, age)) => wait_out(&mut *advisory.session, &text, age, pause),
        None => Ok(None),
    });
    let lock = Lock(Kind::Advisory(advisory));
    match before? {
        None => Ok(lock),
        Some(before) => busy(Some(before)),
    }
}

/// A run that held the lock and did not release it was killed, or lost its connection. What it was sending then may
/// still arrive: waits until its outcomes are recorded or it is too late for any. Returns it when the caller gave up.
fn wait_out(
    session: &mut dyn AdvisorySession,
    before: &str,
    age: Duration,
    pause: &mut dyn FnMut(Duration) -> bool,
) -> Result<Option<Holder>, StateError> {
    let Ok(before) = serde_json::from_str::<Holder>(before) else { return Ok(None) };
    let mut left = UNDER_WAY.saturating_sub(age);
    while !left.is_zero() && session.has_open_intents(before.since.timestamp_millis())? {
        let step = left.min(PAUSE);
        if !pause(step) {
            return Ok(Some(before));
        }
        left -= step;
    }
    Ok(None)
}
