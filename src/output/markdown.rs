//! Plans and reports for a pull request or a ticket.

use std::fmt::Write as _;

use crate::plan::{Change, Op, TargetPlan};

use super::mask::Mask;
use super::table::{NAMED, TableStyle, folded, matters};
use super::visible::{short, short_pair, visible};
use super::{Document, Kind, grouped};
use crate::words::{count, employees};

/// How many bytes a comment has at most. GitHub takes 65,536 letters
/// (<https://github.com/dead-claudia/github-limits>), the other forges more; the rest is for what a bot adds.
const LONGEST: usize = 60_000;

/// The document as Markdown. Its first line cannot be seen on a page, and is the same for every plan of one file.
pub fn render(document: &Document<'_>, style: TableStyle<'_>) -> String {
    let (title, word) = if document.kind == Kind::Plan { ("Plan", "plan") } else { ("Report", "report") };
    let mut text = format!("{}# personio-sync: {title}\n\n", marker(word, style.file));
    for problem in document.problems {
        let _ = writeln!(text, "- **{}**: {}", problem.code, escape(&problem.message));
    }
    if !document.problems.is_empty() {
        text.push('\n');
    }
    let Some(plan) = document.plan else {
        return text;
    };
    let newest = plan.source.newest_change.as_ref().map(|newest| format!(" Newest change seen: {newest}."));
    let newest = newest.unwrap_or_default();
    let proof = if plan.source.complete { "proven complete" } else { "**not proven complete**" };
    let _ = match plan.source.changes_in_words(plan.today) {
        Some(changes) => writeln!(text, "Read {changes}.\n"),
        None => writeln!(text, "{} on {}, {proof}.{newest}\n", employees(plan.source.employees), plan.today),
    };
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
    for (position, target) in plan.targets.iter().enumerate() {
        // What one target does not need is there for those after it.
        let share = LONGEST.saturating_sub(text.len()) / (plan.targets.len() - position);
        let room = if style.all { usize::MAX } else { text.len() + share };
        section(&mut text, target, document, style, room);
    }
    text
}

/// `<!-- personio-sync plan: quickstart.toml -->`
fn marker(word: &str, file: &str) -> String {
    // A comment of HTML ends at `--`.
    let file = visible(file).replace("--", "- -").replace('>', "");
    format!("<!-- personio-sync {word}: {file} -->\n")
}

/// The part of one target, which ends before the text is longer than `room` but for a line that says how much is missing.
fn section(text: &mut String, target: &TargetPlan, document: &Document<'_>, style: TableStyle<'_>, room: usize) {
    let kind = document.kind;
    let _ = writeln!(text, "\n## {} ({})\n", escape(&target.name), target.kind);
    if let Some(reason) = &target.reason {
        let _ = writeln!(text, "{}\n", escape(reason));
    }
    let mut missing = 0;
    let by_hand = target.checklist.as_ref();
    if let Some(checklist) = by_hand {
        let mut steps = String::new();
        super::checklist::section(&mut steps, target, checklist, kind, 3);
        if style.mask.hides() && !checklist.is_empty() {
            let _ = writeln!(text, "{} by hand, which name people.", super::checklist::steps(checklist));
        } else if text.len() + steps.len() <= room {
            text.push_str(&steps);
        } else {
            missing += checklist.len();
        }
        text.push('\n');
    }
    let mut changes: Vec<&Change> =
        target.changes.iter().filter(|change| by_hand.is_none() || change.hold.is_some()).collect();
    // What a comment has no room for must not be what somebody loses an account by, nor what went wrong.
    changes.sort_by_key(|change| {
        let went_wrong = kind == Kind::Report && (matters(change) || change.hold.is_some());
        (!went_wrong, !matches!(change.op, Op::Deactivate | Op::Handover))
    });
    if !changes.is_empty() {
        let (last, rule) = if kind == Kind::Plan { ("", "") } else { (" Outcome |", "---|") };
        let _ = writeln!(text, "| Change | Employee | Account | Fields | Why |{last}\n|---|---|---|---|---|{rule}");
    }
    for alike in folded(&changes) {
        let row = row(&alike, document, style);
        if text.len() + row.len() > room {
            missing += alike.len();
        } else {
            text.push_str(&row);
        }
    }
    let skips = target
        .skipped
        .iter()
        .map(|skip| (skip, escape(&style.mask.days(&skip.detail))))
        .map(|(skip, detail)| format!("- skipped employee {}: `{}`: {detail}\n", skip.employee, skip.reason));
    let notices = grouped::notices(&target.notices, true);
    let notices = notices.iter().map(|line| format!("- note: {}\n", escape(&style.mask.days(line))));
    for line in skips.chain(notices) {
        if text.len() + line.len() > room {
            missing += 1;
        } else {
            text.push_str(&line);
        }
    }
    if missing > 0 {
        let what = count(missing, "entry", "entries");
        let _ = writeln!(text, "\n… and {what} more than a comment can hold; `--all` and `--format json` have all.");
    }
}

