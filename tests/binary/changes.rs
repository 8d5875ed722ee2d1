//! Runs that read changes alone, as cron starts them.

use chrono::NaiveDate;
use personio_sync::personio::simulated::Personio;
use personio_sync::sandbox::When;
use serde_json::{Value, json};

use super::scene::{DESK, LIST, Ran, Scene, summary};

const CHANGES: [&str; 5] = ["sync", "--yes", "--changes", "--format", "json"];

/// Nobody was edited for months.
fn untouched(scene: &Scene) {
    let long_ago = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    scene.sandbox.system(|personio: &mut Personio| {
        let ids: Vec<u64> = personio.company().people().iter().map(|person| person.id).collect();
        ids.into_iter().for_each(|id| personio.company_mut().person_mut(id).unwrap().last_modified = long_ago);
    });
}

/// A company of which everybody is in line since ten o'clock.
fn in_line(employees: usize, targets: &str) -> Scene {
    let scene = Scene::new(employees, targets);
    untouched(&scene);
    scene.run_at("10:00:00", &["sync", "--yes"], 0);
    scene
}

fn mode(document: &Value) -> &str {
    document["source"]["mode"].as_str().unwrap()
}

fn why(document: &Value) -> String {
    let notices = document["notices"].as_array().unwrap().iter();
    let said = notices.filter(|notice| notice["code"] == "everything_read");
    said.map(|notice| notice["message"].as_str().unwrap()).collect()
}

/// What a run asked, by system: sign-ins and reads of Personio, and requests to the target.
fn asked(scene: &Scene, run: impl FnOnce() -> Ran) -> (Value, Vec<String>, Vec<String>) {
    let before = ["personio", "freshservice"].map(|system| scene.requests(system).len());
    let document = run().json();
    let [personio, desk] = ["personio", "freshservice"].map(|system| scene.requests(system));
    (document, personio[before[0]..].to_vec(), desk[before[1]..].to_vec())
}

#[test]
fn without_changes_a_run_takes_two_requests_however_many_people_there_are() {
    for employees in [30, 230] {
        let scene = in_line(employees, DESK);
        let (whole, personio, desk) =
            asked(&scene, || scene.run_at("10:02:00", &["sync", "--yes", "--format", "json"], 0));
        assert_eq!(mode(&whole), "full");
        assert!(personio.len() + desk.len() > employees / 50, "{personio:?} {desk:?}");
        let (document, personio, desk) = asked(&scene, || scene.run_at("10:05:00", &CHANGES, 0));
        assert_eq!((mode(&document), &document["source"]["complete"]), ("changes", &json!(false)));
        let day = scene.sandbox.info().today;
        let (yesterday, tomorrow) = (day.pred_opt().unwrap(), day.succ_opt().unwrap());
        let expected = json!({
            "since": format!("{yesterday} 08:02"), "looked_at": 0, "full_due": format!("{tomorrow} 00:00")
        });
        assert_eq!(document["source"]["changes"], expected);
        assert_eq!((personio.len(), desk), (2, Vec::new()), "{personio:?}");
        assert!(personio[1].contains("limit=100&offset=0&") && personio[1].contains("&updated_since="), "{personio:?}");
    }
}

#[test]
fn a_change_is_carried_out_with_its_own_account_alone() {
    let scene = in_line(150, DESK);
    scene.change(1002, json!({"position": "Astronaut"}));
    let plan = scene.run_at("10:05:00", &["plan", "--changes"], 0);
    plan.shows("Personio: only changes: 1 employee since")
        .shows("1 of them not looked at before; everything is read again from");
    scene.run_at("10:05:00", &["plan", "--changes", "--detailed-exitcode"], 10);
    scene.run_at("10:05:00", &["plan", "--changes", "--format", "markdown"], 0).shows("Read only changes: 1 employee");
    let (document, personio, desk) = asked(&scene, || scene.run_at("10:05:00", &CHANGES, 0));
    assert_eq!((mode(&document), summary(&document, "update")), ("changes", &json!(1)));
    assert_eq!(personio.len(), 2, "{personio:?}");
    assert!(desk.iter().all(|request| !request.contains("/requesters?")), "no list of accounts: {desk:?}");
    assert!(desk.len() <= 6, "{desk:?}");
    assert_eq!(scene.requester(1002)["job_title"], "Astronaut");
    let (_, _, desk) = asked(&scene, || scene.run_at("10:10:00", &CHANGES, 0));
    assert!(desk.is_empty(), "it was looked at: {desk:?}");
    scene.assert_settled("after a change");
}

