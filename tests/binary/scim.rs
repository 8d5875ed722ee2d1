//! What a SCIM service can do beyond single requests: batches, and versions.

use personio_sync::personio::simulated::Personio;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use personio_sync::sandbox::When;
use personio_sync::targets::scim::simulated::{BulkOptions, Scim, ScimOptions};
use serde_json::{Value, json};

use super::scene::{Ran, Scene, summary};

const WIKI: &str = r#"
[targets.wiki]
type = "scim"
base_url = "{base}/scim/wiki"
auth = { bearer = { env = "FRESHSERVICE_API_KEY" } }
match = ["externalId", "userName"]
bulk = true
[targets.wiki.mapping]
externalId = "employee_id"
userName = "email | lower"
"name.givenName" = "first_name"
"name.familyName" = "last_name"
title = "position"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = "supervisor"
"#;

const STATE: &str = "personio-sync.sqlite";
const LIMIT: Duration = Duration::from_secs(60);

fn wiki(scim: ScimOptions) -> Scene {
    let scene = Scene::new(30, WIKI);
    scene.sandbox.system(|wiki: &mut Scim| wiki.options = scim);
    scene
}

fn batches_of(most: usize) -> ScimOptions {
    let bulk = BulkOptions { max_operations: most, ..BulkOptions::default() };
    ScimOptions { bulk: Some(bulk), versions: true, ..ScimOptions::default() }
}

/// The user of an employee, who is there once.
fn user(scene: &Scene, employee: u64) -> (String, Value) {
    let mut found = scene.sandbox.system(|scim: &mut Scim| {
        let users = scim.directory("wiki").users();
        let own = users.filter(|(_, user)| user.get("externalId") == Some(&employee.to_string().into()));
        own.map(|(id, user)| (id.to_owned(), Value::Object(user.clone()))).collect::<Vec<_>>()
    });
    assert_eq!(found.len(), 1, "users of employee {employee}: {found:?}");
    found.remove(0)
}

fn writes(scene: &Scene) -> Vec<String> {
    scene.requests("scim").into_iter().filter(|request| !request.starts_with("GET")).collect()
}

/// A company in which people come, change and leave at once.
struct Morning {
    scene: Scene,
    /// How many users there are before it.
    users: usize,
    /// Who has left long ago.
    left: BTreeSet<u64>,
    scim: Option<(Scim, Vec<u8>)>,
}

impl Morning {
    fn new() -> Self {
        let scene = wiki(batches_of(4));
        scene.sync();
        let made: BTreeSet<u64> = scene.sandbox.system(|scim: &mut Scim| {
            let numbers =
                scim.directory("wiki").users().filter_map(|(_, user)| user.get("externalId")?.as_str()?.parse().ok());
            numbers.collect()
        });
        let people = scene
            .sandbox
            .system(|personio: &mut Personio| personio.company().people().iter().map(|one| one.id).collect());
        let left = BTreeSet::difference(&people, &made).copied().collect();
        let users = scene.sandbox.system(|scim: &mut Scim| scim.directory("wiki").users().count());
        let lead = scene.hire(json!({"first_name": "Nova", "last_name": "Lead", "email": "nova.lead@example.com"}));
        for (first, email) in [("Ona", "ona@example.com"), ("Piet", "piet@example.com")] {
            scene.hire(json!({"first_name": first, "last_name": "New", "email": email, "supervisor": lead}));
        }
        for employee in 1002..1008 {
            scene.change(employee, json!({"position": "Changed", "supervisor": lead}));
        }
        for employee in [1008, 1009] {
            scene.change(employee, json!({"status": "inactive"}));
        }
        let (first, second) = (scene.email(1010), scene.email(1011));
        scene.change(1010, json!({"email": second}));
        scene.change(1011, json!({"email": first}));
        scene.sandbox.clear_requests();
        Self { scene, users, left, scim: None }
    }

