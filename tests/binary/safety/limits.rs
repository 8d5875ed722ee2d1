//! What a safety rail holds, and what releases it.

use personio_sync::http::Method;
use personio_sync::sandbox::When;
use personio_sync::targets::entra::simulated::Entra;
use personio_sync::targets::freshservice::simulated::Freshservice;
use serde_json::{Value, json};

use super::super::scene::{DESK, ENTRA, Ran, Scene, summary};
use super::{answer, await_write, by_hand, change_of, changes, come_back, hold, leave, outcomes, plan, sync};

/// Internal people with an account, so that leaving shows.
const LEAVERS: [u64; 6] = [1002, 1003, 1004, 1005, 1006, 1008];

fn with_safety(lines: &str) -> Scene {
    let scene = Scene::new(25, &format!("{DESK}[targets.desk.safety]\n{lines}\n"));
    scene.sync();
    scene
}

/// Accounts in use that belong to somebody: what shares are taken of.
fn linked(scene: &Scene) -> usize {
    // The agent is somebody's account, too.
    scene.requesters().iter().filter(|requester| requester["active"] == true).count() + 1
}

#[test]
fn removals_as_a_count_one_below_equal_and_one_above() {
    let scene = with_safety("max_deactivate = 3");
    let linked = linked(&scene);
    for (number, employee) in (1..).zip(&LEAVERS[..4]) {
        leave(&scene, *employee);
        let held = number > 3;
        let document = plan(&scene, &[], if held { 4 } else { 0 });
        assert_eq!(summary(&document, "held"), if held { number } else { 0 }, "{document:#}");
        assert_eq!(summary(&document, "deactivate"), if held { 0 } else { number });
    }
    let document = plan(&scene, &[], 4);
    let expected = format!(
        "4 deactivations are held: the limit is 3 of {linked} linked people in a run (max_deactivate); if they are \
         right, approve them, or use --accept-removals 4"
    );
    assert_eq!(hold(&document), ("max_deactivate", expected.as_str()));

    // Only the class is held; the rest proceeds.
    scene.change(1009, json!({"position": "Changed"}));
    let document = sync(&scene, &[], 4);
    assert_eq!(outcomes(&document), [("held", 4), ("succeeded", 1)].into());
    assert_eq!(answer(&scene, &["jobs", "--status", "held"])["jobs"].as_array().unwrap().len(), 4);

    // Exactly that number.
    for (accepted, code) in [("3", 4), ("5", 4)] {
        let document = sync(&scene, &["--accept-removals", accepted], code);
        let told = format!("--accept-removals {accepted} is not that number");
        assert!(hold(&document).1.contains(&told), "{document:#}");
    }
    let document = sync(&scene, &["--accept-removals", "4"], 0);
    assert_eq!(summary(&document, "deactivate"), 4);
    scene.assert_settled("after accepted removals");
    // Once: the next ones are counted anew.
    leave(&scene, LEAVERS[4]);
    leave(&scene, LEAVERS[5]);
    assert_eq!(summary(&plan(&scene, &[], 0), "deactivate"), 2, "within a run and within a day: 2 * 3 - 4");
}

#[test]
fn removals_as_a_share_one_below_equal_and_one_above() {
    let scene = with_safety("max_deactivate = \"10%\"");
    let allowed = linked(&scene) / 10;
    assert!((2..5).contains(&allowed), "{allowed}");
    for (number, employee) in (1..=allowed + 1).zip(LEAVERS) {
        leave(&scene, employee);
        let held = number > allowed;
        let document = plan(&scene, &[], if held { 4 } else { 0 });
        assert_eq!(summary(&document, "held"), if held { number } else { 0 }, "{document:#}");
        if held {
            let of = format!("the limit is {allowed} of {} linked people in a run", linked(&scene));
            assert!(hold(&document).1.contains(&of), "{document:#}");
        }
    }
}

#[test]
fn removals_over_a_day() {
    let scene = with_safety("max_deactivate = 2");
    for two in LEAVERS[..4].chunks(2) {
        two.iter().for_each(|employee| leave(&scene, *employee));
        sync(&scene, &[], 0);
    }
    leave(&scene, LEAVERS[4]);
    let document = sync(&scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "max_deactivate");
    assert!(detail.contains("the limit is 4 of ") && detail.contains(" in 24 hours, and 4 were removed"), "{detail}");
    // Forgetting people makes no room.
    scene.run(&["forget", &LEAVERS[0].to_string()], 0);
    plan(&scene, &[], 4);
    sync(&scene, &["--accept-removals", "1"], 0);
    scene.assert_settled("after a day of leaving");
}

