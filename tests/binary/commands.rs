//! What each command answers, on which stream, and that every example runs.

use personio_sync::personio::simulated::Personio;
use std::path::{Path, PathBuf};

use personio_sync::simulation::SECRET;
use serde_json::{Value, json};

use super::conformance::TRAVELPERK;
use super::scene::{DESK, LIST, Ran, Scene, program, summary};

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn every_example_runs_in_the_sandbox_and_settles() {
    std::thread::scope(|scope| {
        for example in examples() {
            scope.spawn(move || {
                let file = example.to_str().unwrap();
                let folder = tempfile::tempdir().unwrap();
                // A newcomer has no credentials at all.
                let fresh = |arguments: &[&str]| {
                    let mut command = program(folder.path());
                    command.env_remove("PERSONIO_CLIENT_ID").env_remove("PERSONIO_CLIENT_SECRET");
                    command.env_remove("FRESHSERVICE_API_KEY");
                    Ran::of(command.args(arguments).spawn().unwrap(), arguments)
                };
                let ran = fresh(&["sync", "--sandbox", "--yes", "--config", file]);
                assert_eq!(ran.code, 0, "{file}\n{}{}", ran.stdout, ran.stderr);
                ran.says("This was the sandbox: nothing real was contacted, and what it held is gone.");
                ran.shows("proven complete");
                let left = std::fs::read_dir(folder.path()).unwrap().count();
                assert_eq!(left, 0, "{file}: the sandbox wrote into the working folder");

                let scene = Scene::new(60, LIST);
                let address = scene.address();
                let ran = scene.run(&["sync", "--sandbox", &address, "--yes", "--config", file], 0);
                ran.says("This was the sandbox: nothing real was contacted.");
                if file.ends_with("conversations.toml") {
                    // Its steps are people's work: they stay open until somebody confirms them.
                    scene.run(&["confirm", "help-desk", "--yes", "--sandbox", &address, "--config", file], 0);
                }
                scene.run(&["plan", "--sandbox", &address, "--detailed-exitcode", "--config", file], 0);
                scene.run(&["check", "--sandbox", &address, "--config", file], 0);
            });
        }
    });
}

#[test]
fn codes_say_what_they_mean_and_what_to_do() {
    // Without a file.
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| Ran::of(program(folder.path()).args(arguments).spawn().unwrap(), arguments);

    let ran = run(&["codes", "paused", "max_create"]);
    assert_eq!(ran.code, 0);
    ran.shows(" Code        What a safety rail holds\n max_create  More accounts would be created than the limit allows. Look at");
    ran.shows("\n\n Code    What an operator should know\n paused  The target is paused, so nothing is done in it.");
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with(" Code ")).count(), 2, "{}", ran.stdout);
    let all = run(&["codes", "--format", "json"]).json();
    assert_eq!((&all["kind"], &all["exit_code"]), (&json!("codes"), &json!(0)));
    let codes = all["codes"].as_array().unwrap();
    assert!(codes.len() > 200, "{}", codes.len());
    let two_records = codes.iter().find(|one| one["code"] == "two_records").unwrap();
    assert_eq!(two_records["group"], "People who are left out");
    for key in ["meaning", "remedy"] {
        assert!(two_records[key].as_str().unwrap().ends_with('.'), "{two_records}");
    }
    let one = run(&["codes", "paused", "--format", "markdown"]).stdout;
    assert!(one.starts_with("## What an operator should know\n\n| code | meaning | what to do |\n"), "{one}");
    assert!(one.ends_with("in it. | `personio-sync resume TARGET` lets it take part again. |\n"), "{one}");

    let ran = run(&["codes", "max_creates", "--format", "json"]);
    assert_eq!(ran.code, 2);
    ran.says("error: there is no code `max_creates`; did you mean `max_create`?");
    assert_eq!(ran.json()["problems"][0]["code"], "usage");
    let ran = run(&["codes", "xyzzy"]);
    assert_eq!(ran.code, 2);
    ran.says("there is no code `xyzzy`; `personio-sync codes` lists them all");
}

#[test]
fn what_the_file_does_not_have_is_told_before_anybody_is_asked() {
    let scene = Scene::new(5, DESK);
    scene.run(&["workflows", "rehearse"], 2).says("the file has no workflows; add [targets.NAME.workflows.onboarding]");
    assert_eq!(scene.requests("personio"), [""; 0]);
    scene.configure("");
    scene.run(&["check"], 0).says("personio-sync.toml: warning: names no target");
}

