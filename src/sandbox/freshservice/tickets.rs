//! Tickets, service requests from the catalogue, and groups of requesters.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::places::Paging;
use super::refusals::{Problem, conflict, invalid, refused};
use crate::http::Method::{Delete, Get, Post};
use crate::sandbox::{SandboxRequest, SandboxResponse};

const FIRST_GROUP: u64 = 21_000_060_001;

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

/// Tickets, service items and groups of one account.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    tickets: Vec<Map<String, Value>>,
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    id: u64,
    name: String,
    manual: bool,
    members: Vec<u64>,
}

/// The service items: number, name, and the fields that must be sent.
const ITEMS: &[(u64, &str, &[&str])] = &[(1, "Laptop", &[]), (2, "Access card", &["badge_name"])];

impl Desk {
    pub(super) fn new() -> Self {
        let group = |id, name: &str, manual| Group { id, name: name.to_owned(), manual, members: Vec::new() };
        let groups = vec![group(FIRST_GROUP, "VPN users", true), group(FIRST_GROUP + 1, "Everybody in Berlin", false)];
        Self { tickets: Vec::new(), groups }
    }

    pub(super) fn count(&self) -> usize {
        self.tickets.len()
    }
}

impl Account {
    /// Answers `/tickets`.
    pub(super) fn tickets(&mut self, rest: &[&str], request: &SandboxRequest, now: &str) -> SandboxResponse {
        match (request.method, rest) {
            (Get, []) => self.list_tickets(request),
            (Post, []) => self.make_ticket(request, now),
            (Get, [id]) => {
                let id = id.parse::<u64>().ok();
                let found = self.desk.tickets.iter().find(|ticket| id.is_some() && ticket["id"].as_u64() == id);
                found.map_or_else(
                    || SandboxResponse::empty(404),
                    |ticket| SandboxResponse::json(200, &json!({"ticket": ticket})),
                )
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
        let wanted = |ticket: &&Map<String, Value>| {
            let requester = ticket["requester_id"].as_u64();
            by_email.is_none_or(|id| id.is_some() && id == requester)
                && by_id.is_none_or(|id| id == requester)
                && ticket["updated_at"].as_str().is_some_and(|moment| moment >= since)
        };
        let found: Vec<&Map<String, Value>> = self.desk.tickets.iter().rev().filter(wanted).collect();
        let rows = paging.slice(&found).iter().map(|ticket| Value::Object((*ticket).clone())).collect();
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
        let made = self.desk.tickets.iter().find(|ticket| ticket["id"] == number);
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
        let id = self.desk.tickets.len() as u64 + 1;
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
        self.desk.tickets.push(ticket);
        id
    }

    /// Answers `/service_catalog/items`.
    pub(super) fn catalog(&mut self, rest: &[&str], request: &SandboxRequest, now: &str) -> SandboxResponse {
        let shown = |(id, name, fields): &(u64, &str, &[&str])| {
            let fields: Vec<Value> = fields
                .iter()
                .map(|field| json!({"name": field, "label": field, "field_type": "custom_text", "required": true}))
                .collect();
            json!({"id": 21_000_080_000_u64 + id, "display_id": id, "name": name, "custom_fields": fields, "deleted": false})
        };
        let item = |number: &str| ITEMS.iter().find(|(id, ..)| id.to_string() == number);
        match (request.method, rest) {
            (Get, []) => {
                SandboxResponse::json(200, &json!({"service_items": ITEMS.iter().map(shown).collect::<Vec<_>>()}))
            }
            (Get, [number]) => item(number).map_or_else(
                || SandboxResponse::empty(404),
                |item| SandboxResponse::json(200, &json!({"service_item": shown(item)})),
            ),
            (Post, [number, "place_request"]) => match item(number) {
                Some((_, name, fields)) => self.place_request(name, fields, request, now),
                None => SandboxResponse::empty(404),
            },
            _ => SandboxResponse::empty(404),
        }
    }

    fn place_request(&mut self, item: &str, needed: &[&str], request: &SandboxRequest, now: &str) -> SandboxResponse {
        let Some(body) = request.object() else {
            return refused(400, "invalid_json", "Request body has invalid json format");
        };
        let allowed = ["email", "requested_for", "quantity", "custom_fields", "child_items", "parent_ticket_id"];
        let mut problems: Vec<Problem> = body
            .keys()
            .filter(|key| !allowed.contains(&key.as_str()))
            .map(|key| Problem::new(key, "Unexpected/invalid field in request", "invalid_field"))
            .collect();
        let sent = body.get("custom_fields").and_then(Value::as_object).cloned().unwrap_or_default();
        for name in needed {
            if sent.get(*name).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
                problems.push(Problem::new(
                    &format!("custom_fields.{name}"),
                    "It should not be blank",
                    "missing_field",
                ));
            }
        }
        let person = |key: &str| body.get(key).and_then(Value::as_str).map(|email| self.user_by_email(email));
        let (requester, requested_for) = (person("email"), person("requested_for"));
        for (name, found) in [("email", requester), ("requested_for", requested_for)] {
            if found == Some(None) {
                problems.push(Problem::new(name, "There is no such user", "invalid_value"));
            }
        }
        if !problems.is_empty() {
            return invalid(&problems);
        }
        let requester = requester.flatten().or_else(|| self.user_by_email(super::KEY_OWNER)).unwrap_or_default();
        let requested_for = requested_for.flatten().unwrap_or(requester);
        let subject = format!("Request for {} : {item}", self.full_name(requested_for));
        let more = Map::from_iter([("requested_for_id".to_owned(), json!(requested_for))]);
        let id = self.add_ticket(requester, &subject, "Service Request", 2, more, now);
        let ticket = self.desk.tickets.iter().find(|ticket| ticket["id"] == id);
        SandboxResponse::json(201, &json!({"service_request": ticket}))
    }

    /// Answers `/requester_groups`.
    pub(super) fn groups(&mut self, rest: &[&str], request: &SandboxRequest) -> SandboxResponse {
        let shown = |group: &Group| {
            let kind = if group.manual { "manual" } else { "rule_based" };
            json!({"id": group.id, "name": group.name, "description": null, "type": kind, "workspace_id": 2})
        };
        if let (Get, []) = (request.method, rest) {
            return match Paging::read(request) {
                Err(refusal) => refusal,
                Ok(paging) => {
                    let groups: Vec<&Group> = self.desk.groups.iter().collect();
                    let rows = paging.slice(&groups).iter().map(|group| shown(group)).collect();
                    paging.answer(request, "requester_groups", rows, groups.len())
                }
            };
        }
        if let (Post, []) = (request.method, rest) {
            let name = request.object().and_then(|body| Some(body.get("name")?.as_str()?.trim().to_owned()));
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                return invalid(&[Problem::new("name", "It should not be blank", "missing_field")]);
            };
            if self.desk.groups.iter().any(|group| group.name.to_lowercase() == name.to_lowercase()) {
                return conflict("has already been taken");
            }
            let id = FIRST_GROUP + self.desk.groups.len() as u64;
            self.desk.groups.push(Group { id, name, manual: true, members: Vec::new() });
            return SandboxResponse::json(201, &json!({"requester_group": self.desk.groups.last().map(shown)}));
        }
        let Some(place) = rest.first().and_then(|id| self.desk.groups.iter().position(|one| one.id.to_string() == *id))
        else {
            return SandboxResponse::empty(404);
        };
        let member = rest.get(2).and_then(|id| id.parse::<u64>().ok());
        match (request.method, rest, member) {
            (Get, [_], _) => SandboxResponse::json(200, &json!({"requester_group": shown(&self.desk.groups[place])})),
            (Get, [_, "members"], _) => {
                let members: Vec<Value> =
                    self.desk.groups[place].members.iter().filter_map(|id| self.group_member(*id)).collect();
                SandboxResponse::json(200, &json!({"requesters": members}))
            }
            (Post | Delete, [_, "members", _], _) if !self.desk.groups[place].manual => {
                refused(400, "invalid_value", "Members of rule based groups cannot be changed")
            }
            (Post, [_, "members", _], Some(id)) if self.knows_user(id) => {
                let members = &mut self.desk.groups[place].members;
                if !members.contains(&id) {
                    members.push(id);
                }
                SandboxResponse::empty(200)
            }
            (Delete, [_, "members", _], Some(id)) => {
                let members = &mut self.desk.groups[place].members;
                let before = members.len();
                members.retain(|member| *member != id);
                SandboxResponse::empty(if members.len() < before { 204 } else { 404 })
            }
            _ => SandboxResponse::empty(404),
        }
    }
}
