//! Probonio (employee benefits in Germany): whose company, which state, and the month that benefits end with.
//!
//! There is no public interface. The rules are kept here; the result is delivered as a file for the contact at
//! Probonio, or through an HTTP interface that the user was given and declares.

mod fields;
mod language;
mod month;
mod rules;
mod settings;
#[cfg(test)]
mod tests;

use crate::field::FieldSpec;
use crate::plan::Policy;
use crate::section::Table;

use super::delivery::{Column, Delivered, Delivery, Service};
use super::file::FileDefaults;
use super::{Offers, TargetType};

use fields::{INVITE, LAST_MONTH};
use language::Language;
use rules::ProbonioRules;
use settings::ProbonioSettings;

pub const KIND: super::Kind = super::Kind {
    name: ProbonioRules::KIND,
    parse,
    starter: include_str!("starter.toml"),
    keys: Delivery::schema::<ProbonioSettings>,
    simulate: None,
};

/// What spreadsheets in Germany open without asking.
const FILE: FileDefaults = FileDefaults { delimiter: b';', bom: true, crlf: true, date_format: Some("%d.%m.%Y") };

/// Reads a section of the type `probonio`.
pub fn parse(section: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let settings = ProbonioSettings::parse(section);
    let file = settings.as_ref().and_then(|settings| settings.language).unwrap_or(Language::De);
    let delivery = Delivery::parse(section, file.columns(), FILE, file.yes_and_no());
    let (settings, delivery) = (settings?, delivery?);
    let settings = settings.settled(section, delivery.declaration().is_some());
    let derived = ProbonioRules::derived(&settings).filter(|name| delivery.carries(name)).collect();
    Some(Box::new(Delivered { service: ProbonioRules::new(settings, derived), delivery }))
}

impl Service for ProbonioRules {
    const KIND: &'static str = "probonio";
    const MATCH: &'static [&'static str] = &["email"];
    const WORKED_OUT: &'static [&'static str] = &[LAST_MONTH, INVITE];

    fn columns(&self) -> &'static [Column] {
        self.settings.words.language.columns()
    }

    fn field(&self, name: &str) -> Option<FieldSpec> {
        fields::field(name)
    }

    fn policy(&self) -> Policy {
        Policy {
            // Whoever left keeps the app for vouchers of earlier months; only the state changes.
            includes_leavers: true,
            asks_once: &[INVITE],
            unfiltered_note: Some(
                "no `company`, `include` or `exclude` is set, so the first run brings everybody whom Personio delivers into \
                     this Probonio account, and nobody is taken out again but by hand; have the filter in place before the \
                     first import",
            ),
            ..Policy::default()
        }
    }

    fn introduction(&self) -> &'static str {
        "Probonio has no public interface: this target gives you its state of everyone as data for your contact there"
    }

    fn remarks(&self) -> Vec<&'static str> {
        let unfiltered = self.settings.include.is_empty();
        let remark =
            "no company filter: everybody in scope goes to this Probonio account; with several accounts set `company`";
        unfiltered.then_some(remark).into_iter().collect()
    }

    fn offers(&self) -> Offers<'_> {
        Offers { include: &self.settings.include, ..Offers::default() }
    }
}
