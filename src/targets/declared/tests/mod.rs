mod sandbox;

use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;
use crate::employee::EmployeeId;
use crate::field::{AccountId, FieldIndex, FieldKind, FieldSpec, FieldValue};
use crate::http::testing::{Answer, Script};
use crate::plan::FieldChange;
use crate::progress::NoProgress;
use crate::section::{Context, Problem, Problems, SecretMode};
use crate::targets::ErrorKind;

/// Reads a section the way the file is read, unknown keys included.
fn read(toml: &str) -> (Option<Declaration>, Vec<Problem>) {
    let problems = Problems::new(toml);
    let environment = |name: &str| (name == "TOKEN").then(|| "secret-token".to_owned());
    let secrets = crate::section::SecretReader::new(&environment, Path::new("."), SecretMode::Read);
    let document = toml::de::DeTable::parse(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    let context = Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() };
    let table = Table::new("targets.hr", 0..toml.len(), document.get_ref(), context);
    let found = Declaration::parse(&table);
    table.finish();
    (found, problems.into_sorted())
}

pub(super) fn declared(toml: &str) -> Declaration {
    let (found, problems) = read(toml);
    assert_eq!(problems, []);
    found.expect("a declaration")
}

pub(super) const WHOLE: &str = r#"
base_url = "http://127.0.0.1:1/api"
auth     = { bearer = { env = "TOKEN" } }
headers  = { X-Company = "acme" }
pace     = { per_minute = 120, per_second = 5 }
timeout  = "10s"

[fields]
number = { required = true, identity = true }
email  = "email"
start  = { kind = "date", at = "/job/start", format = "%d.%m.%Y" }
hours  = { kind = "number", at = "/job/hours" }
remote = "boolean"
skills = "list"
level  = { kind = "choice", choices = ["Junior", "Senior"] }

[list]
path   = "/people"
query  = { per_page = 100 }
items  = "/data"
id     = "/id"
active = { at = "/state", values = ["active", "invited"] }
total  = "/meta/total"
paging = { by = "page", parameter = "p", first = 1 }

[create]
path   = "/people"
body   = { person = "{fields}", reference = "personio-{employee}" }
id     = "/person/id"
exists = [409, 422]

[update]
method = "PUT"
path   = "/people/{account}"
body   = "{item}"

[deactivate]
method = "DELETE"
path   = "/people/{account}"

[reactivate]
method = "POST"
path   = "/people/{account}/state"
body   = { state = "active" }
"#;

#[test]
fn a_whole_declaration_is_read_and_described() {
    let declaration = declared(WHOLE);
    assert_eq!(
        declaration.describe(),
        [
            "signs in to http://127.0.0.1:1/api with a bearer token",
            "lists accounts with GET /people, page by page",
            "makes an account with POST /people",
            "changes one with PUT /people/{account}",
            "takes one out of use with DELETE /people/{account}",
            "brings one back with POST /people/{account}/state",
        ]
    );
    assert_eq!(declaration.field("start").unwrap().at.as_str(), "/job/start");
    assert_eq!(declaration.field("nothing"), None);
    assert!(!format!("{declaration:?}").contains("secret-token"));
}

#[test]
fn without_fields_any_name_is_a_text_of_that_name() {
    let declaration = declared(
        "base_url = 'https://hr.example.com'\nauth = { header = { name = 'X-Key', value = { env = 'TOKEN' } } }\nlist = { path = '/people' }",
    );
    let field = declaration.field("job/title").unwrap();
    assert_eq!((field.spec.kind, field.at.as_str()), (FieldKind::Text, "/job~1title"));
    assert_eq!(declaration.list.items.as_str(), "");
    assert_eq!(declaration.list.id.as_str(), "/id");
}

