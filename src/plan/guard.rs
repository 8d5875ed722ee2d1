//! Safety rails: what is held back although it was planned.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::plan::{Limit, Safety, Share};

use super::{Change, FieldChange, Hold, Op, TargetPlan};
use crate::field::FieldIndex;

/// What the rails need to know beside the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardInput {
    /// Accounts in use that belong to an employee: what shares are taken of.
    pub linked: u64,
    /// Whether the source is proven to have delivered everybody.
    pub source_complete: bool,
    /// Whether the target is proven to have listed all its accounts.
    pub target_complete: bool,
    /// Whether this is the first run against a target that already has accounts.
    pub first_run: bool,
    /// Whether a whole run has left nobody to make before: from then on many new accounts at once are no beginning.
    pub all_made: bool,
    /// Whether the filters changed since the last run, and nobody accepted it.
    pub filters_changed: bool,
    /// Removals carried out in the last 24 hours.
    pub removed_lately: u64,
    /// The number that `--accept-removals` names; the release itself looks at who they are, too.
    pub accepted_removals: Option<u64>,
    /// Whose field was overwritten in the last 24 hours, by its name; what was approved left out.
    pub overwritten: BTreeMap<Box<str>, BTreeSet<EmployeeId>>,
    /// Fields that are taken back once what they ask for is done, of however many people.
    pub asks_once: &'static [&'static str],
    /// In how many accounts in use of employees a field holds a value, for the fields that are to be emptied.
    pub filled: BTreeMap<FieldIndex, u64>,
}

/// Marks the changes that a rail holds; all others may proceed.
///
/// Limits are per class. Above a limit the whole class is held: half of a mass removal is no better
/// than all of it, and an operator decides about a number they can check.
pub fn guard(plan: &mut TargetPlan, safety: &Safety, input: &GuardInput) {
    guard_removals(plan, safety, input);
    guard_gone(plan, input.linked);
    let of = input.linked;
    let by_default = || input.all_made.then(|| Limit::Count(default_creates(of)));
    let creates = safety.max_create.or_else(by_default);
    limit_class(plan, Code::MaxCreate, creates, of, |change| change.op == Op::Create);
    limit_clears(plan, safety.max_clear, of);
    limit_fields(plan, safety.max_field_share, input);
    limit_blanked(plan, safety.max_field_share, input);
    limit_class(plan, Code::MaxUpdate, safety.max_update, of, |change| {
        matches!(change.op, Op::Update | Op::Reactivate | Op::Handover)
    });
}

/// `1 deactivation is held`, `2 deactivations are held`.
fn held(number: u64, is: &str, are: &str) -> String {
    format!("{} held", crate::words::count(usize::try_from(number).unwrap_or(usize::MAX), is, are))
}

fn guard_removals(plan: &mut TargetPlan, safety: &Safety, input: &GuardInput) {
    let planned = count(plan, Change::removes);
    if planned == 0 {
        return;
    }
    let untrusted = [
        (!input.source_complete, Code::SourceUnproven, "Personio's answer is not proven complete"),
        (!input.target_complete, Code::TargetUnproven, "the target's list of accounts is not proven complete"),
        (
            input.first_run,
            Code::FirstRun,
            "the first run against a target that already has accounts removes nobody; the next run may",
        ),
        (
            input.filters_changed,
            Code::FiltersChanged,
            "the filters changed since the last run; look at who is affected, then use --accept-filter-change",
        ),
    ];
    if let Some((_, code, why)) = untrusted.into_iter().find(|(applies, ..)| *applies) {
        hold(plan, code, &format!("{}: {why}", held(planned, "deactivation is", "deactivations are")), Change::removes);
        return;
    }
    let limit = safety.max_deactivate.map_or_else(|| default_removals(input.linked), |limit| limit.of(input.linked));
    let over_a_day = (2 * limit).saturating_sub(input.removed_lately);
    if planned <= limit && planned <= over_a_day {
        return;
    }
    let of = input.linked;
    let rule = if planned > limit {
        format!("the limit is {limit} of {of} linked people in a run")
    } else {
        format!(
            "the limit is {} of {of} linked people in 24 hours, and {} were removed in the last 24",
            2 * limit,
            input.removed_lately
        )
    };
    let accepted = match input.accepted_removals {
        Some(accepted) if accepted != planned => format!("; --accept-removals {accepted} is not that number"),
        _ => String::new(),
    };
    let they_are = if planned == 1 { "it is" } else { "they are" };
    let them = if planned == 1 { "it" } else { "them" };
    let detail = format!(
        "{}: {rule} (max_deactivate){accepted}; if {they_are} right, approve {them}, or use --accept-removals {planned}",
        held(planned, "deactivation is", "deactivations are")
    );
    hold(plan, Code::MaxDeactivate, &detail, Change::removes);
}

