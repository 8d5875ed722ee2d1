use crate::code::Code;
use crate::progress::ReadProgress;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{Days, NaiveDate};

use super::step_checks::check_due;
use crate::config::{Settings, TargetSettings};
use crate::employee::{EmployeeId, Employees, Standing, standing};
use crate::field::{AccountId, FieldIndex, FieldValue, Schema};
use crate::personio::{PersonioSource, SourceError, WHERE};
use crate::plan::{
    Built, Change, Checklist, Claim, Confirmed, DAYS_PENDING, Forecast, GuardInput, KnownSince, Memory, Notice, Op,
    PersonLabel, Plan, PlanInput, Refusal, Seen, Skip, Snapshot, SourceSummary, TargetPlan, TargetStatus,
    WorkflowInput, WorkflowMemory, by_hand, checklist_code, guard, identifying, plan_workflows,
};
use crate::state::{HeldChange, OpenIntent, Overwritten, SourceMemory};
use crate::targets::conversations::contacts::Contact;
use crate::targets::{ByHand, Connection, ErrorKind, ReadAccounts, Target, TargetError};

use super::imports;
use super::prove::{self, Proof};
use super::release::{Decisions, Released, release};
use super::source::{SourceSeen, ask_for_missing, newest_change, shortfall, staleness};

/// What a run is asked to look at.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// The day of the run, in the file's time zone.
    pub today: NaiveDate,
    /// Only these targets; all when empty.
    pub targets: Vec<Box<str>>,
    /// Only this employee; works on paused targets too.
    pub only: Option<EmployeeId>,
    /// The number of held removals that the operator releases.
    pub accepted_removals: Option<u64>,
    /// Whether the operator accepts that the filters changed.
    pub accept_filter_change: bool,
    /// The workflow that somebody starts by hand for `only`.
    pub start: Option<Box<str>>,
    /// Whether the operator accepts that far fewer people are delivered than before.
    pub accept_source: bool,
}

impl PrepareOptions {
    /// Everybody in these targets (all when empty), with nothing accepted.
    pub fn new<S: AsRef<str>>(today: NaiveDate, targets: &[S]) -> Self {
        Self {
            today,
            targets: targets.iter().map(|name| name.as_ref().into()).collect(),
            only: None,
            accepted_removals: None,
            accept_filter_change: false,
            start: None,
            accept_source: false,
        }
    }
}

/// What is remembered of each target; the plan takes it as one more argument.
pub trait Remembered: Sync {
    /// What is remembered of the source.
    fn source(&self) -> anyhow::Result<SourceMemory>;

    /// What is remembered of a target.
    fn target(&self, target: &TargetSettings) -> anyhow::Result<TargetMemory<'_>>;
}

/// What is remembered of one target.
#[derive(Default)]
pub struct TargetMemory<'a> {
    pub links: BTreeMap<EmployeeId, AccountId>,
    /// Whether a run against this target has ever come to its end.
    pub ran_before: bool,
    /// Whether a run of all of it has ever left nobody to make.
    pub all_made: bool,
    /// Whether the filters differ from those of the last run.
    pub filters_changed: bool,
    /// Removals in the last 24 hours, under whatever name of the target.
    pub removed_lately: u64,
    /// Whose fields were overwritten in the last 24 hours.
    pub overwritten: Overwritten,
    /// How often each account is among the removals of the last 24 hours.
    pub removals: BTreeMap<AccountId, u64>,
    /// Accounts that were taken out of use and not brought back since, as far as that is remembered.
    pub removed: BTreeSet<AccountId>,
    /// Whether a field of an employee was written with this value several times without staying.
    pub gave_up: Option<GaveUp<'a>>,
    /// Writes of earlier runs whose outcome is not known.
    pub open: Vec<OpenIntent>,
    /// Fields that the service was found not to store.
    pub unstored: BTreeSet<Box<str>>,
    /// What is remembered of workflows, by their names.
    pub workflows: BTreeMap<Box<str>, WorkflowMemory>,
    /// The keyed hash of some values.
    pub fingerprint: Option<MakeFingerprint<'a>>,
    /// What people said is done, where they keep the target in line; `None` when they never did.
    pub confirmed: Option<Confirmed>,
    /// What people were shown as held, and what they said to it.
    pub decisions: Decisions<'a>,
    /// When people were last known to be as they should, where workflows ask for it.
    pub known: KnownSince,
}

