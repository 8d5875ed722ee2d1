use std::sync::Arc;

use super::super::fields::known_fields;
use super::*;
use crate::field::FieldIndex;

/// An id above 2^32, as the vendor's are.
const MANAGER: u64 = 21_000_049_726;

fn spec(name: &str) -> FieldSpec {
    known_fields(crate::zone::Zones::compiled()).into_iter().find(|field| &*field.name == name).expect("a known field")
}

fn custom(kind: FieldKind) -> FieldSpec {
    FieldSpec::new("custom_fields.it", kind)
}

fn books() -> Names {
    let (mut departments, mut locations) = (Book::default(), Book::default());
    for (id, name) in [(701, "Sales"), (702, "IT"), (703, "Legal"), (704, "legal")] {
        departments.insert(id, name);
    }
    locations.insert(31, "Leipzig");
    Names { departments: Some(Arc::new(departments)), locations: Some(Arc::new(locations)) }
}

#[test]
fn rows_that_say_the_names_of_what_they_refer_to_need_no_list() {
    use Named::{Departments, Locations};
    for (named, row, expected) in [
        (
            Departments,
            json!({"department_ids": [701, 702], "department_names": ["Sales", "IT"]}),
            Some(&["Sales", "IT"][..]),
        ),
        (Departments, json!({"department_ids": [], "department_names": null}), Some(&[])),
        (Departments, json!({}), Some(&[])),
        (Departments, json!({"department_ids": [701, 702], "department_names": ["Sales"]}), None),
        (Departments, json!({"department_ids": [701], "department_names": [" "]}), None),
        (Departments, json!({"department_ids": [701], "department_names": null}), None),
        (Departments, json!({"department_ids": [701]}), None),
        (Departments, json!({"department_ids": "701", "department_names": ["Sales"]}), None),
        (Locations, json!({"location_id": 31, "location_name": "Leipzig"}), Some(&["Leipzig"])),
        (Locations, json!({"location_id": null, "location_name": null}), Some(&[])),
        (Locations, json!({"location_id": 31, "location_name": null}), None),
        (Locations, json!({"location_id": 31}), None),
    ] {
        let Value::Object(row) = row else { panic!("an object") };
        assert_eq!(names_of(&row, named).as_deref(), expected, "{row:?}");
    }
    let row = json!({"id": 5, "active": true, "department_ids": [1, 2], "department_names": ["Sales ", "IT"],
        "location_id": 3, "location_name": "Bonn"});
    let schema = [spec("department_ids"), spec("location_id")];
    let read = |names: &Names| user(row.clone()).account(&schema, names).0.fields().to_vec();
    assert_eq!(read(&Names::default()), [FieldValue::list(["IT", "Sales"]), text("Bonn")]);
    // A list that was read says it better.
    assert_eq!(read(&books()), [FieldValue::list(["#1", "#2"]), text("#3")]);
}

fn user(row: Value) -> User {
    let Value::Object(row) = row else { panic!("an object") };
    User::read(row, false).expect("a user")
}

fn text(text: &str) -> FieldValue {
    FieldValue::text(text)
}

