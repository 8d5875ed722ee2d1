//! The document of `--format json`: its shape is public.

use serde_json::{Value, json};

use super::scene::{DESK, LIST, Scene};

/// What a value has to be: `"text"`, `"text?"` (or null), `"number"`, `"bool"`, `"any"`, a list of one shape, or a
/// map with exactly these keys; a key that ends with `?` may be missing.
fn check(value: &Value, shape: &Value, place: &str) {
    match shape {
        Value::String(kind) => {
            let fits = match kind.as_str() {
                "text" => value.is_string(),
                "text?" => value.is_string() || value.is_null(),
                "number" => value.is_u64(),
                "bool" => value.is_boolean(),
                "null" => value.is_null(),
                _ => true,
            };
            assert!(fits, "{place} is not {kind}: {value}");
        }
        Value::Array(shapes) => {
            for (index, item) in value.as_array().unwrap_or_else(|| panic!("{place}: {value}")).iter().enumerate() {
                check(item, &shapes[0], &format!("{place}[{index}]"));
            }
        }
        Value::Object(shapes) => {
            let found = value.as_object().unwrap_or_else(|| panic!("{place}: {value}"));
            for (key, shape) in shapes {
                let name = key.trim_end_matches('?');
                match found.get(name) {
                    Some(value) => check(value, shape, &format!("{place}.{name}")),
                    None => assert!(key.ends_with('?'), "{place} has no {name}: {value}"),
                }
            }
            for key in found.keys() {
                assert!(shapes.contains_key(key) || shapes.contains_key(&format!("{key}?")), "{place} has {key}");
            }
        }
        other => panic!("no shape: {other}"),
    }
}

fn shape(kind: &str) -> Value {
    let outcome = if kind == "plan" { json!("null") } else { json!({"status": "text", "error": "text?"}) };
    let notices = json!([{"code": "text", "employee": "text?", "message": "text"}]);
    json!({
        "schema": "number", "kind": "text", "tool": "text", "today": "text", "exit_code": "number",
        "problems": [{"code": "text", "message": "text", "target?": "text", "line?": "number", "column?": "number"}],
        "requests?": {
            "source": {"reads": "number", "looks": "number", "writes": "number"}, "targets": "any",
        },
        "source": {
            "employees": "number", "complete": "bool", "why_incomplete?": "text", "mode": "text",
            "changes?": {"since": "text", "looked_at": "number", "full_due": "text?"},
        },
        "targets": [{
            "name": "text", "type": "text", "status": "text", "reason": "text?",
            "summary": {"create": "number", "found": "number", "update": "number", "reactivate": "number", "handover": "number", "deactivate": "number",
                        "in_sync": "number", "skipped": "number", "held": "number", "failed": "number"},
            "changes": [{
                "op": "text", "employee": "text?", "account": "text?", "reason": "text?", "detail": "text?",
                "fields": [{"field": "text", "before": "any", "after": "any"}],
                "from?": "text",
                "evidence?": {"keys": ["text"], "last_day": "text?", "hire_date": "text?"},
                "hold?": {"code": "text", "detail": "text"},
                "outcome": outcome,
            }],
            "skipped": [{"employee": "text", "reason": "text", "detail": "text"}],
            "orphans": ["text"],
            "forecast?": "any",
            "notices": notices,
        }],
        "notices": notices,
    })
}

/// The counts are those of the lists beside them.
fn check_counts(document: &Value) {
    for target in document["targets"].as_array().unwrap() {
        let changes = target["changes"].as_array().unwrap();
        let summary = &target["summary"];
        for op in ["create", "update", "reactivate", "handover", "deactivate"] {
            let counted = changes.iter().filter(|change| change["op"] == op && change.get("hold").is_none()).count();
            assert_eq!(summary[op], counted, "{op}");
        }
        assert_eq!(summary["skipped"], target["skipped"].as_array().unwrap().len());
        assert_eq!(summary["held"], changes.iter().filter(|change| change.get("hold").is_some()).count());
        let failed = changes.iter().filter(|change| change["outcome"]["status"] == "failed").count();
        assert_eq!(summary["failed"], failed);
    }
}