/// Makes the keyed hash of some values.
pub(super) type MakeFingerprint<'a> = Box<dyn Fn(&[String]) -> Box<str> + Send + Sync + 'a>;

/// Whether a field of an employee was written with this value several times without staying.
pub type GaveUp<'a> = Box<dyn Fn(EmployeeId, &str, &FieldValue) -> bool + Send + Sync + 'a>;

/// A plan, and the open targets to carry it out on.
pub struct Prepared<'s> {
    pub plan: Plan,
    /// In the order of the plan's targets.
    pub targets: Vec<PreparedTarget<'s>>,
    /// The source, for whoever explains one employee.
    pub employees: Employees,
    /// Where each employee stands, in the order of the employees.
    pub standings: Vec<Standing>,
    /// Whether the plan was cut down to some employees or some reviewed changes.
    pub restricted: bool,
    /// Whether the operator accepted that filters changed, for everybody.
    pub filters_accepted: bool,
    /// What a good read of everybody leaves to be remembered.
    pub source_seen: Option<SourceSeen>,
}

/// One target of a prepared run.
pub struct PreparedTarget<'s> {
    /// Its section of the file.
    pub settings: &'s TargetSettings,
    /// Open, with its fields; `None` when it is paused or could not be read.
    pub open: Option<OpenTarget>,
    /// Why it could not be read.
    pub error: Option<TargetError>,
}

/// A target that was read.
pub struct OpenTarget {
    pub target: Box<dyn Target>,
    /// Its fields, as the service has them.
    pub schema: Schema,
    /// Every employee's account.
    pub owned: BTreeMap<EmployeeId, AccountId>,
    /// The match field that found the account, for those that no stored link did.
    pub matched_by: BTreeMap<EmployeeId, FieldIndex>,
    /// The employees in scope, sorted.
    pub in_scope: Vec<EmployeeId>,
    /// Employees who need nothing at all.
    pub unchanged: Vec<EmployeeId>,
    /// Writes of earlier runs whose outcome is not known.
    pub open_intents: Vec<OpenIntent>,
    /// Attributes that workflows watch, to be remembered after the run.
    pub seen: Vec<Seen>,
    /// Whose account somebody else has a key of.
    pub claimed: BTreeMap<EmployeeId, Claim>,
    /// Its accounts, where another target imports them.
    pub contacts: Vec<Contact>,
    /// Whether all of its accounts are proven to be read.
    pub complete: bool,
    /// How many linked accounts in use its list lacks.
    pub lacking: usize,
    /// How people are called, where other people have to find them.
    pub labels: BTreeMap<EmployeeId, PersonLabel>,
    /// What people said is done.
    pub confirmed: Confirmed,
    /// What rails hold, what is released of it included.
    pub held: Vec<HeldChange>,
    /// What somebody approved, and this plan asks for.
    pub released: Vec<Released>,
}

