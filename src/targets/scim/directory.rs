//! The users of a SCIM service as accounts with the fields of a run.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::code::Code;
use crate::field::{Access, AccountId, Capabilities, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, FieldChange, Notice, Protection, Snapshot, same};
use crate::progress::{NoProgress, Progress};
use crate::targets::{ErrorKind, TargetError, Write, WriteBatches, Written};

use super::deviations::Clear;
use super::errors::unexpected;
use super::filter::Filter;
use super::patch::Setting;
use super::path::get;
use super::service::{Order, Service};
use super::settings::Settings;
use super::wire::{Field, Resource, is_active, put, says_active};

/// The accounts of one service, with the fields of the run in their order.
#[derive(Debug)]
pub(crate) struct Directory {
    service: Service,
    /// As the file names them.
    named: Vec<Field>,
    /// How many of them are mapped; they come first.
    mapped: usize,
    /// Those that accounts are told apart by. A run without one of them would guess.
    match_fields: Vec<FieldIndex>,
    /// As the service describes them, once it was asked.
    described: OnceLock<Described>,
    /// User name of the account that owns the credentials, in lower case.
    key_owner: Option<String>,
    /// For the fields that may be searched by: a value that the service is known to hold.
    samples: Mutex<Vec<(FieldIndex, Box<str>)>>,
    /// The fields by which searching was seen to work.
    proven: Mutex<Vec<FieldIndex>>,
}

/// The fields of the run with what the service says of them.
#[derive(Debug, Default)]
struct Described {
    fields: Vec<Field>,
    /// What an operator should know.
    notices: Vec<Notice>,
    /// Mapped fields that the service does not have, each with why.
    unusable: BTreeMap<FieldIndex, String>,
}

impl Directory {
    /// Prepares the service; nothing is sent yet.
    pub(crate) fn open(
        name: &str,
        settings: &Settings,
        fields: Vec<Field>,
        mapped: usize,
        match_fields: &[FieldIndex],
    ) -> anyhow::Result<Self> {
        for (at, field) in fields.iter().enumerate() {
            let list = |field: &Field| matches!(field.spec.kind, FieldKind::List | FieldKind::References);
            let clash = fields[..at].iter().find(|other| {
                other.path.whole() == field.path.whole() && (other.path == field.path || list(other) || list(field))
            });
            if let Some(other) = clash {
                anyhow::bail!(
                    "{name}: `{}` and `{}` stand for the same values; name one of them",
                    other.spec.name,
                    field.spec.name
                );
            }
        }
        Ok(Self {
            service: Service::open(name, settings)?,
            named: fields,
            mapped,
            match_fields: match_fields.to_vec(),
            key_owner: settings.key_owner.as_ref().map(|owner| owner.to_lowercase()),
            described: OnceLock::new(),
            samples: Mutex::default(),
            proven: Mutex::default(),
        })
    }

    /// As the file names the target.
    pub(crate) fn name(&self) -> &str {
        self.service.name()
    }

