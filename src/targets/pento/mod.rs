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

use crate::field::FieldSpec;
use crate::plan::{HandoverMode, Policy};
use crate::rules::OnInvalid;
use crate::section::Table;

use super::delivery::{Column, Delivered, Delivery, Service};
use super::file::FileDefaults;
use super::{Offers, TargetType};

use rules::PentoRules;
use settings::PentoSettings;

pub const KIND: super::Kind = super::Kind {
    name: PentoRules::KIND,
    parse,
    starter: include_str!("starter.toml"),
    keys: Delivery::schema::<PentoSettings>,
    simulate: None,
};

/// UTF-8 without a mark, comma, CR LF, ISO days: what UK upload tools read.
const FILE: FileDefaults = FileDefaults { delimiter: b',', bom: false, crlf: true, date_format: None };

/// Reads a section of the type `pento`.
pub fn parse(section: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let settings = PentoSettings::parse(section);
    let delivery = Delivery::parse(section, fields::COLUMNS, FILE, ["yes", "no"]);
    let (settings, delivery) = (settings?, delivery?);
    let derived = PentoRules::derived(&settings).filter(|name| delivery.carries(name)).collect();
    Some(Box::new(Delivered { service: PentoRules::new(settings, derived), delivery }))
}

impl Service for PentoRules {
    const KIND: &'static str = "pento";
    const MATCH: &'static [&'static str] = &["employee_id"];
    const WORKED_OUT: &'static [&'static str] = &fields::DERIVED;

    fn columns(&self) -> &'static [Column] {
        fields::COLUMNS
    }

    fn field(&self, name: &str) -> Option<FieldSpec> {
        fields::field(name, &self.settings)
    }

    fn policy(&self) -> Policy {
        Policy {
            // Whoever left stays in Pento with a termination date, which has to get there.
            includes_leavers: true,
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

    fn introduction(&self) -> &'static str {
        "Pento has no public interface: it reads Personio itself; this target gives you the same result as data"
    }

    fn remarks(&self) -> Vec<&'static str> {
        vec![
            "salaries: Pento takes none from Personio's API v1; map `annual_salary` from an attribute of your own, or \
             set it in Pento and name it in `set_in_pento`",
        ]
    }

    fn offers(&self) -> Offers<'_> {
        Offers {
            include: &self.settings.include,
            exclude: &self.settings.exclude,
            sync_log: Some(|event| Some(log::line(event))),
            ..Offers::default()
        }
    }
}
