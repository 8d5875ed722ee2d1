//! The plan as a whole, once everybody is decided on: what is made on the way, what is said, and in which order.

use super::*;

impl Builder<'_> {
    pub(super) fn finish(mut self, correlation: &Correlation) -> Built {
        self.make_references();
        self.groups();
        self.unusable_fields();
        self.plan.changes.sort_by(|one, other| {
            (one.op, one.employee, &one.account).cmp(&(other.op, other.employee, &other.account)).then_with(|| {
                let name = |change: &Change| change.fields.first().map(|field| field.after.to_string());
                name(one).cmp(&name(other))
            })
        });
        self.plan.skipped.sort_by_key(|skip| (skip.employee, skip.reason));
        self.notices();
        let accounts = &self.snapshot.accounts;
        let owners = self.owners_after(correlation);
        let claimed = self.claimed(correlation);
        self.report_leaving_key_owners(&owners);
        self.report_leaving_managers();
        if self.input.is_whole() {
            let free = accounts.iter().zip(&owners).filter(|(account, owner)| {
                owner.is_none() && account.protection.is_none() && account.writable.is_none()
            });
            let mut orphans: BTreeSet<&AccountId> = free.map(|(account, _)| &account.id).collect();
            if !orphans.is_empty() {
                self.input.memory.links.values().for_each(|linked| _ = orphans.remove(linked));
            }
            self.plan.orphans = orphans.into_iter().cloned().collect();
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
            in_sync: self.in_sync,
        };
        Built { plan: self.plan, overview }
    }

    /// What the fields that are written name and the target does not have yet.
    fn make_references(&mut self) {
        if self.new_references.is_empty() {
            return;
        }
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
    }

    /// What there is to know beside the changes, each thing once.
    fn notices(&mut self) {
        self.plan.notices.extend(self.snapshot.notices.iter().cloned());
        if let Some(means) = self.input.settings.policy.create_note
            && self.plan.changes.iter().any(|change| change.op == Op::Create)
        {
            self.plan.notices.push(Notice::new(Code::CreatingMeans, means));
        }
        self.report_missing_filters();
        for (position, standing) in self.input.standings.iter().enumerate() {
            let employee = self.input.employees.list[position].id;
            if let Some(disagreement) = standing.disagreement
                && self.input.only.is_none_or(|only| only == employee)
                && self.account_of.contains_key(&employee)
            {
                self.plan.notices.push(Notice::about(employee, disagreement.code(), disagreement.explanation()));
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

pub(super) fn reference_change(index: FieldIndex, spec: &FieldSpec, name: &str) -> Change {
    let field =
        FieldChange { index, field: spec.name.clone(), before: FieldValue::Empty, after: FieldValue::text(name) };
    Change { fields: vec![field], ..Change::new(Op::Reference, None) }
}

fn names_of(value: &FieldValue) -> impl Iterator<Item = Box<str>> {
    let names: Vec<Box<str>> = match value {
        FieldValue::Text(name) => vec![(&**name).into()],
        FieldValue::List(names) => names.to_vec(),
        _ => Vec::new(),
    };
    names.into_iter()
}
