//! Graph's JSON, to and from our values.

use chrono::{DateTime, NaiveDate};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use crate::field::{AccountId, FieldKind, FieldSpec, FieldValue};
use crate::plan::{Account, FieldChange, Protection};

use super::fields::{MANAGER, ORGANISATION, membership};

/// One page of a list: its rows, and where the next one is.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) rows: Vec<Map<String, Value>>,
    /// The address of the next page.
    pub(super) next: Option<String>,
    /// At the end of a list of changes: the address of those to come.
    pub(super) changes: Option<String>,
}

/// The group that a name means.
pub(super) fn only_group(groups: &[Group], name: &str, as_team: bool) -> Result<Box<str>, String> {
    match groups {
        [] => Err(format!("there is no group called `{name}`, so nobody joins it; its name must be exact")),
        [group] => match group.obstacle(as_team) {
            Some(why) => Err(format!("the group `{name}` {why}")),
            None => Ok(group.id.clone()),
        },
        several => {
            let count = several.len();
            Err(format!("{count} groups are called `{name}`, so nobody joins any; rename all but one of them"))
        }
    }
}

/// Reads a page.
///
/// # Errors
///
/// Says what is wrong with it; never shows it.
pub(super) fn page(mut body: Value) -> Result<Page, String> {
    let link = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let (next, changes) = (link("@odata.nextLink"), link("@odata.deltaLink"));
    let Some(Value::Array(rows)) = body.get_mut("value").map(Value::take) else {
        return Err("the answer has no list in `value`".into());
    };
    let rows = rows.into_iter().map(|row| match row {
        Value::Object(row) => Ok(row),
        _ => Err("the answer's `value` holds something that is no object".into()),
    });
    Ok(Page { rows: rows.collect::<Result<_, String>>()?, next, changes })
}

/// Adds a row of a list of changes to what is known of its user. Somebody may come several times, and the last word
/// counts; what is not repeated stays.
pub(super) fn merge(
    users: &mut BTreeMap<Box<str>, Map<String, Value>>,
    mut row: Map<String, Value>,
) -> Result<(), String> {
    let id = id(&row)?;
    if row.contains_key("@removed") {
        users.remove(&id);
        return Ok(());
    }
    let managers = row.remove("manager@delta");
    let user = users.entry(id).or_default();
    user.append(&mut row);
    for manager in managers.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let is_now = user.get(MANAGER).is_some_and(|now| now["id"] == manager["id"]);
        match manager.get("@removed") {
            None => _ = user.insert(MANAGER.into(), json!({"id": manager["id"]})),
            Some(_) if is_now => _ = user.insert(MANAGER.into(), Value::Null),
            Some(_) => {}
        }
    }
    Ok(())
}

pub(super) fn id(row: &Map<String, Value>) -> Result<Box<str>, String> {
    let id = row.get("id").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if id.is_empty() { Err("a row has no usable `id`".into()) } else { Ok(id.into()) }
}

/// A group, as far as it decides whether its members can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) id: Box<str>,
    #[serde(default)]
    group_types: Vec<String>,
    #[serde(default)]
    on_premises_sync_enabled: Option<bool>,
    #[serde(default)]
    mail_enabled: Option<bool>,
    #[serde(default)]
    resource_provisioning_options: Vec<String>,
}

impl Group {
    /// Why its members cannot be set, if so.
    pub(super) fn obstacle(&self, as_team: bool) -> Option<&'static str> {
        if self.group_types.iter().any(|kind| kind == "DynamicMembership") {
            Some("is dynamic: a rule in Entra says who is in it")
        } else if self.on_premises_sync_enabled == Some(true) {
            Some("is synchronised from on-premises, where its members are kept")
        } else if self.mail_enabled == Some(true) && !self.group_types.iter().any(|kind| kind == "Unified") {
            Some("is a distribution list or mail-enabled security group, whose members are kept in Exchange")
        } else if as_team && !self.resource_provisioning_options.iter().any(|option| option == "Team") {
            Some("is no team; name it under `groups`, or make a team of it in Teams")
        } else {
            None
        }
    }
}

