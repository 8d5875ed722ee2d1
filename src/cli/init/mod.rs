//! `init`: a commented file to start from.

mod other_keys;

use std::io::{BufRead as _, ErrorKind, Write as _};
use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use serde_json::Value;

use crate::config::target_schema;
use crate::output::{Answer, Shown};
use crate::section::shape::generator;
use crate::targets::{KINDS, Kind};

use super::schema::schema;
use super::{Failure, Process, Reason, Reasons, private_file};
use other_keys::with_other_keys;

/// Write a commented starter file
///
/// The file is personio-sync.toml, or the one named with --config; one that exists is left alone. Without --target
/// it asks which targets to put in, and writes none where nobody can be asked.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Put a target of this type into the file; may be repeated
    #[arg(long = "target", value_name = "TYPE", value_parser = PossibleValuesParser::new(types()))]
    targets: Vec<String>,
}

/// What every starter file begins with.
const SOURCE: &str = include_str!("source.toml");

#[derive(Serialize)]
struct InitDocument<'a> {
    file: String,
    targets: &'a [String],
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let path = process.config_path();
    if path.exists() {
        return Err(exists(&path));
    }
    let asks = arguments.targets.is_empty() && process.terminal.input;
    let targets = if asks { ask()? } else { arguments.targets.clone() };
    private_file::create(&path, starter(&targets).as_bytes()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(&path),
        _ => Failure::new(Reason::Usage, format!("{} cannot be written: {error}", path.display())),
    })?;
    let config = match &process.global.config {
        Some(path) => format!(" --config {}", path.display()),
        None => String::new(),
    };
    let shown = Shown::default().words(format!("{} is written.\n", path.display())).remark(format!(
        "Try it without any account: personio-sync plan --sandbox{config}\n\
         Then set the secrets it names, and run: personio-sync check --online{config}",
    ));
    let document = InitDocument { file: path.display().to_string(), targets: &targets };
    process.answer(&Answer::new("init", document, shown));
    Ok(Reasons::default())
}

fn exists(path: &Path) -> Failure {
    Failure::new(
        Reason::Usage,
        format!("{} is there already and is left alone; name another file with --config", path.display()),
    )
}

/// The types that have a section to start from.
fn types() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

/// The text of a file with these targets, each type once. Without any, their sections stand there as comments.
pub(super) fn starter<S: AsRef<str>>(targets: &[S]) -> String {
    let schema = schema();
    let definitions = &schema["definitions"];
    let mut text = with_other_keys(SOURCE, "[personio]", &schema["properties"]["personio"], definitions);
    let chosen = |name: &str| targets.iter().any(|target| target.as_ref() == name);
    for Kind { name, starter, .. } in KINDS {
        let header = starter.lines().find(|line| line.starts_with("[targets.")).unwrap_or_default();
        let section = with_other_keys(starter, header, &own_keys(&schema, name), definitions);
        if chosen(name) {
            text.push_str(&section);
        } else if targets.is_empty() {
            text.extend(section.lines().map(|line| format!("{}\n", commented(line))));
        }
    }
    text
}

/// The keys of a type beside those that every type has.
fn own_keys(schema: &Value, kind: &str) -> Value {
    let mut keys = schema["definitions"][format!("target-{kind}")].clone();
    let common = target_schema(&mut generator());
    if let Some(keys) = keys["properties"].as_object_mut() {
        keys.retain(|key, _| key != "type" && common["properties"].get(key).is_none());
    }
    keys
}

fn commented(line: &str) -> String {
    if line.is_empty() || line.starts_with('#') { line.to_owned() } else { format!("# {line}") }
}

/// Asks on the terminal until every answer is a known type.
fn ask() -> Result<Vec<String>, Failure> {
    let known = types();
    eprintln!("Which targets should the file have? Known types: {}", known.join(", "));
    let mut input = std::io::stdin().lock();
    loop {
        eprint!("Names, separated by blanks, or nothing for none yet: ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        let read =
            input.read_line(&mut answer).map_err(|error| Failure::new(Reason::Usage, format!("no answer: {error}")))?;
        if read == 0 {
            return Err(Failure::new(Reason::Usage, "no answer; nothing was written"));
        }
        match chosen(&answer, &known) {
            Ok(targets) => return Ok(targets),
            Err(unknown) => eprintln!("There is no type `{unknown}`."),
        }
    }
}

/// The types in an answer, or the first word that is none.
fn chosen(answer: &str, known: &[&str]) -> Result<Vec<String>, String> {
    answer
        .split([',', ' ', '\t', '\n', '\r'])
        .filter(|word| !word.is_empty())
        .map(|word| {
            let word = word.to_lowercase();
            if known.contains(&word.as_str()) { Ok(word) } else { Err(word) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LoadError, LoadOptions, Settings, load};

    /// Writes the starter file and loads it, with every variable of the environment set.
    fn load_starter(targets: &[&str]) -> Result<Settings, LoadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("personio-sync.toml");
        private_file::create(&path, starter(targets).as_bytes()).unwrap();
        load(&path, &LoadOptions::new(&|_| Some("s3cret".into())))
    }

    #[test]
    fn every_type_of_target_has_a_section_that_loads() {
        for name in types() {
            let settings = load_starter(&[name]).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(settings.targets.iter().any(|target| target.target.kind() == name), "{name}");
            assert_eq!(settings.warnings, [], "{name}");
        }
    }

    #[test]
    fn all_types_together_load() {
        let settings = load_starter(&types()).unwrap_or_else(|error| panic!("{error}"));
        assert!(settings.targets.len() >= types().len());
    }

    #[test]
    fn without_a_target_the_sections_are_comments() {
        let settings = load_starter(&[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(settings.targets.is_empty());
        assert_eq!(settings.warnings.len(), 1, "that it names no target: {:?}", settings.warnings);
        let text = starter::<&str>(&[]);
        for name in types() {
            assert!(text.contains(&format!("\"{name}\"")), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_private_and_never_written_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("personio-sync.toml");
        private_file::create(&path, "one".as_bytes()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(private_file::create(&path, "two".as_bytes()).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
    }

    #[test]
    fn answers_are_names_in_any_case() {
        let known = ["freshservice", "file"];
        assert_eq!(chosen(" File, freshservice\n", &known), Ok(vec!["file".into(), "freshservice".into()]));
        assert_eq!(chosen("\n", &known), Ok(vec![]));
        assert_eq!(chosen("file fiel", &known), Err("fiel".into()));
    }
}