#[test]
fn files_are_kept_in_line_from_the_rows_they_have() {
    let scene = in_line(40, LIST);
    let rows = scene.read("list.csv").lines().count();
    scene.change(1002, json!({"last_name": "Lovelace-Byron"}));
    let document = scene.run_at("10:05:00", &CHANGES, 0).json();
    assert_eq!((mode(&document), summary(&document, "update")), ("changes", &json!(1)));
    assert!(scene.read("list.csv").contains("Lovelace-Byron"));
    assert_eq!(scene.read("list.csv").lines().count(), rows, "everybody else is still there");
    scene.assert_settled("after a change");
}

#[test]
fn somebody_who_joins_or_leaves_is_seen_with_everybody_in_view() {
    let scene = in_line(20, DESK);
    let joiner = scene.hire(json!({"email": "mira.new@example.com"}));
    let document = scene.run_at("10:05:00", &CHANGES, 0).json();
    assert_eq!((mode(&document), summary(&document, "create")), ("full", &json!(1)));
    let expected = format!("employee {joiner} is in scope of desk and has no account there that is known");
    assert!(why(&document).contains(&expected), "{}", why(&document));
    scene.change(
        1002,
        json!({"status": "inactive", "termination_date": "2026-01-31", "last_working_day": "2026-01-31"}),
    );
    let document = scene.run_at("10:10:00", &CHANGES, 0).json();
    assert_eq!((mode(&document), summary(&document, "deactivate")), ("full", &json!(1)), "{document:#}");
    assert_eq!(mode(&scene.run_at("10:15:00", &CHANGES, 0).json()), "changes");
    // Nobody is missed between.
    scene.sandbox.system(|personio: &mut Personio| personio.delete(1003));
    let document = scene.run_at("10:20:00", &CHANGES, 0).json();
    assert_eq!((mode(&document), summary(&document, "deactivate")), ("changes", &json!(0)));
    assert_eq!(scene.requester(1003)["active"], true);
}

#[test]
fn by_the_clock_everything_is_read_once_a_day_and_changes_between() {
    let scene = Scene::new(20, &DESK.replace("match =", "every = \"5m\"\nfull = \"12h\"\nmatch ="));
    untouched(&scene);
    let due = ["sync", "--yes", "--due", "--format", "json"];
    let run = |time: &str| scene.run_at(time, &due, 0).json();
    scene.run_at("10:00:00", &["status"], 0).shows(" now ");
    let first = run("10:00:01");
    assert!(!scene.run_at("10:01:00", &["status"], 0).stdout.contains(" now "), "the slot had its run");
    assert!(mode(&first) == "full" && why(&first).contains("no run of desk has read everything"), "{first:#}");
    scene.change(1002, json!({"position": "Astronaut"}));
    let second = run("10:05:01");
    assert_eq!((mode(&second), summary(&second, "update")), ("changes", &json!(1)));
    scene.run_at("10:06:00", &["sync", "--yes", "--due"], 0).says("nothing is due until");
    // By hand, everything is read as ever, and nothing comes of it for the slots.
    assert_eq!(mode(&scene.run_at("10:07:00", &["sync", "--yes", "--format", "json"], 0).json()), "full");
    assert_eq!(mode(&run("11:55:01")), "changes");
    let noon = run("12:00:01");
    assert!(mode(&noon) == "full" && why(&noon).contains("`full` makes it due again"), "{}", why(&noon));
    assert_eq!(mode(&run("12:05:01")), "changes");
    let text = scene.read("personio-sync.toml").replace("job_title = \"position\"\n", "");
    scene.write("personio-sync.toml", &text);
    let changed = run("12:10:01");
    assert!(why(&changed).contains("what the file says of desk"), "{}", why(&changed));
    // A target that says nothing of `full` is read as a whole, and so is what runs with it.
    scene.write("personio-sync.toml", &text.replace("full = \"12h\"\n", ""));
    assert_eq!(mode(&run("12:15:01")), "full");
    assert_eq!(mode(&run("12:20:01")), "full");
}

