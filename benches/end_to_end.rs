//! The program against the sandbox, each in a process of its own: `cargo bench --bench end_to_end`.
//!
//! Sizes are arguments: `cargo bench --bench end_to_end -- 1000 10000 100000`. Nothing here passes or fails;
//! `benches/README.md` has the figures.

#![expect(clippy::disallowed_methods, reason = "how long it takes is what is measured")]
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::env;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_personio-sync");

/// How often a read-only command is repeated; the fastest counts, as the others were disturbed.
const REPEATS: usize = 5;

/// The first argument of a copy of this bench that runs one command and reports what it cost.
const MEASURE: &str = "--measure";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some((first, command)) = arguments.split_first()
        && first == MEASURE
    {
        println!("{}", measure(command).line());
        return;
    }
    let mut sizes: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000];
    }
    println!("{:<44} {:>9} {:>9} {:>9} {:>9} {:>11}", "", "user", "system", "wall", "max RSS", "sandbox CPU");
    row("--help", &fastest(REPEATS * 4, || run(None, &["--help"])));
    for size in sizes {
        one_size(size);
    }
}

fn one_size(size: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sandbox = Sandbox::start(size, folder.path());
    let file = write_file(folder.path(), "file.toml", &sandbox.base_url, FILE_TARGET);
    let desk = write_file(folder.path(), "desk.toml", &sandbox.base_url, DESK_TARGET);
    // The sandbox invents an employee's record when it is first asked for; that is not what is measured.
    let started = Instant::now();
    run(Some(&sandbox), &["plan", "--config", &file]);
    println!("{size} employees (the sandbox took {:.1} s to invent them)", started.elapsed().as_secs_f64());
    for (name, file, repeats) in [("file", &file, 1), ("service desk", &desk, 1)] {
        row(
            &format!("  fill the {name}"),
            &fastest(repeats, || run(Some(&sandbox), &["sync", "--yes", "--config", file])),
        );
        // What a second sync settles, references that the first could not; then nothing is left.
        let settle = run(Some(&sandbox), &["sync", "--yes", "--config", file]);
        row(&format!("  sync the {name} again"), &settle);
        row(
            &format!("  plan the {name}, nothing to do"),
            &fastest(REPEATS, || run(Some(&sandbox), &["plan", "--config", file])),
        );
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    user: Duration,
    system: Duration,
    wall: Duration,
    memory: u64,
    sandbox: Duration,
    status: i32,
}

impl Cost {
    fn cpu(&self) -> Duration {
        self.user + self.system
    }

    fn line(&self) -> String {
        let micros = [self.user, self.system, self.wall].map(|time| time.as_micros().to_string());
        format!("{} {} {}", micros.join(" "), self.memory, self.status)
    }

    fn read(line: &str) -> Self {
        let numbers: Vec<i64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [user, system, wall, memory, status] = numbers[..] else { panic!("unexpected report: {line}") };
        let micros = |number: i64| Duration::from_micros(number.unsigned_abs());
        Self {
            user: micros(user),
            system: micros(system),
            wall: micros(wall),
            memory: memory.unsigned_abs(),
            sandbox: Duration::ZERO,
            status: i32::try_from(status).unwrap_or(-1),
        }
    }
}

/// Runs a command to its end. Only one command is run by this process, so that what its children cost is the
/// cost of that command.
fn measure(command: &[String]) -> Cost {
    let started = Instant::now();
    let status = Command::new(&command[0])
        .args(&command[1..])
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("the command runs");
    let wall = started.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system tells what children cost");
    let time = |value: TimeVal| {
        Duration::new(value.tv_sec().unsigned_abs(), u32::try_from(value.tv_usec()).unwrap_or_default() * 1_000)
    };
    Cost {
        user: time(usage.user_time()),
        system: time(usage.system_time()),
        wall,
        memory: usage.max_rss().unsigned_abs(),
        sandbox: Duration::ZERO,
        status: status.code().unwrap_or(-1),
    }
}

fn run(sandbox: Option<&Sandbox>, arguments: &[&str]) -> Cost {
    let before = sandbox.map(Sandbox::cpu);
    let output = Command::new(env::current_exe().expect("this bench"))
        .arg(MEASURE)
        .arg(PROGRAM)
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .expect("this bench runs itself");
    let mut cost = Cost::read(&String::from_utf8_lossy(&output.stdout));
    if let (Some(sandbox), Some(before)) = (sandbox, before) {
        cost.sandbox = sandbox.cpu().saturating_sub(before);
    }
    cost
}

fn fastest(times: usize, run: impl Fn() -> Cost) -> Cost {
    (0..times.max(1)).map(|_| run()).min_by_key(Cost::cpu).unwrap_or_default()
}

fn row(label: &str, cost: &Cost) {
    let failed = if cost.status == 0 { String::new() } else { format!("  (exit {})", cost.status) };
    println!(
        "{label:<44} {:>9} {:>9} {:>9} {:>7.1} M {:>11}{failed}",
        Seconds(cost.user),
        Seconds(cost.system),
        Seconds(cost.wall),
        cost.memory as f64 / 1024.0,
        Seconds(cost.sandbox),
    );
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.3} s", self.0.as_secs_f64()))
    }
}

/// The simulated systems in a process of their own; it ends with this value.
struct Sandbox {
    process: Child,
    base_url: String,
}

impl Sandbox {
    fn start(employees: usize, folder: &Path) -> Self {
        let mut process = Command::new(PROGRAM)
            .args(["sandbox", "--port", "0", "--whole-records", "--employees", &employees.to_string(), "--folder"])
            .arg(folder)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let messages = BufReader::new(process.stderr.take().expect("its messages"));
        let base_url = messages
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned))
            .expect("the sandbox says where it is");
        Self { process, base_url }
    }

    /// What the process has cost so far, to a hundredth of a second. Zero where the system does not tell.
    fn cpu(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        // The name before may hold blanks; it ends at the last bracket.
        let numbers = text.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = numbers.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reading is not slowed down: the pace of the real service would be all that is measured.
const SOURCE: &str = r#"
[personio]
client_id = "bench"
client_secret = "sandbox-secret"
base_url = "BASE/personio"
requests_per_minute = 1000000
requests_per_second = 1000000
"#;

const FILE_TARGET: &str = r#"
[targets.directory]
type = "file"
path = "directory.csv"
format = "csv"
match = ["Employee"]
include = ["employment_type == 'internal' or employment_type == 'external'"]

[targets.directory.mapping]
Employee = "employee_id"
Name = "first_name ~ ' ' ~ last_name"
E-mail = "email | lower"
Department = "department"
Office = "office"
Position = "position"
Manager = "supervisor_name"
Since = "hire_date"
"#;

const DESK_TARGET: &str = r#"
[targets.service-desk]
type = "freshservice"
base_url = "BASE/freshservice/service-desk"
api_key = "sandbox-secret"
match = ["primary_email"]
create_missing = ["department_ids", "location_id"]

[targets.service-desk.mapping]
first_name = "first_name"
last_name = "last_name"
primary_email = "email | lower"
job_title = "position"
department_ids = "department"
location_id = "office"
reporting_manager_id = "supervisor"
"#;

fn write_file(folder: &Path, name: &str, base_url: &str, target: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("{SOURCE}{target}").replace("BASE", base_url)).expect("a file is written");
    path.to_str().expect("a path that is text").to_owned()
}
