//! The nights in which a time of the day is not there, or is there twice.

use chrono::{Days, MappedLocalTime, NaiveDate, NaiveTime, TimeZone as _};

use crate::zone::Zone;

/// As far ahead as each change of clocks of a year comes once.
const LOOK_AHEAD: u64 = 366;

/// A night in which clocks change at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Night {
    /// The time is skipped.
    Skipped(NaiveDate),
    /// The time comes twice.
    Twice(NaiveDate),
}

impl Night {
    /// What becomes of a slot that begins then.
    pub fn words(self) -> String {
        match self {
            Self::Skipped(day) => format!("on {day} it is skipped, and the slot begins when the skipped hour ends"),
            Self::Twice(day) => format!("on {day} it comes twice, and the slot begins the first time"),
        }
    }
}

/// Those of the year ahead.
pub fn nights(at: NaiveTime, zone: Zone, today: NaiveDate) -> Vec<Night> {
    (0..LOOK_AHEAD)
        .map(|ahead| today + Days::new(ahead))
        .filter_map(|day| match zone.from_local_datetime(&day.and_time(at)) {
            MappedLocalTime::None => Some(Night::Skipped(day)),
            MappedLocalTime::Ambiguous(..) => Some(Night::Twice(day)),
            MappedLocalTime::Single(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zones;

    #[test]
    fn a_time_that_is_not_there_or_twice_is_found() {
        let day = |month, day| NaiveDate::from_ymd_opt(2027, month, day).unwrap();
        let at = |text| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        let berlin = Zones::compiled().get("Europe/Berlin").unwrap();
        let both = [Night::Skipped(day(3, 28)), Night::Twice(day(10, 31))];
        assert_eq!(nights(at("02:30"), berlin, day(1, 1)), both);
        assert_eq!(nights(at("05:00"), berlin, day(1, 1)), []);
        assert_eq!(nights(at("02:30"), Zone::utc(), day(1, 1)), []);
        let words = both.map(Night::words);
        assert!(words[0].starts_with("on 2027-03-28 it is skipped"), "{words:?}");
    }
}
