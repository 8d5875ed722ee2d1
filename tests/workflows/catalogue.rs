//! Orders, groups and changes of the account as steps of workflows.

use serde_json::{Value, json};

use super::setting::{FILE, Setting, in_days, notices, with_workflows};

const WELCOME: &str = r#"
[targets.service-desk.workflows.welcome]
on = "joiner"
from = "-14d"
active = true

[[targets.service-desk.workflows.welcome.steps]]
action = "create_ticket"
[targets.service-desk.workflows.welcome.steps.fields]
subject = "'Welcome ' ~ first_name"
description = "'A place for ' ~ first_name"

[[targets.service-desk.workflows.welcome.steps]]
action = "create_service_request"
[targets.service-desk.workflows.welcome.steps.fields]
item = 2
quantity = 1
parent_ticket_id = "steps.0.id"
custom_fields.badge_name = "first_name ~ ' (ticket ' ~ steps.0.id ~ ')'"
custom_fields.colour = { value = "blue" }
custom_fields.valid_from = "hire_date"

[[targets.service-desk.workflows.welcome.steps]]
action = "update_requester"
[targets.service-desk.workflows.welcome.steps.fields]
background_information = "'Starts ' ~ hire_date"
department_ids = "department"

[[targets.service-desk.workflows.welcome.steps]]
action = "add_to_requester_group"
fields = { group = { value = "VPN users" } }

[targets.service-desk.workflows.farewell]
on = "leaver"
from = "-3d"
active = true

[[targets.service-desk.workflows.farewell.steps]]
action = "remove_from_requester_group"
fields = { group = { value = "VPN users" } }

[[targets.service-desk.workflows.farewell.steps]]
action = "deactivate_requester"
if = "termination_date == today"
"#;