#[test]
fn mistakes_are_found_when_the_file_is_loaded() {
    let start = "base_url = 'https://hr.example.com'\nauth = { bearer = { env = 'TOKEN' } }\n";
    let list = "list = { path = '/people' }\n";
    for (rest, message) in [
        (
            "",
            "1:1: error: `targets.hr.list` is missing; for example `list = { path = \"/people\", items = \"/data\", id = \"/id\" }`",
        ),
        ("list = {}", "3:1: error: `targets.hr.list.path` is missing; for example `path = \"/people\"`"),
        (
            "list = { path = 'people' }",
            "3:17: error: `targets.hr.list.path` begins with `/`; a query goes into `query`",
        ),
        (
            "list = { path = '/p?a=1' }",
            "3:17: error: `targets.hr.list.path` begins with `/`; a query goes into `query`",
        ),
        (
            "list = { path = '/p', items = 'data' }",
            "3:31: error: `targets.hr.list.items` must be a JSON pointer; write `/data`, with a slash before each name",
        ),
        ("list = { path = '/p/{account}' }", "3:17: error: `{account}` cannot be filled in here; nothing can"),
        (
            "list = { path = '/p', method = 'PUT' }",
            "3:32: error: `targets.hr.list.method` does not know `PUT`; known: `GET`, `POST`",
        ),
        (
            "list = { path = '/p', itmes = '/data' }",
            "3:23: error: [targets.hr.list] does not know `itmes`; did you mean `items`? known: `active`, `body`, `id`, `items`, `method`, `paging`, `path`, `query`, `success`, `total`",
        ),
        (
            "list = { path = '/p', paging = { by = 'pages' } }",
            "3:39: error: `targets.hr.list.paging.by` does not know `pages`; did you mean `page`? known: `cursor`, `link`, `offset`, `page`",
        ),
        (
            "list = { path = '/p', paging = { by = 'cursor' } }",
            "3:23: error: `targets.hr.list.paging.at` is missing; for example `at = \"/meta/next_cursor\"`",
        ),
        (
            "list = { path = '/p', success = [] }",
            "3:33: error: `targets.hr.list.success` must be a list of HTTP statuses, such as [200, 201]",
        ),
        (
            "list = { path = '/p', success = [7] }",
            "3:33: error: `targets.hr.list.success` must be a list of HTTP statuses, such as [200, 201]",
        ),
        (
            "list = { path = '/p', active = { at = '/s', values = [] } }",
            "3:54: error: `targets.hr.list.active.values` must be a list of the values that mean that an account is in use, such as [\"active\"]",
        ),
        (
            "LIST create = { path = '/p', body = { kind = 'x' } }",
            "4:25: error: `targets.hr.create.body` sends no field; write \"{fields}\" where they belong",
        ),
        (
            "LIST create = { path = '/p', body = '{account}' }",
            "4:32: error: `{account}` cannot be filled in here; known: {employee}, {fields}, {field:NAME}",
        ),
        (
            "LIST read = { path = '/p' }",
            "4:1: error: `targets.hr.read` does not say whose account it is; put `{account}` into its path",
        ),
        (
            "LIST update = { path = '/p' }",
            "4:1: error: `targets.hr.update` does not say whose account it is; put `{account}` into its path",
        ),
        (
            "LIST deactivate = { path = '/p/{account}' }",
            "4:1: error: `targets.hr.deactivate.method` is missing; for example `method = \"POST\"`",
        ),
        (
            "LIST reactivate = { method = 'POST', path = '/p/{account}' }",
            "4:1: error: `targets.hr.reactivate` needs `list.active`: without it nothing says which accounts are out of use",
        ),
        ("LIST pace = { per_minute = 0 }", "4:23: error: `targets.hr.pace.per_minute` must be at least 1"),
        (
            "LIST pace = {}",
            "4:1: error: `targets.hr.pace.per_minute` is missing; for example `pace = { per_minute = 120 }`",
        ),
        (
            "LIST headers = { Authorization = 'x' }",
            "4:13: error: credentials belong in `auth`, which keeps them out of messages",
        ),
        ("LIST headers = { 'X Y' = 'x' }", "4:13: error: `targets.hr.headers.X Y` cannot be the name of a header"),
        (
            "LIST clear = 'nul'",
            "4:9: error: `targets.hr.clear` does not know `nul`; did you mean `null`? known: `empty`, `never`, `null`",
        ),
        (
            "LIST fields = { start = 'day' }",
            "4:20: error: `targets.hr.fields.start` does not know `day`; known: `boolean`, `choice`, `date`, `email`, `list`, `number`, `phone`, `text`",
        ),
        (
            "LIST fields = { start = { kind = 'text', format = '%d' } }",
            "4:46: error: `targets.hr.fields.start.format` is the form of a date, such as \"%d.%m.%Y\"",
        ),
        (
            "LIST fields = { start = { kind = 'date', format = '%d.%Q' } }",
            "4:46: error: `targets.hr.fields.start.format` is the form of a date, such as \"%d.%m.%Y\"",
        ),
        ("LIST fields = { a = { at = '' } }", "4:23: error: `targets.hr.fields.a.at` must name a member"),
        (
            "LIST fields = { a = 'text' }\ncreate = { path = '/p', body = { x = '{field:b}' } }",
            "5:38: error: there is no field `b`; known: `a`",
        ),
        (
            "LIST create = { path = '/p', body = '{account}', success = [201] }",
            "4:32: error: `{account}` cannot be filled in here; known: {employee}, {fields}, {field:NAME}",
        ),
    ] {
        // Each case shows one line of the file; the ones that need a list get it on a line of their own.
        let toml = match rest.strip_prefix("LIST ") {
            Some(rest) => format!("{start}{list}{rest}"),
            None => format!("{start}{rest}"),
        };
        let (_, problems) = read(&toml);
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [message], "{toml}");
    }
}

