//! What a service says of itself: `/ServiceProviderConfig`, `/Schemas`, `/ResourceTypes`.
//!
//! Many services leave these out, or say more than they keep. Whatever is missing or cannot be read counts
//! as not said, and the file prevails over all of it.

use serde_json::Value;

use crate::field::{Access, FieldKind, FieldSpec};
use crate::targets::FieldLookup;

use super::bulk::Limits;
use super::fields::{lookup, suggestion};
use super::path::{CORE, Path, get};
use super::wire::{Field, Resource, Shape, boolean, plain_text, whole};

/// What a service says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Discovery {
    /// PATCH is supported; `None` when it does not say.
    pub(crate) patch: Option<bool>,
    pub(crate) etag: bool,
    /// Filters are supported; `None` when it does not say.
    pub(crate) filter: Option<bool>,
    /// The most results of one query.
    pub(crate) max_results: Option<u64>,
    /// Lists are paged by cursor unless asked otherwise (RFC 9865).
    pub(crate) cursor: bool,
    /// Several changes may come in one request; `None` unless it says so.
    pub(crate) bulk: Option<Limits>,
    pub(crate) users: Option<String>,
    /// The schemas that extend users; `None` when it does not say.
    pub(crate) extensions: Option<Vec<String>>,
    pub(crate) schemas: Vec<Schema>,
}

/// A schema with its attributes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schema {
    pub(crate) id: String,
    pub(crate) attributes: Vec<Attribute>,
}

/// What is said of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) list: bool,
    pub(crate) required: bool,
    pub(crate) mutability: String,
    pub(crate) returned: String,
    pub(crate) values: Vec<String>,
    pub(crate) parts: Vec<Attribute>,
}

impl Discovery {
    /// Reads `/ServiceProviderConfig`.
    pub(crate) fn config(&mut self, document: &Resource) {
        let supported = |name: &str| {
            get(document, name).and_then(Value::as_object).and_then(|part| get(part, "supported")).and_then(boolean)
        };
        self.patch = supported("patch");
        self.etag = supported("etag").unwrap_or(false);
        self.filter = supported("filter");
        let number = |name: &str, key: &str| {
            get(document, name).and_then(Value::as_object).and_then(|part| get(part, key)).and_then(whole)
        };
        self.bulk = (supported("bulk") == Some(true))
            .then(|| Limits { operations: number("bulk", "maxOperations"), bytes: number("bulk", "maxPayloadSize") });
        let pagination = get(document, "pagination").and_then(Value::as_object);
        self.max_results = [number("filter", "maxResults"), number("pagination", "maxPageSize")]
            .into_iter()
            .flatten()
            .filter(|most| *most > 0)
            .min();
        if let Some(pagination) = pagination {
            let cursor = get(pagination, "cursor").and_then(boolean).unwrap_or(false);
            let index = get(pagination, "index").and_then(boolean).unwrap_or(true);
            let preferred = get(pagination, "defaultPaginationMethod").and_then(Value::as_str);
            self.cursor = cursor && (!index || preferred.is_some_and(|word| word.eq_ignore_ascii_case("cursor")));
        }
    }

    /// Reads `/ResourceTypes`: where users are.
    pub(crate) fn resource_types(&mut self, document: &Value) {
        let user = resources(document).find(|kind| {
            let text = |key| get(kind, key).and_then(Value::as_str).unwrap_or_default();
            text("schema").eq_ignore_ascii_case(CORE) || text("name").eq_ignore_ascii_case("user")
        });
        self.extensions = user.and_then(|kind| {
            let extensions = get(kind, "schemaExtensions")?.as_array()?.iter().filter_map(Value::as_object);
            Some(extensions.filter_map(|extension| Some(get(extension, "schema")?.as_str()?.to_owned())).collect())
        });
        // Only a plain path is taken: an address may name another host.
        self.users = user.and_then(|kind| get(kind, "endpoint")?.as_str()).and_then(|endpoint| {
            let endpoint = endpoint.trim_end_matches('/');
            let plain = endpoint.starts_with('/')
                && !endpoint.starts_with("//")
                && !endpoint.contains("..")
                && endpoint.chars().all(|letter| letter.is_ascii_alphanumeric() || "/-_.".contains(letter));
            plain.then(|| endpoint.to_owned())
        });
    }

