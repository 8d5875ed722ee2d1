//! On- and offboarding requests: made through a form of the account's own, never changed, never removed.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};

use crate::field::FieldValue;
use crate::plan::WorkflowStep;

use super::super::errors::{Operation, unexpected};
use super::super::wire::{self, Row};
use super::super::{Freshservice, Reads, Transport, requests};
use super::form::{Form, FormField, Given, Lookups, address, number};
use super::{Directory, given, look_through, refuse};
use crate::targets::{ErrorKind, TargetError};

/// The one field that is none of the form's: on whose behalf the request is made.
pub(super) const INITIATOR: &str = "initiator_id";

impl<C: Reads> Freshservice<C> {
    /// The form of a kind of request, read once a run.
    pub(super) fn form(&self, journey: &'static str) -> Result<Arc<Form>, TargetError> {
        self.form_of(journey, |desk| {
            let response = desk.read(&requests::form(journey), Operation::ReadForm)?;
            let read = wire::rows(&response, "fields").and_then(|rows| Form::read("the form", "", &rows));
            read.map_err(|why| unexpected(&why, response.status, Operation::ReadForm))
        })
    }

    /// A form by its name, read with `read` once a run.
    pub(super) fn form_of(
        &self,
        name: &str,
        read: impl FnOnce(&Self) -> Result<Form, TargetError>,
    ) -> Result<Arc<Form>, TargetError> {
        let mut forms = self.forms.lock();
        if let Some(form) = forms.get(name) {
            return Ok(Arc::clone(form));
        }
        let form = Arc::new(read(self)?);
        forms.insert(name.into(), Arc::clone(&form));
        Ok(form)
    }

    /// What is wrong with the fields of a request.
    pub(super) fn request_problems(
        &self,
        journey: &'static str,
        fields: Vec<Given>,
    ) -> Result<Vec<String>, TargetError> {
        let form = self.form(journey)?;
        let directory = Directory::new(self);
        let (_, wrong) = filled(&form, fields, &directory);
        directory.checked(wrong)
    }

    fn request_body(&self, journey: &'static str, request: &WorkflowStep) -> Result<(Arc<Form>, Value), TargetError> {
        let form = self.form(journey)?;
        let directory = Directory::new(self);
        let body = body(&form, given(request)?, &directory);
        directory.or_failed(body).map(|body| (form, body))
    }
}

impl<C: Transport> Freshservice<C> {
    pub(super) fn make_request(
        &self,
        journey: &'static str,
        request: &WorkflowStep,
    ) -> Result<Option<Box<str>>, TargetError> {
        let (_, body) = self.request_body(journey, request)?;
        let wrapper = format!("{journey}_request");
        self.make(&requests::create_request(journey, &body), Operation::CreateRequest, &wrapper)
    }
}

impl<C: Reads> Freshservice<C> {
    pub(super) fn find_request(
        &self,
        journey: &'static str,
        request: &WorkflowStep,
    ) -> Result<Option<Box<str>>, TargetError> {
        let (form, body) = self.request_body(journey, request)?;
        let Some(key) = Key::of(&form, &body, request.employee.0, request.day) else {
            return Err(refuse(
                "no field says whose request it is, so an earlier one cannot be found: fill a text field of the form with `employee_id`",
            ));
        };
        let (mut found, mut known) = (None, HashSet::new());
        let wrapper = format!("{journey}_requests");
        let doubt = self.pages(
            Operation::ListRequests,
            &wrapper,
            |page| requests::list_requests(journey, page),
            |rows| {
                look_through(&rows, &mut known, |id, row| {
                    if key.fits(row) {
                        found.get_or_insert(id);
                    }
                })
            },
        )?;
        match (found, doubt) {
            (None, Some(why)) => Err(TargetError::new(ErrorKind::Unexpected, why)),
            (found, _) => Ok(found.map(|id| id.to_string().into())),
        }
    }
}

