use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::settings::{StateLocation, StateSettings};
use crate::code::Code;
use crate::section::shape::TimeSpan;
use crate::section::{Located, Secret, Table};

const DEFAULT_PATH: &str = "personio-sync.sqlite";
const DEFAULT_KEEP: TimeSpan = TimeSpan(Duration::from_secs(90 * 86_400));

/// `[state]`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Shape {
    /// An SQLite file, relative to the folder of the configuration
    #[schemars(extend("default" = DEFAULT_PATH))]
    path: Option<Located<String>>,
    /// A PostgreSQL server instead of `path`, such as `{ env = "DATABASE_URL" }`
    url: Option<Secret>,
    /// How long runs and jobs are kept
    #[serde(default = "keep")]
    keep: TimeSpan,
    /// Whether names may be kept beside ids
    #[serde(default)]
    keep_names: bool,
}

fn keep() -> TimeSpan {
    DEFAULT_KEEP
}

/// `[state]`: where the memory is. `None` when that cannot be told.
pub(super) fn read(root: &Table<'_>, folder: &Path) -> Option<StateSettings> {
    let file = |path: &str| {
        let joined = folder.join(path);
        StateLocation::File(std::path::absolute(&joined).unwrap_or(joined))
    };
    let Some(section) = root.table("state") else {
        return Some(StateSettings { location: file(DEFAULT_PATH), keep: DEFAULT_KEEP.0, keep_names: false });
    };
    let shape: Shape = section.read()?;
    let wrong = |span, message: String| {
        section.problems().error(span, Code::WrongValue, message);
        None
    };
    let location = match (shape.path, shape.url) {
        (Some(_), Some(_)) => wrong(
            section.key_span("url"),
            "`state.path` and `state.url` exclude each other; keep `path` for a file, or `url` for PostgreSQL".into(),
        ),
        (None, Some(url)) => match url.expose().split_once("://") {
            // Other notations of PostgreSQL have no scheme, and an invented secret has none either.
            Some((scheme, _)) if !matches!(scheme, "postgres" | "postgresql") => wrong(
                section.key_span("url"),
                "`state.url` is no address of PostgreSQL; it begins with `postgres://`, and `state.path` names a file"
                    .into(),
            ),
            _ => Some(StateLocation::Server(url)),
        },
        (Some(path), None) if path.value.trim().is_empty() => {
            wrong(path.span, format!("`state.path` is empty; leave it out for `{DEFAULT_PATH}`"))
        }
        (Some(path), None) => Some(file(&path.value)),
        (None, None) => Some(file(DEFAULT_PATH)),
    };
    section.finish();
    Some(StateSettings { location: location?, keep: shape.keep.0, keep_names: shape.keep_names })
}
