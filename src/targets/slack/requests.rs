//! The requests that are sent to Slack's Web API, as values.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::http::{Limit, Method, Request, Response};

/// How many are asked for at once. A thousand is the most that Slack takes; with its few requests a minute, fewer
/// at once would only take longer.
pub(super) const PAGE: usize = 1_000;

/// The methods with the requests a minute of their tiers. Each has a limit of its own.
const METHODS: &[(&str, u32)] = &[
    ("auth.test", 100),
    ("auth.teams.list", 20),
    ("team.info", 50),
    ("users.list", 20),
    ("users.info", 100),
    ("users.lookupByEmail", 50),
    ("users.profile.get", 100),
    // A token may set thirty profiles a minute, which is less than the tier.
    ("users.profile.set", 30),
    ("team.profile.get", 50),
    ("usergroups.list", 20),
    ("usergroups.create", 20),
    ("usergroups.users.list", 20),
    ("usergroups.users.update", 20),
    ("conversations.list", 20),
    ("conversations.members", 100),
    ("conversations.invite", 50),
    ("conversations.kick", 50),
];

/// Codes that say that Slack broke down over the request.
pub(super) const BROKE_DOWN: &[&str] = &["internal_error", "fatal_error", "request_timeout"];

/// Whether an answer says inside a success that there were too many requests; nothing was done then.
pub(super) fn says_busy(answer: &Response) -> bool {
    // The few characters of a refusal; a page of people is not read twice.
    answer.status == 200
        && answer.body.len() < 1_000
        && answer.json_or_none().is_some_and(|body| body["ok"] == false && is_busy(body["error"].as_str()))
}

/// Whether an answer says inside a success that it was refused. What Slack broke down over may have been done.
pub(super) fn says_refused(answer: &Response) -> bool {
    answer.status == 200
        && answer.body.len() < 1_000
        && answer.json_or_none().is_some_and(|body| {
            body["ok"] == false && body["error"].as_str().is_some_and(|code| !BROKE_DOWN.contains(&code))
        })
}

/// Whether a code says so.
pub(super) fn is_busy(code: Option<&str>) -> bool {
    matches!(code, Some("ratelimited" | "rate_limited"))
}

/// The pause after an answer that does not say how long to wait: limits are per minute.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(30);

/// What Slack allows of each method.
pub(super) fn limits() -> Vec<Limit> {
    METHODS.iter().map(|(class, requests)| Limit { class, requests: *requests, per: Duration::from_secs(60) }).collect()
}

fn get(method: &'static str) -> Request {
    Request::get(format!("/{method}")).class(method)
}

fn post(method: &'static str, body: &Value) -> Request {
    // Without the charset Slack warns about every request.
    Request::new(Method::Post, format!("/{method}")).class(method).json_as("application/json; charset=utf-8", body)
}

fn page_of(request: Request, cursor: &str) -> Request {
    let request = request.query("limit", PAGE);
    if cursor.is_empty() { request } else { request.query("cursor", cursor) }
}

/// Who the token belongs to.
pub(super) fn who_am_i() -> Request {
    get("auth.test")
}

/// A page of the workspaces that the app of an organisation is in.
pub(super) fn list_workspaces(cursor: &str) -> Request {
    page_of(get("auth.teams.list"), cursor)
}

/// The workspace of a name in the same organisation.
pub(super) fn workspace(name: &str) -> Request {
    get("team.info").query("domain", name)
}

/// The workspace that is meant, where the token is that of a whole organisation; some methods need to be told.
/// Source: https://docs.slack.dev/reference/methods/usergroups.list
pub(super) type Team<'t> = Option<&'t str>;

fn of_team(request: Request, team: Team<'_>) -> Request {
    team.into_iter().fold(request, |request, team| request.query("team_id", team))
}

fn with_team(mut body: Value, team: Team<'_>) -> Value {
    if let Some(team) = team {
        body["team_id"] = json!(team);
    }
    body
}

/// A page of everybody: people, bots, guests, deactivated ones.
pub(super) fn list_users(team: Team<'_>, cursor: &str) -> Request {
    page_of(of_team(get("users.list"), team), cursor)
}

pub(super) fn user(id: &str) -> Request {
    get("users.info").query("user", id)
}

