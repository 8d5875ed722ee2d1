//! Orders from the service catalogue, and how one that was placed before is found again.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::field::{AccountId, FieldValue};
use crate::plan::WorkflowStep;

use super::super::errors::{Operation, unexpected};
use super::super::fields::CUSTOM;
use super::super::requests::TicketFilter;
use super::super::wire::{self, Row};
use super::super::{Freshservice, Reads, Transport, number, requests};
use super::form::{Form, Given};
use super::{Directory, given, plain, refuse, since};
use crate::targets::{ErrorKind, TargetError};

/// What an order is made of, beside the fields of its item.
pub(super) const FIELDS: &[&str] = &["email", "item", "parent_ticket_id", "quantity", "requested_for"];

/// An order as it is sent.
struct Order {
    item: u64,
    body: Map<String, Value>,
    /// Whom it is for, by address.
    person: String,
}

impl<C: Reads> Freshservice<C> {
    /// An item of the catalogue, whose own form says what must be filled; read once a run.
    pub(super) fn item(&self, item: u64) -> Result<Arc<Form>, TargetError> {
        self.form_of(&format!("service item {item}"), |desk| {
            let row = desk.item_row(item)?;
            let rows: Option<Vec<Row>> = match row.get("custom_fields") {
                None | Some(Value::Null) => Some(Vec::new()),
                Some(Value::Array(rows)) => rows.iter().map(|row| row.as_object().cloned()).collect(),
                Some(_) => None,
            };
            let form = rows.ok_or_else(|| "its `custom_fields` are no list of objects".to_owned());
            form.and_then(|rows| Form::read(&format!("service item {item}"), CUSTOM, &rows))
                .map_err(|why| unexpected(&why, 200, Operation::ReadItem))
        })
    }

    fn item_row(&self, item: u64) -> Result<Row, TargetError> {
        let response = match self.read(&requests::get_item(item), Operation::ReadItem) {
            Err(error) if error.status == Some(404) => {
                return Err(refuse(format!("Freshservice has no service item {item}; `item` is its display id")));
            }
            other => other?,
        };
        let row = wire::one(&response, &["service_item", "item"])
            .map_err(|why| unexpected(&why, response.status, Operation::ReadItem))?;
        if row.get("deleted").and_then(Value::as_bool) == Some(true) {
            return Err(refuse(format!("service item {item} is deleted in Freshservice")));
        }
        Ok(row)
    }

    fn order(&self, request: &WorkflowStep, account: Option<&AccountId>) -> Result<Order, TargetError> {
        let (custom, own): (Vec<Given>, Vec<Given>) =
            given(request)?.into_iter().partition(|(name, _)| name.starts_with(CUSTOM));
        let (item, mut body) = own_fields(own).map_err(refuse)?;
        let item = item.ok_or_else(|| refuse("`item` is empty: it is the display id of the service item"))?;
        let sent = match self.item(item) {
            Ok(form) => {
                let directory = Directory::new(self);
                let (sent, wrong) = form.fill(&custom, &directory);
                directory.or_failed(if wrong.is_empty() { Ok(sent) } else { Err(wrong.join("; ")) })?
            }
            // Without the right to look at the item, the service itself says what is missing.
            Err(error) if error.kind == ErrorKind::Rights => custom
                .iter()
                .filter_map(|(name, value)| Some((name, value.as_ref().filter(|value| !value.is_empty())?)))
                .map(|(name, value)| (name.trim_start_matches(CUSTOM).to_owned(), plain(value)))
                .collect(),
            Err(error) => return Err(error),
        };
        if !sent.is_empty() {
            body.insert("custom_fields".into(), Value::Object(sent));
        }
        if !body.contains_key("requested_for") && !body.contains_key("email") {
            // Without either, the order would be the key owner's own.
            let address = account.map(|account| self.address_of(account)).transpose()?.flatten();
            let address = address.ok_or_else(|| {
                refuse("the employee has no account with an address here, and the order names no `requested_for` or `email`")
            })?;
            body.insert("requested_for".into(), json!(address));
        }
        let person = body.get("requested_for").or_else(|| body.get("email")).and_then(Value::as_str);
        let person = person.unwrap_or_default().to_owned();
        Ok(Order { item, body, person })
    }