#[test]
fn a_plan_of_changes_is_applied_like_any_other() {
    let scene = in_line(20, DESK);
    scene.change(1002, json!({"position": "Astronaut"}));
    scene.run_at("10:05:00", &["plan", "--changes", "--out", "plan.json"], 0);
    scene.change(1003, json!({"position": "Geologist"}));
    let document = scene.run_at("10:06:00", &["sync", "--yes", "--plan", "plan.json", "--format", "json"], 0).json();
    assert_eq!(summary(&document, "update"), 1, "what was reviewed, and nothing else");
    let document = scene.run_at("10:07:00", &CHANGES, 0).json();
    assert_eq!((mode(&document), summary(&document, "update")), ("changes", &json!(1)));
    scene.assert_settled("after both");
}

#[test]
fn what_does_not_go_with_changes_is_refused() {
    let scene = in_line(10, DESK);
    let before = scene.requests("personio").len();
    for other in [
        &["sync", "--changes", "--employee", "1002"][..],
        &["sync", "--changes", "--plan", "plan.json"],
        &["sync", "--changes", "--accept-removals", "3"],
        &["sync", "--changes", "--accept-filter-change"],
        &["sync", "--changes", "--accept-source"],
        &["plan", "--changes", "--employee", "1002"],
        &["plan", "--changes", "--as-of", "2027-01-01"],
    ] {
        let ran = scene.run(other, 2);
        ran.says("the argument '--changes' cannot be used with").says(other[2]);
    }
    scene.run(&["sync", "--changes", "--yes", "nobody"], 2).says("there is no target `nobody`");
    assert_eq!(scene.requests("personio").len(), before, "nothing was contacted");
    // Named targets, a preview and the sandbox go with it.
    scene.run_at("10:05:00", &["sync", "--changes", "--yes", "desk"], 0).shows("only changes: 0 employees");
    scene.run_at("10:05:00", &["sync", "--changes", "--dry-run"], 0).shows("only changes: 0 employees");
    let ran = scene.run(&["sync", "--changes", "--yes", "--sandbox", "--format", "json"], 0).json();
    assert!(why(&ran).contains("no run of desk has read everything"), "{}", why(&ran));
}

#[test]
fn failures_have_the_statuses_of_every_run() {
    let scene = in_line(20, DESK);
    scene.change(1002, json!({"position": "Astronaut"}));
    let held = DESK.replace("[targets.desk.mapping]", "safety = { max_update = 0 }\n[targets.desk.mapping]");
    let scene_held = in_line(20, &held.replace("max_update = 0", "max_update = 1000"));
    scene_held.configure(&held);
    scene_held.run_at("10:01:00", &["sync", "--yes"], 0);
    scene_held.change(1002, json!({"position": "Astronaut"}));
    let document = scene_held.run_at("10:05:00", &CHANGES, 4).json();
    assert_eq!((mode(&document), summary(&document, "held")), ("changes", &json!(1)));
    scene_held.run_at("10:06:00", &["approve", "desk/1002"], 0);
    let document = scene_held.run_at("10:07:00", &CHANGES, 0).json();
    assert!(why(&document).contains("changes of desk were approved"), "{}", why(&document));
    assert_eq!(scene_held.requester(1002)["job_title"], "Astronaut");
    scene.faults("personio:get:503@100%");
    scene.run_at("10:05:00", &CHANGES, 6);
    scene.faults("freshservice:get:503@100%");
    scene.run_at("10:05:00", &CHANGES, 6);
    scene.faults("");
    let document = scene.run_at("10:10:00", &CHANGES, 0).json();
    assert_eq!((mode(&document), summary(&document, "update")), ("changes", &json!(1)), "it is not forgotten");
}

#[test]
fn after_a_kill_between_two_writes_the_next_run_looks_at_everything() {
    let scene = Scene::new(20, DESK);
    untouched(&scene);
    scene.sync();
    for (id, position) in [(1002, "Astronaut"), (1003, "Geologist"), (1008, "Pilot")] {
        scene.change(id, json!({"position": position}));
    }
    scene.run(&["sync", "--yes", "--changes", "--dry-run"], 0);
    let pause = scene.sandbox.pause_at("freshservice", 2, When::After);
    let mut child = scene.start(&["sync", "--yes", "--changes"]);
    assert!(pause.reached_within(std::time::Duration::from_secs(60)), "the write never came");
    child.kill().unwrap();
    child.wait().unwrap();
    pause.abandon();
    let document = scene.run(&CHANGES, 0).json();
    assert_eq!(mode(&document), "full");
    scene.assert_settled("killed");
    for (id, position) in [(1002, "Astronaut"), (1003, "Geologist"), (1008, "Pilot")] {
        assert_eq!(scene.requester(id)["job_title"], position);
    }
}
