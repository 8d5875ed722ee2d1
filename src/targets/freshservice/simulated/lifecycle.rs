//! Onboarding and offboarding requests: made through a form of the account's own, never changed, never removed.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::named_lists::Paging;
use super::refusals::{Problem, invalid, refused};
use crate::simulation::{SandboxRequest, SandboxResponse};

const FIRST_REQUEST: u64 = 41;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Journey {
    Onboarding,
    Offboarding,
}

impl Journey {
    pub(super) fn of(segment: &str) -> Option<Self> {
        match segment {
            "onboarding_requests" => Some(Self::Onboarding),
            "offboarding_requests" => Some(Self::Offboarding),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Onboarding => "onboarding",
            Self::Offboarding => "offboarding",
        }
    }

    /// What tickets made for it have as their source.
    fn source(self) -> u64 {
        match self {
            Self::Onboarding => 13,
            Self::Offboarding => 18,
        }
    }
}

/// What a field of a form refers to; the numbers are the API's.
const LOCATION: u64 = 1;
const REQUESTER: u64 = 2;
const AGENT: u64 = 3;
const ANYBODY: u64 = 5;
const DEPARTMENT: u64 = 6;

#[derive(Clone, Debug)]
struct FormField {
    name: String,
    field_type: &'static str,
    required: bool,
    data_source: Option<u64>,
    choices: Vec<String>,
}

impl FormField {
    fn new(name: &str, field_type: &'static str) -> Self {
        Self { name: name.to_owned(), field_type, required: false, data_source: None, choices: Vec::new() }
    }

    fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn source(self, data_source: u64) -> Self {
        Self { data_source: Some(data_source), ..self }
    }

    fn shown(&self, position: usize) -> Value {
        let label = self.name.trim_start_matches("cf_").replace('_', " ");
        let mut shown = json!({
            "placeholder": null, "label": label, "name": self.name, "position": position, "required": self.required,
            "default": self.name.starts_with("actor_"), "field_type": self.field_type
        });
        if let Some(source) = self.data_source {
            shown["data_source"] = json!(source);
        }
        if !self.choices.is_empty() {
            shown["choices"] = json!(self.choices);
        }
        shown
    }
}

/// The requests of one kind, with their form.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    journey: Journey,
    form: Vec<FormField>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    id: u64,
    requester_id: u64,
    ticket_id: Option<u64>,
    created_at: String,
    fields: Map<String, Value>,
}

impl Requests {
    pub(super) fn new(journey: Journey) -> Self {
        let text = |name| FormField::new(name, "custom_text");
        let lookup = |name, source| FormField::new(name, "custom_lookup_bigint").source(source);
        let form = match journey {
            Journey::Onboarding => vec![
                text("cf_employee_name").required(),
                text("cf_job_title"),
                FormField::new("cf_date_of_joining", "custom_date").required(),
                lookup("cf_department", DEPARTMENT),
                lookup("cf_location", LOCATION),
                text("cf_personio_id"),
                FormField {
                    choices: ["Laptop", "Desktop", "None"].map(String::from).into(),
                    ..FormField::new("cf_equipment", "custom_dropdown")
                },
                FormField::new("cf_remote", "custom_checkbox"),
                lookup("actor_2", ANYBODY),
            ],
            Journey::Offboarding => vec![
                text("cf_employee_email").source(ANYBODY).required(),
                text("cf_employee_name"),
                FormField::new("cf_last_working_date", "custom_date"),
                lookup("cf_department", DEPARTMENT),
                text("cf_personio_id"),
                lookup("actor_2", ANYBODY),
            ],
        };
        Self { journey, form, rows: Vec::new() }
    }

    /// Adds a field that the user's file fills, if a form of the service could have it.
    pub(super) fn offer(&mut self, name: &str, kind: &str) {
        if can_be_added(name) && !self.form.iter().any(|field| field.name == name) {
            let field_type = match kind {
                "date" => "custom_date",
                "number" => "custom_decimal",
                "bool" => "custom_checkbox",
                _ => "custom_text",
            };
            self.form.push(FormField::new(name, field_type));
        }
    }

    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn form(&self) -> SandboxResponse {
        let rows: Vec<Value> = self.form.iter().enumerate().map(|(entry, field)| field.shown(entry + 1)).collect();
        SandboxResponse::json(200, &json!({"fields": rows}))
    }

