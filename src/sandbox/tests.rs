//! The whole sandbox over real sockets.

use std::net::{IpAddr, Ipv4Addr};

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn start(employees: usize, faults: &str) -> Sandbox {
    // Whoever sends is in charge of TLS, and reqwest wants to know who does it even where nobody uses it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let faults = faults.parse().unwrap();
    Sandbox::start(SandboxOptions { employees, faults, ..SandboxOptions::new(today()) }).unwrap()
}

struct Browser<'a> {
    sandbox: &'a Sandbox,
    http: reqwest::blocking::Client,
    token: String,
}

impl<'a> Browser<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        let mut browser = Self { sandbox, http, token: String::new() };
        let body = json!({"client_id": "someone", "client_secret": SECRET}).to_string();
        let answer = browser.http.post(browser.url("/personio/v1/auth")).body(body).send().unwrap();
        let answer: Value = answer.json().unwrap();
        browser.token = answer["data"]["token"].as_str().unwrap().to_owned();
        browser
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    fn employees(&self, query: &str) -> reqwest::Result<reqwest::blocking::Response> {
        self.http.get(self.url(&format!("/personio/v1/company/employees?{query}"))).bearer_auth(&self.token).send()
    }

    fn requesters(&self, query: &str) -> Value {
        let url = self.url(&format!("/freshservice/desk/api/v2/requesters?{query}"));
        self.http.get(url).basic_auth(SECRET, Some("X")).send().unwrap().json().unwrap()
    }

    fn create(&self, email: &str) -> reqwest::Result<reqwest::blocking::Response> {
        let url = self.url("/freshservice/desk/api/v2/requesters");
        let body = json!({"first_name": "Ada", "primary_email": email});
        self.http.post(url).basic_auth(SECRET, Some("X")).json(&body).send()
    }
}

#[test]
fn both_systems_answer_on_one_port() {
    let sandbox = start(120, "");
    let browser = Browser::new(&sandbox);
    let page: Value = browser.employees("limit=100&offset=100").unwrap().json().unwrap();
    assert_eq!(page["data"].as_array().unwrap().len(), 20);
    assert_eq!(browser.create("ada@example.com").unwrap().status(), 201);
    assert_eq!(browser.requesters("email=ada@example.com")["requesters"][0]["first_name"], "Ada");
    assert_eq!(browser.http.get(browser.url("/nowhere/at/all")).send().unwrap().status(), 404);

    let asked = sandbox.requests();
    let lines: Vec<String> = asked
        .iter()
        .map(|request| {
            format!("{} {} {}?{} {:?}", request.system, request.method, request.path, request.query, request.status)
        })
        .collect();
    assert_eq!(
        lines,
        [
            "personio POST /v1/auth? Some(200)",
            "personio GET /v1/company/employees?limit=100&offset=100 Some(200)",
            "freshservice POST /desk/api/v2/requesters? Some(201)",
            "freshservice GET /desk/api/v2/requesters?email=ada@example.com Some(200)",
        ]
    );
    let told: Value = browser.http.get(browser.url("/requests")).send().unwrap().json().unwrap();
    assert_eq!(told, serde_json::to_value(&asked).unwrap());
    sandbox.clear_requests();
    assert!(sandbox.requests().is_empty());
}

#[test]
fn another_process_finds_and_prepares_it() {
    let sandbox = start(5, "");
    let info = find(sandbox.base_url()).unwrap();
    assert_eq!(&info, sandbox.info());
    assert_eq!(info.secret, SECRET);
    let addresses = info.addresses("desk");
    assert_eq!(
        (&*addresses.base_url, &*addresses.target, addresses.secret.expose()),
        (sandbox.base_url(), "desk", SECRET)
    );
    assert_eq!(find(sandbox.base_url().trim_start_matches("http://")).unwrap(), info);

    let preparation: Preparation = serde_json::from_value(json!({
        "attributes": ["first_name", "dynamic_55", {"key": "dynamic_9", "name": "ni_number"}],
        "targets": [{"name": "desk", "type": "freshservice",
                     "fields": [{"name": "custom_fields.cost_center", "kind": "text"}, {"name": "first_name", "kind": "text"}]}]
    }))
    .unwrap();
    prepare(sandbox.base_url(), &preparation).unwrap();
    let browser = Browser::new(&sandbox);
    let page: Value = browser.employees("attributes[]=dynamic_55&attributes[]=dynamic_9").unwrap().json().unwrap();
    let attributes = &page["data"][0]["attributes"];
    assert_eq!(attributes["dynamic_55"]["value"], "A-1001");
    assert_eq!(attributes["dynamic_9"]["label"], "ni number");
    assert_eq!(attributes["dynamic_9"]["value"].as_str().unwrap().len(), 9);
    let row = &browser.requesters("include_agents=true")["requesters"][0];
    assert_eq!(row["custom_fields"], json!({"cost_center": null}));
}

