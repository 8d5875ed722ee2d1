use crate::code::Code;
use crate::rules::{Expression, Mapping, MappingSource, OnEmpty, OnInvalid, Vocabulary, When};
use crate::targets::TargetType;

use super::fields::Fields;
use crate::section::Table;

/// The groups that the target's section gives by rule, as lines of its mapping.
pub(super) fn read(
    section: &Table<'_>,
    target: Option<&dyn TargetType>,
    vocabulary: &Vocabulary,
    fields: &mut Fields,
) -> Vec<Mapping> {
    let mut mappings = Vec::new();
    for membership in target.map(|target| target.offers().memberships).unwrap_or_default() {
        let rule = match Expression::compile(&membership.rule.value, vocabulary) {
            Ok(rule) => rule,
            Err(error) => {
                // A group is a table with `members` in it; a role is a key of its own.
                let within = if membership.field.name.contains('.') { ".members" } else { "" };
                let name = format!("`{}.{}{within}`", section.path(), membership.field.name);
                section.problems().error(membership.rule.span.clone(), Code::Expression, format!("{name}: {error}"));
                continue;
            }
        };
        mappings.push(Mapping {
            index: fields.add(membership.field.clone()),
            source: MappingSource::Member { rule, owned: membership.owned },
            on_empty: OnEmpty::default(),
            on_invalid: OnInvalid::default(),
            when: When::default(),
        });
    }
    mappings
}
