use crate::employee::Lifecycle;

use super::{Expression, Facts, Truth};

/// Whether a target is meant for an employee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// It is.
    In,
    /// The filters hold, and the employee has left.
    Left,
    /// A filter says no.
    Out {
        /// Whether the employee has left as well.
        left: bool,
    },
    /// It cannot be told; a stable code, and why in words without values.
    Unclear(&'static str, String),
}

/// Whether every `include` holds and no `exclude` does, and whether the employee has left.
///
/// One filter that definitely says no outweighs others that cannot be told.
pub fn scope(include: &[Expression], exclude: &[Expression], facts: &Facts<'_>) -> Scope {
    let left = facts.standing().lifecycle == Lifecycle::Left;
    let mut unclear = None;
    let clauses =
        include.iter().map(|clause| (clause, Truth::No)).chain(exclude.iter().map(|clause| (clause, Truth::Yes)));
    for (clause, refusal) in clauses {
        let truth = clause.holds(facts);
        if truth == refusal {
            return Scope::Out { left };
        }
        match truth {
            Truth::Unknown { attribute } => {
                unclear.get_or_insert((
                    "filter_hidden",
                    format!("`{}` needs `{attribute}`, which is not readable", clause.source()),
                ));
            }
            Truth::Invalid { why } => {
                unclear.get_or_insert(("filter_invalid", format!("`{}`: {why}", clause.source())));
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
