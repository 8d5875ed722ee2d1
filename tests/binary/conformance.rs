//! What every type of target has to show: after a sync the next plan is empty, whatever happened to people.

use personio_sync::personio::simulated::Personio;
use personio_sync::targets::KINDS;
use personio_sync::targets::freshservice::simulated::{Duplicates, Freshservice};
use serde_json::{Value, json};

use super::safety::handovers::{numbered, rehire};
use super::scene::{DESK, ENTRA, LIST, SLACK, Scene, summary, uploading};

/// A type, a section called `subject`, and what answers duplicates.
pub(crate) fn subjects() -> Vec<(&'static str, String, Duplicates)> {
    let desk = || DESK.replace("targets.desk", "targets.subject");
    let by_email = || desk().replace("match = [\"external_id\", \"primary_email\"]", "match = [\"primary_email\"]");
    let file = |path: &str| LIST.replace("targets.list", "targets.subject").replace("list.csv", path);
    let marked =
        |path: &str| file(path).replace("match =", "inactive = { column = \"State\", value = \"left\" }\nmatch =");
    vec![
        ("freshservice, 409", desk(), Duplicates::Conflict),
        ("freshservice, 400", desk(), Duplicates::BadRequest),
        ("freshservice by e-mail", by_email(), Duplicates::Conflict),
        ("csv", file("list.csv"), Duplicates::Conflict),
        ("csv that marks leavers", marked("list.csv"), Duplicates::Conflict),
        ("json", file("list.json"), Duplicates::Conflict),
        ("json that marks leavers", marked("list.json"), Duplicates::Conflict),
        ("xlsx", file("list.xlsx"), Duplicates::Conflict),
        ("scim", SCIM.to_owned(), Duplicates::Conflict),
        ("scim with PUT", SCIM.replace("match =", "update = \"put\"\nmatch ="), Duplicates::Conflict),
        ("scim with bulk", SCIM.replace("match =", "bulk = true\nmatch ="), Duplicates::Conflict),
        ("travelperk", TRAVELPERK.to_owned(), Duplicates::Conflict),
        ("http", HTTP.to_owned(), Duplicates::Conflict),
        ("http that reads one account", format!("{HTTP}{READ_ONE}"), Duplicates::Conflict),
        ("slack with SCIM", SLACK.to_owned(), Duplicates::Conflict),
        ("entra", ENTRA.to_owned(), Duplicates::Conflict),
        ("entra by the list of changes", ENTRA.replace("create =", "read = \"delta\"\ncreate ="), Duplicates::Conflict),
        ("entra with uploads", uploading(ENTRA), Duplicates::Conflict),
    ]
}

const SCIM: &str = r#"
[targets.subject]
type = "scim"
base_url = "{base}/scim/subject"
auth = { bearer = { env = "FRESHSERVICE_API_KEY" } }
match = ["externalId", "userName"]
[targets.subject.mapping]
externalId = "employee_id"
userName = "email | lower"
"name.givenName" = "first_name"
"name.familyName" = "last_name"
title = "position"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" = "department"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = "supervisor"
"#;

pub(crate) const TRAVELPERK: &str = r#"
[targets.subject]
type = "travelperk"
api_key = { env = "FRESHSERVICE_API_KEY" }
scim_url = "{base}/travelperk/subject/scim"
api_url = "{base}/travelperk/subject/api"
requests_per_minute = 60000
match = ["externalId", "userName"]
create_missing = ["costCenter"]
[targets.subject.mapping]
externalId = "employee_id"
userName = "email | lower"
"name.givenName" = "first_name"
"name.familyName" = "last_name"
costCenter = "department"
manager = "supervisor"
"#;

const READ_ONE: &str = r#"
[targets.subject.read]
path = "/people/{account}"
item = "/person"
"#;

