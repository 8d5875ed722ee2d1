//! The one place for plurals, for sentences in messages, and for the name that was most likely meant.

/// `1 account`, `2 accounts`.
pub fn count(number: usize, singular: &str, plural: &str) -> String {
    let word = if number == 1 { singular } else { plural };
    format!("{} {word}", grouped(number))
}

/// As many of a list as a line can name, and how many more there are: `1, 2 and 3 more`.
pub fn first_of<T: std::fmt::Display>(all: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>) -> String {
    const NAMED: usize = 20;
    let all = all.into_iter();
    let more = all.len().saturating_sub(NAMED);
    let named: Vec<String> = all.take(NAMED).map(|one| one.to_string()).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

/// `1 employee`, `2 employees`.
pub fn employees(number: usize) -> String {
    count(number, "employee", "employees")
}

/// `43 employees: 1001, 1002, 1004, 1005, 1006, …`
pub(crate) fn in_short(ids: &[String]) -> String {
    match ids {
        [] => String::new(),
        [one] => one.clone(),
        several => format!("{}: {}", employees(several.len()), in_few(several)),
    }
}

/// `1001, 1002, 1004, 1005, 1006, …`
pub(crate) fn in_few(ids: &[String]) -> String {
    const NAMED: usize = 5;
    let more = if ids.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", ids[..ids.len().min(NAMED)].join(", "))
}

/// `12,345`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `did you mean …? known: …`, for a name that is not known; `there are none` where nothing is.
pub fn known<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return "there are none".into();
    }
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(name, &known) {
        Some(nearest) => format!("did you mean `{nearest}`? known: {list}"),
        None => format!("known: {list}"),
    }
}

/// The known name that is close enough to be a misspelling.
pub fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), *candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

/// A sentence as a part of a message: `Look at it.` is `look at it`.
pub fn phrase(sentence: &str) -> String {
    let text = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !text.starts_with("Personio") => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_employees_the_first_are_named() {
        let ids = |number: u32| (1..=number).map(|id| id.to_string()).collect::<Vec<_>>();
        assert_eq!(in_short(&ids(0)), "");
        assert_eq!(in_short(&ids(1)), "1");
        assert_eq!(in_short(&ids(5)), "5 employees: 1, 2, 3, 4, 5");
        assert_eq!(in_short(&ids(230)), "230 employees: 1, 2, 3, 4, 5, …");
    }

    #[test]
    fn sentences_become_parts_of_messages() {
        assert_eq!(phrase("The file is empty."), "the file is empty");
        assert_eq!(phrase("Personio does not take it."), "Personio does not take it");
        assert_eq!(phrase(""), "");
    }

    #[test]
    fn a_list_that_is_long_says_how_much_longer_it_is() {
        assert_eq!(first_of([7, 8]), "7, 8");
        assert!(first_of(Vec::from_iter(1..=23)).ends_with("19, 20 and 3 more"));
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(employees(1), "1 employee");
        assert_eq!(employees(0), "0 employees");
        assert_eq!(count(1_234_567, "account", "accounts"), "1,234,567 accounts");
    }
}
