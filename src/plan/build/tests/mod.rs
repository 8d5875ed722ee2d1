//! Whole plans for one target, told in lines: what is known on the left, what is planned on the right.

mod handovers;

use crate::field::{AccountId, Capabilities, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::config::{LoadOptions, Settings, load};
use crate::employee::{
    Completeness, Employee, EmployeeId, Employees, Named, Part, Standing, Supervisor, Value, standing,
};
use crate::plan::*;
use crate::plan::{Policy, Refusal};
use crate::section::Table;
use crate::targets::{Connection, FieldLookup, Kind, SandboxAddresses, Target, TargetType};

/// A type of target that exists in these tests only.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Directory {
    takes_everyone: bool,
    hard_to_undo: bool,
}

fn parse_directory(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    Some(Box::new(table.read::<Directory>()?))
}

impl TargetType for Directory {
    fn kind(&self) -> &'static str {
        "directory"
    }

    fn field(&self, name: &str) -> FieldLookup {
        self.known_fields()
            .into_iter()
            .find(|spec| &*spec.name == name)
            .map_or(FieldLookup::Unknown, FieldLookup::Known)
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        vec![
            FieldSpec::new("number", FieldKind::Text).identity(),
            FieldSpec::new("email", FieldKind::Email),
            FieldSpec::new("phone", FieldKind::Phone),
            FieldSpec::new("name", FieldKind::Text).required(),
            FieldSpec::new("job", FieldKind::Text).max_length(12),
            FieldSpec::new("since", FieldKind::Date),
            FieldSpec::new("departments", FieldKind::References),
            FieldSpec::new("place", FieldKind::Reference),
            FieldSpec::new("manager", FieldKind::Account),
        ]
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["number"]
    }

    fn policy(&self) -> Policy {
        Policy {
            includes_leavers: self.takes_everyone,
            unfiltered_note: self.hard_to_undo.then_some("no filters are set, and nobody is ever deleted"),
            unknown_manager_note: Some("somebody else approves"),
            ..Policy::default()
        }
    }

    fn identity(&self) -> String {
        "directory".into()
    }

    fn open(&self, _connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        anyhow::bail!("never opened")
    }

    fn redirect(&mut self, _sandbox: &SandboxAddresses) {}
}

const TODAY: &str = "2026-11-22";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// What a plan rests on.
struct Scene {
    settings: Settings,
    capabilities: Capabilities,
    one_of: Vec<&'static str>,
    people: Vec<(u64, Vec<(&'static str, &'static str)>)>,
    accounts: Vec<Account>,
    references: BTreeMap<FieldIndex, ReferenceNames>,
    links: BTreeMap<EmployeeId, AccountId>,
    incomplete: bool,
    only: Option<EmployeeId>,
    changed_only: bool,
    gave_up: bool,
    pending: BTreeMap<EmployeeId, NaiveDate>,
    refusals: Vec<Refusal>,
    absences: Absences,
}

/// Number, e-mail, name and job; the rest of the section is given.
fn scene(section: &str) -> Scene {
    let rest = "[targets.desk.mapping]\nnumber = \"employee_id\"\nemail = \"email\"\nname = \"first_name\"\njob = \"position\"";
    mapped(&format!("match = [\"number\", \"email\"]\n{section}\n{rest}"))
}

/// All of the section is given.
fn mapped(section: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    let source = "[personio]\nclient_id = \"tests\"\nclient_secret = \"tests\"\n[targets.desk]\ntype = \"directory\"";
    std::fs::write(&path, format!("{source}\n{section}\n")).unwrap();
    let options = LoadOptions { kinds: &[Kind::unlisted("directory", parse_directory)], ..LoadOptions::new(&|_| None) };
    Scene {
        settings: load(&path, &options).unwrap_or_else(|error| panic!("{error}")),
        capabilities: Capabilities::default(),
        one_of: Vec::new(),
        people: Vec::new(),
        accounts: Vec::new(),
        references: BTreeMap::new(),
        links: BTreeMap::new(),
        incomplete: false,
        only: None,
        changed_only: false,
        gave_up: false,
        pending: BTreeMap::new(),
        refusals: Vec::new(),
        absences: Absences::default(),
    }
}

impl Scene {
    /// An employee; what is not said is empty, and `?` is not readable.
    fn person(mut self, id: u64, values: &[(&'static str, &'static str)]) -> Self {
        self.people.push((id, values.to_vec()));
        self
    }

    /// An employee with first name, address and position.
    fn worker(self, id: u64, name: &'static str, email: &'static str, position: &'static str) -> Self {
        self.person(id, &[("first_name", name), ("email", email), ("position", position), ("status", "active")])
    }

    fn account(mut self, id: &str, active: bool, values: &[(&str, &str)]) -> Self {
        let fields: Vec<FieldValue> = self.settings.targets[0]
            .plan
            .fields
            .iter()
            .map(|spec| match values.iter().find(|(name, _)| *name == &*spec.name) {
                None => FieldValue::Empty,
                Some((_, text)) => match spec.kind {
                    FieldKind::Account => FieldValue::Account((*text).into()),
                    FieldKind::Date => FieldValue::Date(day(text)),
                    FieldKind::References => FieldValue::list(text.split(',')),
                    _ => FieldValue::text(text),
                },
            })
            .collect();
        self.accounts.push(Account::new(id, active, fields));
        self
    }

