//! What should change, as plain data.
//!
//! A plan is computed in full before anything is written; showing, refusing, applying and reporting
//! are all things done to it. Nothing here reads a clock, a file or a network.

mod absences;
mod account;
mod build;
pub mod by_hand;
mod change;
mod correlate;
mod diff;
mod employee_rules;
mod expectation;
mod guard;
mod limit;
mod membership;
mod near_keys;
mod rule_diff;
mod settings;
mod slots;
mod step;
mod upcoming;
mod workflow;

pub use absences::Absences;
pub use account::{Account, GroupProblem, Protection, ReferenceNames, References, Refusal, Snapshot};
pub use build::{
    Absent, Built, Claim, DAYS_PENDING, GaveUp, Identifying, Overview, PlanInput, PlanMemory, absent, build, form,
    identifying, scope_in, waits_until,
};
pub use by_hand::{
    Checklist, Confirmed, PersonLabel, Setting, StepGroup, TeamSettings, checklist_code, member_of, team_of,
};
pub use change::{
    Change, ChangesRead, FieldChange, Forecast, Handover, Hold, Notice, Op, Outcome, Plan, Skip, SourceSummary,
    Summary, TargetPlan, TargetStatus,
};
pub use diff::same;
pub use employee_rules::{EmployeeCase, EmployeeRules, Findings, shared_values};
pub use expectation::{Difference, Expected, ExpectedScope, RuleTest, TestedRules};
pub use guard::{GuardInput, default_removals, guard, hold_unseen};
pub use limit::{Limit, Share};
pub use rule_diff::{FieldDiff, FieldGoal, RuleDiff, Rules, rule_diff};
pub use settings::{
    HandoverMode, LeaverAction, Leavers, PlanSettings, Policy, Safety, StepSettings, StepSource, Trigger,
    WorkflowSettings,
};
pub use slots::{Due, Schedule};
pub use step::{Action, StepValue, WorkflowStep};
pub use upcoming::{Act, Coming, ComingEvent, ComingTarget, What, upcoming};
pub use workflow::{
    Begun, Fingerprints, KnownSince, PlannedWorkflows, Reason, Rehearsed, Seen, SeenBefore, StepDone, WorkflowInput,
    WorkflowMemory, plan_workflows, rehearse, trial, verdict,
};
