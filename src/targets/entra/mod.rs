//! Microsoft Entra: users, managers, groups and teams through Graph.
//!
//! Users that are synchronised from on-premises, and guests, are read and never changed. Nobody is ever
//! deleted: people who left are disabled.

mod errors;
mod fields;
mod requests;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::employee::EmployeeId;
use crate::http::{Client, HttpError, Method, Request, Response};
use crate::plan::{
    Account, AccountId, Capabilities, FieldChange, FieldIndex, FieldValue, GroupProblem, Notice, Schema, Snapshot, same,
};

use super::together::Together;
use super::{Connection, ErrorKind, NoProgress, Progress, ReadAccounts, TargetError, WriteAccounts};
use errors::{accepted, refused, unanswered, unexpected};
use fields::MANAGER;
use requests::{BATCH, Tie};
pub use settings::parse;
use wire::{Group, TeamMember};

/// How accounts are made.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Create {
    /// By people.
    Never,
    /// By Graph.
    Direct,
    /// By the provisioning service behind this address, which does it in its own time.
    BulkUpload(String),
}

/// What carries a request to Graph and brings the answer.
trait Carrier: Send + Sync {
    /// Sends a request that changes nothing; no other is taken.
    fn read(&self, request: &Request) -> Result<Response, HttpError>;
    /// Sends any request.
    fn write(&self, request: &Request) -> Result<Response, HttpError>;
}

impl Carrier for Client {
    fn read(&self, request: &Request) -> Result<Response, HttpError> {
        self.reader().send(request)
    }

    fn write(&self, request: &Request) -> Result<Response, HttpError> {
        self.send(request)
    }
}

/// One tenant, open for a run.
struct Entra<C> {
    carrier: C,
    base_url: String,
    create: Create,
    connection: Connection,
    resolved: Mutex<Option<Arc<Resolved>>>,
    /// The memberships of groups that are wanted at the moment.
    wanted: Together<(FieldIndex, AccountId), bool>,
}

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

impl<C: Carrier> Entra<C> {
    fn new(carrier: C, base_url: String, create: Create, connection: Connection) -> Self {
        Self { carrier, base_url, create, connection, resolved: Mutex::default(), wanted: Together::default() }
    }

    fn read(&self, request: &Request) -> Result<Value, TargetError> {
        let answer = self.carrier.read(request).map_err(|error| unanswered(&error, request))?;
        accepted(&answer, request)
    }

    fn write(&self, request: &Request) -> Result<Value, TargetError> {
        let answer = self.carrier.write(request).map_err(|error| unanswered(&error, request))?;
        accepted(&answer, request)
    }

    /// Every row of a paged list, and why it may not be all of them, if so.
    fn rows(&self, first: Request, mut seen: impl FnMut(usize)) -> Result<Rows, TargetError> {
        let (mut rows, mut links, mut request) = (Vec::new(), BTreeSet::new(), first);
        loop {
            let page = wire::page(self.read(&request)?).map_err(|why| unexpected(&why, &request, 200))?;
            seen(page.rows.len());
            rows.extend(page.rows);
            match page.next {
                None => return Ok((rows, None)),
                Some(link) if links.insert(link.clone()) => request = requests::next(&link),
                Some(_) => return Ok((rows, Some("the list leads back to an earlier page".into()))),
            }
        }
    }

    /// A list that must be whole to be of use.
    fn all<T: serde::de::DeserializeOwned>(&self, first: Request) -> Result<Vec<T>, TargetError> {
        let odd = |why: &str| unexpected(why, &first, 200);
        match self.rows(first.clone(), |_| {})? {
            (rows, None) => {
                let read =
                    |row| serde_json::from_value(Value::Object(row)).map_err(|_| odd("a row is not what it should be"));
                rows.into_iter().map(read).collect()
            }
            (_, Some(why)) => Err(odd(&why)),
        }
    }

