//! What the source says is held against what it said before.

use super::*;
use crate::scene::{DESK, LIST, summary};
use personio_sync::personio::simulated::Personio;

fn missing_are_deactivated() -> String {
    format!("{DESK}[targets.desk.leavers]\nmissing = \"deactivate\"\n")
}

fn notice<'d>(document: &'d Value, code: &str) -> Option<&'d Value> {
    document["targets"][0]["notices"].as_array().unwrap().iter().find(|notice| notice["code"] == code)
}

/// How often Personio was asked for somebody by id.
fn asked_for(scene: &Scene, employee: u64) -> usize {
    let path = format!("GET /v1/company/employees/{employee}?");
    scene.requests("personio").iter().filter(|request| request.starts_with(&path)).count()
}

#[test]
fn who_is_missing_leaves_after_two_good_reads_and_a_look_by_id() {
    let scene = Scene::new(12, &missing_are_deactivated());
    scene.sync();
    assert!(scene.sandbox.system(|personio: &mut Personio| personio.delete(1005)));

    let document = scene.sync();
    assert_eq!(changes(&document), [] as [Value; 0], "{document:#}");
    let message = notice(&document, "employee_missing").unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("since today") && message.contains("asking for this id"), "{message}");
    // Runs for one person see nobody else.
    scene.run(&["sync", "--yes", "--employee", "1006"], 0);
    assert_eq!((asked_for(&scene, 1005), scene.requester(1005)["active"].clone()), (0, json!(true)));

    let document = scene.sync();
    assert_eq!(changes(&document).len(), 1, "{document:#}");
    let change = change_of(&document, 1005);
    assert_eq!((&change["op"], &change["reason"]), (&json!("deactivate"), &json!("missing")));
    assert!(change["detail"].as_str().unwrap().contains("not known there by id"), "{change}");
    assert_eq!((asked_for(&scene, 1005), scene.requester(1005)["active"].clone()), (1, json!(false)));
    scene.assert_settled("once somebody is gone");
    assert_eq!(asked_for(&scene, 1005), 1, "nobody is asked for again who is known to be gone");
}

#[test]
fn who_is_back_or_there_by_id_keeps_the_account() {
    let scene = Scene::new(12, &missing_are_deactivated());
    scene.sync();
    let unlisted = |ids: Vec<u64>| scene.sandbox.system(|personio: &mut Personio| personio.options.unlisted = ids);
    unlisted(vec![1005]);
    scene.sync();
    // Back: the next absence begins anew.
    unlisted(Vec::new());
    scene.sync();
    unlisted(vec![1005]);
    let document = scene.sync();
    assert_eq!((changes(&document).len(), asked_for(&scene, 1005)), (0, 0), "{document:#}");

    // Asked for by id, Personio knows them: the list is not true, and nobody leaves for it.
    leave(&scene, 1004);
    let ran = scene.run(&["sync", "--yes", "--format", "json"], 5);
    ran.says("employee 1005 is not in the list of employees, and is there when asked for by id");
    let document = ran.json();
    assert_eq!(change_of(&document, 1004)["hold"]["code"], "source_unproven");
    assert_eq!(changes(&document).len(), 1, "{document:#}");
    assert_eq!(scene.requester(1005)["active"], true);
}

#[test]
fn who_was_there_in_between_is_not_missing_in_a_row() {
    let only_one: &[&str] = &["sync", "--yes", "--employee", "1005"];
    for (arguments, status) in [(only_one, 0), (&["sync", "--yes"], 5)] {
        let scene = Scene::new(12, &missing_are_deactivated());
        scene.sync();
        let all: Vec<u64> = scene
            .sandbox
            .system(|personio: &mut Personio| personio.company().people().iter().map(|one| one.id).collect());
        let unlisted =
            |ids: &[u64]| scene.sandbox.system(|personio: &mut Personio| personio.options.unlisted = ids.to_vec());
        unlisted(&[1005]);
        scene.sync();
        // Too few people to be the truth, and 1005 is among them.
        let others: Vec<u64> = all.iter().copied().filter(|id| *id > 1006).collect();
        unlisted(if status == 5 { &others } else { &[] });
        scene.run(arguments, status);
        unlisted(&[1005]);
        let document = scene.sync();
        assert_eq!((changes(&document).len(), asked_for(&scene, 1005)), (0, 0), "{arguments:?} {document:#}");
        assert_eq!(scene.requester(1005)["active"], true);
    }
}

#[test]
fn far_fewer_people_than_in_the_last_good_run_prove_nothing() {
    let scene = Scene::new(60, DESK);
    scene.sync();
    let all: Vec<u64> =
        scene.sandbox.system(|personio: &mut Personio| personio.company().people().iter().map(|one| one.id).collect());
    scene.sandbox.system(|personio: &mut Personio| {
        all[all.len() - 20..].iter().for_each(|id| assert!(personio.delete(*id)));
    });
    leave(&scene, 1004);
    scene.change(1006, json!({"position": "Changed"}));
    let ran = scene.run(&["sync", "--yes", "--format", "json"], 5);
    ran.says(&format!("{} people came in the last good run, and {} come now", all.len(), all.len() - 20));
    ran.says("--accept-source");
    let document = ran.json();
    assert_eq!(change_of(&document, 1004)["hold"]["code"], "source_unproven");
    assert_eq!(change_of(&document, 1006)["outcome"]["status"], "succeeded");
    // Each run says so until somebody accepts it; a preview accepts nothing.
    scene.run(&["plan", "--accept-source"], 0);
    scene.run(&["sync", "--yes"], 5);
    let document = scene.run(&["sync", "--yes", "--accept-source", "--format", "json"], 0).json();
    assert_eq!(summary(&document, "deactivate"), 1, "{document:#}");
    scene.run(&["sync", "--yes"], 0);
}

