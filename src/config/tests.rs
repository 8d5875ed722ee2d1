//! Files that are wrong, each with the exact messages that it gives; and what a right file says.

use crate::code::Code;
use crate::plan::{LeaverAction, Leavers, Limit, Share};
use crate::section::{Secret, SecretMode, Severity};
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::load::resolve;
use super::*;
use crate::field::{Access, FieldIndex, FieldKind, FieldSpec, FieldValue};
use crate::rules::{MappingSource, OnEmpty, OnInvalid, When};
use crate::section::Table;
use crate::section::shape::Address;
use crate::targets::{Connection, FieldLookup, Kind, SandboxAddresses, Target, TargetType};

/// A type of target that exists in these tests only, with one field of each kind.
#[derive(Debug)]
struct Directory {
    domain: String,
}

/// A `directory` section.
#[derive(Deserialize, JsonSchema)]
struct DirectoryKeys {
    #[schemars(example = &"acme.example.com")]
    domain: String,
    #[serde(rename = "api_key")]
    _api_key: Secret,
    #[serde(rename = "base_url")]
    _base_url: Option<Address>,
    #[serde(rename = "agents")]
    _agents: Option<Agents>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Agents {
    Skip,
    Update,
}

fn parse_directory(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let DirectoryKeys { domain, .. } = table.read()?;
    Some(Box::new(Directory { domain }))
}

impl TargetType for Directory {
    fn kind(&self) -> &'static str {
        "directory"
    }

    fn field(&self, name: &str) -> FieldLookup {
        if let Some(spec) = self.known_fields().into_iter().find(|spec| &*spec.name == name) {
            return FieldLookup::Known(spec);
        }
        match name {
            // Two spellings of one field.
            "mail" => FieldLookup::Known(FieldSpec::new("primary_email", FieldKind::Email).required()),
            _ if name.starts_with("custom_fields.") => FieldLookup::Open(FieldSpec::new(name, FieldKind::Text)),
            _ => FieldLookup::Unknown,
        }
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        vec![
            FieldSpec::new("created_at", FieldKind::Date).access(Access::ReadOnly),
            FieldSpec::new("department_ids", FieldKind::References),
            FieldSpec::new("external_id", FieldKind::Text).identity(),
            FieldSpec::new("first_name", FieldKind::Text).required(),
            FieldSpec::new("job_title", FieldKind::Text).max_length(8),
            FieldSpec::new("language", FieldKind::Choice).choices(["de", "en"]),
            FieldSpec::new("location_id", FieldKind::Reference),
            FieldSpec::new("primary_email", FieldKind::Email).required(),
            FieldSpec::new("reporting_manager_id", FieldKind::Account),
            FieldSpec::new("start_date", FieldKind::Date),
            FieldSpec::new("tags", FieldKind::List),
            FieldSpec::new("vip", FieldKind::Bool),
            FieldSpec::new("work_phone_number", FieldKind::Phone),
        ]
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["external_id", "primary_email"]
    }

    fn identity(&self) -> String {
        format!("directory:{}", self.domain)
    }

    fn open(&self, _connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        anyhow::bail!("never opened")
    }

    fn redirect(&mut self, _sandbox: &SandboxAddresses) {}
}

/// A type that takes any field; it proposes one to match by only for a roster of members.
#[derive(Debug)]
struct Roster {
    path: String,
}

/// A `roster` section.
#[derive(Deserialize, JsonSchema)]
struct RosterKeys {
    #[schemars(example = &"staff.csv")]
    path: String,
}

fn parse_roster(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let RosterKeys { path } = table.read()?;
    Some(Box::new(Roster { path }))
}

impl TargetType for Roster {
    fn kind(&self) -> &'static str {
        "roster"
    }

    fn field(&self, name: &str) -> FieldLookup {
        FieldLookup::Open(FieldSpec::new(name, FieldKind::Text))
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        Vec::new()
    }

    fn default_match(&self) -> &'static [&'static str] {
        if self.path == "members" { &["number", "email"] } else { &[] }
    }

    fn identity(&self) -> String {
        format!("roster:{}", self.path)
    }

    fn open(&self, _connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        anyhow::bail!("never opened")
    }

    fn redirect(&mut self, _sandbox: &SandboxAddresses) {}
}

