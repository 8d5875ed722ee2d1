//! Time zones: Freshservice spells them as Ruby on Rails does ("Berlin"), the file as everybody else does
//! ("Europe/Berlin").

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
use parking_lot::Mutex;

use crate::zone::{Zone, Zones};

/// Zone as in the IANA database, and Freshservice's name of it. Where several names stand for one zone,
/// the first is the one written.
const ZONES: &[(&str, &str)] = &[
    ("Pacific/Midway", "Midway Island"),
    ("Pacific/Pago_Pago", "American Samoa"),
    ("Pacific/Honolulu", "Hawaii"),
    ("America/Juneau", "Alaska"),
    ("America/Los_Angeles", "Pacific Time (US & Canada)"),
    ("America/Tijuana", "Tijuana"),
    ("America/Denver", "Mountain Time (US & Canada)"),
    ("America/Phoenix", "Arizona"),
    ("America/Chihuahua", "Chihuahua"),
    ("America/Mazatlan", "Mazatlan"),
    ("America/Chicago", "Central Time (US & Canada)"),
    ("America/Regina", "Saskatchewan"),
    ("America/Mexico_City", "Mexico City"),
    ("America/Mexico_City", "Guadalajara"),
    ("America/Monterrey", "Monterrey"),
    ("America/Guatemala", "Central America"),
    ("America/New_York", "Eastern Time (US & Canada)"),
    ("America/Indiana/Indianapolis", "Indiana (East)"),
    ("America/Bogota", "Bogota"),
    ("America/Lima", "Lima"),
    ("America/Lima", "Quito"),
    ("America/Halifax", "Atlantic Time (Canada)"),
    ("America/Caracas", "Caracas"),
    ("America/La_Paz", "La Paz"),
    ("America/Santiago", "Santiago"),
    ("America/St_Johns", "Newfoundland"),
    ("America/Sao_Paulo", "Brasilia"),
    ("America/Argentina/Buenos_Aires", "Buenos Aires"),
    ("America/Montevideo", "Montevideo"),
    ("America/Guyana", "Georgetown"),
    ("America/Puerto_Rico", "Puerto Rico"),
    ("America/Nuuk", "Greenland"),
    ("Atlantic/South_Georgia", "Mid-Atlantic"),
    ("Atlantic/Azores", "Azores"),
    ("Atlantic/Cape_Verde", "Cape Verde Is."),
    ("Europe/Dublin", "Dublin"),
    ("Europe/London", "London"),
    ("Europe/London", "Edinburgh"),
    ("Europe/Lisbon", "Lisbon"),
    ("Africa/Casablanca", "Casablanca"),
    ("Africa/Monrovia", "Monrovia"),
    ("Etc/UTC", "UTC"),
    ("Europe/Belgrade", "Belgrade"),
    ("Europe/Bratislava", "Bratislava"),
    ("Europe/Budapest", "Budapest"),
    ("Europe/Ljubljana", "Ljubljana"),
    ("Europe/Prague", "Prague"),
    ("Europe/Sarajevo", "Sarajevo"),
    ("Europe/Skopje", "Skopje"),
    ("Europe/Warsaw", "Warsaw"),
    ("Europe/Zagreb", "Zagreb"),
    ("Europe/Brussels", "Brussels"),
    ("Europe/Copenhagen", "Copenhagen"),
    ("Europe/Madrid", "Madrid"),
    ("Europe/Paris", "Paris"),
    ("Europe/Amsterdam", "Amsterdam"),
    ("Europe/Berlin", "Berlin"),
    ("Europe/Zurich", "Zurich"),
    ("Europe/Zurich", "Bern"),
    ("Europe/Rome", "Rome"),
    ("Europe/Stockholm", "Stockholm"),
    ("Europe/Vienna", "Vienna"),
    ("Africa/Algiers", "West Central Africa"),
    ("Europe/Bucharest", "Bucharest"),
    ("Africa/Cairo", "Cairo"),
    ("Europe/Helsinki", "Helsinki"),
    ("Europe/Kyiv", "Kyiv"),
    ("Europe/Riga", "Riga"),
    ("Europe/Sofia", "Sofia"),
    ("Europe/Tallinn", "Tallinn"),
    ("Europe/Vilnius", "Vilnius"),
    ("Europe/Athens", "Athens"),
    ("Europe/Istanbul", "Istanbul"),
    ("Europe/Minsk", "Minsk"),
    ("Asia/Jerusalem", "Jerusalem"),
    ("Africa/Harare", "Harare"),
    ("Africa/Johannesburg", "Pretoria"),
    ("Europe/Kaliningrad", "Kaliningrad"),
    ("Europe/Moscow", "Moscow"),
    ("Europe/Moscow", "St. Petersburg"),
    ("Europe/Volgograd", "Volgograd"),
    ("Europe/Samara", "Samara"),
    ("Asia/Kuwait", "Kuwait"),
    ("Asia/Riyadh", "Riyadh"),
    ("Africa/Nairobi", "Nairobi"),
    ("Asia/Baghdad", "Baghdad"),
    ("Asia/Tehran", "Tehran"),
    ("Asia/Muscat", "Muscat"),
    ("Asia/Muscat", "Abu Dhabi"),
    ("Asia/Baku", "Baku"),
    ("Asia/Tbilisi", "Tbilisi"),
    ("Asia/Yerevan", "Yerevan"),
    ("Asia/Kabul", "Kabul"),
    ("Asia/Yekaterinburg", "Ekaterinburg"),
    ("Asia/Karachi", "Karachi"),
    ("Asia/Karachi", "Islamabad"),
    ("Asia/Tashkent", "Tashkent"),
    ("Asia/Kolkata", "Kolkata"),
    ("Asia/Kolkata", "Chennai"),
    ("Asia/Kolkata", "Mumbai"),
    ("Asia/Kolkata", "New Delhi"),
    ("Asia/Kathmandu", "Kathmandu"),
    ("Asia/Dhaka", "Dhaka"),
    ("Asia/Colombo", "Sri Jayawardenepura"),
    ("Asia/Almaty", "Almaty"),
    ("Asia/Almaty", "Astana"),
    ("Asia/Novosibirsk", "Novosibirsk"),
    ("Asia/Yangon", "Rangoon"),
    ("Asia/Bangkok", "Bangkok"),
    ("Asia/Bangkok", "Hanoi"),
    ("Asia/Jakarta", "Jakarta"),
    ("Asia/Krasnoyarsk", "Krasnoyarsk"),
    ("Asia/Shanghai", "Beijing"),
    ("Asia/Shanghai", "Chongqing"),
    ("Asia/Hong_Kong", "Hong Kong"),
    ("Asia/Urumqi", "Urumqi"),
    ("Asia/Kuala_Lumpur", "Kuala Lumpur"),
    ("Asia/Singapore", "Singapore"),
    ("Asia/Taipei", "Taipei"),
    ("Australia/Perth", "Perth"),
    ("Asia/Irkutsk", "Irkutsk"),
    ("Asia/Ulaanbaatar", "Ulaanbaatar"),
    ("Asia/Seoul", "Seoul"),
    ("Asia/Tokyo", "Tokyo"),
    ("Asia/Tokyo", "Osaka"),
    ("Asia/Tokyo", "Sapporo"),
    ("Asia/Yakutsk", "Yakutsk"),
    ("Australia/Darwin", "Darwin"),
    ("Australia/Adelaide", "Adelaide"),
    ("Australia/Melbourne", "Melbourne"),
    ("Australia/Melbourne", "Canberra"),
    ("Australia/Sydney", "Sydney"),
    ("Australia/Brisbane", "Brisbane"),
    ("Australia/Hobart", "Hobart"),
    ("Asia/Vladivostok", "Vladivostok"),
    ("Pacific/Guam", "Guam"),
    ("Pacific/Port_Moresby", "Port Moresby"),
    ("Asia/Magadan", "Magadan"),
    ("Asia/Srednekolymsk", "Srednekolymsk"),
    ("Pacific/Guadalcanal", "Solomon Is."),
    ("Pacific/Noumea", "New Caledonia"),
    ("Pacific/Fiji", "Fiji"),
    ("Asia/Kamchatka", "Kamchatka"),
    ("Pacific/Majuro", "Marshall Is."),
    ("Pacific/Auckland", "Auckland"),
    ("Pacific/Auckland", "Wellington"),
    ("Pacific/Tongatapu", "Nuku'alofa"),
    ("Pacific/Fakaofo", "Tokelau Is."),
    ("Pacific/Chatham", "Chatham Is."),
    ("Pacific/Apia", "Samoa"),
];

