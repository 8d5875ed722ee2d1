//! When a target is due: slots of the calendar in the zone of the file.
//!
//! A scheduler starts a run a second late today and a second early tomorrow. Counted from the start of the last run,
//! such a run would be left out; counted by slots of the calendar, each slot gets its run.

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};

use crate::zone::Zone;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// A Monday, from which longer spans count.
const FIRST_MONDAY: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 5).expect("a day");
/// A run that starts this long before a slot, with nothing left to do in the one before, is the run of that slot:
/// clocks of a scheduler and of the machine it starts a run on differ.
const EARLY: TimeDelta = TimeDelta::seconds(30);
/// How many missed slots are worth a look at most.
const MOST_MISSED: usize = 100;

/// `every` and `at` of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    seconds: i64,
    at: NaiveTime,
}

/// Whether a target is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Now, for the slot that begins then.
    Now(DateTime<Utc>),
    /// Not before then.
    Later(DateTime<Utc>),
}

impl Schedule {
    /// Once a day, from midnight on.
    pub const DAILY: Self = Self { seconds: DAY, at: NaiveTime::MIN };

    /// A span that divides a day, or whole days.
    ///
    /// # Errors
    ///
    /// The nearest spans that will do, as the file spells them, when this one is neither.
    pub fn new(every: Duration, at: NaiveTime) -> Result<Self, Vec<String>> {
        let seconds = i64::try_from(every.as_secs()).unwrap_or(i64::MAX);
        match seconds {
            1.. if DAY % seconds == 0 || seconds % DAY == 0 && seconds <= 366 * DAY => Ok(Self { seconds, at }),
            _ => Err(nearest(seconds).map(spelled).collect()),
        }
    }

    /// Whether its slots are days, which may begin at any time of the day.
    pub fn is_of_days(&self) -> bool {
        self.seconds >= DAY
    }

    /// How long a slot is, but for the nights in which clocks change.
    pub fn length(&self) -> TimeDelta {
        TimeDelta::seconds(self.seconds)
    }

    /// The time of the day at which its slots begin, where they are days.
    pub fn at(&self) -> Option<NaiveTime> {
        self.is_of_days().then_some(self.at)
    }

    /// As the file spells it: `1h`, `24h at 05:00`.
    pub fn spelled(&self) -> String {
        let every = spelled(self.seconds);
        if self.at == NaiveTime::MIN { every } else { format!("{every} at {}", self.at.format("%H:%M")) }
    }

    /// When the slot began that this moment is in.
    pub fn slot(&self, now: DateTime<Utc>, zone: Zone) -> DateTime<Utc> {
        let today = now.with_timezone(&zone).date_naive();
        if !self.is_of_days() {
            return self.within(today, now, zone);
        }
        let days = self.seconds / DAY;
        let mut first = today - Days::new((today - FIRST_MONDAY).num_days().rem_euclid(days).unsigned_abs());
        while begin(first, self.at, zone) > now {
            first = first - Days::new(days.unsigned_abs());
        }
        begin(first, self.at, zone)
    }

    /// Spans below a day count from midnight in time that passes, so that the night in which clocks change has no gap.
    fn within(&self, today: NaiveDate, now: DateTime<Utc>, zone: Zone) -> DateTime<Utc> {
        let midnight = begin(today, NaiveTime::MIN, zone);
        let passed = (now - midnight).num_seconds();
        midnight + TimeDelta::seconds(passed - passed.rem_euclid(self.seconds))
    }

    /// When the slot after the one of this moment begins.
    pub fn next(&self, now: DateTime<Utc>, zone: Zone) -> DateTime<Utc> {
        let slot = self.slot(now, zone);
        if !self.is_of_days() {
            let tomorrow = slot.with_timezone(&zone).date_naive() + Days::new(1);
            // The last slot of a day ends with it, also where clocks change.
            return (slot + TimeDelta::seconds(self.seconds)).min(begin(tomorrow, NaiveTime::MIN, zone));
        }
        let mut day = slot.with_timezone(&zone).date_naive();
        loop {
            let on_its_day = (day - FIRST_MONDAY).num_days().rem_euclid(self.seconds / DAY) == 0;
            let begins = begin(day, self.at, zone);
            if on_its_day && begins > now {
                return begins;
            }
            day = day + Days::new(1);
        }
    }

