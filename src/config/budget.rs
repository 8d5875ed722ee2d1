use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::DeTable;

use super::settings::{BudgetPeriod, BudgetSettings};
use crate::code::Code;
use crate::plan::Share;
use crate::section::shape::Count;
use crate::section::{Located, Table};
use crate::words::known;

/// `[targets.NAME.budget]`
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Shape {
    /// How many calls may be used in a period
    #[schemars(example = 5000)]
    tasks: Count<1>,
    /// The period, by the calendar
    #[serde(default)]
    period: BudgetPeriod,
    /// A warning from this share on, with the day on which the budget ends at this pace
    #[serde(default = "warn_at")]
    warn_at: Share,
}

/// What `[budget]` has beside that.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Covered {
    /// The targets that share it. Left out: all without a budget of their own
    targets: Option<Vec<Located<String>>>,
}

fn warn_at() -> Share {
    Share(8_000)
}

/// `[budget]`: how many calls may be made to the targets that it names, or to all that have no budget of their own.
pub(super) fn read(root: &Table<'_>) -> Option<BudgetSettings> {
    let section = root.table("budget")?;
    let named = root.raw("targets").and_then(|targets| targets.get_ref().as_table());
    let covered: Option<Covered> = section.read();
    let targets = covered.and_then(|covered| covered.targets).map(|targets| check(&section, targets, named));
    let budget = amount(section);
    budget.map(|budget| BudgetSettings { targets, ..budget })
}

/// `[targets.NAME.budget]`
pub(super) fn of_target(target: &Table<'_>) -> Option<BudgetSettings> {
    target.table("budget").and_then(amount)
}

fn amount(section: Table<'_>) -> Option<BudgetSettings> {
    let shape: Option<Shape> = section.read();
    section.finish();
    let Shape { tasks, period, warn_at } = shape?;
    Some(BudgetSettings { tasks: tasks.0, period, warn_at, targets: None })
}

/// The targets that `[budget]` names; each is one of the file.
fn check(section: &Table<'_>, targets: Vec<Located<String>>, named: Option<&DeTable<'_>>) -> Vec<Box<str>> {
    let names: Vec<&str> = named.into_iter().flatten().map(|(name, _)| name.get_ref().as_ref()).collect();
    let mut found = Vec::new();
    for target in targets {
        if names.contains(&target.value.as_str()) {
            found.push(target.value.into());
        } else {
            let hint = known(&target.value, names.iter().copied());
            let message = format!("{}: there is no target `{}`; {hint}", section.name_of("targets"), target.value);
            section.problems().error(target.span, Code::UnknownTarget, message);
        }
    }
    found
}