    /// Everything is as it was before.
    fn again(&mut self) {
        let scene = &self.scene;
        let (scim, state) = self.scim.get_or_insert_with(|| {
            let directories = scene.sandbox.system(|scim: &mut Scim| scim.clone());
            (directories, std::fs::read(scene.path(STATE)).unwrap())
        });
        scene.sandbox.system(|current: &mut Scim| *current = scim.clone());
        scene.faults("");
        scene.sandbox.clear_requests();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(scene.path(&format!("{STATE}{suffix}")));
        }
        std::fs::write(scene.path(STATE), state).unwrap();
    }

    /// The next run brings everything in line: nobody twice, everybody with the right manager.
    fn settles(&self, when: &str) {
        let scene = &self.scene;
        let ran = scene.try_run(&["sync", "--yes", "--format", "json"]);
        assert_eq!(ran.code, 0, "{when}\n{}{}", ran.stdout, ran.stderr);
        scene.assert_settled(when);
        let users = scene.sandbox.system(|scim: &mut Scim| scim.directory("wiki").users().count());
        assert_eq!(users, self.users + 3, "{when}");
        let people: BTreeMap<u64, (String, Option<u64>)> = scene.sandbox.system(|personio: &mut Personio| {
            // Whoever had left before the first run has no account.
            let people = personio.company().people().iter().filter(|person| !self.left.contains(&person.id));
            people.map(|person| (person.id, (person.email.clone(), person.supervisor))).collect()
        });
        for (employee, (email, supervisor)) in &people {
            let gone = [1008, 1009].contains(employee);
            let (_, found) = user(scene, *employee);
            assert_eq!(found["active"], !gone, "{when}: {employee}");
            assert_eq!(found["userName"], email.to_lowercase(), "{when}: {employee}");
            if let Some(supervisor) = supervisor.filter(|_| !gone) {
                let manager = &found["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"];
                assert_eq!(manager["value"], user(scene, supervisor).0, "{when}: {employee}");
            }
        }
    }
}

#[test]
fn a_batch_that_is_killed_or_whose_answer_is_lost_is_settled_by_the_next_run() {
    let mut morning = Morning::new();
    morning.again();
    let document = morning.scene.sync();
    for (number, expected) in [("create", 3), ("deactivate", 2)] {
        assert_eq!(summary(&document, number), expected, "{document:#}");
    }
    let sent = writes(&morning.scene);
    let count = sent.len() as u64;
    assert!(sent.iter().filter(|write| write.starts_with("POST /wiki/Bulk?")).count() >= 3, "{sent:#?}");
    assert!(count < 12, "{sent:#?}");
    morning.settles("undisturbed");
    for number in 1..=count {
        for when in [When::Before, When::After] {
            morning.again();
            let pause = morning.scene.sandbox.pause_at("scim", number, when);
            let mut child = morning.scene.start(&["sync", "--yes"]);
            assert!(pause.reached_within(LIMIT), "the write never came");
            child.kill().unwrap();
            child.wait().unwrap();
            pause.abandon();
            morning.settles(&format!("killed at write {number} of {count}, {when:?}"));
        }
        for fault in ["lost-answer", "500", "html502"] {
            morning.again();
            morning.scene.faults(&format!("scim:{fault}#{number}"));
            let ran = morning.scene.try_run(&["sync", "--yes"]);
            assert!([0, 3].contains(&ran.code), "{fault} {number}: {}{}", ran.stdout, ran.stderr);
            morning.scene.faults("");
            morning.settles(&format!("{fault} {number} of {count}"));
        }
    }
}