/// The IANA names that Freshservice has a name for, each once.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = ZONES.iter().map(|(zone, _)| *zone).collect();
    names.dedup();
    names
}

/// Those that stand for many places, before others whose clocks agree with them.
const USUAL: [&str; 6] =
    ["Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"];

/// The zone with a name of Freshservice's whose clocks agree with those of a place over the coming year, by the zone
/// data of today; else the one that agrees longest. `None` when there is no such place.
pub(super) fn nearest(
    zones: &Zones,
) -> impl Fn(&str, NaiveDate) -> Option<(&'static str, &'static str)> + Send + Sync + 'static {
    type Found = HashMap<(&'static str, NaiveDate), (&'static str, &'static str)>;
    let (zones, found) = (zones.clone(), Mutex::<Found>::default());
    move |zone_name, today| {
        let zone = zones.get(zone_name)?;
        let mut found = found.lock();
        Some(*found.entry((zone.name(), today)).or_insert_with(|| look_for(zone, &zones, today)))
    }
}

fn look_for(wanted: Zone, zones: &Zones, today: NaiveDate) -> (&'static str, &'static str) {
    let (coming, before) = (coming_year(today), since_1970(today));
    let names = names();
    let zones: Vec<(&str, Zone)> = names.iter().filter_map(|name| Some((*name, zones.get(name)?))).collect();
    let agreement = |zone: Zone| {
        let apart = |moment: &DateTime<Utc>| (offset(wanted, moment) - offset(zone, moment)).abs();
        let same = coming.iter().filter(|moment| apart(moment) == 0).count();
        (same, Reverse(coming.iter().map(apart).sum::<i32>() / 60))
    };
    let best = zones.iter().map(|(_, zone)| agreement(*zone)).max();
    let alike = zones.iter().filter(|(_, zone)| Some(agreement(*zone)) == best);
    // Another name of a zone agrees with it in all the years before, too.
    let rank = |(name, zone): &&(&'static str, Zone)| {
        let same = before.iter().filter(|moment| offset(wanted, moment) == offset(*zone, moment)).count();
        let country = zone.is_in_the_country_of(wanted);
        let continent = name.split('/').next() == wanted.name().split('/').next();
        (same == before.len(), country, same, USUAL.iter().rev().position(|usual| usual == name), continent)
    };
    // Of several that agree as well, the first in the list: `max_by_key` takes the last.
    let found = alike.rev().max_by_key(rank).map_or("Etc/UTC", |(name, _)| name);
    let words = match best.is_some_and(|(same, _)| same == coming.len()) {
        true => "Freshservice has no name for this zone; one whose clocks agree over the coming year is written",
        false => "Freshservice has no name for this zone, nor for one whose clocks agree; the nearest one is written",
    };
    (found, words)
}