#[test]
fn check_looks_at_the_file_alone() {
    let scene = Scene::new(5, &format!("{DESK}{LIST}"));
    let ran = scene.run(&["check"], 0);
    assert_eq!(ran.stdout, "personio-sync.toml is valid: 11 attributes, 2 targets\n");
    assert_eq!(ran.stderr, "");
    assert_eq!(scene.sandbox.requests(), []);
    assert_eq!(scene.run(&["check", "desk"], 0).stdout, ran.stdout);
}

#[test]
fn check_online_names_what_is_not_granted_and_the_tick_box() {
    let scene = Scene::new(20, DESK);
    scene.run(&["check", "--online"], 0).shows("Personio: signed in").shows("desk: reachable");
    scene.sandbox.system(|personio: &mut Personio| personio.options.hidden_attributes = vec!["position".into()]);
    let ran = scene.run(&["check", "--online"], 7);
    ran.says("Personio does not let this credential read `position`")
        .says("whatever uses it is left as it is: desk.job_title")
        .says("Settings > Integrations > API credentials): Readable employee attributes");
    ran.shows("Personio: delivered for nobody: position").shows("that nobody uses can be unticked");
    assert_eq!(scene.writes(), [""; 0]);
    scene
        .run(&["attributes"], 0)
        .shows("NOT READABLE, needed by desk.job_title")
        .shows("nobody: can be unticked")
        .shows("Readable employee attributes")
        .shows("  tick    `position`: used by desk.job_title\n")
        .shows("  untick  Gender (`gender`)\n");
}

#[test]
fn check_online_names_what_travelperk_asks_for_and_what_it_costs() {
    let scene = Scene::new(20, TRAVELPERK);
    let asked_for = "is not readable";
    assert!(!scene.run(&["check", "--online"], 0).stdout.contains(asked_for));
    let hidden = ["gender", "last_modified_at", "supervisor", "team"].map(str::to_owned);
    scene.sandbox.system(|personio: &mut Personio| personio.options.hidden_attributes = hidden.into());
    let ran = scene.run(&["check", "--online"], 7);
    ran.shows("subject: `gender` is not readable: travellers are asked for it when they book");
    ran.shows("subject: `team` is not readable: travellers cannot be filtered by team");
    ran.shows("subject: `supervisor` is not readable: approval requests go to an administrator");
    // Only what the file uses is wrong; the rest is told.
    ran.says("Personio does not let this credential read `supervisor`");
    assert!(!ran.stderr.contains("`gender`"), "{}", ran.stderr);
}

