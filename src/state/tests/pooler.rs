use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postgres::config::Host;
use tempfile::TempDir;

use crate::section::Secret;
use crate::state::{State, StateError};

use super::locks::{Account, assert_busy};
use super::{TestDatabase, link};

/// PgBouncer in front of the test's server, until dropped.
struct Pooler {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Pooler {
    /// `None` where there is no server or no PgBouncer to test with.
    fn start(mode: &str, connect: &str, more: &str) -> Option<Self> {
        let server = std::env::var("TEST_DATABASE_URL").ok()?;
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        let Some(program) = program.into_iter().find(|path| fs::exists(path).unwrap_or_default()) else {
            assert!(std::env::var_os("CI").is_none(), "there is no PgBouncer");
            eprintln!("skipped: there is no PgBouncer");
            return None;
        };
        let server: postgres::Config = server.parse().unwrap();
        let Some(Host::Tcp(host)) = server.get_hosts().first() else { panic!("a server by its name") };
        let behind = format!(
            "host={host} port={} dbname={} user={}{}",
            server.get_ports().first().unwrap_or(&5432),
            server.get_dbname().unwrap(),
            server.get_user().unwrap(),
            server
                .get_password()
                .map_or_else(String::new, |word| format!(" password={}", String::from_utf8_lossy(word)))
        );
        let folder = TempDir::new().unwrap();
        // Free for a moment; nobody else of this machine's tests asks for a number of its own.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\npooled = {behind} {connect}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {mode}\nignore_startup_parameters = extra_float_digits\n{more}\n"
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new(program);
        // It refuses to run as an administrator, and takes another user's rights.
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            command.args(["-u", "nobody"]);
        }
        let process = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pooler = Self { process, address: format!("postgres://anybody@127.0.0.1:{port}/pooled"), _folder: folder };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "PgBouncer does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }

    fn open(&self) -> Result<State, StateError> {
        State::connect(&Secret::new(self.address.as_str()))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_pooler_that_does_not_keep_sessions_is_refused_and_nothing_is_made() {
    // Its usual ways: the session used last, each in its turn, or one for everybody.
    let ways = ["", "server_round_robin = 1", "default_pool_size = 1"];
    for (mode, way) in ways.into_iter().map(|way| ("transaction", way)).chain([("statement", "")]) {
        let Some(pooler) = Pooler::start(mode, "", way) else { return };
        for time in 0..3 {
            let refused = pooler.open().err();
            assert!(matches!(refused, Some(StateError::Pooled { .. })), "{mode} {way} {time}: {refused:?}");
            let message = refused.unwrap().to_string();
            assert!(message.contains("pooler") && message.contains("session mode"), "{message}");
        }
    }
}

#[test]
fn a_pooler_that_keeps_sessions_does() {
    let Some(database) = TestDatabase::postgres("a_pooler_that_keeps_sessions_does") else { return };
    let TestDatabase::Postgres { schema, .. } = &database else { panic!("a server") };
    let query = format!("connect_query='SET search_path TO {schema}'");
    let Some(pooler) = Pooler::start("session", &query, "server_reset_query =") else { return };
    let state = pooler.open().unwrap();
    state.store_links("desk", &[link(1, "77")]).unwrap();
    let account = Account::new("pooled");
    let lock = account.lock(&state, 1).unwrap();
    assert_busy(account.lock(&database.open(), 2), 1);
    drop(lock);
    drop(account.lock(&database.open(), 2).unwrap());
    // PgBouncer takes no `options` unless it is told to.
    let refused = State::connect(&Secret::new(format!("{}?options=-csearch_path%3D{schema}", pooler.address)));
    let refused = refused.unwrap_err();
    assert!(matches!(refused, StateError::Unavailable { .. }), "{refused:?}");
    assert!(refused.to_string().contains("session mode"), "{refused}");
}
