//! Other configurations in the same folder that work on the same accounts.

use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::config::{LoadOptions, Settings, StateLocation, load};
use crate::exit::Problem;
use crate::section::SecretMode;

/// Accounts of this file that another file in its folder has, too, with a state of its own. What such a file did in the
/// last day, and whom it links, cannot be seen from here.
pub(super) fn accounts_in_two_states(settings: &Settings) -> Vec<Problem> {
    let own = &settings.file.path;
    let is_other = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "toml") && path.file_name() != own.file_name()
    };
    let Ok(folder) = std::fs::read_dir(&settings.file.folder) else { return Vec::new() };
    let mut others: Vec<PathBuf> =
        folder.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file() && is_other(path)).collect();
    others.sort();
    others.iter().flat_map(|path| shared_with(settings, path)).collect()
}

fn shared_with(settings: &Settings, path: &Path) -> Vec<Problem> {
    let options = LoadOptions { secrets: SecretMode::Invent, ..LoadOptions::new(&|_| None) };
    // Whatever cannot be loaded is no configuration of this tool, or one that does nothing as it is.
    let Ok(other) = load(path, &options) else { return Vec::new() };
    if !are_apart(&settings.state.location, &other.state.location) {
        return Vec::new();
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let by_hand = |target: &&crate::config::TargetSettings| target.target.offers().by_hand.is_some();
    let mut found = Vec::new();
    for target in settings.targets.iter().filter(|target| !by_hand(target)) {
        let identity = target.target.identity();
        let same = |other: &&crate::config::TargetSettings| !by_hand(other) && other.target.identity() == identity;
        found.extend(other.targets.iter().filter(same).map(|other| {
            let message = format!(
                "{name} works on the same account (its target `{}`) with a state of its own: neither sees what the other \
                 has done, so limits over 24 hours count apart; give both files one [state]",
                other.plan.name
            );
            Problem::new(Code::AccountInTwoStates, message).target(&target.plan.name)
        }));
    }
    found
}

/// Whether two files are known to remember apart. The address of a server is a secret, and two of them may be one.
fn are_apart(one: &StateLocation, other: &StateLocation) -> bool {
    match (one, other) {
        (StateLocation::File(one), StateLocation::File(other)) => one != other,
        (StateLocation::Server(_), StateLocation::Server(_)) => false,
        _ => true,
    }
}
