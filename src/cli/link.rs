//! `link` and `unlink`: whose account it is, said by a person.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;

use crate::config::{Settings, TargetSettings};
use crate::employee::{EmployeeId, Lifecycle, Sought};
use crate::field::AccountId;
use crate::output::visible::visible;
use crate::output::{Answer, Bars, Shown};
use crate::state::{Link, Origin, SourceMemory};
use crate::sync::{Memory, PrepareError, PrepareOptions, Prepared, Remembered, SinceComplete, TargetMemory, prepare};

use super::explain::decision;
use super::session::Session;
use super::signals::{Signals, approve};
use super::{Failure, Process, Reason, Reasons, SandboxChoice, finding};

/// Say whose account it is, where nobody can tell: several accounts fit, a key is shared, or a handover is held
///
/// Shows what the next sync makes of it, and asks. Nothing is written to the target.
#[derive(Debug, Args)]
pub(super) struct LinkArguments {
    /// Personio's id of the employee, their e-mail address, or their name or a part of it
    employee: Sought,
    /// The target
    target: String,
    /// The target's id of the account
    account: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

/// Forget whose account it is, so that it is looked for by the match fields again
///
/// Shows what the next sync makes of it, and asks. Nothing is written to the target.
#[derive(Debug, Args)]
pub(super) struct UnlinkArguments {
    /// Personio's id of the employee, their e-mail address, or their name or a part of it
    employee: Sought,
    /// The target
    target: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

/// What was said; the same facts for people and for programs.
#[derive(serde::Serialize)]
struct Said {
    target: String,
    employee: String,
    /// The account from now on.
    account: Option<String>,
    /// The account until now.
    before: Option<String>,
    /// Whose account it was, as far as that is remembered.
    from: Option<String>,
    /// What the next sync makes of it.
    decision: Vec<String>,
}

pub(super) fn link(process: &Process, arguments: &LinkArguments) -> Result<Reasons, Failure> {
    let account = AccountId::from(arguments.account.trim());
    change(process, &arguments.sandbox, &arguments.target, &arguments.employee, Some(&account), arguments.yes)
}

pub(super) fn unlink(process: &Process, arguments: &UnlinkArguments) -> Result<Reasons, Failure> {
    change(process, &arguments.sandbox, &arguments.target, &arguments.employee, None, arguments.yes)
}

fn change(
    process: &Process,
    sandbox: &SandboxChoice,
    target: &str,
    who: &Sought,
    account: Option<&AccountId>,
    yes: bool,
) -> Result<Reasons, Failure> {
    let session = process.open(sandbox, &[target.to_owned()])?;
    let settings = session.settings.targets.iter().find(|settings| &*settings.plan.name == target);
    let settings = settings.expect("an unknown target is refused when the file is opened");
    if settings.target.offers().by_hand.is_some() {
        let why = format!("{target} has no accounts of its own: people take care of it by hand");
        return Err(Failure::new(Reason::Usage, why));
    }
    let employee = finding::employee(process, &session, who)?;
    let signals = Signals::listen()?;
    let memory = Memory::open(&session.settings, process.caller())?;
    // A run under way has read the links already, and would write by the old ones.
    let _locks = memory.lock(&[settings], Duration::ZERO, &mut |_| false)?;
    let said = preview(process, &session, &memory, settings, employee, account)?;
    process.preview(&Shown::default().words(render(&said)));
    if !yes {
        let (question, refusal) = match account {
            Some(_) => ("Link them?", "the account is not linked"),
            None => ("Unlink them?", "the link is not forgotten"),
        };
        approve(process, &signals, question, refusal)?;
    }
    memory.state.bind(target, &settings.target.identity())?;
    match account {
        Some(account) => memory.state.link_by_hand(
            target,
            &Link {
                employee,
                account: account.clone(),
                origin: Origin::ByHand,
                created_at: process.now,
                verified_at: process.now,
            },
        )?,
        None => {
            memory.state.unlink(target, employee)?;
        }
    }
    let (kind, done) = if account.is_some() { ("link", "linked") } else { ("unlink", "unlinked") };
    process.answer(&Answer::new(kind, said, Shown::default().remark(done)));
    Ok(Reasons::default())
}

/// The memory as it would be.
struct Proposed<'m> {
    memory: &'m Memory,
    employee: EmployeeId,
    account: Option<&'m AccountId>,
}

impl Remembered for Proposed<'_> {
    fn since_complete(
        &self,
        settings: &Settings,
        target: &TargetSettings,
    ) -> anyhow::Result<Result<SinceComplete<'_>, String>> {
        self.memory.since_complete(settings, target)
    }

    fn source(&self) -> anyhow::Result<SourceMemory> {
        self.memory.source()
    }

    fn target(&self, target: &TargetSettings) -> anyhow::Result<TargetMemory<'_>> {
        let mut memory = self.memory.target(target)?;
        memory.links.retain(|employee, account| *employee != self.employee && Some(&*account) != self.account);
        if let Some(account) = self.account {
            memory.links.insert(self.employee, account.clone());
        }
        Ok(memory)
    }
}

