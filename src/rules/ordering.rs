//! Comparisons by order with an empty value.
//!
//! To the engine a text stands above every number and an empty one below every day, so `level >= 15` holds for who has
//! no level, and `contract_end_date < today` for who has no end. Nobody means that: an empty value makes such a
//! comparison false. The engine lets nobody redefine its operators, but the tests of the same meaning (`is lt`), so
//! operators are written as tests before they are compiled.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use minijinja::value::Value as Jinja;
use minijinja::{Environment, tests};
use regex::Regex;

use super::remarks;

/// The operators, and the tests of the same meaning.
const OPERATORS: [(&str, &str); 4] = [("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge")];

/// The tests, in all their spellings.
pub(super) fn add(environment: &mut Environment<'static>) {
    type Compare = fn(&Jinja, &Jinja) -> bool;
    let all: [(&[&'static str], Compare); 4] = [
        (&["lt", "lessthan", "<"], tests::is_lt),
        (&["le", "<="], tests::is_le),
        (&["gt", "greaterthan", ">"], tests::is_gt),
        (&["ge", ">="], tests::is_ge),
    ];
    for (names, compare) in all {
        for name in names {
            environment.add_test(*name, move |one: &Jinja, other: &Jinja| {
                if is_blank(one) || is_blank(other) {
                    remarks::note(|seen| seen.empty_compared = true);
                    return false;
                }
                compare(one, other)
            });
        }
    }
}

fn is_blank(value: &Jinja) -> bool {
    value.is_none() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// How often `if` stands in an expression without an `else`: then it gives nothing where the condition does not hold.
pub(super) fn ifs_without_else(source: &str) -> bool {
    let words = |word: &str| tokens(source).iter().filter(|token| &source[(*token).clone()] == word).count();
    words("if") > words("else")
}

/// The names that an expression uses: words that are neither part of the language, nor filters, tests, parts of
/// something or names of arguments.
pub(super) fn names(source: &str) -> Vec<&str> {
    const LANGUAGE: [&str; 13] =
        ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];
    let tokens: Vec<&str> = tokens(source).into_iter().map(|token| &source[token]).collect();
    let is_name = |at: &usize| {
        let word = tokens[*at];
        let before = at.checked_sub(1).map_or("", |before| tokens[before]);
        let test = before == "is" || before == "not" && *at > 1 && tokens[*at - 2] == "is";
        let after = tokens.get(*at + 1).copied().unwrap_or_default();
        word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
            && !LANGUAGE.contains(&word)
            && !(test || matches!(before, "." | "|") || after == "=")
    };
    (0..tokens.len()).filter(is_name).map(|at| tokens[at]).collect()
}

/// The expression with its comparisons by order as tests.
pub(super) fn as_tests(source: &str) -> Cow<'_, str> {
    let tokens = tokens(source);
    if !tokens.iter().any(|token| test_of(&source[token.clone()]).is_some()) {
        return Cow::Borrowed(source);
    }
    Cow::Owned(Writer { source, tokens: &tokens }.whole(0..tokens.len()))
}

fn test_of(operator: &str) -> Option<&'static str> {
    OPERATORS.iter().find(|(known, _)| *known == operator).map(|(_, test)| *test)
}

/// Texts, words, numbers and signs, in their order.
fn tokens(source: &str) -> Vec<Range<usize>> {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\w+|[<>=!]=|//|\*\*|\S"#).expect("a pattern")
    });
    TOKEN.find_iter(source).map(|found| found.range()).collect()
}

struct Writer<'s> {
    source: &'s str,
    tokens: &'s [Range<usize>],
}

