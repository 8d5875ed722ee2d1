//! What an account should hold, and what of it the target can be told.

use crate::code::Code;
use crate::plan::{EmployeeCase, Findings};

use super::*;

impl<'a> Builder<'a> {
    /// The fields that differ; for a new account, all that have a value.
    pub(super) fn desired_fields(
        &mut self,
        facts: &Facts<'a>,
        account: Option<&Account>,
    ) -> Result<Vec<FieldChange>, (Code, String)> {
        let employee = facts.employee().id;
        let Wanted { desired: wanted, remarks, findings } = wanted(self.input, facts, account);
        let told = remarks.into_iter().map(|Remark { code, message }| Notice::about(employee, code, message));
        self.plan.notices.extend(told);
        self.plan.notices.extend(findings.notices);
        if let Some(skip) = findings.skip {
            return Err((skip.reason, skip.detail));
        }
        let mut fields = Vec::new();
        let refers = |spec: &FieldSpec| matches!(spec.kind, FieldKind::Reference | FieldKind::References);
        let mut wanted: Vec<(FieldIndex, Desired)> = (0u16..).map(FieldIndex).zip(wanted).collect();
        if account.is_none() {
            wanted.sort_by_key(|(index, _)| refers(self.spec(*index)));
        }
        for (index, wanted) in wanted {
            let spec = self.spec(index);
            // Who cannot be made anyway refers to nothing.
            if account.is_none() && refers(spec) && self.cannot_be_made(&fields) {
                break;
            }
            if account.is_some() && self.input.memory.unstored.contains(&*spec.name) {
                continue;
            }
            // A notice of its own says what is wrong with the group or the field, once for everybody.
            let without_group = self.snapshot.groups.get(&index).is_some_and(|group| group.make.is_none());
            if without_group || self.snapshot.unusable.contains_key(&index) {
                continue;
            }
            let desired = match wanted {
                Desired::Value(value) => value,
                Desired::Keep(None) => continue,
                Desired::Keep(Some(why)) => {
                    let message = format!("{} is left as it is: {}", spec.name, strip(&why, &spec.name));
                    self.leave(Code::FieldKept, &spec.name, message, employee);
                    continue;
                }
                Desired::Invalid(why) => {
                    let message = format!("{} is left as it is: {}", spec.name, strip(&why, &spec.name));
                    self.leave(Code::FieldInvalid, &spec.name, message, employee);
                    continue;
                }
                Desired::Fail(code, why) => return Err((code, why)),
            };
            // What the account refers to exists, so that no list of names has to be asked for it.
            if refers(spec) && account.is_some_and(|account| same(account.field(index), &desired, spec)) {
                continue;
            }
            let Some(after) = self.resolve(index, spec, desired, employee) else {
                continue;
            };
            let before = account.map_or(FieldValue::Empty, |account| account.field(index).clone());
            // A new account is told "no" in so many words: only nothing is left out.
            let holds = if account.is_some() { same(&before, &after, spec) } else { after.is_empty() };
            if holds {
                continue;
            }
            if after.is_empty() && !self.input.schema.capabilities.clear {
                let message = format!("{} is left as it is: this target cannot empty a field", spec.name);
                self.leave(Code::CannotClear, &spec.name, message, employee);
                continue;
            }
            let writable = account.and_then(|account| account.writable.as_ref());
            if writable.is_some_and(|writable| !writable.contains(&index)) {
                let message = format!("{} is left as it is: the service lets nobody change it on agents", spec.name);
                self.leave(Code::FieldKept, &spec.name, message, employee);
                continue;
            }
            if account.is_some()
                && self.input.memory.gave_up.is_some_and(|gave_up| gave_up(employee, &spec.name, &after))
            {
                let message = format!(
                    "{} does not converge: {} was sent several times, and {} is there all the same; it is left alone for a week",
                    spec.name,
                    form(&after),
                    form(&before)
                );
                self.leave(Code::NotConverging, &spec.name, message, employee);
                continue;
            }
            fields.push(FieldChange { index, field: spec.name.clone(), before, after });
        }
        fields.sort_by_key(|field| field.index);
        Ok(fields)
    }

    /// The fields that hold what they should already.
    pub(super) fn unchanged_fields(&self, facts: &Facts<'a>, account: &Account) -> Vec<FieldChange> {
        let always = self.input.settings.mapping.iter().filter(|mapping| mapping.when == When::Always);
        always
            .filter_map(|mapping| {
                let spec = self.spec(mapping.index);
                let existing = account.field(mapping.index);
                let is_desired = match mapping.desired(spec, facts) {
                    Desired::Value(FieldValue::Employee(manager)) => {
                        self.account_of_manager(manager).is_some_and(|id| *existing == FieldValue::Account(id))
                    }
                    Desired::Value(value) => same(existing, &value, spec),
                    Desired::Keep(_) | Desired::Invalid(_) | Desired::Fail(..) => false,
                };
                (is_desired && !existing.is_empty()).then(|| FieldChange {
                    index: mapping.index,
                    field: spec.name.clone(),
                    before: existing.clone(),
                    after: existing.clone(),
                })
            })
            .collect()
    }

    /// Whose account a manager's is. Of those who were not read, the link tells.
    fn account_of_manager(&self, manager: EmployeeId) -> Option<AccountId> {
        let read = self.account_of.get(&manager).map(|position| &self.snapshot.accounts[*position].id);
        let linked = || self.input.memory.links.get(&manager).filter(|_| self.input.changed_only);
        read.or_else(linked).cloned()
    }

    /// Says that a field of an employee is left as it is, and why.
    pub(super) fn leave(&mut self, code: Code, field: &str, message: String, employee: EmployeeId) {
        self.unresolved.entry((code, field.into(), message)).or_default().push(employee);
    }

