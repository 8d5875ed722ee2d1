//! Groups, channels and teams whose members a file gives by rule.

use crate::field::{FieldKind, FieldSpec};
use crate::section::{Located, Table};

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

/// Reads `pace`: whether to keep to what the service is known to allow, or to wait only when it says so.
pub(super) fn paced(target: &Table<'_>) -> Option<bool> {
    if target.has("pace") { target.choice("pace", &[("documented", true), ("none", false)]) } else { Some(true) }
}

/// Reads `[targets.NAME.SECTION.GROUP]` with `members` and `owned`.
pub(super) fn read(target: &Table<'_>, section: &str, found: &mut Vec<Membership>) {
    if !target.has(section) {
        return;
    }
    let Some(groups) = target.table(section) else { return };
    for (name, _) in groups.entries() {
        let Some(group) = groups.table(name.value) else { continue };
        let rule = group.required_text("members", "members = \"department == 'People'\"");
        let owned = group.boolean("owned").unwrap_or(false);
        group.finish();
        if let Some(rule) = rule {
            found.push(Membership {
                field: FieldSpec::new(format!("{section}.{}", name.value.trim()), FieldKind::Bool),
                rule: Located { value: rule.value.into(), span: rule.span },
                owned,
            });
        }
    }
}
