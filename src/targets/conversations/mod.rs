//! Personio Conversations: who is an expert, which teams there are and who belongs to which.
//!
//! Conversations has no interface: it reads Personio with a credential of its own and imports the contacts of
//! Slack or Teams. So what should be is held against what somebody confirmed last, which the state keeps; the
//! difference is what is to be done by hand.

pub mod attributes;
pub mod contacts;
mod experts;
mod steps;
mod teams;
#[cfg(test)]
mod tests;

use crate::code::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::employee::{EmployeeId, Lifecycle, PRESET_ATTRIBUTES, preset};
use crate::field::{AccountId, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, Change, FieldChange, Policy, Setting, Skip, Snapshot, StepGroup, TeamSettings};
use crate::rules::Desired;
use crate::section::{Located, Secret, Table};
use crate::words::nearest;

use super::membership::Membership;
use super::{
    ByHand, Channel, Connection, Credential, ErrorKind, FieldLookup, ListedExpert, Offers, ReadAccounts, Requesters,
    SandboxPlaces, Target, TargetError, TargetType, WriteAccounts,
};
use crate::plan::{EmployeeCase, EmployeeRules, Findings};
use crate::progress::Progress;
use teams::Team;

pub const KIND: super::Kind = super::Kind {
    name: "conversations",
    parse,
    starter: include_str!("starter.toml"),
    keys: super::Keys::Text(include_str!("schema.json")),
    simulate: None,
};

/// Whether somebody has the role of an expert; the key of the rule as well.
const EXPERT: &str = "experts";

#[derive(Debug)]
struct Conversations {
    /// As the file names the target.
    name: Box<str>,
    /// The target whose contacts Conversations imports; none where people write by e-mail only.
    directory: Option<Located<Box<str>>>,
    requesters: Requesters,
    memberships: Vec<Membership>,
    teams: Vec<Team>,
    channels: Vec<Channel>,
    /// Addresses, and domains with `@` before them, in lower case.
    outsiders: Vec<String>,
    experts_file: Option<PathBuf>,
}

/// Reads the keys of type `conversations`; `None` after problems, which the table keeps.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let directory = table.text("directory");
    let declared = requester_attributes(table);
    let credential = credential(table);
    let (mut memberships, mut channels) = (Vec::new(), Vec::new());
    if let Some(rule) = table.required_text("experts", "experts = \"department == 'People'\"") {
        memberships.push(Membership {
            field: FieldSpec::new(EXPERT, FieldKind::Bool),
            rule: Located { value: rule.value.into(), span: rule.span },
            owned: true,
        });
    }
    let experts_file = table.text("experts_file").and_then(|path| {
        if path.value.trim().is_empty() {
            let why = format!("{} must name a CSV file; or leave it out", table.name_of("experts_file"));
            table.problems().error(path.span, Code::WrongValue, why);
            return None;
        }
        Some(table.context().secrets.folder().join(path.value.trim()))
    });
    let outsiders = outsiders(table);
    let teams = teams::read(table, &mut memberships, &mut channels);
    if directory.is_none() && table.has("directory") {
        return None;
    }
    Some(Box::new(Conversations {
        name: table.path().rsplit('.').next().unwrap_or("conversations").into(),
        directory: directory.map(|name| Located { value: name.value.into(), span: name.span }),
        requesters: Requesters { declared, credential },
        memberships,
        teams,
        channels,
        outsiders,
        experts_file,
    }))
}

