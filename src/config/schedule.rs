use chrono::NaiveTime;

use crate::plan::Schedule;

use crate::section::Table;

/// `every` and `at` of a target: the slots of the calendar in which it is due.
pub(super) fn read(table: &Table<'_>) -> Option<Schedule> {
    let every = table.duration("every");
    let at = time(table);
    if !table.has("every") {
        if table.has("at") {
            let message = format!("{} has no meaning without `every`; add every = \"24h\"", table.name_of("at"));
            table.problems().error(table.key_span("at"), "wrong_value", message);
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
            table.problems().error(span, "wrong_value", message);
            return None;
        }
    };
    if at.is_some() && !schedule.is_of_days() {
        let message = format!(
            "{} is for whole days such as every = \"24h\"; shorter spans count from midnight, so take it out",
            table.name_of("at")
        );
        table.problems().error(table.key_span("at"), "wrong_value", message);
    }
    Some(schedule)
}

/// `05:00`
fn time(table: &Table<'_>) -> Option<NaiveTime> {
    let text = table.text("at")?;
    let found = NaiveTime::parse_from_str(text.value.trim(), "%H:%M").ok();
    if found.is_none() {
        let message = format!("{} must be a time of the day such as \"05:00\"", table.name_of("at"));
        table.problems().error(text.span, "wrong_value", message);
    }
    found
}
