//! Reports of a past run, for files: a workbook, a page, Markdown, JUnit. Made from the history, so they
//! hold ids and outcomes, and no value of an employee.

mod html;
mod junit;
mod markdown;
mod workbook;

pub use html::html;
pub(super) use html::rows as job_rows;
pub use junit::junit;
pub use markdown::markdown;
pub use workbook::workbook;

use serde::Serialize;

use crate::output::grouped::alike;
use crate::zone::LocalTime;

/// One past run with everything that came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    pub run: String,
    /// When it began, in the file's time zone.
    pub started: LocalTime,
    /// When it ended; `None` when it was killed.
    pub finished: Option<LocalTime>,
    pub exit_code: Option<u8>,
    /// What it was started with.
    pub command: String,
    /// Who ran it, where that was kept.
    pub by: Option<String>,
    /// What somebody had released and it carried out, a sentence each.
    pub approvals: Vec<String>,
    /// In the order of the file.
    pub targets: Vec<TargetLine>,
    /// Sorted by target, then employee.
    pub rows: Vec<Row>,
    /// What it saw that needs a hand and is still open.
    pub todos: Vec<TodoRow>,
}

/// Something that needs a hand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TodoRow {
    pub id: i64,
    /// Empty where it is about a run as a whole.
    pub target: String,
    /// Empty where it is about a target.
    pub employee: String,
    /// The name, where the state may keep names.
    pub name: Option<String>,
    /// When a run saw it first, in the file's time zone.
    pub since: LocalTime,
    pub code: String,
    pub what: String,
    pub advice: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetLine {
    /// As the file names it.
    pub name: String,
    /// Whether it was worked through.
    pub ok: bool,
    pub succeeded: u64,
    pub failed: u64,
    /// Jobs that a rail held.
    pub held: u64,
    pub skipped: u64,
    /// Jobs whose turn did not come.
    pub not_attempted: u64,
    pub in_sync: u64,
    pub tasks: u64,
}

impl TargetLine {
    /// How many of its jobs ended how, what needs somebody first: the word, its class on a page, and the number.
    pub(super) fn by_outcome(&self) -> [(&'static str, &'static str, u64); 5] {
        [
            ("failed", "failed", self.failed),
            ("not attempted", "not_attempted", self.not_attempted),
            ("held", "held", self.held),
            ("skipped", "skipped", self.skipped),
            ("succeeded", "succeeded", self.succeeded),
        ]
    }

    pub(super) fn jobs(&self) -> u64 {
        self.by_outcome().into_iter().map(|(_, _, number)| number).sum()
    }
}

/// The title of the column with what the target's own sync log says.
pub(super) const LOG: &str = "In the target's own log";

impl RunReport {
    /// What is to be done alike for several employees, together.
    fn todos_alike(&self) -> Vec<Vec<&TodoRow>> {
        alike(&self.todos, |todo| (todo.target.clone(), todo.code.clone(), todo.what.clone(), todo.since.day()))
    }

    /// Whether a target of the run has a sync log of its own that says something.
    fn has_log(&self) -> bool {
        self.rows.iter().any(|row| !row.log.is_empty())
    }
}

/// One employee in one target.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Row {
    /// The number of the job.
    pub job: String,
    pub target: String,
    pub employee: String,
    /// The name, where the state may keep names.
    pub name: Option<String>,
    /// `succeeded`, `failed`, `held`, `skipped`, `not_attempted`.
    pub outcome: &'static str,
    /// What was done or meant: `create`, `update`.
    pub what: String,
    pub fields: String,
    /// The steps of workflows among it: `welcome, step 0: service request: succeeded`.
    pub workflows: Vec<String>,
    pub code: String,
    /// What the target's own sync log says, where it has one.
    pub log: String,
    pub error: String,
    pub advice: String,
    /// Until when somebody accepted the failure.
    pub accepted_until: Option<LocalTime>,
    pub accepted_by: Option<String>,
}

impl TodoRow {
    /// The id with the name, for files alone: Markdown goes to tickets.
    pub(crate) fn who(&self) -> String {
        who(&self.employee, self.name.as_deref())
    }
}

/// `1001 Ines Example`
fn who(employee: &str, name: Option<&str>) -> String {
    name.map_or_else(|| employee.to_owned(), |name| format!("{employee} {name}"))
}