    /// The fields with what the service says of them, and what an operator should know of it.
    ///
    /// # Errors
    ///
    /// When the service cannot be reached, or lacks a field that accounts are told apart or protected by.
    fn described(&self) -> Result<&Described, TargetError> {
        if let Some(known) = self.described.get() {
            return Ok(known);
        }
        let discovery = self.service.discovery()?;
        let (mut fields, mut notices, mut problems) = (self.named.clone(), Vec::new(), Vec::new());
        let mut unusable = BTreeMap::new();
        for ((at, index), field) in (0u16..).map(FieldIndex).enumerate().zip(&mut fields) {
            match discovery.refine(field) {
                Ok(_) if at < self.mapped && field.spec.access == Access::ReadOnly => {
                    problems.push(format!(
                        "the service does not let `{}` be changed; take it out of the mapping",
                        field.spec.name
                    ));
                }
                Ok(None) => {}
                Ok(Some(message)) => notices.push(Notice::new(Code::FieldDescribedOtherwise, message)),
                Err(problem) if at < self.mapped && !self.match_fields.contains(&index) => {
                    _ = unusable.insert(index, format!("{problem}; it is left out until the mapping is put right"));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(unexpected(self.name(), problems.join("; ")));
        }
        if self.service.lacks_bulk()? {
            let message = "`bulk` is asked for, and the service does not offer it (ServiceProviderConfig): changes are \
                           sent one at a time; where it takes batches all the same, `bulk = { max_operations = 100 }` \
                           says so";
            notices.push(Notice::new(Code::BulkNotOffered, message));
        }
        for path in discovery.required() {
            if !fields.iter().any(|field| field.path.whole() == path) {
                let message =
                    format!("the service requires `{path}` of new accounts, and the mapping does not fill it");
                notices.push(Notice::new(Code::RequiredFieldNotMapped, message));
            }
        }
        Ok(self.described.get_or_init(|| Described { fields, notices, unusable }))
    }

    pub(crate) fn fields(&self) -> Result<&[Field], TargetError> {
        self.described().map(|described| described.fields.as_slice())
    }

    /// All attributes of users that the service describes, in the forms that mappings need; none where it describes
    /// nothing.
    pub(crate) fn described_fields(&self) -> Result<Vec<FieldSpec>, TargetError> {
        Ok(self.service.discovery()?.fields())
    }

    pub(crate) fn schema(&self) -> Result<Schema, TargetError> {
        let fields = self.fields()?.iter().map(|field| field.spec.clone()).collect();
        let deviations = self.service.deviations();
        let capabilities = Capabilities {
            create: true,
            clear: deviations.clear != Clear::Never,
            deactivate: true,
            reactivate: !deviations.deactivated_are_gone,
            delete: false,
            reactivate_loses_fields: false,
            lasts_at_finish: false,
        };
        Ok(Schema { fields, capabilities, ..Schema::default() })
    }

    pub(crate) fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        let Described { fields, notices, unusable } = self.described()?;
        let walk = self.service.walk(progress)?;
        let (notices, unusable) = (notices.clone(), unusable.clone());
        let mut snapshot = Snapshot { incomplete: walk.incomplete, notices, unusable, ..Snapshot::default() };
        for (id, resource) in &walk.users {
            self.take(fields, id, resource, &mut snapshot);
        }
        if self.key_owner.is_some()
            && !snapshot.accounts.iter().any(|account| account.protection == Some(Protection::KeyOwner))
        {
            let message = "no account has the user name that `key_owner` gives, so that none is protected by it";
            snapshot.notices.push(Notice::new(Code::KeyOwnerNotFound, message));
        }
        let mut samples = Vec::new();
        for (index, field) in indexed(fields) {
            let sample = snapshot.accounts.iter().find_map(|account| account.field(index).as_text());
            if is_searchable(field)
                && let Some(sample) = sample
            {
                samples.push((index, sample.into()));
            }
        }
        *self.samples.lock() = samples;
        Ok(snapshot)
    }

    pub(crate) fn accounts_by_id(&self, ids: &[AccountId]) -> Result<Snapshot, TargetError> {
        let Described { fields, notices, unusable } = self.described()?;
        let (notices, unusable) = (notices.clone(), unusable.clone());
        let mut snapshot = Snapshot { notices, unusable, ..Snapshot::default() };
        for id in ids {
            let Some(resource) = self.service.user(&id.0)? else { continue };
            self.take(fields, &id.0, &resource, &mut snapshot);
        }
        Ok(snapshot)
    }

    /// Adds an account to what is known, with what cannot be read of it.
    fn take(&self, fields: &[Field], id: &str, resource: &Resource, snapshot: &mut Snapshot) {
        let (account, unreadable) = self.read(fields, id, resource);
        if !unreadable.is_empty() {
            let message = format!("account {id}: {} cannot be read, so that it is left alone", unreadable.join(", "));
            snapshot.notices.push(Notice::new(Code::FieldUnreadable, message));
        }
        snapshot.accounts.push(account);
    }

    pub(crate) fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        let fields = self.fields()?;
        match self.service.user(&id.0)? {
            None => Ok(None),
            Some(resource) => Ok(Some(self.read(fields, &id.0, &resource).0)),
        }
    }

