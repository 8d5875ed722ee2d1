//! One section of the file: its tables read key by key, every problem kept with its place, and secrets wherever they
//! may stand.

mod reader;
mod secret;
mod secret_source;
pub mod shape;

pub use reader::{Context, Located, Problem, Problems, Severity, Table, check_url, parse_duration, position};
pub use secret::Secret;
pub use secret_source::{SecretMode, SecretReader, SecretSources};
