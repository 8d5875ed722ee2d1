use chrono::{DateTime, Utc};
use serde_json::json;

use super::Upload;
use crate::employee::{Attributes, EmployeeId};
use crate::http::{Method, Part, Repeat, Request};
use crate::section::Secret;

/// The requests whose pace Personio counts together: uploads of documents.
pub(super) const UPLOADS: &str = "documents";

/// The most documents per page.
const DOCUMENTS_LIMIT: u64 = 200;

/// The requests whose pace Personio counts together: reading employees.
pub(super) const READ_EMPLOYEES: &str = "employees";

/// The most employees per page since January 2025; the service may cap it further.
pub(super) const PAGE_LIMIT: u64 = 100;

/// The sign-in. Credentials in the query are no longer accepted.
pub(super) fn sign_in(client_id: &Secret, client_secret: &Secret) -> Request {
    Request::new(Method::Post, "/v1/auth")
        .json(&json!({"client_id": client_id.expose(), "client_secret": client_secret.expose()}))
        .repeat(Repeat::Harmless)
        .class("auth")
}

/// One page of employees. Nothing but the attributes of the run is asked for.
pub(super) fn employees(attributes: &Attributes, offset: u64, limit: u64) -> Request {
    let mut request = Request::get("/v1/company/employees")
        .query("limit", limit.clamp(1, PAGE_LIMIT))
        .query("offset", offset)
        .class(READ_EMPLOYEES);
    // The id comes all the same, as far as is known; and without any attribute, the service would deliver everything.
    if attributes.column("id").is_none() {
        request = request.query("attributes[]", "id");
    }
    for key in attributes.keys() {
        request = request.query("attributes[]", key);
    }
    request
}

/// One page of those who were changed since a moment, in an attribute of the run. Which zone Personio reads it in is not
/// documented.
pub(super) fn changed_employees(attributes: &Attributes, since: DateTime<Utc>, offset: u64) -> Request {
    employees(attributes, offset, PAGE_LIMIT).query("updated_since", since.format("%Y-%m-%dT%H:%M:%S"))
}

/// The longest address of a page of employees. Personio answers longer ones with 431 and does not say where it draws the
/// line; 8 KiB for the whole head of a request are usual, of which the token and the other headers need some.
pub(super) const LONGEST_ADDRESS: usize = 7_000;

/// The attributes, in as few portions as it takes for the address of a page with one of them to be no longer than that.
pub(super) fn portions(attributes: &Attributes, longest: usize) -> Vec<Attributes> {
    let keys: Vec<&str> = attributes.keys().collect();
    let in_portions = |number: usize| -> Vec<Attributes> {
        let size = keys.len().div_ceil(number).max(1);
        keys.chunks(size).map(|keys| Attributes::new(keys.iter().copied())).collect()
    };
    let mut all = (1..keys.len()).map(in_portions);
    let found = all.find(|portions| longest_address(portions) <= longest);
    // Not even one by one: whoever asks is told what becomes of it. Without any, the ids are asked for.
    found.unwrap_or_else(|| if keys.is_empty() { vec![attributes.clone()] } else { in_portions(keys.len()) })
}

/// The length of the longest address that a page with one of the portions has.
pub(super) fn longest_address(portions: &[Attributes]) -> usize {
    let lengths = portions.iter().map(|portion| employees(portion, u64::MAX, PAGE_LIMIT).in_path().path.len());
    lengths.max().unwrap_or_default()
}

/// One employee, by id; nothing of them but that they are there.
pub(super) fn employee(id: EmployeeId) -> Request {
    Request::get(format!("/v1/company/employees/{id}")).query("attributes[]", "id").class(READ_EMPLOYEES)
}

/// The attributes that the credential may read.
pub(super) fn catalogue() -> Request {
    Request::get("/v1/company/employees/attributes").class("catalogue")
}

/// The sign-in to API v2, which takes nothing but a form.
pub(super) fn sign_in_v2(client_id: &Secret, client_secret: &Secret) -> Request {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id.expose()),
        ("client_secret", client_secret.expose()),
    ];
    Request::new(Method::Post, "/v2/auth/token")
        .form(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
        .repeat(Repeat::Harmless)
        .class("auth")
}

/// The categories of documents; not paged.
pub(super) fn document_categories() -> Request {
    Request::get("/v1/company/document-categories").class("categories")
}

/// The upload of a document.
pub(super) fn upload(upload: &Upload) -> Request {
    let mut parts = vec![
        Part::text("title", &upload.title),
        Part::text("employee_id", upload.employee),
        Part::text("category_id", upload.category),
    ];
    parts.extend(upload.comment.as_ref().map(|comment| Part::text("comment", comment)));
    parts.extend(upload.date.map(|date| Part::text("date", date)));
    parts.push(Part::file("file", upload.file.clone()));
    Request::new(Method::Post, "/v1/company/documents").multipart(parts).repeat(Repeat::Never).class(UPLOADS)
}

