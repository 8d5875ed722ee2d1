//! `todo`: what needs a hand, what fails since when, and where else both are shown.

use serde_json::{Value, json};

use super::scene::{DESK, LIST, Scene};

fn todo(scene: &Scene, options: &[&str]) -> Value {
    scene.run(&[&["todo", "--format", "json"], options].concat(), 0).json()
}

fn list_at(path: &str) -> String {
    LIST.replace("list.csv", path)
}

#[test]
fn failures_are_counted_until_they_are_over() {
    let scene = Scene::new(9, &list_at("no-such-folder/list.csv"));
    assert_eq!(todo(&scene, &[])["failing"], json!([]));
    for times in 1..=3 {
        scene.run(&["sync", "--yes"], 6);
        let failing = todo(&scene, &[])["failing"].clone();
        assert_eq!(failing.as_array().unwrap().len(), 1);
        let one = &failing[0];
        assert_eq!(
            (&one["target"], &one["code"], &one["times"]),
            (&json!("list"), &json!("unavailable"), &json!(times))
        );
        assert!(one["first_seen"].as_str() <= one["last_tried"].as_str());
    }
    let told = scene.run(&["todo"], 0);
    told.shows("tried again in each run").shows("The next run tries again.");
    assert!(!told.stdout.contains("Nothing needs a hand"), "{}", told.stdout);
    scene.run(&["todo", "--format", "markdown"], 0).shows("| Target | Employee | Code | First seen |");
    // Nothing tells a run for another target that it is over.
    scene.configure(&format!("{}{DESK}", list_at("list.csv")));
    scene.run(&["sync", "--yes", "desk"], 0);
    assert_eq!(todo(&scene, &["--target", "list"])["failing"][0]["times"], 3);
    assert_eq!(todo(&scene, &["--target", "desk"])["failing"], json!([]));
    scene.run(&["sync", "--yes", "list"], 0);
    assert_eq!(todo(&scene, &[])["failing"], json!([]));
}

#[test]
fn what_is_not_in_the_list_cannot_be_done() {
    let scene = Scene::new(9, LIST);
    scene.run(&["todo", "done", "7"], 2).says("nothing that needs a hand has the number 7");
    scene.run(&["todo", "done", "seven"], 2).says("`seven` is no number");
    scene.run(&["todo", "done"], 2);
    scene.run(&["todo", "--target", "lisst"], 2).says("did you mean `list`?");
    scene.run(&["todo", "--help"], 0).shows("Say that something is done").shows("--target");
}

#[test]
fn many_who_fail_alike_are_one_row() {
    let scene = Scene::new(12, DESK);
    scene.faults("freshservice:post:503@100%");
    scene.run(&["sync", "--yes"], 3);
    let failing = todo(&scene, &[])["failing"].as_array().unwrap().len();
    assert!(failing >= 5, "{failing}");
    let rows = |options: &[&str]| {
        let told = scene.run(&[&["todo", "--format", "markdown"], options].concat(), 0);
        told.stdout.lines().filter(|line| line.starts_with("| desk ")).count()
    };
    assert!(rows(&[]) < 5, "{}", rows(&[]));
    assert_eq!(rows(&["--all"]), failing);
    scene.run(&["todo"], 0).shows(" employees: 1001, ");
}

#[test]
fn who_fails_is_shown_with_how_often_and_recovers_alone() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    let [nova, ona] = ["nova@example.com", "ona@example.com"].map(|email| scene.hire(json!({"email": email})));
    scene.faults("freshservice:post:503@100%");
    for _ in 0..2 {
        scene.run(&["sync", "--yes"], 3);
    }
    let failing = |scene: &Scene| {
        let of_desk = todo(scene, &["--target", "desk"])["failing"].clone();
        let whom = |one: &Value| (one["employee"].as_str().unwrap().to_owned(), one["times"].as_u64().unwrap());
        of_desk.as_array().unwrap().iter().map(whom).collect::<Vec<_>>()
    };
    assert_eq!(failing(&scene), [(nova.to_string(), 2), (ona.to_string(), 2)]);
    let jobs = scene.run(&["jobs", "--failed", "--format", "json"], 0).json();
    let times: Vec<&Value> = jobs["jobs"].as_array().unwrap().iter().map(|job| &job["times"]).collect();
    assert_eq!(times, [&json!(2), &json!(2), &Value::Null, &Value::Null], "of the last run alone");
    scene.run(&["jobs", "--failed"], 0).shows("times since");
    let newest = jobs["jobs"][0]["job"].as_str().unwrap();
    scene.run(&["jobs", "show", newest], 0).shows("2 times since");
    let status = scene.run(&["status", "--format", "json"], 0).json();
    assert_eq!((&status["targets"][0]["failing"][1]["times"], &status["todos"]), (&json!(2), &json!(0)));
    scene.run(&["status"], 0).shows("desk: 2 failures; the oldest, ").shows("2 times since");

    scene.faults("");
    scene.run(&["sync", "--yes", "--employee", &nova.to_string()], 0);
    assert_eq!(failing(&scene), [(ona.to_string(), 2)]);
    scene.run(&["retry", "--failed", "--yes"], 0);
    assert_eq!(failing(&scene), []);
}

