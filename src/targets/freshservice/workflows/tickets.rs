//! Tickets, and how one that was made before is found again.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::field::{AccountId, FieldKind, FieldSpec, FieldValue};
use crate::plan::WorkflowStep;
use crate::rules::convert;

use super::super::errors::{Operation, unexpected};
use super::super::fields::CUSTOM;
use super::super::requests::TicketFilter;
use super::super::wire::{self, Row};
use super::super::{Freshservice, Named, Reads, Transport, number, requests};
use super::{Directory, look_through, plain, refuse, since, values};
use crate::targets::TargetError;

/// What a ticket is made of, beside custom fields.
pub(super) const FIELDS: &[&str] = &[
    "category",
    "cc_emails",
    "department_id",
    "description",
    "due_by",
    "email",
    "fr_due_by",
    "group_id",
    "impact",
    "item_category",
    "name",
    "phone",
    "priority",
    "requester_id",
    "responder_id",
    "source",
    "status",
    "sub_category",
    "subject",
    "tags",
    "type",
    "urgency",
    "workspace_id",
];

/// Those of them that are numbers, beside ids.
pub(super) const NUMBERS: [&str; 5] = ["status", "priority", "source", "urgency", "impact"];

/// Those that are lists of texts.
pub(super) const LISTS: [&str; 2] = ["tags", "cc_emails"];

impl<C: Reads> Freshservice<C> {
    fn ticket_body(&self, request: &WorkflowStep, account: Option<&AccountId>) -> Result<Value, TargetError> {
        let mut body = Map::new();
        let mut custom = Map::new();
        let directory = Directory::new(self);
        for (name, value) in values(request)?.into_iter().filter(|(_, value)| !value.is_empty()) {
            let wrong = |why: String| refuse(format!("`{name}`: {why}"));
            if let Some(name) = name.strip_prefix(CUSTOM) {
                custom.insert(name.to_owned(), plain(&value));
                continue;
            }
            let written = match &*name {
                // The description is markup: what people are called must not be.
                "description" => Value::from(escaped(&value.to_string())),
                "department_id" if value.to_string().parse::<u64>().is_err() => {
                    let found = directory.id(Named::Departments, "department", &value.to_string());
                    Value::from(found.map_err(wrong)?.0)
                }
                "email" => json!(value.to_string().to_lowercase()),
                name if LISTS.contains(&name) => match value {
                    FieldValue::List(items) => items.iter().map(|item| json!(item)).collect(),
                    one => json!([one.to_string()]),
                },
                name if name.ends_with("_id") || NUMBERS.contains(&name) => {
                    let number = convert(value.clone(), &FieldSpec::new(name, FieldKind::Number)).map_err(wrong)?;
                    plain(&number)
                }
                _ => plain(&value),
            };
            body.insert(name.to_string(), written);
        }
        for needed in ["subject", "description"] {
            if !body.contains_key(needed) {
                return Err(refuse(format!("`{needed}` is empty, and a ticket needs it")));
            }
        }
        body.entry("status").or_insert(json!(2));
        body.entry("priority").or_insert(json!(1));
        if !["email", "requester_id", "phone"].iter().any(|who| body.contains_key(*who)) {
            let requester = account.map(number).transpose()?;
            let requester = requester.ok_or_else(|| {
                refuse("the employee has no account here, and the ticket names no `email` or `requester_id`")
            })?;
            body.insert("requester_id".into(), json!(requester));
        }
        if !custom.is_empty() {
            body.insert("custom_fields".into(), Value::Object(custom));
        }
        let tags = body.entry("tags").or_insert(json!([]));
        if let Some(tags) = tags.as_array_mut() {
            tags.push(json!(tag(request)));
        }
        Ok(Value::Object(body))
    }
}

impl<C: Transport> Freshservice<C> {
    pub(super) fn make_ticket(
        &self,
        request: &WorkflowStep,
        account: Option<&AccountId>,
    ) -> Result<Option<Box<str>>, TargetError> {
        let body = self.ticket_body(request, account)?;
        self.make(&requests::create_ticket(&body), Operation::CreateTicket, "ticket")
    }
}

