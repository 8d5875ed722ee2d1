use std::sync::Arc;

use crate::employee::{Attributes, CostCenterShare, Employee, EmployeeId, Named, Part, Supervisor, Value};
use crate::personio::wire::{Columns, Page, parse_page};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn day(day: &str) -> Value {
    Value::Date(day.parse().unwrap())
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| Box::from(*item)).collect())
}

fn named(id: Part<i64>, name: &str) -> Value {
    Value::Named(Arc::new(Named { id, name: name.into() }))
}

/// `""` is empty, `"?"` hidden.
fn supervisor(id: u64, name: &str, email: &str) -> Value {
    let part = |text: &str| match text {
        "" => Part::Empty,
        "?" => Part::Hidden,
        text => Part::Is(text.into()),
    };
    Value::Supervisor(Arc::new(Supervisor { id: EmployeeId(id), name: part(name), email: part(email) }))
}

fn shares(shares: &[(&str, f64)]) -> Value {
    Value::CostCenters(
        shares.iter().map(|(name, share)| CostCenterShare { name: (*name).into(), percentage: *share }).collect(),
    )
}

fn page(body: &str, attributes: &Attributes) -> Page {
    parse_page(body.as_bytes(), &Columns::new(attributes)).unwrap()
}

fn one(attribute: &str, attributes: &Attributes) -> (Employee, Vec<String>) {
    let body = format!(
        r#"{{"success":true,"data":[{{"type":"Employee","attributes":{{
            {attribute}"id":{{"label":"ID","value":9001,"type":"integer","universal_id":"id"}}}}}}]}}"#
    );
    let mut records = page(&body, attributes).records.unwrap();
    assert_eq!((records.employees.len(), records.unusable), (1, 0));
    let employee = records.employees.remove(0);
    assert_eq!(employee.id, EmployeeId(9001));
    (employee, records.notices.into_iter().map(|notice| notice.message).collect())
}

