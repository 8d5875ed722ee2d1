//! Builds the plan for one target: scope, correlation, comparison, in this order.

mod absent;
mod fields;
mod findings;
mod handovers;
mod removals;

pub use absent::{Absent, absent};
pub use fields::form;
pub use handovers::{Identifying, identifying};
pub use removals::waits_until;

use super::{EmployeeRules, PlanSettings};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate};

use crate::code::Code;
use crate::employee::{EmployeeId, Employees, Lifecycle, Standing};
use crate::plan::{EmployeeCase, HandoverMode, LeaverAction, Refusal};
use crate::rules::{Desired, Facts, Mapping, Remark, Scope, Tables, When, scope, scope_as_written};

use super::correlate::{Candidate, Correlation, Found, MatchKey, correlate, key};
use super::diff::same;
use super::membership;
use super::{Absences, Account, Change, FieldChange, Notice, Op, Protection, Skip, Snapshot, TargetPlan};
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
    /// Only this employee, if given; everybody is still read, so that shared keys are seen.
    pub only: Option<EmployeeId>,
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
    account_of: HashMap<EmployeeId, usize>,
    /// Accounts that go to the new profile of their owner, or wait to.
    going_on: BTreeSet<usize>,
    /// The new profile that an account goes to in this run.
    goes_to: BTreeMap<usize, EmployeeId>,
    matched_by: BTreeMap<EmployeeId, FieldIndex>,
    in_scope: Vec<EmployeeId>,
    unchanged: Vec<EmployeeId>,
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
            account_of: HashMap::new(),
            going_on: BTreeSet::new(),
            goes_to: BTreeMap::new(),
            matched_by: BTreeMap::new(),
            in_scope: Vec::new(),
            unchanged: Vec::new(),
        }
    }

    fn facts(&self, place: usize) -> Facts<'a> {
        let employees = self.input.employees;
        Facts::new(
            &employees.list[place],
            &employees.attributes,
            &self.input.standings[place],
            self.input.today,
            self.input.tables,
        )
    }

    fn spec(&self, index: FieldIndex) -> &'a FieldSpec {
        self.input.schema.field(index)
    }

    fn scopes(&self) -> Vec<Scope> {
        let settings = self.input.settings;
        (0..self.input.employees.list.len())
            .map(|place| {
                let employee = self.input.employees.list[place].id;
                if self.input.employees.contested.contains(&employee) {
                    let why =
                        "Personio delivers two different records with this id, and nobody can tell which is right";
                    return Scope::Unclear(Code::TwoRecords, why.into());
                }
                if let Some(why) = self.input.standings[place].why_unclear() {
                    return Scope::Unclear(Code::LifecycleHidden, why);
                }
                let facts = self.facts(place);
                if !settings.takes_leavers() {
                    return scope(&settings.include, &settings.exclude, &facts);
                }
                match scope_as_written(&settings.include, &settings.exclude, &facts) {
                    Scope::Left => Scope::In,
                    scope => scope,
                }
            })
            .collect()
    }

    fn correlate(&mut self, scopes: &[Scope]) -> Correlation {
        let settings = self.input.settings;
        let match_fields: Vec<(FieldIndex, &FieldSpec)> =
            settings.match_fields.iter().map(|index| (*index, self.spec(*index))).collect();
        let candidates: Vec<Candidate> = (0..scopes.len())
            .map(|place| {
                let facts = self.facts(place);
                let keys = match_fields.iter().map(|(index, spec)| self.match_key(*index, spec, &facts)).collect();
                let employee = facts.employee().id;
                let taking_part = self.input.only.is_none_or(|only| only == employee);
                let standing = &self.input.standings[place];
                let left = standing.lifecycle == Lifecycle::Left;
                // An old profile keeps its account where none is handed over; else its keys wait for the new one.
                let waits = left && settings.handover != HandoverMode::Never;
                let last_day = standing.last_day.filter(|_| !standing.last_day_hidden);
                Candidate {
                    employee,
                    keys,
                    moves: taking_part && scopes[place] == Scope::In && !waits,
                    claims: !left && matches!(scopes[place], Scope::In | Scope::Unclear(..)),
                    meant: scopes[place] == Scope::In,
                    left: left.then_some(last_day),
                    leaves: last_day.filter(|_| !left),
                }
            })
            .collect();
        let correlation = correlate(&candidates, &self.snapshot.accounts, &match_fields, &self.input.memory.links);
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
            Desired::Value(value) => key(&value, spec).map_or(MatchKey::Empty, MatchKey::Is),
            Desired::Keep(Some(why)) | Desired::Invalid(why) => MatchKey::Hidden(why),
            Desired::Keep(None) | Desired::Fail(..) => MatchKey::Empty,
        }
    }

    fn mapping(&self, index: FieldIndex) -> Option<&'a Mapping> {
        self.input.settings.mapping.iter().find(|mapping| mapping.index == index)
    }

    fn decide(&mut self, scopes: &[Scope], correlation: &Correlation) {
        // Who gets an account is settled first, so that a manager made in this run can be referred to.
        for (place, scope) in scopes.iter().enumerate() {
            if *scope == Scope::In && correlation.found[place] == Found::Nothing {
                self.creating.insert(self.input.employees.list[place].id);
            }
        }
        let handovers = self.handovers(scopes, correlation);
        for (place, scope) in scopes.iter().enumerate() {
            let employee = self.input.employees.list[place].id;
            if self.input.only.is_some_and(|only| only != employee) {
                continue;
            }
            match (scope, &correlation.found[place]) {
                (Scope::Unclear(code, why), _) => self.skip(employee, *code, why.clone()),
                (Scope::In, Found::Unclear(code, why)) => {
                    self.in_scope.push(employee);
                    self.skip(employee, *code, why.clone());
                }
                (Scope::In, Found::Nothing) => {
                    self.in_scope.push(employee);
                    self.create(place, self.input.memory.links.get(&employee));
                }
                (Scope::In, Found::Account(account, _)) => {
                    self.in_scope.push(employee);
                    match self.goes_to.get(account).copied() {
                        Some(new) => self.left_behind(place, *account, new, correlation),
                        None => self.update(place, *account, correlation),
                    }
                }
                (Scope::In, Found::Former(account, _)) => {
                    self.in_scope.push(employee);
                    match &handovers[&place] {
                        Ok(decided) => self.hand_over(place, &self.snapshot.accounts[*account], decided),
                        Err(why) => self.skip(employee, Code::AccountTaken, why.clone()),
                    }
                }
                (Scope::Left, Found::Account(account, _)) => self.leaver(place, *account, correlation),
                (Scope::Left, Found::Unclear(code, why)) => self.skip(employee, *code, why.clone()),
                (Scope::Out { left, clause }, Found::Account(account, _)) => {
                    // Without a stored link nothing shows that the account was ever ours to look after.
                    if self.input.memory.links.contains_key(&employee) {
                        let settings = self.input.settings;
                        match left {
                            true if !settings.takes_leavers() => self.leaver(place, *account, correlation),
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

    /// Plans an account for somebody who has none, or whose linked one is gone.
    fn create(&mut self, place: usize, linked: Option<&AccountId>) {
        let employee = self.input.employees.list[place].id;
        if !self.input.schema.capabilities.create {
            self.skip(employee, Code::CannotCreate, "this target cannot make accounts; make it by hand".into());
            return;
        }
        let facts = self.facts(place);
        let carried: Vec<&FieldSpec> = self
            .input
            .settings
            .match_fields
            .iter()
            .filter(|index| self.mapping(**index).is_some())
            .map(|index| self.spec(*index))
            .collect();
        let fields = match self.desired_fields(&facts, None) {
            Ok(fields) => fields,
            Err((code, why)) => return self.skip(employee, code, why),
        };
        let has_key = carried.iter().any(|spec| fields.iter().any(|field| field.field == spec.name));
        if !carried.is_empty() && !has_key {
            let names: Vec<&str> = carried.iter().map(|spec| &*spec.name).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            self.skip(employee, Code::MatchKeyMissing, format!("{} {verb} empty", names.join(" and ")));
            return;
        }
        if let Some(missing) = self.missing_required(&fields) {
            self.skip(employee, Code::RequiredFieldEmpty, format!("{missing} is empty, and the target requires it"));
            return;
        }
        if let Some(why) = self.none_of(&fields, None) {
            self.skip(employee, Code::RequiredFieldEmpty, why);
            return;
        }
        if let Some(since) = self.awaited(employee, &fields) {
            let why =
                format!("the target took the new account on {since} and has not made it yet; it is not asked again");
            return self.skip(employee, Code::Pending, why);
        }
        if let Some(account) = linked {
            if self.snapshot.incomplete.is_some() && !self.snapshot.gone.contains(account) {
                let why = "the linked account was not delivered, and the read is not proven whole";
                return self.skip(employee, Code::AccountNotDelivered, why.into());
            }
            self.plan.notices.push(Notice {
                code: Code::LinkedAccountGone,
                employee: Some(employee),
                field: None,
                message: "the linked account is gone from the target; a new one is made".into(),
            });
        }
        self.plan.changes.push(Change {
            reason: linked.map(|_| Code::AccountGone),
            fields,
            ..Change::new(Op::Create, Some(employee))
        });
    }

    /// Since when the service has been making an account, unless it says that it did not, or it has had its time.
    fn awaited(&mut self, employee: EmployeeId, fields: &[FieldChange]) -> Option<NaiveDate> {
        let since = *self.input.memory.pending.get(&employee)?;
        let given = self.input.schema.asynchronous.and_then(|index| {
            let field = fields.iter().find(|field| field.index == index)?;
            Some(field.after.to_string())
        });
        let key = given.unwrap_or_else(|| employee.to_string());
        if let Some(refusal) = self.input.memory.refusals.iter().find(|refusal| *refusal.key == *key) {
            let message = format!("the target took the new account on {since} and did not make it: {}", refusal.why);
            self.plan.notices.push(Notice {
                code: Code::AccountRefused,
                employee: Some(employee),
                field: None,
                message,
            });
            return None;
        }
        let has_time = self.input.today <= since.checked_add_days(Days::new(DAYS_PENDING)).unwrap_or(since);
        has_time.then_some(since)
    }

    fn missing_required(&self, fields: &[FieldChange]) -> Option<&'a str> {
        let (schema, written) = (self.input.schema, self.input.settings.written_fields);
        schema
            .iter()
            .take(written)
            .filter(|(_, spec)| spec.required)
            .find(|(index, _)| !fields.iter().any(|field| field.index == *index))
            .map(|(_, spec)| &*spec.name)
    }

    /// Why an account would be left without any of the fields of which it needs one.
    fn none_of(&self, fields: &[FieldChange], account: Option<&Account>) -> Option<String> {
        let one_of = &self.input.schema.one_of;
        let change = |index: FieldIndex| fields.iter().find(|field| field.index == index);
        let has_value = |index: &FieldIndex| match (change(*index), account) {
            (Some(field), _) => !field.after.is_empty(),
            (None, Some(account)) => !account.field(*index).is_empty(),
            (None, None) => false,
        };
        // What an account lacks already is not this change's doing.
        let concerned = account.is_none() || one_of.iter().any(|index| change(*index).is_some());
        if one_of.is_empty() || !concerned || one_of.iter().any(has_value) {
            return None;
        }
        let names: Vec<&str> = one_of.iter().map(|index| &*self.spec(*index).name).collect();
        Some(match names[..] {
            [name] => format!("{name} is empty, and the target requires it"),
            _ => format!("{} are empty, and the target requires one of them", names.join(" and ")),
        })
    }

    fn update(&mut self, place: usize, at: usize, correlation: &Correlation) {
        let employee = self.input.employees.list[place].id;
        let account = &self.snapshot.accounts[at];
        let Some((op, fields, rewrite)) = self.brought_in_line(place, account) else { return };
        if let Some(why) = self.keys_are_claimed(place, at, &fields, correlation) {
            return self.skip(employee, Code::AccountClaimed, why);
        }
        if op == Op::Update && fields.is_empty() {
            self.plan.in_sync += 1;
            self.unchanged.push(employee);
            return;
        }
        self.plan.changes.push(Change {
            op,
            employee: Some(employee),
            account: Some(account.id.clone()),
            reason: None,
            detail: None,
            fields,
            rewrite,
            request: None,
            handover: None,
            hold: None,
            outcome: None,
        });
    }

    /// What makes an account hold what it should: an update, which may have no field, or a reactivation. `None` when
    /// it must not be or cannot be done, which the plan says.
    fn brought_in_line(
        &mut self,
        place: usize,
        account: &'a Account,
    ) -> Option<(Op, Vec<FieldChange>, Vec<FieldChange>)> {
        let employee = self.input.employees.list[place].id;
        if let Some(protection) = self.protection(account) {
            self.skip(employee, protection.code(), format!("account {} is never changed", account.id));
            return None;
        }
        let facts = self.facts(place);
        let fields = match self.desired_fields(&facts, Some(account)) {
            Ok(fields) => fields,
            Err((code, why)) => {
                self.skip(employee, code, why);
                return None;
            }
        };
        let cleared = fields.iter().find(|field| field.after.is_empty() && self.spec(field.index).required);
        if let Some(field) = cleared {
            let why = format!("{} is empty, and the target requires it", field.field);
            self.skip(employee, Code::RequiredFieldEmpty, why);
            return None;
        }
        if let Some(why) = self.none_of(&fields, Some(account)) {
            self.skip(employee, Code::RequiredFieldEmpty, why);
            return None;
        }
        let op = match (account.active, self.input.schema.capabilities.reactivate) {
            (true, _) => Op::Update,
            (false, _) if account.writable.is_some() => {
                let why = format!("account {} is out of use; agents are brought back by hand", account.id);
                self.skip(employee, Protection::Agent.code(), why);
                return None;
            }
            (false, true) => Op::Reactivate,
            (false, false) => {
                let why = "the account is out of use, and this target cannot bring it back; do it by hand";
                self.skip(employee, Code::CannotReactivate, why.into());
                return None;
            }
        };
        let rewrite = if op == Op::Reactivate && self.input.schema.capabilities.reactivate_loses_fields {
            self.unchanged_fields(&facts, account)
        } else {
            Vec::new()
        };
        Some((op, fields, rewrite))
    }

    fn protection(&self, account: &Account) -> Option<Protection> {
        account.protected_by(&self.input.settings.safety.protect, self.input.schema)
    }

    fn finish(mut self, correlation: &Correlation) -> Built {
        let used: BTreeSet<(FieldIndex, Box<str>)> = self
            .plan
            .changes
            .iter()
            .flat_map(|change| &change.fields)
            .flat_map(|field| names_of(&field.after).map(|name| (field.index, name)))
            .collect();
        for (index, name) in self.new_references.iter().filter(|reference| used.contains(reference)) {
            self.plan.changes.push(reference_change(*index, self.input.schema.field(*index), name));
        }
        self.groups();
        self.unusable_fields();
        self.plan.changes.sort_by(|one, other| {
            (one.op, one.employee, &one.account).cmp(&(other.op, other.employee, &other.account)).then_with(|| {
                let name = |change: &Change| change.fields.first().map(|field| field.after.to_string());
                name(one).cmp(&name(other))
            })
        });
        self.plan.skipped.sort_by_key(|skip| (skip.employee, skip.reason));
        self.plan.notices.extend(self.snapshot.notices.iter().cloned());
        if let Some(means) = self.input.settings.policy.create_note
            && self.plan.changes.iter().any(|change| change.op == Op::Create)
        {
            self.plan.notices.push(Notice {
                code: Code::CreatingMeans,
                employee: None,
                field: None,
                message: means.into(),
            });
        }
        self.report_missing_filters();
        for (place, standing) in self.input.standings.iter().enumerate() {
            let employee = self.input.employees.list[place].id;
            if let Some(disagreement) = standing.disagreement
                && self.input.only.is_none_or(|only| only == employee)
                && self.account_of.contains_key(&employee)
            {
                self.plan.notices.push(Notice {
                    code: disagreement.code(),
                    employee: Some(employee),
                    field: None,
                    message: disagreement.explanation(),
                });
            }
        }
        let left_alone: BTreeSet<EmployeeId> = self
            .unresolved
            .values()
            .flatten()
            .copied()
            .chain(self.plan.notices.iter().filter_map(|notice| notice.employee))
            .collect();
        self.unchanged.retain(|employee| !left_alone.contains(employee));
        for ((code, field, message), employees) in std::mem::take(&mut self.unresolved) {
            let each = employees.into_iter().map(|employee| Notice {
                code,
                employee: Some(employee),
                field: Some(field.clone()),
                message: message.clone(),
            });
            self.plan.notices.extend(each);
        }
        self.plan.notices.sort_by(|one, other| {
            (one.code, one.employee, &one.message).cmp(&(other.code, other.employee, &other.message))
        });
        self.plan.notices.dedup();
        let accounts = &self.snapshot.accounts;
        let owners = self.owners_after(correlation);
        let claimed = self.claimed(correlation);
        if self.input.only.is_none() {
            let linked: BTreeSet<&AccountId> = self.input.memory.links.values().collect();
            self.plan.orphans = accounts
                .iter()
                .zip(&owners)
                .filter(|(account, owner)| {
                    owner.is_none()
                        && account.protection.is_none()
                        && account.writable.is_none()
                        && !linked.contains(&account.id)
                })
                .map(|(account, _)| account.id.clone())
                .collect();
        }
        let owned: BTreeMap<EmployeeId, AccountId> = accounts
            .iter()
            .zip(&owners)
            .filter_map(|(account, owner)| Some((self.input.employees.list[(*owner)?].id, account.id.clone())))
            .collect();
        let protected = accounts
            .iter()
            .zip(&owners)
            .filter(|(account, _)| self.protection(account).is_some() || account.writable.is_some())
            .filter_map(|(_, owner)| Some(self.input.employees.list[(*owner)?].id))
            .collect();
        let linked = accounts.iter().zip(&owners).filter(|(account, owner)| account.active && owner.is_some()).count();
        let filled = self.filled(&owners);
        // What people do by hand they can also leave; `by_hand` tells them to look at the rule first.
        if !self.input.settings.policy.manual {
            let share = self.input.settings.safety.max_group_share;
            membership::hold_emptied(&mut self.plan, &self.input.settings.mapping, accounts, &owners, share);
        }
        let overview = Overview {
            owned,
            matched_by: self.matched_by,
            linked,
            filled,
            in_scope: self.in_scope,
            protected,
            claimed,
            unchanged: self.unchanged,
        };
        Built { plan: self.plan, overview }
    }

    /// In how many accounts in use a field holds a value, for the fields that are to be emptied.
    fn filled(&self, owners: &[Option<usize>]) -> BTreeMap<FieldIndex, u64> {
        let emptied: BTreeSet<FieldIndex> = (self.plan.changes.iter())
            .flat_map(|change| &change.fields)
            .filter(|field| field.after.is_empty())
            .map(|field| field.index)
            .collect();
        let in_use = |(account, owner): &(&Account, &Option<usize>)| account.active && owner.is_some();
        let holding = |index| {
            let accounts = self.snapshot.accounts.iter().zip(owners).filter(in_use);
            accounts.filter(|(account, _)| !account.field(index).is_empty()).count() as u64
        };
        emptied.into_iter().map(|index| (index, holding(index))).collect()
    }
}

fn reference_change(index: FieldIndex, spec: &FieldSpec, name: &str) -> Change {
    let field =
        FieldChange { index, field: spec.name.clone(), before: FieldValue::Empty, after: FieldValue::text(name) };
    Change { fields: vec![field], ..Change::new(Op::Reference, None) }
}

fn names_of(value: &FieldValue) -> impl Iterator<Item = Box<str>> {
    let names: Vec<Box<str>> = match value {
        FieldValue::Text(name) => vec![name.clone()],
        FieldValue::List(names) => names.to_vec(),
        _ => Vec::new(),
    };
    names.into_iter()
}