    /// The address of an account, in use or not.
    fn address_of(&self, account: &AccountId) -> Result<Option<String>, TargetError> {
        Ok(self.view(number(account)?)?.and_then(|user| user.address()))
    }

    /// What is wrong with the fields of an order.
    pub(super) fn order_problems(&self, fields: Vec<Given>) -> Result<Vec<String>, TargetError> {
        let (custom, own): (Vec<Given>, Vec<Given>) =
            fields.into_iter().partition(|(name, _)| name.starts_with(CUSTOM));
        let item = match own_fields(own) {
            Ok((Some(item), _)) => item,
            // An item that is worked out for each employee has no form before that.
            Ok((None, _)) => return Ok(Vec::new()),
            Err(why) => return Ok(vec![why]),
        };
        match self.item(item) {
            Ok(form) => {
                let directory = Directory::new(self);
                let (_, wrong) = form.fill(&custom, &directory);
                directory.checked(wrong)
            }
            Err(error) if error.kind == ErrorKind::Refused => Ok(vec![error.message]),
            Err(error) => Err(error),
        }
    }
}

impl<C: Transport> Freshservice<C> {
    pub(super) fn place_order(
        &self,
        request: &WorkflowStep,
        account: Option<&AccountId>,
    ) -> Result<Option<Box<str>>, TargetError> {
        let order = self.order(request, account)?;
        let body = Value::Object(order.body);
        self.make(&requests::place_request(order.item, &body), Operation::PlaceOrder, "service_request")
    }
}

impl<C: Reads> Freshservice<C> {
    /// The order that was placed for this person and item since the step was begun. An order carries nothing of
    /// ours, so these are what tells it.
    pub(super) fn find_order(
        &self,
        request: &WorkflowStep,
        account: Option<&AccountId>,
        begun: DateTime<Utc>,
    ) -> Result<Option<Box<str>>, TargetError> {
        let order = self.order(request, account)?;
        let Some(person) = self.user_by_email(&order.person)? else { return Ok(None) };
        let asked_by = order.body.get("email").and_then(Value::as_str);
        let requester = asked_by.map(|email| self.user_by_email(email)).transpose()?.flatten();
        let workspace = match self.item_row(order.item) {
            Ok(row) => row.get("workspace_id").and_then(Value::as_u64).filter(|id| *id != requests::PRIMARY_WORKSPACE),
            Err(error) if error.kind == ErrorKind::Rights => None,
            Err(error) => return Err(error),
        };
        let who = asked_by.map(|email| ("email", email.to_owned()));
        let filter = TicketFilter { who, since: since(begun), orders: true, workspace };
        for (id, row) in self.tickets_since(&filter)? {
            let is = |key: &str, wanted: u64| row.get(key).and_then(Value::as_u64) == Some(wanted);
            // What an earlier step of the same chain ordered is not this one's.
            let taken = request.results.iter().flatten().any(|made| **made == *id.to_string());
            let for_them = is("requested_for_id", person) && requester.is_none_or(|id| is("requester_id", id));
            if !taken && for_them && self.ordered(id)?.contains(&order.item) {
                return Ok(Some(id.to_string().into()));
            }
        }
        Ok(None)
    }

    /// The items of an order, by their display ids.
    fn ordered(&self, ticket: u64) -> Result<Vec<u64>, TargetError> {
        let response = self.read(&requests::requested_items(ticket), Operation::ListTickets)?;
        let rows = wire::rows(&response, "requested_items")
            .map_err(|why| unexpected(&why, response.status, Operation::ListTickets))?;
        Ok(rows.iter().filter_map(|row| row.get("service_item_id").and_then(Value::as_u64)).collect())
    }
}

/// The item, if it is known, and what goes beside the fields of its form.
pub(super) fn own_fields(own: Vec<Given>) -> Result<(Option<u64>, Map<String, Value>), String> {
    let (mut item, mut body) = (None, Map::new());
    for (name, value) in own {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        let number =
            |value: &FieldValue| value.to_string().parse::<u64>().map_err(|_| format!("`{name}` must be a number"));
        match &*name {
            "item" => item = Some(number(&value)?),
            "quantity" | "parent_ticket_id" => {
                body.insert(name.to_string(), json!(number(&value)?));
            }
            _ => {
                body.insert(name.to_string(), json!(value.to_string().to_lowercase()));
            }
        }
    }
    Ok((item, body))
}
