//! The target against the simulated Graph, over real sockets.

use super::super::{Target, sandboxed};
use super::*;
use crate::plan::Protection;
use crate::sandbox::Sandbox;
use crate::targets::FieldLookup;
use crate::targets::entra::simulated::Entra as Simulated;

const SECTION: &str = "tenant = 'acme.onmicrosoft.com'\nclient_id = 'id'\nclient_secret = 's3cret'\ncreate = 'direct'\n\
                       [groups.it]\nmembers = \"true\"\nowned = true\n[teams.\"R&D 'core'\"]\nmembers = \"true\"";
const BULK: &str = "tenant = 'acme'\nclient_id = 'id'\nclient_secret = 's3cret'\ncreate = 'bulk_upload'\n\
                    provisioning_url = 'https://graph.microsoft.com/v1.0/servicePrincipals/a/synchronization/jobs/b/bulkUpload'";
const FIELDS: &[&str] = &[
    "userPrincipalName",
    "jobTitle",
    "employeeOrgData.division",
    "employeeOrgData.costCenter",
    "manager",
    "employeeHireDate",
    "groups.it",
    "teams.R&D 'core'",
];
const IT: u16 = 6;
const TEAM: u16 = 7;

fn sandbox() -> Sandbox {
    sandboxed::sandbox("entra", FIELDS)
}

fn open(sandbox: &Sandbox) -> Box<dyn Target> {
    sandboxed::open(sandbox, parse, SECTION, FIELDS)
}

fn change(index: u16, after: FieldValue) -> FieldChange {
    sandboxed::change(FIELDS, index, after)
}

fn text(text: &str) -> FieldValue {
    FieldValue::text(text)
}

fn add(sandbox: &Sandbox, name: &str) -> AccountId {
    sandbox.system(|entra: &mut Simulated| AccountId::from(entra.tenant("chat").add(name)["id"].as_str().unwrap()))
}

fn posted(sandbox: &Sandbox) -> Vec<String> {
    let writes = sandbox.requests().into_iter().filter(|request| request.method != "GET");
    writes
        .filter_map(|request| Some(format!("{} {}", request.method, request.path.strip_prefix("/chat/v1.0/")?)))
        .collect()
}

#[test]
fn everybody_is_read_page_by_page() {
    let sandbox = sandbox();
    for number in 0..150 {
        add(&sandbox, &format!("nobody.{number}@example.org"));
    }
    let directory = open(&sandbox);
    let whole = directory.accounts(&NoProgress).unwrap();
    assert_eq!(whole.incomplete, None);
    assert_eq!(whole.accounts.len(), sandbox.system(|entra: &mut Simulated| entra.tenant("chat").users().len()));
    let protected = |account: &&Account| account.protection == Some(Protection::Foreign);
    assert_eq!(whole.accounts.iter().filter(protected).count(), 2, "a guest, and one from on-premises");
    for faults in ["entra:insert-while-paging#1", "entra:expire-token#3", "entra:429=0#2"] {
        sandbox.set_faults(faults.parse().unwrap());
        assert_eq!(directory.accounts(&NoProgress).unwrap().incomplete, None, "{faults}");
    }
    sandbox.set_faults("entra:insert-while-paging@100%".parse().unwrap());
    assert!(directory.accounts(&NoProgress).unwrap().incomplete.is_some_and(|why| why.contains("shifted")));
    sandbox.set_faults("entra:get:truncated@100%".parse().unwrap());
    assert_eq!(directory.accounts(&NoProgress).unwrap_err().kind, ErrorKind::Unexpected);
}

