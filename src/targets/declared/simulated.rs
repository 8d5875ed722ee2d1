//! Simulated services whose HTTP interface a user's file declares: each is what its declaration says, and nothing
//! more. They begin without accounts.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::field::{FieldKind, FieldSpec, FieldValue};
use crate::http::Method;
use crate::targets::auth::SignIn;
use crate::targets::declared::template::{Fill, Read, Template};
use crate::targets::declared::{Create, Declaration, DeclaredField, Operation, Paging, ReadOne};

use crate::simulation::{Preparation, SECRET, SandboxRequest, SandboxResponse, System};

/// How many accounts a page of a list holds.
const PAGE: usize = 20;

/// The declared services, by the name of the target.
#[derive(Debug, Default)]
pub(crate) struct DeclaredServices {
    services: BTreeMap<String, Service>,
}

#[derive(Debug)]
struct Service {
    text: String,
    declaration: Declaration,
    items: Vec<Value>,
    made: u64,
    tokens: Vec<String>,
    tokens_given: u64,
}

impl Service {
    fn new(text: &str) -> anyhow::Result<Self> {
        Ok(Self {
            text: text.to_owned(),
            declaration: Declaration::from_sandbox_text(text)?,
            items: Vec::new(),
            made: 0,
            tokens: Vec::new(),
            tokens_given: 0,
        })
    }

    fn handle(&mut self, request: &SandboxRequest, path: &str, base_url: &str) -> SandboxResponse {
        if matches!(self.declaration.auth, SignIn::OAuth { .. })
            && (request.method, path) == (Method::Post, "/oauth/token")
        {
            return self.give_token(request);
        }
        if !self.signed(request) {
            return refused(401, "sign in first");
        }
        let body: Option<Value> = serde_json::from_slice(&request.body).ok();
        if body.is_none() && !request.body.is_empty() {
            return refused(400, "the body is not JSON");
        }
        let declaration = self.declaration.clone();
        let asked = Asked { request, path, body: body.as_ref() };
        // Those whose whole body is given come first, so that two may share an address.
        if let Some(operation) = &declaration.deactivate
            && let Some(account) = asked.fits(operation, true)
        {
            return self.deactivate(operation, &account, body.as_ref());
        }
        if let Some(operation) = &declaration.reactivate
            && let Some(account) = asked.fits(operation, true)
        {
            return self.reactivate(operation, &account, body.as_ref());
        }
        if let Some(read) = &declaration.read
            && let Some(account) = asked.fits(&read.request, true)
        {
            return self.read(read, &account);
        }
        if asked.fits(&declaration.list.request, true).is_some() {
            return self.list(request, path, base_url);
        }
        if let Some(create) = &declaration.create
            && asked.fits(&create.request, false).is_some()
        {
            return self.create(create, body.as_ref());
        }
        if let Some(operation) = &declaration.update
            && let Some(account) = asked.fits(operation, false)
        {
            return self.update(operation, &account, body.as_ref());
        }
        refused(404, "the declaration has no such request")
    }

