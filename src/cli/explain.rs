//! `explain`: everything about one person, step by step.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::NaiveDate;
use clap::Args;

use crate::config::TargetSettings;
use crate::employee::{Disagreement, Employee, EmployeeId, Lifecycle, Part, Sought, Value};
use crate::field::FieldValue;
use crate::output::mask::Mask;
use crate::output::visible::{LONGEST, cut, short, visible};
use crate::output::{Answer, Bars, Shown};
use crate::plan::{LeaverAction, TargetPlan, waits_until};
use crate::rules::{Desired, Expression, Facts, MappingSource, OnEmpty, Scope, Truth, When, scope, scope_as_written};
use crate::sync::{Memory, PrepareOptions, Prepared, PreparedTarget};
use crate::zone::LocalTime;

use super::session::Session;
use super::{Failure, Process, Reason, Reasons, SandboxChoice, finding};

/// Explain one employee: fetched, scoped (each clause), matched, mapped (each step), decided, held
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Personio's id of the employee, their e-mail address, or their name or a part of it
    #[arg(value_name = "WHO", required_unless_present = "sandbox")]
    employee: Option<String>,
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

/// One explained person; the same facts for people and for programs.
#[derive(serde::Serialize)]
struct Explained {
    employee: String,
    lifecycle: &'static str,
    last_day: Option<String>,
    disagreement: Option<String>,
    attributes: Vec<Attribute>,
    targets: Vec<Target>,
}

#[derive(serde::Serialize)]
struct Attribute {
    attribute: String,
    state: &'static str,
    value: Option<String>,
}

#[derive(serde::Serialize)]
struct Target {
    name: String,
    status: &'static str,
    reason: Option<String>,
    clauses: Vec<Clause>,
    scope: Option<String>,
    matched: Option<String>,
    link: Option<Linked>,
    mapping: Vec<Step>,
    decision: Vec<String>,
}

/// What the state has of an employee in a target.
#[derive(serde::Serialize)]
struct Linked {
    account: String,
    origin: &'static str,
    since: LocalTime,
    last_seen: Option<LocalTime>,
    last_write: Option<LocalTime>,
}

#[derive(serde::Serialize)]
struct Clause {
    list: &'static str,
    expression: String,
    holds: String,
}

#[derive(serde::Serialize)]
struct Step {
    field: String,
    from: String,
    gives: String,
    note: Option<String>,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (employee, targets, sandbox) = split(arguments)?;
    let mut session = process.open(&sandbox, &targets)?;
    session.rehearse();
    let bars = Bars::new(process.terminal);
    let options = PrepareOptions::new(session.today, &targets);
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let prepared = session.prepare(&memory, &options, &bars)?;
    drop(bars);
    let explained = match finding::among(process, &prepared.employees, &employee) {
        Ok(employee) => explain(&session, &prepared, &memory, employee, process.mask())?,
        Err(unknown) => no_longer_delivered(&session, &prepared, &memory, &employee, process.mask())?.ok_or(unknown)?,
    };
    let shown = Shown::default().block(render(&explained));
    process.answer(&Answer::new("explanation", explained, shown));
    Ok(Reasons::default())
}

/// Whom and which targets; `explain --sandbox 1001` means the employee, too.
fn split(arguments: &Arguments) -> Result<(Sought, Vec<String>, SandboxChoice), Failure> {
    let (sandbox, mut targets) = arguments.sandbox.split(&[]);
    let mut names: Vec<String> = arguments.employee.iter().chain(&arguments.targets).cloned().collect();
    // What stood behind `--sandbox` and is no address: the employee if it looks like one or is all there is.
    if let Some(name) = targets.pop() {
        let employee = name.contains('@') || name.parse::<EmployeeId>().is_ok();
        names.insert(if employee { 0 } else { names.len().min(1) }, name);
    }
    if names.is_empty() {
        return Err(Failure::new(Reason::Usage, "name the employee: an id of Personio, an e-mail address, or a name"));
    }
    let employee =
        names.remove(0).parse().map_err(|why| Failure::new(Reason::Usage, format!("the employee is {why}")))?;
    Ok((employee, names, sandbox))
}

