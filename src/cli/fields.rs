//! `fields`: which fields the accounts of a target have, and what fills them.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use crate::field::{Access, FieldSpec};
use crate::output::listing::Listing;
use crate::output::mask::Mask;
use crate::output::{Answer, Shown};
use crate::rules::{Mapping, MappingSource, Variable, When};
use crate::sync::{TargetField, TargetFields, target_fields, target_reason};
use crate::words::{count, known};

use super::{Failure, Process, Reason, Reasons, SandboxChoice};

/// List the fields that a target has today: kind, required or not, choices, and what the file fills them from
///
/// Asks the target itself where it has fields of its own (custom fields, extensions). Nobody's account is read.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The target; may be left out where the file has one
    target: Option<String>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Serialize)]
struct FieldsDocument {
    target: String,
    #[serde(rename = "type")]
    kind: &'static str,
    fields: Vec<FieldOut>,
    /// Of these an account needs at least one.
    one_of: Vec<String>,
    /// Why the target cannot be used as the file maps it.
    trouble: Option<String>,
}

#[derive(Serialize)]
struct FieldOut {
    field: String,
    kind: &'static str,
    required: bool,
    access: &'static str,
    max_length: Option<u32>,
    choices: Vec<String>,
    /// Whether the target says itself that it has it, where it says which it has.
    listed: bool,
    mapped: Option<MappedOut>,
    /// Whether rules of the target work it out where nothing is mapped.
    derived: bool,
}

#[derive(Serialize)]
struct MappedOut {
    /// The expression, or the value that everybody gets.
    from: String,
    attributes: Vec<String>,
    only_on_create: bool,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, mut names) = arguments.sandbox.split(&arguments.target.iter().cloned().collect::<Vec<_>>());
    if names.is_empty() {
        names = process.open_offline()?.settings.targets.into_iter().map(|target| target.plan.name.into()).collect();
    }
    let [name] = &names[..] else {
        let message =
            format!("name the one target whose fields are meant; {}", known("", names.iter().map(String::as_str)));
        return Err(Failure::new(Reason::Usage, message));
    };
    let session = process.open(&sandbox, &names)?;
    let target = session.settings.targets.iter().find(|target| *target.plan.name == **name);
    let target = target.expect("an unknown target is refused when the file is opened");
    let TargetFields { fields, one_of, trouble } = target_fields(target, session.today)
        .map_err(|error| Failure::new(target_reason(&error), format!("{name}: {error}")))?;
    let document = FieldsDocument {
        target: name.clone(),
        kind: target.target.kind(),
        fields: fields.iter().map(field_out).collect(),
        one_of: one_of.iter().map(ToString::to_string).collect(),
        trouble: trouble.map(|error| error.message),
    };
    let shown = shown(&document);
    process.answer(&Answer::new("fields", document, shown));
    Ok(Reasons::default())
}

fn field_out(TargetField { spec, mapping, listed, derived }: &TargetField<'_>) -> FieldOut {
    let FieldSpec { name, kind, required, access, max_length, choices, .. } = spec;
    FieldOut {
        field: name.to_string(),
        kind: kind.as_str(),
        required: *required,
        access: access.as_str(),
        max_length: *max_length,
        choices: choices.iter().map(ToString::to_string).collect(),
        listed: *listed,
        mapped: mapping.map(mapped_out),
        derived: *derived,
    }
}

fn mapped_out(mapping: &Mapping) -> MappedOut {
    let from = match &mapping.source {
        // A value of the file, which is nobody's.
        MappingSource::Constant(value) => format!("the value {}", Mask::SHOWN.value(value)),
        MappingSource::Expression(expression) => expression.source().to_owned(),
        MappingSource::Member { rule, .. } => format!("member if {}", rule.source()),
    };
    let variables = mapping.source.expression().map(|expression| expression.variables()).unwrap_or_default();
    let attributes: BTreeSet<&str> = variables.iter().filter_map(Variable::attribute).collect();
    MappedOut {
        from,
        attributes: attributes.into_iter().map(str::to_owned).collect(),
        only_on_create: mapping.when == When::Create,
    }
}

/// How many choices of a field are listed for people.
const SHOWN_CHOICES: usize = 6;

impl FieldOut {
    /// What may be written, and when.
    fn limits(&self) -> String {
        let mut limits: Vec<String> = Vec::new();
        if !self.listed {
            limits.push("the target does not list it".to_owned());
        }
        if self.access != Access::ReadWrite.as_str() {
            limits.push(self.access.replace('_', " "));
        }
        limits.extend(self.max_length.map(|most| format!("up to {most} letters")));
        if !self.choices.is_empty() {
            let more = if self.choices.len() > SHOWN_CHOICES { ", …" } else { "" };
            let first: Vec<&str> = self.choices.iter().take(SHOWN_CHOICES).map(String::as_str).collect();
            limits.push(format!("{}{more}", first.join(", ")));
        }
        limits.join("; ")
    }

    fn mapped_by(&self) -> String {
        match &self.mapped {
            None if self.derived => "worked out by the rules of the target".to_owned(),
            None => "not mapped".to_owned(),
            Some(MappedOut { from, only_on_create: true, .. }) => format!("{from} (on create only)"),
            Some(MappedOut { from, .. }) => from.clone(),
        }
    }

    fn is_missing(&self) -> bool {
        self.required && self.mapped.is_none() && !self.derived && self.access != Access::ReadOnly.as_str()
    }
}

fn shown(document: &FieldsDocument) -> Shown {
    let mut table = Listing::new(["Field", "Kind", "Required", "Limits and choices", "Mapped by"]);
    for field in &document.fields {
        let required = if field.required { "required" } else { "" };
        table.row([&field.field, field.kind, required, &field.limits(), &field.mapped_by()]);
    }
    let mapped = document.fields.iter().filter(|field| field.mapped.is_some()).count();
    let mut notes = format!("{}, {mapped} mapped\n", count(document.fields.len(), "field", "fields"));
    if !document.one_of.is_empty() {
        notes.push_str(&format!("an account needs one of {}\n", document.one_of.join(", ")));
    }
    let missing: Vec<&str> =
        document.fields.iter().filter(|field| field.is_missing()).map(|field| field.field.as_str()).collect();
    if !missing.is_empty() {
        notes.push_str(&format!("required and not mapped: {}\n", missing.join(", ")));
    }
    let shown = Shown::default().rows(table).notes(notes);
    match &document.trouble {
        Some(trouble) => shown.remark(format!("{}: {trouble}", document.target)),
        None => shown,
    }
}
