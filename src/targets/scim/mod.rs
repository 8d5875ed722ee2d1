//! Any service that speaks SCIM 2.0 (RFC 7643, 7644, 9865).
//!
//! A section names the address and the credentials; where the service departs from the standard, it names
//! a `preset` or the deviations themselves:
//!
//! | setting | values | meaning |
//! |---|---|---|
//! | `update` | `auto`, `patch`, `put` | how accounts are changed; `auto` goes by what the service says |
//! | `put_body` | `merged`, `changes` | what PUT sends: all that was read with the changes, or those alone |
//! | `patch_style` | `pathed`, `object`, `dotted`, `extension_object` | the form of a PATCH |
//! | `capital_operations` | boolean | `Replace` rather than `replace` |
//! | `one_operation` | boolean | one operation in each PATCH |
//! | `filtered_paths` | boolean | whether PATCH takes `emails[type eq "work"].value` |
//! | `manager` | `object`, `value`, `text` | how PATCH writes the manager |
//! | `clear` | `remove`, `empty`, `null`, `never` | how a field is emptied |
//! | `text_booleans` | boolean | `active` as `"True"` and `"False"` |
//! | `etag` | boolean | whether versions are used where the service has them |
//! | `filter` | boolean | whether single accounts are looked up with a filter |
//! | `paging` | `auto`, `index`, `cursor`, `none` | how lists are paged |
//! | `page_size` | number | the most accounts to ask for at once |
//! | `primary` | boolean | whether the first item of a list is marked as primary |
//! | `bulk` | boolean, or a table of limits | whether changes are sent together where the service offers it |
//! | `discovery` | boolean | whether the service is asked for its schemas and capabilities |
//! | `plain_json` | boolean | bodies as `application/json` |
//! | `headers` | table | headers beside the usual ones; no place for secrets |
//! | `requests_per_minute` | number | the pace, for reading and for writing each |
//! | `key_owner` | user name | the account that owns the credentials, which is never changed |
//! | `preserve` | paths | what PUT must keep although the service returns it only when asked |

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
mod sign_in;
pub mod simulated;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

pub(crate) use deviations::{Clear, Deviations, preset};
pub(crate) use directory::Directory;
pub(crate) use errors::{Operation, no_answer, not_done, refusal, unexpected};
pub(crate) use fields::lookup;
pub(crate) use filter::Filter;
pub(crate) use path::{ENTERPRISE, Path};
pub(crate) use settings::{Settings, declared_deviations, key_owner};
pub(crate) use sign_in::SignIn;
pub(crate) use wire::Field;

use crate::employee::EmployeeId;
use crate::field::{Access, AccountId, FieldIndex, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, FieldChange, Snapshot};
use crate::section::Table;

use super::{
    Connection, FieldLookup, ReadAccounts, SandboxPlaces, Target, TargetError, TargetType, WriteAccounts, WriteBatches,
};
use crate::progress::Progress;

pub const KIND: super::Kind = super::Kind {
    name: "scim",
    parse,
    starter: include_str!("starter.toml"),
    keys: super::Keys::Text(include_str!("schema.json")),
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
            FieldLookup::Known(spec) => FieldLookup::Known(self.settled(spec)),
            FieldLookup::Open(spec) => FieldLookup::Open(self.settled(spec)),
            FieldLookup::Unknown => FieldLookup::Unknown,
        }
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        fields::known().into_iter().map(|spec| self.settled(spec)).collect()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["externalId", "userName"]
    }

    fn identity(&self) -> String {
        let place = self.settings.base_url.split_once("://").map_or(&*self.settings.base_url, |(_, place)| place);
        format!("scim:{}", place.to_lowercase())
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

    fn redirect(&mut self, sandbox: &SandboxPlaces) {
        self.settings.redirect(format!("{}/scim/{}", sandbox.base_url, sandbox.target), sandbox.secret.clone());
    }
}

impl ScimType {
    /// A field as this section settles it: what a preset requires, and what must be left alone.
    fn settled(&self, spec: FieldSpec) -> FieldSpec {
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

impl ReadAccounts for ScimTarget {
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
