//! A sorted list of employees as one short text: in base 36, each but the first as its distance from the one before.
//!
//! Most employees of a run are in line. One text for each target remembers them all; only those who leave the list
//! get a row of their own.

use crate::employee::EmployeeId;

/// The text for a sorted list without repeats.
pub(super) fn encode(employees: &[EmployeeId]) -> String {
    let mut text = String::with_capacity(employees.len() * 2);
    let mut before = 0;
    for employee in employees {
        if !text.is_empty() {
            text.push(' ');
        }
        push_base36(&mut text, employee.0 - before);
        before = employee.0;
    }
    text
}

/// The list behind a text; `None` when it is no such text.
pub(super) fn decode(text: &str) -> Option<Vec<EmployeeId>> {
    let mut employees = Vec::with_capacity(text.len() / 2);
    let mut last = 0u64;
    for distance in text.split_ascii_whitespace() {
        last = last.checked_add(u64::from_str_radix(distance, 36).ok()?)?;
        employees.push(EmployeeId(last));
    }
    Some(employees)
}

fn push_base36(text: &mut String, mut number: u64) {
    let mut digits = Vec::with_capacity(13);
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).expect("a digit below 36"));
        number /= 36;
        if number == 0 {
            break;
        }
    }
    text.extend(digits.into_iter().rev());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_as_they_were() {
        for list in [vec![], vec![0], vec![7], vec![1001, 1002, 1003, 90_000, u64::MAX]] {
            let list: Vec<_> = list.into_iter().map(EmployeeId).collect();
            assert_eq!(decode(&encode(&list)), Some(list));
        }
        assert_eq!(encode(&[EmployeeId(1001), EmployeeId(1002), EmployeeId(1040)]), "rt 1 12");
        for wrong in ["-1", "x!", "3w5e11264sgsf 1"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
