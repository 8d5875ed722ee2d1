//! Personio Conversations: who is an expert, which teams there are and who belongs to which.
//!
//! Conversations has no interface: it reads Personio with a credential of its own and imports the contacts of
//! Slack or Teams. So what should be is held against what somebody confirmed last, which the state keeps; the
//! difference is what is to be done by hand.

pub mod attributes;
pub mod contacts;
mod experts;
mod settings;
mod steps;
mod teams;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::code::Code;
use crate::employee::{EmployeeId, Lifecycle};
use crate::field::{AccountId, FieldIndex, FieldKind, FieldSpec, FieldValue, Schema};
use crate::plan::{Account, Change, FieldChange, Policy, Setting, Skip, Snapshot, StepGroup, TeamSettings};
use crate::rules::Desired;
use crate::section::{Located, Secret};

use super::membership::Membership;
use super::{
    ByHand, Channel, Connection, ErrorKind, FieldLookup, ListedExpert, Offers, ReadAccounts, Requesters,
    SandboxAddresses, Target, TargetError, TargetType, WriteAccounts,
};
use crate::plan::{EmployeeCase, EmployeeRules, Findings};
use crate::progress::Progress;
use teams::Team;

pub use settings::parse;

pub const KIND: super::Kind = super::Kind {
    name: "conversations",
    parse,
    starter: include_str!("starter.toml"),
    keys: settings::schema,
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

    fn redirect(&mut self, sandbox: &SandboxAddresses) {
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
