//! What goes wrong on the way: nobody exists twice, everybody else is done, and the next run settles the rest.

use personio_sync::targets::freshservice::simulated::Freshservice;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::scene::{DESK, Scene, summary};

const PEOPLE: usize = 120;

#[derive(Clone, Copy)]
enum Before {
    /// Nobody has an account yet.
    Nothing,
    /// All have one; somebody is hired, somebody moves, somebody leaves.
    Synced,
}

fn assert_nobody_exists_twice(scene: &Scene, when: &str) {
    let (mut numbers, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for requester in scene.requesters() {
        if let Some(number) = requester["external_id"].as_str() {
            assert!(numbers.insert(number.to_owned()), "{when}: {number} is there twice");
        }
        if let Some(address) = requester["primary_email"].as_str() {
            assert!(addresses.insert(address.to_owned()), "{when}: {address} is there twice");
        }
    }
}

#[test]
fn whatever_goes_wrong_the_next_run_settles_it() {
    use Before::{Nothing, Synced};
    // The status of the run that it happens to. A refused or unclear write fails one change, and waiting and
    // repeating hides the rest.
    let table: &[(Before, &str, i32)] = &[
        (Nothing, "personio:post:html502#1", 0),
        (Nothing, "personio:429#2", 0),
        (Nothing, "personio:html502#2", 0),
        (Nothing, "personio:500#3", 0),
        (Nothing, "personio:cut#2", 0),
        (Nothing, "personio:truncated#2", 0),
        (Nothing, "personio:expire-token#2", 0),
        (Nothing, "personio:insert-while-paging#1", 0),
        (Nothing, "personio:remove-while-paging#1", 0),
        (Nothing, "freshservice:get:429=1#2", 0),
        (Nothing, "freshservice:get:html502#3", 0),
        (Nothing, "freshservice:cut#2", 0),
        (Nothing, "freshservice:post:429=1#9", 0),
        (Nothing, "freshservice:post:429=0#9", 0),
        (Nothing, "freshservice:post:lost-answer#1", 0),
        (Nothing, "freshservice:post:lost-answer#9", 0),
        (Nothing, "freshservice:post:html502#90", 3),
        // Others were under way beside it, so that it is looked for and sent once more.
        (Nothing, "freshservice:post:503#90", 0),
        (Synced, "freshservice:insert-while-paging#1", 0),
        (Synced, "freshservice:post:lost-answer#1", 0),
        (Synced, "freshservice:put:lost-answer#1", 0),
        (Synced, "freshservice:put:html502#1", 0),
        (Synced, "freshservice:delete:lost-answer#1", 0),
        (Synced, "freshservice:delete:503#1", 0),
        (Synced, "freshservice:delete:429=1#1", 0),
    ];
    std::thread::scope(|scope| {
        for (before, faults, code) in table.iter().copied() {
            let run = move || settles(before, faults, code);
            std::thread::Builder::new().name(faults.into()).spawn_scoped(scope, run).unwrap();
        }
    });
}

fn settles(before: Before, faults: &str, code: i32) {
    let scene = Scene::new(PEOPLE, DESK);
    if matches!(before, Before::Synced) {
        scene.sync();
        scene.change(1003, json!({"status": "inactive"}));
        scene.change(1004, json!({"position": "Moved"}));
        scene.hire(json!({"email": "nova@example.com"}));
    }
    scene.faults(faults);
    let ran = scene.try_run(&["sync", "--yes", "--format", "json"]);
    let struck = scene.sandbox.requests().iter().filter(|request| request.fault.is_some()).count();
    assert_eq!(struck, 1, "{faults}: the fault did not strike");
    assert_eq!(ran.code, code, "{faults}\n{}", ran.stderr);
    let document = ran.json();
    let failed = summary(&document, "failed").as_u64().unwrap();
    assert!(if code == 0 { failed == 0 } else { (1..30).contains(&failed) }, "{faults}: {failed} failed");
    assert_eq!(document["source"]["complete"], true, "{faults}");
    assert_nobody_exists_twice(&scene, faults);

    scene.faults("");
    scene.sync();
    assert_nobody_exists_twice(&scene, faults);
    let document = scene.assert_settled(faults);
    assert!(summary(&document, "in_sync").as_u64().unwrap() > 100, "{faults}");
    if matches!(before, Before::Synced) {
        assert_eq!(scene.requester(1003)["active"], false, "{faults}");
        assert_eq!(scene.requester(1004)["job_title"], "Moved", "{faults}");
    }
}

#[test]
fn a_request_is_sent_once() {
    let scene = Scene::new(250, DESK);
    let unique = |system: &str, what: &dyn Fn(&str) -> bool| {
        let sent: Vec<String> = scene.requests(system).into_iter().filter(|request| what(request)).collect();
        let different: BTreeSet<&String> = sent.iter().collect();
        assert_eq!(different.len(), sent.len(), "sent more than once: {sent:#?}");
        sent.len()
    };
    let document = scene.sync();
    assert_eq!(unique("personio", &|request| request.starts_with("GET")), 3, "pages of a hundred");
    assert_eq!(unique("personio", &|request| request.starts_with("POST /v1/auth")), 1);
    unique("freshservice", &|request| request.starts_with("PUT"));
    let posts = |path: &str| {
        scene.writes().iter().filter(|request| request.starts_with(&format!("POST /desk/api/v2/{path}?"))).count()
    };
    assert_eq!(posts("requesters"), summary(&document, "create").as_u64().unwrap() as usize);
    assert_eq!((posts("departments"), posts("locations")), (1, 1));

    scene.sandbox.clear_requests();
    scene.assert_settled("synced");
    assert_eq!(scene.writes(), [""; 0], "a plan never writes");
    assert_eq!(unique("personio", &|request| request.starts_with("GET")), 3);
    unique("freshservice", &|_| true);

    scene.sandbox.clear_requests();
    scene.change(1004, json!({"position": "Moved"}));
    scene.change(1003, json!({"status": "inactive"}));
    scene.sync();
    let (moved, left) = (scene.requester(1004)["id"].clone(), scene.requester(1003)["id"].clone());
    let expected = [format!("PUT /desk/api/v2/requesters/{moved}?"), format!("DELETE /desk/api/v2/requesters/{left}?")];
    assert_eq!(scene.writes(), expected);
}

#[test]
fn a_service_that_keeps_refusing_is_left_alone() {
    let scene = Scene::new(60, &format!("{DESK}[targets.desk.safety]\nmax_failures = 3\n"));
    scene.faults("freshservice:post:500@100%");
    let document = scene.run(&["sync", "--yes", "--format", "json"], 3).json();
    let changes = document["targets"][0]["changes"].as_array().unwrap();
    let of = |status: &str| changes.iter().filter(|change| change["outcome"]["status"] == status).count();
    // Writes that were under way when the third failed still come to their end.
    assert!((3..15).contains(&of("failed")), "{}", of("failed"));
    assert!(of("not_attempted") > 30);
    let last: &Value = changes.last().unwrap();
    assert!(last["outcome"]["error"].as_str().unwrap().contains("changes in a row (max_failures)"), "{last}");
    scene.faults("");
    scene.sync();
    scene.assert_settled("after it came back");
}

#[test]
fn a_right_that_is_taken_away_in_the_middle_is_no_end_of_the_world() {
    let scene = Scene::new(60, DESK);
    scene.faults("freshservice:post:latency=100ms");
    let arguments = ["sync", "--yes", "--format", "json"];
    let child = scene.start(&arguments);
    scene.await_writes(1);
    scene.sandbox.system(|service: &mut Freshservice| service.options.missing_features = vec!["requesters".into()]);
    let ran = super::scene::Ran::of(child, &arguments);
    assert_eq!(ran.code, 7, "{}", ran.stdout);
    ran.says("lacks a right that some changes need");
    assert!(ran.json()["targets"][0]["summary"]["failed"].as_u64().unwrap() > 0);
    scene.sandbox.system(|service: &mut Freshservice| service.options.missing_features.clear());
    scene.faults("");
    scene.sync();
    scene.assert_settled("with the key again");
}

#[test]
fn a_killed_run_leaves_nobody_twice() {
    std::thread::scope(|scope| {
        for moment in [1, 3, 10, 30] {
            scope.spawn(move || {
                let scene = Scene::new(60, DESK);
                scene.faults("freshservice:latency=20ms");
                let mut child = scene.start(&["sync", "--yes"]);
                scene.await_writes(moment);
                child.kill().unwrap();
                child.wait().unwrap();
                scene.faults("");
                scene.sync();
                assert_nobody_exists_twice(&scene, "killed");
                scene.assert_settled("killed");
            });
        }
    });
}
