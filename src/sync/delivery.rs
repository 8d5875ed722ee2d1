//! Delivers what a target without a service holds, and remembers what of it people confirmed.
//!
//! What is there is compared with keyed hashes of the rows as they were confirmed, so that the state holds no values. What
//! was sent is remembered after it arrived: a run that is killed on the way sends it once more rather than never.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::code::Code;
use crate::config::TargetSettings;
use crate::employee::EmployeeId;
use crate::exit::{Failure, Problem, Reason, Reasons};
use crate::field::{AccountId, Schema};
use crate::plan::{Account, Notice, Outcome, TargetPlan, TargetStatus};
use crate::progress::NoProgress;
use crate::state::{Fingerprint, Hasher};
use crate::targets::{ErrorKind, Target, TargetError};
use crate::words::count;

use super::confirmed_rows::ConfirmedRows;
use super::memory::Memory;
use super::prepare::open;
use super::prepared::{OpenTarget, Prepared};
use super::writing::Applied;

/// The kind of what is kept in the state of what was sent last.
const SENT: &str = "sent";

/// So many digits tell two deliveries of one target apart.
const CODE_DIGITS: usize = 8;

/// What a target delivers now, against what was confirmed of it.
pub struct Delivery {
    target: Box<str>,
    /// Whose rows are new or changed, with their accounts.
    changed: BTreeMap<EmployeeId, AccountId>,
    rows: ConfirmedRows,
    code: String,
    /// Of all that is delivered.
    content: Fingerprint,
}

impl Delivery {
    /// Looks at what a target delivers without reading the source.
    ///
    /// # Errors
    ///
    /// When the state or the target cannot be read.
    pub fn look(
        memory: &Memory,
        settings: &TargetSettings,
        today: NaiveDate,
    ) -> Result<(Self, Box<dyn Target>), Failure> {
        let target = open(settings, today, &Default::default()).map_err(target_failure)?;
        let schema = target.reader().schema().map_err(target_failure)?;
        let found = Self::of(memory, settings, &*target, &schema, [])?;
        Ok((found, target))
    }

    /// `met` are accounts of employees to which no link is stored yet.
    fn of(
        memory: &Memory,
        settings: &TargetSettings,
        target: &dyn Target,
        schema: &Schema,
        met: impl IntoIterator<Item = (EmployeeId, AccountId)>,
    ) -> Result<Self, Failure> {
        let name = &settings.plan.name;
        let accounts = target.reader().accounts(&NoProgress).map_err(target_failure)?.accounts;
        let accounts: BTreeMap<&AccountId, &Account> = accounts.iter().map(|account| (&account.id, account)).collect();
        let links = memory.links(name)?.into_iter().map(|link| (link.employee, link.account));
        let owned: BTreeMap<EmployeeId, AccountId> = links.chain(met).collect();
        let before = ConfirmedRows::of(&memory.state, name)
            .map_err(|error| Failure::new(Reason::Internal, format!("{error:#}")))?;
        let hasher = memory.state.hasher();
        let once = settings.plan.policy.asks_once;
        let (mut changed, mut rows, mut whole) = (BTreeMap::new(), ConfirmedRows::default(), Vec::new());
        for (employee, id) in owned {
            let Some(account) = accounts.get(&id) else { continue };
            let print = row(hasher, account, schema, once);
            whole.push(row(hasher, account, schema, &[]));
            if before.people.get(&employee.0).is_none_or(|known| **known != *print.as_str()) {
                changed.insert(employee, id);
            }
            rows.people.insert(employee.0, print.as_str().into());
        }
        let parts = changed.keys().map(|employee| &*rows.people[&employee.0]);
        let code = hasher.fingerprint("delivery", parts).as_str()[..CODE_DIGITS].to_owned();
        let content = hasher.fingerprint("deliveries", whole.iter().map(Fingerprint::as_str));
        Ok(Self { target: name.clone(), changed, rows, code, content })
    }

    /// How many rows are new or changed since they were last confirmed.
    pub fn changed(&self) -> usize {
        self.changed.len()
    }

    pub fn employees(&self) -> impl Iterator<Item = EmployeeId> {
        self.changed.keys().copied()
    }

