//! The state as commands use it: what is remembered, the locks of a run and its end.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::code::Code;
use crate::config::{BudgetPeriod, Settings, StateLocation, TargetSettings};
use crate::employee::EmployeeId;
use crate::exit::{Failure, Reason};
use crate::field::{AccountId, FieldValue};
use crate::http::Requests;
use crate::plan::{
    Change, Confirmed, Hold, KnownSince, Op, Outcome, Seen, SeenBefore, StepDone, TargetPlan, TargetStatus,
    WorkflowMemory,
};
use crate::rules::Expression;
use crate::state::{
    DAYS_GIVEN_UP, FailedRun, FilledSlot, Fingerprint, Finished, Holder, LedgerEntry, Link, Lock, LockError,
    LockRequest, Once, OnceKind, OnceOnly, Origin, RunEnd, RunId, RunStart, SourceMemory, State, StateError,
    StoredTarget, TargetEnd, WRITES_BEFORE_GIVING_UP, Who, Written, machine_lock_folder,
};
use crate::zone::Zone;

use super::caller::Caller;
use super::confirmed_rows::ConfirmedRows;
use super::due::{DueTargets, Scheduled};
use super::prepared::{GaveUp, OpenTarget, Remembered, SinceComplete, TargetMemory};
use super::source::SourceSeen;
use super::writing::Applied;

/// What is remembered between runs.
pub struct Memory {
    /// The state; one that remembers nothing when there is none yet and nothing may be made.
    pub state: State,
    caller: Caller,
    /// Whether it is on a server, which then has the locks as well.
    on_server: bool,
    /// The slots of the calendar that this run is for, by target.
    slots: BTreeMap<Box<str>, FilledSlot>,
    /// Whether it is there for the next run, too.
    kept: bool,
    /// Whose midnight counts.
    zone: Zone,
}

impl Memory {
    /// For commands that change nothing: a state that is not there yet is not made.
    pub fn for_reading(settings: &Settings, caller: Caller) -> Result<Self, Failure> {
        match &settings.state.location {
            StateLocation::File(path) if !path.exists() => Ok(Self {
                state: State::temporary()?,
                caller,
                on_server: false,
                slots: BTreeMap::new(),
                kept: false,
                zone: settings.timezone,
            }),
            _ => Self::open(settings, caller),
        }
    }

    /// For commands that write; a state that is not there yet is made.
    pub fn open(settings: &Settings, caller: Caller) -> Result<Self, Failure> {
        let location = &settings.state.location;
        let state = match location {
            StateLocation::File(path) => State::open(path)?,
            StateLocation::Server(address) => State::connect(address)?,
        };
        Ok(Self {
            state,
            caller,
            on_server: matches!(location, StateLocation::Server(_)),
            slots: BTreeMap::new(),
            kept: true,
            zone: settings.timezone,
        })
    }