#[test]
fn what_is_written_is_read_again() {
    let sandbox = sandbox();
    let (mira, lead) = (add(&sandbox, "mira@example.org"), add(&sandbox, "lead@example.org"));
    let directory = open(&sandbox);
    let manager = FieldValue::Account(lead);
    let date = FieldValue::Date(sandboxed::day());
    let yes = FieldValue::Bool(true);
    directory.update(&mira, &[change(2, text("North")), change(3, text("CC-1"))]).unwrap();
    let changes = [
        change(1, text("Pilot")),
        change(3, text("CC-2")),
        change(4, manager.clone()),
        change(5, date.clone()),
        change(IT, yes.clone()),
        change(TEAM, yes.clone()),
    ];
    sandbox.clear_requests();
    directory.update(&mira, &changes).unwrap();
    assert_eq!(posted(&sandbox).len(), 4, "properties at once, manager, group and team each");
    let account = directory.account(&mira).unwrap().unwrap();
    assert_eq!(
        account.fields(),
        [text("mira@example.org"), text("Pilot"), text("North"), text("CC-2"), manager, date, yes.clone(), yes],
        "the other half of the organisation's data stays"
    );
    directory.update(&mira, &changes).unwrap();
    let no = FieldValue::Bool(false);
    let away = [change(4, FieldValue::Empty), change(IT, no.clone()), change(TEAM, no.clone())];
    directory.update(&mira, &away).unwrap();
    directory.update(&mira, &away).unwrap();
    let account = directory.find(FieldIndex(0), &text("mira@example.org")).unwrap().remove(0);
    assert_eq!(account.fields()[6..], [no.clone(), no]);
    assert_eq!(account.field(FieldIndex(4)), &FieldValue::Empty);
    assert_eq!(sandbox.system(|entra: &mut Simulated| entra.tenant("chat").deleted), 0);
}

