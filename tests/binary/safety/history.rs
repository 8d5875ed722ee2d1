//! What happened, who is still to be helped, and what it cost.

use personio_sync::targets::freshservice::simulated::Freshservice;
use serde_json::{Value, json};

use super::super::scene::{DESK, LIST, Scene, summary};
use super::{answer, changes, hold, plan, sync};

fn list(document: &Value, name: &str) -> Vec<Value> {
    document[name].as_array().unwrap_or_else(|| panic!("no {name}: {document:#}")).clone()
}

/// A company of whom one cannot be made: the service takes no such address.
fn one_fails() -> (Scene, u64) {
    let scene = Scene::new(12, &format!("{DESK}{LIST}"));
    scene.sync();
    let hired = scene.hire(json!({"first_name": "Ona", "last_name": "Newcomer", "email": "ona@localhost"}));
    scene.change(1002, json!({"position": "Changed"}));
    sync(&scene, &[], 3);
    (scene, hired)
}

#[test]
fn runs_and_jobs_with_every_filter() {
    let (scene, hired) = one_fails();
    let runs = answer(&scene, &["runs"]);
    assert_eq!(runs["kind"], "runs");
    let runs = list(&runs, "runs");
    assert_eq!(runs.len(), 2);
    let newest = &runs[0];
    assert_eq!(
        (&newest["run"], &newest["exit_code"], &newest["command"]),
        (&json!("2"), &json!(3), &json!("sync --yes --format json"))
    );
    assert!(newest["finished"].is_string() && newest["today"].is_string(), "{newest}");
    let desk = newest["targets"].as_array().unwrap().iter().find(|target| target["target"] == "desk").unwrap();
    assert_eq!((&desk["succeeded"], &desk["failed"], &desk["ok"]), (&json!(1), &json!(1), &json!(true)), "{desk}");
    assert_eq!(list(&answer(&scene, &["runs", "--limit", "1"]), "runs").len(), 1);

    let jobs = |filters: &[&str]| {
        let arguments: Vec<&str> = ["jobs"].iter().chain(filters).copied().collect();
        list(&answer(&scene, &arguments), "jobs")
    };
    let all = jobs(&["--limit", "500"]);
    let count = |wanted: &dyn Fn(&Value) -> bool| all.iter().filter(|job| wanted(job)).count();
    assert_eq!(jobs(&["--failed"]).len(), 1);
    assert_eq!(jobs(&["--status", "failed"]), jobs(&["--failed"]));
    let of_desk = count(&|job| job["target"] == "desk");
    assert!(of_desk > 0 && of_desk < all.len());
    assert_eq!(jobs(&["--limit", "500", "--target", "desk"]).len(), of_desk);
    let of_run = count(&|job| job["job"].as_str().unwrap().starts_with("2."));
    assert_eq!(jobs(&["--run", "2"]).len(), of_run);
    let of_one = count(&|job| job["employee"] == "1002");
    assert_eq!((of_one, jobs(&["--employee", "1002"]).len()), (3, 3));
    assert_eq!(jobs(&["--employee", "1002", "--run", "2", "--target", "desk", "--status", "succeeded"]).len(), 1);
    scene.run(&["jobs", "--target", "dsek"], 2).says("there is no target `dsek`; did you mean `desk`?");
    scene.run(&["jobs", "--status", "lost"], 2).says("known: succeeded, failed, held, skipped, not_attempted");

    // When somebody was last in line with each target.
    let last = list(&answer(&scene, &["jobs", "--employee", "1003"]), "last_in_sync");
    assert_eq!(
        last.iter().map(|one| (&one["target"], &one["run"])).collect::<Vec<_>>(),
        [(&json!("desk"), &json!("2")), (&json!("list"), &json!("2"))]
    );
    let last = list(&answer(&scene, &["jobs", "--employee", &hired.to_string()]), "last_in_sync");
    assert_eq!(last.len(), 1, "in the list only: {last:?}");
    for table in [&["runs"][..], &["jobs"], &["jobs", "--employee", "1003"], &["status"]] {
        scene.run(table, 0).shows("desk");
    }
}

