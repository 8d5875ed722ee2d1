use std::fmt;

use chrono::NaiveDate;

use crate::code::Code;
use crate::words::phrase;

use super::{Attributes, Employee, Value};

/// Where an employee stands on a given day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifecycle {
    /// The hire date is ahead, or the status is onboarding.
    Upcoming,
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
    /// The lifecycle on the day asked for. Where it cannot be told, one that has nobody leave.
    pub lifecycle: Lifecycle,
    /// The attribute that is not readable and without which it cannot be told.
    pub unclear: Option<&'static str>,
    /// The last day of employment that counts, when one is set.
    pub last_day: Option<NaiveDate>,
    /// Whether another last day than this one, or one at all, may be set where it cannot be read.
    pub last_day_hidden: bool,
    /// Status and dates that contradict each other, when they do.
    pub disagreement: Option<Disagreement>,
}

impl Standing {
    /// With nothing hidden.
    pub fn clear(lifecycle: Lifecycle, last_day: Option<NaiveDate>, disagreement: Option<Disagreement>) -> Self {
        Self { lifecycle, unclear: None, last_day, last_day_hidden: false, disagreement }
    }

    /// Why the lifecycle cannot be told, in words, when it cannot.
    pub fn why_unclear(&self) -> Option<String> {
        self.unclear.map(|attribute| format!("`{attribute}` is not readable, so nobody can tell who has left"))
    }
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
    pub fn code(self) -> Code {
        match self {
            Self::InactiveBeforeLastDay => Code::InactiveBeforeLastDay,
            Self::EmployedAfterLastDay => Code::EmployedAfterLastDay,
            Self::EmployedBeforeHireDate => Code::EmployedBeforeHireDate,
            Self::OnboardingAfterHireDate => Code::OnboardingAfterHireDate,
            Self::LastDayBeforeHireDate => Code::LastDayBeforeHireDate,
        }
    }

    pub fn explanation(self) -> String {
        phrase(self.code().meaning())
    }
}

/// What is told of one fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told<T> {
    /// Nothing: there is no value, or the file does not ask.
    Nothing,
    /// It was asked for and not delivered.
    Hidden,
    Is(T),
}

impl<T> Told<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Told<U> {
        match self {
            Self::Is(value) => Told::Is(change(value)),
            Self::Hidden => Told::Hidden,
            Self::Nothing => Told::Nothing,
        }
    }

    fn known(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Nothing | Self::Hidden => None,
        }
    }

    fn is_hidden(&self) -> bool {
        matches!(self, Self::Hidden)
    }
}

/// Where an employee stands on `today`.
///
/// The last day is `termination_date`, or `last_working_day` when that is all there is. Attributes that the file does
/// not ask for say nothing; with none at all an employee counts as active. One that was asked for and not delivered
/// may hold anything, so that nobody has left, or is still there, because of it. Personio turns the status to inactive
/// by itself once the end of employment is reached, but a status alone never proves a date, so both are read.
pub fn standing(employee: &Employee, attributes: &Attributes, today: NaiveDate) -> Standing {
    fn told<'v, T>(value: Option<&'v Value>, read: impl FnOnce(&'v Value) -> Option<T>) -> Told<T> {
        match value {
            Some(Value::Hidden) => Told::Hidden,
            Some(value) => read(value).map_or(Told::Nothing, Told::Is),
            None => Told::Nothing,
        }
    }
    let value = |key| attributes.column(key).map(|column| employee.value(column));
    let date = |key| told(value(key), Value::as_date);
    judge(
        told(value("status"), Value::as_text),
        date("hire_date"),
        date("termination_date"),
        date("last_working_day"),
        today,
    )
}

