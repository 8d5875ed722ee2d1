//! A simulated Personio: sign-in, employees, the catalogue of attributes, and documents; API v1, and of API v2
//! what documents need.
//!
//! Below `/_people` tests change the company while it runs; nothing there exists in the real API.

mod attributes;
mod change;
mod documents;
mod edits;
mod render;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use self::attributes::{Attribute, Meaning};
pub use self::documents::Document;
use self::edits::{Edits, Since};
use crate::http::Method;
use crate::simulation::limit::Window;
use crate::simulation::people::Company;
use crate::simulation::{CONVERSATIONS_CLIENT, Preparation, SECRET, SandboxRequest, SandboxResponse, System};

/// How long a token is valid.
const TOKEN_LIFE: Duration = Duration::from_secs(86_400);
/// Employees on a page when the request does not say.
const DEFAULT_LIMIT: usize = 50;
/// The most employees on a page; who asks for more gets this many.
const MAX_LIMIT: usize = 100;

/// How the simulated Personio differs from an ordinary account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonioOptions {
    /// Attributes that the credential may not read: they are absent everywhere, without a word.
    pub hidden_attributes: Vec<String>,
    /// Options of custom attributes that somebody took out of the lists they were in.
    pub retired_options: Vec<String>,
    /// People whom the list lacks, and who are there when asked for by id.
    pub unlisted: Vec<u64>,
    /// Whether the limits of the real system apply.
    pub rate_limits: bool,
    /// Whether every attribute is sent, whatever was asked for: the largest answers there are.
    pub whole_records: bool,
    /// The credential lacks the right Documents: Read.
    pub without_documents_read: bool,
    /// The credential lacks the right Documents: Write.
    pub without_documents_write: bool,
    /// What the credential of Conversations may read.
    pub conversations_attributes: Vec<String>,
    /// For how many minutes an edit is missing from answers to `updated_since`.
    pub late_minutes: i64,
    /// Whether answers to `updated_since` hold everybody twice.
    pub doubled: bool,
    /// By how many hours the clock that `updated_since` is read on is ahead of UTC; nobody documents it.
    pub zone_hours: i64,
}

impl Default for PersonioOptions {
    fn default() -> Self {
        Self {
            hidden_attributes: Vec::new(),
            retired_options: Vec::new(),
            unlisted: Vec::new(),
            rate_limits: false,
            whole_records: false,
            without_documents_read: false,
            without_documents_write: false,
            conversations_attributes: CONVERSATIONS_ATTRIBUTES.iter().map(|key| (*key).to_owned()).collect(),
            late_minutes: 0,
            doubled: false,
            zone_hours: 0,
        }
    }
}

/// What the connector of the help desk asked for before Personio bought it.
/// Source: https://support.back.ee, article 3424839
const CONVERSATIONS_ATTRIBUTES: [&str; 14] = [
    "first_name",
    "last_name",
    "email",
    "status",
    "gender",
    "profile_picture",
    "position",
    "department",
    "office",
    "supervisor",
    "hire_date",
    "absence_entitlement",
    "last_modified_at",
    "created_at",
];

/// Personio has been seen to refuse longer ones; where it draws the line is not documented.
const LONGEST_ADDRESS: usize = 8 << 10;

#[derive(Debug)]
pub struct Personio {
    company: Company,
    /// How it differs from an ordinary account. May be changed at any time.
    pub options: PersonioOptions,
    catalogue: Vec<Attribute>,
    /// Tokens given out, with the time, and whether they were cut short.
    tokens: HashMap<String, Duration>,
    /// The client that a token was given to.
    clients: HashMap<String, String>,
    expired: HashSet<String>,
    /// Employees as text, by the attributes asked for and by id; emptied whenever somebody changes.
    rendered: HashMap<String, HashMap<u64, String>>,
    /// Whether lists stand the other way round.
    turned: bool,
    /// Whether parts of values are kept back in the answer under way.
    parts_hidden: bool,
    per_second: Window,
    per_minute: Window,
    sign_ins: Window,
    uploads: Window,
    documents: Vec<Document>,
    edits: Edits,
    /// How long it has been running when it was asked last.
    at: Duration,
}

impl Personio {
    /// An account of a company.
    pub fn new(company: Company) -> Self {
        let minute = Duration::from_secs(60);
        Self {
            company,
            options: PersonioOptions::default(),
            catalogue: attributes::catalogue(),
            tokens: HashMap::new(),
            clients: HashMap::new(),
            expired: HashSet::new(),
            rendered: HashMap::new(),
            turned: false,
            parts_hidden: false,
            per_second: Window::new(15, Duration::from_secs(1)),
            per_minute: Window::new(300, minute),
            sign_ins: Window::new(60, minute),
            uploads: Window::new(60, minute),
            documents: Vec::new(),
            edits: Edits::default(),
            at: Duration::ZERO,
        }
    }

