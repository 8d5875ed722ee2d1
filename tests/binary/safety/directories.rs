//! Slack and Entra: whatever goes wrong on the way, nobody exists twice and the next run brings all in line.

use std::collections::BTreeSet;
use std::time::Duration;

use personio_sync::sandbox::When;
use personio_sync::targets::entra::simulated::Entra;
use personio_sync::targets::slack::simulated::Slack;
use serde_json::{Value, json};

use super::super::scene::{ENTRA, SLACK, Scene, summary, uploading};
use super::{await_write, change_of, changes, come_back, leave, plan, sync};

const STATE: &str = "personio-sync.sqlite";

/// A directory in which everything is about to happen at once.
struct Morning {
    scene: Scene,
    system: &'static str,
    slack: Slack,
    entra: Entra,
    state: Vec<u8>,
    hired: Vec<u64>,
}

impl Morning {
    fn new(system: &'static str, section: &str) -> Self {
        let scene = Scene::new(12, section);
        // The sandbox learns which fields, groups and channels there are.
        scene.run(&["check", "--sandbox", &scene.address()], 0);
        scene.sync();
        leave(&scene, 1006);
        scene.sync();
        come_back(&scene, 1006);
        let lead = scene.hire(json!({"first_name": "Nova", "last_name": "Lead", "email": "nova.lead@example.com",
            "department": "Sales"}));
        let more = [("Ona", "Sales"), ("Piet", "Engineering")].map(|(first, department)| {
            let email = format!("{}@example.com", first.to_lowercase());
            scene.hire(json!({"first_name": first, "last_name": "New", "email": email, "department": department,
                "supervisor": lead}))
        });
        scene.change(1002, json!({"last_name": "Changed", "supervisor": lead}));
        scene.change(1003, json!({"position": "Changed", "department": "Tea"}));
        leave(&scene, 1004);
        leave(&scene, 1005);
        let state = std::fs::read(scene.path(STATE)).unwrap();
        let (slack, entra) = (
            scene.sandbox.system(|slack: &mut Slack| slack.clone()),
            scene.sandbox.system(|entra: &mut Entra| entra.clone()),
        );
        scene.sandbox.clear_requests();
        Self { scene, system, slack, entra, state, hired: [&[lead][..], &more].concat() }
    }

    /// Everything is as it was before.
    fn again(&self) {
        self.scene.faults("");
        self.scene.sandbox.system(|slack: &mut Slack| *slack = self.slack.clone());
        self.scene.sandbox.system(|entra: &mut Entra| *entra = self.entra.clone());
        self.scene.sandbox.clear_requests();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.scene.path(&format!("{STATE}{suffix}")));
        }
        std::fs::write(self.scene.path(STATE), &self.state).unwrap();
    }

    fn writes(&self) -> Vec<String> {
        let sent = self.scene.requests(self.system).into_iter();
        sent.filter(|request| !request.starts_with("GET") && !request.contains("/token?")).collect()
    }

    /// The next run brings everything in line: nobody twice, those who left out of use, those who came in.
    fn settles(&self, when: &str) {
        let ran = self.scene.try_run(&["sync", "--yes", "--format", "json"]);
        assert_eq!(ran.code, 0, "{when}\n{}{}", ran.stdout, ran.stderr);
        self.scene.assert_settled(when);
        let mut addresses = BTreeSet::new();
        for (address, active) in self.accounts() {
            assert!(!active || addresses.insert(address.clone()), "{when}: {address} is there twice");
        }
        for hired in &self.hired {
            assert!(addresses.contains(&self.scene.email(*hired)), "{when}: {hired} has no account");
        }
        for left in [1004, 1005] {
            assert!(!addresses.contains(&self.scene.email(left)), "{when}: {left} is still in use");
        }
        assert!(addresses.contains(&self.scene.email(1006)), "{when}: 1006 is not back");
        assert_eq!(self.scene.sandbox.system(|entra: &mut Entra| entra.tenant("subject").deleted), 0, "{when}");
    }

    /// Addresses of the accounts, and whether they are in use.
    fn accounts(&self) -> Vec<(String, bool)> {
        if self.system == "slack" {
            let of = |slack: &mut Slack| -> Vec<(String, bool)> {
                let members = slack.workspace("subject").members().iter();
                members.map(|member| (member.text("email").to_owned(), !member.deleted)).collect()
            };
            return self.scene.sandbox.system(of);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.scene.sandbox.system(|entra: &mut Entra| {
            let users = entra.tenant("subject").users().iter();
            users.map(|user| (text(&user["userPrincipalName"]), user["accountEnabled"] == true)).collect()
        })
    }
}

