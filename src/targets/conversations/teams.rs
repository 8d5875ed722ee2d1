//! The teams of Conversations as the file declares them.

use std::collections::BTreeSet;

use chrono::NaiveTime;
use toml::Spanned;
use toml::de::DeValue;

use crate::code::Code;
use crate::field::{FieldKind, FieldSpec};
use crate::plan::{Setting, TeamSettings};
use crate::section::{Located, Table};
use crate::zone::Zone;

use super::super::Channel;
use super::super::membership::Membership;

/// The days as the file writes them.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What begins the setting of a service level; the categories follow.
pub(super) const GOALS: &str = "goals for ";

/// `[targets.NAME.teams.TEAM]`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Team {
    pub(super) name: Box<str>,
    pub(super) settings: TeamSettings,
}

/// When a team works; its clocks run only then.
#[derive(Clone, Debug, PartialEq)]
struct Hours {
    /// Places in [`DAYS`], sorted.
    days: BTreeSet<usize>,
    from: NaiveTime,
    to: NaiveTime,
    timezone: Zone,
}

/// All teams, with the rule for the members of each and the channels they name. All problems are reported.
pub(super) fn read(target: &Table<'_>, memberships: &mut Vec<Membership>, channels: &mut Vec<Channel>) -> Vec<Team> {
    if !target.has("teams") {
        return Vec::new();
    }
    let Some(section) = target.table("teams") else { return Vec::new() };
    let (mut teams, mut public, mut names): (Vec<Team>, _, BTreeSet<String>) = (Vec::new(), false, BTreeSet::new());
    for (name, _) in section.entries() {
        let Some(table) = section.table(name.value) else {
            // What is wrong with it is said already; whether it is public nobody knows.
            public = true;
            continue;
        };
        let plain = name.value.trim();
        if plain.is_empty() || plain != name.value {
            let why =
                format!("[{}]: the name of a team must not be blank, nor begin or end with blanks", section.path());
            section.problems().error(name.span.clone(), Code::WrongValue, why);
        } else if !names.insert(plain.to_lowercase()) {
            let why =
                format!("[{}] has two teams called `{plain}`; letter case does not tell them apart", section.path());
            section.problems().error(name.span.clone(), Code::WrongValue, why);
        }
        teams.push(team(name.value, &table, memberships, channels, &mut public));
        table.finish();
    }
    if teams.is_empty() && !section.problems().any_error() {
        section.problems().error(
            section.span(),
            Code::WrongValue,
            format!("[{}] has no team; add one", section.path()),
        );
    } else if !public {
        let why = format!(
            "[{}] has no public team, so nobody could send a request; write visibility = \"public\" in one",
            section.path()
        );
        section.problems().error(section.span(), Code::WrongValue, why);
    }
    teams
}

fn team(
    name: &str,
    table: &Table<'_>,
    memberships: &mut Vec<Membership>,
    channels: &mut Vec<Channel>,
    public: &mut bool,
) -> Team {
    if let Some(rule) = table.required_text("members", "members = \"department == 'People'\"") {
        memberships.push(Membership {
            field: FieldSpec::new(format!("teams.{name}"), FieldKind::Bool),
            rule: Located { value: rule.value.into(), span: rule.span },
            owned: true,
        });
    }
    let mut settings = TeamSettings::new();
    let mut set = |key: &str, setting: Setting| settings.insert(key.into(), setting);
    if let Some(kind) = table.text("kind") {
        if kind.value.trim().is_empty() {
            wrong(table, kind.span, "kind", "the type as Conversations lists it, such as \"HR\"; or leave it out");
        } else {
            set("kind", Setting::One(kind.value.trim().into()));
        }
    }
    // A word that is not known is a mistake of its own, and does not make the team an internal one.
    let is_public = table.choice("visibility", &[("public", true), ("internal", false)]).unwrap_or(true);
    *public |= is_public;
    set("visibility", Setting::One(if is_public { "public" } else { "internal only" }.into()));
    let categories = list(table, "categories");
    for (key, items) in [("categories", categories.clone()), ("statuses", list(table, "statuses"))] {
        if !items.is_empty() {
            set(key, Setting::Several(items.into_iter().map(|item| item.value).collect()));
        }
    }
    let named = slack_channels(table);
    if !named.is_empty() {
        set("slack_channels", Setting::Several(named.iter().map(|one| format!("#{}", one.value).into()).collect()));
        channels.extend(named.into_iter().map(|channel| Channel { team: name.into(), name: channel }));
    }
    let hours = working_hours(table);
    if !hours.is_empty() {
        set("working_hours", Setting::Several(hours.iter().map(|hours| hours.in_words().into()).collect()));
    }
    for (of, goal) in goals(table, &categories) {
        settings.insert(format!("{GOALS}{of}").into(), Setting::One(goal.into()));
    }
    Team { name: name.into(), settings }
}

