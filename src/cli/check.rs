//! `check`: the file alone, or with `--online` everything it talks to.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use crate::code::Code;
use crate::config::{Settings, StateLocation};
use crate::employee::Value;
use crate::exit::Problem;
use crate::output::visible::visible;
use crate::output::{Answer, Bars, Shown, checklist, grouped};
use crate::personio::{CatalogueEntry, SourceErrorKind, WHERE};
use crate::plan::{Notice, PlanSettings, StepSource};
use crate::rules::{Expression, Facts, Truth, Variable};
use crate::sync::uploads::UploadKeys;
use crate::sync::{Memory, PrepareOptions, Prepared, check_workflows, judge};
use crate::targets::Requesters;
use crate::targets::conversations::attributes;
use crate::words::{count, employees};

use super::neighbours::accounts_in_two_states;
use super::session::Session;
use super::{Failure, Process, Reason, Reasons, SandboxChoice, expectations};

/// Check the configuration file; with --online also credentials, rights, attributes, names and reachability
///
/// Writes nothing and changes nothing. All problems are reported together. Each `[[test]]` of the file is tried; when one
/// fails, nobody is contacted.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Also contact Personio and the targets, reading only
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    tool: &'static str,
    problems: &'a [Problem],
    warnings: Vec<Problem>,
    targets: Vec<CheckedTarget<'a>>,
}

#[derive(Serialize)]
struct CheckedTarget<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    paused: bool,
    mapped_fields: usize,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, targets) = arguments.sandbox.split(&arguments.targets);
    let mut session = process.open_telling(&sandbox, &targets)?;
    session.rehearse();
    let settings = &session.settings;
    let (mut reasons, mut problems, mut lines) = (Reasons::default(), Vec::new(), Vec::new());
    lines.push(format!("{} is valid: {}", settings.file.path.display(), describe(settings)));
    for target in &settings.targets {
        lines.extend(target.target.describe().into_iter().map(|line| format!("{}: {line}", target.plan.name)));
    }
    lines.extend(missing_filters(process, &session));
    let tested = expectations::run(settings, &targets);
    lines.extend(tested.line());
    if !tested.problems.is_empty() {
        reasons.add(Reason::Usage);
    } else if arguments.online || session.sandbox.is_some() {
        online(process, &session, &targets, &mut reasons, &mut problems, &mut lines)?;
    }
    let elsewhere = if session.sandbox.is_none() { accounts_in_two_states(settings) } else { Vec::new() };
    for warning in &elsewhere {
        let target = warning.target.as_deref().unwrap_or_default();
        process.say(&format!("{}: warning: {target}: {}", settings.file.path.display(), warning.message));
    }
    let warnings = settings.warnings.iter().map(|warning| Problem {
        line: warning.line,
        column: warning.column,
        ..Problem::new(warning.code, warning.message.clone())
    });
    let checked = settings.targets.iter().map(|target| CheckedTarget {
        name: &target.plan.name,
        kind: target.target.kind(),
        paused: target.paused || session.rehearses(&target.plan.name),
        mapped_fields: target.plan.mapping.len(),
    });
    tested.problems.iter().for_each(|problem| process.say(&at_its_place(settings, problem)));
    let all: Vec<Problem> = tested.problems.into_iter().chain(problems.iter().cloned()).collect();
    let document = CheckDocument {
        tool: concat!("personio-sync ", env!("CARGO_PKG_VERSION")),
        problems: &all,
        warnings: warnings.chain(elsewhere).collect(),
        targets: checked.collect(),
    };
    let shown = Shown::default().words(lines.iter().map(|line| format!("{}\n", visible(line))).collect::<String>());
    process.answer(&Answer::new("check", document, shown).exit_code(reasons.code()));
    process.say_problems(&problems);
    Ok(reasons)
}

/// `personio-sync.toml:42:1: error: service-desk: …`
fn at_its_place(settings: &Settings, problem: &Problem) -> String {
    let (line, column) = (problem.line.unwrap_or(1), problem.column.unwrap_or(1));
    let target = problem.target.as_deref().unwrap_or_default();
    format!("{}:{line}:{column}: error: {target}: {}", settings.file.path.display(), problem.message)
}

