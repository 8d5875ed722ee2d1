//! The requests that are sent to Microsoft Graph, as values.

use chrono::NaiveDate;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::http::{Method, Request};

/// How many are asked for at once.
const PAGE: usize = 999;
/// The most requests in one `$batch`.
pub(super) const BATCH: usize = 20;
/// The most new users in one upload.
pub(super) const UPLOAD: usize = 50;
/// The class of writes to the directory.
pub(super) const WRITE: &str = "write";
/// The class of changes of team members, which want two seconds between them.
pub(super) const TEAMS: &str = "teams";

const READ: &str = "read";
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

fn get(path: impl Into<String>) -> Request {
    Request::get(path).class(READ)
}

fn write(method: Method, path: impl Into<String>, body: &Value) -> Request {
    Request::new(method, path).class(WRITE).json(body)
}

/// A text inside a filter.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn selected(request: Request, selection: &str, manager: bool) -> Request {
    let request = request.query("$select", selection);
    if manager { request.query("$expand", "manager($select=id)") } else { request }
}

/// The first page of users, perhaps of those whose property is a text.
pub(super) fn list_users(selection: &str, manager: bool, filter: Option<(&str, &str)>) -> Request {
    let request = selected(get("/users"), selection, manager).query("$top", PAGE);
    match filter {
        Some((property, text)) => request.query("$filter", format!("{property} eq {}", quoted(text))),
        None => request,
    }
}

/// The first page of all changes of users, which begins with everybody as they are. Managers are among the properties
/// here, since nothing can be expanded.
pub(super) fn user_changes(selection: &str, manager: bool) -> Request {
    let selection = if manager { format!("{selection},manager") } else { selection.to_owned() };
    get("/users/delta").query("$select", selection)
}

/// What the provisioning service says of one of its jobs since a day.
pub(super) fn provisioning_log(job: &str, since: NaiveDate) -> Request {
    let filter = format!("jobId eq {} and activityDateTime gt {since}T00:00:00Z", quoted(job));
    get("/auditLogs/provisioning").query("$filter", filter)
}

/// The job in the address of the provisioning service: `…/jobs/JOB/bulkUpload`.
pub(super) fn job_of(address: &str) -> Option<String> {
    let mut parts = address.rsplit('/');
    let job = parts.next().filter(|last| *last == "bulkUpload").and_then(|_| parts.next())?;
    let job = percent_encoding::percent_decode_str(job).decode_utf8().ok()?;
    (!job.is_empty() && parts.next() == Some("jobs")).then(|| job.into_owned())
}

/// The page that a link leads to. The client refuses links to other hosts.
pub(super) fn next(link: &str) -> Request {
    get(link)
}

pub(super) fn user(id: &str, selection: &str, manager: bool) -> Request {
    selected(get(format!("/users/{}", segment(id))), selection, manager)
}

pub(super) fn create_user(body: &Value) -> Request {
    write(Method::Post, "/users", body)
}

/// Changes the named properties; the others stay.
pub(super) fn update_user(id: &str, body: &Value) -> Request {
    write(Method::Patch, format!("/users/{}", segment(id)), body)
}

/// Sets the user that a user reports to.
pub(super) fn set_manager(base_url: &str, id: &str, manager: &str) -> Request {
    let body = json!({"@odata.id": format!("{base_url}/users/{}", segment(manager))});
    write(Method::Put, format!("/users/{}/manager/$ref", segment(id)), &body)
}

/// Hands people over to the provisioning service, which makes and changes accounts by its own rules.
pub(super) fn bulk_upload(address: &str, body: &Value) -> Request {
    Request::new(Method::Post, address).class(WRITE).json_as("application/scim+json", body)
}

/// Groups by name; teams are groups, too.
pub(super) fn groups_called(name: &str) -> Request {
    get("/groups")
        .query("$filter", format!("displayName eq {}", quoted(name)))
        .query("$select", "id,displayName,groupTypes,onPremisesSyncEnabled,mailEnabled,resourceProvisioningOptions")
}