fn wrong(table: &Table<'_>, span: std::ops::Range<usize>, key: &str, wanted: &str) {
    table.problems().error(span, Code::WrongValue, format!("{} must be {wanted}", table.name_of(key)));
}

/// A list of names, none of them blank and none there twice.
fn list(table: &Table<'_>, key: &str) -> Vec<Located<Box<str>>> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    if !table.has(key) {
        return found;
    }
    for item in table.texts(key).unwrap_or_default() {
        let text = item.value.trim();
        if text.is_empty() {
            let why = format!("{} has a blank entry; take it out", table.name_of(key));
            table.problems().error(item.span, Code::WrongValue, why);
        } else if !seen.insert(text.to_lowercase()) {
            let why = format!("{} names `{text}` twice", table.name_of(key));
            table.problems().error(item.span, Code::WrongValue, why);
        } else {
            found.push(Located { value: text.into(), span: item.span });
        }
    }
    found
}

/// Names of channels, without `#`.
fn slack_channels(table: &Table<'_>) -> Vec<Located<Box<str>>> {
    let mut found: Vec<Located<Box<str>>> = Vec::new();
    for channel in list(table, "slack_channels") {
        let name = channel.value.trim_start_matches('#');
        let fits = |letter: char| !letter.is_whitespace() && !letter.is_uppercase() && letter != '.' && letter != '#';
        if name.is_empty() || name.chars().count() > 80 || !name.chars().all(fits) {
            let spelt = name.to_lowercase().replace([' ', '.'], "-");
            let why = format!(
                "`{}` cannot be the name of a Slack channel: lower case, no blanks and no full stops, at most 80 \
                 characters; did you mean `{spelt}`?",
                channel.value
            );
            table.problems().error(channel.span, Code::WrongValue, why);
        } else if found.iter().any(|known| *known.value == *name) {
            let why = format!("{} names `{name}` twice", table.name_of("slack_channels"));
            table.problems().error(channel.span, Code::WrongValue, why);
        } else {
            found.push(Located { value: name.into(), span: channel.span });
        }
    }
    found
}

/// `working_hours`: a table, or a list of tables for days that differ.
fn working_hours(team: &Table<'_>) -> Vec<Hours> {
    let Some(value) = team.raw("working_hours") else { return Vec::new() };
    let tables: Vec<&Spanned<DeValue<'_>>> = match value.get_ref().as_array() {
        Some(items) => items.iter().collect(),
        None => vec![value],
    };
    let mut all: Vec<Hours> = Vec::new();
    for item in tables {
        let Some(entries) = item.get_ref().as_table() else {
            let wanted = "a table with `from`, `to` and `timezone`, or a list of such tables";
            team.wrong_type::<()>("working_hours", item, wanted);
            continue;
        };
        let path = format!("{}.working_hours", team.path());
        let table = Table::new(path, item.span(), entries, team.context());
        let hours = hours(&table);
        table.finish();
        let Some(hours) = hours else { continue };
        if let Some(day) = all.iter().find_map(|other| hours.overlap(other)) {
            let why = format!("{} overlap on {}; write the day once", team.name_of("working_hours"), DAYS[day]);
            team.problems().error(item.span(), Code::WrongValue, why);
        }
        all.push(hours);
    }
    all
}

fn hours(table: &Table<'_>) -> Option<Hours> {
    let time = |key: &str, example: &str| {
        let text = table.required_text(key, example)?;
        // Chrono takes "9:00" as well; two spellings of one time would be two states.
        let found = NaiveTime::parse_from_str(text.value, "%H:%M").ok().filter(|_| text.value.len() == 5);
        if found.is_none() {
            wrong(table, text.span.clone(), key, "a time in 24 hours such as \"09:00\"");
        }
        Some((found?, text.span))
    };
    let (from, to) = (time("from", "from = \"09:00\""), time("to", "to = \"17:00\""));
    let timezone = table.required_text("timezone", "timezone = \"Europe/Berlin\"").and_then(|text| {
        let found = table.zones().get(text.value);
        if found.is_none() {
            wrong(table, text.span, "timezone", "an IANA name such as \"Europe/Berlin\"");
        }
        found
    });
    let days = days(table);
    let (from, (to, place)) = (from.map(|(from, _)| from), to.unzip());
    if let (Some(from), Some(to), Some(place)) = (from, to, place)
        && from >= to
    {
        wrong(table, place, "to", "later than `from`; hours over midnight are written as two entries");
        return None;
    }
    Some(Hours { days: days?, from: from?, to: to?, timezone: timezone? })
}

