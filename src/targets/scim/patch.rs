//! Changes as the operations of a PATCH (RFC 7644, section 3.5.2).

use serde_json::{Map, Value, json};

use super::deviations::{Clear, Deviations, ManagerForm, PatchStyle};
use super::path::{Path, get, spelling};
use super::wire::{Resource, Shape, put};

/// One place of a resource and what should stand there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    pub(crate) path: Path,
    /// What; `None` empties it.
    pub(crate) value: Option<Value>,
    pub(crate) shape: Shape,
    /// Whether something stood there when the plan was made.
    pub(crate) had_value: bool,
}

/// Whether the operations depend on what the resource holds now: a filtered path is taken only when such an
/// item exists, and a whole list must keep the items that are not managed.
pub(crate) fn needs_current(settings: &[Setting], deviations: &Deviations) -> bool {
    let pathed = deviations.filtered_paths && in_paths(deviations);
    settings.iter().any(|setting| {
        let item = setting.path.filter().is_some() && (!pathed || !setting.had_value);
        item || (setting.value.is_some() && goes_whole(&setting.path, deviations.patch_style))
    })
}

/// Whether a part is sent with everything around it: some services replace a complex attribute, or an extension, by
/// the object that they are sent, and what is not in it is gone.
fn goes_whole(path: &Path, style: PatchStyle) -> bool {
    match style {
        PatchStyle::Object => path.urn().is_some() || (path.sub().is_some() && path.filter().is_none()),
        PatchStyle::ExtensionObject => path.urn().is_some(),
        PatchStyle::Pathed | PatchStyle::Dotted => false,
    }
}

/// What the resource holds around a part, as far as it may be written back.
fn seed(object: &mut Resource, current: &Resource, path: &Path) {
    let (name, held) = match path.urn() {
        Some(urn) => (urn, current.get(&spelling(current, urn))),
        None => (path.attribute(), get(current, path.attribute())),
    };
    let Some(Value::Object(held)) = held else { return };
    if get(object, name).is_some() {
        return;
    }
    let mut held = held.clone();
    for (key, part) in &mut held {
        // Where the manager can be read, and what they are called, nobody may write (RFC 7643, section 4.3).
        if let Some(manager) = part.as_object_mut().filter(|_| key.eq_ignore_ascii_case("manager")) {
            manager.retain(|key, _| key.eq_ignore_ascii_case("value"));
        }
    }
    object.insert(name.to_owned(), Value::Object(held));
}

fn in_paths(deviations: &Deviations) -> bool {
    matches!(deviations.patch_style, PatchStyle::Pathed | PatchStyle::ExtensionObject)
}

