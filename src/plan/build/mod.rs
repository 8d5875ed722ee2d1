//! Builds the plan for one target: scope, correlation, comparison, in this order.

mod absent;
mod accounts;
mod fields;
mod findings;
mod finish;
mod handovers;
mod removals;
#[cfg(test)]
mod tests;

use finish::reference_change;

pub use absent::{Absent, absent};
pub use fields::form;
pub(crate) use fields::wanted;
pub use handovers::{Identifying, identifying};
pub use removals::waits_until;

use super::{EmployeeRules, PlanSettings};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use foldhash::fast::RandomState;

use crate::code::Code;
use crate::employee::{EmployeeId, Employees, Lifecycle, Standing};
use crate::plan::{HandoverMode, LeaverAction, Refusal};
use crate::rules::{Desired, Facts, Mapping, Remark, Scope, Tables, When, scope, scope_as_written};

use super::correlate::{Candidate, Correlation, Found, Keys, MatchKey, correlate, key};
use super::diff::same;
use super::membership;
use super::{Absences, Account, Change, FieldChange, Notice, Op, Protection, References, Skip, Snapshot, TargetPlan};
use crate::field::{AccountId, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};

/// Whether a field of an employee has been written with this value several times without staying.
pub type GaveUp<'a> = dyn Fn(EmployeeId, &str, &FieldValue) -> bool + Send + Sync + 'a;

/// What the tool remembers of a target; empty before the first run.
#[derive(Default)]
pub struct PlanMemory<'a> {
    pub links: BTreeMap<EmployeeId, AccountId>,
    /// Whether a field of an employee has been written with this value several times without staying.
    pub gave_up: Option<&'a GaveUp<'a>>,
    /// Fields that the service was found not to store; written on create only.
    pub unstored: BTreeSet<Box<str>>,
    /// Accounts that the service took on to make in its own time, with the day on which it did.
    pub pending: BTreeMap<EmployeeId, NaiveDate>,
    /// What the service says of those that it did not make.
    pub refusals: Vec<Refusal>,
    /// Who has been missing from the source, and who of them is proven to be gone.
    pub absences: Absences,
    /// Whose records people have imported, as they confirmed.
    pub delivered: BTreeSet<EmployeeId>,
}

/// How long an account that the service took on to make is awaited. Whatever has gone wrong by then, it is asked again.
pub const DAYS_PENDING: u64 = 2;

/// Everything a plan for one target rests on.
pub struct PlanInput<'a> {
    /// The target's section of the file.
    pub settings: &'a PlanSettings,
    /// What its type demands of an employee as a whole.
    pub rules: Option<&'a dyn EmployeeRules>,
    /// Its fields, as the service has them.
    pub schema: &'a Schema,
    pub employees: &'a Employees,
    /// Where each employee stands today, in the order of the employees.
    pub standings: &'a [Standing],
    /// The day of the run.
    pub today: NaiveDate,
    pub tables: &'a Arc<Tables>,
    /// The attributes by which two profiles are known to be one person's, as far as the file reads them.
    pub identifying: &'a [Identifying],
    pub memory: &'a PlanMemory<'a>,
    /// The names that reference fields may take.
    pub references: &'a dyn References,
    /// Only this employee, if given; everybody is still read, so that shared keys are seen.
    pub only: Option<EmployeeId>,
    /// The employees are those who changed, each with an account that a link leads to. Nothing is known of the others but
    /// their links.
    pub changed_only: bool,
}

impl PlanInput<'_> {
    /// Whether everybody is planned.
    fn is_whole(&self) -> bool {
        self.only.is_none() && !self.changed_only
    }
}

/// That somebody in scope, without an account of their own, has a key of another one's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub by: EmployeeId,
    pub field: Box<str>,
    /// Whether the owner has a key of it as well.
    pub shared: bool,
}

/// A plan with what the safety rails and the state need to know of it.
#[derive(Debug)]
pub struct Built {
    /// The plan, sorted.
    pub plan: TargetPlan,
    pub overview: Overview,
}

/// Whose accounts a plan is about, whatever it changes.
#[derive(Debug, Default)]
pub struct Overview {
    /// Employees with an account.
    pub owned: BTreeMap<EmployeeId, AccountId>,
    /// The match field that found the account, for those that no stored link did.
    pub matched_by: BTreeMap<EmployeeId, FieldIndex>,
    /// How many of those accounts are in use.
    pub linked: usize,
    /// In how many of these a field holds a value, for the fields that are to be emptied.
    pub filled: BTreeMap<FieldIndex, u64>,
    /// The employees in scope, sorted.
    pub in_scope: Vec<EmployeeId>,
    /// Employees whose account must not be changed.
    pub protected: BTreeSet<EmployeeId>,
    /// Employees whose account somebody else in scope has a key of: it must not be taken out of use.
    pub claimed: BTreeMap<EmployeeId, Claim>,
    /// Employees in scope who need nothing and of whom nothing was left alone.
    pub unchanged: Vec<EmployeeId>,
    /// Employees in scope who need nothing, also those with a field that was left alone.
    pub in_sync: Vec<EmployeeId>,
}

