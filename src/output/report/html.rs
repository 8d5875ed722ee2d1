use minijinja::context;
use minijinja::value::Value;

use super::{LOG, Row, RunReport, TargetLine, TodoRow, who};
use crate::output::page::page;

/// One page without any script and without anything from elsewhere; light and dark, and fit for printing.
pub fn html(report: &RunReport) -> String {
    let with_log = report.has_log();
    let heads = ["Target", "Employee", "Outcome", "What", "Fields", "Why", "What to do"];
    let failures = report.rows.iter().filter(|row| row.is_failure()).count();
    let values = context! {
        run => &report.run,
        headline => headline(report, failures),
        approvals => &report.approvals,
        targets => report.targets.iter().map(target).collect::<Vec<_>>(),
        todos => report.todos.iter().map(todo).collect::<Vec<_>>(),
        heads => heads.into_iter().chain(with_log.then_some(LOG)).collect::<Vec<_>>(),
        rows => report.rows.iter().map(|one| row(one, with_log)).collect::<Vec<_>>(),
    };
    page(include_str!("page.html"), values)
}

fn target(line: &TargetLine) -> Value {
    let TargetLine { name, ok, succeeded, failed, held, skipped, not_attempted, in_sync, tasks } = line;
    let numbers = [succeeded, failed, held, skipped, not_attempted, in_sync, tasks].map(|number| *number);
    context! { name, ok, numbers }
}

fn todo(todo: &TodoRow) -> Value {
    let TodoRow { id, target, since, code, what, advice, .. } = todo;
    let cells = [target.clone(), todo.who(), since.day().to_string(), format!("{code}: {what}"), advice.clone()];
    context! { id, cells => cells.map(Value::from) }
}

fn row(row: &Row, with_log: bool) -> Value {
    let who = who(&row.employee, row.name.as_deref());
    let parts = [&row.code, &row.error].into_iter().filter(|part| !part.is_empty());
    let mut why = parts.map(String::as_str).collect::<Vec<_>>().join(": ");
    if let Some(accepted) = row.acceptance() {
        why.push_str(&format!(" {accepted}"));
    }
    let cells = [&row.what, &row.fields, &why, &row.advice].into_iter().chain(with_log.then_some(&row.log));
    context! {
        target => &row.target,
        who,
        failed => row.is_failure(),
        outcome => row.outcome.replace('_', " "),
        cells => cells.map(Value::from).collect::<Vec<_>>(),
    }
}

pub(super) fn headline(report: &RunReport, failures: usize) -> String {
    let ended = match (report.finished, report.exit_code) {
        (Some(finished), Some(code)) => format!("ended {} with status {code}", finished.naive().format("%H:%M:%S")),
        _ => "did not come to its end".to_owned(),
    };
    let failures = match failures {
        0 => "nothing failed".to_owned(),
        1 => "1 failure".to_owned(),
        more => format!("{more} failures"),
    };
    let by = report.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("Started {}{by}, {ended}; {failures}.", report.started)
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
        assert!(page.contains("1004 Mira Example"));
        assert!(!page.contains("http"), "nothing is loaded from elsewhere");
    }
}