    fn give_token(&mut self, request: &SandboxRequest) -> SandboxResponse {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let says = |name: &str| form.get(name).map(String::as_str);
        if says("grant_type") != Some("client_credentials") || says("client_secret") != Some(SECRET) {
            return refused(401, "invalid_client");
        }
        self.tokens_given += 1;
        let token = format!("sandbox-token-{}", self.tokens_given);
        self.tokens.push(token.clone());
        SandboxResponse::json(200, &json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
    }

    fn signed(&self, request: &SandboxRequest) -> bool {
        if matches!(self.declaration.auth, SignIn::OAuth { .. }) {
            let token = request.header_value("authorization").and_then(|value| value.strip_prefix("Bearer "));
            return token.is_some_and(|token| self.tokens.iter().any(|known| known == token));
        }
        let headers = self.declaration.auth.fixed_headers();
        headers.iter().all(|(name, value)| request.header_value(name) == Some(value.as_str()))
    }

    fn position(&self, account: &str) -> Option<usize> {
        self.items.iter().position(|item| {
            self.declaration.list.id.get(item).is_some_and(|id| match id {
                Value::String(text) => text == account,
                Value::Number(number) => account.parse() == Ok(number.as_u64().unwrap_or_default()),
                _ => false,
            })
        })
    }

    fn list(&self, request: &SandboxRequest, path: &str, base_url: &str) -> SandboxResponse {
        let list = &self.declaration.list;
        let query = |name: &str| request.query_value(name).and_then(|value| value.parse::<usize>().ok());
        let from = match &list.paging {
            Paging::None => 0,
            Paging::Page { parameter, first } => {
                let page = query(parameter).unwrap_or(0);
                page.saturating_sub(usize::try_from(*first).unwrap_or(0)) * PAGE
            }
            Paging::Offset { parameter } => query(parameter).unwrap_or(0),
            Paging::Cursor { parameter, .. } => {
                let after = request.query_value(parameter).and_then(|cursor| cursor.strip_prefix("after-"));
                after.and_then(|after| after.parse().ok()).unwrap_or(0)
            }
            Paging::Link { .. } => query("from").unwrap_or(0),
        };
        let size = if list.paging == Paging::None { self.items.len() } else { PAGE };
        let items: Vec<Value> = self.items.iter().skip(from).take(size).cloned().collect();
        let next = from + items.len();
        let more = next < self.items.len();
        let mut body = json!({});
        list.items.put(&mut body, Value::Array(items));
        if let Some(total) = &list.total {
            total.put(&mut body, json!(self.items.len()));
        }
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        link.extend_pairs(request.query.iter().filter(|(name, _)| name != "from"))
            .append_pair("from", &next.to_string());
        let link = format!("{base_url}{path}?{}", link.finish());
        match &list.paging {
            Paging::Cursor { at, .. } => {
                at.put(&mut body, if more { json!(format!("after-{next}")) } else { Value::Null });
            }
            Paging::Link { at: Some(at) } => at.put(&mut body, if more { json!(link) } else { Value::Null }),
            _ => {}
        }
        let answer = SandboxResponse::json(status(&list.request, 200), &body);
        match list.paging {
            Paging::Link { at: None } if more => answer.with_header("link", format!("<{link}>; rel=\"next\"")),
            _ => answer,
        }
    }

    fn read(&self, read: &ReadOne, account: &str) -> SandboxResponse {
        let Some(position) = self.position(account) else { return refused(404, "no such account") };
        let mut body = json!({});
        match read.item.as_str() {
            "" => body = self.items[position].clone(),
            _ => read.item.put(&mut body, self.items[position].clone()),
        }
        SandboxResponse::json(status(&read.request, 200), &body)
    }

    fn create(&mut self, create: &Create, body: Option<&Value>) -> SandboxResponse {
        let mut item = json!({});
        self.fill(&create.request, &mut item, body);
        if let Some(flag) = &self.declaration.list.active {
            flag.at.put(&mut item, flag.values[0].clone());
        }
        let id = json!(self.made + 1);
        self.declaration.list.id.put(&mut item, id.clone());
        if let Err(why) = self.check(&item) {
            return refused(422, &why);
        }
        if let (Some(exists), true) = (create.exists.first(), self.is_there(&item)) {
            return refused(*exists, "there is one already");
        }
        self.made += 1;
        self.items.push(item);
        let mut answer = json!({});
        create.id.put(&mut answer, id);
        SandboxResponse::json(status(&create.request, 201), &answer)
    }

    fn update(&mut self, operation: &Operation, account: &str, body: Option<&Value>) -> SandboxResponse {
        let Some(position) = self.position(account) else { return refused(404, "no such account") };
        let mut item = self.items[position].clone();
        self.fill(operation, &mut item, body);
        if let Err(why) = self.check(&item) {
            return refused(422, &why);
        }
        self.items[position] = item;
        SandboxResponse::json(status(operation, 200), &json!({}))
    }

    fn deactivate(&mut self, operation: &Operation, account: &str, body: Option<&Value>) -> SandboxResponse {
        let Some(position) = self.position(account) else { return refused(404, "no such account") };
        match &self.declaration.list.active {
            None => {
                self.items.remove(position);
            }
            Some(flag) => {
                let item = &mut self.items[position];
                merge(item, body);
                if flag.at.get(item).is_none_or(|value| flag.values.contains(value)) {
                    let out_of_use = if flag.values[0].is_boolean() { json!(false) } else { json!("inactive") };
                    flag.at.put(item, out_of_use);
                }
            }
        }
        SandboxResponse::json(status(operation, 200), &json!({}))
    }

    fn reactivate(&mut self, operation: &Operation, account: &str, body: Option<&Value>) -> SandboxResponse {
        let Some(position) = self.position(account) else { return refused(404, "no such account") };
        let item = &mut self.items[position];
        merge(item, body);
        if let Some(flag) = &self.declaration.list.active
            && !flag.at.get(item).is_some_and(|value| flag.values.contains(value))
        {
            flag.at.put(item, flag.values[0].clone());
        }
        SandboxResponse::json(status(operation, 200), &json!({}))
    }

    /// Puts into an item what a body says.
    fn fill(&self, operation: &Operation, item: &mut Value, body: Option<&Value>) {
        let (Some(template), Some(body)) = (&operation.body, body) else { return };
        template.read(body, &mut |read| match read {
            Read::Object(object) => merge(item, Some(&Value::Object(object.clone()))),
            Read::Field(name, value) => {
                if let Some(field) = self.declaration.field(name) {
                    field.at.put(item, value.clone());
                }
            }
            Read::Account(_) => {}
        });
    }

    fn fields(&self) -> &[DeclaredField] {
        self.declaration.fields.as_deref().unwrap_or_default()
    }

    /// Whether an item is what the declaration says; otherwise why not, without its values.
    fn check(&self, item: &Value) -> Result<(), String> {
        let text = |value: &Value, spec: &FieldSpec| {
            value.as_str().is_some_and(|text| crate::rules::convert(FieldValue::text(text), spec).is_ok())
        };
        for DeclaredField { spec, at, .. } in self.fields() {
            let fits = match at.get(item) {
                None | Some(Value::Null) => !spec.required,
                Some(Value::String(text)) if text.is_empty() => !spec.required,
                Some(value) => match spec.kind {
                    FieldKind::Date => {
                        let format = spec.day_format.as_deref().unwrap_or("%Y-%m-%d");
                        value.as_str().is_some_and(|day| NaiveDate::parse_from_str(day, format).is_ok())
                    }
                    FieldKind::Number => value.is_number(),
                    FieldKind::Bool => value.is_boolean(),
                    FieldKind::List => value.is_array(),
                    _ => text(value, spec) || value.is_number() || value.is_boolean(),
                },
            };
            if !fits {
                return Err(format!("{} is not valid", spec.name));
            }
        }
        Ok(())
    }

    /// Whether another item has the same id of ours or the same e-mail address.
    fn is_there(&self, item: &Value) -> bool {
        let unique = self.fields().iter().filter(|field| field.spec.identity || field.spec.kind == FieldKind::Email);
        unique.filter_map(|field| Some((&field.at, field.at.get(item)?))).any(|(at, value)| {
            let text = |value: &Value| value.to_string().to_lowercase();
            self.items.iter().any(|other| at.get(other).is_some_and(|other| text(other) == text(value)))
        })
    }
}

/// A request, to be held against the declaration.
struct Asked<'a> {
    request: &'a SandboxRequest,
    path: &'a str,
    body: Option<&'a Value>,
}