#[test]
fn memberships_go_in_batches_and_each_has_its_outcome() {
    let sandbox = sandbox();
    let people: Vec<AccountId> = (0..45).map(|number| add(&sandbox, &format!("p{number}@example.org"))).collect();
    sandbox.system(|entra: &mut Simulated| {
        entra.tenant("chat").group_mut("it").unwrap().insert(people[0].0.to_string());
        entra.options.throttled_parts = 2;
    });
    let directory = open(&sandbox);
    directory.schema().unwrap();
    sandbox.clear_requests();
    // All at once, as when many wait.
    std::thread::scope(|scope| {
        for person in &people {
            let directory = &directory;
            scope.spawn(move || directory.update(person, &[change(IT, FieldValue::Bool(true))]).unwrap());
        }
    });
    let error = directory.update(&"no-such-user".into(), &[change(IT, FieldValue::Bool(true))]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let members = sandbox.system(|entra: &mut Simulated| entra.tenant("chat").group_mut("it").unwrap().clone());
    assert!(people.iter().all(|person| members.contains(&*person.0)) && members.len() == 45);
}

#[test]
fn owners_of_a_team_stay() {
    let sandbox = sandbox();
    let mira = add(&sandbox, "mira@example.org");
    let directory = open(&sandbox);
    directory.update(&mira, &[change(TEAM, FieldValue::Bool(true))]).unwrap();
    sandbox.system(|entra: &mut Simulated| {
        entra.tenant("chat").owners_mut("R&D 'core'").unwrap().insert(mira.0.to_string())
    });
    let error = directory.update(&mira, &[change(TEAM, FieldValue::Bool(false))]).unwrap_err();
    assert!(error.kind == ErrorKind::Refused && error.message.contains("owners"), "{error}");
}

#[test]
fn users_are_made_enabled_and_disabled_and_never_deleted() {
    let sandbox = sandbox();
    let directory = open(&sandbox);
    let schema = directory.schema().unwrap();
    assert!(schema.capabilities.create && schema.fields[0].required);
    let fields = [change(0, text("ada@example.org"))];
    assert_eq!(directory.create(EmployeeId(7), &fields).unwrap_err().kind, ErrorKind::Refused, "a name is needed");
    let named = sandboxed::open(&sandbox, parse, SECTION, &["userPrincipalName", "displayName", "groups.it"]);
    let names = ["userPrincipalName", "displayName", "groups.it"];
    let fields: Vec<FieldChange> = [text("ada@example.org"), text("Ada Wood"), FieldValue::Bool(true)]
        .into_iter()
        .zip(0u16..)
        .map(|(value, index)| sandboxed::change(&names, index, value))
        .collect();
    let ada = named.create(EmployeeId(7), &fields).unwrap();
    assert_eq!(named.create(EmployeeId(7), &fields).unwrap_err().kind, ErrorKind::Exists);
    assert_eq!(named.account(&ada).unwrap().unwrap().field(FieldIndex(2)), &FieldValue::Bool(true));
    directory.deactivate(&ada).unwrap();
    assert!(!directory.account(&ada).unwrap().unwrap().active);
    directory.reactivate(&ada).unwrap();
    assert!(directory.account(&ada).unwrap().unwrap().active);
    directory.deactivate(&"gone".into()).unwrap();
    assert_eq!(directory.account(&"gone".into()).unwrap(), None);
    assert_eq!(sandbox.system(|entra: &mut Simulated| entra.tenant("chat").deleted), 0);
}

#[test]
fn everybody_by_the_list_of_changes() {
    let sandbox = sandbox();
    for number in 0..150 {
        add(&sandbox, &format!("nobody.{number}@example.org"));
    }
    let (mira, lead) = (add(&sandbox, "mira@example.org"), add(&sandbox, "lead@example.org"));
    let listing = open(&sandbox);
    listing.update(&mira, &[change(4, FieldValue::Account(lead)), change(2, text("North"))]).unwrap();
    let section = SECTION.replacen("create", "read = 'delta'\ncreate", 1);
    let directory = sandboxed::open(&sandbox, parse, &section, FIELDS);
    let read = |from: &dyn Target| {
        let snapshot = from.accounts(&NoProgress).unwrap();
        assert_eq!(snapshot.incomplete, None);
        let mut accounts = snapshot.accounts;
        accounts.sort_by(|one, other| one.id.cmp(&other.id));
        accounts
    };
    sandbox.clear_requests();
    assert_eq!(read(&*directory), read(&*listing), "managers, too");
    let asked = |sandbox: &Sandbox| {
        sandbox.requests().iter().filter(|request| request.path == "/chat/v1.0/users/delta").count()
    };
    assert_eq!(asked(&sandbox), 4, "three pages, and what changed meanwhile");

    for faults in ["entra:insert-while-paging#1", "entra:remove-while-paging#1", "entra:429=0#2"] {
        sandbox.set_faults(faults.parse().unwrap());
        let found = read(&*directory);
        sandbox.set_faults("".parse().unwrap());
        assert_eq!(found, read(&*listing), "{faults}: as it is at the end");
    }
    sandbox.system(|entra: &mut Simulated| entra.options.expired_changes = 2);
    assert_eq!(read(&*directory), read(&*listing), "begun anew");
    sandbox.system(|entra: &mut Simulated| entra.options.expired_changes = 99);
    let error = directory.accounts(&NoProgress).unwrap_err();
    assert!(error.kind == ErrorKind::Unavailable && error.message.contains("expired"), "{error}");
}

#[test]
fn the_provisioning_service_makes_accounts_in_its_own_time() {
    let sandbox = sandbox();
    sandbox.system(|entra: &mut Simulated| entra.options.provisioning_looks = 1);
    let names = ["userPrincipalName", "employeeId"];
    let directory = sandboxed::open(&sandbox, parse, BULK, &names);
    assert_eq!(directory.schema().unwrap().asynchronous, Some(FieldIndex(1)));
    let fields = [sandboxed::change(&names, 0, text("ada@example.org")), sandboxed::change(&names, 1, text("5521"))];
    for _ in 0..2 {
        assert_eq!(directory.create(EmployeeId(7), &fields).unwrap_err().kind, ErrorKind::Pending);
    }
    assert!(directory.find(FieldIndex(1), &text("5521")).unwrap().is_empty());
    assert_eq!(directory.find(FieldIndex(1), &text("5521")).unwrap().len(), 1, "made once");
}

#[test]
fn new_users_are_uploaded_together_and_each_has_its_outcome() {
    let sandbox = sandbox();
    let names = ["userPrincipalName", "employeeId"];
    let directory = sandboxed::open(&sandbox, parse, BULK.replace("jobs/b/", "jobs/sandbox/").as_str(), &names);
    let batches = directory.batches().unwrap();
    assert_eq!(batches.most(), 50);
    let new: Vec<Vec<FieldChange>> = (0..3)
        .map(|number| {
            let name = if number == 1 { FieldValue::Empty } else { text(&format!("new{number}@example.org")) };
            vec![sandboxed::change(&names, 0, name), sandboxed::change(&names, 1, text(&format!("n{number}")))]
        })
        .collect();
    let writes: Vec<Write<'_>> =
        (0..).zip(&new).map(|(id, fields)| Write::Create { employee: EmployeeId(id), fields }).collect();
    sandbox.clear_requests();
    let kinds: Vec<ErrorKind> = batches.write(&writes).into_iter().map(|one| one.unwrap_err().kind).collect();
    assert_eq!(kinds, [ErrorKind::Pending, ErrorKind::Refused, ErrorKind::Pending]);
    assert_eq!(posted(&sandbox).len(), 1);
    assert!(batches.takes(&writes[0]));

    // What the service's log says of those that it did not make.
    sandbox.system(|entra: &mut Simulated| entra.options.refuse_uploads = vec!["n2".into()]);
    assert_eq!(directory.find(FieldIndex(1), &text("n0")).unwrap().len(), 1);
    let since = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    let refusals = directory.read_offers().refusals.unwrap().refusals(since).unwrap();
    assert_eq!(refusals, [Refusal { key: "n2".into(), why: "its log says failure DuplicateTargetEntries".into() }]);
    sandbox.system(|entra: &mut Simulated| entra.options.forbidden = vec!["auditLogs".into()]);
    let error = directory.read_offers().refusals.unwrap().refusals(since).unwrap_err();
    assert!(error.kind == ErrorKind::Rights && error.message.contains("AuditLog.Read.All"), "{error}");
}

#[test]
fn changes_go_in_batches_and_only_what_was_too_many_is_sent_again() {
    let sandbox = sandbox();
    let people: Vec<AccountId> = (0..5).map(|number| add(&sandbox, &format!("p{number}@example.org"))).collect();
    let directory = open(&sandbox);
    let batches = directory.batches().unwrap();
    assert_eq!(batches.most(), 20);
    directory.update(&people[0], &[change(2, text("North")), change(3, text("CC-1"))]).unwrap();
    let lead = FieldValue::Account(people[4].clone());
    let changes = [
        vec![change(1, text("Pilot")), change(3, text("CC-2")), change(4, lead.clone())],
        vec![change(1, text("Cook")), change(IT, FieldValue::Bool(true))],
        vec![change(0, text("p3@example.org"))],
    ];
    let mut writes: Vec<Write<'_>> =
        people.iter().zip(&changes).map(|(account, changes)| Write::Update { account, changes }).collect();
    writes.push(Write::Deactivate { account: &people[3] });
    let nobody = AccountId::from("no-such-user");
    writes.push(Write::Deactivate { account: &nobody });
    sandbox.system(|entra: &mut Simulated| entra.options.throttled_parts = 2);
    sandbox.clear_requests();
    let outcomes: Vec<Result<(), ErrorKind>> =
        batches.write(&writes).into_iter().map(|one| one.map(drop).map_err(|error| error.kind)).collect();
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(ErrorKind::Exists), Ok(()), Err(ErrorKind::NotFound)]);
    // The look at the organisation, the properties, the two that were too many, and the ties.
    let batched = |line: &&String| line.ends_with("$batch");
    let sent = posted(&sandbox);
    assert_eq!(sent.iter().filter(batched).count(), 3, "{sent:?}");
    let account = directory.account(&people[0]).unwrap().unwrap();
    assert_eq!(account.fields()[1..5], [text("Pilot"), text("North"), text("CC-2"), lead]);
    let account = directory.account(&people[1]).unwrap().unwrap();
    assert_eq!((account.field(FieldIndex(1)), account.field(FieldIndex(IT))), (&text("Cook"), &FieldValue::Bool(true)));
    assert!(!directory.account(&people[3]).unwrap().unwrap().active);
    let team = [change(TEAM, FieldValue::Bool(true))];
    assert!(!batches.takes(&Write::Update { account: &people[0], changes: &team }));
    assert!(!batches.takes(&Write::Create { employee: EmployeeId(1), fields: &team }), "Graph makes one at a time");
    assert_eq!(sandbox.system(|entra: &mut Simulated| entra.tenant("chat").deleted), 0);
}

