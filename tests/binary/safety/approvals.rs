//! What is held, and what people release of it by name.

use personio_sync::targets::freshservice::simulated::Freshservice;
use serde_json::{Value, json};

use super::super::scene::{DESK, Scene, summary};
use super::{answer, change_of, changes, come_back, hold, leave, outcomes, plan, sync};

/// Three people leave, and two may.
fn three_leave() -> Scene {
    let scene = Scene::new(12, &format!("{DESK}[targets.desk.safety]\nmax_deactivate = 2\n"));
    scene.sync();
    [1002, 1003, 1004].iter().for_each(|employee| leave(&scene, *employee));
    scene
}

fn is_active(scene: &Scene, employee: u64) -> bool {
    scene.requester(employee)["active"] == true
}

fn held(scene: &Scene) -> Vec<Value> {
    answer(scene, &["held"])["held"].as_array().unwrap().clone()
}

fn noticed(document: &Value, code: &str) -> Vec<String> {
    let notices = document["targets"][0]["notices"].as_array().unwrap();
    let with = notices.iter().filter(|notice| notice["code"] == code);
    with.map(|notice| notice["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_shown_is_released_by_name_and_once() {
    let scene = three_leave();
    scene.run(&["approve", "--all-shown"], 8).says("nothing was last shown as held");
    sync(&scene, &[], 4);
    let shown = held(&scene);
    assert_eq!(shown.len(), 3);
    assert_eq!(shown[0]["hold"]["code"], "max_deactivate");
    assert_eq!((&shown[0]["reason"], &shown[0]["approval"]), (&json!("left"), &Value::Null));
    scene.run(&["held"], 0).shows("desk").shows("1004").shows("the limit is 2 of");

    let approved = answer(&scene, &["approve", "--all-shown", "--reason", "seen with HR"]);
    assert_eq!(approved["approvals"].as_array().unwrap().len(), 3);
    assert_eq!(held(&scene)[0]["approval"]["reason"], "seen with HR");
    let preview = plan(&scene, &[], 0);
    assert_eq!((summary(&preview, "deactivate"), summary(&preview, "held")), (&json!(3), &json!(0)));
    assert_eq!(noticed(&preview, "approved").len(), 3);
    assert_eq!(held(&scene).len(), 3, "looking uses nothing");

    let document = sync(&scene, &[], 0);
    assert_eq!(summary(&document, "deactivate"), 3);
    assert!(held(&scene).is_empty());
    let runs = answer(&scene, &["runs"]);
    let approvals = runs["runs"][0]["approvals"].as_array().unwrap();
    assert_eq!(approvals.len(), 3);
    assert_eq!((&approvals[0]["employee"], &approvals[0]["hold"]), (&json!("1002"), &json!("max_deactivate")));
    assert_eq!(approvals[0]["approval"]["reason"], "seen with HR");
    let by = &approvals[0]["approval"]["by"];
    assert!(by["user"].as_str().is_some_and(|user| !user.is_empty()) && by["host"].is_string(), "{by}");
    assert_eq!(&runs["runs"][0]["by"], by);
    scene.run(&["runs"], 0).shows("approved by").shows("seen with HR");
    scene.run(&["report"], 0).shows("approved by").shows("seen with HR");
    let jobs = answer(&scene, &["jobs", "--employee", "1002"]);
    let job = jobs["jobs"][0]["job"].as_str().unwrap().to_owned();
    scene.run(&["jobs", "show", &job], 0).shows("approved by").shows("seen with HR");
    scene.assert_settled("after what was approved");

    // An approval is used once: the same people, coming back and leaving again, are held again.
    [1002, 1003, 1004].iter().for_each(|employee| come_back(&scene, *employee));
    sync(&scene, &[], 0);
    [1002, 1003, 1004].iter().for_each(|employee| leave(&scene, *employee));
    assert_eq!(outcomes(&sync(&scene, &[], 4)), [("held", 3)].into());
}

#[test]
fn who_was_not_approved_stays_held_in_later_runs() {
    let scene = three_leave();
    sync(&scene, &[], 4);
    scene.run(&["approve", "desk/1002", "desk/1003"], 0);
    assert_eq!(outcomes(&sync(&scene, &[], 4)), [("held", 1), ("succeeded", 2)].into());
    // One alone would be within the limit.
    let document = sync(&scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "max_deactivate");
    assert!(detail.contains("approve it as well"), "{detail}");
    assert!(is_active(&scene, 1004));
    scene.run(&["approve", "desk/1004"], 0);
    assert_eq!(outcomes(&sync(&scene, &[], 0)), [("succeeded", 1)].into());
}

#[test]
fn targets_that_the_file_does_not_have_are_refused() {
    let scene = three_leave();
    sync(&scene, &[], 4);
    let refused = |target: &str| {
        let id = format!("{target}/1002");
        let commands: [&[&str]; 4] = [
            &["held", "--target", target],
            &["held", "show", &id],
            &["approve", "--all-shown", "--target", target],
            &["approve", &id],
        ];
        commands.iter().for_each(|command| {
            scene.run(command, 2).says(&format!("there is no target `{target}`; "));
        });
    };
    refused("dsek");
    // Under a name of before, it is nothing that a run would carry out.
    let number = held(&scene)[0]["id"].to_string();
    let file = scene.read("personio-sync.toml");
    scene.write("personio-sync.toml", &file.replace("[targets.desk", "[targets.help"));
    refused("desk");
    assert!(held(&scene).is_empty());
    scene.run(&["approve", "--all-shown"], 8);
    scene.run(&["approve", &number], 2);
}

#[test]
fn one_of_three_is_released_and_the_other_two_stay() {
    let scene = three_leave();
    plan(&scene, &[], 4);
    scene.run(&["approve", "desk/1003"], 0).shows("desk, employee 1003: deactivate (left), approved by");
    let document = sync(&scene, &[], 4);
    assert_eq!(outcomes(&document), [("held", 2), ("succeeded", 1)].into());
    assert_eq!(change_of(&document, 1003)["outcome"]["status"], "succeeded");
    assert!(is_active(&scene, 1002) && !is_active(&scene, 1003) && is_active(&scene, 1004));
    let left: Vec<Value> = held(&scene).iter().map(|held| held["employee"].clone()).collect();
    assert_eq!(left, [json!("1002"), json!("1004")]);
}

#[test]
fn a_number_stays_that_of_its_change() {
    let scene = three_leave();
    plan(&scene, &[], 4);
    let number = |employee: &str| {
        let found = held(&scene).into_iter().find(|held| held["employee"] == employee);
        found.map(|held| held["id"].to_string())
    };
    let (second, third) = (number("1003").unwrap(), number("1004").unwrap());
    scene.change(1009, json!({"position": "Changed"}));
    sync(&scene, &[], 4);
    leave(&scene, 1001);
    plan(&scene, &[], 4);
    assert_eq!(number("1003"), Some(second.clone()));
    scene.run(&["held", "show", &second], 0).shows("employee 1003").shows(&format!("personio-sync approve {second}"));
    scene.run(&["approve", &second, &third], 0);
    sync(&scene, &[], 4);
    assert!(is_active(&scene, 1002) && !is_active(&scene, 1003) && !is_active(&scene, 1004) && is_active(&scene, 1001));
    scene.run(&["held", "show", &second], 2).says("nothing that was last shown as held is called");
    scene.run(&["approve", "desk/1003"], 2).says("nothing that was last shown as held is called");
    scene.run(&["approve", "somebody"], 2).says("write TARGET/WHO");
}

#[test]
fn a_change_that_is_another_one_by_now_stays_held() {
    let scene = Scene::new(12, &format!("{DESK}[targets.desk.safety]\nmax_update = 1\n"));
    scene.sync();
    [1002, 1003].iter().for_each(|employee| scene.change(*employee, json!({"position": "Lead"})));
    sync(&scene, &[], 4);
    scene.run(&["approve", "--all-shown"], 0);
    scene.change(1003, json!({"position": "Director"}));
    let document = sync(&scene, &[], 4);
    assert_eq!(change_of(&document, 1002)["outcome"]["status"], "succeeded");
    assert_eq!(change_of(&document, 1003)["outcome"]["status"], "held");
    assert_eq!(noticed(&document, "approval_outdated").len(), 1, "{document:#}");
    assert_eq!(scene.requester(1002)["job_title"], "Lead");
    assert_ne!(scene.requester(1003)["job_title"], "Director");
}

#[test]
fn what_is_released_of_an_update_goes_out_with_the_rest_of_it() {
    let scene = Scene::new(12, &format!("{DESK}[targets.desk.safety]\nmax_field_share = \"10%\"\n"));
    scene.sync();
    for employee in [1002, 1003, 1004] {
        scene.change(employee, json!({"position": format!("Changed {employee}"), "last_name": "Neumann"}));
    }
    scene.change(1009, json!({"position": "Changed"}));
    plan(&scene, &[], 4);
    scene.run(&["approve", "--all-shown"], 0);
    let before = scene.writes().len();
    sync(&scene, &[], 0);
    assert_eq!(scene.writes().len() - before, 4, "one write for each account");
    assert_eq!(scene.requester(1002)["job_title"], "Changed 1002");
    assert_eq!(scene.requester(1002)["last_name"], "Neumann");
    scene.assert_settled("after what was approved");
}

#[test]
fn a_target_that_refuses_uses_no_approval() {
    let scene = three_leave();
    sync(&scene, &[], 4);
    scene.run(&["approve", "--all-shown"], 0);
    scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = true);
    sync(&scene, &[], 7);
    scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = false);
    assert_eq!(summary(&sync(&scene, &[], 0), "deactivate"), 3);
}