#[test]
fn nobody_judged_is_no_success() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    let hide = |keys: &[&str]| {
        let keys = keys.iter().map(ToString::to_string).collect();
        scene.sandbox.system(|personio: &mut Personio| personio.options.hidden_attributes = keys);
    };
    scene.run(&["status", "--max-age", "1h"], 0);
    std::fs::remove_file(scene.path("personio-sync.sqlite")).unwrap();
    hide(&["status", "termination_date", "last_working_day"]);
    scene.run(&["sync", "--yes"], 5).says("`status` is not readable; tick it for the credential");
    scene.run(&["status", "--max-age", "1h"], 6);
}

#[test]
fn the_newest_change_is_shown_where_the_file_reads_it() {
    let scene = Scene::new(12, LIST);
    assert!(!scene.run(&["plan"], 0).stdout.contains("newest change"));
    let attributes = "attributes = [\"first_name\", \"last_name\", \"email\", \"status\", \"hire_date\", \
                      \"termination_date\", \"last_working_day\", \"last_modified_at\"]\n";
    let file =
        scene.read("personio-sync.toml").replace("requests_per_second", &format!("{attributes}requests_per_second"));
    scene.write("personio-sync.toml", &file);
    scene.change(1003, json!({"last_name": "Neu"}));
    let today = scene.sandbox.info().today;
    scene.run(&["sync", "--yes"], 0).shows(&format!("newest change seen: {today}"));
    scene.run(&["status"], 0).shows(&format!("Newest change seen in Personio: {today}"));
    let document = scene.run(&["plan", "--format", "json"], 0).json();
    assert!(document["source"]["newest_change"].as_str().unwrap().starts_with(&today.to_string()), "{document:#}");
}

/// The fields that came of a contract level, and what else a run said.
fn with_level() -> String {
    format!("{DESK}[personio.aliases]\nlevel = \"dynamic_4716\"\n").replacen(
        "[targets.desk.mapping]\n",
        "[targets.desk.mapping]\nbackground_information = \"level\"\n",
        1,
    )
}

#[test]
fn a_custom_attribute_that_is_not_what_it_was_holds_what_uses_it() {
    let scene = Scene::new(12, &with_level());
    scene.sync();
    let level = |employee: u64| scene.requester(employee)["background_information"].clone();
    let before = level(1006);
    assert!(before.as_str().unwrap().starts_with('L'), "{before}");

    // Another label is told once, and holds nothing.
    scene.sandbox.system(|personio: &mut Personio| personio.redefine("dynamic_4716", "Grade", "level"));
    let document = scene.sync();
    let renamed = |document: &Value| document["notices"].to_string().contains("attribute_renamed");
    assert!(renamed(&document), "{document:#}");
    assert!(!renamed(&scene.sync()));

    // Another type holds the field for everybody, and nothing else, until somebody accepts it.
    scene.sandbox.system(|personio: &mut Personio| personio.redefine("dynamic_4716", "Grade", "note"));
    scene.change(1006, json!({"position": "Changed"}));
    for _ in 0..2 {
        let ran = scene.run(&["sync", "--yes", "--format", "json"], 4);
        ran.says("`dynamic_4716` (Grade) was of the type `list` and is of the type `multiline` now");
        ran.says("--accept-attributes");
        assert_eq!((level(1006), &scene.requester(1006)["job_title"]), (before.clone(), &json!("Changed")));
    }
    scene.run(&["check", "--online"], 4).says("was of the type `list`");
    // A look accepts nothing.
    scene.run(&["plan", "--accept-attributes"], 0).shows("background_information");
    scene.run(&["sync", "--yes"], 4);
    scene.run(&["sync", "--yes", "--accept-attributes"], 0);
    assert!(level(1006).as_str().unwrap().starts_with("Line one"), "{}", level(1006));
    scene.assert_settled("once the new type is accepted");
}

#[test]
fn a_lost_option_holds_until_it_is_back() {
    let scene = Scene::new(12, &with_level());
    scene.sync();
    let retire = |options: &[&str]| {
        let options = options.iter().map(ToString::to_string).collect();
        scene.sandbox.system(|personio: &mut Personio| personio.options.retired_options = options);
    };
    retire(&["L2"]);
    scene.run(&["sync", "--yes"], 4).says("`dynamic_4716` (Contract level) lost the option `L2`");
    retire(&[]);
    scene.run(&["sync", "--yes"], 0);
}

#[test]
fn a_run_for_changes_writes_nothing_from_an_attribute_that_is_not_what_it_was() {
    let scene = Scene::new(12, &with_level());
    scene.sync();
    let before = scene.requester(1006)["background_information"].clone();
    scene.sandbox.system(|personio: &mut Personio| personio.redefine("dynamic_4716", "level", "note"));
    scene.change(1006, json!({"position": "Changed"}));
    let ran = scene.run(&["sync", "--yes", "--changes"], 4);
    ran.says("was of the type `list`").shows("everything was read, not only changes");
    assert_eq!(scene.requester(1006)["background_information"], before);
    assert_eq!(scene.requester(1006)["job_title"], "Changed");
}
