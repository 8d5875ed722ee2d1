//! A simulated Microsoft Graph: users, managers, groups, teams, batches and the provisioning service.
//!
//! Each name after `/entra/` is a tenant of its own, with its sign-in below `/login`. It is made when it is
//! first used, with most of the company in it, a guest, and one user who is synchronised from on-premises.

mod changes;
mod provisioning;
mod tenant;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::tenant::{Tenant, refused};
use crate::http::Method;
use crate::simulation::people::{Company, Person};
use crate::simulation::{Preparation, SECRET, SandboxRequest, SandboxResponse, System};

/// How the simulated Graph differs from an ordinary one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntraOptions {
    /// So many looks at users pass before the provisioning service has made an account.
    pub provisioning_looks: u32,
    /// External ids of new users that the provisioning service does not make.
    pub refuse_uploads: Vec<String>,
    /// The next pages of lists of changes, after the first, whose place was forgotten.
    pub expired_changes: u32,
    /// The next parts of batches that are refused for being too many.
    pub throttled_parts: u32,
    /// Parts of the API (`users`, `groups`, `teams`) that the app has no permission for.
    pub forbidden: Vec<String>,
    /// The next changes of users that are refused.
    pub refused_changes: u32,
    /// Sign-in names of administrators: an app without a directory role may not change their phones.
    pub administrators: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Entra {
    /// How it differs. May be changed at any time.
    pub options: EntraOptions,
    people: Vec<Person>,
    tenants: BTreeMap<String, Tenant>,
    tokens: u64,
    expired: BTreeSet<u64>,
}

impl Entra {
    /// Without any tenant yet.
    pub fn new(company: &Company) -> Self {
        let ordinary = |person: &&Person| {
            person.status == "active" && person.termination_date.is_none() && !person.email.is_empty()
        };
        let people = company.people().iter().filter(ordinary).cloned().collect();
        Self { options: EntraOptions::default(), people, tenants: BTreeMap::new(), tokens: 0, expired: BTreeSet::new() }
    }

    pub fn tenant(&mut self, target: &str) -> &mut Tenant {
        let people = &self.people;
        self.tenants.entry(target.to_owned()).or_insert_with(|| Tenant::new(people))
    }

    fn sign_in(&mut self, request: &SandboxRequest) -> SandboxResponse {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let is = |key: &str, value: &str| form.get(key).is_some_and(|found| found == value);
        if !is("grant_type", "client_credentials") || !is("client_secret", SECRET) || !form.contains_key("scope") {
            let body = json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret"});
            return SandboxResponse::json(401, &body);
        }
        self.tokens += 1;
        let token = format!("sandbox-token-{}", self.tokens);
        SandboxResponse::json(200, &json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}))
    }

    fn signed_in(&self, request: &SandboxRequest) -> bool {
        let token = request.header_value("authorization").and_then(|value| value.strip_prefix("Bearer sandbox-token-"));
        token
            .and_then(|number| number.parse().ok())
            .is_some_and(|number: u64| (1..=self.tokens).contains(&number) && !self.expired.contains(&number))
    }
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

impl System for Entra {
    fn title(&self) -> &'static str {
        "Microsoft Graph"
    }

    fn handle(&mut self, request: &SandboxRequest) -> SandboxResponse {
        match request.segments().as_slice() {
            [_, "login", _, "oauth2", "v2.0", "token"] if request.method == Method::Post => self.sign_in(request),
            [_, "v1.0", ..] if !self.signed_in(request) => {
                refused(401, "InvalidAuthenticationToken", "Access token is missing, expired or wrong.")
            }
            [target, "v1.0", rest @ ..] => {
                let mut options = std::mem::take(&mut self.options);
                let path: Vec<String> = rest.iter().map(|part| decoded(part)).collect();
                let response = self.tenant(&decoded(target)).handle(&path, request, &mut options);
                self.options = options;
                response
            }
            _ => refused(404, "ResourceNotFound", "Resource not found."),
        }
    }

    fn prepare(&mut self, preparation: &Preparation) {
        for target in preparation.targets.iter().filter(|target| target.kind == "entra") {
            let tenant = self.tenant(&target.name);
            for field in &target.fields {
                tenant.offer(&field.name);
            }
        }
    }

    fn writes(&self, request: &SandboxRequest) -> bool {
        request.method != Method::Get && !request.path.ends_with("/token")
    }

    fn too_many_requests(&self, retry_after: u64) -> SandboxResponse {
        refused(429, "TooManyRequests", "Too many requests").with_header("retry-after", retry_after.to_string())
    }

    fn internal_error(&self) -> SandboxResponse {
        refused(500, "InternalServerError", "Something went wrong on our side.")
    }

    fn expire_tokens(&mut self) {
        self.expired.extend(1..=self.tokens);
    }

    fn insert_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "v1.0", "users"] | [target, "v1.0", "users", "delta"] = request.segments().as_slice() {
            self.tenant(&decoded(target)).insert_in_front();
        }
    }

    fn remove_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "v1.0", "users"] | [target, "v1.0", "users", "delta"] = request.segments().as_slice() {
            self.tenant(&decoded(target)).remove_in_front();
        }
    }

    fn people_at(&self, request: &SandboxRequest, _answer: &Value) -> Option<String> {
        let last = *request.segments().last()?;
        ["users", "delta"].contains(&last).then(|| "value".to_owned())
    }

    fn counts(&self) -> Vec<(String, usize)> {
        self.tenants
            .iter()
            .flat_map(|(name, tenant)| {
                tenant.counts().into_iter().map(move |(what, count)| (format!("{name}: {what}"), count))
            })
            .collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        self.tenants.iter().flat_map(|(name, tenant)| tenant.rows(name)).collect()
    }
}
