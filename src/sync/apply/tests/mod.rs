//! Plans carried out on a target that remembers what it is told, and does as it is told to fail.

mod batches;
mod crowded;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::field::{AccountId, Capabilities, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, Change, FieldChange, Hold, Op, Outcome, Protection, Snapshot, TargetPlan};
use crate::progress::{NoProgress, Progress};
use crate::rules::Expression;
use crate::state::StateError;
use crate::sync::apply::apply;
use crate::sync::*;
use crate::targets::{ErrorKind, ReadAccounts, TargetError, Write, WriteAccounts, WriteBatches, Written};

const NUMBER: FieldIndex = FieldIndex(0);
const EMAIL: FieldIndex = FieldIndex(1);
const JOB: FieldIndex = FieldIndex(2);
const MANAGER: FieldIndex = FieldIndex(3);
const NAMES: [&str; 4] = ["number", "email", "job", "manager"];

#[derive(Clone, Copy)]
enum Fate {
    /// Refused in this way; nothing happens.
    Error(ErrorKind),
    /// Carried out, and the answer is lost.
    Lost,
    /// Carried out, and said to be still under way.
    Taken,
    /// Carried out but for this field.
    But(&'static str),
}

#[derive(Default)]
struct Memory {
    accounts: BTreeMap<AccountId, Account>,
    calls: Vec<String>,
    made: usize,
    /// By the beginning of a call, in order of use.
    fates: Vec<(&'static str, VecDeque<Fate>)>,
}

#[derive(Default)]
struct Directory {
    memory: Mutex<Memory>,
    loses_fields: bool,
    lasts_at_finish: bool,
    /// Set when a call begins with this.
    stop_at: Option<&'static str>,
    stop: AtomicBool,
    finishes: Option<ErrorKind>,
    /// The most changes that go together.
    batch: usize,
    /// What goes alone although others go together.
    alone: Option<Op>,
    /// Removals are acknowledged and not carried out.
    keeps_everybody: bool,
    crowd: Crowd,
}

/// What happens to changes beside which others are under way.
#[derive(Default)]
struct Crowd {
    under_way: AtomicUsize,
    /// So many go well side by side; any number when 0. The others are answered with this status.
    bears: usize,
    status: u16,
    /// They are carried out all the same.
    carries_out: bool,
    /// Nobody finds what was made in this run.
    lags: bool,
}

fn error(kind: ErrorKind) -> TargetError {
    TargetError::new(kind, format!("{kind:?}"))
}

impl Directory {
    fn account(mut self, id: &str, active: bool, number: &str, email: &str, job: &str) -> Self {
        let fields = [FieldValue::text(number), FieldValue::text(email), FieldValue::text(job), FieldValue::Empty];
        self.memory.get_mut().accounts.insert(id.into(), Account::new(id, active, fields));
        self
    }

    fn protected(mut self, id: &str) -> Self {
        self.memory.get_mut().accounts.get_mut(&id.into()).unwrap().protection = Some(Protection::Agent);
        self
    }

    /// The next call that begins like this comes to grief.
    fn fate(mut self, call: &'static str, fate: Fate) -> Self {
        let fates = &mut self.memory.get_mut().fates;
        match fates.iter_mut().find(|(known, _)| *known == call) {
            Some((_, fates)) => fates.push_back(fate),
            None => fates.push((call, VecDeque::from([fate]))),
        }
        self
    }

    fn fails(self, call: &'static str, kind: ErrorKind) -> Self {
        self.fate(call, Fate::Error(kind))
    }

    fn call<T>(&self, call: String, act: impl FnOnce(&mut Memory) -> T) -> Result<T, TargetError> {
        let mut memory = self.memory.lock();
        if self.stop_at.is_some_and(|at| call.starts_with(at)) {
            self.stop.store(true, Ordering::SeqCst);
        }
        let fates = memory.fates.iter_mut().find(|(known, fates)| call.starts_with(known) && !fates.is_empty());
        let fate = fates.and_then(|(_, fates)| fates.pop_front());
        memory.calls.push(call);
        match fate {
            Some(Fate::Error(kind)) => Err(error(kind)),
            Some(Fate::Lost) => {
                act(&mut memory);
                Err(error(ErrorKind::Unsettled))
            }
            Some(Fate::Taken) => {
                act(&mut memory);
                Err(error(ErrorKind::Pending))
            }
            Some(Fate::But(field)) => Err(TargetError { fields: vec![field.into()], ..error(ErrorKind::Refused) }),
            None => Ok(act(&mut memory)),
        }
    }

    /// A change, which takes its time where only so many go well side by side.
    fn write<T>(&self, call: String, act: impl FnOnce(&mut Memory) -> T) -> Result<T, TargetError> {
        let Crowd { under_way, bears, status, carries_out, .. } = &self.crowd;
        if *bears == 0 {
            return self.call(call, act);
        }
        let is_one_too_many = under_way.fetch_add(1, Ordering::SeqCst) >= *bears;
        std::thread::sleep(std::time::Duration::from_millis(20));
        let result = match is_one_too_many && !carries_out {
            true => self.call(call, |_| ()).map(|()| None),
            false => self.call(call, act).map(Some),
        };
        under_way.fetch_sub(1, Ordering::SeqCst);
        match result? {
            Some(done) if !is_one_too_many => Ok(done),
            _ => {
                let kind = if *status == 500 { ErrorKind::Unsettled } else { ErrorKind::Unavailable };
                Err(error(kind).with_status(*status))
            }
        }
    }