    fn protected(mut self, protection: Protection) -> Self {
        self.accounts.last_mut().unwrap().protection = Some(protection);
        self
    }

    fn link(mut self, employee: u64, account: &str) -> Self {
        self.links.insert(EmployeeId(employee), account.into());
        self
    }

    fn known(mut self, field: &str, names: &[&str]) -> Self {
        let index = self.settings.targets[0].plan.fields.iter().position(|spec| &*spec.name == field).unwrap();
        self.references.insert(FieldIndex(index as u16), names.iter().collect());
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn employees(&self) -> Employees {
        let attributes = self.settings.attributes.clone();
        let named = |text: &str| Value::Named(Arc::new(Named { id: Part::Is(7), name: text.into() }));
        let value = |key: &str, text: &str| match (text, key) {
            ("?", _) => Value::Hidden,
            ("", _) => Value::Empty,
            (text, "hire_date" | "termination_date" | "last_working_day") => Value::Date(day(text)),
            (text, "department" | "office") => named(text),
            (text, "supervisor") => Value::Supervisor(Arc::new(Supervisor {
                id: text.parse().unwrap(),
                email: Part::Empty,
                name: Part::Empty,
            })),
            (text, _) => Value::text(text),
        };
        let list = self.people.iter().map(|(id, values)| {
            let of = |key: &str| values.iter().find(|(known, _)| *known == key).map_or("", |(_, text)| *text);
            let values: Vec<Value> = attributes.keys().map(|key| value(key, of(key))).collect();
            Employee::new(EmployeeId(*id), values)
        });
        let list = list.collect();
        Employees::new(attributes, list, Completeness::Proven)
    }

    fn build(&self) -> Built {
        let settings = &self.settings.targets[0];
        let mut schema =
            Schema { fields: settings.plan.fields.clone(), capabilities: self.capabilities, ..Schema::default() };
        schema.one_of = self.one_of.iter().map(|name| schema.index(name).unwrap()).collect();
        let employees = self.employees();
        let standings: Vec<Standing> =
            employees.list.iter().map(|employee| standing(employee, &employees.attributes, day(TODAY))).collect();
        let gave_up = |_: EmployeeId, field: &str, _: &FieldValue| field == "job";
        let input = PlanInput {
            settings: &settings.plan,
            rules: settings.target.offers().rules,
            schema: &schema,
            employees: &employees,
            standings: &standings,
            today: day(TODAY),
            tables: &Arc::default(),
            identifying: &identifying(&self.settings.vocabulary),
            memory: &PlanMemory {
                links: self.links.clone(),
                gave_up: if self.gave_up { Some(&gave_up) } else { None },
                pending: self.pending.clone(),
                refusals: self.refusals.clone(),
                absences: self.absences.clone(),
                ..PlanMemory::default()
            },
            references: &self.references,
            only: self.only,
            changed_only: self.changed_only,
        };
        let snapshot = Snapshot {
            accounts: self.accounts.clone(),
            incomplete: self.incomplete.then(|| "shifted".into()),
            ..Snapshot::default()
        };
        build(&input, snapshot)
    }

    fn plan(&self) -> Vec<String> {
        let plan = self.build().plan;
        let value = |value: &FieldValue| if value.is_empty() { "-".to_owned() } else { value.to_string() };
        let mut lines = Vec::new();
        for change in &plan.changes {
            let employee = change.employee.map(|id| format!(" {id}")).unwrap_or_default();
            let account = change.account.as_ref().map(|id| format!("@{id}")).unwrap_or_default();
            let reason = change.reason.map(|reason| format!(" {reason}")).unwrap_or_default();
            let detail = change.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            let shown =
                |field: &FieldChange| format!(" {}: {} → {};", field.field, value(&field.before), value(&field.after));
            let fields: String = change.fields.iter().map(shown).collect();
            let again: String = change.rewrite.iter().map(|field| format!(" again {};", field.field)).collect();
            lines.push(format!("{}{employee}{account}{reason}{detail}{fields}{again}", change.op));
        }
        lines
            .extend(plan.skipped.iter().map(|skip| format!("skip {} {}: {}", skip.employee, skip.reason, skip.detail)));
        lines.extend(plan.orphans.iter().map(|account| format!("orphan {account}")));
        for notice in &plan.notices {
            let employee = notice.employee.map(|id| format!(" {id}")).unwrap_or_default();
            lines.push(format!("note{employee} {}: {}", notice.code, notice.message));
        }
        lines.push(format!("in sync: {}", plan.in_sync));
        lines
    }
}

const INES: (u64, &str, &str, &str) = (1, "Ines", "ines@example.com", "Baker");

impl Scene {
    fn ines(self) -> Self {
        self.worker(INES.0, INES.1, INES.2, INES.3)
    }

    fn ines_who(self, more: &[(&'static str, &'static str)]) -> Self {
        let base = [("first_name", INES.1), ("email", INES.2), ("position", INES.3), ("status", "active")];
        let kept = base.into_iter().filter(|(key, _)| !more.iter().any(|(other, _)| other == key));
        let all: Vec<_> = kept.chain(more.iter().copied()).collect();
        self.person(INES.0, &all)
    }

