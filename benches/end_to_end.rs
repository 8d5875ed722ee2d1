//! The program against the sandbox, each in a process of its own: `cargo bench --bench end_to_end`.
//!
//! Sizes are arguments: `cargo bench --bench end_to_end -- 1000 10000 100000`. `--against PROGRAM` runs another program
//! in turn, and prints what this one takes of it. Nothing here passes or fails; `benches/README.md` has the figures.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod scene;

use std::env;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use scene::{Cost, DESK_TARGET, PROGRAM, Sandbox, run, write_file};

/// How often a read-only command is repeated; the fastest counts, as the others were disturbed.
const REPEATS: usize = 5;

/// A service desk is filled with one request for each person; beyond this many that is all that would be measured.
const LARGEST_DESK: usize = 10_000;

/// From this many people on, once is enough: it takes minutes.
const ONCE: usize = 500_000;

/// What a script costs that only reads and writes.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/simple.py");

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some(report) = scene::measures(&arguments) {
        println!("{report}");
        return;
    }
    let (sizes, other) = scene::sizes_and_other(&arguments, &[1_000, 10_000]);
    let programs = Programs { other };
    println!("{:<44} {:>9} {:>9} {:>9} {:>9} {:>11}", "", "user", "system", "wall", "max RSS", "sandbox CPU");
    programs.row("--help", REPEATS * 4, |program, _| run(None, program, &["--help"]));
    for size in sizes {
        one_size(size, &programs);
    }
}

/// This program, and the one it is held against.
struct Programs<'a> {
    other: Option<&'a str>,
}

impl Programs<'_> {
    /// Runs each in turn so often, and prints the cheapest run of each and what this one takes of the other.
    fn row(&self, label: &str, times: usize, run: impl Fn(&str, &str) -> Cost) {
        let (mut mine, mut others) = (Vec::new(), Vec::new());
        for _ in 0..times.max(1) {
            mine.push(run(PROGRAM, "this"));
            others.extend(self.other.map(|other| run(other, "other")));
        }
        let cheapest = |costs: Vec<Cost>| costs.into_iter().min_by_key(cpu);
        let Some(this) = cheapest(mine) else { return };
        print(label, &this);
        if let Some(other) = cheapest(others) {
            print("    the other", &other);
            let of = |mine: f64, other: f64| if other > 0.0 { mine / other } else { f64::NAN };
            println!(
                "    this takes of it: {:.2} of the CPU, {:.2} of the time, {:.2} of the memory",
                of(cpu(&this).as_secs_f64(), cpu(&other).as_secs_f64()),
                of(this.wall.as_secs_f64(), other.wall.as_secs_f64()),
                of(this.memory as f64, other.memory as f64),
            );
        }
    }
}

fn one_size(size: usize, programs: &Programs<'_>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sandbox = Sandbox::start(size, folder.path());
    let write = |name: &str, target| write_file(folder.path(), name, &sandbox.base_url, target);
    let file_of = |whose: &str| write(&format!("file-{whose}"), FILE_TARGET);
    let desk_of = |whose: &str| write(&format!("desk-{whose}"), DESK_TARGET);
    // The sandbox invents an employee's record when it is first asked for; that is not what is measured.
    let invented = run(Some(&sandbox), PROGRAM, &["plan", "--config", &file_of("this")]).wall;
    println!(
        "{size} employees (a first plan, which makes the sandbox invent them, took {:.1} s)",
        invented.as_secs_f64()
    );
    let repeats = if size < ONCE { REPEATS } else { 1 };
    for (name, config) in [("file", &file_of as &dyn Fn(&str) -> String), ("service desk", &desk_of)] {
        if name == "service desk" && size > LARGEST_DESK {
            continue;
        }
        let sync =
            |program: &str, whose: &str| run(Some(&sandbox), program, &["sync", "--yes", "--config", &config(whose)]);
        programs.row(&format!("  fill the {name}"), 1, sync);
        // What a second sync settles, references that the first could not; then nothing is left.
        programs.row(&format!("  sync the {name} again"), 1, sync);
        programs.row(&format!("  plan the {name}, nothing to do"), repeats, |program, whose| {
            run(Some(&sandbox), program, &["plan", "--config", &config(whose)])
        });
    }
    if size < ONCE && has_requests() {
        let cost = (0..REPEATS).map(|_| script(&sandbox, folder.path())).min_by_key(cpu);
        print("  simple.py: read everybody, write a CSV file", &cost.unwrap_or_default());
    }
}

fn cpu(cost: &Cost) -> Duration {
    cost.user + cost.system
}

fn has_requests() -> bool {
    let quietly = Command::new("python3").args(["-c", "import requests"]).stderr(Stdio::null()).status();
    quietly.is_ok_and(|status| status.success())
}

fn script(sandbox: &Sandbox, folder: &Path) -> Cost {
    let base = format!("{}/personio", sandbox.base_url);
    let file = folder.join("simple.csv");
    run(Some(sandbox), "python3", &[SCRIPT, &base, file.to_str().expect("a path that is text")])
}

fn print(label: &str, cost: &Cost) {
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
