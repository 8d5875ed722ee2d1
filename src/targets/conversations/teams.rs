//! The teams of Conversations as the file declares them.

use std::collections::BTreeSet;

use chrono::NaiveTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::DeValue;

use crate::code::Code;
use crate::plan::{Setting, TeamSettings};
use crate::section::shape::{ByHand, Entries};
use crate::section::{Located, Table};
use crate::words::count;
use crate::zone::Zone;

use super::super::Channel;
use super::super::membership::Membership;
use super::settings::membership;

/// What begins the setting of a service level; the categories follow.
pub(super) const GOALS: &str = "goals for ";

/// The keys of a team.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Keys {
    /// A condition: who belongs to it; members must be experts, too
    #[schemars(required, example = &"department == 'People'")]
    members: Option<Located<Box<str>>>,
    /// The type, as Conversations lists it. Left out: not looked at
    kind: Option<Located<String>>,
    /// `internal` is not offered to requesters; one team must be public
    #[serde(default)]
    visibility: Visibility,
    /// Names of categories
    #[serde(default)]
    categories: Vec<Located<Box<str>>>,
    /// Names of statuses
    #[serde(default)]
    statuses: Vec<Located<Box<str>>>,
    /// Names of channels
    #[serde(default)]
    slack_channels: Vec<Located<Box<str>>>,
    /// When the team works; a list where days differ
    working_hours: Option<ByHand<HoursForms>>,
    /// Service levels; the names are yours
    goals: Option<ByHand<Entries<Goal>>>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Visibility {
    #[default]
    Public,
    Internal,
}

#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "what is `ByHand` is declared here and read from the table")]
enum HoursForms {
    One(HoursKeys),
    Several(Vec<HoursKeys>),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "working_hours")]
struct HoursKeys {
    /// The days they are for. Left out: Monday to Friday
    #[schemars(extend("minItems" = 1))]
    days: Option<Vec<Located<Day>>>,
    /// When work begins, such as "09:00"
    #[schemars(required, example = &"09:00")]
    from: Option<Time>,
    /// When it ends, such as "17:00"
    #[schemars(required, example = &"17:00")]
    to: Option<Located<Time>>,
    /// Whose clock: an IANA name such as Europe/Berlin
    #[schemars(required, example = &"Europe/Berlin")]
    timezone: Option<Located<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[schemars(inline)]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("pattern" = "^[0-2][0-9]:[0-5][0-9]$"))]
struct Time(NaiveTime);

impl TryFrom<String> for Time {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // Chrono takes "9:00" as well; two spellings of one time would be two states.
        let found = NaiveTime::parse_from_str(&text, "%H:%M").ok().filter(|_| text.len() == 5);
        found.map(Self).ok_or("must be a time in 24 hours such as \"09:00\"")
    }
}

/// A service level.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Goal {
    /// The categories it is for. Left out: all
    #[serde(default)]
    categories: Vec<Located<Box<str>>>,
    /// Minutes until the first answer
    respond_minutes: Option<Minutes>,
    /// Minutes until the request is resolved
    resolve_minutes: Option<Located<Minutes>>,
}

#[derive(Clone, Copy, PartialEq, PartialOrd, Deserialize, JsonSchema)]
#[serde(try_from = "u64")]
#[schemars(inline, extend("minimum" = 1))]
struct Minutes(u64);

impl TryFrom<u64> for Minutes {
    type Error = &'static str;

    fn try_from(minutes: u64) -> Result<Self, Self::Error> {
        if minutes == 0 { Err("must be positive; leave it out where there is no such goal") } else { Ok(Self(minutes)) }
    }
}

/// `[targets.NAME.teams.TEAM]`
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Team {
    pub(super) name: Box<str>,
    pub(super) settings: TeamSettings,
}

/// When a team works; its clocks run only then.
struct Hours {
    days: BTreeSet<Day>,
    from: NaiveTime,
    to: NaiveTime,
    timezone: Zone,
}

/// All teams, with the rule for the members of each and the channels they name. All problems are reported.
pub(super) fn read(target: &Table<'_>, memberships: &mut Vec<Membership>, channels: &mut Vec<Channel>) -> Vec<Team> {
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
        if let Some(keys) = table.read() {
            let keys: Keys = keys;
            // A word that is not known is a mistake of its own, and does not make the team an internal one.
            public |= keys.visibility == Visibility::Public;
            teams.push(team(name.value, keys, &table, memberships, channels));
        }
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
    keys: Keys,
    table: &Table<'_>,
    memberships: &mut Vec<Membership>,
    channels: &mut Vec<Channel>,
) -> Team {
    memberships.extend(keys.members.map(|rule| membership(&format!("teams.{name}"), rule)));
    let mut settings = TeamSettings::new();
    let mut set = |key: &str, setting: Setting| settings.insert(key.into(), setting);
    if let Some(kind) = keys.kind {
        if kind.value.trim().is_empty() {
            wrong(table, kind.span, "kind", "the type as Conversations lists it, such as \"HR\"; or leave it out");
        } else {
            set("kind", Setting::One(kind.value.trim().into()));
        }
    }
    let visibility = if keys.visibility == Visibility::Public { "public" } else { "internal only" };
    set("visibility", Setting::One(visibility.into()));
    let categories = list(table, "categories", keys.categories);
    for (key, items) in [("categories", categories.clone()), ("statuses", list(table, "statuses", keys.statuses))] {
        if !items.is_empty() {
            set(key, Setting::Several(items.into_iter().map(|item| item.value).collect()));
        }
    }
    let named = slack_channels(table, keys.slack_channels);
    if !named.is_empty() {
        set("slack_channels", Setting::Several(named.iter().map(|one| format!("#{}", one.value).into()).collect()));
        channels.extend(named.into_iter().map(|channel| Channel { team: name.into(), name: channel }));
    }
    let hours = if keys.working_hours.is_some() { working_hours(table) } else { Vec::new() };
    if !hours.is_empty() {
        set("working_hours", Setting::Several(hours.iter().map(|hours| hours.in_words().into()).collect()));
    }
    if keys.goals.is_some() {
        for (of, goal) in goals(table, &categories) {
            settings.insert(format!("{GOALS}{of}").into(), Setting::One(goal.into()));
        }
    }
    Team { name: name.into(), settings }
}