    /// The account that Ines should have.
    fn her_account(self, active: bool) -> Self {
        self.account("a", active, &[("number", "1"), ("email", INES.2), ("name", INES.1), ("job", INES.3)])
    }
}

#[test]
fn joiners_movers_and_those_who_stay() {
    let plan = scene("")
        .worker(3, "Ada", "ada@example.com", "")
        .worker(2, "Bo", "bo@example.com", "Cook")
        .ines()
        .her_account(true)
        .account("b", true, &[("number", "2"), ("email", "old@example.com"), ("name", "Bo"), ("job", "Waiter")])
        .account("z", true, &[("number", "99"), ("name", "Nobody")])
        .plan();
    assert_eq!(
        plan,
        [
            "create 3 number: - → 3; email: - → ada@example.com; name: - → Ada;",
            "update 2@b email: old@example.com → bo@example.com; job: Waiter → Cook;",
            "orphan z",
            "in sync: 1",
        ]
    );
}

#[test]
fn filters_that_leave_nobody_are_told() {
    let plan = |section: &str| scene(section).ines().worker(2, "Bo", "bo@example.com", "Cook").plan().join("\n");
    let note = |why: &str| {
        format!(
            "note filters_leave_nobody: nobody is in scope: {why}; `check --online` lists the values that there are\nin sync: 0"
        )
    };
    assert_eq!(
        plan("include = [\"first_name != ''\", \"position == 'Bakker'\"]"),
        note("include `position == 'Bakker'` holds for nobody")
    );
    assert_eq!(
        plan("include = [\"position == 'Baker'\"]\nexclude = [\"first_name == 'Ines'\"]"),
        note("the filters together leave nobody")
    );
    assert!(!plan("include = [\"position == 'Baker'\"]").contains("note"));
    assert!(!plan("exclude = [\"position == 'Nothing'\"]").contains("note"));
}

#[test]
fn leavers() {
    let plan = |section: &str, more: &[(&'static str, &'static str)], active: bool| {
        scene(section).ines_who(more).her_account(active).plan().join("\n")
    };
    let leavers = "[targets.desk.leavers]\n";
    let grace = &format!("{leavers}grace_days = 7");
    type Values = &'static [(&'static str, &'static str)];
    let table: &[(&str, Values, bool, &str)] = &[
        ("", &[("status", "inactive")], true, "deactivate 1@a left (status is inactive)\nin sync: 0"),
        (
            "",
            &[("termination_date", "2026-11-21"), ("status", "inactive")],
            true,
            "deactivate 1@a left (left on 2026-11-21)\nin sync: 0",
        ),
        ("", &[("termination_date", "2026-11-22")], true, "in sync: 1"),
        (
            "",
            &[("last_working_day", "2026-11-21"), ("status", "inactive")],
            true,
            "deactivate 1@a left (left on 2026-11-21)\nin sync: 0",
        ),
        ("", &[("status", "inactive")], false, "in sync: 0"),
        (grace, &[("termination_date", "2026-11-15"), ("status", "inactive")], true, "in sync: 0"),
        (
            grace,
            &[("termination_date", "2026-11-14"), ("status", "inactive")],
            true,
            "deactivate 1@a left (left on 2026-11-14)\nin sync: 0",
        ),
        (grace, &[("status", "inactive")], true, "deactivate 1@a left (status is inactive)\nin sync: 0"),
        (&format!("{leavers}left = \"keep\""), &[("status", "inactive")], true, "in sync: 0"),
        (
            "[targets.desk.safety]\nprotect = [\"name == 'Ines'\"]",
            &[("status", "inactive")],
            true,
            "skip 1 account_protected: status is inactive; account a is never changed\nin sync: 0",
        ),
    ];
    for (section, more, active, expected) in table {
        assert_eq!(plan(section, more, *active), *expected, "{section} {more:?}");
    }
    let agent = scene("").ines_who(&[("status", "inactive")]).her_account(true).protected(Protection::Agent);
    assert_eq!(agent.plan()[0], "skip 1 account_is_agent: status is inactive; account a is never changed");
    let cannot = scene("").ines_who(&[("status", "inactive")]).her_account(true);
    let cannot = cannot.with(|scene| scene.capabilities.deactivate = false);
    assert!(cannot.plan()[0].starts_with("skip 1 cannot_deactivate: status is inactive; "));
}

#[test]
fn who_never_had_an_account_leaves_without_a_trace() {
    assert_eq!(scene("").ines_who(&[("status", "inactive")]).plan(), ["in sync: 0"]);
}

#[test]
fn some_targets_take_everyone() {
    let plan = scene("takes_everyone = true").ines_who(&[("status", "inactive")]).her_account(true).plan();
    assert_eq!(plan, ["in sync: 1"]);
}

#[test]
fn out_of_scope_touches_only_what_is_known_to_be_ours() {
    // Nobody else is there, which is told in a note.
    let lines = |scene: Scene| {
        let mut lines = scene.plan();
        lines.retain(|line| !line.starts_with("note filters_leave_nobody"));
        lines
    };
    let section = "exclude = [\"position == 'Baker'\"]\n[targets.desk.leavers]\nout_of_scope = \"deactivate\"";
    assert_eq!(lines(scene(section).ines().her_account(true)), ["in sync: 0"], "no link");
    assert_eq!(
        lines(scene(section).ines().her_account(true).link(1, "a")),
        [
            "deactivate 1@a out_of_scope (no longer matches the filters: `position == 'Baker'` (exclude) holds)",
            "in sync: 0"
        ]
    );
    let keep = "exclude = [\"position == 'Baker'\"]";
    let kept =
        "note 1 out_of_scope: no longer in scope: `position == 'Baker'` (exclude) holds; the account is kept as it is";
    assert_eq!(lines(scene(keep).ines().her_account(true).link(1, "a")), [kept, "in sync: 0"]);
    assert_eq!(lines(scene(keep).ines().her_account(false).link(1, "a")), ["in sync: 0"], "out of use as it is");
    let left = [("status", "inactive")];
    let working = "include = [\"status == 'active'\"]";
    assert_eq!(
        lines(scene(working).ines_who(&left).her_account(true)),
        ["deactivate 1@a left (status is inactive)", "in sync: 0"],
        "the filter only says who left"
    );
    let everyone = "include = [\"status == 'active'\"]\ntakes_everyone = true";
    assert_eq!(lines(scene(everyone).ines_who(&left).her_account(true)), ["in sync: 0"], "by the letter of the filter");
    assert_eq!(
        lines(scene(keep).ines_who(&left).her_account(true).link(1, "a"))[0],
        "deactivate 1@a left (status is inactive)",
        "who has left as well goes as a leaver"
    );
    assert_eq!(lines(scene(keep).ines_who(&left).her_account(true)), ["in sync: 0"]);
}

#[test]
fn a_first_run_without_filters_is_told_where_it_is_hard_to_undo() {
    let told = |section: &str, linked: bool| {
        let scene =
            scene(section).worker(1, "Ines", "ines@example.com", "Baker").worker(2, "Cy", "cy@example.com", "Cook");
        let scene = if linked { scene.account("b", true, &[("number", "2")]).link(2, "b") } else { scene };
        let mut lines = scene.plan();
        lines.retain(|line| line.starts_with("note filters_missing"));
        lines
    };
    let expected = "note filters_missing: no filters are set, and nobody is ever deleted; that is 2 as of today";
    assert_eq!(told("hard_to_undo = true", false), [expected]);
    assert_eq!(told("", false), [""; 0], "it does no harm");
    assert_eq!(told("hard_to_undo = true", true), [""; 0], "no first run");
    for filters in ["include = [\"position != 'Baker'\"]", "exclude = [\"position == 'Baker'\"]"] {
        assert_eq!(told(&format!("hard_to_undo = true\n{filters}"), false), [""; 0], "{filters}");
    }
}

#[test]
fn where_everyone_has_an_account_the_filters_alone_decide_about_leavers() {
    let plan = |section: &str| {
        let scene = scene(&format!("takes_everyone = true\nexclude = [\"position == 'Baker'\"]\n{section}"))
            .ines_who(&[("status", "inactive")])
            .worker(2, "Cy", "cy@example.com", "Cook")
            .account("b", true, &[("number", "2"), ("email", "cy@example.com"), ("name", "Cy"), ("job", "Cook")])
            .her_account(true)
            .link(1, "a")
            .link(2, "b");
        scene.with(|scene| scene.capabilities.deactivate = false).plan()
    };
    assert_eq!(plan(""), ["in sync: 1"], "who is excluded is nobody's business");
    let asked_for = plan("[targets.desk.leavers]\nout_of_scope = \"deactivate\"");
    assert!(asked_for[0].starts_with("skip 1 cannot_deactivate: no longer matches the filters: "), "{asked_for:?}");
}

#[test]
fn who_is_no_longer_delivered_is_kept_unless_the_file_says_otherwise() {
    let scenes =
        |section: &str| scene(section).ines().her_account(true).account("b", true, &[("number", "2")]).link(2, "b");
    assert_eq!(
        scenes("").plan(),
        ["note 2 employee_missing: no longer delivered by Personio since today; account b is kept", "in sync: 1"]
    );
    let deactivate = "[targets.desk.leavers]\nmissing = \"deactivate\"";
    let absent = |section: &str, gone| {
        scenes(section).with(|scene| scene.absences.insert(EmployeeId(2), "2026-11-20".parse().unwrap(), gone))
    };
    // One read may be wrong about somebody, and so may a second one that nobody was asked about.
    let waits = "account b is kept until another complete read, and asking for this id, say the same";
    let note = |since| format!("note 2 employee_missing: no longer delivered by Personio since {since}; {waits}");
    assert_eq!(scenes(deactivate).plan(), [&*note("today"), "in sync: 1"]);
    assert_eq!(absent(deactivate, false).plan(), [&*note("2026-11-20"), "in sync: 1"]);
    assert_eq!(
        absent(deactivate, true).plan(),
        [
            "deactivate 2@b missing (no longer delivered by Personio since 2026-11-20, and not known there by id)",
            "in sync: 1"
        ]
    );
    assert_eq!(
        absent("", true).plan()[0],
        "note 2 employee_missing: no longer delivered by Personio since 2026-11-20; account b is kept"
    );
    // Somebody else owns that account by now.
    let plan = absent(deactivate, true).worker(3, "Cy", "cy@example.com", "").link(3, "b").plan();
    assert!(!plan.iter().any(|line| line.starts_with("deactivate")), "{plan:?}");
}

#[test]
fn returning_brings_the_account_back_with_its_fields() {
    let plan = |lost: bool, can: bool| {
        scene("")
            .ines_who(&[("position", "Cook")])
            .her_account(false)
            .with(|scene| {
                scene.capabilities.reactivate_loses_fields = lost;
                scene.capabilities.reactivate = can;
            })
            .plan()
    };
    assert_eq!(plan(false, true)[0], "reactivate 1@a job: Baker → Cook;");
    assert_eq!(plan(true, true)[0], "reactivate 1@a job: Baker → Cook; again number; again email; again name;");
    assert!(plan(false, false)[0].starts_with("skip 1 cannot_reactivate: "));
}

#[test]
fn what_is_hidden_freezes_and_never_clears() {
    let hidden = |key: &'static str| scene("").ines_who(&[(key, "?")]).her_account(true).plan();
    assert_eq!(
        hidden("position"),
        ["note 1 field_kept: job is left as it is: `position` is not readable", "in sync: 1"]
    );
    // The number finds the account, so the hidden address is only left as it is.
    assert_eq!(hidden("email"), ["note 1 field_kept: email is left as it is: `email` is not readable", "in sync: 1"]);
    // Nobody can tell that there is no account yet.
    assert_eq!(
        scene("").ines_who(&[("email", "?")]).plan(),
        ["skip 1 match_key_hidden: `email` is not readable", "in sync: 0"]
    );
    let lifecycle: &[(&str, &str)] = &[("status", "?"), ("termination_date", "?"), ("last_working_day", "?")];
    assert_eq!(
        scene("").ines_who(lifecycle).her_account(true).plan(),
        ["skip 1 lifecycle_hidden: `status` is not readable, so nobody can tell who has left", "in sync: 0"]
    );
    assert_eq!(
        scene("include = [\"office == 'Wien'\"]").ines_who(&[("office", "?")]).her_account(true).plan(),
        ["skip 1 filter_hidden: `office == 'Wien'` needs `office`, which is not readable", "in sync: 0"]
    );
}

#[test]
fn empty_and_invalid_values() {
    let plan = |job: &str, position: &'static str, existing: bool| {
        let section = format!(
            "match = [\"number\"]\n[targets.desk.mapping]\nnumber = \"employee_id\"\nname = \"first_name\"\njob = {job}"
        );
        let all = mapped(&section).ines_who(&[("position", position)]);
        let all =
            if existing { all.account("a", true, &[("number", "1"), ("name", "Ines"), ("job", "Baker")]) } else { all };
        all.plan().join("\n")
    };
    let long = "A very long title";
    let create = "create 1 number: - → 1; name: - → Ines;";
    for (job, position, existing, expected) in [
        ("\"position\"", "", true, "update 1@a job: Baker → -;\nin sync: 0"),
        ("\"position\"", "", false, &*format!("{create}\nin sync: 0")),
        ("{ from = \"position\", on_empty = \"keep\" }", "", true, "in sync: 1"),
        ("{ from = \"position\", on_empty = \"fail\" }", "", true, "skip 1 field_empty: job is empty\nin sync: 0"),
        ("{ from = \"position\", on_empty = \"fail\" }", "", false, "skip 1 field_empty: job is empty\nin sync: 0"),
        (
            "\"position\"",
            long,
            true,
            "note 1 field_invalid: job is left as it is: it is longer than the 12 characters that the field takes\nin sync: 1",
        ),
        (
            "{ from = \"position\", on_invalid = \"fail\" }",
            long,
            true,
            "skip 1 field_invalid: job: it is longer than the 12 characters that the field takes\nin sync: 0",
        ),
        (
            "{ from = \"position\", on_invalid = \"keep\" }",
            long,
            true,
            "note 1 field_kept: job is left as it is: it is longer than the 12 characters that the field takes\nin sync: 1",
        ),
        ("{ from = \"position\", on_invalid = \"clear\" }", long, true, "update 1@a job: Baker → -;\nin sync: 0"),
        ("{ value = \"Temp\", when = \"create\" }", "", true, "in sync: 1"),
        (
            "{ value = \"Temp\", when = \"create\" }",
            "",
            false,
            "create 1 number: - → 1; name: - → Ines; job: - → Temp;\nin sync: 0",
        ),
    ] {
        assert_eq!(plan(job, position, existing), expected, "{job} {position} {existing}");
    }
}

