//! What is said of people, as people read it: one line for everybody of whom the same is said.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::code::Code;
use crate::employee::EmployeeId;
use crate::plan::{Notice, Skip};

use crate::words::employees;

/// How many employees a line names unless all are asked for.
const NAMED: usize = 5;

/// From how many on one line speaks for all.
const FOLDED: usize = 3;

/// Those of which the same is said, together where they are many, in the order of the first of each.
pub(crate) fn alike<'t, T, K: Eq + Hash>(all: &'t [T], said: impl Fn(&T) -> K) -> Vec<Vec<&'t T>> {
    let mut position_of: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<&'t T>> = Vec::new();
    for one in all {
        let position = *position_of.entry(said(one)).or_insert(groups.len());
        match groups.get_mut(position) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let alone = |group: Vec<&'t T>| group.into_iter().map(|one| vec![one]).collect::<Vec<_>>();
    groups.into_iter().flat_map(|group| if group.len() < FOLDED { alone(group) } else { vec![group] }).collect()
}

/// A line for each notice, in the order of the first that says it.
pub(crate) fn notices(notices: &[Notice], all: bool) -> Vec<String> {
    lines(notices.iter().map(|notice| (notice.code, notice.employee, notice.message.clone())), all)
}

/// A line for each reason why somebody was left out, in the order of the first of whom it holds.
pub(crate) fn skips(skips: &[Skip], all: bool) -> Vec<String> {
    let said = |skip: &Skip| format!("{}: {}", skip.reason, skip.detail);
    lines(skips.iter().map(|skip| (skip.reason, Some(skip.employee), said(skip))), all)
}

/// One thing that is said, and of whom.
struct Group {
    code: Code,
    message: String,
    employees: Vec<EmployeeId>,
}

fn lines(all_said: impl Iterator<Item = (Code, Option<EmployeeId>, String)>, all: bool) -> Vec<String> {
    let mut position_of: HashMap<(Code, String), usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (code, employee, message) in all_said {
        let position = *position_of.entry((code, message)).or_insert_with_key(|(_, message)| {
            groups.push(Group { code, message: message.clone(), employees: Vec::new() });
            groups.len() - 1
        });
        groups[position].employees.extend(employee);
    }
    if all {
        return groups.iter().map(|group| line(&group.message, &group.employees, true)).collect();
    }
    with_totals(groups)
}

/// The first lines of each code, then one line for everybody else of whom it speaks: what differs from person to
/// person, such as the account, would otherwise be a line for each.
fn with_totals(groups: Vec<Group>) -> Vec<String> {
    let mut of_code: HashMap<Code, Vec<&Group>> = HashMap::new();
    for group in groups.iter().filter(|group| !group.employees.is_empty()) {
        of_code.entry(group.code).or_default().push(group);
    }
    let mut shown: HashMap<Code, usize> = HashMap::new();
    let mut lines = Vec::new();
    for group in &groups {
        let alike = of_code.get(&group.code).map_or(&[][..], Vec::as_slice);
        if group.employees.is_empty() || alike.len() <= NAMED + 1 {
            lines.push(line(&group.message, &group.employees, false));
            continue;
        }
        let position = shown.entry(group.code).or_default();
        *position += 1;
        if *position <= NAMED {
            lines.push(line(&group.message, &group.employees, false));
        } else if *position == NAMED + 1 {
            lines.push(total(group.code, alike));
        }
    }
    lines
}

fn total(code: Code, alike: &[&Group]) -> String {
    let distinct = |groups: &[&Group]| -> BTreeSet<EmployeeId> {
        groups.iter().flat_map(|group| &group.employees).copied().collect()
    };
    let (everybody, others) = (distinct(alike), distinct(&alike[NAMED..]));
    let ids: Vec<String> = others.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if ids.len() < others.len() { ", …" } else { "" };
    format!("{code}: {} in all, also {}{more} (--all shows them)", employees(everybody.len()), ids.join(", "))
}

fn line(message: &str, employees: &[EmployeeId], all: bool) -> String {
    match employees {
        [] => message.to_owned(),
        [employee] => format!("employee {employee}: {message}"),
        several => {
            let shown = if all { several } else { &several[..several.len().min(NAMED)] };
            let ids: Vec<String> = shown.iter().map(ToString::to_string).collect();
            let more = if shown.len() < several.len() { ", …" } else { "" };
            format!("{message} ({} employees: {}{more})", several.len(), ids.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_for_everybody() {
        let notice = |employee: Option<u64>, message: &str| Notice {
            employee: employee.map(EmployeeId),
            ..Notice::new(Code::FieldEmpty, message)
        };
        let mut said = vec![notice(None, "the list is short"), notice(Some(3), "no manager")];
        said.extend((10..16).map(|id| notice(Some(id), "no office")));
        said.push(notice(Some(4), "no manager"));
        let common = ["the list is short", "no manager (2 employees: 3, 4)"];
        assert_eq!(notices(&said, false)[..2], common);
        assert_eq!(notices(&said, false)[2..], ["no office (6 employees: 10, 11, 12, 13, 14, …)"]);
        assert_eq!(notices(&said, true)[2..], ["no office (6 employees: 10, 11, 12, 13, 14, 15)"]);
        assert_eq!(notices(&said[7..8], true), ["employee 15: no office"]);
    }

    #[test]
    fn what_differs_from_person_to_person_has_one_total() {
        let gone = |id: u64| Notice::about(EmployeeId(id), Code::EmployeeMissing, format!("account u{id} is kept"));
        let said: Vec<Notice> = (1..=12).map(gone).collect();
        let lines = notices(&said, false);
        assert_eq!(lines.len(), 6, "{lines:?}");
        assert_eq!(lines[4], "employee 5: account u5 is kept");
        assert_eq!(lines[5], "employee_missing: 12 employees in all, also 6, 7, 8, 9, 10, … (--all shows them)");
        assert_eq!(notices(&said, true).len(), 12);
        assert_eq!(notices(&said[..6], false)[5], "employee 6: account u6 is kept");
    }

    #[test]
    fn reasons_keep_their_code() {
        let skip =
            |id, detail: &str| Skip { employee: EmployeeId(id), reason: Code::FieldEmpty, detail: detail.into() };
        let said = [skip(1, "no e-mail"), skip(2, "shares it with 9"), skip(3, "no e-mail")];
        assert_eq!(
            skips(&said, false),
            ["field_empty: no e-mail (2 employees: 1, 3)", "employee 2: field_empty: shares it with 9"]
        );
    }
}
