//! The widget as `widget build` writes it, run in a real browser with a stand-in for the vendor's client.

#![expect(clippy::disallowed_methods, reason = "which machine this is decides what can be tested on it")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

mod browser;

use browser::browser;

const FILE: &str = r#"
[personio]
client_id = { env = "NOT_SET" }
client_secret = { env = "NOT_SET" }
attributes = ["first_name", "email", "position", "department", "office", "supervisor", "hire_date", "dynamic_1"]

[targets.service-desk]
type = "freshservice"
domain = "acme"
api_key = "k3y-never-in-files"

[targets.service-desk.mapping]
first_name = "first_name"
primary_email = "email"
job_title = "position"
department_ids = "department"
location_id = "office"
reporting_manager_id = "supervisor"
"custom_fields.first_day" = "hire_date"
"custom_fields.remote" = "dynamic_1"

[targets.service-desk.widget]
enabled = true
fields = [
    "job_title", "primary_email", "department_ids", "location_id", "reporting_manager_id",
    "custom_fields.first_day", "custom_fields.remote",
]
"#;

/// Stands in for the vendor's client: answers from a table, notes what it was asked, and tells what the page shows.
const CLIENT: &str = r#"
const world = __WORLD__;
const asked = [];
const client = {
  events: { on: (name, handler) => { if (name === 'app.activated') { handler(); } } },
  data: { get: async (name) => { asked.push('data ' + name); return world.data; } },
  iparams: { get: async () => world.iparams },
  instance: { resize: async (size) => { asked.push('resize'); } },
  request: {
    invokeTemplate: async (name, options) => {
      const key = name + ' ' + options.context.id;
      asked.push(key);
      const answers = world.answers[key] || [{ status: 404, response: '' }];
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer.status >= 300) { throw { status: answer.status, response: answer.response }; }
      return { status: answer.status, response: JSON.stringify(answer.response), headers: {} };
    },
  },
};
window.app = { initialized: async () => client };
window.addEventListener('error', (event) => asked.push('error ' + event.message));
window.addEventListener('unhandledrejection', (event) => asked.push('rejection ' + event.reason));
const visible = (element) => element && !element.hidden && element.getClientRects().length > 0;
const text = (id) => { const it = document.getElementById(id); return visible(it) ? it.textContent.trim() : ''; };
async function tell() {
  const wait = (time) => new Promise((done) => setTimeout(done, time));
  await wait(300);
  if (world.press) {
    const button = document.getElementById('again');
    button.focus();
    asked.push('focus ' + document.activeElement.id);
    button.click();
    asked.push('focus ' + document.activeElement.id);
    await wait(300);
  }
  const rows = visible(document.getElementById('fields'))
    ? [...document.querySelectorAll('#fields > div')].map((row) =>
        [row.querySelector('dt').textContent, row.querySelector('dd').textContent])
    : [];
  const contrast = getComputedStyle(document.body);
  const told = { rows, asked, status: text('status'), problem: text('problem-text'),
    strays: document.querySelectorAll('img, iframe, dd script, dd a').length,
    overflow: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    colours: [contrast.color, contrast.backgroundColor],
    roles: ['status', 'problem'].map((id) => document.getElementById(id).getAttribute('role')) };
  const bytes = new TextEncoder().encode(JSON.stringify(told));
  document.documentElement.dataset.told = btoa(String.fromCharCode(...bytes));
}
window.addEventListener('load', tell);
"#;

/// The folder that the program writes, with the file it was written from beside it.
fn built() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("personio-sync.toml");
    std::fs::write(&config, FILE).unwrap();
    let output = command(&config, &folder.path().join("app-folder"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

fn command(config: &Path, out: &Path) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_personio-sync"))
        .args(["widget", "build", "service-desk", "--out"])
        .arg(out)
        .arg("--config")
        .arg(config)
        .output()
        .unwrap()
}

#[derive(Clone, Copy, Default)]
struct Look {
    dark: bool,
    narrow: bool,
}

/// What the page shows in a world.
fn shown(world: &Value) -> Option<Value> {
    shown_as(world, Look::default(), "")
}

fn shown_as(world: &Value, look: Look, screenshot: &str) -> Option<Value> {
    let folder = built();
    let profile = folder.path().join("profile");
    browser(&profile)?;
    let app = folder.path().join("app-folder/app");
    let page = app.join("index.html");
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("{{{appclient}}}"));
    std::fs::write(&page, html.replace("{{{appclient}}}", "client.js")).unwrap();
    std::fs::write(app.join("client.js"), CLIENT.replace("__WORLD__", &world.to_string())).unwrap();
    let run = |what: &str| {
        browser(&profile)
            .expect("it was found")
            .arg("--allow-file-access-from-files")
            .arg(format!("--window-size={},700", if look.narrow { 200 } else { 360 }))
            .arg(format!("--blink-settings=preferredColorScheme={}", if look.dark { 0 } else { 1 }))
            .arg(what)
            .arg(format!("file://{}", page.display()))
            .output()
            .unwrap()
    };
    // For a person to look at: WIDGET_SCREENSHOTS names a folder.
    if let Some(place) = std::env::var_os("WIDGET_SCREENSHOTS").filter(|_| !screenshot.is_empty()) {
        run(&format!("--screenshot={}", Path::new(&place).join(format!("{screenshot}.png")).display()));
    }
    let output = run("--dump-dom");
    let dom = String::from_utf8(output.stdout).unwrap();
    let told = dom.split("data-told=\"").nth(1).and_then(|rest| rest.split('"').next());
    let told = told.unwrap_or_else(|| panic!("{dom}\n{}", String::from_utf8_lossy(&output.stderr)));
    let told: Value = serde_json::from_slice(&BASE64_STANDARD.decode(told).unwrap()).unwrap();
    let asked = told["asked"].as_array().unwrap().iter().filter_map(Value::as_str);
    let broken: Vec<&str> = asked.filter(|line| line.starts_with("error") || line.starts_with("rejection")).collect();
    assert!(broken.is_empty(), "{broken:?}");
    Some(told)
}