/// Builds the plan for one target.
///
/// The same input in another order gives the same plan.
pub fn build(input: &PlanInput<'_>, mut snapshot: Snapshot) -> Built {
    snapshot.accounts.sort_by(|one, other| one.id.cmp(&other.id));
    let mut builder = Builder::new(input, &snapshot);
    let scopes = builder.scopes();
    builder.report_idle_filters(&scopes);
    let correlation = builder.correlate(&scopes);
    builder.decide(&scopes, &correlation);
    builder.missing(&correlation);
    builder.review();
    builder.report_cycles();
    builder.drop_dangling_references();
    builder.finish(&correlation)
}

/// Whether an employee is in scope of a target, as far as it can be told.
pub fn scope_in(settings: &PlanSettings, employees: &Employees, facts: &Facts<'_>) -> Scope {
    if employees.contested.contains(&facts.employee().id) {
        let why = "Personio delivers two different records with this id, and nobody can tell which is right";
        return Scope::Unclear(Code::TwoRecords, why.into());
    }
    if let Some(why) = facts.standing().why_unclear() {
        return Scope::Unclear(Code::LifecycleHidden, why);
    }
    if !settings.takes_leavers() {
        return scope(&settings.include, &settings.exclude, facts);
    }
    match scope_as_written(&settings.include, &settings.exclude, facts) {
        Scope::Left => Scope::In,
        scope => scope,
    }
}

struct Builder<'a> {
    input: &'a PlanInput<'a>,
    snapshot: &'a Snapshot,
    plan: TargetPlan,
    /// Names that do not exist yet and may be made, in the target's fields.
    new_references: BTreeSet<(FieldIndex, Box<str>)>,
    /// Fields that are left as they are and why, with the employees they concern.
    unresolved: BTreeMap<(Code, Box<str>, String), Vec<EmployeeId>>,
    /// Whose account will exist after this run although it does not now.
    creating: BTreeSet<EmployeeId>,
    account_of: HashMap<EmployeeId, usize, RandomState>,
    /// Accounts that go to the new profile of their owner, or wait to.
    going_on: BTreeSet<usize>,
    /// The new profile that an account goes to in this run.
    goes_to: BTreeMap<usize, EmployeeId>,
    matched_by: BTreeMap<EmployeeId, FieldIndex>,
    in_scope: Vec<EmployeeId>,
    unchanged: Vec<EmployeeId>,
    in_sync: Vec<EmployeeId>,
}

impl<'a> Builder<'a> {
    fn new(input: &'a PlanInput<'a>, snapshot: &'a Snapshot) -> Self {
        let plan = TargetPlan::empty(input.settings.name.clone(), input.settings.kind);
        Self {
            input,
            snapshot,
            plan,
            new_references: BTreeSet::new(),
            unresolved: BTreeMap::new(),
            creating: BTreeSet::new(),
            account_of: HashMap::default(),
            going_on: BTreeSet::new(),
            goes_to: BTreeMap::new(),
            matched_by: BTreeMap::new(),
            in_scope: Vec::new(),
            unchanged: Vec::new(),
            in_sync: Vec::new(),
        }
    }