/// From this many accounts on a share of them that is gone is no longer chance.
const GONE_FROM: u64 = 3;

/// Holds the accounts that would take the place of many that are gone. Somebody who deletes a handful means it; when
/// more than a twentieth is gone at once, most likely the list, the address or the link is wrong, and new accounts
/// would stand beside the old ones.
fn guard_gone(plan: &mut TargetPlan, linked: u64) {
    let replaces = |change: &Change| change.op == Op::Create && change.reason == Some(Code::AccountGone);
    let gone = count(plan, replaces);
    let whole = linked + gone;
    if gone < GONE_FROM || gone * 20 <= whole {
        return;
    }
    let detail = format!(
        "{gone} new accounts are held: {gone} of {whole} linked accounts are gone from the target, which is more than \
         5 %; if they were deleted there on purpose, approve them"
    );
    hold(plan, Code::AccountsGone, &detail, replaces);
}

/// Holds the new accounts of employees whom nobody has looked for: the list that lacks them is not whole.
pub fn hold_unseen(plan: &mut TargetPlan, why: &str, looked_for: &BTreeSet<EmployeeId>) {
    let unseen = |change: &Change| {
        change.op == Op::Create && change.employee.is_some_and(|employee| !looked_for.contains(&employee))
    };
    let number = count(plan, unseen);
    if number > 0 {
        let detail = format!(
            "{}: the target's list of accounts is not whole ({why}), and whether these \
             employees have one already could not be looked up",
            held(number, "new account is", "new accounts are")
        );
        hold(plan, Code::TargetUnproven, &detail, unseen);
    }
}

/// The removals allowed in a run when the file does not say.
pub fn default_removals(linked: u64) -> u64 {
    let share = |percent: u64| linked * percent / 100;
    match linked {
        0..20 => 2,
        20..100 => share(10).max(3),
        100..1_000 => share(5).max(10),
        _ => share(3).clamp(50, 200),
    }
}

/// The new accounts allowed in a run when the file does not say, once nobody was left to make.
fn default_creates(linked: u64) -> u64 {
    (linked * 20 / 100).max(50)
}

impl Limit {
    /// The number that the limit allows, of so many. A share is rounded down, and allows at least one.
    pub fn of(self, whole: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Share(Share(hundredths)) => (whole * u64::from(hundredths) / 10_000).max(u64::from(hundredths > 0)),
        }
    }

    /// As the file writes it.
    pub fn describe(self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Share(Share(hundredths)) if hundredths % 100 == 0 => format!("{} %", hundredths / 100),
            Self::Share(Share(hundredths)) => format!("{}.{:02} %", hundredths / 100, hundredths % 100),
        }
    }
}

fn limit_class(plan: &mut TargetPlan, setting: Code, limit: Option<Limit>, of: u64, class: impl Fn(&Change) -> bool) {
    let Some(limit) = limit else {
        return;
    };
    let planned = count(plan, &class);
    if planned > limit.of(of) {
        let they_are = if planned == 1 { "it is" } else { "they are" };
        let allowed = match limit {
            Limit::Count(count) => count.to_string(),
            Limit::Share(_) => format!("{} of {of} linked people, {}", limit.of(of), limit.describe()),
        };
        let detail = format!(
            "{}: the limit is {allowed} ({setting}); if {they_are} right, approve {}, or raise {setting} in \
             [targets.{}.safety] for this run",
            held(planned, "change is", "changes are"),
            if planned == 1 { "it" } else { "them" },
            plan.name
        );
        hold(plan, setting, &detail, class);
    }
}

