use std::collections::BTreeMap;

use toml::de::{DeTable, Error};

use crate::code::Code;
use crate::section::{Problem, Severity, position};

/// Problems that do not depend on other places of the file, so that they hold in a file with broken syntax, too.
const LOCAL_CODES: [Code; 4] = [Code::UnknownKey, Code::UnknownValue, Code::WrongType, Code::WrongValue];

/// Syntax errors, one a line, and of the other problems those that cannot be a consequence of them.
pub(super) fn report(text: &str, broken: &[Error], others: Vec<Problem>) -> Vec<Problem> {
    let mut lines = BTreeMap::new();
    let lost = collect(text, broken, &mut lines);
    let others = others.into_iter().filter(|problem| {
        let line = problem.line.unwrap_or(0);
        LOCAL_CODES.contains(&problem.code) && !lines.contains_key(&line) && lost.is_none_or(|lost| line < lost)
    });
    let mut problems: Vec<Problem> = others.collect();
    problems.extend(lines.into_values());
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}

/// Puts the first error of each line into `lines`. Gives the line from which on what was read says nothing.
fn collect(text: &str, broken: &[Error], lines: &mut BTreeMap<usize, Problem>) -> Option<usize> {
    let place = |error: &Error| error.span().map_or(0, |span| span.start);
    // A list without its end takes in all that follows, up to the end of the file, and each line of that is an
    // error. One says it all; from the next header on the file is read afresh.
    let unclosed = broken.iter().any(|error| error.message().starts_with("unclosed"));
    let taken_in = |error: &&Error| is_taken_in(error.message()) && begins_line(text, place(error));
    let runaway = broken.iter().filter(|_| unclosed).find(taken_in).map(place);
    for error in broken.iter().filter(|error| runaway.is_none_or(|runaway| place(error) < runaway)) {
        let named = error.span().filter(|_| error.message() == "duplicate key").and_then(|span| text.get(span));
        let message = match named {
            Some(name) => format!("`{name}` stands here for the second time"),
            None => error.message().trim().replace('\n', ", "),
        };
        add(lines, text, place(error), message);
    }
    let runaway = runaway?;
    add(lines, text, runaway, "the list or table that begins above this line is not closed".to_owned());
    let next = text[runaway..].find("\n[").map(|newline| runaway + newline + 1);
    if let Some(next) = next {
        let before: String = text[..next].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        let rest = format!("{before}{}", &text[next..]);
        let (_, broken) = DeTable::parse_recoverable(&rest);
        collect(&rest, &broken, lines);
    }
    Some(position(text, runaway).0)
}

/// Messages that a line gives which was meant to stand outside the list.
fn is_taken_in(message: &str) -> bool {
    message.starts_with("missing comma") || message.starts_with("unexpected `=`")
}

fn begins_line(text: &str, offset: usize) -> bool {
    let line_start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    text[line_start..offset].trim().is_empty()
}

fn add(lines: &mut BTreeMap<usize, Problem>, text: &str, offset: usize, message: String) {
    let (line, column) = position(text, offset);
    let (line, column) = (Some(line), Some(column));
    let problem = Problem { severity: Severity::Error, code: Code::Syntax, line, column, message };
    lines.entry(problem.line.unwrap_or(0)).or_insert(problem);
}