const HTTP: &str = r#"
[targets.subject]
type = "http"
base_url = "{base}/http/subject"
auth = { bearer = { env = "FRESHSERVICE_API_KEY" } }
match = ["number", "email"]
[targets.subject.fields]
number = { required = true, identity = true }
email = "email"
first_name = "text"
last_name = "text"
department = "text"
[targets.subject.list]
path = "/people"
query = { per_page = 100 }
items = "/data"
id = "/id"
active = { at = "/status", values = ["active"] }
total = "/meta/total"
paging = { by = "page", parameter = "page" }
[targets.subject.create]
path = "/people"
body = { person = "{fields}", status = "active" }
id = "/person/id"
[targets.subject.update]
method = "PATCH"
path = "/people/{account}"
body = "{fields}"
[targets.subject.deactivate]
method = "PATCH"
path = "/people/{account}"
body = { status = "inactive" }
[targets.subject.reactivate]
method = "PATCH"
path = "/people/{account}"
body = { status = "active" }
[targets.subject.mapping]
number = "employee_id"
email = "email"
first_name = "first_name"
last_name = "last_name"
department = "department"
"#;

/// Without SCIM nobody is made nor taken out of use, and everything else is kept in line.
#[test]
fn slack_without_scim_leaves_accounts_to_people() {
    let scim = "scim_token = { env = \"FRESHSERVICE_API_KEY\" }\n";
    let scene = Scene::new(30, &SLACK.replace(scim, ""));
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    let document = scene.sync();
    assert_eq!((summary(&document, "create"), summary(&document, "failed")), (&json!(0), &json!(0)));
    let hired = scene.hire(json!({"first_name": "Nova", "last_name": "Lead", "email": "nova@example.com"}));
    scene.change(1002, json!({"position": "Head of Nothing"}));
    let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
    scene.change(1003, json!({"status": "inactive", "termination_date": yesterday}));
    let document = scene.sync();
    assert_eq!((summary(&document, "update"), summary(&document, "deactivate")), (&json!(1), &json!(0)));
    let left = scene.assert_settled("with people to invite");
    let skipped = left["targets"][0]["skipped"].as_array().unwrap();
    let reason = |id: u64| {
        let number = json!(id.to_string());
        skipped.iter().find(|skip| skip["employee"] == number).map(|skip| &skip["reason"])
    };
    assert_eq!(reason(hired), Some(&json!("cannot_create")), "{left:#}");
    assert_eq!(reason(1003), Some(&json!("cannot_deactivate")), "{left:#}");
}

/// The first round, for every type there is: what `init` writes runs in the sandbox as it is.
#[test]
fn every_type_settles_from_its_starter() {
    std::thread::scope(|scope| {
        for kind in KINDS {
            scope.spawn(move || {
                let scene = Scene::new(20, "");
                let address = scene.address();
                let place: &[&str] = &["--config", "starter.toml", "--sandbox", &address];
                let settles = || {
                    scene.run(&[&["sync", "--yes"], place].concat(), 0);
                    // People's work stays open until somebody confirms it.
                    if kind.name == "conversations" {
                        scene.try_run(&[&["confirm", "help-desk", "--yes"], place].concat());
                    }
                    scene.run(&[&["plan", "--detailed-exitcode"], place].concat(), 0);
                };
                scene.run(&["init", "--target", kind.name, "--config", "starter.toml"], 0);
                settles();
                let hired = scene.hire(json!({"first_name": "Nova", "last_name": "Lê", "email": "nova@example.com"}));
                scene.change(1002, json!({"last_name": "Neu-Ömer", "position": "Head of Nothing"}));
                settles();
                let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
                scene.change(hired, json!({"status": "inactive", "termination_date": yesterday}));
                settles();
            });
        }
    });
}

#[test]
fn sync_then_plan_nothing_left() {
    std::thread::scope(|scope| {
        for (name, targets, duplicates) in subjects() {
            let run = move || settles(name, &targets, duplicates);
            std::thread::Builder::new().name(name.into()).spawn_scoped(scope, run).unwrap();
        }
    });
}

/// Done means seen done: what a service acknowledges without doing it fails, or is named as not stored, until it is done.
#[test]
fn what_is_acknowledged_and_not_done_is_no_success() {
    std::thread::scope(|scope| {
        for (name, targets, duplicates) in subjects() {
            if !is_file(name) {
                let run = move || sees_that_nothing_was_done(name, &targets, duplicates);
                std::thread::Builder::new().name(name.into()).spawn_scoped(scope, run).unwrap();
            }
        }
    });
}