    /// What is remembered of the runs by the clock of some targets.
    pub fn scheduled<'t>(
        &self,
        targets: impl Iterator<Item = &'t TargetSettings>,
    ) -> Result<Vec<Scheduled<'t>>, Failure> {
        let records = self.state.targets()?;
        let scheduled = |target: &'t TargetSettings| {
            let section = section_fingerprint(&self.state, target);
            let record = records.iter().find(|record| record.target == target.plan.name);
            Ok(Scheduled {
                target,
                last_slot: self.state.slots(&target.plan.name)?.last().map(|slot| slot.begins),
                changed: record.and_then(|record| record.section.as_ref()) != Some(&section),
            })
        };
        targets.map(scheduled).collect()
    }

    /// The slots without a run, of targets that are not paused. They count from the first run by the clock since
    /// `every` is what it is now.
    pub fn missed_slots(
        &self,
        targets: &[Scheduled<'_>],
        now: DateTime<Utc>,
        zone: Zone,
    ) -> Result<BTreeMap<Box<str>, Vec<DateTime<Utc>>>, Failure> {
        let mut missed = BTreeMap::new();
        for target in targets.iter().map(|one| one.target).filter(|target| !target.paused) {
            let Some(every) = target.every else { continue };
            let slots = self.state.slots(&target.plan.name)?;
            let spelled = every.spelled();
            let since = slots.iter().rposition(|slot| *slot.every != *spelled).map_or(0, |other| other + 1);
            let filled: Vec<DateTime<Utc>> = slots[since..].iter().map(|slot| slot.begins).collect();
            missed.insert(target.plan.name.clone(), every.missed(&filled, now, zone));
        }
        Ok(missed)
    }

    /// This run is the one of these slots.
    pub fn run_for(&mut self, due: &DueTargets, settings: &Settings) {
        let slot = |target: &TargetSettings| {
            let begins = (*due.now.get(&target.plan.name)?)?;
            Some((target.plan.name.clone(), FilledSlot { begins, every: target.every?.spelled().into() }))
        };
        self.slots = settings.targets.iter().filter_map(slot).collect();
    }

    /// Remembers that the slot of a target had its run, unless the run ended before its turn or could not read it.
    pub(super) fn fill_slot(
        &self,
        settings: &TargetSettings,
        plan: &TargetPlan,
        applied: Option<&Applied>,
    ) -> Result<(), StateError> {
        let (Some(slot), Some(every)) = (self.slots.get(&settings.plan.name), settings.every) else { return Ok(()) };
        let not_attempted = |change: &Change| matches!(change.outcome, Some(Outcome::NotAttempted { .. }));
        let worked_through = plan.status == TargetStatus::Ready
            && !plan.changes.iter().any(not_attempted)
            && applied.is_none_or(Applied::is_complete);
        if !worked_through {
            return Ok(());
        }
        self.state.fill_slot(&settings.plan.name, slot, every.worth_a_look(self.now()))
    }

    /// Takes the locks of all targets that are about to be written, in one order for everybody.
    ///
    /// # Errors
    ///
    /// [`Reason::Locked`] with the holder when another run has one of them.
    pub fn lock(
        &self,
        targets: &[&TargetSettings],
        timeout: Duration,
        pause: &mut dyn FnMut(Duration) -> bool,
    ) -> Result<Vec<Lock>, Failure> {
        // What people keep in line is written to the state and nowhere else, and locks of all files are in one folder.
        let identity = |target: &&TargetSettings| match target.target.offers().by_hand {
            Some(_) if !self.on_server => format!("{} in {}", target.target.identity(), self.state.location()),
            _ => target.target.identity(),
        };
        let mut identities: Vec<String> = targets.iter().map(identity).collect();
        identities.sort_unstable();
        identities.dedup();
        self.lock_identities(&identities, timeout, pause)
    }

    /// The same, by what identifies the accounts; sorted.
    pub fn lock_identities(
        &self,
        identities: &[String],
        timeout: Duration,
        pause: &mut dyn FnMut(Duration) -> bool,
    ) -> Result<Vec<Lock>, Failure> {
        let folder = machine_lock_folder();
        let Caller { who, pid, command, now, .. } = self.caller.clone();
        let holder = Holder { pid, host: who.host.into(), command, since: now };
        identities
            .iter()
            .map(|identity| {
                self.state.lock(LockRequest { folder: &folder, identity, holder: &holder, timeout, pause }).map_err(
                    |error| match error {
                        LockError::Busy { .. } => {
                            Failure::new(Reason::Locked, format!("{error}; wait for it to end, or use --lock-timeout"))
                        }
                        LockError::Folder { .. } => Failure::new(Reason::Usage, error.to_string()),
                        LockError::File { .. } => Failure::new(Reason::Internal, error.to_string()),
                        LockError::State(error) => error.into(),
                    },
                )
            })
            .collect()
    }

    /// Begins a run in the history.
    ///
    /// # Errors
    ///
    /// When the state cannot be written; nothing may be sent then.
    pub(super) fn start(&self, today: NaiveDate, targets: &[&str]) -> Result<RunId, Failure> {
        Ok(self.state.start_run(&RunStart {
            at: self.now(),
            command: &self.caller.command,
            as_of: today,
            tool: env!("CARGO_PKG_VERSION"),
            by: &self.caller.who,
            targets,
        })?)
    }

    /// Keeps a run that found nothing to work on.
    pub(super) fn keep_failed_run(
        &self,
        today: NaiveDate,
        targets: &[&str],
        whole: bool,
        failed: (Reason, Requests),
    ) -> Result<(), Failure> {
        let (reason, source_requests) = failed;
        let run = self.start(today, if whole { targets } else { &[] })?;
        self.state.fail_run(&FailedRun {
            run,
            at: (self.caller.clock)().max(self.now()),
            exit_code: reason.code(),
            code: reason.word().as_str(),
            source_requests,
            targets,
            whole,
        })?;
        Ok(())
    }

    /// Whether it is there for the next run, too.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// The next run is at another moment.
    #[cfg(test)]
    pub(super) fn set_now(&mut self, now: DateTime<Utc>) {
        self.caller.now = now;
    }

    /// The moment of the run.
    pub fn now(&self) -> DateTime<Utc> {
        self.caller.now
    }

    pub(super) fn zone(&self) -> Zone {
        self.zone
    }

    pub(super) fn who(&self) -> &Who {
        &self.caller.who
    }

    /// The fingerprint of a value, for finding fields that never settle.
    fn value(&self, value: &FieldValue) -> Fingerprint {
        value_fingerprint(&self.state, value)
    }
}

