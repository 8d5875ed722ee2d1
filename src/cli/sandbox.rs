//! `sandbox`: the simulated systems, to run against and to look at.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::output::{Answer, Shown};
use crate::personio::simulated::Personio;
use crate::sandbox::{Faults, Happened, Happening, Sandbox, SandboxOptions, find, happen};
use crate::simulation::SECRET;

use super::{Failure, Process, Reason, Reasons};

/// Start the simulated Personio and targets on this machine, with a page to look at
///
/// They remember what is written to them until they are stopped, so `sync --sandbox 127.0.0.1:7070` finds on its
/// second run what the first one wrote.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    people: Option<People>,
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 7070)]
    port: u16,
    /// How many employees to invent
    #[arg(long, default_value_t = 250)]
    employees: usize,
    /// The same seed gives the same people
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Misbehave, for example "personio:429@10%,freshservice:lost-answer#2"; `--faults help` lists all
    #[arg(long, default_value = "", hide_default_value = true)]
    faults: String,
    /// The folder that file targets write below [default: a temporary one]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Send every attribute of an employee, whatever is asked for: the largest answers there are
    #[arg(long)]
    whole_records: bool,
}

/// What happens to the people of a sandbox that runs.
#[derive(Debug, Subcommand)]
enum People {
    /// Somebody new starts
    Hire {
        /// What they are, such as first_name=Ada; the rest is invented
        #[arg(value_name = "ATTRIBUTE=VALUE", value_parser = setting)]
        values: Vec<(String, String)>,
        /// Their first day [default: today]
        #[arg(long, value_name = "DATE")]
        on: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Somebody changes
    Change {
        /// Their number
        employee: u64,
        /// What changes, such as position=Lead; an attribute goes by its key or its label
        #[arg(value_name = "ATTRIBUTE=VALUE", value_parser = setting, required = true)]
        values: Vec<(String, String)>,
        #[command(flatten)]
        at: At,
    },
    /// Somebody leaves
    Leave {
        /// Their number
        employee: u64,
        /// Their last day [default: today]
        #[arg(long, value_name = "DATE")]
        on: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Somebody who left comes back with a new profile, as Personio has it
    Rehire {
        /// The number they had
        employee: u64,
        /// Their first day [default: today]
        #[arg(long, value_name = "DATE")]
        on: Option<String>,
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
struct At {
    /// Where the sandbox runs
    #[arg(long = "at", value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    address: String,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("an attribute and its value, such as position=Lead")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

const FAULTS_HELP: &str = "\
Faults, separated by commas, each [SYSTEM:][METHOD:]FAULT[=VALUE][@RATE|#NUMBER]:

  429[=SECONDS]        refused for being too busy, with Retry-After where the real system sends one
  500, html502, 503    an error body, a gateway's web page, nothing at all
  html200              a write is answered with success and a web page, and does nothing
  no-effect            a write is answered as if it was carried out, and does nothing
  cut, truncated       the connection ends in the middle of the body; half a document
  busy-sign-in[=1s]    a sign-in is refused as one too many; Personio's clients wait a minute, or what the value says
  order                lists stand the other way round each time (personio)
  hidden-parts         supervisors come without name and address, departments and the like without id (personio)
  lost-answer          the request is carried out, and the connection closes without an answer
  expire-token         the token in use is no longer accepted
  insert-while-paging, remove-while-paging
                       the list changes under the reader
  list-empty, list-short, list-capped
                       lists of people are not true: nobody, every third left out, the first five alone
  latency=50ms         every answer takes this long

Examples: personio:429@10%   freshservice:lost-answer#2   freshservice:POST:html502
Without a rate or a number a fault strikes now and then; the same seed brings the same faults.
";

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    if let Some(people) = &arguments.people {
        return people.happen(process);
    }
    if arguments.faults == "help" {
        process.print(FAULTS_HELP);
        return Ok(Reasons::default());
    }
    let usage = |error: anyhow::Error| Failure::new(Reason::Usage, format!("{error:#}"));
    let options = SandboxOptions {
        address: Ipv4Addr::LOCALHOST.into(),
        port: Some(arguments.port),
        employees: arguments.employees,
        seed: arguments.seed,
        faults: arguments.faults.parse::<Faults>().map_err(|error| Failure::new(Reason::Usage, error.to_string()))?,
        folder: arguments.folder.clone(),
        ..SandboxOptions::new(process.now.date_naive())
    };
    let sandbox = Sandbox::start(options).map_err(usage)?;
    sandbox.system(|personio: &mut Personio| personio.options.whole_records = arguments.whole_records);
    let address = sandbox.base_url().trim_start_matches("http://").to_owned();
    process.say(&format!(
        "The sandbox is at {} (look at it in a browser); files and state are in {}.\n\
         Run a file against it: personio-sync sync --sandbox {address}\n\
         Start a file: personio-sync init --base-url {}/personio (any client id; the secret is {SECRET})\n\
         Ctrl-C stops it.",
        sandbox.base_url(),
        sandbox.folder().display(),
        sandbox.base_url(),
    ));
    let stop = sandbox.stop_handle();
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM])
        .map_err(|error| Failure::new(Reason::Internal, error.to_string()))?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            stop.stop();
        }
    });
    sandbox.wait().map_err(|error| Failure::new(Reason::Internal, format!("{error:#}")))?;
    Ok(Reasons::default())
}

#[derive(Serialize)]
struct HappenedDocument {
    employee: String,
    said: String,
}

impl People {
    fn happen(&self, process: &Process) -> Result<Reasons, Failure> {
        let usage = |error: anyhow::Error| Failure::new(Reason::Usage, format!("{error:#}"));
        let (At { address }, happening) = self.happening();
        let there = find(address).map_err(|error| {
            usage(error.context(format!(
                "is `personio-sync sandbox` running at {address}? start it first, or name it with --at"
            )))
        })?;
        let happened = happen(&there.base_url, &happening).map_err(usage)?;
        let Happened { employee, said } = happened.map_err(|why| Failure::new(Reason::Usage, why))?;
        let shown = Shown::default().words(format!("{said}\n"));
        process.answer(&Answer::new("sandbox", HappenedDocument { employee: employee.to_string(), said }, shown));
        Ok(Reasons::default())
    }

    fn happening(&self) -> (&At, Happening) {
        match self {
            Self::Hire { values, on, at } => (at, Happening::Hire { on: on.clone(), values: values.clone() }),
            Self::Change { employee, values, at } => {
                (at, Happening::Change { employee: *employee, values: values.clone() })
            }
            Self::Leave { employee, on, at } => (at, Happening::Leave { employee: *employee, on: on.clone() }),
            Self::Rehire { employee, on, at } => (at, Happening::Rehire { employee: *employee, on: on.clone() }),
        }
    }
}
