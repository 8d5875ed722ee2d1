//! Freshservice: requesters through its API v2, with the departments and locations they refer to.
//!
//! Agents work in Freshservice with seats, roles, tickets and keys of their own. They are read, so that an
//! employee who is one is recognised, and changed only where the file says so: allowed fields, and never more.

mod errors;
mod fields;
mod names;
mod read;
mod reading;
mod requests;
mod settings;
pub mod simulated;
#[cfg(test)]
mod tests;
pub mod widget;
mod wire;
mod workflows;
mod write;
mod zones;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;

use crate::field::{AccountId, Capabilities, FieldSpec, FieldValue, Schema};
use crate::http::{Client, HttpError, Request, Response};
use crate::plan::{FieldChange, Notice};

use super::{Connection, ErrorKind, TargetError};
use crate::progress::Progress;
use errors::{Operation, refused, unanswered, unexpected};
use fields::{CUSTOM, DEPARTMENTS, LOCATION, SEES_ALL_TICKETS, is_for_agents};
use names::{Book, Names};
use reading::{Reading, Standing};
use requests::{Lookup, PAGE, Users};
pub use settings::{parse, schema};
use wire::{FieldRow, Row, User};

pub const KIND: super::Kind = super::Kind {
    name: "freshservice",
    parse,
    starter: include_str!("starter.toml"),
    keys: schema,
    simulate: Some(|company| Box::new(simulated::Freshservice::new(company))),
};

/// Freshservice takes a requester only with one of these.
const REACHABLE: [&str; 3] = ["primary_email", "work_phone_number", "mobile_phone_number"];

/// What carries a request that changes nothing to Freshservice, and brings the answer. Planning knows no more than this.
trait Reads: Send + Sync {
    /// Sends a request that changes nothing; no other is taken.
    fn read(&self, request: &Request) -> Result<Response, HttpError>;
}

trait Transport: Reads {
    fn write(&self, request: &Request) -> Result<Response, HttpError>;
}

impl Reads for Client {
    fn read(&self, request: &Request) -> Result<Response, HttpError> {
        self.reader().send(request)
    }
}

impl Transport for Client {
    fn write(&self, request: &Request) -> Result<Response, HttpError> {
        self.send(request)
    }
}

/// One Freshservice account, open for a run.
struct Freshservice<C> {
    transport: C,
    connection: Connection,
    /// Whether the file lets the allowed fields of agents be written.
    updates_agents: bool,
    described: Mutex<Option<Arc<Described>>>,
    /// The fields of requesters, once something needs to know the custom ones.
    rows: Mutex<Option<Arc<Vec<FieldRow>>>>,
    /// Departments and locations, once something needs them: most runs change nothing that refers to one.
    names: Mutex<Names>,
    /// What is known of each user seen in this run.
    standings: Mutex<HashMap<u64, Standing>>,
    agents: Mutex<AgentView>,
    /// The forms that were read in this run, by what they are of.
    forms: Mutex<HashMap<Box<str>, Arc<workflows::Form>>>,
    /// The users that steps of workflows looked for, by address; `None` where nobody was found.
    users: Mutex<HashMap<String, Option<u64>>>,
    /// The groups of requesters, once a step needs one.
    groups: Mutex<Option<Arc<Vec<Group>>>>,
    /// Held while a department or location is made, so that two threads never make the same one.
    making: Mutex<()>,
}

/// The fields of the run, once Freshservice was asked for the types of custom ones.
struct Described {
    schema: Schema,
    notices: Vec<Notice>,
}

/// How agents can be seen with this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AgentView {
    /// In one list with requesters.
    Together,
    /// In a list of their own.
    Apart,
    /// Not at all.
    Hidden,
}

/// A group of requesters.
struct Group {
    id: u64,
    name: Box<str>,
    /// Whether its members are chosen by hand, not by a rule.
    manual: bool,
}

/// Why the rows of a page could not be taken.
enum Halt {
    /// They are not what Freshservice is known to send.
    Unexpected(String),
    /// What they refer to could not be read.
    Failed(TargetError),
}

impl From<String> for Halt {
    fn from(why: String) -> Self {
        Self::Unexpected(why)
    }
}

impl From<TargetError> for Halt {
    fn from(error: TargetError) -> Self {
        Self::Failed(error)
    }
}

/// What a reference field refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Departments,
    Locations,
}

impl Named {
    fn of(field: &FieldSpec) -> Option<Self> {
        match &*field.name {
            DEPARTMENTS => Some(Self::Departments),
            LOCATION => Some(Self::Locations),
            _ => None,
        }
    }
}

