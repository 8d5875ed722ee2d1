//! A reviewed plan binds: what is applied is what was seen, or nothing.

use personio_sync::http::Method;
use serde_json::{Value, json};

use super::super::scene::{DESK, LIST, Scene, summary};
use super::{answer, by_hand, leave, outcomes};

const APPLY: [&str; 6] = ["sync", "--yes", "--format", "json", "--plan", "plan.json"];

fn reviewed(targets: &str) -> Scene {
    let scene = Scene::new(12, targets);
    scene.sync();
    scene.change(1002, json!({"position": "Reviewed"}));
    scene.change(1003, json!({"position": "Reviewed"}));
    leave(&scene, 1004);
    scene.run(&["plan", "--out", "plan.json"], 0);
    scene.sandbox.clear_requests();
    scene
}

#[test]
fn a_plan_is_stale_when_an_employee_or_an_account_changed() {
    type Change = fn(&Scene);
    let table: [(&str, Change, &str, usize); 4] = [
        ("the employee", |scene| scene.change(1002, json!({"position": "Later"})), "update employee 1002", 2),
        (
            "the account",
            |scene| by_hand(scene, 1003, Method::Put, &json!({"job_title": "By hand"})),
            "update employee 1003",
            2,
        ),
        (
            "the account is out of use",
            |scene| by_hand(scene, 1004, Method::Delete, &Value::Null),
            "deactivate employee 1004",
            2,
        ),
        (
            "the leaver stays",
            |scene| scene.change(1004, json!({"status": "active", "termination_date": null, "last_working_day": null})),
            "deactivate employee 1004",
            2,
        ),
    ];
    for (what, change, stale, rest) in table {
        let scene = reviewed(DESK);
        change(&scene);
        let ran = scene.run(&APPLY, 8);
        ran.says(&format!("1 of 3 reviewed changes no longer hold (desk: {stale})"));
        assert_eq!(ran.json()["problems"][0]["code"], "not_approved", "{what}");
        assert_eq!(scene.writes(), [""; 0], "{what}: nothing was changed");
        let arguments: Vec<&str> = APPLY.iter().chain(&["--skip-stale"]).copied().collect();
        let document = scene.run(&arguments, 0).json();
        assert_eq!(outcomes(&document), [("succeeded", rest)].into(), "{what}: {document:#}");
    }
}

#[test]
fn nothing_is_applied_that_was_not_reviewed() {
    let scene = reviewed(DESK);
    scene.change(1005, json!({"position": "Not reviewed"}));
    let document = scene.run(&APPLY, 0).json();
    assert_eq!(outcomes(&document), [("succeeded", 3)].into());
    assert_ne!(scene.requester(1005)["job_title"], "Not reviewed");
    // Applied is applied: the same plan does not hold a second time.
    scene.run(&APPLY, 8).says("3 of 3 reviewed changes no longer hold");
}

/// Three people leave and two may; the plan says so, and was reviewed.
fn reviewed_with_three_held() -> Scene {
    let scene = Scene::new(12, &format!("{DESK}[targets.desk.safety]\nmax_deactivate = 2\n"));
    scene.sync();
    [1002, 1003, 1004].iter().for_each(|employee| leave(&scene, *employee));
    scene.run(&["plan", "--out", "plan.json"], 4);
    scene.sandbox.clear_requests();
    scene
}

#[test]
fn what_a_reviewed_plan_holds_stays_held_and_is_told() {
    let scene = reviewed_with_three_held();
    let document = scene.run(&APPLY, 4).json();
    assert_eq!(outcomes(&document), [("held", 3)].into(), "{document:#}");
    assert_eq!(answer(&scene, &["held"])["held"].as_array().unwrap().len(), 3);
    assert_eq!(answer(&scene, &["status"])["targets"][0]["held"], 3);
    // A number releases nobody whom the reviewed plan holds.
    let document = scene.run(&[&APPLY[..], &["--accept-removals", "3"]].concat(), 4).json();
    assert_eq!(outcomes(&document), [("held", 3)].into(), "{document:#}");
    // People of whom the plan says nothing are none of its business.
    scene.run(&["plan", "--employee", "1005", "--out", "plan.json"], 0);
    assert_eq!(outcomes(&scene.run(&APPLY, 0).json()), [].into());
    assert_eq!(scene.writes(), [""; 0]);
}

