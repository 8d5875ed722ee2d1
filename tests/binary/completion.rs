//! What a shell is given when somebody presses Tab.

use std::path::Path;
use std::process::Command;

use super::scene::{DESK, LIST, Ran, Scene, program};

const WORKFLOW: &str = r#"
[targets.desk.workflows.onboarding]
on = "joiner"
[targets.list.workflows.offboarding]
"#;

/// What a shell is offered at the end of a line.
fn offered(folder: &Path, shell: &str, line: &[&str]) -> Vec<String> {
    let mut command = program(folder);
    command.env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", line.len().to_string());
    let arguments = [&["--", "personio-sync"], line].concat();
    let ran = Ran::of(command.args(&arguments).spawn().unwrap(), &arguments);
    assert_eq!((ran.code, &*ran.stderr), (0, ""), "{shell} {line:?}");
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn targets_workflows_and_codes_are_offered_and_nobody_is_contacted() {
    let scene = Scene::new(5, &format!("{DESK}{LIST}{WORKFLOW}"));
    let folder = scene.path("");
    let bash = |line: &[&str]| offered(&folder, "bash", line);
    for line in [&["plan", ""][..], &["sync", "--yes", ""], &["explain", "1001", ""], &["jobs", "--target", ""]] {
        let offered = bash(line);
        assert!(["desk", "list"].iter().all(|name| offered.iter().any(|one| one == name)), "{line:?}: {offered:?}");
    }
    assert_eq!(bash(&["pause", "d"]), ["desk"]);
    assert_eq!(bash(&["fields", "l"]), ["list"]);
    assert_eq!(bash(&["workflows", "show", "o"]), ["onboarding", "offboarding"]);
    assert_eq!(bash(&["codes", "max_cr"]), ["max_create"]);
    assert_eq!(bash(&["comp"]), ["completions"]);
    assert_eq!(scene.sandbox.requests(), []);

    // With the type where the shell shows help.
    assert_eq!(offered(&folder, "fish", &["pause", "d"]), ["desk\tfreshservice"]);
    assert_eq!(offered(&folder, "zsh", &["pause", "d"]), ["desk:freshservice"]);
}

#[test]
fn the_file_of_the_line_counts_and_a_broken_one_is_passed_over() {
    let scene = Scene::new(5, DESK);
    let folder = scene.path("");
    scene.write("other.toml", "[targets.shop]\ntype = \"scim\"\nbroken = \n");
    let bash = |line: &[&str]| offered(&folder, "bash", line);
    assert_eq!(bash(&["pause", "--config", "other.toml", "s"]), ["shop"]);
    assert_eq!(bash(&["--config=other.toml", "pause", "s"]), ["shop"]);
    assert_eq!(bash(&["pause", "--config", "other.toml", "d"]), [""; 0]);
    assert_eq!(bash(&["pause", "--config", "nowhere.toml", "d"]), [""; 0]);
    scene.write("personio-sync.toml", "\u{1}[[[");
    assert_eq!(bash(&["pause", "d"]), [""; 0]);
}

#[test]
fn bash_completes_with_the_script() {
    let scene = Scene::new(5, DESK);
    let pressed_tab = "source <(personio-sync completions bash); COMP_WORDS=(personio-sync pause d); COMP_CWORD=2; \
                       _clap_complete_personio_sync personio-sync d pause; echo \"${COMPREPLY[@]}\"";
    let built = Path::new(env!("CARGO_BIN_EXE_personio-sync")).parent().unwrap();
    let path = format!("{}:{}", built.display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-c", pressed_tab]).current_dir(scene.path("")).env("PATH", path);
    let output = bash.output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "desk\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn each_shell_has_a_script() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let arguments = ["completions", shell];
        let ran = Ran::of(program(folder.path()).args(arguments).spawn().unwrap(), &arguments);
        assert_eq!(ran.code, 0);
        ran.shows("COMPLETE").shows("personio-sync");
    }
}
