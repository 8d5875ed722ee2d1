//! Slack's JSON, to and from our values.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::field::{AccountId, FieldKind, FieldSpec, FieldValue, iso_day};
use crate::plan::{Account, FieldChange, Protection};

use super::fields::Home;

/// Slack's own bot, which does not say that it is one.
const SLACKBOT: &str = "USLACKBOT";

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Member {
    /// `U0SAMPLE1`.
    pub(super) id: Box<str>,
    /// Whether the account is deactivated.
    #[serde(default)]
    pub(super) deleted: bool,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    is_restricted: bool,
    #[serde(default)]
    is_ultra_restricted: bool,
    #[serde(default)]
    is_stranger: bool,
    #[serde(default)]
    is_owner: bool,
    #[serde(default)]
    is_primary_owner: bool,
    pub(super) profile: Map<String, Value>,
}

impl Member {
    /// Whether it is a program.
    pub(super) fn is_bot(&self) -> bool {
        self.is_bot || &*self.id == SLACKBOT
    }

    /// In lower case; `None` when the profile shows none.
    pub(super) fn email(&self) -> Option<String> {
        let email = self.profile.get("email")?.as_str()?.trim().to_lowercase();
        (!email.is_empty()).then_some(email)
    }

    /// Programs, guests, people of other organisations and owners are looked after elsewhere.
    pub(super) fn protection(&self) -> Option<Protection> {
        let foreign = self.is_bot()
            || self.is_restricted
            || self.is_ultra_restricted
            || self.is_stranger
            || self.is_owner
            || self.is_primary_owner;
        foreign.then_some(Protection::Foreign)
    }

    /// The account with the fields of the run, and what could not be read of it. Such an account is never changed.
    pub(super) fn account(
        &self,
        fields: &[(FieldSpec, Home)],
        custom: Option<&Map<String, Value>>,
        member_of: impl Fn(usize, &str) -> bool,
    ) -> (Account, Option<String>) {
        let mut unreadable = None;
        let values: Vec<FieldValue> = fields
            .iter()
            .enumerate()
            .map(|(index, (spec, home))| {
                let found = match home {
                    Home::Profile(key) => plain(self.profile.get(&**key), spec),
                    Home::Custom(id) => own(custom.and_then(|custom| custom.get(&**id)), spec),
                    Home::Group(_) | Home::Channel(_) => Some(FieldValue::Bool(member_of(index, &self.id))),
                };
                found.unwrap_or_else(|| {
                    unreadable = Some(format!("account {}: `{}` has an unexpected type", self.id, spec.name));
                    FieldValue::Empty
                })
            })
            .collect();
        let mut account = Account::new(self.id.clone(), !self.deleted, values);
        account.protection = self.protection().or(unreadable.is_some().then_some(Protection::Unreadable));
        (account, unreadable)
    }
}

/// A key of every profile.
fn plain(value: Option<&Value>, spec: &FieldSpec) -> Option<FieldValue> {
    match value {
        None | Some(Value::Null) => Some(FieldValue::Empty),
        Some(Value::String(text)) if spec.kind == FieldKind::Email => Some(FieldValue::text(&text.to_lowercase())),
        Some(Value::String(text)) => Some(FieldValue::text(&unescaped(text))),
        Some(_) => None,
    }
}

/// A field of the workspace's own: an object with the value.
fn own(field: Option<&Value>, spec: &FieldSpec) -> Option<FieldValue> {
    let value = match field {
        None | Some(Value::Null) => return Some(FieldValue::Empty),
        Some(field) => field.get("value").unwrap_or(&Value::Null),
    };
    match (spec.kind, value) {
        (_, Value::Null) => Some(FieldValue::Empty),
        (FieldKind::List, Value::Array(tags)) => {
            let tags = tags.iter().map(|tag| tag.get("value").unwrap_or(tag).as_str().map(unescaped));
            tags.collect::<Option<Vec<String>>>().map(sorted)
        }
        (FieldKind::List, Value::String(tags)) => Some(sorted(tags.split(',').map(unescaped).collect())),
        (FieldKind::Account, Value::String(id)) => Some(match id.trim() {
            "" => FieldValue::Empty,
            id => FieldValue::Account(id.into()),
        }),
        (FieldKind::Date, Value::String(day)) => {
            Some(iso_day(day.trim()).map_or_else(|| FieldValue::text(day), FieldValue::Date))
        }
        (_, Value::String(text)) => Some(FieldValue::text(&unescaped(text))),
        _ => None,
    }
}

