//! `confirm`: what a plan asks people to do is done, or what was delivered to them is imported.

mod delivery;

use std::time::Duration;

use clap::Args;

use crate::employee::{EmployeeId, Sought};
use crate::field::FieldValue;
use crate::output::{Bars, Document, Kind, Names, checklist};
use crate::plan::{Change, Checklist, TargetStatus, checklist_code, member_of, team_of};
use crate::sync::{Memory, PrepareOptions, judge};
use crate::words::count;

use super::signals::{Signals, approve};
use super::{Failure, Process, Reason, Reasons, SandboxChoice, finding};

/// Confirm that what a plan asks for was done by hand (Conversations), or that the file of changes was imported (Pento,
/// Probonio); the next plan, the next file of changes starts from there
///
/// With `--team`, `--experts` or `--employee` only that part of what was done by hand; the rest stays open.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The target
    #[arg(required_unless_present = "sandbox")]
    target: Option<String>,
    /// Only if the plan is still the one of this checklist, whose last line has the code, or the changes those that the
    /// last sync named
    #[arg(long, value_name = "CODE")]
    checklist: Option<String>,
    /// Only this team: its settings and its members
    #[arg(long, value_name = "TEAM")]
    team: Vec<String>,
    /// Only who has the role of an expert
    #[arg(long)]
    experts: bool,
    /// Only this employee: Personio's id, e-mail address, or name or a part of it
    #[arg(long, value_name = "WHO")]
    employee: Option<Sought>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let (sandbox, names) = arguments.sandbox.split(&arguments.target.iter().cloned().collect::<Vec<_>>());
    let [name] = &names[..] else {
        return Err(Failure::new(Reason::Usage, "name the one target that is to be confirmed"));
    };
    let mut session = process.open(&sandbox, &names)?;
    session.rehearse();
    let Some(settings) = session.settings.targets.iter().find(|target| *target.plan.name == **name) else {
        return Err(Failure::new(Reason::Usage, format!("there is no target `{name}`")));
    };
    if settings.plan.policy.delivered {
        return delivery::run(process, &session, settings, arguments);
    }
    let Some(by_hand) = settings.target.offers().by_hand else {
        let why = format!("there is nothing to confirm for `{name}`: `sync` keeps it in line by itself");
        return Err(Failure::new(Reason::Usage, why));
    };
    if settings.paused {
        let why = format!("{name} is paused, so nothing is planned; `personio-sync resume {name}` comes first");
        return Err(Failure::new(Reason::Usage, why));
    }
    let only = arguments.employee.as_ref().map(|who| finding::employee(process, &session, who)).transpose()?;
    let signals = Signals::listen()?;
    let memory = Memory::open(&session.settings, process.caller())?;
    let lock = memory.lock(&[settings], Duration::ZERO, &mut |_| true)?;
    let bars = Bars::new(process.terminal);
    let mut prepared = session.prepare(&memory, &PrepareOptions::new(session.today, &names), &bars)?;
    drop(bars);
    let (reasons, problems) = judge(&prepared);
    let plan = &mut prepared.plan.targets[0];
    if plan.status != TargetStatus::Ready {
        let why = plan.reason.clone().unwrap_or_else(|| plan.status.as_str().to_owned());
        return Err(Failure::new(Reason::Unavailable, format!("{name} cannot be planned: {why}")));
    }
    plan.changes.retain(|change| change.hold.is_none());
    if plan.changes.is_empty() {
        let why = format!("there is nothing to confirm: nothing is open in {name}");
        return Err(Failure::new(Reason::NotApproved, why).among(&reasons, problems));
    }
    if let Some(code) = &arguments.checklist
        && *code != checklist_code(&plan.changes)
    {
        let why = format!(
            "the plan is no longer the one of the checklist {code}: somebody joined, moved or left, the file changed, or \
             part of it is confirmed; nothing was stored. Look at `personio-sync plan {name}`, and confirm that"
        );
        return Err(Failure::new(Reason::NotApproved, why).among(&reasons, problems));
    }
    let open_before = plan.checklist.as_ref().map_or(0, Checklist::len);
    plan.changes = select(std::mem::take(&mut plan.changes), arguments, only, by_hand.expert_field());
    if plan.changes.is_empty() {
        let why = format!("no open step of {name} is about that; `personio-sync plan {name}` lists them");
        return Err(Failure::new(Reason::Usage, why));
    }
    let open = prepared.targets[0].open.as_ref().expect("a target that is ready is open");
    let who = |id: EmployeeId| open.labels.get(&id).cloned().unwrap_or_default().in_full(id);
    let groups = by_hand.steps(&plan.changes.iter().collect::<Vec<_>>(), &who);
    let selected = Checklist { code: None, groups };
    let (steps, left) = (checklist::steps(&selected), open_before.saturating_sub(selected.len()));
    plan.checklist = Some(selected);
    // What else there is to know was said by the plan.
    plan.notices.retain(|notice| notice.employee.is_some());
    if !arguments.yes {
        process.preview_plan(&prepared);
        let question = format!("Say that {steps} of {name} are done?");
        approve(process, &signals, &question, &format!("{steps} of {name} not confirmed"))
            .map_err(|failure| failure.among(&reasons, problems.clone()))?;
    }
    let source = session.source()?;
    session.inputs(&*source, &memory).confirm(&mut prepared, reasons.code(), left == 0)?;
    let stored = in_words(&prepared.plan.targets[0].changes);
    drop(lock);
    process.show(&Document {
        kind: Kind::Report,
        plan: Some(&prepared.plan),
        exit_code: reasons.code(),
        problems: &problems,
        names: Names(Some(&|id| prepared.full_name(id))),
        requests: None,
    });
    let rest =
        if left == 0 { "nothing is open now".to_owned() } else { format!("{left} of {open_before} are still open") };
    process.say(&format!("{name}: {steps} confirmed ({stored}); {rest}"));
    process.say_problems(&problems);
    Ok(reasons)
}

/// What of the plan the operator speaks of.
fn select(changes: Vec<Change>, arguments: &Arguments, only: Option<EmployeeId>, expert: &str) -> Vec<Change> {
    if arguments.team.is_empty() && !arguments.experts && only.is_none() {
        return changes;
    }
    let of_team = |team: &str| arguments.team.iter().any(|wanted| wanted == team);
    let any_field = arguments.team.is_empty() && !arguments.experts;
    let mut selected = Vec::new();
    for mut change in changes {
        if let Some(team) = team_of(&change) {
            if only.is_none() && of_team(team) {
                selected.push(change);
            }
            continue;
        }
        if only.is_some() && change.employee != only {
            continue;
        }
        change.fields.retain(|field| {
            any_field || (arguments.experts && &*field.field == expert) || member_of(&field.field).is_some_and(of_team)
        });
        if !change.fields.is_empty() {
            selected.push(change);
        }
    }
    selected
}

fn in_words(changes: &[Change]) -> String {
    let fields = || changes.iter().filter(|change| change.employee.is_some()).flat_map(|change| &change.fields);
    let joins = |yes: bool, member: bool| {
        fields()
            .filter(|field| (field.after == FieldValue::Bool(true)) == yes)
            .filter(|field| member_of(&field.field).is_some() == member)
            .count()
    };
    let teams = changes.iter().filter(|change| team_of(change).is_some()).count();
    let parts = [
        (teams, "team", "teams"),
        (joins(true, false), "new expert", "new experts"),
        (joins(false, false), "expert less", "experts less"),
        (joins(true, true), "new member", "new members"),
        (joins(false, true), "member less", "members less"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    words.join(", ")
}
