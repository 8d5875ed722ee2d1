//! A run that asks Personio who changed since the last run that read everything, and looks at the accounts of these people
//! alone.
//!
//! It brings accounts in line that links lead to, and does nothing else. Who gets an account, whose account goes to whom
//! and who loses it are decided with everybody in view: as soon as somebody who changed needs one of that, the run reads
//! everything after all. So nobody is ever taken out of use by a run that has not seen everybody.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;

use crate::code::Code;
use crate::config::{Settings, TargetSettings};
use crate::employee::{Employee, EmployeeId, Employees, Standing, standing};
use crate::field::{AccountId, Schema};
use crate::http::Tally;
use crate::personio::{ReadResult, Source};
use crate::plan::{
    Built, ChangesRead, Forecast, GuardInput, Identifying, Notice, Op, Plan, PlanInput, PlanMemory, Snapshot,
    SourceSummary, TargetPlan, TargetStatus, WorkflowInput, build, guard, identifying, plan_workflows, scope_in,
};
use crate::progress::ReadProgress;
use crate::rules::{Facts, Scope, Tables};
use crate::targets::{Target, TargetError};
use crate::words::count;

use super::attribute_lock::AttributeLock;
use super::prepare::{check_groups, could_not_be_read, keep_out_of_use, not_taking_part, open, prepare, rails};
use super::prepared::{
    OpenTarget, PrepareError, PrepareOptions, Prepared, PreparedTarget, Remembered, SinceComplete, TargetMemory,
};
use super::reference_names::NamesOnDemand;
use super::release::release;

/// How far back Personio is asked beyond the beginning of the last complete run. It does not say in which zone it reads
/// the moment, and changes have been seen to surface most of an hour late.
const OVERLAP: TimeDelta = TimeDelta::hours(26);

/// A page of a list holds about so many accounts: looking at more of them one by one costs more than the list.
const PER_PAGE: u64 = 100;

/// Reads who changed, and plans; or reads everything, and says why.
///
/// # Errors
///
/// When the source or the state cannot be read.
pub(super) fn prepare_changes<'s>(
    settings: &'s Settings,
    source: &dyn Source,
    remembered: &dyn Remembered,
    options: &PrepareOptions,
    progress: &dyn ReadProgress,
) -> Result<Prepared<'s>, PrepareError> {
    match attempt(settings, source, remembered, options, progress)? {
        Ok(prepared) => Ok(prepared),
        Err(Everything { why, changed }) => {
            let mut prepared = prepare(settings, source, remembered, options, progress)?;
            let message = format!("everything was read, not only changes: {why}");
            prepared.plan.notices.insert(0, Notice::new(Code::EverythingRead, message));
            prepared.changed = changed;
            Ok(prepared)
        }
    }
}

/// Why everything has to be read.
struct Everything {
    why: String,
    /// Who is known to have changed.
    changed: BTreeSet<EmployeeId>,
}

/// A target whose turn it is, with what is remembered of it.
struct Turn<'s, 'm> {
    target: &'s TargetSettings,
    since: SinceComplete<'m>,
    /// Those who changed since they were last looked at.
    concerned: BTreeSet<EmployeeId>,
    /// What the target was sent.
    tally: Arc<Tally>,
}

type Attempt<T> = Result<Result<T, Everything>, PrepareError>;

