//! `attributes`: what the credential may read, and who uses it.

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::config::{Settings, TargetSettings};
use crate::output::{Format, json};
use crate::personio::{CatalogueEntry, WHERE};
use crate::rules::Expression;

use super::{Failure, Reasons, SandboxChoice, World};

/// List the attributes that the credential may read, which targets use them, and what can be unticked
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Serialize)]
struct AttributesDocument {
    schema: u32,
    kind: &'static str,
    exit_code: u8,
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
    values: Vec<String>,
}

pub(super) fn run(world: &World, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, _) = arguments.sandbox.split(&[]);
    let session = world.open(&sandbox, &[])?;
    let catalogue = session.source()?.catalogue()?;
    let lines = lines(&session.settings, catalogue);
    match world.global.format {
        Format::Json => world.print(&json::render_value(&AttributesDocument {
            schema: json::SCHEMA,
            kind: "attributes",
            exit_code: 0,
            attributes: lines,
        })),
        Format::Table | Format::Markdown => world.print(&table(world, &lines)),
    }
    Ok(Reasons::default())
}

fn lines(settings: &Settings, catalogue: Vec<CatalogueEntry>) -> Vec<Line> {
    let mut lines: Vec<Line> = catalogue
        .into_iter()
        .map(|entry| Line {
            used_by: users(settings, &entry.key),
            key: entry.key.to_string(),
            label: entry.label.to_string(),
            kind: entry.kind.to_string(),
            readable: true,
            values: entry.options.iter().map(ToString::to_string).collect(),
        })
        .collect();
    for key in settings.attributes.keys() {
        if !lines.iter().any(|line| line.key == key) {
            lines.push(Line {
                key: key.to_owned(),
                label: String::new(),
                kind: String::new(),
                readable: false,
                used_by: users(settings, key),
                values: Vec::new(),
            });
        }
    }
    lines.sort_by(|one, other| one.key.cmp(&other.key));
    lines
}

fn table(world: &World, lines: &[Line]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(world.look().width.unwrap_or(140).max(60));
    table.set_header(["Attribute", "Label", "Type", "Used by", "Values"]);
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
        table.add_row([&line.key, &line.label, &line.kind, &used, &values]);
    }
    let unused = lines.iter().filter(|line| line.readable && line.used_by.is_empty()).count();
    let missing = lines.iter().filter(|line| !line.readable).count();
    format!(
        "{table}\n\n{} readable, {unused} of them used by nobody; {missing} needed and not readable.\n\
         Change it {WHERE}: Readable employee attributes.\n",
        lines.len() - missing,
    )
}

fn or_nobody(names: &[String]) -> String {
    if names.is_empty() { "the file's attribute list".into() } else { names.join(", ") }
}

/// The targets that use an attribute, each with what for.
pub(super) fn users(settings: &Settings, key: &str) -> Vec<String> {
    let uses =
        |expression: &Expression| expression.variables().iter().any(|variable| variable.attribute() == Some(key));
    let mut users: Vec<String> = settings
        .targets
        .iter()
        .flat_map(|target: &TargetSettings| {
            let filters = target.include.iter().chain(&target.exclude).any(uses);
            let fields = target.mapping.iter().filter(|mapping| mapping.source.expression().is_some_and(uses));
            filters
                .then(|| format!("{} (filter)", target.name))
                .into_iter()
                .chain(fields.map(|mapping| format!("{}.{}", target.name, target.fields[mapping.index.get()].name)))
                .collect::<Vec<_>>()
        })
        .collect();
    // Personio delivers the id whatever is ticked.
    if key == "id" {
        users.push("every run".into());
    }
    if users.is_empty() && matches!(key, "status" | "hire_date" | "termination_date" | "last_working_day") {
        users.push("lifecycle".into());
    }
    users
}
