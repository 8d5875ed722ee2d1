use crate::field::{FieldIndex, FieldValue};
use std::collections::BTreeMap;

use crate::employee::EmployeeId;
use crate::plan::by_hand::*;
use crate::plan::*;

fn settings(list: &[(&str, Setting)]) -> TeamSettings {
    list.iter().map(|(name, setting)| ((*name).into(), setting.clone())).collect()
}

fn one(text: &str) -> Setting {
    Setting::One(text.into())
}

fn several(items: &[&str]) -> Setting {
    Setting::Several(items.iter().map(|item| (*item).into()).collect())
}

fn person(employee: u64, field: &str, member: bool) -> Change {
    let (before, after) = (FieldValue::Bool(!member), FieldValue::Bool(member));
    let field = FieldChange { index: FieldIndex(0), field: field.into(), before, after };
    change(Op::Update, Some(EmployeeId(employee)), employee.to_string(), vec![field])
}

#[test]
fn taking_the_difference_as_done_leaves_none() {
    let it = || settings(&[("visibility", one("public")), ("categories", several(&["A", "B"]))]);
    let states = [
        BTreeMap::new(),
        BTreeMap::from([("IT".into(), it())]),
        BTreeMap::from([("IT".into(), settings(&[("visibility", one("internal only")), ("kind", one("IT"))]))]),
        BTreeMap::from([("IT".into(), it()), ("Pay".into(), TeamSettings::new())]),
        BTreeMap::from([("Pay".into(), settings(&[("categories", several(&["A"]))]))]),
    ];
    for before in &states {
        for after in &states {
            let mut known = Confirmed::default();
            for change in team_changes(before, &Confirmed::default())
                .iter()
                .chain(&team_changes(after, &Confirmed { teams: before.clone(), ..Confirmed::default() }))
            {
                known.accept(change);
            }
            assert_eq!(known.teams, *after, "{before:?}");
            assert_eq!(team_changes(after, &known), []);
            assert_eq!(Confirmed::read(&known.text()).unwrap(), known);
        }
    }
    let other_order = settings(&[("visibility", one("public")), ("categories", several(&["B", "A"]))]);
    let known = Confirmed { teams: states[1].clone(), ..Confirmed::default() };
    assert_eq!(team_changes(&BTreeMap::from([("IT".into(), other_order)]), &known), [], "order is nobody's step");
}

#[test]
fn what_is_done_is_kept_by_number_and_field() {
    let mut known = Confirmed::default();
    for change in [person(7, "expert", true), person(7, "teams.IT", true), person(8, "teams.IT", true)] {
        known.accept(&change);
    }
    assert_eq!(known.text(), r#"{"people":{"7":["expert","teams.IT"],"8":["teams.IT"]},"teams":{}}"#);
    assert_eq!(known.with("teams.IT"), [EmployeeId(7), EmployeeId(8)].into());
    known.accept(&change(Op::Deactivate, None, "team IT".into(), Vec::new()));
    assert_eq!(known.text(), r#"{"people":{"7":["expert"]},"teams":{}}"#, "nobody is in an archived team");
    known.accept(&person(7, "expert", false));
    assert_eq!(known, Confirmed::default());
    assert!(Confirmed::read(r#"{"people":{},"teams":{},"more":1}"#).is_err(), "a newer version wrote more");
}

#[test]
fn a_code_stands_for_the_steps_and_for_nothing_else() {
    let changes = [person(7, "expert", true), person(8, "expert", true)];
    let code = checklist_code(&changes);
    assert_eq!(code.len(), 8);
    assert_eq!(code, checklist_code(&changes));
    assert_ne!(code, checklist_code(&changes[..1]));
    assert_ne!(code, checklist_code(&[person(7, "expert", true), person(8, "expert", false)]));
    let detail = Change { detail: Some("left on 2026-10-31".into()), ..changes[0].clone() };
    assert_eq!(code, checklist_code(&[detail, changes[1].clone()]), "the reason is no step");
}

#[test]
fn people_are_called_by_what_there_is() {
    let label = |name: Option<&str>, email: Option<&str>| PersonLabel {
        name: name.map(Into::into),
        email: email.map(Into::into),
        ..PersonLabel::default()
    };
    for (name, email, text) in [
        (Some("Ines Example"), Some("i@example.com"), "Ines Example (i@example.com, employee 7)"),
        (Some("Ines Example"), None, "Ines Example (employee 7)"),
        (None, Some("i@example.com"), "i@example.com (employee 7)"),
        (None, None, "employee 7"),
    ] {
        assert_eq!(label(name, email).in_full(EmployeeId(7)), text);
    }
}
