//! One simulated directory of users.

use serde_json::{Map, Value, json};

use super::options::{Conflict, Put, ScimOptions};
use super::patch::{self, Refusal};
use super::schemas::{Schemas, attribute, document, strip_read_only};
use crate::http::Method;
use crate::simulation::{SandboxRequest, SandboxResponse};
use crate::targets::scim::Filter;

/// Checks that a service of its own makes beside the standard's: the user, and all ids.
pub type Check = fn(&Map<String, Value>, &Directory) -> Result<(), String>;

#[derive(Clone, Debug)]
pub struct Directory {
    schemas: Schemas,
    users: Vec<User>,
    next: u64,
    cursor_expired: bool,
    /// Ids are digits only.
    pub digits: bool,
    pub check: Option<Check>,
    /// The names that things of the service have, by what they are (`costCenter`).
    pub names: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug)]
struct User {
    id: String,
    version: u64,
    data: Map<String, Value>,
}

impl Directory {
    /// Without users.
    pub fn new(schemas: Schemas) -> Self {
        Self {
            schemas,
            users: Vec::new(),
            next: 1,
            cursor_expired: false,
            digits: false,
            check: None,
            names: Vec::new(),
        }
    }

    /// Puts a user in as it is and returns its id.
    pub fn seed(&mut self, user: Value) -> String {
        let mut data = user.as_object().cloned().unwrap_or_default();
        data.entry("active").or_insert(Value::Bool(true));
        let id = if self.digits {
            (400 + self.next).to_string()
        } else {
            format!("u-{:04x}&{}", self.next * 7919, self.next)
        };
        self.next += 1;
        self.users.push(User { id: id.clone(), version: 1, data });
        id
    }

    /// All users with their ids.
    pub fn users(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        self.users.iter().map(|user| (user.id.as_str(), &user.data))
    }

    pub fn user(&self, id: &str) -> Option<&Map<String, Value>> {
        self.users.iter().find(|user| user.id == id).map(|user| &user.data)
    }