/// The operations for some changes, in the order of the changes. `current` is the resource as it is.
pub(crate) fn operations(settings: &[Setting], deviations: &Deviations, current: Option<&Resource>) -> Vec<Value> {
    let mut operations = Vec::new();
    // Items and lists that are to be sent whole, by the path of their attribute.
    let mut whole: Vec<(Path, Resource, bool)> = Vec::new();
    let mut object = Resource::new();
    let mut extensions: Vec<(String, Map<String, Value>)> = Vec::new();
    let written_whole =
        |setting: &&Setting| setting.value.is_some() && goes_whole(&setting.path, deviations.patch_style);
    for (setting, current) in settings.iter().filter(written_whole).filter_map(|setting| Some((setting, current?))) {
        let mut around = Resource::new();
        seed(&mut around, current, &setting.path);
        for (name, held) in around {
            match (deviations.patch_style, held) {
                (PatchStyle::ExtensionObject, Value::Object(held)) => {
                    if !extensions.iter().any(|(known, _)| *known == name) {
                        extensions.push((name, held));
                    }
                }
                (_, held) => _ = object.entry(name).or_insert(held),
            }
        }
    }
    for setting in settings {
        let path = &setting.path;
        if path.filter().is_some() {
            let exists = current.map_or(setting.had_value, |current| !path.item().values(current).is_empty());
            if deviations.filtered_paths && in_paths(deviations) {
                if exists {
                    operations.push(on_item(setting, deviations));
                } else if setting.value.is_some() {
                    // Added as one item, whatever number of its parts are set.
                    let at = entry(&mut whole, &path.item(), Resource::new(), true);
                    put(&mut whole[at].1, path, setting.value.clone(), deviations.primary);
                }
            } else {
                let list = current.map(|current| only(current, &path.whole())).unwrap_or_default();
                let at = entry(&mut whole, &path.whole(), list, false);
                put(&mut whole[at].1, path, setting.value.clone(), deviations.primary);
            }
            continue;
        }
        let (path, value) = written(setting, deviations);
        match (deviations.patch_style, value) {
            (PatchStyle::Pathed, Some(value)) => operations.push(operation("replace", Some(&path), Some(value))),
            (_, None) => {
                // Not brought back by what is written around it.
                put(&mut object, &path, None, false);
                if let Some((urn, held)) = extensions.iter_mut().find(|(urn, _)| Some(urn.as_str()) == path.urn()) {
                    let mut inner = Resource::from_iter([(urn.clone(), Value::Object(std::mem::take(held)))]);
                    put(&mut inner, &path, None, false);
                    if let Some(Value::Object(inner)) = inner.remove(urn.as_str()) {
                        *held = inner;
                    }
                }
                operations.push(operation("remove", Some(&path), None));
            }
            (PatchStyle::Object, Some(value)) => put(&mut object, &path, Some(value), false),
            (PatchStyle::Dotted, Some(value)) => _ = object.insert(path.to_string(), value),
            (PatchStyle::ExtensionObject, Some(value)) => match path.urn() {
                None => operations.push(operation("replace", Some(&path), Some(value))),
                Some(urn) => {
                    let at = extensions.iter().position(|(known, _)| known == urn).unwrap_or_else(|| {
                        extensions.push((urn.to_owned(), Map::new()));
                        extensions.len() - 1
                    });
                    let mut inner = Resource::from_iter([(urn.to_owned(), Value::Object(extensions[at].1.clone()))]);
                    put(&mut inner, &path, Some(value), false);
                    if let Some(Value::Object(inner)) = inner.remove(urn) {
                        extensions[at].1 = inner;
                    }
                }
            },
        }
    }
    for (urn, value) in extensions {
        operations.push(json!({"op": "replace", "path": urn, "value": value}));
    }
    for (path, resource, add) in whole {
        let list = path.whole().container(&resource).and_then(|container| container.get(path.attribute())).cloned();
        let list = list.unwrap_or_else(|| json!([]));
        if add {
            operations.push(operation("add", Some(&path.whole()), Some(list)));
        } else if in_paths(deviations) {
            operations.push(operation("replace", Some(&path), Some(list)));
        } else {
            put(&mut object, &path, Some(list), false);
        }
    }
    if !object.is_empty() {
        operations.push(operation("replace", None, Some(Value::Object(object))));
    }
    if deviations.capital_operations {
        for operation in &mut operations {
            if let Some(word) = operation["op"].as_str() {
                let (first, rest) = word.split_at(1);
                operation["op"] = Value::from(format!("{}{rest}", first.to_uppercase()));
            }
        }
    }
    operations
}

/// The operation on an item that exists.
fn on_item(setting: &Setting, deviations: &Deviations) -> Value {
    match &setting.value {
        Some(value) => operation("replace", Some(&setting.path), Some(value.clone())),
        // An item is nothing without its value.
        None if setting.path.sub() == Some("value") => match deviations.clear {
            Clear::Remove | Clear::Never => operation("remove", Some(&setting.path.item()), None),
            Clear::Empty => operation("replace", Some(&setting.path), Some(json!(""))),
            Clear::Null => operation("replace", Some(&setting.path), Some(Value::Null)),
        },
        None => {
            let (path, value) = written(setting, deviations);
            operation(if value.is_some() { "replace" } else { "remove" }, Some(&path), value)
        }
    }
}

/// Path and value in the forms that the service takes; no value for `remove`.
fn written(setting: &Setting, deviations: &Deviations) -> (Path, Option<Value>) {
    let (mut path, mut value) = (setting.path.clone(), setting.value.clone());
    if setting.shape == Shape::Reference {
        let bare = value.as_ref().map(|value| value["value"].clone());
        match deviations.manager {
            ManagerForm::Object => {}
            ManagerForm::Value if value.is_some() || deviations.clear != Clear::Remove => {
                path = path.with_sub("value");
                value = bare;
            }
            ManagerForm::Value => {}
            ManagerForm::Text => value = bare,
        }
    }
    if value.is_none() {
        value = match deviations.clear {
            Clear::Remove | Clear::Never => None,
            Clear::Null => Some(Value::Null),
            Clear::Empty if setting.shape == Shape::Reference && deviations.manager == ManagerForm::Object => {
                Some(json!({ "value": "" }))
            }
            Clear::Empty if setting.shape == Shape::Values => Some(json!([])),
            Clear::Empty => Some(json!("")),
        };
    }
    (path, value)
}

fn operation(op: &str, path: Option<&Path>, value: Option<Value>) -> Value {
    let mut operation = Map::new();
    operation.insert("op".into(), op.into());
    if let Some(path) = path {
        operation.insert("path".into(), path.to_string().into());
    }
    if let Some(value) = value {
        operation.insert("value".into(), value);
    }
    Value::Object(operation)
}

