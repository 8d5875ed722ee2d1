//! Files that hold personal data or may come to hold secrets: only their owner may read them.

use std::io::Write as _;
use std::path::Path;

/// Writes a file in one step, replacing one that is there, also one that others could read.
pub(super) fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let path = crate::destination::resolve(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What is wrong with the folder is told by its own name; the errors of `tempfile` name a file that nobody asked for.
    std::fs::metadata(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| std::io::Error::from(error.kind()))?;
    file.write_all(content)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Writes a file that must not be there yet.
pub(super) fn create(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_could_read_is_private_afterwards() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(create(&path, b"again").is_err());
    }

    #[test]
    fn an_error_names_no_file_that_nobody_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let refused = replace(&folder.path().join("missing").join("a.html"), b"a page").unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::NotFound);
        assert!(!refused.to_string().contains("missing"), "the command names the path: {refused}");
    }

    /// Somebody else may be reading it.
    #[cfg(unix)]
    #[test]
    fn nothing_is_written_into_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("plan.json");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let refused = replace(&pipe, b"a plan").unwrap_err();
        assert!(refused.to_string().contains("not a file"), "{refused}");
        assert!(create(&pipe, b"a plan").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
