use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::code::Code;
use crate::plan::EmployeeRules;
use crate::plan::PlanSettings;
use crate::rules::Vocabulary;
use crate::targets::{Kind, TargetType};

use super::fields::Fields;
use super::schedule::TimeOfDay;
use super::settings::TargetSettings;
use super::{budget, expressions, leavers, mapping, matching, memberships, safety, schedule, section, workflow};
use crate::plan::HandoverMode;
use crate::section::shape::{ByHand, Count, Entries, TimeSpan};
use crate::section::{Located, Problems, Table};
use crate::words::{known, nearest};

/// The keys that every target has.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is `ByHand` is declared here and read from the table")]
pub(super) struct Shape {
    /// Fields by which an existing account is found, in order. Left out: what the type proposes
    r#match: Option<Vec<Located<String>>>,
    /// Expressions that must all hold. Left out: everybody
    include: Option<Vec<Located<String>>>,
    /// Expressions of which any one leaves somebody out
    exclude: Option<Vec<Located<String>>>,
    /// Fields that refer to something by name, such as a department, and may create what is missing; or kinds of groups
    create_missing: Option<Vec<Located<String>>>,
    /// What happens to the account of somebody who comes back with a new profile. `pento` never hands over
    #[schemars(extend("default" = "auto"))]
    handover: Option<HandoverMode>,
    /// The slots of the calendar in which `sync --due` runs it: a span that divides a day, or whole days. Left out: each
    /// run is one of it
    every: Option<TimeSpan>,
    /// The time of the day at which an `every` of whole days begins, such as "05:00". Left out: midnight
    at: Option<TimeOfDay>,
    /// How often everything is read; `sync --due` reads who changed in the slots of `every` between. A span that divides a
    /// day. Left out: each run of `sync --due` reads everything, and `sync --changes` does once a day
    full: Option<TimeSpan>,
    /// The most changes under way at once; half as many after each 429, 500 or 503, and one more after ten that went
    /// well
    #[schemars(extend("default" = WRITERS))]
    writers: Option<Count<1, MOST_WRITERS>>,
    /// Whether it is left alone, except by `--employee`
    #[serde(default)]
    paused: bool,
    /// Targets that share a group must not share an employee; one who is in two is skipped in both
    group: Option<Located<String>>,
    /// Field of the target = expression over attributes
    mapping: Option<ByHand<Entries<mapping::Field>>>,
    /// What is done about accounts of people who left
    leavers: Option<ByHand<leavers::Shape<leavers::ActionOrInclude>>>,
    /// How many calls may be made to this target
    budget: Option<ByHand<budget::Shape>>,
    /// Limits of a run; above one, that class of changes is held
    safety: Option<ByHand<safety::Shape>>,
}

/// What services take side by side, unless the file knows better.
const WRITERS: u64 = 8;

/// Each is a thread of its own.
const MOST_WRITERS: u64 = 64;

/// One `[targets.NAME]`, as far as it could be read.
#[derive(Debug)]
pub(super) struct TargetRead<'a> {
    pub(super) name: Located<&'a str>,
    group: Option<Located<String>>,
    /// `None` when something is wrong that leaves no settings to speak of.
    pub(super) settings: Option<TargetSettings>,
}