fn limit_clears(plan: &mut TargetPlan, limit: Option<Limit>, of: u64) {
    let clears = |change: &Change| change.op == Op::Update && change.fields.iter().any(|field| field.after.is_empty());
    let Some(limit) = limit.filter(|limit| count(plan, clears) > limit.of(of)) else {
        return;
    };
    split(plan, |field| field.after.is_empty());
    limit_class(plan, Code::MaxClear, Some(limit), of, |change| {
        change.op == Op::Update && change.fields.iter().all(|field| field.after.is_empty())
    });
}

/// From this many linked people on the default share of one field counts; below it half is a handful.
const FIELD_SHARE_FROM: u64 = 20;

fn limit_fields(plan: &mut TargetPlan, share: Option<Share>, input: &GuardInput) {
    let of = input.linked;
    let share = match share {
        Some(share) => share,
        None if of >= FIELD_SHARE_FROM => Share(5_000),
        None => return,
    };
    let limit = Limit::Share(share);
    for (index, (name, planned)) in overwriting(plan, |field| !input.asks_once.contains(&&*field.field)) {
        // A run for each person overwrites as much as one run for everybody: what the last day saw counts as well.
        let lately = input.overwritten.get(&name).map_or(0, |lately| lately.difference(&planned).count()) as u64;
        let planned = planned.len() as u64;
        if planned + lately <= limit.of(of) {
            continue;
        }
        let before = match lately {
            0 => String::new(),
            1 => ", after 1 other in the last 24 hours".to_owned(),
            lately => format!(", after {lately} others in the last 24 hours"),
        };
        let detail = format!(
            "{name} would change in {planned} of {of} accounts{before}: the limit is {}, {} (max_field_share); if that is \
             right, approve it, or raise max_field_share in [targets.{}.safety] for this run",
            limit.of(of),
            limit.describe(),
            plan.name
        );
        hold_field(plan, index, &detail);
    }
}

/// From this many accounts on it is no coincidence that all of them lose the same field.
const BLANKED_FROM: u64 = 3;

/// In a small company half is a handful; that nobody keeps a value is a mapping that went wrong all the same.
fn limit_blanked(plan: &mut TargetPlan, share: Option<Share>, input: &GuardInput) {
    if share.is_some() || input.linked >= FIELD_SHARE_FROM {
        return;
    }
    for (index, (name, blanked)) in overwriting(plan, |field| field.after.is_empty()) {
        let blanked = blanked.len() as u64;
        if blanked < BLANKED_FROM || input.filled.get(&index).is_none_or(|filled| blanked < *filled) {
            continue;
        }
        let detail = format!(
            "{name} would be emptied in all {blanked} accounts that have a value (max_field_share); if that is right, \
             approve it, or set max_field_share in [targets.{}.safety] for this run",
            plan.name
        );
        hold_field(plan, index, &detail);
    }
}

/// Whose field is to be overwritten or emptied, by field. Filling a newly mapped one loses nothing.
fn overwriting(
    plan: &TargetPlan,
    counts: impl Fn(&FieldChange) -> bool,
) -> BTreeMap<FieldIndex, (Box<str>, BTreeSet<EmployeeId>)> {
    let mut found: BTreeMap<FieldIndex, (Box<str>, BTreeSet<EmployeeId>)> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.op == Op::Update) {
        for field in change.fields.iter().filter(|field| field.overwrites() && counts(field)) {
            let (_, people) = found.entry(field.index).or_insert_with(|| (Box::from(&*field.field), BTreeSet::new()));
            people.extend(change.employee);
        }
    }
    found
}

fn hold_field(plan: &mut TargetPlan, index: FieldIndex, detail: &str) {
    let concerned = move |field: &FieldChange| field.index == index && field.overwrites();
    split(plan, concerned);
    hold(plan, Code::MaxFieldShare, detail, |change| change.op == Op::Update && change.fields.iter().any(concerned));
}

