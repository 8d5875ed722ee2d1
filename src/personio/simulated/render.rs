//! One employee as the source sends it.

use std::sync::LazyLock;

use chrono::{NaiveDate, Offset, TimeZone};
use serde_json::{Map, Value, json};

use super::attributes::Attribute;
use crate::simulation::people::{Company, Named, Person};
use crate::zone::{Zone, Zones};

/// A day as v1 sends it: the midnight of the account's zone, with the offset of the season.
pub(super) fn midnight(day: NaiveDate) -> String {
    instant(day, 0, 0)
}

fn instant(day: NaiveDate, hour: u32, minute: u32) -> String {
    static BERLIN: LazyLock<Option<Zone>> = LazyLock::new(|| Zones::compiled().get("Europe/Berlin"));
    let time = day.and_hms_opt(hour, minute, 0).unwrap_or_default();
    let offset = BERLIN.and_then(|zone| zone.offset_from_local_datetime(&time).earliest());
    let hours = offset.map_or(1, |offset| offset.fix().local_minus_utc() / 3_600);
    format!("{day}T{hour:02}:{minute:02}:00+{hours:02}:00")
}

pub(super) fn day_or_null(day: Option<NaiveDate>) -> Value {
    day.map_or(Value::Null, |day| json!(midnight(day)))
}

fn object(kind: &str, named: Option<&Named>) -> Value {
    named.map_or(Value::Null, |named| json!({"type": kind, "attributes": {"id": named.id, "name": named.name}}))
}

fn labelled(label: &str, value: Value, kind: &str, universal_id: &str) -> Value {
    json!({"label": label, "value": value, "type": kind, "universal_id": universal_id})
}

/// An employee with the attributes of a list, as JSON text; perhaps without some parts of the values.
pub(super) fn employee(
    person: &Person,
    attributes: &[&Attribute],
    company: &Company,
    base_url: &str,
    parts_hidden: bool,
) -> String {
    let mut text = String::with_capacity(attributes.len() * 160);
    text.push_str("{\"type\":\"Employee\",\"attributes\":{");
    for (index, attribute) in attributes.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&attribute.before);
        let mut value = value(person, attribute, company, base_url);
        if parts_hidden && let Some(parts) = value.get_mut("attributes").and_then(Value::as_object_mut) {
            // Of a supervisor nothing but the id, of what has a name nothing but that.
            let kept = if &*attribute.key == "supervisor" { "id" } else { "name" };
            parts.retain(|part, _| part == kept);
        }
        text.push_str(&value.to_string());
        text.push_str(&attribute.after);
    }
    text.push_str("}}");
    text
}

fn value(person: &Person, attribute: &Attribute, company: &Company, base_url: &str) -> Value {
    if let Some(value) = person.overrides.get(&*attribute.key) {
        return value.clone();
    }
    if let Some(meaning) = attribute.meaning {
        return meaning.value(&attribute.key, person, company);
    }
    match &*attribute.key {
        "id" => json!(person.id),
        "first_name" => json!(person.first_name),
        "last_name" => json!(person.last_name),
        "preferred_name" => json!(person.preferred_name),
        "email" => json!(person.email),
        "gender" => json!(person.gender),
        "status" => json!(person.status),
        "position" => json!(person.position),
        "employment_type" => json!(person.employment_type),
        "weekly_working_hours" => json!(person.weekly_working_hours),
        "hire_date" => day_or_null(person.hire_date),
        "contract_end_date" => day_or_null(person.contract_end_date),
        "termination_date" => day_or_null(person.termination_date),
        "termination_type" => json!(person.termination_type),
        // Both forms of "none" are seen here.
        "termination_reason" => person.termination_date.map_or(Value::Null, |_| json!("")),
        "last_working_day" => day_or_null(person.last_working_day),
        "probation_period_end" => day_or_null(person.probation_period_end),
        "created_at" => json!(instant(person.hire_date.unwrap_or(company.today).min(company.today), 9, 30)),
        "last_modified_at" => json!(instant(person.last_modified, 17, 33)),
        "subcompany" => object("Subcompany", person.subcompany.as_ref()),
        "office" => object("Office", person.office.as_ref()),
        "department" => object("Department", person.department.as_ref()),
        "team" => object("Team", person.team.as_ref()),
        "supervisor" => person.supervisor.map_or(Value::Null, |id| supervisor(id, company)),
        "cost_centers" => person
            .cost_centers
            .iter()
            .map(|(named, percentage)| {
                json!({"type": "CostCenter",
                       "attributes": {"id": named.id, "name": named.name, "percentage": percentage}})
            })
            .collect(),
        "holiday_calendar" => holiday_calendar(person),
        "absence_entitlement" => absence_entitlement(person),
        "work_schedule" => work_schedule(person),
        "fix_salary" => json!(person.fix_salary),
        "fix_salary_interval" => json!("monthly"),
        "hourly_salary" => json!(0),
        "profile_picture" if person.id.is_multiple_of(3) => Value::Null,
        "profile_picture" => json!(format!("{base_url}/v1/company/employees/{}/profile-picture", person.id)),
        _ => Value::Null,
    }
}

