//! How often a scheduler calls, and at which minutes.

use chrono::{TimeDelta, Timelike as _};
use sha2::{Digest as _, Sha256};

use crate::plan::Schedule;
use crate::words::count;

const HOUR: i64 = 60;
/// A run begins this many minutes after its slot at most, where slots begin at a quarter of an hour.
const LATEST: i64 = 15;
/// GitHub calls at most so often:
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule>
const GITHUB_STEP: i64 = 5;
/// On top of the longest slot: one hour that autumn has twice, and one for a call that is late.
const SPARE_HOURS: i64 = 2;
/// When the only call of a day is: before people start to work, and at no hour in which clocks change.
const HOUR_OF_DAY: i64 = 5;

/// Minutes of the hour, the same in each hour or in one hour of the day, that no zone, step or summer time changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Minutes between two calls: a part of an hour, or an hour.
    step: i64,
    /// Minutes after the full hour, so that not everybody's calls meet at a service at once.
    offset: i64,
    /// Whether there is one call a day, as nothing in the file says how often.
    daily: bool,
    max_age_hours: i64,
}

/// `every` and `full` of a target.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    /// When it is due: `None` for each call.
    pub every: Option<Schedule>,
    /// How often everything is read, if calls between read changes alone.
    pub full: Option<Schedule>,
}

impl Pace {
    /// Often enough for each slot; `seed` decides about the minute.
    pub fn of(targets: &[Slots], seed: &str) -> Self {
        let daily = targets.iter().all(|slots| slots.every.is_none());
        let steps = targets.iter().filter_map(|slots| slots.every).map(|every| step(&every));
        let step = steps.min().unwrap_or(HOUR);
        let call = TimeDelta::hours(if daily { 24 } else { 1 });
        let longest = targets.iter().map(|slots| proven_within(slots, call)).max().unwrap_or(call);
        let whole_hours = (longest.num_seconds() + 3_599) / 3_600;
        Self { step, offset: offset(step, seed), daily, max_age_hours: whole_hours + SPARE_HOURS }
    }

    /// The same, or what GitHub takes.
    pub fn for_github(self) -> Self {
        let step = self.step.max(GITHUB_STEP);
        Self { step, offset: self.offset.min(step - 1), ..self }
    }

    /// Whether slots begin more often than this calls.
    pub fn is_too_slow_for(self, slots: &Slots) -> bool {
        slots.every.is_some_and(|every| every.length() < TimeDelta::minutes(self.step))
    }

    /// Whether there is one call a day, as nothing in the file says how often.
    pub fn is_daily(self) -> bool {
        self.daily
    }

    /// In words: `every 15 minutes`.
    pub fn words(self) -> String {
        match self.step {
            _ if self.daily => "once a day".to_owned(),
            HOUR => "once an hour".to_owned(),
            1 => "every minute".to_owned(),
            step => format!("every {}", count(usize::try_from(step).unwrap_or_default(), "minute", "minutes")),
        }
    }

    /// Five fields of cron, none of which needs more than lists and `*`: `7,22,37,52 * * * *`.
    pub fn cron(self) -> String {
        let hour = if self.daily { HOUR_OF_DAY.to_string() } else { "*".to_owned() };
        format!("{} {hour} * * *", self.minutes("").join(","))
    }

    /// `OnCalendar` of systemd. Its own `0:7/15` leaves out minutes in version 252, lists do not.
    pub fn calendar(self) -> String {
        let hour = if self.daily { format!("{HOUR_OF_DAY:02}") } else { "*".to_owned() };
        format!("*-*-* {hour}:{}:00 UTC", self.minutes("0").join(","))
    }

    /// A length of ISO 8601 and the moment of a day from which it repeats.
    pub fn interval(self) -> (String, String) {
        let interval = match self.step {
            _ if self.daily => "P1D".to_owned(),
            HOUR => "PT1H".to_owned(),
            step => format!("PT{step}M"),
        };
        let hour = if self.daily { HOUR_OF_DAY } else { 0 };
        (interval, format!("{hour:02}:{:02}:00", self.offset))
    }

