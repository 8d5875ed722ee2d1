//! Notices as people read them: one line for everybody whom the same is said of.

use std::collections::HashMap;

use crate::employee::EmployeeId;
use crate::plan::Notice;

/// How many employees a line names unless all are asked for.
const NAMED: usize = 5;

/// A line for each thing said, in the order of the first notice that says it.
pub(crate) fn lines(notices: &[Notice], all: bool) -> Vec<String> {
    let mut place_of: HashMap<(&str, &str), usize> = HashMap::new();
    let mut said: Vec<(&str, Vec<EmployeeId>)> = Vec::new();
    for notice in notices {
        let place = *place_of.entry((notice.code, &notice.message)).or_insert_with(|| {
            said.push((&notice.message, Vec::new()));
            said.len() - 1
        });
        said[place].1.extend(notice.employee);
    }
    said.into_iter().map(|(message, employees)| line(message, &employees, all)).collect()
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
            message: message.into(),
        };
        let mut notices = vec![notice(None, "the list is short"), notice(Some(3), "no manager")];
        notices.extend((10..16).map(|id| notice(Some(id), "no office")));
        notices.push(notice(Some(4), "no manager"));
        let common = ["the list is short", "no manager (2 employees: 3, 4)"];
        assert_eq!(lines(&notices, false)[..2], common);
        assert_eq!(lines(&notices, false)[2..], ["no office (6 employees: 10, 11, 12, 13, 14, …)"]);
        assert_eq!(lines(&notices, true)[2..], ["no office (6 employees: 10, 11, 12, 13, 14, 15)"]);
        assert_eq!(lines(&notices[7..8], true), ["employee 15: no office"]);
    }
}
