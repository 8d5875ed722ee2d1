//! What is said of people, as people read it: one line for everybody of whom the same is said.

use std::collections::HashMap;

use crate::employee::EmployeeId;
use crate::plan::{Notice, Skip};

/// How many employees a line names unless all are asked for.
const NAMED: usize = 5;

/// A line for each notice, in the order of the first that says it.
pub(crate) fn notices(notices: &[Notice], all: bool) -> Vec<String> {
    lines(notices.iter().map(|notice| (notice.employee, notice.message.clone())), all)
}

/// A line for each reason why somebody was left out, in the order of the first of whom it holds.
pub(crate) fn skips(skips: &[Skip], all: bool) -> Vec<String> {
    lines(skips.iter().map(|skip| (Some(skip.employee), format!("{}: {}", skip.reason, skip.detail))), all)
}

fn lines(all_said: impl Iterator<Item = (Option<EmployeeId>, String)>, all: bool) -> Vec<String> {
    let mut place_of: HashMap<String, usize> = HashMap::new();
    let mut employees_of: Vec<(String, Vec<EmployeeId>)> = Vec::new();
    for (employee, message) in all_said {
        let place = *place_of.entry(message).or_insert_with_key(|message| {
            employees_of.push((message.clone(), Vec::new()));
            employees_of.len() - 1
        });
        employees_of[place].1.extend(employee);
    }
    employees_of.into_iter().map(|(message, employees)| line(&message, &employees, all)).collect()
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
            code: "code",
            employee: employee.map(EmployeeId),
            field: None,
            message: message.into(),
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
    fn reasons_keep_their_code() {
        let skip = |id, detail: &str| Skip { employee: EmployeeId(id), reason: "code", detail: detail.into() };
        let said = [skip(1, "no e-mail"), skip(2, "shares it with 9"), skip(3, "no e-mail")];
        assert_eq!(skips(&said, false), ["code: no e-mail (2 employees: 1, 3)", "employee 2: code: shares it with 9"]);
    }
}
