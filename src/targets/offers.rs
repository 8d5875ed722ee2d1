use chrono::NaiveDate;

use crate::field::{FieldSpec, FieldValue};
use crate::plan::{Action, EmployeeRules, Refusal};
use crate::section::Located;

use super::declared::Declaration;
use super::freshservice::widget::Widget;
use super::{ByHand, Condition, LogEvent, LogLine, Membership, TargetError};

/// What a section offers beside accounts with fields. A type names what it has, and nothing is the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offers<'a> {
    /// The groups whose members the section gives by rule. Each is a field of yes or no beside those of the mapping.
    pub memberships: &'a [Membership],
    pub workflows: Option<Workflows>,
    /// The widget that the section describes.
    pub widget: Option<&'a Widget>,
    /// What the service's own sync log says of what came of an employee.
    pub sync_log: Option<fn(&LogEvent<'_>) -> Option<LogLine>>,
    /// The target of the same file that this one rests on; it must be a directory.
    pub directory: Option<&'a Located<Box<str>>>,
    /// The service has no interface: a plan says what people are to do, and `confirm` that they did.
    pub by_hand: Option<&'a dyn ByHand>,
    /// The interface that the file declares, for the sandbox to simulate.
    pub declaration: Option<&'a Declaration>,
    /// Rules that look at an employee as a whole.
    pub rules: Option<&'a dyn EmployeeRules>,
    /// Conditions of the type's own settings, which count beside `include`.
    pub include: &'a [Condition],
    /// Conditions of the type's own settings, which count beside `exclude`.
    pub exclude: &'a [Condition],
}

/// What workflows of a target may do.
#[derive(Clone, Copy, Debug)]
pub struct Workflows {
    pub actions: &'static [Action],
    /// The fields of an action, as far as they are known before the service is asked.
    pub fields: fn(Action) -> StepFields,
}

/// The fields of an action that are the same in every account of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepFields {
    /// Those it cannot do without.
    pub needed: &'static [&'static str],
    /// All that it takes, where that is known.
    pub taken: Option<&'static [&'static str]>,
    /// Whether it takes fields of the account's own as well, `custom_fields.NAME`.
    pub custom: bool,
}

/// What a service lets us read beside its accounts. A target names what it has, and nothing is the default.
#[derive(Clone, Copy, Default)]
pub struct ReadOffers<'a> {
    pub channels: Option<&'a dyn ListChannels>,
    pub refusals: Option<&'a dyn ListRefusals>,
    pub forms: Option<&'a dyn CheckSteps>,
    pub fields: Option<&'a dyn ListFields>,
}

/// Knows the channels of a service.
pub trait ListChannels {
    /// The names of all that the sign-in sees.
    fn channel_names(&self) -> Result<Vec<Box<str>>, TargetError>;
}

/// Makes accounts in its own time, and says of which nothing came.
pub trait ListRefusals {
    /// What the service says of accounts that it took on to make and did not make since a day: what identifies each
    /// there, and why, without values.
    fn refusals(&self, since: NaiveDate) -> Result<Vec<Refusal>, TargetError>;
}

/// Says itself which fields its accounts have.
pub trait ListFields {
    /// All fields of an account as the service has them today, in its order; `known` are those that are known by name
    /// before it is asked.
    fn all_fields(&self, known: Vec<FieldSpec>) -> Result<Vec<FieldSpec>, TargetError>;
}

/// A field that a step of a workflow can fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepField {
    pub name: Box<str>,
    pub required: bool,
    /// What its value is, in words.
    pub takes: &'static str,
    /// Empty where any value may be.
    pub choices: Vec<Box<str>>,
}

impl StepField {
    /// One that may stay empty.
    pub fn new(name: &str, takes: &'static str) -> Self {
        Self { name: name.into(), required: false, takes, choices: Vec::new() }
    }
}

/// Has forms of its own, against which the steps of workflows can be held.
pub trait CheckSteps {
    /// What is wrong with the fields of a step: names, required fields, and the values that are known already. Never
    /// shows a value.
    fn check_step(&self, action: Action, fields: &[(Box<str>, Option<FieldValue>)])
    -> Result<Vec<String>, TargetError>;

    /// The fields that a step can fill as the service has them today; `known` are those that say which form it is, such
    /// as the item that is ordered.
    fn step_form(
        &self,
        action: Action,
        known: &[(Box<str>, Option<FieldValue>)],
    ) -> Result<Vec<StepField>, TargetError>;
}