impl Asked<'_> {
    /// The account of a request, if it is one that this operation makes; blank when it names none. With
    /// `whole`, the body has to be exactly what the operation sends.
    fn fits(&self, operation: &Operation, whole: bool) -> Option<String> {
        if operation.method != self.request.method {
            return None;
        }
        let mut account = operation.path.account_in(self.path)?.unwrap_or_default();
        for (name, value) in &operation.query {
            if let Some(found) = value.account_in(self.request.query_value(name)?)? {
                account = found;
            }
        }
        if let (Some(template), Some(body)) = (&operation.body, self.body) {
            template.read(body, &mut |read| {
                if let Read::Account(found) = read {
                    account = found;
                }
            });
        }
        if whole {
            let expected = operation.body.as_ref().and_then(|body: &Template| body.render(&OfAccount(&account)));
            if expected.as_ref() != self.body {
                return None;
            }
        }
        Some(account)
    }
}

/// Fills nothing but the account.
struct OfAccount<'a>(&'a str);

impl Fill for OfAccount<'_> {
    fn account(&self) -> &str {
        self.0
    }
    fn employee(&self) -> String {
        String::new()
    }
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }
    fn fields(&self) -> Value {
        Value::Null
    }
    fn item(&self) -> Value {
        Value::Null
    }
}