#[test]
fn the_forms_of_auth_are_checked() {
    for (auth, message) in [
        ("{}", "`targets.hr.auth` needs exactly one of `bearer`, `basic`, `header` and `oauth`"),
        (
            "{ bearer = { env = 'TOKEN' }, header = { name = 'a', value = { env = 'TOKEN' } } }",
            "`targets.hr.auth` needs exactly one of `bearer`, `basic`, `header` and `oauth`",
        ),
        (
            "{ basic = { user = 'sync' } }",
            "`targets.hr.auth.basic.password` is missing; for example `password = { env = \"PASSWORD\" }`",
        ),
        (
            "{ oauth = { token_url = 'http://login.example.com/t', client_id = 'a', client_secret = { env = 'TOKEN' } } }",
            "`targets.hr.auth.oauth.token_url` must begin with https://; plain http is accepted for loopback only, and `login.example.com` is not",
        ),
        (
            "{ bearer = { env = 'NONE' } }",
            "`targets.hr.auth.bearer` cannot be read: the environment variable `NONE` is not set",
        ),
    ] {
        let (_, problems) =
            read(&format!("base_url = 'https://hr.example.com'\nauth = {auth}\nlist = {{ path = '/people' }}"));
        assert!(problems.iter().any(|problem| problem.message == message), "{problems:#?}");
    }
}

fn fields_of(declaration: &Declaration) -> Vec<DeclaredField> {
    declaration.fields.clone().unwrap()
}

pub(super) fn changes(declaration: &Declaration, values: &[(&str, FieldValue)]) -> Vec<FieldChange> {
    let fields = fields_of(declaration);
    let change = |(name, after): &(&str, FieldValue)| FieldChange {
        index: FieldIndex(u16::try_from(fields.iter().position(|field| &*field.spec.name == *name).unwrap()).unwrap()),
        field: (*name).into(),
        before: FieldValue::Empty,
        after: after.clone(),
    };
    values.iter().map(change).collect()
}

fn body_of(request: &crate::http::Request) -> Json {
    match &request.body {
        crate::http::Body::Json { text, .. } => serde_json::from_str(text).unwrap(),
        crate::http::Body::Empty => Json::Null,
        crate::http::Body::Form(_) | crate::http::Body::Multipart(_) => panic!("no form"),
    }
}

