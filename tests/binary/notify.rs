//! Who is told of what, through channels that are really there: a webhook that remembers, a program, and the mail
//! servers `aiosmtpd` and Postfix.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::{DESK, Ran, Scene, program};
use super::servers::{Ends, SERVER, aiosmtpd, await_port, done, found, free_port, mails};

const PEOPLE: usize = 9;

/// A staff list, with one more line in its section.
fn list(line: &str) -> String {
    format!(
        r#"
[targets.list]
type = "file"
match = ["Employee"]
{line}
[targets.list.mapping]
Employee = "employee_id"
Name = "first_name ~ ' ' ~ last_name"
"#
    )
}

const HELD: &str = "path = 'list.csv'\nsafety = { max_create = 1 }";
const FREE: &str = "path = 'list.csv'";
const FAILING: &str = "path = 'no-such-folder/list.csv'";

/// What came in: method and path, and the body.
type Received = Arc<Mutex<Vec<(String, String)>>>;

/// An address that takes everything and remembers it.
struct Hook {
    address: String,
    received: Received,
}

impl Hook {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let received = Received::default();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || Self::answer(stream.unwrap(), &kept));
            }
        });
        Self { address, received }
    }

    fn answer(mut stream: TcpStream, received: &Received) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let what = first.split(' ').take(2).collect::<Vec<_>>().join(" ");
        received.lock().unwrap().push((what, String::from_utf8(body).unwrap()));
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
        stream.write_all(answer).unwrap();
    }

    /// What came in since it was last asked.
    fn taken(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

fn run_with(scene: &Scene, variables: &[(&str, &str)], arguments: &[&str], code: i32) -> Ran {
    let started = program(&scene.path("")).args(arguments).envs(variables.iter().copied()).spawn().unwrap();
    let ran = Ran::of(started, arguments);
    assert_eq!(ran.code, code, "{arguments:?}\n--- stdout\n{}--- stderr\n{}", ran.stdout, ran.stderr);
    ran
}

/// Of each message: its topics with their counts.
fn topics(messages: &[(String, String)]) -> Vec<String> {
    let one = |(_, body): &(String, String)| {
        let message: Value = serde_json::from_str(body).unwrap();
        let entry = |entry: &Value| format!("{} {}", entry["topic"].as_str().unwrap(), entry["count"]);
        message["news"].as_array().unwrap().iter().map(entry).collect::<Vec<_>>().join(", ")
    };
    messages.iter().map(one).collect()
}

#[test]
fn each_change_is_told_once_and_without_a_name() {
    let (scene, hook, beat) = (Scene::new(PEOPLE, ""), Hook::start(), Hook::start());
    let variables = [("HOOK", &*format!("{}/hook?key=1", hook.address)), ("BEAT", &*format!("{}/beat", beat.address))];
    let notify = "[notify]\nwebhook = { env = 'HOOK' }\nheartbeat = { env = 'BEAT' }\nmetrics = 'sync.prom'\n";
    for (step, target, status, told) in [
        ("held", HELD, 4, vec!["held 9"]),
        ("held still", HELD, 4, vec![]),
        ("done", FREE, 0, vec![]),
        ("fails", FAILING, 6, vec!["failure 1"]),
        ("fails still", FAILING, 6, vec![]),
        ("is well again", FREE, 0, vec!["recovery 1"]),
        ("is well still", FREE, 0, vec![]),
    ] {
        scene.configure(&format!("{notify}{}", list(target)));
        let ran = run_with(&scene, &variables, &["sync", "--yes"], status);
        assert!(!ran.stderr.contains("warning"), "{step}: {}", ran.stderr);
        let messages = hook.taken();
        assert_eq!(topics(&messages), told, "{step}");
        for (what, body) in &messages {
            assert_eq!(what, "POST /hook?key=1", "{step}");
            for id in 1..=PEOPLE as u64 {
                let email = scene.email(1000 + id);
                let name = email.split('@').next().unwrap();
                assert!(!body.to_lowercase().contains(name), "{step}: {body}");
            }
        }
        let path = if status == 0 { "GET /beat" } else { "GET /beat/fail" };
        assert_eq!(beat.taken(), [(path.to_owned(), String::new())], "{step}");
        let measured = scene.read("sync.prom");
        assert!(measured.contains(&format!("personio_sync_last_run_exit_code {status}\n")), "{step}: {measured}");
        assert!(measured.contains("personio_sync_target_in_sync{target=\"list\"}"), "{step}: {measured}");
    }
    // Nobody is told of a plan, which needs none of these secrets, nor of the sandbox.
    scene.run(&["plan"], 0);
    scene.run(&["sync", "--sandbox", "--yes"], 0);
    assert_eq!((hook.taken(), beat.taken()), (vec![], vec![]));
}

#[test]
fn a_slot_without_a_run_and_a_budget_near_its_end_are_told() {
    let (scene, hook) = (Scene::new(PEOPLE, ""), Hook::start());
    let notify = format!("[notify]\nwebhook = '{}/hook'\n", hook.address);
    scene.configure(&format!("{notify}{}", list(&format!("{FREE}\nevery = '1h'"))));
    let due = ["sync", "--due", "--yes"];
    for (time, told) in [
        ("05:00:01", vec![]),
        ("07:30:00", vec!["missed 1"]),
        ("08:00:01", vec![]),
        ("08:15:00", vec![]),
        ("11:00:00", vec!["missed 2"]),
    ] {
        scene.run_at(time, &due, 0);
        assert_eq!(topics(&hook.taken()), told, "{time}");
    }
    scene.configure(&format!("{notify}[budget]\ntasks = 1000\nwarn_at = '1%'\n{DESK}"));
    for told in [vec!["budget 1"], vec![]] {
        scene.run(&["sync", "--yes"], 0);
        assert_eq!(topics(&hook.taken()), told);
    }
}

#[test]
fn what_nobody_took_changes_no_status_and_is_told_by_the_next_run() {
    let (scene, hook) = (Scene::new(PEOPLE, ""), Hook::start());
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/hook-of-ours", deaf.local_addr().unwrap());
    drop(deaf);
    scene.configure(&format!("[notify]\nwebhook = {{ env = 'HOOK' }}\nmetrics = 'no-folder/x.prom'\n{}", list(HELD)));
    let ran = run_with(&scene, &[("HOOK", &closed)], &["sync", "--yes"], 4);
    ran.says("warning: notify.webhook: nobody was told: ").says("warning: notify.metrics: ");
    assert!(!ran.stderr.contains("hook-of-ours"), "an address of a webhook is a secret: {}", ran.stderr);
    run_with(&scene, &[("HOOK", &hook.address)], &["sync", "--yes"], 4);
    assert_eq!(topics(&hook.taken()), ["held 9"]);
}

#[test]
fn chats_and_programs_get_the_form_that_they_take() {
    let (scene, hook) = (Scene::new(PEOPLE, ""), Hook::start());
    let base = &hook.address;
    scene.configure(&format!(
        "[notify]\nslack = '{base}/slack'\nteams = '{base}/teams'\nwebhook = '{base}/any'\nheartbeat = '{base}/beat'\n\
         command = ['sh', '-c', 'cat > message']\n{}",
        list(FREE)
    ));
    let ran = scene.run(&["notify", "test", "--format", "json"], 0).json();
    assert_eq!(ran["kind"], "notify_test");
    let channels: Vec<&Value> = ran["channels"].as_array().unwrap().iter().map(|one| &one["channel"]).collect();
    assert_eq!(json!(channels), json!(["slack", "teams", "webhook", "command", "heartbeat"]));
    let taken = hook.taken();
    let paths: Vec<&str> = taken.iter().map(|(what, _)| &**what).collect();
    assert_eq!(paths, ["POST /slack", "POST /teams", "POST /any", "GET /beat"]);
    let body = |place: usize| serde_json::from_str::<Value>(&taken[place].1).unwrap();
    assert!(body(0)["text"].as_str().unwrap().starts_with("*personio-sync: a test*"));
    assert_eq!(body(1)["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(body(2)["kind"], "test");
    assert!(scene.read("message").starts_with("This is a test"));
    // What does not arrive is named.
    scene.configure(&format!("[notify]\ncommand = ['no-such-program']\n{}", list(FREE)));
    let ran = scene.run(&["notify", "test", "--format", "json"], 6).json();
    assert_eq!(ran["problems"][0]["code"], "not_delivered");
    scene.configure(&list(FREE));
    scene.run(&["notify", "test"], 2).says("the file has no [notify]");
}

#[test]
fn a_refused_recipient_keeps_nobody_else_from_being_told() {
    let Some(python) = found("aiosmtpd", aiosmtpd()) else { return };
    let (scene, port) = (Scene::new(PEOPLE, ""), free_port());
    scene.write("server.py", SERVER);
    let mut server = Command::new(python);
    server.arg(scene.path("server.py")).arg(port.to_string()).arg(scene.path(""));
    let _server = Ends(server.spawn().unwrap());
    await_port(port);
    scene.configure(&format!(
        "[notify.email]\nserver = '127.0.0.1:{port}'\nfrom = 'sync@example.com'\n\
         to = ['it@example.com', 'refused@example.com', 'hr@example.org']\n{}",
        list(HELD)
    ));
    let ran = scene.run(&["sync", "--yes"], 4);
    ran.says("warning: notify.email: not sent to refused@example.com: ").says("550");
    let found = mails(&scene.path(""));
    let envelopes: Vec<&str> = found.iter().filter_map(|mail| mail.lines().next()).collect();
    assert_eq!(envelopes, ["Envelope: ['it@example.com']", "Envelope: ['hr@example.org']"]);
    for mail in &found {
        for part in ["Message-ID: <", "Subject: personio-sync: 9 held (list)", "list: held for employees"] {
            assert!(mail.contains(part), "{part}\n{mail}");
        }
    }
    // Who was told is not told again because somebody else was not.
    scene.run(&["sync", "--yes"], 4);
    assert_eq!(mails(&scene.path("")).len(), 2);
}

#[test]
fn beyond_this_machine_mail_goes_encrypted_or_not_at_all() {
    let Some(python) = found("aiosmtpd", aiosmtpd()) else { return };
    let (scene, port) = (Scene::new(PEOPLE, ""), free_port());
    // A name of this machine that does not say so.
    let output = Command::new("hostname").output().unwrap();
    let host = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let certificate = |name: &str| {
        let [key, certificate] = ["key", "crt"].map(|ending| scene.path(&format!("{name}.{ending}")));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        openssl.args(["-days", "30", "-subj", "/CN=mail", "-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.args(["-addext", &format!("subjectAltName=DNS:{host}")]).stderr(Stdio::null());
        done(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate)).map(|()| (certificate, key))
    };
    let Some((mine, key)) = found("openssl", certificate("mail")) else { return };
    let (other, _) = certificate("other").unwrap();
    scene.write("server.py", SERVER);
    let mut server = Command::new(python);
    server.arg(scene.path("server.py")).arg(port.to_string()).arg(scene.path("")).args([&mine, &key]);
    let _server = Ends(server.spawn().unwrap());
    await_port(port);
    scene.configure(&format!(
        "[notify.email]\nserver = '{host}:{port}'\nfrom = 'sync@example.com'\nto = ['it@example.com']\nuser = 'sync'\n\
         password = {{ env = 'MAIL_PASSWORD' }}\n{}",
        list(HELD)
    ));
    let trusted = |certificate: &Path, password, code| {
        let authority = certificate.display().to_string();
        run_with(&scene, &[("SSL_CERT_FILE", &authority), ("MAIL_PASSWORD", password)], &["sync", "--yes"], code)
    };
    trusted(&other, "papaya", 4).says("warning: notify.email: nobody was told: ").says("ertificate");
    let refused = trusted(&mine, "mango", 4);
    refused.says("535");
    assert!(!refused.stderr.contains("mango"), "{}", refused.stderr);
    assert_eq!(mails(&scene.path("")), Vec::<String>::new());
    let told = trusted(&mine, "papaya", 4);
    assert!(!told.stderr.contains("warning"), "{}", told.stderr);
    assert_eq!(mails(&scene.path("")).len(), 1);
}

/// Postfix in folders of its own, for the mailboxes `it` and `hr` of example.com.
#[cfg(unix)]
struct Postfix(PathBuf);

#[cfg(unix)]
impl Postfix {
    fn start(folder: &Path, port: u16) -> Result<Self, String> {
        use std::os::unix::fs::{PermissionsExt as _, chown};
        let id = |what: &str| {
            let output = Command::new("id").args([what, "postfix"]).output().map_err(|error| error.to_string())?;
            String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().map_err(|_| "no user postfix".to_owned())
        };
        let (user, group) = (id("-u")?, id("-g")?);
        for name in ["etc", "queue", "data", "mail"] {
            std::fs::create_dir(folder.join(name)).map_err(|error| error.to_string())?;
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
        for name in ["data", "mail"] {
            let given = chown(folder.join(name), Some(user), Some(group));
            given.map_err(|error| format!("only root may start it: {error}"))?;
        }
        let at = folder.display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
             maillog_file_prefixes = {at}\nmaillog_file = {at}/log\ninet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\nmydestination =\nmyhostname = mail.example.com\n\
             virtual_mailbox_domains = example.com\nvirtual_mailbox_base = {at}/mail\n\
             virtual_mailbox_maps = inline:{{ {{it@example.com = it/}}, {{hr@example.com = hr/}} }}\n\
             virtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\nvirtual_minimum_uid = {user}\n\
             smtpd_relay_restrictions = reject_unauth_destination\nalias_maps =\nalias_database =\n"
        );
        let service = |line: &str| format!("{line}\n");
        let services = [
            format!("127.0.0.1:{port} inet n - n - - smtpd"),
            "cleanup unix n - n - 0 cleanup".into(),
            "qmgr unix n - n 300 1 qmgr".into(),
            "rewrite unix - - n - - trivial-rewrite".into(),
            "bounce unix - - n - 0 bounce".into(),
            "defer unix - - n - 0 bounce".into(),
            "trace unix - - n - 0 bounce".into(),
            "proxymap unix - - n - - proxymap".into(),
            "virtual unix - n n - - virtual".into(),
            "anvil unix - - n - 1 anvil".into(),
            "error unix - - n - - error".into(),
            "retry unix - - n - - error".into(),
            "postlog unix-dgram n - n - 1 postlogd".into(),
        ];
        let master: String = services.iter().map(|line| service(line)).collect();
        std::fs::write(folder.join("etc/main.cf"), main).map_err(|error| error.to_string())?;
        std::fs::write(folder.join("etc/master.cf"), master).map_err(|error| error.to_string())?;
        let started = Self(folder.join("etc"));
        started.order("start")?;
        Ok(started)
    }

    fn order(&self, word: &str) -> Result<(), String> {
        done(Command::new("/usr/sbin/postfix").arg("-c").arg(&self.0).arg(word).stderr(Stdio::null()))
    }
}

#[cfg(unix)]
impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = self.order("stop");
    }
}

#[cfg(unix)]
#[test]
fn postfix_delivers_to_whoever_it_knows() {
    let (scene, port, folder) = (Scene::new(PEOPLE, ""), free_port(), tempfile::tempdir().unwrap());
    let Some(_postfix) = found("Postfix", Postfix::start(folder.path(), port)) else { return };
    await_port(port);
    scene.configure(&format!(
        "[notify.email]\nserver = '127.0.0.1:{port}'\nfrom = 'sync@example.com'\n\
         to = ['nobody@example.com', 'it@example.com', 'hr@example.com']\n{}",
        list(HELD)
    ));
    let ran = scene.run(&["sync", "--yes"], 4);
    ran.says("warning: notify.email: not sent to nobody@example.com: ").says("550");
    for mailbox in ["it", "hr"] {
        let arrived = folder.path().join("mail").join(mailbox).join("new");
        let begun = Instant::now();
        let mail = loop {
            let first = std::fs::read_dir(&arrived).ok().and_then(|mut folder| folder.next());
            if let Some(Ok(found)) = first {
                break std::fs::read_to_string(found.path()).unwrap();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing arrives for {mailbox}");
            std::thread::yield_now();
        };
        for header in ["Message-ID: <", "Date: ", "Subject: personio-sync: 9 held (list)"] {
            assert!(mail.lines().any(|line| line.starts_with(header)), "{header}\n{mail}");
        }
    }
}