    fn calls(&self) -> Vec<String> {
        self.memory.lock().calls.clone()
    }

    fn job(&self, id: &str) -> String {
        self.memory.lock().accounts[&id.into()].field(JOB).to_string()
    }
}

fn with(account: &Account, changes: &[FieldChange]) -> Account {
    let mut fields = account.fields().to_vec();
    for change in changes {
        fields[change.index.get()] = change.after.clone();
    }
    let mut changed = Account::new(account.id.clone(), account.active, fields);
    changed.protection = account.protection;
    changed
}

fn shown(changes: &[FieldChange]) -> String {
    changes.iter().map(|change| format!(" {}={}", change.field, change.after)).collect()
}

impl ReadAccounts for Directory {
    fn schema(&self) -> Result<Schema, TargetError> {
        unreachable!("applying does not plan")
    }

    fn accounts(&self, _progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        self.call("list".into(), |memory| Snapshot {
            accounts: memory.accounts.values().cloned().collect(),
            ..Snapshot::default()
        })
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        self.call(format!("look {id}"), |memory| memory.accounts.get(id).cloned())
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        self.call(format!("find {}={value}", NAMES[field.get()]), |memory| {
            let is_seen = |account: &&Account| !self.crowd.lags || !account.id.0.starts_with("new");
            memory.accounts.values().filter(is_seen).filter(|account| account.field(field) == value).cloned().collect()
        })
    }
}

impl WriteAccounts for Directory {
    fn create_reference(&self, _field: FieldIndex, name: &str) -> Result<(), TargetError> {
        self.call(format!("reference {name}"), |_| ())
    }

    fn create(&self, employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        self.write(format!("create {employee}{}", shown(fields)), |memory| {
            memory.made += 1;
            let id = AccountId::from(format!("new{employee}"));
            let account = with(&Account::new(id.clone(), true, vec![FieldValue::Empty; 4]), fields);
            memory.accounts.insert(id.clone(), account);
            id
        })
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        self.write(format!("update {account}{}", shown(changes)), |memory| {
            let changed = with(&memory.accounts[account], changes);
            memory.accounts.insert(account.clone(), changed);
        })
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.call(format!("reactivate {account}"), |memory| {
            let account = memory.accounts.get_mut(account).unwrap();
            account.active = true;
            if self.loses_fields {
                let emptied = FieldChange {
                    index: JOB,
                    field: "job".into(),
                    before: FieldValue::Empty,
                    after: FieldValue::Empty,
                };
                *account = with(account, &[emptied]);
            }
        })
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.write(format!("deactivate {account}"), |memory| {
            memory.accounts.get_mut(account).unwrap().active = self.keeps_everybody;
        })
    }

    fn batches(&self) -> Option<&dyn WriteBatches> {
        (self.batch > 0).then_some(self)
    }

    fn finish(&self) -> Result<(), TargetError> {
        self.memory.lock().calls.push("finish".into());
        self.finishes.map_or(Ok(()), |kind| Err(error(kind)))
    }
}

impl WriteBatches for Directory {
    fn most(&self) -> usize {
        self.batch
    }

    fn takes(&self, write: &Write<'_>) -> bool {
        let op = match write {
            Write::Create { .. } => Op::Create,
            Write::Update { .. } => Op::Update,
            Write::Reactivate { .. } => Op::Reactivate,
            Write::Deactivate { .. } => Op::Deactivate,
        };
        self.alone != Some(op)
    }

    /// Its own fate first, then that of each change.
    fn write(&self, writes: &[Write<'_>]) -> Vec<Written> {
        let fate = self.call(format!("batch of {}", writes.len()), |_| ());
        if let Err(error) = &fate
            && error.kind != ErrorKind::Unsettled
        {
            // `Unexpected` stands for a service that does not take these together.
            let cannot = error.kind == ErrorKind::Unexpected;
            return if cannot { Vec::new() } else { writes.iter().map(|_| Err(error.clone())).collect() };
        }
        let each = writes.iter().map(|write| match *write {
            Write::Create { employee, fields } => self.create(employee, fields).map(Some),
            Write::Update { account, changes } => self.update(account, changes).map(|()| None),
            Write::Reactivate { account } => self.reactivate(account).map(|()| None),
            Write::Deactivate { account } => self.deactivate(account).map(|()| None),
        });
        // An answer that is lost is lost for all of them.
        each.map(|result| fate.clone().and(result)).collect()
    }
}

/// Remembers what it is told, and may refuse to begin.
#[derive(Default)]
struct Notebook {
    lines: Mutex<Vec<String>>,
    begun: Mutex<usize>,
    /// How many times beginning works.
    works: Option<usize>,
    /// How many writes may be sent before the lock is lost.
    sends: Mutex<Option<usize>>,
}

impl Journal for Notebook {
    fn begin(&self, intents: &[Intent]) -> anyhow::Result<Vec<u64>> {
        let mut begun = self.begun.lock();
        *begun += 1;
        anyhow::ensure!(self.works.is_none_or(|works| *begun <= works), "the disk is full");
        let mut lines = self.lines.lock();
        Ok(intents
            .iter()
            .map(|intent| {
                let employee = intent.employee.map(|id| format!(" {id}")).unwrap_or_default();
                lines.push(format!("begin {}{employee}", intent.op));
                lines.len() as u64
            })
            .collect())
    }

