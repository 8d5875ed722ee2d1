//! A workflow that is paused while its target goes on.

use serde_json::{Value, json};

use super::setting::{FILE, Setting, in_days, notices};

#[test]
fn a_paused_workflow_starts_for_nobody_while_its_target_goes_on() {
    let setting = Setting::new();
    let otto = setting.hire("Otto", in_days(5), "onboarding");
    setting.sync();
    assert_eq!(setting.made("onboarding", otto).len(), 1);

    let (code, _, said) = setting.ran(&["pause", "service-desk/onboarding"]);
    assert!(code == 0 && said.contains("is paused and starts for nobody"), "{said}");
    let text = std::fs::read_to_string(setting.file()).unwrap();
    assert_eq!(text, FILE.replacen("active = true\n", "active = true\npaused = true\n", 1));

    let mira = setting.hire("Mira", in_days(7), "onboarding");
    setting.change(otto, json!({"hire_date": in_days(6).to_string()}));
    let report = setting.sync();
    assert_eq!(setting.requester("mira@example.com")["first_name"], "Mira", "the account is made");
    assert_eq!(setting.made("onboarding", mira), Vec::<Value>::new());
    assert!(notices(&report).contains("hire_date_moved"), "what no longer fits is told: {report:#}");

    let listed: Value = serde_json::from_str(&setting.text(&["workflows", "--format", "json"])).unwrap();
    let paused = |one: &Value| (one["active"].clone(), one["workflow_paused"].clone(), one["paused"].clone());
    assert_eq!(paused(&listed["workflows"][0]), (json!(true), json!(true), json!(false)), "{listed:#}");
    assert!(setting.text(&["status"]).contains("Paused workflows of service-desk: onboarding"));
    let status: Value = serde_json::from_str(&setting.text(&["status", "--format", "json"])).unwrap();
    assert_eq!(status["targets"][0]["paused_workflows"], json!(["onboarding"]));
    let test = setting.text(&["workflows", "test", "onboarding", "--employee", &mira.to_string()]);
    assert!(test.contains("state     paused") && test.contains("the next sync does not do this"), "{test}");
    assert!(setting.ran(&["workflows", "start", "onboarding"]).2.contains("resume service-desk/onboarding"));

    // One person is started all the same, as one person is synced on a paused target.
    let (code, _, said) = setting.ran(&["workflows", "start", "onboarding", "--employee", &mira.to_string(), "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(setting.made("onboarding", mira).len(), 1);

    let ines = setting.hire("Ines", in_days(3), "onboarding");
    let shown = setting.text(&["resume", "service-desk/onboarding"]);
    assert!(shown.contains(&format!("+ request    {ines}")), "it shows what the next sync does: {shown}");
    setting.sync();
    assert_eq!(setting.made("onboarding", ines).len(), 1);
    assert_eq!(setting.made("onboarding", mira).len(), 1, "once");
    let (code, _, said) = setting.ran(&["pause", "service-desk/onbording"]);
    assert!(code == 2 && said.contains("did you mean `onboarding`?"), "{said}");
}