/// A membership of a team.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TeamMember {
    /// The membership's own id.
    pub(super) id: Box<str>,
    /// The user; missing for people of other organisations.
    #[serde(default)]
    pub(super) user_id: Option<Box<str>>,
    #[serde(default)]
    roles: Vec<String>,
}

impl TeamMember {
    /// Whether the team belongs to this user.
    pub(super) fn is_owner(&self) -> bool {
        self.roles.iter().any(|role| role == "owner")
    }
}

/// The account with the fields of the run, and what could not be read of it. Such an account is never changed.
pub(super) fn account(
    row: &Map<String, Value>,
    fields: &[FieldSpec],
    member_of: impl Fn(usize, &str) -> bool,
) -> Result<(Account, Option<String>), String> {
    let id = id(row)?;
    let mut unreadable = None;
    let values: Vec<FieldValue> = fields
        .iter()
        .enumerate()
        .map(|(index, spec)| {
            if membership(&spec.name).is_some() {
                return FieldValue::Bool(member_of(index, &id));
            }
            read(row, spec).unwrap_or_else(|| {
                unreadable = Some(format!("account {id}: `{}` has an unexpected type", spec.name));
                FieldValue::Empty
            })
        })
        .collect();
    let enabled = row.get("accountEnabled").and_then(Value::as_bool);
    if enabled.is_none() {
        unreadable = Some(format!("account {id} does not say whether it is enabled"));
    }
    let mut account = Account::new(id, enabled.unwrap_or(true), values);
    let foreign = row.get("onPremisesSyncEnabled").and_then(Value::as_bool) == Some(true)
        || row.get("userType").and_then(Value::as_str) == Some("Guest");
    account.protection =
        if foreign { Some(Protection::Foreign) } else { unreadable.is_some().then_some(Protection::Unreadable) };
    Ok((account, unreadable))
}

fn read(row: &Map<String, Value>, spec: &FieldSpec) -> Option<FieldValue> {
    let value = match (&*spec.name, spec.name.strip_prefix(ORGANISATION)) {
        (MANAGER, _) => row.get(MANAGER).and_then(|manager| manager.get("id")),
        (_, Some(part)) => row.get("employeeOrgData").and_then(|data| data.get(part)),
        ("businessPhones", _) => row.get("businessPhones").and_then(|phones| phones.get(0)),
        (name, None) => row.get(name),
    };
    let text = match value {
        None | Some(Value::Null) => return Some(FieldValue::Empty),
        Some(Value::String(text)) => text.trim(),
        Some(_) => return None,
    };
    Some(match spec.kind {
        FieldKind::Email => FieldValue::text(&text.to_lowercase()),
        FieldKind::Account => FieldValue::Account(AccountId::from(text)),
        FieldKind::Date if text.is_empty() => FieldValue::Empty,
        FieldKind::Date => FieldValue::Date(day(text)?),
        _ => FieldValue::text(text),
    })
}

/// The day of a moment, in UTC as Graph keeps it.
fn day(text: &str) -> Option<NaiveDate> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc().date_naive()).or_else(|| text.parse().ok())
}

/// The two parts of the organisation's data as they are.
pub(super) fn organisation(user: &Value) -> Map<String, Value> {
    let part = |name: &str| user.get("employeeOrgData").and_then(|data| data.get(name)).cloned().unwrap_or_default();
    ["division", "costCenter"].map(|name| (name.to_owned(), part(name))).into_iter().collect()
}

/// Whether a change is of a part of the organisation's data, which is written whole.
pub(super) fn touches_organisation(changes: &[FieldChange]) -> bool {
    changes.iter().any(|change| change.field.starts_with(ORGANISATION))
}

/// Properties that Graph does not let anybody empty.
const NEVER_EMPTY: &[&str] = &["mail", "displayName", "userPrincipalName", "mailNickname", "usageLocation"];

