use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::code::Code;
use crate::employee::{CostCenterShare, EmployeeId, Named, Part, PresetKind, Supervisor, Value, preset};
use crate::field::{FieldIndex, FieldValue};
use crate::plan::{Expected, ExpectedScope, PlanSettings, RuleTest};
use crate::rules::{Variable, Vocabulary, convert};
use crate::section::shape::ByHand;
use crate::section::{Located, Table};
use crate::words::known;

use super::mapping::constant;
use super::settings::TargetSettings;

/// `[[test]]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
#[expect(dead_code, reason = "what is `ByHand` is declared here and read from the table")]
pub(super) struct Shape {
    /// An invented employee: attribute = value, by key or alias. What is left out is empty
    #[schemars(required)]
    employee: Option<ByHand<Map<String, Json>>>,
    /// The day on which they are looked at
    #[schemars(required)]
    today: Option<ByHand<String>>,
    /// The target whose rules are tested
    #[schemars(required)]
    target: Option<Located<String>>,
    /// What should come of them
    #[schemars(required)]
    expect: Option<ByHand<Expect>>,
}

/// `[test.expect]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
#[expect(dead_code, reason = "what is `ByHand` is declared here and read from the table")]
struct Expect {
    /// `in` scope of the target, `out` of it, or `left`: the filters hold, and the employee has left
    scope: Option<ExpectedScope>,
    /// Field of the target = what the mapping gives it; `""` for nothing
    fields: Option<ByHand<Map<String, Json>>>,
    /// The code of a skip or a note, such as `required_field_empty` or `field_invalid`
    reason: Option<Located<String>>,
}

/// What tests are read with.
struct Reading<'t> {
    vocabulary: &'t Vocabulary,
    /// Those that were read without a mistake.
    targets: Vec<&'t TargetSettings>,
    /// Those that the file names.
    names: Vec<&'t str>,
}

/// Reads every `[[test]]`.
pub(super) fn read(root: &Table<'_>, vocabulary: &Vocabulary, targets: &[Option<TargetSettings>]) -> Vec<RuleTest> {
    let Some(all) = root.raw("test") else { return Vec::new() };
    let tables: Option<Vec<_>> = all
        .get_ref()
        .as_array()
        .and_then(|items| items.iter().map(|item| Some((item.span(), item.get_ref().as_table()?))).collect());
    let Some(tables) = tables else {
        return root.wrong_type("test", all, "a list of tables, each [[test]]").unwrap_or_default();
    };
    let named = root.raw("targets").and_then(|targets| targets.get_ref().as_table());
    let reading = Reading {
        vocabulary,
        targets: targets.iter().flatten().collect(),
        names: named.into_iter().flatten().map(|(name, _)| name.get_ref().as_ref()).collect(),
    };
    let test = |(position, (span, entries))| {
        let table = Table::new(format!("test.{position}"), span, entries, root.context());
        let test = reading.test(&table);
        table.finish();
        test
    };
    tables.into_iter().enumerate().filter_map(test).collect()
}

impl Reading<'_> {
    fn test(&self, table: &Table<'_>) -> Option<RuleTest> {
        let shape: Shape = table.read().unwrap_or_default();
        for (key, example) in [
            ("employee", "employee = { first_name = \"Ada\", department = \"IT\" }"),
            ("today", "today = 2026-12-01"),
            ("target", "target = \"service-desk\""),
            ("expect", "expect = { scope = \"in\" }"),
        ] {
            if !table.has(key) {
                table.missing(key, example);
            }
        }
        let person = table.table("employee").map(|employee| self.person(&employee));
        let today = day(table);
        let target = shape.target.and_then(|name| self.target(table, &name));
        let expect = table.table("expect");
        let expect = expect.map(|expect| expected(expect, target.map(|target| &target.plan)));
        let (line, column) = table.problems().place(table.span());
        let (employee, values) = person?;
        Some(RuleTest {
            line,
            column,
            target: target?.plan.name.clone(),
            today: today?,
            employee,
            values,
            expect: expect?,
        })
    }

    fn target(&self, table: &Table<'_>, name: &Located<String>) -> Option<&TargetSettings> {
        if !self.names.contains(&name.value.as_str()) {
            let hint = known(&name.value, self.names.iter().copied());
            let message = format!("{}: there is no target `{}`; {hint}", table.name_of("target"), name.value);
            table.problems().error(name.span.clone(), Code::UnknownTarget, message);
        }
        self.targets.iter().copied().find(|target| *target.plan.name == *name.value)
    }

    /// The id and the attributes of somebody, each with its place.
    fn person(&self, table: &Table<'_>) -> (EmployeeId, BTreeMap<Box<str>, Value>) {
        let mut person = Person { id: EmployeeId(1), values: BTreeMap::new() };
        let mut parts = Vec::new();
        for (name, value) in table.entries() {
            let complain = |code, message| table.problems().error(name.span.clone(), code, message);
            match self.vocabulary.resolve(name.value) {
                Err(unknown) => complain(Code::UnknownAttribute, format!("[{}]: {unknown}", table.path())),
                Ok(Variable::Attribute(key)) => match attribute(&key, value.get_ref()) {
                    Ok(value) => {
                        person.values.insert(key, value);
                    }
                    Err(wanted) => table.wrong_type(name.value, value, wanted).unwrap_or_default(),
                },
                Ok(Variable::Lifecycle | Variable::Today) => {
                    let message = format!("{} follows from `today`, `status` and the dates", table.name_of(name.value));
                    complain(Code::WrongValue, message);
                }
                Ok(part) => parts.push((name, part, value)),
            }
        }
        for (name, part, value) in parts {
            if let Err(wrong) = person.add(&part, value) {
                wrong.report(table, name.value, value);
            }
        }
        (person.id, person.values)
    }
}