/// The first page of an employee's documents in a category.
pub(super) fn documents(employee: EmployeeId, category: u64) -> Request {
    Request::get("/v2/document-management/documents")
        .query("owner_id", employee)
        .query("category_id", category)
        .query("limit", DOCUMENTS_LIMIT)
        .class("document list")
}

/// The page that a link leads to.
pub(super) fn next_documents(link: &str) -> Request {
    Request::get(link).class("document list")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Body, File};

    #[test]
    fn an_upload_carries_what_is_given_and_is_sent_once() {
        let file = File { name: "9001_2026-11.pdf".into(), bytes: b"%PDF".as_slice().into() };
        let mut wanted = Upload {
            employee: EmployeeId(9001),
            category: 3,
            title: "Payslip".into(),
            comment: None,
            date: None,
            file: file.clone(),
        };
        let request = upload(&wanted);
        assert_eq!((request.method, &*request.path, request.class), (Method::Post, "/v1/company/documents", UPLOADS));
        assert!(!request.may_repeat());
        let required = [Part::text("title", "Payslip"), Part::text("employee_id", 9001), Part::text("category_id", 3)];
        let with = |more: &[Part]| Body::Multipart([&required[..], more, &[Part::file("file", file.clone())]].concat());
        assert_eq!(request.body, with(&[]));
        wanted.comment = Some("November".into());
        wanted.date = "2026-11-30".parse().ok();
        let more = [Part::text("comment", "November"), Part::text("date", "2026-11-30")];
        assert_eq!(upload(&wanted).body, with(&more));
    }

    #[test]
    fn the_list_of_documents_is_that_of_one_owner_and_category() {
        let request = documents(EmployeeId(9001), 3);
        let query: Vec<_> = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(query, [("owner_id", "9001"), ("category_id", "3"), ("limit", "200")]);
        let Body::Form(pairs) = sign_in_v2(&Secret::new("id"), &Secret::new("word")).body else { panic!("a form") };
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("grant_type", "client_credentials"), ("client_id", "id"), ("client_secret", "word")]);
    }

    #[test]
    fn credentials_travel_in_the_body() {
        let request = sign_in(&Secret::new("id"), &Secret::new("word"));
        assert_eq!((request.method, &*request.path), (Method::Post, "/v1/auth"));
        assert_eq!(request.query, []);
        let text = r#"{"client_id":"id","client_secret":"word"}"#.to_owned();
        assert_eq!(request.body, Body::Json { content_type: "application/json", text });
        assert!(request.may_repeat());
    }

    #[test]
    fn attributes_are_asked_for_in_portions_that_fit_into_an_address() {
        let many = |count: u32| Attributes::new((0..count).map(|number| format!("dynamic_{}", 10_000_000 + number)));
        for (count, longest, expected) in [
            (0, 7_000, 1),
            (1, 7_000, 1),
            (190, 7_000, 1),
            (250, 7_000, 2),
            (600, 7_000, 3),
            (600, 3_500, 6),
            (3, 1, 3),
        ] {
            let portions = portions(&many(count), longest);
            assert_eq!(portions.len(), expected, "{count} attributes in {longest} bytes");
            let all: Vec<&str> = portions.iter().flat_map(Attributes::keys).collect();
            assert_eq!(all, many(count).keys().collect::<Vec<_>>(), "each once");
        }
    }

    #[test]
    fn who_changed_is_asked_for_with_a_place_in_the_list_and_a_moment_without_a_zone() {
        let request = changed_employees(&Attributes::new(["email"]), "2026-11-22T05:00:01.5Z".parse().unwrap(), 100);
        assert_eq!(
            request.in_path().path,
            "/v1/company/employees?limit=100&offset=100&attributes%5B%5D=id&attributes%5B%5D=email\
             &updated_since=2026-11-22T05%3A00%3A01"
        );
    }

    #[test]
    fn a_page_asks_for_the_id_and_the_attributes_of_the_run_only() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let request = employees(&Attributes::new(["status", "email"]), 200, 100);
        assert_eq!((request.method, &*request.path), (Method::Get, "/v1/company/employees"));
        assert_eq!(
            request.query,
            pairs(&[
                ("limit", "100"),
                ("offset", "200"),
                ("attributes[]", "id"),
                ("attributes[]", "email"),
                ("attributes[]", "status")
            ])
        );
        let request = employees(&Attributes::new([""; 0]), 0, 500);
        assert_eq!(request.query, pairs(&[("limit", "100"), ("offset", "0"), ("attributes[]", "id")]));
    }
}
