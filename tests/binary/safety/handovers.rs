//! The account follows the person: new profiles of people who were there before, and what a person says about it.

use personio_sync::personio::simulated::Personio;
use personio_sync::sandbox::When;
use personio_sync::targets::entra::simulated::Entra;
use personio_sync::targets::freshservice::simulated::Freshservice;
use personio_sync::targets::slack::simulated::Slack;
use serde_json::{Value, json};

use super::super::scene::{DESK, ENTRA, LIST, Ran, SLACK, Scene};
use super::{answer, await_write, change_of, changes, hold, leave, plan, sync};

/// Staff numbers are read, so that a rehire has two keys.
pub(crate) fn numbered(section: &str) -> String {
    let section = section.replacen("type =", "exclude = [\"staff_number == 'nobody'\"]\ntype =", 1);
    format!("{section}\n[personio.aliases]\nstaff_number = \"dynamic_4711\"\n")
}

/// Somebody's old profile ends, and a new one has the address and this staff number.
pub(crate) fn rehire(scene: &Scene, employee: u64, staff_number: &str) -> u64 {
    let email = scene.email(employee);
    leave(scene, employee);
    scene.change(employee, json!({"email": format!("{email}_4f2ac")}));
    let today = scene.sandbox.info().today.to_string();
    scene.hire(json!({"first_name": "Back", "last_name": "Again", "email": email, "dynamic_4711": staff_number,
        "hire_date": today, "status": "active"}))
}

const STATE: &str = "personio-sync.sqlite";

#[test]
fn a_handover_that_is_cut_short_doubles_nobody() {
    let scene = Scene::new(12, &numbered(DESK));
    scene.sync();
    leave(&scene, 1004);
    scene.sync();
    // One who is out of use already, and one who left and came back in between two runs.
    let people = [(1004, rehire(&scene, 1004, "A-1004")), (1005, rehire(&scene, 1005, "A-1005"))];
    let accounts: Vec<Value> = people.iter().map(|(old, _)| scene.requester(*old)["id"].clone()).collect();
    let desk = scene.sandbox.system(|service: &mut Freshservice| service.clone());
    let state = std::fs::read(scene.path(STATE)).unwrap();
    let again = || {
        scene.sandbox.system(|service: &mut Freshservice| *service = desk.clone());
        scene.faults("");
        scene.sandbox.clear_requests();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(scene.path(&format!("{STATE}{suffix}")));
        }
        std::fs::write(scene.path(STATE), &state).unwrap();
    };
    let settles = |when: &str| {
        let ran = scene.try_run(&["sync", "--yes"]);
        assert_eq!(ran.code, 0, "{when}\n{}{}", ran.stdout, ran.stderr);
        scene.assert_settled(when);
        let all = scene.requesters();
        assert_eq!(all.len(), desk_size(&desk), "{when}: nobody twice");
        for ((_, new), account) in people.iter().zip(&accounts) {
            let requester = scene.requester(*new);
            assert_eq!((&requester["id"], &requester["active"]), (account, &json!(true)), "{when}: {new}");
        }
    };
    scene.sandbox.clear_requests();
    let document = scene.sync();
    assert_eq!(document["targets"][0]["summary"]["handover"], 2, "{document:#}");
    let writes = scene.writes().len() as u64;
    assert!(writes >= 3, "{:?}", scene.writes());
    settles("undisturbed");
    for number in 1..=writes {
        for when in [When::Before, When::After] {
            again();
            let pause = scene.sandbox.pause_at("freshservice", number, when);
            let mut child = scene.start(&["sync", "--yes"]);
            await_write(&pause);
            child.kill().unwrap();
            child.wait().unwrap();
            pause.abandon();
            settles(&format!("killed at write {number} of {writes}, {when:?}"));
        }
        again();
        scene.faults(&format!("freshservice:lost-answer#{number}"));
        let ran = scene.try_run(&["sync", "--yes"]);
        assert!([0, 3].contains(&ran.code), "answer {number} lost: {}{}", ran.stdout, ran.stderr);
        scene.faults("");
        settles(&format!("answer {number} of {writes} lost"));
    }
}

fn desk_size(desk: &personio_sync::targets::freshservice::simulated::Freshservice) -> usize {
    let mut desk = desk.clone();
    let key =
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("{}:X", personio_sync::simulation::SECRET));
    let request = personio_sync::simulation::SandboxRequest::get("/desk/api/v2/requesters?per_page=100")
        .header("authorization", &format!("Basic {key}"));
    personio_sync::simulation::System::handle(&mut desk, &request).value()["requesters"].as_array().unwrap().len()
}

