//! README and `docs/`: their files load, their command lines are those of the program, their links lead somewhere,
//! and the reference says what the program knows.

#![expect(clippy::disallowed_methods, reason = "who runs this says whether the pages are to be renewed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use personio_sync::code::Code;
use personio_sync::config::{LoadOptions, load};
use personio_sync::section::SecretMode;
use personio_sync::{cli, key_tables};
use regex::Regex;
use toml::de::DeTable;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn markdown_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            markdown_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
}

/// The pages, each with its path below the root.
fn pages() -> Vec<(String, String)> {
    LazyLock::force(&RENEWED);
    let mut paths = vec![root().join("README.md")];
    markdown_below(&root().join("docs"), &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(root()).expect("a path below the root").display().to_string();
    paths.iter().map(|path| (name(path), read(path))).collect()
}

/// A fenced block: where it is, its language, what stands in it, and whether it is marked as a whole file.
struct Block {
    place: String,
    language: String,
    text: String,
    whole_file: bool,
}

fn blocks_of(page: &str, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut marked) = (false, false);
    for (number, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(language) => {
                let (language, place) = (language.trim().to_owned(), format!("{page}:{}", number + 1));
                blocks.push(Block { place, language, text: String::new(), whole_file: marked });
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
    assert!(!open, "{page}: a block is not closed");
    blocks
}

fn blocks() -> Vec<Block> {
    pages().iter().flat_map(|(page, text)| blocks_of(page, text)).collect()
}

/// A page's lines outside of blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_block = false;
    text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        in_block ^= fence;
        !in_block && !fence
    })
}

#[test]
fn whole_files_load() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole_files: Vec<Block> = blocks().into_iter().filter(|block| block.whole_file).collect();
    assert!(!whole_files.is_empty(), "no block is marked as a whole file");
    for block in whole_files {
        assert_eq!(block.language, "toml", "{}", block.place);
        let path = folder.path().join("personio-sync.toml");
        std::fs::write(&path, &block.text).expect("a file");
        let options = LoadOptions { secrets: SecretMode::Invent, ..LoadOptions::new(&|_| None) };
        if let Err(error) = load(&path, &options) {
            panic!("the file at {}:\n{error}", block.place);
        }
    }
}

#[test]
fn excerpts_of_files_are_toml() {
    for block in blocks().iter().filter(|block| block.language == "toml") {
        if let Err(error) = DeTable::parse(&block.text) {
            panic!("the block at {}:\n{error}", block.place);
        }
    }
}

#[test]
fn the_document_shown_is_json() {
    let shown: Vec<Block> = blocks().into_iter().filter(|block| block.language == "json").collect();
    assert!(!shown.is_empty());
    for block in shown {
        serde_json::from_str::<serde_json::Value>(&block.text)
            .unwrap_or_else(|error| panic!("the block at {}: {error}", block.place));
    }
}

/// Command lines in blocks and between backticks, up to a comment, a pipe or a redirection.
fn command_lines(page: &str, text: &str) -> Vec<String> {
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
    for block in blocks_of(page, text).iter().filter(|block| !matches!(block.language.as_str(), "toml" | "json")) {
        block.text.lines().for_each(&mut take);
    }
    for line in prose(text) {
        line.split('`').skip(1).step_by(2).for_each(&mut take);
    }
    found
}

#[test]
fn every_command_line_is_taken_by_the_program() {
    let mut shown = BTreeSet::new();
    for (page, text) in pages() {
        for line in command_lines(&page, &text) {
            shown.extend(line.split_whitespace().next().map(str::to_owned));
            // `COMMAND` stands for any of them, `EMPLOYEE` for the id of any.
            let arguments = line.split_whitespace().map(|word| match word {
                "COMMAND" => "plan",
                "EMPLOYEE" => "1001",
                other => other,
            });
            if let Err(error) = cli::parses(std::iter::once("personio-sync").chain(arguments)) {
                panic!("{page}: `personio-sync {line}`: {error}");
            }
        }
    }
    let commands = cli::commands();
    assert!(commands.len() > 5);
    for command in commands {
        assert!(shown.contains(&command), "nothing shows `personio-sync {command}`");
    }
    assert!(cli::parses(["personio-sync", "synch"]).is_err());
}

#[test]
fn the_two_commands_are_at_the_top() {
    let readme = read(&root().join("README.md"));
    let first = blocks_of("README.md", &readme).into_iter().next().expect("a block");
    assert_eq!(
        first.text,
        "cargo run --release -- sync --sandbox --yes --config examples/quickstart.toml\ncargo test\n"
    );
    assert!(readme.lines().count() <= 300, "README.md is for a first look; the rest belongs into docs/");
}

