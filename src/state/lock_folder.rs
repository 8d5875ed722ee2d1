//! The folders that locks of this machine are in.
//!
//! A run that cron starts and one from a terminal must meet, whatever their environment says. So the place rests on
//! the user's number alone, not on HOME, TMPDIR, USER, XDG_RUNTIME_DIR or the session.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::LockError;

/// Folders that everybody may write to and only the owner of an entry may remove it, on every Linux and macOS. The
/// next one is taken only where one is not there or the machine keeps it read-only, which is so for every session.
/// Not `/dev/shm`: logging out may empty it (RemoveIPC of logind).
#[cfg(unix)]
const EVERYBODYS: [&str; 2] = ["/tmp", "/var/tmp"];

/// The folder for the locks on accounts, for all runs of this user on this machine.
pub fn machine_lock_folder() -> PathBuf {
    #[cfg(unix)]
    {
        let name = format!("personio-sync-{}", rustix::process::geteuid().as_raw());
        let usable = |base: &&str| {
            let folder = Path::new(base).join(&name);
            folder.symlink_metadata().is_ok()
                || rustix::fs::access(*base, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
        };
        Path::new(EVERYBODYS.iter().find(|base| usable(base)).unwrap_or(&EVERYBODYS[0])).join(name)
    }
    #[cfg(not(unix))]
    std::env::temp_dir().join("personio-sync")
}

/// Makes the folder if it is not there, and refuses one that somebody else made or may write to: they could hold the
/// lock, or remove it under a run. `beside` is the state that the folder belongs to; its owner may have made it, too.
pub(super) fn prepare(folder: &Path, beside: Option<&Path>) -> Result<(), LockError> {
    let made = make(folder).map_err(|error| LockError::file(folder, &error))?;
    owners::check(folder, beside, made)
}

/// Whether it was made just now.
fn make(folder: &Path) -> io::Result<bool> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
mod owners {
    use std::fs::File;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, fchown};
    use std::path::Path;

    use super::LockError;

    pub(super) fn check(folder: &Path, beside: Option<&Path>, made: bool) -> Result<(), LockError> {
        let ours = rustix::process::geteuid().as_raw();
        let owner_of_state = beside.and_then(|state| state.metadata().ok()).map(|state| state.uid());
        if made && ours == 0 {
            // An administrator who runs it once must not lock the state's owner out.
            let _ = owner_of_state.map(|owner| chown(folder, Some(owner), None));
        }
        let found = folder.symlink_metadata().map_err(|error| LockError::file(folder, &error))?;
        let refuse = |why: String| Err(LockError::Folder { location: folder.display().to_string(), why });
        if !found.is_dir() {
            return refuse("is no folder: remove it".into());
        }
        if found.uid() != ours && Some(found.uid()) != owner_of_state {
            return refuse(format!("belongs to somebody else (user {}): have it removed", found.uid()));
        }
        if found.permissions().mode() & 0o022 != 0 {
            return refuse("may be written to by others: remove it while no run is under way".into());
        }
        Ok(())
    }

    /// The locks in a folder belong to its owner.
    pub(in super::super) fn give_to_owner_of(folder: &Path, file: &File) {
        if rustix::process::geteuid().is_root()
            && let (Ok(folder), Ok(made)) = (folder.metadata(), file.metadata())
            && folder.uid() != made.uid()
        {
            let _ = fchown(file, Some(folder.uid()), None);
        }
    }

    /// Whether a name still leads to the open file, and no other name does.
    pub(in super::super) fn is_still(path: &Path, file: &File) -> std::io::Result<bool> {
        let open = file.metadata()?;
        let named = path.symlink_metadata();
        Ok(open.is_file()
            && open.nlink() == 1
            && named.is_ok_and(|named| named.dev() == open.dev() && named.ino() == open.ino()))
    }
}

#[cfg(not(unix))]
mod owners {
    use std::fs::File;
    use std::path::Path;

    use super::LockError;

    pub(super) fn check(_folder: &Path, _beside: Option<&Path>, _made: bool) -> Result<(), LockError> {
        Ok(())
    }

    pub(in super::super) fn give_to_owner_of(_folder: &Path, _file: &File) {}

    pub(in super::super) fn is_still(_path: &Path, _file: &File) -> std::io::Result<bool> {
        Ok(true)
    }
}

pub(super) use owners::{give_to_owner_of, is_still};
