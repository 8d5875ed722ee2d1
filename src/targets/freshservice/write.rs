//! One change at a time.

use std::sync::Arc;

use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex};
use crate::plan::FieldChange;

use super::super::{ErrorKind, RunWorkflows, TargetError, WriteAccounts};
use super::errors::{self, Operation, unanswered, unexpected};
use super::names::NoId;
use super::reading::Standing;
use super::{Freshservice, Named, REACHABLE, Transport, accepted, requests, says_sees_all_tickets, wire};

impl<C: Transport> WriteAccounts for Freshservice<C> {
    fn create_reference(&self, field: FieldIndex, name: &str) -> Result<(), TargetError> {
        let described = self.described()?;
        let schema = &described.schema;
        let named = schema.fields.get(field.get()).and_then(Named::of).ok_or_else(|| {
            TargetError::new(ErrorKind::Refused, "only departments and locations can be made by name")
        })?;
        let _one_at_a_time = self.making.lock();
        let known = self.book(named)?.id(name);
        let (doing, request, wrappers) = match named {
            Named::Departments => {
                (Operation::CreateDepartment, requests::create_department(name.trim()), ["department", "departments"])
            }
            Named::Locations => {
                (Operation::CreateLocation, requests::create_location(name.trim()), ["location", "locations"])
            }
        };
        match known {
            Ok(_) => return Ok(()),
            Err(NoId::Ambiguous) => {
                return Err(TargetError::new(ErrorKind::Refused, "Freshservice has several things of this name"));
            }
            Err(NoId::Unknown) => {}
        }
        let made = self.send(&request, doing).and_then(|response| {
            let id = wire::one(&response, &wrappers).and_then(|row| wire::id(&row));
            id.map_err(|why| unexpected(&why, response.status, doing))
        });
        let error = match made {
            Ok(id) => {
                Arc::make_mut(self.names.lock().of_mut(named).get_or_insert_default()).insert(id, name);
                return Ok(());
            }
            Err(error) => error,
        };
        // Somebody else may have made it, or the answer to ours was lost: the list knows.
        let in_doubt = matches!(error.kind, ErrorKind::Exists | ErrorKind::Unsettled) || error.status == Some(400);
        if in_doubt && let Ok(book) = self.read_book(named) {
            let found = book.id(name).is_ok();
            *self.names.lock().of_mut(named) = Some(Arc::new(book));
            if found {
                return Ok(());
            }
        }
        match error.kind {
            // Said to exist, but not to be seen: its id stays unknown.
            ErrorKind::Exists => Err(TargetError { kind: ErrorKind::Refused, ..error }),
            _ => Err(error),
        }
    }

    fn create(&self, _employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        let fields: Vec<FieldChange> = fields.iter().filter(|field| !field.after.is_empty()).cloned().collect();
        if !fields.iter().any(|field| REACHABLE.contains(&&*field.field)) {
            let why =
                "a requester needs at least one of `primary_email`, `work_phone_number` and `mobile_phone_number`";
            return Err(TargetError::new(ErrorKind::Refused, why));
        }
        let response = self.send(&requests::create_requester(&self.body(&fields)?), Operation::Create)?;
        let id = wire::one(&response, &["requester"])
            .and_then(|row| wire::id(&row))
            .map_err(|why| unexpected(&why, response.status, Operation::Create))?;
        let sees_all_tickets = says_sees_all_tickets(&fields).unwrap_or(false);
        self.standings.lock().insert(id, Standing { is_agent: false, sees_all_tickets });
        Ok(AccountId::from(id.to_string()))
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.put(account, self.body(changes)?, says_sees_all_tickets(changes))
    }

    fn workflows(&self) -> Option<&dyn RunWorkflows> {
        Some(self)
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        let (id, _) = self.writable(account)?;
        let request = requests::reactivate_requester(id);
        let response = self.transport.write(&request).map_err(|error| unanswered(&error, Operation::Reactivate))?;
        if errors::is_active_already(&response) {
            return Ok(());
        }
        accepted(&response, Operation::Reactivate)
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        let gone = |error: TargetError| match error.kind {
            ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        };
        match self.writable(account) {
            Ok((id, _)) => {
                self.send(&requests::deactivate_requester(id), Operation::Deactivate).map(drop).or_else(gone)
            }
            Err(error) => gone(error),
        }
    }
}
