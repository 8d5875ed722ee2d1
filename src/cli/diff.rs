//! `diff`: what another file would make of the same employees.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use crate::config::{Settings, TargetSettings};
use crate::employee::{Attributes, Employee, EmployeeId, Employees, Standing, standing};
use crate::field::FieldValue;
use crate::output::listing::Listing;
use crate::output::visible::short;
use crate::output::{Answer, Bars, Shown};
use crate::plan::{FieldDiff, FieldGoal, RuleDiff, Rules, rule_diff};
use crate::progress::ReadProgress as _;
use crate::rules::Tables;
use crate::words::{count, employees};

use super::{Failure, Process, Reasons, SandboxChoice};

/// Show what a changed file would do: who enters each target, who leaves it, and which fields change
///
/// The employees are read once, as NEW says, and held against the rules of both files. No target is asked, so that what
/// accounts hold does not count; `plan` says that. Nothing is written.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file as it was
    #[arg(value_name = "OLD.toml")]
    old: PathBuf,
    /// The file as it should be
    #[arg(value_name = "NEW.toml")]
    new: PathBuf,
    #[command(flatten)]
    sandbox: SandboxChoice,
}

#[derive(Serialize)]
struct DiffDocument {
    employees: usize,
    targets: Vec<TargetOut>,
}

#[derive(Serialize)]
struct TargetOut {
    name: String,
    /// `both`, or which file has it.
    in_file: &'static str,
    enter: Vec<String>,
    leave: Vec<LeaveOut>,
    fields: Vec<FieldOut>,
}

#[derive(Serialize)]
struct LeaveOut {
    employee: String,
    why: String,
}

#[derive(Serialize)]
struct FieldOut {
    employee: String,
    field: String,
    before: GoalOut,
    after: GoalOut,
}

#[derive(Serialize)]
struct GoalOut {
    state: &'static str,
    value: Option<FieldValue>,
    why: Option<String>,
}

pub(super) fn run(process: &Process, arguments: &Arguments) -> Result<Reasons, Failure> {
    let old = process.read_rules(&arguments.old)?;
    let session = process.open_file(&arguments.new, &arguments.sandbox)?;
    if let Some(sandbox) = &session.sandbox {
        sandbox.offer(&old)?;
    }
    let new = &session.settings;
    let attributes = Attributes::new(old.attributes.keys().chain(new.attributes.keys()));
    let bars = Bars::new(process.terminal);
    let read = session.source()?.employees(&attributes, &*bars.reading("Personio"))?.employees;
    drop(bars);
    let sides = [Side::of(&old, &read, session.today), Side::of(new, &read, session.today)];
    let [before, after] = &sides;

    let mut names: Vec<&str> = new.targets.iter().map(|target| &*target.plan.name).collect();
    names.extend(old.targets.iter().map(|target| &*target.plan.name).filter(|name| !new.has_target(name)));
    let diffs: Vec<(&str, &'static str, RuleDiff)> = names
        .into_iter()
        .map(|name| {
            let (old, new) = (before.rules(name), after.rules(name));
            let in_file = match (&old, &new) {
                (Some(_), Some(_)) => "both",
                (Some(_), None) => "old",
                _ => "new",
            };
            (name, in_file, rule_diff(old.as_ref(), new.as_ref()))
        })
        .collect();
    let shown = Named { process, people: &read }.shown(&diffs, (&arguments.old, &arguments.new));
    let document = DiffDocument { employees: read.list.len(), targets: diffs.into_iter().map(target_out).collect() };
    process.answer(&Answer::new("diff", document, shown));
    Ok(Reasons::default())
}

/// One file, with the employees as it reads them.
struct Side<'s> {
    settings: &'s Settings,
    employees: Employees,
    standings: Vec<Standing>,
    tables: Arc<Tables>,
    today: chrono::NaiveDate,
}

impl<'s> Side<'s> {
    fn of(settings: &'s Settings, read: &Employees, today: chrono::NaiveDate) -> Self {
        let attributes = &settings.attributes;
        let columns: Vec<_> = attributes.keys().filter_map(|key| read.attributes.column(key)).collect();
        let own = |employee: &Employee| {
            Employee::new(employee.id, columns.iter().map(|column| employee.value(*column).clone()).collect::<Vec<_>>())
        };
        let list: Vec<Employee> = read.list.iter().map(own).collect();
        let employees = Employees::new(attributes.clone(), list, read.completeness.clone());
        let employees = employees.contesting(read.contested.clone());
        let standings = employees.list.iter().map(|employee| standing(employee, attributes, today)).collect();
        Self { settings, employees, standings, tables: Arc::new(settings.vocabulary.tables().clone()), today }
    }