/// Two people of a company in payroll, one of whom lacks what payroll needs.
const PAYROLL: &str = r#"
[state]
keep_names = true
[targets.payroll]
type = "pento"
include = ["employee_id in [1001, 1002]"]
delivery = { type = "file", path = "payroll.csv" }
[targets.payroll.mapping]
employee_id = "employee_id"
first_name = "first_name"
last_name = "last_name"
"#;

#[test]
fn what_needs_a_hand_is_in_status_report_and_jobs() {
    let scene = Scene::new(9, PAYROLL);
    scene.run(&["sync", "--yes"], 0).says("2 things need a hand:").says("payroll, employee 1001: Pending:");
    let todos = todo(&scene, &[])["todos"].clone();
    let (one, other) = (todos[0]["id"].to_string(), todos[1]["id"].to_string());
    let refused = scene.run(&["todo", "done", &one, "9999", &other, "seven"], 2);
    refused.says("has the number 9999").says("`seven` is no number").says("nothing was marked as done");
    assert_eq!(todo(&scene, &[])["todos"], todos, "all or none");
    let (first, name) = (&todos[0], todos[0]["name"].as_str().unwrap());
    assert_eq!((&first["code"], &first["employee"]), (&json!("details_missing"), &json!("1001")));
    let masked = scene.run(&["todo", "--mask", "always"], 0);
    assert!(!masked.stdout.contains(name), "{}", masked.stdout);
    scene.run(&["todo"], 0).shows(name).shows("Enter in Personio what the message names.");
    let later = scene.sandbox.info().today + chrono::Days::new(3);
    let clock = ("PERSONIO_SYNC_TEST_CLOCK", &*format!("{later}T12:00:00Z"));
    assert_eq!(scene.run_with(clock, &["todo", "--format", "json"], 0).json()["todos"][0]["age_days"], 3);
    scene.run_with(clock, &["todo"], 0).shows("3 days");
    scene.run(&["status"], 0).shows("2 things need a hand: `personio-sync todo` lists them");
    let status = scene.run(&["status", "--format", "json"], 0).json();
    assert_eq!(status["targets"][0]["todos"], 2);
    let report = scene.run(&["report", "--html", "report.html", "--format", "json"], 0).json();
    assert_eq!((&report["kind"], &report["report"]["todos"][0]["id"]), (&json!("run_report"), &first["id"]));
    scene.run(&["report"], 0).shows(&format!("| {} | payroll | 1001 |", first["id"])).shows("details\\_missing: ");
    let jobs = scene.run(&["jobs", "--employee", "1001", "--format", "json"], 0).json();
    assert_eq!(jobs["jobs"][0]["todos"][0]["id"], first["id"]);
    scene.run(&["jobs", "--employee", "1001"], 0).shows(&format!("to do {}: details_missing", first["id"]));
    let job = jobs["jobs"][0]["job"].as_str().unwrap();
    scene.run(&["jobs", "show", job], 0).shows("to do").shows("Pending:");

    // Names go once the file keeps none, and people once they are forgotten.
    scene.configure(&PAYROLL.replace("keep_names = true", "keep_names = false"));
    scene.run(&["sync", "--yes"], 0);
    assert!(todo(&scene, &[])["todos"].as_array().unwrap().iter().all(|one| one["name"].is_null()));
    scene.run(&["forget", "1001", "--yes"], 0);
    assert_eq!(todo(&scene, &[])["todos"].as_array().unwrap().len(), 1);
    scene.run(&["disconnect", "payroll", "--yes"], 0);
    assert_eq!(todo(&scene, &[])["todos"], json!([]));
}
