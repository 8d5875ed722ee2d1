//! One account: what it remembers, and how it answers.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::catalog::Catalog;
use super::groups::Groups;
use super::lifecycle::{Journey, Requests};
use super::limits::Limits;
use super::named_lists::{NamedLists, Paging, department, folded, list_named, location, view_named};
use super::refusals::{Problem, conflict, invalid, refused};
use super::tickets::Tickets;
use super::user::{CustomField, Known, SEES_TICKETS, User};
use super::{Duplicates, FreshserviceOptions, SeededAgent};
use crate::http::Method;
use crate::simulation::people::{DEPARTMENTS, OFFICES};
use crate::simulation::{PreparedField, SandboxRequest, SandboxResponse};

const FIRST_USER: u64 = 21_000_049_726;
const FIRST_DEPARTMENT: u64 = 21_000_700_001;
const FIRST_LOCATION: u64 = 21_000_310_001;
pub(super) const FIRST_FIELD: u64 = 21_000_900_001;

/// One Freshservice account.
#[derive(Clone, Debug)]
pub(super) struct Account {
    users: Vec<User>,
    by_email: HashMap<String, u64>,
    /// Places of users in the order of lists (first name), or `None` when it has to be found anew.
    order: Option<Vec<usize>>,
    pub(super) departments: NamedLists,
    pub(super) locations: NamedLists,
    pub(super) fields: Vec<CustomField>,
    onboarding: Requests,
    offboarding: Requests,
    pub(super) tickets: Tickets,
    pub(super) catalog: Catalog,
    pub(super) groups: Groups,
    pub(super) limits: Limits,
}

impl Account {
    pub(super) fn new(agents: &[SeededAgent], now: &str) -> Self {
        let mut account = Self {
            users: Vec::new(),
            by_email: HashMap::new(),
            order: None,
            departments: NamedLists::default(),
            locations: NamedLists::default(),
            fields: Vec::new(),
            onboarding: Requests::new(Journey::Onboarding),
            offboarding: Requests::new(Journey::Offboarding),
            tickets: Tickets::default(),
            catalog: Catalog::new(),
            groups: Groups::new(),
            limits: Limits::new(),
        };
        // The last of each is left out, so that a file that creates what is missing has something to do.
        for name in &DEPARTMENTS[..DEPARTMENTS.len() - 1] {
            account.departments.add(department(&json!(name), &Map::new(), now), FIRST_DEPARTMENT);
        }
        for (name, country, _) in &OFFICES[..OFFICES.len() - 1] {
            let address = Map::from_iter([("address".to_owned(), json!({"city": name, "country": country}))]);
            account.locations.add(location(&json!(name), &address, now), FIRST_LOCATION);
        }
        for agent in agents {
            let mut user = User::new(account.next_user(), true, now.to_owned());
            user.values["first_name"] = json!(agent.first_name);
            user.values["last_name"] = json!(agent.last_name);
            user.values["primary_email"] = json!(agent.email);
            account.keep(user);
        }
        account
    }

    fn next_user(&self) -> u64 {
        self.users.last().map_or(FIRST_USER, |user| user.id + 1)
    }

    fn keep(&mut self, user: User) {
        for address in user.addresses() {
            self.by_email.insert(address, user.id);
        }
        self.users.push(user);
        self.order = None;
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.users.binary_search_by_key(&id, |user| user.id).ok()
    }

    fn user(&self, id: u64) -> Option<&User> {
        self.position(id).map(|index| &self.users[index])
    }

    /// Makes a custom field of requesters, a field of a form, a service item or a group, when it is one and is not
    /// there yet.
    pub(super) fn offer(&mut self, field: &PreparedField) {
        if let Some((form, name)) = field.name.split_once('.') {
            match (form, Journey::of(form)) {
                (_, Some(journey)) => return self.requests_mut(journey).offer(name, &field.kind),
                ("service_items", _) => return self.catalog.offer(name),
                ("requester_groups", _) => return self.groups.offer(name),
                _ => {}
            }
        }
        let Some(name) = field.name.strip_prefix("custom_fields.") else { return };
        if self.fields.iter().any(|known| known.name == name) {
            return;
        }
        let kind = match field.kind.as_str() {
            "number" => "custom_number",
            "date" => "custom_date",
            "bool" => "custom_checkbox",
            "choice" => "custom_dropdown",
            _ => "custom_text",
        };
        let id = FIRST_FIELD + 100 + self.fields.len() as u64;
        self.fields.push(CustomField { id, name: name.to_owned(), kind, choices: field.choices.clone() });
    }