    fn rules(&self, target: &str) -> Option<Rules<'_>> {
        let found: &TargetSettings = self.settings.targets.iter().find(|found| *found.plan.name == *target)?;
        Some(Rules {
            settings: &found.plan,
            employee_rules: found.target.offers().rules,
            employees: &self.employees,
            standings: &self.standings,
            tables: &self.tables,
            today: self.today,
        })
    }
}

fn target_out((name, in_file, diff): (&str, &'static str, RuleDiff)) -> TargetOut {
    let field = |diff: FieldDiff| FieldOut {
        employee: diff.employee.to_string(),
        field: diff.field.to_string(),
        before: goal_out(diff.before),
        after: goal_out(diff.after),
    };
    TargetOut {
        name: name.to_owned(),
        in_file,
        enter: diff.enter.iter().map(EmployeeId::to_string).collect(),
        leave: diff.leave.into_iter().map(|(id, why)| LeaveOut { employee: id.to_string(), why }).collect(),
        fields: diff.fields.into_iter().map(field).collect(),
    }
}

fn goal_out(goal: FieldGoal) -> GoalOut {
    let state = goal.as_str();
    let (value, why) = match goal {
        FieldGoal::Value(value) => (Some(value), None),
        FieldGoal::Refused(why) => (None, Some(why)),
        FieldGoal::NotMapped | FieldGoal::Kept => (None, None),
    };
    GoalOut { state, value, why }
}

/// People and values, shown or hidden as everywhere.
struct Named<'a> {
    process: &'a Process,
    people: &'a Employees,
}

/// The most people of whom a row has the number.
const NAMED: usize = 5;

impl Named<'_> {
    fn shown(&self, diffs: &[(&str, &'static str, RuleDiff)], files: (&Path, &Path)) -> Shown {
        let mut rows = Listing::new(["Target", "What", "Who", "Why"]);
        for (target, _, diff) in diffs {
            for employee in &diff.enter {
                rows.row([*target, "enters", &self.person(*employee), ""]);
            }
            for (employee, why) in &diff.leave {
                rows.row([*target, "leaves", &self.person(*employee), why]);
            }
            for ((field, change), who) in self.alike(&diff.fields) {
                rows.row([*target, &format!("{field} changes"), &who, &change]);
            }
        }
        let everything: usize =
            diffs.iter().map(|(_, _, diff)| diff.enter.len() + diff.leave.len() + diff.fields.len()).sum();
        let read = employees(self.people.list.len());
        if everything == 0 {
            let (old, new) = (files.0.display(), files.1.display());
            return Shown::default().words(format!("{read}: {new} does to all of them what {old} does.\n"));
        }
        let sum = |what: fn(&RuleDiff) -> usize| diffs.iter().map(|(_, _, diff)| what(diff)).sum::<usize>();
        let notes = format!(
            "{read}: {} in, {} out, {} changed\n",
            sum(|diff| diff.enter.len()),
            sum(|diff| diff.leave.len()),
            count(sum(|diff| diff.fields.len()), "field", "fields"),
        );
        Shown::default().rows(rows).notes(notes)
    }

    /// What happens to several people alike is one row.
    fn alike(&self, fields: &[FieldDiff]) -> Vec<((String, String), String)> {
        let mut alike: BTreeMap<(String, String), Vec<EmployeeId>> = BTreeMap::new();
        for diff in fields {
            let change = format!("{} → {}", self.goal(&diff.before), self.goal(&diff.after));
            alike.entry((diff.field.to_string(), change)).or_default().push(diff.employee);
        }
        let who = |ids: Vec<EmployeeId>| match ids.as_slice() {
            [one] => self.person(*one),
            several => {
                let first: Vec<String> = several.iter().take(NAMED).map(EmployeeId::to_string).collect();
                let more = if several.len() > NAMED { ", …" } else { "" };
                format!("{}: {}{more}", employees(several.len()), first.join(", "))
            }
        };
        alike.into_iter().map(|(change, ids)| (change, who(ids))).collect()
    }

    fn goal(&self, goal: &FieldGoal) -> String {
        match goal {
            FieldGoal::NotMapped => "(not mapped)".to_owned(),
            FieldGoal::Value(value) => short(&self.process.mask().value(value)).into_owned(),
            FieldGoal::Kept => "(left as it is)".to_owned(),
            FieldGoal::Refused(why) => format!("(refused: {why})"),
        }
    }

    fn person(&self, id: EmployeeId) -> String {
        match self.people.full_name(id) {
            Some(name) => format!("{id} {}", short(&self.process.mask().text(&name))),
            None => id.to_string(),
        }
    }
}
