//! Accounts that are made, and those that are brought in line.

use super::*;

impl<'a> Builder<'a> {
    /// Plans an account for somebody who has none, or whose linked one is gone.
    pub(super) fn create(&mut self, position: usize, linked: Option<&AccountId>) {
        let employee = self.input.employees.list[position].id;
        if !self.input.schema.capabilities.create {
            self.skip(employee, Code::CannotCreate, "this target cannot make accounts; make it by hand".into());
            return;
        }
        let facts = self.facts(position);
        let fields = match self.desired_fields(&facts, None) {
            Ok(fields) => fields,
            Err((code, why)) => return self.skip(employee, code, why),
        };
        if let Some(names) = self.keys_lacking(&fields) {
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
            self.plan.notices.push(Notice::about(
                employee,
                Code::LinkedAccountGone,
                "the linked account is gone from the target; a new one is made",
            ));
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
            self.plan.notices.push(Notice::about(employee, Code::AccountRefused, message));
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

    pub(super) fn update(&mut self, position: usize, at: usize, correlation: &Correlation) {
        let employee = self.input.employees.list[position].id;
        let account = &self.snapshot.accounts[at];
        let Some((op, fields, rewrite)) = self.brought_in_line(position, account) else { return };
        if let Some(why) = self.keys_are_claimed(position, at, &fields, correlation) {
            return self.skip(employee, Code::AccountClaimed, why);
        }
        if op == Op::Update && fields.is_empty() {
            self.plan.in_sync += 1;
            self.unchanged.push(employee);
            self.in_sync.push(employee);
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

    /// Whether values that an account needs are missing, references left aside.
    pub(super) fn cannot_be_made(&self, fields: &[FieldChange]) -> bool {
        let refers = |spec: &FieldSpec| matches!(spec.kind, FieldKind::Reference | FieldKind::References);
        let required = self.input.schema.iter().take(self.input.settings.written_fields);
        let mut required = required.filter(|(_, spec)| spec.required && !refers(spec));
        let one_of_references = self.input.schema.one_of.iter().any(|index| refers(self.spec(*index)));
        self.keys_lacking(fields).is_some()
            || required.any(|(index, _)| !fields.iter().any(|field| field.index == index))
            || (!one_of_references && self.none_of(fields, None).is_some())
    }

    /// The match fields that are mapped, when none of them has a value for a new account.
    pub(super) fn keys_lacking(&self, fields: &[FieldChange]) -> Option<Vec<&'a str>> {
        let keys = self.input.settings.match_fields.iter().filter(|index| self.mapping(**index).is_some());
        let names: Vec<&str> = keys.map(|index| &*self.spec(*index).name).collect();
        let has_key = fields.iter().any(|field| names.contains(&&*field.field));
        (!names.is_empty() && !has_key).then_some(names)
    }

    /// What makes an account hold what it should: an update, which may have no field, or a reactivation. `None` when
    /// it must not be or cannot be done, which the plan says.
    pub(super) fn brought_in_line(
        &mut self,
        position: usize,
        account: &'a Account,
    ) -> Option<(Op, Vec<FieldChange>, Vec<FieldChange>)> {
        let employee = self.input.employees.list[position].id;
        if let Some(protection) = self.protection(account) {
            self.skip(employee, protection.code(), format!("account {} is never changed", account.id));
            return None;
        }
        let facts = self.facts(position);
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
}
