//! `held` and `approve`: what the safety rails hold, released by name.

use std::time::Duration;

use chrono::TimeDelta;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::employee::{EmployeeId, Sought};
use crate::output::listing::Listing;
use crate::output::visible::visible;
use crate::output::{Answer, Shown};
use crate::plan::Hold;
use crate::section::parse_duration;
use crate::state::{Approval, Held, HeldChange, NewApproval, Who};
use crate::sync::Memory;

use crate::zone::LocalTime;

use crate::words::count;

use super::session::Session;
use super::who::this_process;
use super::{Failure, Process, Reason, Reasons, SandboxChoice, finding};

/// List what the safety rails hold, as the last `sync` or `plan` of each target showed it
#[derive(Debug, Args)]
pub(super) struct HeldArguments {
    #[command(subcommand)]
    command: Option<HeldCommand>,
    /// Only of this target
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Debug, Subcommand)]
enum HeldCommand {
    /// Show one held change: why it is held, and who approved it
    Show {
        /// TARGET/WHO with Personio's id, an e-mail address or a name; or the number that `held` shows
        id: String,
    },
}

/// Release held changes by name: the next sync carries out exactly these, once; asks nothing
///
/// An approval is of the change as it was last shown. If the change is another one by the time of the sync (other grounds,
/// other values, another account), it stays held.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// TARGET/WHO with Personio's id, an e-mail address or a name; or the number that `held` shows
    #[arg(value_name = "ID", required_unless_present = "all_shown")]
    ids: Vec<String>,
    /// Everything that was last shown as held
    #[arg(long, conflicts_with = "ids")]
    all_shown: bool,
    /// With --all-shown: only of this target
    #[arg(long, value_name = "TARGET", requires = "all_shown")]
    target: Option<String>,
    /// Why; kept in the history, so leave personal data out
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How long the approval waits for a sync to use it, such as 12h or 2d
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "7d")]
    expires: Duration,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "a length of time such as 12h, 2d or 7d".into())
}

#[derive(Serialize)]
struct HeldDocument {
    held: Vec<HeldOut>,
    /// Approved, and not asked for by the last plan.
    approvals: Vec<ApprovedChange>,
}

#[derive(Serialize)]
struct HeldOut {
    id: i64,
    target: String,
    employee: Option<String>,
    account: Option<String>,
    op: &'static str,
    reason: Option<String>,
    fields: Vec<String>,
    hold: HoldOut,
    since: LocalTime,
    /// What answers the hold, where an approval does not.
    answer: Option<String>,
    approval: Option<ApprovalOut>,
}

#[derive(Serialize)]
struct HoldOut {
    code: String,
    detail: String,
}

/// Who released a change, and how long that lasts.
#[derive(Clone, Serialize)]
pub(super) struct ApprovalOut {
    by: Who,
    at: LocalTime,
    reason: Option<String>,
    expires: LocalTime,
    expired: bool,
    /// The run that carried it out.
    run: Option<String>,
}

/// A change that was released, named without its values.
#[derive(Clone, Serialize)]
pub(super) struct ApprovedChange {
    target: String,
    employee: Option<String>,
    op: &'static str,
    reason: Option<String>,
    fields: Vec<String>,
    hold: String,
    approval: ApprovalOut,
}

impl ApprovedChange {
    pub(super) fn new(process: &Process, session: &Session, approval: Approval) -> Self {
        let shown = approval_out(process, session, &approval);
        Self {
            target: approval.target.into(),
            employee: approval.employee.map(|employee| employee.to_string()),
            op: approval.op.as_str(),
            reason: approval.reason.map(Into::into),
            fields: approval.fields.into_iter().map(Into::into).collect(),
            hold: approval.code.into(),
            approval: shown,
        }
    }

    /// In a sentence: `wiki, employee 1: deactivate (left), approved by ada on host-a at …: seen with HR`.
    pub(super) fn in_words(&self) -> String {
        let what = what(self.op, self.reason.as_deref(), &self.fields);
        let who = self.employee.as_ref().map(|employee| format!(", employee {employee}")).unwrap_or_default();
        format!("{}{who}: {what}, {}", self.target, self.approval.in_words())
    }

