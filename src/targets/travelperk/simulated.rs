//! A simulated TravelPerk: users through SCIM, cost centres and invoice profiles through REST.
//!
//! Each name after `/travelperk/` is an account of its own, with SCIM below `scim` and REST below `api`. It is
//! made when it is first used, with one administrator, half of the company's cost centres and an invoice
//! profile for each of its subcompanies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::http::Method;
use crate::simulation::people::Company;
use crate::simulation::{Preparation, SandboxRequest, SandboxResponse, System};
use crate::targets::scim::simulated::schemas::{self, ENTERPRISE};
use crate::targets::scim::simulated::{Directory, ScimOptions, error, signed_in};

/// TravelPerk's own extension.
const TRAVELPERK: &str = "urn:ietf:params:scim:schemas:extension:travelperk:2.0:User";

/// The administrator whose key the sandbox's secret is.
pub const KEY_OWNER: &str = "travel.admin@example.com";

/// How the simulated TravelPerk differs from an ordinary account. Applies to all its accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TravelPerkOptions {
    /// How its SCIM departs from the standard.
    pub scim: ScimOptions,
    /// Archived cost centres are listed, too.
    pub list_archived: bool,
    /// The key is no longer accepted, as when its administrator left.
    pub key_ended: bool,
    /// Nobody switched SCIM on.
    pub scim_off: bool,
}

#[derive(Debug)]
pub struct TravelPerk {
    /// How it differs from an ordinary account. May be changed at any time.
    pub options: TravelPerkOptions,
    cost_centers: Vec<String>,
    profiles: Vec<String>,
    accounts: BTreeMap<String, Account>,
}

#[derive(Debug)]
pub struct Account {
    pub people: Directory,
    cost_centers: Vec<CostCenter>,
    profiles: Vec<String>,
}

#[derive(Debug)]
struct CostCenter {
    id: u64,
    name: String,
    archived: bool,
}

impl TravelPerk {
    /// Without any account yet.
    pub fn new(company: &Company) -> Self {
        let centers: BTreeSet<String> = company
            .people()
            .iter()
            .flat_map(|person| person.cost_centers.iter().map(|(center, _)| center.name.clone()))
            .collect();
        let profiles: BTreeSet<String> =
            company.people().iter().filter_map(|person| Some(person.subcompany.as_ref()?.name.clone())).collect();
        Self {
            options: TravelPerkOptions::default(),
            cost_centers: centers.into_iter().step_by(2).collect(),
            profiles: profiles.into_iter().collect(),
            accounts: BTreeMap::new(),
        }
    }

    pub fn account(&mut self, target: &str) -> &mut Account {
        let (cost_centers, profiles) = (&self.cost_centers, &self.profiles);
        self.accounts.entry(target.to_owned()).or_insert_with(|| Account::new(cost_centers, profiles))
    }
}

impl Account {
    fn new(cost_centers: &[String], profiles: &[String]) -> Self {
        let mut people = Directory::new(schemas::standard());
        people.digits = true;
        people.check = Some(check);
        people.names.extend(profiles.iter().map(|name| ("invoiceProfiles", name.clone())));
        people.seed(json!({
            "userName": KEY_OWNER, "name": {"givenName": "Travel", "familyName": "Administrator"},
            TRAVELPERK: {"invoiceProfiles": []}
        }));
        let mut account = Self { people, cost_centers: Vec::new(), profiles: profiles.to_vec() };
        for name in cost_centers {
            account.add_cost_center(name);
        }
        account
    }

    /// Makes a cost centre as an administrator would.
    pub fn add_cost_center(&mut self, name: &str) {
        let id = self.cost_centers.len() as u64 + 1;
        self.cost_centers.push(CostCenter { id, name: name.to_owned(), archived: false });
        self.sync_names();
    }

    /// Archives a cost centre, or brings it back.
    pub fn archive_cost_center(&mut self, name: &str, archive: bool) {
        for center in self.cost_centers.iter_mut().filter(|center| center.name == name) {
            center.archived = archive;
        }
        self.sync_names();
    }

    /// Adds an invoice profile as an administrator would.
    pub fn add_profile(&mut self, name: &str) {
        self.profiles.push(name.to_owned());
        self.people.names.push(("invoiceProfiles", name.to_owned()));
    }

