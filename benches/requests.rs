//! What a run without changes asks for, and how long that takes at the limits that the services document:
//! `cargo bench --bench requests`.
//!
//! Each program runs against the sandbox without any limit, and what it sent is then sent once more on a simulated
//! clock, through the pacer that the program paces itself with. Sizes are arguments, and `--against PROGRAM` counts
//! another program as well. Nothing here passes or fails; `benches/README.md` has the figures.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod scene;

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use personio_sync::http::{Limit, Pacer, Response};
use scene::{DESK_TARGET, PROGRAM, Sandbox, run, write_file};

/// How long an answer takes: a page of employees, a page of requesters. Assumed.
const PERSONIO_ANSWERS: Duration = Duration::from_millis(200);
const DESK_ANSWERS: Duration = Duration::from_millis(300);

/// Pages of Personio that are read at the same time.
const READERS: usize = 4;

/// Personio allows 300 requests for employees a minute, and 15 a second.
const PERSONIO: [Limit; 2] = [
    Limit { class: EMPLOYEES, requests: 300, per: Duration::from_secs(60) },
    Limit { class: EMPLOYEES, requests: 15, per: Duration::from_secs(1) },
];
const EMPLOYEES: &str = "employees";
const REQUESTERS: &str = "requesters";
const OVERALL: &str = "overall";

/// The plans of Freshservice: requests a minute for lists of requesters, and for everything else.
const PLANS: [(&str, u32, u32); 2] = [("Growth", 70, 200), ("Pro", 120, 400)];

/// The service counts by the minute.
const MINUTE: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some(report) = scene::measures(&arguments) {
        println!("{report}");
        return;
    }
    let (sizes, other) = scene::sizes_and_other(&arguments, &[10_000]);
    println!("{:<44} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "Personio", "desk", "in all", "Growth", "Pro");
    for size in sizes {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sandbox = Sandbox::start(size, folder.path());
        println!("{size} employees and a service desk, nothing to change");
        let mut before = None;
        for (name, program) in other.map(|other| ("other", other)).into_iter().chain([("this", PROGRAM)]) {
            let config = write_file(folder.path(), &format!("desk-{name}"), &sandbox.base_url, DESK_TARGET);
            let sync = |more: &[&str]| {
                run(Some(&sandbox), program, &[&["sync", "--yes", "--config", &config], more].concat()).status
            };
            // The second settles references that the first could not.
            sync(&[]);
            sync(&[]);
            for (label, more) in [("a full run", &[][..]), ("changes only", &["--changes"][..])] {
                ask(&sandbox, "DELETE", "/requests");
                if sync(more) != 0 {
                    println!("  {name}: {label}: this program cannot");
                    continue;
                }
                let sent = Sent::of(&sandbox);
                sent.print(&format!("  {name}: {label}"));
                match &before {
                    None => before = Some(sent),
                    Some(before) => sent.compare(before),
                }
            }
        }
    }
}

/// The classes of what one run sent, in order.
struct Sent {
    personio: Vec<&'static str>,
    desk: Vec<&'static str>,
}

impl Sent {
    /// What the sandbox was sent since its log was emptied.
    fn of(sandbox: &Sandbox) -> Self {
        let log: serde_json::Value = serde_json::from_str(&ask(sandbox, "GET", "/requests")).expect("a list");
        let (mut personio, mut desk) = (Vec::new(), Vec::new());
        for request in log.as_array().into_iter().flatten() {
            let path = request["path"].as_str().unwrap_or_default();
            match request["system"].as_str() {
                Some("personio") => personio.push(if path.ends_with("/employees") { EMPLOYEES } else { OVERALL }),
                _ => desk.push(if path.ends_with("/requesters") { REQUESTERS } else { OVERALL }),
            }
        }
        Self { personio, desk }
    }

    fn total(&self) -> usize {
        self.personio.len() + self.desk.len()
    }

    /// How long it takes: source and target are read at the same time.
    fn time(&self, lists: u32, overall: u32) -> Duration {
        let budgets = BTreeMap::from([(REQUESTERS, lists), (OVERALL, overall)]);
        let source = at_the_limit(&self.personio, &PERSONIO, &BTreeMap::new(), READERS, PERSONIO_ANSWERS);
        let target = at_the_limit(&self.desk, &[], &budgets, 1, DESK_ANSWERS);
        source.max(target)
    }

    fn print(&self, label: &str) {
        let [growth, pro] = PLANS.map(|(_, lists, overall)| self.time(lists, overall).as_secs_f64());
        println!(
            "{label:<44} {:>9} {:>9} {:>9} {growth:>7.1} s {pro:>7.1} s",
            self.personio.len(),
            self.desk.len(),
            self.total(),
        );
    }

    fn compare(&self, before: &Self) {
        let of = |mine: f64, other: f64| format!("1/{:.1}", other / mine);
        let requests = of(self.total() as f64, before.total() as f64);
        let times = PLANS.map(|(name, lists, overall)| {
            let [mine, other] = [self, before].map(|sent| sent.time(lists, overall).as_secs_f64());
            format!("{} of the time ({name})", of(mine, other))
        });
        println!("    of the first line: {requests} of the requests, {}", times.join(", "));
    }
}

/// Asks the sandbox itself, not what it simulates.
fn ask(sandbox: &Sandbox, method: &str, path: &str) -> String {
    let host = sandbox.base_url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(host).expect("the sandbox is there");
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("a request is sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer in UTF-8");
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// How long requests take, sent by so many at the same time, each as soon as the pacer lets it, to a service that tells
/// what is left of its budgets.
fn at_the_limit(
    requests: &[&'static str],
    limits: &[Limit],
    budgets: &BTreeMap<&str, u32>,
    senders: usize,
    answers: Duration,
) -> Duration {
    let mut pacer = Pacer::new(limits.to_vec(), true);
    let mut ready = vec![Duration::ZERO; senders];
    let mut arrived: BTreeMap<&str, VecDeque<Duration>> = BTreeMap::new();
    for class in requests {
        let sender = (0..senders).min_by_key(|sender| ready[*sender]).unwrap_or_default();
        let sent = ready[sender] + pacer.book(class, ready[sender]);
        let answered = sent + answers;
        let counted = arrived.entry(class).or_default();
        counted.push_back(sent);
        while counted.front().is_some_and(|first| *first + MINUTE <= sent) {
            counted.pop_front();
        }
        let told = budgets.get(class).map(|total| {
            let used = u32::try_from(counted.len()).unwrap_or(u32::MAX);
            let header = |name: &str, number: u32| (name.to_owned(), number.to_string());
            Response {
                status: 200,
                headers: vec![
                    header("x-ratelimit-total", *total),
                    header("x-ratelimit-remaining", total.saturating_sub(used)),
                ],
                body: Vec::new(),
            }
        });
        pacer.record(class, sent, answered, told.as_ref());
        ready[sender] = answered;
    }
    ready.into_iter().max().unwrap_or_default()
}
