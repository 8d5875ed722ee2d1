//! Faults, kills and lost answers in the middle of a chain of steps.

use personio_sync::sandbox::When;
use serde_json::{Value, json};

use super::setting::{Setting, in_days, notices, with_workflows};

const CHAIN: &str = r#"
[targets.service-desk.workflows.chain]
on = "joiner"
from = "-14d"
active = false

[[targets.service-desk.workflows.chain.steps]]
action = "create_onboarding_request"
[targets.service-desk.workflows.chain.steps.fields]
cf_employee_name = "first_name ~ ' ' ~ last_name"
cf_personio_id = "employee_id"
cf_date_of_joining = "hire_date"

[[targets.service-desk.workflows.chain.steps]]
action = "create_ticket"
[targets.service-desk.workflows.chain.steps.fields]
subject = "'Onboarding request ' ~ steps.0.id"
description = { value = "See there" }

[[targets.service-desk.workflows.chain.steps]]
action = "create_service_request"
fields = { item = 1 }
"#;

/// Writes of one employee's chain.
const WRITES: u64 = 3;

/// Two new hires whose accounts are there, and whose chains are due.
struct Due {
    setting: Setting,
    people: [(u64, &'static str); 2],
}

impl Due {
    fn new() -> Self {
        let setting = Setting::with(&with_workflows(CHAIN));
        let mira = setting.hire("Mira", in_days(3), "onboarding");
        let otto = setting.hire("Otto", in_days(4), "onboarding");
        setting.sync();
        setting.text(&["workflows", "start", "chain"]);
        setting.sandbox.clear_requests();
        Self { setting, people: [(mira, "mira@example.com"), (otto, "otto@example.com")] }
    }

    /// Everything of each chain is there once, in order.
    fn assert_done(&self, when: &str) {
        for (employee, email) in self.people {
            let account = self.setting.requester(email)["id"].clone();
            let made = self.setting.made("onboarding", employee);
            assert_eq!(made.len(), 1, "{when}: requests of {email}");
            let tickets = self.setting.tickets("Incident", &account);
            assert_eq!(tickets.len(), 1, "{when}: tickets of {email}: {tickets:#?}");
            assert_eq!(tickets[0]["subject"], format!("Onboarding request {}", made[0]["id"]), "{when}");
            let orders = self.setting.tickets("Service Request", &account);
            assert_eq!(orders.len(), 1, "{when}: orders of {email}: {orders:#?}");
        }
        assert_eq!(Setting::requests(&self.setting.sync()), [], "{when}: nothing is left");
    }
}

#[test]
fn killed_at_every_write_of_a_chain_nothing_is_made_twice() {
    for when in [When::Before, When::After] {
        for number in 1..=2 * WRITES {
            let due = Due::new();
            let pause = due.setting.sandbox.pause_at("freshservice", number, when);
            let mut child = due.setting.start(&["sync", "--yes"]);
            assert!(pause.reached_within(std::time::Duration::from_secs(60)), "the write came");
            child.kill().unwrap();
            child.wait().unwrap();
            pause.abandon();
            due.setting.sync();
            due.assert_done(&format!("killed at write {number}, {when:?}"));
        }
    }
}

#[test]
fn each_answer_lost() {
    for number in 1..=2 * WRITES {
        let due = Due::new();
        let faults = format!("freshservice:POST:lost-answer#{number}");
        due.setting.sandbox.set_faults(faults.parse().unwrap());
        let report = due.setting.sync();
        let requests = Setting::requests(&report);
        assert!(requests.iter().all(|(status, _)| status == "succeeded"), "{faults}: {requests:?}");
        due.setting.sandbox.set_faults("".parse().unwrap());
        due.assert_done(&faults);
    }
}

/// The look right after a lost answer fails as well, so the step stays open until the next run.
#[test]
fn an_answer_lost_and_nothing_to_be_seen() {
    let due = Due::new();
    let pause = due.setting.sandbox.pause_at("freshservice", WRITES, When::After);
    let mut child = due.setting.start(&["sync", "--yes"]);
    assert!(pause.reached_within(std::time::Duration::from_secs(60)), "the write came");
    due.setting.sandbox.set_faults("freshservice:500@100%".parse().unwrap());
    pause.abandon();
    child.wait().unwrap();
    due.setting.sandbox.set_faults("".parse().unwrap());
    let listed: Value = serde_json::from_str(&due.setting.text(&["workflows", "--format", "json"])).unwrap();
    assert_eq!((&listed["workflows"][0]["open"], &listed["workflows"][0]["failed"]), (&json!(1), &json!(2)));
    due.setting.sync();
    due.assert_done("looked for by the next run");
}

#[test]
fn a_chain_goes_on_where_it_broke_and_retry_takes_it_up() {
    let due = Due::new();
    let setting = &due.setting;
    // The second employee's ticket is refused: the first one's chain is whole.
    setting.sandbox.set_faults("freshservice:POST:500#5".parse().unwrap());
    let report = setting.sync();
    let statuses: Vec<String> = Setting::requests(&report).into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, ["succeeded", "succeeded", "succeeded", "succeeded", "failed", "not_attempted"], "{report:#}");
    setting.sandbox.set_faults("".parse().unwrap());

    let listed: Value = serde_json::from_str(&setting.text(&["workflows", "--format", "json"])).unwrap();
    let chain = &listed["workflows"][0];
    assert_eq!((&chain["succeeded"], &chain["failed"]), (&json!(2), &json!(1)), "{chain:#}");
    assert_eq!(chain["last_job"]["status"], "failed", "{chain:#}");
    let shown = setting.text(&["workflows"]);
    assert!(shown.contains("service-desk/chain") && shown.contains("Failed"), "{shown}");
    let (_, jobs, _) = setting.ran(&["jobs", "--failed", "--format", "json"]);
    let jobs: Value = serde_json::from_str(&jobs).unwrap();
    let job = &jobs["jobs"][0];
    let steps: Vec<(u64, &str)> = job["workflows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["step"].as_u64().unwrap(), step["status"].as_str().unwrap()))
        .collect();
    assert_eq!(steps, [(0, "succeeded"), (1, "failed"), (2, "not_attempted")]);
    assert_eq!(job["workflows"][1]["action"], "create_ticket");
    let id = job["job"].as_str().unwrap();
    let address = setting.sandbox.base_url().trim_start_matches("http://");
    let one = setting.text(&["jobs", "--sandbox", address, "show", id]);
    assert!(one.contains("chain, step 1: create ticket: failed"), "{one}");

    setting.sandbox.clear_requests();
    let (code, document, error) = setting.ran(&["retry", "--failed", "--yes", "--format", "json"]);
    assert_eq!(code, 0, "{document}{error}");
    let report: Value = serde_json::from_str(&document).unwrap();
    let steps: Vec<&Value> =
        report["targets"][0]["changes"].as_array().unwrap().iter().filter(|one| one["op"] == "request").collect();
    assert_eq!(steps.len(), 2, "step 0 is not done again: {steps:#?}");
    let posts: Vec<String> =
        setting.sandbox.requests().into_iter().filter(|one| one.method == "POST").map(|one| one.path).collect();
    assert!(posts.iter().all(|path| !path.contains("onboarding_requests")), "{posts:?}");
    due.assert_done("retried");
    let listed: Value = serde_json::from_str(&setting.text(&["workflows", "--format", "json"])).unwrap();
    assert_eq!(
        (&listed["workflows"][0]["failed"], &listed["workflows"][0]["last_job"]["status"]),
        (&json!(0), &json!("succeeded"))
    );
    assert!(setting.ran(&["retry", "--failed", "--yes"]).2.contains("nothing to retry"));

    let rows = |arguments: &[&str]| -> Vec<Value> {
        let asked = [&["jobs", "--workflow", "service-desk/chain", "--format", "json"], arguments].concat();
        let document: Value = serde_json::from_str(&setting.text(&asked)).unwrap();
        document["steps"].as_array().unwrap().clone()
    };
    let otto = due.people[1].0.to_string();
    let of_otto = rows(&["--employee", &otto]);
    let told = of_otto.iter().map(|row| (row["step"].as_u64().unwrap(), row["status"].as_str().unwrap()));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(1, "succeeded"), (2, "succeeded"), (0, "succeeded"), (1, "failed"), (2, "not_attempted")],
        "{of_otto:#?}"
    );
    let retried = of_otto[0]["job"].as_str().unwrap().split('.').next().unwrap().to_owned();
    assert_eq!((&of_otto[3]["made_good_by"], &of_otto[4]["made_good_by"]), (&json!(retried), &json!(retried)));
    assert_eq!(of_otto[2]["made_good_by"], Value::Null);
    assert!(of_otto[3]["error"].as_str().is_some_and(|why| !why.is_empty()), "{of_otto:#?}");
    let failed = rows(&["--failed"]);
    assert_eq!(failed.len(), 1, "{failed:#?}");
    let shown = setting.text(&["jobs", "--workflow", "chain"]);
    assert!(shown.contains(&format!("failed, made good by run {retried}")), "{shown}");
    let (code, _, error) = setting.ran(&["jobs", "--workflow", "chian"]);
    assert!(code == 2 && error.contains("did you mean `chain`?"), "{error}");
}

