//! One workspace: what it remembers, and how its methods answer.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{SlackOptions, refused};
use crate::simulation::people::Person;
use crate::simulation::{PreparedField, SandboxRequest, SandboxResponse};

/// Whose token the sandbox's secret is.
pub(super) const OWNER: &str = "U0OWNER0001";

/// The methods that must be told the workspace with the token of an organisation.
const OF_A_WORKSPACE: &[&str] = &[
    "users.list",
    "conversations.list",
    "usergroups.list",
    "usergroups.create",
    "usergroups.users.list",
    "usergroups.users.update",
];

const FIRST: usize = 1_000;
const TEXT_KEYS: &[&str] =
    &["first_name", "last_name", "real_name", "display_name", "title", "phone", "pronouns", "email"];

#[derive(Clone, Debug)]
pub struct Member {
    pub(super) id: String,
    pub(super) user_name: String,
    /// Whether the account is out of use.
    pub deleted: bool,
    /// `is_bot`, `is_restricted`, `is_owner`: what sets it apart, if anything.
    pub standing: Option<&'static str>,
    pub profile: Map<String, Value>,
    /// The workspace's own fields.
    pub own: Map<String, Value>,
}

impl Member {
    /// `U0SANDBOX1001`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A key of the profile.
    pub fn text(&self, key: &str) -> &str {
        self.profile.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Slack escapes three characters in what it gives out.
    fn show_profile(&self, with_own: bool) -> Value {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut profile: Map<String, Value> = self
            .profile
            .iter()
            .map(|(key, value)| (key.clone(), json!(escaped(value.as_str().unwrap_or_default()))))
            .collect();
        profile.insert("avatar_hash".into(), json!("g0000000000"));
        let own = if self.own.is_empty() { json!([]) } else { Value::Object(self.own.clone()) };
        profile.insert("fields".into(), if with_own { own } else { Value::Null });
        Value::Object(profile)
    }

    fn show(&self, options: &SlackOptions) -> Value {
        let mut profile = self.show_profile(false);
        if options.missing_scopes.iter().any(|scope| scope == "users:read.email") {
            profile.as_object_mut().map(|profile| profile.remove("email"));
        }
        let mut member = json!({
            "id": self.id, "team_id": "T0SANDBOX1", "name": self.user_name, "deleted": self.deleted,
            "is_bot": false, "is_app_user": false, "updated": 1_700_000_000, "profile": profile,
        });
        if let Some(standing) = self.standing {
            member[standing] = json!(true);
        }
        member
    }
}

#[derive(Clone, Debug)]
struct OwnField {
    id: String,
    label: String,
    kind: &'static str,
    choices: Vec<String>,
}

#[derive(Clone, Debug)]
struct Group {
    id: String,
    name: String,
    handle: String,
    users: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Channel {
    id: String,
    name: String,
    users: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Workspace {
    pub(super) members: Vec<Member>,
    fields: Vec<OwnField>,
    groups: Vec<Group>,
    channels: Vec<Channel>,
    next: usize,
}

impl Workspace {
    pub(super) fn new(people: &[Person]) -> Self {
        let mut workspace =
            Self { members: Vec::new(), fields: Vec::new(), groups: Vec::new(), channels: Vec::new(), next: FIRST };
        workspace.add("Sandbox", "Owner", "sandbox.owner@example.com").standing = Some("is_owner");
        workspace.members[0].id = OWNER.into();
        workspace.add("Helpful", "Bot", "").standing = Some("is_bot");
        workspace.add("Guest", "Visitor", "guest@example.org").standing = Some("is_restricted");
        // The last ones are missing, so that there is somebody to invite.
        let known = people.len() - people.len() / 20;
        for person in &people[..known] {
            workspace.add(&person.first_name, &person.last_name, &person.email);
        }
        if let Some(person) = people.first() {
            workspace.add(&person.first_name, &person.last_name, &person.email).deleted = true;
        }
        workspace
    }

    pub fn add(&mut self, first_name: &str, last_name: &str, email: &str) -> &mut Member {
        self.next += 1;
        let mut profile: Map<String, Value> = TEXT_KEYS.iter().map(|key| ((*key).to_owned(), json!(""))).collect();
        profile.insert("first_name".into(), json!(first_name));
        profile.insert("last_name".into(), json!(last_name));
        profile.insert("real_name".into(), json!(format!("{first_name} {last_name}").trim()));
        profile.insert("email".into(), json!(email));
        let id = format!("U0SANDBOX{}", self.next);
        let user_name = email.split('@').next().unwrap_or_default().to_owned();
        let member = Member { id, user_name, deleted: false, standing: None, profile, own: Map::new() };
        self.members.push(member);
        let last = self.members.len() - 1;
        &mut self.members[last]
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub fn member_mut(&mut self, email: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| !member.deleted && member.text("email").eq_ignore_ascii_case(email))
    }

    /// Who is in a user group, by its handle.
    pub fn group_mut(&mut self, handle: &str) -> Option<&mut BTreeSet<String>> {
        self.groups.iter_mut().find(|group| group.handle == handle).map(|group| &mut group.users)
    }

    /// Who is in a channel, by its name.
    pub fn channel_mut(&mut self, name: &str) -> Option<&mut BTreeSet<String>> {
        self.channels.iter_mut().find(|channel| channel.name == name).map(|channel| &mut channel.users)
    }

    /// Makes what a user's file names.
    pub(super) fn offer(&mut self, field: &PreparedField) {
        self.next += 1;
        let number = self.next;
        if let Some(label) = field.name.strip_prefix("fields.") {
            if self.fields.iter().all(|known| known.label != label) {
                let kind = if label.to_lowercase().contains("date") { "date" } else { "text" };
                let id = format!("Xf0SANDBOX{number}");
                self.fields.push(OwnField { id, label: label.into(), kind, choices: field.choices.clone() });
            }
        } else if let Some(handle) = field.name.strip_prefix("groups.") {
            if self.groups.iter().all(|known| known.handle != handle) {
                let users = BTreeSet::from([OWNER.to_owned()]);
                let id = format!("S0SANDBOX{number}");
                self.groups.push(Group { id, name: handle.into(), handle: handle.into(), users });
            }
        } else if let Some(name) = field.name.strip_prefix("channels.") {
            let name = name.trim_start_matches('#');
            if self.channels.iter().all(|known| known.name != name) {
                let users = BTreeSet::from([OWNER.to_owned()]);
                self.channels.push(Channel { id: format!("C0SANDBOX{number}"), name: name.into(), users });
            }
        }
    }

    pub(super) fn insert_in_front(&mut self) {
        let address = format!("meanwhile.{}@example.org", self.next);
        self.add("Arrived", "Meanwhile", &address);
        self.members.rotate_right(1);
    }

    pub(super) fn remove_in_front(&mut self) {
        if let Some(at) = self.members.iter().position(|member| member.standing.is_none()) {
            self.members.remove(at);
        }
    }

    pub(super) fn counts(&self) -> Vec<(&'static str, usize)> {
        let deleted = self.members.iter().filter(|member| member.deleted).count();
        vec![
            ("members", self.members.len() - deleted),
            ("deactivated", deleted),
            ("user groups", self.groups.len()),
            ("channels", self.channels.len()),
        ]
    }

    pub(super) fn rows(&self, name: &str) -> Vec<Vec<String>> {
        let row = |member: &Member| {
            let standing = member.standing.unwrap_or(if member.deleted { "deactivated" } else { "member" });
            vec![
                name.to_owned(),
                member.id.clone(),
                member.text("real_name").to_owned(),
                member.text("email").to_owned(),
                standing.to_owned(),
            ]
        };
        self.members.iter().map(row).collect()
    }

    /// Answers a method of the Web API.
    pub(super) fn call(&mut self, method: &str, request: &SandboxRequest, options: &SlackOptions) -> SandboxResponse {
        let get = |name: &str| request.query_value(name).unwrap_or_default();
        let json_body = request.header_value("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let body = request.object().filter(|_| json_body).unwrap_or_default();
        let said = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        if !options.organisation.is_empty() && OF_A_WORKSPACE.contains(&method) {
            match get("team_id").to_owned() + said("team_id") {
                none if none.is_empty() => return refused("missing_argument"),
                team if !options.organisation.contains(&team) => return refused("invalid_team"),
                _ => {}
            }
        }
        match method {
            "auth.test" if !options.organisation.is_empty() => ok(json!({
                "url": "https://sandbox.enterprise.slack.com/", "team": "Sandbox", "team_id": "E0SANDBOX1",
                "enterprise_id": "E0SANDBOX1", "user": "owner", "user_id": OWNER, "is_enterprise_install": true,
            })),
            "auth.teams.list" => {
                let show = |id: &String| json!({"id": id, "name": format!("Workspace {id}")});
                page(request, "teams", options.organisation.iter().map(show).collect())
            }
            "team.info" => {
                let is = |id: &&String| id.to_lowercase() == get("domain");
                match options.organisation.iter().find(is) {
                    Some(id) => ok(json!({"team": {"id": id, "name": "Sandbox", "domain": get("domain")}})),
                    None => refused("team_not_found"),
                }
            }
            "auth.test" => ok(json!({
                "url": "https://sandbox.slack.com/", "team": "Sandbox", "team_id": "T0SANDBOX1", "user": "owner",
                "user_id": OWNER,
            })),
            "users.list" => {
                let rows = self.members.iter().map(|member| member.show(options)).collect();
                page(request, "members", rows)
            }
            "users.info" => self.found(|member| member.id == get("user"), options, "user_not_found"),
            "users.lookupByEmail" => {
                let email = get("email").to_lowercase();
                let is = |member: &Member| !member.deleted && member.text("email").to_lowercase() == email;
                self.found(is, options, "users_not_found")
            }
            "users.profile.get" => match self.members.iter().find(|member| member.id == get("user")) {
                Some(member) => ok(json!({"profile": member.show_profile(true)})),
                None => refused("user_not_found"),
            },
            "users.profile.set" if options.not_admin => refused("not_admin"),
            "users.profile.set" => self.set_profile(said("user"), body.get("profile").and_then(Value::as_object)),
            "team.profile.get" => {
                let fields: Vec<Value> = self
                    .fields
                    .iter()
                    .enumerate()
                    .map(|(ordering, field)| {
                        json!({"id": field.id, "ordering": ordering, "label": field.label, "hint": "",
                               "type": field.kind, "possible_values": field.choices, "is_hidden": false})
                    })
                    .collect();
                ok(json!({"profile": {"fields": fields}}))
            }
            "usergroups.list" => ok(json!({"usergroups": self.groups.iter().map(show_group).collect::<Vec<_>>()})),
            "usergroups.create" => self.create_group(said("name"), said("handle")),
            "usergroups.users.list" => match self.groups.iter().find(|group| group.id == get("usergroup")) {
                Some(group) => ok(json!({"users": group.users})),
                None => refused("no_such_subteam"),
            },
            "usergroups.users.update" => self.set_group(said("usergroup"), said("users"), &options.left_out),
            "conversations.list" => {
                let show = |channel: &Channel| json!({"id": channel.id, "name": channel.name, "is_channel": true});
                page(request, "channels", self.channels.iter().map(show).collect())
            }
            "conversations.members" => match self.channels.iter().find(|channel| channel.id == get("channel")) {
                Some(channel) => page(request, "members", channel.users.iter().map(|id| json!(id)).collect()),
                None => refused("channel_not_found"),
            },
            "conversations.invite" => self.change_channel(said("channel"), said("users"), true),
            "conversations.kick" => self.change_channel(said("channel"), said("user"), false),
            _ => refused("unknown_method"),
        }
    }

    fn found(&self, is: impl Fn(&Member) -> bool, options: &SlackOptions, code: &str) -> SandboxResponse {
        match self.members.iter().find(|member| is(member)) {
            Some(member) => ok(json!({"user": member.show(options)})),
            None => refused(code),
        }
    }

    fn set_profile(&mut self, user: &str, profile: Option<&Map<String, Value>>) -> SandboxResponse {
        let Some(profile) = profile else { return refused("invalid_profile") };
        let email = profile.get("email").and_then(Value::as_str);
        if email.is_some_and(|email| self.members.iter().any(|known| known.id != user && known.text("email") == email))
        {
            return refused("email_taken");
        }
        let fields = &self.fields;
        let Some(member) = self.members.iter_mut().find(|member| member.id == user) else {
            return refused("user_not_found");
        };
        match member.standing {
            Some("is_bot") => return refused("is_bot"),
            Some("is_owner") => return refused("cannot_update_admin_user"),
            _ => {}
        }
        let mut changed = member.clone();
        for (key, value) in profile {
            match (key.as_str(), value) {
                ("fields", Value::Object(own)) => {
                    for (id, field) in own {
                        let value = field.get("value").and_then(Value::as_str).unwrap_or_default();
                        let Some(known) = fields.iter().find(|known| known.id == *id) else {
                            return refused("invalid_profile");
                        };
                        let day =
                            known.kind != "date" || value.is_empty() || value.parse::<chrono::NaiveDate>().is_ok();
                        if !day || value.chars().count() > 256 {
                            return refused("invalid_profile");
                        }
                        if value.is_empty() {
                            changed.own.remove(id);
                        } else {
                            changed.own.insert(id.clone(), field.clone());
                        }
                    }
                }
                (key, Value::String(text)) if TEXT_KEYS.contains(&key) => {
                    changed.profile.insert(key.to_owned(), json!(text.trim()));
                }
                _ => return refused("invalid_profile"),
            }
        }
        if let Some(name) = profile.get("real_name").and_then(Value::as_str) {
            let (first, last) = name.split_once(' ').unwrap_or((name, ""));
            changed.profile.insert("first_name".into(), json!(first));
            changed.profile.insert("last_name".into(), json!(last));
        } else {
            let name = format!("{} {}", changed.text("first_name"), changed.text("last_name"));
            changed.profile.insert("real_name".into(), json!(name.trim()));
        }
        *member = changed;
        ok(json!({"username": member.user_name, "profile": member.show_profile(true)}))
    }

    fn create_group(&mut self, name: &str, handle: &str) -> SandboxResponse {
        if name.is_empty()
            || handle.is_empty()
            || handle.contains(|letter: char| letter.is_uppercase() || letter == ' ')
        {
            return refused("invalid_arguments");
        }
        if self.groups.iter().any(|group| group.name == name) {
            return refused("name_already_exists");
        }
        // One space of names with channels and people.
        let taken = self.groups.iter().any(|group| group.handle == handle)
            || self.channels.iter().any(|channel| channel.name == handle)
            || self.members.iter().any(|member| member.user_name == handle);
        if taken {
            return refused("handle_already_exists");
        }
        self.next += 1;
        let id = format!("S0SANDBOX{}", self.next);
        self.groups.push(Group { id, name: name.into(), handle: handle.into(), users: BTreeSet::new() });
        ok(json!({"usergroup": show_group(&self.groups[self.groups.len() - 1])}))
    }

    fn set_group(&mut self, id: &str, users: &str, left_out: &[String]) -> SandboxResponse {
        let users: BTreeSet<String> = users.split(',').filter(|user| !user.is_empty()).map(str::to_owned).collect();
        if users.is_empty() {
            return refused("no_users_provided");
        }
        let is_known = |user: &String| self.members.iter().any(|member| member.id == *user && !member.deleted);
        if !users.iter().all(is_known) {
            return refused("invalid_users");
        }
        match self.groups.iter_mut().find(|group| group.id == id) {
            Some(group) => {
                group.users = users.into_iter().filter(|user| !left_out.contains(user)).collect();
                ok(json!({"usergroup": show_group(group)}))
            }
            None => refused("no_such_subteam"),
        }
    }

    fn change_channel(&mut self, id: &str, user: &str, member: bool) -> SandboxResponse {
        if !self.members.iter().any(|known| known.id == user && !known.deleted) {
            return refused("user_not_found");
        }
        let Some(channel) = self.channels.iter_mut().find(|channel| channel.id == id) else {
            return refused("channel_not_found");
        };
        let changed = if member { channel.users.insert(user.into()) } else { channel.users.remove(user) };
        match (member, changed) {
            (true, false) => refused("already_in_channel"),
            (false, false) => refused("not_in_channel"),
            (true, true) => ok(json!({"channel": {"id": channel.id, "name": channel.name}})),
            (false, true) => ok(json!({})),
        }
    }

    /// Takes somebody out of use. Slack takes them out of user groups and channels, too.
    pub(super) fn set_active(&mut self, at: usize, active: bool) {
        self.members[at].deleted = !active;
        if !active {
            let id = self.members[at].id.clone();
            let groups = self.groups.iter_mut().map(|group| &mut group.users);
            for users in groups.chain(self.channels.iter_mut().map(|channel| &mut channel.users)) {
                users.remove(&id);
            }
        }
    }
}

fn show_group(group: &Group) -> Value {
    json!({"id": group.id, "team_id": "T0SANDBOX1", "is_usergroup": true, "name": group.name,
           "handle": group.handle, "date_delete": 0, "auto_type": null, "users": group.users})
}

fn ok(body: Value) -> SandboxResponse {
    let mut answer = json!({"ok": true});
    if let (Some(answer), Value::Object(body)) = (answer.as_object_mut(), body) {
        answer.extend(body);
    }
    SandboxResponse::json(200, &answer)
}

/// The page that `limit` and `cursor` ask for.
fn page(request: &SandboxRequest, key: &str, rows: Vec<Value>) -> SandboxResponse {
    let limit: usize = request.query_value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(1_000);
    let cursor = request.query_value("cursor").unwrap_or_default();
    let start = match cursor.strip_prefix("after:") {
        Some(number) => number.parse().unwrap_or(usize::MAX),
        None if cursor.is_empty() => 0,
        None => return refused("invalid_cursor"),
    };
    let end = start.saturating_add(limit).min(rows.len());
    let next = if end < rows.len() { format!("after:{end}") } else { String::new() };
    let shown = rows.get(start..end).unwrap_or_default();
    ok(json!({key: shown, "response_metadata": {"next_cursor": next}}))
}
