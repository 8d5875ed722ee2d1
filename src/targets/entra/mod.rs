//! Microsoft Entra: users, managers, groups and teams through Graph.
//!
//! Users that are synchronised from on-premises, and guests, are read and never changed. Nobody is ever
//! deleted: people who left are disabled.

mod batches;
mod errors;
mod fields;
mod provisioning;
mod reading;
mod requests;
mod settings;
pub mod simulated;
#[cfg(test)]
mod tests;
mod ties;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::{AccountId, Capabilities, FieldIndex, FieldValue, Schema};
use crate::http::{Body, Client, HttpError, Method, Request, Response};
use crate::plan::{Account, FieldChange, GroupProblem, Notice, Snapshot, same};

use super::coalescer::Coalescer;
use super::{
    Connection, ErrorKind, ListRefusals, ReadAccounts, ReadOffers, TargetError, Write, WriteAccounts, WriteBatches,
};
use crate::plan::Refusal;
use crate::progress::{NoProgress, Progress};
use errors::{accepted, refused, too_long, unanswered, unexpected};
use fields::MANAGER;
use requests::{BATCH, Tie, UPLOAD};
pub use settings::{parse, schema};
use ties::unless_so_already;
use wire::{Group, TeamMember};

pub const KIND: super::Kind = super::Kind {
    name: "entra",
    parse,
    starter: include_str!("starter.toml"),
    keys: schema,
    simulate: Some(|company| Box::new(simulated::Entra::new(company))),
};

