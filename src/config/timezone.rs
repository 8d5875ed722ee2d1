use crate::code::Code;
use crate::zone::{Zone, Zones};

use crate::section::{Located, Table};
use crate::words::nearest;

/// `timezone`: whose midnight counts.
pub(super) fn read(root: &Table<'_>, text: Option<&Located<String>>) -> Zone {
    let Some(text) = text else {
        return Zone::utc();
    };
    root.zones().get(&text.value).unwrap_or_else(|| {
        let hint = suggestion(&text.value)
            .map_or_else(|| "write it as \"Europe/Berlin\"".to_owned(), |name| format!("did you mean `{name}`?"));
        let message = format!("`timezone` does not know `{}`; {hint}", text.value);
        root.problems().error(text.span.clone(), Code::UnknownValue, message);
        Zone::utc()
    })
}

/// A zone whose city alone was written, else the nearest name.
fn suggestion(text: &str) -> Option<&'static str> {
    let names: Vec<&'static str> = Zones::names().collect();
    let wanted = text.trim().replace(' ', "_");
    let city =
        names.iter().find(|name| name.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(&wanted)));
    city.copied().or_else(|| nearest(&wanted, &names))
}
