//! Reads the source and every target, and plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::code::Code;
use crate::config::{Settings, TargetSettings};
use crate::employee::{EmployeeId, Employees, Lifecycle, Standing, standing};
use crate::field::{AccountId, Schema};
use crate::http::Tally;
use crate::personio::{ReadResult, Source, SourceError, WHERE};
use crate::plan::{
    Absences, Built, Change, Checklist, Confirmed, DAYS_PENDING, Forecast, GuardInput, Identifying, Notice, Op,
    Overview, PersonLabel, Plan, PlanInput, PlanMemory, References, Refusal, Seen, Skip, Snapshot, SourceSummary,
    TargetPlan, TargetStatus, WorkflowInput, by_hand, checklist_code, guard, identifying, plan_workflows,
};
use crate::progress::ReadProgress;
use crate::rules::Tables;
use crate::state::{KnownAttribute, OpenIntent};
use crate::targets::conversations::contacts::Contact;
use crate::targets::{ByHand, Connection, ErrorKind, ReadAccounts, Target, TargetError};

use super::attribute_lock::AttributeLock;
use super::imports;
use super::prepared::{OpenTarget, PrepareError, PrepareOptions, Prepared, PreparedTarget, Remembered, TargetMemory};
use super::prove::{self, Proof};
use super::reference_names::NamesOnDemand;
use super::release::release;
use super::source::{SourceSeen, ask_for_missing, newest_change, shortfall, staleness};
use super::step_checks::check_due;

/// Reads the source and the targets, and plans. Nothing is written: planning holds views that cannot.
///
/// # Errors
///
/// When the source or the state cannot be read. A target that cannot be read is part of the plan, as failed.
pub fn prepare<'s>(
    settings: &'s Settings,
    source: &dyn Source,
    remembered: &dyn Remembered,
    options: &PrepareOptions,
    progress: &dyn ReadProgress,
) -> Result<Prepared<'s>, PrepareError> {
    let named = |target: &&TargetSettings| options.targets.is_empty() || options.targets.contains(&target.plan.name);
    let selected: Vec<&TargetSettings> = settings.targets.iter().filter(named).collect();
    let tallies: Vec<Arc<Tally>> = selected.iter().map(|_| Arc::default()).collect();
    let (read, opened) = read_all(settings, source, &selected, &tallies, options, progress);
    let mut company = Company::of(settings, options, read.map_err(PrepareError::Source)?)?;
    company.doubt(source, remembered)?;
    let mut plan = company.plan();
    let mut targets = Vec::with_capacity(selected.len());
    for ((target, opened), tally) in selected.into_iter().zip(opened).zip(tallies) {
        let (target_plan, open, error) = match opened {
            None => (not_taking_part(target, TargetStatus::Paused, None), None, None),
            Some(Err(error)) => could_not_be_read(target, error),
            Some(Ok(read)) => {
                let memory = remembered.target(target).map_err(PrepareError::State)?;
                match plan_target(&company, target, memory, read) {
                    Ok((target_plan, open)) => (target_plan, Some(open), None),
                    Err(error) => could_not_be_read(target, error),
                }
            }
        };
        plan.targets.push(target_plan);
        targets.push(PreparedTarget { settings: target, open, error, tally });
    }
    let whole = options.only.is_none();
    check_groups(&mut plan, &targets, &company.employees, &company.standings, whole);
    if whole {
        imports::review(settings, &mut plan, &targets);
    }
    let Company { employees, standings, absences, attributes, .. } = company;
    let source_requests = source.requests();
    let source_seen = SourceSeen::of(&employees, &absences, attributes).filter(|_| whole);
    let filters_accepted = options.accept_filter_change && whole;
    Ok(Prepared {
        plan,
        targets,
        employees,
        standings,
        restricted: !whole,
        filters_accepted,
        source_seen,
        source_requests,
        changed: BTreeSet::new(),
    })
}

/// What was read of a target.
type Read = (Box<dyn Target>, Schema, Snapshot);

