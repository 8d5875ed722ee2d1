//! A simulated Freshservice, API v2: requesters, agents, departments, locations, and their fields.
//!
//! Each name after `/freshservice/` is an account of its own. It is made when it is first used, with two
//! agents and most of the company's departments and locations, but without requesters.

mod account;
mod catalog;
mod groups;
mod lifecycle;
mod limits;
mod named_lists;
mod refusals;
mod shown;
#[cfg(test)]
mod tests;
mod tickets;
mod user;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use self::account::Account;
use self::refusals::{no_account, refused};
use crate::http::Method;
use crate::simulation::people::Company;
use crate::simulation::{Preparation, SECRET, SandboxRequest, SandboxResponse, System};

/// How the simulated Freshservice differs from an ordinary account. Applies to all its accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreshserviceOptions {
    /// What is answered when something of that address or name is there already.
    pub duplicates: Duplicates,
    /// Whether the limits per minute apply and their headers are sent.
    pub rate_limits: bool,
    /// Parts of the API (`departments`, `agents`, `onboarding_requests`) that the plan does not include.
    pub missing_features: Vec<String>,
    /// Attributes that are accepted in every write and never kept.
    pub forgotten_attributes: Vec<String>,
    /// Whether the key has been taken back.
    pub key_revoked: bool,
}

/// What is answered to a duplicate; the real system's answer is not documented, both were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// 409 without a field.
    #[default]
    Conflict,
    /// 400 that names the field.
    BadRequest,
}

/// Somebody who is an agent before the first sync.
#[derive(Clone, Debug)]
struct SeededAgent {
    first_name: String,
    last_name: String,
    email: String,
}

#[derive(Clone, Debug)]
pub struct Freshservice {
    /// How it differs from an ordinary account. May be changed at any time.
    pub options: FreshserviceOptions,
    today: NaiveDate,
    agents: Vec<SeededAgent>,
    accounts: BTreeMap<String, Account>,
}

impl Freshservice {
    /// Without any account yet. One of the company's people is an agent in each.
    pub fn new(company: &Company) -> Self {
        let owner =
            SeededAgent { first_name: "Sandbox".into(), last_name: "Administrator".into(), email: KEY_OWNER.into() };
        let colleague = company.colleague("IT").map(|person| SeededAgent {
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
            email: person.email.clone(),
        });
        let second = colleague.unwrap_or_else(|| SeededAgent {
            first_name: "Second".into(),
            last_name: "Agent".into(),
            email: "second.agent@example.com".into(),
        });
        Self {
            options: FreshserviceOptions::default(),
            today: company.today,
            agents: vec![owner, second],
            accounts: BTreeMap::new(),
        }
    }

    /// The names of the accounts that were used so far.
    pub fn accounts(&self) -> Vec<&str> {
        self.accounts.keys().map(String::as_str).collect()
    }

    fn account(&mut self, name: &str) -> &mut Account {
        let Self { today, agents, accounts, .. } = self;
        accounts.entry(name.to_owned()).or_insert_with(|| Account::new(agents, &timestamp(*today, Duration::ZERO)))
    }

    fn answer(&mut self, target: &str, rest: &[&str], request: &SandboxRequest) -> SandboxResponse {
        let options = self.options.clone();
        let now = timestamp(self.today, request.at);
        if !signed_in(request) || options.key_revoked {
            return refused(401, "invalid_credentials", "You have to be logged in to perform this action.");
        }
        let account = self.account(target);
        let limits = options.rate_limits.then(|| account.limits.count(request, rest));
        let mut response = match &limits {
            Some(limit) if !limit.admitted => refused(429, "", "You have exceeded the limit of requests per minute")
                .with_header("retry-after", limit.seconds_left.to_string()),
            _ if rest.first().is_some_and(|part| options.missing_features.iter().any(|known| known == part)) => {
                refused(403, "require_feature", "This feature is not part of your plan")
            }
            _ if has_wrong_content_type(request) => SandboxResponse::empty(415),
            _ => account.handle(rest, request, &options, &now),
        };
        response.headers.push(("x-freshservice-api-version", "latest=v2; requested=v2".into()));
        if let Some(limit) = limits {
            response.headers.push(("x-ratelimit-total", limit.total.to_string()));
            response.headers.push(("x-ratelimit-remaining", limit.remaining.to_string()));
            response.headers.push(("x-ratelimit-used-currentrequest", "1".into()));
        }
        response
    }
}

/// The agent whose key the sandbox's secret is.
pub const KEY_OWNER: &str = "it.admin@example.com";

fn timestamp(today: NaiveDate, at: Duration) -> String {
    let start: NaiveDateTime = today.and_hms_opt(8, 0, 0).unwrap_or_default();
    let time = start + TimeDelta::from_std(at).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A target's name may hold anything; the path spells it percent-encoded.
fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn signed_in(request: &SandboxRequest) -> bool {
    let header = request.header_value("authorization").and_then(|header| header.strip_prefix("Basic "));
    let decoded = header.and_then(|text| BASE64_STANDARD.decode(text).ok());
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    text.split_once(':').is_some_and(|(key, _)| key == SECRET)
}

fn has_wrong_content_type(request: &SandboxRequest) -> bool {
    !request.body.is_empty()
        && !request.header_value("content-type").is_some_and(|kind| kind.starts_with("application/json"))
}

impl System for Freshservice {
    fn title(&self) -> &'static str {
        "Freshservice"
    }

    fn handle(&mut self, request: &SandboxRequest) -> SandboxResponse {
        match request.segments().as_slice() {
            [target, "api", "v2", rest @ ..] => self.answer(&decoded(target), rest, request),
            _ => no_account(),
        }
    }

    fn prepare(&mut self, preparation: &Preparation) {
        for target in preparation.targets.iter().filter(|target| target.kind == "freshservice") {
            let account = self.account(&target.name);
            for field in &target.fields {
                account.offer(field);
            }
        }
    }

    fn writes(&self, request: &SandboxRequest) -> bool {
        request.method != Method::Get
    }

    fn too_many_requests(&self, retry_after: u64) -> SandboxResponse {
        SandboxResponse::json(
            429,
            &serde_json::json!({"message": "You have exceeded the limit of requests per minute"}),
        )
        .with_header("retry-after", retry_after.to_string())
    }

    fn internal_error(&self) -> SandboxResponse {
        refused(500, "internal_error", "Something went wrong on our side")
    }

    fn insert_while_paging(&mut self, request: &SandboxRequest) {
        let now = timestamp(self.today, request.at);
        if let [target, "api", "v2", "requesters", ..] = request.segments().as_slice() {
            self.account(&decoded(target)).insert_in_front(&now);
        }
    }

    fn remove_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "api", "v2", "requesters", ..] = request.segments().as_slice() {
            self.account(&decoded(target)).remove_in_front();
        }
    }

    fn people_at(&self, request: &SandboxRequest, _answer: &serde_json::Value) -> Option<String> {
        let last = *request.segments().last()?;
        (last == "requesters").then(|| "requesters".to_owned())
    }

    fn counts(&self) -> Vec<(String, usize)> {
        self.accounts
            .iter()
            .flat_map(|(name, account)| {
                account.counts().into_iter().map(move |(what, count)| (format!("{name}: {what}"), count))
            })
            .collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        self.accounts.iter().flat_map(|(name, account)| account.rows(name)).collect()
    }
}
