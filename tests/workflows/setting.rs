use personio_sync::personio::simulated::Personio;
use personio_sync::targets::freshservice::simulated::Freshservice;
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{Days, NaiveDate, Utc};
use personio_sync::http::Method;
use personio_sync::sandbox::{Sandbox, SandboxOptions};
use personio_sync::simulation::{SandboxRequest, System as _};
use serde_json::{Map, Value, json};

/// Users and workflows that most tests start from.
pub(crate) const FILE: &str = r#"
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

pub(crate) struct Setting {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: tempfile::TempDir,
}

impl Setting {
    pub(crate) fn new() -> Self {
        Self::with(FILE)
    }

    pub(crate) fn with(file: &str) -> Self {
        let mut options = SandboxOptions::new(today());
        options.employees = 8;
        let setting = Self { sandbox: Sandbox::start(options).unwrap(), folder: tempfile::tempdir().unwrap() };
        std::fs::write(setting.file(), file).unwrap();
        setting
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("personio-sync.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let address = self.sandbox.base_url().trim_start_matches("http://");
        let mut command = Command::new(env!("CARGO_BIN_EXE_personio-sync"));
        command.args(arguments).arg("--config").arg(self.file()).env("XDG_RUNTIME_DIR", self.folder.path());
        let offline = ["show", "start", "stop", "pause"].iter().any(|word| arguments.contains(word))
            && !arguments.contains(&"--employee");
        if !offline {
            command.args(["--sandbox", address]);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Syncs and gives the report of the target.
    pub(crate) fn sync(&self) -> Value {
        let output = self.run(&["sync", "--yes", "--format", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        report["targets"][0].clone()
    }

    /// Status and error of each request of a report.
    pub(crate) fn requests(report: &Value) -> Vec<(String, String)> {
        let changes = report["changes"].as_array().unwrap().iter().filter(|change| change["op"] == "request");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        changes.map(|change| (text(&change["outcome"]["status"]), text(&change["outcome"]["error"]))).collect()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let mut request = SandboxRequest::get(&format!("/service-desk/api/v2/{path}"));
        request.method = Method::Get;
        let key = BASE64_STANDARD.encode(format!("{}:X", self.sandbox.info().secret));
        let request = request.header("authorization", &format!("Basic {key}"));
        self.sandbox.system(|service: &mut Freshservice| service.handle(&request)).value()
    }

    /// Starts the program and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The status, standard output and error of a run.
    pub(crate) fn ran(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    /// The requester with an address.
    pub(crate) fn requester(&self, email: &str) -> Value {
        self.get(&format!("requesters?email={email}"))["requesters"][0].clone()
    }

    /// The tickets of one kind that somebody asked for or gets something by, oldest first.
    pub(crate) fn tickets(&self, kind: &str, person: &Value) -> Vec<Value> {
        let rows = self.get("tickets?per_page=100&workspace_id=0")["tickets"].as_array().unwrap().clone();
        let mine = |row: &&Value| row["type"] == kind && row["requested_for_id"] == *person;
        rows.iter().rev().filter(mine).cloned().collect()
    }

    /// Who is in a group, by address.
    pub(crate) fn members(&self, group: &str) -> Vec<String> {
        let groups = self.get("requester_groups?per_page=100")["requester_groups"].as_array().unwrap().clone();
        let id = groups.iter().find(|one| one["name"] == group).unwrap()["id"].clone();
        let members = self.get(&format!("requester_groups/{id}/members"))["requesters"].as_array().unwrap().clone();
        members.iter().map(|member| member["email"].as_str().unwrap().to_owned()).collect()
    }

    /// The requests of one kind for an employee.
    pub(crate) fn made(&self, kind: &str, employee: u64) -> Vec<Value> {
        let rows = self.get(&format!("{kind}_requests?per_page=100"))[format!("{kind}_requests")].clone();
        let employee = json!(employee.to_string());
        let mine = |row: &&Value| row["fields"]["cf_personio_id"] == employee;
        rows.as_array().unwrap().iter().filter(mine).cloned().collect()
    }

    pub(crate) fn hire(&self, first_name: &str, hire_date: NaiveDate, status: &str) -> u64 {
        let values = json!({
            "first_name": first_name, "last_name": "Osei", "email": format!("{first_name}@example.com").to_lowercase(),
            "hire_date": hire_date.to_string(), "status": status, "employment_type": "internal",
            "department": "Engineering", "office": "Berlin", "termination_date": null
        });
        self.sandbox.system(|personio: &mut Personio| personio.hire(values.as_object().unwrap())).unwrap()
    }

    pub(crate) fn change(&self, employee: u64, values: Value) {
        let values: Map<String, Value> = values.as_object().unwrap().clone();
        self.sandbox.system(|personio: &mut Personio| personio.change(employee, &values)).unwrap();
    }
}

pub(crate) fn today() -> NaiveDate {
    Utc::now().date_naive()
}

pub(crate) fn in_days(days: u64) -> NaiveDate {
    today() + Days::new(days)
}

/// The codes of the notices of a plan.
pub(crate) fn notices(report: &Value) -> String {
    report["notices"].to_string()
}

/// The part of a file before its workflows, with others after it.
pub(crate) fn with_workflows(workflows: &str) -> String {
    let end = FILE.find("[targets.service-desk.workflows").unwrap();
    format!("{}{workflows}", &FILE[..end])
}
