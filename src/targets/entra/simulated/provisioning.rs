//! The provisioning service: takes new users and makes them in its own time.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::EntraOptions;
use super::tenant::{Tenant, equality, page, refused, text};
use crate::simulation::{SandboxRequest, SandboxResponse};

impl Tenant {
    pub(super) fn upload(&mut self, body: &Map<String, Value>, request: &SandboxRequest) -> SandboxResponse {
        if request.header_value("content-type") != Some("application/scim+json") {
            return refused(400, "BadRequest", "The content type is missing or wrong.");
        }
        let operations = body.get("Operations").and_then(Value::as_array).cloned().unwrap_or_default();
        if operations.is_empty() || operations.len() > 50 {
            return refused(400, "BadRequest", "The number of operations must be from 1 to 50.");
        }
        let malformed = |operation: &Value| {
            operation["method"] != "POST" || operation["path"] != "/Users" || !operation["data"]["userName"].is_string()
        };
        if operations.iter().any(malformed) {
            return refused(400, "BadRequest", "Invalid Data Format.");
        }
        for operation in operations {
            if let Some(data) = operation["data"].as_object() {
                self.received += 1;
                self.uploads.push((0, data.clone()));
            }
        }
        SandboxResponse::empty(202).with_header("location", format!("{}/auditLogs/provisioning", request.base_url))
    }

    /// Makes the users whose time has come.
    pub(super) fn provision(&mut self, options: &EntraOptions, now: DateTime<Utc>) {
        let mut waiting = Vec::new();
        for (looks, data) in std::mem::take(&mut self.uploads) {
            if looks < options.provisioning_looks {
                waiting.push((looks + 1, data));
                continue;
            }
            let (name, external) = (text(&data, "userName").to_owned(), text(&data, "externalId").to_owned());
            if options.refuse_uploads.contains(&external) {
                self.note(now, &external, "failure", json!({"errorCode": "DuplicateTargetEntries", "reason": name}));
                continue;
            }
            self.note(now, &external, "success", Value::Null);
            // It matches people itself, so that nobody is made twice.
            let known = self.users.iter().any(|user| {
                text(user, "employeeId") == external || text(user, "userPrincipalName").eq_ignore_ascii_case(&name)
            });
            if known {
                continue;
            }
            let person = |part: &str| data.get("name").and_then(|name| name.get(part)).cloned().unwrap_or_default();
            let (given, family) = (person("givenName"), person("familyName"));
            let user = self.add(&name);
            user.insert("employeeId".into(), json!(external));
            user.insert("givenName".into(), given);
            user.insert("surname".into(), family);
        }
        self.uploads = waiting;
    }

    fn note(&mut self, now: DateTime<Utc>, external: &str, status: &str, error: Value) {
        let number = self.log.len() + 1;
        self.log.push(json!({
            "id": format!("log-{number}"), "activityDateTime": now.to_rfc3339(), "jobId": "sandbox",
            "provisioningAction": "create", "sourceIdentity": {"id": external, "displayName": external},
            "provisioningStatusInfo": {"status": status, "errorInformation": error},
        }));
    }

    /// `jobId eq '…' and activityDateTime gt …`
    pub(super) fn provisioning_log(&self, request: &SandboxRequest) -> SandboxResponse {
        let filter = request.query_value("$filter").unwrap_or_default();
        let parts = filter.split_once(" and activityDateTime gt ");
        let Some((Ok((property, job)), since)) = parts.map(|(job, since)| (equality(job), since)) else {
            return refused(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.");
        };
        let fits =
            |row: &&Value| row[property.as_str()] == job.as_str() && row["activityDateTime"].as_str() > Some(since);
        page(request, "auditLogs/provisioning", self.log.iter().filter(fits).cloned().collect())
    }
}
