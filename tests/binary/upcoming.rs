//! `upcoming`: who joins and who leaves, and what targets and workflows will do about it when.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use super::scene::{DESK, LIST, Scene};

const WELCOME: &str = r#"
[targets.desk.leavers]
grace_days = 3
[targets.desk.workflows.welcome]
on = "joiner"
from = "-2d"
active = true
[[targets.desk.workflows.welcome.steps]]
action = "create_ticket"
fields = { subject = "'Welcome ' ~ first_name", description = "'A place for ' ~ first_name" }
"#;

/// The one thing that is said of an employee.
fn of(document: &Value, employee: u64, event: &str) -> Value {
    let id = employee.to_string();
    let people = document["people"].as_array().unwrap();
    let mut found = people.iter().filter(|one| one["employee"] == *id && one["event"] == event);
    let one = found.next().unwrap_or_else(|| panic!("{id} {event}: {document}")).clone();
    assert!(found.next().is_none(), "{id} {event} stands there twice");
    one
}

fn act(target: &str, act: &str, workflow: Value, on: NaiveDate) -> Value {
    json!({"target": target, "act": act, "workflow": workflow, "on": on.to_string(), "unclear": null})
}

#[test]
fn first_and_last_days_are_listed_with_what_will_be_done_when() {
    let scene = Scene::new(20, &format!("{DESK}{WELCOME}{LIST}"));
    let today = scene.sandbox.info().today;
    let day = |days| today + Days::new(days);
    let joins = json!({"first_name": "=Nova", "last_name": "Example", "email": "nova@example.com",
                       "status": "onboarding", "hire_date": day(5).to_string()});
    let nova = scene.hire(joins);
    scene.change(1004, json!({"termination_date": day(9).to_string(), "last_working_day": null}));

    let document = scene.run(&["upcoming", "--format", "json"], 0).json();
    assert_eq!((&document["kind"], &document["until"]), (&json!("upcoming"), &json!(day(30).to_string())));
    let joins = of(&document, nova, "joins");
    assert_eq!(joins["day"], day(5).to_string());
    assert_eq!(
        joins["acts"],
        json!([
            act("desk", "create", Value::Null, today),
            act("desk", "workflow", json!("welcome"), day(3)),
            act("list", "create", Value::Null, today),
        ])
    );
    let leaves = of(&document, 1004, "leaves");
    assert_eq!(leaves["day"], day(9).to_string());
    assert_eq!(leaves["acts"][0], act("desk", "deactivate", Value::Null, day(13)));
    assert!(scene.requests("freshservice").is_empty(), "no target is asked");

    let near = scene.run(&["upcoming", "desk", "--days", "6", "--csv", "coming.csv", "--ics", "coming.ics"], 0);
    near.shows("=Nova Example").shows(&format!("desk/welcome: from {}", day(3)));
    assert!(!near.stdout.contains("list:"), "{}", near.stdout);
    let csv = scene.read("coming.csv");
    assert!(csv.starts_with("day,event,employee,name,target,act,workflow,on\n"), "{csv}");
    let line = format!("{},joins,{nova},'=Nova Example,desk,workflow,welcome,{}", day(5), day(3));
    assert!(csv.lines().any(|found| found == line), "{line} is not in\n{csv}");
    let calendar = scene.read("coming.ics");
    for line in [format!("UID:joins-{nova}@personio-sync"), format!("DTSTART;VALUE=DATE:{}", day(5).format("%Y%m%d"))] {
        assert!(calendar.lines().any(|found| found == line), "{line} is not in\n{calendar}");
    }
    scene.run(&["upcoming", "--days", "0"], 2);
    scene.run(&["upcoming", "--csv", "nowhere/coming.csv"], 2);
}

#[test]
fn names_are_hidden_where_values_are_and_an_account_that_is_there_is_known_by_its_link() {
    let scene = Scene::new(20, DESK);
    let today = scene.sandbox.info().today;
    let hired = (today + Days::new(5)).to_string();
    let nova = scene.hire(json!({"first_name": "Nova", "last_name": "Example", "email": "nova@example.com",
                                 "status": "onboarding", "hire_date": hired}));
    scene.sync();
    let ran = scene.run(&["upcoming", "--mask", "always", "--ics", "coming.ics"], 0);
    ran.shows(&format!("{nova} ‹")).shows("desk: has an account");
    assert!(!ran.stdout.contains("Nova") && !scene.read("coming.ics").contains("Nova"), "{}", ran.stdout);
}
