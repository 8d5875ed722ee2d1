use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::code::Code;
use crate::employee::{PRESET_ATTRIBUTES, preset};
use crate::rules::{Tables, Variable, Vocabulary};

use crate::personio::SourceSettings;
use crate::section::shape::{Address, ByHand, Count, Entries};
use crate::section::{Located, Secret, Table};
use crate::words::nearest;

/// How Personio is reached, of `[personio]`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape {
    /// The client id of the credential
    client_id: Secret,
    /// The secret of the credential
    client_secret: Secret,
    /// Sent as `X-Personio-Partner-ID`, in UPPER_SNAKE_CASE; for partners of Personio's marketplace. Left out, it is not
    /// sent
    partner_id: Option<HeaderId>,
    /// Sent as `X-Personio-App-ID`, in UPPER_SNAKE_CASE; Personio's support finds requests by it
    #[schemars(extend("default" = usual().app_id))]
    app_id: Option<HeaderId>,
    /// Which version of Personio's API is read: `v1` is one paged read
    #[schemars(extend("default" = "v1"))]
    api: Option<Located<Api>>,
    /// Another address: `https`, or plain `http` to loopback
    #[schemars(extend("default" = usual().base_url))]
    base_url: Option<Address>,
    /// The most requests in a minute; Personio allows 300
    #[schemars(extend("default" = usual().requests_per_minute))]
    requests_per_minute: Option<Count<1>>,
    /// The most requests in a second; Personio allows 15
    #[schemars(extend("default" = usual().requests_per_second))]
    requests_per_second: Option<Count<1>>,
}

/// What may be known of employees, and by which names: what `[personio]` has beside that.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is `ByHand` is declared here and read from the table")]
pub(super) struct Names {
    /// The allow-list: nothing else is requested or kept, and an expression that names anything else is an error. Left
    /// out: what the file uses
    attributes: Option<Vec<Located<String>>>,
    /// Readable names for attributes, to use in expressions: `ni_number = "dynamic_4711"`
    aliases: Option<ByHand<Entries<String>>>,
}

fn usual() -> SourceSettings {
    SourceSettings::new(Secret::new(""), Secret::new(""))
}

#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Api {
    V1,
    #[schemars(skip)]
    V2,
}

/// Personio asks for `UPPER_SNAKE_CASE`.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, description = "", extend("pattern" = "^[A-Z][A-Z0-9_]*$"))]
struct HeaderId(String);

impl TryFrom<String> for HeaderId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let upper_snake = text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        if upper_snake { Ok(Self(text)) } else { Err("must be in UPPER_SNAKE_CASE, such as \"ACME_SYNC\"") }
    }
}

/// Words of the expression language, which no alias can be.
const LANGUAGE_WORDS: [&str; 16] = [
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None", "range", "dict",
    "debug",
];

/// What `[personio]` says.
#[derive(Debug)]
pub(super) struct Source {
    /// `None` when something of it is wrong.
    pub(super) settings: Option<SourceSettings>,
    /// The allow-list, if there is one.
    pub(super) listed: Option<Vec<Box<str>>>,
    /// The names that expressions may use.
    pub(super) vocabulary: Vocabulary,
}

/// `[personio]` with its allow-list and aliases.
pub(super) fn read(root: &Table<'_>, tables: Tables) -> Source {
    let Some(section) = root.table("personio") else {
        if !root.has("personio") {
            root.problems().error(
                root.span(),
                Code::MissingKey,
                "`personio` is missing; add [personio] with `client_id` and `client_secret`",
            );
        }
        return Source { settings: None, listed: None, vocabulary: Vocabulary::new(NO_LIST, BTreeMap::new(), tables) };
    };
    let shape: Option<Shape> = section.read();
    if let Some(api) = shape.as_ref().and_then(|shape| shape.api.as_ref()).filter(|api| api.value == Api::V2) {
        section.problems().error(
            api.span.clone(),
            Code::UnknownValue,
            "`personio.api` = \"v2\" is not built into this version; write \"v1\", which reads everything in one go",
        );
    }
    let names: Names = section.read().unwrap_or_default();
    let listed = names.attributes.map(|listed| attributes(&section, &listed));
    let (aliases, refused) = aliases(&section, listed.as_deref());
    section.finish();

    let settings = shape.map(|shape| {
        let usual = SourceSettings::new(shape.client_id, shape.client_secret);
        let pace = |count: Count<1>| u32::try_from(count.0).unwrap_or(u32::MAX);
        SourceSettings {
            partner_id: shape.partner_id.map(|HeaderId(id)| id),
            app_id: shape.app_id.map_or(usual.app_id, |HeaderId(id)| id),
            base_url: shape.base_url.map_or(usual.base_url, Into::into),
            requests_per_minute: shape.requests_per_minute.map_or(usual.requests_per_minute, pace),
            requests_per_second: shape.requests_per_second.map_or(usual.requests_per_second, pace),
            ..usual
        }
    });
    let vocabulary = Vocabulary::new(listed.clone(), aliases, tables).with_refused(refused);
    Source { settings, vocabulary, listed }
}

const NO_LIST: Option<Vec<Box<str>>> = None;

