//! Where a file may be written: to no pipe and no device, and through no link that a stranger laid.
//!
//! In a folder that everybody may write to, somebody else can put a name there first. Linux protects such folders
//! itself (`fs.protected_symlinks`), but not everywhere, and not when a path is resolved before it is opened.

use std::io;
use std::path::{Path, PathBuf};

/// Follows the links of a path and returns where it leads; what is there is a file, or nothing.
///
/// # Errors
///
/// When something else is there, or a link or a file of a stranger is on the way. Says which.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let real = follow::resolve(path)?;
    match real.symlink_metadata() {
        Ok(found) if found.is_file() => follow::trust(&real, &found).map(|()| real),
        Ok(_) => Err(refused("it is not a file, but a folder, a pipe or a device".into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(real),
        Err(error) => Err(error),
    }
}

fn refused(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(unix)]
mod follow {
    use std::collections::VecDeque;
    use std::ffi::OsString;
    use std::fs::Metadata;
    use std::io;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Component, Path, PathBuf};

    use super::refused;

    /// As many as Linux follows.
    const LINKS: usize = 40;

    pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
        let parts = |path: &Path| path.components().map(|part| part.as_os_str().to_owned()).collect::<Vec<OsString>>();
        let mut left: VecDeque<OsString> = parts(&std::path::absolute(path)?).into();
        let (mut real, mut links) = (PathBuf::from("/"), 0);
        while let Some(part) = left.pop_front() {
            match Path::new(&part).components().next() {
                Some(Component::RootDir) => real = PathBuf::from("/"),
                Some(Component::ParentDir) => {
                    real.pop();
                }
                Some(Component::Normal(name)) => {
                    let next = real.join(name);
                    match next.symlink_metadata() {
                        Ok(found) if found.is_symlink() => {
                            links += 1;
                            if links > LINKS {
                                return Err(refused(format!("`{}` is a link that leads in a circle", next.display())));
                            }
                            trust(&next, &found)?;
                            parts(&next.read_link()?).into_iter().rev().for_each(|part| left.push_front(part));
                        }
                        Ok(_) => real = next,
                        Err(error) if error.kind() == io::ErrorKind::NotFound => real = next,
                        Err(error) => return Err(error),
                    }
                }
                _ => {}
            }
        }
        Ok(real)
    }

    /// A link or a file is believed where only its owner could put it there: it is ours or of the folder's owner, or
    /// the folder is not open to others.
    pub(super) fn trust(path: &Path, found: &Metadata) -> io::Result<()> {
        let Some(folder) = path.parent().and_then(|folder| folder.metadata().ok()) else { return Ok(()) };
        let (everybody, sticky_group) = (folder.mode() & 0o002 != 0, folder.mode() & 0o1020 == 0o1020);
        let ours = rustix::process::geteuid().as_raw();
        if (everybody || sticky_group) && found.uid() != ours && found.uid() != folder.uid() {
            let what = if found.is_symlink() { "a link" } else { "a file" };
            let (shown, owner) = (path.display(), found.uid());
            return Err(refused(format!(
                "`{shown}` is {what} of somebody else (user {owner}) in a folder that others may write to"
            )));
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod follow {
    use std::fs::Metadata;
    use std::io;
    use std::path::{Path, PathBuf};

    pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
        match path.canonicalize() {
            Ok(real) => Ok(real),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn trust(_path: &Path, _found: &Metadata) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};

    use super::*;

    #[test]
    fn links_of_our_own_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        fs::create_dir(real.join("lists")).unwrap();
        fs::write(real.join("lists/people.csv"), "old").unwrap();
        symlink("lists/../lists", real.join("folder")).unwrap();
        symlink("people.csv", real.join("lists/link.csv")).unwrap();
        symlink(real.join("lists/new.csv"), real.join("dangling.csv")).unwrap();
        symlink("circle", real.join("circle")).unwrap();
        for (path, leads_to) in [
            ("lists/people.csv", "lists/people.csv"),
            ("folder/./link.csv", "lists/people.csv"),
            ("dangling.csv", "lists/new.csv"),
            ("missing/people.csv", "missing/people.csv"),
        ] {
            assert_eq!(resolve(&folder.path().join(path)).unwrap(), real.join(leads_to), "{path}");
        }
        let error = resolve(&folder.path().join("circle")).unwrap_err();
        assert!(error.to_string().contains("in a circle"), "{error}");
    }

    #[test]
    fn pipes_devices_and_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        symlink("pipe", folder.path().join("link")).unwrap();
        for path in [&pipe, &folder.path().join("link"), folder.path(), Path::new("/dev/null")] {
            let error = resolve(path).unwrap_err();
            assert!(error.to_string().contains("not a file"), "{}: {error}", path.display());
        }
    }

    #[test]
    fn what_a_stranger_put_into_a_folder_for_everybody_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        let (link, file) = (shared.join("link.csv"), shared.join("people.csv"));
        symlink("../victim.csv", &link).unwrap();
        fs::write(&file, "").unwrap();
        for mode in [0o1777, 0o777, 0o1770] {
            fs::set_permissions(&shared, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(resolve(&link).unwrap().file_name().unwrap(), "victim.csv", "ours");
            resolve(&file).unwrap();
        }
        if lchown(&link, Some(4711), None).and_then(|()| lchown(&file, Some(4711), None)).is_err() {
            eprintln!("skipped: only an administrator can give files away");
            return;
        }
        for mode in [0o1777, 0o777, 0o1770] {
            fs::set_permissions(&shared, fs::Permissions::from_mode(mode)).unwrap();
            for path in [&link, &file] {
                let error = resolve(path).unwrap_err();
                assert!(error.to_string().contains("of somebody else (user 4711)"), "{error}");
            }
        }
        // Its owner alone decides what is in a folder that nobody else may write to.
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
        resolve(&link).unwrap();
        resolve(&file).unwrap();
    }
}