/// What would become of it, or why it must not be.
fn preview(
    process: &Process,
    session: &Session,
    memory: &Memory,
    settings: &TargetSettings,
    employee: EmployeeId,
    account: Option<&AccountId>,
) -> Result<Said, Failure> {
    let links = memory.target(settings).map_err(|error| Failure::new(Reason::Internal, format!("{error:#}")))?.links;
    let before = links.get(&employee);
    let from = links.iter().find(|(other, linked)| **other != employee && Some(*linked) == account);
    let from = from.map(|(other, _)| *other);
    let name = &settings.plan.name;
    if account.is_none() && before.is_none() {
        let why = format!("employee {employee} is linked to no account in {name}");
        return Err(Failure::new(Reason::Usage, why));
    }
    let proposed = Proposed { memory, employee, account };
    let options = PrepareOptions {
        only: Some(employee),
        ..PrepareOptions::new(session.today, std::slice::from_ref(&name.to_string()))
    };
    let bars = Bars::new(process.terminal);
    let prepared = match prepare(&session.settings, &*session.source()?, &proposed, &options, &bars) {
        // Of somebody who is no longer delivered a link can be forgotten all the same.
        Err(PrepareError::UnknownEmployee(_)) if account.is_none() => None,
        other => Some(other?),
    };
    drop(bars);
    if let (Some(account), Some(prepared)) = (account, &prepared) {
        judge(prepared, name, employee, account, from)?;
    }
    let decision = match &prepared {
        Some(prepared) => {
            prepared.plan.targets.iter().flat_map(|plan| decision(plan, employee, process.mask())).collect()
        }
        None => vec!["nothing: Personio no longer delivers the employee".to_owned()],
    };
    Ok(Said {
        target: name.to_string(),
        employee: employee.to_string(),
        account: account.map(ToString::to_string),
        before: before.map(ToString::to_string),
        from: from.map(|from| from.to_string()),
        decision,
    })
}

/// Whether the account is there, and nobody else's.
fn judge(
    prepared: &Prepared<'_>,
    target: &str,
    employee: EmployeeId,
    account: &AccountId,
    from: Option<EmployeeId>,
) -> Result<(), Failure> {
    let Some(open) = prepared.targets.first().and_then(|target| target.open.as_ref()) else {
        let error = prepared.targets.first().and_then(|target| target.error.as_ref());
        let why = error.map_or_else(|| format!("{target} cannot be read"), |error| error.message.clone());
        return Err(Failure::new(Reason::Unavailable, why));
    };
    if open.overview.owned.get(&employee) != Some(account) {
        let why = format!("{target} has no account {account}; `personio-sync plan {target}` lists those of nobody");
        return Err(Failure::new(Reason::Usage, why));
    }
    let list = &prepared.employees.list;
    let is_there = |other: EmployeeId| {
        let position = list.binary_search_by_key(&other, |one| one.id).ok();
        position.is_some_and(|position| prepared.standings[position].lifecycle != Lifecycle::Left)
    };
    if let Some(owner) = from.filter(|owner| is_there(*owner)) {
        let why = format!(
            "account {account} belongs to employee {owner}, who is there; if that is wrong, `personio-sync unlink {owner} \
             {target}` first"
        );
        return Err(Failure::new(Reason::NotApproved, why));
    }
    if let Some(claim) = open.overview.claimed.get(&employee).filter(|claim| !claim.shared) {
        let why = format!(
            "account {account} has the {} of employee {}, and no key of employee {employee}; correct it in {target} or in \
             Personio first",
            claim.field, claim.by
        );
        return Err(Failure::new(Reason::NotApproved, why));
    }
    Ok(())
}

fn render(said: &Said) -> String {
    let mut text = String::new();
    let Said { target, employee, .. } = said;
    let _ = match &said.account {
        Some(account) => writeln!(text, "{target}: account {account} becomes that of employee {employee}"),
        None => writeln!(text, "{target}: employee {employee} is linked to no account any more"),
    };
    if let Some(before) = said.before.as_ref().filter(|before| Some(*before) != said.account.as_ref()) {
        let _ = writeln!(text, "  until now      account {before}");
    }
    if let Some(from) = &said.from {
        let _ = writeln!(text, "  taken from     employee {from}");
    }
    for line in &said.decision {
        let _ = writeln!(text, "  the next sync  {}", visible(line));
    }
    text
}
