//! What workflows do in Freshservice: requests through the account's forms, tickets, orders, and changes of one
//! requester.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::http::{Method, Request as HttpRequest};
use crate::plan::{AccountId, Action, FieldChange, FieldIndex, FieldKind, FieldSpec, FieldValue, Request};
use crate::rules::convert;

use super::super::{ErrorKind, FieldLookup, ReadAccounts as _, RunWorkflows, TargetError, WriteAccounts as _};
use super::errors::{Doing, unexpected};
use super::fields::{self, CUSTOM};
use super::form::{self, FormField, Key, Lookups};
use super::names::{Names, NoId};
use super::requests::{self, Lookup, Users};
use super::wire::{self, FieldRow, Row};
use super::{Carrier, Freshservice, Place, lock, says_sees_all_tickets};

/// What this type of target can do.
pub(super) const ACTIONS: &[Action] = &Action::ALL;

fn refuse(why: impl Into<String>) -> TargetError {
    TargetError::new(ErrorKind::Refused, why)
}

/// `onboarding` or `offboarding`.
fn journey(action: Action) -> Option<&'static str> {
    match action {
        Action::CreateOnboardingRequest => Some("onboarding"),
        Action::CreateOffboardingRequest => Some("offboarding"),
        _ => None,
    }
}

/// Departments, locations and users of the account.
struct Directory<'a, C> {
    desk: &'a Freshservice<C>,
    /// The first request that failed, which says more than "no such thing".
    failed: std::cell::RefCell<Option<TargetError>>,
}

impl<C: Carrier> Directory<'_, C> {
    fn id(&self, place: Place, what: &str, name: &str) -> Result<(u64, String), String> {
        let book = self.desk.book(place).map_err(|error| self.keep(error))?;
        match book.id(name) {
            Ok(id) => Ok((id, book.name(id).into())),
            Err(NoId::Unknown) => Err(format!("there is no such {what} in Freshservice")),
            Err(NoId::Ambiguous) => Err(format!("several things of this name are a {what} in Freshservice")),
        }
    }

    fn keep(&self, error: TargetError) -> String {
        let message = error.message.clone();
        self.failed.borrow_mut().get_or_insert(error);
        message
    }
}

impl<C: Carrier> Lookups for Directory<'_, C> {
    fn location(&self, name: &str) -> Result<u64, String> {
        self.id(Place::Locations, "location", name).map(|(id, _)| id)
    }

    fn department(&self, name: &str) -> Result<String, String> {
        self.id(Place::Departments, "department", name).map(|(_, name)| name)
    }

    fn user(&self, email: &str) -> Result<u64, String> {
        let found = self.desk.user_by_email(email).map_err(|error| self.keep(error))?;
        found.ok_or_else(|| "nobody in Freshservice has this address".into())
    }
}

