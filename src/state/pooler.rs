//! Poolers that hand every transaction to another session of the server: there a lock locks nothing, and stays.

use postgres::{Client, Error, SimpleQueryMessage};

/// What tells one session of a server from another: the number of its process, which may come again, and its begin.
const SESSION: &str =
    "SELECT pg_backend_pid(), (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())";

/// Whether two connections share sessions of the server, or one of them changes its own.
///
/// Asked as single queries without parameters, which leave nothing behind, neither a setting nor a prepared statement.
/// Most poolers give back the session that was used last, so the second connection meets that of the first; those that
/// take turns give the same connection another one the second time.
pub(super) fn shares_sessions(first: &mut Client, second: &mut Client) -> Result<bool, Error> {
    let mine = session(first)?;
    let changed = session(first)? != mine;
    let other = session(second)?;
    let other_changed = session(second)? != other;
    Ok(changed || other_changed || mine == other || session(first)? != mine)
}

fn session(client: &mut Client) -> Result<String, Error> {
    let rows = client.simple_query(SESSION)?;
    let row = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let cell = |column| row.and_then(|row| row.get(column)).unwrap_or_default();
    Ok(format!("{} {}", cell(0), cell(1)))
}
