//! The vendor's rules for an app folder, as far as they can be checked without the vendor's tool.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::Files;

/// What the platform would refuse, and what we refuse ourselves: markup made of values.
pub fn check(files: &Files) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".json")) {
        if !serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object()) {
            problems.push(format!("{path} is not one JSON object"));
        }
    }
    if !problems.is_empty() {
        return problems;
    }
    let object = |path: &str| {
        let text = files.get(path).map_or("{}", String::as_str);
        serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default()
    };
    let manifest = object("manifest.json");
    let (templates, settings) = (object("config/requests.json"), object("config/iparams.json"));
    check_manifest(&manifest, files, &mut problems);
    check_requests(&manifest, &templates, files, &mut problems);
    check_templates(&templates, &settings, &mut problems);
    check_settings(&settings, files, &mut problems);
    check_pages(files, &mut problems);
    problems
}

fn check_manifest(manifest: &Map<String, Value>, files: &Files, problems: &mut Vec<String>) {
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            problems.push(format!("manifest.json: {what}"));
        }
    };
    expect(manifest.get("platform-version") == Some(&Value::from("3.0")), "platform-version must be 3.0");
    expect(!manifest.contains_key("product"), "`product` belongs to older platforms; use `modules`");
    expect(!manifest.contains_key("whitelisted-domains"), "`whitelisted-domains` belongs to older platforms");
    for engine in ["node", "fdk"] {
        let version = manifest.get("engines").and_then(|engines| engines.get(engine)).and_then(Value::as_str);
        let is_version = version.is_some_and(|version| {
            version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok())
        });
        expect(is_version, &format!("engines.{engine} must be a version such as 1.2.3"));
    }
    let none = Map::new();
    let modules = manifest.get("modules").and_then(Value::as_object).unwrap_or(&none);
    expect(modules.keys().any(|name| name != "common"), "at least one module beside `common` is needed");
    for (name, module) in modules {
        let Some(location) = module.get("location") else { continue };
        let places = location.as_object().unwrap_or(&none);
        expect(!places.is_empty(), &format!("`{name}` has an empty location"));
        for (place, what) in places {
            expect(
                place != "ticket_sidebar" || name == "service_ticket",
                &format!("`{place}` belongs to service_ticket, not to `{name}`"),
            );
            for key in ["url", "icon"] {
                let file = what.get(key).and_then(Value::as_str).unwrap_or_default();
                let there = files.contains_key(format!("app/{file}").as_str());
                expect(there, &format!("{key} of `{place}` is no file below app/"));
            }
        }
    }
}

/// Every request has its name in three places.
fn check_requests(
    manifest: &Map<String, Value>,
    templates: &Map<String, Value>,
    files: &Files,
    problems: &mut Vec<String>,
) {
    let declared = manifest.get("modules").and_then(|modules| modules.get("common")?.get("requests")?.as_object());
    let none = Map::new();
    let declared = declared.unwrap_or(&none);
    let scripts: Vec<&String> = files.iter().filter(|(path, _)| path.ends_with(".js")).map(|(_, text)| text).collect();
    let is_called = |name: &str| {
        let call = format!("invokeTemplate('{name}'");
        scripts.iter().any(|script| script.contains(&call))
    };
    for name in declared.keys().chain(templates.keys()) {
        if !declared.contains_key(name) {
            problems.push(format!("the request `{name}` is not declared in manifest.json"));
        }
        if !templates.contains_key(name) {
            problems.push(format!("the request `{name}` has no template in config/requests.json"));
        }
        if !is_called(name) {
            problems.push(format!("the request `{name}` is never called"));
        }
    }
    for script in scripts {
        for call in script.split("invokeTemplate('").skip(1) {
            let name = call.split('\'').next().unwrap_or_default();
            if !declared.contains_key(name) {
                problems.push(format!("a script calls the request `{name}`, which is not declared"));
            }
        }
    }
}

fn check_templates(templates: &Map<String, Value>, settings: &Map<String, Value>, problems: &mut Vec<String>) {
    for (name, template) in templates {
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                problems.push(format!("config/requests.json: `{name}`: {what}"));
            }
        };
        let text = |key: &str| template["schema"][key].as_str().unwrap_or_default();
        let (host, path) = (text("host"), text("path"));
        expect(is_bare_host(host), "host must be a bare domain name");
        expect(path.starts_with('/'), "path must begin with /");
        expect(template["schema"].get("body").is_none(), "a body is not allowed in the schema");
        let secure = |part: &str| {
            substituted(part).iter().any(|setting| settings.get(*setting).is_some_and(|one| one["secure"] == true))
        };
        expect(!secure(host) && !secure(path), "secure settings may stand in headers only");
        for setting in substituted(&template["schema"].to_string()) {
            expect(settings.contains_key(setting), &format!("there is no setting `{setting}`"));
        }
        let attempts = template["options"]["maxAttempts"].as_u64().unwrap_or(1);
        expect((1..=5).contains(&attempts), "maxAttempts must be 1 to 5");
        let delay = template["options"]["retryDelay"].as_u64().unwrap_or(0);
        expect(delay <= 1500 && delay.is_multiple_of(100), "retryDelay must be a multiple of 100, at most 1500");
    }
}

/// The settings that a template puts in.
fn substituted(text: &str) -> Vec<&str> {
    let name = |rest: &'_ str| rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    text.split("iparam.").skip(1).map(|rest| &rest[..name(rest).unwrap_or(rest.len())]).collect()
}

