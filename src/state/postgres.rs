use std::borrow::Cow;
use std::error::Error as _;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postgres::config::{Host, SslMode};
use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, Config, NoTls};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::section::Secret;

use super::lock::{AdvisorySession, LockKind};
use super::sql::{Cell, Database, EachRow, Purpose, Row};
use super::{StateError, pooler};

/// The schema that holds the tables, unless the address or the role chooses one by its `search_path`.
const SCHEMA: &str = "personio_sync";

/// How many parameters one statement may have, with room to spare.
const PARAMETERS: usize = 30_000;

/// How long a server that was there is waited for: it may be restarting, or another one takes its place.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(200);

/// How long data that was sent may go unacknowledged. A network that fails silently would otherwise keep a run
/// hanging for a quarter of an hour.
const SILENCE: Duration = Duration::from_secs(30);

/// A state on a PostgreSQL server, shared by several machines.
pub(super) struct Postgres {
    config: Config,
    client: Client,
    /// A second connection, for the first lock.
    spare: Option<Client>,
    location: String,
}

impl Postgres {
    /// Connects. `sslmode` of the address is honoured: `disable`, `prefer` (the default; TLS where the server offers it,
    /// none on this machine) or `require`. Wherever TLS is used the certificate is checked, against the roots of the
    /// system; `verify-ca` and `verify-full` mean `require`.
    pub(super) fn connect(address: &Secret) -> Result<Self, StateError> {
        let mut location = "on PostgreSQL".to_owned();
        let text = address
            .expose()
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        // The parser's message may quote a part of the address, and with it the password.
        let mut config: Config = text.parse().map_err(|_| StateError::Failed {
            location: location.clone(),
            why: "its address is not of the form postgres://USER@HOST:PORT/DATABASE?sslmode=require".into(),
        })?;
        if let Some(database) = config.get_dbname() {
            let _ = write!(location, " (database {database})");
        }
        if config.get_application_name().is_none() {
            config.application_name("personio-sync");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(15));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        let (mut client, mut spare) = (dial(&config, &location)?, dial(&config, &location)?);
        let failed = |error: postgres::Error| translate(&location, &error);
        // Before anything is set or prepared, which would stay in sessions that others use.
        if pooler::shares_sessions(&mut client, &mut spare).map_err(failed)? {
            return Err(StateError::Pooled { location });
        }
        prepare(&mut client).and_then(|()| prepare(&mut spare)).map_err(failed)?;
        Ok(Self { config, client, spare: Some(spare), location })
    }

    /// Begins a transaction, on a new connection where the old one was lost. Nothing was done in it yet, so beginning
    /// again is harmless.
    #[expect(clippy::disallowed_methods, reason = "how long a server is waited for")]
    fn begin_again(&mut self, begin: &str) -> Result<(), StateError> {
        let started = Instant::now();
        loop {
            let open = match self.client.is_closed() {
                true => open(&self.config, &self.location).map(|client| self.client = client),
                false => Ok(()),
            };
            match open.and_then(|()| self.script(begin)) {
                Err(StateError::Unavailable { .. }) if self.client.is_closed() && started.elapsed() < PATIENCE => {
                    std::thread::sleep(PAUSE);
                }
                result => return result,
            }
        }
    }

    fn sound<T>(&self, result: Result<T, postgres::Error>) -> Result<T, StateError> {
        result.map_err(|error| translate(&self.location, &error))
    }
}

/// Connects and settles what the session rests on.
fn open(config: &Config, location: &str) -> Result<Client, StateError> {
    let mut client = dial(config, location)?;
    prepare(&mut client).map_err(|error| translate(location, &error))?;
    Ok(client)
}

fn dial(config: &Config, location: &str) -> Result<Client, StateError> {
    let plain = match config.get_ssl_mode() {
        SslMode::Disable => true,
        SslMode::Prefer => config.get_hosts().iter().all(is_local),
        _ => false,
    };
    let connected =
        if plain { config.clone().ssl_mode(SslMode::Disable).connect(NoTls) } else { config.connect(tls(location)?) };
    connected.map_err(|error| match error.code() {
        // Servers say so of nothing in this tool's greeting; PgBouncer says so of parameters it does not know.
        Some(code) if *code == SqlState::PROTOCOL_VIOLATION => {
            let why = error.as_db_error().map_or_else(String::new, |answer| answer.message().to_owned());
            let why = format!("{why}; a pooler in between has to be in session mode and to let `options` through");
            StateError::Unavailable { location: location.to_owned(), why }
        }
        _ => translate(location, &error),
    })
}