/// First runs without any filter, of which the service should be spared. Once somebody is linked that is too late to say;
/// only a state that lies on this machine is asked, because a check of the file alone contacts nobody.
fn missing_filters(process: &Process, session: &Session) -> Vec<String> {
    let location = &session.settings.state.location;
    let unfiltered = session.settings.targets.iter().filter(|target| !target.plan.is_filtered());
    let mut concerned = unfiltered.filter_map(|target| Some((target, target.plan.policy.unfiltered_note?))).peekable();
    if concerned.peek().is_none() {
        return Vec::new();
    }
    let memory = match location {
        StateLocation::File(_) => Memory::for_reading(&session.settings, process.caller()).ok(),
        StateLocation::Server(_) => None,
    };
    let is_linked = |name: &str| {
        let links = memory.as_ref().and_then(|memory| memory.state.memory(name, process.now).ok());
        links.is_some_and(|remembered| !remembered.links.is_empty())
    };
    concerned
        .filter(|(target, _)| !is_linked(&target.plan.name))
        .map(|(target, means)| {
            format!("{}: {means}; `personio-sync plan {}` says how many that is", target.plan.name, target.plan.name)
        })
        .collect()
}

fn describe(settings: &Settings) -> String {
    format!(
        "{}, {}",
        count(settings.attributes.len(), "attribute", "attributes"),
        count(settings.targets.len(), "target", "targets")
    )
}

fn online(
    process: &Process,
    session: &Session,
    targets: &[String],
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
    lines: &mut Vec<String>,
) -> Result<(), Failure> {
    let settings = &session.settings;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    let source = session.source()?;
    match source.catalogue() {
        Ok(catalogue) => {
            lines.push(format!(
                "Personio: signed in; the credential may read {}",
                count(catalogue.len(), "attribute", "attributes")
            ));
            for target in settings
                .targets
                .iter()
                .filter(|target| targets.is_empty() || targets.iter().any(|name| *name == *target.plan.name))
            {
                let readable = |key: &str| {
                    catalogue.iter().any(|entry| &*entry.key == key || entry.universal_id.as_deref() == Some(key))
                };
                let missing = target.plan.policy.expected_attributes.iter().filter(|(key, _)| !readable(key));
                lines.extend(
                    missing.map(|(key, cost)| format!("{}: `{key}` is not readable: {cost}", target.plan.name)),
                );
                if let Some(by_hand) = target.target.offers().by_hand {
                    let found = requesters_by_our_credential(by_hand.requesters(), &catalogue);
                    lines.extend(found.into_iter().map(|line| format!("{}: {line}", target.plan.name)));
                }
            }
            let uploads = UploadKeys::remembered(&memory.state)?;
            let unused = super::attributes::unused(settings, &uploads, &catalogue);
            if unused > 0 {
                lines.push(format!(
                    "Personio: {} that nobody uses can be unticked; `personio-sync attributes` lists what to tick and untick",
                    count(unused, "attribute", "attributes")
                ));
            }
            for problem in missing_attributes(settings, &uploads, &catalogue) {
                reasons.add(Reason::Refused);
                problems.push(problem);
            }
        }
        Err(error) if error.kind == SourceErrorKind::Rights => {
            lines.push(
                "Personio: signed in; this credential may not list its attributes, so they are checked by reading"
                    .into(),
            );
        }
        Err(error) => return Err(error.into()),
    }
    let bars = Bars::new(process.terminal);
    let options = PrepareOptions::new(session.today, targets);
    let prepared = session.prepare(&memory, &options, &bars)?;
    drop(bars);
    let (_, more) = judge(&prepared);
    // A rail that holds something is for the run to say, not for a check.
    for reason in [Reason::Refused, Reason::SourceUnproven, Reason::Unavailable] {
        if more.iter().any(|problem| problem.code == reason.word()) {
            reasons.add(reason);
        }
    }
    if more.iter().any(|problem| matches!(problem.code, Code::TargetUnproven | Code::AttributeChanged)) {
        reasons.add(Reason::Held);
    }
    problems.extend(more.into_iter().filter(|problem| problem.code != Reason::Held.word()));
    for plan in &prepared.plan.targets {
        for notice in &plan.notices {
            let (reason, code) = match notice.code {
                Code::RequesterCredential => (Reason::Refused, Reason::Refused.word()),
                // Nothing repairs that but the file or the target.
                Code::GroupUnusable | Code::FieldUnusable => (Reason::SomeFailed, notice.code),
                _ => continue,
            };
            reasons.add(reason);
            problems.push(Problem::new(code, notice.message.clone()).target(&plan.name));
        }
    }
    check_steps(session, &prepared, reasons, problems);
    describe_read(settings, &prepared, lines);
    describe_filters(session, &prepared, lines);
    Ok(())
}

