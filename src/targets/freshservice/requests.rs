//! The requests that are sent to Freshservice, as values.

use serde_json::Value;

use crate::http::{Method, Request};

/// The largest page that the API gives.
pub(super) const PAGE: usize = 100;

/// The classes whose limits differ: lists of users have a bucket of their own, everything else shares one.
const LIST_REQUESTERS: &str = "list_requesters";
const LIST_AGENTS: &str = "list_agents";
const OVERALL: &str = "overall";

fn prepared(request: Request, class: &'static str) -> Request {
    request.header("accept", "application/json").class(class)
}

fn page_of(path: &str, class: &'static str, page: usize) -> Request {
    prepared(Request::get(path), class).query("page", page).query("per_page", PAGE)
}

/// Which users a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Users {
    Requesters,
    /// Requesters and agents in one list; needs the right to manage agents.
    WithAgents,
    Agents,
}

/// An exact look-up. Unlike `query=`, it sees writes at once, and finds deactivated people too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lookup<'a> {
    /// `email`, `work_phone_number` or `mobile_phone_number`.
    pub(super) parameter: &'static str,
    pub(super) value: &'a str,
}

/// One page of users, from 1; all, or those an exact look-up finds.
pub(super) fn list_users(users: Users, lookup: Option<Lookup<'_>>, page: usize) -> Request {
    let mut request = match users {
        Users::Requesters => page_of("/api/v2/requesters", LIST_REQUESTERS, page),
        Users::WithAgents => page_of("/api/v2/requesters", LIST_REQUESTERS, page).query("include_agents", true),
        Users::Agents => page_of("/api/v2/agents", LIST_AGENTS, page),
    };
    if let Some(Lookup { parameter, value }) = lookup {
        request = request.query(parameter, value);
    }
    request
}

/// One requester, or an agent's row in the table of requesters.
pub(super) fn get_requester(id: u64) -> Request {
    prepared(Request::get(format!("/api/v2/requesters/{id}")), OVERALL)
}

pub(super) fn get_agent(id: u64) -> Request {
    prepared(Request::get(format!("/api/v2/agents/{id}")), OVERALL)
}

/// One page of the fields of requesters.
pub(super) fn list_fields(page: usize) -> Request {
    page_of("/api/v2/requester_fields", OVERALL, page)
}

pub(super) fn list_departments(page: usize) -> Request {
    page_of("/api/v2/departments", OVERALL, page)
}

pub(super) fn list_locations(page: usize) -> Request {
    page_of("/api/v2/locations", OVERALL, page)
}

pub(super) fn create_department(name: &str) -> Request {
    prepared(Request::new(Method::Post, "/api/v2/departments"), OVERALL).json(&serde_json::json!({"name": name}))
}

pub(super) fn create_location(name: &str) -> Request {
    prepared(Request::new(Method::Post, "/api/v2/locations"), OVERALL).json(&serde_json::json!({"name": name}))
}

pub(super) fn create_requester(body: &Value) -> Request {
    prepared(Request::new(Method::Post, "/api/v2/requesters"), OVERALL).json(body)
}

/// Changes the attributes in the body; the others stay.
pub(super) fn update_requester(id: u64, body: &Value) -> Request {
    prepared(Request::new(Method::Put, format!("/api/v2/requesters/{id}")), OVERALL).json(body)
}

/// Changes the attributes of an agent in the body; only some are taken.
pub(super) fn update_agent(id: u64, body: &Value) -> Request {
    prepared(Request::new(Method::Put, format!("/api/v2/agents/{id}")), OVERALL).json(body)
}

/// Takes a requester out of use. Reversible; `/forget` is the one that is not, and it is never used.
pub(super) fn deactivate_requester(id: u64) -> Request {
    prepared(Request::new(Method::Delete, format!("/api/v2/requesters/{id}")), OVERALL)
}

/// Brings a requester back. Takes no body.
pub(super) fn reactivate_requester(id: u64) -> Request {
    prepared(Request::new(Method::Put, format!("/api/v2/requesters/{id}/reactivate")), OVERALL)
}