/// What came of reading one target; `None` where it is not read.
type TargetRead = Option<Result<Read, TargetError>>;

/// The source and the targets side by side; `None` for those that are paused.
fn read_all(
    settings: &Settings,
    source: &dyn Source,
    selected: &[&TargetSettings],
    tallies: &[Arc<Tally>],
    options: &PrepareOptions,
    progress: &dyn ReadProgress,
) -> (Result<ReadResult, SourceError>, Vec<TargetRead>) {
    std::thread::scope(|scope| {
        let targets: Vec<_> = selected
            .iter()
            .zip(tallies)
            .map(|(target, tally)| {
                let paused = target.paused && options.only.is_none();
                (!paused).then(|| scope.spawn(|| read_target(target, options.today, tally, progress)))
            })
            .collect();
        let bar = progress.reading("Personio");
        let employees = source.employees(&settings.attributes, &*bar);
        let joined = targets
            .into_iter()
            .map(|thread| thread.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        (employees, joined.collect())
    })
}

/// What the source says, as the plans of all targets see it.
struct Company<'s> {
    settings: &'s Settings,
    options: &'s PrepareOptions,
    employees: Employees,
    standings: Vec<Standing>,
    /// Whom earlier runs knew and this one lacks.
    absences: Absences,
    /// Custom attributes, for the next run to be held against.
    attributes: Vec<KnownAttribute>,
    newest_change: Option<DateTime<Utc>>,
    notices: Vec<Notice>,
    tables: Arc<Tables>,
    identifying: Vec<Identifying>,
}

impl<'s> Company<'s> {
    /// Refuses what is no list of people at all.
    fn of(settings: &'s Settings, options: &'s PrepareOptions, read: ReadResult) -> Result<Self, PrepareError> {
        let employees = read.employees;
        match (employees.list.is_empty(), read.without_id) {
            (true, 0) => return Err(PrepareError::EmptySource),
            (true, records) => return Err(PrepareError::NobodyHasAnId(records)),
            (false, _) => {}
        }
        if let Some(only) = options.only.filter(|only| employees.get(*only).is_none()) {
            return Err(PrepareError::UnknownEmployee(only));
        }
        let standing = |employee| standing(employee, &employees.attributes, options.today);
        let newest_change = newest_change(&employees);
        let stale = newest_change.and_then(|newest| staleness(newest, settings.timezone, options.today));
        Ok(Self {
            settings,
            options,
            standings: employees.list.iter().map(standing).collect(),
            absences: Absences::default(),
            attributes: Vec::new(),
            newest_change,
            notices: read.notices.into_iter().chain(stale).collect(),
            tables: Arc::new(settings.vocabulary.tables().clone()),
            identifying: identifying(&settings.vocabulary),
            employees,
        })
    }

    /// Holds the list against itself, against the last good one, and against what is said of single people.
    fn doubt(&mut self, source: &dyn Source, remembered: &dyn Remembered) -> Result<(), PrepareError> {
        if self.standings.iter().all(|standing| standing.unclear.is_some()) {
            let unclear: BTreeSet<&str> = self.standings.iter().filter_map(|standing| standing.unclear).collect();
            self.employees.doubt(nobody_is_judged(&unclear));
        }
        let mut known = remembered.source().map_err(PrepareError::State)?;
        let known_attributes = known.last.as_mut().map(|last| std::mem::take(&mut last.attributes));
        self.hold_changed_attributes(source, known_attributes.unwrap_or_default());
        if self.employees.is_complete()
            && !self.options.accept_source
            && let Some(why) = known.last.as_ref().and_then(|last| shortfall(last, &self.employees))
        {
            self.employees.doubt(why);
        }
        if self.options.only.is_none() {
            let (absences, doubts) = ask_for_missing(source, &known, &self.employees, self.settings.timezone);
            self.absences = absences;
            doubts.into_iter().for_each(|why| self.employees.doubt(why));
        }
        Ok(())
    }

