//! The order in which updates free and take values that only one account may have.

use std::collections::HashMap;

use crate::field::{FieldIndex, FieldKind, FieldValue, Schema};
use crate::plan::{Change, Op};

/// Changes that may be carried out side by side, level after level.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DependencyOrder {
    /// Places of changes in the plan.
    pub(super) levels: Vec<Vec<usize>>,
    /// Before a level, accounts in a circle that let go of a value first: level, place of the change, the field.
    pub(super) parked: Vec<(usize, usize, FieldIndex)>,
}

/// Orders creates, reactivations and updates so that a value is free before another account takes it.
///
/// Two people who swap their addresses wait for each other for ever, so one of them lets go of the value first:
/// the field is emptied, and filled when the other has moved.
pub(super) fn dependency_order(changes: &[Change], schema: &Schema, match_fields: &[FieldIndex]) -> DependencyOrder {
    let unique: Vec<FieldIndex> = schema
        .iter()
        .filter(|(index, spec)| match_fields.contains(index) || spec.kind == FieldKind::Email)
        .map(|(index, _)| index)
        .collect();
    let acts = |change: &Change| {
        change.hold.is_none() && matches!(change.op, Op::Create | Op::Reactivate | Op::Handover | Op::Update)
    };
    let mut held_by: HashMap<(FieldIndex, String), usize> = HashMap::new();
    for (position, change) in changes.iter().enumerate().filter(|(_, change)| acts(change)) {
        for field in change.fields.iter().filter(|field| unique.contains(&field.index) && !field.before.is_empty()) {
            held_by.insert((field.index, fold(&field.before)), position);
        }
    }
    let waits_for = |position: usize, change: &Change| -> Vec<(usize, FieldIndex)> {
        if held_by.is_empty() {
            return Vec::new();
        }
        change
            .fields
            .iter()
            .filter(|field| unique.contains(&field.index) && !field.after.is_empty())
            .filter_map(|field| Some((*held_by.get(&(field.index, fold(&field.after)))?, field.index)))
            .filter(|(holder, _)| *holder != position)
            .collect()
    };
    let mut open: Vec<(usize, Vec<(usize, FieldIndex)>)> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| acts(change))
        .map(|(position, change)| (position, waits_for(position, change)))
        .collect();
    let mut result = DependencyOrder::default();
    while !open.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, waits)| waits.is_empty());
        open = waiting;
        if ready.is_empty() {
            // A circle: somebody in it lets go of what the first one waits for.
            let (holder, field) = open[0].1[0];
            result.parked.push((result.levels.len(), holder, field));
            for (_, waits) in &mut open {
                waits.retain(|wait| *wait != (holder, field));
            }
            continue;
        }
        let done: Vec<usize> = ready.into_iter().map(|(position, _)| position).collect();
        for (_, waits) in &mut open {
            waits.retain(|(holder, _)| done.binary_search(holder).is_err());
        }
        result.levels.push(done);
    }
    result
}

fn fold(value: &FieldValue) -> String {
    value.to_string().trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::EmployeeId;
    use crate::field::FieldSpec;
    use crate::plan::FieldChange;

    fn change(op: Op, employee: u64, before: &str, after: &str) -> Change {
        let (before, after) = (FieldValue::text(before), FieldValue::text(after));
        Change {
            fields: vec![FieldChange { index: FieldIndex(0), field: "email".into(), before, after }],
            ..Change::new(op, Some(EmployeeId(employee)))
        }
    }

    fn order(changes: &[Change]) -> DependencyOrder {
        let schema = Schema { fields: vec![FieldSpec::new("email", FieldKind::Email)], ..Schema::default() };
        dependency_order(changes, &schema, &[])
    }

    #[test]
    fn independent_changes_are_one_wave() {
        let found = order(&[change(Op::Create, 1, "", "a"), change(Op::Update, 2, "b", "c")]);
        assert_eq!(found, DependencyOrder { levels: vec![vec![0, 1]], parked: Vec::new() });
    }

    #[test]
    fn a_value_is_let_go_before_it_is_taken() {
        let found =
            order(&[change(Op::Create, 1, "", "B"), change(Op::Update, 2, "b", "c"), change(Op::Update, 3, "c", "d")]);
        assert_eq!(found, DependencyOrder { levels: vec![vec![2], vec![1], vec![0]], parked: Vec::new() });
    }

    #[test]
    fn a_swap_parks_one_of_the_two() {
        let found = order(&[change(Op::Update, 1, "a", "b"), change(Op::Update, 2, "b", "a")]);
        assert_eq!(found, DependencyOrder { levels: vec![vec![0], vec![1]], parked: vec![(0, 1, FieldIndex(0))] });
    }

    #[test]
    fn a_circle_of_three_is_opened_once() {
        let found =
            order(&[change(Op::Update, 1, "a", "b"), change(Op::Update, 2, "b", "c"), change(Op::Update, 3, "c", "a")]);
        assert_eq!(found.parked, vec![(0, 1, FieldIndex(0))]);
        assert_eq!(found.levels, vec![vec![0], vec![2], vec![1]]);
    }
}
