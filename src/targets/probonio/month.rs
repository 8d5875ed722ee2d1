use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// The month of a day.
    pub(super) fn of(day: NaiveDate) -> Self {
        Self { year: day.year(), month: day.month() }
    }

    /// In a form such as `%m.%Y`; `None` when it is none.
    pub(super) fn written(self, format: &str) -> Option<String> {
        let mut text = String::new();
        write!(text, "{}", NaiveDate::from_ymd_opt(self.year, self.month, 1)?.format(format)).ok()?;
        Some(text)
    }

    /// From text in such a form.
    pub(super) fn read(text: &str, format: &str) -> Option<Self> {
        NaiveDate::parse_from_str(&format!("1 {}", text.trim()), &format!("%d {format}")).ok().map(Self::of)
    }
}

/// The month that benefits end with: that of the leaving date, and never one that is over already, because
/// Probonio ends nothing backwards.
pub(super) fn last_working_month(leaving: NaiveDate, today: NaiveDate) -> Month {
    Month::of(leaving).max(Month::of(today))
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};

    use super::*;

    fn month(leaving: &str, today: &str) -> String {
        last_working_month(leaving.parse().unwrap(), today.parse().unwrap()).written("%Y-%m").unwrap()
    }

    #[test]
    fn benefits_end_with_a_month_and_never_backwards() {
        for (leaving, today, last) in [
            ("2026-12-31", "2026-11-22", "2026-12"),
            ("2026-12-01", "2026-11-30", "2026-12"),
            ("2026-11-30", "2026-11-30", "2026-11"),
            ("2026-11-01", "2026-11-30", "2026-11"),
            ("2026-10-31", "2026-11-01", "2026-11"),
            ("2025-03-14", "2025-06-02", "2025-06"),
            ("2024-02-29", "2024-02-29", "2024-02"),
            ("2024-02-29", "2024-03-01", "2024-03"),
            ("2026-12-31", "2027-01-01", "2027-01"),
            ("2025-12-31", "2026-12-01", "2026-12"),
            ("2027-01-31", "2026-12-31", "2027-01"),
            ("1999-12-31", "2026-02-28", "2026-02"),
        ] {
            assert_eq!(month(leaving, today), last, "{leaving} on {today}");
        }
    }

    #[test]
    fn midnight_is_that_of_the_files_time_zone() {
        // Summer and winter time, both sides of midnight in Berlin; the leaving date is in the month before.
        let berlin = crate::zone::testing::zone("Europe/Berlin");
        for (instant, last) in [
            ("2026-06-30T21:59:59Z", "2026-06"),
            ("2026-06-30T22:00:00Z", "2026-07"),
            ("2026-12-31T22:59:59Z", "2026-12"),
            ("2026-12-31T23:00:00Z", "2027-01"),
            ("2024-02-29T22:59:59Z", "2024-02"),
            ("2024-02-29T23:00:00Z", "2024-03"),
        ] {
            let instant: chrono::DateTime<Utc> = instant.parse().unwrap();
            let today = berlin.from_utc_datetime(&instant.naive_utc()).date_naive();
            assert_eq!(month("2024-01-31", &today.to_string()), last, "{instant}");
        }
    }

    #[test]
    fn months_are_read_as_they_are_written() {
        let month = Month::of("2026-06-15".parse().unwrap());
        for format in ["%m.%Y", "%Y-%m", "%m/%Y"] {
            assert_eq!(Month::read(&month.written(format).unwrap(), format), Some(month));
        }
        assert_eq!(Month::read(" 06.2026 ", "%m.%Y"), Some(month));
        for text in ["", "2026-06", "13.2026", "06.26.", "Juni 2026"] {
            assert_eq!(Month::read(text, "%m.%Y"), None, "{text}");
        }
    }
}
