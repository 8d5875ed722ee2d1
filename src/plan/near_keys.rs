//! Keys that people read as one and a computer as two.
//!
//! A spreadsheet eats the zeros in front of a number, somebody types a staff number in capitals, a copied address
//! carries a zero-width space. An account behind such a key is most likely the employee's, and never certainly.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::Account;
use super::correlate::{Found, Keys, MatchKey, key};
use crate::code::Code;
use crate::field::{FieldIndex, FieldKind, FieldSpec};

/// Format characters (category Cf): soft hyphens, zero-width spaces and joiners, marks of direction.
static INVISIBLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{Cf}").expect("a valid pattern"));

/// Takes out of the rest whoever has no account by the key itself, where an account that nobody owns has nearly the
/// same key. Neither is guessed: nobody gets that account, and nobody a second one.
pub(super) fn set_aside(
    keys: &Keys<'_>,
    accounts: &[Account],
    match_fields: &[(FieldIndex, &FieldSpec)],
    owners: &[Option<usize>],
    found: &mut [Option<Found>],
) {
    if found.iter().all(Option::is_some) {
        return;
    }
    for (position, (field, spec)) in match_fields.iter().enumerate() {
        let mut by_shape: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, account) in accounts.iter().enumerate().filter(|(index, _)| owners[*index].is_none()) {
            if let Some(key) = key(account.field(*field), spec) {
                by_shape.entry(shape(&key, spec)).or_default().push(index);
            }
        }
        if by_shape.is_empty() {
            continue;
        }
        for (candidate, found) in found.iter_mut().enumerate().filter(|(_, found)| found.is_none()) {
            let MatchKey::Is(own) = &keys.of(candidate)[position] else { continue };
            let Some(near) = by_shape.get(&shape(own, spec)) else { continue };
            let other = key(accounts[near[0]].field(*field), spec).unwrap_or_default();
            let mut ids: Vec<String> = near.iter().map(|index| accounts[*index].id.to_string()).collect();
            ids.sort_unstable();
            let name = if ids.len() == 1 { "account" } else { "accounts" };
            let why = format!(
                "the {} of {name} {} differs from theirs only by {}; write it the same way on both sides",
                spec.name,
                ids.join(", "),
                difference(own, &other)
            );
            *found = Some(Found::Unclear(Code::KeyNearlyEqual, why));
        }
    }
}

/// What is left of a key without what people do not see or count. Zeros count in front of an address: it is another
/// mailbox.
fn shape(key: &str, spec: &FieldSpec) -> String {
    let visible = INVISIBLE.replace_all(key, "").trim().to_lowercase();
    if spec.kind == FieldKind::Email || visible.contains('@') {
        return visible;
    }
    match visible.trim_start_matches('0') {
        "" if !visible.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    }
}

fn difference(one: &str, other: &str) -> &'static str {
    let (one, other) = (INVISIBLE.replace_all(one, ""), INVISIBLE.replace_all(other, ""));
    if one.trim() == other.trim() {
        "characters that nobody sees"
    } else if one.to_lowercase() == other.to_lowercase() {
        "letter case"
    } else {
        "zeros in front"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_in_front_letter_case_and_what_nobody_sees_do_not_tell_keys_apart() {
        let text = FieldSpec::new("Nr", FieldKind::Text);
        let email = FieldSpec::new("email", FieldKind::Email);
        for (spec, one, other, near) in [
            (&text, "001001", "1001", true),
            (&text, "AB-7", "ab-7", true),
            (&text, "10\u{200b}01", "1001", true),
            (&text, "\u{feff}00AB", "ab", true),
            (&text, "000", "0", true),
            (&text, "1001", "10010", false),
            (&text, "007@example.com", "7@example.com", false),
            (&email, "0ada@example.com", "ada@example.com", false),
            (&email, "a\u{ad}da@example.com", "ada@example.com", true),
        ] {
            assert_eq!(shape(one, spec) == shape(other, spec), near, "{one:?} {other:?}");
        }
    }

    #[test]
    fn the_difference_is_named() {
        assert_eq!(difference("001", "1"), "zeros in front");
        assert_eq!(difference("Ab", "aB"), "letter case");
        assert_eq!(difference("a\u{200b}b", "ab"), "characters that nobody sees");
    }
}