/// What a service should read of people, held against this tool's own credential where the service's is not given:
/// that tells misspelt names and what is sensitive, and not what the service may read.
fn requesters_by_our_credential(requesters: &Requesters, catalogue: &[CatalogueEntry]) -> Vec<String> {
    if requesters.credential.is_some() || requesters.declared.is_empty() {
        return Vec::new();
    }
    let names = |entry: &CatalogueEntry| {
        let id = entry.universal_id.clone();
        [Some(entry.key.clone()), Some(entry.label.clone()), id].into_iter().flatten().collect::<Vec<String>>()
    };
    let declared = |entry: &&CatalogueEntry| requesters.declared.iter().any(|key| names(entry).contains(key));
    let seen: Vec<Vec<String>> = catalogue.iter().filter(declared).map(names).collect();
    let found = attributes::compare(&seen, &requesters.declared);
    let mut lines = vec![format!(
        "without `credential` nobody can tell what Conversations may read; compared with this tool's own credential, \
         {} of {} `requester_attributes` exist",
        seen.len(),
        requesters.declared.len()
    )];
    if !found.missing.is_empty() {
        lines.push(format!(
            "this tool's credential does not see: {} (misspelt, or not ticked)",
            found.missing.join(", ")
        ));
    }
    let is_named = |name: &str| attributes::sensitive(name).is_some();
    lines.extend(found.sensitive.iter().filter(|(key, _)| !is_named(key)).map(|(key, what)| {
        format!("`{key}` is sensitive ({what}) by its label or universal id, and every expert would see it")
    }));
    lines
}

/// Steps that the account's own forms do not take, whether or not one is due.
fn check_steps(session: &Session, prepared: &Prepared<'_>, reasons: &mut Reasons, problems: &mut Vec<Problem>) {
    let tables = std::sync::Arc::new(session.settings.vocabulary.tables().clone());
    for (target, notices) in check_workflows(prepared, &tables, session.today) {
        for notice in notices {
            // What is wrong for everybody is for the file to fix; a value is one person's.
            reasons.add(if notice.employee.is_none() { Reason::Usage } else { Reason::SomeFailed });
            let who = notice.employee.map_or_else(String::new, |employee| format!(" (tried with employee {employee})"));
            problems.push(Problem::new(notice.code, format!("{target}: {}{who}", notice.message)));
        }
    }
}

fn describe_read(settings: &Settings, prepared: &Prepared<'_>, lines: &mut Vec<String>) {
    lines.push(format!("Personio: {} read", employees(prepared.plan.source.employees)));
    let hidden: Vec<&str> = settings
        .attributes
        .keys()
        .filter(|key| {
            let column = settings.attributes.column(key).expect("a key of the set");
            prepared.employees.list.iter().all(|employee| employee.value(column).is_hidden())
        })
        .collect();
    if !hidden.is_empty() {
        lines.push(format!("Personio: delivered for nobody: {}", hidden.join(", ")));
    }
    for (target, plan) in prepared.targets.iter().zip(&prepared.plan.targets) {
        let Some(open) = &target.open else {
            lines.push(format!("{}: {}", plan.name, plan.status.as_str()));
            continue;
        };
        lines.push(match &plan.checklist {
            Some(open) if open.is_empty() => format!("{}: nothing is open", plan.name),
            Some(open) => format!(
                "{}: {} to do by hand; `personio-sync plan {}` lists them",
                plan.name,
                checklist::steps(open),
                plan.name
            ),
            None => format!(
                "{}: reachable; {} of an employee, {} of nobody",
                plan.name,
                count(open.overview.owned.len(), "account", "accounts"),
                plan.orphans.len()
            ),
        });
        // These are told elsewhere: the filters with the values that there are, the rest as problems.
        let elsewhere = [
            Code::FiltersLeaveNobody,
            Code::RequesterCredential,
            Code::WorkflowForm,
            Code::GroupUnusable,
            Code::FieldUnusable,
        ];
        let told: Vec<Notice> =
            plan.notices.iter().filter(|notice| !elsewhere.contains(&notice.code)).cloned().collect();
        lines.extend(grouped::notices(&told, false).iter().map(|line| format!("{}: note: {line}", plan.name)));
    }
}