/// The properties of a create or an update. `organisation` is what the organisation's data hold now: Graph
/// empties the part that is not sent.
///
/// # Errors
///
/// Names the field whose value cannot be sent; never the value.
pub(super) fn body(
    changes: &[FieldChange],
    mut organisation: Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let mut body = Map::new();
    for change in changes {
        if &*change.field == MANAGER || membership(&change.field).is_some() {
            continue;
        }
        let value = match &change.after {
            FieldValue::Empty if NEVER_EMPTY.contains(&&*change.field) => {
                return Err(format!("`{}` cannot be emptied", change.field));
            }
            FieldValue::Empty if &*change.field == "businessPhones" => json!([]),
            FieldValue::Empty => Value::Null,
            FieldValue::Date(day) => json!(format!("{day}T00:00:00Z")),
            value if &*change.field == "businessPhones" => json!([value.to_string()]),
            value => json!(value.to_string()),
        };
        match change.field.strip_prefix(ORGANISATION) {
            Some(part) => _ = organisation.insert(part.to_owned(), value),
            None => _ = body.insert(change.field.to_string(), value),
        }
    }
    if touches_organisation(changes) {
        body.insert("employeeOrgData".into(), Value::Object(organisation));
    }
    Ok(body)
}

/// The texts of a change, by field.
pub(super) fn texts(fields: &[FieldChange]) -> BTreeMap<&str, String> {
    fields
        .iter()
        .filter(|field| !field.after.is_empty())
        .map(|field| (&*field.field, field.after.to_string()))
        .collect()
}

/// A new user for a direct create.
pub(super) fn new_user(fields: &[FieldChange], password: &str) -> Result<Map<String, Value>, String> {
    let organisation = ["division", "costCenter"].map(|part| (part.to_owned(), Value::Null)).into_iter().collect();
    let mut user = body(fields, organisation)?;
    let named = texts(fields);
    let Some(name) = named.get("userPrincipalName") else {
        return Err("a new user needs a `userPrincipalName`".into());
    };
    if !user.contains_key("displayName") {
        let part = |field: &str| named.get(field).map(String::as_str).unwrap_or_default();
        let display = format!("{} {}", part("givenName"), part("surname"));
        if display.trim().is_empty() {
            return Err("a new user needs a `displayName`".into());
        }
        user.insert("displayName".into(), json!(display.trim()));
    }
    if !user.contains_key("mailNickname") {
        let local = name.split('@').next().unwrap_or_default();
        let nickname: String =
            local.chars().filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter)).collect();
        user.insert("mailNickname".into(), json!(nickname));
    }
    user.insert("accountEnabled".into(), json!(true));
    // Entra gives new people their way in by its own means; nobody ever learns this one.
    user.insert("passwordProfile".into(), json!({"forceChangePasswordNextSignIn": true, "password": password}));
    Ok(user)
}

/// What a batch says of one of its parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) status: u16,
    pub(super) body: Value,
    /// How long to wait before it is sent again, as a header Retry-After says it.
    pub(super) retry_after: Option<String>,
}

