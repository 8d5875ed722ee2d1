//! The ticket-sidebar widget: an app folder for the Freshworks platform 3.0 that shows the synced fields of a
//! ticket's requester.
//!
//! It is written as a source folder; packing and uploading are the vendor's own tool's job. It holds no secret.

mod check;

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::code::Code;
use crate::section::{Located, Table};
use crate::words::known;

use super::fields::{self, CUSTOM, DEPARTMENTS, LOCATION};
use crate::targets::FieldLookup;

pub use check::check;

/// `[targets.NAME.widget]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widget {
    /// Whether it may be built.
    pub enabled: bool,
    /// The fields to show, in order; each is mapped.
    pub fields: Vec<Box<str>>,
    /// The first part of the account's address, when the file names it.
    pub account: Option<Box<str>>,
}

/// Versions of the vendor's tools that the manifest asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engines {
    /// Of `fdk`.
    pub fdk: String,
    pub node: String,
}

impl Default for Engines {
    /// The pair in the vendor's current templates.
    fn default() -> Self {
        Self { fdk: "9.7.4".into(), node: "18.20.8".into() }
    }
}

/// The files of an app by their paths in its folder.
pub type Files = BTreeMap<&'static str, String>;

/// The key of the widget in the section of its target.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    /// The app that shows fields of a requester beside a ticket
    widget: Option<Keys>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Keys {
    /// Whether `widget build` may write it
    #[serde(default)]
    enabled: bool,
    /// The mapped fields that agents see
    #[schemars(example = &["job_title", "department_ids"])]
    fields: Located<Vec<Located<String>>>,
}

/// Reads `widget`, if the section has it. The account is set by the caller.
pub(super) fn read(section: &Table<'_>) -> Option<Widget> {
    let Keys { enabled, fields: named } = section.read::<Section>()?.widget?;
    let wrong = |span: &Range<usize>, why: String| {
        section.problems().error(span.clone(), Code::WrongValue, format!("{} {why}", section.name_of("widget.fields")));
    };
    if named.value.is_empty() {
        wrong(&named.span, "is empty; name the fields that agents should see".into());
    }
    let mut fields: Vec<Box<str>> = Vec::new();
    for field in &named.value {
        match refusal(&field.value, &fields, section) {
            Some(why) => wrong(&field.span, format!("cannot show it: {why}")),
            None => fields.push(field.value.as_str().into()),
        }
    }
    Some(Widget { enabled, fields, account: None })
}

/// Why a field cannot be shown.
fn refusal(name: &str, before: &[Box<str>], section: &Table<'_>) -> Option<String> {
    if before.iter().any(|known| **known == *name) {
        return Some(format!("`{name}` is named twice"));
    }
    if fields::lookup(name, section.zones()) == FieldLookup::Unknown {
        let all = fields::known_fields(section.zones());
        return Some(format!("there is no field `{name}`; {}", known(name, all.iter().map(|field| &*field.name))));
    }
    (!is_mapped(name, section)).then(|| format!("`{name}` is not mapped, so nothing keeps it in line; map it first"))
}

/// Whether the mapping beside the widget fills a field; custom ones may be written as a table of their own.
fn is_mapped(name: &str, section: &Table<'_>) -> bool {
    let Some(mapping) = section.raw("mapping").and_then(|value| value.get_ref().as_table()) else {
        // That the mapping is missing is a problem of its own.
        return true;
    };
    let below = name.strip_prefix(CUSTOM).and_then(|rest| {
        let (_, group) = mapping.iter().find(|(key, _)| key.get_ref() == CUSTOM.trim_end_matches('.'))?;
        group.get_ref().as_table()?.iter().find(|(key, _)| key.get_ref() == rest)
    });
    below.is_some() || mapping.iter().any(|(key, _)| key.get_ref() == name)
}

