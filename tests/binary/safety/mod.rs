//! What may never happen: nothing is done twice, nothing is lost, nobody is removed by accident.

mod accounts;
mod approvals;
mod crash;
mod directories;
mod due;
pub(crate) mod handovers;
mod history;
mod limits;
mod links;
mod lock;
mod plans;
mod privacy;
mod source;
mod state;

use personio_sync::targets::freshservice::simulated::Freshservice;
use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{Days, NaiveDate};
use personio_sync::http::Method;
use personio_sync::sandbox::Pause;
use personio_sync::simulation::{SECRET, SandboxRequest, System};
use serde_json::{Value, json};

use super::scene::Scene;

/// No test waits longer for something that has to come.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for the write that a pause is about, while the program runs.
fn await_write(pause: &Pause) {
    assert!(pause.reached_within(LIMIT), "the write never came");
}

/// The day before the sandbox's.
fn yesterday(scene: &Scene) -> NaiveDate {
    scene.sandbox.info().today.checked_sub_days(Days::new(1)).unwrap()
}

/// Somebody leaves, yesterday.
fn leave(scene: &Scene, employee: u64) {
    scene.change(employee, json!({"status": "inactive", "termination_date": yesterday(scene).to_string()}));
}

fn come_back(scene: &Scene, employee: u64) {
    scene.change(employee, json!({"status": "active", "termination_date": null, "last_working_day": null}));
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// All changes of a document's first target.
fn changes(document: &Value) -> &[Value] {
    document["targets"][0]["changes"].as_array().unwrap()
}

/// The change of an employee in a document's first target.
fn change_of(document: &Value, employee: u64) -> &Value {
    let found = changes(document).iter().find(|change| change["employee"].as_str() == Some(&employee.to_string()));
    found.unwrap_or_else(|| panic!("nothing is planned for {employee}: {document:#}"))
}

/// How many changes came to which outcome.
fn outcomes(document: &Value) -> BTreeMap<&str, usize> {
    let mut outcomes = BTreeMap::new();
    for change in changes(document) {
        *outcomes.entry(change["outcome"]["status"].as_str().unwrap_or("none")).or_default() += 1;
    }
    outcomes
}

/// Why something is held: code and words, of the first change that is.
fn hold(document: &Value) -> (&str, &str) {
    let held = changes(document).iter().find(|change| change.get("hold").is_some());
    let hold = &held.unwrap_or_else(|| panic!("nothing is held: {document:#}"))["hold"];
    (hold["code"].as_str().unwrap(), hold["detail"].as_str().unwrap())
}

/// What the plan would do now.
fn plan(scene: &Scene, options: &[&str], code: i32) -> Value {
    let arguments: Vec<&str> = ["plan", "--format", "json"].iter().chain(options).copied().collect();
    scene.run(&arguments, code).json()
}

/// Syncs without asking.
fn sync(scene: &Scene, options: &[&str], code: i32) -> Value {
    let arguments: Vec<&str> = ["sync", "--yes", "--format", "json"].iter().chain(options).copied().collect();
    scene.run(&arguments, code).json()
}

/// The answer of a command in JSON.
fn answer(scene: &Scene, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().chain(&["--format", "json"]).copied().collect();
    scene.run(&arguments, 0).json()
}

/// Somebody changes an account by hand.
fn by_hand(scene: &Scene, employee: u64, method: Method, body: &Value) {
    let id = scene.requester(employee)["id"].clone();
    let key = BASE64_STANDARD.encode(format!("{SECRET}:X"));
    let mut request = SandboxRequest::new(method, format!("/desk/api/v2/requesters/{id}"))
        .header("authorization", &format!("Basic {key}"));
    if !body.is_null() {
        request = request.json(body);
    }
    let answer = scene.sandbox.system(|service: &mut Freshservice| service.handle(&request));
    assert!(answer.status < 300, "{}", answer.value());
}
