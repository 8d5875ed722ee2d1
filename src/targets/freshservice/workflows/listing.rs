//! Which fields the steps can fill, as the account's own forms have them today.

use crate::plan::Action;
use crate::targets::{StepField, TargetError};

use super::super::{Freshservice, Reads};
use super::form::{Form, FormField, Given};
use super::{journey, journeys, orders, step_fields, tickets};

impl<C: Reads> Freshservice<C> {
    /// The fields of a step; `known` may name the item that is ordered.
    pub(in super::super) fn form_of_step(
        &self,
        action: Action,
        known: &[Given],
    ) -> Result<Vec<StepField>, TargetError> {
        if let Some(journey) = journey(action) {
            let initiator = StepField::new(journeys::INITIATOR, "the address or id of the user who asks for it");
            return Ok(listed(&*self.form(journey)?).chain([initiator]).collect());
        }
        let mut fields = own_fields(action);
        match action {
            Action::CreateServiceRequest => {
                if let (Some(item), _) = orders::own_fields(known.to_vec()).map_err(super::refuse)? {
                    fields.extend(listed(&*self.item(item)?));
                }
            }
            Action::AddToRequesterGroup | Action::RemoveFromRequesterGroup => {
                let groups = self.groups()?;
                let by_hand = groups.iter().filter(|group| group.manual).map(|group| group.name.clone());
                fields.iter_mut().for_each(|field| field.choices = by_hand.clone().collect());
            }
            _ => {}
        }
        Ok(fields)
    }
}

/// The fields that are the same in every account.
fn own_fields(action: Action) -> Vec<StepField> {
    let fields = step_fields(action);
    let field = |name: &&'static str| StepField {
        required: fields.needed.contains(name),
        ..StepField::new(name, takes(action, name))
    };
    fields.taken.unwrap_or_default().iter().map(field).collect()
}

fn takes(action: Action, name: &str) -> &'static str {
    match name {
        "item" => "the display id of a service item",
        "group" => "the name of a group",
        "requested_for" | "email" => "an e-mail address",
        "department_id" => "the name or id of a department",
        "quantity" => "a number",
        _ if name.ends_with("_id") => "an id",
        _ if action == Action::CreateTicket && tickets::NUMBERS.contains(&name) => "a number",
        _ if action == Action::CreateTicket && tickets::LISTS.contains(&name) => "a list of texts",
        _ => "text",
    }
}

fn listed(form: &Form) -> impl Iterator<Item = StepField> {
    let field = |field: &FormField| StepField {
        required: field.required,
        choices: field.choices.iter().map(|choice| choice.as_str().into()).collect(),
        ..StepField::new(&format!("{}{}", form.prefix, field.name), field.takes())
    };
    form.fields.iter().map(field).collect::<Vec<_>>().into_iter()
}