fn sees_that_nothing_was_done(name: &str, targets: &str, duplicates: Duplicates) {
    let scene = Scene::new(30, targets);
    scene.sandbox.system(|desk: &mut Freshservice| desk.options.duplicates = duplicates);
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    scene.sync();
    scene.assert_settled(&format!("{name}: before"));
    let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
    scene.change(1002, json!({"last_name": "Neu-Ömer", "position": "Head of Nothing"}));
    scene.change(1003, json!({"status": "inactive", "termination_date": yesterday}));
    let system = name.split([' ', ',']).next().unwrap();
    for fault in ["no-effect", "html200"] {
        scene.faults(&format!("{system}:{fault}@100%"));
        let document = scene.run(&["sync", "--yes", "--format", "json"], 3).json();
        scene.faults("");
        let target = &document["targets"][0];
        let of = |op: &str, employee: &str| {
            let changes = target["changes"].as_array().unwrap();
            let change = changes.iter().find(|change| change["op"] == op && change["employee"] == employee);
            change.unwrap_or_else(|| panic!("{name}: {fault}: {document:#}")).clone()
        };
        let removed = of("deactivate", "1003");
        assert_eq!(removed["outcome"]["status"], "failed", "{name}: {fault}");
        let why = removed["outcome"]["error"].as_str().unwrap();
        assert!(why.contains("still in use"), "{name}: {fault}: {why}");
        let not_stored = |notice: &Value| notice["code"] == "not_stored" && notice["employee"] == "1002";
        let named = target["notices"].as_array().unwrap().iter().any(not_stored);
        assert!(named || of("update", "1002")["outcome"]["status"] == "failed", "{name}: {fault}: {document:#}");
        let status = scene.run(&["status", "--format", "json"], 0).json();
        assert_eq!(status["targets"][0]["not_in_line"], 2, "{name}: {fault}: {status:#}");
    }
    let document = scene.sync();
    assert_eq!((summary(&document, "update"), summary(&document, "deactivate")), (&json!(1), &json!(1)), "{name}");
    scene.assert_settled(&format!("{name}: once the service does what it says"));
}

/// One life of a company, looked at after every step.
fn settles(name: &str, targets: &str, duplicates: Duplicates) {
    let scene = Scene::new(30, targets);
    scene.sandbox.system(|desk: &mut Freshservice| desk.options.duplicates = duplicates);
    // A declared interface is simulated from its declaration, which only a run in the sandbox hands over.
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    let settled = |when: &str| -> Value {
        let document = scene.assert_settled(&format!("{name}: {when}"));
        for number in ["create", "update", "reactivate", "deactivate", "held", "failed"] {
            assert_eq!(*summary(&document, number), 0, "{name}: {when}: {number}");
        }
        document
    };
    let synced = |when: &str, expected: Value| -> Value {
        let document = scene.sync();
        for (number, count) in expected.as_object().unwrap() {
            assert_eq!(summary(&document, number), count, "{name}: {when}: {number}\n{document:#}");
        }
        settled(when)
    };

    // A directory has people already when the tool comes to it.
    let updates = if is_directory(name) { json!({}) } else { json!({"update": 0}) };
    let mut first = json!({"reactivate": 0, "deactivate": 0, "failed": 0});
    first.as_object_mut().unwrap().extend(updates.as_object().unwrap().clone());
    let before = synced("from nothing", first);
    let people = summary(&before, "in_sync").as_u64().unwrap();
    assert!(people > 15, "{name}: {before:#}");

    let hired = scene.hire(json!({"first_name": "Nova", "last_name": "O'Neil-Đặng", "email": "nova@example.com"}));
    synced("hired", json!({"create": 1, "update": 0}));

    scene.change(1002, json!({"last_name": "Neu-Ömer", "position": "Head of Nothing"}));
    scene.change(1003, json!({"department": "Quantum Gardening", "office": "Reykjavík", "supervisor": hired}));
    synced("changed", json!({"create": 0, "update": if is_file(name) { 1 } else { 2 }}));

    scene.change(1004, json!({"position": null, "office": null, "supervisor": null}));
    scene.sync();
    settled("emptied");

    let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
    scene.change(hired, json!({"status": "inactive", "termination_date": yesterday}));
    let after = synced("left", json!({"deactivate": 1, "create": 0, "update": 0}));
    assert_eq!(summary(&after, "in_sync").as_u64().unwrap(), people, "{name}");

    scene.change(hired, json!({"status": "active", "termination_date": null}));
    let document = scene.sync();
    let back = summary(&document, "reactivate").as_u64().unwrap() + summary(&document, "create").as_u64().unwrap();
    assert_eq!(back, 1, "{name}: {document:#}");
    settled("returned");

    if !name.contains("by e-mail") {
        scene.change(1005, json!({"email": "renamed@example.com"}));
        synced("renamed", json!({"create": 0, "update": 1}));
    }

    // Each takes the address that the next one gives up, so that the order of the writes matters.
    if !name.contains("by e-mail") {
        let (first, second) = (scene.email(1006), scene.email(1007));
        scene.change(1007, json!({"email": "moved.on@example.com"}));
        scene.change(1006, json!({"email": second}));
        scene.change(1005, json!({"email": first}));
        synced("addresses moved on", json!({"create": 0, "update": 3, "failed": 0}));
        for (employee, email) in [(1005, first), (1006, second)] {
            if name.contains("fresh") {
                assert_eq!(scene.requester(employee)["primary_email"], email, "{name}");
            }
        }
    }

    nobody_leaves_for_what_is_hidden(name, &scene);
    settled("everything is readable again");

    let two = (scene.email(1008), scene.email(1009));
    scene.change(1008, json!({"email": two.1}));
    scene.change(1009, json!({"email": two.0}));
    scene.sync();
    settled("addresses swapped");
}

