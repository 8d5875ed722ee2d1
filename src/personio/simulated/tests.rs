use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::*;
use crate::reference::spec_text;
use crate::simulation::{PreparedAttribute, SandboxRequest};

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn personio(employees: usize) -> Personio {
    Personio::new(Company::new(employees, 7, today()))
}

fn sign_in(id: &str, secret: &str) -> SandboxRequest {
    SandboxRequest::new(Method::Post, "/v1/auth").json(&json!({"client_id": id, "client_secret": secret}))
}

fn token(personio: &mut Personio) -> String {
    let answer = personio.handle(&sign_in("someone", SECRET)).value();
    format!("Bearer {}", answer["data"]["token"].as_str().unwrap())
}

fn get(personio: &mut Personio, path: &str) -> SandboxResponse {
    let token = token(personio);
    personio.handle(&SandboxRequest::get(path).header("authorization", &token))
}

fn everyone(personio: &mut Personio, query: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    loop {
        let path = format!("/v1/company/employees?limit=100&offset={}{query}", rows.len());
        let page = get(personio, &path).value();
        let data = page["data"].as_array().unwrap();
        if data.is_empty() {
            assert_eq!(page["metadata"]["total_elements"], rows.len());
            return rows;
        }
        rows.extend(data.iter().map(|row| row["attributes"].clone()));
    }
}

fn error(response: &SandboxResponse) -> (u16, Value) {
    (response.status, response.value()["error"]["message"].clone())
}

#[test]
fn signing_in_takes_a_body_and_refuses_everything_else() {
    let mut personio = personio(1);
    let answer = personio.handle(&sign_in("someone", SECRET));
    let data = &answer.value()["data"];
    assert_eq!((answer.status, data["expires_in"].as_u64()), (200, Some(86_400)));
    assert!(data["token"].as_str().unwrap().starts_with("papi-"));

    let mut form = SandboxRequest::new(Method::Post, "/v1/auth");
    form = form.header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    form.body = format!("client_id=some+one&client_secret={SECRET}").into_bytes();
    assert_eq!(personio.handle(&form).status, 200);

    let mut query = sign_in("someone", SECRET);
    query.query = vec![("client_id".into(), "someone".into()), ("client_secret".into(), SECRET.into())];
    for (request, status) in [
        (sign_in("someone", "wrong"), 403),
        (sign_in(" ", SECRET), 403),
        (query, 403),
        (SandboxRequest::new(Method::Post, "/v1/auth"), 422),
        (SandboxRequest::get("/v1/auth"), 405),
    ] {
        let answer = personio.handle(&request);
        assert_eq!((answer.status, answer.value()["success"].clone()), (status, json!(false)), "{request:?}");
    }
}

#[test]
fn a_token_is_the_same_for_a_day() {
    let mut personio = personio(1);
    let mut at = |seconds| {
        let answer = personio.handle(&sign_in("someone", SECRET).at(Duration::from_secs(seconds))).value();
        (answer["data"]["token"].clone(), answer["data"]["expires_in"].as_u64().unwrap())
    };
    let (first, _) = at(0);
    assert_eq!(at(86_000), (first.clone(), 400));
    let (second, life) = at(86_400);
    assert_ne!(first, second);
    assert_eq!(life, 86_400);
    let other = personio.handle(&sign_in("someone else", SECRET)).value();
    assert_ne!(other["data"]["token"], second);
}

#[test]
fn data_needs_a_token_that_is_valid() {
    let mut personio = personio(1);
    let token = token(&mut personio);
    let request = |header: Option<&str>| {
        let request = SandboxRequest::get("/v1/company/employees");
        header.map_or(request.clone(), |header| request.header("authorization", header))
    };
    let mut ask = |request: &SandboxRequest| error(&personio.handle(request));
    assert_eq!(ask(&request(None)), (401, json!("Authorization is not provided")));
    assert_eq!(ask(&request(Some("Bearer papi-made-up"))), (403, json!("Provided authorization is not valid")));
    let late = request(Some(&token)).at(Duration::from_secs(86_400));
    assert_eq!(ask(&late), (401, json!("Authorization has expired")));
    assert_eq!(ask(&request(Some(&token))).0, 200);
}

