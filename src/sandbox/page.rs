//! The front page of a sandbox: what is in it, for people.

use std::fmt::Write as _;

use crate::output::report::escape;

use super::world::{Simulated, World};

/// The most rows of a table; the rest is counted.
const ROWS: usize = 100;

const STYLE: &str = "
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 15%, Canvas); --soft: color-mix(in srgb, CanvasText 60%, Canvas); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; background: Canvas; color: CanvasText; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: .5rem 0; } dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
.scroll { max-height: 24rem; overflow: auto; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; max-width: 20rem; overflow: hidden; text-overflow: ellipsis; }
th { position: sticky; top: 0; background: Canvas; } code { font-size: .9em; }
";

pub(super) fn render(world: &World) -> String {
    let info = &world.info;
    let mut page = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    let _ = write!(page, "<title>personio-sync sandbox</title><style>{STYLE}</style></head><body>");
    let _ = write!(
        page,
        "<h1>personio-sync sandbox</h1><p class=\"soft\">Simulated systems with invented people. Nothing here is real, \
         and nothing leaves this machine.</p><p>Today is {}. Files are written below <code>{}</code>. \
         Accepted secret: <code>{}</code>.</p>",
        info.today,
        escape(&info.folder.display().to_string()),
        escape(&info.secret)
    );
    let faults = world.injector.lock().faults().to_string();
    if !faults.is_empty() {
        let _ = write!(page, "<p>Misbehaving on demand: <code>{}</code></p>", escape(&faults));
    }
    for Simulated { name, state, .. } in &world.systems {
        let system = state.lock();
        let (counts, rows, title) = (system.counts(), system.rows(), system.title());
        drop(system);
        let address = format!("{}/{name}", info.base_url);
        let _ = write!(page, "<h2>{}</h2><p class=\"soft\"><code>{}</code></p><dl>", escape(title), escape(&address));
        for (what, count) in &counts {
            let _ = write!(page, "<div><dt>{}</dt><dd>{count}</dd></div>", escape(what));
        }
        page.push_str("</dl>");
        if rows.is_empty() {
            page.push_str("<p class=\"soft\">No account yet. One is made when a target first uses it.</p>");
        } else {
            table(&mut page, &rows);
        }
    }
    page.push_str("<h2>Recent requests</h2>");
    let requests: Vec<Vec<String>> = world
        .log
        .lock()
        .iter()
        .rev()
        .map(|request| {
            vec![
                request.system.to_owned(),
                request.method.to_owned(),
                request.path.clone(),
                request.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string()),
                request.fault.unwrap_or_default().to_owned(),
            ]
        })
        .take(ROWS)
        .collect();
    if requests.is_empty() {
        page.push_str("<p class=\"soft\">None yet.</p>");
    } else {
        table(&mut page, &requests);
    }
    page.push_str("</body></html>\n");
    page
}

fn table(page: &mut String, rows: &[Vec<String>]) {
    page.push_str("<div class=\"scroll\"><table>");
    for row in rows.iter().take(ROWS) {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escape(cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table></div>");
    if rows.len() > ROWS {
        let _ = write!(page, "<p class=\"soft\">The first {ROWS} of {}.</p>", rows.len());
    }
}