    /// Nothing rests on a custom attribute that is not what it was.
    fn hold_changed_attributes(&mut self, source: &dyn Source, known: Vec<KnownAttribute>) {
        let lock = AttributeLock::look(source, &self.employees.attributes, known, self.options.accept_attributes);
        for key in &lock.held {
            if let Some(column) = self.employees.attributes.column(key) {
                self.employees.hide(column);
            }
        }
        self.notices.extend(lock.notices);
        self.attributes = lock.attributes;
    }

    /// A plan without targets.
    fn plan(&mut self) -> Plan {
        Plan {
            today: self.options.today,
            source: SourceSummary {
                employees: self.employees.list.len(),
                complete: self.employees.is_complete(),
                why_incomplete: self.employees.why_incomplete().map(str::to_owned),
                newest_change: self.newest_change.map(|newest| self.settings.timezone.minute(newest)),
                changes: None,
            },
            targets: Vec::new(),
            notices: std::mem::take(&mut self.notices),
        }
    }

    fn input<'i>(
        &'i self,
        target: &'i TargetSettings,
        schema: &'i Schema,
        memory: &'i PlanMemory<'i>,
        references: &'i dyn References,
    ) -> PlanInput<'i> {
        PlanInput {
            settings: &target.plan,
            rules: target.target.offers().rules,
            schema,
            employees: &self.employees,
            standings: &self.standings,
            today: self.options.today,
            tables: &self.tables,
            identifying: &self.identifying,
            memory,
            references,
            only: self.options.only,
            changed_only: false,
        }
    }
}

/// Plans one target from what was read of it.
///
/// # Errors
///
/// When something that only a change needs cannot be read.
fn plan_target(
    company: &Company<'_>,
    target: &TargetSettings,
    mut memory: TargetMemory<'_>,
    (open, schema, mut snapshot): Read,
) -> Result<(TargetPlan, OpenTarget), TargetError> {
    let options = company.options;
    keep_out_of_use(&mut snapshot, &memory.removed);
    let pending = pending(&memory.open);
    let (refusals, unread) = refusals(open.reader(), &pending, options.today);
    let plan_memory = PlanMemory {
        links: std::mem::take(&mut memory.links),
        gave_up: memory.gave_up.as_deref().map(|gave_up| gave_up as _),
        unstored: std::mem::take(&mut memory.unstored),
        pending,
        refusals,
        absences: company.absences.clone(),
        delivered: std::mem::take(&mut memory.delivered),
    };
    let names = NamesOnDemand::new(open.reader(), schema.fields.len());
    let input = company.input(target, &schema, &plan_memory, &names);
    let (labels, proof) = look_closer(open.reader(), target, &input, &mut snapshot, memory.confirmed.as_ref());
    let mut contacts = imports::contacts(company.settings, target, &schema, &snapshot);
    let (has_accounts, complete) = (!snapshot.accounts.is_empty(), snapshot.incomplete.is_none());
    let Built { mut plan, mut overview } = prove::build_proven(open.reader(), &input, snapshot);
    plan.notices.extend(unread);
    let seen = add_workflows(company, target, &memory, open.reader(), &mut plan, &mut overview);
    let rails = GuardInput {
        source_complete: company.employees.is_complete(),
        target_complete: complete,
        first_run: !memory.ran_before && has_accounts && target.target.offers().by_hand.is_none(),
        ..rails(target, options, &memory, &plan, &overview)
    };
    guard(&mut plan, &target.plan.safety, &rails);
    let (released, held) = release(&mut plan, &memory.decisions, options.accepted_removals);
    if let Some(by_hand) = target.target.offers().by_hand {
        let confirmed = memory.confirmed.as_ref();
        by_hand::complete(&mut plan, &input, &by_hand.teams(), confirmed, &overview.in_scope);
        plan.checklist = Some(checklist(by_hand, &plan, &labels, options.only.is_none()));
    } else {
        let policy = &target.plan.policy;
        plan.forecast = policy.costs_calls.then(|| Forecast::of(&plan.changes, policy.calls_per_minute));
    }
    if let Some(error) = names.failure() {
        return Err(error);
    }
    name_owners(&mut contacts, &overview.owned);
    let (mut open_intents, confirmed, lacking) = (memory.open, memory.confirmed.unwrap_or_default(), proof.lacking);
    // Of anybody else this plan says nothing.
    open_intents.retain(|entry| options.only.is_none_or(|only| entry.intent.employee == Some(only)));
    let open = OpenTarget {
        target: open,
        schema,
        overview,
        open_intents,
        seen,
        contacts,
        complete,
        lacking,
        labels,
        confirmed,
        held,
        released,
    };
    Ok((plan, open))
}

