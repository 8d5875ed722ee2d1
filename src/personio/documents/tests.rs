use std::sync::Arc;

use crate::employee::EmployeeId;
use crate::http::File;
use crate::http::testing::{Answer, FakeClock, Script, nobody_there};
use crate::personio::*;

const TOKEN: &str = r#"{"success":true,"data":{"token":"papi-1"}}"#;

fn documents(base_url: String) -> (PersonioDocuments, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::default());
    let settings = SourceSettings { base_url, ..SourceSettings::new(Secret::new("id"), Secret::new("word")) };
    (PersonioDocuments::with_clock(settings, Arc::clone(&clock) as Arc<dyn crate::http::Clock>).unwrap(), clock)
}

fn payslip() -> Upload {
    Upload {
        employee: EmployeeId(9001),
        category: 3,
        title: "Payslip of Ines".into(),
        comment: None,
        date: None,
        file: File { name: "9001.pdf".into(), bytes: b"%PDF".as_slice().into() },
    }
}

#[test]
fn what_becomes_of_an_upload_and_what_is_said_of_it() {
    use UploadErrorKind::*;
    let invalid = r#"{"success":false,"error":{"code":0,"message":"Payslip of Ines is bad","error_data":{"title":["Payslip of Ines"],"Ines":[]}}}"#;
    type Row = (Answer, Result<Option<&'static str>, UploadErrorKind>, &'static str);
    let table: &[Row] = &[
        (Answer::json(201, r#"{"success":true,"data":{"id":55,"type":"Document"}}"#), Ok(Some("55")), ""),
        (Answer::json(201, r#"{"success":true,"error":null,"data":{}}"#), Ok(None), ""),
        (Answer::json(422, invalid), Err(Refused), "`title`"),
        (Answer::json(200, invalid), Err(Refused), "`title`"),
        (
            Answer::json(
                404,
                r#"{"success":false,"error":{"message":"No query results for model [DocumentCategory] 9","code":0}}"#,
            ),
            Err(Refused),
            "the category",
        ),
        (
            Answer::json(
                404,
                r#"{"success":false,"error":{"message":"No query results for model [Employee] 9001","code":0}}"#,
            ),
            Err(Refused),
            "this employee",
        ),
        (Answer::json(403, r#"{"success":false,"error":{"code":403}}"#), Err(Rights), "Documents: Write"),
        (Answer::html(413), Err(Refused), "too large"),
        (Answer::html(502), Err(Unknown), "HTTP 502"),
        (Answer::html(201), Err(Unknown), "HTML"),
        (Answer::json(201, r#"{"success":true,"data":{"id":55}}"#).cut(9), Err(Unknown), "cut off"),
        (Answer::none(), Err(Unknown), "no answer"),
        (Answer::html(302), Err(Refused), "base_url"),
    ];
    for (answer, wanted, word) in table {
        let script = Script::answers([Answer::json(200, TOKEN), answer.clone()]);
        let result = documents(script.base_url()).0.upload(&payslip());
        let found = result.as_ref().map(Option::as_deref).map_err(|error| error.kind);
        assert_eq!(found, *wanted, "{result:?}");
        if let Err(error) = &result {
            assert!(error.message.contains(word) && !error.message.contains("Ines"), "{error}");
        }
        assert_eq!(script.lines(), ["POST /v1/auth", "POST /v1/company/documents"], "sent once");
    }
    let unreachable = documents(nobody_there()).0.upload(&payslip());
    assert_eq!(unreachable.unwrap_err().kind, Unavailable);
}

#[test]
fn no_more_than_sixty_are_uploaded_in_a_minute() {
    let script = Script::serve(|asked| match asked.path.as_str() {
        "/v1/auth" => Answer::json(200, TOKEN),
        _ => Answer::json(201, r#"{"success":true,"data":{"id":1}}"#),
    });
    let (documents, clock) = documents(script.base_url());
    for _ in 0..61 {
        documents.upload(&payslip()).unwrap();
    }
    let waited: std::time::Duration = clock.waits().iter().sum();
    assert_eq!(waited.as_secs(), 60);
}

#[test]
fn all_pages_of_the_list_are_read() {
    let script = Script::serve(|asked| match (asked.path.as_str(), asked.param("cursor")) {
        ("/v2/auth/token", _) => Answer::json(200, r#"{"access_token":"papi-2","expires_in":60}"#),
        (_, None) => Answer::json(
            200,
            r#"{"_data":[{"id":"a","name":"One ","category":{"id":3},"size":4,"created_at":"2026-11-22T08:00:00Z"}],
                "_meta":{"links":{"next":{"href":"/v2/document-management/documents?cursor=x"}}}}"#,
        ),
        (_, Some(_)) => Answer::json(200, r#"{"_data":[{"id":7}],"_meta":{"links":{"self":{"href":"x"}}}}"#),
    });
    let found = documents(script.base_url()).0.of_employee(EmployeeId(9001), 3).unwrap();
    assert_eq!(
        found[0],
        StoredDocument {
            id: "a".into(),
            name: "One".into(),
            category: Some("3".into()),
            size: Some(4),
            created: "2026-11-22".parse().ok()
        }
    );
    assert!(found[1].id == "7" && found[1].size.is_none());
}

#[test]
fn pages_that_lead_in_a_circle_prove_nothing() {
    let script = Script::serve(|asked| match asked.path.as_str() {
        "/v2/auth/token" => Answer::json(200, r#"{"access_token":"papi-2"}"#),
        _ => Answer::json(200, r#"{"_data":[{"id":7}],"_meta":{"links":{"next":{"href":"/v2/again?cursor=x"}}}}"#),
    });
    let error = documents(script.base_url()).0.of_employee(EmployeeId(9001), 3).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unexpected);
    assert_eq!(script.lines().len(), 3, "the token, the first page, and the circle once");
}

#[test]
fn a_credential_without_api_v2_is_told_apart() {
    let script = Script::answers([Answer::json(400, r#"{"error":"invalid_client"}"#)]);
    let refused = documents(script.base_url()).0.of_employee(EmployeeId(9001), 3).unwrap_err();
    assert_eq!(refused.kind, SourceErrorKind::SignIn);
}

#[test]
fn a_list_that_is_refused_names_the_right_and_sends_nobody_to_an_address_that_is_right() {
    const PROBLEM: &str = r#"{"personio_trace_id":"t","errors":[{"title":"Not for Ines","type":null}]}"#;
    let table = [
        (Answer::json(401, PROBLEM), SourceErrorKind::Rights, ["Documents: Read", "compare the credential"]),
        (Answer::json(403, PROBLEM), SourceErrorKind::Rights, ["Documents: Read", "tick"]),
        (Answer::json(404, PROBLEM), SourceErrorKind::Unexpected, ["this employee", "category"]),
        (Answer::html(404), SourceErrorKind::Unexpected, ["`personio.base_url`", "HTTP 404"]),
    ];
    for (answer, kind, words) in table {
        let script = Script::serve(move |asked| match asked.path.as_str() {
            "/v2/auth/token" => Answer::json(200, r#"{"access_token":"papi-2"}"#),
            _ => answer.clone(),
        });
        let error = documents(script.base_url()).0.of_employee(EmployeeId(9001), 3).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        for word in words {
            assert!(error.message.contains(word), "{word}: {error}");
        }
        let advised = error.message.contains("base_url");
        assert!(advised == words[0].contains("base_url") && !error.message.contains("Ines"), "{error}");
    }
}
