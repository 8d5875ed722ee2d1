//! By SFTP, with OpenSSH's own `sftp` in batch mode.
//!
//! Each file is written under a name of its own, made readable, and only then given its name, so that an importer sees it
//! whole or not at all. No key and no password is on the command line.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::code::Code;
use crate::section::shape::{self, Count};
use crate::section::{Located, Table};
use crate::targets::file::NamedFile;
use crate::targets::{ErrorKind, TargetError};

/// The keys of a delivery by SFTP, beside those of the file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shape {
    /// The server
    #[schemars(example = &"sftp.example.com")]
    host: Located<String>,
    /// Its port. Left out: 22
    port: Option<Count<1, 65_535>>,
    /// The name to sign in with
    #[schemars(example = &"acme")]
    user: Located<String>,
    /// The file of the private key to sign in with, relative to the folder of the configuration
    #[schemars(example = &"sftp.key")]
    key: String,
    /// A file with the keys of the server, as OpenSSH's `known_hosts`; any other server is refused
    #[schemars(example = &"sftp.known_hosts")]
    known_hosts: String,
    /// Where the file goes on the server
    #[schemars(example = &"/upload/people.csv")]
    path: Located<String>,
    /// The permissions of the file there, such as `0644` for whoever has an account on the server
    #[serde(default = "owner_and_group", deserialize_with = "permissions")]
    mode: String,
    /// Where the file is kept on this machine, under the same name. Left out: the folder of the configuration
    copy_folder: Option<String>,
}

fn owner_and_group() -> String {
    "0640".into()
}

fn permissions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.bytes().all(|digit| (b'0'..=b'7').contains(&digit)) && (3..=4).contains(&text.len()) {
        true => Ok(text),
        false => Err(D::Error::custom("must be permissions such as \"0640\"")),
    }
}

/// A folder on a server, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sftp {
    host: String,
    port: u64,
    user: String,
    key: PathBuf,
    known_hosts: PathBuf,
    /// With its slash at the end.
    folder: String,
    name: String,
    mode: String,
    copy_folder: PathBuf,
}

pub(super) fn schema(generator: &mut SchemaGenerator) -> serde_json::Value {
    shape::definition::<Shape>(generator)
}

impl Sftp {
    pub(super) fn parse(table: &Table<'_>) -> Option<Self> {
        let Shape { host, port, user, key, known_hosts, path, mode, copy_folder } = table.read()?;
        let check = |key: &str, found: &Located<String>, right: bool, what: &str| {
            if !right {
                let message = format!("{} must be {what}", table.name_of(key));
                table.problems().error(found.span.clone(), Code::WrongValue, message);
            }
            right
        };
        let (folder, name) = path.value.rsplit_once('/').map_or(("", &*path.value), |(folder, name)| (folder, name));
        let right = [
            check("host", &host, is_host(&host.value), "the name or address of a server such as \"sftp.example.com\""),
            check("user", &user, is_user(&user.value), "a name to sign in with, in letters, digits and `._+-@`"),
            check("path", &path, is_path(&path.value, name), "the path of a file on the server, without \" and \\"),
        ];
        // From the root, or from where the server puts whoever signs in; never to be taken for an option.
        let folder = if path.value.starts_with('/') { format!("{folder}/") } else { format!("./{folder}/") };
        let here = |file: &str| table.context().secrets.folder().join(file);
        let (name, user) = (name.to_owned(), user.value);
        right.iter().all(|right| *right).then_some(())?;
        Some(Self {
            host: host.value,
            port: port.map_or(22, |Count(port)| port),
            user,
            key: here(&key),
            known_hosts: here(&known_hosts),
            folder: folder.replace(".//", "./"),
            name,
            mode,
            copy_folder: here(copy_folder.as_deref().unwrap_or_default()),
        })
    }

    /// The file on this machine.
    pub(super) fn copy(&self) -> PathBuf {
        self.copy_folder.join(&self.name)
    }

    pub(super) fn destination(&self) -> String {
        format!("{}@{}:{}, {}{}", self.user, self.host, self.port, self.folder, self.name)
    }

    /// Sends files to the folder; they take the place of those of their names.
    pub(super) fn send(&self, files: &[NamedFile]) -> Result<(), TargetError> {
        let local = |error: std::io::Error| {
            TargetError::new(ErrorKind::Unavailable, format!("what is to be sent cannot be put together: {error}"))
        };
        let outbox = tempfile::tempdir().map_err(local)?;
        for (number, file) in files.iter().enumerate() {
            std::fs::write(outbox.path().join(number.to_string()), &file.bytes).map_err(local)?;
        }
        let sent = self.run(outbox.path(), &self.batch(files))?;
        if sent.status.success() {
            return Ok(());
        }
        // What is left under another name is nobody's, and the next run would write over it anyway.
        let _ = self.run(outbox.path(), &self.tidy(files));
        Err(self.failure(&sent))
    }

