//! A company and a directory that remember, each run at a moment that the test gives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::config::{LoadOptions, Settings, load};
use crate::employee::{Attributes, Completeness, Employee, EmployeeId, Employees, Part, Supervisor, Value};
use crate::exit::{Failure, Reason};
use crate::field::{AccountId, Capabilities, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};
use crate::http::Requests;
use crate::personio::{CatalogueEntry, Presence, ReadResult, Source, SourceError};
use crate::plan::{Account, FieldChange, Snapshot};
use crate::progress::{NoProgress, Progress, ReadProgress, RunProgress};
use crate::section::Table;
use crate::state::Who;
use crate::sync::{Caller, Finished, Inputs, Memory, Operator, PrepareOptions, Prepared};
use crate::targets::{
    Connection, ErrorKind, FieldLookup, Kind, ReadAccounts, SandboxAddresses, Target, TargetError, TargetType,
    WriteAccounts,
};

/// Somebody, by the names of attributes. What is not said is empty.
pub(super) type Person = BTreeMap<&'static str, String>;

/// A company that tells who changed, late and twice if it is to.
#[derive(Default)]
pub(super) struct Company {
    pub(super) people: BTreeMap<u64, Person>,
    pub(super) edits: Vec<(DateTime<Utc>, u64)>,
    pub(super) now: DateTime<Utc>,
    pub(super) late: TimeDelta,
    pub(super) doubled: bool,
    /// What it was asked.
    pub(super) asked: Vec<String>,
}

impl Company {
    pub(super) fn set(&mut self, id: u64, values: &[(&'static str, &str)]) {
        let person = self.people.entry(id).or_default();
        person.extend(values.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.edits.push((self.now, id));
    }

    fn employee(&self, id: u64, attributes: &Attributes) -> Employee {
        let person = &self.people[&id];
        let value = |key: &str| match person.get(key).map_or("", String::as_str) {
            "" => Value::Empty,
            text if key.ends_with("_date") || key == "last_working_day" => Value::Date(text.parse().unwrap()),
            text if key == "supervisor" => Value::Supervisor(Arc::new(Supervisor {
                id: EmployeeId(text.parse().unwrap()),
                email: Part::Hidden,
                name: Part::Hidden,
            })),
            text => Value::text(text),
        };
        Employee::new(EmployeeId(id), attributes.keys().map(value).collect::<Vec<_>>())
    }
}

/// The company as a run reads it.
pub(super) struct Read<'c>(pub(super) &'c Mutex<Company>);

impl Source for Read<'_> {
    fn employees(&self, attributes: &Attributes, _: &dyn Progress) -> Result<ReadResult, SourceError> {
        let mut company = self.0.lock();
        company.asked.push("everybody".into());
        let list = company.people.keys().map(|id| company.employee(*id, attributes)).collect();
        let employees = Employees::new(attributes.clone(), list, Completeness::Proven);
        Ok(ReadResult { employees, notices: Vec::new(), without_id: 0 })
    }

    /// Somebody who is delivered twice is there once for a run: reading sees to that.
    fn changed(
        &self,
        attributes: &Attributes,
        since: DateTime<Utc>,
        _: &dyn Progress,
    ) -> Result<Option<ReadResult>, SourceError> {
        let mut company = self.0.lock();
        company.asked.push("changes".into());
        let surfaced = company.now - company.late;
        let is_told = |at: DateTime<Utc>| {
            // Twice: when it surfaces, and once more when it was to be over long ago.
            (since <= at || company.doubled && since <= at + TimeDelta::hours(30)) && at <= surfaced
        };
        let mut ids: Vec<u64> = company.edits.iter().filter(|(at, _)| is_told(*at)).map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let list = ids.into_iter().map(|id| company.employee(id, attributes)).collect();
        let employees = Employees::new(attributes.clone(), list, Completeness::Unproven { why: "changes".into() });
        Ok(Some(ReadResult { employees, notices: Vec::new(), without_id: 0 }))
    }

    fn presence(&self, employee: EmployeeId) -> Result<Presence, SourceError> {
        let there = self.0.lock().people.contains_key(&employee.0);
        Ok(if there { Presence::There } else { Presence::Gone })
    }

    fn requests(&self) -> Requests {
        Requests::default()
    }

    fn catalogue(&self) -> Result<Vec<CatalogueEntry>, SourceError> {
        Ok(Vec::new())
    }
}

/// What a directory holds, and what it was asked.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) calls: Vec<String>,
    made: usize,
    /// The next write comes to grief so.
    pub(super) fails: Option<ErrorKind>,
    /// Whether accounts can be read by id.
    by_id: bool,
}

