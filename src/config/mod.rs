//! The TOML file: read once, all its problems reported together, and turned into settled settings.

pub mod reader;
mod secret;
mod secret_source;

pub use secret::Secret;
pub use secret_source::{SecretMode, SecretReader};
