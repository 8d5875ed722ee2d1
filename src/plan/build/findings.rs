//! What is seen only when everybody is planned.

use chrono::TimeDelta;

use crate::code::Code;
use crate::rules::Truth;
use crate::words::first_of;

use super::*;

/// A new key takes somebody else's rights, and those take a while to get.
const KEY_OWNER_NOTICE: TimeDelta = TimeDelta::days(30);

impl<'a> Builder<'a> {
    /// Rules of the target that look at everybody together.
    pub(super) fn review(&mut self) {
        let Some(rules) = self.input.rules else {
            return;
        };
        for skip in rules.review(self.input.schema, &self.plan.changes, &self.snapshot.accounts) {
            self.plan.changes.retain(|change| change.employee != Some(skip.employee));
            self.plan.skipped.push(skip);
        }
    }

    /// Filters that leave nobody of a whole company: most likely a name is misspelt.
    pub(super) fn report_idle_filters(&mut self, scopes: &[Scope]) {
        let filtered = |scope: &Scope| matches!(scope, Scope::Out { .. });
        if !self.input.is_whole() || scopes.is_empty() || !scopes.iter().all(filtered) {
            return;
        }
        let idle: Vec<String> = (self.input.settings.include.iter())
            .filter(|clause| (0..scopes.len()).all(|position| clause.holds(&self.facts(position)) == Truth::No))
            .map(|clause| format!("`{}`", clause.source()))
            .collect();
        let why = match idle.len() {
            0 => "the filters together leave nobody".to_owned(),
            1 => format!("include {} holds for nobody", idle[0]),
            _ => format!("include {} hold for nobody", idle.join(" and ")),
        };
        let message = format!("nobody is in scope: {why}; `check --online` lists the values that there are");
        self.plan.notices.push(Notice::new(Code::FiltersLeaveNobody, message));
    }

    /// A first run into a service that is hard to clean up afterwards, without any filter.
    pub(super) fn report_missing_filters(&mut self) {
        let settings = self.input.settings;
        if !self.input.is_whole() || !self.input.memory.links.is_empty() || settings.is_filtered() {
            return;
        }
        let coming = self.plan.changes.iter().filter(|change| change.op == Op::Create).count();
        if let Some(means) = settings.policy.unfiltered_note
            && coming > 0
        {
            let message = format!("{means}; that is {coming} as of today");
            self.plan.notices.push(Notice::new(Code::FiltersMissing, message));
        }
    }

    /// Says which managers manage each other in a circle; approvals that climb the line never reach an end there.
    pub(super) fn report_cycles(&mut self) {
        let Some(column) = self.input.employees.attributes.column("supervisor") else {
            return;
        };
        let refers =
            self.input.settings.mapping.iter().any(|mapping| self.spec(mapping.index).kind == FieldKind::Account);
        if !refers || !self.input.is_whole() {
            return;
        }
        let manager: HashMap<EmployeeId, EmployeeId> = self
            .in_scope
            .iter()
            .filter_map(|id| match self.input.employees.get(*id)?.value(column) {
                crate::employee::Value::Supervisor(supervisor) => Some((*id, supervisor.id)),
                _ => None,
            })
            .collect();
        let mut seen: BTreeSet<EmployeeId> = BTreeSet::new();
        for start in self.in_scope.clone() {
            let (mut line, mut at) = (Vec::new(), start);
            while seen.insert(at) {
                line.push(at);
                match manager.get(&at) {
                    Some(next) => at = *next,
                    None => break,
                }
            }
            if let Some(first) = line.iter().position(|id| *id == at).filter(|_| manager.contains_key(&at)) {
                let members: Vec<String> = line[first..].iter().map(ToString::to_string).collect();
                let message = format!("employees {} manage each other in a circle", members.join(", "));
                self.plan.notices.push(Notice::new(Code::ManagerCycle, message));
            }
        }
    }