/// The answer to the first step was lost, and nobody could look; then the day moves.
#[test]
fn a_request_in_doubt_is_settled_by_hand_when_its_day_moved() {
    let due = Due::new();
    let setting = &due.setting;
    let (mira, _) = due.people[0];
    setting.text(&["workflows", "stop", "chain"]);
    setting.change(due.people[1].0, json!({"hire_date": in_days(200).to_string()}));
    setting.text(&["workflows", "start", "chain"]);
    let pause = setting.sandbox.pause_at("freshservice", 1, When::After);
    let mut child = setting.start(&["sync", "--yes"]);
    assert!(pause.reached_within(std::time::Duration::from_secs(60)), "the write came");
    child.kill().unwrap();
    child.wait().unwrap();
    pause.abandon();
    let id = setting.made("onboarding", mira)[0]["id"].to_string();
    setting.change(mira, json!({"hire_date": in_days(8).to_string()}));
    let report = setting.sync();
    assert_eq!(Setting::requests(&report), [], "no second one");
    let told = notices(&report);
    let command = format!("personio-sync workflows settle chain --employee {mira}");
    assert!(told.contains("request_in_doubt") && told.contains(&command), "{told}");
    assert!(setting.text(&["workflows", "--format", "json"]).contains("\"open\": 1"));

    let employee = mira.to_string();
    let (code, _, error) = setting.ran(&["workflows", "settle", "chain", "--employee", &employee]);
    assert_eq!(code, 2, "{error}");
    let (code, _, error) = setting.ran(&["workflows", "settle", "chain", "--employee", &employee, "--made", &id]);
    assert_eq!(code, 0, "{error}");
    assert!(error.contains(&format!("it made {id}")), "{error}");
    let report = setting.sync();
    assert!(notices(&report).contains("hire_date_moved"), "{report:#}");
    assert_eq!(setting.made("onboarding", mira).len(), 1);
    let (code, _, error) = setting.ran(&["workflows", "settle", "chain", "--employee", &employee, "--not-made"]);
    assert!(code == 2 && error.contains("no step of chain is open"), "{error}");
}

#[test]
fn what_was_not_made_after_all_is_made_by_the_next_run() {
    let due = Due::new();
    let setting = &due.setting;
    let (mira, _) = due.people[0];
    let pause = setting.sandbox.pause_at("freshservice", 1, When::Before);
    let mut child = setting.start(&["sync", "--yes"]);
    assert!(pause.reached_within(std::time::Duration::from_secs(60)), "the write came");
    child.kill().unwrap();
    child.wait().unwrap();
    pause.abandon();
    setting.change(mira, json!({"hire_date": in_days(8).to_string()}));
    assert_eq!(Setting::requests(&setting.sync()).len(), 3, "only the other one's chain");
    let (code, _, error) =
        setting.ran(&["workflows", "settle", "chain", "--employee", &mira.to_string(), "--not-made"]);
    assert_eq!(code, 0, "{error}");
    setting.sync();
    due.assert_done("settled by hand");
}