    /// Whether a target is to run now, whose last slot that had its run began at `last`.
    pub fn due(&self, last: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: Zone) -> Due {
        let (slot, next) = (self.slot(now, zone), self.next(now, zone));
        let early = self.begins_soon(next, now, zone);
        match last {
            None => Due::Now(slot),
            Some(last) if last < slot => Due::Now(slot),
            Some(last) if last < next && early => Due::Now(next),
            // The clock was set back, and nobody knows for how long it has not run.
            Some(last) if last > now && !(last == next && early) => Due::Now(slot),
            Some(last) if last == next => Due::Later(self.next(next, zone)),
            Some(_) => Due::Later(next),
        }
    }

    fn begins_soon(&self, next: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> bool {
        let day = |moment: DateTime<Utc>| moment.with_timezone(&zone).date_naive();
        let early = EARLY.min(TimeDelta::seconds(self.seconds / 10));
        // The run of a day is about that day; that of an hour can begin a moment before midnight.
        next - now <= early && (!self.is_of_days() || day(now) == day(next))
    }

    /// The slots before the one of this moment that had no run, since the first that had one and not longer than what
    /// is worth a look; the oldest first.
    pub fn missed(&self, filled: &[DateTime<Utc>], now: DateTime<Utc>, zone: Zone) -> Vec<DateTime<Utc>> {
        let Some(first) = filled.iter().min() else { return Vec::new() };
        let (mut slot, end) = (self.slot((*first).max(self.worth_a_look(now)), zone), self.slot(now, zone));
        let mut missed = Vec::new();
        while slot < end {
            let next = self.next(slot, zone);
            // A slot of another schedule counts for the one that it was in.
            if !filled.iter().any(|one| slot <= *one && *one < next) {
                missed.push(slot);
            }
            slot = next;
        }
        missed.split_off(missed.len().saturating_sub(MOST_MISSED))
    }

    /// The oldest moment whose slot is worth a look: a week back, or some slots if they are long.
    pub fn worth_a_look(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::seconds(WEEK.max(self.seconds.saturating_mul(4)))
    }
}

/// When a time of a day is, on the clock of a zone. One that the zone skips in spring is when the skipped time ends;
/// of one that comes twice in autumn it is the first.
fn begin(day: NaiveDate, at: NaiveTime, zone: Zone) -> DateTime<Utc> {
    let wanted = day.and_time(at);
    // No zone has ever skipped more than a day.
    (0..=2 * 24 * 60)
        .find_map(|minutes| zone.from_local_datetime(&(wanted + TimeDelta::minutes(minutes))).earliest())
        .map_or_else(|| wanted.and_utc(), |found| found.to_utc())
}

/// The spans next to one that will not do, below and above it, in the unit it is written in.
fn nearest(seconds: i64) -> impl Iterator<Item = i64> {
    const LONGEST: i64 = 366 * DAY;
    let unit = [3_600, 60].into_iter().find(|unit| seconds % unit == 0).unwrap_or(1);
    let will_do = |seconds: &i64| DAY % seconds == 0 || seconds % DAY == 0;
    let units = seconds.min(LONGEST + unit) / unit;
    let below = (1..units).rev().map(|units| units * unit).find(will_do);
    let above = (units.max(1)..).map(|units| units * unit).find(will_do).filter(|above| *above <= LONGEST);
    below.into_iter().chain(above)
}

/// `90m`, `6h`, `24h`, `2d`.
fn spelled(seconds: i64) -> String {
    match seconds {
        DAY => "24h".to_owned(),
        _ if seconds % DAY == 0 => format!("{}d", seconds / DAY),
        _ if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        _ if seconds % 60 == 0 => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}
