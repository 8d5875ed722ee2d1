use std::time::Duration;

use chrono::NaiveTime;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::code::Code;
use crate::plan::Schedule;

use crate::section::Table;
use crate::section::shape::TimeSpan;

/// `every` and `at` of a target: the slots of the calendar in which it is due.
pub(super) fn read(table: &Table<'_>, every: Option<TimeSpan>, at: Option<TimeOfDay>) -> Option<Schedule> {
    let (every, at) = (every.map(|TimeSpan(every)| every), at.map(|TimeOfDay(at)| at));
    if !table.has("every") {
        if table.has("at") {
            let message = format!("{} has no meaning without `every`; add every = \"24h\"", table.name_of("at"));
            table.problems().error(table.key_span("at"), Code::WrongValue, message);
        }
        return None;
    }
    let span = table.raw("every").map_or_else(|| table.span(), |value| value.span());
    let schedule = match Schedule::new(every?, at.unwrap_or(NaiveTime::MIN)) {
        Ok(schedule) => schedule,
        Err(nearest) => {
            let name = table.name_of("every");
            let message = if every?.is_zero() {
                format!("{name} must be longer than nothing")
            } else {
                let nearest: Vec<String> = nearest.iter().map(|span| format!("\"{span}\"")).collect();
                format!("{name} must divide a day or be whole days; the nearest: {}", nearest.join(" and "))
            };
            table.problems().error(span, Code::WrongValue, message);
            return None;
        }
    };
    if at.is_some() && !schedule.is_of_days() {
        let message = format!(
            "{} is for whole days such as every = \"24h\"; shorter spans count from midnight, so take it out",
            table.name_of("at")
        );
        table.problems().error(table.key_span("at"), Code::WrongValue, message);
    }
    Some(schedule)
}

/// `full` of a target: the slots of which each has a run that reads everything.
pub(super) fn read_full(table: &Table<'_>, full: Option<TimeSpan>) -> Option<Schedule> {
    let TimeSpan(full) = full?;
    let span = table.raw("full").map_or_else(|| table.span(), |value| value.span());
    let name = table.name_of("full");
    let message = match Schedule::new(full, NaiveTime::MIN) {
        _ if full > DAY => {
            let longest = Schedule::DAILY.spelled();
            format!(
                "{name} must not be longer than \"{longest}\": that a last day passed is seen when everything is read"
            )
        }
        Ok(schedule) => return Some(schedule),
        Err(_) if full.is_zero() => format!("{name} must be longer than nothing"),
        Err(nearest) => {
            let nearest: Vec<String> = nearest.iter().map(|span| format!("\"{span}\"")).collect();
            format!("{name} must divide a day; the nearest: {}", nearest.join(" and "))
        }
    };
    table.problems().error(span, Code::WrongValue, message);
    None
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `05:00`
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("pattern" = "^ *([01]?[0-9]|2[0-3]):[0-5]?[0-9] *$"))]
pub(super) struct TimeOfDay(NaiveTime);

impl TryFrom<String> for TimeOfDay {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let time = NaiveTime::parse_from_str(text.trim(), "%H:%M");
        time.map(Self).map_err(|_| "must be a time of the day such as \"05:00\"")
    }
}
