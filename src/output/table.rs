//! Plans and reports for people.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::plan::{Change, Op, Outcome, Plan, TargetPlan, TargetStatus};

use super::mask::Mask;
use super::visible::{short, short_pair, visible};
use super::{Document, Kind, Names, grouped};
use crate::words::{count, employees};

/// How much is shown, and how.
#[derive(Clone, Copy, Debug)]
pub struct TableStyle<'a> {
    pub colour: bool,
    /// Columns of the terminal; `None` when there is none.
    pub width: Option<u16>,
    /// Show every change, not only the first of each kind.
    pub all: bool,
    /// The plan was shown already: of a report, show only what did not go as planned.
    pub outcomes_only: bool,
    pub mask: &'a Mask,
    /// The file of the settings, for the line by which a bot finds its own comment again.
    pub file: &'a str,
}

impl Default for TableStyle<'_> {
    fn default() -> Self {
        Self { colour: false, width: None, all: false, outcomes_only: false, mask: &Mask::SHOWN, file: "" }
    }
}

/// How many changes, skips and notices of one kind are shown unless all are asked for.
const SHOWN: usize = 15;

/// How many employees a line for several names unless all are asked for.
pub(super) const NAMED: usize = 5;

/// From how many equal updates on one line speaks for all of them.
const FOLDED: usize = 3;

pub fn render(document: &Document<'_>, style: TableStyle<'_>) -> String {
    let mut text = String::new();
    if let Some(plan) = document.plan {
        if !style.outcomes_only {
            source(&mut text, plan);
        }
        for target in &plan.targets {
            TargetText { target, kind: document.kind, style, names: document.names }.write(&mut text);
        }
        if !plan.notices.is_empty() && !style.outcomes_only {
            text.push('\n');
            list(&mut text, "", "note", &grouped::notices(&plan.notices, style.all), style);
        }
    }
    text
}

fn source(text: &mut String, plan: &Plan) {
    if let Some(changes) = plan.source.changes_in_words(plan.today) {
        let _ = writeln!(text, "Personio: {changes}");
        return;
    }
    let proof = match &plan.source.why_incomplete {
        None => "proven complete".to_owned(),
        Some(why) => format!("NOT proven complete: {}", visible(why)),
    };
    let _ = writeln!(text, "Personio: {} on {}, {proof}", employees(plan.source.employees), plan.today);
    if let Some(newest) = &plan.source.newest_change {
        let _ = writeln!(text, "newest change seen: {newest}");
    }
}

/// What a report shows after the plan: what did not go as planned. The rest is in its numbers.
pub(super) fn matters(change: &Change) -> bool {
    change.outcome != Some(Outcome::Succeeded) && change.hold.is_none()
}

/// The part of one target: its numbers, its changes, then what is held, skipped, noted and to be done by hand.
struct TargetText<'a> {
    target: &'a TargetPlan,
    kind: Kind,
    style: TableStyle<'a>,
    names: Names<'a>,
}

