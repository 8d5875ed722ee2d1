//! Carries out one change, and looks at the target where its answer does not tell what came of it.

use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::http::{is_pressure, under_pressure};
use crate::plan::{Account, FieldChange, Op, Protection, same};
use crate::targets::{ErrorKind, TargetError, Written};

use super::read_back::STILL_IN_USE;
use super::writing::{Run, Step};

/// So many times one change is sent at most. Fewer are under way each time, and the last of them is alone as a rule.
const MOST_TIMES: usize = 5;

impl Run<'_> {
    /// Carries a step out when its turn comes, and once more when the service could not bear what went on beside it.
    pub(super) fn in_turn(&self, step: &Step, written: Option<Written>) -> Written {
        let in_batch = written.is_some();
        let mut turn = self.writers.turn();
        let (mut result, mut pressed) = under_pressure(|| self.carry_out(step, written));
        for _ in 1..MOST_TIMES {
            if in_batch || !could_not_keep_up(&result) || turn.is_alone() {
                break;
            }
            turn.end(false);
            turn = self.writers.turn();
            if self.may_not_send().is_some() || !self.may_be_sent_again(step) {
                break;
            }
            (result, pressed) = under_pressure(|| self.carry_out(step, None));
        }
        if let (Op::Create, Some(employee), Ok(Some(account))) = (step.intent.op, step.intent.employee, &result) {
            self.made.lock().insert(employee, account.clone());
            let fields = step.intent.fields.clone();
            *self.newest.lock() = Some((account.clone(), fields));
        }
        turn.end(!pressed && !could_not_keep_up(&result));
        result
    }

    /// Whether a change that was answered with an error of the service's own can do no harm when it is sent once more.
    fn may_be_sent_again(&self, step: &Step) -> bool {
        let Step { intent, brings_back, .. } = step;
        let still = |account: &AccountId, holds: &dyn Fn(&Account) -> bool| {
            let found = self.target.account(account);
            matches!(found, Ok(Some(found)) if found.protection.is_none() && holds(&found))
        };
        match (intent.op, &intent.account) {
            (Op::Create, _) => self.was_certainly_not_made(&intent.fields),
            (Op::Update | Op::Handover, Some(account)) if !brings_back && !intent.fields.is_empty() => {
                still(account, &|found| self.as_planned(found, &intent.fields))
            }
            (Op::Deactivate, Some(account)) => still(account, &|found| found.active),
            _ => false,
        }
    }

    /// Whether no match field finds an account, by a look-up that finds the account that was made last: a list or an
    /// index may lag behind what was written, and then it says nothing of what was written a moment ago.
    fn was_certainly_not_made(&self, fields: &[FieldChange]) -> bool {
        let Some((newest, its_fields)) = self.newest.lock().clone() else {
            return false;
        };
        let reader = self.target.reader();
        let mut is_believed = false;
        for index in self.options.match_fields {
            let value_in = |fields: &[FieldChange]| fields.iter().find(|field| field.index == *index).cloned();
            let Some(wanted) = value_in(fields) else { continue };
            let sees_newest = value_in(&its_fields).is_some_and(|field| {
                reader.find(*index, &field.after).is_ok_and(|found| found.iter().any(|account| account.id == newest))
            });
            match reader.find(*index, &wanted.after) {
                Ok(found) if found.is_empty() => is_believed |= sees_newest,
                _ => return false,
            }
        }
        is_believed
    }

    /// What came of a look at the target. After an unclear write a look that fails leaves it unclear, whatever
    /// kept us from looking.
    fn looked<T>(&self, write: &TargetError, found: Result<T, TargetError>) -> Result<T, TargetError> {
        found.map_err(|error| {
            match write.kind {
                ErrorKind::Unsettled | ErrorKind::Pending => {}
                ErrorKind::Refused | ErrorKind::Unexpected => return write.clone(),
                _ => return error,
            }
            self.note_kind(error.kind);
            TargetError { message: format!("{write}; looking for what came of it failed: {error}"), ..write.clone() }
        })
    }

    /// Carries a step out. `written` is what came of its first request, when a batch has sent that already.
    pub(super) fn carry_out(&self, step: &Step, written: Option<Written>) -> Written {
        let Step { intent, rewrite, .. } = step;
        let writer = self.target.writer();
        match (intent.op, &intent.account) {
            (Op::Reference, _) => {
                for field in &intent.fields {
                    let name = field.after.to_string();
                    match writer.create_reference(field.index, &name) {
                        Err(error) if error.kind == ErrorKind::Exists => {}
                        other => other?,
                    }
                }
                Ok(None)
            }
            (Op::Create, _) => {
                let employee = intent.employee.expect("a create is for an employee");
                let unnamed = || {
                    TargetError::new(ErrorKind::Unsettled, "an account was made, and the answer does not say its id")
                };
                let made = match written {
                    Some(written) => written.and_then(|account| account.ok_or_else(unnamed)),
                    None => writer.create(employee, &intent.fields),
                };
                match made {
                    Ok(account) => Ok(Some(account)),
                    Err(error)
                        if matches!(error.kind, ErrorKind::Exists | ErrorKind::Unsettled | ErrorKind::Pending) =>
                    {
                        self.adopt(employee, &intent.fields, error).map(Some)
                    }
                    Err(error) => Err(error),
                }
            }
            (Op::Update | Op::Handover, Some(account)) if !step.brings_back => {
                if !intent.fields.is_empty() {
                    self.update(account, &intent.fields, written)?;
                }
                Ok(Some(writer.id_after(account, &intent.fields)))
            }
            (Op::Reactivate | Op::Handover | Op::Update, Some(account)) => {
                self.reactivate(account, intent.fields.iter().chain(rewrite), written)?;
                Ok(Some(account.clone()))
            }
            (Op::Deactivate, Some(account)) => {
                let deactivate = || writer.deactivate(account);
                match self.again(account, sent_or(written, deactivate), |_| true, deactivate) {
                    Err(error) if error.kind == ErrorKind::NotFound => {}
                    // Refused may also mean that it is out of use already.
                    Err(error)
                        if matches!(error.kind, ErrorKind::Unsettled | ErrorKind::Refused | ErrorKind::Unexpected) =>
                    {
                        let found = self.looked(&error, self.target.account(account))?;
                        if found.is_some_and(|account| account.active) {
                            return Err(TargetError { message: format!("{error}; {STILL_IN_USE}"), ..error });
                        }
                    }
                    other => other?,
                }
                Ok(Some(account.clone()))
            }
            (op, None) | (op @ Op::Request, _) => {
                Err(TargetError::new(ErrorKind::Refused, format!("{op} needs an account and has none")))
            }
        }
    }

    fn update(&self, account: &AccountId, fields: &[FieldChange], written: Option<Written>) -> Result<(), TargetError> {
        let update = || self.target.writer().update(account, fields);
        match self.again(account, sent_or(written, update), |found| self.as_planned(found, fields), update) {
            Err(error) if error.kind == ErrorKind::Unsettled => {
                match self.looked(&error, self.target.account(account))? {
                    Some(found) if self.differing(&found, fields).is_empty() => Ok(()),
                    _ => Err(error),
                }
            }
            Err(error) if error.kind == ErrorKind::NotFound => Err(TargetError {
                message: "the account is gone from the target; the next run plans afresh".into(),
                ..error
            }),
            other => other,
        }
    }

    /// Whether an account still holds what the plan saw there, or what it is to hold already.
    fn as_planned(&self, found: &Account, fields: &[FieldChange]) -> bool {
        fields.iter().all(|field| {
            let (spec, there) = (self.schema.field(field.index), found.field(field.index));
            same(there, &field.before, spec) || same(there, &field.after, spec)
        })
    }

    /// Somebody else changed the account since it was read: looks at it, and sends once more if what the plan is
    /// about is still as the plan showed it.
    fn again(
        &self,
        account: &AccountId,
        result: Result<(), TargetError>,
        as_planned: impl Fn(&Account) -> bool,
        send: impl FnOnce() -> Result<(), TargetError>,
    ) -> Result<(), TargetError> {
        match result {
            Err(error) if error.kind == ErrorKind::Changed => match self.target.account(account)? {
                Some(found) if found.protection.is_none() && as_planned(&found) => send(),
                _ => Err(error),
            },
            other => other,
        }
    }

    /// Brings an account back, then writes whatever does not hold what it should: some services forget
    /// fields while an account is out of use.
    fn reactivate<'f>(
        &self,
        account: &AccountId,
        fields: impl Iterator<Item = &'f FieldChange>,
        written: Option<Written>,
    ) -> Result<(), TargetError> {
        let fields: Vec<FieldChange> = fields.cloned().collect();
        let reactivate = || self.target.writer().reactivate(account);
        match self.again(account, sent_or(written, reactivate), |_| true, reactivate) {
            Err(error) if error.kind == ErrorKind::Unsettled => {
                let found = self.looked(&error, self.target.account(account))?;
                if !found.is_some_and(|account| account.active) {
                    return Err(error);
                }
            }
            other => other?,
        }
        let to_write = if self.schema.capabilities.reactivate_loses_fields {
            match self.target.account(account)? {
                Some(found) => self.differing(&found, &fields),
                None => fields,
            }
        } else {
            fields
        };
        if to_write.is_empty() { Ok(()) } else { self.update(account, &to_write, None) }
    }

    /// Finds the account that stands in the way of a create, or that a create whose answer was lost may
    /// have made, and brings it in line.
    fn adopt(
        &self,
        employee: EmployeeId,
        fields: &[FieldChange],
        error: TargetError,
    ) -> Result<AccountId, TargetError> {
        for index in self.options.match_fields {
            let Some(field) = fields.iter().find(|field| field.index == *index) else {
                continue;
            };
            let mut found = self.looked(&error, self.target.find(*index, &field.after))?;
            found.retain(|account| same(account.field(*index), &field.after, self.schema.field(*index)));
            let account = match found.len() {
                0 => continue,
                1 => found.remove(0),
                several => {
                    let message = format!("{several} accounts have the same {}; none is taken", field.field);
                    return Err(TargetError::new(ErrorKind::Refused, message));
                }
            };
            let partly = account.writable.as_ref().map(|_| Protection::Agent);
            if let Some(protection) = account.protected_by(self.options.protect, self.schema).or(partly) {
                let message = format!(
                    "the account {} has the same {} and is never changed ({})",
                    account.id,
                    field.field,
                    protection.code()
                );
                return Err(TargetError::new(ErrorKind::Refused, message));
            }
            if let Some((owner, _)) = self.options.owned.iter().find(|(_, owned)| **owned == account.id) {
                let message =
                    format!("the account {} has the same {} and belongs to employee {owner}", account.id, field.field);
                return Err(TargetError::new(ErrorKind::Refused, message));
            }
            if self.made.lock().iter().any(|(other, made)| *made == account.id && *other != employee) {
                let message = format!("the account {} was made for another employee in this run", account.id);
                return Err(TargetError::new(ErrorKind::Refused, message));
            }
            let differing = self.differing(&account, fields);
            if !account.active {
                self.reactivate(&account.id, fields.iter(), None)?;
            } else if !differing.is_empty() {
                self.update(&account.id, &differing, None)?;
            }
            if error.kind == ErrorKind::Exists {
                self.found.lock().insert(employee);
            }
            return Ok(account.id);
        }
        Err(error)
    }

    pub(super) fn differing(&self, account: &Account, fields: &[FieldChange]) -> Vec<FieldChange> {
        let differs =
            |field: &&FieldChange| !same(account.field(field.index), &field.after, self.schema.field(field.index));
        fields.iter().filter(differs).cloned().collect()
    }
}

/// Whether a service answered that it had an error of its own, was out of order or had too many requests at that moment.
fn could_not_keep_up(result: &Written) -> bool {
    matches!(result, Err(TargetError { status: Some(status), .. }) if is_pressure(*status))
}

/// What a batch brought, or else what sending brings now.
fn sent_or(written: Option<Written>, send: impl FnOnce() -> Result<(), TargetError>) -> Result<(), TargetError> {
    written.map_or_else(send, |written| written.map(drop))
}