    pub fn company(&self) -> &Company {
        &self.company
    }

    /// The people, to be changed.
    pub fn company_mut(&mut self) -> &mut Company {
        self.rendered.clear();
        &mut self.company
    }

    fn auth(&mut self, request: &SandboxRequest) -> SandboxResponse {
        if self.options.rate_limits && !self.sign_ins.admit(request.at) {
            return self.too_many_requests(60);
        }
        if request.query.iter().any(|(name, _)| name.starts_with("client_")) {
            return refusal(403, "Credentials in the query string are no longer accepted; send them in the body");
        }
        let form = request.header_value("content-type").is_some_and(|kind| kind.contains("form-urlencoded"));
        let (id, secret) = if form {
            let pairs: HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
            (pairs.get("client_id").cloned(), pairs.get("client_secret").cloned())
        } else {
            let body = request.object().unwrap_or_default();
            let text = |name| body.get(name).and_then(Value::as_str).map(str::to_owned);
            (text("client_id"), text("client_secret"))
        };
        let (Some(id), Some(secret)) = (id, secret) else {
            return refusal(422, "client_id and client_secret are required");
        };
        if id.trim().is_empty() || secret != SECRET {
            return refusal(403, "Wrong credentials");
        }
        let token = self.token(&id, request.at);
        self.clients.insert(token.clone(), id);
        let valid = self.tokens[&token] + TOKEN_LIFE - request.at;
        let data = json!({"token": token, "expires_in": valid.as_secs(), "scope": "employees:read absences:read"});
        SandboxResponse::json(200, &json!({"success": true, "data": data}))
    }

    /// The token of a credential: the same one for a day, unless it was cut short.
    fn token(&mut self, client_id: &str, at: Duration) -> String {
        let name = client_id.bytes().fold(self.company.seed, |sum, byte| sum.wrapping_mul(131) + u64::from(byte));
        for generation in 0.. {
            let mut random = fastrand::Rng::with_seed(name.wrapping_add(generation));
            let token = format!("papi-{:016x}{:016x}", random.u64(..), random.u64(..));
            if !self.expired.contains(&token) {
                let issued = *self.tokens.entry(token.clone()).or_insert(at);
                if issued + TOKEN_LIFE > at {
                    return token;
                }
                self.expired.insert(token);
            }
        }
        String::new()
    }

    fn sign_in_problem(&self, request: &SandboxRequest) -> Option<SandboxResponse> {
        let Some(header) = request.header_value("authorization") else {
            return Some(refusal(401, "Authorization is not provided"));
        };
        let token = header.strip_prefix("Bearer ").unwrap_or_default();
        match self.tokens.get(token) {
            None => Some(refusal(403, "Provided authorization is not valid")),
            Some(issued) if self.expired.contains(token) || *issued + TOKEN_LIFE <= request.at => {
                Some(refusal(401, "Authorization has expired"))
            }
            Some(_) => None,
        }
    }

    fn readable(&self) -> Vec<&Attribute> {
        let hidden = &self.options.hidden_attributes;
        self.catalogue.iter().filter(|attribute| !hidden.iter().any(|key| **key == *attribute.key)).collect()
    }

    /// The attributes that a request asks for and may read; the id always comes along.
    fn projection(&self, request: &SandboxRequest) -> Vec<usize> {
        let asked: HashSet<&str> =
            request.query.iter().filter(|(name, _)| name.starts_with("attributes[")).map(|(_, key)| &**key).collect();
        let hidden: HashSet<&str> = self.options.hidden_attributes.iter().map(String::as_str).collect();
        let all = asked.is_empty() || self.options.whole_records;
        let wanted = |key: &str| key == "id" || ((all || asked.contains(key)) && !hidden.contains(key));
        (0..self.catalogue.len()).filter(|index| wanted(&self.catalogue[*index].key)).collect()
    }

    /// Makes sure that these employees are there as text with these attributes, and returns all that are.
    fn render(&mut self, positions: &[usize], projection: &[usize], base_url: &str) -> &HashMap<u64, String> {
        let key = projection.iter().map(|index| &*self.catalogue[*index].key).collect::<Vec<_>>().join(",");
        let attributes: Vec<&Attribute> = projection.iter().map(|index| &self.catalogue[*index]).collect();
        let parts_hidden = std::mem::take(&mut self.parts_hidden);
        let key = if parts_hidden { format!("{key} without parts") } else { key };
        let texts = self.rendered.entry(key).or_default();
        for position in positions {
            let person = &self.company.people()[*position];
            texts
                .entry(person.id)
                .or_insert_with(|| render::employee(person, &attributes, &self.company, base_url, parts_hidden));
        }
        texts
    }

