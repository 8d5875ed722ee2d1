use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use serde_json::Value as Json;

use crate::employee::EmployeeId;
use crate::field::{AccountId, Capabilities, FieldIndex, FieldKind, FieldValue, Schema};
use crate::http::{Client, ClientSettings, HttpError, Request, Response};
use crate::plan::{Account, FieldChange, Snapshot};
use crate::progress::{NoProgress, Progress};
use crate::targets::{Connection, ErrorKind, ReadAccounts, TargetError, WriteAccounts};

use super::declaration::{Clear, Declaration, DeclaredField, Operation, ReadOne};
use super::{requests, wire};

/// A service that is open for reading and writing as its declaration says.
#[derive(Debug)]
pub(super) struct DeclaredTarget {
    declaration: Declaration,
    fields: Vec<DeclaredField>,
    client: Client,
    /// The accounts as last read, where a change sends more of one than what changes: the whole, or a list in it.
    items: Mutex<HashMap<AccountId, Json>>,
    /// An account of the list, by which a read of one account can be seen to work, and whether it was.
    sample: Mutex<(Option<AccountId>, bool)>,
}

/// Everything that the list holds.
struct Listed {
    items: Vec<(AccountId, Json)>,
    incomplete: Option<String>,
}

impl DeclaredTarget {
    pub(super) fn open(declaration: &Declaration, connection: Connection) -> anyhow::Result<Self> {
        let mut settings = ClientSettings::new(declaration.base_url.clone());
        settings.timeout = declaration.timeout;
        for (requests, per) in &declaration.pace {
            settings = settings.limit("default", *requests, *per);
        }
        let fields = connection
            .fields
            .into_iter()
            .map(|spec| {
                let at = declaration.field(&spec.name).map(|field| field.at);
                let at = at.ok_or_else(|| anyhow::anyhow!("`fields` does not declare `{}`", spec.name))?;
                Ok(DeclaredField { spec, at })
            })
            .collect::<anyhow::Result<_>>()?;
        let client = Client::new(settings, declaration.auth.auth(&declaration.headers)?)?;
        Ok(Self { declaration: declaration.clone(), fields, client, items: Mutex::default(), sample: Mutex::default() })
    }

    fn keeps_items(&self) -> bool {
        let body = self.declaration.update.as_ref().and_then(|update| update.body.as_ref());
        body.is_some_and(|body| {
            body.needs_item() || body.lists_fields() || self.fields.iter().any(|field| field.at.list().is_some())
        })
    }

    fn read_all(&self, progress: &dyn Progress) -> Result<Listed, TargetError> {
        let list = &self.declaration.list;
        let unexpected = |why: String| TargetError::new(ErrorKind::Unexpected, why);
        let mut listed = Listed { items: Vec::new(), incomplete: None };
        let mut ids = HashSet::new();
        let mut asked = HashSet::new();
        let (mut pages, mut read, mut total) = (0, 0, None);
        let mut from = format!("{}/", self.declaration.base_url);
        let mut page = Some(list.paging.first());
        while let Some(this) = page.take() {
            let request = requests::list(list, &this, &from).map_err(unexpected)?;
            if !asked.insert((request.path.clone(), request.query.clone())) {
                listed.incomplete = Some("a page names itself as the one after it".into());
                break;
            }
            from = match request.path.starts_with('/') {
                true => format!("{}{}", self.declaration.base_url, request.path),
                false => request.path.clone(),
            };
            let answer = self.client.reader().send(&request).map_err(|error| lost(&error, &list.request, true))?;
            if !list.request.worked(answer.status) {
                return Err(refused(&list.request, answer.status, true));
            }
            let body = wire::document(&answer).map_err(|error| unexpected(error.to_string()))?;
            let items = list.items.get(&body).and_then(Json::as_array).ok_or_else(|| {
                unexpected(format!("an answer has no list at `{}`; check `list.items`", list.items.as_str()))
            })?;
            total = list.total.as_ref().and_then(|at| at.get(&body)?.as_u64()).or(total);
            if let Some(total) = total {
                progress.expect(total);
            }
            progress.advance(items.len() as u64);
            pages += 1;
            read += items.len();
            let before = ids.len();
            for item in items {
                let id = wire::id(list, item).map_err(unexpected)?;
                if ids.insert(id.clone()) {
                    listed.items.push((id, item.clone()));
                } else {
                    listed.incomplete = Some("an account was listed more than once".into());
                }
            }
            if ids.len() == before && !items.is_empty() {
                listed.incomplete = Some("a page repeats an earlier one; check `list.paging`".into());
                break;
            }
            if total.is_some_and(|total| ids.len() as u64 >= total) {
                break;
            }
            page = list.paging.next(&answer, &body, pages, read, items.is_empty()).map_err(unexpected)?;
        }
        match (&list.total, total) {
            (Some(_), Some(total)) if total != ids.len() as u64 => {
                listed.incomplete = Some(format!("the service says {total} accounts and listed {}", ids.len()));
            }
            (Some(at), None) => {
                listed.incomplete = Some(format!("no answer says at `{}` how many accounts there are", at.as_str()));
            }
            _ => {}
        }
        let first = listed.items.first().map(|(id, _)| id.clone());
        self.sample.lock().0 = first;
        Ok(listed)
    }