impl<C: Reads> Freshservice<C> {
    fn new(transport: C, connection: Connection) -> Self {
        Self {
            transport,
            connection,
            updates_agents: false,
            described: Mutex::default(),
            rows: Mutex::default(),
            names: Mutex::default(),
            standings: Mutex::default(),
            agents: Mutex::new(AgentView::Together),
            forms: Mutex::default(),
            users: Mutex::default(),
            groups: Mutex::default(),
            making: Mutex::default(),
        }
    }

    /// The same, writing the allowed fields of agents.
    fn updating_agents(self, updates_agents: bool) -> Self {
        Self { updates_agents, ..self }
    }

    /// The agents whose allowed fields may be written. Those with a key of their own stay out: which of them this
    /// tool signs in as, nobody says.
    fn open_agents(&self) -> Result<HashSet<u64>, TargetError> {
        let (mut open, mut known) = (HashSet::new(), HashSet::new());
        if !self.updates_agents {
            return Ok(open);
        }
        let read = self.pages(
            Operation::ListAgents,
            "agents",
            |page| requests::list_users(Users::Agents, None, page),
            |rows| {
                let mut news = false;
                for row in &rows {
                    let id = wire::id(row)?;
                    news |= known.insert(id);
                    if row.get("api_key_enabled") == Some(&json!(false)) {
                        open.insert(id);
                    }
                }
                Ok(news)
            },
        );
        match read {
            Ok(_) => Ok(open),
            // Agents who cannot be seen are not written.
            Err(TargetError { kind: ErrorKind::Rights, .. }) => Ok(HashSet::new()),
            Err(error) => Err(error),
        }
    }

    /// The answer of a request that changes nothing and succeeded.
    fn read(&self, request: &Request, operation: Operation) -> Result<Response, TargetError> {
        let response = self.transport.read(request).map_err(|error| unanswered(&error, operation))?;
        accepted(&response, operation)?;
        Ok(response)
    }

    /// Hands every page of a list to `take`, which returns whether the page held anything new. Returns why the
    /// list may not be whole, if it may not.
    ///
    /// Pages go on while the answer links to a next one or is full: either sign alone has been seen missing.
    fn pages(
        &self,
        operation: Operation,
        wrapper: &str,
        request: impl Fn(usize) -> Request,
        mut take: impl FnMut(Vec<Row>) -> Result<bool, Halt>,
    ) -> Result<Option<String>, TargetError> {
        for page in 1.. {
            let response = self.read(&request(page), operation)?;
            let odd = |why: String| unexpected(&why, response.status, operation);
            let rows = wire::rows(&response, wrapper).map_err(odd)?;
            let links_on =
                response.header("link").is_some_and(|link| link.contains("rel=\"next\"") || link.contains("rel=next"));
            let count = rows.len();
            if count == 0 {
                return Ok(
                    links_on.then(|| format!("page {page} of `{wrapper}` is empty although it links to a next one"))
                );
            }
            let news = take(rows).map_err(|halt| match halt {
                Halt::Unexpected(why) => odd(why),
                Halt::Failed(error) => error,
            })?;
            if !news {
                return Ok(Some(format!("page {page} of `{wrapper}` repeats earlier pages")));
            }
            if !links_on && count < PAGE {
                break;
            }
        }
        Ok(None)
    }

    /// The fields of the run. Freshservice is asked for its fields only when the file names custom ones.
    fn described(&self) -> Result<Arc<Described>, TargetError> {
        let mut described = self.described.lock();
        if let Some(known) = &*described {
            return Ok(Arc::clone(known));
        }
        let named = &self.connection.fields;
        let rows = self.field_rows(named)?;
        // Reactivating has been seen to empty departments, manager and location.
        let capabilities = Capabilities { reactivate_loses_fields: true, ..Capabilities::default() };
        let mut schema = Schema { fields: fields::describe(named, &rows)?, capabilities, ..Schema::default() };
        schema.one_of = REACHABLE.iter().filter_map(|name| schema.index(name)).collect();
        let found = Arc::new(Described { schema, notices: fields::unmapped_required(named, &rows) });
        *described = Some(Arc::clone(&found));
        Ok(found)
    }

    /// The fields of requesters as the account has them, where custom ones are among those named; read once.
    fn field_rows(&self, named: &[FieldSpec]) -> Result<Arc<Vec<FieldRow>>, TargetError> {
        if !named.iter().any(|field| field.name.starts_with(CUSTOM)) {
            return Ok(Arc::default());
        }
        self.all_rows()
    }