#[test]
fn requests_are_built_as_declared() {
    let declaration = declared(WHOLE);
    let fields = fields_of(&declaration);
    let set = changes(
        &declaration,
        &[
            ("number", FieldValue::text("0042")),
            ("start", FieldValue::Date("2026-02-28".parse().unwrap())),
            ("hours", FieldValue::Decimal(38.5)),
            ("remote", FieldValue::Bool(true)),
            ("skills", FieldValue::list(["a", "b"])),
        ],
    );
    let create =
        requests::create(declaration.create.as_ref().unwrap(), EmployeeId(1001), &fields, &set, declaration.clear);
    assert_eq!((create.method.as_str(), create.path.as_str()), ("POST", "/people"));
    assert!(!create.may_repeat());
    assert_eq!(
        body_of(&create),
        json!({"person": {"number": "0042", "job": {"start": "28.02.2026", "hours": 38.5}, "remote": true, "skills": ["a", "b"]},
               "reference": "personio-1001"})
    );

    let item = json!({"id": 7, "state": "active", "note": "kept", "email": "old@example.com", "job": {"hours": 40}});
    let clear = changes(&declaration, &[("email", FieldValue::Empty), ("level", FieldValue::text("Senior"))]);
    let account = AccountId::from("a/7");
    let update = requests::update(
        declaration.update.as_ref().unwrap(),
        &account,
        &fields,
        &clear,
        declaration.clear,
        Some(&item),
    );
    assert_eq!((update.method.as_str(), update.path.as_str()), ("PUT", "/people/a%2F7"));
    assert_eq!(
        body_of(&update),
        json!({"id": 7, "state": "active", "note": "kept", "email": null, "job": {"hours": 40}, "level": "Senior"})
    );

    let deactivate = requests::switch(declaration.deactivate.as_ref().unwrap(), &account);
    assert_eq!((deactivate.method.as_str(), deactivate.path.as_str()), ("DELETE", "/people/a%2F7"));
    assert_eq!(body_of(&deactivate), Json::Null);
    let reactivate = requests::switch(declaration.reactivate.as_ref().unwrap(), &account);
    assert_eq!((reactivate.method.as_str(), reactivate.path.as_str()), ("POST", "/people/a%2F7/state"));
    assert_eq!(body_of(&reactivate), json!({"state": "active"}));

    let list = requests::list(&declaration.list, &Page::Query("p".into(), "2".into()), "").unwrap();
    assert_eq!(list.path, "/people");
    assert_eq!(list.query, [("per_page".to_owned(), "100".to_owned()), ("p".to_owned(), "2".to_owned())]);
    let next = |link: &str| {
        requests::list(&declaration.list, &Page::Address(link.into()), "https://hr.example.com/api/people?p=1").unwrap()
    };
    assert_eq!(next("/api/people?p=2").path, "https://hr.example.com/api/people?p=2");
    assert_eq!(next("?p=2").path, "https://hr.example.com/api/people?p=2");
    assert_eq!(next("https://hr.example.com/x").query, []);
}