    /// One account by its id. That it is not there is believed only once an account of the list was read in the same
    /// way: behind a mistyped path nobody is.
    fn read_one(&self, read: &ReadOne, id: &AccountId) -> Result<Option<Json>, TargetError> {
        let found = self.ask_for(read, id)?;
        let (sample, proven) = self.sample.lock().clone();
        let works = match (&found, sample) {
            (Some(_), _) => true,
            (None, Some(sample)) if !proven && sample != *id => self.ask_for(read, &sample)?.is_some(),
            (None, _) => proven,
        };
        if !works {
            let outline = read.request.outline();
            let message = format!(
                "{outline} found no account, and none of the list either, so that nobody counts as gone; check `read.path`"
            );
            return Err(TargetError::new(ErrorKind::Unexpected, message));
        }
        self.sample.lock().1 = true;
        Ok(found)
    }

    fn ask_for(&self, read: &ReadOne, id: &AccountId) -> Result<Option<Json>, TargetError> {
        let outline = read.request.outline();
        let unexpected = |why: String| TargetError::new(ErrorKind::Unexpected, format!("{outline}: {why}"));
        let request = requests::read(read, id);
        let answer = self.client.reader().send(&request).map_err(|error| lost(&error, &read.request, true))?;
        if matches!(answer.status, 404 | 410) {
            return Ok(None);
        }
        if !read.request.worked(answer.status) {
            return Err(refused(&read.request, answer.status, true));
        }
        let body = wire::document(&answer).map_err(|error| unexpected(error.to_string()))?;
        let place = read.item.as_str();
        let item = read.item.get(&body).filter(|item| item.is_object());
        let item =
            item.ok_or_else(|| unexpected(format!("the answer has no account at `{place}`; check `read.item`")))?;
        if wire::id(&self.declaration.list, item).map_err(&unexpected)? != *id {
            return Err(unexpected("the answer is another account than the one that was asked for".into()));
        }
        Ok(Some(item.clone()))
    }

    fn account_of(&self, item: &Json) -> Result<Account, TargetError> {
        wire::account(&self.declaration.list, &self.fields, item)
            .map_err(|why| TargetError::new(ErrorKind::Unexpected, why))
    }

    fn send(&self, operation: &Operation, request: &Request) -> Result<Response, TargetError> {
        let answer = self.client.send(request).map_err(|error| lost(&error, operation, false))?;
        if operation.worked(answer.status) {
            done(operation, answer)
        } else {
            Err(refused(operation, answer.status, false))
        }
    }

    fn item(&self, account: &AccountId) -> Result<Json, TargetError> {
        let known = self.items.lock().get(account).cloned();
        match known {
            Some(item) => Ok(item),
            None => self
                .look_at(account)?
                .ok_or_else(|| TargetError::new(ErrorKind::NotFound, "the account is not there any more")),
        }
    }

    /// One account, read afresh, alone where the file declares how.
    fn look_at(&self, id: &AccountId) -> Result<Option<Json>, TargetError> {
        if let Some(read) = &self.declaration.read {
            return self.read_one(read, id);
        }
        let listed = self.read_all(&NoProgress)?;
        let found = listed.items.into_iter().find_map(|(known, item)| (known == *id).then_some(item));
        match (found, listed.incomplete) {
            // Not in a list that is not whole is not the same as not there.
            (None, Some(why)) => Err(TargetError::new(ErrorKind::Unavailable, why)),
            (found, _) => Ok(found),
        }
    }
}

/// What is not declared cannot be done; the capabilities say so beforehand.
fn declared<'a, T>(operation: Option<&'a T>, name: &str) -> Result<&'a T, TargetError> {
    operation
        .ok_or_else(|| TargetError::new(ErrorKind::Refused, format!("the file declares no `{name}` for this target")))
}

fn lost(error: &HttpError, operation: &Operation, reads: bool) -> TargetError {
    let kind = ErrorKind::unanswered(error, !reads);
    TargetError::new(kind, format!("{}: {error}", operation.outline()))
}

/// An answer whose status means that it worked, unless its body says otherwise: then nobody knows, and the caller looks.
fn done(operation: &Operation, answer: Response) -> Result<Response, TargetError> {
    match answer.not_done() {
        None => Ok(answer),
        Some(why) => {
            let message = format!("{}: {why}", operation.outline());
            Err(TargetError::new(ErrorKind::Unsettled, message).with_status(answer.status))
        }
    }
}