#[test]
fn pages_are_counted_in_records() {
    let mut personio = personio(134);
    for (query, rows, limit, offset, page, pages) in [
        ("", 50, 50, 0, 0, 3),
        ("limit=100", 100, 100, 0, 0, 2),
        ("limit=100&offset=100", 34, 100, 100, 1, 2),
        ("limit=200", 100, 100, 0, 0, 2),
        ("limit=10&offset=134", 0, 10, 134, 13, 14),
        ("limit=10&offset=900", 0, 10, 900, 90, 14),
    ] {
        let body = get(&mut personio, &format!("/v1/company/employees?{query}")).value();
        assert_eq!(body["data"].as_array().unwrap().len(), rows, "{query}");
        assert_eq!(
            (&body["metadata"], &body["limit"], &body["offset"]),
            (
                &json!({"total_elements": 134, "current_page": page, "total_pages": pages}),
                &json!(limit),
                &json!(offset)
            ),
            "{query}"
        );
    }
    assert_eq!(get(&mut personio, "/v1/company/employees?limit=many").status, 422);
    let ids: HashSet<u64> =
        everyone(&mut personio, "").iter().map(|person| person["id"]["value"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), 134);
}

#[test]
fn only_what_is_asked_for_and_allowed_comes_back() {
    let mut personio = personio(3);
    let keys = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let query = "&attributes[]=email&attributes[]=dynamic_4711&attributes[]=no_such_thing";
    assert_eq!(keys(&everyone(&mut personio, query)[0]), ["id", "email", "dynamic_4711"]);
    let all = keys(&everyone(&mut personio, "")[0]);
    personio.options.hidden_attributes = vec!["email".into(), "id".into()];
    assert_eq!(keys(&everyone(&mut personio, query)[0]), ["id", "dynamic_4711"]);
    let rest = keys(&everyone(&mut personio, "")[0]);
    assert_eq!(rest.len(), all.len() - 1);
    personio.options.whole_records = true;
    assert_eq!(keys(&everyone(&mut personio, query)[0]), rest);
    let listed = get(&mut personio, "/v1/company/employees/attributes").value();
    let listed: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert!(!listed.contains(&"email") && listed.contains(&"dynamic_4711"));
    assert_eq!(
        get(&mut personio, "/v1/company/employees/custom-attributes"),
        get(&mut personio, "/v1/company/employees/attributes")
    );
}

#[test]
fn too_many_attributes_make_an_address_too_long() {
    let mut personio = personio(3);
    let address = |count: usize| format!("/v1/company/employees?{}", "attributes[]=dynamic_12345678&".repeat(count));
    assert_eq!(get(&mut personio, &address(200)).status, 200);
    assert_eq!(get(&mut personio, &address(250)).status, 431);
}

#[test]
fn one_employee_is_found_by_id_and_by_address() {
    let mut personio = personio(30);
    let one = get(&mut personio, "/v1/company/employees/1005").value();
    assert_eq!(one["data"]["attributes"], everyone(&mut personio, "")[4]);
    let email = one["data"]["attributes"]["email"]["value"].as_str().unwrap().to_owned();
    let found = get(&mut personio, &format!("/v1/company/employees?email={email}")).value();
    assert_eq!(
        (found["data"][0]["attributes"]["id"]["value"].clone(), &found["metadata"]["total_elements"]),
        (json!(1005), &json!(1))
    );
    assert_eq!(error(&get(&mut personio, "/v1/company/employees/5")).0, 404);
}

