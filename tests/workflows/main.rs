//! Workflows from the file to Freshservice and back, through the program and the simulated systems.

#![expect(clippy::disallowed_methods, reason = "the program under test goes by the clock of this machine")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod catalogue;
mod events;
mod interrupted;
mod paused;
mod setting;
mod todo;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::Days;
use personio_sync::http::Method;
use personio_sync::personio::simulated::Personio;
use personio_sync::simulation::{SandboxRequest, System as _};
use personio_sync::targets::freshservice::simulated::Freshservice;
use serde_json::{Value, json};

use setting::{FILE, Setting, in_days, notices};

#[test]
fn a_new_hire_is_requested_once_and_a_moved_day_is_reported() {
    let setting = Setting::new();
    let mira = setting.hire("Mira", in_days(7), "onboarding");
    let later = setting.hire("Later", in_days(40), "onboarding");
    let test = setting.text(&["workflows", "test", "onboarding", "--employee", &mira.to_string()]);
    assert!(test.contains("create onboarding request") && test.contains("Nothing was sent"), "{test}");
    assert_eq!(setting.made("onboarding", mira), Vec::<Value>::new());

    let report = setting.sync();
    assert!(Setting::requests(&report).iter().all(|(status, _)| status == "succeeded"), "{report:#}");
    let made = setting.made("onboarding", mira);
    assert_eq!(made.len(), 1);
    let fields = &made[0]["fields"];
    assert_eq!(fields["cf_employee_name"], "Mira Osei");
    assert_eq!(fields["cf_date_of_joining"], in_days(7).format("%d-%m-%Y").to_string());
    assert!(fields["cf_department"].is_u64() && fields["cf_location"].is_u64(), "{fields}");
    assert_eq!(setting.made("onboarding", later), Vec::<Value>::new(), "not within fourteen days");

    assert_eq!(Setting::requests(&setting.sync()), []);
    assert_eq!(setting.made("onboarding", mira).len(), 1);
    let listed = setting.text(&["workflows"]);
    let row = listed.lines().find(|line| line.contains("service-desk/onboarding")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[1..6], ["joiner", "active", "1", "1", "0"], "{listed}");
    assert!(row.ends_with("succeeded"), "{listed}");

    setting.change(mira, json!({"hire_date": in_days(9).to_string()}));
    let report = setting.sync();
    assert!(notices(&report).contains("hire_date_moved"), "{report:#}");
    assert_eq!(setting.made("onboarding", mira).len(), 1);

    setting.sandbox.system(|personio: &mut Personio| personio.delete(mira));
    assert!(notices(&setting.sync()).contains("hire_called_off"));
}

#[test]
fn a_lost_answer_makes_no_second_request() {
    let setting = Setting::with(&FILE.replace("active = true", "active = false"));
    let mira = setting.hire("Mira", in_days(7), "onboarding");
    setting.sync();
    setting.run(&["workflows", "start", "onboarding"]);
    // Carried out without an answer: it is found by looking.
    setting.sandbox.set_faults("freshservice:POST:lost-answer#1".parse().unwrap());
    let report = setting.sync();
    assert!(Setting::requests(&report).iter().any(|(status, _)| status == "succeeded"), "{report:#}");
    assert_eq!(setting.made("onboarding", mira).len(), 1);
    setting.sandbox.set_faults("".parse().unwrap());
    assert_eq!(Setting::requests(&setting.sync()), []);
    assert_eq!(setting.made("onboarding", mira).len(), 1);

    // Not carried out, and nobody can tell: it stays open, and the next run looks and sends.
    let ines = setting.hire("Ines", in_days(3), "active");
    setting.run(&["workflows", "stop", "onboarding"]);
    setting.sync();
    setting.change(ines, json!({"status": "onboarding"}));
    setting.run(&["workflows", "start", "onboarding"]);
    setting.sandbox.set_faults("freshservice:POST:500#1".parse().unwrap());
    let report = setting.sync();
    assert_eq!(Setting::requests(&report)[0].0, "failed", "{report:#}");
    setting.sandbox.set_faults("".parse().unwrap());
    assert_eq!(Setting::requests(&setting.sync())[0].0, "succeeded");
    assert_eq!(setting.made("onboarding", ines).len(), 1);
}