impl<'a> TargetText<'a> {
    fn write(&self, text: &mut String) {
        let Self { target, kind, style, .. } = *self;
        let title = format!("{} ({})", target.name, target.kind);
        let title = if style.colour { format!("\u{1b}[1m{title}\u{1b}[0m") } else { title };
        let reason = target.reason.as_deref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
        let _ = match target.status {
            TargetStatus::Ready => writeln!(text, "\n{title}: {}", headline(target, kind)),
            status => writeln!(text, "\n{title}: {}{reason}", status.as_str()),
        };
        if target.status != TargetStatus::Ready {
            return;
        }
        if target.checklist.is_none() {
            let mut shown: Vec<&Change> = target
                .changes
                .iter()
                .filter(|change| change.hold.is_none())
                .filter(|change| kind == Kind::Plan || !style.outcomes_only || matters(change))
                .collect();
            if kind == Kind::Report {
                // What went wrong comes first, so that no number of successes hides it.
                shown.sort_by_key(|change| !matters(change));
            }
            self.changes(text, &shown, 2);
        }
        if let (Kind::Plan, Some(forecast)) = (kind, target.forecast.filter(|forecast| forecast.calls > 0)) {
            let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            let minutes = forecast.minutes.map_or_else(String::new, |minutes| {
                format!(", up to {} at the known limits", count(number(minutes), "minute", "minutes"))
            });
            let _ = writeln!(text, "  about {}{minutes}", count(number(forecast.calls), "call", "calls"));
        }
        self.held(text);
        list(text, "  ", "skipped", &grouped::skips(&target.skipped, style.all), style);
        self.orphans(text);
        list(text, "  ", "note", &grouped::notices(&target.notices, style.all), style);
        if let Some(checklist) = &target.checklist {
            if style.mask.hides() && !checklist.is_empty() {
                let steps = super::checklist::steps(checklist);
                let _ = writeln!(text, "  {steps} by hand, which name people (--mask never shows them)");
            } else {
                super::checklist::lines(text, target, checklist, kind, if style.all { usize::MAX } else { SHOWN });
            }
        }
    }

    /// What the safety rails keep back, under the reason why.
    fn held(&self, text: &mut String) {
        let Self { target, style, .. } = *self;
        let holds = target.changes.iter().filter_map(|change| change.hold.as_ref());
        let mut reasons: Vec<(Code, &str)> = holds.map(|hold| (hold.code, &*hold.detail)).collect();
        reasons.sort_unstable();
        reasons.dedup();
        for (code, detail) in reasons {
            paragraph(text, "  ", &format!("held ({code}): {}", visible(&style.mask.days(detail))), style);
            if style.outcomes_only {
                continue;
            }
            let alike: Vec<&Change> = target
                .changes
                .iter()
                .filter(|change| change.hold.as_ref().is_some_and(|hold| hold.code == code && *hold.detail == *detail))
                .collect();
            self.changes(text, &alike, 4);
        }
    }

    fn orphans(&self, text: &mut String) {
        let orphans = &self.target.orphans;
        if orphans.is_empty() {
            return;
        }
        let ids: Vec<String> = orphans.iter().take(NAMED).map(|account| self.account(account)).collect();
        let more = if orphans.len() > ids.len() { ", …" } else { "" };
        let what = count(orphans.len(), "account", "accounts");
        let said = format!("{what} that nobody owns, left alone: {}{more}", ids.join(", "));
        paragraph(text, "  ", &said, self.style);
    }

    fn changes(&self, text: &mut String, changes: &[&Change], indent: usize) {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut left_out: Vec<(String, usize)> = Vec::new();
        for alike in folded(changes) {
            let kind_of = self.kind_of(alike[0]);
            let number = numbers.entry(kind_of.clone()).or_default();
            *number += 1;
            if *number <= SHOWN || self.style.all {
                self.change(text, &alike, indent);
                continue;
            }
            match left_out.iter_mut().find(|(other, _)| *other == kind_of) {
                Some((_, more)) => *more += alike.len(),
                None => left_out.push((kind_of, alike.len())),
            }
        }
        for (kind_of, more) in left_out {
            let _ = writeln!(text, "{:indent$}… and {more} more {kind_of} (--all shows them)", "");
        }
    }

    /// What a change is one of, where so many of a kind are shown: `to create`.
    fn kind_of(&self, change: &Change) -> String {
        let op = change.op;
        match self.kind {
            _ if change.hold.is_some() => format!("of {op} held"),
            Kind::Plan => format!("to {op}"),
            Kind::Report if matters(change) => format!("of {op} that went wrong"),
            Kind::Report => format!("of {op} done"),
        }
    }

