//! Whose account is whose, whatever people are called.

use personio_sync::personio::simulated::Personio;
use serde_json::{Value, json};

use super::super::scene::{DESK, LIST, Scene, summary};
use super::{answer, change_of, hold, leave, plan, sync};

const STATE: &str = "personio-sync.sqlite";

fn by_email(section: &str) -> String {
    section
        .replace("match = [\"external_id\", \"primary_email\"]", "match = [\"primary_email\"]")
        .replace("match = [\"Employee\"]", "match = [\"E-mail\"]")
}

/// The line of an employee in the list.
fn line(scene: &Scene, employee: u64) -> String {
    let list = scene.read("list.csv");
    let found: Vec<&str> = list.lines().filter(|line| line.starts_with(&format!("{employee},"))).collect();
    assert_eq!(found.len(), 1, "{list}");
    found[0].to_owned()
}

#[test]
fn a_changed_address_is_the_same_account_also_where_addresses_match() {
    let scene = Scene::new(12, &by_email(&format!("{DESK}{LIST}")));
    scene.sync();
    let before = scene.requester(1002);
    scene.change(1002, json!({"email": "quite.new@example.com"}));
    let document = scene.sync();
    for target in document["targets"].as_array().unwrap() {
        assert_eq!((&target["summary"]["create"], &target["summary"]["update"]), (&json!(0), &json!(1)), "{target:#}");
    }
    let after = scene.requester(1002);
    assert_eq!((&after["id"], &after["primary_email"]), (&before["id"], &json!("quite.new@example.com")));
    assert!(line(&scene, 1002).contains("quite.new@example.com"));
    scene.assert_settled("after a new address");
    // Once more: the link is by the account, not by the key it was found with.
    scene.change(1002, json!({"email": "newer.still@example.com", "last_name": "Married"}));
    scene.sync();
    assert_eq!(scene.requester(1002)["id"], before["id"]);
    scene.assert_settled("after another address");
}

#[test]
fn addresses_that_go_round_end_right_in_one_run() {
    for people in [&[1002, 1003][..], &[1002, 1003, 1004], &[1002, 1003, 1004, 1005]] {
        let scene = Scene::new(12, &by_email(&format!("{DESK}{LIST}")));
        scene.sync();
        let accounts: Vec<Value> = people.iter().map(|id| scene.requester(*id)["id"].clone()).collect();
        let addresses: Vec<String> = people.iter().map(|id| scene.email(*id)).collect();
        for (place, id) in people.iter().enumerate() {
            scene.change(*id, json!({"email": addresses[(place + 1) % people.len()]}));
        }
        let document = scene.sync();
        assert_eq!((summary(&document, "create"), summary(&document, "update")), (&json!(0), &json!(people.len())));
        scene.assert_settled("after a round");
        for (place, id) in people.iter().enumerate() {
            let expected = &addresses[(place + 1) % people.len()];
            let requester = scene.requester(*id);
            assert_eq!((&requester["primary_email"], &requester["id"]), (&json!(expected), &accounts[place]));
            assert!(line(&scene, *id).contains(expected.as_str()));
        }
        // The links are right, too: another change reaches the right account.
        for id in people {
            scene.change(*id, json!({"last_name": format!("Surname-{id}")}));
        }
        let document = scene.sync();
        assert_eq!((summary(&document, "create"), summary(&document, "update")), (&json!(0), &json!(people.len())));
        for id in people {
            let wanted = format!("Surname-{id}");
            assert_eq!(scene.requester(*id)["last_name"], json!(wanted));
            assert!(line(&scene, *id).contains(&wanted));
        }
        scene.assert_settled("after new names");
    }
}

#[test]
fn who_is_hired_gets_the_address_that_somebody_gave_up() {
    let scene = Scene::new(12, &by_email(&format!("{LIST}{DESK}")));
    scene.sync();
    let address = scene.email(1002);
    scene.change(1002, json!({"email": "moved.on@example.com"}));
    let hired = scene.hire(json!({"first_name": "Ona", "last_name": "New", "email": address}));
    let document = scene.sync();
    for target in document["targets"].as_array().unwrap() {
        assert_eq!((&target["summary"]["create"], &target["summary"]["update"]), (&json!(1), &json!(1)), "{target:#}");
    }
    assert!(line(&scene, hired).contains(&address));
    assert!(line(&scene, 1002).contains("moved.on@example.com"));
    assert_eq!(scene.requester(hired)["primary_email"], json!(address));
    scene.assert_settled("after an address was handed on");
}

