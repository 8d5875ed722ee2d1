//! The service catalogue: items with forms of their own, and orders, which are tickets.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::refusals::{Problem, invalid, refused};
use super::tickets::PRIMARY_WORKSPACE;
use crate::http::Method::{Get, Post};
use crate::simulation::{SandboxRequest, SandboxResponse};

/// The service items of one account.
#[derive(Clone, Debug)]
pub(super) struct Catalog {
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
struct Item {
    display_id: u64,
    name: String,
    workspace: u64,
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    kind: &'static str,
    required: bool,
    choices: Vec<String>,
}

impl Field {
    fn new(name: &str, kind: &'static str) -> Self {
        Self { name: name.to_owned(), kind, required: false, choices: Vec::new() }
    }

    fn shown(&self, position: usize) -> Value {
        let choices: Vec<Value> = self.choices.iter().map(|choice| json!([choice, choice])).collect();
        json!({
            "name": self.name, "label": self.name.replace('_', " "), "field_type": self.kind, "position": position,
            "required": self.required, "visible_in_portal": true, "deleted": false, "description": null,
            "field_options": {"displayed_to_requester": "true", "requester_can_edit": "true", "placeholder": ""},
            "choices": choices, "nested_fields": []
        })
    }

    /// Whether a value can be kept.
    fn takes(&self, value: &Value) -> bool {
        match self.kind {
            "custom_dropdown" => self.choices.iter().any(|choice| value == choice),
            "custom_checkbox" => value.is_boolean(),
            "custom_date" => value.as_str().is_some_and(|text| text.parse::<chrono::NaiveDate>().is_ok()),
            "custom_number" | "custom_decimal" => value.is_number(),
            _ => value.is_string(),
        }
    }
}

impl Catalog {
    pub(super) fn new() -> Self {
        let item =
            |display_id, name: &str, workspace, fields| Item { display_id, name: name.into(), workspace, fields };
        let badge = Field { required: true, ..Field::new("badge_name", "custom_text") };
        let colour =
            Field { choices: ["Red", "Blue"].map(String::from).into(), ..Field::new("colour", "custom_dropdown") };
        Self {
            items: vec![
                item(1, "Laptop", PRIMARY_WORKSPACE, Vec::new()),
                item(2, "Access card", PRIMARY_WORKSPACE, vec![badge, colour, Field::new("valid_from", "custom_date")]),
                item(3, "Company car", 3, Vec::new()),
            ],
        }
    }

    fn item(&self, number: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.display_id.to_string() == number)
    }

    /// Adds an item, or a field of one, that the user's file names: `30` or `30.size`.
    pub(super) fn offer(&mut self, name: &str) {
        let (number, field) = name.split_once('.').map_or((name, None), |(number, field)| (number, Some(field)));
        let Ok(display_id) = number.parse::<u64>() else { return };
        if self.item(number).is_none() {
            let name = format!("Item {number}");
            self.items.push(Item { display_id, name, workspace: PRIMARY_WORKSPACE, fields: Vec::new() });
        }
        // Items of our own keep the form they have.
        if display_id > 3
            && let Some(field) = field
            && let Some(item) = self.items.iter_mut().find(|item| item.display_id == display_id)
            && !item.fields.iter().any(|known| known.name == field)
        {
            item.fields.push(Field::new(field, "custom_text"));
        }
    }
}

impl Account {
    /// Answers `/service_catalog/items`.
    pub(super) fn service_items(&mut self, rest: &[&str], request: &SandboxRequest, now: &str) -> SandboxResponse {
        let short = |item: &Item| {
            json!({"id": 21_000_080_000_u64 + item.display_id, "display_id": item.display_id, "name": item.name,
                   "deleted": false, "visibility": 2, "workspace_id": item.workspace})
        };
        match (request.method, rest) {
            (Get, []) => SandboxResponse::json(
                200,
                &json!({"service_items": self.catalog.items.iter().map(short).collect::<Vec<_>>()}),
            ),
            (Get, [number]) => self.catalog.item(number).map_or_else(
                || SandboxResponse::empty(404),
                |item| {
                    let mut shown = short(item);
                    let fields = item.fields.iter().enumerate().map(|(entry, field)| field.shown(entry + 1));
                    shown["custom_fields"] = fields.collect();
                    SandboxResponse::json(200, &json!({"service_item": shown}))
                },
            ),
            (Post, [number, "place_request"]) => match self.catalog.item(number).cloned() {
                Some(item) => self.place_request(&item, request, now),
                None => SandboxResponse::empty(404),
            },
            _ => SandboxResponse::empty(404),
        }
    }

    fn place_request(&mut self, item: &Item, request: &SandboxRequest, now: &str) -> SandboxResponse {
        let Some(body) = request.object() else {
            return refused(400, "invalid_json", "Request body has invalid json format");
        };
        let allowed = ["email", "requested_for", "quantity", "custom_fields", "child_items", "parent_ticket_id"];
        let unexpected = |key: &str| Problem::new(key, "Unexpected/invalid field in request", "invalid_field");
        let mut problems: Vec<Problem> =
            body.keys().filter(|key| !allowed.contains(&key.as_str())).map(|key| unexpected(key)).collect();
        let sent = body.get("custom_fields").and_then(Value::as_object).cloned().unwrap_or_default();
        for name in sent.keys().filter(|name| !item.fields.iter().any(|field| field.name == **name)) {
            problems.push(unexpected(name));
        }
        for field in &item.fields {
            match sent.get(&field.name).filter(|value| !value.is_null() && **value != "") {
                None if field.required => {
                    problems.push(Problem::new(&field.name, "It should not be blank", "missing_field"));
                }
                Some(value) if !field.takes(value) => {
                    problems.push(Problem::new(&field.name, "It is not a valid value", "invalid_value"));
                }
                _ => {}
            }
        }
        let parent = body.get("parent_ticket_id").filter(|parent| !parent.is_null());
        if parent.is_some_and(|parent| parent.as_u64().is_none_or(|id| self.tickets.get(id).is_none())) {
            problems.push(Problem::new("parent_ticket_id", "There is no such ticket", "invalid_value"));
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
        let subject = format!("Request for {} : {}", self.full_name(requested_for), item.name);
        let items = json!([{"id": 1, "quantity": body.get("quantity").cloned().unwrap_or(json!(1)), "stage": 1,
            "is_parent": true, "service_item_id": item.display_id, "custom_fields": sent, "created_at": now}]);
        let more = Map::from_iter([
            ("requested_for_id".to_owned(), json!(requested_for)),
            ("requested_items".to_owned(), items),
            ("workspace_id".to_owned(), json!(item.workspace)),
        ]);
        let id = self.add_ticket(requester, &subject, "Service Request", 2, more, now);
        let mut shown = self.tickets.get(id).cloned().unwrap_or_default();
        shown.remove("requested_items");
        SandboxResponse::json(201, &json!({"service_request": shown}))
    }
}
