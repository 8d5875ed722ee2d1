//! What a plan may cost where a service charges by the call: what fits into the budget goes on, leavers first, and the
//! rest waits for the next period.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use crate::code::Code;
use crate::config::{BudgetSettings, Settings};
use crate::plan::{Hold, Op, Plan, Share};
use crate::words::count;

/// A budget of the file with what is used of it.
#[derive(Clone, Debug)]
pub struct Budget<'s> {
    settings: &'s BudgetSettings,
    /// `budget.tasks`, or `targets.wiki.budget.tasks`.
    key: String,
    /// The targets that it is for.
    covers: BTreeSet<&'s str>,
    /// The calls of this period.
    used: u64,
}

/// What is to be said of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetFinding {
    /// `budget` where changes are held, or `budget_low`.
    pub code: Code,
    pub message: String,
}

/// The budgets of a file; `used` gives the calls to each target since a day.
pub fn budgets<'s, E>(
    settings: &'s Settings,
    today: NaiveDate,
    used: impl Fn(&BudgetSettings, NaiveDate) -> Result<Vec<(Box<str>, u64)>, E>,
) -> Result<Vec<Budget<'s>>, E> {
    let free: BTreeSet<&str> = settings
        .targets
        .iter()
        .filter(|target| !target.plan.policy.costs_calls)
        .map(|target| &*target.plan.name)
        .collect();
    let mut found = Vec::new();
    if let Some(budget) = &settings.budget {
        let named = |name: &str| budget.targets.as_ref().is_none_or(|names| names.iter().any(|one| **one == *name));
        let shares = |name: &str, own: bool| named(name) && (budget.targets.is_some() || !own);
        let covers = settings.targets.iter().filter(|target| shares(&target.plan.name, target.budget.is_some()));
        let covers: BTreeSet<&str> =
            covers.map(|target| &*target.plan.name).filter(|name| !free.contains(name)).collect();
        let calls = used(budget, today)?;
        let known = |name: &str| settings.targets.iter().any(|target| *target.plan.name == *name);
        // A target that the file names no more has used its share all the same.
        let counts = |name: &str| covers.contains(name) || (budget.targets.is_none() && !known(name));
        let used = calls.iter().filter(|(name, _)| counts(name)).map(|(_, calls)| calls).sum();
        found.push(Budget { settings: budget, key: "budget.tasks".into(), covers, used });
    }
    for target in settings.targets.iter().filter(|target| !free.contains(&*target.plan.name)) {
        if let Some(budget) = &target.budget {
            let calls = used(budget, today)?;
            let used = calls.iter().filter(|(name, _)| *name == target.plan.name).map(|(_, calls)| calls).sum();
            let key = format!("targets.{}.budget.tasks", target.plan.name);
            found.push(Budget { settings: budget, key, covers: BTreeSet::from([&*target.plan.name]), used });
        }
    }
    Ok(found)
}

impl Budget<'_> {
    /// What the file says of it.
    pub fn settings(&self) -> &BudgetSettings {
        self.settings
    }

    /// The key of the file that limits it: `budget.tasks`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The calls of this period.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Holds what does not fit, and says so; warns of a budget that is nearly used up.
    pub fn apply(&self, plan: &mut Plan) -> Option<BudgetFinding> {
        let mut parts = self.parts(plan);
        let needed: u64 = parts.iter().map(|part| part.calls).sum();
        let left = self.settings.tasks.saturating_sub(self.used);
        let (_, next) = self.settings.period.around(plan.today);
        if needed <= left {
            return self.warning(needed, plan.today);
        }
        let detail = format!(
            "this run needs about {}, and {left} of {} are left in this period ({})",
            count(usize::try_from(needed).unwrap_or(usize::MAX), "call", "calls"),
            self.settings.tasks,
            self.key
        );
        // An account that should be out of use waits for nothing else.
        parts.sort_by_key(|part| !part.leaves);
        let (mut spent, mut held) = (0, 0);
        for part in parts {
            // From the first that does not fit on all wait, so that nobody is made before what they refer to.
            if spent + part.calls <= left {
                spent += part.calls;
                continue;
            }
            spent = left;
            held += part.changes.len();
            for position in part.changes {
                let hold = Hold { code: Code::Budget, detail: detail.clone() };
                plan.targets[part.target].changes[position].hold.get_or_insert(hold);
            }
        }
        let waits = if held == 1 { "1 change waits".to_owned() } else { format!("{held} changes wait") };
        Some(BudgetFinding { code: Code::Budget, message: format!("{waits} until {next}: {detail}") })
    }

    /// A warning from the share on that the file says, with the day on which the budget ends at this pace.
    fn warning(&self, needed: u64, today: NaiveDate) -> Option<BudgetFinding> {
        let BudgetSettings { tasks, period, warn_at: Share(warn_at), .. } = self.settings;
        let then = self.used + needed;
        if u128::from(then) * 10_000 < u128::from(*tasks) * u128::from(*warn_at) {
            return None;
        }
        let (first, next) = period.around(today);
        let days = u64::try_from((today - first).num_days() + 1).unwrap_or(1);
        let ends = (tasks.saturating_sub(then) * days)
            .checked_div(then)
            .and_then(|more| today.checked_add_days(Days::new(more)))
            .filter(|day| *day < next && then < *tasks);
        let at_this_pace = ends.map_or_else(String::new, |day| format!("; at this pace the last is used on {day}"));
        let message = format!(
            "after this run about {then} of {tasks} calls of this period are used{at_this_pace} ({})",
            self.key
        );
        Some(BudgetFinding { code: Code::BudgetLow, message })
    }

    /// The changes that this budget pays for, those of one person in one target together, in the order of the plan.
    fn parts(&self, plan: &Plan) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (target, planned) in plan.targets.iter().enumerate().filter(|(_, one)| self.covers.contains(&*one.name)) {
            let mut of_employee = BTreeMap::new();
            let going_on = planned.changes.iter().enumerate().filter(|(_, change)| change.hold.is_none());
            for (position, change) in going_on {
                let part = match change.employee {
                    Some(employee) => *of_employee.entry(employee).or_insert(parts.len()),
                    None => parts.len(),
                };
                if part == parts.len() {
                    parts.push(Part { target, changes: Vec::new(), calls: 0, leaves: false });
                }
                parts[part].changes.push(position);
                parts[part].calls += change.calls();
                parts[part].leaves |= change.op == Op::Deactivate;
            }
        }
        parts
    }
}