fn mornings() -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("slack", "slack", SLACK.to_owned()),
        ("entra", "entra", ENTRA.to_owned()),
        ("entra with uploads", "entra", uploading(ENTRA)),
    ]
}

/// Runs for every way, each in a thread of its own.
fn for_each_way(act: impl Fn(&str, &Morning) + Sync) {
    std::thread::scope(|scope| {
        for (name, system, section) in mornings() {
            let act = &act;
            scope.spawn(move || act(name, &Morning::new(system, &section)));
        }
    });
}

/// How many writes the whole morning takes, and that it works at all.
fn all_writes(name: &str, morning: &Morning) -> u64 {
    let document = morning.scene.sync();
    for (number, expected) in [("create", 3), ("reactivate", 1), ("deactivate", 2), ("failed", 0)] {
        assert_eq!(summary(&document, number), expected, "{name}: {document:#}");
    }
    let writes = morning.writes();
    morning.settles(name);
    assert!(writes.len() >= 5, "{name}: {writes:#?}");
    writes.len() as u64
}

#[test]
fn killed_at_every_write() {
    for_each_way(|name, morning| {
        let writes = all_writes(name, morning);
        let mut strikes = 0;
        for (number, when) in (1..=writes).flat_map(|number| [(number, When::Before), (number, When::After)]) {
            morning.again();
            let pause = morning.scene.sandbox.pause_at(morning.system, number, when);
            let mut child = morning.scene.start(&["sync", "--yes"]);
            // What several threads want of a group at once is one write, so that there may be fewer.
            while !pause.reached_within(Duration::from_millis(20)) && child.try_wait().unwrap().is_none() {}
            strikes += u64::from(child.try_wait().unwrap().is_none());
            let _ = child.kill();
            child.wait().unwrap();
            pause.abandon();
            morning.settles(&format!("{name}: killed at write {number} of {writes}, {when:?}"));
        }
        assert!(strikes + 4 >= 2 * writes, "{name}: {strikes} kills for {writes} writes");
    });
}

#[test]
fn whatever_goes_wrong_the_next_run_settles_it() {
    for_each_way(|name, morning| {
        let writes = all_writes(name, morning);
        let mut faults: Vec<String> = (1..=writes).map(|number| format!("lost-answer#{number}")).collect();
        faults.extend(
            ["get:429=0#2", "get:429=1#3", "get:html502#2", "get:500#3", "cut#2", "truncated#2"].map(Into::into),
        );
        for method in ["post", "patch"] {
            faults.extend(["429=1", "html502", "500"].map(|fault| format!("{method}:{fault}#2")));
        }
        for fault in faults {
            morning.again();
            morning.scene.faults(&format!("{}:{fault}", morning.system));
            let ran = morning.scene.try_run(&["sync", "--yes", "--format", "json"]);
            let waited_for = fault.contains("429") || fault.starts_with("get") || fault.starts_with("cut");
            assert!(ran.code == 0 || (!waited_for && [3, 6].contains(&ran.code)), "{name}, {fault}: {}", ran.stderr);
            if ran.code != 6 {
                let failed = summary(&ran.json(), "failed").as_u64().unwrap();
                assert!(failed < 8, "{name}, {fault}: {failed} failed");
            }
            morning.scene.faults("");
            morning.settles(&format!("{name}, {fault}"));
        }
    });
}