/// How accounts are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Create {
    #[default]
    Never,
    Direct,
    /// By the provisioning service behind this address, which does it in its own time.
    BulkUpload(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ReadBy {
    /// By the paged list of users.
    #[default]
    List,
    /// By the list of changes, from its beginning.
    Delta,
}

/// What carries a request to Graph and brings the answer.
trait Transport: Send + Sync {
    /// Sends a request that changes nothing; no other is taken.
    fn read(&self, request: &Request) -> Result<Response, HttpError>;
    fn write(&self, request: &Request) -> Result<Response, HttpError>;
    /// Keeps still for so long before the next request of a class.
    fn pause(&self, class: &'static str, wait: Duration);
    /// How long the Retry-After of a part of a batch asks to wait.
    fn asked_wait(&self, retry_after: &str) -> Option<Duration>;
}

impl Transport for Client {
    fn read(&self, request: &Request) -> Result<Response, HttpError> {
        self.reader().send(request)
    }

    fn write(&self, request: &Request) -> Result<Response, HttpError> {
        self.send(request)
    }

    fn pause(&self, class: &'static str, wait: Duration) {
        self.hold(class, wait);
    }

    fn asked_wait(&self, retry_after: &str) -> Option<Duration> {
        self.asked_wait(retry_after)
    }
}

/// One tenant, open for a run.
struct Entra<C> {
    transport: C,
    base_url: String,
    create: Create,
    read: ReadBy,
    connection: Connection,
    resolved: Mutex<Option<Arc<Resolved>>>,
    /// Who is in each group and team, as of the last look since anything was written.
    members: Mutex<Option<Arc<Members>>>,
    /// The memberships of groups that are wanted at the moment.
    wanted: Coalescer<(FieldIndex, AccountId), bool>,
    /// Who was made in this run. Not every part of the directory knows them at once.
    made: Mutex<Vec<AccountId>>,
}

/// The pauses before a request is sent again that names somebody whom the directory does not know yet everywhere.
const REPLICATION: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// What only an app with a directory role may change of an administrator. Graph refuses all of a request that has one.
const SENSITIVE: [&str; 4] = ["businessPhones", "mobilePhone", "otherMails", "accountEnabled"];

/// The groups and teams of a run.
#[derive(Default)]
struct Resolved {
    groups: BTreeMap<FieldIndex, Id>,
    /// Those whose members cannot be set.
    problems: BTreeMap<FieldIndex, GroupProblem>,
}

/// What a membership is of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Id {
    Group(Box<str>),
    Team(Box<str>),
}

/// Rows of a list, and why they may not be all of it, if so.
type Rows = (Vec<Map<String, Value>>, Option<String>);

/// Who is in each group and team.
type Members = BTreeMap<FieldIndex, BTreeSet<Box<str>>>;

impl<C: Transport> Entra<C> {
    fn new(transport: C, base_url: String, create: Create, read: ReadBy, connection: Connection) -> Self {
        let (resolved, members, wanted, made) = Default::default();
        Self { transport, base_url, create, read, connection, resolved, members, wanted, made }
    }

    fn fetch(&self, request: &Request) -> Result<Value, TargetError> {
        self.until_known(request, || {
            let answer = self.transport.read(request).map_err(|error| unanswered(&error, request))?;
            accepted(&answer, request)
        })
    }

    fn write(&self, request: &Request) -> Result<Value, TargetError> {
        self.until_known(request, || {
            let answer = self.transport.write(request);
            *self.members.lock() = None;
            accepted(&answer.map_err(|error| unanswered(&error, request))?, request)
        })
    }

    /// Whether a request names somebody who was made in this run. What is to be taken away and is not there is no sign
    /// that somebody is not known yet.
    fn names_new(&self, request: &Request) -> bool {
        if request.method == Method::Delete {
            return false;
        }
        let body = match &request.body {
            Body::Json { text, .. } => text.as_str(),
            _ => "",
        };
        let made = self.made.lock();
        made.iter().any(|account| request.path.contains(&*account.0) || body.contains(&*account.0))
    }

    /// Sends again what Graph finds nobody for, while that may be because the user is new.
    fn until_known(
        &self,
        request: &Request,
        send: impl Fn() -> Result<Value, TargetError>,
    ) -> Result<Value, TargetError> {
        for pause in REPLICATION {
            match send() {
                Err(error) if error.kind == ErrorKind::NotFound && self.names_new(request) => {
                    self.transport.pause(request.class, pause);
                }
                result => return result,
            }
        }
        send()
    }

    /// Changes properties of a user. What Graph keeps for administrators of the directory does not keep the rest from
    /// being written.
    fn change_properties(&self, account: &AccountId, body: &Map<String, Value>) -> Result<(), TargetError> {
        match self.patch(account, body) {
            Err(error) if error.kind == ErrorKind::Rights => self.change_one_by_one(account, body, error),
            result => result,
        }
    }

    fn patch(&self, account: &AccountId, body: &Map<String, Value>) -> Result<(), TargetError> {
        self.write(&requests::update_user(&account.0, &Value::Object(body.clone()))).map(drop)
    }

    /// After a refusal of the whole.
    fn change_one_by_one(
        &self,
        account: &AccountId,
        body: &Map<String, Value>,
        refusal: TargetError,
    ) -> Result<(), TargetError> {
        let is_sensitive = |name: &str| SENSITIVE.contains(&name);
        let (sensitive, rest): (Map<_, _>, Map<_, _>) =
            body.clone().into_iter().partition(|(name, _)| is_sensitive(name));
        if sensitive.is_empty() {
            return Err(refusal);
        }
        if !rest.is_empty() {
            self.patch(account, &rest)?;
        }
        let mut refused: Vec<Box<str>> = Vec::new();
        for (name, value) in sensitive {
            let alone = Map::from_iter([(name.clone(), value)]);
            // The only one was refused just now.
            let outcome = if body.len() == 1 { Err(refusal.clone()) } else { self.patch(account, &alone) };
            match outcome {
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::Rights => refused.push(Box::from(name)),
                Err(error) => return Err(error),
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        let why = format!(
            "Graph keeps {} of this user for apps with a directory role, as it does for administrators; everything else \
             is written",
            refused.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        );
        Err(TargetError { kind: ErrorKind::Refused, message: why, fields: refused, ..refusal })
    }

    /// A user as Graph has it; `None` when there is none of that id.
    fn row(&self, id: &AccountId) -> Result<Option<Map<String, Value>>, TargetError> {
        let request = requests::user(&id.0, &self.selection(), self.reads_managers());
        match self.fetch(&request) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(Value::Object(row)) => Ok(Some(row)),
            Ok(_) => Err(unexpected("the answer is no user", &request, 200)),
        }
    }

    /// Users as accounts, with the groups of the run.
    fn snapshot(&self, rows: &[Map<String, Value>]) -> Result<Snapshot, TargetError> {
        let members = self.members()?;
        let (mut accounts, mut notices) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let (account, unreadable) =
                self.account_of(row, &members).map_err(|why| TargetError::new(ErrorKind::Unexpected, why))?;
            notices.extend(unreadable.map(|message| Notice::new(Code::AccountUnreadable, message)));
            accounts.push(account);
        }
        let groups = self.resolved()?.problems.clone();
        Ok(Snapshot { accounts, notices, groups, ..Snapshot::default() })
    }

    fn reads_managers(&self) -> bool {
        self.connection.fields.iter().any(|field| &*field.name == MANAGER)
    }

    fn selection(&self) -> String {
        fields::selection(&self.connection.fields)
    }

    fn account_of(&self, row: &Map<String, Value>, members: &Members) -> Result<(Account, Option<String>), String> {
        wire::account(row, &self.connection.fields, |index, id| {
            members.iter().any(|(field, members)| field.get() == index && members.contains(id))
        })
    }

    fn enable(&self, account: &AccountId, enabled: bool) -> Result<(), TargetError> {
        self.change_properties(account, &Map::from_iter([("accountEnabled".to_owned(), json!(enabled))]))
    }
}

/// Whether Graph filters users by it.
fn is_filtered(field: &str) -> bool {
    matches!(field, "employeeId" | "userPrincipalName" | "mail")
}

/// A password that nobody learns.
fn password() -> Result<String, TargetError> {
    let mut bytes = [0u8; 24];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| TargetError::new(ErrorKind::Refused, "this machine gives no random numbers"))?;
    // With a letter of each kind, as every policy wants it.
    Ok(format!("{}aA1!", BASE64_STANDARD.encode(bytes)))
}

