//! A company in the sandbox, a folder with a configuration file, and the program run in it.

use personio_sync::personio::simulated::Personio;
use personio_sync::targets::freshservice::simulated::Freshservice;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use personio_sync::sandbox::{Sandbox, SandboxOptions};
use personio_sync::simulation::{SECRET, SandboxRequest, System};
use serde_json::{Map, Value};

/// Secrets of the environment that the sandbox does not accept; they must never be shown.
pub(crate) const WRONG_SECRETS: [(&str, &str); 2] = [("WRONG_SECRET", "papaya-secret"), ("WRONG_KEY", "papaya-key")];

/// A service desk that gets everything the simplest file maps.
pub(crate) const DESK: &str = r#"
[targets.desk]
type = "freshservice"
base_url = "{base}/freshservice/desk"
api_key = { env = "FRESHSERVICE_API_KEY" }
match = ["external_id", "primary_email"]
create_missing = ["department_ids", "location_id"]
[targets.desk.mapping]
external_id = "employee_id"
first_name = "first_name"
last_name = "last_name"
primary_email = "email | lower"
job_title = "position"
department_ids = "department"
location_id = "office"
reporting_manager_id = "supervisor"
"#;

/// A workspace whose plan offers SCIM.
pub(crate) const SLACK: &str = r#"
[targets.subject]
type = "slack"
token = { env = "FRESHSERVICE_API_KEY" }
scim_token = { env = "FRESHSERVICE_API_KEY" }
base_url = "{base}/slack/subject/api"
scim_url = "{base}/slack/subject/scim/v2"
pace = "none"
[targets.subject.mapping]
email = "email | lower"
first_name = "first_name"
last_name = "last_name"
title = "position"
"fields.Department" = "department"
[targets.subject.groups.sales]
members = "department == 'Sales'"
owned = true
[targets.subject.channels.engineers]
members = "department in ['Engineering', 'IT']"
"#;

/// A tenant where Graph makes people.
pub(crate) const ENTRA: &str = r#"
[targets.subject]
type = "entra"
tenant = "acme.example.com"
client_id = "tests"
client_secret = { env = "FRESHSERVICE_API_KEY" }
base_url = "{base}/entra/subject/v1.0"
login_url = "{base}/entra/subject/login"
pace = "none"
match = ["employeeId", "userPrincipalName"]
create = "direct"
[targets.subject.mapping]
employeeId = "employee_id"
userPrincipalName = "email | lower"
givenName = "first_name"
surname = "last_name"
jobTitle = "position"
department = "department"
"employeeOrgData.division" = "office"
"employeeOrgData.costCenter" = "cost_center"
manager = "supervisor"
[targets.subject.groups.Sales]
members = "department == 'Sales'"
owned = true
[targets.subject.teams.Engineers]
members = "department in ['Engineering', 'IT']"
"#;

/// The same where the provisioning service makes people.
pub(crate) fn uploading(entra: &str) -> String {
    let url = "{base}/entra/subject/v1.0/servicePrincipals/a/synchronization/jobs/sandbox/bulkUpload";
    entra.replace("create = \"direct\"", &format!("create = \"bulk_upload\"\nprovisioning_url = \"{url}\""))
}

/// A staff list in a file.
pub(crate) const LIST: &str = r#"
[targets.list]
type = "file"
path = "list.csv"
match = ["Employee"]
[targets.list.mapping]
Employee = "employee_id"
Name = "first_name ~ ' ' ~ last_name"
E-mail = "email"
Since = "hire_date"
"#;