#[test]
fn every_recorded_form_is_used() {
    let mut personio = personio(250);
    let people = everyone(&mut personio, "");
    let values = |key: &str| -> Vec<Value> { people.iter().map(|person| person[key]["value"].clone()).collect() };
    for (key, form) in [
        ("team", json!(null)),
        ("team", json!("")),
        ("team", json!([])),
        ("work_schedule", json!("")),
        ("work_schedule", json!([])),
        ("office", json!(null)),
        ("department", json!(null)),
        ("supervisor", json!(null)),
        ("cost_centers", json!([])),
        ("absence_entitlement", json!([])),
        ("email", json!("")),
        ("gender", json!("")),
        ("gender", json!("diverse")),
        ("termination_date", json!(null)),
        ("termination_reason", json!(null)),
        ("termination_reason", json!("")),
        ("profile_picture", json!(null)),
        ("weekly_working_hours", json!("37.5")),
        ("dynamic_4712", json!(null)),
        ("dynamic_4713", json!("")),
        ("dynamic_4715", json!("")),
    ] {
        assert!(values(key).contains(&form), "{key} is never {form}");
    }
    let texts = |key: &str| values(key).iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    assert!(texts("dynamic_4715").iter().any(|tags| tags.starts_with("[\"")), "tags as a JSON list in a text");
    assert!(texts("dynamic_4715").iter().any(|tags| !tags.starts_with('[') && tags.contains(',')), "tags with commas");
    assert!(texts("hire_date").iter().any(|day| day.ends_with("T00:00:00+01:00")));
    assert!(texts("hire_date").iter().any(|day| day.ends_with("T00:00:00+02:00")));
    assert!(texts("dynamic_4712").iter().all(|day| day.len() == 10), "birthdays are plain days");
    assert!(values("dynamic_4717").iter().any(Value::is_string) && values("dynamic_4717").iter().any(Value::is_number));
    let schedule = values("work_schedule").into_iter().find(Value::is_object).unwrap();
    let id = schedule["attributes"]["id"].as_u64().unwrap();
    assert!(id > 1 << 53 && (id as f64) as u64 != id, "{id} would survive a double");
    let supervisor = &people[20]["supervisor"]["value"]["attributes"];
    for key in ["id", "first_name", "last_name", "email"] {
        assert_eq!(supervisor[key]["universal_id"], key);
    }
}

#[test]
fn an_employee_takes_as_much_room_as_a_real_one() {
    let mut personio = personio(100);
    let body = get(&mut personio, "/v1/company/employees?limit=100").body;
    assert!((500_000..700_000).contains(&body.len()), "{}", body.len());
}

#[test]
fn a_file_gets_the_custom_attributes_it_names() {
    let mut personio = personio(60);
    let named = |key: &str, name: &str| PreparedAttribute::Named { key: key.into(), name: name.into() };
    let attributes = vec![
        PreparedAttribute::Key("first_name".into()),
        PreparedAttribute::Key("dynamic_55".into()),
        named("dynamic_4711", "ni_number"),
        named("dynamic_56", "start_bonus_date"),
        named("dynamic_57", "payroll_id"),
        named("dynamic_58", "country"),
    ];
    personio.prepare(&Preparation { attributes, targets: Vec::new() });
    let listed = get(&mut personio, "/v1/company/employees/attributes").value();
    let kind = |key: &str| {
        let rows = listed["data"].as_array().unwrap();
        rows.iter().find(|row| row["key"] == key).unwrap()["type"].clone()
    };
    for (key, wanted) in [
        ("first_name", "standard"),
        ("dynamic_55", "standard"),
        ("dynamic_4711", "standard"),
        ("dynamic_56", "date"),
        ("dynamic_57", "standard"),
        ("dynamic_58", "list"),
    ] {
        assert_eq!(kind(key), wanted, "{key}");
    }
    let people = everyone(&mut personio, "");
    assert_eq!(people, everyone(&mut personio, ""), "values stay");
    let unique: HashSet<String> = people.iter().map(|person| person["dynamic_55"]["value"].to_string()).collect();
    assert_eq!(unique.len(), 60, "a text of unknown meaning differs for everybody");
    assert_eq!(people[0]["dynamic_4711"]["label"], "ni number");
    assert_eq!(people[0]["dynamic_4711"]["value"].as_str().unwrap().len(), 9);
}

