use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::code::Code;
use crate::employee::Attributes;
use crate::notify;
use crate::rules::Variable;
use crate::targets::{KINDS, Kind};
use crate::zone::Zones;

use super::settings::{ConfigFile, Settings, TargetSettings};
use super::shape::{Phones, Shape};
use super::target::{self, TargetRead};
use super::{budget, expectations, lookup_tables, personio, state, syntax, timezone};
use crate::section::{Context, Problem, Problems, SecretMode, SecretReader, Severity, Table, position};
use crate::words::nearest;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "personio-sync.toml";

/// The variable that names another file.
const FILE_VARIABLE: &str = "PERSONIO_SYNC_CONFIG";

/// What tells where an employee stands; always needed, whatever the expressions use.
const LIFECYCLE_ATTRIBUTES: [&str; 4] = ["status", "hire_date", "termination_date", "last_working_day"];

/// How a file is loaded.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// Looks up a variable of the environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// What is done about secrets.
    pub secrets: SecretMode,
    /// The types of targets that the file may name.
    pub kinds: &'a [Kind],
    /// The targets asked for on the command line; empty for all. The others are loaded and checked, too, but
    /// their secrets are not read: they must not be opened.
    pub only: &'a [String],
    /// Whether somebody may be told of something: where not, the secrets of `[notify]` are not read.
    pub tells: bool,
    /// The time zones there are.
    pub zones: &'a Zones,
}

impl<'a> LoadOptions<'a> {
    /// Reads all secrets, knows all types, means all targets; of the time zones, those compiled in.
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { environment, secrets: SecretMode::Read, kinds: KINDS, only: &[], tells: true, zones: Zones::compiled() }
    }
}

impl fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions").field("secrets", &self.secrets).field("only", &self.only).finish_non_exhaustive()
    }
}

/// Why a file cannot be used: all its problems, sorted by place, warnings included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file, as given.
    pub path: PathBuf,
    /// At least one of them is an error.
    pub problems: Vec<Problem>,
}

impl std::error::Error for LoadError {}

/// `path:line:column: error: message`, one a line.
impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{}", problem.in_file(&self.path))?;
        }
        Ok(())
    }
}

impl LoadError {
    fn whole_file(path: &Path, code: Code, message: String) -> Self {
        let problem = Problem { severity: Severity::Error, code, line: None, column: None, message };
        Self { path: path.to_owned(), problems: vec![problem] }
    }
}

/// The file to load: `--config`, else `PERSONIO_SYNC_CONFIG`, else the one in the working folder.
pub fn find_config(cli: Option<PathBuf>, environment: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    cli.or_else(|| environment(FILE_VARIABLE).filter(|path| !path.trim().is_empty()).map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from(DEFAULT_FILE))
}

/// Reads a file and everything that it says as far as that can be told without contacting anybody.
///
/// # Errors
///
/// When the file cannot be read, or there is any mistake in it; all of them are in the error.
pub fn load(path: &Path, options: &LoadOptions<'_>) -> Result<Settings, LoadError> {
    let bytes = std::fs::read(path).map_err(|error| {
        let (code, message) = match error.kind() {
            ErrorKind::NotFound => (
                Code::FileNotFound,
                format!(
                    "there is no such file; write one with `personio-sync init`, or name yours with \
                     `--config FILE` or {FILE_VARIABLE}"
                ),
            ),
            ErrorKind::IsADirectory => {
                (Code::FileUnreadable, "is a folder; `--config` takes the file in it".to_owned())
            }
            _ => (Code::FileUnreadable, format!("cannot be read: {error}")),
        };
        LoadError::whole_file(path, code, message)
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let (line, column) = position(&valid, valid.len());
        let message = "is not UTF-8 text from here on; save the file as UTF-8".to_owned();
        let problem =
            Problem { severity: Severity::Error, code: Code::Syntax, line: Some(line), column: Some(column), message };
        LoadError { path: path.to_owned(), problems: vec![problem] }
    })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    resolve(ConfigFile { path: path.to_owned(), folder, text }, readable_by_others(path), options)
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_path: &Path) -> bool {
    false
}