#[test]
fn an_approval_answers_no_doubt_about_the_read() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    leave(&scene, 1004);
    scene.run(&["disconnect", "desk"], 0);
    assert_eq!(hold(&plan(&scene, &[], 4)).0, "first_run");
    assert!(held(&scene)[0]["answer"].as_str().unwrap().contains("run again"));
    scene.run(&["approve", "desk/1004"], 8).says("an approval does not release this (first_run)");
    scene.run(&["approve", "--all-shown"], 8).says("an approval does not release this (first_run)");
}

#[test]
fn a_number_is_refused_where_nobody_was_shown_and_holds_where_they_changed() {
    let scene = three_leave();
    scene
        .run(&["sync", "--yes", "--accept-removals", "3"], 8)
        .says("employees 1002, 1003, 1004")
        .says("personio-sync plan desk");
    assert!(is_active(&scene, 1002));
    sync(&scene, &[], 4);
    come_back(&scene, 1003);
    leave(&scene, 1006);
    let document = sync(&scene, &["--accept-removals", "3"], 4);
    let told = noticed(&document, "removals_changed");
    assert!(told[0].contains("employee 1006 came in, employee 1003 dropped out"), "{told:?}");
    assert_eq!(outcomes(&document), [("held", 3)].into());
    assert!(is_active(&scene, 1002) && is_active(&scene, 1006));
    // These were shown by now.
    assert_eq!(changes(&sync(&scene, &["--accept-removals", "3"], 0)).len(), 3);
}

#[test]
fn a_plan_of_a_first_run_can_be_approved() {
    let scene = Scene::new(12, &format!("{DESK}[targets.desk.safety]\nmax_create = 1\n"));
    let document = plan(&scene, &[], 4);
    assert_eq!(hold(&document).0, "max_create");
    let creates = summary(&document, "held");
    assert_eq!(creates, held(&scene).len());
    scene.run(&["approve", "--all-shown", "--target", "desk", "--expires", "2h"], 0);
    assert_eq!(summary(&sync(&scene, &[], 0), "create"), creates);
}