    /// A manager who cannot be referred to, and what that means.
    pub(super) fn note_manager(&mut self, field: &str, manager: EmployeeId, why: &str, employee: EmployeeId) {
        let means = self.input.settings.policy.unknown_manager_note;
        let means = means.map(|means| format!("; {means}")).unwrap_or_default();
        let message = format!("{field} is left as it is: employee {manager} {why}{means}");
        self.leave(Code::ManagerWithoutAccount, field, message, employee);
    }

    /// Turns names and employees into what the target knows; `None` leaves the field alone.
    pub(super) fn resolve(
        &mut self,
        index: FieldIndex,
        spec: &FieldSpec,
        desired: FieldValue,
        employee: EmployeeId,
    ) -> Option<FieldValue> {
        match (spec.kind, desired) {
            (FieldKind::Account, FieldValue::Employee(manager)) => {
                if let Some(account) = self.account_of_manager(manager) {
                    return Some(FieldValue::Account(account));
                }
                if self.creating.contains(&manager) {
                    return Some(FieldValue::Employee(manager));
                }
                let why = if self.input.changed_only { "is not part of this run" } else { "has no account here" };
                self.note_manager(&spec.name, manager, why, employee);
                None
            }
            (FieldKind::Reference, FieldValue::Text(name)) => {
                self.reference(index, spec, &name, employee).map(|name| FieldValue::Text(name.into()))
            }
            (FieldKind::References, FieldValue::List(names)) => {
                let resolved: Option<Vec<Box<str>>> =
                    names.iter().map(|name| self.reference(index, spec, name, employee)).collect();
                resolved.map(FieldValue::list)
            }
            (_, desired) => Some(desired),
        }
    }

    pub(super) fn reference(
        &mut self,
        index: FieldIndex,
        spec: &FieldSpec,
        name: &str,
        employee: EmployeeId,
    ) -> Option<Box<str>> {
        match self.input.references.names(index).and_then(|names| names.get(name)) {
            Some(Some(known)) => Some(known.into()),
            Some(None) => {
                let message =
                    format!("{} is left as it is: several things of the target are called `{name}`", spec.name);
                self.leave(Code::ReferenceAmbiguous, &spec.name, message, employee);
                None
            }
            None if self.input.settings.create_missing.contains(&index) => {
                // One spelling for all: the first that the sorted employees bring.
                let folded = name.to_lowercase();
                let known =
                    self.new_references.iter().find(|(field, known)| *field == index && known.to_lowercase() == folded);
                let spelling: Box<str> = known.map_or_else(|| name.into(), |(_, known)| known.clone());
                self.new_references.insert((index, spelling.clone()));
                Some(spelling)
            }
            None => {
                let nearest = self.input.references.names(index).and_then(|names| {
                    let names: Vec<&str> = names.names().collect();
                    crate::words::nearest(name, &names).map(str::to_owned)
                });
                let hint = nearest.map_or_else(String::new, |nearest| format!("; the nearest is `{nearest}`"));
                let or_here = match spec.can_be_made {
                    true => format!(", or add {} to create_missing", spec.name),
                    false => String::new(),
                };
                let message = format!(
                    "{} is left as it is: the target has no `{name}`{hint} (make it there{or_here})",
                    spec.name
                );
                self.leave(Code::ReferenceUnknown, &spec.name, message, employee);
                None
            }
        }
    }
}

/// What one employee's account should hold, before it is held against what the target has.
pub(crate) struct Wanted {
    /// In the order of the schema.
    pub(crate) desired: Vec<Desired>,
    remarks: Vec<Remark>,
    findings: Findings,
}

/// What the mapping gives, completed by the rules of the target's type.
pub(crate) fn wanted(input: &PlanInput<'_>, facts: &Facts<'_>, account: Option<&Account>) -> Wanted {
    let (settings, employee) = (input.settings, facts.employee().id);
    let mut remarks = Vec::new();
    let mut desired: Vec<Desired> = Vec::with_capacity(settings.written_fields);
    desired.extend(settings.mapping.iter().map(|mapping| match (account, mapping.when) {
        (Some(_), When::Create) => Desired::Keep(None),
        _ => mapping.desired_with_remarks(input.schema.field(mapping.index), facts, &mut remarks),
    }));
    desired.resize(settings.written_fields, Desired::Keep(None));
    let Some(rules) = input.rules else { return Wanted { desired, remarks, findings: Findings::default() } };
    let hire_date = input.employees.attributes.column("hire_date");
    let without_hire_date =
        hire_date.is_some_and(|column| matches!(facts.employee().value(column), crate::employee::Value::Empty));
    let case = EmployeeCase {
        employee,
        standing: facts.standing(),
        without_hire_date,
        today: input.today,
        schema: input.schema,
        account,
        linked: input.memory.links.contains_key(&employee),
        first_import: input.memory.links.is_empty(),
        delivered: input.memory.delivered.contains(&employee),
    };
    let findings = rules.complete(&case, &mut desired);
    Wanted { desired, remarks, findings }
}

/// The form of a value, for messages that must not show it.
pub fn form(value: &FieldValue) -> String {
    match value {
        FieldValue::Empty => "nothing".into(),
        FieldValue::Text(text) => format!("a text of {} characters", text.chars().count()),
        FieldValue::Bool(_) => "a yes or no".into(),
        FieldValue::Integer(_) | FieldValue::Decimal(_) => "a number".into(),
        FieldValue::Date(_) => "a date".into(),
        FieldValue::List(items) => format!("a list of {}", items.len()),
        FieldValue::Account(_) | FieldValue::Employee(_) => "an account".into(),
    }
}

fn strip<'m>(message: &'m str, field: &str) -> &'m str {
    message.strip_prefix(field).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message)
}