#[test]
fn people_are_changed_hired_and_deleted_from_outside() {
    let mut personio = personio(30);
    let mut control = |method, path: &str, body: Value| {
        let answer = personio.handle(&SandboxRequest::new(method, path).json(&body));
        (answer.status, answer.value())
    };
    let change = json!({
        "status": "inactive", "termination_date": "2026-11-20", "department": "Cheese", "office": "",
        "supervisor": 1003, "cost_centers": ["A", "B"], "dynamic_4711": "S-1", "dynamic_999": "new"
    });
    assert_eq!(control(Method::Patch, "/_people/1005", change).0, 200);
    let hired = control(Method::Post, "/_people", json!({"first_name": "Nova", "email": "nova@example.com"}));
    assert_eq!(hired.1["data"]["id"], 1031);
    assert_eq!(control(Method::Delete, "/_people/1002", json!({})).0, 200);
    for (method, path, body, status) in [
        (Method::Patch, "/_people/77", json!({}), 404),
        (Method::Delete, "/_people/1002", json!({}), 404),
        (Method::Patch, "/_people/1005", json!({"hire_date": "soon"}), 422),
        (Method::Patch, "/_people/1005", json!({"id": 3}), 422),
        (Method::Post, "/_people", json!({"hire_date": "soon"}), 422),
    ] {
        let (got, body) = control(method, path, body);
        assert_eq!((got, &body["success"]), (status, &json!(false)), "{method:?} {path}");
    }
    let people = everyone(&mut personio, "");
    assert_eq!(people.len(), 30);
    let changed = people.iter().find(|person| person["id"]["value"] == 1005).unwrap();
    assert_eq!(changed["status"]["value"], "inactive");
    assert_eq!(changed["termination_date"]["value"], "2026-11-20T00:00:00+01:00");
    assert_eq!(changed["department"]["value"]["attributes"]["name"], "Cheese");
    assert_eq!(changed["office"]["value"], "");
    assert_eq!(changed["supervisor"]["value"]["attributes"]["id"]["value"], 1003);
    assert_eq!(changed["cost_centers"]["value"][1]["attributes"]["percentage"], 50);
    assert_eq!((&changed["dynamic_4711"]["value"], &changed["dynamic_999"]["value"]), (&json!("S-1"), &json!("new")));
    assert_eq!(people.last().unwrap()["first_name"]["value"], "Nova");
}

#[test]
fn limits_apply_when_asked_for() {
    let mut personio = personio(1);
    let token = token(&mut personio);
    let request = SandboxRequest::get("/v1/company/employees").header("authorization", &token);
    let burst = |personio: &mut Personio, at: u64| -> Vec<u16> {
        (0..16).map(|_| personio.handle(&request.clone().at(Duration::from_secs(at))).status).collect()
    };
    assert!(burst(&mut personio, 0).iter().all(|status| *status == 200));
    personio.options.rate_limits = true;
    let statuses = burst(&mut personio, 5);
    assert_eq!((statuses[14], statuses[15]), (200, 429));
    assert_eq!(burst(&mut personio, 6)[0], 200);
}

/// The specification's schemas as JSON Schema: `nullable` written as a type, components embedded.
fn validator(spec: &Value, schema: &Value) -> jsonschema::Validator {
    fn plain(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut rest: Map<String, Value> = members
                    .iter()
                    .filter(|(key, _)| *key != "example")
                    .map(|(key, value)| (key.clone(), plain(value)))
                    .collect();
                if members.get("nullable") == Some(&json!(true)) {
                    rest.remove("nullable");
                    return json!({"anyOf": [rest, {"type": "null"}]});
                }
                Value::Object(rest)
            }
            Value::Array(items) => items.iter().map(plain).collect(),
            other => other.clone(),
        }
    }
    assert!(schema.is_object(), "the specification has no such schema");
    let mut schema = plain(schema);
    schema["components"] = json!({"schemas": plain(&spec["components"]["schemas"])});
    jsonschema::draft4::new(&schema).unwrap()
}