/// A list that is empty, short or capped makes nobody twice, takes nobody out of use, and is named.
#[test]
fn a_list_that_is_not_true_makes_nobody_anew() {
    std::thread::scope(|scope| {
        for (name, targets, duplicates) in subjects().into_iter().filter(|(name, ..)| !is_file(name)) {
            let run = move || survives_lies(name, &targets, duplicates);
            std::thread::Builder::new().name(name.into()).spawn_scoped(scope, run).unwrap();
        }
    });
    // Rows that are gone from a file cannot be read by id: the new ones are held.
    let scene = Scene::new(30, &LIST.replace("targets.list", "targets.subject"));
    scene.sync();
    let whole = scene.read("list.csv");
    scene.write("list.csv", whole.lines().next().unwrap());
    let document = scene.run(&["sync", "--yes", "--format", "json"], 4).json();
    assert_eq!(*summary(&document, "create"), 0, "{document:#}");
    assert_eq!(document["targets"][0]["changes"][0]["hold"]["code"], "accounts_gone");
    scene.write("list.csv", &whole);
    scene.assert_settled("the file is back");
}

fn survives_lies(name: &str, targets: &str, duplicates: Duplicates) {
    let scene = Scene::new(30, targets);
    scene.sandbox.system(|desk: &mut Freshservice| desk.options.duplicates = duplicates);
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    scene.sync();
    scene.sync();
    let before = scene.assert_settled(&format!("{name}: before the lies"));
    for lie in ["list-empty", "list-short", "list-capped"] {
        // A list that nothing contradicts, and that has the leaver, is true of the leaver.
        if name != "http" {
            let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
            scene.change(1003, json!({"status": "inactive", "termination_date": yesterday}));
        }
        scene.faults(lie);
        let ran = scene.try_run(&["sync", "--yes", "--format", "json"]);
        assert!([3, 4].contains(&ran.code), "{name}: {lie}: {}\n{}\n{}", ran.code, ran.stderr, ran.stdout);
        let document = ran.json();
        assert_eq!(*summary(&document, "create"), 0, "{name}: {lie}: {document:#}");
        assert_eq!(*summary(&document, "deactivate"), 0, "{name}: {lie}: {document:#}");
        scene.faults("");
        scene.change(1003, json!({"status": "active", "termination_date": null}));
        let after = scene.assert_settled(&format!("{name}: after {lie}"));
        assert_eq!(summary(&after, "in_sync"), summary(&before, "in_sync"), "{name}: {lie}");
        assert_eq!(after["targets"][0]["orphans"], before["targets"][0]["orphans"], "{name}: {lie}");
    }
}

