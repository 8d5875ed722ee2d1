//! Deliveries to people: beside everybody the changes since the last one that was confirmed, by file, SFTP and e-mail, with
//! a real OpenSSH and a real mail server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use super::scene::Scene;
use super::servers::{Ends, SERVER, aiosmtpd, await_port, done, found, free_port, mails};

const PEOPLE: usize = 6;

fn benefits(delivery: &str) -> String {
    format!(
        r#"
[targets.benefits]
type = "probonio"
language = "en"
invite_new = true
invite_first_import = true
exclude = ["lifecycle == 'left'"]
[targets.benefits.delivery]
{delivery}
[targets.benefits.mapping]
first_name = "first_name"
last_name = "last_name"
email = "email"
"#
    )
}

const FILE: &str = "type = 'file'\npath = 'benefits.csv'";

fn rows(scene: &Scene, name: &str) -> Vec<String> {
    scene.read(name).lines().skip(1).map(str::to_owned).collect()
}

/// The code by which the last sync told its changes from any others.
fn code(told: &str) -> String {
    let (_, rest) = told.split_once("--checklist ").unwrap_or_else(|| panic!("no code\n{told}"));
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[test]
fn only_what_changed_since_it_was_confirmed_is_beside_everybody() {
    let scene = Scene::new(PEOPLE, &benefits(FILE));
    let first = scene.run(&["sync", "--yes"], 0);
    let everybody = rows(&scene, "benefits.csv");
    assert!(everybody.len() > 2 && everybody.iter().all(|row| row.ends_with(";yes")), "{everybody:?}");
    assert_eq!(rows(&scene, "benefits-changes.csv"), everybody);

    scene.change(1003, json!({"last_name": "Kolbe-Anders"}));
    let second = scene.run(&["sync", "--yes"], 0);
    // Whoever imported the first file cannot confirm the second.
    let stale = code(&first.stdout);
    scene.run(&["confirm", "benefits", "--checklist", &stale, "--yes"], 8).says("no longer those of");
    let asked = scene.run(&["confirm", "benefits", "--checklist", &code(&second.stdout)], 8);
    asked.says("--yes is needed");
    assert_eq!(rows(&scene, "benefits-changes.csv").len(), everybody.len());
    let confirmed = scene.run(&["confirm", "benefits", "--checklist", &code(&second.stdout), "--yes"], 0);
    confirmed.says(&format!("benefits: {} rows confirmed", everybody.len()));
    assert_eq!(rows(&scene, "benefits-changes.csv"), [""; 0]);
    scene.run(&["confirm", "benefits", "--yes"], 8).says("nothing to confirm");

    // The invitations are out of the file now, and that is no change that anybody has to import.
    let document = scene.sync();
    let changes = document["targets"][0]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), everybody.len(), "{document}");
    assert!(rows(&scene, "benefits.csv").iter().all(|row| row.ends_with(";no")));
    assert_eq!(rows(&scene, "benefits-changes.csv"), [""; 0]);
    scene.assert_settled("with nothing to hand over");

    scene.change(1002, json!({"last_name": "Winter"}));
    scene.run(&["sync", "--yes"], 0).shows("1 row is new or changed since the last confirmed delivery");
    let changed = rows(&scene, "benefits-changes.csv");
    assert!(changed.len() == 1 && changed[0].contains(";Winter;"), "{changed:?}");
    let document = scene.run(&["confirm", "benefits", "--yes", "--format", "json"], 0).json();
    assert_eq!(document["employees"], json!(["1002"]));
    scene.run(&["confirm", "benefits", "--experts"], 2).says("as a whole");
}

#[test]
fn from_the_sandbox_nothing_is_sent() {
    let scene = Scene::new(PEOPLE, "");
    for delivery in [
        "type = 'sftp'\nhost = 'sftp.example.com'\nuser = 'acme'\nkey = 'key'\nknown_hosts = 'hosts'\npath = 'benefits.csv'",
        "type = 'email'\nserver = 'mail.example.com'\nfrom = 'sync@example.com'\nto = ['hr@example.com']\npath = 'benefits.csv'",
    ] {
        scene.configure(&benefits(delivery));
        scene.run(&["sync", "--yes", "--sandbox"], 0);
        assert!(!scene.path("benefits.csv").exists(), "{delivery}");
    }
}

/// OpenSSH's server for whoever runs the test, with keys of its own.
struct Sshd {
    _running: Ends,
    port: u16,
    user: String,
    folder: tempfile::TempDir,
}

