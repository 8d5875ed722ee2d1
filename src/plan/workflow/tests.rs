use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::{LoadOptions, Settings, load};
use crate::employee::{Attributes, Completeness, Value, standing};
use crate::plan::Action;
use crate::section::SecretMode;

const FILE: &str = r#"
[personio]
client_id = "a"
client_secret = "b"

[targets.desk]
type = "freshservice"
domain = "acme"
api_key = "k"
include = ["department != 'Secret'"]

[targets.desk.mapping]
first_name = "first_name"
primary_email = "email"

[targets.desk.workflows.join]
on = "joiner"
from = "-14d"
active = true
[[targets.desk.workflows.join.steps]]
action = "create_onboarding_request"
unless = "position == 'Owner'"
fields = { cf_name = "first_name" }

[targets.desk.workflows.move]
on = "mover"
changed = ["department", "position"]
active = true
[[targets.desk.workflows.move.steps]]
action = "deactivate_requester"

[targets.desk.workflows.asleep]
on = "leaver"
[[targets.desk.workflows.asleep.steps]]
action = "deactivate_requester"
"#;

fn settings(text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.toml");
    std::fs::write(&path, text).unwrap();
    load(&path, &LoadOptions { secrets: SecretMode::Invent, ..LoadOptions::new(&|_| None) })
        .map_err(|error| error.to_string())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One employee, with what the attributes are by key; those not named are empty.
fn employee(settings: &Settings, id: u64, values: &[(&str, Value)]) -> Employee {
    let value =
        |key: &str| values.iter().find(|(known, _)| *known == key).map_or(Value::Empty, |(_, value)| value.clone());
    Employee::new(EmployeeId(id), settings.attributes.keys().map(value).collect::<Vec<_>>())
}

#[derive(Default)]
struct Case {
    memory: BTreeMap<Box<str>, WorkflowMemory>,
    protected: BTreeSet<EmployeeId>,
    only: Option<EmployeeId>,
    known: KnownSince,
    started: Option<&'static str>,
}

impl Case {
    fn plan(&self, settings: &Settings, list: Vec<Employee>, today: &str) -> PlannedWorkflows {
        self.looking(settings, list, today, plan_workflows)
    }

    fn looking<T>(
        &self,
        settings: &Settings,
        list: Vec<Employee>,
        today: &str,
        look: impl FnOnce(&WorkflowInput<'_>) -> T,
    ) -> T {
        let attributes: Attributes = settings.attributes.clone();
        let employees = Employees::new(attributes, list, Completeness::Proven);
        let today = day(today);
        let standings: Vec<_> = employees.list.iter().map(|one| standing(one, &employees.attributes, today)).collect();
        look(&WorkflowInput {
            settings: &settings.targets[0].plan,
            employees: &employees,
            standings: &standings,
            today,
            tables: &Arc::default(),
            memory: &self.memory,
            fingerprint: Some(&|values: &[String]| format!("{:0>8}", values.join("|").len()).into()),
            owned: &BTreeMap::new(),
            protected: &self.protected,
            claimed: &BTreeSet::new(),
            only: self.only,
            known: &self.known,
            started: self.started,
        })
    }

    fn done(mut self, workflow: &str, event: &str) -> Self {
        let step =
            StepDone { employee: EmployeeId(7), event: event.into(), step: 0, done: true, id: Some("41".into()) };
        self.memory.entry(workflow.into()).or_default().steps.push(step);
        self
    }
}

fn joiner(settings: &Settings, hire_date: &str) -> Employee {
    employee(settings, 7, &[("hire_date", Value::Date(day(hire_date))), ("first_name", Value::text("Mira"))])
}

#[test]
fn a_joiner_is_due_within_the_days_of_the_file() {
    let settings = settings(FILE).unwrap();
    for (today, due) in [("2027-01-17", 0), ("2027-01-18", 1), ("2027-02-01", 1), ("2027-02-08", 1), ("2027-02-09", 0)]
    {
        let planned = Case::default().plan(&settings, vec![joiner(&settings, "2027-02-01")], today);
        assert_eq!(planned.changes.len(), due, "{today}");
    }
    let planned = Case::default().plan(&settings, vec![joiner(&settings, "2027-02-01")], "2027-01-20");
    let request = planned.changes[0].request.as_deref().unwrap();
    assert_eq!((&*request.event, request.step, request.action), ("2027-02-01", 0, Action::CreateOnboardingRequest));
    assert_eq!(request.values().unwrap(), [("cf_name".into(), FieldValue::text("Mira"))]);
}

#[test]
fn once_for_each_event_and_a_rehire_is_another() {
    let settings = settings(FILE).unwrap();
    let plan = |done: &str, hired: &str, today: &str| {
        let planned = Case::default().done("join", done).plan(&settings, vec![joiner(&settings, hired)], today);
        let codes: Vec<&str> = planned.notices.iter().map(|notice| notice.code.as_str()).collect();
        (planned.changes.len(), codes)
    };
    assert_eq!(plan("2027-02-01", "2027-02-01", "2027-01-20"), (0, vec![]));
    assert_eq!(plan("2027-02-01", "2027-03-01", "2027-02-25"), (0, vec!["hire_date_moved"]));
    assert_eq!(plan("2027-02-01", "2027-01-25", "2027-01-20"), (0, vec!["hire_date_moved"]));
    assert_eq!(plan("2025-02-01", "2027-02-01", "2027-01-20"), (1, vec![]), "a rehire");
    assert_eq!(plan("2027-02-01", "2027-02-20", "2027-04-01"), (0, vec![]), "long ago");
}

#[test]
fn what_is_hidden_or_out_of_scope_sets_nothing_off() {
    let settings = settings(FILE).unwrap();
    let hire = ("hire_date", Value::Date(day("2027-02-01")));
    let plan = |more: (&'static str, Value)| {
        Case::default().plan(&settings, vec![employee(&settings, 7, &[hire.clone(), more])], "2027-01-20")
    };
    assert_eq!(plan(("position", Value::text("Owner"))).changes, []);
    let hidden = plan(("position", Value::Hidden));
    assert_eq!((hidden.changes.len(), hidden.skipped[0].reason), (0, crate::code::Code::WorkflowUnclear));
    assert!(hidden.skipped[0].detail.contains("`position`"), "{hidden:?}");
    assert_eq!(plan(("department", Value::text("Secret"))).changes, []);
    let hidden_day = employee(&settings, 7, &[("hire_date", Value::Hidden)]);
    let planned = Case::default().done("join", "2027-02-01").plan(&settings, vec![hidden_day], "2027-01-20");
    assert_eq!((planned.changes.len(), planned.notices.len()), (0, 0), "hidden is not called off");
    let gone =
        Case::default().done("join", "2027-02-01").plan(&settings, vec![employee(&settings, 8, &[])], "2027-01-20");
    assert_eq!(gone.notices[0].code, "hire_called_off");
}

#[test]
fn a_change_is_told_from_what_was_seen_and_nothing_from_the_first_sight() {
    let settings = settings(FILE).unwrap();
    let someone = |position: &str| employee(&settings, 7, &[("position", Value::text(position))]);
    let first = Case::default().plan(&settings, vec![someone("Clerk")], "2027-01-20");
    assert_eq!((first.changes.len(), first.seen.len()), (0, 1));
    let mut case = Case::default();
    let seen = SeenBefore { fingerprint: first.seen[0].fingerprint.clone(), since: "2027-01-20T08:00".into() };
    case.memory.entry("move".into()).or_default().seen.insert(EmployeeId(7), seen.clone());
    assert_eq!(case.plan(&settings, vec![someone("Clerk")], "2027-01-21"), PlannedWorkflows::default());
    let moved = case.plan(&settings, vec![someone("Manager")], "2027-01-21");
    assert_eq!((moved.changes.len(), moved.seen.len()), (1, 1));
    assert_eq!(moved.seen[0].replaces, Some(seen.fingerprint));
    assert_eq!(moved.seen[0].after.as_deref(), moved.changes[0].request.as_ref().map(|request| &*request.event));
    let hidden = employee(&settings, 7, &[("position", Value::Hidden)]);
    assert_eq!(case.plan(&settings, vec![hidden], "2027-01-21"), PlannedWorkflows::default());
    case.only = Some(EmployeeId(8));
    assert_eq!(case.plan(&settings, vec![someone("Manager")], "2027-01-21"), PlannedWorkflows::default());
    case.only = None;
    case.protected.insert(EmployeeId(7));
    let kept = case.plan(&settings, vec![someone("Manager")], "2027-01-21");
    assert_eq!((kept.changes.len(), kept.skipped[0].reason), (0, crate::code::Code::AccountProtected));
}

/// Tickets that name each other, for whoever joins.
const CHAIN: &str = r#"
[targets.desk.workflows.chain]
on = "joiner"
active = true
[[targets.desk.workflows.chain.steps]]
action = "create_ticket"
if = "position != 'Owner'"
fields = { subject = { value = "Desk" }, description = "first_name" }
[[targets.desk.workflows.chain.steps]]
action = "create_ticket"
if = "steps.0.id"
[targets.desk.workflows.chain.steps.fields]
subject = "'After ' ~ steps.0.id"
description = "first_name ~ ' needs ' ~ (steps.0.id + 1)"
custom_fields.parent = "steps.0.id"
"#;

fn chain() -> String {
    let head = FILE.find("[targets.desk.workflows").unwrap();
    format!("{}{CHAIN}", &FILE[..head])
}

#[test]
fn what_an_earlier_step_makes_can_be_part_of_any_expression() {
    let settings = settings(&chain()).unwrap();
    let joins = |position: &str| {
        let day = ("hire_date", Value::Date(day("2027-02-01")));
        let first_name = ("first_name", Value::text("Mira"));
        vec![employee(&settings, 7, &[day, first_name, ("position", Value::text(position))])]
    };
    let planned = Case::default().plan(&settings, joins("Clerk"), "2027-02-01");
    assert_eq!(planned.changes.len(), 2);
    let shown: Vec<String> = planned.changes[1].fields.iter().map(|field| field.after.to_string()).collect();
    assert_eq!(
        shown,
        ["After (result of step 0)", "(made with the result of step 0)", "(result of step 0)"],
        "what cannot be said yet is said in words"
    );
    let mut request = planned.changes[1].request.as_deref().unwrap().clone();
    assert!(request.values().unwrap_err().contains("step 0 made nothing"), "not before step 0 was carried out");
    request.results[0] = Some("41".into());
    let values: Vec<FieldValue> = request.values().unwrap().into_iter().map(|(_, value)| value).collect();
    let text = FieldValue::text;
    assert_eq!(values, [text("After 41"), text("Mira needs 42"), FieldValue::Integer(41)]);

    let planned = Case::default().done("chain", "2027-02-01").plan(&settings, joins("Clerk"), "2027-02-01");
    let positions: Vec<usize> = planned.changes.iter().map(|change| change.request.as_ref().unwrap().step).collect();
    assert_eq!(positions, [1], "step 0 was done in an earlier run, and made 41");
    assert_eq!(planned.changes[0].fields[0].after, text("After 41"));
    let planned = Case::default().plan(&settings, joins("Owner"), "2027-02-01");
    assert_eq!(planned.changes, [], "`if` on a result: step 0 was left out, so step 1 is, too");
}

#[test]
fn a_result_that_nobody_makes_is_told_when_planning_or_with_the_file() {
    let loaded = settings(&chain().replace("if = \"steps.0.id\"", "")).unwrap();
    let owner = [("hire_date", Value::Date(day("2027-02-01"))), ("position", Value::text("Owner"))];
    let planned = Case::default().plan(&loaded, vec![employee(&loaded, 7, &owner)], "2027-02-01");
    assert_eq!((planned.changes.len(), planned.skipped[0].reason), (0, crate::code::Code::WorkflowUnclear));
    assert!(planned.skipped[0].detail.contains("step 0 made nothing"), "{planned:?}");
    for (used, expected) in [
        ("steps.1.id", "step 1 cannot use its own result, `steps.1.id`"),
        ("steps.2.id", "`steps.2.id` is not there yet: step 2 comes after step 1"),
        ("steps.7.id", "there is no step 7 for `steps.7.id`; the first is step 0"),
        ("steps.0.display_id", "a step has no result `display_id`; `steps.0.id` is the only one"),
    ] {
        let last = "[[targets.desk.workflows.chain.steps]]\naction = \"deactivate_requester\"\n";
        let file = chain().replace("'After ' ~ steps.0.id", &format!("'After ' ~ {used}")) + last;
        let problems = settings(&file).unwrap_err();
        assert!(problems.contains(expected), "{used}: {problems}");
    }
}

#[test]
fn mistakes_in_a_workflow_are_all_told_with_their_places() {
    let wrong = FILE
        .replace("on = \"joiner\"", "on = \"joined\"")
        .replace("from = \"-14d\"", "from = \"soon\"")
        .replace("cf_name = \"first_name\"", "cf_name = \"first_nam\", cf_id = \"steps.0.id\"")
        .replace("changed = [\"department\", \"position\"]", "changed = [\"lifecycle\"]\nuntil = \"3d\"")
        .replacen(
            "action = \"deactivate_requester\"",
            "action = \"deactivate_requester\"\nfields = { x = \"email\" }",
            1,
        )
        .replace("[targets.desk.workflows.asleep]", "[targets.desk.workflows.asleep]\nactiv = true");
    let problems = settings(&wrong).unwrap_err();
    for expected in [
        "does not know `joined`; did you mean `joiner`?",
        "must be a number of days within a year",
        "there is no attribute `first_nam`; did you mean `first_name`?",
        "step 0 cannot use its own result, `steps.0.id`",
        "`lifecycle` is no attribute of Personio's",
        "`targets.desk.workflows.move.until` is for `joiner` and `leaver`",
        "`deactivate_requester` does not take `x`",
        "[targets.desk.workflows.asleep] does not know `activ`; did you mean `active`?",
    ] {
        assert!(problems.contains(expected), "{expected}\n{problems}");
    }
    assert!(
        settings(&FILE.replace("changed = [\"department\", \"position\"]", ""))
            .unwrap_err()
            .contains("changed` is missing")
    );
    let file = "[targets.list]\ntype = \"file\"\npath = \"a.csv\"\nmatch = [\"A\"]\nmapping = { A = \"email\" }\n[targets.list.workflows.a]\non = \"joiner\"\n";
    let other = format!("[personio]\nclient_id = \"a\"\nclient_secret = \"b\"\n{file}");
    assert!(settings(&other).unwrap_err().contains("does not know `workflows`"));
}

/// A leaver or a joiner of whom it became known too late, with what the target knew of them.
fn late(settings: &Settings, key: &str, date: &str, known: KnownSince, done: Option<&str>) -> Vec<String> {
    let case = Case { known, ..Case::default() };
    let workflow = if key == "hire_date" { "join" } else { "leave" };
    let case = done.into_iter().fold(case, |case, event| case.done(workflow, event));
    let someone = employee(settings, 7, &[(key, Value::Date(day(date)))]);
    let planned = case.plan(settings, vec![someone], "2027-03-31");
    assert_eq!(planned.changes, []);
    planned.notices.into_iter().map(|notice| notice.message).collect()
}

#[test]
fn an_event_that_became_known_after_its_days_is_named_with_the_command_that_starts_it() {
    let settings = settings(
        &FILE
            .replace("workflows.asleep]", "workflows.leave]\nactive = true")
            .replace("workflows.asleep", "workflows.leave"),
    )
    .unwrap();
    let of = |first_run: &str, in_line: Option<&str>, made: Option<&str>| KnownSince {
        first_run: (!first_run.is_empty()).then(|| day(first_run)),
        in_line: in_line.into_iter().map(|date| (EmployeeId(7), day(date))).collect(),
        made: made.into_iter().map(|date| (EmployeeId(7), day(date))).collect(),
    };
    let found = |key: &str, date: &str, known: KnownSince| late(&settings, key, date, known, None).len();
    let leavers = [
        ("2027-01-30", of("2027-01-01", Some("2027-03-31"), None), 1, "in line until today, left two months ago"),
        ("2027-03-20", of("2027-01-01", Some("2027-03-19"), None), 1, "no run from the 20th until today"),
        ("2027-03-20", of("2027-01-01", Some("2027-03-21"), None), 0, "taken out of use in time"),
        ("2027-01-30", of("2027-01-01", None, None), 0, "never in line"),
        ("2026-06-30", of("2027-01-01", Some("2027-01-01"), None), 0, "long ago"),
        ("2027-01-30", of("", Some("2027-03-31"), None), 0, "no run yet that ended well"),
    ];
    for (date, known, expected, why) in leavers {
        assert_eq!(found("termination_date", date, known), expected, "{why}");
    }
    let joiners = [
        ("2027-02-01", of("2027-01-01", None, Some("2027-03-31")), 1, "made today"),
        ("2027-02-01", of("2027-01-01", Some("2027-03-30"), Some("2027-03-20")), 1, "made last week"),
        ("2027-02-01", of("2027-01-01", None, Some("2027-02-03")), 0, "made in time"),
        ("2027-02-01", of("2027-03-20", None, Some("2027-03-20")), 0, "made by the first run, as everybody"),
        ("2027-02-01", of("2027-01-01", Some("2027-03-30"), None), 0, "there before this tool"),
    ];
    for (date, known, expected, why) in joiners {
        assert_eq!(found("hire_date", date, known), expected, "{why}");
    }
    let known = || of("2027-01-01", Some("2027-03-31"), None);
    let messages = late(&settings, "termination_date", "2027-01-30", known(), None);
    assert!(messages[0].contains("`personio-sync workflows start desk/leave --employee 7`"), "{messages:?}");
    assert_eq!(late(&settings, "termination_date", "2027-01-30", known(), Some("2027-01-30")).len(), 0, "done before");

    // Somebody starts it: once, and nothing else.
    let someone = || vec![employee(&settings, 7, &[("termination_date", Value::Date(day("2027-01-30")))])];
    let started = Case { only: Some(EmployeeId(7)), started: Some("leave"), known: known(), ..Case::default() };
    let planned = started.plan(&settings, someone(), "2027-03-31");
    let events: Vec<&str> = planned.changes.iter().map(|change| &*change.request.as_ref().unwrap().event).collect();
    assert_eq!((events, planned.notices.len()), (vec!["2027-01-30"], 0));
    assert_eq!(started.done("leave", "2027-01-30").plan(&settings, someone(), "2027-03-31").changes, []);
}

#[test]
fn each_reason_has_a_verdict_of_its_own() {
    let settings = settings(FILE).unwrap();
    let verdicts = |case: &Case, workflow: &str, someone: Employee, today: &str| -> Vec<String> {
        let employees = Employees::new(settings.attributes.clone(), vec![someone], Completeness::Proven);
        let today = day(today);
        let standings: Vec<_> = employees.list.iter().map(|one| standing(one, &employees.attributes, today)).collect();
        let input = WorkflowInput {
            settings: &settings.targets[0].plan,
            employees: &employees,
            standings: &standings,
            today,
            tables: &Arc::default(),
            memory: &case.memory,
            fingerprint: Some(&|values: &[String]| values.join("+").replace(['"', ' '], "").into()),
            owned: &BTreeMap::new(),
            protected: &case.protected,
            claimed: &BTreeSet::new(),
            only: None,
            known: &case.known,
            started: None,
        };
        let workflow = settings.targets[0].plan.workflows.iter().find(|one| *one.name == *workflow).unwrap();
        verdict(&input, workflow, EmployeeId(7)).into_iter().map(|(name, found)| format!("{name}: {found}")).collect()
    };
    let hire = |date: &str| joiner(&settings, date);
    let case = Case::default();
    assert_eq!(
        verdicts(&case, "join", hire("2027-02-01"), "2027-01-20"),
        [
            "trigger: yes: the hire date is 2027-02-01",
            "window: yes: open from 2027-01-18 until 2027-02-08",
            "done: no",
            "scope: yes"
        ]
    );
    let done = Case::default().done("join", "2027-02-01");
    assert_eq!(
        verdicts(&done, "join", hire("2027-02-01"), "2027-03-20")[1..3],
        ["window: no: it was open from 2027-01-18 until 2027-02-08", "done: yes: for 2027-02-01 (41)"]
    );
    assert_eq!(
        verdicts(&case, "join", employee(&settings, 7, &[("department", Value::text("Secret"))]), "2027-01-20"),
        ["trigger: no: the hire date: none is set", "scope: no: `department != 'Secret'` (include) does not hold"]
    );
    // Of a mover: what changed.
    let someone = |department: &str, position: &str| {
        employee(&settings, 7, &[("department", Value::text(department)), ("position", Value::text(position))])
    };
    let trigger = |case: &Case, someone: Employee| verdicts(case, "move", someone, "2027-01-20").remove(0);
    assert_eq!(
        trigger(&case, someone("IT", "Clerk")),
        "trigger: no: the first sight of department, position; the next sync remembers it"
    );
    let remembered = |fingerprint: &str| {
        let seen = SeenBefore { fingerprint: fingerprint.into(), since: "2027-01-10T08:00".into() };
        let mut case = Case::default();
        case.memory.entry("move".into()).or_default().seen.insert(EmployeeId(7), seen);
        case
    };
    let known = "Text(IT)+Text(Clerk)|department:Text(IT)|position:Text(Clerk)";
    assert_eq!(
        trigger(&remembered(known), someone("IT", "Clerk")),
        "trigger: no: department, position: as remembered since 2027-01-10"
    );
    assert_eq!(
        trigger(&remembered(known), someone("IT", "Manager")),
        "trigger: yes: position changed; as before: department"
    );
    assert_eq!(
        trigger(&remembered("Text(IT)+Text(Clerk)"), someone("IT", "Manager")),
        "trigger: yes: one of department, position changed"
    );
}

#[test]
fn what_an_earlier_version_remembered_sets_nothing_off() {
    let settings = settings(FILE).unwrap();
    let someone = || employee(&settings, 7, &[("position", Value::text("Clerk"))]);
    let first = Case::default().plan(&settings, vec![someone()], "2027-01-20");
    let together = combined(&first.seen[0].fingerprint).to_owned();
    let mut case = Case::default();
    let seen = SeenBefore { fingerprint: together.as_str().into(), since: "2027-01-20T08:00".into() };
    case.memory.entry("move".into()).or_default().seen.insert(EmployeeId(7), seen);
    let planned = case.plan(&settings, vec![someone()], "2027-01-21");
    assert_eq!(planned.changes, []);
    assert_eq!((planned.seen[0].replaces.as_deref(), &planned.seen[0].after), (Some(&*together), &None));
}

#[test]
fn a_paused_workflow_tells_what_no_longer_fits_and_starts_by_hand_alone() {
    let settings = settings(&FILE.replacen("active = true", "active = true\npaused = true", 1)).unwrap();
    let due = || vec![joiner(&settings, "2027-02-01")];
    assert_eq!(Case::default().plan(&settings, due(), "2027-01-20").changes, []);
    let moved = Case::default().done("join", "2027-02-03").plan(&settings, due(), "2027-01-20");
    assert_eq!(moved.notices.iter().map(|notice| notice.code).collect::<Vec<_>>(), [Code::HireDateMoved]);
    let by_hand = Case { started: Some("join"), ..Case::default() };
    assert_eq!(by_hand.plan(&settings, due(), "2027-01-20").changes.len(), 1);
}

#[test]
fn a_rehearsal_says_for_whom_a_workflow_would_have_started_and_what_was_done() {
    let settings = settings(&FILE.replacen("active = true", "when = [\"lifecycle == 'upcoming'\"]", 1)).unwrap();
    let hired = |id, date: &str, department: &str| {
        let values = [("hire_date", Value::Date(day(date))), ("department", Value::text(department))];
        employee(&settings, id, &values)
    };
    let hidden =
        employee(&settings, 5, &[("hire_date", Value::Date(day("2027-01-10"))), ("department", Value::Hidden)]);
    let people = vec![
        hired(1, "2027-01-31", "IT"),
        hired(2, "2027-01-10", "IT"),
        hired(3, "2027-01-10", "Secret"),
        hired(4, "2027-03-01", "IT"),
        hidden,
        hired(7, "2027-01-12", "IT"),
        hired(8, "2026-12-31", "IT"),
    ];
    let workflow = &settings.targets[0].plan.workflows;
    let named = |name: &str| workflow.iter().find(|one| *one.name == *name).unwrap();
    let days = day("2027-01-01")..=day("2027-01-31");
    let found = Case::default()
        .done("join", "2027-01-12")
        .looking(&settings, people, "2027-01-31", |input| rehearse(input, named("join"), days.clone()));
    let starts = |id, event: &str, on: &str, begun| Rehearsed {
        employee: EmployeeId(id),
        event: day(event),
        starts: Ok(day(on)),
        begun,
    };
    let (unclear, clear): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.starts.is_err());
    let expected = [
        starts(1, "2027-01-31", "2027-01-17", Begun::No),
        starts(2, "2027-01-10", "2027-01-01", Begun::No),
        starts(7, "2027-01-12", "2027-01-01", Begun::Yes),
    ];
    assert_eq!(clear, expected, "upcoming people in scope, whose days are within these");
    assert_eq!(unclear.iter().map(|one| one.employee.0).collect::<Vec<_>>(), [5]);
    assert!(unclear[0].starts.as_ref().is_err_and(|why| why.contains("department")), "{unclear:?}");

    let moved = vec![hired(1, "2027-01-31", "IT")];
    let found = Case::default().looking(&settings, moved, "2027-01-31", |input| rehearse(input, named("move"), days));
    assert_eq!(found, [], "what attributes were is not known");
}