/// Conditions that hold for nobody, with the values that there are: most likely a misspelt name.
fn describe_filters(session: &Session, prepared: &Prepared<'_>, lines: &mut Vec<String>) {
    let tables = std::sync::Arc::new(session.settings.vocabulary.tables().clone());
    let employees = &prepared.employees;
    let facts = |position: usize| {
        let standing = &prepared.standings[position];
        Facts::new(&employees.list[position], &employees.attributes, standing, session.today, &tables)
    };
    for target in &prepared.targets {
        for (part, expression) in over_employees(&target.settings.plan) {
            let decided = (0..employees.list.len()).filter(|at| expression.decided_by_empty(&facts(*at))).count();
            if decided > 0 {
                lines.push(format!(
                    "{}: {part} `{}`: for {} an empty value decided a comparison, which is false then",
                    target.settings.plan.name,
                    expression.source(),
                    crate::words::employees(decided)
                ));
            }
        }
        let conditions = target
            .settings
            .plan
            .include
            .iter()
            .map(|condition| ("include", condition))
            .chain(target.settings.plan.exclude.iter().map(|condition| ("exclude", condition)));
        for (list, condition) in conditions {
            if (0..employees.list.len()).any(|position| condition.holds(&facts(position)) == Truth::Yes) {
                continue;
            }
            let attributes: BTreeSet<&str> = condition.variables().iter().filter_map(Variable::attribute).collect();
            let values: Vec<String> = attributes
                .into_iter()
                .filter_map(|key| Some((key, employees.attributes.column(key)?)))
                .map(|(key, column)| {
                    let known: BTreeSet<String> = employees
                        .list
                        .iter()
                        .flat_map(|employee| values_of(employee.value(column)))
                        .filter(|value| !value.is_empty())
                        .collect();
                    let shown: Vec<&str> = known.iter().take(SHOWN_VALUES).map(String::as_str).collect();
                    let more = if known.len() > shown.len() { ", …" } else { "" };
                    format!("`{key}` has the values: {}{more}", shown.join(", "))
                })
                .collect();
            let values = if values.is_empty() { String::new() } else { format!("; {}", values.join("; ")) };
            lines.push(format!(
                "{}: {list} `{}` holds for nobody{values}",
                target.settings.plan.name,
                condition.source()
            ));
        }
    }
}

/// What the file of a target works out from attributes, each with its place.
fn over_employees(settings: &PlanSettings) -> Vec<(String, &Expression)> {
    let filters = settings.include.iter().map(|condition| ("include".to_owned(), condition));
    let mut found: Vec<(String, &Expression)> =
        filters.chain(settings.exclude.iter().map(|condition| ("exclude".to_owned(), condition))).collect();
    for mapping in &settings.mapping {
        let field = &settings.fields[mapping.index.get()];
        found.extend(mapping.source.expression().map(|source| (field.name.to_string(), source)));
    }
    for workflow in &settings.workflows {
        let part = format!("workflows.{}", workflow.name);
        found.extend(workflow.when.iter().map(|condition| (format!("{part} (when)"), condition)));
        for (number, step) in (1..).zip(&workflow.steps) {
            let sent = step.fields.iter().filter_map(|(_, source)| match source {
                StepSource::Expression(expression) => Some(&**expression),
                StepSource::Constant(_) => None,
            });
            let all = step.only_if.iter().chain(&step.unless).chain(sent);
            found.extend(all.map(|expression| (format!("{part} (step {number})"), expression)));
        }
    }
    found
}

/// What a condition can compare with: the names in a list, each by itself.
fn values_of(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().map(ToString::to_string).collect(),
        Value::CostCenters(shares) => shares.iter().map(|share| share.name.to_string()).collect(),
        other => vec![super::explain::show_attribute(other)],
    }
}

/// How many values of an attribute are listed.
const SHOWN_VALUES: usize = 30;

/// Attributes that the file needs and the credential does not grant, with the words that find the tick box.
fn missing_attributes(settings: &Settings, uploads: &UploadKeys, catalogue: &[CatalogueEntry]) -> Vec<Problem> {
    let keys: BTreeSet<&str> = settings.attributes.keys().chain(uploads.attributes()).collect();
    keys.into_iter()
        .filter(|key| !catalogue.iter().any(|entry| &*entry.key == *key))
        .map(|key| {
            let users = super::attributes::users(settings, uploads, key);
            let cost = if users.is_empty() {
                "no target uses it".to_owned()
            } else {
                format!("whatever uses it is left as it is: {}", users.join(", "))
            };
            Problem::new(
                Code::AttributeNotReadable,
                format!(
                    "Personio does not let this credential read `{key}`; {cost}. Tick it \
                     {WHERE}: Readable employee attributes"
                ),
            )
        })
        .collect()
}