    /// Searches where the service is seen to search rightly, and looks at everybody otherwise.
    pub(crate) fn find(&self, index: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        if let Some(found) = self.look_up(index, value)? {
            return Ok(found);
        }
        let fields = self.fields()?;
        let Some(field) = fields.get(index.get()) else { return Ok(Vec::new()) };
        let walk = self.service.walk(&NoProgress)?;
        let mut accounts = Vec::new();
        for (id, resource) in &walk.users {
            let (account, _) = self.read(fields, id, resource);
            if same(account.field(index), value, &field.spec) {
                accounts.push(account);
            }
        }
        match walk.incomplete {
            // Not found in a list that is not whole is not the same as not there.
            Some(why) if accounts.is_empty() => Err(TargetError::new(ErrorKind::Unavailable, why)),
            _ => Ok(accounts),
        }
    }

    /// Searches where the service is seen to search rightly.
    pub(crate) fn look_up(&self, index: FieldIndex, value: &FieldValue) -> Result<Option<Vec<Account>>, TargetError> {
        let fields = self.fields()?;
        let Some(field) = fields.get(index.get()) else { return Ok(None) };
        let Some(text) = value.as_text().filter(|_| is_searchable(field)) else { return Ok(None) };
        let Some(found) = self.search(field, text)? else { return Ok(None) };
        if !found.is_empty() {
            self.search_worked(index);
        } else if !self.search_works(index, field, text)? {
            return Ok(None);
        }
        Ok(Some(found.iter().map(|(id, resource)| self.read(fields, id, resource).0).collect()))
    }

    fn search(&self, field: &Field, text: &str) -> Result<Option<Vec<(String, Resource)>>, TargetError> {
        self.service.search(&Filter::equals(field.path.clone(), text))
    }

    /// Some services answer a search by an attribute that they do not index with nobody at all. So nobody is
    /// believed only once somebody who is there was found in the same way.
    fn search_works(&self, index: FieldIndex, field: &Field, text: &str) -> Result<bool, TargetError> {
        let lock = |list: &Mutex<Vec<FieldIndex>>| list.lock().contains(&index);
        if lock(&self.proven) {
            return Ok(true);
        }
        let samples = self.samples.lock().clone();
        let Some((_, sample)) = samples.iter().find(|(known, sample)| *known == index && &**sample != text) else {
            return Ok(false);
        };
        let works = self.search(field, sample)?.is_some_and(|found| !found.is_empty());
        if works {
            self.search_worked(index);
        }
        Ok(works)
    }

    fn search_worked(&self, index: FieldIndex) {
        let mut proven = self.proven.lock();
        if !proven.contains(&index) {
            proven.push(index);
        }
    }

    /// A user as an account, with the names of the fields that could not be read.
    fn read(&self, fields: &[Field], id: &str, resource: &Resource) -> (Account, Vec<String>) {
        let (mut account, unreadable) = read(fields, id, resource);
        let owns_the_key = self.key_owner.as_ref().is_some_and(|owner| {
            let user_name = get(resource, "userName").and_then(serde_json::Value::as_str).unwrap_or_default();
            user_name.trim().to_lowercase() == *owner
        });
        if owns_the_key {
            account.protection = Some(Protection::KeyOwner);
        }
        (account, unreadable)
    }

    /// The refusal to make something that a field refers to: plain SCIM has no such things.
    pub(crate) fn no_references(&self, field: FieldIndex) -> TargetError {
        let name = self.named.get(field.get()).map_or("", |field| &*field.spec.name);
        TargetError::new(ErrorKind::Refused, format!("{}: nothing can be made for `{name}`", self.name()))
    }

    pub(crate) fn create(&self, changes: &[FieldChange]) -> Result<AccountId, TargetError> {
        self.service.create(self.resource(changes)?, &names(changes)).map(|id| AccountId(id.into()))
    }

    fn resource(&self, changes: &[FieldChange]) -> Result<Resource, TargetError> {
        let mut resource = Resource::new();
        for setting in self.settings(changes, true)? {
            if setting.value.is_some() {
                put(&mut resource, &setting.path, setting.value, self.service.deviations().primary);
            }
        }
        Ok(resource)
    }

