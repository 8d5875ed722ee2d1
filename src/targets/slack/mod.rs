//! Slack: profiles, user groups and channels through the Web API, accounts through SCIM.
//!
//! Without `scim_token` people are invited and deactivated by hand: ordinary methods cannot. Bots, guests,
//! owners and people of other organisations are read, so that nobody is mistaken for them, and never changed.

mod errors;
mod fields;
mod groups;
mod requests;
mod scim;
mod settings;
pub mod simulated;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::{Access, AccountId, Capabilities, FieldIndex, FieldSpec, FieldValue, Schema};
use crate::http::{Client, HttpError, Request, Response};
use crate::plan::{Account, FieldChange, GroupProblem, Notice, Protection, Snapshot, same};

use super::coalescer::Coalescer;
use super::{
    Connection, ErrorKind, LOOKUP_LIMIT, ListChannels, ListFields, ReadAccounts, ReadOffers, TargetError, WriteAccounts,
};
use crate::progress::{NoProgress, Progress};
use errors::{accepted, is_passing, says, unanswered, unexpected};
use fields::Home;
use scim::Accounts;
pub use settings::{parse, schema};
use wire::{Member, Owner, Workspace};

pub const KIND: super::Kind = super::Kind {
    name: "slack",
    parse,
    starter: include_str!("starter.toml"),
    keys: schema,
    simulate: Some(|company| Box::new(simulated::Slack::new(company))),
};

/// What carries a request to Slack and brings the answer.
trait Transport: Send + Sync {
    /// Sends a request that changes nothing; no other is taken.
    fn read(&self, request: &Request) -> Result<Response, HttpError>;
    fn write(&self, request: &Request) -> Result<Response, HttpError>;
}

impl Transport for Client {
    fn read(&self, request: &Request) -> Result<Response, HttpError> {
        self.reader().send(request)
    }

    fn write(&self, request: &Request) -> Result<Response, HttpError> {
        self.send(request)
    }
}

/// How many accounts are looked at one by one rather than listed, when the list takes a request for each person.
const LOOKUP_LIMIT_WITH_OWN_FIELDS: usize = 200;

/// How many workspaces a message names.
const WORKSPACES_SHOWN: usize = 10;

/// How often a read is sent in all, when Slack says in a success that it broke down.
const ATTEMPTS: usize = 3;

/// One workspace, open for a run.
struct Slack<C> {
    transport: C,
    accounts: Option<Accounts>,
    /// The name of the workspace, if the file tells it.
    workspace: Option<Box<str>>,
    /// Its id, if the file tells it.
    team: Option<Box<str>>,
    connection: Connection,
    token: Mutex<Option<Arc<Token>>>,
    described: Mutex<Option<Arc<Described>>>,
    members: Mutex<Option<Arc<Members>>>,
    /// The user groups as their names were looked up, until their members are first asked for.
    listed: Mutex<Option<Vec<wire::Group>>>,
    /// The user groups among the fields, each with what is wanted of it at the moment.
    wanted: BTreeMap<FieldIndex, Coalescer<AccountId, bool>>,
    /// Who is out of use: a group still lists them, and takes no list that has them.
    deactivated: Mutex<BTreeSet<Box<str>>>,
}

/// What is known of the token.
#[derive(Debug)]
struct Token {
    /// Whose it is.
    owner: Box<str>,
    /// The workspace that requests name, where it is the token of a whole organisation.
    team: Option<Box<str>>,
}

/// The fields of the run, and the groups and channels that some of them stand for.
#[derive(Clone)]
struct Described {
    fields: Vec<(FieldSpec, Home)>,
    groups: BTreeMap<FieldIndex, Id>,
    /// Those whose members cannot be set.
    problems: BTreeMap<FieldIndex, GroupProblem>,
}

/// What a membership is of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Id {
    Group(Box<str>),
    Channel(Box<str>),
}

/// The groups and channels of a run, and what is wrong with the others.
type Resolved = (BTreeMap<FieldIndex, Id>, BTreeMap<FieldIndex, GroupProblem>);

/// Who is in each group and channel.
type Members = BTreeMap<FieldIndex, BTreeSet<Box<str>>>;

