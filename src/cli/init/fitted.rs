//! A starter file for the account that it is written for: its custom attributes by name, and a mapping of what the
//! credential may read.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;

use crate::config::why_no_alias;
use crate::output::visible::cut;
use crate::personio::CatalogueEntry;
use crate::rules::{Expression, Tables, Vocabulary};

/// How many letters of a label stand beside its alias.
const LABEL: usize = 60;

/// The attributes of an account, and what this file calls those that have only a number.
pub(in crate::cli) struct Account<'c> {
    catalogue: &'c [CatalogueEntry],
    aliases: BTreeMap<String, &'c CatalogueEntry>,
    vocabulary: Vocabulary,
}

/// What a mapping would fill and cannot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Attributes that the credential may not read.
    pub(super) unreadable: BTreeSet<String>,
    /// Fields that take an attribute of the account's own, of which none has the name.
    pub(super) unfilled: BTreeSet<String>,
}

impl<'c> Account<'c> {
    pub(super) fn new(catalogue: &'c [CatalogueEntry]) -> Self {
        let mut aliases: BTreeMap<String, &CatalogueEntry> = BTreeMap::new();
        for entry in catalogue.iter().filter(|entry| entry.key.starts_with("dynamic_")) {
            let name = alias(&entry.label);
            let numbered = (2..).map(|number| format!("{name}_{number}"));
            let free = |name: &String| !aliases.contains_key(name) && why_no_alias(name, None).is_none();
            if !name.is_empty()
                && let Some(name) = std::iter::once(name.clone()).chain(numbered.take(99)).find(free)
            {
                aliases.insert(name, entry);
            }
        }
        Self { catalogue, aliases, vocabulary: Vocabulary::new(None::<Vec<Box<str>>>, BTreeMap::new(), Tables::new()) }
    }

    /// The section with the names of custom attributes; nothing where there are none.
    pub(super) fn aliases(&self) -> String {
        if self.aliases.is_empty() {
            return String::new();
        }
        let mut text = "# Your custom attributes by their labels, for expressions.\n[personio.aliases]\n".to_owned();
        for (alias, entry) in &self.aliases {
            text.push_str(&format!("{alias} = \"{}\"   # {}\n", entry.key, cut(&entry.label, LABEL)));
        }
        text
    }

    /// A starter's section whose mapping reads only what this credential may read, and what it leaves out. A mapped line with
    /// the number of another account's attribute takes the attribute with the field's name or meaning, where there is one.
    pub(super) fn fit(&self, starter: &str, left_out: &mut LeftOut) -> String {
        let (mut text, mut is_mapping) = (String::new(), false);
        for line in starter.lines() {
            if line.starts_with('[') {
                is_mapping = line.ends_with(".mapping]");
            }
            let fitted = if is_mapping { self.line(line, left_out) } else { line.to_owned() };
            text.push_str(&fitted);
            text.push('\n');
        }
        text
    }

    fn line(&self, line: &str, left_out: &mut LeftOut) -> String {
        let Some((field, source)) = entry(line) else { return line.to_owned() };
        let Ok(expression) = Expression::compile(&source, &self.vocabulary) else { return line.to_owned() };
        let mut fitted = line.to_owned();
        for attribute in expression.variables().iter().filter_map(|variable| variable.attribute()) {
            if self.catalogue.iter().any(|entry| entry.key == attribute) {
                continue;
            }
            let by_name = self.aliases.iter().find(|(alias, entry)| {
                **alias == field || entry.universal_id.as_deref().is_some_and(|meaning| meaning == field)
            });
            match by_name.filter(|_| attribute.starts_with("dynamic_")) {
                Some((alias, _)) => fitted = fitted.replacen(attribute, alias, 1),
                None => {
                    match attribute.starts_with("dynamic_") {
                        true => left_out.unfilled.insert(field),
                        false => left_out.unreadable.insert(attribute.into()),
                    };
                    return format!("# {line}");
                }
            }
        }
        fitted
    }
}