/// Accounts that were taken out of use, and say nothing of it since: services that skip what is empty leave `false` out.
pub(super) fn keep_out_of_use(snapshot: &mut Snapshot, removed: &BTreeSet<AccountId>) {
    for account in snapshot.accounts.iter_mut().filter(|account| !account.active_is_said) {
        account.active &= !removed.contains(&account.id);
    }
}

/// What the list of accounts does not say: who is there when asked for by id, or, where people keep the target in line,
/// what they said is done and how they know each other.
fn look_closer(
    reader: &dyn ReadAccounts,
    target: &TargetSettings,
    input: &PlanInput<'_>,
    snapshot: &mut Snapshot,
    confirmed: Option<&Confirmed>,
) -> (BTreeMap<EmployeeId, PersonLabel>, Proof) {
    if target.target.offers().by_hand.is_none() {
        return (BTreeMap::new(), prove::read_by_id(reader, input, snapshot));
    }
    *snapshot = by_hand::snapshot(input, confirmed.unwrap_or(&Confirmed::default()));
    (by_hand::person_labels(input, snapshot), Proof::default())
}

/// Adds the steps of workflows that are due. Gives the attributes that they watch.
fn add_workflows(
    company: &Company<'_>,
    target: &TargetSettings,
    memory: &TargetMemory<'_>,
    reader: &dyn ReadAccounts,
    plan: &mut TargetPlan,
    overview: &mut Overview,
) -> Vec<Seen> {
    let today = company.options.today;
    let mut known = memory.known.clone();
    let creates = plan.changes.iter().filter(|change| change.op == Op::Create);
    known.made.extend(creates.filter_map(|change| Some((change.employee?, today))));
    let planned = plan_workflows(&WorkflowInput {
        settings: &target.plan,
        employees: &company.employees,
        standings: &company.standings,
        today,
        tables: &company.tables,
        memory: &memory.workflows,
        fingerprint: memory.fingerprint.as_ref().map(|make| &**make as _),
        owned: &overview.owned,
        protected: &overview.protected,
        claimed: &overview.claimed.keys().copied().collect(),
        only: company.options.only,
        known: &known,
        started: company.options.start.as_deref(),
    });
    plan.notices.extend(planned.notices);
    // Nothing to do for the account is not nothing to do.
    let due: BTreeSet<Option<EmployeeId>> = planned.changes.iter().map(|change| change.employee).collect();
    overview.unchanged.retain(|employee| !due.contains(&Some(*employee)));
    if !planned.changes.is_empty() {
        plan.notices.extend(check_due(reader, target, &plan.changes, &planned.changes));
    }
    plan.changes.extend(planned.changes);
    plan.skipped.extend(planned.skipped);
    plan.skipped.sort_by_key(|skip| skip.employee);
    planned.seen
}