/// Somebody whom Personio does not deliver any more: what the state has of them, and what that means.
fn no_longer_delivered(
    session: &Session,
    prepared: &Prepared<'_>,
    memory: &Memory,
    sought: &Sought,
    mask: &Mask,
) -> Result<Option<Explained>, Failure> {
    let Sought::Id(id) = *sought else { return Ok(None) };
    let mut known = memory.state.knows(id)?;
    let mut targets = Vec::new();
    for plan in &prepared.plan.targets {
        let link = linked(session, memory, &plan.name, id, mask)?;
        known |= link.is_some();
        let mut decision = decision(plan, id, mask);
        if link.is_none() {
            decision = vec!["nothing: no account of theirs is known".to_owned()];
        }
        targets.push(Target {
            name: plan.name.to_string(),
            status: plan.status.as_str(),
            reason: plan.reason.clone(),
            clauses: Vec::new(),
            scope: None,
            matched: None,
            link,
            mapping: Vec::new(),
            decision,
        });
    }
    Ok(known.then(|| Explained {
        employee: id.to_string(),
        lifecycle: "not_delivered",
        last_day: None,
        disagreement: None,
        attributes: Vec::new(),
        targets,
    }))
}

fn linked(
    session: &Session,
    memory: &Memory,
    target: &str,
    id: EmployeeId,
    mask: &Mask,
) -> Result<Option<Linked>, Failure> {
    let link = memory.links(target)?.into_iter().find(|link| link.employee == id);
    let Some(link) = link else { return Ok(None) };
    let moment = |at| session.local(at);
    let seen = memory.state.last_seen(id)?.into_iter().find(|seen| &*seen.target == target);
    Ok(Some(Linked {
        account: mask.account(&link.account.0).into_owned(),
        origin: link.origin.as_str(),
        since: moment(link.created_at),
        last_seen: seen.map(|seen| moment(seen.at)),
        last_write: memory.state.last_written(target, id)?.map(moment),
    }))
}

fn explain(
    session: &Session,
    prepared: &Prepared<'_>,
    memory: &Memory,
    employee: &Employee,
    mask: &Mask,
) -> Result<Explained, Failure> {
    let settings = &session.settings;
    let position = prepared.employees.list.binary_search_by_key(&employee.id, |other| other.id).unwrap_or_default();
    let standing = &prepared.standings[position];
    let tables = Arc::new(settings.vocabulary.tables().clone());
    let facts = Facts::new(employee, &prepared.employees.attributes, standing, session.today, &tables);
    let attributes = prepared.employees.attributes.keys().map(|key| {
        let column = prepared.employees.attributes.column(key).expect("a key of the set");
        let (state, value) = match employee.value(column) {
            Value::Hidden => ("hidden", None),
            Value::Empty => ("empty", None),
            value => ("known", Some(mask.text(&show_attribute(value)).into_owned())),
        };
        Attribute { attribute: key.to_owned(), state, value }
    });
    let mut targets = Vec::new();
    for (target, plan) in prepared.targets.iter().zip(&prepared.plan.targets) {
        let link = linked(session, memory, &plan.name, employee.id, mask)?;
        targets.push(explain_target(target, plan, &facts, session.today, link, mask));
    }
    Ok(Explained {
        employee: employee.id.to_string(),
        lifecycle: standing.lifecycle.as_str(),
        last_day: standing.last_day.map(|day| mask.text(&day.to_string()).into_owned()),
        disagreement: standing.disagreement.map(Disagreement::explanation),
        attributes: attributes.collect(),
        targets,
    })
}