/// Reads `[targets.NAME]` with all that stands below it. The caller finishes the table.
pub(super) fn read<'a>(
    name: Located<&'a str>,
    table: &Table<'a>,
    kinds: &[Kind],
    vocabulary: &Vocabulary,
) -> TargetRead<'a> {
    check_name(&name, table.problems());
    let target = target_type(table, kinds);
    let type_ref = target.as_deref();
    let shape: Shape = table.read().unwrap_or_default();
    let mut include = expressions::conditions(table, "include", shape.include.as_deref(), vocabulary);
    let mut exclude = expressions::conditions(table, "exclude", shape.exclude.as_deref(), vocabulary);
    if let Some(target) = type_ref {
        include.extend(expressions::of_the_type(table, target.offers().include, vocabulary));
        exclude.extend(expressions::of_the_type(table, target.offers().exclude, vocabulary));
    }
    let mut fields = Fields::default();
    let found_by = matching::names(shape.r#match.as_deref(), type_ref);
    let mut mapping = mapping::read(table, &found_by, type_ref, vocabulary, &mut fields);
    mapping.extend(memberships::read(table, type_ref, vocabulary, &mut fields));
    for derived in
        type_ref.and_then(|target| target.offers().rules).map(EmployeeRules::derived_fields).unwrap_or_default()
    {
        if fields.index(&derived.name).is_none() {
            fields.add(derived);
        }
    }
    let written_fields = fields.len();
    let (create_missing, match_fields) = match type_ref {
        Some(target) => {
            let (match_names, groups) = (shape.r#match.as_deref(), shape.create_missing.as_deref());
            let create_missing = matching::create_missing(groups, target, &fields, table.problems());
            (create_missing, matching::read(table, match_names, target, &mut fields))
        }
        None => Default::default(),
    };
    let safety = safety::read(table, type_ref, &mut fields);
    let leavers = leavers::read(table, type_ref);
    let handover = shape.handover.or_else(|| type_ref.map(|target| target.policy().handover)).unwrap_or_default();
    let workflows = match type_ref {
        Some(target) => workflow::read(table, target, vocabulary),
        None => {
            // Whether the type has them is not known here, so that is no problem of its own.
            table.raw("workflows");
            Vec::new()
        }
    };
    let budget = budget::of_target(table);
    let every = schedule::read(table, shape.every, shape.at);
    let full = schedule::read_full(table, shape.full);
    let writers = shape.writers.map_or(WRITERS, |Count(writers)| writers);
    let group = shape.group.filter(|group| is_named(group, table));

    let settings = target.map(|target| TargetSettings {
        plan: PlanSettings {
            name: name.value.into(),
            kind: target.kind(),
            policy: target.policy(),
            fields: fields.into_specs(),
            written_fields,
            match_fields,
            include,
            exclude,
            mapping,
            create_missing,
            leavers,
            handover,
            safety,
            workflows,
        },
        target,
        budget,
        every,
        full,
        writers: usize::try_from(writers).unwrap_or(usize::MAX),
        paused: shape.paused,
        group: group.as_ref().map(|group| group.value.as_str().into()),
        // What expressions share changes a target as much as its own section does.
        section: section::canonical(table.content(), &table.context().secrets.plain_places()) + &vocabulary.shared(),
    });
    TargetRead { name, group, settings }
}

/// Whether a target or a workflow may be called this.
pub(super) fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.bytes().all(letter)
}

fn check_name(name: &Located<&str>, problems: &Problems<'_>) {
    if !is_name(name.value) {
        problems.error(
            name.span.clone(),
            Code::WrongValue,
            format!("`{}` cannot be the name of a target; use letters, digits, `-` and `_`", name.value),
        );
    }
}

/// What `type` says, with the keys of that type.
fn target_type(table: &Table<'_>, kinds: &[Kind]) -> Option<Box<dyn TargetType>> {
    let words = || kinds.iter().map(|kind| kind.name);
    if !table.has("type") {
        let keys: Vec<Located<&str>> = table.entries().into_iter().map(|(key, _)| key).collect();
        let nearest = nearest("type", &keys.iter().map(|key| key.value).collect::<Vec<_>>());
        match keys.iter().find(|key| Some(key.value) == nearest) {
            Some(Located { value: key, span }) => table.problems().error(
                span.clone(),
                Code::UnknownKey,
                format!("{} is no key; did you mean `type`?", table.name_of(key)),
            ),
            None => table.missing("type", &format!("type = \"{}\"", words().next().unwrap_or("file"))),
        }
        table.accept_all();
        return None;
    }
    let word = table.text("type");
    let Some(kind) = word.as_ref().and_then(|word| kinds.iter().find(|kind| kind.name == word.value)) else {
        if let Some(word) = word {
            table.problems().error(
                word.span,
                Code::UnknownType,
                format!("there is no type of target `{}`; {}", word.value, known(word.value, words())),
            );
        }
        // Nobody knows the keys of a type that is not there.
        table.accept_all();
        return None;
    };
    (kind.parse)(table)
}

