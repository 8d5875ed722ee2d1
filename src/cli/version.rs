//! `--version --verbose`: how old the data is that the world changes by itself.

use std::io::Write as _;

use crate::config::MachineZones;
use crate::rules::PHONE_DATA;
use crate::zone::Zones;

use super::session::environment;

/// The version, the release of the zone data in use and where it is from, and that of what is known of phone numbers.
fn text() -> String {
    let machine = MachineZones::find(&environment);
    format!(
        "personio-sync {}\nTime zones: {}\nPhone numbers: libphonenumber {PHONE_DATA}, compiled in\n",
        env!("CARGO_PKG_VERSION"),
        zones(machine.as_ref())
    )
}

pub(super) fn print() {
    let _ = std::io::stdout().lock().write_all(text().as_bytes());
}

fn zones(machine: Option<&MachineZones>) -> String {
    let compiled = Zones::compiled_version();
    let Some(MachineZones { folder, version, has_zones, used }) = machine else {
        return format!("{compiled}, compiled in (there are none on this machine)");
    };
    let folder = folder.display();
    if !has_zones {
        return format!("{compiled}, compiled in (there is no zone data in {folder})");
    }
    match (used, version) {
        (true, Some(version)) => format!("{version} of {folder} (compiled in: {compiled})"),
        (true, None) => format!("those of {folder}, which do not say their release (compiled in: {compiled})"),
        (false, Some(version)) => format!("{compiled}, compiled in ({folder} has {version})"),
        (false, None) => {
            format!("{compiled}, compiled in ({folder} does not say its release; TZDIR={folder} makes it count)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_data_in_use_is_told_from_what_is_there() {
        let words = |version: Option<&str>, used| {
            let machine =
                MachineZones { folder: "/zones".into(), version: version.map(Into::into), has_zones: true, used };
            zones(Some(&machine)).replace(Zones::compiled_version(), "2026f")
        };
        assert_eq!(words(Some("2099a"), true), "2099a of /zones (compiled in: 2026f)");
        assert_eq!(words(Some("2025b"), false), "2026f, compiled in (/zones has 2025b)");
        assert_eq!(words(None, true), "those of /zones, which do not say their release (compiled in: 2026f)");
        let unknown = "2026f, compiled in (/zones does not say its release; TZDIR=/zones makes it count)";
        assert_eq!(words(None, false), unknown);
        let empty = MachineZones { folder: "/zones".into(), version: None, has_zones: false, used: false };
        assert!(zones(Some(&empty)).ends_with("compiled in (there is no zone data in /zones)"));
        assert!(zones(None).ends_with("compiled in (there are none on this machine)"));
    }
}