fn attempt<'s>(
    settings: &'s Settings,
    source: &dyn Source,
    remembered: &dyn Remembered,
    options: &PrepareOptions,
    progress: &dyn ReadProgress,
) -> Attempt<Prepared<'s>> {
    let everything = |why: String| Ok(Err(Everything { why, changed: BTreeSet::new() }));
    let selected: Vec<&TargetSettings> = (settings.targets.iter())
        .filter(|target| options.targets.is_empty() || options.targets.contains(&target.plan.name))
        .collect();
    let mut turns = Vec::new();
    for target in selected.iter().filter(|target| takes_part(target)) {
        match remembered.since_complete(settings, target).map_err(PrepareError::State)? {
            Err(why) => return everything(why),
            Ok(since) => turns.push(Turn { target, since, concerned: BTreeSet::new(), tally: Arc::default() }),
        }
    }
    let Some(began) = turns.iter().map(|turn| turn.since.began).min() else {
        return everything("none of these targets is one that can be brought in line by changes alone".into());
    };
    let since = began - OVERLAP;
    let bar = progress.reading("Personio");
    let read = source.changed(&settings.attributes, since, &*bar).map_err(PrepareError::Source)?;
    let Some(ReadResult { employees, notices, without_id: _ }) = read else {
        return everything("there are more attributes than fit into one request for changes".into());
    };
    drop(bar);
    let changed: BTreeSet<EmployeeId> = employees.list.iter().map(|employee| employee.id).collect();
    let company = Changed::of(settings, options, employees);
    for turn in &mut turns {
        let is_new =
            |employee: &&Employee| turn.since.looked_at.get(&employee.id) != Some(&(turn.since.record)(employee));
        turn.concerned = company.employees.list.iter().filter(is_new).map(|employee| employee.id).collect();
    }
    share_within_groups(&mut turns);
    if turns.iter().any(|turn| !turn.concerned.is_empty()) {
        let last = remembered.source().map_err(PrepareError::State)?.last;
        let known = last.map(|last| last.attributes).unwrap_or_default();
        let lock = AttributeLock::look(source, &settings.attributes, known, false);
        if !lock.held.is_empty() {
            let why = format!("a custom attribute is not what it was: {}", lock.held.join(", "));
            return Ok(Err(Everything { why, changed }));
        }
    }
    let full_due = turns.iter().map(|turn| turn.since.full_due).min();
    let concerned: BTreeSet<EmployeeId> = turns.iter().flat_map(|turn| &turn.concerned).copied().collect();
    let about = |notice: &Notice| notice.employee.is_none_or(|employee| concerned.contains(&employee));
    let mut plan = Plan {
        today: options.today,
        source: SourceSummary {
            employees: company.employees.list.len(),
            changes: Some(ChangesRead {
                since: settings.timezone.minute(since),
                looked_at: concerned.len(),
                full_due: full_due.map(|moment| settings.timezone.minute(moment)),
            }),
            ..SourceSummary::default()
        },
        targets: Vec::with_capacity(selected.len()),
        notices: notices.into_iter().filter(about).collect(),
    };
    let mut targets = Vec::with_capacity(selected.len());
    for target in selected {
        let turn = turns.iter().find(|turn| turn.target.plan.name == target.plan.name);
        let (target_plan, open, error) = match turn {
            None => (left_alone(target), None, None),
            Some(turn) if turn.concerned.is_empty() => (not_taking_part(target, TargetStatus::Ready, None), None, None),
            Some(turn) => match take_turn(&company, turn, remembered, progress)? {
                Turned::Everything(why) => return Ok(Err(Everything { why, changed })),
                Turned::Nobody => (not_taking_part(target, TargetStatus::Ready, None), None, None),
                Turned::Failed(error) => could_not_be_read(target, error),
                Turned::Planned(planned) => (planned.0, Some(planned.1), None),
            },
        };
        plan.targets.push(target_plan);
        let tally = turn.map(|turn| Arc::clone(&turn.tally)).unwrap_or_default();
        targets.push(PreparedTarget { settings: target, open, error, tally });
    }
    check_groups(&mut plan, &targets, &company.employees, &company.standings, false);
    let Changed { employees, standings, .. } = company;
    Ok(Ok(Prepared {
        plan,
        targets,
        employees,
        standings,
        restricted: true,
        filters_accepted: false,
        source_seen: None,
        source_requests: source.requests(),
        changed,
    }))
}

/// What people keep in line is not brought in line by a run.
fn takes_part(target: &TargetSettings) -> bool {
    !target.paused && target.target.offers().by_hand.is_none()
}

fn left_alone(target: &TargetSettings) -> TargetPlan {
    let why = (!target.paused).then(|| "what people do by hand is planned by runs that read everything".to_owned());
    not_taking_part(target, TargetStatus::Paused, why)
}

/// An employee must not be in scope of two targets of one group: whoever is looked at for one is for all.
fn share_within_groups(turns: &mut [Turn<'_, '_>]) {
    let mut shared: BTreeMap<Box<str>, BTreeSet<EmployeeId>> = BTreeMap::new();
    for turn in turns.iter() {
        if let Some(group) = &turn.target.group {
            shared.entry(group.clone()).or_default().extend(&turn.concerned);
        }
    }
    for turn in turns {
        if let Some(concerned) = turn.target.group.as_ref().and_then(|group| shared.get(group)) {
            turn.concerned.extend(concerned);
        }
    }
}

/// Those who changed, as the plans of all targets see them.
struct Changed<'s> {
    options: &'s PrepareOptions,
    employees: Employees,
    standings: Vec<Standing>,
    tables: Arc<Tables>,
    identifying: Vec<Identifying>,
}

impl<'s> Changed<'s> {
    fn of(settings: &Settings, options: &'s PrepareOptions, employees: Employees) -> Self {
        let standing = |employee| standing(employee, &employees.attributes, options.today);
        Self {
            options,
            standings: employees.list.iter().map(standing).collect(),
            tables: Arc::new(settings.vocabulary.tables().clone()),
            identifying: identifying(&settings.vocabulary),
            employees,
        }
    }