fn is_named(group: &Located<String>, table: &Table<'_>) -> bool {
    let empty = group.value.trim().is_empty();
    if empty {
        let message = format!("{} is empty; leave it out", table.name_of("group"));
        table.problems().error(group.span.clone(), Code::WrongValue, message);
    }
    !empty
}

/// Warns of groups that have one member, which is most likely a misspelt name.
pub(super) fn single_member_groups(targets: &[TargetRead<'_>], problems: &Problems<'_>) {
    let groups: Vec<&Located<String>> = targets.iter().filter_map(|target| target.group.as_ref()).collect();
    for group in &groups {
        if groups.iter().filter(|other| other.value == group.value).count() == 1 {
            let others: Vec<&str> =
                groups.iter().map(|other| &*other.value).filter(|other| *other != group.value).collect();
            let hint = crate::words::nearest(&group.value, &others)
                .map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
            problems.warning(
                group.span.clone(),
                Code::LonelyGroup,
                format!("no other target is in the group `{}`, so it has no effect{hint}", group.value),
            );
        }
    }
}

/// Two targets with the same accounts would undo each other's changes.
pub(super) fn duplicate_identities(targets: &[TargetRead<'_>], problems: &Problems<'_>) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for read in targets {
        let Some(settings) = &read.settings else {
            continue;
        };
        let identity = settings.target.identity();
        if let Some(owner) = owners.get(&identity) {
            problems.error(
                read.name.span.clone(),
                Code::SameAccounts,
                format!(
                    "`{}` and `{owner}` both keep the accounts of `{identity}` and would undo each other's changes; \
                     make one target of them",
                    read.name.value
                ),
            );
        } else {
            owners.insert(identity, read.name.value);
        }
    }
}

/// Channels are those of a directory.
fn channels_of_no_directory(settings: &TargetSettings, problems: &Problems<'_>) {
    for channel in settings.target.offers().by_hand.map(|by_hand| by_hand.channels()).unwrap_or_default() {
        let message = format!(
            "`targets.{}.teams.{}.slack_channels` has no meaning without `directory`, the slack target whose channels \
             these are",
            settings.plan.name, channel.team
        );
        problems.error(channel.name.span.clone(), Code::WrongValue, message);
    }
}

/// A target may rest on another one of the file, which must be there and be a directory of people.
pub(super) fn directories(targets: &[TargetRead<'_>], problems: &Problems<'_>) {
    let readable = || targets.iter().filter_map(|read| read.settings.as_ref());
    for settings in readable() {
        let Some(directory) = settings.target.offers().directory else {
            channels_of_no_directory(settings, problems);
            continue;
        };
        if targets.iter().any(|read| read.name.value == &*directory.value && read.settings.is_none()) {
            continue;
        }
        let found = readable().find(|other| *other.plan.name == *directory.value && other.plan.policy.is_directory);
        if let Some(channel) = settings.target.offers().by_hand.and_then(|by_hand| by_hand.channels().first())
            && found.is_some_and(|found| !found.plan.policy.has_channels)
        {
            problems.error(
                channel.name.span.clone(),
                Code::WrongValue,
                format!(
                    "`targets.{}.teams.{}.slack_channels` has no meaning: the directory `{}` is no slack target",
                    settings.plan.name, channel.team, directory.value
                ),
            );
        }
        if found.is_none() {
            let names = readable().filter(|other| other.plan.policy.is_directory).map(|other| &*other.plan.name);
            problems.error(
                directory.span.clone(),
                Code::UnknownTarget,
                format!(
                    "`targets.{}.directory`: there is no slack or entra target `{}`; {}",
                    settings.plan.name,
                    directory.value,
                    known(&directory.value, names)
                ),
            );
        }
    }
}
