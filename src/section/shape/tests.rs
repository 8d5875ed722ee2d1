use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::{Context, Located, Problems, Secret, SecretMode, SecretReader, Table};
use super::*;

/// A test-only section.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shape {
    /// Who may
    token: Secret,
    /// Where it is
    #[schemars(example = &"https://wiki.example.com")]
    base_url: Address,
    /// How fast
    #[serde(default)]
    pace: Pace,
    every: Option<TimeSpan>,
    #[serde(default = "eight")]
    writers: Count<1, 64>,
    include: Option<Vec<Located<String>>>,
    #[serde(default)]
    groups: Entries<Group>,
    #[serde(default)]
    rules: Vec<Rule>,
    auth: Option<Auth>,
    #[schemars(example = &"all")]
    details: Option<Either<All, Vec<Detail>>>,
    headers: Option<Entries<String, Name>>,
    mapping: Option<ByHand<Entries<String>>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Pace {
    /// What the service allows
    #[default]
    Documented,
    /// As fast as it goes
    None,
}

fn eight() -> Count<1, 64> {
    Count(8)
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Group {
    #[schemars(example = &"department == 'People'")]
    members: Located<String>,
    #[serde(default)]
    owned: bool,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[schemars(example = &"office")]
    field: String,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(inline)]
enum Auth {
    None,
    /// The same token always
    Bearer(Secret),
    Basic(Basic),
    Header {
        #[schemars(example = &"X-Key")]
        name: String,
    },
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum All {
    All,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Detail {
    Gender,
    Birthday,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        if name.contains(' ') { Err("cannot be a name") } else { Ok(Self(name)) }
    }
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Basic {
    #[schemars(example = &"sync")]
    user: String,
    password: Secret,
}

fn read<T: DeserializeOwned + JsonSchema>(text: &str) -> (Option<T>, Vec<String>) {
    let environment = |name: &str| (name == "TOKEN").then(|| "papaya".to_owned());
    let secrets = SecretReader::new(&environment, Path::new("."), SecretMode::Read);
    let document = toml::de::DeTable::parse(text).unwrap();
    let problems = Problems::new(text);
    let root = Table::new(
        "",
        0..0,
        document.get_ref(),
        Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() },
    );
    let section = root.table("wiki").unwrap();
    let found = section.read();
    section.finish();
    (found, problems.into_sorted().iter().map(ToString::to_string).collect())
}

const RIGHT: &str = "\
[wiki]
token = { env = 'TOKEN' }
base_url = 'https://wiki.example.com/'
pace = 'none'
every = '24h'
include = ['a', 'b']
auth = { basic = { user = 'sync', password = 'x' } }
mapping = { when = 2026-01-01 }
[[wiki.rules]]
field = 'office'
[wiki.groups.\"people ops\"]
members = 'true'
";

#[test]
fn a_section_is_read_with_places() {
    let (found, problems) = read::<Shape>(RIGHT);
    assert_eq!(problems, [""; 0]);
    let found = found.unwrap();
    assert_eq!(found.token, Secret::new("papaya"));
    assert_eq!(&*found.base_url, "https://wiki.example.com");
    assert_eq!((found.pace, found.writers), (Pace::None, Count(8)));
    let include: Vec<&str> = found.include.unwrap().into_iter().map(|text| &RIGHT[text.span]).collect();
    assert_eq!(include, ["'a'", "'b'"]);
    assert_eq!(found.groups.0[0].0.value, "people ops");
    assert_eq!(&RIGHT[found.groups.0[0].0.span.clone()], "\"people ops\"");
    assert_eq!(found.auth, Some(Auth::Basic(Basic { user: "sync".into(), password: Secret::new("x") })));
    assert_eq!(found.rules, [Rule { field: "office".into() }]);
    let (found, problems) = read::<Shape>("[wiki]\ntoken = 'x'\nbase_url = 'http://localhost'\nauth = 'none'");
    assert_eq!((problems, found.unwrap().auth), (Vec::new(), Some(Auth::None)));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "\
[wiki]
token = 7
base_url = 'wiki.example.com'
pace = 'non'
every = 3
writers = 65
include = ['a', 2]
tokn = 'x'
auth = { basic = { user = 1 }, zzz = 1 }
mapping = 7
[[wiki.rules]]
field = true
[[wiki.rules]]
feild = 'office'
[wiki.groups.one]
owned = 'yes'
[wiki.groups.two]
members = []
membres = 'x'
[wiki.groups.three]
members = 'x'
";
    let (found, problems) = read::<Shape>(text);
    assert_eq!(found, None);
    let known = "known: `auth`, `base_url`, `details`, `every`, `groups`, `headers`, `include`, `mapping`, `pace`, `rules`, `token`, `writers`";
    assert_eq!(
        problems,
        [
            "2:9: error: `wiki.token` must be a text, { env = \"...\" }, { file = \"...\" } or { command = [...] }",
            "3:12: error: `wiki.base_url` must begin with https://",
            "4:8: error: `wiki.pace` does not know `non`; did you mean `none`? known: `documented`, `none`",
            "5:9: error: `wiki.every` must be a text in quotes, not a whole number",
            "6:11: error: `wiki.writers` must be at most 64",
            "7:17: error: `wiki.include` must hold texts in quotes only, not a whole number",
            &format!("8:1: error: [wiki] does not know `tokn`; did you mean `token`? {known}"),
            "9:10: error: `wiki.auth.basic.password` is missing; for example `password = { env = \"PASSWORD\" }`",
            "9:27: error: `wiki.auth.basic.user` must be a text in quotes, not a whole number",
            "9:32: error: [wiki.auth] does not know `zzz`; known: `basic`, `bearer`, `header`, `none`",
            "12:9: error: `wiki.rules.0.field` must be a text in quotes, not `true`",
            "13:1: error: `wiki.rules.1.field` is missing; for example `field = \"office\"`",
            "14:1: error: [wiki.rules.1] does not know `feild`; did you mean `field`? known: `field`",
            "15:14: error: `wiki.groups.one.members` is missing; for example `members = \"department == 'People'\"`",
            "16:9: error: `wiki.groups.one.owned` must be true or false, not a text",
            "18:11: error: `wiki.groups.two.members` must be a text in quotes, not an empty list",
            "19:1: error: [wiki.groups.two] does not know `membres`; did you mean `members`? known: `members`, `owned`",
        ]
    );
}

#[test]
fn every_missing_key_is_told_with_an_example() {
    let (found, problems) = read::<Shape>("[wiki]\npace = 1");
    assert_eq!(found, None);
    assert_eq!(
        problems,
        [
            "1:2: error: `wiki.token` is missing; for example `token = { env = \"TOKEN\" }`",
            "1:2: error: `wiki.base_url` is missing; for example `base_url = \"https://wiki.example.com\"`",
            "2:8: error: `wiki.pace` must be a text in quotes, not a whole number",
        ]
    );
}

#[test]
fn a_key_that_is_needed_does_not_hide_the_rest() {
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Team {
        #[schemars(required, example = &"department == 'People'")]
        members: Option<Located<String>>,
        kind: Option<String>,
    }
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Wiki {
        teams: Entries<Team>,
    }
    let text = "[wiki.teams.pay]\nkind = 'HR'\n[wiki.teams.it]\nmembers = 7\n[wiki.teams.hr]\nmembers = 'true'\n";
    let (found, problems) = read::<Wiki>(text);
    let found = found.unwrap().teams.0;
    assert!(found.iter().any(|(name, team)| name.value == "pay" && team.kind.as_deref() == Some("HR")));
    assert_eq!(found.iter().filter(|(_, team)| team.members.is_some()).count(), 1);
    assert_eq!(
        problems,
        [
            "1:13: error: `wiki.teams.pay.members` is missing; for example `members = \"department == 'People'\"`",
            "4:11: error: `wiki.teams.it.members` must be a text in quotes, not a whole number",
        ]
    );
}

#[test]
fn containers_of_the_wrong_kind() {
    let right = "[wiki]\ntoken = 'x'\nbase_url = 'https://example.com'\n";
    for (line, problem) in [
        ("include = 'a'", "11: error: `wiki.include` must be a list of texts in square brackets, not a text"),
        ("rules = 'a'", "9: error: `wiki.rules` must be a list of tables, not a text"),
        ("rules = ['a']", "10: error: `wiki.rules` must be a table, not a text"),
        ("groups = 1", "10: error: `wiki.groups` must be a table, not a whole number"),
        ("groups.one = 1", "14: error: `wiki.groups.one` must be a table, not a whole number"),
        ("pace = {}", "1: error: `wiki.pace` must be a text in quotes, not a table"),
        ("auth = {}", "1: error: `wiki.auth` needs exactly one of `bearer`, `basic` and `header`"),
        ("auth = { header = {} }", "10: error: `wiki.auth.header.name` is missing; for example `name = \"X-Key\"`"),
        ("details = 'some'", "11: error: `wiki.details` does not know `some`; known: `all`"),
        (
            "details = ['gendre']",
            "12: error: `wiki.details` does not know `gendre`; did you mean `gender`? known: `birthday`, `gender`",
        ),
        (
            "details = 7",
            "11: error: `wiki.details` must be a text in quotes or a list of texts in square brackets, not a whole number",
        ),
        ("headers = { 'a b' = 'x' }", "13: error: `wiki.headers.a b` cannot be a name"),
        ("auth = 'bearer'", "8: error: `wiki.auth` must be a table, not a text"),
        (
            "auth = 'x'",
            "8: error: `wiki.auth` does not know this word; known: `none`, or a table with one of `bearer`, `basic` and `header`",
        ),
        ("include = ['a', 7]", "17: error: `wiki.include` must hold texts in quotes only, not a whole number"),
        ("writers = -1", "11: error: `wiki.writers` must be a whole number of 0 or more, not a negative number"),
        ("every = 2026-01-01", "9: error: `wiki.every` must be a text in quotes, not a date"),
    ] {
        let (found, problems) = read::<Shape>(&format!("{right}{line}"));
        assert_eq!(problems, [format!("4:{problem}")]);
        assert!(found.is_some(), "{line}: the rest is right");
    }
}

#[test]
fn the_schema_says_what_the_struct_says() {
    let mut generator = generator();
    let schema = definition::<Shape>(&mut generator);
    assert_eq!(schema["required"], json!(["token", "base_url"]));
    assert_eq!(schema["additionalProperties"], false);
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "token", "base_url", "pace", "every", "writers", "include", "groups", "rules", "auth", "details",
            "headers", "mapping"
        ]
    );
    assert_eq!(
        schema["properties"]["token"],
        json!({ "description": "Who may", "allOf": [{ "$ref": "#/definitions/secret" }] })
    );
    assert_eq!(schema["properties"]["pace"]["default"], "documented");
    assert_eq!(
        schema["properties"]["writers"],
        json!({ "type": "integer", "minimum": 1, "maximum": 64, "default": 8 })
    );
    let auth = &schema["properties"]["auth"]["anyOf"];
    assert_eq!(auth[0], json!({ "type": "string", "enum": ["none"] }));
    let forms = &auth[1]["properties"];
    let bearer = json!({ "description": "The same token always", "allOf": [{ "$ref": "#/definitions/secret" }] });
    assert_eq!((&forms["bearer"], &forms["header"]["required"]), (&bearer, &json!(["name"])));
    assert_eq!(
        schema["properties"]["details"]["anyOf"],
        json!([
            { "type": "string", "enum": ["all"] },
            { "type": "array", "items": { "type": "string", "enum": ["gender", "birthday"] } },
        ])
    );
    assert_eq!(schema["properties"]["include"], json!({ "type": "array", "items": { "type": "string" } }));
}

#[test]
fn lengths_of_time_are_shown_as_they_are_written() {
    for text in ["30s", "15m", "36h", "7d", "0s"] {
        assert_eq!(String::from(TimeSpan::try_from(text.to_owned()).unwrap()), text);
    }
}