#[test]
fn an_approval_is_told_only_where_it_is_used() {
    let scene = reviewed_with_three_held();
    answer(&scene, &["approve", "--all-shown"]);
    let document = scene.run(&APPLY, 0).json();
    assert_eq!(scene.writes(), [""; 0]);
    let notices = document["targets"][0]["notices"].as_array().unwrap();
    let with = |code: &str| notices.iter().filter(|notice| notice["code"] == code).count();
    assert_eq!((with("approved"), with("approved_not_reviewed")), (0, 1), "{notices:#?}");
    assert!(notices.iter().any(|notice| notice["message"].as_str().unwrap().starts_with("3 changes are approved and")));
    scene.run(&["plan", "--out", "plan.json"], 0);
    let document = scene.run(&APPLY, 0).json();
    assert_eq!(outcomes(&document), [("succeeded", 3)].into());
    assert!(document.to_string().contains("\"approved\""));
}

#[test]
fn a_plan_says_what_has_to_be_accepted_again_where_it_is_applied() {
    let scene = reviewed_with_three_held();
    let flags = ["--accept-removals", "3", "--accept-filter-change", "--accept-source"];
    let planned = [&["plan", "--out", "plan.json"][..], &flags].concat();
    scene.run(&planned, 0).says(&format!("`personio-sync sync --plan plan.json {}`", flags.join(" ")));
    assert_eq!(outcomes(&scene.run(&APPLY, 4).json()), [("held", 3)].into());
    let document = scene.run(&[&APPLY[..], &flags].concat(), 0).json();
    assert_eq!(summary(&document, "deactivate"), 3);
}

#[test]
fn a_plan_of_another_day_file_or_place_is_refused() {
    let scene = reviewed(&format!("{DESK}{LIST}"));
    let (plan, file) = (scene.read("plan.json"), scene.read("personio-sync.toml"));
    let day = |text: &str| text.replacen(&scene.sandbox.info().today.to_string(), "2020-02-02", 1);
    scene.write("plan.json", &day(&plan));
    scene.run(&APPLY, 8).says("the plan was made for 2020-02-02, and today is");
    // Any word of it: what was seen is what is done.
    for (from, to) in [("\"Reviewed\"", "\"Sneaked in\""), ("\"1002\"", "\"1005\""), ("deactivate", "update")] {
        let edited = plan.replacen(from, to, 1);
        assert_ne!(edited, plan, "{from}");
        scene.write("plan.json", &edited);
        scene.run(&APPLY, 8).says("the plan was edited after it was made");
    }
    scene.write("plan.json", &plan);
    scene.write("personio-sync.toml", &file.replace("freshservice/desk", "freshservice/elsewhere"));
    scene.run(&APPLY, 8).says("made from another configuration file, or the file changed since");
    scene.write("personio-sync.toml", &file);
    assert_eq!(scene.writes(), [""; 0]);
    scene.run(&APPLY, 0);
    scene.assert_settled("after a reviewed plan");
}

#[test]
fn a_file_that_changed_is_stale_too() {
    let scene = reviewed(LIST);
    let list = scene.read("list.csv");
    let line = list.lines().find(|line| line.starts_with("1004,")).unwrap();
    scene.write("list.csv", &list.replace(&format!("{line}\n"), ""));
    scene.run(&APPLY, 8).says("no longer hold (list: deactivate employee 1004)");
}

#[cfg(unix)]
#[test]
fn a_plan_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = reviewed(DESK);
    let mode = std::fs::metadata(scene.path("plan.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