    pub(super) fn insert_in_front(&mut self, now: &str) {
        let mut user = User::new(self.next_user(), false, now.to_owned());
        user.values["first_name"] = json!("Aaa");
        user.values["last_name"] = json!("Arrived Meanwhile");
        user.values["primary_email"] = json!(format!("meanwhile.{}@example.org", user.id));
        self.keep(user);
    }

    pub(super) fn remove_in_front(&mut self) {
        let users = &self.users;
        if let Some(index) = order(&mut self.order, users).iter().copied().find(|entry| !users[*entry].is_agent) {
            let gone = self.users.remove(index);
            self.by_email.retain(|_, id| *id != gone.id);
            self.order = None;
        }
    }

    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        let agents = self.users.iter().filter(|user| user.is_agent).count();
        let inactive = self.users.iter().filter(|user| !user.is_agent && !user.active).count();
        vec![
            ("requesters", self.users.len() - agents),
            ("deactivated", inactive),
            ("agents", agents),
            ("departments", self.departments.rows.len()),
            ("locations", self.locations.rows.len()),
            ("onboarding requests", self.onboarding.count()),
            ("offboarding requests", self.offboarding.count()),
            ("tickets", self.tickets.count()),
        ]
    }

    pub(super) fn rows(&self, account: &str) -> Vec<Vec<String>> {
        let row = |user: &User| {
            let standing = match (user.is_agent, user.active) {
                (true, _) => "agent",
                (false, true) => "active",
                (false, false) => "deactivated",
            };
            vec![
                account.to_owned(),
                user.id.to_string(),
                format!("{} {}", user.text("first_name"), user.text("last_name")),
                user.text("primary_email").to_owned(),
                standing.to_owned(),
            ]
        };
        self.users.iter().map(row).collect()
    }

    pub(super) fn handle(
        &mut self,
        rest: &[&str],
        request: &SandboxRequest,
        options: &FreshserviceOptions,
        now: &str,
    ) -> SandboxResponse {
        let number = rest.get(1).map(|text| text.parse::<u64>().ok());
        match rest {
            ["tickets", below @ ..] => return self.ticket_requests(below, request, now),
            ["service_catalog", "items", below @ ..] => return self.service_items(below, request, now),
            ["requester_groups", below @ ..] => return self.requester_groups(below, request),
            [first, below @ ..] => {
                if let Some(journey) = Journey::of(first) {
                    let owner = self.user_by_email(super::KEY_OWNER).unwrap_or_default();
                    return self.journey(journey, below, request, owner, now);
                }
            }
            [] => {}
        }
        match (request.method, rest, number) {
            (Method::Get, ["requesters"], _) => self.list_users(request, "requesters"),
            (Method::Get, ["agents"], _) => self.list_users(request, "agents"),
            (Method::Post, ["requesters"], _) => self.create(request, options, now),
            (Method::Get, ["requesters", _], Some(Some(id))) => self.view(id, "requester"),
            (Method::Get, ["agents", _], Some(Some(id))) => self.view(id, "agent"),
            (Method::Put, ["requesters", _], Some(Some(id))) => self.update(id, false, request, options, now),
            (Method::Put, ["agents", _], Some(Some(id))) => self.update(id, true, request, options, now),
            (Method::Put, ["requesters", _, "reactivate"], Some(Some(id))) => self.reactivate(id, now),
            (Method::Delete, ["requesters", _], Some(Some(id))) => self.deactivate(id, now),
            // Seats, roles and tickets hang on agents: the sandbox lets nobody take them away.
            (Method::Delete | Method::Post, ["agents", ..], _) => {
                refused(403, "access_denied", "You are not authorized to perform this action.")
            }
            (Method::Get, ["requester_fields"], _) => self.requester_fields(now),
            (Method::Get, ["departments"], _) => list_named(&self.departments, "departments", request),
            (Method::Get, ["locations"], _) => list_named(&self.locations, "locations", request),
            (Method::Get, ["departments", _], Some(Some(id))) => view_named(&self.departments, "department", id),
            (Method::Get, ["locations", _], Some(Some(id))) => view_named(&self.locations, "location", id),
            (Method::Post, ["departments"], _) => self.create_named(request, options, now, "department"),
            (Method::Post, ["locations"], _) => self.create_named(request, options, now, "location"),
            (_, ["requesters" | "agents" | "departments" | "locations" | "requester_fields"], _) => {
                SandboxResponse::empty(405)
            }
            _ => SandboxResponse::empty(404),
        }
    }

    fn list_users(&mut self, request: &SandboxRequest, what: &'static str) -> SandboxResponse {
        const PARAMETERS: &[&str] = &[
            "page",
            "per_page",
            "email",
            "work_phone_number",
            "mobile_phone_number",
            "active",
            "state",
            "include_agents",
        ];
        if let Some((name, _)) = request.query.iter().find(|(name, _)| !PARAMETERS.contains(&name.as_str())) {
            return invalid(&[Problem::new(name, "[:invalid_field]", "invalid_value")]);
        }
        let paging = match Paging::read(request) {
            Ok(paging) => paging,
            Err(refusal) => return refusal,
        };
        let agents = what == "agents";
        let everyone = request.query_value("include_agents") == Some("true");
        let active = request.query_value("active").map(|active| active == "true");
        let phones = ["work_phone_number", "mobile_phone_number"].map(|name| (name, request.query_value(name)));
        let wanted = |user: &&User| {
            (user.is_agent == agents || (everyone && !agents))
                && active.is_none_or(|active| active == user.active)
                && phones.iter().all(|(name, value)| value.is_none_or(|value| user.text(name) == value))
        };
        // A look-up by address goes through the index: who looks up everybody must not pay for everybody.
        let found: Vec<&User> = match request.query_value("email") {
            Some(email) => {
                let id = self.by_email.get(&email.to_lowercase()).copied();
                id.and_then(|id| self.user(id)).into_iter().filter(wanted).collect()
            }
            None => {
                let users = &self.users;
                order(&mut self.order, users).iter().map(|entry| &users[*entry]).filter(wanted).collect()
            }
        };
        let rows = paging.slice(&found).iter().map(|user| self.show(user, agents)).collect::<Vec<Value>>();
        paging.answer(request, what, rows, found.len())
    }

    fn view(&self, id: u64, what: &str) -> SandboxResponse {
        match self.user(id) {
            Some(user) if what == "requester" || user.is_agent => {
                SandboxResponse::json(200, &json!({what: self.show(user, what == "agent")}))
            }
            _ => SandboxResponse::empty(404),
        }
    }

    fn create(&mut self, request: &SandboxRequest, options: &FreshserviceOptions, now: &str) -> SandboxResponse {
        let Some(mut body) = request.object() else { return invalid_json() };
        body.retain(|name, _| !options.forgotten_attributes.contains(name));
        let mut user = User::new(self.next_user(), false, now.to_owned());
        let mut problems = user.apply(&body, &self.known()).err().unwrap_or_default();
        if body.get("first_name").and_then(Value::as_str).is_none_or(|name| name.trim().is_empty()) {
            problems.push(Problem::new(
                "first_name",
                "It should not be blank as this is a mandatory field",
                "missing_field",
            ));
        }
        let reachable = ["primary_email", "work_phone_number", "mobile_phone_number"];
        if problems.is_empty() && reachable.iter().all(|name| user.text(name).is_empty()) {
            problems.push(Problem::new("primary_email", "an e-mail or a phone number is mandatory", "missing_field"));
        }
        if !problems.is_empty() {
            return invalid(&problems);
        }
        if let Some(refusal) = self.duplicate(&user, options) {
            return refusal;
        }
        let shown = self.show(&user, false);
        let address = format!("{}{}/{}", request.base_url, request.path.trim_end_matches('/'), user.id);
        self.keep(user);
        SandboxResponse::json(201, &json!({"requester": shown})).with_header("location", address)
    }

    fn update(
        &mut self,
        id: u64,
        agent: bool,
        request: &SandboxRequest,
        options: &FreshserviceOptions,
        now: &str,
    ) -> SandboxResponse {
        let Some(mut body) = request.object() else { return invalid_json() };
        body.retain(|name, _| !options.forgotten_attributes.contains(name));
        let Some(index) = self.position(id) else { return SandboxResponse::empty(404) };
        let mut user = self.users[index].clone();
        if user.is_agent != agent {
            // What the real system does to an agent through the requesters' address is not known.
            return if agent { SandboxResponse::empty(404) } else { not_a_requester() };
        }
        // Reset by every update that does not say true, whatever it was before.
        user.values[SEES_TICKETS] = json!(false);
        if let Err(problems) = user.apply(&body, &self.known()) {
            return invalid(&problems);
        }
        if user.text("first_name").trim().is_empty() {
            return invalid(&[Problem::new("first_name", "It should not be blank", "invalid_value")]);
        }
        if let Some(refusal) = self.duplicate(&user, options) {
            return refusal;
        }
        now.clone_into(&mut user.updated_at);
        for address in self.users[index].addresses() {
            self.by_email.remove(&address);
        }
        for address in user.addresses() {
            self.by_email.insert(address, id);
        }
        if user.text("first_name") != self.users[index].text("first_name") {
            self.order = None;
        }
        let shown = self.show(&user, agent);
        self.users[index] = user;
        SandboxResponse::json(200, &json!({if agent { "agent" } else { "requester" }: shown}))
    }

    /// Deactivated requesters are not found a second time.
    fn deactivate(&mut self, id: u64, now: &str) -> SandboxResponse {
        let Some(index) = self.position(id) else { return SandboxResponse::empty(404) };
        let user = &mut self.users[index];
        if user.is_agent {
            return not_a_requester();
        }
        if !user.active {
            return SandboxResponse::empty(404);
        }
        user.active = false;
        now.clone_into(&mut user.updated_at);
        SandboxResponse::empty(204)
    }

    /// Who comes back has no department, location and manager.
    fn reactivate(&mut self, id: u64, now: &str) -> SandboxResponse {
        let Some(index) = self.position(id) else { return SandboxResponse::empty(404) };
        let user = &mut self.users[index];
        if user.is_agent {
            return not_a_requester();
        }
        if user.active {
            return refused(400, "contact_already_active", "The contact is already active");
        }
        user.active = true;
        user.values["department_ids"] = json!([]);
        user.values["location_id"] = Value::Null;
        user.values["reporting_manager_id"] = Value::Null;
        now.clone_into(&mut user.updated_at);
        self.view(id, "requester")
    }

    fn known(&self) -> Known<'_> {
        Known { account: self, fields: &self.fields }
    }

    pub(super) fn requests(&self, journey: Journey) -> &Requests {
        match journey {
            Journey::Onboarding => &self.onboarding,
            Journey::Offboarding => &self.offboarding,
        }
    }

    pub(super) fn requests_mut(&mut self, journey: Journey) -> &mut Requests {
        match journey {
            Journey::Onboarding => &mut self.onboarding,
            Journey::Offboarding => &mut self.offboarding,
        }
    }

    pub(super) fn user_by_email(&self, email: &str) -> Option<u64> {
        self.by_email.get(&email.trim().to_lowercase()).copied()
    }

    pub(super) fn full_name(&self, id: u64) -> String {
        let name = self.user(id).map(|user| format!("{} {}", user.text("first_name"), user.text("last_name")));
        name.unwrap_or_default().trim().to_owned()
    }

    /// The requester with this address, made when there is none.
    pub(super) fn requester_of(&mut self, email: &str, now: &str) -> u64 {
        if let Some(known) = self.user_by_email(email) {
            return known;
        }
        let mut user = User::new(self.next_user(), false, now.to_owned());
        user.values["first_name"] = json!(email.split('@').next().unwrap_or_default());
        user.values["primary_email"] = json!(email.to_lowercase());
        let id = user.id;
        self.keep(user);
        id
    }

    pub(super) fn group_member(&self, id: u64) -> Option<Value> {
        let user = self.user(id)?;
        Some(json!({"id": id, "first_name": user.text("first_name"), "last_name": user.text("last_name"),
                    "email": user.text("primary_email")}))
    }

    pub(super) fn department_by_name(&self, name: &str) -> Option<u64> {
        let wanted = folded(&json!(name));
        self.departments.rows.iter().find(|entry| folded(&entry.members["name"]) == wanted).map(|entry| entry.id)
    }

    pub(super) fn department_name(&self, id: u64) -> Value {
        self.departments.name(&json!(id))
    }

    pub(super) fn location_name(&self, id: u64) -> Value {
        self.locations.name(&json!(id))
    }

    pub(super) fn knows_department(&self, id: u64) -> bool {
        self.departments.get(id).is_some()
    }

    pub(super) fn knows_location(&self, id: u64) -> bool {
        self.locations.get(id).is_some()
    }

    pub(super) fn knows_user(&self, id: u64) -> bool {
        self.position(id).is_some()
    }

    /// Addresses are unique among requesters and agents, deactivated ones included.
    fn duplicate(&self, user: &User, options: &FreshserviceOptions) -> Option<SandboxResponse> {
        let taken = user
            .addresses()
            .into_iter()
            .any(|address| self.by_email.get(&address).is_some_and(|owner| *owner != user.id));
        taken.then(|| already_there(options, "primary_email", "It should be a unique value"))
    }

    fn create_named(
        &mut self,
        request: &SandboxRequest,
        options: &FreshserviceOptions,
        now: &str,
        what: &'static str,
    ) -> SandboxResponse {
        let Some(body) = request.object() else { return invalid_json() };
        let (allowed, first): (&[&str], u64) = match what {
            "department" => (
                &["name", "description", "head_user_id", "prime_user_id", "domains", "custom_fields"],
                FIRST_DEPARTMENT,
            ),
            _ => (
                &["name", "parent_location_id", "primary_contact_id", "address", "contact_name", "email", "phone"],
                FIRST_LOCATION,
            ),
        };
        let mut problems: Vec<Problem> = body
            .keys()
            .filter(|key| !allowed.contains(&key.as_str()))
            .map(|key| Problem::new(key, "Unexpected/invalid field in request", "invalid_field"))
            .collect();
        let name = body.get("name").cloned().unwrap_or_default();
        if folded(&name).is_empty() {
            problems.push(Problem::new("name", "It should not be blank as this is a mandatory field", "missing_field"));
        }
        for key in ["head_user_id", "prime_user_id", "primary_contact_id"] {
            if body.get(key).and_then(Value::as_u64).is_some_and(|id| !self.knows_user(id)) {
                problems.push(Problem::new(key, "There is no such user", "invalid_value"));
            }
        }
        if !problems.is_empty() {
            return invalid(&problems);
        }
        let (named_lists, members) = match what {
            "department" => (&mut self.departments, department(&name, &body, now)),
            _ => (&mut self.locations, location(&name, &body, now)),
        };
        if named_lists.has_name(&name) {
            return already_there(options, "name", "has already been taken");
        }
        let entry = named_lists.add(members, first);
        let address = format!("{}{}/{}", request.base_url, request.path.trim_end_matches('/'), entry.id);
        SandboxResponse::json(201, &json!({what: entry.members})).with_header("location", address)
    }
}

/// Everybody in the order of lists.
fn order<'o>(order: &'o mut Option<Vec<usize>>, users: &[User]) -> &'o [usize] {
    order.get_or_insert_with(|| {
        let mut keys: Vec<(String, usize)> =
            users.iter().enumerate().map(|(entry, user)| (user.text("first_name").to_lowercase(), entry)).collect();
        keys.sort();
        keys.into_iter().map(|(_, entry)| entry).collect()
    })
}

fn not_a_requester() -> SandboxResponse {
    refused(403, "access_denied", "You are not authorized to perform this action.")
}

fn invalid_json() -> SandboxResponse {
    refused(400, "invalid_json", "Request body has invalid json format")
}

fn already_there(options: &FreshserviceOptions, field: &str, message: &str) -> SandboxResponse {
    match options.duplicates {
        Duplicates::Conflict => conflict(message),
        Duplicates::BadRequest => invalid(&[Problem::new(field, message, "duplicate_value")]),
    }
}