    /// The names of the cost centres in use, in the order they were made.
    pub fn cost_centers(&self) -> Vec<&str> {
        self.cost_centers.iter().filter(|center| !center.archived).map(|center| center.name.as_str()).collect()
    }

    fn sync_names(&mut self) {
        let names: Vec<(&'static str, String)> =
            self.cost_centers().into_iter().map(|name| ("costCenter", name.to_owned())).collect();
        self.people.names.retain(|(what, _)| *what != "costCenter");
        self.people.names.extend(names);
    }

    fn members(&self, name: &str) -> Vec<&str> {
        let of = |user: &Map<String, Value>| user.get(ENTERPRISE).is_some_and(|part| part["costCenter"] == name);
        self.people.users().filter(|(_, user)| of(user)).map(|(id, _)| id).collect()
    }

    fn rest(&mut self, path: &[&str], request: &SandboxRequest, options: &TravelPerkOptions) -> SandboxResponse {
        if request.header_value("api-version") != Some("1") {
            return message(400, "Api-Version is missing or not known");
        }
        let number = |name: &str, default: usize| {
            request.query_value(name).and_then(|value| value.parse().ok()).unwrap_or(default)
        };
        let (offset, limit) = (number("offset", 0), number("limit", 10).min(50));
        let body = request.object().unwrap_or_default();
        let name = body.get("name").and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
        match (request.method, path) {
            (Method::Get, ["cost_centers"]) => {
                let listed = self.cost_centers.iter().filter(|center| options.list_archived || !center.archived);
                let page: Vec<Value> = listed
                    .skip(offset)
                    .take(limit)
                    .map(|center| {
                        let mut row =
                            json!({"id": center.id, "name": center.name, "count_users": self.members(&center.name).len()});
                        if options.list_archived {
                            row["archived"] = center.archived.into();
                        }
                        row
                    })
                    .collect();
                SandboxResponse::json(200, &json!({"offset": offset, "limit": limit, "cost_centers": page}))
            }
            (Method::Post, ["cost_centers"]) if name.is_empty() => message(400, "name: this field is required"),
            (Method::Post, ["cost_centers"]) if self.cost_centers().contains(&name.as_str()) => {
                message(409, "a cost center with this name exists already")
            }
            (Method::Post, ["cost_centers"]) => {
                self.add_cost_center(&name);
                SandboxResponse::json(201, &self.detail(self.cost_centers.len() - 1))
            }
            (Method::Get | Method::Patch, ["cost_centers", id]) => {
                let found = self.cost_centers.iter().position(|center| center.id.to_string() == *id);
                let Some(at) = found else { return message(404, "not found") };
                if request.method == Method::Patch {
                    if !name.is_empty() {
                        self.cost_centers[at].name = name;
                    }
                    // Read as `archived`, written as `archive`.
                    if let Some(archive) = body.get("archive").and_then(Value::as_bool) {
                        self.cost_centers[at].archived = archive;
                    }
                    self.sync_names();
                }
                SandboxResponse::json(200, &self.detail(at))
            }
            (Method::Get, ["profiles"]) => {
                let page: Vec<Value> = self
                    .profiles
                    .iter()
                    .enumerate()
                    .skip(offset)
                    .take(limit)
                    .map(|(at, name)| {
                        json!({
                            "id": format!("00000000-0000-4000-8000-{at:012}"), "name": name,
                            "payment_method_type": "bank_transfer", "billing_period": "monthly", "currency": "EUR",
                            "billing_information": {
                                "legal_name": name, "vat_number": "DE000000000", "address_line_1": "Street 1",
                                "address_line_2": "", "city": "Berlin", "postal_code": "10115", "country_name": "Germany"
                            }
                        })
                    })
                    .collect();
                SandboxResponse::json(
                    200,
                    &json!({"offset": offset, "limit": limit, "total": self.profiles.len(), "profiles": page}),
                )
            }
            _ => message(404, "not found"),
        }
    }

    fn detail(&self, at: usize) -> Value {
        let center = &self.cost_centers[at];
        let members = self.members(&center.name);
        json!({
            "id": center.id, "name": center.name, "archived": center.archived, "count_users": members.len(),
            "users": members.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()
        })
    }
}

/// What TravelPerk refuses, as its troubleshooting page tells.
fn check(user: &Map<String, Value>, people: &Directory) -> Result<(), String> {
    let text = |urn: &str, name: &str| {
        user.get(urn).and_then(|part| part.get(name)).and_then(Value::as_str).unwrap_or_default()
    };
    let exists = |what: &str, name: &str| people.names.iter().any(|(known, exact)| *known == what && exact == name);
    let unknown =
        |what: &str| Err(format!("invalid value for attribute {what}: an object with that name does not exist"));
    for part in ["givenName", "familyName"] {
        let value = user.get("name").and_then(|name| name.get(part)).and_then(Value::as_str).unwrap_or_default();
        if value.trim().is_empty() {
            return Err(format!("name.{part} is required"));
        }
    }
    let center = text(ENTERPRISE, "costCenter");
    if !center.is_empty() && !exists("costCenter", center) {
        return unknown("costCenter");
    }
    let manager =
        user.get(ENTERPRISE).and_then(|part| part.get("manager")).and_then(|manager| manager["value"].as_str());
    if let Some(manager) = manager.filter(|id| !id.is_empty())
        && people.user(manager).is_none()
    {
        return unknown("manager");
    }
    let profiles = user.get(TRAVELPERK).and_then(|part| part.get("invoiceProfiles")).and_then(Value::as_array);
    for profile in profiles.into_iter().flatten() {
        if !profile["value"].as_str().is_some_and(|name| exists("invoiceProfiles", name)) {
            return unknown("invoiceProfiles");
        }
    }
    if !["", "M", "F"].contains(&text(TRAVELPERK, "gender")) {
        return Err("invalid value for attribute gender".into());
    }
    let born = text(TRAVELPERK, "dateOfBirth");
    if !born.is_empty() && born.parse::<chrono::NaiveDate>().is_err() {
        return Err("invalid value for attribute dateOfBirth".into());
    }
    let phones = user.get("phoneNumbers").and_then(Value::as_array);
    for phone in phones.into_iter().flatten() {
        if !phone["value"].as_str().is_some_and(|number| number.is_empty() || number.starts_with('+')) {
            return Err("no valid phone number found in phoneNumbers".into());
        }
    }
    Ok(())
}

fn message(status: u16, text: &str) -> SandboxResponse {
    SandboxResponse::json(status, &json!({ "message": text }))
}

impl System for TravelPerk {
    fn title(&self) -> &'static str {
        "TravelPerk"
    }

