//! Finding people by id, e-mail address or name, in every command that takes one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use nix::pty::openpty;
use personio_sync::personio::simulated::Personio;
use serde_json::{Value, json};

use super::scene::{DESK, LIST, Ran, Scene, program};

/// Two of a name, one of a longer one.
fn scene() -> Scene {
    let scene = Scene::new(8, DESK);
    for (id, first, last, email) in [
        (1002, "Ada", "Kestrel", "ada@example.com"),
        (1003, "Ada", "Kestrel", "ada.kestrel@example.com"),
        (1004, "Adalbert", "Finch", "finch@example.com"),
    ] {
        scene.change(id, json!({"first_name": first, "last_name": last, "email": email}));
    }
    scene
}

fn planned(ran: &Ran) -> Vec<Value> {
    let document = ran.json();
    let changes = document["targets"][0]["changes"].as_array().unwrap();
    changes.iter().filter(|change| change["op"] == "create").map(|change| change["employee"].clone()).collect()
}

#[test]
fn an_address_or_a_whole_name_is_enough() {
    let scene = scene();
    for who in ["1004", "FINCH@example.com", "Adalbert Finch", "finch, adalbert"] {
        let ran = scene.run(&["plan", "--employee", who, "--format", "json"], 0);
        assert_eq!(planned(&ran), ["1004"], "{who}");
        scene.run(&["explain", who], 0).shows("Employee 1004: ");
    }
    scene.run(&["sync", "--yes", "--employee=adalbert finch"], 0);
    assert_eq!(scene.requester(1004)["primary_email"], "finch@example.com");

    // What is kept of the run names nobody.
    let runs = scene.run(&["runs", "--format", "json"], 0).json();
    assert_eq!(runs["runs"][0]["command"], "sync --yes --employee=1004");
    let jobs = scene.run(&["jobs", "--employee", "finch@example.com", "--format", "json"], 0).json();
    assert_eq!(jobs["jobs"][0]["employee"], "1004");

    let account = scene.requester(1004)["id"].to_string();
    scene.run(&["unlink", "Adalbert Finch", "desk", "--yes"], 0);
    scene.run(&["link", "finch@example.com", "desk", &account, "--yes"], 0).says("linked");
    scene.run(&["forget", "adalbert finch"], 0).says("employee 1004 is erased from the state");
}

#[test]
fn several_who_fit_are_told_apart_by_id_alone() {
    let scene = scene();
    for command in [&["plan", "--employee"][..], &["sync", "--yes", "--employee"], &["explain"], &["forget"]] {
        let run = |who: &str| scene.run(&[command, &[who]].concat(), 2);
        let mut told = String::new();
        for (who, words) in [
            ("Ada Kestrel", "2 employees fit: 1002, 1003; give the id"),
            ("bert", "1 employee fits by a part of their name, which is enough on a terminal only: 1004; give the id"),
            ("nobody of that name", "Personio delivers nobody who fits"),
            ("nobody@example.com", "Personio delivers nobody who fits"),
        ] {
            let ran = run(who);
            ran.says(words);
            told.push_str(&ran.stderr);
        }
        for value in ["Kestrel", "Finch", "bert", "example.com", "nobody of"] {
            assert!(!told.contains(value), "{command:?} says `{value}`:\n{told}");
        }
    }
    scene.run(&["approve", "desk/Ada Kestrel"], 2).says("2 employees fit: 1002, 1003; give the id");
    scene.run(&["held", "show", "desk/finch@example.com"], 2).says("last shown as held is called desk/1004;");
    scene.run(&["held", "show", "shop/finch@example.com"], 2).says("there is no target `shop`");
    assert_eq!(scene.writes(), [""; 0]);
}

#[test]
fn nobody_is_found_by_what_the_file_does_not_read() {
    let scene = scene();
    let people = ["Name = ", "E-mail = "];
    let list = LIST.lines().filter(|line| !people.iter().any(|column| line.starts_with(column)));
    scene.configure(&list.collect::<Vec<_>>().join("\n"));
    let ran = scene.run(&["plan", "--employee", "Adalbert Finch"], 2);
    ran.says("this file reads neither `first_name` nor `last_name`, so nobody is found by name; give the id");
    let ran = scene.run(&["plan", "--employee", "finch@example.com"], 2);
    ran.says("this file does not read `email`, so nobody is found by an address; give the id");
}

#[test]
fn an_id_contacts_nobody_where_only_the_state_is_read() {
    let scene = scene();
    let before = scene.sandbox.requests().len();
    scene.run(&["jobs", "--employee", "1004"], 0);
    scene.run(&["forget", "1004"], 0);
    assert_eq!(scene.sandbox.requests().len(), before);
}

#[test]
fn a_name_that_is_kept_finds_whoever_is_no_longer_delivered() {
    let scene = Scene::new(8, &format!("[state]\nkeep_names = true\n{DESK}"));
    scene.change(1004, json!({"first_name": "Adalbert", "last_name": "Finch"}));
    scene.sync();
    assert!(scene.sandbox.system(|personio: &mut Personio| personio.delete(1004)));
    let jobs = scene.run(&["jobs", "--employee", "adalbert finch", "--format", "json"], 0).json();
    assert_eq!(jobs["jobs"][0]["employee"], "1004");
    scene.run(&["forget", "Adalbert Finch"], 0).says("employee 1004 is erased");
    scene.run(&["forget", "Adalbert Finch"], 2).says("whoever it no longer delivers is found by id");
}

#[test]
fn on_a_terminal_somebody_chooses() {
    let scene = scene();
    let chosen = |who: &str, answer: &str| {
        let terminal = openpty(None, None).unwrap();
        let mut keyboard = File::from(terminal.master.try_clone().unwrap());
        keyboard.write_all(answer.as_bytes()).unwrap();
        let mut command = program(&scene.path(""));
        command.args(["jobs", "--employee", who]).stdin(Stdio::from(terminal.slave.try_clone().unwrap()));
        let child = command.stderr(Stdio::from(terminal.slave)).spawn().unwrap();
        drop(command);
        let mut screen = Vec::new();
        // Ends with an error once nobody holds the other end.
        let _ = File::from(terminal.master).read_to_end(&mut screen);
        (child.wait_with_output().unwrap().status.code().unwrap(), String::from_utf8(screen).unwrap())
    };
    let (code, screen) = chosen("ada kestrel", "2\n");
    assert!(screen.contains("1  1002     Ada Kestrel ada@example.com"), "{screen}");
    assert!(screen.contains("2  1003     Ada Kestrel ada.kestrel@example.com"), "{screen}");
    assert!(screen.contains("Who is meant? [1-2]"), "{screen}");
    assert_eq!(code, 0, "{screen}");
    let (code, screen) = chosen("bert", "1\n");
    assert!(screen.contains("Who is meant? [1]"), "{screen}");
    assert_eq!(code, 0, "{screen}");
    let (code, screen) = chosen("ada kestrel", "3\n");
    assert!(screen.contains("nobody was chosen; nothing was done"), "{screen}");
    assert_eq!(code, 2, "{screen}");
}
