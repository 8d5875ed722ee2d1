//! Runs by the clock, and targets that are left alone for a while.

use serde_json::json;

use super::super::scene::{DESK, LIST, Scene, summary};
use super::sync;

fn commented() -> String {
    let desk = DESK.replace("[targets.desk]\n", "# our service desk\n[targets.desk]   # since 2019\n");
    format!("{}{LIST}", desk.replace("match =", "every = \"24h\" # nightly\nmatch ="))
}

#[test]
fn only_what_is_due_runs() {
    let scene = Scene::new(12, &commented());
    let names = |document: &serde_json::Value| -> Vec<String> {
        document["targets"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&sync(&scene, &["--due"], 0)), ["desk", "list"], "what never ran is due");
    scene.sandbox.clear_requests();
    scene.run(&["sync", "--yes", "--due"], 0).says("nothing is due");
    assert_eq!(scene.sandbox.requests(), [], "nobody is asked");

    // Another part of the file concerns nobody else.
    scene.configure(&commented().replace("Since = \"hire_date\"", "Since = \"hire_date\"\nTitle = \"position\""));
    assert_eq!(names(&sync(&scene, &["--due"], 0)), ["list"]);
    scene.run(&["sync", "--yes", "--due"], 0).says("nothing is due");

    // A run for one person is no run.
    scene.configure(&commented().replace("last_name = \"last_name\"", "last_name = \"last_name | upper\""));
    sync(&scene, &["--employee", "1002"], 0);
    let due = scene.run(&["sync", "--yes", "--due", "--format", "json"], 0).json();
    assert!(names(&due).contains(&"desk".to_owned()), "{due:#}");
}

#[test]
fn pausing_keeps_comments_and_resuming_shows_what_will_be_overwritten() {
    let scene = Scene::new(12, &commented());
    scene.sync();
    let before = scene.read("personio-sync.toml");
    scene.run(&["pause", "desk"], 0).says("desk is paused");
    let paused = scene.read("personio-sync.toml");
    assert_ne!(paused, before);
    for comment in ["# our service desk", "# since 2019", "# nightly"] {
        assert!(paused.contains(comment), "{paused}");
    }
    scene.change(1002, json!({"position": "Changed"}));
    let document = sync(&scene, &[], 0);
    assert_eq!(document["targets"][0]["status"], "paused");
    assert_eq!(summary(&document, "update"), 0);
    scene.run(&["sync", "--yes", "--due"], 0).says("nothing is due");
    assert_eq!(scene.run(&["status", "--format", "json"], 0).json()["targets"][0]["paused"], true);

    // One person at a time works all the same.
    sync(&scene, &["--employee", "1002", "desk"], 0);
    assert_eq!(scene.requester(1002)["job_title"], "Changed");
    scene.change(1003, json!({"position": "Changed"}));
    let ran = scene.run(&["resume", "desk"], 0);
    ran.says("desk is no longer paused").says("the next sync will do this").shows("1003").shows("Changed");
    assert_ne!(scene.requester(1003)["job_title"], "Changed", "resuming only shows");
    let resumed = scene.read("personio-sync.toml");
    assert_eq!(resumed.replace("paused = false\n", ""), before);
    assert_eq!(summary(&sync(&scene, &[], 0), "update"), 1);
    scene.run(&["pause", "dsek"], 2).says("did you mean `desk`?");
    scene.run(&["resume", "dsek"], 2).says("did you mean `desk`?");
}
