//! Whether custom attributes are still what they were: their label, type and options, held against the last good run.
//!
//! People edit attributes in Personio without knowing who reads them. A list that became free text, or an option that is
//! called something else, turns lookups and filters into nonsense that looks like data.

use std::collections::BTreeSet;

use crate::code::Code;
use crate::employee::Attributes;
use crate::personio::{CatalogueEntry, Source};
use crate::plan::Notice;
use crate::state::KnownAttribute;

/// How many lost options are named.
const NAMED: usize = 6;

/// What became of the custom attributes that the file reads.
#[derive(Default)]
pub(super) struct AttributeLock {
    /// The keys of those that nothing may rest on.
    pub(super) held: Vec<Box<str>>,
    pub(super) notices: Vec<Notice>,
    /// What the next run holds them against.
    pub(super) attributes: Vec<KnownAttribute>,
}

impl AttributeLock {
    /// Lists the attributes, unless the file reads no custom one.
    pub(super) fn look(
        source: &dyn Source,
        attributes: &Attributes,
        known: Vec<KnownAttribute>,
        accepted: bool,
    ) -> Self {
        if attributes.custom().next().is_none() {
            return Self::default();
        }
        match source.catalogue() {
            Ok(catalogue) => Self::compare(attributes, known, &catalogue, accepted),
            // Some credentials never list them: nothing is known then, and nothing missed.
            Err(_) if known.is_empty() => Self::default(),
            Err(error) => {
                let message = format!("whether custom attributes changed was not looked at: {error}");
                let notices = vec![Notice::new(Code::AttributesUnchecked, message)];
                Self { notices, attributes: known, ..Self::default() }
            }
        }
    }

    fn compare(
        attributes: &Attributes,
        known: Vec<KnownAttribute>,
        catalogue: &[CatalogueEntry],
        accepted: bool,
    ) -> Self {
        let mut lock = Self::default();
        for key in attributes.custom() {
            let before = known.iter().find(|known| *known.key == *key);
            let now = catalogue.iter().find(|entry| entry.key == key).map(describe);
            match (before, now) {
                (Some(before), Some(now)) => lock.hold_against(before, now, accepted),
                // Not granted at the moment: what comes back is held against what was there.
                (Some(before), None) => lock.attributes.push(before.clone()),
                (None, Some(now)) => lock.attributes.push(now),
                (None, None) => {}
            }
        }
        lock
    }

    fn hold_against(&mut self, before: &KnownAttribute, now: KnownAttribute, accepted: bool) {
        if before.label != now.label {
            let message = format!("`{}` was called `{}` and is called `{}` now", now.key, before.label, now.label);
            self.notices.push(Notice::new(Code::AttributeRenamed, message));
        }
        match breaks(before, &now).filter(|_| !accepted) {
            None => self.attributes.push(now),
            Some(why) => {
                let message = format!(
                    "`{}` ({}) {why}, so whatever uses it is left as it is; once the file fits, run sync with \
                     --accept-attributes",
                    now.key, now.label
                );
                self.notices.push(Notice::new(Code::AttributeChanged, message));
                self.held.push(now.key.clone());
                self.attributes.push(KnownAttribute { label: now.label, ..before.clone() });
            }
        }
    }
}

/// Personio spells the same type in several cases.
fn describe(entry: &CatalogueEntry) -> KnownAttribute {
    KnownAttribute {
        key: entry.key.as_str().into(),
        label: entry.label.as_str().into(),
        kind: entry.kind.to_lowercase().into(),
        options: entry.options.iter().map(|option| option.as_str().into()).collect(),
    }
}

