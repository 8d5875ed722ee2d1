//! The front page of a sandbox: what is in it, for people.

use minijinja::context;
use minijinja::value::Value;

use crate::output::page;

use super::world::{Simulated, World};

/// The most rows of a table; the rest is counted.
const ROWS: usize = 100;

pub(super) fn render(world: &World, said: Option<&str>) -> String {
    let info = &world.info;
    let of_system = |Simulated { name, state, .. }: &Simulated| {
        let system = state.lock();
        let counts: Vec<Vec<Value>> =
            system.counts().into_iter().map(|(what, count)| vec![what.into(), count.into()]).collect();
        let rows = system.rows();
        context! {
            title => system.title(),
            address => format!("{}/{name}", info.base_url),
            counts,
            total => rows.len(),
            rows => first(rows),
            nothing => "No account yet. One is made when a target first uses it.",
        }
    };
    let mut sections: Vec<Value> = world.systems.iter().map(of_system).collect();
    let requests: Vec<Vec<String>> = (world.log.lock().iter().rev().take(ROWS))
        .map(|request| {
            let status = request.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let fault = request.fault.unwrap_or_default().to_owned();
            vec![request.system.to_owned(), request.method.to_owned(), request.path.clone(), status, fault]
        })
        .collect();
    sections.push(context! {
        title => "Recent requests", address => "", total => requests.len(), rows => first(requests), nothing => "None yet.",
    });
    let values = context! {
        said => said.unwrap_or_default(),
        today => info.today.to_string(),
        folder => info.folder.display().to_string(),
        secret => &info.secret,
        faults => world.injector.lock().faults().to_string(),
        sections,
    };
    page(include_str!("page.html"), values)
}

fn first(rows: Vec<Vec<String>>) -> Vec<Vec<Value>> {
    rows.into_iter().take(ROWS).map(|row| row.into_iter().map(Value::from).collect()).collect()
}
