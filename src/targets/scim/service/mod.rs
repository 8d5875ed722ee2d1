//! One SCIM service: what it says of itself, reading and changing its users.
//!
//! Used by every target that speaks SCIM; it knows resources, and nothing of fields or employees.

mod batch;
mod change;
mod walk;

pub(crate) use batch::Order;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::http::{Client, ClientSettings, Limit, Request, Response};
use crate::targets::TargetError;

use super::deviations::Deviations;
use super::discovery::Discovery;
use super::errors::{Operation, honest, no_answer, refusal, unexpected};
use super::filter::Filter;
use super::path::{CORE, Path};
use super::requests::Requests;
use super::settings::Settings;
use super::wire::{Resource, id, put, version};

/// A service that is open for reading and writing.
pub(crate) struct Service {
    name: Box<str>,
    client: Client,
    deviations: Deviations,
    preserve: Vec<Path>,
    discovery: OnceLock<Discovery>,
    learned: Mutex<Learned>,
}

/// What became known of the service while it was used.
#[derive(Debug, Default)]
struct Learned {
    /// PATCH was answered with 405 or 501.
    no_patch: bool,
    /// The most operations of a batch, when more was too much, or 1 when the service takes none.
    bulk_most: Option<u64>,
    /// The version of each user when it was last seen.
    versions: BTreeMap<String, String>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("name", &self.name).field("client", &self.client).finish_non_exhaustive()
    }
}

impl Service {
    /// Prepares a client; nothing is sent yet.
    pub(crate) fn open(name: &str, settings: &Settings) -> anyhow::Result<Self> {
        let mut client = ClientSettings::new(&settings.base_url);
        if let Some(requests) = settings.deviations.requests_per_minute {
            let per = Duration::from_secs(60);
            client.limits.extend(["read", "write"].map(|class| Limit { class, requests, per }));
        }
        client.retry.busy_wait = settings.deviations.busy_wait;
        Ok(Self {
            name: name.into(),
            client: Client::new(client, settings.sign_in.auth(&settings.headers)?)?,
            deviations: settings.deviations.clone(),
            preserve: settings.preserve.clone(),
            discovery: OnceLock::new(),
            learned: Mutex::default(),
        })
    }

    /// As the file names the target.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the service departs from the standard.
    pub(crate) fn deviations(&self) -> &Deviations {
        &self.deviations
    }

    fn send(&self, operation: Operation, request: &Request) -> Result<Response, TargetError> {
        let sent = match operation {
            Operation::Read => self.client.reader().send(request),
            Operation::Create | Operation::Change => self.client.send(request),
        };
        sent.map(honest).map_err(|error| no_answer(&self.name, operation, &error))
    }

    /// What the service says of itself, asked for once. What it leaves out counts as not said.
    pub(crate) fn discovery(&self) -> Result<&Discovery, TargetError> {
        if let Some(known) = self.discovery.get() {
            return Ok(known);
        }
        let mut found = Discovery::default();
        if self.deviations.discovery {
            let mut config = self.document("/ServiceProviderConfig")?;
            if config.is_none() {
                // SCIM 1.1 and Salesforce use the plural.
                config = self.document("/ServiceProviderConfigs")?;
            }
            if let Some(config) = config.as_ref().and_then(Value::as_object) {
                found.config(config);
            }
            if let Some(types) = self.document("/ResourceTypes")? {
                found.resource_types(&types);
            }
            if self.deviations.schemas
                && let Some(schemas) = self.document("/Schemas")?
            {
                found.schemas(&schemas);
            }
        }
        Ok(self.discovery.get_or_init(|| found))
    }

    /// A discovery document; `None` when the service has none that can be read.
    fn document(&self, path: &str) -> Result<Option<Value>, TargetError> {
        let response = self.send(Operation::Read, &Requests::discovery(path))?;
        // A service that is busy may well have it.
        if matches!(response.status, 401 | 429 | 502..=504) {
            return Err(refusal(&self.name, Operation::Read, &response, &[]));
        }
        Ok(if response.is_success() { response.json_or_none() } else { None })
    }