/// A resource with one attribute of another.
fn only(resource: &Resource, path: &Path) -> Resource {
    let mut found = Resource::new();
    let value = path.container(resource).and_then(|container| super::path::get(container, path.attribute()));
    if let Some(value) = value {
        put(&mut found, path, Some(value.clone()), false);
    }
    found
}

fn entry(whole: &mut Vec<(Path, Resource, bool)>, path: &Path, start: Resource, add: bool) -> usize {
    whole.iter().position(|(known, _, _)| known == path).unwrap_or_else(|| {
        whole.push((path.clone(), start, add));
        whole.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::spec_text;

    fn set(path: &str, value: Value) -> Setting {
        let path = Path::parse(path).unwrap();
        let shape = if path.attribute() == "manager" && path.sub().is_none() { Shape::Reference } else { Shape::Plain };
        Setting { path, value: Some(value), shape, had_value: true }
    }

    fn clear(path: &str) -> Setting {
        Setting { value: None, ..set(path, Value::Null) }
    }

    const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

    #[test]
    fn operations_are_those_of_the_standard() {
        let street = set(r#"addresses[type eq "work"].streetAddress"#, json!("1010 Broadway Ave"));
        let Some(text) = spec_text("scim/rfc-samples/rfc7644-3.5.2.3-patch_op-replace_street_address.json") else {
            return;
        };
        let sample: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(Value::from(operations(&[street], &Deviations::default(), None)), sample["Operations"]);

        let text = spec_text("scim/rfc-samples/rfc7644-3.5.2.3-patch_op-replace_all_email_values.json").unwrap();
        let sample: Value = serde_json::from_str(&text).unwrap();
        let object = Deviations { patch_style: PatchStyle::Object, ..Deviations::default() };
        let settings = [
            set(r#"emails[type eq "work" and primary eq true].value"#, json!("bjensen@example.com")),
            set("nickname", json!("Babs")),
        ];
        let current = json!({"emails": [
            {"value": "old@example.com", "type": "work", "primary": true}, {"value": "babs@jensen.org", "type": "home"}
        ]});
        let found = operations(&settings, &object, current.as_object());
        assert_eq!(found[0]["op"], sample["Operations"][0]["op"]);
        assert_eq!(found[0]["value"], sample["Operations"][0]["value"]);

        let text = spec_text("scim/rfc-samples/rfc7644-3.5.2.2-patch_op-remove_all_members.json").unwrap();
        let sample: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(Value::from(operations(&[clear("members")], &Deviations::default(), None)), sample["Operations"]);
    }

    #[test]
    fn every_style_says_the_same() {
        let standard = Deviations::default();
        let settings = [set("title", json!("Lead")), set("name.givenName", json!("Ines")), clear("nickName")];
        let enterprise = super::super::path::ENTERPRISE;
        for (deviations, settings, expected) in [
            (
                standard.clone(),
                settings.to_vec(),
                json!([
                    {"op": "replace", "path": "title", "value": "Lead"},
                    {"op": "replace", "path": "name.givenName", "value": "Ines"},
                    {"op": "remove", "path": "nickName"}
                ]),
            ),
            (
                Deviations { capital_operations: true, clear: Clear::Empty, ..standard.clone() },
                settings.to_vec(),
                json!([
                    {"op": "Replace", "path": "title", "value": "Lead"},
                    {"op": "Replace", "path": "name.givenName", "value": "Ines"},
                    {"op": "Replace", "path": "nickName", "value": ""}
                ]),
            ),
            (
                Deviations { patch_style: PatchStyle::Object, clear: Clear::Null, ..standard.clone() },
                settings.to_vec(),
                json!([{"op": "replace", "value": {"title": "Lead", "name": {"givenName": "Ines"}, "nickName": null}}]),
            ),
            (
                Deviations { patch_style: PatchStyle::Dotted, ..standard.clone() },
                settings.to_vec(),
                json!([
                    {"op": "remove", "path": "nickName"},
                    {"op": "replace", "value": {"title": "Lead", "name.givenName": "Ines"}}
                ]),
            ),
            (
                Deviations { patch_style: PatchStyle::ExtensionObject, ..standard.clone() },
                vec![
                    set(&format!("{enterprise}:department"), json!("Ops")),
                    set("title", json!("Lead")),
                    set(MANAGER, json!({"value": "412"})),
                ],
                json!([
                    {"op": "replace", "path": "title", "value": "Lead"},
                    {"op": "replace", "path": enterprise, "value": {"department": "Ops", "manager": {"value": "412"}}}
                ]),
            ),
            (
                standard.clone(),
                vec![set(MANAGER, json!({"value": "412"}))],
                json!([{"op": "replace", "path": MANAGER, "value": {"value": "412"}}]),
            ),
            (
                Deviations { manager: ManagerForm::Value, ..standard.clone() },
                vec![set(MANAGER, json!({"value": "412"})), clear(MANAGER)],
                json!([
                    {"op": "replace", "path": format!("{MANAGER}.value"), "value": "412"},
                    {"op": "remove", "path": MANAGER}
                ]),
            ),
            (
                Deviations { manager: ManagerForm::Text, clear: Clear::Empty, ..standard },
                vec![set(MANAGER, json!({"value": "412"})), clear(MANAGER)],
                json!([
                    {"op": "replace", "path": MANAGER, "value": "412"}, {"op": "replace", "path": MANAGER, "value": ""}
                ]),
            ),
        ] {
            assert_eq!(Value::from(operations(&settings, &deviations, None)), expected);
        }
    }

    #[test]
    fn an_item_that_does_not_exist_is_added_whole() {
        let settings: Vec<Setting> = [
            set(r#"addresses[type eq "work"].locality"#, json!("London")),
            set(r#"addresses[type eq "work"].country"#, json!("GB")),
            clear(r#"emails[type eq "home"].value"#),
        ]
        .map(|setting| Setting { had_value: false, ..setting })
        .into();
        let standard = Deviations::default();
        assert!(needs_current(&settings, &standard));
        let empty = Resource::new();
        assert_eq!(
            Value::from(operations(&settings, &standard, Some(&empty))),
            json!([{"op": "add", "path": "addresses", "value": [{"type": "work", "locality": "London", "country": "GB"}]}])
        );
        // It exists already, without those parts: a second item would be one too many.
        let current =
            json!({"addresses": [{"type": "work", "region": "X"}], "emails": [{"type": "home", "value": "h"}]});
        assert_eq!(
            Value::from(operations(&settings, &standard, current.as_object())),
            json!([
                {"op": "replace", "path": r#"addresses[type eq "work"].locality"#, "value": "London"},
                {"op": "replace", "path": r#"addresses[type eq "work"].country"#, "value": "GB"},
                {"op": "remove", "path": r#"emails[type eq "home"]"#}
            ])
        );
    }

    #[test]
    fn a_service_without_filtered_paths_gets_the_list_with_everything_that_was_in_it() {
        let deviations = Deviations { filtered_paths: false, primary: true, ..Deviations::default() };
        let settings = [set(r#"emails[type eq "work"].value"#, json!("new@example.com"))];
        assert!(needs_current(&settings, &deviations));
        let current = json!({"emails": [{"type": "home", "value": "h@example.com", "primary": true}]});
        assert_eq!(
            Value::from(operations(&settings, &deviations, current.as_object())),
            json!([{"op": "replace", "path": "emails", "value": [
                {"type": "home", "value": "h@example.com", "primary": true}, {"type": "work", "value": "new@example.com"}
            ]}])
        );
    }

    #[test]
    fn what_is_sent_as_an_object_takes_along_what_stands_around_it() {
        let enterprise = super::super::path::ENTERPRISE;
        let current = json!({
            "name": {"givenName": "Ines", "familyName": "Sand"},
            "title": "Engineer",
            enterprise: {
                "department": "IT", "costCenter": "4711",
                "manager": {"value": "9", "displayName": "Mira Osei", "$ref": "../Users/9"}
            }
        });
        let settings = [
            set("name.familyName", json!("Berg")),
            set("title", json!("Lead")),
            set(&format!("{enterprise}:department"), json!("Ops")),
            clear(&format!("{enterprise}:costCenter")),
        ];
        let object = Deviations { patch_style: PatchStyle::Object, ..Deviations::default() };
        assert!(needs_current(&settings, &object) && needs_current(&settings[2..3], &object));
        assert!(!needs_current(&settings[1..2], &object) && !needs_current(&settings[3..], &object));
        assert_eq!(
            Value::from(operations(&settings, &object, current.as_object())),
            json!([
                {"op": "remove", "path": format!("{enterprise}:costCenter")},
                {"op": "replace", "value": {
                    "name": {"givenName": "Ines", "familyName": "Berg"},
                    "title": "Lead",
                    enterprise: {"department": "Ops", "manager": {"value": "9"}}
                }}
            ])
        );
        let extension = Deviations { patch_style: PatchStyle::ExtensionObject, ..Deviations::default() };
        assert!(needs_current(&settings[2..3], &extension) && !needs_current(&settings[..2], &extension));
        assert_eq!(
            Value::from(operations(&settings[2..], &extension, current.as_object())),
            json!([
                {"op": "remove", "path": format!("{enterprise}:costCenter")},
                {"op": "replace", "path": enterprise, "value": {"department": "Ops", "manager": {"value": "9"}}}
            ])
        );
    }
}
