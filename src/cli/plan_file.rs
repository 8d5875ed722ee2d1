//! Plans that bind: `plan --out` writes one, `sync --plan` applies exactly that one.

use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::exit::Problem;
use crate::output::json::{self, Binding};
use crate::output::{Document, Kind};
use crate::sync::{Prepared, Reviewed};

use super::session::Session;
use super::{Failure, Reason, private_file};

/// Writes a plan with what it is bound to: the configuration file, what was read of the source, and itself.
pub(super) fn write(
    path: &Path,
    session: &Session,
    prepared: &Prepared<'_>,
    exit_code: u8,
    problems: &[Problem],
) -> Result<(), Failure> {
    let plan = &prepared.plan;
    let document = Document { kind: Kind::Plan, plan: Some(plan), exit_code, problems };
    let binding = Binding {
        file: hash(&session.settings.file.text),
        source: hash(&format!("{:?}", prepared.employees.list)),
        plan: hash(&targets_text(&json::canonical(plan))),
    };
    let text = json::render(&document, Some(&binding));
    private_file::replace(path, text.as_bytes()).map_err(|error| {
        Failure::new(Reason::Usage, format!("the plan cannot be written to {}: {error}", path.display()))
    })
}

/// The part of a plan file that is read back.
#[derive(Deserialize)]
struct PlanFile {
    schema: u32,
    kind: String,
    today: String,
    targets: Vec<serde_json::Value>,
    binding: Option<Binding>,
}

/// Reads a plan file and refuses one that was edited, that belongs to another file, or to another day.
pub(super) fn read(path: &Path, session: &Session) -> Result<Reviewed, Failure> {
    let refuse = |why: &str| Failure::new(Reason::NotApproved, format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Reason::Usage, format!("{} cannot be read: {error}", path.display())))?;
    let file: PlanFile = serde_json::from_str(&text)
        .map_err(|_| refuse("this is not a plan; write one with `personio-sync plan --out FILE`"))?;
    let Some(binding) = file.binding.filter(|_| file.kind == "plan" && file.schema == json::SCHEMA) else {
        return Err(refuse("this is not a plan that can be applied; write one with `personio-sync plan --out FILE`"));
    };
    let targets = serde_json::to_string(&file.targets).map_err(|_| refuse("this is not a plan"))?;
    if hash(&targets_text(&targets)) != binding.plan {
        return Err(refuse("the plan was edited after it was made; make and review a new one"));
    }
    if hash(&session.settings.file.text) != binding.file {
        return Err(refuse(
            "the plan was made from another configuration file, or the file changed since; make and review a new one",
        ));
    }
    if file.today != session.today.to_string() {
        return Err(refuse(&format!(
            "the plan was made for {}, and today is {}; make and review a new one",
            file.today, session.today
        )));
    }
    Ok(Reviewed::new(&file.targets, json::canonical_change))
}

/// The targets in one spelling, whatever white space the file has.
fn targets_text(targets: &str) -> String {
    serde_json::from_str::<serde_json::Value>(targets).map(|value| value.to_string()).unwrap_or_default()
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