#[test]
fn values_are_read_by_the_kind_of_their_field() {
    use FieldValue::{Bool, Empty};
    let rows: &[(FieldSpec, Value, FieldValue)] = &[
        (spec("first_name"), json!({"first_name": "  Mira "}), text("Mira")),
        (spec("last_name"), json!({"last_name": null}), Empty),
        (spec("last_name"), json!({}), Empty),
        (spec("last_name"), json!({"last_name": " "}), Empty),
        (spec("primary_email"), json!({"primary_email": "Mira.Osei@Example.COM"}), text("mira.osei@example.com")),
        (spec("primary_email"), json!({"email": "Agent@example.com"}), text("agent@example.com")),
        (spec("work_phone_number"), json!({"work_phone_number": 4930123456_u64}), text("4930123456")),
        (spec("work_phone_number"), json!({"work_phone_number": "030-123"}), text("030-123")),
        (spec("secondary_emails"), json!({"secondary_emails": ""}), Empty),
        (spec("secondary_emails"), json!({"secondary_emails": []}), Empty),
        (
            spec("secondary_emails"),
            json!({"secondary_emails": ["b@example.com", "A@example.com"]}),
            FieldValue::list(["a@example.com", "b@example.com"]),
        ),
        (spec("department_ids"), json!({"department_ids": [701, 702]}), FieldValue::list(["IT", "Sales"])),
        (spec("department_ids"), json!({"department_ids": ["701", 799]}), FieldValue::list(["#799", "Sales"])),
        (spec("department_ids"), json!({"department_ids": []}), Empty),
        (spec("department_ids"), json!({"department_ids": null}), Empty),
        (spec("location_id"), json!({"location_id": 31}), text("Leipzig")),
        (spec("location_id"), json!({"location_id": 32}), text("#32")),
        (
            spec("reporting_manager_id"),
            json!({"reporting_manager_id": MANAGER}),
            FieldValue::Account("21000049726".into()),
        ),
        (spec("reporting_manager_id"), json!({"reporting_manager_id": null}), Empty),
        (spec("time_zone"), json!({"time_zone": "Berlin"}), text("Europe/Berlin")),
        (spec("time_zone"), json!({"time_zone": "Atlantis"}), text("Atlantis")),
        (spec(SEES_ALL_TICKETS), json!({SEES_ALL_TICKETS: null}), Bool(false)),
        (spec(SEES_ALL_TICKETS), json!({SEES_ALL_TICKETS: true}), Bool(true)),
        (spec("external_id"), json!({"external_id": 4711}), text("4711")),
        (spec("is_agent"), json!({}), Bool(false)),
        (custom(FieldKind::Text), json!({}), Empty),
        (custom(FieldKind::Text), json!({"custom_fields": null}), Empty),
        (custom(FieldKind::Text), json!({"custom_fields": {"it": "x"}}), text("x")),
        (custom(FieldKind::Bool), json!({"custom_fields": {"it": null}}), Bool(false)),
        (custom(FieldKind::Bool), json!({"custom_fields": {"it": true}}), Bool(true)),
        (custom(FieldKind::Number), json!({"custom_fields": {"it": 7}}), FieldValue::Integer(7)),
        (custom(FieldKind::Number), json!({"custom_fields": {"it": "7"}}), FieldValue::Integer(7)),
        (custom(FieldKind::Number), json!({"custom_fields": {"it": 7.5}}), FieldValue::Decimal(7.5)),
        (custom(FieldKind::Date), json!({"custom_fields": {"it": "soon"}}), text("soon")),
    ];
    for (spec, row, expected) in rows {
        let mut row = row.clone();
        row["id"] = json!(880_001);
        row["active"] = json!(true);
        assert_eq!(user(row.clone()).field(spec, &books()).as_ref(), Ok(expected), "{} in {row}", spec.name);
    }
}

#[test]
fn midnight_somewhere_is_the_day_it_begins() {
    for (wire, expected) in [
        ("2026-03-31", "2026-03-31"),
        ("2026-03-31T00:00:00Z", "2026-03-31"),
        ("2026-03-30T18:30:00Z", "2026-03-31"),
        ("2026-03-30T22:00:00Z", "2026-03-31"),
        ("2026-03-30T11:00:00Z", "2026-03-31"),
        ("2026-03-31T05:00:00Z", "2026-03-31"),
        ("2026-03-31T10:00:00Z", "2026-03-31"),
        ("2026-03-31T00:00:00+05:30", "2026-03-31"),
        ("2026-12-31T23:00:00.000Z", "2027-01-01"),
    ] {
        assert_eq!(day(wire).map(|day| day.to_string()).as_deref(), Some(expected), "{wire}");
    }
    assert_eq!(day("31.03.2026"), None);
}

#[test]
fn a_value_of_a_type_no_field_has_is_said_without_showing_it() {
    for (name, value) in [
        ("first_name", json!({"hidden": "Mira"})),
        ("department_ids", json!("Sales")),
        ("reporting_manager_id", json!("Mira")),
        ("location_id", json!([31])),
        ("secondary_emails", json!([1])),
    ] {
        let found = user(json!({"id": 5, "active": true, name: value})).field(&spec(name), &books());
        assert_eq!(found, Err(format!("account 5: `{name}` has a value of an unexpected type")));
    }
}

#[test]
fn a_record_that_cannot_be_read_is_protected_and_said() {
    let schema = [spec("first_name"), spec("last_name")];
    let read = |row: Value| user(row).account(&schema, &books());
    let (account, problem) = read(json!({"id": MANAGER, "active": false, "first_name": "Mira"}));
    assert_eq!((&*account.id.0, account.active, account.protection), ("21000049726", false, None));
    assert_eq!((account.fields(), problem), ([text("Mira"), FieldValue::Empty].as_slice(), None));
    let (account, problem) = read(json!({"id": 5, "active": true, "first_name": ["Mira"], "last_name": "Osei"}));
    assert_eq!(account.protection, Some(Protection::Unreadable));
    assert_eq!(account.fields(), [FieldValue::Empty, text("Osei")]);
    assert_eq!(problem.as_deref(), Some("account 5: `first_name` has a value of an unexpected type"));
    let (account, problem) = read(json!({"id": 5, "active": "yes"}));
    assert_eq!(account.protection, Some(Protection::Unreadable));
    assert!(problem.is_some_and(|problem| problem.contains("`active`")));
    let (account, _) = read(json!({"id": 5, "active": true, "is_agent": true}));
    assert_eq!(account.protection, Some(Protection::Agent));
}