#[test]
fn every_type_of_target_has_its_page_and_example() {
    LazyLock::force(&RENEWED);
    for kind in personio_sync::targets::KINDS.iter().map(|kind| kind.name) {
        for file in [format!("docs/targets/{kind}.md"), format!("examples/{kind}.toml")] {
            assert!(root().join(&file).exists(), "there is no {file}");
        }
    }
}

/// The pages that are made, each with the source that it is made of.
fn made_pages() -> Vec<(PathBuf, String)> {
    let mut found: Vec<(PathBuf, String)> =
        [("src/config/page.md", "docs/configuration.md"), ("src/codes.md", "docs/codes.md")]
            .map(|(source, page)| (root().join(source), page.to_owned()))
            .into();
    for entry in std::fs::read_dir(root().join("src/targets")).expect("the targets") {
        let source = entry.expect("an entry").path().join("page.md");
        if source.exists() {
            let text = read(&source);
            let title = text.lines().next().unwrap_or_default();
            let name = title.trim_start_matches("# ").trim_matches('`');
            found.push((source, format!("docs/targets/{name}.md")));
        }
    }
    found
}

/// What the made pages should say, and those that list the targets.
fn made() -> Vec<(String, String)> {
    let (schema, mut targets, mut made) = (cli::schema(), BTreeMap::new(), Vec::new());
    for (source, page) in made_pages() {
        let below_docs = page.strip_prefix("docs/targets/");
        let from = source.strip_prefix(root()).expect("a path below the root").display().to_string();
        let source = read(&source);
        let text = key_tables::render(&source, &schema, if below_docs.is_some() { "../" } else { "" });
        let text = text.unwrap_or_else(|why| panic!("{from}: {why}"));
        let note = format!("<!-- Made from {from}: edit that, then run RENEW_DOCS=1 cargo test --test docs -->");
        if let Some(name) = below_docs {
            let about = source.lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default();
            let sentence = about.split_inclusive(". ").next().unwrap_or_default().trim_end().to_owned();
            targets.insert(name.trim_end_matches(".md").to_owned(), sentence);
        }
        let text = text.replace("<!-- codes -->\n", &cli::codes_in_markdown(Code::ALL));
        made.push((page, format!("{note}\n\n{text}")));
    }
    for (page, to_targets) in [("README.md", "docs/targets"), ("docs/README.md", "targets")] {
        let list: Vec<String> =
            targets.iter().map(|(name, about)| format!("- [`{name}`]({to_targets}/{name}.md): {about}\n")).collect();
        let text = read(&root().join(page));
        let (before, rest) = text.split_once("<!-- targets -->\n").expect("where the list begins");
        let (_, after) = rest.split_once("<!-- /targets -->").expect("where it ends");
        made.push((page.into(), format!("{before}<!-- targets -->\n{}<!-- /targets -->{after}", list.concat())));
    }
    made
}

/// Written before any test looks at a page, where `RENEW_DOCS` asks for it.
static RENEWED: LazyLock<()> = LazyLock::new(|| {
    if std::env::var_os("RENEW_DOCS").is_some() {
        for (page, text) in made() {
            std::fs::write(root().join(page), text).expect("a page");
        }
    }
});

#[test]
fn the_reference_is_what_the_schema_says() {
    let pages: BTreeMap<String, String> = pages().into_iter().collect();
    for (page, text) in made() {
        assert!(pages.get(&page) == Some(&text), "{page} is stale; renew it with RENEW_DOCS=1 cargo test --test docs");
    }
}

/// The anchors of a page as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for title in prose(text).filter(|line| line.starts_with('#')) {
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let slug: String = title
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let before = found.entry(slug.clone()).or_default();
        anchors.insert(if *before == 0 { slug } else { format!("{slug}-{before}") });
        *before += 1;
    }
    anchors
}

#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let mut linked = BTreeSet::new();
    for (page, text) in pages() {
        let path = root().join(&page);
        let folder = path.parent().expect("a folder");
        for line in prose(&text) {
            for target in link.captures_iter(line).map(|found| found[1].to_owned()) {
                if target.starts_with("https://") {
                    continue;
                }
                let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
                let file = if file.is_empty() { path.clone() } else { folder.join(file) };
                let file = file.canonicalize().unwrap_or_else(|_| panic!("{page}: {target} leads nowhere"));
                let known = anchor.is_empty() || anchors(&read(&file)).contains(anchor);
                assert!(known, "{page}: {target} has no such section");
                linked.insert(file);
            }
        }
    }
    for (page, _) in pages().iter().filter(|(page, _)| page != "README.md") {
        let path = root().join(page).canonicalize().expect("a page");
        assert!(linked.contains(&path), "nothing links to {page}");
    }
}