impl<C: Transport> Slack<C> {
    fn new(
        transport: C,
        accounts: Option<Accounts>,
        workspace: Option<Box<str>>,
        team: Option<Box<str>>,
        connection: Connection,
    ) -> Self {
        let wanted = (0u16..)
            .zip(&connection.fields)
            .filter(|(_, field)| field.name.starts_with("groups."))
            .map(|(index, _)| (FieldIndex(index), Coalescer::default()))
            .collect();
        let (token, described, members, listed, deactivated) = Default::default();
        Self {
            transport,
            accounts,
            workspace,
            team,
            connection,
            token,
            described,
            members,
            listed,
            wanted,
            deactivated,
        }
    }

    fn read(&self, request: &Request) -> Result<Value, TargetError> {
        let mut attempt = 1;
        loop {
            let answer = self.transport.read(request).map_err(|error| unanswered(&error, request))?;
            match accepted(&answer, request) {
                Err(error) if is_passing(&error, request) && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    fn write(&self, request: &Request) -> Result<Value, TargetError> {
        let answer = self.transport.write(request).map_err(|error| unanswered(&error, request))?;
        accepted(&answer, request)
    }

    /// Reads an answer with one of the functions of `wire`.
    fn reading<T>(&self, request: &Request, read: impl FnOnce(Value) -> Result<T, String>) -> Result<T, TargetError> {
        read(self.read(request)?).map_err(|why| unexpected(&why, request, 200))
    }

    /// Every item of a paged list, and why it may not be all of them, if so.
    fn pages<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
        request: impl Fn(&str) -> Request,
        mut seen: impl FnMut(usize),
    ) -> Result<(Vec<T>, Option<String>), TargetError> {
        let (mut items, mut cursors, mut cursor) = (Vec::new(), BTreeSet::new(), String::new());
        loop {
            let page = self.reading(&request(&cursor), |body| wire::page(body, key))?;
            seen(page.items.len());
            items.extend(page.items);
            match page.next {
                Some(next) if next.is_empty() => return Ok((items, None)),
                Some(next) if cursors.insert(next.clone()) => cursor = next,
                Some(_) => return Ok((items, Some(format!("the list of `{key}` leads back to an earlier page")))),
                None => return Ok((items, Some(format!("the list of `{key}` does not say whether it is at its end")))),
            }
        }
    }

    /// A list that must be whole to be of use.
    fn all<T: serde::de::DeserializeOwned>(
        &self,
        key: &str,
        request: impl Fn(&str) -> Request,
    ) -> Result<Vec<T>, TargetError> {
        match self.pages(key, request, |_| {})? {
            (items, None) => Ok(items),
            (_, Some(why)) => Err(TargetError::new(ErrorKind::Unexpected, why)),
        }
    }

    /// Whose token it is, and which workspace is meant.
    fn token(&self) -> Result<Arc<Token>, TargetError> {
        let mut token = self.token.lock();
        if let Some(known) = &*token {
            return Ok(Arc::clone(known));
        }
        let owner: Owner = self.reading(&requests::who_am_i(), |body| {
            serde_json::from_value(body).map_err(|_| "the answer does not say whose token it is".into())
        })?;
        let refused = |why: String| TargetError::new(ErrorKind::SignIn, why);
        let team = match owner.workspace() {
            None => Some(self.workspace_of_organisation()?),
            Some(id) => {
                let named = |name: &str| owner.url.trim_start_matches("https://").starts_with(&format!("{name}."));
                if let Some(name) = self.workspace.as_ref().filter(|name| !named(name)) {
                    return Err(refused(format!("the token belongs to another workspace than `{name}`")));
                }
                // Slack leaves what is asked for out of account with such a token, and would write elsewhere.
                if let Some(team) = self.team.as_ref().filter(|team| ***team != *id) {
                    return Err(refused(format!("the token belongs to another workspace than `{team}`")));
                }
                None
            }
        };
        let found = Arc::new(Token { owner: owner.user_id, team });
        *token = Some(Arc::clone(&found));
        Ok(found)
    }

    /// The workspace that is meant with a token of a whole organisation.
    fn workspace_of_organisation(&self) -> Result<Box<str>, TargetError> {
        if let Some(team) = &self.team {
            return Ok(team.clone());
        }
        if let Some(name) = &self.workspace {
            let found = self.reading(&requests::workspace(name), |mut body| wire::take(&mut body, "team"));
            return found.map(|workspace: Workspace| workspace.id);
        }
        let workspaces: Vec<Workspace> = self.all("teams", requests::list_workspaces)?;
        match workspaces.as_slice() {
            [only] => Ok(only.id.clone()),
            [] => {
                let why = "the token is one of an organisation, and its app is in no workspace; add it to one in Slack";
                Err(TargetError::new(ErrorKind::Rights, why))
            }
            several => {
                let shown = several.iter().take(WORKSPACES_SHOWN).map(|each| format!("{} ({})", each.id, each.name));
                let shown = shown.collect::<Vec<_>>().join(", ");
                let more = if several.len() > WORKSPACES_SHOWN { ", …" } else { "" };
                let why = format!(
                    "the token is one of an organisation with several workspaces; say with `team_id` which is meant: \
                     {shown}{more}"
                );
                Err(TargetError::new(ErrorKind::SignIn, why))
            }
        }
    }

    fn described(&self) -> Result<Arc<Described>, TargetError> {
        let mut described = self.described.lock();
        if let Some(known) = &*described {
            return Ok(Arc::clone(known));
        }
        self.token()?;
        let named = &self.connection.fields;
        let own = if named.iter().any(|field| field.name.starts_with(fields::CUSTOM)) {
            self.reading(&requests::profile_fields(), wire::profile_fields)?
        } else {
            Vec::new()
        };
        let fields = fields::describe(named, &own)?;
        if let Some((spec, _)) =
            fields.iter().take(self.connection.mapped).find(|(spec, _)| spec.access == Access::ReadOnly)
        {
            let why = format!("what the profile field `{}` takes is not known; take it out of the mapping", spec.name);
            return Err(TargetError::new(ErrorKind::Unexpected, why));
        }
        let (groups, problems) = self.resolve(&fields)?;
        let found = Arc::new(Described { fields, groups, problems });
        *described = Some(Arc::clone(&found));
        Ok(found)
    }

    /// Everybody, each once, and why it may not be everybody.
    fn everybody(&self, progress: &dyn Progress) -> Result<(Vec<Member>, Option<String>), TargetError> {
        let token = self.token()?;
        let page = |cursor: &str| requests::list_users(token.team.as_deref(), cursor);
        let look = || {
            let mut count = 0;
            let (listed, mut doubt) = self.pages::<Member>("members", page, |items| {
                count += items as u64;
                progress.expect(count);
                progress.advance(items as u64);
            })?;
            let total = listed.len();
            let each: BTreeMap<Box<str>, Member> =
                listed.into_iter().map(|member| (member.id.clone(), member)).collect();
            if each.len() < total {
                doubt.get_or_insert("the list of members shifted while it was read: ids came more than once".into());
            }
            Ok::<_, TargetError>((each.into_values().collect::<Vec<_>>(), doubt))
        };
        match look()? {
            (_, Some(_)) => look(),
            whole => Ok(whole),
        }
    }

    /// The own fields of a profile, when the run has any; lists leave them out.
    fn own_fields(&self, described: &Described, member: &Member) -> Result<Option<Map<String, Value>>, TargetError> {
        let wanted = described.fields.iter().any(|(_, home)| matches!(home, Home::Custom(_)));
        if !wanted || member.deleted || member.protection().is_some() {
            return Ok(None);
        }
        self.reading(&requests::profile(&member.id), wire::own_fields).map(Some)
    }

    /// Who is in use under an address.
    fn by_email(&self, described: &Described, email: &str) -> Result<Option<Account>, TargetError> {
        match self.reading(&requests::user_by_email(email), |mut body| wire::take(&mut body, "user")) {
            Ok(member) => self.view(described, &*self.members(described)?, &member).map(Some),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn view(&self, described: &Described, members: &Members, member: &Member) -> Result<Account, TargetError> {
        let own = self.own_fields(described, member)?;
        Ok(member.account(&described.fields, own.as_ref(), is_member(members)).0)
    }
}

fn is_member(members: &Members) -> impl Fn(usize, &str) -> bool {
    |index, id| members.iter().any(|(field, members)| field.get() == index && members.contains(id))
}

/// Leaves out deactivated accounts whose address somebody else uses now; returns how many.
fn without_duplicates(members: &mut Vec<Member>) -> usize {
    let in_use: BTreeSet<String> = members.iter().filter(|member| !member.deleted).filter_map(Member::email).collect();
    let before = members.len();
    members.retain(|member| !member.deleted || member.email().is_none_or(|email| !in_use.contains(&email)));
    before - members.len()
}

impl<C: Transport> ListChannels for Slack<C> {
    fn channel_names(&self) -> Result<Vec<Box<str>>, TargetError> {
        let channels = self.channels()?;
        Ok(channels.into_iter().map(|channel| channel.name.as_str().into()).collect())
    }
}

impl<C: Transport> ListFields for Slack<C> {
    fn all_fields(&self, known: Vec<FieldSpec>) -> Result<Vec<FieldSpec>, TargetError> {
        self.token()?;
        Ok(fields::all(known, &self.reading(&requests::profile_fields(), wire::profile_fields)?))
    }
}

impl<C: Transport> ReadAccounts for Slack<C> {
    fn schema(&self) -> Result<Schema, TargetError> {
        let scim = self.accounts.is_some();
        let fields = self.described()?.fields.iter().map(|(spec, _)| spec.clone()).collect();
        let capabilities = Capabilities { create: scim, deactivate: scim, reactivate: scim, ..Capabilities::default() };
        Ok(Schema { fields, capabilities, ..Schema::default() })
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        let token = self.token()?;
        let described = self.described()?;
        self.forget_members();
        let members = self.members(&described)?;
        let (mut everybody, incomplete) = self.everybody(progress)?;
        let out_of_use = everybody.iter().filter(|member| member.deleted).map(|member| member.id.clone()).collect();
        *self.deactivated.lock() = out_of_use;
        let mut people = everybody.iter().filter(|member| !member.deleted && !member.is_bot()).peekable();
        if described.fields.iter().any(|(spec, _)| &*spec.name == "email")
            && people.peek().is_some()
            && people.all(|member| member.email().is_none())
        {
            let why = "nobody's address is shown; the token lacks the scope `users:read.email`";
            return Err(TargetError::new(ErrorKind::Rights, why));
        }
        let mut notices = Vec::new();
        let duplicates = without_duplicates(&mut everybody);
        if duplicates > 0 {
            let message = match duplicates {
                1 => "a deactivated account has an address that somebody else uses now; it is left alone".to_owned(),
                _ => {
                    format!("{duplicates} deactivated accounts have addresses that others use now; they are left alone")
                }
            };
            notices.push(Notice::new(Code::DeactivatedDuplicates, message));
        }
        let mut accounts = Vec::with_capacity(everybody.len());
        for member in &everybody {
            let own = self.own_fields(&described, member)?;
            let (mut account, unreadable) = member.account(&described.fields, own.as_ref(), is_member(&members));
            if member.id == token.owner {
                account.protection = Some(Protection::KeyOwner);
            }
            notices.extend(unreadable.map(|message| Notice::new(Code::AccountUnreadable, message)));
            accounts.push(account);
        }
        let groups = described.problems.clone();
        Ok(Snapshot { accounts, incomplete, notices, groups, ..Snapshot::default() })
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        let described = self.described()?;
        let member: Member = match self.reading(&requests::user(&id.0), |mut body| wire::take(&mut body, "user")) {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let members = self.members(&described)?;
        self.view(&described, &members, &member).map(Some)
    }

    fn reads_by_id(&self) -> bool {
        true
    }

    /// Somebody whom Slack does not find by the address may be there all the same, out of use.
    fn look_up(&self, field: FieldIndex, value: &FieldValue) -> Result<Option<Vec<Account>>, TargetError> {
        let described = self.described()?;
        let by_email = described.fields.get(field.get()).is_some_and(|(spec, _)| &*spec.name == "email");
        let Some(email) = value.as_text().filter(|_| by_email) else { return Ok(None) };
        match self.by_email(&described, email)? {
            Some(account) => Ok(Some(vec![account])),
            None => Ok(None),
        }
    }

    fn lookup_limit(&self) -> usize {
        // Fields of the workspace's own take a request for each person in the list.
        let own = self.connection.fields.iter().any(|field| field.name.starts_with(fields::CUSTOM));
        if own { LOOKUP_LIMIT_WITH_OWN_FIELDS } else { LOOKUP_LIMIT }
    }

    fn read_offers(&self) -> ReadOffers<'_> {
        ReadOffers { channels: Some(self), fields: Some(self), ..ReadOffers::default() }
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        let described = self.described()?;
        let Some((spec, home)) = described.fields.get(field.get()) else { return Ok(Vec::new()) };
        let members = self.members(&described)?;
        if let ("email", Some(email)) = (&*spec.name, value.as_text()) {
            // Deactivated people are not found by address, only in the list.
            if let Some(account) = self.by_email(&described, email)? {
                return Ok(vec![account]);
            }
        }
        let (mut everybody, incomplete) = self.everybody(&NoProgress)?;
        without_duplicates(&mut everybody);
        let mut found = Vec::new();
        for member in &everybody {
            // Fields of the workspace's own take a request for each person; few are worth it.
            let shown = member.account(&described.fields, None, is_member(&members)).0;
            if !matches!(home, Home::Custom(_)) && !same(shown.field(field), value, spec) {
                continue;
            }
            let account = self.view(&described, &members, member)?;
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

/// What cannot be done without SCIM.
fn by_hand(what: &str) -> TargetError {
    TargetError::new(ErrorKind::Refused, format!("{what} needs `scim_token`; without it, do it by hand in Slack"))
}

impl<C: Transport> WriteAccounts for Slack<C> {
    fn create_reference(&self, field: FieldIndex, name: &str) -> Result<(), TargetError> {
        self.make_group(field, name)
    }

    fn create(&self, _employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        let accounts = self.accounts.as_ref().ok_or_else(|| by_hand("making an account"))?;
        let (account, rest) = accounts.create(fields)?;
        match self.update(&account, &rest) {
            Ok(()) => Ok(account),
            // Not `Exists` nor `Unsettled`: the account is there for certain, and the next run sees to the rest.
            Err(error) => Err(TargetError {
                kind: if error.kind == ErrorKind::SignIn { ErrorKind::SignIn } else { ErrorKind::Refused },
                message: format!("the account was made, and its profile is not complete: {}", error.message),
                ..error
            }),
        }
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        let described = self.described()?;
        let refused = |why: String| TargetError::new(ErrorKind::Refused, why);
        let profile = wire::profile(changes, &described.fields).map_err(refused)?;
        let mut result = Ok(());
        if !profile.is_empty() {
            result =
                self.write(&requests::set_profile(&account.0, &profile)).and_then(|answer| match wire::kept_otherwise(
                    &profile, &answer,
                )
                .as_slice()
                {
                    [] => Ok(()),
                    fields => Err(refused(format!("Slack accepted {} and keeps something else", fields.join(", ")))),
                });
        }
        // A profile that is refused is no reason to keep somebody out of a group.
        for change in changes {
            let problem = described.problems.get(&change.index);
            let Some(id) = described.groups.get(&change.index) else {
                result = result.and(problem.map_or(Ok(()), |problem| Err(refused(problem.why.clone()))));
                continue;
            };
            if result.as_ref().is_err_and(|error: &TargetError| error.kind == ErrorKind::SignIn) {
                break;
            }
            let member = change.after == FieldValue::Bool(true);
            let done = self
                .set_membership(change.index, id, account, member)
                .map_err(|error| TargetError { message: format!("`{}`: {}", change.field, error.message), ..error });
            result = result.and(done);
        }
        result
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.accounts.as_ref().ok_or_else(|| by_hand("reactivating an account"))?.reactivate(account)?;
        self.deactivated.lock().remove(&*account.0);
        Ok(())
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        let outcome = self.accounts.as_ref().ok_or_else(|| by_hand("deactivating an account"))?.deactivate(account);
        if outcome.is_ok() {
            self.deactivated.lock().insert((&*account.0).into());
        }
        // Slack takes whoever is out of use out of groups and channels, too.
        self.forget_members();
        outcome
    }
}