/// Simulated systems and a folder to run the program in.
pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    folder: tempfile::TempDir,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scene {
    /// A well-behaved sandbox with so many people, and a file with these targets.
    pub(crate) fn new(employees: usize, targets: &str) -> Self {
        let options = SandboxOptions { employees, ..SandboxOptions::new(chrono::Utc::now().date_naive()) };
        let sandbox = Sandbox::start(options).unwrap();
        let scene = Self { sandbox, folder: tempfile::tempdir().unwrap() };
        scene.configure(targets);
        scene
    }

    /// Writes the file anew: this source, and these targets.
    pub(crate) fn configure(&self, targets: &str) {
        self.write("personio-sync.toml", &format!("{SOURCE}{targets}"));
    }

    /// Writes a file; `{base}` stands for the sandbox's address.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text.replace("{base}", self.sandbox.base_url())).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `127.0.0.1:7070`
    pub(crate) fn address(&self) -> String {
        self.sandbox.base_url().trim_start_matches("http://").to_owned()
    }

    /// Runs the program and expects this status.
    pub(crate) fn run(&self, arguments: &[&str], code: i32) -> Ran {
        let ran = self.try_run(arguments);
        assert_eq!(
            ran.code,
            code,
            "personio-sync {}\n--- stdout\n{}--- stderr\n{}",
            arguments.join(" "),
            ran.stdout,
            ran.stderr
        );
        ran
    }

    /// The same at another time: `05:00:01` on the day of the sandbox, in UTC.
    pub(crate) fn run_at(&self, time: &str, arguments: &[&str], code: i32) -> Ran {
        let clock = format!("{}T{time}Z", self.sandbox.info().today);
        let mut program = program(self.folder.path());
        let ran = Ran::of(program.args(arguments).env("PERSONIO_SYNC_TEST_CLOCK", &clock).spawn().unwrap(), arguments);
        assert_eq!(ran.code, code, "{arguments:?} at {clock}\n--- stdout\n{}--- stderr\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// The same with a variable of the environment, as a build server has it.
    pub(crate) fn run_with(&self, (name, value): (&str, &str), arguments: &[&str], code: i32) -> Ran {
        let mut program = program(self.folder.path());
        let ran = Ran::of(program.args(arguments).env(name, value).spawn().unwrap(), arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n--- stdout\n{}--- stderr\n{}", ran.stdout, ran.stderr);
        ran
    }

    pub(crate) fn try_run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.start(arguments), arguments)
    }

    /// `sync --yes`, done.
    pub(crate) fn sync(&self) -> Value {
        let before = self.sandbox.requests().len();
        let document = self.run(&["sync", "--yes", "--format", "json"], 0).json();
        self.assert_asked_once(before, "sync");
        document
    }

    /// The run since so many requests asked nothing twice that it knew. After a write, a service is looked at again; and
    /// after a fault it is asked again.
    fn assert_asked_once(&self, before: usize, when: &str) {
        let requests = self.sandbox.requests();
        let of_run = &requests[before..];
        if of_run.iter().any(|request| request.fault.is_some()) {
            return;
        }
        let mut asked: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
        for request in of_run {
            let answered = request.status.is_some_and(|status| (200..300).contains(&status));
            if request.method != "GET" {
                // What is known of a service that was written to is no longer known.
                asked.retain(|(system, ..)| *system != request.system);
            } else if answered
                && !reads_twice(request.system)
                && !comes_before_a_whole_write(&request.path)
                && !asked.insert((request.system, &request.path, &request.query))
            {
                panic!("{when}: {} was asked twice for {}?{}", request.system, request.path, request.query);
            }
        }
    }

    /// The plan is empty now.
    pub(crate) fn assert_settled(&self, when: &str) -> Value {
        let before = self.sandbox.requests().len();
        let ran = self.try_run(&["plan", "--detailed-exitcode", "--format", "json"]);
        self.assert_asked_once(before, when);
        assert_eq!(ran.code, 0, "{when}: the plan is not empty\n{}{}", ran.stdout, ran.stderr);
        ran.json()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        program(self.folder.path()).args(arguments).spawn().unwrap()
    }

    /// Changes an employee in Personio.
    pub(crate) fn change(&self, id: u64, values: Value) {
        self.sandbox.system(|personio: &mut Personio| personio.change(id, &object(values))).unwrap();
    }

    pub(crate) fn hire(&self, values: Value) -> u64 {
        self.sandbox.system(|personio: &mut Personio| personio.hire(&object(values))).unwrap()
    }

    /// An attribute of an employee in Personio.
    pub(crate) fn email(&self, id: u64) -> String {
        self.sandbox.system(|personio: &mut Personio| personio.company().person(id).unwrap().email.clone())
    }

    /// From now on the systems misbehave like this.
    pub(crate) fn faults(&self, faults: &str) {
        self.sandbox.set_faults(faults.parse().unwrap());
    }

    /// All requesters of the service desk, deactivated ones included.
    pub(crate) fn requesters(&self) -> Vec<Value> {
        let key = BASE64_STANDARD.encode(format!("{SECRET}:X"));
        let mut all = Vec::new();
        for page in 1.. {
            let path = format!("/desk/api/v2/requesters?per_page=100&page={page}");
            let request = SandboxRequest::get(&path).header("authorization", &format!("Basic {key}"));
            let answer = self.sandbox.system(|service: &mut Freshservice| service.handle(&request));
            assert_eq!(answer.status, 200, "{}", answer.value());
            let found = answer.value()["requesters"].as_array().unwrap().clone();
            if found.is_empty() {
                break;
            }
            all.extend(found);
        }
        all
    }

    /// The requester with this number of ours.
    pub(crate) fn requester(&self, employee: u64) -> Value {
        let (number, all) = (employee.to_string(), self.requesters());
        let mut found: Vec<Value> = all.into_iter().filter(|requester| requester["external_id"] == number).collect();
        assert_eq!(found.len(), 1, "requesters of employee {employee}: {found:?}");
        found.remove(0)
    }

    /// `METHOD path?query` of what one system was sent.
    pub(crate) fn requests(&self, system: &str) -> Vec<String> {
        let of = self.sandbox.requests();
        let of = of.into_iter().filter(|request| request.system == system);
        of.map(|request| format!("{} {}?{}", request.method, request.path, request.query)).collect()
    }

    /// The writes to the service desk.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.requests("freshservice").into_iter().filter(|request| !request.starts_with("GET")).collect()
    }

    /// Waits until the service desk was sent so many requests like this; no longer than a minute.
    pub(crate) fn await_writes(&self, count: usize) {
        let started = std::time::Instant::now();
        while self.writes().iter().filter(|write| write.starts_with("POST /desk/api/v2/requesters?")).count() < count {
            assert!(started.elapsed().as_secs() < 60, "the writes never came");
            std::thread::yield_now();
        }
    }
}

