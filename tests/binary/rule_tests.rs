//! `[[test]]`: what the file says should come of invented employees, tried by `check`.

use serde_json::{Value, json};

use super::scene::{DESK, Scene};

/// Tests of the service desk, each with its employee and what it expects.
fn with_tests(tests: &[(&str, &str)]) -> String {
    let blocks = tests.iter().map(|(employee, expect)| {
        format!("[[test]]\ntarget = \"desk\"\ntoday = 2026-12-01\nemployee = {employee}\nexpect = {expect}\n")
    });
    format!("{DESK}{}", blocks.collect::<String>().replace("[[test]]", "\n[[test]]"))
}

const ADA: &str = "{ employee_id = 7, first_name = \"Ada\", email = \"Ada@example.com\", position = \"Engineer\", \
                   department = \"IT\", supervisor = 3 }";

#[test]
fn rules_that_give_what_is_expected_pass_without_asking_anybody() {
    let scene = Scene::new(5, DESK);
    scene.configure(&with_tests(&[
        (
            ADA,
            "{ scope = \"in\", fields = { external_id = \"7\", primary_email = \"ada@example.com\", \
             department_ids = [\"it\"], location_id = \"\", reporting_manager_id = 3 } }",
        ),
        ("{ email = \"bo@example.com\", termination_date = 2026-11-30 }", "{ scope = \"left\" }"),
        ("{ email = \"not an address\" }", "{ scope = \"in\", reason = \"field_invalid\" }"),
    ]));
    scene.run(&["check"], 0).shows("3 tests passed");
    assert_eq!(scene.sandbox.requests().len(), 0);
}

#[test]
fn whatever_comes_out_another_way_is_told_at_once_and_nobody_is_asked() {
    let scene = Scene::new(5, DESK);
    let targets = with_tests(&[
        (ADA, "{ scope = \"out\", fields = { job_title = \"Boss\", department_ids = [\"IT\", \"HR\"] } }"),
        (ADA, "{ scope = \"in\" }"),
        ("{ first_name = \"Bo\" }", "{ fields = { first_name = \"Bo\", primary_email = \"\" }, reason = \"pending\" }"),
    ]);
    scene.configure(&targets);
    let ran = scene.run(&["check", "--online", "--format", "json"], 2);
    let problems = ran.json()["problems"].as_array().unwrap().clone();
    let line = |number: usize| {
        let text = scene.read("personio-sync.toml");
        let before = text.match_indices("[[test]]").nth(number).unwrap().0;
        text[..before].lines().count() + 1
    };
    let found: Vec<(u64, &str)> = problems
        .iter()
        .map(|problem| {
            assert_eq!((&problem["code"], &problem["target"]), (&json!("test_failed"), &json!("desk")));
            (problem["line"].as_u64().unwrap(), problem["message"].as_str().unwrap())
        })
        .collect();
    let (first, last) = (line(0) as u64, line(2) as u64);
    assert_eq!(
        found,
        [
            (first, "scope: expected out, got in"),
            (first, "job_title: expected `Boss`, got `Engineer`"),
            (first, "department_ids: expected `IT, HR`, got `IT`"),
            (last, "reason: expected pending, got nothing"),
        ]
    );
    assert_eq!(scene.sandbox.requests().len(), 0);
    let ran = scene.run(&["check"], 2);
    ran.shows("2 of 3 tests failed");
    let place = format!("personio-sync.toml:{first}:1: error: desk: scope: expected out, got in");
    assert!(ran.stderr.contains(&place), "{}", ran.stderr);
    assert_eq!(scene.run(&["check", "--sandbox", "--format", "json"], 2).json()["problems"], Value::Array(problems));
}