    /// What becomes of it while no run has used it; nothing once one has.
    pub(super) fn still_open(&self) -> String {
        let approval = &self.approval;
        match (&approval.run, approval.expired) {
            (Some(_), _) => String::new(),
            (None, true) => format!("; expired {}", approval.expires),
            (None, false) => format!("; waits for a sync until {}", approval.expires),
        }
    }

    pub(super) fn is_of(&self, target: &str, employee: &str) -> bool {
        self.target == target && self.employee.as_deref() == Some(employee)
    }
}

impl ApprovalOut {
    pub(super) fn in_words(&self) -> String {
        let why = self.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        format!("approved by {} at {}{why}", self.by, self.at)
    }
}

fn approval_out(process: &Process, session: &Session, approval: &Approval) -> ApprovalOut {
    ApprovalOut {
        by: approval.by.clone(),
        at: session.local(approval.at),
        reason: approval.why.as_ref().map(ToString::to_string),
        expires: session.local(approval.expires_at),
        expired: approval.used.is_none() && approval.expires_at <= process.now,
        run: approval.used.map(|(run, _)| run.to_string()),
    }
}

pub(super) fn what(op: &str, reason: Option<&str>, fields: &[impl AsRef<str>]) -> String {
    let fields: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
    match (reason, fields.is_empty()) {
        (Some(reason), true) => format!("{op} ({reason})"),
        (Some(reason), false) => format!("{op} of {} ({reason})", fields.join(", ")),
        (None, false) => format!("{op} of {}", fields.join(", ")),
        (None, true) => op.to_owned(),
    }
}

pub(super) fn held(process: &Process, arguments: &HeldArguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    target_of_the_file(&session, arguments.target.as_deref())?;
    let mut all = memory.state.held(arguments.target.as_deref())?;
    all.retain(|held| is_in_the_file(&session, &held.target));
    let mut open = memory.state.open_approvals(arguments.target.as_deref())?;
    open.retain(|approval| is_in_the_file(&session, &approval.target));
    let chosen = match &arguments.command {
        None => all,
        Some(HeldCommand::Show { id: text }) => {
            let id = Id::find(text, process, &session, &arguments.sandbox)?;
            open.retain(|approval| {
                matches!(&id, Id::Person(target, employee)
                    if *approval.target == **target && approval.employee == Some(*employee))
            });
            choose(&all, &id)?.into_iter().cloned().collect()
        }
    };
    let held: Vec<HeldOut> = chosen.into_iter().map(|held| held_out(process, &session, held, &mut open)).collect();
    let approvals: Vec<ApprovedChange> =
        open.into_iter().map(|approval| ApprovedChange::new(process, &session, approval)).collect();
    let shown = match arguments.command {
        Some(_) => Shown::default().words(held.iter().map(show).collect::<String>()),
        None => list(&held, &approvals),
    };
    process.answer(&Answer::new("held", HeldDocument { held, approvals }, shown));
    Ok(Reasons::default())
}

/// One held change, with the approval of it taken out of the open ones.
fn held_out(process: &Process, session: &Session, held: Held, open: &mut Vec<Approval>) -> HeldOut {
    let Held { number, target, change, since } = held;
    let position = open.iter().position(|one| one.target == target && one.fingerprint == change.fingerprint);
    let approval = position.map(|position| approval_out(process, session, &open.remove(position)));
    HeldOut {
        id: number,
        target: target.into(),
        employee: change.employee.map(|employee| employee.to_string()),
        account: change.account.map(|account| account.to_string()),
        op: change.op.as_str(),
        reason: change.reason.map(Into::into),
        fields: change.fields.into_iter().map(Into::into).collect(),
        answer: answer(&change.code),
        hold: HoldOut { code: change.code.into(), detail: change.detail.into() },
        since: session.local(since),
        approval,
    }
}