fn sorted(mut items: Vec<String>) -> FieldValue {
    items.sort();
    FieldValue::list(items)
}

/// Slack escapes three characters in every text that it gives out, and takes them as they are.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").trim().to_owned()
}

/// The changed fields of a profile.
///
/// # Errors
///
/// Names the field whose value cannot be sent; never the value.
pub(super) fn profile(changes: &[FieldChange], fields: &[(FieldSpec, Home)]) -> Result<Map<String, Value>, String> {
    let (mut profile, mut own) = (Map::new(), Map::new());
    for change in changes {
        let Some((_, home)) = fields.get(change.index.get()) else {
            return Err(format!("`{}` is no field of the run", change.field));
        };
        match home {
            Home::Profile(key) => _ = profile.insert(key.to_string(), json!(change.after.to_string())),
            Home::Custom(id) => _ = own.insert(id.to_string(), json!({"value": custom_value(change)?, "alt": ""})),
            Home::Group(_) | Home::Channel(_) => {}
        }
    }
    if !own.is_empty() {
        profile.insert("fields".into(), Value::Object(own));
    }
    Ok(profile)
}

fn custom_value(change: &FieldChange) -> Result<Value, String> {
    Ok(match &change.after {
        FieldValue::List(tags) => tags.iter().map(|tag| json!({"value": tag, "alt": ""})).collect(),
        FieldValue::Account(AccountId(id)) => json!(&**id),
        FieldValue::Employee(_) => {
            return Err(format!("`{}` refers to an employee without an account here", change.field));
        }
        other => json!(other.to_string()),
    })
}

/// The fields that Slack accepted and keeps otherwise than they were sent. Phone numbers are reformatted, and an
/// address waits for its owner's confirmation.
pub(super) fn kept_otherwise(sent: &Map<String, Value>, answer: &Value) -> Vec<String> {
    let Some(kept) = answer.get("profile") else { return Vec::new() };
    let differs = |sent: &Value, kept: Option<&Value>| match (sent.as_str(), kept.and_then(Value::as_str)) {
        (Some(sent), Some(kept)) => sent.trim() != unescaped(kept),
        _ => false,
    };
    let mut found = Vec::new();
    for (key, value) in sent {
        match value.as_object().filter(|_| key == "fields") {
            Some(own) => found.extend(own.iter().filter_map(|(id, field)| {
                let now = kept.get("fields").and_then(|fields| fields.get(id)).and_then(|field| field.get("value"));
                differs(field.get("value")?, now).then(|| id.clone())
            })),
            None if matches!(key.as_str(), "phone" | "email") => {}
            None => found.extend(differs(value, kept.get(key)).then(|| key.clone())),
        }
    }
    found
}

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Where the next one begins; empty on the last; `None` when the answer does not say.
    pub(super) next: Option<String>,
}