/// Where the specification is older than what is recorded on the wire (see the sheet): an organisational attribute or
/// a list that is not set comes as null, `""` or `[]`, while the schemas know objects and lists only.
const MAY_BE_BLANK: &[&str] =
    &["office", "department", "team", "subcompany", "supervisor", "holiday_calendar", "work_schedule"];

#[test]
fn answers_are_as_the_specification_says() {
    let Some(text) = spec_text("personio/personio-personnel-data-api-oa3.yaml") else { return };
    let spec: Value = serde_norway::from_str(&text).unwrap();
    let schema = |path: &str, status: &str| {
        &spec["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"]
    };
    let mut personio = personio(250);
    let without_blanks = |mut body: Value| {
        let mut dropped = HashSet::new();
        let rows = match &mut body["data"] {
            Value::Array(rows) => rows.iter_mut().collect::<Vec<_>>(),
            row => vec![row],
        };
        for row in rows {
            for key in MAY_BE_BLANK {
                if !row["attributes"][key]["value"].is_object() {
                    row["attributes"].as_object_mut().unwrap().remove(*key);
                    dropped.insert(*key);
                }
            }
        }
        (body, dropped)
    };
    let list = validator(&spec, schema("/company/employees", "200"));
    let mut dropped = HashSet::new();
    for offset in [0, 100, 200] {
        let body = get(&mut personio, &format!("/v1/company/employees?limit=100&offset={offset}")).value();
        let (body, without) = without_blanks(body);
        dropped.extend(without);
        // The general answer, which this one extends, says that `data` is an object; lists are lists all the same.
        let others: Vec<String> = list
            .iter_errors(&body)
            .filter(|error| error.instance_path().to_string() != "/data")
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(others.is_empty(), "{others:?}");
    }
    let mut wrong = get(&mut personio, "/v1/company/employees?limit=1").value();
    wrong["data"][0]["attributes"]["cost_centers"]["value"] = json!("a text");
    assert!(list.iter_errors(&wrong).any(|error| error.instance_path().to_string().contains("cost_centers")));
    assert!(dropped.contains("team") && dropped.contains("supervisor"), "{dropped:?}");

    let one = validator(&spec, schema("/company/employees/{employee_id}", "200"));
    let (body, _) = without_blanks(get(&mut personio, "/v1/company/employees/1002").value());
    one.validate(&body).unwrap();
    let missing = get(&mut personio, "/v1/company/employees/1");
    validator(&spec, schema("/company/employees/{employee_id}", "404")).validate(&missing.value()).unwrap();

    for (name, response) in [
        ("401UnauthorizedResponse", personio.handle(&SandboxRequest::get("/v1/company/employees"))),
        (
            "403ForbiddenResponse",
            personio.handle(&SandboxRequest::get("/v1/company/employees").header("authorization", "Bearer no")),
        ),
    ] {
        let wanted = &spec["components"]["responses"][name]["content"]["application/json"]["schema"];
        validator(&spec, wanted).validate(&response.value()).unwrap();
        let example = name.replace("Response", "ErrorExample");
        assert_eq!(response.value(), spec["components"]["examples"][&example]["value"], "{name}");
    }

    // The catalogue has an example instead of a schema: the same members, and types that the schema lists.
    let example = &spec["paths"]["/company/employees/attributes"]["get"]["responses"]["200"]["content"]["application/json"]
        ["examples"]["response"]["value"];
    let members = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<HashSet<_>>();
    let types = spec["components"]["schemas"]["TypeEnum"]["enum"].as_array().unwrap();
    for row in get(&mut personio, "/v1/company/employees/attributes").value()["data"].as_array().unwrap() {
        assert_eq!(members(row), members(&example["data"][0]));
        assert!(types.contains(&row["type"]), "{row}");
    }

    // Every attribute that the specification's own example employee has is delivered, with the same members.
    let example = &spec["paths"]["/company/employees"]["get"]["responses"]["200"]["content"]["application/json"]["examples"]
        ["response"]["value"]["data"][0]["attributes"];
    let people = everyone(&mut personio, "");
    for (key, attribute) in example.as_object().unwrap().iter().filter(|(key, _)| !key.starts_with("dynamic_")) {
        // Removed in April 2024.
        if key != "vacation_day_balance" {
            assert_eq!(members(&people[1][key]), members(attribute), "{key}");
        }
    }
}