impl<C: Transport> ReadAccounts for Entra<C> {
    fn schema(&self) -> Result<Schema, TargetError> {
        self.resolved()?;
        let create = self.create != Create::Never;
        let mut fields = self.connection.fields.clone();
        for field in fields.iter_mut().filter(|field| create && &*field.name == "userPrincipalName") {
            field.required = true;
        }
        let capabilities = Capabilities { create, ..Capabilities::default() };
        let mut schema = Schema { fields, capabilities, ..Schema::default() };
        if matches!(self.create, Create::BulkUpload(_)) {
            schema.asynchronous = schema.index("employeeId");
        }
        Ok(schema)
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        *self.members.lock() = None;
        let (rows, incomplete) = self.everybody(progress)?;
        Ok(Snapshot { incomplete, ..self.snapshot(&rows)? })
    }

    fn accounts_by_id(&self, ids: &[AccountId]) -> Result<Option<Snapshot>, TargetError> {
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.extend(self.row(id)?);
        }
        self.snapshot(&rows).map(Some)
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        let Some(row) = self.row(id)? else { return Ok(None) };
        let found = self.account_of(&row, &*self.members()?);
        let wrong = |why: String| TargetError::new(ErrorKind::Unexpected, why);
        Ok(Some(found.map_err(wrong)?.0))
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        let Some(spec) = self.connection.fields.get(field.get()) else { return Ok(Vec::new()) };
        let (rows, incomplete) = match value.as_text().filter(|_| is_filtered(&spec.name)) {
            Some(text) => {
                let filter = Some((&*spec.name, text));
                self.rows(requests::list_users(&self.selection(), self.reads_managers(), filter), |_| {})?
            }
            None => self.everybody(&NoProgress)?,
        };
        let members = if rows.is_empty() { Arc::default() } else { self.members()? };
        let mut found = Vec::new();
        for row in &rows {
            let (account, _) =
                self.account_of(row, &members).map_err(|why| TargetError::new(ErrorKind::Unexpected, why))?;
            if same(account.field(field), value, spec) {
                found.push(account);
            }
        }
        match incomplete {
            // Not found in a list that is not whole is not the same as not there.
            Some(why) if found.is_empty() => Err(TargetError::new(ErrorKind::Unavailable, why)),
            _ => Ok(found),
        }
    }

    fn reads_by_id(&self) -> bool {
        true
    }

    fn look_up(&self, field: FieldIndex, value: &FieldValue) -> Result<Option<Vec<Account>>, TargetError> {
        match self.connection.fields.get(field.get()) {
            Some(spec) if is_filtered(&spec.name) && value.as_text().is_some() => self.find(field, value).map(Some),
            _ => Ok(None),
        }
    }

    fn read_offers(&self) -> ReadOffers<'_> {
        ReadOffers { refusals: Some(self), ..ReadOffers::default() }
    }
}

