//! `sandbox hire|change|leave|rehire`: what happens to the people of a sandbox while it runs.

use serde_json::{Value, json};

use super::scene::{DESK, Scene};

/// Has something happen at the sandbox of a scene; whom it concerns.
fn happens(scene: &Scene, what: &[&str]) -> u64 {
    let address = scene.address();
    let document = scene.run(&[&["sandbox"], what, &["--at", &address, "--format", "json"]].concat(), 0).json();
    assert_eq!(document["kind"], "sandbox");
    document["employee"].as_str().unwrap().parse().unwrap()
}

#[test]
fn somebody_starts_changes_leaves_and_comes_back_to_their_account() {
    let scene = Scene::new(20, DESK);
    scene.sync();
    let nova = happens(&scene, &["hire", "first_name=Nova", "last_name=Example", "email=nova@example.com"]);
    let number = nova.to_string();
    happens(&scene, &["change", &number, "position=Pilot", "department=IT"]);
    scene.sync();
    assert_eq!(scene.requester(nova)["job_title"], "Pilot");

    let yesterday = scene.sandbox.info().today.pred_opt().unwrap().to_string();
    happens(&scene, &["leave", &number, "--on", &yesterday]);
    scene.sync();
    assert_eq!(scene.requester(nova)["active"], false);
    let back = happens(&scene, &["rehire", &number]);
    assert_ne!(back, nova);
    scene.run(&["explain", &back.to_string()], 0).shows("active");

    let refused = |what: &[&str], why: &str| {
        let address = scene.address();
        let ran = scene.run(&[&["sandbox"], what, &["--at", &address]].concat(), 2);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    };
    refused(&["change", "1004", "postion=Lead"], "did you mean `position`?");
    refused(&["rehire", "1004"], "employee 1004 has not left");
    refused(&["leave", "7"], "there is no employee 7");
    refused(&["hire", "Nova"], "such as position=Lead");
    let nowhere = scene.run(&["sandbox", "leave", "1004", "--at", "127.0.0.1:1"], 2);
    assert!(nowhere.stderr.contains("is `personio-sync sandbox` running at 127.0.0.1:1?"), "{}", nowhere.stderr);
}

#[test]
fn most_people_have_what_pento_needs() {
    let scene = Scene::new(5, DESK);
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/pento.toml");
    let plan = scene.try_run(&["plan", "--sandbox", "--config", example, "--format", "json"]).json();
    let target = &plan["targets"][0];
    let pending = |notice: &&Value| notice["code"] == json!("details_missing");
    let pending = target["notices"].as_array().unwrap().iter().filter(pending).count();
    let all = target["summary"]["create"].as_u64().unwrap();
    assert!(all > 200 && pending < 20, "{pending} of {all} are pending");
}