/// Reads a page of the list under a key.
///
/// # Errors
///
/// Says what is wrong with it; never shows it.
pub(super) fn page<T: DeserializeOwned>(mut body: Value, key: &str) -> Result<Page<T>, String> {
    let next = body
        .get("response_metadata")
        .and_then(|metadata| metadata.get("next_cursor"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    Ok(Page { items: take(&mut body, key)?, next })
}

/// What stands under a key of an answer.
pub(super) fn take<T: DeserializeOwned>(body: &mut Value, key: &str) -> Result<T, String> {
    let found = body.get_mut(key).map(Value::take).ok_or_else(|| format!("the answer has no `{key}`"))?;
    serde_json::from_value(found).map_err(|_| format!("the answer's `{key}` is not what it should be"))
}

/// A field of the workspace's own.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ProfileField {
    /// `Xf0SAMPLE`.
    pub(super) id: Box<str>,
    pub(super) label: Box<str>,
    /// `text`, `date`, `options_list`, …
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// What an `options_list` offers.
    #[serde(default)]
    pub(super) possible_values: Option<Vec<Box<str>>>,
}

/// The fields of the workspace's own in an answer of `team.profile.get`.
pub(super) fn profile_fields(mut body: Value) -> Result<Vec<ProfileField>, String> {
    let mut profile: Value = take(&mut body, "profile")?;
    take(&mut profile, "fields")
}

/// The own fields of one profile. Slack gives a list in place of an object when there are none.
pub(super) fn own_fields(mut body: Value) -> Result<Map<String, Value>, String> {
    let mut profile: Value = take(&mut body, "profile")?;
    match profile.get_mut("fields").map(Value::take) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err("the profile's `fields` are not what they should be".into()),
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Group {
    /// `S0SAMPLE1`.
    pub(super) id: Box<str>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) handle: String,
    #[serde(default)]
    date_delete: u64,
    #[serde(default)]
    auto_type: Option<String>,
    /// Its members; missing when it is disabled.
    #[serde(default)]
    pub(super) users: BTreeSet<Box<str>>,
}

impl Group {
    /// Why its members cannot be set, if so.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        if self.date_delete != 0 {
            Some("is disabled; enable it in Slack")
        } else if self.auto_type.is_some() {
            Some("is one that Slack fills by itself")
        } else {
            None
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Channel {
    /// `C0SAMPLE1`.
    pub(super) id: Box<str>,
    /// Without the number sign.
    #[serde(default)]
    pub(super) name: String,
}

/// A workspace of an organisation.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Workspace {
    /// `T0SAMPLE1`.
    pub(super) id: Box<str>,
    /// As people see it.
    #[serde(default)]
    pub(super) name: String,
}

/// Whose token it is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Owner {
    /// `U0SAMPLE1`.
    pub(super) user_id: Box<str>,
    /// `https://acme.slack.com/`
    #[serde(default)]
    pub(super) url: String,
    /// The workspace of the token.
    team_id: Option<Box<str>>,
    is_enterprise_install: Option<bool>,
}

