//! Asking for the credentials of Personio and trying them, before a file is written that names them.

use std::io::{self, Write as _};
use std::path::Path;

use crate::config::{LoadOptions, load};
use crate::personio::{CatalogueEntry, SourceErrorKind, Sources, WHERE};
use crate::section::Secret;

use super::super::{Failure, private_file, session};
use super::{Reason, source};

/// The variables in which a starter file looks for the credentials.
pub(super) const VARIABLES: [&str; 2] = ["PERSONIO_CLIENT_ID", "PERSONIO_CLIENT_SECRET"];

/// The files in which what was typed is kept, beside the file that names them.
pub(super) const FILES: [&str; 2] = ["personio-client-id", "personio-client-secret"];

/// How often somebody may mistype.
const TRIES: usize = 3;

/// Credentials that Personio took.
pub(super) struct Accepted {
    /// What was typed; `None` where the environment has them.
    pub(super) typed: Option<[Secret; 2]>,
    /// What they may read; `None` where they may read employees, but not this list.
    pub(super) catalogue: Option<Vec<CatalogueEntry>>,
}

/// Where answers come from, and where a credential is tried.
pub(super) trait Desk {
    fn line(&mut self, prompt: &str) -> io::Result<String>;

    /// A line that is not shown.
    fn hidden(&mut self, prompt: &str) -> io::Result<String>;

    fn say(&mut self, words: &str);

    /// The attributes that a credential may read.
    fn sign_in(&mut self, credential: &[Secret; 2]) -> Result<Option<Vec<CatalogueEntry>>, String>;
}

/// The credentials of the environment or those that somebody types; `None` when there are none, or none that works.
pub(super) fn find(
    desk: &mut dyn Desk,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Accepted>, io::Error> {
    if let [Some(id), Some(secret)] = VARIABLES.map(environment) {
        return Ok(match desk.sign_in(&[Secret::new(id), Secret::new(secret)]) {
            Ok(catalogue) => Some(Accepted { typed: None, catalogue }),
            Err(why) => {
                desk.say(&format!("Personio does not take {} and {}: {why}", VARIABLES[0], VARIABLES[1]));
                None
            }
        });
    }
    desk.say(
        &format!(
            "The credentials of Personio are made {WHERE}. They are sent to Personio alone. Enter nothing to add them later."
        ),
    );
    for _ in 0..TRIES {
        let id = desk.line("Client id: ")?;
        if id.is_empty() {
            return Ok(None);
        }
        let secret = desk.hidden("Client secret (not shown): ")?;
        let credential = [Secret::new(id), Secret::new(secret)];
        match desk.sign_in(&credential) {
            Ok(catalogue) => return Ok(Some(Accepted { typed: Some(credential), catalogue })),
            Err(why) => desk.say(&why),
        }
    }
    Ok(None)
}

/// Asks at the terminal, and signs in to Personio.
pub(super) struct Terminal<'a> {
    pub(super) base_url: Option<&'a str>,
}