fn value_fingerprint(state: &State, value: &FieldValue) -> Fingerprint {
    state.hasher().fingerprint("value", [value.to_string().as_str()])
}

/// The fingerprint of the filters of a target: aliases resolved, and with the entries of the tables they look up in.
fn scope_fingerprint(state: &State, target: &TargetSettings) -> Fingerprint {
    let with_tables = |one: &Expression| match one.lookups() {
        "" => String::new(),
        entries => format!(" {entries}"),
    };
    fingerprint_of_filters(state, target, with_tables)
}

/// The same as versions made it that left the tables out. Nobody has to accept again what a newer version looks at.
fn scope_fingerprint_without_tables(state: &State, target: &TargetSettings) -> Fingerprint {
    fingerprint_of_filters(state, target, |_| String::new())
}

fn fingerprint_of_filters(state: &State, target: &TargetSettings, more: impl Fn(&Expression) -> String) -> Fingerprint {
    let text = |list: &'static str, expressions: &[Expression]| -> Vec<String> {
        let line = |one: &Expression| format!("{list} {} {:?}{}", one.source(), one.variables(), more(one));
        expressions.iter().map(line).collect()
    };
    let parts: Vec<String> =
        text("include", &target.plan.include).into_iter().chain(text("exclude", &target.plan.exclude)).collect();
    state.hasher().fingerprint("scope", parts.iter().map(String::as_str))
}

/// The fingerprint of a target's section of the file, to see whether it changed since the last run.
pub(super) fn section_fingerprint(state: &State, target: &TargetSettings) -> Fingerprint {
    state.hasher().fingerprint("section", [target.section.as_str()])
}

impl Remembered for Memory {
    fn since_complete(
        &self,
        settings: &Settings,
        target: &TargetSettings,
    ) -> anyhow::Result<Result<SinceComplete<'_>, String>> {
        Ok(self.look_since_complete(settings, target)?)
    }

    fn source(&self) -> anyhow::Result<SourceMemory> {
        Ok(self.state.source()?)
    }

    fn target(&self, target: &TargetSettings) -> anyhow::Result<TargetMemory<'_>> {
        let memory = self.state.memory(&target.plan.name, self.now())?;
        let identity = target.target.identity();
        // Links to the accounts of another service would be wrong for everyone.
        let same_account =
            memory.record.as_ref().and_then(|record| record.identity.as_deref()).is_none_or(|known| known == identity);
        let scopes = [scope_fingerprint(&self.state, target), scope_fingerprint_without_tables(&self.state, target)];
        let filters_changed = same_account && memory.scope().is_some_and(|known| !scopes.contains(known));
        let ran_before = same_account && !memory.is_first_run();
        let all_made = same_account && memory.record.as_ref().is_some_and(|record| record.all_made_at.is_some());
        let lately = self.state.written_lately(&identity, self.now())?;
        let removed_lately = lately.get(&Op::Deactivate).copied().unwrap_or_default();
        let known = if same_account { known_since(self, target, &memory)? } else { KnownSince::default() };
        let section = section_fingerprint(&self.state, target);
        let section_changed =
            memory.record.as_ref().and_then(|record| record.section.as_ref()).is_some_and(|known| *known != section);
        let StoredTarget { links, repeats, open, unstored, removals, removed, .. } = memory;
        // A section that changed may be what was missing, and a service may have been put right meanwhile.
        let tried_lately = self.now() - chrono::TimeDelta::days(DAYS_GIVEN_UP);
        let given_up: HashSet<(EmployeeId, Box<str>, Fingerprint)> = repeats
            .into_iter()
            .filter(|repeat| !section_changed && repeat.writes >= WRITES_BEFORE_GIVING_UP)
            .filter(|repeat| repeat.last_at > tried_lately)
            .map(|repeat| (repeat.employee, repeat.field, repeat.value))
            .collect();
        let gave_up: GaveUp<'_> = Box::new(move |employee, field: &str, value: &FieldValue| {
            !given_up.is_empty() && given_up.contains(&(employee, field.into(), self.value(value)))
        });
        Ok(TargetMemory {
            links: if same_account {
                links.into_iter().map(|link| (link.employee, link.account)).collect()
            } else {
                BTreeMap::new()
            },
            ran_before,
            all_made,
            filters_changed,
            removed_lately,
            overwritten: self.state.overwritten_lately(&identity, self.now())?,
            removals: if same_account { removals } else { BTreeMap::new() },
            removed: if same_account { removed } else { BTreeSet::new() },
            gave_up: Some(gave_up),
            open: if same_account { open } else { Vec::new() },
            unstored: unstored.into_iter().collect(),
            workflows: target
                .plan
                .workflows
                .iter()
                .map(|workflow| {
                    Ok((workflow.name.clone(), workflow_memory(&self.state, &target.plan.name, &workflow.name)?))
                })
                .collect::<Result<_, StateError>>()?,
            confirmed: match target.target.offers().by_hand {
                Some(_) if same_account => confirmed(&self.state, &target.plan.name)?,
                _ => None,
            },
            delivered: if same_account && target.plan.policy.delivered {
                ConfirmedRows::of(&self.state, &target.plan.name)?.employees()
            } else {
                BTreeSet::new()
            },
            decisions: self.decisions(target)?,
            known,
            fingerprint: Some(Box::new(|values| {
                let hash = self.state.hasher().fingerprint("workflow", values.iter().map(String::as_str));
                hash.as_str().into()
            })),
        })
    }
}

