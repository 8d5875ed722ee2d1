//! Groups of requesters: manual ones can be changed, those by rule cannot.

use serde_json::{Value, json};

use super::account::Account;
use super::named_lists::Paging;
use super::refusals::{Problem, conflict, invalid, refused};
use crate::http::Method::{Delete, Get, Post};
use crate::simulation::{SandboxRequest, SandboxResponse};

const FIRST_GROUP: u64 = 21_000_060_001;

/// The groups of one account.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    rows: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    id: u64,
    name: String,
    manual: bool,
    members: Vec<u64>,
}

impl Groups {
    pub(super) fn new() -> Self {
        let mut groups = Self { rows: Vec::new() };
        groups.add("VPN users", true);
        groups.add("Everybody in Berlin", false);
        groups
    }

    fn add(&mut self, name: &str, manual: bool) -> &Group {
        let id = FIRST_GROUP + self.rows.len() as u64;
        self.rows.push(Group { id, name: name.to_owned(), manual, members: Vec::new() });
        &self.rows[self.rows.len() - 1]
    }

    fn has(&self, name: &str) -> bool {
        self.rows.iter().any(|group| group.name.to_lowercase() == name.trim().to_lowercase())
    }

    /// Adds a group that the user's file names.
    pub(super) fn offer(&mut self, name: &str) {
        if !self.has(name) {
            self.add(name, true);
        }
    }
}

impl Account {
    /// Answers `/requester_groups`.
    pub(super) fn requester_groups(&mut self, rest: &[&str], request: &SandboxRequest) -> SandboxResponse {
        let shown = |group: &Group| {
            let kind = if group.manual { "manual" } else { "rule_based" };
            json!({"id": group.id, "name": group.name, "description": null, "type": kind, "workspace_id": 2})
        };
        if let (Get, []) = (request.method, rest) {
            return match Paging::read(request) {
                Err(refusal) => refusal,
                Ok(paging) => {
                    let groups: Vec<&Group> = self.groups.rows.iter().collect();
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
            if self.groups.has(&name) {
                return conflict("has already been taken");
            }
            return SandboxResponse::json(201, &json!({"requester_group": shown(self.groups.add(&name, true))}));
        }
        let Some(entry) = rest.first().and_then(|id| self.groups.rows.iter().position(|one| one.id.to_string() == *id))
        else {
            return SandboxResponse::empty(404);
        };
        let member = rest.get(2).and_then(|id| id.parse::<u64>().ok());
        match (request.method, rest, member) {
            (Get, [_], _) => SandboxResponse::json(200, &json!({"requester_group": shown(&self.groups.rows[entry])})),
            (Get, [_, "members"], _) => {
                let members: Vec<Value> =
                    self.groups.rows[entry].members.iter().filter_map(|id| self.group_member(*id)).collect();
                SandboxResponse::json(200, &json!({"requesters": members}))
            }
            (Post | Delete, [_, "members", _], _) if !self.groups.rows[entry].manual => {
                refused(400, "invalid_value", "Members of rule based groups cannot be changed")
            }
            (Post, [_, "members", _], Some(id)) if self.knows_user(id) => {
                let members = &mut self.groups.rows[entry].members;
                if !members.contains(&id) {
                    members.push(id);
                }
                SandboxResponse::empty(200)
            }
            (Delete, [_, "members", _], Some(id)) => {
                let members = &mut self.groups.rows[entry].members;
                let before = members.len();
                members.retain(|member| *member != id);
                SandboxResponse::empty(if members.len() < before { 204 } else { 404 })
            }
            _ => SandboxResponse::empty(404),
        }
    }
}
