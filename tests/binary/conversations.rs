//! A help desk that people set up: what is listed, what is confirmed, and what is asked of the directory.

use personio_sync::personio::simulated::Personio;
use serde_json::{Value, json};

use super::scene::{DESK, Scene, summary};

const HELP: &str = r#"
[targets.help]
type = "conversations"
directory = "chat"
requester_attributes = ["first_name", "last_name", "email", "status"]
experts = "department in ['People', 'IT']"
[targets.help.mapping]
name = "first_name ~ ' ' ~ last_name"
email = "email | lower"
[targets.help.teams."People Ops"]
kind = "HR"
members = "department == 'People'"
categories = ["Payroll"]
slack_channels = ["ask-people"]
working_hours = { from = "09:00", to = "17:00", timezone = "Europe/Amsterdam" }
goals.payroll = { categories = ["Payroll"], respond_minutes = 120 }
[targets.help.teams.IT]
visibility = "internal"
members = "department == 'IT'"
"#;

const CHAT: &str = r#"
[targets.chat]
type = "slack"
token = { env = "FRESHSERVICE_API_KEY" }
base_url = "{base}/slack/chat/api"
[targets.chat.mapping]
email = "email | lower"
title = "position"
"#;

fn scene(more: &str) -> Scene {
    Scene::new(40, &format!("{HELP}{CHAT}{more}"))
}

fn plan(scene: &Scene) -> Value {
    scene.run(&["plan", "help", "--format", "json"], 0).json()["targets"][0].clone()
}

