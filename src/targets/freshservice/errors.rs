//! What Freshservice's refusals mean.
//!
//! Its messages may repeat the value that was refused, so they are not shown; the field, the code and our own
//! words for the code are.

use serde_json::Value;

use crate::http::{HttpError, Response};

use super::super::{ErrorKind, TargetError};

/// What was being done; decides what an error means and which permission to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ListRequesters,
    ListAgents,
    /// Reading the fields of requesters.
    ListFields,
    ListDepartments,
    ListLocations,
    /// Reading one requester or agent.
    View,
    Create,
    Update,
    Reactivate,
    /// Taking a requester out of use.
    Deactivate,
    CreateDepartment,
    CreateLocation,
    /// Reading the form of on- or offboarding requests.
    ReadForm,
    /// Reading on- or offboarding requests.
    ListRequests,
    /// Making an on- or offboarding request.
    CreateRequest,
    ListTickets,
    CreateTicket,
    /// Reading an item of the service catalogue.
    ReadItem,
    /// Ordering from the service catalogue.
    PlaceOrder,
    ListGroups,
    /// Changing the members of a group of requesters.
    ChangeMembers,
}

impl Operation {
    fn words(self) -> &'static str {
        match self {
            Self::ListRequesters => "read requesters",
            Self::ListAgents => "read agents",
            Self::ListFields => "read requester fields",
            Self::ListDepartments => "read departments",
            Self::ListLocations => "read locations",
            Self::View => "read a requester",
            Self::Create => "create a requester",
            Self::Update => "update a requester",
            Self::Reactivate => "reactivate a requester",
            Self::Deactivate => "deactivate a requester",
            Self::CreateDepartment => "create a department",
            Self::CreateLocation => "create a location",
            Self::ReadForm => "read the form of requests",
            Self::ListRequests => "read on- and offboarding requests",
            Self::CreateRequest => "create the request",
            Self::ListTickets => "read tickets",
            Self::CreateTicket => "create a ticket",
            Self::ReadItem => "read the service item",
            Self::PlaceOrder => "place the service request",
            Self::ListGroups => "read requester groups",
            Self::ChangeMembers => "change the members of the group",
        }
    }

    /// As an administrator finds it in the role of the agent who owns the key.
    fn permission(self) -> &'static str {
        match self {
            Self::ListRequesters | Self::ListFields | Self::View => "view requesters",
            Self::ListAgents => "manage agents",
            Self::ListDepartments => "view departments",
            Self::ListLocations => "view locations",
            Self::Create | Self::Update => "create and edit requesters",
            Self::Reactivate | Self::Deactivate => "delete requesters",
            Self::CreateDepartment => "manage departments",
            Self::CreateLocation => "manage locations",
            Self::ReadForm => "view on- and offboarding requests",
            Self::ListRequests => "view on- and offboarding requests",
            Self::CreateRequest => "create on- and offboarding requests",
            Self::ListTickets => "view tickets",
            Self::CreateTicket => "create tickets",
            Self::ReadItem => "view the service catalogue",
            Self::PlaceOrder => "create service requests",
            Self::ListGroups => "view requester groups",
            Self::ChangeMembers => "manage requester groups",
        }
    }

    fn writes(self) -> bool {
        match self {
            Self::Create
            | Self::Update
            | Self::Reactivate
            | Self::Deactivate
            | Self::CreateDepartment
            | Self::CreateLocation
            | Self::CreateRequest
            | Self::CreateTicket
            | Self::PlaceOrder
            | Self::ChangeMembers => true,
            Self::ListRequesters
            | Self::ListAgents
            | Self::ListFields
            | Self::ListDepartments
            | Self::ListLocations
            | Self::ReadForm
            | Self::ListRequests
            | Self::ListTickets
            | Self::ReadItem
            | Self::ListGroups
            | Self::View => false,
        }
    }

    fn lists(self) -> bool {
        matches!(
            self,
            Self::ListRequesters | Self::ListAgents | Self::ListFields | Self::ListDepartments | Self::ListLocations
        )
    }

    /// Whether only workflows do it.
    fn is_of_workflows(self) -> bool {
        matches!(
            self,
            Self::ReadForm
                | Self::ListRequests
                | Self::CreateRequest
                | Self::ListTickets
                | Self::CreateTicket
                | Self::ReadItem
                | Self::PlaceOrder
                | Self::ListGroups
                | Self::ChangeMembers
        )
    }

    /// Whether sending it again might make something twice.
    fn makes(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::CreateDepartment
                | Self::CreateLocation
                | Self::CreateRequest
                | Self::CreateTicket
                | Self::PlaceOrder
        )
    }
}

