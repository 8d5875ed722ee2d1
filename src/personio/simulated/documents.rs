//! Documents: categories and uploads through API v1, sign-in and list through API v2.

use regex::bytes::Regex;
use serde_json::{Map, Value, json};

use super::{Personio, error, refusal};
use crate::personio::{FILE_TYPES, LARGEST_FILE, LONGEST_TITLE};
use crate::simulation::{SECRET, SandboxRequest, SandboxResponse};

/// The categories of every account.
const CATEGORIES: &[(u64, &str)] = &[(1, "Certificates of employment"), (2, "Other documents"), (3, "Payslips")];
/// Documents on a page when the request does not say.
const DEFAULT_LIMIT: usize = 50;
/// The most documents on a page.
const MAX_LIMIT: usize = 200;

/// A document that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub id: u64,
    pub employee: u64,
    pub category: u64,
    pub title: String,
    pub comment: Option<String>,
    /// Its day, as it was sent.
    pub date: Option<String>,
    pub file_name: String,
    pub content: Vec<u8>,
}

impl Personio {
    /// Everything uploaded so far, in order.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    pub(super) fn document_categories(&self, request: &SandboxRequest) -> SandboxResponse {
        if let Some(refusal) = self.sign_in_problem(request) {
            return refusal;
        }
        if self.options.without_documents_read {
            return refusal(403, "This action is unauthorized.");
        }
        let rows: Vec<Value> = CATEGORIES.iter().map(|(id, name)| category(*id, name)).collect();
        SandboxResponse::json(200, &json!({"success": true, "data": rows}))
    }

    pub(super) fn upload(&mut self, request: &SandboxRequest) -> SandboxResponse {
        if let Some(refusal) = self.sign_in_problem(request) {
            return refusal;
        }
        if self.options.without_documents_write {
            return refusal(403, "This action is unauthorized.");
        }
        if self.options.rate_limits && !self.uploads.admit(request.at) {
            return refusal(429, "Too Many Requests");
        }
        let parts = request.header_value("content-type").and_then(|kind| parts(kind, &request.body));
        // Without a boundary nothing can be told apart; what is missed first is the category.
        let Some(parts) = parts else {
            return invalid("category_id", "Bitte geben Sie die Kategorie-ID ein.");
        };
        let text = |name: &str| {
            let part = parts.iter().find(|part| part.name == name && part.file_name.is_none())?;
            String::from_utf8(part.content.to_vec()).ok().filter(|text| !text.is_empty())
        };
        let number = |name| text(name).and_then(|text| text.parse::<u64>().ok());
        let (Some(title), Some(employee), Some(category_id)) =
            (text("title"), number("employee_id"), number("category_id"))
        else {
            let missing = ["title", "employee_id", "category_id"]
                .into_iter()
                .find(|name| text(name).is_none())
                .unwrap_or("employee_id");
            return invalid(missing, "The field is required.");
        };
        if title.chars().count() > LONGEST_TITLE {
            return invalid("title", "The title may not be greater than 255 characters.");
        }
        let date = text("date");
        if date.as_ref().is_some_and(|date| date.parse::<chrono::NaiveDate>().is_err()) {
            return invalid("date", "The date does not match the format Y-m-d.");
        }
        let file = parts.iter().find(|part| part.name == "file");
        let Some((file, file_name)) = file.and_then(|part| Some((part, part.file_name.clone()?))) else {
            return invalid("file", "The file field is required.");
        };
        let ending = file_name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
        if !FILE_TYPES.contains(&ending.as_str()) {
            return invalid("file", &format!("The file must be a file of type: {}.", FILE_TYPES.join(", ")));
        }
        if file.content.len() as u64 > LARGEST_FILE {
            return invalid("file", "The file may not be greater than 30000 kilobytes.");
        }
        let unknown = |model: &str, id: u64| {
            error(404, json!({"message": format!("No query results for model [{model}] {id}"), "code": 0}))
        };
        let Some(person) = self.company.person(employee) else { return unknown("Employee", employee) };
        let Some((_, category_name)) = CATEGORIES.iter().find(|(id, _)| *id == category_id) else {
            return unknown("DocumentCategory", category_id);
        };
        let document = Document {
            id: self.documents.len() as u64 + 1,
            employee,
            category: category_id,
            title,
            comment: text("comment"),
            date,
            file_name,
            content: file.content.to_vec(),
        };
        let attribute = |label: &str, value: Value, id: &str| {
            let kind = if value.is_number() { "integer" } else { "standard" };
            json!({"label": label, "value": value, "type": kind, "universal_id": id})
        };
        let mut attributes = Map::from_iter([
            ("title".to_owned(), json!(document.title)),
            (
                "employee".to_owned(),
                json!({"type": "Employee", "attributes": {
                    "id": attribute("ID", json!(person.id), "id"),
                    "first_name": attribute("First name", json!(person.first_name), "first_name"),
                    "last_name": attribute("Last name", json!(person.last_name), "last_name"),
                    "email": attribute("Email", json!(person.email), "email")}}),
            ),
            ("category".to_owned(), category(category_id, category_name)),
        ]);
        for (name, value) in [("date", &document.date), ("comment", &document.comment)] {
            attributes.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
        }
        let data = json!({"id": document.id, "type": "Document", "attributes": attributes});
        self.documents.push(document);
        SandboxResponse::json(201, &json!({"success": true, "data": data}))
    }

    pub(super) fn sign_in_v2(&mut self, request: &SandboxRequest) -> SandboxResponse {
        let refused = |kind: &str, why: &str| {
            SandboxResponse::json(
                400,
                &json!({"error": kind, "error_description": why, "error_uri": "https://developer.personio.de/",
                        "timestamp": "2026-11-22T09:00:00Z", "trace_id": "sandbox", "meta": {}}),
            )
        };
        if !request.header_value("content-type").is_some_and(|kind| kind.contains("form-urlencoded")) {
            return refused("invalid_request", "the content type must be application/x-www-form-urlencoded");
        }
        let pairs: std::collections::HashMap<String, String> =
            url::form_urlencoded::parse(&request.body).into_owned().collect();
        let text = |name| pairs.get(name).map(|value| value.trim()).unwrap_or_default();
        if text("grant_type") != "client_credentials" {
            return refused("unsupported_grant_type", "the grant type must be client_credentials");
        }
        if text("client_id").is_empty() || text("client_secret") != SECRET {
            return refused("invalid_client", "client authentication failed");
        }
        let token = self.token(text("client_id"), request.at);
        let valid = self.tokens[&token] + super::TOKEN_LIFE - request.at;
        let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": valid.as_secs(),
                          "scope": "documents:read documents:write"});
        SandboxResponse::json(200, &body)
    }

    pub(super) fn document_list(&self, request: &SandboxRequest) -> SandboxResponse {
        let refused = |status: u16, title: &str| {
            SandboxResponse::json(
                status,
                &json!({"personio_trace_id": "sandbox", "timestamp": "2026-11-22T09:00:00Z",
                        "errors": [{"title": title, "detail": title, "type": null, "_meta": {}}]}),
            )
        };
        if self.sign_in_problem(request).is_some() {
            return refused(401, "Unauthorized Request");
        }
        if self.options.without_documents_read {
            return refused(403, "Insufficient access scope");
        }
        let Some(owner) = request.query_value("owner_id") else { return refused(400, "owner_id is required") };
        let number = |name, default: usize| request.query_value(name).map_or(Some(default), |text| text.parse().ok());
        let limit = number("limit", DEFAULT_LIMIT).filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let (Some(limit), Some(from)) = (limit, number("cursor", 0)) else { return refused(400, "Bad request") };
        let category = request.query_value("category_id");
        let documents: Vec<&Document> = self
            .documents
            .iter()
            .filter(|document| document.employee.to_string() == owner)
            .filter(|document| category.is_none_or(|category| document.category.to_string() == category))
            .collect();
        let page = documents.get(from..).unwrap_or_default();
        let rows: Vec<Value> = page
            .iter()
            .take(limit)
            .map(|document| {
                json!({"id": document.id.to_string(), "name": document.title, "date": document.date,
                       "comment": document.comment, "category": {"id": document.category.to_string()},
                       "owner": {"id": owner}, "size": document.content.len(),
                       "created_at": format!("{}T09:00:00Z", self.company.today), "virus_scan": {"status": "CLEAN"}})
            })
            .collect();
        let mut links = json!({"self": {"href": format!("{}{}", request.base_url, request.path)}});
        if page.len() > limit {
            let category = category.map(|category| format!("&category_id={category}")).unwrap_or_default();
            let rest = format!("owner_id={owner}{category}&limit={limit}&cursor={}", from + limit);
            links["next"] = json!({"href": format!("{}{}?{rest}", request.base_url, request.path)});
        }
        SandboxResponse::json(200, &json!({"_data": rows, "_meta": {"links": links}}))
    }
}