#[test]
fn batches_save_requests_and_come_to_the_same() {
    let scene = wiki(batches_of(100));
    let document = scene.sync();
    let made = summary(&document, "create").as_u64().unwrap();
    assert!(made > 20);
    let sent = writes(&scene);
    assert!(sent.len() < 8, "{sent:#?}");
    scene.assert_settled("in batches");
    // What a job was sent is told by its batch.
    let ran = scene.run(&["jobs", "--format", "json"], 0);
    assert!(ran.stdout.contains("/Bulk"), "{}", ran.stdout);
    // A batch that fails as a whole is one failure, after which the next is not sent if no more are allowed.
    let refusing =
        wiki(ScimOptions { bulk: Some(BulkOptions { refused: Some(500), ..BulkOptions::default() }), ..batches_of(9) });
    refusing.configure(&format!("{WIKI}[targets.wiki.safety]\nmax_failures = 1\n"));
    let document = refusing.run(&["sync", "--yes", "--format", "json"], 3).json();
    assert_eq!(summary(&document, "failed"), 11, "{document:#}");
    // Whom everybody reports to is made first, and alone.
    assert_eq!(writes(&refusing), ["POST /wiki/Users?", "POST /wiki/Bulk?"]);
}

#[test]
fn batches_that_are_asked_for_and_not_offered_are_told() {
    let scene = wiki(ScimOptions { bulk: None, ..ScimOptions::default() });
    let words = "`bulk` is asked for, and the service does not offer it";
    scene.run(&["plan"], 0).shows(words);
    let checked = scene.run(&["check", "--online"], 0);
    assert!(format!("{}{}", checked.stdout, checked.stderr).contains(words), "{checked:?}");
    scene.sync();
    assert!(writes(&scene).iter().all(|write| !write.contains("Bulk")));
    scene.assert_settled("one at a time");
}

#[test]
fn what_somebody_else_changes_meanwhile_is_kept() {
    for bulk in ["", "bulk = true\n"] {
        for (field, code) in [("nickName", 0), ("title", 3)] {
            let scene = wiki(batches_of(9));
            scene.configure(&WIKI.replace("bulk = true\n", bulk));
            scene.sync();
            let (id, _) = user(&scene, 1002);
            for employee in [1002, 1003] {
                scene.change(employee, json!({"position": "Gardener"}));
            }
            let arguments = ["sync", "--yes"];
            let pause = scene.sandbox.pause_at("scim", 1, When::Before);
            let child = scene.start(&arguments);
            assert!(pause.reached_within(LIMIT), "the write never came");
            scene.sandbox.system(|scim: &mut Scim| {
                scim.directory("wiki").change(&id, |user| _ = user.insert(field.into(), "By hand".into()));
            });
            pause.release();
            let ran = Ran::of(child, &arguments);
            assert_eq!(ran.code, code, "{field}: {}{}", ran.stdout, ran.stderr);
            let (_, found) = user(&scene, 1002);
            assert_eq!(found[field], "By hand");
            assert_eq!(user(&scene, 1003).1["title"], "Gardener");
            if code == 0 {
                assert_eq!(found["title"], "Gardener");
            } else {
                ran.shows("the account was changed by somebody else since it was read");
                scene.sync();
                assert_eq!(user(&scene, 1002).1["title"], "Gardener");
            }
            scene.assert_settled(field);
        }
    }
}

#[test]
fn a_service_that_leaves_out_what_is_false_takes_one_removal_and_one_return() {
    let scene = wiki(ScimOptions { leaves_false_out: true, ..ScimOptions::default() });
    scene.sync();
    let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
    scene.change(1003, json!({"status": "inactive", "termination_date": yesterday}));
    scene.sandbox.clear_requests();
    for run in 1..=4 {
        let document = scene.sync();
        assert_eq!(*summary(&document, "deactivate"), u64::from(run == 1), "run {run}: {document:#}");
        scene.assert_settled("after somebody left");
    }
    assert_eq!(writes(&scene).len(), 1, "{:?}", writes(&scene));
    scene.change(1003, json!({"status": "active", "termination_date": null}));
    let document = scene.sync();
    assert_eq!(*summary(&document, "reactivate"), 1, "{document:#}");
    scene.assert_settled("after they came back");
    assert_eq!(user(&scene, 1003).1["active"], true);
}