/// `requester_attributes`: keys of Personio's attributes.
fn requester_attributes(table: &Table<'_>) -> Vec<String> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    if !table.has("requester_attributes") {
        return found;
    }
    let name_of = table.name_of("requester_attributes");
    for attribute in table.texts("requester_attributes").unwrap_or_default() {
        let (name, span) = (attribute.value.trim(), attribute.span);
        let key = name.to_lowercase().replace([' ', '-'], "_");
        let presets: Vec<&str> = PRESET_ATTRIBUTES.iter().map(|(key, _)| *key).collect();
        let is_key = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let meant = nearest(&key, &presets).map(|preset| format!("did you mean `{preset}`?"));
        if !is_key {
            let hint = meant.unwrap_or_else(|| "`personio-sync attributes` lists the keys".into());
            table.problems().error(
                span,
                Code::WrongValue,
                format!("{name_of}: `{name}` is not an attribute's key; {hint}"),
            );
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

/// `[targets.NAME.credential]`: what Conversations itself signs in to Personio with.
fn credential(table: &Table<'_>) -> Option<Credential> {
    if !table.has("credential") {
        return None;
    }
    let section = table.table("credential")?;
    let (client_id, client_secret) = (section.required_secret("client_id"), section.required_secret("client_secret"));
    section.finish();
    Some(Credential { client_id: client_id?, client_secret: client_secret? })
}

/// `outsiders`: contacts from outside the company that are meant to be there.
fn outsiders(table: &Table<'_>) -> Vec<String> {
    if !table.has("outsiders") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for address in table.texts("outsiders").unwrap_or_default() {
        let text = address.value.trim().to_lowercase();
        match text.split_once('@') {
            Some((_, domain)) if domain.contains('.') && !domain.contains('@') => found.push(text),
            _ => {
                let why = format!(
                    "{} takes addresses and domains such as \"guest@example.org\" or \"@example.org\"",
                    table.name_of("outsiders")
                );
                table.problems().error(address.span, Code::WrongValue, why);
            }
        }
    }
    found
}

impl TargetType for Conversations {
    fn kind(&self) -> &'static str {
        "conversations"
    }

    fn field(&self, name: &str) -> FieldLookup {
        self.known_fields()
            .into_iter()
            .find(|spec| &*spec.name == name)
            .map_or(FieldLookup::Unknown, FieldLookup::Known)
    }

    fn known_fields(&self) -> Vec<FieldSpec> {
        vec![
            FieldSpec::new("employee", FieldKind::Text).identity(),
            FieldSpec::new("email", FieldKind::Email),
            FieldSpec::new("name", FieldKind::Text),
            FieldSpec::new("language", FieldKind::Text),
        ]
    }

    fn default_match(&self) -> &'static [&'static str] {
        &["employee"]
    }

    fn policy(&self) -> Policy {
        Policy {
            // Requesters are all employees, those who left included.
            includes_leavers: true,
            // Nobody is called: people do it.
            costs_calls: false,
            manual: true,
            ..Policy::default()
        }
    }

    /// Not the directory: who moves from Slack to Teams keeps experts and teams.
    fn identity(&self) -> String {
        format!("conversations:{}", self.name)
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        Ok(Box::new(ManualTarget { fields: connection.fields }))
    }

    fn redirect(&mut self, sandbox: &SandboxPlaces) {
        if let Some(credential) = &mut self.requesters.credential {
            credential.client_id = Secret::new(crate::simulation::CONVERSATIONS_CLIENT);
            credential.client_secret = sandbox.secret.clone();
        }
        // The people of the list are not those of the sandbox.
        self.experts_file = None;
    }

    fn describe(&self) -> Vec<String> {
        let mut lines = vec![match &self.directory {
            Some(directory) => format!(
                "imports all contacts of `{}`, people outside the company included; nobody is notified",
                directory.value
            ),
            None => "no `directory`: people write by e-mail only, so there are no contacts and no channels to check; \
                     nobody is notified"
                .to_owned(),
        }];
        if !self.requesters.declared.is_empty() {
            lines.push(format!("to be readable under {}: {}", attributes::PLACE, self.requesters.declared.join(", ")));
        }
        for name in &self.requesters.declared {
            if let Some(what) = attributes::sensitive(name) {
                lines.push(format!("`{name}` is sensitive ({what}), and every expert would see it"));
            }
        }
        for Team { name, settings } in &self.teams {
            lines.extend(settings.iter().map(|(setting, value)| {
                let value = match value {
                    Setting::One(text) => text.to_string(),
                    Setting::Several(items) => items.join(", "),
                };
                format!("team {name}: {}: {value}", setting.replace('_', " "))
            }));
        }
        lines
    }

    fn offers(&self) -> Offers<'_> {
        Offers {
            memberships: &self.memberships,
            rules: Some(self),
            directory: self.directory.as_ref(),
            by_hand: Some(self),
            ..Offers::default()
        }
    }
}

