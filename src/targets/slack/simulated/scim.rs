//! The SCIM side of a workspace: accounts are made, taken out of use and brought back.

use serde_json::{Map, Value, json};

use super::workspace::{Member, Workspace};
use crate::http::Method;
use crate::simulation::{SandboxRequest, SandboxResponse};
use crate::targets::scim::Filter;

/// An error as SCIM spells it.
pub(super) fn error(status: u16, detail: &str) -> SandboxResponse {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
    SandboxResponse::json(status, &json!({"schemas": schemas, "status": status.to_string(), "detail": detail}))
}

fn resource(member: &Member) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": member.id, "userName": member.user_name,
        "active": !member.deleted, "title": member.text("title"), "displayName": member.text("display_name"),
        "name": {"givenName": member.text("first_name"), "familyName": member.text("last_name")},
        "emails": [{"value": member.text("email"), "primary": true}],
    })
}

pub(super) fn answer(workspace: &mut Workspace, path: &[&str], request: &SandboxRequest) -> SandboxResponse {
    let place = |workspace: &Workspace, id: &str| workspace.members.iter().position(|member| member.id == id);
    match (request.method, path) {
        (Method::Get, ["Users"]) => list(workspace, request),
        (Method::Post, ["Users"]) => create(workspace, &request.object().unwrap_or_default()),
        (method, ["Users", id]) => match (method, place(workspace, id)) {
            (_, None) => error(404, "user_not_found"),
            (Method::Get, Some(at)) => SandboxResponse::json(200, &resource(&workspace.members[at])),
            (Method::Patch, Some(at)) => patch(workspace, at, &request.object().unwrap_or_default()),
            // Deactivates, as in the real one: nobody can be removed for good.
            (Method::Delete, Some(at)) => {
                workspace.set_active(at, false);
                SandboxResponse::empty(204)
            }
            _ => error(405, "method_not_allowed"),
        },
        _ => error(404, "not_found"),
    }
}

fn list(workspace: &Workspace, request: &SandboxRequest) -> SandboxResponse {
    let Ok(filter) = request.query_value("filter").map(Filter::parse).transpose() else {
        return error(400, "invalid_filter");
    };
    let fits = |resource: &Value| match (&filter, resource.as_object()) {
        (Some(filter), Some(resource)) => filter.matches(resource),
        _ => true,
    };
    let all: Vec<Value> = workspace.members.iter().map(resource).filter(fits).collect();
    let number = |name: &str, usual: usize| request.query_value(name).and_then(|n| n.parse().ok()).unwrap_or(usual);
    let (start, count) = (number("startIndex", 1).max(1), number("count", 100));
    let shown: Vec<&Value> = all.iter().skip(start - 1).take(count).collect();
    SandboxResponse::json(
        200,
        &json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": all.len(),
            "itemsPerPage": shown.len(), "startIndex": start, "Resources": shown,
        }),
    )
}

fn create(workspace: &mut Workspace, body: &Map<String, Value>) -> SandboxResponse {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let user_name = text(body.get("userName")).to_lowercase();
    let email = text(body.get("emails").and_then(|emails| emails.get(0)).and_then(|email| email.get("value")));
    if user_name.is_empty() || email.is_empty() {
        return error(400, "missing_required_attribute");
    }
    // Also when the owner of the address is out of use.
    if workspace.members.iter().any(|member| member.text("email").eq_ignore_ascii_case(&email)) {
        return error(409, "email_taken");
    }
    if workspace.members.iter().any(|member| member.user_name == user_name) {
        return error(409, "username_taken");
    }
    let name = |part: &str| text(body.get("name").and_then(|name| name.get(part)));
    let member = workspace.add(&name("givenName"), &name("familyName"), &email.to_lowercase());
    member.user_name = user_name.chars().take(21).collect();
    for (attribute, key) in [("title", "title"), ("displayName", "display_name")] {
        member.profile.insert(key.into(), json!(text(body.get(attribute))));
    }
    SandboxResponse::json(201, &resource(member))
}

fn patch(workspace: &mut Workspace, at: usize, body: &Map<String, Value>) -> SandboxResponse {
    let operations = body.get("Operations").and_then(Value::as_array).cloned().unwrap_or_default();
    for operation in &operations {
        let value = operation.get("value");
        let active = match operation.get("path").and_then(Value::as_str) {
            Some("active") => value.and_then(Value::as_bool),
            None => value.and_then(|value| value.get("active")).and_then(Value::as_bool),
            Some(_) => None,
        };
        let Some(active) = active else { return error(400, "invalid_patch") };
        if workspace.members[at].standing == Some("is_owner") {
            return error(403, "cannot_update_admin_user");
        }
        workspace.set_active(at, active);
    }
    SandboxResponse::json(200, &resource(&workspace.members[at]))
}