/// Slack says it inside a success.
#[test]
fn a_refusal_for_too_many_requests_inside_a_success_fails_nobody() {
    let morning = Morning::new("slack", SLACK);
    for method in
        ["users.list", "usergroups.list", "users.profile.set", "usergroups.users.update", "conversations.invite"]
    {
        morning.again();
        let refusal = vec![(method.to_owned(), "ratelimited".to_owned())];
        morning.scene.sandbox.system(|slack: &mut Slack| slack.options.refuse_once = refusal);
        let document = sync(&morning.scene, &[], 0);
        assert_eq!(summary(&document, "failed"), 0, "{method}");
        assert!(
            morning.scene.sandbox.system(|slack: &mut Slack| slack.options.refuse_once.is_empty()),
            "{method} was not asked"
        );
        morning.settles(method);
    }
}

fn received(scene: &Scene) -> usize {
    scene.sandbox.system(|entra: &mut Entra| entra.tenant("subject").received)
}

#[test]
fn an_account_that_the_service_is_making_is_pending_and_is_not_asked_for_again() {
    let scene = Scene::new(12, &uploading(ENTRA));
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    scene.sync();
    let before = received(&scene);
    let looks = |looks| scene.sandbox.system(|entra: &mut Entra| entra.options.provisioning_looks = looks);
    looks(1_000);
    let hired = scene.hire(json!({"first_name": "Nova", "last_name": "New", "email": "nova@example.com"}));
    scene.change(1002, json!({"supervisor": hired}));
    let ran = scene.run(&["sync", "--yes"], 0);
    ran.shows("2 pending").shows("pending: the provisioning service took").shows("pending: manager is not set yet");
    assert_eq!(received(&scene), before + 1);

    for _ in 0..2 {
        let document = sync(&scene, &[], 0);
        assert_eq!(changes(&document), [Value::Null; 0], "{document:#}");
        let skipped = document["targets"][0]["skipped"].as_array().unwrap();
        let number = json!(hired.to_string());
        assert!(skipped.iter().any(|skip| skip["employee"] == number && skip["reason"] == "pending"));
    }
    assert_eq!(received(&scene), before + 1, "handed over once");

    // It is there: found, linked, and the rest is filled in.
    looks(0);
    let document = sync(&scene, &[], 0);
    assert_eq!(change_of(&document, hired)["op"], "update", "{document:#}");
    scene.assert_settled("made");
    assert_eq!(received(&scene), before + 1);
}

#[test]
fn a_new_user_whom_the_service_refused_is_reported_and_handed_over_again() {
    let scene = Scene::new(12, &uploading(ENTRA));
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    scene.sync();
    let before = received(&scene);
    let hired = scene.hire(json!({"first_name": "Nova", "last_name": "New", "email": "nova@example.com"}));
    scene.sandbox.system(|entra: &mut Entra| entra.options.refuse_uploads = vec![hired.to_string()]);
    let document = sync(&scene, &[], 0);
    assert_eq!(change_of(&document, hired)["outcome"]["status"], "pending");

    // Without the right to read the log nobody knows better.
    scene.sandbox.system(|entra: &mut Entra| entra.options.forbidden = vec!["auditLogs".into()]);
    let document = plan(&scene, &[], 0);
    assert_eq!(changes(&document), [Value::Null; 0]);
    scene.run(&["plan"], 0).shows("AuditLog.Read.All");

    scene.sandbox.system(|entra: &mut Entra| entra.options.forbidden.clear());
    let shown = scene.run(&["plan"], 0);
    shown.shows("its log says failure DuplicateTargetEntries").shows("1 to create");
    scene.sandbox.system(|entra: &mut Entra| entra.options.refuse_uploads.clear());
    sync(&scene, &[], 0);
    scene.assert_settled("handed over again");
    assert_eq!(received(&scene), before + 2);
}