/// What the safety rails go by, as far as it is remembered or asked for.
pub(super) fn rails(
    target: &TargetSettings,
    options: &PrepareOptions,
    memory: &TargetMemory<'_>,
    plan: &TargetPlan,
    overview: &Overview,
) -> GuardInput {
    GuardInput {
        linked: overview.linked as u64,
        all_made: memory.all_made && target.target.offers().by_hand.is_none(),
        filters_changed: memory.filters_changed && !options.accept_filter_change,
        removed_lately: memory.removed_lately.saturating_sub(counted_twice(&memory.removals, plan)),
        accepted_removals: options.accepted_removals,
        overwritten: memory.overwritten.clone(),
        filled: overview.filled.clone(),
        asks_once: target.plan.policy.asks_once,
        ..GuardInput::default()
    }
}

/// Says of contacts whose accounts they are.
fn name_owners(contacts: &mut [Contact], owned: &BTreeMap<EmployeeId, AccountId>) {
    let owners: BTreeMap<&AccountId, EmployeeId> =
        owned.iter().map(|(employee, account)| (account, *employee)).collect();
    for contact in contacts {
        contact.owner = owners.get(&contact.account).copied();
    }
}

/// Why a read in which nobody's standing can be told is as good as none.
fn nobody_is_judged(hidden: &BTreeSet<&str>) -> String {
    let names: Vec<String> = hidden.iter().map(|attribute| format!("`{attribute}`")).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    format!(
        "it cannot be told of anybody whether they have left, because {} {are} not readable; tick {} for the credential, \
         {WHERE}: Readable employee attributes",
        names.join(" and "),
        if names.len() == 1 { "it" } else { "them" }
    )
}

/// Accounts that the service took on to make in its own time, with the day on which it last did.
fn pending(open: &[OpenIntent]) -> BTreeMap<EmployeeId, NaiveDate> {
    let creates = open.iter().filter(|entry| entry.pending && entry.intent.op == Op::Create);
    creates.filter_map(|entry| Some((entry.intent.employee?, entry.at.date_naive()))).collect()
}

/// What the service says of those that it did not make, and a note when it lets nobody read that.
fn refusals(
    reader: &dyn ReadAccounts,
    pending: &BTreeMap<EmployeeId, NaiveDate>,
    today: NaiveDate,
) -> (Vec<Refusal>, Option<Notice>) {
    let Some(since) = pending.values().min() else { return (Vec::new(), None) };
    let oldest = today.checked_sub_days(Days::new(DAYS_PENDING)).unwrap_or(today);
    let Some(service) = reader.read_offers().refusals else { return (Vec::new(), None) };
    match service.refusals(*since.max(&oldest)) {
        Ok(refusals) => (refusals, None),
        Err(error) => {
            let message = format!("what became of {} new accounts cannot be read: {error}", pending.len());
            (Vec::new(), Some(Notice::new(Code::OutcomesUnreadable, message)))
        }
    }
}

/// How many removals of the last 24 hours count a second time: those of an account that was removed before in that
/// time, or that the plan removes again. One account is one, however often it takes.
fn counted_twice(removals: &BTreeMap<AccountId, u64>, plan: &TargetPlan) -> u64 {
    let again: BTreeSet<&AccountId> = plan
        .changes
        .iter()
        .filter(|change| change.op == Op::Deactivate)
        .filter_map(|change| change.account.as_ref())
        .collect();
    removals.iter().map(|(account, times)| times - u64::from(!again.contains(account))).sum()
}

/// Opens a target; contacts nobody yet.
pub(super) fn open(
    target: &TargetSettings,
    today: NaiveDate,
    tally: &Arc<Tally>,
) -> Result<Box<dyn Target>, TargetError> {
    let connection = Connection {
        name: target.plan.name.clone(),
        fields: target.plan.fields.clone(),
        mapped: target.plan.written_fields,
        match_fields: target.plan.match_fields.clone(),
        create_missing: target.plan.create_missing.clone(),
        today,
    };
    let opened = tally.of(|| target.target.open(connection)).context("cannot be opened");
    opened.map_err(|error| TargetError::new(ErrorKind::Unexpected, format!("{error:#}")))
}

