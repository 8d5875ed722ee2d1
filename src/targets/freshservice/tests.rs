//! The target against a scripted Freshservice: what is sent, in which order, and what is made of the answers.

use std::collections::VecDeque;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::super::{FieldLookup, ReadAccounts as _, WriteAccounts as _};
use super::*;
use crate::employee::EmployeeId;
use crate::field::FieldIndex;
use crate::http::{Body, Method};
use crate::plan::Protection;
use crate::progress::NoProgress;
use crate::reference::spec_text;

/// Answers each expected request in turn, and keeps the bodies.
struct Script {
    steps: Mutex<VecDeque<(String, Result<Response, HttpError>)>>,
    bodies: Mutex<Vec<Value>>,
}

impl Reads for Script {
    fn read(&self, request: &Request) -> Result<Response, HttpError> {
        assert_eq!(request.method, Method::Get, "planning never writes");
        self.write(request)
    }
}

impl Transport for Script {
    fn write(&self, request: &Request) -> Result<Response, HttpError> {
        let query: String = request
            .query
            .iter()
            .filter(|(name, _)| name != "per_page")
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        let path = request.path.strip_prefix("/api/v2").expect("version 2 of the API");
        let shown = format!("{} {path}{query}", request.method.as_str());
        if let Body::Json { text, .. } = &request.body {
            self.bodies.lock().push(serde_json::from_str(text).expect("JSON"));
        }
        let (expected, answer) = self.steps.lock().pop_front().unwrap_or_else(|| panic!("nothing expects {shown}"));
        assert_eq!(shown, expected);
        answer
    }
}