/// The steps of a group, or none.
fn steps(target: &Value, title: &str) -> Vec<String> {
    let groups = target["checklist"]["groups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["title"] == title);
    let steps = group.into_iter().flat_map(|group| group["steps"].as_array().unwrap());
    steps.map(|step| step.as_str().unwrap().to_owned()).collect()
}

fn notices(target: &Value) -> String {
    target["notices"].as_array().unwrap().iter().map(|notice| format!("{notice}\n")).collect()
}

fn settled(scene: &Scene, when: &str) {
    let ran = scene.run(&["plan", "help", "--detailed-exitcode", "--format", "json"], 0);
    let target = &ran.json()["targets"][0];
    assert_eq!(target["changes"], json!([]), "{when}");
    assert_eq!(target["checklist"], json!({"code": null, "groups": []}), "{when}");
}

fn confirm(scene: &Scene) {
    scene.run(&["confirm", "help", "--yes"], 0).says("nothing is open now");
}

#[test]
fn confirm_then_plan_nothing_left() {
    let scene = scene("");
    let first = plan(&scene);
    assert!(notices(&first).contains("nothing was confirmed yet"), "{first:#}");
    let role = steps(&first, "Role of an expert");
    assert!(!role.is_empty() && role.iter().all(|step| step.starts_with("Give it to ")), "{role:?}");
    let ops = steps(&first, "Team People Ops");
    assert_eq!(ops[0], "Make the team of the type HR, public");
    assert!(
        ops.contains(&"Set the SLA for Payroll: respond within 120 minutes, as a member of the team".into()),
        "{ops:?}"
    );
    assert!(ops.contains(&"Set the working hours to Mon to Fri, 09:00 to 17:00 (Europe/Amsterdam)".into()), "{ops:?}");
    confirm(&scene);
    settled(&scene, "all confirmed");

    let name = |scene: &Scene, id: u64| {
        let mut found = String::new();
        scene.sandbox.system(|personio: &mut Personio| found = personio.company().person(id).unwrap().name());
        format!("{found} ({}, employee {id})", scene.email(id).to_lowercase())
    };
    let hired =
        scene.hire(json!({"first_name": "Nova", "last_name": "Held", "email": "nova@example.com", "department": "IT"}));
    let target = plan(&scene);
    assert_eq!(steps(&target, "Role of an expert"), [format!("Give it to {}", name(&scene, hired))]);
    assert_eq!(steps(&target, "Team IT"), [format!("Add {}", name(&scene, hired))]);
    scene.run(&["sync", "--yes", "help"], 0).says("1 thing needs a hand:").says("2 steps are to be done by hand");
    scene.run(&["todo"], 0).shows("by_hand");
    confirm(&scene);
    scene.run(&["todo"], 0).shows("Nothing needs a hand");
    settled(&scene, "hired");

    scene.change(hired, json!({"department": "People"}));
    let target = plan(&scene);
    assert_eq!(steps(&target, "Role of an expert"), [""; 0]);
    assert_eq!(steps(&target, "Team IT"), [format!("Take out {}: no longer fits the rule", name(&scene, hired))]);
    assert_eq!(steps(&target, "Team People Ops"), [format!("Add {}", name(&scene, hired))]);
    confirm(&scene);
    settled(&scene, "moved");

    scene.change(hired, json!({"first_name": "Nora", "email": "nora@example.com"}));
    settled(&scene, "a name is nobody's step");

    let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
    scene.change(hired, json!({"status": "inactive", "termination_date": yesterday}));
    let target = plan(&scene);
    let left = format!("Take it from {}: left on {yesterday}", name(&scene, hired));
    assert_eq!(steps(&target, "Role of an expert"), [left]);
    assert_eq!(target["changes"][0]["reason"], "left");
    confirm(&scene);
    settled(&scene, "left");

    scene.change(hired, json!({"status": "active", "termination_date": null}));
    assert_eq!(steps(&plan(&scene), "Team People Ops"), [format!("Add {}", name(&scene, hired))]);
    confirm(&scene);
    settled(&scene, "returned");
}

#[test]
fn without_a_mapping_people_are_told_by_number() {
    let (head, rest) = HELP.split_once("[targets.help.mapping]").unwrap();
    let teams = &rest[rest.find("[targets.help.teams").unwrap()..];
    let scene = Scene::new(40, &format!("{head}{teams}{CHAT}"));
    let target = plan(&scene);
    let experts = steps(&target, "Role of an expert");
    assert!(!experts.is_empty() && experts.iter().all(|step| step.contains("employee 1")), "{target:#}");
    confirm(&scene);
    settled(&scene, "confirmed by number");
}

#[test]
fn settings_of_teams_are_part_of_the_difference() {
    let scene = scene("");
    confirm(&scene);
    let changed = HELP
        .replace("kind = \"HR\"", "kind = \"Payroll\"\nvisibility = \"internal\"\nstatuses = [\"Parked\"]")
        .replace("\"17:00\"", "\"16:00\"")
        .replace(
            "categories = [\"Payroll\"]\nslack_channels = [\"ask-people\"]",
            "categories = [\"Payroll\", \"Visa\"]",
        )
        .replace("respond_minutes = 120", "respond_minutes = 60")
        .replace("[targets.help.teams.IT]\nvisibility = \"internal\"", "[targets.help.teams.Tech]");
    scene.configure(&format!("{changed}{CHAT}"));
    let target = plan(&scene);
    assert_eq!(
        steps(&target, "Team People Ops"),
        [
            "Add the category Visa",
            "Set the type to Payroll (was HR)",
            "Remove the associated Slack channel #ask-people",
            "Add the request status Parked, in the settings of request statuses",
            "Set the visibility to internal only (was public)",
            "Set the working hours to Mon to Fri, 09:00 to 16:00 (Europe/Amsterdam) (was Mon to Fri, 09:00 to 17:00 \
             (Europe/Amsterdam))",
            "Set the SLA for Payroll: respond within 60 minutes (was respond within 120 minutes), as a member of the team",
        ]
    );
    assert_eq!(steps(&target, "Team IT"), ["Archive the team: the file no longer has it"]);
    let tech = steps(&target, "Team Tech");
    assert_eq!(tech[0], "Make the team, public");
    let change =
        target["changes"].as_array().unwrap().iter().find(|change| change["account"] == "team People Ops").unwrap();
    assert_eq!((&change["op"], &change["employee"]), (&json!("update"), &Value::Null));
    let kind = change["fields"].as_array().unwrap().iter().find(|field| field["field"] == "kind").unwrap();
    assert_eq!((&kind["before"], &kind["after"]), (&json!("HR"), &json!("Payroll")));
    confirm(&scene);
    settled(&scene, "changed");

    // Members of an archived team are not remembered: the team begins anew.
    scene.configure(&format!("{HELP}{CHAT}"));
    let again = steps(&plan(&scene), "Team IT");
    assert_eq!(again.len(), tech.len());
    assert_eq!(again[0], "Make the team, internal only");
}

#[test]
fn a_checklist_is_handed_over_and_confirmed_as_it_was() {
    let scene = scene(DESK);
    scene.run(&["plan", "--markdown", "list.md"], 0).says("wrote list.md").shows("desk (freshservice)");
    let list = scene.read("list.md");
    assert!(list.starts_with("# help: to do by hand\n\nMade for "), "{list}");
    assert!(!list.contains("job_title") && !list.contains("freshservice"), "nothing of other targets: {list}");
    let boxes = list.lines().filter(|line| line.starts_with("- [ ] ")).count();
    let target = plan(&scene);
    let groups = target["checklist"]["groups"].as_array().unwrap();
    assert_eq!(boxes, 1 + groups.iter().map(|group| group["steps"].as_array().unwrap().len()).sum::<usize>());
    let printed = scene.run(&["plan", "help", "--markdown", "-"], 0).stdout;
    assert_eq!(printed, list, "the same steps give the same bytes");
    scene.run(&["plan", "help", "--format", "markdown"], 0).shows("### Team IT").shows("- [ ] ");
    scene.run(&["plan", "desk", "--markdown", "-"], 2).says("none of these targets is done by hand");

    let code = target["checklist"]["code"].as_str().unwrap();
    assert!(list.ends_with(&format!("`personio-sync confirm help --checklist {code}`\n")), "{list}");
    let hired = scene.hire(json!({"department": "IT", "email": "nova@example.com"}));
    scene.run(&["confirm", "help", "--yes", "--checklist", code], 8).says("no longer the one of the checklist");
    assert_eq!(plan(&scene)["changes"].as_array().unwrap().len(), target["changes"].as_array().unwrap().len() + 1);
    scene.change(hired, json!({"department": "Sales"}));
    scene.run(&["confirm", "help", "--yes", "--checklist", code], 0);
    settled(&scene, "confirmed by its code");
}

#[test]
fn a_part_is_confirmed_and_the_rest_stays_open() {
    let scene = scene("");
    let all = plan(&scene);
    scene
        .run(&["confirm", "help", "--yes", "--team", "IT"], 0)
        .says("are still open")
        .says("1 team")
        .shows("[x] Make the team");
    let target = plan(&scene);
    assert_eq!(steps(&target, "Team IT"), [""; 0]);
    assert_eq!(steps(&target, "Team People Ops"), steps(&all, "Team People Ops"));
    assert_eq!(steps(&target, "Role of an expert"), steps(&all, "Role of an expert"));
    scene.run(&["confirm", "help", "--yes", "--experts"], 0);
    assert_eq!(steps(&plan(&scene), "Role of an expert"), [""; 0]);
    scene.run(&["confirm", "help", "--yes", "--team", "Nowhere"], 2).says("no open step of help is about that");
    let changes = plan(&scene)["changes"].clone();
    let one = changes.as_array().unwrap().iter().find_map(|change| change["employee"].as_str()).unwrap().to_owned();
    scene.run(&["confirm", "help", "--yes", "--employee", &one], 0).says("1 new member");
    assert_eq!(plan(&scene)["changes"].as_array().unwrap().len(), changes.as_array().unwrap().len() - 1);
    confirm(&scene);
    settled(&scene, "in parts");
    scene.run(&["confirm", "help", "--yes"], 8).says("there is nothing to confirm");
    let runs = scene.run(&["jobs", "--target", "help", "--format", "json"], 0).json();
    assert!(runs.to_string().contains("succeeded"), "{runs:#}");
}

#[test]
fn nothing_is_confirmed_without_a_yes_or_for_other_targets() {
    let scene = scene(DESK);
    scene.run(&["confirm", "help"], 8).says("nobody can be asked here, so --yes is needed");
    scene.run(&["confirm", "desk", "--yes"], 2).says("`sync` keeps it in line by itself");
    scene.run(&["confirm", "helf", "--yes"], 2).says("did you mean `help`?");
    assert!(!plan(&scene)["changes"].as_array().unwrap().is_empty());
    scene.configure(&format!("{HELP}{CHAT}").replace("directory =", "paused = true\ndirectory ="));
    scene.run(&["confirm", "help", "--yes"], 2).says("help is paused");
}

#[test]
fn sync_and_retry_leave_to_people_what_is_theirs() {
    let scene = scene("");
    let before = plan(&scene)["changes"].clone();
    let ran = scene.run(&["sync", "help", "--yes", "--format", "json"], 0).json();
    assert_eq!(ran["targets"][0]["changes"], json!([]));
    assert!(notices(&ran["targets"][0]).contains("steps are to be done by hand"), "{ran:#}");
    assert_eq!(plan(&scene)["changes"], before);
    scene.run(&["sync", "help", "--yes", "--due"], 0);
    scene.run(&["plan", "help", "--out", "plan.json"], 0);
    scene.run(&["sync", "help", "--yes", "--plan", "plan.json"], 0).shows("steps are to be done by hand");
    assert_eq!(plan(&scene)["changes"], before);
    scene.run(&["retry", "--failed", "--yes"], 0).says("nothing to retry");
    let jobs = || scene.run(&["jobs", "--target", "help", "--format", "json"], 0).json()["jobs"].clone();
    assert_eq!(jobs(), json!([]), "nothing was done to anybody");
    scene.run(&["plan", "help", "--detailed-exitcode"], 10);

    confirm(&scene);
    let job = jobs()[0].clone();
    scene.change(job["employee"].as_str().unwrap().parse().unwrap(), json!({"department": "Sales"}));
    scene.run(&["retry", job["job"].as_str().unwrap(), "--yes"], 0).shows("to be done by hand");
    assert_eq!(plan(&scene)["changes"].as_array().unwrap().len(), 1, "not even once more");
}

#[test]
fn whoever_is_outside_states_why() {
    let scene = scene("");
    confirm(&scene);
    let narrowed = HELP.replace("directory =", "include = [\"department != 'IT'\"]\ndirectory =");
    scene.configure(&format!("{narrowed}{CHAT}"));
    let target = plan(&scene);
    let changes = target["changes"].as_array().unwrap();
    assert!(!changes.is_empty() && changes.iter().all(|change| change["reason"] == "out_of_scope"), "{target:#}");
    assert!(steps(&target, "Team IT")[0].ends_with(": no longer matches the filters"));
    assert!(notices(&target).contains("nobody fits the rule of teams.IT; all "), "{target:#}");
    confirm(&scene);
    settled(&scene, "narrowed");

    let gone: u64 = {
        let jobs = scene.run(&["jobs", "--target", "help", "--format", "json"], 0).json();
        let mut people =
            jobs["jobs"].as_array().unwrap().iter().map(|job| job["employee"].as_str().unwrap().to_owned());
        let taken: Vec<String> =
            changes.iter().filter_map(|change| change["employee"].as_str().map(String::from)).collect();
        people.find(|id| !taken.contains(id)).unwrap().parse().unwrap()
    };
    scene.sandbox.system(|personio: &mut Personio| personio.company_mut().remove(gone));
    let leavers = "[targets.help.leavers]\nmissing = \"deactivate\"\n";
    scene.configure(&format!("{narrowed}{leavers}{CHAT}"));
    let target = plan(&scene);
    assert_eq!(target["changes"][0]["reason"], "missing", "{target:#}");
    let step = format!("Take it from employee {gone}: no longer delivered by Personio");
    assert_eq!(steps(&target, "Role of an expert"), [step]);
    confirm(&scene);
    settled(&scene, "gone");
}

#[test]
fn absence_is_not_departure() {
    let leavers = "[targets.help.leavers]\nmissing = \"deactivate\"\n";
    let scene = Scene::new(250, &format!("{HELP}{leavers}{CHAT}"));
    confirm(&scene);
    let jobs = scene.run(&["jobs", "--target", "help", "--format", "json"], 0).json();
    let gone: u64 = jobs["jobs"][0]["employee"].as_str().unwrap().parse().unwrap();
    scene.sandbox.system(|personio: &mut Personio| personio.company_mut().remove(gone));
    scene.faults("personio:remove-while-paging@100%");
    let target = scene.run(&["plan", "help", "--format", "json"], 5).json()["targets"][0].clone();
    let changes = target["changes"].as_array().unwrap();
    assert!(changes.iter().all(|change| change["reason"] != "missing"), "{target:#}");
    assert!(notices(&target).contains(&format!("personio-sync forget {gone}")), "{target:#}");
    scene.faults("");
    let target = plan(&scene);
    let number = gone.to_string();
    let change = target["changes"].as_array().unwrap().iter().find(|change| change["employee"] == *number).unwrap();
    assert_eq!(change["reason"], "missing");
}

#[test]
fn a_limit_holds_steps_and_confirm_leaves_them_open() {
    let scene = scene("[targets.help.safety]\nmax_update = 1\n");
    let target = scene.run(&["plan", "help", "--format", "json"], 4).json()["targets"][0].clone();
    assert_eq!(steps(&target, "Role of an expert"), [""; 0], "what is held is not to be done");
    assert_eq!(steps(&target, "Team IT").len(), 1);
    scene.run(&["confirm", "help", "--yes"], 4).says("2 teams");
    scene.configure(&format!("{HELP}{CHAT}"));
    assert!(!steps(&plan(&scene), "Role of an expert").is_empty());
}

#[test]
fn entra_keeps_the_language_and_has_no_slack_channels() {
    let people = r#"
[targets.chat]
type = "entra"
tenant = "acme.onmicrosoft.com"
client_id = "app"
client_secret = { env = "FRESHSERVICE_API_KEY" }
[targets.chat.mapping]
mail = "email | lower"
"#;
    let scene = Scene::new(20, &format!("{HELP}{people}"));
    scene.run(&["check"], 2).says("slack_channels` has no meaning: the directory `chat` is no slack target");
    let by_e_mail = HELP.replace("directory = \"chat\"\n", "");
    scene.configure(&by_e_mail);
    scene.run(&["check"], 2).says("slack_channels` has no meaning without `directory`");
    scene.configure(&by_e_mail.replace("slack_channels = [\"ask-people\"]\n", ""));
    scene.run(&["check"], 0).shows("people write by e-mail only, so there are no contacts and no channels to check");
    let help =
        HELP.replace("slack_channels = [\"ask-people\"]\n", "").replace("name =", "language = \"last_name\"\nname =");
    let look = |people: &str| {
        scene.configure(&format!("{help}{people}"));
        notices(&scene.run(&["plan", "--sandbox", &scene.address(), "--format", "json"], 0).json()["targets"][0])
    };
    assert!(look(people).contains("add preferredLanguage = "), "nothing writes it");
    let written = format!("{people}preferredLanguage = \"'de' | locale\"\n");
    let said = look(&written);
    assert!(!said.contains("language"), "{said}");
    assert!(said.contains("outsiders_in_directory"), "{said}");
}

#[test]
fn what_is_confirmed_is_forgotten_person_by_person() {
    let scene = scene("");
    confirm(&scene);
    let expert = scene.run(&["jobs", "--target", "help", "--format", "json"], 0).json();
    let id = expert["jobs"][0]["employee"].as_str().unwrap().to_owned();
    scene.run(&["forget", &id], 0);
    let target = plan(&scene);
    let changes = target["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "only theirs are open again: {target:#}");
    assert_eq!(changes[0]["employee"], id);
    let bytes = std::fs::read(scene.path("personio-sync.sqlite")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let email = scene.email(id.parse().unwrap());
    assert!(!text.contains(&format!("\"{id}\"")) && !text.contains(&email), "nothing of {id} is left");

    confirm(&scene);
    scene.sandbox.system(|personio: &mut Personio| personio.company_mut().remove(id.parse().unwrap()));
    let target = plan(&scene);
    assert!(notices(&target).contains(&format!("personio-sync forget {id}")), "{target:#}");
    scene.run(&["forget", &id], 0);
    settled(&scene, "gone and forgotten");

    scene.run(&["disconnect", "help"], 0);
    assert!(notices(&plan(&scene)).contains("nothing was confirmed yet"));
}

/// What one runner confirms, another one knows.
#[test]
fn what_is_confirmed_is_kept_on_a_server_too() {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        assert!(std::env::var_os("CI").is_none(), "TEST_DATABASE_URL is not set");
        eprintln!("skipped: TEST_DATABASE_URL is not set");
        return;
    };
    let schema = format!("t{}_confirmed", std::process::id());
    let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    let state = "[state]\nurl = { file = \"address\" }\n";
    let scene = scene(state);
    scene.write("address", &format!("{server}{separator}options=-csearch_path%3D{schema}"));
    confirm(&scene);
    assert!(!scene.path("personio-sync.sqlite").exists());
    // Another runner: the same file under another name.
    let file = scene.read("personio-sync.toml");
    scene.write("other.toml", &file);
    scene.run(&["plan", "help", "--detailed-exitcode", "--config", "other.toml"], 0);
    let jobs = scene.run(&["jobs", "--target", "help", "--format", "json"], 0).json();
    let id = jobs["jobs"][0]["employee"].as_str().unwrap().to_owned();
    scene.run(&["forget", &id, "--config", "other.toml"], 0);
    let open = plan(&scene)["changes"].clone();
    assert_eq!(open.as_array().unwrap().len(), 1);
    assert_eq!(open[0]["employee"], id);
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
}

#[test]
fn a_kill_in_confirm_loses_nothing() {
    let scene = scene("");
    let open = plan(&scene)["changes"].clone();
    let mut killed = 0;
    for pause in 0..40u32 {
        let mut child = scene.start(&["confirm", "help", "--yes"]);
        for _ in 0..pause * 20 {
            std::thread::yield_now();
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::hint::spin_loop();
        }
        let _ = child.kill();
        killed += u32::from(!child.wait().unwrap().success());
        let left = plan(&scene)["changes"].clone();
        if left == json!([]) {
            break;
        }
        assert_eq!(left, open, "all of it or nothing");
    }
    assert!(killed > 0);
    if plan(&scene)["changes"] != json!([]) {
        confirm(&scene);
    }
    settled(&scene, "after the kills");
}

#[test]
fn the_directory_is_held_against_personio() {
    let scene = scene("");
    let look = |scene: &Scene| scene.run(&["plan", "--format", "json"], 0).json()["targets"][0].clone();
    let target = look(&scene);
    let said = notices(&target);
    assert!(said.contains("outsiders_in_directory") && said.contains("(guest, bot or managed elsewhere)"), "{said}");
    assert!(said.contains("sees no channel `ask-people`"), "{said}");
    assert!(said.contains("employed and without an account in use in `chat`"), "{said}");
    let guest = "guest@example.org";
    let outsiders = |target: &Value| {
        let all = target["notices"].as_array().unwrap();
        all.iter().find(|notice| notice["code"] == "outsiders_in_directory").unwrap()["message"].to_string()
    };
    let before = outsiders(&target).matches("guest, bot").count();
    let accepted = HELP.replace("directory =", &format!("outsiders = [\"{guest}\"]\ndirectory ="));
    scene.configure(&format!("{accepted}{CHAT}\n[targets.chat.channels.ask-people]\nmembers = \"false\"\n"));
    scene.run(&["check", "--sandbox", &scene.address()], 0).shows("help: note: ");
    let target = look(&scene);
    assert_eq!(outsiders(&target).matches("guest, bot").count(), before - 1);
    assert!(!notices(&target).contains("sees no channel"), "{target:#}");

    let yesterday = chrono::Utc::now().date_naive().pred_opt().unwrap().to_string();
    scene.change(1002, json!({"status": "inactive", "termination_date": yesterday}));
    scene.change(1003, json!({"email": scene.email(1004)}));
    let said = notices(&look(&scene));
    assert!(said.contains("left, and with an account in use in `chat`: 1002"), "{said}");
    assert!(said.contains("sharing an e-mail address, so a contact may be either's: 1003, 1004"), "{said}");

    assert!(notices(&plan(&scene)).contains("`chat` is not part of this run"));
    let line = "language = \"first_name\"\nname =";
    scene.configure(&format!("{}{CHAT}", HELP.replace("name =", line)));
    assert!(notices(&look(&scene)).contains("everybody sets it there for themselves"));
}

#[test]
fn what_conversations_may_read_is_held_against_what_is_declared() {
    let credential = "[targets.help.credential]\nclient_id = \"conversations\"\n\
                      client_secret = { env = \"PERSONIO_CLIENT_SECRET\" }\n";
    let declared = HELP.replace("\"status\"]", "\"status\", \"team\", \"dynamic_4721\"]");
    let scene = Scene::new(20, &format!("{declared}{CHAT}{credential}"));
    let said = notices(&plan(&scene));
    let place = "under Settings > Integrations > API credentials > Conversations";
    assert!(
        said.contains(&format!("declared and not readable for Conversations; tick them, {place}: dynamic_4721, team")),
        "{said}"
    );
    assert!(said.contains("readable for Conversations and not declared; untick them"), "{said}");
    let grant = |keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        scene.sandbox.system(|personio: &mut Personio| personio.options.conversations_attributes = keys);
    };
    grant(&["first_name", "last_name", "email", "status", "team", "dynamic_4721", "fix_salary"]);
    let ran = scene.run(&["check", "--online"], 0);
    ran.shows(&format!("help: note: readable for Conversations and not declared; untick them, {place}: fix_salary"));
    ran.shows(&format!("sensitive and shown to every expert, {place}: dynamic_4721 (bank account), fix_salary (pay)"));
    grant(&["first_name", "last_name", "email", "status", "team"]);
    let said = notices(&plan(&scene));
    assert!(!said.contains("untick") && !said.contains("sensitive"), "{said}");

    scene.configure(&format!("{declared}{CHAT}{}", credential.replace("PERSONIO_CLIENT_SECRET", "WRONG_SECRET")));
    scene.run(&["check", "--online"], 7).says("help: what `credential` may read could not be looked at");
    scene.run(&["plan", "help"], 0).shows("could not be looked at");

    scene.configure(&format!("{}{CHAT}", declared.replace("\"team\"", "\"dynamic_99\"")));
    let ran = scene.run(&["check", "--online"], 0);
    ran.shows("compared with this tool's own credential, 5 of 6 `requester_attributes` exist");
    ran.shows("this tool's credential does not see: dynamic_99");
    ran.shows("`dynamic_4721` is sensitive (bank account) by its label or universal id");
}

#[test]
fn experts_by_rule_are_held_against_who_has_the_role() {
    let scene = scene("");
    let target = plan(&scene);
    let experts: Vec<String> = target["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["fields"].to_string().contains("\"experts\""))
        .map(|change| change["employee"].as_str().unwrap().to_owned())
        .collect();
    let stranger = (1001..).map(|id: u64| id.to_string()).find(|id| !experts.contains(id)).unwrap();
    let rest = &experts[1..];
    scene.write("experts.csv", &format!("name,employee_id\nA,{stranger}\nB,{}\nC,99999\n", rest.join("\nX,")));
    let listed = HELP.replace("directory =", "experts_file = \"experts.csv\"\ndirectory =");
    scene.configure(&format!("{listed}{CHAT}"));
    let said = notices(&plan(&scene));
    assert!(
        said.contains(&format!(
            "1 expert by rule and not in `experts_file` (administrators need no role): {}",
            experts[0]
        )),
        "{said}"
    );
    assert!(said.contains(&format!("1 expert in `experts_file` and not by rule: {stranger}")), "{said}");
    assert!(said.contains("1 line of `experts_file` with nobody whom Personio delivers"), "{said}");
    confirm(&scene);
    assert!(notices(&plan(&scene)).contains("not in `experts_file`"), "the list is what it was");
    std::fs::remove_file(scene.path("experts.csv")).unwrap();
    assert!(notices(&plan(&scene)).contains("experts.csv cannot be read"));
}

#[test]
fn the_first_plan_counts_everybody_and_tells_nobody() {
    let scene = scene("");
    let document = scene.run(&["plan", "help", "--format", "json"], 0).json();
    let planned = |number: &str| summary(&document, number).as_u64().unwrap();
    let employees = document["source"]["employees"].as_u64().unwrap();
    let people = document["targets"][0]["changes"].as_array().unwrap();
    let changed = people.iter().filter(|change| !change["employee"].is_null()).count() as u64;
    assert_eq!(planned("in_sync") + changed, employees, "everybody is a requester, whoever left included");
    assert_eq!(planned("create"), 2, "two teams");
    assert!(scene.requests("slack").is_empty() && scene.requests("freshservice").is_empty());
}