fn category(id: u64, name: &str) -> Value {
    json!({"id": id, "type": "DocumentCategory", "attributes": {"name": name}})
}

fn invalid(field: &str, why: &str) -> SandboxResponse {
    error(422, json!({"message": "The given data was invalid.", "code": 0, "error_data": {field: [why]}}))
}

/// One part of a form.
struct Part<'a> {
    name: String,
    file_name: Option<String>,
    content: &'a [u8],
}

/// The parts of a form (RFC 7578); `None` when it is none, or is cut off.
fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let boundary = content_type.strip_prefix("multipart/form-data")?.split_once("boundary=")?.1;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    let line = Regex::new(&format!(r"(?:^|\r\n)--{}(?:\r\n|--)", regex::escape(boundary))).ok()?;
    let borders: Vec<_> = line.find_iter(body).collect();
    if !borders.last()?.as_bytes().ends_with(b"--") {
        return None;
    }
    borders
        .windows(2)
        .map(|pair| {
            let part = &body[pair[0].end()..pair[1].start()];
            let end = part.windows(4).position(|four| four == b"\r\n\r\n")?;
            let head = std::str::from_utf8(&part[..end]).ok()?;
            let mut disposition = head.lines().filter_map(|line| line.split_once(':'));
            let (_, disposition) = disposition.find(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))?;
            Some(Part {
                name: parameter(disposition, "name")?,
                file_name: parameter(disposition, "filename"),
                content: &part[end + 4..],
            })
        })
        .collect()
}

/// A quoted parameter of a header.
fn parameter(header: &str, name: &str) -> Option<String> {
    let (_, rest) = header.split_once(&format!("; {name}=\""))?;
    let mut value = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_taken_apart_byte_for_byte() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nPay\r\n--b\r\n\
            content-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".pdf\"\r\nContent-Type: x/y\r\n\r\n\
            \0\r\n--c\r\n\r\n\xff\r\n--b--\r\n";
        let found = parts("multipart/form-data; boundary=\"b\"", body).unwrap();
        let found: Vec<_> = found.iter().map(|part| (&*part.name, part.file_name.as_deref(), part.content)).collect();
        assert_eq!(found, [("title", None, &b"Pay"[..]), ("file", Some("a \"b\".pdf"), &b"\0\r\n--c\r\n\r\n\xff"[..])]);
        assert!(parts("multipart/form-data; boundary=b", &body[..body.len() - 6]).is_none(), "cut off");
        assert!(parts("multipart/form-data", body).is_none());
        assert!(parts("application/json", b"{}").is_none());
    }
}
