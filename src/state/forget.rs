use std::collections::BTreeSet;

use crate::employee::EmployeeId;

use super::history::Seen;
use super::records::Step;
use super::sql::{self, Cell, Database};
use super::{State, StateError, in_line, limits, seen, source, todos, told};

/// What stands where something was erased.
const ERASED: &str = "…";

impl State {
    /// Erases every trace of one employee, in every target: rows, and mentions in what is said of others and of runs.
    ///
    /// The counts of writes of the last day stay, so that erasing people makes no room for more removals.
    ///
    /// # Errors
    ///
    /// When the state cannot be written; nothing is erased then. [`StateError::Busy`] may also mean that everything is
    /// erased but an earlier copy stays in the file's log, because another process reads; doing it again settles that.
    pub fn forget_employee(&self, employee: EmployeeId) -> Result<(), StateError> {
        self.write(|database| {
            let accounts = accounts_of(database, employee)?;
            for table in
                ["links", "journal", "jobs", "last_seen", "repeats", "ledger", "held", "approvals", "looked_at"]
            {
                database.execute(&format!("DELETE FROM {table} WHERE employee = ?"), &[employee.into()])?;
            }
            limits::forget_overwritten(database, employee)?;
            forget_seen(database, employee)?;
            source::forget(database, employee)?;
            told::forget(database, &employee.to_string())?;
            todos::forget(database, &employee.to_string())?;
            forget_mentions(database, employee, &accounts)
        })?;
        self.scrub()
    }

    /// Forgets links and history of a target. The ledger stays: whoever was invited is not invited again when the
    /// target comes back; so do the number of calls made in this period, and what was written to the account within a
    /// day, which its limits count. The next run is a first run.
    pub fn disconnect(&self, target: &str) -> Result<(), StateError> {
        self.write(|database| {
            let tables = [
                "links",
                "journal",
                "jobs",
                "run_targets",
                "last_seen",
                "repeats",
                "unstored",
                "targets",
                "confirmed",
                "slots",
                "shown",
                "held",
                "approvals",
                "told",
                "todos",
                "complete_runs",
                "looked_at",
            ];
            for table in tables {
                database.execute(&format!("DELETE FROM {table} WHERE target = ?"), &[target.into()])?;
            }
            Ok(())
        })?;
        self.scrub()
    }

    fn scrub(&self) -> Result<(), StateError> {
        self.database.lock().scrub()
    }
}

/// The accounts that were ever known to be the employee's.
fn accounts_of(database: &mut dyn Database, employee: EmployeeId) -> Result<BTreeSet<Box<str>>, StateError> {
    let mut accounts = BTreeSet::new();
    for query in [
        "SELECT account FROM links WHERE employee = ?",
        "SELECT account FROM journal WHERE employee = ? AND account IS NOT NULL",
    ] {
        accounts.extend(sql::all(database, query, &[employee.into()], |row| Ok(row.word(0)?.into()))?);
    }
    Ok(accounts)
}

fn forget_seen(database: &mut dyn Database, employee: EmployeeId) -> Result<(), StateError> {
    let targets = sql::all(database, "SELECT target FROM targets", &[], |row| Ok(Box::<str>::from(row.word(0)?)))?;
    for target in targets {
        in_line::forget(database, &target, employee)?;
        let mut list = Seen::read(database, &target)?.list;
        if let Ok(index) = list.binary_search(&employee) {
            list.remove(index);
            let cells = [seen::encode(&list).into(), (&target).into()];
            database.execute("UPDATE targets SET seen = ? WHERE target = ?", &cells)?;
        }
    }
    Ok(())
}

/// Erases the employee's number from what is said of others ("shares a match key with 4711"), from the commands of runs
/// (`--employee 4711`) and, with the account's, from the paths of requests made for others.
fn forget_mentions(
    database: &mut dyn Database,
    employee: EmployeeId,
    accounts: &BTreeSet<Box<str>>,
) -> Result<(), StateError> {
    let number = employee.to_string();
    let like = format!("%{number}%");
    let runs =
        sql::all(database, "SELECT id, command FROM runs WHERE command LIKE ?", &[like.as_str().into()], |row| {
            Ok((row.number(0)?, row.word(1)?.to_owned()))
        })?;
    for (id, command) in runs {
        let cells = [without_word(&command, &number).into(), id.into()];
        database.execute("UPDATE runs SET command = ? WHERE id = ?", &cells)?;
    }
    let confirmed = sql::all(
        database,
        "SELECT kind, target, content FROM confirmed WHERE content LIKE ?",
        &[like.as_str().into()],
        |row| Ok((row.word(0)?.to_owned(), row.word(1)?.to_owned(), row.word(2)?.to_owned())),
    )?;
    for (kind, target, content) in confirmed {
        if let Some(rest) = without_person(&content, &number) {
            let cells = [rest.into(), kind.into(), target.into()];
            database.execute("UPDATE confirmed SET content = ? WHERE kind = ? AND target = ?", &cells)?;
        } else if without_word(&content, &number) != content {
            // What was confirmed is not what it was without this person: it is to be confirmed afresh.
            let cells = [kind.into(), target.into()];
            database.execute("DELETE FROM confirmed WHERE kind = ? AND target = ?", &cells)?;
        }
    }
    forget_in_remarks(database, &number, &like)?;
    forget_in_jobs(database, &number, accounts)
}

