//! The state cannot be written, is damaged, or is on a server.

use personio_sync::targets::freshservice::simulated::Freshservice;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::process::{Command, Stdio};

use personio_sync::sandbox::When;
use serde_json::json;

use super::super::scene::{DESK, Ran, Scene, program};
use super::{answer, await_write, come_back, hold, leave, sync};

const STATE: &str = "personio-sync.sqlite";

/// Runs the program with a limit to the size of every file it writes, in blocks of 512 bytes: a full disc.
fn with_little_room(scene: &Scene, blocks: u64, arguments: &[&str]) -> Ran {
    let plain = program(&scene.path("."));
    let mut command = Command::new("sh");
    // XFSZ ignored: the write fails, as it does on a full disc, instead of ending the process.
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")).arg(plain.get_program());
    command.args(arguments).current_dir(scene.path(".")).env_clear();
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ran::of(command.spawn().unwrap(), arguments)
}

/// Wherever the disc is full, what was sent had been recorded, and the next run knows it.
#[test]
fn a_full_disc_at_every_write_of_the_state() {
    let scene = Scene::new(12, DESK);
    let (mut refused, mut stopped, mut came_through) = (0, 0, 0);
    let mut blocks = 0;
    loop {
        let ran = with_little_room(&scene, blocks, &["sync", "--yes"]);
        match ran.code {
            0 => came_through += 1,
            _ if scene.writes().is_empty() => refused += 1,
            _ => stopped += 1,
        }
        if ran.code != 0 {
            assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains("state"), "{}", ran.stderr);
        }
        // With room again, everything is found and nobody is made twice.
        if !scene.writes().is_empty() {
            let document = scene.sync();
            let mut numbers: Vec<String> =
                scene.requesters().iter().map(|requester| requester["external_id"].to_string()).collect();
            let all = numbers.len();
            numbers.sort();
            numbers.dedup();
            assert_eq!(numbers.len(), all, "{document:#}");
            scene.assert_settled("with room again");
        }
        if came_through > 0 {
            break;
        }
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(scene.path(&format!("{STATE}{suffix}")));
        }
        let fresh = Scene::new(12, DESK);
        let empty = fresh.sandbox.system(|service: &mut Freshservice| service.clone());
        scene.sandbox.system(|service: &mut Freshservice| *service = empty);
        scene.sandbox.clear_requests();
        blocks += 8;
        assert!(blocks < 10_000, "it never comes through");
    }
    assert!(refused > 2 && stopped > 0, "{refused} {stopped}");
}

#[cfg(unix)]
#[test]
fn without_the_right_to_write_nothing_is_sent() {
    let scene = Scene::new(12, DESK);
    scene.configure(&format!("{DESK}[state]\npath = \"nowhere/state.sqlite\"\n"));
    let ran = scene.run(&["sync", "--yes", "--format", "json"], 1);
    ran.says("check the rights of the file and of its folder");
    assert_eq!(scene.sandbox.requests(), []);
    scene.configure(&format!("{DESK}[state]\npath = \".\"\n"));
    scene.run(&["sync", "--yes"], 1);
    scene.configure(&format!("{DESK}[state]\npath = \"/proc/state.sqlite\"\n"));
    scene.run(&["sync", "--yes"], 1);
    assert_eq!(scene.sandbox.requests(), []);
}

/// A copy that was made while the file was written: some pages are of another time.
#[test]
fn a_torn_copy_is_refused_and_left_as_it_is() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    scene.change(1002, json!({"position": "Changed"}));
    scene.sandbox.clear_requests();
    let whole = std::fs::read(scene.path(STATE)).unwrap();
    let torn: [(&str, Vec<u8>); 3] = [
        ("cut short", whole[..whole.len() / 2].to_vec()),
        ("pages of nothing", {
            let mut bytes = whole.clone();
            let half = bytes.len() / 2;
            bytes[4096..half].fill(0);
            bytes
        }),
        ("something else", b"SQLite format 2, or so it says\n".repeat(200)),
    ];
    for (what, bytes) in torn {
        std::fs::write(scene.path(STATE), &bytes).unwrap();
        let ran = scene.run(&["sync", "--yes"], 1);
        ran.says("is damaged").says("move it away");
        assert_eq!(scene.writes(), [""; 0], "{what}");
        assert_eq!(std::fs::read(scene.path(STATE)).unwrap(), bytes, "{what}: left as it is");
    }
    std::fs::remove_file(scene.path(STATE)).unwrap();
    scene.sync();
    scene.assert_settled("after it was moved away");
}

