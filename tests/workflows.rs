//! Workflows from the file to Freshservice and back, through the program and the simulated systems.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::{Command, Output};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{Days, NaiveDate, Utc};
use personio_sync::http::Method;
use personio_sync::sandbox::{Sandbox, SandboxOptions, SandboxRequest, System as _};
use serde_json::{Map, Value, json};

const FILE: &str = r#"
timezone = "UTC"

[personio]
client_id = { env = "NOT_SET" }
client_secret = { env = "NOT_SET" }

[targets.service-desk]
type = "freshservice"
domain = "acme"
api_key = { env = "NOT_SET" }
include = ["employment_type == 'internal'"]

[targets.service-desk.mapping]
first_name = "first_name"
last_name = "last_name"
primary_email = "email"

[targets.service-desk.workflows.onboarding]   # the recipe
on = "joiner"
when = ["lifecycle == 'upcoming'"]
from = "-14d"
active = true

[[targets.service-desk.workflows.onboarding.steps]]
action = "create_onboarding_request"
[targets.service-desk.workflows.onboarding.steps.fields]
cf_employee_name = "first_name ~ ' ' ~ last_name"
cf_personio_id = "employee_id"
cf_date_of_joining = "hire_date"
cf_department = "department"
cf_location = "office"

[targets.service-desk.workflows.offboarding]
on = "leaver"
from = "-30d"
active = true

[[targets.service-desk.workflows.offboarding.steps]]
action = "create_offboarding_request"
[targets.service-desk.workflows.offboarding.steps.fields]
cf_employee_email = "email"
cf_personio_id = "employee_id"
cf_last_working_date = "termination_date"

[targets.service-desk.workflows.move]
on = "mover"
changed = ["department"]
active = true

[[targets.service-desk.workflows.move.steps]]
action = "create_ticket"
[targets.service-desk.workflows.move.steps.fields]
subject = "'Move of ' ~ employee_id"
description = "first_name ~ ' moves to ' ~ department"

[[targets.service-desk.workflows.move.steps]]
action = "create_ticket"
if = "department == 'Sales'"
[targets.service-desk.workflows.move.steps.fields]
subject = { value = "Car" }
description = { value = "A car" }
custom_fields.parent = "steps.0.id"

[[targets.service-desk.workflows.move.steps]]
action = "add_to_requester_group"
fields = { group = { value = "vpn users" } }
"#;

struct Setting {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Setting {
    fn new() -> Self {
        Self::with(FILE)
    }