/// One complaint of an error body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Complaint {
    field: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl Complaint {
    /// Field and code are names; anything else in their place is not shown.
    fn read(value: &Value) -> Self {
        let name = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| is_name(text)).map(str::to_owned);
        let message = value.get("message").and_then(Value::as_str).filter(|text| is_symbols(text)).map(str::to_owned);
        Self { field: name("field"), code: name("code"), message }
    }

    fn names_email(&self) -> bool {
        matches!(self.field.as_deref(), Some("email" | "primary_email"))
    }

    fn shown(&self) -> Option<String> {
        let what = match (&self.code, &self.message) {
            (Some(code), Some(message)) => format!("{code} {message}"),
            (Some(code), None) => code.clone(),
            (None, Some(message)) => message.clone(),
            (None, None) => String::new(),
        };
        let meaning = self.code.as_deref().and_then(meaning).map(|words| format!(" ({words})")).unwrap_or_default();
        match (&self.field, what.is_empty()) {
            (Some(field), true) => Some(format!("`{field}`")),
            (Some(field), false) => Some(format!("`{field}`: {what}{meaning}")),
            (None, false) => Some(format!("{what}{meaning}")),
            (None, true) => None,
        }
    }
}

/// Both shapes of error bodies: `{"description", "errors": [...]}` and `{"code", "message"}`; anything else, an
/// empty body included, holds no complaint.
fn complaints(response: &Response) -> Vec<Complaint> {
    let Some(body) = response.json_or_none() else { return Vec::new() };
    match body.get("errors").and_then(Value::as_array) {
        Some(errors) => errors.iter().map(Complaint::read).collect(),
        None => vec![Complaint::read(&body)],
    }
}

/// `department_ids`, `custom_fields.badge`: what an attribute may be called, and no person or address is.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '[' | ']');
    !text.is_empty()
        && text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(plain)
}

/// `[:invalid_field]`: a list of the vendor's own words, which cannot hold a value.
fn is_symbols(text: &str) -> bool {
    let symbol = |part: &str| part.trim().strip_prefix(':').is_some_and(is_name);
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|list| list.len() <= 200 && list.split(',').all(symbol))
}

/// What the vendor's codes mean, where it is not plain.
fn meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        "missing_field" => "the account requires it; map it",
        "invalid_value" => "the value is not one that Freshservice accepts",
        "duplicate_value" => "another requester or agent has this value",
        "datatype_mismatch" => "the value is of another type than the field",
        "invalid_field" => "this account does not take it",
        "readonly_field" | "inaccessible_field" => "it cannot be written with this key",
        "incompatible_field" => "it does not go with another field",
        _ => return None,
    })
}

/// Whether an answer says that the account is in use already.
pub(super) fn is_active_already(response: &Response) -> bool {
    response.status == 400
        && complaints(response).iter().any(|complaint| complaint.code.as_deref() == Some("contact_already_active"))
}