    /// Reads `/Schemas`.
    pub(crate) fn schemas(&mut self, document: &Value) {
        self.schemas = resources(document)
            .filter_map(|schema| {
                let id = get(schema, "id")?.as_str()?.to_owned();
                let attributes = attributes(get(schema, "attributes"));
                (!attributes.is_empty()).then_some(Schema { id, attributes })
            })
            .collect();
    }

    /// Fits a field to what the service says of its attribute. Returns what an operator should know.
    ///
    /// # Errors
    ///
    /// When the service has no such attribute, or it cannot be mapped in this form.
    pub(crate) fn refine(&self, field: &mut Field) -> Result<Option<String>, String> {
        let name = field.spec.name.clone();
        // Common to all resources, not part of a schema (RFC 7643, section 3.1).
        let common = ["id", "externalId", "meta", "schemas"];
        if field.path.urn().is_none() && common.iter().any(|common| field.path.attribute().eq_ignore_ascii_case(common))
        {
            return Ok(None);
        }
        let wanted = field.path.urn().unwrap_or(CORE);
        let Some(schema) = self.schemas.iter().find(|schema| schema.id.eq_ignore_ascii_case(wanted)) else {
            // A service that describes its core attributes and not this extension does not have it.
            let described = self.schemas.iter().any(|schema| schema.id.eq_ignore_ascii_case(CORE));
            return match field.path.urn() {
                Some(urn) if described => {
                    Err(format!("the service has no schema `{urn}`, which `{name}` belongs to{}", {
                        suggestion(urn, self.schemas.iter().map(|schema| schema.id.as_str()))
                    }))
                }
                _ => Ok(None),
            };
        };
        let known = |attributes: &[Attribute], wanted: &str| {
            attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(wanted)).cloned()
        };
        let Some(attribute) = known(&schema.attributes, field.path.attribute()) else {
            return Err(format!(
                "the service has no attribute `{name}`{}",
                suggestion(field.path.attribute(), schema.attributes.iter().map(|attribute| attribute.name.as_str()))
            ));
        };
        let part = match field.path.sub() {
            None => None,
            Some(sub) => Some(known(&attribute.parts, sub).ok_or_else(|| {
                format!(
                    "the service's `{}` has no part `{sub}`{}",
                    attribute.name,
                    suggestion(sub, attribute.parts.iter().map(|part| part.name.as_str()))
                )
            })),
        };
        let part = match part {
            // Services often describe a list without its parts.
            Some(Err(_)) if attribute.parts.is_empty() => None,
            other => other.transpose()?,
        };
        if field.path.filter().is_some() && !attribute.list {
            return Err(format!("`{name}`: the service's `{}` is not a list", attribute.name));
        }
        if field.path.filter().is_none() && field.path.sub().is_some() && attribute.list {
            return Err(format!(
                "`{name}`: the service's `{}` is a list; say which item is meant, as in `{}[type eq \"work\"].{}`",
                attribute.name,
                attribute.name,
                field.path.sub().unwrap_or("value")
            ));
        }
        self.shape(field, &attribute, part.as_ref())?;
        let described = part.as_ref().unwrap_or(&attribute);
        let access = |attribute: &Attribute| match attribute.mutability.to_ascii_lowercase().as_str() {
            "readonly" => Access::ReadOnly,
            "immutable" | "writeonly" => Access::CreateOnly,
            _ if ["never", "request"].iter().any(|word| attribute.returned.eq_ignore_ascii_case(word)) => {
                Access::CreateOnly
            }
            _ => Access::ReadWrite,
        };
        let access = match (access(&attribute), access(described)) {
            (Access::ReadOnly, _) | (_, Access::ReadOnly) => Access::ReadOnly,
            (Access::CreateOnly, _) | (_, Access::CreateOnly) => Access::CreateOnly,
            _ => Access::ReadWrite,
        };
        let unseen = ["never", "request"].iter().any(|word| described.returned.eq_ignore_ascii_case(word));
        let known_before = field.spec.access != Access::ReadWrite;
        if !known_before {
            field.spec.access = access;
        }
        field.spec.required |= attribute.required && part.is_none();
        if unseen && access == Access::CreateOnly && !known_before {
            return Ok(Some(format!(
                "the service does not return `{name}`, so that it is set on create and not compared"
            )));
        }
        let selected = field.path.filter().and_then(super::filter::Filter::equalities).unwrap_or_default();
        for (selector, value) in selected {
            let Some(part) = known(&attribute.parts, selector) else {
                if attribute.parts.is_empty() {
                    continue;
                }
                return Ok(Some(format!(
                    "`{name}`: the service's `{}` has no part `{selector}` to select by; where it refuses that, map \
                     `{}` itself",
                    attribute.name, attribute.name
                )));
            };
            let listed = value.as_str().is_none_or(|text| {
                part.values.is_empty() || part.values.iter().any(|value| value.eq_ignore_ascii_case(text))
            });
            if !listed {
                return Ok(Some(format!(
                    "`{name}`: the service names other values for `{selector}` ({})",
                    part.values.join(", ")
                )));
            }
        }
        Ok(None)
    }

    /// Type and JSON form, as the service describes them.
    fn shape(&self, field: &mut Field, attribute: &Attribute, part: Option<&Attribute>) -> Result<(), String> {
        let name = &field.spec.name;
        let described = part.unwrap_or(attribute);
        if part.is_none() && field.path.sub().is_none() && field.path.filter().is_none() {
            if attribute.list {
                let references = field.spec.kind == FieldKind::References;
                field.spec.kind = if references { FieldKind::References } else { FieldKind::List };
                let complex = attribute.kind.eq_ignore_ascii_case("complex");
                field.shape = if complex { Shape::Values } else { Shape::Plain };
                return Ok(());
            }
            if field.spec.kind == FieldKind::List {
                return Err(format!("`{name}`: the service's `{}` is not a list", attribute.name));
            }
            if attribute.kind.eq_ignore_ascii_case("complex") && field.spec.kind != FieldKind::Account {
                return Err(format!(
                    "`{name}` has parts; name one of them: {}",
                    attribute.parts.iter().map(|part| format!("`{name}.{}`", part.name)).collect::<Vec<_>>().join(", ")
                ));
            }
            // Atlassian and others describe the manager as a plain text.
            if field.spec.kind == FieldKind::Account && !attribute.kind.eq_ignore_ascii_case("complex") {
                field.shape = Shape::Plain;
            }
        }
        if field.spec.kind != FieldKind::Text {
            return Ok(());
        }
        match described.kind.to_ascii_lowercase().as_str() {
            "boolean" => field.spec.kind = FieldKind::Bool,
            "integer" | "decimal" => field.spec.kind = FieldKind::Number,
            "datetime" => {
                field.spec.kind = FieldKind::Date;
                field.shape = Shape::DateTime;
            }
            // The parts that say which item is meant are not for people to choose.
            _ if !described.values.is_empty() && part.is_none() => {
                field.spec.kind = FieldKind::Choice;
                field.spec.choices = described.values.iter().map(|value| value.as_str().into()).collect();
            }
            _ => {}
        }
        Ok(())
    }

    /// All attributes of users, in the forms that mappings need; none when the service does not describe users.
    pub(crate) fn fields(&self) -> Vec<FieldSpec> {
        let Some(core) = self.schemas.iter().find(|schema| schema.id.eq_ignore_ascii_case(CORE)) else {
            return Vec::new();
        };
        // Common to all resources, and in no schema (RFC 7643, section 3.1).
        let common = ["id", "externalId"].map(str::to_owned);
        let own = core.attributes.iter().flat_map(|attribute| attribute.names(""));
        let extensions = self.schemas.iter().filter(|schema| self.extends_users(&schema.id));
        let extended = extensions.flat_map(|schema| {
            let prefix = format!("{}:", schema.id);
            schema.attributes.iter().flat_map(move |attribute| attribute.names(&prefix))
        });
        let mut names: Vec<String> = Vec::new();
        for name in common.into_iter().chain(own).chain(extended) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.iter().filter_map(|name| self.field(name)).collect()
    }

    fn extends_users(&self, schema: &str) -> bool {
        match &self.extensions {
            Some(extensions) => extensions.iter().any(|extension| extension.eq_ignore_ascii_case(schema)),
            // Beside extensions of users there are those of groups, and the schemas of the protocol itself.
            None => schema.to_lowercase().ends_with(":user") && !schema.eq_ignore_ascii_case(CORE),
        }
    }

    /// A field as the service describes it, if it can be mapped.
    fn field(&self, name: &str) -> Option<FieldSpec> {
        let spec = match lookup(name) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => spec,
            FieldLookup::Unknown => return None,
        };
        let mut field = Field::new(spec, Path::parse(name).ok()?);
        self.refine(&mut field).ok()?;
        Some(field.spec)
    }

    /// The attributes that an account cannot exist without, as paths.
    pub(crate) fn required(&self) -> impl Iterator<Item = Path> {
        let core = self.schemas.iter().filter(|schema| schema.id.eq_ignore_ascii_case(CORE));
        core.flat_map(|schema| &schema.attributes)
            .filter(|attribute| attribute.required && !attribute.mutability.eq_ignore_ascii_case("readOnly"))
            .filter(|attribute| !["id", "schemas", "meta", "active"].contains(&attribute.name.as_str()))
            .map(|attribute| Path::core(&attribute.name))
    }

    /// The core attributes that may not be sent.
    pub(crate) fn read_only(&self) -> impl Iterator<Item = &str> {
        let core = self.schemas.iter().filter(|schema| schema.id.eq_ignore_ascii_case(CORE));
        core.flat_map(|schema| &schema.attributes)
            .filter(|attribute| attribute.mutability.eq_ignore_ascii_case("readOnly"))
            .map(|attribute| attribute.name.as_str())
    }
}

