//! Plans and reports for people.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

use crate::code::Code;
use crate::field::FieldValue;
use crate::plan::{Change, Op, Outcome, Plan, TargetPlan, TargetStatus};

use super::visible::{short, short_pair, visible};
use super::{Document, Kind, grouped};
use crate::words::{count, employees};

/// How much is shown, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TableStyle {
    pub colour: bool,
    /// Columns of the terminal; `None` when there is none.
    pub width: Option<u16>,
    /// Show every change, not only the first of each kind.
    pub all: bool,
    /// The plan was shown already: of a report, show only what did not go as planned.
    pub outcomes_only: bool,
}

/// How many changes, skips and notices of one kind are shown unless all are asked for.
const SHOWN: usize = 15;

pub fn render(document: &Document<'_>, style: TableStyle) -> String {
    let mut text = String::new();
    if let Some(plan) = document.plan {
        if !style.outcomes_only {
            source(&mut text, plan);
        }
        for target in &plan.targets {
            target_section(&mut text, target, document.kind, style);
        }
        if !plan.notices.is_empty() && !style.outcomes_only {
            text.push('\n');
            list(&mut text, "", "note", &grouped::notices(&plan.notices, style.all), style);
        }
    }
    text
}

fn source(text: &mut String, plan: &Plan) {
    let proof = match &plan.source.why_incomplete {
        None => "proven complete".to_owned(),
        Some(why) => format!("NOT proven complete: {}", visible(why)),
    };
    let _ = writeln!(text, "Personio: {} on {}, {proof}", employees(plan.source.employees), plan.today);
    if let Some(newest) = &plan.source.newest_change {
        let _ = writeln!(text, "newest change seen: {newest}");
    }
}

fn target_section(text: &mut String, target: &TargetPlan, kind: Kind, style: TableStyle) {
    let _ = write!(text, "\n{}", paint(&format!("{} ({})", target.name, target.kind), Attribute::Bold, style));
    match target.status {
        TargetStatus::Ready => {
            let _ = writeln!(text, ": {}", headline(target, kind));
        }
        status => {
            let reason = target.reason.as_deref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
            let _ = writeln!(text, ": {}{reason}", status.as_str());
            return;
        }
    }
    let by_hand = target.checklist.as_ref();
    let mut shown: Vec<&Change> = target
        .changes
        .iter()
        .filter(|change| kind == Kind::Plan || !style.outcomes_only || matters(change))
        .filter(|change| by_hand.is_none() || change.hold.is_some())
        .collect();
    if let Some(checklist) = by_hand {
        super::checklist::lines(text, target, checklist, kind, if style.all { usize::MAX } else { SHOWN });
    }
    if kind == Kind::Report {
        // What went wrong comes first, so that no number of successes hides it.
        shown.sort_by_key(|change| !matters(change));
    }
    if !shown.is_empty() {
        changes(text, &shown, kind, style);
    }
    if let (Kind::Plan, Some(forecast)) = (kind, target.forecast.filter(|forecast| forecast.calls > 0)) {
        let minutes = forecast.minutes.map_or_else(String::new, |minutes| {
            format!(
                ", up to {} at the known limits",
                count(usize::try_from(minutes).unwrap_or(usize::MAX), "minute", "minutes")
            )
        });
        let _ = writeln!(
            text,
            "  about {}{minutes}",
            count(usize::try_from(forecast.calls).unwrap_or(usize::MAX), "call", "calls")
        );
    }
    for (code, detail) in holds(target) {
        let _ = writeln!(text, "  held ({code}): {}", visible(detail));
    }
    list(text, "  ", "skipped", &grouped::skips(&target.skipped, style.all), style);
    if !target.orphans.is_empty() {
        let ids: Vec<Cow<'_, str>> = target.orphans.iter().take(5).map(|account| short(&account.0)).collect();
        let more = if target.orphans.len() > ids.len() { ", …" } else { "" };
        let _ = writeln!(
            text,
            "  {} that nobody owns, left alone: {}{more}",
            count(target.orphans.len(), "account", "accounts"),
            ids.join(", ")
        );
    }
    list(text, "  ", "note", &grouped::notices(&target.notices, style.all), style);
}

/// What a report shows after the plan: what did not go as planned. The rest is in its numbers.
fn matters(change: &Change) -> bool {
    change.outcome != Some(Outcome::Succeeded) && change.hold.is_none()
}