/// What an answer without success means.
pub(super) fn refused(response: &Response, operation: Operation) -> TargetError {
    let status = response.status;
    let complaints = complaints(response);
    let code = complaints.iter().find_map(|complaint| complaint.code.as_deref()).unwrap_or_default();
    let shown: Vec<String> = complaints.iter().filter_map(Complaint::shown).collect();
    let said = if shown.is_empty() { status.to_string() } else { format!("{status}, {}", shown.join("; ")) };
    let words = operation.words();
    let (kind, message) = match status {
        401 => (
            ErrorKind::SignIn,
            format!(
                "Freshservice refuses the API key ({said}): check `api_key`, and that API access is switched on for the agent who owns it (`api_key_enabled` is off until an administrator allows it)"
            ),
        ),
        403 => forbidden(&said, code, operation, response.is_page()),
        404 if operation.lists() => (
            ErrorKind::Unexpected,
            format!(
                "cannot {words} ({said}): nothing is at this address; check `domain`, which is the *.freshservice.com name and not a domain of your own"
            ),
        ),
        404 if response.is_page() => (
            ErrorKind::Unexpected,
            format!("cannot {words} ({status}): a web page came instead of JSON; check `domain`"),
        ),
        404 if matches!(operation, Operation::ReadForm | Operation::ListRequests | Operation::CreateRequest) => (
            ErrorKind::Rights,
            format!("cannot {words} ({said}): the account's plan may not include on- and offboarding"),
        ),
        404 if operation.is_of_workflows()
            || matches!(operation, Operation::CreateDepartment | Operation::CreateLocation) =>
        {
            (ErrorKind::Refused, format!("cannot {words} ({said})"))
        }
        404 if operation == Operation::Create => {
            (ErrorKind::Unexpected, format!("cannot {words} ({said}): nothing is at this address; check `domain`"))
        }
        404 => (ErrorKind::NotFound, format!("cannot {words} ({said}): Freshservice has no such requester")),
        429 => (
            ErrorKind::Busy,
            format!("cannot {words}: the account's request limit is used up, {} ({said})", response.too_busy()),
        ),
        500.. if operation.writes() => (
            ErrorKind::Unsettled,
            format!("cannot tell whether Freshservice did {words}: it answered with an error of its own ({said})"),
        ),
        500.. => (ErrorKind::Unavailable, format!("cannot {words}: Freshservice has an error of its own ({said})")),
        _ if response.is_page() => (
            ErrorKind::Unexpected,
            format!("cannot {words} ({status}): a web page came instead of JSON; check `domain`"),
        ),
        300..400 => (
            ErrorKind::Unexpected,
            format!(
                "cannot {words} ({status}): sent elsewhere; check `domain`, which is the *.freshservice.com name and not a domain of your own"
            ),
        ),
        409 if operation == Operation::Create => (ErrorKind::Exists, exists(&said)),
        400 if operation == Operation::Create && complaints.iter().any(taken) => (ErrorKind::Exists, exists(&said)),
        409 if matches!(operation, Operation::CreateDepartment | Operation::CreateLocation) => {
            (ErrorKind::Exists, format!("cannot {words} ({said}): the name exists already"))
        }
        409 if operation == Operation::Update => {
            (ErrorKind::Refused, format!("cannot {words} ({said}): it conflicts with another requester or agent"))
        }
        _ => (ErrorKind::Refused, format!("cannot {words} ({said})")),
    };
    TargetError::new(kind, message).with_status(status)
}

fn exists(said: &str) -> String {
    format!("Freshservice refuses the e-mail address ({said}): a requester or an agent seems to have it already")
}

/// How a duplicate e-mail is told; the code for an address that is not one is the same.
fn taken(complaint: &Complaint) -> bool {
    complaint.names_email() && matches!(complaint.code.as_deref(), Some("duplicate_value" | "invalid_value"))
}