    fn all_rows(&self) -> Result<Arc<Vec<FieldRow>>, TargetError> {
        let mut known = self.rows.lock();
        if let Some(rows) = &*known {
            return Ok(Arc::clone(rows));
        }
        let mut rows: Vec<FieldRow> = Vec::new();
        self.pages(Operation::ListFields, "requester_fields", requests::list_fields, |page| {
            let before = rows.len();
            for row in &page {
                let row = FieldRow::read(row)?;
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
            Ok(rows.len() > before)
        })?;
        Ok(Arc::clone(known.insert(Arc::new(rows))))
    }

    /// All departments or all locations, read afresh.
    fn read_book(&self, named: Named) -> Result<Book, TargetError> {
        let (operation, wrapper, request): (_, _, fn(usize) -> Request) = match named {
            Named::Departments => (Operation::ListDepartments, "departments", requests::list_departments),
            Named::Locations => (Operation::ListLocations, "locations", requests::list_locations),
        };
        let mut book = Book::default();
        self.pages(operation, wrapper, request, |rows| {
            let mut news = false;
            for row in &rows {
                let (id, name) = wire::named(row)?;
                news |= book.insert(id, name);
            }
            Ok(news)
        })?;
        Ok(book)
    }

    /// All departments or all locations, read once and with what was made since.
    fn book(&self, named: Named) -> Result<Arc<Book>, TargetError> {
        let mut names = self.names.lock();
        if let Some(known) = names.of(named) {
            return Ok(Arc::clone(known));
        }
        Ok(Arc::clone(names.of_mut(named).insert(Arc::new(self.read_book(named)?))))
    }

    /// The departments and locations that are needed to read these rows: of those that do not say the names of what
    /// they refer to, and of those that were read anyway.
    fn names_for(&self, schema: &[FieldSpec], rows: &[Row]) -> Result<Names, TargetError> {
        for named in schema.iter().filter_map(Named::of) {
            if rows.iter().any(|row| wire::names_of(row, named).is_none()) {
                self.book(named)?;
            }
        }
        Ok(self.names.lock().clone())
    }

    /// Reads users, agents among them as far as the key may see them.
    fn read_users(
        &self,
        lookup: Option<Lookup<'_>>,
        reading: &mut Reading<'_>,
        progress: Option<&dyn Progress>,
    ) -> Result<AgentView, TargetError> {
        let view = *self.agents.lock();
        let mut read = |users: Users| {
            let (operation, wrapper) = match users {
                Users::Requesters | Users::WithAgents => (Operation::ListRequesters, "requesters"),
                Users::Agents => (Operation::ListAgents, "agents"),
            };
            let doubt = self.pages(
                operation,
                wrapper,
                |page| requests::list_users(users, lookup, page),
                |rows| {
                    let count = rows.len() as u64;
                    let names = self.names_for(reading.schema, &rows)?;
                    let mut news = false;
                    for row in rows {
                        news |= reading.take(row, users == Users::Agents, &names);
                    }
                    if let Some(progress) = progress {
                        // How many there are, nobody says: at least those read.
                        progress.expect(reading.accounts.len() as u64);
                        progress.advance(count);
                    }
                    Ok(news)
                },
            )?;
            reading.doubt = reading.doubt.take().or(doubt);
            Ok(())
        };
        if view == AgentView::Together {
            match read(Users::WithAgents) {
                Ok(()) => return Ok(AgentView::Together),
                Err(TargetError { kind: ErrorKind::Rights, status: Some(403), .. }) => {}
                Err(error) => return Err(error),
            }
        }
        read(Users::Requesters)?;
        let view = match view {
            AgentView::Hidden => AgentView::Hidden,
            AgentView::Together | AgentView::Apart => match read(Users::Agents) {
                Ok(()) => AgentView::Apart,
                Err(TargetError { kind: ErrorKind::Rights, .. }) => AgentView::Hidden,
                Err(error) => return Err(error),
            },
        };
        *self.agents.lock() = view;
        Ok(view)
    }

    /// One user, from the table of requesters or of agents.
    fn view(&self, id: u64) -> Result<Option<User>, TargetError> {
        let read = |request: Request, wrapper: &str, from_agents: bool| {
            let response = self.read(&request, Operation::View)?;
            wire::one(&response, &[wrapper])
                .and_then(|row| User::read(row, from_agents))
                .map_err(|why| unexpected(&why, response.status, Operation::View))
        };
        let user = match read(requests::get_requester(id), "requester", false) {
            Ok(user) if !user.is_agent => Some(user),
            Ok(agent) => Some(read(requests::get_agent(id), "agent", true).unwrap_or(agent)),
            Err(TargetError { kind: ErrorKind::NotFound, .. }) => match read(requests::get_agent(id), "agent", true) {
                Ok(agent) => Some(agent),
                Err(TargetError { kind: ErrorKind::NotFound | ErrorKind::Rights, .. }) => None,
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        if let Some(user) = &user {
            self.standings.lock().insert(user.id, Standing::of(user));
        }
        Ok(user)
    }

    /// The number of a requester that may be written, and what is known of it. Agents may not.
    fn writable(&self, account: &AccountId) -> Result<(u64, Standing), TargetError> {
        let (id, standing) = self.standing(account)?;
        if standing.is_agent {
            let why = format!("account {id} is an agent; agents are neither deactivated nor brought back");
            return Err(TargetError::new(ErrorKind::Refused, why));
        }
        Ok((id, standing))
    }

    /// The number of an account, and what is known of it.
    fn standing(&self, account: &AccountId) -> Result<(u64, Standing), TargetError> {
        let id = number(account)?;
        let known = self.standings.lock().get(&id).copied();
        let standing =
            match known {
                Some(standing) => standing,
                None => self.view(id)?.as_ref().map(Standing::of).ok_or_else(|| {
                    TargetError::new(ErrorKind::NotFound, format!("Freshservice has no requester {id}"))
                })?,
            };
        Ok((id, standing))
    }
}

impl<C: Transport> Freshservice<C> {
    /// The answer of a request that succeeded.
    fn send(&self, request: &Request, operation: Operation) -> Result<Response, TargetError> {
        let response = self.transport.write(request).map_err(|error| unanswered(&error, operation))?;
        accepted(&response, operation)?;
        // Whoever was not there may be there now.
        self.users.lock().retain(|_, found| found.is_some());
        Ok(response)
    }

    /// Sends an update. Freshservice takes away the sight of all tickets unless every update grants it again.
    fn put(&self, account: &AccountId, mut body: serde_json::Value, said: Option<bool>) -> Result<(), TargetError> {
        let (id, standing) = self.standing(account)?;
        let refused = |why: String| Err(TargetError::new(ErrorKind::Refused, why));
        if standing.is_agent && !self.updates_agents {
            return refused(format!("account {id} is an agent; agents are not changed (agents = \"skip\")"));
        }
        let is_allowed = |name: &&String| *name == "custom_fields" || is_for_agents(name);
        if standing.is_agent && !body.as_object().is_some_and(|body| body.keys().all(|name| is_allowed(&name))) {
            return refused(format!("account {id} is an agent, whose names, e-mail and phones are kept elsewhere"));
        }
        if said.is_none() && standing.sees_all_tickets {
            body[SEES_ALL_TICKETS] = json!(true);
        }
        let request = if standing.is_agent { requests::update_agent } else { requests::update_requester };
        self.send(&request(id, &body), Operation::Update)?;
        if let Some(sees_all_tickets) = said {
            self.standings.lock().insert(id, Standing { sees_all_tickets, ..standing });
        }
        Ok(())
    }
}

impl<C: Reads> Freshservice<C> {
    /// The body of a create or update with the names it needs; by the fields it is of.
    fn body_of(&self, changes: &[FieldChange], fields: &[FieldSpec]) -> Result<serde_json::Value, TargetError> {
        for change in changes.iter().filter(|change| !change.after.is_empty()) {
            if let Some(named) = fields.get(change.index.get()).and_then(Named::of) {
                self.book(named)?;
            }
        }
        let names = self.names.lock().clone();
        wire::body(changes, fields, &names).map_err(|why| TargetError::new(ErrorKind::Refused, why))
    }

    /// The same, of the fields of the run.
    fn body(&self, changes: &[FieldChange]) -> Result<serde_json::Value, TargetError> {
        let described = self.described()?;
        self.body_of(changes, &described.schema.fields)
    }
}

/// Whether an answer is a success of Freshservice's, and not the page of something in between.
fn accepted(response: &Response, operation: Operation) -> Result<(), TargetError> {
    if !response.is_success() {
        return Err(refused(response, operation));
    }
    if response.is_page() {
        return Err(unexpected("a web page came instead of JSON; check `domain`", response.status, operation));
    }
    response.not_done().map_or(Ok(()), |why| Err(unexpected(why, response.status, operation)))
}

fn number(account: &AccountId) -> Result<u64, TargetError> {
    account.0.parse().map_err(|_| {
        TargetError::new(
            ErrorKind::NotFound,
            format!("account {account} is none of Freshservice's: its ids are numbers"),
        )
    })
}

/// Whether the changes themselves say who sees all tickets.
fn says_sees_all_tickets(changes: &[FieldChange]) -> Option<bool> {
    let change = changes.iter().find(|change| &*change.field == SEES_ALL_TICKETS)?;
    Some(change.after == FieldValue::Bool(true))
}
