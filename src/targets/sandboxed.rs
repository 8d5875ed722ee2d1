//! Opens a target of a section against the sandbox, for tests of targets over real sockets.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use toml::de::DeTable;

use super::{Connection, FieldLookup, Parse, SandboxAddresses, Target, TargetType};
use crate::field::{FieldIndex, FieldSpec, FieldValue};
use crate::plan::FieldChange;
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::section::{Context, Problems, Secret, SecretMode, SecretReader, Table};
use crate::simulation::{Preparation, PreparedField, PreparedTarget, SECRET};

/// The name of the target.
pub(super) const NAME: &str = "chat";

/// The day of the run.
pub(super) fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

/// A small sandbox that offers the fields of a target.
pub(super) fn sandbox(kind: &str, fields: &[&str]) -> Sandbox {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = Sandbox::start(SandboxOptions { employees: 60, ..SandboxOptions::new(day()) }).unwrap();
    let field = |name: &&str| PreparedField { name: (*name).into(), ..PreparedField::default() };
    let target = PreparedTarget {
        name: NAME.into(),
        kind: kind.into(),
        fields: fields.iter().map(field).collect(),
        ..PreparedTarget::default()
    };
    sandbox.prepare(&Preparation { targets: vec![target], ..Preparation::default() });
    sandbox
}

/// The settled section, or its problems.
pub(super) fn settings(parse: Parse, text: &str) -> Result<Box<dyn TargetType>, Vec<String>> {
    let problems = Problems::new(text);
    let secrets = SecretReader::new(&|_| None, Path::new("."), SecretMode::Read);
    let parsed = DeTable::parse(text).expect("TOML");
    let table = Table::new(
        "targets.chat",
        parsed.span(),
        parsed.get_ref(),
        Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() },
    );
    let found = parse(&table);
    table.finish();
    let problems: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    if problems.is_empty() { Ok(found.expect("settings")) } else { Err(problems) }
}

/// A target with these fields, pointed at the sandbox.
pub(super) fn open(sandbox: &Sandbox, parse: Parse, section: &str, names: &[&str]) -> Box<dyn Target> {
    open_making(sandbox, parse, section, names, Vec::new())
}

/// The same, with fields whose missing names it may make.
pub(super) fn open_making(
    sandbox: &Sandbox,
    parse: Parse,
    section: &str,
    names: &[&str],
    create_missing: Vec<FieldIndex>,
) -> Box<dyn Target> {
    let mut settings = settings(parse, section).unwrap();
    settings.redirect(&SandboxAddresses {
        base_url: sandbox.base_url().into(),
        folder: PathBuf::new(),
        target: NAME.into(),
        secret: Secret::new(SECRET),
    });
    open_as_is(&*settings, names, create_missing)
}

/// A target of settings that say themselves where it is.
pub(super) fn open_as_is(
    settings: &dyn TargetType,
    names: &[&str],
    create_missing: Vec<FieldIndex>,
) -> Box<dyn Target> {
    let spec = |name: &&str| match settings.field(name) {
        FieldLookup::Known(spec) | FieldLookup::Open(spec) => spec,
        FieldLookup::Unknown => {
            settings.offers().memberships.iter().find(|rule| &*rule.field.name == *name).unwrap().field.clone()
        }
    };
    let fields: Vec<FieldSpec> = names.iter().map(spec).collect();
    settings
        .open(Connection {
            name: NAME.into(),
            mapped: fields.len(),
            fields,
            match_fields: vec![FieldIndex(0)],
            create_missing,
            today: day(),
        })
        .unwrap()
}

/// A change of one of the fields.
pub(super) fn change(names: &[&str], index: u16, after: FieldValue) -> FieldChange {
    let field = names[usize::from(index)].into();
    FieldChange { index: FieldIndex(index), field, before: FieldValue::Empty, after }
}