const KINDS: &[Kind] = &[Kind::unlisted("directory", parse_directory), Kind::unlisted("roster", parse_roster)];

fn environment(name: &str) -> Option<String> {
    match name {
        "CLIENT_ID" => Some("papaya-id".into()),
        "CLIENT_SECRET" => Some(" papaya-secret\n".into()),
        "API_KEY" => Some("papaya-key".into()),
        "BLANK" => Some("  ".into()),
        _ => None,
    }
}

fn options() -> LoadOptions<'static> {
    LoadOptions { kinds: KINDS, ..LoadOptions::new(&environment) }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("config")
}

fn resolve_text(text: &str, options: &LoadOptions<'_>) -> Result<Settings, LoadError> {
    resolve(ConfigFile { path: "test.toml".into(), folder: folder(), text: text.into() }, false, options)
}

/// A right file with the rest of it given.
fn with_targets(rest: &str) -> String {
    format!("[personio]\nclient_id = {{ env = \"CLIENT_ID\" }}\nclient_secret = {{ env = \"CLIENT_SECRET\" }}\n{rest}")
}

const DESK: &str = "\
[targets.desk]
type = \"directory\"
domain = \"acme.example.com\"
api_key = { env = \"API_KEY\" }
[targets.desk.mapping]
first_name = \"first_name\"
primary_email = \"email\"
";

fn error_of(text: &str) -> String {
    resolve_text(text, &options()).expect_err("a wrong file").to_string()
}

/// To take new messages over after looking at them: `UPDATE_EXPECTED=1 cargo test --lib config`.
#[test]
#[expect(clippy::disallowed_methods, reason = "who runs this says whether the messages are to be renewed")]
fn every_wrong_file_says_exactly_what_is_wrong() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = String::new();
    for path in files {
        let name = PathBuf::from(path.file_name().unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let file = ConfigFile { path: name.clone(), folder: folder(), text };
        let problems = match resolve(file, true, &options()) {
            Ok(settings) => settings.warnings,
            Err(error) => error.problems,
        };
        let mut found = LoadError { path: name.clone(), problems }.to_string();
        if !found.is_empty() {
            found.push('\n');
        }
        assert!(!found.contains("papaya"), "{}: a message shows a secret", name.display());
        let beside = path.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&beside, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if found != expected {
            let _ = write!(wrong, "\n== {}\nexpected:\n{expected}found:\n{found}", name.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_file_cut_anywhere_gives_an_answer() {
    let text = std::fs::read_to_string(folder().join("right.toml")).unwrap();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        if let Err(error) = resolve_text(&text[..end], &options()) {
            assert!(error.problems.iter().any(|problem| problem.severity == Severity::Error), "cut at {end}");
        }
    }
}

#[test]
fn a_right_file_is_read() {
    let settings = load(&folder().join("right.toml"), &options()).unwrap();
    assert_eq!(settings.timezone.name(), "Europe/Berlin");
    assert_eq!(settings.personio.client_secret.expose(), "papaya-secret");
    assert_eq!(settings.personio.partner_id.as_deref(), Some("ACME"));
    assert_eq!(settings.personio.base_url, "https://api.personio.de");
    assert_eq!((settings.personio.requests_per_minute, settings.personio.requests_per_second), (300, 15));
    assert_eq!(settings.state.location, StateLocation::File(folder().join("personio-sync.sqlite")));
    assert_eq!(settings.state.keep, Duration::from_secs(90 * 86_400));
    let budget = BudgetSettings { tasks: 5_000, period: BudgetPeriod::Month, warn_at: Share(7_500), targets: None };
    assert_eq!(settings.budget, Some(budget));
    assert_eq!(&*settings.vocabulary.tables()["gender"]["male"], "M");
    assert_eq!(&*settings.vocabulary.tables()["gender"]["other"], "3");
    let secrets: Vec<&str> = settings.secrets.iter().map(Secret::expose).collect();
    assert_eq!(secrets, ["papaya-id", "papaya-secret", "papaya-key"]);

    let desk = &settings.targets[0];
    let names: Vec<&str> = desk.plan.fields.iter().map(|field| &*field.name).collect();
    let mapped = [
        "first_name",
        "primary_email",
        "job_title",
        "department_ids",
        "reporting_manager_id",
        "custom_fields.cost_center",
        "custom_fields.size",
        "custom_fields.shirt",
        "language",
        "work_phone_number",
        "start_date",
    ];
    assert_eq!(names[..mapped.len()], mapped);
    assert_eq!(names[mapped.len()..], ["external_id", "created_at", "vip"], "matched, then protected");
    let indexes: Vec<usize> = desk.plan.mapping.iter().map(|mapping| mapping.index.get()).collect();
    assert_eq!(indexes, (0..mapped.len()).collect::<Vec<_>>());
    assert_eq!(desk.plan.match_fields, [FieldIndex(11), FieldIndex(1)]);
    assert_eq!(desk.plan.create_missing, [FieldIndex(3)]);
    assert_eq!((desk.plan.include.len(), desk.plan.exclude.len(), desk.plan.safety.protect.len()), (2, 1, 2));
    let language = &desk.plan.mapping[8];
    assert_eq!(language.source, MappingSource::Constant(FieldValue::text("en")));
    assert_eq!(
        (language.when, language.on_empty, language.on_invalid),
        (When::Create, OnEmpty::Clear, OnInvalid::Partly)
    );
    assert_eq!(desk.plan.mapping[9].on_empty, OnEmpty::Keep);
    assert_eq!(desk.plan.mapping[10].source, MappingSource::Constant(FieldValue::Date("2026-04-01".parse().unwrap())));
    assert_eq!(desk.plan.safety.max_deactivate, Some(Limit::Share(Share(500))));
    assert_eq!(desk.plan.safety.max_create, Some(Limit::Count(40)));
    assert_eq!((desk.plan.safety.max_failures, desk.plan.safety.max_update), (20, None));
    let leavers = Leavers { grace_days: 14, missing: LeaverAction::Deactivate, ..Leavers::default() };
    assert_eq!(desk.plan.leavers, leavers);
    assert_eq!(desk.every.map(|every| every.spelled()).as_deref(), Some("24h at 05:00"));
    assert!(!desk.paused);
    assert_eq!(desk.writers, 8);
    assert_eq!(desk.group.as_deref(), None);
    assert!(!format!("{settings:?}").contains("papaya"));
}

#[test]
fn without_a_list_the_attributes_are_those_the_file_uses() {
    let text = with_targets(
        "[personio.aliases]\nni_number = \"dynamic_4711\"\nunused = \"dynamic_5\"\n\
         [targets.desk]\ntype = \"directory\"\ndomain = \"a\"\napi_key = { env = \"API_KEY\" }\n\
         include = [\"office_id == 7\", \"lifecycle != 'left'\"]\nexclude = [\"supervisor_email == ''\"]\n\
         [targets.desk.mapping]\nfirst_name = \"preferred_name or first_name\"\nprimary_email = \"email\"\n\
         \"custom_fields.ni\" = { from = \"ni_number\" }\n\
         [targets.list]\ntype = \"roster\"\npath = \"x\"\nmatch = [\"id\"]\n\
         [targets.list.mapping]\nid = \"employee_id\"\ncost = \"cost_center\"\n",
    );
    let settings = resolve_text(&text, &options()).unwrap();
    assert_eq!(
        settings.attributes.keys().collect::<Vec<_>>(),
        [
            "cost_centers",
            "dynamic_4711",
            "email",
            "first_name",
            "hire_date",
            "last_working_day",
            "office",
            "preferred_name",
            "status",
            "supervisor",
            "termination_date"
        ]
    );
}

#[test]
fn a_list_is_taken_as_it_is() {
    let text = format!(
        "[personio]\nclient_id = {{ env = \"CLIENT_ID\" }}\nclient_secret = {{ env = \"CLIENT_SECRET\" }}\n\
         attributes = [\"status\", \"email\", \"first_name\", \"birthday\", \"last_working_day\"]\n{DESK}"
    );
    let settings = resolve_text(&text, &options()).unwrap();
    let keys: Vec<&str> = settings.attributes.keys().collect();
    assert_eq!(keys, ["birthday", "email", "first_name", "last_working_day", "status"]);
    assert_eq!(settings.warnings, []);
}

#[test]
fn invented_secrets_need_nothing_from_outside() {
    let nobody = |_: &str| -> Option<String> { panic!("nothing is looked up") };
    let text = with_targets(&DESK.replace("env = \"API_KEY\"", "command = [\"no-such-program\"]"))
        + "[state]\nurl = { file = \"no-such-file\" }\n";
    let options = LoadOptions { kinds: KINDS, secrets: SecretMode::Invent, ..LoadOptions::new(&nobody) };
    let settings = resolve_text(&text, &options).unwrap();
    assert_eq!(settings.secrets, [], "an invented secret needs no scrubbing");
}

#[test]
fn a_secret_in_the_place_of_a_name_is_not_shown() {
    let text = with_targets(&DESK.replace("env = \"API_KEY\"", "env = \"fs-s3cr3t\""));
    let error = error_of(&text);
    assert!(error.contains("`env` takes the name of an environment variable") && !error.contains("s3cr3t"), "{error}");
}

#[test]
fn secrets_of_targets_that_are_not_asked_for_are_not_read() {
    let other = DESK.replace("desk", "other").replace("acme", "other").replace("API_KEY", "NOT_SET");
    let text = with_targets(&format!("{DESK}{other}"));
    assert_eq!(
        error_of(&text),
        "test.toml:14:11: error: `targets.other.api_key` cannot be read: \
         the environment variable `NOT_SET` is not set"
    );
    let only = ["desk".to_owned()];
    let settings = resolve_text(&text, &LoadOptions { only: &only, ..options() }).unwrap();
    assert_eq!(settings.targets.len(), 2, "the others are there for their filters");
    let secrets: Vec<&str> = settings.secrets.iter().map(Secret::expose).collect();
    assert_eq!(secrets, ["papaya-id", "papaya-secret", "papaya-key"]);
}

#[test]
fn a_target_that_is_asked_for_must_be_there() {
    let text = with_targets(DESK);
    for (name, message) in [
        ("dsek", "test.toml: error: there is no target `dsek`; did you mean `desk`?"),
        ("payroll", "test.toml: error: there is no target `payroll`; the file has `desk`"),
    ] {
        let only = [name.to_owned()];
        let error = resolve_text(&text, &LoadOptions { only: &only, ..options() }).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn the_text_of_a_section_shows_what_counts_and_no_secret() {
    let section = |text: &str| resolve_text(&with_targets(text), &options()).unwrap().targets.remove(0).section;
    let original = section(DESK);
    let same = DESK
        .replace("domain = \"acme.example.com\"", "paused = true # for a week\ndomain   = 'acme.example.com'")
        .replace("[targets.desk.mapping]", "# fields\n[targets.desk.mapping]");
    assert_eq!(section(&same), original);
    for (from, to) in [
        ("\"email\"", "\"email | lower\""),
        ("acme.", "other."),
        ("type = \"directory\"", "type = \"directory\"\nevery = \"1h\""),
        (
            "first_name = \"first_name\"\nprimary_email = \"email\"",
            "primary_email = \"email\"\nfirst_name = \"first_name\"",
        ),
    ] {
        assert_ne!(section(&DESK.replace(from, to)), original, "{to}");
    }
    let plain = section(&DESK.replace("{ env = \"API_KEY\" }", "\"papaya-plain\""));
    assert!(!plain.contains("papaya"), "{plain}");
}

#[test]
fn a_plain_secret_is_collected_and_never_printed() {
    let text = with_targets(&DESK.replace("{ env = \"API_KEY\" }", "\"papaya-plain\""));
    let settings = resolve_text(&text, &options()).unwrap();
    assert!(settings.secrets.iter().any(|secret| secret.expose() == "papaya-plain"));
    assert!(!format!("{settings:?}").contains("papaya"));
}

#[cfg(unix)]
#[test]
fn a_plain_secret_is_doubtful_only_where_others_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("personio-sync.toml");
    std::fs::write(&path, with_targets(&DESK.replace("{ env = \"API_KEY\" }", "\"papaya-plain\""))).unwrap();
    for (mode, warnings) in [(0o600, 0), (0o700, 0), (0o640, 1), (0o604, 1)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let settings = load(&path, &options()).unwrap();
        assert_eq!(settings.warnings.len(), warnings, "{mode:o}: {:?}", settings.warnings);
        assert!(settings.warnings.iter().all(|warning| warning.code == Code::PlainSecret));
    }
}

#[test]
fn paths_start_at_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.toml");
    std::fs::write(folder.path().join("key.txt"), "papaya-file\n").unwrap();
    let text =
        with_targets(&DESK.replace("env = \"API_KEY\"", "file = \"key.txt\"")) + "[state]\npath = \"a/b.sqlite\"\n";
    std::fs::write(&path, text).unwrap();
    let settings = load(&path, &options()).unwrap();
    assert_eq!(settings.state.location, StateLocation::File(folder.path().join("a/b.sqlite")));
    assert!(settings.secrets.iter().any(|secret| secret.expose() == "papaya-file"));
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_try() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    let error = load(&path, &options()).unwrap_err().to_string();
    assert!(error.contains(": error: there is no such file; write one with `personio-sync init`"), "{error}");
    assert!(error.contains("--config"), "{error}");
    let error = load(folder.path(), &options()).unwrap_err().to_string();
    assert!(error.ends_with("is a folder; `--config` takes the file in it"), "{error}");

    std::fs::write(&path, b"timezone = \"UTC\"\nx\xc3\xbc = \"M\xfcller\"").unwrap();
    let error = load(&path, &options()).unwrap_err().to_string();
    assert!(error.ends_with(":2:8: error: is not UTF-8 text from here on; save the file as UTF-8"), "{error}");
}

#[test]
fn windows_editors_may_put_a_mark_before_the_text() {
    let text = format!("\u{feff}timezon = 1\n{}", with_targets(DESK)).replace('\n', "\r\n");
    assert_eq!(
        error_of(&text).lines().next().unwrap_or_default().split(';').next().unwrap_or_default(),
        "test.toml:1:1: error: the file does not know `timezon`"
    );
}

#[test]
fn a_type_that_gives_up_in_silence_is_no_settled_file() {
    let silent: &[Kind] = &[Kind::unlisted("directory", |table| {
        table.accept_all();
        None
    })];
    let error = resolve_text(&with_targets(DESK), &LoadOptions { kinds: silent, ..options() }).unwrap_err();
    assert!(error.problems.iter().any(|problem| problem.severity == Severity::Error), "{error}");
}

#[test]
fn which_file_is_read() {
    let set = |_: &str| Some("/etc/ours.toml".to_owned());
    let unset = |_: &str| None;
    assert_eq!(find_config(Some("mine.toml".into()), &set), Path::new("mine.toml"));
    assert_eq!(find_config(None, &set), Path::new("/etc/ours.toml"));
    assert_eq!(find_config(None, &|_| Some(" ".into())), Path::new("personio-sync.toml"));
    assert_eq!(find_config(None, &unset), Path::new("personio-sync.toml"));
}