#[test]
fn each_action_has_its_effect_once() {
    let setting = Setting::with(&with_workflows(WELCOME));
    let mira = setting.hire("Mira", in_days(3), "onboarding");
    let report = setting.sync();
    let outcomes = Setting::requests(&report);
    assert!(outcomes.iter().all(|(status, _)| status == "succeeded"), "{report:#}");
    let account = setting.requester("mira@example.com");
    let tickets = setting.tickets("Incident", &account["id"]);
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0]["subject"], "Welcome Mira");
    let orders = setting.tickets("Service Request", &account["id"]);
    assert_eq!(orders.len(), 1, "without `requested_for` an order is for the employee");
    assert_eq!(orders[0]["subject"], "Request for Mira Osei : Access card");
    let items = setting.get(&format!("tickets/{}/requested_items", orders[0]["id"]))["requested_items"].clone();
    let number = &tickets[0]["id"];
    assert_eq!(items[0]["service_item_id"], 2);
    assert_eq!(
        items[0]["custom_fields"],
        json!({"badge_name": format!("Mira (ticket {number})"), "colour": "Blue", "valid_from": in_days(3).to_string()})
    );
    assert_eq!(account["background_information"], format!("Starts {}", in_days(3)));
    assert_eq!(account["department_names"], json!(["Engineering"]));
    assert!(setting.members("VPN users").contains(&"mira@example.com".to_owned()));

    let before = setting.sandbox.requests().len();
    assert_eq!(Setting::requests(&setting.sync()), []);
    let writes = setting.sandbox.requests().split_off(before).into_iter().filter(|one| one.method != "GET");
    assert!(writes.filter(|one| one.path.contains("/api/v2/")).count() == 0, "the second run is empty");

    // The last day: out of the group, and the account out of use, by the workflow and not by the user sync.
    std::fs::write(setting.file(), with_workflows(WELCOME) + "\n[targets.service-desk.leavers]\nleft = \"keep\"\n")
        .unwrap();
    setting.change(
        mira,
        json!({"status": "active", "hire_date": "2020-01-01", "termination_date": in_days(0).to_string()}),
    );
    let report = setting.sync();
    assert_eq!(Setting::requests(&report), vec![("succeeded".into(), String::new()); 2], "{report:#}");
    assert!(!setting.members("VPN users").contains(&"mira@example.com".to_owned()));
    assert_eq!(setting.requester("mira@example.com")["active"], false);
    assert_eq!(Setting::requests(&setting.sync()), []);
    let listed: Value = serde_json::from_str(&setting.text(&["workflows", "--format", "json"])).unwrap();
    let farewell = listed["workflows"].as_array().unwrap().iter().find(|one| one["workflow"] == "farewell").unwrap();
    assert_eq!((&farewell["succeeded"], &farewell["failed"], &farewell["open"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(farewell["last_job"]["status"], "succeeded");
}

#[test]
fn comparisons_with_an_empty_value_are_counted_in_workflows_as_well() {
    let setting = Setting::with(
        &FILE
            .replace("when = [\"lifecycle == 'upcoming'\"]", "when = [\"contract_end_date < today\"]")
            .replace("if = \"department == 'Sales'\"", "if = \"termination_date < today\"")
            .replace("custom_fields.parent = \"steps.0.id\"", "priority = \"2 if last_working_day < today else 3\""),
    );
    let checked = setting.ran(&["check", "--online"]).1;
    for (place, comparison) in [
        ("workflows.onboarding (when)", "contract_end_date < today"),
        ("workflows.move (step 2)", "termination_date < today"),
        ("workflows.move (step 2)", "2 if last_working_day < today else 3"),
    ] {
        let line = format!("service-desk: {place} `{comparison}`: for ");
        assert!(checked.contains(&line), "{line}: {checked}");
    }
}

/// Fields of the catalogue's own form: told by `check --online`, by the plan, and by the run.
#[test]
fn an_order_is_held_against_the_form_of_its_item() {
    for (wrong, expected) in [
        (
            "custom_fields.badge_name = \"first_name ~ ' (ticket ' ~ steps.0.id ~ ')'\"\n",
            "service item 2 requires `custom_fields.badge_name`",
        ),
        ("custom_fields.colour = { value = \"blue\" }", "`custom_fields.colour`: it is none of the values"),
        ("custom_fields.valid_from", "service item 2 has no field `custom_fields.until`"),
        ("\"VPN users\"", "the members of the group `Everybody in Berlin` follow a rule"),
    ] {
        let mended = match wrong {
            "custom_fields.valid_from" => WELCOME.replace(wrong, "custom_fields.until"),
            "\"VPN users\"" => WELCOME.replace(wrong, "\"Everybody in Berlin\""),
            wrong if wrong.contains("colour") => WELCOME.replace(wrong, "custom_fields.colour = { value = \"Green\" }"),
            wrong => WELCOME.replace(wrong, ""),
        };
        let setting = Setting::with(&with_workflows(&mended));
        let (code, _, error) = setting.ran(&["check", "--online"]);
        assert!(code == 2 && error.contains(expected), "nobody is due, and still: {code} {error}");
        setting.hire("Mira", in_days(3), "onboarding");
        let (_, plan, _) = setting.ran(&["plan", "--format", "json"]);
        assert!(plan.contains(expected), "{plan}");
        let report = setting.sync();
        assert!(notices(&report).contains(expected), "{report:#}");
        let requests = Setting::requests(&report);
        let refused = requests.iter().find(|(status, error)| status == "failed" && error.contains(expected));
        assert!(refused.is_some(), "{requests:?}");
    }
}

#[test]
fn the_fields_of_a_step_are_those_of_the_account() {
    let setting = Setting::with(&with_workflows(WELCOME));
    let listed = |arguments: &[&str]| -> Vec<Value> {
        let asked = [&["workflows", "fields", "--format", "json"], arguments].concat();
        let document: Value = serde_json::from_str(&setting.text(&asked)).unwrap();
        document["fields"].as_array().unwrap().clone()
    };
    let field = |fields: &[Value], name: &str| fields.iter().find(|one| one["field"] == name).unwrap().clone();
    let form = listed(&["create_onboarding_request"]);
    assert_eq!(
        field(&form, "cf_date_of_joining"),
        json!({"field": "cf_date_of_joining", "required": true, "takes": "a date", "choices": []})
    );
    assert_eq!(field(&form, "cf_equipment")["choices"], json!(["Laptop", "Desktop", "None"]));
    assert_eq!(field(&form, "cf_location")["takes"], "the name or id of a location");
    let item = listed(&["create_service_request", "--item", "2"]);
    assert_eq!(field(&item, "custom_fields.badge_name")["required"], true);
    assert_eq!(field(&listed(&["add_to_requester_group"]), "group")["choices"], json!(["VPN users"]));
    assert_eq!(field(&listed(&["update_requester"]), "job_title")["takes"], "text");
    assert_eq!(listed(&["deactivate_requester"]), Vec::<Value>::new());
    let shown = setting.text(&["workflows", "fields", "create_ticket"]);
    assert!(shown.contains("subject") && shown.contains("yes"), "{shown}");

    for (wrong, why) in [
        (&["create_service_request", "--item", "99"][..], "no service item 99"),
        (&["create_tickets"], "did you mean `create_ticket`?"),
        (&["create_ticket", "--item", "2"], "--item is for create_service_request"),
        (&["create_ticket", "--target", "desk"], "there is no target `desk`"),
    ] {
        let (code, _, error) = setting.ran(&[&["workflows", "fields"], wrong].concat());
        assert!(code != 0 && error.contains(why), "{wrong:?}: {code} {error}");
    }
}