const SOURCE: &str = r#"
[personio]
client_id = { env = "PERSONIO_CLIENT_ID" }
client_secret = { env = "PERSONIO_CLIENT_SECRET" }
base_url = "{base}/personio"
requests_per_second = 500
requests_per_minute = 30000
"#;

/// The program in a folder, with an environment that holds what the files need and nothing else.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_personio-sync"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PERSONIO_CLIENT_ID", "tests")
        .env("PERSONIO_CLIENT_SECRET", SECRET)
        .env("FRESHSERVICE_API_KEY", SECRET)
        .envs(WRONG_SECRETS)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Ran {
    /// Waits for the end. No run may ever show a secret, nor paint without a terminal.
    pub(crate) fn of(child: Child, arguments: &[&str]) -> Self {
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        let ran = Self { code, stdout: text(output.stdout), stderr: text(output.stderr) };
        for shown in [&ran.stdout, &ran.stderr] {
            for secret in WRONG_SECRETS.iter().map(|(_, secret)| *secret).chain([SECRET, "papi-"]) {
                assert!(!shown.contains(secret), "{arguments:?} shows a secret:\n{shown}");
            }
            assert!(!shown.contains('\u{1b}'), "{arguments:?} paints without a terminal:\n{shown}");
        }
        ran
    }

    /// The one document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}{}", self.stdout, self.stderr))
    }

    pub(crate) fn says(&self, words: &str) -> &Self {
        assert!(self.stderr.contains(words), "`{words}` is not said:\n{}", self.stderr);
        self
    }

    pub(crate) fn shows(&self, words: &str) -> &Self {
        assert!(self.stdout.contains(words), "`{words}` is not shown:\n{}", self.stdout);
        self
    }
}

/// Slack takes the members of a user group as a whole list: each portion of changes is put together from a look of its own,
/// even where the portion before it turned out to change nothing.
fn comes_before_a_whole_write(path: &str) -> bool {
    path.ends_with("/usergroups.users.list")
}

/// The exceptions, by system: a declared interface without `read` tells of single accounts only by its list, which is read
/// for those that were taken out of use, and once more for those that were changed.
fn reads_twice(system: &str) -> bool {
    system == "http"
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// The summary of the first target of a document.
pub(crate) fn summary<'d>(document: &'d Value, number: &str) -> &'d Value {
    &document["targets"][0]["summary"][number]
}