/// Dates and parts of values that become unreadable change nothing, and neither does a list in another order.
fn nobody_leaves_for_what_is_hidden(name: &str, scene: &Scene) {
    let today = chrono::Utc::now().date_naive();
    let yesterday = today.pred_opt().unwrap().to_string();
    // Back for years, with the end of the time before; and on garden leave.
    scene.change(1010, json!({"status": "active", "hire_date": "2020-01-01", "termination_date": "2019-12-31"}));
    scene.change(1011, json!({"status": "active", "last_working_day": yesterday, "termination_date": "2099-12-31"}));
    scene.sync();
    let unchanged = |when: &str| -> Value {
        let document = scene.sync();
        for number in ["create", "update", "reactivate", "deactivate", "held", "failed"] {
            assert_eq!(*summary(&document, number), 0, "{name}: {when}: {number}\n{document:#}");
        }
        document
    };
    for (hidden, employee) in [("hire_date", "1010"), ("termination_date", "1011")] {
        scene.sandbox.system(|personio: &mut Personio| personio.options.hidden_attributes = vec![hidden.into()]);
        let document = unchanged(hidden);
        let skipped = document["targets"][0]["skipped"].as_array().unwrap();
        let skip = skipped.iter().find(|skip| skip["reason"] == "lifecycle_hidden");
        assert_eq!(skip.map(|skip| &skip["employee"]), Some(&json!(employee)), "{name}: {hidden}: {document:#}");
    }
    scene.sandbox.system(|personio: &mut Personio| personio.options.hidden_attributes.clear());
    for faults in ["personio:hidden-parts", "personio:order", "personio:busy-sign-in=0s"] {
        scene.faults(faults);
        unchanged(faults);
    }
    scene.faults("");
}

/// Values that look alike, or like something else: composed letters or not, marks that nobody sees, texts that a
/// spreadsheet would take for a number, a day or a boolean, "no" and nothing.
#[test]
fn values_that_look_like_others() {
    std::thread::scope(|scope| {
        for (name, targets, duplicates) in subjects() {
            let run = move || keeps_values(name, &targets, duplicates);
            std::thread::Builder::new().name(name.into()).spawn_scoped(scope, run).unwrap();
        }
    });
}

fn keeps_values(name: &str, targets: &str, duplicates: Duplicates) {
    const TITLES: [&str; 22] = [
        "007",
        "1e5",
        "38:30",
        "1/2/2026",
        "2026-01-31",
        "12,50",
        "50 %",
        "TRUE",
        "no",
        "null",
        "'quoted'",
        "a;b,\"c\"\td",
        "two\nlines",
        "<b>&amp;</b>",
        "{{ title }} {account}",
        "Leitung \u{1f9d1}\u{200d}\u{1f4bb}",
        "Bu\u{308}roleitung",
        "\u{202a}Head\u{202c} of\u{a0}Sales\u{200b} ",
        "soft\u{ad}ware",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        " ",
        "",
    ];
    let more = "Title = \"position\"\nHead = \"position == 'no'\"\nAnswer = \"'no' if position == 'no' else ''\"\n\
                Hours = \"weekly_working_hours\"\n";
    let targets = if is_file(name) { format!("{targets}{more}") } else { targets.to_owned() };
    let scene = Scene::new(80, &targets);
    scene.sandbox.system(|desk: &mut Freshservice| desk.options.duplicates = duplicates);
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    scene.sync();
    scene.assert_settled(&format!("{name}: before"));
    // Twice, so that each value comes after another one as well.
    for round in 0..2u64 {
        for (number, title) in (0u64..).zip(TITLES) {
            let last_name = if title.trim().is_empty() { "Mu\u{308}ller\u{200b}" } else { title };
            scene.change(1002 + number + round, json!({"position": title, "last_name": last_name}));
        }
        scene.change(1003 + round, json!({"email": format!("Zoe\u{301}\u{200b}.{round}@Example.com ")}));
        scene.sync();
        scene.assert_settled(&format!("{name}: round {round}"));
    }
    scene.change(1025, json!({"first_name": "Zoe\u{308}", "department": "Ku\u{308}che"}));
    scene.sync();
    scene.assert_settled(&format!("{name}: decomposed"));
    scene.change(1025, json!({"first_name": "Zo\u{eb}\u{200e}", "department": "\u{feff}K\u{fc}che"}));
    scene.assert_settled(&format!("{name}: the same, composed"));
}