fn judge(
    status: Told<&str>,
    hire_date: Told<NaiveDate>,
    termination_date: Told<NaiveDate>,
    last_working_day: Told<NaiveDate>,
    today: NaiveDate,
) -> Standing {
    let lowered = status.map(str::to_lowercase);
    let status = match &lowered {
        Told::Is(status) => Told::Is(status.as_str()),
        Told::Hidden => Told::Hidden,
        Told::Nothing => Told::Nothing,
    };
    let set = termination_date.known().or(last_working_day.known());
    let last_day_hidden = match termination_date {
        Told::Is(_) => false,
        // Somebody on garden leave has worked the last day and stays employed until the other date.
        Told::Hidden => true,
        Told::Nothing => last_working_day.is_hidden(),
    };
    let stale = matches!((hire_date, set), (Told::Is(hired), Some(last)) if last < hired);
    let last_day = if stale { None } else { set };
    let last_day_passed = last_day.is_some_and(|last| today > last);
    let unclear = match status {
        Told::Is("inactive") => None,
        // The day may belong to an earlier employment, or not be the one that counts.
        _ if last_day_passed && last_day_hidden => Some("termination_date"),
        _ if last_day_passed && hire_date.is_hidden() => Some("hire_date"),
        // The status alone tells who is inactive without a last day.
        Told::Hidden if last_day.is_none() => Some("status"),
        _ => None,
    };
    let (status, hire_date) = (status.known(), hire_date.known());
    let last_day_passed = last_day_passed && unclear.is_none();
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
    let disagreement = if unclear.is_some() {
        None
    } else if stale {
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
    Standing { lifecycle, unclear, last_day, last_day_hidden, disagreement }
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
        for (status, hired, last, lifecycle, disagreement) in table {
            let found = judged(status, hired, last, "", today);
            assert_eq!((found.lifecycle, found.disagreement), (*lifecycle, *disagreement), "{status} {hired} {last}");
            assert_eq!((found.unclear, found.last_day_hidden), (None, false), "{status} {hired} {last}");
        }
    }

    /// `""` is told to be empty, `"?"` is hidden.
    fn judged(status: &str, hired: &str, terminated: &str, worked: &str, today: &str) -> Standing {
        let day = |text: &str| match text {
            "" => Told::Nothing,
            "?" => Told::Hidden,
            day => Told::Is(day.parse().unwrap()),
        };
        let status = match status {
            "" => Told::Nothing,
            "?" => Told::Hidden,
            status => Told::Is(status),
        };
        judge(status, day(hired), day(terminated), day(worked), today.parse().unwrap())
    }

    #[test]
    fn nobody_leaves_because_of_what_cannot_be_read() {
        use Lifecycle::*;
        // status, hire date, termination date, last working day, lifecycle, what makes it unclear
        type Row = (&'static str, &'static str, &'static str, &'static str, Lifecycle, Option<&'static str>);
        let table: &[Row] = &[
            // The end belongs to an earlier employment, which the hire date would show.
            ("active", "?", "2019-12-31", "", Leaving, Some("hire_date")),
            ("active", "?", "", "2019-12-31", Leaving, Some("hire_date")),
            ("?", "?", "2019-12-31", "", Leaving, Some("hire_date")),
            ("inactive", "?", "2019-12-31", "", Left, None),
            ("active", "?", "2027-12-31", "", Leaving, None),
            ("active", "?", "", "", Active, None),
            ("onboarding", "?", "", "", Upcoming, None),
            // Works no more, and is employed until a day that cannot be read.
            ("active", "2020-01-01", "?", "2026-10-31", Leaving, Some("termination_date")),
            ("leave", "2020-01-01", "?", "2026-10-31", Leaving, Some("termination_date")),
            ("inactive", "2020-01-01", "?", "2026-10-31", Left, None),
            ("active", "2020-01-01", "?", "2027-01-31", Leaving, None),
            ("active", "2020-01-01", "?", "", Active, None),
            ("active", "2020-01-01", "?", "?", Active, None),
            ("active", "2020-01-01", "", "?", Active, None),
            ("active", "2020-01-01", "2026-11-21", "?", Left, None),
            // Without the status a day that has passed counts, and its absence proves nothing.
            ("?", "2020-01-01", "2026-11-21", "", Left, None),
            ("?", "2020-01-01", "2027-11-21", "", Leaving, None),
            ("?", "2020-01-01", "", "", Active, Some("status")),
            ("?", "2020-01-01", "?", "?", Active, Some("status")),
            ("?", "2027-01-01", "?", "?", Upcoming, Some("status")),
            ("?", "?", "?", "?", Active, Some("status")),
        ];
        for (status, hired, terminated, worked, lifecycle, unclear) in table {
            let found = judged(status, hired, terminated, worked, "2026-11-22");
            let case = format!("{status} {hired} {terminated} {worked}");
            assert_eq!((found.lifecycle, found.unclear), (*lifecycle, *unclear), "{case}");
        }
    }

    #[test]
    fn a_last_day_that_may_be_another_one_is_known_as_that() {
        for (terminated, worked, hidden) in [
            ("2026-12-31", "", false),
            ("2026-12-31", "?", false),
            ("?", "", true),
            ("?", "2026-12-31", true),
            ("", "?", true),
            ("", "2026-12-31", false),
            ("", "", false),
        ] {
            let found = judged("inactive", "2020-01-01", terminated, worked, "2026-11-22");
            assert_eq!(found.last_day_hidden, hidden, "{terminated} {worked}");
        }
    }
}
