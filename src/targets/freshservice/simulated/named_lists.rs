//! Departments and locations, and lists that come in pages.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::refusals::{Problem, invalid};
use crate::simulation::{SandboxRequest, SandboxResponse};

/// A department or a location: its id and what it consists of.
#[derive(Clone, Debug)]
pub(super) struct NamedEntry {
    pub(super) id: u64,
    pub(super) members: Map<String, Value>,
}

/// Named things of one kind, found by id and by name.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedLists {
    pub(super) rows: Vec<NamedEntry>,
    by_name: HashMap<String, usize>,
}

impl NamedLists {
    pub(super) fn get(&self, id: u64) -> Option<&NamedEntry> {
        self.rows.binary_search_by_key(&id, |entry| entry.id).ok().map(|index| &self.rows[index])
    }

    pub(super) fn name(&self, id: &Value) -> Value {
        id.as_u64().and_then(|id| self.get(id)).map_or(Value::Null, |entry| entry.members["name"].clone())
    }

    pub(super) fn has_name(&self, name: &Value) -> bool {
        self.by_name.contains_key(&folded(name))
    }

    pub(super) fn add(&mut self, members: Map<String, Value>, first: u64) -> &NamedEntry {
        let id = self.rows.last().map_or(first, |entry| entry.id + 1);
        let mut all = Map::new();
        all.insert("id".into(), json!(id));
        all.extend(members);
        self.by_name.entry(folded(&all["name"])).or_insert(self.rows.len());
        self.rows.push(NamedEntry { id, members: all });
        self.rows.last().expect("the place that was just added")
    }
}

pub(super) fn folded(name: &Value) -> String {
    name.as_str().unwrap_or_default().trim().to_lowercase()
}

pub(super) fn department(name: &Value, body: &Map<String, Value>, now: &str) -> Map<String, Value> {
    let given = |key: &str| body.get(key).cloned().unwrap_or_default();
    Map::from_iter([
        ("name".to_owned(), json!(name.as_str().unwrap_or_default().trim())),
        ("description".to_owned(), given("description")),
        ("head_user_id".to_owned(), given("head_user_id")),
        ("prime_user_id".to_owned(), given("prime_user_id")),
        ("domains".to_owned(), body.get("domains").cloned().unwrap_or_else(|| json!([]))),
        ("custom_fields".to_owned(), body.get("custom_fields").cloned().unwrap_or_else(|| json!({}))),
        ("workspace_id".to_owned(), json!(1)),
        ("created_at".to_owned(), json!(now)),
        ("updated_at".to_owned(), json!(now)),
    ])
}

pub(super) fn location(name: &Value, body: &Map<String, Value>, now: &str) -> Map<String, Value> {
    let given = |key: &str| body.get(key).cloned().unwrap_or_default();
    let mut address =
        json!({"line1": null, "line2": null, "city": null, "state": null, "country": null, "zipcode": null});
    if let (Some(known), Some(Value::Object(sent))) = (address.as_object_mut(), body.get("address")) {
        known.extend(sent.clone());
    }
    Map::from_iter([
        ("name".to_owned(), json!(name.as_str().unwrap_or_default().trim())),
        ("parent_location_id".to_owned(), given("parent_location_id")),
        ("primary_contact_id".to_owned(), given("primary_contact_id")),
        ("address".to_owned(), address),
        ("contact_name".to_owned(), given("contact_name")),
        ("email".to_owned(), given("email")),
        ("phone".to_owned(), given("phone")),
        ("workspace_id".to_owned(), json!(1)),
        ("created_at".to_owned(), json!(now)),
        ("updated_at".to_owned(), json!(now)),
    ])
}

pub(super) fn view_named(named_lists: &NamedLists, what: &str, id: u64) -> SandboxResponse {
    named_lists
        .get(id)
        .map_or_else(|| SandboxResponse::empty(404), |entry| SandboxResponse::json(200, &json!({what: entry.members})))
}

/// Lists, or searches by name with `query="name:'...'"`, which knows no other page size and sends no links.
pub(super) fn list_named(named_lists: &NamedLists, what: &'static str, request: &SandboxRequest) -> SandboxResponse {
    let show =
        |rows: &[&NamedEntry]| rows.iter().map(|entry| Value::Object(entry.members.clone())).collect::<Vec<Value>>();
    if let Some(query) = request.query_value("query") {
        let name = query.trim_matches('"').strip_prefix("name:'").and_then(|rest| rest.strip_suffix('\''));
        let Some(name) = name else {
            return invalid(&[Problem::new("query", "[:invalid_field]", "invalid_value")]);
        };
        let found: Vec<&NamedEntry> =
            named_lists.by_name.get(&name.trim().to_lowercase()).map(|at| &named_lists.rows[*at]).into_iter().collect();
        return SandboxResponse::json(200, &json!({what: show(&found)}));
    }
    match Paging::read(request) {
        Err(refusal) => refusal,
        Ok(paging) => {
            let all: Vec<&NamedEntry> = named_lists.rows.iter().collect();
            let rows = show(paging.slice(&all));
            paging.answer(request, what, rows, all.len())
        }
    }
}

/// `page` and `per_page` of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paging {
    page: usize,
    per_page: usize,
}

impl Paging {
    pub(super) fn read(request: &SandboxRequest) -> Result<Self, SandboxResponse> {
        let number = |name: &str, default: usize, most: usize| match request.query_value(name) {
            None => Ok(default),
            Some(text) => text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
                let message = format!("It should be a Positive Integer less than or equal to {most}");
                invalid(&[Problem::new(name, &message, "invalid_value")])
            }),
        };
        Ok(Self { page: number("page", 1, usize::MAX)?, per_page: number("per_page", 30, 100)? })
    }

    pub(super) fn slice<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let start = (self.page - 1).saturating_mul(self.per_page).min(all.len());
        &all[start..(start + self.per_page).min(all.len())]
    }

    /// The page, with a link to the next one while there is one.
    pub(super) fn answer(
        &self,
        request: &SandboxRequest,
        what: &str,
        rows: Vec<Value>,
        total: usize,
    ) -> SandboxResponse {
        let response = SandboxResponse::json(200, &json!({what: rows}));
        if self.page.saturating_mul(self.per_page) >= total {
            return response;
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(request.query.iter().filter(|(name, _)| name != "page"));
        query.append_pair("page", &(self.page + 1).to_string());
        let link = format!("<{}{}?{}>; rel=\"next\"", request.base_url, request.path, query.finish());
        response.with_header("link", link)
    }
}
