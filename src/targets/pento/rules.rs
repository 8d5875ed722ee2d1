use chrono::{Datelike, NaiveDate};

use crate::code::Code;
use crate::employee::{Disagreement, Lifecycle};
use crate::field::{FieldSpec, FieldValue, Schema};
use crate::plan::{Account, Change, EmployeeCase, EmployeeRules, Findings, Op, Skip, shared_values};
use crate::rules::Desired;

use super::fields::{self, HOLIDAY_PAY, MISSING, REQUIRED, STATUS};
use super::formats::{self, TaxCode};
use super::settings::PentoSettings;

/// What Pento demands of each employee.
#[derive(Clone, Debug)]
pub(super) struct PentoRules {
    pub(super) settings: PentoSettings,
    derived: Vec<&'static str>,
}

/// The first day of the UK tax year that a day belongs to: 6 April.
pub fn tax_year_start(day: NaiveDate) -> NaiveDate {
    let start = |year| NaiveDate::from_ymd_opt(year, 4, 6).unwrap_or(day);
    if day < start(day.year()) { start(day.year() - 1) } else { start(day.year()) }
}

impl PentoRules {
    /// With those derived fields that the delivery carries.
    pub(super) fn new(settings: PentoSettings, derived: Vec<&'static str>) -> Self {
        Self { settings, derived }
    }

    /// The fields that are worked out under these settings.
    pub(super) fn derived(settings: &PentoSettings) -> impl Iterator<Item = &'static str> {
        let holiday_pay = settings.include_holiday_pay_in_pension.map(|_| HOLIDAY_PAY);
        holiday_pay.into_iter().chain([STATUS, MISSING])
    }

    /// Whether this employee is to be dealt with at all.
    fn admit(case: &EmployeeCase<'_>, desired: &[Desired]) -> Option<Findings> {
        let left = case.standing.lifecycle == Lifecycle::Left;
        match (left, case.standing.last_day) {
            (true, Some(last_day)) if last_day < tax_year_start(case.today) => {
                return Some(case.skip(Code::TerminatedInPreviousTaxYear, "Terminated in previous tax year"));
            }
            (true, None) => {
                let detail = "status is inactive without a last day, so nobody knows when pay ends; set the last day in Personio";
                return Some(case.skip(Code::InactiveWithoutLastDay, detail));
            }
            _ => {}
        }
        let ended = case.existing("termination_date").as_date();
        let starts = case.wanted(desired, "start_date").and_then(FieldValue::as_date);
        let terminated = case.account.is_some_and(|account| !account.active)
            || ended.is_some_and(|ended| ended < case.today || starts.is_some_and(|starts| starts > ended));
        if !left && terminated {
            let detail = "the record with this employee ID has ended in Pento; whoever comes back needs a new ID that was \
                          never used, and the old record a dummy e-mail address first";
            return Some(case.skip(Code::RejoinerNeedsNewId, detail));
        }
        None
    }

    /// Rules that look at two fields at once. An offending value is treated like an invalid one that is kept.
    fn compare_fields(case: &EmployeeCase<'_>, desired: &mut [Desired], findings: &mut Findings) {
        let text = |desired: &[Desired], name| case.outcome(desired, name).to_string();
        let id_changes =
            |wanted: &FieldValue| !case.existing("employee_id").is_empty() && wanted != case.existing("employee_id");
        if case.account.is_some() && case.wanted(desired, "employee_id").is_some_and(id_changes) {
            let why = "it goes to HMRC as payroll id and must never change for a person";
            case.set(desired, "employee_id", Desired::Keep(Some(format!("employee_id: {why}"))));
        }
        if case.standing.disagreement == Some(Disagreement::LastDayBeforeHireDate) {
            let why = "termination_date: it lies before the start date and belongs to an earlier employment";
            case.set(desired, "termination_date", Desired::Keep(Some(why.into())));
        }
        let (title, gender) = (text(desired, "title"), text(desired, "gender"));
        let title_wanted = case.wanted(desired, "title").is_some_and(|title| !title.is_empty());
        if title_wanted && !formats::title_fits(&title, &gender) {
            case.set(desired, "title", Desired::Keep(Some("title: it does not fit the gender".into())));
        }
        for name in ["first_name", "last_name"] {
            let doubt = match case.wanted(desired, name) {
                Some(FieldValue::Text(value)) => formats::doubt_about_name(value),
                _ => None,
            };
            if let Some(doubt) = doubt {
                findings.notices.push(case.notice(Code::NameDoubtful, format!("{name} {doubt}")));
            }
        }
        let born = case.outcome(desired, "date_of_birth").as_date();
        let starts = case.outcome(desired, "start_date").as_date();
        if born.is_some_and(|born| born >= case.today) || born.zip(starts).is_some_and(|(born, starts)| born >= starts)
        {
            let why = "date_of_birth: it is not before today and the start date";
            case.set(desired, "date_of_birth", Desired::Keep(Some(why.into())));
        }
    }

    /// The declaration of a new starter, the tax code, and the figures of the P45.
    fn starter(case: &EmployeeCase<'_>, desired: &mut [Desired], findings: &mut Findings) {
        let tax_code = TaxCode::parse(&case.outcome(desired, "tax_code").to_string());
        if tax_code.as_ref().is_some_and(|code| code.non_cumulative) {
            for name in ["previous_pay", "previous_tax"] {
                if case.wanted(desired, name).is_some_and(|value| !value.is_empty()) {
                    let why = format!("{name}: it stays blank with a W1/M1 tax code");
                    case.set(desired, name, Desired::Keep(Some(why)));
                }
            }
        }
        if case.account.is_some() {
            return;
        }
        let declaration = case.outcome(desired, "starter_declaration").to_string();
        let doubt = match (declaration.as_str(), &tax_code) {
            ("A", Some(code)) if code.non_cumulative => Some("statement A goes with a cumulative tax code"),
            ("B", Some(code)) if !code.non_cumulative => Some("statement B goes with a W1/M1 tax code"),
            ("C", Some(code)) if code.code != "BR" => Some("statement C goes with the tax code BR"),
            _ => None,
        };
        if let Some(doubt) = doubt {
            let message = format!("the tax code is unusual for the starter declaration: {doubt}");
            findings.notices.push(case.notice(Code::TaxCodeUnusual, message));
        }
    }

    /// What is missing for Ready, in the order of Pento's list.
    fn missing(&self, case: &EmployeeCase<'_>, desired: &[Desired]) -> Vec<&'static str> {
        REQUIRED
            .iter()
            .filter(|(name, _)| !self.settings.set_in_pento.iter().any(|set| set.value == *name))
            .filter(|(name, _)| match case.outcome(desired, name) {
                FieldValue::Empty => true,
                FieldValue::Integer(number) => number <= 0,
                FieldValue::Decimal(number) => number <= 0.0,
                _ => false,
            })
            .map(|(_, words)| *words)
            .collect()
    }
}