#[test]
fn a_killed_upload_is_sent_again_and_nobody_exists_twice() {
    let scene = Scene::new(12, &uploading(ENTRA));
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    scene.sync();
    scene.hire(json!({"first_name": "Nova", "last_name": "New", "email": "nova@example.com"}));
    for when in [When::Before, When::After] {
        let pause = scene.sandbox.pause_at("entra", 1, when);
        let mut child = scene.start(&["sync", "--yes"]);
        await_write(&pause);
        child.kill().unwrap();
        child.wait().unwrap();
        pause.abandon();
    }
    sync(&scene, &[], 0);
    scene.assert_settled("killed twice");
    let named = |users: &[serde_json::Map<String, Value>]| {
        users.iter().filter(|user| user["userPrincipalName"] == "nova@example.com").count()
    };
    assert_eq!(scene.sandbox.system(|entra: &mut Entra| named(entra.tenant("subject").users())), 1);
}

#[test]
fn a_group_that_is_not_there_keeps_nobody_from_the_rest() {
    for (section, system) in [(SLACK, "slack"), (ENTRA, "entra")] {
        let scene = Scene::new(30, section);
        scene.run(&["check", "--sandbox", &scene.address()], 0);
        let wrong = section.replace("[targets.subject.groups.sales]", "[targets.subject.groups.sails]");
        scene.configure(&wrong.replace("[targets.subject.groups.Sales]", "[targets.subject.groups.Sails]"));
        let ran = scene.run(&["check", "--online"], 3);
        ran.says("subject: there is no").says(if system == "slack" {
            "did you mean `sales`?"
        } else {
            "must be exact"
        });
        let document = plan(&scene, &[], 0);
        assert!(summary(&document, "update").as_u64().unwrap() > 15, "{system}: {document:#}");
        scene.run(&["plan"], 0).shows("so nobody joins it");
        sync(&scene, &[], 0);
        scene.assert_settled(system);
    }
}

#[test]
fn slack_makes_the_user_groups_that_it_may_make() {
    let section = SLACK.replace("pace = \"none\"", "pace = \"none\"\ncreate_missing = [\"groups\"]");
    let scene = Scene::new(30, &section);
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    scene.run(&["plan"], 0).shows("1 to make first");
    let document = sync(&scene, &[], 0);
    assert_eq!((changes(&document)[0]["op"].as_str(), summary(&document, "failed")), (Some("reference"), &json!(0)));
    let members = scene
        .sandbox
        .system(|slack: &mut Slack| slack.workspace("subject").group_mut("sales").map(|group| group.len()));
    assert!(members.is_some_and(|members| members > 0), "{members:?}");
    scene.assert_settled("made");
}

#[test]
fn what_may_be_made_is_named_by_kind_and_problems_are_told_together() {
    let scene = Scene::new(12, SLACK);
    let missing = "pace = \"none\"\ncreate_missing = [\"groups\", \"channels\", \"title\", \"groups\"]";
    scene.configure(&SLACK.replace("pace = \"none\"", missing));
    let ran = scene.run(&["check"], 2);
    ran.says("`channels` of slack cannot be made through it; make them there")
        .says("`title` refers to nothing that could be created")
        .says("`create_missing` names `groups` twice");
    let without = SLACK.split("[targets.subject.groups.sales]").next().unwrap();
    scene.configure(&without.replace("pace = \"none\"", "pace = \"none\"\ncreate_missing = [\"groups\"]"));
    scene.run(&["check"], 2).says("the file names no group in `groups`, so none can be missing");
    let missing = "pace = \"none\"\ncreate_missing = [\"groups\"]";
    scene.configure(&ENTRA.replace("pace = \"none\"", missing));
    scene.run(&["check"], 2).says("`groups` of entra cannot be made through it");
}