#[test]
fn required_fields_and_keys_that_are_missing() {
    let nameless = [("first_name", "")];
    let why = "skip 1 required_field_empty: name is empty, and the target requires it";
    assert_eq!(scene("").ines_who(&nameless).plan()[0], why);
    assert_eq!(scene("").ines_who(&nameless).her_account(true).plan()[0], why);

    let section = "match = [\"email\"]\n[targets.desk.mapping]\nemail = \"email\"\nname = \"first_name\"";
    assert_eq!(
        mapped(section).ines_who(&[("email", "")]).plan(),
        ["skip 1 match_key_missing: email is empty", "in sync: 0"]
    );
    let both = section.replace("[\"email\"]", "[\"email\", \"phone\"]") + "\nphone = \"position\"";
    assert_eq!(
        mapped(&both).ines_who(&[("email", ""), ("position", "")]).plan()[0],
        "skip 1 match_key_missing: email and phone are empty"
    );

    let one_of = |more: &[(&'static str, &'static str)], existing: bool| {
        let scene = scene("").ines_who(more).with(|scene| scene.one_of = vec!["email", "job"]);
        let scene = if existing { scene.her_account(true) } else { scene };
        scene.plan().remove(0)
    };
    let why = "skip 1 required_field_empty: email and job are empty, and the target requires one of them";
    assert_eq!(one_of(&[("email", ""), ("position", "")], false), why);
    assert_eq!(one_of(&[("email", ""), ("position", "")], true), why);
    assert_eq!(one_of(&[("email", "")], true), "update 1@a email: ines@example.com → -;");
}

