//! For tests of target types: sections read as the loader reads them, and rules tried on one employee.

use std::path::Path;

use chrono::NaiveDate;

use crate::employee::{Disagreement, EmployeeId, Lifecycle, Standing};
use crate::field::{FieldSpec, FieldValue, Schema};
use crate::plan::Account;
use crate::rules::{Desired, convert};
use crate::section::{Context, Problems, SecretMode, SecretReader, Table};

use super::{Connection, FieldLookup, Parse, Target, TargetType};
use crate::plan::{EmployeeCase, Findings};

/// A section of a file in `/srv/sync`, with all its problems. `match` is the caller's.
pub(super) fn load(toml: &str, parse: Parse) -> (Option<Box<dyn TargetType>>, Vec<String>) {
    load_in(toml, parse, Path::new("/srv/sync"))
}

pub(super) fn load_in(toml: &str, parse: Parse, folder: &Path) -> (Option<Box<dyn TargetType>>, Vec<String>) {
    let problems = Problems::new(toml);
    let environment = |name: &str| (name == "TOKEN").then(|| "secret-token".to_owned());
    let secrets = SecretReader::new(&environment, folder, SecretMode::Read);
    let document = toml::de::DeTable::parse(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
    let table = Table::new("targets.t", 0..toml.len(), document.get_ref(), context);
    let found = parse(&table);
    table.finish();
    (found, problems.into_sorted().iter().map(ToString::to_string).collect())
}

pub(super) fn loaded(toml: &str, parse: Parse) -> Box<dyn TargetType> {
    let (found, problems) = load(toml, parse);
    assert_eq!(problems, [""; 0], "{toml}");
    found.expect("a section without problems")
}

/// A day, or none for a blank.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    (!text.is_empty()).then(|| text.parse().expect("a day"))
}

/// The fields of a run: those named, then what the rules derive.
pub(super) fn schema(target: &dyn TargetType, mapped: &[&str]) -> Schema {
    let mut fields: Vec<FieldSpec> = mapped
        .iter()
        .map(|name| match target.field(name) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => spec,
            FieldLookup::Unknown => panic!("no field {name}"),
        })
        .collect();
    for spec in target.offers().rules.expect("rules").derived_fields() {
        if !fields.iter().any(|field| field.name == spec.name) {
            fields.push(spec);
        }
    }
    Schema { fields, ..Schema::default() }
}

/// An open target with these fields, matched by the first.
pub(super) fn open(target: &dyn TargetType, schema: &Schema) -> Box<dyn Target> {
    let connection = Connection {
        name: "t".into(),
        fields: schema.fields.clone(),
        mapped: schema.fields.len(),
        match_fields: vec![crate::field::FieldIndex(0)],
        create_missing: Vec::new(),
        today: NaiveDate::default(),
    };
    target.open(connection).expect("a target that opens")
}

/// One employee for the rules to look at.
pub(super) struct Trial {
    pub(super) today: &'static str,
    pub(super) lifecycle: Lifecycle,
    pub(super) last_day: &'static str,
    pub(super) disagreement: Option<Disagreement>,
    pub(super) without_hire_date: bool,
    pub(super) linked: bool,
    pub(super) first_import: bool,
    pub(super) delivered: bool,
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            today: "2026-11-22",
            lifecycle: Lifecycle::Active,
            last_day: "",
            disagreement: None,
            without_hire_date: false,
            linked: false,
            first_import: false,
            delivered: false,
        }
    }
}

/// Values by field; a blank is an empty value.
pub(super) type Values<'a> = &'a [(&'a str, &'a str)];

impl Trial {
    /// What the rules make of wanted values (fields not named are kept) and, where there is one, an account.
    pub(super) fn run(
        &self,
        target: &dyn TargetType,
        schema: &Schema,
        wanted: Values<'_>,
        account: Option<Values<'_>>,
    ) -> (Findings, Vec<Desired>) {
        let spec_of = |name: &str| schema.index(name).unwrap_or_else(|| panic!("no field {name}"));
        let value = |name: &str, text: &str| {
            convert(FieldValue::text(text), schema.field(spec_of(name))).unwrap_or_else(|why| panic!("{name}: {why}"))
        };
        let mut desired: Vec<Desired> = schema.fields.iter().map(|_| Desired::Keep(None)).collect();
        for (name, text) in wanted {
            desired[spec_of(name).get()] = Desired::Value(value(name, text));
        }
        let account = account.map(|values| {
            let mut fields = vec![FieldValue::Empty; schema.fields.len()];
            for (name, text) in values {
                fields[spec_of(name).get()] = value(name, text);
            }
            Account::new("a-1", true, fields)
        });
        let standing = Standing::clear(self.lifecycle, day(self.last_day), self.disagreement);
        let case = EmployeeCase {
            employee: EmployeeId(1001),
            standing: &standing,
            without_hire_date: self.without_hire_date,
            today: day(self.today).expect("a day"),
            schema,
            account: account.as_ref(),
            linked: self.linked,
            first_import: self.first_import,
            delivered: self.delivered,
        };
        let findings = target.offers().rules.expect("rules").complete(&case, &mut desired);
        (findings, desired)
    }
}

/// What a field is to hold, in words: a value, blank for empty, `=` for kept.
pub(super) fn shown(schema: &Schema, desired: &[Desired], name: &str) -> String {
    match &desired[schema.index(name).unwrap_or_else(|| panic!("no field {name}")).get()] {
        Desired::Value(value) => value.to_string(),
        Desired::Keep(None) => "=".into(),
        Desired::Keep(Some(why)) => format!("= ({why})"),
        Desired::Invalid(why) => format!("= (invalid: {why})"),
        Desired::Fail(code, why) => format!("! {code}: {why}"),
    }
}