#[test]
fn a_row_needs_its_id() {
    let read = |row: Value| User::read(row.as_object().expect("an object").clone(), false).map(|user| user.id);
    assert_eq!(read(json!({"id": MANAGER, "active": false})), Ok(MANAGER));
    for id in [json!(null), json!(-1), json!(1.5), json!("x"), json!([])] {
        assert!(read(json!({"id": id, "active": true})).is_err(), "{id}");
    }
}

#[test]
fn only_named_fields_are_sent_each_in_its_type() {
    let schema = [
        spec("first_name"),
        spec("department_ids"),
        spec("location_id"),
        spec("reporting_manager_id"),
        spec("time_zone"),
        spec("secondary_emails"),
        spec("work_phone_number"),
        spec("primary_email"),
        FieldSpec::new("custom_fields.started", FieldKind::Date),
        FieldSpec::new("custom_fields.badge", FieldKind::Text),
        FieldSpec::new("custom_fields.remote", FieldKind::Bool),
        FieldSpec::new("custom_fields.hours", FieldKind::Number),
    ];
    let change = |index: u16, after: FieldValue| FieldChange {
        index: FieldIndex(index),
        field: schema[usize::from(index)].name.clone(),
        before: FieldValue::Empty,
        after,
    };
    let send = |changes: &[FieldChange]| body(changes, &schema, &books());
    let started = NaiveDate::from_ymd_opt(2026, 3, 31).expect("a day");
    assert_eq!(
        send(&[
            change(0, text("Mira")),
            change(1, FieldValue::list(["sales", "IT"])),
            change(2, text("leipzig")),
            change(3, FieldValue::Account(MANAGER.to_string().into())),
            change(4, text("Europe/Berlin")),
            change(5, FieldValue::list(["m@example.com"])),
            change(6, text("+49 30 123")),
            change(7, text("Mira@Example.com")),
            change(8, FieldValue::Date(started)),
            change(9, FieldValue::Integer(4711)),
            change(10, FieldValue::Bool(true)),
            change(11, FieldValue::Decimal(37.5)),
        ]),
        Ok(json!({
            "first_name": "Mira",
            "department_ids": [701, 702],
            "location_id": 31,
            "reporting_manager_id": MANAGER,
            "time_zone": "Berlin",
            "secondary_emails": ["m@example.com"],
            "work_phone_number": "+49 30 123",
            "primary_email": "mira@example.com",
            "custom_fields": {"started": "2026-03-31", "badge": "4711", "remote": true, "hours": 37.5},
        }))
    );
    let cleared: Vec<FieldChange> = (1..12).map(|index| change(index, FieldValue::Empty)).collect();
    assert_eq!(
        send(&cleared),
        Ok(json!({
            "department_ids": [],
            "location_id": null,
            "reporting_manager_id": null,
            "time_zone": null,
            "secondary_emails": [],
            "work_phone_number": null,
            "primary_email": null,
            "custom_fields": {"started": null, "badge": null, "remote": false, "hours": null},
        }))
    );
    for (wrong, word) in [
        (change(1, FieldValue::list(["Legal"])), "more than once"),
        (change(1, FieldValue::list(["Moon"])), "does not have"),
        (change(2, text("Moon")), "does not have"),
        (change(3, FieldValue::Employee(crate::employee::EmployeeId(7))), "without an account"),
        (change(3, FieldValue::Account("x-1".into())), "no number"),
    ] {
        let error = send(&[wrong]).expect_err(word);
        assert!(error.contains(word) && !error.contains("Moon"), "{error}");
    }
}

#[test]
fn wrappers_come_in_several_shapes() {
    let answer = |body: Value| Response { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() };
    let id_of = |body| one(&answer(body), &["location", "locations"]).and_then(|row| id(&row));
    assert_eq!(id_of(json!({"location": {"id": 31}})), Ok(31));
    assert_eq!(id_of(json!({"locations": {"id": "31"}})), Ok(31));
    assert_eq!(id_of(json!({"locations": [{"id": 31}]})), Ok(31));
    assert!(id_of(json!({"department": {"id": 31}})).is_err());
    assert!(rows(&answer(json!({"requesters": {}})), "requesters").is_err());
    assert!(rows(&answer(json!([])), "requesters").is_err());
    assert!(rows(&answer(json!({"requesters": [1]})), "requesters").is_err());
    let page = Response { status: 200, headers: Vec::new(), body: b"<html>".to_vec() };
    assert!(rows(&page, "requesters").expect_err("a page").contains("HTML"));
}

#[test]
fn choices_come_in_several_shapes() {
    let row = json!({"name": "size", "type": "custom_dropdown", "choices": ["S", ["M", "M"], {"value": "L", "id": 3}]});
    let row = FieldRow::read(row.as_object().expect("an object")).expect("a field");
    assert_eq!(row.choices, ["S", "M", "L"]);
}