type Step = (&'static str, Result<Response, HttpError>);

fn desk(fields: &[&str], steps: Vec<Step>) -> Freshservice<Script> {
    let fields = fields.iter().map(|name| match fields::lookup(name, crate::zone::Zones::compiled()) {
        FieldLookup::Known(field) | FieldLookup::Open(field) => field,
        FieldLookup::Unknown => panic!("no field {name}"),
    });
    let fields: Vec<_> = fields.collect();
    let connection = Connection {
        name: "desk".into(),
        mapped: fields.len(),
        match_fields: vec![FieldIndex(0)],
        fields,
        create_missing: Vec::new(),
        today: NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day"),
    };
    let steps = steps.into_iter().map(|(request, answer)| (request.to_owned(), answer)).collect();
    Freshservice::new(Script { steps: Mutex::new(steps), bodies: Mutex::default() }, connection)
}

/// All bodies sent; every expected request must have come.
fn sent(desk: &Freshservice<Script>) -> Vec<Value> {
    let left: Vec<String> = desk.transport.steps.lock().iter().map(|(request, _)| request.clone()).collect();
    assert!(left.is_empty(), "still expected: {left:?}");
    std::mem::take(&mut *desk.transport.bodies.lock())
}

fn ok(body: Value) -> Result<Response, HttpError> {
    status(200, &body.to_string())
}

fn status(status: u16, body: &str) -> Result<Response, HttpError> {
    Ok(Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

fn linked(body: Value) -> Result<Response, HttpError> {
    let link = "<https://acme.freshservice.com/api/v2/requesters?page=2>; rel=\"next\"".to_owned();
    ok(body).map(|answer| Response { headers: vec![("link".into(), link)], ..answer })
}

fn lost() -> Result<Response, HttpError> {
    Err(HttpError::Lost { host: "acme.freshservice.com".into(), why: "timed out".into() })
}

fn denied() -> Result<Response, HttpError> {
    status(403, r#"{"code":"access_denied","message":"not permitted"}"#)
}

fn requester(id: u64, email: &str) -> Value {
    json!({"id": id, "active": true, "is_agent": false, "first_name": "Mira", "primary_email": email})
}

fn change(desk: &Freshservice<Script>, field: &str, after: FieldValue) -> FieldChange {
    let index = desk.connection.fields.iter().position(|known| &*known.name == field).expect("a field of the run");
    let index = FieldIndex(u16::try_from(index).expect("few fields"));
    FieldChange { index, field: field.into(), before: FieldValue::Empty, after }
}

fn text(text: &str) -> FieldValue {
    FieldValue::text(text)
}

const FIRST: &str = "GET /requesters page=1 include_agents=true";
const SECOND: &str = "GET /requesters page=2 include_agents=true";

#[test]
fn a_snapshot_holds_everybody_with_names_for_ids() {
    let big = 21_000_049_726_u64;
    let desk = desk(
        &["first_name", "primary_email", "department_ids", "location_id", "reporting_manager_id"],
        vec![
            (
                FIRST,
                linked(json!({"requesters": [
                    {"id": big, "active": true, "is_agent": true, "first_name": "Ada", "email": "Ada@example.com"},
                    {"id": 2, "active": false, "first_name": "Bo", "primary_email": "bo@example.com", "location_id": 31,
                     "department_ids": [702, 799], "reporting_manager_id": big},
                ]})),
            ),
            (
                "GET /departments page=1",
                ok(
                    json!({"departments": [{"id": 701, "name": "IT"}, {"id": 702, "name": "Sales"}, {"id": 703, "name": "it "}]}),
                ),
            ),
            (
                "GET /locations page=1",
                ok(json!({"locations": [{"id": 31, "name": "Leipzig", "parent_location_id": null}]})),
            ),
            (SECOND, ok(json!({"requesters": [requester(3, "mira@example.com")]}))),
        ],
    );
    let snapshot = desk.accounts(&NoProgress).expect("a snapshot");
    sent(&desk);
    let [ada, bo, mira] = snapshot.accounts.as_slice() else { panic!("three accounts") };
    assert_eq!((&*ada.id.0, ada.active, ada.protection), ("21000049726", true, Some(Protection::Agent)));
    assert_eq!(ada.field(FieldIndex(1)), &text("ada@example.com"));
    assert_eq!((&*bo.id.0, bo.active, bo.protection), ("2", false, None));
    assert_eq!(
        bo.fields(),
        [
            text("Bo"),
            text("bo@example.com"),
            FieldValue::list(["#799", "Sales"]),
            text("Leipzig"),
            FieldValue::Account("21000049726".into())
        ]
    );
    assert_eq!(&*mira.id.0, "3");
    assert_eq!(snapshot.incomplete, None);
    assert!(snapshot.notices.is_empty());
    let names = |field| desk.references(FieldIndex(field)).expect("no further request").expect("names");
    assert_eq!((names(2).get("it"), names(2).get("sales")), (Some(None), Some(Some("Sales"))));
    assert_eq!(names(3).get("LEIPZIG"), Some(Some("Leipzig")));
}

#[test]
fn only_lists_of_mapped_fields_are_read() {
    let named = json!({"id": 2, "active": true, "department_ids": [701], "department_names": ["IT"]});
    let requesters = ok(json!({"requesters": [named]}));
    let departments = ok(json!({"departments": [{"id": 701, "name": "IT"}]}));
    let desk = desk(
        &["first_name", "department_ids", "location_id"],
        vec![(FIRST, requesters), ("GET /departments page=1", departments)],
    );
    let snapshot = desk.accounts(&NoProgress).expect("a snapshot");
    assert_eq!(snapshot.accounts[0].field(FieldIndex(1)), &FieldValue::list(["IT"]));
    assert_eq!(desk.references(FieldIndex(0)), Ok(None));
    assert_eq!(desk.transport.steps.lock().len(), 1, "departments were not asked for yet");
    for _ in 0..2 {
        let names = desk.references(FieldIndex(1)).expect("a list").expect("names");
        assert_eq!(names.get("it"), Some(Some("IT")));
    }
    sent(&desk);
}

#[test]
fn a_full_page_without_a_link_is_not_the_last() {
    let full: Vec<Value> = (1..=100).map(|id| requester(id, "a@example.com")).collect();
    let desk = desk(
        &["first_name"],
        vec![
            (FIRST, ok(json!({"requesters": full}))),
            (SECOND, ok(json!({"requesters": [requester(101, "b@example.com")]}))),
        ],
    );
    let snapshot = desk.accounts(&NoProgress).expect("a snapshot");
    assert_eq!((snapshot.accounts.len(), snapshot.incomplete), (101, None));
    sent(&desk);
}

#[test]
fn repeated_ids_are_looked_at_again_and_then_admitted() {
    let page =
        |ids: &[u64]| json!({"requesters": ids.iter().map(|id| requester(*id, "a@example.com")).collect::<Vec<_>>()});
    let shifted = |last: &[u64]| vec![(FIRST, linked(page(&[1, 2]))), (SECOND, ok(page(last)))];
    let steady = desk(&["first_name"], [shifted(&[2, 3]), shifted(&[3, 4])].into_iter().flatten().collect());
    let snapshot = steady.accounts(&NoProgress).expect("a snapshot");
    assert_eq!((snapshot.accounts.len(), snapshot.incomplete), (4, None));
    sent(&steady);

    let unsteady = desk(&["first_name"], [shifted(&[2, 3]), shifted(&[2, 3])].into_iter().flatten().collect());
    let snapshot = unsteady.accounts(&NoProgress).expect("a snapshot");
    assert_eq!(snapshot.accounts.len(), 3, "each id once");
    assert!(snapshot.incomplete.is_some_and(|why| why.contains("shifted")));
    sent(&unsteady);
}

#[test]
fn lists_that_contradict_themselves_are_not_whole() {
    let empty = || {
        vec![
            (FIRST, linked(json!({"requesters": [requester(1, "a@example.com")]}))),
            (SECOND, linked(json!({"requesters": []}))),
        ]
    };
    let same = || {
        let page = || linked(json!({"requesters": [requester(1, "a@example.com")]}));
        vec![(FIRST, page()), (SECOND, page())]
    };
    let nameless = || vec![(FIRST, ok(json!({"requesters": [{"id": null}, requester(1, "a@example.com")]})))];
    for (steps, again, words) in
        [(empty(), empty(), "empty"), (same(), same(), "repeats"), (nameless(), nameless(), "`id`")]
    {
        let desk = desk(&["first_name"], steps.into_iter().chain(again).collect());
        let snapshot = desk.accounts(&NoProgress).expect("a snapshot");
        assert_eq!(snapshot.accounts.len(), 1, "{words}");
        assert!(snapshot.incomplete.is_some_and(|why| why.contains(words)), "{words}");
        sent(&desk);
    }
}

#[test]
fn one_record_that_cannot_be_read_is_left_alone_and_said() {
    let odd = json!({"id": 9, "active": true, "first_name": {"secret": "Mira"}});
    let desk = desk(&["first_name"], vec![(FIRST, ok(json!({"requesters": [requester(1, "a@example.com"), odd]})))]);
    let snapshot = desk.accounts(&NoProgress).expect("a snapshot");
    let protections: Vec<_> = snapshot.accounts.iter().map(|account| account.protection).collect();
    assert_eq!(protections, [None, Some(Protection::Unreadable)]);
    assert_eq!(snapshot.notices[0].code, "account_unreadable");
    assert!(snapshot.notices[0].message.contains("account 9") && !snapshot.notices[0].message.contains("Mira"));
}

#[test]
fn without_the_right_to_manage_agents_they_are_read_apart_or_not_at_all() {
    let fields = ["primary_email"];
    let alone = || {
        (
            "GET /requesters page=1",
            ok(json!({"requesters": [requester(1, "a@example.com"), requester(2, "b@example.com")]})),
        )
    };
    let agents = ok(
        json!({"agents": [{"id": 2, "active": true, "email": "b@example.com"}, {"id": 3, "active": true, "email": "c@example.com"}]}),
    );
    let apart = desk(&fields, vec![(FIRST, denied()), alone(), ("GET /agents page=1", agents)]);
    let snapshot = apart.accounts(&NoProgress).expect("a snapshot");
    let protections: Vec<_> = snapshot.accounts.iter().map(|account| (&*account.id.0, account.protection)).collect();
    assert_eq!(protections, [("1", None), ("2", Some(Protection::Agent)), ("3", Some(Protection::Agent))]);
    assert_eq!((snapshot.incomplete, snapshot.notices[0].code), (None, crate::code::Code::AgentsReadApart));
    sent(&apart);

    let hidden = desk(
        &fields,
        vec![
            (FIRST, denied()),
            alone(),
            ("GET /agents page=1", denied()),
            ("GET /requesters page=1 email=a@example.com", ok(json!({"requesters": []}))),
        ],
    );
    let snapshot = hidden.accounts(&NoProgress).expect("a snapshot");
    assert_eq!((snapshot.accounts.len(), snapshot.notices[0].code), (2, crate::code::Code::AgentsNotVisible));
    // Asked once, not again for every look-up: refused requests count against the limit, too.
    assert_eq!(hidden.find(FieldIndex(0), &text("a@example.com")), Ok(Vec::new()));
    sent(&hidden);

    let nothing = desk(&fields, vec![(FIRST, denied()), ("GET /requesters page=1", denied())]);
    assert_eq!(nothing.accounts(&NoProgress).map(drop).map_err(|error| error.kind), Err(ErrorKind::Rights));
}

#[test]
fn a_read_that_breaks_off_is_an_error() {
    let first = || (FIRST, linked(json!({"requesters": [requester(1, "a@example.com")]})));
    for (second, kind) in [
        (status(500, "oops"), ErrorKind::Unavailable),
        (status(200, "<html>sign in</html>"), ErrorKind::Unexpected),
        (status(200, r#"{"requesters":[{"id":2,"#), ErrorKind::Unexpected),
        (status(200, r#"{"agents":[]}"#), ErrorKind::Unexpected),
        (status(200, ""), ErrorKind::Unexpected),
        (status(429, "{}"), ErrorKind::Busy),
        (denied(), ErrorKind::Rights),
        (lost(), ErrorKind::Unavailable),
    ] {
        // A refusal in the middle sends the reader to the list without agents, which is refused as well.
        let desk = desk(&["first_name"], vec![first(), (SECOND, second), ("GET /requesters page=1", denied())]);
        let error = desk.accounts(&NoProgress).map(drop).expect_err("half a list");
        assert_eq!(error.kind, kind, "{error}");
    }
}

#[test]
fn custom_fields_are_asked_for_only_when_named_and_once() {
    let rows = json!({"requester_fields": [
        {"name": "email", "type": "default_email", "customers_can_edit": true, "required_for_customers": true},
        {"name": "cost_center", "type": "custom_dropdown", "choices": ["Berlin", "Leipzig"], "requesters_can_edit": false},
        {"name": "started", "type": "custom_date"},
        {"name": "badge", "type": "custom_text", "required_for_agents": true},
    ]});
    let named = desk(
        &["custom_fields.started", "custom_fields.cost_center"],
        vec![
            ("GET /requester_fields page=1", ok(rows.clone())),
            (
                FIRST,
                ok(
                    json!({"requesters": [{"id": 1, "active": true, "custom_fields": {"started": "2026-03-30T18:30:00Z", "cost_center": "Berlin", "badge": "7"}}]}),
                ),
            ),
        ],
    );
    let schema = named.schema().expect("a schema");
    assert_eq!(schema.fields[1].choices.len(), 2);
    assert!(schema.capabilities.reactivate_loses_fields && !schema.capabilities.delete);
    let snapshot = named.accounts(&NoProgress).expect("a snapshot");
    let started = NaiveDate::from_ymd_opt(2026, 3, 31).expect("a day");
    assert_eq!(snapshot.accounts[0].fields(), [FieldValue::Date(started), text("Berlin")]);
    assert_eq!(snapshot.notices[0].code, "required_field_not_mapped");
    sent(&named);

    let unknown = desk(&["custom_fields.cost_centre"], vec![("GET /requester_fields page=1", ok(rows))]);
    assert!(unknown.schema().expect_err("no such field").message.contains("did you mean `cost_center`"));
    assert!(desk(&["first_name"], vec![]).schema().is_ok(), "nothing is asked");
}

#[test]
fn look_ups_see_writes_at_once_and_agents_too() {
    let mail = "mira+it@example.com";
    let second = json!({"id": 4, "active": true, "primary_email": "other@example.com", "secondary_emails": [mail]});
    let desk = desk(
        &["primary_email", "external_id"],
        vec![
            (
                "GET /requesters page=1 include_agents=true email=mira+it@example.com",
                ok(
                    json!({"requesters": [second, {"id": 3, "active": false, "is_agent": true, "primary_email": "Mira+IT@example.com"}]}),
                ),
            ),
            (
                FIRST,
                ok(
                    json!({"requesters": [{"id": 7, "active": true, "external_id": "4711"}, {"id": 8, "active": true, "external_id": "47110"}]}),
                ),
            ),
        ],
    );
    let found = desk.find(FieldIndex(0), &text(mail)).expect("an answer");
    assert_eq!(found.len(), 1, "a second address is not the field");
    assert_eq!((&*found[0].id.0, found[0].protection), ("3", Some(Protection::Agent)));
    let found = desk.find(FieldIndex(1), &FieldValue::Integer(4711)).expect("an answer");
    assert_eq!(found.iter().map(|account| &*account.id.0).collect::<Vec<_>>(), ["7"]);
    assert_eq!(desk.find(FieldIndex(0), &FieldValue::Empty), Ok(Vec::new()), "nobody is found by nothing");
    sent(&desk);
}

#[test]
fn one_account_may_be_a_requester_an_agent_or_nobody() {
    let agent = json!({"agent": {"id": 3, "active": true, "email": "c@example.com"}});
    let view = |steps| {
        let desk = desk(&["primary_email"], steps);
        let found = desk.account(&"3".into());
        sent(&desk);
        found
    };
    let requesters = "GET /requesters/3";
    let found = view(vec![(requesters, ok(json!({"requester": requester(3, "c@example.com")})))]);
    assert_eq!(found.expect("an answer").expect("an account").protection, None);
    let marked = json!({"requester": {"id": 3, "active": true, "is_agent": true, "primary_email": "c@example.com"}});
    for steps in [
        vec![(requesters, ok(marked.clone())), ("GET /agents/3", ok(agent.clone()))],
        vec![(requesters, ok(marked)), ("GET /agents/3", denied())],
        vec![(requesters, status(404, "")), ("GET /agents/3", ok(agent))],
    ] {
        let found = view(steps).expect("an answer").expect("an account");
        assert_eq!((found.protection, found.field(FieldIndex(0))), (Some(Protection::Agent), &text("c@example.com")));
    }
    assert_eq!(view(vec![(requesters, status(404, "")), ("GET /agents/3", status(404, ""))]), Ok(None));
    assert_eq!(view(vec![(requesters, status(404, "")), ("GET /agents/3", denied())]), Ok(None));
    let failed = view(vec![(requesters, status(404, "")), ("GET /agents/3", status(500, ""))]);
    assert_eq!(failed.map_err(|error| error.kind), Err(ErrorKind::Unavailable));
    assert_eq!(desk(&[], vec![]).account(&"x".into()), Ok(None));
}

#[test]
fn a_requester_is_made_from_the_fields_that_have_a_value() {
    let desk = desk(
        &["first_name", "last_name", "primary_email", "department_ids"],
        vec![
            ("GET /departments page=1", ok(json!({"departments": [{"id": 701, "name": "Sales"}]}))),
            ("POST /requesters", status(201, r#"{"requester":{"id":21000049726,"first_name":"Mira"}}"#)),
        ],
    );
    let made = desk.create(
        EmployeeId(1001),
        &[
            change(&desk, "first_name", text("Mira")),
            change(&desk, "last_name", FieldValue::Empty),
            change(&desk, "primary_email", text("Mira@example.com")),
            change(&desk, "department_ids", FieldValue::list(["sales"])),
        ],
    );
    assert_eq!(made, Ok("21000049726".into()));
    assert_eq!(
        sent(&desk),
        [json!({"first_name": "Mira", "primary_email": "mira@example.com", "department_ids": [701]})]
    );
}

#[test]
fn a_create_that_may_have_happened_is_never_called_refused() {
    for (answer, kind) in [
        (lost(), ErrorKind::Unsettled),
        (status(502, "<html>"), ErrorKind::Unsettled),
        (status(200, "<html>"), ErrorKind::Unsettled),
        (status(201, r#"{"requester":{"id":2"#), ErrorKind::Unsettled),
        (status(201, ""), ErrorKind::Unsettled),
        (status(409, r#"{"errors":[{"code":"duplicate_value"}]}"#), ErrorKind::Exists),
        (status(400, r#"{"errors":[{"field":"primary_email","code":"invalid_value"}]}"#), ErrorKind::Exists),
        (status(400, r#"{"errors":[{"field":"language","code":"invalid_value"}]}"#), ErrorKind::Refused),
        (
            Err(HttpError::NotSent { host: "acme.freshservice.com".into(), why: "refused".into() }),
            ErrorKind::Unavailable,
        ),
        (status(401, r#"{"code":"invalid_credentials","message":"be logged in"}"#), ErrorKind::SignIn),
    ] {
        let desk = desk(&["primary_email"], vec![("POST /requesters", answer)]);
        let error =
            desk.create(EmployeeId(1), &[change(&desk, "primary_email", text("m@example.com"))]).expect_err("no id");
        assert_eq!(error.kind, kind, "{error}");
        assert!(!error.message.contains("m@example.com"));
    }
    let nobody = desk(&["first_name"], vec![]);
    let error = nobody.create(EmployeeId(1), &[change(&nobody, "first_name", text("Mira"))]).expect_err("unreachable");
    assert_eq!(error.kind, ErrorKind::Refused);
}

#[test]
fn an_update_repeats_what_the_server_would_forget() {
    let sees = |id: u64, sees: bool| json!({"id": id, "active": true, SEES_ALL_TICKETS: sees});
    let desk = desk(
        &["last_name", SEES_ALL_TICKETS],
        vec![
            (FIRST, ok(json!({"requesters": [sees(1, true), sees(2, false)]}))),
            ("PUT /requesters/1", ok(json!({"requester": {"id": 1}}))),
            ("PUT /requesters/2", ok(json!({"requester": {"id": 2}}))),
            ("PUT /requesters/1", ok(json!({"requester": {"id": 1}}))),
            ("PUT /requesters/1", ok(json!({"requester": {"id": 1}}))),
            ("GET /requesters/5", ok(json!({"requester": sees(5, true)}))),
            ("PUT /requesters/5", ok(json!({"requester": {"id": 5}}))),
        ],
    );
    desk.accounts(&NoProgress).expect("a snapshot");
    let name = change(&desk, "last_name", FieldValue::Empty);
    let unsee = change(&desk, SEES_ALL_TICKETS, FieldValue::Bool(false));
    desk.update(&"1".into(), std::slice::from_ref(&name)).expect("an update");
    desk.update(&"2".into(), std::slice::from_ref(&name)).expect("an update");
    desk.update(&"1".into(), &[unsee]).expect("an update");
    desk.update(&"1".into(), std::slice::from_ref(&name)).expect("an update");
    desk.update(&"5".into(), &[name]).expect("an update of an account not read before");
    desk.update(&"5".into(), &[]).expect("nothing to send");
    assert_eq!(
        sent(&desk),
        [
            json!({"last_name": null, SEES_ALL_TICKETS: true}),
            json!({"last_name": null}),
            json!({SEES_ALL_TICKETS: false}),
            json!({"last_name": null}),
            json!({"last_name": null, SEES_ALL_TICKETS: true}),
        ]
    );
}

#[test]
fn agents_are_never_written() {
    let agent = json!({"requesters": [{"id": 3, "active": true, "is_agent": true}]});
    let desk = desk(&["last_name"], vec![(FIRST, ok(agent))]);
    desk.accounts(&NoProgress).expect("a snapshot");
    let id = "3".into();
    for result in
        [desk.update(&id, &[change(&desk, "last_name", text("Osei"))]), desk.deactivate(&id), desk.reactivate(&id)]
    {
        assert_eq!(result.map_err(|error| error.kind), Err(ErrorKind::Refused));
    }
    sent(&desk);
}

#[test]
fn out_of_use_and_back_again_are_settled_by_looking_at_the_answer() {
    let deactivate = |answer| {
        let desk = desk(
            &[],
            vec![
                ("GET /requesters/3", ok(json!({"requester": requester(3, "c@example.com")}))),
                ("DELETE /requesters/3", answer),
            ],
        );
        desk.deactivate(&"3".into()).map_err(|error| error.kind)
    };
    assert_eq!(deactivate(status(204, "")), Ok(()));
    assert_eq!(deactivate(status(404, "")), Ok(()), "gone already");
    assert_eq!(deactivate(status(404, "<html>")), Err(ErrorKind::Unexpected), "a wrong address is not a success");
    assert_eq!(deactivate(status(200, "<html>")), Err(ErrorKind::Unexpected));
    assert_eq!(deactivate(denied()), Err(ErrorKind::Rights));
    assert_eq!(deactivate(lost()), Err(ErrorKind::Unsettled));

    let reactivate = |answer| {
        let desk = desk(
            &[],
            vec![
                ("GET /requesters/3", ok(json!({"requester": requester(3, "c@example.com")}))),
                ("PUT /requesters/3/reactivate", answer),
            ],
        );
        let result = desk.reactivate(&"3".into()).map_err(|error| error.kind);
        assert!(sent(&desk).is_empty(), "no body");
        result
    };
    assert_eq!(reactivate(ok(json!({"requester": {"id": 3}}))), Ok(()));
    assert_eq!(reactivate(status(400, r#"{"code":"contact_already_active","message":"x"}"#)), Ok(()));
    assert_eq!(reactivate(status(400, r#"{"code":"invalid_value"}"#)), Err(ErrorKind::Refused));
    assert_eq!(reactivate(status(404, "")), Err(ErrorKind::NotFound));

    let gone = desk(&[], vec![("GET /requesters/3", status(404, "")), ("GET /agents/3", status(404, ""))]);
    assert_eq!(gone.deactivate(&"3".into()), Ok(()));
}

#[test]
fn a_department_made_in_this_run_can_be_used_in_it() {
    let desk = desk(
        &["first_name", "department_ids", "location_id"],
        vec![
            ("GET /departments page=1", ok(json!({"departments": [{"id": 701, "name": "IT"}]}))),
            ("POST /departments", status(201, r#"{"department":{"id":702,"name":"R&D"}}"#)),
            ("GET /locations page=1", ok(json!({"locations": []}))),
            ("POST /locations", status(200, r#"{"locations":{"id":"31","name":"Leipzig"}}"#)),
            ("GET /requesters/1", ok(json!({"requester": requester(1, "a@example.com")}))),
            ("PUT /requesters/1", ok(json!({"requester": {"id": 1}}))),
        ],
    );
    desk.create_reference(FieldIndex(1), "R&D").expect("made");
    desk.create_reference(FieldIndex(1), "r&d").expect("there already");
    desk.create_reference(FieldIndex(2), "Leipzig").expect("made");
    let changes = [
        change(&desk, "department_ids", FieldValue::list(["IT", "R&D"])),
        change(&desk, "location_id", text("Leipzig")),
    ];
    desk.update(&"1".into(), &changes).expect("an update");
    assert_eq!(
        sent(&desk),
        [json!({"name": "R&D"}), json!({"name": "Leipzig"}), json!({"department_ids": [701, 702], "location_id": 31})]
    );
    let wrong = desk.create_reference(FieldIndex(0), "Mira").map_err(|error| error.kind);
    assert_eq!(wrong, Err(ErrorKind::Refused), "names of people are not made");
}

#[test]
fn threads_that_need_the_same_department_make_it_once() {
    let desk = desk(
        &["department_ids"],
        vec![
            ("GET /departments page=1", ok(json!({"departments": []}))),
            ("POST /departments", ok(json!({"department": {"id": 702, "name": "Legal"}}))),
        ],
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| desk.create_reference(FieldIndex(0), "Legal").expect("made, or there already"));
        }
    });
    assert_eq!(sent(&desk).len(), 1);
}

#[test]
fn a_department_that_exists_after_all_is_as_good_as_made() {
    let list = |rows: Value| ok(json!({"departments": rows}));
    let make = |answer, again: Option<Value>| {
        let mut steps = vec![("GET /departments page=1", list(json!([]))), ("POST /departments", answer)];
        steps.extend(again.map(|rows| ("GET /departments page=1", list(rows))));
        let desk = desk(&["department_ids"], steps);
        let result = desk.create_reference(FieldIndex(0), "Legal").map_err(|error| error.kind);
        sent(&desk);
        result
    };
    let there = || Some(json!([{"id": 9, "name": "LEGAL"}]));
    let absent = || Some(json!([]));
    assert_eq!(make(status(409, ""), there()), Ok(()));
    assert_eq!(make(status(400, r#"{"errors":[{"field":"name","code":"duplicate_value"}]}"#), there()), Ok(()));
    assert_eq!(make(lost(), there()), Ok(()));
    assert_eq!(make(status(201, "<html>"), there()), Ok(()));
    assert_eq!(make(status(409, ""), absent()), Err(ErrorKind::Refused));
    assert_eq!(make(lost(), absent()), Err(ErrorKind::Unsettled));
    assert_eq!(make(denied(), None), Err(ErrorKind::Rights));
}

#[test]
fn recorded_answers_are_read() {
    let Some(text) = spec_text("freshservice/recorded-responses.redacted.json") else { return };
    let recorded: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let mut read = 0;
    for entry in &recorded {
        let body = &entry["response"]["body"];
        if body.get("agents").is_none() {
            continue;
        }
        let desk = desk(
            &["first_name", "primary_email", "time_zone", "work_phone_number", "department_ids", SEES_ALL_TICKETS],
            vec![
                (FIRST, denied()),
                ("GET /requesters page=1", ok(json!({"requesters": []}))),
                ("GET /agents page=1", ok(body.clone())),
            ],
        );
        let snapshot = desk.accounts(&NoProgress).expect("a snapshot");
        assert_eq!(snapshot.incomplete, None);
        for account in &snapshot.accounts {
            assert_eq!(account.protection, Some(Protection::Agent));
            assert_eq!(account.field(FieldIndex(1)), &FieldValue::text("redacted@example.com"));
            assert_eq!(account.field(FieldIndex(2)), &FieldValue::text("America/New_York"));
            assert_eq!(account.field(FieldIndex(4)), &FieldValue::Empty);
            assert_eq!(account.field(FieldIndex(5)), &FieldValue::Bool(false));
        }
        read += snapshot.accounts.len();
    }
    assert!(read > 0, "agents were recorded");
}

/// The vendor's definition of an object, refusing attributes that it does not list. Its two known gaps are
/// filled: `time_format` and `external_id` are newer than it, and it does not say that `null` clears.
fn definition(specification: &Value, name: &str) -> Value {
    let mut definition = specification["definitions"][name].clone();
    let properties = definition["properties"].as_object_mut().expect("properties");
    if name == "requester" {
        for newer in ["time_format", "external_id"] {
            assert!(!properties.contains_key(newer), "the definition knows {newer} by now");
            properties.insert(newer.into(), json!({"type": "string"}));
        }
        for (_, property) in properties.iter_mut() {
            if let Some(kind) = property.get("type").cloned() {
                property["type"] = json!([kind, "null"]);
            }
        }
    }
    definition["additionalProperties"] = json!(false);
    definition["definitions"] = json!({"custom_fields": specification["definitions"]["custom_fields"]});
    definition
}

#[test]
fn bodies_hold_against_the_vendors_definitions() {
    let Some(contract) = spec_text("freshservice/freshservice-v2.0.1.swagger.yml") else { return };
    let specification: Value = serde_norway::from_str(&contract).expect("YAML");
    let check = |name: &str, body: &Value| {
        let validator = jsonschema::draft4::new(&definition(&specification, name)).expect("a schema");
        let problems: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{name}: {problems:?} in {body}");
    };
    let writable: Vec<FieldSpec> = fields::known_fields(crate::zone::Zones::compiled())
        .into_iter()
        .filter(|field| field.access == crate::field::Access::ReadWrite)
        .collect();
    let mut names: Vec<&str> = writable.iter().map(|field| &*field.name).collect();
    names.push("custom_fields.badge");
    let desk = desk(
        &names,
        vec![
            (
                "GET /requester_fields page=1",
                ok(json!({"requester_fields": [{"name": "badge", "type": "custom_text"}]})),
            ),
            ("GET /departments page=1", ok(json!({"departments": []}))),
            ("POST /departments", ok(json!({"department": {"id": 701, "name": "IT"}}))),
            ("GET /locations page=1", ok(json!({"locations": []}))),
            ("POST /locations", ok(json!({"location": {"id": 31, "name": "IT"}}))),
            ("POST /requesters", ok(json!({"requester": {"id": 1}}))),
            ("PUT /requesters/1", ok(json!({"requester": {"id": 1}}))),
        ],
    );
    let schema = desk.schema().expect("a schema");
    for (index, field) in schema.iter().filter(|(_, field)| Named::of(field).is_some()) {
        desk.create_reference(index, "IT").unwrap_or_else(|error| panic!("{}: {error}", field.name));
    }
    let changes = |empty: bool| -> Vec<FieldChange> {
        use crate::field::FieldKind;
        let fields = schema.iter().map(|(_, field)| {
            let after = match field.kind {
                _ if empty => FieldValue::Empty,
                FieldKind::Bool => FieldValue::Bool(true),
                FieldKind::Account => FieldValue::Account("21000049726".into()),
                FieldKind::List | FieldKind::References => FieldValue::list(["IT"]),
                _ => text("IT"),
            };
            change(&desk, &field.name, after)
        });
        fields.collect()
    };
    desk.create(EmployeeId(1), &changes(false)).expect("a requester");
    desk.update(&"1".into(), &changes(true)).expect("an update");
    let bodies = sent(&desk);
    let [department, location, create, update] = bodies.as_slice() else { panic!("four bodies") };
    check("department", department);
    check("location", location);
    check("requester", create);
    check("requester", update);
    assert_eq!(create.as_object().map(|body| body.len()), Some(names.len()));
}

#[test]
fn agents_are_written_through_their_own_address_and_only_where_the_file_says_so() {
    let row = |id: u64, is_agent: bool| json!({"id": id, "active": true, "is_agent": is_agent, "first_name": "Mira", "language": "en"});
    let agents =
        json!({"agents": [{"id": 5, "api_key_enabled": false}, {"id": 6, "api_key_enabled": true}, {"id": 7}]});
    let people = json!({"requesters": [row(4, false), row(5, true), row(6, true), row(7, true)]});
    let steps = vec![
        ("GET /agents page=1", ok(agents)),
        (FIRST, ok(people)),
        ("PUT /agents/5", ok(json!({"agent": {"id": 5}}))),
    ];
    let desk = desk(&["first_name", "language"], steps).updating_agents(true);
    let snapshot = desk.accounts(&NoProgress).expect("a snapshot");
    let found: Vec<_> =
        snapshot.accounts.iter().map(|account| (account.protection, account.writable.as_deref())).collect();
    let (language, agent) = (&[FieldIndex(1)][..], Some(Protection::Agent));
    assert_eq!(found, [(None, None), (None, Some(language)), (agent, None), (agent, None)], "keys may be ours");
    let id = AccountId::from("5");
    desk.update(&id, &[change(&desk, "language", text("de"))]).expect("an update");
    let refused = desk.update(&id, &[change(&desk, "first_name", text("Mia"))]).expect_err("kept elsewhere");
    assert_eq!(refused.kind, ErrorKind::Refused);
    for result in [desk.deactivate(&id), desk.reactivate(&id)] {
        assert_eq!(result.expect_err("never").kind, ErrorKind::Refused);
    }
    assert_eq!(sent(&desk), [json!({"language": "de"})]);
}
