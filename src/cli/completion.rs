//! What shells complete: commands and options, and the names of targets and workflows of the file. Contacts nobody.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, Command};
use clap_complete::CompleteEnv;
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;

use crate::config::{Names, find_config, names};

use super::session::environment;

/// The variable by which a shell asks, and that names it.
const ASKED_BY: &str = "COMPLETE";

/// Answers a shell that asks for completions, and ends the process then.
pub(super) fn answer(command: fn() -> Command) {
    CompleteEnv::with_factory(|| with_names(command())).var(ASKED_BY).complete();
}

/// What a shell has to run so that it asks.
pub(super) fn script(shell: Shell, name: &str) -> std::io::Result<Vec<u8>> {
    let mut script = Vec::new();
    let shell = shell.to_string();
    let completer = Shells::builtins();
    let completer =
        completer.completer(&shell).ok_or_else(|| std::io::Error::other(format!("no script for {shell}")))?;
    completer.write_registration(ASKED_BY, name, name, name, &mut script)?;
    Ok(script)
}

/// Every argument that takes the name of a target or a workflow, as its help calls it, whatever command it is of.
fn with_names(command: Command) -> Command {
    command.mut_args(with_candidates).mut_subcommands(with_names)
}

fn with_candidates(argument: Arg) -> Arg {
    match argument.get_value_names().and_then(|names| names.first()).map(|name| name.as_str()) {
        Some("TARGET") => argument.add(ArgValueCandidates::new(targets)),
        Some("WORKFLOW") => argument.add(ArgValueCandidates::new(workflows)),
        _ => argument,
    }
}

fn targets() -> Vec<CompletionCandidate> {
    let candidate = |(name, kind): (String, Option<String>)| CompletionCandidate::new(name).help(kind.map(Into::into));
    names_of_the_file().targets.into_iter().map(candidate).collect()
}

fn workflows() -> Vec<CompletionCandidate> {
    names_of_the_file().workflows.into_iter().map(CompletionCandidate::new).collect()
}

/// Of the file that the line names so far. Whoever completes a line is not told of trouble with the file.
fn names_of_the_file() -> Names {
    let path = find_config(named_file(std::env::args_os()), &environment);
    std::fs::read_to_string(path).map(|text| names(&text)).unwrap_or_default()
}

/// The file after `--config` on a line that is not finished. Its words are as they were typed, so that `~` stands there yet.
fn named_file(line: impl IntoIterator<Item = OsString>) -> Option<PathBuf> {
    let words: Vec<String> = line.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let behind = words.windows(2).find(|pair| pair[0] == "--config").map(|pair| pair[1].as_str());
    let path = behind.or_else(|| words.iter().find_map(|word| word.strip_prefix("--config=")))?;
    match (path.strip_prefix("~/"), environment("HOME")) {
        (Some(below), Some(home)) => Some(PathBuf::from(home).join(below)),
        _ => Some(path.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_one_of_the_line() {
        for (line, file) in [
            ("-- personio-sync plan --config a.toml ", Some("a.toml")),
            ("-- personio-sync --config=b.toml plan", Some("b.toml")),
            ("-- personio-sync plan --config", None),
            ("-- personio-sync plan", None),
        ] {
            assert_eq!(named_file(line.split(' ').map(OsString::from)), file.map(PathBuf::from), "{line}");
        }
    }
}
