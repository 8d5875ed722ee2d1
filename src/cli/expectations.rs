//! The `[[test]]` blocks of the file: each is held against the rules of its target, and nobody is contacted.

use std::sync::Arc;

use crate::code::Code;
use crate::config::Settings;
use crate::exit::Problem;
use crate::plan::{RuleTest, TestedRules, identifying};
use crate::words::count;

/// What came of the tests of a file.
pub(super) struct Tested {
    run: usize,
    failed: usize,
    /// Everything that came out another way than expected, at the places of the tests.
    pub(super) problems: Vec<Problem>,
}

impl Tested {
    /// How it went, in a line, where there are any.
    pub(super) fn line(&self) -> Option<String> {
        let tests = count(self.run, "test", "tests");
        match (self.run, self.failed) {
            (0, _) => None,
            (_, 0) => Some(format!("{tests} passed")),
            (_, failed) => Some(format!("{failed} of {tests} failed")),
        }
    }
}

/// Runs the tests of some targets, or of all where none is named.
pub(super) fn run(settings: &Settings, targets: &[String]) -> Tested {
    let is_meant = |test: &&RuleTest| targets.is_empty() || targets.iter().any(|name| **name == *test.target);
    let (tables, identifying) = (Arc::new(settings.vocabulary.tables().clone()), identifying(&settings.vocabulary));
    let mut tested = Tested { run: 0, failed: 0, problems: Vec::new() };
    for test in settings.tests.iter().filter(is_meant) {
        let Some(target) = settings.targets.iter().find(|target| target.plan.name == test.target) else { continue };
        let differences = test.differences(&TestedRules {
            settings: &target.plan,
            employee_rules: target.target.offers().rules,
            attributes: &settings.attributes,
            tables: &tables,
            identifying: &identifying,
        });
        tested.run += 1;
        tested.failed += usize::from(!differences.is_empty());
        tested.problems.extend(differences.into_iter().map(|found| {
            Problem {
                line: Some(test.line),
                column: Some(test.column),
                ..Problem::new(
                    Code::TestFailed,
                    format!("{}: expected {}, got {}", found.what, found.expected, found.got),
                )
                .target(&test.target)
            }
        }));
    }
    tested
}
