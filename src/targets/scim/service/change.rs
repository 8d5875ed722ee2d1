//! Making and changing users, one at a time.

use serde_json::Value;

use crate::http::{Request, Response};
use crate::targets::{ErrorKind, TargetError};

use super::super::bulk::last_part;
use super::super::deviations::{PutBody, Update};
use super::super::errors::{Operation, changed_meanwhile, not_done, refusal, unexpected};
use super::super::patch::{self, Setting};
use super::super::path::{Path, get};
use super::super::wire::{Resource, Shape, boolean, id, put, version};
use super::Service;

impl Service {
    /// Makes a user and returns its id. `names` are the fields that are sent, for messages.
    pub(crate) fn create(&self, resource: Resource, names: &[&str]) -> Result<String, TargetError> {
        let resource = self.whole(resource);
        let response = self.send(Operation::Create, &self.requests()?.create(&resource))?;
        self.made(&resource, &response, names)
    }

    /// A new user as it is sent.
    pub(super) fn whole(&self, mut resource: Resource) -> Resource {
        put(&mut resource, &Path::core("active"), Some(self.boolean(true)), false);
        self.name_schemas(&mut resource);
        resource
    }

    /// Reads the answer to a user that was sent.
    pub(super) fn made(&self, resource: &Resource, response: &Response, names: &[&str]) -> Result<String, TargetError> {
        if !response.is_success() {
            return Err(refusal(&self.name, Operation::Create, response, names));
        }
        if let Some(error) = not_done(&self.name, response) {
            return Err(error);
        }
        let made = response.json::<Resource>();
        if let Ok(made) = &made {
            self.check_echo(resource, made, response.status)?;
        }
        let from_body = made.as_ref().ok().and_then(id);
        let Some(id) = from_body.or_else(|| response.header("location").and_then(last_part)) else {
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
    pub(crate) fn change(
        &self,
        id: &str,
        settings: Vec<Setting>,
        active: Option<bool>,
        names: &[&str],
    ) -> Result<(), TargetError> {
        let settings = self.with_active(settings, active);
        if self.patches(&settings, active)? {
            let refused = self.patch(id, &settings, active, names)?;
            if !refused {
                return Ok(());
            }
            self.learned.lock().no_patch = true;
        }
        let response = self.send(Operation::Change, &self.replacement(id, &settings)?)?;
        self.changed(id, &response, active, names)
    }

    /// The settings, with the one that takes out of use or back in front.
    pub(super) fn with_active(&self, mut settings: Vec<Setting>, active: Option<bool>) -> Vec<Setting> {
        if let Some(active) = active {
            let path = Path::core("active");
            settings
                .insert(0, Setting { path, value: Some(self.boolean(active)), shape: Shape::Plain, had_value: true });
        }
        settings
    }

    /// Whether these are changed by PATCH.
    pub(super) fn patches(&self, settings: &[Setting], active: Option<bool>) -> Result<bool, TargetError> {
        Ok(match self.deviations.update {
            Update::Patch => true,
            Update::Put => false,
            Update::PutAndPatchActive => active.is_some() && settings.len() == 1,
            Update::Auto => self.discovery()?.patch != Some(false) && !self.learned.lock().no_patch,
        })
    }

    /// The operations of a PATCH, with a look at the user where they depend on it.
    pub(super) fn operations(&self, id: &str, settings: &[Setting]) -> Result<Vec<Value>, TargetError> {
        let current = if patch::needs_current(settings, &self.deviations) { Some(self.current(id)?) } else { None };
        Ok(patch::operations(settings, &self.deviations, current.as_ref()))
    }

    /// Whether the service turned out not to know PATCH.
    fn patch(&self, id: &str, settings: &[Setting], active: Option<bool>, names: &[&str]) -> Result<bool, TargetError> {
        let operations = self.operations(id, settings)?;
        let parts: Vec<&[Value]> = if self.deviations.one_operation {
            operations.iter().map(std::slice::from_ref).collect()
        } else if operations.is_empty() {
            Vec::new()
        } else {
            vec![&operations]
        };
        for part in parts {
            let response =
                self.send(Operation::Change, &self.requests()?.patch(id, part, self.version(id)?.as_deref()))?;
            match response.status {
                405 | 501 if self.deviations.update == Update::Auto => return Ok(true),
                _ => self.changed(id, &response, active, names)?,
            }
        }
        Ok(false)
    }

    /// A user as it is now, if that is still the version that was read before. A fresh read alone would make an
    /// overwritten change of somebody else look like ours.
    fn current(&self, id: &str) -> Result<Resource, TargetError> {
        let known = self.version(id)?;
        let resource = self.user_with(id, &[])?.ok_or_else(|| self.gone(id))?;
        match (known, version(&resource)) {
            (Some(known), Some(seen)) if known != seen => return Err(changed_meanwhile(&self.name)),
            (_, seen) => self.note_version(id, seen),
        }
        Ok(resource)
    }

    /// Reads and changes a user to replace it by: what a replacement leaves out may be emptied.
    pub(super) fn replacement(&self, id: &str, settings: &[Setting]) -> Result<Request, TargetError> {
        let mut resource = self.current(id)?;
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
        if self.deviations.put_body == PutBody::Changes {
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
        Ok(self.requests()?.replace(id, &resource, tag.as_deref()))
    }

    /// Reads the answer to a change.
    pub(super) fn changed(
        &self,
        wanted: &str,
        response: &Response,
        active: Option<bool>,
        names: &[&str],
    ) -> Result<(), TargetError> {
        if matches!(response.status, 404 | 410) {
            return Err(self.missing(wanted, response, names)?);
        }
        if !response.is_success() {
            // Whatever version we knew, somebody else wrote since.
            if response.status == 412 {
                self.note_version(wanted, None);
            }
            return Err(refusal(&self.name, Operation::Change, response, names));
        }
        if let Some(error) = not_done(&self.name, response) {
            return Err(error);
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
            return Ok(refusal(&self.name, Operation::Change, response, names));
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
