//! What planning sees of an account.

use crate::code::Code;
use crate::field::{AccountId, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, Action, Notice, ReferenceNames, Snapshot, same};

use super::super::{CheckSteps, ListFields, ReadAccounts, ReadOffers, StepField, TargetError};
use super::reading::Reading;
use super::requests::Lookup;
use super::{AgentView, Freshservice, Named, Reads, fields, number};
use crate::progress::Progress;

impl<C: Reads> CheckSteps for Freshservice<C> {
    fn check_step(
        &self,
        action: Action,
        fields: &[(Box<str>, Option<FieldValue>)],
    ) -> Result<Vec<String>, TargetError> {
        self.step_problems(action, fields)
    }

    fn step_form(
        &self,
        action: Action,
        known: &[(Box<str>, Option<FieldValue>)],
    ) -> Result<Vec<StepField>, TargetError> {
        self.form_of_step(action, known)
    }
}

impl<C: Reads> ListFields for Freshservice<C> {
    fn all_fields(&self, known: Vec<FieldSpec>) -> Result<Vec<FieldSpec>, TargetError> {
        Ok(fields::all(known, &self.all_rows()?))
    }
}

impl<C: Reads> ReadAccounts for Freshservice<C> {
    fn read_offers(&self) -> ReadOffers<'_> {
        ReadOffers { forms: Some(self), fields: Some(self), ..ReadOffers::default() }
    }

    fn schema(&self) -> Result<Schema, TargetError> {
        Ok(self.described()?.schema.clone())
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        let described = self.described()?;
        let schema = &described.schema;
        let open_agents = self.open_agents()?;
        let mut reading = Reading::new(&schema.fields);
        reading.open_agents.clone_from(&open_agents);
        let mut view = self.read_users(None, &mut reading, Some(progress))?;
        if reading.repeated || reading.doubt.is_some() {
            // The list is sorted by first name and shifts when somebody is added or renamed meanwhile.
            reading = Reading::new(&schema.fields);
            reading.open_agents = open_agents;
            view = self.read_users(None, &mut reading, None)?;
        }
        let Reading { accounts, standings, problems, repeated, doubt, .. } = reading;
        let shifted = || "the list of requesters shifted while it was read, twice: ids came more than once".to_owned();
        let incomplete = doubt.or_else(|| repeated.then(shifted));

        let mut notices = described.notices.clone();
        notices.extend(agent_notice(view));
        notices.extend(problems.into_iter().map(unreadable));
        *self.standings.lock() = standings.into_iter().collect();
        Ok(Snapshot { accounts, incomplete, notices, ..Snapshot::default() })
    }

    fn references(&self, field: FieldIndex) -> Result<Option<ReferenceNames>, TargetError> {
        let described = self.described()?;
        let Some(named) = described.schema.fields.get(field.get()).and_then(Named::of) else { return Ok(None) };
        Ok(Some(self.book(named)?.reference_names()))
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        let described = self.described()?;
        let Ok(id) = number(id) else { return Ok(None) };
        let Some(user) = self.view(id)? else { return Ok(None) };
        let fields = &described.schema.fields;
        let names = self.names_for(fields, std::slice::from_ref(user.row()))?;
        Ok(Some(user.account(fields, &names).0))
    }

    fn accounts_by_id(&self, ids: &[AccountId]) -> Result<Option<Snapshot>, TargetError> {
        if self.updates_agents {
            // Which agents may be written, their list tells.
            return Ok(None);
        }
        let described = self.described()?;
        let fields = &described.schema.fields;
        let mut snapshot = Snapshot { notices: described.notices.clone(), ..Snapshot::default() };
        let users = ids.iter().filter_map(|id| number(id).ok()).map(|id| self.view(id));
        let users = users.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        for user in users {
            let names = self.names_for(fields, std::slice::from_ref(user.row()))?;
            let (account, problem) = user.account(fields, &names);
            snapshot.accounts.push(account);
            snapshot.notices.extend(problem.map(unreadable));
        }
        Ok(Some(snapshot))
    }

    fn reads_by_id(&self) -> bool {
        true
    }

    /// The query language knows more fields, and lags behind writes by minutes.
    fn look_up(&self, field: FieldIndex, value: &FieldValue) -> Result<Option<Vec<Account>>, TargetError> {
        let described = self.described()?;
        let parameter = described.schema.fields.get(field.get()).and_then(|spec| parameter(&spec.name));
        match (parameter, value) {
            (Some(_), FieldValue::Text(_)) => self.find(field, value).map(Some),
            _ => Ok(None),
        }
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        let described = self.described()?;
        let fields = &described.schema.fields;
        let Some(spec) = fields.get(field.get()) else { return Ok(Vec::new()) };
        // The query language lags behind writes by minutes: everything is read instead.
        let lookup = match (parameter(&spec.name), value) {
            (_, FieldValue::Empty) => return Ok(Vec::new()),
            (Some(parameter), FieldValue::Text(value)) => Some(Lookup { parameter, value }),
            _ => None,
        };
        let mut reading = Reading::new(fields);
        self.read_users(lookup, &mut reading, None)?;
        self.standings.lock().extend(reading.standings);
        // An id of ours is a number there and may be a text here.
        let wanted = if spec.kind == FieldKind::Text { FieldValue::text(&value.to_string()) } else { value.clone() };
        // An exact look-up by e-mail may answer with somebody who has it as a second address.
        reading.accounts.retain(|account| same(account.field(field), &wanted, spec));
        Ok(reading.accounts)
    }
}

fn unreadable(message: String) -> Notice {
    Notice::new(Code::AccountUnreadable, message)
}

/// What users are looked up by, at once and exactly.
fn parameter(field: &str) -> Option<&'static str> {
    match field {
        "primary_email" => Some("email"),
        "work_phone_number" => Some("work_phone_number"),
        "mobile_phone_number" => Some("mobile_phone_number"),
        _ => None,
    }
}

/// What an operator should know of agents that cannot be seen together with requesters.
fn agent_notice(view: AgentView) -> Option<Notice> {
    let (code, message) = match view {
        AgentView::Together => return None,
        AgentView::Apart => (
            Code::AgentsReadApart,
            "Freshservice does not list agents together with requesters for this key; they were read from their own list.",
        ),
        AgentView::Hidden => (
            Code::AgentsNotVisible,
            "The key may not see agents: an employee who is one is not recognised, and creating a requester for them will be refused. Ask an administrator for the permission to manage agents.",
        ),
    };
    Some(Notice::new(code, message))
}
