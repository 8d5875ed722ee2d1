//! Several requests as the operations of one, and their answers (RFC 7644, section 3.7).

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::http::{Body, Request, Response};

use super::path::get;
use super::wire::whole;

/// What operations of a batch are wrapped in. `failOnErrors` is left out, so that nobody waits for the mistakes of
/// others.
pub(crate) const ENVELOPE: (&str, &str) =
    (r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":["#, "]}");

/// How much a service takes at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Operations; `None` when nobody says.
    pub(crate) operations: Option<u64>,
    /// Bytes of the body; `None` when nobody says.
    pub(crate) bytes: Option<u64>,
}

impl Limits {
    /// What both allow. Zero says nothing: a service that takes nothing would not offer it.
    pub(crate) fn and(self, other: Self) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).filter(|most| *most > 0).min();
        Self { operations: least(self.operations, other.operations), bytes: least(self.bytes, other.bytes) }
    }
}

/// A request as part of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BulkOperation {
    id: String,
    method: &'static str,
    /// The id of the user at the end of the path; `None` when one is made.
    user: Option<String>,
    pub(crate) text: String,
}

impl BulkOperation {
    /// `number` tells it from the others of its batch.
    pub(crate) fn new(number: usize, request: &Request) -> Self {
        let (id, method) = (format!("{}", number + 1), request.method.as_str());
        let mut operation = Map::new();
        operation.insert("method".into(), method.into());
        operation.insert("path".into(), request.path.clone().into());
        operation.insert("bulkId".into(), id.clone().into());
        if let Some((_, version)) = request.headers.iter().find(|(name, _)| *name == "if-match") {
            operation.insert("version".into(), version.clone().into());
        }
        if let Body::Json { text, .. } = &request.body {
            operation.insert("data".into(), serde_json::from_str(text).unwrap_or(Value::Null));
        }
        let user = (method != "POST").then(|| last_part(&request.path)).flatten();
        Self { id, method, user, text: Value::Object(operation).to_string() }
    }

    /// Whether an entry of an answer speaks of it. Services need to return `bulkId` for what is made only; anything
    /// else is known by its address.
    fn is_meant(&self, entry: &Map<String, Value>) -> bool {
        let text = |name: &str| get(entry, name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match get(entry, "bulkId") {
            Some(Value::String(id)) if !id.is_empty() => *id == self.id,
            Some(Value::Number(id)) => id.to_string() == self.id,
            _ => {
                self.user.is_some()
                    && text("method").is_none_or(|method| method.eq_ignore_ascii_case(self.method))
                    && text("location").and_then(last_part) == self.user
            }
        }
    }
}

/// What came of each operation, as if it had been sent alone; `None` where the answer does not tell.
///
/// `None` for all of them when it is no answer to a batch.
pub(crate) fn answers(body: &Value, sent: &[&BulkOperation]) -> Option<Vec<Option<Response>>> {
    let entries: Vec<&Map<String, Value>> =
        get(body.as_object()?, "Operations")?.as_array()?.iter().filter_map(Value::as_object).collect();
    let answer = |operation: &&BulkOperation| {
        let mut meant = entries.iter().filter(|entry| operation.is_meant(entry));
        match (meant.next(), meant.next()) {
            (Some(entry), None) => response(entry),
            _ => None,
        }
    };
    Some(sent.iter().map(answer).collect())
}

fn response(entry: &Map<String, Value>) -> Option<Response> {
    let status = get(entry, "status")?;
    // SCIM 1.1 has an object with the code.
    let status = status.as_object().and_then(|status| get(status, "code")).unwrap_or(status);
    let status = u16::try_from(whole(status)?).ok()?;
    let header = |name: &str, key: &str| Some((name.to_owned(), get(entry, key)?.as_str()?.to_owned()));
    let headers = [header("location", "location"), header("etag", "version")].into_iter().flatten().collect();
    let body = match get(entry, "response") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(body) => body.to_string().into_bytes(),
    };
    Some(Response { status, headers, body })
}

/// The last part of a path or an address, decoded. The address itself is never followed.
pub(crate) fn last_part(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next()?;
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    let id = percent_decode_str(last).decode_utf8().ok()?;
    (!id.is_empty() && !id.eq_ignore_ascii_case("users")).then(|| id.into_owned())
}

