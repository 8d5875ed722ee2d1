//! One SCIM service: what it says of itself, reading and changing its users.
//!
//! Used by every target that speaks SCIM; it knows resources, and nothing of fields or employees.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Client, ClientSettings, Limit, Request, Response};
use crate::targets::{ErrorKind, Progress, TargetError};

use super::deviations::{Deviations, Paging, Replace, Update};
use super::discovery::{Discovery, resources};
use super::errors::{Asked, no_answer, refusal, scim_type, unexpected};
use super::filter::Filter;
use super::patch::{self, Setting};
use super::path::{CORE, Path, get};
use super::requests::{Page, Requests};
use super::settings::Settings;
use super::wire::{Resource, Shape, boolean, id, put, version, whole};

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
    /// The version of each user when it was last seen.
    versions: BTreeMap<String, String>,
}

/// Everybody, or why it may not be everybody.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Each user once.
    pub(crate) users: Vec<(String, Resource)>,
    /// Why the list is not proven to be whole.
    pub(crate) incomplete: Option<String>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("name", &self.name).field("client", &self.client).finish_non_exhaustive()
    }
}

impl Service {
    /// Prepares a client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When an address is not usable or TLS cannot be set up.
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

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, asked: Asked, request: &Request) -> Result<Response, TargetError> {
        let sent = match asked {
            Asked::Read => self.client.reader().send(request),
            Asked::Create | Asked::Change => self.client.send(request),
        };
        sent.map_err(|error| no_answer(&self.name, asked, &error))
    }

    /// What the service says of itself, asked for once. What it leaves out counts as not said.
    ///
    /// # Errors
    ///
    /// When it cannot be reached.
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
        let response = self.send(Asked::Read, &Requests::discovery(path))?;
        // A service that is busy may well have it.
        if matches!(response.status, 401 | 429 | 502..=504) {
            return Err(refusal(&self.name, Asked::Read, &response, &[]));
        }
        Ok(if response.is_success() { response.json_or_none() } else { None })
    }

    fn requests(&self) -> Result<Requests, TargetError> {
        let users = self.discovery()?.users.clone().unwrap_or_else(|| "/Users".into());
        Ok(Requests { users, plain_json: self.deviations.plain_json })
    }

    /// All users. A list that is not proven to be whole says why.
    ///
    /// # Errors
    ///
    /// When the service cannot be read.
    pub(crate) fn walk(&self, progress: &dyn Progress) -> Result<Walk, TargetError> {
        let mut users = BTreeMap::new();
        let mut pass = self.pass(&mut users, progress)?;
        // People who moved between pages while the list was read are found by a second look.
        if pass.incomplete.is_some() && pass.repeatable {
            pass = self.pass(&mut users, progress)?;
            // Whoever is missing from a list that is whole has left since the first look.
            if pass.incomplete.is_none() {
                users.retain(|id, _| pass.seen.contains(id));
            }
        }
        let mut learned = self.learned();
        learned.versions =
            users.iter().filter_map(|(id, (_, resource))| Some((id.clone(), version(resource)?))).collect();
        drop(learned);
        let mut users: Vec<(usize, String, Resource)> =
            users.into_iter().map(|(id, (at, resource))| (at, id, resource)).collect();
        users.sort_by_key(|(at, _, _)| *at);
        Ok(Walk {
            users: users.into_iter().map(|(_, id, resource)| (id, resource)).collect(),
            incomplete: pass.incomplete,
        })
    }

    fn pass(
        &self,
        users: &mut BTreeMap<String, (usize, Resource)>,
        progress: &dyn Progress,
    ) -> Result<Pass, TargetError> {
        let (requests, discovery) = (self.requests()?, self.discovery()?);
        let count = discovery.max_results.map_or(self.deviations.page_size, |most| {
            u32::try_from(most).unwrap_or(u32::MAX).min(self.deviations.page_size)
        });
        let start = match self.deviations.paging {
            Paging::None => Page::All,
            Paging::Cursor => Page::Cursor(String::new()),
            Paging::Auto if discovery.cursor => Page::Cursor(String::new()),
            Paging::Auto | Paging::Index => Page::Index(1),
        };
        let mut page = start.clone();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut cursors: BTreeSet<String> = BTreeSet::new();
        let (mut total, mut nameless, mut restarted, mut ended) = (None, 0usize, false, false);
        loop {
            let response = self.send(Asked::Read, &requests.page(&page, count))?;
            let expired = scim_type(&response).is_some_and(|word| {
                word.eq_ignore_ascii_case("expiredCursor") || word.eq_ignore_ascii_case("invalidCursor")
            });
            if expired && !restarted && matches!(&page, Page::Cursor(cursor) if !cursor.is_empty()) {
                (restarted, page) = (true, Page::Cursor(String::new()));
                seen.clear();
                cursors.clear();
                continue;
            }
            if !response.is_success() {
                return Err(refusal(&self.name, Asked::Read, &response, &[]));
            }
            let list = self.list(&response)?;
            if let Some(now) = list.total {
                if total.is_none() {
                    progress.expect(now);
                }
                total = Some(now);
            }
            let received = list.resources.len();
            let mut fresh = 0;
            for resource in list.resources {
                match id(&resource) {
                    None => nameless += 1,
                    Some(id) => {
                        if seen.insert(id.clone()) {
                            fresh += 1;
                        }
                        let at = users.len();
                        // A second look brings the newer state.
                        users.entry(id).and_modify(|known| known.1 = resource.clone()).or_insert((at, resource));
                    }
                }
            }
            progress.advance(fresh);
            if let Some(next) = list.next_cursor {
                // A cursor that comes again would go round in circles.
                if !cursors.insert(next.clone()) {
                    break;
                }
                page = Page::Cursor(next);
                continue;
            }
            match &mut page {
                Page::Cursor(_) => {
                    ended = true;
                    break;
                }
                Page::All => break,
                Page::Index(start) => {
                    let reached = total.is_some_and(|total| seen.len() as u64 >= total);
                    // The same people again: the service does not know `startIndex`.
                    let circles = received > 0 && fresh == 0 && nameless == 0;
                    if reached || circles || (received == 0 && total.is_none()) {
                        break;
                    }
                    // Some services leave out rows of a page (hidden people), now and then all of them.
                    *start += if received == 0 { u64::from(count) } else { received as u64 };
                    if total.is_some_and(|total| *start > total) {
                        break;
                    }
                }
            }
        }
        let distinct = seen.len() as u64;
        let (incomplete, repeatable) = match total {
            _ if nameless > 0 => {
                (Some(format!("{nameless} of the accounts that {} lists have no id", self.name)), false)
            }
            Some(total) if total == distinct => (None, false),
            Some(total) => (Some(format!("{} speaks of {total} accounts and lists {distinct}", self.name)), true),
            // A list by cursor need not say how many there are; its end proves it (RFC 9865).
            None if ended => (None, false),
            None => (Some(format!("{} does not say how many accounts it has", self.name)), false),
        };
        Ok(Pass { seen, incomplete, repeatable })
    }

    fn list(&self, response: &Response) -> Result<List, TargetError> {
        let body: Value =
            response.json().map_err(|error| unexpected(&self.name, error).with_status(response.status))?;
        let Some(object) = body.as_object() else {
            return Err(
                unexpected(&self.name, "the list of accounts is not in the form of SCIM").with_status(response.status)
            );
        };
        let total = get(object, "totalResults").and_then(whole);
        let next_cursor = get(object, "nextCursor").and_then(Value::as_str).filter(|next| !next.is_empty());
        let found = match get(object, "Resources") {
            Some(Value::Array(_)) => resources(&body).cloned().collect(),
            // Left out when there is nothing, and only then.
            None | Some(Value::Null) if total.is_some() => Vec::new(),
            _ => {
                return Err(unexpected(
                    &self.name,
                    "the list of accounts is not in the form of SCIM; is `base_url` right?",
                )
                .with_status(response.status));
            }
        };
        Ok(List { total, next_cursor: next_cursor.map(str::to_owned), resources: found })
    }

    /// One user; `None` when there is none of that id.
    ///
    /// # Errors
    ///
    /// When the service cannot be read, or answers with somebody else.
    pub(crate) fn user(&self, wanted: &str) -> Result<Option<Resource>, TargetError> {
        let found = self.user_with(wanted, &[])?;
        if let Some(resource) = &found {
            self.note_version(wanted, version(resource));
        }
        Ok(found)
    }

    fn user_with(&self, wanted: &str, attributes: &[String]) -> Result<Option<Resource>, TargetError> {
        let response = self.send(Asked::Read, &self.requests()?.user(wanted, attributes))?;
        if matches!(response.status, 404 | 410) {
            return Ok(None);
        }
        if !response.is_success() {
            return Err(refusal(&self.name, Asked::Read, &response, &[]));
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
    ///
    /// # Errors
    ///
    /// When the service cannot be read.
    pub(crate) fn search(&self, filter: &Filter) -> Result<Option<Vec<(String, Resource)>>, TargetError> {
        if !self.deviations.filter || self.discovery()?.filter == Some(false) {
            return Ok(None);
        }
        let response = self.send(Asked::Read, &self.requests()?.search(filter))?;
        match response.status {
            // Some answer so when nobody fits; others do not know filters. Only a look at everybody tells.
            400 | 403 | 404 | 405 | 501 => return Ok(None),
            _ if !response.is_success() => return Err(refusal(&self.name, Asked::Read, &response, &[])),
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

    /// Makes a user and returns its id. `names` are the fields that are sent, for messages.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`].
    pub(crate) fn create(&self, mut resource: Resource, names: &[&str]) -> Result<String, TargetError> {
        put(&mut resource, &Path::core("active"), Some(self.boolean(true)), false);
        self.name_schemas(&mut resource);
        let response = self.send(Asked::Create, &self.requests()?.create(&resource))?;
        if !response.is_success() {
            return Err(refusal(&self.name, Asked::Create, &response, names));
        }
        let made = response.json::<Resource>();
        if let Ok(made) = &made {
            self.check_echo(&resource, made, response.status)?;
        }
        let from_body = made.as_ref().ok().and_then(id);
        let Some(id) = from_body.or_else(|| from_location(&response)) else {
            return Err(match made {
                Ok(_) => unexpected(&self.name, "an account was made, and the answer does not say its id"),
                Err(why) => TargetError::new(
                    ErrorKind::Unsettled,
                    format!("{}: an account was probably made, but {why}", self.name),
                ),
            }
            .with_status(response.status));
        };
        let seen = made.as_ref().ok().and_then(version).or_else(|| response.header("etag").map(str::to_owned));
        self.note_version(&id, seen);
        Ok(id)
    }

    /// An answer that speaks of somebody else must not be linked.
    fn check_echo(&self, sent: &Resource, made: &Resource, status: u16) -> Result<(), TargetError> {
        let text = |resource: &Resource, name: &str| {
            get(resource, name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let other = |name: &str, fold: bool| match (text(sent, name), text(made, name)) {
            (Some(sent), Some(made)) if fold => sent.to_lowercase() != made.to_lowercase(),
            (Some(sent), Some(made)) => sent != made,
            _ => false,
        };
        let same_external = text(sent, "externalId").is_some() && text(sent, "externalId") == text(made, "externalId");
        let renamed = other("userName", true) && !same_external && !self.deviations.rewrites_user_name;
        if renamed || other("externalId", false) {
            let what = "asked to make an account, and the answer speaks of another one";
            return Err(unexpected(&self.name, what).with_status(status));
        }
        Ok(())
    }

    /// Changes a user. `active` takes it out of use or back, beside the settings.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`].
    pub(crate) fn change(
        &self,
        id: &str,
        mut settings: Vec<Setting>,
        active: Option<bool>,
        names: &[&str],
    ) -> Result<(), TargetError> {
        if let Some(active) = active {
            let path = Path::core("active");
            settings
                .insert(0, Setting { path, value: Some(self.boolean(active)), shape: Shape::Plain, had_value: true });
        }
        let patch = match self.deviations.update {
            Update::Patch => true,
            Update::Put => false,
            Update::PutAndPatchActive => active.is_some() && settings.len() == 1,
            Update::Auto => self.discovery()?.patch != Some(false) && !self.learned().no_patch,
        };
        if patch {
            let refused = self.patch(id, &settings, active, names)?;
            if !refused {
                return Ok(());
            }
            self.learned().no_patch = true;
        }
        self.replace(id, &settings, active, names)
    }

    /// Whether the service turned out not to know PATCH.
    fn patch(&self, id: &str, settings: &[Setting], active: Option<bool>, names: &[&str]) -> Result<bool, TargetError> {
        let current = if patch::needs_current(settings, &self.deviations) {
            Some(self.user(id)?.ok_or_else(|| self.gone(id))?)
        } else {
            None
        };
        let operations = patch::operations(settings, &self.deviations, current.as_ref());
        let parts: Vec<&[Value]> = if self.deviations.one_operation {
            operations.iter().map(std::slice::from_ref).collect()
        } else if operations.is_empty() {
            Vec::new()
        } else {
            vec![&operations]
        };
        for part in parts {
            let response = self.send(Asked::Change, &self.requests()?.patch(id, part, self.version(id)?.as_deref()))?;
            match response.status {
                405 | 501 if self.deviations.update == Update::Auto => return Ok(true),
                404 | 410 => return Err(self.missing(id, &response, names)?),
                _ => self.settle(id, &response, active, names)?,
            }
        }
        Ok(false)
    }

    /// Reads, changes and replaces: what a replacement leaves out may be emptied.
    fn replace(&self, id: &str, settings: &[Setting], active: Option<bool>, names: &[&str]) -> Result<(), TargetError> {
        let mut resource = self.user_with(id, &[])?.ok_or_else(|| self.gone(id))?;
        let seen = version(&resource);
        if !self.preserve.is_empty() {
            let wanted: Vec<String> = self.preserve.iter().map(|path| path.whole().to_string()).collect();
            let kept = self.user_with(id, &wanted)?.ok_or_else(|| self.gone(id))?;
            for path in self.preserve.iter().map(Path::whole) {
                let held = path.container(&kept).and_then(|container| get(container, path.attribute()));
                if let Some(held) = held {
                    put(&mut resource, &path, Some(held.clone()), false);
                }
            }
        }
        for setting in settings {
            put(&mut resource, &setting.path, setting.value.clone(), self.deviations.primary);
        }
        if self.deviations.replace == Replace::Changes {
            resource = changed_only(&resource, settings);
        } else {
            for name in ["meta", "groups"].into_iter().chain(self.discovery()?.read_only()) {
                if !name.eq_ignore_ascii_case("id") {
                    put(&mut resource, &Path::core(name), None, false);
                }
            }
            if get(&resource, "active").is_none() {
                // Left out, some services take the account out of use.
                put(&mut resource, &Path::core("active"), Some(self.boolean(true)), false);
            }
        }
        self.name_schemas(&mut resource);
        let tag = seen.filter(|_| self.uses_versions().unwrap_or(false));
        let response = self.send(Asked::Change, &self.requests()?.replace(id, &resource, tag.as_deref()))?;
        match response.status {
            404 | 410 => Err(self.missing(id, &response, names)?),
            _ => self.settle(id, &response, active, names),
        }
    }

    /// Reads the answer to a change.
    fn settle(
        &self,
        wanted: &str,
        response: &Response,
        active: Option<bool>,
        names: &[&str],
    ) -> Result<(), TargetError> {
        if !response.is_success() {
            // Whatever version we knew, somebody else wrote since.
            if response.status == 412 {
                self.note_version(wanted, None);
            }
            return Err(refusal(&self.name, Asked::Change, response, names));
        }
        // 204, and 202 of services that are not done yet, have no body.
        let Ok(body) = response.json::<Resource>() else {
            self.note_version(wanted, response.header("etag").map(str::to_owned));
            return Ok(());
        };
        if id(&body).is_some_and(|id| id != wanted) {
            let what = format!("asked to change account {wanted}, and the answer speaks of another one");
            return Err(unexpected(&self.name, what).with_status(response.status));
        }
        self.note_version(wanted, version(&body).or_else(|| response.header("etag").map(str::to_owned)));
        if let (Some(wanted), Some(found)) = (active, get(&body, "active").and_then(boolean))
            && wanted != found
        {
            let what = if wanted { "still out of use" } else { "still in use" };
            let message = format!("{}: the service took the change, and the account is {what}", self.name);
            return Err(TargetError::new(ErrorKind::Refused, message).with_status(response.status));
        }
        Ok(())
    }

    /// What a 404 to a change means: some services answer so when they do not know the method.
    fn missing(&self, id: &str, response: &Response, names: &[&str]) -> Result<TargetError, TargetError> {
        if self.user(id)?.is_none() {
            return Ok(refusal(&self.name, Asked::Change, response, names));
        }
        let message = format!(
            "{}: the account is there, but the service does not know this way to change it; try another `update` (status {})",
            self.name, response.status
        );
        Ok(TargetError::new(ErrorKind::Refused, message).with_status(response.status))
    }

    fn gone(&self, id: &str) -> TargetError {
        TargetError::new(ErrorKind::NotFound, format!("{}: there is no account {id}", self.name)).with_status(404)
    }

    fn uses_versions(&self) -> Result<bool, TargetError> {
        Ok(self.deviations.etag && self.discovery()?.etag)
    }

    /// The version to insist on when a user is changed, if versions are used and one is known.
    fn version(&self, id: &str) -> Result<Option<String>, TargetError> {
        if !self.uses_versions()? {
            return Ok(None);
        }
        Ok(self.learned().versions.get(id).cloned())
    }

    fn note_version(&self, id: &str, version: Option<String>) {
        let mut learned = self.learned();
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

/// What one walk over the list came to.
struct Pass {
    seen: BTreeSet<String>,
    incomplete: Option<String>,
    /// Whether a second look may help.
    repeatable: bool,
}

/// One page.
struct List {
    total: Option<u64>,
    next_cursor: Option<String>,
    resources: Vec<Resource>,
}

/// The id at the end of the header `Location`. The address itself is never followed.
fn from_location(response: &Response) -> Option<String> {
    let location = response.header("location")?;
    let path = location.split(['?', '#']).next()?;
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    let id = percent_encoding::percent_decode_str(last).decode_utf8().ok()?;
    (!id.is_empty() && !id.eq_ignore_ascii_case("users")).then(|| id.into_owned())
}

/// A resource with the attributes that the settings touch; of an extension, all that was in it.
fn changed_only(resource: &Resource, settings: &[Setting]) -> Resource {
    let mut found = Resource::new();
    for setting in settings {
        let path = setting.path.whole();
        if let (Some(urn), Some(held)) = (path.urn(), path.container(resource)) {
            found.entry(urn.to_owned()).or_insert_with(|| Value::Object(held.clone()));
        }
        let held = path.container(resource).and_then(|container| get(container, path.attribute()));
        put(&mut found, &path, Some(held.cloned().unwrap_or(Value::Null)), false);
    }
    found
}