    /// What `status --max-age` gets: the longest slot, and what is no reason for an alarm.
    pub fn max_age(self) -> String {
        format!("{}h", self.max_age_hours)
    }

    /// When to look at it: between two calls, each hour, or four times a day where a slot is a day and more.
    pub fn alarm(self) -> Alarm {
        let minute = (self.offset + self.step.min(HOUR / 2) / 2).rem_euclid(HOUR);
        Alarm { minute, four_times_a_day: self.max_age_hours > 24 }
    }

    fn minutes(self, fill: &str) -> Vec<String> {
        let minutes = (0..HOUR / self.step).map(|call| self.offset + call * self.step);
        minutes.map(|minute| if minute < 10 { format!("{fill}{minute}") } else { minute.to_string() }).collect()
    }
}

/// When to look whether every target was brought in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    minute: i64,
    four_times_a_day: bool,
}

impl Alarm {
    /// As [`Pace::cron`].
    pub fn cron(self) -> String {
        format!("{} {} * * *", self.minute, if self.four_times_a_day { "0,6,12,18" } else { "*" })
    }

    /// As [`Pace::calendar`].
    pub fn calendar(self) -> String {
        let hours = if self.four_times_a_day { "00,06,12,18" } else { "*" };
        format!("*-*-* {hours}:{:02}:00 UTC", self.minute)
    }

    /// As [`Pace::interval`].
    pub fn interval(self) -> (String, String) {
        let interval = if self.four_times_a_day { "PT6H" } else { "PT1H" };
        (interval.to_owned(), format!("00:{:02}:00", self.minute))
    }
}

/// The longest part of an hour at which each slot has a call soon after it begins: for 45 minutes every 15.
fn step(every: &Schedule) -> i64 {
    let seconds = every.length().num_seconds();
    let minutes = if seconds % 60 == 0 { seconds / 60 } else { 1 };
    let from_midnight = every.at().map_or(0, |at| i64::from(at.minute()));
    let begins = common(common(minutes, HOUR), from_midnight);
    if every.is_of_days() { begins.max(LATEST) } else { begins }
}

fn common(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { common(other, one % other) }
}

/// A minute within a step, a quarter of an hour at most, and never the full hour unless each minute has a call.
fn offset(step: i64, seed: &str) -> i64 {
    let choices = step.min(LATEST) - 1;
    if choices < 1 {
        return 0;
    }
    let digest = Sha256::digest(seed.as_bytes());
    1 + i64::from(u16::from_be_bytes([digest[0], digest[1]])) % choices
}