#[test]
fn a_field_that_would_change_for_too_many() {
    let scene = with_safety("max_field_share = \"20%\"\nmax_clear = 1\nmax_update = 6");
    let allowed = linked(&scene) * 20 / 100;
    let everybody: Vec<u64> = (1001..1026).filter(|id| ![1007, 1013, 1015].contains(id)).collect();
    for (number, employee) in (1..=allowed + 1).zip(&everybody) {
        scene.change(*employee, json!({"position": format!("Changed {employee}")}));
        let document = plan(&scene, &[], if number > allowed { 4 } else { 0 });
        assert_eq!(summary(&document, "held"), if number > allowed { number } else { 0 }, "{document:#}");
    }
    let document = plan(&scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "max_field_share");
    let expected = format!(
        "job_title would change in {} of {} accounts: the limit is {allowed}, 20 %",
        allowed + 1,
        linked(&scene)
    );
    assert!(detail.starts_with(&expected) && detail.contains("max_field_share in [targets.desk.safety]"), "{detail}");
}

#[test]
fn changed_filters_hold_removals_until_they_are_accepted() {
    let file = |filter: &str| {
        let leavers = "[targets.desk.leavers]\nout_of_scope = \"deactivate\"\n";
        format!("{}{leavers}", DESK.replace("match =", &format!("{filter}match =")))
    };
    let scene = Scene::new(25, &file(""));
    scene.sync();
    let narrower = file("exclude = [\"employee_id == 1002\"]\n");
    scene.configure(&narrower);
    let held = |document: &Value| {
        let (code, detail) = hold(document);
        assert_eq!(code, "filters_changed");
        assert!(detail.starts_with("1 deactivation is held: the filters changed"), "{detail}");
        assert!(detail.contains("--accept-filter-change"), "{detail}");
    };
    held(&sync(&scene, &[], 4));
    held(&sync(&scene, &["--accept-removals", "1"], 4));
    // Nothing that happens meanwhile accepts them: a run for one person, or one that could not see everything.
    sync(&scene, &["--employee", "1003"], 0);
    held(&sync(&scene, &[], 4));
    scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = true);
    sync(&scene, &[], 7);
    scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = false);
    held(&sync(&scene, &[], 4));
    assert_eq!(scene.requester(1002)["active"], true);

    let document = plan(&scene, &["--accept-filter-change"], 0);
    assert_eq!(change_of(&document, 1002)["reason"], "out_of_scope");
    held(&plan(&scene, &[], 4));
    sync(&scene, &["--accept-filter-change"], 0);
    assert_eq!(scene.requester(1002)["active"], false);
    scene.assert_settled("after accepted filters");

    // Accepted once is accepted; somebody else who moves out of scope is an ordinary removal.
    scene.configure(&file("exclude = [\"employee_id == 1002 or position == 'Gone'\"]\n"));
    sync(&scene, &[], 0);
    scene.change(1003, json!({"position": "Gone"}));
    assert_eq!(summary(&sync(&scene, &[], 0), "deactivate"), 1, "the filters were in place before anybody met them");
}

#[test]
fn an_unproven_read_accepts_no_filters() {
    let file = |filter: &str| {
        let leavers = "[targets.desk.leavers]\nout_of_scope = \"deactivate\"\n";
        format!("{}{leavers}", DESK.replace("match =", &format!("{filter}match =")))
    };
    let scene = Scene::new(120, &file(""));
    scene.sync();
    scene.configure(&file("exclude = [\"employee_id == 1080\"]\n"));
    scene.faults("personio:remove-while-paging@100%");
    let document = sync(&scene, &[], 5);
    assert_eq!(hold(&document).0, "source_unproven");
    scene.faults("");
    assert_eq!(hold(&sync(&scene, &[], 4)).0, "filters_changed");
    assert_eq!(scene.requester(1080)["active"], true);
}

#[test]
fn protected_accounts_are_never_changed() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    let (kept, titled) = (scene.email(1002), "Keeper");
    scene.change(1003, json!({"position": titled}));
    scene.sync();
    let protect = format!("protect = [\"primary_email == '{kept}'\", \"job_title == '{titled}'\"]");
    scene.configure(&format!("{DESK}[targets.desk.safety]\n{protect}\n"));
    let before = scene.requesters();
    leave(&scene, 1002);
    scene.change(1003, json!({"position": "Changed", "last_name": "Changed"}));
    let document = sync(&scene, &[], 0);
    assert_eq!(changes(&document).len(), 0, "{document:#}");
    let skipped = document["targets"][0]["skipped"].as_array().unwrap();
    for employee in ["1002", "1003"] {
        let skip = skipped.iter().find(|skip| skip["employee"] == employee).unwrap();
        assert!(skip["detail"].as_str().unwrap().ends_with("is never changed"), "{skip}");
    }
    assert_eq!(scene.requesters(), before);
}

