//! The zone data of the machine.
//!
//! It counts where it is a later release of the IANA database than the one compiled in. Which release it is can be read
//! where the machine says so; the age of its files says nothing, as packages put their own date on them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::zone::{ReadZone, Zones};

/// Where machines have it, as the C library and others look for it.
const FOLDERS: [&str; 4] = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"];

/// What a release is written in: the first on Linux, the second on BSD and macOS, the third by the makers themselves.
const VERSIONS: [&str; 3] = ["tzdata.zi", "+VERSION", "version"];

/// Names another folder, as for the C library.
const VARIABLE: &str = "TZDIR";

/// The largest one has some 4 kB.
const LARGEST: u64 = 1 << 20;

/// Zone data that is on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineZones {
    /// Where it is.
    pub folder: PathBuf,
    /// Its release, such as `2026a`, where it says.
    pub version: Option<String>,
    /// Whether there are any zones in it.
    pub has_zones: bool,
    /// Whether it counts before what is compiled in.
    pub used: bool,
}

impl MachineZones {
    /// Looks where TZDIR says, else where machines have it.
    pub fn find(environment: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let named = environment(VARIABLE).filter(|folder| !folder.trim().is_empty()).map(PathBuf::from);
        let folders = || FOLDERS.map(PathBuf::from).into_iter().find(|folder| folder.is_dir());
        let by_name = named.is_some();
        let folder = named.or_else(folders)?;
        if !holds_zones(&folder) {
            return Some(Self { folder, version: None, has_zones: false, used: false });
        }
        let version = version(&folder);
        // Of two that nobody can compare, the one that somebody named.
        let used = version.as_ref().map_or(by_name, |version| is_later(version, Zones::compiled_version()));
        Some(Self { folder, version, has_zones: true, used })
    }

    /// Those to use: these where they count, for the rest those compiled in.
    pub fn zones(found: Option<&Self>) -> Zones {
        let reader = |folder: PathBuf| -> ReadZone { Box::new(move |name| read(&folder.join(name), LARGEST)) };
        Zones::new(found.filter(|found| found.used).map(|found| reader(found.folder.clone())))
    }
}

fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    // Opening a pipe would wait for whoever writes into it.
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Every release has this zone.
fn holds_zones(folder: &Path) -> bool {
    read(&folder.join("Etc/UTC"), 4).is_some_and(|start| start == *b"TZif")
}

/// `2026a`, as it begins one of these files, or behind `# version `.
fn version(folder: &Path) -> Option<String> {
    VERSIONS.iter().find_map(|name| {
        let start = read(&folder.join(name), 80)?;
        let text = String::from_utf8_lossy(&start);
        let line = text.lines().next()?;
        let word = line.strip_prefix("# version ").unwrap_or(line).trim();
        // What follows a hyphen is on the way to the next release.
        let (release, _) = word.split_once('-').unwrap_or((word, ""));
        parts(release).map(|_| release.to_owned())
    })
}

/// The year and the letters of `2026a`; after `z` comes `za`.
fn parts(version: &str) -> Option<(u16, usize, &str)> {
    let (year, letters) = version.split_at_checked(4)?;
    let fine = !letters.is_empty() && letters.bytes().all(|letter| letter.is_ascii_lowercase());
    Some((year.parse().ok().filter(|_| fine)?, letters.len(), letters))
}

fn is_later(one: &str, other: &str) -> bool {
    parts(one) > parts(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VANCOUVER: &[u8] = include_bytes!("../../tests/zoneinfo/America/Vancouver");

    /// A folder of zones with these files beside, named by TZDIR; and what is used for Vancouver.
    fn found(files: &[(&str, &str)]) -> (Option<MachineZones>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("America")).unwrap();
        std::fs::write(folder.path().join("America/Vancouver"), VANCOUVER).unwrap();
        std::fs::create_dir(folder.path().join("Etc")).unwrap();
        std::fs::write(folder.path().join("Etc/UTC"), VANCOUVER).unwrap();
        std::fs::write(folder.path().join("America/Toronto"), "no zone data").unwrap();
        std::fs::write(folder.path().join("zone"), VANCOUVER).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().to_str().unwrap().to_owned();
        let machine = MachineZones::find(&|name| (name == VARIABLE).then(|| path.clone()));
        let zones = MachineZones::zones(machine.as_ref());
        let moment: chrono::DateTime<chrono::Utc> = "2026-12-01T12:00:00Z".parse().unwrap();
        let shown = |name| zones.get(name).map(|zone| zone.minute(moment).to_string()[11..].to_owned());
        assert_eq!(shown("Europe/Berlin"), Some("13:00 CET".to_owned()), "the folder has none");
        assert_eq!(shown("America/Toronto"), Some("07:00 EST".to_owned()), "that of the folder cannot be read");
        for outside in ["../zone", "America/../zone", "posix/zone", "right/zone", "localtime"] {
            assert_eq!(zones.get(outside), None, "{outside}");
        }
        (machine, shown("America/Vancouver"))
    }

    #[test]
    fn newer_zone_data_of_the_machine_counts() {
        for (name, text, version, used) in [
            ("tzdata.zi", "# version 2099a\n# This zic input file is in the public domain.\n", Some("2099a"), true),
            ("+VERSION", "2099b\n", Some("2099b"), true),
            ("version", "2099za", Some("2099za"), true),
            ("tzdata.zi", "# version 2099a-12-g0123abc-dirty\n", Some("2099a"), true),
            ("tzdata.zi", "# version 2025b\n", Some("2025b"), false),
            // Nothing to compare with: somebody named the folder.
            ("tzdata.zi", "# version unknown\n", None, true),
            ("tzdata.zi", "", None, true),
            ("other", "2001a", None, true),
        ] {
            let (machine, vancouver) = found(&[(name, text)]);
            let machine = machine.unwrap();
            assert_eq!((machine.version.as_deref(), machine.used), (version, used), "{name} {text}");
            assert_eq!(vancouver.as_deref(), Some(if used { "07:00 TST" } else { "05:00 MST" }), "{name} {text}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_error() {
        let machine = MachineZones::find(&|_| Some("no such folder".into())).unwrap();
        assert!(!machine.has_zones && !machine.used, "{machine:?}");
        assert!(MachineZones::zones(None).get("Europe/Berlin").is_some());
    }

    #[test]
    fn a_folder_without_zones_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tzdata.zi"), "# version 2099a\n").unwrap();
        let machine = MachineZones::find(&|_| folder.path().to_str().map(str::to_owned)).unwrap();
        assert!(!machine.used && !machine.has_zones && machine.version.is_none(), "{machine:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_zone_data_and_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let path = folder.path().join("tzdata.zi");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(read(&path, LARGEST), None);
    }

    #[test]
    fn releases_are_later_by_year_and_letter() {
        let compiled = Zones::compiled_version();
        assert!(!is_later(compiled, compiled));
        for (earlier, later) in [("2025b", "2026a"), ("2025a", "2025b"), ("2025z", "2025za"), ("2025zb", "2026a")] {
            assert!(is_later(later, earlier) && !is_later(earlier, later), "{earlier} {later}");
        }
    }
}
