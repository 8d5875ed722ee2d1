//! Two runs never work on one account, and a run that is stopped leaves nothing half done.

use std::io::{BufRead, BufReader, Read};

use personio_sync::sandbox::When;
use serde_json::{Value, json};

use super::super::scene::{DESK, Ran, Scene, program};
use super::{LIMIT, answer, await_write, outcomes, signal};

/// A second file beside the first: another target name, another state, the same account.
fn second_file(scene: &Scene) {
    let text = scene.read("personio-sync.toml").replace("targets.desk", "targets.helpdesk");
    scene.write("second.toml", &format!("{text}\n[state]\npath = \"second.sqlite\"\n"));
}

fn nobody_is_there_twice(scene: &Scene) {
    let mut numbers: Vec<String> = scene.requesters().iter().map(|one| one["external_id"].to_string()).collect();
    let all = numbers.len();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), all);
}

#[test]
fn a_second_file_for_the_same_account_is_told_who_holds_it() {
    let scene = Scene::new(12, DESK);
    second_file(&scene);
    let pause = scene.sandbox.pause_at("freshservice", 3, When::Before);
    let first = scene.start(&["sync", "--yes"]);
    await_write(&pause);
    let written = scene.writes();

    let arguments = ["sync", "--yes", "--config", "second.toml", "--format", "json"];
    let document = scene.run(&arguments, 11).says("another run works on freshservice:127.0.0.1").json();
    assert_eq!((&document["exit_code"], &document["problems"][0]["code"]), (&json!(11), &json!("locked")));
    let message = document["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains(&format!("process {}", first.id())), "{message}");
    assert!(message.contains("`sync --yes`"), "{message}");
    // For one employee, for a retry: whatever writes needs the lock.
    scene.run(&["sync", "--yes", "--config", "second.toml", "--employee", "1002"], 11);

    // What only looks needs none.
    for command in [&["plan"][..], &["explain", "1002"], &["status"], &["runs"], &["jobs"], &["check"]] {
        for file in ["second.toml", "personio-sync.toml"] {
            let arguments: Vec<&str> = command.iter().chain(&["--config", file]).copied().collect();
            scene.run(&arguments, 0);
        }
    }
    assert_eq!(scene.writes(), written, "nobody else wrote");

    pause.release();
    assert_eq!(Ran::of(first, &["sync"]).code, 0);
    scene.run(&arguments, 0);
    nobody_is_there_twice(&scene);
}

#[test]
fn waiting_for_the_lock() {
    let scene = Scene::new(12, DESK);
    second_file(&scene);
    let pause = scene.sandbox.pause_at("freshservice", 3, When::After);
    let first = scene.start(&["sync", "--yes"]);
    await_write(&pause);
    let reads = scene.requests("personio").len();
    let arguments = ["sync", "--yes", "--lock-timeout", "10m", "--config", "second.toml", "--format", "json"];
    let second = scene.start(&arguments);
    // Its own state is there, so it is about to ask for the lock.
    let started = std::time::Instant::now();
    while !scene.path("second.sqlite").exists() {
        assert!(started.elapsed() < LIMIT);
        std::thread::yield_now();
    }
    assert_eq!(scene.requests("personio").len(), reads, "who waits reads nothing that is old by the time it writes");
    pause.release();
    assert_eq!(Ran::of(first, &["sync"]).code, 0);
    let ran = Ran::of(second, &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(super::changes(&ran.json()).len(), 0, "everything was done by the first");
    nobody_is_there_twice(&scene);

    // A time that is over.
    let pause = scene.sandbox.pause_at("freshservice", 1, When::Before);
    scene.change(1002, json!({"position": "Changed"}));
    let first = scene.start(&["sync", "--yes"]);
    await_write(&pause);
    scene.run(&["sync", "--yes", "--lock-timeout", "1s"], 11);
    pause.release();
    assert_eq!(Ran::of(first, &["sync"]).code, 0);
}

#[test]
fn two_runs_in_the_same_instant() {
    let scene = Scene::new(12, DESK);
    let pause = scene.sandbox.pause_at("freshservice", 1, When::Before);
    let arguments = ["sync", "--yes"];
    let mut two = vec![scene.start(&arguments), scene.start(&arguments)];
    await_write(&pause);
    let started = std::time::Instant::now();
    let ended = loop {
        assert!(started.elapsed() < LIMIT, "one of the two has to give way");
        match two.iter_mut().position(|child| child.try_wait().unwrap().is_some()) {
            Some(place) => break two.remove(place),
            None => std::thread::yield_now(),
        }
    };
    let ran = Ran::of(ended, &arguments);
    assert_eq!(ran.code, 11, "{}", ran.stderr);
    pause.release();
    assert_eq!(Ran::of(two.remove(0), &arguments).code, 0);
    nobody_is_there_twice(&scene);
    scene.assert_settled("after two runs at once");
    assert_eq!(answer(&scene, &["runs"])["runs"].as_array().unwrap().len(), 1, "who was locked out did not run");
}

/// What cron, a service manager, a container and a terminal make different, and what people do with names of files.
#[cfg(unix)]
#[test]
fn two_runs_at_once_in_ten_environments() {
    type Change = fn(&Scene, &mut std::process::Command);
    let environments: [(&str, Change); 10] = [
        ("as it is", |_, _| {}),
        ("a runtime folder", |scene, run| {
            run.env("XDG_RUNTIME_DIR", folder(scene, "run"));
        }),
        ("another temporary folder", |scene, run| {
            run.env("TMPDIR", folder(scene, "tmp"));
        }),
        ("another name", |_, run| {
            run.env("USER", "somebody").env("LOGNAME", "somebody");
        }),
        ("no home", |_, run| {
            run.env_remove("HOME");
        }),
        ("another home", |scene, run| {
            run.env("HOME", folder(scene, "home"));
        }),
        ("another working folder", |scene, run| {
            run.current_dir(folder(scene, "elsewhere")).arg("--config").arg(scene.path("personio-sync.toml"));
        }),
        ("another name of the state", |scene, run| {
            std::os::unix::fs::symlink("personio-sync.sqlite", scene.path("link.sqlite")).unwrap();
            let text = scene.read("personio-sync.toml");
            scene.write("linked.toml", &format!("{text}\n[state]\npath = \"link.sqlite\"\n"));
            run.args(["--config", "linked.toml"]);
        }),
        ("another file for the same account", |scene, run| {
            second_file(scene);
            run.args(["--config", "second.toml"]);
        }),
        ("a service without a terminal's variables", |scene, run| {
            run.env_remove("HOME").env("TMPDIR", folder(scene, "tmp")).env("XDG_RUNTIME_DIR", folder(scene, "run"));
            run.env("USER", "root").env("INVOCATION_ID", "0123456789abcdef");
        }),
    ];
    for (what, change) in environments {
        let scene = Scene::new(12, DESK);
        let pause = scene.sandbox.pause_at("freshservice", 1, When::Before);
        let arguments = ["sync", "--yes"];
        let mut other = program(&scene.path("."));
        other.args(arguments);
        change(&scene, &mut other);
        let (tell, ended) = std::sync::mpsc::channel();
        for child in [scene.start(&arguments), other.spawn().unwrap()] {
            let tell = tell.clone();
            std::thread::spawn(move || tell.send(Ran::of(child, &arguments)));
        }
        await_write(&pause);
        let ran = ended.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("{what}: one of the two has to give way"));
        assert_eq!(ran.code, 11, "{what}: {}", ran.stderr);
        pause.release();
        assert_eq!(ended.recv_timeout(LIMIT).unwrap().code, 0, "{what}");
        nobody_is_there_twice(&scene);
    }
}

#[cfg(unix)]
fn folder(scene: &Scene, name: &str) -> std::path::PathBuf {
    let path = scene.path(name);
    std::fs::create_dir(&path).unwrap();
    path
}

#[cfg(unix)]
#[test]
fn a_folder_for_locks_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new(12, DESK);
    let locks = folder(&scene, "personio-sync.sqlite.locks");
    std::fs::set_permissions(&locks, std::fs::Permissions::from_mode(0o777)).unwrap();
    let ran = scene.run(&["sync", "--yes"], 2);
    ran.says(&locks.canonicalize().unwrap().display().to_string()).says("may be written to by others");
    assert_eq!(scene.sandbox.requests(), []);
    std::fs::remove_dir(&locks).unwrap();
    scene.sync();
}

