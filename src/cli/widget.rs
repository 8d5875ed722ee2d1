//! `widget`: the Freshservice ticket-sidebar app, as a folder.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::config::{LoadOptions, load};
use crate::section::SecretMode;
use crate::targets::freshservice::widget::{Engines, Files, build, check};
use crate::words::count;

use super::session::environment;
use super::{Failure, Process, Reason, Reasons};

/// Build the Freshservice ticket-sidebar app that shows the synced fields of a ticket's requester
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the folder of the app; nothing is contacted and no secret is read
    Build {
        /// The target, of type freshservice
        target: String,
        /// The folder to write to: a new or empty one, or that of an earlier build
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// The version of the vendor's command-line tool that the manifest asks for
        #[arg(long, value_name = "VERSION", default_value_t = Engines::default().fdk)]
        fdk: String,
        /// The version of node that goes with it
        #[arg(long, value_name = "VERSION", default_value_t = Engines::default().node)]
        node: String,
    },
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let Command::Build { target, out, fdk, node } = &arguments.command;
    let usage = |message: String| Failure::new(Reason::Usage, message);
    let only = [target.clone()];
    let options = LoadOptions { secrets: SecretMode::Invent, only: &only, ..LoadOptions::new(&environment) };
    let settings = load(&process.config_path(), &options)?;
    let section = settings.targets.iter().find(|known| *known.plan.name == **target).expect("loading checks the name");
    let path = settings.file.path.display();
    let Some(widget) = section.target.offers().widget else {
        return Err(usage(format!(
            "{path}: [targets.{target}] describes no widget; add [targets.{target}.widget] with enabled = true and \
             fields = [\"job_title\"] (targets of type freshservice only)"
        )));
    };
    if !widget.enabled {
        return Err(usage(format!(
            "{path}: the widget is off; set enabled = true in [targets.{target}.widget] to build it"
        )));
    }
    let files = build(widget, &Engines { fdk: fdk.clone(), node: node.clone() });
    let problems = check(&files);
    if !problems.is_empty() {
        return Err(usage(format!("the platform would refuse this app: {}", problems.join("; "))));
    }
    write(out, &files).map_err(usage)?;
    process.print(&format!(
        "{} written to {}; next: fdk validate, fdk run, fdk pack (see its README.md)\n",
        count(files.len(), "file", "files"),
        out.display()
    ));
    Ok(Reasons::default())
}

/// Writes the files, but not among those of somebody else.
fn write(folder: &Path, files: &Files) -> Result<(), String> {
    let shown = folder.display();
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() && !folder.join("config/iparams.json").is_file() {
                return Err(format!("{shown} is not empty and holds no app; choose another folder"));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{shown} cannot be used: {error}")),
    }
    for (path, text) in files {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(crate::destination::resolve(&file)?, text))
            .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    }
    Ok(())
}
