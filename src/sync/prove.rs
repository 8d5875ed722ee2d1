//! Proves a target's list: absence from it is not departure.

use std::collections::BTreeSet;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::AccountId;
use crate::plan::{
    Account, Built, Change, Notice, Op, PlanInput, Snapshot, TargetPlan, absent, build, hold_unseen, same,
};
use crate::targets::{ErrorKind, ReadAccounts, TargetError};

/// So many accounts are read by id. Whoever is beyond them counts as neither there nor gone.
const READ_BY_ID: usize = 200;

/// What reading single accounts showed of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Proof {
    /// Accounts in use that the list lacks.
    pub(super) lacking: usize,
}

/// Reads by id what the list lacks of the linked accounts. What is there joins the list, and what is not is gone.
///
/// An account that is out of use proves nothing against the list: many services list those in use alone.
pub(super) fn read_by_id(reader: &dyn ReadAccounts, input: &PlanInput<'_>, snapshot: &mut Snapshot) -> Proof {
    if !reader.reads_by_id() {
        return Proof::default();
    }
    let absent = absent(input, snapshot);
    let mut lookup = Lookup { reader, snapshot, read: 0, lacking: Vec::new(), unread: 0, trouble: None };
    lookup.at(&absent.in_scope);
    // Accounts of people who left are deleted some day; they are looked at where the list is in doubt anyway.
    if lookup.doubts() {
        lookup.at(&absent.others);
    }
    let Lookup { lacking, unread, trouble, .. } = lookup;
    let lacks = match &lacking[..] {
        [] => None,
        [one] => Some(format!("the list lacks account {one}, which is in use when it is read by id")),
        [first, ..] => Some(format!(
            "the list lacks {} accounts that are in use when they are read by id ({first} is one)",
            lacking.len()
        )),
    };
    let unread = (unread > 0).then(|| {
        let why = trouble.map_or_else(|| format!("more than {READ_BY_ID} are missing"), |trouble| trouble.message);
        format!("the list lacks {unread} linked accounts that were not looked at by id ({why})")
    });
    let doubts: Vec<String> = [snapshot.incomplete.take(), lacks, unread].into_iter().flatten().collect();
    snapshot.incomplete = (!doubts.is_empty()).then(|| doubts.join("; "));
    Proof { lacking: lacking.len() }
}

struct Lookup<'a> {
    reader: &'a dyn ReadAccounts,
    snapshot: &'a mut Snapshot,
    read: usize,
    lacking: Vec<AccountId>,
    unread: usize,
    trouble: Option<TargetError>,
}

impl Lookup<'_> {
    fn doubts(&self) -> bool {
        self.snapshot.incomplete.is_some() || !self.lacking.is_empty() || self.unread > 0
    }

    fn at(&mut self, accounts: &[(EmployeeId, AccountId)]) {
        for (_, id) in accounts {
            let gives_up = self.trouble.as_ref().is_some_and(|error| {
                matches!(error.kind, ErrorKind::SignIn | ErrorKind::Rights | ErrorKind::Unavailable | ErrorKind::Busy)
            });
            if gives_up || self.read == READ_BY_ID {
                self.unread += 1;
                continue;
            }
            self.read += 1;
            match self.reader.account(id) {
                Ok(Some(account)) => {
                    if account.active {
                        self.lacking.push(id.clone());
                    }
                    self.snapshot.accounts.push(account);
                }
                Ok(None) => _ = self.snapshot.gone.insert(id.clone()),
                Err(error) => {
                    self.unread += 1;
                    self.trouble = Some(error);
                }
            }
        }
    }
}

/// Builds the plan. Where the list is not proven to be whole, whoever would be made is looked up first: who is found
/// gets no second account, and who cannot be looked up gets none at all.
pub(super) fn build_proven(reader: &dyn ReadAccounts, input: &PlanInput<'_>, mut snapshot: Snapshot) -> Built {
    let Some(why) = snapshot.incomplete.clone() else { return build(input, snapshot) };
    let first = build(input, snapshot.clone());
    let mut looked_for = BTreeSet::new();
    let known: BTreeSet<AccountId> = snapshot.accounts.iter().map(|account| account.id.clone()).collect();
    let mut found: Vec<Account> = Vec::new();
    for change in first.plan.changes.iter().filter(|change| change.op == Op::Create) {
        let (Some(employee), Some(accounts)) = (change.employee, look_up(reader, input, change)) else { continue };
        looked_for.insert(employee);
        for account in accounts {
            if !known.contains(&account.id) && !found.iter().any(|other| other.id == account.id) {
                found.push(account);
            }
        }
    }
    let mut built = match found.len() {
        0 => first,
        several => {
            let message = format!(
                "{} found by a match field alone: the list lacks {}",
                crate::words::count(several, "account was", "accounts were"),
                if several == 1 { "it" } else { "them" },
            );
            snapshot.notices.push(Notice::new(Code::FoundByLookUp, message));
            snapshot.accounts.extend(found);
            build(input, snapshot)
        }
    };
    note(&mut built.plan, &why);
    hold_unseen(&mut built.plan, &why, &looked_for);
    built
}

/// The accounts that an employee's match fields find; `None` when none of them could be searched by.
fn look_up(reader: &dyn ReadAccounts, input: &PlanInput<'_>, change: &Change) -> Option<Vec<Account>> {
    let mut found = None;
    for index in &input.settings.match_fields {
        let Some(field) = change.fields.iter().find(|field| field.index == *index) else { continue };
        if let Ok(Some(accounts)) = reader.look_up(*index, &field.after) {
            let spec = input.schema.field(*index);
            let fits = |account: &Account| same(account.field(*index), &field.after, spec);
            found.get_or_insert_with(Vec::new).extend(accounts.into_iter().filter(fits));
        }
    }
    found
}

fn note(plan: &mut TargetPlan, why: &str) {
    let message = format!(
        "the list of accounts is not proven whole, so that nobody is removed, and nobody made who was not looked up \
         first: {why}"
    );
    plan.notices.push(Notice::new(Code::ListNotWhole, message));
}
