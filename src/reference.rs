//! Official specifications and recorded answers, for tests that hold our wire types against them.
//!
//! They live beside the project (`../shared`, or where `PERSONIO_SYNC_SHARED` says), not in it. Without
//! them such tests say aloud that they were skipped; on CI they fail instead.

#![expect(clippy::disallowed_methods, reason = "which machine this is decides what can be tested on it")]

use std::path::PathBuf;

/// The path of a file or folder below `specs/`, or `None` when the material is not here.
///
/// # Panics
///
/// On CI (`CI` is set), where the material must be present.
pub(crate) fn spec(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PERSONIO_SYNC_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let found = root.join("specs").join(path);
    if found.exists() {
        return Some(found);
    }
    assert!(std::env::var_os("CI").is_none(), "the specifications are not at {}", found.display());
    eprintln!("skipped: {} is not here", found.display());
    None
}

/// The text of a file below `specs/`, or `None` when the material is not here.
///
/// # Panics
///
/// As [`spec`], and when the file cannot be read.
pub(crate) fn spec_text(path: &str) -> Option<String> {
    spec(path).map(|found| std::fs::read_to_string(found).expect("a readable specification"))
}