/// Reads the source and the targets, and plans. Nothing is written: planning holds views that cannot.
///
/// # Errors
///
/// When the source or the state cannot be read. A target that cannot be read is part of the plan, as failed.
pub fn prepare<'s>(
    settings: &'s Settings,
    source: &PersonioSource,
    remembered: &dyn Remembered,
    options: &PrepareOptions,
    progress: &dyn ReadProgress,
) -> Result<Prepared<'s>, PrepareError> {
    let selected: Vec<&TargetSettings> = settings
        .targets
        .iter()
        .filter(|target| options.targets.is_empty() || options.targets.contains(&target.plan.name))
        .collect();
    let (read, opened) = std::thread::scope(|scope| {
        let targets: Vec<_> = selected
            .iter()
            .map(|target| {
                let paused = target.paused && options.only.is_none();
                (!paused).then(|| scope.spawn(|| read_target(target, options.today, progress)))
            })
            .collect();
        let bar = progress.reading("Personio");
        let read = source.employees(&settings.attributes, &*bar);
        let opened: Vec<_> = targets.into_iter().map(|target| target.map(|thread| thread.join())).collect();
        (read, opened)
    });
    let read = read.map_err(PrepareError::Source)?;
    let mut employees = read.employees;
    match (employees.list.is_empty(), read.without_id) {
        (true, 0) => return Err(PrepareError::EmptySource),
        (true, records) => return Err(PrepareError::NobodyHasAnId(records)),
        (false, _) => {}
    }
    if let Some(only) = options.only
        && employees.get(only).is_none()
    {
        return Err(PrepareError::UnknownEmployee(only));
    }
    let standings: Vec<Standing> =
        employees.list.iter().map(|employee| standing(employee, &employees.attributes, options.today)).collect();
    let unclear: BTreeSet<&str> = standings.iter().filter_map(|standing| standing.unclear).collect();
    if standings.iter().all(|standing| standing.unclear.is_some()) {
        employees.doubt(nobody_is_judged(&unclear));
    }
    let known = remembered.source().map_err(PrepareError::State)?;
    if employees.is_complete()
        && !options.accept_source
        && let Some(why) = known.last.as_ref().and_then(|last| shortfall(last, &employees))
    {
        employees.doubt(why);
    }
    let (absences, doubts) = match options.only {
        None => ask_for_missing(source, &known, &employees, settings.timezone),
        Some(_) => Default::default(),
    };
    doubts.into_iter().for_each(|why| employees.doubt(why));
    let newest = newest_change(&employees);
    let mut notices = read.notices;
    notices.extend(newest.and_then(|newest| staleness(newest, settings.timezone, options.today)));
    let tables = Arc::new(settings.vocabulary.tables().clone());
    let identifying = identifying(&settings.vocabulary);

    let mut plan = Plan {
        today: options.today,
        source: SourceSummary {
            employees: employees.list.len(),
            complete: employees.is_complete(),
            why_incomplete: employees.why_incomplete().map(str::to_owned),
            newest_change: newest.map(|newest| settings.timezone.minute(newest)),
        },
        targets: Vec::with_capacity(selected.len()),
        notices,
    };
    let mut targets = Vec::with_capacity(selected.len());
    let mut scopes: Vec<Vec<EmployeeId>> = Vec::with_capacity(selected.len());
    for (target, opened) in selected.into_iter().zip(opened) {
        let opened = match opened {
            None => None,
            Some(Ok(opened)) => Some(opened),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        };
        let (target_plan, prepared, in_scope) = match opened {
            None => (not_taking_part(target, TargetStatus::Paused, None), None, Vec::new()),
            Some(Err(error)) => {
                let prepared = PreparedTarget { settings: target, open: None, error: Some(error.clone()) };
                (not_taking_part(target, TargetStatus::Failed, Some(error.message)), Some(prepared), Vec::new())
            }
            Some(Ok((open, schema, mut snapshot))) => {
                let memory = remembered.target(target).map_err(PrepareError::State)?;
                for account in snapshot.accounts.iter_mut().filter(|account| !account.active_is_said) {
                    // It was taken out of use, and says nothing of it since: services that skip what is empty
                    // leave `false` out.
                    account.active &= !memory.removed.contains(&account.id);
                }
                let pending = pending(&memory.open);
                let (refusals, unread) = refusals(open.reader(), &pending, options.today);
                let input = PlanInput {
                    settings: &target.plan,
                    rules: target.target.offers().rules,
                    schema: &schema,
                    employees: &employees,
                    standings: &standings,
                    today: options.today,
                    tables: &tables,
                    identifying: &identifying,
                    memory: &Memory {
                        links: memory.links,
                        gave_up: memory.gave_up.as_deref().map(|gave_up| gave_up as _),
                        unstored: memory.unstored,
                        pending,
                        refusals,
                        absences: absences.clone(),
                    },
                    only: options.only,
                };
                let by_hand = target.target.offers().by_hand;
                let labels = match by_hand {
                    None => BTreeMap::new(),
                    Some(_) => {
                        let nothing = Confirmed::default();
                        snapshot = by_hand::snapshot(&input, memory.confirmed.as_ref().unwrap_or(&nothing));
                        by_hand::person_labels(&input, &snapshot)
                    }
                };
                let proof = match by_hand {
                    None => prove::read_by_id(open.reader(), &input, &mut snapshot),
                    Some(_) => Proof::default(),
                };
                let mut contacts = imports::contacts(settings, target, &schema, &snapshot);
                let accounts = snapshot.accounts.len();
                let target_complete = snapshot.incomplete.is_none();
                let Built {
                    plan: mut target_plan,
                    owned,
                    matched_by,
                    linked,
                    filled,
                    in_scope,
                    protected,
                    claimed,
                    mut unchanged,
                } = prove::build_proven(open.reader(), &input, snapshot);
                target_plan.notices.extend(unread);
                let counted_twice = counted_twice(&memory.removals, &target_plan);
                let rails = GuardInput {
                    linked: linked as u64,
                    source_complete: employees.is_complete(),
                    target_complete,
                    first_run: !memory.ran_before && accounts > 0 && by_hand.is_none(),
                    all_made: memory.all_made && by_hand.is_none(),
                    filters_changed: memory.filters_changed && !options.accept_filter_change,
                    removed_lately: memory.removed_lately.saturating_sub(counted_twice),
                    accepted_removals: options.accepted_removals,
                    overwritten: memory.overwritten,
                    filled,
                };
                let owned: BTreeMap<EmployeeId, AccountId> = owned.into_iter().collect();
                let mut known = memory.known;
                let creates = target_plan.changes.iter().filter(|change| change.op == Op::Create);
                known.made.extend(creates.filter_map(|change| Some((change.employee?, options.today))));
                let planned = plan_workflows(&WorkflowInput {
                    settings: &target.plan,
                    employees: &employees,
                    standings: &standings,
                    today: options.today,
                    tables: &tables,
                    memory: &memory.workflows,
                    fingerprint: memory.fingerprint.as_ref().map(|make| &**make as _),
                    owned: &owned,
                    protected: &protected,
                    claimed: &claimed.keys().copied().collect(),
                    only: options.only,
                    known: &known,
                    started: options.start.as_deref(),
                });
                target_plan.notices.extend(planned.notices);
                // Nothing to do for the account is not nothing to do.
                let due: BTreeSet<Option<EmployeeId>> = planned.changes.iter().map(|change| change.employee).collect();
                unchanged.retain(|employee| !due.contains(&Some(*employee)));
                if !planned.changes.is_empty() {
                    let found = check_due(open.reader(), target, &target_plan.changes, &planned.changes);
                    target_plan.notices.extend(found);
                }
                target_plan.changes.extend(planned.changes);
                target_plan.skipped.extend(planned.skipped);
                target_plan.skipped.sort_by_key(|skip| skip.employee);
                guard(&mut target_plan, &target.plan.safety, &rails);
                let (released, held) = release(&mut target_plan, &memory.decisions, options.accepted_removals);
                if let Some(by_hand) = by_hand {
                    let confirmed = memory.confirmed.as_ref();
                    by_hand::complete(&mut target_plan, &input, &by_hand.teams(), confirmed, &in_scope);
                    target_plan.checklist = Some(checklist(by_hand, &target_plan, &labels, options.only.is_none()));
                } else {
                    target_plan.forecast =
                        Some(Forecast::of(&target_plan.changes, target.plan.policy.calls_per_minute));
                }
                let owners: BTreeMap<&AccountId, EmployeeId> =
                    owned.iter().map(|(employee, account)| (account, *employee)).collect();
                for contact in &mut contacts {
                    contact.owner = owners.get(&contact.account).copied();
                }
                let open = OpenTarget {
                    target: open,
                    schema,
                    owned,
                    matched_by,
                    in_scope: in_scope.clone(),
                    unchanged,
                    open_intents: memory.open,
                    seen: planned.seen,
                    claimed,
                    contacts,
                    complete: target_complete,
                    lacking: proof.lacking,
                    labels,
                    confirmed: memory.confirmed.unwrap_or_default(),
                    held,
                    released,
                };
                (target_plan, Some(PreparedTarget { settings: target, open: Some(open), error: None }), in_scope)
            }
        };
        plan.targets.push(target_plan);
        targets.push(prepared.unwrap_or(PreparedTarget { settings: target, open: None, error: None }));
        scopes.push(in_scope);
    }
    check_groups(&mut plan, &targets, &scopes, &employees, options.only);
    if options.only.is_none() {
        imports::review(settings, &mut plan, &targets);
    }
    let filters_accepted = options.accept_filter_change && options.only.is_none();
    let source_seen = SourceSeen::of(&employees, &absences).filter(|_| options.only.is_none());
    let restricted = options.only.is_some();
    Ok(Prepared { plan, targets, employees, standings, restricted, filters_accepted, source_seen })
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
            (Vec::new(), Some(Notice { code: Code::OutcomesUnreadable, employee: None, field: None, message }))
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