#[test]
fn values_are_compared_by_what_they_mean() {
    let declaration = declared(WHOLE);
    let fields = fields_of(&declaration);
    let account = |item: Json| wire::account(&declaration.list, &fields, &item);
    let read = account(json!({
        "id": 7, "state": "invited", "number": 42, "email": " Ines@Example.COM ",
        "job": {"start": "28.02.2026", "hours": "38.5"}, "remote": "ja", "skills": ["b", "", "a"], "level": "senior"
    }))
    .unwrap();
    assert!(read.active);
    assert_eq!(read.id, AccountId::from("7"));
    assert_eq!(
        read.fields(),
        [
            FieldValue::text("42"),
            FieldValue::text("ines@example.com"),
            FieldValue::Date("2026-02-28".parse().unwrap()),
            FieldValue::Decimal(38.5),
            FieldValue::Bool(true),
            FieldValue::list(["b", "a"]),
            FieldValue::text("Senior"),
        ]
    );
    // What the field could not take differs from anything that should be there.
    let odd =
        account(json!({"id": "x", "state": "gone", "email": "none", "job": {"start": "2026-02-28"}, "number": ""}));
    let odd = odd.unwrap();
    assert!(!odd.active);
    assert_eq!(odd.fields()[..3], [FieldValue::Empty, FieldValue::text("none"), FieldValue::text("2026-02-28")]);

    for (item, message) in [
        (json!({"state": "active"}), "an item has no id at `/id`; check `list.id`"),
        (json!({"id": " ", "state": "active"}), "an item has no id at `/id`; check `list.id`"),
        (json!({"id": 1}), "an item does not say at `/state` whether it is in use; check `list.active`"),
        (json!({"id": 1, "state": null}), "an item does not say at `/state` whether it is in use; check `list.active`"),
        (json!({"id": 1, "state": "active", "email": {"a": 1}}), "`email` is an object at `/email`; check `fields`"),
        (json!({"id": 1, "state": "active", "email": ["a"]}), "`email` is a list at `/email`; check `fields`"),
    ] {
        assert_eq!(account(item).unwrap_err(), message);
    }
}

fn open(declaration: &str, script: &Script, fields: &[&str]) -> Box<dyn Target> {
    let mut declaration = declared(declaration);
    declaration.base_url = format!("{}/api", script.base_url());
    let fields: Vec<FieldSpec> = fields.iter().map(|name| declaration.field(name).unwrap().spec).collect();
    let connection = Connection {
        name: "hr".into(),
        mapped: fields.len(),
        match_fields: vec![FieldIndex(0)],
        fields,
        create_missing: Vec::new(),
        today: "2026-11-22".parse().unwrap(),
    };
    DeclaredType { declaration }.open(connection).unwrap()
}

fn minimal(list: &str) -> String {
    format!(
        "base_url = 'http://127.0.0.1:1'\nauth = {{ bearer = {{ env = 'TOKEN' }} }}\nlist = {{ path = '/people', {list} }}"
    )
}

/// People 1 to 5, two a page, as most services page.
fn paged(asked: &crate::http::testing::Received) -> Answer {
    let from: usize = match (asked.param("page"), asked.param("offset"), asked.param("cursor")) {
        (Some(page), _, _) => (page.parse::<usize>().unwrap() - 1) * 2,
        (_, Some(offset), _) => offset.parse().unwrap(),
        (_, _, Some(cursor)) => cursor.strip_prefix("after-").unwrap().parse().unwrap(),
        _ => 0,
    };
    let items: Vec<Json> = (from + 1..=5.min(from + 2)).map(|id| json!({"id": id, "name": format!("n{id}")})).collect();
    let more = from + 2 < 5;
    let body = json!({"data": items, "next": more.then(|| format!("after-{}", from + 2)),
                      "link": more.then(|| format!("/api/people?offset={}", from + 2)), "total": 5});
    let answer = Answer::json(200, body.to_string());
    match more {
        true => answer.header("link", &format!("</api/people?offset={}>; rel=\"next\"", from + 2)),
        false => answer,
    }
}

#[test]
fn every_way_of_paging_reads_everyone_once() {
    for (paging, requests) in [
        ("paging = { by = 'page' }", 4),
        ("paging = { by = 'page' }, total = '/total'", 3),
        ("paging = { by = 'offset' }", 4),
        ("paging = { by = 'cursor', at = '/next' }", 3),
        ("paging = { by = 'link' }", 3),
        ("paging = { by = 'link', at = '/link' }", 3),
    ] {
        let script = Script::serve(paged);
        let target = open(&minimal(&format!("items = '/data', {paging}")), &script, &["name"]);
        let snapshot = target.reader().accounts(&NoProgress).unwrap();
        let ids: Vec<&str> = snapshot.accounts.iter().map(|account| &*account.id.0).collect();
        assert_eq!((ids, snapshot.incomplete), (vec!["1", "2", "3", "4", "5"], None), "{paging}");
        assert_eq!(script.asked().len(), requests, "{paging}");
        assert!(script.asked().iter().all(|asked| asked.header("authorization") == Some("Bearer secret-token")));
        let found = target.reader().find(FieldIndex(0), &FieldValue::text("n4")).unwrap();
        assert_eq!(found.iter().map(|account| &*account.id.0).collect::<Vec<_>>(), ["4"]);
        assert_eq!(target.reader().account(&AccountId::from("9")).unwrap(), None);
    }
}