#[test]
fn rights_and_lost_answers() {
    let sandbox = sandbox();
    let mira = add(&sandbox, "mira@example.org");
    let directory = open(&sandbox);
    sandbox.system(|entra: &mut Simulated| entra.options.forbidden = vec!["groups".into()]);
    assert_eq!(directory.schema().unwrap_err().kind, ErrorKind::Rights);
    sandbox.system(|entra: &mut Simulated| entra.options.forbidden.clear());
    directory.schema().unwrap();
    sandbox.set_faults("entra:patch:lost-answer#1".parse().unwrap());
    assert_eq!(directory.update(&mira, &[change(1, text("Pilot"))]).unwrap_err().kind, ErrorKind::Unsettled);
    assert_eq!(directory.account(&mira).unwrap().unwrap().field(FieldIndex(1)), &text("Pilot"));
    sandbox.set_faults("entra:patch:html502#1".parse().unwrap());
    let both = [change(1, text("Captain")), change(IT, FieldValue::Bool(true))];
    assert_eq!(directory.update(&mira, &both).unwrap_err().kind, ErrorKind::Unsettled);
    let account = directory.account(&mira).unwrap().unwrap();
    assert_eq!(account.field(FieldIndex(IT)), &FieldValue::Bool(true), "the group was set all the same");
}

