use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::RunReport;
use crate::output::visible::visible;

/// JUnit XML: one suite for each target, one case for each employee, so that a pipeline shows who failed.
pub fn junit(report: &RunReport) -> anyhow::Result<String> {
    let mut out = Report::new(format!("personio-sync run {}", report.run));
    if let Some(took) = report.finished.and_then(|finished| (finished.naive() - report.started.naive()).to_std().ok()) {
        out.set_time(took);
    }
    for target in &report.targets {
        let mut suite = TestSuite::new(target.name.as_str());
        for row in report.rows.iter().filter(|row| row.target == target.name) {
            let status = match row.outcome {
                "failed" if row.accepted_until.is_none() => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(&*visible(&row.error)).set_type(row.code.as_str());
                    status.set_description(&*visible(&row.advice));
                    status
                }
                "succeeded" => TestCaseStatus::success(),
                _ => {
                    let mut status = TestCaseStatus::skipped();
                    let why = if row.error.is_empty() { row.outcome } else { row.error.as_str() };
                    status.set_message(&*visible(why));
                    status
                }
            };
            let mut case = TestCase::new(format!("employee {}", row.employee), status);
            case.set_classname(target.name.as_str()).set_time(Duration::ZERO);
            suite.add_test_case(case);
        }
        out.add_test_suite(suite);
    }
    Ok(out.to_string()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_failures_and_accepted_ones_are_skipped() {
        let xml = junit(&super::super::sample()).unwrap();
        assert!(xml.contains("tests=\"3\""), "{xml}");
        assert!(xml.contains("failures=\"1\""), "{xml}");
        assert!(xml.contains("skipped=\"1\"") || xml.contains("<skipped"), "{xml}");
        assert!(xml.contains("job_title &lt;is&gt; too long"), "{xml}");
    }
}
