//! Every exit status, by the shortest way to it.

use personio_sync::personio::simulated::Personio;
use std::process::Command;

use serde_json::{Value, json};

use super::scene::{DESK, LIST, Ran, Scene, summary};

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn outcomes(document: &Value) -> Vec<&str> {
    let targets = document["targets"].as_array().unwrap().iter();
    let changes = targets.flat_map(|target| target["changes"].as_array().unwrap());
    changes.map(|change| change["outcome"]["status"].as_str().unwrap()).collect()
}

#[test]
fn bad_input_is_2_with_its_place_before_anything_is_contacted() {
    let scene = Scene::new(10, DESK);
    let right = scene.read("personio-sync.toml");
    let table: &[(&str, &str, &str)] = &[
        (
            "job_title = ",
            "job_titel = ",
            "20:1: error: `freshservice` has no field `job_titel`; did you mean `job_title`?",
        ),
        (
            "type = \"freshservice\"",
            "type = \"freshservice\"\ndomian = \"acme\"",
            "11:1: error: [targets.desk] does not know `domian`; did you mean `domain`? known: ",
        ),
        (
            "type = \"freshservice\"",
            "type = \"freshservice\"\npaused = \"no\"",
            "11:10: error: `targets.desk.paused` must be true or false, not a text",
        ),
        (
            "\"FRESHSERVICE_API_KEY\"",
            "\"NOWHERE\"",
            "12:11: error: `targets.desk.api_key` cannot be read: the environment variable `NOWHERE` is not set",
        ),
        (
            "\"email | lower\"",
            "\"emial | lower\"",
            "19:17: error: `targets.desk.mapping.primary_email`: there is no attribute `emial`; did you mean `email`?",
        ),
        (
            "\"email | lower\"",
            "\"email | | lower\"",
            "19:17: error: `targets.desk.mapping.primary_email`: not an expression: unexpected `|`",
        ),
        (
            "first_name = \"first_name\"\n",
            "",
            "15:15: error: [targets.desk.mapping] must map `first_name`, which is required for every `freshservice` account",
        ),
        (
            "[\"external_id\", \"primary_email\"]",
            "[\"external_id\", \"external_id\"]",
            "13:25: error: duplicate match field `external_id`",
        ),
        (
            "/freshservice/desk\"",
            "/freshservice/desk\"\nunknown = 1",
            "12:1: error: [targets.desk] does not know `unknown`",
        ),
    ];
    for (from, to, message) in table {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right, "{from}");
        scene.write("personio-sync.toml", &wrong);
        for command in [&["sync", "--yes"][..], &["check"], &["plan"]] {
            scene.run(command, 2).says(message).says("personio-sync.toml:");
        }
    }
    for (from, to, message) in [
        (format!("{}/personio", scene.sandbox.base_url()), "http://api.personio.example", "5:12: error: "),
        (format!("{}/freshservice/desk", scene.sandbox.base_url()), "http://desk.example.com", "11:12: error: "),
    ] {
        scene.write("personio-sync.toml", &right.replacen(&from, to, 1));
        scene
            .run(&["sync", "--yes"], 2)
            .says(message)
            .says("must begin with https://; plain http is accepted for loopback only, and");
    }
    scene.write("personio-sync.toml", &right);
    scene.run(&["sync", "--yes", "dsek"], 2).says("there is no target `dsek`; did you mean `desk`?");
    scene.run(&["plan", "--config", "nowhere.toml"], 2).says("nowhere.toml: error: there is no such file");
    scene.run(&["plan", "--no-such-option"], 2).says("--no-such-option");
    assert_eq!(scene.sandbox.requests(), [], "somebody was contacted");

    scene.run(&["sync", "--yes", "--employee", "4711"], 2).says("Personio delivers no employee 4711");
    scene.run(&["explain", "4711"], 2).says("Personio delivers no employee 4711");
    scene.run(&["explain", "nobody@example.net"], 2).says("delivers nobody who fits");
    assert_eq!(scene.writes(), [""; 0]);
}

