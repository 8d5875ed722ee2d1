//! Options of every command.

use std::path::PathBuf;

use clap::Args;

use crate::output::Format;
use crate::output::mask::Masking;

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The configuration file [default: personio-sync.toml, or PERSONIO_SYNC_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How results are written on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Show every change, not only the first of each kind, nor only as many as a comment can hold
    #[arg(long, global = true)]
    pub all: bool,
    /// Show values of employees in tables and Markdown as pseudonyms
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Masking::Auto)]
    pub mask: Masking,
}

/// Run your own file against simulated systems: no credentials, no network.
#[derive(Clone, Debug, Default, Args)]
pub struct SandboxChoice {
    /// Run against simulated systems; with an address, against those of `personio-sync sandbox --port …`
    #[arg(long, global = true, value_name = "ADDRESS", num_args = 0..=1, require_equals = false, default_missing_value = "")]
    pub sandbox: Option<String>,
}

impl SandboxChoice {
    /// Tells an address from a target's name: `sync --sandbox payroll` names a target.
    pub(super) fn split(&self, targets: &[String]) -> (Self, Vec<String>) {
        let mut targets = targets.to_vec();
        match &self.sandbox {
            Some(value) if !value.is_empty() && !value.contains(':') => {
                targets.push(value.clone());
                (Self { sandbox: Some(String::new()) }, targets)
            }
            _ => (self.clone(), targets),
        }
    }
}