fn row(alike: &[&Change], document: &Document<'_>, style: TableStyle<'_>) -> String {
    let change = alike[0];
    let employee = if alike.len() > 1 {
        let ids = alike.iter().filter_map(|change| change.employee);
        let ids: Vec<String> = ids.take(if style.all { alike.len() } else { NAMED }).map(|id| id.to_string()).collect();
        let more = if ids.len() < alike.len() { ", …" } else { "" };
        format!("{}: {}{more}", employees(alike.len()), ids.join(", "))
    } else {
        let name = change.employee.and_then(|id| document.names.of(id));
        let name = name.map(|name| format!(" {}", escape(&short(&style.mask.text(&name))))).unwrap_or_default();
        change.employee.map(|id| format!("{id}{name}")).unwrap_or_default()
    };
    let account = change.account.as_ref().filter(|_| alike.len() == 1);
    let outcome = outcome(change, document.kind).map(|outcome| format!(" {} |", escape(&style.mask.days(&outcome))));
    format!(
        "| {} | {employee} | {} | {} | {} |{}\n",
        change.op,
        account.map(|id| escape(&style.mask.account(&id.0))).unwrap_or_default(),
        fields(change, style.mask),
        escape(&style.mask.days(&why(change, document.kind))),
        outcome.unwrap_or_default()
    )
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

fn fields(change: &Change, mask: &Mask) -> String {
    let lines: Vec<String> = change
        .fields
        .iter()
        .map(|field| {
            let (before, after) = (mask.value(&field.before), mask.value(&field.after));
            match change.op {
                Op::Create | Op::Reference | Op::Request => {
                    format!("{}: {}", escape(&field.field), escape(&short(&after)))
                }
                _ => {
                    let (before, after) = short_pair(&before, &after);
                    format!("{}: {} → {}", escape(&field.field), escape(&before), escape(&after))
                }
            }
        })
        .collect();
    lines.join("<br>")
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
    use crate::code::Code;
    use crate::employee::EmployeeId;
    use crate::field::{FieldIndex, FieldValue};
    use crate::output::Names;
    use crate::plan::{FieldChange, Hold, Plan, SourceSummary};

    #[test]
    fn a_value_cannot_break_the_table() {
        assert_eq!(escape("a|b\n<img>"), "a\\|b\\\\u{a}&lt;img>");
    }

    fn plan(changes: u64) -> Plan {
        let update = |employee: u64| Change {
            fields: vec![FieldChange {
                index: FieldIndex(0),
                field: "title".into(),
                before: FieldValue::Empty,
                after: FieldValue::Text(format!("title {employee} {}", "x".repeat(300)).into()),
            }],
            ..Change::new(Op::Update, Some(EmployeeId(employee)))
        };
        let mut crowded = TargetPlan::empty("desk", "freshservice");
        crowded.changes = (1..=changes).map(update).collect();
        let mut small = TargetPlan::empty("wiki", "scim");
        small.changes = vec![update(7)];
        Plan {
            today: "2026-11-22".parse().unwrap(),
            source: SourceSummary { employees: 41, complete: true, ..SourceSummary::default() },
            targets: vec![crowded, small],
            notices: Vec::new(),
        }
    }

    fn rendered(plan: &Plan, all: bool) -> String {
        let document = Document {
            kind: Kind::Plan,
            plan: Some(plan),
            exit_code: 0,
            problems: &[],
            names: Names::default(),
            requests: None,
        };
        render(&document, TableStyle { file: "a--b>.toml", all, ..TableStyle::default() })
    }

    #[test]
    fn a_comment_is_never_too_long_and_a_crowd_hides_no_other_target() {
        let plan = plan(1_000);
        let text = rendered(&plan, false);
        assert!(text.len() < LONGEST + 1_000, "{}", text.len());
        assert!(text.contains("| update | 7 |  | title: (empty) → title 7 "), "the small target is whole");
        assert!(text.contains("entries more than a comment can hold"));
        let all = rendered(&plan, true);
        assert!(all.contains("title 1000 ") && !all.contains("more than a comment"));
    }

    #[test]
    fn a_crowd_hides_no_removal() {
        let mut plan = plan(1_000);
        let leaver = Change { detail: Some("left".into()), ..Change::new(Op::Deactivate, Some(EmployeeId(4_711))) };
        plan.targets[0].changes.push(leaver);
        assert!(rendered(&plan, false).contains("| deactivate | 4711 |"));
    }

    #[test]
    fn what_is_held_is_not_said_of_those_who_are_not() {
        let mut plan = plan(6);
        let fields = plan.targets[0].changes[0].fields.clone();
        for (position, change) in plan.targets[0].changes.iter_mut().enumerate() {
            change.fields = fields.clone();
            change.hold = (position < 3).then(|| Hold { code: Code::MaxFieldShare, detail: "too many".into() });
        }
        let text = rendered(&plan, false);
        assert!(text.contains("3 employees: 1, 2, 3") && text.contains("3 employees: 4, 5, 6"), "{text}");
        assert_eq!(text.matches("too many").count(), 1, "{text}");
    }

    #[test]
    fn a_bot_finds_its_own_comment() {
        let text = rendered(&plan(1), false);
        assert_eq!(text.lines().next(), Some("<!-- personio-sync plan: a- -b.toml -->"));
    }
}