fn forbidden(said: &str, code: &str, operation: Operation, page: bool) -> (ErrorKind, String) {
    let words = operation.words();
    match code {
        "require_feature" => {
            (ErrorKind::Rights, format!("cannot {words} ({said}): the account's plan does not include it"))
        }
        "account_suspended" => (ErrorKind::SignIn, format!("cannot {words} ({said}): the account is suspended")),
        "password_lockout"
        | "password_expired"
        | "access_token_expired"
        | "access_token_invalid"
        | "invalid_credentials"
        | "unsupported_authentication_type" => (
            ErrorKind::SignIn,
            format!(
                "cannot {words} ({said}): the sign-in of the agent who owns the API key is blocked; an administrator can unblock it"
            ),
        ),
        _ if page => (
            ErrorKind::Rights,
            format!(
                "cannot {words} ({said}): a web page refuses access; is this machine's address allowed in Freshservice?"
            ),
        ),
        _ => (
            ErrorKind::Rights,
            format!(
                "cannot {words} ({said}): ask an administrator for the permission to {} for the agent who owns the API key",
                operation.permission()
            ),
        ),
    }
}

/// What a request without an answer means.
pub(super) fn unanswered(error: &HttpError, operation: Operation) -> TargetError {
    let kind = ErrorKind::unanswered(error, operation.writes());
    TargetError::new(kind, format!("cannot {}: {error}", operation.words()))
}

