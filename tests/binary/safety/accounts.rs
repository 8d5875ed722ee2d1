//! Limits that belong to the account, whatever the file calls it, and filters with all that they look at.

use serde_json::json;

use super::super::scene::{DESK, Scene, summary};
use super::{hold, leave, outcomes, plan, sync};

/// Two may leave in a run, and four in a day.
fn two_by_two() -> (Scene, String) {
    let file = format!("{DESK}[targets.desk.safety]\nmax_deactivate = 2\n");
    let scene = Scene::new(12, &file);
    scene.sync();
    for two in [[1002, 1003], [1004, 1005]] {
        two.iter().for_each(|employee| leave(&scene, *employee));
        sync(&scene, &[], 0);
    }
    (scene, file)
}

/// Two more leave, and stay.
fn two_more_stay(scene: &Scene) {
    [1006, 1008].iter().for_each(|employee| leave(scene, *employee));
    let document = sync(scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "max_deactivate");
    assert!(detail.contains(" in 24 hours, and 4 were removed"), "{detail}");
    assert_eq!(scene.requester(1006)["active"], true);
}

#[test]
fn another_name_does_not_begin_the_day_anew() {
    let (scene, file) = two_by_two();
    scene.configure(&file.replace("targets.desk", "targets.handbook"));
    scene.sync();
    two_more_stay(&scene);
}

#[test]
fn nor_does_disconnecting() {
    let (scene, _) = two_by_two();
    scene.run(&["disconnect", "desk"], 0);
    scene.sync();
    two_more_stay(&scene);
}

#[test]
fn nor_does_a_short_memory() {
    let (scene, file) = two_by_two();
    scene.configure(&format!("{file}[state]\nkeep = \"1s\"\n"));
    scene.sync();
    two_more_stay(&scene);
}

#[test]
fn runs_for_one_person_add_up_to_a_day() {
    let scene = Scene::new(25, &format!("{DESK}[targets.desk.safety]\nmax_field_share = \"20%\"\n"));
    scene.sync();
    let allowed = (scene.requesters().iter().filter(|requester| requester["active"] == true).count() + 1) / 5;
    let people: Vec<u64> = (1001..1026).filter(|id| ![1007, 1013, 1015].contains(id)).collect();
    for (number, employee) in (1..=allowed + 1).zip(&people) {
        scene.change(*employee, json!({"position": format!("Changed {employee}")}));
        let document = sync(&scene, &["--employee", &employee.to_string()], if number > allowed { 4 } else { 0 });
        if number > allowed {
            let (code, detail) = hold(&document);
            assert_eq!(code, "max_field_share");
            assert!(detail.contains(&format!("after {allowed} others in the last 24 hours")), "{detail}");
        }
    }
    scene.run(&["approve", "--all-shown"], 0);
    assert_eq!(outcomes(&sync(&scene, &[], 0)), [("succeeded", 1)].into());
}

#[test]
fn in_a_small_company_a_field_is_not_emptied_everywhere_at_once() {
    let scene = Scene::new(8, DESK);
    scene.sync();
    scene.configure(&DESK.replace("\"position\"", "\"'' if position else ''\""));
    let document = plan(&scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "max_field_share");
    assert!(detail.starts_with("job_title would be emptied in all "), "{detail}");
}

#[test]
fn a_table_that_a_filter_looks_up_in_is_part_of_the_filter() {
    let file = |second: &str, title: &str| {
        let filter =
            "include = [\"('second' if employee_id == 1002 else 'other') | lookup('kept') == 'yes'\"]\nmatch =";
        let filtered = DESK.replace("match =", filter).replace("\"position\"", "\"'M' | lookup('titles')\"");
        format!(
            "{filtered}[targets.desk.leavers]\nout_of_scope = \"deactivate\"\n\
             [tables.titles]\nM = \"{title}\"\n[tables.kept]\n{second}"
        )
    };
    let scene = Scene::new(12, &file("second = \"yes\"\nother = \"yes\"\n", "Member"));
    scene.sync();
    // Neither another order of the entries nor what only the mapping uses is another filter.
    scene.configure(&file("other = \"yes\"\nsecond = \"yes\"\n", "Colleague"));
    scene.sync();
    scene.configure(&file("other = \"yes\"\nsecond = \"no\"\n", "Colleague"));
    let document = sync(&scene, &[], 4);
    assert_eq!(hold(&document).0, "filters_changed");
    assert_eq!(scene.requester(1002)["active"], true);
    assert_eq!(summary(&sync(&scene, &["--accept-filter-change"], 0), "deactivate"), 1);
}

#[test]
fn another_file_of_the_folder_on_the_same_account_is_named() {
    let scene = Scene::new(8, DESK);
    let calm = scene.run(&["check"], 0);
    assert!(!calm.stderr.contains("same account"), "{}", calm.stderr);
    let own = scene.read("personio-sync.toml");
    let second = own.replace("targets.desk", "targets.helpdesk");
    scene.write("second.toml", &format!("{second}\n[state]\npath = \"second.sqlite\"\n"));
    scene.write("unrelated.toml", "[package]\nname = \"x\"\n");
    let ran = scene.run(&["check"], 0);
    assert!(ran.stderr.contains("second.toml works on the same account (its target `helpdesk`)"), "{}", ran.stderr);
    let document = scene.run(&["check", "--format", "json"], 0).json();
    let warnings = document["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|one| one["code"] == "account_in_two_states" && one["target"] == "desk"),
        "{document:#}"
    );
    // With one state for both there is nothing to warn of.
    scene.write("second.toml", &second);
    assert!(!scene.run(&["check"], 0).stderr.contains("same account"));
}
