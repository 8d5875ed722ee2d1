//! `attributes`: what the credential may read, and who uses it.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use crate::config::Settings;
use crate::output::listing::Listing;
use crate::output::{Answer, Shown};
use crate::personio::{CatalogueEntry, WHERE};
use crate::sync::Memory;
use crate::sync::uploads::UploadKeys;

use super::attribute_uses::{Purpose, Use, uses};
use super::{Failure, Process, Reasons, SandboxChoice};

/// List the attributes that the credential may read, which targets use them, and what can be unticked
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Serialize)]
struct AttributesDocument {
    attributes: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    key: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    readable: bool,
    used_by: Vec<String>,
    /// What stops when it is unticked, for each use.
    stops: Vec<String>,
    #[serde(skip)]
    uses: Vec<Use>,
    values: Vec<String>,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, _) = arguments.sandbox.split(&[]);
    let session = process.open(&sandbox, &[])?;
    let catalogue = session.source()?.catalogue()?;
    let uploads = UploadKeys::remembered(&Memory::for_reading(&session.settings, process.caller())?.state)?;
    let attributes = lines(&session.settings, &uploads, catalogue);
    let shown = shown(&attributes);
    process.answer(&Answer::new("attributes", AttributesDocument { attributes }, shown));
    Ok(Reasons::default())
}

impl Line {
    /// What the file says of an attribute that nothing else is known of.
    fn of(settings: &Settings, uploads: &UploadKeys, key: &str) -> Self {
        let uses = uses(settings, uploads, key);
        Self {
            key: key.to_owned(),
            label: String::new(),
            kind: String::new(),
            readable: false,
            used_by: uses.iter().map(|one| one.by.clone()).collect(),
            stops: uses.iter().map(|one| format!("{}: {}", one.by, one.purpose.stops().1)).collect(),
            values: Vec::new(),
            uses,
        }
    }
}

fn lines(settings: &Settings, uploads: &UploadKeys, catalogue: Vec<CatalogueEntry>) -> Vec<Line> {
    let mut lines: Vec<Line> = catalogue
        .into_iter()
        .map(|entry| Line {
            label: entry.label.to_string(),
            kind: entry.kind.to_string(),
            readable: true,
            values: entry.options.iter().map(ToString::to_string).collect(),
            ..Line::of(settings, uploads, &entry.key)
        })
        .collect();
    for key in settings.attributes.keys().chain(uploads.attributes()) {
        if !lines.iter().any(|line| line.key == key) {
            lines.push(Line::of(settings, uploads, key));
        }
    }
    lines.sort_by(|one, other| one.key.cmp(&other.key));
    lines
}

fn shown(lines: &[Line]) -> Shown {
    let mut table = Listing::new(["Attribute", "Label", "Type", "Used by", "Values"]).ruled();
    for line in lines {
        let used = match (line.readable, line.used_by.is_empty()) {
            (false, _) => format!("NOT READABLE, needed by {}", or_nobody(&line.used_by)),
            (true, true) => "nobody: can be unticked".into(),
            (true, false) => line.used_by.join(", "),
        };
        let mut values = line.values.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
        if line.values.len() > 6 {
            values.push_str(", …");
        }
        table.row([&line.key, &line.label, &line.kind, &used, &values]);
    }
    let unused = lines.iter().filter(|line| line.readable && line.used_by.is_empty()).count();
    let missing = lines.iter().filter(|line| !line.readable).count();
    let totals = format!(
        "\n{} readable, {unused} of them used by nobody; {missing} needed and not readable.\n\
         Change it {WHERE}: Readable employee attributes.\n\
         What `documents upload` tells files apart by is that of the last upload of each category.\n\n{}",
        lines.len() - missing,
        what_stops(lines),
    );
    Shown::default().rows(table).words(totals)
}

fn or_nobody(names: &[String]) -> String {
    if names.is_empty() { "the file's attribute list".into() } else { names.join(", ") }
}

/// The targets that use an attribute, each with what for.
pub(super) fn users(settings: &Settings, uploads: &UploadKeys, key: &str) -> Vec<String> {
    uses(settings, uploads, key).into_iter().map(|one| one.by).collect()
}

/// What stops when an attribute is unticked, a line for each thing that the file uses any of them for.
fn what_stops(lines: &[Line]) -> String {
    let purposes: BTreeSet<Purpose> = lines.iter().flat_map(|line| &line.uses).map(|one| one.purpose).collect();
    let stops = purposes.into_iter().map(Purpose::stops);
    let told: String = stops.map(|(what, then)| format!("  {what}: {then}\n")).collect();
    if told.is_empty() { told } else { format!("What stops when one is unticked that is used for\n{told}") }
}