/// What a success means whose body is not what it should be. What was to be made may exist.
pub(super) fn unexpected(why: &str, status: u16, operation: Operation) -> TargetError {
    let kind = if operation.makes() { ErrorKind::Unsettled } else { ErrorKind::Unexpected };
    TargetError::new(kind, format!("cannot {}: {why}", operation.words())).with_status(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn each_refusal_has_its_meaning() {
        use Operation::*;
        let denied = r#"{"code":"access_denied","message":"not permitted"}"#;
        let first = |field: &str, code: &str| {
            format!(
                r#"{{"description":"Validation failed","errors":[{{"field":"{field}","message":"mira@example.com","code":"{code}"}}]}}"#
            )
        };
        let duplicate = first("primary_email", "duplicate_value");
        let invalid = first("email", "invalid_value");
        let department = first("department_ids", "invalid_value");
        let missing = first("custom_fields.badge", "missing_field");
        let strange = first("mira@example.com", "Mira Osei");
        let table: &[(Operation, u16, &str, ErrorKind, &[&str])] = &[
            (
                View,
                401,
                r#"{"code":"invalid_credentials","message":"be logged in"}"#,
                ErrorKind::SignIn,
                &["invalid_credentials", "api_key_enabled"],
            ),
            (View, 401, "", ErrorKind::SignIn, &["401", "api_key"]),
            (ListRequesters, 403, denied, ErrorKind::Rights, &["access_denied", "permission to view requesters"]),
            (ListAgents, 403, denied, ErrorKind::Rights, &["manage agents"]),
            (CreateDepartment, 403, denied, ErrorKind::Rights, &["manage departments"]),
            (Deactivate, 403, denied, ErrorKind::Rights, &["delete requesters"]),
            (View, 403, r#"{"code":"require_feature"}"#, ErrorKind::Rights, &["plan"]),
            (View, 403, r#"{"code":"password_lockout"}"#, ErrorKind::SignIn, &["blocked"]),
            (View, 403, "<html>", ErrorKind::Rights, &["web page"]),
            (ListRequesters, 404, "<html>no such account</html>", ErrorKind::Unexpected, &["domain", "404"]),
            (Deactivate, 404, "<html>", ErrorKind::Unexpected, &["domain"]),
            (Update, 404, "", ErrorKind::NotFound, &["no such requester"]),
            (
                Create,
                409,
                r#"{"errors":[{"code":"duplicate_value","message":"mira@example.com"}]}"#,
                ErrorKind::Exists,
                &["409", "duplicate_value"],
            ),
            (Create, 409, "", ErrorKind::Exists, &["409"]),
            (Create, 400, &duplicate, ErrorKind::Exists, &["`primary_email`", "duplicate_value"]),
            (Create, 400, &invalid, ErrorKind::Exists, &["`email`", "invalid_value"]),
            (Create, 400, &department, ErrorKind::Refused, &["400", "`department_ids`: invalid_value"]),
            (Create, 400, &missing, ErrorKind::Refused, &["`custom_fields.badge`: missing_field", "map it"]),
            (Create, 400, &strange, ErrorKind::Refused, &["400"]),
            (Update, 400, &duplicate, ErrorKind::Refused, &["`primary_email`: duplicate_value"]),
            (Update, 409, "", ErrorKind::Refused, &["conflicts"]),
            (
                ListRequesters,
                400,
                r#"{"errors":[{"code":"invalid_value","message":"[:invalid_field]"}]}"#,
                ErrorKind::Refused,
                &["[:invalid_field]"],
            ),
            (CreateDepartment, 409, "", ErrorKind::Exists, &["name exists"]),
            (Update, 429, r#"{"message":"too many"}"#, ErrorKind::Busy, &["limit"]),
            (ListRequesters, 502, "<html>", ErrorKind::Unavailable, &["502"]),
            (Create, 500, "", ErrorKind::Unsettled, &["cannot tell"]),
            (Update, 504, "<html>", ErrorKind::Unsettled, &["504"]),
            (View, 400, "<html>", ErrorKind::Unexpected, &["web page"]),
            (ListRequesters, 302, "", ErrorKind::Unexpected, &["elsewhere"]),
            (Update, 415, "nonsense", ErrorKind::Refused, &["415"]),
        ];
        for (operation, status, body, kind, words) in table {
            let error = refused(&answer(*status, body), *operation);
            assert_eq!((error.kind, error.status), (*kind, Some(*status)), "{operation:?} {status}: {error}");
            for word in *words {
                assert!(error.message.contains(word), "{word:?} in {error}");
            }
            for personal in ["mira", "Mira", "not permitted"] {
                assert!(!error.message.contains(personal), "{personal:?} in {error}");
            }
        }
    }

    #[test]
    fn a_lost_answer_to_a_write_is_unsettled() {
        let lost = HttpError::Lost { host: "acme.freshservice.com".into(), why: "timed out".into() };
        let not_sent = HttpError::NotSent { host: "acme.freshservice.com".into(), why: "refused".into() };
        let foreign = HttpError::ForeignLink("example.org".into());
        let kind = |error: &HttpError, operation| unanswered(error, operation).kind;
        assert_eq!(kind(&lost, Operation::Create), ErrorKind::Unsettled);
        assert_eq!(kind(&lost, Operation::CreateLocation), ErrorKind::Unsettled);
        assert_eq!(kind(&lost, Operation::Update), ErrorKind::Unsettled);
        assert_eq!(kind(&lost, Operation::ListRequesters), ErrorKind::Unavailable);
        assert_eq!(kind(&not_sent, Operation::Create), ErrorKind::Unavailable);
        assert_eq!(kind(&foreign, Operation::View), ErrorKind::Unexpected);
        assert_eq!(kind(&HttpError::SignIn("no".into()), Operation::View), ErrorKind::SignIn);
    }

    #[test]
    fn a_strange_success_may_have_made_something() {
        assert_eq!(unexpected("cut off", 201, Operation::Create).kind, ErrorKind::Unsettled);
        assert_eq!(unexpected("cut off", 200, Operation::ListRequesters).kind, ErrorKind::Unexpected);
    }

    #[test]
    fn an_account_in_use_already_is_recognised() {
        assert!(is_active_already(&answer(400, r#"{"code":"contact_already_active","message":"x"}"#)));
        assert!(is_active_already(&answer(400, r#"{"errors":[{"code":"contact_already_active"}]}"#)));
        assert!(!is_active_already(&answer(400, r#"{"code":"invalid_value"}"#)));
        assert!(!is_active_already(&answer(400, "")));
    }
}
