//! Who is taken out of use, and on what grounds.

use crate::code::Code;
use crate::plan::Leavers;

use super::*;

/// The day until which the account of somebody who has left is left in use, that day included.
pub fn waits_until(leavers: Leavers, standing: &Standing, today: NaiveDate) -> Option<NaiveDate> {
    let last_day = standing.last_day.filter(|_| !standing.last_day_hidden)?;
    let until = last_day.checked_add_days(Days::new(leavers.grace_days.into())).unwrap_or(NaiveDate::MAX);
    (today <= until).then_some(until)
}

impl<'a> Builder<'a> {
    pub(super) fn leaver(&mut self, position: usize, account: usize, correlation: &Correlation) {
        let leavers = self.input.settings.leavers;
        let standing = &self.input.standings[position];
        if leavers.left != LeaverAction::Deactivate {
            return;
        }
        let employee = self.input.employees.list[position].id;
        if standing.last_day_hidden && leavers.grace_days > 0 {
            if self.snapshot.accounts[account].active {
                let why = "has left, and nobody can tell when the grace days end, because the last day is not readable";
                self.skip(employee, Code::LifecycleHidden, why.into());
            }
            return;
        }
        if waits_until(leavers, standing, self.input.today).is_some() {
            return;
        }
        let last_day = standing.last_day.filter(|_| !standing.last_day_hidden);
        let detail = last_day
            .filter(|day| *day < self.input.today)
            .map_or_else(|| "status is inactive".to_owned(), |day| format!("left on {day}"));
        self.take_out_of_use(employee, account, Code::Left, detail, correlation);
    }

    /// Takes an account out of use, unless somebody in scope has a key of it: that is who works with it.
    pub(super) fn take_out_of_use(
        &mut self,
        employee: EmployeeId,
        account: usize,
        reason: Code,
        detail: String,
        correlation: &Correlation,
    ) {
        let found = &self.snapshot.accounts[account];
        let Some((claiming, field)) = correlation.claimed.get(&account) else {
            return self.deactivate(employee, found, reason, detail);
        };
        // Where the account goes to that employee, or waits to, the plan says so already.
        let is_told = self.input.is_whole() && self.going_on.contains(&account);
        if found.active && !is_told {
            let (other, name) = (self.input.employees.list[*claiming].id, &self.spec(*field).name);
            let why =
                format!("{detail}; account {} stays in use, because employee {other} has the same {name}", found.id);
            self.skip(employee, Code::AccountClaimed, why);
        }
    }

    /// Still employed, and a filter says no.
    pub(super) fn no_longer_meant(
        &mut self,
        employee: EmployeeId,
        account: usize,
        clause: &str,
        correlation: &Correlation,
    ) {
        match self.input.settings.leavers.out_of_scope {
            LeaverAction::Deactivate => {
                let detail = format!("no longer matches the filters: {clause}");
                self.take_out_of_use(employee, account, Code::OutOfScope, detail, correlation);
            }
            LeaverAction::Keep | LeaverAction::Include if self.snapshot.accounts[account].active => {
                self.plan.notices.push(Notice::about(
                    employee,
                    Code::OutOfScope,
                    format!("no longer in scope: {clause}; the account is kept as it is"),
                ));
            }
            LeaverAction::Keep | LeaverAction::Include => {}
        }
    }

    pub(super) fn deactivate(&mut self, employee: EmployeeId, account: &Account, reason: Code, detail: String) {
        if !account.active {
            return;
        }
        let partly = account.writable.as_ref().map(|_| Protection::Agent);
        if let Some(protection) = self.protection(account).or(partly) {
            self.skip(employee, protection.code(), format!("{detail}; account {} is never changed", account.id));
            return;
        }
        if !self.input.schema.capabilities.deactivate {
            self.skip(
                employee,
                Code::CannotDeactivate,
                format!("{detail}; this target cannot take accounts out of use; do it by hand"),
            );
            return;
        }
        self.plan.changes.push(Change {
            account: Some(account.id.clone()),
            reason: Some(reason),
            detail: Some(detail),
            ..Change::new(Op::Deactivate, Some(employee))
        });
    }

    /// Linked employees whom Personio no longer delivers at all.
    pub(super) fn missing(&mut self, correlation: &Correlation) {
        let delivered = self.input.employees;
        if self.input.changed_only {
            return;
        }
        for (employee, account) in &self.input.memory.links {
            if delivered.get(*employee).is_some() || self.input.only.is_some_and(|only| only != *employee) {
                continue;
            }
            let Some(position) = self.position_of(account) else { continue };
            let account = &self.snapshot.accounts[position];
            if !account.active || correlation.owners[position].is_some() {
                continue;
            }
            let absences = &self.input.memory.absences;
            let since = absences.since(*employee);
            let detail = match since {
                Some(day) => format!("no longer delivered by Personio since {day}"),
                None => "no longer delivered by Personio since today".to_owned(),
            };
            let message = match self.input.settings.leavers.missing {
                // Whom somebody in scope takes the account over from, the handover speaks of.
                _ if correlation.claimed.contains_key(&position) => format!("{detail}; account {} is kept", account.id),
                LeaverAction::Deactivate if absences.is_gone(*employee) => {
                    self.deactivate(*employee, account, Code::Missing, format!("{detail}, and not known there by id"));
                    continue;
                }
                // One read may be wrong about somebody, however complete it is.
                LeaverAction::Deactivate => format!(
                    "{detail}; account {} is kept until another complete read, and asking for this id, say the same",
                    account.id
                ),
                LeaverAction::Keep | LeaverAction::Include => format!("{detail}; account {} is kept", account.id),
            };
            self.plan.notices.push(Notice::about(*employee, Code::EmployeeMissing, message));
        }
    }
}