    /// The path of a file in the folder, as a batch writes it.
    fn quoted(&self, name: &str) -> String {
        format!("\"{}{name}\"", self.folder)
    }

    /// A name that no importer takes for a delivery.
    fn unfinished(&self, name: &str) -> String {
        self.quoted(&format!(".{name}.part"))
    }

    fn batch(&self, files: &[NamedFile]) -> String {
        let mut batch = String::new();
        for (number, file) in files.iter().enumerate() {
            let unfinished = self.unfinished(&file.name);
            batch += &format!("put {number} {unfinished}\nchmod {} {unfinished}\n", self.mode);
        }
        for file in files {
            batch += &format!("rename {} {}\n", self.unfinished(&file.name), self.quoted(&file.name));
        }
        batch
    }

    fn tidy(&self, files: &[NamedFile]) -> String {
        files.iter().map(|file| format!("-rm {}\n", self.unfinished(&file.name))).collect()
    }

    fn command(&self) -> Command {
        let option = |name: &str, value: &dyn std::fmt::Display| format!("-o{name}={value}");
        let file = |path: &Path| format!("\"{}\"", path.display());
        let mut command = Command::new("sftp");
        // Nothing of what the user's own settings for `ssh` say, and nothing that would ask.
        command.args(["-F", "none", "-b", "-", "-P", &self.port.to_string()]);
        command.args([
            // `-q` would leave out why a connection came to nothing.
            option("LogLevel", &"ERROR"),
            option("BatchMode", &"yes"),
            option("StrictHostKeyChecking", &"yes"),
            option("UserKnownHostsFile", &file(&self.known_hosts)),
            option("GlobalKnownHostsFile", &"none"),
            option("IdentityFile", &file(&self.key)),
            option("IdentitiesOnly", &"yes"),
            option("IdentityAgent", &"none"),
            option("PasswordAuthentication", &"no"),
            option("KbdInteractiveAuthentication", &"no"),
            option("User", &self.user),
            option("ConnectTimeout", &"20"),
            option("ServerAliveInterval", &"15"),
            option("ServerAliveCountMax", &"3"),
        ]);
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        command.arg("--").arg(host);
        command
    }

    fn run(&self, folder: &Path, batch: &str) -> Result<Output, TargetError> {
        let failed = |error: std::io::Error| {
            let why = format!("`sftp` cannot be run ({error}); it comes with OpenSSH's client");
            TargetError::new(ErrorKind::Unavailable, why)
        };
        let mut command = self.command();
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        // A batch is small enough for any pipe; a program that ended before it read it says so by its status.
        if let Some(mut input) = child.stdin.take() {
            let _ = input.write_all(batch.as_bytes());
        }
        child.wait_with_output().map_err(failed)
    }

    fn failure(&self, output: &Output) -> TargetError {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let said = said[said.len().saturating_sub(LINES_SAID)..].join("; ");
        let refused = ["Permission denied (", "Host key verification failed", "Too many authentication failures"];
        let server = format!("{}:{}", self.host, self.port);
        match output.status.code() {
            // `sftp` ends with 255 for whatever happens before its first command.
            Some(255) if refused.iter().any(|words| said.contains(words)) => {
                let why = "does not take `user` and `key`, or is not the server that `known_hosts` names";
                TargetError::new(ErrorKind::SignIn, format!("{server} {why}: {said}"))
            }
            Some(255) => TargetError::new(ErrorKind::Unavailable, format!("{server} cannot be reached: {said}")),
            Some(_) => TargetError::new(ErrorKind::Unavailable, format!("{server} did not take the files: {said}")),
            None => TargetError::new(ErrorKind::Unavailable, format!("{server} went away in the middle: {said}")),
        }
    }
}

/// So many lines of what `sftp` said are shown: the last of them say why.
const LINES_SAID: usize = 3;

fn is_host(text: &str) -> bool {
    !text.starts_with('-') && (text.parse::<std::net::IpAddr>().is_ok() || url::Host::parse(text).is_ok())
}

fn is_user(text: &str) -> bool {
    let letter = |letter: char| letter.is_alphanumeric() || "._+-@".contains(letter);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(letter)
}

/// Between double quotes `sftp` takes everything as it is but these.
fn is_path(text: &str, name: &str) -> bool {
    !["", ".", ".."].contains(&name) && !text.chars().any(|letter| letter.is_control() || "\"\\".contains(letter))
}