#[test]
fn a_rehire_with_one_key_waits_for_a_link() {
    let scene = Scene::new(12, &by_email(DESK));
    scene.sync();
    let address = scene.email(1004);
    leave(&scene, 1004);
    scene.sync();
    let before = scene.requesters().len();
    let today = scene.sandbox.info().today.to_string();
    let values = json!({"first_name": "Back", "last_name": "Again", "email": address, "hire_date": today});
    let again = scene.hire(values);
    let document = sync(&scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "handover");
    assert!(
        detail.contains("belongs to employee 1004") && detail.contains("primary_email is the only key"),
        "{detail}"
    );
    let held = change_of(&document, again);
    assert_eq!(
        (&held["op"], &held["from"], &held["evidence"]["keys"]),
        (&json!("handover"), &json!("1004"), &json!(["primary_email"]))
    );
    assert_eq!(scene.requesters().len(), before);
    assert_eq!(scene.requester(1004)["active"], false);

    // The way out that the advice names.
    let jobs = scene.run(&["jobs", "--employee", &again.to_string(), "--format", "json"], 0).json();
    assert!(jobs["jobs"][0]["advice"].as_str().unwrap().contains("personio-sync link"), "{jobs:#}");
    let account = held["account"].as_str().unwrap();
    let said = answer(&scene, &["link", &again.to_string(), "desk", account, "--yes"]);
    assert_eq!((&said["from"], &said["before"], &said["account"]), (&json!("1004"), &Value::Null, &json!(account)));
    let document = scene.sync();
    assert_eq!(change_of(&document, again)["op"], "reactivate");
    assert_eq!(scene.requester(again)["active"], true);
    assert_eq!(scene.requesters().len(), before);
    scene.assert_settled("after the link");
}

#[test]
fn a_lost_state_is_rebuilt_by_match_and_removes_nobody_meanwhile() {
    let sections = format!("{DESK}[targets.desk.leavers]\nmissing = \"deactivate\"\nout_of_scope = \"deactivate\"\n");
    let scene = Scene::new(12, &sections);
    scene.sync();
    leave(&scene, 1004);
    assert!(scene.sandbox.system(|personio: &mut Personio| personio.delete(1005)));
    scene.change(1006, json!({"position": "Changed"}));
    let before: Vec<Value> = scene.requesters().iter().map(|requester| requester["id"].clone()).collect();
    std::fs::remove_file(scene.path(STATE)).unwrap();

    let document = sync(&scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "first_run");
    assert!(detail.contains("the first run against a target that already has accounts removes nobody"), "{detail}");
    assert_eq!(summary(&document, "create"), 0, "everybody is found again: {document:#}");
    assert_eq!(change_of(&document, 1006)["outcome"]["status"], "succeeded");
    assert_eq!(change_of(&document, 1004)["outcome"]["status"], "held");
    assert_eq!(scene.requester(1004)["active"], true);
    assert_eq!(scene.requester(1005)["active"], true);
    let after: Vec<Value> = scene.requesters().iter().map(|requester| requester["id"].clone()).collect();
    assert_eq!(before, after);

    // From then on the links are there: a new address is the same account, and the next run may remove.
    scene.change(1002, json!({"email": "quite.new@example.com"}));
    let document = sync(&scene, &[], 0);
    assert_eq!((summary(&document, "create"), summary(&document, "deactivate")), (&json!(0), &json!(1)));
    assert_eq!(scene.requester(1004)["active"], false);
    // Who was not delivered when the state was rebuilt was never ours as far as anybody can tell.
    assert_eq!(scene.requester(1005)["active"], true);
    scene.assert_settled("after the state was rebuilt");
}

#[test]
fn links_of_another_account_are_of_no_use() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    // The same name, another service: nobody there is ours, and nobody is removed on the strength of old links.
    scene.configure(&DESK.replace("freshservice/desk", "freshservice/elsewhere"));
    leave(&scene, 1004);
    let document = plan(&scene, &[], 0);
    assert_eq!(summary(&document, "deactivate"), 0);
    assert!(summary(&document, "create").as_u64().unwrap() > 8, "{document:#}");
    sync(&scene, &[], 0);
    scene.assert_settled("in another account");
}

/// What was not written after all leaves no trace: least of all links to rows that are somebody else's.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_replaced_changes_no_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new(12, &by_email(LIST));
    scene.sync();
    let path = scene.path("list.csv");
    let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    // Somebody keeps notes beside what is mapped; they stay with whom they are about.
    let noted = scene.read("list.csv").lines().fold(String::new(), |text, line| {
        let number = line.split(',').next().unwrap();
        text + line + ",Note of " + number + "\n"
    });
    scene.write("list.csv", &noted);
    let (first, second) = (scene.email(1002), scene.email(1003));
    scene.change(1002, json!({"email": second}));
    scene.change(1003, json!({"email": first}));
    let before = scene.read("list.csv");
    mode(0o400);
    let ran = scene.try_run(&["sync", "--yes"]);
    assert!(ran.code != 0 && ran.stderr.contains("2 changes failed"), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(scene.read("list.csv"), before);
    let jobs = scene.run(&["jobs", "--failed", "--format", "json"], 0).json();
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 2, "{jobs:#}");
    mode(0o600);
    // One of the two leaves before it can be written: the row that goes is theirs.
    leave(&scene, 1002);
    scene.change(1003, json!({"email": "other@example.com"}));
    scene.sync();
    let list = scene.read("list.csv");
    assert!(!list.contains("Note of 1002") && line(&scene, 1003).ends_with("Note of 1003"), "{list}");
    scene.assert_settled("after a file that could not be replaced");
}