#[test]
fn sections_are_read_with_all_their_problems() {
    let read = |text: &str| sandboxed::settings(parse, text);
    let found = read(SECTION).unwrap();
    assert_eq!(found.identity(), "entra:graph.microsoft.com/v1.0:acme.onmicrosoft.com");
    assert!(!format!("{found:?}").contains("s3cret"));
    assert!(read(BULK).is_ok());
    assert!(read(&BULK.replacen("create", "read = 'everything'\ncreate", 1)).unwrap_err()[0].contains("read"));
    let elsewhere = BULK.replace("graph.microsoft.com", "graph.example.org");
    assert!(read(&elsewhere).unwrap_err()[0].contains("on the host of `base_url`"));
    assert!(read(&BULK.replace("'bulk_upload'", "'never'")).unwrap_err()[0].contains("no effect"));
    assert_eq!(read("tenant = 'a/b'\ncreate = 'bulk_upload'").unwrap_err().len(), 4);
}

#[test]
fn a_group_that_is_not_there_is_a_problem_of_its_own_alone() {
    let sandbox = sandbox();
    let mira = add(&sandbox, "mira@example.org");
    let section = SECTION.replace("[groups.it]", "[groups.nowhere]");
    let names = ["userPrincipalName", "jobTitle", "groups.nowhere"];
    let directory = sandboxed::open(&sandbox, parse, &section, &names);
    let snapshot = directory.accounts(&NoProgress).unwrap();
    assert!(snapshot.accounts.len() > 20, "everybody is read all the same");
    let problem = &snapshot.groups[&FieldIndex(2)];
    assert!(problem.why.contains("no group called `nowhere`") && problem.make.is_none(), "{problem:?}");
    let changes = [(1, text("Pilot")), (2, FieldValue::Bool(true))];
    let changes = changes.map(|(index, after)| sandboxed::change(&names, index, after));
    let error = directory.update(&mira, &changes).unwrap_err();
    assert!(error.message.contains("no group called"), "nothing is said to be done that was not: {error}");
    assert_eq!(directory.account(&mira).unwrap().unwrap().field(FieldIndex(1)), &text("Pilot"));
}

/// A transport that answers as it is told, and remembers what it was asked and how long it was told to wait.
struct Scripted<F> {
    answer: F,
    asked: Mutex<Vec<String>>,
    waited: Mutex<Vec<Duration>>,
}

impl<F: Fn(&Request, usize) -> (u16, Value) + Send + Sync> Transport for Scripted<F> {
    fn read(&self, request: &Request) -> Result<Response, HttpError> {
        self.write(request)
    }

    fn write(&self, request: &Request) -> Result<Response, HttpError> {
        let mut asked = self.asked.lock();
        let body = match &request.body {
            Body::Json { text, .. } => text.as_str(),
            _ => "",
        };
        asked.push(format!("{} {} {body}", request.method.as_str(), request.path));
        let (status, body) = (self.answer)(request, asked.len());
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Ok(Response { status, headers: Vec::new(), body })
    }

    fn pause(&self, _: &'static str, wait: Duration) {
        self.waited.lock().push(wait);
    }

    fn asked_wait(&self, retry_after: &str) -> Option<Duration> {
        retry_after.parse().ok().map(Duration::from_secs)
    }
}

fn scripted<F: Fn(&Request, usize) -> (u16, Value) + Send + Sync>(fields: &[&str], answer: F) -> Entra<Scripted<F>> {
    let spec = |name: &&str| match fields::lookup(name) {
        FieldLookup::Known(spec) | FieldLookup::Open(spec) => spec,
        FieldLookup::Unknown => panic!("{name}"),
    };
    let connection = Connection {
        name: "chat".into(),
        fields: fields.iter().map(spec).collect(),
        mapped: fields.len(),
        match_fields: Vec::new(),
        create_missing: Vec::new(),
        today: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
    };
    let transport = Scripted { answer, asked: Mutex::default(), waited: Mutex::default() };
    Entra::new(transport, "https://graph.microsoft.com/v1.0".into(), Create::Direct, ReadBy::List, connection)
}

