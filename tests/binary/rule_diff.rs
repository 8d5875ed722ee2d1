//! `diff`: what a changed file would do to the same employees.

use serde_json::{Value, json};

use super::scene::{DESK, LIST, Scene};

/// The one target of this name.
fn target<'d>(document: &'d Value, name: &str) -> &'d Value {
    document["targets"].as_array().unwrap().iter().find(|target| target["name"] == name).unwrap()
}

#[test]
fn who_enters_who_leaves_and_what_changes() {
    let scene = Scene::new(20, DESK);
    for (id, department) in [(1003, "Wanderlust"), (1004, "Wanderlust"), (1005, "Roots")] {
        scene.change(id, json!({"department": department, "position": "engineer", "status": "active"}));
    }
    let old = DESK
        .replace("[\"department_ids\", \"location_id\"]", "[\"department_ids\"]")
        .replace("match = [\"ext", "include = [\"department == 'Wanderlust'\"]\nmatch = [\"ext");
    let new =
        old.replace("department == 'Wanderlust'", "department in ['Wanderlust', 'Roots'] and employee_id != 1004");
    let new = new.replace("job_title = \"position\"", "job_title = \"position | upper\"");
    let new = format!("{}\n{LIST}", new.replace("location_id = \"office\"\n", ""));
    scene.configure(&old);
    std::fs::rename(scene.path("personio-sync.toml"), scene.path("old.toml")).unwrap();
    scene.configure(&new);

    let files = ["diff", "old.toml", "personio-sync.toml"];
    let document = scene.run(&[files.as_slice(), &["--format", "json"]].concat(), 0).json();
    assert_eq!((&document["kind"], &document["employees"]), (&json!("diff"), &json!(20)));
    let desk = target(&document, "desk");
    assert_eq!((&desk["in_file"], &desk["enter"]), (&json!("both"), &json!(["1005"])));
    let clause = "`department in ['Wanderlust', 'Roots'] and employee_id != 1004` (include) does not hold";
    assert_eq!(desk["leave"], json!([{"employee": "1004", "why": clause}]));
    let fields = desk["fields"].as_array().unwrap();
    let value = |text: &str| json!({"state": "value", "value": text, "why": null});
    assert_eq!(fields[0]["after"], value("ENGINEER"));
    assert_eq!((&fields[0]["employee"], &fields[0]["before"]), (&json!("1003"), &value("engineer")));
    assert_eq!((&fields[1]["field"], &fields[1]["after"]["state"]), (&json!("location_id"), &json!("not_mapped")));
    assert_eq!(fields.len(), 2);
    let list = target(&document, "list");
    assert_eq!(list["in_file"], "new");
    assert!(list["enter"].as_array().unwrap().len() > 10);
    assert_eq!(scene.requests("freshservice"), [""; 0]);
    let lists = scene.requests("personio").into_iter().filter(|request| request.contains("/employees?")).count();
    assert_eq!(lists, 1, "the employees are read once");

    let ran = scene.run(&files, 0);
    ran.shows("job_title changes").shows("engineer → ENGINEER").shows("20 employees: ");
    scene.run(&[files.as_slice(), &["--mask", "always"]].concat(), 0).shows("1005 ‹");
    scene
        .run(&["diff", "old.toml", "old.toml"], 0)
        .shows("20 employees: old.toml does to all of them what old.toml does.");
    scene.run(&[files.as_slice(), &["--sandbox"]].concat(), 0).shows("250 employees");
    scene.run(&["diff", "gone.toml", "old.toml"], 2);
}