#[test]
fn a_job_shows_every_step() {
    let (scene, hired) = one_fails();
    let failed = list(&answer(&scene, &["jobs", "--failed"]), "jobs").remove(0);
    let id = failed["job"].as_str().unwrap();
    let job = list(&answer(&scene, &["jobs", "show", id]), "jobs").remove(0);
    assert_eq!(job, failed);
    assert_eq!(
        (&job["employee"], &job["ops"], &job["code"]),
        (&json!(hired.to_string()), &json!(["create"]), &json!("already_exists"))
    );
    let steps = list(&job, "steps");
    assert_eq!(steps[0], json!({"method": "POST", "path": "/api/v2/requesters", "status": 400}));
    assert!(job["error"].as_str().unwrap().contains("primary_email"), "{job}");
    assert!(job["advice"].as_str().unwrap().contains("retry"), "{job}");
    assert!(job["fields"].as_array().unwrap().contains(&json!("primary_email")));
    scene.run(&["jobs", "show", id], 0).shows("POST /api/v2/requesters → 400").shows("advice");
    scene.run(&["jobs", "show", "77.1"], 2).says("there is no job 77.1");
}

#[test]
fn a_retry_plans_afresh_and_repeats_no_old_request() {
    for by_number in [false, true] {
        let (scene, hired) = one_fails();
        let id = list(&answer(&scene, &["jobs", "--failed"]), "jobs")[0]["job"].as_str().unwrap().to_owned();
        scene.change(hired, json!({"email": "ona@example.com", "last_name": "Later"}));
        // Somebody else's change is none of a retry's business.
        scene.change(1003, json!({"position": "Later"}));
        scene.sandbox.clear_requests();
        let arguments: Vec<&str> =
            if by_number { vec!["retry", &id, "--yes"] } else { vec!["retry", "--failed", "--yes"] };
        scene.run(&arguments, 0).says("retrying 1 employee");
        let made = scene.requester(hired);
        assert_eq!((&made["primary_email"], &made["last_name"]), (&json!("ona@example.com"), &json!("Later")));
        assert_ne!(scene.requester(1003)["job_title"], "Later");
        assert_eq!(scene.writes().iter().filter(|write| write.starts_with("POST")).count(), 1);
        scene.run(&["retry", "--failed", "--yes"], 0).says("nothing to retry");
        // Where nothing is to be done any more, nothing is done.
        scene.sandbox.clear_requests();
        scene.run(&["retry", &id, "--yes"], 0);
        assert_eq!(scene.writes(), [""; 0]);
    }
}

#[test]
fn a_retry_is_for_those_whom_it_still_concerns() {
    let (scene, hired) = one_fails();
    scene.change(hired, json!({"email": "ona@example.com"}));
    scene.sync();
    scene.run(&["retry", "--failed", "--yes"], 0).says("nothing to retry");
    scene.run(&["retry"], 2);
    scene.run(&["retry", "99.9", "--yes"], 2).says("there is no job 99.9");
}

