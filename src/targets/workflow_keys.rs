//! The keys of workflows, for the types that carry them out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{Action, Trigger};
use crate::section::Located;
use crate::section::shape::{ByHand, Entries};

/// The key of the section under which workflows stand.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "for its schema: each workflow is read as the table that it is")]
pub struct WorkflowsKey {
    /// What is done once for each employee and event; the names are yours
    workflows: Option<Entries<Workflow>>,
}

/// `[targets.NAME.workflows.WORKFLOW]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Workflow {
    /// The event
    #[schemars(required)]
    pub on: Option<Trigger>,
    /// Conditions that must all hold
    pub when: Option<Vec<Located<String>>>,
    /// The attributes that count, for `mover` and `updated`
    pub changed: Option<Located<Vec<Located<String>>>>,
    /// The first day that counts, from the hire date (leaver: the last day), such as "-14d". Left out: the day itself
    pub from: Option<Days>,
    /// The last day that counts
    #[schemars(extend("default" = "7d"))]
    pub until: Option<Days>,
    /// Whether it is carried out
    #[serde(default)]
    pub active: bool,
    /// Whether it starts for nobody until `resume`, while the target itself goes on
    #[serde(default)]
    pub paused: bool,
    /// What is done, in order
    #[schemars(required)]
    pub steps: Option<ByHand<Vec<Step>>>,
}

/// `[[targets.NAME.workflows.WORKFLOW.steps]]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Step {
    /// What the step does
    #[schemars(required)]
    pub action: Option<Located<Action>>,
    /// A condition for this step
    pub r#if: Option<Located<String>>,
    /// A condition against this step
    pub unless: Option<Located<String>>,
    /// Fields of the form = expressions, or `{ value = … }`
    pub fields: Option<ByHand<serde_json::Map<String, serde_json::Value>>>,
}

/// Days after the event of a workflow: `-14d`, `0d`, `3d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, description = "")]
pub struct Days(pub i64);

impl TryFrom<String> for Days {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = text.trim().strip_suffix('d').and_then(|number| number.trim().parse::<i64>().ok());
        let found = number.filter(|days| (-366..=366).contains(days));
        found.map(Self).ok_or("must be a number of days within a year, such as \"-14d\" or \"3d\"")
    }
}

impl From<Days> for String {
    fn from(Days(days): Days) -> Self {
        format!("{days}d")
    }
}