    fn facts(&self, position: usize) -> Facts<'a> {
        let employees = self.input.employees;
        Facts::new(
            &employees.list[position],
            &employees.attributes,
            &self.input.standings[position],
            self.input.today,
            self.input.tables,
        )
    }

    /// Where an account stands in the snapshot, which is sorted.
    fn position_of(&self, id: &AccountId) -> Option<usize> {
        self.snapshot.accounts.binary_search_by(|account| account.id.cmp(id)).ok()
    }

    fn spec(&self, index: FieldIndex) -> &'a FieldSpec {
        self.input.schema.field(index)
    }

    fn scopes(&self) -> Vec<Scope> {
        let PlanInput { settings, employees, .. } = self.input;
        (0..employees.list.len()).map(|position| scope_in(settings, employees, &self.facts(position))).collect()
    }

    fn correlate(&mut self, scopes: &[Scope]) -> Correlation {
        let settings = self.input.settings;
        let match_fields: Vec<(FieldIndex, &FieldSpec)> =
            settings.match_fields.iter().map(|index| (*index, self.spec(*index))).collect();
        let candidates: Vec<Candidate> = (0..scopes.len())
            .map(|position| {
                let employee = self.input.employees.list[position].id;
                let taking_part = self.input.only.is_none_or(|only| only == employee);
                let standing = &self.input.standings[position];
                let left = standing.lifecycle == Lifecycle::Left;
                // An old profile keeps its account where none is handed over; else its keys wait for the new one.
                let waits = left && settings.handover != HandoverMode::Never;
                let last_day = standing.last_day.filter(|_| !standing.last_day_hidden);
                Candidate {
                    employee,
                    moves: taking_part && scopes[position] == Scope::In && !waits,
                    claims: !left && matches!(scopes[position], Scope::In | Scope::Unclear(..)),
                    meant: scopes[position] == Scope::In,
                    left: left.then_some(last_day),
                    leaves: last_day.filter(|_| !left),
                }
            })
            .collect();
        let keys_of = |position: usize| {
            let facts = self.facts(position);
            match_fields.iter().map(|(index, spec)| self.match_key(*index, spec, &facts)).collect()
        };
        let keys = Keys::new(candidates.len(), &keys_of);
        let correlation =
            correlate(&candidates, &keys, &self.snapshot.accounts, &match_fields, &self.input.memory.links);
        for (found, candidate) in correlation.found.iter().zip(&candidates) {
            if let Found::Account(account, field) = found {
                self.account_of.insert(candidate.employee, *account);
                if let Some(field) = field {
                    self.matched_by.insert(candidate.employee, *field);
                }
            }
        }
        correlation
    }

    fn match_key(&self, index: FieldIndex, spec: &FieldSpec, facts: &Facts<'_>) -> MatchKey {
        let Some(mapping) = self.mapping(index) else {
            // Settings accept an unmapped match field only where the field holds an id of ours.
            return MatchKey::Is(facts.employee().id.to_string().into());
        };
        match mapping.desired(spec, facts) {
            Desired::Value(value) => key(&value, spec).map_or(MatchKey::Empty, |key| MatchKey::Is(key.into())),
            Desired::Keep(Some(why)) | Desired::Invalid(why) => MatchKey::Hidden(why),
            Desired::Keep(None) | Desired::Fail(..) => MatchKey::Empty,
        }
    }

    fn mapping(&self, index: FieldIndex) -> Option<&'a Mapping> {
        self.input.settings.mapping.iter().find(|mapping| mapping.index == index)
    }

    fn decide(&mut self, scopes: &[Scope], correlation: &Correlation) {
        // Who gets an account is settled first, so that a manager made in this run can be referred to.
        for (position, scope) in scopes.iter().enumerate() {
            if *scope == Scope::In && correlation.found[position] == Found::Nothing {
                self.creating.insert(self.input.employees.list[position].id);
            }
        }
        let handovers = self.handovers(scopes, correlation);
        for (position, scope) in scopes.iter().enumerate() {
            let employee = self.input.employees.list[position].id;
            if self.input.only.is_some_and(|only| only != employee) {
                continue;
            }
            match (scope, &correlation.found[position]) {
                (Scope::Unclear(code, why), _) => self.skip(employee, *code, why.clone()),
                (Scope::In, Found::Unclear(code, why)) => {
                    self.in_scope.push(employee);
                    self.skip(employee, *code, why.clone());
                }
                (Scope::In, Found::Nothing) => {
                    self.in_scope.push(employee);
                    self.create(position, self.input.memory.links.get(&employee));
                }
                (Scope::In, Found::Account(account, _)) => {
                    self.in_scope.push(employee);
                    match self.goes_to.get(account).copied() {
                        Some(new) => self.left_behind(position, *account, new, correlation),
                        None => self.update(position, *account, correlation),
                    }
                }
                (Scope::In, Found::Former(account, _)) => {
                    self.in_scope.push(employee);
                    match &handovers[&position] {
                        Ok(decided) => self.hand_over(position, &self.snapshot.accounts[*account], decided),
                        Err(why) => self.skip(employee, Code::AccountTaken, why.clone()),
                    }
                }
                (Scope::Left, Found::Account(account, _)) => self.leaver(position, *account, correlation),
                (Scope::Left, Found::Unclear(code, why)) => self.skip(employee, *code, why.clone()),
                (Scope::Out { left, clause }, Found::Account(account, _)) => {
                    // Without a stored link nothing shows that the account was ever ours to look after.
                    if self.input.memory.links.contains_key(&employee) {
                        let settings = self.input.settings;
                        match left {
                            true if !settings.takes_leavers() => self.leaver(position, *account, correlation),
                            // To leave means nothing there, and who is excluded is nobody's business any more.
                            true if settings.leavers.out_of_scope == LeaverAction::Keep => {}
                            _ => self.no_longer_meant(employee, *account, clause, correlation),
                        }
                    }
                }
                (Scope::Left | Scope::Out { .. }, _) => {}
            }
        }
    }

    fn skip(&mut self, employee: EmployeeId, reason: Code, detail: String) {
        self.plan.skipped.push(Skip { employee, reason, detail });
    }

    fn protection(&self, account: &Account) -> Option<Protection> {
        account.protected_by(&self.input.settings.safety.protect, self.input.schema)
    }
}
