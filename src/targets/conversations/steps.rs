//! What an expert clicks, step by step.

use std::collections::{BTreeMap, BTreeSet};

use crate::employee::EmployeeId;
use crate::field::FieldValue;
use crate::plan::{Change, FieldChange, Op, StepGroup, member_of, team_of};

use super::EXPERT;
use super::teams::GOALS;

/// Source: https://support.personio.de/hc/en-us/articles/5900453722781
const TEAMS: &str = "Conversations > Settings > Organization > Teams";
/// Only administrators assign roles. Source: https://support.personio.de/hc/en-us/articles/6109716091549
const ROLE: &str = "Personio, as an administrator: the employee role \"Conversations Expert\"";

#[derive(Debug, Default)]
struct TeamSteps {
    is_new: bool,
    settings: Vec<String>,
    members: Vec<String>,
    /// Only members may set the rules of a team, so they come after these.
    /// Source: https://support.personio.de/hc/en-us/articles/6250736246045
    goals: Vec<String>,
}

/// Changes as steps: the role first, because only experts can be members, then team by team.
pub(super) fn groups(changes: &[&Change], who: &dyn Fn(EmployeeId) -> String) -> Vec<StepGroup> {
    let mut role = Vec::new();
    let mut teams: BTreeMap<&str, TeamSteps> = BTreeMap::new();
    for change in changes {
        if let Some(team) = team_of(change) {
            let steps = teams.entry(team).or_default();
            let (goals, rest): (Vec<&FieldChange>, Vec<&FieldChange>) =
                change.fields.iter().partition(|field| field.field.starts_with(GOALS));
            steps.is_new |= change.op == Op::Create;
            steps.settings.extend(team_steps(change.op, &rest));
            steps.goals.extend(goals.into_iter().flat_map(setting_steps));
        }
        let Some(employee) = change.employee else { continue };
        let why = change.detail.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        for field in &change.fields {
            let joins = field.after == FieldValue::Bool(true);
            if &*field.field == EXPERT {
                let name = who(employee);
                role.push(if joins { format!("Give it to {name}") } else { format!("Take it from {name}{why}") });
            } else if let Some(team) = member_of(&field.field) {
                let name = who(employee);
                let step = if joins { format!("Add {name}") } else { format!("Take out {name}{why}") };
                teams.entry(team).or_default().members.push(step);
            }
        }
    }
    role.sort_unstable();
    let mut groups = Vec::new();
    if !role.is_empty() {
        groups.push(StepGroup { title: "Role of an expert".into(), position: ROLE.into(), steps: role });
    }
    for (team, TeamSteps { is_new, settings, mut members, goals }) in teams {
        members.sort_unstable();
        let position = if is_new { TEAMS.to_owned() } else { format!("{TEAMS} > {team} > Edit team") };
        let steps = settings.into_iter().chain(members).chain(goals).collect();
        groups.push(StepGroup { title: format!("Team {team}"), position, steps });
    }
    groups
}

/// What is to be done to a team itself.
fn team_steps(op: Op, fields: &[&FieldChange]) -> Vec<String> {
    match op {
        Op::Deactivate => vec!["Archive the team: the file no longer has it".into()],
        Op::Create => {
            let one = |name: &str| fields.iter().find(|field| &*field.field == name).map(|field| &field.after);
            let kind = one("kind").map(|kind| format!(" of the type {kind}")).unwrap_or_default();
            let visibility = one("visibility").map(|visibility| format!(", {visibility}")).unwrap_or_default();
            let made = format!("Make the team{kind}{visibility}");
            let rest = fields.iter().filter(|field| !matches!(&*field.field, "kind" | "visibility"));
            std::iter::once(made).chain(rest.flat_map(|field| setting_steps(field))).collect()
        }
        _ => fields.iter().flat_map(|field| setting_steps(field)).collect(),
    }
}

/// What is to be done to one setting.
fn setting_steps(field: &FieldChange) -> Vec<String> {
    let (before, after) = (&field.before, &field.after);
    let was = if before.is_empty() { String::new() } else { format!(" (was {before})") };
    let set = |what: &str| {
        vec![if after.is_empty() {
            format!("The {what} {before} is no longer asked for; set another one if need be")
        } else {
            format!("Set the {what} to {after}{was}")
        }]
    };
    match &*field.field {
        "kind" => set("type"),
        "visibility" => set("visibility"),
        "working_hours" if after.is_empty() => vec![format!("Remove the working hours {}", several(before))],
        "working_hours" => {
            let was = if before.is_empty() { String::new() } else { format!(" (was {})", several(before)) };
            vec![format!("Set the working hours to {}{was}", several(after))]
        }
        "categories" => items(before, after, "the category", ""),
        "slack_channels" => items(before, after, "the associated Slack channel", ""),
        "statuses" => items(before, after, "the request status", ", in the settings of request statuses"),
        name => match name.strip_prefix(GOALS) {
            Some(of) if after.is_empty() => vec![format!("Remove the SLA for {of}{was}, as a member of the team")],
            Some(of) => vec![format!("Set the SLA for {of}: {after}{was}, as a member of the team")],
            None => set(name),
        },
    }
}

fn texts(value: &FieldValue) -> Vec<&str> {
    match value {
        FieldValue::List(items) => items.iter().map(AsRef::as_ref).collect(),
        FieldValue::Text(text) => vec![text],
        _ => Vec::new(),
    }
}

fn several(value: &FieldValue) -> String {
    texts(value).join("; ")
}

/// A step for each that comes or goes.
fn items(before: &FieldValue, after: &FieldValue, what: &str, position: &str) -> Vec<String> {
    let (before, after) = (texts(before), texts(after));
    let known: BTreeSet<&str> = before.iter().copied().collect();
    let wanted: BTreeSet<&str> = after.iter().copied().collect();
    let come = after.iter().filter(|item| !known.contains(*item)).map(|item| format!("Add {what} {item}{position}"));
    let go = before.iter().filter(|item| !wanted.contains(*item)).map(|item| format!("Remove {what} {item}{position}"));
    come.chain(go).collect()
}
