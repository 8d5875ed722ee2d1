use toml::de::DeTable;

use super::settings::{BudgetPeriod, BudgetSettings};
use super::share;
use crate::plan::Share;
use crate::section::Table;
use crate::words::known;

/// `[budget]`: how many calls may be made to the targets that it names, or to all that have no budget of their own.
pub(super) fn read(root: &Table<'_>) -> Option<BudgetSettings> {
    let section = root.table("budget")?;
    let named = root.raw("targets").and_then(|targets| targets.get_ref().as_table());
    let targets = covered(&section, named);
    let budget = amount(&section);
    section.finish();
    budget.map(|budget| BudgetSettings { targets, ..budget })
}

/// `[targets.NAME.budget]`
pub(super) fn of_target(target: &Table<'_>) -> Option<BudgetSettings> {
    if !target.has("budget") {
        return None;
    }
    let section = target.table("budget")?;
    let budget = amount(&section);
    section.finish();
    budget
}

fn amount(section: &Table<'_>) -> Option<BudgetSettings> {
    let tasks = share::at_least_one(section, "tasks");
    if !section.has("tasks") {
        section.missing("tasks", "tasks = 5000");
    }
    let periods = [("day", BudgetPeriod::Day), ("month", BudgetPeriod::Month), ("year", BudgetPeriod::Year)];
    let period = section.choice("period", &periods).unwrap_or(BudgetPeriod::Month);
    let warn_at = share::share(section, "warn_at").unwrap_or(Share(8_000));
    tasks.map(|tasks| BudgetSettings { tasks, period, warn_at, targets: None })
}

/// The targets that `[budget]` names; each is one of the file.
fn covered(section: &Table<'_>, named: Option<&DeTable<'_>>) -> Option<Vec<Box<str>>> {
    let names: Vec<&str> = named.into_iter().flatten().map(|(name, _)| name.get_ref().as_ref()).collect();
    let mut found = Vec::new();
    for target in section.texts("targets")? {
        if names.contains(&target.value) {
            found.push(target.value.into());
        } else {
            let hint = known(target.value, names.iter().copied());
            let message = format!("{}: there is no target `{}`; {hint}", section.name_of("targets"), target.value);
            section.problems().error(target.span, "unknown_target", message);
        }
    }
    Some(found)
}