fn status(operation: &Operation, usual: u16) -> u16 {
    operation.success.first().copied().unwrap_or(usual)
}

fn refused(status: u16, why: &str) -> SandboxResponse {
    SandboxResponse::json(status, &json!({"error": why}))
}

/// Puts the members of an object into a document, object by object.
fn merge(document: &mut Value, change: Option<&Value>) {
    let Some(Value::Object(members)) = change else { return };
    for (name, value) in members {
        let position = &mut document[name.as_str()];
        if value.is_object() && position.is_object() {
            merge(position, Some(value));
        } else {
            *position = value.clone();
        }
    }
}

impl System for DeclaredServices {
    fn title(&self) -> &'static str {
        "Declared HTTP interfaces"
    }

    fn handle(&mut self, request: &SandboxRequest) -> SandboxResponse {
        let (target, rest) = request.path.trim_start_matches('/').split_once('/').unwrap_or((&request.path, ""));
        let name = percent_encoding::percent_decode_str(target).decode_utf8_lossy();
        let base_url = format!("{}/{target}", request.base_url);
        match self.services.get_mut(&*name) {
            Some(service) => service.handle(request, &format!("/{rest}"), &base_url),
            None => refused(404, "no file has declared this interface to the sandbox"),
        }
    }

    fn prepare(&mut self, preparation: &Preparation) {
        for target in &preparation.targets {
            let Some(text) = &target.declaration else { continue };
            // The accounts outlive the run, and end with another declaration.
            if self.services.get(&target.name).is_some_and(|known| known.text == *text) {
                continue;
            }
            if let Ok(service) = Service::new(text) {
                self.services.insert(target.name.clone(), service);
            }
        }
    }

    fn writes(&self, request: &SandboxRequest) -> bool {
        request.method != Method::Get && !request.path.ends_with("/oauth/token")
    }

    fn expire_tokens(&mut self) {
        for service in self.services.values_mut() {
            service.tokens.clear();
        }
    }

    fn people_at(&self, _request: &SandboxRequest, answer: &Value) -> Option<String> {
        let mut lists = answer.as_object()?.iter().filter(|(_, value)| value.is_array());
        lists.next().map(|(key, _)| key.clone())
    }

    fn counts(&self) -> Vec<(String, usize)> {
        self.services.iter().map(|(name, service)| (name.clone(), service.items.len())).collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |(name, service): (&String, &Service)| {
            let requests = service.declaration.describe().into_iter().skip(1);
            std::iter::once(name.clone()).chain(requests).collect()
        };
        self.services.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::PreparedTarget;

    const INTERFACE: &str = r#"
        base_url = "http://127.0.0.1"
        auth = { oauth = { token_url = "http://127.0.0.1", client_id = "sync", client_secret = "sandbox-secret" } }
        fields = { email = "email", start = { kind = "date", at = "/job/start", format = "%d.%m.%Y" } }
        list = { path = "/people", items = "/data", id = "/id", active = { at = "/state", values = ["active"] }, total = "/total", paging = { by = "link" } }
        create = { path = "/people", body = { person = "{fields}" }, id = "/new/id", exists = [422] }
        update = { path = "/people/{account}" }
        deactivate = { method = "PATCH", path = "/people/{account}", body = { state = "gone" } }
        reactivate = { method = "POST", path = "/back", query = { who = "{account}" } }
    "#;

    fn services() -> DeclaredServices {
        let mut services = DeclaredServices::default();
        services.prepare(&Preparation {
            targets: vec![PreparedTarget {
                name: "hr".into(),
                kind: "http".into(),
                declaration: Some(INTERFACE.into()),
                ..PreparedTarget::default()
            }],
            ..Preparation::default()
        });
        services
    }

    #[test]
    fn a_service_does_what_its_declaration_says() {
        let mut services = services();
        let mut form = SandboxRequest::new(Method::Post, "/hr/oauth/token");
        form.body = b"grant_type=client_credentials&client_id=sync&client_secret=sandbox-secret".to_vec();
        let token = services.handle(&form).value()["access_token"].as_str().unwrap().to_owned();
        form.body = b"grant_type=client_credentials&client_id=sync&client_secret=wrong".to_vec();
        assert_eq!(services.handle(&form).status, 401);
        assert_eq!(services.handle(&SandboxRequest::get("/hr/people")).status, 401);

        let mut ask = |method, path: &str, body: Option<Value>| {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let mut request = SandboxRequest::new(method, path).header("authorization", &format!("Bearer {token}"));
            request.query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let request = body.map_or(request.clone(), |body| request.json(&body));
            let answer = services.handle(&request);
            (answer.status, answer.value(), answer.header("link").map(str::to_owned))
        };
        let person = |email: &str| Some(json!({"person": {"email": email, "job": {"start": "28.02.2026"}}}));
        assert_eq!(ask(Method::Post, "/hr/people", person("one@example.com")).1, json!({"new": {"id": 1}}));
        assert_eq!(ask(Method::Post, "/hr/people", person("One@Example.com")).0, 422, "there is one");
        let wrong = Some(json!({"person": {"email": "two@example.com", "job": {"start": "2026-02-28"}}}));
        assert_eq!(ask(Method::Post, "/hr/people", wrong).0, 422, "not the declared form of a date");
        assert_eq!(ask(Method::Patch, "/hr/people/1", Some(json!({"job": {"start": null}}))).0, 200);
        assert_eq!(ask(Method::Patch, "/hr/people/9", Some(json!({"email": null}))).0, 404);
        assert_eq!(ask(Method::Patch, "/hr/people/1", Some(json!({"state": "gone"}))).0, 200);
        let listed = json!([{"email": "one@example.com", "job": {"start": null}, "state": "gone", "id": 1}]);
        assert_eq!(ask(Method::Get, "/hr/people", None).1, json!({"data": listed, "total": 1}));
        assert_eq!(ask(Method::Post, "/hr/back?who=1", None).0, 200);
        assert_eq!(ask(Method::Get, "/hr/people", None).1["data"][0]["state"], "active");
        assert_eq!(ask(Method::Get, "/hr/elsewhere", None).0, 404);

        for number in 2..=25 {
            assert_eq!(ask(Method::Post, "/hr/people", person(&format!("{number}@example.com"))).0, 201);
        }
        let (_, first, link) = ask(Method::Get, "/hr/people", None);
        assert_eq!(first["data"].as_array().unwrap().len(), PAGE);
        let link = link.unwrap();
        let next = link.trim_start_matches("<http://127.0.0.1/hr").split('>').next().unwrap();
        let (_, second, link) = ask(Method::Get, &format!("/hr{next}"), None);
        assert_eq!((second["data"].as_array().unwrap().len(), link), (5, None));

        services.expire_tokens();
        let late = SandboxRequest::get("/hr/people").header("authorization", &format!("Bearer {token}"));
        assert_eq!(services.handle(&late).status, 401);
    }
}