#[test]
fn nobody_is_guessed() {
    assert_eq!(
        scene("").worker(1, "A", "a@example.com", "").worker(2, "B", "A@example.com", "").plan(),
        [
            "skip 1 match_key_shared: shares email with employee 2",
            "skip 2 match_key_shared: shares email with employee 1",
            "in sync: 0",
        ]
    );
    let twice = [("email", INES.2), ("name", "Ines")];
    assert_eq!(
        scene("").ines().account("y", true, &twice).account("x", true, &twice).plan(),
        ["skip 1 several_accounts: accounts x, y have the same email", "orphan x", "orphan y", "in sync: 0",]
    );
    assert_eq!(
        scene("").ines().her_account(true).worker(2, "Bo", INES.2, "Cook").plan(),
        ["skip 2 account_taken: the account with the same email belongs to employee 1", "in sync: 1"]
    );
}

#[test]
fn a_link_goes_before_the_keys_and_its_loss_is_said() {
    let renamed = scene("").worker(1, "Ines", "new@example.com", "Baker").account(
        "a",
        true,
        &[("email", INES.2), ("name", "Ines"), ("job", "Baker")],
    );
    assert_eq!(renamed.link(1, "a").plan()[0], "update 1@a number: - → 1; email: ines@example.com → new@example.com;");
    let gone = || scene("").ines().link(1, "gone");
    assert_eq!(
        gone().plan()[1],
        "note 1 linked_account_gone: the linked account is gone from the target; a new one is made"
    );
    assert!(
        gone().with(|scene| scene.incomplete = true).plan()[0].starts_with("skip 1 account_not_delivered: "),
        "a list that is not whole proves no loss"
    );
}

