//! The target against a simulated service that remembers, well-behaved and otherwise.

mod bulk;

use std::path::Path as FilePath;
use std::sync::Arc;

use parking_lot::Mutex;
use toml::de::DeTable;

use super::*;
use crate::field::FieldKind;
use crate::http::testing::{Answer, Received, Script};
use crate::progress::NoProgress;
use crate::section::{Context, Problem, Problems, Secret, SecretMode, SecretReader};
use crate::simulation::{SandboxRequest, System};
use crate::targets::scim::simulated::{Conflict, Put, Scim, ScimOptions};
use crate::targets::{ErrorKind, Parse};

/// Reads a section, with its problems.
pub(crate) fn section(text: &str, parse: Parse) -> (Option<Box<dyn TargetType>>, Vec<Problem>) {
    let document = DeTable::parse(text).unwrap();
    let problems = Problems::new(text);
    let none = |_: &str| None;
    let secrets = SecretReader::new(&none, FilePath::new("."), SecretMode::Invent);
    let table = Table::new(
        "targets.wiki",
        document.span(),
        document.get_ref(),
        Context { problems: &problems, secrets: &secrets, zones: crate::zone::Zones::compiled() },
    );
    let found = parse(&table);
    table.finish();
    (found, problems.into_sorted())
}

/// Puts a simulated system behind a port.
pub(crate) fn serve<S: System + 'static>(name: &'static str, system: Arc<Mutex<S>>) -> Script {
    Script::serve(move |asked: &Received| {
        let mut system = system.lock();
        let path = asked.path.strip_prefix(&format!("/{name}")).unwrap_or(&asked.path).to_owned();
        let method = match asked.method.as_str() {
            "GET" => crate::http::Method::Get,
            "POST" => crate::http::Method::Post,
            "PUT" => crate::http::Method::Put,
            "PATCH" => crate::http::Method::Patch,
            _ => crate::http::Method::Delete,
        };
        let request = SandboxRequest {
            query: asked.query.clone(),
            headers: asked.headers.clone(),
            body: asked.body.clone(),
            base_url: format!("http://127.0.0.1/{name}"),
            ..SandboxRequest::new(method, path)
        };
        let response = system.handle(&request);
        let mut answer = Answer::empty(response.status);
        if !response.body.is_empty() {
            answer = Answer::of(response.status, "application/scim+json", response.body);
        }
        response
            .headers
            .iter()
            .filter(|(name, _)| *name != "content-type")
            .fold(answer, |answer, (name, value)| answer.header(name, value))
    })
}

/// Where a script stands in for the sandbox.
pub(crate) fn addresses(script: &Script) -> SandboxAddresses {
    SandboxAddresses {
        base_url: script.base_url(),
        folder: "unused".into(),
        target: "wiki".into(),
        secret: Secret::new(crate::simulation::SECRET),
    }
}

/// The fields of a run.
pub(crate) fn connection(target: &dyn TargetType, names: &[&str]) -> Connection {
    let fields = names
        .iter()
        .map(|name| match target.field(name) {
            FieldLookup::Known(spec) | FieldLookup::Open(spec) => spec,
            FieldLookup::Unknown => panic!("{name}"),
        })
        .collect();
    Connection {
        name: "wiki".into(),
        mapped: names.len(),
        match_fields: Vec::new(),
        fields,
        create_missing: Vec::new(),
        today: "2026-11-22".parse().unwrap(),
    }
}

