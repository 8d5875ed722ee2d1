//! The page of `status --html`, and the page of `report --html` beside it: what they say, and how they behave in a
//! browser.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::browser::browser;
use super::scene::{DESK, LIST, Scene};

const WELCOME: &str = r#"
[targets.desk.workflows.welcome]
on = "joiner"
from = "-30d"
until = "30d"
active = true
[[targets.desk.workflows.welcome.steps]]
action = "create_ticket"
[targets.desk.workflows.welcome.steps.fields]
subject = "'Laptop for ' ~ first_name"
description = "'Please prepare one'"
"#;

/// Two runs: one that made everybody, and one in which somebody new fails, whose name may be kept, or may not.
fn one_fails(keep_names: bool) -> Scene {
    let scene = Scene::new(12, "");
    scene.configure(&format!("[state]\nkeep_names = {keep_names}\n{DESK}{WELCOME}{LIST}"));
    scene.change(1003, json!({"hire_date": scene.sandbox.info().today.to_string()}));
    scene.run(&["sync", "--yes"], 0);
    let name = "<img src=x onerror=alert(1)>";
    scene.hire(json!({"first_name": name, "last_name": "Newcomer", "email": "ona@localhost"}));
    scene.change(1002, json!({"position": "Changed"}));
    scene.run(&["sync", "--yes"], 3);
    scene
}

#[test]
fn the_page_has_what_the_commands_answer() {
    let scene = one_fails(false);
    let status = scene.run(&["status", "--html", "overview.html", "--format", "json"], 0).json();
    let page = scene.read("overview.html");
    let lines = status["targets"].as_array().unwrap().iter();
    let not_in_line: u64 = lines.map(|line| line["not_in_line"].as_u64().unwrap()).sum();
    let jobs = scene.run(&["jobs", "--failed", "--format", "json"], 0).json();
    let failed = &jobs["jobs"][0];
    for text in [
        format!("1 failure, {not_in_line} not in line."),
        format!("{} not in line", status["targets"][0]["not_in_line"]),
        status["targets"][0]["last_run"].as_str().unwrap().to_owned(),
        format!(">{}<", failed["job"].as_str().unwrap()),
        failed["code"].as_str().unwrap().to_owned(),
        r##"<a href="#run-2">2</a>"##.to_owned(),
        r#"<tbody id="run-2">"#.to_owned(),
        "welcome, step 0: create ticket: succeeded".to_owned(),
        "By workflow and step".to_owned(),
    ] {
        assert!(page.contains(&text), "{text}");
    }
    let (open, jobs) = page.split_once("id=\"over-time\"").unwrap();
    assert!(open.contains("outcome failed") && !open.contains("outcome succeeded"));
    let run = jobs.split("id=\"run-2\"").nth(1).unwrap();
    assert!(run.find("outcome failed").unwrap() < run.find("outcome succeeded").unwrap(), "failures first");
    assert!(!page.contains("Newcomer"), "no name is kept");
    scene.run(&["status", "--html", "no-such-folder/page.html"], 2).says("cannot be written");
    scene.run(&["status", "--help"], 0).shows("--html <FILE>");
}

#[test]
fn who_is_in_line_is_known_of_everybody() {
    let scene = Scene::new(12, DESK);
    let desk = |scene: &Scene| {
        let status = scene.run(&["status", "--html", "page.html", "--format", "json"], 0).json();
        let line = &status["targets"][0];
        let number = |key: &str| line[key].as_u64().unwrap();
        ([number("in_sync"), number("failed"), number("not_in_line")], line["last_success"].is_string())
    };
    scene.hire(json!({"email": "nova@example.com"}));
    scene.faults("freshservice:post:503@100%");
    scene.run(&["sync", "--yes"], 3);
    let ([in_line, failed, not_in_line], succeeded) = desk(&scene);
    assert!(in_line == 0 && failed > 10 && not_in_line >= failed && !succeeded);
    scene.faults("");
    scene.run(&["retry", "--failed", "--yes"], 0);
    assert_eq!(desk(&scene), ([failed, 0, 0], true), "the retry made all of it good");
    assert!(scene.read("page.html").contains("everybody in line"));
    scene.sync();
    assert_eq!(desk(&scene), ([failed, 0, 0], true));
    scene.run(&["sync", "--yes", "--employee", "1001"], 0);
    assert_eq!(desk(&scene), ([failed, 0, 0], true), "of the others nothing is said");
    assert!(scene.read("page.html").contains("everybody in line"));
}

#[test]
fn lists_and_a_job_are_markdown() {
    let scene = one_fails(false);
    scene.run(&["status", "--format", "markdown"], 0).shows("| Target | Type |").shows("| desk | freshservice |");
    scene.run(&["runs", "--format", "markdown"], 0).shows("| Run | Started |").shows("|---|---|");
    scene.run(&["jobs", "--failed", "--format", "markdown"], 0).shows("| Job | Target | Employee | Status |");
    let failed = scene.run(&["jobs", "--failed", "--format", "json"], 0).json();
    let job = failed["jobs"][0]["job"].as_str().unwrap();
    scene.run(&["jobs", "show", job, "--format", "markdown"], 0).shows("- ").shows("already\\_exists");
}

