use serde_json::{Value, json};

use super::{create, first_id, freshservice, get, refusal, send};
use crate::targets::freshservice::simulated::*;

fn prepared(name: &str, kind: &str) -> crate::simulation::PreparedField {
    crate::simulation::PreparedField { name: name.into(), kind: kind.into(), choices: Vec::new() }
}

fn fields(service: &mut Freshservice) -> Value {
    let location = first_id(service, "locations");
    json!({"cf_employee_name": "Mira Osei", "cf_job_title": "Analyst", "cf_date_of_joining": "2027-02-01",
           "cf_department": "engineering", "cf_location": location, "cf_personio_id": "4711", "cf_equipment": "Laptop",
           "cf_remote": true, "actor_2": "it.admin@example.com"})
}

#[test]
fn an_onboarding_request_turns_days_round_and_gets_its_ticket_later() {
    let mut service = freshservice();
    let form = get(&mut service, "onboarding_requests/form").value();
    let row = |name: &str| form["fields"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!((&row("cf_employee_name")["required"], &row("cf_location")["data_source"]), (&json!(true), &json!(1)));
    assert_eq!(row("cf_equipment")["choices"], json!(["Laptop", "Desktop", "None"]));

    let fields = fields(&mut service);
    let made = send(&mut service, Method::Post, "onboarding_requests", json!({"fields": fields}));
    assert_eq!(made.status, 201, "{}", made.value());
    let made = made.value()["onboarding_request"].clone();
    assert_eq!(made["ticket_id"], Value::Null);
    assert_eq!(made["fields"]["cf_date_of_joining"], "01-02-2027");
    assert_eq!(made["lookup_values"]["cf_department"]["name"], "Engineering");
    assert!(made["fields"]["actor_2"].is_u64());

    let row = get(&mut service, "onboarding_requests").value()["onboarding_requests"][0].clone();
    assert_eq!((&row["id"], row.get("actors"), row.get("lookup_values")), (&made["id"], None, None));
    assert_eq!(row["fields"], made["fields"]);
    let id = made["id"].as_u64().unwrap();
    let viewed = get(&mut service, &format!("onboarding_requests/{id}")).value()["onboarding_request"].clone();
    assert!(viewed["ticket_id"].is_u64());
    let tickets = get(&mut service, &format!("onboarding_requests/{id}/tickets")).value();
    assert_eq!(tickets["onboarding_tickets"][0]["parent"], true);
    assert_eq!(get(&mut service, "onboarding_requests/9999").status, 404);
    for method in [Method::Put, Method::Delete] {
        assert_eq!(send(&mut service, method, &format!("onboarding_requests/{id}"), json!({})).status, 405);
    }
}

#[test]
fn what_the_form_does_not_take_is_refused() {
    let mut service = freshservice();
    for (name, value, code) in [
        ("cf_employee_name", json!(null), "missing_field"),
        ("cf_date_of_joining", json!("01.02.2027"), "invalid_value"),
        ("cf_department", json!("Cheese"), "invalid_value"),
        ("cf_department", json!(21_000_700_001_u64), "invalid_value"),
        ("cf_location", json!("Berlin"), "invalid_value"),
        ("cf_equipment", json!("laptop"), "invalid_value"),
        ("cf_remote", json!("yes"), "invalid_value"),
        ("actor_2", json!("nobody@example.com"), "invalid_value"),
        ("cf_shoe_size", json!("43"), "invalid_field"),
    ] {
        let mut fields = fields(&mut service);
        fields[name] = value;
        let answer = send(&mut service, Method::Post, "onboarding_requests", json!({"fields": fields}));
        assert_eq!(refusal(&answer), (400, vec![(name.into(), code.into())]), "{name}");
    }
    let answer = send(&mut service, Method::Post, "onboarding_requests", json!({"fields": {}, "note": 1}));
    assert_eq!(answer.status, 400);
    assert_eq!(get(&mut service, "onboarding_requests").value()["onboarding_requests"], json!([]));
}

#[test]
fn an_offboarding_request_is_for_somebody_known_and_forms_take_fields_of_the_file() {
    let mut service = freshservice();
    create(&mut service, "Mira", "mira@example.com");
    service.account("desk").offer(&prepared("offboarding_requests.cf_keys_back", "date"));
    let mut fields = json!({"cf_employee_email": "mira@example.com", "cf_last_working_date": "2026-12-31", "cf_keys_back": "2026-12-30"});
    let made = send(&mut service, Method::Post, "offboarding_requests", json!({"fields": fields}));
    assert_eq!(made.status, 201, "{}", made.value());
    let made = made.value()["offboarding_request"]["fields"].clone();
    assert_eq!((&made["cf_employee_email"], &made["cf_keys_back"]), (&json!("mira@example.com"), &json!("30-12-2026")));
    fields["cf_employee_email"] = json!("nobody@example.com");
    assert_eq!(send(&mut service, Method::Post, "offboarding_requests", json!({"fields": fields})).status, 400);
}

#[test]
fn a_plan_without_the_module_refuses_it() {
    let mut service = freshservice();
    service.options.missing_features = vec!["onboarding_requests".into()];
    for answer in [get(&mut service, "onboarding_requests/form"), get(&mut service, "onboarding_requests")] {
        assert_eq!(refusal(&answer), (403, vec![(String::new(), "require_feature".into())]));
    }
    assert_eq!(get(&mut service, "offboarding_requests/form").status, 200);
}

#[test]
fn tickets_are_made_found_and_make_requesters() {
    let mut service = freshservice();
    let ticket = json!({"subject": "Desk", "description": "A desk", "status": 2, "priority": 1, "email": "new@example.com", "tags": ["a"]});
    let made = send(&mut service, Method::Post, "tickets", ticket.clone());
    assert_eq!(made.status, 201);
    let requester = made.value()["ticket"]["requester_id"].clone();
    assert_eq!(get(&mut service, "requesters?email=new@example.com").value()["requesters"][0]["id"], requester);
    let found = get(&mut service, "tickets?email=new@example.com").value();
    assert_eq!(found["tickets"][0]["subject"], "Desk");
    assert_eq!(found["tickets"][0].get("tags"), None, "lists leave tags out");
    assert_eq!(get(&mut service, "tickets/1").value()["ticket"].get("tags"), None, "and so does a ticket, unasked");
    assert_eq!(get(&mut service, "tickets/1?include=tags").value()["ticket"]["tags"], json!(["a"]));
    assert_eq!(get(&mut service, "tickets?type=Service+Request").value()["tickets"], json!([]));
    assert_eq!(get(&mut service, &format!("tickets?requester_id={requester}")).value(), found);
    assert_eq!(get(&mut service, "tickets?email=other@example.com").value()["tickets"], json!([]));
    assert_eq!(get(&mut service, "tickets/1").value()["ticket"]["subject"], "Desk");
    for (name, value, code) in [
        ("status", json!(9), "invalid_value"),
        ("subject", json!(""), "missing_field"),
        ("mood", json!(1), "invalid_field"),
    ] {
        let mut ticket = ticket.clone();
        ticket[name] = value;
        let answer = send(&mut service, Method::Post, "tickets", ticket);
        assert_eq!(refusal(&answer), (400, vec![(name.into(), code.into())]));
    }
}

#[test]
fn service_items_are_ordered() {
    let mut service = freshservice();
    create(&mut service, "Mira", "mira@example.com");
    assert_eq!(get(&mut service, "service_catalog/items/2").value()["service_item"]["name"], "Access card");
    let entry = |service: &mut Freshservice, item: u64, body: Value| {
        send(service, Method::Post, &format!("service_catalog/items/{item}/place_request"), body)
    };
    let made = entry(&mut service, 1, json!({"requested_for": "mira@example.com", "email": "mira@example.com"}));
    assert_eq!(made.status, 201);
    assert_eq!(made.value()["service_request"]["subject"], "Request for Mira : Laptop");
    assert_eq!(entry(&mut service, 9, json!({})).status, 404);
    let answer = entry(&mut service, 2, json!({"requested_for": "nobody@example.com"}));
    let problems =
        vec![("badge_name".into(), "missing_field".into()), ("requested_for".into(), "invalid_value".into())];
    assert_eq!(refusal(&answer), (400, problems));
    let answer = entry(&mut service, 2, json!({"custom_fields": {"badge_name": "M", "colour": "Green", "size": "L"}}));
    let problems = vec![("size".into(), "invalid_field".into()), ("colour".into(), "invalid_value".into())];
    assert_eq!(refusal(&answer), (400, problems));
    let listed = get(&mut service, "tickets?email=mira@example.com").value()["tickets"][0].clone();
    assert_eq!((&listed["type"], listed.get("requested_items")), (&json!("Service Request"), None));
    let items = get(&mut service, &format!("tickets/{}/requested_items", listed["id"])).value();
    assert_eq!(items["requested_items"][0]["service_item_id"], 1);
    assert_eq!(entry(&mut service, 3, json!({"email": "mira@example.com"})).status, 201);
    let of = |service: &mut Freshservice, query: &str| {
        get(service, &format!("tickets?email=mira@example.com{query}")).value()["tickets"].as_array().unwrap().len()
    };
    assert_eq!(
        [of(&mut service, ""), of(&mut service, "&workspace_id=3"), of(&mut service, "&workspace_id=0")],
        [1, 1, 2]
    );
}

#[test]
fn members_of_manual_groups_come_and_go() {
    let mut service = freshservice();
    let id = create(&mut service, "Mira", "mira@example.com")["id"].clone();
    let groups = get(&mut service, "requester_groups").value()["requester_groups"].clone();
    let (manual, rules) = (groups[0]["id"].clone(), groups[1]["id"].clone());
    for _ in 0..2 {
        assert_eq!(
            send(&mut service, Method::Post, &format!("requester_groups/{manual}/members/{id}"), json!({})).status,
            200
        );
    }
    let members = get(&mut service, &format!("requester_groups/{manual}/members")).value();
    assert_eq!(members["requesters"].as_array().unwrap().len(), 1);
    assert_eq!(members["requesters"][0]["email"], "mira@example.com");
    assert_eq!(
        send(&mut service, Method::Post, &format!("requester_groups/{rules}/members/{id}"), json!({})).status,
        400
    );
    assert_eq!(
        send(&mut service, Method::Post, &format!("requester_groups/{manual}/members/5"), json!({})).status,
        404
    );
    let remove = |service: &mut Freshservice| {
        send(service, Method::Delete, &format!("requester_groups/{manual}/members/{id}"), json!({})).status
    };
    assert_eq!((remove(&mut service), remove(&mut service)), (204, 404));
    assert_eq!(send(&mut service, Method::Post, "requester_groups", json!({"name": "vpn users"})).status, 409);
}

#[test]
fn a_form_has_no_field_whose_name_the_service_would_not_give() {
    let mut service = freshservice();
    let made_up = ["employee_name", "cf_", "actor_", "actor_x", "subject"];
    for name in made_up.into_iter().chain(["cf_badge", "msf_badges", "actor_3"]) {
        service.account("desk").offer(&prepared(&format!("onboarding_requests.{name}"), "text"));
    }
    let form = get(&mut service, "onboarding_requests/form").value();
    let names: Vec<&str> = form["fields"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert!(["cf_badge", "msf_badges", "actor_3"].iter().all(|name| names.contains(name)), "{names:?}");
    assert!(made_up.iter().all(|name| !names.contains(name)), "{names:?}");
}