fn is_directory(name: &str) -> bool {
    name.starts_with("slack") || name.starts_with("entra")
}

/// A list that holds names and addresses only, so that a change of department is none for it.
fn is_file(name: &str) -> bool {
    ["csv", "json", "xlsx"].iter().any(|format| name.contains(format))
}

/// An hour on the clock: a scheduler is now late, now early, and no hour is left out, whatever the type.
#[test]
fn an_hour_on_the_clock() {
    std::thread::scope(|scope| {
        for (name, targets, _) in subjects().into_iter().filter(|(name, ..)| ["csv", "xlsx", "scim"].contains(name)) {
            scope.spawn(move || {
                let scene = Scene::new(12, &targets.replace("match =", "every = \"1h\"\nmatch ="));
                for (number, time) in
                    ["04:59:59", "06:00:01", "07:00:00", "07:59:59", "09:00:01"].into_iter().enumerate()
                {
                    scene.change(1002, json!({"last_name": format!("Number {number}")}));
                    let ran = scene.run_at(time, &["sync", "--yes", "--due", "--format", "json"], 0).json();
                    assert_eq!(ran["targets"].as_array().unwrap().len(), 1, "{name} at {time}");
                    scene.assert_settled(&format!("{name} at {time}"));
                }
                scene.run_at("09:30:00", &["sync", "--yes", "--due"], 0).says("nothing is due until");
            });
        }
    });
}

/// Somebody leaves and comes back with a new profile, whatever the type: the account follows the person where two keys
/// agree, and waits for somebody to say so where one does.
#[test]
fn a_rehire_and_a_handover() {
    std::thread::scope(|scope| {
        for (name, targets, duplicates) in subjects() {
            let run = move || {
                comes_back(name, &targets.replace("match = [\"Employee\"]", "match = [\"E-mail\"]"), duplicates);
            };
            std::thread::Builder::new().name(name.into()).spawn_scoped(scope, run).unwrap();
        }
    });
}

fn comes_back(name: &str, targets: &str, duplicates: Duplicates) {
    let scene = Scene::new(20, &numbered(targets));
    scene.sandbox.system(|desk: &mut Freshservice| desk.options.duplicates = duplicates);
    scene.run(&["check", "--sandbox", &scene.address()], 0);
    scene.sync();
    scene.assert_settled(name);
    let change = |document: &Value, employee: u64| -> Value {
        let all = document["targets"][0]["changes"].as_array().unwrap();
        let found = all.iter().find(|change| change["employee"] == json!(employee.to_string()));
        found.unwrap_or_else(|| panic!("{name}: nothing for {employee}: {document:#}")).clone()
    };

    let new = rehire(&scene, 1004, "A-1004");
    let document = scene.sync();
    for (number, count) in [("handover", 1), ("create", 0), ("deactivate", 0), ("failed", 0)] {
        assert_eq!(summary(&document, number), &json!(count), "{name}: {number}\n{document:#}");
    }
    let handover = change(&document, new);
    assert_eq!((&handover["op"], &handover["from"]), (&json!("handover"), &json!("1004")), "{name}: {handover:#}");
    assert_eq!(handover["evidence"]["keys"].as_array().unwrap().len(), 2, "{name}: {handover:#}");
    scene.assert_settled(&format!("{name}: handed over"));

    let new = rehire(&scene, 1005, "A-other");
    let document = scene.run(&["sync", "--yes", "--format", "json"], 4).json();
    for (number, count) in [("held", 1), ("handover", 0), ("create", 0), ("deactivate", 0)] {
        assert_eq!(summary(&document, number), &json!(count), "{name}: {number}\n{document:#}");
    }
    let held = change(&document, new);
    assert_eq!(held["hold"]["code"], "handover", "{name}: {held:#}");
    let account = held["account"].as_str().unwrap();
    scene.run(&["link", &new.to_string(), "subject", account, "--yes"], 0);
    let document = scene.sync();
    assert_eq!((summary(&document, "create"), summary(&document, "deactivate")), (&json!(0), &json!(0)), "{name}");
    scene.assert_settled(&format!("{name}: linked"));
}