    /// Says whose key this tool signs in with and who will not be there to look after it.
    pub(super) fn report_leaving_key_owners(&mut self, owners: &[Option<usize>]) {
        for (account, owner) in self.snapshot.accounts.iter().zip(owners) {
            let Some(position) = owner.filter(|_| account.active && account.protection == Some(Protection::KeyOwner))
            else {
                continue;
            };
            let employee = self.input.employees.list[position].id;
            let standing = &self.input.standings[position];
            let soon = |day: &NaiveDate| *day - self.input.today <= KEY_OWNER_NOTICE;
            let leaves = match (standing.lifecycle, standing.last_day) {
                (Lifecycle::Left, None) => "has left".to_owned(),
                (Lifecycle::Left, Some(day)) => format!("left on {day}"),
                (_, Some(day)) if soon(&day) => format!("leaves on {day}"),
                _ => continue,
            };
            if self.input.only.is_none_or(|only| only == employee) {
                let message = format!("owns the key that this tool signs in with, and {leaves}; replace the key");
                self.plan.notices.push(Notice::about(employee, Code::KeyOwnerLeaves, message));
            }
        }
    }

    /// Says who still reports to managers whose account is taken out of use, where that has consequences in the target.
    pub(super) fn report_leaving_managers(&mut self) {
        let supervisor = self.input.employees.attributes.column("supervisor");
        let (Some(means), Some(column)) = (self.input.settings.policy.unknown_manager_note, supervisor) else { return };
        let removals = self.plan.changes.iter().filter(|change| change.op == Op::Deactivate);
        let mut reports: BTreeMap<EmployeeId, Vec<EmployeeId>> =
            removals.filter_map(|change| Some((change.employee?, Vec::new()))).collect();
        for employee in self.in_scope.iter().filter_map(|id| self.input.employees.get(*id)) {
            if let crate::employee::Value::Supervisor(manager) = employee.value(column)
                && let Some(reports) = reports.get_mut(&manager.id)
            {
                reports.push(employee.id);
            }
        }
        for (manager, reports) in reports.into_iter().filter(|(_, reports)| !reports.is_empty()) {
            let message = format!("is still the manager of {}; {means}", first_of(&reports));
            self.plan.notices.push(Notice::about(manager, Code::ManagerLeaves, message));
        }
    }

    /// Says which fields the target does not have.
    pub(super) fn unusable_fields(&mut self) {
        for (index, why) in &self.snapshot.unusable {
            let field = Some((&*self.spec(*index).name).into());
            self.plan.notices.push(Notice { code: Code::FieldUnusable, employee: None, field, message: why.clone() });
        }
    }

    /// Says which groups cannot be filled, and makes those that may be made and that somebody joins.
    pub(super) fn groups(&mut self) {
        for (index, group) in &self.snapshot.groups {
            match &group.make {
                None => {
                    let message = group.why.clone();
                    self.plan.notices.push(Notice::new(Code::GroupUnusable, message));
                }
                Some(name) => {
                    let joins = |field: &FieldChange| field.index == *index && field.after == FieldValue::Bool(true);
                    if self.plan.changes.iter().any(|change| change.fields.iter().any(joins)) {
                        self.plan.changes.push(reference_change(*index, self.spec(*index), name));
                    }
                }
            }
        }
    }

    /// Takes out references to managers whose own account will not be made after all.
    pub(super) fn drop_dangling_references(&mut self) {
        let created: BTreeSet<EmployeeId> = self
            .plan
            .changes
            .iter()
            .filter(|change| change.op == Op::Create)
            .filter_map(|change| change.employee)
            .collect();
        let (mut dangling, mut in_sync) = (Vec::new(), Vec::new());
        self.plan.changes.retain_mut(|change| {
            let Some(employee) = change.employee else {
                return true;
            };
            change.fields.retain(|field| match field.after {
                FieldValue::Employee(manager) if !created.contains(&manager) => {
                    dangling.push((field.field.clone(), manager, employee));
                    false
                }
                _ => true,
            });
            let nothing_left = change.op == Op::Update && change.fields.is_empty();
            in_sync.extend(nothing_left.then_some(employee));
            !nothing_left
        });
        self.plan.in_sync += in_sync.len();
        self.in_sync.extend(in_sync);
        let why = if !self.input.is_whole() { "is not part of this run" } else { "has no account here" };
        for (field, manager, employee) in dangling {
            self.note_manager(&field, manager, why, employee);
        }
    }
}
