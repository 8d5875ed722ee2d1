use std::path::Path;
use std::time::Duration;

use super::settings::{StatePlace, StateSettings};
use crate::section::Table;

const DEFAULT_PATH: &str = "personio-sync.sqlite";
const DEFAULT_KEEP: Duration = Duration::from_secs(90 * 86_400);

/// `[state]`: where the memory is. `None` when that cannot be told.
pub(super) fn read(root: &Table<'_>, folder: &Path) -> Option<StateSettings> {
    let file = |path: &str| {
        let joined = folder.join(path);
        StatePlace::File(std::path::absolute(&joined).unwrap_or(joined))
    };
    let Some(section) = root.table("state") else {
        return Some(StateSettings { place: file(DEFAULT_PATH), keep: DEFAULT_KEEP, keep_names: false });
    };
    let keep = section.duration("keep").unwrap_or(DEFAULT_KEEP);
    let keep_names = section.boolean("keep_names").unwrap_or(false);
    let both = section.has("path") && section.has("url");
    let path = section.text("path");
    let place = if both {
        section.problems().error(
            section.key_span("url"),
            "wrong_value",
            "`state.path` and `state.url` exclude each other; keep `path` for a file, or `url` for PostgreSQL",
        );
        None
    } else if section.has("url") {
        section.secret("url").map(StatePlace::Server)
    } else {
        match path {
            Some(path) if path.value.trim().is_empty() => {
                section.problems().error(
                    path.span,
                    "wrong_value",
                    format!("`state.path` is empty; leave it out for `{DEFAULT_PATH}`"),
                );
                None
            }
            Some(path) => Some(file(path.value)),
            None => Some(file(DEFAULT_PATH)),
        }
    };
    section.finish();
    place.map(|place| StateSettings { place, keep, keep_names })
}
