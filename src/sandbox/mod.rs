//! Simulated systems on loopback: they remember, and they misbehave on demand.
//!
//! Each system is a plain state machine ([`crate::simulation::System`]); [`Sandbox`] puts all of them behind one port. Personio is below `/personio`, and each other system below its name and the name that the
//! user's file gives the target: `/freshservice/service-desk/api/v2/requesters`. A front page for people is at
//! `/`; `/sandbox.json` says where things are, `/requests` what was asked, and `/prepare` takes what a user's
//! file expects.

mod faults;
mod lying_list;
mod page;
mod pause;
mod people;
mod running;
mod server;
#[cfg(test)]
mod tests;
mod world;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context;
use chrono::NaiveDate;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub use faults::{Fault, Faults};
pub use lying_list::Lie;
pub use pause::{Pause, When};
pub use people::{Happened, Happening};
pub use running::{find, happen, prepare};
pub use world::LoggedRequest;

use self::faults::FaultInjector;
use self::world::{Simulated, World};
use crate::section::Secret;
use crate::simulation::people::Company;
use crate::simulation::{Preparation, SECRET, System};
use crate::targets::SandboxAddresses;

/// The version of `/sandbox.json`.
const SCHEMA: u32 = 1;

/// What a sandbox is started with.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Where to listen; only loopback addresses are accepted.
    pub address: IpAddr,
    /// The port; `None` or 0 for any that is free.
    pub port: Option<u16>,
    /// How many employees to invent.
    pub employees: usize,
    /// Same seed, same people and same faults.
    pub seed: u64,
    pub faults: Faults,
    /// The folder below which file targets write; `None` for one that is removed when the sandbox stops.
    pub folder: Option<PathBuf>,
    /// The day that the people's dates are relative to.
    pub today: NaiveDate,
}

impl SandboxOptions {
    /// A well-behaved sandbox of ordinary size on any free port.
    pub fn new(today: NaiveDate) -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: None,
            employees: 250,
            seed: 7,
            faults: Faults::default(),
            folder: None,
            today,
        }
    }
}

/// What a sandbox says of itself at `/sandbox.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxInfo {
    pub schema: u32,
    /// Address without a trailing slash.
    pub base_url: String,
    /// The folder that stands for the working folder.
    pub folder: PathBuf,
    /// The day that the people's dates are relative to.
    #[serde(with = "day")]
    pub today: NaiveDate,
    /// How many employees there were at the start.
    pub employees: usize,
    /// What people and faults come from.
    pub seed: u64,
    /// What the simulated systems accept.
    pub secret: String,
}

impl SandboxInfo {
    /// Where a target of the user's file finds its simulated system.
    pub fn addresses(&self, target: &str) -> SandboxAddresses {
        SandboxAddresses {
            base_url: self.base_url.clone(),
            folder: self.folder.clone(),
            target: target.into(),
            secret: Secret::new(self.secret.clone()),
        }
    }
}

/// Days in JSON as `YYYY-MM-DD`.
mod day {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(day: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Simulated systems behind one port of this machine, until dropped.
#[derive(Debug)]
pub struct Sandbox {
    world: Arc<World>,
    stop: StopHandle,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
    /// Removed after the server has stopped.
    _temporary: Option<tempfile::TempDir>,
}

/// Stops a sandbox from another thread.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<Notify>);

impl StopHandle {
    /// Lets requests under way finish, then ends [`Sandbox::wait`].
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl Sandbox {
    /// Starts the simulated systems in threads of their own.
    ///
    /// # Errors
    ///
    /// When the address is no loopback address, the port is taken, or the folder cannot be made.
    pub fn start(options: SandboxOptions) -> anyhow::Result<Self> {
        let listener = server::listen(options.address, options.port)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let temporary = match &options.folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("cannot make the sandbox's folder {}", folder.display()))?;
                None
            }
            None => Some(tempfile::Builder::new().prefix("personio-sync-sandbox-").tempdir()?),
        };
        let folder = match (&options.folder, &temporary) {
            (Some(folder), _) => folder.canonicalize()?,
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => PathBuf::new(),
        };
        let company = Company::new(options.employees, options.seed, options.today);
        let world = Arc::new(World {
            info: SandboxInfo {
                schema: SCHEMA,
                base_url,
                folder,
                today: options.today,
                employees: options.employees,
                seed: options.seed,
                secret: SECRET.to_owned(),
            },
            systems: Simulated::all(&company),
            injector: Mutex::new(FaultInjector::new(options.faults, options.seed)),
            log: Mutex::default(),
            gates: Mutex::default(),
        });
        let stop = Arc::new(Notify::new());
        let thread = {
            let (world, stop) = (Arc::clone(&world), Arc::clone(&stop));
            std::thread::Builder::new().name("sandbox".into()).spawn(move || server::serve(listener, world, stop))?
        };
        Ok(Self { world, stop: StopHandle(stop), thread: Some(thread), _temporary: temporary })
    }

    /// The address, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.world.info.base_url
    }

    /// The folder below which file targets write.
    pub fn folder(&self) -> &Path {
        &self.world.info.folder
    }

    /// What `/sandbox.json` says.
    pub fn info(&self) -> &SandboxInfo {
        &self.world.info
    }

    /// Offers what a user's file expects, as `/prepare` does.
    pub fn prepare(&self, preparation: &Preparation) {
        self.world.prepare(preparation);
    }

    /// What the systems were sent so far, in order. Signing in and look-ups are among it.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.world.log.lock().clone()
    }

    /// Forgets what the systems were sent.
    pub fn clear_requests(&self) {
        self.world.log.lock().clear();
    }

    /// Misbehaves in another way from now on; counting begins anew.
    pub fn set_faults(&self, faults: Faults) {
        self.world.set_faults(faults);
    }

    /// Lets writes to one system go as far as the given one, counted from 1, and keeps that one and all later
    /// ones waiting. For tests that look, or end a run, at this very moment.
    pub fn pause_at(&self, system: &str, number: u64, when: When) -> Pause {
        Pause::new(&self.world, system, number, when)
    }

    /// Looks at a system or changes it while it runs; its type says which.
    ///
    /// # Panics
    ///
    /// When there is no such system.
    pub fn system<S: System, T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        self.world.with(act).expect("a simulated system of that type")
    }

    /// Something that stops it from another thread, a signal's for instance.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Answers until it is stopped by a [`StopHandle`].
    pub fn wait(mut self) -> anyhow::Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => anyhow::bail!("the sandbox's server broke down"),
            None => Ok(()),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            // Nobody is left who could do anything about a server that ended badly.
            let _ = thread.join();
        }
    }
}