#[test]
fn a_request_made_by_hand_counts() {
    let setting = Setting::with(&FILE.replace("active = true", "active = false"));
    let mira = setting.hire("Mira", in_days(7), "onboarding");
    setting.sync();
    let key = BASE64_STANDARD.encode(format!("{}:X", setting.sandbox.info().secret));
    let by_hand = json!({"fields": {"cf_employee_name": "Mira O.", "cf_personio_id": mira.to_string(), "cf_date_of_joining": in_days(7).to_string()}});
    let request = SandboxRequest::new(Method::Post, "/service-desk/api/v2/onboarding_requests")
        .header("authorization", &format!("Basic {key}"))
        .json(&by_hand);
    assert_eq!(setting.sandbox.system(|service: &mut Freshservice| service.handle(&request)).status, 201);
    setting.run(&["workflows", "start", "service-desk/onboarding"]);
    setting.sync();
    assert_eq!(setting.made("onboarding", mira).len(), 1);
}

#[test]
fn a_move_is_noticed_once_and_its_steps_build_on_each_other() {
    let setting = Setting::new();
    let mira = setting.hire("Mira", in_days(0) - Days::new(400), "active");
    setting.sync();
    let tickets = |setting: &Setting| {
        let rows = setting.get("tickets?email=mira@example.com")["tickets"].clone();
        let mut rows = rows.as_array().unwrap().clone();
        rows.reverse();
        rows
    };
    assert_eq!(tickets(&setting), Vec::<Value>::new(), "nothing follows from the first sight");
    setting.change(mira, json!({"department": "Sales", "first_name": "<Mira>"}));
    let report = setting.sync();
    assert_eq!(Setting::requests(&report).len(), 3, "{report:#}");
    let made = tickets(&setting);
    assert_eq!(made.len(), 2);
    assert_eq!(made[0]["subject"], format!("Move of {mira}"));
    assert_eq!(made[0]["description"], "&lt;Mira&gt; moves to Sales");
    assert_eq!(made[1]["custom_fields"]["parent"], made[0]["id"]);
    let group = setting.get("requester_groups")["requester_groups"][0]["id"].clone();
    let members = setting.get(&format!("requester_groups/{group}/members"));
    assert_eq!(members["requesters"][0]["email"], "mira@example.com");

    assert_eq!(Setting::requests(&setting.sync()), []);
    setting.change(mira, json!({"department": "Engineering"}));
    assert_eq!(Setting::requests(&setting.sync()).len(), 2, "the condition of the second step does not hold");
    setting.change(mira, json!({"department": "Sales"}));
    assert_eq!(Setting::requests(&setting.sync()).len(), 3, "there and back again is a new move");
    assert_eq!(tickets(&setting).len(), 5);
}

#[test]
fn a_step_that_fails_stops_the_ones_after_it_and_is_tried_again() {
    let setting = Setting::with(
        &FILE.replace("\"vpn users\"", "\"Everybody in Berlin\"").replace("if = \"department == 'Sales'\"", ""),
    );
    let mira = setting.hire("Mira", in_days(0) - Days::new(400), "active");
    setting.sync();
    setting.change(mira, json!({"department": "Finance"}));
    let report = setting.sync();
    let requests = Setting::requests(&report);
    assert_eq!(requests[2].0, "failed");
    assert!(requests[2].1.contains("the members of the group `Everybody in Berlin` follow a rule"), "{requests:?}");
    let report = setting.sync();
    assert_eq!(Setting::requests(&report).len(), 1, "what was done is not done again: {report:#}");
}

#[test]
fn a_plan_without_the_module_and_a_wrong_form_are_told() {
    let setting = Setting::with(&FILE.replace("cf_employee_name = ", "cf_full_name = "));
    setting.hire("Mira", in_days(7), "onboarding");
    let report = setting.sync();
    assert!(notices(&report).contains("the form requires `cf_employee_name`"), "{report:#}");
    assert_eq!(Setting::requests(&report)[0].0, "failed");
    setting
        .sandbox
        .system(|service: &mut Freshservice| service.options.missing_features = vec!["onboarding_requests".into()]);
    let report = setting.sync();
    assert!(Setting::requests(&report)[0].1.contains("plan does not include it"), "{report:#}");
}

