//! Days that move, hires that are called off, leavers who stay.

use chrono::Days;
use personio_sync::personio::simulated::Personio;
use serde_json::{Value, json};

use super::setting::{FILE, Setting, in_days, notices, today};

#[test]
fn who_leaves_is_offboarded_before_the_account_is_taken_out_of_use() {
    let setting = Setting::new();
    let mira = setting.hire("Mira", in_days(0) - Days::new(400), "active");
    setting.sync();
    setting.change(mira, json!({"termination_date": in_days(10).to_string()}));
    setting.sync();
    let made = setting.made("offboarding", mira);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["fields"]["cf_last_working_date"], in_days(10).format("%d-%m-%Y").to_string());
    setting.change(mira, json!({"termination_date": null}));
    assert!(notices(&setting.sync()).contains("leaver_stays"));

    // Gone at once: both in one run, the request first.
    setting.sandbox.clear_requests();
    let leo = setting.hire("Leo", in_days(0) - Days::new(400), "active");
    setting.sync();
    setting.change(leo, json!({"termination_date": (in_days(0) - Days::new(1)).to_string()}));
    setting.sync();
    assert_eq!(setting.made("offboarding", leo).len(), 1);
    let sent = setting.sandbox.requests();
    let place = |method: &str, part: &str| sent.iter().rposition(|one| one.method == method && one.path.contains(part));
    assert!(place("POST", "/offboarding_requests") < place("DELETE", "/requesters/"), "{sent:#?}");
}

#[test]
fn what_cannot_be_undone_is_told_by_plan_and_sync_with_what_to_do() {
    let setting = Setting::with(&FILE.replace("when = [\"lifecycle == 'upcoming'\"]\n", ""));
    let mira = setting.hire("Mira", in_days(7), "onboarding");
    let called_off = setting.hire("Ines", in_days(7), "onboarding");
    let gone = setting.hire("Otto", in_days(7), "onboarding");
    let stays = setting.hire("Leo", in_days(0) - Days::new(400), "active");
    setting.change(stays, json!({"termination_date": in_days(10).to_string()}));
    let later = setting.hire("Nina", in_days(0) - Days::new(400), "active");
    setting.change(later, json!({"termination_date": in_days(10).to_string()}));
    setting.sync();
    let request = |kind: &str, employee: u64| {
        let made = setting.made(kind, employee);
        assert_eq!(made.len(), 1, "{kind} {employee}");
        made[0]["id"].clone()
    };
    let ids = [
        request("onboarding", mira),
        request("onboarding", called_off),
        request("onboarding", gone),
        request("offboarding", stays),
        request("offboarding", later),
    ];
    setting.change(mira, json!({"hire_date": in_days(9).to_string()}));
    // Personio wants a hire date of everybody: who does not come after all is made inactive.
    setting.change(called_off, json!({"status": "inactive"}));
    setting.sandbox.system(|personio: &mut Personio| personio.delete(gone));
    setting.change(stays, json!({"termination_date": null}));
    setting.change(later, json!({"termination_date": in_days(20).to_string()}));
    let expected = [
        (mira, "hire_date_moved", "change it by hand"),
        (called_off, "hire_called_off", "cancel it by hand"),
        (gone, "hire_called_off", "Personio no longer delivers the employee; cancel it by hand"),
        (stays, "leaver_stays", "cancel it by hand"),
        (later, "last_day_moved", "change it by hand"),
    ];
    let told = |document: &Value| {
        let notices = document["targets"][0]["notices"].as_array().unwrap().clone();
        for ((employee, code, words), id) in expected.iter().zip(&ids) {
            let mut of_them = notices.iter().filter(|one| one["employee"] == json!(employee.to_string()));
            let found = of_them.find(|one| one["code"] == *code).unwrap_or_else(|| panic!("{code}: {notices:#?}"));
            let message = found["message"].as_str().unwrap();
            assert!(message.contains(words) && message.contains(&format!("({id})")), "{message}");
        }
    };
    for command in [&["plan", "--format", "json"][..], &["sync", "--yes", "--format", "json"]] {
        let (_, document, error) = setting.ran(command);
        told(&serde_json::from_str(&document).unwrap_or_else(|_| panic!("{error}")));
    }
    let plan = setting.text(&["plan"]);
    assert!(
        plan.contains(&format!("note: employee {mira}: onboarding: the request ({}) was made for", ids[0])),
        "{plan}"
    );
    for (kind, employee) in
        [("onboarding", mira), ("onboarding", called_off), ("offboarding", stays), ("offboarding", later)]
    {
        assert_eq!(setting.made(kind, employee).len(), 1, "no second one for {employee}");
    }
}