#[test]
fn a_name_that_is_kept_is_text() {
    let scene = one_fails(true);
    scene.run(&["status", "--html", "overview.html"], 0);
    scene.run(&["report", "--html", "report.html"], 0);
    for page in ["overview.html", "report.html"] {
        let page = scene.read(page);
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt; Newcomer") && !page.contains("<img"));
    }
}

#[test]
fn without_any_run_the_page_says_so() {
    let scene = Scene::new(9, DESK);
    scene.run(&["status", "--html", "overview.html"], 0);
    let page = scene.read("overview.html");
    assert!(page.contains("no run yet") && page.contains("No run in the last 30 days."));
}

/// Chooses, searches and clears as a person does, and tells what is to be seen.
const PROBE: &str = r##"
const element = (id) => document.getElementById(id);
const shown = () => [...document.querySelectorAll('.filtered tbody tr:not(.group)')]
  .filter((row) => row.getClientRects().length > 0).map((row) => row.textContent);
const set = (id, value) => { element(id).value = value; element(id).dispatchEvent(new Event('input', { bubbles: true })); };
window.addEventListener('load', async () => {
  const told = { all: shown().length };
  set('by-target', 'list'); told.list = shown();
  set('by-target', ''); set('by-outcome', 'failed'); told.failed = shown();
  set('by-outcome', ''); set('by-text', 'NEWCOMER'); told.named = shown().length; told.output = element('shown').value;
  set('by-text', 'nobody is called this'); told.none = shown().length;
  document.querySelector('button[type=reset]').click();
  await new Promise((done) => setTimeout(done, 50));
  told.cleared = shown().length;
  element('by-text').focus(); told.focus = document.activeElement.id;
  const links = [...document.querySelectorAll('a[href^="#"]')];
  told.dangling = links.filter((link) => !element(link.getAttribute('href').slice(1))).map((link) => link.href);
  told.asked = performance.getEntriesByType('resource').length;
  const page = document.documentElement;
  told.overflow = page.scrollWidth > page.clientWidth;
  told.dark = getComputedStyle(document.body).backgroundColor;
  page.dataset.told = btoa(unescape(encodeURIComponent(JSON.stringify(told))));
});
"##;

/// What the browser says of a page at this width, light or dark.
fn told(scene: &Scene, page: &str, width: u32, dark: bool) -> Option<Value> {
    let profile = scene.path("profile");
    let source = scene.read(page);
    let digest = BASE64_STANDARD.encode(Sha256::digest(PROBE));
    let probed = source.replace("script-src ", &format!("script-src 'sha256-{digest}' "));
    assert_ne!(source, probed, "the page says which script may run");
    let probed = probed.replace("</body>", &format!("<script>{PROBE}</script></body>"));
    let path = scene.write(&format!("probed-{page}"), &probed);
    let output = browser(&profile)?
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--window-size={width},900"))
        .arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }))
        .arg(format!("file://{}", path.display()))
        .output()
        .unwrap();
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!log.contains("CONSOLE"), "{log}");
    let told = dom.split("data-told=\"").nth(1).and_then(|rest| rest.split('"').next());
    let told = BASE64_STANDARD.decode(told.unwrap_or_else(|| panic!("{dom}\n{log}"))).unwrap();
    Some(serde_json::from_slice(&told).unwrap())
}

#[test]
fn filter_and_search_work_and_nothing_leaves_the_page() {
    let scene = one_fails(true);
    scene.run(&["status", "--html", "overview.html"], 0);
    scene.run(&["report", "--html", "report.html"], 0);
    for page in ["overview.html", "report.html"] {
        let mut backgrounds = Vec::new();
        for (width, dark) in [(1280, false), (500, true)] {
            let Some(told) = told(&scene, page, width, dark) else { return };
            let rows = |key: &str| -> Vec<String> { serde_json::from_value(told[key].clone()).unwrap() };
            assert!(rows("list").iter().all(|row| row.contains("list")) && !rows("list").is_empty(), "{told:#}");
            assert!(rows("failed").iter().all(|row| row.contains("failed")) && !rows("failed").is_empty(), "{told:#}");
            let number = |key: &str| told[key].as_u64().unwrap();
            assert!(number("all") > rows("list").len() as u64 && number("named") > 0, "{told:#}");
            assert_eq!((number("none"), number("cleared")), (0, number("all")));
            assert_eq!(told["output"], format!("{} of {} rows", number("named"), number("all")));
            assert_eq!((&told["focus"], &told["dangling"]), (&json!("by-text"), &json!([])));
            assert_eq!((&told["asked"], &told["overflow"]), (&json!(0), &json!(false)), "{page} at {width}");
            backgrounds.push(told["dark"].clone());
        }
        assert_ne!(backgrounds[0], backgrounds[1], "there is a light page and a dark one");
    }
}
