//! `init`: a commented file to start from.

mod credentials;
mod fitted;
mod other_keys;

use std::collections::BTreeSet;
use std::io::{BufRead as _, ErrorKind, Write as _};
use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use serde_json::Value;

use crate::config::target_schema;
use crate::output::{Answer, Shown};
use crate::personio::WHERE;
use crate::section::shape::{Address, generator};
use crate::targets::{KINDS, Kind};
use crate::words::count;

use super::schema::schema;
use super::{Failure, Process, Reason, Reasons, private_file, session};
use credentials::Accepted;
use fitted::{Account, LeftOut};
use other_keys::with_other_keys;

/// Write a commented starter file
///
/// The file is personio-sync.toml, or the one named with --config; one that exists is left alone. On a terminal it asks
/// for the credentials of Personio, tries them and reads which attributes they grant, so that custom attributes have names and the
/// mapping reads only what may be read. Without --target it asks which targets to put in; where nobody can be asked, and where
/// none is named, it is a list of employees in a CSV file.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Put a target of this type into the file; may be repeated
    #[arg(long = "target", value_name = "TYPE", value_parser = PossibleValuesParser::new(types()))]
    targets: Vec<String>,
    /// Where Personio answers, if it is not its usual address
    #[arg(long, value_name = "URL", value_parser = |url: &str| Address::try_from(url.to_owned()))]
    base_url: Option<Address>,
}

/// What every starter file begins with.
const SOURCE: &str = include_str!("source.toml");

/// The type of a file that nobody has chosen a target for: the one that reaches nobody.
const NOTHING_CHOSEN: &str = "file";

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
    let base_url = arguments.base_url.as_deref();
    let accepted = credentials(process, &path, base_url)?;
    let catalogue = accepted.as_ref().and_then(|accepted| accepted.catalogue.as_deref());
    let account = catalogue.map(Account::new);
    let mut targets = arguments.targets.clone();
    if targets.is_empty() && process.terminal.input {
        targets = ask()?;
    }
    if targets.is_empty() {
        targets.push(NOTHING_CHOSEN.to_owned());
    }
    let Starter { mut text, left_out } = starter(&targets, account.as_ref(), base_url);
    if let Some(typed) = accepted.as_ref().and_then(|accepted| accepted.typed.as_ref()) {
        credentials::keep(typed, &path)?;
        for (variable, file) in credentials::VARIABLES.iter().zip(credentials::FILES) {
            text = text.replace(&format!("{{ env = \"{variable}\" }}"), &format!("{{ file = \"{file}\" }}"));
        }
    }
    private_file::create(&path, text.as_bytes()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(&path),
        _ => Failure::new(Reason::Usage, format!("{} cannot be written: {error}", path.display())),
    })?;
    let mut shown = Shown::default().words(format!("{} is written.\n", path.display()));
    if accepted.as_ref().is_some_and(|accepted| accepted.typed.is_some()) {
        shown = shown.remark(format!(
            "The credentials are in {} and {} beside it; keep them out of version control.",
            credentials::FILES[0],
            credentials::FILES[1]
        ));
    }
    let listed = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    if !left_out.unreadable.is_empty() {
        shown = shown.remark(format!(
            "Left out of the mapping, as these credentials may not read it: {}. Allow it {WHERE}, and take the `#` away.",
            listed(left_out.unreadable)
        ));
    }
    if !left_out.unfilled.is_empty() {
        shown = shown.remark(format!(
            "Left out of the mapping, as no attribute of yours has the name: {}. If you have one, put its key into the line \
             (`personio-sync attributes` lists them), and take the `#` away.",
            listed(left_out.unfilled)
        ));
    }
    let config = process.global.config.as_ref();
    let config = config.map(|path| format!(" --config {}", path.display())).unwrap_or_default();
    shown = shown.remark(next(&text, accepted.is_some(), &|name| session::environment(name).is_some(), &config));
    let document = InitDocument { file: path.display().to_string(), targets: &targets };
    process.answer(&Answer::new("init", document, shown));
    Ok(Reasons::default())
}

/// The credentials that somebody at the terminal has.
fn credentials(process: &Process, config: &Path, base_url: Option<&str>) -> Result<Option<Accepted>, Failure> {
    if !process.terminal.input {
        return Ok(None);
    }
    credentials::free_to_keep(config, &session::environment)?;
    let mut desk = credentials::Terminal { base_url };
    let found = credentials::find(&mut desk, &session::environment)
        .map_err(|error| Failure::new(Reason::Usage, format!("no answer; nothing was written: {error}")))?;
    if let Some(catalogue) = found.as_ref().and_then(|accepted| accepted.catalogue.as_ref()) {
        let custom = catalogue.iter().filter(|entry| entry.key.starts_with("dynamic_")).count();
        let readable = count(catalogue.len(), "attribute is", "attributes are");
        eprintln!("Signed in: {readable} readable, {custom} of them your own.");
    }
    Ok(found)
}

