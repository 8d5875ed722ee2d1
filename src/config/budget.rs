use super::reader::Table;
use super::settings::{BudgetPeriod, BudgetSettings, Share};
use super::share;

/// `[budget]`: how many calls may be made.
pub(super) fn read(root: &Table<'_>) -> Option<BudgetSettings> {
    let section = root.table("budget")?;
    let tasks = share::at_least_one(&section, "tasks");
    if !section.has("tasks") {
        section.missing("tasks", "tasks = 5000");
    }
    let periods = [("day", BudgetPeriod::Day), ("month", BudgetPeriod::Month), ("year", BudgetPeriod::Year)];
    let period = section.choice("period", &periods).unwrap_or(BudgetPeriod::Month);
    let warn_at = share::share(&section, "warn_at").unwrap_or(Share(8_000));
    section.finish();
    tasks.map(|tasks| BudgetSettings { tasks, period, warn_at })
}
