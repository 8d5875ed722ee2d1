use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

use toml::Spanned;
use toml::de::DeValue;

use crate::code::Code;

use super::{Context, Secret, Table};

/// Reads secrets where the file says they are: the only place that looks at the environment.
pub struct SecretReader<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    folder: &'a Path,
    mode: SecretMode,
    readable_by_others: bool,
    found: RefCell<Vec<Secret>>,
    plain: RefCell<Vec<Range<usize>>>,
    known: RefCell<Vec<(Range<usize>, String, Secret)>>,
    sources: RefCell<SecretSources>,
}

/// Where the secrets of a file come from, whether they were read or not: names alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretSources {
    /// Variables of the environment.
    pub variables: BTreeSet<String>,
    /// Files, as the file names them.
    pub files: BTreeSet<String>,
    /// Programs that print one.
    pub programs: BTreeSet<String>,
}

impl SecretSources {
    /// Those of two readers of one file.
    pub fn and(mut self, other: Self) -> Self {
        self.variables.extend(other.variables);
        self.files.extend(other.files);
        self.programs.extend(other.programs);
        self
    }
}

/// What is done about secrets while a file is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMode {
    /// They are read; one that cannot be read is an error.
    Read,
    /// They are not looked at: the sandbox and commands that contact nobody need none.
    Invent,
}

impl fmt::Debug for SecretReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretReader").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl<'a> SecretReader<'a> {
    /// Looks variables up in `environment`, and files relative to the folder of the configuration.
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>, folder: &'a Path, mode: SecretMode) -> Self {
        Self {
            environment,
            folder,
            mode,
            readable_by_others: false,
            found: RefCell::default(),
            plain: RefCell::default(),
            known: RefCell::default(),
            sources: RefCell::default(),
        }
    }

    /// Whether other users of the machine may read the file, so that a secret in it deserves a warning.
    pub fn readable_by_others(mut self, readable: bool) -> Self {
        self.readable_by_others = readable;
        self
    }

    /// Every secret that was read, so that output can be scrubbed of them.
    pub fn found(&self) -> Vec<Secret> {
        self.found.borrow().clone()
    }

    /// Where secrets stand in the file as plain texts.
    pub fn plain_places(&self) -> Vec<Range<usize>> {
        self.plain.borrow().clone()
    }

    /// Where the secrets come from that were asked for.
    pub fn sources(&self) -> SecretSources {
        self.sources.borrow().clone()
    }

    /// The folder of the configuration, which relative paths in it start from.
    pub fn folder(&self) -> &'a Path {
        self.folder
    }

    /// A plain text, `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM", "ARGUMENT"] }`.
    ///
    /// In place of one that cannot be had, which is an error of the file, stands an invented one: so whatever else is
    /// wrong with its section is told as well.
    pub(super) fn read(&self, name: &str, value: &Spanned<DeValue<'_>>, context: Context<'_>) -> Secret {
        // A section with mistakes is read several times; nobody types the password of a manager as often.
        let same = |(span, of, _): &&(Range<usize>, String, Secret)| *span == value.span() && of == name;
        if let Some((.., secret)) = self.known.borrow().iter().find(same) {
            return secret.clone();
        }
        let secret = self.read_once(name, value, context);
        self.known.borrow_mut().push((value.span(), name.to_owned(), secret.clone()));
        secret
    }

    fn read_once(&self, name: &str, value: &Spanned<DeValue<'_>>, context: Context<'_>) -> Secret {
        let problems = context.problems;
        let found = match value.get_ref() {
            DeValue::String(text) => {
                self.plain.borrow_mut().push(value.span());
                if self.readable_by_others {
                    problems.warning(
                        value.span(),
                        Code::PlainSecret,
                        format!(
                            "{name} stands in the file itself, which others on this machine may read; \
                             keep it out with {{ env = \"...\" }}, or run `chmod 600` on the file"
                        ),
                    );
                }
                Ok(text.to_string())
            }
            DeValue::Table(entries) => {
                // A table of its own scope: its lifetime ends here, the secret does not.
                let table = Table::new(name.trim_matches('`'), value.span(), entries, context);
                let (variable, file, command) = (table.text("env"), table.text("file"), table.texts("command"));
                let forms = [table.has("env"), table.has("file"), table.has("command")]
                    .into_iter()
                    .filter(|given| *given)
                    .count();
                table.finish();
                if forms != 1 {
                    problems.error(
                        value.span(),
                        Code::MissingKey,
                        format!("{name} needs exactly one of `env`, `file` and `command`"),
                    );
                    return invented();
                }
                let mut sources = self.sources.borrow_mut();
                match (&variable, &file, &command) {
                    (Some(variable), ..) if is_variable(variable.value) => {
                        sources.variables.insert(variable.value.to_owned());
                    }
                    (_, Some(file), _) => {
                        sources.files.insert(file.value.to_owned());
                    }
                    (.., Some(command)) => sources.programs.extend(command.first().map(|word| word.value.to_owned())),
                    _ => {}
                }
                drop(sources);
                if self.mode == SecretMode::Invent {
                    return invented();
                }
                match (variable, file, command) {
                    // Not shown: it may be the secret itself, put into the wrong place.
                    (Some(variable), _, _) if !is_variable(variable.value) => {
                        Err("`env` takes the name of an environment variable: letters, digits and `_`".to_owned())
                    }
                    (Some(variable), _, _) => match (self.environment)(variable.value) {
                        Some(value) if !value.trim().is_empty() => Ok(value),
                        Some(_) => Err(format!("the environment variable `{}` is set, but empty", variable.value)),
                        None => Err(format!("the environment variable `{}` is not set", variable.value)),
                    },
                    (_, Some(file), _) => std::fs::read_to_string(self.folder.join(file.value))
                        .map_err(|error| format!("the file `{}` cannot be read: {error}", file.value)),
                    (_, _, Some(command)) => run(&command.iter().map(|part| part.value).collect::<Vec<_>>()),
                    _ => return invented(),
                }
            }
            _ => {
                problems.error(
                    value.span(),
                    Code::WrongType,
                    format!(
                        "{name} must be a text, {{ env = \"...\" }}, {{ file = \"...\" }} or {{ command = [...] }}"
                    ),
                );
                return invented();
            }
        };
        if self.mode == SecretMode::Invent {
            return invented();
        }
        match found.map(|text| text.trim().to_owned()) {
            Ok(secret) if !secret.is_empty() => {
                let secret = Secret::new(secret);
                self.found.borrow_mut().push(secret.clone());
                secret
            }
            Ok(_) => {
                problems.error(value.span(), Code::UnreadableSecret, format!("{name} is empty"));
                invented()
            }
            Err(why) => {
                problems.error(value.span(), Code::UnreadableSecret, format!("{name} cannot be read: {why}"));
                invented()
            }
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn invented() -> Secret {
    Secret::new("invented")
}

/// Runs a password manager and takes what it prints. Its own messages go to the terminal.
fn run(command: &[&str]) -> Result<String, String> {
    let [program, arguments @ ..] = command else {
        return Err("`command` is empty".into());
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{program}` ended with {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{program}` printed something that is not text"))
}
