//! Pento (UK payroll; by now HiBob's "UK Payroll"): who goes in, what is valid, and who is ready to be paid.
//!
//! There is no public interface for writing employees. The rules are kept here; the result is delivered as a file,
//! or through an HTTP interface that the user was given and declares.

mod fields;
mod formats;
mod log;
mod rules;
mod settings;
#[cfg(test)]
mod tests;

pub use formats::{Regime, TaxCode};
pub use rules::tax_year_start;

use crate::field::{Access, FieldSpec};
use crate::plan::{HandoverMode, Policy};
use crate::rules::OnInvalid;
use crate::section::Table;

use super::delivery::Delivery;
use super::file::FileDefaults;
use super::{Connection, FieldLookup, Offers, SandboxAddresses, Target, TargetType};

use rules::PentoRules;
use settings::PentoSettings;

pub const KIND: super::Kind = super::Kind {
    name: "pento",
    parse,
    starter: include_str!("starter.toml"),
    keys: Delivery::schema::<PentoSettings>,
    simulate: None,
};

/// UTF-8 without a mark, comma, CR LF, ISO days: what UK upload tools read.
const FILE: FileDefaults = FileDefaults { delimiter: b',', bom: false, crlf: true, date_format: None };

/// `type = "pento"`
#[derive(Debug)]
pub struct Pento {
    delivery: Delivery,
    rules: PentoRules,
}

/// Reads a section of the type `pento`.
pub fn parse(section: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let settings = PentoSettings::parse(section);
    let delivery = Delivery::parse(section, fields::COLUMNS, FILE, ["yes", "no"]);
    let (settings, delivery) = (settings?, delivery?);
    let derived = PentoRules::derived(&settings).filter(|name| delivery.carries(name)).collect();
    Some(Box::new(Pento { delivery, rules: PentoRules::new(settings, derived) }))
}

impl TargetType for Pento {
    fn kind(&self) -> &'static str {
        "pento"
    }

    fn field(&self, name: &str) -> FieldLookup {
        match fields::field(name, &self.rules.settings).filter(|_| self.delivery.carries(name)) {
            // What is worked out cannot be mapped as well.
            Some(spec) if fields::DERIVED.contains(&name) => FieldLookup::Known(spec.access(Access::ReadOnly)),
            Some(spec) => FieldLookup::Known(spec),
            None => FieldLookup::Unknown,
        }
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        let names = fields::COLUMNS.iter().map(|(name, _)| *name).filter(|name| self.delivery.carries(name));
        names.filter_map(|name| fields::field(name, &self.rules.settings)).collect()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["employee_id"]
    }

    fn policy(&self) -> Policy {
        Policy {
            // Whoever left stays in Pento with a termination date, which has to get there.
            includes_leavers: true,
            costs_calls: self.delivery.declaration().is_some(),
            // Pento itself blanks a field whose value is invalid; here the good value of yesterday stays, and is reported.
            on_invalid: Some(OnInvalid::Keep),
            unfiltered_note: Some(
                "no `filters`, `include` or `exclude` are set, so the first run brings in everybody whom Personio delivers, and \
                     Pento deletes nobody; have the filters in place before the first import",
            ),
            // A new start is a new record with a new number: pay and tax of the old one end with it.
            handover: HandoverMode::Never,
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
            "Pento has no public interface: it reads Personio itself; this target gives you the same result as data"
                .to_owned(),
        ];
        lines.extend(self.delivery.describe());
        lines.push(
            "salaries: Pento takes none from Personio's API v1; map `annual_salary` from an attribute of your own, or \
             set it in Pento and name it in `set_in_pento`"
                .to_owned(),
        );
        lines
    }

    fn offers(&self) -> Offers<'_> {
        Offers {
            declaration: self.delivery.declaration(),
            rules: Some(&self.rules),
            exclude: &self.rules.settings.exclude,
            sync_log: Some(|event| Some(log::line(event))),
            ..Offers::default()
        }
    }
}