#[test]
fn who_is_deleted_in_personio_does_not_lose_the_account_to_a_new_hire() {
    let by_email = DESK.replace("\"external_id\", \"primary_email\"", "\"primary_email\"");
    let scene = Scene::new(12, &by_email);
    scene.sync();
    let before = scene.requester(1004);
    let email = scene.email(1004);
    assert!(scene.sandbox.system(|personio: &mut Personio| personio.delete(1004)));
    let hired = scene.hire(json!({"first_name": "Somebody", "last_name": "Else", "email": email}));
    let document = sync(&scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "handover");
    assert!(detail.contains("approve it, or `personio-sync link "), "{detail}");
    assert_eq!(change_of(&document, hired)["from"], "1004");
    assert_eq!(
        change_of(&document, hired)["evidence"],
        json!({
            "keys": ["primary_email"], "last_day": null, "hire_date": change_of(&document, hired)["evidence"]["hire_date"]
        })
    );
    assert!(document.to_string().contains("employee_missing"), "{document:#}");
    assert_eq!(scene.requester(1004), before);
}

#[test]
fn what_a_person_says_about_accounts_is_kept_and_shown() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    let account = |employee| scene.requester(employee)["id"].to_string();
    let (own, other) = (account(1002), account(1003));
    // Somebody else's, one that is not there, nobody to ask, and a person who is not there.
    scene.run(&["link", "1002", "desk", &other, "--yes"], 8).says("belongs to employee 1003");
    scene.run(&["link", "1002", "desk", "987654321", "--yes"], 2).says("has no account 987654321");
    scene.run(&["link", "4711", "desk", &own, "--yes"], 2).says("Personio delivers no employee 4711");
    scene.run(&["link", "1002", "dsk", &own, "--yes"], 2).says("there is no target `dsk`");
    scene.run(&["link", "1002", "desk", &own], 8).says("--yes is needed");
    scene.run(&["explain", "1002"], 0).shows("created on");

    scene.run(&["link", "1002", "desk", &own, "--yes"], 0).shows("nothing to do");
    scene.run(&["explain", "1002"], 0).shows("by hand on");
    scene.assert_settled("after a link to the account that was theirs");

    let said = answer(&scene, &["unlink", "1002", "desk", "--yes"]);
    assert_eq!((&said["before"], &said["account"]), (&json!(own), &Value::Null));
    scene.run(&["unlink", "1002", "desk", "--yes"], 2).says("is linked to no account in desk");
    // It is found by its keys again.
    assert_eq!(changes(&plan(&scene, &[], 0)).len(), 0);
}

#[test]
fn people_who_are_gone_and_people_who_wait_are_explained() {
    let scene = Scene::new(12, &format!("{DESK}[targets.desk.leavers]\ngrace_days = 30\n"));
    scene.sync();
    let account = scene.requester(1004)["id"].to_string();
    assert!(scene.sandbox.system(|personio: &mut Personio| personio.delete(1004)));
    let shown = scene.run(&["explain", "1004"], 0);
    shown.shows(&format!("account {account}, created on")).shows("last write").shows("employee_missing");
    let json = answer(&scene, &["explain", "1004"]);
    assert_eq!(
        (&json["lifecycle"], &json["targets"][0]["link"]["account"]),
        (&json!("not_delivered"), &json!(account))
    );
    assert!(json["targets"][0]["link"]["last_seen"].is_string(), "{json:#}");
    scene.run(&["explain", "4711"], 2).says("Personio delivers no employee 4711");

    leave(&scene, 1005);
    let until = super::yesterday(&scene) + chrono::TimeDelta::days(30);
    scene.run(&["explain", "1005"], 0).shows(&format!("waits until {until}"));
}

#[test]
fn a_held_handover_is_let_through_by_name() {
    let scene = Scene::new(12, &numbered(DESK));
    scene.sync();
    let account = scene.requester(1004)["id"].clone();
    let new = rehire(&scene, 1004, "A-other");
    let document = sync(&scene, &[], 4);
    assert_eq!(hold(&document).0, "handover");
    scene.run(&["approve", &format!("desk/{new}"), "--reason", "seen with HR"], 0);
    let document = scene.sync();
    assert_eq!(change_of(&document, new)["op"], "handover");
    assert_eq!((&scene.requester(new)["id"], &scene.requester(new)["active"]), (&account, &json!(true)));
    scene.assert_settled("after the approval");
}

#[test]
fn a_refusal_inside_a_success_gives_the_account_back_as_well() {
    // Without what a workspace would have to be given first.
    let slack = SLACK.split("\"fields.Department\"").next().unwrap();
    for (section, code) in [(slack, "cannot_update_admin_user"), (ENTRA, "")] {
        let scene = Scene::new(12, &numbered(section));
        scene.sync();
        let new = rehire(&scene, 1004, "A-1004");
        // Another change, so that there are batches.
        scene.change(1005, json!({"position": "Zitronenfalter"}));
        let handover = |document: &Value| {
            let change = change_of(document, new);
            (change["op"].clone(), change["from"].clone(), change["evidence"].clone())
        };
        let first = handover(&plan(&scene, &[], 0));
        assert_eq!((&first.0, &first.1), (&json!("handover"), &json!("1004")));
        let refuse = |all: bool| {
            scene.sandbox.system(|slack: &mut Slack| {
                let once = (0..2).map(|_| ("users.profile.set".to_owned(), code.to_owned()));
                slack.options.refuse_once = if all { once.collect() } else { Vec::new() };
            });
            scene.sandbox.system(|entra: &mut Entra| entra.options.refused_changes = if all { u32::MAX } else { 0 });
        };
        refuse(true);
        let document = sync(&scene, &[], 3);
        assert_eq!(change_of(&document, new)["outcome"]["status"], "failed", "{document:#}");
        refuse(false);
        assert_eq!(handover(&scene.sync()), first);
        scene.assert_settled("when it is taken");
    }
}

