//! What experts may see of people: the attributes that the credential "Conversations" lets through. Pure.

use std::collections::BTreeSet;

/// Where Personio lists what Conversations may read.
pub const PLACE: &str = "Settings > Integrations > API credentials > Conversations";

/// What makes an attribute sensitive, and the words that name it, in the languages that Personio is used in.
const SENSITIVE: &[(&str, &[&str])] = &[
    ("pay", &["salary", "gehalt", "lohn", "salaire", "salaris", "compensation", "bonus", "wage", "vergütung"]),
    ("bank account", &["iban", "bic", "bank", "swift", "konto", "rekening", "account_number", "sort_code"]),
    ("health", &["health", "disab", "sick", "medical", "insurance", "krank", "behinder", "gesundheit", "ziekte"]),
    ("religion", &["religio", "church", "kirche", "konfession", "confession", "kerk"]),
    (
        "identity document or number",
        &["passport", "tax_id", "social_security", "national_insurance", "ni_number", "nino", "bsn", "steuer", "ssn"],
    ),
    ("family", &["marital", "child", "kinder", "familien", "civil_status", "spouse"]),
    ("private address", &["private_address", "home_address", "privat", "emergency", "notfall"]),
    ("birth", &["birth", "geburt", "naissance", "geboorte"]),
    ("origin", &["nationality", "citizenship", "ethnic", "staatsang", "nationalité"]),
];

/// Words so short that they count as words of their own only.
const WHOLE_WORD: usize = 4;

/// What makes an attribute sensitive, if its name or its universal id says so.
pub fn sensitive(attribute: &str) -> Option<&'static str> {
    let name = attribute.to_lowercase().replace([' ', '-', '.'], "_");
    let says = |word: &str| {
        if word.chars().count() > WHOLE_WORD { name.contains(word) } else { name.split('_').any(|part| part == word) }
    };
    SENSITIVE.iter().find(|(_, words)| words.iter().any(|word| says(word))).map(|(what, _)| *what)
}

/// How what is allowed differs from what is declared.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Allowance {
    /// Let through and not declared: to be unticked.
    pub too_much: Vec<String>,
    /// Declared and not let through: to be ticked, or taken out of the file.
    pub missing: Vec<String>,
    /// Let through, sensitive, each with what makes it so.
    pub sensitive: Vec<(String, &'static str)>,
}

/// Compares what a credential lets through with what the file declares. Each allowed attribute comes with its
/// key and its other names (label, universal id), all of which are looked at.
pub fn compare(allowed: &[Vec<String>], declared: &[String]) -> Allowance {
    let declared: BTreeSet<&str> = declared.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = allowed.iter().flatten().map(String::as_str).collect();
    let mut found = Allowance::default();
    for names in allowed {
        let Some(key) = names.first() else { continue };
        // Personio delivers the id whatever is ticked.
        if key != "id" && !names.iter().any(|name| declared.contains(name.as_str())) {
            found.too_much.push(key.clone());
        }
        if let Some(what) = names.iter().find_map(|name| sensitive(name)) {
            found.sensitive.push((key.clone(), what));
        }
    }
    found.missing = declared.iter().filter(|name| !known.contains(*name)).map(|name| (*name).to_owned()).collect();
    found.too_much.sort();
    found.sensitive.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_attributes_are_known_by_name_and_universal_id() {
        for (name, what) in [
            ("fix_salary", Some("pay")),
            ("Bruttogehalt", Some("pay")),
            ("IBAN", Some("bank account")),
            ("Bank account holder", Some("bank account")),
            ("health-insurance", Some("health")),
            ("Religionszugehörigkeit", Some("religion")),
            ("ni_number", Some("identity document or number")),
            ("BSN", Some("identity document or number")),
            ("birth_date", Some("birth")),
            ("nationality", Some("origin")),
            ("department", None),
            ("office", None),
            ("arabic", None),
            ("position", None),
            ("last_name", None),
        ] {
            assert_eq!(sensitive(name), what, "{name}");
        }
    }

    #[test]
    fn what_is_allowed_is_held_against_what_is_declared() {
        let allowed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let all = [
            allowed(&["first_name"]),
            allowed(&["dynamic_7", "Shoe size"]),
            allowed(&["dynamic_9", "Field 9", "iban"]),
            allowed(&["office", "Office"]),
        ];
        let declared = allowed(&["first_name", "Office", "team"]);
        let found = compare(&all, &declared);
        assert_eq!(found.too_much, ["dynamic_7", "dynamic_9"]);
        assert_eq!(found.missing, ["team"]);
        assert_eq!(found.sensitive, [("dynamic_9".to_owned(), "bank account")]);
    }
}