/// The body of a batch.
pub(crate) fn body<'t>(operations: impl Iterator<Item = &'t BulkOperation>) -> String {
    let texts: Vec<&str> = operations.map(|operation| operation.text.as_str()).collect();
    format!("{}{}{}", ENVELOPE.0, texts.join(","), ENVELOPE.1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::Method;
    use crate::reference::spec_text;

    fn request(method: Method, path: &str) -> Request {
        Request::new(method, path).json(&json!({"title": "Lead"}))
    }

    fn sent() -> Vec<BulkOperation> {
        let versioned = request(Method::Patch, "/Users/a%26b").header("if-match", "W/\"7\"");
        [request(Method::Post, "/Users"), versioned, request(Method::Put, "/Users/42")]
            .iter()
            .enumerate()
            .map(|(number, request)| BulkOperation::new(number, request))
            .collect()
    }

    fn statuses(body: &Value) -> Vec<Option<u16>> {
        let sent = sent();
        let sent: Vec<&BulkOperation> = sent.iter().collect();
        answers(body, &sent).unwrap().into_iter().map(|answer| Some(answer?.status)).collect()
    }

    #[test]
    fn requests_become_operations() {
        let body: Value = serde_json::from_str(&body(sent().iter())).unwrap();
        assert_eq!(
            body,
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [
                    {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"title": "Lead"}},
                    {"method": "PATCH", "path": "/Users/a%26b", "bulkId": "2", "version": "W/\"7\"", "data": {"title": "Lead"}},
                    {"method": "PUT", "path": "/Users/42", "bulkId": "3", "data": {"title": "Lead"}},
                ]
            })
        );
    }

    #[test]
    fn answers_are_found_by_id_or_address_and_never_by_their_place() {
        let mixed = json!({"Operations": [
            {"method": "put", "location": "https://elsewhere.example/v2/Users/42", "status": 200},
            {"bulkId": "2", "status": {"code": "412"}},
            {"bulkId": "1", "status": "201", "location": "https://x.example/Users/new"},
            {"bulkId": "9", "status": "500"}
        ]});
        assert_eq!(statuses(&mixed), [Some(201), Some(412), Some(200)]);
        let numbers =
            json!({"operations": [{"bulkId": 1, "status": 409}, {"location": "/Users/a%26b", "status": "204"}]});
        assert_eq!(statuses(&numbers), [Some(409), Some(204), None], "what is missing is not known");
        let unclear = json!({"Operations": [
            {"bulkId": "1", "status": "201"}, {"bulkId": "1", "status": "409"},
            {"bulkId": "2"}, {"method": "DELETE", "location": "/Users/42", "status": "204"}, {"status": "200"}
        ]});
        assert_eq!(statuses(&unclear), [None, None, None]);
        for wrong in [json!([]), json!({}), json!({"Operations": {}}), json!("<html>")] {
            assert_eq!(answers(&wrong, &[]), None);
        }
    }

    #[test]
    fn an_answer_reads_as_if_it_had_come_alone() {
        let sent = sent();
        let body = json!({"Operations": [{
            "bulkId": "1", "status": "201", "location": "https://x.example/Users/a%26b", "version": "W/\"1\"",
            "response": {"id": "a&b"}
        }]});
        let answer = answers(&body, &[&sent[0]]).unwrap().remove(0).unwrap();
        assert_eq!(answer.header("location").and_then(last_part), Some("a&b".into()));
        assert_eq!((answer.header("etag"), answer.json_or_none()), (Some("W/\"1\""), Some(json!({"id": "a&b"}))));
    }

    #[test]
    fn limits_are_the_smaller_ones_and_zero_is_none() {
        let limits = |operations, bytes| Limits { operations, bytes };
        assert_eq!(limits(Some(100), Some(0)).and(limits(Some(50), Some(9))), limits(Some(50), Some(9)));
        assert_eq!(limits(Some(0), None).and(limits(None, None)), limits(None, None));
    }

    #[test]
    fn the_standards_messages_are_understood() {
        let read = |name: &str| -> Option<Value> {
            serde_json::from_str(&spec_text(&format!("scim/rfc-samples/{name}.json"))?).ok()
        };
        let Some(request) = read("rfc7644-3.7.3-bulk_request-multiple_operations") else { return };
        let operations: Vec<BulkOperation> = request["Operations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sample| BulkOperation {
                id: sample["bulkId"].as_str().unwrap_or("none").into(),
                method: ["POST", "PUT", "PATCH", "DELETE"].into_iter().find(|word| sample["method"] == *word).unwrap(),
                user: (sample["method"] != "POST").then(|| last_part(sample["path"].as_str().unwrap()).unwrap()),
                text: String::new(),
            })
            .collect();
        let operations: Vec<&BulkOperation> = operations.iter().collect();
        for (name, expected) in [
            ("rfc7644-3.7.3-bulk_response-multiple_operations", vec![201, 200, 200, 204]),
            ("rfc7644-3.7.3-bulk_response-multiple_errors", vec![400, 412, 412, 404]),
        ] {
            let answers = answers(&read(name).unwrap(), &operations).unwrap();
            let statuses: Vec<u16> = answers.iter().map(|answer| answer.as_ref().unwrap().status).collect();
            assert_eq!(statuses, expected, "{name}");
        }
        // Our own envelope is the standard's.
        let ours: Value = serde_json::from_str(&body(sent().iter())).unwrap();
        assert_eq!(ours["schemas"], request["schemas"]);
    }
}