/// Splits updates so that the fields that are to be held stand in changes of their own, beside the rest.
pub(super) fn split(plan: &mut TargetPlan, concerned: impl Fn(&FieldChange) -> bool) {
    let mut parts = Vec::new();
    for change in plan.changes.iter_mut().filter(|change| change.op == Op::Update && change.hold.is_none()) {
        if change.fields.iter().all(&concerned) || !change.fields.iter().any(&concerned) {
            continue;
        }
        let (held, rest) = std::mem::take(&mut change.fields).into_iter().partition(&concerned);
        change.fields = rest;
        parts.push(Change { fields: held, ..change.clone() });
    }
    if !parts.is_empty() {
        plan.changes.append(&mut parts);
        plan.changes.sort_by(|one, other| {
            (one.op, one.employee, &one.account).cmp(&(other.op, other.employee, &other.account))
        });
    }
}

fn count(plan: &TargetPlan, class: impl Fn(&Change) -> bool) -> u64 {
    plan.changes.iter().filter(|change| change.hold.is_none() && class(change)).count() as u64
}

pub(super) fn hold(plan: &mut TargetPlan, code: Code, detail: &str, class: impl Fn(&Change) -> bool) {
    for change in plan.changes.iter_mut().filter(|change| change.hold.is_none() && class(change)) {
        change.hold = Some(Hold { code, detail: detail.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldValue;

    fn change(op: Op, employee: u64, fields: &[(u16, &str, &str)]) -> Change {
        Change {
            fields: fields
                .iter()
                .map(|(index, before, after)| FieldChange {
                    index: FieldIndex(*index),
                    field: format!("field_{index}").into(),
                    before: FieldValue::text(before),
                    after: FieldValue::text(after),
                })
                .collect(),
            ..Change::new(op, Some(EmployeeId(employee)))
        }
    }

    fn removals(planned: u64) -> TargetPlan {
        let mut plan = TargetPlan::empty("desk", "freshservice");
        plan.changes = (0..planned).map(|employee| change(Op::Deactivate, employee, &[])).collect();
        plan
    }

    fn proven(linked: u64) -> GuardInput {
        GuardInput { linked, source_complete: true, target_complete: true, ..GuardInput::default() }
    }

    fn held(plan: &TargetPlan) -> usize {
        plan.summary().held
    }

    #[test]
    fn defaults_for_removals() {
        let table = [
            (0, 2),
            (19, 2),
            (20, 3),
            (39, 3),
            (40, 4),
            (99, 9),
            (100, 10),
            (219, 10),
            (220, 11),
            (999, 49),
            (1_000, 50),
            (1_666, 50),
            (1_700, 51),
            (6_666, 199),
            (6_667, 200),
            (100_000, 200),
        ];
        for (linked, expected) in table {
            assert_eq!(default_removals(linked), expected, "{linked}");
        }
    }

    #[test]
    fn removals_are_held_above_the_limit_only() {
        for (planned, expected) in [(9, 0), (10, 0), (11, 11)] {
            let mut plan = removals(planned);
            guard(&mut plan, &Safety::default(), &proven(100));
            assert_eq!(held(&plan), expected, "{planned}");
        }
    }

    #[test]
    fn twice_the_limit_in_a_day() {
        for (lately, expected) in [(10, 0), (11, 10), (12, 10), (99, 10)] {
            let mut plan = removals(10);
            guard(&mut plan, &Safety::default(), &GuardInput { removed_lately: lately, ..proven(100) });
            assert_eq!(held(&plan), expected, "{lately}");
        }
    }

    #[test]
    fn a_number_that_is_not_theirs_is_said() {
        for (accepted, told) in [(36, true), (37, false), (38, true)] {
            let mut plan = removals(37);
            guard(&mut plan, &Safety::default(), &GuardInput { accepted_removals: Some(accepted), ..proven(100) });
            assert_eq!(held(&plan), 37, "a number alone releases nobody");
            let detail = &plan.changes[0].hold.as_ref().unwrap().detail;
            assert_eq!(detail.contains(&format!("--accept-removals {accepted} is not that number")), told, "{detail}");
        }
    }

    #[test]
    fn no_removal_rests_on_doubt() {
        let doubts = [
            (Code::SourceUnproven, GuardInput { source_complete: false, ..proven(100) }),
            (Code::TargetUnproven, GuardInput { target_complete: false, ..proven(100) }),
            (Code::FirstRun, GuardInput { first_run: true, ..proven(100) }),
            (Code::FiltersChanged, GuardInput { filters_changed: true, ..proven(100) }),
        ];
        for (code, input) in doubts {
            let mut plan = removals(1);
            plan.changes.push(change(Op::Create, 7, &[(0, "", "a")]));
            guard(&mut plan, &Safety::default(), &GuardInput { accepted_removals: Some(1), ..input });
            assert_eq!(plan.changes[0].hold.as_ref().map(|hold| hold.code), Some(code));
            assert_eq!(plan.changes[1].hold, None, "the rest proceeds");
        }
    }

    #[test]
    fn new_accounts_are_limited_once_nobody_was_left_to_make() {
        for (all_made, creates, linked, declared, expected) in [
            (false, 400, 100, None, 0),
            (true, 50, 8, None, 0),
            (true, 51, 8, None, 51),
            (true, 60, 300, None, 0),
            (true, 61, 300, None, 61),
            (true, 61, 300, Some(Limit::Count(100)), 0),
        ] {
            let mut plan = TargetPlan::empty("desk", "freshservice");
            plan.changes = (0..creates).map(|id| change(Op::Create, id, &[(0, "", "a")])).collect();
            let safety = Safety { max_create: declared, ..Safety::default() };
            guard(&mut plan, &safety, &GuardInput { all_made, ..proven(linked) });
            assert_eq!(held(&plan), expected, "{all_made} {creates} {linked}");
            if let Some(hold) = &plan.changes[0].hold {
                let number = if linked == 8 { 50 } else { 60 };
                let words =
                    format!("changes are held: the limit is {number} (max_create); if they are right, approve them");
                assert!(hold.detail.contains(&words), "{}", hold.detail);
                assert!(hold.detail.contains("raise max_create in [targets.desk.safety]"), "{}", hold.detail);
            }
        }
    }

    #[test]
    fn many_accounts_that_are_gone_are_made_anew_only_once_somebody_says_so() {
        for (gone, others, expected) in [(2, 6, 0), (3, 5, 3), (4, 4, 4), (3, 57, 0), (3, 56, 3), (40, 0, 40)] {
            let mut plan = TargetPlan::empty("desk", "freshservice");
            plan.changes = (0..gone).map(|id| change(Op::Create, id, &[(0, "", "a")])).collect();
            plan.changes.iter_mut().for_each(|change| change.reason = Some(Code::AccountGone));
            plan.changes.push(change(Op::Create, 900, &[(0, "", "a")]));
            guard(&mut plan, &Safety::default(), &proven(others));
            assert_eq!(held(&plan), expected, "{gone} {others}");
            let codes = plan.changes.iter().filter_map(|change| change.hold.as_ref());
            assert!(codes.into_iter().all(|hold| hold.code == Code::AccountsGone));
        }
    }

    #[test]
    fn nobody_is_made_whom_a_list_that_is_not_whole_may_hide() {
        let mut plan = TargetPlan::empty("desk", "freshservice");
        plan.changes = (1..4).map(|id| change(Op::Create, id, &[(0, "", "a")])).collect();
        plan.changes.push(change(Op::Update, 4, &[(0, "a", "b")]));
        hold_unseen(&mut plan, "8 announced, 5 listed", &BTreeSet::from([EmployeeId(2)]));
        let codes: Vec<_> = plan.changes.iter().map(|change| change.hold.as_ref().map(|hold| hold.code)).collect();
        assert_eq!(codes, [Some(Code::TargetUnproven), None, Some(Code::TargetUnproven), None]);
    }

    #[test]
    fn declared_limits_per_class() {
        let safety = Safety {
            max_create: Some(Limit::Count(2)),
            max_update: Some(Limit::Share(Share(1_000))),
            ..Safety::default()
        };
        for (creates, updates, expected) in [(2, 2, 0), (3, 2, 3), (2, 3, 3), (3, 3, 6)] {
            let mut plan = TargetPlan::empty("desk", "freshservice");
            plan.changes = (0..creates).map(|id| change(Op::Create, id, &[(0, "", "a")])).collect();
            plan.changes.extend((10..10 + updates).map(|id| change(Op::Update, id, &[(id as u16, "a", "b")])));
            guard(&mut plan, &safety, &proven(20));
            assert_eq!(held(&plan), expected, "{creates} {updates}");
        }
    }

    #[test]
    fn emptying_many_fields_is_held_and_the_rest_of_each_update_proceeds() {
        let safety = Safety { max_clear: Some(Limit::Count(1)), ..Safety::default() };
        let mut plan = TargetPlan::empty("desk", "freshservice");
        plan.changes =
            vec![change(Op::Update, 1, &[(0, "a", ""), (1, "a", "b")]), change(Op::Update, 2, &[(0, "a", "")])];
        guard(&mut plan, &safety, &proven(10));
        let shown: Vec<_> = plan.changes.iter().map(|change| (change.fields.len(), change.hold.is_some())).collect();
        assert_eq!(shown, [(1, false), (1, true), (1, true)]);
    }

    #[test]
    fn one_field_changing_for_more_than_half_is_held() {
        for (changing, expected) in [(9, 0), (10, 0), (11, 11)] {
            let mut plan = TargetPlan::empty("desk", "freshservice");
            plan.changes =
                (0..changing).map(|id| change(Op::Update, id, &[(0, "old", "new"), (1, "", "first")])).collect();
            guard(&mut plan, &Safety::default(), &proven(20));
            assert_eq!(held(&plan), expected, "{changing}");
            let proceeding = plan.changes.iter().filter(|change| change.hold.is_none()).count();
            assert_eq!(proceeding, changing as usize, "filling an empty field proceeds");
        }
    }

    #[test]
    fn what_single_runs_overwrote_counts_for_a_day() {
        for (lately, expected) in [(0..0, 0), (0..9, 0), (0..10, 1), (5..15, 1)] {
            let mut plan = TargetPlan::empty("desk", "freshservice");
            plan.changes = vec![change(Op::Update, 99, &[(0, "old", "new")])];
            let people: BTreeSet<EmployeeId> = lately.clone().map(EmployeeId).collect();
            let input = GuardInput { overwritten: [("field_0".into(), people)].into(), ..proven(20) };
            guard(&mut plan, &Safety::default(), &input);
            assert_eq!(held(&plan), expected, "{lately:?}");
        }
        // Once more for the same people is no more of them.
        let mut plan = TargetPlan::empty("desk", "freshservice");
        plan.changes = (0..10).map(|id| change(Op::Update, id, &[(0, "old", "new")])).collect();
        let people: BTreeSet<EmployeeId> = (0..10).map(EmployeeId).collect();
        let input = GuardInput { overwritten: [("field_0".into(), people)].into(), ..proven(20) };
        guard(&mut plan, &Safety::default(), &input);
        assert_eq!(held(&plan), 0);
    }

    #[test]
    fn in_a_small_company_nobody_loses_a_field_together_with_everybody_else() {
        for (blanked, filled, linked, expected) in
            [(18, 18, 18, 18), (17, 18, 18, 0), (5, 5, 18, 5), (2, 2, 18, 0), (5, 5, 40, 0)]
        {
            let mut plan = TargetPlan::empty("desk", "freshservice");
            plan.changes = (0..blanked).map(|id| change(Op::Update, id, &[(0, "old", ""), (1, "a", "b")])).collect();
            let input = GuardInput { filled: [(FieldIndex(0), filled)].into(), ..proven(linked) };
            guard(&mut plan, &Safety::default(), &input);
            assert_eq!(held(&plan), expected, "{blanked} of {filled}");
        }
    }
}
