use crate::code::Code;
use crate::employee::{Employee, Lifecycle, Standing, Value};

use super::{Expression, Facts, Truth};

/// What Personio says of somebody because they leave; empty for everybody else.
const SAYS_LEFT: [&str; 4] = ["termination_date", "last_working_day", "termination_type", "termination_reason"];

/// Whether a target is meant for an employee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    In,
    /// The filters hold, and the employee has left.
    Left,
    Out {
        /// Whether the employee has left as well.
        left: bool,
        /// Which one, in words.
        clause: Box<str>,
    },
    /// It cannot be told; a stable code, and why in words without values.
    Unclear(Code, String),
}

/// Whether every `include` holds and no `exclude` does, and whether the employee has left.
///
/// Filters that somebody fits but for having left, such as `status == 'active'`, are about who works here: such an
/// employee counts as left, not as never meant, or nobody's account would ever go out of use.
pub fn scope(include: &[Expression], exclude: &[Expression], facts: &Facts<'_>) -> Scope {
    let written = scope_as_written(include, exclude, facts);
    if !matches!(written, Scope::Out { left: true, .. }) {
        return written;
    }
    let employed = facts.as_if_employed();
    let standing = Standing::clear(Lifecycle::Active, None, None);
    match scope_as_written(include, exclude, &facts.of_another(&employed, &standing)) {
        Scope::In => Scope::Left,
        _ => written,
    }
}

/// The same by the letter of the filters, for targets that take those who left as well.
///
/// One filter that definitely says no outweighs others that cannot be told.
pub fn scope_as_written(include: &[Expression], exclude: &[Expression], facts: &Facts<'_>) -> Scope {
    let left = facts.standing().lifecycle == Lifecycle::Left;
    let mut unclear = None;
    let included = include.iter().map(|clause| (clause, Truth::No, "(include) does not hold"));
    let excluded = exclude.iter().map(|clause| (clause, Truth::Yes, "(exclude) holds"));
    for (clause, refusal, says_no) in included.chain(excluded) {
        let truth = clause.holds(facts);
        if truth == refusal {
            return Scope::Out { left, clause: format!("`{}` {says_no}", clause.source()).into() };
        }
        match truth {
            Truth::Unknown { attribute } => {
                unclear.get_or_insert((
                    Code::FilterHidden,
                    format!("`{}` needs `{attribute}`, which is not readable", clause.source()),
                ));
            }
            Truth::Invalid { why } => {
                unclear.get_or_insert((Code::FilterInvalid, format!("`{}`: {why}", clause.source())));
            }
            Truth::Yes | Truth::No => {}
        }
    }
    match unclear {
        Some((code, why)) => Scope::Unclear(code, why),
        None if left => Scope::Left,
        None => Scope::In,
    }
}

impl<'a> Facts<'a> {
    /// The employee without what only says that they left.
    fn as_if_employed(&self) -> Employee {
        let known = |key: &str| {
            let column = self.attributes().column(key).expect("a key of the set");
            match self.employee().value(column) {
                Value::Hidden => Value::Hidden,
                _ if key == "status" => Value::Text("active".into()),
                _ if SAYS_LEFT.contains(&key) => Value::Empty,
                value => value.clone(),
            }
        };
        Employee::new(self.employee().id, self.attributes().keys().map(known).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::employee::{Attributes, EmployeeId};
    use crate::rules::{Tables, Vocabulary};

    fn of(include: &str, exclude: &str, lifecycle: Lifecycle, status: &str) -> Scope {
        let attributes = Attributes::new(["status", "department", "termination_date", "hire_date"]);
        let vocabulary = Vocabulary::new(Some(attributes.keys().map(Box::from)), Default::default(), Tables::default());
        let day = |text: &str| Value::Date(text.parse().unwrap());
        let value = |key: &str| match key {
            "status" => Value::Text(status.into()),
            "department" => Value::Text("IT".into()),
            "hire_date" => day("2024-03-01"),
            _ if lifecycle == Lifecycle::Left => day("2026-11-20"),
            _ => Value::Empty,
        };
        let employee = Employee::new(EmployeeId(1), attributes.keys().map(value).collect::<Vec<_>>());
        let standing = Standing::clear(lifecycle, None, None);
        let tables = Arc::new(Tables::default());
        let facts = Facts::new(&employee, &attributes, &standing, "2026-11-27".parse().unwrap(), &tables);
        let clause = |text: &str| -> Vec<Expression> {
            (!text.is_empty()).then(|| Expression::compile(text, &vocabulary).unwrap()).into_iter().collect()
        };
        scope(&clause(include), &clause(exclude), &facts)
    }

    #[test]
    fn filters_that_only_say_who_left_do_not_keep_a_leaver_out() {
        let out = |left, clause: &str| Scope::Out { left, clause: clause.into() };
        for (include, exclude, expected) in [
            ("status == 'active'", "", Scope::Left),
            ("status in ['active', 'leave']", "", Scope::Left),
            ("lifecycle in ['active', 'leaving']", "", Scope::Left),
            ("status == 'active' and department == 'IT'", "", Scope::Left),
            ("termination_date == ''", "status == 'inactive'", Scope::Left),
            ("", "termination_date != '' and termination_date < today", Scope::Left),
            ("department == 'IT'", "status == 'onboarding'", Scope::Left),
            // By another line this target never was for them.
            ("department == 'Sales'", "", out(true, "`department == 'Sales'` (include) does not hold")),
            (
                "status == 'active' and department == 'Sales'",
                "",
                out(true, "`status == 'active' and department == 'Sales'` (include) does not hold"),
            ),
            ("status == 'active'", "department == 'IT'", out(true, "`status == 'active'` (include) does not hold")),
            ("status == 'onboarding'", "", out(true, "`status == 'onboarding'` (include) does not hold")),
        ] {
            assert_eq!(of(include, exclude, Lifecycle::Left, "inactive"), expected, "{include} {exclude}");
        }
        for (include, exclude, expected) in [
            ("status == 'active'", "", Scope::In),
            ("status == 'leave'", "", out(false, "`status == 'leave'` (include) does not hold")),
            ("", "department == 'IT'", out(false, "`department == 'IT'` (exclude) holds")),
        ] {
            assert_eq!(of(include, exclude, Lifecycle::Active, "active"), expected, "{include} {exclude}");
        }
    }
}