/// `days`; Monday to Friday when it is left out.
fn days(table: &Table<'_>) -> Option<BTreeSet<usize>> {
    let mut found = BTreeSet::new();
    let named = table.has("days").then(|| table.texts("days")).flatten();
    for day in named.iter().flatten() {
        let Some(place) = DAYS.iter().position(|known| *known == day.value) else {
            let why = format!("{} does not know `{}`; known: {}", table.name_of("days"), day.value, DAYS.join(", "));
            table.problems().error(day.span.clone(), Code::UnknownValue, why);
            continue;
        };
        if !found.insert(place) {
            let why = format!("{} names `{}` twice", table.name_of("days"), day.value);
            table.problems().error(day.span.clone(), Code::WrongValue, why);
        }
    }
    match named {
        None if table.has("days") => None,
        None => Some((0..5).collect()),
        Some(days) if days.is_empty() => {
            wrong(table, table.key_span("days"), "days", "at least one day; leave it out for Monday to Friday");
            None
        }
        Some(_) => Some(found),
    }
}

impl Hours {
    /// A day on which both are at once.
    fn overlap(&self, other: &Self) -> Option<usize> {
        let at_once = self.from < other.to && other.from < self.to;
        self.days.intersection(&other.days).next().copied().filter(|_| at_once)
    }

    fn in_words(&self) -> String {
        let (first, last) = (self.days.first().copied().unwrap_or(0), self.days.last().copied().unwrap_or(0));
        let days = if self.days.len() > 2 && last - first + 1 == self.days.len() {
            format!("{} to {}", DAYS[first], DAYS[last])
        } else {
            self.days.iter().map(|day| DAYS[*day]).collect::<Vec<_>>().join(", ")
        };
        format!("{days}, {} to {} ({})", self.from.format("%H:%M"), self.to.format("%H:%M"), self.timezone)
    }
}

/// The service levels: what each is for, and what it asks for, in words.
fn goals(team: &Table<'_>, categories: &[Located<Box<str>>]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    if !team.has("goals") {
        return found;
    }
    let Some(section) = team.table("goals") else { return found };
    let mut covered: BTreeSet<Box<str>> = BTreeSet::new();
    let mut any_for_all = false;
    // Each goal has a name of the file's own, so that messages can speak of it.
    for (name, _) in section.entries() {
        let Some(table) = section.table(name.value) else { continue };
        let of = list(&table, "categories");
        if of.is_empty() && std::mem::replace(&mut any_for_all, true) {
            let why =
                format!("[{}]: only one of the `goals` may be for all categories; name `categories`", table.path());
            table.problems().error(table.span(), Code::WrongValue, why);
        }
        for category in &of {
            if !categories.iter().any(|known| known.value == category.value) {
                let why = format!(
                    "[{}] names the category `{}`, which the team does not have; add it to its `categories`",
                    table.path(),
                    category.value
                );
                table.problems().error(category.span.clone(), Code::UnknownValue, why);
            }
            if !covered.insert(category.value.clone()) {
                let why = format!("two of the `goals` are for the category `{}`; keep one", category.value);
                table.problems().error(category.span.clone(), Code::WrongValue, why);
            }
        }
        let goal = minutes(&table);
        table.finish();
        let mut names: Vec<&str> = of.iter().map(|category| &*category.value).collect();
        names.sort_unstable();
        let of = if names.is_empty() { "all categories".to_owned() } else { names.join(", ") };
        found.extend(goal.map(|goal| (of, goal)));
    }
    found
}

/// `respond_minutes` and `resolve_minutes`, in words.
fn minutes(table: &Table<'_>) -> Option<String> {
    let number = |key: &str| {
        let found = table.has(key).then(|| table.count(key)).flatten();
        if found == Some(0) {
            let span = table.raw(key).map_or_else(|| table.span(), |value| value.span());
            wrong(table, span, key, "positive; leave it out where there is no such goal");
        }
        found
    };
    let (respond, resolve) = (number("respond_minutes"), number("resolve_minutes"));
    if !table.has("respond_minutes") && !table.has("resolve_minutes") {
        let why = format!("[{}] needs `respond_minutes` or `resolve_minutes`, in working minutes", table.path());
        table.problems().error(table.span(), Code::MissingKey, why);
    }
    if let (Some(respond), Some(resolve)) = (respond, resolve)
        && respond > resolve
        && resolve > 0
    {
        let span = table.raw("resolve_minutes").map_or_else(|| table.span(), |value| value.span());
        wrong(
            table,
            span,
            "resolve_minutes",
            "at least `respond_minutes`: nothing is resolved sooner than it is answered",
        );
    }
    let words = |what: &str, number: Option<u64>| {
        number.map(|number| format!("{what} within {}", crate::words::count(number as usize, "minute", "minutes")))
    };
    let goals: Vec<String> = [words("respond", respond), words("resolve", resolve)].into_iter().flatten().collect();
    (!goals.is_empty()).then(|| goals.join(" and "))
}
