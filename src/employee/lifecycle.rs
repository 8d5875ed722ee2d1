use std::fmt;

use chrono::NaiveDate;

use super::{Attributes, Employee};

/// Where an employee stands on a given day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifecycle {
    /// The hire date is ahead, or the status is onboarding.
    Upcoming,
    /// Employed.
    Active,
    /// Employed and on a longer leave.
    OnLeave,
    /// A last day is set and not passed.
    Leaving,
    /// The last day has passed, or the status is inactive.
    Left,
}

impl Lifecycle {
    /// The word used in expressions and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Active => "active",
            Self::OnLeave => "on_leave",
            Self::Leaving => "leaving",
            Self::Left => "left",
        }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Lifecycle with the facts it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The lifecycle on the day asked for.
    pub lifecycle: Lifecycle,
    /// The last day of employment that counts, when one is set.
    pub last_day: Option<NaiveDate>,
    /// Status and dates that contradict each other, when they do.
    pub disagreement: Option<Disagreement>,
}

/// A status that contradicts the dates beside it. Reported, never resolved by guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// Inactive, although the last day is still ahead.
    InactiveBeforeLastDay,
    /// Not inactive, although the last day has passed.
    EmployedAfterLastDay,
    /// Active or on leave, although the hire date is ahead.
    EmployedBeforeHireDate,
    /// Still onboarding, although the hire date has passed.
    OnboardingAfterHireDate,
    /// The last day lies before the hire date: it belongs to an earlier employment.
    LastDayBeforeHireDate,
}

impl Disagreement {
    /// A stable code for reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::InactiveBeforeLastDay => "inactive_before_last_day",
            Self::EmployedAfterLastDay => "employed_after_last_day",
            Self::EmployedBeforeHireDate => "employed_before_hire_date",
            Self::OnboardingAfterHireDate => "onboarding_after_hire_date",
            Self::LastDayBeforeHireDate => "last_day_before_hire_date",
        }
    }

    /// The same in words.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::InactiveBeforeLastDay => "status is inactive although the last day is ahead",
            Self::EmployedAfterLastDay => "the last day has passed although the status is not inactive",
            Self::EmployedBeforeHireDate => "status says employed although the hire date is ahead",
            Self::OnboardingAfterHireDate => "status is onboarding although the hire date has passed",
            Self::LastDayBeforeHireDate => "the last day lies before the hire date and is ignored",
        }
    }
}

/// Where an employee stands on `today`.
///
/// The last day is `termination_date`, or `last_working_day` when that is all there is. Attributes
/// that are hidden or not selected say nothing; with none at all an employee counts as active.
/// Personio turns the status to inactive by itself once the end of employment is reached, but a
/// status alone never proves a date, so both are read.
pub fn standing(employee: &Employee, attributes: &Attributes, today: NaiveDate) -> Standing {
    let date = |key| attributes.column(key).and_then(|column| employee.value(column).as_date());
    let status = attributes.column("status").and_then(|column| employee.value(column).as_text());
    let hire_date = date("hire_date");
    let last_day = date("termination_date").or_else(|| date("last_working_day"));
    judge(status, hire_date, last_day, today)
}

fn judge(
    status: Option<&str>,
    hire_date: Option<NaiveDate>,
    last_day: Option<NaiveDate>,
    today: NaiveDate,
) -> Standing {
    let status = status.map(str::to_lowercase);
    let status = status.as_deref();
    let stale = matches!((hire_date, last_day), (Some(hired), Some(last)) if last < hired);
    let last_day = if stale { None } else { last_day };
    let last_day_passed = last_day.is_some_and(|last| today > last);
    let hire_ahead = hire_date.is_some_and(|hired| hired > today);

    let lifecycle = if status == Some("inactive") || last_day_passed {
        Lifecycle::Left
    } else if hire_ahead || status == Some("onboarding") {
        Lifecycle::Upcoming
    } else if last_day.is_some() {
        Lifecycle::Leaving
    } else if status == Some("leave") {
        Lifecycle::OnLeave
    } else {
        Lifecycle::Active
    };
    let disagreement = if stale {
        Some(Disagreement::LastDayBeforeHireDate)
    } else {
        match status {
            Some("inactive") if last_day.is_some() && !last_day_passed => Some(Disagreement::InactiveBeforeLastDay),
            Some("active" | "leave" | "onboarding") if last_day_passed => Some(Disagreement::EmployedAfterLastDay),
            Some("active" | "leave") if hire_ahead => Some(Disagreement::EmployedBeforeHireDate),
            Some("onboarding") if hire_date.is_some_and(|hired| hired < today) => {
                Some(Disagreement::OnboardingAfterHireDate)
            }
            _ => None,
        }
    };
    Standing { lifecycle, last_day, disagreement }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifecycle_on_a_day() {
        use Disagreement::*;
        use Lifecycle::*;
        let today = "2026-11-22";
        // status, hire date, last day, lifecycle, disagreement
        let table: &[(&str, &str, &str, Lifecycle, Option<Disagreement>)] = &[
            ("active", "2020-01-01", "", Active, None),
            ("leave", "2020-01-01", "", OnLeave, None),
            ("leave", "2020-01-01", "2027-01-31", Leaving, None),
            ("onboarding", "2026-12-01", "", Upcoming, None),
            ("onboarding", "2026-11-22", "", Upcoming, None),
            ("onboarding", "2026-11-21", "", Upcoming, Some(OnboardingAfterHireDate)),
            ("active", "2026-11-22", "", Active, None),
            ("active", "2026-11-23", "", Upcoming, Some(EmployedBeforeHireDate)),
            ("active", "2020-01-01", "2026-11-22", Leaving, None),
            ("active", "2020-01-01", "2026-11-21", Left, Some(EmployedAfterLastDay)),
            ("inactive", "2020-01-01", "2026-11-21", Left, None),
            ("inactive", "2020-01-01", "2026-11-22", Left, Some(InactiveBeforeLastDay)),
            ("inactive", "2020-01-01", "", Left, None),
            ("Inactive", "", "", Left, None),
            ("active", "2026-12-01", "2024-06-30", Upcoming, Some(LastDayBeforeHireDate)),
            ("active", "2026-01-01", "2024-06-30", Active, Some(LastDayBeforeHireDate)),
            ("", "2027-01-01", "", Upcoming, None),
            ("", "", "2026-11-21", Left, None),
            ("", "", "", Active, None),
            ("something new", "2020-01-01", "", Active, None),
        ];
        let day = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        for (status, hired, last, lifecycle, disagreement) in table {
            let found = judge((!status.is_empty()).then_some(status), day(hired), day(last), day(today).unwrap());
            assert_eq!((found.lifecycle, found.disagreement), (*lifecycle, *disagreement), "{status} {hired} {last}");
        }
    }
}