impl<C: Transport> ListRefusals for Entra<C> {
    fn refusals(&self, since: NaiveDate) -> Result<Vec<Refusal>, TargetError> {
        let Create::BulkUpload(address) = &self.create else { return Ok(Vec::new()) };
        let Some(job) = requests::job_of(address) else { return Ok(Vec::new()) };
        let (rows, _) = self.rows(requests::provisioning_log(&job, since), |_| {})?;
        Ok(provisioning::refusals(&rows))
    }
}

impl<C: Transport> WriteAccounts for Entra<C> {
    fn create_reference(&self, _field: FieldIndex, _name: &str) -> Result<(), TargetError> {
        Err(TargetError::new(ErrorKind::Refused, "nothing is made by name in Entra"))
    }

    fn create(&self, employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        let refuse = |why: String| TargetError::new(ErrorKind::Refused, why);
        match &self.create {
            Create::Never => Err(refuse("users are made by hand; see `create`".into())),
            Create::BulkUpload(address) => {
                let made = self.upload(address, &[Write::Create { employee, fields }]).pop();
                let unknown = || TargetError::new(ErrorKind::Unsettled, "the new user was not uploaded");
                made.ok_or_else(unknown)?.and_then(|account| account.ok_or_else(unknown))
            }
            Create::Direct => {
                let user = wire::new_user(fields, &password()?).map_err(refuse)?;
                let request = requests::create_user(&Value::Object(user));
                let made = self.write(&request)?;
                let id = made.as_object().ok_or_else(|| "the answer is no user".to_owned()).and_then(wire::id);
                let account = AccountId::from(id.map_err(|why| unexpected(&why, &request, 201))?);
                self.made.lock().push(account.clone());
                match self.tie(&account, fields) {
                    Ok(()) => Ok(account),
                    // Not `Exists` nor `Unsettled`: the account is there for certain, and the next run sees to the rest.
                    Err(error) => Err(TargetError {
                        kind: if error.kind == ErrorKind::SignIn { ErrorKind::SignIn } else { ErrorKind::Refused },
                        message: format!("the user was made, and not all of it is set: {}", error.message),
                        ..error
                    }),
                }
            }
        }
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        let refuse = |why: String| TargetError::new(ErrorKind::Refused, why);
        let now = if wire::touches_organisation(changes) {
            wire::organisation(&self.fetch(&requests::user(&account.0, "id,employeeOrgData", false))?)
        } else {
            Map::new()
        };
        let body = wire::body(changes, now).map_err(refuse)?;
        let mut result = Ok(());
        if !body.is_empty() {
            result = self.change_properties(account, &body);
        }
        if result.as_ref().is_err_and(|error: &TargetError| error.kind == ErrorKind::SignIn) {
            return result;
        }
        // Properties that are refused are no reason to keep somebody out of a group.
        result.and(self.tie(account, changes))
    }

    fn batches(&self) -> Option<&dyn WriteBatches> {
        Some(self)
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.enable(account, true)
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        match self.enable(account, false) {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}