#[test]
fn status_tells_the_age_of_what_is_there() {
    let scene = Scene::new(12, &format!("{}{LIST}", DESK.replace("match =", "every = \"24h\"\nmatch =")));
    let status = scene.run(&["status", "--max-age", "26h", "--format", "json"], 6).json();
    assert_eq!(list(&status, "problems").len(), 2, "never is too old");
    sync(&scene, &["desk"], 0);
    let status = scene.run(&["status", "--max-age", "26h", "--format", "json"], 6).json();
    let problems = list(&status, "problems");
    assert_eq!((problems.len(), &problems[0]["target"], &problems[0]["code"]), (1, &json!("list"), &json!("too_old")));
    let targets = list(&status, "targets");
    let (desk, other) = (&targets[0], &targets[1]);
    assert!(desk["last_run"].is_string() && desk["last_success"].is_string() && desk["next_due"].is_string(), "{desk}");
    assert!(desk["succeeded"].as_u64().unwrap() > 8 && desk["tasks"].as_u64().unwrap() > 8, "{desk}");
    assert_eq!((&other["last_run"], &other["tasks"]), (&Value::Null, &json!(0)));
    sync(&scene, &[], 0);
    scene.run(&["status", "--max-age", "26h"], 0);
    scene.run(&["status", "--max-age", "0s"], 6);
    // A run that could not read the target brought nobody in line.
    let before = answer(&scene, &["status"])["targets"][0]["last_success"].clone();
    scene.sandbox.system(|service: &mut Freshservice| service.options.key_revoked = true);
    sync(&scene, &[], 7);
    assert_eq!(answer(&scene, &["status"])["targets"][0]["last_success"], before);
}

#[test]
fn history_is_kept_as_long_as_the_file_says() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    scene.change(1002, json!({"position": "Changed"}));
    scene.configure(&format!("{DESK}[state]\nkeep = \"0s\"\n"));
    let ran = scene.try_run(&["sync", "--yes"]);
    if ran.code == 2 {
        // Not even for a moment is no length of time; then the shortest there is.
        scene.configure(&format!("{DESK}[state]\nkeep = \"1s\"\n"));
        scene.sync();
    }
    let runs = list(&answer(&scene, &["runs"]), "runs");
    assert!(runs.len() <= 2, "{runs:?}");
    // Links are no history.
    scene.change(1002, json!({"email": "new@example.com"}));
    assert_eq!(summary(&scene.sync(), "update"), 1);
}

