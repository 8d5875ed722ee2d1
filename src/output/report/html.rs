use minijinja::context;
use minijinja::value::Value;

use super::{LOG, Row, RunReport, TargetLine, TodoRow};
use crate::output::page::page;
use crate::words::{in_few, in_short};

/// One page that asks nobody for anything, failures first, with a filter; light and dark, and fit for printing.
pub fn html(report: &RunReport) -> String {
    let failures = report.rows.iter().filter(|row| row.is_failure()).count();
    let values = context! {
        title => format!("personio-sync, run {}", report.run),
        headline => headline(report, failures),
        approvals => &report.approvals,
        targets => report.targets.iter().map(target).collect::<Vec<_>>(),
        todos => report.todos_alike().iter().map(|alike| todo(alike)).collect::<Vec<_>>(),
        target_names => report.targets.iter().map(|target| target.name.clone()).collect::<Vec<_>>(),
        log_title => LOG,
        rows => rows(&report.rows),
    };
    page(include_str!("page.html"), values)
}

fn target(line: &TargetLine) -> Value {
    let TargetLine { name, ok, succeeded, failed, held, skipped, not_attempted, in_sync, tasks } = line;
    let numbers = [succeeded, failed, held, skipped, not_attempted, in_sync, tasks].map(|number| *number);
    context! { name, ok, numbers }
}

fn todo(alike: &[&TodoRow]) -> Value {
    let TodoRow { target, since, code, what, advice, .. } = alike[0];
    let ids: Vec<String> = alike.iter().map(|todo| todo.id.to_string()).collect();
    let employees: Vec<String> = alike.iter().map(|todo| todo.who()).collect();
    let (id, employee, since) = (in_few(&ids), in_short(&employees), since.day().to_string());
    context! { id, target, employee, since, what => format!("{code}: {what}"), advice }
}

/// As `jobs.html` shows them: what went wrong first.
pub(in crate::output) fn rows(rows: &[Row]) -> Vec<Value> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by_key(|row| row.urgency());
    rows.into_iter().map(row).collect()
}

fn row(row: &Row) -> Value {
    let mut why = row.why();
    if let Some(accepted) = row.acceptance() {
        why.push_str(&format!(" {accepted}"));
    }
    context! {
        target => &row.target,
        who => row.who(),
        class => if row.is_failure() { "failed" } else { row.outcome },
        outcome => row.outcome.replace('_', " "),
        what => &row.what,
        fields => &row.fields,
        workflows => &row.workflows,
        why,
        log => &row.log,
        advice => &row.advice,
        job => &row.job,
    }
}

pub(in crate::output) fn headline(report: &RunReport, failures: usize) -> String {
    let ended = match (report.finished, report.exit_code) {
        (Some(finished), Some(code)) => format!("ended {} with status {code}", finished.naive().format("%H:%M:%S")),
        _ => "did not come to its end".to_owned(),
    };
    let failures = match failures {
        0 => "nothing failed".to_owned(),
        1 => "1 failure".to_owned(),
        more => format!("{more} failures"),
    };
    let held: u64 = report.targets.iter().map(|target| target.held).sum();
    let held = if held > 0 { format!(", {held} held") } else { String::new() };
    let by = report.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("Started {}{by}, {ended}; {failures}{held}.", report.started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_becomes_markup() {
        let page = html(&super::super::sample());
        assert!(page.contains("400: job_title &lt;is&gt; too long &amp; &quot;odd&quot;"));
        assert!(page.contains("1 failure."), "an accepted failure does not count");
        assert!(page.contains("(accepted until 2026-12-31) by ben on host-b"));
        assert!(page.contains("by ada on host-a") && page.contains("at 2026-11-21: &lt;seen&gt;"));
        assert!(page.contains("<h2>To do</h2>") && page.contains("the request &lt;9&gt; was made"));
        assert!(!page.contains("http:") && !page.contains("https:"), "nothing is loaded from elsewhere");
    }

    #[test]
    fn what_is_to_be_done_alike_is_one_row() {
        let mut report = super::super::sample();
        let one = TodoRow { name: None, ..report.todos[0].clone() };
        let of = |id: i64, employee: &str| TodoRow { id, employee: employee.into(), ..one.clone() };
        report.todos = vec![one.clone(), of(9, "1009"), of(12, "1012")];
        let (page, text) = (html(&report), super::super::markdown(&report));
        assert!(page.contains("<td>3 employees: 1004, 1009, 1012</td>") && page.contains(">4, 9, 12<"), "{page}");
        assert!(text.contains("| 4, 9, 12 | service-desk | 3 employees: 1004, 1009, 1012 |"), "{text}");
    }

    #[test]
    fn the_headline_says_what_is_held() {
        let mut report = super::super::sample();
        assert!(headline(&report, 0).ends_with("; nothing failed."));
        report.targets[0].held = 192;
        assert!(headline(&report, 0).ends_with("; nothing failed, 192 held."));
    }

    #[test]
    fn failures_come_first_and_steps_have_their_names() {
        let mut report = super::super::sample();
        report.rows[0].workflows = vec!["welcome, step 0: onboarding request: succeeded".into()];
        let page = html(&report);
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
        assert!(place(">12.2<") < place(">12.3<") && place(">12.3<") < place(">12.1<"));
        place("<small>welcome, step 0: onboarding request: succeeded</small>");
    }
}