impl Desk for Terminal<'_> {
    fn line(&mut self, prompt: &str) -> io::Result<String> {
        eprint!("{prompt}");
        io::stderr().flush()?;
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn hidden(&mut self, prompt: &str) -> io::Result<String> {
        Ok(rpassword::prompt_password(prompt)?.trim().to_owned())
    }

    fn say(&mut self, words: &str) {
        eprintln!("{words}");
    }

    fn sign_in(&mut self, credential: &[Secret; 2]) -> Result<Option<Vec<CatalogueEntry>>, String> {
        let [id, secret] = credential;
        let value_of = |name: &str| match name {
            _ if name == VARIABLES[0] => Some(id.expose().to_owned()),
            _ if name == VARIABLES[1] => Some(secret.expose().to_owned()),
            _ => session::environment(name),
        };
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = folder.path().join("personio-sync.toml");
        private_file::create(&path, source(self.base_url).as_bytes()).map_err(|error| error.to_string())?;
        let settings = load(&path, &LoadOptions::new(&value_of)).map_err(|error| error.to_string())?;
        let source = Sources(&settings.personio).employees().map_err(|error| format!("{error:#}"))?;
        match source.catalogue() {
            Ok(catalogue) => Ok(Some(catalogue)),
            Err(error) if error.kind == SourceErrorKind::Rights => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Refuses to ask for what could not be kept, because a file of an earlier time is in the way.
pub(super) fn free_to_keep(config: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<(), Failure> {
    if VARIABLES.map(environment).iter().all(Option::is_some) {
        return Ok(());
    }
    match FILES.map(|name| config.with_file_name(name)).into_iter().find(|path| path.exists()) {
        None => Ok(()),
        Some(path) => Err(Failure::new(
            Reason::Usage,
            format!(
                "{} is there already and is left alone; move it away, or set {} and {} to the credentials",
                path.display(),
                VARIABLES[0],
                VARIABLES[1]
            ),
        )),
    }
}

/// Keeps what was typed where only its owner may read it.
pub(super) fn keep(typed: &[Secret; 2], config: &Path) -> Result<(), Failure> {
    for (name, secret) in FILES.iter().zip(typed) {
        let path = config.with_file_name(name);
        private_file::create(&path, secret.expose().as_bytes())
            .map_err(|error| Failure::new(Reason::Usage, format!("{} cannot be written: {error}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A desk with answers to give, and one credential that fits.
    struct Fake {
        answers: Vec<&'static str>,
        said: Vec<String>,
        tried: Vec<String>,
    }

    impl Desk for Fake {
        fn line(&mut self, _prompt: &str) -> io::Result<String> {
            Ok(self.answers.remove(0).to_owned())
        }

        fn hidden(&mut self, prompt: &str) -> io::Result<String> {
            self.line(prompt)
        }

        fn say(&mut self, words: &str) {
            self.said.push(words.to_owned());
        }

        fn sign_in(&mut self, [id, secret]: &[Secret; 2]) -> Result<Option<Vec<CatalogueEntry>>, String> {
            self.tried.push(id.expose().to_owned());
            if secret.expose() == "right" { Ok(Some(Vec::new())) } else { Err("refused".into()) }
        }
    }

    fn ask(answers: &[&'static str], environment: &dyn Fn(&str) -> Option<String>) -> (Option<Accepted>, Fake) {
        let mut desk = Fake { answers: answers.to_vec(), said: Vec::new(), tried: Vec::new() };
        let found = find(&mut desk, environment).unwrap();
        (found, desk)
    }

    #[test]
    fn a_credential_is_tried_before_it_is_kept() {
        let (found, desk) = ask(&["me", "wrong", "me", "right"], &|_| None);
        let typed = found.unwrap().typed.unwrap();
        assert_eq!((typed[1].expose(), desk.tried.len()), ("right", 2));
        assert!(desk.said.contains(&"refused".to_owned()));
        assert!(!desk.said.iter().any(|words| words.contains("wrong")), "a secret is not said again");
    }

    #[test]
    fn nobody_has_to_have_one_yet() {
        let (found, desk) = ask(&[""], &|_| None);
        assert!(found.is_none() && desk.tried.is_empty());
        let (found, desk) = ask(&["a", "b", "a", "b", "a", "b"], &|_| None);
        assert!(found.is_none() && desk.tried.len() == TRIES);
    }

    #[test]
    fn nobody_is_asked_for_what_could_not_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("personio-sync.toml");
        assert!(free_to_keep(&config, &|_| None).is_ok());
        std::fs::write(folder.path().join(FILES[1]), "old").unwrap();
        let refused = free_to_keep(&config, &|_| None).unwrap_err().text;
        assert!(refused.contains(FILES[1]) && refused.contains("move it away"), "{refused}");
        assert!(free_to_keep(&config, &|_| Some("known".into())).is_ok());
    }

    #[test]
    fn what_the_environment_has_is_not_asked_for() {
        let (found, desk) = ask(&[], &|name| Some(if name == VARIABLES[0] { "env" } else { "right" }.to_owned()));
        assert!(found.unwrap().typed.is_none());
        assert_eq!(desk.tried, ["env"]);
        let (found, desk) = ask(&[], &|_| Some("wrong".into()));
        assert!(found.is_none() && desk.said[0].contains("PERSONIO_CLIENT_ID"));
    }
}
