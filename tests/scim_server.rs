//! The `scim` target against a SCIM server that others wrote: `scim2-server` from PyPI.
//!
//! It is installed into a virtual environment below the target folder. Without Python or a package registry
//! the test says aloud that it was skipped; on CI it fails instead.

#![expect(clippy::disallowed_methods, reason = "which machine this is decides what can be tested on it")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use personio_sync::sandbox::{Sandbox, SandboxOptions};
use personio_sync::simulation::SECRET;

const PACKAGE: &str = "scim2-server==0.8.3";
const TOKEN: &str = "a-token-for-this-test";

/// The server, until dropped.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The path of the installed server, or why there is none.
fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scim2-server-0.8.3");
    let server = folder.join("bin/scim2-server");
    if server.exists() {
        return Ok(server);
    }
    let run = |command: &mut Command| match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?} cannot be run: {error}")),
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", PACKAGE]))?;
    Ok(server)
}

fn start(program: &Path) -> Server {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let process = Command::new(program)
        .args(["--bearer-token", TOKEN, "--port", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { process, port };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the server does not listen");
        std::thread::yield_now();
    }
    server
}

/// Runs the tool and returns its exit status with everything it said.
fn run(folder: &Path, config: &str, arguments: &[&str]) -> (i32, String) {
    std::fs::write(folder.join("personio-sync.toml"), config).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_personio-sync"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("TOKEN", TOKEN)
        .env("PERSONIO", SECRET)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), said)
}

#[test]
fn a_server_that_others_wrote_is_kept_in_line() {
    let program = match install() {
        Ok(program) => program,
        Err(why) => {
            assert!(std::env::var_os("CI").is_none(), "no SCIM server to test against: {why}");
            eprintln!("skipped: no SCIM server to test against: {why}");
            return;
        }
    };
    let server = start(&program);
    let mut options = SandboxOptions::new("2026-11-22".parse().unwrap());
    options.employees = 30;
    let sandbox = Sandbox::start(options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = |settings: &str, mapping: &str| {
        format!(
            r#"
[personio]
client_id     = {{ env = "PERSONIO" }}
client_secret = {{ env = "PERSONIO" }}
base_url      = "{personio}/personio"

[targets.wiki]
type     = "scim"
base_url = "http://127.0.0.1:{port}"
auth     = {{ bearer = {{ env = "TOKEN" }} }}
match    = ["externalId"]
{settings}

[targets.wiki.leavers]
out_of_scope = "deactivate"

[targets.wiki.safety]
max_deactivate  = "100%"
max_update      = "100%"
max_clear       = "100%"
max_field_share = "100%"

[targets.wiki.mapping]
externalId        = "employee_id"
userName          = "email | lower"
"name.givenName"  = "first_name"
"name.familyName" = "last_name"
'emails[type eq "work"].value' = "email | lower"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = "supervisor"
{mapping}
"#,
            personio = sandbox.base_url(),
            port = server.port,
        )
    };
    let first =
        "title = 'position'\n\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\" = 'department'";
    let second = "title = { value = '' }\nnickName = 'first_name'\n'addresses[type eq \"work\"].locality' = 'office'\n\
                  'addresses[type eq \"work\"].country' = { value = 'DE' }\n\
                  \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\" = \"department ~ ' (new)'\"";
    let narrower = "include = [\"last_name < 'M'\"]";
    for (step, settings, mapping) in [
        ("create", "", first),
        ("change by PATCH", "", second),
        ("change by PUT", "update = 'put'", first),
        ("object PATCH", "patch_style = 'object'", second),
        ("take out of use", narrower, second),
        ("bring back", "", second),
        ("change by PATCH in batches", "bulk = true", first),
        ("change by PUT in batches", "bulk = true\nupdate = 'put'", second),
        ("take out of use in batches", &format!("bulk = true\n{narrower}"), second),
        ("bring back in batches", "bulk = true", second),
    ] {
        let config = config(settings, mapping);
        let (status, said) = run(folder.path(), &config, &["sync", "--yes", "--accept-filter-change"]);
        assert_eq!(status, 0, "{step}: {said}");
        assert!(!said.contains("nothing done"), "{step} changed nothing: {said}");
        assert!(!said.contains("bulk_not_offered"), "{step}: {said}");
        let (_, jobs) = run(folder.path(), &config, &["jobs", "--format", "json"]);
        assert_eq!(jobs.contains("/Bulk"), settings.contains("bulk"), "{step}: {jobs}");
        let (status, said) = run(folder.path(), &config, &["plan", "--detailed-exitcode", "--accept-filter-change"]);
        assert_eq!(status, 0, "{step}, planned again: {said}");
    }
}