    /// One change, or several that are the same for different people.
    fn change(&self, text: &mut String, alike: &[&Change], indent: usize) {
        let (change, style) = (alike[0], self.style);
        let mut fields = self.fields(change);
        let mut line = format!("{} {:<10} {}", sign(change.op), change.op, self.whose(alike));
        if change.employee.is_none() && change.account.is_none() && fields.len() == 1 {
            // Something named that accounts refer to has nothing but its name.
            line.push_str(&fields.remove(0));
        }
        if let Some(detail) = change.detail.as_deref() {
            let _ = write!(line, ": {}", short(&style.mask.days(detail)));
        }
        let mut written = String::new();
        paragraph(&mut written, &" ".repeat(indent), line.trim_end(), style);
        let operation = format!("{} {}", sign(change.op), change.op);
        match colour(change.op).filter(|_| style.colour) {
            Some(colour) => {
                let painted = format!("\u{1b}[{colour}m{operation}\u{1b}[0m");
                text.push_str(&written.replacen(&operation, &painted, 1));
            }
            None => text.push_str(&written),
        }
        let under = " ".repeat(indent + 4);
        for field in fields {
            paragraph(text, &under, &field, style);
        }
        if let Some(outcome) = outcome(change, self.kind) {
            paragraph(text, &under, &short(&style.mask.days(&outcome)), style);
        }
    }

