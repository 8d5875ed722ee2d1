//! What the tool remembers and says holds no secret and nothing of a person but their number.

use personio_sync::personio::simulated::Personio;
use std::collections::BTreeSet;

use personio_sync::simulation::SECRET;
use serde_json::json;

use super::super::scene::{DESK, LIST, Ran, Scene, summary};
use super::{leave, sync};

/// Everything private that the sandbox's people have: names, addresses, positions, and what they refer to.
fn private(scene: &Scene) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    scene.sandbox.system(|personio: &mut Personio| {
        for person in personio.company().people() {
            values.extend([person.first_name.clone(), person.last_name.clone(), person.email.clone()]);
            values.extend([person.position.clone(), person.name(), person.preferred_name.clone()]);
            for place in [&person.department, &person.office, &person.team, &person.subcompany].into_iter().flatten() {
                values.insert(place.name.clone());
            }
        }
    });
    // What words of our own contain says nothing: a department called IT is in "with".
    values.retain(|value| value.chars().count() > 3);
    values
}

fn holds(bytes: &[u8], value: &str) -> bool {
    bytes.windows(value.len()).any(|part| part == value.as_bytes())
}

fn assert_clean(values: &BTreeSet<String>, bytes: &[u8], what: &str) {
    for value in values.iter().map(String::as_str).chain([SECRET, "c2FuZGJveC1zZWNyZXQ"]) {
        assert!(!holds(bytes, value), "{what} holds `{value}`");
    }
}

fn state_files(scene: &Scene) -> Vec<(String, Vec<u8>)> {
    let files = ["personio-sync.sqlite", "personio-sync.sqlite-wal", "personio-sync.sqlite-shm"];
    files.iter().filter_map(|name| Some(((*name).to_owned(), std::fs::read(scene.path(name)).ok()?))).collect()
}

/// Everything that may happen to somebody: made, changed, refused, held, skipped, left, back, retried.
fn eventful(scene: &Scene, mut each: impl FnMut(&[&str], Ran)) {
    let mut run = |arguments: &[&str]| {
        let ran = scene.try_run(arguments);
        each(arguments, ran);
    };
    run(&["sync", "--yes", "--format", "json"]);
    scene.hire(json!({"first_name": "Papageno", "last_name": "Vogelfang", "email": "papageno@localhost"}));
    scene.change(1002, json!({"last_name": "Xylophon-Quartz", "email": "xylophon.quartz@example.com"}));
    scene.change(
        1003,
        json!({"position": "Obertonsängerin", "department": "Klangwerkstatt", "office": "Neuschwanstein"}),
    );
    scene.change(1008, json!({"email": scene.email(1009)}));
    leave(scene, 1004);
    scene.faults("freshservice:put:html502#2,freshservice:lost-answer#3");
    run(&["sync", "--yes"]);
    scene.faults("");
    run(&["sync", "--yes"]);
    run(&["retry", "--failed", "--yes"]);
    scene.faults("freshservice:429=0@30%");
    run(&["sync", "--yes", "--format", "json"]);
    scene.faults("");
    for command in [
        &["runs"][..],
        &["jobs", "--limit", "500"],
        &["jobs", "--limit", "500", "--format", "json"],
        &["jobs", "--employee", "1002", "--format", "json"],
        &["jobs", "show", "1.1", "--format", "json"],
        &["jobs", "show", "2.1"],
        &["status", "--format", "json"],
        &["check"],
        &["check", "--online"],
        &["sync", "--yes", "--config", "nowhere.toml"],
    ] {
        run(command);
    }
}

#[test]
fn neither_the_state_nor_what_is_said_holds_a_secret_or_a_private_value() {
    let scene = Scene::new(25, &format!("{DESK}{LIST}"));
    let mut said = Vec::new();
    eventful(&scene, |arguments, ran| {
        said.push((arguments.join(" "), ran));
    });
    let mut values = private(&scene);
    values.extend(
        ["Papageno", "Vogelfang", "papageno@", "Obertons", "Klangwerkstatt", "Neuschwanstein"].map(str::to_owned),
    );
    assert!(values.len() > 60, "{}", values.len());
    for (name, bytes) in state_files(&scene) {
        assert!(bytes.len() > 1000 || name.ends_with("-wal"), "{name}");
        assert_clean(&values, &bytes, &name);
    }
    for (arguments, ran) in &said {
        assert_clean(&values, ran.stderr.as_bytes(), &format!("what `{arguments}` says"));
        // A report shows what was changed, as a plan does; what is kept of it must not.
        if !arguments.starts_with("sync") && !arguments.starts_with("retry") {
            assert_clean(&values, ran.stdout.as_bytes(), &format!("what `{arguments}` shows"));
        }
        assert!(!holds(ran.stdout.as_bytes(), SECRET), "{arguments}");
    }
    assert!(said.iter().any(|(_, ran)| ran.code == 3), "something failed on the way");
}