#[test]
fn a_state_of_a_newer_version_is_refused() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    let connection = rusqlite::Connection::open(scene.path(STATE)).unwrap();
    connection.execute("UPDATE meta SET value = '999' WHERE name = 'schema'", []).unwrap();
    drop(connection);
    scene.sandbox.clear_requests();
    scene.run(&["sync", "--yes"], 2).says("was written by a newer personio-sync");
    assert_eq!(scene.sandbox.requests(), []);
}

/// Between two runs the file may be appended to by nobody; a log that a killed run left is part of it.
#[test]
fn the_log_of_a_killed_run_counts() {
    let scene = Scene::new(12, DESK);
    let pause = scene.sandbox.pause_at("freshservice", 6, When::After);
    let mut child = scene.start(&["sync", "--yes"]);
    await_write(&pause);
    child.kill().unwrap();
    child.wait().unwrap();
    pause.abandon();
    let mut log = std::fs::OpenOptions::new().read(true).write(true).open(scene.path(&format!("{STATE}-wal"))).unwrap();
    let mut end = Vec::new();
    log.read_to_end(&mut end).unwrap();
    assert!(!end.is_empty(), "the intents are in the log");
    // Half a record at its end, as a power failure leaves it.
    log.seek(SeekFrom::End(0)).unwrap();
    log.write_all(&end[..100.min(end.len())]).unwrap();
    drop(log);
    scene.sync();
    scene.assert_settled("after a torn log");
}

/// What runners that share a state on a server have to show once more.
#[test]
fn a_state_on_a_server() {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        assert!(std::env::var_os("CI").is_none(), "TEST_DATABASE_URL is not set");
        eprintln!("skipped: TEST_DATABASE_URL is not set");
        return;
    };
    let schema = format!("t{}_binary", std::process::id());
    let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options=-csearch_path%3D{schema}");
    let scene = Scene::new(12, &format!("{DESK}[state]\nurl = {{ file = \"address\" }}\n"));
    scene.write("address", &url);

    // Two machines: two folders with a file each, one lock.
    let pause = scene.sandbox.pause_at("freshservice", 4, When::Before);
    let arguments = ["sync", "--yes"];
    let mut child = scene.start(&arguments);
    await_write(&pause);
    scene
        .run(&["sync", "--yes"], 11)
        .says("another run works on freshservice:")
        .says(&format!("process {}", child.id()));
    for command in ["plan", "status", "runs"] {
        scene.run(&[command], 0);
    }
    // A machine that dies gives the lock back, and its open intents are settled by the next.
    child.kill().unwrap();
    child.wait().unwrap();
    pause.abandon();
    sync(&scene, &["--lock-timeout", "30s"], 0);
    scene.assert_settled("after a kill");
    assert!(!scene.path(STATE).exists());

    scene.hire(json!({"first_name": "Ona", "last_name": "New", "email": "ona@example.com"}));
    scene.change(1002, json!({"email": scene.email(1003)}));
    scene.change(1003, json!({"email": "moved.on@example.com"}));
    leave(&scene, 1004);
    scene.sync();
    scene.assert_settled("after a day");
    come_back(&scene, 1004);
    scene.sync();
    scene.assert_settled("after coming back");
    for employee in [1004, 1005, 1006] {
        leave(&scene, employee);
    }
    assert_eq!(hold(&sync(&scene, &[], 4)).0, "max_deactivate");
    assert_eq!(answer(&scene, &["jobs", "--status", "held"])["jobs"].as_array().unwrap().len(), 3);
    let links: i64 = client.query_one(&format!("SELECT count(*) FROM {schema}.links"), &[]).unwrap().get(0);
    assert_eq!(links, 13, "with the one who is an agent");
    scene.run(&["forget", "1002"], 0);
    scene.run(&["disconnect", "desk"], 0);
    let links: i64 = client.query_one(&format!("SELECT count(*) FROM {schema}.links"), &[]).unwrap().get(0);
    assert_eq!(links, 0);
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
}
