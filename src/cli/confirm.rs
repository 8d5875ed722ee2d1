//! `confirm`: what a plan asks people to do is done.

use std::time::Duration;

use clap::Args;

use crate::sync::PrepareOptions;

use super::memory::Memory;
use super::sync::{Signals, synchronise};
use super::{Failure, Reason, Reasons, SandboxChoice, World};

/// Confirm that what a plan asks for was done by hand (Conversations); the next plan starts from there
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The target
    target: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

pub(super) fn run(world: &World, arguments: &Arguments) -> Result<Reasons, Failure> {
    let name = &arguments.target;
    let session = world.open(&arguments.sandbox, std::slice::from_ref(name))?;
    let by_hand = |target: &&crate::config::TargetSettings| *target.name == **name && target.target.is_done_by_hand();
    if !session.settings.targets.iter().any(|target| by_hand(&target)) {
        let why = format!("there is nothing to confirm for `{name}`: `sync` keeps it in line by itself");
        return Err(Failure::new(Reason::Usage, why));
    }
    let options = PrepareOptions::new(session.today, &[name.as_str()]);
    let signals = Signals::listen()?;
    let memory = Memory::open(&session, world.now)?;
    synchronise(world, &session, &memory, &options, &signals, Duration::ZERO, |_| Ok(!arguments.yes))
}
