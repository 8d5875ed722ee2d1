//! Several changes in one request.

use super::*;
use crate::code::Code;
use crate::plan::FieldChange;
use crate::targets::scim::simulated::BulkOptions;
use crate::targets::{Write, Written};

const FIELDS: &[&str] = &["externalId", "userName", "title", r#"emails[type eq "work"].value"#];

fn offering(bulk: BulkOptions) -> ScimOptions {
    ScimOptions { bulk: Some(bulk), ..ScimOptions::default() }
}

fn person(number: u64, title: &str) -> Vec<FieldValue> {
    let address = format!("p{number}@example.com");
    vec![text(&number.to_string()), text(&address), text(title), text(&address)]
}

/// Sends all of them as the caller of batches does, until each has a result.
fn send(stage: &Stage, writes: &[Write<'_>]) -> Vec<Written> {
    let batches = stage.target.writer().batches().unwrap();
    let mut results = Vec::new();
    while results.len() < writes.len() {
        let open = &writes[results.len()..];
        let most = batches.most();
        assert!(most > 1 && open.iter().all(|write| batches.takes(write)));
        let found = batches.write(&open[..most.min(open.len())]);
        assert!(!found.is_empty(), "nothing goes together");
        results.extend(found);
    }
    results
}

fn creates(stage: &Stage, count: u64) -> Vec<Vec<FieldChange>> {
    (1..=count).map(|number| changes(&*stage.target, None, &person(number, "Baker"))).collect()
}

fn make(stage: &Stage, fields: &[Vec<FieldChange>]) -> Vec<Written> {
    let writes: Vec<Write<'_>> =
        (1..).zip(fields).map(|(number, fields)| Write::Create { employee: EmployeeId(number), fields }).collect();
    send(stage, &writes)
}

fn ids(made: Vec<Written>) -> Vec<AccountId> {
    made.into_iter().map(|made| made.unwrap().unwrap()).collect()
}

/// How many batches were sent, and how many writes alone.
fn sent(stage: &Stage) -> (usize, usize) {
    let lines = stage.script.lines();
    let writes = lines.iter().filter(|line| !line.starts_with("GET"));
    let (batches, alone): (Vec<_>, Vec<_>) = writes.partition(|line| line.contains("/Bulk"));
    (batches.len(), alone.len())
}

#[test]
fn whatever_the_service_is_like_batches_come_to_the_same() {
    let standard = BulkOptions::default;
    let versions = || ScimOptions { versions: true, ..ScimOptions::default() };
    // Batches and single requests for seven people who are made, changed, taken out of use, and brought back.
    for (case, options, settings, expected) in [
        ("standard", offering(standard()), "bulk = true", (4, 0)),
        ("put", offering(standard()), "bulk = true\nupdate = 'put'", (4, 0)),
        ("no PATCH", ScimOptions { no_patch: true, ..offering(standard()) }, "bulk = true", (4, 0)),
        ("versions", versions(), "bulk = true", (4, 0)),
        ("versions and put", versions(), "bulk = true\nupdate = 'put'", (4, 0)),
        ("numbers", offering(BulkOptions { number_statuses: true, ..standard() }), "bulk = true", (4, 0)),
        ("mixed up", offering(BulkOptions { mixed_up: true, ..standard() }), "bulk = true", (4, 0)),
        ("three at a time", offering(BulkOptions { max_operations: 3, ..standard() }), "bulk = true", (8, 4)),
        ("few bytes", offering(BulkOptions { max_payload_size: 900, ..standard() }), "bulk = true", (8, 1)),
        ("throttled", offering(BulkOptions { throttles: Some(3), ..standard() }), "bulk = true", (4, 8)),
        (
            "declared",
            offering(BulkOptions { unmentioned: true, ..standard() }),
            "bulk = { max_operations = 4 }",
            (8, 0),
        ),
        (
            "declared larger than it says",
            offering(BulkOptions { max_operations: 4, ..standard() }),
            "bulk = { max_operations = 50, max_payload_size = 100000 }",
            (8, 0),
        ),
        ("plain JSON", offering(standard()), "bulk = true\nplain_json = true", (4, 0)),
        ("capitals", offering(standard()), "bulk = true\npreset = 'entra-gallery'", (4, 0)),
    ] {
        let stage = stage(options, settings, FIELDS);
        let fields = creates(&stage, 7);
        let ids = ids(make(&stage, &fields));
        let snapshot = stage.target.accounts(&NoProgress).unwrap();
        let account = |id: &AccountId| snapshot.accounts.iter().find(|account| account.id == *id).unwrap();
        for (number, id) in (1..).zip(&ids) {
            assert_eq!(account(id).fields(), person(number, "Baker"), "{case}");
        }
        let updates: Vec<Vec<FieldChange>> = (1..)
            .zip(&ids)
            .map(|(number, id)| changes(&*stage.target, Some(account(id)), &person(number, "Cook")))
            .collect();
        let writes: Vec<Write<'_>> =
            ids.iter().zip(&updates).map(|(account, changes)| Write::Update { account, changes }).collect();
        assert!(send(&stage, &writes).iter().all(Result::is_ok), "{case}");
        let leave: Vec<Write<'_>> = ids.iter().map(|account| Write::Deactivate { account }).collect();
        assert!(send(&stage, &leave).iter().all(Result::is_ok), "{case}");
        for (number, id) in (1..).zip(&ids) {
            let account = stage.target.account(id).unwrap().unwrap();
            assert_eq!((account.fields(), account.active), (&*person(number, "Cook"), false), "{case}");
        }
        let back: Vec<Write<'_>> = ids.iter().map(|account| Write::Reactivate { account }).collect();
        assert!(send(&stage, &back).iter().all(Result::is_ok), "{case}");
        assert!(ids.iter().all(|id| stage.target.account(id).unwrap().unwrap().active), "{case}");
        assert_eq!(sent(&stage), expected, "{case}");
    }
}

#[test]
fn batches_are_off_unless_asked_for_and_offered() {
    let none = || ScimOptions { bulk: None, ..ScimOptions::default() };
    for (options, settings, most, notice) in [
        (ScimOptions::default(), "", 0, false),
        (ScimOptions::default(), "bulk = false", 0, false),
        (ScimOptions::default(), "bulk = true", 100, false),
        (none(), "bulk = true", 0, true),
        (none(), "bulk = true\ndiscovery = false", 0, true),
        (none(), "bulk = { max_operations = 7 }", 7, false),
        (none(), "", 0, false),
    ] {
        let stage = stage(options, settings, FIELDS);
        let snapshot = stage.target.accounts(&NoProgress).unwrap();
        let said = snapshot.notices.iter().any(|notice| notice.code == Code::BulkNotOffered);
        assert_eq!((stage.target.writer().batches().unwrap().most(), said), (most, notice), "{settings}");
    }
    let good = "base_url = 'https://wiki.example.com'\nauth = { bearer = { env = 'X' } }\n";
    for (bulk, message) in [
        ("'yes'", "`targets.wiki.bulk` must be true, false or a table, not a text"),
        ("{ max_operations = 0 }", "`targets.wiki.bulk.max_operations` must be at least 1"),
        (
            "{ operations = 5 }",
            "[targets.wiki.bulk] does not know `operations`; did you mean `max_operations`? known: `max_operations`, `max_payload_size`",
        ),
    ] {
        let (_, problems) = section(&format!("{good}bulk = {bulk}"), parse);
        assert_eq!(problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>(), [message]);
    }
}

#[test]
fn each_operation_has_an_outcome_of_its_own() {
    let stage = stage(ScimOptions::default(), "bulk = true", FIELDS);
    let mut fields = creates(&stage, 4);
    // Twice the same address, and one without any.
    fields[2][1].after = text("P1@example.com");
    fields[3].remove(1);
    let made = make(&stage, &fields);
    let kinds: Vec<Option<ErrorKind>> = made.iter().map(|made| made.as_ref().err().map(|error| error.kind)).collect();
    assert_eq!(kinds, [None, None, Some(ErrorKind::Exists), Some(ErrorKind::Refused)]);
    for error in made.iter().filter_map(|made| made.as_ref().err()) {
        assert!(!error.message.contains("example.com"), "{error}");
    }
    assert!(made[3].as_ref().unwrap_err().message.contains("invalidValue"), "{:?}", made[3]);

    let id = made[0].clone().unwrap().unwrap();
    let (gone, titles) = (AccountId("nobody".into()), changes(&*stage.target, None, &person(1, "Cook")));
    let titles = &titles[2..3];
    let results = send(
        &stage,
        &[
            Write::Update { account: &gone, changes: titles },
            Write::Update { account: &id, changes: titles },
            Write::Update { account: &id, changes: &[] },
        ],
    );
    assert_eq!(results[0].as_ref().unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!((&results[1], &results[2]), (&Ok(None), &Ok(None)));
    assert_eq!(*the_account(&stage, "1").field(FieldIndex(2)), text("Cook"));
}

#[test]
fn a_batch_that_is_too_large_is_halved() {
    let bulk = BulkOptions { really: Some(3), ..BulkOptions::default() };
    let stage = stage(offering(bulk), "bulk = true", FIELDS);
    let fields = creates(&stage, 10);
    assert_eq!(ids(make(&stage, &fields)).len(), 10);
    // Ten and five are too many; then two at a time, and no more than that is tried again.
    assert_eq!(sent(&stage), (2 + 5, 0));
    assert_eq!(stage.target.accounts(&NoProgress).unwrap().accounts.len(), 11);
}

#[test]
fn what_is_missing_from_an_answer_is_unknown() {
    let bulk = BulkOptions { forgets: Some(2), ..BulkOptions::default() };
    let stage = stage(offering(bulk), "bulk = true", FIELDS);
    let fields = creates(&stage, 4);
    let made = make(&stage, &fields);
    assert!(made[0].is_ok() && made[2].is_ok());
    for made in [&made[1], &made[3]] {
        let error = made.as_ref().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsettled, "{error}");
    }
    assert_eq!(sent(&stage), (1, 0), "nothing is sent twice");
}

#[test]
fn a_service_that_refuses_batches_is_not_asked_again() {
    for status in [400, 403, 404, 405, 501] {
        let bulk = BulkOptions { refused: Some(status), ..BulkOptions::default() };
        let stage = stage(offering(bulk), "bulk = true", FIELDS);
        let fields = creates(&stage, 3);
        let writes: Vec<Write<'_>> =
            fields.iter().map(|fields| Write::Create { employee: EmployeeId(1), fields }).collect();
        let batches = stage.target.writer().batches().unwrap();
        assert_eq!(batches.write(&writes), [], "{status}: each goes alone");
        assert_eq!(batches.most(), 1, "{status}");
    }
    for (status, kind) in [
        (401, ErrorKind::SignIn),
        (500, ErrorKind::Unsettled),
        (502, ErrorKind::Unsettled),
        (503, ErrorKind::Unavailable),
    ] {
        let bulk = BulkOptions { refused: Some(status), ..BulkOptions::default() };
        let stage = stage(offering(bulk), "bulk = true", FIELDS);
        let fields = creates(&stage, 3);
        let made = make(&stage, &fields);
        assert!(made.iter().all(|made| made.as_ref().is_err_and(|error| error.kind == kind)), "{status}: {made:?}");
    }
}

#[test]
fn an_answer_that_is_lost_or_cannot_be_read_is_unknown_for_each() {
    for answer in [Answer::none(), Answer::html(200), Answer::json(200, "{\"Operations\": ["), Answer::json(200, "{}")]
    {
        let script = Script::answers([answer]);
        let text_ = format!(
            "base_url = '{}'\nauth = {{ bearer = 'x' }}\ndiscovery = false\nbulk = {{ max_operations = 5 }}",
            script.base_url()
        );
        let kind = section(&text_, parse).0.unwrap();
        let target = kind.open(connection(&*kind, FIELDS)).unwrap();
        let fields = changes(&*target, None, &person(1, "Baker"));
        let write = Write::Create { employee: EmployeeId(1), fields: &fields };
        let made = target.writer().batches().unwrap().write(&[write, write]);
        assert!(made.iter().all(|made| made.as_ref().unwrap_err().kind == ErrorKind::Unsettled), "{made:?}");
    }
}

#[test]
fn a_version_that_is_no_longer_right_is_refused_within_a_batch_too() {
    let stage = stage(ScimOptions { versions: true, ..ScimOptions::default() }, "bulk = true", FIELDS);
    let fields = creates(&stage, 2);
    let ids = ids(make(&stage, &fields));
    stage.target.accounts(&NoProgress).unwrap();
    stage.service.lock().directory("wiki").change(&ids[0].0, |user| _ = user.remove("title"));
    let change = changes(&*stage.target, None, &person(1, "Cook"));
    let title = &change[2..3];
    let results = send(
        &stage,
        &[Write::Update { account: &ids[0], changes: title }, Write::Update { account: &ids[1], changes: title }],
    );
    assert_eq!(results[0].as_ref().unwrap_err().status, Some(412));
    assert_eq!(results[1], Ok(None));
}