    /// Changes a user from outside, as an administrator would.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Map<String, Value>)) {
        if let Some(user) = self.users.iter_mut().find(|user| user.id == id) {
            change(&mut user.data);
            user.version += 1;
        }
    }

    /// Takes a user out for good.
    pub fn remove(&mut self, id: &str) {
        self.users.retain(|user| user.id != id);
    }

    /// Somebody joins in front of the list.
    pub fn insert_in_front(&mut self) {
        let name = format!("joiner.{}@example.com", self.next);
        self.seed(json!({ "userName": name }));
        self.users.rotate_right(1);
    }

    /// The first of the list is gone.
    pub fn remove_in_front(&mut self) {
        if self.users.len() > 1 {
            self.users.remove(0);
        }
    }

    /// Knows these attributes, too.
    pub fn offer(&mut self, names: &[&str]) {
        for name in names {
            let Ok(path) = crate::targets::scim::Path::parse(name) else { continue };
            let urn = path.urn().unwrap_or(super::schemas::CORE).to_owned();
            let at = self.schemas.iter().position(|(known, _)| *known == urn).unwrap_or_else(|| {
                self.schemas.push((urn, Vec::new()));
                self.schemas.len() - 1
            });
            let attributes = &mut self.schemas[at].1;
            let known = attributes.iter().any(|attribute| attribute["name"] == path.attribute());
            if !known && !["id", "externalId", "meta"].contains(&path.attribute()) {
                let parts =
                    path.sub().map(|sub| json!([attribute(sub, "string", false, json!([]))])).unwrap_or_default();
                let kind = if path.sub().is_some() { "complex" } else { "string" };
                attributes.push(attribute(path.attribute(), kind, path.filter().is_some(), parts));
            }
        }
    }

    /// A few rows for people.
    pub fn rows(&self, name: &str) -> Vec<Vec<String>> {
        let text = |user: &User, key: &str| user.data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let row = |user: &User| vec![name.to_owned(), user.id.clone(), text(user, "userName"), text(user, "title")];
        self.users.iter().take(20).map(row).collect()
    }

    /// Answers a request below the directory's own path.
    pub fn handle(
        &mut self,
        path: &[&str],
        request: &SandboxRequest,
        options: &ScimOptions,
        base_url: &str,
    ) -> SandboxResponse {
        let mut response = self.answer(path, request, options, base_url);
        if options.html_errors && response.status >= 400 {
            response = SandboxResponse::html(response.status, "<html><body>sorry</body></html>".into());
        }
        response
    }

    pub(super) fn answer(
        &mut self,
        path: &[&str],
        request: &SandboxRequest,
        options: &ScimOptions,
        base_url: &str,
    ) -> SandboxResponse {
        let segments: Vec<String> = path
            .iter()
            .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let body = request.object();
        let json_body = request.header_value("content-type").is_some_and(|kind| kind.contains("json"));
        if !matches!(request.method, Method::Get | Method::Delete) && (body.is_none() || !json_body) {
            return error(400, Some("invalidSyntax"), "a JSON object is expected");
        }
        let body = body.unwrap_or_default();
        match (request.method, path.as_slice()) {
            (Method::Get, ["Users"]) => self.list(request, options, base_url),
            (Method::Post, ["Users"]) => self.create(&body, options, base_url),
            (Method::Post, ["Bulk"]) if options.bulk.is_some() => self.bulk(&body, request, options, base_url),
            (method, ["Users", id]) => {
                let visible = |user: &User| user.id == *id && (!options.hide_inactive || is_active(&user.data));
                let Some(at) =
                    self.users.iter().position(|user| visible(user) || (method != Method::Get && user.id == *id))
                else {
                    return error(404, None, "no such user");
                };
                if method != Method::Get
                    && options.versions
                    && request.header_value("if-match").is_some_and(|tag| tag != tag_of(&self.users[at]))
                {
                    return error(412, None, "the user was changed meanwhile");
                }
                match method {
                    Method::Get => self.show(200, &self.users[at], request, options, base_url),
                    Method::Patch if options.no_patch => error(501, None, "PATCH is not supported"),
                    Method::Patch => self.patch(at, &body, options, base_url),
                    Method::Put => self.put(at, &body, options, base_url),
                    Method::Delete => {
                        self.users.remove(at);
                        SandboxResponse::empty(204)
                    }
                    Method::Post => error(405, None, "not here"),
                }
            }
            (Method::Get, other) if !options.no_discovery => match document(other, &self.schemas, options) {
                Some(document) => SandboxResponse::json(200, &document),
                None => error(404, None, "no such resource"),
            },
            _ => error(404, None, "no such resource"),
        }
    }

    fn list(&mut self, request: &SandboxRequest, options: &ScimOptions, base_url: &str) -> SandboxResponse {
        let filter = match request.query_value("filter").map(Filter::parse).transpose() {
            Ok(filter) => filter.filter(|_| !options.ignore_filters),
            Err(why) => return error(400, Some("invalidFilter"), &why),
        };
        let shown: Vec<&User> = self
            .users
            .iter()
            .filter(|user| !options.hide_inactive || is_active(&user.data))
            .filter(|user| match &filter {
                None => true,
                Some(_) if options.silent_zero => false,
                Some(filter) => {
                    let mut data = user.data.clone();
                    data.insert("id".into(), user.id.clone().into());
                    filter.matches(&data)
                }
            })
            .collect();
        let total = shown.len();
        let asked = request.query_value("count").and_then(|count| count.parse::<i64>().ok());
        let count = asked.map_or(options.page_cap, |count| u64::try_from(count).unwrap_or(0)).min(options.page_cap);
        let cursor = request.query_value("cursor").unwrap_or_default();
        let start = if options.cursors {
            if !cursor.is_empty() && options.expire_cursor && !self.cursor_expired {
                self.cursor_expired = true;
                return error(400, Some("expiredCursor"), "the cursor has expired");
            }
            cursor.strip_prefix("after-").map_or(Some(0), |after| after.parse().ok())
        } else {
            let start = request.query_value("startIndex").and_then(|start| start.parse::<i64>().ok()).unwrap_or(1);
            Some(if options.ignore_start { 0 } else { usize::try_from(start - 1).unwrap_or(0) })
        };
        let Some(start) = start else { return error(400, Some("invalidCursor"), "no such cursor") };
        let end = start.saturating_add(usize::try_from(count).unwrap_or(usize::MAX)).min(total);
        let from = if options.repeat_rows && start > 0 { start - 1 } else { start }.min(total);
        let rows: Vec<Value> = (from..end.max(from))
            .filter(|at| options.skip_rows.is_none_or(|every| !(*at as u64 + 1).is_multiple_of(every)))
            .map(|at| Value::Object(self.render(shown[at], options, base_url)))
            .collect();
        let mut list = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": if options.total_of_page { rows.len() } else { total },
            "itemsPerPage": rows.len(), "Resources": rows
        });
        if options.cursors {
            if end < total {
                list["nextCursor"] = format!("after-{end}").into();
            }
        } else {
            list["startIndex"] = (start + 1).into();
        }
        SandboxResponse::json_text(200, list.to_string())
    }

    fn create(&mut self, body: &Map<String, Value>, options: &ScimOptions, base_url: &str) -> SandboxResponse {
        if let Err((word, why)) = self.validate(body, None) {
            if word != "uniqueness" {
                return error(400, Some(word), &why);
            }
            return match options.conflict {
                Conflict::Standard => error(409, Some("uniqueness"), &why),
                Conflict::WithoutType => error(409, None, &why),
                Conflict::Text => {
                    SandboxResponse { body: b"User exists with same username".to_vec(), ..SandboxResponse::empty(409) }
                }
                Conflict::BadRequest => error(400, Some("uniqueness"), &why),
                Conflict::Upsert => {
                    let name = text(body, "userName").to_lowercase();
                    match self.users.iter().position(|user| text(&user.data, "userName").to_lowercase() == name) {
                        Some(at) => {
                            let mut new = body.clone();
                            strip_read_only(&mut new);
                            self.users[at].data.extend(new);
                            SandboxResponse::json(200, &Value::Object(self.render(&self.users[at], options, base_url)))
                        }
                        None => error(409, Some("uniqueness"), &why),
                    }
                }
            };
        }
        let mut data = body.clone();
        strip_read_only(&mut data);
        self.store(&mut data, options);
        let id = self.seed(Value::Object(data));
        let user = &self.users[self.users.len() - 1];
        let encoded = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
        let location = format!("{base_url}/Users/{encoded}");
        if options.create_without_body {
            return SandboxResponse::empty(201).with_header("location", location);
        }
        let mut shown = self.render(user, options, base_url);
        if options.create_echoes_other {
            shown = self.render(&self.users[0], options, base_url);
        }
        let response = SandboxResponse::json(201, &Value::Object(shown));
        if options.without_ids { response } else { response.with_header("location", location) }
    }

    fn patch(
        &mut self,
        at: usize,
        body: &Map<String, Value>,
        options: &ScimOptions,
        base_url: &str,
    ) -> SandboxResponse {
        let urns: Vec<String> = self.schemas.iter().map(|(urn, _)| urn.clone()).collect();
        let changed = patch::apply(&self.users[at].data, body, &urns, options)
            .and_then(|changed| self.check(&changed, Some(&self.users[at].id)).map(|()| changed));
        let mut changed = match changed {
            Ok(changed) => changed,
            Err((word, why)) => return error(if word == "uniqueness" { 409 } else { 400 }, Some(word), &why),
        };
        self.store(&mut changed, options);
        let user = &mut self.users[at];
        (user.data, user.version) = (changed, user.version + 1);
        if options.patch_without_body {
            return SandboxResponse::empty(204);
        }
        let shown = self.render(&self.users[at], options, base_url);
        SandboxResponse::json(200, &Value::Object(shown))
    }

    fn put(&mut self, at: usize, body: &Map<String, Value>, options: &ScimOptions, base_url: &str) -> SandboxResponse {
        if options.put == Put::NotFound {
            return SandboxResponse::html(404, "<html><title>Error 404 (Not Found)</title></html>".into());
        }
        let mut data = if options.put == Put::Partial { self.users[at].data.clone() } else { Map::new() };
        if options.put == Put::Clears
            && let Err((word, why)) = self.validate(body, Some(&self.users[at].id))
        {
            return error(if word == "uniqueness" { 409 } else { 400 }, Some(word), &why);
        }
        data.extend(body.clone());
        strip_read_only(&mut data);
        // Left out, the account is taken out of use: the trap that some services set.
        data.entry("active").or_insert(Value::Bool(false));
        self.store(&mut data, options);
        let user = &mut self.users[at];
        (user.data, user.version) = (data, user.version + 1);
        let shown = self.render(&self.users[at], options, base_url);
        SandboxResponse::json(200, &Value::Object(shown))
    }

    /// What a whole user must have.
    fn validate(&self, user: &Map<String, Value>, own: Option<&str>) -> Result<(), Refusal> {
        let named: Vec<&str> = user
            .get("schemas")
            .and_then(Value::as_array)
            .map(|schemas| schemas.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let unnamed = user.keys().find(|key| key.starts_with("urn:") && !named.contains(&key.as_str()));
        if !named.contains(&super::schemas::CORE) || unnamed.is_some() {
            return Err(("invalidValue", "schemas does not name what is in the body".into()));
        }
        self.check(user, own)
    }

    fn check(&self, user: &Map<String, Value>, own: Option<&str>) -> Result<(), Refusal> {
        let name = text(user, "userName").to_lowercase();
        if name.is_empty() {
            return Err(("invalidValue", "userName is required".into()));
        }
        let taken = self
            .users
            .iter()
            .any(|other| Some(other.id.as_str()) != own && text(&other.data, "userName").to_lowercase() == name);
        if taken {
            return Err(("uniqueness", format!("userName {name} is taken")));
        }
        match self.check {
            Some(check) => check(user, self).map_err(|why| ("invalidValue", why)),
            None => Ok(()),
        }
    }

    /// What the service makes of what it is sent.
    fn store(&self, user: &mut Map<String, Value>, options: &ScimOptions) {
        if options.normalise_phones
            && let Some(phones) = user.get_mut("phoneNumbers").and_then(Value::as_array_mut)
        {
            for phone in phones {
                if let Some(number) = phone["value"].as_str().map(|number| number.replace(' ', "")) {
                    phone["value"] = number.into();
                }
            }
        }
        if let Some(active) = user.get("active").and_then(Value::as_str) {
            let active = active.eq_ignore_ascii_case("true");
            user.insert("active".into(), active.into());
        }
    }

    fn show(
        &self,
        status: u16,
        user: &User,
        request: &SandboxRequest,
        options: &ScimOptions,
        base_url: &str,
    ) -> SandboxResponse {
        let mut shown = self.render(user, options, base_url);
        if let Some(wanted) = request.query_value("attributes") {
            let wanted: Vec<&str> = wanted.split(',').collect();
            shown.retain(|key, _| key == "id" || key == "schemas" || wanted.contains(&key.as_str()));
        } else {
            // Returned on request only.
            shown.shift_remove("photos");
        }
        SandboxResponse::json(status, &Value::Object(shown))
    }

    fn render(&self, user: &User, options: &ScimOptions, base_url: &str) -> Map<String, Value> {
        let mut schemas = vec![super::schemas::CORE.to_owned()];
        schemas.extend(user.data.keys().filter(|key| key.starts_with("urn:")).cloned());
        let mut shown = Map::new();
        shown.insert("schemas".into(), json!(schemas));
        if !options.without_ids {
            shown.insert("id".into(), user.id.clone().into());
        }
        shown.extend(user.data.clone());
        shown.shift_remove("password");
        if options.text_booleans {
            shown.insert("active".into(), if is_active(&user.data) { "True" } else { "False" }.into());
        }
        if options.leaves_false_out && !is_active(&user.data) {
            shown.shift_remove("active");
        }
        let mut meta = json!({ "resourceType": "User", "location": format!("{base_url}/Users/{}", user.id) });
        if options.versions {
            meta["version"] = tag_of(user).into();
        }
        shown.insert("meta".into(), meta);
        if options.extra_keys {
            shown.insert("x-internal".into(), json!({"shard": 7}));
            shown.insert("urn:example:internal".into(), json!([null]));
        }
        shown
    }
}

fn text<'u>(user: &'u Map<String, Value>, name: &str) -> &'u str {
    user.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_active(user: &Map<String, Value>) -> bool {
    user.get("active") != Some(&Value::Bool(false))
}

fn tag_of(user: &User) -> String {
    format!("W/\"{}-{}\"", user.id.replace('&', "."), user.version)
}

/// An error in the form of the standard.
pub fn error(status: u16, scim_type: Option<&str>, detail: &str) -> SandboxResponse {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "detail": detail
    });
    if let Some(scim_type) = scim_type {
        body["scimType"] = scim_type.into();
    }
    let mut response = SandboxResponse::json(status, &body);
    response.headers = vec![("content-type", "application/scim+json".into())];
    response
}
