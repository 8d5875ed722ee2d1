use std::sync::Arc;

use chrono::NaiveDate;

use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, FieldChange, Snapshot, same};
use crate::progress::{NoProgress, Progress};
use crate::rules::convert;
use crate::targets::{Deliver, ErrorKind, ReadAccounts, Target, TargetError, WriteAccounts};

use super::carrier::Parcels;

/// An open delivery that speaks our fields: names, order and spelling are translated both ways, so that what is
/// compared has been through the same checks on both sides.
pub(super) struct DeliveredTarget {
    pub(super) inner: Arc<dyn Target>,
    /// Where the inner one is a file.
    pub(super) parcels: Option<Parcels>,
    pub(super) fields: Vec<FieldSpec>,
    pub(super) inner_fields: Vec<FieldSpec>,
    pub(super) inner_of: Vec<FieldIndex>,
    /// Yes and no where only text can be written.
    pub(super) words: [&'static str; 2],
}

impl DeliveredTarget {
    fn for_delivery(&self, value: &FieldValue, spec: &FieldSpec) -> FieldValue {
        match value {
            FieldValue::Bool(value) if spec.kind != FieldKind::Bool => {
                FieldValue::text(if *value { self.words[0] } else { self.words[1] })
            }
            other => other.clone(),
        }
    }

    /// A value that the field cannot take stays as it was read, so that it differs from any that should be there.
    fn read_back(&self, value: &FieldValue, outer: &FieldSpec, inner: &FieldSpec) -> FieldValue {
        let day = match (value, &inner.day_format, outer.kind) {
            (FieldValue::Text(text), Some(format), FieldKind::Date) => NaiveDate::parse_from_str(text, format).ok(),
            _ => None,
        };
        let value = day.map_or_else(|| value.clone(), FieldValue::Date);
        convert(value.clone(), outer).unwrap_or(value)
    }

    fn outer_account(&self, account: &Account) -> Account {
        let fields: Vec<FieldValue> = self
            .fields
            .iter()
            .zip(&self.inner_of)
            .map(|(outer, index)| self.read_back(account.field(*index), outer, &self.inner_fields[index.get()]))
            .collect();
        let mut found = Account::new(account.id.clone(), account.active, fields);
        found.protection = account.protection;
        found
    }

    fn inner_changes(&self, changes: &[FieldChange]) -> Vec<FieldChange> {
        changes
            .iter()
            .map(|change| {
                let index = self.inner_of[change.index.get()];
                let spec = &self.inner_fields[index.get()];
                FieldChange {
                    index,
                    field: spec.name.clone(),
                    before: self.for_delivery(&change.before, spec),
                    after: self.for_delivery(&change.after, spec),
                }
            })
            .collect()
    }
}

impl ReadAccounts for DeliveredTarget {
    fn schema(&self) -> Result<Schema, TargetError> {
        let mut capabilities = self.inner.reader().schema()?.capabilities;
        // Leaving is a matter of dates in these systems; ending a record is for a person to do there.
        capabilities.deactivate = false;
        capabilities.reactivate = false;
        capabilities.delete = false;
        Ok(Schema { fields: self.fields.clone(), capabilities, ..Schema::default() })
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        let mut snapshot = self.inner.reader().accounts(progress)?;
        for account in &mut snapshot.accounts {
            *account = self.outer_account(account);
        }
        Ok(snapshot)
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        Ok(self.inner.reader().account(id)?.map(|account| self.outer_account(&account)))
    }

    fn reads_by_id(&self) -> bool {
        self.inner.reader().reads_by_id()
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        let spec = &self.fields[field.get()];
        let accounts = self.accounts(&NoProgress)?.accounts;
        Ok(accounts.into_iter().filter(|account| same(account.field(field), value, spec)).collect())
    }
}

impl WriteAccounts for DeliveredTarget {
    fn create_reference(&self, _field: FieldIndex, _name: &str) -> Result<(), TargetError> {
        Err(TargetError::new(ErrorKind::Refused, "this target has nothing that fields refer to"))
    }

    fn create(&self, employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        self.inner.writer().create(employee, &self.inner_changes(fields))
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        self.inner.writer().update(account, &self.inner_changes(changes))
    }

    fn reactivate(&self, _account: &AccountId) -> Result<(), TargetError> {
        Err(TargetError::new(ErrorKind::Refused, "a record that has ended is brought back by hand only"))
    }

    fn deactivate(&self, _account: &AccountId) -> Result<(), TargetError> {
        Err(TargetError::new(ErrorKind::Refused, "a record is ended by hand only"))
    }

    fn id_after(&self, account: &AccountId, changes: &[FieldChange]) -> AccountId {
        self.inner.writer().id_after(account, &self.inner_changes(changes))
    }

    fn deliver(&self) -> Option<&dyn Deliver> {
        self.parcels.as_ref().map(|parcels| parcels as &dyn Deliver)
    }

    fn finish(&self) -> Result<(), TargetError> {
        self.inner.writer().finish()
    }
}
