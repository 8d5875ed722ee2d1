//! What planning one target goes by: what its section says, and what its type is known for. Data; nothing is looked up.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{Capabilities, FieldIndex, FieldSpec, FieldValue, Schema};
use crate::rules::{Expression, Mapping, OnInvalid};

use super::{Action, Limit, Share};

/// The settings of one target that a plan goes by.
#[derive(Debug)]
pub struct PlanSettings {
    /// As the file names it.
    pub name: Box<str>,
    /// The word in `type = "..."`.
    pub kind: &'static str,
    /// What its type is known for.
    pub policy: Policy,
    /// The fields of the run: those mapped, in the file's order, then those only matched or protected by.
    pub fields: Vec<FieldSpec>,
    /// How many of `fields` are written: those mapped, then those that the type works out itself.
    pub written_fields: usize,
    /// Fields to find an account by, in order. Not empty.
    pub match_fields: Vec<FieldIndex>,
    /// All must hold.
    pub include: Vec<Expression>,
    /// Any one excludes.
    pub exclude: Vec<Expression>,
    /// In the file's order; the index of each field is its place here.
    pub mapping: Vec<Mapping>,
    /// Reference fields whose missing names may be made.
    pub create_missing: Vec<FieldIndex>,
    /// What is done about accounts of people who left or are no longer meant.
    pub leavers: Leavers,
    /// What happens to the account of somebody who comes back with a new profile.
    pub handover: HandoverMode,
    /// Limits.
    pub safety: Safety,
    /// In the order of the file.
    pub workflows: Vec<WorkflowSettings>,
}

impl PlanSettings {
    /// Whether whoever left is kept in line like everybody else.
    pub fn takes_leavers(&self) -> bool {
        self.policy.includes_leavers || self.leavers.left == LeaverAction::Include
    }

    /// The fields as the file knows them, where the target is not asked.
    pub fn schema(&self) -> Schema {
        let (fields, capabilities) = (self.fields.clone(), Capabilities::default());
        Schema { fields, capabilities, one_of: Vec::new(), asynchronous: None }
    }

    /// Whether any filter says who is meant.
    pub fn is_filtered(&self) -> bool {
        !self.include.is_empty() || !self.exclude.is_empty()
    }
}

/// What a type of target is known for, whatever a section of the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Employees of every standing are in scope (a help desk that shows people who left, too).
    pub includes_leavers: bool,
    /// Whether whoever left may stay in it as everybody else does (`leavers.left = "include"`).
    pub can_include_leavers: bool,
    /// The service has no interface: a plan says what people are to do, and `confirm` that they did.
    pub manual: bool,
    /// It keeps the contacts of a company, on which another target of the file may rest.
    pub is_directory: bool,
    /// Its groups are channels, too, which a target that rests on it may name.
    pub has_channels: bool,
    /// Whether a change is a call to a service, which may charge by it; a file costs nothing.
    pub costs_calls: bool,
    /// Whether people import what it holds, and say so with `confirm`.
    pub delivered: bool,
    /// Fields that ask for something once, and are taken back when that was confirmed: no change of a record.
    pub asks_once: &'static [&'static str],
    /// How many calls a minute the service is known to allow, for forecasts.
    pub calls_per_minute: Option<u32>,
    /// The kinds of groups that `create_missing` may name, because the service lets us make them.
    pub makes_groups: &'static [&'static str],
    /// What an invalid value does where the mapping does not say; by itself a field that is required or found by
    /// fails, and any other is kept.
    pub on_invalid: Option<OnInvalid>,
    /// What happens to the account of somebody who comes back with a new profile, where the file does not say.
    pub handover: HandoverMode,
    /// Attributes that the service's own integration asks for, each with what it costs to be without it.
    pub expected_attributes: &'static [(&'static str, &'static str)],
    /// What making an account may set off in the service, where an operator should know it beforehand.
    pub create_note: Option<&'static str>,
    /// What a first run without any filter sets off in the service, where an operator should know it beforehand.
    pub unfiltered_note: Option<&'static str>,
    /// What it means for an employee that the service does not know the manager, where that is more than a blank.
    pub unknown_manager_note: Option<&'static str>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            includes_leavers: false,
            can_include_leavers: false,
            manual: false,
            is_directory: false,
            has_channels: false,
            costs_calls: true,
            delivered: false,
            asks_once: &[],
            calls_per_minute: None,
            makes_groups: &[],
            on_invalid: None,
            handover: HandoverMode::Auto,
            expected_attributes: &[],
            create_note: None,
            unfiltered_note: None,
            unknown_manager_note: None,
        }
    }
}

/// `[targets.NAME.leavers]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leavers {
    /// The last day has passed, or the status is inactive.
    pub left: LeaverAction,
    /// Still employed, and no longer matches the filters.
    pub out_of_scope: LeaverAction,
    /// No longer delivered by Personio at all.
    pub missing: LeaverAction,
    /// Days to wait after the last day.
    pub grace_days: u32,
}