struct Person {
    id: EmployeeId,
    values: BTreeMap<Box<str>, Value>,
}

/// Why a part of a value cannot be added.
enum Wrong {
    Type(&'static str),
    /// The value that it is a part of is not said.
    Alone(Box<str>),
}

impl Wrong {
    fn report(self, table: &Table<'_>, key: &str, value: &Spanned<DeValue<'_>>) {
        match self {
            Self::Type(wanted) => table.wrong_type(key, value, wanted).unwrap_or_default(),
            Self::Alone(whole) => {
                let message = format!("{} is a part of `{whole}`; say that as well", table.name_of(key));
                table.problems().error(table.key_span(key), Code::WrongValue, message);
            }
        }
    }
}

impl Person {
    /// Adds what only a part of a value says, such as `department_id`.
    fn add(&mut self, part: &Variable, value: &Spanned<DeValue<'_>>) -> Result<(), Wrong> {
        let constant = constant(value.get_ref());
        let number = || match &constant {
            Some(FieldValue::Integer(number)) => Ok(*number),
            _ => Err(Wrong::Type("a whole number")),
        };
        let text = || match &constant {
            Some(FieldValue::Text(text)) => Ok(text.clone()),
            _ => Err(Wrong::Type("a text in quotes")),
        };
        match part {
            Variable::EmployeeId => {
                let id = u64::try_from(number()?).ok().filter(|id| *id > 0);
                self.id = EmployeeId(id.ok_or(Wrong::Type("a whole number from 1 on"))?);
            }
            Variable::IdOf(key) => match self.values.get_mut(key) {
                Some(Value::Named(named)) => Arc::make_mut(named).id = Part::Is(number()?),
                _ => return Err(Wrong::Alone(key.clone())),
            },
            Variable::SupervisorEmail => self.supervisor()?.email = Part::Is(text()?),
            Variable::SupervisorName => self.supervisor()?.name = Part::Is(text()?),
            Variable::CostCenter => {
                self.values.insert("cost_centers".into(), shares([&*text()?]));
            }
            Variable::Attribute(_) | Variable::Lifecycle | Variable::Today | Variable::ResultOf(_) => {}
        }
        Ok(())
    }