fn explain_target(
    target: &PreparedTarget<'_>,
    plan: &TargetPlan,
    facts: &Facts<'_>,
    today: NaiveDate,
    link: Option<Linked>,
    mask: &Mask,
) -> Target {
    let settings = target.settings;
    let id = facts.employee().id;
    let clause = |list, expression: &Expression| Clause {
        list,
        expression: expression.source().to_owned(),
        holds: mask.days(&show_truth(&expression.holds(facts))).into_owned(),
    };
    let clauses: Vec<Clause> = settings
        .plan
        .include
        .iter()
        .map(|expression| clause("include", expression))
        .chain(settings.plan.exclude.iter().map(|expression| clause("exclude", expression)))
        .collect();
    let scope = scope_in_words(settings, facts);
    let specs = target.open.as_ref().map_or(&settings.plan.fields, |open| &open.schema.fields);
    let matched = match &target.open {
        None => "not looked for".to_owned(),
        Some(open) => match (open.overview.owned.get(&id), open.overview.matched_by.get(&id)) {
            (Some(account), Some(field)) => {
                format!("account {}, by {}", mask.account(&account.0), specs[field.get()].name)
            }
            (Some(account), None) => format!("account {}, by the stored link", mask.account(&account.0)),
            (None, _) => {
                let tried: Vec<&str> =
                    settings.plan.match_fields.iter().map(|field| &*specs[field.get()].name).collect();
                format!("no account (tried {})", tried.join(", then "))
            }
        },
    };
    let mapping = settings
        .plan
        .mapping
        .iter()
        .map(|mapping| {
            let spec = &specs[mapping.index.get()];
            let (from, steps) = match &mapping.source {
                MappingSource::Constant(value) => (format!("the value {}", shown(value)), None),
                MappingSource::Expression(expression) => (expression.source().to_owned(), None::<String>),
                MappingSource::Member { rule, owned } => {
                    let kept = "people added by hand stay in it".to_owned();
                    (format!("member if {}", rule.source()), (!owned).then_some(kept))
                }
            };
            let (gives, why) = match mapping.desired(spec, facts) {
                Desired::Value(FieldValue::Empty) => ("(empty: the field is cleared)".to_owned(), None),
                Desired::Value(value) => (mask.value(&value), None),
                Desired::Keep(why) => ("(left as it is)".to_owned(), why),
                Desired::Invalid(why) => ("(left as it is: the value is invalid)".to_owned(), Some(why)),
                Desired::Fail(_, why) => ("(the employee is skipped)".to_owned(), Some(why)),
            };
            let mut notes: Vec<String> = steps.into_iter().chain(why).collect();
            if mapping.when == When::Create {
                notes.push("on create only".into());
            }
            if mapping.on_empty == OnEmpty::Keep {
                notes.push("an empty result keeps the field".into());
            }
            let note = (!notes.is_empty()).then(|| mask.days(&notes.join("; ")).into_owned());
            Step { field: spec.name.to_string(), from, gives, note }
        })
        .collect();
    let mut decision = decision(plan, id, mask);
    let owns = target.open.as_ref().is_some_and(|open| open.overview.owned.contains_key(&id));
    if let Some(until) = waits_until(settings.plan.leavers, facts.standing(), today)
        && owns
        && facts.standing().lifecycle == Lifecycle::Left
        && settings.plan.leavers.left == LeaverAction::Deactivate
    {
        decision.retain(|line| line != NOTHING);
        decision.push(format!(
            "waits until {}: the account is taken out of use by the first run after that day",
            mask.text(&until.to_string())
        ));
    }
    if !scope.starts_with(IN_SCOPE) {
        for line in decision.iter_mut().filter(|line| *line == NOTHING) {
            *line = format!("{NOTHING}: {scope}");
        }
    }
    Target {
        name: plan.name.to_string(),
        status: plan.status.as_str(),
        reason: plan.reason.clone(),
        clauses,
        scope: Some(scope),
        matched: Some(matched),
        link,
        mapping,
        decision,
    }
}

/// What is decided where nothing is.
const NOTHING: &str = "nothing to do";