#[test]
fn parts_of_a_batch_are_not_waited_for_without_end() {
    for (retry_after, waits, message) in [
        ("900", 0, "asks to wait 900 s; a run waits 300 s at most"),
        ("200", 1, "asks to wait 200 s"),
        ("20", 4, "Graph is busy"),
    ] {
        let directory = scripted(&[], |_, _| {
            let part =
                |id: usize| json!({"id": id.to_string(), "status": 429, "headers": {"Retry-After": retry_after}});
            (200, json!({"responses": [part(0), part(1)]}))
        });
        let requests: Vec<Request> = (0..2).map(|id| requests::update_user(&id.to_string(), &json!({}))).collect();
        for outcome in directory.send_together(&requests) {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Busy);
            assert!(error.message.contains(message), "{error}");
        }
        assert_eq!(directory.transport.waited.lock().len(), waits, "{retry_after}");
    }
}

fn not_found() -> (u16, Value) {
    (404, json!({"error": {"code": "Request_ResourceNotFound", "message": "does not exist"}}))
}

#[test]
fn whoever_was_made_in_this_run_is_not_known_everywhere_at_once() {
    let fields = ["userPrincipalName", "displayName", "manager"];
    let set = |index: u16, after: &str| FieldChange {
        index: FieldIndex(index),
        field: fields[usize::from(index)].into(),
        before: FieldValue::Empty,
        after: text(after),
    };
    let manager = |after: &str| FieldChange {
        index: FieldIndex(2),
        field: "manager".into(),
        before: FieldValue::Empty,
        after: FieldValue::Account(after.into()),
    };
    let answer = |request: &Request, number: usize| match request.method {
        Method::Post => (201, json!({"id": "new-1"})),
        _ if number < 4 => not_found(),
        _ => (204, Value::Null),
    };
    let directory = scripted(&fields, answer);
    let made = directory.create(EmployeeId(1), &[set(0, "ada@example.com"), set(1, "Ada"), manager("boss")]).unwrap();
    assert_eq!(made, AccountId::from("new-1"));
    let waited = directory.transport.waited.lock().clone();
    assert_eq!(waited, [1, 2].map(Duration::from_secs));

    // A manager who is new is waited for, too; one who is gone for good is not.
    let directory = scripted(&fields, |_, number| if number < 2 { not_found() } else { (204, Value::Null) });
    directory.made.lock().push("new-2".into());
    directory.update(&"old-1".into(), &[manager("new-2")]).unwrap();
    let directory = scripted(&fields, |_, _| not_found());
    let error = directory.update(&"old-1".into(), &[manager("gone")]).unwrap_err();
    assert_eq!((error.kind, directory.transport.asked.lock().len()), (ErrorKind::NotFound, 1));
}

#[test]
fn what_graph_keeps_for_administrators_does_not_keep_the_rest_from_being_written() {
    let fields = ["jobTitle", "mobilePhone"];
    let changes = [(0, "jobTitle", "Lead"), (1, "mobilePhone", "+491701234567")].map(|(index, field, after)| {
        FieldChange { index: FieldIndex(index), field: field.into(), before: FieldValue::Empty, after: text(after) }
    });
    let denied = || (403, json!({"error": {"code": "Authorization_RequestDenied", "message": "no"}}));
    let keeps_phones = move |request: &Request, _: usize| match &request.body {
        Body::Json { text, .. } if text.contains("mobilePhone") => denied(),
        _ => (204, Value::Null),
    };
    let directory = scripted(&fields, keeps_phones);
    let error = directory.update(&"admin".into(), &changes).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused, "{error}");
    assert!(error.message.contains("`mobilePhone`"), "{error}");
    assert!(directory.transport.asked.lock()[1].ends_with(r#"{"jobTitle":"Lead"}"#));
    assert_eq!(error.fields, ["mobilePhone".into()]);

    // An app that may write nothing at all is told so.
    let directory = scripted(&fields, move |_, _| denied());
    assert_eq!(directory.update(&"user".into(), &changes).unwrap_err().kind, ErrorKind::Rights);
}