#[test]
fn all_problems_of_a_file_come_together() {
    let scene = Scene::new(5, DESK);
    let text =
        scene.read("personio-sync.toml").replace("position", "postion").replace("\"department\"", "\"deparment\"");
    scene.write("personio-sync.toml", &text);
    let ran = scene.run(&["plan"], 2);
    ran.says("`postion`").says("did you mean `position`?").says("`deparment`").says("did you mean `department`?");
}

#[test]
fn some_people_failing_is_3_and_the_others_are_done() {
    let scene = Scene::new(20, DESK);
    let text = scene.read("personio-sync.toml");
    scene.write(
        "personio-sync.toml",
        &text.replace("job_title = \"position\"", "job_title = { from = \"position\", on_empty = \"fail\" }"),
    );
    scene.change(1004, json!({"position": null}));
    let ran = scene.run(&["sync", "--yes", "--format", "json"], 3);
    let document = ran.json();
    assert_eq!(document["problems"][0]["code"], "some_failed");
    let skipped = document["targets"][0]["skipped"].as_array().unwrap();
    let skip = skipped.iter().find(|skip| skip["employee"] == "1004").unwrap();
    assert_eq!((&skip["reason"], &skip["detail"]), (&json!("field_empty"), &json!("job_title is empty")));
    assert!(outcomes(&document).iter().all(|status| *status == "succeeded"));
    assert!(outcomes(&document).len() > 15);

    // The target refuses one: a broken answer to a create is looked into, and is no reason to stop.
    let scene = Scene::new(20, DESK);
    scene.faults("freshservice:post:html502#5");
    let document = scene.run(&["sync", "--yes", "--format", "json"], 3).json();
    let failed = outcomes(&document).iter().filter(|status| **status == "failed").count();
    assert!((1..18).contains(&failed), "{document:#}");
    assert_eq!(*summary(&document, "failed"), failed);
    assert_eq!(scene.requesters().len(), outcomes(&document).len() - 3, "two references, and one who failed");
    scene.run(&["sync", "--yes"], 0);
    scene.assert_settled("after a failure");
}

#[test]
fn a_rail_that_holds_something_is_4_and_the_rest_is_done() {
    let scene = Scene::new(20, &format!("{LIST}[targets.list.safety]\nmax_create = 3\n{DESK}"));
    let document = scene.run(&["sync", "--yes", "--format", "json"], 4).json();
    let (list, desk) = (&document["targets"][0], &document["targets"][1]);
    assert!(list["changes"].as_array().unwrap().iter().all(|change| change["outcome"]["status"] == "held"));
    assert_eq!(list["changes"][0]["hold"]["code"], "max_create");
    assert!(desk["changes"].as_array().unwrap().iter().all(|change| change["outcome"]["status"] == "succeeded"));
    assert!(!scene.path("list.csv").exists());
    scene.run(&["plan"], 4).says("held by a safety rail");
}

#[test]
fn more_removals_than_the_limit_are_held_until_that_number_is_accepted() {
    let scene = Scene::new(30, DESK);
    scene.sync();
    for id in [1010, 1011, 1012, 1014, 1017] {
        scene.change(id, json!({"status": "inactive"}));
    }
    scene.change(1004, json!({"position": "Moved"}));
    let document = scene.run(&["sync", "--yes", "--format", "json"], 4).json();
    assert_eq!((summary(&document, "held"), summary(&document, "update")), (&json!(5), &json!(1)));
    let held = document["targets"][0]["changes"].as_array().unwrap().iter().find(|change| change["op"] == "deactivate");
    let hold = &held.unwrap()["hold"];
    assert_eq!(hold["code"], "max_deactivate");
    let detail = hold["detail"].as_str().unwrap();
    assert!(detail.ends_with("if they are right, approve them, or use --accept-removals 5"), "{detail}");
    assert_eq!(scene.requester(1004)["job_title"], "Moved", "the rest is done");
    scene.run(&["sync", "--yes", "--accept-removals", "4"], 4).shows("--accept-removals 4 is not that number");
    assert_eq!(scene.requester(1010)["active"], true);
    scene.run(&["sync", "--yes", "--accept-removals", "5"], 0);
    assert_eq!(scene.requester(1010)["active"], false);
    scene.assert_settled("accepted");
}

