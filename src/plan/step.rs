use std::fmt;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::rules::{Deferred, Evaluation, StepResult};

use crate::field::FieldValue;

/// What a workflow does. The words are those of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Action {
    /// A request through the service's onboarding form; cannot be undone.
    CreateOnboardingRequest,
    /// A request through the service's offboarding form; cannot be undone.
    CreateOffboardingRequest,
    CreateTicket,
    /// An order from the service catalogue.
    CreateServiceRequest,
    /// Other values for fields of the account.
    UpdateRequester,
    /// The account is taken out of use.
    DeactivateRequester,
    /// The account joins a group.
    AddToRequesterGroup,
    /// The account leaves a group.
    RemoveFromRequesterGroup,
}

impl Action {
    pub const ALL: [Self; 8] = [
        Self::CreateOnboardingRequest,
        Self::CreateOffboardingRequest,
        Self::CreateTicket,
        Self::CreateServiceRequest,
        Self::UpdateRequester,
        Self::DeactivateRequester,
        Self::AddToRequesterGroup,
        Self::RemoveFromRequesterGroup,
    ];

    /// The word in the file and in JSON.
    pub fn as_str(self) -> &'static str {
        self.code().as_str()
    }

    /// The reason of a request in JSON.
    pub fn code(self) -> Code {
        match self {
            Self::CreateOnboardingRequest => Code::CreateOnboardingRequest,
            Self::CreateOffboardingRequest => Code::CreateOffboardingRequest,
            Self::CreateTicket => Code::CreateTicket,
            Self::CreateServiceRequest => Code::CreateServiceRequest,
            Self::UpdateRequester => Code::UpdateRequester,
            Self::DeactivateRequester => Code::DeactivateRequester,
            Self::AddToRequesterGroup => Code::AddToRequesterGroup,
            Self::RemoveFromRequesterGroup => Code::RemoveFromRequesterGroup,
        }
    }

    /// Whether doing it twice leaves something twice.
    pub fn makes(self) -> bool {
        matches!(
            self,
            Self::CreateOnboardingRequest
                | Self::CreateOffboardingRequest
                | Self::CreateTicket
                | Self::CreateServiceRequest
        )
    }

    /// Whether what it makes can neither be changed nor removed, so that every run looks before it makes one.
    pub fn is_irrevocable(self) -> bool {
        matches!(self, Self::CreateOnboardingRequest | Self::CreateOffboardingRequest)
    }

    /// Whether it changes the account itself, which a protected account must not be.
    pub fn changes_account(self) -> bool {
        matches!(self, Self::UpdateRequester | Self::DeactivateRequester)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One step of a workflow for one employee, ready to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowStep {
    /// The workflow, as the file names it.
    pub workflow: Box<str>,
    /// Its place in the workflow, from 0.
    pub step: usize,
    pub action: Action,
    pub employee: EmployeeId,
    /// What it is done for once: the event's day, or the change that was seen. Never a value of the employee.
    pub event: Box<str>,
    /// The day of the hire or of the last day; that of the run for a change.
    pub day: NaiveDate,
    /// What is sent, by the names of the service.
    pub fields: Vec<(Box<str>, StepValue)>,
    /// What the steps of the workflow made so far, by their place.
    pub results: Vec<Option<Box<str>>>,
}

/// A value that is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum StepValue {
    Value(FieldValue),
    /// What an expression gives once the earlier steps that it refers to were carried out.
    Deferred(Deferred),
}

impl WorkflowStep {
    /// The values, results of earlier steps put in.
    pub fn values(&self) -> Result<Vec<(Box<str>, FieldValue)>, String> {
        let made = |step: usize| StepResult::Id(self.results.get(step)?.clone()?).id();
        let value = |name: &str, value: &StepValue| match value {
            StepValue::Value(value) => Ok(value.clone()),
            StepValue::Deferred(deferred) => match deferred.evaluate(made) {
                Evaluation::Value(value) => Ok(value),
                Evaluation::Invalid { why } => Err(format!("`{name}`: {why}")),
                Evaluation::Frozen { attribute } => Err(format!("`{name}`: `{attribute}` is not readable")),
            },
        };
        self.fields.iter().map(|(name, source)| Ok((name.clone(), value(name, source)?))).collect()
    }
}

impl StepValue {
    /// For showing before it is sent, results that are not known yet in words.
    pub fn preview(&self, results: &[StepResult]) -> FieldValue {
        let deferred = match self {
            StepValue::Value(value) => return value.clone(),
            StepValue::Deferred(deferred) => deferred,
        };
        let shown = |step: usize| match results.get(step)? {
            StepResult::Awaited => Some(FieldValue::text(&format!("(result of step {step})"))),
            known => known.id(),
        };
        match deferred.evaluate(shown) {
            Evaluation::Value(value) => value,
            Evaluation::Frozen { .. } | Evaluation::Invalid { .. } => {
                let steps: Vec<String> = deferred.steps().map(|step| step.to_string()).collect();
                FieldValue::text(&format!("(made with the result of step {})", steps.join(" and ")))
            }
        }
    }
}