#[cfg(unix)]
#[test]
fn the_state_is_readable_by_its_owner_only_also_while_it_is_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new(12, DESK);
    let pause = scene.sandbox.pause_at("freshservice", 4, personio_sync::sandbox::When::Before);
    let arguments = ["sync", "--yes"];
    let child = scene.start(&arguments);
    super::await_write(&pause);
    let files = state_files(&scene);
    assert_eq!(files.len(), 3, "the log is there while it is used");
    let values = private(&scene);
    for (name, bytes) in files {
        let mode = std::fs::metadata(scene.path(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
        assert_clean(&values, &bytes, &name);
    }
    pause.release();
    assert_eq!(Ran::of(child, &arguments).code, 0);
}

#[test]
fn names_are_kept_only_where_the_file_asks_for_them() {
    for keep in [false, true] {
        let scene = Scene::new(12, &format!("{DESK}[state]\nkeep_names = {keep}\n"));
        scene.change(1002, json!({"first_name": "Papageno", "last_name": "Vogelfang"}));
        scene.sync();
        let kept = state_files(&scene).iter().any(|(_, bytes)| holds(bytes, "Papageno Vogelfang"));
        assert_eq!(kept, keep);
        let shown = scene.run(&["jobs", "--employee", "1002"], 0).stdout.contains("Papageno Vogelfang");
        assert_eq!(shown, keep);
        let email = scene.email(1002);
        assert!(!state_files(&scene).iter().any(|(_, bytes)| holds(bytes, &email)), "a name is all that is kept");
        scene.run(&["forget", "1002"], 0);
        assert!(!state_files(&scene).iter().any(|(_, bytes)| holds(bytes, "Papageno")), "forgotten is forgotten");
    }
}

#[test]
fn disconnecting_asks_nobody_and_reconnecting_finds_everybody() {
    let scene = Scene::new(12, &format!("{DESK}{LIST}"));
    scene.sync();
    let before = scene.requesters();
    scene.sandbox.clear_requests();
    scene.run(&["disconnect", "desk"], 0).says("the target itself was not touched");
    assert_eq!(scene.sandbox.requests(), []);
    let jobs = scene.run(&["jobs", "--target", "desk", "--format", "json"], 0).json();
    assert_eq!(jobs["jobs"], json!([]));
    let jobs = scene.run(&["jobs", "--target", "list", "--format", "json"], 0).json();
    assert_ne!(jobs["jobs"], json!([]), "the other target's history stays");
    let document = sync(&scene, &[], 0);
    assert_eq!((summary(&document, "create"), summary(&document, "update")), (&json!(0), &json!(0)));
    assert_eq!(scene.requesters(), before);
    // Linked again: a new address is the same account.
    scene.change(1002, json!({"email": "new@example.com"}));
    assert_eq!(summary(&sync(&scene, &[], 0), "update"), 1);
}

#[test]
fn who_is_forgotten_leaves_no_trace() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    scene.change(1002, json!({"position": "Changed"}));
    sync(&scene, &["--employee", "1002"], 0);
    let account = scene.requester(1002)["id"].to_string();
    let found = |value: &str| state_files(&scene).iter().any(|(_, bytes)| holds(bytes, value));
    assert!(found(&account));
    scene.sandbox.clear_requests();
    scene.run(&["forget", "1002"], 0).says("accounts in the targets were not touched");
    assert_eq!(scene.sandbox.requests(), []);
    assert!(!found(&account), "the account's number is gone");
    assert!(!found("--employee 1002"), "from the commands of runs, too");
    let jobs = scene.run(&["jobs", "--employee", "1002", "--format", "json"], 0).json();
    assert_eq!((&jobs["jobs"], jobs.get("last_in_sync")), (&json!([]), None));
    // Found again by match, and nobody is made twice.
    let document = sync(&scene, &[], 0);
    assert_eq!(summary(&document, "create"), 0);
}