impl<C: Reads> Freshservice<C> {
    /// The ticket that was made for this step since it was begun, by its tag.
    pub(super) fn find_ticket(
        &self,
        request: &WorkflowStep,
        account: Option<&AccountId>,
        begun: DateTime<Utc>,
    ) -> Result<Option<Box<str>>, TargetError> {
        let body = self.ticket_body(request, account)?;
        let text = |key: &str| match &body[key] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let who = ["requester_id", "email"].into_iter().find_map(|key| Some((key, text(key)?)));
        let filter = TicketFilter { who, since: since(begun), orders: false, workspace: body["workspace_id"].as_u64() };
        let mut rows = self.tickets_since(&filter)?;
        let subject = text("subject");
        // Most likely the one with the same subject, unless a name in it changed since.
        rows.sort_by_key(|(_, row)| row.get("subject").and_then(Value::as_str) != subject.as_deref());
        let tag = tag(request);
        for (id, row) in rows {
            if self.tags(id, &row)?.contains(&tag) {
                return Ok(Some(id.to_string().into()));
            }
        }
        Ok(None)
    }

    /// The tags of a ticket. Lists leave them out.
    fn tags(&self, id: u64, row: &Row) -> Result<Vec<String>, TargetError> {
        let read = |row: &Row| {
            let tags = row.get("tags")?.as_array()?;
            Some(tags.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        if let Some(tags) = read(row) {
            return Ok(tags);
        }
        let response = self.read(&requests::get_ticket(id), Operation::ListTickets)?;
        let row = wire::one(&response, &["ticket"])
            .map_err(|why| unexpected(&why, response.status, Operation::ListTickets))?;
        read(&row)
            .ok_or_else(|| unexpected("the ticket does not say its tags", response.status, Operation::ListTickets))
    }

    /// The tickets that were made since a day. The service's filters are not trusted to have been followed.
    pub(super) fn tickets_since(&self, filter: &TicketFilter) -> Result<Vec<(u64, Row)>, TargetError> {
        let (mut found, mut known): (Vec<(u64, Row)>, _) = (Vec::new(), HashSet::new());
        self.pages(
            Operation::ListTickets,
            "tickets",
            |page| requests::list_tickets(filter, page),
            |rows| {
                look_through(&rows, &mut known, |id, row| {
                    let made = row.get("created_at").and_then(Value::as_str).unwrap_or_default();
                    let is_order = row.get("type").and_then(Value::as_str) == Some("Service Request");
                    if made.get(..10).is_none_or(|day| day >= filter.since.as_str()) && is_order == filter.orders {
                        found.push((id, row.clone()));
                    }
                })
            },
        )?;
        Ok(found)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
}

/// Marks a ticket as made for this step, so that it is found again. Short: the sibling product takes tags of 32
/// letters at most.
pub(super) fn tag(request: &WorkflowStep) -> String {
    let made_for = format!("{}/{}/{}", request.workflow, request.step, request.event);
    let digest: String = Sha256::digest(made_for).iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    format!("personio-{}-{digest}", request.employee)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::EmployeeId;
    use crate::plan::Action;

    #[test]
    fn a_tag_is_short_and_tells_steps_apart() {
        let request = |employee: u64, workflow: &str, step: usize, event: &str| WorkflowStep {
            workflow: workflow.into(),
            step,
            action: Action::CreateTicket,
            employee: EmployeeId(employee),
            event: event.into(),
            day: "2027-02-01".parse().unwrap(),
            fields: Vec::new(),
            results: Vec::new(),
        };
        let first = tag(&request(4711, "onboarding", 0, "2027-02-01"));
        assert!(first.starts_with("personio-4711-") && first.len() == 24, "{first}");
        let long = tag(&request(123_456_789, &"long-name".repeat(9), 12, "2027-02-01T08:00:00.000Z 0123abcd"));
        assert!(long.len() <= 32, "{long}");
        for other in [
            request(4712, "onboarding", 0, "2027-02-01"),
            request(4711, "moving", 0, "2027-02-01"),
            request(4711, "onboarding", 1, "2027-02-01"),
            request(4711, "onboarding", 0, "2027-02-08"),
        ] {
            assert_ne!(tag(&other), first, "{other:?}");
        }
    }
}
