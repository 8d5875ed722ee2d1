//! The command-line program.

use std::process::ExitCode;

fn main() -> ExitCode {
    personio_sync::cli::main()
}