/// Whether a host is this machine, where distributions set up certificates that nobody can check.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn prepare(client: &mut Client) -> Result<(), postgres::Error> {
    client.batch_execute("SET client_min_messages = 'warning'; SET lock_timeout = '30s'")?;
    // An intent must outlive a crash of the server.
    client.batch_execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )?;
    let path: String = client.query_one("SELECT current_setting('search_path')", &[])?.get(0);
    if path.replace(' ', "") == "\"$user\",public" {
        // Asked first: CREATE SCHEMA needs a right of its own even where the schema exists.
        let exists = |client: &mut Client| {
            client.query_opt("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&SCHEMA]).map(|row| row.is_some())
        };
        if !exists(client)? {
            let made = client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}"));
            // Another run may have made it in the same moment, which fails in spite of IF NOT EXISTS.
            if !exists(client)? {
                made?;
            }
        }
        client.batch_execute(&format!("SET search_path TO {SCHEMA}"))?;
    }
    Ok(())
}

fn tls(location: &str) -> Result<MakeRustlsConnect, StateError> {
    let broken = |error: rustls::Error| StateError::Failed {
        location: location.to_owned(),
        why: format!("TLS cannot be set up: {error}; sslmode=disable goes without"),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(broken)?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn translate(location: &str, error: &postgres::Error) -> StateError {
    let location = location.to_owned();
    let Some(answer) = error.as_db_error() else {
        let why = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        return StateError::Unavailable { location, why };
    };
    // The message only: `detail` quotes rows.
    let why = answer.message().to_owned();
    let code = answer.code();
    if *code == SqlState::DISK_FULL {
        StateError::Full { location }
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || code.code().starts_with("28")
        || *code == SqlState::INVALID_CATALOG_NAME
    {
        StateError::Role { location, why }
    } else if *code == SqlState::LOCK_NOT_AVAILABLE || code.code().starts_with("40") {
        StateError::Busy { location }
    } else if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED {
        StateError::Damaged { location, why }
    } else if code.code().starts_with("08") || code.code().starts_with("57P") || code.code().starts_with("53") {
        StateError::Unavailable { location, why }
    } else {
        StateError::Failed { location, why }
    }
}

/// With their types: the server is asked once for each statement instead of twice.
fn parameters<'a>(cells: &'a [Cell<'_>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    const NULL: &Option<&str> = &None;
    cells
        .iter()
        .map(|cell| match cell {
            Cell::Null => (NULL as &(dyn ToSql + Sync), Type::UNKNOWN),
            Cell::Int(number) => (number as &(dyn ToSql + Sync), Type::INT8),
            Cell::Text(text) => (text as &(dyn ToSql + Sync), Type::TEXT),
        })
        .collect()
}

/// The server takes no NUL in a text; a message that quotes a service may hold one.
fn without_nul<'a, 'b>(cells: &'a [Cell<'b>]) -> Cow<'a, [Cell<'b>]> {
    let has_nul = |cell: &Cell<'_>| matches!(cell, Cell::Text(text) if text.contains('\0'));
    if !cells.iter().any(has_nul) {
        return Cow::Borrowed(cells);
    }
    let cleaned = cells.iter().map(|cell| match cell {
        Cell::Text(text) if text.contains('\0') => Cell::Text(Cow::Owned(text.replace('\0', ""))),
        other => other.clone(),
    });
    Cow::Owned(cleaned.collect())
}

/// `?` in PostgreSQL's own spelling.
fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 16);
    for (before, part) in sql.split('?').enumerate() {
        if before > 0 {
            let _ = write!(numbered, "${before}");
        }
        numbered.push_str(part);
    }
    numbered
}

/// `(CAST(? AS BIGINT), CAST(? AS TEXT)), (…)`: in a list of rows the server does not find the types by itself.
fn rows(kinds: &str, count: usize) -> String {
    let cells: Vec<&str> =
        kinds.chars().map(|kind| if kind == 'i' { "CAST(? AS BIGINT)" } else { "CAST(? AS TEXT)" }).collect();
    let row = format!("({})", cells.join(", "));
    vec![row.as_str(); count].join(", ")
}