/// What a plan does about one employee, line by line.
pub(super) fn decision(plan: &TargetPlan, id: EmployeeId, mask: &Mask) -> Vec<String> {
    let mut decision = Vec::new();
    for change in plan.changes.iter().filter(|change| change.employee == Some(id)) {
        let why = change.detail.as_deref().map(|why| format!(" ({})", mask.days(why))).unwrap_or_default();
        let fields: Vec<String> = change
            .fields
            .iter()
            .map(|field| format!("{}: {} → {}", field.field, mask.value(&field.before), mask.value(&field.after)))
            .collect();
        let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields.join("; ")) };
        decision.push(format!("{}{why}{fields}", change.op));
        if let Some(hold) = &change.hold {
            decision.push(format!("held ({}): {}", hold.code, mask.days(&hold.detail)));
        }
    }
    for change in &plan.changes {
        if let (Some(handover), Some(to), Some(account)) = (&change.handover, change.employee, &change.account)
            && handover.from == id
        {
            let held = if change.hold.is_some() { ", once somebody says so" } else { "" };
            decision.push(format!("handover: account {} goes to employee {to}{held}", mask.account(&account.0)));
        }
    }
    for skip in plan.skipped.iter().filter(|skip| skip.employee == id) {
        decision.push(format!("skipped ({}): {}", skip.reason, mask.days(&skip.detail)));
    }
    if decision.is_empty() {
        decision.push(NOTHING.into());
    }
    for notice in plan.notices.iter().filter(|notice| notice.employee == Some(id)) {
        decision.push(format!("note ({}): {}", notice.code, mask.days(&notice.message)));
    }
    decision
}

/// What each scope of somebody who is meant begins with.
const IN_SCOPE: &str = "in scope";

fn scope_in_words(settings: &TargetSettings, facts: &Facts<'_>) -> String {
    let written = scope_as_written(&settings.plan.include, &settings.plan.exclude, facts);
    if settings.plan.takes_leavers() && written == Scope::Left {
        return format!("{IN_SCOPE}: this target takes everyone");
    }
    let found = if settings.plan.takes_leavers() {
        written.clone()
    } else {
        scope(&settings.plan.include, &settings.plan.exclude, facts)
    };
    match (found, written) {
        (Scope::In, _) => IN_SCOPE.to_owned(),
        (Scope::Left, Scope::Out { clause, .. }) => {
            format!("has left; otherwise in scope: {clause} only because of that")
        }
        (Scope::Left, _) => "has left; otherwise in scope".to_owned(),
        (Scope::Out { left: true, clause }, _) => format!("out of scope: {clause}; and has left"),
        (Scope::Out { left: false, clause }, _) => format!("out of scope: {clause}"),
        (Scope::Unclear(_, why), _) => format!("cannot be told: {why}"),
    }
}

/// How many letters of a decision are shown; it has the values of many fields.
const LONGEST_DECISION: usize = 20 * LONGEST;

/// An expression on one line: what the file has on several is no line of its own here.
fn written(expression: &str) -> String {
    visible(&expression.lines().map(str::trim).collect::<Vec<_>>().join(" ")).into_owned()
}