    fn facts(&self, position: usize) -> Facts<'_> {
        let Employees { list, attributes, .. } = &self.employees;
        Facts::new(&list[position], attributes, &self.standings[position], self.options.today, &self.tables)
    }

    /// Some of them, with their standings.
    fn only(&self, wanted: &BTreeMap<EmployeeId, AccountId>) -> (Employees, Vec<Standing>) {
        let is_wanted = |employee: &Employee| wanted.contains_key(&employee.id);
        let Employees { attributes, list, completeness, contested } = &self.employees;
        let list_of_wanted = list.iter().filter(|employee| is_wanted(employee)).cloned().collect();
        let standings = list.iter().zip(&self.standings).filter(|(employee, _)| is_wanted(employee));
        let standings = standings.map(|(_, standing)| standing.clone()).collect();
        let contested = contested.iter().filter(|employee| wanted.contains_key(employee)).copied().collect();
        (Employees::new(attributes.clone(), list_of_wanted, completeness.clone()).contesting(contested), standings)
    }
}

/// What became of a target's turn.
enum Turned {
    Everything(String),
    /// Nobody of those who changed has anything to do with it.
    Nobody,
    Failed(TargetError),
    Planned(Box<(TargetPlan, OpenTarget)>),
}

/// Why there is no plan.
enum Unplanned {
    Everything(String),
    Failed(TargetError),
}

fn take_turn(
    company: &Changed<'_>,
    turn: &Turn<'_, '_>,
    remembered: &dyn Remembered,
    progress: &dyn ReadProgress,
) -> Result<Turned, PrepareError> {
    let target = turn.target;
    let memory = remembered.target(target).map_err(PrepareError::State)?;
    let accounts = match linked_accounts(company, turn, &memory) {
        Err(why) => return Ok(Turned::Everything(why)),
        Ok(accounts) if accounts.is_empty() => return Ok(Turned::Nobody),
        Ok(accounts) => accounts,
    };
    let read = open(target, company.options.today, &turn.tally).and_then(|open| {
        let schema = open.reader().schema()?;
        let ids: Vec<AccountId> = accounts.values().cloned().collect();
        let most =
            open.reader().lookup_limit().max(usize::try_from(turn.since.linked / PER_PAGE).unwrap_or(usize::MAX));
        if open.reader().reads_by_id() && ids.len() > most {
            return Ok(Err(count(ids.len(), "person", "people")));
        }
        let snapshot = match open.reader().accounts_by_id(&ids)? {
            Some(snapshot) => snapshot,
            None => open.reader().accounts(&*progress.reading(&target.plan.name))?,
        };
        turn.tally.listed();
        Ok(Ok((open, schema, snapshot)))
    });
    Ok(match read {
        Err(error) => Turned::Failed(error),
        Ok(Err(people)) => Turned::Everything(format!(
            "{people} with an account in {} changed, and reading everything costs less than looking at each",
            target.plan.name
        )),
        Ok(Ok(read)) => match plan_changes(company, turn, memory, &accounts, read) {
            Ok(planned) => Turned::Planned(Box::new(planned)),
            Err(Unplanned::Everything(why)) => Turned::Everything(why),
            Err(Unplanned::Failed(error)) => Turned::Failed(error),
        },
    })
}

/// The accounts of those who changed, or why everybody has to be seen to tell.
fn linked_accounts(
    company: &Changed<'_>,
    turn: &Turn<'_, '_>,
    memory: &TargetMemory<'_>,
) -> Result<BTreeMap<EmployeeId, AccountId>, String> {
    let (plan, name) = (&turn.target.plan, &turn.target.plan.name);
    let mut accounts = BTreeMap::new();
    for (position, employee) in company.employees.list.iter().map(|employee| employee.id).enumerate() {
        if !turn.concerned.contains(&employee) {
            continue;
        }
        match memory.links.get(&employee) {
            Some(account) => _ = accounts.insert(employee, account.clone()),
            None if scope_in(plan, &company.employees, &company.facts(position)) == Scope::In => {
                return Err(format!(
                    "employee {employee} is in scope of {name} and has no account there that is known"
                ));
            }
            None => {}
        }
    }
    if !accounts.is_empty() {
        let wanted: BTreeSet<&AccountId> = accounts.values().collect();
        let mut owners: BTreeMap<&AccountId, EmployeeId> = BTreeMap::new();
        for (owner, account) in memory.links.iter().filter(|(_, account)| wanted.contains(account)) {
            if let Some(other) = owners.insert(account, *owner) {
                return Err(format!("employees {other} and {owner} are linked to the same account in {name}"));
            }
        }
    }
    Ok(accounts)
}