/// Erases the number from what rails, people and to-dos say of others.
fn forget_in_remarks(database: &mut dyn Database, number: &str, like: &str) -> Result<(), StateError> {
    for (table, column) in [("held", "detail"), ("approvals", "why"), ("todos", "detail")] {
        let query = format!("SELECT id, {column} FROM {table} WHERE {column} LIKE ?");
        let found = sql::all(database, &query, &[like.into()], |row| Ok((row.number(0)?, row.word(1)?.to_owned())))?;
        for (id, text) in found {
            let cells = [without_word(&text, number).into(), id.into()];
            database.execute(&format!("UPDATE {table} SET {column} = ? WHERE id = ?"), &cells)?;
        }
    }
    Ok(())
}

fn forget_in_jobs(database: &mut dyn Database, number: &str, accounts: &BTreeSet<Box<str>>) -> Result<(), StateError> {
    let mut condition = "error LIKE ? OR advice LIKE ? OR acknowledged_reason LIKE ? OR steps LIKE ?".to_owned();
    let mut cells: Vec<Cell<'_>> = vec![format!("%{number}%").into(); 4];
    for account in accounts {
        condition += " OR steps LIKE ?";
        cells.push(format!("%/{account}%").into());
    }
    let query = format!("SELECT run, number, error, advice, acknowledged_reason, steps FROM jobs WHERE {condition}");
    let jobs = sql::all(database, &query, &cells, |row| {
        let texts = [row.optional_word(2)?, row.optional_word(3)?, row.optional_word(4)?];
        let steps: Vec<Step> = serde_json::from_str(row.word(5)?).map_err(|_| row.unreadable(5))?;
        Ok((row.number(0)?, row.number(1)?, texts, steps))
    })?;
    for (run, job, texts, mut steps) in jobs {
        let [error, advice, reason] = texts.map(|text| text.map(|text| without_word(&text, number)));
        for step in &mut steps {
            let parts: Vec<&str> = step
                .path
                .split('/')
                .map(|part| if part == number || accounts.contains(part) { ERASED } else { part })
                .collect();
            step.path = parts.join("/").into();
        }
        let steps = serde_json::to_string(&steps).expect("steps are JSON");
        database.execute(
            "UPDATE jobs SET error = ?, advice = ?, acknowledged_reason = ?, steps = ? WHERE run = ? AND number = ?",
            &[error.into(), advice.into(), reason.into(), steps.into(), run.into(), job.into()],
        )?;
    }
    Ok(())
}

/// What was confirmed without one person, where people are kept apart from the rest: `{"people": {"4711": …}, …}`. The
/// rest holds settings of the file, in which the same digits are no person.
fn without_person(content: &str, number: &str) -> Option<String> {
    let mut content: serde_json::Value = serde_json::from_str(content).ok()?;
    content.get_mut("people")?.as_object_mut()?.remove(number);
    Some(content.to_string())
}

/// The text with a word erased wherever it stands alone: `4711` in `shared with 4711`, not in `14711`.
fn without_word(text: &str, word: &str) -> String {
    let inside = |edge: Option<char>| edge.is_some_and(char::is_alphanumeric);
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (index, _) in text.match_indices(word) {
        let end = index + word.len();
        if inside(text[..index].chars().next_back()) || inside(text[end..].chars().next()) {
            continue;
        }
        result.push_str(&text[done..index]);
        result.push_str(ERASED);
        done = end;
    }
    result.push_str(&text[done..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_taken_out_of_what_was_confirmed_and_the_rest_stays() {
        let content =
            r#"{"people":{"4711":["expert"],"4712":["expert"]},"teams":{"IT":{"goals":"within 4711 minutes"}}}"#;
        let rest = r#"{"people":{"4712":["expert"]},"teams":{"IT":{"goals":"within 4711 minutes"}}}"#;
        assert_eq!(without_person(content, "4711").as_deref(), Some(rest));
        assert_eq!(without_person(rest, "4711").as_deref(), Some(rest));
        assert_eq!(without_person(r#"{"leads":[4711]}"#, "4711"), None);
        assert_eq!(without_person("4711", "4711"), None);
    }

    #[test]
    fn words_are_erased_only_where_they_stand_alone() {
        for (text, expected) in [
            ("shares a match key with 4711", "shares a match key with …"),
            ("--employee 4711,4712", "--employee …,4712"),
            ("14711 and 47110", "14711 and 47110"),
            ("4711", "…"),
            ("47114711", "47114711"),
            ("", ""),
        ] {
            assert_eq!(without_word(text, "4711"), expected, "{text}");
        }
    }
}