#[test]
fn a_mask_hides_names_and_days_wherever_a_workflow_or_a_reason_has_them() {
    let setting = Setting::new();
    let leo = setting.hire("Leo", today() - Days::new(400), "active").to_string();
    setting.sync();
    let (last_day, hire_date) = ((today() - Days::new(2)).to_string(), in_days(7).to_string());
    setting.change(leo.parse().unwrap(), json!({"status": "inactive", "termination_date": last_day}));
    let mira = setting.hire("Mira", in_days(7), "onboarding").to_string();
    for command in [
        &["plan"][..],
        &["plan", "--format", "markdown"],
        &["explain", &leo],
        &["explain", &mira],
        &["workflows", "test", "onboarding", "--employee", &mira],
        &["workflows", "test", "offboarding", "--employee", &leo],
        &["workflows", "rehearse", "--since", "60d"],
    ] {
        let (_, clear, _) = setting.ran(&[command, &["--mask", "never"]].concat());
        assert!(clear.contains(&last_day) || clear.contains(&hire_date), "{command:?}: {clear}");
        let (_, masked, _) = setting.ran(&[command, &["--mask", "always"]].concat());
        for value in [&*last_day, &hire_date, "Mira", "Leo"] {
            assert!(masked.contains('‹') && !masked.contains(value), "{command:?} has {value}: {masked}");
        }
    }
    let (_, plan, _) = setting.ran(&["plan", "--mask", "always"]);
    assert!(plan.contains("left on ‹"), "a reason stays one: {plan}");
}

#[test]
fn a_program_reads_a_workflow_and_its_test() {
    let setting = Setting::new();
    let mira = setting.hire("Mira", in_days(7), "onboarding").to_string();
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&setting.text(&[arguments, &["--format", "json"]].concat())).unwrap()
    };
    let shown = json(&["workflows", "show", "onboarding"]);
    assert_eq!((&shown["kind"], &shown["workflow"]), (&json!("workflow"), &json!("onboarding")));
    let fields = shown["steps"][0]["fields"].as_array().unwrap();
    assert!(fields.contains(&json!({"field": "cf_date_of_joining", "from": "hire_date"})), "{shown:#}");
    let command = ["workflows", "test", "onboarding", "--employee", &mira];
    let tested = json(&command);
    assert_eq!((&tested["kind"], &tested["employee"]), (&json!("workflow_test"), &json!(mira)));
    let fields = tested["steps"][0]["fields"].as_array().unwrap();
    assert!(fields.contains(&json!({"field": "cf_employee_name", "value": "Mira Osei"})), "{tested:#}");
    let markdown = setting.text(&[&command[..], &["--format", "markdown"]].concat());
    assert!(markdown.lines().all(|line| line.starts_with("    ")), "a block of code: {markdown}");
}

#[test]
fn a_leaver_entered_too_late_is_named_and_started_by_hand_once() {
    let setting = Setting::new();
    let leo = setting.hire("Leo", today() - Days::new(400), "active");
    setting.sync();
    let last_day = (today() - Days::new(58)).to_string();
    setting.change(leo, json!({"status": "inactive", "termination_date": last_day}));
    let report = setting.sync();
    assert!(notices(&report).contains("event_missed") && report.to_string().contains(&last_day), "{report:#}");
    assert_eq!(setting.made("offboarding", leo), Vec::<Value>::new());
    let id = leo.to_string();
    let test = setting.text(&["workflows", "test", "offboarding", "--employee", &id]);
    assert!(
        test.contains("trigger   yes") && test.contains("window    no: it was open") && test.contains("done      no"),
        "{test}"
    );

    let begun = || -> Vec<(Value, Value)> {
        let rehearsed = setting.text(&["workflows", "rehearse", "--since", "60d", "--format", "json"]);
        let rehearsed: Value = serde_json::from_str(&rehearsed).unwrap();
        assert_eq!(rehearsed["left_out"][0]["workflow"], "move", "{rehearsed:#}");
        let starts = rehearsed["starts"].as_array().unwrap().iter();
        starts.filter(|one| one["employee"] == json!(id)).map(|one| (one["on"].clone(), one["begun"].clone())).collect()
    };
    let on = (today() - Days::new(60)).to_string();
    setting.sandbox.clear_requests();
    assert_eq!(begun(), [(json!(on), json!("no"))]);
    let asked = setting.sandbox.requests();
    assert!(asked.iter().all(|one| one.system == "personio"), "no target is asked: {asked:#?}");
    let (_, shown, said) = setting.ran(&["workflows", "rehearse", "offboarding", "--since", "60d"]);
    assert!(shown.contains("is not known") && said.contains("workflows start TARGET/NAME --employee"), "{shown}{said}");
    assert_eq!(setting.ran(&["workflows", "rehearse", "--since", "30h"]).0, 2);

    let command = ["workflows", "start", "service-desk/offboarding", "--employee", &id];
    assert_eq!(setting.ran(&command).0, 8, "somebody is to be asked");
    assert_eq!(setting.made("offboarding", leo), Vec::<Value>::new());
    let (code, shown, said) = setting.ran(&[&command[..], &["--yes"]].concat());
    assert_eq!(code, 0, "{shown}{said}");
    assert_eq!(setting.made("offboarding", leo).len(), 1);
    assert!(!notices(&setting.sync()).contains("event_missed"));
    assert_eq!(begun(), [(json!(on), json!("yes"))]);
    let (code, _, said) = setting.ran(&[&command[..], &["--yes"]].concat());
    assert!(code == 2 && said.contains("nothing to start"), "{said}");
    assert_eq!(setting.made("offboarding", leo).len(), 1, "once");
}