#[test]
fn a_workflow_is_shown_in_words_and_switched_in_the_file() {
    let setting = Setting::new();
    let shown = setting.text(&["workflows", "show", "onboarding"]);
    for words in [
        "onboarding of service-desk (active)",
        "from 14 days before it until 7 days after it",
        "0. create onboarding request",
        "cf_date_of_joining = hire_date",
        "employment_type == 'internal' (include of the target)",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    setting.text(&["workflows", "stop", "onboarding"]);
    let text = std::fs::read_to_string(setting.file()).unwrap();
    assert_eq!(text, FILE.replacen("active = true", "active = false", 1));
    let mut permissions = std::fs::metadata(setting.file()).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(setting.file(), permissions).unwrap();
    let (code, _, error) = setting.ran(&["workflows", "start", "onboarding"]);
    assert!(code == 2 && error.contains("is read-only"), "{code} {error}");
    assert_eq!(std::fs::read_to_string(setting.file()).unwrap(), text, "and stays as it is");

    let output = setting.run(&["workflows", "start", "onbording"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `onboarding`?"));
}

#[test]
fn an_employee_who_is_an_agent_is_updated_in_what_agents_have() {
    let file = FILE.replace("api_key = {", "agents = \"update\"\napi_key = {").replace(
        "primary_email = \"email\"",
        "primary_email = \"email\"\ndepartment_ids = \"department\"\nlanguage = { value = \"de\" }",
    );
    let setting = Setting::with(&file);
    setting.sync();
    let agents = setting.get("agents")["agents"].clone();
    let of =
        |key: bool| agents.as_array().unwrap().iter().find(|agent| agent["api_key_enabled"] == key).unwrap().clone();
    let (colleague, owner) = (of(false), of(true));
    assert_eq!((&colleague["language"], &owner["language"]), (&json!("de"), &json!("en")), "{colleague}");
    assert!(colleague["department_ids"].as_array().is_some_and(|ids| ids.len() == 1), "{colleague}");
    let report = setting.sync();
    let again: Vec<&Value> = report["changes"].as_array().unwrap().iter().filter(|one| one["op"] == "update").collect();
    assert!(again.is_empty(), "{again:#?}");
    assert!(setting.sandbox.requests().iter().all(|one| one.method != "DELETE"));
}

#[test]
fn an_active_workflow_of_a_paused_target_is_said_not_to_run() {
    let setting = Setting::with(&FILE.replace("domain = \"acme\"", "domain = \"acme\"\npaused = true"));
    let (_, _, error) = setting.ran(&["workflows", "start", "onboarding"]);
    assert!(error.contains("it runs after `personio-sync resume service-desk`"), "{error}");
    assert!(setting.text(&["workflows", "show", "onboarding"]).contains("(active, target paused)"));
    assert!(setting.text(&["workflows"]).contains("active, target paused"));
}

#[test]
fn a_test_says_which_steps_are_left_out_and_what_an_unreadable_secret_hides() {
    let setting = Setting::with(&FILE.replace("[[targets.service-desk.workflows.offboarding.steps]]", "[[targets.service-desk.workflows.onboarding.steps]]\naction = \"create_ticket\"\nif = \"office == 'Porto'\"\nfields = { subject = \"'For ' ~ steps.0.id\", description = \"first_name\" }\n\n[[targets.service-desk.workflows.offboarding.steps]]"));
    let mira = setting.hire("Mira", in_days(7), "onboarding");
    let test = setting.text(&["workflows", "test", "onboarding", "--employee", &mira.to_string()]);
    assert!(test.contains("step 1    create ticket: not now, if office == 'Porto'"), "{test}");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_personio-sync"))
        .args(["check", "--config"])
        .arg(setting.file())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("`targets.service-desk.api_key` cannot be read"), "{error}");
    assert!(!error.contains("does not know `workflows`"), "{error}");
}