#[test]
fn what_must_not_be_changed_is_left_alone() {
    for (protection, code) in [
        (Protection::Agent, "account_is_agent"),
        (Protection::KeyOwner, "account_owns_the_key"),
        (Protection::Foreign, "account_managed_elsewhere"),
        (Protection::Unreadable, "account_unreadable"),
    ] {
        let plan = scene("").ines_who(&[("position", "Cook")]).her_account(true).protected(protection).plan();
        assert_eq!(plan, [format!("skip 1 {code}: account a is never changed"), "in sync: 0".to_owned()]);
    }
    let section = "[targets.desk.safety]\nprotect = [\"email == 'ines@example.com'\"]";
    assert_eq!(
        scene(section).ines_who(&[("position", "Cook")]).her_account(true).plan()[0],
        "skip 1 account_protected: account a is never changed"
    );
    let cannot = scene("").ines().with(|scene| scene.capabilities.create = false);
    assert_eq!(cannot.plan()[0], "skip 1 cannot_create: this target cannot make accounts; make it by hand");
    let cannot = scene("").ines_who(&[("position", "")]).her_account(true);
    assert_eq!(
        cannot.with(|scene| scene.capabilities.clear = false).plan(),
        ["note 1 cannot_clear: job is left as it is: this target cannot empty a field", "in sync: 1"]
    );
}

#[test]
fn whose_key_it_is_and_who_leaves_is_said_a_month_before() {
    for (last_day, expected) in [
        ("", None),
        ("2026-12-23", None),
        ("2026-12-22", Some("leaves on 2026-12-22")),
        ("2026-11-22", Some("leaves on 2026-11-22")),
        ("2026-11-21", Some("left on 2026-11-21")),
    ] {
        let leaving = || scene("").ines_who(&[("termination_date", last_day)]).her_account(true).link(1, "a");
        let said = |scene: Scene| {
            let lines = scene.plan().into_iter();
            lines.filter(|line| line.contains("key_owner_leaves")).collect::<Vec<_>>()
        };
        let line = |leaves| {
            format!("note 1 key_owner_leaves: owns the key that this tool signs in with, and {leaves}; replace the key")
        };
        let expected: Vec<String> = expected.into_iter().map(line).collect();
        assert_eq!(said(leaving().protected(Protection::KeyOwner)), expected, "{last_day}");
        assert_eq!(said(leaving().protected(Protection::Agent)), Vec::<String>::new(), "{last_day}");
    }
}

const MANAGED: &str = "match = [\"number\"]\n[targets.desk.mapping]\nnumber = \"employee_id\"\nname = \"first_name\"\nmanager = \"supervisor\"";