    fn may_send(&self) -> anyhow::Result<()> {
        match &mut *self.sends.lock() {
            None => Ok(()),
            Some(0) => Err(StateError::LockLost { location: "on a server".into() }.into()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn finish(&self, number: u64, intent: &Intent, outcome: &JobOutcome) {
        let open = if outcome.open { ", open" } else { "" };
        let mut lines = self.lines.lock();
        let begun = lines[number as usize - 1].clone();
        assert!(begun.starts_with(&format!("begin {}", intent.op)), "{begun}");
        lines.push(format!("{} {}{open}", begun.replacen("begin", "end", 1), outcome.outcome.status()));
    }
}

fn field(index: FieldIndex, before: &str, after: &str) -> FieldChange {
    let after = match index {
        MANAGER if !after.is_empty() => FieldValue::Employee(after.parse().unwrap()),
        _ => FieldValue::text(after),
    };
    FieldChange { index, field: NAMES[index.get()].into(), before: FieldValue::text(before), after }
}

fn change(op: Op, employee: u64, account: Option<&str>, fields: Vec<FieldChange>) -> Change {
    Change {
        account: account.map(AccountId::from),
        fields,
        ..Change::new(op, (op != Op::Reference).then_some(EmployeeId(employee)))
    }
}

fn joiner(employee: u64, manager: &str) -> Change {
    let number = employee.to_string();
    let mut fields = vec![field(NUMBER, "", &number), field(EMAIL, "", &format!("p{employee}@example.com"))];
    if !manager.is_empty() {
        fields.push(field(MANAGER, "", manager));
    }
    change(Op::Create, employee, None, fields)
}

fn mover(employee: u64, account: &str) -> Change {
    change(Op::Update, employee, Some(account), vec![field(JOB, "Baker", "Cook")])
}

struct Run<'a> {
    target: &'a Directory,
    journal: Notebook,
    max_failures: u64,
    owned: BTreeMap<EmployeeId, AccountId>,
    protect: Vec<Expression>,
    workers: usize,
}

struct Done {
    applied: Applied,
    plan: TargetPlan,
    /// `create 1@new1 succeeded`
    lines: Vec<String>,
    journal: Vec<String>,
}

impl<'a> Run<'a> {
    fn on(target: &'a Directory) -> Self {
        let journal = Notebook::default();
        Self { target, journal, max_failures: 20, owned: BTreeMap::new(), protect: Vec::new(), workers: 1 }
    }

    fn apply(self, changes: Vec<Change>) -> Done {
        let schema = Schema {
            fields: vec![
                FieldSpec::new(NAMES[0], FieldKind::Text),
                FieldSpec::new(NAMES[1], FieldKind::Email),
                FieldSpec::new(NAMES[2], FieldKind::Text),
                FieldSpec::new(NAMES[3], FieldKind::Account),
            ],
            capabilities: Capabilities {
                reactivate_loses_fields: self.target.loses_fields,
                lasts_at_finish: self.target.lasts_at_finish,
                ..Capabilities::default()
            },
            ..Schema::default()
        };
        let mut plan = TargetPlan { changes, ..TargetPlan::empty("desk", "directory") };
        let options = ApplyOptions {
            stop: &self.target.stop,
            progress: &NoProgress,
            journal: &self.journal,
            workers: self.workers,
            max_failures: self.max_failures,
            match_fields: &[NUMBER, EMAIL],
            owned: &self.owned,
            protect: &self.protect,
        };
        let applied = apply(self.target, &schema, &mut plan, &options);
        let lines = plan.changes.iter().map(|change| {
            let employee = change.employee.map(|id| format!(" {id}")).unwrap_or_default();
            let account = change.account.as_ref().map(|id| format!("@{id}")).unwrap_or_default();
            let outcome = change.outcome.as_ref().unwrap();
            let error = outcome.error().map(|error| format!(": {error}")).unwrap_or_default();
            format!("{}{employee}{account} {}{error}", change.op, outcome.status())
        });
        Done { lines: lines.collect(), applied, plan, journal: self.journal.lines.into_inner() }
    }
}

#[test]
fn one_failure_stops_nobody_else() {
    let target = Directory::default().account("a", true, "1", "", "Baker").account("b", true, "2", "", "Baker");
    let target = target.fails("update a", ErrorKind::Refused);
    let done = Run::on(&target).apply(vec![joiner(3, ""), mover(1, "a"), mover(2, "b")]);
    assert_eq!(done.lines, ["create 3@new3 succeeded", "update 1@a failed: Refused", "update 2@b succeeded"]);
    assert_eq!(target.job("b"), "Cook");
    assert_eq!(done.applied.made, BTreeMap::from([(EmployeeId(3), "new3".into())]));
}

#[test]
fn references_accounts_managers_deactivations_in_this_order() {
    let target = Directory::default().account("z", true, "9", "", "Baker").account("m", true, "8", "", "Baker");
    let reference = change(Op::Reference, 0, None, vec![field(JOB, "", "Sales")]);
    let changes = vec![
        reference,
        joiner(1, "2"),
        joiner(2, "1"),
        change(Op::Update, 8, Some("m"), vec![field(JOB, "Baker", "Cook"), field(MANAGER, "", "1")]),
        change(Op::Deactivate, 9, Some("z"), Vec::new()),
    ];
    let done = Run::on(&target).apply(changes);
    assert_eq!(
        target.calls(),
        [
            "reference Sales",
            "create 1 number=1 email=p1@example.com",
            "create 2 number=2 email=p2@example.com",
            "update m job=Cook",
            "update new1 manager=new2",
            "update new2 manager=new1",
            "update m manager=new1",
            "deactivate z",
            "finish",
            "look z",
        ]
    );
    assert!(done.plan.changes.iter().all(|change| change.outcome == Some(Outcome::Succeeded)));
    assert_eq!(
        done.journal[..4],
        ["begin reference", "end reference succeeded", "begin create 1", "begin create 2"],
        "every intent of a batch is recorded before any of it is sent"
    );
}

#[test]
fn whatever_is_held_is_not_sent() {
    let target = Directory::default().account("a", true, "1", "", "Baker");
    let held = Change { hold: Some(Hold { code: Code::MaxUpdate, detail: "held".into() }), ..mover(1, "a") };
    let done = Run::on(&target).apply(vec![held]);
    assert_eq!(done.lines, ["update 1@a held"]);
    assert_eq!(target.calls(), ["finish"]);
    assert!(done.journal.is_empty());
}

#[test]
fn what_a_target_makes_in_its_own_time_is_pending_and_no_failure() {
    let target = Directory::default().account("a", true, "1", "", "Baker");
    let target = target.fails("create 2", ErrorKind::Pending).fails("create 3", ErrorKind::Pending);
    let moved = change(Op::Update, 1, Some("a"), vec![field(JOB, "Baker", "Cook"), field(MANAGER, "", "2")]);
    let done = Run { max_failures: 1, ..Run::on(&target) }.apply(vec![joiner(2, ""), joiner(3, ""), moved]);
    assert_eq!(
        done.lines,
        [
            "create 2 pending: Pending",
            "create 3 pending: Pending",
            "update 1@a pending: manager is not set yet: the account of employee 2 is being made",
        ]
    );
    assert_eq!(target.job("a"), "Cook");
    assert_eq!(
        target.calls()[..3],
        ["create 2 number=2 email=p2@example.com", "find number=2", "find email=p2@example.com"]
    );
    assert!(done.applied.made.is_empty());
    assert!(done.journal.contains(&"end create 2 pending, open".to_owned()), "{:?}", done.journal);

    // It was quick.
    let target = Directory::default().fate("create 2", Fate::Taken);
    let done = Run::on(&target).apply(vec![joiner(2, "")]);
    assert_eq!(done.lines, ["create 2@new2 succeeded"]);
}

#[test]
fn a_manager_who_was_not_made_is_said() {
    let target = Directory::default().fails("create 2", ErrorKind::Refused);
    let done = Run::on(&target).apply(vec![joiner(1, "2"), joiner(2, "")]);
    assert_eq!(
        done.lines,
        [
            "create 1@new1 failed: manager is not set: the account of employee 2 was not made",
            "create 2 failed: Refused"
        ]
    );
}

#[test]
fn a_stop_before_the_managers_does_not_deny_what_was_made() {
    let target = Directory { stop_at: Some("create 2"), ..Directory::default() }.account("x", true, "3", "", "Baker");
    let done = Run::on(&target).apply(vec![joiner(1, "2"), joiner(2, "1"), mover(3, "x")]);
    assert_eq!(
        done.lines,
        [
            "create 1@new1 failed: manager is not set: the run was stopped",
            "create 2@new2 failed: manager is not set: the run was stopped",
            "update 3@x succeeded"
        ]
    );
}

#[test]
fn who_exists_already_is_adopted() {
    let exists = |target: Directory| target.fails("create 1", ErrorKind::Exists);
    // In use and different, in use and right, out of use.
    let target = exists(Directory::default().account("a", true, "1", "old@example.com", ""));
    assert_eq!(Run::on(&target).apply(vec![joiner(1, "")]).lines, ["create 1@a succeeded"]);
    assert_eq!(target.calls()[1..], ["find number=1", "update a email=p1@example.com", "finish"]);

    let target = exists(Directory::default().account("a", true, "1", "p1@example.com", ""));
    Run::on(&target).apply(vec![joiner(1, "")]);
    assert_eq!(target.calls()[1..], ["find number=1", "finish"]);

    let target = exists(Directory::default().account("a", false, "", "p1@example.com", ""));
    let done = Run::on(&target).apply(vec![joiner(1, "")]);
    assert_eq!(done.lines, ["create 1@a succeeded"]);
    assert_eq!(
        target.calls()[1..],
        [
            "find number=1",
            "find email=p1@example.com",
            "reactivate a",
            "update a number=1 email=p1@example.com",
            "finish"
        ]
    );
    assert_eq!(done.applied.made, BTreeMap::from([(EmployeeId(1), "a".into())]));
}

#[test]
fn who_was_there_already_counts_as_found_and_not_as_made() {
    let target =
        Directory::default().account("a", true, "1", "p1@example.com", "").fails("create 1", ErrorKind::Exists);
    let done = Run::on(&target).apply(vec![joiner(1, ""), joiner(2, "")]);
    let summary = done.plan.summary();
    assert_eq!((summary.create, summary.found), (1, 1));
    assert_eq!(done.plan.changes[0].reason, Some(crate::code::Code::AccountFound));
    // An answer that was lost says nothing of who made the account.
    let lost = Directory::default().fate("create 1", Fate::Lost);
    let summary = Run::on(&lost).apply(vec![joiner(1, "")]).plan.summary();
    assert_eq!((summary.create, summary.found), (1, 0));
}

#[test]
fn what_belongs_to_somebody_else_is_not_adopted() {
    let exists = |target: Directory| target.fails("create 1", ErrorKind::Exists);
    let there = || exists(Directory::default().account("a", true, "", "p1@example.com", ""));
    let lines = |target: &Directory, owned: &[(u64, &str)]| {
        let owned = owned.iter().map(|(employee, account)| (EmployeeId(*employee), AccountId::from(*account)));
        let done = Run { owned: owned.collect(), ..Run::on(target) }.apply(vec![joiner(1, "")]);
        assert!(!target.calls().iter().any(|call| call.starts_with("update")));
        done.lines.concat()
    };
    assert_eq!(
        lines(&there(), &[(7, "a")]),
        "create 1 failed: the account a has the same email and belongs to employee 7"
    );
    assert_eq!(
        lines(&there().protected("a"), &[]),
        "create 1 failed: the account a has the same email and is never changed (account_is_agent)"
    );
    let refused = "create 1 failed: the account a has the same email and is never changed (account_protected)";
    let protect = vec![Expression::compile_over_fields("job == 'Director'").unwrap()];
    let director = exists(Directory::default()).account("a", false, "", "p1@example.com", "Director");
    assert_eq!(Run { protect, ..Run::on(&director) }.apply(vec![joiner(1, "")]).lines, [refused]);
    assert!(!director.memory.lock().accounts[&"a".into()].active);
    let two = there().account("b", true, "", "p1@example.com", "");
    assert_eq!(lines(&two, &[]), "create 1 failed: 2 accounts have the same email; none is taken");
    assert_eq!(lines(&exists(Directory::default()), &[]), "create 1 failed: Exists");
}

#[test]
fn a_lost_answer_is_looked_into_before_anything_is_sent_again() {
    let made = |target: &Directory| target.memory.lock().made;
    let target = Directory::default().fate("create 1", Fate::Lost);
    let done = Run::on(&target).apply(vec![joiner(1, "")]);
    assert_eq!((done.lines.concat(), made(&target)), ("create 1@new1 succeeded".into(), 1));

    let target = Directory::default().fails("create 1", ErrorKind::Unsettled);
    let done = Run::on(&target).apply(vec![joiner(1, "")]);
    assert_eq!((done.lines.concat(), made(&target)), ("create 1 failed: Unsettled".into(), 0));
    assert_eq!(done.journal, ["begin create 1", "end create 1 failed, open"]);

    let desk = || Directory::default().account("a", true, "1", "", "Baker");
    let outcome = |target: &Directory, change: Change| {
        let done = Run::on(target).apply(vec![change]);
        (done.lines.concat(), done.journal.last().unwrap().ends_with(", open"))
    };
    let deactivate = || change(Op::Deactivate, 1, Some("a"), Vec::new());
    assert_eq!(outcome(&desk().fate("update a", Fate::Lost), mover(1, "a")), ("update 1@a succeeded".into(), false));
    assert_eq!(
        outcome(&desk().fails("update a", ErrorKind::Unsettled), mover(1, "a")),
        ("update 1@a failed: Unsettled".into(), true)
    );
    assert_eq!(
        outcome(&desk().fate("deactivate a", Fate::Lost), deactivate()),
        ("deactivate 1@a succeeded".into(), false)
    );
    assert_eq!(
        outcome(&desk().fails("deactivate a", ErrorKind::Unsettled), deactivate()),
        ("deactivate 1@a failed: Unsettled; the account is still in use".into(), true)
    );
    assert_eq!(
        outcome(&desk().fails("deactivate a", ErrorKind::NotFound), deactivate()),
        ("deactivate 1@a failed: the target took the change, and the account is still in use".into(), false)
    );
    assert_eq!(
        outcome(&desk().fails("update a", ErrorKind::NotFound), mover(1, "a")).0,
        "update 1@a failed: the account is gone from the target; the next run plans afresh"
    );
}

#[test]
fn a_removal_counts_once_the_account_is_seen_out_of_use() {
    let desk = || Directory::default().account("a", true, "1", "", "Baker");
    let deactivate = || change(Op::Deactivate, 1, Some("a"), Vec::new());
    let keeps = Directory { keeps_everybody: true, ..desk() };
    for batch in [0, 10] {
        let keeps = Directory { keeps_everybody: true, batch, ..desk() };
        let done = Run::on(&keeps).apply(vec![deactivate()]);
        let failed = "deactivate 1@a failed: the target took the change, and the account is still in use";
        assert_eq!(done.lines, [failed]);
        assert_eq!(done.journal, ["begin deactivate 1", "end deactivate 1 failed"]);
        assert!(matches!(done.plan.changes[0].outcome, Some(Outcome::Failed { code: Code::StillInUse, .. })));
    }
    // What says nothing of it proves nothing, and neither does a look that fails.
    let mut silent = keeps;
    silent.memory.get_mut().accounts.get_mut(&"a".into()).unwrap().active_is_said = false;
    for target in [silent, desk().fails("look", ErrorKind::Unavailable)] {
        assert_eq!(Run::on(&target).apply(vec![deactivate()]).lines, ["deactivate 1@a succeeded"]);
    }
    // Refused because it is out of use already.
    let done = Run::on(&desk().fails("deactivate a", ErrorKind::Refused)).apply(vec![deactivate()]);
    assert_eq!(done.lines, ["deactivate 1@a failed: Refused; the account is still in use"]);
    let out = Directory::default().account("a", false, "1", "", "Baker").fails("deactivate a", ErrorKind::Refused);
    assert_eq!(Run::on(&out).apply(vec![deactivate()]).lines, ["deactivate 1@a succeeded"]);
}

#[test]
fn a_lost_answer_stays_open_when_nobody_can_look() {
    let desk = || Directory::default().account("a", false, "1", "", "Baker");
    let reactivate = || change(Op::Reactivate, 1, Some("a"), vec![field(JOB, "Baker", "Cook")]);
    for (target, change) in [
        (desk().fate("create 2", Fate::Lost).fails("find", ErrorKind::Unavailable), joiner(2, "")),
        (desk().fate("update a", Fate::Lost).fails("look", ErrorKind::Unavailable), mover(1, "a")),
        (
            desk().fate("deactivate a", Fate::Lost).fails("look", ErrorKind::Unavailable),
            change(Op::Deactivate, 1, Some("a"), Vec::new()),
        ),
        (desk().fate("reactivate a", Fate::Lost).fails("look", ErrorKind::Unavailable), reactivate()),
    ] {
        let done = Run::on(&target).apply(vec![change]);
        let last = done.journal.last().unwrap();
        assert!(last.ends_with("failed, open"), "{last}");
        assert!(done.applied.unavailable, "{last}");
        assert!(
            matches!(done.plan.changes[0].outcome, Some(Outcome::Failed { code: Code::OutcomeUnknown, .. })),
            "{last}"
        );
    }
}

#[test]
fn a_change_by_somebody_else_is_looked_at_and_tried_once_more() {
    let outcome = |target: &Directory, change: Change| Run::on(target).apply(vec![change]).lines.concat();
    let changed = |target: Directory, call| target.fails(call, ErrorKind::Changed);
    // Another field was changed, or the same one to what we want.
    for job in ["Baker", "Cook"] {
        let target = changed(Directory::default().account("a", true, "1", "new@example.com", job), "update a");
        assert_eq!(outcome(&target, mover(1, "a")), "update 1@a succeeded");
        assert_eq!(target.calls(), ["update a job=Cook", "look a", "update a job=Cook", "finish"]);
    }
    // The same field was changed, the account is out of bounds, or is gone.
    let baker = || Directory::default().account("a", true, "1", "", "Baker");
    for target in
        [Directory::default().account("a", true, "1", "", "CEO"), baker().protected("a"), Directory::default()]
    {
        let target = changed(target, "update a");
        assert_eq!(outcome(&target, mover(1, "a")), "update 1@a failed: Changed");
        assert_eq!(target.calls(), ["update a job=Cook", "look a", "finish"]);
    }
    // Once more, not for ever.
    let target = changed(changed(baker(), "update a"), "update a");
    assert_eq!(outcome(&target, mover(1, "a")), "update 1@a failed: Changed");
    assert_eq!(target.calls().len(), 4);
    // Leaving and coming back are about nothing but that.
    for op in [Op::Deactivate, Op::Reactivate] {
        let target = changed(baker(), op.as_str());
        assert_eq!(outcome(&target, change(op, 1, Some("a"), Vec::new())), format!("{op} 1@a succeeded"));
        let mut calls = vec![format!("{op} a"), "look a".into(), format!("{op} a"), "finish".into()];
        // A removal counts once it is seen.
        calls.extend((op == Op::Deactivate).then(|| "look a".into()));
        assert_eq!(target.calls(), calls);
    }
    // In a batch as alone.
    let target = Directory { batch: 9, ..baker().account("b", true, "2", "", "Baker") };
    let target = changed(target, "update b");
    let done = Run::on(&target).apply(vec![mover(1, "a"), mover(2, "b")]);
    assert_eq!(done.lines, ["update 1@a succeeded", "update 2@b succeeded"]);
    assert_eq!(target.calls()[3..], ["look b", "update b job=Cook", "finish"]);
}

#[test]
fn what_reactivating_loses_is_written_again() {
    let target = Directory { loses_fields: true, ..Directory::default() }.account("a", false, "1", "", "Baker");
    let mut back = change(Op::Reactivate, 1, Some("a"), vec![field(EMAIL, "", "p1@example.com")]);
    back.rewrite = vec![field(NUMBER, "1", "1"), field(JOB, "Baker", "Baker")];
    Run::on(&target).apply(vec![back]);
    assert_eq!(target.calls(), ["reactivate a", "look a", "update a email=p1@example.com job=Baker", "finish"]);

    let target = Directory::default().account("a", false, "1", "", "Baker");
    Run::on(&target).apply(vec![change(Op::Reactivate, 1, Some("a"), Vec::new())]);
    assert_eq!(target.calls(), ["reactivate a", "finish"]);
}

#[test]
fn failures_in_a_row_end_the_target_and_a_success_begins_anew() {
    let mut target = Directory::default();
    for number in 1..=9 {
        target = target.account(&format!("a{number}"), true, &number.to_string(), "", "Baker");
    }
    for call in ["update a1", "update a2", "update a4", "update a5", "update a6"] {
        target = target.fails(call, ErrorKind::Refused);
    }
    let changes = (1..=9).map(|number| mover(number, &format!("a{number}"))).collect();
    let done = Run { max_failures: 3, ..Run::on(&target) }.apply(changes);
    let statuses: Vec<&str> =
        done.plan.changes.iter().map(|change| change.outcome.as_ref().unwrap().status()).collect();
    let (failed, left) = ("failed", "not_attempted");
    assert_eq!(statuses, [failed, failed, "succeeded", failed, failed, failed, left, left, left]);
    assert_eq!(done.lines[8], "update 9@a9 not_attempted: the target refused 3 changes in a row (max_failures)");
    assert_eq!(target.calls().last().unwrap(), "finish", "what was written is kept");
}

#[test]
fn a_field_that_alone_is_refused_is_kept_apart_and_does_not_count_in_a_row() {
    let (mut target, mut changes) = (Directory::default(), Vec::new());
    for number in 1..=4 {
        let account = format!("a{number}");
        target = target.account(&account, true, &number.to_string(), "", "Baker");
        changes.push(mover(number, &account));
    }
    for call in ["update a1", "update a2", "update a3"] {
        target = target.fate(call, Fate::But("job"));
    }
    let done = Run { max_failures: 2, ..Run::on(&target) }.apply(changes);
    assert_eq!(done.lines[2..], ["update 3@a3 failed: Refused", "update 4@a4 succeeded"]);
    let refused: Vec<_> = done.applied.refused.iter().map(|(employee, change)| (employee.0, &*change.field)).collect();
    assert_eq!(refused, [(1, "job"), (2, "job"), (3, "job")]);
    // What is no field of the change is its failure as a whole.
    let target = Directory::default().account("a", true, "1", "", "Baker").fate("update a", Fate::But("enabled"));
    assert!(Run::on(&target).apply(vec![mover(1, "a")]).applied.refused.is_empty());
}

#[test]
fn a_refused_sign_in_ends_the_target_at_once() {
    let target = Directory::default().fails("create 1", ErrorKind::SignIn);
    let done = Run::on(&target).apply(vec![joiner(1, ""), joiner(2, ""), mover(3, "x")]);
    assert_eq!(
        done.lines,
        [
            "create 1 failed: SignIn",
            "create 2 not_attempted: the target refused the sign-in",
            "update 3@x not_attempted: the target refused the sign-in"
        ]
    );
    assert!(done.applied.sign_in_refused);
}

/// All three are recorded together; the lock is asked about before each.
#[test]
fn nothing_is_sent_once_the_lock_is_lost() {
    for batch in [0, 2] {
        let target = Directory { batch, ..Directory::default() };
        let journal = Notebook { sends: Mutex::new(Some(1)), ..Notebook::default() };
        let joiners = (1..=5).map(|id| joiner(id, "")).collect();
        let done = Run { journal, ..Run::on(&target) }.apply(joiners);
        let sent = done.lines.iter().filter(|line| line.ends_with("succeeded")).count();
        assert_eq!(sent, batch.max(1), "{:?}", done.lines);
        assert!(
            done.lines[sent..].iter().all(|line| line.contains("not_attempted") && line.contains("the lock was lost"))
        );
        assert!(done.applied.journal_failed.unwrap().out_of_reach);
    }
}

/// Half of a file would look like the whole of it.
#[test]
fn what_lasts_at_the_end_only_is_written_whole_or_not_at_all() {
    let target = Directory { lasts_at_finish: true, ..Directory::default() };
    let journal = Notebook { works: Some(1), ..Notebook::default() };
    let joiners = (1..=3_000).map(|id| joiner(id, "")).collect();
    let done = Run { journal, ..Run::on(&target) }.apply(joiners);
    assert!(done.lines.iter().all(|line| line.contains("not_attempted")), "{:?}", done.lines);
    assert!(!target.calls().contains(&"finish".to_owned()));
    assert!(done.journal.iter().filter(|line| line.starts_with("end")).all(|line| line.ends_with("not_attempted")));
    // The lock is asked about before the one write that counts.
    let target = Directory { lasts_at_finish: true, ..Directory::default() };
    let journal = Notebook { sends: Mutex::new(Some(0)), ..Notebook::default() };
    let done = Run { journal, ..Run::on(&target) }.apply(vec![joiner(1, "")]);
    assert!(done.lines[0].contains("not_attempted") && !target.calls().contains(&"finish".to_owned()));
}

#[test]
fn nothing_is_sent_that_was_not_recorded() {
    let target = Directory::default();
    let journal = Notebook { works: Some(0), ..Notebook::default() };
    let done = Run { journal, ..Run::on(&target) }.apply(vec![joiner(1, ""), joiner(2, "")]);
    let why = "the state cannot be written, so nothing is sent: the disk is full";
    assert_eq!(done.lines, [format!("create 1 not_attempted: {why}"), format!("create 2 not_attempted: {why}")]);
    assert_eq!(done.applied.journal_failed, Some(JournalFailed { why: why.into(), out_of_reach: false }));
    assert_eq!(target.calls(), ["finish"]);
    // Later in the run: what was recorded was sent, and nothing else.
    let target = Directory::default().account("z", true, "9", "", "");
    let journal = Notebook { works: Some(1), ..Notebook::default() };
    let leaver = change(Op::Deactivate, 9, Some("z"), Vec::new());
    let done = Run { journal, ..Run::on(&target) }.apply(vec![joiner(1, ""), leaver]);
    assert_eq!(done.lines[0], "create 1@new1 succeeded");
    assert_eq!(done.plan.changes[1].outcome.as_ref().unwrap().status(), "not_attempted");
}

#[test]
fn a_stop_leaves_the_rest_for_the_next_run() {
    let mut target = Directory { stop_at: Some("update b"), ..Directory::default() };
    for id in ["a", "b", "c"] {
        target = target.account(id, true, id, "", "Baker");
    }
    let done = Run::on(&target).apply(vec![mover(1, "a"), mover(2, "b"), mover(3, "c")]);
    assert_eq!(
        done.lines,
        ["update 1@a succeeded", "update 2@b succeeded", "update 3@c not_attempted: the run was stopped"]
    );
}

#[test]
fn what_cannot_be_made_to_last_has_failed() {
    let target = Directory { finishes: Some(ErrorKind::Unavailable), ..Directory::default() };
    let done = Run::on(&target).apply(vec![joiner(1, "")]);
    assert_eq!(done.lines, ["create 1@new1 failed: Unavailable"]);
    assert!(done.applied.made.is_empty() && done.applied.unavailable);
}

#[test]
fn several_at_once_come_to_the_same() {
    let mut target = Directory::default();
    let changes: Vec<Change> = (1..=300).map(|number| joiner(number, if number > 1 { "1" } else { "" })).collect();
    for number in ["create 7 ", "create 70 ", "create 200 "] {
        target = target.fails(number, ErrorKind::Refused);
    }
    let done = Run { workers: 8, ..Run::on(&target) }.apply(changes);
    assert_eq!(done.applied.made.len(), 297);
    let calls = target.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("create")).count(), 300, "each once");
    assert_eq!(calls.iter().filter(|call| call.ends_with("manager=new1")).count(), 299, "along with the create");
}

#[test]
fn addresses_that_move_on_are_written_in_their_order() {
    let target =
        Directory::default().account("a", true, "1", "a@example.com", "").account("b", true, "2", "b@example.com", "");
    let moves = |from: &str, to: &str| vec![field(EMAIL, from, to)];
    let swap = vec![
        change(Op::Update, 1, Some("a"), moves("a@example.com", "b@example.com")),
        change(Op::Update, 2, Some("b"), moves("b@example.com", "a@example.com")),
    ];
    let done = Run::on(&target).apply(swap);
    assert_eq!(
        target.calls(),
        [
            "update b email=moving-b@example.invalid",
            "update a email=b@example.com",
            "update b email=a@example.com",
            "finish"
        ]
    );
    assert_eq!(done.lines, ["update 1@a succeeded", "update 2@b succeeded"]);
    assert_eq!(done.journal.iter().filter(|line| line.starts_with("begin")).count(), 3, "each write is recorded");
}

#[test]
fn a_change_that_is_dropped_while_it_waits_is_as_if_its_turn_had_not_come() {
    let target = Directory::default().account("a", true, "1", "", "Baker").account("b", true, "2", "", "Baker");
    let target = target.fails("update a", ErrorKind::Interrupted);
    let done = Run::on(&target).apply(vec![mover(1, "a"), mover(2, "b")]);
    assert_eq!(done.lines, ["update 1@a not_attempted: Interrupted", "update 2@b succeeded"]);
    assert!(!done.applied.unavailable);
}