/// When people of a target were last known to be as they should.
fn known_since(memory: &Memory, target: &TargetSettings, remembered: &StoredTarget) -> Result<KnownSince, StateError> {
    if target.plan.workflows.is_empty() {
        return Ok(KnownSince::default());
    }
    let day = |moment: DateTime<Utc>| moment.with_timezone(&memory.zone).date_naive();
    let made = remembered.links.iter().filter(|link| link.origin == Origin::Created);
    Ok(KnownSince {
        first_run: remembered.record.as_ref().and_then(|record| record.first_completed_at).map(day),
        in_line: memory
            .state
            .in_line(&target.plan.name)?
            .into_iter()
            .map(|(employee, at)| (employee, day(at)))
            .collect(),
        made: made.map(|link| (link.employee, day(link.created_at))).collect(),
    })
}

/// What a run saw, for what it may conclude.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeRun {
    /// Whether everybody was looked at, not only some employees or some reviewed changes.
    pub(super) whole: bool,
    /// Whether the source is proven to have delivered everybody.
    pub(super) source_complete: bool,
    /// Whether the operator accepted changed filters, for everybody.
    pub(super) filters_accepted: bool,
}

/// What the ledger says of one workflow.
pub fn workflow_memory(state: &State, target: &str, workflow: &str) -> Result<WorkflowMemory, StateError> {
    let step = |entry: LedgerEntry| {
        let Once::Step { event, step, .. } = entry.what.once else { return None };
        Some(StepDone {
            employee: entry.what.employee,
            event,
            step,
            done: entry.closed_at.is_some(),
            id: entry.external_id,
        })
    };
    let steps = state.ledger(target, OnceKind::Steps(workflow))?.into_iter().filter_map(step).collect();
    let mut seen: BTreeMap<EmployeeId, SeenBefore> = BTreeMap::new();
    for entry in state.ledger(target, OnceKind::Seen(workflow))? {
        let since = entry.opened_at.to_rfc3339_opts(SecondsFormat::Millis, true).into();
        let Once::Seen { fingerprint, .. } = entry.what.once else { continue };
        let found = SeenBefore { fingerprint, since };
        // Two are there when a run was killed between remembering the new one and forgetting the old one.
        let known = seen.entry(entry.what.employee).or_insert_with(|| found.clone());
        if found.since > known.since {
            *known = found;
        }
    }
    Ok(WorkflowMemory { steps, seen })
}

pub(super) fn link(employee: EmployeeId, account: AccountId, origin: Origin, now: DateTime<Utc>) -> Link {
    Link { employee, account, origin, created_at: now, verified_at: now }
}