#[test]
fn an_untrusted_source_is_5_and_nobody_is_removed() {
    let scene = Scene::new(150, DESK);
    scene.sync();
    scene.change(1003, json!({"status": "inactive"}));
    scene.change(1004, json!({"position": "Moved"}));
    scene.faults("personio:remove-while-paging@100%");
    let ran = scene.run(&["sync", "--yes", "--format", "json"], 5);
    ran.says("not proven complete, so nobody is removed");
    let document = ran.json();
    assert_eq!(document["source"]["complete"], false);
    let changes = document["targets"][0]["changes"].as_array().unwrap();
    let of = |id: &str| changes.iter().find(|change| change["employee"] == id).unwrap();
    assert_eq!(of("1003")["hold"]["code"], "source_unproven");
    assert_eq!(of("1003")["outcome"]["status"], "held");
    assert_eq!(of("1004")["outcome"]["status"], "succeeded");
    assert_eq!(scene.requester(1003)["active"], true);

    // Of several reasons the first counts, and all are said: nobody could be asked either.
    scene.hire(json!({"email": "nova@example.com"}));
    let document = scene.run(&["sync", "--format", "json"], 5).says("--yes is needed").json();
    let codes: Vec<&Value> = document["problems"].as_array().unwrap().iter().map(|problem| &problem["code"]).collect();
    assert!(codes.contains(&&json!("source_unproven")) && codes.contains(&&json!("not_approved")), "{codes:?}");

    scene.sandbox.system(|personio: &mut Personio| {
        let ids: Vec<u64> = personio.company().people().iter().map(|person| person.id).collect();
        ids.into_iter().for_each(|id| assert!(personio.delete(id)));
    });
    scene.faults("");
    scene.run(&["sync", "--yes"], 5).says("Personio delivered no employee at all");
}

#[test]
fn nobody_listening_is_6() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let scene = Scene::new(5, DESK);
            let text = scene.read("personio-sync.toml");
            scene.write(
                "personio-sync.toml",
                &text.replace(&format!("{}/personio", scene.sandbox.base_url()), &nobody()),
            );
            let document = scene.run(&["sync", "--yes", "--format", "json"], 6).says("failed to read Personio").json();
            assert_eq!(document["problems"][0]["code"], "unavailable");
        });
        scope.spawn(|| {
            let scene = Scene::new(5, &format!("{LIST}{DESK}"));
            let text = scene.read("personio-sync.toml");
            let desk = format!("{}/freshservice/desk", scene.sandbox.base_url());
            scene.write("personio-sync.toml", &text.replace(&desk, &nobody()));
            let document = scene.run(&["sync", "--yes", "--format", "json"], 6).json();
            assert_eq!(document["targets"][1]["status"], "failed");
            assert_eq!(document["targets"][0]["status"], "ready", "the other target goes on");
            assert!(scene.path("list.csv").exists());
        });
    });
}

#[test]
fn a_refused_sign_in_is_7() {
    let scene = Scene::new(5, DESK);
    let right = scene.read("personio-sync.toml");
    for (from, to) in [("PERSONIO_CLIENT_SECRET", "WRONG_SECRET"), ("FRESHSERVICE_API_KEY", "WRONG_KEY")] {
        scene.write("personio-sync.toml", &right.replace(from, to));
        for command in [&["sync", "--yes", "--format", "json"][..], &["plan", "--format", "json"]] {
            let document = scene.run(command, 7).json();
            assert_eq!(document["exit_code"], 7);
            assert_eq!(document["problems"][0]["code"], "sign_in_or_rights_refused");
        }
        scene.run(&["check", "--online"], 7);
    }
    assert_eq!(scene.writes(), [""; 0]);
}

