use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::http::testing::{Answer, FakeClock, Script, nobody_there};
use crate::http::*;

fn settings(base_url: String) -> ClientSettings {
    ClientSettings { timeout: Duration::from_secs(5), ..ClientSettings::new(base_url) }
}

fn client(script: &Script) -> (Client, Arc<FakeClock>) {
    at(script.base_url())
}

fn at(base_url: String) -> (Client, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::default());
    let auth = Box::new(FixedAuth::new(vec![("authorization", "Bearer secret-token".to_owned())]));
    (Client::with_clock(settings(base_url), auth, Arc::clone(&clock) as Arc<dyn Clock>).unwrap(), clock)
}

/// The seconds of each wait without its random part, which never reaches the next power of two.
fn seconds(clock: &FakeClock) -> Vec<u64> {
    clock.waits().iter().map(|wait| 1 << wait.as_secs().ilog2()).collect()
}

#[test]
fn a_request_arrives_as_it_was_meant() {
    let script = Script::answers([Answer::json(201, r#"{"id":7}"#).header("X-Seen", "yes")]);
    let (client, _) = client(&script);
    let request = Request::new(Method::Post, "/things?fixed=1")
        .query("filter", "name eq \"A&B +1\"")
        .query("attributes[]", "email")
        .header("x-extra", "extra")
        .json(&serde_json::json!({"name": "Ines"}));
    let (answer, exchanges) = record(|| client.send(&request).unwrap());
    assert_eq!((answer.status, answer.header("x-seen")), (201, Some("yes")));
    assert_eq!(answer.json::<serde_json::Value>().unwrap()["id"], 7);
    let asked = &script.asked()[0];
    assert_eq!(asked.line(), "POST /things");
    assert_eq!(
        asked.query,
        [("fixed", "1"), ("filter", "name eq \"A&B +1\""), ("attributes[]", "email")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(asked.header("authorization"), Some("Bearer secret-token"));
    assert_eq!(asked.header("x-extra"), Some("extra"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.header("user-agent"), Some(concat!("personio-sync/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(asked.header("accept-encoding"), Some("gzip"));
    assert_eq!(asked.body, br#"{"name":"Ines"}"#);
    let wanted = Exchange { method: Method::Post, path: "/things".into(), status: Some(201), refused: false };
    assert_eq!(exchanges, [wanted]);
}

#[test]
fn compressed_answers_are_read() {
    // `{"id":7}` as gzip.
    let body: Vec<u8> =
        vec![31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 171, 86, 202, 76, 81, 178, 50, 175, 5, 0, 67, 95, 7, 18, 8, 0, 0, 0];
    let script = Script::answers([Answer::of(200, "application/json", body).header("content-encoding", "gzip")]);
    assert_eq!(client(&script).0.send(&Request::get("/")).unwrap().body, br#"{"id":7}"#);
}

#[test]
fn an_answer_is_not_unpacked_without_end() {
    // `{"id":7}` as gzip: small as it is sent, and one byte more than is taken.
    let body: Vec<u8> =
        vec![31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 171, 86, 202, 76, 81, 178, 50, 175, 5, 0, 67, 95, 7, 18, 8, 0, 0, 0];
    let answer = || Answer::of(200, "application/json", body.clone()).header("content-encoding", "gzip");
    for (largest, fits) in [(8, true), (7, false)] {
        let script = Script::answers([answer(), answer()]);
        let settings = ClientSettings { largest_answer: largest, ..settings(script.base_url()) };
        let client = Client::new(settings, Box::new(FixedAuth::default())).unwrap();
        let outcome = client.send(&Request::get("/people"));
        assert_eq!(outcome.is_ok(), fits, "{largest}");
        assert_eq!(matches!(outcome, Err(HttpError::TooLarge { .. })), !fits, "{largest}");
        assert_eq!(script.asked().len(), 1, "and is not asked for again");
    }
}

#[test]
fn what_is_harmless_is_repeated_and_counts_once() {
    let script = Script::answers([
        Answer::html(502),
        Answer::none(),
        Answer::json(200, r#"{"people":[1,2,3]}"#).cut(9),
        Answer::empty(429).header("retry-after", "30"),
        Answer::json(200, "{}"),
    ]);
    let (client, clock) = client(&script);
    let (answer, exchanges) = record(|| client.send(&Request::get("/people").query("q", "x")).unwrap());
    assert_eq!(answer.status, 200);
    assert_eq!(script.asked().len(), 5);
    assert_eq!(seconds(&clock)[..3], [1, 2, 4]);
    assert_eq!(clock.waits()[3], Duration::from_secs(30));
    assert_eq!(
        exchanges,
        [Exchange { method: Method::Get, path: "/people".into(), status: Some(200), refused: false }]
    );
}

#[test]
fn a_write_whose_outcome_is_unknown_is_sent_once() {
    for lost in [Answer::none(), Answer::json(201, r#"{"id":1}"#).cut(4)] {
        let script = Script::answers([lost]);
        let (client, clock) = client(&script);
        let request = Request::new(Method::Post, "/people").query("email", "ines@example.com");
        let (answer, exchanges) = record(|| client.send(&request));
        let error = answer.unwrap_err();
        assert!(matches!(error, HttpError::Lost { .. }), "{error:?}");
        assert!(!error.to_string().contains("example.com") && !error.to_string().contains("secret"), "{error}");
        assert_eq!((script.asked().len(), clock.waits().len()), (1, 0));
        assert_eq!(
            exchanges,
            [Exchange { method: Method::Post, path: "/people".into(), status: None, refused: false }]
        );
    }
}

#[test]
fn a_write_is_repeated_when_nothing_happened() {
    let script = Script::answers([Answer::empty(429).header("retry-after", "3"), Answer::empty(503)]);
    let (client, clock) = client(&script);
    let answer = client.send(&Request::new(Method::Post, "/people")).unwrap();
    assert_eq!(answer.status, 503, "a 5xx after a write is an answer, not a reason to write again");
    assert_eq!(clock.waits(), [Duration::from_secs(3)]);
    assert_eq!(script.asked().len(), 2);
}

#[test]
fn an_answer_may_say_in_its_body_that_there_are_too_many_requests() {
    let busy = || Answer::json(200, r#"{"ok":false,"error":"ratelimited"}"#);
    let script = Script::answers([busy().header("retry-after", "7"), busy(), Answer::json(200, r#"{"ok":true}"#)]);
    let clock = Arc::new(FakeClock::default());
    let mut settings = settings(script.base_url());
    settings.says_busy = |answer| answer.body.ends_with(b"\"ratelimited\"}");
    settings.retry.busy_wait = Some(Duration::from_secs(20));
    let shared = Arc::clone(&clock) as Arc<dyn Clock>;
    let client = Client::with_clock(settings, Box::new(FixedAuth::new(Vec::new())), shared).unwrap();
    let answer = client.send(&Request::new(Method::Post, "/users.profile.set")).unwrap();
    assert_eq!(answer.body, br#"{"ok":true}"#);
    assert_eq!(clock.waits(), [Duration::from_secs(7), Duration::from_secs(20)], "as told, and else a pause");
    assert_eq!(script.asked().len(), 3);
}

#[test]
fn attempts_end() {
    let script = Script::serve(|_| Answer::html(502));
    let (client, clock) = client(&script);
    assert_eq!(client.send(&Request::get("/")).unwrap().status, 502);
    assert_eq!(seconds(&clock), [1, 2, 4, 8]);
}

#[test]
fn nobody_there_is_not_sent() {
    let (client, clock) = at(nobody_there());
    let (answer, exchanges) = record(|| client.send(&Request::new(Method::Post, "/secret-path").query("q", "x")));
    let error = answer.unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(!error.to_string().contains("secret-path"), "{error}");
    assert_eq!(seconds(&clock), [1, 2]);
    assert_eq!(exchanges, []);
}

#[test]
fn a_redirect_is_an_answer() {
    let other = Script::answers([Answer::json(200, "{}")]);
    let script = Script::answers([Answer::empty(302).header("location", &other.base_url())]);
    assert_eq!(client(&script).0.send(&Request::get("/")).unwrap().status, 302);
    assert_eq!(other.asked().len(), 0);
}

#[test]
fn links_are_followed_to_the_same_service_only() {
    let script = Script::serve(|_| Answer::json(200, "{}"));
    let (client, _) = client(&script);
    let base = script.base_url();
    let port = base.rsplit(':').next().unwrap();
    assert!(client.send(&Request::get(format!("{base}/people?cursor=x"))).is_ok());
    assert_eq!(script.asked()[0].param("cursor"), Some("x"));
    for foreign in [
        "https://example.com/people".to_owned(),
        format!("http://127.0.0.1:{}/people", port.parse::<u16>().unwrap() ^ 1),
        format!("https://127.0.0.1:{port}/people"),
        format!("http://localhost:{port}/people"),
        format!("http://user:word@127.0.0.1:{port}/people"),
        "people".to_owned(),
        String::new(),
    ] {
        let answer = client.send(&Request::get(foreign.clone()));
        assert!(matches!(answer, Err(HttpError::ForeignLink(_))), "{foreign}: {answer:?}");
    }
    // An address that begins with two slashes stays with the service, too.
    assert!(client.send(&Request::get("//example.com/people")).is_ok());
    assert_eq!(script.asked().len(), 2);
}

#[test]
fn a_base_address_may_have_a_path_which_the_record_leaves_out() {
    let script = Script::serve(|_| Answer::json(200, "{}"));
    let (client, _) = at(format!("{}/sandbox/desk", script.base_url()));
    let next = format!("{}/sandbox/desk/api/people?page=2", script.base_url());
    let (_, exchanges) = record(|| {
        client.send(&Request::get("/api/people?page=1")).unwrap();
        client.send(&Request::get(next)).unwrap();
    });
    assert_eq!(script.lines(), ["GET /sandbox/desk/api/people", "GET /sandbox/desk/api/people"]);
    assert!(exchanges.iter().all(|exchange| exchange.path == "/api/people"), "{exchanges:?}");
}

#[test]
fn a_failed_handshake_is_not_sent() {
    let script = Script::serve(|_| Answer::json(200, "{}"));
    let (client, clock) = at(script.base_url().replace("http://", "https://"));
    let error = client.send(&Request::new(Method::Post, "/people")).unwrap_err();
    assert!(matches!(error, HttpError::NotSent { .. }), "{error:?}");
    assert_eq!((seconds(&clock), script.asked().len()), (vec![1, 2], 0));
}

#[test]
fn a_refused_token_is_renewed_until_a_new_one_is_refused_as_well() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let script = Script::serve(|asked| match asked.header("authorization") {
        Some("Bearer token-1") if asked.path == "/open" => Answer::json(200, "{}"),
        _ => Answer::json(401, "{}"),
    });
    let count = Arc::clone(&fetched);
    let auth = TokenAuth::new(move || Ok(format!("token-{}", count.fetch_add(1, Ordering::SeqCst))), Vec::new());
    let client = Client::new(settings(script.base_url()), Box::new(auth)).unwrap();
    let write = Request::new(Method::Post, "/open");
    assert_eq!(client.send(&write).unwrap().status, 200, "a refused write did not happen");
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
    assert_eq!(client.send(&Request::get("/closed")).unwrap().status, 401);
    assert_eq!((fetched.load(Ordering::SeqCst), script.asked().len()), (4, 5));
}

#[test]
fn a_reader_does_not_write() {
    let script = Script::serve(|_| Answer::json(200, "{}"));
    let (client, _) = client(&script);
    let reader = client.reader();
    assert!(reader.send(&Request::get("/people")).is_ok());
    assert!(reader.send(&Request::new(Method::Post, "/search").repeat(Repeat::Harmless)).is_ok());
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        let answer = reader.send(&Request::new(method, "/people"));
        assert!(matches!(answer, Err(HttpError::NotSent { .. })), "{method:?}");
    }
    assert_eq!(script.lines(), ["GET /people", "POST /search"]);
}

#[test]
fn a_limit_is_kept_across_threads_without_waiting_for_real() {
    let script = Script::serve(|_| Answer::json(200, "{}"));
    let clock = Arc::new(FakeClock::default());
    let settings = settings(script.base_url()).limit("default", 2, Duration::from_secs(1));
    let client =
        Client::with_clock(settings, Box::new(FixedAuth::default()), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| client.send(&Request::get("/")).unwrap());
        }
    });
    assert_eq!(script.asked().len(), 4);
    assert!(!clock.waits().is_empty());
}

#[test]
fn a_form_with_a_file_arrives_whole_also_the_second_time_and_is_not_repeated_when_lost() {
    let script = Script::answers([Answer::empty(429).header("retry-after", "1"), Answer::none()]);
    let (client, _) = client(&script);
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let file = File { name: "Lohn \"Übersicht\".pdf".into(), bytes: bytes.clone().into() };
    let request = Request::new(Method::Post, "/documents")
        .multipart(vec![Part::text("employee_id", 9001), Part::file("file", file)]);
    assert!(matches!(client.send(&request), Err(HttpError::Lost { .. })));
    let asked = script.asked();
    assert_eq!(asked.len(), 2, "once refused, once lost");
    for asked in &asked {
        let kind = asked.header("content-type").unwrap();
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let mut wanted = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"employee_id\"\r\n\r\n9001\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"Lohn \\\"Übersicht\\\".pdf\"\r\n\
             Content-Type: application/pdf\r\n\r\n"
        )
        .into_bytes();
        wanted.extend(&bytes);
        wanted.extend(format!("\r\n--{boundary}--\r\n").bytes());
        assert!(asked.body == wanted, "{}", String::from_utf8_lossy(&asked.body[..300]));
    }
}

#[test]
fn a_request_that_waits_is_dropped_when_the_process_is_asked_to_stop() {
    let busy = || Answer::empty(429).header("retry-after", "40");
    // A write that was refused as one too many has done nothing, so that nothing is left open.
    let script = Script::answers([busy(), Answer::json(201, "{}")]);
    let (client, clock) = client(&script);
    clock.interrupted_after(Duration::from_secs(3));
    let write = Request::new(Method::Post, "/people");
    let (answer, exchanges) = record(|| client.send(&write));
    assert!(matches!(answer, Err(HttpError::Interrupted { .. })), "{answer:?}");
    assert_eq!((script.asked().len(), exchanges), (1, Vec::new()));
}

#[test]
fn what_may_have_been_done_is_told_although_the_wait_for_the_next_try_ends_early() {
    let script = Script::answers([Answer::empty(503).header("retry-after", "40")]);
    let (client, clock) = client(&script);
    clock.interrupted_after(Duration::from_secs(3));
    assert_eq!(client.send(&Request::new(Method::Put, "/people/1")).unwrap().status, 503);
}

#[test]
fn a_wait_that_is_too_long_is_named() {
    let script = Script::answers([Answer::empty(429).header("retry-after", "900")]);
    let answer = client(&script).0.send(&Request::get("/people")).unwrap();
    assert_eq!(answer.too_busy(), "too busy: it asks to wait 900 s, and a run waits 300 s at most; run again then");
    assert_eq!(script.asked().len(), 1);
}

#[test]
fn readers_share_the_renewal_of_tokens_that_die_young() {
    // Each token is good for three requests.
    let (fetched, used) = (Arc::new(AtomicUsize::new(0)), Arc::new(parking_lot::Mutex::new((String::new(), 0))));
    let script = Script::serve(move |asked| {
        let mut used = used.lock();
        let token = asked.header("authorization").unwrap_or_default();
        if used.0 != token {
            *used = (token.to_owned(), 0);
        }
        used.1 += 1;
        if used.1 > 3 { Answer::empty(401) } else { Answer::json(200, "{}") }
    });
    let count = Arc::clone(&fetched);
    let auth = TokenAuth::new(move || Ok(format!("token-{:03}", count.fetch_add(1, Ordering::SeqCst))), Vec::new());
    let client = Client::new(settings(script.base_url()), Box::new(auth)).unwrap();
    for _ in 0..24 {
        assert_eq!(client.send(&Request::get("/page")).unwrap().status, 200);
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 8);
}

#[test]
fn a_credential_that_is_revoked_is_tried_twice() {
    let script = Script::serve(|_| Answer::empty(401));
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let auth = TokenAuth::new(move || Ok(format!("token-{}", count.fetch_add(1, Ordering::SeqCst))), Vec::new());
    let client = Client::new(settings(script.base_url()), Box::new(auth)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(client.send(&Request::get("/page")).unwrap().status, 401));
        }
    });
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
}