/// An answer that is not among those that mean that it worked.
fn refused(operation: &Operation, status: u16, reads: bool) -> TargetError {
    let (kind, hint) = match status {
        401 => (ErrorKind::SignIn, "; check `auth`"),
        403 => (ErrorKind::Rights, "; the credentials lack the right to do this"),
        404 | 410 if operation.path.names_account() => (ErrorKind::NotFound, ""),
        404 | 405 => (ErrorKind::Unexpected, "; check method, `path` and `base_url`"),
        429 => (ErrorKind::Busy, ""),
        503 => (ErrorKind::Unavailable, ""),
        408 | 500.. if !reads => (ErrorKind::Unsettled, ""),
        408 | 500.. => (ErrorKind::Unavailable, ""),
        400..500 if !reads => (ErrorKind::Refused, ""),
        300..400 => (ErrorKind::Unexpected, " (a redirect); check `base_url` and `path`"),
        _ => (ErrorKind::Unexpected, ""),
    };
    TargetError::new(kind, format!("{} was answered with {status}{hint}", operation.outline())).with_status(status)
}

impl ReadAccounts for DeclaredTarget {
    fn schema(&self) -> Result<Schema, TargetError> {
        let declaration = &self.declaration;
        Ok(Schema {
            fields: self.fields.iter().map(|field| field.spec.clone()).collect(),
            capabilities: Capabilities {
                create: declaration.create.is_some(),
                clear: declaration.clear != Clear::Never && declaration.update.is_some(),
                deactivate: declaration.deactivate.is_some(),
                reactivate: declaration.reactivate.is_some(),
                delete: false,
                reactivate_loses_fields: false,
                lasts_at_finish: false,
            },
            ..Schema::default()
        })
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        let listed = self.read_all(progress)?;
        let accounts = listed.items.iter().map(|(_, item)| self.account_of(item)).collect::<Result<_, _>>()?;
        if self.keeps_items() {
            *self.items.lock() = listed.items.into_iter().collect();
        }
        Ok(Snapshot { accounts, incomplete: listed.incomplete, ..Snapshot::default() })
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        self.look_at(id)?.map(|item| self.account_of(&item)).transpose()
    }

    fn reads_by_id(&self) -> bool {
        self.declaration.read.is_some()
    }

    fn lookup_limit(&self) -> usize {
        // Without `read`, each look takes the whole list.
        if self.declaration.read.is_some() { super::super::LOOKUP_LIMIT } else { 0 }
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        let Some(spec) = self.fields.get(field.get()).map(|field| &field.spec) else { return Ok(Vec::new()) };
        let folds = spec.kind == FieldKind::Email || spec.compare == crate::field::Compare::IgnoreCase;
        let key = |value: &FieldValue| if folds { value.to_string().to_lowercase() } else { value.to_string() };
        let wanted = key(value);
        let mut found = Vec::new();
        let listed = self.read_all(&NoProgress)?;
        for (_, item) in &listed.items {
            let account = self.account_of(item)?;
            if !account.field(field).is_empty() && key(account.field(field)) == wanted {
                found.push(account);
            }
        }
        match listed.incomplete {
            Some(why) if found.is_empty() => Err(TargetError::new(ErrorKind::Unavailable, why)),
            _ => Ok(found),
        }
    }
}

impl WriteAccounts for DeclaredTarget {
    fn create_reference(&self, field: FieldIndex, _name: &str) -> Result<(), TargetError> {
        let name = self.fields.get(field.get()).map_or("", |field| &field.spec.name);
        Err(TargetError::new(ErrorKind::Refused, format!("`{name}` refers to nothing that can be made here")))
    }

    fn create(&self, employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        let create = declared(self.declaration.create.as_ref(), "create")?;
        let request = requests::create(create, employee, &self.fields, fields, self.declaration.clear);
        let answer = self.client.send(&request).map_err(|error| lost(&error, &create.request, false))?;
        if create.exists.contains(&answer.status) {
            let message = format!("{} says that the account exists already", create.request.outline());
            return Err(TargetError::new(ErrorKind::Exists, message).with_status(answer.status));
        }
        if !create.request.worked(answer.status) {
            return Err(refused(&create.request, answer.status, false));
        }
        let answer = done(&create.request, answer)?;
        // Made, but under which id? The caller looks it up by its match key.
        let id = wire::document(&answer).ok().and_then(|body| wire::id_at(&create.id, &body));
        id.ok_or_else(|| {
            let message = format!("the answer has no id at `{}`; check `create.id`", create.id.as_str());
            TargetError::new(ErrorKind::Unsettled, message).with_status(answer.status)
        })
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        let update = declared(self.declaration.update.as_ref(), "update")?;
        let item = if self.keeps_items() { Some(self.item(account)?) } else { None };
        let request = requests::update(update, account, &self.fields, changes, self.declaration.clear, item.as_ref());
        self.send(update, &request)?;
        if let Some(mut item) = item {
            for change in changes {
                let field = &self.fields[change.index.get()];
                field.at.put(&mut item, wire::to_json(&change.after, field, self.declaration.clear));
            }
            self.items.lock().insert(account.clone(), item);
        }
        Ok(())
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        let reactivate = declared(self.declaration.reactivate.as_ref(), "reactivate")?;
        self.send(reactivate, &requests::switch(reactivate, account)).map(|_| ())
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        let deactivate = declared(self.declaration.deactivate.as_ref(), "deactivate")?;
        match self.send(deactivate, &requests::switch(deactivate, account)) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            other => other.map(|_| ()),
        }
    }
}
