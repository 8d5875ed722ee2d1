use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::employee::{Attributes, Completeness, EmployeeId, Value};
use crate::http::testing::{Answer, FakeClock, Received, Script, nobody_there};
use crate::personio::*;
use crate::progress::{NoProgress, Progress};

fn settings(base_url: String) -> SourceSettings {
    SourceSettings {
        base_url,
        partner_id: Some("ACME".into()),
        app_id: "ACME_SYNC".into(),
        ..SourceSettings::new(Secret::new("the-client-id"), Secret::new("the-client-secret"))
    }
}

fn source(script: &Script) -> (PersonioSource, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::default());
    (PersonioSource::with_clock(settings(script.base_url()), Arc::clone(&clock) as _).unwrap(), clock)
}

fn signed_in(token: &str) -> Answer {
    Answer::json(200, format!(r#"{{"success":true,"data":{{"token":"{token}"}}}}"#))
}

fn record(id: u64) -> String {
    format!(
        r#"{{"type":"Employee","attributes":{{"id":{{"value":{id},"type":"integer"}},
            "email":{{"label":"Email","value":"e{id}@example.org","type":"standard","universal_id":"email"}}}}}}"#
    )
}

fn page(total: impl Into<Option<u64>>, records: &[String]) -> Answer {
    let metadata = total.into().map_or_else(String::new, |total| {
        format!(r#""metadata":{{"total_elements":{total},"current_page":0,"total_pages":1}},"#)
    });
    Answer::json(200, format!(r#"{{"success":true,{metadata}"offset":0,"data":[{}]}}"#, records.join(",")))
}

fn number(asked: &Received, name: &str) -> u64 {
    asked.param(name).unwrap().parse().unwrap()
}

/// A service that signs everyone in and answers for employees as told.
fn service(employees: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Script {
    Script::serve(move |asked| match asked.line().as_str() {
        "POST /v1/auth" => signed_in("papi-1"),
        "GET /v1/company/employees" => employees(asked),
        other => panic!("{other}"),
    })
}

/// So many employees, ids from 1, in pages of at most `cap`.
fn pages(asked: &Received, ids: impl Iterator<Item = u64>, cap: u64) -> Answer {
    let ids: Vec<u64> = ids.collect();
    let rows = ids
        .iter()
        .skip(usize::try_from(number(asked, "offset")).unwrap())
        .take(usize::try_from(number(asked, "limit").min(cap)).unwrap())
        .map(|id| record(*id))
        .collect::<Vec<_>>();
    page(ids.len() as u64, &rows)
}

fn attributes() -> Attributes {
    Attributes::new(["email"])
}

fn read(script: &Script) -> ReadResult {
    source(script).0.employees(&attributes(), &NoProgress).unwrap()
}

fn ids(result: &ReadResult) -> Vec<u64> {
    result.employees.list.iter().map(|employee| employee.id.0).collect()
}

fn why(result: &ReadResult) -> &str {
    match &result.employees.completeness {
        Completeness::Proven => "proven",
        Completeness::Unproven { why } => why,
    }
}

fn reads(script: &Script) -> Vec<Received> {
    script.asked().into_iter().filter(|asked| asked.method == "GET").collect()
}

#[test]
fn everybody_is_read_once_and_proven_whatever_a_page_holds() {
    // people, cap of a page, requests
    for (people, cap, requests) in [(1, 100, 1), (100, 100, 1), (101, 100, 2), (734, 100, 8), (250, 40, 7), (5, 1, 5)] {
        let script = service(move |asked| pages(asked, 1..=people, cap));
        let result = read(&script);
        assert_eq!(ids(&result), (1..=people).collect::<Vec<_>>(), "{people} by {cap}");
        assert_eq!(why(&result), "proven");
        let column = result.employees.attributes.column("email").unwrap();
        let last = result.employees.get(EmployeeId(people)).unwrap().value(column).clone();
        assert_eq!(last, Value::Text(format!("e{people}@example.org").into()));
        let asked = reads(&script);
        assert_eq!(asked.len(), requests, "{people} by {cap}");
        let positions: BTreeSet<u64> = asked.iter().map(|asked| number(asked, "offset")).collect();
        assert_eq!(positions, (0..people).step_by(usize::try_from(cap).unwrap()).collect(), "{people} by {cap}");
        for asked in &asked {
            let names: BTreeSet<&str> = asked.query.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, BTreeSet::from(["attributes[]", "limit", "offset"]));
        }
    }
}

#[test]
fn later_pages_may_be_shorter_than_the_first() {
    let script = service(|asked| pages(asked, 1..=350, if number(asked, "offset") < 100 { 100 } else { 30 }));
    let result = read(&script);
    assert_eq!((ids(&result).len(), why(&result)), (350, "proven"));
    assert_eq!(reads(&script).len(), 1 + 4 + 4 + 2, "no second look was needed");
}

#[test]
fn the_tool_says_its_name_unless_the_file_gives_another() {
    let settings = SourceSettings::new(Secret::new("id"), Secret::new("secret"));
    assert_eq!((settings.app_id.as_str(), settings.partner_id), ("PERSONIO_SYNC", None));
}

#[test]
fn credentials_travel_in_the_body_once_and_names_with_every_request() {
    let script = service(|asked| pages(asked, 1..=250, 100));
    read(&script);
    let asked = script.asked();
    assert_eq!(asked[0].line(), "POST /v1/auth");
    assert_eq!(asked[0].query, []);
    assert_eq!(asked[0].body, br#"{"client_id":"the-client-id","client_secret":"the-client-secret"}"#);
    assert_eq!(asked.iter().filter(|asked| asked.path == "/v1/auth").count(), 1);
    for asked in &asked {
        assert_eq!(asked.header("x-personio-partner-id"), Some("ACME"));
        assert_eq!(asked.header("x-personio-app-id"), Some("ACME_SYNC"));
    }
    assert!(asked[1..].iter().all(|asked| asked.header("authorization") == Some("Bearer papi-1")));
}

#[test]
fn a_token_that_runs_out_between_pages_is_renewed_once() {
    let tokens = AtomicUsize::new(0);
    let script = Script::serve(move |asked| match asked.line().as_str() {
        "POST /v1/auth" => signed_in(&format!("papi-{}", tokens.fetch_add(1, Ordering::SeqCst))),
        _ if number(asked, "offset") > 0 && asked.header("authorization") == Some("Bearer papi-0") => {
            Answer::json(401, r#"{"success":false,"error":{"code":401,"message":"expired"}}"#)
        }
        _ => pages(asked, 1..=1000, 100),
    });
    let result = read(&script);
    assert_eq!((ids(&result).len(), why(&result)), (1000, "proven"));
    assert_eq!(script.lines().iter().filter(|line| *line == "POST /v1/auth").count(), 2);
}

#[test]
fn somebody_joins_while_the_pages_are_read() {
    // The newcomer is listed first: everyone moves down by one after the first page.
    let asked_before = AtomicU64::new(0);
    let script = service(move |asked| match asked_before.fetch_add(1, Ordering::SeqCst) {
        0 => pages(asked, 1..=250, 100),
        _ => pages(asked, std::iter::once(999).chain(1..=250), 100),
    });
    let result = read(&script);
    assert_eq!((ids(&result).len(), why(&result)), (251, "proven"));
    assert_eq!(ids(&result).last(), Some(&999));
}

#[test]
fn what_does_not_add_up_twice_is_unproven() {
    type Service = fn(&Received) -> Answer;
    // service, people read, words
    let table: [(Service, usize, &str); 7] = [
        // One is swallowed.
        (|asked| short(asked, 150, 149), 149, "total of 150, and 149 came"),
        // One comes twice, and another not at all.
        (|asked| pages(asked, (1..=100).chain([100]).chain(102..=150), 100), 149, "came twice"),
        // The total moves with every page.
        (
            |asked| {
                let offset = number(asked, "offset");
                let rows: Vec<String> = (offset + 1..=(offset + 100).min(150)).map(record).collect();
                page(if offset == 0 { 150 } else { 149 }, &rows)
            },
            150,
            "changed between 149 and 150",
        ),
        // Nobody at all.
        (|_| page(0, &[]), 0, "nobody"),
        // A total, but nobody.
        (|_| page(7, &[]), 0, "total of 7, and 0 came"),
        // Somebody without an id.
        (|_| page(2, &[record(1), r#"{"type":"Employee","attributes":{}}"#.into()]), 1, "1 of the records has no id"),
        // The offset is ignored.
        (|_| page(100_000_000, &(1..=100).map(record).collect::<Vec<_>>()), 100, "total of 100000000, and 100 came"),
    ];
    for (service_of, people, words) in table {
        let script = service(service_of);
        let result = read(&script);
        assert_eq!(result.employees.list.len(), people, "{words}");
        assert!(why(&result).contains(words), "{words}: {}", why(&result));
        let first_pages = reads(&script).iter().filter(|asked| number(asked, "offset") == 0).count();
        assert_eq!(first_pages, 2, "read twice, not more: {words}");
        assert!(reads(&script).len() < 60, "{words}");
    }
}

fn short(asked: &Received, total: u64, people: u64) -> Answer {
    let offset = number(asked, "offset");
    let rows: Vec<String> = (offset + 1..=(offset + 100).min(people)).map(record).collect();
    page(total, &rows)
}

/// Fifty employees; on the first look one of them comes twice and another not at all.
fn right_on_the_second_look() -> Script {
    let looks = AtomicU64::new(0);
    service(move |asked| match looks.fetch_add(1, Ordering::SeqCst) {
        0 => pages(asked, (1..=49).chain([49]), 100),
        _ => pages(asked, 1..=50, 100),
    })
}

#[test]
fn a_second_look_settles_a_doubt() {
    let script = right_on_the_second_look();
    let result = read(&script);
    assert_eq!((ids(&result).len(), why(&result), reads(&script).len()), (50, "proven", 2));
}

/// A company whose order changes with every request, in pages of at most `cap`.
fn turning(people: u64, cap: u64) -> Script {
    let lists = AtomicU64::new(0);
    service(move |asked| match lists.fetch_add(1, Ordering::SeqCst) % 2 {
        0 => pages(asked, 1..=people, cap),
        _ => pages(asked, (1..=people).rev(), cap),
    })
}

#[test]
fn reads_in_changing_order_are_put_together() {
    for (people, cap) in [(12, 5), (450, 100)] {
        let script = turning(people, cap);
        let result = read(&script);
        assert_eq!((ids(&result), why(&result)), ((1..=people).collect::<Vec<_>>(), "proven"), "{people}");
    }
    // In no order at all, as long as each time brings somebody new.
    let script = service(move |asked| {
        let mut people: Vec<u64> = (1..=40).collect();
        fastrand::Rng::with_seed(number(asked, "offset")).shuffle(&mut people);
        pages(asked, people.into_iter(), 10)
    });
    let result = read(&script);
    let first_pages = reads(&script).iter().filter(|asked| number(asked, "offset") == 0).count();
    assert_eq!(first_pages, 2, "the same again brings nobody new");
    assert!(why(&result).contains("came twice"), "{}", why(&result));
}

#[test]
fn what_came_last_is_how_somebody_is() {
    let looks = AtomicU64::new(0);
    let script = service(move |asked| {
        if number(asked, "offset") > 0 {
            return page(3, &[]);
        }
        let look = looks.fetch_add(1, Ordering::SeqCst);
        let renamed = record(1).replace("e1@", &format!("now{look}@"));
        page(3, &[renamed, record(if look == 0 { 2 } else { 3 })])
    });
    let result = read(&script);
    assert_eq!((ids(&result), why(&result)), (vec![1, 2, 3], "proven"));
    let column = result.employees.attributes.column("email").unwrap();
    assert_eq!(result.employees.get(EmployeeId(1)).unwrap().value(column), &Value::text("now1@example.org"));
}

#[test]
fn two_records_with_one_id_concern_nobody_else() {
    let other = record(2).replace("e2@", "somebody.else@");
    let script = service(move |asked| match number(asked, "offset") {
        0 => page(4, &[record(1), record(2)]),
        2 => page(4, &[other.clone(), record(3)]),
        _ => page(4, &[]),
    });
    let result = read(&script);
    assert_eq!(ids(&result), [1, 2, 3]);
    assert_eq!(result.employees.contested, BTreeSet::from([EmployeeId(2)]));
    assert!(why(&result).contains("several different records came with the id 2"), "{}", why(&result));
    let column = result.employees.attributes.column("email").unwrap();
    let value = |id| result.employees.get(EmployeeId(id)).unwrap().value(column).clone();
    assert_eq!((value(2), value(3)), (Value::Hidden, Value::text("e3@example.org")));
    // The same record twice does no harm, and somebody who is changed meanwhile is read again.
    let reads = AtomicU64::new(0);
    let script = service(move |_| match reads.fetch_add(1, Ordering::SeqCst) {
        0 => page(2, &[record(1), record(1).replace("e1@", "new@")]),
        1 => page(2, &[record(1).replace("e1@", "new@"), record(2)]),
        other => panic!("{other}"),
    });
    let result = read(&script);
    assert_eq!((ids(&result), why(&result), result.employees.contested.len()), (vec![1, 2], "proven", 0));
}

#[test]
fn records_without_an_id_are_counted() {
    let nobody = r#"{"type":"Employee","attributes":{"email":{"value":"a@example.org"}}}"#.to_owned();
    let script = service(move |_| page(2, &[nobody.clone(), nobody.clone()]));
    let result = read(&script);
    assert_eq!((ids(&result), result.without_id), (vec![], 2));
}

#[test]
fn a_busy_sign_in_is_waited_for_as_long_as_personio_documents() {
    let sign_ins = AtomicU64::new(0);
    let script = Script::serve(move |asked| match asked.line().as_str() {
        "POST /v1/auth" => match sign_ins.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::empty(429),
            1 => Answer::empty(429).header("retry-after", "7"),
            _ => signed_in("papi-1"),
        },
        _ => pages(asked, 1..=3, 100),
    });
    let (source, clock) = source(&script);
    assert_eq!(ids(&source.employees(&attributes(), &NoProgress).unwrap()), [1, 2, 3]);
    let waited: u64 = clock.waits().iter().map(std::time::Duration::as_secs).sum();
    assert!((66..=68).contains(&waited), "{:?}", clock.waits());
}

#[test]
fn without_a_total_everything_is_read_and_nothing_is_proven() {
    let script = service(|asked| {
        let offset = number(asked, "offset");
        page(None, &(offset + 1..=(offset + 100).min(230)).map(record).collect::<Vec<_>>())
    });
    let result = read(&script);
    assert_eq!(ids(&result).len(), 230);
    assert!(why(&result).contains("no total"), "{}", why(&result));
    // A service that repeats itself for ever is left, too.
    let script = service(|_| page(None, &[record(1), record(2)]));
    assert_eq!(ids(&read(&script)), [1, 2]);
}

#[test]
fn faults_on_the_way_are_survived() {
    // Each kind of fault once, at the first request for each page.
    let faults: [fn() -> Answer; 7] = [
        || Answer::html(502),
        || Answer::html(200),
        || Answer::json(200, r#"{"success":true,"data":[{"type"#),
        || Answer::empty(429),
        || Answer::empty(429).header("retry-after", "2"),
        Answer::none,
        || page(800, &[record(1)]).cut(40),
    ];
    let met = Mutex::new(BTreeSet::new());
    let script = service(move |asked| {
        let offset = number(asked, "offset");
        if offset > 0 && met.lock().insert(offset) {
            return faults[usize::try_from(offset / 100 - 1).unwrap()]();
        }
        pages(asked, 1..=800, 100)
    });
    let (source, clock) = source(&script);
    let result = source.employees(&attributes(), &NoProgress).unwrap();
    assert_eq!((ids(&result).len(), why(&result)), (800, "proven"));
    assert_eq!(reads(&script).len(), 8 + 7);
    assert!(clock.waits().len() >= 5, "{:?}", clock.waits());
}

#[test]
fn faults_that_stay_are_told_without_a_value() {
    use SourceErrorKind::*;
    // answer, kind, words
    type Fault = fn() -> Answer;
    let table: [(Fault, SourceErrorKind, &str); 9] = [
        (|| Answer::html(200), Unexpected, "HTML"),
        (
            || Answer::json(200, r#"{"success":true,"data":[{"attributes":{"email":"ines@example.org"#),
            Unexpected,
            "cut off",
        ),
        (|| Answer::json(200, r#"{"success":true}"#), Unexpected, "no list"),
        (|| Answer::html(502), Unavailable, "HTTP 502"),
        (|| Answer::empty(429), Unavailable, "HTTP 429"),
        (Answer::none, Unavailable, "no answer"),
        (|| Answer::json(401, r#"{"success":false,"error":{"code":401,"message":"no"}}"#), SignIn, "Marketplace"),
        (|| Answer::json(403, r#"{"success":false,"error":{"code":0,"message":"no"}}"#), Rights, "Employees: Read"),
        (
            || Answer::json(200, r#"{"success":false,"error":{"code":0,"message":"Ein Fehler"}}"#),
            Unexpected,
            "(code 0)",
        ),
    ];
    for (answer, kind, words) in table {
        let script = service(move |_| answer());
        let error = source(&script).0.employees(&attributes(), &NoProgress).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{words}: {error}");
        for secret in ["Ein Fehler", "papi", "the-client", "ines", "attributes[]", "offset"] {
            assert!(!error.message.contains(secret), "{secret}: {error}");
        }
    }
}

#[test]
fn a_fault_on_one_page_ends_the_whole_read() {
    let script = service(|asked| match number(asked, "offset") {
        300 => Answer::json(403, "{}"),
        _ => pages(asked, 1..=900, 100),
    });
    let error = source(&script).0.employees(&attributes(), &NoProgress).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Rights);
}

#[test]
fn sign_ins_that_fail() {
    use SourceErrorKind::*;
    // answers to the sign-in, kind, words
    let refused = r#"{"success":false,"error":{"code":0,"message":"Falsche Zugangsdaten"}}"#;
    let table = [
        (Answer::json(403, refused), SignIn, "client_secret"),
        (Answer::json(401, "{}"), SignIn, "client_secret"),
        (Answer::json(404, refused), SignIn, "client_secret"),
        (Answer::json(200, refused), SignIn, "client_secret"),
        (Answer::html(403), SignIn, "Marketplace"),
        (Answer::html(503), Unavailable, "HTTP 503"),
        (Answer::empty(429), Unavailable, "too many sign-ins"),
        (Answer::html(404), Unavailable, "HTTP 404"),
        (Answer::html(200), Unavailable, "HTML"),
        (Answer::json(200, r#"{"success":true,"data":{}}"#), Unavailable, "not the JSON"),
        (Answer::json(200, r#"{"success":true,"data":{"token":""}}"#), Unavailable, "without a token"),
    ];
    for (answer, kind, words) in table {
        let script = Script::serve(move |_| answer.clone());
        let error = source(&script).0.employees(&attributes(), &NoProgress).unwrap_err();
        assert_eq!(error.kind, kind, "{words}: {error}");
        assert!(error.message.contains(words), "{words}: {error}");
        assert!(!error.message.contains("the-client"), "{error}");
        assert!(script.lines().iter().all(|line| line == "POST /v1/auth"));
    }
    let clock = Arc::new(FakeClock::default());
    let source = PersonioSource::with_clock(settings(nobody_there()), clock as _).unwrap();
    let error = source.employees(&attributes(), &NoProgress).unwrap_err();
    assert_eq!(error.kind, Unavailable);
}

#[test]
fn a_record_that_surprises_stops_nobody_else() {
    let script = service(|_| {
        let odd = record(2).replace(r#""e2@example.org""#, r#"{"private":"e2@example.org"}"#);
        page(3, &[record(3), odd, record(1)])
    });
    let result = read(&script);
    assert_eq!((ids(&result), why(&result)), (vec![1, 2, 3], "proven"));
    let column = result.employees.attributes.column("email").unwrap();
    assert_eq!(result.employees.get(EmployeeId(2)).unwrap().value(column), &Value::Hidden);
    let [notice] = &*result.notices else { panic!("{:?}", result.notices) };
    assert_eq!((notice.code, notice.employee), (crate::code::Code::UnexpectedValue, Some(EmployeeId(2))));
    assert!(notice.message.contains("`email`") && !notice.message.contains("example"), "{}", notice.message);
}

#[test]
fn the_pace_is_kept() {
    let script = service(|asked| pages(asked, 1..=40, 1));
    let (source, clock) = source(&script);
    source.employees(&attributes(), &NoProgress).unwrap();
    assert!(!clock.waits().is_empty(), "forty pages are more than one second allows");
    let clock = Arc::new(FakeClock::default());
    let lifted =
        SourceSettings { requests_per_minute: u32::MAX, requests_per_second: u32::MAX, ..settings(script.base_url()) };
    let source = PersonioSource::with_clock(lifted, Arc::clone(&clock) as _).unwrap();
    source.employees(&attributes(), &NoProgress).unwrap();
    assert_eq!(clock.waits(), []);
}

#[test]
fn progress_reaches_what_it_announced() {
    #[derive(Default)]
    struct Counting {
        expected: AtomicU64,
        done: AtomicU64,
    }
    impl Progress for Counting {
        fn expect(&self, total: u64) {
            self.expected.store(total, Ordering::SeqCst);
        }
        fn advance(&self, steps: u64) {
            self.done.fetch_add(steps, Ordering::SeqCst);
        }
    }
    let script = right_on_the_second_look();
    let progress = Counting::default();
    source(&script).0.employees(&attributes(), &progress).unwrap();
    assert_eq!((progress.expected.into_inner(), progress.done.into_inner()), (100, 100));
}

#[test]
fn nobody_is_gone_unless_personio_says_so() {
    use SourceErrorKind::*;
    let there = r#"{"success":true,"data":{"type":"Employee","attributes":{"id":{"label":"ID","value":7}}}}"#;
    let no_such = r#"{"success":false,"error":{"code":0,"message":"Es ist ein Problem aufgetreten"}}"#;
    let table: [(Answer, Result<Presence, SourceErrorKind>); 10] = [
        (Answer::json(200, there), Ok(Presence::There)),
        (Answer::json(404, no_such), Ok(Presence::Gone)),
        // A gateway, another service, somebody else, or nothing.
        (Answer::html(404), Err(Unexpected)),
        (Answer::empty(404), Err(Unexpected)),
        (Answer::json(404, r#"{"error":"no route"}"#), Err(Unexpected)),
        (Answer::json(200, there.replace(":7", ":8")), Err(Unexpected)),
        (Answer::json(200, no_such), Err(Unexpected)),
        (Answer::html(200), Err(Unexpected)),
        (Answer::json(403, no_such), Err(Rights)),
        (Answer::html(503), Err(Unavailable)),
    ];
    for (answer, expected) in table {
        let script = Script::serve(move |asked| match asked.line().as_str() {
            "POST /v1/auth" => signed_in("papi-1"),
            "GET /v1/company/employees/7" => answer.clone(),
            other => panic!("{other}"),
        });
        let found = source(&script).0.presence(EmployeeId(7)).map_err(|error| error.kind);
        assert_eq!(found, expected);
        let asked = reads(&script);
        assert_eq!(
            asked[0].query,
            [("attributes[]".to_owned(), "id".to_owned())],
            "no more than whether they are there"
        );
    }
}

#[test]
fn the_catalogue_lists_what_may_be_read() {
    let script = Script::serve(|asked| match asked.line().as_str() {
        "POST /v1/auth" => signed_in("papi-1"),
        "GET /v1/company/employees/attributes" => Answer::json(
            200,
            r#"{"success":true,"data":[
                {"key":"dynamic_4711","label":"Staff number","type":"standard","universal_id":null,"options":[]},
                {"key":"dynamic_12","label":"Shirt","type":"list","universal_id":"shirt","options":["S","M",7,null]},
                {"key":"email"}]}"#,
        ),
        other => panic!("{other}"),
    });
    let entries = source(&script).0.catalogue().unwrap();
    assert_eq!((&*entries[0].key, &*entries[0].label, &*entries[0].kind), ("dynamic_4711", "Staff number", "standard"));
    assert_eq!(
        (entries[1].universal_id.as_deref(), &*entries[1].options),
        (Some("shirt"), &["S", "M", "7"].map(String::from)[..])
    );
    assert_eq!(entries[2].key, "email");
    let script = Script::serve(|asked| match asked.path.as_str() {
        "/v1/auth" => signed_in("papi-1"),
        _ => Answer::json(403, r#"{"success":false,"error":{"code":403,"message":"no"}}"#),
    });
    assert_eq!(source(&script).0.catalogue().unwrap_err().kind, SourceErrorKind::Rights);
}

/// A service that takes addresses of so many bytes at most, as a server or a proxy does.
fn with_lines_up_to(longest: usize, employees: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Script {
    service(move |asked| {
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pairs = asked.query.iter().map(|(name, value)| encoded(name).len() + encoded(value).len() + 2);
        if asked.path.len() + pairs.sum::<usize>() > longest { Answer::html(431) } else { employees(asked) }
    })
}

/// Somebody with the attributes that were asked for, each of which says whose it is.
fn with_what_was_asked(id: u64, asked: &Received) -> String {
    let keys = asked.query.iter().filter(|(name, key)| name == "attributes[]" && key != "id").map(|(_, key)| key);
    let values: String = keys.map(|key| format!(r#","{key}":{{"value":"{key} of {id}","type":"standard"}}"#)).collect();
    format!(r#"{{"type":"Employee","attributes":{{"id":{{"value":{id},"type":"integer"}}{values}}}}}"#)
}

fn many_attributes() -> Attributes {
    Attributes::new((0..250).map(|number| format!("dynamic_{}", 10_000_000 + number)))
}

#[test]
fn more_attributes_than_an_address_holds_are_read_in_portions_and_put_together_by_id() {
    // bytes that the service takes, requests: refused ones, and one for each portion of each of two pages
    for (longest, requests) in [(8_192, 2 * 2), (4_096, 1 + 2 * 5)] {
        // The order of the list is another one for each portion.
        let script = with_lines_up_to(longest, |asked| {
            let turned = asked.query.iter().any(|(_, key)| key == "dynamic_10000249");
            let ids: Vec<u64> = if turned { (1..=120).rev().collect() } else { (1..=120).collect() };
            let offset = usize::try_from(number(asked, "offset")).unwrap();
            let rows: Vec<String> =
                ids.iter().skip(offset).take(100).map(|id| with_what_was_asked(*id, asked)).collect();
            page(120, &rows)
        });
        let result = source(&script).0.employees(&many_attributes(), &NoProgress).unwrap();
        assert_eq!((ids(&result), why(&result)), ((1..=120).collect(), "proven"), "{longest}");
        for employee in &result.employees.list {
            for key in many_attributes().keys() {
                let value = employee.value(result.employees.attributes.column(key).unwrap());
                assert_eq!(*value, Value::Text(format!("{key} of {}", employee.id).into()));
            }
        }
        assert_eq!(reads(&script).len(), requests, "{longest}: nobody is read twice for nothing");
    }
}

#[test]
fn somebody_who_joins_between_two_portions_is_read_again() {
    let asked_before = AtomicU64::new(0);
    let script = with_lines_up_to(8_192, move |asked| {
        let people = if asked_before.fetch_add(1, Ordering::SeqCst) == 0 { 2 } else { 3 };
        page(people, &(1..=people).map(|id| with_what_was_asked(id, asked)).collect::<Vec<_>>())
    });
    let result = source(&script).0.employees(&many_attributes(), &NoProgress).unwrap();
    assert_eq!((ids(&result), why(&result)), (vec![1, 2, 3], "proven"));
    let column = result.employees.attributes.column("dynamic_10000000").unwrap();
    assert_eq!(result.employees.get(EmployeeId(3)).unwrap().value(column).as_text(), Some("dynamic_10000000 of 3"));
}

#[test]
fn who_comes_with_one_portion_only_proves_nothing_and_keeps_the_rest_hidden() {
    let script = with_lines_up_to(8_192, |asked| {
        let first = asked.query.iter().any(|(_, key)| key == "dynamic_10000000");
        let ids = if first { [1, 2] } else { [1, 3] };
        page(2, &ids.map(|id| with_what_was_asked(id, asked)))
    });
    let result = source(&script).0.employees(&many_attributes(), &NoProgress).unwrap();
    assert_eq!(ids(&result), [1, 2, 3]);
    assert!(why(&result).contains("2 employees came with some of the attributes only"), "{}", why(&result));
    let value = |id, key: &str| {
        let column = result.employees.attributes.column(key).unwrap();
        result.employees.get(EmployeeId(id)).unwrap().value(column).clone()
    };
    assert!(value(2, "dynamic_10000249").is_hidden() && value(3, "dynamic_10000000").is_hidden());
    assert!(!value(1, "dynamic_10000249").is_hidden() && !value(1, "dynamic_10000000").is_hidden());
}

#[test]
fn an_address_that_is_too_long_however_short_it_is_names_the_list_to_shorten() {
    let script = with_lines_up_to(100, |_| panic!("nothing is that short"));
    let error = source(&script).0.employees(&many_attributes(), &NoProgress).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::TooLong);
    assert!(error.message.contains("`personio.attributes`") && error.message.contains("HTTP 431"), "{error}");
    assert!(reads(&script).len() < 5, "{:?}", reads(&script).len());
}

#[test]
fn who_changed_is_read_page_by_page_and_proves_nothing() {
    // people, each how often
    for (people, times, requests) in [(0, 1, 1), (1, 1, 1), (100, 1, 1), (130, 1, 2), (130, 2, 3)] {
        let script =
            service(move |asked| pages(asked, (1..=people).flat_map(|id| std::iter::repeat_n(id, times)), 100));
        let since = "2026-11-21T03:00:00Z".parse().unwrap();
        let result = source(&script).0.changed(&attributes(), since, &NoProgress).unwrap().unwrap();
        assert_eq!(ids(&result), (1..=people).collect::<Vec<_>>(), "{people} by {times}");
        assert_eq!(why(&result), "only those who changed were read");
        assert!(result.employees.contested.is_empty());
        let asked = reads(&script);
        assert_eq!(asked.len(), requests, "{people} by {times}");
        for asked in &asked {
            assert_eq!(asked.param("updated_since"), Some("2026-11-21T03:00:00"));
            assert_eq!(number(asked, "limit"), 100);
        }
    }
}

#[test]
fn attributes_in_portions_say_nothing_of_who_changed() {
    let script = service(|_| panic!("nothing is asked"));
    let many = Attributes::new((0..600).map(|number| format!("dynamic_{}", 10_000_000 + number)));
    let since = "2026-11-21T03:00:00Z".parse().unwrap();
    assert!(source(&script).0.changed(&many, since, &NoProgress).unwrap().is_none());
}