struct PostgresRow<'a> {
    row: &'a postgres::Row,
    location: &'a str,
}

impl Row for PostgresRow<'_> {
    fn int(&self, column: usize) -> Result<Option<i64>, StateError> {
        self.row.try_get(column).map_err(|_| self.unreadable(column))
    }

    fn text(&self, column: usize) -> Result<Option<&str>, StateError> {
        self.row.try_get(column).map_err(|_| self.unreadable(column))
    }

    fn unreadable(&self, column: usize) -> StateError {
        let column = self.row.columns().get(column).map_or("?", |column| column.name());
        StateError::Damaged {
            location: self.location.to_owned(),
            why: format!("`{column}` holds something unexpected"),
        }
    }
}

impl Database for Postgres {
    fn location(&self) -> &str {
        &self.location
    }

    fn spell(&self, script: &str) -> String {
        script.replace("{identity}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY").replace("{clustered}", "")
    }

    fn has_table(&mut self, name: &str) -> Result<bool, StateError> {
        let found = self
            .client
            .query_opt("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1", &[&name]);
        self.sound(found).map(|row| row.is_some())
    }

    fn is_empty(&mut self) -> Result<bool, StateError> {
        let found = self.client.query_opt("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() LIMIT 1", &[]);
        self.sound(found).map(|row| row.is_none())
    }

    fn script(&mut self, script: &str) -> Result<(), StateError> {
        let done = self.client.batch_execute(script);
        self.sound(done)
    }

