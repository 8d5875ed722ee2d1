//! How the simulated services carry out the operations of a PATCH (RFC 7644, section 3.5.2).

use serde_json::{Map, Value, json};

use super::ScimOptions;
use crate::targets::scim::{Filter, Path};

/// Why a request is refused: `scimType` and words.
pub type Refusal = (&'static str, String);

/// Carries out all operations, or none.
pub(super) fn apply(
    user: &Map<String, Value>,
    body: &Map<String, Value>,
    urns: &[String],
    options: &ScimOptions,
) -> Result<Map<String, Value>, Refusal> {
    let named = body
        .get("schemas")
        .and_then(Value::as_array)
        .is_some_and(|schemas| schemas.iter().any(|schema| schema == "urn:ietf:params:scim:api:messages:2.0:PatchOp"));
    let operations = body.get("Operations").and_then(Value::as_array).filter(|_| named);
    let operations = operations.ok_or(("invalidSyntax", "a PatchOp with Operations is expected".to_owned()))?;
    let mut user = user.clone();
    for operation in operations {
        let op = operation["op"].as_str().unwrap_or_default();
        if options.reject_capitals && op.chars().any(char::is_uppercase) {
            return Err(("invalidSyntax", "op is not known".into()));
        }
        let op = op.to_ascii_lowercase();
        if !["add", "replace", "remove"].contains(&op.as_str()) {
            return Err(("invalidSyntax", "op is not known".into()));
        }
        let value = operation.get("value");
        if op != "remove" && value.is_none() {
            return Err(("invalidValue", "a value is expected".into()));
        }
        match operation.get("path").and_then(Value::as_str) {
            None if op == "remove" => return Err(("noTarget", "remove needs a path".into())),
            None if options.reject_pathless => return Err(("invalidPath", "a path is expected".into())),
            None => {
                let object = value.and_then(Value::as_object);
                let object = object.ok_or(("invalidValue", "an object is expected".to_owned()))?;
                for (name, value) in object {
                    if urns.contains(name) {
                        merge(user.entry(name.clone()).or_insert_with(|| json!({})), value);
                    } else {
                        at_path(&mut user, &op, &parse(name)?, Some(value))?;
                    }
                }
            }
            Some(urn) if urns.iter().any(|known| known == urn) => match value {
                Some(value) => merge(user.entry(urn.to_owned()).or_insert_with(|| json!({})), value),
                None => _ = user.shift_remove(urn),
            },
            Some(path) => {
                let path = parse(path)?;
                if options.reject_filtered_paths && path.filter().is_some() {
                    return Err(("invalidPath", "filters in paths are not supported".into()));
                }
                at_path(&mut user, &op, &path, value)?;
            }
        }
    }
    Ok(user)
}

fn parse(path: &str) -> Result<Path, Refusal> {
    Path::parse(path).map_err(|why| ("invalidPath", why))
}

fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        for (name, value) in from {
            set(into, name, value.clone());
        }
    }
}

fn key(object: &Map<String, Value>, name: &str) -> String {
    object.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned())
}

fn set(object: &mut Map<String, Value>, name: &str, value: Value) {
    let key = key(object, name);
    if value.is_null() { _ = object.shift_remove(&key) } else { _ = object.insert(key, value) }
}

fn at_path(user: &mut Map<String, Value>, op: &str, path: &Path, value: Option<&Value>) -> Result<(), Refusal> {
    if ["id", "meta", "groups"].iter().any(|name| path.urn().is_none() && path.attribute().eq_ignore_ascii_case(name)) {
        return Err(("mutability", format!("{} is read-only", path.attribute())));
    }
    if op == "remove" && path.is("userName") {
        return Err(("mutability", "userName is required".into()));
    }
    let container = match path.urn() {
        None => user,
        Some(urn) => {
            let key = key(user, urn);
            user.entry(key)
                .or_insert_with(|| json!({}))
                .as_object_mut()
                .ok_or(("invalidPath", "no extension".to_owned()))?
        }
    };
    let name = key(container, path.attribute());
    match (path.filter(), path.sub(), value) {
        (None, None, None) => _ = container.shift_remove(&name),
        // Adding to a list appends, unless it is there already.
        (None, None, Some(Value::Array(new))) if op == "add" => {
            let list = container.entry(name).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                for item in new {
                    if !list.contains(item) {
                        list.push(item.clone());
                    }
                }
            }
        }
        (None, None, Some(value)) => set(container, &name, value.clone()),
        (None, Some(sub), value) => {
            let parent = container.entry(name).or_insert_with(|| json!({}));
            let parent = parent.as_object_mut().ok_or(("invalidPath", "it has no parts".to_owned()))?;
            set(parent, sub, value.cloned().unwrap_or_default());
        }
        (Some(filter), sub, value) => return at_items(container, &name, filter, sub, op, value),
    }
    Ok(())
}

fn at_items(
    container: &mut Map<String, Value>,
    name: &str,
    filter: &Filter,
    sub: Option<&str>,
    op: &str,
    value: Option<&Value>,
) -> Result<(), Refusal> {
    let items = container.get_mut(name).and_then(Value::as_array_mut);
    let fits = |item: &Value| item.as_object().is_some_and(|item| filter.matches(item));
    let Some(items) = items.filter(|items| items.iter().any(fits)) else {
        return Err(("noTarget", format!("no item of {name} fits")));
    };
    match (sub, value) {
        (None, None) => items.retain(|item| !fits(item)),
        (Some(sub), value) => {
            for item in items.iter_mut().filter(|item| fits(item)) {
                if let Some(item) = item.as_object_mut() {
                    set(item, sub, value.cloned().unwrap_or_default());
                }
            }
        }
        (None, Some(value)) => {
            for item in items.iter_mut().filter(|item| fits(item)) {
                if op == "add" { merge(item, value) } else { *item = value.clone() }
            }
        }
    }
    Ok(())
}
