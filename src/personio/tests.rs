//! Our requests and our reading, held against Personio's own description of API v1.

use serde_json::Value as Json;

use super::requests;
use super::wire::{CatalogueEntry, Columns, Envelope, Token, parse_page};
use crate::employee::{Attributes, PRESET_ATTRIBUTES, PresetKind, Value, preset};
use crate::http::{Body, Request};
use crate::reference::spec_text;
use crate::section::Secret;

fn description(file: &str) -> Option<Json> {
    spec_text(&format!("personio/{file}")).map(|text| serde_norway::from_str(&text).unwrap())
}

fn example(description: &Json, pointer: &str) -> Vec<u8> {
    let content = format!("{pointer}/content/application~1json/examples/response/value");
    serde_json::to_vec(description.pointer(&content).unwrap_or_else(|| panic!("{content}"))).unwrap()
}

/// The place of a request in a description.
fn operation<'d>(description: &'d Json, request: &Request) -> &'d Json {
    let path = request.path.strip_prefix("/v1").unwrap().replace('/', "~1");
    let pointer = format!("/paths/{path}/{}", request.method.as_str().to_lowercase());
    description.pointer(&pointer).unwrap_or_else(|| panic!("{pointer}"))
}

#[test]
fn the_example_of_the_employee_list_is_understood_in_full() {
    let Some(description) = description("personio-personnel-data-api-oa3.yaml") else { return };
    let request = requests::employees(&Attributes::new(["email"]), 0, 100);
    let operation = operation(&description, &request);
    let known: Vec<&str> =
        operation["parameters"].as_array().unwrap().iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    for (name, _) in &request.query {
        assert!(known.contains(&name.as_str()), "{name} is none of {known:?}");
    }

    let body = example(operation, "/responses/200");
    let tree: Json = serde_json::from_slice(&body).unwrap();
    let delivered = tree["data"][0]["attributes"].as_object().unwrap();
    let attributes = Attributes::new(delivered.keys().map(String::as_str));
    let page = parse_page(&body, &Columns::new(&attributes)).unwrap();
    let records = page.records.unwrap();
    assert_eq!((page.success, page.total, records.rows()), (Some(true), Some(2), 1));
    assert_eq!(records.notices, []);
    let employee = &records.employees[0];
    assert_eq!(employee.id.0, 1);
    let value = |key: &str| employee.value(attributes.column(key).unwrap());
    for (key, attribute) in delivered {
        let empty = attribute["value"].is_null();
        assert_eq!(*value(key) == Value::Empty, empty, "{key}");
        let fits = match (preset(key), value(key)) {
            (_, Value::Empty) => true,
            (Some(PresetKind::Text | PresetKind::Timestamp), value) => value.as_text().is_some(),
            (Some(PresetKind::Number), value) => matches!(value, Value::Integer(_) | Value::Decimal(_)),
            (Some(PresetKind::Date), value) => value.as_date().is_some(),
            (Some(PresetKind::Named), value) => matches!(value, Value::Named(_)),
            (Some(PresetKind::Supervisor), value) => matches!(value, Value::Supervisor(_)),
            (Some(PresetKind::CostCenters), value) => matches!(value, Value::CostCenters(_)),
            (Some(PresetKind::List), value) => matches!(value, Value::List(_)),
            (None, value) => !value.is_hidden(),
        };
        assert!(fits, "{key}: {:?}", value(key));
    }
    assert_eq!(value("hire_date"), &Value::Date("2014-11-09".parse().unwrap()));
    assert_eq!(value("dynamic_33400"), &Value::Date("2021-01-01".parse().unwrap()));
    assert_eq!(value("weekly_working_hours"), &Value::Integer(40));
    for (key, _) in PRESET_ATTRIBUTES {
        assert!(delivered.contains_key(*key), "{key} is not a preset of Personio's");
    }
}

#[test]
fn the_example_of_the_attribute_list_is_understood() {
    let Some(description) = description("personio-personnel-data-api-oa3.yaml") else { return };
    let body = example(operation(&description, &requests::catalogue()), "/responses/200");
    let envelope: Envelope<Vec<CatalogueEntry>> = serde_json::from_slice(&body).unwrap();
    let entries = envelope.data.unwrap();
    let keys: Vec<&str> = entries.iter().map(|entry| &*entry.key).collect();
    assert_eq!(keys, ["first_name", "last_name", "dynamic_1", "dynamic_2", "dynamic_3"]);
    assert_eq!((&*entries[2].label, entries[2].universal_id.as_deref()), ("IBAN", Some("iban")));
    assert_eq!((&*entries[4].kind, entries[4].options.len()), ("tags", 4));
    assert_eq!(entries[3].options, ["married", "single"]);
}

#[test]
fn the_sign_in_is_as_described() {
    let Some(description) = description("personio-auth-api.yaml") else { return };
    let request = requests::sign_in(&Secret::new("id"), &Secret::new("word"));
    let operation = operation(&description, &request);
    let Body::Json { content_type: "application/json", text } = &request.body else { panic!("a body of JSON") };
    let sent: serde_json::Map<String, Json> = serde_json::from_str(text).unwrap();
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
    assert_eq!(sent.keys().map(String::as_str).collect::<Vec<_>>(), required);
    let envelope: Envelope<Token> = serde_json::from_slice(&example(operation, "/responses/200")).unwrap();
    assert!(envelope.success == Some(true) && !envelope.data.unwrap().token.is_empty());
}

#[test]
fn an_upload_and_the_categories_are_as_described() {
    let Some(description) = description("personio-personnel-data-api-oa3.yaml") else { return };
    let file = crate::http::File { name: "9001.pdf".into(), bytes: b"%PDF".as_slice().into() };
    let upload = super::Upload {
        employee: crate::employee::EmployeeId(1),
        category: 1,
        title: "Payslip".into(),
        comment: Some("November".into()),
        date: "2026-11-30".parse().ok(),
        file,
    };
    let request = requests::upload(&upload);
    let Body::Multipart(parts) = &request.body else { panic!("a form") };
    let mut sent: Vec<&str> = parts.iter().map(|part| part.name).collect();
    sent.sort_unstable();
    let schema = &description["components"]["schemas"]["DocumentUploadRequest"];
    let mut known: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    known.sort_unstable();
    assert_eq!(sent, known);

    let position = operation(&description, &request);
    let answer: Envelope<super::document_wire::Uploaded> =
        serde_json::from_slice(&example(position, "/responses/201")).unwrap();
    assert_eq!(answer.data.unwrap().id.as_deref(), Some("1"));
    let refusal: Json = serde_json::from_slice(&example(position, "/responses/422")).unwrap();
    let text = refusal["error"]["error_data"]["file"][0].as_str().unwrap();
    let mut types: Vec<&str> =
        text.split_once("of type: ").unwrap().1.trim_end_matches('.').split(", ").map(str::trim).collect();
    types.sort_unstable();
    assert_eq!(types, super::FILE_TYPES);

    let position = operation(&description, &requests::document_categories());
    let answer: Envelope<super::document_wire::Categories> =
        serde_json::from_slice(&example(position, "/responses/200")).unwrap();
    let names: Vec<String> = answer.data.unwrap().0.into_iter().map(|category| category.name).collect();
    assert_eq!(names, ["Certificates of employment", "Other documents"]);
}
