use chrono::NaiveDate;

use crate::code::Code;
use crate::employee::{Disagreement, Lifecycle};
use crate::field::{FieldKind, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, Change, EmployeeCase, EmployeeRules, Findings, Skip, shared_values};
use crate::rules::Desired;

use super::fields::{self, INVITE, LAST_MONTH, LEAVING_DATE, STATUS};
use super::language::Language;
use super::month::{Month, last_working_month};
use super::settings::ProbonioSettings;

/// What Probonio demands of each employee.
#[derive(Clone, Debug)]
pub(super) struct ProbonioRules {
    pub(super) settings: ProbonioSettings,
    derived: Vec<&'static str>,
}

/// What Personio says of the leaving date.
#[derive(Clone, Copy)]
enum Leaving {
    /// Not readable, or not synchronised.
    Unknown,
    None,
    On(NaiveDate),
}

/// What follows for the account.
enum Verdict {
    /// Nothing; the mapping stands.
    Nothing,
    /// Leaving date, status and last month stay as they are, for a reason worth saying.
    Keep(Option<(Code, &'static str)>),
    Last(Month),
}

impl ProbonioRules {
    /// With those derived fields that the delivery carries.
    pub(super) fn new(settings: ProbonioSettings, derived: Vec<&'static str>) -> Self {
        Self { settings, derived }
    }

    /// The fields that are worked out under these settings.
    pub(super) fn derived(settings: &ProbonioSettings) -> impl Iterator<Item = &'static str> {
        [STATUS, LAST_MONTH].into_iter().chain(settings.invite_new.then_some(INVITE))
    }

    fn leaving(case: &EmployeeCase<'_>, desired: &[Desired]) -> Leaving {
        if case.standing.disagreement == Some(Disagreement::LastDayBeforeHireDate) {
            return Leaving::Unknown;
        }
        match case.wanted(desired, LEAVING_DATE) {
            Some(FieldValue::Date(day)) => Leaving::On(*day),
            Some(FieldValue::Empty) => Leaving::None,
            _ => Leaving::Unknown,
        }
    }

    /// The last month that the account holds.
    fn stored(&self, case: &EmployeeCase<'_>) -> Option<Month> {
        Month::read(case.existing(LAST_MONTH).as_text()?, &self.settings.months)
    }

    fn judge(&self, case: &EmployeeCase<'_>, leaving: Leaving) -> Verdict {
        let stored = self.stored(case);
        let this_month = Month::of(case.today);
        match leaving {
            Leaving::Unknown if stored.is_some() => Verdict::Keep(None),
            Leaving::Unknown => Verdict::Nothing,
            Leaving::None if stored.is_some() || !case.existing(LEAVING_DATE).is_empty() => Verdict::Keep(Some((
                Code::LeavingDateWithdrawn,
                "the leaving date was taken out in Personio; Probonio goes on with the leaving until somebody decides there",
            ))),
            Leaving::None => Verdict::Nothing,
            Leaving::On(day) => match stored {
                Some(stored) if stored < this_month && Month::of(day) > stored => Verdict::Keep(Some((
                    Code::LeavingDateMovedAfterLeaving,
                    "the leaving date was moved although the person has left Probonio already; decide there",
                ))),
                Some(stored) if stored < this_month => Verdict::Last(stored),
                // What was put off because it was entered late is not put off again next month.
                Some(stored) if stored >= Month::of(day) && case.existing(LEAVING_DATE).as_date() == Some(day) => {
                    Verdict::Last(stored)
                }
                _ => Verdict::Last(last_working_month(day, case.today)),
            },
        }
    }

    /// Puts Personio's words into the language of the delivery.
    fn translate(&self, case: &EmployeeCase<'_>, desired: &mut [Desired]) {
        for name in Language::fields_of_words() {
            let word = case.wanted(desired, name).and_then(FieldValue::as_text);
            if let Some(word) = word.and_then(|word| self.settings.words.language.translated(name, word)) {
                case.set(desired, name, Desired::Value(FieldValue::text(word)));
            }
        }
    }

    /// Whether this employee is to be dealt with at all.
    fn admit(case: &EmployeeCase<'_>, leaving: Leaving) -> Option<Findings> {
        let left = case.standing.lifecycle == Lifecycle::Left;
        if left && case.standing.last_day.is_none() && !matches!(leaving, Leaving::On(_)) {
            let detail = "status is inactive without a leaving date, so nobody knows when benefits end; set the date in Personio";
            return Some(case.skip(Code::InactiveWithoutLeavingDate, detail));
        }
        let gone = left || matches!(leaving, Leaving::On(day) if day < case.today);
        if gone && case.account.is_none() {
            let detail = "has left and was never in Probonio, so there is nothing to end";
            return Some(case.skip(Code::LeftBeforeImport, detail));
        }
        None
    }
}

impl EmployeeRules for ProbonioRules {
    fn derived_fields(&self) -> Vec<FieldSpec> {
        self.derived.iter().filter_map(|name| fields::field(name)).collect()
    }