type Read = (Box<dyn Target>, Schema, Snapshot);

fn read_target(target: &TargetSettings, today: NaiveDate, progress: &dyn ReadProgress) -> Result<Read, TargetError> {
    let connection = Connection {
        name: target.plan.name.clone(),
        fields: target.plan.fields.clone(),
        mapped: target.plan.written_fields,
        match_fields: target.plan.match_fields.clone(),
        create_missing: target.plan.create_missing.clone(),
        today,
    };
    let open = target
        .target
        .open(connection)
        .context("cannot be opened")
        .map_err(|error| TargetError::new(ErrorKind::Unexpected, format!("{error:#}")))?;
    let (schema, snapshot) = look(open.reader(), &target.plan.name, progress)?;
    Ok((open, schema, snapshot))
}

/// All that planning sees of a target: a view that cannot write.
fn look(reader: &dyn ReadAccounts, name: &str, progress: &dyn ReadProgress) -> Result<(Schema, Snapshot), TargetError> {
    let schema = reader.schema()?;
    let bar = progress.reading(name);
    let snapshot = reader.accounts(&*bar)?;
    Ok((schema, snapshot))
}

fn not_taking_part(target: &TargetSettings, status: TargetStatus, reason: Option<String>) -> TargetPlan {
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

/// An employee in scope of two targets of one group is left alone in both; one in scope of none is listed.
fn check_groups(
    plan: &mut Plan,
    targets: &[PreparedTarget<'_>],
    scopes: &[Vec<EmployeeId>],
    employees: &Employees,
    only: Option<EmployeeId>,
) {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, target) in targets.iter().enumerate() {
        if let Some(group) = &target.settings.group {
            groups.entry(group).or_default().push(place);
        }
    }
    for (group, members) in groups {
        let mut places: BTreeMap<EmployeeId, Vec<usize>> = BTreeMap::new();
        for place in &members {
            for employee in &scopes[*place] {
                places.entry(*employee).or_default().push(*place);
            }
        }
        for (employee, places) in places.iter().filter(|(_, places)| places.len() > 1) {
            let names: Vec<&str> = places.iter().map(|place| &*targets[*place].settings.plan.name).collect();
            for place in places {
                let target_plan = &mut plan.targets[*place];
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
        let all_read = members.iter().all(|place| plan.targets[*place].status == TargetStatus::Ready);
        if !all_read || only.is_some() {
            continue;
        }
        let covered: BTreeSet<&EmployeeId> = places.keys().collect();
        let none: Vec<EmployeeId> =
            employees.list.iter().map(|employee| employee.id).filter(|id| !covered.contains(id)).collect();
        plan.notices.extend(none.into_iter().map(|employee| Notice {
            code: Code::InNoTargetOfGroup,
            employee: Some(employee),
            field: None,
            message: format!("in scope of no target of the group `{group}`"),
        }));
    }
}

/// Why there is no plan at all.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The source could not be read.
    #[error("failed to read Personio: {0}")]
    Source(SourceError),
    /// The source delivered nobody, which looks like everybody left.
    #[error(
        "Personio delivered no employee at all; nothing is planned, because this looks like everybody left \
         (does the credential have the right Employees: Read?)"
    )]
    EmptySource,
    /// Records came, and none says whose it is.
    #[error(
        "none of the {0} records that Personio delivered has an id, so nobody can tell whose they are; nothing is planned \
         (this is no answer that Personio is known to give: does something stand between, at `personio.base_url`?)"
    )]
    NobodyHasAnId(u64),
    /// The employee asked for is not among those delivered.
    #[error("Personio delivers no employee {0}; `personio-sync explain` also takes an e-mail address")]
    UnknownEmployee(EmployeeId),
    /// The state could not be read.
    #[error("failed to read the state: {0:#}")]
    State(anyhow::Error),
}