#[test]
fn a_list_that_may_not_be_whole_says_so() {
    let fixed = |body: Json| Script::serve(move |_| Answer::json(200, body.to_string()));
    let two = json!({"data": [{"id": 1}, {"id": 2}], "next": "again", "total": 3});
    for (list, why) in [
        ("paging = { by = 'page' }", "a page repeats an earlier one; check `list.paging`"),
        ("paging = { by = 'cursor', at = '/next' }", "a page repeats an earlier one; check `list.paging`"),
        ("total = '/total'", "the service says 3 accounts and listed 2"),
        ("total = '/count'", "no answer says at `/count` how many accounts there are"),
    ] {
        let script = fixed(two.clone());
        let target = open(&minimal(&format!("items = '/data', {list}")), &script, &["name"]);
        let snapshot = target.reader().accounts(&NoProgress).unwrap();
        assert_eq!((snapshot.accounts.len(), snapshot.incomplete.as_deref()), (2, Some(why)), "{list}");
        assert!(script.asked().len() <= 2, "{list}");
    }
    let script = fixed(json!({"data": [], "next": "again"}));
    let target = open(&minimal("items = '/data', paging = { by = 'cursor', at = '/next' }"), &script, &["name"]);
    let snapshot = target.reader().accounts(&NoProgress).unwrap();
    assert_eq!(snapshot.incomplete.as_deref(), Some("a page names itself as the one after it"));
}