impl EmployeeRules for PentoRules {
    fn derived_fields(&self) -> Vec<FieldSpec> {
        self.derived.iter().filter_map(|name| fields::field(name, &self.settings)).collect()
    }

    fn complete(&self, case: &EmployeeCase<'_>, desired: &mut [Desired]) -> Findings {
        if let Some(findings) = Self::admit(case, desired) {
            return findings;
        }
        let mut findings = Findings::default();
        Self::compare_fields(case, desired, &mut findings);
        Self::starter(case, desired, &mut findings);
        let missing = self.missing(case, desired);
        let status = if missing.is_empty() { "Ready" } else { "Pending" };
        if !missing.is_empty() {
            findings
                .notices
                .push(case.notice(Code::DetailsMissing, format!("Pending: {} missing", missing.join(", "))));
        }
        case.set(desired, STATUS, Desired::Value(FieldValue::text(status)));
        case.set(desired, MISSING, Desired::Value(FieldValue::text(&missing.join(", "))));
        if let Some(included) = self.settings.include_holiday_pay_in_pension {
            case.set(desired, HOLIDAY_PAY, Desired::Value(FieldValue::Bool(included)));
        }
        findings
    }

    fn review(&self, schema: &Schema, changes: &[Change], accounts: &[Account]) -> Vec<Skip> {
        let mut skips = Vec::new();
        let mut refuse = |name: &str, reason: Code, detail: &str| {
            let Some(index) = schema.index(name) else { return };
            for employee in shared_values(index, changes, accounts) {
                if !skips.iter().any(|skip: &Skip| skip.employee == employee) {
                    skips.push(Skip { employee, reason, detail: detail.into() });
                }
            }
        };
        refuse(
            "employee_id",
            Code::EmployeeIdUsed,
            "the employee ID is used already, by a record that is active or terminated; a new starter needs one that never was",
        );
        refuse(
            "email",
            Code::EmailUsed,
            "another record has this e-mail address, which must be unique; a rejoiner's old record needs a dummy address first",
        );
        // A record whose ID stays is not a new starter; only its address can be in the way.
        skips.retain(|skip| {
            let change = changes.iter().find(|change| change.employee == Some(skip.employee));
            skip.reason != Code::EmployeeIdUsed || change.is_some_and(|change| change.op == Op::Create)
        });
        skips
    }
}