#[test]
fn managers() {
    let person = |scene: Scene, id, supervisor| {
        scene.person(id, &[("first_name", "X"), ("status", "active"), ("supervisor", supervisor)])
    };
    let held = |scene: Scene, id: &str, number: &str, manager: &str| {
        let values = [("number", number), ("name", "X"), ("manager", manager)];
        scene.account(id, true, if manager.is_empty() { &values[..2] } else { &values })
    };
    // There already; also when the boss stands behind in the list.
    let plan = person(person(mapped(MANAGED), 1, "2"), 2, "");
    assert_eq!(held(held(plan, "a", "1", ""), "b", "2", "").plan(), ["update 1@a manager: - → b;", "in sync: 1"]);
    // Right already.
    let plan = person(person(mapped(MANAGED), 1, "2"), 2, "");
    assert_eq!(held(held(plan, "a", "1", "b"), "b", "2", "").plan(), ["in sync: 2"]);
    // Made in the same run, for somebody new and for somebody known.
    let plan = person(person(person(mapped(MANAGED), 1, "2"), 2, ""), 3, "2");
    assert_eq!(
        held(plan, "c", "3", "").plan(),
        [
            "create 1 number: - → 1; name: - → X; manager: - → employee 2;",
            "create 2 number: - → 2; name: - → X;",
            "update 3@c manager: - → employee 2;",
            "in sync: 0",
        ]
    );
    // Each the other's.
    assert_eq!(
        person(person(mapped(MANAGED), 1, "2"), 2, "1").plan(),
        [
            "create 1 number: - → 1; name: - → X; manager: - → employee 2;",
            "create 2 number: - → 2; name: - → X; manager: - → employee 1;",
            "note manager_cycle: employees 1, 2 manage each other in a circle",
            "in sync: 0",
        ]
    );
    // Not delivered at all.
    let plan = person(mapped(MANAGED), 1, "77");
    assert_eq!(
        held(plan, "a", "1", "old").plan(),
        [
            "note 1 manager_without_account: manager is left as it is: employee 77 has no account here; somebody else approves",
            "in sync: 1"
        ]
    );
    // Leaving, while somebody still reports to them.
    let plan = person(mapped(MANAGED), 1, "2").person(2, &[("first_name", "X"), ("status", "inactive")]);
    assert_eq!(
        held(held(plan, "a", "1", "b"), "b", "2", "").link(2, "b").plan(),
        [
            "deactivate 2@b left (status is inactive)",
            "note 2 manager_leaves: is still the manager of 1; somebody else approves",
            "in sync: 1"
        ]
    );
    // To be made and then skipped: neither a reference into nothing nor a change without fields stays.
    let plan = mapped(MANAGED).person(2, &[("status", "active")]);
    assert_eq!(
        held(person(plan, 1, "2"), "a", "1", "old").plan(),
        [
            "skip 2 required_field_empty: name is empty, and the target requires it",
            "note 1 manager_without_account: manager is left as it is: employee 2 has no account here; somebody else approves",
            "in sync: 1",
        ]
    );
    // Not part of the run.
    let plan = person(person(mapped(MANAGED), 1, "2"), 2, "").with(|scene| scene.only = Some(EmployeeId(1)));
    assert_eq!(
        plan.plan(),
        [
            "create 1 number: - → 1; name: - → X;",
            "note 1 manager_without_account: manager is left as it is: employee 2 is not part of this run; somebody else approves",
            "in sync: 0",
        ]
    );
    // Nobody any more.
    let plan = person(mapped(MANAGED), 1, "");
    assert_eq!(held(plan, "a", "1", "old").plan(), ["update 1@a manager: old → -;", "in sync: 0"]);
}

#[test]
fn names_of_departments_and_places() {
    let section = |create: &str| {
        format!(
            "match = [\"number\"]\n{create}\n[targets.desk.mapping]\nnumber = \"employee_id\"\nname = \"first_name\"\ndepartments = \"department\"\nplace = \"office\""
        )
    };
    let person = |scene: Scene, id, department, office| {
        scene.person(id, &[("first_name", "X"), ("status", "active"), ("department", department), ("office", office)])
    };
    // The target's own spelling.
    let known = person(mapped(&section("")), 1, "it", "WIEN").known("departments", &["IT"]).known("place", &["Wien"]);
    assert_eq!(known.plan()[0], "create 1 number: - → 1; name: - → X; departments: - → IT; place: - → Wien;");
    // Two of that name; none of that name.
    let doubtful =
        person(mapped(&section("")), 1, "IT", "Wein").known("departments", &["IT", "it"]).known("place", &["Wien"]);
    assert_eq!(
        doubtful.plan(),
        [
            "create 1 number: - → 1; name: - → X;",
            "note 1 reference_ambiguous: departments is left as it is: several things of the target are called `IT`",
            "note 1 reference_unknown: place is left as it is: the target has no `Wein`; the nearest is `Wien` (make it there, or add place to create_missing)",
            "in sync: 0",
        ]
    );
    // What only people can make is not offered to be made.
    let by_hand = person(mapped(&section("")), 1, "", "Wein").known("place", &["Wien"]).with(|scene| {
        let fields = &mut scene.settings.targets[0].plan.fields;
        fields.iter_mut().find(|spec| &*spec.name == "place").unwrap().can_be_made = false;
    });
    let told = by_hand.plan().concat();
    assert!(told.contains("the nearest is `Wien` (make it there)"), "{told}");
    // Made once, in the spelling of the first, and only where somebody will refer to it.
    let create = section("create_missing = [\"departments\", \"place\"]");
    let all = person(person(mapped(&create), 2, "sales", "Graz"), 1, "Sales", "");
    let all = all.person(3, &[("status", "active"), ("department", "Nowhere")]);
    assert_eq!(
        all.known("place", &["Wien"]).plan(),
        [
            "reference place: - → Graz;",
            "reference departments: - → Sales;",
            "create 1 number: - → 1; name: - → X; departments: - → Sales;",
            "create 2 number: - → 2; name: - → X; departments: - → Sales; place: - → Graz;",
            "skip 3 required_field_empty: name is empty, and the target requires it",
            "in sync: 0",
        ]
    );
}