/// The form that on- or offboarding requests are made through.
pub(super) fn form(journey: &str) -> Request {
    prepared(Request::get(format!("/api/v2/{journey}_requests/form")), OVERALL)
}

/// One page of the on- or offboarding requests.
pub(super) fn list_requests(journey: &str, page: usize) -> Request {
    page_of(&format!("/api/v2/{journey}_requests"), OVERALL, page)
}

/// Makes an on- or offboarding request. There is no call that changes or removes one.
pub(super) fn create_request(journey: &str, body: &Value) -> Request {
    prepared(Request::new(Method::Post, format!("/api/v2/{journey}_requests")), OVERALL).json(body)
}

pub(super) fn create_ticket(body: &Value) -> Request {
    prepared(Request::new(Method::Post, "/api/v2/tickets"), OVERALL).json(body)
}

/// The workspace that lists are of when none is named.
pub(super) const PRIMARY_WORKSPACE: u64 = 2;

/// Which tickets a list is of. Without `updated_since` it would end thirty days back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TicketFilter {
    /// Who asked, by `requester_id` or `email`.
    pub(super) who: Option<(&'static str, String)>,
    /// The first day.
    pub(super) since: String,
    /// Whether orders from the catalogue are meant, or incidents.
    pub(super) orders: bool,
    /// Another workspace than the primary one.
    pub(super) workspace: Option<u64>,
}

pub(super) fn list_tickets(filter: &TicketFilter, page: usize) -> Request {
    let mut request = page_of("/api/v2/tickets", OVERALL, page).query("updated_since", &filter.since);
    if let Some((parameter, value)) = &filter.who {
        request = request.query(parameter, value);
    }
    if filter.orders {
        request = request.query("type", "Service Request");
    }
    if let Some(workspace) = filter.workspace {
        request = request.query("workspace_id", workspace);
    }
    request
}

/// One ticket with its tags, which it does not tell unasked.
pub(super) fn get_ticket(ticket: u64) -> Request {
    prepared(Request::get(format!("/api/v2/tickets/{ticket}")), OVERALL).query("include", "tags")
}

/// What was ordered with a ticket.
pub(super) fn requested_items(ticket: u64) -> Request {
    prepared(Request::get(format!("/api/v2/tickets/{ticket}/requested_items")), OVERALL)
}

/// One item of the service catalogue.
pub(super) fn get_item(item: u64) -> Request {
    prepared(Request::get(format!("/api/v2/service_catalog/items/{item}")), OVERALL)
}

/// Orders an item of the service catalogue.
pub(super) fn place_request(item: u64, body: &Value) -> Request {
    prepared(Request::new(Method::Post, format!("/api/v2/service_catalog/items/{item}/place_request")), OVERALL)
        .json(body)
}

/// One page of the groups of requesters.
pub(super) fn list_groups(page: usize) -> Request {
    page_of("/api/v2/requester_groups", OVERALL, page)
}