impl Owner {
    /// The workspace that the token belongs to; `None` where it is that of a whole organisation.
    pub(super) fn workspace(&self) -> Option<&str> {
        let organisation = self.is_enterprise_install == Some(true);
        // An organisation's own id begins with another letter.
        self.team_id.as_deref().filter(|id| !organisation && !id.starts_with('E'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldIndex;
    use crate::reference::spec_text;

    fn member(value: Value) -> Member {
        serde_json::from_value(value).unwrap()
    }

    fn fields(named: &[(&str, FieldKind, Home)]) -> Vec<(FieldSpec, Home)> {
        named.iter().map(|(name, kind, home)| (FieldSpec::new(*name, *kind), home.clone())).collect()
    }

    #[test]
    fn who_is_looked_after_elsewhere() {
        let with = |key: &str| member(json!({"id": "U1", key: true, "profile": {}})).protection();
        for key in ["is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_owner", "is_primary_owner"] {
            assert_eq!(with(key), Some(Protection::Foreign), "{key}");
        }
        assert_eq!(with("is_admin"), None);
        assert!(member(json!({"id": "USLACKBOT", "is_bot": false, "profile": {}})).protection().is_some());
    }

    #[test]
    fn a_member_in_our_words() {
        use FieldKind::*;
        let profile = |key: &str| Home::Profile(key.into());
        let custom = |id: &str| Home::Custom(id.into());
        let fields = fields(&[
            ("email", Email, profile("email")),
            ("title", Text, profile("title")),
            ("last_name", Text, profile("last_name")),
            ("fields.Start", Date, custom("Xf1")),
            ("fields.Lead", Account, custom("Xf2")),
            ("fields.Tags", List, custom("Xf3")),
            ("fields.None", Text, custom("Xf9")),
            ("groups.people-ops", Bool, Home::Group("people-ops".into())),
        ]);
        let mira = member(json!({"id": "U1", "deleted": true, "profile": {
            "email": " Mira@Example.com", "title": "R&amp;D &lt;lead&gt; ", "last_name": null}}));
        let own = json!({"Xf1": {"value": "2025-02-03", "alt": ""}, "Xf2": {"value": "U9"},
                         "Xf3": {"value": [{"value": "b"}, {"value": "a", "alt": ""}]}});
        let (account, unreadable) = mira.account(&fields, own.as_object(), |index, id| index == 7 && id == "U1");
        assert_eq!((account.active, account.protection, unreadable), (false, None, None));
        let text = FieldValue::text;
        assert_eq!(
            account.fields(),
            [
                text("mira@example.com"),
                text("R&D <lead>"),
                FieldValue::Empty,
                FieldValue::Date("2025-02-03".parse().unwrap()),
                FieldValue::Account("U9".into()),
                FieldValue::list(["a", "b"]),
                FieldValue::Empty,
                FieldValue::Bool(true),
            ]
        );
        let odd = member(json!({"id": "U1", "profile": {"title": 7}}));
        assert_eq!(odd.account(&fields, None, |_, _| false).0.protection, Some(Protection::Unreadable));
    }

    #[test]
    fn only_what_changed_is_sent() {
        use FieldKind::*;
        let fields = fields(&[
            ("title", Text, Home::Profile("title".into())),
            ("fields.Start", Date, Home::Custom("Xf1".into())),
            ("fields.Lead", Account, Home::Custom("Xf2".into())),
            ("groups.it", Bool, Home::Group("it".into())),
        ]);
        let change = |index: u16, after| FieldChange {
            index: FieldIndex(index),
            field: fields[usize::from(index)].0.name.clone(),
            before: FieldValue::Empty,
            after,
        };
        let sent = profile(
            &[
                change(0, FieldValue::Empty),
                change(1, FieldValue::Date("2025-02-03".parse().unwrap())),
                change(2, FieldValue::Account("U9".into())),
                change(3, FieldValue::Bool(true)),
            ],
            &fields,
        );
        assert_eq!(
            Value::Object(sent.unwrap()),
            json!({"title": "", "fields": {"Xf1": {"value": "2025-02-03", "alt": ""}, "Xf2": {"value": "U9", "alt": ""}}})
        );
        assert!(profile(&[change(2, FieldValue::Employee(crate::employee::EmployeeId(7)))], &fields).is_err());
    }

    #[test]
    fn what_slack_keeps_otherwise_is_noticed() {
        let sent = json!({"title": "R&D", "phone": "+49 30 1", "last_name": "Osei", "fields": {"Xf1": {"value": "x"}}});
        let sent = sent.as_object().unwrap();
        let same = json!({"profile": {"title": "R&amp;D", "phone": "+49301", "last_name": "Osei", "fields": {"Xf1": {"value": "x"}}}});
        assert!(kept_otherwise(sent, &same).is_empty());
        let other = json!({"profile": {"title": "R&amp;D", "last_name": "", "fields": {"Xf1": {"value": "y"}}}});
        assert_eq!(kept_otherwise(sent, &other), ["last_name", "Xf1"]);
    }

    #[test]
    fn pages_say_where_the_next_begins() {
        let read = |body: Value| page::<Value>(body, "members").map(|page| (page.items.len(), page.next));
        assert_eq!(
            read(json!({"members": [1], "response_metadata": {"next_cursor": "abc"}})),
            Ok((1, Some("abc".into())))
        );
        assert_eq!(read(json!({"members": [], "response_metadata": {"next_cursor": ""}})), Ok((0, Some("".into()))));
        assert_eq!(read(json!({"members": []})), Ok((0, None)));
        assert!(read(json!({"users": []})).is_err() && read(json!({"members": {}})).is_err());
        assert!(own_fields(json!({"profile": {"fields": []}})).unwrap().is_empty());
        assert!(own_fields(json!({"profile": {"fields": 7}})).is_err());
    }

    #[test]
    fn keys_are_those_of_the_official_description() {
        let Some(text) = spec_text("slack/slack-web-api-subset.openapi2.json") else { return };
        let spec: Value = serde_json::from_str(&text).unwrap();
        let has = |definition: &Value, keys: &[&str]| {
            for key in keys {
                assert!(definition["properties"].get(key).is_some(), "{key}");
            }
        };
        let user = &spec["definitions"]["objs_user"]["items"][0];
        has(user, &["id", "deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_owner"]);
        has(user, &["is_primary_owner", "profile"]);
        has(
            &spec["definitions"]["objs_user_profile"],
            &["email", "first_name", "last_name", "real_name", "display_name", "title", "phone", "pronouns", "fields"],
        );
        has(&spec["definitions"]["objs_team_profile_field"], &["id", "label", "type", "possible_values"]);
        has(&spec["definitions"]["objs_subteam"], &["id", "name", "handle", "date_delete", "auto_type", "users"]);
    }
}