fn wrong(table: &Table<'_>, span: std::ops::Range<usize>, key: &str, wanted: &str) {
    table.problems().error(span, Code::WrongValue, format!("{} must be {wanted}", table.name_of(key)));
}

/// A list of names, none of them blank and none there twice.
fn list(table: &Table<'_>, key: &str, items: Vec<Located<Box<str>>>) -> Vec<Located<Box<str>>> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for item in items {
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
fn slack_channels(table: &Table<'_>, channels: Vec<Located<Box<str>>>) -> Vec<Located<Box<str>>> {
    let mut found: Vec<Located<Box<str>>> = Vec::new();
    for channel in list(table, "slack_channels", channels) {
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
            let why = format!("{} overlap on {day:?}; write the day once", team.name_of("working_hours"));
            team.problems().error(item.span(), Code::WrongValue, why);
        }
        all.push(hours);
    }
    all
}

fn hours(table: &Table<'_>) -> Option<Hours> {
    let keys: HoursKeys = table.read()?;
    let timezone = keys.timezone.and_then(|text| {
        let found = table.zones().get(&text.value);
        if found.is_none() {
            wrong(table, text.span, "timezone", "an IANA name such as \"Europe/Berlin\"");
        }
        found
    });
    let days = days(table, keys.days);
    let (from, to) = (keys.from?, keys.to?);
    if from >= to.value {
        wrong(table, to.span, "to", "later than `from`; hours over midnight are written as two entries");
        return None;
    }
    Some(Hours { days: days?, from: from.0, to: to.value.0, timezone: timezone? })
}

/// `days`; Monday to Friday when it is left out.
fn days(table: &Table<'_>, named: Option<Vec<Located<Day>>>) -> Option<BTreeSet<Day>> {
    let Some(value) = table.raw("days") else {
        return Some([Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri].into());
    };
    // What the file names; those that are no days are told already.
    if value.get_ref().as_array().is_some_and(|days| days.is_empty()) {
        wrong(table, table.key_span("days"), "days", "at least one day; leave it out for Monday to Friday");
        return None;
    }
    let mut found = BTreeSet::new();
    for day in named? {
        if !found.insert(day.value) {
            let why = format!("{} names `{:?}` twice", table.name_of("days"), day.value);
            table.problems().error(day.span, Code::WrongValue, why);
        }
    }
    Some(found)
}

impl Hours {
    /// A day on which both are at once.
    fn overlap(&self, other: &Self) -> Option<Day> {
        let at_once = self.from < other.to && other.from < self.to;
        self.days.intersection(&other.days).next().copied().filter(|_| at_once)
    }

    fn in_words(&self) -> String {
        let days = match (self.days.first(), self.days.last()) {
            (Some(first), Some(last))
                if self.days.len() > 2 && *last as usize - *first as usize + 1 == self.days.len() =>
            {
                format!("{first:?} to {last:?}")
            }
            _ => self.days.iter().map(|day| format!("{day:?}")).collect::<Vec<_>>().join(", "),
        };
        format!("{days}, {} to {} ({})", self.from.format("%H:%M"), self.to.format("%H:%M"), self.timezone)
    }
}

/// The service levels: what each is for, and what it asks for, in words.
fn goals(team: &Table<'_>, categories: &[Located<Box<str>>]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let Some(section) = team.table("goals") else { return found };
    let mut covered: BTreeSet<Box<str>> = BTreeSet::new();
    let mut any_for_all = false;
    // Each goal has a name of the file's own, so that messages can speak of it.
    for (name, _) in section.entries() {
        let Some(table) = section.table(name.value) else { continue };
        let Some(keys) = table.read() else { continue };
        let goal: Goal = keys;
        let minutes = minutes(&table, &goal);
        let of = list(&table, "categories", goal.categories);
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
        table.finish();
        let mut names: Vec<&str> = of.iter().map(|category| &*category.value).collect();
        names.sort_unstable();
        let of = if names.is_empty() { "all categories".to_owned() } else { names.join(", ") };
        found.extend(minutes.map(|goal| (of, goal)));
    }
    found
}

/// `respond_minutes` and `resolve_minutes`, in words.
fn minutes(table: &Table<'_>, goal: &Goal) -> Option<String> {
    if !table.has("respond_minutes") && !table.has("resolve_minutes") {
        let why = format!("[{}] needs `respond_minutes` or `resolve_minutes`, in working minutes", table.path());
        table.problems().error(table.span(), Code::MissingKey, why);
    }
    if let (Some(respond), Some(resolve)) = (goal.respond_minutes, &goal.resolve_minutes)
        && respond > resolve.value
    {
        let wanted = "at least `respond_minutes`: nothing is resolved sooner than it is answered";
        wrong(table, resolve.span.clone(), "resolve_minutes", wanted);
    }
    let words = |what: &str, minutes: Option<Minutes>| {
        minutes.map(|Minutes(number)| format!("{what} within {}", count(number as usize, "minute", "minutes")))
    };
    let resolve = goal.resolve_minutes.as_ref().map(|minutes| minutes.value);
    let goals: Vec<String> =
        [words("respond", goal.respond_minutes), words("resolve", resolve)].into_iter().flatten().collect();
    (!goals.is_empty()).then(|| goals.join(" and "))
}