/// Adds somebody to a group (`POST`) or removes them from it (`DELETE`).
pub(super) fn member(method: Method, group: u64, requester: u64) -> Request {
    prepared(Request::new(method, format!("/api/v2/requester_groups/{group}/members/{requester}")), OVERALL)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::Body;

    /// `METHOD path?query body`, and the class.
    fn shown(request: &Request) -> (String, &'static str) {
        let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = match &request.body {
            Body::Empty => String::new(),
            Body::Json { content_type, text } => format!(" {content_type} {text}"),
            Body::Form(_) | Body::Multipart(_) => " form".into(),
        };
        (format!("{} {}?{}{body}", request.method.as_str(), request.path, query.join("&")), request.class)
    }

    #[test]
    fn every_request_by_method_path_query_and_body() {
        let mail = Lookup { parameter: "email", value: "mira+it@example.com" };
        let big = 21_000_049_726;
        let filter = TicketFilter {
            who: Some(("email", "mira+it@example.com".into())),
            since: "2027-02-01".into(),
            orders: false,
            workspace: None,
        };
        let orders = TicketFilter { who: None, orders: true, workspace: Some(3), ..filter.clone() };
        for (request, expected, class) in [
            (list_users(Users::Requesters, None, 1), "GET /api/v2/requesters?page=1&per_page=100", "list_requesters"),
            (
                list_users(Users::WithAgents, None, 7),
                "GET /api/v2/requesters?page=7&per_page=100&include_agents=true",
                "list_requesters",
            ),
            (list_users(Users::Agents, None, 1), "GET /api/v2/agents?page=1&per_page=100", "list_agents"),
            (
                list_users(Users::WithAgents, Some(mail), 1),
                "GET /api/v2/requesters?page=1&per_page=100&include_agents=true&email=mira+it@example.com",
                "list_requesters",
            ),
            (get_requester(big), "GET /api/v2/requesters/21000049726?", "overall"),
            (get_agent(big), "GET /api/v2/agents/21000049726?", "overall"),
            (list_fields(1), "GET /api/v2/requester_fields?page=1&per_page=100", "overall"),
            (list_departments(2), "GET /api/v2/departments?page=2&per_page=100", "overall"),
            (list_locations(1), "GET /api/v2/locations?page=1&per_page=100", "overall"),
            (
                create_department("R&D \"Süd\""),
                r#"POST /api/v2/departments? application/json {"name":"R&D \"Süd\""}"#,
                "overall",
            ),
            (create_location("Leipzig"), r#"POST /api/v2/locations? application/json {"name":"Leipzig"}"#, "overall"),
            (
                create_requester(&json!({"first_name": "Mira"})),
                r#"POST /api/v2/requesters? application/json {"first_name":"Mira"}"#,
                "overall",
            ),
            (
                update_requester(big, &json!({"last_name": null})),
                r#"PUT /api/v2/requesters/21000049726? application/json {"last_name":null}"#,
                "overall",
            ),
            (
                update_agent(5, &json!({"language": "de"})),
                r#"PUT /api/v2/agents/5? application/json {"language":"de"}"#,
                "overall",
            ),
            (deactivate_requester(5), "DELETE /api/v2/requesters/5?", "overall"),
            (reactivate_requester(5), "PUT /api/v2/requesters/5/reactivate?", "overall"),
            (form("onboarding"), "GET /api/v2/onboarding_requests/form?", "overall"),
            (list_requests("offboarding", 2), "GET /api/v2/offboarding_requests?page=2&per_page=100", "overall"),
            (
                create_request("onboarding", &json!({"fields": {"cf_a": "b"}})),
                r#"POST /api/v2/onboarding_requests? application/json {"fields":{"cf_a":"b"}}"#,
                "overall",
            ),
            (create_ticket(&json!({"status": 2})), r#"POST /api/v2/tickets? application/json {"status":2}"#, "overall"),
            (
                list_tickets(&filter, 1),
                "GET /api/v2/tickets?page=1&per_page=100&updated_since=2027-02-01&email=mira+it@example.com",
                "overall",
            ),
            (
                list_tickets(&orders, 2),
                "GET /api/v2/tickets?page=2&per_page=100&updated_since=2027-02-01&type=Service Request&workspace_id=3",
                "overall",
            ),
            (get_ticket(9), "GET /api/v2/tickets/9?include=tags", "overall"),
            (requested_items(9), "GET /api/v2/tickets/9/requested_items?", "overall"),
            (get_item(3), "GET /api/v2/service_catalog/items/3?", "overall"),
            (
                place_request(3, &json!({"quantity": 1})),
                r#"POST /api/v2/service_catalog/items/3/place_request? application/json {"quantity":1}"#,
                "overall",
            ),
            (list_groups(1), "GET /api/v2/requester_groups?page=1&per_page=100", "overall"),
            (member(Method::Post, 7, 5), "POST /api/v2/requester_groups/7/members/5?", "overall"),
            (member(Method::Delete, 7, 5), "DELETE /api/v2/requester_groups/7/members/5?", "overall"),
        ] {
            assert_eq!(shown(&request), (expected.to_owned(), class));
            assert_eq!(request.headers, [("accept", "application/json".to_owned())]);
        }
    }
}