/// The answer to each part of a batch, in the order of the parts. `None` for one that is missing.
pub(super) fn batch_answers(body: &Value, parts: usize) -> Result<Vec<Option<Part>>, String> {
    let responses = body.get("responses").and_then(Value::as_array).ok_or("the answer has no `responses`")?;
    let mut found = vec![None; parts];
    for response in responses {
        let position = response.get("id").and_then(Value::as_str).and_then(|id| id.parse::<usize>().ok());
        let status = response.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
        if let (Some(position), Some(status)) = (position.and_then(|position| found.get_mut(position)), status) {
            let headers = response.get("headers").and_then(Value::as_object);
            let retry_after = headers
                .and_then(|headers| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after")))
                .and_then(|(_, value)| match value {
                    Value::Number(number) => Some(number.to_string()),
                    other => other.as_str().map(str::to_owned),
                });
            let body = response.get("body").cloned().unwrap_or_default();
            *position = Some(Part { status, body, retry_after });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::fields;
    use super::*;
    use crate::field::FieldIndex;
    use crate::targets::FieldLookup;

    fn specs(names: &[&str]) -> Vec<FieldSpec> {
        let spec = |name: &&str| match fields::lookup(name) {
            FieldLookup::Known(spec) => spec,
            _ => FieldSpec::new(*name, FieldKind::Bool),
        };
        names.iter().map(spec).collect()
    }

    fn change(field: &str, after: FieldValue) -> FieldChange {
        FieldChange { index: FieldIndex(0), field: field.into(), before: FieldValue::Empty, after }
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_user_in_our_words() {
        let names = [
            "userPrincipalName",
            "jobTitle",
            "employeeHireDate",
            "employeeOrgData.division",
            "employeeOrgData.costCenter",
            "businessPhones",
            "manager",
            "groups.it",
        ];
        let row = object(json!({
            "id": "u1", "accountEnabled": false, "userPrincipalName": "Mira@Example.com", "jobTitle": null,
            "employeeHireDate": "2025-09-01T00:00:00Z", "employeeOrgData": {"division": "North", "costCenter": null},
            "businessPhones": ["+49 30 1"], "manager": {"id": "u9"},
        }));
        let (account, unreadable) = account(&row, &specs(&names), |index, id| index == 7 && id == "u1").unwrap();
        assert_eq!((account.active, account.protection, unreadable), (false, None, None));
        let text = FieldValue::text;
        assert_eq!(
            account.fields(),
            [
                text("mira@example.com"),
                FieldValue::Empty,
                FieldValue::Date("2025-09-01".parse().unwrap()),
                text("North"),
                FieldValue::Empty,
                text("+49 30 1"),
                FieldValue::Account("u9".into()),
                FieldValue::Bool(true),
            ]
        );
    }

    #[test]
    fn who_is_looked_after_elsewhere() {
        let read = |extra: Value| {
            let mut row = object(json!({"id": "u1", "accountEnabled": true}));
            row.extend(object(extra));
            account(&row, &specs(&["jobTitle"]), |_, _| false).unwrap().0.protection
        };
        assert_eq!(read(json!({"userType": "Member", "onPremisesSyncEnabled": null})), None);
        assert_eq!(read(json!({"userType": "Guest"})), Some(Protection::Foreign));
        assert_eq!(read(json!({"onPremisesSyncEnabled": true})), Some(Protection::Foreign));
        assert_eq!(read(json!({"jobTitle": 7})), Some(Protection::Unreadable));
        assert_eq!(read(json!({"accountEnabled": null})), Some(Protection::Unreadable));
        assert!(account(&object(json!({"id": " "})), &[], |_, _| false).is_err());
    }

    #[test]
    fn groups_that_are_filled_elsewhere() {
        let why = |extra: Value, as_team: bool| {
            let mut group = object(json!({"id": "g1"}));
            group.extend(object(extra));
            only_group(&[serde_json::from_value(Value::Object(group)).unwrap()], "it", as_team).unwrap_err()
        };
        assert!(why(json!({"groupTypes": ["DynamicMembership"]}), false).contains("dynamic"));
        assert!(why(json!({"onPremisesSyncEnabled": true}), false).contains("on-premises"));
        assert!(why(json!({"mailEnabled": true, "groupTypes": []}), false).contains("distribution list"));
        assert!(why(json!({"mailEnabled": true, "groupTypes": ["Unified"]}), true).contains("is no team"));
        let team = json!({"id": "g1", "mailEnabled": true, "groupTypes": ["Unified"],
                          "resourceProvisioningOptions": ["Team"], "onPremisesSyncEnabled": null});
        let team: Group = serde_json::from_value(team).unwrap();
        assert_eq!(only_group(std::slice::from_ref(&team), "it", true).as_deref(), Ok("g1"));
        assert_eq!(only_group(std::slice::from_ref(&team), "it", false).as_deref(), Ok("g1"));
        assert!(only_group(&[team.clone(), team], "it", true).unwrap_err().contains("2 groups are called"));
    }

    #[test]
    fn the_organisation_is_written_whole_and_empty_is_null() {
        let now = organisation(&json!({"employeeOrgData": {"division": "North", "costCenter": "CC-1"}}));
        let sent = body(
            &[
                change("jobTitle", FieldValue::Empty),
                change("employeeOrgData.costCenter", FieldValue::text("CC-2")),
                change("employeeHireDate", FieldValue::Date("2025-09-01".parse().unwrap())),
                change("businessPhones", FieldValue::Empty),
                change("manager", FieldValue::Account("u9".into())),
                change("groups.it", FieldValue::Bool(true)),
            ],
            now,
        );
        assert_eq!(
            Value::Object(sent.unwrap()),
            json!({"jobTitle": null, "employeeHireDate": "2025-09-01T00:00:00Z", "businessPhones": [],
                   "employeeOrgData": {"division": "North", "costCenter": "CC-2"}})
        );
        assert!(body(&[change("mail", FieldValue::Empty)], Map::new()).is_err());
        assert!(
            !body(&[change("city", FieldValue::Empty)], organisation(&Value::Null))
                .unwrap()
                .contains_key("employeeOrgData")
        );
    }

    #[test]
    fn new_users() {
        let text = |field: &str, value: &str| change(field, FieldValue::text(value));
        let fields =
            [text("userPrincipalName", "mira.o'sei@example.com"), text("givenName", "Mira"), text("surname", "Osei")];
        let user = new_user(&fields, "secret").unwrap();
        assert_eq!((&user["displayName"], &user["mailNickname"]), (&json!("Mira Osei"), &json!("mira.osei")));
        assert_eq!(user["passwordProfile"]["forceChangePasswordNextSignIn"], true);
        assert!(new_user(&fields[1..], "secret").is_err() && new_user(&fields[..1], "secret").is_err());
    }

    #[test]
    fn of_a_list_of_changes_the_last_word_counts() {
        let mut users = BTreeMap::new();
        for row in [
            json!({"id": "u1", "jobTitle": "Cook", "manager@delta": [{"id": "m1"}]}),
            json!({"id": "u2", "jobTitle": "Pilot"}),
            json!({"id": "u3"}),
            json!({"id": "u1", "jobTitle": "Chef", "manager@delta": [{"id": "m2"}, {"id": "m1", "@removed": {}}]}),
            json!({"id": "u2", "@removed": {"reason": "deleted"}}),
            json!({"id": "u3", "manager@delta": [{"id": "m1"}]}),
            json!({"id": "u3", "city": "Graz", "manager@delta": [{"id": "m1", "@removed": {"reason": "deleted"}}]}),
            json!({"id": "u9", "@removed": {"reason": "changed"}}),
        ] {
            merge(&mut users, object(row)).unwrap();
        }
        assert_eq!(
            users.into_values().map(Value::Object).collect::<Vec<_>>(),
            [
                json!({"id": "u1", "jobTitle": "Chef", "manager": {"id": "m2"}}),
                json!({"id": "u3", "city": "Graz", "manager": null}),
            ]
        );
        assert!(merge(&mut BTreeMap::new(), Map::new()).is_err());
    }

    #[test]
    fn parts_of_a_batch_keep_their_order() {
        let busy = json!({"id": "1", "status": 429, "headers": {"Retry-After": "7"}, "body": {"error": {}}});
        let body =
            json!({"responses": [busy, {"id": "0", "status": 204}, {"id": "9", "status": 200}, {"status": 200}]});
        let found = batch_answers(&body, 3).unwrap();
        let statuses: Vec<_> = found.iter().map(|answer| answer.as_ref().map(|part| part.status)).collect();
        assert_eq!(statuses, [Some(204), Some(429), None]);
        assert_eq!(found[1].as_ref().unwrap().retry_after, Some("7".to_owned()));
        assert!(batch_answers(&json!({"value": []}), 1).is_err());
    }
}