    pub(super) fn list(&self, request: &SandboxRequest) -> SandboxResponse {
        match Paging::read(request) {
            Err(refusal) => refusal,
            Ok(paging) => {
                let what = format!("{}_requests", self.journey.word());
                let rows = paging.slice(&self.rows).iter().map(|row| self.shown(row)).collect();
                paging.answer(request, &what, rows, self.rows.len())
            }
        }
    }

    fn shown(&self, row: &Row) -> Value {
        json!({
            "id": row.id, "created_at": row.created_at, "updated_at": row.created_at, "status": 3,
            "requester_id": row.requester_id, "ticket_id": row.ticket_id,
            "subject": format!("Employee {} Request", capital(self.journey.word())), "fields": row.fields
        })
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.rows.iter().position(|row| row.id == id)
    }
}

/// Whether a field that somebody adds to a form can be called so: the service puts these in front of every name.
fn can_be_added(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    ["cf_", "msf_"].iter().any(|before| name.strip_prefix(before).is_some_and(|rest| !rest.is_empty()))
        || name.strip_prefix("actor_").is_some_and(is_number)
}

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

impl Account {
    /// Answers everything below `/onboarding_requests` and `/offboarding_requests`.
    pub(super) fn journey(
        &mut self,
        journey: Journey,
        rest: &[&str],
        request: &SandboxRequest,
        owner: u64,
        now: &str,
    ) -> SandboxResponse {
        use crate::http::Method::{Get, Post};
        let id = rest.first().and_then(|text| text.parse::<u64>().ok());
        match (request.method, rest, id) {
            (Get, ["form"], _) => self.requests(journey).form(),
            (Get, [], _) => self.requests(journey).list(request),
            (Post, [], _) => self.make_request(journey, request, owner, now),
            (Get, [_], Some(id)) => self.view_request(journey, id, now),
            (Get, [_, "tickets"], Some(id)) => self.request_tickets(journey, id),
            (_, ["form"] | [] | [_] | [_, "tickets"], _) => SandboxResponse::empty(405),
            _ => SandboxResponse::empty(404),
        }
    }

    fn make_request(&mut self, journey: Journey, request: &SandboxRequest, owner: u64, now: &str) -> SandboxResponse {
        let Some(body) = request.object() else {
            return refused(400, "invalid_json", "Request body has invalid json format");
        };
        let mut problems: Vec<Problem> = body
            .keys()
            .filter(|key| !["initiator_id", "fields"].contains(&key.as_str()))
            .map(|key| Problem::new(key, "Unexpected/invalid field in request", "invalid_field"))
            .collect();
        let requester_id = match body.get("initiator_id") {
            None | Some(Value::Null) => owner,
            Some(id) => {
                if !id.as_u64().is_some_and(|id| self.knows_user(id)) {
                    problems.push(Problem::new("initiator_id", "There is no such user", "invalid_value"));
                }
                id.as_u64().unwrap_or_default()
            }
        };
        let sent = body.get("fields").and_then(Value::as_object).cloned().unwrap_or_default();
        let form = self.requests(journey).form.clone();
        for name in sent.keys().filter(|name| !form.iter().any(|field| field.name == **name)) {
            problems.push(Problem::new(name, "Unexpected/invalid field in request", "invalid_field"));
        }
        let mut fields = Map::new();
        for field in &form {
            let value = sent.get(&field.name).cloned().unwrap_or_default();
            if value.is_null() || value == "" {
                if field.required {
                    problems.push(Problem::new(&field.name, "It should not be blank", "missing_field"));
                }
                fields.insert(field.name.clone(), Value::Null);
                continue;
            }
            match self.kept(field, &value) {
                Some(kept) => {
                    fields.insert(field.name.clone(), kept);
                }
                None => problems.push(Problem::new(&field.name, "It is not a valid value", "invalid_value")),
            }
        }
        if !problems.is_empty() {
            return invalid(&problems);
        }
        let requests = self.requests_mut(journey);
        let id = FIRST_REQUEST + requests.rows.len() as u64;
        // The ticket is made a moment later: at once, there is none.
        requests.rows.push(Row { id, requester_id, ticket_id: None, created_at: now.to_owned(), fields });
        let row = &self.requests(journey).rows[self.requests(journey).rows.len() - 1];
        let shown = self.whole(journey, row);
        SandboxResponse::json(201, &json!({format!("{}_request", journey.word()): shown}))
    }

