//! Programs as processes of their own, and the simulated systems that they run against.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The program of this build.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_personio-sync");

/// The first argument of a copy of a bench that runs one command and reports what it cost.
const MEASURE: &str = "--measure";

/// The sizes among the arguments of a bench, or its usual ones, and the program behind `--against`.
pub(crate) fn sizes_and_other<'a>(arguments: &'a [String], usual: &[usize]) -> (Vec<usize>, Option<&'a str>) {
    let sizes: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let other = arguments.iter().position(|argument| argument == "--against").and_then(|at| arguments.get(at + 1));
    (if sizes.is_empty() { usual.to_vec() } else { sizes }, other.map(String::as_str))
}

/// Measures one command and ends, where this process is a copy that was started for it.
pub(crate) fn measures(arguments: &[String]) -> Option<String> {
    let (first, command) = arguments.split_first()?;
    (first == MEASURE).then(|| measure(command).line())
}

/// What a process cost, as the system accounts for it once it is over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) wall: Duration,
    /// In KiB.
    pub(crate) memory: u64,
    /// What the sandbox took meanwhile.
    pub(crate) sandbox: Duration,
    pub(crate) status: i32,
}

impl Cost {
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
#[expect(clippy::disallowed_methods, reason = "how long it took is what a bench is for")]
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

/// Runs a program in a process of its own, and says what it cost.
pub(crate) fn run(sandbox: Option<&Sandbox>, program: &str, arguments: &[&str]) -> Cost {
    let before = sandbox.map(Sandbox::cpu);
    let output = Command::new(env::current_exe().expect("this bench"))
        .arg(MEASURE)
        .arg(program)
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

/// The simulated systems in a process of their own; it ends with this value.
pub(crate) struct Sandbox {
    process: Child,
    pub(crate) base_url: String,
}

impl Sandbox {
    pub(crate) fn start(employees: usize, folder: &Path) -> Self {
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
pub(crate) const SOURCE: &str = r#"
[personio]
client_id = "bench"
client_secret = "sandbox-secret"
base_url = "BASE/personio"
requests_per_minute = 1000000
requests_per_second = 1000000
"#;

pub(crate) const DESK_TARGET: &str = r#"
[targets.service-desk]
type = "freshservice"
base_url = "BASE/freshservice/DESK"
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

/// Writes a file into a folder of its own, where its state stays.
pub(crate) fn write_file(folder: &Path, name: &str, base_url: &str, target: &str) -> String {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder is made");
    let path = folder.join("personio-sync.toml");
    fs::write(&path, format!("{SOURCE}{target}").replace("DESK", name).replace("BASE", base_url))
        .expect("a file is written");
    path.to_str().expect("a path that is text").to_owned()
}