/// The command that comes next for this very file.
fn next(text: &str, is_signed_in: bool, is_set: &dyn Fn(&str) -> bool, config: &str) -> String {
    let lines = || text.lines().filter(|line| !line.starts_with('#'));
    let variables = lines().filter_map(|line| line.split_once("env = \"")?.1.split('"').next());
    let unset: Vec<&str> = variables.filter(|name| !is_set(name)).collect();
    let is_paused = lines().any(|line| {
        line.split_once('=')
            .is_some_and(|(key, value)| key.trim() == "paused" && value.trim_start().starts_with("true"))
    });
    match (is_signed_in, unset.as_slice()) {
        (false, _) => format!("Next, without any account: personio-sync plan --sandbox{config}"),
        (true, []) if is_paused => format!("Next: personio-sync check --online{config}"),
        (true, []) => format!("Next: personio-sync plan{config}"),
        (true, unset) => format!("Next: set {}, then personio-sync check --online{config}", unset.join(" and ")),
    }
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

/// A file to start from.
pub(super) struct Starter {
    pub(super) text: String,
    left_out: LeftOut,
}

/// A file with these targets, each type once. Without any, their sections stand there as comments.
pub(super) fn starter<S: AsRef<str>>(targets: &[S], account: Option<&Account<'_>>, base_url: Option<&str>) -> Starter {
    let schema = schema();
    let definitions = &schema["definitions"];
    let mut source = source(base_url);
    if let Some(aliases) = account.map(Account::aliases).filter(|aliases| !aliases.is_empty()) {
        let (before, after) = source.split_once(ALIASES).expect("the source has an example of aliases");
        source = format!("{before}{aliases}{after}");
    }
    let mut text = with_other_keys(&source, "[personio]", &schema["properties"]["personio"], definitions);
    let mut left_out = LeftOut::default();
    let chosen = |name: &str| targets.iter().any(|target| target.as_ref() == name);
    for Kind { name, starter, .. } in KINDS {
        let header = starter.lines().find(|line| line.starts_with("[targets.")).unwrap_or_default();
        let section = with_other_keys(starter, header, &own_keys(&schema, name), definitions);
        let section = with_fields_named(&section);
        match account.filter(|_| chosen(name)) {
            Some(account) => text.push_str(&account.fit(&section, &mut left_out)),
            None if chosen(name) => text.push_str(&section),
            None if targets.is_empty() => text.extend(section.lines().map(|line| format!("{}\n", commented(line)))),
            None => {}
        }
    }
    Starter { text, left_out }
}

/// What stands in the place of the custom attributes as long as nobody knows them.
const ALIASES: &str = "# Readable names for custom attributes; `personio-sync attributes` lists the keys.\n# [personio.aliases]\n\
                       # staff_number = \"dynamic_4711\"\n";

/// The beginning of the file, with Personio at this address.
fn source(base_url: Option<&str>) -> String {
    let Some(base_url) = base_url else { return SOURCE.to_owned() };
    let line = format!("base_url      = {}\n", toml_edit::Value::from(base_url));
    SOURCE.replacen("[personio]\n", &format!("[personio]\n{line}"), 1)
}

/// A section whose mapping says where the names of its fields come from.
fn with_fields_named(section: &str) -> String {
    let target = |line: &str| line.strip_prefix("[targets.")?.strip_suffix(".mapping]").map(str::to_owned);
    let lines = section.lines().map(|line| match target(line) {
        Some(name) => {
            format!("{line}\n# `personio-sync fields {name}` lists what can be filled, and what has to be.\n")
        }
        None => format!("{line}\n"),
    });
    lines.collect()
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
        eprint!("Names, separated by blanks, or nothing for a list of employees in a CSV file: ");
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
        private_file::create(&path, starter(targets, None, None).text.as_bytes()).unwrap();
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
        let text = starter::<&str>(&[], None, None).text;
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

    #[test]
    fn what_writes_to_a_service_waits_to_be_resumed() {
        let settings = load_starter(&types()).unwrap_or_else(|error| panic!("{error}"));
        for target in &settings.targets {
            let reaches_nobody = ["file", "pento", "probonio", "conversations"].contains(&target.target.kind());
            // The directory that Conversations looks its people up in.
            assert!(target.paused != reaches_nobody || &*target.plan.name == "help-desk-chat", "{}", target.plan.name);
        }
    }

    #[test]
    fn a_file_for_an_account_loads_and_names_its_attributes() {
        let entry = |key: &str, label: &str| crate::personio::CatalogueEntry {
            key: key.into(),
            label: label.into(),
            kind: "standard".into(),
            universal_id: None,
            options: Vec::new(),
        };
        let catalogue = [entry("first_name", "First name"), entry("email", "E-mail"), entry("dynamic_9", "Desk\n[x]")];
        let account = Account::new(&catalogue);
        let Starter { text, left_out } = starter(&["file"], Some(&account), Some("https://personio.example.com"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("personio-sync.toml");
        private_file::create(&path, text.as_bytes()).unwrap();
        let settings =
            load(&path, &LoadOptions::new(&|_| Some("s3cret".into()))).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(settings.vocabulary.attribute_called("desk_x"), Some("dynamic_9"), "{text}");
        assert!(text.contains("base_url      = \"https://personio.example.com\""), "{text}");
        let left_out = &left_out.unreadable;
        assert!(left_out.contains("department") && left_out.contains("hire_date"), "{left_out:?}");
    }

    #[test]
    fn the_last_line_is_the_next_command_for_this_file() {
        let file = starter(&["file"], None, None).text;
        let desk = starter(&["freshservice"], None, None).text;
        let all = |_: &str| true;
        let personio = |name: &str| name.starts_with("PERSONIO_");
        for (text, is_signed_in, is_set, expected) in [
            (&file, false, &all as &dyn Fn(&str) -> bool, "Next, without any account: personio-sync plan --sandbox"),
            (&file, true, &all, "Next: personio-sync plan"),
            (&desk, true, &all, "Next: personio-sync check --online"),
            (&desk, true, &personio, "Next: set FRESHSERVICE_API_KEY, then personio-sync check --online"),
        ] {
            assert_eq!(next(text, is_signed_in, is_set, ""), expected);
        }
    }
}