impl Writer<'_> {
    fn token(&self, at: usize) -> &str {
        &self.source[self.tokens[at].clone()]
    }

    /// Where the bracket that opens here closes.
    fn close(&self, open: usize, end: usize) -> usize {
        let mut depth = 0;
        for at in open..end {
            match self.token(at) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        end
    }

    /// The words and signs between two comparisons, or between a comparison and something looser.
    fn whole(&self, range: Range<usize>) -> String {
        let mut written = Vec::new();
        let mut from = range.start;
        let mut at = range.start;
        while at < range.end {
            let token = self.token(at);
            let not_in = token == "not" && at + 1 < range.end && self.token(at + 1) == "in";
            match token {
                "(" | "[" | "{" => at = self.close(at, range.end),
                "and" | "or" | "not" | "if" | "else" | "," | ":" | "=" if !not_in => {
                    written.push(self.comparison(from..at));
                    written.push(token.to_owned());
                    from = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        written.push(self.comparison(from..range.end));
        written.retain(|part| !part.is_empty());
        written.join(" ")
    }

    /// One comparison, a chain of them (`1 < level < 5`), or something that compares nothing.
    fn comparison(&self, range: Range<usize>) -> String {
        let (mut operands, mut operators) = (Vec::new(), Vec::new());
        let (mut from, mut at) = (range.start, range.start);
        while at < range.end {
            let width = match self.token(at) {
                "(" | "[" | "{" => {
                    at = self.close(at, range.end);
                    0
                }
                "not" => 2,
                "<" | "<=" | ">" | ">=" | "==" | "!=" | "in" => 1,
                _ => 0,
            };
            if width > 0 {
                operands.push(self.operand(from..at));
                let end = (at + width).min(range.end);
                operators.push(self.source[self.tokens[at].start..self.tokens[end - 1].end].to_owned());
                (from, at) = (end, end);
            } else {
                at += 1;
            }
        }
        operands.push(self.operand(from..range.end));
        if !operators.iter().any(|operator| test_of(operator).is_some()) {
            let mut words = vec![operands[0].clone()];
            words.extend(operators.into_iter().zip(&operands[1..]).flat_map(|(sign, operand)| [sign, operand.clone()]));
            words.retain(|word| !word.is_empty());
            return words.join(" ");
        }
        let pairs: Vec<String> = operators
            .iter()
            .zip(operands.windows(2))
            .map(|(operator, pair)| match test_of(operator) {
                Some(test) => format!("({}) is {test}({})", pair[0], pair[1]),
                None => format!("({}) {operator} ({})", pair[0], pair[1]),
            })
            .collect();
        format!("({})", pairs.join(" and "))
    }

    /// As it stands, but for what is in its brackets.
    fn operand(&self, range: Range<usize>) -> String {
        let mut written = String::new();
        let mut at = range.start;
        while at < range.end {
            if at > range.start {
                written.push_str(&self.source[self.tokens[at - 1].end..self.tokens[at].start]);
            }
            if matches!(self.token(at), "(" | "[" | "{") {
                let close = self.close(at, range.end);
                written.push_str(self.token(at));
                written.push_str(&self.whole(at + 1..close.min(range.end)));
                if close < range.end {
                    written.push_str(self.token(close));
                }
                at = close;
            } else {
                written.push_str(self.token(at));
            }
            at += 1;
        }
        written
    }
}

#[cfg(test)]
mod tests_of_ordering {
    use super::*;

    #[test]
    fn comparisons_by_order_become_tests() {
        for (source, expected) in [
            ("department == 'IT'", "department == 'IT'"),
            ("level >= 15", "((level) is ge(15))"),
            ("not end < today and office in ['a < b']", "not ((end) is lt(today)) and office in ['a < b']"),
            ("end|date('%Y')|int + 1 > 2 * (a < b)", "((end|date('%Y')|int + 1) is gt(2 * (((a) is lt(b)))))"),
            ("'x' if hours < 20 else 'y'", "'x' if ((hours) is lt(20)) else 'y'"),
            ("1 < level <= 5", "((1) is lt(level) and (level) is le(5))"),
            ("a not in b or f(x, c > d)[0]", "a not in b or f(x , ((c) is gt(d)))[0]"),
        ] {
            assert_eq!(as_tests(source), expected, "{source}");
        }
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        for (source, expected) in [
            ("email[:4]", vec!["email"]),
            ("(first_name ~ x)[1:n] | default('y', boolean=true)", vec!["first_name", "x", "n"]),
            ("a is not defined and b.c if 'd' else none", vec!["a", "b"]),
            ("range(3) | batch(2, fill)", vec!["range", "fill"]),
        ] {
            assert_eq!(names(source), expected, "{source}");
        }
    }

    #[test]
    fn an_if_without_else_is_told() {
        for (source, expected) in
            [("'A' if x", true), ("'A' if x else ''", false), ("'if' ~ x", false), ("('A' if x) if y else 'B'", true)]
        {
            assert_eq!(ifs_without_else(source), expected, "{source}");
        }
    }
}