/// What is carried out or held together.
struct Part {
    target: usize,
    changes: Vec<usize>,
    calls: u64,
    leaves: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BudgetPeriod;
    use crate::employee::EmployeeId;
    use crate::plan::{Change, SourceSummary, TargetPlan};

    fn change(op: Op, employee: Option<u64>) -> Change {
        Change::new(op, employee.map(EmployeeId))
    }

    /// Applies a budget of 10 calls to a plan for two targets of which it covers the first; gives who is held.
    fn held(used: u64, changes: &[(Op, Option<u64>)]) -> (Vec<Option<u64>>, Option<BudgetFinding>) {
        let settings = BudgetSettings { tasks: 10, period: BudgetPeriod::Month, warn_at: Share(8_000), targets: None };
        let budget = Budget { settings: &settings, key: "budget.tasks".into(), covers: BTreeSet::from(["wiki"]), used };
        let changes: Vec<Change> = changes.iter().map(|(op, employee)| change(*op, *employee)).collect();
        let target = |name: &str| TargetPlan { changes: changes.clone(), ..TargetPlan::empty(name, "scim") };
        let mut plan = Plan {
            today: "2026-11-20".parse().unwrap(),
            source: SourceSummary { employees: 9, complete: true, ..SourceSummary::default() },
            targets: vec![target("wiki"), target("list")],
            notices: Vec::new(),
        };
        let finding = budget.apply(&mut plan);
        assert!(plan.targets[1].changes.iter().all(|change| change.hold.is_none()), "the other target costs nothing");
        let held = plan.targets[0].changes.iter().filter(|change| change.hold.is_some());
        (held.map(|change| change.employee.map(|id| id.0)).collect(), finding)
    }

    #[test]
    fn leavers_first_then_what_fits_and_the_rest_waits() {
        use Op::{Create, Deactivate, Request, Update};
        let changes = [(Create, Some(1)), (Update, Some(2)), (Deactivate, Some(3)), (Request, Some(1))];
        let (none, finding) = held(0, &changes);
        assert_eq!((none, finding), (vec![], None));
        let (who, finding) = held(9, &changes);
        assert_eq!(who, [Some(1), Some(2), Some(1)], "one call is left");
        let finding = finding.unwrap();
        assert_eq!(finding.code, "budget");
        assert_eq!(
            finding.message,
            "3 changes wait until 2026-12-01: this run needs about 5 calls, and 1 of 10 are left in this period (budget.tasks)"
        );
        assert_eq!(held(6, &changes).0, [Some(2)], "all of a person or nothing");
        assert_eq!(held(7, &changes).0, [Some(1), Some(2), Some(1)], "nobody overtakes who waits");
        assert_eq!(held(12, &changes).0.len(), 4, "a budget that was lowered");
    }

    #[test]
    fn what_is_nearly_used_up_is_told_also_when_nothing_is_written() {
        let told = |used| held(used, &[]).1.map(|finding| finding.message);
        assert_eq!(told(7), None);
        assert_eq!(
            told(8).as_deref(),
            Some(
                "after this run about 8 of 10 calls of this period are used; at this pace the last is used on 2026-11-25 (budget.tasks)"
            )
        );
        assert_eq!(
            told(10).as_deref(),
            Some("after this run about 10 of 10 calls of this period are used (budget.tasks)")
        );
    }

    #[test]
    fn periods_begin_with_the_calendar() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let around = |period: BudgetPeriod| period.around(day("2026-12-15"));
        assert_eq!(around(BudgetPeriod::Day), (day("2026-12-15"), day("2026-12-16")));
        assert_eq!(around(BudgetPeriod::Month), (day("2026-12-01"), day("2027-01-01")));
        assert_eq!(around(BudgetPeriod::Year), (day("2026-01-01"), day("2027-01-01")));
    }
}