    pub(crate) fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        let settings = self.updates(changes)?;
        if settings.is_empty() {
            return Ok(());
        }
        self.service.change(&account.0, settings, None, &names(changes))
    }

    /// Changes of an account that is there; none when nothing of them is to be sent.
    fn updates(&self, changes: &[FieldChange]) -> Result<Vec<Setting>, TargetError> {
        let settings = self.settings(changes, false)?;
        let clears = settings.iter().any(|setting| setting.value.is_none());
        if clears && self.service.deviations().clear == Clear::Never {
            let message = format!("{}: the service cannot empty a field; see `clear`", self.name());
            return Err(TargetError::new(ErrorKind::Refused, message));
        }
        Ok(settings)
    }

    pub(crate) fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.service.change(&account.0, Vec::new(), Some(true), &[])
    }

    pub(crate) fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        match self.service.change(&account.0, Vec::new(), Some(false), &[]) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// A change as the service takes it.
    fn order<'w>(&self, write: &Write<'w>) -> Result<Order<'w>, TargetError> {
        let change = |account: &'w AccountId, settings: Vec<Setting>, active, names| Order::Change {
            id: &account.0,
            settings,
            active,
            names,
        };
        Ok(match *write {
            Write::Create { fields, .. } => Order::Create { resource: self.resource(fields)?, names: names(fields) },
            Write::Update { account, changes } => change(account, self.updates(changes)?, None, names(changes)),
            Write::Reactivate { account } => change(account, Vec::new(), Some(true), Vec::new()),
            Write::Deactivate { account } => change(account, Vec::new(), Some(false), Vec::new()),
        })
    }

    /// Changes as places and JSON.
    fn settings(&self, changes: &[FieldChange], create: bool) -> Result<Vec<Setting>, TargetError> {
        let fields = self.fields()?;
        let mut settings = Vec::with_capacity(changes.len());
        for change in changes {
            let Some(field) = fields.get(change.index.get()) else { continue };
            match field.spec.access {
                Access::ReadWrite => {}
                Access::CreateOnly if create => {}
                Access::CreateOnly | Access::ReadOnly => {
                    let message = format!("{}: the service does not let `{}` be changed", self.name(), field.spec.name);
                    return Err(TargetError::new(ErrorKind::Refused, message));
                }
            }
            // A manager whose account is yet to be made follows in a change of its own.
            if matches!(change.after, FieldValue::Employee(_)) {
                continue;
            }
            settings.push(Setting {
                path: field.path.clone(),
                value: field.json(&change.after),
                shape: field.shape,
                had_value: !change.before.is_empty(),
            });
        }
        Ok(settings)
    }
}

impl WriteBatches for Directory {
    fn most(&self) -> usize {
        self.service.bulk_most()
    }

    /// What takes several requests goes alone, and so does what is refused before anything is sent.
    fn takes(&self, write: &Write<'_>) -> bool {
        let several = self.service.deviations().one_operation && matches!(write, Write::Update { .. });
        !several && self.order(write).is_ok()
    }

    fn write(&self, writes: &[Write<'_>]) -> Vec<Written> {
        let Ok(orders) = writes.iter().map(|write| self.order(write)).collect::<Result<Vec<_>, _>>() else {
            return Vec::new();
        };
        self.service.together(&orders).into_iter().map(|made| Ok(made?.map(|id| AccountId(id.into())))).collect()
    }
}

/// A user as an account, with the names of the fields that could not be read.
fn read(fields: &[Field], id: &str, resource: &Resource) -> (Account, Vec<String>) {
    let mut unreadable = Vec::new();
    let active = is_active(resource).unwrap_or_else(|_| {
        unreadable.push("`active`".into());
        true
    });
    let values: Vec<FieldValue> = fields
        .iter()
        .map(|field| {
            field.read(resource).unwrap_or_else(|_| {
                unreadable.push(format!("`{}`", field.spec.name));
                FieldValue::Empty
            })
        })
        .collect();
    let mut account = Account::new(id, active, values);
    account.active_is_said = says_active(resource);
    if !unreadable.is_empty() {
        account.protection = Some(Protection::Unreadable);
    }
    (account, unreadable)
}

/// The attributes that services let accounts be searched by.
fn is_searchable(field: &Field) -> bool {
    field.path.is("userName") || field.path.is("externalId")
}

fn indexed(fields: &[Field]) -> impl Iterator<Item = (FieldIndex, &Field)> {
    (0u16..).map(FieldIndex).zip(fields)
}

fn names(changes: &[FieldChange]) -> Vec<&str> {
    changes.iter().map(|change| &*change.field).collect()
}
