//! Several requests in one.

use serde_json::{Map, Value, json};

use super::options::ScimOptions;
use super::{Directory, error};
use crate::http::Method;
use crate::simulation::{SandboxRequest, SandboxResponse};

impl Directory {
    /// Carries out the operations of a batch one after the other, as if each had come alone.
    pub(super) fn bulk(
        &mut self,
        body: &Map<String, Value>,
        request: &SandboxRequest,
        options: &ScimOptions,
        base_url: &str,
    ) -> SandboxResponse {
        let Some(bulk) = options.bulk else { return error(404, None, "no such resource") };
        if let Some(status) = bulk.refused {
            return error(status, None, "no batches today");
        }
        let Some(operations) = body.get("Operations").and_then(Value::as_array) else {
            return error(400, Some("invalidSyntax"), "Operations are missing");
        };
        if operations.len() > bulk.really.unwrap_or(bulk.max_operations) || request.body.len() > bulk.max_payload_size {
            return error(413, None, "the batch is too large");
        }
        let mut entries = Vec::new();
        for (number, operation) in operations.iter().enumerate() {
            let strikes = |every: Option<usize>| every.is_some_and(|every| (number + 1).is_multiple_of(every));
            let response = if strikes(bulk.throttles) {
                error(429, None, "too many requests")
            } else {
                self.operation(operation, request, options, base_url)
            };
            if strikes(bulk.forgets) {
                continue;
            }
            let mut entry = json!({ "method": operation["method"] });
            entry["status"] =
                if bulk.number_statuses { response.status.into() } else { response.status.to_string().into() };
            let made = operation["method"] == "POST";
            if made || !bulk.mixed_up {
                entry["bulkId"] = operation["bulkId"].clone();
            }
            if !made {
                entry["location"] = format!("{base_url}{}", operation["path"].as_str().unwrap_or_default()).into();
            }
            let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            if response.status >= 300 {
                entry["response"] = body;
            } else {
                // Who was made is told by address alone.
                if let Some((_, location)) = response.headers.iter().find(|(name, _)| *name == "location") {
                    entry["location"] = location.as_str().into();
                }
                if let Some(version) = body["meta"]["version"].as_str() {
                    entry["version"] = version.into();
                }
            }
            entries.push(entry);
        }
        if bulk.mixed_up {
            entries.reverse();
        }
        SandboxResponse::json(
            200,
            &json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": entries }),
        )
    }

    fn operation(
        &mut self,
        operation: &Value,
        request: &SandboxRequest,
        options: &ScimOptions,
        base_url: &str,
    ) -> SandboxResponse {
        let method = match operation["method"].as_str() {
            Some("POST") => Method::Post,
            Some("PUT") => Method::Put,
            Some("PATCH") => Method::Patch,
            Some("DELETE") => Method::Delete,
            _ => return error(400, Some("invalidSyntax"), "no such method"),
        };
        let path = operation["path"].as_str().unwrap_or_default();
        if path == "/Bulk" || (method == Method::Post && operation["bulkId"].as_str().is_none_or(str::is_empty)) {
            return error(400, Some("invalidSyntax"), "bulkId is missing, or a batch is in a batch");
        }
        let mut part = SandboxRequest {
            headers: request.headers.iter().filter(|(name, _)| name != "if-match").cloned().collect(),
            body: operation["data"].to_string().into_bytes(),
            base_url: request.base_url.clone(),
            at: request.at,
            moment: request.moment,
            ..SandboxRequest::new(method, path)
        };
        if let Some(version) = operation["version"].as_str() {
            part.headers.push(("if-match".into(), version.into()));
        }
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        self.answer(&segments, &part, options, base_url)
    }
}