impl Memory {
    /// Whose account is whose, as it is stored.
    pub fn links(&self, target: &str) -> Result<Vec<Link>, StateError> {
        Ok(self.state.memory(target, self.now())?.links)
    }

    /// Before the first write: what is remembered is bound to the account, what earlier runs left open is settled, and
    /// accounts found by a match field are linked.
    ///
    /// # Errors
    ///
    /// When the state cannot be written; nothing may be sent then.
    pub(super) fn settle(
        &self,
        settings: &TargetSettings,
        settled: &[Finished],
        target: &OpenTarget,
    ) -> Result<(), StateError> {
        let name = &settings.plan.name;
        self.state.bind(name, &settings.target.identity())?;
        if !settled.is_empty() {
            self.state.settle(name, settled, self.now())?;
        }
        let links: Vec<Link> = target
            .overview
            .matched_by
            .keys()
            .filter(|employee| target.overview.in_scope.binary_search(employee).is_ok())
            // Where people take care of accounts, these have the numbers of the employees themselves.
            .filter(|_| settings.target.offers().by_hand.is_none())
            .filter_map(|employee| {
                Some(link(*employee, target.overview.owned.get(employee)?.clone(), Origin::Matched, self.now()))
            })
            .collect();
        if !links.is_empty() {
            self.state.store_links(name, &links)?;
        }
        Ok(())
    }

    /// When a step of a workflow was last done.
    pub fn last_done(&self, target: &str, workflow: &str) -> Result<Option<DateTime<Utc>>, StateError> {
        let entries = self.state.ledger(target, OnceKind::Steps(workflow))?;
        Ok(entries.into_iter().filter_map(|entry| entry.closed_at).max())
    }

    /// Records what came of a step whose answer was lost, as somebody found it.
    pub fn settle_step(
        &self,
        target: &str,
        workflow: &str,
        step: &StepDone,
        made: Option<&str>,
    ) -> Result<(), StateError> {
        let what = OnceOnly {
            target: target.into(),
            employee: step.employee,
            once: Once::Step { workflow: workflow.into(), event: step.event.clone(), step: step.step },
        };
        match made {
            Some(id) => self.state.close_once(&what, Some(id), self.now()),
            None => self.state.release_once(&what),
        }
    }

    /// Remembers the attributes that workflows watch, where everything that follows from them was done.
    ///
    /// # Errors
    ///
    /// When the state cannot be written. The next run sees the same change again then, and does no step twice.
    pub(super) fn remember_seen(&self, plan: &TargetPlan, seen: &[Seen]) -> Result<(), StateError> {
        let undone = |one: &Seen| {
            let steps = plan.changes.iter().filter(|change| {
                change.request.as_ref().is_some_and(|request| {
                    request.workflow == one.workflow
                        && request.employee == one.employee
                        && Some(&request.event) == one.after.as_ref()
                })
            });
            let mut steps = steps.peekable();
            // With nothing planned, a step could not be: it is tried again.
            one.after.is_some()
                && (steps.peek().is_none() || steps.any(|change| change.outcome != Some(Outcome::Succeeded)))
        };
        let entry = |one: &Seen, fingerprint: &str| OnceOnly {
            target: plan.name.clone(),
            employee: one.employee,
            once: Once::Seen { workflow: one.workflow.clone(), fingerprint: fingerprint.into() },
        };
        let seen: Vec<&Seen> = seen.iter().filter(|one| !undone(one)).collect();
        let entries: Vec<OnceOnly> = seen.iter().map(|one| entry(one, &one.fingerprint)).collect();
        if !entries.is_empty() {
            self.state.open_once(&entries, self.now())?;
        }
        for one in seen {
            if let Some(old) = &one.replaces {
                self.state.release_once(&entry(one, old))?;
            }
        }
        Ok(())
    }

    /// Keeps what a good read of the source held, for the next one to be held against.
    pub(super) fn remember_source(&self, seen: &SourceSeen) -> Result<(), StateError> {
        self.state.remember_source(&seen.read, &seen.gone, self.now())
    }

