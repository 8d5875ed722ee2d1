//! What people see, whatever the names and titles of others hold.

use serde_json::json;

use super::scene::{LIST, Scene};

/// Sets a colour and a title, turns the order of letters, and begins a line of its own.
const NAME: &str = "Ada\u{1b}[31m\u{7}\u{9b}31m\u{85}\u{2028}\u{202e}eve\u{2066}\ndecided  nothing to do";

/// `keep_names` brings the name into the history as well.
const WITH_NAMES: &str = "[state]\nkeep_names = true\n";

#[test]
fn no_name_reaches_a_terminal_or_a_ticket_raw() {
    let scene = Scene::new(3, &format!("{LIST}{WITH_NAMES}"));
    scene.change(1002, json!({"first_name": NAME}));
    let page = scene.path("page.html");
    let cases: [(&[&str], bool); 10] = [
        (&["plan"], true),
        (&["plan", "--format", "markdown"], true),
        (&["explain", "1002"], true),
        (&["explain", "1002", "--format", "markdown"], true),
        (&["sync", "--yes"], true),
        (&["jobs"], true),
        (&["jobs", "--format", "markdown"], true),
        (&["runs"], false),
        (&["report"], false),
        (&["report", "--html", page.to_str().unwrap()], false),
    ];
    let raw = |letter: char| letter != '\n' && (letter.is_control() || "\u{2028}\u{202e}\u{2066}".contains(letter));
    for (arguments, names) in cases {
        let ran = scene.run(arguments, 0);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(raw), "{arguments:?}: {text:?}");
            assert!(!text.lines().any(|line| line.starts_with("decided")), "{arguments:?}: {text}");
        }
        assert_eq!(ran.stdout.contains("\\u{1b}"), names, "{arguments:?}: {}", ran.stdout);
    }
    assert!(!scene.read("page.html").contains(raw) && scene.read("page.html").contains("\\u{202e}"));
    let document = scene.run(&["explain", "1002", "--format", "json"], 0).json();
    assert!(document.to_string().contains("\\u001b"), "JSON has values as they are");
}

#[test]
fn one_long_word_is_cut_wherever_it_is_shown() {
    let scene = Scene::new(3, LIST);
    scene.change(1002, json!({"first_name": "x".repeat(90_000)}));
    for arguments in [["plan", "--all"], ["explain", "1002"], ["sync", "--yes"]] {
        let ran = scene.run(&arguments, 0);
        assert!(ran.stdout.len() < 20_000, "{arguments:?}: {}", ran.stdout.len());
    }
    scene.change(1002, json!({"first_name": format!("{}y", "x".repeat(90_000))}));
    let ran = scene.run(&["plan"], 0);
    assert!(ran.stdout.len() < 20_000, "{}", ran.stdout.len());
    assert!(ran.stdout.contains("xxxy"), "what differs is shown: {}", ran.stdout);
}

#[test]
fn lists_of_the_history_are_tables_in_markdown_too() {
    let scene = Scene::new(3, LIST);
    scene.sync();
    for command in ["runs", "jobs", "status", "attributes"] {
        let ran = scene.run(&[command, "--format", "markdown"], 0);
        assert!(ran.stdout.lines().any(|line| line.starts_with("|---|")), "{command}: {}", ran.stdout);
    }
}

#[test]
fn a_target_that_does_not_exist_is_no_empty_answer() {
    let scene = Scene::new(3, LIST);
    scene.sync();
    for arguments in [
        &["jobs", "--target", "lsit"][..],
        &["retry", "--failed", "--target", "lsit"],
        &["held", "--target", "lsit"],
        &["approve", "--all-shown", "--target", "lsit"],
    ] {
        scene.run(arguments, 2).says("there is no target `lsit`; did you mean `list`?");
    }
    // What the history has of a target is there to be read when the file has it no more.
    scene.configure(&LIST.replace("targets.list", "targets.staff"));
    scene.run(&["jobs", "--target", "list"], 0).shows("create");
}

#[test]
fn what_a_build_server_keeps_has_no_value_of_anybody() {
    let scene = Scene::new(3, &format!("{LIST}{WITH_NAMES}"));
    scene.change(1002, json!({"first_name": "Quirina"}));
    let in_ci = |arguments: &[&str]| scene.run_with(("CI", "true"), arguments, 0).stdout;
    for arguments in [&["plan"][..], &["plan", "--format", "markdown"], &["explain", "1002"]] {
        let text = in_ci(arguments);
        assert!(!text.contains("Quirina") && text.contains('‹') && text.contains("1002"), "{arguments:?}: {text}");
        let text = in_ci(&[arguments, &["--mask", "never"]].concat());
        assert!(text.contains("Quirina") && !text.contains('‹'), "{arguments:?}: {text}");
        let text = scene.run(&[arguments, &["--mask", "always"]].concat(), 0).stdout;
        assert!(!text.contains("Quirina") && text == in_ci(arguments), "the same pseudonyms in each run: {text}");
    }
    for arguments in [&["plan", "--format", "json"][..], &["explain", "1002", "--format", "json"]] {
        assert!(in_ci(arguments).contains("Quirina"), "JSON has values as they are");
    }
}
