//! What the simulated services say of themselves.

use serde_json::{Map, Value, json};

use super::{BulkOptions, ScimOptions};

pub const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A schema document: URN and attributes.
pub type Schemas = Vec<(String, Vec<Value>)>;

/// The standard's schemas for users.
pub fn standard() -> Schemas {
    let text = |name: &str| attribute(name, "string", false, json!([]));
    let parts = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|name| attribute(name, if *name == "primary" { "boolean" } else { "string" }, false, json!([])))
            .collect()
    };
    let list = |name: &str| attribute(name, "complex", true, parts(&["value", "display", "type", "primary"]));
    let mut core = vec![
        text("userName"),
        attribute(
            "name",
            "complex",
            false,
            parts(&["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"]),
        ),
    ];
    core[0]["required"] = true.into();
    core[0]["uniqueness"] = "server".into();
    core.extend(
        ["displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone"]
            .map(text),
    );
    core.push(attribute("active", "boolean", false, json!([])));
    core.push({
        let mut password = text("password");
        password["mutability"] = "writeOnly".into();
        password["returned"] = "never".into();
        password
    });
    core.extend(["emails", "phoneNumbers", "ims", "photos", "entitlements", "roles", "x509Certificates"].map(list));
    core.push(attribute(
        "addresses",
        "complex",
        true,
        parts(&["formatted", "streetAddress", "locality", "region", "postalCode", "country", "type", "primary"]),
    ));
    core.push({
        let mut groups = list("groups");
        groups["mutability"] = "readOnly".into();
        groups
    });
    let mut enterprise: Vec<Value> =
        ["employeeNumber", "costCenter", "organization", "division", "department"].map(text).into();
    enterprise.push({
        let mut manager = attribute("manager", "complex", false, parts(&["value", "$ref", "displayName"]));
        manager["subAttributes"][2]["mutability"] = "readOnly".into();
        manager
    });
    vec![(CORE.into(), core), (ENTERPRISE.into(), enterprise)]
}

/// An attribute that may be read and written.
pub fn attribute(name: &str, kind: &str, list: bool, parts: Value) -> Value {
    let mut attribute = json!({
        "name": name, "type": kind, "multiValued": list, "required": false, "caseExact": false,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none"
    });
    if parts.as_array().is_some_and(|parts| !parts.is_empty()) {
        attribute["subAttributes"] = parts;
    }
    attribute
}

pub(super) fn document(path: &[&str], schemas: &Schemas, options: &ScimOptions) -> Option<Value> {
    let list = |resources: Vec<Value>| {
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": resources.len(), "itemsPerPage": resources.len(), "startIndex": 1, "Resources": resources
        })
    };
    let schema = |(id, attributes): &(String, Vec<Value>)| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": id, "attributes": attributes });
    match path {
        ["ServiceProviderConfig"] => {
            let bulk = options.bulk.filter(|bulk| !bulk.unmentioned);
            let limit = |most: fn(BulkOptions) -> usize| bulk.map_or(0, most);
            let mut config = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
                "patch": {"supported": !options.no_patch},
                "bulk": {
                    "supported": bulk.is_some(), "maxOperations": limit(|bulk| bulk.max_operations),
                    "maxPayloadSize": limit(|bulk| bulk.max_payload_size)
                },
                "filter": {"supported": true, "maxResults": options.page_cap},
                "changePassword": {"supported": false},
                "sort": {"supported": false},
                "etag": {"supported": options.versions},
                "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Bearer", "description": "A token"}],
                "meta": {"resourceType": "ServiceProviderConfig"}
            });
            if options.cursors {
                config["pagination"] = json!({"cursor": true, "index": false, "maxPageSize": options.page_cap});
            }
            Some(config)
        }
        ["ResourceTypes"] => Some(list(vec![json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "User", "name": "User", "endpoint": "/Users", "schema": CORE,
            "schemaExtensions": schemas.iter().skip(1).map(|(id, _)| json!({"schema": id, "required": false})).collect::<Vec<_>>()
        })])),
        ["Schemas"] => Some(list(schemas.iter().map(schema).collect())),
        ["Schemas", id] => schemas.iter().find(|(known, _)| known == id).map(schema),
        _ => None,
    }
}

/// The attributes of a user that a client cannot set.
pub(super) fn strip_read_only(user: &mut Map<String, Value>) {
    for name in ["id", "meta", "groups", "schemas"] {
        user.remove(name);
    }
}