fn headline(target: &TargetPlan, kind: Kind) -> String {
    let done = |op: Op| {
        target
            .changes
            .iter()
            .filter(|change| change.op == op && change.hold.is_none() && change.reason != Some(Code::AccountFound))
            .filter(|change| kind == Kind::Plan || change.outcome == Some(Outcome::Succeeded))
            .count()
    };
    let (mut parts, summary) = (Vec::new(), target.summary());
    let by_hand = target.checklist.as_ref().filter(|checklist| !checklist.is_empty());
    if let Some(checklist) = by_hand {
        let what = if kind == Kind::Plan { "to do by hand" } else { "done by hand" };
        parts.push(format!("{} {what}", super::checklist::steps(checklist)));
    }
    for (op, infinitive, participle) in [
        (Op::Reference, "to make first", "made first"),
        (Op::Create, "to create", "created"),
        (Op::Reactivate, "to reactivate", "reactivated"),
        (Op::Handover, "to hand over", "handed over"),
        (Op::Update, "to update", "updated"),
        (Op::Deactivate, "to deactivate", "deactivated"),
        (Op::Request, "to request", "requested"),
    ] {
        let number = done(op);
        if number > 0 && by_hand.is_none() {
            parts.push(format!("{number} {}", if kind == Kind::Plan { infinitive } else { participle }));
        }
    }
    if parts.is_empty() {
        parts.push(if kind == Kind::Plan { "nothing to do".into() } else { "nothing done".into() });
    }
    let not_attempted =
        target.changes.iter().filter(|change| matches!(change.outcome, Some(Outcome::NotAttempted { .. }))).count();
    let pending =
        target.changes.iter().filter(|change| matches!(change.outcome, Some(Outcome::Pending { .. }))).count();
    for (number, word) in [
        (summary.found, "found already there"),
        (summary.failed, "failed"),
        (pending, "pending"),
        (not_attempted, "not attempted"),
        (summary.held, "held"),
        (summary.skipped, "skipped"),
        (summary.in_sync, "in sync"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    parts.join(", ")
}

fn changes(text: &mut String, changes: &[&Change], kind: Kind, style: TableStyle) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    // Two columns are the indent.
    table.set_width(style.width.unwrap_or(140).max(60) - 2);
    if !style.colour {
        table.force_no_tty();
    } else {
        table.enforce_styling();
    }
    let columns = [
        change_has(changes, |change| change.employee.is_some()),
        change_has(changes, |change| change.account.is_some()),
    ];
    let has_why = change_has(changes, |change| change.detail.is_some());
    let has_outcome = change_has(changes, |change| !outcome(change, kind).is_empty());
    let header = |text: &str| Cell::new(text).add_attribute(Attribute::Dim);
    let mut head = vec![header("Change")];
    head.extend(
        [
            ("Employee", columns[0]),
            ("Account", columns[1]),
            ("Fields", true),
            ("Why", has_why),
            ("What happened", has_outcome),
        ]
        .into_iter()
        .filter(|(_, shown)| *shown)
        .map(|(text, _)| header(text)),
    );
    table.set_header(head);
    let mut numbers: BTreeMap<(Op, bool), usize> = BTreeMap::new();
    for change in changes {
        let wrong = kind == Kind::Report && matters(change);
        let number = numbers.entry((change.op, wrong)).or_default();
        *number += 1;
        if *number > SHOWN && !style.all {
            continue;
        }
        let mut row = vec![operation(change, style)];
        if columns[0] {
            row.push(Cell::new(change.employee.map(|id| id.to_string()).unwrap_or_default()));
        }
        if columns[1] {
            row.push(Cell::new(change.account.as_ref().map(|id| short(&id.0)).unwrap_or_default()));
        }
        row.push(Cell::new(fields(change)));
        if has_why {
            row.push(Cell::new(short(change.detail.as_deref().unwrap_or_default())));
        }
        if has_outcome {
            row.push(Cell::new(short(&outcome(change, kind))));
        }
        table.add_row(row);
    }
    for line in table.to_string().lines() {
        let _ = writeln!(text, "  {}", line.trim_end());
    }
    for ((op, wrong), number) in numbers.into_iter().filter(|(_, number)| *number > SHOWN && !style.all) {
        let what = if wrong { format!("of {op} that went wrong") } else { format!("to {op}") };
        let _ = writeln!(text, "  … and {} more {what} (--all shows them)", number - SHOWN);
    }
}

fn change_has(changes: &[&Change], has: impl Fn(&Change) -> bool) -> bool {
    changes.iter().any(|change| has(change))
}

fn operation(change: &Change, style: TableStyle) -> Cell {
    let cell = Cell::new(if change.hold.is_some() { format!("{} (held)", change.op) } else { change.op.to_string() });
    if !style.colour {
        return cell;
    }
    cell.fg(match change.op {
        Op::Create | Op::Reference | Op::Request => Color::Green,
        Op::Update | Op::Reactivate | Op::Handover => Color::Yellow,
        Op::Deactivate => Color::Red,
    })
}

/// What came of it, where it is not what was planned.
fn outcome(change: &Change, kind: Kind) -> String {
    let outcome = change.outcome.as_ref().filter(|_| kind == Kind::Report);
    outcome
        .and_then(|outcome| Some(format!("{}: {}", outcome.status().replace('_', " "), outcome.error()?)))
        .unwrap_or_default()
}

fn fields(change: &Change) -> String {
    let lines: Vec<String> = change
        .fields
        .iter()
        .map(|field| match change.op {
            Op::Create | Op::Reference | Op::Request => {
                format!("{}: {}", visible(&field.field), short(&shown(&field.after)))
            }
            _ => {
                let (before, after) = short_pair(&shown(&field.before), &shown(&field.after));
                format!("{}: {before} → {after}", visible(&field.field))
            }
        })
        .collect();
    if change.op == Op::Create { lines.join("; ") } else { lines.join("\n") }
}

fn shown(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => "(empty)".into(),
        other => other.to_string(),
    }
}

