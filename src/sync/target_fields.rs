//! All fields of a target as it has them today, and what the file fills them from.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::config::TargetSettings;
use crate::field::{Access, FieldSpec, FieldValue};
use crate::plan::Action;
use crate::rules::{Mapping, MappingSource};
use crate::targets::{FieldLookup, ReadAccounts, StepField, TargetError};

use super::prepare::open;

/// The fields of a target.
pub struct TargetFields<'s> {
    pub fields: Vec<TargetField<'s>>,
    /// Fields of which an account needs at least one, of those that the file names.
    pub one_of: Vec<Arc<str>>,
    /// Why the target cannot be used as the file maps it.
    pub trouble: Option<TargetError>,
}

pub struct TargetField<'s> {
    pub spec: FieldSpec,
    pub mapping: Option<&'s Mapping>,
    /// Whether the target says itself that it has it, where it says which it has; a group is nobody's field.
    pub listed: bool,
    /// Whether rules of the target work it out where nothing is mapped.
    pub derived: bool,
}

/// Asks a target which fields its accounts have. Nobody's account is read.
///
/// # Errors
///
/// When the target cannot be asked.
pub fn target_fields(target: &TargetSettings, today: NaiveDate) -> Result<TargetFields<'_>, TargetError> {
    let opened = open(target, today, &Arc::default())?;
    let asks = opened.reader().read_offers().fields.is_some();
    let mut specs = listed(target, opened.reader())?;
    let names: BTreeSet<Arc<str>> = specs.iter().map(|spec| Arc::clone(&spec.name)).collect();
    let (named, one_of, trouble) = match opened.reader().schema() {
        Ok(schema) => {
            let one_of = schema.one_of.iter().map(|index| Arc::clone(&schema.field(*index).name)).collect();
            (schema.fields, one_of, None)
        }
        Err(error) => (target.plan.fields.clone(), Vec::new(), Some(error)),
    };
    for field in named {
        match specs.iter_mut().find(|spec| spec.name == field.name) {
            Some(spec) => *spec = FieldSpec { required: spec.required || field.required, ..field },
            None => specs.push(field),
        }
    }
    let derived = target.target.offers().rules.map(|rules| rules.derived_fields()).unwrap_or_default();
    let field = |spec: FieldSpec| {
        let mapping = mapping_of(target, &spec.name);
        let is_group = mapping.is_some_and(|mapping| matches!(mapping.source, MappingSource::Member { .. }));
        let listed = !asks || is_group || names.contains(&spec.name);
        TargetField { mapping, listed, derived: derived.iter().any(|field| field.name == spec.name), spec }
    };
    let fields = specs.into_iter().map(field);
    Ok(TargetFields { fields: fields.collect(), one_of, trouble })
}

/// What the target says of itself where it does, as the section has it: what it must fill or leave alone.
fn listed(target: &TargetSettings, reader: &dyn ReadAccounts) -> Result<Vec<FieldSpec>, TargetError> {
    let known = target.target.known_fields();
    let Some(service) = reader.read_offers().fields else { return Ok(known) };
    let mut specs = service.all_fields(known)?;
    for spec in &mut specs {
        if let FieldLookup::Known(field) | FieldLookup::Open(field) = target.target.field(&spec.name) {
            spec.required |= field.required;
            if field.access != Access::ReadWrite {
                spec.access = field.access;
            }
        }
    }
    Ok(specs)
}

fn mapping_of<'s>(target: &'s TargetSettings, field: &str) -> Option<&'s Mapping> {
    target.plan.mapping.iter().find(|mapping| *target.plan.fields[mapping.index.get()].name == *field)
}

/// The fields that a step of a workflow can fill, as the target has them today; `known` are those that say which form it
/// is. Nobody's account is read.
///
/// # Errors
///
/// When the target cannot be asked.
pub fn step_form(
    target: &TargetSettings,
    action: Action,
    known: &[(Box<str>, Option<FieldValue>)],
    today: NaiveDate,
) -> Result<Vec<StepField>, TargetError> {
    if action == Action::UpdateRequester {
        let fields = target_fields(target, today)?.fields.into_iter().map(|field| field.spec);
        let of_account = |spec: FieldSpec| StepField {
            choices: spec.choices.into_vec(),
            ..StepField::new(&spec.name, spec.kind.as_str())
        };
        return Ok(fields.filter(|spec| spec.access == Access::ReadWrite).map(of_account).collect());
    }
    let opened = open(target, today, &Arc::default())?;
    opened.reader().read_offers().forms.map_or_else(|| Ok(Vec::new()), |forms| forms.step_form(action, known))
}