#[test]
fn a_hidden_attribute_freezes_its_field() {
    let scene = Scene::new(20, DESK);
    scene.sync();
    let before = scene.requesters();
    scene.sandbox.system(|personio: &mut Personio| {
        personio.options.hidden_attributes = vec!["position".into(), "department".into(), "office".into()];
    });
    let document = scene.assert_settled("three attributes are hidden");
    assert!(document.to_string().contains("job_title is left as it is: `position` is not readable"), "{document:#}");
    scene.sync();
    assert_eq!(scene.requesters(), before);

    // Without status and dates nobody can tell who has left.
    scene.sandbox.system(|personio: &mut Personio| {
        let hidden = ["status", "termination_date", "last_working_day"].map(str::to_owned);
        personio.options.hidden_attributes = hidden.into();
    });
    scene.change(1003, json!({"status": "inactive", "position": "Gone"}));
    let ran = scene.run(&["plan", "--detailed-exitcode", "--format", "json"], 5);
    ran.says("`status` is not readable; tick it for the credential");
    let document = ran.json();
    let skipped = document["targets"][0]["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 20);
    assert!(skipped.iter().all(|skip| skip["reason"] == "lifecycle_hidden"));
}

#[test]
fn explain_tells_every_step_of_one_person() {
    let targets = DESK.replace(
        "[targets.desk.mapping]",
        "include = [\"employment_type == 'internal'\", \"department in ['Product', 'Sales']\"]\n\
         exclude = [\"office == 'Nowhere'\"]\n[targets.desk.mapping]",
    );
    let scene = Scene::new(20, &targets);
    let ran = scene.run(&["explain", "1002"], 0);
    for words in [
        "Employee 1002: active\n",
        "  position          Head of Product\n",
        "  include yes      employment_type == 'internal'\n",
        "  include yes      department in ['Product', 'Sales']\n",
        "  exclude no       office == 'Nowhere'\n",
        "  scope    in scope\n",
        "  matched  no account (tried external_id, then primary_email)\n",
        "    primary_email        = email | lower → albert.schmidt-oehlmann@example.com\n",
        "    reporting_manager_id = supervisor → employee 1001\n",
        "  decided  create: external_id: (empty) → 1002; ",
    ] {
        ran.shows(words);
    }
    let email = scene.email(1002).to_uppercase();
    assert_eq!(scene.run(&["explain", &email], 0).stdout, ran.stdout);
    let ran = scene.run(&["explain", "1001"], 0);
    ran.shows("  include no       department in ['Product', 'Sales']\n")
        .shows("  scope    out of scope: `department in ['Product', 'Sales']` (include) does not hold\n");
    ran.shows("  decided  nothing to do: out of scope");
    scene.sync();
    scene.run(&["explain", "1002", "desk"], 0).shows("by the stored link").shows("  decided  nothing to do\n");
    scene.change(1003, json!({"email": scene.email(1002)}));
    scene.run(&["explain", &scene.email(1002)], 2).says("2 employees fit: 1002, 1003; give the id");
    let list = Scene::new(5, &LIST.replace("E-mail = \"email\"\n", ""));
    list.run(&["explain", "rafael.falk@example.com"], 2).says("this file does not read `email`");
}

#[test]
fn a_reviewed_plan_is_applied_exactly() {
    let scene = Scene::new(20, &format!("{DESK}{LIST}"));
    let mut shown = scene.run(&["plan", "--out", "plan.json", "--format", "json"], 0).json();
    let asked = shown.as_object_mut().unwrap().remove("requests").unwrap();
    assert!(asked["source"]["reads"].as_u64().unwrap() > 0, "what the run asked is no part of what is reviewed");
    let mut kept: Value = serde_json::from_str(&scene.read("plan.json")).unwrap();
    kept.as_object_mut().unwrap().remove("binding").unwrap();
    assert_eq!(kept, shown);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(scene.path("plan.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "a plan holds personal data");
    }
    let hired = scene.hire(json!({"email": "nova@example.com"}));
    let report = scene.run(&["sync", "--yes", "--plan", "plan.json", "--format", "json"], 0).json();
    let changes = |document: &Value| -> Vec<(Value, Value, Value)> {
        let targets = document["targets"].as_array().unwrap().iter();
        let all = targets.flat_map(|target| target["changes"].as_array().unwrap().clone());
        all.map(|change| (change["op"].clone(), change["employee"].clone(), change["fields"].clone())).collect()
    };
    assert_eq!(changes(&report), changes(&shown));
    assert!(!report.to_string().contains(&format!("\"{hired}\"")), "who came later was not reviewed");
    scene.run(&["sync", "--yes", "--plan", "plan.json"], 8).says("no longer hold");
    scene
        .run(&["plan", "--out", "later.json", "--as-of", "2031-01-01"], 2)
        .says("a plan for another day (--as-of) cannot be applied");
    assert!(!scene.path("later.json").exists());
}

#[test]
fn a_plan_for_another_day_shows_what_that_day_brings() {
    let scene = Scene::new(20, DESK);
    scene.sync();
    let today = chrono::Utc::now().date_naive();
    let last = today + chrono::Days::new(10);
    scene.change(1003, json!({"termination_date": last.to_string()}));
    let on = |day: chrono::NaiveDate| {
        let plan = scene.run(&["plan", "--as-of", &day.to_string(), "--format", "json"], 0).json();
        let changes = plan["targets"][0]["changes"].as_array().unwrap().clone();
        changes.into_iter().find(|change| change["employee"] == "1003")
    };
    assert_eq!(on(last), None, "the last day counts as employed");
    let change = on(last + chrono::Days::new(1)).unwrap();
    assert_eq!((&change["op"], &change["reason"]), (&json!("deactivate"), &json!("left")));
    assert_eq!(change["detail"], format!("left on {last}"));
}

#[test]
fn one_employee_at_a_time_also_on_a_paused_target() {
    let scene = Scene::new(20, &DESK.replace("match =", "paused = true\nmatch ="));
    let document = scene.sync();
    assert_eq!(document["targets"][0]["status"], "paused");
    assert!(scene.requests("freshservice").is_empty(), "a paused target is not read");
    let document = scene.run(&["sync", "--yes", "--employee", "1002", "--format", "json"], 0).json();
    assert_eq!(*summary(&document, "create"), 1);
    assert_eq!(scene.requester(1002)["reporting_manager_id"], Value::Null, "the manager is not part of this run");
    assert!(document.to_string().contains("employee 1001 is not part of this run"), "{document:#}");
    scene.run(&["sync", "--yes", "--employee", "1001"], 0);
    scene.run(&["sync", "--yes", "--employee", "1002"], 0);
    assert_eq!(scene.requester(1002)["reporting_manager_id"], scene.requester(1001)["id"]);
    let plan = scene.run(&["plan", "--employee", "1002", "--detailed-exitcode", "--format", "json"], 0).json();
    assert_eq!(*summary(&plan, "in_sync"), 1);
}

#[test]
fn the_sandbox_shows_what_resuming_a_paused_target_would_bring() {
    let scene = Scene::new(20, &DESK.replace("match =", "paused = true\nmatch ="));
    let address = scene.address();
    let document = scene.run(&["plan", "--sandbox", &address, "--format", "json"], 0).json();
    assert_ne!(*summary(&document, "create"), 0);
    let notice = &document["targets"][0]["notices"][0];
    assert_eq!(notice["code"], "paused");
    assert_eq!(notice["message"], "paused in the file: this is what `personio-sync resume desk` would bring");
    scene.run(&["sync", "--yes", "--sandbox", &address], 0).shows("paused in the file");
    let checked = scene.run(&["check", "--sandbox", &address, "--format", "json"], 0).json();
    assert_eq!(checked["targets"][0]["paused"], true);
    scene.run(&["plan", "--detailed-exitcode"], 0).shows("paused");
}

#[test]
fn targets_of_one_group_do_not_share_an_employee() {
    let of = |name: &str, office: &str| {
        let list = LIST.replace("targets.list", &format!("targets.{name}")).replace("list.csv", &format!("{name}.csv"));
        list.replace("match =", &format!("group = \"payroll\"\ninclude = [\"{office}\"]\nmatch ="))
    };
    let berlin = of("berlin", "office == 'Berlin'");
    let both = of("both", "office in ['Berlin', 'Wien']");
    let scene = Scene::new(30, &format!("{berlin}{both}"));
    let document = scene.run(&["sync", "--yes", "--format", "json"], 3).json();
    let skipped = document["targets"][0]["skipped"].as_array().unwrap();
    assert!(!skipped.is_empty());
    for skip in skipped {
        assert_eq!(skip["reason"], "in_several_targets");
        assert_eq!(skip["detail"], "in scope of berlin and both of the group `payroll`; change their filters");
    }
    assert_eq!(document["targets"][0]["changes"], json!([]));
    assert!(document["targets"][1]["changes"].as_array().unwrap().len() > 1, "who is in one only goes on");
    let none = document["notices"].as_array().unwrap();
    assert!(none.iter().any(|notice| notice["code"] == "in_no_target_of_group"), "{none:?}");

    // Whoever left is missing from none of them.
    let elsewhere = of("elsewhere", "office not in ['Berlin', 'Wien']");
    let whole = both.replace("targets.both", "targets.whole");
    let scene = Scene::new(30, &format!("{elsewhere}{whole}"));
    scene.change(
        1002,
        json!({"status": "inactive", "termination_date": "2026-01-31", "last_working_day": "2026-01-31"}),
    );
    let document = scene.run(&["plan", "--format", "json"], 0).json();
    assert!(!document["notices"].to_string().contains("in_no_target_of_group"), "{document}");
}

#[test]
fn the_sandbox_may_be_named_at_the_end() {
    let scene = Scene::new(5, DESK);
    scene.run(&["workflows", "list", "--sandbox"], 0).says("the file has no workflows");
    let at = scene.address();
    scene.run(&["sync", "--yes", "--sandbox", &at], 0);
    scene.run(&["jobs", "show", "1.1", "--sandbox", &at], 0).shows("Job 1.1");
}

#[test]
fn only_the_targets_asked_for_take_part() {
    let scene = Scene::new(5, &format!("{DESK}{LIST}"));
    let document = scene.run(&["sync", "--yes", "list", "--format", "json"], 0).json();
    assert_eq!(document["targets"].as_array().unwrap().len(), 1);
    assert!(scene.requests("freshservice").is_empty());
    assert!(scene.path("list.csv").exists());
    // Another target's secret is not needed for that.
    scene.write("personio-sync.toml", &scene.read("personio-sync.toml").replace("FRESHSERVICE_API_KEY", "NOWHERE"));
    scene.run(&["plan", "list"], 0);
    scene.run(&["plan"], 2).says("`NOWHERE` is not set");
}

#[test]
fn results_go_to_one_stream_and_messages_to_the_other() {
    let scene = Scene::new(10, DESK);
    let ran = scene.run(&["plan"], 0);
    ran.shows("desk (freshservice): ").shows("proven complete");
    assert_eq!(ran.stderr, "", "no progress and no chatter without a terminal");
    let ran = scene.run(&["plan", "--format", "markdown"], 0);
    ran.shows("| create |");
    let ran = scene.run(&["sync", "--yes"], 0);
    assert_eq!(ran.stderr, "");
    scene.run(&["plan"], 0).shows("in sync");
    scene.run(&["--version"], 0).shows(concat!("personio-sync ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(scene.run(&["--help"], 0).stderr, "");
}

#[test]
fn newer_zone_data_of_the_machine_counts_and_is_named() {
    let scene = Scene::new(5, LIST);
    let text = scene.read("personio-sync.toml");
    scene.write("personio-sync.toml", &format!("timezone = \"America/Vancouver\"\n{text}"));
    let zones = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zoneinfo");
    let run = |folder: &Path, arguments: &[&str]| {
        let mut program = program(&scene.path(""));
        program.env("TZDIR", folder).env("PERSONIO_SYNC_TEST_CLOCK", "2026-12-01T05:30:00Z");
        let ran = Ran::of(program.args(arguments).spawn().unwrap(), arguments);
        assert_eq!(ran.code, 0, "{arguments:?}\n{}{}", ran.stdout, ran.stderr);
        ran
    };
    let plan = ["plan", "--format", "json"];
    assert_eq!(run(&zones, &plan).json()["today"], "2026-12-01", "30 minutes past midnight there");
    assert_eq!(run(&scene.path("none"), &plan).json()["today"], "2026-11-30", "in 90 minutes by the data compiled in");
    run(&zones, &["--version", "--verbose"])
        .shows(concat!("personio-sync ", env!("CARGO_PKG_VERSION"), "\nTime zones: 2099a of "))
        .shows("\nPhone numbers: libphonenumber ");
    run(&scene.path("none"), &["--verbose", "--version"]).shows(" compiled in (there is no zone data in ");
    scene.run(&["--verbose", "plan"], 2);
}

#[test]
fn secrets_come_from_anywhere_and_a_plain_one_is_a_warning() {
    let scene = Scene::new(5, DESK);
    let text = scene.read("personio-sync.toml");
    scene.write("key.txt", &format!("{SECRET}\n"));
    for form in [
        "{ file = \"key.txt\" }".to_owned(),
        "{ command = [\"cat\", \"key.txt\"] }".to_owned(),
        format!("\"{SECRET}\""),
    ] {
        let path = scene.write("personio-sync.toml", &text.replace("{ env = \"FRESHSERVICE_API_KEY\" }", &form));
        let ran = scene.run(&["plan"], 0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(ran.stderr.contains("stands in the file itself"), form.starts_with('"'), "{}", ran.stderr);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(scene.run(&["plan"], 0).stderr, "", "nobody else may read it now");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}

#[test]
fn the_same_employees_give_the_same_bytes() {
    let scene = Scene::new(120, &format!("{DESK}{LIST}"));
    let arguments = ["plan", "--format", "json"];
    let first = scene.run(&arguments, 0).stdout;
    for _ in 0..3 {
        assert_eq!(scene.run(&arguments, 0).stdout, first);
    }
}

#[test]
fn a_failure_that_is_accepted_says_until_when_and_why() {
    let scene = Scene::new(12, DESK);
    scene.sync();
    scene.hire(json!({"email": "nova@example.com"}));
    scene.faults("freshservice:post:503@100%");
    scene.run(&["sync", "--yes"], 3);
    let failed = scene.run(&["jobs", "--failed", "--format", "json"], 0).json();
    let job = failed["jobs"][0]["job"].as_str().unwrap().to_owned();
    let day = |days| scene.sandbox.info().today.checked_add_days(chrono::Days::new(days)).unwrap().to_string();
    scene.run(&["acknowledge", &job, "--reason", "a known outage", "--until", &day(7)], 0);
    scene.run(&["jobs", "--failed"], 0).shows(&format!("(accepted until {})", day(7)));
    let shown = scene.run(&["jobs", "show", &job], 0);
    shown.shows(&format!("until {} 23:59:59", day(7))).shows("a known outage");
    scene.run(&["report"], 0).shows(&format!("(accepted until {})", day(7)));
    // The same failure counts no more, and another one does.
    scene.run(&["sync", "--yes"], 0);
    scene.hire(json!({"email": "ona@example.com"}));
    scene.run(&["sync", "--yes"], 3);
}