fn read_target(
    target: &TargetSettings,
    today: NaiveDate,
    tally: &Arc<Tally>,
    progress: &dyn ReadProgress,
) -> Result<Read, TargetError> {
    let open = open(target, today, tally)?;
    let (schema, snapshot) = look(open.reader(), &target.plan.name, progress)?;
    tally.listed();
    Ok((open, schema, snapshot))
}

/// All that planning sees of a target: a view that cannot write.
fn look(reader: &dyn ReadAccounts, name: &str, progress: &dyn ReadProgress) -> Result<(Schema, Snapshot), TargetError> {
    let schema = reader.schema()?;
    let bar = progress.reading(name);
    let snapshot = reader.accounts(&*bar)?;
    Ok((schema, snapshot))
}

/// A target that is left alone because something of it could not be read.
pub(super) fn could_not_be_read(
    target: &TargetSettings,
    error: TargetError,
) -> (TargetPlan, Option<OpenTarget>, Option<TargetError>) {
    (not_taking_part(target, TargetStatus::Failed, Some(error.message.clone())), None, Some(error))
}

pub(super) fn not_taking_part(target: &TargetSettings, status: TargetStatus, reason: Option<String>) -> TargetPlan {
    TargetPlan { status, reason, ..TargetPlan::empty(target.plan.name.clone(), target.target.kind()) }
}

/// What people are to do about a target, in words. What a rail holds is not to be done.
fn checklist(
    by_hand: &dyn ByHand,
    plan: &TargetPlan,
    labels: &BTreeMap<EmployeeId, PersonLabel>,
    whole: bool,
) -> Checklist {
    let changes: Vec<&Change> = plan.changes.iter().filter(|change| change.hold.is_none()).collect();
    let who = |employee: EmployeeId| labels.get(&employee).cloned().unwrap_or_default().in_full(employee);
    let groups = by_hand.steps(&changes, &who);
    let code = (whole && !groups.is_empty()).then(|| checklist_code(&plan.changes));
    Checklist { code, groups }
}

/// An employee in scope of two targets of one group is left alone in both; one in scope of none is listed, unless they
/// have left.
pub(super) fn check_groups(
    plan: &mut Plan,
    targets: &[PreparedTarget<'_>],
    employees: &Employees,
    standings: &[Standing],
    whole: bool,
) {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, target) in targets.iter().enumerate() {
        if let Some(group) = &target.settings.group {
            groups.entry(group).or_default().push(position);
        }
    }
    for (group, members) in groups {
        let mut positions: BTreeMap<EmployeeId, Vec<usize>> = BTreeMap::new();
        for position in &members {
            for employee in targets[*position].open.iter().flat_map(|open| &open.overview.in_scope) {
                positions.entry(*employee).or_default().push(*position);
            }
        }
        for (employee, positions) in positions.iter().filter(|(_, positions)| positions.len() > 1) {
            let names: Vec<&str> = positions.iter().map(|position| &*targets[*position].settings.plan.name).collect();
            for position in positions {
                let target_plan = &mut plan.targets[*position];
                target_plan.changes.retain(|change| change.employee != Some(*employee));
                target_plan.skipped.retain(|skip| skip.employee != *employee);
                target_plan.skipped.push(Skip {
                    employee: *employee,
                    reason: Code::InSeveralTargets,
                    detail: format!("in scope of {} of the group `{group}`; change their filters", names.join(" and ")),
                });
                target_plan.skipped.sort_by_key(|skip| skip.employee);
            }
        }
        let all_read = members.iter().all(|position| plan.targets[*position].status == TargetStatus::Ready);
        if !all_read || !whole {
            continue;
        }
        let covered: BTreeSet<&EmployeeId> = positions.keys().collect();
        let here = employees.list.iter().zip(standings).filter(|(_, standing)| standing.lifecycle != Lifecycle::Left);
        let none = here.map(|(employee, _)| employee.id).filter(|id| !covered.contains(id));
        plan.notices.extend(none.map(|employee| {
            Notice::about(employee, Code::InNoTargetOfGroup, format!("in scope of no target of the group `{group}`"))
        }));
    }
}