#[test]
fn signing_in_is_as_the_specification_says() {
    let Some(text) = spec_text("personio/personio-auth-api.yaml") else { return };
    let spec: Value = serde_norway::from_str(&text).unwrap();
    let schema = &spec["paths"]["/auth"]["post"]["responses"]["200"]["content"]["application/json"]["schema"];
    let answer = personio(1).handle(&sign_in("someone", SECRET)).value();
    validator(&spec, schema).validate(&answer).unwrap();
    assert!(validator(&spec, schema).validate(&json!({"success": true, "data": {}})).is_err());
}

fn upload(personio: &mut Personio, fields: &[(&str, &str)], file_name: &str) -> SandboxResponse {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str(&format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\r\n%PDF\r\n--b--\r\n"
    ));
    let token = token(personio);
    let mut request = SandboxRequest::new(Method::Post, "/v1/company/documents").header("authorization", &token);
    request.body = body.into_bytes();
    personio.handle(&request.header("content-type", "multipart/form-data; boundary=b"))
}

#[test]
fn documents_are_as_the_specification_says() {
    let Some(text) = spec_text("personio/personio-personnel-data-api-oa3.yaml") else { return };
    let spec: Value = serde_norway::from_str(&text).unwrap();
    let schema = |path: &str, method: &str, status: u16| {
        validator(
            &spec,
            &spec["paths"][path][method]["responses"][status.to_string()]["content"]["application/json"]["schema"],
        )
    };
    let mut personio = personio(3);
    let categories = get(&mut personio, "/v1/company/document-categories");
    assert_eq!(categories.value()["data"][2]["attributes"]["name"], "Payslips");
    schema("/company/document-categories", "get", 200).validate(&categories.value()).unwrap();
    let employee = personio.company().people()[0].id.to_string();
    let fields = |employee: &str, category: &str, date: &str| {
        [("title", "Payslip"), ("employee_id", employee), ("category_id", category), ("comment", "x"), ("date", date)]
            .map(|(name, value)| (name, value.to_owned()))
    };
    for (whose, category, date, name, status) in [
        (&*employee, "3", "2026-11-30", "a.PDF", 201),
        ("1", "3", "2026-11-30", "a.pdf", 404),
        (&*employee, "9", "2026-11-30", "a.pdf", 404),
        (&*employee, "3", "30.11.2026", "a.pdf", 422),
        (&*employee, "3", "2026-11-30", "a.exe", 422),
        ("", "3", "2026-11-30", "a.pdf", 422),
    ] {
        let fields = fields(whose, category, date);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = upload(&mut personio, &fields, name);
        assert_eq!(answer.status, status, "{fields:?} {name}");
        schema("/company/documents", "post", status).validate(&answer.value()).unwrap();
    }
    assert_eq!(personio.documents().len(), 1);

    let listed = get(&mut personio, &format!("/v2/document-management/documents?owner_id={employee}&category_id=3"));
    let row = &listed.value()["_data"][0];
    assert_eq!((&row["name"], &row["size"], &row["owner"]["id"]), (&json!("Payslip"), &json!(4), &json!(employee)));
    assert_eq!(get(&mut personio, "/v2/document-management/documents").status, 400);
}

