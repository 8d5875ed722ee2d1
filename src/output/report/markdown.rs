use std::fmt::Write as _;

use crate::output::markdown::escape;
use crate::words::{in_few, in_short};

use super::html::headline;
use super::{LOG, RunReport};

/// Markdown for a ticket: the numbers, then everybody who did not succeed.
pub fn markdown(report: &RunReport) -> String {
    let mut text = String::new();
    let failures = report.rows.iter().filter(|row| row.is_failure()).count();
    let _ = writeln!(text, "# personio-sync, run {}\n\n{}\n", report.run, headline(report, failures));
    for approval in &report.approvals {
        let _ = writeln!(text, "{}\n", escape(approval));
    }
    let _ = writeln!(
        text,
        "| Target | Succeeded | Failed | Held | Skipped | Not attempted | In sync | Calls |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|"
    );
    for target in &report.targets {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            escape(&target.name),
            target.succeeded,
            target.failed,
            target.held,
            target.skipped,
            target.not_attempted,
            target.in_sync,
            target.tasks
        );
    }
    if !report.todos.is_empty() {
        let _ =
            writeln!(text, "\n| To do | Target | Employee | Since | What | What to do |\n|--:|---|--:|---|---|---|");
    }
    for alike in report.todos_alike() {
        let todo = alike[0];
        let ids: Vec<String> = alike.iter().map(|todo| todo.id.to_string()).collect();
        let employees: Vec<String> = alike.iter().map(|todo| todo.employee.clone()).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {}: {} | {} |",
            in_few(&ids),
            escape(&todo.target),
            escape(&in_short(&employees)),
            todo.since.day(),
            escape(&todo.code),
            escape(&todo.what),
            escape(&todo.advice)
        );
    }
    let others: Vec<_> = report.rows.iter().filter(|row| row.outcome != "succeeded" || !row.code.is_empty()).collect();
    if others.is_empty() {
        return text;
    }
    let (head, rule) = if report.has_log() { (format!(" {LOG} |"), "---|") } else { (String::new(), "") };
    let _ = writeln!(text, "\n| Target | Employee | Outcome | Code | Why | What to do |{head}");
    let _ = writeln!(text, "|---|--:|---|---|---|---|{rule}");
    for row in others {
        let accepted = row.acceptance().map(|accepted| format!(" {accepted}")).unwrap_or_default();
        let log = if report.has_log() { format!(" {} |", escape(&row.log)) } else { String::new() };
        let _ = writeln!(
            text,
            "| {} | {} | {}{accepted} | {} | {} | {} |{log}",
            escape(&row.target),
            row.employee,
            row.outcome.replace('_', " "),
            escape(&row.code),
            escape(&row.error),
            escape(&row.advice)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_did_not_succeed_is_listed() {
        let text = markdown(&super::super::sample());
        assert!(text.contains("| service-desk | 1 | 1 | 0 | 1 | 0 | 247 | 5 |"), "{text}");
        assert!(text.contains("| 1002 | failed | refused |"), "{text}");
        assert!(text.contains("| 1003 | failed (accepted until 2026-12-31) by ben on host-b |"), "{text}");
        assert!(!text.contains("| 1001 |"), "{text}");
        assert!(!text.contains("Mira"), "{text}");
        assert!(text.contains("| 4 | service-desk | 1004 | 2026-11-20 | hire\\_date\\_moved: the request"), "{text}");
        assert!(text.contains("Started 2026-11-22 06:00:00 UTC by ada on host-a"), "{text}");
        assert!(text.contains("employee 1001: create, approved by ben on host-b"), "{text}");
    }
}
