//! A run that ends at any moment is settled by the next one.

use personio_sync::personio::simulated::Personio;
use std::collections::BTreeMap;

use chrono::Utc;
use personio_sync::plan::Op;
use personio_sync::sandbox::When;
use personio_sync::simulation::{SECRET, SandboxRequest, System};
use personio_sync::state::{RunStart, State, StoredIntent, Who};
use personio_sync::targets::freshservice::simulated::Freshservice;
use serde_json::{Value, json};

use super::super::scene::{DESK, LIST, Ran, Scene, summary};
use super::{await_write, come_back, leave};

const STATE: &str = "personio-sync.sqlite";

/// A company in which everything is about to happen at once: people come, with departments, an office and managers
/// that are not there yet, people change, come back and leave.
struct Morning {
    scene: Scene,
    desk: Freshservice,
    state: Vec<u8>,
}

impl Morning {
    fn new() -> Self {
        let scene = Scene::new(12, DESK);
        scene.sync();
        leave(&scene, 1006);
        scene.sync();
        come_back(&scene, 1006);
        let lead = scene.hire(json!({"first_name": "Nova", "last_name": "Lead", "email": "nova.lead@example.com",
            "department": "Quantum Gardening", "office": "Reykjavík"}));
        for (first, email) in [("Ona", "ona@example.com"), ("Piet", "piet@example.com")] {
            scene.hire(json!({"first_name": first, "last_name": "New", "email": email,
                "department": "Quantum Gardening", "supervisor": lead}));
        }
        scene.change(1002, json!({"last_name": "Changed", "supervisor": lead}));
        scene.change(1003, json!({"position": "Changed", "department": "Tea"}));
        leave(&scene, 1004);
        leave(&scene, 1005);
        let desk = scene.sandbox.system(|service: &mut Freshservice| service.clone());
        let state = std::fs::read(scene.path(STATE)).unwrap();
        scene.sandbox.clear_requests();
        Self { scene, desk, state }
    }

    /// Everything is as it was before.
    fn again(&self) {
        self.scene.sandbox.system(|service: &mut Freshservice| *service = self.desk.clone());
        self.scene.faults("");
        self.scene.sandbox.clear_requests();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.scene.path(&format!("{STATE}{suffix}")));
        }
        std::fs::write(self.scene.path(STATE), &self.state).unwrap();
    }

    /// The next run brings everything in line: nobody twice, everybody with the right manager.
    fn settles(&self, when: &str) {
        let scene = &self.scene;
        let ran = scene.try_run(&["sync", "--yes", "--format", "json"]);
        assert_eq!(ran.code, 0, "{when}\n{}{}", ran.stdout, ran.stderr);
        scene.assert_settled(when);
        let requesters = scene.requesters();
        let mut by_number: BTreeMap<&str, &Value> = BTreeMap::new();
        for requester in &requesters {
            let number = requester["external_id"].as_str().unwrap();
            assert!(by_number.insert(number, requester).is_none(), "{when}: {number} is there twice");
        }
        scene.sandbox.system(|personio: &mut Personio| {
            for person in personio.company().people() {
                let Some(requester) = by_number.get(&*person.id.to_string()) else {
                    assert_eq!(person.id, AGENT, "{when}: {} has no account", person.id);
                    continue;
                };
                let gone = [1004, 1005].contains(&person.id);
                assert_eq!(requester["active"], !gone, "{when}: {}", person.id);
                let manager = person.supervisor.filter(|_| !gone).and_then(|id| by_number.get(&*id.to_string()));
                if let Some(manager) = manager {
                    assert_eq!(requester["reporting_manager_id"], manager["id"], "{when}: {}", person.id);
                }
            }
        });
        for made in ["Quantum Gardening", "Tea", "Reykjavík"] {
            assert_eq!(named(scene, made), 1, "{when}: {made}");
        }
    }
}

/// The one of the company's people who is an agent of the service desk.
const AGENT: u64 = 1007;

/// How many departments and locations have a name.
fn named(scene: &Scene, name: &str) -> usize {
    use base64::Engine as _;
    let key = base64::prelude::BASE64_STANDARD.encode(format!("{SECRET}:X"));
    let all = ["departments", "locations"].iter().flat_map(|what| {
        let request = SandboxRequest::get(&format!("/desk/api/v2/{what}?per_page=100"))
            .header("authorization", &format!("Basic {key}"));
        let answer = scene.sandbox.system(|service: &mut Freshservice| service.handle(&request));
        answer.value()[*what].as_array().unwrap().clone()
    });
    all.filter(|place| place["name"] == name).count()
}

/// How many writes the whole morning takes, and that it works at all.
fn all_writes(morning: &Morning) -> u64 {
    let document = morning.scene.sync();
    for (number, expected) in [("create", 3), ("reactivate", 1), ("deactivate", 2)] {
        assert_eq!(summary(&document, number), expected, "{document:#}");
    }
    assert!(summary(&document, "update").as_u64().unwrap() >= 2, "{document:#}");
    let writes = morning.scene.writes();
    let updates = |request: &String| request.starts_with("PUT") && !request.contains("reactivate");
    assert!(writes.iter().filter(|request| updates(request)).count() >= 3, "updates, too: {writes:#?}");
    morning.settles("undisturbed");
    writes.len() as u64
}