    /// What a target's turn brought, for the end of the run.
    pub(super) fn target_end(
        &self,
        settings: &TargetSettings,
        plan: &TargetPlan,
        target: Option<&OpenTarget>,
        applied: Option<&Applied>,
        run: WholeRun,
    ) -> TargetEnd {
        let not_stored = applied.map(|applied| applied.not_stored.as_slice()).unwrap_or_default();
        // Filters are accepted by an operator, or by a whole run that saw everybody and held nobody back for them.
        let in_doubt =
            |hold: &Hold| matches!(hold.code, Code::FiltersChanged | Code::SourceUnproven | Code::TargetUnproven);
        let doubted = plan.changes.iter().any(|change| change.hold.as_ref().is_some_and(in_doubt));
        let filters_hold = plan.status == TargetStatus::Ready && run.source_complete && !doubted;
        let written = plan
            .changes
            .iter()
            .filter(|change| change.op == Op::Update && change.outcome == Some(Outcome::Succeeded))
            .filter_map(|change| Some((change.employee?, &change.fields)))
            .flat_map(|(employee, fields)| fields.iter().map(move |field| (employee, field)))
            .chain(not_stored.iter().map(|lost| (lost.employee, &lost.change)))
            .map(|(employee, field)| (employee, field, 1));
        // A service that says no says it more plainly than one that does not store: twice is enough. Where it says so of
        // most people, a right is missing as a whole, and nobody gets used to that.
        let refused = applied.map(|applied| applied.refused.as_slice()).unwrap_or_default();
        let people = target.map_or(0, |target| target.overview.owned.len());
        let of_few = |field: &str| 2 * refused.iter().filter(|(_, other)| *other.field == *field).count() <= people;
        let refused = refused
            .iter()
            .filter(|(_, field)| of_few(&field.field))
            .map(|(employee, field)| (*employee, field, WRITES_BEFORE_GIVING_UP.div_ceil(2)));
        let written = written
            .chain(refused)
            .map(|(employee, field, writes)| Written {
                employee,
                field: (&*field.field).into(),
                value: self.value(&field.after),
                writes,
            })
            .collect();
        let complete = plan.status == TargetStatus::Ready && applied.is_none_or(Applied::is_complete);
        TargetEnd {
            target: settings.plan.name.clone(),
            identity: settings.target.identity().into(),
            ok: complete && run.source_complete,
            unread: None,
            in_line: None,
            whole: run.whole,
            all_made: target.is_some_and(|target| target.complete) && nobody_left_to_make(plan),
            in_sync: plan.in_sync as u64,
            unchanged: target.map(|target| target.overview.unchanged.clone()).unwrap_or_default(),
            written,
            unstored: Vec::new(),
            section: section_fingerprint(&self.state, settings),
            scope: (filters_hold && (run.whole || run.filters_accepted))
                .then(|| scope_fingerprint(&self.state, settings)),
            tasks: applied
                .filter(|_| settings.plan.policy.costs_calls)
                .map(|applied| applied.tasks)
                .unwrap_or_default(),
            requests: None,
        }
    }

    /// Ends a run: its jobs, counters, links and what is known of its targets now.
    pub(super) fn finish(&self, end: RunEnd<'_>, keep: Duration) -> Result<(), StateError> {
        self.state.finish_run(&RunEnd { at: (self.caller.clock)().max(end.at), ..end })?;
        let keep = chrono::TimeDelta::from_std(keep).unwrap_or(chrono::TimeDelta::days(90));
        self.state.prune(self.now() - keep)?;
        Ok(())
    }
}

/// Whether everybody who was to be made was made.
fn nobody_left_to_make(plan: &TargetPlan) -> bool {
    let mut creates = plan.changes.iter().filter(|change| change.op == Op::Create);
    creates.all(|change| change.outcome == Some(Outcome::Succeeded))
}

/// How the days of a period begin: `2026-11-22`, `2026-11`, `2026`.
pub fn period(period: Option<BudgetPeriod>, today: NaiveDate) -> String {
    match period.unwrap_or(BudgetPeriod::Month) {
        BudgetPeriod::Day => today.to_string(),
        BudgetPeriod::Month => today.format("%Y-%m").to_string(),
        BudgetPeriod::Year => today.format("%Y").to_string(),
    }
}

/// The kind of confirmation that is kept in the state.
pub(super) const CONFIRMED: &str = "by_hand";

/// What people said is done in a target, as the state has it.
fn confirmed(state: &State, target: &str) -> anyhow::Result<Option<Confirmed>> {
    let Some(stored) = state.confirmed(CONFIRMED, target)? else { return Ok(None) };
    let hint = || format!("what was confirmed of {target} is not what this version writes; was it a newer one?");
    Ok(Some(Confirmed::read(&stored.content).with_context(hint)?))
}
