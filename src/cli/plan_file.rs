//! Plans that bind: `plan --out` writes one, `sync --plan` applies exactly that one.

use std::path::Path;

use crate::exit::Problem;
use crate::output::{Document, Kind, Names, Origin, json};
use crate::sync::{Prepared, Reviewed};

use super::session::Session;
use super::{Failure, Reason, private_file};

fn origin(session: &Session) -> Origin<'_> {
    Origin { file: &session.settings.file.text, today: session.today.to_string() }
}

/// Writes a plan with what it is bound to.
pub(super) fn write(
    path: &Path,
    session: &Session,
    prepared: &Prepared<'_>,
    exit_code: u8,
    problems: &[Problem],
) -> Result<(), Failure> {
    let document = Document {
        kind: Kind::Plan,
        plan: Some(&prepared.plan),
        exit_code,
        problems,
        names: Names::default(),
        requests: None,
    };
    let text = origin(session).bind(&document, &format!("{:?}", prepared.employees.list));
    private_file::replace(path, text.as_bytes()).map_err(|error| {
        Failure::new(Reason::Usage, format!("the plan cannot be written to {}: {error}", path.display()))
    })
}

/// Reads a plan file and refuses one that was edited, that belongs to another file, or to another day.
pub(super) fn read(path: &Path, session: &Session) -> Result<Reviewed, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Reason::Usage, format!("{} cannot be read: {error}", path.display())))?;
    let targets = origin(session)
        .targets(&text)
        .map_err(|why| Failure::new(Reason::NotApproved, format!("{}: {why}", path.display())))?;
    Ok(Reviewed::new(&targets, json::canonical_change))
}
