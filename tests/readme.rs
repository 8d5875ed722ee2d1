//! The README's files load, and its command lines are those of the program.

use std::path::Path;
use std::sync::LazyLock;

use personio_sync::cli;
use personio_sync::config::{LoadOptions, load};
use personio_sync::section::SecretMode;
use regex::Regex;
use toml::de::DeTable;

/// A fenced block: its language, what stands in it, and whether it is marked as a whole file.
struct Block {
    line: usize,
    language: String,
    text: String,
    whole_file: bool,
}

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README")
}

fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut marked) = (false, false);
    for (number, line) in readme.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(language) => {
                let language = language.trim().to_owned();
                blocks.push(Block { line: number + 1, language, text: String::new(), whole_file: marked });
                open = true;
            }
            None if open => {
                let block = blocks.last_mut().expect("the open block");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => marked = line.trim() == "<!-- test: loads -->",
        }
    }
    assert!(!open, "a block is not closed");
    blocks
}

#[test]
fn whole_files_load() {
    let readme = readme();
    let folder = tempfile::tempdir().expect("a folder");
    let whole_files: Vec<Block> = blocks(&readme).into_iter().filter(|block| block.whole_file).collect();
    assert!(!whole_files.is_empty(), "no block is marked as a whole file");
    for block in whole_files {
        assert_eq!(block.language, "toml", "line {}", block.line);
        let path = folder.path().join("personio-sync.toml");
        std::fs::write(&path, &block.text).expect("a file");
        let options = LoadOptions { secrets: SecretMode::Invent, ..LoadOptions::new(&|_| None) };
        if let Err(error) = load(&path, &options) {
            panic!("the file at line {} of the README:\n{error}", block.line);
        }
    }
}

#[test]
fn excerpts_of_files_are_toml() {
    for block in blocks(&readme()).iter().filter(|block| block.language == "toml") {
        if let Err(error) = DeTable::parse(&block.text) {
            panic!("the block at line {} of the README:\n{error}", block.line);
        }
    }
}

#[test]
fn the_document_shown_is_json() {
    let shown: Vec<Block> = blocks(&readme()).into_iter().filter(|block| block.language == "json").collect();
    assert!(!shown.is_empty());
    for block in shown {
        serde_json::from_str::<serde_json::Value>(&block.text)
            .unwrap_or_else(|error| panic!("the block at line {} of the README: {error}", block.line));
    }
}

/// Command lines in blocks and between backticks, up to a comment, a pipe or a redirection.
fn command_lines(readme: &str) -> Vec<String> {
    static OURS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|[\s`])personio-sync ((?:[a-z-][^|>&#\n`]*))").expect("a pattern"));
    static FROM_SOURCE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"cargo run --release -- ([^|>&#\n`]*)").expect("a pattern"));
    let mut found = Vec::new();
    let mut take = |text: &str| {
        for pattern in [&*OURS, &*FROM_SOURCE] {
            found.extend(pattern.captures_iter(text).map(|line| line[1].trim().to_owned()));
        }
    };
    for block in blocks(readme).iter().filter(|block| !matches!(block.language.as_str(), "toml" | "json")) {
        block.text.lines().for_each(&mut take);
    }
    let mut in_block = false;
    for line in readme.lines() {
        in_block ^= line.starts_with("```");
        if !in_block {
            line.split('`').skip(1).step_by(2).for_each(&mut take);
        }
    }
    found
}

#[test]
fn every_command_line_is_taken_by_the_program() {
    let lines = command_lines(&readme());
    let commands = cli::commands();
    assert!(commands.len() > 5);
    for command in commands {
        assert!(
            lines.iter().any(|line| line.split_whitespace().next() == Some(&command)),
            "the README shows no `personio-sync {command}`"
        );
    }
    for line in lines {
        let arguments = std::iter::once("personio-sync").chain(line.split_whitespace());
        if let Err(error) = cli::parses(arguments) {
            panic!("`personio-sync {line}`: {error}");
        }
    }
    assert!(cli::parses(["personio-sync", "synch"]).is_err());
}

#[test]
fn the_two_commands_are_at_the_top() {
    let readme = readme();
    let first = blocks(&readme).into_iter().next().expect("a block");
    assert_eq!(
        first.text,
        "cargo run --release -- sync --sandbox --yes --config examples/quickstart.toml\ncargo test\n"
    );
}

#[test]
fn every_type_of_target_has_its_section_and_example() {
    let readme = readme();
    for (kind, _) in personio_sync::targets::TYPES {
        assert!(readme.contains(&format!("\n### `{kind}`\n")), "the README has no section `{kind}`");
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{kind}.toml"));
        assert!(example.exists(), "there is no example for `{kind}`");
    }
}