fn supervisor(id: u64, company: &Company) -> Value {
    let mut attributes = Map::new();
    attributes.insert("id".into(), labelled("ID", json!(id), "integer", "id"));
    if let Some(person) = company.anyone(id) {
        attributes
            .insert("first_name".into(), labelled("First name", json!(person.first_name), "standard", "first_name"));
        attributes.insert("last_name".into(), labelled("Last name", json!(person.last_name), "standard", "last_name"));
        attributes.insert("email".into(), labelled("Email", json!(person.email), "standard", "email"));
    }
    json!({"type": "Employee", "attributes": attributes})
}

fn holiday_calendar(person: &Person) -> Value {
    let (id, name, country, state) = match person.office.as_ref().map(|office| office.name.as_str()) {
        Some("Berlin") => (3, "Deutschland (Berlin) Feiertage", json!("DE"), json!("Berlin")),
        Some("München") => (2, "Deutschland (Bayern) Feiertage", json!("DE"), json!("Bayern")),
        Some("Wien") => (5, "Österreich Feiertage", json!("AT"), Value::Null),
        Some("London") => (8, "United Kingdom holidays", json!("GB"), Value::Null),
        Some(_) => (9, "Company holidays", Value::Null, Value::Null),
        None => return Value::Null,
    };
    json!({"type": "HolidayCalendar", "attributes": {"id": id, "name": name, "country": country, "state": state}})
}

fn absence_entitlement(person: &Person) -> Value {
    if person.employment_type == "external" {
        return json!([]);
    }
    let kind = |id: u32, name: &str, category: Value, entitlement: u32| {
        json!({"type": "TimeOffType",
               "attributes": {"id": id, "name": name, "category": category, "entitlement": entitlement}})
    };
    json!([
        kind(113_437, "Paid vacation", json!("paid_vacation"), 28),
        kind(113_438, "Sick days", json!("sick_leave"), 0),
        kind(113_440, "Remote work", Value::Null, 0),
    ])
}

/// Schedule ids do not fit into a double, on purpose.
fn work_schedule(person: &Person) -> Value {
    let (id, name, hours, friday) = match person.weekly_working_hours.as_str() {
        "20" => (1_067_807_102_794_692_113_u64, "Part-time, 20 hours (mon,tue,wed,thu,fri)", "04:00", "04:00"),
        "32" => (1_067_807_102_794_692_117, "Part-time, 32 hours (mon,tue,wed,thu)", "08:00", "00:00"),
        "37.5" => (1_067_807_102_794_692_121, "Full-time, 37.5 hours (mon,tue,wed,thu,fri)", "07:30", "07:30"),
        _ => (
            1_067_807_102_794_692_001,
            "Full-time, 40 hours without time tracking, (mon,tue,wed,thu,fri)",
            "08:00",
            "08:00",
        ),
    };
    let valid_from =
        person.hire_date.filter(|_| person.id.is_multiple_of(2)).map(|day| day.format("%Y-%m-%d").to_string());
    json!({"type": "WorkSchedule", "attributes": {
        "id": id, "name": name, "valid_from": valid_from, "monday": hours, "tuesday": hours,
        "wednesday": hours, "thursday": hours, "friday": friday, "saturday": "00:00", "sunday": "00:00"}})
}
