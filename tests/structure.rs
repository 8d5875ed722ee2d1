//! The floors of the house: which module sees which, computed from the paths that the code names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

/// Whatever these see, they give the same answer every time.
const PURE: [&str; 8] = ["code", "employee", "field", "rules", "plan", "schedule", "words", "zone"];

/// What the pure modules may see of each other; nothing else of ours.
const BELOW_PLAN: [&str; 7] = ["code", "employee", "field", "words", "zone", "rules", "plan"];

/// Files, clock, environment, processes and streams, as the standard library and chrono name them.
const OUTSIDE: &str = r"std::(fs|env|process|net|time::(Instant|SystemTime))\b|\b(Utc|Local)::now\b|\be?print(ln)?!";

/// A file with the module it belongs to and its code, without tests.
struct Source {
    path: PathBuf,
    module: String,
    code: String,
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a file declares for tests alone.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let declared = Regex::new(r"#\[cfg\(test\)\]\s*(?:pub(?:\([a-z]+\))? )?mod (\w+);").expect("a pattern of ours");
    let name = path.file_stem().expect("a name").to_string_lossy();
    let beside = path.parent().expect("a folder");
    let below = if ["mod", "lib", "main"].contains(&&*name) { beside.to_owned() } else { beside.join(&*name) };
    declared
        .captures_iter(text)
        .flat_map(|found| [below.join(format!("{}.rs", &found[1])), below.join(&found[1])])
        .collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    paths.sort();
    let texts: Vec<(PathBuf, String)> = (paths.into_iter())
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a source file");
            (path, text)
        })
        .collect();
    let tests: Vec<PathBuf> = texts.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let is_test = |path: &Path| tests.iter().any(|test| path.starts_with(test));
    let comment = Regex::new(r"//[^\n]*").expect("a pattern of ours");
    let inline_tests = Regex::new(r"(?s)#\[cfg\(test\)\]\s*mod \w+ \{.*\z").expect("a pattern of ours");
    (texts.into_iter())
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| {
            let path = path.strip_prefix(&root).expect("below the sources").to_owned();
            let first = path.iter().next().expect("a name").to_string_lossy();
            let module = first.trim_end_matches(".rs").to_owned();
            let code = comment.replace_all(&text, "");
            let code = inline_tests.replace(&code, "").into_owned();
            Source { path, module, code }
        })
        .collect()
}

/// For each module those that it names, each with the first file and line where it does.
fn edges(sources: &[Source]) -> BTreeMap<String, BTreeMap<String, String>> {
    let named = Regex::new(r"crate::(?:(\w+)|\{([^;]*)\})").expect("a pattern of ours");
    let mut edges: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for source in sources {
        let from = edges.entry(source.module.clone()).or_default();
        for found in named.captures_iter(&source.code) {
            let line = source.code[..found.get(0).expect("the whole match").start()].matches('\n').count() + 1;
            let names: Vec<&str> = match (found.get(1), found.get(2)) {
                (Some(name), _) => vec![name.as_str()],
                (_, Some(list)) => list.as_str().split(',').filter_map(|part| part.trim().split("::").next()).collect(),
                _ => Vec::new(),
            };
            for name in names.into_iter().filter(|name| *name != source.module) {
                from.entry(name.to_owned()).or_insert_with(|| format!("{}:{line}", source.path.display()));
            }
        }
    }
    let modules: BTreeSet<String> = edges.keys().cloned().collect();
    for seen in edges.values_mut() {
        // `crate::Thing` at the root of the crate is no module.
        seen.retain(|name, _| modules.contains(name));
    }
    edges
}