/// What is sent, and what is wrong with it.
fn filled(form: &Form, fields: Vec<Given>, lookups: &dyn Lookups) -> (Value, Vec<String>) {
    let (initiator, fields): (Vec<Given>, Vec<Given>) =
        fields.into_iter().partition(|(name, _)| &**name == INITIATOR && form.field(INITIATOR).is_none());
    let (sent, mut wrong) = form.fill(&fields, lookups);
    let mut body = json!({"fields": Map::from_iter(sent)});
    for value in initiator.into_iter().filter_map(|(_, value)| value).filter(|value| !value.is_empty()) {
        match user(&value, lookups) {
            Ok(id) => body[INITIATOR] = json!(id),
            Err(why) => wrong.push(format!("`{INITIATOR}`: {why}")),
        }
    }
    (body, wrong)
}

fn user(value: &FieldValue, lookups: &dyn Lookups) -> Result<u64, String> {
    match number(value) {
        Some(id) => Ok(id),
        None => lookups.user(address(value)?),
    }
}

/// The body of a request.
///
/// # Errors
///
/// Names the fields and what is wrong with their values; never shows them.
fn body(form: &Form, fields: Vec<Given>, lookups: &dyn Lookups) -> Result<Value, String> {
    let (body, wrong) = filled(form, fields, lookups);
    if wrong.is_empty() { Ok(body) } else { Err(wrong.join("; ")) }
}

/// How a request is told from those of others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    /// Fields that must be the same, as they were sent.
    same: Vec<(String, Value)>,
    /// The days that must be the same.
    days: Vec<(String, Value)>,
    /// Without such a day: since when a request must have been made. Who comes back or leaves again gets another.
    since: Option<NaiveDate>,
}

/// No request is made longer than this before its day.
const AHEAD: TimeDelta = TimeDelta::days(366);

impl Key {
    /// The field that holds the employee's id if one does, else the e-mail address, else every text; and the days,
    /// because who comes back gets a request of their own.
    fn of(form: &Form, body: &Value, employee: u64, day: NaiveDate) -> Option<Self> {
        let sent = body["fields"].as_object()?;
        let field = |name: &str| form.field(name);
        let is_plain = |name: &str| {
            // Lookups come back as ids, but for texts that are looked up.
            field(name).is_some_and(|field| !field.is_date() && (field.source.is_none() || field.kind == "custom_text"))
        };
        let days = sent.iter().filter(|(name, _)| field(name).is_some_and(FormField::is_date));
        let texts = || sent.iter().filter(|(name, value)| is_plain(name) && value.is_string());
        let is_id = |value: &Value| value.as_str().is_some_and(|text| text == employee.to_string());
        let is_address = |name: &str, value: &Value| {
            value.as_str().is_some_and(|text| text.contains('@')) && !name.contains("manager")
        };
        let same: Vec<(String, Value)> = match texts().find(|(_, value)| is_id(value)) {
            Some((name, value)) => vec![(name.clone(), value.clone())],
            None => match texts().find(|(name, value)| is_address(name, value)) {
                Some((name, value)) => vec![(name.clone(), value.clone())],
                None => texts().map(|(name, value)| (name.clone(), value.clone())).collect(),
            },
        };
        let days: Vec<(String, Value)> = days.map(|(name, value)| (name.clone(), value.clone())).collect();
        let since = days.is_empty().then(|| day - AHEAD);
        (!same.is_empty()).then_some(Self { same, days, since })
    }

    /// Whether a row of the list is this request. Cancelled ones do not count.
    fn fits(&self, row: &Row) -> bool {
        const CANCELLED: u64 = 2;
        if row.get("status").and_then(Value::as_u64) == Some(CANCELLED) {
            return false;
        }
        let Some(fields) = row.get("fields").and_then(Value::as_object) else { return false };
        let made = row.get("created_at").and_then(Value::as_str).and_then(day);
        if self.since.is_some_and(|since| made.is_some_and(|made| made < since)) {
            return false;
        }
        let there = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
        let sent = |value: &Value| value.as_str().unwrap_or_default().trim().to_lowercase();
        self.same.iter().all(|(name, value)| there(name) == sent(value))
            && self
                .days
                .iter()
                .all(|(name, value)| day(&there(name)).is_some_and(|day_there| Some(day_there) == day(&sent(value))))
    }
}

