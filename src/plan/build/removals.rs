//! Who is taken out of use, and on what grounds.

use super::*;

impl<'a> Builder<'a> {
    pub(super) fn leaver(&mut self, place: usize, account: &Account) {
        let leavers = self.input.settings.leavers;
        if leavers.left == LeaverAction::Keep {
            return;
        }
        let employee = self.input.employees.list[place].id;
        let standing = &self.input.standings[place];
        if standing.last_day_hidden && leavers.grace_days > 0 {
            if account.active {
                let why = "has left, and nobody can tell when the grace days end, because the last day is not readable";
                self.skip(employee, "lifecycle_hidden", why.into());
            }
            return;
        }
        let last_day = standing.last_day.filter(|_| !standing.last_day_hidden);
        if let Some(last_day) = last_day {
            let until = last_day.checked_add_days(Days::new(leavers.grace_days.into())).unwrap_or(NaiveDate::MAX);
            if self.input.today <= until {
                return;
            }
        }
        let detail = last_day
            .filter(|day| *day < self.input.today)
            .map_or_else(|| "status is inactive".to_owned(), |day| format!("left on {day}"));
        self.deactivate(employee, account, "left", detail);
    }

    pub(super) fn deactivate(&mut self, employee: EmployeeId, account: &Account, reason: &'static str, detail: String) {
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
                "cannot_deactivate",
                format!("{detail}; this target cannot take accounts out of use; do it by hand"),
            );
            return;
        }
        self.plan.changes.push(Change {
            op: Op::Deactivate,
            employee: Some(employee),
            account: Some(account.id.clone()),
            reason: Some(reason),
            detail: Some(detail),
            fields: Vec::new(),
            rewrite: Vec::new(),
            request: None,
            hold: None,
            outcome: None,
        });
    }

    /// Linked employees whom Personio no longer delivers at all.
    pub(super) fn missing(&mut self, correlation: &Correlation) {
        let delivered = self.input.employees;
        let by_id: HashMap<&AccountId, usize> = if self.input.memory.links.is_empty() {
            HashMap::new()
        } else {
            self.snapshot.accounts.iter().enumerate().map(|(place, account)| (&account.id, place)).collect()
        };
        for (employee, account) in &self.input.memory.links {
            if delivered.get(*employee).is_some() || self.input.only.is_some_and(|only| only != *employee) {
                continue;
            }
            let Some(place) = by_id.get(account).copied() else {
                continue;
            };
            let account = &self.snapshot.accounts[place];
            if !account.active || correlation.owners[place].is_some() {
                continue;
            }
            let detail = "no longer delivered by Personio".to_owned();
            match self.input.settings.leavers.missing {
                LeaverAction::Deactivate => self.deactivate(*employee, account, "missing", detail),
                LeaverAction::Keep => self.plan.notices.push(Notice {
                    code: "employee_missing",
                    employee: Some(*employee),
                    field: None,
                    message: format!("{detail}; account {} is kept", account.id),
                }),
            }
        }
    }
}
