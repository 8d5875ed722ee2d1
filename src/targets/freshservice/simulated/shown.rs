//! Users and their fields as the API shows them.

use serde_json::{Map, Value, json};

use super::account::{Account, FIRST_FIELD};
use super::user::User;
use crate::simulation::SandboxResponse;

impl Account {
    pub(super) fn show(&self, user: &User, as_agent: bool) -> Value {
        let mut shown = Map::new();
        shown.insert("id".into(), json!(user.id));
        if !as_agent {
            shown.insert("is_agent".into(), json!(user.is_agent));
        }
        shown.insert("active".into(), json!(user.active));
        for (name, value) in &user.values {
            let name = match name.as_str() {
                "primary_email" if as_agent => "email",
                "secondary_emails" if as_agent => continue,
                other => other,
            };
            shown.insert(name.to_owned(), value.clone());
        }
        let mut custom_fields = Map::new();
        for field in &self.fields {
            let value = user.custom_fields.get(&field.name).cloned().unwrap_or_default();
            custom_fields.insert(field.name.clone(), value);
        }
        shown.insert("custom_fields".into(), Value::Object(custom_fields));
        shown.insert("has_logged_in".into(), json!(user.is_agent));
        shown.insert("vip_user".into(), json!(false));
        shown.insert("created_at".into(), json!(user.created_at));
        shown.insert("updated_at".into(), json!(user.updated_at));
        if as_agent {
            agent_members(&mut shown);
        } else {
            let departments = user.values["department_ids"].as_array().into_iter().flatten();
            shown.insert("department_names".into(), departments.map(|id| self.departments.name(id)).collect());
            shown.insert("location_name".into(), self.locations.name(&user.values["location_id"]));
        }
        Value::Object(shown)
    }

    pub(super) fn requester_fields(&self, now: &str) -> SandboxResponse {
        // The names of the default fields are not the names that requesters are written with.
        const DEFAULTS: &[(&str, &str, bool)] = &[
            ("first_name", "First Name", true),
            ("last_name", "Last Name", false),
            ("job_title", "Title", false),
            ("email", "Email", true),
            ("phone", "Work Phone", false),
            ("mobile", "Mobile Phone", false),
            ("department_ids", "Department", false),
            ("reporting_manager_id", "Reporting Manager", false),
            ("address", "Address", false),
            ("time_zone", "Time Zone", false),
            ("language", "Language", false),
            ("location_id", "Location", false),
            ("description", "Background Information", false),
        ];
        let row = |id: u64, name: &str, label: &str, position: usize, kind: &str, required: bool| {
            json!({"id": id, "name": name, "label": label, "position": position, "user_field_group_id": null,
                   "type": kind, "default": !kind.starts_with("custom_"), "requesters_can_edit": false,
                   "label_for_requesters": label, "required_for_agents": required, "required_for_requesters": false,
                   "displayed_for_requesters": true, "editable_in_signup": required,
                   "created_at": now, "updated_at": now})
        };
        let mut rows: Vec<Value> = Vec::new();
        for (index, (name, label, required)) in DEFAULTS.iter().enumerate() {
            rows.push(row(FIRST_FIELD + index as u64, name, label, index + 1, &format!("default_{name}"), *required));
        }
        for field in &self.fields {
            let label = field.name.replace('_', " ");
            let mut shown = row(field.id, &field.name, &label, rows.len() + 1, field.kind, false);
            if field.kind == "custom_dropdown" {
                let choices: Vec<Value> =
                    field.choices.iter().map(|choice| json!({"value": choice, "display_id": null})).collect();
                shown["choices"] = Value::Array(choices);
            }
            rows.push(shown);
        }
        SandboxResponse::json(200, &json!({"requester_fields": rows}))
    }
}

/// What only agents have, in today's shape and without the retired attributes.
fn agent_members(shown: &mut Map<String, Value>) {
    shown.remove("can_see_all_changes_from_associated_departments");
    for (name, value) in [
        ("occasional", json!(false)),
        ("role_ids", json!([21_000_049_414_u64])),
        ("roles", json!([{"role_id": 21_000_049_414_u64, "assignment_scope": "entire_helpdesk", "groups": []}])),
        ("member_of", json!([])),
        ("observer_of", json!([])),
        ("member_of_pending_approval", json!([])),
        ("observer_of_pending_approval", json!([])),
        ("group_ids", json!([])),
        ("scoreboard_level_id", Value::Null),
        ("scoreboard_points", Value::Null),
        ("signature", Value::Null),
        ("last_login_at", Value::Null),
        ("last_active_at", Value::Null),
        ("auto_assign_tickets", json!(true)),
        ("auto_assign_status_changed_at", Value::Null),
        ("api_key_enabled", json!(shown["email"] == super::KEY_OWNER)),
        (
            "scopes",
            json!({"ticket": null, "problem": null, "change": null, "asset": null, "solution": null, "contract": null}),
        ),
    ] {
        shown.insert(name.to_owned(), value);
    }
}
