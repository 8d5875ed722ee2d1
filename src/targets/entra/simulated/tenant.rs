//! One tenant: what it remembers, and how it answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::EntraOptions;
use crate::http::Method;
use crate::simulation::people::Person;
use crate::simulation::{SandboxRequest, SandboxResponse};

/// The most rows of a page, so that there is a second one.
const PAGE: usize = 100;

/// A refusal as Graph spells it.
pub(super) fn refused(status: u16, code: &str, message: &str) -> SandboxResponse {
    let inner = json!({"date": "2026-11-22T08:00:00", "request-id": "00000000-sandbox"});
    SandboxResponse::json(status, &json!({"error": {"code": code, "message": message, "innerError": inner}}))
        .with_header("request-id", "00000000-sandbox")
}

fn not_found() -> SandboxResponse {
    refused(404, "Request_ResourceNotFound", "Resource does not exist or one of its references is not present.")
}

fn bad_request(message: &str) -> SandboxResponse {
    refused(400, "Request_BadRequest", message)
}

#[derive(Clone, Debug)]
struct Group {
    id: String,
    name: String,
    team: bool,
    members: BTreeSet<String>,
    owners: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Tenant {
    pub(super) users: Vec<Map<String, Value>>,
    pub(super) managers: BTreeMap<String, String>,
    groups: Vec<Group>,
    /// New users on their way through the provisioning service, with the looks since.
    pub(super) uploads: Vec<(u32, Map<String, Value>)>,
    pub(super) log: Vec<Value>,
    /// Counts changes of users, for the list of changes.
    pub(super) version: u64,
    /// The last change of each user; of one who is gone, when that was.
    pub(super) changed: BTreeMap<String, u64>,
    next: usize,
    /// Users who were deleted, which nobody should ever do.
    pub deleted: usize,
    /// New users that the provisioning service was handed.
    pub received: usize,
}

pub(super) fn text<'u>(user: &'u Map<String, Value>, key: &str) -> &'u str {
    user.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Tenant {
    pub(super) fn new(people: &[Person]) -> Self {
        let mut tenant = Self {
            users: Vec::new(),
            managers: BTreeMap::new(),
            groups: Vec::new(),
            uploads: Vec::new(),
            log: Vec::new(),
            version: 0,
            changed: BTreeMap::new(),
            next: 0,
            deleted: 0,
            received: 0,
        };
        // The last ones are missing, so that there is somebody to make.
        for person in &people[..people.len() - people.len() / 20] {
            let user = tenant.add(&person.email);
            user.insert("givenName".into(), json!(person.first_name));
            user.insert("surname".into(), json!(person.last_name));
            user.insert("displayName".into(), json!(format!("{} {}", person.first_name, person.last_name)));
        }
        if let Some(user) = tenant.users.last_mut() {
            user.insert("onPremisesSyncEnabled".into(), json!(true));
        }
        tenant.add("guest_example.org#ext#@example.com").insert("userType".into(), json!("Guest"));
        tenant
    }

    /// Adds an enabled user of this name, who is also reached at it.
    pub fn add(&mut self, name: &str) -> &mut Map<String, Value> {
        self.next += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.next);
        self.touch(&id);
        let user = json!({
            "id": id, "userPrincipalName": name, "mail": name, "accountEnabled": true, "userType": "Member",
            "onPremisesSyncEnabled": null, "displayName": name, "mailNickname": name.split('@').next(),
            "businessPhones": [],
        });
        self.users.push(user.as_object().cloned().unwrap_or_default());
        let last = self.users.len() - 1;
        &mut self.users[last]
    }

    pub(super) fn touch(&mut self, id: &str) {
        self.version += 1;
        self.changed.insert(id.to_owned(), self.version);
    }

    fn remove(&mut self, at: usize) {
        let user = self.users.remove(at);
        self.touch(text(&user, "id"));
    }

    /// Everybody, as Graph has them.
    pub fn users(&self) -> &[Map<String, Value>] {
        &self.users
    }

    /// A user by principal name.
    pub fn user_mut(&mut self, name: &str) -> Option<&mut Map<String, Value>> {
        self.users.iter_mut().find(|user| text(user, "userPrincipalName").eq_ignore_ascii_case(name))
    }

    /// Who is in a group or team, by its name.
    pub fn group_mut(&mut self, name: &str) -> Option<&mut BTreeSet<String>> {
        self.groups.iter_mut().find(|group| group.name == name).map(|group| &mut group.members)
    }

    /// Who owns a team, by its name.
    pub fn owners_mut(&mut self, name: &str) -> Option<&mut BTreeSet<String>> {
        self.groups.iter_mut().find(|group| group.name == name).map(|group| &mut group.owners)
    }

    /// Makes a group or team that a user's file names.
    pub(super) fn offer(&mut self, field: &str) {
        let (team, name) = match field.split_once('.') {
            Some(("groups", name)) => (false, name),
            Some(("teams", name)) => (true, name),
            _ => return,
        };
        if self.groups.iter().all(|known| known.name != name) {
            let id = format!("11111111-0000-4000-8000-{:012}", self.groups.len() + 1);
            let (members, owners) = Default::default();
            self.groups.push(Group { id, name: name.to_owned(), team, members, owners });
        }
    }

    pub(super) fn insert_in_front(&mut self) {
        let name = format!("meanwhile.{}@example.org", self.next);
        self.add(&name);
        self.users.rotate_right(1);
    }

    pub(super) fn remove_in_front(&mut self) {
        if !self.users.is_empty() {
            self.remove(0);
        }
    }

    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        let disabled = self.users.iter().filter(|user| user["accountEnabled"] == false).count();
        vec![("users", self.users.len() - disabled), ("disabled", disabled), ("groups and teams", self.groups.len())]
    }

    pub(super) fn rows(&self, name: &str) -> Vec<Vec<String>> {
        let row = |user: &Map<String, Value>| {
            let standing = if user["accountEnabled"] == false { "disabled" } else { "enabled" };
            let part = |key: &str| text(user, key).to_owned();
            vec![name.to_owned(), part("id"), part("displayName"), part("userPrincipalName"), standing.to_owned()]
        };
        self.users.iter().map(row).collect()
    }

    fn position(&self, id: &str) -> Option<usize> {
        let named = |user: &Map<String, Value>| text(user, "userPrincipalName").eq_ignore_ascii_case(id);
        self.users.iter().position(|user| text(user, "id") == id || named(user))
    }

    pub(super) fn handle(
        &mut self,
        path: &[String],
        request: &SandboxRequest,
        options: &mut EntraOptions,
    ) -> SandboxResponse {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if path.first().is_some_and(|part| options.forbidden.iter().any(|known| known == part)) {
            return refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
        }
        let body = request.object().unwrap_or_default();
        match (request.method, path.as_slice()) {
            (Method::Get, ["users"]) => {
                self.provision(options, request.moment);
                self.list_users(request)
            }
            (Method::Get, ["users", "delta"]) => {
                self.provision(options, request.moment);
                self.changes(request, options)
            }
            (Method::Get, ["auditLogs", "provisioning"]) => self.provisioning_log(request),
            (Method::Post, ["users"]) => self.create(&body),
            (method, ["users", id]) => match (method, self.position(id)) {
                (_, None) => not_found(),
                (Method::Get, Some(at)) => SandboxResponse::json(200, &Value::Object(self.show(at, request))),
                (Method::Patch, Some(at))
                    if body.contains_key("mobilePhone")
                        && options.administrators.contains(&text(&self.users[at], "userPrincipalName").to_owned()) =>
                {
                    refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
                }
                (Method::Patch, Some(_)) if options.refused_changes > 0 => {
                    options.refused_changes -= 1;
                    bad_request("Invalid value specified for a property of the resource.")
                }
                (Method::Patch, Some(at)) => self.update(at, &body),
                (Method::Delete, Some(at)) => {
                    self.remove(at);
                    self.deleted += 1;
                    SandboxResponse::empty(204)
                }
                _ => refused(405, "Request_BadRequest", "Specified HTTP method is not allowed."),
            },
            (method, ["users", id, "manager", "$ref"]) => self.manager(method, id, &body),
            (Method::Get, ["groups"]) => self.list_groups(request),
            (method, ["groups", id, "members", rest @ ..]) => self.group(method, id, rest, &body, request),
            (method, ["teams", id, "members", rest @ ..]) => self.team(method, id, rest, &body),
            (Method::Post, ["$batch"]) => self.batch(&body, request, options),
            (Method::Post, ["servicePrincipals", .., "bulkUpload"]) => self.upload(&body, request),
            _ => refused(400, "BadRequest", "Resource not found for the segment."),
        }
    }

    pub(super) fn show(&self, at: usize, request: &SandboxRequest) -> Map<String, Value> {
        let user = &self.users[at];
        // Without $select only a few properties are given out.
        let usual = "id,displayName,givenName,surname,userPrincipalName,mail,jobTitle,mobilePhone,officeLocation";
        let mut shown = Map::new();
        for name in request.query_value("$select").unwrap_or(usual).split(',') {
            shown.insert(name.to_owned(), user.get(name).cloned().unwrap_or_default());
        }
        let expands = request.query_value("$expand").is_some_and(|expand| expand.starts_with("manager"));
        if let Some(manager) = self.managers.get(text(user, "id")).filter(|_| expands) {
            shown.insert("manager".into(), json!({"@odata.type": "#microsoft.graph.user", "id": manager}));
        }
        shown
    }

    fn list_users(&self, request: &SandboxRequest) -> SandboxResponse {
        let Ok(filter) = request.query_value("$filter").map(equality).transpose() else {
            return refused(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.");
        };
        let fits = |user: &Map<String, Value>| {
            filter.as_ref().is_none_or(|(property, value)| text(user, property).eq_ignore_ascii_case(value))
        };
        let rows =
            (0..self.users.len()).filter(|at| fits(&self.users[*at])).map(|at| Value::Object(self.show(at, request)));
        page(request, "users", rows.collect())
    }

    fn check(&self, id: &str, changes: &Map<String, Value>) -> Result<(), SandboxResponse> {
        let name = text(changes, "userPrincipalName");
        if name.ends_with(".invalid") {
            return Err(bad_request(
                "The domain portion of the userPrincipalName property is invalid. You must use one of the verified \
                 domain names in your organization.",
            ));
        }
        let taken = |user: &Map<String, Value>| {
            text(user, "id") != id && text(user, "userPrincipalName").eq_ignore_ascii_case(name)
        };
        if !name.is_empty() && self.users.iter().any(taken) {
            let message = "Another object with the same value for property userPrincipalName already exists.";
            return Err(bad_request(message));
        }
        for (property, most) in [("employeeId", 16), ("department", 64), ("companyName", 64), ("displayName", 256)] {
            if text(changes, property).chars().count() > most {
                return Err(bad_request(&format!("Invalid value specified for property '{property}'.")));
            }
        }
        for property in ["mail", "displayName", "userPrincipalName"] {
            if changes.get(property).is_some_and(Value::is_null) {
                return Err(bad_request(&format!("Invalid value specified for property '{property}'.")));
            }
        }
        Ok(())
    }

    fn create(&mut self, body: &Map<String, Value>) -> SandboxResponse {
        for property in ["displayName", "mailNickname", "userPrincipalName"] {
            if text(body, property).is_empty() {
                return bad_request(&format!("A value is required for property '{property}'."));
            }
        }
        if text(body.get("passwordProfile").and_then(Value::as_object).unwrap_or(&Map::new()), "password").len() < 8 {
            return bad_request("The specified password does not comply with password complexity requirements.");
        }
        if let Err(refusal) = self.check("", body) {
            return refusal;
        }
        let user = self.add(text(body, "userPrincipalName"));
        user.extend(body.clone());
        user.remove("passwordProfile");
        let made = Value::Object(user.clone());
        SandboxResponse::json(201, &made)
    }

    fn update(&mut self, at: usize, body: &Map<String, Value>) -> SandboxResponse {
        if self.users[at]["onPremisesSyncEnabled"] == true {
            return bad_request(
                "Unable to update the specified properties for on-premises mastered Directory Sync objects.",
            );
        }
        if let Err(refusal) = self.check(text(&self.users[at], "id"), body) {
            return refusal;
        }
        for (property, value) in body {
            let value = if property == "employeeOrgData" {
                // The part that is not sent becomes null.
                json!({"division": value.get("division"), "costCenter": value.get("costCenter")})
            } else {
                value.clone()
            };
            self.users[at].insert(property.clone(), value);
        }
        let id = text(&self.users[at], "id").to_owned();
        self.touch(&id);
        SandboxResponse::empty(204)
    }

    fn manager(&mut self, method: Method, id: &str, body: &Map<String, Value>) -> SandboxResponse {
        let Some(at) = self.position(id) else { return not_found() };
        let user = text(&self.users[at], "id").to_owned();
        self.touch(&user);
        match method {
            Method::Put => {
                let manager = text(body, "@odata.id").rsplit('/').next().unwrap_or_default().to_owned();
                if self.position(&manager).is_none() {
                    return not_found();
                }
                self.managers.insert(user, manager);
                SandboxResponse::empty(204)
            }
            Method::Delete if self.managers.remove(&user).is_some() => SandboxResponse::empty(204),
            _ => not_found(),
        }
    }

    fn list_groups(&self, request: &SandboxRequest) -> SandboxResponse {
        let Ok(Some((_, name))) = request.query_value("$filter").map(equality).transpose() else {
            return refused(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.");
        };
        let show = |group: &Group| {
            let (types, options): (&[&str], &[&str]) = if group.team { (&["Unified"], &["Team"]) } else { (&[], &[]) };
            json!({"id": group.id, "displayName": group.name, "groupTypes": types, "mailEnabled": group.team,
                   "onPremisesSyncEnabled": null, "resourceProvisioningOptions": options})
        };
        let rows = self.groups.iter().filter(|group| group.name.eq_ignore_ascii_case(&name)).map(show);
        page(request, "groups", rows.collect())
    }

    fn group(
        &mut self,
        method: Method,
        id: &str,
        rest: &[&str],
        body: &Map<String, Value>,
        request: &SandboxRequest,
    ) -> SandboxResponse {
        let added = text(body, "@odata.id").rsplit('/').next().unwrap_or_default().to_owned();
        let exists = self.position(&added).is_some();
        let Some(group) = self.groups.iter_mut().find(|group| group.id == id) else { return not_found() };
        match (method, rest) {
            (Method::Get, []) => page(request, "members", group.members.iter().map(|id| json!({"id": id})).collect()),
            (Method::Post, ["$ref"]) if !exists => not_found(),
            (Method::Post, ["$ref"]) if group.members.insert(added) => SandboxResponse::empty(204),
            (Method::Post, ["$ref"]) => bad_request(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ),
            (Method::Delete, [user, "$ref"]) if group.members.remove(*user) => SandboxResponse::empty(204),
            (Method::Delete, [user]) => {
                // As in the real one: without `$ref` this is the user, who is deleted.
                if let Some(at) = self.position(user) {
                    self.remove(at);
                    self.deleted += 1;
                }
                SandboxResponse::empty(204)
            }
            _ => not_found(),
        }
    }

    fn team(&mut self, method: Method, id: &str, rest: &[&str], body: &Map<String, Value>) -> SandboxResponse {
        let bound = text(body, "user@odata.bind").split('\'').nth(1).unwrap_or_default().to_owned();
        let exists = self.position(&bound).is_some();
        let Some(team) = self.groups.iter_mut().find(|group| group.id == id && group.team) else {
            return refused(404, "NotFound", "No team found with Group Id.");
        };
        match (method, rest) {
            (Method::Get, []) => {
                let row = |user: &String| {
                    let roles: &[&str] = if team.owners.contains(user) { &["owner"] } else { &[] };
                    json!({"id": format!("membership=={user}"), "userId": user, "roles": roles})
                };
                SandboxResponse::json(200, &json!({"value": team.members.iter().map(row).collect::<Vec<_>>()}))
            }
            (Method::Post, []) if !exists => not_found(),
            (Method::Post, []) => {
                team.members.insert(bound.clone());
                SandboxResponse::json(201, &json!({"id": format!("membership=={bound}"), "userId": bound, "roles": []}))
            }
            (Method::Delete, [membership]) => {
                let user = membership.strip_prefix("membership==").unwrap_or_default();
                if team.members.remove(user) { SandboxResponse::empty(204) } else { not_found() }
            }
            _ => not_found(),
        }
    }

    fn batch(
        &mut self,
        body: &Map<String, Value>,
        request: &SandboxRequest,
        options: &mut EntraOptions,
    ) -> SandboxResponse {
        let parts = body.get("requests").and_then(Value::as_array).cloned().unwrap_or_default();
        if parts.is_empty() || parts.len() > 20 {
            return refused(400, "BadRequest", "The number of batch requests must be from 1 to 20.");
        }
        let mut responses = Vec::new();
        for part in &parts {
            let method = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete]
                .into_iter()
                .find(|method| part["method"] == method.as_str());
            let (Some(method), Some(url)) = (method, part["url"].as_str()) else {
                return refused(400, "BadRequest", "A batch request is not well-formed.");
            };
            let answer = if options.throttled_parts > 0 {
                options.throttled_parts -= 1;
                refused(429, "TooManyRequests", "Too many requests").with_header("retry-after", "0")
            } else if part.get("body").is_some() && part["headers"]["Content-Type"].is_null() {
                bad_request("Write request id does not contain Content-Type header.")
            } else {
                let mut inner = SandboxRequest { method, moment: request.moment, ..SandboxRequest::get(url) };
                inner.base_url.clone_from(&request.base_url);
                if let Some(body) = part.get("body") {
                    inner = inner.json(body);
                }
                let path: Vec<String> = inner.segments().iter().map(|segment| super::decoded(segment)).collect();
                self.handle(&path, &inner, options)
            };
            let headers: Map<String, Value> =
                answer.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            let body = answer.value();
            responses.push(json!({"id": part["id"], "status": answer.status, "headers": headers, "body": body}));
        }
        // In an order of its own.
        responses.reverse();
        SandboxResponse::json(200, &json!({"responses": responses}))
    }
}

/// `property eq 'value'`, with doubled quotes inside.
pub(super) fn equality(filter: &str) -> Result<(String, String), ()> {
    let (property, value) = filter.split_once(" eq ").ok_or(())?;
    let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).ok_or(())?;
    Ok((property.to_owned(), inner.replace("''", "'")))
}

pub(super) fn page(request: &SandboxRequest, what: &str, rows: Vec<Value>) -> SandboxResponse {
    let start: usize = request.query_value("$skiptoken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let top: usize = request.query_value("$top").and_then(|top| top.parse().ok()).unwrap_or(PAGE);
    let end = start.saturating_add(top.min(PAGE)).min(rows.len());
    let mut body = json!({"@odata.context": format!("{}#{what}", request.base_url),
                          "value": rows.get(start..end).unwrap_or_default()});
    if end < rows.len() {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in request.query.iter().filter(|(name, _)| name != "$skiptoken") {
            query.append_pair(name, value);
        }
        query.append_pair("$skiptoken", &end.to_string());
        body["@odata.nextLink"] = json!(format!("{}{}?{}", request.base_url, request.path, query.finish()));
    }
    SandboxResponse::json(200, &body)
}