/// The standard's lists of which a mapping names one item.
const WORK_AND_HOME: [&str; 5] = ["emails", "phoneNumbers", "ims", "photos", "addresses"];

impl Attribute {
    /// The fields that it is mapped as, behind the name of its schema: `name.givenName`, `emails[type eq "work"].value`.
    fn names(&self, schema: &str) -> Vec<String> {
        let name = format!("{schema}{}", self.name);
        let parts = || self.parts.iter().map(|part| part.name.as_str());
        if !self.kind.eq_ignore_ascii_case("complex") || self.name.eq_ignore_ascii_case("manager") {
            return vec![name];
        }
        if !self.list {
            return parts().map(|part| format!("{name}.{part}")).collect();
        }
        if !WORK_AND_HOME.contains(&self.name.as_str()) {
            return vec![name];
        }
        let types = self.parts.iter().find(|part| part.name == "type").map(|part| part.values.as_slice());
        let types = types.filter(|types| !types.is_empty()).map_or_else(|| self.usual_types(), <[String]>::to_vec);
        let values: Vec<&str> = match parts().any(|part| part == "value") {
            true => vec!["value"],
            false => parts().filter(|part| !["type", "primary", "display"].contains(part)).collect(),
        };
        let items = types.iter().flat_map(|kind| values.iter().map(move |part| (kind, part)));
        items.map(|(kind, part)| format!(r#"{name}[type eq "{kind}"].{part}"#)).collect()
    }

    /// What the items of a list are told apart by where the service does not say.
    fn usual_types(&self) -> Vec<String> {
        let types: &[&str] = match self.name.as_str() {
            "emails" | "addresses" => &["work"],
            "phoneNumbers" => &["work", "mobile"],
            _ => &[],
        };
        types.iter().map(|kind| (*kind).to_owned()).collect()
    }
}

/// The resources of a list; a bare array and a single document are taken for lists, too.
pub(crate) fn resources(document: &Value) -> Box<dyn Iterator<Item = &Resource> + '_> {
    match document {
        Value::Array(items) => Box::new(items.iter().filter_map(Value::as_object)),
        Value::Object(object) => match get(object, "Resources") {
            Some(Value::Array(items)) => Box::new(items.iter().filter_map(Value::as_object)),
            Some(_) => Box::new(std::iter::empty()),
            None => Box::new(std::iter::once(object)),
        },
        _ => Box::new(std::iter::empty()),
    }
}

fn attributes(list: Option<&Value>) -> Vec<Attribute> {
    let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(Value::as_object)
        .filter_map(|item| {
            let text = |key| get(item, key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let yes = |key| get(item, key).and_then(boolean).unwrap_or(false);
            let name = text("name");
            (!name.is_empty()).then(|| Attribute {
                name,
                kind: text("type"),
                list: yes("multiValued"),
                required: yes("required"),
                mutability: text("mutability"),
                returned: text("returned"),
                values: get(item, "canonicalValues")
                    .and_then(Value::as_array)
                    .map(|values| values.iter().filter_map(plain_text).collect())
                    .unwrap_or_default(),
                parts: attributes(get(item, "subAttributes")),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::field::FieldSpec;
    use crate::reference::spec_text;
    use crate::targets::FieldLookup;

    fn field(name: &str) -> Field {
        let spec = match super::super::fields::lookup(name) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => spec,
            FieldLookup::Unknown => FieldSpec::new(name, FieldKind::Text),
        };
        Field::new(spec, Path::parse(name).unwrap())
    }

    #[test]
    fn what_users_consist_of_is_listed_in_the_forms_of_a_mapping() {
        let text = |name: &str| json!({"name": name, "type": "string"});
        let users = json!({"id": CORE, "attributes": [
            {"name": "userName", "type": "string", "required": true},
            {"name": "name", "type": "complex", "subAttributes": [text("givenName"), text("nobody")]},
            {"name": "emails", "type": "complex", "multiValued": true, "subAttributes": [
                text("value"), {"name": "type", "type": "string", "canonicalValues": ["work", "home"]}]},
            {"name": "addresses", "type": "complex", "multiValued": true,
             "subAttributes": [text("country"), text("type"), text("primary")]},
            {"name": "roles", "type": "complex", "multiValued": true, "subAttributes": [text("value"), text("type")]},
            {"name": "badge", "type": "integer"},
        ]});
        let extension = |id: &str| {
            json!({"id": id, "attributes": [
            {"name": "shoes", "type": "string", "mutability": "immutable", "canonicalValues": ["S", "L"]}]})
        };
        let mut discovery = Discovery::default();
        assert_eq!(discovery.fields(), [], "a service that says nothing of users");
        discovery.schemas(&json!([users, extension("urn:example:2.0:User"), extension("urn:example:2.0:Printer")]));
        let names = |discovery: &Discovery| -> Vec<String> {
            discovery.fields().iter().map(|field| field.name.to_string()).collect()
        };
        let own = [
            "id",
            "externalId",
            "userName",
            "name.givenName",
            r#"emails[type eq "work"].value"#,
            r#"emails[type eq "home"].value"#,
            r#"addresses[type eq "work"].country"#,
            "roles",
            "badge",
        ];
        assert_eq!(names(&discovery), [&own[..], &["urn:example:2.0:User:shoes"]].concat());
        let fields = discovery.fields();
        assert!(fields[2].required);
        assert_eq!(fields[8].kind, FieldKind::Number);
        let shoes = &fields[9];
        assert_eq!((shoes.kind, shoes.access, shoes.choices.len()), (FieldKind::Choice, Access::CreateOnly, 2));

        // What extends users is what the service says extends them.
        discovery.resource_types(&json!([{
            "name": "User", "endpoint": "/Users", "schema": CORE,
            "schemaExtensions": [{"schema": "urn:example:2.0:Printer"}]
        }]));
        assert_eq!(names(&discovery), [&own[..], &["urn:example:2.0:Printer:shoes"]].concat());
    }

    #[test]
    fn the_standards_own_documents_are_read() {
        let sample = |file: &str| {
            spec_text(&format!("scim/rfc-samples/{file}")).map(|text| serde_json::from_str::<Value>(&text).unwrap())
        };
        let (Some(config), Some(types), Some(user), Some(enterprise)) = (
            sample("rfc7643-8.5-service_provider_configuration.json"),
            sample("rfc7644-4-list_response-resource_types.json"),
            sample("rfc7643-8.7.1-schema-user.json"),
            sample("rfc7643-8.7.1-schema-enterprise_user.json"),
        ) else {
            return;
        };
        let mut discovery = Discovery::default();
        discovery.config(config.as_object().unwrap());
        discovery.resource_types(&types);
        discovery.schemas(&json!({ "Resources": [user, enterprise] }));
        assert_eq!((discovery.patch, discovery.etag, discovery.filter), (Some(true), true, Some(true)));
        assert_eq!((discovery.max_results, discovery.users.as_deref()), (Some(200), Some("/Users")));
        assert!(!discovery.cursor);
        assert_eq!(discovery.required().map(|path| path.to_string()).collect::<Vec<_>>(), ["userName"]);
        assert!(discovery.read_only().any(|name| name == "groups"));
        // Every attribute that we know by name fits what the standard says of it.
        for spec in super::super::fields::known() {
            let mut field = field(&spec.name);
            assert_eq!(discovery.refine(&mut field), Ok(None), "{}", spec.name);
            assert_eq!((field.spec.kind, field.spec.access), (spec.kind, spec.access), "{}", spec.name);
        }
        assert_eq!(
            discovery.refine(&mut field("department")).unwrap_err(),
            "the service has no attribute `department`"
        );
    }

    #[test]
    fn a_services_own_attributes_are_checked() {
        let mut discovery = Discovery::default();
        discovery.schemas(&json!([
            {"id": CORE, "attributes": [
                {"name": "userName", "type": "string", "required": true},
                {"name": "userType", "type": "string", "canonicalValues": ["Employee", "Guest"]},
                {"name": "emails", "type": "complex", "multiValued": true, "subAttributes": [
                    {"name": "value", "type": "string"}, {"name": "type", "type": "string", "canonicalValues": ["work"]}
                ]},
                {"name": "badge", "type": "complex", "subAttributes": [{"name": "number", "type": "integer"}]},
                {"name": "tags", "type": "string", "multiValued": true},
                {"name": "title", "type": "string", "mutability": "readOnly"},
                {"name": "nickName", "type": "string", "mutability": "immutable"},
                {"name": "locale", "type": "string", "returned": "request"}
            ]},
            {"id": "urn:example:2.0:User", "attributes": [{"name": "start", "type": "dateTime"}]}
        ]));
        let refine = |name: &str| {
            let mut field = field(name);
            discovery.refine(&mut field).map(|notice| (field, notice))
        };
        let (kind, notice) = refine("userType").unwrap();
        assert_eq!((kind.spec.kind, kind.spec.choices.len(), notice), (FieldKind::Choice, 2, None));
        assert_eq!(refine("badge.number").unwrap().0.spec.kind, FieldKind::Number);
        let tags = refine("tags").unwrap().0;
        assert_eq!((tags.spec.kind, tags.shape), (FieldKind::List, Shape::Plain));
        assert_eq!(refine("title").unwrap().0.spec.access, Access::ReadOnly);
        assert_eq!(refine("nickName").unwrap().0.spec.access, Access::CreateOnly);
        let (locale, notice) = refine("locale").unwrap();
        assert_eq!(locale.spec.access, Access::CreateOnly);
        assert!(notice.unwrap().contains("does not return `locale`"));
        let start = refine("urn:example:2.0:User:start").unwrap().0;
        assert_eq!((start.spec.kind, start.shape), (FieldKind::Date, Shape::DateTime));
        assert!(refine(r#"emails[type eq "other"].value"#).unwrap().1.unwrap().contains("(work)"));
        let notice = refine(r#"emails[primary eq true].value"#).unwrap().1.unwrap();
        assert!(notice.contains("no part `primary` to select by"), "{notice}");
        for (name, why) in [
            ("badge", "`badge` has parts; name one of them: `badge.number`"),
            ("badge.numbr", "the service's `badge` has no part `numbr`; did you mean `number`?"),
            ("tags.value", "`tags.value`: the service's `tags` is a list"),
            ("displayName", "the service has no attribute `displayName`"),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
                "the service has no schema `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`",
            ),
        ] {
            let error = refine(name).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }

    #[test]
    fn nonsense_counts_as_not_said() {
        for document in [json!(null), json!([]), json!({}), json!({"Resources": "x"}), json!({"patch": true}), json!(7)]
        {
            let mut discovery = Discovery::default();
            if let Some(object) = document.as_object() {
                discovery.config(object);
            }
            discovery.schemas(&document);
            discovery.resource_types(&document);
            assert_eq!(discovery, Discovery::default(), "{document}");
        }
        let mut discovery = Discovery::default();
        discovery
            .resource_types(&json!({"Resources": [{"name": "User", "endpoint": "https://elsewhere.example/Users"}]}));
        assert_eq!(discovery.users, None);
        discovery.config(json!({"pagination": {"cursor": true, "index": false}}).as_object().unwrap());
        assert!(discovery.cursor);
    }
}