    fn execute(&mut self, sql: &str, cells: &[Cell<'_>]) -> Result<u64, StateError> {
        let done = self.client.execute_typed(&numbered(sql), &parameters(&without_nul(cells)));
        self.sound(done)
    }

    fn query(&mut self, sql: &str, cells: &[Cell<'_>], each: EachRow<'_>) -> Result<(), StateError> {
        let rows = self.client.query_typed(&numbered(sql), &parameters(&without_nul(cells)));
        for row in &self.sound(rows)? {
            each(&PostgresRow { row, location: &self.location })?;
        }
        Ok(())
    }

    fn write_rows(&mut self, sql: &str, kinds: &str, cells: &[Cell<'_>]) -> Result<(), StateError> {
        // Many rows in one statement: each statement is a way to the server and back.
        for chunk in cells.chunks(PARAMETERS / kinds.len() * kinds.len()) {
            let sql = sql.replace("{rows}", &rows(kinds, chunk.len() / kinds.len()));
            let done = self.client.execute_typed(&numbered(&sql), &parameters(&without_nul(chunk)));
            self.sound(done)?;
        }
        Ok(())
    }

    fn begin(&mut self, purpose: Purpose) -> Result<(), StateError> {
        self.begin_again(match purpose {
            Purpose::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Purpose::Write => "BEGIN",
            // Two that make the same table at the same time would both fail.
            Purpose::Migrate => "BEGIN; SELECT pg_advisory_xact_lock(hashtext('personio-sync schema'))",
        })
    }

    fn commit(&mut self) -> Result<(), StateError> {
        self.script("COMMIT")
    }

    fn rollback(&mut self) {
        let _ = self.client.batch_execute("ROLLBACK");
    }

    fn scrub(&mut self) -> Result<(), StateError> {
        // What the server keeps of erased rows until its next VACUUM is out of reach of any query.
        Ok(())
    }

    fn lock_kind(&mut self) -> Result<LockKind, StateError> {
        // The lock lasts exactly as long as this connection does, whatever becomes of the other.
        let spare = self.spare.take().and_then(|mut spare| spare.is_valid(SILENCE).is_ok().then_some(spare));
        let mut client = spare.map_or_else(|| open(&self.config, &self.location), Ok)?;
        keep_alive(&mut client).map_err(|error| translate(&self.location, &error))?;
        Ok(LockKind::Server(Box::new(Session { config: self.config.clone(), client, location: self.location.clone() })))
    }

    #[cfg(test)]
    fn break_down(&mut self, fault: super::tests::Fault) {
        match fault {
            super::tests::Fault::ReadOnly => self.script("SET default_transaction_read_only = on").expect("a setting"),
            super::tests::Fault::Full => panic!("a server's disc cannot be filled from here"),
        }
    }
}

/// For a connection that says nothing for as long as a target takes.
fn keep_alive(client: &mut Client) -> Result<(), postgres::Error> {
    // A machine that died does not say goodbye; the server finds out by asking.
    client.batch_execute(
        "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
         SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'",
    )
}

/// The connection that holds an advisory lock.
struct Session {
    config: Config,
    client: Client,
    location: String,
}

impl Session {
    fn sound<T>(&self, result: Result<T, postgres::Error>) -> Result<T, StateError> {
        result.map_err(|error| translate(&self.location, &error))
    }
}

/// What the name of a holder gets beside it: when it last gave a sign of life, by the clock of the server, which is one
/// for all machines.
const SIGN_OF_LIFE: &str = "jsonb_build_object('seen', (extract(epoch FROM clock_timestamp()) * 1000)::bigint)";

impl AdvisorySession for Session {
    fn location(&self) -> &str {
        &self.location
    }

    fn connect_again(&mut self) -> Result<(), StateError> {
        self.client = open(&self.config, &self.location)?;
        let kept = keep_alive(&mut self.client);
        self.sound(kept)
    }

    fn try_lock(&mut self, key: i64) -> Result<bool, StateError> {
        let row = self.client.query_one("SELECT pg_try_advisory_lock($1)", &[&key]);
        self.sound(row.map(|row| row.get(0)))
    }

    fn unlock(&mut self, key: i64) {
        let _ = self.client.execute("SELECT pg_advisory_unlock($1)", &[&key]);
    }

    fn holder(&mut self, identity: &str) -> Result<Option<(String, Duration)>, StateError> {
        let age = "SELECT holder, COALESCE((extract(epoch FROM clock_timestamp()) * 1000)::bigint
                       - (holder::jsonb ->> 'seen')::bigint, 0) FROM lock_holders WHERE identity = $1";
        let row = self.client.query_opt(age, &[&identity]);
        self.sound(row.map(|row| {
            row.map(|row| (row.get(0), Duration::from_millis(u64::try_from(row.get::<_, i64>(1)).unwrap_or_default())))
        }))
    }

    fn set_holder(&mut self, identity: &str, holder: &str) -> Result<(), StateError> {
        let set = format!(
            "INSERT INTO lock_holders (identity, holder) VALUES ($1, CAST(CAST($2 AS TEXT) AS jsonb) || {SIGN_OF_LIFE})
             ON CONFLICT (identity) DO UPDATE SET holder = excluded.holder"
        );
        let done = self.client.execute(&set, &[&identity, &holder]);
        self.sound(done.map(|_| ()))
    }

    fn has_open_intents(&mut self, since: i64) -> Result<bool, StateError> {
        let open = "SELECT 1 FROM runs JOIN journal ON journal.run = runs.id
                    WHERE runs.started_at = $1 AND runs.finished_at IS NULL AND journal.state = 'open' LIMIT 1";
        let row = self.client.query_opt(open, &[&since]);
        self.sound(row.map(|row| row.is_some()))
    }

    fn check(&mut self) -> Result<(), StateError> {
        let answer = self.client.batch_execute("");
        self.sound(answer)
    }

    fn sign_of_life(&mut self, identity: &str) -> Result<(), StateError> {
        let sign = format!("UPDATE lock_holders SET holder = holder::jsonb || {SIGN_OF_LIFE} WHERE identity = $1");
        let done = self.client.execute(&sign, &[&identity]);
        self.sound(done.map(|_| ()))
    }

    fn release(&mut self, identity: &str, key: i64) {
        let _ = self.client.execute("DELETE FROM lock_holders WHERE identity = $1", &[&identity]);
        self.unlock(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered() {
        assert_eq!(numbered("a = ? AND b = ?"), "a = $1 AND b = $2");
        assert_eq!(numbered("none"), "none");
        assert_eq!(rows("it", 2), "(CAST(? AS BIGINT), CAST(? AS TEXT)), (CAST(? AS BIGINT), CAST(? AS TEXT))");
    }

    #[test]
    fn an_address_that_cannot_be_read_is_not_quoted() {
        let refused = Postgres::connect(&Secret::new("postgres://sync:hunter2@host:notaport/x?hunter2=1"));
        let message = refused.err().expect("an error").to_string();
        assert!(message.contains("postgres://USER@HOST:PORT/DATABASE"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}
