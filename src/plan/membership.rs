//! Groups whose members the file gives by rule.

use std::collections::BTreeSet;

use crate::code::Code;
use crate::plan::{Limit, Share};
use crate::rules::{Mapping, MappingSource};

use super::guard::{hold, split};
use super::{Account, FieldChange, TargetPlan};
use crate::field::{AccountId, FieldValue};

/// From so many members on a share of them says something.
const SHARE_FROM: usize = 3;

/// Holds the changes that would leave a group without any employee, or without more of them than `share` allows: a
/// rule that suddenly fits nobody is more likely a renamed department than a group that has had its day.
pub(super) fn hold_emptied(
    plan: &mut TargetPlan,
    mapping: &[Mapping],
    accounts: &[Account],
    owners: &[Option<usize>],
    share: Share,
) {
    let groups = mapping.iter().filter(|mapping| matches!(mapping.source, MappingSource::Member { owned: true, .. }));
    for index in groups.map(|mapping| mapping.index) {
        let leaves = |field: &FieldChange| {
            field.index == index && field.before == FieldValue::Bool(true) && field.after != field.before
        };
        let joins = |field: &FieldChange| field.index == index && field.after == FieldValue::Bool(true);
        let fields = || plan.changes.iter().flat_map(|change| &change.fields);
        let leaving: BTreeSet<&AccountId> = plan
            .changes
            .iter()
            .filter(|change| change.fields.iter().any(leaves))
            .filter_map(|change| change.account.as_ref())
            .collect();
        let members: Vec<&AccountId> = accounts
            .iter()
            .zip(owners)
            .filter(|(account, owner)| owner.is_some() && *account.field(index) == FieldValue::Bool(true))
            .map(|(account, _)| &account.id)
            .collect();
        let stays = members.iter().any(|member| !leaving.contains(member));
        let name = fields().find(|field| leaves(field)).map(|field| field.field.clone()).unwrap_or_default();
        let (code, detail) = if leaving.is_empty() {
            continue;
        } else if !stays && !fields().any(joins) {
            let detail = format!(
                "{name} would lose all {} of its employees, because its rule fits nobody; look at the rule, and approve \
                 it if that is right",
                leaving.len()
            );
            (Code::GroupEmptied, detail)
        } else if members.len() >= SHARE_FROM && leaving.len() as u64 > Limit::Share(share).of(members.len() as u64) {
            let detail = format!(
                "{name} would lose {} of its {} employees: the limit is {} (max_group_share); look at its rule, and \
                 approve it if that is right",
                leaving.len(),
                members.len(),
                Limit::Share(share).describe()
            );
            (Code::MaxGroupShare, detail)
        } else {
            continue;
        };
        split(plan, leaves);
        hold(plan, code, &detail, |change| change.fields.iter().any(leaves));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::employee::EmployeeId;
    use crate::field::FieldIndex;
    use crate::plan::{Change, Op};
    use crate::rules::{Expression, OnEmpty, OnInvalid, Tables, Vocabulary, When};

    const GROUP: FieldIndex = FieldIndex(1);

    fn mapping(owned: bool) -> Mapping {
        let vocabulary =
            Vocabulary::new(Some(["department".into()]), std::collections::BTreeMap::new(), Tables::default());
        let rule = Expression::compile("department == 'IT'", &vocabulary).unwrap();
        Mapping {
            index: GROUP,
            source: MappingSource::Member { rule, owned },
            on_empty: OnEmpty::default(),
            on_invalid: OnInvalid::default(),
            when: When::default(),
        }
    }

    fn account(id: &str, member: bool) -> Account {
        Account::new(id, true, vec![FieldValue::text("title"), FieldValue::Bool(member)])
    }

    fn change(account: &str, before: bool) -> Change {
        let field = |index: u16, before, after| FieldChange {
            index: FieldIndex(index),
            field: format!("field_{index}").into(),
            before,
            after,
        };
        Change {
            account: Some(account.into()),
            fields: vec![
                field(0, FieldValue::Empty, FieldValue::text("title")),
                field(1, FieldValue::Bool(before), FieldValue::Bool(!before)),
            ],
            ..Change::new(Op::Update, Some(EmployeeId(1)))
        }
    }

    /// Held changes, for accounts with an owner or without and their membership, and who leaves or joins.
    fn held(owned: bool, accounts: &[(&str, bool, bool)], changes: &[(&str, bool)]) -> usize {
        let owners: Vec<_> = accounts.iter().map(|(_, _, owner)| owner.then_some(0)).collect();
        let accounts: Vec<_> = accounts.iter().map(|(id, member, _)| account(id, *member)).collect();
        let mut plan = TargetPlan::empty("chat", "slack");
        plan.changes = changes.iter().map(|(id, before)| change(id, *before)).collect();
        hold_emptied(&mut plan, &[mapping(owned)], &accounts, &owners, Share(5_000));
        let all: usize = plan.changes.iter().map(|change| change.fields.len()).sum();
        assert_eq!(all, changes.len() * 2, "nothing is lost");
        assert!(plan.changes.iter().filter(|change| change.hold.is_some()).all(|change| change.fields.len() == 1));
        plan.summary().held
    }

    #[test]
    fn a_group_is_never_emptied_by_accident() {
        let (one, two, bot) = (("U1", true, true), ("U2", true, true), ("B1", true, false));
        assert_eq!(held(true, &[one, two], &[("U1", true), ("U2", true)]), 2);
        assert_eq!(held(true, &[one, two], &[("U1", true)]), 0, "somebody stays");
        assert_eq!(held(true, &[one, bot], &[("U1", true)]), 1, "somebody who is no employee does not count");
        assert_eq!(held(true, &[one, ("U2", false, true)], &[("U1", true), ("U2", false)]), 0, "somebody joins");
        assert_eq!(held(false, &[one], &[("U1", true)]), 0, "nobody is taken out of these");
    }

    /// How many are held when so many of so many are taken out.
    fn held_of(leaving: usize, members: usize, joining: usize) -> (usize, Option<Code>) {
        let id = |position: usize| AccountId::from(format!("U{position:02}"));
        let accounts: Vec<Account> =
            (0..members + joining).map(|position| account(&id(position).0, position < members)).collect();
        let mut plan = TargetPlan::empty("chat", "slack");
        let positions = (0..leaving)
            .map(|position| (position, true))
            .chain((members..members + joining).map(|position| (position, false)));
        plan.changes = positions.map(|(position, before)| change(&id(position).0, before)).collect();
        hold_emptied(&mut plan, &[mapping(true)], &accounts, &vec![Some(0); accounts.len()], Share(5_000));
        let code = plan.changes.iter().find_map(|change| Some(change.hold.as_ref()?.code));
        (plan.summary().held, code)
    }

    #[test]
    fn more_than_half_of_a_group_is_held_from_three_members_on() {
        for (leaving, members, joining, expected) in [
            (12, 14, 0, (12, Some(Code::MaxGroupShare))),
            (7, 8, 0, (7, Some(Code::MaxGroupShare))),
            (7, 8, 7, (7, Some(Code::MaxGroupShare))),
            (8, 8, 2, (8, Some(Code::MaxGroupShare))),
            (8, 8, 0, (8, Some(Code::GroupEmptied))),
            (4, 8, 0, (0, None)),
            (5, 8, 0, (5, Some(Code::MaxGroupShare))),
            (2, 3, 0, (2, Some(Code::MaxGroupShare))),
            (1, 3, 0, (0, None)),
            (1, 2, 0, (0, None)),
            (2, 2, 1, (0, None)),
        ] {
            assert_eq!(held_of(leaving, members, joining), expected, "{leaving} of {members}, {joining} join");
        }
    }
}