/// The longest that a target which is kept in line goes without a run that proves it.
fn proven_within(slots: &Slots, call: TimeDelta) -> TimeDelta {
    let every = slots.every.map_or(call, |every| every.length());
    every.max(slots.full.map_or(every, |full| full.length()))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;

    use super::*;

    fn every(text: &str, at: &str) -> Slots {
        let every = crate::section::parse_duration(text).unwrap();
        let at = NaiveTime::parse_from_str(at, "%H:%M").unwrap();
        Slots { every: Some(Schedule::new(every, at).unwrap()), full: None }
    }

    #[test]
    fn calls_are_parts_of_an_hour_that_fit_the_slots() {
        for (span, at, calls, age) in [
            ("30s", "00:00", "every minute", "3h"),
            ("5m", "00:00", "every 5 minutes", "3h"),
            ("8m", "00:00", "every 4 minutes", "3h"),
            ("9m", "00:00", "every 3 minutes", "3h"),
            ("16m", "00:00", "every 4 minutes", "3h"),
            ("45m", "00:00", "every 15 minutes", "3h"),
            ("1h", "00:00", "once an hour", "3h"),
            ("72m", "00:00", "every 12 minutes", "4h"),
            ("90m", "00:00", "every 30 minutes", "4h"),
            ("6h", "00:00", "once an hour", "8h"),
            ("24h", "00:00", "once an hour", "26h"),
            ("24h", "05:00", "once an hour", "26h"),
            ("24h", "05:30", "every 30 minutes", "26h"),
            ("24h", "05:17", "every 15 minutes", "26h"),
            ("7d", "05:15", "every 15 minutes", "170h"),
        ] {
            let pace = Pace::of(&[every(span, at)], "/etc/personio-sync.toml");
            assert_eq!((&*pace.words(), &*pace.max_age()), (calls, age), "{span} at {at}");
        }
    }

    #[test]
    fn the_shortest_slot_decides_how_often_and_the_longest_about_the_alarm() {
        let each_call = Slots { every: None, full: None };
        let full = Slots { full: every("24h", "00:00").every, ..every("5m", "00:00") };
        let pace = Pace::of(&[every("7d", "00:00"), full, each_call], "");
        assert_eq!((&*pace.words(), &*pace.max_age()), ("every 5 minutes", "170h"));
        assert_eq!(Pace::of(&[full], "").max_age(), "26h", "only a run that reads everything proves something");
        let daily = Pace::of(&[each_call], "");
        assert_eq!((&*daily.words(), &*daily.max_age()), ("once a day", "26h"));
        assert!(daily.is_daily() && daily.cron().ends_with(" 5 * * *"), "{daily:?}");
    }

    #[test]
    fn times_need_no_notation_that_schedulers_disagree_about() {
        let pace = |step, offset| Pace { step, offset, daily: false, max_age_hours: 3 };
        for (step, offset, cron, calendar, interval, start) in [
            (15, 7, "7,22,37,52 * * * *", "*-*-* *:07,22,37,52:00 UTC", "PT15M", "00:07:00"),
            (60, 9, "9 * * * *", "*-*-* *:09:00 UTC", "PT1H", "00:09:00"),
        ] {
            let pace = pace(step, offset);
            assert_eq!((&*pace.cron(), &*pace.calendar()), (cron, calendar));
            assert_eq!(pace.interval(), (interval.to_owned(), start.to_owned()));
        }
        assert_eq!(Pace { daily: true, ..pace(60, 9) }.interval(), ("P1D".to_owned(), "05:09:00".to_owned()));
        assert_eq!(pace(1, 0).cron().split(',').count(), 60);
        assert_eq!(pace(3, 2).for_github().cron(), "2,7,12,17,22,27,32,37,42,47,52,57 * * * *");
        assert!(pace(3, 2).for_github().is_too_slow_for(&every("3m", "00:00")));
        assert!(!pace(15, 2).for_github().is_too_slow_for(&every("45m", "00:00")));
    }

    #[test]
    fn the_alarm_looks_between_two_calls() {
        let hourly = Pace { step: 15, offset: 7, daily: false, max_age_hours: 3 }.alarm();
        assert_eq!((&*hourly.cron(), &*hourly.calendar()), ("14 * * * *", "*-*-* *:14:00 UTC"));
        let of_days = Pace { step: 60, offset: 9, daily: false, max_age_hours: 26 }.alarm();
        assert_eq!((&*of_days.cron(), &*of_days.calendar()), ("24 0,6,12,18 * * *", "*-*-* 00,06,12,18:24:00 UTC"));
        assert_eq!(of_days.interval(), ("PT6H".to_owned(), "00:24:00".to_owned()));
    }

    #[test]
    fn the_minute_is_of_the_file_and_never_the_full_hour() {
        let offsets: std::collections::BTreeSet<i64> = (0..200).map(|file| offset(60, &file.to_string())).collect();
        assert_eq!(offsets, (1..LATEST).collect());
        assert_eq!(offset(60, "a"), offset(60, "a"));
        assert_eq!((offset(1, "a"), offset(2, "a")), (0, 1));
    }
}