/// Twice a day: no clock is moved there and back in between.
fn coming_year(today: NaiveDate) -> Vec<DateTime<Utc>> {
    let start = today.and_time(NaiveTime::MIN).and_utc();
    (0..=366 * 2).map(|half_days| start + Duration::hours(12 * half_days)).collect()
}

fn since_1970(today: NaiveDate) -> Vec<DateTime<Utc>> {
    let weeks = today.signed_duration_since(NaiveDate::default()).num_weeks();
    (0..weeks / 4).map(|month| DateTime::UNIX_EPOCH + Duration::weeks(4 * month)).collect()
}

fn offset(zone: Zone, moment: &DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc()
}

/// From Freshservice's name to the IANA name; a name that is not known stays as it is.
pub(super) fn from_freshservice(name: &str) -> &str {
    ZONES.iter().find(|(_, known)| *known == name).map_or(name, |(zone, _)| zone)
}

/// From the IANA name to Freshservice's name; a name that is not known stays as it is.
pub(super) fn to_freshservice(zone: &str) -> &str {
    ZONES.iter().find(|(known, _)| *known == zone).map_or(zone, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_the_same_zone() {
        for zone in names() {
            assert_eq!(from_freshservice(to_freshservice(zone)), zone);
            assert!(Zones::compiled().get(zone).is_some(), "{zone} is a zone");
        }
        assert_eq!(to_freshservice("Europe/Berlin"), "Berlin");
        assert_eq!(from_freshservice("Bern"), "Europe/Zurich");
        assert_eq!(to_freshservice("Europe/London"), "London");
    }

    #[test]
    fn places_without_a_name_take_that_of_a_zone_whose_clocks_agree() {
        let today = "2026-11-27".parse().unwrap();
        let nearest = nearest(Zones::compiled());
        for (zone_name, zone) in [
            ("Europe/Oslo", "Europe/Berlin"),
            ("Europe/Kiev", "Europe/Kyiv"),
            ("Asia/Calcutta", "Asia/Kolkata"),
            ("Asia/Dubai", "Asia/Muscat"),
            ("America/Toronto", "America/New_York"),
            ("America/Anchorage", "America/Juneau"),
            // Both were moved in 2026, and no longer go with Los Angeles and Denver.
            ("America/Vancouver", "America/Phoenix"),
            ("America/Edmonton", "America/Regina"),
            ("America/Boise", "America/Denver"),
        ] {
            let (found, words) = nearest(zone_name, today).unwrap();
            assert_eq!(found, zone, "{zone_name}");
            assert!(words.contains("agree over the coming year") && !words.contains(zone_name), "{words}");
        }
        let (found, words) = nearest("Australia/Lord_Howe", today).unwrap();
        assert!(found.starts_with("Australia/") && words.contains("the nearest"), "{found} {words}");
        assert_eq!(nearest("Mars/Base", today), None);
    }

    #[test]
    fn a_name_is_listed_once_and_an_unknown_one_is_kept() {
        let mut names: Vec<&str> = ZONES.iter().map(|(_, name)| *name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(to_freshservice("Antarctica/Troll"), "Antarctica/Troll");
        assert_eq!(from_freshservice("Middle Earth"), "Middle Earth");
    }
}
