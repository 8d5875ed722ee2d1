//! What readers of a service's own sync log find again in ours.

use calamine::{Data, Reader};
use serde_json::{Value, json};

use super::conformance::TRAVELPERK;
use super::scene::Scene;

const PAYROLL: &str = r#"
[targets.payroll]
type = "pento"
delivery = { type = "file", path = "payroll.csv" }
[targets.payroll.mapping]
employee_id = "employee_id"
first_name = "first_name"
last_name = "last_name"
email = "email"
sort_code = "position"
"#;

/// The rows of the employees' sheet: a value for each title.
fn rows(scene: &Scene) -> Vec<Value> {
    scene.run(&["report", "--xlsx", "report.xlsx"], 0);
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(scene.path("report.xlsx")).unwrap();
    let sheet = book.worksheet_range("Employees").unwrap();
    let text = |cell: &Data| cell.to_string();
    let mut lines = sheet.rows();
    let titles: Vec<String> = lines.next().unwrap().iter().map(text).collect();
    lines
        .map(|line| titles.iter().zip(line).map(|(title, cell)| (title.clone(), json!(text(cell)))).collect())
        .collect()
}

fn row(rows: &[Value], employee: u64) -> &Value {
    let number = employee.to_string();
    rows.iter().find(|row| row["Employee"] == *number).unwrap_or_else(|| panic!("{employee}: {rows:#?}"))
}

#[test]
fn travelperk_names_who_has_no_hire_date_and_who_no_approver() {
    let scene = Scene::new(30, TRAVELPERK);
    scene.change(1002, json!({"hire_date": null, "supervisor": null}));
    scene.change(1003, json!({"supervisor": 1002}));
    scene.change(1004, json!({"supervisor": 1002}));
    let plan = scene.run(&["plan", "--format", "json"], 0).json();
    let target = &plan["targets"][0];
    let skip = target["skipped"].as_array().unwrap().iter().find(|skip| skip["employee"] == "1002").unwrap();
    assert_eq!(skip["reason"], "hire_date_missing", "{skip}");
    let notices: Vec<&Value> = target["notices"].as_array().unwrap().iter().collect();
    let said = |code: &str, employee: Value| {
        notices.iter().any(|notice| notice["code"] == code && notice["employee"] == employee)
    };
    assert!(said("creating_means", Value::Null), "{notices:#?}");
    assert!(said("manager_without_account", json!("1003")) && said("manager_without_account", json!("1004")));
    scene.run(&["plan"], 0).shows("employee 1002 has no account here; approval requests go to an administrator");

    scene.sync();
    let rows = rows(&scene);
    assert_eq!(row(&rows, 1002)["In the target's own log"], "MISSING_START_DATE");
    assert!(row(&rows, 1002)["What to do"].as_str().unwrap().starts_with("Enter the hire date"), "{rows:#?}");
    assert_eq!(row(&rows, 1003)["What the target said"], "left as they are: manager");
    scene.assert_settled("with somebody who has no hire date");
}

#[test]
fn pento_without_filters_is_told_before_everybody_is_imported() {
    let scene = Scene::new(6, PAYROLL);
    let told = "no `filters`, `include` or `exclude` are set";
    scene.run(&["check"], 0).shows(told).shows("`personio-sync plan payroll` says how many that is");
    scene.run(&["plan"], 0).shows(told);
    scene.sync();
    for command in ["check", "plan"] {
        assert!(!scene.run(&[command], 0).stdout.contains(told), "{command}: somebody is linked");
    }
}

#[test]
fn pento_says_what_was_done_and_what_was_left() {
    let scene = Scene::new(12, PAYROLL);
    scene.change(1002, json!({"position": "20-00-00"}));
    scene.sync();
    let rows = rows(&scene);
    let log = |employee: u64| row(&rows, employee)["In the target's own log"].as_str().unwrap().to_owned();
    assert_eq!(log(1002), "Successful: Employee created");
    assert_eq!(log(1003), "Incomplete: Employee created; left as they are: sort_code");
    let job = row(&rows, 1003)["Job"].as_str().unwrap();
    scene.run(&["jobs", "show", job], 0).shows("log      Incomplete: Employee created; left as they are: sort_code");
}