/// Plans what brings these accounts in line, or says what needs everybody in view.
fn plan_changes(
    company: &Changed<'_>,
    turn: &Turn<'_, '_>,
    mut memory: TargetMemory<'_>,
    accounts: &BTreeMap<EmployeeId, AccountId>,
    (open, schema, mut snapshot): (Box<dyn Target>, Schema, Snapshot),
) -> Result<(TargetPlan, OpenTarget), Unplanned> {
    let (target, options) = (turn.target, company.options);
    let name = &target.plan.name;
    let there: BTreeSet<&AccountId> = snapshot.accounts.iter().map(|account| &account.id).collect();
    if let Some((employee, _)) = accounts.iter().find(|(_, account)| !there.contains(account)) {
        return Err(Unplanned::Everything(format!("the account of employee {employee} is not there in {name}")));
    }
    keep_out_of_use(&mut snapshot, &memory.removed);
    let (employees, standings) = company.only(accounts);
    let plan_memory = PlanMemory {
        links: std::mem::take(&mut memory.links),
        gave_up: memory.gave_up.as_deref().map(|gave_up| gave_up as _),
        unstored: std::mem::take(&mut memory.unstored),
        delivered: std::mem::take(&mut memory.delivered),
        ..PlanMemory::default()
    };
    let names = NamesOnDemand::new(open.reader(), schema.fields.len());
    let input = PlanInput {
        settings: &target.plan,
        rules: target.target.offers().rules,
        schema: &schema,
        employees: &employees,
        standings: &standings,
        today: options.today,
        tables: &company.tables,
        identifying: &company.identifying,
        memory: &plan_memory,
        references: &names,
        only: None,
        changed_only: true,
    };
    let Built { mut plan, overview } = build(&input, snapshot);
    if let Some(why) = plan.changes.iter().find_map(|change| needs_everybody(change.op, change.employee, name)) {
        return Err(Unplanned::Everything(why));
    }
    let due = plan_workflows(&WorkflowInput {
        settings: &target.plan,
        employees: &employees,
        standings: &standings,
        today: options.today,
        tables: &company.tables,
        memory: &memory.workflows,
        fingerprint: memory.fingerprint.as_ref().map(|make| &**make as _),
        owned: &overview.owned,
        protected: &overview.protected,
        claimed: &BTreeSet::new(),
        only: None,
        known: &memory.known,
        started: None,
    });
    let steps = due.changes.iter().filter_map(|change| change.employee);
    if let Some(employee) = steps.chain(due.skipped.iter().map(|skip| skip.employee)).next() {
        let why = format!("a step of a workflow of {name} is due for employee {employee}");
        return Err(Unplanned::Everything(why));
    }
    if let Some(error) = names.failure() {
        return Err(Unplanned::Failed(error));
    }
    let known = rails(target, options, &memory, &plan, &overview);
    let linked = turn.since.linked.max(known.linked);
    guard(
        &mut plan,
        &target.plan.safety,
        &GuardInput { linked, source_complete: true, target_complete: true, ..known },
    );
    let (released, held) = release(&mut plan, &memory.decisions, None);
    let policy = &target.plan.policy;
    plan.forecast = policy.costs_calls.then(|| Forecast::of(&plan.changes, policy.calls_per_minute));
    let open = OpenTarget {
        target: open,
        schema,
        overview,
        // What is open from before the last complete run was looked at by that.
        open_intents: Vec::new(),
        seen: Vec::new(),
        contacts: Vec::new(),
        complete: false,
        lacking: 0,
        labels: BTreeMap::new(),
        confirmed: memory.confirmed.unwrap_or_default(),
        held,
        released,
    };
    Ok((plan, open))
}

/// What is decided only with everybody in view.
fn needs_everybody(op: Op, employee: Option<EmployeeId>, target: &str) -> Option<String> {
    let who = employee.map(|employee| format!("employee {employee}")).unwrap_or_default();
    match op {
        Op::Update | Op::Reactivate => None,
        Op::Create => Some(format!("{who} needs a new account in {target}")),
        Op::Handover => Some(format!("{who} is to take over an account in {target}")),
        Op::Deactivate => Some(format!("the account of {who} in {target} is to be taken out of use")),
        Op::Reference => Some(format!("something that accounts refer to by name is to be made in {target}")),
        Op::Request => Some(format!("a step of a workflow of {target} is due")),
    }
}