#[test]
fn plans_and_reports_have_the_documented_shape() {
    let targets = format!("{DESK}{LIST}[targets.list.safety]\nmax_create = 1\n");
    let scene = Scene::new(50, &targets);
    let plan = scene.run(&["plan", "--format", "json"], 4).json();
    check(&plan, &shape("plan"), "plan");
    check_counts(&plan);
    assert_eq!((&plan["schema"], &plan["kind"], &plan["exit_code"]), (&json!(1), &json!("plan"), &json!(4)));
    assert_eq!(plan["tool"], concat!("personio-sync ", env!("CARGO_PKG_VERSION")));
    assert_eq!(plan["source"], json!({"employees": 50, "complete": true, "mode": "full"}));
    let keys: Vec<&String> = plan.as_object().unwrap().keys().collect();
    assert_eq!(keys[..8], ["schema", "kind", "tool", "today", "exit_code", "problems", "source", "targets"]);
    let desk = &plan["targets"][0];
    assert_eq!(
        (&desk["name"], &desk["type"], &desk["status"]),
        (&json!("desk"), &json!("freshservice"), &json!("ready"))
    );
    assert!(desk["skipped"].as_array().unwrap().iter().any(|skip| *skip
        == json!({"employee": "1049", "reason": "match_key_shared", "detail": "shares primary_email with employee 1048"})
        || skip["reason"] == "required_field_empty"));
    assert!(plan["targets"][1]["changes"][0]["hold"]["detail"].as_str().unwrap().contains("max_create"));

    assert_eq!(scene.run(&["sync", "--dry-run", "--format", "json"], 4).json(), plan, "the same as plan");

    scene.faults("freshservice:post:html502#9");
    let report = scene.run(&["sync", "--yes", "--format", "json"], 4).json();
    check(&report, &shape("report"), "report");
    check_counts(&report);
    assert_eq!(report["kind"], "report");
    let codes: Vec<&Value> = report["problems"].as_array().unwrap().iter().map(|problem| &problem["code"]).collect();
    assert!(codes.contains(&&json!("held")) && codes.contains(&&json!("some_failed")), "{codes:?}");
    let changes = report["targets"][0]["changes"].as_array().unwrap();
    for change in changes {
        let (status, error) = (change["outcome"]["status"].as_str().unwrap(), &change["outcome"]["error"]);
        match status {
            "succeeded" => assert!(error.is_null() && (change["op"] == "reference" || change["account"].is_string())),
            _ => assert!(error.is_string(), "{change}"),
        }
    }
    let manager = |change: &&Value| {
        change["fields"].as_array().unwrap().iter().any(|field| field["field"] == "reporting_manager_id")
    };
    assert!(changes.iter().any(|change| manager(&change)));
}

#[test]
fn there_is_one_document_also_after_an_error() {
    let scene = Scene::new(5, DESK);
    let right = scene.read("personio-sync.toml");
    let failed = |arguments: &[&str], code: i32, kind: &str| -> Value {
        let document = scene.run(arguments, code).json();
        assert_eq!((&document["exit_code"], &document["kind"]), (&json!(code), &json!(kind)), "{arguments:?}");
        assert_eq!((&document["schema"], &document["targets"]), (&json!(1), &json!([])));
        assert!(document["source"].is_null() && document["today"].is_null());
        assert!(document["problems"][0]["message"].is_string());
        document
    };
    scene.write("personio-sync.toml", &right.replace("position", "postion"));
    let document = failed(&["plan", "--format", "json"], 2, "plan");
    assert_eq!((&document["problems"][0]["line"], &document["problems"][0]["column"]), (&json!(20), &json!(13)));
    failed(&["sync", "--yes", "--format", "json"], 2, "report");
    failed(&["sync", "--dry-run", "--format", "json"], 2, "plan");
    scene.write("personio-sync.toml", &right.replace("PERSONIO_CLIENT_SECRET", "WRONG_SECRET"));
    failed(&["plan", "--format", "json"], 7, "plan");
    failed(&["sync", "--yes", "--format", "json"], 7, "report");
    scene.write("personio-sync.toml", &right);
    failed(&["sync", "--format=json"], 8, "report");
    failed(&["plan", "--format", "json", "--no-such-option"], 2, "plan");
    failed(&["sync", "--format=json", "--employee", "x"], 2, "report");
}

#[test]
fn other_commands_answer_in_json_too() {
    let scene = Scene::new(10, DESK);
    let check = scene.run(&["check", "--online", "--format", "json"], 0).json();
    assert_eq!((&check["kind"], &check["exit_code"], &check["problems"]), (&json!("check"), &json!(0), &json!([])));
    assert_eq!(check["targets"][0]["name"], "desk");
    let attributes = scene.run(&["attributes", "--format", "json"], 0).json();
    let of = |key: &str| {
        let all = attributes["attributes"].as_array().unwrap();
        all.iter().find(|line| line["key"] == key).unwrap_or_else(|| panic!("{key}")).clone()
    };
    assert_eq!(of("position")["used_by"], json!(["desk.job_title"]));
    assert_eq!(of("fix_salary")["used_by"], json!([]));
    for (key, need, advice) in [
        ("email", "required", json!(null)),
        ("position", "used", json!(null)),
        ("fix_salary", "unused", json!("untick")),
    ] {
        assert_eq!((&of(key)["need"], &of(key)["advice"]), (&json!(need), &advice), "{key}");
    }
    let explained = scene.run(&["explain", "1002", "--format", "json"], 0).json();
    assert_eq!((&explained["kind"], &explained["employee"]), (&json!("explanation"), &json!("1002")));
}
