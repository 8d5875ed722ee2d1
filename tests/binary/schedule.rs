//! `schedule`: files for schedulers, written and refused. Whether the schedulers take them, `.ci/schedules` shows.

use serde_json::json;

use super::scene::{DESK, LIST, Scene};

/// A desk that is looked at often, and at a time that two nights of a year do not have once.
fn scene() -> Scene {
    let scene = Scene::new(3, "");
    let desk = DESK.replace("type =", "every = \"45m\"\ntype =");
    let list = LIST.replace("type =", "every = \"24h\"\nat = \"02:30\"\ntype =");
    let file = scene.read("personio-sync.toml");
    scene.write("personio-sync.toml", &format!("timezone = \"Europe/Berlin\"\n{file}{desk}{list}"));
    scene
}

#[test]
fn files_go_to_standard_output_or_into_a_folder() {
    let scene = scene();
    let ran = scene.run(&["schedule", "systemd", "--user", "acme", "--command", "/usr/bin/personio-sync"], 0);
    ran.shows("==> personio-sync.timer <==").shows("User=acme").shows("FRESHSERVICE_API_KEY=''");
    ran.shows("ExecStart=/usr/bin/personio-sync sync --due --yes --config /");
    ran.says("list: 02:30 in Europe/Berlin: on ").says("it is skipped, and the slot begins when");

    let out = ["schedule", "systemd", "--out", "units"];
    scene.run(&out, 0).shows("personio-sync-alarm.timer").shows("written");
    scene.write("units/personio-sync.env", "FRESHSERVICE_API_KEY='filled in'\n");
    scene.run(&out, 0).shows("kept as it was");
    let timer = scene.read("units/personio-sync.timer");
    scene.write("units/personio-sync.timer", "mine");
    scene.run(&out, 2).says("is there already and differs; nothing was written").says("--replace");
    assert_eq!(scene.read("units/personio-sync.timer"), "mine");
    scene.run(&[&out[..], &["--replace"]].concat(), 0).shows("replaced");
    assert_eq!(scene.read("units/personio-sync.timer"), timer);
    assert_eq!(scene.read("units/personio-sync.env"), "FRESHSERVICE_API_KEY='filled in'\n");
}

#[test]
fn every_kind_has_its_files_in_every_format() {
    let scene = scene();
    for (kind, name) in [
        ("cron", "personio-sync"),
        ("systemd", "personio-sync.service"),
        ("github", ".github/workflows/personio-sync.yml"),
        ("gitlab", "personio-sync.gitlab-ci.yml"),
        ("kubernetes", "personio-sync.yml"),
        ("windows", "personio-sync.xml"),
    ] {
        let arguments = ["schedule", kind, "--image", "registry.example.com/personio-sync:1"];
        let document = scene.run(&[&arguments[..], &["--format", "json"]].concat(), 0).json();
        assert_eq!((&document["kind"], &document["scheduler"]), (&json!("schedule"), &json!(kind)));
        assert_eq!((&document["calls"], &document["max_age"]), (&json!("every 15 minutes"), &json!("26h")));
        assert_eq!(document["files"][0]["name"], name);
        assert_eq!(document["files"][0]["written"], json!(null));
        let files = document["files"].as_array().unwrap();
        let calls = |word| files.iter().any(|file| file["text"].as_str().unwrap().contains(word));
        assert!(calls("--due") && calls("--max-age"), "{document}");
        let markdown = scene.run(&[&arguments[..], &["--format", "markdown"]].concat(), 0);
        markdown.shows(&format!("`{name}`\n\n```text\n"));
    }
}

#[test]
fn what_a_scheduler_would_lose_or_cannot_do_is_said_before() {
    let scene = scene();
    let image = ["--image", "registry.example.com/personio-sync:1"];
    scene.run(&["schedule", "github"], 2).says("needs --image");
    let github = scene.run(&[&["schedule", "github"], &image[..]].concat(), 0);
    github.says("the state is a file, which is lost after each run").says("use `state.url`");
    scene.run(&["schedule", "windows"], 0).says("which every user of it may read (FRESHSERVICE_API_KEY");
    scene.run(&["schedule", "crond"], 2).says("invalid value 'crond'");
    scene.run(&["schedule", "cron", "--replace"], 2).says("--out");
    scene.run(&["schedule", "cron", "--user", "root root"], 2).says("takes the name of a user");
    scene.run(&["schedule", "--help"], 0).shows("kubernetes").shows("--image").shows("--max-age");
    scene.configure(LIST);
    scene.run(&["schedule", "cron"], 0).says("no target has `every`, so there is one call a day");
    scene.configure("");
    scene.run(&["schedule", "cron"], 2).says("names no target");
}

/// A misspelt zone would pass every schema.
#[test]
fn a_file_with_mistakes_makes_no_schedule() {
    let scene = scene();
    let file = scene.read("personio-sync.toml").replace("Europe/Berlin", "Europe/Berln");
    scene.write("personio-sync.toml", &file);
    scene.run(&["schedule", "kubernetes", "--image", "x"], 2).says("did you mean `Europe/Berlin`?");
}