/// Days are sent as 2027-02-01 and come back as 01-02-2027.
fn day(text: &str) -> Option<chrono::NaiveDate> {
    let text = text.get(..10)?;
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .or_else(|_| chrono::NaiveDate::parse_from_str(text, "%d-%m-%Y"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::super::form::tests::{Known, form, values};
    use super::*;

    #[test]
    fn on_whose_behalf_a_request_is_made_is_none_of_its_fields() {
        let text = FieldValue::text;
        let made = body(&form(), values(&[("initiator_id", text("lead@example.com"))]), &Known).unwrap();
        assert_eq!((&made["initiator_id"], made["fields"].get("initiator_id")), (&json!(880_002), None));
        let made = body(&form(), values(&[("initiator_id", FieldValue::Integer(5))]), &Known).unwrap();
        assert_eq!(made["initiator_id"], json!(5));
        let error = body(&form(), values(&[("initiator_id", text("secret@example.com"))]), &Known).unwrap_err();
        assert_eq!(error, "`initiator_id`: nobody has this address");
    }

    #[test]
    fn a_request_is_recognised_by_id_then_address_then_name_and_always_by_day() {
        let row = |status: u64, fields: Value| {
            json!({"id": 41, "status": status, "fields": fields}).as_object().unwrap().clone()
        };
        let whole = json!({"cf_employee_name": "Mira Osei", "cf_personio_id": "4711", "cf_email": "mira@example.com", "cf_date_of_joining": "01-02-2027"});
        let key = |more: &[(&str, FieldValue)]| {
            let body = body(&form(), values(more), &Known).unwrap();
            Key::of(&form(), &body, 4711, "2027-02-01".parse().unwrap()).unwrap()
        };
        let text = FieldValue::text;
        let with = |name: &str, value: Value| {
            let mut fields = whole.clone();
            fields[name] = value;
            row(3, fields)
        };
        let by_id = key(&[("cf_personio_id", text("4711")), ("cf_email", text("new@example.com"))]);
        assert!(by_id.fits(&row(3, whole.clone())) && by_id.fits(&with("cf_employee_name", json!("M. Osei"))));
        assert!(
            !by_id.fits(&with("cf_personio_id", json!("4712"))) && !by_id.fits(&with("cf_personio_id", Value::Null))
        );
        let by_mail = key(&[("cf_email", text("Mira@example.com"))]);
        assert!(by_mail.fits(&with("cf_employee_name", json!("M. Osei"))));
        assert!(!by_mail.fits(&with("cf_email", json!("other@example.com"))));
        let by_name = key(&[]);
        assert!(by_name.fits(&row(1, whole.clone())) && !by_name.fits(&with("cf_employee_name", json!("M. Osei"))));
        for key in [by_id, by_mail, by_name] {
            assert!(!key.fits(&with("cf_date_of_joining", json!("02-01-2027"))), "another day is another request");
            assert!(!key.fits(&row(2, whole.clone())), "a cancelled one does not count");
        }
    }

    #[test]
    fn without_a_day_of_its_own_a_request_of_years_ago_is_another() {
        let body = json!({"fields": {"cf_personio_id": "4711"}});
        let key = Key::of(&form(), &body, 4711, "2027-02-01".parse().unwrap()).unwrap();
        let made = |day: &str| {
            let row = json!({"id": 41, "status": 3, "created_at": format!("{day}T08:00:00Z"), "fields": {"cf_personio_id": "4711"}});
            key.fits(row.as_object().unwrap())
        };
        assert_eq!(
            [made("2024-06-01"), made("2026-01-30"), made("2026-01-31"), made("2027-02-03")],
            [false, false, true, true]
        );
    }
}
