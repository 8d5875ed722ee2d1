//! Days as a calendar file (RFC 5545), for whoever subscribes to it.

use chrono::{DateTime, NaiveDate, Utc};
use icalendar::{Calendar, Component, Event, EventLike};

/// A whole day with something to know about it.
pub(crate) struct CalendarDay {
    /// The same in every file for the same thing, so that a calendar moves the entry instead of adding one.
    pub(crate) uid: String,
    pub(crate) day: NaiveDate,
    pub(crate) summary: String,
    pub(crate) description: String,
}

/// The text of a calendar file that was made at a moment.
pub(crate) fn calendar(days: impl IntoIterator<Item = CalendarDay>, made: DateTime<Utc>) -> String {
    let mut calendar = Calendar::new();
    for CalendarDay { uid, day, summary, description } in days {
        let event =
            Event::new().uid(&uid).timestamp(made).summary(&summary).description(&description).all_day(day).done();
        calendar.push(event);
    }
    calendar.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_whole_day_with_the_same_identity_in_every_file() {
        let day = |summary: &str| CalendarDay {
            uid: "joins-7@personio-sync".into(),
            day: "2026-12-01".parse().unwrap(),
            summary: summary.into(),
            description: "desk: account, 2026-11-28; list\nwiki".into(),
        };
        let made = "2026-11-28T09:00:00Z".parse().unwrap();
        let text = calendar([day("7 Ada, joins")], made);
        for line in [
            "UID:joins-7@personio-sync",
            "DTSTAMP:20261128T090000Z",
            "DTSTART;VALUE=DATE:20261201",
            "SUMMARY:7 Ada\\, joins",
            "DESCRIPTION:desk: account\\, 2026-11-28\\; list\\nwiki",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert_eq!(text, calendar([day("7 Ada, joins")], made));
    }
}