/// The folder of the app: path and content of every file.
pub fn build(widget: &Widget, engines: &Engines) -> Files {
    let labels = labels(&widget.fields);
    let table: Vec<Value> = widget
        .fields
        .iter()
        .zip(&labels)
        .map(|(field, label)| json!({"key": field, "label": label, "kind": kind(field)}))
        .collect();
    let list: Vec<String> = labels.iter().map(|label| format!("- {label}")).collect();
    let readme = include_str!("README.md")
        .replace("__LABELS__", &list.join("\n"))
        .replace("__FDK__", &engines.fdk)
        .replace("__NODE__", &engines.node);
    Files::from([
        ("manifest.json", pretty(&manifest(engines))),
        ("config/requests.json", pretty(&requests())),
        ("config/iparams.json", pretty(&iparams(widget, &labels))),
        (".fdk/configs.json", pretty(&json!({"global_apps": {"enabled": "true"}}))),
        ("app/index.html", include_str!("index.html").into()),
        (
            "app/scripts/app.js",
            include_str!("app.js").replace("__FIELDS__", pretty(&table.into()).replace('\n', "\n  ").trim_end()),
        ),
        ("app/styles/style.css", include_str!("style.css").into()),
        ("app/styles/images/icon.svg", include_str!("icon.svg").into()),
        ("README.md", readme),
    ])
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The names of the request templates with the paths they read.
const REQUESTS: [(&str, &str); 4] = [
    ("getRequester", "/api/v2/requesters/"),
    ("getAgent", "/api/v2/agents/"),
    ("getDepartment", "/api/v2/departments/"),
    ("getLocation", "/api/v2/locations/"),
];

fn manifest(engines: &Engines) -> Value {
    let requests: serde_json::Map<String, Value> =
        REQUESTS.iter().map(|(name, _)| ((*name).to_owned(), json!({}))).collect();
    json!({
        "platform-version": "3.0",
        "modules": {
            "common": {"requests": requests},
            "service_ticket": {
                "location": {"ticket_sidebar": {"url": "index.html", "icon": "styles/images/icon.svg"}}
            }
        },
        "engines": {"node": engines.node, "fdk": engines.fdk}
    })
}

fn requests() -> Value {
    let template = |path: &str| {
        json!({
            "schema": {
                "protocol": "https",
                "method": "GET",
                "host": "<%= iparam.subdomain %>.freshservice.com",
                "path": format!("{path}<%= context.id %>"),
                "headers": {
                    "Authorization": "Basic <%= encode(iparam.api_key) %>",
                    "Content-Type": "application/json"
                }
            },
            "options": {"maxAttempts": 2, "retryDelay": 500}
        })
    };
    REQUESTS.iter().map(|(name, path)| ((*name).to_owned(), template(path))).collect::<serde_json::Map<_, _>>().into()
}

fn iparams(widget: &Widget, labels: &[String]) -> Value {
    let mut subdomain = json!({
        "display_name": "Freshservice account",
        "description": "The first part of your address: acme for acme.freshservice.com",
        "type": "text",
        "required": true
    });
    if let Some(account) = &widget.account {
        subdomain["default_value"] = json!(account);
    }
    json!({
        "subdomain": subdomain,
        "api_key": {
            "display_name": "API key",
            "description": "Of an agent who may view requesters; it is stored encrypted and never shown again",
            "type": "text",
            "required": true,
            "secure": true
        },
        "enabled": {
            "display_name": "Show the widget",
            "description": "Whether tickets show it",
            "type": "checkbox",
            "default_value": true
        },
        "fields": {
            "display_name": "Fields",
            "description": "What tickets show of their requester",
            "type": "multiselect",
            "options": labels,
            "default_value": labels
        }
    })
}

/// How the page finds the value of a field.
fn kind(field: &str) -> &'static str {
    match field {
        DEPARTMENTS => "departments",
        LOCATION => "location",
        "reporting_manager_id" => "person",
        _ => "value",
    }
}

/// The labels of the fields, each once: the chosen ones are told by their labels.
fn labels(fields: &[Box<str>]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::with_capacity(fields.len());
    for field in fields {
        let label = label(field);
        labels.push(if labels.contains(&label) { format!("{label} ({field})") } else { label });
    }
    labels
}