fn list(held: &[HeldOut], approvals: &[ApprovedChange]) -> Shown {
    let mut shown = Shown::default();
    if held.is_empty() {
        shown = shown.words("Nothing is held, as far as the last runs and plans have seen.\n");
    } else {
        let mut table = Listing::new(["Id", "Target", "Employee", "What", "Held by", "Since", "Approved"]);
        for one in held {
            let approved = match (&one.approval, &one.answer) {
                (Some(approval), _) if approval.expired => format!("expired {}", approval.expires),
                (Some(approval), _) => format!("by {}, until {}", approval.by, approval.expires),
                (None, Some(_)) => "cannot be".to_owned(),
                (None, None) => String::new(),
            };
            table.row([
                one.id.to_string(),
                one.target.clone(),
                one.employee.clone().unwrap_or_default(),
                what(one.op, one.reason.as_deref(), &one.fields),
                one.hold.code.clone(),
                one.since.to_string(),
                approved,
            ]);
        }
        let mut told: Vec<&str> = held.iter().map(|one| one.hold.detail.as_str()).collect();
        told.sort_unstable();
        told.dedup();
        let told: String = told.into_iter().map(|detail| format!("{}\n", visible(detail))).collect();
        shown = shown.rows(table).words(format!("\n{told}"));
    }
    let line = |approval: &ApprovedChange| {
        format!("not asked for by the last plan: {}{}\n", approval.in_words(), approval.still_open())
    };
    shown.words(approvals.iter().map(line).collect::<String>())
}

fn show(held: &HeldOut) -> String {
    let who = held.employee.as_ref().map(|employee| format!(": employee {employee}")).unwrap_or_default();
    let mut text = format!("Held {} in {}{who}\n", held.id, held.target);
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {label:<8} {}\n", visible(value)));
        }
    };
    line("what", &what(held.op, held.reason.as_deref(), &held.fields));
    line("account", held.account.as_deref().unwrap_or_default());
    line("code", &held.hold.code);
    line("why", &held.hold.detail);
    line("since", &held.since.to_string());
    match (&held.approval, &held.answer) {
        (Some(approval), _) => {
            line("approved", &approval.in_words());
            line(if approval.expired { "expired" } else { "until" }, &approval.expires.to_string());
        }
        (None, Some(answer)) => line("answer", answer),
        (None, None) => line("answer", &format!("personio-sync approve {}", held.id)),
    }
    text
}

/// How a held change is called on the command line.
enum Id {
    Number(i64),
    Person(String, EmployeeId),
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Person(target, employee) => write!(f, "{target}/{employee}"),
        }
    }
}

impl Id {
    fn find(text: &str, process: &Process, session: &Session, sandbox: &SandboxChoice) -> Result<Self, Failure> {
        let text = text.trim();
        if let Ok(number) = text.trim_start_matches('#').parse() {
            return Ok(Self::Number(number));
        }
        let parts = text.split_once('/').and_then(|(target, who)| Some((target, who.parse::<Sought>().ok()?)));
        let (target, who) = parts.ok_or_else(|| {
            let why = "that names no held change: write TARGET/WHO, such as service-desk/1001, or the number that \
                       `personio-sync held` shows";
            Failure::new(Reason::Usage, why)
        })?;
        target_of_the_file(session, Some(target))?;
        Ok(Self::Person(target.to_owned(), finding::employee_of_history(process, session, sandbox, &who)?))
    }
}

/// Refuses the name of a target that the file does not have. What was held under another name is planned anew, and a
/// plan shows it under the name of today.
fn target_of_the_file(session: &Session, name: Option<&str>) -> Result<(), Failure> {
    match name {
        Some(name) if !is_in_the_file(session, name) => {
            let names = session.settings.targets.iter().map(|target| &*target.plan.name);
            let message = format!("there is no target `{name}`; {}", crate::words::known(name, names));
            Err(Failure::new(Reason::Usage, message))
        }
        _ => Ok(()),
    }
}

pub(super) fn is_in_the_file(session: &Session, name: &str) -> bool {
    session.settings.targets.iter().any(|target| *target.plan.name == *name)
}

