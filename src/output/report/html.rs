use std::fmt::Write as _;

use super::{LOG, RunReport};
use crate::output::visible::visible;

/// One page without any script and without anything from elsewhere; light and dark, and fit for printing.
pub fn html(report: &RunReport) -> String {
    let mut page = String::new();
    let title = format!("personio-sync, run {}", report.run);
    let failures = report.rows.iter().filter(|row| row.is_failure()).count();
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n<p>{}</p>\n",
        escape(&title),
        escape(&title),
        escape(&headline(report, failures)),
    );
    for approval in &report.approvals {
        let _ = writeln!(page, "<p>{}</p>", escape(approval));
    }
    page.push_str("<h2>Targets</h2>\n<div class=\"wide\"><table>\n<thead><tr>");
    page.push_str("<th scope=\"col\">Target</th>");
    for head in ["Succeeded", "Failed", "Held", "Skipped", "Not attempted", "In sync", "Calls"] {
        let _ = write!(page, "<th scope=\"col\" class=\"number\">{head}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for target in &report.targets {
        let state = if target.ok { "" } else { " <span class=\"bad\">not worked through</span>" };
        let _ = write!(page, "<tr><th scope=\"row\">{}{state}</th>", escape(&target.name));
        for number in [
            target.succeeded,
            target.failed,
            target.held,
            target.skipped,
            target.not_attempted,
            target.in_sync,
            target.tasks,
        ] {
            let _ = write!(page, "<td class=\"number\">{number}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n<h2>Employees</h2>\n");
    if report.rows.is_empty() {
        page.push_str("<p>Nothing had to be done for anybody.</p>\n");
    } else {
        page.push_str("<div class=\"wide\"><table>\n<thead><tr>");
        let with_log = report.has_log();
        let heads = ["Target", "Employee", "Outcome", "What", "Fields", "Why", "What to do"];
        for head in heads.into_iter().chain(with_log.then_some(LOG)) {
            let _ = write!(page, "<th scope=\"col\">{head}</th>");
        }
        page.push_str("</tr></thead>\n<tbody>\n");
        for row in &report.rows {
            let who = row.name.as_ref().map_or_else(|| row.employee.clone(), |name| format!("{} {name}", row.employee));
            let mut why = row.code.clone();
            if !row.error.is_empty() {
                if !why.is_empty() {
                    why.push_str(": ");
                }
                why.push_str(&row.error);
            }
            if let Some(accepted) = row.acceptance() {
                let _ = write!(why, " {accepted}");
            }
            let class = if row.is_failure() { "bad" } else { "plain" };
            let log = if with_log { format!("<td>{}</td>", escape(&row.log)) } else { String::new() };
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}</td><td class=\"{class}\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>{log}</tr>",
                escape(&row.target),
                escape(&who),
                row.outcome.replace('_', " "),
                escape(&row.what),
                escape(&row.fields),
                escape(&why),
                escape(&row.advice),
            );
        }
        page.push_str("</tbody>\n</table></div>\n");
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
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

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --bad: #b00020; --head: #8881 }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a95 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; padding: 2rem 1.5rem }
main { max-width: 78rem; margin: auto }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line) }
thead th { background: var(--head); position: sticky; top: 0 }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums }
.bad { color: var(--bad); font-weight: 600 }
@media print { body { padding: 0; font-size: 11px } }
";

/// Text as it may stand in a page, in elements and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
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
        assert!(!page.contains("http"), "nothing is loaded from elsewhere");
    }
}