impl<C: Carrier> Freshservice<C> {
    fn user_by_email(&self, email: &str) -> Result<Option<u64>, TargetError> {
        let lookup = Lookup { parameter: "email", value: email };
        for users in [Users::Requesters, Users::Agents] {
            let (doing, wrapper) = match users {
                Users::Agents => (Doing::ListAgents, "agents"),
                _ => (Doing::ListRequesters, "requesters"),
            };
            let mut found = None;
            self.pages(
                doing,
                wrapper,
                |page| requests::list_users(users, Some(lookup), page),
                |rows| {
                    for row in &rows {
                        found = found.or(Some(wire::id(row)?));
                    }
                    Ok(!rows.is_empty())
                },
            )?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The form of a kind of request, read once a run.
    fn form(&self, journey: &'static str) -> Result<Arc<Vec<FormField>>, TargetError> {
        let mut forms = lock(&self.forms);
        if let Some((_, form)) = forms.iter().find(|(known, _)| *known == journey) {
            return Ok(Arc::clone(form));
        }
        let response = self.send(&requests::form(journey), Doing::ReadForm)?;
        let read = wire::rows(&response, "fields").and_then(|rows| rows.iter().map(FormField::read).collect());
        let form = Arc::new(read.map_err(|why| unexpected(&why, response.status, Doing::ReadForm))?);
        forms.push((journey, Arc::clone(&form)));
        Ok(form)
    }

    fn form_body(&self, journey: &'static str, request: &Request) -> Result<(Arc<Vec<FormField>>, Value), TargetError> {
        let form = self.form(journey)?;
        let directory = Directory { desk: self, failed: std::cell::RefCell::default() };
        let body = form::body(&form, &values(request)?, &directory);
        if let Some(error) = directory.failed.into_inner() {
            return Err(error);
        }
        Ok((form, body.map_err(refuse)?))
    }

    fn find_request(&self, journey: &'static str, request: &Request) -> Result<Option<Box<str>>, TargetError> {
        let (form, body) = self.form_body(journey, request)?;
        let Some(key) = Key::of(&form, &body, request.employee.0) else {
            return Err(refuse(
                "no field says whose request it is, so an earlier one cannot be found: fill a text field of the form with `employee_id`",
            ));
        };
        let (mut found, mut known) = (None, HashSet::new());
        let wrapper = format!("{journey}_requests");
        let doubt = self.pages(
            Doing::ListRequests,
            &wrapper,
            |page| requests::list_requests(journey, page),
            |rows| look_through(&rows, &mut known, &mut found, |row| key.fits(row)),
        )?;
        match (found, doubt) {
            (None, Some(why)) => Err(TargetError::new(ErrorKind::Unexpected, why)),
            (found, _) => Ok(found.map(|id| id.to_string().into())),
        }
    }

    /// Sends what makes something, and takes its id from the answer.
    fn make(&self, request: &HttpRequest, doing: Doing, wrapper: &str) -> Result<Option<Box<str>>, TargetError> {
        let response = self.send(request, doing)?;
        let id = wire::one(&response, &[wrapper]).and_then(|row| wire::id(&row));
        let id = id.map_err(|why| unexpected(&why, response.status, doing))?;
        Ok(Some(id.to_string().into()))
    }

    fn ticket_body(&self, request: &Request, account: Option<&AccountId>) -> Result<Value, TargetError> {
        let mut body = Map::new();
        let mut custom = Map::new();
        let directory = Directory { desk: self, failed: std::cell::RefCell::default() };
        for (name, value) in values(request)?.into_iter().filter(|(_, value)| !value.is_empty()) {
            let wrong = |why: String| refuse(format!("`{name}`: {why}"));
            if let Some(name) = name.strip_prefix(CUSTOM) {
                custom.insert(name.to_owned(), plain(&value));
                continue;
            }
            let written = match &*name {
                // The description is markup: what people are called must not be.
                "description" => Value::from(escaped(&value.to_string())),
                "department_id" if value.to_string().parse::<u64>().is_err() => {
                    let found = directory.id(Place::Departments, "department", &value.to_string());
                    Value::from(found.map_err(wrong)?.0)
                }
                "email" => json!(value.to_string().to_lowercase()),
                "tags" => match value {
                    FieldValue::List(items) => items.iter().map(|item| json!(item)).collect(),
                    one => json!([one.to_string()]),
                },
                name if name.ends_with("_id") || NUMBERS.contains(&name) => {
                    let number = convert(value.clone(), &FieldSpec::new(name, FieldKind::Number)).map_err(wrong)?;
                    plain(&number)
                }
                _ => plain(&value),
            };
            body.insert(name.to_string(), written);
        }
        for needed in ["subject", "description"] {
            if !body.contains_key(needed) {
                return Err(refuse(format!("`{needed}` is empty, and a ticket needs it")));
            }
        }
        body.entry("status").or_insert(json!(2));
        body.entry("priority").or_insert(json!(1));
        if !["email", "requester_id", "phone"].iter().any(|who| body.contains_key(*who)) {
            let requester = account.map(super::number).transpose()?;
            let requester = requester.ok_or_else(|| {
                refuse("the employee has no account here, and the ticket names no `email` or `requester_id`")
            })?;
            body.insert("requester_id".into(), json!(requester));
        }
        if !custom.is_empty() {
            body.insert("custom_fields".into(), Value::Object(custom));
        }
        let tags = body.entry("tags").or_insert(json!([]));
        if let Some(tags) = tags.as_array_mut() {
            tags.push(json!(tag(request)));
        }
        Ok(Value::Object(body))
    }

    /// The tickets of whoever asked, looked through for one.
    fn find_ticket(
        &self,
        who: (&'static str, String),
        fits: impl Fn(&Row) -> bool,
    ) -> Result<Option<Box<str>>, TargetError> {
        let (mut found, mut known) = (None, HashSet::new());
        self.pages(
            Doing::ListTickets,
            "tickets",
            |page| requests::list_tickets(who.0, &who.1, page),
            |rows| look_through(&rows, &mut known, &mut found, &fits),
        )?;
        Ok(found.map(|id| id.to_string().into()))
    }

    fn find_order(&self, request: &Request) -> Result<Option<Box<str>>, TargetError> {
        let (item, body) = order(request)?;
        let response = self.send(&requests::get_item(item), Doing::ReadItem)?;
        let row = wire::one(&response, &["service_item", "item"])
            .map_err(|why| unexpected(&why, response.status, Doing::ReadItem))?;
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
        // The list is by who asked; without an address that is the owner of the key, whose orders say nothing.
        let who = body.get("email").and_then(Value::as_str).map(str::to_owned);
        let Some(who) = who.filter(|_| !name.is_empty()) else {
            return Err(TargetError::new(
                ErrorKind::Unsettled,
                "cannot tell whether the order was placed before: look in Freshservice",
            ));
        };
        self.find_ticket(("email", who), |row| {
            let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
            text("type") == "service request" && text("subject").ends_with(&name)
        })
    }

    fn update_requester(&self, request: &Request, account: &AccountId) -> Result<(), TargetError> {
        let values = values(request)?;
        let specs: Vec<FieldSpec> = values
            .iter()
            .map(|(name, _)| match fields::lookup(name) {
                FieldLookup::Known(spec) | FieldLookup::Open(spec) => Ok(spec),
                FieldLookup::Unknown => Err(refuse(format!("there is no field `{name}`"))),
            })
            .collect::<Result<_, _>>()?;
        let mut rows: Vec<FieldRow> = Vec::new();
        if specs.iter().any(|spec| spec.name.starts_with(CUSTOM)) {
            self.pages(Doing::ListFields, "requester_fields", requests::list_fields, |page| {
                let before = rows.len();
                for row in &page {
                    let row = FieldRow::read(row)?;
                    if !rows.contains(&row) {
                        rows.push(row);
                    }
                }
                Ok(rows.len() > before)
            })?;
        }
        let specs = fields::settle(&specs, &rows)?;
        let mut names = Names::default();
        for place in specs.iter().filter_map(Place::of) {
            *place.book(&mut names) = self.book(place)?;
        }
        let mut changes = Vec::with_capacity(values.len());
        for (place, ((name, value), spec)) in values.into_iter().zip(&specs).enumerate() {
            let after = if spec.kind == FieldKind::Account && !value.is_empty() {
                let text = value.to_string();
                let id = match text.parse::<u64>() {
                    Ok(id) => Some(id),
                    Err(_) => self.user_by_email(&text)?,
                };
                let id = id.ok_or_else(|| refuse(format!("`{name}`: nobody in Freshservice has this address")))?;
                FieldValue::Account(id.to_string().into())
            } else {
                convert(value, spec).map_err(|why| refuse(format!("`{name}`: {why}")))?
            };
            let index = FieldIndex(u16::try_from(place).expect("no step has so many fields"));
            changes.push(FieldChange { index, field: name, before: FieldValue::Empty, after });
        }
        let body = wire::body(&changes, &specs, &names).map_err(refuse)?;
        self.put(account, body, says_sees_all_tickets(&changes))
    }

    fn group(&self, request: &Request) -> Result<u64, TargetError> {
        let name =
            values(request)?.into_iter().find(|(name, _)| &**name == "group").map(|(_, value)| value.to_string());
        let name = name.filter(|name| !name.trim().is_empty()).ok_or_else(|| refuse("`group` is empty"))?;
        let (mut found, mut ids): (Vec<(u64, bool)>, _) = (Vec::new(), HashSet::new());
        self.pages(Doing::ListGroups, "requester_groups", requests::list_groups, |rows| {
            let mut news = false;
            for row in &rows {
                let (id, known) = wire::named(row)?;
                if !ids.insert(id) {
                    continue;
                }
                news = true;
                if known.trim().to_lowercase() == name.trim().to_lowercase() {
                    found.push((id, row.get("type").and_then(Value::as_str) != Some("rule_based")));
                }
            }
            Ok(news)
        })?;
        match found.as_slice() {
            [(id, true)] => Ok(*id),
            [(_, false)] => Err(refuse(format!(
                "the members of the group `{name}` follow a rule; only manual groups can be changed"
            ))),
            [] => Err(refuse(format!("Freshservice has no requester group `{name}`"))),
            _ => Err(refuse(format!("Freshservice has several requester groups `{name}`"))),
        }
    }
}

/// Takes the first row that fits; says whether the page held anything new.
fn look_through(
    rows: &[Row],
    known: &mut HashSet<u64>,
    found: &mut Option<u64>,
    fits: impl Fn(&Row) -> bool,
) -> Result<bool, String> {
    let mut news = false;
    for row in rows {
        let id = wire::id(row)?;
        news |= known.insert(id);
        if fits(row) {
            found.get_or_insert(id);
        }
    }
    Ok(news)
}

/// Fields of tickets that are numbers, beside ids.
const NUMBERS: [&str; 5] = ["status", "priority", "source", "urgency", "impact"];

fn values(request: &Request) -> Result<Vec<(Box<str>, FieldValue)>, TargetError> {
    request.values().map_err(refuse)
}

fn plain(value: &FieldValue) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
}

/// Marks a ticket as made for this step, so that it is found again.
fn tag(request: &Request) -> String {
    let event: String =
        request.event.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    format!("personio-{}-{}-{}-{event}", request.employee, request.workflow, request.step)
}

/// Item and body of an order from the catalogue.
fn order(request: &Request) -> Result<(u64, Map<String, Value>), TargetError> {
    let (mut item, mut body, mut custom) = (None, Map::new(), Map::new());
    for (name, value) in values(request)?.into_iter().filter(|(_, value)| !value.is_empty()) {
        if let Some(name) = name.strip_prefix(CUSTOM) {
            custom.insert(name.to_owned(), plain(&value));
            continue;
        }
        let number = || value.to_string().parse::<u64>().map_err(|_| refuse(format!("`{name}` must be a number")));
        match &*name {
            "item" => item = Some(number()?),
            "quantity" | "parent_ticket_id" => {
                body.insert(name.to_string(), json!(number()?));
            }
            "email" | "requested_for" => {
                body.insert(name.to_string(), json!(value.to_string().to_lowercase()));
            }
            _ => {
                return Err(refuse(format!(
                    "an order has no field `{name}`; known: email, item, parent_ticket_id, quantity, requested_for, custom_fields.NAME"
                )));
            }
        }
    }
    if !custom.is_empty() {
        body.insert("custom_fields".into(), Value::Object(custom));
    }
    Ok((item.ok_or_else(|| refuse("`item` is empty: it is the number of the service item"))?, body))
}

impl<C: Carrier> Freshservice<C> {
    /// What is wrong with the names of fields that a step fills; reads the account's own form.
    pub(super) fn form_problems(&self, action: Action, fields: &[&str]) -> Result<Vec<String>, TargetError> {
        match journey(action) {
            Some(journey) => Ok(form::problems(&self.form(journey)?, fields)),
            None => Ok(Vec::new()),
        }
    }
}

impl<C: Carrier> RunWorkflows for Freshservice<C> {
    fn find_made(&self, request: &Request, account: Option<&AccountId>) -> Result<Option<Box<str>>, TargetError> {
        if let Some(journey) = journey(request.action) {
            return self.find_request(journey, request);
        }
        match request.action {
            Action::CreateTicket => {
                let body = self.ticket_body(request, account)?;
                let text = |key: &str| match &body[key] {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                };
                let who = ["requester_id", "email"].into_iter().find_map(|key| Some((key, text(key)?)));
                let Some(who) = who else {
                    return Err(TargetError::new(
                        ErrorKind::Unsettled,
                        "cannot tell whether the ticket was made before: look in Freshservice",
                    ));
                };
                let tag = tag(request);
                self.find_ticket(who, |row| {
                    let tags = row.get("tags").and_then(Value::as_array);
                    tags.is_some_and(|tags| tags.iter().any(|one| one.as_str() == Some(&tag)))
                })
            }
            Action::CreateServiceRequest => self.find_order(request),
            _ => Ok(None),
        }
    }

    fn perform(&self, request: &Request, account: Option<&AccountId>) -> Result<Option<Box<str>>, TargetError> {
        if let Some(journey) = journey(request.action) {
            let (_, body) = self.form_body(journey, request)?;
            return self.make(
                &requests::create_request(journey, &body),
                Doing::CreateRequest,
                &format!("{journey}_request"),
            );
        }
        let needed = || account.ok_or_else(|| refuse("the employee has no account here"));
        match request.action {
            Action::CreateTicket => {
                let body = self.ticket_body(request, account)?;
                self.make(&requests::create_ticket(&body), Doing::CreateTicket, "ticket")
            }
            Action::CreateServiceRequest => {
                let (item, body) = order(request)?;
                self.make(&requests::place_request(item, &Value::Object(body)), Doing::PlaceOrder, "service_request")
            }
            Action::UpdateRequester => self.update_requester(request, needed()?).map(|()| None),
            Action::DeactivateRequester => {
                let account = needed()?;
                if self.account(account)?.is_some_and(|account| account.active) {
                    self.deactivate(account)?;
                }
                Ok(None)
            }
            Action::AddToRequesterGroup | Action::RemoveFromRequesterGroup => {
                let member = super::number(needed()?)?;
                let group = self.group(request)?;
                let joins = request.action == Action::AddToRequesterGroup;
                let method = if joins { Method::Post } else { Method::Delete };
                match self.send(&requests::member(method, group, member), Doing::ChangeMembers) {
                    // Who is no member need not be removed.
                    Err(error) if !joins && error.status == Some(404) => Ok(None),
                    other => other.map(|_| None),
                }
            }
            Action::CreateOnboardingRequest | Action::CreateOffboardingRequest => Ok(None),
        }
    }
}