/// Changes from what an account holds to what it should hold.
pub(crate) fn changes(target: &dyn Target, before: Option<&Account>, after: &[FieldValue]) -> Vec<FieldChange> {
    let schema = target.schema().unwrap();
    schema
        .iter()
        .zip(after)
        .map(|((index, spec), after)| FieldChange {
            index,
            field: spec.name.clone(),
            before: before.map_or(FieldValue::Empty, |account| account.field(index).clone()),
            after: after.clone(),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
const COST_CENTER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter";
const NAMES: &[&str] = &[
    "externalId",
    "userName",
    "name.givenName",
    "title",
    r#"emails[type eq "work"].value"#,
    r#"phoneNumbers[type eq "work"].value"#,
    COST_CENTER,
    MANAGER,
    "roles",
];

/// A service with a target that is open for it.
struct Stage {
    service: Arc<Mutex<Scim>>,
    script: Script,
    target: Box<dyn Target>,
}

fn stage(options: ScimOptions, settings: &str, names: &[&str]) -> Stage {
    let mut service = Scim::default();
    service.options = options;
    let service = Arc::new(Mutex::new(service));
    let script = serve("scim", Arc::clone(&service));
    let text = format!("base_url = 'https://wiki.example.com'\nauth = {{ bearer = {{ env = 'X' }} }}\n{settings}");
    let (kind, problems) = section(&text, parse);
    assert_eq!(problems, [], "{settings}");
    let mut kind = kind.unwrap();
    kind.redirect(&addresses(&script));
    let target = kind.open(connection(&*kind, names)).unwrap();
    Stage { service, script, target }
}

fn text(value: &str) -> FieldValue {
    FieldValue::text(value)
}

fn ines(manager: Option<&AccountId>) -> Vec<FieldValue> {
    vec![
        text("1001"),
        text("ines@example.com"),
        text("Ines"),
        text("Analyst"),
        text("ines@example.com"),
        text("+4420794600"),
        text("R&D"),
        manager.map_or(FieldValue::Empty, |id| FieldValue::Account(id.clone())),
        FieldValue::list(["reader", "writer"]),
    ]
}

fn the_account(stage: &Stage, external: &str) -> Account {
    let snapshot = stage.target.accounts(&NoProgress).unwrap();
    let mut found = snapshot.accounts.into_iter().filter(|account| *account.field(FieldIndex(0)) == text(external));
    let account = found.next().unwrap();
    assert_eq!(found.next(), None);
    account
}

#[test]
fn whatever_the_service_is_like_what_was_written_is_what_is_read() {
    let standard = ScimOptions::default;
    let cases: Vec<(&str, ScimOptions, &str)> = vec![
        ("standard", standard(), ""),
        ("put", standard(), "update = 'put'"),
        ("put, because it says so", ScimOptions { no_patch: true, ..standard() }, ""),
        ("put, because PATCH is refused", ScimOptions { no_patch: true, no_discovery: true, ..standard() }, ""),
        ("partial put", ScimOptions { put: Put::Partial, ..standard() }, "preset = 'zoom'"),
        ("no put", ScimOptions { put: Put::NotFound, ..standard() }, "preset = 'google'"),
        ("no discovery", ScimOptions { no_discovery: true, ..standard() }, ""),
        ("not asked", standard(), "discovery = false"),
        ("no body", ScimOptions { patch_without_body: true, create_without_body: true, ..standard() }, ""),
        ("versions", ScimOptions { versions: true, ..standard() }, ""),
        ("versions without bodies", ScimOptions { versions: true, patch_without_body: true, ..standard() }, ""),
        ("versions and put", ScimOptions { versions: true, ..standard() }, "update = 'put'"),
        ("texts for booleans", ScimOptions { text_booleans: true, ..standard() }, "text_booleans = true"),
        ("unknown keys", ScimOptions { extra_keys: true, ..standard() }, ""),
        ("lower case only", ScimOptions { reject_capitals: true, reject_pathless: true, ..standard() }, ""),
        (
            "no filtered paths",
            ScimOptions { reject_filtered_paths: true, ..standard() },
            "preset = 'github-organization'",
        ),
        ("objects", standard(), "patch_style = 'object'"),
        ("objects, cleared by null", standard(), "patch_style = 'object'\nclear = 'null'"),
        ("dotted", standard(), "patch_style = 'dotted'"),
        ("extension objects", standard(), "patch_style = 'extension_object'"),
        ("entra", standard(), "preset = 'entra-gallery'"),
        ("manager by value", standard(), "manager = 'value'"),
        ("one operation", standard(), "preset = 'aws'"),
        ("cursors", ScimOptions { cursors: true, page_cap: 2, ..standard() }, ""),
        ("an expired cursor", ScimOptions { cursors: true, page_cap: 1, expire_cursor: true, ..standard() }, ""),
        ("short pages", ScimOptions { page_cap: 1, ..standard() }, ""),
        ("no paging", standard(), "paging = 'none'"),
        ("plain JSON", standard(), "plain_json = true"),
    ];
    for (case, options, settings) in cases {
        let stage = stage(options, settings, NAMES);
        let target = &*stage.target;
        let lead = vec![
            text("1000"),
            text("lead@example.com"),
            text("Bo"),
            FieldValue::Empty,
            text("lead@example.com"),
            FieldValue::Empty,
            FieldValue::Empty,
            FieldValue::Empty,
            FieldValue::Empty,
        ];
        let lead_id = target.create(EmployeeId(1000), &changes(target, None, &lead)).unwrap();
        let wanted = ines(None);
        let id = target.create(EmployeeId(1001), &changes(target, None, &wanted)).unwrap();
        let made = the_account(&stage, "1001");
        assert_eq!((&made.id, made.fields(), made.active), (&id, &*wanted, true), "{case}");

        // Fields filled, changed and emptied at once; then those that were empty are filled.
        let mut wanted = ines(Some(&lead_id));
        (wanted[1], wanted[3]) = (text("ines.b@example.com"), FieldValue::Empty);
        (wanted[4], wanted[5], wanted[8]) =
            (text("ines.b@example.com"), FieldValue::Empty, FieldValue::list(["owner"]));
        target.update(&id, &changes(target, Some(&made), &wanted)).unwrap();
        let account = the_account(&stage, "1001");
        assert_eq!((account.fields(), account.active), (&*wanted, true), "{case}");
        let full = ines(Some(&lead_id));
        target.update(&id, &changes(target, Some(&account), &full)).unwrap();
        assert_eq!(the_account(&stage, "1001").fields(), &*full, "{case}");

        target.deactivate(&id).unwrap();
        let account = target.account(&id).unwrap().unwrap();
        assert_eq!((account.active, account.fields()), (false, &*full), "{case}");
        target.deactivate(&id).unwrap();
        target.reactivate(&id).unwrap();
        target.reactivate(&id).unwrap();
        let account = the_account(&stage, "1001");
        assert_eq!((account.active, account.fields()), (true, &*full), "{case}");
        let snapshot = target.accounts(&NoProgress).unwrap();
        assert_eq!((snapshot.accounts.len(), snapshot.incomplete), (3, None), "{case}");
        assert!(!stage.script.lines().iter().any(|line| line.starts_with("DELETE")), "{case}");
    }
}

#[test]
fn what_is_not_managed_survives_a_replacement() {
    let stage = stage(ScimOptions::default(), "update = 'put'\npreserve = ['photos']", NAMES);
    let id = stage.target.create(EmployeeId(1001), &changes(&*stage.target, None, &ines(None))).unwrap();
    stage.service.lock().directory("wiki").change(&id.0, |user| {
        user.insert("nickName".into(), "Nes".into());
        user.insert("photos".into(), serde_json::json!([{"value": "https://example.com/i.png"}]));
        user.insert("groups".into(), serde_json::json!([{"value": "g1"}]));
        user["emails"].as_array_mut().unwrap().push(serde_json::json!({"type": "home", "value": "i@example.org"}));
        user["name"]["middleName"] = "B".into();
    });
    let account = the_account(&stage, "1001");
    let mut wanted = ines(None);
    (wanted[2], wanted[4]) = (text("Inês"), text("new@example.com"));
    stage.target.update(&id, &changes(&*stage.target, Some(&account), &wanted)).unwrap();
    let mut service = stage.service.lock();
    let user = service.directory("wiki").user(&id.0).unwrap();
    assert_eq!(user["nickName"], "Nes");
    assert_eq!(user["photos"][0]["value"], "https://example.com/i.png");
    assert_eq!(user["name"], serde_json::json!({"givenName": "Inês", "middleName": "B"}));
    assert_eq!(user["emails"][0], serde_json::json!({"type": "work", "value": "new@example.com"}));
    assert_eq!(user["emails"][1]["value"], "i@example.org");
    assert_eq!(user["active"], true);
}

#[test]
fn a_list_is_whole_only_when_that_is_proven() {
    let standard = ScimOptions::default;
    for (case, options, settings, incomplete) in [
        ("short pages", ScimOptions { page_cap: 3, ..standard() }, "", false),
        ("repeated rows", ScimOptions { page_cap: 3, repeat_rows: true, ..standard() }, "", false),
        ("rows left out", ScimOptions { page_cap: 3, skip_rows: Some(4), ..standard() }, "", true),
        ("pages left out", ScimOptions { page_cap: 3, skip_rows: Some(1), ..standard() }, "", true),
        ("no startIndex", ScimOptions { page_cap: 3, ignore_start: true, ..standard() }, "", true),
        ("cursors", ScimOptions { page_cap: 3, cursors: true, ..standard() }, "", false),
        ("a total of the page", ScimOptions { page_cap: 3, total_of_page: true, ..standard() }, "", false),
        (
            "a total of the page and no startIndex",
            ScimOptions { page_cap: 10, total_of_page: true, ignore_start: true, ..standard() },
            "",
            false,
        ),
        ("asked for cursors, pages by number", ScimOptions { page_cap: 3, ..standard() }, "paging = 'cursor'", false),
        ("no ids", ScimOptions { without_ids: true, ..standard() }, "", true),
        ("one page of several", ScimOptions { page_cap: 3, ..standard() }, "paging = 'none'", true),
    ] {
        let stage = stage(options, settings, &["externalId", "userName"]);
        for number in 0..9 {
            let user = serde_json::json!({"userName": format!("p{number}@example.com")});
            stage.service.lock().directory("wiki").seed(user);
        }
        let snapshot = stage.target.accounts(&NoProgress).unwrap();
        assert_eq!(snapshot.incomplete.is_some(), incomplete, "{case}: {:?}", snapshot.incomplete);
        let mut ids: Vec<&AccountId> = snapshot.accounts.iter().map(|account| &account.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), snapshot.accounts.len(), "{case}");
        if !incomplete {
            assert_eq!(ids.len(), 10, "{case}");
        }
        assert!(stage.script.lines().len() < 40, "{case}");
    }
}

#[test]
fn somebody_who_moves_between_pages_is_found_by_a_second_look() {
    let page = |start: u32, names: &[&str]| {
        let rows: Vec<_> = names.iter().map(|name| serde_json::json!({"id": name, "userName": name})).collect();
        Answer::json(200, serde_json::json!({"totalResults": "4", "startIndex": start, "Resources": rows}).to_string())
    };
    // `b` leaves and `e` joins while the list is read: `d` moves to a page that was read already.
    let script = Script::answers([
        page(1, &["a", "b"]),
        page(3, &["e"]),
        page(4, &[]),
        page(1, &["a", "c"]),
        page(3, &["d", "e"]),
        // A full page is no end until the one behind it is empty.
        page(5, &[]),
    ]);
    let (kind, _) = section(
        &format!("base_url = '{}'\nauth = {{ bearer = 'x' }}\ndiscovery = false\npage_size = 2", script.base_url()),
        parse,
    );
    let kind = kind.unwrap();
    let target = kind.open(connection(&*kind, &["userName"])).unwrap();
    let snapshot = target.accounts(&NoProgress).unwrap();
    let ids: Vec<&str> = snapshot.accounts.iter().map(|account| &*account.id.0).collect();
    assert_eq!((ids, snapshot.incomplete), (vec!["a", "e", "c", "d"], None));
}

#[test]
fn whoever_is_looked_up_is_the_one_asked_for() {
    let standard = ScimOptions::default;
    for (case, options, settings) in [
        ("filters", standard(), ""),
        ("filters ignored", ScimOptions { ignore_filters: true, ..standard() }, ""),
        ("filters find nobody", ScimOptions { silent_zero: true, ..standard() }, ""),
        ("no filters", standard(), "filter = false"),
    ] {
        let stage = stage(options, settings, NAMES);
        let target = &*stage.target;
        let id = target.create(EmployeeId(1001), &changes(target, None, &ines(None))).unwrap();
        for read_before in [false, true] {
            if read_before {
                target.accounts(&NoProgress).unwrap();
            }
            for (field, value, found) in [
                (0, "1001", true),
                (0, "1002", false),
                (1, "INES@example.com", true),
                (1, "nobody\" or \"1\" eq \"1", false),
                (4, "ines@example.com", true),
                (4, "nobody@example.com", false),
            ] {
                let accounts = target.find(FieldIndex(field), &text(value)).unwrap();
                let ids: Vec<&AccountId> = accounts.iter().map(|account| &account.id).collect();
                assert_eq!(ids, if found { vec![&id] } else { vec![] }, "{case} {field} {value}");
            }
        }
    }
    // Where filters work, nobody is believed after one proof, without reading everybody again.
    let stage = stage(standard(), "", NAMES);
    stage.target.create(EmployeeId(1001), &changes(&*stage.target, None, &ines(None))).unwrap();
    stage.target.accounts(&NoProgress).unwrap();
    let before = stage.script.lines().len();
    for _ in 0..3 {
        assert_eq!(stage.target.find(FieldIndex(1), &text("nobody@example.com")), Ok(vec![]));
    }
    assert_eq!(stage.script.lines().len() - before, 4);
}

#[test]
fn a_name_that_is_taken_is_said_to_exist_in_every_dialect() {
    let standard = ScimOptions::default;
    for options in [
        standard(),
        ScimOptions { conflict: Conflict::WithoutType, ..standard() },
        ScimOptions { conflict: Conflict::Text, ..standard() },
        ScimOptions { conflict: Conflict::BadRequest, ..standard() },
        ScimOptions { html_errors: true, ..standard() },
        ScimOptions { hide_inactive: true, ..standard() },
    ] {
        let stage = stage(options, "", NAMES);
        let target = &*stage.target;
        let changes = changes(target, None, &ines(None));
        let id = target.create(EmployeeId(1001), &changes).unwrap();
        if stage.service.lock().options.hide_inactive {
            target.deactivate(&id).unwrap();
            assert_eq!(target.account(&id), Ok(None));
        }
        let error = target.create(EmployeeId(1001), &changes).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Exists);
        assert!(!error.message.contains("ines"), "{}", error.message);
    }
    // A service that updates instead answers with the account that is there.
    let stage = stage(ScimOptions { conflict: Conflict::Upsert, ..standard() }, "", NAMES);
    let changes = changes(&*stage.target, None, &ines(None));
    let id = stage.target.create(EmployeeId(1001), &changes).unwrap();
    assert_eq!(stage.target.create(EmployeeId(1001), &changes), Ok(id));
}

#[test]
fn an_answer_that_cannot_be_trusted_is_no_success() {
    let standard = ScimOptions::default;
    let stage_ = stage(ScimOptions { without_ids: true, ..standard() }, "", NAMES);
    let error = stage_.target.create(EmployeeId(1001), &changes(&*stage_.target, None, &ines(None))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);
    let stage_ = stage(ScimOptions { create_echoes_other: true, ..standard() }, "", NAMES);
    let error = stage_.target.create(EmployeeId(1001), &changes(&*stage_.target, None, &ines(None))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);

    let user = r#"{"id":"a","userName":"a","active":true}"#;
    let list = r#"{"totalResults":1,"Resources":[{"id":"a","userName":"a","active":true}]}"#;
    for (case, answers, asked, kind) in [
        ("lost create", vec![Answer::none()], "create", ErrorKind::Unsettled),
        ("cut create", vec![Answer::json(201, user).cut(9)], "create", ErrorKind::Unsettled),
        ("half a document", vec![Answer::json(201, &user[..12])], "create", ErrorKind::Unsettled),
        ("web page", vec![Answer::html(200)], "create", ErrorKind::Unsettled),
        ("gateway", vec![Answer::html(502)], "create", ErrorKind::Unsettled),
        ("lost change", vec![Answer::none()], "update", ErrorKind::Unsettled),
        ("somebody else", vec![Answer::json(200, r#"{"id":"b"}"#)], "update", ErrorKind::Unexpected),
        ("still in use", vec![Answer::json(200, user)], "deactivate", ErrorKind::Refused),
        ("no right", vec![Answer::json(403, "{}")], "update", ErrorKind::Rights),
        ("no sign-in", vec![Answer::empty(401)], "update", ErrorKind::SignIn),
        ("moved", vec![Answer::empty(302).header("location", "https://example.org/")], "list", ErrorKind::Unexpected),
        ("web page for a list", vec![Answer::html(200)], "list", ErrorKind::Unexpected),
        ("an object for a list", vec![Answer::json(200, "{}")], "list", ErrorKind::Unexpected),
        ("half a list", vec![Answer::json(200, &list[..30])], "list", ErrorKind::Unexpected),
        ("another one read", vec![Answer::json(200, r#"{"id":"b"}"#)], "read", ErrorKind::Unexpected),
        ("gone", vec![Answer::empty(404), Answer::empty(404)], "update", ErrorKind::NotFound),
        ("404, and it is there", vec![Answer::html(404), Answer::json(200, user)], "update", ErrorKind::Refused),
    ] {
        let script = Script::answers(answers);
        let text_ = format!("base_url = '{}'\nauth = {{ bearer = 'x' }}\ndiscovery = false", script.base_url());
        let kind_ = section(&text_, parse).0.unwrap();
        let target = kind_.open(connection(&*kind_, &["userName", "title"])).unwrap();
        let wanted = changes(&*target, None, &[text("a"), text("Lead")]);
        let id = AccountId("a".into());
        let error = match asked {
            "create" => target.create(EmployeeId(1), &wanted).map(|_| ()),
            "update" => target.update(&id, &wanted),
            "deactivate" => target.deactivate(&id),
            "read" => target.account(&id).map(|_| ()),
            _ => target.accounts(&NoProgress).map(|_| ()),
        };
        assert_eq!(error.unwrap_err().kind, kind, "{case}");
    }
}

#[test]
fn a_record_that_cannot_be_read_is_left_alone_and_stops_nobody_else() {
    let list = r#"{"totalResults":3,"Resources":[
        {"id":"a","active":"?","title":"x"}, {"id":"b","title":{"odd":1}}, {"id":"c","title":"x"}]}"#;
    let script = Script::answers([Answer::json(200, list)]);
    let text_ = format!("base_url = '{}'\nauth = {{ bearer = 'x' }}\ndiscovery = false", script.base_url());
    let kind = section(&text_, parse).0.unwrap();
    let target = kind.open(connection(&*kind, &["title"])).unwrap();
    let snapshot = target.accounts(&NoProgress).unwrap();
    let unreadable = Some(crate::plan::Protection::Unreadable);
    let found: Vec<_> = snapshot.accounts.iter().map(|account| account.protection).collect();
    assert_eq!(found, [unreadable, unreadable, None]);
    let messages: Vec<&str> = snapshot.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(messages[0], "account a: `active` cannot be read, so that it is left alone");
}

#[test]
fn a_change_by_somebody_else_is_not_overwritten() {
    for settings in ["", "update = 'patch'", "update = 'put'", "filtered_paths = false"] {
        let stage = stage(ScimOptions { versions: true, ..ScimOptions::default() }, settings, NAMES);
        let target = &*stage.target;
        let id = target.create(EmployeeId(1001), &changes(target, None, &ines(None))).unwrap();
        let account = the_account(&stage, "1001");
        stage.service.lock().directory("wiki").change(&id.0, |user| _ = user.insert("title".into(), "CEO".into()));
        let mut wanted = ines(None);
        (wanted[3], wanted[4]) = (text("Lead"), text("new@example.com"));
        let change = changes(target, Some(&account), &wanted);
        let error = target.update(&id, &change).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Changed, "{settings}");
        assert!(error.message.contains("run again"));
        // After reading anew it goes through, and so does a second change right after it.
        let account = the_account(&stage, "1001");
        target.update(&id, &changes(target, Some(&account), &wanted)).unwrap();
        target.deactivate(&id).unwrap();
        assert_eq!(the_account(&stage, "1001").field(FieldIndex(3)), &text("Lead"));
    }
}

#[test]
fn fields_that_the_service_does_not_have_are_named() {
    let stage = stage(ScimOptions::default(), "", &["userName", "shoeSize", "department"]);
    let snapshot = stage.target.accounts(&NoProgress).unwrap();
    assert!(!snapshot.accounts.is_empty(), "one of them is no reason to leave everybody alone");
    let why: Vec<_> =
        snapshot.unusable.iter().map(|(index, why)| (index.get(), why.split(';').next().unwrap())).collect();
    assert_eq!(why, [(1, "the service has no attribute `shoeSize`"), (2, "the service has no attribute `department`")]);
}

#[test]
fn capabilities_follow_from_the_settings() {
    for (settings, clear, reactivate) in
        [("", true, true), ("clear = 'never'", false, true), ("preset = 'atlassian'", true, false)]
    {
        let stage = stage(ScimOptions::default(), settings, &["userName"]);
        let capabilities = stage.target.schema().unwrap().capabilities;
        assert_eq!((capabilities.clear, capabilities.reactivate), (clear, reactivate));
        assert!(!capabilities.delete);
    }
}

#[test]
fn a_section_says_what_is_wrong_with_it() {
    let good = "base_url = 'https://wiki.example.com/scim/v2/'\nauth = { bearer = { env = 'X' } }\n";
    let (kind, problems) = section(good, parse);
    assert_eq!(problems, []);
    assert_eq!(kind.unwrap().identity(), "scim:wiki.example.com/scim/v2");
    for auth in [
        "{ basic = { user = 'u', password = { env = 'X' } } }",
        "'none'",
        "{ header = { name = 'X-Key', value = { env = 'X' } } }",
        "{ oauth = { token_url = 'https://a.example/t', client_id = { env = 'X' }, client_secret = { env = 'X' }, scope = 's' } }",
    ] {
        let (kind, problems) = section(&format!("base_url = 'https://wiki.example.com'\nauth = {auth}"), parse);
        assert!(kind.is_some() && problems.is_empty(), "{auth}: {problems:?}");
    }
    for (text, message) in [
        (
            "auth = { bearer = { env = 'X' } }",
            "`targets.wiki.base_url` is missing; for example `base_url = \"https://wiki.example.com/scim/v2\"`",
        ),
        (
            "base_url = 'https://a.example'",
            "`targets.wiki.auth` is missing; for example `auth = { bearer = { env = \"SCIM_TOKEN\" } }`",
        ),
        (
            "base_url = 'https://a.example'\nauth = {}",
            "`targets.wiki.auth` needs exactly one of `bearer`, `basic`, `header` and `oauth`; for example `auth = { bearer = { env = \"SCIM_TOKEN\" } }`",
        ),
        (
            "base_url = 'http://a.example'\nauth = { bearer = { env = 'X' } }",
            "`targets.wiki.base_url` must begin with https://; plain http is accepted for loopback only, and `a.example` is not",
        ),
        (
            &format!("{good}preserve = ['emails[']"),
            "`targets.wiki.preserve` has `emails[`, which is no attribute path: the name of an attribute is expected at position 8",
        ),
        (&format!("{good}page_size = 0"), "`targets.wiki.page_size` must be at least 1"),
        (&format!("{good}headers = {{ 'a b' = 'x' }}"), "`targets.wiki.headers.a b` cannot be the name of a header"),
    ] {
        let (_, problems) = section(text, parse);
        assert_eq!(problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>(), [message]);
    }
    let (_, problems) = section(&format!("{good}preset = 'slak'"), parse);
    assert!(problems[0].message.contains("did you mean `slack`?"), "{problems:?}");
}

#[test]
fn what_is_preserved_cannot_be_mapped_and_presets_require_fields() {
    let (kind, _) = section(
        "base_url = 'https://a.example'\nauth = { bearer = { env = 'X' } }\npreset = 'aws'\npreserve = ['photos']",
        parse,
    );
    let kind = kind.unwrap();
    let spec = |name: &str| match kind.field(name) {
        FieldLookup::Known(spec) => spec,
        _ => panic!("{name}"),
    };
    assert_eq!(spec(r#"photos[type eq "photo"].value"#).access, Access::ReadOnly);
    assert!(spec("displayName").required && spec("userName").required && !spec("title").required);
    assert_eq!(spec(MANAGER).kind, FieldKind::Account);
    let required: Vec<_> = kind.known_fields().into_iter().filter(|spec| spec.required).map(|spec| spec.name).collect();
    assert_eq!(required.len(), 4, "{required:?}");
}

#[test]
fn fields_that_stand_for_the_same_values_are_refused() {
    let (kind, _) = section("base_url = 'https://a.example'\nauth = { bearer = { env = 'X' } }", parse);
    let kind = kind.unwrap();
    let error = kind.open(connection(&*kind, &["emails", r#"emails[type eq "work"].value"#])).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("stand for the same values"), "{error}");
}