    fn employees(&mut self, request: &SandboxRequest) -> SandboxResponse {
        let number = |name: &str| match request.query_value(name) {
            None => Ok(None),
            Some(text) => text.parse::<usize>().map(Some).map_err(|_| {
                let details = json!({name: [format!("The {name} must be an integer.")]});
                error(422, json!({"code": 422, "message": "The given data was invalid.", "error_data": details}))
            }),
        };
        let (limit, offset) = match (number("limit"), number("offset")) {
            (Ok(limit), Ok(offset)) => (limit.unwrap_or(DEFAULT_LIMIT), offset.unwrap_or_default()),
            (Err(refusal), _) | (_, Err(refusal)) => return refusal,
        };
        let limit = limit.clamp(1, MAX_LIMIT);
        let since = match request.query_value("updated_since").map(Since::read) {
            None => None,
            Some(Some(since)) => Some(since),
            Some(None) => {
                let details = json!({"updated_since": ["The updated since is not a valid date."]});
                let message = "The given data was invalid.";
                return error(422, json!({"code": 422, "message": message, "error_data": details}));
            }
        };
        let projection = self.projection(request);
        let watched = self.watched(request, &projection);
        let email = request.query_value("email").filter(|_| since.is_none());
        let mut all: Vec<usize> = self
            .company
            .people()
            .iter()
            .enumerate()
            .filter(|(_, person)| email.is_none_or(|email| person.email == email))
            .filter(|(_, person)| !self.options.unlisted.contains(&person.id))
            .filter(|(_, person)| since.is_none_or(|since| self.is_updated(person, since, watched.as_ref())))
            .map(|(position, _)| position)
            .collect();
        if since.is_some() && self.options.doubled {
            all = all.into_iter().flat_map(|position| [position; 2]).collect();
        }
        if self.turned {
            all.reverse();
        }
        let page = all.get(offset..).unwrap_or_default();
        let page = &page[..page.len().min(limit)];
        let ids: Vec<u64> = page.iter().map(|position| self.company.people()[*position].id).collect();
        let texts = self.render(page, &projection, &request.base_url);
        let mut body = String::with_capacity(ids.iter().map(|id| texts[id].len() + 1).sum::<usize>() + 200);
        let (total, pages) = (all.len(), all.len().div_ceil(limit));
        let _ = write!(
            body,
            "{{\"success\":true,\"metadata\":{{\"total_elements\":{total},\"current_page\":{},\"total_pages\":{pages}}},\
             \"offset\":{offset},\"limit\":{limit},\"data\":[",
            offset / limit
        );
        for (index, id) in ids.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(&texts[id]);
        }
        body.push_str("]}");
        SandboxResponse::json_text(200, body)
    }

    fn employee(&mut self, request: &SandboxRequest, id: &str) -> SandboxResponse {
        let Some(position) =
            id.parse::<u64>().ok().and_then(|id| self.company.people().binary_search_by_key(&id, |p| p.id).ok())
        else {
            return refusal(404, "Es ist ein Problem aufgetreten ");
        };
        let projection = self.projection(request);
        let id = self.company.people()[position].id;
        let text = &self.render(&[position], &projection, &request.base_url)[&id];
        SandboxResponse::json_text(200, format!("{{\"success\":true,\"data\":{text}}}"))
    }

    /// What the client behind a request may read, where that is less than all.
    fn granted(&self, request: &SandboxRequest) -> Option<&[String]> {
        let token = request.header_value("authorization")?.strip_prefix("Bearer ")?;
        (self.clients.get(token)? == CONVERSATIONS_CLIENT).then_some(&self.options.conversations_attributes)
    }

    /// Makes a custom attribute another one, as an administrator does: what it is called, and, by a hint, what it holds.
    pub fn redefine(&mut self, key: &str, label: &str, hint: &str) {
        for attribute in self.catalogue.iter_mut().filter(|attribute| *attribute.key == *key) {
            *attribute = attributes::custom(key, label, Meaning::guess(hint));
        }
        self.rendered.clear();
    }

    fn attribute_list(&self, request: &SandboxRequest) -> SandboxResponse {
        let granted = self.granted(request);
        let rows: Vec<Value> = self
            .readable()
            .into_iter()
            .filter(|attribute| granted.is_none_or(|granted| granted.iter().any(|key| **key == *attribute.key)))
            .map(|attribute| {
                let is_offered =
                    |option: &&&str| !self.options.retired_options.iter().any(|retired| retired == **option);
                let options: Vec<&&str> = attribute.options().iter().filter(is_offered).collect();
                json!({"key": attribute.key, "label": attribute.label, "type": attribute.kind,
                       "universal_id": attribute.universal_id, "options": options})
            })
            .collect();
        SandboxResponse::json(200, &json!({"success": true, "data": rows}))
    }

    fn data(&mut self, request: &SandboxRequest, segments: &[&str]) -> SandboxResponse {
        if let Some(refusal) = self.sign_in_problem(request) {
            return refusal;
        }
        if self.options.rate_limits && !(self.per_second.admit(request.at) & self.per_minute.admit(request.at)) {
            return self.too_many_requests(1);
        }
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).map(str::len).sum::<usize>();
        let address: usize = request.query.iter().map(|(name, value)| encoded(name) + encoded(value) + 2).sum();
        if address > LONGEST_ADDRESS {
            return SandboxResponse::empty(431);
        }
        match segments {
            [] => self.employees(request),
            ["attributes" | "custom-attributes"] => self.attribute_list(request),
            [id] => self.employee(request, id),
            _ => refusal(404, "Not Found"),
        }
    }
}

