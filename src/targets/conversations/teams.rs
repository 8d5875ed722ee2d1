//! The teams of Conversations as the file declares them, and what is to be done about them by hand.

use std::ops::Range;

use chrono::NaiveTime;
use chrono_tz::Tz;

use crate::config::reader::{Located, Table};
use crate::plan::{FieldKind, FieldSpec};

use super::super::membership::Membership;

/// The days as the file writes them.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// `[targets.NAME.teams.TEAM]`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Team {
    pub(super) name: String,
    /// Chosen from a list in Conversations.
    pub(super) kind: Option<String>,
    /// Offered to requesters, rather than to experts alone.
    pub(super) public: bool,
    pub(super) categories: Vec<String>,
    pub(super) slack_channels: Vec<String>,
    pub(super) statuses: Vec<String>,
    pub(super) hours: Option<Hours>,
    pub(super) goals: Vec<Goal>,
}

/// When a team works; its clocks run only then.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hours {
    days: Vec<String>,
    from: NaiveTime,
    to: NaiveTime,
    timezone: Tz,
}

/// A service level: how soon a request is answered and resolved, in minutes of working time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Goal {
    /// None means all of the team's.
    categories: Vec<String>,
    respond: Option<u64>,
    resolve: Option<u64>,
}

/// Reads all teams, with the rule for the members of each. All problems are reported.
pub(super) fn read(target: &Table<'_>, memberships: &mut Vec<Membership>) -> Vec<Team> {
    if !target.has("teams") {
        return Vec::new();
    }
    let Some(section) = target.table("teams") else { return Vec::new() };
    let mut teams = Vec::new();
    for (name, _) in section.entries() {
        if let Some(table) = section.table(name.value) {
            teams.push(team(name.value, &table, memberships));
            table.finish();
        }
    }
    if !teams.is_empty() && !teams.iter().any(|team| team.public) {
        let why = format!("[{}] has no public team, so nobody could send a request; make one public", section.path());
        target.problems().error(section.span(), "wrong_value", why);
    }
    teams
}

fn texts(table: &Table<'_>, key: &str) -> Vec<String> {
    let found = if table.has(key) { table.texts(key).unwrap_or_default() } else { Vec::new() };
    found.into_iter().map(|text| text.value.trim().to_owned()).collect()
}

fn team(name: &str, table: &Table<'_>, memberships: &mut Vec<Membership>) -> Team {
    if let Some(rule) = table.required_text("members", "members = \"department == 'People'\"") {
        memberships.push(Membership {
            field: FieldSpec::new(format!("teams.{name}"), FieldKind::Bool),
            rule: Located { value: rule.value.into(), span: rule.span },
            owned: true,
        });
    }
    let public = table.choice("visibility", &[("public", true), ("internal", false)]).unwrap_or(true);
    let team = Team {
        name: name.to_owned(),
        kind: table.text("kind").map(|kind| kind.value.to_owned()),
        public,
        categories: texts(table, "categories"),
        slack_channels: texts(table, "slack_channels"),
        statuses: texts(table, "statuses"),
        hours: if table.has("working_hours") { hours(table) } else { None },
        goals: goals(table),
    };
    for problem in problems(&team) {
        let message = format!("[{}]: {problem}", table.path());
        table.problems().error(table.span(), "wrong_value", message);
    }
    team
}

fn wrong(table: &Table<'_>, span: Range<usize>, key: &str, wanted: &str) {
    table.problems().error(span, "wrong_value", format!("{} must be {wanted}", table.name_of(key)));
}

fn hours(team: &Table<'_>) -> Option<Hours> {
    let table = team.table("working_hours")?;
    let time = |key: &str, example: &str| {
        let text = table.required_text(key, example)?;
        let found = NaiveTime::parse_from_str(text.value, "%H:%M").ok();
        if found.is_none() {
            wrong(&table, text.span, key, "a time such as \"09:00\"");
        }
        found
    };
    let (from, to) = (time("from", "from = \"09:00\""), time("to", "to = \"17:00\""));
    let timezone = table.required_text("timezone", "timezone = \"Europe/Berlin\"").and_then(|text| {
        let found = text.value.parse::<Tz>().ok();
        if found.is_none() {
            wrong(&table, text.span, "timezone", "an IANA name such as \"Europe/Berlin\"");
        }
        found
    });
    let days = texts(&table, "days");
    let days = if days.is_empty() { DAYS[..5].iter().map(|day| (*day).to_owned()).collect() } else { days };
    if let Some(day) = days.iter().find(|day| !DAYS.contains(&day.as_str())) {
        let why = format!("{} does not know `{day}`; known: {}", table.name_of("days"), DAYS.join(", "));
        table.problems().error(table.key_span("days"), "unknown_value", why);
    }
    table.finish();
    Some(Hours { days, from: from?, to: to?, timezone: timezone? })
}

