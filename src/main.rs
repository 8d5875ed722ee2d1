//! The command-line program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A run holds millions of short texts, which threads make and others drop.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    personio_sync::cli::main()
}