#[test]
fn only_this_machine_is_served_and_asked() {
    for address in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), "192.0.2.1".parse().unwrap()] {
        let error = Sandbox::start(SandboxOptions { address, ..SandboxOptions::new(today()) }).unwrap_err();
        assert!(error.to_string().contains("loopback addresses only"), "{error}");
    }
    for address in ["https://api.example.com", "192.0.2.1:80", "https://127.0.0.1:1", "sandbox.example.com:80"] {
        let error = find(address).unwrap_err();
        assert!(error.to_string().contains("on this machine only"), "{address}: {error}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let sandbox = start(0, "");
    let port = sandbox.base_url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Sandbox::start(SandboxOptions { port: Some(port), ..SandboxOptions::new(today()) }).unwrap_err();
    assert!(format!("{error:#}").contains(&format!("cannot listen on 127.0.0.1:{port}")), "{error:#}");
}

#[test]
fn its_own_folder_goes_with_it_and_a_given_one_stays() {
    let sandbox = start(0, "");
    let folder = sandbox.folder().to_owned();
    assert!(folder.is_dir());
    drop(sandbox);
    assert!(!folder.exists());

    let given = tempfile::tempdir().unwrap();
    let options = SandboxOptions { folder: Some(given.path().join("kept")), ..SandboxOptions::new(today()) };
    let sandbox = Sandbox::start(options).unwrap();
    std::fs::write(sandbox.folder().join("file.csv"), "a").unwrap();
    drop(sandbox);
    assert!(given.path().join("kept/file.csv").exists());
}

#[test]
fn waiting_ends_when_it_is_stopped() {
    let sandbox = start(0, "");
    let stop = sandbox.stop_handle();
    let address = sandbox.base_url().to_owned();
    let waiting = std::thread::spawn(move || sandbox.wait());
    assert!(find(&address).is_ok());
    stop.stop();
    waiting.join().unwrap().unwrap();
    assert!(find(&address).is_err());
}

#[test]
fn a_lost_answer_was_carried_out() {
    let sandbox = start(0, "freshservice:lost-answer#2");
    let browser = Browser::new(&sandbox);
    assert_eq!(browser.create("one@example.com").unwrap().status(), 201);
    assert!(browser.create("two@example.com").is_err());
    assert_eq!(browser.requesters("email=two@example.com")["requesters"].as_array().unwrap().len(), 1);
    assert_eq!(browser.create("two@example.com").unwrap().status(), 409);
    let lost = &sandbox.requests()[2];
    assert_eq!((lost.method, lost.status, lost.fault), ("POST", None, Some("lost-answer")));
}

#[test]
fn a_cut_body_breaks_off_and_a_truncated_one_is_no_json() {
    let sandbox = start(60, "personio:cut#1,personio:truncated#2");
    let browser = Browser::new(&sandbox);
    let answer = browser.employees("").unwrap();
    assert_eq!(answer.status(), 200);
    let promised = answer.content_length().unwrap();
    assert!(promised > 1000);
    assert!(answer.bytes().is_err());

    let answer = browser.employees("").unwrap();
    let (length, body) = (answer.content_length().unwrap(), answer.bytes().unwrap());
    assert_eq!((length, body.len() as u64), (promised / 2, promised / 2));
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    assert!(browser.employees("").unwrap().json::<Value>().is_ok());
}

#[test]
fn a_token_expires_in_the_middle() {
    let sandbox = start(60, "expire-token#2");
    let browser = Browser::new(&sandbox);
    assert_eq!(browser.employees("").unwrap().status(), 200);
    let refused = browser.employees("offset=50").unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json::<Value>().unwrap()["success"], false);
    assert_eq!(browser.employees("offset=50").unwrap().status(), 401);
    let again = Browser::new(&sandbox);
    assert_ne!(again.token, browser.token);
    assert_eq!(again.employees("offset=50").unwrap().status(), 200);
}