static DIRECTORIES: LazyLock<Mutex<BTreeMap<String, Arc<Mutex<Directory>>>>> = LazyLock::new(Mutex::default);

#[derive(Debug)]
struct Section(String);

fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let world = table.text("world")?.value.to_owned();
    let by_id = table.raw("by_id").is_none_or(|value| value.get_ref().as_bool() != Some(false));
    DIRECTORIES.lock().entry(world.clone()).or_default().lock().by_id = by_id;
    Some(Box::new(Section(world)))
}

const FIELDS: [(&str, FieldKind); 4] =
    [("email", FieldKind::Email), ("name", FieldKind::Text), ("job", FieldKind::Text), ("manager", FieldKind::Account)];

impl TargetType for Section {
    fn kind(&self) -> &'static str {
        "directory"
    }

    fn field(&self, name: &str) -> FieldLookup {
        let known = self.known_fields().into_iter().find(|spec| &*spec.name == name);
        known.map_or(FieldLookup::Unknown, FieldLookup::Known)
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        FIELDS.map(|(name, kind)| FieldSpec::new(name, kind)).to_vec()
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["email"]
    }

    fn identity(&self) -> String {
        format!("directory {}", self.0)
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        Ok(Box::new(Open { directory: Arc::clone(&DIRECTORIES.lock()[&self.0]), fields: connection.fields }))
    }

    fn redirect(&mut self, _: &SandboxAddresses) {}
}

struct Open {
    directory: Arc<Mutex<Directory>>,
    fields: Vec<FieldSpec>,
}

impl Open {
    fn write<T>(&self, call: String, act: impl FnOnce(&mut Directory) -> T) -> Result<T, TargetError> {
        let mut directory = self.directory.lock();
        directory.calls.push(call);
        match directory.fails.take() {
            Some(kind) => Err(TargetError::new(kind, "told to fail")),
            None => Ok(act(&mut directory)),
        }
    }
}

fn with(account: &Account, changes: &[FieldChange]) -> Account {
    let mut fields = account.fields().to_vec();
    changes.iter().for_each(|change| fields[change.index.get()] = change.after.clone());
    Account::new(account.id.clone(), account.active, fields)
}

impl ReadAccounts for Open {
    fn schema(&self) -> Result<Schema, TargetError> {
        Ok(Schema { fields: self.fields.clone(), capabilities: Capabilities::default(), ..Schema::default() })
    }

    fn accounts(&self, _: &dyn Progress) -> Result<Snapshot, TargetError> {
        let mut directory = self.directory.lock();
        directory.calls.push("list".into());
        Ok(Snapshot { accounts: directory.accounts.values().cloned().collect(), ..Snapshot::default() })
    }

    fn accounts_by_id(&self, ids: &[AccountId]) -> Result<Option<Snapshot>, TargetError> {
        if !self.directory.lock().by_id {
            return Ok(None);
        }
        let found = ids.iter().filter_map(|id| self.account(id).transpose()).collect::<Result<_, _>>()?;
        Ok(Some(Snapshot { accounts: found, ..Snapshot::default() }))
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, TargetError> {
        let mut directory = self.directory.lock();
        directory.calls.push(format!("look {id}"));
        Ok(directory.accounts.get(id).cloned())
    }

    fn reads_by_id(&self) -> bool {
        self.directory.lock().by_id
    }

    fn find(&self, field: FieldIndex, value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        let directory = self.directory.lock();
        Ok(directory.accounts.values().filter(|account| account.field(field) == value).cloned().collect())
    }
}

impl WriteAccounts for Open {
    fn create_reference(&self, _: FieldIndex, _: &str) -> Result<(), TargetError> {
        unreachable!("there are none")
    }

    fn create(&self, employee: EmployeeId, fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        self.write(format!("create {employee}"), |directory| {
            directory.made += 1;
            let id = AccountId::from(format!("a{}", directory.made));
            let empty = Account::new(id.clone(), true, vec![FieldValue::Empty; self.fields.len()]);
            directory.accounts.insert(id.clone(), with(&empty, fields));
            id
        })
    }

    fn update(&self, account: &AccountId, changes: &[FieldChange]) -> Result<(), TargetError> {
        self.write(format!("update {account}"), |directory| {
            let changed = with(&directory.accounts[account], changes);
            directory.accounts.insert(account.clone(), changed);
        })
    }

