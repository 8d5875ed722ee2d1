//! A real browser without a window, for what only one can tell.

use std::path::{Path, PathBuf};
use std::process::Command;

fn find() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = std::env::split_paths(&folders)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "the tests of pages need chromium");
        eprintln!("skipped: chromium is not installed");
    }
    found
}

/// The browser with a profile of its own; `None` where there is none.
pub(crate) fn browser(profile: &Path) -> Option<Command> {
    let mut command = Command::new(find()?);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--hide-scrollbars", "--lang=en-US", "--virtual-time-budget=5000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .env("LANG", "en_US.UTF-8");
    Some(command)
}