#[test]
fn long_lists_of_documents_come_in_pages() {
    let mut personio = personio(1);
    let employee = personio.company().people()[0].id.to_string();
    for _ in 0..3 {
        upload(&mut personio, &[("title", "t"), ("employee_id", &employee), ("category_id", "3")], "a.pdf");
    }
    let path = format!("/v2/document-management/documents?owner_id={employee}&limit=2");
    let page = get(&mut personio, &path).value();
    let next = page["_meta"]["links"]["next"]["href"].as_str().unwrap().strip_prefix("http://127.0.0.1").unwrap();
    assert_eq!(page["_data"].as_array().unwrap().len(), 2);
    let last = get(&mut personio, next).value();
    assert_eq!((last["_data"].as_array().unwrap().len(), &last["_meta"]["links"]["next"]), (1, &Value::Null));
}

#[test]
fn updated_since_knows_the_second_the_attribute_and_whom_it_is_late_with() {
    let mut personio = personio(3);
    for id in 1001..=1003 {
        personio.company_mut().person_mut(id).unwrap().last_modified = "2026-10-01".parse().unwrap();
    }
    personio.change(1002, json!({"position": "Clerk"}).as_object().unwrap()).unwrap();
    let hired = personio.hire(&Map::new()).unwrap();
    let ids = |personio: &mut Personio, minutes: u64, query: &str| -> Vec<u64> {
        let token = token(personio);
        let path = format!("/v1/company/employees?limit=100&offset=0&{query}");
        let mut request = SandboxRequest::get(&path).header("authorization", &token);
        request.at = Duration::from_secs(60 * minutes);
        let answer = personio.handle(&request).value();
        let rows = answer["data"].as_array().unwrap_or_else(|| panic!("{answer}"));
        rows.iter().map(|row| row["attributes"]["id"]["value"].as_u64().unwrap()).collect()
    };
    // The edits are of noon.
    for (query, expected) in [
        ("updated_since=2026-11-22", &[1002, hired][..]),
        ("updated_since=2026-11-22T12:00:00", &[1002, hired]),
        ("updated_since=2026-11-22T12:00:01", &[]),
        ("updated_since=2026-11-23", &[]),
        ("updated_since=2026-09-30", &[1001, 1002, 1003, hired]),
        ("updated_since=2026-11-22&attributes[]=position", &[1002, hired]),
        ("updated_since=2026-11-22&attributes[]=email", &[hired]),
    ] {
        assert_eq!(ids(&mut personio, 0, query), expected, "{query}");
    }
    personio.options.hidden_attributes = vec!["position".into()];
    assert_eq!(ids(&mut personio, 0, "updated_since=2026-11-22&attributes[]=position"), [hired], "not granted");
    personio.options = PersonioOptions { late_minutes: 45, ..PersonioOptions::default() };
    assert!(ids(&mut personio, 44, "updated_since=2026-11-22").is_empty());
    assert_eq!(ids(&mut personio, 45, "updated_since=2026-11-22"), [1002, hired]);
    personio.options = PersonioOptions { zone_hours: 2, ..PersonioOptions::default() };
    assert_eq!(ids(&mut personio, 0, "updated_since=2026-11-22T14:00:00"), [1002, hired]);
    assert!(ids(&mut personio, 0, "updated_since=2026-11-22T14:00:01").is_empty());
    personio.options = PersonioOptions { doubled: true, ..PersonioOptions::default() };
    assert_eq!(ids(&mut personio, 0, "updated_since=2026-11-22"), [1002, 1002, hired, hired]);
    let wrong = get(&mut personio, "/v1/company/employees?updated_since=yesterday");
    assert_eq!(wrong.status, 422);
}
