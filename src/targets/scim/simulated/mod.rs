//! A simulated service that speaks SCIM 2.0.
//!
//! Each name after `/scim/` is a directory of its own. It is made when it is first used, with one
//! administrator in it. The secret is taken in whatever form it is sent.

mod bulk;
pub mod directory;
pub mod options;
pub mod patch;
pub mod schemas;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

pub use directory::{Directory, error};
pub use options::{BulkOptions, Conflict, Put, ScimOptions};

use crate::simulation::{Preparation, SECRET, SandboxRequest, SandboxResponse, System};

#[derive(Clone, Debug, Default)]
pub struct Scim {
    /// How they depart from the standard. May be changed at any time.
    pub options: ScimOptions,
    directories: BTreeMap<String, Directory>,
}

impl Scim {
    pub fn directory(&mut self, target: &str) -> &mut Directory {
        self.directories.entry(target.to_owned()).or_insert_with(|| {
            let mut directory = Directory::new(schemas::standard());
            directory.seed(json!({
                "userName": ADMINISTRATOR, "displayName": "Sandbox Administrator",
                "name": {"givenName": "Sandbox", "familyName": "Administrator"}
            }));
            directory
        })
    }
}

/// Who is in every directory from the start.
pub const ADMINISTRATOR: &str = "sandbox.admin@example.com";

impl System for Scim {
    fn title(&self) -> &'static str {
        "SCIM"
    }

    fn handle(&mut self, request: &SandboxRequest) -> SandboxResponse {
        let options = self.options.clone();
        match request.segments().as_slice() {
            [_, ..] if !signed_in(request) => error(401, None, "authorization is missing or wrong"),
            [target, rest @ ..] => {
                let base_url = format!("{}/{target}", request.base_url);
                self.directory(target).handle(rest, request, &options, &base_url)
            }
            [] => error(404, None, "no such directory"),
        }
    }

    fn prepare(&mut self, preparation: &Preparation) {
        for target in preparation.targets.iter().filter(|target| target.kind == "scim") {
            let names: Vec<&str> = target.fields.iter().map(|field| field.name.as_str()).collect();
            self.directory(&target.name).offer(&names);
        }
    }

    fn too_many_requests(&self, retry_after: u64) -> SandboxResponse {
        error(429, None, "too many requests").with_header("retry-after", retry_after.to_string())
    }

    fn internal_error(&self) -> SandboxResponse {
        error(500, None, "something went wrong on our side")
    }

    fn insert_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "Users"] = request.segments().as_slice() {
            self.directory(target).insert_in_front();
        }
    }

    fn remove_while_paging(&mut self, request: &SandboxRequest) {
        if let [target, "Users"] = request.segments().as_slice() {
            self.directory(target).remove_in_front();
        }
    }

    fn people_at(&self, request: &SandboxRequest, _answer: &Value) -> Option<String> {
        let last = *request.segments().last()?;
        (last == "Users").then(|| "Resources".to_owned())
    }

    fn counts(&self) -> Vec<(String, usize)> {
        self.directories.iter().map(|(name, directory)| (format!("{name}: users"), directory.users().count())).collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        self.directories.iter().flat_map(|(name, directory)| directory.rows(name)).collect()
    }
}

/// Whether a request carries the sandbox's secret, in whatever form.
pub fn signed_in(request: &SandboxRequest) -> bool {
    let basic = |value: &str| {
        let decoded = BASE64_STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.is_some_and(|text| text.split_once(':').is_some_and(|(_, password)| password == SECRET))
    };
    request.headers.iter().any(|(name, value)| match (name.as_str(), value.split_once(' ')) {
        ("authorization", Some((scheme, value))) => match scheme.to_ascii_lowercase().as_str() {
            "basic" => basic(value),
            "bearer" | "apikey" => value == SECRET,
            _ => false,
        },
        (_, _) => value == SECRET,
    })
}
