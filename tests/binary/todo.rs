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
    scene.run(&["todo"], 0).shows("Nothing needs a hand").shows("tried again in each run").shows("unavailable");
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