/// A list with one row for each staff number.
fn list_by_number(leavers: &str) -> String {
    let list = LIST.replace("match = [\"Employee\"]", &format!("match = [\"No\"]\n{leavers}"));
    let list = list.replace("Employee = \"employee_id\"", "No = \"staff_number\"");
    format!("{list}\n[personio.aliases]\nstaff_number = \"dynamic_4711\"\n")
}

fn rows_of(scene: &Scene, number: &str) -> Vec<String> {
    let list = scene.read("list.csv");
    list.lines().filter(|line| line.starts_with(&format!("{number},"))).map(str::to_owned).collect()
}

#[test]
fn a_list_that_keeps_leavers_has_one_row_for_each_number() {
    let kept = "inactive = { column = \"State\", value = \"left\" }\nleavers = { left = \"include\" }";
    let scene = Scene::new(12, &list_by_number(kept));
    scene.sync();
    let email = scene.email(1004);
    leave(&scene, 1004);
    scene.sync();
    let today = scene.sandbox.info().today.to_string();
    let new = scene.hire(json!({"first_name": "Back", "last_name": "Again", "email": email,
        "dynamic_4711": "A-1004", "hire_date": today, "status": "active"}));
    let document = scene.sync();
    assert_eq!(change_of(&document, new)["op"], "handover", "{document:#}");
    let rows = rows_of(&scene, "A-1004");
    assert!(matches!(&rows[..], [row] if row.contains("Back Again")), "{rows:?}");
    scene.assert_settled("after the handover");

    // Two profiles at the first run.
    let scene = Scene::new(12, &list_by_number(kept));
    let new = rehire(&scene, 1004, "A-1004");
    let document = scene.sync();
    assert_eq!(change_of(&document, new)["op"], "create", "{document:#}");
    assert_eq!(document["targets"][0]["skipped"][0]["reason"], "account_taken", "{document:#}");
    assert_eq!(rows_of(&scene, "A-1004").len(), 1);
    scene.assert_settled("after a first run with both");
}

#[test]
fn a_row_that_went_and_came_again_is_that_of_the_new_profile() {
    for handover in ["auto", "hold", "never"] {
        let scene = Scene::new(12, &list_by_number(&format!("handover = \"{handover}\"")));
        scene.sync();
        leave(&scene, 1004);
        scene.sync();
        assert_eq!(rows_of(&scene, "A-1004").len(), 0);
        scene.run(&["unlink", "1004", "list", "--yes"], 2).says("is linked to no account");
        let new = rehire(&scene, 1004, "A-1004");
        let document = scene.sync();
        assert_eq!(change_of(&document, new)["op"], "create", "{document:#}");
        scene.assert_settled(handover);
        scene.run(&["explain", "1004"], 0);
        assert_eq!(rows_of(&scene, "A-1004").len(), 1);
    }
}

#[test]
fn a_handover_that_was_refused_is_planned_again() {
    let scene = Scene::new(12, &numbered(DESK));
    scene.sync();
    let account = scene.requester(1004)["id"].clone();
    let new = rehire(&scene, 1004, "A-1004");
    let planned = |document: &Value| {
        let change = change_of(document, new);
        (change["op"].clone(), change["from"].clone(), change["evidence"].clone())
    };
    let first = planned(&plan(&scene, &[], 0));
    assert_eq!((&first.0, &first.1), (&json!("handover"), &json!("1004")));
    let refused_at = |number| {
        let pause = scene.sandbox.pause_at("freshservice", number, When::Before);
        let arguments = ["sync", "--yes", "--format", "json"];
        let child = scene.start(&arguments);
        await_write(&pause);
        scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = true);
        pause.release();
        let document = Ran::of(child, &arguments).json();
        scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = false);
        change_of(&document, new)["outcome"]["status"].clone()
    };
    // A name that accounts refer to may be made first.
    let failed = (1..=2).map(refused_at).any(|status| status == "failed");
    assert!(failed, "the handover itself was refused");
    scene.run(&["explain", "1004"], 0).shows(&format!("account {account}, created on"));
    assert_eq!(planned(&scene.sync()), first);
    assert_eq!(scene.requester(new)["id"], account);
    scene.assert_settled("when it is taken");
}
