//! Plans and reports for a pull request or a ticket.

use std::fmt::Write as _;

use crate::field::FieldValue;
use crate::plan::{Change, Op};

use super::visible::visible;
use super::{Document, Kind, grouped};
use crate::words::employees;

/// The document as Markdown.
pub fn render(document: &Document<'_>) -> String {
    let mut text = String::new();
    let title = if document.kind == Kind::Plan { "Plan" } else { "Report" };
    let _ = writeln!(text, "# personio-sync: {title}\n");
    for problem in document.problems {
        let _ = writeln!(text, "- **{}**: {}", problem.code, escape(&problem.message));
    }
    if !document.problems.is_empty() {
        text.push('\n');
    }
    let Some(plan) = document.plan else {
        return text;
    };
    let proof = if plan.source.complete { "proven complete" } else { "**not proven complete**" };
    let newest = plan.source.newest_change.as_ref().map(|newest| format!(" Newest change seen: {newest}."));
    let newest = newest.unwrap_or_default();
    let _ = writeln!(text, "{} on {}, {proof}.{newest}\n", employees(plan.source.employees), plan.today);
    let _ = writeln!(
        text,
        "| Target | Status | Create | Update | Reactivate | Hand over | Deactivate | In sync | Skipped | Held | Failed |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    for target in &plan.targets {
        let summary = target.summary();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            escape(&target.name),
            target.status.as_str(),
            summary.create,
            summary.update,
            summary.reactivate,
            summary.handover,
            summary.deactivate,
            summary.in_sync,
            summary.skipped,
            summary.held,
            summary.failed
        );
    }
    for target in &plan.targets {
        let _ = writeln!(text, "\n## {} ({})\n", escape(&target.name), target.kind);
        if let Some(reason) = &target.reason {
            let _ = writeln!(text, "{}\n", escape(reason));
        }
        let by_hand = target.checklist.as_ref();
        if let Some(checklist) = by_hand {
            super::checklist::section(&mut text, target, checklist, document.kind, 3);
            text.push('\n');
        }
        let held = target.changes.iter().any(|change| change.hold.is_some());
        if !target.changes.is_empty() && (by_hand.is_none() || held) {
            let (last, rule) = if document.kind == Kind::Plan { ("", "") } else { (" Outcome |", "---|") };
            let _ = writeln!(text, "| Change | Employee | Account | Fields | Why |{last}\n|---|--:|---|---|---|{rule}");
            for change in target.changes.iter().filter(|change| by_hand.is_none() || change.hold.is_some()) {
                let outcome = outcome(change, document.kind);
                let outcome = outcome.map(|outcome| format!(" {} |", escape(&outcome))).unwrap_or_default();
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} |{outcome}",
                    change.op,
                    change.employee.map(|id| id.to_string()).unwrap_or_default(),
                    change.account.as_ref().map(|id| escape(&id.0)).unwrap_or_default(),
                    fields(change),
                    escape(&why(change, document.kind))
                );
            }
        }
        for skip in &target.skipped {
            let _ = writeln!(text, "- skipped employee {}: `{}`: {}", skip.employee, skip.reason, escape(&skip.detail));
        }
        for line in grouped::notices(&target.notices, true) {
            let _ = writeln!(text, "- note: {}", escape(&line));
        }
    }
    text
}

fn why(change: &Change, kind: Kind) -> String {
    match &change.hold {
        Some(hold) if kind == Kind::Plan => format!("held ({}): {}", hold.code, hold.detail),
        _ => change.detail.clone().unwrap_or_default(),
    }
}

/// What came of it; `None` before anything was done.
fn outcome(change: &Change, kind: Kind) -> Option<String> {
    if kind == Kind::Plan {
        return None;
    }
    Some(match (&change.hold, &change.outcome) {
        (Some(hold), _) => format!("held ({}): {}", hold.code, hold.detail),
        (None, Some(outcome)) => match outcome.error() {
            Some(error) => format!("{}: {error}", outcome.status()),
            None => outcome.status().into(),
        },
        (None, None) => String::new(),
    })
}

fn fields(change: &Change) -> String {
    let lines: Vec<String> = change
        .fields
        .iter()
        .map(|field| match change.op {
            Op::Create | Op::Reference | Op::Request => format!("{}: {}", escape(&field.field), shown(&field.after)),
            _ => format!("{}: {} → {}", escape(&field.field), shown(&field.before), shown(&field.after)),
        })
        .collect();
    lines.join("<br>")
}

fn shown(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => "*(empty)*".into(),
        other => escape(&other.to_string()),
    }
}

/// Keeps a value from ending its cell or from becoming markup.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_break_the_table() {
        assert_eq!(escape("a|b\n<img>"), "a\\|b\\\\u{a}&lt;img>");
    }
}