/// For each file of a folder of modules those beside it that it names, each with the first place where it does. A name
/// that the folder's own module hands on counts as that of the file it comes from.
fn file_edges(sources: &[Source], folder: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let path_of = r"(?:crate::FOLDER::|(?:super::)+|self::)(?:(\w+)|\{([^;]*?)\})".replace("FOLDER", folder);
    let path_of = Regex::new(&path_of).expect("a pattern of ours");
    let child = Regex::new(r"\b(\w+)::()").expect("a pattern of ours");
    let defined = Regex::new(r"\b(?:struct|enum|trait|type|fn|const|static) (\w+)").expect("a pattern of ours");
    let handed_on = Regex::new(r"use (\w+)::(?:(\w+)|\{([^}]*)\});").expect("a pattern of ours");
    let names_of = |one: Option<regex::Match<'_>>, list: Option<regex::Match<'_>>| -> Vec<String> {
        let list = one.or(list).map(|found| found.as_str()).unwrap_or_default();
        list.split(',').filter_map(|part| part.trim().split("::").next()).map(str::to_owned).collect()
    };
    let inside: Vec<&Source> = sources.iter().filter(|source| source.path.starts_with(folder)).collect();
    // `cli/workflows/list.rs` is part of `workflows`, `cli/mod.rs` is `mod`.
    let file_of = |source: &Source| {
        let below = source.path.strip_prefix(folder).expect("inside the folder");
        below.iter().next().expect("a name").to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    let files: BTreeSet<String> = inside.iter().map(|source| file_of(source)).collect();
    let mut origins: BTreeMap<String, String> = files.iter().map(|file| (file.clone(), file.clone())).collect();
    for found in
        inside.iter().filter(|source| file_of(source) == "mod").flat_map(|own| handed_on.captures_iter(&own.code))
    {
        for name in names_of(found.get(2), found.get(3)).into_iter().filter(|_| files.contains(&found[1])) {
            origins.entry(name).or_insert_with(|| found[1].to_owned());
        }
    }
    for own in inside.iter().filter(|source| file_of(source) == "mod") {
        for found in defined.captures_iter(&own.code) {
            origins.entry(found[1].to_owned()).or_insert_with(|| "mod".to_owned());
        }
    }
    let mut edges: BTreeMap<String, BTreeMap<String, String>> =
        files.iter().map(|file| (file.clone(), BTreeMap::new())).collect();
    for source in inside {
        let from = file_of(source);
        let paths = if from == "mod" { &child } else { &path_of };
        for found in paths.captures_iter(&source.code) {
            let whole = found.get(0).expect("the whole match");
            let line = source.code[..whole.start()].matches('\n').count() + 1;
            for name in names_of(found.get(1), found.get(2)) {
                if let Some(to) = origins.get(&name).filter(|to| **to != from) {
                    let place = format!("{}:{line}", source.path.display());
                    edges.entry(from.clone()).or_default().entry(to.clone()).or_insert(place);
                }
            }
        }
    }
    edges
}

/// A way from one module back to itself, if there is one.
fn cycle(edges: &BTreeMap<String, BTreeMap<String, String>>) -> Option<Vec<String>> {
    fn visit(
        module: &str,
        edges: &BTreeMap<String, BTreeMap<String, String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|seen| seen == module) {
            let mut round = way[start..].to_vec();
            round.push(module.to_owned());
            return Some(round);
        }
        if !done.insert(module.to_owned()) {
            return None;
        }
        way.push(module.to_owned());
        let found = edges[module].keys().find_map(|next| visit(next, edges, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|module| visit(module, edges, &mut Vec::new(), &mut done))
}

fn assert_no_cycle(edges: &BTreeMap<String, BTreeMap<String, String>>) {
    if let Some(round) = cycle(edges) {
        let steps = round.windows(2).map(|pair| format!("{} → {} ({})", pair[0], pair[1], edges[&pair[0]][&pair[1]]));
        panic!("modules see each other in a circle:\n  {}", steps.collect::<Vec<_>>().join("\n  "));
    }
}

#[test]
fn no_module_sees_one_that_sees_it() {
    assert_no_cycle(&edges(&sources()));
}

#[test]
fn no_file_of_a_run_or_of_the_command_line_sees_one_that_sees_it() {
    let sources = sources();
    for folder in ["cli", "sync"] {
        let edges = file_edges(&sources, folder);
        assert!(edges.values().map(BTreeMap::len).sum::<usize>() > 30, "{folder}: {edges:?}");
        assert_no_cycle(&edges);
    }
}

#[test]
fn a_circle_of_files_is_found_through_names_that_are_handed_on() {
    let source = |path: &str, code: &str| Source { path: path.into(), module: "cli".into(), code: code.into() };
    let mut all = vec![
        source("cli/mod.rs", "mod ask;\nmod session;\npub use session::{Failure, World};"),
        source("cli/ask.rs", "\nuse super::{Failure, World};"),
        source("cli/session.rs", "use crate::cli::other;"),
    ];
    assert_eq!(cycle(&file_edges(&all, "cli")), None);
    all[2].code = "fn f() { super::ask::g() }".into();
    let edges = file_edges(&all, "cli");
    assert_eq!(cycle(&edges), Some(vec!["ask".into(), "session".into(), "ask".into()]));
    assert_eq!((&*edges["ask"]["session"], &*edges["session"]["ask"]), ("cli/ask.rs:2", "cli/session.rs:1"));
}

#[test]
fn a_circle_is_found_with_the_places_that_close_it() {
    let source = |module: &str, code: &str| Source {
        path: format!("{module}.rs").into(),
        module: module.into(),
        code: code.into(),
    };
    let mut all = vec![source("a", "use crate::b::B;"), source("b", "use crate::{c::C};"), source("c", "\nfn f() {}")];
    assert_eq!(cycle(&edges(&all)), None);
    all[2].code = "\nfn f() { crate::a::g() }".into();
    let edges = edges(&all);
    assert_eq!(cycle(&edges), Some(vec!["a".into(), "b".into(), "c".into(), "a".into()]));
    assert_eq!(edges["c"]["a"], "c.rs:2");
}

#[test]
fn the_pure_modules_see_nothing_of_the_world() {
    let sources = sources();
    let edges = edges(&sources);
    for module in PURE {
        for (seen, place) in &edges[module] {
            assert!(BELOW_PLAN.contains(&&**seen), "`{module}` is pure and sees `{seen}` at {place}");
        }
    }
    let outside = Regex::new(OUTSIDE).expect("a pattern of ours");
    for source in sources.iter().filter(|source| PURE.contains(&&*source.module)) {
        if let Some(found) = outside.find(&source.code) {
            let line = source.code[..found.start()].matches('\n').count() + 1;
            panic!("{}:{line} is pure and names `{}`", source.path.display(), found.as_str());
        }
    }
}

/// What is wrong with where a module is, or its tests: a module with others below it is a folder with `mod.rs`, and tests
/// that are too many for the end of a file are `tests` below it.
fn misplaced(path: &Path, text: &str, is_folder: bool) -> Option<&'static str> {
    let name = path.file_stem().expect("a name").to_string_lossy();
    if is_folder {
        return Some("has a folder of its name beside it; a module with others below it is `mod.rs` in its folder");
    }
    if text.contains("#[path") {
        return Some("says where a module is; it is where its name says");
    }
    if name.ends_with("_tests") || name.ends_with("_test") {
        return Some("is of tests by its name; tests of `x` are at the end of `x.rs`, or in `x/tests.rs`");
    }
    let has_tests_below = text.contains("#[cfg(test)]\nmod tests;");
    (has_tests_below && name != "mod").then_some("declares `mod tests;` and is no `mod.rs`")
}

#[test]
fn modules_and_their_tests_are_where_their_names_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    assert!(paths.len() > 300);
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a source file");
        if let Some(why) = misplaced(&path, &text, path.with_extension("").is_dir()) {
            panic!("{} {why}", path.display());
        }
    }
    for (path, text, is_folder) in [
        ("plan/build.rs", "", true),
        ("plan/build_tests.rs", "", false),
        ("plan/slots.rs", "#[cfg(test)]\n#[path = \"slots_tests.rs\"]\nmod tests;", false),
        ("plan/slots.rs", "#[cfg(test)]\nmod tests;", false),
    ] {
        assert!(misplaced(Path::new(path), text, is_folder).is_some(), "{path}");
    }
}