impl ByHand for Conversations {
    fn teams(&self) -> BTreeMap<Box<str>, TeamSettings> {
        self.teams.iter().map(|team| (team.name.clone(), team.settings.clone())).collect()
    }

    fn expert_field(&self) -> &'static str {
        EXPERT
    }

    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    fn requesters(&self) -> &Requesters {
        &self.requesters
    }

    fn accepts_outsider(&self, address: &str) -> bool {
        self.outsiders
            .iter()
            .any(|known| if known.starts_with('@') { address.ends_with(known.as_str()) } else { address == known })
    }

    fn listed_experts(&self) -> Result<Option<Vec<ListedExpert>>, String> {
        self.experts_file.as_deref().map(experts::read).transpose()
    }

    fn steps(&self, changes: &[&Change], who: &dyn Fn(EmployeeId) -> String) -> Vec<StepGroup> {
        steps::groups(changes, who)
    }
}

impl EmployeeRules for Conversations {
    fn derived_fields(&self) -> Vec<FieldSpec> {
        Vec::new()
    }

    fn complete(&self, case: &EmployeeCase<'_>, desired: &mut [Desired]) -> Findings {
        if case.standing.lifecycle == Lifecycle::Left {
            // Whatever the rules say: who has left answers no requests, and stays a requester.
            for membership in &self.memberships {
                case.set(desired, &membership.field.name, Desired::Value(FieldValue::Bool(false)));
            }
            return Findings::default();
        }
        let yes = |name: &str| case.outcome(desired, name) == FieldValue::Bool(true);
        if yes(EXPERT) {
            return Findings::default();
        }
        let notices = self
            .teams
            .iter()
            .filter(|team| yes(&format!("teams.{}", team.name)))
            .map(|team| {
                let why = format!("belongs to the team {} by rule and is no expert; see `experts`", team.name);
                case.notice(Code::TeamMemberNoExpert, why)
            })
            .collect();
        Findings { skip: None, notices }
    }

    fn review(&self, _schema: &Schema, _changes: &[Change], _accounts: &[Account]) -> Vec<Skip> {
        Vec::new()
    }
}

/// Conversations as far as a program reaches it: not at all.
struct ManualTarget {
    fields: Vec<FieldSpec>,
}

impl ReadAccounts for ManualTarget {
    fn schema(&self) -> Result<Schema, TargetError> {
        Ok(Schema { fields: self.fields.clone(), ..Schema::default() })
    }

    fn accounts(&self, _progress: &dyn Progress) -> Result<Snapshot, TargetError> {
        Ok(Snapshot::default())
    }

    fn account(&self, _id: &AccountId) -> Result<Option<Account>, TargetError> {
        Ok(None)
    }

    fn find(&self, _field: FieldIndex, _value: &FieldValue) -> Result<Vec<Account>, TargetError> {
        Ok(Vec::new())
    }
}

fn by_hand() -> TargetError {
    TargetError::new(ErrorKind::Refused, "Conversations is set up by people; `confirm` says that they did")
}

impl WriteAccounts for ManualTarget {
    fn create_reference(&self, _field: FieldIndex, _name: &str) -> Result<(), TargetError> {
        Err(by_hand())
    }

    fn create(&self, _employee: EmployeeId, _fields: &[FieldChange]) -> Result<AccountId, TargetError> {
        Err(by_hand())
    }

    fn update(&self, _account: &AccountId, _changes: &[FieldChange]) -> Result<(), TargetError> {
        Err(by_hand())
    }

    fn reactivate(&self, _account: &AccountId) -> Result<(), TargetError> {
        Err(by_hand())
    }

    fn deactivate(&self, _account: &AccountId) -> Result<(), TargetError> {
        Err(by_hand())
    }
}