#[test]
fn a_target_that_keeps_refusing_is_left_alone() {
    for (allowed, attempted) in [(3, 3), (5, 5)] {
        let scene = Scene::new(12, &format!("{DESK}[targets.desk.safety]\nmax_failures = {allowed}\n"));
        // A service that takes no e-mail address at all refuses everybody.
        scene.sandbox.system(|service: &mut Freshservice| {
            service.options.forgotten_attributes = vec!["primary_email".into()];
        });
        let document = sync(&scene, &[], 3);
        let refused = outcomes(&document);
        // Those under way when the last one was refused may be refused as well.
        assert!(refused["failed"] >= attempted && refused["failed"] < attempted + 8, "{refused:?}");
        assert!(scene.requesters().is_empty());
        let left = changes(&document).iter().find(|change| change["outcome"]["status"] == "not_attempted");
        if let Some(left) = left {
            assert!(left["outcome"]["error"].as_str().unwrap().contains("(max_failures)"), "{left}");
        }
        scene.sandbox.system(|service: &mut Freshservice| service.options.forgotten_attributes.clear());
        scene.sync();
        scene.assert_settled("when it takes everybody again");
    }
}

#[test]
fn a_sign_in_refused_in_mid_run_ends_it_for_this_target() {
    let scene = Scene::new(40, DESK);
    let pause = scene.sandbox.pause_at("freshservice", 9, When::Before);
    let arguments = ["sync", "--yes", "--format", "json"];
    let child = scene.start(&arguments);
    await_write(&pause);
    scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = true);
    pause.release();
    let ran = Ran::of(child, &arguments);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    let document = ran.json();
    let came = outcomes(&document);
    assert!(came["succeeded"] > 0 && came["not_attempted"] > 10 && came["failed"] >= 1, "{came:?}");
    assert!(document["problems"].as_array().unwrap().iter().any(|one| one["code"] == "sign_in_or_rights_refused"));
    let refused = scene.sandbox.requests().iter().filter(|request| request.status == Some(401)).count();
    assert!(refused <= 20, "it is asked no further: {refused}");
    let runs = answer(&scene, &["runs"]);
    assert_eq!(runs["runs"][0]["targets"][0]["ok"], false);
    scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = false);
    scene.sync();
    scene.assert_settled("with a new key");
}

/// What is said of a field that is left alone; the values themselves are never said.
fn left_alone(scene: &Scene, code: &str) -> String {
    let writes = scene.writes().len();
    let ran = scene.run(&["sync", "--yes", "--format", "json"], 0);
    let document = ran.json();
    assert_eq!(changes(&document).len(), 0, "{document:#}");
    assert_eq!(scene.writes().len(), writes, "it is left alone");
    let notices = document["targets"][0]["notices"].as_array().unwrap();
    let notice = notices.iter().find(|notice| notice["code"] == code).unwrap();
    assert_eq!(notice["employee"], "1002");
    assert!(!ran.stdout.contains("Zitronenfalter"), "{}", ran.stdout);
    notice["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_field_that_somebody_keeps_resetting_is_left_alone_after_three_writes() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    scene.change(1002, json!({"position": "Zitronenfalter"}));
    let reset = || by_hand(&scene, 1002, Method::Put, &json!({"job_title": "By hand"}));
    for time in 1..=3 {
        let document = sync(&scene, &[], 0);
        assert_eq!(summary(&document, "update"), 1, "time {time}: {document:#}");
        assert_eq!(change_of(&document, 1002)["outcome"]["status"], "succeeded");
        assert_eq!(scene.requester(1002)["job_title"], "Zitronenfalter");
        reset();
    }
    let message = left_alone(&scene, "not_converging");
    assert!(message.starts_with("job_title does not converge: a text of 14 characters was sent"), "{message}");
    assert!(message.contains("and a text of 7 characters is there all the same"), "{message}");

    // Another value is another try.
    scene.change(1002, json!({"position": "Kohlmeise"}));
    assert_eq!(summary(&sync(&scene, &[], 0), "update"), 1);
    scene.assert_settled("when it keeps its value");
}

#[test]
fn a_field_that_never_keeps_its_value_is_reported_and_left_alone() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    scene.sandbox.system(|service: &mut Freshservice| service.options.forgotten_attributes = vec!["job_title".into()]);
    scene.change(1002, json!({"position": "Zitronenfalter"}));
    for time in 1..=3 {
        let document = sync(&scene, &[], 0);
        assert_eq!(summary(&document, "update"), 1, "time {time}: {document:#}");
        let notices = document["targets"][0]["notices"].as_array().unwrap();
        let notice = notices.iter().find(|notice| notice["code"] == "not_stored").unwrap();
        let message = notice["message"].as_str().unwrap();
        assert!(message.contains("job_title") && !message.contains("Zitronenfalter"), "{message}");
        assert_eq!(answer(&scene, &["status"])["targets"][0]["not_in_line"], 1);
    }
    left_alone(&scene, "not_converging");
    // Nothing is sent, and it is not in line all the same.
    scene.run(&["plan", "--detailed-exitcode"], 10);
    // Another section may be what was missing.
    scene.configure(&DESK.replace("match =", "agents = \"skip\"\nmatch ="));
    assert_eq!(summary(&sync(&scene, &[], 0), "update"), 1);
    scene.sandbox.system(|service: &mut Freshservice| service.options.forgotten_attributes.clear());
    scene.change(1002, json!({"position": "Kohlmeise"}));
    assert_eq!(summary(&sync(&scene, &[], 0), "update"), 1);
    scene.assert_settled("when it keeps its value");
}

