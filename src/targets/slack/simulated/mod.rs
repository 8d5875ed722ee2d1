//! A simulated Slack: the methods of the Web API for people, user groups and channels, and SCIM accounts.
//!
//! Each name after `/slack/` is a workspace of its own. It is made when it is first used, with most of the
//! company in it, an owner whose token the secret is, a bot, a guest and a deactivated duplicate.

mod scim;
mod workspace;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::workspace::Workspace;
use crate::simulation::people::{Company, Person};
use crate::simulation::{Preparation, SECRET, SandboxRequest, SandboxResponse, System};

/// How the simulated Slack differs from an ordinary one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlackOptions {
    /// Scopes that the token lacks (`users:read.email`).
    pub missing_scopes: Vec<String>,
    /// Whether the token's owner may set the profiles of others.
    pub not_admin: bool,
    /// The workspaces of the organisation whose token the secret is; none where it is that of a workspace.
    pub organisation: Vec<String>,
    /// Members whom user groups leave out without a word.
    pub left_out: Vec<String>,
    /// A refusal inside a success, once for each entry: the method and the code.
    pub refuse_once: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Slack {
    /// How it differs. May be changed at any time.
    pub options: SlackOptions,
    people: Vec<Person>,
    workspaces: BTreeMap<String, Workspace>,
}

impl Slack {
    /// Without any workspace yet.
    pub fn new(company: &Company) -> Self {
        let ordinary = |person: &&Person| {
            person.status == "active" && person.termination_date.is_none() && !person.email.is_empty()
        };
        let people = company.people().iter().filter(ordinary).cloned().collect();
        Self { options: SlackOptions::default(), people, workspaces: BTreeMap::new() }
    }

    pub fn workspace(&mut self, target: &str) -> &mut Workspace {
        let people = &self.people;
        self.workspaces.entry(target.to_owned()).or_insert_with(|| Workspace::new(people))
    }
}

/// The refusal of a method, inside a success.
fn refused(code: &str) -> SandboxResponse {
    SandboxResponse::json(200, &json!({"ok": false, "error": code}))
}

fn token(request: &SandboxRequest) -> Option<&str> {
    request.header_value("authorization")?.strip_prefix("Bearer ")
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

impl System for Slack {
    fn title(&self) -> &'static str {
        "Slack"
    }

    fn handle(&mut self, request: &SandboxRequest) -> SandboxResponse {
        match request.segments().as_slice() {
            [target, "api", method] => match token(request) {
                None => refused("not_authed"),
                Some(SECRET) => {
                    if let Some(at) = self.options.refuse_once.iter().position(|(known, _)| known == method) {
                        let code = self.options.refuse_once.remove(at).1;
                        let busy = code == "ratelimited";
                        let answer = refused(&code);
                        return if busy { answer.with_header("retry-after", "0") } else { answer };
                    }
                    let options = self.options.clone();
                    self.workspace(&decoded(target)).call(method, request, &options)
                }
                Some(_) => refused("invalid_auth"),
            },
            [target, "scim", "v2", rest @ ..] if token(request) == Some(SECRET) => {
                scim::answer(self.workspace(&decoded(target)), rest, request)
            }
            [_, "scim", "v2", ..] => scim::error(401, "invalid_authentication"),
            _ => SandboxResponse::html(404, "<!doctype html><title>Not found</title>".into()),
        }
    }

    fn prepare(&mut self, preparation: &Preparation) {
        for target in preparation.targets.iter().filter(|target| target.kind == "slack") {
            let workspace = self.workspace(&target.name);
            for field in &target.fields {
                workspace.offer(field);
            }
        }
    }

    fn too_many_requests(&self, retry_after: u64) -> SandboxResponse {
        SandboxResponse::json(429, &json!({"ok": false, "error": "ratelimited"}))
            .with_header("retry-after", retry_after.to_string())
    }

    fn internal_error(&self) -> SandboxResponse {
        SandboxResponse::json(500, &json!({"ok": false, "error": "internal_error"}))
    }

    fn insert_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "api", "users.list"] = request.segments().as_slice() {
            self.workspace(&decoded(target)).insert_in_front();
        }
    }

    fn remove_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "api", "users.list"] = request.segments().as_slice() {
            self.workspace(&decoded(target)).remove_in_front();
        }
    }

    fn people_at(&self, request: &SandboxRequest, _answer: &Value) -> Option<String> {
        let last = *request.segments().last()?;
        (last == "users.list").then(|| "members".to_owned())
    }

    fn counts(&self) -> Vec<(String, usize)> {
        self.workspaces
            .iter()
            .flat_map(|(name, workspace)| {
                workspace.counts().into_iter().map(move |(what, count)| (format!("{name}: {what}"), count))
            })
            .collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        self.workspaces.iter().flat_map(|(name, workspace)| workspace.rows(name)).collect()
    }
}