    /// The groups and teams that the file names, and what is wrong with the others.
    fn resolved(&self) -> Result<Arc<Resolved>, TargetError> {
        let mut resolved = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*resolved {
            return Ok(Arc::clone(known));
        }
        let mut found = Resolved::default();
        for (index, spec) in (0u16..).map(FieldIndex).zip(&self.connection.fields) {
            let Some((section, name)) = fields::membership(&spec.name) else { continue };
            let groups: Vec<Group> = self.all(requests::groups_called(name))?;
            match wire::only_group(&groups, name) {
                Ok(id) if section == fields::TEAMS => _ = found.groups.insert(index, Id::Team(id)),
                Ok(id) => _ = found.groups.insert(index, Id::Group(id)),
                Err(why) => _ = found.problems.insert(index, GroupProblem { why, make: None }),
            }
        }
        let found = Arc::new(found);
        *resolved = Some(Arc::clone(&found));
        Ok(found)
    }

    fn team_members(&self, team: &str) -> Result<Vec<TeamMember>, TargetError> {
        self.all(requests::team_members(team))
    }

    /// Who is in each group and team of the run.
    fn members(&self) -> Result<Members, TargetError> {
        let mut members = Members::new();
        for (index, id) in &self.resolved()?.groups {
            let found = match id {
                Id::Group(group) => {
                    let request = requests::group_members(group);
                    let (rows, doubt) = self.rows(request.clone(), |_| {})?;
                    if let Some(why) = doubt {
                        return Err(unexpected(&why, &request, 200));
                    }
                    let ids: Result<BTreeSet<_>, String> = rows.iter().map(wire::id).collect();
                    ids.map_err(|why| unexpected(&why, &request, 200))?
                }
                Id::Team(team) => self.team_members(team)?.into_iter().filter_map(|member| member.user_id).collect(),
            };
            members.insert(*index, found);
        }
        Ok(members)
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

    /// Everybody, each once, and why it may not be everybody.
    fn everybody(&self, progress: &dyn Progress) -> Result<Rows, TargetError> {
        let request = requests::list_users(&self.selection(), self.reads_managers(), None);
        let look = || {
            let mut count = 0;
            let (rows, mut doubt) = self.rows(request.clone(), |seen| {
                count += seen as u64;
                progress.expect(count);
                progress.advance(seen as u64);
            })?;
            let total = rows.len();
            let mut each = BTreeMap::new();
            for row in rows {
                let id = wire::id(&row).map_err(|why| unexpected(&why, &request, 200))?;
                each.insert(id, row);
            }
            if each.len() < total {
                doubt.get_or_insert("the list of users shifted while it was read: ids came more than once".into());
            }
            Ok::<_, TargetError>((each.into_values().collect(), doubt))
        };
        match look()? {
            (_, Some(_)) => look(),
            whole => Ok(whole),
        }
    }

    /// Adds members to groups and takes them out, twenty at a time, each with an outcome of its own.
    fn set_groups(
        &self,
        wanted: &BTreeMap<(FieldIndex, AccountId), bool>,
        groups: &BTreeMap<FieldIndex, Id>,
    ) -> BTreeMap<(FieldIndex, AccountId), Result<(), TargetError>> {
        let mut outcomes = BTreeMap::new();
        let mut parts = Vec::new();
        for ((index, account), member) in wanted {
            let request = match groups.get(index) {
                Some(Id::Group(group)) if *member => Some(requests::add_member(&self.base_url, group, &account.0)),
                Some(Id::Group(group)) => requests::remove(Tie::Member { group, user: &account.0 }),
                _ => None,
            };
            let key = (*index, account.clone());
            match request {
                Some(request) => parts.push((key, request)),
                None => {
                    let why = "the group or the account has no usable id";
                    outcomes.insert(key, Err(TargetError::new(ErrorKind::Refused, why)));
                }
            }
        }
        for chunk in parts.chunks(BATCH) {
            let requests: Vec<Request> = chunk.iter().map(|(_, request)| request.clone()).collect();
            if let [request] = requests.as_slice() {
                outcomes.insert(chunk[0].0.clone(), settled(self.write(request).map(drop), request));
                continue;
            }
            let batch = requests::batch(&requests);
            let answers = self.write(&batch).and_then(|body| {
                wire::batch_answers(&body, requests.len()).map_err(|why| unexpected(&why, &batch, 200))
            });
            for (place, (key, request)) in chunk.iter().enumerate() {
                let outcome = match &answers {
                    Err(error) => Err(error.clone()),
                    Ok(answers) => match &answers[place] {
                        Some((200..=299, _)) => Ok(()),
                        // Each part is throttled on its own; by itself it is sent again when it may be.
                        Some((429 | 503, _)) => settled(self.write(request).map(drop), request),
                        Some((status, body)) => settled(Err(refused(*status, body, request)), request),
                        None => Err(unexpected("the batch has no answer for it", request, 200)),
                    },
                };
                outcomes.insert(key.clone(), outcome);
            }
        }
        outcomes
    }

    fn set_team(&self, team: &str, account: &AccountId, member: bool) -> Result<(), TargetError> {
        if member {
            let request = requests::add_team_member(&self.base_url, team, &account.0);
            return settled(self.write(&request).map(drop), &request);
        }
        // A membership has an id of its own, which a fresh look tells.
        let members = self.team_members(team)?;
        let Some(found) = members.iter().find(|member| member.user_id.as_deref() == Some(&*account.0)) else {
            return Ok(());
        };
        if found.is_owner() {
            return Err(TargetError::new(ErrorKind::Refused, "owners of a team are not taken out; do it by hand"));
        }
        let request = requests::remove(Tie::TeamMember { team, membership: &found.id })
            .ok_or_else(|| TargetError::new(ErrorKind::Unexpected, "the membership has no usable id"))?;
        settled(self.write(&request).map(drop), &request)
    }

    fn set_manager(&self, account: &AccountId, after: &FieldValue) -> Result<(), TargetError> {
        let request = match after {
            FieldValue::Account(manager) => requests::set_manager(&self.base_url, &account.0, &manager.0),
            FieldValue::Empty => requests::remove(Tie::Manager { user: &account.0 })
                .ok_or_else(|| TargetError::new(ErrorKind::Refused, "the account has no usable id"))?,
            _ => {
                let why = "`manager` refers to an employee without an account here";
                return Err(TargetError::new(ErrorKind::Refused, why));
            }
        };
        settled(self.write(&request).map(drop), &request)
    }

    fn enable(&self, account: &AccountId, enabled: bool) -> Result<(), TargetError> {
        self.write(&requests::update_user(&account.0, &json!({"accountEnabled": enabled}))).map(drop)
    }

    /// Manager and memberships, which are no properties. One that fails does not keep the others from being set.
    fn tie(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        let resolved = self.resolved()?;
        let groups = &resolved.groups;
        let mut result = Ok(());
        for change in changes {
            if result.as_ref().is_err_and(|error: &TargetError| error.kind == ErrorKind::SignIn) {
                break;
            }
            let member = change.after == FieldValue::Bool(true);
            let done = match groups.get(&change.index) {
                _ if &*change.field == MANAGER => self.set_manager(account, &change.after),
                Some(Id::Group(_)) => {
                    self.wanted.ask((change.index, account.clone()), member, |wanted| self.set_groups(wanted, groups))
                }
                Some(Id::Team(team)) => self.set_team(team, account, member),
                None => match resolved.problems.get(&change.index) {
                    Some(problem) => Err(TargetError::new(ErrorKind::Refused, problem.why.clone())),
                    None => continue,
                },
            };
            result =
                result.and(done.map_err(|error| TargetError {
                    message: format!("`{}`: {}", change.field, error.message),
                    ..error
                }));
        }
        result
    }
}

/// What is as it should be already counts as done: a member who is one, a tie that is gone.
fn settled(result: Result<(), TargetError>, request: &Request) -> Result<(), TargetError> {
    match result {
        Err(error) if error.kind == ErrorKind::Exists && request.method == Method::Post => Ok(()),
        Err(error) if error.kind == ErrorKind::NotFound && request.method == Method::Delete => Ok(()),
        other => other,
    }
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

impl<C: Carrier> ReadAccounts for Entra<C> {
    fn schema(&self) -> Result<Schema, TargetError> {
        self.resolved()?;
        let create = self.create != Create::Never;
        let mut fields = self.connection.fields.clone();
        for field in fields.iter_mut().filter(|field| create && &*field.name == "userPrincipalName") {
            field.required = true;
        }
        Ok(Schema { fields, capabilities: Capabilities { create, ..Capabilities::default() }, ..Schema::default() })
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        let members = self.members()?;
        let (rows, incomplete) = self.everybody(progress)?;
        let (mut accounts, mut notices) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in &rows {
            let (account, unreadable) =
                self.account_of(row, &members).map_err(|why| TargetError::new(ErrorKind::Unexpected, why))?;
            notices.extend(unreadable.map(|message| Notice { code: "account_unreadable", employee: None, message }));
            accounts.push(account);
        }
        let groups = self.resolved()?.problems.clone();
        Ok(Snapshot { accounts, incomplete, notices, groups, ..Snapshot::default() })
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        let request = requests::user(&id.0, &self.selection(), self.reads_managers());
        let row = match self.read(&request) {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(Value::Object(row)) => row,
            Ok(_) => return Err(unexpected("the answer is no user", &request, 200)),
        };
        let found = self.account_of(&row, &self.members()?).map_err(|why| unexpected(&why, &request, 200))?;
        Ok(Some(found.0))
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        let Some(spec) = self.connection.fields.get(field.get()) else { return Ok(Vec::new()) };
        let filtered = matches!(&*spec.name, "employeeId" | "userPrincipalName" | "mail");
        let (rows, incomplete) = match value.as_text().filter(|_| filtered) {
            Some(text) => {
                let filter = Some((&*spec.name, text));
                self.rows(requests::list_users(&self.selection(), self.reads_managers(), filter), |_| {})?
            }
            None => self.everybody(&NoProgress)?,
        };
        let members = self.members()?;
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
}

impl<C: Carrier> WriteAccounts for Entra<C> {
    fn create_reference(&self, _field: FieldIndex, _name: &str) -> Result<(), TargetError> {
        Err(TargetError::new(ErrorKind::Refused, "nothing is made by name in Entra"))
    }

    fn create(&self, employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        let refuse = |why: String| TargetError::new(ErrorKind::Refused, why);
        match &self.create {
            Create::Never => Err(refuse("users are made by hand; see `create`".into())),
            Create::BulkUpload(address) => {
                let upload = wire::bulk(&employee.to_string(), fields).map_err(refuse)?;
                self.write(&requests::bulk_upload(address, &upload))?;
                // Whether it has made the account yet, only a look tells.
                let why = "the provisioning service took the new user and has not made the account yet; the next run \
                           looks again (its provisioning logs say more)";
                Err(TargetError::new(ErrorKind::Unsettled, why))
            }
            Create::Direct => {
                let user = wire::new_user(fields, &password()?).map_err(refuse)?;
                let request = requests::create_user(&Value::Object(user));
                let made = self.write(&request)?;
                let id = made.as_object().ok_or_else(|| "the answer is no user".to_owned()).and_then(wire::id);
                let account = AccountId(id.map_err(|why| unexpected(&why, &request, 201))?);
                match self.tie(&account, fields) {
                    Ok(()) => Ok(account),
                    // Not `Exists` nor `Unsettled`: the account is there for certain, and the next run sees to the rest.
                    Err(error) => Err(TargetError {
                        kind: if error.kind == ErrorKind::SignIn { ErrorKind::SignIn } else { ErrorKind::Refused },
                        message: format!("the user was made, and not all of it is set: {}", error.message),
                        status: error.status,
                    }),
                }
            }
        }
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        let refuse = |why: String| TargetError::new(ErrorKind::Refused, why);
        let now = if wire::touches_organisation(changes) {
            wire::organisation(&self.read(&requests::user(&account.0, "id,employeeOrgData", false))?)
        } else {
            Map::new()
        };
        let body = wire::body(changes, now).map_err(refuse)?;
        let mut result = Ok(());
        if !body.is_empty() {
            result = self.write(&requests::update_user(&account.0, &Value::Object(body))).map(drop);
        }
        if result.as_ref().is_err_and(|error: &TargetError| error.kind == ErrorKind::SignIn) {
            return result;
        }
        // Properties that are refused are no reason to keep somebody out of a group.
        result.and(self.tie(account, changes))
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
