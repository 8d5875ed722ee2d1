//! Probonio (employee benefits in Germany): whose company, which state, and the month that benefits end with.
//!
//! There is no public interface. The rules are kept here; the result is delivered as a file for the contact at
//! Probonio, or through an HTTP interface that the user was given and declares.

mod fields;
mod month;
mod rules;
mod settings;
#[cfg(test)]
mod tests;

use crate::field::{Access, FieldSpec};
use crate::section::Table;

use super::delivery::Delivery;
use super::file::FileDefaults;
use super::{Connection, FieldLookup, Offers, SandboxAddresses, Target, TargetType};
use crate::plan::Policy;

use fields::{INVITE, LAST_MONTH};
use rules::ProbonioRules;
use settings::ProbonioSettings;

pub const KIND: super::Kind = super::Kind {
    name: "probonio",
    parse,
    starter: include_str!("starter.toml"),
    keys: Delivery::schema::<ProbonioSettings>,
    simulate: None,
};

/// What spreadsheets in Germany open without asking.
const FILE: FileDefaults = FileDefaults { delimiter: b';', bom: true, crlf: true, date_format: Some("%d.%m.%Y") };

/// `type = "probonio"`
#[derive(Debug)]
pub struct Probonio {
    delivery: Delivery,
    rules: ProbonioRules,
}

/// Reads a section of the type `probonio`.
pub fn parse(section: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let delivery = Delivery::parse(section, fields::COLUMNS, FILE, ["ja", "nein"]);
    let by_http = delivery.as_ref().is_some_and(|delivery| delivery.declaration().is_some());
    let settings = ProbonioSettings::parse(section, if by_http { "%Y-%m" } else { "%m.%Y" });
    let (settings, delivery) = (settings?, delivery?);
    let derived = ProbonioRules::derived(&settings).filter(|name| delivery.carries(name)).collect();
    Some(Box::new(Probonio { delivery, rules: ProbonioRules::new(settings, derived) }))
}

impl TargetType for Probonio {
    fn kind(&self) -> &'static str {
        "probonio"
    }

    fn field(&self, name: &str) -> FieldLookup {
        match fields::field(name).filter(|_| self.delivery.carries(name)) {
            // What is worked out cannot be mapped as well.
            Some(spec) if [LAST_MONTH, INVITE].contains(&name) => FieldLookup::Known(spec.access(Access::ReadOnly)),
            Some(spec) => FieldLookup::Known(spec),
            None => FieldLookup::Unknown,
        }
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        let names = fields::COLUMNS.iter().map(|(name, _)| *name).filter(|name| self.delivery.carries(name));
        names.filter_map(fields::field).collect()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["email"]
    }

    fn policy(&self) -> Policy {
        Policy {
            // Whoever left keeps the app for vouchers of earlier months; only the state changes.
            includes_leavers: true,
            costs_calls: self.delivery.declaration().is_some(),
            ..Policy::default()
        }
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
        let mut lines = vec![
            "Probonio has no public interface: this target gives you its state of everyone as data for your contact there"
                .to_owned(),
        ];
        lines.extend(self.delivery.describe());
        if self.rules.settings.include.is_empty() {
            lines.push(
                "no company filter: everybody in scope goes to this Probonio account; with several accounts set `company`"
                    .to_owned(),
            );
        }
        lines
    }

    fn offers(&self) -> Offers<'_> {
        Offers {
            declaration: self.delivery.declaration(),
            rules: Some(&self.rules),
            include: &self.rules.settings.include,
            ..Offers::default()
        }
    }
}
