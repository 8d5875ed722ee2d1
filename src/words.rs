//! The one place for plurals, for sentences in messages, and for the name that was most likely meant.

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
    fn sentences_become_parts_of_messages() {
        assert_eq!(phrase("The file is empty."), "the file is empty");
        assert_eq!(phrase("Personio does not take it."), "Personio does not take it");
        assert_eq!(phrase(""), "");
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(employees(1), "1 employee");
        assert_eq!(employees(0), "0 employees");
        assert_eq!(count(1_234_567, "account", "accounts"), "1,234,567 accounts");
    }
}