#[test]
fn what_is_no_list_is_an_error_and_never_nobody() {
    for (answer, kind, message) in [
        (Answer::html(200), ErrorKind::Unexpected, "web page"),
        (Answer::json(200, "{\"data\": [{\"id\":"), ErrorKind::Unexpected, "cut off"),
        (Answer::json(200, "{}"), ErrorKind::Unexpected, "an answer has no list at `/data`; check `list.items`"),
        (Answer::json(200, "{\"data\": null}"), ErrorKind::Unexpected, "an answer has no list"),
        (Answer::empty(204), ErrorKind::Unexpected, "empty where JSON was expected"),
        (Answer::json(401, "{}"), ErrorKind::SignIn, "GET /people was answered with 401; check `auth`"),
        (Answer::json(403, "{}"), ErrorKind::Rights, "GET /people was answered with 403"),
        (Answer::json(404, "{}"), ErrorKind::Unexpected, "check method, `path` and `base_url`"),
        (Answer::empty(302).header("location", "/login"), ErrorKind::Unexpected, "a redirect"),
        (
            Answer::json(200, "{\"data\": [{\"id\": 1}], \"next\": \"https://elsewhere.example/p\"}"),
            ErrorKind::Unexpected,
            "another host",
        ),
    ] {
        let script = Script::serve(move |_| answer.clone());
        let target = open(&minimal("items = '/data', paging = { by = 'link', at = '/next' }"), &script, &["name"]);
        let error = target.reader().accounts(&NoProgress).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn what_a_service_may_answer_to_a_create() {
    for (answer, expected) in [
        (Answer::json(201, r#"{"person": {"id": 77}}"#), Ok("77")),
        (Answer::json(200, r#"{"person": {"id": "ab-7"}}"#), Ok("ab-7")),
        (Answer::json(201, "{}"), Err(ErrorKind::Unsettled)),
        (Answer::html(200), Err(ErrorKind::Unsettled)),
        (Answer::empty(204), Err(ErrorKind::Unsettled)),
        (Answer::json(409, "{}"), Err(ErrorKind::Exists)),
        (Answer::json(422, "{}"), Err(ErrorKind::Exists)),
        (Answer::json(400, r#"{"message": "ines@example.com is taken"}"#), Err(ErrorKind::Refused)),
        (Answer::json(403, "{}"), Err(ErrorKind::Rights)),
        (Answer::html(502), Err(ErrorKind::Unsettled)),
        (Answer::none(), Err(ErrorKind::Unsettled)),
        (Answer::json(201, r#"{"person": {"id": 77}}"#).cut(5), Err(ErrorKind::Unsettled)),
    ] {
        let shown = format!("{answer:?}");
        let script = Script::answers([answer]);
        let target = open(WHOLE, &script, &["number", "email"]);
        let set = changes(&declared(WHOLE), &[("email", FieldValue::text("ines@example.com"))]);
        let found = target.writer().create(EmployeeId(1001), &set);
        if let Err(error) = &found {
            assert!(!error.message.contains("ines@"), "{error}");
        }
        let found = found.as_ref().map(|id| &*id.0).map_err(|error| error.kind);
        assert_eq!(found, expected, "{shown}");
        assert_eq!(script.lines(), ["POST /api/people"], "{shown}: sent once");
        assert_eq!(script.asked()[0].header("x-company"), Some("acme"));
    }
}

#[test]
fn an_account_that_is_gone_counts_as_out_of_use_but_cannot_be_changed() {
    let script = Script::serve(|asked| match asked.method.as_str() {
        "GET" => Answer::json(200, r#"{"data": [], "meta": {"total": 0}}"#),
        _ => Answer::json(404, "{}"),
    });
    let target = open(WHOLE, &script, &["number", "email"]);
    let account = AccountId::from("7");
    assert_eq!(target.writer().deactivate(&account), Ok(()));
    assert_eq!(target.writer().reactivate(&account).unwrap_err().kind, ErrorKind::NotFound);
    let set = changes(&declared(WHOLE), &[("email", FieldValue::Empty)]);
    assert_eq!(target.writer().update(&account, &set).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(script.lines(), ["DELETE /api/people/7", "POST /api/people/7/state", "GET /api/people"]);
}

#[test]
fn what_is_not_declared_is_no_capability() {
    let script = Script::serve(paged);
    let target = open(&minimal("items = '/data'"), &script, &["name"]);
    let can = target.reader().schema().unwrap().capabilities;
    assert_eq!([can.create, can.clear, can.deactivate, can.reactivate, can.delete], [false; 5]);
    let error = target.writer().create(EmployeeId(1), &[]).unwrap_err();
    assert_eq!(error.message, "the file declares no `create` for this target");
    let can = open(WHOLE, &script, &["email"]).reader().schema().unwrap().capabilities;
    assert_eq!([can.create, can.clear, can.deactivate, can.reactivate, can.delete], [true, true, true, true, false]);
}

/// Services replace a list as a whole, as JSON merge patch has it (RFC 7396).
#[test]
fn what_shares_a_list_is_sent_together() {
    let start = "base_url = 'https://hr.example.com'\nlist = { path = '/people' }\n\
                 [fields]\nemail = 'email'\ntitle = { at = '/jobs/0/title' }\nteam = { at = '/jobs/0/team' }\n[update]\npath = '/people/{account}'\n";
    let item = json!({"id": 7, "email": "old@example.com", "jobs": [{"title": "Engineer", "team": "IT", "since": 2020}, {"title": "Guide"}]});
    let sent = |body: &str, set: &[(&str, FieldValue)]| {
        let declaration = declared(&format!("{start}body = {body}\n"));
        let fields = declaration.fields.clone().unwrap();
        let update = declaration.update.as_ref().unwrap();
        let set = changes(&declaration, set);
        let account = AccountId::from("7");
        body_of(&requests::update(update, &account, &fields, &set, declaration.clear, Some(&item)))
    };
    let lead = [("title", FieldValue::text("Lead"))];
    assert_eq!(
        sent("'{fields}'", &lead),
        json!({"jobs": [{"title": "Lead", "team": "IT", "since": 2020}, {"title": "Guide"}]})
    );
    assert_eq!(
        sent("'{fields}'", &[("email", FieldValue::text("new@example.com"))]),
        json!({"email": "new@example.com"})
    );
    assert_eq!(
        sent("{ mail = '{field:email}', jobs = [{ title = '{field:title}', team = '{field:team}' }] }", &lead),
        json!({"jobs": [{"title": "Lead", "team": "IT"}]})
    );
}

/// A list without person 3, who is there when asked for.
fn lacking(asked: &crate::http::testing::Received) -> Answer {
    match asked.path.rsplit('/').next() {
        Some("people") => Answer::json(200, r#"{"data": [{"id": 1, "name": "n1"}, {"id": 2, "name": "n2"}]}"#),
        Some(id @ ("1" | "2" | "3")) => {
            Answer::json(200, json!({"person": {"id": id, "name": format!("n{id}")}}).to_string())
        }
        Some("8") => Answer::json(200, r#"{"person": {"id": 1, "name": "n1"}}"#),
        Some("7") => Answer::json(500, "{}"),
        _ => Answer::json(404, "{}"),
    }
}

#[test]
fn one_account_is_read_by_its_id_whatever_the_list_holds() {
    let script = Script::serve(lacking);
    let read = "\nread = { path = '/people/{account}', item = '/person' }";
    let target = open(&format!("{}{read}", minimal("items = '/data'")), &script, &["name"]);
    let reader = target.reader();
    assert!(reader.reads_by_id());
    // Before anything was listed or read, nothing shows that nobody is really nobody.
    assert_eq!(reader.account(&AccountId::from("9")).unwrap_err().kind, ErrorKind::Unexpected);
    assert_eq!(reader.accounts(&NoProgress).unwrap().accounts.len(), 2);
    assert_eq!(reader.account(&AccountId::from("9")).unwrap(), None);
    let found = reader.account(&AccountId::from("3")).unwrap().unwrap();
    assert_eq!((&*found.id.0, found.field(FieldIndex(0))), ("3", &FieldValue::text("n3")));
    assert_eq!(reader.account(&AccountId::from("8")).unwrap_err().kind, ErrorKind::Unexpected, "somebody else");
    assert_eq!(
        script.lines()[1..],
        ["GET /api/people", "GET /api/people/9", "GET /api/people/1", "GET /api/people/3", "GET /api/people/8"]
    );
    let without = open(&minimal("items = '/data'"), &script, &["name"]);
    assert!(!without.reader().reads_by_id());
}

#[test]
fn behind_a_mistyped_path_nobody_counts_as_gone() {
    let script = Script::serve(lacking);
    let read = "\nread = { path = '/persons/x{account}' }";
    let target = open(&format!("{}{read}", minimal("items = '/data'")), &script, &["name"]);
    target.reader().accounts(&NoProgress).unwrap();
    let error = target.reader().account(&AccountId::from("3")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);
    assert!(error.message.contains("check `read.path`"), "{error}");
}

#[test]
fn absence_from_a_list_that_is_not_whole_proves_nothing() {
    let script = Script::serve(|_| Answer::json(200, r#"{"data": [{"id": 1, "name": "n1"}], "total": 3}"#));
    let target = open(&minimal("items = '/data', total = '/total'"), &script, &["name"]);
    let reader = target.reader();
    assert_eq!(reader.find(FieldIndex(0), &FieldValue::text("n1")).unwrap().len(), 1);
    assert_eq!(reader.find(FieldIndex(0), &FieldValue::text("n2")).unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(reader.account(&AccountId::from("2")).unwrap_err().kind, ErrorKind::Unavailable);
}
