use crate::code::Code;
use crate::field::{Access, FieldIndex, FieldKind};
use crate::targets::{FieldLookup, TargetType};

use super::fields::{Fields, unknown_field};
use crate::section::{Located, Problems, Table};

/// `match`: the fields to find an account by, in order. Called when `fields` holds the mapped fields and no other.
pub(super) fn read(
    section: &Table<'_>,
    names: Option<&[Located<String>]>,
    target: &dyn TargetType,
    fields: &mut Fields,
) -> Vec<FieldIndex> {
    if !section.has("match") {
        return default_match(section, target, fields);
    }
    let mut found = Vec::new();
    let problems = section.problems();
    let Some(names) = names else {
        return found;
    };
    if names.is_empty() {
        problems.error(
            section.key_span("match"),
            Code::WrongValue,
            format!("{} is empty; name at least one field that tells accounts apart", section.name_of("match")),
        );
    }
    for name in names {
        let spec = match target.field(&name.value) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => spec,
            FieldLookup::Unknown => {
                problems.error(name.span.clone(), Code::UnknownField, unknown_field(target, &name.value));
                continue;
            }
        };
        let index = match fields.index(&spec.name) {
            Some(index) if found.contains(&index) => {
                problems.error(
                    name.span.clone(),
                    Code::DuplicateMatch,
                    format!("duplicate match field `{}`", spec.name),
                );
                continue;
            }
            Some(index) => index,
            None if spec.identity => fields.add(spec),
            None if spec.access == Access::ReadOnly => {
                let why = "it cannot be mapped, so there is nothing to compare it with; match by another field";
                problems.error(
                    name.span.clone(),
                    Code::MatchNotMapped,
                    format!("`{}` cannot be matched: {why}", spec.name),
                );
                continue;
            }
            None => {
                let mapping = format!("[{}.mapping]", section.path());
                let why = format!("it is not mapped; map it in {mapping}, or take it out of `match`");
                problems.error(
                    name.span.clone(),
                    Code::MatchNotMapped,
                    format!("`{}` cannot be matched: {why}", spec.name),
                );
                continue;
            }
        };
        found.push(index);
    }
    found
}

/// The names of the fields that accounts are found by, before it is known whether they are fields.
pub(super) fn names<'n>(given: Option<&'n [Located<String>]>, target: Option<&dyn TargetType>) -> Vec<&'n str> {
    match given {
        Some(names) => names.iter().map(|name| &*name.value).collect(),
        None => target.map(TargetType::default_match).unwrap_or_default().to_vec(),
    }
}

/// What the type proposes, as far as the file maps it.
fn default_match(section: &Table<'_>, target: &dyn TargetType, fields: &mut Fields) -> Vec<FieldIndex> {
    let mut found = Vec::new();
    for name in target.default_match() {
        let index = match target.field(name) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => {
                fields.index(&spec.name).or_else(|| spec.identity.then(|| fields.add(spec)))
            }
            FieldLookup::Unknown => None,
        };
        found.extend(index);
    }
    if found.is_empty() {
        match target.default_match() {
            [] => section.missing("match", &format!("match = [\"{}\"]", fields.first().unwrap_or("email"))),
            usual => section.problems().error(
                section.span(),
                Code::MissingKey,
                format!(
                    "{} is missing, and none of the fields that usually serve is mapped ({}); map one of them, or name \
                     another mapped field in `match`",
                    section.name_of("match"),
                    usual.join(", ")
                ),
            ),
        }
    }
    found
}

/// `create_missing`: the reference fields whose missing names may be made, or all groups of the section.
pub(super) fn create_missing(
    names: Option<&[Located<String>]>,
    target: &dyn TargetType,
    fields: &Fields,
    problems: &Problems<'_>,
) -> Vec<FieldIndex> {
    let mut found = Vec::new();
    for name in names.unwrap_or_default() {
        if target.policy().makes_groups.contains(&&*name.value) {
            let groups: Vec<FieldIndex> = (target.offers().memberships.iter())
                .filter(|membership| membership.section() == name.value)
                .filter_map(|membership| fields.index(&membership.field.name))
                .collect();
            if groups.is_empty() || found.contains(&groups[0]) {
                let complaint = if groups.is_empty() {
                    format!("the file names no group in `{}`, so none can be missing", name.value)
                } else {
                    format!("`create_missing` names `{}` twice", name.value)
                };
                problems.error(name.span.clone(), Code::WrongValue, complaint);
            }
            found.extend(groups.into_iter().filter(|index| !found.contains(index)).collect::<Vec<_>>());
            continue;
        }
        let spec = match target.field(&name.value) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => spec,
            FieldLookup::Unknown if target.offers().memberships.iter().any(|group| group.section() == name.value) => {
                let why = format!("`{}` of {} cannot be made through it; make them there", name.value, target.kind());
                problems.error(name.span.clone(), Code::WrongValue, why);
                continue;
            }
            FieldLookup::Unknown => {
                problems.error(name.span.clone(), Code::UnknownField, unknown_field(target, &name.value));
                continue;
            }
        };
        let complaint = match fields.index(&spec.name) {
            _ if !matches!(spec.kind, FieldKind::Reference | FieldKind::References) => {
                format!("`{}` refers to nothing that could be created", spec.name)
            }
            _ if !spec.can_be_made => format!("`{}` names things that only people can make in the target", spec.name),
            None => format!("`{}` is not mapped, so no name of it can be missing", spec.name),
            Some(index) if found.contains(&index) => format!("`create_missing` names `{}` twice", spec.name),
            Some(index) => {
                found.push(index);
                continue;
            }
        };
        problems.error(name.span.clone(), Code::WrongValue, complaint);
    }
    found
}