fn killed_at_every_write(when: When) {
    let morning = Morning::new();
    let writes = all_writes(&morning);
    for number in 1..=writes {
        morning.again();
        let pause = morning.scene.sandbox.pause_at("freshservice", number, when);
        let mut child = morning.scene.start(&["sync", "--yes"]);
        await_write(&pause);
        child.kill().unwrap();
        child.wait().unwrap();
        pause.abandon();
        let done = u64::from(when == When::After);
        assert_eq!(morning.scene.writes().len() as u64, number - 1 + done, "what was carried out when it was killed");
        morning.settles(&format!("killed at write {number} of {writes}, {when:?}"));
    }
}

#[test]
fn killed_before_each_write_is_carried_out() {
    killed_at_every_write(When::Before);
}

#[test]
fn killed_after_each_write_was_carried_out() {
    killed_at_every_write(When::After);
}

#[test]
fn each_answer_lost_after_the_write_was_carried_out() {
    let morning = Morning::new();
    let writes = all_writes(&morning);
    for number in 1..=writes {
        morning.again();
        morning.scene.faults(&format!("freshservice:lost-answer#{number}"));
        let ran = morning.scene.try_run(&["sync", "--yes"]);
        assert!([0, 3].contains(&ran.code), "answer {number} lost: {}{}", ran.stdout, ran.stderr);
        morning.scene.faults("");
        morning.settles(&format!("answer {number} of {writes} lost"));
    }
}

#[test]
fn a_run_that_is_killed_twice_in_a_row() {
    let morning = Morning::new();
    for (number, when) in [(6, When::After), (3, When::Before), (2, When::After)] {
        let pause = morning.scene.sandbox.pause_at("freshservice", number, when);
        let mut child = morning.scene.start(&["sync", "--yes"]);
        await_write(&pause);
        child.kill().unwrap();
        child.wait().unwrap();
        pause.abandon();
    }
    morning.settles("killed three times");
}

/// The rows of a file are replaced in one step, so a killed run has written all of them or none.
#[test]
fn a_file_is_written_whole_or_not_at_all() {
    for marks in [false, true] {
        let marked = LIST.replace("match =", "inactive = { column = \"State\", value = \"left\" }\nmatch =");
        let scene = Scene::new(12, if marks { &marked } else { LIST });
        scene.sync();
        let before = scene.read("list.csv");
        let hired = scene.hire(json!({"first_name": "Ona", "last_name": "New", "email": "ona@example.com"}));
        scene.change(1002, json!({"last_name": "Changed"}));
        leave(&scene, 1004);
        let state = std::fs::read(scene.path(STATE)).unwrap();
        scene.sync();
        let after = scene.read("list.csv");
        assert_ne!(before, after);
        for (what, content) in [("nothing", &before), ("everything", &after)] {
            scene.write("list.csv", content);
            std::fs::write(scene.path(STATE), &state).unwrap();
            leave_open_intents(&scene, hired);
            let ran = scene.try_run(&["sync", "--yes"]);
            assert_eq!(ran.code, 0, "{what} was written: {}{}", ran.stdout, ran.stderr);
            assert_eq!(scene.read("list.csv"), after, "{what} was written");
            scene.assert_settled(what);
        }
    }
}

/// What a killed run leaves in the state: intents, and no outcome.
fn leave_open_intents(scene: &Scene, hired: u64) {
    let state = State::open(&scene.path(STATE)).unwrap();
    let now = Utc::now();
    let by = &Who::default();
    let start = RunStart { at: now, command: "sync", as_of: now.date_naive(), tool: "test", by, targets: &["list"] };
    let run = state.start_run(&start).unwrap();
    let intent = |op, employee: u64, fields: &[&str]| StoredIntent {
        employee: Some(personio_sync::employee::EmployeeId(employee)),
        account: (op != Op::Create).then(|| employee.to_string().as_str().into()),
        op,
        fields: fields.iter().map(|field| (*field).into()).collect(),
        fingerprint: state.hasher().fingerprint("intent", []),
        from: None,
    };
    let intents = [
        intent(Op::Create, hired, &["Employee", "Name", "E-mail", "Since"]),
        intent(Op::Update, 1002, &["Name"]),
        intent(Op::Deactivate, 1004, &[]),
    ];
    assert_eq!(state.record(run, "list", &[], &intents, now).unwrap().len(), 3);
}

/// A plan that says nothing of somebody does not tell what came of their writes: neither one for somebody else nor one that a
/// review cut down.
#[test]
fn what_is_open_of_others_stays_open() {
    let scene = Scene::new(12, LIST);
    scene.sync();
    scene.change(1002, json!({"last_name": "Changed"}));
    scene.change(1003, json!({"last_name": "Changed"}));
    leave(&scene, 1004);
    leave_open_intents(&scene, 1001);
    let open = || State::open(&scene.path(STATE)).unwrap().memory("list", Utc::now()).unwrap().open.len();
    scene.run(&["sync", "--yes", "--employee", "1003"], 0);
    assert_eq!(open(), 3, "of nobody who was looked at");
    scene.run(&["sync", "--yes", "--employee", "1002"], 0);
    assert_eq!(open(), 2, "theirs alone");
    scene.sync();
    assert_eq!(open(), 0);
}

/// Between reading and writing nothing has happened that would need settling.
#[test]
fn killed_before_anything_is_written() {
    let scene = Scene::new(12, &format!("{DESK}{LIST}"));
    let pause = scene.sandbox.pause_at("freshservice", 1, When::Before);
    let arguments = ["sync", "--yes", "desk"];
    let mut child = scene.start(&arguments);
    await_write(&pause);
    child.kill().unwrap();
    let ran = Ran::of(child, &arguments);
    assert_eq!(ran.code, -1);
    pause.abandon();
    assert_eq!(scene.requesters().len(), 0);
    assert!(!scene.path("list.csv").exists());
    scene.sync();
    scene.assert_settled("after a kill");
}
