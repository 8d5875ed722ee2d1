//! What workflows do in Freshservice: requests through the account's forms, tickets, orders, and changes of one
//! requester.

mod directory;
mod form;
mod journeys;
mod listing;
mod orders;
mod requesters;
mod tickets;

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::field::{AccountId, FieldValue};
use crate::http::Request;
use crate::plan::{Action, WorkflowStep};

use super::super::{ErrorKind, RunWorkflows, StepFields, TargetError, Workflows};
use super::errors::{Operation, unexpected};
use super::wire::{self, Row};
use super::{Freshservice, Halt, Reads, Transport};
use directory::Directory;
pub(super) use form::Form;
use form::Given;

pub(super) const OFFER: Workflows = Workflows { actions: &Action::ALL, fields: step_fields };

/// The fields of each action, as far as they are known before the account is asked.
fn step_fields(action: Action) -> StepFields {
    match action {
        Action::CreateTicket => {
            StepFields { needed: &["subject", "description"], taken: Some(tickets::FIELDS), custom: true }
        }
        Action::CreateServiceRequest => StepFields { needed: &["item"], taken: Some(orders::FIELDS), custom: true },
        Action::AddToRequesterGroup | Action::RemoveFromRequesterGroup => {
            StepFields { needed: &["group"], taken: Some(&["group"]), custom: false }
        }
        Action::DeactivateRequester => StepFields { needed: &[], taken: Some(&[]), custom: false },
        Action::CreateOnboardingRequest | Action::CreateOffboardingRequest | Action::UpdateRequester => {
            StepFields::default()
        }
    }
}

fn refuse(why: impl Into<String>) -> TargetError {
    TargetError::new(ErrorKind::Refused, why)
}

/// `onboarding` or `offboarding`.
fn journey(action: Action) -> Option<&'static str> {
    match action {
        Action::CreateOnboardingRequest => Some("onboarding"),
        Action::CreateOffboardingRequest => Some("offboarding"),
        _ => None,
    }
}

fn values(request: &WorkflowStep) -> Result<Vec<(Box<str>, FieldValue)>, TargetError> {
    request.values().map_err(refuse)
}

fn given(request: &WorkflowStep) -> Result<Vec<Given>, TargetError> {
    Ok(values(request)?.into_iter().map(|(name, value)| (name, Some(value))).collect())
}

fn plain(value: &FieldValue) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// The first day on which what a step made can have been made: clocks differ, by a day at most.
fn since(begun: DateTime<Utc>) -> String {
    (begun.date_naive() - TimeDelta::days(1)).to_string()
}

/// Looks at every row; says whether the page held anything new.
fn look_through(rows: &[Row], known: &mut HashSet<u64>, mut look: impl FnMut(u64, &Row)) -> Result<bool, Halt> {
    let mut news = false;
    for row in rows {
        let id = wire::id(row)?;
        if known.insert(id) {
            news = true;
            look(id, row);
        }
    }
    Ok(news)
}

impl<C: Transport> Freshservice<C> {
    /// Sends what makes something, and takes its id from the answer.
    fn make(&self, request: &Request, operation: Operation, wrapper: &str) -> Result<Option<Box<str>>, TargetError> {
        let response = self.send(request, operation)?;
        let id = wire::one(&response, &[wrapper]).and_then(|row| wire::id(&row));
        let id = id.map_err(|why| unexpected(&why, response.status, operation))?;
        Ok(Some(id.to_string().into()))
    }
}

impl<C: Reads> Freshservice<C> {
    /// What is wrong with the fields of a step, held against the account's own forms.
    pub(super) fn step_problems(&self, action: Action, fields: &[Given]) -> Result<Vec<String>, TargetError> {
        let fields = fields.to_vec();
        if let Some(journey) = journey(action) {
            return self.request_problems(journey, fields);
        }
        match action {
            Action::CreateServiceRequest => self.order_problems(fields),
            Action::UpdateRequester => self.update_problems(fields),
            Action::AddToRequesterGroup | Action::RemoveFromRequesterGroup => self.group_problems(&fields),
            _ => Ok(Vec::new()),
        }
    }
}

impl<C: Transport> RunWorkflows for Freshservice<C> {
    fn find_made(
        &self,
        request: &WorkflowStep,
        account: Option<&AccountId>,
        begun: DateTime<Utc>,
    ) -> Result<Option<Box<str>>, TargetError> {
        if let Some(journey) = journey(request.action) {
            return self.find_request(journey, request);
        }
        match request.action {
            Action::CreateTicket => self.find_ticket(request, account, begun),
            Action::CreateServiceRequest => self.find_order(request, account, begun),
            _ => Ok(None),
        }
    }

    fn perform(&self, request: &WorkflowStep, account: Option<&AccountId>) -> Result<Option<Box<str>>, TargetError> {
        if let Some(journey) = journey(request.action) {
            return self.make_request(journey, request);
        }
        let needed = || account.ok_or_else(|| refuse("the employee has no account here"));
        match request.action {
            Action::CreateTicket => return self.make_ticket(request, account),
            Action::CreateServiceRequest => return self.place_order(request, account),
            Action::UpdateRequester => self.update_requester(request, needed()?)?,
            Action::DeactivateRequester => self.deactivate_requester(needed()?)?,
            Action::AddToRequesterGroup | Action::RemoveFromRequesterGroup => {
                self.change_member(request, needed()?)?;
            }
            Action::CreateOnboardingRequest | Action::CreateOffboardingRequest => {}
        }
        Ok(None)
    }
}