    /// `1001 Ines Example, account 77`
    fn whose(&self, alike: &[&Change]) -> String {
        if alike.len() > 1 {
            let shown = if self.style.all { alike.len() } else { NAMED };
            let ids = alike.iter().filter_map(|change| change.employee).take(shown);
            let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
            let more = if ids.len() < alike.len() { ", …" } else { "" };
            return format!("{}: {}{more}", employees(alike.len()), ids.join(", "));
        }
        let change = alike[0];
        let employee = change.employee.map(|id| self.person(id));
        let account = change.account.as_ref().map(|id| format!("account {}", self.account(id)));
        [employee, account].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn person(&self, id: EmployeeId) -> String {
        match self.names.of(id) {
            Some(name) => format!("{id} {}", short(&self.style.mask.text(&name))),
            None => id.to_string(),
        }
    }

    fn account(&self, id: &AccountId) -> String {
        short(&self.style.mask.account(&id.0)).into_owned()
    }

    fn fields(&self, change: &Change) -> Vec<String> {
        let mask = self.style.mask;
        let new = matches!(change.op, Op::Create | Op::Reference | Op::Request);
        let lines = change.fields.iter().map(|field| {
            let name = visible(&field.field);
            let (before, after) = (mask.value(&field.before), mask.value(&field.after));
            if new {
                return format!("{name}: {}", short(&after));
            }
            let (before, after) = short_pair(&before, &after);
            format!("{name}: {before} → {after}")
        });
        let lines: Vec<String> = lines.collect();
        if change.op == Op::Create && !lines.is_empty() { vec![lines.join("; ")] } else { lines }
    }
}

/// The changes in their order, those that say the same of several employees together. What makes an account, takes one
/// out of use or gives it to somebody else stands alone: there, each person counts.
pub(super) fn folded<'a>(changes: &[&'a Change]) -> Vec<Vec<&'a Change>> {
    let mut groups: Vec<Vec<&Change>> = Vec::new();
    let mut position_of: HashMap<String, usize> = HashMap::new();
    for change in changes {
        if change.op != Op::Update || change.employee.is_none() {
            groups.push(vec![change]);
            continue;
        }
        // Held and carried out, done and failed are not the same, whatever the fields are.
        let said = format!("{:?}", (&change.fields, &change.detail, &change.hold, &change.outcome));
        let position = *position_of.entry(said).or_insert(groups.len());
        match groups.get_mut(position) {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    let alone = |group: Vec<&'a Change>| group.into_iter().map(|change| vec![change]).collect::<Vec<_>>();
    groups.into_iter().flat_map(|group| if group.len() < FOLDED { alone(group) } else { vec![group] }).collect()
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

/// What kind of change it is, for whoever skims; the word stands beside it, for whoever reads.
fn sign(op: Op) -> char {
    match op {
        Op::Create | Op::Reference | Op::Request => '+',
        Op::Update => '~',
        Op::Reactivate => '↺',
        Op::Handover => '⇄',
        Op::Deactivate => '-',
    }
}

/// The number of a colour (<https://en.wikipedia.org/wiki/ANSI_escape_code#Colors>).
fn colour(op: Op) -> Option<u8> {
    Some(match op {
        Op::Create | Op::Reference | Op::Request => 32,
        Op::Update | Op::Reactivate | Op::Handover => 33,
        Op::Deactivate => 31,
    })
}

/// What came of it, where it is not what was planned.
fn outcome(change: &Change, kind: Kind) -> Option<String> {
    let outcome = change.outcome.as_ref().filter(|_| kind == Kind::Report)?;
    Some(format!("{}: {}", outcome.status().replace('_', " "), outcome.error()?))
}

fn list(text: &mut String, indent: &str, word: &str, lines: &[String], style: TableStyle<'_>) {
    let shown = if style.all { lines.len() } else { lines.len().min(SHOWN) };
    for line in &lines[..shown] {
        paragraph(text, indent, &format!("{word}: {}", visible(&style.mask.days(line))), style);
    }
    if shown < lines.len() {
        let _ = writeln!(text, "{indent}… and {} more like this (--all shows them)", lines.len() - shown);
    }
}

/// A line that goes on below itself where the page ends.
fn paragraph(text: &mut String, indent: &str, line: &str, style: TableStyle<'_>) {
    let rest = format!("{indent}  ");
    // A log or a file has lines as long as they are, for whoever searches it.
    let width = style.width.map_or(usize::MAX, |width| usize::from(width.max(40)));
    let options = textwrap::Options::new(width).initial_indent(indent).subsequent_indent(&rest);
    for line in textwrap::wrap(line, options) {
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldValue;
    use crate::plan::{Hold, Skip, SourceSummary};

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
            source: SourceSummary { employees: 41, complete: true, ..SourceSummary::default() },
            targets: vec![target],
            notices: Vec::new(),
        };
        let document = Document {
            kind: Kind::Report,
            plan: Some(&plan),
            exit_code: 3,
            problems: &[],
            names: Names::default(),
            requests: None,
        };
        let style = TableStyle::default();
        let text = render(&document, style);
        assert!(text.contains("failed: no room"), "{text}");
        assert!(text.contains("… and 25 more of create done"), "{text}");
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
            source: SourceSummary { employees: 41, complete: true, ..SourceSummary::default() },
            targets: vec![target],
            notices: Vec::new(),
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_values_differ_visibly() {
        let plan = plan(None);
        let document = Document {
            kind: Kind::Plan,
            plan: Some(&plan),
            exit_code: 0,
            problems: &[],
            names: Names::default(),
            requests: None,
        };
        for width in [80, 100, 140] {
            let text = render(&document, TableStyle { width: Some(width), ..TableStyle::default() });
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= usize::from(width), "{widest} of {width}: {text}");
            assert!(text.contains("u\\u{202e}1") && text.contains("b\\u{a}\\u{1b}"), "{text}");
        }
    }

    #[test]
    fn a_report_says_why_as_the_plan_did() {
        let plan = plan(Some(Outcome::Failed { error: "no room".into(), code: Code::Refused }));
        let text = rendered(&plan, Kind::Report, Some(140));
        assert!(text.contains("left on 31 October") && text.contains("failed: no room"), "{text}");
        let document = document(&plan, Kind::Report);
        let style = TableStyle::default();
        let text = crate::output::markdown::render(&document, style);
        assert!(text.contains("| Why | Outcome |"), "{text}");
        assert!(text.contains("left on 31 October") && text.contains("failed: no room |"), "{text}");
    }

    fn document(plan: &Plan, kind: Kind) -> Document<'_> {
        Document {
            kind,
            plan: Some(plan),
            exit_code: 3,
            problems: &[],
            names: Names(Some(&|_| Some("Ines Example".into()))),
            requests: None,
        }
    }

    fn rendered(plan: &Plan, kind: Kind, width: Option<u16>) -> String {
        render(&document(plan, kind), TableStyle { width, ..TableStyle::default() })
    }

    /// Everything a plan may hold of one target.
    fn busy() -> Plan {
        let moved = |employee: u64| Change {
            fields: vec![department("Sales", "Revenue")],
            account: Some(crate::field::AccountId(format!("u{employee}").into())),
            ..Change::new(Op::Update, Some(EmployeeId(employee)))
        };
        let leaver = Change {
            account: Some(crate::field::AccountId("u99".into())),
            detail: Some("left on 2026-10-31".into()),
            ..Change::new(Op::Deactivate, Some(EmployeeId(99)))
        };
        let hold = Hold { code: Code::MaxDeactivate, detail: "1 removal is above the limit of 0".into() };
        let mut target = TargetPlan::empty("desk", "freshservice");
        target.changes = (1..=7).map(moved).collect();
        target.changes[3].fields[0] = department("Sales", "Finance");
        target
            .changes
            .push(Change { fields: vec![department("", "Revenue")], ..Change::new(Op::Create, Some(EmployeeId(8))) });
        target.changes.push(leaver.clone());
        target.changes.push(Change { hold: Some(hold), ..leaver });
        target.skipped =
            vec![Skip { employee: EmployeeId(9), reason: Code::FieldEmpty, detail: "primary_email is empty".into() }];
        Plan { targets: vec![target], ..plan(None) }
    }

    fn department(before: &str, after: &str) -> crate::plan::FieldChange {
        let text = |text: &str| if text.is_empty() { FieldValue::Empty } else { FieldValue::Text(text.into()) };
        crate::plan::FieldChange {
            index: crate::field::FieldIndex(0),
            field: "department".into(),
            before: text(before),
            after: text(after),
        }
    }

    #[test]
    fn a_plan_is_read_from_what_is_done_to_what_is_not() {
        let text = rendered(&busy(), Kind::Plan, Some(80));
        let expected = "\
desk (freshservice): 1 to create, 7 to update, 1 to deactivate, 1 held, 1 skipped
  ~ update     6 employees: 1, 2, 3, 5, 6, …
      department: Sales → Revenue
  ~ update     4 Ines Example, account u4
      department: Sales → Finance
  + create     8 Ines Example
      department: Revenue
  - deactivate 99 Ines Example, account u99: left on 2026-10-31
  held (max_deactivate): 1 removal is above the limit of 0
    - deactivate 99 Ines Example, account u99: left on 2026-10-31
  skipped: employee 9: field_empty: primary_email is empty
";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn a_log_of_a_build_server_holds_no_value_of_anybody() {
        let plan = busy();
        let mask = Mask::hiding(["secret-of-the-file"]);
        let style = TableStyle { mask: &mask, ..TableStyle::default() };
        let table = render(&document(&plan, Kind::Plan), style);
        let style = TableStyle { mask: &mask, ..TableStyle::default() };
        let markdown = crate::output::markdown::render(&document(&plan, Kind::Plan), style);
        for text in [table, markdown] {
            for value in ["Ines", "Sales", "Revenue", "Finance"] {
                assert!(!text.contains(value), "{value}: {text}");
            }
            assert!(text.contains("employees: 1, 2, 3, 5, 6") && text.contains(&*mask.text("Finance")), "{text}");
        }
    }

    #[test]
    fn colour_adds_nothing_that_is_not_in_the_words() {
        let plan = busy();
        let style = TableStyle { colour: true, width: Some(80), all: true, ..TableStyle::default() };
        let coloured = render(&document(&plan, Kind::Plan), style);
        let plain = render(&document(&plan, Kind::Plan), TableStyle { colour: false, ..style });
        assert!(coloured.contains("\u{1b}[31m- deactivate\u{1b}[0m 99"), "{coloured}");
        let bare = regex::Regex::new("\u{1b}\\[\\d+m").unwrap().replace_all(&coloured, "").into_owned();
        assert_eq!(bare, plain);
    }
}
