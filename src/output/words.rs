//! The one place for plurals.

/// `1 account`, `2 accounts`.
pub fn count(number: usize, singular: &str, plural: &str) -> String {
    let word = if number == 1 { singular } else { plural };
    format!("{} {word}", grouped(number))
}

/// `1 employee`, `2 employees`.
pub fn employees(number: usize) -> String {
    count(number, "employee", "employees")
}

/// `12,345`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(employees(1), "1 employee");
        assert_eq!(employees(0), "0 employees");
        assert_eq!(count(1_234_567, "account", "accounts"), "1,234,567 accounts");
    }
}
