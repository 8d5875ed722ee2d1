use std::sync::LazyLock;

use super::*;
use crate::zone::testing::zone;

static ZONE: LazyLock<Zone> = LazyLock::new(|| zone("Europe/Berlin"));

fn schedule(every: &str) -> Schedule {
    let (every, at) = every.split_once(" at ").unwrap_or((every, "00:00"));
    let every = crate::section::parse_duration(every).unwrap();
    Schedule::new(every, NaiveTime::parse_from_str(at, "%H:%M").unwrap()).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    format!("{text}Z").parse().unwrap_or_else(|_| panic!("{text}"))
}

fn shown(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%S").to_string()
}

#[test]
fn a_slot_begins_and_ends_by_the_calendar() {
    let table = [
        // every, now (UTC), the slot of now, the one after it. Berlin is an hour ahead in winter, two in summer.
        ("1h", "2026-12-01T05:00:01", "2026-12-01T05:00:00", "2026-12-01T06:00:00"),
        ("1h", "2026-12-01T06:00:00", "2026-12-01T06:00:00", "2026-12-01T07:00:00"),
        ("5m", "2026-12-01T06:04:59", "2026-12-01T06:00:00", "2026-12-01T06:05:00"),
        ("6h", "2026-12-01T06:00:00", "2026-12-01T05:00:00", "2026-12-01T11:00:00"),
        ("24h", "2026-12-01T05:15:00", "2026-11-30T23:00:00", "2026-12-01T23:00:00"),
        ("24h at 05:00", "2026-12-01T03:59:59", "2026-11-30T04:00:00", "2026-12-01T04:00:00"),
        ("24h at 05:00", "2026-12-01T04:00:00", "2026-12-01T04:00:00", "2026-12-02T04:00:00"),
        // 7 December 2026 is a Monday.
        ("7d", "2026-12-06T22:59:59", "2026-11-29T23:00:00", "2026-12-06T23:00:00"),
        ("7d at 05:00", "2026-12-07T03:00:00", "2026-11-30T04:00:00", "2026-12-07T04:00:00"),
        ("2d", "2026-12-01T12:00:00", "2026-11-30T23:00:00", "2026-12-02T23:00:00"),
        // In spring clocks go from 02:00 to 03:00, which is 01:00 UTC: a day of 23 hours.
        ("24h", "2026-03-29T12:00:00", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),
        ("24h at 02:30", "2026-03-29T00:59:59", "2026-03-28T01:30:00", "2026-03-29T01:00:00"),
        ("24h at 02:30", "2026-03-29T01:00:00", "2026-03-29T01:00:00", "2026-03-30T00:30:00"),
        ("1h", "2026-03-29T00:59:59", "2026-03-29T00:00:00", "2026-03-29T01:00:00"),
        ("1h", "2026-03-29T01:00:00", "2026-03-29T01:00:00", "2026-03-29T02:00:00"),
        ("12h", "2026-03-29T12:00:00", "2026-03-29T11:00:00", "2026-03-29T22:00:00"),
        // In autumn they go from 03:00 back to 02:00, which is 01:00 UTC as well: a day of 25 hours.
        ("24h", "2026-10-25T12:00:00", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),
        ("24h at 02:30", "2026-10-25T00:30:00", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
        ("24h at 02:30", "2026-10-25T01:30:00", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
        ("1h", "2026-10-25T00:30:00", "2026-10-25T00:00:00", "2026-10-25T01:00:00"),
        ("1h", "2026-10-25T01:30:00", "2026-10-25T01:00:00", "2026-10-25T02:00:00"),
        ("6h", "2026-10-25T22:30:00", "2026-10-25T22:00:00", "2026-10-25T23:00:00"),
    ];
    for (every, now, slot, next) in table {
        let (of, now) = (schedule(every), utc(now));
        assert_eq!(
            (shown(of.slot(now, *ZONE)), shown(of.next(now, *ZONE))),
            (slot.into(), next.into()),
            "{every} {now}"
        );
    }
}

#[test]
fn every_slot_is_followed_by_the_next_without_a_gap() {
    // Half an hour of summer time, a clock that changes at midnight, a day that was left out.
    for (zone, from) in [
        (*ZONE, "2026-01-01T00:00:00"),
        (zone("Australia/Lord_Howe"), "2026-01-01T00:00:00"),
        (zone("Africa/Cairo"), "2026-01-01T00:00:00"),
        (zone("America/Havana"), "2026-01-01T00:00:00"),
        (zone("Pacific/Apia"), "2011-06-01T00:00:00"),
    ] {
        for every in ["1h", "8h", "24h at 00:30", "24h", "3d", "7d at 23:59"] {
            let of = schedule(every);
            let mut slot = of.slot(utc(from), zone);
            while slot < utc(from) + TimeDelta::days(400) {
                let next = of.next(slot, zone);
                assert!(slot < next, "{zone} {every} {slot} {next}");
                assert_eq!(of.slot(slot, zone), slot, "{zone} {every}");
                assert_eq!(of.slot(next - TimeDelta::seconds(1), zone), slot, "{zone} {every} {next}");
                assert_eq!(of.next(next - TimeDelta::seconds(1), zone), next, "{zone} {every} {slot}");
                slot = next;
            }
        }
    }
}

#[test]
fn a_target_is_due_once_in_each_slot() {
    let (now, later) = (|text: &str| Due::Now(utc(text)), |text: &str| Due::Later(utc(text)));
    let table = [
        ("24h", None, "2026-12-01T05:15:00", now("2026-11-30T23:00:00")),
        ("24h", Some("2026-11-30T23:00:00"), "2026-12-01T06:15:00", later("2026-12-01T23:00:00")),
        ("24h", Some("2026-11-30T23:00:00"), "2026-12-02T05:15:00", now("2026-12-01T23:00:00")),
        ("24h", Some("2026-11-30T23:00:00"), "2026-12-13T05:15:00", now("2026-12-12T23:00:00")),
        ("1h", Some("2026-12-01T05:00:00"), "2026-12-01T05:59:00", later("2026-12-01T06:00:00")),
        ("1h", Some("2026-12-01T05:00:00"), "2026-12-01T06:00:00", now("2026-12-01T06:00:00")),
        // A clock that is a second early.
        ("1h", Some("2026-12-01T05:00:00"), "2026-12-01T05:59:59", now("2026-12-01T06:00:00")),
        ("1h", Some("2026-12-01T06:00:00"), "2026-12-01T05:59:59", later("2026-12-01T07:00:00")),
        ("1h", Some("2026-12-01T06:00:00"), "2026-12-01T06:00:01", later("2026-12-01T07:00:00")),
        ("1h", Some("2026-12-01T22:00:00"), "2026-12-01T22:59:59", now("2026-12-01T23:00:00")),
        ("24h at 05:00", Some("2026-12-01T04:00:00"), "2026-12-02T03:59:59", now("2026-12-02T04:00:00")),
        // The run of tomorrow does not begin today.
        ("24h", Some("2026-11-30T23:00:00"), "2026-12-01T22:59:59", later("2026-12-01T23:00:00")),
        // The clock was set back: an hour, a year.
        ("1h", Some("2026-12-01T06:00:00"), "2026-12-01T05:15:00", now("2026-12-01T05:00:00")),
        ("24h", Some("2027-11-30T23:00:00"), "2026-12-01T05:15:00", now("2026-11-30T23:00:00")),
    ];
    for (every, last, at, expected) in table {
        assert_eq!(schedule(every).due(last.map(utc), utc(at), *ZONE), expected, "{every} {last:?} {at}");
    }
}

#[test]
fn hourly_runs_around_the_full_hour_are_all_due() {
    // Seconds by which ten runs are late, or early, across the night in which clocks change.
    for jitter in [[1, 0, 1, -1, 2, -2, 0, 3, -1, 1], [-1; 10], [0; 10], [-20, 20, -20, 20, -20, 20, -20, 20, -20, 20]]
    {
        let mut last = None;
        for (hour, seconds) in (0..).zip(jitter) {
            let now = utc("2026-10-24T20:00:00") + TimeDelta::hours(hour) + TimeDelta::seconds(seconds);
            let Due::Now(slot) = schedule("1h").due(last, now, *ZONE) else { panic!("{jitter:?} {now}") };
            last = Some(slot);
        }
    }
}

#[test]
fn slots_without_a_run_are_named() {
    let hourly = schedule("1h");
    let hours = |hours: &[i64]| -> Vec<DateTime<Utc>> {
        hours.iter().map(|hour| utc("2026-12-01T00:00:00") + TimeDelta::hours(*hour)).collect()
    };
    let now = utc("2026-12-01T09:30:00");
    assert!(hourly.missed(&[], now, *ZONE).is_empty(), "it never ran by the clock");
    assert_eq!(hourly.missed(&hours(&[3, 4, 5, 8]), now, *ZONE), hours(&[6, 7]), "9 is under way");
    assert!(hourly.missed(&hours(&[9]), now, *ZONE).is_empty());
    let long_ago = hourly.missed(&[utc("2025-01-01T00:00:00")], now, *ZONE);
    assert_eq!((long_ago.len(), long_ago.last()), (MOST_MISSED, hours(&[8]).last()));
    let weekly = schedule("7d");
    assert_eq!(weekly.missed(&[utc("2026-11-15T23:00:00")], now, *ZONE), [utc("2026-11-22T23:00:00")]);
}

#[test]
fn a_span_divides_a_day_or_is_whole_days() {
    let table: [(u64, &[&str]); 10] = [
        (3_600, &[]),
        (90 * 60, &[]),
        (7 * 86_400, &[]),
        (5 * 3_600, &["4h", "6h"]),
        (7 * 60, &["6m", "8m"]),
        (7, &["6s", "8s"]),
        (36 * 3_600, &["24h", "2d"]),
        (0, &["1h"]),
        (400 * 86_400, &["366d"]),
        (u64::MAX, &["366d"]),
    ];
    for (seconds, expected) in table {
        let found = Schedule::new(Duration::from_secs(seconds), NaiveTime::MIN).err().unwrap_or_default();
        assert_eq!(found, expected, "{seconds}");
    }
}
