//! Time zones: Freshservice spells them as Ruby on Rails does ("Berlin"), the file as everybody else does
//! ("Europe/Berlin").

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
            assert!(zone.parse::<chrono_tz::Tz>().is_ok(), "{zone} is a zone");
        }
        assert_eq!(to_freshservice("Europe/Berlin"), "Berlin");
        assert_eq!(from_freshservice("Bern"), "Europe/Zurich");
        assert_eq!(to_freshservice("Europe/London"), "London");
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
