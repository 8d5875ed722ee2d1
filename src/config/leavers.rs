use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::plan::{LeaverAction, Leavers};
use crate::section::Table;
use crate::section::shape::Count;
use crate::targets::TargetType;

/// `[targets.NAME.leavers]`. `L` are the words for `left`: not every type keeps people who left as others.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Shape<L> {
    /// The last day has passed, or the status is inactive. `include` is for a `file`: they stay in the list
    #[schemars(extend("default" = "deactivate"))]
    left: Option<L>,
    /// Still employed, and no longer in scope. Kept or not, the plan names them with the filter that says no
    #[schemars(extend("default" = "keep"))]
    out_of_scope: Option<Action>,
    /// No longer delivered by Personio at all: in two proven runs in a row, and not when asked for by id
    #[schemars(extend("default" = "keep"))]
    missing: Option<Action>,
    /// Days to wait after the last day
    #[serde(default)]
    grace_days: Count<0, MOST_GRACE_DAYS>,
}

/// Ten years; more is a slip of the finger, and days must not run past the calendar.
const MOST_GRACE_DAYS: u64 = 3_653;

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Action {
    Keep,
    Deactivate,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum ActionOrInclude {
    Keep,
    Deactivate,
    Include,
}

impl From<Action> for LeaverAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Keep => Self::Keep,
            Action::Deactivate => Self::Deactivate,
        }
    }
}

impl From<ActionOrInclude> for LeaverAction {
    fn from(action: ActionOrInclude) -> Self {
        match action {
            ActionOrInclude::Keep => Self::Keep,
            ActionOrInclude::Deactivate => Self::Deactivate,
            ActionOrInclude::Include => Self::Include,
        }
    }
}

/// `[targets.NAME.leavers]`: what is done about accounts of people who left or are no longer meant.
pub(super) fn read(target: &Table<'_>, kind: Option<&dyn TargetType>) -> Leavers {
    let Some(section) = target.table("leavers") else {
        return Leavers::default();
    };
    let leavers = match kind.is_none_or(|kind| kind.policy().can_include_leavers) {
        true => actions::<ActionOrInclude>(&section),
        false => actions::<Action>(&section),
    };
    section.finish();
    leavers.unwrap_or_default()
}

fn actions<L: DeserializeOwned + JsonSchema + Into<LeaverAction>>(section: &Table<'_>) -> Option<Leavers> {
    let shape: Shape<L> = section.read()?;
    let usual = Leavers::default();
    Some(Leavers {
        left: shape.left.map_or(usual.left, Into::into),
        out_of_scope: shape.out_of_scope.map_or(usual.out_of_scope, Into::into),
        missing: shape.missing.map_or(usual.missing, Into::into),
        grace_days: shape.grace_days.0.try_into().unwrap_or(usual.grace_days),
    })
}