/// A field as agents read it.
fn label(field: &str) -> String {
    match field {
        "primary_email" => "E-mail".into(),
        "secondary_emails" => "Other e-mail addresses".into(),
        "work_phone_number" => "Work phone".into(),
        "mobile_phone_number" => "Mobile phone".into(),
        DEPARTMENTS => "Department".into(),
        LOCATION => "Location".into(),
        "reporting_manager_id" => "Reporting manager".into(),
        "external_id" => "External ID".into(),
        fields::SEES_ALL_TICKETS => "Sees all tickets of the department".into(),
        other => {
            let words = other.strip_prefix(CUSTOM).unwrap_or(other).replace('_', " ");
            let mut letters = words.trim().chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use toml::de::DeTable;

    use super::*;
    use crate::section::{Context, Problems, SecretMode, SecretReader};

    fn widget(fields: &[&str]) -> Widget {
        Widget {
            enabled: true,
            fields: fields.iter().map(|field| (*field).into()).collect(),
            account: Some("acme".into()),
        }
    }

    fn load(text: &str) -> Result<Option<Widget>, Vec<String>> {
        let problems = Problems::new(text);
        let secrets = SecretReader::new(&|_| None, Path::new("."), SecretMode::Read);
        let parsed = DeTable::parse(text).expect("TOML");
        let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
        let table = Table::new("targets.desk", parsed.span(), parsed.get_ref(), context);
        let found = read(&table);
        // The mapping is read by whoever reads the rest of the section.
        table.raw("mapping");
        table.finish();
        let problems: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
        if problems.is_empty() { Ok(found) } else { Err(problems) }
    }

    #[test]
    fn the_section_names_mapped_fields() {
        let mapping = "[mapping]\njob_title = \"position\"\n\"custom_fields.badge\" = \"team\"\ncustom_fields.desk = \"office\"\n";
        let found = load(&format!(
            "{mapping}[widget]\nenabled = true\nfields = [\"job_title\", \"custom_fields.badge\", \"custom_fields.desk\"]\n"
        ));
        let fields = ["job_title", "custom_fields.badge", "custom_fields.desk"];
        assert_eq!(found, Ok(Some(Widget { account: None, ..widget(&fields) })));
        assert_eq!(load(mapping), Ok(None));
        assert!(!load(&format!("{mapping}[widget]\nfields = [\"job_title\"]\n")).unwrap().unwrap().enabled);
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        let text = "[mapping]\njob_title = \"position\"\n[widget]\nenable = true\nfields = [\"job_titel\", \"address\", \"job_title\", \"job_title\"]\n";
        let problems = load(text).unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:#?}");
        assert!(problems[0].starts_with("4:1: error: [targets.desk.widget] does not know `enable`"), "{problems:#?}");
        assert!(problems[1].contains("5:11") && problems[1].contains("did you mean `job_title`?"), "{problems:#?}");
        assert!(problems[2].contains("`address` is not mapped"), "{problems:#?}");
        assert!(problems[3].contains("named twice"), "{problems:#?}");
        let none = load("[mapping]\njob_title = \"position\"\n[widget]\nfields = []\n").unwrap_err();
        assert!(none[0].contains("is empty"), "{none:?}");
        assert!(load("[widget]\nenabled = true\n").unwrap_err()[0].contains("`targets.desk.widget.fields` is missing"));
    }

    #[test]
    fn the_folder_keeps_the_platforms_rules() {
        for fields in [&["job_title"][..], &["primary_email", "department_ids", "custom_fields.a\"b</script>\u{2028}"]]
        {
            let files = build(&widget(fields), &Engines::default());
            assert_eq!(check(&files), Vec::<String>::new());
            let table = files["app/scripts/app.js"].split("const FIELDS = ").nth(1).unwrap();
            let table: Value = serde_json::from_str(table.split(";\n").next().unwrap()).unwrap();
            let keys: Vec<&str> = table.as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
            assert_eq!(keys, fields);
        }
    }

    #[test]
    fn labels_are_for_people_and_differ() {
        let fields = ["job_title", "department_ids", "custom_fields.job_title", "custom_fields.cost_center"];
        let fields: Vec<Box<str>> = fields.iter().map(|field| (*field).into()).collect();
        assert_eq!(labels(&fields), ["Job title", "Department", "Job title (custom_fields.job_title)", "Cost center"]);
    }

    #[test]
    fn versions_and_account_stand_where_they_belong_and_secrets_nowhere() {
        let files = build(&widget(&["job_title"]), &Engines { fdk: "10.1.2".into(), node: "24.11.0".into() });
        assert!(files["manifest.json"].contains("\"fdk\": \"10.1.2\""));
        assert!(files["README.md"].contains("10.1.2") && !files["README.md"].contains("__"));
        let iparams: Value = serde_json::from_str(&files["config/iparams.json"]).unwrap();
        assert_eq!(iparams["subdomain"]["default_value"], "acme");
        assert_eq!(iparams["api_key"]["secure"], true);
        assert!(iparams["api_key"].get("default_value").is_none());
    }
}