fn holds(target: &TargetPlan) -> Vec<(Code, &str)> {
    let mut holds: Vec<(Code, &str)> = target
        .changes
        .iter()
        .filter_map(|change| change.hold.as_ref())
        .map(|hold| (hold.code, &*hold.detail))
        .collect();
    holds.dedup();
    holds.sort_unstable();
    holds.dedup();
    holds
}

fn list(text: &mut String, indent: &str, word: &str, lines: &[String], style: TableStyle) {
    let shown = if style.all { lines.len() } else { lines.len().min(SHOWN) };
    for line in &lines[..shown] {
        let _ = writeln!(text, "{indent}{word}: {}", visible(line));
    }
    if shown < lines.len() {
        let _ = writeln!(text, "{indent}… and {} more like this (--all shows them)", lines.len() - shown);
    }
}

fn paint(text: &str, attribute: Attribute, style: TableStyle) -> String {
    match (style.colour, attribute) {
        (true, Attribute::Bold) => format!("\u{1b}[1m{text}\u{1b}[0m"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::EmployeeId;
    use crate::plan::SourceSummary;

    #[test]
    fn no_number_of_successes_hides_a_failure() {
        let change = |employee, outcome| Change {
            outcome: Some(outcome),
            ..Change::new(Op::Create, Some(EmployeeId(employee)))
        };
        let mut target = TargetPlan::empty("desk", "freshservice");
        target.changes = (1..=40).map(|employee| change(employee, Outcome::Succeeded)).collect();
        target.changes.push(change(99, Outcome::Failed { error: "no room".into(), code: Code::Refused }));
        let plan = Plan {
            today: "2026-11-22".parse().unwrap(),
            source: SourceSummary { employees: 41, complete: true, why_incomplete: None, newest_change: None },
            targets: vec![target],
            notices: Vec::new(),
        };
        let document = Document { kind: Kind::Report, plan: Some(&plan), exit_code: 3, problems: &[] };
        let style = TableStyle { colour: false, width: None, all: false, outcomes_only: false };
        let text = render(&document, style);
        assert!(text.contains("failed: no room"), "{text}");
        assert!(text.contains("… and 25 more to create"), "{text}");
    }

    /// A plan that takes an account out of use and changes a long value.
    fn plan(outcome: Option<Outcome>) -> Plan {
        let long = "x".repeat(2_000);
        let field = crate::plan::FieldChange {
            index: crate::field::FieldIndex(0),
            field: "title".into(),
            before: FieldValue::Text(format!("{long} a").into()),
            after: FieldValue::Text(format!("{long} b\n\u{1b}").into()),
        };
        let change = |op, detail: Option<&str>, fields| Change {
            account: Some(crate::field::AccountId("u\u{202e}1".into())),
            detail: detail.map(ToOwned::to_owned),
            fields,
            outcome: outcome.clone(),
            ..Change::new(op, Some(EmployeeId(1001)))
        };
        let mut target = TargetPlan::empty("wiki", "scim");
        target.changes = vec![
            change(Op::Deactivate, Some("left on 31 October, after a long and winding road of many words"), Vec::new()),
            change(Op::Update, None, vec![field]),
        ];
        Plan {
            today: "2026-11-22".parse().unwrap(),
            source: SourceSummary { employees: 41, complete: true, why_incomplete: None, newest_change: None },
            targets: vec![target],
            notices: Vec::new(),
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_values_differ_visibly() {
        let plan = plan(None);
        let document = Document { kind: Kind::Plan, plan: Some(&plan), exit_code: 0, problems: &[] };
        for width in [80, 100, 140] {
            let text =
                render(&document, TableStyle { colour: false, width: Some(width), all: false, outcomes_only: false });
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= usize::from(width), "{widest} of {width}: {text}");
            assert!(text.contains("u\\u{202e}1") && text.contains("b\\u{a}\\u{1b}"), "{text}");
        }
    }

    #[test]
    fn a_report_says_why_as_the_plan_did() {
        let plan = plan(Some(Outcome::Failed { error: "no room".into(), code: Code::Refused }));
        let document = Document { kind: Kind::Report, plan: Some(&plan), exit_code: 3, problems: &[] };
        let text = render(&document, TableStyle { colour: false, width: Some(140), all: false, outcomes_only: false });
        assert!(text.contains("Why") && text.contains("What happened"), "{text}");
        assert!(text.contains("left on 31 October") && text.contains("failed: no room"), "{text}");
        let text = super::super::markdown::render(&document);
        assert!(text.contains("| Why | Outcome |"), "{text}");
        assert!(text.contains("left on 31 October") && text.contains("failed: no room |"), "{text}");
    }
}