#[test]
fn calls_are_counted_and_stop_a_run_that_cannot_finish() {
    let budget = |tasks: u64| format!("{DESK}[budget]\ntasks = {tasks}\nperiod = \"month\"\nwarn_at = \"80%\"\n");
    let scene = Scene::new(12, &budget(500));
    let forecast = plan(&scene, &[], 0)["targets"][0]["forecast"]["calls"].as_u64().unwrap();
    scene.run(&["plan"], 0).shows("call");
    sync(&scene, &[], 0);
    let used = answer(&scene, &["status"])["tasks"]["used"].as_u64().unwrap();
    assert_eq!(used, scene.writes().len() as u64, "every call on behalf of somebody is one task");
    assert!((used..=used + 4).contains(&forecast), "{forecast} {used}");
    assert_eq!(answer(&scene, &["status"])["tasks"]["limit"], 500);

    // A run that needs one call, with just that much left, and then with nothing left.
    scene.change(1002, json!({"position": "One"}));
    scene.configure(&budget(used + 1));
    let document = sync(&scene, &[], 0);
    assert_eq!(document["problems"][0]["code"], "budget_low", "{document:#}");
    scene.change(1002, json!({"position": "Two"}));
    scene.change(1003, json!({"position": "Two"}));
    scene.configure(&budget(used + 2));
    scene.sandbox.clear_requests();
    let document = sync(&scene, &[], 4);
    let (code, detail) = hold(&document);
    assert_eq!(code, "budget");
    assert_eq!(
        detail,
        format!("this run needs about 2 calls, and 1 of {} are left in this period (budget.tasks)", used + 2)
    );
    let outcomes: Vec<&str> =
        changes(&document).iter().map(|change| change["outcome"]["status"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["succeeded", "held"], "what fits goes on");
    assert_eq!(scene.writes().len(), 1);
    let planned = scene.run(&["plan", "--format", "json"], 4).json();
    assert_eq!(planned["problems"][0]["code"], "budget", "{planned:#}");
    assert!(planned["problems"][0]["message"].as_str().unwrap().starts_with("1 change waits until "), "{planned:#}");
    scene.configure(&budget(used + 3));
    sync(&scene, &[], 0);
    scene.assert_settled("with the budget used up");
    // Where nothing is to be done, nothing is in the way, and how little is left is told all the same.
    let document = sync(&scene, &[], 0);
    assert_eq!(document["problems"][0]["code"], "budget_low", "{document:#}");
}

#[test]
fn files_cost_nothing_and_a_target_may_have_a_budget_of_its_own() {
    let own = format!("{DESK}{LIST}[targets.desk.budget]\ntasks = 1\n");
    for (file, key) in [
        (format!("{DESK}{LIST}[budget]\ntasks = 1\n"), "budget.tasks"),
        (format!("{DESK}{LIST}[budget]\ntasks = 1\ntargets = [\"desk\"]\n"), "budget.tasks"),
        (own, "targets.desk.budget.tasks"),
    ] {
        let scene = Scene::new(5, &file);
        let document = sync(&scene, &[], 4);
        let message = document["problems"][0]["message"].as_str().unwrap();
        assert!(message.contains("1 of 1 are left") && message.ends_with(&format!("({key})")), "{message}");
        assert!(scene.path("list.csv").exists(), "{key}: the file costs nothing");
        let status = answer(&scene, &["status"]);
        let line = |name: &str| {
            let targets = status["targets"].as_array().unwrap();
            targets.iter().find(|target| target["name"] == name).unwrap()["tasks"].clone()
        };
        assert_eq!((line("desk"), line("list")), (json!(1), json!(0)), "{status:#}");
        sync(&scene, &["list"], 0);
    }
}

/// Whoever finds that a run ended finds what needs a hand after it, too: it may be killed in the very next moment.
#[test]
fn what_needs_a_hand_is_kept_before_a_run_has_an_end() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    let connection = rusqlite::Connection::open(scene.path("personio-sync.sqlite")).unwrap();
    let at_the_end = "CREATE TABLE at_the_end (todos);
        CREATE TRIGGER ending AFTER UPDATE OF exit_code ON runs
        BEGIN INSERT INTO at_the_end SELECT COUNT(*) FROM todos; END";
    connection.execute_batch(at_the_end).unwrap();
    scene.hire(json!({"first_name": "Ona", "last_name": "Newcomer", "email": "ona@localhost"}));
    sync(&scene, &[], 3);
    let todos: i64 = connection.query_row("SELECT todos FROM at_the_end", [], |row| row.get(0)).unwrap();
    assert_eq!(todos, 1);
}

#[test]
fn a_run_that_could_read_nothing_is_in_the_history() {
    let list = LIST.replace("list.csv", "no-such-folder/list.csv");
    let scene = Scene::new(12, &format!("{DESK}{list}"));
    scene.faults("personio:503@100%");
    scene.run(&["sync", "--yes"], 6);
    let runs = list_of(&scene, "runs");
    assert_eq!((runs.len(), &runs[0]["exit_code"]), (1, &json!(6)));
    let unread = |scene: &Scene| {
        let targets = list_of(scene, "status");
        targets.iter().map(|line| (line["last_run"].is_string(), line["unread"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(unread(&scene), [(true, json!("unavailable")), (true, json!("unavailable"))]);
    scene.run(&["status", "--html", "page.html"], 0).shows("desk (not read: unavailable)");
    assert!(scene.read("page.html").contains("not read: unavailable"));
    // Personio is there again, and one of the targets is not.
    scene.faults("");
    scene.run(&["sync", "--yes"], 6);
    assert_eq!(unread(&scene), [(true, Value::Null), (true, json!("unavailable"))]);
    let failed = scene.run(&["sync", "--yes", "--employee", "77"], 2);
    assert_eq!(list_of(&scene, "runs").len(), 2, "a mistake on the command line is no run: {failed:?}");
}

fn list_of(scene: &Scene, command: &str) -> Vec<Value> {
    list(&answer(scene, &[command]), if command == "status" { "targets" } else { command })
}
