use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a file held at one moment, to see whether it is still the same. Good within one process only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    /// Length and hash; `None` when there was no file.
    content: Option<(usize, u64)>,
}

impl Print {
    /// Of the bytes of a file, or of its absence.
    pub(super) fn of(content: Option<&[u8]>) -> Self {
        let content = content.map(|bytes| {
            let mut hasher = DefaultHasher::new();
            hasher.write(bytes);
            (bytes.len(), hasher.finish())
        });
        Self { content }
    }
}

/// The bytes of a file; `None` when there is none, although the folder is there.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Refused before anything is planned, not only when it would be written.
    crate::destination::resolve(path)?;
    match fs::metadata(path) {
        Ok(found) if found.is_file() => fs::read(path).map(Some),
        Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = folder_of(path);
            if folder.is_dir() {
                return Ok(None);
            }
            let why = format!("there is no folder `{}`; make it first", folder.display());
            Err(io::Error::new(io::ErrorKind::NotFound, why))
        }
        Err(error) => Err(error),
    }
}

/// Puts a file in the place of another in one step.
///
/// `last_look` runs when the new file is complete and lasting, and right before it takes the old one's
/// place; its error leaves the old one as it was. A new file is readable by its owner only, because it
/// is about people; an existing one keeps its permissions and, where that is allowed, its owner.
pub(super) fn replace(path: &Path, bytes: &[u8], last_look: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    // Through a link, so that the link stays and what it points to is replaced.
    let path = crate::destination::resolve(path)?;
    let existing = fs::metadata(&path).ok();
    if existing.as_ref().is_some_and(|existing| existing.permissions().readonly()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is marked read-only"));
    }
    let folder = folder_of(&path);
    let mut new = tempfile::Builder::new().prefix(".personio-sync-").tempfile_in(&folder)?;
    new.write_all(bytes)?;
    if let Some(existing) = existing {
        keep_owner(new.as_file(), &existing);
        new.as_file().set_permissions(existing.permissions())?;
    }
    new.as_file().sync_all()?;
    last_look()?;
    new.persist(&path).map_err(|error| error.error)?;
    make_name_last(&folder);
    Ok(())
}

/// The new name lasts only once the folder does. Not every file system can be told so; the file is in
/// place by now, so that is no failure.
fn make_name_last(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Only the administrator may give a file away; for anyone else the new file is theirs.
#[cfg(unix)]
fn keep_owner(new: &File, existing: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let same = new.metadata().is_ok_and(|made| made.uid() == existing.uid() && made.gid() == existing.gid());
    if !same {
        let _ = fchown(new, Some(existing.uid()), Some(existing.gid()));
    }
}

#[cfg(not(unix))]
fn keep_owner(_new: &File, _existing: &Metadata) {}

/// The folder a file is in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        fs::write(&path, "old").unwrap();
        let failed = replace(&path, b"new", || Err(io::Error::other("no space left")));
        assert_eq!(failed.unwrap_err().to_string(), "no space left");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left behind");
        replace(&path, b"new", || Ok(())).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_read_only_file_and_a_missing_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        fs::write(&path, "old").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert_eq!(replace(&path, b"new", || Ok(())).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read(&path).unwrap(), b"old");

        let nowhere = folder.path().join("exports/people.csv");
        assert!(read(&nowhere).unwrap_err().to_string().contains("make it first"));
        assert!(replace(&nowhere, b"new", || Ok(())).is_err());
        assert!(read(folder.path()).unwrap_err().to_string().contains("not a file"));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay_and_new_files_are_private() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = folder.path().join("people.csv");
        replace(&path, b"one", || Ok(())).unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.path().join("link.csv");
        symlink(&path, &link).unwrap();
        replace(&link, b"two", || Ok(())).unwrap();
        assert_eq!(mode(&path), 0o640);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn a_print_tells_contents_and_absence_apart() {
        assert_eq!(Print::of(Some(b"a")), Print::of(Some(b"a")));
        assert_ne!(Print::of(Some(b"a")), Print::of(Some(b"b")));
        assert_ne!(Print::of(Some(b"")), Print::of(None));
    }
}