    fn complete(&self, case: &EmployeeCase<'_>, desired: &mut [Desired]) -> Findings {
        let leaving = Self::leaving(case, desired);
        if let Some(findings) = Self::admit(case, leaving) {
            return findings;
        }
        let mut findings = Findings::default();
        if case.standing.disagreement == Some(Disagreement::LastDayBeforeHireDate) {
            let why = format!("{LEAVING_DATE}: it lies before the employment date");
            case.set(desired, LEAVING_DATE, Desired::Keep(Some(why)));
        }
        self.translate(case, desired);
        let mut leaves = false;
        match self.judge(case, leaving) {
            Verdict::Nothing => {}
            Verdict::Keep(why) => {
                leaves = true;
                for name in [LEAVING_DATE, STATUS, LAST_MONTH] {
                    case.set(desired, name, Desired::Keep(None));
                }
                findings.notices.extend(why.map(|(code, message)| case.notice(code, message)));
            }
            Verdict::Last(month) => {
                leaves = true;
                let over = month < Month::of(case.today);
                let word = if over { &self.settings.words.leaving } else { &self.settings.words.leaving_planned };
                let written = month.written(&self.settings.months).unwrap_or_default();
                case.set(desired, STATUS, Desired::Value(FieldValue::text(word)));
                case.set(desired, LAST_MONTH, Desired::Value(FieldValue::text(&written)));
                let late = matches!(leaving, Leaving::On(day) if Month::of(day) < month);
                if late && !over {
                    findings.notices.push(case.notice(
                        Code::LateLeavingDate,
                        "the leaving date was entered late; Probonio ends nothing backwards, so benefits end with this \
                         month; where no voucher was chosen, an administrator may end them at once",
                    ));
                }
            }
        }
        let new = case.account.is_none() && !case.linked && !leaves;
        let invited = self.settings.invite_new && new && (!case.first_import || self.settings.invite_first_import);
        if invited {
            case.set(desired, INVITE, Desired::Value(FieldValue::Bool(true)));
        } else if case.delivered && *case.existing(INVITE) == FieldValue::Bool(true) {
            // Who imports the file again must not invite again.
            case.set(desired, INVITE, Desired::Value(FieldValue::Bool(false)));
        }
        findings
    }

    fn review(&self, schema: &Schema, changes: &[Change], accounts: &[Account]) -> Vec<Skip> {
        let Some(index) = schema.index("email").filter(|index| schema.field(*index).kind == FieldKind::Email) else {
            return Vec::new();
        };
        let detail = "another person in Probonio has this e-mail address, which is how Probonio tells people apart";
        shared_values(index, changes, accounts)
            .into_iter()
            .map(|employee| Skip { employee, reason: Code::EmailUsed, detail: detail.into() })
            .collect()
    }
}