impl System for Personio {
    fn title(&self) -> &'static str {
        "Personio"
    }

    fn handle(&mut self, request: &SandboxRequest) -> SandboxResponse {
        self.at = request.at;
        match (request.method, request.segments().as_slice()) {
            (Method::Post, ["v1", "auth"]) => self.auth(request),
            (Method::Get, ["v1", "company", "employees", rest @ ..]) => self.data(request, rest),
            (Method::Get, ["v1", "company", "document-categories"]) => self.document_categories(request),
            (Method::Post, ["v1", "company", "documents"]) => self.upload(request),
            (Method::Post, ["v2", "auth", "token"]) => self.sign_in_v2(request),
            (Method::Get, ["v2", "document-management", "documents"]) => self.document_list(request),
            (_, ["v1", "auth"] | ["v1", "company", "employees", ..]) => refusal(405, "Method not allowed"),
            (method, ["_people", rest @ ..]) => self.control(method, rest, request),
            _ => refusal(404, "Not Found"),
        }
    }

    fn writes(&self, request: &SandboxRequest) -> bool {
        request.method != Method::Get && !["/v1/auth", "/v2/auth/token"].contains(&&*request.path)
    }

    fn prepare(&mut self, preparation: &Preparation) {
        for wanted in &preparation.attributes {
            let (key, hint) = (wanted.key(), wanted.hint());
            let known = self.catalogue.iter_mut().find(|attribute| *attribute.key == *key);
            let label = hint.replace('_', " ");
            match known {
                // The readable name says better than the sandbox what a custom attribute is about.
                Some(attribute) if attribute.meaning.is_some() && hint != key => {
                    *attribute = attributes::custom(key, &label, Meaning::guess(hint));
                }
                Some(_) => {}
                None => self.catalogue.push(attributes::custom(key, &label, Meaning::guess(hint))),
            }
        }
        self.company.is_british |= self.catalogue.iter().any(Attribute::is_british);
        self.rendered.clear();
    }

    /// The real system sends no `Retry-After`; clients have to choose a pause.
    fn too_many_requests(&self, _retry_after: u64) -> SandboxResponse {
        refusal(429, "Too Many Requests")
    }

    fn internal_error(&self) -> SandboxResponse {
        refusal(500, "Something went wrong")
    }

    fn turn_order(&mut self) {
        self.turned = !self.turned;
    }

    fn hide_parts(&mut self) {
        self.parts_hidden = true;
    }

    fn expire_tokens(&mut self) {
        self.expired.extend(self.tokens.keys().cloned());
    }

    fn insert_while_paging(&mut self, _request: &SandboxRequest) {
        self.company_mut().hire_in_front();
    }

    fn remove_while_paging(&mut self, _request: &SandboxRequest) {
        if let Some(first) = self.company.people().first().map(|person| person.id) {
            self.company_mut().remove(first);
        }
    }

    fn counts(&self) -> Vec<(String, usize)> {
        let mut counts = vec![("employees".to_owned(), self.company.people().len())];
        for status in ["active", "onboarding", "leave", "inactive"] {
            let count = self.company.people().iter().filter(|person| person.status == status).count();
            counts.push((status.to_owned(), count));
        }
        counts.push(("attributes".to_owned(), self.readable().len()));
        if !self.documents.is_empty() {
            counts.push(("documents".to_owned(), self.documents.len()));
        }
        counts
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let department =
            |named: Option<&crate::simulation::people::Named>| named.map_or(String::new(), |named| named.name.clone());
        self.company
            .people()
            .iter()
            .map(|person| {
                vec![
                    person.id.to_string(),
                    person.name(),
                    person.email.clone(),
                    department(person.department.as_ref()),
                    person.status.clone(),
                ]
            })
            .collect()
    }
}

fn error(status: u16, details: Value) -> SandboxResponse {
    SandboxResponse::json(status, &json!({"success": false, "error": details}))
}

fn refusal(status: u16, message: &str) -> SandboxResponse {
    error(status, json!({"code": status, "message": message}))
}