#[test]
fn the_list_changes_while_it_is_read() {
    let ids = |page: Value| -> Vec<u64> {
        let rows = page["data"].as_array().unwrap();
        rows.iter().map(|row| row["attributes"]["id"]["value"].as_u64().unwrap()).collect()
    };
    for (fault, total, first_of_second_page) in [("insert-while-paging", 151, 1100), ("remove-while-paging", 149, 1102)]
    {
        let sandbox = start(150, fault);
        let browser = Browser::new(&sandbox);
        let read = |query: &str| browser.employees(query).unwrap().json::<Value>().unwrap();
        let first = read("limit=100&offset=0");
        assert_eq!((first["metadata"]["total_elements"].as_u64(), ids(first).last().copied()), (Some(150), Some(1100)));
        let second = read("limit=100&offset=100");
        assert_eq!(second["metadata"]["total_elements"], total, "{fault}");
        assert_eq!(ids(second)[0], first_of_second_page, "{fault}");
    }
}

#[test]
fn refusals_of_faults_change_nothing() {
    let sandbox = start(0, "freshservice:html502#1,freshservice:429=3#2,freshservice:503#3,freshservice:500#4");
    let browser = Browser::new(&sandbox);
    let gateway = browser.create("ada@example.com").unwrap();
    assert_eq!(
        (gateway.status().as_u16(), &gateway.headers()["content-type"]),
        (502, &"text/html; charset=utf-8".parse().unwrap())
    );
    let busy = browser.create("ada@example.com").unwrap();
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (429, &"3".parse().unwrap()));
    assert_eq!(browser.create("ada@example.com").unwrap().status(), 503);
    assert_eq!(browser.create("ada@example.com").unwrap().status(), 500);
    assert_eq!(browser.create("ada@example.com").unwrap().status(), 201);
}

#[test]
fn the_front_page_shows_what_is_there_and_escapes_it() {
    let sandbox = start(30, "");
    let browser = Browser::new(&sandbox);
    let url = browser.url("/freshservice/desk/api/v2/requesters");
    let body = json!({"first_name": "<script>alert('x')</script>", "primary_email": "x@example.com"});
    browser.http.post(url).basic_auth(SECRET, Some("X")).json(&body).send().unwrap();
    let answer = browser.http.get(browser.url("/")).send().unwrap();
    assert!(answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let page = answer.text().unwrap();
    assert!(page.contains("&lt;script&gt;alert(&#x27;x&#x27;)&lt;&#x2f;script&gt;"));
    assert!(!page.contains("<script"));
    for shown in
        ["Personio", "Freshservice", "desk: requesters", "<td>&#x2f;v1&#x2f;auth</td>", "O&#x27;Sullivan", SECRET]
    {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn thousands_are_no_burden() {
    let sandbox = start(10_000, "");
    let browser = Browser::new(&sandbox);
    let mut read = 0;
    for offset in (0..10_000).step_by(100) {
        let body =
            browser.employees(&format!("limit=100&offset={offset}&attributes[]=email")).unwrap().bytes().unwrap();
        read += serde_json::from_slice::<Value>(&body).unwrap()["data"].as_array().unwrap().len();
    }
    assert_eq!(read, 10_000);
    for number in 0..500 {
        assert_eq!(browser.create(&format!("someone.{number}@example.com")).unwrap().status(), 201);
    }
    assert_eq!(browser.requesters("per_page=100&page=5")["requesters"].as_array().unwrap().len(), 100);
    assert_eq!(browser.requesters("per_page=100&page=6")["requesters"].as_array().unwrap().len(), 0);
}
