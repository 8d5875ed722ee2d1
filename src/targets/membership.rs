//! Groups, channels and teams whose members a file gives by rule.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::field::{FieldKind, FieldSpec};
use crate::section::Located;
use crate::section::shape::Entries;

/// A group with the rule for its members: `[targets.chat.groups.people-ops]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    /// `groups.people-ops`: whether an account belongs.
    pub field: FieldSpec,
    /// A condition over attributes, where it stands in the file.
    pub rule: Located<Box<str>>,
    /// Whether those who do not fit the rule are taken out.
    pub owned: bool,
}

impl Membership {
    /// The part of the file it stands in: `groups`.
    pub fn section(&self) -> &str {
        group(&self.field.name).map_or("", |(section, _)| section)
    }

    /// The group's own name.
    pub fn group(&self) -> &str {
        group(&self.field.name).map_or(&*self.field.name, |(_, name)| name)
    }
}

/// Kind and name of the group that a field stands for: `groups` and `people-ops`.
pub(super) fn group(field: &str) -> Option<(&str, &str)> {
    field.split_once('.')
}

/// A group of a section: `[targets.NAME.groups.GROUP]`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Group {
    /// Who belongs, as an expression
    #[schemars(example = &"department == 'People'")]
    members: Located<String>,
    /// Also take out employees who do not fit; otherwise nobody is taken out
    #[serde(default)]
    owned: bool,
}

/// What the groups of one kind say, by their names.
pub(super) fn memberships(section: &str, groups: &Entries<Group>) -> Vec<Membership> {
    let membership = |(name, group): &(Located<String>, Group)| Membership {
        field: FieldSpec::new(format!("{section}.{}", name.value.trim()), FieldKind::Bool),
        rule: Located { value: group.members.value.as_str().into(), span: group.members.span.clone() },
        owned: group.owned,
    };
    groups.0.iter().map(membership).collect()
}