fn requester() -> Value {
    json!({
        "id": 880001, "is_agent": false, "first_name": "Mira", "last_name": "Osei",
        "primary_email": "mira.osei@example.com", "job_title": "Analyst", "department_ids": [701, 702],
        "department_names": ["Logistics", "R&D"], "location_id": 31, "location_name": "Leipzig",
        "reporting_manager_id": 880002,
        "custom_fields": {"first_day": "2026-03-30T18:30:00Z", "remote": true}
    })
}

fn world(answers: Value) -> Value {
    json!({
        "data": {"requester": {"id": 880001, "name": "Mira Osei", "email": "mira.osei@example.com"}},
        "iparams": {"subdomain": "acme", "enabled": true, "fields": []},
        "answers": answers
    })
}

fn ordinary() -> Value {
    world(json!({
        "getRequester 880001": [{"status": 200, "response": {"requester": requester()}}],
        "getRequester 880002": [{"status": 200, "response": {"requester": {"id": 880002, "first_name": "Lea", "last_name": "Ott"}}}]
    }))
}

fn asked(told: &Value) -> Vec<&str> {
    told["asked"].as_array().unwrap().iter().filter_map(Value::as_str).filter(|line| *line != "resize").collect()
}

#[test]
fn the_fields_of_the_requester_are_shown() {
    let Some(told) = shown_as(&ordinary(), Look::default(), "light") else { return };
    let expected = json!([
        ["Job title", "Analyst"],
        ["E-mail", "mira.osei@example.com"],
        ["Department", "Logistics, R&D"],
        ["Location", "Leipzig"],
        ["Reporting manager", "Lea Ott"],
        ["First day", "Mar 31, 2026"],
        ["Remote", "Yes"]
    ]);
    assert_eq!(told["rows"], expected);
    assert_eq!((&told["status"], &told["problem"]), (&json!(""), &json!("")));
    assert_eq!(told["roles"], json!(["status", "alert"]));
    assert_eq!(asked(&told), ["data requester", "getRequester 880001", "getRequester 880002"]);
}

#[test]
fn dark_and_narrow_places_are_readable() {
    let Some(light) = shown(&ordinary()) else { return };
    let dark = shown_as(&ordinary(), Look { dark: true, narrow: true }, "dark-narrow").unwrap();
    assert_ne!(light["colours"], dark["colours"]);
    assert_eq!((&light["overflow"], &dark["overflow"]), (&json!(false), &json!(false)));
    for told in [light, dark] {
        let contrast = contrast(told["colours"][0].as_str().unwrap(), told["colours"][1].as_str().unwrap());
        assert!(contrast >= 7.0, "{contrast}");
    }
}