/// Without scheme, port and path; not an address in numbers. Settings may stand for parts of it.
fn is_bare_host(host: &str) -> bool {
    let mut plain = String::new();
    let mut rest = host;
    while let Some((before, after)) = rest.split_once("<%=") {
        let Some((_, after)) = after.split_once("%>") else { return false };
        plain.push_str(before);
        plain.push('x');
        rest = after;
    }
    plain.push_str(rest);
    let label =
        |part: &str| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    plain.contains('.') && plain.split('.').all(label) && plain.parse::<IpAddr>().is_err()
}

fn check_settings(settings: &Map<String, Value>, files: &Files, problems: &mut Vec<String>) {
    let as_json = files.contains_key("config/iparams.json");
    let as_page = files.contains_key("config/iparams.html");
    if as_json == as_page {
        problems.push("exactly one of config/iparams.json and config/iparams.html is needed".into());
    }
    const TYPES: [&str; 13] = [
        "text",
        "paragraph",
        "dropdown",
        "email",
        "number",
        "phone_number",
        "date",
        "url",
        "radio",
        "checkbox",
        "multiselect",
        "domain",
        "api_key",
    ];
    for (name, setting) in settings {
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                problems.push(format!("config/iparams.json: `{name}`: {what}"));
            }
        };
        expect(setting["display_name"].as_str().is_some_and(|text| !text.is_empty()), "display_name is missing");
        let kind = setting["type"].as_str().unwrap_or_default();
        expect(TYPES.contains(&kind), "there is no such type");
        expect(setting["secure"] != true || setting.get("default_value").is_none(), "a secret must not have a default");
        let options = setting["options"].as_array().map(Vec::as_slice).unwrap_or_default();
        if matches!(kind, "dropdown" | "radio") {
            expect(options.contains(&setting["default_value"]), "default_value must be one of the options");
        }
        if kind == "multiselect" {
            let chosen = setting["default_value"].as_array().map(Vec::as_slice).unwrap_or_default();
            expect(!options.is_empty() && chosen.iter().all(|one| options.contains(one)), "an option is missing");
        }
    }
}

fn check_pages(files: &Files, problems: &mut Vec<String>) {
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("app/")) {
        if path.ends_with(".html") && !text.contains("<script src=\"{{{appclient}}}\"></script>") {
            problems.push(format!("{path} does not load the client"));
        }
        for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            if text.contains(markup) {
                problems.push(format!("{path} uses {markup}, through which a value could become markup"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Engines, Widget, build};
    use super::*;

    fn files() -> Files {
        let widget = Widget { enabled: true, fields: vec!["job_title".into()], account: None };
        build(&widget, &Engines::default())
    }

    #[test]
    fn each_broken_rule_is_told() {
        for (path, old, new, expected) in [
            ("manifest.json", "\"3.0\"", "\"2.3\"", "platform-version must be 3.0"),
            ("manifest.json", "\"modules\"", "\"product\"", "use `modules`"),
            ("manifest.json", "\"modules\"", "\"product\"", "beside `common`"),
            ("manifest.json", "\"engines\"", "\"whitelisted-domains\"", "older platforms"),
            ("manifest.json", "\"9.7.4\"", "\"latest\"", "engines.fdk"),
            ("manifest.json", "\"service_ticket\"", "\"service_user\"", "belongs to service_ticket"),
            ("manifest.json", "icon.svg", "icon.png", "icon of `ticket_sidebar` is no file"),
            ("manifest.json", "\"getAgent\"", "\"getBoss\"", "`getAgent` is not declared"),
            ("manifest.json", "\"getAgent\"", "\"getBoss\"", "`getBoss` has no template"),
            ("manifest.json", "\"getAgent\"", "\"getBoss\"", "`getBoss` is never called"),
            (
                "app/scripts/app.js",
                "invokeTemplate('getAgent'",
                "invokeTemplate('getBoss'",
                "calls the request `getBoss`",
            ),
            ("manifest.json", "{", "[{", "not one JSON object"),
            ("config/requests.json", "\"<%= iparam.subdomain %>.fresh", "\"https://acme.fresh", "bare domain name"),
            ("config/requests.json", "<%= iparam.subdomain %>.freshservice.com", "192.0.2.1", "bare domain name"),
            ("config/requests.json", "service.com\"", "service.com/api\"", "bare domain name"),
            ("config/requests.json", "\"/api", "\"api", "path must begin with /"),
            ("config/requests.json", "\"method\"", "\"body\"", "body is not allowed"),
            ("config/requests.json", "/requesters/", "/<%= iparam.api_key %>/", "headers only"),
            ("config/requests.json", "encode(iparam.api_key)", "encode(iparam.token)", "no setting `token`"),
            ("config/requests.json", "500", "550", "retryDelay"),
            ("config/requests.json", "\"maxAttempts\": 2", "\"maxAttempts\": 6", "maxAttempts"),
            ("config/iparams.json", "\"checkbox\"", "\"switch\"", "no such type"),
            ("config/iparams.json", "\"type\": \"checkbox\"", "\"type\": \"dropdown\"", "one of the options"),
            ("config/iparams.json", "\"secure\": true", "\"secure\": true, \"default_value\": \"k\"", "must not have"),
            ("app/index.html", "{{{appclient}}}", "client.js", "does not load the client"),
            ("app/scripts/app.js", "term.textContent", "term.innerHTML", "innerHTML"),
        ] {
            let mut files = files();
            let text = files.get_mut(path).expect("a file of the app");
            assert!(text.contains(old), "{path} holds {old}");
            *text = text.replace(old, new);
            let problems = check(&files);
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:#?}");
        }
        for gone in ["app/styles/images/icon.svg", "config/iparams.json"] {
            let mut files = files();
            files.remove(gone);
            assert_ne!(check(&files), Vec::<String>::new(), "{gone}");
        }
    }
}
