//! Runs by the clock, and targets that are left alone for a while.

use serde_json::json;

use super::super::scene::{DESK, LIST, Scene, summary};
use super::sync;

fn commented() -> String {
    let desk = DESK.replace("[targets.desk]\n", "# our service desk\n[targets.desk]   # since 2019\n");
    format!("{}{LIST}", desk.replace("match =", "every = \"24h\" # nightly\nmatch ="))
}

/// The names of the targets that a run by the clock took.
fn ran(scene: &Scene, time: &str) -> Vec<String> {
    let document = scene.run_at(time, &["sync", "--yes", "--due", "--format", "json"], 0).json();
    document["targets"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn only_what_is_due_runs() {
    let commented = commented().replace("path = \"list.csv\"", "path = \"list.csv\"\nevery = \"1h\"");
    let scene = Scene::new(12, &commented);
    assert_eq!(ran(&scene, "05:15:00"), ["desk", "list"], "what never ran is due");
    scene.sandbox.clear_requests();
    let today = scene.sandbox.info().today;
    let nothing = scene.run_at("05:59:00", &["sync", "--yes", "--due", "--format", "json"], 0);
    nothing.says(&format!("nothing is due until {today} 06:00 UTC (list)"));
    assert_eq!(nothing.json()["next_due"], json!(format!("{today} 06:00")));
    assert_eq!(scene.sandbox.requests(), [], "nobody is asked");
    assert_eq!(ran(&scene, "06:00:00"), ["list"]);

    // Another part of the file concerns nobody else.
    scene.configure(&commented.replace("Since = \"hire_date\"", "Since = \"hire_date\"\nTitle = \"position\""));
    assert_eq!(ran(&scene, "06:15:00"), ["list"]);
    assert_eq!(ran(&scene, "06:16:00"), Vec::<String>::new());

    // A run for one person is no run.
    scene.configure(&commented.replace("last_name = \"last_name\"", "last_name = \"last_name | upper\""));
    sync(&scene, &["--employee", "1002"], 0);
    assert!(ran(&scene, "06:20:00").contains(&"desk".to_owned()));
}

#[test]
fn each_slot_has_its_run_whatever_is_run_by_hand() {
    let scene = Scene::new(12, &LIST.replace("match =", "every = \"1h\"\nmatch ="));
    for (time, due) in
        [("04:00:01", true), ("05:00:00", true), ("05:30:00", false), ("05:59:59", true), ("06:00:01", false)]
    {
        assert_eq!(!ran(&scene, time).is_empty(), due, "{time}");
    }
    scene.run_at("08:10:00", &["sync", "--yes"], 0);
    assert_eq!(ran(&scene, "08:15:00"), ["list"], "the run by hand was none of the clock");
    let status = scene.run_at("10:20:00", &["status", "--format", "json"], 0).json();
    let today = scene.sandbox.info().today;
    let missed = json!([format!("{today} 07:00"), format!("{today} 09:00")]);
    assert_eq!(
        (&status["targets"][0]["missed_slots"], &status["targets"][0]["next_due"]),
        (&missed, &json!(format!("{today} 10:00")))
    );
    scene
        .run_at("10:20:00", &["status"], 0)
        .shows(&format!("list had no run in 2 slots: {today} 07:00 UTC, {today} 09:00 UTC"));

    // A run that could not read leaves its slot open.
    let before = scene.read("list.csv");
    scene.write("list.csv", "no such column\n1\n");
    scene.run_at("11:00:00", &["sync", "--yes", "--due"], 6);
    scene.write("list.csv", &before);
    assert_eq!(ran(&scene, "11:05:00"), ["list"]);
}

#[test]
fn a_target_without_every_is_due_each_time() {
    let scene = Scene::new(12, LIST);
    scene.run(&["sync", "--yes", "--due"], 0);
    scene.change(1002, json!({"email": "changed@example.com"}));
    scene.run(&["sync", "--yes", "--due"], 0);
    assert!(scene.read("list.csv").contains("changed@example.com"));
    scene.run(&["status"], 0).shows("each run");
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
    scene.run(&["sync", "--yes", "--due", "desk"], 0).says("nothing is due; desk is paused");
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