    /// What tells these changes from any others of the target.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Stores that people have what is there now. The file of changes has none then.
    ///
    /// # Errors
    ///
    /// When the state or the file cannot be written.
    pub fn confirm(&self, memory: &Memory, settings: &TargetSettings, target: &dyn Target) -> Result<(), Failure> {
        memory.state.bind(&self.target, &settings.target.identity())?;
        self.rows.store(&memory.state, &self.target, memory.now())?;
        if let Some(deliver) = target.writer().deliver() {
            deliver.pack(&BTreeSet::new()).map_err(target_failure)?;
        }
        Ok(())
    }

    /// Puts the changes beside the whole, and sends both unless they were sent already.
    fn send(&self, memory: &Memory, target: &dyn Target) -> Result<Option<Notice>, Failure> {
        let Some(deliver) = target.writer().deliver() else { return Ok(None) };
        let packed = deliver.pack(&self.changed.values().cloned().collect()).map_err(target_failure)?;
        let Some(packed) = packed else { return Ok(None) };
        if let Some(destination) = deliver.destination() {
            let parts = [destination.as_str(), self.content.as_str()];
            let print = memory.state.hasher().fingerprint("sent", parts);
            let sent = memory.state.confirmed(SENT, &self.target)?;
            if sent.is_none_or(|sent| *sent.content != *print.as_str()) {
                deliver.send(&packed, memory.now()).map_err(target_failure)?;
                memory.state.confirm(SENT, &self.target, print.as_str(), memory.now())?;
            }
        }
        Ok((self.changed() > 0).then(|| self.notice(&packed[1].name)))
    }

    fn notice(&self, file: &str) -> Notice {
        let message = format!(
            "{} new or changed since the last confirmed delivery: `{file}` has nothing else; once imported, \
             `personio-sync confirm {} --checklist {}` says so",
            count(self.changed(), "row is", "rows are"),
            self.target,
            self.code
        );
        Notice::new(Code::DeliveryOpen, message)
    }
}

/// The hash of one row, without some of its fields. What is blank is left out, so that a new column changes whoever has
/// something in it.
fn row(hasher: &Hasher, account: &Account, schema: &Schema, without: &[&str]) -> Fingerprint {
    let filled =
        schema.iter().filter(|(index, spec)| !account.field(*index).is_empty() && !without.contains(&&*spec.name));
    let parts: Vec<String> =
        filled.flat_map(|(index, spec)| [spec.name.to_string(), account.field(index).to_string()]).collect();
    hasher.fingerprint("row", parts.iter().map(String::as_str))
}

fn target_failure(error: TargetError) -> Failure {
    let reason = match error.kind {
        ErrorKind::SignIn | ErrorKind::Rights => Reason::Refused,
        _ => Reason::Unavailable,
    };
    Failure::new(reason, error.message)
}

/// Delivers every target that was carried out and is delivered. What did not arrive is among the problems.
pub(super) fn deliver(
    prepared: &mut Prepared<'_>,
    memory: &Memory,
    applied: &mut [Option<Applied>],
    reasons: &mut Reasons,
    problems: &mut Vec<Problem>,
) {
    for ((plan, target), applied) in prepared.plan.targets.iter_mut().zip(&prepared.targets).zip(applied) {
        let (Some(open), Some(applied)) = (&target.open, applied) else { continue };
        let carried_out = plan.status == TargetStatus::Ready && applied.journal_failed.is_none();
        if !target.settings.plan.policy.delivered || !carried_out {
            continue;
        }
        let found = Delivery::of(memory, target.settings, &*open.target, &open.schema, met(plan, open));
        match found.and_then(|found| found.send(memory, &*open.target)) {
            Ok(notice) => plan.notices.extend(notice),
            Err(failure) => {
                applied.undelivered = true;
                reasons.add(failure.reason);
                let why: Vec<String> = failure.problems.into_iter().map(|problem| problem.message).collect();
                let message = format!("not delivered: {}; the next run delivers it", why.join("; "));
                problems.push(Problem::new(Code::DeliveryFailed, message).target(&plan.name));
            }
        }
    }
}

/// The accounts of this run, which the state does not know yet.
fn met(plan: &TargetPlan, open: &OpenTarget) -> Vec<(EmployeeId, AccountId)> {
    let known = open.overview.owned.iter().map(|(employee, account)| (*employee, account.clone()));
    let done = plan.changes.iter().filter(|change| change.outcome == Some(Outcome::Succeeded));
    let made = done.filter_map(|change| Some((change.employee?, change.account.clone()?)));
    known.chain(made).collect()
}