    /// A value as it is kept; days are told the other way round.
    fn kept(&self, field: &FormField, value: &Value) -> Option<Value> {
        let text = value.as_str();
        let id = value.as_u64();
        match (field.data_source, field.field_type) {
            (Some(LOCATION), _) => id.filter(|id| self.knows_location(*id)).map(Value::from),
            (Some(REQUESTER | AGENT), _) => id.filter(|id| self.knows_user(*id)).map(Value::from),
            (Some(ANYBODY), "custom_text") => text.filter(|text| self.user_by_email(text).is_some()).map(Value::from),
            (Some(ANYBODY), _) => self.user_by_email(text?).map(Value::from),
            (Some(DEPARTMENT), _) => self.department_by_name(text?).map(Value::from),
            (_, "custom_date") => {
                let day: chrono::NaiveDate = text?.parse().ok()?;
                Some(json!(day.format("%d-%m-%Y").to_string()))
            }
            (_, "custom_dropdown") => field.choices.iter().any(|choice| text == Some(choice)).then(|| value.clone()),
            (_, "custom_checkbox") => value.is_boolean().then(|| value.clone()),
            (_, "custom_decimal") => value.is_number().then(|| value.clone()),
            _ => value.is_string().then(|| value.clone()),
        }
    }

    fn whole(&self, journey: Journey, row: &Row) -> Value {
        let requests = self.requests(journey);
        let mut shown = requests.shown(row);
        let mut lookups = Map::new();
        for field in &requests.form {
            let (Some(source), Some(id)) = (field.data_source, row.fields[&field.name].as_u64()) else { continue };
            let known = match source {
                LOCATION => json!({"id": id, "name": self.location_name(id)}),
                DEPARTMENT => json!({"id": id, "name": self.department_name(id)}),
                _ => json!({"id": id}),
            };
            lookups.insert(field.name.clone(), known);
        }
        shown["actors"] =
            json!({"HR Manager": {"email": super::KEY_OWNER, "name": "Sandbox", "response_status": "Completed"}});
        shown["lookup_values"] = Value::Object(lookups);
        shown
    }

    fn view_request(&mut self, journey: Journey, id: u64, now: &str) -> SandboxResponse {
        let Some(entry) = self.requests(journey).position(id) else { return SandboxResponse::empty(404) };
        if self.requests(journey).rows[entry].ticket_id.is_none() {
            let requester = self.requests(journey).rows[entry].requester_id;
            let subject = format!("Employee {} Request", capital(journey.word()));
            let ticket = self.add_ticket(requester, &subject, "Incident", journey.source(), Map::new(), now);
            self.requests_mut(journey).rows[entry].ticket_id = Some(ticket);
        }
        let shown = self.whole(journey, &self.requests(journey).rows[entry]);
        SandboxResponse::json(200, &json!({format!("{}_request", journey.word()): shown}))
    }

    fn request_tickets(&self, journey: Journey, id: u64) -> SandboxResponse {
        let Some(entry) = self.requests(journey).position(id) else { return SandboxResponse::empty(404) };
        let row = &self.requests(journey).rows[entry];
        let context = format!("{}_context", journey.word());
        let tickets: Vec<Value> = row
            .ticket_id
            .iter()
            .map(|ticket| {
                json!({"id": ticket, "subject": "Employee Request", "status": 2, "responder_email": null, "parent": true,
                       "predecessor_ticket_id": null, "successor_ticket_ids": [], context.as_str(): {"fields": row.fields}})
            })
            .collect();
        SandboxResponse::json(200, &json!({format!("{}_tickets", journey.word()): tickets}))
    }
}