/// The contrast of two colours as the Web Content Accessibility Guidelines count it.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let parts = colour.trim_start_matches("rgb(").trim_end_matches(')').split(',');
        let linear = parts.map(|part| {
            let share = part.trim().parse::<f64>().unwrap() / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        linear.zip([0.2126, 0.7152, 0.0722]).map(|(part, weight)| part * weight).sum::<f64>()
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn values_are_text_and_never_markup() {
    let mut requester = requester();
    requester["job_title"] = json!("<img src=x onerror=\"document.title='taken'\"> & co");
    requester["department_names"] = json!(["<script>alert(1)</script>"]);
    let answers = json!({"getRequester 880001": [{"status": 200, "response": {"requester": requester}}]});
    let Some(told) = shown_as(&world(answers), Look::default(), "hostile") else { return };
    assert_eq!(told["rows"][0][1], "<img src=x onerror=\"document.title='taken'\"> & co");
    assert_eq!(told["rows"][2][1], "<script>alert(1)</script>");
    assert_eq!(told["strays"], 0);
    assert_eq!(told["rows"][4][1], "#880002", "a manager who cannot be read is an id");
}

#[test]
fn empty_fields_are_a_dash_that_screen_readers_call_empty() {
    let empty = json!({"requester": {
        "id": 880001, "is_agent": false, "job_title": null, "primary_email": "mira.osei@example.com",
        "department_ids": [], "department_names": null, "location_id": null, "custom_fields": {"remote": false}
    }});
    let answers = json!({"getRequester 880001": [{"status": 200, "response": empty}]});
    let Some(told) = shown_as(&world(answers), Look::default(), "empty-fields") else { return };
    let values: Vec<&str> = told["rows"].as_array().unwrap().iter().map(|row| row[1].as_str().unwrap()).collect();
    assert_eq!(values, ["—empty", "mira.osei@example.com", "—empty", "—empty", "—empty", "—empty", "No"]);

    let nothing = json!({"getRequester 880001": [{"status": 200, "response": {"requester": {"id": 880001}}}]});
    let told = shown(&world(nothing)).unwrap();
    assert_eq!(told["rows"], json!([]));
    assert!(told["status"].as_str().unwrap().contains("synced from Personio yet"), "{told}");
}

#[test]
fn a_ticket_without_requester_says_so_and_asks_nothing() {
    for data in [json!({}), json!({"requester": null}), json!({"requester": {"id": null}}), Value::Null] {
        let mut world = ordinary();
        world["data"] = data;
        let Some(told) = shown(&world) else { return };
        assert_eq!(told["status"], "This ticket has no requester.");
        assert_eq!(asked(&told), ["data requester"]);
    }
}

#[test]
fn an_agent_is_read_from_the_agents() {
    let agent = json!({
        "id": 880001, "email": "mira.osei@example.com", "job_title": "Engineer", "department_ids": [701],
        "location_id": 31, "custom_fields": {}
    });
    for first in [
        json!({"status": 404, "response": ""}),
        json!({"status": 200, "response": {"requester": {"id": 880001, "is_agent": true}}}),
    ] {
        let answers = json!({
            "getRequester 880001": [first],
            "getAgent 880001": [{"status": 200, "response": {"agent": agent}}],
            "getDepartment 701": [{"status": 200, "response": {"department": {"id": 701, "name": "Logistics"}}}],
            "getLocation 31": [{"status": 403, "response": ""}]
        });
        let Some(told) = shown_as(&world(answers), Look::default(), "agent") else { return };
        assert_eq!(told["status"], "The requester is an agent.");
        let rows = told["rows"].as_array().unwrap();
        let values: Vec<&str> = rows.iter().map(|row| row[1].as_str().unwrap()).collect();
        assert_eq!(values[..4], ["Engineer", "mira.osei@example.com", "Logistics", "#31"]);
    }
}

#[test]
fn a_refused_request_is_an_alert_with_a_button_that_helps() {
    for (status, words) in
        [(401, "API key"), (403, "may not read"), (429, "in a minute"), (500, "could not be read"), (404, "no longer")]
    {
        let answers = json!({"getRequester 880001": [{"status": status, "response": "<html>mira"}]});
        let Some(told) = shown_as(&world(answers), Look::default(), &format!("refused-{status}")) else { return };
        let problem = told["problem"].as_str().unwrap();
        assert!(problem.contains(words) && !problem.contains("mira"), "{status}: {problem}");
        assert_eq!((&told["rows"], &told["status"]), (&json!([]), &json!("")));
    }
    let mut world = ordinary();
    let good = world["answers"]["getRequester 880001"][0].clone();
    world["answers"]["getRequester 880001"] = json!([{"status": 500, "response": ""}, good]);
    world["press"] = json!(true);
    let Some(told) = shown(&world) else { return };
    assert_eq!(told["rows"][0], json!(["Job title", "Analyst"]));
    assert_eq!(told["problem"], "");
    let focus: Vec<&str> = asked(&told).into_iter().filter(|line| line.starts_with("focus")).collect();
    assert_eq!(focus, ["focus again", "focus status"], "the focus stays in the page");
}

#[test]
fn the_settings_of_the_app_choose_fields_and_switch_it_off() {
    let mut world = ordinary();
    world["iparams"]["fields"] = json!(["Remote", "Job title", "Gone since"]);
    let Some(told) = shown(&world) else { return };
    assert_eq!(told["rows"], json!([["Job title", "Analyst"], ["Remote", "Yes"]]));
    world["iparams"]["enabled"] = json!(false);
    let told = shown(&world).unwrap();
    assert!(told["status"].as_str().unwrap().contains("switched off"), "{told}");
    assert_eq!(asked(&told), Vec::<&str>::new());
}

#[test]
fn no_secret_is_written_and_nobody_elses_files_are_touched() {
    let folder = built();
    let (config, app) = (folder.path().join("personio-sync.toml"), folder.path().join("app-folder"));
    let mut folders = vec![app.clone()];
    let mut files = 0;
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(!text.contains("k3y-never-in-files"), "{}", path.display());
            }
        }
    }
    assert_eq!(files, 9);
    assert!(command(&config, &app).status.success(), "an earlier build is written again");

    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("letter.txt"), "mine").unwrap();
    let output = command(&config, &taken);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty and holds no app"));
    assert_eq!(std::fs::read_dir(&taken).unwrap().count(), 1);

    std::fs::write(&config, FILE.replace("enabled = true", "enabled = false")).unwrap();
    let output = command(&config, &app);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the widget is off"));
}