/// The member with an address; deactivated ones are not found.
pub(super) fn user_by_email(email: &str) -> Request {
    get("users.lookupByEmail").query("email", email)
}

/// One profile with its custom fields, which lists leave out.
pub(super) fn profile(id: &str) -> Request {
    get("users.profile.get").query("user", id)
}

/// The custom fields of profiles.
pub(super) fn profile_fields() -> Request {
    get("team.profile.get")
}

/// Changes the named fields of a profile; the others stay.
pub(super) fn set_profile(id: &str, profile: &Map<String, Value>) -> Request {
    post("users.profile.set", &json!({"user": id, "profile": profile}))
}

/// All user groups with their members.
pub(super) fn list_groups(team: Team<'_>) -> Request {
    of_team(get("usergroups.list"), team).query("include_users", true).query("include_disabled", true)
}

/// Makes a user group without members.
pub(super) fn create_group(team: Team<'_>, name: &str, handle: &str) -> Request {
    post("usergroups.create", &with_team(json!({"name": name, "handle": handle}), team))
}

/// The members of a user group.
pub(super) fn group_members(team: Team<'_>, group: &str) -> Request {
    of_team(get("usergroups.users.list"), team).query("usergroup", group)
}

/// Sets the whole membership of a user group. An empty one is refused.
pub(super) fn set_group_members<'m>(
    team: Team<'_>,
    group: &str,
    members: impl IntoIterator<Item = &'m str>,
) -> Request {
    let members: Vec<&str> = members.into_iter().collect();
    post("usergroups.users.update", &with_team(json!({"usergroup": group, "users": members.join(",")}), team))
}

pub(super) fn list_channels(team: Team<'_>, cursor: &str) -> Request {
    let request = of_team(get("conversations.list"), team).query("types", "public_channel,private_channel");
    page_of(request.query("exclude_archived", true), cursor)
}

/// A page of a channel's members.
pub(super) fn channel_members(channel: &str, cursor: &str) -> Request {
    page_of(get("conversations.members").query("channel", channel), cursor)
}

/// Takes a member into a channel.
pub(super) fn invite(channel: &str, user: &str) -> Request {
    post("conversations.invite", &json!({"channel": channel, "users": user}))
}