#[test]
fn a_signal_finishes_what_is_under_way_and_leaves_the_rest() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let scene = Scene::new(40, DESK);
        let pause = scene.sandbox.pause_at("freshservice", 6, When::Before);
        let arguments = ["sync", "--yes", "--format", "json"];
        let mut child = scene.start(&arguments);
        await_write(&pause);
        signal(&child, name);
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        assert!(line.starts_with("stopping: writes under way are finished"), "{line}");
        pause.release();
        let ran = Ran::of(child, &arguments);
        errors.read_to_string(&mut line).unwrap();
        assert_eq!(ran.code, code, "{line}");
        let document = ran.json();
        let came = outcomes(&document);
        assert!(came["succeeded"] > 0 && came["not_attempted"] > 10, "{came:?}");
        let unset = |change: &&Value| {
            change["outcome"]["error"].as_str().unwrap_or_default().contains("is not set: the run was stopped")
        };
        let failed = super::changes(&document).iter().filter(|change| change["outcome"]["status"] == "failed");
        assert!(failed.clone().filter(unset).count() == failed.count(), "{document:#}");

        let runs = answer(&scene, &["runs"]);
        assert_eq!(runs["runs"][0]["exit_code"], code);
        let jobs = answer(&scene, &["jobs", "--status", "not_attempted"]);
        let not_attempted: Vec<&Value> = jobs["jobs"].as_array().unwrap().iter().collect();
        assert!(not_attempted.iter().all(|job| job["error"] == "the run was stopped"), "{jobs:#}");
        assert!(!not_attempted.is_empty());

        scene.sync();
        scene.assert_settled("after a signal");
        nobody_is_there_twice(&scene);
    }
}

#[test]
fn a_signal_ends_waiting_for_the_lock() {
    let scene = Scene::new(12, DESK);
    second_file(&scene);
    let pause = scene.sandbox.pause_at("freshservice", 1, When::Before);
    let first = scene.start(&["sync", "--yes"]);
    await_write(&pause);
    let arguments = ["sync", "--yes", "--lock-timeout", "10m", "--config", "second.toml"];
    let mut second = scene.start(&arguments);
    let started = std::time::Instant::now();
    while !scene.path("second.sqlite").exists() {
        assert!(started.elapsed() < LIMIT);
        std::thread::yield_now();
    }
    signal(&second, "INT");
    let status = second.wait().unwrap();
    let ran = Ran::of(second, &arguments);
    assert_eq!(status.code(), Some(130), "{}", ran.stderr);
    pause.release();
    assert_eq!(Ran::of(first, &["sync"]).code, 0);
}