/// What the text of a file says, every name in it looked up.
pub(super) fn resolve(
    file: ConfigFile,
    readable_by_others: bool,
    options: &LoadOptions<'_>,
) -> Result<Settings, LoadError> {
    let text = file.text.clone();
    let (document, broken) = DeTable::parse_recoverable(&text);
    // What is missing after a syntax error may only be hidden by it, so nobody is asked for a password yet.
    let mode = if broken.is_empty() { options.secrets } else { SecretMode::Invent };
    let reader =
        |mode| SecretReader::new(options.environment, &file.folder, mode).readable_by_others(readable_by_others);
    let (secrets, invented) = (reader(mode), reader(SecretMode::Invent));
    let problems = Problems::new(&text);
    let context = Context { problems: &problems, secrets: &secrets, zones: options.zones };
    let root = Table::new("", 0..0, document.get_ref(), context);

    let shape: Shape = root.read().unwrap_or_default();
    let timezone = timezone::read(&root, shape.timezone.as_ref());
    let lookup_tables = lookup_tables::read(&root);
    let mut source = personio::read(&root, lookup_tables);
    source.vocabulary = source.vocabulary.with_known_phones(shape.phones == Phones::Known);
    let state = state::read(&root, &file.folder);
    let budget = budget::read(&root);
    let unread = Context { problems: &problems, secrets: &invented, zones: options.zones };
    // The same table once more: nobody types a password to reach people whom nothing is told.
    let quiet = Table::new("", 0..0, document.get_ref(), unread);
    let tells = options.tells && mode == SecretMode::Read;
    let _ = root.table("notify");
    let notify = notify::read(if tells { &root } else { &quiet }, &file.folder, tells);
    let targets = read_targets(&root, document.get_ref(), &source, unread, options);
    let tests = expectations::read(&root, &source.vocabulary, &targets);
    root.finish();

    let found_secrets = secrets.found();
    let secret_sources = secrets.sources().and(invented.sources());
    if !broken.is_empty() {
        return Err(LoadError { path: file.path, problems: syntax::report(&text, &broken, problems.into_sorted()) });
    }
    let fine = !problems.any_error();
    let sorted = problems.into_sorted();
    match (source.settings, state, targets.into_iter().collect::<Option<Vec<_>>>()) {
        (Some(personio), Some(state), Some(targets)) if fine => {
            let attributes = Attributes::new(source.listed.unwrap_or_else(|| used_attributes(&targets)));
            Ok(Settings {
                file,
                timezone,
                personio,
                attributes,
                vocabulary: source.vocabulary,
                state,
                budget,
                notify,
                targets,
                tests,
                warnings: sorted,
                secrets: found_secrets,
                secret_sources,
            })
        }
        // A type of target gave up on its section without saying why.
        _ if fine => Err(LoadError::whole_file(
            &file.path,
            Code::Unsettled,
            "cannot be settled although no mistake was found in it; please report this".to_owned(),
        )),
        _ => Err(LoadError { path: file.path, problems: sorted }),
    }
}

/// One entry for each target of the file; `None` for one that is wrong.
fn read_targets<'a>(
    root: &Table<'a>,
    document: &'a DeTable<'a>,
    source: &personio::Source,
    unread: Context<'a>,
    options: &LoadOptions<'_>,
) -> Vec<Option<TargetSettings>> {
    let problems = root.problems();
    let mut read = Vec::new();
    if let Some(all) = root.table("targets") {
        // The same table once more: secrets of targets that are not asked for are not read.
        let others = Table::new("", 0..0, document, unread).table("targets");
        for (name, _) in all.entries() {
            let asked_for = options.only.is_empty() || options.only.iter().any(|only| only == name.value);
            let from = others.as_ref().filter(|_| !asked_for).unwrap_or(&all);
            if let Some(section) = from.table(name.value) {
                read.push(target::read(name, &section, options.kinds, &source.vocabulary));
                section.finish();
            }
        }
    }
    unknown_targets(&read, problems, options);
    let is_another_value = document.get("targets").is_some_and(|targets| !targets.get_ref().is_table());
    if read.is_empty() && !is_another_value {
        problems.whole_file(
            Severity::Warning,
            Code::NoTarget,
            "names no target, so nothing can be kept in line; add one such as [targets.staff-list] with \
             type = \"file\", or let `personio-sync init` write it",
        );
    }
    target::single_member_groups(&read, problems);
    target::duplicate_identities(&read, problems);
    target::directories(&read, problems);
    read.into_iter().map(|target: TargetRead<'_>| target.settings).collect()
}

fn unknown_targets(read: &[TargetRead<'_>], problems: &Problems<'_>, options: &LoadOptions<'_>) {
    let names: Vec<&str> = read.iter().map(|target| target.name.value).collect();
    for only in options.only {
        if names.contains(&only.as_str()) {
            continue;
        }
        let hint = match nearest(only, &names) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None if names.is_empty() => "the file names none".to_owned(),
            None => {
                format!("the file has {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
            }
        };
        problems.whole_file(Severity::Error, Code::UnknownTarget, format!("there is no target `{only}`; {hint}"));
    }
}

/// Exactly what the expressions of the file use, and what tells where an employee stands.
fn used_attributes(targets: &[TargetSettings]) -> Vec<Box<str>> {
    let mapped =
        targets.iter().flat_map(|target| &target.plan.mapping).filter_map(|mapping| mapping.source.expression());
    let filters = targets.iter().flat_map(|target| target.plan.include.iter().chain(&target.plan.exclude));
    let workflows = || targets.iter().flat_map(|target| &target.plan.workflows);
    let asked = workflows().flat_map(|workflow| workflow.expressions());
    let changed = workflows().flat_map(|workflow| &workflow.changed).map(AsRef::as_ref);
    let used = mapped
        .chain(filters)
        .chain(asked)
        .flat_map(|expression| expression.variables())
        .filter_map(Variable::attribute);
    used.chain(changed).chain(LIFECYCLE_ATTRIBUTES).map(Into::into).collect()
}
