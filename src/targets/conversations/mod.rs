//! Personio Conversations: who is an expert and who belongs to which team.
//!
//! Conversations has no interface: it reads Personio with a credential of its own and imports the contacts of
//! Slack or Teams. So what should be is held against what somebody confirmed last, which is kept in a file of
//! ours; the difference is what is to be done by hand.

pub mod attributes;
mod teams;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::config::reader::{Located, Table};
use crate::plan::{Account, Change, FieldKind, FieldSpec, FieldValue, Schema, Skip};
use crate::rules::Desired;

use super::file::FileTarget;
use super::membership::Membership;
use super::{Connection, EmployeeCase, EmployeeRules, FieldLookup, Findings, SandboxPlaces, Target, TargetType};
use teams::Team;

/// Whether somebody has the role of an expert.
const EXPERT: &str = "expert";

/// The settled section.
#[derive(Debug)]
struct Conversations {
    /// The target whose contacts Conversations imports.
    directory: Located<Box<str>>,
    /// What experts may see of people.
    requester_attributes: Vec<String>,
    memberships: Vec<Membership>,
    teams: Vec<Team>,
    /// What was confirmed last.
    confirmed: FileTarget,
}

/// Reads the keys of type `conversations`; `None` after problems, which the table keeps.
pub fn parse(table: &Table<'_>) -> Option<Box<dyn TargetType>> {
    let directory = table.required_text("directory", "directory = \"chat\", the name of a slack or entra target");
    let requester_attributes = table.texts("requester_attributes").unwrap_or_default();
    let mut memberships = Vec::new();
    if let Some(rule) = table.required_text("experts", "experts = \"department == 'People'\"") {
        memberships.push(Membership {
            field: FieldSpec::new(EXPERT, FieldKind::Bool),
            rule: Located { value: rule.value.into(), span: rule.span },
            owned: true,
        });
    }
    let teams = teams::read(table, &mut memberships);
    let name = table.path().rsplit('.').next().unwrap_or("conversations");
    let usual = format!("{name}.confirmed.json");
    let path = table.text("path").map_or(usual, |path| path.value.to_owned());
    let path: PathBuf = table.context().secrets.folder().join(path);
    let directory = directory?;
    Some(Box::new(Conversations {
        directory: Located { value: directory.value.into(), span: directory.span },
        requester_attributes: requester_attributes.into_iter().map(|name| name.value.trim().to_owned()).collect(),
        memberships,
        teams,
        confirmed: FileTarget::of_ours(path),
    }))
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
        &["employee", "email"]
    }

    fn identity(&self) -> String {
        format!("conversations:{}", self.confirmed.identity())
    }

    fn open(&self, connection: Connection) -> anyhow::Result<Box<dyn Target>> {
        self.confirmed.open(connection)
    }

    fn redirect(&mut self, sandbox: &SandboxPlaces) {
        self.confirmed.redirect(sandbox);
    }

    /// Requesters are all employees, those who left included.
    fn takes_everyone(&self) -> bool {
        true
    }

    fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    fn rules(&self) -> Option<&dyn EmployeeRules> {
        Some(self)
    }

    fn directory(&self) -> Option<&Located<Box<str>>> {
        Some(&self.directory)
    }

    fn is_done_by_hand(&self) -> bool {
        true
    }

    fn describe(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "imports all contacts of `{}`, people outside the company included; nobody is notified",
            self.directory.value
        )];
        if !self.requester_attributes.is_empty() {
            let path = "Settings > Integrations > API credentials > Conversations";
            lines.push(format!("to be readable under {path}: {}", self.requester_attributes.join(", ")));
        }
        for name in &self.requester_attributes {
            if let Some(what) = attributes::sensitive(name) {
                lines.push(format!("`{name}` is sensitive ({what}), and every expert would see it"));
            }
        }
        lines.extend(self.teams.iter().flat_map(teams::steps));
        lines
    }
}

impl EmployeeRules for Conversations {
    fn derived_fields(&self) -> Vec<FieldSpec> {
        Vec::new()
    }

    fn complete(&self, case: &EmployeeCase<'_>, desired: &mut [Desired]) -> Findings {
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
                case.notice("team_member_no_expert", why)
            })
            .collect();
        Findings { skip: None, notices }
    }

    fn review(&self, _schema: &Schema, _changes: &[Change], _accounts: &[Account]) -> Vec<Skip> {
        Vec::new()
    }
}