#[test]
fn a_field_that_is_refused_of_one_person_is_left_alone_after_two_refusals() {
    let entra = ENTRA.replace("jobTitle =", "mobilePhone = \"'+49 30 ' ~ employee_id ~ position|length\"\njobTitle =");
    let scene = Scene::new(12, &entra);
    scene.sync();
    let administrators = vec![scene.email(1002)];
    scene.sandbox.system(|entra: &mut Entra| entra.options.administrators = administrators);
    scene.change(1002, json!({"position": "Zitronenfalter"}));
    for time in 1..=2 {
        let document = sync(&scene, &[], 3);
        let outcome = &change_of(&document, 1002)["outcome"];
        assert_eq!(outcome["status"], "failed", "time {time}: {document:#}");
        assert!(outcome["error"].as_str().unwrap().contains("`mobilePhone`"), "{outcome}");
        let title = scene.sandbox.system(|entra: &mut Entra| {
            let users = entra.tenant("subject").users();
            users.iter().any(|user| user["jobTitle"] == "Zitronenfalter")
        });
        assert!(title, "everything else is written");
    }
    let message = left_alone(&scene, "not_converging");
    assert!(message.contains("mobilePhone") && message.contains("left alone for a week"), "{message}");
    scene.run(&["plan", "--detailed-exitcode"], 10);
    let jobs = answer(&scene, &["jobs"]);
    assert_eq!((&jobs["jobs"][0]["employee"], &jobs["jobs"][0]["code"]), (&json!("1002"), &json!("not_converging")));
    // Another number is another try.
    scene.sandbox.system(|entra: &mut Entra| entra.options.administrators.clear());
    scene.change(1002, json!({"position": "Kohlmeise"}));
    sync(&scene, &[], 0);
    scene.assert_settled("when it is taken");
}

#[test]
fn a_field_that_is_refused_of_most_people_stays_a_failure() {
    let entra = ENTRA.replace("jobTitle =", "mobilePhone = \"'+49 30 ' ~ employee_id ~ position|length\"\njobTitle =");
    let scene = Scene::new(12, ENTRA);
    scene.sync();
    let all = (1001..=1012).map(|id| scene.email(id)).collect();
    scene.sandbox.system(|entra: &mut Entra| entra.options.administrators = all);
    scene.configure(&entra);
    for _ in 0..4 {
        sync(&scene, &[], 3);
    }
}

#[test]
fn the_first_run_removes_nobody_and_the_next_one_may() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    leave(&scene, 1004);
    scene.run(&["disconnect", "desk"], 0);
    let document = sync(&scene, &["--accept-removals", "1"], 4);
    assert_eq!(hold(&document).0, "first_run");
    assert_eq!(summary(&sync(&scene, &[], 0), "deactivate"), 1);
    come_back(&scene, 1004);
    assert_eq!(summary(&sync(&scene, &[], 0), "reactivate"), 1);
    scene.assert_settled("after coming back");
}
