use crate::targets::TargetType;

use crate::plan::{LeaverAction, Leavers};
use crate::section::Table;

/// `[targets.NAME.leavers]`: what is done about accounts of people who left or are no longer meant.
pub(super) fn read(target: &Table<'_>, kind: Option<&dyn TargetType>) -> Leavers {
    let mut leavers = Leavers::default();
    let Some(section) = target.table("leavers") else {
        return leavers;
    };
    let actions = [("keep", LeaverAction::Keep), ("deactivate", LeaverAction::Deactivate)];
    let with_include = [actions[0], actions[1], ("include", LeaverAction::Include)];
    let included = kind.is_none_or(|kind| kind.policy().can_include_leavers);
    for (key, action) in
        [("left", &mut leavers.left), ("out_of_scope", &mut leavers.out_of_scope), ("missing", &mut leavers.missing)]
    {
        let known = if key == "left" && included { &with_include[..] } else { &actions[..] };
        *action = section.choice(key, known).unwrap_or(*action);
    }
    if let Some(days) = section.count("grace_days") {
        match u32::try_from(days) {
            Ok(days) if days <= MOST_GRACE_DAYS => leavers.grace_days = days,
            _ => section.problems().error(
                section.raw("grace_days").map_or_else(|| section.span(), |value| value.span()),
                "wrong_value",
                format!("{} must be at most {MOST_GRACE_DAYS}", section.name_of("grace_days")),
            ),
        }
    }
    section.finish();
    leavers
}

/// Ten years; more is a slip of the finger, and days must not run past the calendar.
const MOST_GRACE_DAYS: u32 = 3_653;