/// Takes a member out of a channel.
pub(super) fn kick(channel: &str, user: &str) -> Request {
    post("conversations.kick", &json!({"channel": channel, "user": user}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Body;
    use crate::reference::spec_text;

    fn all() -> Vec<(Request, &'static str)> {
        let mut profile = Map::new();
        profile.insert("title".into(), json!("Deck Engineer"));
        vec![
            (who_am_i(), "GET /auth.test?"),
            (list_workspaces(""), "GET /auth.teams.list?limit=1000"),
            (workspace("acme"), "GET /team.info?domain=acme"),
            (list_users(None, ""), "GET /users.list?limit=1000"),
            (list_users(None, "dXNlcg=="), "GET /users.list?limit=1000&cursor=dXNlcg=="),
            (list_users(Some("T1"), ""), "GET /users.list?team_id=T1&limit=1000"),
            (user("U1"), "GET /users.info?user=U1"),
            (user_by_email("mira+it@example.com"), "GET /users.lookupByEmail?email=mira+it@example.com"),
            (super::profile("U1"), "GET /users.profile.get?user=U1"),
            (profile_fields(), "GET /team.profile.get?"),
            (
                set_profile("U1", &profile),
                r#"POST /users.profile.set? {"user":"U1","profile":{"title":"Deck Engineer"}}"#,
            ),
            (list_groups(None), "GET /usergroups.list?include_users=true&include_disabled=true"),
            (list_groups(Some("T1")), "GET /usergroups.list?team_id=T1&include_users=true&include_disabled=true"),
            (
                create_group(Some("T1"), "Night", "night"),
                r#"POST /usergroups.create? {"name":"Night","handle":"night","team_id":"T1"}"#,
            ),
            (
                create_group(None, "People Ops", "people-ops"),
                r#"POST /usergroups.create? {"name":"People Ops","handle":"people-ops"}"#,
            ),
            (group_members(None, "S1"), "GET /usergroups.users.list?usergroup=S1"),
            (group_members(Some("T1"), "S1"), "GET /usergroups.users.list?team_id=T1&usergroup=S1"),
            (
                set_group_members(Some("T1"), "S1", ["U1"]),
                r#"POST /usergroups.users.update? {"usergroup":"S1","users":"U1","team_id":"T1"}"#,
            ),
            (
                set_group_members(None, "S1", ["U1", "U2"]),
                r#"POST /usergroups.users.update? {"usergroup":"S1","users":"U1,U2"}"#,
            ),
            (
                list_channels(Some("T1"), ""),
                "GET /conversations.list?team_id=T1&types=public_channel,private_channel&exclude_archived=true&limit=1000",
            ),
            (
                list_channels(None, ""),
                "GET /conversations.list?types=public_channel,private_channel&exclude_archived=true&limit=1000",
            ),
            (channel_members("C1", "c"), "GET /conversations.members?channel=C1&limit=1000&cursor=c"),
            (invite("C1", "U1"), r#"POST /conversations.invite? {"channel":"C1","users":"U1"}"#),
            (kick("C1", "U1"), r#"POST /conversations.kick? {"channel":"C1","user":"U1"}"#),
        ]
    }

    #[test]
    fn every_request_by_method_path_query_and_body() {
        for (request, expected) in all() {
            let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let body = match &request.body {
                Body::Json { content_type: "application/json; charset=utf-8", text } => format!(" {text}"),
                Body::Empty => String::new(),
                other => panic!("{other:?}"),
            };
            assert_eq!(format!("{} {}?{}{body}", request.method.as_str(), request.path, query.join("&")), expected);
            assert_eq!(format!("/{}", request.class), request.path);
            assert!(METHODS.iter().any(|(method, _)| *method == request.class), "{} has no pace", request.class);
        }
    }

    #[test]
    fn too_many_requests_may_be_said_inside_a_success() {
        let says = |status: u16, body: &str| {
            says_busy(&Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
        };
        assert!(
            says(200, r#"{"ok":false,"error":"ratelimited"}"#) && says(200, r#"{"ok":false,"error":"rate_limited"}"#)
        );
        assert!(!says(200, r#"{"ok":true,"error":"ratelimited"}"#) && !says(200, r#"{"ok":false,"error":"is_bot"}"#));
        assert!(!says(200, "<html>") && !says(500, r#"{"ok":false,"error":"ratelimited"}"#));
    }

    #[test]
    fn a_refusal_inside_a_success_leaves_nothing_done() {
        let says = |status: u16, body: &str| {
            says_refused(&Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
        };
        assert!(says(200, r#"{"ok":false,"error":"cannot_update_admin_user"}"#));
        for other in [
            r#"{"ok":true,"error":"is_bot"}"#,
            r#"{"ok":false,"error":"fatal_error"}"#,
            r#"{"ok":false}"#,
            "<html>please wait</html>",
        ] {
            assert!(!says(200, other), "{other}");
        }
        assert!(!says(503, r#"{"ok":false,"error":"is_bot"}"#));
    }

    #[test]
    fn methods_and_arguments_are_those_of_the_official_description() {
        let Some(text) = spec_text("slack/slack-web-api-subset.openapi2.json") else { return };
        let spec: Value = serde_json::from_str(&text).unwrap();
        for (request, _) in all() {
            // Newer than the description, as is `team_id`.
            if matches!(request.path.as_str(), "/auth.teams.list") && spec["paths"][&request.path].is_null() {
                continue;
            }
            let known = &spec["paths"][&request.path][request.method.as_str().to_lowercase()]["parameters"];
            let known: Vec<&str> =
                known.as_array().unwrap().iter().map(|known| known["name"].as_str().unwrap()).collect();
            let mut names: Vec<String> = request.query.iter().map(|(name, _)| name.clone()).collect();
            if let Body::Json { text, .. } = &request.body {
                names.extend(serde_json::from_str::<Map<String, Value>>(text).unwrap().keys().cloned());
            }
            names.retain(|name| !matches!((request.class, name.as_str()), (_, "team_id") | ("team.info", "domain")));
            assert!(names.iter().all(|name| known.contains(&name.as_str())), "{}: {names:?} {known:?}", request.path);
        }
    }
}
