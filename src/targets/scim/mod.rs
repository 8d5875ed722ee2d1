//! Any service that speaks SCIM 2.0 (RFC 7643, 7644, 9865).

mod bulk;
mod deviations;
mod directory;
mod discovery;
mod errors;
mod fields;
mod filter;
mod patch;
mod path;
mod requests;
mod service;
mod settings;
pub mod simulated;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

pub(crate) use deviations::{Clear, DeclaredDeviations, Deviations, Preset};
pub(crate) use directory::Directory;
pub(crate) use errors::{Operation, no_answer, not_done, refusal, unexpected};
pub(crate) use fields::lookup;
pub(crate) use filter::Filter;
pub(crate) use path::{ENTERPRISE, Path};
pub(crate) use settings::{Settings, key_owner};
pub(crate) use wire::Field;

use crate::employee::EmployeeId;
use crate::field::{Access, AccountId, FieldIndex, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, FieldChange, Snapshot};
use crate::section::Table;

use super::{
    Connection, FieldLookup, ListFields, ReadAccounts, ReadOffers, SandboxAddresses, Target, TargetError, TargetType,
    WriteAccounts, WriteBatches,
};
use crate::progress::Progress;

pub const KIND: super::Kind = super::Kind {
    name: "scim",
    parse,
    starter: include_str!("starter.toml"),
    keys: settings::schema,
    simulate: Some(|_| Box::<simulated::Scim>::default()),
};

/// A SCIM service as the file describes it.
#[derive(Debug)]
struct ScimType {
    settings: Settings,
}

/// Reads what a `scim` section has beside the keys every target has.
///
/// `None` when something needed is missing or wrong, which is then among the problems.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    Some(Box::new(ScimType { settings: settings::read(table)? }))
}

impl TargetType for ScimType {
    fn kind(&self) -> &'static str {
        "scim"
    }

    fn field(&self, name: &str) -> FieldLookup {
        match fields::lookup(name) {
            FieldLookup::Known(spec) => FieldLookup::Known(self.adapted(spec)),
            FieldLookup::Open(spec) => FieldLookup::Open(self.adapted(spec)),
            FieldLookup::Unknown => FieldLookup::Unknown,
        }
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        fields::known().into_iter().map(|spec| self.adapted(spec)).collect()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["externalId", "userName"]
    }

    fn identity(&self) -> String {
        let position =
            self.settings.base_url.split_once("://").map_or(&*self.settings.base_url, |(_, position)| position);
        format!("scim:{}", position.to_lowercase())
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        let Connection { name, fields, mapped, match_fields, .. } = connection;
        let fields = fields.into_iter().map(|spec| {
            let path = Path::parse(&spec.name).map_err(|why| anyhow::anyhow!("`{}`: {why}", spec.name))?;
            Ok(Field::new(spec, path))
        });
        let fields = fields.collect::<anyhow::Result<Vec<Field>>>()?;
        Ok(Box::new(ScimTarget(Directory::open(&name, &self.settings, fields, mapped, &match_fields)?)))
    }

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
        self.settings.redirect(format!("{}/scim/{}", sandbox.base_url, sandbox.target), sandbox.secret.clone());
    }
}

impl ScimType {
    /// A field as this section has it: what a preset requires, and what must be left alone.
    fn adapted(&self, spec: FieldSpec) -> FieldSpec {
        let deviations = &self.settings.deviations;
        let Ok(path) = Path::parse(&spec.name) else { return spec };
        let spec = if deviations.required.contains(&&*spec.name) { spec.required() } else { spec };
        if self.settings.preserve.iter().any(|kept| kept.whole() == path.whole()) {
            return spec.access(Access::ReadOnly);
        }
        spec
    }
}

/// A SCIM service that is open.
#[derive(Debug)]
struct ScimTarget(Directory);

impl ListFields for ScimTarget {
    fn all_fields(&self, known: Vec<FieldSpec>) -> Result<Vec<FieldSpec>, TargetError> {
        let described = self.0.described_fields()?;
        Ok(if described.is_empty() { known } else { described })
    }
}

impl ReadAccounts for ScimTarget {
    fn read_offers(&self) -> ReadOffers<'_> {
        ReadOffers { fields: Some(self), ..ReadOffers::default() }
    }

    fn schema(&self) -> Result<Schema, TargetError> {
        self.0.schema()
    }

    fn accounts(&self, progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        self.0.accounts(progress)
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        self.0.account(id)
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        self.0.find(field, value)
    }

    fn accounts_by_id(&self, ids: &[AccountId]) -> Result<Option<Snapshot>, TargetError> {
        self.0.accounts_by_id(ids).map(Some)
    }

    fn reads_by_id(&self) -> bool {
        true
    }

    fn look_up(&self, field: FieldIndex, value: &FieldValue) -> Result<Option<Vec<Account>>, TargetError> {
        self.0.look_up(field, value)
    }
}

impl WriteAccounts for ScimTarget {
    fn create_reference(&self, field: FieldIndex, _name: &str) -> Result<(), TargetError> {
        Err(self.0.no_references(field))
    }

    fn create(&self, _employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        self.0.create(fields)
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        self.0.update(account, changes)
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.0.reactivate(account)
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.0.deactivate(account)
    }

    fn batches(&self) -> Option<&dyn WriteBatches> {
        Some(&self.0)
    }
}
