//! The list of changes of users: everybody first, then whoever changed since.

use serde_json::{Value, json};

use super::EntraOptions;
use super::tenant::{Tenant, refused, text};
use crate::simulation::{SandboxRequest, SandboxResponse};

/// The most rows of a page.
const PAGE: usize = 100;

impl Tenant {
    /// A page of the list. Users come by id, so that none is passed over when others come or go meanwhile.
    pub(super) fn changes(&self, request: &SandboxRequest, options: &mut EntraOptions) -> SandboxResponse {
        let selection = request.query_value("$select").unwrap_or_default();
        if request.query.iter().any(|(name, _)| matches!(name.as_str(), "$expand" | "$top" | "$orderby")) {
            return refused(400, "Request_UnsupportedQuery", "The query option is not supported for delta.");
        }
        // `SINCE.UNTIL.AFTER`: which changes, how far they go, and after whom this page begins.
        let token = request.query_value("$skiptoken").or(request.query_value("$deltatoken"));
        if token.is_some() && options.expired_changes > 0 {
            options.expired_changes -= 1;
            return refused(410, "syncStateNotFound", "The sync state generation is not found; please resync.");
        }
        let mut parts = token.unwrap_or_default().splitn(3, '.');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
        let (since, until) = (number().unwrap_or(0), number().unwrap_or(self.version));
        let after = parts.next().unwrap_or_default();
        let rows: Vec<(&String, Value)> = self
            .changed
            .iter()
            .filter(|(id, version)| **version > since && id.as_str() > after)
            .filter_map(|(id, _)| Some((id, self.changed_row(id, since, request, selection)?)))
            .collect();
        let shown = &rows[..rows.len().min(PAGE)];
        let mut body = json!({"@odata.context": format!("{}#users", request.base_url),
                              "value": shown.iter().map(|(_, row)| row).collect::<Vec<_>>()});
        let (name, token) = match shown.last() {
            Some((last, _)) if rows.len() > PAGE => ("nextLink", format!("$skiptoken={since}.{until}.{last}")),
            _ => ("deltaLink", format!("$deltatoken={until}.{}.", u64::MAX)),
        };
        let mut query = url::form_urlencoded::Serializer::new(token);
        query.append_pair("$select", selection);
        body[format!("@odata.{name}")] = json!(format!("{}{}?{}", request.base_url, request.path, query.finish()));
        SandboxResponse::json(200, &body)
    }

    /// Somebody as the list shows them; one who is gone only to those who knew them.
    fn changed_row(&self, id: &str, since: u64, request: &SandboxRequest, selection: &str) -> Option<Value> {
        let Some(at) = self.users.iter().position(|user| text(user, "id") == id) else {
            return (since > 0).then(|| json!({"id": id, "@removed": {"reason": "changed"}}));
        };
        let mut row = self.show(at, request);
        row.remove("manager");
        // Nothing is said of what was never set.
        row.retain(|_, value| !value.is_null());
        row.insert("id".into(), json!(id));
        if let Some(manager) = self.managers.get(id).filter(|_| selection.split(',').any(|name| name == "manager")) {
            row.insert("manager@delta".into(), json!([{"@odata.type": "#microsoft.graph.user", "id": manager}]));
        }
        Some(Value::Object(row))
    }
}