#[test]
fn every_known_spelling_of_a_value() {
    let org = |id: &str, name: &str| format!(r#"{{"type":"Office","attributes":{{"id":{id},"name":"{name}"}}}}"#);
    let lead = r#"{"type":"Employee","attributes":{
        "id":{"label":"ID","value":9002,"type":"integer","universal_id":"id"},
        "first_name":{"label":"First name","value":"Ada","type":"standard","universal_id":"first_name"},
        "last_name":{"label":"Last name","value":" Roy ","type":"standard","universal_id":"last_name"},
        "email":{"label":"Email","value":"Lead@example.org","type":"standard","universal_id":"email"}}}"#;
    // key, wire type, JSON value, value
    let table: &[(&str, &str, &str, Value)] = &[
        ("first_name", "standard", r#"" Ines ""#, text("Ines")),
        ("first_name", "standard", r#""Zo\u00eb \"Z\"""#, text("Zoë \"Z\"")),
        ("first_name", "standard", r#""""#, Value::Empty),
        ("first_name", "standard", "null", Value::Empty),
        ("first_name", "something new", r#""Ines""#, text("Ines")),
        ("email", "standard", r#""Ines@Example.org""#, text("Ines@Example.org")),
        // Midnight in Berlin is the day before in UTC.
        ("hire_date", "date", r#""2023-03-01T00:00:00+01:00""#, day("2023-03-01")),
        ("hire_date", "date", r#""2023-07-01T00:00:00+02:00""#, day("2023-07-01")),
        ("hire_date", "date", r#""2023-03-01T00:00:00-10:00""#, day("2023-03-01")),
        ("hire_date", "date", r#""2014-11-09 00:00:00+01:00""#, day("2014-11-09")),
        ("hire_date", "date", r#""2024-02-29""#, day("2024-02-29")),
        ("hire_date", "standard", r#""2024-02-29""#, day("2024-02-29")),
        ("termination_date", "date", "null", Value::Empty),
        ("termination_date", "date", r#""""#, Value::Empty),
        ("created_at", "date", r#""2017-05-23T09:49:03+02:00""#, text("2017-05-23T09:49:03+02:00")),
        ("weekly_working_hours", "standard", r#""40""#, Value::Integer(40)),
        ("weekly_working_hours", "standard", r#""37.5""#, Value::Decimal(37.5)),
        ("weekly_working_hours", "standard", r#""40.00""#, Value::Integer(40)),
        ("weekly_working_hours", "standard", "40", Value::Integer(40)),
        ("weekly_working_hours", "standard", "38.5", Value::Decimal(38.5)),
        ("weekly_working_hours", "standard", "40.0", Value::Integer(40)),
        ("fix_salary", "decimal", "0", Value::Integer(0)),
        ("fix_salary", "decimal", r#"3000.25, "currency":"EUR""#, Value::Decimal(3000.25)),
        ("fix_salary", "decimal", r#"{"value": 1}"#, Value::Hidden),
        ("office", "standard", &org("12", " Porto "), named(Part::Is(12), "Porto")),
        ("office", "standard", &org("null", "Porto"), named(Part::Empty, "Porto")),
        ("office", "standard", r#"{"type":"Office","attributes":{"name":"Porto"}}"#, named(Part::Hidden, "Porto")),
        ("office", "standard", &org(r#""12""#, "Porto"), named(Part::Is(12), "Porto")),
        ("office", "standard", "null", Value::Empty),
        ("office", "standard", r#""""#, Value::Empty),
        ("office", "standard", "[]", Value::Empty),
        (
            "work_schedule",
            "standard",
            &org("1067807102794692001", "40 h"),
            named(Part::Is(1_067_807_102_794_692_001), "40 h"),
        ),
        ("work_schedule", "standard", r#""""#, Value::Empty),
        ("supervisor", "standard", lead, supervisor(9002, "Ada Roy", "Lead@example.org")),
        ("supervisor", "standard", r#"{"type":"Employee","attributes":{"id":9002}}"#, supervisor(9002, "?", "?")),
        (
            "supervisor",
            "standard",
            r#"{"attributes":{"id":9002,"first_name":{"value":""},"last_name":{"value":null},"email":{"value":null}}}"#,
            supervisor(9002, "", ""),
        ),
        (
            "supervisor",
            "standard",
            r#"{"attributes":{"id":9002,"first_name":{"value":"Ada"},"last_name":{"value":""}}}"#,
            supervisor(9002, "Ada", "?"),
        ),
        // Half a name is not the name.
        (
            "supervisor",
            "standard",
            r#"{"attributes":{"id":9002,"first_name":{"value":"Ada"},"email":{"value":"lead@example.org"}}}"#,
            supervisor(9002, "?", "lead@example.org"),
        ),
        ("supervisor", "standard", "[]", Value::Empty),
        (
            "cost_centers",
            "standard",
            r#"[{"type":"CostCenter","attributes":{"id":5,"name":"CC5","percentage":60}},
                {"type":"CostCenter","attributes":{"id":6,"name":" CC6 ","percentage":"40.5"}}]"#,
            shares(&[("CC5", 60.0), ("CC6", 40.5)]),
        ),
        ("cost_centers", "standard", r#"[{"attributes":{"name":"CC5"}}]"#, shares(&[("CC5", 100.0)])),
        ("cost_centers", "standard", "[]", Value::Empty),
        ("cost_centers", "standard", "null", Value::Empty),
        (
            "absence_entitlement",
            "standard",
            r#"[{"type":"TimeOffType","attributes":{"id":1,"name":"Paid vacation","entitlement":24}}]"#,
            list(&["Paid vacation"]),
        ),
        ("dynamic_1", "standard", r#""A-17""#, text("A-17")),
        ("dynamic_1", "standard", "17", text("17")),
        ("dynamic_1", "standard", "true", Value::Bool(true)),
        ("dynamic_1", "list", "false", Value::Bool(false)),
        ("dynamic_1", "something new", "true", Value::Bool(true)),
        ("dynamic_1", "standard", r#""true""#, text("true")),
        ("dynamic_1", "multiline", r#""one\ntwo""#, text("one\ntwo")),
        ("dynamic_1", "link", r#""https://example.org""#, text("https://example.org")),
        ("dynamic_1", "list", r#""Yes, always""#, text("Yes, always")),
        ("dynamic_1", "date", r#""2021-01-01T00:00:00+01:00""#, day("2021-01-01")),
        ("dynamic_1", "date", r#""2021-01-01""#, day("2021-01-01")),
        ("dynamic_1", "integer", "9007199254740993", Value::Integer(9_007_199_254_740_993)),
        ("dynamic_1", "integer", r#""17""#, Value::Integer(17)),
        ("dynamic_1", "decimal", r#""17.25""#, Value::Decimal(17.25)),
        ("dynamic_1", "decimal", r#""""#, Value::Empty),
        ("dynamic_1", "tags", r#""English, Spanish ,,""#, list(&["English", "Spanish"])),
        ("dynamic_1", "tags", r#""[\"A, B\",\"C\"]""#, list(&["A, B", "C"])),
        ("dynamic_1", "tags", r#""[]""#, Value::Empty),
        ("dynamic_1", "tags", r#""[odd], name""#, list(&["[odd]", "name"])),
        ("dynamic_1", "tags", r#"["A","B"]"#, list(&["A", "B"])),
        ("dynamic_1", "tags", r#""""#, Value::Empty),
        ("dynamic_1", "tags", "null", Value::Empty),
        ("dynamic_1", "something new", r#""A-17""#, text("A-17")),
        ("dynamic_1", "something new", "17", Value::Integer(17)),
        ("dynamic_1", "something new", r#""2021-01-01T00:00:00+01:00""#, day("2021-01-01")),
        ("dynamic_1", "something new", r#""2021-01-01T10:00:00Z""#, text("2021-01-01T10:00:00Z")),
    ];
    for (key, kind, json, wanted) in table {
        let attributes = Attributes::new([*key]);
        let column = attributes.column(key).unwrap();
        let rest = format!(r#""label":"Name","type":"{kind}","universal_id":null"#);
        // The parts come in either order.
        for attribute in
            [format!(r#""{key}":{{"value":{json},{rest}}},"#), format!(r#""{key}":{{{rest},"value":{json}}},"#)]
        {
            let (employee, notices) = one(&attribute, &attributes);
            assert_eq!(employee.value(column), wanted, "{key} {kind} {json}");
            assert_eq!(notices.len(), usize::from(*wanted == Value::Hidden), "{key} {kind} {json}: {notices:?}");
        }
    }
}

#[test]
fn a_surprise_hides_one_value_of_one_employee_and_is_told_without_it() {
    // key, wire type, JSON value
    let table = [
        ("first_name", "standard", "true"),
        ("first_name", "standard", r#"{"secret":"Ines"}"#),
        ("first_name", "standard", r#"["Ines"]"#),
        ("hire_date", "date", r#""01.03.2023""#),
        ("hire_date", "date", r#""2023-02-30""#),
        ("hire_date", "date", r#""2023-03-011""#),
        ("hire_date", "date", r#""0000-00-00""#),
        ("hire_date", "date", r#""2023-03-ü""#),
        ("hire_date", "date", "1677628800"),
        ("weekly_working_hours", "standard", r#""37,5""#),
        ("weekly_working_hours", "standard", r#""nan""#),
        ("weekly_working_hours", "standard", "[40]"),
        ("office", "standard", r#""Porto""#),
        ("office", "standard", "12"),
        ("office", "standard", r#"{"type":"Office","attributes":{"id":12,"name":""}}"#),
        ("office", "standard", r#"{"type":"Office","attributes":{"id":1.0678e18,"name":"Porto"}}"#),
        ("office", "standard", r#"{"type":"Office","attributes":[]}"#),
        ("supervisor", "standard", r#"{"type":"Employee","attributes":{"id":"boss"}}"#),
        ("supervisor", "standard", r#"{"type":"Employee","attributes":{"id":0}}"#),
        ("supervisor", "standard", "9002"),
        ("cost_centers", "standard", r#"[{"attributes":{"name":"A"}},{"attributes":{"name":"B"}}]"#),
        ("cost_centers", "standard", r#"[{"attributes":{"name":"A","percentage":101}}]"#),
        ("cost_centers", "standard", r#"[{"attributes":{"id":5,"percentage":100}}]"#),
        ("dynamic_1", "tags", "17"),
        ("dynamic_1", "tags", "[[]]"),
        ("dynamic_1", "integer", r#""seventeen""#),
        ("dynamic_1", "integer", "true"),
        // More digits than are kept: rounded, different people would share one number.
        ("dynamic_1", "integer", "12345678901234567001"),
        ("dynamic_1", "integer", "-12345678901234567001"),
        ("dynamic_1", "integer", "123456789012345678901234567890"),
        ("dynamic_1", "integer", r#""12345678901234567001""#),
        ("dynamic_1", "decimal", "9007199254740993.0"),
        ("dynamic_1", "standard", "12345678901234567001"),
        ("dynamic_1", "tags", "[12345678901234567001]"),
        // Half of a pair, where a text was cut in the middle of an emoji.
        ("first_name", "standard", r#""Ines \ud83d""#),
        ("office", "standard", r#"{"type":"Office","attributes":{"id":12,"name":"Porto \ude00"}}"#),
        ("dynamic_1", "tags", r#"["A","\ud83d"]"#),
        ("dynamic_1", "integer", r#""\ud83d""#),
    ];
    for (key, kind, json) in table {
        let attributes = Attributes::new([key, "last_name"]);
        let attribute = format!(r#""{key}":{{"value":{json},"type":"{kind}"}},"last_name":{{"value":"Alves"}},"#);
        let (employee, notices) = one(&attribute, &attributes);
        assert_eq!(employee.value(attributes.column(key).unwrap()), &Value::Hidden, "{key} {json}");
        assert_eq!(employee.value(attributes.column("last_name").unwrap()), &text("Alves"), "{key} {json}");
        let [notice] = &*notices else { panic!("{key} {json}: {notices:?}") };
        assert!(notice.contains(key) && notice.contains("9001"), "{notice}");
        assert!(!notice.contains("Ines") && !notice.contains("Porto"), "{notice}");
    }
    for bare in [r#""first_name":"Ines","#, r#""first_name":{"label":"First name"},"#, r#""first_name":[],"#] {
        let attributes = Attributes::new(["first_name"]);
        let (employee, notices) = one(bare, &attributes);
        assert_eq!(employee.value(attributes.column("first_name").unwrap()), &Value::Hidden);
        assert_eq!(notices.len(), 1, "{bare}");
    }
}

#[test]
fn what_is_not_delivered_is_hidden_and_what_is_not_asked_for_is_ignored() {
    let attributes = Attributes::new(["email", "id"]);
    let (employee, notices) = one(r#""first_name":{"value":true},"dynamic_9":7,"#, &attributes);
    assert_eq!(employee.value(attributes.column("email").unwrap()), &Value::Hidden);
    assert_eq!(employee.value(attributes.column("id").unwrap()), &Value::Integer(9001));
    assert_eq!(notices, [""; 0]);
}

#[test]
fn records_without_a_usable_id_are_counted() {
    let attributes = Attributes::new(["email"]);
    let body = r#"{"metadata":[],"data":[
        {"type":"Employee","attributes":{"email":{"value":"a@example.org"}}},
        {"type":"Employee","attributes":{"id":{"value":0},"email":{"value":true}}},
        {"type":"Employee","attributes":{"id":{"value":-5}}},
        {"type":"Employee","attributes":{"id":{"value":1.5}}},
        {"type":"Employee","attributes":[]}, {"type":"Employee"}, null, "x", 7,
        {"attributes":{"id":{"value":"9003"}}},
        {"attributes":{"id":{"value":9004}}}],
        "success":true}"#;
    let page = page(body, &attributes);
    let records = page.records.as_ref().unwrap();
    let ids: Vec<u64> = records.employees.iter().map(|employee| employee.id.0).collect();
    assert_eq!((ids, records.unusable, records.rows()), (vec![9003, 9004], 9, 11));
    assert_eq!(records.notices, []);
    assert_eq!((page.total, page.success), (None, Some(true)));
}

#[test]
fn garbled_text_does_harm_only_where_it_is_asked_for() {
    for garbled in [&b"\xff"[..], br"\ud83d"] {
        let person = [b"{\"attributes\":{\"id\":{\"value\":1},\"position\":{\"value\":\"", garbled, b"\"}}}"].concat();
        let other = br#"{"attributes":{"id":{"value":2},"position":{"value":"Lead \ud83d\ude00"}}}"#;
        let body = [b"{\"data\":[", &*person, b",", other, b"]}"].concat();
        let attributes = Attributes::new(["position"]);
        let column = attributes.column("position").unwrap();
        let read = |attributes| parse_page(&body, &Columns::new(attributes)).unwrap().records.unwrap();
        let records = read(&attributes);
        let values: Vec<&Value> = records.employees.iter().map(|employee| employee.value(column)).collect();
        assert_eq!(values, [&Value::Hidden, &text("Lead \u{1f600}")]);
        let [notice] = &*records.notices else { panic!("{:?}", records.notices) };
        assert!(notice.message.contains("employee 1 as a text with half a character"), "{}", notice.message);
        let not_asked = read(&Attributes::new(["email"]));
        assert_eq!((not_asked.employees.len(), not_asked.notices.len()), (2, 0));
    }
    // Neither does a key.
    let body =
        br#"{"data":[{"attributes":{"id":{"value":1},"\ud83d":{"value":1},"email":{"value":"a@example.org"}}}]}"#;
    let records = parse_page(body, &Columns::new(&Attributes::new(["email"]))).unwrap().records.unwrap();
    assert_eq!((records.employees.len(), records.notices.len()), (1, 0));
}

#[test]
fn answers_that_are_not_a_page() {
    let attributes = Attributes::new(["email"]);
    for body in [r#"{"success":true}"#, r#"{"data":null}"#, r#"{"data":{}}"#] {
        assert!(page(body, &attributes).records.is_none(), "{body}");
    }
    let refused = page(r#"{"success":false,"error":{"code":401,"message":"no"},"data":[]}"#, &attributes);
    assert_eq!((refused.success, refused.error.unwrap()["code"].as_i64()), (Some(false), Some(401)));
    for body in ["", "<html>", "[]", r#"{"data":[{"attributes":{"#, r#"{"data":[]} {"#] {
        assert!(parse_page(body.as_bytes(), &Columns::new(&attributes)).is_err(), "{body}");
    }
}
