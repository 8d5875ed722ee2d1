use crate::field::{Access, FieldSpec};
use crate::plan::{EmployeeRules, Policy};
use crate::targets::{Connection, FieldLookup, Offers, SandboxAddresses, Target, TargetType};

use super::{Column, Delivery};

/// What is known of a service that has no interface of its own: its fields and its rules.
pub(in crate::targets) trait Service: EmployeeRules + Sized + 'static {
    /// The word in `type = "..."`.
    const KIND: &'static str;
    /// The match fields that apply when the file names none.
    const MATCH: &'static [&'static str];
    /// Fields that the rules work out: they cannot be mapped as well.
    const WORKED_OUT: &'static [&'static str];

    /// Its fields, in the order of the columns.
    fn columns(&self) -> &'static [Column];

    fn field(&self, name: &str) -> Option<FieldSpec>;

    /// As [`TargetType::policy`], whatever the delivery.
    fn policy(&self) -> Policy;

    /// What `check` says first: what the service lets us do.
    fn introduction(&self) -> &'static str;

    /// What `check` says at the end.
    fn remarks(&self) -> Vec<&'static str>;

    /// As [`TargetType::offers`], without its rules.
    fn offers(&self) -> Offers<'_>;
}

/// A section of a service, settled: what it demands, and how the result gets there.
#[derive(Debug)]
pub(in crate::targets) struct Delivered<S> {
    pub(in crate::targets) service: S,
    pub(in crate::targets) delivery: Delivery,
}

impl<S: Service> TargetType for Delivered<S> {
    fn kind(&self) -> &'static str {
        S::KIND
    }

    fn field(&self, name: &str) -> FieldLookup {
        match self.service.field(name).filter(|_| self.delivery.carries(name)) {
            Some(spec) if S::WORKED_OUT.contains(&name) => FieldLookup::Known(spec.access(Access::ReadOnly)),
            Some(spec) => FieldLookup::Known(spec),
            None => FieldLookup::Unknown,
        }
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        let names = self.service.columns().iter().map(|(name, _)| *name).filter(|name| self.delivery.carries(name));
        names.filter_map(|name| self.service.field(name)).collect()
    }

    fn default_match(&self) -> &'static [&'static str] {
        S::MATCH
    }

    fn policy(&self) -> Policy {
        let by_http = self.delivery.declaration().is_some();
        Policy { costs_calls: by_http, delivered: !by_http, ..self.service.policy() }
    }

    fn identity(&self) -> String {
        self.delivery.identity()
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        self.delivery.open(connection)
    }

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
        self.delivery.redirect(sandbox);
    }

    fn describe(&self) -> Vec<String> {
        let mut lines = vec![self.service.introduction().to_owned()];
        lines.extend(self.delivery.describe());
        lines.extend(self.service.remarks().into_iter().map(str::to_owned));
        lines
    }

    fn offers(&self) -> Offers<'_> {
        Offers { declaration: self.delivery.declaration(), rules: Some(&self.service), ..self.service.offers() }
    }
}