impl Row {
    /// The employee, by name where it is known.
    pub(crate) fn who(&self) -> String {
        who(&self.employee, self.name.as_deref())
    }

    /// `create; welcome, step 0: service request: failed`
    pub(crate) fn what_and_steps(&self) -> String {
        let parts = std::iter::once(&self.what).chain(&self.workflows).filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    /// `refused: 400: job_title is too long`
    pub(crate) fn why(&self) -> String {
        let parts = [self.code.as_str(), self.error.as_str()].into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(": ")
    }

    /// Sorts what needs somebody before what does not.
    fn urgency(&self) -> usize {
        let order = ["failed", "not_attempted", "held", "skipped", "succeeded"];
        let accepted = usize::from(self.accepted_until.is_some());
        accepted + order.iter().position(|outcome| *outcome == self.outcome).unwrap_or(order.len()) * 2
    }

    /// `(accepted until 2026-12-31) by ada on host-a`; `None` when nobody accepted it.
    fn acceptance(&self) -> Option<String> {
        let by = self.accepted_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        Some(format!("(accepted until {}){by}", self.accepted_until?.day()))
    }

    /// Whether it is a failure that nobody accepted.
    pub fn is_failure(&self) -> bool {
        self.outcome == "failed" && self.accepted_until.is_none()
    }
}

/// A small run that every format's test shows.
#[cfg(test)]
fn sample() -> RunReport {
    let moment = |text: &str| crate::zone::Zone::utc().second(format!("{text}Z").parse().unwrap());
    RunReport {
        run: "12".into(),
        started: moment("2026-11-22T06:00:00"),
        finished: Some(moment("2026-11-22T06:01:30")),
        exit_code: Some(3),
        command: "sync --yes".into(),
        by: Some("ada on host-a".into()),
        approvals: vec!["service-desk, employee 1001: create, approved by ben on host-b at 2026-11-21: <seen>".into()],
        targets: vec![TargetLine {
            name: "service-desk".into(),
            ok: true,
            succeeded: 1,
            failed: 1,
            held: 0,
            skipped: 1,
            not_attempted: 0,
            in_sync: 247,
            tasks: 5,
        }],
        rows: vec![
            Row {
                job: "12.1".into(),
                target: "service-desk".into(),
                employee: "1001".into(),
                outcome: "succeeded",
                what: "create".into(),
                fields: "first_name, last_name".into(),
                ..Row::default()
            },
            Row {
                job: "12.2".into(),
                target: "service-desk".into(),
                employee: "1002".into(),
                outcome: "failed",
                what: "update".into(),
                fields: "job_title".into(),
                code: "refused".into(),
                error: "400: job_title <is> too long & \"odd\"".into(),
                advice: "Fix it, then retry.".into(),
                ..Row::default()
            },
            Row {
                job: "12.3".into(),
                target: "service-desk".into(),
                employee: "1003".into(),
                outcome: "failed",
                what: "create".into(),
                code: "already_exists".into(),
                accepted_until: Some(moment("2026-12-31T23:59:59")),
                accepted_by: Some("ben on host-b".into()),
                ..Row::default()
            },
        ],
        todos: vec![TodoRow {
            id: 4,
            target: "service-desk".into(),
            employee: "1004".into(),
            name: Some("Mira Example".into()),
            since: moment("2026-11-20T06:00:00"),
            code: "hire_date_moved".into(),
            what: "the request <9> was made for another day".into(),
            advice: "Change it by hand.".into(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn no_report_has_a_letter_that_cannot_be_seen() {
        let mut report = sample();
        let raw = "Ada\u{1b}[31m\u{9b}\u{202e}eve\n| forged |";
        report.rows[1].name = Some(raw.into());
        report.rows[1].error = raw.into();
        report.rows[1].advice = raw.into();
        report.approvals = vec![raw.into()];
        report.todos[0].what = raw.into();
        let mut book = zip::ZipArchive::new(std::io::Cursor::new(workbook(&report).unwrap())).unwrap();
        let mut strings = String::new();
        book.by_name("xl/sharedStrings.xml").unwrap().read_to_string(&mut strings).unwrap();
        for text in [html(&report), markdown(&report), junit(&report).unwrap(), strings] {
            assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text}");
            assert!(text.contains("\\u{9b}\\u{202e}eve\\u{a}") || text.contains("\\\\u{202e}eve\\\\u{a}"), "{text}");
        }
    }
}
