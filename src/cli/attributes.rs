//! `attributes`: what the credential may read, and who uses it.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde::Serialize;

use crate::config::Settings;
use crate::output::listing::Listing;
use crate::output::{Answer, Shown};
use crate::personio::{CatalogueEntry, WHERE};
use crate::sync::Memory;
use crate::sync::uploads::UploadKeys;

use super::attribute_uses::{Need, Purpose, Use, uses};
use super::{Failure, Process, Reasons, SandboxChoice};

/// List the attributes that the credential may read, which targets use them, and what to tick and untick
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
    need: Need,
    /// What to do in Personio, where anything is to be done.
    advice: Option<Advice>,
    used_by: Vec<String>,
    /// What stops when it is unticked, for each use.
    stops: Vec<String>,
    #[serde(skip)]
    uses: Vec<Use>,
    values: Vec<String>,
}

/// What to do with the tick box of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Advice {
    Tick,
    Untick,
}

impl Advice {
    fn of(readable: bool, need: Need) -> Option<Self> {
        match (readable, need) {
            (true, Need::Unused) => Some(Self::Untick),
            (false, Need::Required | Need::Used) => Some(Self::Tick),
            (true, _) | (false, Need::Unused) => None,
        }
    }
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, _) = arguments.sandbox.split(&[]);
    let session = process.open(&sandbox, &[])?;
    let catalogue = session.source()?.catalogue()?;
    let uploads = UploadKeys::remembered(&Memory::for_reading(&session.settings, process.caller())?.state)?;
    let attributes = lines(&session.settings, &uploads, &catalogue);
    let shown = shown(&session.settings, &attributes);
    process.answer(&Answer::new("attributes", AttributesDocument { attributes }, shown));
    Ok(Reasons::default())
}

impl Line {
    /// What the file says of an attribute, and the catalogue where it has it.
    fn of(settings: &Settings, uploads: &UploadKeys, key: &str, entry: Option<&CatalogueEntry>) -> Self {
        let uses = uses(settings, uploads, key);
        let (readable, need) = (entry.is_some(), Need::of(&uses));
        Self {
            key: key.to_owned(),
            label: entry.map(|entry| entry.label.clone()).unwrap_or_default(),
            kind: entry.map(|entry| entry.kind.clone()).unwrap_or_default(),
            readable,
            need,
            advice: Advice::of(readable, need),
            used_by: uses.iter().map(|one| one.by.clone()).collect(),
            stops: uses.iter().map(|one| format!("{}: {}", one.by, one.purpose.stops().1)).collect(),
            values: entry.map(|entry| entry.options.clone()).unwrap_or_default(),
            uses,
        }
    }

    /// Its name as it stands beside the tick box, and the key.
    fn named(&self) -> String {
        if self.label.is_empty() { format!("`{}`", self.key) } else { format!("{} (`{}`)", self.label, self.key) }
    }
}

fn lines(settings: &Settings, uploads: &UploadKeys, catalogue: &[CatalogueEntry]) -> Vec<Line> {
    let entries: BTreeMap<&str, &CatalogueEntry> = catalogue.iter().map(|entry| (&*entry.key, entry)).collect();
    let keys: BTreeSet<&str> =
        entries.keys().copied().chain(settings.attributes.keys()).chain(uploads.attributes()).collect();
    keys.into_iter().map(|key| Line::of(settings, uploads, key, entries.get(key).copied())).collect()
}

fn shown(settings: &Settings, lines: &[Line]) -> Shown {
    let mut table = Listing::new(["Attribute", "Label", "Type", "Granted", "Need", "Used by", "Values"]).ruled();
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
        let granted = if line.readable { "yes" } else { "no" };
        table.row([&line.key, &line.label, &line.kind, granted, line.need.as_str(), &used, &values]);
    }
    let granted = lines.iter().filter(|line| line.readable);
    let of = |need| granted.clone().filter(|line| line.need == need).count();
    let totals = format!(
        "\n{} granted: {} required, {} used, {} unused.\n{}\
         What `documents upload` tells files apart by is that of the last upload of each category.\n\n{}",
        granted.clone().count(),
        of(Need::Required),
        of(Need::Used),
        of(Need::Unused),
        what_to_do(settings, lines),
        what_stops(lines),
    );
    Shown::default().rows(table).words(totals)
}

/// What to tick and untick, by the words that stand in Personio.
fn what_to_do(settings: &Settings, lines: &[Line]) -> String {
    let advised = |advice| lines.iter().filter(move |line| line.advice == Some(advice));
    let tick = advised(Advice::Tick)
        .map(|line| format!("  tick    {}: {} by {}\n", line.named(), line.need.as_str(), line.used_by.join(", ")));
    let untick = advised(Advice::Untick).map(|line| {
        let listed = settings.attributes.column(&line.key).is_some();
        let first = if listed { ", after taking it out of `personio.attributes` in the file" } else { "" };
        format!("  untick  {}{first}\n", line.named())
    });
    let told: String = tick.chain(untick).collect();
    if told.is_empty() {
        return format!("Nothing is to be ticked or unticked {WHERE}: Readable employee attributes.\n");
    }
    format!(
        "Change it {WHERE}: Readable employee attributes. Personio may revoke the credential with it; \
         `check --online` tells.\n{told}"
    )
}

fn or_nobody(names: &[String]) -> String {
    if names.is_empty() { "the file's attribute list".into() } else { names.join(", ") }
}

/// The targets that use an attribute, each with what for.
pub(super) fn users(settings: &Settings, uploads: &UploadKeys, key: &str) -> Vec<String> {
    uses(settings, uploads, key).into_iter().map(|one| one.by).collect()
}

/// How many attributes the credential may read that nothing uses.
pub(super) fn unused(settings: &Settings, uploads: &UploadKeys, catalogue: &[CatalogueEntry]) -> usize {
    catalogue.iter().filter(|entry| uses(settings, uploads, &entry.key).is_empty()).count()
}

/// What stops when an attribute is unticked, a line for each thing that the file uses any of them for.
fn what_stops(lines: &[Line]) -> String {
    let purposes: BTreeSet<Purpose> = lines.iter().flat_map(|line| &line.uses).map(|one| one.purpose).collect();
    let stops = purposes.into_iter().map(Purpose::stops);
    let told: String = stops.map(|(what, then)| format!("  {what}: {then}\n")).collect();
    if told.is_empty() { told } else { format!("What stops when one is unticked that is used for\n{told}") }
}
