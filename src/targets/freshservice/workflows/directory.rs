//! Departments, locations and users, for the values that steps fill in.

use std::cell::RefCell;

use super::super::errors::Operation;
use super::super::names::NoId;
use super::super::requests::{self, Lookup, Users};
use super::super::{Freshservice, Named, Reads, wire};
use super::form::Lookups;
use super::refuse;
use crate::targets::TargetError;

/// Departments, locations and users of the account.
pub(super) struct Directory<'a, C> {
    desk: &'a Freshservice<C>,
    /// The first request that failed, which says more than "no such thing".
    failed: RefCell<Option<TargetError>>,
}

impl<'a, C: Reads> Directory<'a, C> {
    pub(super) fn new(desk: &'a Freshservice<C>) -> Self {
        Self { desk, failed: RefCell::default() }
    }

    /// Id and name, as the account spells it.
    pub(super) fn id(&self, named: Named, what: &str, name: &str) -> Result<(u64, String), String> {
        let book = self.desk.book(named).map_err(|error| self.keep(error))?;
        match book.id(name) {
            Ok(id) => Ok((id, book.name(id).into())),
            Err(NoId::Ambiguous) => Err(format!("several things of this name are a {what} in Freshservice")),
            Err(NoId::Unknown) => Err(format!("there is no such {what} in Freshservice")),
        }
    }

    fn keep(&self, error: TargetError) -> String {
        let message = error.message.clone();
        self.failed.borrow_mut().get_or_insert(error);
        message
    }

    /// The result, or the request that failed on the way to it.
    pub(super) fn or_failed<T>(self, result: Result<T, String>) -> Result<T, TargetError> {
        match self.failed.into_inner() {
            Some(error) => Err(error),
            None => result.map_err(refuse),
        }
    }

    /// What is wrong, or the request that failed before that was known.
    pub(super) fn checked(self, wrong: Vec<String>) -> Result<Vec<String>, TargetError> {
        self.or_failed(Ok(wrong))
    }
}

impl<C: Reads> Lookups for Directory<'_, C> {
    fn location(&self, name: &str) -> Result<u64, String> {
        self.id(Named::Locations, "location", name).map(|(id, _)| id)
    }

    fn department(&self, name: &str) -> Result<String, String> {
        self.id(Named::Departments, "department", name).map(|(_, name)| name)
    }

    fn user(&self, email: &str) -> Result<u64, String> {
        let found = self.desk.user_by_email(email).map_err(|error| self.keep(error))?;
        found.ok_or_else(|| "nobody in Freshservice has this address".into())
    }
}

impl<C: Reads> Freshservice<C> {
    pub(super) fn user_by_email(&self, email: &str) -> Result<Option<u64>, TargetError> {
        let address = email.trim().to_lowercase();
        if let Some(known) = self.users.lock().get(&address) {
            return Ok(*known);
        }
        let lookup = Lookup { parameter: "email", value: email };
        for users in [Users::Requesters, Users::Agents] {
            let (doing, wrapper) = match users {
                Users::Agents => (Operation::ListAgents, "agents"),
                _ => (Operation::ListRequesters, "requesters"),
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
            if let Some(id) = found {
                self.users.lock().insert(address, Some(id));
                return Ok(found);
            }
        }
        self.users.lock().insert(address, None);
        Ok(None)
    }
}