/// The allow-list. What is doubtful in it is said here.
fn attributes(section: &Table<'_>, listed: &[Located<String>]) -> Vec<Box<str>> {
    let problems = section.problems();
    let mut seen = BTreeSet::new();
    for attribute in listed {
        if let Some(why) = no_attribute(&attribute.value) {
            problems.error(attribute.span.clone(), Code::UnknownAttribute, why);
        } else if !seen.insert(&*attribute.value) {
            problems.warning(
                attribute.span.clone(),
                Code::DuplicateAttribute,
                format!("`personio.attributes` names `{}` twice", attribute.value),
            );
        } else if let Some(preset) = misspelt(&attribute.value) {
            problems.warning(
                attribute.span.clone(),
                Code::UnknownAttribute,
                format!("unknown attribute `{}`; did you mean `{preset}`?", attribute.value),
            );
        }
    }
    let place = || section.raw("attributes").map_or_else(|| section.span(), |value| value.span());
    if !seen.contains("status") {
        problems.warning(
            place(),
            Code::LifecycleAttribute,
            "`personio.attributes` has no `status`, so people who are set to inactive without a last day are not \
             recognised as having left",
        );
    }
    if !seen.contains("termination_date") && !seen.contains("last_working_day") {
        problems.warning(
            place(),
            Code::LifecycleAttribute,
            "`personio.attributes` has neither `termination_date` nor `last_working_day`, so nobody is recognised as \
             leaving before the status says inactive",
        );
    }
    seen.into_iter().map(Into::into).collect()
}

/// Why a name can be no attribute's key, if it cannot.
fn no_attribute(name: &str) -> Option<String> {
    if let Some(behind) = derived_from(name) {
        return Some(match behind {
            Some(attribute) => format!("`{name}` is no attribute of Personio: it comes with `{attribute}`; list that"),
            None => format!("`{name}` is no attribute of Personio: it is always there; leave it out of the list"),
        });
    }
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let key = name.trim().to_lowercase().replace([' ', '-'], "_");
    let hint = nearest(&key, &presets()).map_or_else(
        || "`personio-sync attributes` lists the keys".to_owned(),
        |preset| format!("did you mean `{preset}`?"),
    );
    Some(format!("`{name}` is not an attribute's key; {hint}"))
}

/// The preset that an unknown name is likely to mean. Newer accounts have presets that are not known here, so
/// that an unknown name may be right.
fn misspelt(name: &str) -> Option<&'static str> {
    (preset(name).is_none() && !name.starts_with("dynamic_")).then(|| nearest(name, &presets())).flatten()
}

fn presets() -> Vec<&'static str> {
    PRESET_ATTRIBUTES.iter().map(|(key, _)| *key).collect()
}

/// For a name that expressions have without its being an attribute: the attribute that it comes with.
fn derived_from(name: &str) -> Option<Option<String>> {
    match Vocabulary::default().resolve(name).ok()? {
        Variable::Attribute(_) => None,
        variable => Some(variable.attribute().map(str::to_owned)),
    }
}

/// The attribute that each name stands for.
type Aliases = BTreeMap<Box<str>, Box<str>>;

/// `[personio.aliases]`: readable names for attributes.
///
/// Gives the good ones, and the names of the others.
fn aliases(section: &Table<'_>, listed: Option<&[Box<str>]>) -> (Aliases, BTreeSet<Box<str>>) {
    let (mut aliases, mut refused) = (BTreeMap::new(), BTreeSet::new());
    let Some(table) = section.table("aliases") else {
        return (aliases, refused);
    };
    let attributes = Vocabulary::new(listed.map(<[_]>::to_vec), BTreeMap::new(), Tables::new());
    for (alias, _) in table.entries() {
        let Some(attribute) = table.text(alias.value) else {
            refused.insert(alias.value.into());
            continue;
        };
        let mut fine = check_alias(&table, &alias, listed);
        if let Err(error) = attributes.resolve(attribute.value) {
            table.problems().error(attribute.span, Code::UnknownAttribute, error.to_string());
            fine = false;
        }
        if fine {
            aliases.insert(alias.value.into(), attribute.value.into());
        } else {
            refused.insert(alias.value.into());
        }
    }
    (aliases, refused)
}

/// Reports an alias that cannot be one.
fn check_alias(table: &Table<'_>, alias: &Located<&str>, listed: Option<&[Box<str>]>) -> bool {
    let Some(why) = why_no_alias(alias.value, listed) else { return true };
    table.problems().error(alias.span.clone(), Code::WrongAlias, format!("the alias `{}` {why}", alias.value));
    false
}

/// Why a name cannot be an alias, if it cannot.
pub fn why_no_alias(name: &str, listed: Option<&[Box<str>]>) -> Option<&'static str> {
    let identifier = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let hides_attribute = preset(name).is_some()
        || name.starts_with("dynamic_")
        || listed.is_some_and(|listed| listed.iter().any(|attribute| &**attribute == name));
    if !identifier {
        Some("cannot be used in an expression; use letters, digits and `_`, not beginning with a digit")
    } else if hides_attribute {
        Some("would hide the attribute of that name; choose another name")
    } else if derived_from(name).is_some() {
        Some("would hide a name that expressions have already; choose another name")
    } else if LANGUAGE_WORDS.contains(&name) {
        Some("is a word of the expression language; choose another name")
    } else {
        None
    }
}