/// Which format is asked for decides nothing but how an answer is written.
#[test]
fn commands_know_no_format() {
    let named = Regex::new(r"\bFormat::(Table|Json|Markdown)\b").expect("a pattern of ours");
    let option_of_the_command_line =
        |source: &&Source| source.path.ends_with("options.rs") || source.path.ends_with("cli/mod.rs");
    for source in
        sources().iter().filter(|source| source.module == "cli").filter(|source| !option_of_the_command_line(source))
    {
        assert!(!named.is_match(&source.code), "{} names a format; `output` knows them", source.path.display());
    }
}

/// What a simulation may see of us: what all simulations stand on, plain values, and what a file says in the words of
/// a standard or of a declaration. Never how the real system is read.
const BELOW_SIMULATIONS: [&str; 12] = [
    r"simulation(::.*)?",
    r"http::Method(::.*)?",
    r"field(::.*)?",
    r"rules::convert",
    r"words(::.*)?",
    r"zone(::.*)?",
    r"targets::\w+::simulated(::.*)?",
    r"targets::auth::SignIn",
    r"targets::declared::(Create|Declaration|DeclaredField|Operation|Paging|ReadOne)",
    r"targets::declared::template::(Fill|Read|Template)",
    r"targets::scim::(Filter|Path)(::.*)?",
    r"personio::(FILE_TYPES|LARGEST_FILE|LONGEST_TITLE)",
];

