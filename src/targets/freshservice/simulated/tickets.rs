//! Tickets.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::named_lists::Paging;
use super::refusals::{Problem, invalid, refused};
use crate::http::Method::{Get, Post};
use crate::simulation::{SandboxRequest, SandboxResponse};

/// The workspace of whatever names none.
pub(super) const PRIMARY_WORKSPACE: u64 = 2;

/// What the update of a ticket is made of; anything else is refused.
const WRITABLE: &[&str] = &[
    "subject",
    "description",
    "status",
    "priority",
    "email",
    "requester_id",
    "phone",
    "name",
    "workspace_id",
    "source",
    "department_id",
    "group_id",
    "responder_id",
    "tags",
    "custom_fields",
    "due_by",
    "fr_due_by",
    "assets",
    "category",
    "sub_category",
    "item_category",
    "urgency",
    "impact",
    "type",
    "cc_emails",
];

/// The tickets of one account.
#[derive(Clone, Debug, Default)]
pub(super) struct Tickets {
    rows: Vec<Map<String, Value>>,
}

impl Tickets {
    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, id: u64) -> Option<&Map<String, Value>> {
        self.rows.iter().find(|ticket| ticket["id"].as_u64() == Some(id))
    }
}

/// What is kept with a ticket and told only where it is asked for.
const UNASKED: [&str; 2] = ["tags", "requested_items"];

fn shown(ticket: &Map<String, Value>, include: &str) -> Value {
    let asked = |name: &str| include.split(',').any(|part| part == name);
    let kept = ticket.iter().filter(|(name, _)| !UNASKED.contains(&name.as_str()) || asked(name));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

impl Account {
    /// Answers `/tickets`.
    pub(super) fn ticket_requests(&mut self, rest: &[&str], request: &SandboxRequest, now: &str) -> SandboxResponse {
        match (request.method, rest) {
            (Get, []) => self.list_tickets(request),
            (Post, []) => self.make_ticket(request, now),
            (Get, [id, below @ ..]) => {
                let include = request.query_value("include").unwrap_or_default();
                match (id.parse::<u64>().ok().and_then(|id| self.tickets.get(id)), below) {
                    (Some(ticket), []) => SandboxResponse::json(200, &json!({"ticket": shown(ticket, include)})),
                    (Some(ticket), ["requested_items"]) => {
                        let items = ticket.get("requested_items").cloned().unwrap_or_else(|| json!([]));
                        SandboxResponse::json(200, &json!({"requested_items": items}))
                    }
                    _ => SandboxResponse::empty(404),
                }
            }
            _ => SandboxResponse::empty(404),
        }
    }

    fn list_tickets(&self, request: &SandboxRequest) -> SandboxResponse {
        let paging = match Paging::read(request) {
            Ok(paging) => paging,
            Err(refusal) => return refusal,
        };
        let by_email = request.query_value("email").map(|email| self.user_by_email(email));
        let by_id = request.query_value("requester_id").map(|id| id.parse::<u64>().ok());
        let since = request.query_value("updated_since").unwrap_or_default();
        let kind = request.query_value("type");
        let workspace = request.query_value("workspace_id").and_then(|id| id.parse().ok()).unwrap_or(PRIMARY_WORKSPACE);
        let wanted = |ticket: &&Map<String, Value>| {
            let requester = ticket["requester_id"].as_u64();
            by_email.is_none_or(|id| id.is_some() && id == requester)
                && by_id.is_none_or(|id| id == requester)
                && kind.is_none_or(|kind| ticket["type"] == kind)
                && (workspace == 0 || ticket["workspace_id"] == workspace)
                && ticket["updated_at"].as_str().is_some_and(|moment| moment >= since)
        };
        let found: Vec<&Map<String, Value>> = self.tickets.rows.iter().rev().filter(wanted).collect();
        let rows = paging.slice(&found).iter().map(|ticket| shown(ticket, "")).collect();
        paging.answer(request, "tickets", rows, found.len())
    }

    fn make_ticket(&mut self, request: &SandboxRequest, now: &str) -> SandboxResponse {
        let Some(body) = request.object() else {
            return refused(400, "invalid_json", "Request body has invalid json format");
        };
        let mut problems: Vec<Problem> = body
            .keys()
            .filter(|key| !WRITABLE.contains(&key.as_str()))
            .map(|key| Problem::new(key, "Unexpected/invalid field in request", "invalid_field"))
            .collect();
        for name in ["subject", "description"] {
            if body.get(name).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
                problems.push(Problem::new(name, "It should not be blank", "missing_field"));
            }
        }
        for (name, allowed) in [("status", 2..=5), ("priority", 1..=4)] {
            if !body.get(name).and_then(Value::as_u64).is_some_and(|number| allowed.contains(&number)) {
                problems.push(Problem::new(name, "It should be one of the listed values", "invalid_value"));
            }
        }
        let email = body.get("email").and_then(Value::as_str);
        let id = body.get("requester_id").and_then(Value::as_u64);
        if email.is_none() && !id.is_some_and(|id| self.knows_user(id)) {
            problems.push(Problem::new("requester_id", "There is no such user", "invalid_value"));
        }
        if !problems.is_empty() {
            return invalid(&problems);
        }
        // An address that nobody has makes a requester: the real system does so, too.
        let requester = id.or_else(|| email.map(|email| self.requester_of(email, now))).unwrap_or_default();
        let subject = body["subject"].as_str().unwrap_or_default().to_owned();
        let mut more = body;
        more.remove("email");
        let source = more.get("source").and_then(Value::as_u64).unwrap_or(2);
        let number = self.add_ticket(requester, &subject, "Incident", source, more, now);
        let made = self.tickets.get(number).map(|ticket| shown(ticket, "tags"));
        SandboxResponse::json(201, &json!({"ticket": made}))
    }

    /// Keeps a ticket and gives its number.
    pub(super) fn add_ticket(
        &mut self,
        requester: u64,
        subject: &str,
        kind: &str,
        source: u64,
        more: Map<String, Value>,
        now: &str,
    ) -> u64 {
        let id = self.tickets.rows.len() as u64 + 1;
        let mut ticket = more;
        for (name, value) in [
            ("id", json!(id)),
            ("subject", json!(subject)),
            ("type", json!(kind)),
            ("source", json!(source)),
            ("requester_id", json!(requester)),
            ("created_at", json!(now)),
            ("updated_at", json!(now)),
        ] {
            ticket.insert(name.into(), value);
        }
        ticket.entry("status").or_insert(json!(2));
        ticket.entry("priority").or_insert(json!(1));
        ticket.entry("tags").or_insert(json!([]));
        ticket.entry("requested_for_id").or_insert(json!(requester));
        ticket.entry("workspace_id").or_insert(json!(PRIMARY_WORKSPACE));
        self.tickets.rows.push(ticket);
        id
    }
}
