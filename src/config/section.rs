use std::fmt::Write;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One text for all spellings of a section: comments, spaces and the order of keys do not count, except in
/// `mapping`, whose order is that of columns. Without `paused`, and without the secrets that stand in it.
pub(super) fn canonical(section: &DeTable<'_>, secrets: &[Range<usize>]) -> String {
    let mut text = String::new();
    write_table(&mut text, section, secrets, |key| key != "paused", true);
    text
}

fn write_table(
    text: &mut String,
    table: &DeTable<'_>,
    secrets: &[Range<usize>],
    wanted: fn(&str) -> bool,
    sorted: bool,
) {
    let mut entries: Vec<_> = table.iter().filter(|(key, _)| wanted(key.get_ref())).collect();
    if sorted {
        entries.sort_by_key(|(key, _)| key.get_ref().as_ref());
    }
    text.push('{');
    for (key, value) in entries {
        let _ = write!(text, "{:?}=", key.get_ref());
        write_value(text, value, secrets, key.get_ref() != "mapping");
        text.push('\n');
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Spanned<DeValue<'_>>, secrets: &[Range<usize>], sorted: bool) {
    let _ = match value.get_ref() {
        DeValue::String(_) if secrets.contains(&value.span()) => write!(text, "***"),
        DeValue::String(found) => write!(text, "{found:?}"),
        DeValue::Integer(number) => write!(text, "{number}"),
        DeValue::Float(number) => write!(text, "{number}"),
        DeValue::Boolean(truth) => write!(text, "{truth}"),
        DeValue::Datetime(moment) => write!(text, "{moment}"),
        DeValue::Array(items) => {
            text.push('[');
            for item in items {
                write_value(text, item, secrets, true);
                text.push(',');
            }
            text.push(']');
            Ok(())
        }
        DeValue::Table(table) => {
            write_table(text, table, secrets, |_| true, sorted);
            Ok(())
        }
    };
}