/// The paths of ours that a file of a simulation names, those out of its own folder included.
fn named_by_simulation(source: &Source) -> Vec<String> {
    let is_root = source.path.ends_with("simulated.rs") || source.path.ends_with("simulated/mod.rs");
    let out = if is_root { r"super" } else { r"super::super" };
    let paths = Regex::new(&format!(r"\b(?:crate|({out}))::((?:\w+::)*)(?:(\w+)|\{{([^}}]*)\}})"));
    paths
        .expect("a pattern of ours")
        .captures_iter(&source.code)
        .flat_map(|found| {
            let before = found.get(1).map_or(String::new(), |_| "super::".into()) + &found[2];
            match found.get(4) {
                None => vec![before + found.get(3).map_or("", |name| name.as_str())],
                Some(list) => list.as_str().split(',').map(|name| format!("{before}{}", name.trim())).collect(),
            }
        })
        .filter(|path| !path.ends_with("::"))
        .collect()
}

#[test]
fn a_simulation_sees_nothing_of_how_the_real_system_is_read() {
    let allowed = Regex::new(&format!("^({})$", BELOW_SIMULATIONS.join("|"))).expect("a pattern of ours");
    let sources = sources();
    let simulated = |source: &&Source| source.path.iter().any(|part| part == "simulated" || part == "simulated.rs");
    let simulations: Vec<&Source> = sources.iter().filter(simulated).collect();
    assert!(simulations.len() > 20, "simulations are found by their path");
    for source in simulations {
        for path in named_by_simulation(source) {
            assert!(allowed.is_match(&path), "{} names `{path}`", source.path.display());
        }
    }
    let source = Source {
        path: "targets/desk/simulated.rs".into(),
        module: "targets".into(),
        code: "use super::wire::{User, Row};\nuse crate::targets::desk::requests;".into(),
    };
    let named = named_by_simulation(&source);
    assert_eq!(named, ["super::wire::User", "super::wire::Row", "targets::desk::requests"]);
    assert!(!named.iter().any(|path| allowed.is_match(path)));
}