impl Sshd {
    fn start() -> Result<Self, String> {
        let server = Path::new("/usr/sbin/sshd");
        if !server.exists() {
            return Err("there is no /usr/sbin/sshd".into());
        }
        let failed = |error: std::io::Error| error.to_string();
        let folder = tempfile::tempdir().map_err(failed)?;
        for key in ["host", "client", "stranger"] {
            let mut keygen = Command::new("ssh-keygen");
            done(keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.path().join(key)))?;
        }
        let port = free_port();
        let at = folder.path().display();
        std::fs::create_dir(folder.path().join("drop")).map_err(failed)?;
        let public = |key: &str| std::fs::read_to_string(folder.path().join(format!("{key}.pub"))).map_err(failed);
        for (name, key) in [("known_hosts", "host"), ("other_hosts", "stranger")] {
            let line = format!("[127.0.0.1]:{port} {}", public(key)?);
            std::fs::write(folder.path().join(name), line).map_err(failed)?;
        }
        // Some images have no folder for what the server's first step gives up its rights in.
        let _ = std::fs::create_dir("/run/sshd");
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/client.pub\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n\
             Subsystem sftp internal-sftp\n"
        );
        std::fs::write(folder.path().join("sshd_config"), config).map_err(failed)?;
        let mut sshd = Command::new(server);
        sshd.args(["-D", "-e", "-f"]).arg(folder.path().join("sshd_config")).stderr(Stdio::null());
        let running = Ends(sshd.spawn().map_err(failed)?);
        await_port(port);
        let user = Command::new("id").arg("-un").output().map_err(failed)?.stdout;
        let user = String::from_utf8_lossy(&user).trim().to_owned();
        Ok(Self { _running: running, port, user, folder })
    }

    fn delivery(&self, known_hosts: &str, key: &str, path: &Path) -> String {
        let at = self.folder.path().display();
        format!(
            "type = 'sftp'\nhost = '127.0.0.1'\nport = {}\nuser = '{}'\nkey = '{at}/{key}'\n\
             known_hosts = '{at}/{known_hosts}'\npath = '{}'\ncopy_folder = 'sent'",
            self.port,
            self.user,
            path.display()
        )
    }

    fn drop(&self) -> PathBuf {
        self.folder.path().join("drop")
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn openssh_takes_the_files_whole_under_their_names_or_not_at_all() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(sshd) = found("OpenSSH", Sshd::start()) else { return };
    let scene = Scene::new(PEOPLE, "");
    std::fs::create_dir(scene.path("sent")).unwrap();
    // What `sftp` would split and expand if it were not quoted.
    let folder = sshd.drop().join("for pay[roll]");
    let path = folder.join("bene fits[1].csv");
    let configure = |known_hosts: &str, key: &str| {
        scene.configure(&benefits(&sshd.delivery(known_hosts, key, &path)));
    };

    // A folder that is not there: nothing arrives, and the next run tries again.
    configure("known_hosts", "client");
    let failed = scene.run(&["sync", "--yes"], 6);
    failed.says("not delivered: 127.0.0.1:").says("the next run delivers it");
    scene.run(&["status"], 0).shows("never");
    std::fs::create_dir(&folder).unwrap();

    // A server that is another one than it says, and a key that it does not know.
    for (known_hosts, key, why) in
        [("other_hosts", "client", "Host key verification failed"), ("known_hosts", "stranger", "Permission denied")]
    {
        configure(known_hosts, key);
        scene.run(&["sync", "--yes"], 7).says(why);
        assert_eq!(names(&folder), [""; 0]);
    }

    configure("known_hosts", "client");
    scene.run(&["sync", "--yes"], 0);
    assert_eq!(names(&folder), ["bene fits[1]-changes.csv", "bene fits[1].csv"]);
    for name in names(&folder) {
        let arrived = folder.join(&name);
        assert_eq!(std::fs::read_to_string(&arrived).unwrap(), scene.read(&format!("sent/{name}")));
        assert_eq!(std::fs::metadata(&arrived).unwrap().permissions().mode() & 0o777, 0o640, "{name}");
    }

    // The importer took it away: what it has is not sent again.
    std::fs::remove_file(&path).unwrap();
    scene.run(&["sync", "--yes"], 0);
    assert_eq!(names(&folder), ["bene fits[1]-changes.csv"]);
    scene.change(1003, json!({"last_name": "Winter"}));
    scene.run(&["sync", "--yes"], 0);
    assert!(std::fs::read_to_string(&path).unwrap().contains(";Winter;"));
    // What is there is replaced, and what an earlier run left behind is written over.
    std::fs::write(folder.join(".bene fits[1].csv.part"), "x".repeat(10_000)).unwrap();
    scene.change(1003, json!({"last_name": "Sommer"}));
    scene.run(&["sync", "--yes"], 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), scene.read("sent/bene fits[1].csv"));
    assert_eq!(names(&folder).len(), 2);
}

#[test]
fn a_mail_has_both_files_and_goes_once() {
    let Some(python) = found("aiosmtpd", aiosmtpd()) else { return };
    let (scene, port) = (Scene::new(PEOPLE, ""), free_port());
    let to = |recipient: &str| {
        scene.configure(&benefits(&format!(
            "type = 'email'\nserver = '127.0.0.1:{port}'\nfrom = 'sync@example.com'\nto = ['{recipient}']\npath = 'benefits.csv'"
        )));
    };
    to("hr@example.com");
    scene.run(&["sync", "--yes"], 6).says("not delivered: not sent to hr@example.com");
    scene.write("server.py", SERVER);
    let mut server = Command::new(python);
    server.arg(scene.path("server.py")).arg(port.to_string()).arg(scene.path(""));
    let _server = Ends(server.spawn().unwrap());
    await_port(port);
    scene.run(&["sync", "--yes"], 0);
    scene.run(&["sync", "--yes"], 0);
    let found = mails(&scene.path(""));
    assert_eq!(found.len(), 1, "{found:?}");
    for part in
        ["Subject: personio-sync: benefits.csv", "filename=\"benefits.csv\"", "filename=\"benefits-changes.csv\""]
    {
        assert!(found[0].contains(part), "{part}\n{}", found[0]);
    }
    to("refused@example.com");
    scene.run(&["sync", "--yes"], 6).says("not delivered: not sent to refused@example.com").says("550");
}