    fn handle(&mut self, request: &SandboxRequest) -> SandboxResponse {
        let options = self.options.clone();
        let refused = options.key_ended || !signed_in(request);
        match request.segments().as_slice() {
            [_, "scim", ..] if refused => error(401, None, "invalid credentials"),
            [_, "api", ..] if refused => message(401, "invalid credentials"),
            [_, "scim", ..] if options.scim_off => error(403, None, "SCIM is not enabled"),
            [target, "scim", rest @ ..] => {
                // Addresses in answers are those of another host, and must not be followed.
                let base_url = "http://app.travelperk.example/api/v2/scim";
                self.account(target).people.handle(rest, request, &options.scim, base_url)
            }
            [target, "api", rest @ ..] => self.account(target).rest(rest, request, &options),
            _ => message(404, "not found"),
        }
    }

    fn prepare(&mut self, preparation: &Preparation) {
        for target in preparation.targets.iter().filter(|target| target.kind == "travelperk") {
            self.account(&target.name);
        }
    }

    fn too_many_requests(&self, retry_after: u64) -> SandboxResponse {
        message(429, "too many requests").with_header("retry-after", retry_after.to_string())
    }

    fn internal_error(&self) -> SandboxResponse {
        message(500, "something went wrong on our side")
    }

    fn insert_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "scim", "Users"] = request.segments().as_slice() {
            self.account(target).people.insert_in_front();
        }
    }

    fn remove_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "scim", "Users"] = request.segments().as_slice() {
            self.account(target).people.remove_in_front();
        }
    }

    fn people_at(&self, request: &SandboxRequest, _answer: &Value) -> Option<String> {
        let last = *request.segments().last()?;
        (last == "Users").then(|| "Resources".to_owned())
    }

    fn counts(&self) -> Vec<(String, usize)> {
        let counts = |(name, account): (&String, &Account)| {
            [
                (format!("{name}: users"), account.people.users().count()),
                (format!("{name}: cost centres"), account.cost_centers().len()),
            ]
        };
        self.accounts.iter().flat_map(counts).collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        self.accounts.iter().flat_map(|(name, account)| account.people.rows(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::spec_text;
    use crate::simulation::SECRET;

    fn system() -> TravelPerk {
        TravelPerk::new(&Company::new(20, 7, "2026-11-22".parse().unwrap()))
    }

    fn signed(request: SandboxRequest) -> SandboxRequest {
        request.header("authorization", &format!("ApiKey {SECRET}")).header("api-version", "1")
    }

    /// Every key of the sample is in the answer, with a value of the same kind.
    fn has_the_shape_of(answer: &Value, sample: &Value, at: &str) {
        match (answer, sample) {
            (Value::Object(answer), Value::Object(sample)) => {
                for (key, sample) in sample {
                    // What only an earlier answer held, or what nobody set.
                    if ["created", "lastModified", "unexpected_attribute", "users"].contains(&key.as_str()) {
                        continue;
                    }
                    let found = answer.get(key).unwrap_or_else(|| panic!("{at}.{key} is missing"));
                    has_the_shape_of(found, sample, &format!("{at}.{key}"));
                }
            }
            (Value::Array(answer), Value::Array(sample)) => {
                if let (Some(answer), Some(sample)) = (answer.first(), sample.first()) {
                    has_the_shape_of(answer, sample, &format!("{at}[0]"));
                }
            }
            _ => assert_eq!(std::mem::discriminant(answer), std::mem::discriminant(sample), "{at}"),
        }
    }

    #[test]
    fn answers_have_the_shape_of_recorded_ones() {
        let Some(text) = spec_text("travelperk/client-test-stubs/scim_user.json") else { return };
        let mut sample: Value = serde_json::from_str(&text).unwrap();
        let mut system = system();
        let account = system.account("travel");
        account.add_cost_center("Marketing");
        account.add_profile("My Company Ltd");
        let owner = account.people.users().next().unwrap().0.to_owned();
        // The sample's manager is of another account.
        sample[ENTERPRISE]["manager"]["value"] = owner.into();
        let create = SandboxRequest::new(Method::Post, "/travel/scim/Users").json(&sample);
        let made = system.handle(&signed(create));
        assert_eq!(made.status, 201, "{}", made.value());
        sample["groups"] = Value::Null;
        sample.as_object_mut().unwrap().remove("groups");
        has_the_shape_of(&made.value(), &sample, "user");
        let stub = |name: &str| -> Value {
            serde_json::from_str(&spec_text(&format!("travelperk/client-test-stubs/{name}")).unwrap()).unwrap()
        };
        for (path, name) in [
            ("/travel/api/cost_centers", "cost_centers.json"),
            ("/travel/api/cost_centers/1", "cost_center.json"),
            ("/travel/api/profiles", "invoice_profiles.json"),
        ] {
            let answer = system.handle(&signed(SandboxRequest::get(path)));
            has_the_shape_of(&answer.value(), &stub(name), name);
        }
        let mut list = stub("scim_users.json");
        list["Resources"] = json!([]);
        has_the_shape_of(&system.handle(&signed(SandboxRequest::get("/travel/scim/Users"))).value(), &list, "list");
    }

    #[test]
    fn unknown_names_and_wrong_forms_are_refused() {
        let mut system = system();
        for (urn, part) in [
            (ENTERPRISE, json!({"costCenter": "No such"})),
            (ENTERPRISE, json!({"manager": {"value": "999"}})),
            (TRAVELPERK, json!({"invoiceProfiles": [{"value": "No such"}]})),
            (TRAVELPERK, json!({"gender": "male"})),
            (TRAVELPERK, json!({"dateOfBirth": "1.1.1990"})),
        ] {
            let body = json!({
                "schemas": [schemas::CORE, urn], "userName": "a@example.com",
                "name": {"givenName": "A", "familyName": "B"}, urn: part
            });
            let request = signed(SandboxRequest::new(Method::Post, "/travel/scim/Users").json(&body));
            assert_eq!(system.handle(&request).status, 400, "{body}");
        }
        assert_eq!(system.handle(&SandboxRequest::get("/travel/scim/Users")).status, 401);
        let unversioned =
            SandboxRequest::get("/travel/api/profiles").header("authorization", &format!("apikey {SECRET}"));
        assert_eq!(system.handle(&unversioned).status, 400);
    }
}