#[test]
fn a_secret_is_redacted_wherever_it_turns_up() {
    let named_like_its_key = DESK.replace("targets.desk", "targets.papaya-key");
    let scene = Scene::new(5, &named_like_its_key.replace("FRESHSERVICE_API_KEY", "WRONG_KEY"));
    for format in ["table", "json", "markdown"] {
        let ran = scene.run(&["plan", "--format", format], 7);
        assert!(!ran.stdout.contains("papaya-key") && !ran.stderr.contains("papaya-key"), "{ran:?}");
        ran.shows("***").says("***");
    }
}

#[test]
fn without_approval_it_is_8_and_nothing_is_written() {
    let scene = Scene::new(5, DESK);
    scene.run(&["sync"], 8).says("not applied: nobody can be asked here, so --yes is needed");
    let document = scene.run(&["sync", "--format", "json"], 8).json();
    assert_eq!(document["problems"][0]["code"], "not_approved");
    assert_eq!(scene.writes(), [""; 0]);
    scene.sync();
    scene.run(&["sync"], 0);
}

#[test]
fn a_reviewed_plan_that_does_not_hold_is_8() {
    let scene = Scene::new(12, DESK);
    let apply = |code| scene.run(&["sync", "--yes", "--plan", "plan.json"], code);
    scene.run(&["plan", "--out", "plan.json"], 0).says("apply it with `personio-sync sync --plan plan.json`");
    let reviewed = scene.read("plan.json");

    scene.write("plan.json", &reviewed.replacen("Rafael", "Raffael", 1));
    assert_ne!(scene.read("plan.json"), reviewed);
    apply(8).says("the plan was edited after it was made");

    scene.write("plan.json", "{}");
    apply(8).says("this is not a plan");
    scene.write("plan.json", &reviewed);

    let file = scene.read("personio-sync.toml");
    scene.write("personio-sync.toml", &format!("{file}# changed\n"));
    apply(8).says("made from another configuration file, or the file changed since");
    scene.write("personio-sync.toml", &file);

    scene.change(1002, json!({"last_name": "Anders"}));
    apply(8).says("no longer hold (desk: create employee 1002)").says("nothing was changed");
    assert_eq!(scene.writes(), [""; 0]);

    // Somebody among the rest reports to the one who is left out now.
    let arguments = ["sync", "--yes", "--plan", "plan.json", "--skip-stale"];
    scene.run(&arguments, 3).shows("reporting_manager_id is not set: the");
    let there: Vec<Value> = scene.requesters();
    assert!(there.iter().all(|requester| requester["external_id"] != "1002"));
    assert!(there.iter().any(|requester| requester["external_id"] == "1003"));
    scene.run(&["sync", "--yes", "--plan", "nowhere.json"], 2).says("nowhere.json cannot be read");
}

#[test]
fn pending_changes_are_10_where_that_is_asked_for() {
    let scene = Scene::new(5, LIST);
    scene.run(&["plan"], 0);
    scene.run(&["plan", "--detailed-exitcode"], 10);
    scene.sync();
    scene.run(&["plan", "--detailed-exitcode"], 0);
}

#[test]
fn a_signal_winds_down_and_the_next_run_goes_on() {
    std::thread::scope(|scope| {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            scope.spawn(move || {
                let scene = Scene::new(40, DESK);
                scene.faults("freshservice:post:latency=150ms");
                let arguments = ["sync", "--yes", "--format", "json"];
                let child = scene.start(&arguments);
                scene.await_writes(1);
                let id = child.id().to_string();
                assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
                let ran = Ran::of(child, &arguments);
                assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
                ran.says("stopping: writes under way are finished");
                let document = ran.json();
                assert_eq!(document["exit_code"], code);
                let statuses = outcomes(&document);
                assert!(statuses.contains(&"succeeded") && statuses.contains(&"not_attempted"), "{statuses:?}");
                let there = scene.requesters().len();
                let changes = document["targets"][0]["changes"].as_array().unwrap();
                let reported =
                    changes.iter().filter(|change| change["op"] == "create" && change["account"].is_string());
                assert_eq!(reported.count(), there, "what was sent was finished and is reported");
                scene.faults("");
                scene.sync();
                scene.assert_settled("after a signal");
            });
        }
    });
}