/// The held changes of that name.
fn choose<'h>(all: &'h [Held], id: &Id) -> Result<Vec<&'h Held>, Failure> {
    let is_wanted = |held: &&Held| match id {
        Id::Number(number) => held.number == *number,
        Id::Person(target, employee) => *held.target == **target && held.change.employee == Some(*employee),
    };
    let found: Vec<&Held> = all.iter().filter(is_wanted).collect();
    if found.is_empty() {
        let why = format!("nothing that was last shown as held is called {id}; `personio-sync held` lists what is");
        return Err(Failure::new(Reason::Usage, why));
    }
    Ok(found)
}

#[derive(Serialize)]
struct ApproveDocument {
    approvals: Vec<ApprovedChange>,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let session = process.open_history(&arguments.sandbox)?;
    let memory = Memory::for_reading(&session.settings, process.caller())?;
    target_of_the_file(&session, arguments.target.as_deref())?;
    let mut all = memory.state.held(arguments.target.as_deref())?;
    all.retain(|held| is_in_the_file(&session, &held.target));
    let wanted: Vec<&Held> = if arguments.all_shown {
        let (released, left): (Vec<&Held>, Vec<&Held>) = all.iter().partition(|held| can_be_released(&held.change));
        left.iter().for_each(|held| process.say(&format!("{}; left as it is", refusal(held))));
        released
    } else {
        let mut wanted = Vec::new();
        for id in &arguments.ids {
            let id = Id::find(id, process, &session, &arguments.sandbox)?;
            for held in choose(&all, &id)? {
                if !can_be_released(&held.change) {
                    return Err(Failure::new(Reason::NotApproved, format!("{}; nothing was approved", refusal(held))));
                }
                if !wanted.contains(&held) {
                    wanted.push(held);
                }
            }
        }
        wanted
    };
    if wanted.is_empty() {
        let why = "there is nothing to approve: nothing was last shown as held that an approval releases; \
                   `personio-sync plan` shows what is held now";
        return Err(Failure::new(Reason::NotApproved, why));
    }
    let by = this_process();
    let expires = TimeDelta::from_std(arguments.expires).ok().and_then(|span| process.now.checked_add_signed(span));
    let expires_at = expires.ok_or_else(|| Failure::new(Reason::Usage, "--expires is too far ahead"))?;
    let wanted: Vec<Held> = wanted.into_iter().cloned().collect();
    let reason = arguments.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    memory.state.approve(&wanted, &NewApproval { at: process.now, by: &by, reason, expires_at })?;
    let is_new = |approval: &Approval| {
        wanted.iter().any(|held| held.target == approval.target && held.change.fingerprint == approval.fingerprint)
    };
    let approvals: Vec<ApprovedChange> = memory
        .state
        .open_approvals(None)?
        .into_iter()
        .filter(is_new)
        .map(|approval| ApprovedChange::new(process, &session, approval))
        .collect();
    let line = |approval: &ApprovedChange| format!("{}\n", approval.in_words());
    let shown = Shown::default().words(approvals.iter().map(line).collect::<String>());
    process.answer(&Answer::new("approve", ApproveDocument { approvals }, shown));
    process.say(&format!(
        "{} approved until {}: the next sync carries out exactly this, once",
        count(wanted.len(), "change is", "changes are"),
        session.local(expires_at)
    ));
    Ok(Reasons::default())
}

fn can_be_released(change: &HeldChange) -> bool {
    answer(&change.code).is_none()
}

fn refusal(held: &Held) -> String {
    let who = held.change.employee.map(|employee| format!(", employee {employee}")).unwrap_or_default();
    let answer = answer(&held.change.code).unwrap_or_default();
    format!("{}{who}: an approval does not release this ({}): {answer}", held.target, held.change.code)
}

/// What answers a hold where an approval does not; a code of another version has none.
pub(super) fn answer(code: &str) -> Option<String> {
    Hold::answer(code.parse().ok()?)
}
