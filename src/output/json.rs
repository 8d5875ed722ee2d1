//! The JSON document: one on standard output, also after an error. Its shape is public.

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::plan::{Change, Checklist, FieldChange, Forecast, Notice, Plan, Skip, Summary, TargetPlan};
use crate::zone::LocalTime;

use crate::exit::Problem;

use super::{Document, Kind, RunRequests};

/// The version of the document's shape.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Root<'a> {
    schema: u32,
    kind: &'static str,
    tool: &'static str,
    today: Option<String>,
    exit_code: u8,
    problems: &'a [Problem],
    source: Option<Source<'a>>,
    targets: Vec<Target<'a>>,
    notices: Vec<NoticeOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<&'a RunRequests>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<&'a Binding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_due: Option<Option<LocalTime>>,
}

#[derive(Serialize)]
struct Source<'a> {
    employees: usize,
    complete: bool,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Changes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_incomplete: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_change: Option<LocalTime>,
}

#[derive(Serialize)]
struct Changes {
    since: LocalTime,
    looked_at: usize,
    full_due: Option<LocalTime>,
}

#[derive(Serialize)]
struct Target<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    reason: Option<&'a str>,
    summary: Summary,
    changes: Vec<ChangeOut<'a>>,
    skipped: Vec<SkipOut<'a>>,
    orphans: Vec<&'a str>,
    notices: Vec<NoticeOut<'a>>,
    forecast: Option<Forecast>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checklist: Option<&'a Checklist>,
}

#[derive(Serialize)]
struct ChangeOut<'a> {
    op: &'static str,
    employee: Option<String>,
    account: Option<&'a str>,
    reason: Option<Code>,
    detail: Option<&'a str>,
    fields: Vec<FieldOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HoldOut<'a>>,
    outcome: Option<OutcomeOut<'a>>,
}

#[derive(Serialize)]
struct Evidence<'a> {
    keys: &'a [Box<str>],
    last_day: Option<String>,
    hire_date: Option<String>,
}

#[derive(Serialize)]
struct FieldOut<'a> {
    field: &'a str,
    before: &'a crate::field::FieldValue,
    after: &'a crate::field::FieldValue,
}

#[derive(Serialize)]
struct HoldOut<'a> {
    code: Code,
    detail: &'a str,
}

#[derive(Serialize)]
struct OutcomeOut<'a> {
    status: &'static str,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct SkipOut<'a> {
    employee: String,
    reason: Code,
    detail: &'a str,
}

#[derive(Serialize)]
struct NoticeOut<'a> {
    code: Code,
    employee: Option<String>,
    message: &'a str,
}

/// What ties a plan file to what it was made from, so that applying it later can tell whether it still holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Hash of the configuration file.
    pub file: String,
    /// Hash of what was read of the source.
    pub source: String,
    /// Hash of the plan document without this binding.
    pub plan: String,
}

/// The document as text, ending with a line end.
pub fn render(document: &Document<'_>, binding: Option<&Binding>) -> String {
    let root = root(document, binding);
    let mut text = serde_json::to_string_pretty(&root).expect("a document that is JSON");
    text.push('\n');
    text
}

/// The document of a run by the clock that found nothing due, and when something is.
pub fn render_nothing_due(document: &Document<'_>, next_due: Option<LocalTime>) -> String {
    render_value(&Root { next_due: Some(next_due), ..root(document, None) })
}

/// Any other value as text, ending with a line end.
pub fn render_value(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a document that is JSON");
    text.push('\n');
    text
}

/// The targets of a plan in the compact form that a plan file is hashed in.
pub fn canonical(plan: &Plan) -> String {
    let targets: Vec<Target<'_>> = plan.targets.iter().map(target).collect();
    serde_json::to_string(&targets).expect("a document that is JSON")
}

/// One change in the form in which two of them are compared.
pub fn canonical_change(change: &Change) -> String {
    let plain = Change { hold: None, outcome: None, ..change.clone() };
    serde_json::to_string(&change_out(&plain)).expect("a document that is JSON")
}

fn root<'a>(document: &'a Document<'a>, binding: Option<&'a Binding>) -> Root<'a> {
    let plan = document.plan;
    Root {
        schema: SCHEMA,
        kind: match document.kind {
            Kind::Plan => "plan",
            Kind::Report => "report",
        },
        tool: concat!("personio-sync ", env!("CARGO_PKG_VERSION")),
        today: plan.map(|plan| plan.today.to_string()),
        exit_code: document.exit_code,
        problems: document.problems,
        source: plan.map(|plan| Source {
            employees: plan.source.employees,
            complete: plan.source.complete,
            mode: if plan.source.changes.is_some() { "changes" } else { "full" },
            changes: plan.source.changes.as_ref().map(|changes| Changes {
                since: changes.since,
                looked_at: changes.looked_at,
                full_due: changes.full_due,
            }),
            why_incomplete: plan.source.why_incomplete.as_deref(),
            newest_change: plan.source.newest_change,
        }),
        targets: plan.map(|plan| plan.targets.iter().map(target).collect()).unwrap_or_default(),
        notices: plan.map(|plan| plan.notices.iter().map(notice).collect()).unwrap_or_default(),
        requests: document.requests.as_ref(),
        binding,
        next_due: None,
    }
}

fn target(plan: &TargetPlan) -> Target<'_> {
    Target {
        name: &plan.name,
        kind: plan.kind,
        status: plan.status.as_str(),
        reason: plan.reason.as_deref(),
        summary: plan.summary(),
        changes: plan.changes.iter().map(change_out).collect(),
        skipped: plan.skipped.iter().map(skip).collect(),
        orphans: plan.orphans.iter().map(|account| &*account.0).collect(),
        notices: plan.notices.iter().map(notice).collect(),
        forecast: plan.forecast,
        checklist: plan.checklist.as_ref(),
    }
}

fn change_out(change: &Change) -> ChangeOut<'_> {
    ChangeOut {
        op: change.op.as_str(),
        employee: change.employee.map(|employee| employee.to_string()),
        account: change.account.as_ref().map(|account| &*account.0),
        reason: change.reason,
        detail: change.detail.as_deref(),
        fields: change.fields.iter().map(field).collect(),
        from: change.handover.as_ref().map(|handover| handover.from.to_string()),
        evidence: change.handover.as_ref().map(|handover| Evidence {
            keys: &handover.keys,
            last_day: handover.last_day.map(|day| day.to_string()),
            hire_date: handover.hire_date.map(|day| day.to_string()),
        }),
        hold: change.hold.as_ref().map(|hold| HoldOut { code: hold.code, detail: &hold.detail }),
        outcome: change.outcome.as_ref().map(|outcome| OutcomeOut { status: outcome.status(), error: outcome.error() }),
    }
}

fn field(change: &FieldChange) -> FieldOut<'_> {
    FieldOut { field: &change.field, before: &change.before, after: &change.after }
}

fn skip(skip: &Skip) -> SkipOut<'_> {
    SkipOut { employee: skip.employee.to_string(), reason: skip.reason, detail: &skip.detail }
}

fn notice(notice: &Notice) -> NoticeOut<'_> {
    NoticeOut { code: notice.code, employee: notice.employee.map(|id| id.to_string()), message: &notice.message }
}