    fn requests(&self) -> Result<Requests, TargetError> {
        let users = self.discovery()?.users.clone().unwrap_or_else(|| "/Users".into());
        Ok(Requests { users, plain_json: self.deviations.plain_json })
    }

    /// One user; `None` when there is none of that id.
    pub(crate) fn user(&self, wanted: &str) -> Result<Option<Resource>, TargetError> {
        let found = self.user_with(wanted, &[])?;
        if let Some(resource) = &found {
            self.note_version(wanted, version(resource));
        }
        Ok(found)
    }

    fn user_with(&self, wanted: &str, attributes: &[String]) -> Result<Option<Resource>, TargetError> {
        let response = self.send(Operation::Read, &self.requests()?.user(wanted, attributes))?;
        if matches!(response.status, 404 | 410) {
            return Ok(None);
        }
        if !response.is_success() {
            return Err(refusal(&self.name, Operation::Read, &response, &[]));
        }
        let resource: Resource =
            response.json().map_err(|error| unexpected(&self.name, error).with_status(response.status))?;
        if id(&resource).as_deref() != Some(wanted) {
            return Err(unexpected(&self.name, format!("asked for account {wanted}, and another one came")));
        }
        let mut resource = resource;
        if let (None, Some(tag)) = (version(&resource), response.header("etag")) {
            let tag = Value::from(tag);
            put(&mut resource, &Path::core("meta").with_sub("version"), Some(tag), false);
        }
        Ok(Some(resource))
    }

    /// The users that a filter fits; `None` when the service cannot or does not filter.
    pub(crate) fn search(&self, filter: &Filter) -> Result<Option<Vec<(String, Resource)>>, TargetError> {
        if !self.deviations.filter || self.discovery()?.filter == Some(false) {
            return Ok(None);
        }
        let response = self.send(Operation::Read, &self.requests()?.search(filter))?;
        match response.status {
            // Some answer so when nobody fits; others do not know filters. Only a look at everybody tells.
            400 | 403 | 404 | 405 | 501 => return Ok(None),
            _ if !response.is_success() => return Err(refusal(&self.name, Operation::Read, &response, &[])),
            _ => {}
        }
        let list = self.list(&response)?;
        let mut found = Vec::new();
        for resource in list.resources {
            // A service that ignores the filter returns everybody.
            let Some(id) = id(&resource).filter(|_| filter.matches(&resource)) else { return Ok(None) };
            if !found.iter().any(|(known, _)| *known == id) {
                self.note_version(&id, version(&resource));
                found.push((id, resource));
            }
        }
        // A page of the answer only: the rest may hold more.
        Ok(if list.total.is_some_and(|total| total > found.len() as u64) { None } else { Some(found) })
    }

    fn uses_versions(&self) -> Result<bool, TargetError> {
        Ok(self.deviations.etag && self.discovery()?.etag)
    }

    /// The version to insist on when a user is changed, if versions are used and one is known.
    fn version(&self, id: &str) -> Result<Option<String>, TargetError> {
        if !self.uses_versions()? {
            return Ok(None);
        }
        Ok(self.learned.lock().versions.get(id).cloned())
    }

    fn note_version(&self, id: &str, version: Option<String>) {
        let mut learned = self.learned.lock();
        match version {
            Some(version) => _ = learned.versions.insert(id.to_owned(), version),
            None => _ = learned.versions.remove(id),
        }
    }

    fn boolean(&self, yes: bool) -> Value {
        match (self.deviations.text_booleans, yes) {
            (false, yes) => Value::Bool(yes),
            (true, true) => "True".into(),
            (true, false) => "False".into(),
        }
    }

    /// A body names its schemas: the core, and each extension that is in it.
    fn name_schemas(&self, resource: &mut Resource) {
        let mut urns = vec![CORE.to_owned()];
        urns.extend(resource.keys().filter(|key| key.len() > 4 && key[..4].eq_ignore_ascii_case("urn:")).cloned());
        resource.shift_remove("schemas");
        resource.shift_insert(0, "schemas".into(), json!(urns));
    }
}
