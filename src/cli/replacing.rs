//! Puts another text into the configuration file.

use std::io::Write as _;
use std::path::Path;

use super::{Failure, Reason};

/// Puts another text into the file in one step.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    // Through a link the file itself is replaced, not the link.
    let path = crate::destination::resolve(path)
        .map_err(|error| Failure::new(Reason::Usage, format!("{} cannot be written: {error}", path.display())))?;
    // Replacing a file takes no right to write it; that it was made read-only says enough.
    if std::fs::metadata(&path).is_ok_and(|file| file.permissions().readonly()) {
        let message = format!("{} is read-only; make it writable, or change it where it comes from", path.display());
        return Err(Failure::new(Reason::Usage, message));
    }
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| Failure::new(Reason::Usage, format!("{} cannot be written: {error}", path.display())))
}