    fn with(file: &str) -> Self {
        let mut options = SandboxOptions::new(today());
        options.employees = 8;
        let setting = Self { sandbox: Sandbox::start(options).unwrap(), folder: tempfile::tempdir().unwrap() };
        std::fs::write(setting.file(), file).unwrap();
        setting
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("personio-sync.toml")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let address = self.sandbox.base_url().trim_start_matches("http://");
        let mut command = Command::new(env!("CARGO_BIN_EXE_personio-sync"));
        command.args(arguments).arg("--config").arg(self.file()).env("XDG_RUNTIME_DIR", self.folder.path());
        let offline = ["show", "start", "stop"].iter().any(|word| arguments.contains(word));
        if !offline {
            command.args(["--sandbox", address]);
        }
        command.output().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Syncs and gives the report of the target.
    fn sync(&self) -> Value {
        let output = self.run(&["sync", "--yes", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        report["targets"][0].clone()
    }

    /// Status and error of each request of a report.
    fn requests(report: &Value) -> Vec<(String, String)> {
        let changes = report["changes"].as_array().unwrap().iter().filter(|change| change["op"] == "request");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        changes.map(|change| (text(&change["outcome"]["status"]), text(&change["outcome"]["error"]))).collect()
    }

    fn get(&self, path: &str) -> Value {
        let mut request = SandboxRequest::get(&format!("/service-desk/api/v2/{path}"));
        request.method = Method::Get;
        let key = BASE64_STANDARD.encode(format!("{}:X", self.sandbox.info().secret));
        let request = request.header("authorization", &format!("Basic {key}"));
        self.sandbox.freshservice(|service| service.handle(&request)).value()
    }

    /// The requests of one kind for an employee.
    fn made(&self, kind: &str, employee: u64) -> Vec<Value> {
        let rows = self.get(&format!("{kind}_requests?per_page=100"))[format!("{kind}_requests")].clone();
        let employee = json!(employee.to_string());
        let mine = |row: &&Value| row["fields"]["cf_personio_id"] == employee;
        rows.as_array().unwrap().iter().filter(mine).cloned().collect()
    }

    fn hire(&self, first_name: &str, hire_date: NaiveDate, status: &str) -> u64 {
        let values = json!({
            "first_name": first_name, "last_name": "Osei", "email": format!("{first_name}@example.com").to_lowercase(),
            "hire_date": hire_date.to_string(), "status": status, "employment_type": "internal",
            "department": "Engineering", "office": "Berlin", "termination_date": null
        });
        self.sandbox.personio(|personio| personio.hire(values.as_object().unwrap())).unwrap()
    }

    fn change(&self, employee: u64, values: Value) {
        let values: Map<String, Value> = values.as_object().unwrap().clone();
        self.sandbox.personio(|personio| personio.change(employee, &values)).unwrap();
    }
}

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

fn in_days(days: u64) -> NaiveDate {
    today() + Days::new(days)
}

/// The codes of the notices of a plan.
fn notices(report: &Value) -> String {
    report["notices"].to_string()
}

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
    assert!(listed.contains("service-desk/onboarding: active, on joiner, 1 steps; done for"), "{listed}");

    setting.change(mira, json!({"hire_date": in_days(9).to_string()}));
    let report = setting.sync();
    assert!(notices(&report).contains("hire_date_moved"), "{report:#}");
    assert_eq!(setting.made("onboarding", mira).len(), 1);

    setting.sandbox.personio(|personio| personio.delete(mira));
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
    assert_eq!(setting.sandbox.freshservice(|service| service.handle(&request)).status, 201);
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
    let setting =
        Setting::with(&FILE.replace("\"vpn users\"", "\"nobody knows\"").replace("if = \"department == 'Sales'\"", ""));
    let mira = setting.hire("Mira", in_days(0) - Days::new(400), "active");
    setting.sync();
    setting.change(mira, json!({"department": "Finance"}));
    let report = setting.sync();
    let requests = Setting::requests(&report);
    assert_eq!(requests[2].0, "failed");
    assert!(requests[2].1.contains("no requester group `nobody knows`"), "{requests:?}");
    let report = setting.sync();
    assert_eq!(Setting::requests(&report).len(), 1, "what was done is not done again: {report:#}");
}

#[test]
fn who_leaves_is_offboarded_before_the_account_is_taken_out_of_use() {
    let setting = Setting::new();
    let mira = setting.hire("Mira", in_days(0) - Days::new(400), "active");
    setting.sync();
    setting.change(mira, json!({"termination_date": in_days(10).to_string()}));
    setting.sync();
    let made = setting.made("offboarding", mira);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["fields"]["cf_last_working_date"], in_days(10).format("%d-%m-%Y").to_string());
    setting.change(mira, json!({"termination_date": null}));
    assert!(notices(&setting.sync()).contains("leaver_stays"));

    // Gone at once: both in one run, the request first.
    setting.sandbox.clear_requests();
    let leo = setting.hire("Leo", in_days(0) - Days::new(400), "active");
    setting.sync();
    setting.change(leo, json!({"termination_date": (in_days(0) - Days::new(1)).to_string()}));
    setting.sync();
    assert_eq!(setting.made("offboarding", leo).len(), 1);
    let sent = setting.sandbox.requests();
    let place = |method: &str, part: &str| sent.iter().rposition(|one| one.method == method && one.path.contains(part));
    assert!(place("POST", "/offboarding_requests") < place("DELETE", "/requesters/"), "{sent:#?}");
}

#[test]
fn a_plan_without_the_module_and_a_wrong_form_are_told() {
    let setting = Setting::with(&FILE.replace("cf_employee_name = ", "cf_full_name = "));
    setting.hire("Mira", in_days(7), "onboarding");
    let report = setting.sync();
    assert!(notices(&report).contains("the form requires `cf_employee_name`"), "{report:#}");
    assert_eq!(Setting::requests(&report)[0].0, "failed");
    setting.sandbox.freshservice(|service| service.options.missing_features = vec!["onboarding_requests".into()]);
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