fn render(explained: &Explained) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Employee {}: {}", explained.employee, explained.lifecycle);
    if let Some(day) = &explained.last_day {
        let _ = writeln!(text, "  last day {day}");
    }
    if let Some(disagreement) = &explained.disagreement {
        let _ = writeln!(text, "  note: {disagreement}");
    }
    if explained.attributes.is_empty() {
        let _ = writeln!(text, "  Personio delivers them no more; this is what is remembered");
    } else {
        let _ = writeln!(text, "\nFetched");
    }
    let width = explained.attributes.iter().map(|attribute| attribute.attribute.len()).max().unwrap_or_default();
    for attribute in &explained.attributes {
        let value = attribute.value.clone().unwrap_or_else(|| match attribute.state {
            "hidden" => "(not readable)".into(),
            _ => "(empty)".into(),
        });
        let _ = writeln!(text, "  {:width$}  {}", attribute.attribute, short(&value));
    }
    for target in &explained.targets {
        let _ = writeln!(text, "\n{} ({})", target.name, target.status);
        if let Some(reason) = &target.reason {
            let _ = writeln!(text, "  {}", visible(reason));
        }
        for clause in &target.clauses {
            let _ = writeln!(text, "  {} {:<8} {}", clause.list, visible(&clause.holds), written(&clause.expression));
        }
        if let Some(scope) = &target.scope {
            let _ = writeln!(text, "  scope    {}", written(scope));
        }
        if let Some(matched) = &target.matched {
            let _ = writeln!(text, "  matched  {}", visible(matched));
        }
        if let Some(link) = &target.link {
            let Linked { account, origin, since, last_seen, last_write } = link;
            let ever = |at: &Option<LocalTime>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
            let origin = origin.replace('_', " ");
            let _ = writeln!(text, "  link     account {}, {origin} on {since}", visible(account));
            let _ =
                writeln!(text, "           last seen in line: {}; last write: {}", ever(last_seen), ever(last_write));
        }
        let width = target.mapping.iter().map(|step| step.field.chars().count()).max().unwrap_or_default();
        for step in &target.mapping {
            let note = step.note.as_deref().map(|note| format!("   [{}]", written(note))).unwrap_or_default();
            let (from, gives) = (written(&step.from), short(&step.gives));
            let _ = writeln!(text, "    {:width$} = {from} → {gives}{note}", step.field);
        }
        for line in &target.decision {
            let _ = writeln!(text, "  decided  {}", cut(line, LONGEST_DECISION));
        }
    }
    text
}

/// A value of the file, which is nobody's.
fn shown(value: &FieldValue) -> String {
    Mask::default().value(value)
}

pub(super) fn show_attribute(value: &Value) -> String {
    match value {
        Value::Hidden | Value::Empty => String::new(),
        Value::Text(text) => text.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Date(day) => day.to_string(),
        Value::List(items) => items.join(", "),
        Value::Named(named) => named.name.to_string(),
        Value::Supervisor(supervisor) => {
            let words = [&supervisor.name, &supervisor.email].into_iter().filter_map(Part::known);
            let words: Vec<&str> = words.map(|word| &**word).collect();
            format!("employee {} {}", supervisor.id, words.join(" ")).trim_end().to_owned()
        }
        Value::CostCenters(shares) => {
            shares.iter().map(|share| format!("{} ({} %)", share.name, share.percentage)).collect::<Vec<_>>().join(", ")
        }
    }
}

fn show_truth(truth: &Truth) -> String {
    match truth {
        Truth::Yes => "yes".into(),
        Truth::No => "no".into(),
        Truth::Unknown { attribute } => format!("unknown: `{attribute}` is not readable"),
        Truth::Invalid { why } => format!("invalid: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn the_employee_may_stand_behind_the_sandbox_flag() {
        for (line, employee, targets, address) in [
            ("1001", "1001", vec![], None),
            ("1001 desk --sandbox", "1001", vec!["desk"], Some("")),
            ("--sandbox 1001", "1001", vec![], Some("")),
            ("--sandbox ada@example.com desk", "ada@example.com", vec!["desk"], Some("")),
            ("--sandbox lovelace", "lovelace", vec![], Some("")),
            ("lovelace --sandbox desk", "lovelace", vec!["desk"], Some("")),
            ("1001 --sandbox desk", "1001", vec!["desk"], Some("")),
            ("1001 --sandbox 127.0.0.1:7070", "1001", vec![], Some("127.0.0.1:7070")),
        ] {
            let parsed = Line::try_parse_from(["explain"].into_iter().chain(line.split(' '))).ok().unwrap();
            let (found, names, sandbox) = split(&parsed.arguments).unwrap();
            assert_eq!(
                (found, names, sandbox.sandbox.as_deref()),
                (employee.parse().unwrap(), targets.iter().map(ToString::to_string).collect(), address),
                "{line}"
            );
        }
        let nobody = Line::try_parse_from(["explain", "--sandbox"]).ok().unwrap();
        assert!(split(&nobody.arguments).is_err());
    }
}
