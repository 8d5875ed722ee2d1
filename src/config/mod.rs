//! The TOML file: read once, all its problems reported together, and turned into settled settings.

pub mod reader;
mod secret;
mod secret_source;
mod settings;

pub use reader::{Problem, Severity};
pub use secret::Secret;
pub use secret_source::{SecretMode, SecretReader};
pub use settings::{
    Api, BudgetPeriod, BudgetSettings, ConfigFile, LeaverAction, Leavers, Limit, PersonioSettings, Safety, Settings,
    Share, StatePlace, StateSettings, TargetSettings,
};