    fn reactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.write(format!("reactivate {account}"), |directory| {
            directory.accounts.get_mut(account).unwrap().active = true;
        })
    }

    fn deactivate(&self, account: &AccountId) -> Result<(), TargetError> {
        self.write(format!("deactivate {account}"), |directory| {
            directory.accounts.get_mut(account).unwrap().active = false;
        })
    }
}

struct Nobody(AtomicBool);

struct NoBars;

impl ReadProgress for NoBars {
    fn reading(&self, _: &str) -> Box<dyn Progress + '_> {
        Box::new(NoProgress)
    }
}

impl RunProgress for NoBars {
    fn writing(&self, _: &str, _: usize) -> Box<dyn Progress + '_> {
        Box::new(NoProgress)
    }
}

impl Operator for Nobody {
    fn progress(&self) -> Box<dyn RunProgress + '_> {
        Box::new(NoBars)
    }

    fn approve(&self, _: &Prepared<'_>, _: usize) -> Result<(), Failure> {
        Ok(())
    }

    fn stop(&self) -> &AtomicBool {
        &self.0
    }

    fn stopped_by(&self) -> Option<Reason> {
        None
    }
}

/// A file, its state and its directory.
pub(super) struct World {
    folder: TempDir,
    pub(super) settings: Settings,
    pub(super) memory: Memory,
    pub(super) directory: Arc<Mutex<Directory>>,
}

impl World {
    /// `section` stands in the target's section of the file.
    pub(super) fn new(section: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().display().to_string();
        let settings = settings(&folder.path().join("file.toml"), &name, section);
        let caller = Caller {
            who: Who::default(),
            pid: 1,
            command: "sync".into(),
            now: DateTime::UNIX_EPOCH,
            clock: || DateTime::UNIX_EPOCH,
        };
        let memory = Memory::for_reading(&settings, caller).unwrap();
        Self { folder, settings, memory, directory: Arc::clone(&DIRECTORIES.lock()[&name]) }
    }

    /// The file says something else from now on.
    pub(super) fn rewrite(&mut self, section: &str) {
        let path: PathBuf = self.folder.path().join("file.toml");
        self.settings = settings(&path, &self.folder.path().display().to_string(), section);
    }

    pub(super) fn run(&mut self, company: &Mutex<Company>, changes: bool) -> Finished<'_> {
        let now = company.lock().now;
        self.memory.set_now(now);
        let today: NaiveDate = now.date_naive();
        let source = Read(company);
        let Self { settings, memory, .. } = self;
        let inputs = Inputs { settings, today, source: &source, memory, rehearsed: &[] };
        let options = PrepareOptions { changes, ..PrepareOptions::new::<&str>(today, &[]) };
        inputs.synchronise(&options, &Nobody(AtomicBool::new(false)), Duration::ZERO, |_| Ok(false)).unwrap()
    }

    /// What the directory was asked since it was last looked at.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.directory.lock().calls)
    }

    /// Everybody's account, by address, whatever it is called.
    pub(super) fn accounts(&self) -> BTreeMap<String, (bool, String)> {
        let directory = self.directory.lock();
        let email = |id: &AccountId| directory.accounts.get(id).map(|account| account.field(FieldIndex(0)).to_string());
        let shown = |account: &Account| {
            let manager = match account.field(FieldIndex(3)) {
                FieldValue::Account(id) => email(id).unwrap_or_default(),
                _ => String::new(),
            };
            let [name, job] = [1, 2].map(|index| account.field(FieldIndex(index)).to_string());
            (account.field(FieldIndex(0)).to_string(), (account.active, format!("{name}, {job}, under {manager}")))
        };
        directory.accounts.values().map(shown).collect()
    }
}

fn settings(path: &std::path::Path, world: &str, section: &str) -> Settings {
    let text = format!(
        "timezone = \"UTC\"\n[personio]\nclient_id = \"tests\"\nclient_secret = \"tests\"\n[state]\npath = \"none.sqlite\"\n\
         [targets.desk]\ntype = \"directory\"\nworld = '{world}'\n{section}\n\
         [targets.desk.safety]\nmax_deactivate = 1000\nmax_field_share = \"100%\"\n\
         [targets.desk.mapping]\nemail = \"email\"\nname = \"first_name\"\njob = \"position\"\nmanager = \"supervisor\"\n"
    );
    std::fs::write(path, text).unwrap();
    let options = LoadOptions { kinds: &[Kind::unlisted("directory", parse)], ..LoadOptions::new(&|_| None) };
    load(path, &options).unwrap_or_else(|error| panic!("{error}"))
}