fn goals(team: &Table<'_>) -> Vec<Goal> {
    if !team.has("goals") {
        return Vec::new();
    }
    let Some(section) = team.table("goals") else { return Vec::new() };
    let mut goals = Vec::new();
    // Each goal has a name of the file's own, so that messages and differences can speak of it.
    for (name, _) in section.entries() {
        let Some(table) = section.table(name.value) else { continue };
        goals.push(Goal {
            categories: texts(&table, "categories"),
            respond: table.count("respond_minutes"),
            resolve: table.count("resolve_minutes"),
        });
        table.finish();
    }
    goals
}

/// What Conversations would not take, or what would do nothing.
fn problems(team: &Team) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(hours) = &team.hours
        && hours.from >= hours.to
    {
        found.push("`working_hours` must begin before they end".to_owned());
    }
    if team.goals.iter().filter(|goal| goal.categories.is_empty()).count() > 1 {
        found.push("only one of the `goals` may be for all categories".to_owned());
    }
    for goal in &team.goals {
        if goal.respond.is_none() && goal.resolve.is_none() {
            found.push("each of the `goals` needs `respond_minutes` or `resolve_minutes`".to_owned());
        }
        if goal.respond == Some(0) || goal.resolve == Some(0) {
            found.push("the minutes of `goals` must be positive".to_owned());
        }
        if let (Some(respond), Some(resolve)) = (goal.respond, goal.resolve)
            && respond > resolve
        {
            found.push("a request cannot be resolved sooner than it is answered; look at `goals`".to_owned());
        }
        for category in goal.categories.iter().filter(|category| !team.categories.contains(category)) {
            found.push(format!("`goals` name the category `{category}`, which the team does not have"));
        }
    }
    for channel in &team.slack_channels {
        let name = channel.trim_start_matches('#');
        let fits = |letter: char| !letter.is_whitespace() && !letter.is_uppercase() && letter != '.';
        if name.is_empty() || name.chars().count() > 80 || !name.chars().all(fits) {
            found.push(format!("`{channel}` cannot be the name of a Slack channel"));
        }
    }
    found
}

/// What an expert sets up for a team, step by step. People follow from the plan.
pub(super) fn steps(team: &Team) -> Vec<String> {
    let visibility = if team.public { "public" } else { "internal only" };
    let kind = team.kind.as_deref().map(|kind| format!(" of the type {kind}")).unwrap_or_default();
    let mut steps = vec![format!("team {}{kind}, {visibility}", team.name)];
    let mut list = |what: &str, items: &[String]| {
        if !items.is_empty() {
            steps.push(format!("team {}: {what} {}", team.name, items.join(", ")));
        }
    };
    list("categories", &team.categories);
    list("Slack channels", &team.slack_channels);
    list("request statuses", &team.statuses);
    if let Some(Hours { days, from, to, timezone }) = &team.hours {
        let (from, to) = (from.format("%H:%M"), to.format("%H:%M"));
        steps.push(format!("team {}: working hours {}, {from} to {to} ({timezone})", team.name, days.join(", ")));
    }
    for goal in &team.goals {
        let minutes =
            |what: &str, minutes: Option<u64>| minutes.map(|minutes| format!("{what} within {minutes} minutes"));
        let goals: Vec<String> =
            [minutes("respond", goal.respond), minutes("resolve", goal.resolve)].into_iter().flatten().collect();
        let of = if goal.categories.is_empty() { "all categories".to_owned() } else { goal.categories.join(", ") };
        steps.push(format!("team {}: for {of}, {}", team.name, goals.join(" and ")));
    }
    steps
}