/// The first page of a group's direct members.
pub(super) fn group_members(group: &str) -> Request {
    get(format!("/groups/{}/members", segment(group))).query("$select", "id").query("$top", PAGE)
}

/// Takes a user into a group.
pub(super) fn add_member(base_url: &str, group: &str, user: &str) -> Request {
    let body = json!({"@odata.id": format!("{base_url}/directoryObjects/{}", segment(user))});
    write(Method::Post, format!("/groups/{}/members/$ref", segment(group)), &body)
}

/// The first page of a team's members.
pub(super) fn team_members(team: &str) -> Request {
    get(format!("/teams/{}/members", segment(team)))
}

/// Takes a user into a team.
pub(super) fn add_team_member(base_url: &str, team: &str, user: &str) -> Request {
    let body = json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": [],
        "user@odata.bind": format!("{base_url}/users('{}')", segment(user)),
    });
    write(Method::Post, format!("/teams/{}/members", segment(team)), &body).class(TEAMS)
}

/// What is taken away: always the tie between two things, never one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie<'a> {
    /// A user's membership of a group.
    Member { group: &'a str, user: &'a str },
    /// The user that a user reports to.
    Manager { user: &'a str },
    /// A membership of a team, by the membership's own id.
    TeamMember { team: &'a str, membership: &'a str },
}

/// Takes a tie away. The only place that builds a DELETE: without `$ref` at its end, the address of a group's
/// member is the user, who would be deleted. So is one whose parts are empty, and such a tie is refused.
pub(super) fn remove(tie: Tie<'_>) -> Option<Request> {
    let parts = match tie {
        Tie::Member { group, user } => [group, user],
        Tie::Manager { user } => [user, user],
        Tie::TeamMember { team, membership } => [team, membership],
    };
    if parts.iter().any(|part| part.trim().is_empty() || part.chars().all(|letter| letter == '.')) {
        return None;
    }
    let [one, other] = parts.map(segment);
    let (path, class) = match tie {
        Tie::Member { .. } => (format!("/groups/{one}/members/{other}/$ref"), WRITE),
        Tie::Manager { .. } => (format!("/users/{one}/manager/$ref"), WRITE),
        Tie::TeamMember { .. } => (format!("/teams/{one}/members/{other}"), TEAMS),
    };
    Some(Request::new(Method::Delete, path).class(class))
}

