//! A `[targets.NAME]` section of type `conversations`.

use std::collections::BTreeSet;

use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;

use crate::code::Code;
use crate::employee::{PRESET_ATTRIBUTES, preset};
use crate::field::{FieldKind, FieldSpec};
use crate::section::shape::{self, ByHand, Entries};
use crate::section::{Located, Table};
use crate::words::nearest;

use super::super::membership::Membership;
use super::super::{Credential, Requesters, TargetType};
use super::{Conversations, EXPERT, teams};

/// A `conversations` section.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("optional" = ["mapping"]))]
struct Section {
    /// The `slack` or `entra` target of this file whose contacts Conversations imports. Left out: people write by e-mail
    /// only, and contacts are not checked
    directory: Option<Located<Box<str>>>,
    /// A condition: who has the role. Who left never has it, nor a team
    #[schemars(required, example = &"department == 'People'")]
    experts: Option<Located<Box<str>>>,
    /// A CSV file of those who have the role now, with a column `employee_id` or `email`
    experts_file: Option<FileName>,
    /// What experts may see of people, by key
    #[serde(default)]
    requester_attributes: Vec<Located<String>>,
    /// What Conversations itself signs in to Personio with, to look at what it may read
    credential: Option<Credential>,
    /// Contacts from outside that are meant to be there: addresses, or domains such as `@example.org`
    #[serde(default)]
    outsiders: Vec<Outsider>,
    /// The teams, by name
    #[schemars(extend("minProperties" = 1))]
    teams: Option<ByHand<Entries<teams::Keys>>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline)]
struct FileName(String);

impl TryFrom<String> for FileName {
    type Error = &'static str;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        match path.trim() {
            "" => Err("must name a CSV file; or leave it out"),
            path => Ok(Self(path.to_owned())),
        }
    }
}

/// An address, or a domain with `@` before it, in lower case.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, description = "")]
struct Outsider(String);

impl TryFrom<String> for Outsider {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim().to_lowercase();
        match text.split_once('@') {
            Some((_, domain)) if domain.contains('.') && !domain.contains('@') => Ok(Self(text)),
            _ => Err("takes addresses and domains such as \"guest@example.org\" or \"@example.org\""),
        }
    }
}

/// Reads the keys of type `conversations`; `None` after problems, which the table keeps.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let section: Section = table.read()?;
    let mut memberships: Vec<Membership> = section.experts.map(|rule| membership(EXPERT, rule)).into_iter().collect();
    let (mut teams, mut channels) = (Vec::new(), Vec::new());
    if section.teams.is_some() {
        teams = teams::read(table, &mut memberships, &mut channels);
    }
    let declared = requester_attributes(&section.requester_attributes, table);
    Some(Box::new(Conversations {
        name: table.path().rsplit('.').next().unwrap_or("conversations").into(),
        directory: section.directory,
        requesters: Requesters { declared, credential: section.credential },
        memberships,
        teams,
        channels,
        outsiders: section.outsiders.into_iter().map(|Outsider(address)| address).collect(),
        experts_file: section.experts_file.map(|FileName(path)| table.context().secrets.folder().join(path)),
    }))
}

/// The keys of type `conversations`, for editors and the reference.
pub(super) fn schema(generator: &mut SchemaGenerator) -> serde_json::Value {
    shape::definition::<Section>(generator)
}

pub(super) fn membership(field: &str, rule: Located<Box<str>>) -> Membership {
    Membership { field: FieldSpec::new(field, FieldKind::Bool), rule, owned: true }
}

/// `requester_attributes`: keys of Personio's attributes.
fn requester_attributes(keys: &[Located<String>], table: &Table<'_>) -> Vec<String> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    let name_of = table.name_of("requester_attributes");
    for attribute in keys {
        let (name, span) = (attribute.value.trim(), attribute.span.clone());
        let key = name.to_lowercase().replace([' ', '-'], "_");
        let presets: Vec<&str> = PRESET_ATTRIBUTES.iter().map(|(key, _)| *key).collect();
        let is_key = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let meant = nearest(&key, &presets).map(|preset| format!("did you mean `{preset}`?"));
        if !is_key {
            let hint = meant.unwrap_or_else(|| "`personio-sync attributes` lists the keys".into());
            let why = format!("{name_of}: `{name}` is not an attribute's key; {hint}");
            table.problems().error(span, Code::WrongValue, why);
        } else if !seen.insert(name) {
            table.problems().error(span, Code::WrongValue, format!("{name_of} names `{name}` twice"));
        } else {
            if let Some(hint) = meant.filter(|_| preset(name).is_none() && !name.starts_with("dynamic_")) {
                table.problems().warning(span, Code::UnknownAttribute, format!("unknown attribute `{name}`; {hint}"));
            }
            found.push(name.to_owned());
        }
    }
    found
}