/// What changed so that values may mean something else. A new option does not, nor does a type that is not said.
fn breaks(before: &KnownAttribute, now: &KnownAttribute) -> Option<String> {
    if before.kind != now.kind && !before.kind.is_empty() && !now.kind.is_empty() {
        return Some(format!("was of the type `{}` and is of the type `{}` now", before.kind, now.kind));
    }
    let lost: BTreeSet<&str> = before.options.difference(&now.options).map(AsRef::as_ref).collect();
    let (first, more) = (lost.iter().take(NAMED), if lost.len() > NAMED { ", …" } else { "" });
    let named: Vec<String> = first.map(|option| format!("`{option}`")).collect();
    let word = if lost.len() == 1 { "option" } else { "options" };
    (!lost.is_empty()).then(|| format!("lost the {word} {}{more}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `label:type:option,option`
    fn entry(described: &str) -> CatalogueEntry {
        let parts: Vec<&str> = described.split(':').collect();
        CatalogueEntry {
            key: "dynamic_1".into(),
            label: parts[0].into(),
            kind: parts[1].into(),
            universal_id: None,
            options: parts[2].split(',').filter(|option| !option.is_empty()).map(String::from).collect(),
        }
    }

    fn compare(before: Option<&str>, now: Option<&str>, accepted: bool) -> (AttributeLock, Vec<&'static str>) {
        let known = before.map(|before| describe(&entry(before))).into_iter().collect();
        let catalogue: Vec<CatalogueEntry> = now.map(entry).into_iter().collect();
        let lock = AttributeLock::compare(&Attributes::new(["dynamic_1", "email"]), known, &catalogue, accepted);
        let codes = lock.notices.iter().map(|notice| notice.code.as_str()).collect();
        (lock, codes)
    }

    #[test]
    fn a_label_is_told_and_a_type_or_a_lost_option_holds() {
        const LEVEL: &str = "Level:list:L1,L2";
        let (renamed, changed) = ("attribute_renamed", "attribute_changed");
        // before, now, notices, words of the last one, what is remembered
        type Row<'a> = (Option<&'a str>, Option<&'a str>, &'a [&'a str], &'a str, Option<&'a str>);
        let table: &[Row<'_>] = &[
            (None, Some(LEVEL), &[], "", Some(LEVEL)),
            (Some(LEVEL), Some(LEVEL), &[], "", Some(LEVEL)),
            (Some(LEVEL), Some("Level:LIST:L2,L1,L3"), &[], "", Some("Level:list:L1,L2,L3")),
            (
                Some(LEVEL),
                Some("Grade:list:L1,L2"),
                &[renamed],
                "`Level` and is called `Grade`",
                Some("Grade:list:L1,L2"),
            ),
            (Some(LEVEL), Some("Level:standard:"), &[changed], "`list` and is of the type `standard`", Some(LEVEL)),
            (Some(LEVEL), Some("Level:list:L1"), &[changed], "lost the option `L2`,", Some(LEVEL)),
            (Some(LEVEL), Some("Level:list:"), &[changed], "lost the options `L1`, `L2`,", Some(LEVEL)),
            (Some(LEVEL), Some("Grade:list:L1"), &[renamed, changed], "(Grade) lost", Some("Grade:list:L1,L2")),
            // Not said is not changed.
            (Some("Level::"), Some(LEVEL), &[], "", Some(LEVEL)),
            (Some(LEVEL), Some("Level::L1,L2"), &[], "", Some("Level::L1,L2")),
            // What is not granted for a while is not forgotten.
            (Some(LEVEL), None, &[], "", Some(LEVEL)),
            (None, None, &[], "", None),
        ];
        for (before, now, notices, words, remembered) in table {
            let (lock, codes) = compare(*before, *now, false);
            assert_eq!(codes, *notices, "{before:?} {now:?}");
            let held: &[&str] = if notices.contains(&changed) { &["dynamic_1"] } else { &[] };
            assert_eq!(lock.held.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), held, "{before:?} {now:?}");
            let message = lock.notices.last().map_or("", |notice| &notice.message);
            assert!(message.contains(words), "{message}");
            let expected: Vec<KnownAttribute> = remembered.iter().map(|known| describe(&entry(known))).collect();
            assert_eq!(lock.attributes, expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn what_is_accepted_is_what_counts_from_then_on() {
        let (lock, codes) = compare(Some("Level:list:L1,L2"), Some("Level:standard:"), true);
        assert_eq!((codes.len(), lock.held.len()), (0, 0));
        assert_eq!(lock.attributes, [describe(&entry("Level:standard:"))]);
    }
}