/// The field and the expression of a line such as `city = "dynamic_104"`.
fn entry(line: &str) -> Option<(String, String)> {
    let document: toml_edit::DocumentMut = line.parse().ok()?;
    let (field, value) = document.iter().next()?;
    let source = value.as_str().or_else(|| value.get("from")?.as_str())?;
    Some((field.to_owned(), source.to_owned()))
}

/// A label as a name for expressions: `NI-Nummer (UK)` is `ni_nummer_uk`.
fn alias(label: &str) -> String {
    let mut name = String::new();
    for letter in label.to_lowercase().nfd() {
        match letter {
            'ß' => name.push_str("ss"),
            'a'..='z' | '0'..='9' => name.push(letter),
            // What is left of an umlaut.
            '\u{300}'..='\u{36f}' => {}
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    let name = name.trim_end_matches('_');
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("attribute_{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readable(key: &str, label: &str, meaning: Option<&str>) -> CatalogueEntry {
        CatalogueEntry {
            key: key.into(),
            label: label.into(),
            kind: "standard".into(),
            universal_id: meaning.map(Into::into),
            options: Vec::new(),
        }
    }

    #[test]
    fn a_label_is_a_name_for_expressions() {
        for (label, name) in [
            ("NI number", "ni_number"),
            ("Straße & Hausnr.", "strasse_hausnr"),
            ("Größe (T-Shirt)", "grosse_t_shirt"),
            ("2nd address", "attribute_2nd_address"),
            ("生年月日", ""),
        ] {
            assert_eq!(alias(label), name);
        }
    }

    #[test]
    fn attributes_that_share_a_label_or_take_a_word_are_told_apart() {
        let catalogue = [
            readable("dynamic_1", "Shoe size", None),
            readable("dynamic_2", "shoe-size", None),
            readable("dynamic_3", "Email", None),
            readable("email", "E-mail", None),
        ];
        let text = Account::new(&catalogue).aliases();
        assert!(text.contains("shoe_size = \"dynamic_1\"") && text.contains("shoe_size_2 = \"dynamic_2\""), "{text}");
        assert!(text.contains("email_2 = \"dynamic_3\""), "an alias hides no attribute: {text}");
        assert_eq!(Account::new(&catalogue[3..]).aliases(), "");
    }

    #[test]
    fn a_mapping_reads_what_may_be_read() {
        let catalogue = [
            readable("email", "E-mail", None),
            readable("first_name", "First name", None),
            readable("dynamic_7", "City", None),
            readable("dynamic_8", "Geburtstag", Some("date_of_birth")),
        ];
        let starter = "\
[targets.desk]
include = [\"office == 'Berlin'\"]

[targets.desk.mapping]
first_name    = \"first_name\"
work_email    = { from = \"email | lower\", on_invalid = \"keep\" }
number        = \"employee_id\"
job_title     = \"position\"
city          = \"dynamic_104\"
date_of_birth = \"dynamic_102\"
post_code     = \"dynamic_105\"
# untouched   = \"gender\"
";
        let mut left_out = LeftOut::default();
        let text = Account::new(&catalogue).fit(starter, &mut left_out);
        let expected = "\
[targets.desk]
include = [\"office == 'Berlin'\"]

[targets.desk.mapping]
first_name    = \"first_name\"
work_email    = { from = \"email | lower\", on_invalid = \"keep\" }
number        = \"employee_id\"
# job_title     = \"position\"
city          = \"city\"
date_of_birth = \"geburtstag\"
# post_code     = \"dynamic_105\"
# untouched   = \"gender\"
";
        assert_eq!(text, expected);
        assert_eq!(left_out.unreadable, BTreeSet::from(["position".to_owned()]));
        assert_eq!(left_out.unfilled, BTreeSet::from(["post_code".to_owned()]));
    }
}
