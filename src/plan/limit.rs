//! Shares of a whole and limits, as they are written.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A share of a whole, in hundredths of a percent, so that comparing is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(
    inline,
    with = "String",
    title = "share",
    description = "A share in percent, such as \"5%\"",
    extend("pattern" = "^ *[0-9]{1,3}(\\.[0-9]{1,2})? *% *$")
)]
pub struct Share(pub u32);

/// A limit: a number, or a share of those that are linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(inline, untagged, title = "share or number", description = "A share such as \"5%\" or a count such as 10")]
pub enum Limit {
    /// So many.
    Count(u64),
    /// Such a share.
    Share(Share),
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match hundredths {
            0 => serializer.collect_str(&format_args!("{whole}%")),
            _ => serializer.collect_str(&format_args!("{whole}.{hundredths:02}%")),
        }
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Share;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share such as \"5%\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Share, E> {
                let why = "must be a share such as \"5%\" or \"2.5%\", at most \"100%\"";
                parse(text).ok_or_else(|| E::custom(why))
            }
        }

        deserializer.deserialize_any(Text)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrCount;

        impl Visitor<'_> for TextOrCount {
            type Value = Limit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a share such as \"5%\" or a count such as 10")
            }

            fn visit_u64<E>(self, count: u64) -> Result<Limit, E> {
                Ok(Limit::Count(count))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
                let share = parse(text).map(Limit::Share);
                share.ok_or_else(|| E::custom("must be a share such as \"5%\" or a count such as 10"))
            }
        }

        deserializer.deserialize_any(TextOrCount)
    }
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