impl Default for Leavers {
    fn default() -> Self {
        Self {
            left: LeaverAction::Deactivate,
            out_of_scope: LeaverAction::Keep,
            missing: LeaverAction::Keep,
            grace_days: 0,
        }
    }
}

/// What is done about an account that is no longer meant to be in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaverAction {
    /// Nothing.
    Keep,
    /// It is taken out of use.
    Deactivate,
    /// It is kept in line like that of everybody else, and made where there is none (`left` of a file).
    Include,
}

/// What happens to an account that belongs to somebody who has left or is gone, when the employee whom `match` finds it
/// for has a profile of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum HandoverMode {
    /// It goes to them where two keys agree, and waits for somebody to say so where one does.
    #[default]
    Auto,
    /// It always waits for somebody to say so.
    Hold,
    /// It stays with its owner: a new start is a new record.
    Never,
}

/// `[targets.NAME.safety]`: limits per class; `None` means the default for removals, and no limit for the rest.
#[derive(Debug)]
pub struct Safety {
    /// Deactivations in a run.
    pub max_deactivate: Option<Limit>,
    /// Creates in a run.
    pub max_create: Option<Limit>,
    /// Updates in a run.
    pub max_update: Option<Limit>,
    /// Fields emptied in a run.
    pub max_clear: Option<Limit>,
    /// Share of the accounts in which one field may change in a run.
    pub max_field_share: Option<Share>,
    /// Share of its members that a group may lose in a run.
    pub max_group_share: Share,
    /// Failures after which a target is left alone for the rest of the run.
    pub max_failures: u64,
    /// Over the account's own fields; an account for which one holds is never changed.
    pub protect: Vec<Expression>,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            max_deactivate: None,
            max_create: None,
            max_update: None,
            max_clear: None,
            max_field_share: None,
            max_group_share: Share(5_000),
            max_failures: 20,
            protect: Vec::new(),
        }
    }
}

/// `[targets.NAME.workflows.NAME]`
#[derive(Debug)]
pub struct WorkflowSettings {
    /// As the file names it.
    pub name: Box<str>,
    /// What sets it off.
    pub on: Trigger,
    /// All must hold.
    pub when: Vec<Expression>,
    /// For movers and updates: the attributes that count, by Personio's keys, sorted.
    pub changed: Vec<Box<str>>,
    /// For joiners and leavers: the first day that counts, in days after the event.
    pub from: i64,
    /// For joiners and leavers: the last day that counts, in days after the event.
    pub until: i64,
    /// Whether it runs.
    pub active: bool,
    /// Whether it starts for nobody until it is resumed. One that is paused is `active` all the same.
    pub paused: bool,
    /// In order; not empty.
    pub steps: Vec<StepSettings>,
}

/// What sets a workflow off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Trigger {
    /// The hire date is near.
    Joiner,
    /// An attribute changed.
    Mover,
    /// The last day is near.
    Leaver,
    /// An attribute changed; the same as a mover, for those who read the file.
    Updated,
}

impl Trigger {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joiner => "joiner",
            Self::Mover => "mover",
            Self::Leaver => "leaver",
            Self::Updated => "updated",
        }
    }
}

/// One step of a workflow.
#[derive(Debug)]
pub struct StepSettings {
    /// What is done.
    pub action: Action,
    /// It must hold, if there is one.
    pub only_if: Option<Expression>,
    /// It must not hold, if there is one.
    pub unless: Option<Expression>,
    /// What is sent, by the service's names, in the order of the file.
    pub fields: Vec<(Box<str>, StepSource)>,
}

impl StepSettings {
    /// The fields with the values that are the same for everyone.
    pub fn known_fields(&self) -> Vec<(Box<str>, Option<FieldValue>)> {
        let value = |source: &StepSource| match source {
            StepSource::Constant(value) => Some(value.clone()),
            StepSource::Expression(_) => None,
        };
        self.fields.iter().map(|(name, source)| (name.clone(), value(source))).collect()
    }
}

/// Where a value of a step comes from.
#[derive(Debug, PartialEq)]
pub enum StepSource {
    /// An expression over attributes and the results of earlier steps.
    Expression(Arc<Expression>),
    /// The same for everyone.
    Constant(FieldValue),
}

impl WorkflowSettings {
    /// Every expression of it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let of_steps = self.steps.iter().flat_map(|step| {
            let fields = step.fields.iter().filter_map(|(_, source)| match source {
                StepSource::Expression(expression) => Some(&**expression),
                StepSource::Constant(_) => None,
            });
            step.only_if.iter().chain(&step.unless).chain(fields)
        });
        self.when.iter().chain(of_steps)
    }
}
