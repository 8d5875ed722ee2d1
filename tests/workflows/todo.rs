//! What a workflow leaves to people: listed until it is over, or until somebody says that it is done.

use serde_json::{Value, json};

use super::setting::{Setting, in_days};

fn todos(setting: &Setting) -> Vec<Value> {
    let document: Value = serde_json::from_str(&setting.text(&["todo", "--format", "json"])).unwrap();
    document["todos"].as_array().unwrap().clone()
}

#[test]
fn a_moved_day_is_listed_until_it_moves_back_or_somebody_says_that_it_is_done() {
    let setting = Setting::new();
    let mira = setting.hire("Mira", in_days(7), "onboarding");
    setting.sync();
    assert!(setting.text(&["todo"]).contains("Nothing needs a hand"));
    let request = setting.made("onboarding", mira)[0]["id"].to_string();
    let move_to = |days| setting.change(mira, json!({"hire_date": in_days(days).to_string()}));

    move_to(9);
    let (_, _, said) = setting.ran(&["sync", "--yes", "--format", "json"]);
    assert!(
        said.contains("1 thing needs a hand:") && said.contains(&format!("employee {mira}: onboarding:")),
        "{said}"
    );
    let first = todos(&setting).remove(0);
    assert_eq!((&first["code"], &first["employee"]), (&json!("hire_date_moved"), &json!(mira.to_string())));
    assert_eq!(
        (&first["target"], &first["age_days"], &first["done"]),
        (&json!("service-desk"), &json!(0), &Value::Null)
    );
    let what = first["what"].as_str().unwrap();
    assert!(what.contains(&format!("the request ({request}) was made for …, and the hire date is … now")), "{what}");
    assert!(!setting.text(&["todo"]).contains("Mira"));

    // Who looks at somebody else knows nothing of her.
    setting.ran(&["sync", "--yes", "--employee", "1001"]);
    assert_eq!(todos(&setting), std::slice::from_ref(&first));
    let id = first["id"].to_string();
    let done = setting.text(&["todo", "done", &id]);
    assert!(done.contains(&format!("done: {id}: service-desk, employee {mira}")), "{done}");
    setting.sync();
    assert_eq!(todos(&setting), Vec::<Value>::new());
    let shown = setting.text(&["todo", "--done"]);
    assert!(shown.contains("hire_date_moved") && shown.contains("done "), "{shown}");
    let (code, _, said) = setting.ran(&["todo", "done", &id]);
    assert!(code == 2 && said.contains("is done already"), "{said}");

    // The matter is another one now.
    move_to(11);
    setting.sync();
    let second = todos(&setting).remove(0);
    assert!(second["id"].as_i64() > first["id"].as_i64() && second["done"].is_null(), "{second}");
    // A run for her alone sees as well that it is over.
    move_to(7);
    setting.ran(&["sync", "--yes", "--employee", &mira.to_string()]);
    assert_eq!(todos(&setting), Vec::<Value>::new());
}