/// Several requests in one, each with an answer of its own. They may be carried out in any order.
pub(super) fn batch(parts: &[Request]) -> Request {
    let requests: Vec<Value> = parts
        .iter()
        .enumerate()
        .map(|(number, part)| {
            let mut request = json!({"id": number.to_string(), "method": part.method.as_str(), "url": part.path});
            if let crate::http::Body::Json { content_type, text } = &part.body {
                request["headers"] = json!({"Content-Type": content_type});
                request["body"] = serde_json::from_str(text).unwrap_or_default();
            }
            request
        })
        .collect();
    write(Method::Post, "/$batch", &json!({"requests": requests}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Body;

    const BASE: &str = "https://graph.microsoft.com/v1.0";

    fn shown(request: &Request) -> String {
        let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = match &request.body {
            Body::Json { text, .. } => format!(" {text}"),
            _ => String::new(),
        };
        format!("{} {}?{}{body}", request.method.as_str(), request.path, query.join("&"))
    }

    #[test]
    fn every_request_by_method_path_query_and_body() {
        for (request, expected) in [
            (list_users("id,mail", false, None), "GET /users?$select=id,mail&$top=999"),
            (
                list_users("id", true, Some(("employeeId", "O'Hara"))),
                "GET /users?$select=id&$expand=manager($select=id)&$top=999&$filter=employeeId eq 'O''Hara'",
            ),
            (user_changes("id,mail", true), "GET /users/delta?$select=id,mail,manager"),
            (user_changes("id", false), "GET /users/delta?$select=id"),
            (
                provisioning_log("API2AAD.a'b", "2026-11-20".parse().unwrap()),
                "GET /auditLogs/provisioning?$filter=jobId eq 'API2AAD.a''b' and activityDateTime gt 2026-11-20T00:00:00Z",
            ),
            (user("u 1", "id,mail", false).in_path(), "GET /users/u%201?%24select=id%2Cmail?"),
            (user("u 1", "id", false), "GET /users/u%201?$select=id"),
            (create_user(&json!({"displayName": "Ada"})), r#"POST /users? {"displayName":"Ada"}"#),
            (update_user("u1", &json!({"jobTitle": null})), r#"PATCH /users/u1? {"jobTitle":null}"#),
            (
                set_manager(BASE, "u1", "u2"),
                r#"PUT /users/u1/manager/$ref? {"@odata.id":"https://graph.microsoft.com/v1.0/users/u2"}"#,
            ),
            (
                groups_called("R&D 'core'"),
                "GET /groups?$filter=displayName eq 'R&D ''core'''&$select=id,displayName,groupTypes,onPremisesSyncEnabled,mailEnabled,resourceProvisioningOptions",
            ),
            (group_members("g1"), "GET /groups/g1/members?$select=id&$top=999"),
            (
                add_member(BASE, "g1", "u1"),
                r#"POST /groups/g1/members/$ref? {"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/u1"}"#,
            ),
            (team_members("g1"), "GET /teams/g1/members?"),
            (
                add_team_member(BASE, "g1", "u1"),
                r##"POST /teams/g1/members? {"@odata.type":"#microsoft.graph.aadUserConversationMember","roles":[],"user@odata.bind":"https://graph.microsoft.com/v1.0/users('u1')"}"##,
            ),
            (
                batch(&[add_member(BASE, "g", "u"), remove(Tie::Member { group: "g", user: "v" }).unwrap()]),
                r#"POST /$batch? {"requests":[{"id":"0","method":"POST","url":"/groups/g/members/$ref","headers":{"Content-Type":"application/json"},"body":{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/u"}},{"id":"1","method":"DELETE","url":"/groups/g/members/v/$ref"}]}"#,
            ),
        ] {
            assert_eq!(shown(&request), expected);
        }
    }

    #[test]
    fn the_job_is_in_the_address_of_the_provisioning_service() {
        let job = |path: &str| job_of(&format!("{BASE}/servicePrincipals/a/synchronization/{path}"));
        assert_eq!(job("jobs/API2AAD.7%2Eb/bulkUpload").as_deref(), Some("API2AAD.7.b"));
        assert_eq!((job("jobs//bulkUpload"), job("jobs/x"), job("things/x/bulkUpload")), (None, None, None));
    }

    #[test]
    fn a_delete_never_addresses_a_user() {
        let odd = ["u1", "u1/$ref", "../users/u1", "u1?x", "u1#", "a b", "ü", "%2F", "..", ".", "", " ", "$ref"];
        for one in odd {
            for other in odd {
                for tie in [
                    Tie::Member { group: one, user: other },
                    Tie::Manager { user: one },
                    Tie::TeamMember { team: one, membership: other },
                ] {
                    let Some(request) = remove(tie) else {
                        let empty = |part: &str| matches!(part, ".." | "." | "" | " ");
                        assert!(empty(one) || empty(other), "{tie:?}");
                        continue;
                    };
                    let url = url::Url::parse(&format!("{BASE}{}", request.path)).unwrap();
                    let parts: Vec<&str> = url.path_segments().unwrap().collect();
                    let fits = match parts.as_slice() {
                        ["v1.0", "groups", _, "members", _, "$ref"] => matches!(tie, Tie::Member { .. }),
                        ["v1.0", "users", _, "manager", "$ref"] => matches!(tie, Tie::Manager { .. }),
                        ["v1.0", "teams", _, "members", _] => matches!(tie, Tie::TeamMember { .. }),
                        _ => false,
                    };
                    assert!(fits && url.query().is_none() && url.fragment().is_none(), "{tie:?}: {url}");
                }
            }
        }
    }
}