#[test]
fn an_account_that_is_being_made_is_awaited_until_it_was_refused_or_had_its_time() {
    let plan = |since: &str, refused: &str| {
        let scene = scene("").worker(3, "Ada", "ada@example.com", "").with(|scene| {
            scene.pending = BTreeMap::from([(EmployeeId(3), day(since))]);
            scene.refusals = vec![Refusal { key: refused.into(), why: "it says no".into() }];
        });
        scene.plan()
    };
    let create = "create 3 number: - → 3; email: - → ada@example.com; name: - → Ada;";
    for (since, refused, expected) in [
        ("2026-11-22", "4", "skip 3 pending: "),
        ("2026-11-20", "4", "skip 3 pending: the target took the new account on 2026-11-20"),
        ("2026-11-19", "4", create),
        ("2026-11-22", "3", create),
    ] {
        let lines = plan(since, refused);
        assert!(lines[0].starts_with(expected), "{since} {refused}: {lines:?}");
        let is_noted = lines.iter().any(|line| line.contains("did not make it: it says no"));
        assert_eq!(is_noted, refused == "3", "{lines:?}");
    }
    let there = scene("").ines().her_account(true).with(|scene| {
        scene.pending = BTreeMap::from([(EmployeeId(INES.0), day("2026-11-22"))]);
    });
    assert_eq!(there.plan(), ["in sync: 1"]);
}

#[test]
fn what_does_not_converge_is_left_alone() {
    let plan = scene("").ines_who(&[("position", "Cook")]).her_account(true).with(|scene| scene.gave_up = true).plan();
    assert_eq!(
        plan,
        [
            "note 1 not_converging: job does not converge: a text of 4 characters was sent several times, and a text of 5 characters is there all the same; it is left alone for a week",
            "in sync: 1",
        ]
    );
    // A new account has no history.
    let plan = scene("").ines().with(|scene| scene.gave_up = true).plan();
    assert!(plan[0].contains("job: - → Baker"), "{plan:?}");
}

#[test]
fn status_and_dates_that_disagree_are_said() {
    let plan = scene("").ines_who(&[("termination_date", "2026-11-01")]).her_account(true).plan();
    assert_eq!(
        plan,
        [
            "deactivate 1@a left (left on 2026-11-01)",
            "note 1 employed_after_last_day: the last day has passed although the status is not inactive",
            "in sync: 0",
        ]
    );
}

#[test]
fn one_employee_alone() {
    let all = || {
        scene("").ines().worker(2, "Bo", "bo@example.com", "Cook").worker(3, "Cy", "bo@example.com", "Cook").account(
            "z",
            true,
            &[("number", "99")],
        )
    };
    assert_eq!(
        all().with(|scene| scene.only = Some(EmployeeId(1))).plan(),
        ["create 1 number: - → 1; email: - → ines@example.com; name: - → Ines; job: - → Baker;", "in sync: 0"]
    );
    assert_eq!(
        all().with(|scene| scene.only = Some(EmployeeId(2))).plan(),
        ["skip 2 match_key_shared: shares email with employee 3", "in sync: 0"],
        "everybody is read, so that shared keys are seen"
    );
}

#[test]
fn the_same_in_another_order_gives_the_same_bytes() {
    let section = "match = [\"number\", \"email\"]\ncreate_missing = [\"departments\", \"place\"]\n[targets.desk.mapping]\nnumber = \"employee_id\"\nemail = \"email\"\nname = \"first_name\"\ndepartments = \"department\"\nplace = \"office\"\nmanager = \"supervisor\"";
    const DEPARTMENTS: [&str; 5] = ["IT", "it", "Sales", "SALES", "New"];
    const OFFICES: [&str; 4] = ["Wien", "Graz", "graz", ""];
    const ADDRESSES: [&str; 6] =
        ["a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com", ""];
    const NUMBERS: [&str; 40] = [
        "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20",
        "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38",
        "39", "40",
    ];
    let mut all = mapped(section).known("departments", &["Sales"]).known("place", &["Wien"]);
    for id in 1..=40_usize {
        let status = if id % 9 == 0 { "inactive" } else { "active" };
        let values = [
            ("first_name", if id % 13 == 0 { "" } else { "X" }),
            ("email", if id < 12 { ADDRESSES[id % 6] } else { "" }),
            ("status", status),
            ("department", DEPARTMENTS[id % 5]),
            ("office", OFFICES[id % 4]),
            ("supervisor", NUMBERS[id * 7 % 40]),
        ];
        all = all.person(id as u64, &values);
        if id % 3 == 0 {
            all = all.account(&format!("a{id}"), id % 2 == 0, &[("number", NUMBERS[id - 1]), ("name", "Old")]);
        }
        if id % 10 == 0 {
            all = all.account(&format!("z{id}"), true, &[("email", ADDRESSES[id / 10])]);
        }
    }
    let bytes = |scene: &Scene| {
        let built = scene.build();
        (crate::output::json::canonical(&plan_of(built.plan)), built.overview.owned, built.overview.in_scope)
    };
    let first = bytes(&all);
    assert!(first.0.len() > 5_000);
    for seed in 0..20 {
        let mut random = fastrand::Rng::with_seed(seed);
        random.shuffle(&mut all.people);
        random.shuffle(&mut all.accounts);
        assert_eq!(bytes(&all), first, "seed {seed}");
    }
}

fn plan_of(target: TargetPlan) -> Plan {
    Plan { today: day(TODAY), source: SourceSummary::default(), targets: vec![target], notices: Vec::new() }
}
