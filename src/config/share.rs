//! Shares of a whole and counts, as limits are written.

use toml::de::DeValue;

use crate::plan::{Limit, Share};
use crate::section::Table;

/// `"80%"`
pub(super) fn share(table: &Table<'_>, key: &str) -> Option<Share> {
    let value = table.raw(key)?;
    let Some(text) = value.get_ref().as_str() else {
        return table.wrong_type(key, value, "a share such as \"5%\"");
    };
    let share = parse(text);
    if share.is_none() {
        table.problems().error(
            value.span(),
            "wrong_value",
            format!("{} must be a share such as \"5%\" or \"2.5%\", at most \"100%\"", table.name_of(key)),
        );
    }
    share
}

/// `"5%"` or `10`
pub(super) fn limit(table: &Table<'_>, key: &str) -> Option<Limit> {
    let value = table.raw(key)?;
    match value.get_ref() {
        DeValue::Integer(_) => table.count(key).map(Limit::Count),
        DeValue::String(text) => {
            let share = parse(text);
            if share.is_none() {
                table.problems().error(
                    value.span(),
                    "wrong_value",
                    format!("{} must be a share such as \"5%\" or a count such as 10", table.name_of(key)),
                );
            }
            share.map(Limit::Share)
        }
        _ => table.wrong_type(key, value, "a share such as \"5%\" or a count such as 10"),
    }
}

/// A count of which zero makes no sense.
pub(super) fn at_least_one(table: &Table<'_>, key: &str) -> Option<u64> {
    let count = table.count(key)?;
    if count > 0 {
        return Some(count);
    }
    let place = table.raw(key).map_or_else(|| table.key_span(key), |value| value.span());
    table.problems().error(place, "wrong_value", format!("{} must be at least 1", table.name_of(key)));
    None
}

/// Percent with up to two decimals, at most a hundred.
fn parse(text: &str) -> Option<Share> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(decimals) || whole.len() > 3 || decimals.len() > 2 {
        return None;
    }
    let hundredths: u32 = format!("{decimals:0<2}").parse().ok()?;
    let share = whole.parse::<u32>().ok()? * 100 + hundredths;
    (share <= 10_000).then_some(Share(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_to_a_hundredth_of_a_percent() {
        for (text, share) in [("5%", 500), ("2.5%", 250), ("2.05 %", 205), (" 100% ", 10_000), ("0%", 0)] {
            assert_eq!(parse(text), Some(Share(share)), "{text}");
        }
        for wrong in ["", "5", "%", "-5%", "100.01%", "101%", "1.234%", "1,5%", "5.%", ".5%", "½%", "9999999999%"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
