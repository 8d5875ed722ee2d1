//! The JSON of the provisioning service: uploads of new users, and its log.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::plan::FieldChange;

use super::errors::is_code;
use super::wire::texts;
use crate::plan::Refusal;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A new user for the provisioning service. It matches `externalId` with `employeeId`.
pub(super) fn operation(employee: &str, fields: &[FieldChange]) -> Result<Value, String> {
    let named = texts(fields);
    let Some(name) = named.get("userPrincipalName") else {
        return Err("a new user needs a `userPrincipalName`".into());
    };
    let external = named.get("employeeId").map_or(employee, String::as_str);
    let mut user = json!({"schemas": [CORE, ENTERPRISE], "externalId": external, "userName": name, "active": true});
    let mut person = Map::new();
    for (field, part) in [("givenName", "givenName"), ("surname", "familyName")] {
        if let Some(text) = named.get(field) {
            person.insert(part.into(), json!(text));
        }
    }
    if !person.is_empty() {
        user["name"] = Value::Object(person);
    }
    for (field, attribute) in
        [("displayName", "displayName"), ("jobTitle", "title"), ("preferredLanguage", "preferredLanguage")]
    {
        if let Some(text) = named.get(field) {
            user[attribute] = json!(text);
        }
    }
    if let Some(mail) = named.get("mail") {
        user["emails"] = json!([{"type": "work", "primary": true, "value": mail}]);
    }
    let mut enterprise = Map::from_iter([("employeeNumber".to_owned(), json!(external))]);
    for (field, attribute) in [
        ("department", "department"),
        ("companyName", "organization"),
        ("employeeOrgData.division", "division"),
        ("employeeOrgData.costCenter", "costCenter"),
    ] {
        if let Some(text) = named.get(field) {
            enterprise.insert(attribute.into(), json!(text));
        }
    }
    user[ENTERPRISE] = Value::Object(enterprise);
    Ok(json!({"method": "POST", "bulkId": format!("employee-{employee}"), "path": "/Users", "data": user}))
}

/// An upload of new users.
pub(super) fn upload(operations: &[&Value]) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations})
}

/// Who the provisioning service did not make, by its log. Of several entries for one, the last counts.
pub(super) fn refusals(rows: &[Map<String, Value>]) -> Vec<Refusal> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut last: BTreeMap<String, (String, Option<String>)> = BTreeMap::new();
    for row in rows {
        let row = Value::Object(row.clone());
        let status = &row["provisioningStatusInfo"];
        let word = text(&status["status"]).to_lowercase();
        let code = status["errorInformation"]["errorCode"].as_str().filter(|code| is_code(code));
        let why = match &*word {
            "failure" => {
                Some(format!("its log says failure{}", code.map_or_else(String::new, |code| format!(" {code}"))))
            }
            "skipped" => Some("its log says that it was skipped".to_owned()),
            _ => None,
        };
        let at = text(&row["activityDateTime"]);
        for key in [&row["sourceIdentity"]["id"], &row["sourceIdentity"]["displayName"]] {
            let key = text(key).trim().to_owned();
            if !key.is_empty() && last.get(&key).is_none_or(|(known, _)| *known <= at) {
                last.insert(key, (at.clone(), why.clone()));
            }
        }
    }
    let refused = last.into_iter().filter_map(|(key, (_, why))| Some((key, why?)));
    refused.map(|(key, why)| Refusal { key: key.into(), why: why.into() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{FieldIndex, FieldValue};

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn an_upload_has_an_operation_for_each_new_user() {
        let text = |field: &str, value: &str| FieldChange {
            index: FieldIndex(0),
            field: field.into(),
            before: FieldValue::Empty,
            after: FieldValue::text(value),
        };
        let employee =
            [text("userPrincipalName", "mira@example.com"), text("department", "Field"), text("employeeId", "5521")];
        let found = operation("77", &employee).unwrap();
        assert_eq!(upload(&[&found, &found])["Operations"][1], found);
        assert_eq!((&found["bulkId"], &found["path"]), (&json!("employee-77"), &json!("/Users")));
        assert_eq!(
            (&found["data"]["externalId"], &found["data"][ENTERPRISE]["department"]),
            (&json!("5521"), &json!("Field"))
        );
        assert_eq!(operation("77", &employee[..1]).unwrap()["data"]["externalId"], "77");
        assert!(operation("77", &employee[1..]).is_err());
    }

    #[test]
    fn the_log_says_who_was_not_made_without_values() {
        let row = |at: &str, id: &str, status: &str, code: &str| {
            object(json!({"activityDateTime": at, "sourceIdentity": {"id": id, "displayName": "Mira Osei"},
                          "provisioningStatusInfo": {"status": status,
                              "errorInformation": {"errorCode": code, "reason": "mira@example.com is taken"}}}))
        };
        let rows = [
            row("2026-11-22T08:00:00Z", "1", "failure", "DuplicateTargetEntries"),
            row("2026-11-22T09:00:00Z", "2", "success", ""),
            row("2026-11-22T08:00:00Z", "2", "failure", "x"),
            row("2026-11-22T08:00:00Z", "3", "skipped", ""),
            row("2026-11-22T08:00:00Z", "4", "Failure", "mira@example.com"),
            object(json!({"provisioningStatusInfo": {"status": "failure", "errorInformation": null}})),
        ];
        let found = refusals(&rows);
        let why = |key: &str| found.iter().find(|refusal| &*refusal.key == key).map(|refusal| &*refusal.why);
        assert_eq!(why("1"), Some("its log says failure DuplicateTargetEntries"));
        assert_eq!((why("2"), why("3")), (None, Some("its log says that it was skipped")));
        assert_eq!(why("4"), Some("its log says failure"), "nothing that may be a value");
    }
}