    fn supervisor(&mut self) -> Result<&mut Supervisor, Wrong> {
        match self.values.get_mut("supervisor") {
            Some(Value::Supervisor(supervisor)) => Ok(Arc::make_mut(supervisor)),
            _ => Err(Wrong::Alone("supervisor".into())),
        }
    }
}

/// A value as Personio would deliver it, or what is wanted in its place.
fn attribute(key: &str, value: &DeValue<'_>) -> Result<Value, &'static str> {
    let found = constant(value);
    let kind = preset(key);
    Ok(match (kind, found.ok_or("a text, a number, a date, true or false, or a list of texts")?) {
        (_, FieldValue::Empty) => Value::Empty,
        (Some(PresetKind::Date), FieldValue::Text(text)) => Value::Date(text.parse().map_err(|_| DATE)?),
        (_, FieldValue::Date(day)) => Value::Date(day),
        (Some(PresetKind::Date), _) => return Err(DATE),
        (Some(PresetKind::Named), FieldValue::Text(name)) => Value::Named(Arc::new(Named { id: Part::Empty, name })),
        (Some(PresetKind::Supervisor), FieldValue::Integer(id)) if id > 0 => {
            let id = EmployeeId(id.unsigned_abs());
            Value::Supervisor(Arc::new(Supervisor { id, email: Part::Empty, name: Part::Empty }))
        }
        (Some(PresetKind::Supervisor), _) => return Err("the number of an employee"),
        (Some(PresetKind::CostCenters), FieldValue::Text(name)) => shares([&*name]),
        (Some(PresetKind::CostCenters), FieldValue::List(names)) => shares(names.iter().map(AsRef::as_ref)),
        (Some(PresetKind::List), FieldValue::Text(item)) => Value::List([Box::from(&*item)].into()),
        (Some(PresetKind::Text | PresetKind::Named | PresetKind::Timestamp | PresetKind::CostCenters), found)
            if found.as_text().is_none() =>
        {
            return Err("a text in quotes");
        }
        (_, FieldValue::Text(text)) => Value::Text(text),
        (_, FieldValue::Integer(number)) => Value::Integer(number),
        (_, FieldValue::Decimal(number)) => Value::Decimal(number),
        (_, FieldValue::Bool(truth)) => Value::Bool(truth),
        (_, FieldValue::List(items)) => Value::List(items),
        (_, FieldValue::Account(_) | FieldValue::Employee(_)) => Value::Empty,
    })
}

const DATE: &str = "a date such as 2026-12-01";

/// Cost centres that have equal shares.
fn shares<'n>(names: impl IntoIterator<Item = &'n str>) -> Value {
    let names: Vec<&str> = names.into_iter().collect();
    let share = |name: &&str| CostCenterShare { name: Box::from(*name), percentage: 100.0 / names.len() as f64 };
    Value::CostCenters(names.iter().map(share).collect())
}

fn day(table: &Table<'_>) -> Option<NaiveDate> {
    let value = table.raw("today")?;
    match constant(value.get_ref()) {
        Some(FieldValue::Date(day)) => Some(day),
        Some(FieldValue::Text(text)) if text.parse::<NaiveDate>().is_ok() => text.parse().ok(),
        _ => table.wrong_type("today", value, DATE),
    }
}

/// Without a target (it is unknown, or wrong itself), fields are not looked at.
fn expected(table: Table<'_>, target: Option<&PlanSettings>) -> Expected {
    let shape: Expect = table.read().unwrap_or_default();
    if table.content().is_empty() {
        table.missing("scope", "scope = \"in\"");
    }
    let mut fields = Vec::new();
    if let Some(given) = table.table("fields") {
        match target {
            Some(target) => collect(&given, "", target, &mut fields),
            None => given.accept_all(),
        }
    }
    let reason = shape.reason.and_then(|word| {
        let code = word.value.parse().ok();
        if code.is_none() {
            let hint = known_code(&word.value);
            let message = format!("{} does not know `{}`; {hint}", table.name_of("reason"), word.value);
            table.problems().error(word.span, Code::UnknownValue, message);
        }
        code
    });
    table.finish();
    Expected { scope: shape.scope, fields, reason }
}

/// There are too many to list.
fn known_code(word: &str) -> String {
    let all: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let nearest = crate::words::nearest(word, &all);
    nearest.map_or_else(
        || "`personio-sync codes` lists all".to_owned(),
        |nearest| format!("did you mean `{nearest}`? `personio-sync codes` lists all"),
    )
}

/// `custom_fields.size` without quotes is a table to TOML.
fn collect(table: &Table<'_>, prefix: &str, target: &PlanSettings, found: &mut Vec<(FieldIndex, FieldValue)>) {
    for (key, value) in table.entries() {
        let name = format!("{prefix}{}", key.value);
        if let Some(inner) = value.get_ref().as_table().and_then(|_: &DeTable<'_>| table.table(key.value)) {
            collect(&inner, &format!("{name}."), target, found);
            continue;
        }
        let written = &target.fields[..target.written_fields];
        let Some(position) = written.iter().position(|spec| *spec.name == *name) else {
            let hint = known(&name, written.iter().map(|spec| &*spec.name));
            let message = format!("[targets.{}.mapping] does not fill `{name}`; {hint}", target.name);
            table.problems().error(key.span, Code::UnknownField, message);
            continue;
        };
        let given = constant(value.get_ref()).ok_or_else(|| "it is no value of a field".to_owned());
        match given.and_then(|given| convert(given, &written[position])) {
            Ok(given) => found.extend(u16::try_from(position).ok().map(|index| (FieldIndex(index), given))),
            Err(why) => {
                let message = format!("{}: {why}", table.name_of(key.value));
                table.problems().error(value.span(), Code::WrongValue, message);
            }
        }
    }
}
